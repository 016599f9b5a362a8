/* What a statement is that may have to run outside of a transaction. */
#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "sql/alone.h"
#include "sql/split.h"

static void add_ident(struct buf *out, const char *label, const struct sql_ident *name)
{
	if (!name->base)
		return;
	buf_addf(out, " %s", label);
	if (name->schema)
		buf_addf(out, "[%s]", name->schema);
	buf_addf(out, "[%s]", name->base);
}

static void add_flag(struct buf *out, bool is, const char *word)
{
	if (is)
		buf_addf(out, " %s", word);
}

/* "need: TITLE name[schema][base] on[..] part[..] to[..] flags" */
static void describe(const struct sql_alone *a, struct buf *out)
{
	static const char *const needs[] = { "never", "must", "may", "need not" };

	buf_addf(out, "%s: ", needs[sql_alone_need(a)]);
	sql_alone_title(a, out);
	add_ident(out, "name", &a->name);
	add_ident(out, "other", &a->other);
	if (a->part)
		buf_addf(out, " part[%s]", a->part);
	if (a->to)
		buf_addf(out, " to[%s]", a->to);
	if (a->names > 1)
		buf_addf(out, " of %u", a->names);
	add_flag(out, a->lenient, "lenient");
	add_flag(out, a->unique, "unique");
	add_flag(out, a->replace, "replace");
	add_flag(out, a->repeatable, "repeatable");
	add_flag(out, a->unreadable, "unreadable");
	add_flag(out, sql_alone_is_ddl(a), "ddl");
}

struct golden {
	const char *sql, *expect;
};

static void check_all(const struct golden *goldens, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		const char *sql = goldens[i].sql;
		struct sql_statement st;
		struct buf out = BUF_INIT;
		struct pool pool = { 0 };
		struct err err = { 0 };
		struct sql_split split;
		struct sql_alone a;

		assert_int_equal(sql_split_init(&split, sql, strlen(sql), &err), 0);
		assert_int_equal(sql_split_next(&split, &st, &err), 1);
		sql_alone_read(&st, &pool, &a);
		describe(&a, &out);
		if (strcmp(buf_str(&out), goldens[i].expect) != 0)
			print_error("in: %s\n", sql);
		assert_string_equal(buf_str(&out), goldens[i].expect);
		buf_release(&out);
		pool_release(&pool);
	}
}

