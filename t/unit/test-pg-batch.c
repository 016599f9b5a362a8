/* Batches on PostgreSQL: what is under way at once, and what each failure leaves. */
#include "base/compat.h"

#include <setjmp.h>
#include <signal.h>

#include <cmocka.h>

#include "base/pool.h"
#include "db/pg.h"
#include "pg-batch.h"

/* --- short words ------------------------------------------------------- */

/* A trial with the log and its lock. */
static struct trial logged(struct fixture *f)
{
	make_log(f->db);
	return (struct trial){ .db = f->db, .log = true, .lock = LOCK_NOW };
}

static void replace(struct trial *t, size_t i, const char *sql)
{
	t->scripts[i].sql = sql;
	t->scripts[i].len = strlen(sql);
}

/* `nr` times the byte. */
static char *filled(struct pool *pool, char c, size_t nr)
{
	char *s = pool_alloc(pool, nr + 1);

	memset(s, c, nr);
	s[nr] = '\0';
	return s;
}

/* What the log holds: units that are committed. */
static void expect_log(struct fixture *f, unsigned nr)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", nr);
	expect(f->other, "SELECT count(*) FROM git_migrate.note", text);
}

/* --- many at once ------------------------------------------------------ */

enum { MANY = 300 };

static void add_many(struct trial *t, struct pool *pool, char c)
{
	const char *text = filled(pool, c, 4000);
	int i;

	for (i = 0; i < MANY; i++)
		trial_add(t, pool_printf(pool,
					 "INSERT INTO t VALUES (%d, '%s');\n"
					 "UPDATE t SET b = length(c) WHERE a = %d;",
					 i, text, i));
}

/* Several windows of what may be under way. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct pool pool = { 0 };

	run_ok(f->db, "CREATE TABLE t (a int UNIQUE, c text, b int)");
	add_many(&t, &pool, 'x');
	assert_int_equal(trial_run(&t), 0);
	assert_int_equal(t.nr_done, MANY);
	assert_int_equal(t.nr_ran, 2 * MANY);
	expect(f->db, "SELECT count(*), min(b), max(b) FROM t", "300|4000|4000\n");
	expect_log(f, MANY);
	/* the same, waiting for each */
	trial_next(&t);
	add_many(&t, &pool, 'y');
	f->db->caps.careful = true;
	execute(f->other, "TRUNCATE t");
	assert_int_equal(trial_run(&t), 0);
	assert_int_equal(t.nr_done, MANY);
	expect_log(f, 2 * MANY);
	pool_release(&pool);
	trial_release(&t);
}

static void check_failure(struct fixture *f, struct trial *t)
{
	struct pool pool = { 0 };

	add_many(t, &pool, 'x');
	t->scripts[211].sql = "INSERT INTO t VALUES (-1);\n  SELECT 1 / (a + 1) FROM t;";
	t->scripts[211].len = strlen(t->scripts[211].sql);
	fails_at(t, 211, DB_SCRIPT, "division by zero");
	assert_int_equal(t->err.line, 2);
	assert_int_equal(t->err.column, 3);
	assert_string_equal(t->err.excerpt, "SELECT 1 / (a + 1) FROM t");
	assert_int_equal(t->err.caret, 0);
	assert_int_equal(t->nr_done, 211);
	assert_int_equal(t->nr_ran, 2 * 211 + 1);
	expect(f->other, "SELECT count(*), min(a), max(a) FROM t", "211|0|210\n");
	expect_log(f, 211);
	/* the session goes on behind it */
	trial_next(t);
	trial_add(t, "INSERT INTO t VALUES (211)");
	run_all(t, "done 0: 1\n");
	expect_log(f, 212);
	pool_release(&pool);
}

static void test_failure(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	run_ok(f->db, "CREATE TABLE t (a int UNIQUE, c text, b int)");
	check_failure(f, &t);
	execute(f->db, "TRUNCATE t, git_migrate.note");
	t.head = 0;
	t.nr = 0;
	f->db->caps.careful = true;
	check_failure(f, &t);
	trial_release(&t);
}

