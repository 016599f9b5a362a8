/*
 * Migrations that are run in batches (DESIGN.md 10.14): `started`, then the rows in the
 * order of a key, some at a time. Each batch is a transaction that also writes how far
 * it has come, so whatever ends a run, the next one goes on behind the last batch that
 * was committed. `applied` is written by the last one.
 */
#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/io.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/trailer.h"
#include "db/progress.h"
#include "flow/backfill.h"
#include "flow/job.h"
#include "sql/backfill.h"

enum {
	TURN_MS = 60000, /* for another runner that was let in between two batches */
	LOOK_MS = 500,
	SMALLEST = 16, /* part of its size that a batch is made smaller to */
	MIB = 1 << 20,
};

struct backfill {
	struct job *j;
	struct work w;
	char blob[OID_HEXSZ + 1];
	struct sql_backfill sql;
	struct progress at, next; /* what is committed, and with the present batch */
	uint64_t rows_of;	  /* about; 0: nobody knows */
	struct progress_range range;
	struct buf text; /* the statement of the present batch */
	struct db_script script;
	struct progress_row row;
	struct db_statement statements[RECORDS_MAX + 2];
	struct db_report report;
	unsigned size; /* of the next batch */
	unsigned done; /* batches, by this run */
	int64_t since; /* of this run */
	bool resumed;
	bool settled; /* it is applied, or was by others */
};

/* --- before anything runs ---------------------------------------------- */

int check_backfill(struct job *j, struct work *w, struct err *err)
{
	struct target *t = &j->s->target;
	struct sql_backfill sql = { .rowids = t->driver->capabilities(t->db)->rowids };
	struct buf text = BUF_INIT;
	struct db_script script = w->script;
	int ret = sql_backfill_read(&sql, &w->script.batch, w->script.sql, w->script.len,
				    err);

	if (ret == 0) {
		sql_backfill_text(&sql, NULL, NULL, &text);
		script.sql = buf_str(&text);
		script.len = text.len;
		ret = t->driver->check(t->db, &script, err);
		if (ret < 0)
			sql_backfill_place(&sql, NULL, NULL, err);
	}
	sql_backfill_release(&sql);
	buf_release(&text);
	return ret;
}

/* --- what is told ------------------------------------------------------ */

static void tell_how(const struct backfill *b, enum apply_step step, enum apply_load load,
		     const char *text)
{
	job_tell(b->j, (struct apply_event){ .step = step,
					     .load = load,
					     .migration = &b->j->s->plan.items[b->w.pos],
					     .nr = b->j->next + 1,
					     .of = b->j->nr,
					     .rows = b->at.rows,
					     .rows_of = b->rows_of,
					     .text = text });
}

static void tell(const struct backfill *b, enum apply_step step)
{
	tell_how(b, step, LOAD_SLOW, NULL);
}

/* It stays open, which is how the next run finds it. Returns -1. */
static int stop(struct backfill *b, struct err *err)
{
	struct apply_result *result = b->j->result;

	if (!result->failed)
		result->failed = xstrdup(b->w.script.name);
	result->open = true;
	tell(b, APPLY_STOPPED);
	err->line = 0;
	err->excerpt[0] = '\0';
	if (err->code != ERR_INTERRUPTED && err->hint[0])
		return -1;
	err_hint(err, "batch",
		 "What the batches so far have done stays (%" PRIu64 " rows); \"git "
		 "migrate apply%s\" goes on behind them.",
		 b->at.rows, target_argument(&b->j->s->target));
	return -1;
}

/* A statement failed: the batch is undone, and the migration is pending again. */
static int fail(struct backfill *b, struct err *err)
{
	sql_backfill_place(&b->sql, b->at.batches ? buf_str(&b->at.upto) : NULL,
			   buf_str(&b->range.upto), err);
	work_failed(b->j, &b->w, err);
	if (!err->hint[0])
		err_hint(err, "batch",
			 b->at.batches ? "Mend the rows that it stumbles over, and apply "
					 "again: it goes on behind the last batch. What "
					 "it does wrong is mended by a further migration."
				       : "Mend the rows that it stumbles over, and apply "
					 "again; or change the file, where it has not "
					 "been pushed: no batch of it is done.");
	return -1;
}

