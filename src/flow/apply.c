#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/io.h"
#include "flow/job.h"
#include "flow/mirror.h"
#include "flow/seen.h"
#include "git/history.h"
#include "git/repo.h"

enum { TRIES = 20, PAUSE_MS = 20, FOUND_TRIES = 20 };

void apply_result_release(struct apply_result *r)
{
	free(r->failed);
	free(r->undone);
	memset(r, 0, sizeof(*r));
}

void job_tell(const struct job *j, struct apply_event event)
{
	if (j->o->tell)
		j->o->tell(j->o->arg, &event);
}

/* Trailers whose meaning this version does not carry out must not be run past. */
static int refuse_unknown_trailers(struct job *j, size_t pos, struct err *err)
{
	const struct migration *m = &j->s->plan.items[pos];

	if (plan_describe(&j->s->plan, pos, err) < 0)
		return -1;
	if (!trailers_get(&m->trailers, TRAILER_CHECKPOINT))
		return 0;
	err_set(err, ERR_REFUSED,
		"migration '%s' says \"%s:\", which this version of git-migrate does not "
		"carry out",
		m->path, trailer_name(TRAILER_CHECKPOINT));
	err_hint(err, "version",
		 "Use a newer git-migrate, or stop before it: git migrate apply --to "
		 "<migration>");
	return -1;
}

/* A file that "git migrate new" wrote and nobody filled in. */
static bool is_template(const char *sql)
{
	if (!strstr(sql, "What this changes, and why."))
		return false;
	while (*sql) {
		sql += strspn(sql, " \t\r\n");
		if (*sql && strncmp(sql, "--", 2) != 0)
			return false;
		sql += strcspn(sql, "\n");
	}
	return true;
}

/* Whether the protected branch holds it; no when that cannot be told. */
static bool has_landed(struct job *j, size_t pos)
{
	struct buf ref = BUF_INIT;
	struct err quiet = { 0 };
	struct oid tip, blob;
	unsigned mode;
	bool ret;

	ret = repo_protected_ref(j->repo, &ref, &quiet) > 0 &&
	      repo_ref(j->repo, ref.s, &tip, &quiet) > 0 &&
	      history_holds(j->repo, &tip, j->s->plan.items[pos].path, &blob, &mode,
			    &quiet) > 0;
	buf_release(&ref);
	return ret;
}

static int check_one(struct job *j, size_t pos, struct err *err)
{
	const char *path = j->s->plan.items[pos].path;
	struct work w = { .pos = pos };
	int ret = work_read(j, pos, &w, err);

	/* one that has landed cannot be filled in any more: it does no harm */
	if (ret == 0 && w.script.sql && is_template(w.script.sql) &&
	    !has_landed(j, pos)) {
		ret = err_set(err, ERR_REFUSED,
			      "migration '%s' is still the empty template", path);
		err_hint(err, "template",
			 "Write its SQL and commit it again (git commit "
			 "--amend).");
	} else if (ret == 0) {
		ret = work_check_header(&w, err);
		if (ret == 0 && w.script.batched)
			ret = check_backfill(j, &w, err);
		else if (ret == 0)
			ret = j->s->target.driver->check(j->s->target.db, &w.script, err);
		if (ret < 0)
			j->result->failed = xstrdup(path);
	}
	work_release(&w);
	return ret;
}

/* Before anything is begun: what the files are, and what they ask for. */
static int check_all(struct job *j, struct err *err)
{
	size_t i, pos;

	for (i = j->next; i < j->nr; i++)
		if (refuse_unknown_trailers(j, j->steps[i].step.pos, err) < 0)
			return -1;
	for (i = j->next; i < j->nr; i++) {
		pos = j->steps[i].step.pos;
		if (j->checked[pos] || j->steps[i].step.event != EVENT_APPLIED)
			continue;
		if (check_one(j, pos, err) < 0)
			return -1;
		j->checked[pos] = true;
	}
	return 0;
}

/* What another run has done meanwhile is passed over, and the rest planned anew. */
static int plan_again(struct job *j, struct err *err)
{
	const struct step *step;
	size_t i;

	for (i = j->next; i < j->nr; i++) {
		step = &j->steps[i].step;
		if (step->event == EVENT_APPLIED &&
		    survey_course(j->s, step->pos)->fate == FATE_SETTLED)
			job_tell(j, (struct apply_event){
					    .step = APPLY_WAS_DONE,
					    .migration = &j->s->plan.items[step->pos] });
	}
	if (job_choose(j, err) < 0 || check_all(j, err) < 0)
		return -1;
	job_join(j);
	return 0;
}

