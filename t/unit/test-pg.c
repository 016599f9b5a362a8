/* The PostgreSQL driver and the tracker, on a server of the test's own. */
#include "base/compat.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/proc.h"
#include "core/ledger.h"
#include "db/driver.h"
#include "db/tracker.h"
#include "pg-fixture.h"

/* --- short words ------------------------------------------------------- */

static int run_count(struct db *db, const char *sql, unsigned *nr, struct err *err)
{
	struct db_script script = { .name = "0001.sql", .sql = sql, .len = strlen(sql) };
	struct db_report report = { 0 };

	memset(err, 0, sizeof(*err));
	if (pg->begin(db, false, err) < 0)
		return -1;
	if (pg->run_script(db, &script, &report, err) < 0) {
		pg->rollback(db);
		return -1;
	}
	if (nr)
		*nr = report.statements;
	return pg->commit(db, err);
}

static void run_ok(struct db *db, const char *sql)
{
	struct err err = { 0 };

	if (run_count(db, sql, NULL, &err) < 0)
		fail_msg("%s: %u:%u %s (%s) %s", sql, err.line, err.column, err.message,
			 err.sqlstate, err.detail);
}

/* Runs what must be refused with a message that holds `word`. */
static void run_refused(struct db *db, const char *sql, const char *word, unsigned line,
			unsigned column)
{
	struct err err = { 0 };

	if (run_count(db, sql, NULL, &err) == 0)
		fail_msg("ran: %s", sql);
	if (!strstr(err.message, word))
		fail_msg("'%s' is not in '%s'", word, err.message);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_int_equal(err.line, line);
	assert_int_equal(err.column, column);
}

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

	must(f->db, "CREATE ROLE needs_password LOGIN PASSWORD 'right'");
	buf_addf(&url, "postgresql://needs_password:secret@%s", host);
	check_no_connection(f, buf_str(&url), "password authentication failed");
	buf_reset(&url);
	buf_addf(&url, "postgresql://needs_password:right@%s", host);
	assert_int_equal(open_db(f, buf_str(&url), &db, &err), 0);
	pg->free(db);
	must(f->db, "DROP ROLE needs_password");
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
	must(f->db, "CREATE FUNCTION pg_temp.x() RETURNS int LANGUAGE sql AS 'SELECT 1'");
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
	assert_int_equal(run_count(f->db, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
				   NULL, &err),
			 -1);
	assert_string_equal(err.sqlstate, "25001");
	assert_non_null(strstr(err.hint, "READ COMMITTED"));
	assert_int_equal(run_count(f->db, "SELECT :name", NULL, &err), -1);
	assert_non_null(strstr(err.hint, ":name"));
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
	run_refused(f->db,
		    "SELECT set_config('standard_conforming_strings', 'off', false);",
		    "standard_conforming_strings", 1, 1);
	run_refused(f->db, "SET client_encoding TO 'LATIN1'", "client_encoding", 1, 1);
	run_refused(f->db, "SET NAMES 'latin1'", "client_encoding", 1, 1);
	run_refused(f->db, "SELECT set_config('client_encoding', 'LATIN1', true);",
		    "client_encoding", 1, 1);
	run_ok(f->db, "SET NAMES 'utf-8'; SET SESSION client_encoding TO UNICODE; "
		      "SET standard_conforming_strings TO on");
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

	/* what fails at COMMIT itself */
	assert_int_equal(pg->begin(f->db, false, &err), 0);
	must(f->db, "INSERT INTO public.c VALUES (3)");
	assert_int_equal(pg->commit(f->db, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.sqlstate, "23503");

	/* COMMIT of a failed transaction succeeds, with another tag */
	assert_int_equal(pg->begin(f->db, false, &err), 0);
	assert_int_equal(run_sql(f->db, "nonsense", &err), -1);
	assert_int_equal(pg->commit(f->db, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.message, "'ROLLBACK'"));
}

static void test_session(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	must(f->db, "DROP ROLE IF EXISTS weak; CREATE ROLE weak");
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
	must(f->db, "DROP ROLE weak");
}

/* The settings after the migration's own, for the tracker's record and COMMIT. */
static void test_local_settings(void **state)
{
	struct fixture *f = *state;
	struct db_script script = { .name = "x",
				    .sql = "SET lock_timeout = 7",
				    .len = 20 };
	struct db_report report;
	struct err err = { 0 };

	must(f->db,
	     "ALTER DATABASE t SET default_transaction_isolation = 'serializable'; "
	     "ALTER DATABASE t SET default_transaction_read_only = on");
	pg->free(f->db);
	assert_int_equal(open_db(f, f->url, &f->db, &err), 0);
	assert_int_equal(pg->begin(f->db, false, &err), 0);
	expect(f->db, "SHOW transaction_isolation", "read committed\n");
	expect(f->db, "SHOW transaction_read_only", "off\n");
	assert_int_equal(pg->run_script(f->db, &script, &report, &err), 0);
	expect(f->db, "SHOW lock_timeout", "10s\n");
	assert_int_equal(pg->commit(f->db, &err), 0);
	assert_int_equal(pg->begin_read(f->db, &err), 0);
	assert_int_equal(run_sql(f->db, "CREATE TABLE no (a int)", &err), -1);
	assert_string_equal(err.sqlstate, "25006");
	pg->rollback(f->db);
	pg->rollback(f->db);
}

