/* The PostgreSQL driver and the tracker, on a server of the test's own. */
#include "base/compat.h"

#include <setjmp.h>
#include <signal.h>

#include <cmocka.h>

#include "pg-batch.h"
#include "tracker-tests.h"

#include "base/clock.h"
#include "base/pool.h"
#include "db/pg_limit.h"
#include "db/tracker.h"

/* --- URLs and connections ---------------------------------------------- */

static void check_shown(const char *url, const char *shown, bool password)
{
	struct buf out = BUF_INIT;
	struct err err = { 0 };
	bool has_password = !password;

	if (pg->describe(url, &out, &has_password, &err) < 0)
		fail_msg("%s: %s", url, err.message);
	assert_string_equal(buf_str(&out), shown);
	assert_int_equal(has_password, password);
	buf_release(&out);
}

static void test_urls(void **state UNUSED)
{
	check_shown("postgres://u:secret@h:5433/d", "postgresql://u@h:5433/d", true);
	check_shown("postgresql://h/d?sslmode=require&password=secret&sslpassword=s2",
		    "postgresql://h/d?sslmode=require", true);
	check_shown("postgresql://", "postgresql:///", false);
	check_shown("postgresql:///d?host=/tmp/a%20b&user=x%40y",
		    "postgresql://x%40y@%2Ftmp%2Fa%20b/d", false);
	check_shown("postgresql://[::1]:5/d", "postgresql://[::1]:5/d", false);
	check_shown("postgresql://a:1,b:2,c/d", "postgresql://a:1,b:2,c/d", false);
	/* what is shown means the same */
	check_shown("postgresql://x%40y@%2Ftmp%2Fa%20b/d",
		    "postgresql://x%40y@%2Ftmp%2Fa%20b/d", false);
	check_shown("postgresql://a:1,b:2,c/d", "postgresql://a:1,b:2,c/d", false);
}

static void check_hidden(const struct err *err)
{
	assert_null(strstr(err->message, "secret"));
	assert_null(strstr(err->detail, "secret"));
	assert_null(strstr(err->hint, "secret"));
	assert_true(err->hint[0]);
}

