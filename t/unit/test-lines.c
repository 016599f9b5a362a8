/*
 * The lines as they are stored: what is written is what is read, whatever else
 * is refused, and where bytes were damaged and yet can be read the order that
 * is made of them may be wrong but comes to an end.
 */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "core/lines.h"
#include "core/order.h"
#include "graph.h"

enum { SPAN_MAX = 1024, OTHERS_ALLOWED = 4096 }; /* as in lines.c */

static struct oid id(uint32_t n)
{
	struct oid out = { { 0 } };

	out.id[0] = (unsigned char)(n >> 24);
	out.id[1] = (unsigned char)(n >> 16);
	out.id[2] = (unsigned char)(n >> 8);
	out.id[3] = (unsigned char)n;
	return out;
}

static bool is_empty(const struct lines *l)
{
	static const struct lines empty;

	return memcmp(l, &empty, sizeof(empty)) == 0;
}

/* Writes the lines and reads them into `out`. */
static void reread(struct lines *l, uint32_t tip, struct lines *out)
{
	struct buf bytes = BUF_INIT;

	memset(out, 0, sizeof(*out));
	lines_encode(l, tip, &bytes);
	assert_int_equal(lines_decode(out, bytes.s, bytes.len), 0);
	buf_release(&bytes);
}

/* The format. */

static void put_u32(struct buf *b, uint32_t v)
{
	const struct oid bytes = id(v);

	buf_add(b, bytes.id, 4);
}

static void put_id(struct buf *b, uint32_t n)
{
	const struct oid bytes = id(n);

	buf_add(b, bytes.id, OID_RAWSZ);
}

static void put_stop(struct buf *b, uint32_t commit, uint32_t parent, uint32_t older,
		     uint32_t span, uint32_t arrivals)
{
	put_id(b, commit);
	put_id(b, parent);
	put_u32(b, older);
	put_u32(b, span);
	put_u32(b, arrivals);
}

static void put_arrival(struct buf *b, uint32_t path, uint32_t company, uint32_t commit)
{
	put_u32(b, path);
	put_u32(b, company);
	put_id(b, commit);
}

#define ORDERED 0x80000000u
#define NAMES "10.sql\0" /* 7 */ "20.sql\0" /* 14 */ "a.sql"

/* Three stops of one line: two files in order, a mark, two files not yet in order. */
static void put_file(struct buf *b)
{
	buf_reset(b);
	put_u32(b, 3);
	put_u32(b, 4);
	put_u32(b, 3);
	put_u32(b, sizeof(NAMES));
	put_stop(b, 1, 2, STOP_NONE, 5, 2 | ORDERED);
	put_stop(b, 3, 4, 0, SPAN_MAX, ORDERED);
	put_stop(b, 5, 6, 1, 1, 2);
	put_arrival(b, 1, 1, 9);
	put_arrival(b, 0, 1, 1);
	put_arrival(b, 0, 0, 0);
	put_arrival(b, 2, 0, 0);
	buf_add(b, NAMES, sizeof(NAMES));
}

#define STOP(n) (16 + 52 * (n))
#define PARENT(n) (STOP(n) + 20)
#define OLDER(n) (STOP(n) + 40)
#define SPAN(n) (STOP(n) + 44)
#define NUMBER(n) (STOP(n) + 48)
#define ARRIVAL(n) (STOP(3) + 28 * (n))
#define NAME(n) (ARRIVAL(4) + 7 * (n))
#define TEXT(a, b, c, d)                                                                 \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static void file_is_read(void **state UNUSED)
{
	struct buf file = BUF_INIT, again = BUF_INIT;
	const struct oid first = id(1), middle = id(3), last = id(5), brings = id(9);
	struct lines l = { 0 };
	const struct stop *s;

	put_file(&file);
	assert_int_equal(file.len, NAME(2) + 6);
	assert_int_equal(lines_decode(&l, file.s, file.len), 0);
	assert_int_equal(l.nr, 3);
	assert_int_equal(l.nr_paths, 3);
	assert_int_equal(lines_find(&l, &first), 0);
	assert_int_equal(lines_find(&l, &middle), 1);
	assert_int_equal(lines_find(&l, &last), 2);
	assert_int_equal(lines_find(&l, &brings), STOP_NONE);
	assert_int_equal(lines_path(&l, "20.sql"), 1);
	s = &l.stops[0];
	assert_true(s->ordered && !s->cut && s->nr == 2 && s->span == 5);
	assert_int_equal(s->older, STOP_NONE);
	assert_true(oid_eq(&s->arrivals[0].commit, &brings));
	assert_int_equal(s->arrivals[0].path, 1);
	assert_int_equal(s->arrivals[0].company, 1);
	assert_int_equal(s->arrivals[1].path, 0);
	s = &l.stops[1];
	assert_true(s->ordered && s->nr == 0 && s->older == 0 && s->span == SPAN_MAX);
	s = &l.stops[2];
	assert_true(!s->ordered && s->nr == 2 && s->older == 1 && s->span == 1);
	lines_encode(&l, STOP_NONE, &again);
	assert_int_equal(again.len, file.len);
	assert_memory_equal(again.s, file.s, file.len);
	lines_release(&l);
	assert_true(is_empty(&l));
	buf_release(&file);
	buf_release(&again);
}

