/* The form of the tracker's records. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "core/record.h"
#include "core/record_stream.h"

#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define Z64 "0000000000000000000000000000000000000000000000000000000000000000"
#define H40 "0123456789abcdef0123456789abcdef01234567"
#define H32 "0123456789abcdef0123456789abcdef"
#define UUID "6f1c2a3b-0000-4000-8000-0123456789ab"

/* The parts of a line; tests put one together with one of them changed. */
#define SEQ "0000000012"
#define PREV " prev=" H64
#define VERSION_FIELD " v=1"
#define EVENT " event=applied"
#define MIGRATION " path=a.sql blob=" H40 " sha256=" H64 " commit=" H40
#define HEAD " head=" H40
#define AT " at=2026-11-22T07:20:11.123Z"
#define BY " by=ci%20bot"
#define RUN " run=" H32
#define ENGINE " engine=postgresql/15.20"
#define TARGET " target=" UUID
#define TOOL " tool=git-migrate/1.0"
#define START SEQ PREV VERSION_FIELD
#define TAIL HEAD AT BY RUN ENGINE TARGET TOOL
#define LINE START EVENT MIGRATION TAIL

static int parse(struct record *r, struct pool *pool, const char *line, struct err *err)
{
	return record_parse(r, pool, line, strlen(line), err);
}

static void assert_accepted(const char *line)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record r;

	if (parse(&r, &pool, line, &err) < 0)
		fail_msg("%s\n%s", err.message, line);
	assert_string_equal(r.line, line);
	assert_int_equal(r.line_len, strlen(line));
	pool_release(&pool);
}

static void assert_refused(const char *line, const char *message)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record r;

	if (parse(&r, &pool, line, &err) == 0)
		fail_msg("not refused: %s", line);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.message, message);
	pool_release(&pool);
}

static void reads_a_line(UNUSED void **state)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	char hash[SHA256_HEXSZ + 1];
	struct record r;
	int f, present = 0;

	assert_int_equal(parse(&r, &pool, LINE " fixes=b.sql fixes=c.sql ms=15", &err),
			 0);
	assert_int_equal(r.seq, 12);
	assert_int_equal(r.event, EVENT_APPLIED);
	assert_string_equal(r.field[FIELD_PREV], H64);
	assert_string_equal(r.field[FIELD_V], "1");
	assert_string_equal(r.field[FIELD_EVENT], "applied");
	assert_string_equal(r.field[FIELD_PATH], "a.sql");
	assert_string_equal(r.field[FIELD_BLOB], H40);
	assert_string_equal(r.field[FIELD_BY], "ci bot");
	assert_string_equal(r.field[FIELD_AT], "2026-11-22T07:20:11.123Z");
	assert_string_equal(r.field[FIELD_TARGET], UUID);
	assert_string_equal(r.field[FIELD_TOOL], "git-migrate/1.0");
	assert_string_equal(r.field[FIELD_FIXES], "b.sql");
	assert_string_equal(r.field[FIELD_MS], "15");
	for (f = 0; f < FIELD_NR; f++)
		present += r.field[f] != NULL;
	assert_int_equal(present, 16);
	sha256_hex(LINE " fixes=b.sql fixes=c.sql ms=15\n",
		   strlen(LINE " fixes=b.sql fixes=c.sql ms=15\n"), hash);
	assert_string_equal(r.hash, hash);
	pool_release(&pool);
}

/* printf '<line>\n' | sha256sum; this digest must never change. */
static void hash_is_for_ever(UNUSED void **state)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record r;

	assert_int_equal(parse(&r, &pool, LINE, &err), 0);
	assert_string_equal(r.hash, "bb74508f7d06c99a56ab253b4a265604cbfd826c8b1a0d7daa5f"
				    "e2312464f1da");
	pool_release(&pool);
}

