#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "core/plan.h"
#include "flow/applied.h"
#include "flow/precommit.h"
#include "flow/staged.h"
#include "git/history.h"
#include "git/repo.h"

struct check {
	struct repo *repo;
	const char *folder;
	struct findings *f;
	bool reverting;
	struct staged staged;
	bool has_landed; /* there is a protected branch, and this is its tip: */
	struct oid landed;
	bool mirrors_read;
	struct applied_list applied;
};

/* The record that says a path was applied somewhere, NULL when none does. */
static int find_applied(struct check *c, const char *path, const struct applied **out,
			struct err *err)
{
	if (!c->mirrors_read && applied_read(c->repo, NULL, &c->applied, err) < 0)
		return -1;
	c->mirrors_read = true;
	*out = applied_find(&c->applied.set, path);
	return 0;
}

static const char *renamed_to(const struct check *c, const struct staged_change *gone)
{
	size_t i;

	for (i = 0; i < c->staged.nr; i++)
		if (c->staged.items[i].status == 'A' &&
		    oid_eq(&c->staged.items[i].blob, &gone->old_blob))
			return c->staged.items[i].path;
	return NULL;
}

/* Another file under the name of one that this branch has not: no work of anybody goes.
 */
static void refuse_other(struct check *c, const struct staged_change *ch,
			 const struct oid *kept, const char *why)
{
	char hex[OID_HEXSZ + 1];

	findings_add(c->f, RULE_EDITED, false, ch->path,
		     "migration '%s' is not the one that %s", ch->path, why);
	findings_hint(c->f,
		      "Give this one a name of its own (git mv), or put in what that one "
		      "has (git cat-file blob %.12s); a migration that mends it has the "
		      "trailer \"Fixes: %s\".",
		      oid_hex(kept, hex), ch->path);
}

static void refuse_change(struct check *c, const struct staged_change *ch,
			  const char *why)
{
	const char *to = ch->status == 'D' ? renamed_to(c, ch) : NULL;

	if (to)
		findings_add(c->f, RULE_RENAMED, false, ch->path,
			     "migration '%s' was renamed to '%s'; it %s", ch->path, to,
			     why);
	else if (ch->status == 'D' && c->reverting)
		findings_add(c->f, RULE_REVERTED, false, ch->path,
			     "migration '%s' was reverted; it %s", ch->path, why);
	else if (ch->status == 'D')
		findings_add(c->f, RULE_DELETED, false, ch->path,
			     "migration '%s' was deleted; it %s", ch->path, why);
	else if (ch->status == 'T' || oid_eq(&ch->old_blob, &ch->blob))
		findings_add(c->f, RULE_MODE, false, ch->path,
			     "the mode of migration '%s' was changed; it %s", ch->path,
			     why);
	else
		findings_add(c->f, RULE_EDITED, false, ch->path,
			     "migration '%s' was edited; it %s", ch->path, why);
	findings_hint(c->f,
		      "Restore it (git restore --staged --worktree %s/%s) and add a "
		      "migration that mends it (git migrate new), with the trailer "
		      "\"Fixes: %s\".",
		      c->folder, ch->path, ch->path);
}

static void refuse(struct check *c, const struct staged_change *ch,
		   const struct oid *kept, const char *why)
{
	if (ch->status == 'A')
		refuse_other(c, ch, kept, why);
	else
		refuse_change(c, ch, why);
}

/* As a restored file is: regular, or with the mode that it had. */
static bool is_regular(const struct staged_change *ch)
{
	return ch->mode == MODE_REGULAR || ch->mode == ch->old_mode;
}

/* A change of a file that was there: may it still be changed? */
static int judge_change(struct check *c, const struct staged_change *ch, struct err *err)
{
	const struct applied *applied;
	char why[256];
	struct oid blob;
	unsigned mode;
	int landed = 0;

	if (c->has_landed && !applied_alone_is_kept(c->repo)) {
		landed = history_holds(c->repo, &c->landed, ch->path, &blob, &mode, err);
		if (landed < 0)
			return -1;
	}
	if (find_applied(c, ch->path, &applied, err) < 0)
		return -1;
	if (applied) {
		/* back to what ran is the way home, not away from it */
		if (oid_eq(&ch->blob, &applied->blob) && is_regular(ch))
			return 0;
		snprintf(why, sizeof(why), "was applied to target '%s' at %s",
			 applied->target, applied->at);
		refuse(c, ch, &applied->blob, why);
	} else if (landed && !(oid_eq(&ch->blob, &blob) && is_regular(ch))) {
		refuse(c, ch, &blob, "has landed on the protected branch");
	}
	return 0;
}

