/* Migrations in transactions: given to the driver one after the other. */
#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/io.h"
#include "base/text.h"
#include "flow/job.h"
#include "flow/trial.h"
#include "git/repo.h"

enum {
	TURN_MS = 60000, /* for another runner that was let in between two of ours */
	PAUSE_MIN_MS = 100,
	PAUSE_MAX_MS = 4000,
};

struct batch {
	struct job *j;
	struct work *works;
	size_t nr, done;
	struct trial trial; /* dry run: of the last one, where that is run in batches */
};

/* --- what the driver asks for ------------------------------------------ */

/* Batches are elsewhere, but in a dry run. */
static bool is_trial(const struct work *w)
{
	return !w->founding && !w->ending && w->script.batched;
}

/* The record that unit `i` will follow. */
static const struct record *head_of(const struct batch *b, size_t i)
{
	const struct work *before;

	if (i == b->done)
		return ledger_last(&b->j->s->target.ledger);
	before = &b->works[i - 1];
	return &before->records[before->nr_records - 1];
}

static unsigned lock_wait(const struct job *j)
{
	if (j->o->wait)
		return INT_MAX;
	return j->result->done ? TURN_MS : 0;
}

/* The tracker's own tables come before the migrations that it is to record. */
static int give_founding(struct job *j, struct work *w, struct db_unit *out)
{
	struct target *t = &j->s->target;

	if (!tracker_found(&t->tracker, &w->records[0], w->founding, out))
		BUG("the tracker of '%s' is there", t->name);
	return 0;
}

static int give_unit(void *arg, size_t i, struct db_unit *out, struct err *err)
{
	struct batch *b = arg;
	struct job *j = b->j;
	struct work *w = &b->works[i];

	if (w->founding)
		return give_founding(j, w, out);
	if (!w->ending && !w->script.name && work_begin(j, w->given, w, err) < 0)
		return -1;
	memset(out, 0, sizeof(*out));
	if (!w->ending && w->step.event == EVENT_APPLIED)
		out->script = &w->script;
	out->with_next = w->with_next;
	if (j->o->dry_run)
		return 0;
	tracker_begin(&j->s->target.tracker, head_of(b, i), lock_wait(j), &w->head, out);
	FAULT_POINT("locked");
	return 0;
}

/* Whether there is a run to describe: something was applied in it, or is now. */
static bool has_run(const struct batch *b, size_t i)
{
	const struct work *w;

	for (w = b->works + b->done; w < b->works + i; w++)
		if (!w->founding && w->step.event == EVENT_APPLIED)
			return true;
	return b->j->nr_durations > 0;
}

/* One that cannot be composed stops nothing: ran_write() tries once more, and tells. */
static void compose_ending(struct batch *b, size_t i)
{
	struct work *w = &b->works[i];
	struct err ignored;

	w->nr_records = 0;
	if (!has_run(b, i) || ran_compose(b->j, head_of(b, i), b->works + b->done,
					  i - b->done, &w->records[0], &ignored) < 0)
		return;
	w->nr_records = 1;
	tracker_append(&b->j->s->target.tracker, &w->records[0], &w->rows[0],
		       &w->statements[0]);
}

static int give_records(void *arg, size_t i, const struct db_report *report,
			const struct db_statement **out, size_t *nr,
			struct err *err UNUSED)
{
	struct batch *b = arg;
	struct work *w = &b->works[i];

	w->ms = report->ms;
	if (b->j->o->dry_run) {
		*nr = 0;
		return 0;
	}
	if (w->founding) {
		*out = w->founding->records;
		*nr = w->founding->nr_records;
		return 0;
	}
	if (w->ending)
		compose_ending(b, i);
	else
		work_record(b->j, w, head_of(b, i), report, NULL);
	*out = w->statements;
	*nr = 0;
	*nr = w->nr_records;
	if (w->nr_records && w->step.event == EVENT_APPLIED && !w->ending)
		*nr = tracker_prove(&b->j->s->target.tracker, head_of(b, i), w->records,
				    w->statements, w->nr_records, &w->proof);
	FAULT_POINT("recorded");
	return 0;
}

