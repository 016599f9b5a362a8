#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/kept.h"

static struct kept_table *table(struct kept *k, const char *name, uint64_t rows,
				const char *key)
{
	struct kept_table *t = kept_add_table(k, name, key);

	t->rows = rows;
	return t;
}

static void column(struct kept *k, struct kept_table *t, const char *name,
		   const char *plain, const char *keyed)
{
	struct kept_column *c = kept_add_column(k, t, name);

	c->filled = t->rows;
	c->plain = plain;
	c->keyed = keyed;
}

/* people (id, phone), by id */
static struct kept_table *people(struct kept *k)
{
	struct kept_table *t = table(k, "people", 3, "id");

	column(k, t, "id", "10", "11");
	column(k, t, "phone", "20", "21");
	return t;
}

static void note(void *arg, const struct kept_difference *d)
{
	struct buf *out = arg;

	buf_addf(out, "%s %s%s%s;", kept_word(d->loss), d->table->name,
		 d->column ? "." : "", d->column ? d->column->name : "");
	if (d->loss == KEPT_TABLE_GONE || d->loss == KEPT_COLUMN_GONE)
		assert_null(d->column_now);
	else
		assert_non_null(d->table_now);
}

/* Compares, says what was found, and releases both. */
static void finds(struct kept *before, struct kept *now, const struct kept_rule *rules,
		  size_t nr, const char *expected)
{
	struct buf out = BUF_INIT;
	size_t found = kept_compare(before, now, rules, nr, note, &out), i, counted = 0;

	for (i = 0; i < out.len; i++)
		counted += out.s[i] == ';';
	assert_string_equal(buf_str(&out), expected);
	assert_int_equal(found, counted);
	buf_release(&out);
	kept_release(before);
	kept_release(now);
}

static void test_same(void **state UNUSED)
{
	struct kept a = { 0 }, b = { 0 };

	people(&a);
	table(&b, "newer", 9, NULL);
	column(&b, people(&b), "more", "5", "6");
	assert_int_equal(kept_rows(&a), 3);
	finds(&a, &b, NULL, 0, "");
}

static void test_nothing_before(void **state UNUSED)
{
	struct kept a = { 0 }, b = { 0 };

	people(&b);
	finds(&a, &b, NULL, 0, "");
}

static void test_rows(void **state UNUSED)
{
	struct kept a = { 0 }, b = { 0 };
	struct kept_table *t;

	people(&a);
	t = people(&b);
	t->rows = 2;
	t->columns[0].plain = "9"; /* as it must be: told once, as the rows */
	finds(&a, &b, NULL, 0, "rows people;");
}

static void test_values(void **state UNUSED)
{
	struct kept a = { 0 }, b = { 0 };
	struct kept_table *t;

	people(&a);
	t = people(&b);
	t->columns[0].filled--;
	t->columns[1].plain = "22";
	finds(&a, &b, NULL, 0, "filled people.id;values people.phone;");
}

static void test_moved(void **state UNUSED)
{
	struct kept a = { 0 }, b = { 0 };

	people(&a);
	people(&b)->columns[1].keyed = "22";
	finds(&a, &b, NULL, 0, "moved people.phone;");
}

static void test_another_key(void **state UNUSED)
{
	struct kept a = { 0 }, b = { 0 };
	struct kept_table *t;

	people(&a);
	t = people(&b);
	t->key = "phone";
	t->columns[1].keyed = "22";
	finds(&a, &b, NULL, 0, "");
}

static void note_unkeyed(void *arg, const struct kept_table *before,
			 const struct kept_table *now)
{
	buf_addf(arg, "%s %s;", before->name, now->name);
}