int look_again(struct job *j, struct err *err)
{
	if (++j->tries >= TRIES)
		return err_set(err, ERR_FATAL,
			       "could not apply to target '%s': others kept writing to "
			       "its tracker",
			       j->s->target.name);
	if (target_pause(&j->s->target, PAUSE_MS * (int)j->tries, err) < 0 ||
	    target_read(&j->s->target, err) < 0 || survey_judge(j->s, err) < 0)
		return -1;
	if (j->s->problems.errors)
		return survey_refuse(j->s, err);
	return plan_again(j, err);
}

int make_created(struct job *j, struct record *out, struct err *err)
{
	struct target *t = &j->s->target;
	struct buf server = BUF_INIT;
	char uuid[UUID_TEXT];

	if (t->driver->identity(t->db, &server, err) < 0)
		return -1;
	uuid_random(uuid);
	scribe_begin(&j->scribe, &t->pool, NULL, EVENT_CREATED, out);
	out->field[FIELD_TARGET] = pool_strdup(&t->pool, uuid);
	if (server.len)
		out->field[FIELD_SERVER] = pool_strdup(&t->pool, server.s);
	record_seal(out, &t->pool);
	buf_release(&server);
	return 0;
}

void founded(struct job *j, const struct record *created)
{
	struct target *t = &j->s->target;

	FAULT_POINT("installed");
	ledger_add(&t->ledger, created);
	ledger_fold(&t->ledger);
	t->has_tracker = true;
	j->founding = false;
}

/* The tables and the first record in them. 0, 1: others are in the way, -1. */
static int write_created(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;
	struct record r;
	int ret = make_created(j, &r, err);

	if (ret == 0)
		ret = tracker_install(&t->tracker, &r, err);
	if (ret == 0 && t->has_tracker) /* the tables were there, empty */
		ret = tracker_write(&t->tracker, NULL, &r, 1, 0, err);
	if (ret == 0)
		founded(j, &r);
	return ret;
}

/* Whether first runners beside us are in the way, which is over in a moment. */
static bool may_pass(struct job *j, int ret, const struct err *err)
{
	return ret > 0 || err->code == ERR_UNCERTAIN ||
	       j->s->target.driver->is_conflict(err) ||
	       j->s->target.driver->is_passing(err);
}

int meet_unfounded(struct job *j, int ret, struct err *err)
{
	struct target *t = &j->s->target;
	struct err quiet = { 0 };

	if (!may_pass(j, ret, err))
		return -1;
	if (++j->foundings == FOUND_TRIES) {
		if (ret > 0)
			err_wrap(err, "could not install the tracker");
		return -1;
	}
	if ((err->code == ERR_UNCERTAIN && t->driver->reconnect(t->db, &quiet) < 0) ||
	    target_pause(t, PAUSE_MS * (int)j->foundings, &quiet) < 0 ||
	    target_read(t, &quiet) < 0) {
		*err = quiet;
		return -1;
	}
	memset(err, 0, sizeof(*err));
	if (!t->ledger.nr || !j->founding)
		return 0;
	/* another first runner wrote it, or a COMMIT of ours that came late */
	j->founding = false;
	if (target_check_identity(t, j->repo, err) < 0)
		return -1;
	return look_again(j, err);
}

/* The tracker's own tables, as new as this program knows them. */
static int found_tracker(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;
	int ret = 0;

	if (t->ledger.nr) {
		ret = tracker_install(&t->tracker, NULL, err);
		if (ret > 0) /* not now, or not by us: it serves as it is */
			memset(err, 0, sizeof(*err));
		return ret < 0 ? -1 : 0;
	}
	while (ret == 0 && !t->ledger.nr) {
		ret = write_created(j, err);
		if (ret != 0)
			ret = meet_unfounded(j, ret, err);
	}
	return ret;
}

/*
 * Whether the tracker's tables can be made in the batch that begins to fill them:
 * nothing is known of this database that would have to be compared first.
 */
static bool can_found_on_the_way(struct job *j)
{
	struct target *t = &j->s->target;
	struct db_script script;
	struct err ignored;

	return !t->ledger.nr && !t->has_tracker && !target_is_known(t, j->repo) &&
	       !t->driver->capabilities(t->db)->fresh_session &&
	       read_directives(j, j->steps[0].step.pos, &script, &ignored) == 0 &&
	       !script.no_transaction && !script.batched && !script.foreign_keys;
}

