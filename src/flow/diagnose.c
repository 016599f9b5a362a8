#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "flow/backfill.h"
#include "flow/diagnose.h"
#include "flow/job.h"
#include "flow/mirror.h"
#include "git/repo.h"

/* --- which one --------------------------------------------------------- */

/* What the log alone knows: by its whole path. */
static const char *find_in_log(const struct diagnosis *d, const char *name)
{
	const struct ledger_entry *e;
	size_t len = strlen(d->survey.plan.folder);

	if (strncmp(name, d->survey.plan.folder, len) == 0 && name[len] == '/')
		name += len + 1;
	e = ledger_find(&d->survey.target.ledger, name);
	return e ? e->path : NULL;
}

/* What somebody wants to hear of who names nothing: the open one, else what failed last.
 */
static int find_newest(struct diagnosis *d, struct err *err)
{
	const struct ledger *l = &d->survey.target.ledger;
	const struct record *newest = l->open;
	const struct ledger_entry *e;

	for (e = l->entries; !l->open && e < l->entries + l->nr_entries; e++)
		if (!e->settled && e->failed && (!newest || e->failed->seq > newest->seq))
			newest = e->failed;
	if (newest) {
		d->path = newest->field[FIELD_PATH];
		return 0;
	}
	err_set(err, ERR_REFUSED, "no migration has failed or is open on target '%s'",
		d->survey.target.name);
	err_hint(err, "noMigration",
		 "Name the one that it is about: git migrate diagnose%s <migration>. "
		 "\"git migrate plan\" lists them.",
		 target_argument(&d->survey.target));
	return -1;
}

static int find(struct diagnosis *d, const char *name, struct err *err)
{
	const struct plan *plan = &d->survey.plan;
	struct resolution r = { .how = RESOLVE_NONE };

	if (!name)
		return find_newest(d, err);
	d->path = find_in_log(d, name);
	if (d->path)
		return 0;
	plan_resolve(plan, plan->nr, name, &r);
	if (r.how == RESOLVE_FOUND) {
		d->path = plan->items[r.pos].path;
		return 0;
	}
	err_set(err, ERR_REFUSED,
		r.how == RESOLVE_MANY
			? "'%s' names more than one migration"
			: "'%s' names no migration of the plan, nor of the log of "
			  "target '%s'",
		name, d->survey.target.name);
	err_hint(err, "noMigration", "\"git migrate plan\" lists them.");
	return -1;
}

/* --- what the log says ------------------------------------------------- */

static void read_log(struct diagnosis *d)
{
	const struct ledger *l = &d->survey.target.ledger;
	const struct ledger_entry *e = ledger_find(l, d->path);
	size_t i;

	d->state = !e		? DIAGNOSIS_PENDING
		   : e->settled ? DIAGNOSIS_SETTLED
		   : e->started ? DIAGNOSIS_OPEN
				: DIAGNOSIS_PENDING;
	if (d->state == DIAGNOSIS_OPEN)
		d->started = *e->started;
	for (i = 0; i < l->nr; i++)
		if (l->records[i].field[FIELD_PATH] &&
		    strcmp(l->records[i].field[FIELD_PATH], d->path) == 0)
			d->newest = l->records[i];
}

/* --- what the database shows ------------------------------------------- */

/* The bytes that were begun, whatever the plan has now. 0, or -1: not to be had. */
static int read_script(struct diagnosis *d, struct buf *sql, struct db_script *script,
		       struct err *err)
{
	const char *hex = d->started.field[FIELD_BLOB];
	struct oid blob;
	int ret;

	if (oid_parse(&blob, hex, strlen(hex)) < 0)
		return err_set(err, ERR_FATAL, "blob %s is of another kind", hex);
	ret = repo_read_blob(d->survey.repo, &blob, sql, err);
	if (ret > 0)
		err_set(err, ERR_FATAL, "blob %.12s, which was begun, is not here", hex);
	*script = (struct db_script){ .name = d->path,
				      .sql = buf_str(sql),
				      .len = sql->len,
				      .no_transaction = true };
	return ret == 0 ? 0 : -1;
}

/* One that is run in batches goes on behind the last of them, whatever has ended it. */
static int look_at_batches(struct diagnosis *d, struct err *err)
{
	struct buf runner = BUF_INIT;
	int ret;

	d->batched = true;
	d->evidence = DB_REPEAT;
	ret = backfill_describe(&d->survey.target, &d->started, &d->seen, err);
	tracker_tell_runner(&d->survey.target.tracker, &runner);
	if (runner.len)
		buf_addf(&d->seen, "; another git migrate may be at work on it: %s",
			 runner.s);
	buf_release(&runner);
	return ret;
}

