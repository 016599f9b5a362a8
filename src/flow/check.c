#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/vec.h"
#include "core/message.h"
#include "core/plan.h"
#include "flow/applied.h"
#include "flow/check.h"
#include "flow/require.h"
#include "git/config.h"
#include "git/history.h"
#include "git/repo.h"

/* A setting that a tree shares, and that decides over what lands. */
struct shared {
	const char *key, *name, *otherwise;
	bool asks; /* true asks for more: it can be set, and not taken back */
};

static const struct shared settings[] = {
	{ "migrate.path", "migrate.path", "migrations", false },
	{ "migrate.protect", "migrate.protect", "landed", false },
	{ "migrate.onemigrationpercommit", "migrate.oneMigrationPerCommit", "false",
	  true },
	{ "migrate.requiresigned", "migrate.requireSigned", "false", true },
	{ "migrate.requirereview", "migrate.requireReview", "false", true },
	{ "migrate.requirerehearsal", "migrate.requireRehearsal", "false", true },
};

static bool is_looser(const struct shared *s, const char *was, const char *now)
{
	if (s->asks)
		return config_is_true(was) && !config_is_true(now);
	return strcmp(was, now) != 0 &&
	       (strcmp(s->key, "migrate.path") == 0 || strcmp(now, "applied") == 0);
}

/* What counts now; `out` has room for all settings. */
static void read_settings(struct repo *repo, char **out)
{
	const char *value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		value = config_get(repo_config(repo), settings[i].key);
		if (!value || (!value[0] && !settings[i].asks))
			value = settings[i].otherwise;
		out[i] = xstrdup(value);
	}
}

static void compare_settings(char *const *was, char *const *now, struct findings *f)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		if (!is_looser(&settings[i], was[i], now[i]))
			continue;
		findings_add(f, RULE_SETTINGS, false, ".gitmigrate",
			     "%s was changed from '%s' to '%s' in .gitmigrate",
			     settings[i].name, was[i], now[i]);
		findings_hint(f,
			      "It decides over what lands; an administrator of the "
			      "server sets it there (git config %s) if it must change.",
			      settings[i].name);
	}
}

int check_settings(struct repo *repo, const struct oid *older, const struct oid *newer,
		   struct findings *f, struct err *err)
{
	char *was[ARRAY_SIZE(settings)] = { NULL }, *now[ARRAY_SIZE(settings)] = { NULL };
	int same = repo_shares_alike(repo, older, newer, err), ret = same < 0 ? -1 : 0;
	size_t i;

	if (same == 0 && repo_load_shared_sound(repo, older, err) < 0)
		ret = -1;
	if (same == 0 && ret == 0) {
		read_settings(repo, was);
		ret = repo_load_shared(repo, newer, err);
	}
	if (same == 0 && ret == 0) {
		read_settings(repo, now);
		compare_settings(was, now, f);
	}
	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		free(was[i]);
		free(now[i]);
	}
	return ret;
}

int check_lineage(struct repo *repo, const struct oid *older, const struct oid *newer,
		  struct lineage *out, struct err *err)
{
	enum { NEAR = 10000, ALL = 0 };
	int ancestor = 0, back = 0;
	int line = history_on_line(repo, older, newer, NEAR, err);

	memset(out, 0, sizeof(*out));
	if (line == 0)
		ancestor = repo_is_ancestor(repo, older, newer, err);
	if (ancestor > 0)
		line = history_on_line(repo, older, newer, ALL, err);
	else if (line == 0 && ancestor == 0)
		back = repo_is_ancestor(repo, newer, older, err);
	out->old_is_ancestor = ancestor > 0 || line > 0;
	out->new_is_ancestor = back > 0;
	out->old_on_first_parents = line > 0;
	return ancestor < 0 || back < 0 || line < 0 ? -1 : 0;
}

/* Commits that messages of the new part say they revert. */
struct reverted {
	struct oid *items;
	size_t nr, alloc;
};

/* Only asked where something is gone; one that cannot be told is no revert. */
static void find_reverted(struct repo *repo, const struct oid *older,
			  const struct oid *newer, struct reverted *out)
{
	char was[OID_HEXSZ + 1], range[2 * OID_HEXSZ + 3], now[OID_HEXSZ + 1];
	const char *const args[] = { "rev-list",
				     "--grep=^This reverts commit [0-9a-f]",
				     "--max-count=100",
				     "--no-commit-header",
				     "--format=%B",
				     "--end-of-options",
				     range,
				     NULL };
	struct buf said = BUF_INIT;
	struct err quiet = { 0 };
	struct oid id;
	size_t at = 0;

	snprintf(range, sizeof(range), "%s..%s", oid_hex(older, was),
		 oid_hex(newer, now));
	if (repo_git(repo, args, &said, NULL, &quiet) == 0) {
		while (message_reverts(buf_str(&said), &at, &id)) {
			VEC_GROW(out->items, out->nr, out->alloc);
			out->items[out->nr++] = id;
		}
	}
	buf_release(&said);
}