/* Four bytes of the file put in another way, each of which makes it malformed. */
static const struct {
	const char *what;
	size_t at;
	uint32_t value;
} malformed[] = {
	{ "a stop too many", 0, 4 },
	{ "a stop too few", 0, 2 },
	{ "no stops", 0, 0 },
	{ "stops whose size wraps round", 0, 3 + (1u << 30) },
	{ "more stops than numbers for them", 0, INT32_MAX },
	{ "as many stops as can be", 0, UINT32_MAX },
	{ "an arrival too many", 4, 5 },
	{ "an arrival too few", 4, 3 },
	{ "arrivals whose size wraps round", 4, 4 + (1u << 30) },
	{ "as many arrivals as can be", 4, UINT32_MAX },
	{ "a path too many", 8, 4 },
	{ "a path too few", 8, 2 },
	{ "no paths", 8, 0 },
	{ "as many paths as can be", 8, UINT32_MAX },
	{ "names too long", 12, sizeof(NAMES) + 1 },
	{ "names too short", 12, sizeof(NAMES) - 1 },
	{ "as long names as can be", 12, UINT32_MAX },
	{ "the same commit twice", STOP(1), 1 },
	{ "and that far apart", STOP(2), 1 },
	{ "the first stop older than itself", OLDER(0), 0 },
	{ "the first stop older than the last", OLDER(0), 2 },
	{ "a stop older than itself", OLDER(1), 1 },
	{ "a stop older than one that comes later", OLDER(1), 2 },
	{ "the last stop older than itself", OLDER(2), 2 },
	{ "a stop older than one that is not there", OLDER(2), 3 },
	{ "and that by far", OLDER(2), STOP_OPEN - 1 },
	{ "a span beyond all numbers", SPAN(0), 1u << 31 },
	{ "no way to the older stop", SPAN(2), 0 },
	{ "a stop with an arrival of the next one", NUMBER(0), 3 | ORDERED },
	{ "a stop that leaves one to the next one", NUMBER(0), 1 | ORDERED },
	{ "more arrivals than there are", NUMBER(0), 5 | ORDERED },
	{ "many more", NUMBER(0), UINT32_MAX },
	{ "one is left over", NUMBER(2), 1 },
	{ "one is missing", NUMBER(2), 3 },
	{ "a mark without order", NUMBER(1), 0 },
	{ "not bytewise, and not in order", NUMBER(0), 2 },
	{ "in order, and nobody brings them", NUMBER(2), 2 | ORDERED },
	{ "a path that is not there", ARRIVAL(0), 3 },
	{ "and that without order", ARRIVAL(3), 3 },
	{ "and that by far", ARRIVAL(1), UINT32_MAX },
	{ "brought by no one", ARRIVAL(0) + 8, 0 },
	{ "in no company", ARRIVAL(1) + 4, 0 },
	{ "a path twice in order", ARRIVAL(1), 1 },
	{ "a path twice without order", ARRIVAL(2), 2 },
	{ "descending without order", ARRIVAL(3), 0 },
	{ "a path twice in the list", NAME(1), TEXT('1', '0', '.', 's') },
	{ "a path that cannot be", NAME(0), TEXT('.', '0', '.', 's') },
	{ "a path with a control", NAME(0), TEXT('1', '\n', '.', 's') },
	{ "no path at all", NAME(0), TEXT('\0', '0', '.', 's') },
	{ "a path cut in two", NAME(1), TEXT('2', '0', '\0', 's') },
	{ "two paths in one", NAME(0) + 3, TEXT('s', 'q', 'l', '2') },
	{ "a path without an end", NAME(2) + 2, TEXT('s', 'q', 'l', 's') },
};

