/*
 * Migrations that cannot run in a transaction. `started` is committed before the
 * statement is sent; what became of it is read from the database, not guessed:
 * `applied` or `failed` closes it, by this run or by a later one.
 */
#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "flow/job.h"

enum { LOOK_MS = 500 };

/* Runs out where another runner has written to the log meanwhile. */
static int write_records(struct job *j, struct work *w, struct err *err)
{
	struct target *t = &j->s->target;
	int ret = tracker_write(&t->tracker, ledger_last(&t->ledger), w->records,
				w->nr_records, 0, err);

	if (ret == 1)
		return look_again(j, err) < 0 ? -1 : 1;
	return ret;
}

/* It has taken effect: settles it. 0 or -1. */
static int finish(struct job *j, struct work *w, const struct db_report *report,
		  const char *reason, struct err *err)
{
	int ret;

	work_record(j, w, ledger_last(&j->s->target.ledger), report, reason);
	ret = write_records(j, w, err);
	if (ret == 0)
		work_done(j, w, report);
	return ret < 0 ? -1 : 0;
}

/* Neither it nor anything of it is there: it failed. Returns -1. */
static int give_up(struct job *j, struct work *w, const char *seen, struct err *err)
{
	work_failed(j, w, err);
	err_detail(err, "%s%s%s", err->detail, err->detail[0] ? "\n" : "", seen);
	return -1;
}

static int leave_open(struct job *j, const struct work *w, const char *seen,
		      struct err *err)
{
	const char *path = j->s->plan.items[w->pos].path;

	j->result->failed = xstrdup(path);
	j->result->open = true;
	err_detail(err, "%s%s%s", err->detail, err->detail[0] ? "\n" : "", seen);
	err_hint(err, "started",
		 "It stays open, and nothing else is applied, until it is settled: git "
		 "migrate diagnose %s",
		 path);
	return -1;
}

static enum db_evidence look(struct job *j, const struct work *w, struct buf *seen)
{
	struct target *t = &j->s->target;
	enum db_evidence evidence;
	struct err ignored = { 0 };

	buf_reset(seen);
	if (t->driver->evidence(t->db, &w->script, &evidence, seen, &ignored) < 0)
		return DB_UNKNOWN;
	return evidence;
}

/* What is to be done after a failure that the server or a signal brought. */
static int after_failure(struct job *j, struct work *w, struct err *err)
{
	struct target *t = &j->s->target;
	struct db_report report = { .ms = -1 };
	enum db_evidence evidence;
	struct buf seen = BUF_INIT;
	struct err quiet = { 0 };
	int ret;

	target_grace(t);
	evidence = look(j, w, &seen);
	if (evidence == DB_HALF && t->driver->mend(t->db, &w->script, &quiet) == 0)
		evidence = look(j, w, &seen);
	/* what the server refused is not done, though something else looks like it */
	if (evidence == DB_FINISHED && err->code == ERR_INTERRUPTED)
		ret = finish(j, w, &report, buf_str(&seen), err);
	else if (evidence == DB_ABSENT || evidence == DB_REPEAT ||
		 evidence == DB_FINISHED)
		ret = give_up(j, w, buf_str(&seen), err);
	else
		ret = leave_open(j, w, buf_str(&seen), err);
	buf_release(&seen);
	return ret;
}

/* The connection went away in the midst of it. */
static int after_loss(struct job *j, struct work *w, struct err *err)
{
	struct target *t = &j->s->target;

	if (t->driver->reconnect(t->db, err) == 0)
		return look_again(j, err); /* and goes on with what is open */
	err->code = ERR_UNCERTAIN;
	return leave_open(j, w, "It may still be at work there.", err);
}

