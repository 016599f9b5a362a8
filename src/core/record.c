#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/migration.h"
#include "core/record.h"

/* Longest value of a text in a new record, in bytes; what is longer is cut. */
enum { TEXT_MAX = 2000 };

/* Number of the form of a record that this program writes. */
#define RECORD_VERSION "1"

const char RECORD_NO_PREV[SHA256_HEXSZ + 1] =
	"0000000000000000000000000000000000000000000000000000000000000000";

/* What a value has to look like. */
enum kind {
	KIND_TEXT,   /* anything, may be empty */
	KIND_FILLED, /* anything but nothing */
	KIND_PATH,   /* of a migration */
	KIND_CODE,   /* letters and digits, may be empty */
	KIND_VERSION,
	KIND_EVENT,
	KIND_OID,
	KIND_SHA256,
	KIND_NUMBER, /* decimal, no leading zeros */
	KIND_TIME,
	KIND_UUID,
	KIND_POINT,  /* <seq>:<hash> */
	KIND_ORIGIN, /* <uuid>:<seq>:<hash> */
	KIND_PRINT,  /* <form>:<sha256> */
};

static const struct {
	const char *name;
	enum kind kind;
} fields[FIELD_NR] = {
	[FIELD_PREV] = { "prev", KIND_SHA256 },
	[FIELD_V] = { "v", KIND_VERSION },
	[FIELD_EVENT] = { "event", KIND_EVENT },
	[FIELD_PATH] = { "path", KIND_PATH },
	[FIELD_BLOB] = { "blob", KIND_OID },
	[FIELD_SHA256] = { "sha256", KIND_SHA256 },
	[FIELD_COMMIT] = { "commit", KIND_OID },
	[FIELD_HEAD] = { "head", KIND_OID },
	[FIELD_AT] = { "at", KIND_TIME },
	[FIELD_BY] = { "by", KIND_TEXT },
	[FIELD_RUN] = { "run", KIND_FILLED },
	[FIELD_ENGINE] = { "engine", KIND_FILLED },
	[FIELD_TARGET] = { "target", KIND_UUID },
	[FIELD_TOOL] = { "tool", KIND_FILLED },
	[FIELD_SERVER] = { "server", KIND_TEXT },
	[FIELD_FIXES] = { "fixes", KIND_FILLED },
	[FIELD_STATEMENTS] = { "statements", KIND_NUMBER },
	[FIELD_MS] = { "ms", KIND_NUMBER },
	[FIELD_SQLSTATE] = { "sqlstate", KIND_CODE },
	[FIELD_LINE] = { "line", KIND_NUMBER },
	[FIELD_OLD] = { "old", KIND_POINT },
	[FIELD_FROM] = { "from", KIND_ORIGIN },
	[FIELD_BACKUP] = { "backup", KIND_TEXT },
	[FIELD_REASON] = { "reason", KIND_FILLED },
	[FIELD_MIGRATIONS] = { "migrations", KIND_NUMBER },
	[FIELD_DURATIONS] = { "durations", KIND_FILLED },
	[FIELD_SCHEMA] = { "schema", KIND_PRINT },
	[FIELD_ROWS] = { "rows", KIND_NUMBER },
};

#define BIT(f) (1u << (f))

static const unsigned needed_by_all = BIT(FIELD_PREV) | BIT(FIELD_V) | BIT(FIELD_EVENT) |
				      BIT(FIELD_HEAD) | BIT(FIELD_AT) | BIT(FIELD_BY) |
				      BIT(FIELD_RUN) | BIT(FIELD_ENGINE) |
				      BIT(FIELD_TARGET) | BIT(FIELD_TOOL);

static const unsigned needed_by_migration = BIT(FIELD_PATH) | BIT(FIELD_BLOB) |
					    BIT(FIELD_SHA256) | BIT(FIELD_COMMIT);

static const struct {
	const char *name;
	bool has_migration;
	unsigned needs; /* besides what all need */
} events[EVENT_NR] = {
	[EVENT_CREATED] = { "created", false, 0 },
	[EVENT_APPLIED] = { "applied", true, 0 },
	[EVENT_ADOPTED] = { "adopted", true, 0 },
	[EVENT_SUPERSEDED] = { "superseded", true, 0 },
	[EVENT_UNNEEDED] = { "unneeded", true, 0 },
	[EVENT_STARTED] = { "started", true, 0 },
	[EVENT_FAILED] = { "failed", true, 0 },
	[EVENT_EXCEPTED] = { "excepted", true, BIT(FIELD_REASON) },
	[EVENT_ABANDONED] = { "abandoned", true, BIT(FIELD_REASON) },
	[EVENT_RAN] = { "ran", false, 0 },
	[EVENT_RESTORED] = { "restored", false, BIT(FIELD_OLD) | BIT(FIELD_REASON) },
	[EVENT_CLONED] = { "cloned", false, BIT(FIELD_FROM) | BIT(FIELD_REASON) },
};

