/* The text of the drills: what can stand in it, and all of the catalogue. */
#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/pool.h"
#include "core/drill.h"

static const char catalogue[] = {
#include "drills/catalogue.inc"
};

#define WHOLE                                                                            \
	"# a comment\n= one\n== title\nOne\n== story\nIt broke.\n"                       \
	"== file 1.sql: first\nCREATE TABLE t (a);\n"                                    \
	"== bad@sqlite 2.sql: second: of two\nDROP TABLE t;\n"                           \
	"== bad@postgresql 2.sql: another\nSELECT 2;\n"                                  \
	"== read old: a number\nSELECT 1\n-- expect\n1|2\n3\n"                           \
	"== may-change t.a: it is wrong\n== may-go t\n"                                  \
	"== hint\nLook.\n== hint\nLook again.\n"

struct reading {
	struct pool pool;
	struct drill_catalogue c;
	struct err err;
};

static int parse(struct reading *r, const char *text, const char *engine)
{
	memset(r, 0, sizeof(*r));
	return drill_parse(text, strlen(text), engine, &r->pool, &r->c, &r->err);
}

static void release(struct reading *r)
{
	drill_catalogue_release(&r->c);
	pool_release(&r->pool);
}

static void test_parts(void **state UNUSED)
{
	const struct drill_part *p;
	const struct drill_incident *d;
	struct reading r;

	assert_int_equal(parse(&r, WHOLE, "sqlite"), 0);
	d = drill_find(&r.c, "one");
	assert_non_null(d);
	assert_null(drill_find(&r.c, "On"));
	assert_string_equal(d->title, "One");
	assert_int_equal(d->bad->kind, DRILL_BAD);
	assert_string_equal(d->bad->about, "second: of two");
	assert_string_equal(d->bad->text, "DROP TABLE t;");
	assert_true(drill_wants_fix(d));
	p = drill_next(d, DRILL_READ, NULL);
	assert_string_equal(p->name, "old");
	assert_string_equal(p->text, "SELECT 1");
	assert_string_equal(p->expect, "1|2\n3");
	p = drill_next(d, DRILL_MAY_CHANGE, NULL);
	assert_string_equal(p->name, "t.a");
	assert_string_equal(p->about, "it is wrong");
	assert_string_equal(drill_next(d, DRILL_MAY_GO, NULL)->name, "t");
	p = drill_next(d, DRILL_HINT, drill_next(d, DRILL_HINT, NULL));
	assert_string_equal(p->text, "Look again.");
	assert_null(drill_next(d, DRILL_HINT, p));
	release(&r);
	assert_int_equal(parse(&r, WHOLE, "postgresql"), 0);
	assert_string_equal(r.c.items[0].bad->text, "SELECT 2;");
	release(&r);
}

static void test_refusals(void **state UNUSED)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "x\n", "line 1 of the drills belongs to no part" },
		{ "== title\nx\n", "line 1 of the drills comes before the first" },
		{ "= a\n== tit\nx\n", "line 2 of the drills begins a part of no kind" },
		{ "= a\n== read old: x\nSELECT 1\n", "without its answer" },
		{ "= a\n== write old: x\nDELETE FROM t\n", "without its answer" },
		{ "= a\n== title\nx\n", "drill 'a' lacks its title, story, cause" },
		{ "= a\n== bad 1.sql: x\ny\n== stuck 2.sql: x\ny\n", "two causes" },
	};
	struct reading r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(&r, cases[i].text, "sqlite"), -1);
		if (!strstr(r.err.message, cases[i].why))
			fail_msg("%zu: %s", i, r.err.message);
		release(&r);
	}
}

/* Cut anywhere, a text is read or refused. */
static void test_cut(void **state UNUSED)
{
	struct reading r;
	size_t len;

	for (len = 0; len < strlen(WHOLE); len++) {
		char *text = strndup(WHOLE, len);

		assert_non_null(text);
		if (parse(&r, text, "sqlite") < 0)
			assert_true(r.err.message[0]);
		release(&r);
		free(text);
	}
}

static void test_catalogue(void **state UNUSED)
{
	static const char *const engines[] = { "sqlite", "postgresql" };
	const struct drill_incident *d;
	struct reading r;
	size_t e, i;

	for (e = 0; e < ARRAY_SIZE(engines); e++) {
		memset(&r, 0, sizeof(r));
		assert_int_equal(drill_parse(catalogue, sizeof(catalogue), engines[e],
					     &r.pool, &r.c, &r.err),
				 0);
		assert_true(r.c.nr >= 9);
		for (i = 0; i < r.c.nr; i++) {
			d = &r.c.items[i];
			assert_ptr_equal(drill_find(&r.c, d->name), d);
			assert_non_null(drill_next(d, DRILL_WRITE, NULL));
			assert_non_null(drill_next(d, DRILL_READ, NULL));
			assert_non_null(drill_next(d, DRILL_NAIVE, NULL));
			assert_true(d->bad->kind == DRILL_STUCK ||
				    drill_next(d, DRILL_MODEL, NULL));
		}
		release(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_catalogue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