/* --- where it is ------------------------------------------------------- */

static int refuse_table(struct backfill *b, struct err *err)
{
	struct target *t = &b->j->s->target;

	err_set(err, ERR_REFUSED,
		"the tracker of target '%s' has no table for the progress of batches",
		t->name);
	err_hint(err, "batch",
		 "Its schema is of an older git-migrate. Apply once with the role that "
		 "owns the schema git_migrate, which brings it up to date.");
	return -1;
}

static int ask_progress(struct backfill *b, struct err *err)
{
	return progress_read(&b->j->s->target.tracker, b->w.script.name, b->blob,
			     b->sql.nr_keys, &b->at, err);
}

/*
 * A run goes on without what it cannot add to the tracker as it begins, because another
 * one has the lock just then: batches need it.
 */
static int make_table(struct backfill *b, struct err *err)
{
	struct job *j = b->j;
	struct target *t = &j->s->target;
	int ret;

	for (;;) {
		ret = tracker_install(&t->tracker, NULL, err);
		if (ret <= 0)
			return ret;
		if (t->driver->is_passing(err))
			ret = wait_for_runner(j, err);
		else if (err->code == ERR_NONE) /* the other one did it */
			ret = look_again(j, err);
		else /* it is not ours to make */
			return refuse_table(b, err);
		if (ret < 0)
			return -1;
		memset(err, 0, sizeof(*err));
	}
}

static int read_progress(struct backfill *b, struct err *err)
{
	int ret = ask_progress(b, err);

	if (ret <= 0)
		return ret;
	if (make_table(b, err) < 0)
		return -1;
	ret = ask_progress(b, err);
	return ret > 0 ? refuse_table(b, err) : ret;
}

/*
 * Whether somebody else has moved on: 0 when it was waited for, or is our turn again;
 * 1 when nobody has; -1.
 */
static int meet_other(struct backfill *b, struct err *err)
{
	const uint64_t batches = b->at.batches;
	struct err why = { 0 };

	if (read_progress(b, &why) < 0) {
		*err = why;
		return -1;
	}
	if (b->at.batches == batches)
		return 1;
	memset(err, 0, sizeof(*err));
	if (b->done || b->j->o->wait)
		return target_pause(&b->j->s->target, LOOK_MS, err);
	err_set(err, ERR_REFUSED, "migration '%s' is still being run", b->w.script.name);
	err_detail(err, "Another git migrate has just done a batch of it.");
	err_hint(err, "started",
		 "Run the command again when it is done, or let git migrate wait for "
		 "it: git migrate apply --wait%s",
		 target_argument(&b->j->s->target));
	return -1;
}

/* --- one batch --------------------------------------------------------- */

static int give_unit(void *arg, size_t i UNUSED, struct db_unit *out,
		     struct err *err UNUSED)
{
	struct backfill *b = arg;
	struct target *t = &b->j->s->target;
	unsigned wait = b->j->o->wait ? INT_MAX : b->done ? TURN_MS : 0;

	memset(out, 0, sizeof(*out));
	out->script = &b->script;
	out->counted = true;
	tracker_begin(&t->tracker, ledger_last(&t->ledger), wait, &b->w.head, out);
	FAULT_POINT("locked");
	return 0;
}

static int64_t run_ms(const struct backfill *b)
{
	return b->resumed ? -1 : clock_ms() - b->since;
}

/* How far it is then, and behind the last batch that it is applied. */
static int give_records(void *arg, size_t i UNUSED, const struct db_report *report,
			const struct db_statement **out, size_t *nr,
			struct err *err UNUSED)
{
	struct backfill *b = arg;
	struct tracker *t = &b->j->s->target.tracker;
	const struct record *head = ledger_last(&b->j->s->target.ledger);
	struct work *w = &b->w;

