/*
 * Batches on PostgreSQL that a signal or the end of the connection breaks off, at
 * each moment that something is waited for: what was told is what is committed.
 */
#include "base/compat.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/pool.h"
#include "db/pg.h"
#include "pg-batch.h"

enum { BIG = 300 * 1024, ROWS = 20000, PATIENCE_MS = 30000, MOMENTS_MAX = 2000 };

/* --- the batch --------------------------------------------------------- */

/* Each unit leaves one row in t. */
static void add_units(struct trial *t, struct pool *pool)
{
	char *filler = pool_alloc(pool, BIG + 1);
	struct buf copy = BUF_INIT;
	int i;

	memset(filler, 'x', BIG);
	filler[BIG] = '\0';
	buf_adds(&copy, "CREATE TEMP TABLE many (a int, b text);\n"
			"COPY many FROM STDIN;\n");
	for (i = 0; i < ROWS; i++)
		buf_addf(&copy, "%d\tsome text that takes its time\n", i);
	buf_adds(&copy, "\\.\nINSERT INTO t VALUES (2)");
	trial_add(t, "INSERT INTO t VALUES (0)");
	trial_add(t, "INSERT INTO t VALUES (1); SELECT pg_sleep(0.02)");
	trial_add(t, pool_strdup(pool, buf_str(&copy)));
	trial_add(t, "INSERT INTO t VALUES (3); COPY t TO STDOUT");
	trial_add(t,
		  pool_printf(pool, "INSERT INTO t SELECT 4 WHERE '%s' <> ''", filler));
	trial_add(t, "PREPARE p AS SELECT 1; INSERT INTO t VALUES (5)");
	buf_release(&copy);
}

static struct trial ready(struct fixture *f, struct pool *pool)
{
	struct trial t = { .db = f->db, .log = true, .lock = LOCK_NOW };

	make_log(f->db);
	run_ok(f->db, "CREATE TABLE t (a int)");
	add_units(&t, pool);
	return t;
}

static unsigned count(struct db *db, const char *sql)
{
	struct buf got = BUF_INIT;
	struct err err = { 0 };
	unsigned nr;

	if (ask_sql(db, sql, collect, &got, &err) < 0)
		fail_msg("%s", err.message);
	nr = (unsigned)atoi(buf_str(&got));
	buf_release(&got);
	return nr;
}

/* What was told is so; then as at the beginning. */
static void check_truth(struct fixture *f, const struct trial *t, int rc)
{
	unsigned committed = count(f->other, "SELECT count(*) FROM git_migrate.note");

	assert_int_equal(count(f->other, "SELECT count(*) FROM t"), committed);
	if (rc == 0) {
		assert_int_equal(t->nr_done, t->dry ? 0 : t->nr);
		assert_int_equal(committed, t->nr);
	} else if (t->err.code == ERR_UNCERTAIN) {
		assert_int_equal(t->failure.unit, t->nr_done);
		assert_int_equal(t->failure.phase, DB_COMMIT);
		assert_true(t->failure.sent > t->failure.unit);
		assert_in_range(committed, t->failure.unit, t->failure.sent);
	} else {
		assert_int_equal(t->failure.unit, t->nr_done);
		if (t->fresh && t->err.code != ERR_INTERRUPTED)
			assert_true(t->failure.sent >= t->nr_done);
		else
			assert_int_equal(t->failure.sent, t->nr_done);
		assert_int_equal(committed, t->failure.sent);
		assert_true(t->err.message[0]);
	}
	execute(f->other, "TRUNCATE t, git_migrate.note");
}

/* The session can be used, and nothing is left in it. */
static void check_session(struct fixture *f)
{
	struct trial t = { .db = f->db, .log = true, .lock = LOCK_NOW };

	expect(f->db, "SELECT count(*) FROM pg_prepared_statements", "0\n");
	expect(f->db, "SELECT to_regclass('many')", "NULL\n");
	trial_add(&t, "INSERT INTO t VALUES (0)");
	run_all(&t, "done 0: 1\n");
	execute(f->other, "TRUNCATE t, git_migrate.note");
	trial_release(&t);
}

