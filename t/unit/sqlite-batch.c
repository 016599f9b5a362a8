#include "base/compat.h"

#include <setjmp.h>
#include <time.h>

#include <cmocka.h>

#include "sqlite-batch.h"

/* --- the database ------------------------------------------------------ */

static int test_wait(void *arg, int fd UNUSED, short events UNUSED, int timeout_ms,
		     struct err *err)
{
	struct fixture *f = arg;
	const struct timespec pause = { 0, timeout_ms < 0 ? 0 : timeout_ms * 1000000L };

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

static int collect(void *arg, const char *const *values, size_t nr,
		   struct err *err UNUSED)
{
	size_t i;

	for (i = 0; i < nr; i++)
		buf_addf(arg, "%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
	buf_addc(arg, '\n');
	return 0;
}

void expect(struct db *db, const char *sql, const char *wanted)
{
	struct buf got = BUF_INIT;
	struct err err = { 0 };

	if (db_sqlite.query(db, sql, NULL, 0, collect, &got, &err) < 0)
		fail_msg("%s: %s", sql, err.message);
	assert_string_equal(buf_str(&got), wanted);
	buf_release(&got);
}

void execute(struct db *db, const char *sql)
{
	struct err err = { 0 };

	if (db_sqlite.execute(db, sql, strlen(sql), &err) < 0)
		fail_msg("%s: %s", sql, err.message);
}

/* --- batches ----------------------------------------------------------- */

static int give_unit(void *arg, size_t i, struct db_unit *out, struct err *err UNUSED)
{
	struct trial *t = arg;

	memset(out, 0, sizeof(*out));
	out->script = t->scripts[i].sql || t->scripts[i].source ? &t->scripts[i] : NULL;
	snprintf(t->numbers[i], sizeof(t->numbers[i]), "%zu", t->head + i);
	t->params[i][0] = t->numbers[i];
	if (t->log) {
		out->expect.sql = "SELECT 1 WHERE CAST($1 AS integer) ="
				  " (SELECT coalesce(max(seq), 0) FROM note)";
		out->expect.params = t->params[i];
		out->expect.nr = 1;
	}
	if (t->at_unit)
		t->at_unit(t, i);
	return 0;
}

static int give_records(void *arg, size_t i, const struct db_report *report,
			const struct db_statement **out, size_t *nr,
			struct err *err UNUSED)
{
	struct trial *t = arg;
	struct db_statement *record;

	assert_true(report->ms >= 0);
	assert_false(t->dry);
	if (!t->log)
		return 0;
	record = &t->statements_of[i];
	record->sql = t->record ? t->record
				: "INSERT INTO note (seq, name) VALUES"
				  " (CAST($1 AS integer) + 1, $2) RETURNING seq";
	t->params[i][1] = t->scripts[i].name;
	record->params = t->params[i];
	record->nr = t->record ? 0 : 2;
	*out = record;
	*nr = 1;
	return 0;
}

static void on_done(void *arg, size_t i, const struct db_report *report)
{
	struct trial *t = arg;

	t->statements = report->statements;
	buf_addf(&t->told, "done %zu: %u\n", i, report->statements);
}

static void on_statement(void *arg, size_t i, unsigned line, int64_t ms)
{
	struct trial *t = arg;

	assert_true(ms >= 0);
	if (t->tell_statements)
		buf_addf(&t->told, "statement %zu:%u\n", i, line);
}

static void on_progress(void *arg, size_t i, uint64_t bytes)
{
	struct trial *t = arg;

	assert_true(bytes <= t->scripts[i].len);
}

static void on_touched(void *arg, size_t i, const struct db_touched *what)
{
	struct trial *t = arg;

	assert_null(what->lock);
	buf_addf(&t->told, "touched %zu: %s%s%s %" PRIu64 "\n", i, what->name,
		 what->rewritten ? " rewritten" : "", what->dropped ? " dropped" : "",
		 what->destroyed);
}

struct db_script *trial_add(struct trial *t, const char *sql)
{
	struct db_script *script = &t->scripts[t->nr++];

	assert_true(t->nr <= TRIALS);
	*script = (struct db_script){ .name = "0001.sql" };
	script->sql = sql;
	script->len = sql ? strlen(sql) : 0;
	return script;
}

int trial_run(struct trial *t)
{
	const struct db_batch batch = { .nr = t->nr,
					.unit = give_unit,
					.records = give_records,
					.done = on_done,
					.statement = on_statement,
					.progress = on_progress,
					.touched = on_touched,
					.arg = t,
					.dry = t->dry };

	memset(&t->err, 0, sizeof(t->err));
	buf_reset(&t->told);
	return db_sqlite.run(t->db, &batch, &t->failure, &t->err);
}

void trial_release(struct trial *t)
{
	buf_release(&t->told);
}

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

/* Its name is not the tool's, so that a script can write to it. */
void make_log(struct db *db)
{
	execute(db, "create table note (seq integer primary key, name text)");
}