/* Some last together or not at all; what stands before them lasts. */
static void test_together(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	run_ok(f->db, "CREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
	t.together = 1;
	t.together_to = 3;
	trial_add(&t, "INSERT INTO t VALUES (1)");
	trial_add(&t, "INSERT INTO t VALUES (2)");
	trial_add(&t, "INSERT INTO t VALUES (3)");
	trial_add(&t, "INSERT INTO t VALUES (1)");
	trial_add(&t, "INSERT INTO t VALUES (5)");
	fails_at(&t, 1, DB_SCRIPT, "duplicate key");
	assert_int_equal(t.failure.culprit, 3);
	assert_string_equal(buf_str(&t.told), "done 0: 1\n");
	expect(f->other, "SELECT a FROM t", "1\n");
	expect_log(f, 1);
	/* what was checked at the end of one is deferred again in the next */
	trial_next(&t);
	trial_add(&t, "INSERT INTO t VALUES (2)");
	trial_add(&t, "INSERT INTO t VALUES (3)");
	trial_add(&t, "INSERT INTO t VALUES (3); UPDATE t SET a = 4 WHERE ctid ="
		      " (SELECT max(ctid) FROM t WHERE a = 3)");
	trial_add(&t, "INSERT INTO t VALUES (5)");
	run_all(&t, "done 0: 1\ndone 1: 1\ndone 2: 2\ndone 3: 1\n");
	expect(f->other, "SELECT count(*), max(a) FROM t", "5|5\n");
	expect_log(f, 5);
	trial_release(&t);
}

/* What waits for answers is forgotten once they came. */
static void test_memory(void **state)
{
	struct fixture *f = *state;
	const struct pg_sent what = { .script = true };
	struct pg_pipe p;
	struct err err = { 0 };
	int i;

	assert_int_equal(pg_pipe_open(&p, f->db, &err), 0);
	for (i = 0; i < 20000; i++)
		assert_int_equal(pg_pipe_send(&p, &what, "SELECT 1", NULL, 0), 0);
	assert_int_equal(pg_pipe_drain(&p), 0);
	assert_in_range(p.alloc, 1, 10000);
	pg_pipe_close(&p);
}

static const struct pq *real;
static int most_rows;

static ExecStatusType counting_status(const PGresult *res)
{
	int rows = real->ntuples(res);

	most_rows = rows > most_rows ? rows : most_rows;
	return real->result_status(res);
}

/* Rows that nobody asked for do not pile up. */
static void test_rows(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct pq counting;

	real = f->db->pq;
	counting = *real;
	counting.result_status = counting_status;
	f->db->pq = &counting;
	most_rows = 0;
	trial_add(&t, "SELECT generate_series(1, 1000000)");
	trial_add(&t, "SELECT 1;\nSELECT generate_series(1, 1000);\n"
		      "COPY (SELECT generate_series(1, 1000)) TO STDOUT;\n"
		      "SELECT generate_series(1, 1000)");
	run_all(&t, "done 0: 1\ndone 1: 4\n");
	f->db->pq = real;
	assert_int_equal(most_rows, 1);
	trial_release(&t);
}

/* Long statements one way, long answers the other way. */
static void test_long(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct pool pool = { 0 };
	const char *sql;
	int i;

	sql = pool_printf(&pool,
			  "INSERT INTO t VALUES ('%s');\nSELECT repeat(a, 4) FROM t;",
			  filled(&pool, 'x', 1024 * 1024));
	run_ok(f->db, "CREATE TABLE t (a text)");
	for (i = 0; i < 4; i++)
		trial_add(&t, sql);
	run_all(&t, "done 0: 2\ndone 1: 2\ndone 2: 2\ndone 3: 2\n");
	expect(f->db, "SELECT count(*), sum(length(a)) FROM t", "4|4194304\n");
	pool_release(&pool);
	trial_release(&t);
}

static void test_notices(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct buf sql = BUF_INIT, wanted = BUF_INIT;
	int i, unit;

	for (i = 1; i <= 200; i++)
		buf_addf(&sql, "DO $$ BEGIN RAISE WARNING 'w%d'; END $$;%s\n", i,
			 i % 3 ? "" : " SELECT 1;");
	for (unit = 0; unit < 3; unit++) {
		trial_add(&t, buf_str(&sql));
		for (i = 1; i <= 200; i++)
			buf_addf(&wanted, "WARNING:%d:w%d\n", i, i);
	}
	assert_int_equal(trial_run(&t), 0);
	assert_string_equal(buf_str(&f->notices), buf_str(&wanted));
	buf_release(&sql);
	buf_release(&wanted);
	trial_release(&t);
}

static void test_told(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	t.tell_statements = true;
	trial_add(&t, "CREATE TABLE t (a int);\n\nCOPY t FROM STDIN;\n1\n2\n\\.\n"
		      "SELECT 1;\n");
	trial_add(&t, "-- nothing");
	trial_add(&t, NULL);
	trial_add(&t, "");
	trial_add(&t, "BEGIN;\nSELECT 2;\nEND;");
	run_all(&t, "statement 0:1\nstatement 0:3\nstatement 0:7\ndone 0: 3\n"
		    "done 1: 0\ndone 2: 0\ndone 3: 0\nstatement 4:2\ndone 4: 1\n");
	assert_int_equal(t.bytes, strlen("BEGIN;\nSELECT 2;"));
	expect_log(f, 5);
	trial_release(&t);
}

/* The time that a statement takes is its own, although all are under way. */
static void test_durations(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	int i;

	for (i = 0; i < 3; i++)
		trial_add(&t, "SELECT 1;\nSELECT 2;\nSELECT pg_sleep(0.3);\nSELECT 3;");
	run_all(&t, "done 0: 4\ndone 1: 4\ndone 2: 4\n");
	assert_in_range(t.slowest, 290, 60000);
	assert_int_equal(t.slowest_line, 3);
	trial_release(&t);
}

/* --- where it fails ---------------------------------------------------- */

static void test_place(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "SELECT 1;\r\n\tSELECT '\xc3\xa4\xe6\xbc\xa2', n\xc3\xb6where,\r\n"
		      "2;\r\nSELECT 3;\r\n");
	fails_at(&t, 0, DB_SCRIPT, "n\xc3\xb6where");
	assert_int_equal(t.err.line, 2);
	assert_int_equal(t.err.column, 15);
	assert_non_null(strstr(t.err.excerpt, "SELECT '\xc3\xa4\xe6\xbc\xa2', "
					      "n\xc3\xb6where,"));
	assert_null(strchr(t.err.excerpt, '\r'));
	assert_int_equal(t.err.caret, 14); /* two columns for the wide character */

	/* the last line, without an end; a statement of several lines */
	replace(&t, 0, "SELECT\n1,\n  nowhere");
	fails_at(&t, 0, DB_SCRIPT, "nowhere");
	assert_int_equal(t.err.line, 3);
	assert_int_equal(t.err.column, 3);
	assert_string_equal(t.err.excerpt, "  nowhere");
	assert_int_equal(t.err.caret, 2);

	/* an error without a position is that of its statement */
	replace(&t, 0, "SELECT 1; /* c */ INSERT INTO git_migrate.lock VALUES (1);");
	fails_at(&t, 0, DB_SCRIPT, "duplicate key");
	assert_int_equal(t.err.line, 1);
	assert_int_equal(t.err.column, 19);
	trial_release(&t);
}

