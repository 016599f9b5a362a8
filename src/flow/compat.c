#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/scenario.h"
#include "flow/compat.h"
#include "flow/fixes.h"
#include "flow/scratch.h"
#include "git/blob.h"
#include "git/config.h"
#include "git/history.h"
#include "git/repo.h"

void compat_release(struct compat *c)
{
	free(c->files);
	pool_release(&c->pool);
	memset(c, 0, sizeof(*c));
}

/* --- what runs now ----------------------------------------------------- */

struct trial {
	struct repo *repo;
	struct plan *plan;
	const struct compat_options *o;
	struct compat *out;
	bool *pending; /* by position */
	bool *passing; /* the same: a state that a pending fix ends */
	struct scratch scratch;
	bool on_copy; /* of the target, with its rows */
	size_t there; /* migrations that are applied to it */
	bool seeded;
};

/* migrate.<target>.deployed; 1, 0: it is not set, -1. */
static int configured_revision(struct trial *t, struct err *err)
{
	struct buf key = BUF_INIT;
	const char *rev;
	int ret = 0;

	buf_addf(&key, "migrate.%s.deployed", t->o->where->target);
	rev = config_get(repo_config(t->repo), key.s);
	if (rev && rev[0]) {
		ret = repo_resolve(t->repo, rev, &t->out->revision, err);
		if (ret < 0) {
			err_wrap(err, "%s", key.s);
			err_hint(err, "deployed",
				 "It names the revision that the application runs: fetch "
				 "it, or set it anew.");
		}
		ret = ret < 0 ? -1 : 1;
	}
	buf_release(&key);
	return ret;
}

/* The head of what was applied last, where it is at hand. 0 or -1. */
static int applied_revision(struct trial *t, const struct ledger *l, struct err *err)
{
	const char *head = NULL;
	struct oid id;
	size_t i;
	int known;

	for (i = 0; i < l->nr; i++)
		if (l->records[i].event == EVENT_APPLIED)
			head = l->records[i].field[FIELD_HEAD];
	if (!head || oid_parse(&id, head, strlen(head)) < 0) {
		t->out->lacking = "nothing was applied to the target yet";
		return 0;
	}
	known = repo_is_commit(t->repo, head, err);
	if (known < 0)
		return -1;
	if (known)
		t->out->revision = id;
	else
		t->out->lacking = "the commit that was applied last is not at hand";
	return 0;
}

static void mark_pending(struct trial *t, const struct ledger *l)
{
	const struct ledger_entry *e;
	size_t i;

	for (i = 0; i < t->plan->nr; i++) {
		e = ledger_find(l, t->plan->items[i].path);
		t->pending[i] = !e || !e->settled;
	}
}

/* What runs now, and what it lacks. 0 or -1. */
static int look_at_target(struct trial *t, struct err *err)
{
	struct target_options o = { .name = t->o->where->target };
	struct target target = { 0 };
	struct err ignored;
	const char *url;
	int ret = -1, set;

	if (target_url(t->repo, o.name, &url, &ignored) < 0) {
		t->out->lacking = "there is no target that says what runs now";
		return 0;
	}
	if (target_open(&target, t->repo, &o, err) == 0) {
		mark_pending(t, &target.ledger);
		set = configured_revision(t, err);
		ret = set < 0 ? -1 : 0;
		if (set == 0)
			ret = applied_revision(t, &target.ledger, err);
	}
	target_release(&target);
	return ret;
}

/* --- its statements ---------------------------------------------------- */

static int take_file(void *arg, const char *path, const struct oid *blob, struct err *err)
{
	struct trial *t = arg;
	struct compat_file *f;
	struct buf sql = BUF_INIT;
	uint64_t size = 0;
	int ret;

	if (!ends_with(path, ".sql") || strchr(path, '/'))
		return 0;
	ret = repo_blob_size(t->repo, blob, &size, err);
	if (ret == 0 && size > BLOB_LARGE)
		ret = err_set(err, ERR_REFUSED, "compat/%s is larger than 16 MiB", path);
	if (ret == 0)
		ret = repo_read_blob(t->repo, blob, &sql, err);
	if (ret == 0) {
		VEC_GROW(t->out->files, t->out->nr, t->out->alloc);
		f = &t->out->files[t->out->nr++];
		f->path = pool_strdup(&t->out->pool, path);
		f->sql = pool_strndup(&t->out->pool, buf_str(&sql), sql.len);
		f->len = sql.len;
		f->untried = NULL;
		f->ran = false;
	}
	buf_release(&sql);
	return ret > 0 ? err_set(err, ERR_FATAL, "the repository lacks compat/%s", path)
		       : ret;
}

