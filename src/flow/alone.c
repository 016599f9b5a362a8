/*
 * Migrations that cannot run in a transaction. `started` is committed before the
 * statement is sent; what became of it is read from the database, not guessed:
 * `applied` or `failed` closes it, by this run or by a later one.
 */
#include "base/compat.h"

#include "base/err.h"
#include "base/fault.h"
#include "base/interrupt.h"
#include "base/io.h"
#include "base/pool.h"
#include "flow/job.h"
#include "sql/alone.h"
#include "sql/split.h"

enum {
	LOOK_MS = 500,
	TURN_MS = 60000, /* for another runner that was let in before a record of ours */
};

/* --- what is seen and told --------------------------------------------- */

static void add_detail(struct err *err, const char *fact)
{
	if (fact[0])
		err_detail(err, "%s%sIn the database: %s.", err->detail,
			   err->detail[0] ? "\n" : "", fact);
}

static int look(struct job *j, const struct work *w, enum db_evidence *out,
		struct buf *seen, struct err *err)
{
	struct target *t = &j->s->target;

	buf_reset(seen);
	return t->driver->evidence(t->db, &w->script, out, seen, err);
}

/* As look(), where the session may have ended with the statement. */
static int look_anew(struct job *j, const struct work *w, enum db_evidence *out,
		     struct buf *seen, struct err *err)
{
	if (look(j, w, out, seen, err) == 0)
		return 0;
	if (target_reconnect(&j->s->target, err) < 0)
		return -1;
	return look(j, w, out, seen, err);
}

static void tell_open(struct job *j, const struct work *w)
{
	const struct migration *m = &j->s->plan.items[w->pos];

	if (!j->result->failed)
		j->result->failed = xstrdup(m->path);
	j->result->open = true;
	job_tell(j, (struct apply_event){ .step = APPLY_UNCERTAIN, .migration = m });
}

/* `started` stays as it is. Returns -1. */
static int leave_open(struct job *j, const struct work *w, const char *seen,
		      struct err *err)
{
	tell_open(j, w);
	add_detail(err, seen);
	err_hint(err, "started",
		 "It stays open, and nothing else is applied, until it is settled: git "
		 "migrate diagnose%s %s",
		 target_argument(&j->s->target), w->script.name);
	return -1;
}

/* A part of it is left, which nobody could take away now. Returns -1. */
static int leave_half(struct job *j, struct work *w, const char *seen, struct err *err)
{
	leave_open(j, w, seen, err);
	err_hint(err, "started",
		 "The next \"git migrate apply%s\" takes away what is left of it, as "
		 "soon "
		 "as nobody is in the way, and runs it again.",
		 target_argument(&j->s->target));
	return -1;
}

static int refuse_running(struct job *j, const struct work *w, const char *seen,
			  struct err *err)
{
	if (j->o->wait)
		return target_pause(&j->s->target, LOOK_MS, err);
	err_set(err, ERR_REFUSED, "migration '%s' is still being run", w->script.name);
	tell_open(j, w);
	add_detail(err, seen);
	err_hint(err, "started",
		 "Run the command again when it is done, or let git migrate wait for "
		 "it: git migrate apply --wait%s",
		 target_argument(&j->s->target));
	return -1;
}

static int refuse_unknown(struct job *j, const struct work *w, const char *seen,
			  struct err *err)
{
	err_set(err, ERR_REFUSED, "migration '%s' was started and not finished",
		w->script.name);
	return leave_open(j, w, seen, err);
}

/*
 * What was seen may be the work of another runner, whose records were not there when
 * the log was read: 1 when it has grown, and was judged anew; 0; -1.
 */
static int has_grown(struct job *j, struct err *err)
{
	uint64_t before = ledger_last(&j->s->target.ledger)->seq;

	if (look_again(j, err) < 0)
		return -1;
	return ledger_last(&j->s->target.ledger)->seq != before;
}

/* Whether its effect is that something is not there. */
static bool takes_away(const struct work *w)
{
	struct pool pool = { 0 };
	struct sql_statement st;
	struct sql_split split;
	struct sql_alone a = { 0 };
	struct err ignored;

	if (sql_split_init(&split, w->script.sql, w->script.len, &ignored) == 0 &&
	    sql_split_next(&split, &st, &ignored) > 0)
		sql_alone_read(&st, &pool, &a);
	sql_split_close(&split);
	pool_release(&pool);
	return a.kind == ALONE_DROP || a.kind == ALONE_REMOVE;
}