static void fill(struct record *r, enum event event)
{
	memset(r, 0, sizeof(*r));
	r->seq = 12;
	r->event = event;
	r->field[FIELD_PREV] = H64;
	if (event_has_migration(event)) {
		r->field[FIELD_PATH] = "a.sql";
		r->field[FIELD_BLOB] = H40;
		r->field[FIELD_SHA256] = H64;
		r->field[FIELD_COMMIT] = H40;
	}
	r->field[FIELD_HEAD] = H40;
	r->field[FIELD_AT] = "2026-11-22T07:20:11.123Z";
	r->field[FIELD_BY] = "ci bot";
	r->field[FIELD_RUN] = H32;
	r->field[FIELD_ENGINE] = "postgresql/15.20";
	r->field[FIELD_TARGET] = UUID;
	r->field[FIELD_TOOL] = "git-migrate/1.0";
}

static void seals_a_line(UNUSED void **state)
{
	struct pool pool = { 0 };
	struct record r;

	fill(&r, EVENT_APPLIED);
	record_seal(&r, &pool);
	assert_string_equal(r.line, LINE);
	assert_int_equal(r.line_len, strlen(LINE));
	assert_string_equal(r.hash, "bb74508f7d06c99a56ab253b4a265604cbfd826c8b1a0d7daa5f"
				    "e2312464f1da");
	assert_string_equal(r.field[FIELD_V], "1");
	assert_string_equal(r.field[FIELD_EVENT], "applied");
	assert_string_equal(r.field[FIELD_BY], "ci bot");
	assert_int_equal(r.seq, 12);
	fill(&r, EVENT_RAN);
	r.seq = 9999999999;
	r.field[FIELD_BY] = "";
	record_seal(&r, &pool);
	assert_string_equal(r.line, "9999999999" PREV VERSION_FIELD " event=ran" HEAD AT
				    " by=" RUN ENGINE TARGET TOOL);
	pool_release(&pool);
}

/* A small generator, so that a failure can be had again. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void random_text(char *text, size_t room, uint32_t *seed)
{
	size_t len = 1 + next_random(seed) % (room - 1), i;

	for (i = 0; i < len; i++)
		text[i] = (char)(1 + next_random(seed) % 255);
	text[len] = '\0';
}

static void random_fields_come_back(UNUSED void **state)
{
	static const enum field texts[] = { FIELD_BY,	 FIELD_RUN,    FIELD_ENGINE,
					    FIELD_TOOL,	 FIELD_SERVER, FIELD_FIXES,
					    FIELD_REASON };
	char text[ARRAY_SIZE(texts)][200], number[24];
	uint32_t seed = 20261122;
	int round;

	for (round = 0; round < 2000; round++) {
		struct pool pool = { 0 };
		struct err err = { 0 };
		struct record r, back;
		size_t i;
		int f;

		fill(&r, (enum event)(EVENT_APPLIED + round % 8));
		r.seq = 1 + next_random(&seed);
		for (i = 0; i < ARRAY_SIZE(texts); i++) {
			random_text(text[i], sizeof(text[i]), &seed);
			r.field[texts[i]] = text[i];
		}
		snprintf(number, sizeof(number), "%u", next_random(&seed));
		r.field[FIELD_MS] = number;
		record_seal(&r, &pool);
		assert_int_equal(parse(&back, &pool, r.line, &err), 0);
		for (i = 0; i < ARRAY_SIZE(texts); i++)
			assert_string_equal(back.field[texts[i]], text[i]);
		for (f = 0; f < FIELD_NR; f++)
			assert_int_equal(!back.field[f], !r.field[f]);
		assert_int_equal(back.seq, r.seq);
		assert_int_equal(back.event, r.event);
		assert_string_equal(back.hash, r.hash);
		back.line = NULL;
		record_seal(&back, &pool);
		assert_string_equal(back.line, r.line);
		pool_release(&pool);
	}
}

/* Each byte has one form and no other. */
static void every_byte(UNUSED void **state)
{
	char line[2000];
	int c;

	for (c = 1; c < 256; c++) {
		bool escaped = c <= ' ' || c > '~' || c == '%' || c == '\\';
		char text[2] = { (char)c, '\0' };
		struct pool pool = { 0 };
		struct err err = { 0 };
		struct record r;

		fill(&r, EVENT_APPLIED);
		r.field[FIELD_BY] = text;
		record_seal(&r, &pool);
		snprintf(line, sizeof(line),
			 START EVENT MIGRATION HEAD AT
			 " by=%s%.*X" RUN ENGINE TARGET TOOL,
			 escaped ? "%" : text, escaped ? 2 : 0,
			 escaped ? (unsigned)c : 0);
		assert_string_equal(r.line, line);
		assert_int_equal(parse(&r, &pool, line, &err), 0);
		assert_string_equal(r.field[FIELD_BY], text);
		snprintf(line, sizeof(line),
			 START EVENT MIGRATION HEAD AT
			 " by=%%%02X" RUN ENGINE TARGET TOOL,
			 (unsigned)c);
		assert_int_equal(parse(&r, &pool, line, &err), escaped ? 0 : -1);
		pool_release(&pool);
	}
}