static void test_copy(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "CREATE TABLE t (a int, b text);\nINSERT INTO t VALUES (0, 'z');\n"
		      "COPY t FROM STDIN;\n1\tx\n\\.\nUPDATE t SET b = 'y' WHERE a = 1;");
	trial_add(&t, "COPY t FROM STDIN;\n2\tx\n\\.\n");
	trial_add(&t, "COPY t FROM STDIN;\n3\tx\n\\.\nCOPY t FROM STDIN;\n4\tx\n\\.\n");
	trial_add(&t, "/* a comment */ COPY t FROM STDIN;\n5\tx\n\\.\n");
	trial_add(&t, "-- another\nCOPY -- c\n t FROM STDIN;\n\\.\n");
	trial_add(&t, "INSERT INTO t VALUES (6, 'w')");
	run_all(&t, "done 0: 4\ndone 1: 1\ndone 2: 2\ndone 3: 1\ndone 4: 1\ndone 5: 1\n");
	expect(f->db, "SELECT string_agg(a || b, ' ' ORDER BY a) FROM t",
	       "0z 1y 2x 3x 4x 5x 6w\n");
	expect_log(f, 6);
	trial_release(&t);
}

static void test_copy_fails(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "CREATE TABLE t (a int, b text)");
	trial_add(&t, "COPY t FROM STDIN;\n2\tx\n\\.\n");
	trial_add(&t, "SELECT 1;\n\nCOPY t FROM STDIN;\n3\tx\n4\tx\nfour\tx\n5\tx\n\\.\n"
		      "SELECT 2;");
	trial_add(&t, "COPY t FROM STDIN;\n9\tx\n\\.\n");
	t.tell_statements = true;
	fails_at(&t, 2, DB_SCRIPT, "invalid input syntax");
	assert_int_equal(t.err.line, 6);
	assert_int_equal(t.err.code, ERR_REFUSED);
	assert_string_equal(t.err.sqlstate, "22P02");
	assert_string_equal(buf_str(&t.told), "statement 0:1\ndone 0: 1\nstatement 1:1\n"
					      "done 1: 1\nstatement 2:1\n");
	expect(f->db, "SELECT a FROM t", "2\n");
	expect_log(f, 2);
	/* where the statement is at fault, and where what is before it is */
	replace(&t, 2, "SELECT 1;\nCOPY t (a, nope) FROM STDIN;\n3\tx\n\\.\n");
	t.head = 2;
	t.nr = 3;
	replace(&t, 0, "SELECT 1");
	replace(&t, 1, "SELECT 1");
	fails_at(&t, 2, DB_SCRIPT, "nope");
	assert_int_equal(t.err.line, 2);
	replace(&t, 2, "SELECT nowhere;\nCOPY t FROM STDIN;\n3\tx\n\\.\n");
	t.head = 4;
	fails_at(&t, 2, DB_SCRIPT, "nowhere");
	assert_int_equal(t.err.line, 1);
	expect(f->db, "SELECT a FROM t", "2\n");
	expect_log(f, 6);
	trial_release(&t);
}