static void end_run(struct job *j, const struct work *w)
{
	if (!w->nr_records)
		return;
	ledger_add(&j->s->target.ledger, &w->records[0]);
	j->ran = true;
}

/* In a dry run: what comes behind such a one would need the other batches too. */
static void trial_done(struct batch *b, struct work *w, struct db_report *report)
{
	report->statements = (unsigned)b->trial.batches;
	b->j->tried_batches = true;
	work_done(b->j, w, report);
}

static void on_done(void *arg, size_t i, const struct db_report *report)
{
	struct batch *b = arg;
	struct db_report tried = *report;

	FAULT_POINT("committed");
	b->done = i + 1;
	if (b->works[i].ending) {
		end_run(b->j, &b->works[i]);
		return;
	}
	if (is_trial(&b->works[i])) {
		trial_done(b, &b->works[i], &tried);
		return;
	}
	if (!b->works[i].founding) {
		work_done(b->j, &b->works[i], report);
		return;
	}
	founded(b->j, &b->works[i].records[0]);
	target_remember(&b->j->s->target, b->j->repo); /* a server is at work meanwhile */
}

static void on_statement(void *arg, size_t i, unsigned line, int64_t ms)
{
	struct batch *b = arg;

	if (b->works[i].founding || b->works[i].ending)
		return;
	job_tell(b->j,
		 (struct apply_event){ .step = APPLY_STATEMENT,
				       .migration = &b->j->s->plan.items[b->works[i].pos],
				       .line = line,
				       .ms = ms });
}

static void on_progress(void *arg, size_t i, uint64_t bytes, unsigned statements)
{
	struct batch *b = arg;
	const struct work *w = &b->works[i];

	if (w->founding || w->ending)
		return;
	job_tell(b->j, (struct apply_event){ .step = APPLY_PROGRESS,
					     .migration = &b->j->s->plan.items[w->pos],
					     .nr = b->j->next + 1,
					     .of = b->j->nr,
					     .statements = statements,
					     .bytes = bytes,
					     .bytes_of = w->size });
}

static void on_touched(void *arg, size_t i, const struct db_touched *what)
{
	struct batch *b = arg;

	if (!what->lock && !what->dropped && !what->rewritten && !what->destroyed)
		return;
	job_tell(b->j,
		 (struct apply_event){ .step = APPLY_TOUCHED,
				       .migration = &b->j->s->plan.items[b->works[i].pos],
				       .touched = what });
}

/* --- what stopped it --------------------------------------------------- */

int pause_for_lock(struct job *j, struct err *err)
{
	const struct err why = *err;
	int64_t now = clock_ms();
	char random[NONCE_TEXT];
	unsigned ms;

	if (!j->patience) {
		j->patience = now + 1000 * (int64_t)j->s->target.lock_retry_s;
		j->pause_ms = PAUSE_MIN_MS;
	}
	if (now >= j->patience)
		return -1;
	/* 50 to 100 %, so that two who wait do not meet again */
	nonce_random(random);
	random[4] = '\0';
	ms = j->pause_ms / 2 +
	     (unsigned)strtoul(random, NULL, 16) % (j->pause_ms / 2 + 1);
	job_tell(j, (struct apply_event){
			    .step = APPLY_WAITING, .ms = ms, .text = why.message });
	j->pause_ms = j->pause_ms * 2 < PAUSE_MAX_MS ? j->pause_ms * 2 : PAUSE_MAX_MS;
	j->name_blockers = true;
	return target_pause(&j->s->target, (int)ms, err);
}

void hint_patience(const struct job *j, struct err *err)
{
	if (strcmp(err->sqlstate, "55P03") == 0 || !err->hint[0])
		err_hint(err, "lock-timeout",
			 "It was tried again and again for %u seconds, waiting a moment "
			 "each time so that nobody had to queue behind it. Try again "
			 "when the other session is done, or end it.",
			 j->s->target.lock_retry_s);
}