static void test_malformed_urls(void **state)
{
	static const char *const urls[] = {
		"postgresql://u:secret%zz@h/d",	 "postgresql://u:secret@[::1/d",
		"postgresql://u@h/d?secret=1",	 "postgresql://u:secret@[::1]x/d",
		"postgresql://u@h/d?a=b=secret",
	};
	struct fixture *f = *state;
	struct buf out = BUF_INIT;
	struct db *db = NULL;
	struct err err = { 0 };
	bool has_password;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(urls); i++) {
		assert_int_equal(pg->describe(urls[i], &out, &has_password, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		check_hidden(&err);
		assert_int_equal(open_db(f, urls[i], &db, &err), -1);
		check_hidden(&err);
		assert_string_equal(buf_str(&out), "");
	}
	buf_release(&out);
}

static void check_no_connection(struct fixture *f, const char *url, const char *word)
{
	struct db *db = NULL;
	struct err err = { 0 };

	assert_int_equal(open_db(f, url, &db, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	if (!strstr(err.message, word))
		fail_msg("'%s' is not in '%s'", word, err.message);
	check_hidden(&err);
}

static void test_no_connection(void **state)
{
	struct fixture *f = *state;
	struct buf url = BUF_INIT;
	const char *host = strchr(f->server, '@') + 1;
	struct db *db = NULL;
	struct err err = { 0 };

	execute(f->db, "CREATE ROLE needs_password LOGIN PASSWORD 'right'");
	buf_addf(&url, "postgresql://needs_password:secret@%s", host);
	check_no_connection(f, buf_str(&url), "password authentication failed");
	buf_reset(&url);
	buf_addf(&url, "postgresql://needs_password:right@%s", host);
	assert_int_equal(open_db(f, buf_str(&url), &db, &err), 0);
	pg->free(db);
	execute(f->db, "DROP ROLE needs_password");
	/* the name of the database is the password: its text is hidden too */
	buf_reset(&url);
	buf_addf(&url, "postgresql://postgres:secret@%.*s/t?application_name=x",
		 (int)strcspn(host, "/"), host);
	assert_int_equal(open_db(f, buf_str(&url), &db, &err), 0);
	pg->free(db);
	buf_release(&url);
	check_no_connection(f, "postgresql://u:secret@127.0.0.1:1/d", "refused");
	check_no_connection(f, "postgresql://u:secret@%2Fno%2Fsuch/d", "No such file");
}

static void test_server_text_hidden(void **state)
{
	struct fixture *f = *state;
	const char *host = strchr(f->server, '@') + 1;
	struct buf url = BUF_INIT;
	struct db *db = NULL;
	struct err err = { 0 };

	/* a server that repeats the password: here, as the name of the database */
	buf_addf(&url, "postgresql://postgres:hush@%.*s/hush", (int)strcspn(host, "/"),
		 host);
	assert_int_equal(open_db(f, buf_str(&url), &db, &err), -1);
	assert_non_null(strstr(err.message, "database \"********\" does not exist"));
	buf_release(&url);
}

static void test_facts(void **state)
{
	struct fixture *f = *state;
	struct buf id = BUF_INIT, again = BUF_INIT;
	struct err err = { 0 };

	assert_memory_equal(pg->engine(f->db), "postgresql/1", 12);
	assert_true(pg->capabilities(f->db)->tx_ddl);
	assert_false(pg->capabilities(f->db)->file);
	assert_int_equal(pg->identity(f->db, &id, &err), 0);
	assert_int_equal(pg->identity(f->other, &again, &err), 0);
	assert_non_null(strchr(buf_str(&id), '/'));
	assert_string_equal(buf_str(&id), buf_str(&again));
	expect(f->db, "SHOW application_name", "test-pg\n");
	execute(f->db,
		"CREATE FUNCTION pg_temp.x() RETURNS int LANGUAGE sql AS 'SELECT 1'");
	buf_release(&id);
	buf_release(&again);
}

/* --- running ----------------------------------------------------------- */

static void test_run(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	unsigned nr;

	assert_int_equal(
		run_count(f->db,
			  "\xef\xbb\xbf-- comment\r\nCREATE TABLE t (a int, b text);\r\n"
			  "INSERT INTO t VALUES (1, 'x;y');;\n"
			  "DO $$ BEGIN RAISE NOTICE 'hello'; END $$;\n"
			  "SELECT generate_series(1, 1000); COPY t TO STDOUT;\n"
			  "CREATE RULE r AS ON DELETE TO t DO ALSO (SELECT 1; SELECT 2)",
			  &nr, &err),
		0);
	assert_int_equal(nr, 6);
	expect(f->db, "SELECT a, b FROM t", "1|x;y\n");
	assert_string_equal(buf_str(&f->notices), "NOTICE:4:hello\n");
	assert_int_equal(run_count(f->db, "", &nr, &err), 0);
	assert_int_equal(nr, 0);
	run_ok(f->db, "BEGIN;\nINSERT INTO t VALUES (2);\nCOMMIT;\n");
	run_ok(f->db, "START TRANSACTION; INSERT INTO t VALUES (3); END");
	run_ok(f->db,
	       "\\restrict k\nSET client_encoding = 'UTF8'; SET "
	       "standard_conforming_strings = on; SELECT "
	       "pg_catalog.set_config('search_path', '', false);\n\\unrestrict k\n");
	expect(f->db, "SELECT count(*) FROM t", "3\n");
}

static void test_errors(void **state)
{
	struct fixture *f = *state;
	struct buf large = BUF_INIT;
	struct err err = { 0 };

	run_ok(f->db, "CREATE TABLE t (a int UNIQUE, b int NOT NULL)");
	run_refused(f->db, "SELECT 1;\n-- \xc3\xa4\n  SELECT '\xc3\xa4', nothing;",
		    "does not exist", 3, 15);
	run_refused(f->db, "\xef\xbb\xbfSELECT 1; SELECT\n nothing", "does not exist", 2,
		    2);
	run_refused(f->db, "SELECT 1;\n INSERT INTO t VALUES (1, NULL)", "null value", 2,
		    2);
	assert_int_equal(run_count(f->db, "INSERT INTO t VALUES (1, 1), (1, 2)", NULL,
				   &err),
			 -1);
	assert_string_equal(err.sqlstate, "23505");
	assert_string_equal(err.detail, "Key (a)=(1) already exists.");
	assert_true(pg->is_conflict(&err));
	assert_int_equal(run_count(f->db, "SELECT * FROM nowhere", NULL, &err), -1);
	assert_int_equal(run_count(f->db, "VACUUM t", NULL, &err), -1);
	assert_non_null(strstr(err.message, "cannot run in a transaction"));
	assert_non_null(strstr(err.hint, "-- migrate: no-transaction"));
	/* what no list knows, the server does */
	assert_int_equal(run_count(f->db,
				   "CREATE TABLE parts (a int) PARTITION BY RANGE (a);"
				   "REINDEX TABLE parts",
				   NULL, &err),
			 -1);
	assert_string_equal(err.sqlstate, "25001");
	assert_non_null(strstr(err.hint, "transaction"));
	assert_int_equal(run_count(f->db, "SET transaction_isolation = 'serializable'",
				   NULL, &err),
			 -1);
	assert_string_equal(err.sqlstate, "25001");
	assert_non_null(strstr(err.hint, "READ COMMITTED"));
	assert_int_equal(run_count(f->db, "SELECT :name", NULL, &err), -1);
	assert_non_null(strstr(err.hint, ":name"));
	/* one that is not copied for its error */
	buf_addf(&large, "SELECT 1;\nSELECT /* %0*d */\n nothing;\nSELECT 2", 300000, 0);
	run_refused(f->db, buf_str(&large), "does not exist", 3, 2);
	buf_release(&large);
	run_refused(f->db, "SELECT 'a", "never closed", 1, 8);
	run_refused(f->db, "SELECT 1;\n\\i x.sql", "'\\i'", 2, 1);
	expect(f->db, "SELECT count(*) FROM t", "0\n");
}

static void test_control(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db, "CREATE TABLE t (a int)");
	run_refused(f->db, "INSERT INTO t VALUES (1);\nCOMMIT;", "COMMIT", 2, 1);
	run_refused(f->db, "INSERT INTO t VALUES (1);\n commit and chain;", "commit", 2,
		    2);
	run_refused(f->db, "INSERT INTO t VALUES (1); ROLLBACK", "ROLLBACK", 1, 27);
	run_refused(f->db, "BEGIN ISOLATION LEVEL SERIALIZABLE; COMMIT", "BEGIN", 1, 1);
	run_refused(f->db, "BEGIN; INSERT INTO t VALUES (1)", "BEGIN", 1, 1);
	run_refused(f->db, "BEGIN; COMMIT;\nINSERT INTO t VALUES (1)", "behind COMMIT", 2,
		    1);
	run_refused(f->db, "SELECT 1; BEGIN; COMMIT", "BEGIN", 1, 11);
	run_refused(f->db, "SAVEPOINT s", "SAVEPOINT", 1, 1);
	run_refused(f->db, "RELEASE s", "RELEASE", 1, 1);
	run_refused(f->db, "INSERT INTO t VALUES (1); PREPARE TRANSACTION 'x'",
		    "PREPARE TRANSACTION", 1, 27);
	expect(f->db, "SELECT count(*) FROM pg_prepared_xacts", "0\n");
	run_ok(f->db, "PREPARE p AS SELECT 1; EXECUTE p");
	assert_int_equal(run_count(f->db, "DO $$ BEGIN COMMIT; END $$", NULL, &err), -1);
	assert_string_equal(err.sqlstate, "2D000");
	assert_true(err.hint[0]);
	expect(f->db, "SELECT count(*) FROM t", "0\n");
}

static void test_settings(void **state)
{
	struct fixture *f = *state;

	run_refused(f->db, "SELECT 1;\nSET standard_conforming_strings = off",
		    "standard_conforming_strings", 2, 1);
	run_refused(f->db, "set local Standard_Conforming_Strings to 'off'",
		    "standard_conforming_strings", 1, 1);
	run_refused(f->db, "SET client_encoding TO 'LATIN1'", "client_encoding", 1, 1);
	run_refused(f->db, "SET NAMES 'latin1'", "client_encoding", 1, 1);
	run_refused(f->db, "SELECT 1;\nset transaction\nisolation level repeatable read",
		    "isolation level", 2, 1);
	run_refused(f->db, "SET TRANSACTION READ WRITE, ISOLATION LEVEL SERIALIZABLE",
		    "isolation level", 1, 1);
	/* what is no SET is seen at the end, and taken back */
	run_refused(f->db,
		    "SELECT set_config('standard_conforming_strings', 'off', false);",
		    "cannot change how text is read", 0, 0);
	run_refused(f->db, "SELECT set_config('client_encoding', 'LATIN1', false);",
		    "cannot change how text is read", 0, 0);
	expect(f->db, "SHOW standard_conforming_strings", "on\n");
	run_ok(f->db,
	       "SET NAMES 'utf-8'; SET SESSION client_encoding TO UNICODE; "
	       "SET standard_conforming_strings TO on; SET TRANSACTION READ WRITE; "
	       "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE");
	expect(f->db, "SHOW client_encoding", "UTF8\n");
}

static void test_copy(void **state)
{
	struct fixture *f = *state;
	struct buf big = BUF_INIT;
	struct err err = { 0 };
	unsigned nr;
	int i;

	run_ok(f->db, "CREATE TABLE t (a int, b text)");
	assert_int_equal(run_count(f->db,
				   "COPY t (a, b) FROM STDIN;\n1\tx;'\n2\t\\N\n\\.\n"
				   "COPY t FROM stdin WITH (FORMAT csv);\n3,\"y\"\n\\.\n"
				   "UPDATE t SET b = b || '!';\n",
				   &nr, &err),
			 0);
	assert_int_equal(nr, 3);
	expect(f->db, "SELECT a, b FROM t ORDER BY a", "1|x;'!\n2|NULL\n3|y!\n");
	/* the line of the data that is wrong */
	run_refused(f->db, "SELECT 1;\nCOPY t FROM STDIN;\n4\tx\nfive\tx\n\\.\n",
		    "integer", 4, 1);
	run_refused(f->db, "\nCOPY nowhere FROM STDIN;\n4\tx\n\\.\n", "does not exist", 2,
		    1);
	run_refused(f->db, "COPY t FROM STDIN;\n4\tx\n", "no end", 1, 1);
	expect(f->db, "SELECT count(*) FROM t", "3\n");
	/* several pieces */
	buf_adds(&big, "COPY t FROM STDIN;\n");
	for (i = 0; i < 300000; i++)
		buf_addf(&big, "%d\tsome text\n", i);
	buf_adds(&big, "\\.\nDELETE FROM t WHERE a > 5");
	run_ok(f->db, buf_str(&big));
	expect(f->db, "SELECT count(*) FROM t", "9\n");
	buf_reset(&big);
	buf_adds(&big, "COPY t FROM STDIN;\nx\n");
	for (i = 0; i < 300000; i++)
		buf_addf(&big, "%d\tsome text\n", i);
	buf_adds(&big, "\\.\n");
	run_refused(f->db, buf_str(&big), "integer", 2, 1);
	buf_release(&big);
}

static void test_deferred(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	run_ok(f->db,
	       "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p "
	       "DEFERRABLE INITIALLY DEFERRED); INSERT INTO p VALUES (1)");
	assert_int_equal(run_count(f->db, "INSERT INTO c VALUES (2)", NULL, &err), -1);
	assert_string_equal(err.sqlstate, "23503");
	assert_non_null(strstr(err.hint, "deferred"));
	run_ok(f->db, "INSERT INTO c VALUES (2); INSERT INTO p VALUES (2)");
}

/* What SET CONSTRAINTS does not reach fails at COMMIT itself. */
static void test_commit(void **state)
{
	struct fixture *f = *state;
	struct trial t = { .db = f->db };

	run_ok(f->db, "CREATE TABLE t (a int)");
	trial_add(&t, "INSERT INTO t VALUES (0)");
	trial_add(&t, "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$"
		      "BEGIN IF NEW.a = 2 THEN RAISE EXCEPTION 'too late'; END IF;"
		      "SET CONSTRAINTS ALL DEFERRED;"
		      "INSERT INTO public.t VALUES (NEW.a + 1); RETURN NULL; END $$;"
		      "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON t DEFERRABLE "
		      "INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION again();"
		      "INSERT INTO t VALUES (1)");
	trial_add(&t, "INSERT INTO t VALUES (7)");
	fails_at(&t, 1, DB_COMMIT, "too late");
	assert_int_equal(t.err.code, ERR_REFUSED);
	assert_string_equal(t.err.sqlstate, "P0001");
	assert_string_equal(buf_str(&t.told), "done 0: 1\n");
	expect(f->db, "SELECT a FROM t", "0\n");
	trial_release(&t);
}

/* COMMIT of a transaction that is another one by then: the guard is gone. */
static void test_guard(void **state)
{
	struct fixture *f = *state;
	struct trial t = { .db = f->db };

	run_ok(f->db, "CREATE TABLE t (a int)");
	/* as if our own reading had overlooked it: check() is not asked */
	trial_add(&t, "INSERT INTO t VALUES (1); ROLLBACK AND CHAIN; SELECT 1");
	fails_at(&t, 0, DB_SCRIPT, "the migration ended its transaction");
	assert_int_equal(t.err.code, ERR_REFUSED);
	assert_true(t.err.hint[0]);
	expect(f->db, "SELECT count(*) FROM t", "0\n");
	trial_release(&t);
}

static void test_session(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	execute(f->db, "DROP ROLE IF EXISTS weak; CREATE ROLE weak");
	run_ok(f->db,
	       "CREATE TABLE t (a int); SET search_path = ''; SET statement_timeout = 7; "
	       "SET lock_timeout = 7; CREATE TEMP TABLE x (a int); "
	       "PREPARE p AS SELECT 1; LISTEN l; SELECT pg_advisory_lock(1); "
	       "DECLARE c CURSOR WITH HOLD FOR SELECT 1; SET ROLE weak");
	expect(f->db, "SHOW search_path", "\"$user\", public\n");
	expect(f->db, "SHOW statement_timeout", "0\n");
	expect(f->db, "SHOW lock_timeout", "0\n");
	expect(f->db, "SELECT current_user, to_regclass('x')", "postgres|NULL\n");
	expect(f->db, "SELECT count(*) FROM pg_prepared_statements", "0\n");
	expect(f->db, "SELECT count(*) FROM pg_cursors WHERE name = 'c'", "0\n");
	expect(f->db, "SELECT pg_listening_channels()", "");
	expect(f->db, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0\n");
	run_ok(f->db, "SET SESSION AUTHORIZATION weak");
	expect(f->db, "SELECT session_user, current_user", "postgres|postgres\n");

	/* after a failure too */
	assert_int_equal(run_count(f->db,
				   "PREPARE p AS SELECT 1; SELECT pg_advisory_lock(1); "
				   "SET ROLE weak; SET search_path = ''; nonsense",
				   NULL, &err),
			 -1);
	expect(f->db, "SELECT count(*) FROM pg_prepared_statements", "0\n");
	expect(f->db, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0\n");
	expect(f->db, "SELECT current_user, current_setting('search_path')",
	       "postgres|\"$user\", public\n");
	execute(f->db, "DROP ROLE weak");
}

/* The settings before the migration, and for the tracker's record and COMMIT. */
static void test_local_settings(void **state)
{
	struct fixture *f = *state;
	struct trial t = { .db = f->db };

	execute(f->db,
		"ALTER DATABASE t SET default_transaction_isolation = 'serializable'; "
		"ALTER DATABASE t SET default_transaction_read_only = on; "
		"ALTER DATABASE t SET search_path = 'there'; "
		"ALTER DATABASE t SET statement_timeout = '1h'");
	open_again(f);
	t.db = f->db;
	trial_add(&t, "CREATE TABLE public.seen (what text, isolation text, read_only "
		      "text, lock_timeout text, statement_timeout text, path text);"
		      "INSERT INTO public.seen SELECT 'script', current_setting("
		      "'transaction_isolation'), current_setting("
		      "'transaction_read_only'), current_setting('lock_timeout'),"
		      "current_setting('statement_timeout'),"
		      "current_setting('search_path');"
		      "SET lock_timeout = 7; SET statement_timeout = 70000;"
		      "SET search_path = public");
	t.record = "INSERT INTO public.seen SELECT 'record', current_setting("
		   "'transaction_isolation'), current_setting("
		   "'transaction_read_only'), current_setting('lock_timeout'),"
		   "current_setting('statement_timeout'),"
		   "current_setting('search_path')";
	run_all(&t, "done 0: 5\n");
	expect(f->db, "SELECT * FROM public.seen ORDER BY what DESC",
	       "script|read committed|off|200ms|0|there\n"
	       "record|read committed|off|200ms|0|pg_catalog, pg_temp\n");
	expect(f->db,
	       "SELECT current_setting('search_path'), current_setting("
	       "'statement_timeout'), current_setting('lock_timeout')",
	       "there|1h|0\n");
	trial_release(&t);
}

/* Questions cannot write, and what is not there is an answer. */
static void test_ask(void **state)
{
	struct fixture *f = *state;
	struct buf got = BUF_INIT;
	struct db_question questions[] = {
		{ .ask = { "SELECT 1 UNION SELECT 2", NULL, 0 },
		  .row = collect,
		  .arg = &got },
		{ .ask = { "SELECT * FROM no.where", NULL, 0 },
		  .row = collect,
		  .arg = &got },
		{ .ask = { "SELECT 3", NULL, 0 }, .row = collect, .arg = &got },
	};
	struct db_question write = { .ask = { "CREATE TABLE no (a int)", NULL, 0 },
				     .row = collect,
				     .arg = &got };
	struct err err = { 0 };

	assert_int_equal(pg->ask(f->db, questions, 3, &err), 0);
	assert_string_equal(buf_str(&got), "1\n2\n");
	assert_false(questions[0].lacks);
	assert_true(questions[1].lacks);
	assert_true(questions[2].lacks);
	questions[1].ask.sql = "SELECT 9 WHERE false";
	assert_int_equal(pg->ask(f->db, questions, 3, &err), 0);
	assert_string_equal(buf_str(&got), "1\n2\n1\n2\n3\n");
	assert_false(questions[1].lacks || questions[2].lacks);
	assert_int_equal(pg->ask(f->db, &write, 1, &err), -1);
	assert_string_equal(err.sqlstate, "25006");
	run_ok(f->db, "CREATE TABLE yes (a int)");
	buf_release(&got);
}

/* A database's own time limits do not hold for questions, and stay as they were. */
static void test_ask_limits(void **state)
{
	static const char limits[] = "SELECT current_setting('statement_timeout'),"
				     " current_setting('lock_timeout'),"
				     " current_setting("
				     "'idle_in_transaction_session_timeout')";
	struct fixture *f = *state;
	struct buf got = BUF_INIT;
	struct db_question question = { .ask = { limits, NULL, 0 },
					.row = collect,
					.arg = &got };
	struct err err = { 0 };

	execute(f->db, "ALTER DATABASE t SET statement_timeout = '1h';"
		       "ALTER DATABASE t SET lock_timeout = '2h';"
		       "ALTER DATABASE t SET idle_in_transaction_session_timeout = '3h'");
	open_again(f);
	assert_int_equal(pg->ask(f->db, &question, 1, &err), 0);
	assert_string_equal(buf_str(&got), "0|0|0\n");
	expect(f->db, limits, "1h|2h|3h\n");
	buf_release(&got);
}

/* A limit that not every server has: one of another name stands for it. */
static void test_young_limits(void **state)
{
	static const char limits[] = "SELECT " PG_LIMIT_OFF(
		"gm.young") ", current_setting('gm.young'), "
			    "(" PG_LIMIT_OFF("gm.unborn") ") IS NULL";
	struct fixture *f = *state;
	struct buf got = BUF_INIT;
	struct db_question question = { .ask = { limits, NULL, 0 },
					.row = collect,
					.arg = &got };
	struct err err = { 0 };

	execute(f->db, "ALTER DATABASE t SET gm.young = '1h'");
	open_again(f);
	assert_int_equal(pg->ask(f->db, &question, 1, &err), 0);
	assert_string_equal(buf_str(&got), "0|0|t\n");
	expect(f->db, "SHOW gm.young", "1h\n");
	buf_release(&got);
}

/* A session that the server ended since it was idle is opened again. */
static void test_ask_idle(void **state)
{
	struct fixture *f = *state;
	struct buf got = BUF_INIT;
	struct db_question question = { .ask = { "SELECT 1", NULL, 0 },
					.row = collect,
					.arg = &got };
	struct err err = { 0 };
	pid_t backend;

	execute(f->db, "ALTER DATABASE t SET idle_session_timeout = '300ms'");
	open_again(f);
	backend = other_backend(f);
	execute(f->other, "ALTER DATABASE t RESET idle_session_timeout");
	wait_gone(f, backend);
	assert_int_equal(pg->ask(f->db, &question, 1, &err), 0);
	assert_string_equal(buf_str(&got), "1\n");
	/* what somebody ended is told */
	kill_backend(f);
	assert_int_equal(pg->ask(f->db, &question, 1, &err), -1);
	assert_string_equal(err.sqlstate, "57P01");
	buf_release(&got);
}

/* --- lost connections and signals -------------------------------------- */

static void kill_before(struct trial *t, size_t i UNUSED)
{
	kill_backend(t->arg);
}

/* The server's own word that it ended before it did anything is good enough. */
static void test_lost(void **state)
{
	struct fixture *f = *state;
	struct trial t = { .db = f->db, .arg = f };
	struct err err = { 0 };

	run_ok(f->db, "CREATE TABLE t (a int)");
	trial_add(&t, "INSERT INTO t VALUES (1)");
	t.at_records = kill_before;
	fails_at(&t, 0, DB_BEGIN, "terminating connection");
	assert_int_equal(t.err.code, ERR_FATAL);
	t.at_records = NULL;
	fails_at(&t, 0, DB_BEGIN, "the connection to the server is closed");
	assert_int_equal(t.err.code, ERR_FATAL);
	expect(f->other, "SELECT count(*) FROM t", "0\n");
	assert_int_equal(pg->reconnect(f->db, &err), 0);
	run_all(&t, "done 0: 1\n");
	expect(f->other, "SELECT count(*) FROM t", "1\n");
	trial_release(&t);
}

/* While COMMIT is at work: what became of it is for the tracker to tell. */
static void test_lost_in_commit(void **state)
{
	struct fixture *f = *state;
	struct trial t = { .db = f->db };

	run_ok(f->db, "CREATE TABLE t (a int);"
		      "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$"
		      "BEGIN IF NEW.a = 2 THEN"
		      " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL;"
		      "END IF; SET CONSTRAINTS ALL DEFERRED;"
		      "INSERT INTO public.t VALUES (NEW.a + 1); RETURN NULL; END $$;"
		      "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON t DEFERRABLE "
		      "INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION again()");
	trial_add(&t, "SELECT 1");
	trial_add(&t, "INSERT INTO t VALUES (1)");
	trial_add(&t, "SELECT 1");
	assert_int_equal(trial_run(&t), -1);
	if (t.err.code != ERR_UNCERTAIN)
		fail_msg("%zu %d %s %s", t.failure.unit, t.failure.phase, t.err.message,
			 t.err.detail);
	assert_int_equal(t.err.code, ERR_UNCERTAIN);
	assert_true(t.err.hint[0]);
	assert_string_equal(buf_str(&t.told), "done 0: 1\n");
	assert_int_equal(t.failure.phase, DB_COMMIT);
	assert_int_equal(t.failure.unit, 1);
	assert_in_range(t.failure.sent, 2, 3);
	expect(f->other, "SELECT count(*) FROM t", "0\n");
	trial_release(&t);
}

static void test_lost_in_statement(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	assert_int_equal(run_count(f->db,
				   "SELECT 1;\nSELECT "
				   "pg_terminate_backend(pg_backend_pid());\nSELECT 1",
				   NULL, &err),
			 -1);
	assert_int_equal(err.line, 2);
	assert_string_equal(err.sqlstate, "57P01");
	assert_int_equal(run_count(f->db, "SELECT 1", NULL, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
}

static void test_interrupted(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	int64_t begun = clock_ms();

	run_ok(f->db, "CREATE TABLE t (a int)");
	f->signals = 3;
	assert_int_equal(run_count(f->db, "INSERT INTO t VALUES (1); SELECT pg_sleep(60)",
				   NULL, &err),
			 -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	assert_true(clock_ms() - begun < 30000);
	f->signals = -1;
	/* it was cancelled, rolled back, and the session goes on */
	expect(f->db, "SELECT count(*) FROM t", "0\n");
	run_ok(f->db, "INSERT INTO t VALUES (1)");
}

/* --- the tracker ------------------------------------------------------- */

/* What a person with psql may try: all is refused by the triggers. */
static const char *const refused[] = {
	"UPDATE git_migrate.log SET path = 'x'",
	"DELETE FROM git_migrate.log",
	"TRUNCATE git_migrate.log",
	"SET session_replication_role = replica; DELETE FROM git_migrate.log",
	"SET session_replication_role = replica; TRUNCATE git_migrate.log",
	"SET session_replication_role = replica; UPDATE git_migrate.log SET seq "
	"= 9",
	"SET session_replication_role = replica; INSERT INTO git_migrate.log "
	"SELECT 9, event, path, blob, commit, at, by, run, record, 'x' "
	"FROM git_migrate.log",
	"INSERT INTO git_migrate.log SELECT * FROM git_migrate.log ON CONFLICT "
	"(seq) "
	"DO UPDATE SET path = 'x'",
	"MERGE INTO git_migrate.log AS l USING git_migrate.log AS m ON l.seq = "
	"m.seq "
	"WHEN MATCHED THEN DELETE",
	"MERGE INTO git_migrate.log AS l USING git_migrate.log AS m ON l.seq = "
	"m.seq "
	"WHEN MATCHED THEN UPDATE SET path = 'x'",
	"UPDATE git_migrate.schema SET tool = 'x'",
	"DELETE FROM git_migrate.schema",
	"TRUNCATE git_migrate.schema",
	"INSERT INTO git_migrate.schema VALUES (5, 'x', 'x', 'x', 'x')",
	"DELETE FROM git_migrate.lock",
	"TRUNCATE git_migrate.lock",
	NULL,
};

static struct db *first_session(struct fixture *f)
{
	return f->db;
}

static int another_session(struct fixture *f, struct db **out, struct err *err)
{
	return open_db(f, f->url, out, err);
}

static int migrate(struct db *db, const char *sql, struct err *err)
{
	return run_count(db, sql, NULL, err);
}

const struct tracker_engine tracker_engine = {
	.log = "git_migrate.log",
	.schema = "git_migrate.schema",
	.installed = "1|0001-tracker.sql|64\n2|0002-session.sql|64\n"
		     "3|0003-progress.sql|64\n",
	.version = 3,
	.behind = "does not follow",
	.settled = "log_settled",
	.broken = "does not continue the chain",
	.unequal = "is not its SHA-256",
	.refused = refused,
	.after_refused = "RESET session_replication_role",
	.tamper = "ALTER TABLE git_migrate.log DISABLE TRIGGER ALL;",
	.db = first_session,
	.another = another_session,
	.migrate = migrate,
};

/* Two runners: the second learns who the first is. */
static void test_two_runners(void **state)
{
	struct fixture *f = *state;
	struct tracker first = { .driver = &db_postgresql, .db = f->db },
		       second = { .driver = &db_postgresql, .db = f->other };
	struct pool pool = { 0 };
	struct record a, b, c;
	struct err err = { 0 };

	install(&first, &pool, &a);
	b = next_record(&pool, &a, EVENT_APPLIED, "0001.sql");
	execute(f->db, "BEGIN; SELECT id FROM git_migrate.lock FOR UPDATE");
	assert_int_equal(tracker_write(&second, &a, &b, 1, 0, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.message, "another git migrate"));
	assert_non_null(strstr(err.detail, "(test-pg, user postgres), since 20"));
	assert_true(err.hint[0]);
	assert_true(pg->is_conflict(&err));
	assert_string_equal(err.sqlstate, "55P03");
	/* one that waits, and not long enough */
	assert_int_equal(tracker_wait(&second, 20, &err), -1);
	assert_non_null(strstr(err.message, "another git migrate"));
	execute(f->db, "ROLLBACK");

	assert_int_equal(tracker_wait(&second, 20, &err), 0);
	append_ok(&first, &a, &b);
	c = next_record(&pool, &a, EVENT_RAN, NULL);
	assert_int_equal(tracker_write(&second, &a, &c, 1, 0, &err), 1);
	c = next_record(&pool, &b, EVENT_RAN, NULL);
	append_ok(&second, &b, &c);
	pool_release(&pool);
}

/* The head is `head` when the script is run; what it does to the log is found out. */
static void check_tampering(struct fixture *f, const char *sql, const struct record *head)
{
	struct tracker t = { .driver = &db_postgresql, .db = f->db };
	struct db_unit unit = { 0 };
	struct tracker_head room;
	struct trial trial = { .db = f->db };

	tracker_begin(&t, head, 0, &room, &unit);
	trial.lock = unit.lock;
	trial.ask = &unit.expect;
	trial_add(&trial, sql);
	fails_at(&trial, 0, DB_RECORD, "tracker");
	assert_int_equal(trial.err.code, ERR_REFUSED);
	trial_release(&trial);
}

/* A migration that gets round the triggers is found out before COMMIT. */
static void test_tampering_migration(void **state)
{
	struct fixture *f = *state;
	struct tracker t = { .driver = &db_postgresql, .db = f->db };
	struct pool pool = { 0 };
	struct record a, b;

	install(&t, &pool, &a);
	check_tampering(f,
			"ALTER TABLE git_migrate.log DISABLE TRIGGER ALL;"
			"DELETE FROM git_migrate.log",
			&a);
	check_tampering(f, "DROP SCHEMA git_migrate CASCADE", &a);
	b = next_record(&pool, &a, EVENT_APPLIED, "0001.sql");
	append_ok(&t, &a, &b);
	pool_release(&pool);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_urls),		T(test_malformed_urls),
		T(test_no_connection),	T(test_server_text_hidden),
		T(test_facts),		T(test_run),
		T(test_errors),		T(test_control),
		T(test_settings),	T(test_copy),
		T(test_deferred),	T(test_commit),
		T(test_guard),		T(test_session),
		T(test_local_settings), T(test_ask),
		T(test_ask_limits),	T(test_young_limits),
		T(test_ask_idle),	T(test_lost),
		T(test_lost_in_commit), T(test_lost_in_statement),
		T(test_interrupted),	TRACKER_TESTS,
		T(test_two_runners),	T(test_tampering_migration),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!server_is_there())
		return SKIP;
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