/* --- lost connections and signals -------------------------------------- */

static void kill_backend(struct fixture *f)
{
	must(f->other,
	     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
	     "'t' AND pid <> pg_backend_pid()");
}

static void test_lost(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	must(f->db, "CREATE TABLE t (a int)");
	assert_int_equal(pg->begin(f->db, false, &err), 0);
	must(f->db, "INSERT INTO public.t VALUES (1)");
	kill_backend(f);
	assert_int_equal(pg->commit(f->db, &err), -1);
	assert_int_equal(err.code, ERR_UNCERTAIN);
	assert_true(err.hint[0]);
	pg->rollback(f->db);
	assert_int_equal(pg->begin(f->db, false, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	assert_int_equal(pg->commit(f->db, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	expect(f->other, "SELECT count(*) FROM t", "0\n");
}

static void test_lost_in_statement(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	assert_int_equal(run_count(f->db,
				   "SELECT "
				   "pg_terminate_backend(pg_backend_pid());\nSELECT 1",
				   NULL, &err),
			 -1);
	assert_int_equal(err.line, 1);
	assert_string_equal(err.sqlstate, "57P01");
	assert_int_equal(pg->begin(f->db, false, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
}

static void test_interrupted(void **state)
{
	struct fixture *f = *state;
	struct db_script script = { .name = "x",
				    .sql = "SELECT pg_sleep(60)",
				    .len = 19 };
	struct db_report report;
	struct err err = { 0 };
	int64_t begun = clock_ms();

	assert_int_equal(pg->begin(f->db, false, &err), 0);
	f->signals = 3;
	assert_int_equal(pg->run_script(f->db, &script, &report, &err), -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	pg->rollback(f->db);
	f->signals = -1;
	assert_true(clock_ms() - begun < 10000);
	do {
		struct buf got = BUF_INIT;

		assert_int_equal(pg->query(f->other,
					   "SELECT count(*) FROM pg_stat_activity WHERE "
					   "datname "
					   "= 't' AND pid <> pg_backend_pid()",
					   NULL, 0, collect, &got, &err),
				 0);
		if (strcmp(buf_str(&got), "0\n") == 0) {
			buf_release(&got);
			break;
		}
		buf_release(&got);
		usleep(20000);
	} while (clock_ms() - begun < 10000);
	assert_true(clock_ms() - begun < 10000);
}

/* A signal between COMMIT and its answer changes nothing. */
static void test_interrupted_commit(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	must(f->db, "CREATE TABLE t (a int)");
	assert_int_equal(pg->begin(f->db, false, &err), 0);
	must(f->db, "INSERT INTO public.t VALUES (1)");
	f->signals = 0;
	assert_int_equal(pg->commit(f->db, &err), 0);
	f->signals = -1;
	expect(f->other, "SELECT count(*) FROM t", "1\n");
}

/* --- the tracker ------------------------------------------------------- */

static const char uuid[] = "01234567-89ab-4cde-8f01-23456789abcd";

/* The next record behind `last`, which may be NULL. */
static struct record next_record(struct pool *pool, const struct record *last,
				 enum event event, const char *path)
{
	static const char blob[] = "0123456789012345678901234567890123456789";
	struct record r = { .seq = last ? last->seq + 1 : 1, .event = event };

	r.field[FIELD_PREV] = last ? last->hash : RECORD_NO_PREV;
	r.field[FIELD_HEAD] = blob;
	r.field[FIELD_AT] = "2026-11-22T07:20:11.123Z";
	r.field[FIELD_BY] = "A U Thor";
	r.field[FIELD_RUN] = "0123456789abcdef0123456789abcdef";
	r.field[FIELD_ENGINE] = "postgresql/15.20";
	r.field[FIELD_TARGET] = uuid;
	r.field[FIELD_TOOL] = "git-migrate/0.1.0";
	if (path) {
		r.field[FIELD_PATH] = path;
		r.field[FIELD_BLOB] = r.field[FIELD_COMMIT] = blob;
		r.field[FIELD_SHA256] = RECORD_NO_PREV;
	}
	record_seal(&r, pool);
	return r;
}

static void append_ok(struct tracker *t, const struct record *head,
		      const struct record *r)
{
	struct err err = { 0 };

	assert_int_equal(t->driver->begin(t->db, false, &err), 0);
	assert_int_equal(tracker_lock(t, head, &err), 0);
	if (tracker_append(t, r, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(t->driver->commit(t->db, &err), 0);
}

static void append_refused(struct tracker *t, const struct record *r, const char *word)
{
	struct err err = { 0 };

	assert_int_equal(t->driver->begin(t->db, false, &err), 0);
	assert_int_equal(tracker_append(t, r, &err), -1);
	if (!strstr(err.message, word))
		fail_msg("'%s' is not in '%s'", word, err.message);
	t->driver->rollback(t->db);
}

static void test_tracker(void **state)
{
	struct fixture *f = *state;
	struct tracker t = { &db_postgresql, f->db };
	struct pool pool = { 0 };
	struct ledger ledger = { 0 };
	struct record a, b, c;
	struct err err = { 0 };

	assert_int_equal(pg->begin_read(f->db, &err), 0);
	assert_int_equal(tracker_read(&t, &pool, &ledger, &err), 0);
	assert_int_equal(pg->commit(f->db, &err), 0);
	assert_int_equal(tracker_install(&t, &err), 0);
	assert_int_equal(tracker_install(&t, &err), 0);
	expect(f->db, "SELECT version, name, length(sha256) FROM git_migrate.schema",
	       "1|0001-tracker.sql|64\n");
	assert_int_equal(tracker_read(&t, &pool, &ledger, &err), 1);
	assert_int_equal(ledger.nr, 0);

	a = next_record(&pool, NULL, EVENT_CREATED, NULL);
	b = next_record(&pool, &a, EVENT_APPLIED, "0001-people.sql");
	c = next_record(&pool, &b, EVENT_APPLIED, "0001-people.sql");
	append_refused(&t, &b, "does not follow");
	append_ok(&t, NULL, &a);
	append_refused(&t, &a, "does not follow");
	append_ok(&t, &a, &b);
	append_refused(&t, &c, "log_settled");
	c = next_record(&pool, &b, EVENT_RAN, NULL);
	c.hash[0] = c.hash[0] == 'f' ? 'e' : 'f';
	append_refused(&t, &c, "is not its SHA-256");
	c = next_record(&pool, &a, EVENT_RAN, NULL);
	c.seq = 3;
	append_refused(&t, &c, "does not continue the chain");
	c = next_record(&pool, &b, EVENT_FAILED, "0002.sql");
	append_ok(&t, &b, &c);

	assert_int_equal(tracker_read(&t, &pool, &ledger, &err), 1);
	assert_int_equal(ledger.nr, 3);
	assert_string_equal(ledger_last(&ledger)->hash, c.hash);
	expect(f->db,
	       "SELECT seq, event, path, \"by\" FROM git_migrate.log WHERE seq = 2",
	       "2|applied|0001-people.sql|A U Thor\n");
	assert_int_equal(pg->begin(t.db, false, &err), 0);
	assert_int_equal(tracker_lock(&t, &b, &err), 1);
	assert_int_equal(tracker_lock(&t, NULL, &err), 1);
	assert_int_equal(tracker_unchanged(&t, &c, &err), 0);
	assert_int_equal(tracker_unchanged(&t, &b, &err), -1);
	pg->rollback(t.db);
	ledger_release(&ledger);
	pool_release(&pool);
}

static void test_restored(void **state)
{
	struct fixture *f = *state;
	struct tracker t = { &db_postgresql, f->db };
	struct pool pool = { 0 };
	struct record a, b;
	struct err err = { 0 };

	assert_int_equal(tracker_install(&t, &err), 0);
	a = next_record(&pool, NULL, EVENT_CREATED, NULL);
	append_ok(&t, NULL, &a);
	b = next_record(&pool, &a, EVENT_RAN, NULL);
	b.seq = 7;
	record_seal(&b, &pool);
	append_refused(&t, &b, "does not follow");
	b.event = EVENT_RESTORED;
	b.field[FIELD_OLD] = pool_printf(&pool, "6:%s", RECORD_NO_PREV);
	b.field[FIELD_REASON] = "backup of Monday";
	record_seal(&b, &pool);
	append_ok(&t, &a, &b);
	pool_release(&pool);
}

static void test_append_only(void **state)
{
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
		"INSERT INTO git_migrate.schema VALUES (3, 'x', 'x', 'x', 'x')",
		"DELETE FROM git_migrate.lock",
		"TRUNCATE git_migrate.lock",
	};
	struct fixture *f = *state;
	struct tracker t = { &db_postgresql, f->db };
	struct pool pool = { 0 };
	struct record a, b;
	struct err err = { 0 };
	size_t i;

	assert_int_equal(tracker_install(&t, &err), 0);
	a = next_record(&pool, NULL, EVENT_CREATED, NULL);
	append_ok(&t, NULL, &a);
	b = next_record(&pool, &a, EVENT_APPLIED, "0001.sql");
	append_ok(&t, &a, &b);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		if (run_sql(f->db, refused[i], &err) == 0)
			fail_msg("done: %s", refused[i]);
		if (!strstr(err.message, "append-only"))
			fail_msg("%s: %s", refused[i], err.message);
		must(f->db, "RESET session_replication_role");
		/* within a migration too */
		assert_int_equal(run_count(f->db, refused[i], NULL, &err), -1);
	}
	expect(f->db, "SELECT seq, path FROM git_migrate.log", "1|NULL\n2|0001.sql\n");
	pool_release(&pool);
}

/* Two runners: the second learns who the first is. */
static void test_two_runners(void **state)
{
	struct fixture *f = *state;
	struct tracker first = { &db_postgresql, f->db },
		       second = { &db_postgresql, f->other };
	struct pool pool = { 0 };
	struct record a, b;
	struct err err = { 0 };

	assert_int_equal(tracker_install(&first, &err), 0);
	a = next_record(&pool, NULL, EVENT_CREATED, NULL);
	append_ok(&first, NULL, &a);
	assert_int_equal(pg->begin(f->db, false, &err), 0);
	assert_int_equal(tracker_lock(&first, &a, &err), 0);
	assert_int_equal(pg->begin(f->other, false, &err), 0);
	assert_int_equal(tracker_lock(&second, &a, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.message, "another git migrate"));
	assert_non_null(strstr(err.detail, "(test-pg, user postgres), since 20"));
	assert_true(err.hint[0]);
	assert_true(pg->is_conflict(&err));
	pg->rollback(f->other);

	b = next_record(&pool, &a, EVENT_APPLIED, "0001.sql");
	assert_int_equal(tracker_append(&first, &b, &err), 0);
	assert_int_equal(pg->commit(f->db, &err), 0);
	assert_int_equal(pg->begin(f->other, false, &err), 0);
	assert_int_equal(tracker_lock(&second, &a, &err), 1);
	assert_int_equal(tracker_lock(&second, &b, &err), 0);
	pg->rollback(f->other);
	pool_release(&pool);
}

/* A migration that gets round the triggers is found out before COMMIT. */
static void test_tampering_migration(void **state)
{
	static const char sql[] = "ALTER TABLE git_migrate.log DISABLE TRIGGER ALL;"
				  "DELETE FROM git_migrate.log";
	struct db_script script = { .name = "x", .sql = sql, .len = strlen(sql) };
	struct fixture *f = *state;
	struct tracker t = { &db_postgresql, f->db };
	struct pool pool = { 0 };
	struct db_report report;
	struct record a;
	struct err err = { 0 };

	assert_int_equal(tracker_install(&t, &err), 0);
	a = next_record(&pool, NULL, EVENT_CREATED, NULL);
	append_ok(&t, NULL, &a);
	assert_int_equal(pg->begin(f->db, false, &err), 0);
	assert_int_equal(pg->run_script(f->db, &script, &report, &err), 0);
	assert_int_equal(tracker_unchanged(&t, &a, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	pg->rollback(f->db);
	must(f->db, "CREATE SCHEMA IF NOT EXISTS git_migrate");
	assert_int_equal(pg->begin(f->db, false, &err), 0);
	must(f->db, "DROP SCHEMA git_migrate CASCADE");
	assert_int_equal(tracker_unchanged(&t, &a, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	pg->rollback(f->db);
	pool_release(&pool);
}

/* Several sessions install at once: all succeed, once. */
static void test_install_race(void **state)
{
	struct fixture *f = *state;
	int i, status;

	for (i = 0; i < 8; i++) {
		if (fork() == 0) {
			struct tracker t = { &db_postgresql, NULL };
			struct err err = { 0 };

			if (open_db(f, f->url, &t.db, &err) != 0 ||
			    tracker_install(&t, &err) < 0) {
				fprintf(stderr, "%s %s\n", err.message, err.sqlstate);
				_exit(1);
			}
			_exit(0);
		}
	}
	for (i = 0; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	expect(f->db, "SELECT count(*) FROM git_migrate.schema", "1\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_urls),
		T(test_malformed_urls),
		T(test_no_connection),
		T(test_server_text_hidden),
		T(test_facts),
		T(test_run),
		T(test_errors),
		T(test_control),
		T(test_settings),
		T(test_copy),
		T(test_deferred),
		T(test_session),
		T(test_local_settings),
		T(test_lost),
		T(test_lost_in_statement),
		T(test_interrupted),
		T(test_interrupted_commit),
		T(test_tracker),
		T(test_restored),
		T(test_append_only),
		T(test_two_runners),
		T(test_tampering_migration),
		T(test_install_race),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!server_is_there())
		return SKIP;
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
