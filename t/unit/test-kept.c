#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/kept.h"

static struct kept_table *table(struct kept *k, const char *name, uint64_t rows,
				const char *key)
{
	struct kept_table *t = kept_add_table(k, name);

	t->key = key;
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

static void note_unseen(void *arg, const struct kept_table *before,
			const struct kept_column *column)
{
	buf_addf(arg, "%s%s%s;", before->name, column ? "." : "",
		 column ? column->name : "");
}

/* Compares, and says what was not seen; releases both. */
static void unseen(struct kept *before, struct kept *now, const struct kept_rule *rules,
		   size_t nr, const char *expected)
{
	struct buf out = BUF_INIT;

	kept_unseen(before, now, rules, nr, note_unseen, &out);
	assert_string_equal(buf_str(&out), expected);
	buf_release(&out);
	finds(before, now, rules, nr, "");
}

static void test_unseen_column(void **state UNUSED)
{
	static const struct kept_rule rules[] = {
		{ KEPT_IS_NOW, "people.phone", "phones.number", "why", 0 },
		{ KEPT_MAY_CHANGE, "people", "why", "why", 0 },
	};
	const char *const keys[] = { "id", "owner" };
	struct kept_table *t;
	struct kept a, b;
	size_t i, nr;

	for (i = 0; i < 2; i++)
		for (nr = 1; nr <= 2; nr++) {
			memset(&a, 0, sizeof(a));
			memset(&b, 0, sizeof(b));
			people(&a);
			people(&b)->nr = 1;
			t = table(&b, "phones", 3, keys[i]);
			column(&b, t, "number", "20", "21");
			unseen(&a, &b, rules, nr, i && nr == 1 ? "people.phone;" : "");
		}
}

/* pets (owner, name): pairs of letters, "ar" and "bt" */
static struct kept_table *pets(struct kept *k, const struct kept_wish *wish,
			       const char *const *rows)
{
	struct kept_table *t = kept_add_table(k, "pets");

	kept_add_column(k, t, "owner");
	kept_add_column(k, t, "name");
	kept_choose(k, wish);
	for (; *rows; rows++, t->rows++)
		kept_add_digest(k, t,
				(uint64_t)(*rows)[0] << 8 | (unsigned char)(*rows)[1]);
	kept_end_table(t);
	return t;
}

static void pets_are(const char *const *before, const char *const *now,
		     const struct kept_rule *rules, size_t nr, const char *expected)
{
	struct kept_wish wish = { .before = NULL, .rules = rules, .nr_rules = nr };
	struct kept a = { 0 }, b = { 0 };

	pets(&a, &wish, before)->whole = "1";
	wish.before = &a;
	pets(&b, &wish, now)->whole = before == now ? "1" : "2";
	finds(&a, &b, rules, nr, expected);
}

static const char *const two[] = { "ar", "bt", NULL };

static void test_rows_without_key(void **state UNUSED)
{
	static const char *const swapped[] = { "at", "br", NULL };
	static const struct kept_rule rules[] = {
		{ KEPT_MAY_CHANGE, "pets", NULL, "why", 0 },
	};
	struct kept a = { 0 }, b = { 0 };
	struct buf out = BUF_INIT;
	struct kept_difference d = { .loss = KEPT_MOVED, .rows = 2 };

	pets_are(two, two, NULL, 0, "");
	pets_are(two, swapped, NULL, 0, "moved pets;");
	pets_are(two, swapped, rules, 1, "");
	d.table = pets(&a, &(struct kept_wish){ 0 }, two);
	kept_tell(&d, &out);
	assert_string_equal(out.s, "table pets has its values in other rows: 2 of 2 "
				   "rows");
	buf_release(&out);
	kept_release(&a);
	kept_release(&b);
}

static void test_rows_may_go(void **state UNUSED)
{
	static const char *const one[] = { "bt", NULL }, *const other[] = { "bx", NULL },
				 *const three[] = { "ar", "bt", "bt", NULL },
				 *const none[] = { NULL };
	static const struct kept_rule any[] = { { KEPT_MAY_LOSE, "pets", NULL, "why",
						  0 } },
				      single[] = { { KEPT_MAY_LOSE, "pets", NULL, "why",
						     1 } },
				      go[] = { { KEPT_MAY_GO, "pets", NULL, "why", 0 } };
	static const struct kept_rule change[] = {
		{ KEPT_MAY_CHANGE, "pets", NULL, "why", 0 },
		{ KEPT_MAY_LOSE, "pets", NULL, "why", 1 },
	};

	pets_are(two, one, NULL, 0, "rows pets;");
	pets_are(two, one, any, 1, "");
	pets_are(two, one, single, 1, "");
	pets_are(two, none, any, 1, "");
	pets_are(two, none, single, 1, "rows pets;");
	pets_are(two, other, any, 1, "new pets;");
	pets_are(two, three, any, 1, "rows pets;");
	/* the table may go, its rows alone may not */
	pets_are(two, none, go, 1, "rows pets;");
	pets_are(two, three, change, 1, "");
	pets_are(two, one, change, 1, "rows pets;");
	pets_are(two, other, change, 2, "");
	pets_are(two, none, change, 2, "rows pets;");
}

static void test_too_many_rows(void **state UNUSED)
{
	static const struct kept_rule rules[] = { { KEPT_MAY_LOSE, "pets", NULL, "why",
						    0 } };
	static const char *const none[] = { NULL };
	struct kept_wish wish = { .before = NULL, .rules = rules, .nr_rules = 1 };
	struct kept a = { 0 }, b = { 0 };
	struct kept_table *t = pets(&a, &wish, none);
	size_t i;

	for (i = 0; i < KEPT_DIGESTS; i++)
		kept_add_digest(&a, t, 7);
	assert_int_equal(t->each, KEPT_DIGESTS);
	kept_add_digest(&a, t, 7);
	assert_int_equal(t->each, 0);
	assert_int_equal(a.room, 0);
	t->rows = i + 1;
	wish.before = &a;
	pets(&b, &wish, two);
	unseen(&a, &b, rules, 1, "pets;");
}

/* "owner name" of the columns chosen */
static void columns_are(const struct kept_table *t, const struct kept_columns *c,
			const char *expected)
{
	struct buf out = BUF_INIT;
	size_t i;

	for (i = 0; i < c->nr; i++)
		buf_addf(&out, "%s%s", i ? " " : "", t->columns[c->items[i]].name);
	assert_string_equal(buf_str(&out), expected);
	buf_release(&out);
}

/* things (a, b, c): keys "a", and "b, c" */
static struct kept_table *things(struct kept *k, const char *a)
{
	struct kept_table *t = kept_add_table(k, "things");

	kept_add_column(k, t, "b");
	kept_add_column(k, t, a);
	kept_add_column(k, t, "c");
	kept_add_key_column(k, t, "pk", a);
	kept_add_key_column(k, t, "bc", "b");
	kept_add_key_column(k, t, "bc", "c");
	return t;
}

static void chosen(const struct kept_rule *rules, size_t nr, const char *a,
		   const char *by, const char *row, const char *by_now,
		   const char *row_now)
{
	struct kept_wish wish = { .before = NULL, .rules = rules, .nr_rules = nr };
	struct kept before = { 0 }, now = { 0 };
	struct kept_table *t = things(&before, "a");

	kept_choose(&before, &wish);
	columns_are(t, &t->by, by);
	columns_are(t, &t->row, row);
	assert_int_equal(t->each, by[0] ? 0 : KEPT_COUNTED);
	wish.before = &before;
	t = things(&now, a);
	t->nr_keys = 0; /* it is compared by those of before */
	kept_choose(&now, &wish);
	columns_are(t, &t->by, by_now);
	columns_are(t, &t->row, row_now);
	if (by[0] && by_now[0])
		assert_string_equal(t->key, before.tables[0].key);
	else
		assert_null(t->key);
	kept_release(&before);
	t->nr_keys = 2;
	kept_release(&now);
}

static void test_choice(void **state UNUSED)
{
	static const struct kept_rule change[] = {
		{ KEPT_MAY_CHANGE, "things.a", NULL, "why", 0 },
		{ KEPT_MAY_GO, "things.c", NULL, "why", 0 },
	};
	static const struct kept_rule is_now[] = {
		{ KEPT_IS_NOW, "things.a", "things.z", "why", 0 },
		{ KEPT_IS_NOW, "things.c", "other.c", "why", 0 },
	};

	chosen(NULL, 0, "a", "a", "b a c", "a", "b a c");
	/* the old key is gone, which is a loss already */
	chosen(NULL, 0, "z", "a", "b a c", "", "");
	chosen(change, 1, "a", "b c", "b c", "b c", "b c");
	chosen(change, 2, "a", "", "b", "", "b");
	chosen(is_now, 1, "z", "a", "b a c", "z", "b z c");
	chosen(is_now, 2, "z", "a", "b a", "z", "b z");
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
		{ KEPT_MAY_GO, "people.phone", NULL, "why", 0 },
		{ KEPT_MAY_GO, "pets", NULL, "why", 0 },
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
		{ KEPT_MAY_CHANGE, "people.phone", NULL, "why", 0 },
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
		{ KEPT_MAY_CHANGE, "people.phone", NULL, "why", 0 },
		{ KEPT_MAY_CHANGE, "people", NULL, "why", 0 },
	};
	struct kept a = { 0 }, b = { 0 };
	struct kept_table *t;

	people(&a);
	t = people(&b);
	t->nr = 1;
	t->rows = 7; /* more are a change */
	finds(&a, &b, rules, 2, "column-gone people.phone;");
}