static void test_indexes(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "CREATE INDEX CONCURRENTLY i ON t (a)",
		  "must: CREATE INDEX CONCURRENTLY name[i] other[t] ddl" },
		{ "-- why\ncreate unique index concurrently \"I x\" on only S.\"T.t\" "
		  "(a);",
		  "must: CREATE INDEX CONCURRENTLY name[I x] other[s][T.t] unique ddl" },
		{ "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t USING gin (a)",
		  "must: CREATE INDEX CONCURRENTLY name[i] other[t] lenient ddl" },
		{ "CREATE INDEX CONCURRENTLY ON t (a)",
		  "must: CREATE INDEX CONCURRENTLY other[t] ddl" },
		{ "CREATE INDEX CONCURRENTLY if ON t (a)",
		  "must: CREATE INDEX CONCURRENTLY name[if] other[t] ddl" },
		{ "CREATE INDEX i ON db.s.t (a)",
		  "need not: CREATE INDEX name[i] other[s][t] ddl" },
		{ "CREATE INDEX CONCURRENTLY \"a\"\"b\" ON \"\"\"\".\"x\" (a)",
		  "must: CREATE INDEX CONCURRENTLY name[a\"b] other[\"][x] ddl" },
		{ "CREATE INDEX CONCURRENTLY U&\"d\\0061\" ON t (a)",
		  "must: CREATE INDEX CONCURRENTLY other[t] unreadable ddl" },
		{ "CREATE INDEX CONCURRENTLY i ON u&\"d\".t (a)",
		  "must: CREATE INDEX CONCURRENTLY name[i] unreadable ddl" },
		{ "CREATE INDEX CONCURRENTLY \"u&\"\"\" ON t (a)",
		  "must: CREATE INDEX CONCURRENTLY name[u&\"] other[t] ddl" },
		{ "DROP INDEX CONCURRENTLY IF EXISTS s.i CASCADE",
		  "must: DROP INDEX CONCURRENTLY name[s][i] lenient ddl" },
		{ "DROP INDEX CONCURRENTLY a, \"B\"",
		  "must: DROP INDEX CONCURRENTLY name[a] of 2 ddl" },
		{ "DROP INDEX i", "need not: DROP INDEX name[i] ddl" },
		{ "REINDEX INDEX CONCURRENTLY s.i",
		  "must: REINDEX INDEX CONCURRENTLY name[s][i] ddl" },
		{ "REINDEX (VERBOSE, CONCURRENTLY) TABLE t",
		  "must: REINDEX TABLE CONCURRENTLY name[t] ddl" },
		{ "REINDEX (CONCURRENTLY off, TABLESPACE x) TABLE t",
		  "may: REINDEX TABLE name[t] ddl" },
		{ "REINDEX (concurrently true) INDEX i",
		  "must: REINDEX INDEX CONCURRENTLY name[i] ddl" },
		{ "REINDEX SCHEMA s", "must: REINDEX SCHEMA name[s] ddl" },
		{ "REINDEX DATABASE", "must: REINDEX DATABASE ddl" },
		{ "REINDEX SYSTEM d", "must: REINDEX DATABASE name[d] ddl" },
		{ "REINDEX", "may: REINDEX ddl" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_others(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "ALTER TABLE IF EXISTS ONLY s.t DETACH PARTITION p CONCURRENTLY",
		  "must: ALTER TABLE ... DETACH PARTITION CONCURRENTLY name[s][t] "
		  "other[p] ddl" },
		{ "ALTER TABLE t DETACH PARTITION s.p FINALIZE",
		  "may: ALTER TABLE ... DETACH PARTITION ... FINALIZE name[t] "
		  "other[s][p] ddl" },
		{ "ALTER TABLE t DETACH PARTITION p",
		  "need not: ALTER TABLE ... DETACH PARTITION name[t] other[p] ddl" },
		{ "VACUUM", "must: VACUUM" },
		{ "VACUUM (FULL) t", "must: VACUUM" },
		{ "CLUSTER", "must: CLUSTER ddl" },
		{ "CLUSTER (VERBOSE)", "must: CLUSTER ddl" },
		{ "CLUSTER VERBOSE t USING i", "may: CLUSTER name[t] ddl" },
		{ "CREATE DATABASE \"D\" TEMPLATE template0",
		  "must: CREATE DATABASE name[D] ddl" },
		{ "DROP DATABASE IF EXISTS d WITH (FORCE)",
		  "must: DROP DATABASE name[d] lenient ddl" },
		{ "CREATE TABLESPACE x LOCATION '/x'",
		  "must: CREATE TABLESPACE name[x] ddl" },
		{ "DROP TABLESPACE x", "must: DROP TABLESPACE name[x] ddl" },
		{ "ALTER DATABASE d SET TABLESPACE x",
		  "must: ALTER DATABASE ... SET TABLESPACE name[d] to[x] ddl" },
		{ "ALTER DATABASE d SET work_mem = 1", "may:  name[d] ddl" },
		{ "ALTER SYSTEM SET work_mem = 1", "must: ALTER SYSTEM" },
		{ "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
		  "may: CREATE SUBSCRIPTION name[s] ddl" },
		{ "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
		  "may: ALTER SUBSCRIPTION name[s] repeatable ddl" },
		{ "ALTER SUBSCRIPTION s ADD PUBLICATION p",
		  "may: ALTER SUBSCRIPTION name[s] ddl" },
		{ "DISCARD ALL", "never: DISCARD ALL" },
		{ "DISCARD TEMP", "need not: " },
		{ "COMMIT PREPARED 'x'", "never: COMMIT PREPARED or ROLLBACK PREPARED" },
		{ "ROLLBACK PREPARED 'x'",
		  "never: COMMIT PREPARED or ROLLBACK PREPARED" },
		{ "COMMIT", "may: " },
		{ "SELECT 1", "may: " },
		{ "CALL p()", "may: " },
		{ "(SELECT 1)", "may: " },
		{ "INSERT INTO t VALUES (1)", "need not: " },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

static void test_ddl(void **state UNUSED)
{
	static const struct golden goldens[] = {
		{ "CREATE TABLE IF NOT EXISTS s.t (a int)",
		  "need not: CREATE TABLE name[s][t] lenient ddl" },
		{ "CREATE UNLOGGED TABLE t AS SELECT 1",
		  "need not: CREATE TABLE name[t] ddl" },
		{ "CREATE OR REPLACE TEMP RECURSIVE VIEW v (a) AS SELECT 1",
		  "need not: CREATE VIEW name[v] replace ddl" },
		{ "CREATE SCHEMA AUTHORIZATION x", "may:  ddl" },
		{ "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''", "may:  ddl" },
		{ "CREATE TYPE y AS ENUM ('a')", "need not: CREATE TYPE name[y] ddl" },
		{ "DROP TABLE a, b, c", "need not: DROP TABLE name[a] of 3 ddl" },
		{ "DROP FUNCTION f()", "may:  ddl" },
		{ "ALTER TABLE t ADD COLUMN IF NOT EXISTS \"C\" int",
		  "need not: ALTER TABLE ... ADD COLUMN name[t] part[C] lenient ddl" },
		{ "ALTER TABLE t ADD c numeric(1, 2)",
		  "need not: ALTER TABLE ... ADD COLUMN name[t] part[c] ddl" },
		{ "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)",
		  "need not: ALTER TABLE ... ADD CONSTRAINT name[t] part[k] ddl" },
		{ "ALTER TABLE t ADD CHECK (a > 0)",
		  "need not: ALTER TABLE name[t] ddl" },
		{ "ALTER TABLE t ADD c int, ADD d int",
		  "need not: ALTER TABLE name[t] ddl" },
		{ "ALTER TABLE t ALTER a TYPE bigint",
		  "need not: ALTER TABLE name[t] ddl" },
		{ "ALTER TABLE t * DROP COLUMN IF EXISTS c CASCADE",
		  "need not: ALTER TABLE ... DROP COLUMN name[t] part[c] lenient ddl" },
		{ "ALTER TABLE t DROP CONSTRAINT k",
		  "need not: ALTER TABLE ... DROP CONSTRAINT name[t] part[k] ddl" },
		{ "ALTER TABLE t RENAME TO u",
		  "need not: ALTER TABLE ... RENAME name[t] to[u] ddl" },
		{ "ALTER TABLE t RENAME a TO \"to\"",
		  "need not: ALTER TABLE ... RENAME name[t] part[a] to[to] ddl" },
		{ "ALTER TABLE t RENAME COLUMN a TO b",
		  "need not: ALTER TABLE ... RENAME name[t] part[a] to[b] ddl" },
		{ "ALTER TABLE t RENAME CONSTRAINT a TO b",
		  "need not: ALTER TABLE ... RENAME name[t] part[a] to[b] ddl" },
		{ "ALTER TYPE y ADD VALUE 'b'", "may:  ddl" },
		{ "ALTER TABLE", "need not: ALTER TABLE ddl" },
	};

	check_all(goldens, ARRAY_SIZE(goldens));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indexes),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_ddl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