static void malformed_files_are_refused(void **state UNUSED)
{
	struct buf file = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(malformed); i++) {
		const struct oid value = id(malformed[i].value);
		struct lines l = { 0 };

		put_file(&file);
		memcpy(file.s + malformed[i].at, value.id, 4);
		if (lines_decode(&l, file.s, file.len) != -1 || !is_empty(&l))
			fail_msg("%s: not refused", malformed[i].what);
	}
	buf_release(&file);
}

/* What the rules above leave open is taken, so that each is seen to refuse. */
static void files_at_the_limits_are_read(void **state UNUSED)
{
	static const struct {
		size_t at;
		uint32_t value;
	} fine[] = {
		{ OLDER(0), STOP_OPEN },
		{ OLDER(1), STOP_NONE },
		{ OLDER(2), 0 },
		{ SPAN(2), INT32_MAX },
		{ SPAN(0), 0 },
		{ PARENT(0), 0 },
		{ ARRIVAL(0), 2 },
		{ ARRIVAL(2), 1 },
		{ ARRIVAL(0) + 4, UINT32_MAX },
		{ NAME(2), TEXT('b', '.', 's', 'q') },
	};
	struct buf file = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fine); i++) {
		const struct oid value = id(fine[i].value);
		struct lines l = { 0 };

		put_file(&file);
		memcpy(file.s + fine[i].at, value.id, 4);
		if (lines_decode(&l, file.s, file.len) < 0)
			fail_msg("refused: %zu, %x", fine[i].at, fine[i].value);
		lines_release(&l);
	}
	buf_release(&file);
}

static void truncated_files_are_refused(void **state UNUSED)
{
	struct buf file = BUF_INIT;
	struct lines l = { 0 };
	unsigned char *part;
	size_t len;

	put_file(&file);
	for (len = 0; len < file.len; len++) {
		part = malloc(len + !len); /* exactly: a read past it is seen */
		memcpy(part, file.s, len);
		assert_int_equal(lines_decode(&l, part, len), -1);
		assert_true(is_empty(&l));
		free(part);
	}
	buf_addc(&file, '\0');
	assert_int_equal(lines_decode(&l, file.s, file.len), -1);
	assert_true(is_empty(&l));
	buf_release(&file);
}

/* Round trips. */

static uint32_t older_commit(const struct lines *l, const struct stop *s)
{
	const struct oid *at;

	if (s->older >= STOP_OPEN)
		return s->older;
	at = &l->stops[s->older].commit;
	return (uint32_t)at->id[0] << 24 | (uint32_t)at->id[1] << 16 |
	       (uint32_t)at->id[2] << 8 | at->id[3];
}

static void assert_same_stop(const struct lines *l, const struct stop *s,
			     const struct lines *m, const struct stop *t)
{
	size_t i;

	assert_true(oid_eq(&s->parent, &t->parent));
	assert_int_equal(older_commit(l, s), older_commit(m, t));
	assert_int_equal(s->span, t->span);
	assert_int_equal(s->ordered, t->ordered);
	assert_int_equal(s->nr, t->nr);
	for (i = 0; i < s->nr; i++) {
		const struct arrival *a = &s->arrivals[i], *b = &t->arrivals[i];

		assert_string_equal(l->paths[a->path], m->paths[b->path]);
		assert_int_equal(a->company, b->company);
		assert_true(oid_eq(&a->commit, &b->commit));
		assert_int_equal(b->circle, 0);
	}
}

/* The second ones hold the same stops, in whatever sequence. */
static void assert_same_lines(struct lines *l, struct lines *m)
{
	uint32_t at;
	size_t i;

	assert_int_equal(l->nr, m->nr);
	for (i = 0; i < l->nr; i++) {
		at = lines_find(m, &l->stops[i].commit);
		assert_int_not_equal(at, STOP_NONE);
		assert_same_stop(l, &l->stops[i], m, &m->stops[at]);
	}
}