static void test_is_now(void **state UNUSED)
{
	static const struct kept_rule rules[] = {
		{ KEPT_IS_NOW, "people", "persons", "why", 0 },
		{ KEPT_IS_NOW, "people.phone", "phones.number", "why", 0 },
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
		{ KEPT_MAY_CHANGE, "people", NULL, "why", 0 },
		{ KEPT_MAY_CHANGE, "people.id", NULL, "why", 0 },
		{ KEPT_MAY_GO, "people.ID", NULL, "why", 0 },
	};
	static const struct kept_rule rows[] = {
		{ KEPT_MAY_LOSE, "people", NULL, "why", 0 },
		{ KEPT_MAY_LOSE, "people.id", NULL, "why", 0 },
	};
	struct kept a = { 0 };

	people(&a);
	assert_null(kept_idle_rule(&a, rules, 2));
	assert_ptr_equal(kept_idle_rule(&a, rules, 3), &rules[2]);
	assert_null(kept_idle_rule(&a, rows, 1));
	assert_ptr_equal(kept_idle_rule(&a, rows, 2), &rows[1]);
	kept_release(&a);
}

/* people had id and phone; email and the tables pets and toys came with the original. */
static void finds_added(const struct kept_rule *rules, size_t nr, const char *tables,
			const char *expected)
{
	struct kept before = { 0 }, added = { 0 }, now = { 0 };
	const struct kept_wish wish = { .before = &before,
					.rules = rules,
					.nr_rules = nr };
	struct buf out = BUF_INIT;
	struct kept_table *t;
	const char *s;

	people(&before);
	column(&added, people(&added), "email", "1", "1");
	column(&added, table(&added, "pets", 0, NULL), "name", "1", "1");
	/* each letter is what is there now: people, its email, pets, its name, toys */
	for (t = NULL, s = tables; *s; s++) {
		if (*s == 'p' || *s == 'P')
			t = table(&now, *s == 'p' ? "people" : "pets", 0, NULL);
		else
			column(&now, t,
			       *s == 'e'   ? "email"
			       : *s == 'm' ? "mail"
					   : "name",
			       "2", "2");
	}
	assert_int_equal(kept_compare_added(&before, &added, &wish, &now, note, &out) > 0,
			 expected[0] != '\0');
	assert_string_equal(buf_str(&out), expected);
	buf_release(&out);
	kept_release(&before);
	kept_release(&added);
	kept_release(&now);
}