static int look_for(struct diagnosis *d, const struct db_script *script, struct err *err)
{
	struct target *t = &d->survey.target;

	if (backfill_is_asked(script->sql, script->len))
		return look_at_batches(d, err);
	return t->driver->evidence(t->db, script, &d->evidence, &d->seen, err);
}

/* What cannot be found out is evidence too: there is none. */
static void look(struct diagnosis *d)
{
	struct buf sql = BUF_INIT;
	struct db_script script;
	struct err why = { 0 };

	d->looked = true;
	if (read_script(d, &sql, &script, &why) < 0 || look_for(d, &script, &why) < 0) {
		d->evidence = DB_UNKNOWN;
		buf_reset(&d->seen);
		buf_addf(&d->seen, "nothing could be asked: %s", why.message);
	}
	buf_release(&sql);
}

/* --- what a person says ------------------------------------------------ */

static void hint_proven(const struct diagnosis *d, struct target *t, struct err *err)
{
	switch (d->evidence) {
	case DB_FINISHED:
		err_hint(err, "diagnose",
			 "This records it as applied: git migrate "
			 "diagnose%s %s",
			 target_argument(t), d->path);
		break;
	case DB_RUNNING:
		err_hint(err, "diagnose",
			 "Wait until it is done, or end that session on the server; "
			 "then say it again if it still holds.");
		break;
	case DB_ABSENT:
	case DB_HALF:
	case DB_REPEAT:
	case DB_UNKNOWN:
		err_hint(err, "diagnose",
			 "\"git migrate apply%s\" runs it; or close it, so that it is "
			 "pending again: git migrate diagnose%s --abandon --reason "
			 "\"...\" %s",
			 target_argument(t), target_argument(t), d->path);
		break;
	}
}

static int contradict(struct diagnosis *d, const char *what, struct err *err)
{
	err_set(err, ERR_REFUSED, "migration '%s' %s", d->path, what);
	err_detail(err, "In the database: %s.", buf_str(&d->seen));
	hint_proven(d, &d->survey.target, err);
	return -1;
}

/* Nobody can say what evidence speaks against. 0 or -1. */
static int check_wish(struct diagnosis *d, enum diagnose_wish wish, struct err *err)
{
	bool running = d->evidence == DB_RUNNING;

	if (wish != DIAGNOSE_LOOK && running)
		return contradict(d, "is still being run", err);
	if (wish == DIAGNOSE_ABANDON && d->evidence == DB_FINISHED)
		return contradict(d, "is finished, and not to be abandoned", err);
	if (wish == DIAGNOSE_FINISHED && d->evidence == DB_ABSENT)
		return contradict(d, "has not taken effect", err);
	if (wish == DIAGNOSE_FINISHED && d->evidence == DB_HALF)
		return contradict(d, "has taken effect by halves", err);
	/* the last batch writes that it is applied: one that is open has not come to it
	 */
	if (wish == DIAGNOSE_FINISHED && d->batched)
		return contradict(d, "is run in batches, and has not come to their end",
				  err);
	return 0;
}

static int refuse_closed(const struct diagnosis *d, struct err *err)
{
	err_set(err, ERR_REFUSED, "migration '%s' is not open on target '%s'", d->path,
		d->survey.target.name);
	err_detail(err, "%s",
		   d->state == DIAGNOSIS_SETTLED
			   ? "The log says how it ended."
			   : "The log does not say that it was begun and not "
			     "ended; the next apply runs it.");
	err_hint(err, "diagnose",
		 "Without --abandon and --finished it shows what the log says.");
	return -1;
}

/* --- what is written --------------------------------------------------- */

/* About the bytes that were begun, and the commit that brought them. */
static void begin_record(struct job *j, struct diagnosis *d, enum event event,
			 const char *reason, struct record *r)
{
	static const enum field same[] = { FIELD_PATH, FIELD_BLOB, FIELD_SHA256,
					   FIELD_COMMIT };
	struct target *t = &j->s->target;
	size_t i;

	scribe_begin(&j->scribe, &t->pool, ledger_last(&t->ledger), event, r);
	for (i = 0; i < ARRAY_SIZE(same); i++)
		r->field[same[i]] = d->started.field[same[i]];
	r->field[FIELD_REASON] = reason;
}