/* A stop that brings the files of a text itself, or a mark; its parent is `n - 1`. */
static uint32_t add_stop(struct lines *l, uint32_t n, const char *files, bool ordered)
{
	const struct oid commit = id(n), parent = id(n - 1);
	size_t nr = strlen(files), i;
	uint32_t at = lines_add(l, &commit, &parent, nr);
	struct stop *s = &l->stops[at];
	char path[] = "x.sql";

	for (i = 0; i < nr; i++) {
		path[0] = files[i];
		s->arrivals[i].path = lines_path(l, path);
		if (!ordered)
			continue;
		s->arrivals[i].company = (uint32_t)nr;
		s->arrivals[i].commit = commit;
	}
	s->ordered = ordered;
	return at;
}

static void hang(struct lines *l, uint32_t at, uint32_t older, uint32_t span)
{
	l->stops[at].older = older;
	l->stops[at].span = span;
}

static void nothing_is_written_and_read(void **state UNUSED)
{
	static const char zeros[16];
	struct lines l = { 0 }, again;
	struct buf bytes = BUF_INIT;

	lines_encode(&l, STOP_NONE, &bytes);
	assert_int_equal(bytes.len, sizeof(zeros));
	assert_memory_equal(bytes.s, zeros, sizeof(zeros));
	reread(&l, STOP_NONE, &again);
	assert_int_equal(again.nr, 0);
	assert_int_equal(lines_find(&again, &(struct oid){ { 1 } }), STOP_NONE);
	/* a path that nothing brings is known to the one who asks for it */
	lines_path(&again, "a.sql");
	lines_release(&l);
	reread(&again, STOP_NONE, &l);
	assert_int_equal(l.nr_paths, 0);
	lines_release(&l);
	lines_release(&again);
	buf_release(&bytes);
}

static void one_stop_is_written_and_read(void **state UNUSED)
{
	static const uint32_t olders[] = { STOP_NONE, STOP_OPEN };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(olders); i++) {
		struct lines l = { 0 }, again;

		hang(&l, add_stop(&l, 7, "ba", true), olders[i], i ? 0 : 3);
		reread(&l, 0, &again);
		assert_same_lines(&l, &again);
		lines_release(&l);
		lines_release(&again);
	}
}

/* Newest first, as a walk finds them, in three lines that meet. */
static void lines_that_meet_are_written_and_read(void **state UNUSED)
{
	struct lines l = { 0 }, again;
	uint32_t tip = add_stop(&l, 90, "dc", true), side = add_stop(&l, 80, "x", true);
	uint32_t other = add_stop(&l, 70, "cde", false), meet = add_stop(&l, 60, "b", 1);
	uint32_t apart = add_stop(&l, 50, "a", false), root = add_stop(&l, 10, "za", 1);

	hang(&l, tip, meet, 30);
	hang(&l, side, meet, 20);
	hang(&l, other, root, 60);
	hang(&l, meet, root, 50);
	hang(&l, root, STOP_NONE, 10);
	assert_int_equal(l.stops[apart].older, STOP_OPEN);
	reread(&l, tip, &again);
	assert_same_lines(&l, &again);
	lines_release(&l);
	reread(&again, STOP_NONE, &l);
	assert_same_lines(&again, &l);
	lines_release(&l);
	lines_release(&again);
}