/* The newest record of the log is what this clone has seen. */
static void keep_seen(struct job *j)
{
	const struct record *last = ledger_last(&j->s->target.ledger);
	struct seen head;

	if (!last)
		return;
	head.seq = last->seq;
	snprintf(head.hash, sizeof(head.hash), "%s", last->hash);
	seen_keep(j->repo, j->s->target.name, &head);
}

static void catch_up(struct job *j)
{
	struct apply_event event = { .step = APPLY_MIRRORED };
	struct err why = { 0 };
	struct target *t = &j->s->target;
	size_t written;
	int ret;

	if (t->scratch)
		return;
	ret = target_settle_others(t, j->scribe.run, &why);
	if (ret == 0)
		ret = mirror_catch_up(j->repo, t->name, &t->ledger, &written, &why);
	/* another run may have mirrored what came after we read the tracker */
	if (ret < 0 && why.code == ERR_REFUSED && target_read(t, &why) == 0 &&
	    target_settle_others(t, j->scribe.run, &why) == 0)
		ret = mirror_catch_up(j->repo, t->name, &t->ledger, &written, &why);
	if (ret == 0)
		keep_seen(j);
	if (ret < 0) {
		event.step = APPLY_UNMIRRORED;
		event.text = why.message;
		event.hint = why.hint;
		job_tell(j, event);
	} else if (written) {
		event.nr = written;
		job_tell(j, event);
	}
}

/* The next ones: together in their transactions, or one that runs without. */
static int run_next(struct job *j, struct err *err)
{
	struct db_script script;

	if (read_directives(j, job_pos(j), &script, err) < 0)
		return -1;
	if (j->tried_batches)
		return RUN_UNTRIED;
	tell_next(j);
	if ((!script.no_transaction && (!script.batched || j->o->dry_run)) ||
	    j->steps[j->next].step.event != EVENT_APPLIED)
		return run_batch(j, err);
	if (j->o->dry_run)
		return RUN_UNTRIED;
	return script.batched ? run_backfill(j, err) : run_alone(j, err);
}

static void tell_untried(struct job *j)
{
	const struct migration *m = &j->s->plan.items[job_pos(j)];
	struct db_script script;
	struct err ignored;
	const char *why =
		j->needs_commit ? "what it uses must be committed before"
				: "foreign keys are switched between transactions alone";

	if (j->tried_batches)
		why = "of the batches before it one alone was tried";
	else if (read_directives(j, job_pos(j), &script, &ignored) == 0 &&
		 script.no_transaction)
		why = "it cannot run in a transaction";
	j->result->left += j->nr - j->next;
	job_tell(j, (struct apply_event){
			    .step = APPLY_UNTRIED, .migration = m, .text = why });
}

static int run_rest(struct job *j, struct err *err)
{
	int ret = 0;

	while (ret == 0 && j->next < j->nr)
		ret = run_next(j, err);
	if (ret == RUN_UNTRIED)
		tell_untried(j);
	return ret < 0 ? -1 : 0;
}

/* A copy of the whole database, named after the first record that follows. */
static int make_backup(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;
	const struct record *last = ledger_last(&t->ledger);
	struct buf suffix = BUF_INIT;
	char at[CLOCK_TEXT], *c, *to = at;
	int ret;

	clock_utc(at);
	for (c = at; *c && *c != '.'; c++) /* "20261122T072011" */
		if (*c != '-' && *c != ':')
			*to++ = *c;
	*to = '\0';
	buf_addf(&suffix, "before-%" PRIu64 "-%sZ", last ? last->seq + 1 : 1, at);
	ret = t->driver->backup(t->db, buf_str(&suffix), &j->backup, err);
	buf_release(&suffix);
	j->backup_of = j->next;
	if (ret == 0)
		job_tell(j, (struct apply_event){ .step = APPLY_BACKED_UP,
						  .text = buf_str(&j->backup) });
	return ret;
}

/* What was asked for and the engine has not. */
static int check_options(const struct job *j, struct err *err)
{
	const struct target *t = &j->s->target;

	if (j->o->backup && !t->driver->backup) {
		err_set(err, ERR_USAGE, "target '%s' is a server: --backup is for files",
			t->name);
		err_hint(err, "backup",
			 "Use the server's own tools before: pg_dump, pg_basebackup, a "
			 "snapshot.");
		return -1;
	}
	if (j->o->full_check && !t->driver->verify) {
		err_set(err, ERR_USAGE, "target '%s' is a server: --check is for files",
			t->name);
		err_hint(err, "backup", "The server looks after its files: pg_amcheck.");
		return -1;
	}
	return 0;
}

