#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "core/plan.h"
#include "flow/check.h"
#include "flow/check_mirror.h"
#include "flow/check_tags.h"
#include "flow/mirror.h"
#include "flow/proofs.h"
#include "flow/push.h"
#include "git/history.h"
#include "git/repo.h"

struct judge {
	struct repo *repo;
	const struct push *push;
	struct findings *f;
	struct buf protected; /* the branch's name; empty when there is none */
	struct buf behind;    /* what it leads to */
	bool asked;	      /* whether the push leaves it there: once is enough */
};

int push_tip(struct repo *repo, const struct push *push, const char *ref, struct oid *out,
	     struct err *err)
{
	size_t i;

	for (i = 0; push && i < push->nr; i++) {
		if (strcmp(push->items[i].ref, ref) != 0)
			continue;
		*out = push->items[i].newer;
		return !oid_is_zero(out);
	}
	return repo_ref(repo, ref, out, err);
}

/* A branch that nobody pushes to protects nothing: "master" of a new server. */
static int warn_unprotected(struct judge *j, const struct push_update *u, struct err *err)
{
	struct oid tip;
	int there;

	if (j->asked || oid_is_zero(&u->newer) || !starts_with(u->ref, "refs/heads/"))
		return 0;
	j->asked = true;
	there = push_tip(j->repo, j->push, j->protected.s, &tip, err);
	if (there != 0)
		return there < 0 ? -1 : 0;
	findings_add(j->f, RULE_BRANCH, true, NULL,
		     "nothing is protected: the branch '%s' is not there",
		     j->protected.s);
	findings_hint(j->f,
		      "The administrator of the server names the one that is: git config "
		      "migrate.branch %s",
		      u->ref + strlen("refs/heads/"));
	return 0;
}

/* Deleted here, created under another name in the same push. */
static const char *new_name(const struct judge *j, const struct push_update *u)
{
	size_t i;

	for (i = 0; i < j->push->nr; i++)
		if (oid_eq(&j->push->items[i].newer, &u->older) &&
		    oid_is_zero(&j->push->items[i].older) &&
		    starts_with(j->push->items[i].ref, "refs/heads/"))
			return j->push->items[i].ref;
	return NULL;
}

static int judge_branch(struct judge *j, const struct push_update *u, struct err *err)
{
	const struct check_step step = {
		.older = u->older, .newer = u->newer, .push = j->push, .landed = true
	};
	const char *now = oid_is_zero(&u->newer) ? new_name(j, u) : NULL;

	if (!now)
		return check_branch(j->repo, u->ref, &step, j->f, err);
	findings_add(j->f, RULE_BRANCH, false, NULL,
		     "the protected branch '%s' cannot be renamed to '%s'", u->ref, now);
	findings_hint(j->f,
		      "Let the administrator of the server do it, and name the new one: "
		      "git config migrate.branch %s",
		      now + strlen("refs/heads/"));
	return 0;
}

static int judge_update(struct judge *j, const struct push_update *u, struct err *err)
{
	struct buf real = BUF_INIT;
	int ret = -1;

	if (starts_with(u->ref, MIRROR_REFS))
		return check_mirror(j->repo, u->ref, &u->older, &u->newer, j->f, err);
	if (starts_with(u->ref, PROOF_REFS))
		return check_proofs(j->repo, u->ref, &u->older, &u->newer, j->f, err);
	if (!check_place(u->ref, &u->newer, j->f))
		return 0;
	if (!j->protected.len || starts_with(u->ref, "refs/tags/"))
		return 0;
	/* one of the two may be another name of the other */
	if (repo_real_ref(j->repo, u->ref, &real, err) == 0)
		ret = strcmp(j->behind.s, real.s) == 0 ? judge_branch(j, u, err)
						       : warn_unprotected(j, u, err);
	buf_release(&real);
	return ret;
}

int push_check(struct repo *repo, const struct push *push, struct findings *f,
	       struct err *err)
{
	struct judge j = { .repo = repo, .push = push, .f = f };
	int ret = repo_protected_ref(repo, &j.protected, err);
	size_t i;

	if (ret > 0)
		ret = repo_real_ref(repo, j.protected.s, &j.behind, err);
	for (i = 0; i < push->nr && ret == 0; i++) {
		ret = judge_update(&j, &push->items[i], err);
		if (ret < 0)
			err_wrap(err, "%s", push->items[i].ref);
	}
	if (ret == 0 && j.protected.len)
		ret = check_tags(repo, push, j.protected.s, f, err);
	buf_release(&j.protected);
	buf_release(&j.behind);
	return ret;
}
