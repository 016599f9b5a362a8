/* What revisions and refs name, and how commits stand to each other. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "git/cache.h"
#include "git/config.h"
#include "git/internal.h"
#include "git/plain_refs.h"

static int resolve_failed(struct repo *r, const char *rev, struct err *err)
{
	int unborn = git_repository_head_unborn(r->git);

	if (strcmp(rev, "HEAD") == 0 && unborn == 1) {
		err_set(err, ERR_FATAL, "there is no commit yet");
		err_hint(err, "noCommit",
			 "Write a migration with \"git migrate new <name>\", and commit "
			 "it.");
		return -1;
	}
	err_set(err, ERR_FATAL, "revision '%s' names no commit", rev);
	if (r->shallow)
		err_hint(err, "shallow",
			 "This clone is shallow; \"git fetch --unshallow\" brings all.");
	else
		err_hint(err, "revision",
			 "\"git branch -a\" and \"git tag\" list what has a name; a "
			 "branch "
			 "of a remote goes by <remote>/<branch>.");
	return -1;
}

/* A ref whose object is not there: libgit2 would not tell, and 1.5 leaks the ref. */
static bool points_nowhere(struct repo *r, const char *rev, struct err *err)
{
	git_reference *ref = NULL;
	struct oid id;
	bool nowhere = false;

	if (oid_parse(&id, rev, strlen(rev)) < 0 &&
	    git_reference_dwim(&ref, r->git, rev) == 0 && git_reference_target(ref)) {
		from_git(&id, git_reference_target(ref));
		nowhere = !git_odb_exists(r->odb, to_git(&id));
	}
	if (nowhere) {
		repo_missing(r, &id, GIT_OBJECT_COMMIT, err);
		err_wrap(err, "revision '%s'", rev);
	}
	git_reference_free(ref);
	return nowhere;
}

/* Whether it was found to be one before, and so need not be looked at. */
static bool is_known_commit(struct repo *r, const struct oid *id)
{
	const struct kept_head *kept = cache_head(r);

	return (kept && oid_eq(&kept->commit, id)) || cache_trailers(r, id, NULL);
}

int repo_resolve(struct repo *r, const char *rev, struct oid *out, struct err *err)
{
	git_object *named = NULL, *commit = NULL;
	int ret = -1;

	if (strcmp(rev, "HEAD") == 0 && plain_head(r, out) > 0 && is_known_commit(r, out))
		return 0;
	if (repo_load(r, err) < 0 || points_nowhere(r, rev, err))
		return -1;
	if (git_revparse_single(&named, r->git, rev) < 0 ||
	    git_object_peel(&commit, named, GIT_OBJECT_COMMIT) < 0) {
		resolve_failed(r, rev, err);
		goto out;
	}
	from_git(out, git_object_id(commit));
	ret = 0;
out:
	git_object_free(named);
	git_object_free(commit);
	return ret;
}

int repo_ref(struct repo *r, const char *ref, struct oid *out, struct err *err)
{
	git_reference *found = NULL;
	git_object *commit = NULL;
	int code, ret = plain_ref(r, ref, out);

	if (ret == 0 || (ret > 0 && is_known_commit(r, out)))
		return ret;
	ret = -1;
	if (repo_load(r, err) < 0)
		return -1;
	code = git_reference_lookup(&found, r->git, ref);
	if (code == GIT_ENOTFOUND) {
		ret = 0;
		goto out;
	}
	if (code == 0)
		code = git_reference_peel(&commit, found, GIT_OBJECT_COMMIT);
	if (code == GIT_ENOTFOUND &&
	    git_reference_type(found) == GIT_REFERENCE_SYMBOLIC) {
		ret = 0; /* points at a branch that is not there (yet) */
		goto out;
	}
	if (code < 0) {
		repo_err(err, "could not read ref '%s'", ref);
		goto out;
	}
	from_git(out, git_object_id(commit));
	ret = 1;
out:
	git_object_free(commit);
	git_reference_free(found);
	return ret;
}

int repo_has_ref(struct repo *r, const char *ref, struct err *err)
{
	git_reference *found = NULL;
	int code;

	if (repo_load(r, err) < 0)
		return -1;
	code = git_reference_lookup(&found, r->git, ref);
	git_reference_free(found);
	if (code == 0 || code == GIT_ENOTFOUND)
		return code == 0;
	repo_err(err, "could not read ref '%s'", ref);
	return -1;
}