/* --- signals ----------------------------------------------------------- */

/* A signal at the n-th wait, for every n. */
static void check_signals(struct fixture *f, struct trial *t)
{
	int n, rc, stopped = 0;

	for (n = 0; n < MOMENTS_MAX; n++) {
		f->signals = n;
		rc = trial_run(t);
		if (rc < 0 && t->err.code != ERR_INTERRUPTED)
			fail_msg("wait %d: %d %s (%s)", n, t->err.code, t->err.message,
				 t->err.sqlstate);
		rc = f->signals > 0 ? rc : -2;
		f->signals = -1;
		if (rc == 0)
			break;
		stopped++;
		check_truth(f, t, t->nr_done == t->nr ? 0 : -1);
		check_session(f);
	}
	assert_in_range(stopped, 6, MOMENTS_MAX - 1);
	check_truth(f, t, 0);
}

static void test_signals(void **state)
{
	struct fixture *f = *state;
	struct pool pool = { 0 };
	struct trial t = ready(f, &pool);

	check_signals(f, &t);
	f->db->caps.careful = true;
	check_signals(f, &t);
	pool_release(&pool);
	trial_release(&t);
}

static void test_signals_late(void **state)
{
	struct fixture *f = *state;
	struct pool pool = { 0 };
	struct trial t = ready(f, &pool);

	let_be_late(&t);
	check_signals(f, &t);
	pool_release(&pool);
	trial_release(&t);
}

static void test_signals_dry(void **state)
{
	struct fixture *f = *state;
	struct pool pool = { 0 };
	struct trial t = ready(f, &pool);
	int n, rc = -1;

	t.dry = true;
	for (n = 0; rc < 0 && n < MOMENTS_MAX; n++) {
		f->signals = n;
		rc = trial_run(&t);
		assert_true(rc == 0 || t.err.code == ERR_INTERRUPTED);
		f->signals = -1;
		expect(f->other, "SELECT count(*) FROM t", "0\n");
		check_session(f);
	}
	assert_int_equal(rc, 0);
	pool_release(&pool);
	trial_release(&t);
}

/* Sends a signal once the migration sleeps or waits for a lock. */
static bool signal_waiting(struct fixture *f)
{
	execute(f->other, "SELECT pg_stat_clear_snapshot()");
	if (count(f->other, "SELECT count(*) FROM pg_stat_activity"
			    " WHERE datname = 't' AND (wait_event = 'PgSleep'"
			    " OR wait_event_type = 'Lock')") == 0)
		return false;
	f->signals = 0;
	return true;
}