/* A long COPY tells how far it is. */
static void test_copy_progress(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct buf sql = BUF_INIT;
	int i;

	buf_adds(&sql, "CREATE TABLE t (a int, b text);\nCOPY t FROM STDIN;\n");
	for (i = 0; i < 100000; i++)
		buf_addf(&sql, "%d\tsome text that fills the line\n", i);
	buf_adds(&sql, "\\.\n");
	trial_add(&t, buf_str(&sql));
	run_all(&t, "done 0: 2\n");
	assert_true(t.nr_progress > 4);
	assert_int_equal(t.bytes, sql.len);
	buf_release(&sql);
	trial_release(&t);
}

/* What no server knows of: a unit or its records cannot be made, a file is broken. */
static void test_own_failures(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "CREATE TABLE t (a int)");
	trial_add(&t, "INSERT INTO t VALUES (1)");
	trial_add(&t, "INSERT INTO t VALUES (2)");
	t.no_unit = 3;
	fails_at(&t, 2, DB_BEGIN, "no such unit");
	assert_string_equal(buf_str(&t.told), "done 0: 1\ndone 1: 1\n");
	expect_log(f, 2);
	t.head = 2;
	t.no_unit = 0;
	replace(&t, 0, "INSERT INTO t VALUES (3)");
	t.no_records = 2;
	fails_at(&t, 1, DB_BEGIN, "no such records");
	expect_log(f, 3);
	t.head = 3;
	t.no_records = 0;
	replace(&t, 1, "INSERT INTO t VALUES (4);\n SELECT 'a");
	fails_at(&t, 1, DB_SCRIPT, "never closed");
	assert_int_equal(t.err.line, 2);
	expect_log(f, 4);
	expect(f->db, "SELECT a FROM t", "1\n3\n3\n");
	trial_release(&t);
}