/* No order was found: what is stored is only what arrived, for the next one to ask. */
static void circle_is_written_without_order(void **state UNUSED)
{
	struct graph g = { .salt = 3 };
	struct lines l = { 0 }, again;
	struct err first = { 0 }, err = { 0 };
	struct list plan;
	const struct stop *s;

	graph_parse(&g,
		    "r: 40; s r: 40 10<20 20<10 30<10; x r s: 40 10<20 20<10 30<10 a");
	assert_int_equal(graph_plan(&g, 2, &l, &plan, &first), -1);
	reread(&l, graph_stop(&g, 2, &l), &again);
	s = &again.stops[graph_stop(&g, 2, &again)];
	assert_int_equal(s->nr, 4);
	assert_false(s->ordered);
	assert_string_equal(again.paths[s->arrivals[0].path], "10.sql");
	assert_string_equal(again.paths[s->arrivals[3].path], "a.sql");
	assert_int_equal(s->arrivals[0].company, 0);
	assert_true(oid_is_zero(&s->arrivals[0].commit));
	assert_int_equal(graph_plan(&g, 2, &again, &plan, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.message, first.message);
	lines_release(&l);
	lines_release(&again);
	graph_release(&g);
}

/* Marks: stops without arrivals. */

/* How many commits lie between a stop and the end of its line; the stops it has. */
static size_t length_of(const struct lines *l, uint32_t at, size_t *stops)
{
	size_t len = 0;

	for (*stops = 0; at < STOP_OPEN; at = l->stops[at].older) {
		len += l->stops[at].span;
		++*stops;
	}
	return len;
}

/* Every mark that is left saves more than the ones round it would without it. */
static void assert_thin(const struct lines *l, uint32_t at)
{
	const struct stop *s, *next;

	for (; at < STOP_OPEN; at = s->older) {
		s = &l->stops[at];
		if (s->older >= STOP_OPEN)
			return;
		next = &l->stops[s->older];
		assert_true(next->nr || next->older == STOP_OPEN ||
			    s->span + next->span > SPAN_MAX);
	}
}

/* A line of marks, the newest first or last in memory, above and below an arrival. */
static void marks_are_thinned_out(void **state UNUSED)
{
	enum { EACH = 100, MARKS = 61, MIDDLE = 30 };
	const struct oid tip = id(1000 + MARKS - 1), middle = id(1000 + MIDDLE);
	struct lines l = { 0 }, again;
	size_t stops, down;
	uint32_t i, n;

	for (down = 0; down < 2; down++) {
		for (i = 0; i < MARKS; i++) {
			n = down ? MARKS - 1 - i : i;
			add_stop(&l, 1000 + n, n == MIDDLE ? "a" : "", true);
			hang(&l, i, n == 0 ? STOP_NONE : down ? i + 1 : i - 1, EACH);
		}
		reread(&l, lines_find(&l, &tip), &again);
		n = lines_find(&again, &tip);
		assert_int_equal(length_of(&again, n, &stops), MARKS * EACH);
		assert_in_range(stops, 6, 10);
		assert_int_equal(again.nr, stops); /* nothing is left that nobody meets */
		assert_thin(&again, n);
		n = lines_find(&again, &middle);
		assert_int_equal(length_of(&again, n, &stops), (MIDDLE + 1) * EACH);
		assert_int_equal(again.stops[n].nr, 1);
		lines_release(&l);
		lines_release(&again);
	}
}

static void marks_of_a_full_span_are_kept(void **state UNUSED)
{
	/* of a stop, the mark below it and the mark below that one */
	static const struct {
		uint32_t span[3];
		size_t nr;
	} cases[] = {
		{ { 512, 512, 512 }, 2 },
		{ { 512, 513, 1 }, 2 },
		{ { 512, 513, 512 }, 3 },
		{ { 1, 1024, 1 }, 3 },
		{ { 1, 1023, 1 }, 2 },
		{ { 300, 300, 300 }, 1 },
		{ { INT32_MAX, INT32_MAX, 1024 }, 3 },
		{ { 1024, INT32_MAX, 1 }, 3 },
	};
	size_t i, k, stops;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lines l = { 0 }, again;

		for (k = 0; k < 3; k++) {
			add_stop(&l, (uint32_t)(90 - k), k ? "" : "a", true);
			hang(&l, (uint32_t)k, k < 2 ? (uint32_t)k + 1 : STOP_NONE,
			     cases[i].span[k]);
		}
		reread(&l, 0, &again);
		assert_int_equal(length_of(&again, lines_find(&again, &l.stops[0].commit),
					   &stops),
				 (size_t)cases[i].span[0] + cases[i].span[1] +
					 cases[i].span[2]);
		if (stops != cases[i].nr || again.nr != stops)
			fail_msg("case %zu: %zu stops, %zu in all", i, stops, again.nr);
		lines_release(&l);
		lines_release(&again);
	}
}

/* Where other walks begin, and where one has not yet ended. */
static void marks_at_the_ends_are_kept(void **state UNUSED)
{
	struct lines l = { 0 }, again;
	uint32_t tip = add_stop(&l, 90, "", true), other = add_stop(&l, 80, "", true);
	uint32_t meet = add_stop(&l, 70, "", true), end = add_stop(&l, 60, "", true);

	hang(&l, tip, meet, 5);
	hang(&l, other, meet, 10);
	hang(&l, meet, end, 10);
	reread(&l, tip, &again);
	assert_int_equal(again.nr, 3);
	assert_int_not_equal(lines_find(&again, &l.stops[other].commit), STOP_NONE);
	assert_int_equal(lines_find(&again, &l.stops[meet].commit), STOP_NONE);
	tip = lines_find(&again, &l.stops[tip].commit);
	assert_int_equal(again.stops[tip].span, 15);
	end = lines_find(&again, &l.stops[end].commit);
	assert_int_equal(again.stops[tip].older, end);
	assert_int_equal(again.stops[end].older, STOP_OPEN);
	lines_release(&l);
	lines_release(&again);
}