static void long_reason_is_cut(UNUSED void **state)
{
	struct pool pool = { 0 };
	struct buf b = BUF_INIT;
	struct record r;
	size_t lead;

	for (lead = 0; lead < 3; lead++) {
		buf_reset(&b);
		buf_add(&b, "xx", lead);
		while (b.len < 200000)
			buf_adds(&b, "\xc3\xa9");
		fill(&r, EVENT_ABANDONED);
		r.field[FIELD_REASON] = b.s;
		record_seal(&r, &pool);
		assert_true(strlen(r.field[FIELD_REASON]) <= 2000);
		assert_true(strlen(r.field[FIELD_REASON]) > 1990);
		assert_string_equal(r.field[FIELD_REASON] +
					    strlen(r.field[FIELD_REASON]) - 5,
				    "\xc3\xa9...");
		assert_true(r.line_len < RECORD_LINE_MAX);
	}
	pool_release(&pool);
	buf_release(&b);
}

static void events(UNUSED void **state)
{
	enum event back;
	int e, settle = 0;

	for (e = 0; e < EVENT_NR; e++) {
		struct pool pool = { 0 };
		struct record r;

		assert_int_equal(event_parse(event_name((enum event)e), &back), 0);
		assert_int_equal(back, e);
		settle += event_settles((enum event)e);
		fill(&r, (enum event)e);
		r.field[FIELD_OLD] = "12:" H64;
		r.field[FIELD_FROM] = UUID ":0000000012:" H64;
		r.field[FIELD_REASON] = "because";
		record_seal(&r, &pool);
		assert_accepted(r.line);
		pool_release(&pool);
	}
	assert_int_equal(settle, 4);
	assert_int_equal(event_parse("Applied", &back), -1);
	assert_int_equal(event_parse("", &back), -1);
}

/* What each event cannot do without, one field at a time. */
static void demanded_fields(UNUSED void **state)
{
	int e, f;

	for (e = 0; e < EVENT_NR; e++) {
		for (f = 0; f < FIELD_NR; f++) {
			struct pool pool = { 0 };
			struct buf line = BUF_INIT;
			struct err err = { 0 };
			struct record r;
			char *at, *end;
			bool optional;

			fill(&r, (enum event)e);
			r.field[FIELD_OLD] = "12:" H64;
			r.field[FIELD_FROM] = UUID ":12:" H64;
			r.field[FIELD_REASON] = "because";
			record_seal(&r, &pool);
			buf_addf(&line, " %s=", field_name((enum field)f));
			at = strstr(r.line, line.s);
			buf_reset(&line);
			if (!at) { /* not one that this event has */
				buf_release(&line);
				pool_release(&pool);
				continue;
			}
			end = at + 1 + strcspn(at + 1, " ");
			buf_add(&line, r.line, (size_t)(at - r.line));
			buf_adds(&line, end);
			optional = (f == FIELD_OLD && e != EVENT_RESTORED) ||
				   (f == FIELD_FROM && e != EVENT_CLONED) ||
				   (f == FIELD_REASON && e != EVENT_RESTORED &&
				    e != EVENT_CLONED && e != EVENT_EXCEPTED &&
				    e != EVENT_ABANDONED);
			assert_int_equal(parse(&r, &pool, line.s, &err),
					 optional ? 0 : -1);
			if (!optional) {
				buf_reset(&line);
				buf_addf(&line, "record 12: field '%s' is missing",
					 field_name((enum field)f));
				assert_string_equal(err.message, line.s);
			}
			buf_release(&line);
			pool_release(&pool);
		}
	}
}

