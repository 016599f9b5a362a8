/* Which trouble a migration may have made, and of what, in which order. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "sql/trouble.h"

enum { MOST = 9 };

static void add_trouble(const struct sql_trouble *t, struct buf *out)
{
	buf_addf(out, "%s%s", out->len ? ", " : "", t->table_key);
	if (t->column_key)
		buf_addf(out, ".%s", t->column_key);
	if (t->to_key)
		buf_addf(out, " to %s", t->to_key);
	if (t->constraint)
		buf_addf(out, " %s", t->constraint);
	if (t->index)
		buf_addf(out, " %s", t->index);
	if (t->was_key && strcmp(t->was_key, t->table_key) != 0)
		buf_addf(out, " was %s", t->was_key);
}

/* What is found of a kind, joined by commas. */
static void found(enum sql_trouble_kind kind, const char *before_sql, const char *sql,
		  const char *wanted)
{
	struct sql_catalog before = { 0 }, after = { 0 };
	struct buf got = BUF_INIT;
	struct sql_trouble t;
	size_t nr;

	sql_catalog_read(&before, before_sql, strlen(before_sql));
	sql_catalog_read(&after, before_sql, strlen(before_sql));
	sql_catalog_read(&after, sql, strlen(sql));
	for (nr = 0; nr < MOST && sql_trouble_find_nth(&before, &after, kind, nr, &t);
	     nr++)
		add_trouble(&t, &got);
	assert_string_equal(buf_str(&got), wanted);
	buf_release(&got);
	sql_catalog_release(&before);
	sql_catalog_release(&after);
}

#define T "CREATE TABLE t (id int, a text, b text);"

static void a_name_that_is_there_again_is_not_lost(void **state UNUSED)
{
	static const char rebuilt[] =
		"ALTER TABLE t RENAME TO t_old; CREATE TABLE t (id int, a text, b text, "
		"CHECK (a <> '')); INSERT INTO t SELECT * FROM t_old; DROP TABLE t_old;";

	found(TROUBLE_RENAMED, T, rebuilt, "");
	found(TROUBLE_DROPPED_EARLY, T, rebuilt, "");
	found(TROUBLE_BAD_CONSTRAINT, T, rebuilt, "t CHECK (a <> '')");
	found(TROUBLE_RENAMED, T, "ALTER TABLE t RENAME TO t_old;", "t to t_old");
	found(TROUBLE_RENAMED, T,
	      "ALTER TABLE t RENAME TO x; ALTER TABLE x RENAME TO y; ALTER TABLE y "
	      "RENAME a TO c; ALTER TABLE y RENAME c TO d;",
	      "y.a to d was t, t to y");
	found(TROUBLE_RENAMED, T, "ALTER TABLE t RENAME TO x; DROP TABLE x;", "");
	found(TROUBLE_DROPPED_EARLY, T, "ALTER TABLE t RENAME TO x; DROP TABLE x;", "t");
	found(TROUBLE_RENAMED, T,
	      "ALTER TABLE t RENAME a TO a_old; ALTER TABLE t ADD a int;", "");
	found(TROUBLE_RENAMED, T,
	      "ALTER TABLE t ADD c int; ALTER TABLE t RENAME c TO d; CREATE TABLE n (x "
	      "int); ALTER TABLE n RENAME x TO y; ALTER TABLE n RENAME TO m;",
	      "");
}

static void what_is_renamed_too_is_the_same_table(void **state UNUSED)
{
	static const char sql[] =
		"ALTER TABLE t DROP a; ALTER TABLE t ADD CHECK (id > 0); ALTER TABLE t "
		"RENAME TO t2; ALTER TABLE t2 ALTER b SET NOT NULL; ALTER TABLE t2 ALTER "
		"id TYPE smallint; UPDATE t2 SET b = '';";

	found(TROUBLE_DROPPED_EARLY, T, sql, "t2.a was t");
	found(TROUBLE_REQUIRED_COLUMN, T, sql, "t2.b was t");
	found(TROUBLE_LOSSY_TYPE, T, sql, "t2.id was t");
	found(TROUBLE_BAD_CONSTRAINT, T, sql, "t2 CHECK (id > 0) was t");
	found(TROUBLE_WRONG_BACKFILL, T, sql, "t2.b was t");
	found(TROUBLE_RENAMED, T, sql, "t to t2");
}

static void all_of_a_kind_are_found(void **state UNUSED)
{
	found(TROUBLE_BAD_CONSTRAINT, T,
	      "ALTER TABLE t ADD CONSTRAINT ca CHECK (a > ''), ADD CONSTRAINT cb CHECK "
	      "(b > ''); CREATE UNIQUE INDEX ua ON t (a); CREATE UNIQUE INDEX ub ON t "
	      "(b);",
	      "t CONSTRAINT ca CHECK (a > ''), t CONSTRAINT cb CHECK (b > ''), t ua, t "
	      "ub");
	found(TROUBLE_SLOW_DDL, T,
	      "CREATE UNIQUE INDEX u ON t (a); CREATE INDEX ia ON t (a); CREATE INDEX ib "
	      "ON t (b);",
	      "t ia, t ib, t u");
	found(TROUBLE_WRONG_BACKFILL, T,
	      "UPDATE t SET a = 1 WHERE id = 1; UPDATE t SET a = 2; UPDATE t SET b = 1;",
	      "t.a, t.b");
	found(TROUBLE_RENAMED, T "CREATE TABLE u (x int);",
	      "ALTER TABLE u RENAME TO v; ALTER TABLE t RENAME a TO c; ALTER TABLE t "
	      "RENAME b TO d;",
	      "t.a to c, t.b to d, u to v");
}

static void a_column_made_again_has_lost_its_values(void **state UNUSED)
{
	found(TROUBLE_LOSSY_TYPE, T, "ALTER TABLE t DROP a; ALTER TABLE t ADD a text;",
	      "t.a");
	found(TROUBLE_LOSSY_TYPE, T,
	      "ALTER TABLE t ADD c int; UPDATE t SET c = a::int; ALTER TABLE t DROP a; "
	      "ALTER TABLE t RENAME c TO a;",
	      "t.a");
	found(TROUBLE_LOSSY_TYPE, T,
	      "ALTER TABLE t RENAME a TO a_old; ALTER TABLE t ADD a int;", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_is_there_again_is_not_lost),
		cmocka_unit_test(what_is_renamed_too_is_the_same_table),
		cmocka_unit_test(all_of_a_kind_are_found),
		cmocka_unit_test(a_column_made_again_has_lost_its_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