/* Lines of branches long gone. */

static void add_line(struct lines *l, uint32_t first, uint32_t nr, uint32_t older)
{
	uint32_t i, at;

	for (i = 0; i < nr; i++) {
		at = add_stop(l, first + i, i % 2 ? "a" : "b", true);
		hang(l, at, older, 1);
		older = at;
	}
}

static void other_lines_go_once_they_outweigh(void **state UNUSED)
{
	enum { OWN = 10, OTHERS = OWN + OTHERS_ALLOWED };
	struct lines l = { 0 }, again;
	const struct oid side = id(2000);

	add_line(&l, 1000, OWN, STOP_NONE);
	add_line(&l, 2000, OTHERS, OWN / 2);
	reread(&l, OWN - 1, &again);
	assert_int_equal(again.nr, OWN + OTHERS);
	lines_release(&again);
	hang(&l, add_stop(&l, 9000, "cd", false), STOP_OPEN, 0);
	reread(&l, STOP_NONE, &again); /* nobody says which is the tip's */
	assert_int_equal(again.nr, OWN + OTHERS + 1);
	assert_int_equal(again.nr_paths, 4);
	lines_release(&again);
	reread(&l, OWN - 1, &again);
	assert_int_equal(again.nr, OWN);
	assert_int_equal(again.nr_paths, 2); /* and the names of what they brought */
	assert_int_equal(lines_find(&again, &side), STOP_NONE);
	assert_int_equal(again.stops[OWN - 1].older, OWN - 2);
	assert_int_equal(again.stops[0].older, STOP_NONE);
	lines_release(&l);
	lines_release(&again);
}

/* A branch on which one file comes and goes, merged into a short one at its end. */
static void make_long_side(struct graph *g, size_t len)
{
	struct node *n;
	size_t i;

	graph_parse(g, "r: 10; s r: 10 20");
	for (i = 2; i < len; i++) {
		n = graph_add(g, i == 2 ? "t" : "u");
		n->parents[n->nr_parents++] = i - 1;
		memcpy(n->files, g->at[1].files, sizeof(n->files));
		if (i % 2 == 0)
			n->files[graph_path("30", 2)] = BLOB(1, 0, 0);
	}
	n = graph_add(g, "m");
	n->nr_parents = 2;
	n->parents[1] = len - 1;
	memcpy(n->files, g->at[1].files, sizeof(n->files));
	graph_trees(g);
}

static void lines_that_went_are_walked_again(void **state UNUSED)
{
	enum { LEN = 2 * OTHERS_ALLOWED + 100 };
	struct graph g = { .salt = 11 };
	struct lines cold = { 0 }, l;
	struct list main_plan, side_plan, plan;
	struct err err = { 0 };

	make_long_side(&g, LEN);
	assert_int_equal(graph_plan(&g, LEN, &cold, &main_plan, &err), 0);
	assert_int_equal(graph_plan(&g, LEN - 2, &cold, &side_plan, &err), 0);
	assert_true(cold.nr > OTHERS_ALLOWED + 4);
	reread(&cold, graph_stop(&g, LEN, &cold), &l);
	assert_int_equal(l.nr, 2);
	g.calls = 0;
	assert_int_equal(graph_plan(&g, LEN, &l, &plan, &err), 0);
	assert_int_equal(g.calls, 0);
	assert_memory_equal(&plan, &main_plan, sizeof(plan));
	assert_int_equal(graph_plan(&g, LEN - 2, &l, &plan, &err), 0);
	assert_memory_equal(&plan, &side_plan, sizeof(plan));
	assert_true(g.calls > LEN);
	lines_release(&cold);
	lines_release(&l);
	graph_release(&g);
}

/* What was damaged, or written by an enemy, and yet can be read. */

static uint64_t seed = 20261122;