static void refuses_sequence_numbers(UNUSED void **state)
{
	assert_accepted(LINE);
	assert_accepted("0000000001" PREV VERSION_FIELD EVENT MIGRATION TAIL);
	assert_accepted("9999999999" PREV VERSION_FIELD EVENT MIGRATION TAIL);
	assert_refused("0000000000" PREV VERSION_FIELD EVENT MIGRATION TAIL,
		       "record: sequence numbers begin at 1");
	assert_refused("000000012" PREV VERSION_FIELD EVENT MIGRATION TAIL,
		       "record: does not begin with a number of 10 digits");
	assert_refused("+000000012" PREV VERSION_FIELD EVENT MIGRATION TAIL,
		       "record: does not begin with a number of 10 digits");
	assert_refused(" " LINE, "record: does not begin with a number of 10 digits");
	assert_refused("", "record: does not begin with a number of 10 digits");
	assert_refused("00000000012" PREV VERSION_FIELD EVENT MIGRATION TAIL,
		       "record 1: no blank behind the sequence number");
	assert_refused(SEQ, "record 12: field 'event' is missing");
}

static void refuses_bytes(UNUSED void **state)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record r;
	struct buf b = BUF_INIT;

	assert_refused(LINE "\n", "record: byte 0x0a at column 488");
	assert_refused(SEQ "\t", "record: byte 0x09 at column 11");
	assert_refused(SEQ " x=\\", "record: byte 0x5c at column 14");
	assert_refused(SEQ " x=\x7f", "record: byte 0x7f at column 14");
	assert_refused(SEQ " x=\xc3\xa9", "record: byte 0xc3 at column 14");
	assert_int_equal(record_parse(&r, &pool, LINE "\0", sizeof(LINE), &err), -1);
	assert_string_equal(err.message, "record: byte 0x00 at column 488");
	/* the longest line, and one byte more */
	buf_adds(&b, LINE " x=");
	while (b.len < RECORD_LINE_MAX)
		buf_addc(&b, 'x');
	assert_accepted(b.s);
	buf_addc(&b, 'x');
	assert_refused(b.s, "record: longer than 65536 bytes");
	buf_release(&b);
	pool_release(&pool);
}

static void refuses_newer_ones(UNUSED void **state)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record r;

	assert_refused(SEQ PREV " v=2 frobbed",
		       "record 12: version '2' was written by a newer git-migrate");
	assert_refused(START " event=frobbed more",
		       "record 12: event 'frobbed' was written by a newer git-migrate");
	assert_int_equal(parse(&r, &pool, SEQ PREV " v=2", &err), -1);
	assert_string_equal(err.advice, "newerRecord");
	pool_release(&pool);
}

static void refuses_order(UNUSED void **state)
{
	assert_accepted(LINE " fixes=a fixes=b ms=1");
	assert_refused(LINE " ms=1 fixes=a", "record 12: field 'fixes' is out of order");
	assert_refused(LINE " ms=1 ms=1", "record 12: field 'ms' stands twice");
	assert_refused(START EVENT EVENT MIGRATION TAIL,
		       "record 12: field 'event' stands twice");
	assert_refused(SEQ PREV EVENT VERSION_FIELD MIGRATION TAIL,
		       "record 12: field 'v' is out of order");
	assert_refused(LINE " x=1 ms=1", "record 12: field 'ms' is out of order");
	assert_refused(START EVENT " x=1" MIGRATION TAIL,
		       "record 12: field 'path' is out of order");
	assert_refused(LINE " x=1 by=a", "record 12: field 'by' stands twice");
}

static void refuses_shapes(UNUSED void **state)
{
	assert_refused(LINE " ", "record 12: a field without a name");
	assert_refused(START "  event=applied", "record 12: a field without a name");
	assert_refused(LINE " ms", "record 12: a field without a name");
	assert_refused(LINE " =1", "record 12: a field without a name");
	assert_refused(LINE " Ms=1", "record 12: a field without a name");
	assert_refused(LINE " m_s=1", "record 12: a field without a name");
	assert_refused(LINE " 1x=1", "record 12: a field without a name");
	assert_refused(LINE " -x=1", "record 12: a field without a name");
	assert_accepted(LINE " x=1");
}

