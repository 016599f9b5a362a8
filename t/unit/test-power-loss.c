/* SQLite: what run() has reported survives a loss of power, at any moment. */
#include "base/compat.h"

#include <setjmp.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "tools/crash-vfs.h"

enum { COMMITS = 3, ROWS = 200, CHOICES = 4, CALLS_MAX = 10000 };

static const struct db_driver *const sqlite = &db_sqlite;

struct fixture {
	char dir[64];
	struct db_waiter waiter;
	const char *journal;	 /* of PRAGMA journal_mode */
	const char *synchronous; /* NULL: as the driver sets it */
	unsigned reported;	 /* how many commits have returned 0 */
	unsigned lost, torn, crashes;
};

/* A look for signals is no wait. */
static int never_wait(void *arg UNUSED, int fd UNUSED, short events UNUSED,
		      int timeout_ms, struct err *err)
{
	if (timeout_ms == 0)
		return 0;
	return err_set(err, ERR_INTERRUPTED, "somebody else has the lock");
}

/* What a database can leave in a folder. */
static void clear(const struct fixture *f, const char *folder)
{
	static const char *const files[] = { "test.db", "test.db-journal", "test.db-wal",
					     "test.db-shm" };
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", f->dir, folder, files[i]);
		if (unlink(path) < 0)
			assert_int_equal(errno, ENOENT);
	}
}

static void each_folder(const struct fixture *f, int (*what)(const char *path))
{
	static const char *const folders[] = { "before", "after" };
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, folders[i]);
		assert_int_equal(what(path), 0);
	}
}

static int make(const char *path)
{
	return mkdir(path, 0777);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->waiter = (struct db_waiter){ never_wait, NULL };
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-power-loss.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	each_folder(f, make);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	clear(f, "before");
	clear(f, "after");
	each_folder(f, rmdir);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int open_db(struct fixture *f, const char *folder, enum db_open_flags flags,
		   struct db **out, struct err *err)
{
	char url[128];
	struct db_open how = {
		.url = url, .application = "test", .flags = flags, .waiter = &f->waiter
	};

	snprintf(url, sizeof(url), "sqlite:%s/%s/test.db", f->dir, folder);
	return sqlite->open(out, &how, err);
}

/* --- before the crash -------------------------------------------------------- */

static int give_unit(void *arg, size_t i UNUSED, struct db_unit *out,
		     struct err *err UNUSED)
{
	*out = (struct db_unit){ .script = arg };
	return 0;
}

static int no_records(void *arg UNUSED, size_t i UNUSED,
		      const struct db_report *report UNUSED,
		      const struct db_statement **out UNUSED, size_t *nr,
		      struct err *err UNUSED)
{
	*nr = 0;
	return 0;
}

static void no_word(void *arg UNUSED, size_t i UNUSED,
		    const struct db_report *report UNUSED)
{
}

/* Transaction `nr`: a table with rows, and the word that it is there. */
static int transact(struct db *db, unsigned nr, struct err *err)
{
	struct db_script script = { .name = "0001.sql" };
	const struct db_batch batch = { .nr = 1,
					.unit = give_unit,
					.records = no_records,
					.done = no_word,
					.arg = &script };
	struct db_failure failure;
	struct buf sql = BUF_INIT;
	int ret;

	buf_addf(&sql,
		 "CREATE TABLE IF NOT EXISTS done (nr int);"
		 "CREATE TABLE t%u (x int, t text);"
		 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
		 " WHERE i < %d) INSERT INTO t%u SELECT i, hex(zeroblob(40)) FROM n;"
		 "INSERT INTO done VALUES (%u)",
		 nr, ROWS, nr, nr);
	script.sql = sql.s;
	script.len = sql.len;
	ret = sqlite->run(db, &batch, &failure, err);
	buf_release(&sql);
	return ret;
}

static int pragma(struct db *db, const char *name, const char *value, struct err *err)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA %s=%s", name, value);
	return sqlite_query(db, sql, NULL, 0, NULL, NULL, err);
}

/* Runs until power fails, or to the end: it fails then, before anything is closed. */
static void work(struct fixture *f, struct crash *c)
{
	struct db *db = NULL;
	struct err err = { 0 };
	unsigned nr;
	int ret;

	f->reported = 0;
	if (open_db(f, "before", 0, &db, &err) < 0)
		goto out;
	ret = pragma(db, "journal_mode", f->journal, &err);
	if (ret == 0) /* within the run, not at its end */
		ret = pragma(db, "wal_autocheckpoint", "10", &err);
	if (ret == 0 && f->synchronous)
		ret = pragma(db, "synchronous", f->synchronous, &err);
	for (nr = 1; ret == 0 && nr <= COMMITS; nr++) {
		ret = transact(db, nr, &err);
		if (ret == 0)
			f->reported = nr;
	}
out:
	if (!crash_happened(c) && f->reported != COMMITS)
		fail_msg("without a crash: %s", err.message);
	crash_now(c);
	sqlite->free(db);
}