	b->next.batches = b->at.batches + 1;
	b->next.rows = b->at.rows + report->rows;
	buf_reset(&b->next.upto);
	buf_adds(&b->next.upto, buf_str(&b->range.upto));
	progress_write(t, w->script.name, b->blob, &b->next, b->at.batches, &b->row,
		       &b->statements[0]);
	b->report = (struct db_report){ .statements = (unsigned)b->next.batches,
					.rows = b->next.rows,
					.ms = run_ms(b) };
	w->nr_records = 0;
	if (b->range.last)
		work_record(b->j, w, head, &b->report, NULL);
	memcpy(b->statements + 1, w->statements, w->nr_records * sizeof(*b->statements));
	*nr = 1 + tracker_prove(t, head, w->records, b->statements + 1, w->nr_records,
				&w->proof);
	*out = b->statements;
	FAULT_POINT("recorded");
	return 0;
}

static void on_done(void *arg, size_t i UNUSED, const struct db_report *report UNUSED)
{
	struct backfill *b = arg;
	struct progress was = b->at;

	FAULT_POINT("committed");
	b->at = b->next;
	b->next = was;
	b->done++;
	b->j->tries = 0;
	b->j->patience = 0;
	b->j->name_blockers = false;
	b->j->result->begun = true;
	tell(b, APPLY_BATCH);
	if (!b->range.last)
		return;
	work_done(b->j, &b->w, &b->report);
	b->settled = true;
}

/* The answer to COMMIT never came: the log, or the row beside it, has it or not. */
static int meet_lost(struct backfill *b, struct err *err)
{
	const struct record *found;

	if (find_lost(b->j, &b->w, &found, err) < 0)
		return stop(b, err);
	if (found) {
		work_was_done(b->j, &b->w, found);
		b->settled = true;
		return 0;
	}
	memset(err, 0, sizeof(*err));
	return read_progress(b, err);
}

/* What to do about a batch that was not done: 0 goes on, -1 gives up. */
static int meet_failure(struct backfill *b, const struct db_failure *f, struct err *err)
{
	struct job *j = b->j;
	const struct db_driver *driver = j->s->target.driver;
	int other;

	if (err->code == ERR_UNCERTAIN)
		return meet_lost(b, err);
	if (err->code == ERR_INTERRUPTED)
		return stop(b, err);
	if (f->phase == DB_EXPECT)
		return look_again(j, err);
	if (f->phase <= DB_LOCK && driver->is_conflict(err))
		return wait_for_runner(j, err);
	if (driver->is_passing(err)) {
		if (pause_for_lock(j, err) == 0)
			return 0;
		if (err->code == ERR_INTERRUPTED)
			return stop(b, err);
		hint_patience(j, err);
	}
	if (f->phase == DB_RECORD) {
		other = meet_other(b, err);
		if (other <= 0)
			return other;
	}
	return f->phase >= DB_SCRIPT && err->code == ERR_REFUSED ? fail(b, err)
								 : stop(b, err);
}

static int run_range(struct backfill *b, struct err *err)
{
	const struct db_batch batch = {
		.nr = 1,
		.unit = give_unit,
		.records = give_records,
		.done = on_done,
		.arg = b,
		.name_blockers = b->j->name_blockers,
	};
	struct target *t = &b->j->s->target;
	struct db_failure failure;

	buf_reset(&b->text);
	sql_backfill_text(&b->sql, b->at.batches ? buf_str(&b->at.upto) : NULL,
			  buf_str(&b->range.upto), &b->text);
	b->script = b->w.script;
	b->script.sql = buf_str(&b->text);
	b->script.len = b->text.len;
	b->w.nr_records = 0;
	if (t->driver->run(t->db, &batch, &failure, err) == 0)
		return 0;
	return meet_failure(b, &failure, err);
}