const char *event_name(enum event e)
{
	if (e >= EVENT_NR)
		BUG("no event %d", (int)e);
	return events[e].name;
}

int event_parse(const char *name, enum event *out)
{
	int e;

	for (e = 0; e < EVENT_NR; e++) {
		if (strcmp(name, events[e].name) == 0) {
			*out = (enum event)e;
			return 0;
		}
	}
	return -1;
}

bool event_settles(enum event e)
{
	return e == EVENT_APPLIED || e == EVENT_ADOPTED || e == EVENT_SUPERSEDED ||
	       e == EVENT_UNNEEDED;
}

bool event_takes_effect(enum event e)
{
	return e == EVENT_APPLIED || e == EVENT_ADOPTED;
}

bool event_begins_anew(enum event e)
{
	return e == EVENT_RESTORED || e == EVENT_CLONED;
}

bool event_has_migration(enum event e)
{
	if (e >= EVENT_NR)
		BUG("no event %d", (int)e);
	return events[e].has_migration;
}

const char *field_name(enum field f)
{
	if (f >= FIELD_NR)
		BUG("no field %d", (int)f);
	return fields[f].name;
}

/* Whether a byte of a value stands as %XX. */
static bool is_escaped(unsigned char c)
{
	return c < 0x21 || c > 0x7e || c == '%' || c == '\\';
}

/* Whether `s` is `len` lower-case hex digits. */
static bool is_hex(const char *s, size_t len)
{
	return strlen(s) == len && hex_is_lower(s, len);
}

static bool is_number(const char *s)
{
	size_t len = strspn(s, "0123456789");

	return len > 0 && len <= 18 && s[len] == '\0' && (s[0] != '0' || len == 1);
}

/* Compares with a form in which '9' stands for a digit. */
static bool has_form(const char *s, const char *form)
{
	for (; *form; s++, form++)
		if (*form == '9' ? !ascii_isdigit((unsigned char)*s) : *s != *form)
			return false;
	return *s == '\0';
}

static int two_digits(const char *s)
{
	return (s[0] - '0') * 10 + s[1] - '0';
}

static bool is_time(const char *s)
{
	return has_form(s, "9999-99-99T99:99:99.999Z") && two_digits(s + 5) >= 1 &&
	       two_digits(s + 5) <= 12 && two_digits(s + 8) >= 1 &&
	       two_digits(s + 8) <= 31 && two_digits(s + 11) <= 23 &&
	       two_digits(s + 14) <= 59 && two_digits(s + 17) <= 60;
}

static bool is_uuid(const char *s)
{
	enum { UUID_LEN = 36, DIGITS = 32 };
	char digits[DIGITS];

	if (strlen(s) != UUID_LEN || s[8] != '-' || s[13] != '-' || s[18] != '-' ||
	    s[23] != '-')
		return false;
	memcpy(digits, s, 8);
	memcpy(digits + 8, s + 9, 4);
	memcpy(digits + 12, s + 14, 4);
	memcpy(digits + 16, s + 19, 4);
	memcpy(digits + 20, s + 24, 12);
	return hex_is_lower(digits, DIGITS);
}

/* <seq>:<hash>; the number may be padded as at the start of a line. */
static bool is_point(const char *s)
{
	size_t len = strspn(s, "0123456789");

	return len >= 1 && len <= RECORD_SEQ_DIGITS && s[len] == ':' &&
	       is_hex(s + len + 1, SHA256_HEXSZ);
}

const char *record_old_hash(const struct record *r)
{
	const char *old = r->field[FIELD_OLD];

	return old ? strchr(old, ':') + 1 : "";
}

static bool is_origin(const char *s)
{
	enum { UUID_LEN = 36 };
	char uuid[UUID_LEN + 1] = { 0 };
	size_t len = strlen(s);

	if (len <= UUID_LEN || s[UUID_LEN] != ':')
		return false;
	memcpy(uuid, s, UUID_LEN);
	return is_uuid(uuid) && is_point(s + UUID_LEN + 1);
}