/* --- the lock and the log ---------------------------------------------- */

static void test_lock(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "CREATE TABLE t (a int)");
	trial_add(&t, "INSERT INTO t VALUES (1)");
	execute(f->other, "BEGIN; SELECT id FROM git_migrate.lock FOR UPDATE");
	fails_at(&t, 0, DB_LOCK, "could not obtain lock");
	assert_string_equal(t.err.sqlstate, "55P03");
	assert_true(pg->is_conflict(&t.err));
	assert_string_equal(buf_str(&t.told), "");
	/* one that waits, but not so long */
	t.lock = LOCK_WAIT;
	t.lock_wait_ms = 20;
	fails_at(&t, 0, DB_LOCK, "lock timeout");
	assert_true(pg->is_conflict(&t.err));
	execute(f->other, "ROLLBACK");
	run_all(&t, "done 0: 1\ndone 1: 1\n");
	/* without its row nobody can be kept apart */
	execute(f->other, "DELETE FROM git_migrate.lock");
	t.head = 2;
	fails_at(&t, 0, DB_LOCK, "the tracker's lock row is not there");
	assert_int_equal(t.err.code, ERR_REFUSED);
	assert_non_null(strstr(t.err.hint, "INSERT INTO git_migrate.lock"));
	trial_release(&t);
}

/* Lets the lock go once somebody waits for it. */
static bool let_go(struct fixture *f)
{
	struct buf got = BUF_INIT;
	struct err err = { 0 };
	bool done;

	assert_int_equal(ask_sql(f->other, "SELECT 1 FROM pg_locks WHERE NOT granted",
				 collect, &got, &err),
			 0);
	if (got.len)
		execute(f->other, "COMMIT");
	done = got.len > 0;
	buf_release(&got);
	return done;
}

static void test_lock_wait(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	t.lock = LOCK_WAIT;
	t.lock_wait_ms = 60000;
	trial_add(&t, "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS l");
	execute(f->other, "BEGIN; SELECT id FROM git_migrate.lock FOR UPDATE");
	f->at_wait = let_go;
	run_all(&t, "done 0: 1\n");
	assert_null(f->at_wait);
	/* the migration's own locks are waited for as ever */
	expect(f->db, "SELECT l FROM seen", "200ms\n");
	trial_next(&t);

	/* who held it wrote to the log */
	trial_add(&t, "CREATE TABLE never (a int)");
	execute(f->other, "BEGIN; SELECT id FROM git_migrate.lock FOR UPDATE;"
			  "INSERT INTO git_migrate.note VALUES (2, 'other')");
	f->at_wait = let_go;
	f->signals = -1;
	fails_at(&t, 0, DB_EXPECT, "the tracker has grown");
	assert_int_equal(t.err.code, ERR_REFUSED);
	expect(f->db, "SELECT to_regclass('never')", "NULL\n");
	trial_release(&t);
}

