/* Statements outside of a transaction: run, broken off, looked at, mended. */
#include "base/compat.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "db/pg.h"
#include "pg-fixture.h"

static struct db_script script_of(const char *sql)
{
	return (struct db_script){
		.name = "0001.sql", .sql = sql, .len = strlen(sql), .no_transaction = true
	};
}

/* --- what may be written ------------------------------------------------ */

static void check_is(struct db *db, struct db_script script, const char *message,
		     unsigned line, unsigned column)
{
	struct err err = { 0 };
	int rc = pg->check(db, &script, &err);

	if (rc == 0 && message)
		fail_msg("accepted: %s", script.sql);
	if (rc < 0 && (!message || strcmp(err.message, message) != 0))
		fail_msg("%s: %s", script.sql, err.message);
	assert_int_equal(rc, message ? -1 : 0);
	if (!message)
		return;
	assert_int_equal(err.code, ERR_REFUSED);
	assert_int_equal(err.line, line);
	assert_int_equal(err.column, column);
	assert_true(err.hint[0]);
}

static void accepted(struct db *db, const char *sql)
{
	check_is(db, script_of(sql), NULL, 0, 0);
}

static void refused(struct db *db, const char *sql, const char *message)
{
	check_is(db, script_of(sql), message, 1, 1);
}

static void test_check(void **state)
{
	struct fixture *f = *state;

	accepted(f->db,
		 "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a)");
	refused(f->db, "CREATE INDEX CONCURRENTLY ON t (a)",
		"CREATE INDEX without a name for the index");
	refused(f->db, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
		"CREATE INDEX CONCURRENTLY IF NOT EXISTS");
	accepted(f->db, "DROP INDEX CONCURRENTLY IF EXISTS i;");
	refused(f->db, "DROP INDEX CONCURRENTLY U&\"i\"",
		"a name that is written as U&\"...\"");
	accepted(f->db, "VACUUM (ANALYZE) t");
	accepted(f->db, "ALTER SYSTEM SET work_mem = '1MB'");
	accepted(f->db, "CALL p()");
	accepted(f->db, "ALTER TYPE y ADD VALUE 'b'");
	refused(f->db, "DISCARD ALL", "DISCARD ALL cannot be part of a migration");
	refused(f->db, "COMMIT PREPARED 'x'",
		"COMMIT PREPARED or ROLLBACK PREPARED cannot be part of a migration");
	refused(f->db, "ROLLBACK", "transaction control cannot be part of a migration");
	refused(f->db, "CREATE TABLE t (a int)", "CREATE TABLE can run in a transaction");
	refused(f->db, "ALTER TABLE t ALTER a TYPE bigint",
		"ALTER TABLE can run in a transaction");
	refused(f->db, "COPY t FROM STDIN;\n1\n\\.\n", "COPY can run in a transaction");
	/* without a server nobody knows whether it undoes DDL; rows it does */
	accepted(NULL, "CREATE TABLE t (a int)");
	refused(NULL, "INSERT INTO t VALUES (1)", "INSERT can run in a transaction");

	refused(f->db, "-- nothing",
		"a file that asks for \"-- migrate: no-transaction\" holds no statement");
	check_is(f->db, script_of("VACUUM a;\n  VACUUM b; VACUUM c"),
		 "a second statement in a file that asks for \"-- migrate: "
		 "no-transaction\"",
		 2, 3);
	check_is(f->db, script_of("BEGIN;\nVACUUM;\nCOMMIT"),
		 "a second statement in a file that asks for \"-- migrate: "
		 "no-transaction\"",
		 2, 1);
}