static bool is_code(const char *s)
{
	while (ascii_isalnum((unsigned char)*s))
		s++;
	return !*s;
}

/* What is wrong with a value: the end of "field 'x' ...", NULL when nothing is. */
static const char *judge_value(enum kind kind, const char *s)
{
	switch (kind) {
	case KIND_TEXT:
	case KIND_VERSION: /* these two are judged by whoever knows the record */
	case KIND_EVENT:
		return NULL;
	case KIND_FILLED:
		return *s ? NULL : "is empty";
	case KIND_PATH:
		return migration_name_check(s) == NAME_OK ? NULL
							  : "is not a migration's path";
	case KIND_CODE:
		return is_code(s) ? NULL : "is not a code of letters and digits";
	case KIND_OID:
		return is_hex(s, OID_HEXSZ) ? NULL : "is not an object id";
	case KIND_SHA256:
		return is_hex(s, SHA256_HEXSZ) ? NULL : "is not a SHA-256 digest";
	case KIND_NUMBER:
		return is_number(s) ? NULL : "is not a number";
	case KIND_TIME:
		return is_time(s) ? NULL : "is not a time in UTC with milliseconds";
	case KIND_UUID:
		return is_uuid(s) ? NULL : "is not a UUID";
	case KIND_POINT:
		return is_point(s) ? NULL : "is not <seq>:<hash>";
	case KIND_ORIGIN:
		return is_origin(s) ? NULL : "is not <uuid>:<seq>:<hash>";
	case KIND_PRINT:
		return is_point(s) ? NULL : "is not <form>:<sha256>";
	}
	BUG("unhandled kind %d", (int)kind);
}

void record_add_value(struct buf *line, const char *s)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char c;

	for (; *s; s++) {
		c = (unsigned char)*s;
		if (is_escaped(c)) {
			buf_addc(line, '%');
			buf_addc(line, digits[c >> 4]);
			buf_addc(line, digits[c & 15]);
		} else {
			buf_addc(line, c);
		}
	}
}

/* A text that is too long (a reason, say) is cut at a character, ending in "...". */
static const char *cut_text(struct pool *pool, enum field f, const char *s)
{
	size_t end = TEXT_MAX - 3;

	if (strlen(s) <= TEXT_MAX)
		return s;
	if (fields[f].kind != KIND_TEXT && f != FIELD_REASON && f != FIELD_ENGINE)
		BUG("field '%s' of %zu bytes", fields[f].name, strlen(s));
	while (end > TEXT_MAX - 8 && ((unsigned char)s[end] & 0xc0) == 0x80)
		end--;
	return pool_printf(pool, "%.*s...", (int)end, s);
}

void record_seal(struct record *r, struct pool *pool)
{
	struct record back = { 0 };
	struct err err = { 0 };
	struct buf line = BUF_INIT;
	int f;

	r->field[FIELD_V] = RECORD_VERSION;
	r->field[FIELD_EVENT] = event_name(r->event);
	buf_addf(&line, "%0*" PRIu64, RECORD_SEQ_DIGITS, r->seq);
	for (f = 0; f < FIELD_NR; f++) {
		if (!r->field[f])
			continue;
		buf_addf(&line, " %s=", fields[f].name);
		record_add_value(&line, cut_text(pool, (enum field)f, r->field[f]));
	}
	/* what could not be read back must never get into an append-only log */
	if (record_parse(&back, pool, line.s, line.len, &err) < 0)
		BUG("sealed a record that cannot be read: %s", err.message);
	*r = back;
	buf_release(&line);
}

/* A line on its way to a record. */
struct parser {
	struct record *r;
	const struct record *before; /* NULL, or one whose values may be shared */
	struct pool *pool;
	const char *at; /* what is still to be read; ends in NUL */
	const char *end;
	const char *same; /* the same place in the line before; NULL: not known */
	const char *same_end;
	bool stays;	  /* the line lives as long as the pool: there is no copy */
	bool plain;	  /* nothing in it is escaped */
	int last;	  /* newest known field, -1 at first */
	bool foreign;	  /* a field that this version does not know has been seen */
	unsigned present; /* BIT of each known field */
	struct err *err;
};

