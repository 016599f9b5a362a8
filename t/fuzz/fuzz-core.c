/*
 * libFuzzer target for what core reads from outside. The first byte selects.
 *
 *   clang -fsanitize=fuzzer,address,undefined -Isrc t/fuzz/fuzz-core.c \
 *	src/core/{descriptions,kept,lines,message,migration,oid,order,paths}.c \
 *	src/core/{proof,record,requires,scenario,trailer}.c \
 *	src/base/{buf,err,guard,io,map,pool,sha256,text}.c -lnettle
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/descriptions.h"
#include "core/lines.h"
#include "core/message.h"
#include "core/order.h"
#include "core/proof.h"
#include "core/record.h"
#include "core/scenario.h"
#include "core/trailer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SCENARIO = 6 }; /* how many there are besides */

static const char frame[] =
	"0000000012 "
	"prev=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef v=1 "
	"event=failed path=a blob=0123456789abcdef0123456789abcdef01234567 "
	"sha256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef "
	"commit=0123456789abcdef0123456789abcdef01234567 "
	"head=0123456789abcdef0123456789abcdef01234567 at=2026-11-22T07:20:11.123Z by=me "
	"run=1 engine=x target=6f1c2a3b-0000-4000-8000-0123456789ab tool=t";

static void *copy_of(const void *from, size_t len)
{
	void *to = malloc(len ? len : 1);

	if (!to)
		abort();
	memcpy(to, from, len);
	return to;
}

/* Whether sealing what was read gives the same line: no field cut, foreign or repeated.
 */
static bool is_plain(const struct record *r)
{
	const char *at;
	bool plain = true;
	int f, nr = 0;

	for (at = strchr(r->line, ' '); at; at = strchr(at + 1, ' '))
		nr++;
	for (f = 0; f < FIELD_NR; f++) {
		if (!r->field[f])
			continue;
		nr--;
		plain = plain && strlen(r->field[f]) <= 2000;
	}
	return plain && nr == 0;
}

static void try_record(const char *line, size_t len)
{
	struct pool pool = { 0 };
	struct err err = { 0 };
	struct record r, again;

	if (record_parse(&r, &pool, line, len, &err) < 0) {
		if (!err.message[0] || err.code != ERR_REFUSED)
			abort();
	} else {
		if (r.line_len != len || memcmp(r.line, line, len) != 0)
			abort();
		again = r;
		if (is_plain(&r)) {
			record_seal(&again, &pool);
			if (strcmp(again.line, r.line) != 0 ||
			    strcmp(again.hash, r.hash) != 0)
				abort();
		}
	}
	pool_release(&pool);
}

/* A whole line, and a line that is in order up to what the input adds. */
static void fuzz_record(const char *data, size_t size)
{
	struct buf b = BUF_INIT;

	try_record(data, size);
	buf_add(&b, frame, sizeof(frame) - 1);
	buf_add(&b, data, size);
	try_record(b.s, b.len);
	buf_release(&b);
}

static void check_values(const struct trailers *t, struct pool *pool)
{
	const char *what, *reason;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (strchr(t->items[i].value, '\n'))
			abort();
		trailer_is_issue(t->items[i].value);
		trailer_split_reason(pool, t->items[i].value, &what, &reason);
		if (!trailers_get(t, t->items[i].key))
			abort();
	}
	for (i = 0; i < t->misplaced_nr; i++)
		if (strchr(t->misplaced[i], '\n'))
			abort();
	if (!trailers_eq(t, t))
		abort();
}

/*
 * Cleaned once is clean. With "auto" the last line may be another one then, and a line
 * of scissors with blanks behind it is one only when they are gone.
 */