/* --- not too fast ------------------------------------------------------ */

/* A batch that took long is made smaller, and one that did not larger again. */
static void fit_size(struct backfill *b, int64_t ms)
{
	const int64_t slow = b->j->s->target.batch_slow_ms;

	if (slow && ms > slow && b->size > b->sql.size / SMALLEST && b->size > 1)
		b->size /= 2;
	else if (ms <= slow / 2 && b->size < b->sql.size)
		b->size = b->size * 2 < b->sql.size ? b->size * 2 : b->sql.size;
}

/*
 * Others get their turn: a slow batch is followed by as long a pause; in a file, whose
 * lock is one and is looked for now and then, each.
 */
static int breathe(struct backfill *b, int64_t ms, struct err *err)
{
	struct target *t = &b->j->s->target;
	const bool slow = t->batch_slow_ms && ms > t->batch_slow_ms;
	const bool is_file = t->driver->capabilities(t->db)->file;
	int pause = (int)t->batch_pause_ms;

	fit_size(b, ms);
	if (slow)
		tell_how(b, APPLY_LOADED, LOAD_SLOW, "the server is slow");
	if (slow || (is_file && pause && pause < ms))
		pause = (int)(ms < TURN_MS ? ms : TURN_MS);
	return target_pause(t, pause, err) < 0 ? stop(b, err) : 0;
}

/* Whether a replica has to catch up first: 1 when that was waited for a while; 0; -1. */
static int wait_for_replica(struct backfill *b, struct err *err)
{
	struct target *t = &b->j->s->target;
	const char *why;

	if (!t->batch_lag_mib || b->range.behind <= (uint64_t)t->batch_lag_mib * MIB)
		return 0;
	why = pool_printf(&t->pool, "replica '%s' is %" PRIu64 " MiB behind",
			  buf_str(&b->range.replica), b->range.behind / MIB);
	tell_how(b, APPLY_LOADED, LOAD_LAG, why);
	return target_pause(t, LOOK_MS, err) < 0 ? stop(b, err) : 1;
}

/* --- the whole --------------------------------------------------------- */

/* Nothing is left to be done in a batch: the record alone. */
static int finish(struct backfill *b, struct err *err)
{
	const struct db_report report = { .statements = (unsigned)b->at.batches,
					  .rows = b->at.rows,
					  .ms = run_ms(b) };

	if (settle_done(b->j, &b->w, &report, NULL, err) < 0)
		return -1;
	b->settled = true;
	return 0;
}

static int next_batch(struct backfill *b, struct err *err)
{
	struct target *t = &b->j->s->target;
	int64_t since;
	int ret = progress_next(&t->tracker, &b->sql,
				b->at.batches ? buf_str(&b->at.upto) : NULL, b->size,
				&b->range, err);

	FAULT_POINT("ranged");
	if (ret < 0)
		return stop(b, err);
	ret = wait_for_replica(b, err);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	if (!b->range.upto.len)
		return finish(b, err);
	since = clock_ms();
	ret = run_range(b, err);
	return ret < 0 || b->settled ? ret : breathe(b, clock_ms() - since, err);
}

static int begin(struct backfill *b, struct err *err)
{
	int ret = write_started(b->j, &b->w, err);

	if (ret == 0)
		ledger_fold(&b->j->s->target.ledger);
	FAULT_POINT("started");
	return ret < 0 ? -1 : 0;
}

/* Another runner has settled it, or a person has closed it. */
static int meet_closed(struct backfill *b, const struct ledger_entry *entry,
		       struct err *err)
{
	if (!survey_is_pending(b->j->s, b->w.pos)) {
		b->settled = true;
		return 0;
	}
	if (!b->done)
		return begin(b, err);
	err_set(err, ERR_REFUSED, "migration '%s' was closed meanwhile",
		b->w.script.name);
	err_detail(err, "%s",
		   entry && entry->failed ? "Another run of it has failed."
					  : "Somebody has abandoned it.");
	err_hint(err, "started", "git migrate diagnose%s %s",
		 target_argument(&b->j->s->target), b->w.script.name);
	return -1;
}