static int refuse(struct parser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int refuse(struct parser *p, const char *fmt, ...)
{
	struct buf what = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&what, fmt, ap);
	va_end(ap);
	if (p->r->seq)
		err_set(p->err, ERR_REFUSED, "record %" PRIu64 ": %s", p->r->seq, what.s);
	else
		err_set(p->err, ERR_REFUSED, "record: %s", what.s);
	buf_release(&what);
	return -1;
}

static int refuse_newer(struct parser *p, const char *what, const char *value)
{
	refuse(p, "%s '%.64s' was written by a newer git-migrate", what, value);
	err_hint(p->err, "newerRecord",
		 "Install a git-migrate that is no older than the one that wrote it.");
	return -1;
}

/* Most values are those of the record before, and were judged there. NULL if not. */
static const char *as_before(const struct parser *p, int f, const char *s, size_t len)
{
	const char *value = p->before ? p->before->field[f] : NULL;

	if (!value || strncmp(value, s, len) != 0 || value[len] ||
	    (!p->plain && memchr(s, '%', len)))
		return NULL;
	return value;
}

/* 0 with the decoded value, or -1. */
static int decode_value(struct parser *p, const char *name, const char *s, size_t len,
			const char **out)
{
	const char *end = s + len;
	unsigned char byte;
	char *to;

	if (p->plain || !memchr(s, '%', len)) {
		*out = pool_strndup(p->pool, s, len);
		return 0;
	}
	*out = to = pool_alloc(p->pool, len + 1);
	while (s < end) {
		if (*s != '%') {
			*to++ = *s++;
			continue;
		}
		if (end - s < 3 || hex_decode(s + 1, &byte, 1) < 0 ||
		    strspn(s + 1, "0123456789ABCDEF") < 2)
			return refuse(p, "field '%s' has a broken escape", name);
		if (byte == '\0')
			return refuse(p, "field '%s' has a NUL byte", name);
		if (!is_escaped(byte))
			return refuse(p, "field '%s' escapes a byte that needs none",
				      name);
		*to++ = (char)byte;
		s += 3;
	}
	*to = '\0';
	return 0;
}

/* Fields come in order, so the search begins behind the last one. */
static int find_field(const char *name, size_t len, int last)
{
	const char *known;
	int f, i;

	for (i = 1; i <= FIELD_NR; i++) {
		f = last + i < FIELD_NR ? last + i : last + i - FIELD_NR;
		known = fields[f].name;
		if (known[0] == name[0] && strncmp(known, name, len) == 0 &&
		    known[len] == '\0')
			return f;
	}
	return -1;
}

static size_t name_length(const char *name)
{
	size_t len = 0;

	while (ascii_islower((unsigned char)name[len]) ||
	       ascii_isdigit((unsigned char)name[len]) || name[len] == '-')
		len++;
	return len;
}

/* Whether a known field may stand here. */
static int check_place(struct parser *p, int f)
{
	if ((p->present & BIT(f)) && f != FIELD_FIXES)
		return refuse(p, "field '%s' stands twice", fields[f].name);
	if (p->foreign || f < p->last)
		return refuse(p, "field '%s' is out of order", fields[f].name);
	return 0;
}

/* The value of a field that is not that of the record before. 0 or -1. */
static int take_new(struct parser *p, int f, const char *s, size_t len, const char **out)
{
	const char *wrong;

	if (decode_value(p, fields[f].name, s, len, out) < 0)
		return -1;
	wrong = judge_value(fields[f].kind, *out);
	if (wrong)
		return refuse(p, "field '%s' %s", fields[f].name, wrong);
	if (f == FIELD_V && strcmp(*out, RECORD_VERSION) != 0)
		return refuse_newer(p, "version", *out);
	if (f == FIELD_EVENT && event_parse(*out, &p->r->event) < 0)
		return refuse_newer(p, "event", *out);
	return 0;
}

static int take_known(struct parser *p, int f, const char *s, size_t len)
{
	const char *value;

	if (check_place(p, f) < 0)
		return -1;
	value = p->same ? NULL : as_before(p, f, s, len); /* it differs, or was taken */
	if (value && f == FIELD_EVENT)
		p->r->event = p->before->event;
	if (!value && take_new(p, f, s, len, &value) < 0)
		return -1;
	if (!p->r->field[f])
		p->r->field[f] = value;
	p->present |= BIT(f);
	p->last = f;
	return 0;
}

/* Which known field comes next in the record before; FIELD_NR: none. */
static int next_before(const struct parser *p)
{
	int f = p->last + 1;

	while (f < FIELD_NR && !p->before->field[f])
		f++;
	return f;
}