static void test_unkeyed(void **state UNUSED)
{
	static const struct kept_rule rules[] = {
		{ KEPT_MAY_CHANGE, "free", NULL, "why" },
		{ KEPT_IS_NOW, "pets", "animals", "why" },
	};
	struct kept a = { 0 }, b = { 0 };
	struct buf out = BUF_INIT;

	people(&a);
	people(&b);
	table(&a, "pets", 2, NULL);
	table(&b, "animals", 2, NULL);
	table(&a, "other", 2, "id");
	table(&b, "other", 2, "name");
	table(&a, "free", 2, NULL);
	table(&b, "free", 2, NULL);
	table(&a, "single", 1, NULL);
	table(&b, "single", 1, NULL);
	table(&a, "gone", 2, NULL);
	kept_unkeyed(&a, &b, rules, 2, note_unkeyed, &out);
	assert_string_equal(out.s, "pets animals;other other;");
	buf_release(&out);
	kept_release(&a);
	kept_release(&b);
}

static void test_gone(void **state UNUSED)
{
	struct kept a = { 0 }, b = { 0 };

	people(&a);
	table(&a, "pets", 0, NULL);
	people(&b)->nr = 1;
	finds(&a, &b, NULL, 0, "column-gone people.phone;table-gone pets;");
}

static void test_may_go(void **state UNUSED)
{
	static const struct kept_rule rules[] = {
		{ KEPT_MAY_GO, "people.phone", NULL, "why" },
		{ KEPT_MAY_GO, "pets", NULL, "why" },
	};
	struct kept a = { 0 }, b = { 0 };

	people(&a);
	table(&a, "pets", 0, NULL);
	people(&b)->nr = 1;
	finds(&a, &b, rules, 2, "");
}

static void test_may_change(void **state UNUSED)
{
	static const struct kept_rule rules[] = {
		{ KEPT_MAY_CHANGE, "people.phone", NULL, "why" },
	};
	struct kept a = { 0 }, b = { 0 };
	struct kept_table *t;

	people(&a);
	t = people(&b);
	t->columns[0].plain = "12";
	t->columns[1].plain = "22";
	finds(&a, &b, rules, 1, "values people.id;");
}

static void test_change_is_no_leave_to_go(void **state UNUSED)
{
	static const struct kept_rule rules[] = {
		{ KEPT_MAY_CHANGE, "people.phone", NULL, "why" },
		{ KEPT_MAY_CHANGE, "people", NULL, "why" },
	};
	struct kept a = { 0 }, b = { 0 };
	struct kept_table *t;

	people(&a);
	t = people(&b);
	t->nr = 1;
	t->rows = 7;
	finds(&a, &b, rules, 2, "column-gone people.phone;");
}

static void test_is_now(void **state UNUSED)
{
	static const struct kept_rule rules[] = {
		{ KEPT_IS_NOW, "people", "persons", "why" },
		{ KEPT_IS_NOW, "people.phone", "phones.number", "why" },
	};
	struct kept a = { 0 }, b = { 0 };
	struct kept_table *t;

	people(&a);
	t = people(&b);
	t->name = "persons";
	t->nr = 1;
	t = table(&b, "phones", 3, "id");
	column(&b, t, "number", "20", "21");
	finds(&a, &b, rules, 2, "");

	people(&a);
	t = people(&b);
	t->name = "persons";
	t->nr = 1;
	t = table(&b, "phones", 3, "id");
	column(&b, t, "number", "23", "21");
	finds(&a, &b, rules, 2, "values people.phone;");

	people(&a);
	people(&b)->name = "persons";
	finds(&a, &b, rules, 2, "column-gone people.phone;");
}

static void test_idle_rule(void **state UNUSED)
{
	static const struct kept_rule rules[] = {
		{ KEPT_MAY_CHANGE, "people", NULL, "why" },
		{ KEPT_MAY_CHANGE, "people.id", NULL, "why" },
		{ KEPT_MAY_GO, "people.ID", NULL, "why" },
	};
	struct kept a = { 0 };

	people(&a);
	assert_null(kept_idle_rule(&a, rules, 2));
	assert_ptr_equal(kept_idle_rule(&a, rules, 3), &rules[2]);
	kept_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_nothing_before),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_another_key),
		cmocka_unit_test(test_unkeyed),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_may_go),
		cmocka_unit_test(test_may_change),
		cmocka_unit_test(test_change_is_no_leave_to_go),
		cmocka_unit_test(test_is_now),
		cmocka_unit_test(test_idle_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