static void fuzz_cleaning(const char *data, size_t size)
{
	static const struct message_style styles[] = { { NULL, false },
						       { "#", true },
						       { ";", false },
						       { "//", false },
						       { "auto", false } };
	struct buf once = BUF_INIT, twice = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(styles); i++) {
		buf_reset(&once);
		buf_reset(&twice);
		message_clean(&once, data, size, &styles[i]);
		message_clean(&twice, buf_str(&once), once.len, &styles[i]);
		if (i + 1 < ARRAY_SIZE(styles) && !strstr(buf_str(&once), " >8 ") &&
		    (once.len != twice.len ||
		     memcmp(buf_str(&once), buf_str(&twice), once.len) != 0))
			abort();
	}
	buf_release(&once);
	buf_release(&twice);
}

/* What our own keys say is found by their names too. */
static void fuzz_named(const char *message, const struct trailers *t, struct pool *pool)
{
	struct proof_line p;
	const char **values;
	size_t i, k, nr, at = 0;
	struct oid id;

	for (i = 0; i < t->nr; i++) {
		nr = trailers_named(&values, pool, message,
				    trailer_name(t->items[i].key));
		for (k = 0; k < nr && strcmp(values[k], t->items[i].value) != 0; k++)
			;
		if (k == nr)
			abort();
		proof_is_reviewed(t->items[i].value, values, nr);
		message_is_unfilled(values[k]);
	}
	while (message_reverts(message, &at, &id))
		;
	if (proof_read(message, &p)) {
		proof_fits_engine(&p, "sqlite/3");
		proof_when(&p);
	}
	message_is_melded(message);
}

static void fuzz_message(const char *data, size_t size)
{
	struct pool pool = { 0 };
	struct trailers t = { 0 };

	trailers_from_message(&t, &pool, data, size);
	check_values(&t, &pool);
	fuzz_named(pool_strndup(&pool, data, size), &t, &pool);
	fuzz_cleaning(data, size);
	pool_release(&pool);
}

/* A blank parts words, but for one between double quotes. */
static bool is_one_word(const char *word)
{
	bool quoted = false;

	for (; *word; word++) {
		if (*word == '"')
			quoted = !quoted;
		else if (*word == ' ' && !quoted)
			return false;
	}
	return true;
}

static void fuzz_header(const char *data, size_t size)
{
	struct pool pool = { 0 };
	struct directives how = { 0 };
	struct trailers t = { 0 };
	size_t i;

	trailers_from_header(&t, &how, &pool, data, size);
	check_values(&t, &pool);
	for (i = 0; i < how.nr; i++)
		if (!is_one_word(how.items[i].word))
			abort();
	pool_release(&pool);
}

/* What comes out is UTF-8 without controls, and is left alone the second time. */
static void fuzz_printable(const char *data, size_t size)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	size_t at, step;

	text_printable(&once, data, size, 0);
	for (at = 0; at < once.len; at += step) {
		step = utf8_char_len(once.s + at, once.len - at);
		if (step == 0 || (unsigned char)once.s[at] < 0x20 || once.s[at] == 0x7f)
			abort();
	}
	text_printable(&twice, buf_str(&once), once.len, 0);
	if (strcmp(buf_str(&once), buf_str(&twice)) != 0)
		abort();
	if (utf8_count(data, size) > size)
		abort();
	buf_release(&once);
	buf_release(&twice);
}

/*
 * A history for lines that may lie: commits 1 to 15, whose first byte is their
 * number and the others zero. Each one's parent is the one before, the second
 * one of the even ones is three before, and it brings one file; an odd one takes
 * that of two commits before out.
 */
enum { COMMITS = 15 };

static struct oid history_id(unsigned number)
{
	struct oid id = { { 0 } };

	id.id[0] = (unsigned char)number;
	return id;
}

/* 0 when there is no such commit. */
static unsigned history_number(const struct oid *id)
{
	const struct oid same = history_id(id->id[0]);

	return id->id[0] <= COMMITS && oid_eq(&same, id) ? id->id[0] : 0;
}

static int history_none(struct err *err)
{
	return err_set(err, ERR_FATAL, "no such commit");
}

