#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"
#include "flow/fixes.h"
#include "flow/stage.h"
#include "git/history.h"
#include "git/repo.h"

/* --- the rehearsal ---------------------------------------------------- */

void rehearsal_release(struct rehearsal *r)
{
	compat_release(&r->compat);
	scenario_release(&r->scenario);
	free(r->done);
	free(r->effects);
	free(r->lost);
	free(r->remarks);
	plan_release(&r->plan);
	pool_release(&r->pool);
	memset(r, 0, sizeof(*r));
}

const char *rehearse_word(enum rehearse_step step)
{
	switch (step) {
	case REHEARSE_BEFORE:
		return "before";
	case REHEARSE_SEED:
		return "seed";
	case REHEARSE_ORIGINAL:
		return "original";
	case REHEARSE_FAILURE:
		return "failure";
	case REHEARSE_FIX:
		return "fix";
	case REHEARSE_WORKS:
		return "works";
	case REHEARSE_CHECK:
		return "check";
	case REHEARSE_KEPT:
		return "kept";
	case REHEARSE_SAME:
		return "same";
	case REHEARSE_COMPAT:
		return "compat";
	}
	BUG("unhandled step %d", (int)step);
}

/* --- what is rehearsed ------------------------------------------------- */

static int find_migration(struct stage *s, struct err *err)
{
	struct plan *plan = &s->r->plan;
	struct resolution found;

	plan_resolve(plan, plan->nr, s->o->migration, &found);
	if (found.how == RESOLVE_FOUND) {
		s->r->pos = found.pos;
		return 0;
	}
	err_set(err, ERR_REFUSED,
		found.how == RESOLVE_MANY ? "'%s' names more than one migration"
					  : "'%s' names no migration of the plan",
		s->o->migration);
	err_hint(err, "noMigration",
		 "\"git migrate plan\" lists them. What is rehearsed is committed.");
	return -1;
}

/* The first one that it corrects. */
static int find_original(struct stage *s, struct err *err)
{
	struct fixes fixes = { 0 };
	const struct fix *made;
	size_t nr = 0, i;
	int ret = fixes_read(&s->r->plan, &fixes, err);

	if (ret == 0) {
		made = fixes_made_by(&fixes, s->r->pos, &nr);
		for (i = 0; i < nr; i++)
			if (i == 0 || made[i].of < s->r->original)
				s->r->original = made[i].of;
	}
	s->r->has_original = nr > 0;
	fixes_release(&fixes);
	return ret;
}

const char *stage_path(const struct stage *s, size_t pos)
{
	return s->r->plan.items[pos].path;
}

const char *stage_migration(const struct stage *s)
{
	return stage_path(s, s->r->pos);
}

static int no_scenario(const struct stage *s, const struct buf *path, struct err *err)
{
	err_set(err, ERR_REFUSED, "migration '%s' has no scenario", stage_migration(s));
	err_detail(err, "There is no file %s/%s in the commit.", s->r->plan.folder,
		   path->s);
	err_hint(err, "scenario",
		 "It holds seed data, the failure, and what must hold afterwards: "
		 "git-migrate-scenario(5). Write it, and commit it with the migration or "
		 "behind it; \"git migrate fix --scenario\" writes one to fill in.");
	return -1;
}

/* Without a failure that it ends, a fix has proved no more than that it runs. */
static int check_shown(const struct stage *s, const struct buf *path, struct err *err)
{
	const struct rehearsal *r = s->r;

	if (!r->has_original || r->scenario.unshown ||
	    scenario_shows_failure(&r->scenario))
		return 0;
	err_set(err, ERR_REFUSED, "nothing shows what migration '%s' mends",
		stage_migration(s));
	err_detail(err, "%s/%s has neither a section [failure] nor a section [wrong].",
		   r->plan.folder, path->s);
	err_hint(err, "scenario",
		 "Show what '%s' makes fail or answer wrongly; where nothing can, a "
		 "section [unshown] says why: git-migrate-scenario(5).",
		 stage_path(s, r->original));
	return -1;
}

static int read_scenario(struct stage *s, struct err *err)
{
	struct rehearsal *r = s->r;
	struct buf path = BUF_INIT, text = BUF_INIT;
	int ret;

	scenario_path(&path, stage_migration(s));
	ret = history_file(s->repo, &r->plan.head, path.s, &r->scenario_blob, err);
	if (ret == 0)
		ret = no_scenario(s, &path, err);
	else if (ret > 0)
		ret = repo_read_blob(s->repo, &r->scenario_blob, &text, err) == 0 ? 0
										  : -1;
	if (ret == 0 && scenario_parse(&r->scenario, buf_str(&text), text.len, err) < 0)
		ret = err_wrap(err, "%s/%s:%u", r->plan.folder, path.s, err->line);
	if (ret == 0)
		ret = check_shown(s, &path, err);
	if (ret == 0)
		ret = stage_check_parts(s, err);
	buf_release(&path);
	buf_release(&text);
	return ret;
}