static void refuses_values(UNUSED void **state)
{
	static const struct {
		const char *field, *message;
	} samples[] = {
		{ "ms=0", NULL },
		{ "ms=123456789012345678", NULL },
		{ "ms=", "record 12: field 'ms' is not a number" },
		{ "ms=01", "record 12: field 'ms' is not a number" },
		{ "ms=-1", "record 12: field 'ms' is not a number" },
		{ "ms=1234567890123456789", "record 12: field 'ms' is not a number" },
		{ "line=1x", "record 12: field 'line' is not a number" },
		{ "statements=3", NULL },
		{ "sqlstate=42P01", NULL },
		{ "sqlstate=%1B[31m",
		  "record 12: field 'sqlstate' is not a code of letters and digits" },
		{ "fixes=", "record 12: field 'fixes' is empty" },
		{ "reason=", "record 12: field 'reason' is empty" },
		{ "server=", NULL },
		{ "old=12:" H64, NULL },
		{ "old=0000000012:" H64, NULL },
		{ "old=:" H64, "record 12: field 'old' is not <seq>:<hash>" },
		{ "old=12:" H40, "record 12: field 'old' is not <seq>:<hash>" },
		{ "old=00000000012:" H64, "record 12: field 'old' is not <seq>:<hash>" },
		{ "from=" UUID ":1:" H64, NULL },
		{ "from=" UUID, "record 12: field 'from' is not <uuid>:<seq>:<hash>" },
		{ "from=1:" H64, "record 12: field 'from' is not <uuid>:<seq>:<hash>" },
		{ "reason=a%20b", NULL },
		{ "reason=%", "record 12: field 'reason' has a broken escape" },
		{ "reason=%2", "record 12: field 'reason' has a broken escape" },
		{ "reason=%2g", "record 12: field 'reason' has a broken escape" },
		{ "reason=%c3", "record 12: field 'reason' has a broken escape" },
		{ "reason=%41",
		  "record 12: field 'reason' escapes a byte that needs none" },
		{ "reason=%3D",
		  "record 12: field 'reason' escapes a byte that needs none" },
		{ "reason=a=b", NULL },
		{ "reason=%00", "record 12: field 'reason' has a NUL byte" },
		{ "durations=a.sql:3,b.sql:1", NULL },
		{ "durations=", "record 12: field 'durations' is empty" },
		{ "schema=1:" H64, NULL },
		{ "schema=" H64, "record 12: field 'schema' is not <form>:<sha256>" },
		{ "schema=1:" H40, "record 12: field 'schema' is not <form>:<sha256>" },
		{ "x=%zz%41%", NULL }, /* a field of others is kept as it is */
		{ "x= y= x=1", NULL },
	};
	struct buf line = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		buf_reset(&line);
		buf_addf(&line, "%s %s", LINE, samples[i].field);
		if (samples[i].message)
			assert_refused(line.s, samples[i].message);
		else
			assert_accepted(line.s);
	}
	buf_release(&line);
}