static int history_commit(void *ctx UNUSED, const struct oid *id,
			  struct order_commit *out, struct err *err)
{
	unsigned number = history_number(id);

	if (!number)
		return history_none(err);
	memset(out, 0, sizeof(*out));
	out->parent = history_id(number - 1);
	return 0;
}

static int history_parents(void *ctx UNUSED, struct pool *pool, const struct oid *id,
			   const struct oid **out, size_t *nr, struct err *err)
{
	struct oid *parents = pool_alloc(pool, 2 * sizeof(*parents));
	unsigned number = history_number(id);

	if (!number)
		return history_none(err);
	parents[0] = history_id(number - 1);
	*nr = number > 1;
	if (number > 3 && number % 2 == 0)
		parents[(*nr)++] = history_id(number - 3);
	*out = parents;
	return 0;
}

/* The folder of a commit has its number. */
static int history_tree(void *ctx UNUSED, const struct oid *id, struct oid *out,
			struct err *err)
{
	*out = *id;
	return history_number(id) ? 0 : history_none(err);
}

static bool history_has(unsigned folder, unsigned file)
{
	return file <= folder && !(folder % 2 && file + 2 == folder);
}

static int history_added(void *ctx UNUSED, struct pool *pool, const struct oid *tree,
			 const struct oid *base, struct path_list *out,
			 struct err *err UNUSED)
{
	unsigned has = history_number(tree), had = history_number(base), i;

	for (i = 1; i <= COMMITS; i++)
		if (history_has(has, i) && !history_has(had, i))
			path_list_add(out, pool_printf(pool, "%c.sql", (int)('a' + i)));
	return 0;
}

static int history_requires(void *ctx UNUSED, struct pool *pool,
			    const struct oid *tree UNUSED, const struct path_list *of,
			    struct path_list *out, struct err *err UNUSED)
{
	size_t i;

	for (i = 0; i < of->nr; i++)
		path_list_add(&out[i], pool_strdup(pool, "c"));
	return 0;
}

/* With lines that are true the plan can be made; with others it comes to an end. */
static void plan_history(struct lines *l, bool must)
{
	static const struct order_source source = {
		NULL,	      history_commit, history_parents,
		history_tree, history_added,  history_requires,
		NULL
	};
	struct order_entry entries[COMMITS];
	unsigned tip;

	for (tip = COMMITS; tip > 1; tip -= 2) {
		struct oid id = history_id(tip), none = history_id(0);
		struct path_list files = { 0 };
		struct pool pool = { 0 };
		struct err err = { 0 };

		history_added(NULL, &pool, &id, &none, &files, &err);
		if (order_plan(&source, l, &id, &files, entries, &err) < 0 &&
		    (must || !err.message[0]))
			abort();
		path_list_release(&files);
		pool_release(&pool);
	}
}

/* What was read is written as it is read again, but for what is not worth its place. */
static void write_again(struct lines *l)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct lines again = { 0 };

	lines_encode(l, STOP_NONE, &once);
	if (lines_decode(&again, once.s, once.len) < 0)
		abort();
	lines_encode(&again, STOP_NONE, &twice);
	if (once.len != twice.len || memcmp(once.s, twice.s, once.len) != 0)
		abort();
	lines_release(&again);
	buf_release(&once);
	buf_release(&twice);
}

/* The lines of the history above, damaged where the input says so: by pairs. */
static void fuzz_true_lines(const char *data, size_t size)
{
	struct lines l = { 0 };
	struct buf bytes = BUF_INIT;
	size_t i;

	plan_history(&l, true);
	write_again(&l);
	lines_encode(&l, STOP_NONE, &bytes);
	lines_release(&l);
	for (i = 0; i + 2 < size && i < 60; i += 3)
		bytes.s[((unsigned char)data[i] << 8 | (unsigned char)data[i + 1]) %
			bytes.len] = data[i + 2];
	if (lines_decode(&l, bytes.s, bytes.len) == 0) {
		write_again(&l);
		plan_history(&l, false);
	}
	lines_release(&l);
	buf_release(&bytes);
}

