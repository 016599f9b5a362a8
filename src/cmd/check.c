#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "cmd/cmd.h"
#include "flow/check.h"
#include "flow/preview.h"
#include "git/history.h"
#include "git/repo.h"
#include "out/json.h"

/* "<old>..<new>"; an empty side is HEAD, zeros for <old> stand for nothing. */
static int parse_range(struct repo *repo, const char *range, struct oid *older,
		       struct oid *newer, struct err *err)
{
	const char *dots = strstr(range, "..");
	char *left;
	int ret;

	if (!dots || dots[2] == '.') {
		err_set(err, ERR_USAGE, "'%s' is no range", range);
		err_hint(err, "usage",
			 "Write <old>..<new>, for instance "
			 "origin/main..HEAD.");
		return -1;
	}
	left = xstrndup(range, (size_t)(dots - range));
	memset(older, 0, sizeof(*older));
	ret = strspn(left, "0") == strlen(left) && strlen(left) >= 7
		      ? 0
		      : repo_resolve(repo, left[0] ? left : "HEAD", older, err);
	free(left);
	if (ret < 0)
		return -1;
	return repo_resolve(repo, dots[2] ? dots + 2 : "HEAD", newer, err);
}

/* Judges the merge that would be made now, in memory. */
static int judge_merge(struct repo *repo, const char *branch, const char *into,
		       struct findings *f, struct err *err)
{
	struct preview p = { 0 };
	struct oid ours, theirs;
	int ret = -1;

	if (repo_resolve(repo, into, &ours, err) == 0 &&
	    repo_load_shared(repo, &ours, err) == 0 &&
	    repo_resolve(repo, branch, &theirs, err) == 0 &&
	    history_brought(repo, &ours, &theirs, err) >= 0)
		ret = preview_merge(repo, &ours, &theirs, &p, f, err);
	preview_release(&p);
	return ret;
}

static int judge_range(struct repo *repo, const char *range, struct findings *f,
		       struct err *err)
{
	struct oid older, newer;

	if (parse_range(repo, range, &older, &newer, err) < 0)
		return -1;
	return check_range(repo, &older, &newer, f, err);
}

static void tell(struct ctx *ctx, const struct findings *f, bool json)
{
	struct js *all;

	if (!json) {
		cmd_say_findings(ctx, f);
		return;
	}
	all = cmd_json_findings(f);
	js_print(all, stdout);
	js_free(all);
}

int cmd_check(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] <old>..<new>",
					     "[<options>] --merge <branch> [<rev>]",
					     NULL };
	const char *merge = NULL;
	bool json = false;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "merge", &merge, "<branch>",
		  "judge the merge of that into <rev> (default: HEAD)" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret;
	struct findings f = { 0 };

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (nr == 0 && !merge) {
		opt_usage(&usage, ctx->command->name, stderr);
		return err_exit_status(ERR_USAGE);
	}
	if (cmd_bound_check(ctx, err) < 0)
		return -1;
	if (merge)
		ret = judge_merge(ctx->repo, merge, nr ? argv[0] : "HEAD", &f, err);
	else
		ret = judge_range(ctx->repo, argv[0], &f, err);
	if (ret == 0) {
		tell(ctx, &f, json);
		ret = f.errors ? 1 : 0;
	}
	findings_release(&f);
	return ret;
}