/* Sends the statement; `started` stands. */
static int start(struct job *j, struct work *w, struct err *err)
{
	struct target *t = &j->s->target;
	struct db_report report = { 0 };
	struct db_unit unit = { .script = &w->script };

	tracker_begin(&t->tracker, ledger_last(&t->ledger), 0, &w->head, &unit);
	if (t->driver->run_alone(t->db, &unit, &report, err) == 0)
		return finish(j, w, &report, NULL, err);
	if (err->code == ERR_UNCERTAIN)
		return after_loss(j, w, err);
	return after_failure(j, w, err);
}

static int refuse_running(struct job *j, const struct work *w, const char *seen,
			  struct err *err)
{
	if (j->o->wait)
		return target_pause(&j->s->target, LOOK_MS, err);
	err_set(err, ERR_REFUSED, "migration '%s' is still being run", w->script.name);
	err_detail(err, "%s", seen);
	err_hint(err, "started",
		 "Run the command again when it is done, or let git migrate wait for "
		 "it: git migrate apply --wait");
	return -1;
}

static int refuse_unknown(struct job *j, const struct work *w, const char *seen,
			  struct err *err)
{
	err_set(err, ERR_REFUSED, "migration '%s' was started and not finished",
		w->script.name);
	return leave_open(j, w, seen, err);
}

/* A run before this one has begun it. */
static int go_on(struct job *j, struct work *w, struct err *err)
{
	const struct db_driver *driver = j->s->target.driver;
	struct db_report report = { .ms = -1 };
	struct buf seen = BUF_INIT;
	enum db_evidence evidence;
	int ret = -1;

	if (driver->evidence(j->s->target.db, &w->script, &evidence, &seen, err) < 0)
		goto out;
	switch (evidence) {
	case DB_FINISHED:
		report.statements = 1;
		ret = finish(j, w, &report, buf_str(&seen), err);
		break;
	case DB_HALF:
		if (driver->mend(j->s->target.db, &w->script, err) < 0)
			break;
		ret = start(j, w, err);
		break;
	case DB_ABSENT:
	case DB_REPEAT:
		ret = start(j, w, err);
		break;
	case DB_RUNNING:
		ret = refuse_running(j, w, buf_str(&seen), err);
		break;
	case DB_UNKNOWN:
		ret = refuse_unknown(j, w, buf_str(&seen), err);
		break;
	}
out:
	buf_release(&seen);
	return ret;
}

/* Were its effect there already, nothing could tell later whether it ran. */
static int refuse_done(struct job *j, const struct work *w, struct err *err)
{
	struct buf seen = BUF_INIT;
	int ret = 0;

	if (look(j, w, &seen) == DB_FINISHED) {
		ret = err_set(err, ERR_REFUSED,
			      "what migration '%s' is to do is there already",
			      w->script.name);
		err_detail(err, "%s", buf_str(&seen));
		err_hint(err, "started",
			 "Undo what was done by hand, so that the migration does it; or "
			 "give its object another name.");
	}
	buf_release(&seen);
	return ret;
}

/* 0; 1 when another runner was first; -1. */
static int write_started(struct job *j, struct work *w, struct err *err)
{
	int ret;

	if (refuse_done(j, w, err) < 0)
		return -1;
	w->nr_records = 0;
	work_begin_record(j, w, EVENT_STARTED, ledger_last(&j->s->target.ledger));
	work_seal_records(j, w);
	ret = write_records(j, w, err);
	if (ret == 0)
		ledger_add(&j->s->target.ledger, &w->records[0]);
	return ret;
}

int run_alone(struct job *j, struct err *err)
{
	const struct ledger_entry *entry;
	struct work w = { 0 };
	int ret = work_read(j, j->todo[j->next], &w, err);

	if (ret == 0) {
		entry = ledger_find(&j->s->target.ledger, w.script.name);
		if (entry && entry->started) {
			ret = go_on(j, &w, err);
		} else {
			ret = write_started(j, &w, err);
			if (ret == 0)
				ret = start(j, &w, err);
		}
	}
	work_release(&w);
	return ret < 0 ? -1 : 0;
}
