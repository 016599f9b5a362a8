#include "base/compat.h"

#include "base/err.h"
#include "base/fault.h"
#include "base/io.h"
#include "base/text.h"
#include "flow/apply.h"
#include "flow/mirror.h"
#include "flow/record_make.h"
#include "git/history.h"
#include "git/repo.h"

#define CODE_CHARACTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

enum { TRIES = 20, PAUSE_MS = 20, FIXED_PATHS_MAX = 1600 };

/* One run over one target. */
struct job {
	struct repo *repo;
	const struct apply_options *o;
	struct survey *s;
	struct apply_result *result;
	struct scribe scribe;
	size_t *todo; /* positions, in plan order */
	size_t nr;
	bool began; /* the current migration's statements were sent */
};

void apply_result_release(struct apply_result *r)
{
	free(r->failed);
	memset(r, 0, sizeof(*r));
}

static void tell(const struct job *j, struct apply_event event)
{
	if (j->o->tell)
		j->o->tell(j->o->arg, &event);
}

/* The position up to which to run: `--to`, or the end. */
static int find_end(const struct job *j, size_t *end, struct err *err)
{
	struct resolution r;

	*end = j->s->plan.nr;
	if (!j->o->to)
		return 0;
	plan_resolve(&j->s->plan, j->s->plan.nr, j->o->to, &r);
	if (r.how != RESOLVE_FOUND) {
		err_set(err, ERR_USAGE,
			r.how == RESOLVE_MANY ? "'%s' names more than one migration"
					      : "'%s' names no migration of the plan",
			j->o->to);
		err_hint(err, "noMigration", "\"git migrate plan\" lists them.");
		return -1;
	}
	*end = r.pos + 1;
	return 0;
}

static int choose(struct job *j, struct err *err)
{
	size_t end, i;

	if (find_end(j, &end, err) < 0)
		return -1;
	j->todo = xcalloc(j->s->plan.nr + 1, sizeof(*j->todo));
	for (i = 0; i < j->s->plan.nr; i++) {
		if (!survey_is_pending(j->s, i))
			continue;
		if (i < end)
			j->todo[j->nr++] = i;
		else
			j->result->left++;
	}
	return 0;
}

/* Trailers whose meaning this version does not carry out must not be run past. */
static int refuse_unknown_trailers(struct job *j, struct err *err)
{
	static const enum trailer_key unknown[] = { TRAILER_SUPERSEDES, TRAILER_PHASE,
						    TRAILER_PAIRS_WITH,
						    TRAILER_NOT_BEFORE,
						    TRAILER_CHECKPOINT };
	const struct migration *m;
	size_t i, k;

	for (i = 0; i < j->nr; i++) {
		if (plan_describe(&j->s->plan, j->todo[i], err) < 0)
			return -1;
		m = &j->s->plan.items[j->todo[i]];
		for (k = 0; k < ARRAY_SIZE(unknown); k++) {
			if (!trailers_get(&m->trailers, unknown[k]))
				continue;
			err_set(err, ERR_REFUSED,
				"migration '%s' says \"%s:\", which this version of "
				"git-migrate does not carry out",
				m->path, trailer_name(unknown[k]));
			err_hint(err, "version",
				 "Use a newer git-migrate, or stop before it: git "
				 "migrate "
				 "apply --to <migration>");
			return -1;
		}
	}
	return 0;
}

/* How a file wants to be run; what is not understood is refused. */
static int read_directives(const struct migration *m, struct db_script *script,
			   struct err *err)
{
	const struct directive *d;
	size_t i;

	for (i = 0; i < m->how.nr; i++) {
		d = &m->how.items[i];
		if (strcmp(d->word, "foreign-keys") == 0 && d->value &&
		    (!strcmp(d->value, "on") || !strcmp(d->value, "off"))) {
			script->foreign_keys = strcmp(d->value, "on") == 0;
			continue;
		}
		err_set(err, ERR_REFUSED,
			"migration '%s' asks for \"-- migrate: %s%s%s\", which this "
			"version of git-migrate does not carry out",
			m->path, d->word, d->value ? "=" : "", d->value ? d->value : "");
		err_hint(err, "version",
			 "Each migration is run in one transaction; "
			 "\"foreign-keys=on\" is understood.");
		return -1;
	}
	return 0;
}

static int read_script(struct job *j, size_t pos, struct buf *sql,
		       struct db_script *script, struct err *err)
{
	const struct migration *m = &j->s->plan.items[pos];