int wait_for_runner(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;

	if (!j->o->wait || err->code == ERR_INTERRUPTED)
		return tracker_held(&t->tracker, err);
	return target_pause(t, PAUSE_MIN_MS, err);
}

/* The tracker could not be made: others make it, or it cannot be. */
static int meet_unfounded_unit(struct job *j, const struct db_failure *f, struct err *err)
{
	struct target *t = &j->s->target;
	int ret = f->phase == DB_EXPECT ? 1 : tracker_not_installed(&t->tracker, err);

	return meet_unfounded(j, ret, err);
}

/* All migrations are done. What is missing is told by ran_write(). */
static int meet_unended(struct err *err)
{
	if (err->code == ERR_INTERRUPTED)
		return -1;
	memset(err, 0, sizeof(*err));
	return 0;
}

/* A dry run commits nothing. */
static int leave_untried(struct job *j, struct err *err)
{
	j->needs_commit = true;
	memset(err, 0, sizeof(*err));
	return 1;
}

/* What runs together has to be committed one after the other. */
static int part(struct job *j, size_t culprit, struct err *err)
{
	job_part(j, j->next + culprit, err);
	memset(err, 0, sizeof(*err));
	return 0;
}

/* What it has tried is gone with the transaction, and told already. */
static void hint_dry(struct err *err)
{
	err_hint(err, "lock-timeout",
		 "A dry run is one transaction, which waits for a lock no longer than "
		 "that. Try again when the other session is done: git migrate apply -n");
}

/* What to do about unit `f->unit`: 0 tries again, -1 gives up. */
static int meet_failure(struct batch *b, const struct db_failure *f, struct err *err)
{
	struct job *j = b->j;
	struct target *t = &j->s->target;
	struct work *w = &b->works[f->unit], *culprit = &b->works[f->culprit];

	if (w->ending)
		return meet_unended(err);
	if (err->code == ERR_UNCERTAIN)
		return settle_lost(j, w, f->sent - f->unit - b->works[f->sent - 1].ending,
				   err);
	if (f->sent > f->unit) {
		if (settle_unseen(j, w, f->sent - f->unit, err) < 0)
			return -1;
		w = &b->works[f->sent];
	}
	if (w->founding)
		return meet_unfounded_unit(j, f, err);
	if (f->phase == DB_EXPECT)
		return look_again(j, err);
	if (f->phase <= DB_LOCK && t->driver->is_conflict(err))
		return wait_for_runner(j, err);
	if (j->o->dry_run && b->done > 0 && t->driver->is_passing(err)) {
		hint_dry(err);
	} else if (t->driver->is_passing(err)) {
		if (pause_for_lock(j, err) == 0)
			return 0;
		if (err->code != ERR_INTERRUPTED)
			hint_patience(j, err);
	}
	if (f->phase < DB_SCRIPT)
		return -1;
	if (b->done > 0 && j->o->dry_run &&
	    t->driver->needs_commit(err, &culprit->script))
		return leave_untried(j, err);
	if (culprit != w && !j->o->dry_run &&
	    t->driver->needs_commit(err, &culprit->script))
		return part(j, (size_t)(culprit - w), err);
	if (is_trial(culprit))
		trial_failed(&b->trial, err);
	if (culprit != w)
		j->result->undone = xstrdup(j->s->plan.items[w->pos].path);
	work_failed(j, culprit, err);
	return -1;
}

/* --- the whole --------------------------------------------------------- */

/* How many of the next can be given to the driver at once. */
static int count_units(struct job *j, size_t *nr, struct err *err)
{
	const struct db_capabilities *caps = j->s->target.driver->capabilities(
		j->s->target.db);
	const struct step *step;
	struct db_script script;

	for (*nr = 0; j->next + *nr < j->nr; ++*nr) {
		if (*nr && caps->fresh_session && !j->o->dry_run)
			break;
		step = &j->steps[j->next + *nr].step;
		if (read_directives(j, step->pos, &script, err) < 0)
			return -1;
		if (step->event != EVENT_APPLIED ||
		    (!script.no_transaction && !script.batched))
			continue;
		*nr += script.batched && j->o->dry_run;
		break;
	}
	return 0;
}