/* What a line shares with the one before, from where both are. */
struct shared {
	size_t len;    /* bytes */
	size_t fields; /* that begin in them */
};

/* Eight bytes at a time; no byte of a line has its high bit set, see check_bytes. */
static struct shared compare_lines(const char *line, const char *before, size_t most)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), low = ones * 0x7f;
	struct shared s = { 0 };
	uint64_t here, there;

	for (; most - s.len >= sizeof(here); s.len += sizeof(here)) {
		memcpy(&here, line + s.len, sizeof(here));
		memcpy(&there, before + s.len, sizeof(there));
		if (here != there)
			break;
		/* a byte that is no blank gets its high bit */
		here = ~((here ^ ones * ' ') + low) & ~low;
		s.fields += (here >> 7) * ones >> 56;
	}
	for (; s.len < most && line[s.len] == before[s.len]; s.len++)
		s.fields += line[s.len] == ' ';
	return s;
}

static bool is_end(char c)
{
	return c == ' ' || c == '\0';
}

/* Fields of the record before, which are this one's too. */
static void share_fields(struct parser *p, size_t nr)
{
	int f;

	for (; nr > 0 && (f = next_before(p)) < FIELD_NR; nr--) {
		p->r->field[f] = p->before->field[f];
		p->present |= BIT(f);
		p->last = f;
		if (f == FIELD_EVENT)
			p->r->event = p->before->event;
	}
	if (nr > 0)
		p->foreign = true; /* as the rest was there */
}

/*
 * Most fields are written as they are in the line before, and were read there: one that
 * is has the same value, and need not be looked at. Takes all up to where the lines
 * part. Which known field that is, where both have the same one there with another
 * value; -1: another field, or none that is known. The line before then goes on behind
 * it, or is done with.
 */
static int take_same(struct parser *p)
{
	const size_t left = (size_t)(p->end - p->at);
	const size_t left_before = (size_t)(p->same_end - p->same);
	const struct shared s = compare_lines(p->at, p->same,
					      left < left_before ? left : left_before);
	const bool whole = is_end(p->at[s.len]) && is_end(p->same[s.len]);
	size_t len = s.len;
	int f;

	while (!whole && len > 0 && p->at[--len] != ' ')
		;
	share_fields(p, s.fields - (!whole && s.fields > 0));
	p->at += len;
	p->same += len;
	f = next_before(p);
	if (f == FIELD_NR || p->foreign || !memchr(p->at, '=', s.len - len)) {
		p->same = NULL;
		return -1;
	}
	p->same = strchrnul(p->same + 1, ' ');
	return f;
}

/* One " key=value"; `p->at` is at the blank. `f` is the field, -1: to be found out. */
static int take_field(struct parser *p, int f)
{
	const char *name = p->at + 1, *value;
	size_t name_len = f >= 0 ? strlen(fields[f].name) : name_length(name);

	if (*p->at != ' ')
		return refuse(p, "no blank behind the sequence number");
	if (!ascii_islower((unsigned char)name[0]) || name[name_len] != '=')
		return refuse(p, "a field without a name");
	value = name + name_len + 1;
	p->at = strchrnul(value, ' ');
	if (f < 0)
		f = find_field(name, name_len, p->last);
	if (f >= 0)
		return take_known(p, f, value, (size_t)(p->at - value));
	p->foreign = true;
	return 0;
}

static int take_fields(struct parser *p)
{
	int f;

	while (*p->at) {
		f = p->same ? take_same(p) : -1;
		if (*p->at && take_field(p, f) < 0)
			return -1;
	}
	return 0;
}

static int take_seq(struct parser *p)
{
	const char *s = p->at;
	uint64_t seq = 0;
	int i;

	for (i = 0; i < RECORD_SEQ_DIGITS; i++) {
		if (!ascii_isdigit((unsigned char)s[i]))
			return refuse(p, "does not begin with a number of %d digits",
				      RECORD_SEQ_DIGITS);
		seq = seq * 10 + (uint64_t)(s[i] - '0');
	}
	if (seq == 0)
		return refuse(p, "sequence numbers begin at 1");
	p->r->seq = seq;
	p->at += RECORD_SEQ_DIGITS;
	return 0;
}

/* Whether a byte cannot stand in a line. */
static bool is_foreign(unsigned char c)
{
	return c < 0x20 || c > 0x7e || c == '\\';
}