/* Were its effect there already, nothing could tell later whether it ran. */
static int refuse_done(const struct work *w, const char *seen, struct err *err)
{
	if (takes_away(w)) {
		err_set(err, ERR_REFUSED,
			"what migration '%s' is to take away is not there",
			w->script.name);
		add_detail(err, seen);
		err_hint(err, "started",
			 "Is its name right? Where it was taken away by hand, write IF "
			 "EXISTS: then the migration runs here as elsewhere.");
		return -1;
	}
	err_set(err, ERR_REFUSED, "what migration '%s' is to do is there already",
		w->script.name);
	add_detail(err, seen);
	err_hint(err, "started",
		 "Undo what was done by hand, so that the migration does it; or give "
		 "its object another name.");
	return -1;
}

/* --- records ----------------------------------------------------------- */

static unsigned lock_wait(const struct job *j, bool has_run)
{
	if (j->o->wait)
		return INT_MAX;
	return has_run || j->result->done ? TURN_MS : 0;
}

/*
 * 0, with `*found` set when they are in the ledger already, which was read again
 * since the answer was lost; 1 when another runner has written to the log meanwhile:
 * it was read again; -1.
 */
static int write_records(struct job *j, struct work *w, bool has_run,
			 const struct record **found, struct err *err)
{
	struct target *t = &j->s->target;
	int ret = tracker_write(&t->tracker, ledger_last(&t->ledger), w->records,
				w->nr_records, lock_wait(j, has_run), err);

	*found = NULL;
	if (ret < 0 && err->code == ERR_UNCERTAIN) {
		ret = find_lost(j, w, found, err);
		if (ret < 0 || *found)
			return ret;
		ret = 1; /* it was rolled back: as if others had been first */
	}
	if (ret == 1)
		return look_again(j, err) < 0 ? -1 : 1;
	return ret;
}

/* A signal that comes now does not undo what is done: the record is written. */
static int write_in_spite(struct job *j, struct work *w, const struct record **found,
			  struct err *err)
{
	int ret = write_records(j, w, true, found, err);

	if (ret < 0 && err->code == ERR_INTERRUPTED) {
		target_grace(&j->s->target);
		/* was it taken all the same, the log has grown, and says so */
		if (target_reconnect(&j->s->target, err) == 0)
			ret = write_records(j, w, true, found, err);
	}
	return ret;
}

int settle_done(struct job *j, struct work *w, const struct db_report *report,
		const char *reason, struct err *err)
{
	const struct record *found;
	int ret;

	work_record(j, w, ledger_last(&j->s->target.ledger), report, reason);
	ret = write_in_spite(j, w, &found, err);
	if (ret < 0)
		return leave_open(j, w, "it has taken effect, its record is missing",
				  err);
	if (ret == 0 && found)
		work_was_done(j, w, found);
	else if (ret == 0)
		work_done(j, w, report);
	return 0;
}

/* Seen by what is there, not by an answer: how long it took is not known. */
static int finish_seen(struct job *j, struct work *w, const char *seen, struct err *err)
{
	const struct db_report report = { .statements = 1, .ms = -1 };

	return settle_done(j, w, &report, seen, err);
}

/* Neither it nor anything of it is there: it failed. Returns -1. */
static int give_up(struct job *j, struct work *w, const char *seen, struct err *err)
{
	work_failed(j, w, err);
	add_detail(err, seen);
	return -1;
}

/* --- the statement ----------------------------------------------------- */

/* Another runner has the lock, and is at work on this or another one. */
static int lock_is_held(struct job *j, struct err *err)
{
	if (j->o->wait && err->code != ERR_INTERRUPTED)
		return target_pause(&j->s->target, LOOK_MS, err);
	return tracker_held(&j->s->target.tracker, err);
}

struct settling {
	struct job *j;
	struct work *w;
};

static void on_waits(void *arg, const char *who)
{
	const struct settling *s = arg;

	job_tell(s->j, (struct apply_event){ .step = APPLY_BLOCKED,
					     .migration = &s->j->s->plan.items[s->w->pos],
					     .text = who });
}

static void expect_head(struct settling *s, struct db_unit *unit)
{
	struct target *t = &s->j->s->target;
	const int64_t patience = 1000 * (int64_t)t->lock_retry_s;

	memset(unit, 0, sizeof(*unit));
	unit->script = &s->w->script;
	tracker_begin(&t->tracker, ledger_last(&t->ledger), 0, &s->w->head, unit);
	unit->waits = on_waits;
	unit->patience_ms = s->j->o->wait ? 0 : patience ? patience : 1;
	unit->arg = s;
}

/* Takes away what is there by halves, while no other runner can begin. 0 or -1. */
static int mend(struct job *j, struct work *w, enum db_phase *phase, struct err *err)
{
	struct settling settling = { j, w };
	struct target *t = &j->s->target;
	struct db_unit unit;

	expect_head(&settling, &unit);
	return t->driver->mend(t->db, &unit, phase, err);
}