static bool lacks_any(const struct plan *was, const struct plan *now)
{
	size_t i;

	for (i = 0; i < was->nr; i++)
		if (plan_find(now, was->items[i].path) < 0)
			return true;
	return false;
}

/* I1, with what migrate.protect keeps, which may have run before it landed. */
static int judge_kept(struct repo *repo, const struct check_step *step, bool forward,
		      struct plan *was, struct plan *now, struct findings *f,
		      struct err *err)
{
	struct applied_list applied = { 0 };
	const struct applied_set *kept;
	struct reverted reverted = { 0 };
	struct lineage lineage = { .old_is_ancestor = true,
				   .old_on_first_parents = forward };
	int ret = -1;

	if ((oid_is_zero(&step->older) || forward ||
	     check_lineage(repo, &step->older, &step->newer, &lineage, err) == 0) &&
	    applied_to_keep(repo, step->push, &applied, &kept, err) == 0) {
		if (lineage.old_is_ancestor && lacks_any(was, now))
			find_reverted(repo, &step->older, &step->newer, &reverted);
		lineage.reverted = reverted.items;
		lineage.nr_reverted = reverted.nr;
		ret = policy_append_only(was, now, &lineage, kept, f, err);
	}
	free(reverted.items);
	applied_release(&applied);
	return ret;
}

/* Where what is new begins; with little kept what is new may stand anywhere behind it. */
static size_t first_new(const struct plan *was, const struct plan *now)
{
	size_t i;

	for (i = 0; i < now->nr; i++)
		if (plan_find(was, now->items[i].path) < 0)
			break;
	return i;
}

/*
 * What ran somewhere stays as it ran, landed or not; where that is all that is kept it
 * was looked at already.
 */
static int judge_applied(struct repo *repo, const struct check_step *step,
			 struct plan *was, struct plan *now, struct findings *f,
			 struct err *err)
{
	struct applied_list applied = { 0 };
	const char **paths;
	size_t nr = 0, i;
	int ret = 0;

	if (applied_alone_is_kept(repo))
		return 0;
	paths = xcalloc(now->nr + 1, sizeof(*paths));
	for (i = 0; i < now->nr; i++)
		if (plan_find(was, now->items[i].path) < 0)
			paths[nr++] = now->items[i].path;
	if (nr)
		ret = applied_read_paths(repo, step->push, paths, nr, &applied, err);
	if (ret == 0)
		policy_as_applied(was, now, &applied.set, f);
	applied_release(&applied);
	free(paths);
	return ret;
}

/* Where the prefix is broken, positions say nothing of what is new. */
static int judge_new(struct repo *repo, const struct check_step *step, struct plan *was,
		     struct plan *now, bool broken, struct findings *f, struct err *err)
{
	const struct required what = { .plan = now,
				       .was = broken ? NULL : was,
				       .from = broken ? now->nr : first_new(was, now),
				       .tip = &step->newer,
				       .push = step->push };

	if (policy_new_entries(now, what.from, f, err) < 0)
		return -1;
	return require_check(repo, &what, f, err);
}

int check_step(struct repo *repo, const struct check_step *step, struct findings *f,
	       struct err *err)
{
	const struct oid *older = &step->older;
	struct plan was = { 0 }, now = { 0 };
	size_t before = f->errors;
	int ret = -1, forward = history_brought(repo, older, &step->newer, err);

	if (forward < 0)
		return -1;
	if (oid_is_zero(older)) {
		if (repo_load_shared(repo, &step->newer, err) < 0)
			return -1;
	} else if ((!step->order_alone &&
		    check_settings(repo, older, &step->newer, f, err) < 0) ||
		   repo_load_shared_sound(repo, older, err) < 0 ||
		   (step->landed ? history_plan_landed : history_plan)(repo, older, &was,
								       err) < 0) {
		goto out;
	}
	if (history_plan(repo, &step->newer, &now, err) < 0)
		goto out;
	ret = judge_kept(repo, step, forward > 0, &was, &now, f, err);
	if (ret == 0 && !step->order_alone)
		ret = judge_applied(repo, step, &was, &now, f, err);
	if (ret == 0 && !step->order_alone)
		ret = judge_new(repo, step, &was, &now, f->errors != before, f, err);
out:
	plan_release(&was);
	plan_release(&now);
	return ret;
}

int check_range(struct repo *repo, const struct oid *older, const struct oid *newer,
		struct findings *f, struct err *err)
{
	const struct check_step step = { .older = *older, .newer = *newer };

	return check_step(repo, &step, f, err);
}

int check_branch(struct repo *repo, const char *ref, const struct check_step *step,
		 struct findings *f, struct err *err)
{
	/* where it is there, so is what it points at */
	if (!oid_is_zero(&step->newer))
		return check_step(repo, step, f, err);
	findings_add(f, RULE_BRANCH, false, NULL,
		     "the protected branch '%s' cannot be deleted", ref);
	findings_hint(f, "Its migrations are the plan of every database; \"git config "
			 "migrate.branch\" on the server names another branch if that "
			 "is meant.");
	return 0;
}