static void refuses_ids_and_times(UNUSED void **state)
{
	static const struct {
		const char *from, *to, *message;
	} samples[] = {
		{ PREV, " prev=" Z64, NULL },
		{ PREV, " prev=" H40, "record 12: field 'prev' is not a SHA-256 digest" },
		{ " blob=" H40, " blob=" H32,
		  "record 12: field 'blob' is not an object id" },
		{ " blob=" H40, " blob=" H64,
		  "record 12: field 'blob' is not an object id" },
		{ " head=0", " head=A", "record 12: field 'head' is not an object id" },
		{ " head=0", " head=%30",
		  "record 12: field 'head' escapes a byte that needs none" },
		{ " commit=0", " commit=g",
		  "record 12: field 'commit' is not an object id" },
		{ " sha256=0",
		  " sha256=", "record 12: field 'sha256' is not a SHA-256 digest" },
		{ " path=a.sql",
		  " path=", "record 12: field 'path' is not a migration's path" },
		{ " by=ci%20bot", " by=", NULL },
		{ " run=" H32, " run=", "record 12: field 'run' is empty" },
		{ "6f1c", "6F1C", "record 12: field 'target' is not a UUID" },
		{ "-4000-", "4000--", "record 12: field 'target' is not a UUID" },
		{ "89ab tool", "89abc tool", "record 12: field 'target' is not a UUID" },
		{ "11-22T", "12-31T", NULL },
		{ "11-22T", "13-22T",
		  "record 12: field 'at' is not a time in UTC with milliseconds" },
		{ "11-22T", "00-22T",
		  "record 12: field 'at' is not a time in UTC with milliseconds" },
		{ "11-22T", "11-32T",
		  "record 12: field 'at' is not a time in UTC with milliseconds" },
		{ "T07:", "T24:",
		  "record 12: field 'at' is not a time in UTC with milliseconds" },
		{ ":11.123Z", ":60.123Z", NULL }, /* a leap second */
		{ ":11.123Z", ":61.123Z",
		  "record 12: field 'at' is not a time in UTC with milliseconds" },
		{ ".123Z", "Z",
		  "record 12: field 'at' is not a time in UTC with milliseconds" },
		{ ".123Z", ".123",
		  "record 12: field 'at' is not a time in UTC with milliseconds" },
	};
	struct buf line = BUF_INIT;
	const char *at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		at = strstr(LINE, samples[i].from);
		assert_non_null(at);
		buf_reset(&line);
		buf_addf(&line, "%.*s%s%s", (int)(strlen(LINE) - strlen(at)), LINE,
			 samples[i].to, at + strlen(samples[i].from));
		if (samples[i].message)
			assert_refused(line.s, samples[i].message);
		else
			assert_accepted(line.s);
	}
	buf_release(&line);
}

/*
 * A line that is cut is refused up to its last demanded field; what is cut
 * behind that can be read, and its hash gives it away.
 */
static void cut_lines(UNUSED void **state)
{
	static const char line[] = LINE " fixes=b.sql ms=15 reason=a%20b x=1";
	size_t demanded = strlen(LINE) - strlen("git-migrate/1.0"), len;
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record whole, r;

	assert_int_equal(parse(&whole, &pool, line, &err), 0);
	for (len = 0; len < sizeof(line) - 1; len++) {
		char *copy = malloc(len ? len : 1); /* so that a read past it is seen */

		assert_non_null(copy);
		memcpy(copy, line, len);
		if (record_parse(&r, &pool, copy, len, &err) == 0) {
			assert_true(len > demanded);
			assert_string_not_equal(r.hash, whole.hash);
		}
		free(copy);
	}
	pool_release(&pool);
}

/* Any single byte that differs gives another hash or no record. */
static void changed_lines(UNUSED void **state)
{
	char line[] = LINE " reason=a%20b";
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record whole, r;
	size_t i;
	int bit;

	assert_int_equal(parse(&whole, &pool, line, &err), 0);
	for (i = 0; i < sizeof(line) - 1; i++) {
		for (bit = 0; bit < 8; bit++) {
			line[i] = (char)(line[i] ^ (1 << bit));
			if (record_parse(&r, &pool, line, sizeof(line) - 1, &err) == 0)
				assert_string_not_equal(r.hash, whole.hash);
			line[i] = (char)(line[i] ^ (1 << bit));
		}
	}
	pool_release(&pool);
}

/* Read behind `before` a line is what it is when it is read alone. */
static void assert_same_behind(const struct record *before, const char *line)
{
	struct pool pool = { 0 };
	struct err alone_err = { 0 }, behind_err = { 0 };
	struct record alone, behind;
	int f, ret = parse(&alone, &pool, line, &alone_err);

	assert_int_equal(record_parse_next(&behind, &pool, line, before, &behind_err),
			 ret);
	assert_string_equal(behind_err.message, alone_err.message);
	assert_string_equal(behind_err.hint, alone_err.hint);
	if (ret == 0) {
		assert_int_equal(behind.seq, alone.seq);
		assert_int_equal(behind.event, alone.event);
		assert_string_equal(behind.hash, alone.hash);
		assert_string_equal(behind.line, alone.line);
	}
	for (f = 0; f < FIELD_NR && ret == 0; f++) {
		if (alone.field[f])
			assert_string_equal(behind.field[f], alone.field[f]);
		else
			assert_null(behind.field[f]);
	}
	pool_release(&pool);
}