/* Appends what a symbolic ref points at: 1; 0 when it is none or not there; -1. */
static int symbolic_target(struct repo *r, const char *ref, struct buf *out,
			   struct err *err)
{
	git_reference *found = NULL;
	int code, ret = -1;

	if (repo_load(r, err) < 0)
		return -1;
	code = git_reference_lookup(&found, r->git, ref);
	if (code < 0 && code != GIT_ENOTFOUND) {
		repo_err(err, "could not read ref '%s'", ref);
	} else if (code < 0 || git_reference_type(found) != GIT_REFERENCE_SYMBOLIC) {
		ret = 0;
	} else {
		buf_adds(out, git_reference_symbolic_target(found));
		ret = 1;
	}
	git_reference_free(found);
	return ret;
}

/* The same of what may be no name of a ref at all. */
static int symbolic_if_name(struct repo *r, const char *ref, struct buf *out,
			    struct err *err)
{
	if (repo_load(r, err) < 0)
		return -1;
	return git_reference_is_valid_name(ref) ? symbolic_target(r, ref, out, err) : 0;
}

int repo_head_ref(struct repo *r, struct buf *out, struct err *err)
{
	return symbolic_target(r, "HEAD", out, err);
}

/* The remote whose HEAD counts: the only one, or "origin". */
static int pick_remote(void *arg, const char *name)
{
	struct buf *out = arg;

	if (out->len == 0 || strcmp(name, "origin") == 0) {
		buf_reset(out);
		buf_adds(out, name);
	}
	return 0;
}

int repo_protected_ref(struct repo *r, struct buf *out, struct err *err)
{
	const char *branch = config_get(r->config, "migrate.branch");
	struct buf remote = BUF_INIT, head = BUF_INIT;
	int ret = 0;

	if (branch && branch[0]) {
		if (!starts_with(branch, "refs/"))
			buf_adds(out, "refs/heads/");
		buf_adds(out, branch);
		return 1;
	}
	if (r->bare)
		return repo_head_ref(r, out, err);
	config_subsections(r->config, "remote", "url", pick_remote, &remote);
	if (remote.len) {
		buf_addf(&head, "refs/remotes/%s/HEAD", remote.s);
		ret = symbolic_target(r, head.s, out, err);
	}
	buf_release(&remote);
	buf_release(&head);
	return ret;
}

static int found_one(void *arg UNUSED, const char *ref UNUSED, struct err *err UNUSED)
{
	return 1;
}

int repo_undecided(struct repo *r, struct buf *out, struct err *err)
{
	struct buf branch = BUF_INIT, remote = BUF_INIT, folder = BUF_INIT;
	int ret = repo_protected_ref(r, &branch, err);

	config_subsections(r->config, "remote", "url", pick_remote, &remote);
	if (ret == 0 && remote.len && !r->bare) {
		buf_addf(&folder, "refs/remotes/%s/", remote.s);
		ret = repo_each_ref(r, folder.s, found_one, NULL, err);
	} else if (ret > 0) {
		ret = 0;
	}
	if (ret > 0)
		buf_adds(out, remote.s);
	buf_release(&branch);
	buf_release(&remote);
	buf_release(&folder);
	return ret;
}

/* "refs/remotes/<remote>/x" is "refs/heads/x" there; anything else goes unchanged. */
static void add_as_remote(struct buf *out, const char *remote, const char *ref)
{
	struct buf tracked = BUF_INIT;

	buf_addf(&tracked, "refs/remotes/%s/", remote);
	if (starts_with(ref, tracked.s))
		buf_addf(out, "refs/heads/%s", ref + tracked.len);
	else if (starts_with(ref, "refs/"))
		buf_adds(out, ref);
	else
		buf_addf(out, "refs/heads/%s", ref);
	buf_release(&tracked);
}

int repo_protected_at(struct repo *r, const char *remote, struct buf *out,
		      struct err *err)
{
	const char *branch = config_get(r->config, "migrate.branch");
	struct buf head = BUF_INIT, target = BUF_INIT;
	int ret;