static void test_added(void **state UNUSED)
{
	static const struct kept_rule go[] = {
		{ .leave = KEPT_MAY_GO, .what = "people.email", .reason = "never used" },
		{ .leave = KEPT_MAY_GO, .what = "pets", .reason = "never used" },
	};
	static const struct kept_rule is = { .leave = KEPT_IS_NOW,
					     .what = "people.email",
					     .now = "people.mail" };
	static const struct kept_rule change = { .leave = KEPT_MAY_CHANGE,
						 .what = "people.email" };
	struct kept added = { 0 };

	finds_added(NULL, 0, "pePn", "");
	/* what was there before is not looked at here: id and phone are gone */
	finds_added(NULL, 0, "pPn", "column-gone people.email;");
	finds_added(NULL, 0, "pe", "table-gone pets;");
	finds_added(NULL, 0, "peP", "column-gone pets.name;");
	finds_added(NULL, 0, "Pn", "");
	finds_added(go, 2, "p", "");
	finds_added(go, 1, "p", "table-gone pets;");
	finds_added(&is, 1, "pmPn", "");
	finds_added(&is, 1, "pnPn", "column-gone people.email;");
	finds_added(&change, 1, "pPn", "column-gone people.email;");
	column(&added, people(&added), "email", "1", "1");
	assert_true(kept_is_of_added(&added, &go[0]));
	assert_true(kept_is_of_added(&added, &is));
	assert_false(kept_is_of_added(&added, &go[1]));
	assert_false(kept_is_of_added(&added, &change));
	kept_release(&added);
}