static void shares_values(UNUSED void **state)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record first, next;

	assert_int_equal(parse(&first, &pool, LINE, &err), 0);
	assert_int_equal(record_parse_next(&next, &pool, LINE " reason=x", &first, &err),
			 0);
	assert_ptr_equal(next.field[FIELD_TARGET], first.field[FIELD_TARGET]);
	assert_ptr_equal(next.field[FIELD_EVENT], first.field[FIELD_EVENT]);
	assert_ptr_equal(next.field[FIELD_BY], first.field[FIELD_BY]);
	assert_string_equal(next.field[FIELD_REASON], "x");
	assert_int_equal(record_parse_next(&next, &pool, LINE, NULL, &err), 0);
	assert_string_equal(next.hash, first.hash);
	pool_release(&pool);
}

/* A line that stays where it is is read as any other, and not copied. */
static void keeps_lines(UNUSED void **state)
{
	static const char line[] = LINE " reason=a%20b";
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record copied, kept;

	assert_int_equal(parse(&copied, &pool, line, &err), 0);
	assert_int_equal(record_parse_kept(&kept, &pool, line, &copied, &err), 0);
	assert_ptr_equal(kept.line, line);
	assert_ptr_not_equal(copied.line, line);
	assert_string_equal(kept.hash, copied.hash);
	assert_int_equal(kept.line_len, copied.line_len);
	assert_string_equal(kept.field[FIELD_REASON], "a b");
	assert_int_equal(record_parse_kept(&kept, &pool, line + 1, &copied, &err), -1);
	pool_release(&pool);
}

/* What a value was decoded to is no text that may stand in a line. */
static void shares_no_escapes(UNUSED void **state)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record first;

	assert_int_equal(parse(&first, &pool, LINE " reason=a%2541%25", &err), 0);
	assert_string_equal(first.field[FIELD_REASON], "a%41%");
	assert_same_behind(&first, LINE " reason=a%41%");
	assert_same_behind(&first, LINE " reason=a%2541%25");
	assert_same_behind(&first, LINE " reason=a%2541%2");
	assert_same_behind(&first, LINE " reason=a");
	assert_same_behind(&first, LINE " reason=");
	pool_release(&pool);
}

/* Each bit of it changed, and each end of it cut off. */
static void assert_strict_behind(const struct record *before, const char *text)
{
	char line[1024];
	size_t len = strlen(text), i;
	int bit;

	assert_true(len < sizeof(line));
	memcpy(line, text, len + 1);
	for (i = 0; i < len; i++) {
		for (bit = 0; bit < 8; bit++) {
			line[i] = (char)(text[i] ^ (1 << bit));
			assert_same_behind(before, line);
		}
		line[i] = '\0';
		assert_same_behind(before, line);
		line[i] = text[i];
	}
}

static void behind_another_as_strict(UNUSED void **state)
{
	static const char *const lines[] = {
		LINE " fixes=b.sql fixes=b.sql reason=a%20b",
		LINE " statements=1 ms=2 reason=a%20b",
		LINE " reason=a%20b later=1 still=2",
	};
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record before;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(parse(&before, &pool, lines[i], &err), 0);
		for (k = 0; k < ARRAY_SIZE(lines); k++)
			assert_strict_behind(&before, lines[k]);
	}
	pool_release(&pool);
}

/*
 * A long log, with lines that are no records wherever memory may change hands: the
 * newest two are whole each time, and so are copies of all.
 */