/* What would never end is cancelled: a sleep, a wait for a lock, COPY behind one. */
static void test_cancelled(void **state)
{
	static const char *const endless[] = {
		"SELECT 1;\n SELECT pg_sleep(600)",
		"SELECT 1;\n TRUNCATE t",
		"SELECT 1;\n COPY t FROM STDIN;\n1\n\\.\n",
		"SELECT 1;\n COPY (SELECT pg_sleep(600)) TO STDOUT",
	};
	struct fixture *f = *state;
	struct trial t = { .db = NULL };
	int64_t begun = clock_ms();
	size_t i;

	run_ok(f->db, "CREATE TABLE t (a int)");
	make_log(f->db);
	f->lock_timeout_ms = 600000;
	open_again(f);
	t.db = f->db;
	trial_add(&t, "INSERT INTO u VALUES (1)");
	run_ok(f->db, "CREATE TABLE u (a int)");
	trial_add(&t, NULL);
	execute(f->other, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
	for (i = 0; i < ARRAY_SIZE(endless); i++) {
		t.scripts[1].sql = endless[i];
		t.scripts[1].len = strlen(endless[i]);
		f->at_wait = signal_waiting;
		fails_at(&t, 1, DB_SCRIPT, "interrupted");
		assert_null(f->at_wait);
		assert_int_equal(t.err.code, ERR_INTERRUPTED);
		assert_int_equal(t.err.line, 2);
		f->signals = -1;
		expect(f->db, "SELECT 1", "1\n");
	}
	execute(f->other, "ROLLBACK");
	check_session(f);
	expect(f->db, "SELECT count(*) FROM u", "4\n");
	assert_true(clock_ms() - begun < PATIENCE_MS);
	trial_release(&t);
}

/* --- the end of the connection ----------------------------------------- */

static int countdown;

static bool kill_then(struct fixture *f)
{
	if (countdown-- > 0)
		return false;
	kill_backend(f);
	return true;
}

/* Without a word of the server's. */
static bool cut_then(struct fixture *f)
{
	if (countdown-- > 0)
		return false;
	if (f->db->conn)
		shutdown(f->db->pq->socket(f->db->conn), SHUT_RDWR);
	return true;
}

/* The connection ends at the n-th wait, for every n. Returns how often it was unknown. */
static int check_ends(struct fixture *f, struct trial *t, bool (*end)(struct fixture *f))
{
	struct err err = { 0 };
	int n, rc = -1, uncertain = 0;

	for (n = 0; rc < 0 && n < MOMENTS_MAX; n++) {
		countdown = n;
		f->at_wait = end;
		rc = trial_run(t);
		if (rc == 0 && !f->at_wait)
			rc = -1; /* it came too late to matter */
		f->at_wait = NULL;
		if (rc == 0)
			break;
		uncertain += t->err.code == ERR_UNCERTAIN;
		assert_int_not_equal(t->err.code, ERR_INTERRUPTED);
		pg_abandon(f->db);
		wait_alone(f);
		check_truth(f, t, t->nr_done == t->nr ? 0 : -1);
		if (pg->reconnect(f->db, &err) < 0)
			fail_msg("%s", err.message);
		check_session(f);
	}
	assert_int_equal(rc, 0);
	assert_in_range(n, 6, MOMENTS_MAX - 1);
	check_truth(f, t, 0);
	return uncertain;
}

static void test_killed(void **state)
{
	struct fixture *f = *state;
	struct pool pool = { 0 };
	struct trial t = ready(f, &pool);

	check_ends(f, &t, kill_then);
	pool_release(&pool);
	trial_release(&t);
}

static void test_ends_late(void **state)
{
	struct fixture *f = *state;
	struct pool pool = { 0 };
	struct trial t = ready(f, &pool);

	let_be_late(&t);
	check_ends(f, &t, kill_then);
	assert_true(check_ends(f, &t, cut_then) > 0);
	pool_release(&pool);
	trial_release(&t);
}

/* A dry run has nothing to be uncertain of. */
static void test_killed_dry(void **state)
{
	struct fixture *f = *state;
	struct pool pool = { 0 };
	struct trial t = ready(f, &pool);
	struct err err = { 0 };
	int n, rc = -1;

	t.dry = true;
	for (n = 0; rc < 0 && n < MOMENTS_MAX; n++) {
		countdown = n;
		f->at_wait = n % 2 ? cut_then : kill_then;
		rc = trial_run(&t);
		assert_true(rc == 0 || t.err.code == ERR_FATAL ||
			    t.err.code == ERR_REFUSED);
		f->at_wait = NULL;
		pg_abandon(f->db);
		wait_alone(f);
		expect(f->other, "SELECT count(*) FROM t", "0\n");
		if (pg->reconnect(f->db, &err) < 0)
			fail_msg("%s", err.message);
		check_session(f);
	}
	assert_int_equal(rc, 0);
	assert_in_range(n, 6, MOMENTS_MAX - 1);
	pool_release(&pool);
	trial_release(&t);
}

static void test_cut(void **state)
{
	struct fixture *f = *state;
	struct pool pool = { 0 };
	struct trial t = ready(f, &pool);

	assert_true(check_ends(f, &t, cut_then) > 0);
	pool_release(&pool);
	trial_release(&t);
}

/* Ends the session that sleeps, once it does. */
static bool kill_sleeper(struct fixture *f)
{
	return count(f->other,
		     "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
		     " WHERE datname = 't' AND wait_event = 'PgSleep'") > 0;
}

static void test_killed_in_statement(void **state)
{
	struct fixture *f = *state;
	struct pool pool = { 0 };
	struct trial t = ready(f, &pool);
	struct err err = { 0 };

	t.nr = 1;
	trial_add(&t, "INSERT INTO t VALUES (1);\n\n  SELECT pg_sleep(600);\nSELECT 1");
	trial_add(&t, "INSERT INTO t VALUES (2)");
	f->at_wait = kill_sleeper;
	fails_at(&t, 1, DB_SCRIPT, "terminating connection");
	assert_null(f->at_wait);
	assert_string_equal(t.err.sqlstate, "57P01");
	assert_int_equal(t.err.line, 3);
	assert_string_equal(buf_str(&t.told), "done 0: 1\n");
	wait_alone(f);
	check_truth(f, &t, -1);
	/* no connection, no batch */
	fails_at(&t, 0, DB_BEGIN, "is closed");
	assert_int_equal(t.err.code, ERR_FATAL);
	assert_int_equal(pg->reconnect(f->db, &err), 0);
	check_session(f);
	pool_release(&pool);
	trial_release(&t);
}

/* The server's word is kept; what was committed before is for the tracker to tell. */
static void test_killed_behind_late(void **state)
{
	struct fixture *f = *state;
	struct pool pool = { 0 };
	struct trial t = ready(f, &pool);
	struct err err = { 0 };
	size_t i;

	let_be_late(&t);
	t.nr = 0;
	for (i = 0; i < 3; i++)
		trial_add(&t, "INSERT INTO t VALUES (1)");
	trial_add(&t, "INSERT INTO t VALUES (2);\n SELECT pg_sleep(600)");
	trial_add(&t, "INSERT INTO t VALUES (3)");
	f->at_wait = kill_sleeper;
	assert_int_equal(trial_run(&t), -1);
	assert_string_equal(t.err.sqlstate, "57P01");
	assert_int_equal(t.err.line, 2);
	assert_int_equal(t.failure.phase, DB_SCRIPT);
	assert_int_equal(t.failure.culprit, 3);
	assert_int_equal(t.failure.sent, 3);
	assert_string_equal(buf_str(&t.told), "done 0: 1\n");
	wait_alone(f);
	check_truth(f, &t, -1);
	assert_int_equal(pg->reconnect(f->db, &err), 0);
	check_session(f);
	pool_release(&pool);
	trial_release(&t);
}

/* One that is well is left behind: its locks and its transaction go with it. */
static void test_reconnect(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	make_log(f->db);
	run_ok(f->db, "CREATE TABLE t (a int)");
	execute(f->db, "BEGIN; INSERT INTO t VALUES (1); LOCK TABLE t;"
		       "SET search_path = ''");
	assert_int_equal(pg->reconnect(f->db, &err), 0);
	expect(f->db, "SHOW search_path", "\"$user\", public\n");
	expect(f->db, "SHOW application_name", "test-pg\n");
	assert_memory_equal(pg->engine(f->db), "postgresql/1", 12);
	pg->free(f->db);
	f->db = NULL;
	wait_alone(f);
	expect(f->other, "SELECT count(*) FROM t", "0\n");
	/* a signal while it connects, and again without one */
	assert_int_equal(open_db(f, f->url, &f->db, &err), 0);
	f->signals = 0;
	assert_int_equal(pg->reconnect(f->db, &err), -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	f->signals = -1;
	assert_int_equal(pg->reconnect(f->db, &err), 0);
	check_session(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_signals),
		T(test_signals_late),
		T(test_signals_dry),
		T(test_cancelled),
		T(test_killed),
		T(test_ends_late),
		T(test_killed_dry),
		T(test_cut),
		T(test_killed_in_statement),
		T(test_killed_behind_late),
		T(test_reconnect),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!server_is_there())
		return SKIP;
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
