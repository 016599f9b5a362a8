#include "base/compat.h"

#include <setjmp.h>
#include <time.h>

#include <cmocka.h>

#include "db/sqlite.h"
#include "sqlite-batch.h"

static bool is_idle(struct db *db)
{
	return sqlite3_get_autocommit(db->sql);
}

const struct db_driver *const tested = &db_sqlite;

const struct trial_engine trial_engine = {
	.log = "create table note (seq integer primary key, name text)",
	.expect = "SELECT 1 WHERE CAST($1 AS integer) ="
		  " (SELECT coalesce(max(seq), 0) FROM note)",
	.record = "INSERT INTO note (seq, name) VALUES"
		  " (CAST($1 AS integer) + 1, $2) RETURNING seq",
	.idle = is_idle,
};

/* --- the database ------------------------------------------------------ */

static int test_wait(void *arg, int fd UNUSED, short events UNUSED, int timeout_ms,
		     struct err *err)
{
	struct fixture *f = arg;
	const struct timespec pause = { 0, timeout_ms < 0 ? 0 : timeout_ms * 1000000L };

	if (f->at_wait && timeout_ms > 0)
		f->at_wait(f);
	if (f->signals == 0)
		return err_set(err, ERR_INTERRUPTED, "interrupted");
	if (f->signals > 0)
		f->signals--;
	nanosleep(&pause, NULL);
	return 0;
}

int open_db(struct fixture *f, const char *url, enum db_open_flags flags, struct db **out,
	    struct err *err)
{
	struct db_open how = { .url = url,
			       .base = f->dir,
			       .application = "test",
			       .flags = flags,
			       .waiter = &f->waiter };

	return db_sqlite.open(out, &how, err);
}

int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = { 0 };

	assert_non_null(f);
	f->signals = -1;
	f->waiter = (struct db_waiter){ test_wait, f };
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-sqlite.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(open_db(f, "sqlite:test.db", 0, &f->db, &err), 0);
	*state = f;
	return 0;
}

int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	db_sqlite.free(f->db);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* --- questions --------------------------------------------------------- */

int ask_sql(struct db *db, const char *sql, db_row_fn row, void *arg, struct err *err)
{
	return sqlite_query(db, sql, NULL, 0, row, arg, err);
}

int run_sql(struct db *db, const char *sql, struct err *err)
{
	return sqlite_exec(db, sql, err);
}

/* --- one script --------------------------------------------------------- */

int run_with(struct db *db, const char *sql, bool foreign_keys, unsigned *nr,
	     struct err *err)
{
	struct trial t = { .db = db };
	int ret;

	trial_add(&t, sql)->foreign_keys = foreign_keys;
	ret = trial_run(&t);
	*err = t.err;
	assert_string_equal(buf_str(&t.told), ret < 0 ? "" : buf_str(&t.told));
	if (ret == 0 && nr)
		*nr = t.statements;
	trial_release(&t);
	return ret;
}

void run_ok(struct db *db, const char *sql)
{
	struct err err = { 0 };

	if (run_with(db, sql, false, NULL, &err) < 0)
		fail_msg("%s: %s (%s)", sql, err.message, err.sqlstate);
}

void run_refused(struct db *db, const char *sql, const char *word, unsigned line,
		 unsigned column)
{
	struct err err = { 0 };

	if (run_with(db, sql, false, NULL, &err) == 0)
		fail_msg("ran: %s", sql);
	if (!strstr(err.message, word))
		fail_msg("'%s' is not in '%s'", word, err.message);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_int_equal(err.line, line);
	assert_int_equal(err.column, column);
}