/* --- after it ---------------------------------------------------------------- */

static int join(void *arg, const char *const *values, size_t nr UNUSED,
		struct err *err UNUSED)
{
	buf_addf(arg, "%s ", values[0] ? values[0] : "NULL");
	return 0;
}

/* The first column of an answer, each value with a blank; the error's text instead. */
static const char *ask(struct db *db, const char *sql, struct buf *out)
{
	struct err err = { 0 };

	buf_reset(out);
	if (sqlite_query(db, sql, NULL, 0, join, out, &err) < 0)
		buf_addf(out, "%s", err.message);
	return buf_str(out);
}

/* How many transactions are there, whole; -1 when one is not. */
static int count_whole(struct db *db)
{
	struct buf got = BUF_INIT;
	unsigned nr, tables, rows = 0;
	char sql[64];

	if (strcmp(ask(db, "PRAGMA integrity_check", &got), "ok ") != 0)
		goto torn;
	tables = (unsigned)atoi(
		ask(db, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 't%'", &got));
	if (tables)
		rows = (unsigned)atoi(ask(db, "SELECT count(*) FROM done", &got));
	if (rows != tables)
		goto torn;
	for (nr = 1; nr <= tables; nr++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM t%u", nr);
		if (atoi(ask(db, sql, &got)) != ROWS)
			goto torn;
	}
	buf_release(&got);
	return (int)tables;
torn:
	buf_release(&got);
	return -1;
}

static void examine(struct fixture *f)
{
	struct db *db = NULL;
	struct err err = { 0 };
	int ret = open_db(f, "after", DB_MUST_EXIST, &db, &err), whole = 0;

	if (ret == 0)
		whole = count_whole(db);
	f->crashes++;
	f->torn += ret < 0 || whole < 0;
	f->lost += ret >= 0 && whole >= 0 && (unsigned)whole < f->reported;
	sqlite->free(db);
}

/* One run that ends at that call; whether it came so far. */
static bool crash_at(struct fixture *f, unsigned call)
{
	struct crash *c;
	unsigned luck, reported;
	bool early;
	char after[128];

	clear(f, "before");
	c = crash_new(call);
	work(f, c);
	crash_unmount(c);
	reported = f->reported;
	early = reported < COMMITS;
	snprintf(after, sizeof(after), "%s/after", f->dir);
	for (luck = CRASH_NOTHING; luck < CRASH_SOME + CHOICES; luck++) {
		clear(f, "after");
		crash_write(c, after, luck);
		examine(f);
	}
	crash_free(c);
	return early;
}

static void crash_each(struct fixture *f, const char *journal, const char *synchronous)
{
	unsigned call = 1;

	f->journal = journal;
	f->synchronous = synchronous;
	f->lost = f->torn = f->crashes = 0;
	while (call < CALLS_MAX && crash_at(f, call))
		call++;
	/* each transaction has to be written at least */
	assert_in_range(call, 2 * COMMITS, CALLS_MAX - 1);
	print_message("# %s, %s: %u calls, %u crashes, %u torn, %u lost\n", journal,
		      synchronous ? synchronous : "as the driver sets it", call,
		      f->crashes, f->torn, f->lost);
}

/* --- tests ------------------------------------------------------------------- */

static void test_delete(void **state)
{
	struct fixture *f = *state;

	crash_each(f, "delete", NULL);
	assert_int_equal(f->torn, 0);
	assert_int_equal(f->lost, 0);
}

static void test_wal(void **state)
{
	struct fixture *f = *state;

	crash_each(f, "wal", NULL);
	assert_int_equal(f->torn, 0);
	assert_int_equal(f->lost, 0);
}

/* The test can fail: with less care something is lost, as it would be in life. */
static void test_less_careful(void **state)
{
	struct fixture *f = *state;

	crash_each(f, "delete", "FULL"); /* the journal's end is not synced */
	assert_int_equal(f->torn, 0);
	assert_true(f->lost > 0);
	crash_each(f, "wal", "NORMAL");
	assert_int_equal(f->torn, 0);
	assert_true(f->lost > 0);
	crash_each(f, "delete", "OFF");
	assert_true(f->torn > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_less_careful, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