static int roll_forward(struct job *j, struct err *err)
{
	const struct apply_options *o = j->o;
	struct target *t = &j->s->target;
	bool is_known = false; /* the target, and that it is the one it was */
	struct err ignored;
	int ret;

	j->founding = can_found_on_the_way(j);
	if (!j->founding) {
		if (found_tracker(j, err) < 0 ||
		    target_check_identity(t, j->repo, err) < 0)
			return -1;
		is_known = true;
	}
	/* a first runner beside us may have applied some of them */
	if (survey_judge(j->s, err) < 0)
		return -1;
	if (j->s->problems.errors)
		return survey_refuse(j->s, err);
	if (plan_again(j, err) < 0)
		return -1;
	if (j->next < j->nr && o->backup && make_backup(j, err) < 0)
		return -1;
	j->since = clock_ms();
	ret = run_rest(j, err);
	ran_write(j, err);
	if (err->code == ERR_INTERRUPTED)
		target_grace(t);
	/* also when the database cannot be asked any more: what was read is enough */
	if (t->ledger.nr &&
	    (is_known || target_check_identity(t, j->repo, &ignored) == 0))
		catch_up(j);
	return ret;
}

/*
 * What runs another time; everything before it went well. 0, or -1: something does, and
 * what stands first of it is told as the reason.
 */
static int leave_held(struct job *j, struct err *err)
{
	const struct held *held;
	size_t i, nr = 0;

	for (i = 0; i < j->s->plan.nr; i++) {
		held = gates_held(&j->s->gates, i);
		/* what runs in the place of an earlier one counts as that does */
		if (!held || (i >= j->end && survey_course(j->s, i)->place >= j->end))
			continue;
		job_tell(j, (struct apply_event){ .step = APPLY_HELD,
						  .migration = &j->s->plan.items[i],
						  .held = held });
		nr++;
	}
	if (j->held >= 0 && !(nr && j->gated))
		return job_refuse_held(j, err);
	return nr ? survey_refuse_held(j->s, err) : 0;
}

static size_t count_runs(const struct job *j)
{
	size_t i, nr = 0;

	for (i = 0; i < j->nr; i++)
		nr += j->steps[i].step.event == EVENT_APPLIED;
	return nr;
}

static int run_job(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;

	if (check_options(j, err) < 0)
		return -1;
	if (j->s->problems.errors)
		return survey_refuse(j->s, err);
	j->result->ahead = j->s->ahead;
	if (job_choose(j, err) < 0 || check_all(j, err) < 0)
		return -1;
	job_tell(j, (struct apply_event){ .step = APPLY_PLANNED,
					  .nr = count_runs(j),
					  .text = t->shown.s });
	job_tell_owed(j);
	if (j->nr && !t->db &&
	    target_create(t, j->repo, &j->o->target, j->o->dry_run, err) < 0)
		return -1;
	if (j->nr && t->driver->verify &&
	    t->driver->verify(t->db, j->o->full_check, err) < 0)
		return -1;
	if (j->nr)
		job_join(j);
	if (j->o->dry_run)
		return run_rest(j, err);
	if (j->nr)
		return roll_forward(j, err);
	if (t->ledger.nr) {
		if (target_check_identity(t, j->repo, err) < 0)
			return -1;
		catch_up(j);
	}
	return 0;
}

int apply_run(struct repo *repo, const struct apply_options *o,
	      struct apply_result *result, struct survey *survey, struct err *err)
{
	struct survey_options so = { .rev = o->rev, .target = o->target };
	struct job j = {
		.repo = repo, .o = o, .s = survey, .result = result, .held = -1
	};
	int ret;

	memset(result, 0, sizeof(*result));
	ret = survey_take(survey, repo, &so, err);
	if (ret == 0) {
		j.checked = xcalloc(survey->plan.nr + 1, sizeof(*j.checked));
		j.apart = xcalloc(survey->plan.nr + 1, sizeof(*j.apart));
		scribe_init(&j.scribe, repo, &survey->target, &survey->plan.head);
		ret = run_job(&j, err);
		if (ret == 0)
			ret = leave_held(&j, err);
		if (ledger_last(&survey->target.ledger))
			result->last = *ledger_last(&survey->target.ledger);
		scribe_release(&j.scribe);
	}
	free(j.steps);
	free(j.checked);
	free(j.apart);
	free(j.durations);
	buf_release(&j.backup);
	return ret;
}
