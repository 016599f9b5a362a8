#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "cmd/cmd.h"
#include "git/date.h"

static int read_bound(struct ctx *ctx, const char *text, bool ends, char *out,
		      struct err *err)
{
	int64_t seconds;

	if (!text)
		return 0;
	if (repo_parse_date(ctx->repo, text, ends, &seconds, err) < 0)
		return -1;
	clock_text(seconds, out);
	if (ends)
		clock_end_of_second(out);
	return 0;
}

int cmd_read_bounds(struct ctx *ctx, const char *since, const char *until,
		    char *since_text, char *until_text, struct err *err)
{
	return read_bound(ctx, since, false, since_text, err) < 0 ||
			       read_bound(ctx, until, true, until_text, err) < 0
		       ? -1
		       : 0;
}

int cmd_no_mirror(const char *target, struct err *err)
{
	err_set(err, ERR_REFUSED, "there is no mirror of a target '%s' here", target);
	err_hint(err, "noMirror",
		 "Mirrors that others wrote come with git fetch, once \"git migrate "
		 "init\" has told git of them.");
	return -1;
}
