#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/hook_place.h"
#include "git/repo.h"

static bool is_below(const char *path, const char *folder)
{
	size_t len = folder ? strlen(folder) : 0;

	return len && strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* Follows the symbolic links of a path, as far as it is there. */
static void resolve(struct buf *path)
{
	char *real = realpath(path->s, NULL);

	if (real) {
		path->len = 0;
		buf_adds(path, real);
	}
	free(real);
}

/* The folder that git runs hooks from, absolute. */
static int running_folder(struct ctx *ctx, struct buf *out, struct err *err)
{
	const char *const args[] = { "rev-parse", "--path-format=absolute", "--git-path",
				     "hooks", NULL };
	int status = repo_git(ctx->repo, args, out, NULL, err);

	if (status > 0)
		return err_set(err, ERR_FATAL, "git does not tell where hooks are");
	while (status == 0 && out->len && out->s[out->len - 1] == '\n')
		out->s[--out->len] = '\0';
	return status;
}

/* Appends what git prints; whether it could be asked, and said yes. */
static bool git_says(struct ctx *ctx, const char *const *args, struct buf *out)
{
	struct err quiet = { 0 };

	return repo_git(ctx->repo, args, out, NULL, &quiet) == 0;
}

/* Whether this repository alone, and not the user or the machine, sets the folder. */
static bool set_here(struct ctx *ctx)
{
	const char *const args[] = { "config", "--show-scope", "--get", "core.hooksPath",
				     NULL };
	struct buf out = BUF_INIT;
	bool here = git_says(ctx, args, &out) &&
		    (starts_with(out.s, "local") || starts_with(out.s, "worktree"));

	buf_release(&out);
	return here;
}

/* Whether git ignores a folder, or one that it is in. (check-ignore takes no literal
 * path.) */
static bool is_ignored(struct ctx *ctx, const char *path)
{
	const char *const args[] = {
		"ls-files",    "-z", "--others", "--ignored", "--exclude-standard",
		"--directory", "--", path,	 NULL
	};
	struct buf out = BUF_INIT, whole = BUF_INIT;
	size_t len;
	bool ignored = false;

	if (is_below(path, repo_toplevel(ctx->repo)) && git_says(ctx, args, &out)) {
		len = strlen(buf_str(&out)); /* of the first one */
		buf_addf(&whole, "%s/", path + strlen(repo_toplevel(ctx->repo)) + 1);
		ignored = len > 1 && out.s[len - 1] == '/' &&
			  strncmp(whole.s, out.s, len) == 0;
	}
	buf_release(&out);
	buf_release(&whole);
	return ignored;
}

/* husky lets git run <project>/.husky/_/<hook>, which runs <project>/.husky/<hook>. */
static bool leave_dispatchers(struct buf *folder)
{
	struct buf script = BUF_INIT;
	bool husky;

	if (!ends_with(folder->s, "/_"))
		return false;
	buf_addf(&script, "%s/h", folder->s);
	husky = ends_with(folder->s, "/.husky/_") || access(script.s, F_OK) == 0;
	buf_release(&script);
	if (husky) {
		folder->len -= 2;
		folder->s[folder->len] = '\0';
	}
	return husky;
}

static bool in_work_tree(struct ctx *ctx, const char *path)
{
	return is_below(path, repo_toplevel(ctx->repo)) ||
	       is_below(path, repo_main_worktree(ctx->repo));
}

int hook_place_find(struct ctx *ctx, struct hook_place *p, struct err *err)
{
	struct buf common = BUF_INIT;
	int ret = running_folder(ctx, &p->folder, err);

	if (ret < 0)
		return -1;
	buf_adds(&common, repo_common_dir(ctx->repo));
	resolve(&common);
	buf_addf(&p->inside, "%s/hooks", common.s);
	resolve(&p->folder);
	if (is_below(p->folder.s, common.s)) {
		p->owner = HOOKS_OWN;
	} else if (in_work_tree(ctx, p->folder.s)) {
		p->husky = leave_dispatchers(&p->folder);
		p->owner = !p->husky && is_ignored(ctx, p->folder.s) ? HOOKS_OWN
								     : HOOKS_PROJECT;
	} else {
		p->owner = set_here(ctx) ? HOOKS_OWN : HOOKS_SHARED;
	}
	buf_release(&common);
	return 0;
}

void hook_place_release(struct hook_place *p)
{
	buf_release(&p->folder);
	buf_release(&p->inside);
}