/* A table with as many rows, and one column with as many values, that sum up to this. */
static void thing(struct kept *k, const char *name, uint64_t rows, const char *of,
		  uint64_t filled, const char *plain)
{
	struct kept_table *t = table(k, name, rows, NULL);

	column(k, t, of, plain, plain);
	t->columns[0].filled = filled;
}

/* Compares what was added, says what is less, and releases all. */
static void finds_less(struct kept *before, struct kept *added, struct kept *now,
		       const struct kept_rule *rules, size_t nr, const char *expected)
{
	const struct kept_wish wish = { .before = before,
					.rules = rules,
					.nr_rules = nr };
	struct buf out = BUF_INIT;

	kept_compare_added(before, added, &wish, now, note, &out);
	assert_string_equal(buf_str(&out), expected);
	buf_release(&out);
	kept_release(before);
	kept_release(added);
	kept_release(now);
}

static void finds_rows(uint64_t rows, uint64_t filled, const struct kept_rule *rule,
		       const char *expected)
{
	struct kept before = { 0 }, added = { 0 }, now = { 0 };

	thing(&added, "pets", 3, "name", 2, "7");
	thing(&now, "pets", rows, "name", filled, "8");
	finds_less(&before, &added, &now, rule, rule ? 1 : 0, expected);
}

static void test_less(void **state UNUSED)
{
	static const struct kept_rule go = { .leave = KEPT_MAY_GO, .what = "pets" },
				      lose = { .leave = KEPT_MAY_LOSE, .what = "pets" },
				      one = { .leave = KEPT_MAY_LOSE,
					      .what = "pets",
					      .most = 1 },
				      name = { .leave = KEPT_MAY_GO,
					       .what = "pets.name" };

	finds_rows(3, 2, NULL, "");
	finds_rows(4, 3, NULL, "");
	finds_rows(3, 1, NULL, "filled pets.name;");
	finds_rows(3, 0, NULL, "filled pets.name;");
	/* with fewer rows there are fewer values of necessity */
	finds_rows(2, 1, NULL, "rows pets;");
	finds_rows(0, 0, NULL, "rows pets;");
	finds_rows(0, 0, &go, "");
	finds_rows(0, 0, &lose, "");
	finds_rows(2, 1, &one, "");
	finds_rows(2, 0, &one, "filled pets.name;"); /* one row had one at most */
	finds_rows(1, 0, &one, "rows pets;");
	finds_rows(3, 0, &name, "");
	finds_rows(2, 0, &name, "rows pets;");
}

static void test_emptied(void **state UNUSED)
{
	struct kept_table was = { .name = "pets", .rows = 3 }, is = { .rows = 1 };
	struct kept_column name = { .name = "name", .filled = 2 },
			   name_now = { .filled = 1 };
	struct kept_difference d = { KEPT_ROWS, &was, NULL, &is, NULL, 0 };
	struct buf out = BUF_INIT;

	assert_false(kept_is_emptied(&d));
	is.rows = 0;
	assert_true(kept_is_emptied(&d));
	kept_tell_added(&d, "'a.sql'", &out);
	d = (struct kept_difference){ KEPT_FILLED, &was, &name, &is, &name_now, 0 };
	assert_false(kept_is_emptied(&d));
	name_now.filled = 0;
	assert_true(kept_is_emptied(&d));
	buf_adds(&out, "; ");
	kept_tell_added(&d, "'a.sql'", &out);
	d.loss = KEPT_COLUMN_GONE;
	assert_true(kept_is_emptied(&d));
	buf_adds(&out, "; ");
	kept_tell_added(&d, "'a.sql'", &out);
	assert_string_equal(out.s,
			    "table pets, which 'a.sql' added, had 3 rows and has 0; "
			    "column pets.name, which 'a.sql' added, had 2 values and has "
			    "0; "
			    "column pets.name, which 'a.sql' added, is gone");
	buf_release(&out);
}