/* The folder "compat" beside that of the migrations. */
static int read_files(struct trial *t, struct err *err)
{
	const char *folder, *base;
	struct buf path = BUF_INIT;
	int ret;

	if (repo_folder(t->repo, &folder, err) < 0)
		return -1;
	base = strrchr(folder, '/');
	if (base)
		buf_add(&path, folder, (size_t)(base - folder) + 1);
	buf_adds(&path, "compat");
	ret = history_each_in(t->repo, &t->out->revision, path.s, take_file, t, err);
	if (ret == 0 && !t->out->nr)
		t->out->lacking = "the deployed revision has no compat/*.sql";
	buf_release(&path);
	return ret < 0 ? -1 : 0;
}

/* --- the trial --------------------------------------------------------- */

/*
 * From one to the last of its fixes that are pending. Where it has run itself, that is
 * how things stand while its failure is live: no reason to hold its fix back.
 */
static int mark_passing(struct trial *t, struct err *err)
{
	struct fixes fixes = { 0 };
	size_t i, k;
	int ret = fixes_read(t->plan, &fixes, err);

	for (i = 0; ret == 0 && i < fixes.nr; i++) {
		const struct fix *f = &fixes.by_fix[i];

		if (t->pending[f->fix])
			for (k = f->of; k < f->fix; k++)
				t->passing[k] = true;
	}
	fixes_release(&fixes);
	return ret;
}

static void advise(const struct trial *t, bool behind, struct err *err)
{
	err_hint(err, "compat", "%s%s%s",
		 behind ? "The code that runs now would fail. Let the migration leave "
			  "room for it: a default, a second column, a later contract."
			: "It fails already: mend it where it stands, and deploy that.",
		 t->seeded ? " Where the rows of [seed] are in its way, give them other "
			     "keys."
			   : "",
		 t->on_copy ? " It has run with the rows of the copy before." : "");
}

static int run_file(struct trial *t, const struct compat_file *f, struct err *err)
{
	const struct db_script script = { .name = f->path, .sql = f->sql, .len = f->len };

	return scratch_run(&t->scratch, &script, SCRATCH_UNDO, NULL, err);
}

static void end_file(const struct trial *t, struct compat_file *f)
{
	if (!t->on_copy)
		return;
	f->ran = true;
	f->untried = NULL;
}

/* What has never run on the copy tells nothing of the migrations. */
static bool is_excused(struct trial *t, struct compat_file *f, const struct err *err)
{
	if (!t->on_copy || f->ran)
		return false;
	if (!f->untried)
		f->untried = pool_strdup(&t->out->pool, err->message);
	return true;
}

/* All files, behind migration `pos` of the plan; SIZE_MAX: as it is now. */
static int run_files(struct trial *t, size_t pos, struct err *err)
{
	const char *behind = pos < t->plan->nr ? t->plan->items[pos].path : NULL;
	size_t i;
	int ret;

	for (i = 0; i < t->out->nr; i++) {
		struct compat_file *f = &t->out->files[i];
		struct err why = { 0 };

		if (t->o->where->copy && !t->on_copy && f->ran)
			continue;
		ret = run_file(t, f, &why);
		if (ret == 0)
			end_file(t, f);
		if (ret == 0 || (ret > 0 && is_excused(t, f, &why)))
			continue;
		*err = why;
		if (ret > 0)
			advise(t, behind, err);
		return behind ? err_wrap(err, "compat/%s behind '%s'", f->path, behind)
			      : err_wrap(err, "compat/%s", f->path);
	}
	return 0;
}