static int write_records(struct job *j, struct diagnosis *d, const struct record *records,
			 size_t nr, struct err *err)
{
	struct target *t = &j->s->target;
	size_t i;
	int ret;

	if (target_check_identity(t, j->repo, err) < 0 ||
	    mirror_check_head(&j->s->mirror, t->name, &t->ledger, err) < 0)
		return -1;
	ret = tracker_write(&t->tracker, ledger_last(&t->ledger), records, nr, 0, err);
	if (ret > 0) {
		err_set(err, ERR_REFUSED, "another run wrote to target '%s'", t->name);
		err_hint(err, "again", "Look again: git migrate diagnose%s %s",
			 target_argument(t), d->path);
		ret = -1;
	}
	for (i = 0; ret == 0 && i < nr; i++)
		ledger_add(&t->ledger, &records[i]);
	if (ret == 0)
		d->recorded = records[nr - 1];
	return ret;
}

static int write_one(struct job *j, struct diagnosis *d, enum event event,
		     const char *reason, struct err *err)
{
	struct record r;

	begin_record(j, d, event, reason, &r);
	record_seal(&r, &j->s->target.pool);
	return write_records(j, d, &r, 1, err);
}

/* As apply would have written it: with what it fixes, and by what exception. */
static int write_applied(struct job *j, struct diagnosis *d, ssize_t pos, struct err *err)
{
	const struct db_report report = { .statements = 1, .ms = -1 };
	const char *reason = pool_strdup(&j->s->target.pool, buf_str(&d->seen));
	struct job_step step = {
		.step = { .event = EVENT_APPLIED, .replaces = -1, .other = -1 }
	};
	const struct course *course;
	struct work w = { 0 };
	int ret = -1;

	if (pos < 0)
		return write_one(j, d, EVENT_APPLIED, reason, err);
	course = survey_course(j->s, (size_t)pos);
	step.step.pos = (size_t)pos;
	if (course->fate == FATE_RUN)
		step.step.replaces = course->replaces;
	if (work_begin(j, &step, &w, err) == 0) {
		work_record(j, &w, ledger_last(&j->s->target.ledger), &report, reason);
		ret = write_records(j, d, w.records, w.nr_records, err);
	}
	work_release(&w);
	return ret;
}

static int settle(struct job *j, const struct diagnose_options *o, struct diagnosis *d,
		  struct err *err)
{
	ssize_t pos = survey_as_started(j->s, &d->started);

	d->as_begun = pos >= 0;
	look(d);
	if (check_wish(d, o->wish, err) < 0)
		return -1;
	switch (o->wish) {
	case DIAGNOSE_LOOK:
		return d->evidence == DB_FINISHED ? write_applied(j, d, pos, err) : 0;
	case DIAGNOSE_ABANDON:
		return write_one(j, d, EVENT_ABANDONED, o->reason, err);
	case DIAGNOSE_FINISHED:
		return write_one(j, d, EVENT_ADOPTED, o->reason, err);
	}
	BUG("unhandled wish %d", (int)o->wish);
}

/* A mirror that cannot be written fails nothing: it is caught up later. */
static void tell_mirror(struct repo *repo, struct diagnosis *d)
{
	struct target *t = &d->survey.target;
	size_t written;

	ledger_fold(&t->ledger);
	read_log(d);
	mirror_catch_up(repo, t->name, &t->ledger, &written, &d->unmirrored);
}

int diagnose(struct repo *repo, const struct diagnose_options *o, struct diagnosis *d,
	     struct err *err)
{
	const struct survey_options so = { .target = { .name = o->target } };
	const struct apply_options usual = { 0 };
	struct apply_result result = { 0 };
	struct job j = { .repo = repo, .o = &usual, .s = &d->survey, .result = &result };
	int ret;

	memset(d, 0, sizeof(*d));
	if (survey_take(&d->survey, repo, &so, err) < 0 || find(d, o->migration, err) < 0)
		return -1;
	read_log(d);
	if (d->state != DIAGNOSIS_OPEN)
		return o->wish == DIAGNOSE_LOOK ? 0 : refuse_closed(d, err);
	scribe_init(&j.scribe, repo, &d->survey.target, &d->survey.plan.head);
	ret = settle(&j, o, d, err);
	if (ret == 0 && d->recorded.seq)
		tell_mirror(repo, d);
	scribe_release(&j.scribe);
	return ret;
}

void diagnosis_release(struct diagnosis *d)
{
	survey_release(&d->survey);
	buf_release(&d->seen);
}