static void test_records(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, "CREATE TABLE t (a int)");
	trial_add(&t, "INSERT INTO t VALUES (1);"
		      "INSERT INTO git_migrate.note VALUES (2, 'forged')");
	trial_add(&t, "INSERT INTO t VALUES (2)");
	fails_at(&t, 1, DB_RECORD, "the migration wrote to the tracker");
	assert_int_equal(t.err.code, ERR_REFUSED);
	assert_true(t.err.hint[0]);
	assert_string_equal(buf_str(&t.told), "done 0: 1\n");
	expect(f->db, "SELECT count(*) FROM t", "0\n");
	expect_log(f, 1);

	/* a record that is swallowed, or refused */
	t.head = 1;
	replace(&t, 0,
		"CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ "
		"BEGIN IF NEW.seq = 3 THEN RETURN NULL; END IF; RETURN NEW; END "
		"$$; CREATE TRIGGER s BEFORE INSERT ON git_migrate.note FOR EACH "
		"ROW EXECUTE FUNCTION swallow()");
	replace(&t, 1, "INSERT INTO t VALUES (1)");
	fails_at(&t, 1, DB_RECORD, "the tracker did not take the record");
	assert_int_equal(t.err.code, ERR_REFUSED);
	expect_log(f, 2);
	expect(f->db, "SELECT count(*) FROM t", "0\n");
	t.head = 2;
	replace(&t, 0,
		"CREATE OR REPLACE FUNCTION swallow() RETURNS trigger LANGUAGE "
		"plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$");
	fails_at(&t, 0, DB_RECORD, "could not write the record: not today");
	expect_log(f, 2);
	trial_release(&t);
}

/* --- the session ------------------------------------------------------- */

static const char leaves[] =
	"CREATE TABLE t (a serial); CREATE ROLE weak; GRANT weak TO postgres;\n"
	"SET search_path = pg_catalog; SET statement_timeout = 70000;\n"
	"SET my.own = 'x'; SET session_replication_role = replica;\n"
	"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;\n"
	"CREATE TEMP TABLE x (a int); INSERT INTO public.t DEFAULT VALUES;\n"
	"PREPARE p AS SELECT 1; SELECT pg_catalog.pg_advisory_lock(1);\n"
	"SELECT pg_catalog.pg_advisory_xact_lock(2); LISTEN l;\n"
	"DECLARE c CURSOR WITH HOLD FOR SELECT 1; SET ROLE weak;\n";

static const char finds[] =
	"CREATE TABLE seen AS SELECT current_user::text AS u,"
	" current_setting('search_path') AS p, current_setting('statement_timeout') AS s,"
	" current_setting('my.own', true) AS o,"
	" current_setting('session_replication_role') AS r,"
	" current_setting('transaction_read_only') AS t,"
	" to_regclass('x')::text AS x,"
	" (SELECT count(*) FROM pg_prepared_statements) AS n,"
	" (SELECT count(*) FROM pg_cursors WHERE name = 'c') AS c,"
	" (SELECT count(*) FROM pg_listening_channels()) AS l,"
	" (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS a;\n"
	"CREATE TEMP TABLE x (a int); PREPARE p AS SELECT 1;\n"
	"DO $$ BEGIN PERFORM lastval(); RAISE EXCEPTION 'lastval is known';"
	" EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END $$;\n";

static void test_session(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	trial_add(&t, leaves);
	trial_add(&t, finds);
	trial_add(&t, "SET SESSION AUTHORIZATION weak");
	trial_add(&t, "CREATE TABLE later AS SELECT session_user::text AS s,"
		      " current_user::text AS c");
	assert_int_equal(trial_run(&t), 0);
	expect(f->db, "SELECT * FROM seen",
	       "postgres|\"$user\", public|0||origin|off|NULL|0|0|0|0\n");
	expect(f->db, "SELECT * FROM later", "postgres|postgres\n");
	execute(f->db, "DROP OWNED BY weak; DROP ROLE weak");
	trial_release(&t);
}

/* --- dry runs ---------------------------------------------------------- */