/* t.a became t.b, and is t.a again: with these values. */
static void finds_back(uint64_t filled, const char *plain, uint64_t rows,
		       const char *expected)
{
	struct kept before = { 0 }, added = { 0 }, now = { 0 };

	thing(&before, "t", 3, "a", 2, "7");
	thing(&added, "t", 3, "b", filled, "7");
	thing(&now, "t", rows, "a", filled, plain);
	finds_less(&before, &added, &now, NULL, 0, expected);
}

/* The same of the table t, which became u. */
static void finds_table_back(const char *name, const char *plain, uint64_t rows,
			     const char *expected)
{
	struct kept before = { 0 }, added = { 0 }, now = { 0 };

	thing(&before, "t", rows, "a", rows, "7");
	thing(&added, "u", rows, "a", rows, "7");
	thing(&now, "t", rows, name, rows, plain);
	finds_less(&before, &added, &now, NULL, 0, expected);
}

static void test_renamed_back(void **state UNUSED)
{
	struct kept before = { 0 }, added = { 0 }, now = { 0 };

	finds_back(2, "7", 3, "");
	finds_back(2, "8", 3, "column-gone t.b;");
	finds_back(2, "7", 2, "column-gone t.b;");
	/* nothing shows that it is the same */
	finds_back(0, "7", 3, "column-gone t.b;");
	/* what was there beside it all the time is no other name of it */
	thing(&before, "t", 3, "a", 2, "7");
	thing(&added, "t", 3, "a", 2, "7");
	column(&added, &added.tables[0], "b", "7", "7");
	added.tables[0].columns[1].filled = 2;
	thing(&now, "t", 3, "a", 2, "7");
	finds_less(&before, &added, &now, NULL, 0, "column-gone t.b;");
	finds_table_back("a", "7", 3, "");
	finds_table_back("a", "8", 3, "table-gone u;");
	finds_table_back("c", "7", 3, "table-gone u;");
	finds_table_back("a", "7", 0, "table-gone u;");
}

static void finds_in_case(bool no_case, const char *of_table, const char *of_column)
{
	const struct kept_rule rule = { .leave = KEPT_MAY_GO, .what = "USERS.id" };
	struct kept before = { .no_case = no_case }, now = { .no_case = no_case };

	thing(&before, "Users", 3, "ID", 3, "7");
	thing(&now, "users", 3, "id", 3, "7");
	assert_int_equal(kept_idle_rule(&before, &rule, 1) == NULL, no_case);
	finds(&before, &now, NULL, 0, of_table);
	before = (struct kept){ .no_case = no_case };
	now = (struct kept){ .no_case = no_case };
	thing(&before, "Users", 3, "ID", 3, "7");
	thing(&now, "Users", 3, "name", 3, "7");
	finds(&before, &now, &rule, 1, of_column);
}

static void test_case(void **state UNUSED)
{
	finds_in_case(true, "", "");
	finds_in_case(false, "table-gone Users;", "column-gone Users.ID;");
}

static void test_what_is_read(void **state UNUSED)
{
	struct kept before = { 0 }, now = { 0 };
	struct kept_wish wish = { .before = &before };

	people(&before);
	people(&now);
	assert_true(kept_is_wanted(&wish, &now.tables[0]));
	wish.only_new = true;
	assert_false(kept_is_wanted(&wish, &now.tables[0]));
	column(&now, &now.tables[0], "email", "1", "1");
	assert_true(kept_is_wanted(&wish, &now.tables[0]));
	assert_true(kept_is_wanted(&wish, table(&now, "pets", 0, NULL)));
	kept_release(&before);
	kept_release(&now);
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
		cmocka_unit_test(test_unseen_column),
		cmocka_unit_test(test_rows_without_key),
		cmocka_unit_test(test_rows_may_go),
		cmocka_unit_test(test_too_many_rows),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_may_go),
		cmocka_unit_test(test_may_change),
		cmocka_unit_test(test_change_is_no_leave_to_go),
		cmocka_unit_test(test_is_now),
		cmocka_unit_test(test_idle_rule),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_less),
		cmocka_unit_test(test_emptied),
		cmocka_unit_test(test_renamed_back),
		cmocka_unit_test(test_case),
		cmocka_unit_test(test_what_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
