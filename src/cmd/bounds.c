/* What a hook may take while it judges what strangers push. */
#include "base/compat.h"

#include "base/err.h"
#include "base/guard.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "git/config.h"
#include "git/repo.h"

#define REFUSED "the push was refused; nothing was changed\n"

enum {
	/* of the five seconds that some forges give to all hooks; 10,000 commits that
	   bring 500 migrations take less than one */
	SECONDS = 4,
	SECONDS_MAX = 24 * 3600,
	MEMORY = 64 << 20,
};

/* migrate.hookTimeout: seconds of CPU time, 0 for no end. 0 or -1. */
static int read_timeout(const struct config *c, unsigned *out, struct err *err)
{
	const char *value = config_get(c, "migrate.hooktimeout"), *at = value;

	*out = value && value[0] ? 0 : SECONDS;
	for (; at && ascii_isdigit((unsigned char)*at) && *out <= SECONDS_MAX; at++)
		*out = *out * 10 + (unsigned)(*at - '0');
	if (!at || (!*at && *out <= SECONDS_MAX))
		return 0;
	err_set(err, ERR_FATAL, "migrate.hookTimeout '%s' is no number of seconds",
		value);
	err_hint(err, "limits", "From 1 to %d, or 0 for no end.", SECONDS_MAX);
	return -1;
}

int cmd_bound_hook(struct ctx *ctx, struct err *err)
{
	struct guard guard = {
		.memory = MEMORY,
		.timeout = "error: the push takes too long to be judged\n"
			   "hint: Push fewer commits at a time; the administrator of the "
			   "server can allow more time (git config migrate.hookTimeout "
			   "60).\n" REFUSED,
		.crash = "error: git migrate crashed while it judged the push\n" REFUSED,
		.exhausted = "hint: What was pushed needs more memory than a hook may "
			     "take; see git-migrate-hooks(5), LIMITS.\n" REFUSED,
	};

	if (read_timeout(repo_config(ctx->repo), &guard.seconds, err) < 0)
		return -1;
	repo_bound(ctx->repo);
	guard_begin(&guard);
	return 0;
}