static void test_check_together(void **state)
{
	static const struct {
		const char *sql, *message;
	} cases[] = {
		{ "CREATE INDEX i ON t (a)", NULL },
		{ "CREATE INDEX CONCURRENTLY i ON t (a)",
		  "CREATE INDEX CONCURRENTLY cannot run in a transaction" },
		{ "REINDEX (CONCURRENTLY) TABLE t",
		  "REINDEX TABLE CONCURRENTLY cannot run in a transaction" },
		{ "REINDEX TABLE t", NULL },
		{ "VACUUM", "VACUUM cannot run in a transaction" },
		{ "CLUSTER", "CLUSTER cannot run in a transaction" },
		{ "CLUSTER t", NULL },
		{ "DROP DATABASE d", "DROP DATABASE cannot run in a transaction" },
		{ "ALTER SYSTEM RESET ALL", "ALTER SYSTEM cannot run in a transaction" },
		{ "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
		  "ALTER TABLE ... DETACH PARTITION CONCURRENTLY cannot run in a "
		  "transaction" },
		{ "ALTER TABLE t DETACH PARTITION p", NULL },
		{ "DISCARD ALL", "DISCARD ALL cannot be part of a migration" },
		{ "DISCARD TEMP", NULL },
		{ "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", NULL },
	};
	struct fixture *f = *state;
	struct buf sql = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct db_script script = { .name = "0001.sql" };

		buf_reset(&sql);
		buf_addf(&sql, "CREATE TABLE x (a int);\n %s", cases[i].sql);
		script.sql = buf_str(&sql);
		script.len = sql.len;
		check_is(f->db, script, cases[i].message, 2, 2);
		check_is(NULL, script, cases[i].message, 2, 2);
	}
	buf_release(&sql);
}

/* An engine that does not undo DDL, as far as the check can tell. */
static void test_check_without_tx_ddl(void **state)
{
	static const char table[] = "CREATE TABLE t (a int)";
	struct fixture *f = *state;
	struct db_script together = { .name = "0001.sql",
				      .sql = table,
				      .len = strlen(table) };
	struct buf message = BUF_INIT;

	f->db->caps.tx_ddl = false;
	accepted(f->db, table);
	accepted(f->db, "ALTER TABLE t ADD COLUMN b int");
	accepted(f->db, "CREATE INDEX IF NOT EXISTS i ON t (a)");
	refused(f->db, "CREATE INDEX ON t (a)",
		"CREATE INDEX without a name for the index");
	refused(f->db, "INSERT INTO t VALUES (1)", "INSERT can run in a transaction");
	buf_addf(&message, "CREATE TABLE is not undone by a rollback on '%s'",
		 pg->engine(f->db));
	check_is(f->db, together, buf_str(&message), 1, 1);
	together.own = true; /* the tool knows what its own schema is made of */
	check_is(f->db, together, NULL, 0, 0);
	buf_release(&message);
}

/* --- running and looking ------------------------------------------------ */

static int run_alone(struct db *db, const char *sql, struct err *err)
{
	const struct db_script script = script_of(sql);
	const struct db_unit unit = { .script = &script };
	enum db_phase phase = DB_BEGIN;
	struct db_report report;
	int rc;

	memset(err, 0, sizeof(*err));
	rc = pg->run_alone(db, &unit, &report, &phase, err);
	assert_int_equal(phase, DB_SCRIPT);
	assert_int_equal(report.statements, rc == 0 ? 1 : 0);
	assert_true(rc < 0 || report.ms >= 0);
	return rc;
}

static void run_ok(struct db *db, const char *sql)
{
	struct err err;

	if (run_alone(db, sql, &err) < 0)
		fail_msg("%s: %s (%s)", sql, err.message, err.sqlstate);
}

static enum db_evidence look(struct db *db, const char *sql, struct buf *text)
{
	struct db_script script = script_of(sql);
	enum db_evidence found;
	struct err err = { 0 };

	buf_reset(text);
	if (pg->evidence(db, &script, &found, text, &err) < 0)
		fail_msg("%s: %s", sql, err.message);
	return found;
}

/* "finished: what was seen" */
static void seen(struct db *db, const char *sql, const char *wanted)
{
	static const char *const words[] = { "finished", "absent", "half",
					     "running",	 "repeat", "unknown" };
	struct buf text = BUF_INIT, got = BUF_INIT;
	enum db_evidence found = look(db, sql, &text);

	buf_addf(&got, "%s: %s", words[found], buf_str(&text));
	if (strcmp(buf_str(&got), wanted) != 0)
		print_error("of: %s\n", sql);
	assert_string_equal(buf_str(&got), wanted);
	buf_release(&text);
	buf_release(&got);
}

static void mend_ok(struct db *db, const char *sql)
{
	struct db_script script = script_of(sql);
	const struct db_unit unit = { .script = &script };
	enum db_phase phase = DB_BEGIN;
	struct err err = { 0 };

	if (pg->mend(db, &unit, &phase, &err) < 0)
		fail_msg("%s: %s", sql, err.message);
}

/* --- breaking off ------------------------------------------------------- */

/* Waits until `reached` has a row, as a third session sees it; then strikes. */
struct striker {
	struct db *watch;
	const char *reached;
	bool cut; /* the connection is cut; else a signal comes */
	bool struck;
};