/* 0 to n - 1 */
static uint32_t pick(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % n;
}

/* Commits of make_history to begin at. */
static const size_t tips[] = { 82, 166, 167, 168, 7 };

/* Plans some commits with what was read, and writes that: all of it comes to an end. */
static void use_damaged(struct graph *g, const struct buf *file)
{
	struct lines l = { 0 }, again = { 0 };
	struct buf bytes = BUF_INIT;
	struct list plan;
	size_t i;

	if (lines_decode(&l, file->s, file->len) < 0) {
		assert_true(is_empty(&l));
		return;
	}
	for (i = 0; i <= ARRAY_SIZE(tips); i++) {
		size_t tip = i < ARRAY_SIZE(tips) ? tips[i] : pick((uint32_t)g->nr);
		struct err err = { 0 };

		if (graph_plan(g, tip, &l, &plan, &err) < 0)
			assert_string_not_equal(err.message, "");
	}
	lines_encode(&l, graph_stop(g, pick((uint32_t)g->nr), &l), &bytes);
	if (lines_decode(&again, bytes.s, bytes.len) < 0)
		assert_true(is_empty(&again));
	lines_release(&l);
	lines_release(&again);
	buf_release(&bytes);
}

/* The same folder in many commits, so that marks are set. */
static void add_same(struct graph *g, size_t parent, size_t nr)
{
	struct node *n;

	for (; nr > 0; nr--) {
		n = graph_add(g, "u");
		n->parents[n->nr_parents++] = parent;
		memcpy(n->files, g->at[parent].files, sizeof(n->files));
		parent = g->nr - 1;
	}
}

/* Merges of merges, marks, lines that nobody has followed to their end. */
static void make_history(struct graph *g, struct buf *file)
{
	struct lines l = { 0 };
	struct err err = { 0 };
	struct list plan;
	size_t i;

	graph_parse(g, "r: 10; s r: 10 20; t s: 10 20 30<25 25; m r: 10 40; "
		       "n s m: 10 20 40; o t n: 10 20 25 30 40 50; p m: 10 40 a b<a c; "
		       "q p o: 10 20 25 30 40 50 a b c; ");
	add_same(g, 7, 75); /* 8 to 82 */
	graph_parse(g, "x q: 10 a; y x: 10 20 a");
	add_same(g, 84, 80); /* 85 to 164 */
	graph_parse(g, "v x y: 10 20 a; w v q: 10 20 40 a 10/20; "
		       "e w: 20; f e o: 20 30 40 50");
	for (i = 0; i < ARRAY_SIZE(tips); i++)
		assert_int_equal(graph_plan(g, tips[i], &l, &plan, &err), 0);
	assert_true(l.nr > 8);
	lines_encode(&l, STOP_NONE, file);
	lines_release(&l);
	g->doubted = true;
}

static void each_bit_is_flipped(void **state UNUSED)
{
	struct graph g = { .salt = 2 };
	struct buf file = BUF_INIT;
	size_t bit;

	make_history(&g, &file);
	alarm(300);
	for (bit = 0; bit < 8 * file.len; bit++) {
		file.s[bit / 8] ^= (char)(1 << bit % 8);
		use_damaged(&g, &file);
		file.s[bit / 8] ^= (char)(1 << bit % 8);
	}
	alarm(0);
	buf_release(&file);
	graph_release(&g);
}

/* Puts something else where it may stand. */
static void tamper(struct buf *file)
{
	const unsigned char *head = (const unsigned char *)file->s;
	uint32_t nr = head[3], arrivals = head[7], paths_nr = head[11];
	uint32_t i = pick(nr), k = pick(nr), word = pick(8);
	char *arrival = file->s + STOP(nr) + 28 * pick(arrivals);
	struct oid was;

	switch (pick(6)) {
	case 0: /* another line */
		word = word == 0 ? STOP_NONE : word < 3 || !i ? STOP_OPEN : pick(i);
		was = id(word);
		memcpy(file->s + OLDER(i), was.id, 4);
		break;
	case 1: /* two commits change places */
		memcpy(was.id, file->s + STOP(i), OID_RAWSZ);
		memcpy(file->s + STOP(i), file->s + STOP(k), OID_RAWSZ);
		memcpy(file->s + STOP(k), was.id, OID_RAWSZ);
		break;
	case 2: /* another parent */
		memcpy(file->s + PARENT(i), file->s + (word & 1 ? STOP(k) : PARENT(k)),
		       OID_RAWSZ);
		break;
	case 3: /* in order, or no longer */
		file->s[NUMBER(i)] ^= (char)0x80;
		break;
	case 4: /* another file */
		arrival[3] = (char)pick(paths_nr);
		break;
	default: /* another commit brings it */
		memcpy(arrival + 8, file->s + STOP(i), OID_RAWSZ);
		break;
	}
}