static void never(struct trial *t UNUSED, size_t i)
{
	fail_msg("a record of %zu", i);
}

static void test_dry(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);

	t.dry = true;
	t.at_records = never;
	trial_add(&t, "CREATE TABLE t (a int); COPY t FROM STDIN;\n1\n\\.\n");
	trial_add(&t, "SET search_path = pg_catalog; SELECT pg_advisory_lock(1);"
		      "CREATE TEMP TABLE x (a int)");
	trial_add(&t, NULL);
	trial_add(&t, "INSERT INTO t SELECT a + 1 FROM t; CREATE TEMP TABLE x (a int);");
	run_all(&t, "done 0: 2\ndone 1: 3\ndone 2: 0\ntouched 3: t 0\ndone 3: 2\n");
	expect(f->db, "SELECT to_regclass('t'), to_regclass('x')", "NULL|NULL\n");
	expect(f->db, "SHOW search_path", "\"$user\", public\n");
	expect(f->db, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0\n");

	replace(&t, 3, "SELECT 1;\nINSERT INTO t SELECT nowhere FROM t");
	trial_add(&t, "SELECT 1");
	fails_at(&t, 3, DB_SCRIPT, "nowhere");
	assert_int_equal(t.err.line, 2);
	assert_string_equal(buf_str(&t.told), "done 0: 2\ndone 1: 3\ndone 2: 0\n");
	replace(&t, 0, "SELECT 1;\nSELECT 'x");
	fails_at(&t, 0, DB_SCRIPT, "never closed");
	expect(f->db, "SELECT to_regclass('t')", "NULL\n");
	expect_log(f, 0);
	trial_release(&t);
}

/* --- blockers ---------------------------------------------------------- */

static void test_blockers(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	int tries = 0;

	run_ok(f->db, "CREATE TABLE t (a int)");
	f->lock_timeout_ms = 1000;
	open_again(f);
	t.db = f->db;
	t.name_blockers = true;
	trial_add(&t, "SELECT 1");
	trial_add(&t, "SELECT 1;\nALTER TABLE t ADD COLUMN b int");
	execute(f->other, "BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
	do { /* one look in this time is enough, unless the machine is asleep */
		assert_true(tries++ < 30);
		replace(&t, 0, "SELECT 1");
		fails_at(&t, 1, DB_SCRIPT, "lock timeout");
		t.head++;
	} while (!strstr(t.err.detail, "(test-pg, user postgres, idle in transaction)"));
	assert_int_equal(t.err.line, 2);
	assert_true(pg->is_passing(&t.err));
	assert_non_null(strstr(t.err.detail, "its transaction began 20"));
	execute(f->other, "ROLLBACK");
	run_all(&t, "done 0: 1\ndone 1: 2\n");
	trial_release(&t);
}

/* Lets the first lock go once the session that waits for it has been looked up. */
static bool let_go_seen(struct fixture *f)
{
	struct buf got = BUF_INIT;
	struct err err = { 0 };
	bool done;

	execute(f->other, "SELECT pg_stat_clear_snapshot()");
	assert_int_equal(ask_sql(f->other,
				 "SELECT 1 FROM pg_stat_activity WHERE datname = 't'"
				 " AND state = 'idle' AND query LIKE"
				 " '%pg_blocking_pids%' AND pid <> pg_backend_pid()",
				 collect, &got, &err),
			 0);
	done = got.len > 0;
	if (done)
		execute(f->other, "COMMIT");
	buf_release(&got);
	return done;
}

/* Who let go is not to blame for the next lock. */
static void test_blockers_gone(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct db *third = NULL;
	struct err err = { 0 };
	int tries = 0;

	run_ok(f->db, "CREATE TABLE t (a int); CREATE TABLE u (a int)");
	assert_int_equal(open_db(f, f->url, &third, &err), 0);
	execute(third, "BEGIN; LOCK TABLE u IN ACCESS SHARE MODE");
	execute(f->other, "BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
	f->lock_timeout_ms = 1000;
	open_again(f);
	t.db = f->db;
	t.name_blockers = true;
	trial_add(&t, "ALTER TABLE t ADD COLUMN b int");
	trial_add(&t, "LOCK TABLE u IN ACCESS EXCLUSIVE MODE NOWAIT");
	f->at_wait = let_go_seen;
	do { /* one look in this time is enough, unless the machine is asleep */
		assert_true(tries++ < 30);
		replace(&t, 0, "ALTER TABLE t ADD COLUMN b int");
		assert_int_equal(trial_run(&t), -1);
	} while (t.failure.unit == 0);
	assert_null(f->at_wait);
	if (!strstr(t.err.message, "could not obtain lock"))
		fail_msg("%s", t.err.message);
	assert_null(strstr(t.err.detail, "holds it"));
	pg->free(third);
	trial_release(&t);
}

/* --- COMMITs that do not wait for the disk ------------------------------ */

enum { LATE = 40, TOGETHER = 16 };

/* What is told is there, and on the disk; of the late ones many are told at once. */
static void check_disk(struct trial *t, size_t i)
{
	struct fixture *f = t->arg;
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*), bool_and(at < pg_current_wal_flush_lsn())"
		 " FROM t WHERE a <= %zu",
		 i);
	snprintf(t->numbers[TRIALS - 1], sizeof(t->numbers[0]), "%zu|t\n", i + 1);
	expect(f->other, sql, t->numbers[TRIALS - 1]);
	if (t->fresh && i == 1)
		expect(f->other, "SELECT count(*) > 16 FROM t", "t\n");
}