int renew_session(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;
	bool used = j->session_used;

	j->session_used = true;
	if (!used || !t->driver->capabilities(t->db)->fresh_session)
		return 0;
	return t->driver->reconnect(t->db, err);
}

static int run_works(struct batch *b, struct err *err)
{
	struct job *j = b->j;
	const struct db_batch batch = {
		.nr = b->nr,
		.unit = give_unit,
		.records = give_records,
		.done = on_done,
		/* asked for alone, since it costs an answer each */
		.statement = j->o->durations ? on_statement : NULL,
		.progress = on_progress,
		.touched = on_touched,
		.arg = b,
		.dry = j->o->dry_run,
		.fresh = b->works[0].founding != NULL,
		.name_blockers = j->name_blockers,
	};
	struct db_failure failure;
	int ret;

	ret = j->s->target.driver->run(j->s->target.db, &batch, &failure, err);
	if (ret < 0)
		ret = meet_failure(b, &failure, err);
	return ret == 1 ? RUN_UNTRIED : ret;
}

/*
 * Whether the batch ends with the record that ends the run: in a file, where it costs
 * nothing in the transaction before it. A server is sent all records before anything
 * has run, and so before it can be asked what came of it.
 */
static bool ends_run(const struct job *j, size_t nr)
{
	const struct target *t = &j->s->target;

	return !j->o->dry_run && j->next + nr == j->nr &&
	       t->driver->capabilities(t->db)->file;
}

static void plan_work(struct work *w, const struct job_step *step)
{
	w->given = step;
	w->pos = step->step.pos;
	w->step = step->step;
}

/* The works of a batch: what comes next, behind the tracker where that is new. */
static int plan_works(struct batch *b, struct tracker_founding *founding, struct err *err)
{
	size_t first = b->j->founding, last = ends_run(b->j, b->nr), i;

	b->nr += first + last;
	b->works = xcalloc(b->nr, sizeof(*b->works));
	for (i = first; i < b->nr - last; i++)
		plan_work(&b->works[i], &b->j->steps[b->j->next + i - first]);
	b->works[b->nr - 1].ending = last;
	if (!first)
		return 0;
	b->works[0].founding = founding;
	b->works[0].nr_records = 1;
	if (make_created(b->j, &b->works[0].records[0], err) < 0)
		return -1;
	/* the records behind it name it before it is there */
	b->j->s->target.ledger.target = b->works[0].records[0].field[FIELD_TARGET];
	return 0;
}

/* What cannot be asked any more when the transaction is open. */
static int prepare_trial(struct batch *b, struct err *err)
{
	struct work *w = &b->works[b->nr - 1];
	struct job *j = b->j;
	struct db_script script;

	if (!j->o->dry_run || w->step.event != EVENT_APPLIED)
		return 0;
	if (read_directives(j, w->pos, &script, err) < 0)
		return -1;
	if (!script.batched)
		return 0;
	if (work_begin(j, w->given, w, err) == 0 &&
	    trial_prepare(&b->trial, j, w, b->nr == 1, err) == 0)
		return 0;
	j->result->failed = xstrdup(j->s->plan.items[w->pos].path);
	return -1;
}

int run_batch(struct job *j, struct err *err)
{
	struct tracker_founding founding;
	struct batch b = { .j = j };
	size_t i;
	int ret;

	if (count_units(j, &b.nr, err) < 0)
		return -1;
	ret = renew_session(j, err);
	if (ret == 0)
		ret = plan_works(&b, &founding, err);
	if (ret == 0)
		ret = prepare_trial(&b, err);
	if (ret == 0)
		ret = run_works(&b, err);
	trial_release(&b.trial);
	for (i = 0; i < b.nr; i++)
		work_release(&b.works[i]);
	free(b.works);
	return ret;
}