/*
 * Whether it was ended from outside, which may have come after its last step: then
 * what is there decides. What the server itself refused is not done, though
 * something else looks like it.
 */
static bool was_ended(const struct err *err)
{
	return err->code == ERR_INTERRUPTED ||
	       (strlen(err->sqlstate) == 5 && strncmp(err->sqlstate, "57", 2) == 0);
}

/* CALL and DO can commit, and fail behind that; nothing else does a part for good. */
static bool may_be_partial(const struct work *w)
{
	struct sql_statement st;
	struct sql_split split;
	struct err ignored;
	bool ret = true;

	if (sql_split_init(&split, w->script.sql, w->script.len, &ignored) == 0 &&
	    sql_split_next(&split, &st, &ignored) > 0)
		ret = strncasecmp(st.text, "call", 4) == 0 ||
		      strncasecmp(st.text, "do", 2) == 0;
	sql_split_close(&split);
	return ret;
}

/* The server's own word that it did nothing. */
static bool was_refused(const struct err *err)
{
	return err->code == ERR_REFUSED && err->sqlstate[0] && !was_ended(err) &&
	       strncmp(err->sqlstate, "08", 2) != 0 &&
	       strncmp(err->sqlstate, "XX", 2) != 0 &&
	       strcmp(err->sqlstate, "40003") != 0;
}

/*
 * What is to be done after a failure that the server or a signal brought. A resumed one
 * was not there when it was sent: that it is now may be the work of the session that
 * sent it first, whose client is gone, and is what would be seen a moment later.
 */
static int conclude(struct job *j, struct work *w, struct buf *seen, struct err *err)
{
	enum db_evidence evidence;
	struct err why = { 0 };
	enum db_phase phase;
	bool mended = false;

	if (look_anew(j, w, &evidence, seen, &why) < 0)
		goto unasked;
	if (evidence == DB_HALF && mend(j, w, &phase, &why) == 0) {
		mended = true;
		if (look(j, w, &evidence, seen, &why) < 0)
			goto unasked;
	}
	if (evidence == DB_FINISHED && (mended || was_ended(err) || w->resumed))
		return finish_seen(j, w, buf_str(seen), err);
	if (evidence == DB_UNKNOWN && was_refused(err) && !may_be_partial(w))
		evidence = DB_ABSENT;
	if (evidence == DB_ABSENT || evidence == DB_REPEAT || evidence == DB_FINISHED)
		return give_up(j, w, buf_str(seen), err);
	if (evidence == DB_HALF)
		return leave_half(j, w, buf_str(seen), err);
	return leave_open(j, w, buf_str(seen), err);
unasked:
	if (err->code != ERR_INTERRUPTED)
		err->code = ERR_UNCERTAIN;
	buf_reset(seen);
	buf_addf(seen, "nothing could be asked (%s)", why.message);
	return leave_open(j, w, buf_str(seen), err);
}

/* Somebody was in its way, for as long as it may take or the session's lock_timeout. */
static void hint_wait(const struct job *j, struct err *err)
{
	if (strcmp(err->sqlstate, "55P03") == 0 && !err->hint[0])
		err_hint(err, "lock-timeout",
			 "Run the command again when the other session is done, or end "
			 "it; this one waits as long as it takes: git migrate apply "
			 "--wait%s",
			 target_argument(&j->s->target));
}

static int after_failure(struct job *j, struct work *w, struct err *err)
{
	struct buf seen = BUF_INIT;
	int ret;

	hint_wait(j, err);
	target_grace(&j->s->target);
	ret = conclude(j, w, &seen, err);
	buf_release(&seen);
	return ret;
}

/* The connection went away in the midst of it. */
static int after_loss(struct job *j, struct work *w, struct err *err)
{
	struct err why = { 0 };

	if (target_reconnect(&j->s->target, &why) == 0)
		return look_again(j, err); /* and goes on with what is open */
	return leave_open(j, w, "it may still be at work", err);
}

/* Nothing was sent: another runner was first, or there is no way to the server. */
static int not_begun(struct job *j, struct work *w, enum db_phase phase, struct err *err)
{
	if (phase == DB_EXPECT)
		return look_again(j, err);
	if (phase == DB_LOCK)
		return lock_is_held(j, err);
	return leave_open(j, w, "nothing of it was begun", err);
}

/* Asked for when the statement has run, while no other runner can look at it. */
static int give_records(void *arg, const struct db_report *report,
			const struct db_statement **out, size_t *nr,
			struct err *err UNUSED)
{
	const struct settling *s = arg;

	FAULT_POINT("ran");
	work_record(s->j, s->w, ledger_last(&s->j->s->target.ledger), report, NULL);
	*out = s->w->statements;
	*nr = s->w->nr_records;
	return 0;
}