	memset(script, 0, sizeof(*script));
	if (plan_describe(&j->s->plan, pos, err) < 0 ||
	    read_directives(m, script, err) < 0)
		return -1;
	if (repo_read_blob(j->repo, &m->blob, sql, err) != 0)
		return err_wrap(err, "migration '%s'", m->path);
	script->name = m->path;
	script->sql = buf_str(sql);
	script->len = sql->len;
	return 0;
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
	struct buf sql = BUF_INIT;
	struct db_script script;
	int ret = read_script(j, pos, &sql, &script, err);

	/* one that has landed cannot be filled in any more: it does no harm */
	if (ret == 0 && is_template(script.sql) && !has_landed(j, pos)) {
		ret = err_set(err, ERR_REFUSED,
			      "migration '%s' is still the empty template", path);
		err_hint(err, "template",
			 "Write its SQL and commit it again (git commit "
			 "--amend).");
	} else if (ret == 0) {
		ret = j->s->target.driver->check(j->s->target.db, &script, err);
		if (ret < 0)
			j->result->failed = xstrdup(path);
	}
	buf_release(&sql);
	return ret;
}

/* Before anything is begun: what the files are, and what they ask for. */
static int check_all(struct job *j, struct err *err)
{
	size_t i;

	if (refuse_unknown_trailers(j, err) < 0)
		return -1;
	for (i = 0; i < j->nr; i++)
		if (check_one(j, j->todo[i], err) < 0)
			return -1;
	return 0;
}

/* Paths of what it fixes, joined by commas, which no path holds. */
static const char *fixed_paths(struct job *j, size_t pos)
{
	const struct trailers *t = &j->s->plan.items[pos].trailers;
	struct buf paths = BUF_INIT;
	struct resolution r;
	const char *ret = NULL;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (t->items[i].key != TRAILER_FIXES)
			continue;
		plan_resolve(&j->s->plan, pos, t->items[i].value, &r);
		if (r.how == RESOLVE_FOUND && paths.len < FIXED_PATHS_MAX)
			buf_addf(&paths, "%s%s", paths.len ? "," : "",
				 j->s->plan.items[r.pos].path);
	}
	if (paths.len)
		ret = pool_strdup(&j->s->target.pool, paths.s);
	buf_release(&paths);
	return ret;
}

static int append(struct job *j, struct record *r, struct err *err)
{
	record_seal(r, &j->s->target.pool);
	return tracker_append(&j->s->target.tracker, r, err);
}

/* The record of a success, and before it that of the exception it took. */
static int record_success(struct job *j, size_t pos, const struct buf *sql,
			  unsigned statements, int64_t ms, struct record done[2],
			  struct err *err)
{
	struct pool *pool = &j->s->target.pool;
	const struct record *last = ledger_last(&j->s->target.ledger);
	const char *reason = survey_exception(j->s, pos);
	struct record *r = done;

	memset(done, 0, 2 * sizeof(*done));
	if (reason) {
		scribe_begin(&j->scribe, pool, last, EVENT_EXCEPTED, r);
		scribe_migration(pool, r, &j->s->plan, pos, sql);
		r->field[FIELD_REASON] = reason;
		if (append(j, r, err) < 0)
			return -1;
		last = r++;
	}
	scribe_begin(&j->scribe, pool, last, EVENT_APPLIED, r);
	scribe_migration(pool, r, &j->s->plan, pos, sql);
	r->field[FIELD_FIXES] = fixed_paths(j, pos);
	r->field[FIELD_STATEMENTS] = pool_printf(pool, "%u", statements);
	r->field[FIELD_MS] = pool_printf(pool, "%" PRId64, ms);
	return append(j, r, err);
}

/*
 * One migration: begin, work, record, commit, and one way back. 0; 1 when the
 * log has grown since it was read and nothing was done; -1.
 */
static int run_recorded(struct job *j, size_t pos, const struct db_script *script,
			const struct buf *sql, struct apply_event *event, struct err *err)
{
	struct target *t = &j->s->target;
	const struct record *head = ledger_last(&t->ledger);
	struct db_report report = { 0 };
	int64_t start = clock_ms();
	struct record done[2];
	int grown;

	if (t->driver->begin(t->db, script->foreign_keys, err) < 0)
		return -1;
	grown = tracker_lock(&t->tracker, head, err);
	j->began = grown == 0;
	j->result->begun |= j->began;
	FAULT_POINT("locked");
	if (grown || t->driver->run_script(t->db, script, &report, err) < 0 ||
	    tracker_unchanged(&t->tracker, head, err) < 0 ||
	    record_success(j, pos, sql, report.statements, clock_ms() - start, done,
			   err) < 0) {
		t->driver->rollback(t->db);
		return grown > 0 ? 1 : -1;
	}
	FAULT_POINT("recorded");
	if (t->driver->commit(t->db, err) < 0) {
		t->driver->rollback(t->db);
		return -1;
	}
	FAULT_POINT("committed");
	ledger_add(&t->ledger, &done[0]);
	if (done[1].seq)
		ledger_add(&t->ledger, &done[1]);
	event->statements = report.statements;
	event->ms = clock_ms() - start;
	event->record = ledger_last(&t->ledger);
	return 0;
}

