#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "cmd/cmd.h"
#include "flow/check.h"
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

int cmd_check(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] <old>..<new>", NULL };
	bool json = false;
	const struct opt opts[] = {
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret = -1;
	struct oid older, newer;
	struct findings f = { 0 };
	struct js *all;

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (nr == 0) {
		opt_usage(&usage, ctx->command->name, stderr);
		return err_exit_status(ERR_USAGE);
	}
	if (parse_range(ctx->repo, argv[0], &older, &newer, err) == 0 &&
	    check_range(ctx->repo, &older, &newer, &f, err) == 0) {
		if (json) {
			all = cmd_json_findings(&f);
			js_print(all, stdout);
			js_free(all);
		} else {
			cmd_say_findings(ctx, &f);
		}
		ret = f.errors ? 1 : 0;
	}
	findings_release(&f);
	return ret;
}