/* Without an original, what fails does so where the migration is not there. */
static int prepare(struct stage *s, struct err *err)
{
	struct oid commit;

	if (repo_resolve(s->repo, s->o->rev ? s->o->rev : "HEAD", &commit, err) < 0 ||
	    repo_load_shared(s->repo, &commit, err) < 0 ||
	    history_plan_head(s->repo, &commit, &s->r->plan, err) < 0)
		return -1;
	if (find_migration(s, err) < 0 || find_original(s, err) < 0 ||
	    stage_read_ties(s, err) < 0)
		return -1;
	return read_scenario(s, err);
}

/* --- what is told ------------------------------------------------------ */

void stage_begin(struct stage *s, enum rehearse_step step)
{
	s->r->at = step;
	s->since = clock_ms();
}

void stage_end(struct stage *s, struct rehearse_done done)
{
	struct rehearsal *r = s->r;

	done.step = r->at;
	done.ms = clock_ms() - s->since;
	if (!done.what)
		done.what = "";
	VEC_GROW(r->done, r->nr, r->alloc);
	r->done[r->nr++] = done;
	if (s->o->tell)
		s->o->tell(s->o->arg, r, &done);
}

static struct rehearse_effect *add_effect(struct stage *s, const char *path)
{
	struct rehearsal *r = s->r;
	struct rehearse_effect *e;

	VEC_GROW(r->effects, r->nr_effects, r->alloc_effects);
	e = &r->effects[r->nr_effects++];
	memset(e, 0, sizeof(*e));
	e->path = pool_strdup(&r->pool, path);
	return e;
}

/* Of what is run on the way nothing is told. */
static bool is_watched(const struct stage *s, const struct apply_event *event)
{
	return event->migration && s->running &&
	       strcmp(event->migration->path, s->running) == 0;
}

static void on_apply(void *arg, const struct apply_event *event)
{
	struct stage *s = arg;
	struct pool *pool = &s->r->pool;
	const struct db_touched *t = event->touched;
	struct rehearse_effect *e;

	if (!is_watched(s, event) ||
	    (event->step != APPLY_TOUCHED && event->step != APPLY_STATEMENT))
		return;
	e = add_effect(s, event->migration->path);
	if (event->step == APPLY_STATEMENT) {
		e->line = event->line;
		e->ms = event->ms;
		return;
	}
	e->table = pool_strdup(pool, t->name);
	e->lock = t->lock ? pool_strdup(pool, t->lock) : NULL;
	e->rewritten = t->rewritten;
	e->dropped = t->dropped;
	e->destroyed = t->destroyed;
}

/* --- migrations -------------------------------------------------------- */

/*
 * The plan that what comes up to the original is of: where something takes its place,
 * that of the time before.
 */
static const struct oid *revision_for(const struct stage *s, size_t pos)
{
	const struct rehearsal *r = s->r;

	return r->has_original && s->replacement >= 0 && pos <= r->original
		       ? &r->plan.items[r->original].arrival
		       : &r->plan.head;
}

static int apply_to(struct stage *s, size_t pos, bool dry_run, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	const struct apply_options o = {
		.rev = oid_hex(revision_for(s, pos), hex),
		.to = stage_path(s, pos),
		.dry_run = dry_run,
		.durations = true,
		.tell = on_apply,
		.arg = s,
	};

	return scratch_apply(&s->scratch, &o, err);
}

/* First what it would lock and rewrite, then the thing itself. */
static int apply_watched(struct stage *s, size_t pos, struct err *err)
{
	size_t before = s->r->nr_effects, i, kept;

	s->running = stage_path(s, pos);
	if (apply_to(s, pos, true, err) < 0)
		return -1;
	/* the dry run's statements are run once more */
	for (i = kept = before; i < s->r->nr_effects; i++)
		if (s->r->effects[i].table)
			s->r->effects[kept++] = s->r->effects[i];
	s->r->nr_effects = kept;
	return apply_to(s, pos, false, err);
}

static bool is_settled(const struct stage *s, size_t pos)
{
	const struct ledger_entry *e = ledger_find(&s->scratch.target.ledger,
						   stage_path(s, pos));

	return e && e->settled;
}

/* How many come before the seed. */
static size_t count_before(const struct stage *s)
{
	return s->r->has_original || s->replacement >= 0 ? s->root : s->r->pos;
}