/* Sends the statement; `started` stands. */
static int start(struct job *j, struct work *w, struct err *err)
{
	struct settling settling = { j, w };
	struct target *t = &j->s->target;
	struct db_report report = { 0 };
	enum db_phase phase = DB_BEGIN;
	struct db_unit unit;

	FAULT_POINT("started");
	expect_head(&settling, &unit);
	unit.records = give_records;
	if (t->driver->run_alone(t->db, &unit, &report, &phase, err) == 0 ||
	    phase >= DB_RECORD) {
		if (!report.recorded) {
			FAULT_POINT("ran");
			return settle_done(j, w, &report, NULL, err);
		}
		work_done(j, w, &report);
		return 0;
	}
	if (err->code == ERR_UNCERTAIN)
		return after_loss(j, w, err);
	if (phase < DB_SCRIPT && err->code != ERR_INTERRUPTED)
		return not_begun(j, w, phase, err);
	return after_failure(j, w, err);
}

/* --- beginning, or going on -------------------------------------------- */

/* It is begun; what is there of it says how to go on. */
static int go_on_with(struct job *j, struct work *w, enum db_evidence evidence,
		      const char *seen, struct err *err)
{
	int grown;

	switch (evidence) {
	case DB_FINISHED:
		return finish_seen(j, w, seen, err);
	case DB_ABSENT:
	case DB_REPEAT:
		return start(j, w, err);
	case DB_RUNNING:
		return refuse_running(j, w, seen, err);
	case DB_HALF: /* mended, and still so */
	case DB_UNKNOWN:
		grown = has_grown(j, err);
		return grown ? grown : refuse_unknown(j, w, seen, err);
	}
	BUG("unhandled evidence %d", (int)evidence);
}

/* A run before this one has begun it. */
static int go_on(struct job *j, struct work *w, struct err *err)
{
	enum db_phase phase = DB_BEGIN;
	struct buf seen = BUF_INIT;
	enum db_evidence evidence;
	int ret;

	ret = look(j, w, &evidence, &seen, err);
	if (ret == 0 && evidence == DB_HALF) {
		ret = mend(j, w, &phase, err);
		if (ret < 0 && (phase == DB_LOCK || phase == DB_EXPECT)) {
			ret = not_begun(j, w, phase, err);
			goto out;
		}
		if (ret == 0) /* what was half done may be finished by that */
			ret = look(j, w, &evidence, &seen, err);
	}
	if (ret == 0)
		ret = go_on_with(j, w, evidence, buf_str(&seen), err);
	else if (strcmp(err->sqlstate, "55P03") == 0)
		leave_half(j, w, buf_str(&seen), err);
	else
		leave_open(j, w, buf_str(&seen), err);
out:
	buf_release(&seen);
	return ret;
}

int write_started(struct job *j, struct work *w, struct err *err)
{
	const struct record *found;
	int ret;

	w->nr_records = 0;
	work_begin_record(j, w, EVENT_STARTED, ledger_last(&j->s->target.ledger));
	work_seal_records(j, w);
	ret = write_records(j, w, false, &found, err);
	if (ret == 0 && !found)
		ledger_add(&j->s->target.ledger, &w->records[0]);
	return ret;
}

static int begin(struct job *j, struct work *w, struct err *err)
{
	struct buf seen = BUF_INIT;
	enum db_evidence evidence;
	int ret;

	ret = look(j, w, &evidence, &seen, err);
	if (ret == 0 && evidence == DB_FINISHED) {
		ret = has_grown(j, err);
		if (ret == 0)
			ret = refuse_done(w, buf_str(&seen), err);
	} else if (ret == 0 && evidence == DB_RUNNING) {
		ret = refuse_running(j, w, buf_str(&seen), err);
	} else if (ret == 0) {
		ret = write_started(j, w, err);
		/* somebody else's half would be in its way */
		if (ret == 0)
			ret = evidence == DB_HALF ? go_on(j, w, err) : start(j, w, err);
	}
	buf_release(&seen);
	return ret;
}

/* What comes next is not begun after a signal, though this one ended well. */
static int heed_signal(const struct job *j, int ret, struct err *err)
{
	if (ret < 0 || !interrupt_seen() || j->next == j->nr)
		return ret < 0 ? -1 : 0;
	return err_set(err, ERR_INTERRUPTED, "interrupted");
}

int run_alone(struct job *j, struct err *err)
{
	const struct ledger_entry *entry;
	struct work w = { 0 };
	int ret = work_begin(j, &j->steps[j->next], &w, err);

	if (ret == 0) {
		entry = ledger_find(&j->s->target.ledger, w.script.name);
		w.resumed = entry && entry->started;
		ret = w.resumed ? go_on(j, &w, err) : begin(j, &w, err);
	}
	work_release(&w);
	return heed_signal(j, ret, err);
}