	if (branch && branch[0]) {
		add_as_remote(out, remote, branch);
		return 1;
	}
	buf_addf(&head, "refs/remotes/%s/HEAD", remote);
	ret = symbolic_if_name(r, head.s, &target, err); /* may be a URL */
	if (ret > 0)
		add_as_remote(out, remote, target.s);
	buf_release(&head);
	buf_release(&target);
	return ret;
}

int repo_real_ref(struct repo *r, const char *ref, struct buf *out, struct err *err)
{
	enum { DEEPEST = 5 }; /* as git */
	struct buf name = BUF_INIT, next = BUF_INIT;
	int symbolic = 1, depth;

	buf_adds(&name, ref);
	for (depth = 0; depth < DEEPEST && symbolic > 0; depth++) {
		buf_reset(&next);
		symbolic = symbolic_if_name(r, name.s, &next, err);
		if (symbolic > 0) {
			buf_reset(&name);
			buf_adds(&name, next.s);
		}
	}
	buf_adds(out, name.s);
	buf_release(&name);
	buf_release(&next);
	return symbolic < 0 ? -1 : 0;
}

int repo_merge_bases(struct repo *r, const struct oid *a, const struct oid *b,
		     struct oid **out, size_t *nr, struct err *err)
{
	git_oidarray bases = { 0 };
	size_t i;
	int code;

	*out = NULL;
	*nr = 0;
	if (repo_load(r, err) < 0)
		return -1;
	code = git_merge_bases(&bases, r->git, to_git(a), to_git(b));
	if (code < 0 && code != GIT_ENOTFOUND) {
		repo_err(err, "could not find where the two branches part");
		if (r->shallow)
			err_hint(err, "shallow",
				 "This clone is shallow; \"git fetch --unshallow\" "
				 "brings all.");
		return -1;
	}
	*out = xcalloc(bases.count + 1, sizeof(**out));
	*nr = bases.count;
	for (i = 0; i < bases.count; i++)
		from_git(&(*out)[i], &bases.ids[i]);
	git_oidarray_dispose(&bases);
	return 0;
}

bool repo_has_commit(struct repo *r, const struct oid *id)
{
	struct err quiet = { 0 };
	git_object_t type;
	size_t size;

	return repo_load(r, &quiet) == 0 &&
	       git_odb_read_header(&size, &type, r->odb, to_git(id)) == 0 &&
	       type == GIT_OBJECT_COMMIT;
}

int repo_is_commit(struct repo *r, const char *hex, struct err *err)
{
	git_commit *commit = NULL;
	git_oid prefix;
	size_t len = strlen(hex);
	int code;

	if (repo_load(r, err) < 0)
		return -1;
	if (len > OID_HEXSZ || git_oid_fromstrn(&prefix, hex, len) < 0)
		return 0;
	code = git_commit_lookup_prefix(&commit, r->git, &prefix, len);
	git_commit_free(commit);
	if (code == 0)
		return 1;
	if (code == GIT_ENOTFOUND || code == GIT_EAMBIGUOUS)
		return 0;
	return repo_err(err, "could not look for commit '%s'", hex);
}

int repo_each_ref(struct repo *r, const char *prefix,
		  int (*fn)(void *arg, const char *ref, struct err *err), void *arg,
		  struct err *err)
{
	git_reference_iterator *it = NULL;
	struct buf glob = BUF_INIT;
	struct plain_refs plain;
	const char *name;
	int code, ret = 0;
	size_t i;

	if (plain_refs_list(r, prefix, &plain) == 0) {
		for (i = 0; i < plain.nr && !ret; i++)
			ret = fn(arg, plain.names[i], err);
		plain_refs_release(&plain);
		return ret;
	}
	if (repo_load(r, err) < 0)
		return -1;
	buf_addf(&glob, "%s*", prefix);
	if (git_reference_iterator_glob_new(&it, r->git, glob.s) < 0) {
		buf_release(&glob);
		return repo_err(err, "could not list refs");
	}
	while (!ret && (code = git_reference_next_name(&name, it)) == 0)
		ret = fn(arg, name, err);
	if (!ret && code != GIT_ITEROVER)
		ret = repo_err(err, "could not list refs");
	git_reference_iterator_free(it);
	buf_release(&glob);
	return ret;
}