static int count_row(void *arg, const char *const *values UNUSED, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	++*(unsigned *)arg;
	return 0;
}

static int wait_and_strike(void *arg, int fd, short events, int timeout_ms UNUSED,
			   struct err *err)
{
	struct striker *s = arg;
	struct pollfd pfd = { .fd = fd, .events = events };
	unsigned rows = 0;

	if (s->reached && !s->struck) {
		if (poll(&pfd, 1, 20) > 0)
			return 1;
		if (ask_sql(s->watch, s->reached, count_row, &rows, err) < 0)
			fail_msg("%s", err->message);
		if (!rows)
			return 0;
		s->struck = true;
		if (!s->cut)
			return err_set(err, ERR_INTERRUPTED, "interrupted");
		shutdown(fd, SHUT_RDWR);
	}
	return poll(&pfd, 1, -1) > 0;
}

/* Runs a statement that is struck at once `reached` has a row. */
static int strike(struct fixture *f, const char *sql, const char *reached, bool cut,
		  struct err *err)
{
	struct striker s = { .watch = f->db, .reached = NULL, .cut = cut };
	struct db_waiter waiter = { wait_and_strike, &s };
	struct db_open how = { .url = f->url,
			       .application = "test-pg-alone",
			       .waiter = &waiter };
	struct db *db = NULL;
	int rc;

	memset(err, 0, sizeof(*err));
	assert_int_equal(pg->open(&db, &how, err), 0);
	s.reached = reached;
	rc = run_alone(db, sql, err);
	assert_true(s.struck);
	if (!cut) /* the connection is good for looking and mending */
		expect(db, "SELECT 1", "1\n");
	pg->free(db);
	return rc;
}

#define INVALID(name)                                                                    \
	"SELECT 1 FROM pg_index WHERE NOT indisvalid AND "                               \
	"indexrelid = to_regclass('" name "')"

/* Until no session runs the statement any more. */
static void wait_until_done(struct fixture *f, const char *sql)
{
	struct buf text = BUF_INIT;
	int64_t begun = clock_ms();

	while (look(f->db, sql, &text) == DB_RUNNING) {
		assert_true(clock_ms() - begun < 60000);
		usleep(20000);
	}
	buf_release(&text);
}

static void test_client_lost(void **state)
{
	static const char sql[] = "CREATE INDEX CONCURRENTLY i ON t (a)";
	struct fixture *f = *state;
	struct buf text = BUF_INIT;
	struct err err;

	must(f->db, "CREATE TABLE t (a int)");
	seen(f->db, sql, "absent: index public.i on table public.t is not there");
	must(f->other, "BEGIN; INSERT INTO t VALUES (1)");
	assert_int_equal(strike(f, sql, INVALID("i"), true, &err), -1);
	assert_int_equal(err.code, ERR_UNCERTAIN);
	assert_true(err.hint[0]);
	/* the server goes on */
	assert_int_equal(look(f->db, sql, &text), DB_RUNNING);
	assert_memory_equal(buf_str(&text), "session ", 8);
	assert_non_null(strstr(buf_str(&text), " (user postgres) runs it since 20"));
	must(f->other, "COMMIT");
	wait_until_done(f, sql);
	seen(f->db, sql,
	     "finished: index public.i on table public.t is there, valid and ready");
	mend_ok(f->db, sql); /* nothing to mend is no error, and takes nothing away */
	expect(f->db, "SELECT to_regclass('i')", "i\n");
	buf_release(&text);
}

static int first_line(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	*(pid_t *)arg = (pid_t)atol(values[0]);
	return 0;
}

/* A server that takes no connection any more does not keep us from leaving. */
static void test_frozen(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	pid_t server = 0;

	assert_int_equal(ask_sql(f->other, "SELECT pg_read_file('postmaster.pid')",
				 first_line, &server, &err),
			 0);
	assert_true(server > 1);
	assert_int_equal(kill(server, SIGSTOP), 0);
	pg_cancel(f->db); /* it comes back */
	assert_int_equal(kill(server, SIGCONT), 0);
	/* what lay there may meet the next statement of this session */
	open_again(f);
	must(f->db, "SELECT 1");
}