static void many_things_change_places(void **state UNUSED)
{
	enum { TIMES = 20000 };
	struct graph g = { .salt = 4 };
	struct buf file = BUF_INIT, damaged = BUF_INIT;
	size_t i, k;

	make_history(&g, &file);
	alarm(300);
	for (i = 0; i < TIMES; i++) {
		buf_reset(&damaged);
		buf_add(&damaged, file.s, file.len);
		for (k = pick(6) + 1; k > 0; k--)
			tamper(&damaged);
		use_damaged(&g, &damaged);
	}
	alarm(0);
	buf_release(&file);
	buf_release(&damaged);
	graph_release(&g);
}

static uint32_t add_at(struct lines *l, const struct graph *g, size_t commit,
		       size_t parent, size_t nr)
{
	struct oid at, below;

	graph_id(g, commit, &at);
	graph_id(g, parent, &below);
	return lines_add(l, &at, &below, nr);
}

/* Each stop says that the other one comes next. */
static void line_in_a_ring_comes_to_an_end(void **state UNUSED)
{
	struct graph g = { .salt = 6 };
	struct lines l = { 0 }, again = { 0 };
	struct buf bytes = BUF_INIT;
	struct err err = { 0 };
	struct list plan;

	graph_parse(&g, "r: 10; s r: 10; t s: 10");
	assert_int_equal(add_at(&l, &g, 1, 0, 0), 0);
	hang(&l, add_at(&l, &g, 0, 0, 0), 0, 1);
	alarm(60);
	assert_int_equal(graph_plan(&g, 2, &l, &plan, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	assert_string_equal(err.message,
			    "could not find where migration '10.sql' came from");
	lines_encode(&l, 0, &bytes);
	assert_int_equal(lines_decode(&again, bytes.s, bytes.len), -1);
	assert_true(is_empty(&again));
	alarm(0);
	lines_release(&l);
	buf_release(&bytes);
	graph_release(&g);
}

/* A side line leads back to the merge whose arrivals it is asked for. */
static void merge_of_itself_comes_to_an_end(void **state UNUSED)
{
	struct graph g = { .salt = 8 };
	struct lines l = { 0 };
	struct err err = { 0 };
	struct list plan;
	uint32_t merge;

	graph_parse(&g, "r: 20; s r: 10 20; t s: 10 20; m r t: 10 20");
	merge = add_at(&l, &g, 3, 0, 1);
	l.stops[merge].arrivals[0].path = lines_path(&l, "10.sql");
	hang(&l, add_at(&l, &g, 2, 1, 0), merge, 1);
	alarm(60);
	assert_int_equal(graph_plan(&g, 3, &l, &plan, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	assert_string_equal(err.message,
			    "could not find where migration '10.sql' came from");
	alarm(0);
	lines_release(&l);
	graph_release(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_is_read),
		cmocka_unit_test(malformed_files_are_refused),
		cmocka_unit_test(files_at_the_limits_are_read),
		cmocka_unit_test(truncated_files_are_refused),
		cmocka_unit_test(nothing_is_written_and_read),
		cmocka_unit_test(one_stop_is_written_and_read),
		cmocka_unit_test(lines_that_meet_are_written_and_read),
		cmocka_unit_test(circle_is_written_without_order),
		cmocka_unit_test(marks_are_thinned_out),
		cmocka_unit_test(marks_of_a_full_span_are_kept),
		cmocka_unit_test(marks_at_the_ends_are_kept),
		cmocka_unit_test(other_lines_go_once_they_outweigh),
		cmocka_unit_test(lines_that_went_are_walked_again),
		cmocka_unit_test(each_bit_is_flipped),
		cmocka_unit_test(many_things_change_places),
		cmocka_unit_test(line_in_a_ring_comes_to_an_end),
		cmocka_unit_test(merge_of_itself_comes_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