static int seed(struct trial *t, struct err *err)
{
	const struct scenario *sc = t->o->scenario;
	size_t i;

	t->seeded = true;
	for (i = 0; i < sc->nr; i++) {
		const struct scenario_part *part = &sc->parts[i];
		const struct db_script script = { .name = "[seed]",
						  .sql = part->sql,
						  .len = strlen(part->sql) };

		if (part->kind == SCENARIO_SEED &&
		    scratch_run(&t->scratch, &script, SCRATCH_KEEP, NULL, err) != 0)
			return err_wrap(err, "[seed] on line %u", part->line);
	}
	return 0;
}

static int apply_first(struct trial *t, size_t nr, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	struct apply_options o = { .rev = oid_hex(&t->plan->head, hex) };

	if (nr <= t->there)
		return 0;
	o.to = t->plan->items[nr - 1].path;
	t->there = nr;
	return scratch_apply(&t->scratch, &o, err);
}

/* The first `nr` of the plan, and the seed where that comes before their end. */
static int bring_to(struct trial *t, size_t nr, struct err *err)
{
	/* what is put into a copy may need the rows that are there */
	bool fits = t->o->scenario && t->on_copy == t->o->where->copy;

	if (fits && !t->seeded && t->o->seed_at <= nr &&
	    (apply_first(t, t->o->seed_at, err) < 0 || seed(t, err) < 0))
		return -1;
	return apply_first(t, nr, err);
}

/* Makes it, as the target is now. */
static int set_up(struct trial *t, bool copy, size_t first, struct err *err)
{
	struct scratch_options where = *t->o->where;

	where.copy = t->on_copy = copy;
	t->there = copy ? first : 0;
	t->seeded = false;
	t->out->migrations = 0;
	return scratch_make(&t->scratch, t->repo, &where, err) < 0
		       ? -1
		       : bring_to(t, first, err);
}

static int run_trial(struct trial *t, bool copy, struct err *err)
{
	size_t first = 0, i;
	bool live;

	while (first < t->plan->nr && !t->pending[first])
		first++;
	if (set_up(t, copy, first, err) < 0)
		return -1;
	/* on a copy it says which of them its rows are at odds with */
	live = !copy && first && t->passing[first - 1];
	if (!live && run_files(t, SIZE_MAX, err) < 0)
		return -1;
	for (i = first; i < t->plan->nr; i++) {
		if (t->passing[i])
			continue;
		if (bring_to(t, i + 1, err) < 0)
			return -1;
		if (!t->pending[i])
			continue;
		if (run_files(t, i, err) < 0)
			return -1;
		t->out->migrations++;
	}
	return 0;
}

/* On a copy, then on an empty one those that say nothing there. */
static int run_trials(struct trial *t, struct err *err)
{
	bool rest = !t->o->where->copy;
	size_t i;

	if (t->o->where->copy && run_trial(t, true, err) < 0)
		return -1;
	for (i = 0; i < t->out->nr; i++)
		rest |= t->out->files[i].untried != NULL;
	if (!rest)
		return 0;
	scratch_drop(&t->scratch);
	t->scratch = (struct scratch)SCRATCH_INIT;
	return run_trial(t, false, err);
}

int compat_try(struct repo *repo, struct plan *plan, const struct compat_options *o,
	       struct compat *out, struct err *err)
{
	struct trial t = {
		.repo = repo, .plan = plan, .o = o, .out = out, .scratch = SCRATCH_INIT
	};
	int ret;

	memset(out, 0, sizeof(*out));
	t.pending = xcalloc(plan->nr + 1, sizeof(*t.pending));
	t.passing = xcalloc(plan->nr + 1, sizeof(*t.passing));
	ret = look_at_target(&t, err);
	if (ret == 0 && !out->lacking)
		ret = read_files(&t, err);
	if (ret == 0 && !out->lacking)
		ret = mark_passing(&t, err);
	if (ret == 0 && !out->lacking)
		ret = run_trials(&t, err);
	scratch_drop(&t.scratch);
	free(t.pending);
	free(t.passing);
	return ret;
}