/* Best effort: what failed is written down where it was to run. */
static void record_failure(struct job *j, size_t pos, const struct buf *sql,
			   const struct err *why)
{
	struct target *t = &j->s->target;
	struct pool *pool = &t->pool;
	struct err quiet = { 0 };
	struct record r;

	if (target_read(t, &quiet) < 0 || !t->has_tracker ||
	    t->driver->begin(t->db, false, &quiet) < 0)
		return;
	if (tracker_lock(&t->tracker, ledger_last(&t->ledger), &quiet) == 0) {
		scribe_begin(&j->scribe, pool, ledger_last(&t->ledger), EVENT_FAILED, &r);
		scribe_migration(pool, &r, &j->s->plan, pos, sql);
		/* a server's word: nothing but letters and digits goes into the log */
		if (why->sqlstate[strspn(why->sqlstate, CODE_CHARACTERS)] == '\0' &&
		    why->sqlstate[0])
			r.field[FIELD_SQLSTATE] = why->sqlstate;
		if (why->line)
			r.field[FIELD_LINE] = pool_printf(pool, "%u", why->line);
		if (append(j, &r, &quiet) == 0 && t->driver->commit(t->db, &quiet) == 0) {
			ledger_add(&t->ledger, &r);
			return;
		}
	}
	t->driver->rollback(t->db);
}

/* Waits a little, reads the log again and judges it anew. 0 or -1. */
static int look_again(struct job *j, int try, struct err *err)
{
	if (try >= TRIES)
		return err_set(err, ERR_FATAL,
			       "could not apply to target '%s': others kept writing to "
			       "its tracker",
			       j->s->target.name);
	if (wait_poll.wait(NULL, -1, 0, PAUSE_MS + (int)(getpid() % 17) * try, err) < 0 ||
	    target_read(&j->s->target, err) < 0 || survey_judge(j->s, err) < 0)
		return -1;
	return j->s->problems.errors ? survey_refuse(j->s, err) : 0;
}

static int apply_one(struct job *j, size_t nth, struct err *err)
{
	size_t pos = j->todo[nth];
	const struct migration *m = &j->s->plan.items[pos];
	struct apply_event event = { .migration = m, .nr = nth + 1, .of = j->nr };
	struct db_script script;
	struct buf sql = BUF_INIT;
	int ret, try = 0;

	j->began = false;
	ret = read_script(j, pos, &sql, &script, err);
	if (ret == 0) {
		event.step = APPLY_STARTING;
		tell(j, event);
		/* another runner may have done it, seen when the log was read again */
		while (ret == 0 && !event.record && survey_is_pending(j->s, pos)) {
			ret = run_recorded(j, pos, &script, &sql, &event, err);
			if (ret == 1)
				ret = look_again(j, try++, err);
		}
	}
	if (ret == 0) {
		event.step = event.record ? APPLY_DONE : APPLY_WAS_DONE;
		j->result->done += event.record != NULL;
		tell(j, event);
	} else if (j->began) { /* else it is not the migration that failed */
		j->result->failed = xstrdup(m->path);
		if (err->code == ERR_REFUSED)
			record_failure(j, pos, &sql, err);
		event.step = err->code == ERR_UNCERTAIN ? APPLY_UNCERTAIN : APPLY_FAILED;
		tell(j, event);
	}
	buf_release(&sql);
	return ret;
}

/* The tracker's own tables, and the record that gives the target its name. */
static int found_tracker(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;
	struct buf server = BUF_INIT;
	char uuid[UUID_TEXT];
	struct record r;
	int ret = -1;

	if (tracker_install(&t->tracker, err) < 0 || target_read(t, err) < 0)
		goto out;
	FAULT_POINT("installed");
	if (t->ledger.nr) {
		ret = 0;
		goto out;
	}
	if (t->driver->identity(t->db, &server, err) < 0 ||
	    t->driver->begin(t->db, false, err) < 0)
		goto out;
	uuid_random(uuid);
	scribe_begin(&j->scribe, &t->pool, NULL, EVENT_CREATED, &r);
	r.field[FIELD_TARGET] = pool_strdup(&t->pool, uuid);
	if (server.len)
		r.field[FIELD_SERVER] = pool_strdup(&t->pool, server.s);
	ret = tracker_lock(&t->tracker, NULL, err);
	if (ret == 0)
		ret = append(j, &r, err);
	if (ret == 0)
		ret = t->driver->commit(t->db, err);
	if (ret != 0)
		t->driver->rollback(t->db);
	if (ret >= 0) /* 1: another first runner wrote it */
		ret = target_read(t, err);
out:
	buf_release(&server);
	return ret;
}