static void fuzz_lines(const char *data, size_t size)
{
	struct lines l = { 0 };
	size_t i;

	if (lines_decode(&l, data, size) < 0) {
		if (l.nr || l.nr_paths || l.stops || l.paths)
			abort();
	} else {
		for (i = 0; i < l.nr; i++)
			if (lines_find(&l, &l.stops[i].commit) != i)
				abort();
		write_again(&l);
		plan_history(&l, false);
	}
	lines_release(&l);
	fuzz_true_lines(data, size);
}

/* Whatever is known of them is known again once it is added elsewhere. */
static void fuzz_descriptions(const char *data, size_t size)
{
	struct descriptions d = { 0 }, other = { 0 };
	struct pool pool = { 0 };
	struct buf bytes = BUF_INIT;
	struct migration m, again;
	size_t i;

	buf_add(&bytes, data, size);
	if (descriptions_decode(&d, &bytes) < 0 && (d.nr || d.bytes.s))
		abort();
	for (i = 0; i < d.nr; i++) {
		memset(&m, 0, sizeof(m));
		memcpy(m.commit.id, d.bytes.s + d.at[i] + 4, OID_RAWSZ);
		memcpy(m.blob.id, d.bytes.s + d.at[i] + 4 + OID_RAWSZ, OID_RAWSZ);
		if (!descriptions_find(&d, &pool, &m))
			continue;
		again = m;
		memset(&again.in_message, 0, sizeof(again.in_message));
		if (!descriptions_find(&other, &pool, &again))
			descriptions_add(&other, &m);
		if (!descriptions_find(&other, &pool, &again) || again.when != m.when ||
		    strcmp(again.subject, m.subject) != 0 ||
		    strcmp(again.author, m.author) != 0 ||
		    !trailers_eq(&again.in_message, &m.in_message) ||
		    again.how.nr != m.how.nr)
			abort();
	}
	descriptions_release(&d);
	descriptions_release(&other);
	pool_release(&pool);
	buf_release(&bytes);
}

/* What is taken for a scenario has SQL in each part, on the lines of the file. */
static void fuzz_scenario(const char *data, size_t size)
{
	struct scenario s = { 0 };
	struct err err = { 0 };
	size_t i;

	if (scenario_parse(&s, data, size, &err) < 0) {
		if (!err.message[0] || err.code != ERR_REFUSED || !err.line)
			abort();
	} else if (s.nr == 0) {
		abort();
	}
	for (i = 0; !err.code && i < s.nr; i++) {
		if (strspn(s.parts[i].sql, "\n") < s.parts[i].line ||
		    !s.parts[i].sql[strspn(s.parts[i].sql, " \t\r\n")])
			abort();
		scenario_word(s.parts[i].kind);
	}
	for (i = 0; !err.code && i < s.nr_rules; i++)
		if (!s.rules[i].what[0] || !s.rules[i].reason[0] ||
		    (s.rules[i].leave == KEPT_IS_NOW) != (s.rules[i].now[0] != '\0'))
			abort();
	scenario_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	size--;
	copy = copy_of(data + 1, size); /* exactly as long: a read past it is seen */
	switch (data[0] == 's' ? SCENARIO : data[0] % SCENARIO) {
	case SCENARIO:
		fuzz_scenario(copy, size);
		break;
	case 0:
		fuzz_record(copy, size);
		break;
	case 1:
		fuzz_message(copy, size);
		break;
	case 2:
		fuzz_header(copy, size);
		break;
	case 3:
		fuzz_printable(copy, size);
		break;
	case 4:
		fuzz_lines(copy, size);
		break;
	case 5:
		fuzz_descriptions(copy, size);
		break;
	}
	free(copy);
	return 0;
}