static void streams(UNUSED void **state)
{
	enum { LINES = 1100 };
	struct record_stream s = { 0 };
	struct record *copies = calloc(LINES, sizeof(*copies));
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct buf line = BUF_INIT;
	const struct record *last, *r;
	char by[16];
	int i;

	assert_non_null(copies);
	assert_null(record_stream_last(&s));
	for (i = 1; i <= LINES; i++) {
		last = record_stream_last(&s);
		assert_null(record_stream_next(&s, "0000000001 none", false, &err));
		assert_null(record_stream_next(&s, "", false, &err));
		assert_ptr_equal(record_stream_last(&s), last);
		buf_reset(&line);
		snprintf(by, sizeof(by), "%d", i / 100);
		buf_addf(&line,
			 "%010d" PREV VERSION_FIELD EVENT MIGRATION HEAD AT
			 " by=%s" RUN ENGINE TARGET TOOL,
			 i, by);
		r = record_stream_next(&s, line.s, false, &err);
		assert_non_null(r);
		assert_ptr_equal(record_stream_last(&s), r);
		assert_string_equal(r->line, line.s);
		assert_string_equal(r->field[FIELD_BY], by);
		if (last)
			assert_string_equal(last->field[FIELD_PATH],
					    r->field[FIELD_PATH]);
		record_copy(&copies[i - 1], r, false, i > 1 ? &copies[i - 2] : NULL,
			    &pool);
	}
	record_stream_release(&s);
	for (i = 0; i < LINES; i++) {
		snprintf(by, sizeof(by), "%d", (i + 1) / 100);
		assert_string_equal(copies[i].field[FIELD_BY], by);
		assert_string_equal(copies[i].field[FIELD_RUN], H32);
		assert_int_equal(strtol(copies[i].line, NULL, 10), i + 1);
	}
	assert_ptr_equal(copies[0].field[FIELD_RUN], copies[LINES - 1].field[FIELD_RUN]);
	free(copies);
	buf_release(&line);
	pool_release(&pool);
}

/* Fields that stand twice, are left out, come too early, or are not known. */
static void behind_others_as_strict(UNUSED void **state)
{
	static const char *const ends[] = {
		"",
		" fixes=b.sql",
		" fixes=b.sql fixes=b.sql",
		" fixes=b.sql fixes=c.sql statements=1",
		" fixes=b.sql statements=1",
		" statements=1",
		" statements=1 ms=2 reason=x",
		" statements=1 reason=x",
		" statements=1 later=1",
		" statements=1 later=1 reason=x",
		" reason=x statements=1",
		" statements=1 statements=1",
		" later=1 still=2",
		" later=1",
		" later=1 later=1",
		" reason=a%20b later=1",
		" reason=a%20b",
		" reason=a%20bc",
		" reason=a%20",
	};
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record before;
	char line[1024];
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		snprintf(line, sizeof(line), "%s%s", LINE, ends[i]);
		if (parse(&before, &pool, line, &err) < 0)
			continue;
		for (k = 0; k < ARRAY_SIZE(ends); k++) {
			snprintf(line, sizeof(line), "%s%s", LINE, ends[k]);
			assert_same_behind(&before, line);
		}
	}
	pool_release(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_line),
		cmocka_unit_test(hash_is_for_ever),
		cmocka_unit_test(seals_a_line),
		cmocka_unit_test(random_fields_come_back),
		cmocka_unit_test(every_byte),
		cmocka_unit_test(long_reason_is_cut),
		cmocka_unit_test(events),
		cmocka_unit_test(demanded_fields),
		cmocka_unit_test(refuses_sequence_numbers),
		cmocka_unit_test(refuses_bytes),
		cmocka_unit_test(refuses_newer_ones),
		cmocka_unit_test(refuses_order),
		cmocka_unit_test(refuses_shapes),
		cmocka_unit_test(refuses_values),
		cmocka_unit_test(refuses_ids_and_times),
		cmocka_unit_test(cut_lines),
		cmocka_unit_test(changed_lines),
		cmocka_unit_test(shares_values),
		cmocka_unit_test(keeps_lines),
		cmocka_unit_test(shares_no_escapes),
		cmocka_unit_test(behind_another_as_strict),
		cmocka_unit_test(streams),
		cmocka_unit_test(behind_others_as_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