static void catch_up(struct job *j)
{
	struct apply_event event = { .step = APPLY_MIRRORED };
	struct err why = { 0 };
	struct target *t = &j->s->target;
	size_t written;
	int ret = mirror_catch_up(j->repo, t->name, &t->ledger, &written, &why);

	/* another run may have mirrored what came after we read the tracker */
	if (ret < 0 && why.code == ERR_REFUSED && target_read(t, &why) == 0)
		ret = mirror_catch_up(j->repo, t->name, &t->ledger, &written, &why);
	if (ret < 0) {
		event.step = APPLY_UNMIRRORED;
		event.text = why.message;
		event.hint = why.hint;
		tell(j, event);
	} else if (written) {
		event.nr = written;
		tell(j, event);
	}
}

/* One step of a dry run, inside of its transaction. 0, 1 when it cannot be tried, -1. */
static int try_one(struct job *j, size_t nth, bool foreign_keys, struct err *err)
{
	struct target *t = &j->s->target;
	struct apply_event event = { .step = APPLY_STARTING,
				     .migration = &j->s->plan.items[j->todo[nth]],
				     .nr = nth + 1,
				     .of = j->nr };
	struct db_report report = { 0 };
	int64_t start = clock_ms();
	struct db_script script;
	struct buf sql = BUF_INIT;
	int ret = read_script(j, j->todo[nth], &sql, &script, err);

	if (ret == 0 && script.foreign_keys != foreign_keys) {
		event.step = APPLY_UNTRIED;
		event.text = "foreign keys are switched between transactions alone";
		ret = 1;
	} else if (ret == 0) {
		tell(j, event);
		j->result->begun = true;
		ret = t->driver->run_script(t->db, &script, &report, err);
		event.step = ret < 0 ? APPLY_FAILED : APPLY_DONE;
		event.statements = report.statements;
		event.ms = clock_ms() - start;
		j->result->done += ret == 0;
		if (ret < 0)
			j->result->failed = xstrdup(event.migration->path);
	}
	if (event.step != APPLY_STARTING)
		tell(j, event);
	buf_release(&sql);
	return ret;
}

/* All of them in one transaction that the database undoes. */
static int dry_run(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;
	struct db_script first = { 0 };
	int ret = 0;
	size_t i;

	if (read_directives(&j->s->plan.items[j->todo[0]], &first, err) < 0 ||
	    t->driver->begin(t->db, first.foreign_keys, err) < 0)
		return -1;
	for (i = 0; i < j->nr && ret == 0; i++)
		ret = try_one(j, i, first.foreign_keys, err);
	t->driver->rollback(t->db);
	return ret < 0 ? -1 : 0;
}

static int roll_forward(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;
	int ret = 0;
	size_t i;

	if (!t->ledger.nr && found_tracker(j, err) < 0)
		return -1;
	if (target_check_identity(t, j->repo, err) < 0)
		return -1;
	/* a first runner beside us may have applied some of them */
	if (survey_judge(j->s, err) < 0)
		return -1;
	if (j->s->problems.errors)
		return survey_refuse(j->s, err);
	for (i = 0; i < j->nr && ret == 0; i++)
		ret = apply_one(j, i, err);
	catch_up(j);
	return ret;
}

static int run_job(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;

	if (j->s->problems.errors)
		return survey_refuse(j->s, err);
	j->result->ahead = j->s->ahead;
	if (choose(j, err) < 0 || check_all(j, err) < 0)
		return -1;
	tell(j, (struct apply_event){
			.step = APPLY_PLANNED, .nr = j->nr, .text = t->shown.s });
	if (j->nr && !t->db &&
	    target_create(t, j->repo, &j->o->target, j->o->dry_run, err) < 0)
		return -1;
	if (j->o->dry_run)
		return j->nr ? dry_run(j, err) : 0;
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
	struct job j = { .repo = repo, .o = o, .s = survey, .result = result };
	int ret;

	memset(result, 0, sizeof(*result));
	ret = survey_take(survey, repo, &so, err);
	if (ret == 0) {
		scribe_init(&j.scribe, repo, &survey->target, &survey->plan.head);
		ret = run_job(&j, err);
		if (ledger_last(&survey->target.ledger))
			result->last = *ledger_last(&survey->target.ledger);
		scribe_release(&j.scribe);
	}
	free(j.todo);
	return ret;
}