static int run_before(struct stage *s, struct err *err)
{
	size_t first = count_before(s);

	stage_begin(s, REHEARSE_BEFORE);
	if (is_settled(s, s->r->pos)) {
		err_set(err, ERR_REFUSED, "the copy has migration '%s' already",
			stage_migration(s));
		err_hint(err, "scratch", "Rehearse it on an empty one: without --copy.");
		return -1;
	}
	s->original_is_there = s->r->has_original && is_settled(s, s->r->original);
	if (first && !s->original_is_there && apply_to(s, first - 1, false, err) < 0)
		return -1;
	stage_end(s, (struct rehearse_done){ .nr = first });
	return 0;
}

static int run_original(struct stage *s, struct err *err)
{
	if (!s->r->has_original || s->original_is_there)
		return 0;
	stage_begin(s, REHEARSE_ORIGINAL);
	if (apply_watched(s, s->r->original, err) < 0) {
		if (err->code == ERR_REFUSED && !err->hint[0])
			err_hint(err, "rehearse",
				 "It must run, with the seed too, for its failure to "
				 "show.");
		return -1;
	}
	stage_end(s, (struct rehearse_done){ .what = stage_path(s, s->r->original) });
	return 0;
}

/* Where it takes effect: in the place of what it replaces. */
static size_t place_of_fix(const struct stage *s)
{
	size_t place = s->r->pos;
	ssize_t of;

	while ((of = s->ties[place].supersedes) >= 0 && !is_settled(s, (size_t)of))
		place = (size_t)of;
	return place;
}

/* What stands between the original and the fix. */
static int run_between(struct stage *s, struct err *err)
{
	size_t place, i;

	if (!s->r->has_original)
		return 0;
	stage_begin(s, REHEARSE_FIX);
	if (target_read(&s->scratch.target, err) < 0)
		return -1;
	place = place_of_fix(s);
	for (i = s->r->original + 1; i < place && !s->between; i++)
		s->between = !is_settled(s, i);
	return s->between ? apply_to(s, place - 1, false, err) : 0;
}

static int run_fix(struct stage *s, struct err *err)
{
	stage_begin(s, REHEARSE_FIX);
	if (apply_watched(s, s->r->pos, err) < 0)
		return -1;
	stage_end(s, (struct rehearse_done){ .what = stage_migration(s) });
	return stage_read_ran(s, err);
}

/* --- the whole --------------------------------------------------------- */

static int try_compat(struct stage *s, struct err *err)
{
	struct rehearsal *r = s->r;
	const struct compat_options o = {
		.where = &s->o->where,
		.scenario = &r->scenario,
		.seed_at = count_before(s),
	};

	stage_begin(s, REHEARSE_COMPAT);
	if (compat_try(s->repo, &r->plan, &o, &r->compat, err) < 0)
		return -1;
	stage_end(s, (struct rehearse_done){ .nr = r->compat.nr,
					     .said = r->compat.lacking });
	return 0;
}

static int run_steps(struct stage *s, struct err *err)
{
	if (run_before(s, err) < 0 || stage_seed(s, err) < 0 || stage_count(s, err) < 0 ||
	    run_original(s, err) < 0 || stage_failures(s, err) < 0 ||
	    run_between(s, err) < 0 || stage_count_added(s, err) < 0 ||
	    run_fix(s, err) < 0)
		return -1;
	return stage_checks(s, err) < 0 || stage_compare(s, err) < 0 ? -1 : 0;
}

int rehearse(struct repo *repo, const struct rehearse_options *o, struct rehearsal *r,
	     struct err *err)
{
	struct stage s = {
		.repo = repo, .o = o, .r = r, .scratch = SCRATCH_INIT, .replacement = -1
	};
	struct target *t = &s.scratch.target;
	int ret;

	memset(r, 0, sizeof(*r));
	ret = prepare(&s, err);
	if (ret == 0)
		ret = scratch_make(&s.scratch, repo, &o->where, err);
	r->swept = s.scratch.swept;
	r->private_server = s.scratch.private_server;
	if (ret == 0) {
		r->engine = pool_strdup(&r->pool, t->driver->engine(t->db));
		ret = run_steps(&s, err);
	}
	scratch_drop(&s.scratch);
	if (ret == 0)
		ret = stage_same(&s, err);
	if (ret == 0)
		ret = try_compat(&s, err);
	if (r->engine)
		ret = stage_conclude(&s, ret, err);
	free(s.ties);
	kept_release(&s.before);
	kept_release(&s.added);
	schema_release(&s.shape);
	return ret;
}