static int run_rest(struct backfill *b, struct err *err)
{
	const struct ledger_entry *entry;
	int ret = 0;

	while (ret == 0 && !b->settled) {
		entry = ledger_find(&b->j->s->target.ledger, b->w.script.name);
		if (entry && entry->started)
			ret = next_batch(b, err);
		else
			ret = meet_closed(b, entry, err);
	}
	return ret;
}

/* All that can be known before it is begun is asked before. */
static int prepare(struct backfill *b, struct err *err)
{
	struct job *j = b->j;
	struct target *t = &j->s->target;

	if (work_begin(j, &j->steps[j->next], &b->w, err) < 0)
		return -1;
	oid_hex(&j->s->plan.items[b->w.pos].blob, b->blob);
	b->sql.rowids = t->driver->capabilities(t->db)->rowids;
	if (sql_backfill_read(&b->sql, &b->w.script.batch, b->w.script.sql,
			      b->w.script.len, err) < 0 ||
	    renew_session(j, err) < 0 || read_progress(b, err) < 0 ||
	    progress_check(&t->tracker, &b->sql, &b->rows_of, err) < 0)
		return -1;
	b->resumed = b->at.batches > 0;
	b->size = b->sql.size;
	b->since = clock_ms();
	return 0;
}

int run_backfill(struct job *j, struct err *err)
{
	struct backfill b = { .j = j };
	int ret = prepare(&b, err);

	if (ret == 0)
		ret = run_rest(&b, err);
	else if (!j->result->failed && b.w.script.name)
		j->result->failed = xstrdup(b.w.script.name);
	sql_backfill_release(&b.sql);
	progress_release(&b.at);
	progress_release(&b.next);
	progress_range_release(&b.range);
	buf_release(&b.text);
	work_release(&b.w);
	return ret;
}

/* --- what others are told of it ---------------------------------------- */

bool backfill_is_asked(const char *sql, size_t len)
{
	struct trailers trailers = { 0 };
	struct directives how = { 0 };
	struct pool pool = { 0 };
	bool ret;

	trailers_from_header(&trailers, &how, &pool, sql, len);
	ret = directives_ask(&how, "batch");
	pool_release(&pool);
	return ret;
}

static void say_done(const struct progress *p, struct buf *out)
{
	buf_addf(out, "%" PRIu64 " row%s done in %" PRIu64 " batch%s, up to %s", p->rows,
		 plural(p->rows), p->batches, p->batches == 1 ? "" : "es",
		 buf_str(&p->upto));
}

int backfill_describe(struct target *t, const struct record *r, struct buf *out,
		      struct err *err)
{
	struct progress p = { 0 };
	int ret = progress_read(&t->tracker, r->field[FIELD_PATH], r->field[FIELD_BLOB],
				0, &p, err);

	if (ret == 0 && p.batches)
		say_done(&p, out);
	else if (ret >= 0)
		buf_adds(out, "no batch of it is done");
	progress_release(&p);
	return ret < 0 ? -1 : 0;
}

int backfill_is_partly_done(struct target *t, const struct migration *m,
			    struct backfill_part *out, struct err *err)
{
	const struct ledger_entry *e = ledger_find(&t->ledger, m->path);
	struct progress p = { 0 };
	char blob[OID_HEXSZ + 1];
	int ret;

	/* what has no record was never begun */
	if (!t->has_tracker || !e || e->settled)
		return 0;
	ret = progress_find(&t->tracker, m->path, oid_hex(&m->blob, blob), &p, err);
	if (ret >= 0)
		ret = ret == 0 && p.batches;
	if (ret > 0) {
		say_done(&p, &out->words);
		memcpy(out->blob, p.blob, sizeof(out->blob));
		out->changed = strcmp(p.blob, blob) != 0;
	}
	progress_release(&p);
	return ret;
}