static void add_late(struct trial *t, struct pool *pool)
{
	int i;

	for (i = 0; i < LATE; i++)
		trial_add(t, pool_printf(pool,
					 "INSERT INTO t VALUES"
					 " (%d, pg_current_wal_insert_lsn())",
					 i));
}

static void run_late(struct fixture *f, struct trial *t, struct pool *pool)
{
	t->arg = f;
	t->at_done = check_disk;
	add_late(t, pool);
	assert_int_equal(trial_run(t), 0);
	assert_int_equal(t->nr_done, LATE);
	execute(f->other, "TRUNCATE t");
	/* behind a failure, those before it */
	trial_next(t);
	add_late(t, pool);
	replace(t, TOGETHER + 9, "SELECT 1 / 0");
	fails_at(t, TOGETHER + 9, DB_SCRIPT, "division by zero");
	assert_int_equal(t->nr_done, TOGETHER + 9);
	execute(f->other, "TRUNCATE t");
	trial_next(t);
}

static void set_writer(struct fixture *f, const char *value)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "ALTER SYSTEM SET wal_writer_delay = %s", value);
	execute(f->other, sql);
	execute(f->other, "SELECT pg_reload_conf()");
}

static void test_late(void **state)
{
	struct fixture *f = *state;
	struct trial t = logged(f);
	struct pool pool = { 0 };

	run_ok(f->db, "CREATE TABLE t (a int, at pg_lsn)");
	set_writer(f, "'10s'");
	run_late(f, &t, &pool);
	let_be_late(&t);
	run_late(f, &t, &pool);
	set_writer(f, "DEFAULT");
	pool_release(&pool);
	trial_release(&t);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_many),	      T(test_failure),	     T(test_memory),
		T(test_many),	      T(test_together),	     T(test_memory),
		T(test_rows),	      T(test_long),	     T(test_notices),
		T(test_told),	      T(test_durations),     T(test_place),
		T(test_copy),	      T(test_copy_fails),    T(test_copy_progress),
		T(test_own_failures), T(test_lock),	     T(test_lock_wait),
		T(test_records),      T(test_session),	     T(test_dry),
		T(test_blockers),     T(test_blockers_gone), T(test_late),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!server_is_there())
		return SKIP;
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