static void test_cancelled(void **state)
{
	static const char sql[] = "CREATE INDEX CONCURRENTLY i ON t (a)";
	struct fixture *f = *state;
	struct err err;

	must(f->db, "CREATE TABLE t (a int)");
	must(f->other, "BEGIN; INSERT INTO t VALUES (1)");
	assert_int_equal(strike(f, sql, INVALID("i"), false, &err), -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	assert_string_equal(err.message, "interrupted");
	assert_string_equal(err.detail, "The server has cancelled the statement.");
	must(f->other, "COMMIT");
	seen(f->db, sql, "half: index public.i on table public.t is there, but INVALID");
	mend_ok(f->db, sql);
	seen(f->db, sql, "absent: index public.i on table public.t is not there");
	run_ok(f->db, sql);
	seen(f->db, sql,
	     "finished: index public.i on table public.t is there, valid and ready");
}

/* The server shows the start of a long statement only, cut between characters. */
static void test_client_lost_in_long_statement(void **state)
{
	struct fixture *f = *state;
	struct buf sql = BUF_INIT, text = BUF_INIT;
	struct err err;
	int i;

	must(f->db, "CREATE TABLE t (a text)");
	buf_adds(&sql, "CREATE INDEX CONCURRENTLY i ON t (a) WHERE a <> '");
	for (i = 0; i < 1000; i++)
		buf_adds(&sql, "\xe2\x82\xac");
	buf_adds(&sql, "'");
	must(f->other, "BEGIN; INSERT INTO t VALUES ('x')");
	assert_int_equal(strike(f, buf_str(&sql), INVALID("i"), true, &err), -1);
	assert_int_equal(look(f->db, buf_str(&sql), &text), DB_RUNNING);
	assert_non_null(strstr(buf_str(&text), "runs it since"));
	/* another one begins otherwise, and sees the table in use */
	assert_int_equal(look(f->db, "CREATE INDEX CONCURRENTLY i ON t (a)", &text),
			 DB_RUNNING);
	assert_non_null(strstr(buf_str(&text), "works on the table"));
	must(f->other, "COMMIT");
	wait_until_done(f, buf_str(&sql));
	seen(f->db, buf_str(&sql),
	     "finished: index public.i on table public.t is there, valid and ready");
	buf_release(&sql);
	buf_release(&text);
}

/* What ends well in spite of the signal has ended well. */
static void test_signal_comes_too_late(void **state)
{
	static const char sql[] =
		"DO $$ BEGIN PERFORM pg_advisory_lock(1); EXCEPTION WHEN query_canceled "
		"THEN CREATE TABLE done (a int); END $$";
	struct fixture *f = *state;
	struct err err;

	must(f->other, "SELECT pg_advisory_lock(1)");
	assert_int_equal(strike(f, sql,
				"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND "
				"NOT granted",
				false, &err),
			 0);
	expect(f->db, "SELECT to_regclass('done')", "done\n");
}

static void test_unique_violation(void **state)
{
	static const char sql[] = "\n CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)";
	struct fixture *f = *state;
	struct err err;

	must(f->db, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)");
	assert_int_equal(run_alone(f->db, sql, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.sqlstate, "23505");
	assert_int_equal(err.line, 2);
	assert_int_equal(err.column, 2);
	assert_non_null(strstr(err.hint, "INVALID"));
	seen(f->db, sql, "half: index public.i on table public.t is there, but INVALID");
	mend_ok(f->db, sql);
	must(f->db, "DELETE FROM t WHERE ctid = '(0,1)'");
	run_ok(f->db, sql);
	seen(f->db, sql,
	     "finished: index public.i on table public.t is there, valid and ready");
	seen(f->db, "CREATE INDEX CONCURRENTLY i ON t (a)",
	     "unknown: index public.i on table public.t is there, valid and ready, but "
	     "it is UNIQUE");
}

static void test_errors(void **state)
{
	struct fixture *f = *state;
	struct err err;

	assert_int_equal(run_alone(f->db,
				   "-- \xc3\xa4\nVACUUM (FULL,\n /* \xc3\xa4 */ nothing "
				   "5) t",
				   &err),
			 -1);
	assert_string_equal(err.sqlstate, "42601");
	assert_int_equal(err.line, 3);
	assert_int_equal(err.column, 10);
	/* refused when it is run, too */
	assert_int_equal(run_alone(f->db, "VACUUM; VACUUM", &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	/* settings of the role hold outside of a transaction */
	must(f->db, "CREATE TABLE t (a int)");
	must(f->other, "BEGIN; INSERT INTO t VALUES (1)");
	must(f->db, "SET statement_timeout = 500");
	assert_int_equal(run_alone(f->db, "CREATE INDEX CONCURRENTLY i ON t (a)", &err),
			 -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.sqlstate, "57014");
	assert_non_null(strstr(err.hint, "statement_timeout"));
	must(f->other, "COMMIT");
	/* a server that ends the session has ended the statement */
	assert_int_equal(run_alone(f->db, "SELECT pg_terminate_backend(pg_backend_pid())",
				   &err),
			 -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.sqlstate, "57P01");
	assert_int_equal(run_alone(f->db, "VACUUM", &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
}

/* How far it came, and what the statement was refused with. */
static void phase_is(struct db *db, const char *sql, const char *expect,
		     enum db_phase wanted, const char *sqlstate)
{
	static const char lock[] =
		"SELECT 1 / count(*) FROM (SELECT id FROM public.l WHERE id "
		"= 1 FOR UPDATE NOWAIT) AS found";
	const struct db_script script = script_of(sql);
	const struct db_unit unit = { .script = &script,
				      .lock = lock,
				      .expect = { expect, NULL, 0 } };
	enum db_phase phase = DB_COMMIT;
	struct db_report report;
	struct err err = { 0 };

	assert_int_equal(pg->run_alone(db, &unit, &report, &phase, &err),
			 sqlstate ? -1 : 0);
	assert_int_equal(phase, wanted);
	assert_string_equal(err.sqlstate, sqlstate ? sqlstate : "");
	if (wanted == DB_SCRIPT)
		return;
	assert_int_equal(report.statements, 0);
	phase = DB_COMMIT;
	assert_int_equal(pg->mend(db, &unit, &phase, &err), -1);
	assert_int_equal(phase, wanted);
}

static void test_phases(void **state)
{
	static const char sql[] = "CREATE INDEX CONCURRENTLY i ON t (a)",
			  found[] = "SELECT 1 / count(*) FROM public.l WHERE id = 1",
			  lacking[] = "SELECT 1 / count(*) FROM public.l WHERE id = 2";
	struct fixture *f = *state;

	must(f->db, "CREATE TABLE t (a int); CREATE TABLE l (id int)");
	must(f->db, "INSERT INTO l VALUES (1)");
	must(f->other, "BEGIN; SELECT id FROM l WHERE id = 1 FOR UPDATE");
	phase_is(f->db, sql, found, DB_LOCK, "55P03");
	must(f->other, "COMMIT");
	phase_is(f->db, sql, lacking, DB_EXPECT, "22012");
	seen(f->db, sql, "absent: index public.i on table public.t is not there");
	phase_is(f->db, sql, found, DB_SCRIPT, NULL);
	phase_is(f->db, sql, found, DB_SCRIPT, "42P07");
	/* nobody holds the lock any more */
	must(f->other, "SELECT id FROM l WHERE id = 1 FOR UPDATE NOWAIT");
}

static void test_session_put_back(void **state)
{
	struct fixture *f = *state;

	must(f->db, "CREATE TABLE t (a int)");
	must(f->db, "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t "
		    "VALUES (1); COMMIT; INSERT INTO t VALUES (2); COMMIT; PERFORM "
		    "set_config('search_path', '', false); END $$");
	run_ok(f->db, "CALL p()");
	expect(f->db, "SELECT count(*), current_setting('search_path') FROM public.t",
	       "2|\"$user\", public\n");
	seen(f->db, "CALL p()", "unknown: nothing in the catalog tells whether it ran");
}

/* --- names -------------------------------------------------------------- */

static void test_names(void **state)
{
	static const char sql[] =
		"CREATE INDEX CONCURRENTLY \"I \"\"x\" ON \"S 1\".\"T.t\" (\"C\")";
	static const char drop[] = "DROP INDEX CONCURRENTLY \"S 1\".\"I \"\"x\"";
	struct fixture *f = *state;
	struct err err;

	must(f->db, "CREATE SCHEMA \"S 1\"; CREATE TABLE \"S 1\".\"T.t\" (\"C\" int)");
	must(f->db, "CREATE TABLE t (\"C\" int); CREATE INDEX \"I \"\"x\" ON t (\"C\")");
	seen(f->db, sql, "absent: index S 1.I \"x on table S 1.T.t is not there");
	must(f->other, "BEGIN; INSERT INTO \"S 1\".\"T.t\" VALUES (1)");
	assert_int_equal(strike(f, sql, INVALID("\"S 1\".\"I \"\"x\""), false, &err), -1);
	must(f->other, "COMMIT");
	seen(f->db, sql, "half: index S 1.I \"x on table S 1.T.t is there, but INVALID");
	mend_ok(f->db, sql);
	expect(f->db, "SELECT to_regclass('public.\"I \"\"x\"')", "\"I \"\"x\"\n");
	run_ok(f->db, sql);
	seen(f->db, sql,
	     "finished: index S 1.I \"x on table S 1.T.t is there, valid and ready");
	seen(f->db, drop, "absent: index S 1.I \"x is there");
	run_ok(f->db, drop);
	seen(f->db, drop, "finished: index S 1.I \"x is not there");
	seen(f->db, "CREATE INDEX CONCURRENTLY t ON T (a)",
	     "absent: index public.t on table public.t is not there, but another "
	     "relation of that name");
	seen(f->db, "CREATE INDEX CONCURRENTLY i ON nowhere (a)",
	     "absent: table nowhere is not there, and so no index on it");
}

/* The server cuts names at 63 bytes, and looks along the search_path. */
static void test_long_names_and_paths(void **state)
{
#define LONG "x123456789012345678901234567890123456789012345678901234567890123456789"
	struct fixture *f = *state;

	must(f->db, "CREATE SCHEMA app; CREATE TABLE app.t (a int);"
		    "CREATE TABLE public.t (a int); CREATE INDEX i ON public.t (a)");
	must(f->db, "ALTER DATABASE t SET search_path = app, public");
	pg->free(f->db);
	assert_int_equal(open_db(f, f->url, &f->db, &(struct err){ 0 }), 0);
	seen(f->db, "CREATE INDEX CONCURRENTLY i ON t (a)",
	     "absent: index app.i on table app.t is not there");
	/* it may have been app.i that was dropped */
	seen(f->db, "DROP INDEX CONCURRENTLY i",
	     "unknown: index public.i is there, but not in the first schema of the "
	     "search_path, where it may have been as well");
	seen(f->db, "DROP INDEX CONCURRENTLY public.i",
	     "absent: index public.i is there");
	run_ok(f->db, "CREATE INDEX CONCURRENTLY " LONG " ON t (a)");
	seen(f->db, "CREATE INDEX CONCURRENTLY " LONG " ON t (a)",
	     "finished: index app.x12345678901234567890123456789012345678901234567890123"
	     "456789012 on table app.t is there, valid and ready");
	expect(f->db, "SHOW search_path", "app, public\n");
}

/* --- other statements --------------------------------------------------- */

static void test_drop_cancelled(void **state)
{
	static const char sql[] = "DROP INDEX CONCURRENTLY i";
	struct fixture *f = *state;
	struct err err;

	must(f->db, "CREATE TABLE t (a int); CREATE INDEX i ON t (a)");
	must(f->other, "BEGIN; INSERT INTO t VALUES (1)");
	assert_int_equal(strike(f, sql, INVALID("i"), false, &err), -1);
	must(f->other, "COMMIT");
	seen(f->db, sql, "absent: index public.i is there");
	run_ok(f->db, sql);
	seen(f->db, sql, "finished: index i is not there");
}

static void test_reindex(void **state)
{
	static const char sql[] = "REINDEX TABLE CONCURRENTLY t";
	struct fixture *f = *state;
	struct err err;

	must(f->db, "CREATE TABLE t (a int); CREATE INDEX \"I\" ON t (a);"
		    "CREATE TABLE u (a int); CREATE UNIQUE INDEX u_ccnew ON u (a)");
	must(f->other, "BEGIN; INSERT INTO t VALUES (1)");
	assert_int_equal(strike(f, sql, INVALID("\"I_ccnew\""), false, &err), -1);
	must(f->other, "COMMIT");
	/* an INVALID one of another table has nothing to do with it */
	must(f->db, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = "
		    "'u_ccnew'::regclass");
	expect(f->db,
	       "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indrelid "
	       "= 't'::regclass",
	       "1\n");
	seen(f->db, "REINDEX INDEX CONCURRENTLY \"I\"",
	     "half: INVALID indexes are left: public.I_ccnew");
	seen(f->db, "REINDEX SCHEMA CONCURRENTLY public",
	     "half: INVALID indexes are left: public.I_ccnew, public.u_ccnew");
	seen(f->db, sql, "half: INVALID indexes are left: public.I_ccnew");
	mend_ok(f->db, sql);
	seen(f->db, sql, "repeat: no INVALID index is left over; it can be run again");
	run_ok(f->db, sql);
	expect(f->db, "SELECT to_regclass('u_ccnew'), to_regclass('\"I_ccnew\"')",
	       "u_ccnew|NULL\n");
	run_ok(f->db, "REINDEX (VERBOSE) DATABASE t");
	seen(f->db, "REINDEX DATABASE t", "repeat: REINDEX can be run again");
	seen(f->db, "REINDEX TABLE CONCURRENTLY nowhere",
	     "unknown: nowhere is not there");
}

/* The table that long values are kept in has an index too. */
static void test_reindex_toast(void **state)
{
	static const char sql[] = "REINDEX TABLE CONCURRENTLY t";
	static const char left[] =
		"SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
		"WHERE NOT indisvalid AND relname ~ '^pg_toast_[0-9]*_index_ccnew$'";
	struct fixture *f = *state;
	struct err err;

	must(f->db, "CREATE TABLE t (a text)");
	must(f->other, "BEGIN; INSERT INTO t VALUES ('x')");
	assert_int_equal(strike(f, sql, "SELECT 1 FROM pg_index WHERE NOT indisvalid",
				false, &err),
			 -1);
	must(f->other, "COMMIT");
	expect(f->db, left, "1\n");
	mend_ok(f->db, sql);
	expect(f->db, left, "0\n");
}

/* Somebody else is at the table: an INVALID index is not taken from them. */
static void test_busy(void **state)
{
	static const char sql[] = "CREATE INDEX CONCURRENTLY i ON t (a)";
	struct fixture *f = *state;
	struct buf text = BUF_INIT;

	must(f->db, "CREATE TABLE t (a int); CREATE INDEX i ON t (a);"
		    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = "
		    "'i'::regclass");
	must(f->other, "BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE");
	assert_int_equal(look(f->db, sql, &text), DB_RUNNING);
	assert_non_null(strstr(buf_str(&text), "but INVALID, and session "));
	mend_ok(f->db, sql);
	expect(f->db, "SELECT to_regclass('i')", "i\n");
	must(f->other, "COMMIT");
	seen(f->db, sql, "half: index public.i on table public.t is there, but INVALID");
	buf_release(&text);
}

static void test_detach(void **state)
{
	static const char sql[] = "ALTER TABLE t DETACH PARTITION p CONCURRENTLY";
	struct fixture *f = *state;
	struct err err;

	must(f->db, "CREATE TABLE t (a int) PARTITION BY RANGE (a);"
		    "CREATE TABLE p PARTITION OF t FOR VALUES FROM (0) TO (9)");
	seen(f->db, sql, "absent: public.p is a partition of public.t");
	must(f->other, "BEGIN; SELECT * FROM t");
	assert_int_equal(strike(f, sql,
				"SELECT 1 FROM pg_inherits WHERE inhdetachpending", false,
				&err),
			 -1);
	must(f->other, "COMMIT");
	seen(f->db, sql,
	     "half: public.p is a partition of public.t whose detaching has begun and "
	     "is not finished");
	seen(f->db, "ALTER TABLE t DETACH PARTITION p FINALIZE",
	     "absent: public.p is a partition of public.t whose detaching has begun and "
	     "is not finished");
	mend_ok(f->db, sql);
	seen(f->db, sql, "finished: public.p is no partition of public.t any more");
	seen(f->db, "ALTER TABLE t DETACH PARTITION q CONCURRENTLY",
	     "unknown: table q is not there");
}

static void test_whole_databases(void **state)
{
	struct fixture *f = *state;

	seen(f->db, "CREATE DATABASE \"Other\"", "absent: database Other is not there");
	run_ok(f->db, "CREATE DATABASE \"Other\"");
	seen(f->db, "CREATE DATABASE \"Other\"", "finished: database Other is there");
	seen(f->db, "DROP DATABASE \"Other\"", "absent: database Other is there");
	run_ok(f->db, "DROP DATABASE \"Other\"");
	seen(f->db, "DROP DATABASE \"Other\"", "finished: database Other is not there");
	seen(f->db, "ALTER DATABASE t SET TABLESPACE pg_default",
	     "finished: database t is in tablespace pg_default");
	seen(f->db, "ALTER DATABASE t SET TABLESPACE pg_global",
	     "absent: database t is not in tablespace pg_global");
	seen(f->db, "CREATE TABLESPACE pg_default LOCATION '/x'",
	     "finished: tablespace pg_default is there");
	seen(f->db, "DROP TABLESPACE x", "finished: tablespace x is not there");
	run_ok(f->db, "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH "
		      "(connect = false)");
	seen(f->db, "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
	     "finished: subscription s is there");
	seen(f->db, "ALTER SUBSCRIPTION s DISABLE",
	     "repeat: ALTER SUBSCRIPTION can be run again");
	seen(f->db, "ALTER SUBSCRIPTION s RENAME TO x",
	     "unknown: nothing in the catalog tells whether it ran");
	run_ok(f->db, "ALTER SUBSCRIPTION s SET (slot_name = NONE)");
	run_ok(f->db, "DROP SUBSCRIPTION s");
	seen(f->db, "DROP SUBSCRIPTION s", "finished: subscription s is not there");
	run_ok(f->db, "VACUUM (ANALYZE)");
	seen(f->db, "VACUUM", "repeat: VACUUM can be run again");
	run_ok(f->db, "ALTER SYSTEM SET work_mem = '5MB'");
	run_ok(f->db, "ALTER SYSTEM RESET work_mem");
	seen(f->db, "CLUSTER", "repeat: CLUSTER can be run again");
}

/* On engines that cannot undo it, DDL is looked for in the same way. */
static void test_ddl(void **state)
{
	struct fixture *f = *state;

	seen(f->db, "CREATE TABLE t (a int)", "absent: table t is not there");
	must(f->db, "CREATE SCHEMA s; CREATE TABLE s.t (a int, CONSTRAINT k CHECK (a > "
		    "0)); CREATE TYPE s.y AS ENUM ('a'); CREATE VIEW v AS SELECT 1");
	seen(f->db, "CREATE TABLE t (a int)", "absent: table t is not there");
	seen(f->db, "CREATE TABLE s.t (a int)", "finished: table s.t is there");
	seen(f->db, "DROP TABLE s.t", "absent: table s.t is there");
	seen(f->db, "DROP TABLE a, b",
	     "unknown: nothing in the catalog tells whether it ran");
	seen(f->db, "CREATE SCHEMA s", "finished: schema s is there");
	seen(f->db, "CREATE TYPE s.y AS (a int)", "finished: type s.y is there");
	seen(f->db, "DROP TYPE s.z", "finished: type s.z is not there");
	seen(f->db, "DROP VIEW v", "absent: view public.v is there");
	seen(f->db, "CREATE OR REPLACE VIEW v AS SELECT 2",
	     "repeat: CREATE VIEW can be run again");
	seen(f->db, "ALTER TABLE s.t ADD b int", "absent: column b is not there");
	seen(f->db, "ALTER TABLE s.t ADD COLUMN a int", "finished: column a is there");
	seen(f->db, "ALTER TABLE s.t DROP COLUMN a", "absent: column a is there");
	seen(f->db, "ALTER TABLE s.t DROP COLUMN ctid",
	     "finished: column ctid is not there");
	seen(f->db, "ALTER TABLE s.t ADD CONSTRAINT k CHECK (true)",
	     "finished: constraint k is there");
	seen(f->db, "ALTER TABLE s.t DROP CONSTRAINT l",
	     "finished: constraint l is not there");
	seen(f->db, "ALTER TABLE s.t RENAME a TO b",
	     "absent: column a is there; column b is not there");
	seen(f->db, "ALTER TABLE s.t RENAME b TO a",
	     "finished: column b is not there; column a is there");
	seen(f->db, "ALTER TABLE s.t RENAME x TO y",
	     "unknown: column x is not there; column y is not there");
	seen(f->db, "ALTER TABLE s.u RENAME TO t",
	     "finished: table s.u is not there; table s.t is there");
	seen(f->db, "ALTER TABLE u ADD a int", "unknown: table u is not there");
	seen(f->db, "ALTER TABLE s.t ALTER a TYPE bigint",
	     "unknown: nothing in the catalog tells whether it ran");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_check),
		T(test_check_together),
		T(test_check_without_tx_ddl),
		T(test_client_lost),
		T(test_client_lost_in_long_statement),
		T(test_frozen),
		T(test_cancelled),
		T(test_signal_comes_too_late),
		T(test_unique_violation),
		T(test_errors),
		T(test_phases),
		T(test_session_put_back),
		T(test_names),
		T(test_long_names_and_paths),
		T(test_drop_cancelled),
		T(test_reindex),
		T(test_reindex_toast),
		T(test_busy),
		T(test_detach),
		T(test_whole_databases),
		T(test_ddl),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!server_is_there())
		return SKIP;
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
