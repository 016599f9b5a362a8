/* What a dry run says of locks, rewritten tables and destroyed rows. */
#include "base/compat.h"

#include <setjmp.h>
#include <signal.h>

#include <cmocka.h>

#include "base/err.h"
#include "db/pg.h"
#include "pg-fixture.h"

static void note(void *arg, size_t unit, const struct db_touched *what)
{
	buf_addf(arg, "%zu %s %s", unit, what->name, what->lock);
	if (what->rewritten)
		buf_adds(arg, " rewritten");
	if (what->dropped)
		buf_adds(arg, " dropped");
	if (what->destroyed)
		buf_addf(arg, " %s%llu rows", what->estimated ? "about " : "",
			 (unsigned long long)what->destroyed);
	buf_addc(arg, '\n');
}

/* Runs units in one transaction that is rolled back; what was told of them. */
static void touches(struct fixture *f, const char *const *units, size_t nr,
		    const char *wanted)
{
	struct buf told = BUF_INIT;
	struct db_batch batch = { .touched = note, .arg = &told };
	struct pg_touched *touched = NULL;
	struct err err = { 0 };
	size_t i;

	must(f->db, "BEGIN; " PG_OWN_PATH);
	if (pg_touched_start(&touched, f->db, &err) < 0)
		fail_msg("%s", err.message);
	for (i = 0; i < nr; i++) {
		struct db_script script = { .sql = units[i], .len = strlen(units[i]) };

		must(f->db, "SET LOCAL search_path TO DEFAULT");
		must(f->db, units[i]);
		must(f->db, PG_OWN_PATH);
		if (pg_touched_tell(touched, &batch, i, &script, &err) < 0)
			fail_msg("%s", err.message);
	}
	pg_touched_free(touched);
	must(f->db, "ROLLBACK");
	if (strcmp(buf_str(&told), wanted) != 0)
		print_error("of: %s\n", units[0]);
	assert_string_equal(buf_str(&told), wanted);
	buf_release(&told);
}

static void one(struct fixture *f, const char *sql, const char *wanted)
{
	touches(f, &sql, 1, wanted);
}

static void tables(struct fixture *f)
{
	must(f->db,
	     "CREATE TABLE t (id serial PRIMARY KEY, a int);"
	     "INSERT INTO t (a) SELECT generate_series(1, 1000);"
	     "CREATE SCHEMA s; CREATE TABLE s.u (t int REFERENCES t, b text);"
	     "INSERT INTO s.u VALUES (1, 'x'), (2, 'y'); CREATE INDEX b ON s.u (b);"
	     "CREATE MATERIALIZED VIEW m AS SELECT a FROM t");
	must(f->db, "ANALYZE t; ANALYZE s.u; ANALYZE m");
}

static void test_locks(void **state)
{
	struct fixture *f = *state;

	tables(f);
	one(f, "SELECT count(*) FROM t", "");
	one(f, "CREATE TABLE x (a int PRIMARY KEY); INSERT INTO x VALUES (1)", "");
	one(f, "ALTER TABLE t ADD COLUMN c int", "0 t AccessExclusiveLock\n");
	one(f, "CREATE INDEX i ON s.u (t)", "0 s.u ShareLock\n");
	one(f, "INSERT INTO t (a) VALUES (1)", "0 t RowExclusiveLock\n");
	one(f, "SELECT * FROM t FOR UPDATE", "0 t RowShareLock\n");
	one(f, "CREATE TABLE x (t int REFERENCES t)", "0 t ShareRowExclusiveLock\n");
	one(f, "ALTER INDEX s.b RENAME TO c", "0 s.b ShareUpdateExclusiveLock\n");
	one(f, "ALTER TABLE t RENAME TO x", "0 t AccessExclusiveLock\n");
	/* what a function does is seen too; what the tracker does is not */
	one(f, "DO $$ BEGIN EXECUTE 'LOCK TABLE t IN EXCLUSIVE MODE'; END $$",
	    "0 t ExclusiveLock\n");
	one(f, "CREATE SCHEMA git_migrate; CREATE TABLE git_migrate.log (a int)", "");
}