enum { STRIDE = 32 };

/* The same of many bytes, in a form that compilers do all at once. */
static bool any_foreign(const char *s, size_t strides)
{
	unsigned char foreign[STRIDE] = { 0 }, any = 0, c;
	int i;

	for (; strides > 0; strides--, s += STRIDE) {
		for (i = 0; i < STRIDE; i++) {
			c = (unsigned char)s[i];
			foreign[i] |= (unsigned char)((unsigned char)(c - 0x20) > 0x5e) |
				      (unsigned char)(c == '\\');
		}
	}
	for (i = 0; i < STRIDE; i++)
		any |= foreign[i];
	return any != 0;
}

static int check_bytes(struct parser *p, const char *line, size_t len)
{
	size_t i = 0;

	if (len > RECORD_LINE_MAX)
		return refuse(p, "longer than %d bytes", RECORD_LINE_MAX);
	if (!any_foreign(line, len / STRIDE))
		i = len - len % STRIDE;
	for (; i < len; i++)
		if (is_foreign((unsigned char)line[i]))
			return refuse(p, "byte 0x%02x at column %zu",
				      (unsigned)(unsigned char)line[i], i + 1);
	return 0;
}

static int check_needed(struct parser *p)
{
	unsigned needed;
	int f;

	if (!(p->present & BIT(FIELD_EVENT)))
		return refuse(p, "field 'event' is missing");
	needed = needed_by_all | events[p->r->event].needs;
	if (events[p->r->event].has_migration)
		needed |= needed_by_migration;
	if ((needed & ~p->present) == 0)
		return 0;
	for (f = 0; f < FIELD_NR; f++)
		if ((needed & BIT(f)) && !(p->present & BIT(f)))
			return refuse(p, "field '%s' is missing", fields[f].name);
	return 0;
}

static int parse(struct parser *p, const char *line, size_t len)
{
	memset(p->r, 0, sizeof(*p->r));
	if (check_bytes(p, line, len) < 0)
		return -1;
	if (!p->stays)
		line = pool_strndup(p->pool, line, len);
	p->at = line;
	p->end = line + len;
	p->plain = !memchr(line, '%', len);
	if (take_seq(p) < 0)
		return -1;
	/* one that may stand twice could not be counted */
	if (p->before && p->before->line && !p->before->field[FIELD_FIXES]) {
		p->same = p->before->line + RECORD_SEQ_DIGITS;
		p->same_end = p->before->line + p->before->line_len;
	}
	if (take_fields(p) < 0 || check_needed(p) < 0)
		return -1;
	sha256_line(line, len, p->r->hash);
	p->r->line = line;
	p->r->line_len = len;
	return 0;
}

int record_parse(struct record *out, struct pool *pool, const char *line, size_t len,
		 struct err *err)
{
	struct parser p = { .r = out, .pool = pool, .last = -1, .err = err };

	return parse(&p, line, len);
}

int record_parse_next(struct record *out, struct pool *pool, const char *line,
		      const struct record *before, struct err *err)
{
	struct parser p = {
		.r = out, .before = before, .pool = pool, .last = -1, .err = err
	};

	return parse(&p, line, strlen(line));
}

int record_parse_kept(struct record *out, struct pool *pool, const char *line,
		      const struct record *before, struct err *err)
{
	struct parser p = { .r = out,
			    .before = before,
			    .pool = pool,
			    .stays = true,
			    .last = -1,
			    .err = err };

	return parse(&p, line, strlen(line));
}

const char *record_line_path(const char *line, size_t *len)
{
	/* no value has a blank in it, and paths have nothing that is escaped */
	const char *at = strstr(line, " path=");

	if (!at)
		return NULL;
	at += strlen(" path=");
	*len = (size_t)(strchrnul(at, ' ') - at);
	return at;
}

static int compare_hash(const void *a, const void *b)
{
	return strcmp(((const struct record *)a)->hash, ((const struct record *)b)->hash);
}

static int compare_to_hash(const void *hash, const void *record)
{
	return strcmp(hash, ((const struct record *)record)->hash);
}

void records_sort(struct record *records, size_t nr)
{
	if (nr > 1)
		qsort(records, nr, sizeof(*records), compare_hash);
}

const struct record *records_find(const struct record *records, size_t nr,
				  const char *hash)
{
	return nr ? bsearch(hash, records, nr, sizeof(*records), compare_to_hash) : NULL;
}
