#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/pool.h"
#include "core/ledger.h"
#include "db/tracker.h"
#include "batch.h"

/* --- batches ----------------------------------------------------------- */

static int give_unit(void *arg, size_t i, struct db_unit *out, struct err *err)
{
	struct trial *t = arg;

	if (t->no_unit == i + 1)
		return err_set(err, ERR_FATAL, "no such unit");
	memset(out, 0, sizeof(*out));
	out->script = t->scripts[i].sql || t->scripts[i].source ? &t->scripts[i] : NULL;
	out->with_next = i >= t->together && i < t->together_to;
	out->lock = t->lock;
	out->lock_wait_ms = t->lock_wait_ms;
	out->leave = t->leave;
	snprintf(t->numbers[i], sizeof(t->numbers[i]), "%zu", t->head + i);
	t->params[i][0] = t->numbers[i];
	if (t->log) {
		out->expect.sql = trial_engine.expect;
		out->expect.params = t->params[i];
		out->expect.nr = 1;
	}
	if (t->ask)
		out->expect = *t->ask;
	if (t->at_unit)
		t->at_unit(t, i);
	return 0;
}

static int give_records(void *arg, size_t i, const struct db_report *report,
			const struct db_statement **out, size_t *nr, struct err *err)
{
	struct trial *t = arg;
	struct db_statement *record = &t->statements_of[i];

	assert_false(t->dry);
	if (t->no_records == i + 1)
		return err_set(err, ERR_FATAL, "no such records");
	/* where there is no network it has run */
	assert_true(report->ms >= (tested->capabilities(t->db)->file ? 0 : -1));
	if (t->at_records)
		t->at_records(t, i);
	if (!t->log && !t->record)
		return 0;
	record->sql = t->record ? t->record : trial_engine.record;
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

	assert_int_equal(i, t->nr_done);
	assert_true(report->ms >= 0);
	t->nr_done++;
	if (t->at_done)
		t->at_done(t, i);
	t->statements = report->statements;
	buf_addf(&t->told, "done %zu: %u\n", i, report->statements);
}

static void on_statement(void *arg, size_t i, unsigned line, int64_t ms)
{
	struct trial *t = arg;

	assert_true(ms >= 0);
	t->nr_ran++;
	if (ms > t->slowest) {
		t->slowest = ms;
		t->slowest_line = line;
	}
	if (t->tell_statements)
		buf_addf(&t->told, "statement %zu:%u\n", i, line);
}

static void on_progress(void *arg, size_t i, uint64_t bytes, unsigned statements)
{
	struct trial *t = arg;

	assert_true(bytes <= t->scripts[i].len);
	assert_true(t->bytes_unit != i || statements >= t->ran);
	t->ran = statements;
	assert_true(bytes > t->bytes || t->bytes_unit != i);
	t->bytes = bytes;
	t->bytes_unit = i;
	t->nr_progress++;
}

static void on_touched(void *arg, size_t i, const struct db_touched *what)
{
	struct trial *t = arg;

	assert_int_equal(what->lock == NULL, tested->capabilities(t->db)->file);
	buf_addf(&t->told, "touched %zu: %s%s%s %" PRIu64 "\n", i, what->name,
		 what->rewritten ? " rewritten" : "", what->dropped ? " dropped" : "",
		 what->destroyed);
}

struct db_script *trial_add(struct trial *t, const char *sql)
{
	struct db_script *script;

	assert_true(t->nr < TRIALS);
	script = &t->scripts[t->nr++];
	memset(script, 0, sizeof(*script));
	script->name = "0001.sql";
	script->sql = sql;
	script->len = sql ? strlen(sql) : 0;
	return script;
}

void trial_next(struct trial *t)
{
	t->head += (unsigned)t->nr_done;
	t->nr = t->nr_done = 0;
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
					.dry = t->dry,
					.fresh = t->fresh,
					.name_blockers = t->name_blockers };
	int ret;

	memset(&t->err, 0, sizeof(t->err));
	t->nr_done = t->nr_ran = t->nr_progress = 0;
	t->slowest = -1;
	t->bytes_unit = SIZE_MAX;
	buf_reset(&t->told);
	ret = tested->run(t->db, &batch, &t->failure, &t->err);
	assert_true(trial_engine.idle(t->db));
	return ret;
}

void trial_release(struct trial *t)
{
	buf_release(&t->told);
}

void run_all(struct trial *t, const char *told)
{
	if (trial_run(t) != 0)
		fail_msg("%zu: %s (%s) %s", t->failure.unit, t->err.message,
			 t->err.sqlstate, t->err.detail);
	assert_string_equal(buf_str(&t->told), told);
}

void fails_at(struct trial *t, size_t unit, enum db_phase phase, const char *word)
{
	assert_int_equal(trial_run(t), -1);
	if (!strstr(t->err.message, word))
		fail_msg("'%s' is not in '%s'", word, t->err.message);
	assert_int_equal(t->failure.unit, unit);
	assert_int_equal(t->failure.sent, unit);
	assert_int_equal(t->failure.phase, phase);
}

void make_log(struct db *db)
{
	execute(db, trial_engine.log);
}

/* --- records ----------------------------------------------------------- */

struct record next_record(struct pool *pool, const struct record *last, enum event event,
			  const char *path)
{
	static const char blob[] = "0123456789012345678901234567890123456789";
	struct record r = { .seq = last ? last->seq + 1 : 1, .event = event };

	r.field[FIELD_PREV] = last ? last->hash : RECORD_NO_PREV;
	r.field[FIELD_HEAD] = blob;
	r.field[FIELD_AT] = "2026-11-22T07:20:11.123Z";
	r.field[FIELD_BY] = "A U Thor";
	r.field[FIELD_RUN] = "0123456789abcdef0123456789abcdef";
	r.field[FIELD_ENGINE] = "sqlite/3.40.1";
	r.field[FIELD_TARGET] = "01234567-89ab-4cde-8f01-23456789abcd";
	r.field[FIELD_TOOL] = "git-migrate/0.1.0";
	if (path) {
		r.field[FIELD_PATH] = path;
		r.field[FIELD_BLOB] = r.field[FIELD_COMMIT] = blob;
		r.field[FIELD_SHA256] = RECORD_NO_PREV;
	}
	record_seal(&r, pool);
	return r;
}

void install(struct tracker *t, struct pool *pool, struct record *first)
{
	struct err err = { 0 };

	*first = next_record(pool, NULL, EVENT_CREATED, NULL);
	if (tracker_install(t, first, &err) != 0)
		fail_msg("%s", err.message);
}

void append_ok(struct tracker *t, const struct record *head, const struct record *r)
{
	struct err err = { 0 };

	if (tracker_write(t, head, r, 1, 0, &err) != 0)
		fail_msg("%s", err.message[0] ? err.message : "another head");
}

void append_refused(struct tracker *t, const struct record *head, const struct record *r,
		    const char *word)
{
	struct err err = { 0 };

	assert_int_equal(tracker_write(t, head, r, 1, 0, &err), -1);
	if (!strstr(err.message, word))
		fail_msg("'%s' is not in '%s'", word, err.message);
}