/* Its name and its type: `path` is "" for what stands where the folder should be. */
static void judge_kind(struct check *c, const char *path, unsigned mode)
{
	const struct misfit m = { path, mode,
				  path[0] ? migration_name_check(path) : NAME_OK };

	if (!path[0] || m.name != NAME_OK ||
	    (mode != MODE_REGULAR && mode != MODE_EXECUTABLE))
		policy_misfit(c->folder, &m, c->f);
}

/* New names against all that will be in the tree. */
static int judge_case(struct check *c, struct err *err)
{
	const char *const args[] = { "ls-files", "-z", "--", c->folder, NULL };
	struct buf names = BUF_INIT;
	size_t folder = strlen(c->folder) + 1, i;
	const char *at, *end;
	int status = repo_git(c->repo, args, &names, NULL, err);

	if (status > 0)
		err_set(err, ERR_FATAL, "git ls-files failed");
	end = buf_str(&names) + names.len;
	for (at = buf_str(&names); status == 0 && at < end; at += strlen(at) + 1) {
		if (strlen(at) <= folder || migration_name_check(at + folder) != NAME_OK)
			continue;
		for (i = 0; i < c->staged.nr; i++) {
			const struct staged_change *ch = &c->staged.items[i];

			if (ch->status != 'A' || strcasecmp(ch->path, at + folder) != 0 ||
			    strcmp(ch->path, at + folder) == 0)
				continue;
			policy_same_but_for_case(at + folder, ch->path, c->f);
		}
	}
	buf_release(&names);
	return status == 0 ? 0 : -1;
}

static int judge_staged(struct check *c, struct err *err)
{
	const struct staged_change *ch;
	bool added = false;
	size_t i;

	if (c->staged.folder_mode)
		judge_kind(c, "", c->staged.folder_mode);
	for (i = 0; i < c->staged.nr; i++) {
		ch = &c->staged.items[i];
		if (migration_name_check(ch->path) == NAME_OTHER)
			continue;
		if (judge_change(c, ch, err) < 0)
			return -1;
		if (ch->status != 'D')
			judge_kind(c, ch->path, ch->mode);
		added = added || ch->status == 'A';
	}
	return added ? judge_case(c, err) : 0;
}

/* A revert that met with a conflict, or is to be committed by hand. */
static bool has_revert_head(struct repo *repo)
{
	struct buf path = BUF_INIT;
	bool found;

	buf_addf(&path, "%s/REVERT_HEAD", repo_git_dir(repo));
	found = access(path.s, F_OK) == 0;
	buf_release(&path);
	return found;
}

int precommit_check(struct repo *repo, bool reverting, struct findings *f,
		    struct err *err)
{
	struct check c = { .repo = repo, .f = f };
	struct err unborn = { 0 };
	struct buf ref = BUF_INIT;
	struct oid head = { 0 };
	int found, ret = -1;

	/* the folder may be named by the commit that is to be built upon */
	if (repo_resolve(repo, "HEAD", &head, &unborn) == 0 &&
	    repo_load_shared_sound(repo, &head, err) < 0)
		return -1;
	if (repo_folder(repo, &c.folder, err) < 0)
		return -1;
	found = repo_protected_ref(repo, &ref, err);
	if (found > 0)
		found = repo_ref(repo, ref.s, &c.landed, err);
	c.has_landed = found > 0;
	c.reverting = reverting || has_revert_head(repo);
	if (found >= 0 && staged_read(repo, c.folder, &head, &c.staged, err) == 0)
		ret = judge_staged(&c, err);
	buf_release(&ref);
	staged_release(&c.staged);
	applied_release(&c.applied);
	return ret;
}