static void test_rewritten(void **state)
{
	struct fixture *f = *state;

	tables(f);
	one(f, "ALTER TABLE s.u ALTER t TYPE bigint",
	    "0 s.u AccessExclusiveLock rewritten\n"
	    "0 t AccessExclusiveLock\n");
	one(f, "REFRESH MATERIALIZED VIEW m", "0 m AccessExclusiveLock rewritten\n");
	one(f,
	    "CREATE TABLE x (a int); INSERT INTO x VALUES (1);"
	    "ALTER TABLE x ALTER a TYPE bigint",
	    "");
}

static void test_destroyed(void **state)
{
	struct fixture *f = *state;

	tables(f);
	one(f, "DELETE FROM t WHERE id > 900",
	    "0 s.u RowShareLock\n"
	    "0 t RowExclusiveLock 100 rows\n");
	one(f, "DROP TABLE s.u",
	    "0 s.u AccessExclusiveLock dropped about 2 rows\n"
	    "0 t AccessExclusiveLock\n");
	one(f, "TRUNCATE s.u", "0 s.u AccessExclusiveLock about 2 rows\n");
	one(f, "TRUNCATE t CASCADE",
	    "0 s.u AccessExclusiveLock about 2 rows\n"
	    "0 t AccessExclusiveLock about 1000 rows\n");
	one(f, "TRUNCATE s.u; INSERT INTO s.u VALUES (3, 'z')",
	    "0 s.u AccessExclusiveLock about 2 rows\n"
	    "0 t RowShareLock\n");
	one(f, "DO $$ BEGIN EXECUTE 'TRUNCATE s.u'; END $$",
	    "0 s.u AccessExclusiveLock about 2 rows\n");
	one(f, "DROP MATERIALIZED VIEW m",
	    "0 m AccessExclusiveLock dropped about 1000 "
	    "rows\n");
	one(f, "DROP SCHEMA s CASCADE",
	    "0 s.u AccessExclusiveLock dropped about 2 "
	    "rows\n"
	    "0 t AccessExclusiveLock\n");
}

/* Each unit is told by itself, though all share a transaction and its locks. */
static void test_units(void **state)
{
	static const char *const again[] = {
		"ALTER TABLE t ADD COLUMN c int",   "SELECT 1",
		"ALTER TABLE public.T ADD d int",   "INSERT INTO t (a) VALUES (1)",
		"DELETE FROM t WHERE id IN (3, 4)", "DELETE FROM t WHERE id > 990",
	};
	static const char *const built[] = {
		"CREATE TABLE x (a int)",
		"INSERT INTO x VALUES (1), (2)",
		"ALTER TABLE x ALTER a TYPE bigint",
		"ALTER TABLE x RENAME TO y",
		"CREATE INDEX i ON y (a)",
		"DROP TABLE y",
		"SELECT 1",
	};
	struct fixture *f = *state;

	tables(f);
	touches(f, again, ARRAY_SIZE(again),
		"0 t AccessExclusiveLock\n"
		"2 t AccessExclusiveLock\n"
		"3 t RowExclusiveLock\n"
		"4 s.u RowShareLock\n"
		"4 t RowExclusiveLock 2 rows\n"
		"5 t RowExclusiveLock 11 rows\n");
	touches(f, built, ARRAY_SIZE(built),
		"1 x RowExclusiveLock\n"
		"2 x AccessExclusiveLock rewritten\n"
		"3 x AccessExclusiveLock\n"
		"4 y AccessExclusiveLock\n"
		"5 y AccessExclusiveLock dropped\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_locks),
		T(test_rewritten),
		T(test_destroyed),
		T(test_units),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!server_is_there())
		return SKIP;
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
