#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "core/plan.h"
#include "flow/check.h"
#include "flow/check_mirror.h"
#include "flow/mirror.h"
#include "git/config.h"
#include "git/history.h"
#include "git/repo.h"

int check_settings(struct repo *repo, const struct oid *older, const struct oid *newer,
		   struct findings *f, struct err *err)
{
	static const char *const keys[] = { "migrate.path", "migrate.protect" };
	static const char *const defaults[] = { "migrations", "landed" };
	struct buf was = BUF_INIT, now = BUF_INIT;
	int ret = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys) && ret == 0; i++) {
		if (repo_config_is_own(repo, keys[i]))
			continue;
		buf_reset(&was);
		buf_reset(&now);
		if (repo_shared_value(repo, older, keys[i], &was, err) < 0 ||
		    repo_shared_value(repo, newer, keys[i], &now, err) < 0) {
			ret = -1;
			continue;
		}
		if (!was.len)
			buf_adds(&was, defaults[i]);
		if (!now.len)
			buf_adds(&now, defaults[i]);
		if (strcmp(buf_str(&was), buf_str(&now)) != 0 &&
		    (i == 0 || strcmp(buf_str(&now), "applied") == 0)) {
			findings_add(f, RULE_SETTINGS, false, ".gitmigrate",
				     "%s was changed from '%s' to '%s' in .gitmigrate",
				     keys[i], buf_str(&was), buf_str(&now));
			findings_hint(f,
				      "It decides over what has landed; an "
				      "administrator of the server sets it there (git "
				      "config %s) if it must change.",
				      keys[i]);
		}
	}
	buf_release(&was);
	buf_release(&now);
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

static int judge_step(struct repo *repo, const struct oid *older, const struct oid *newer,
		      bool landed, struct findings *f, struct err *err)
{
	struct plan was = { 0 }, now = { 0 };
	struct lineage lineage = { 0 };
	size_t before = f->errors;
	int ret = -1;

	if (oid_is_zero(older)) {
		if (repo_load_shared(repo, newer, err) < 0)
			return -1;
	} else if (check_settings(repo, older, newer, f, err) < 0 ||
		   repo_load_shared(repo, older, err) < 0 ||
		   (landed ? history_plan_landed : history_plan)(repo, older, &was, err) <
			   0 ||
		   check_lineage(repo, older, newer, &lineage, err) < 0) {
		goto out;
	}
	if (history_plan(repo, newer, &now, err) < 0)
		goto out;
	if (!oid_is_zero(older) && policy_append_only(&was, &now, &lineage, f, err) < 0)
		goto out;
	/* where the prefix is broken, positions say nothing of what is new */
	if (policy_new_entries(&now, f->errors == before ? was.nr : now.nr, f, err) < 0)
		goto out;
	ret = 0;
out:
	plan_release(&was);
	plan_release(&now);
	return ret;
}

int check_range(struct repo *repo, const struct oid *older, const struct oid *newer,
		struct findings *f, struct err *err)
{
	return judge_step(repo, older, newer, false, f, err);
}

/* A branch that nobody pushes to protects nothing: "master" of a new server. */
static int warn_unprotected(struct repo *repo, const char *ref, const char *protected,
			    struct findings *f, struct err *err)
{
	struct oid tip;
	int there = repo_ref(repo, protected, &tip, err);

	if (there != 0 || !starts_with(ref, "refs/heads/"))
		return there < 0 ? -1 : 0;
	findings_add(f, RULE_BRANCH, true, NULL,
		     "nothing is protected: the branch '%s' is not there", protected);
	findings_hint(f,
		      "The administrator of the server names the one that is: git config "
		      "migrate.branch %s",
		      ref + strlen("refs/heads/"));
	return 0;
}

int check_branch(struct repo *repo, const char *ref, const struct oid *older,
		 const struct oid *newer, bool landed, struct findings *f,
		 struct err *err)
{
	/* where it is there, so is what it points at */
	if (!oid_is_zero(newer))
		return judge_step(repo, older, newer, landed, f, err);
	findings_add(f, RULE_BRANCH, false, NULL,
		     "the protected branch '%s' cannot be deleted", ref);
	findings_hint(f, "Its migrations are the plan of every database; \"git config "
			 "migrate.branch\" on the server names another branch if that "
			 "is meant.");
	return 0;
}

int check_update(struct repo *repo, const char *ref, const struct oid *older,
		 const struct oid *newer, struct findings *f, struct err *err)
{
	struct buf protected = BUF_INIT, behind = BUF_INIT, real = BUF_INIT;
	int found, ret = -1;

	if (starts_with(ref, MIRROR_REFS))
		return check_mirror(repo, ref, older, newer, f, err);
	found = repo_protected_ref(repo, &protected, err);
	if (found <= 0) {
		ret = found;
	} else if (repo_real_ref(repo, protected.s, &behind, err) == 0 &&
		   repo_real_ref(repo, ref, &real, err) == 0) {
		/* one of the two may be another name of the other */
		ret = strcmp(behind.s, real.s) != 0
			      ? warn_unprotected(repo, ref, protected.s, f, err)
			      : check_branch(repo, ref, older, newer, true, f, err);
	}
	buf_release(&protected);
	buf_release(&behind);
	buf_release(&real);
	return ret;
}
