/* What a hook may take while it judges what strangers push. */
#include "base/compat.h"

#include "base/err.h"
#include "base/guard.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "git/config.h"
#include "git/repo.h"

#define REFUSED "the push was refused; nothing was changed\n"
#define SEE "see git-migrate-hooks(5), LIMITS.\n"

enum {
	/* of the five seconds that some forges give to all hooks; 10,000 commits that
	   bring 500 migrations take less than one */
	SECONDS = 4,
	SECONDS_MAX = 24 * 3600,
	MEMORY = 64 << 20,
	COMMITS = 50000,
	COMMITS_MAX = 1000 * 1000 * 1000,
	/* a job in CI, which waits for nobody and has the machine to itself */
	CHECK_SECONDS = 60,
	CHECK_MEMORY = 256 << 20,
};

/* A setting that is a number, 0 for no limit. */
struct limit {
	const char *key, *name, *unit;
	unsigned otherwise, most;
};

static int read_limit(const struct config *c, const struct limit *l, unsigned *out,
		      struct err *err)
{
	const char *value = config_get(c, l->key), *at = value;

	*out = value && value[0] ? 0 : l->otherwise;
	for (; at && ascii_isdigit((unsigned char)*at) && *out <= l->most; at++)
		*out = *out * 10 + (unsigned)(*at - '0');
	if (!at || (!*at && *out <= l->most))
		return 0;
	err_set(err, ERR_FATAL, "%s '%s' is no number of %s", l->name, value, l->unit);
	err_hint(err, "limits", "From 1 to %u, or 0 for no end.", l->most);
	return -1;
}

static int bound(struct ctx *ctx, struct guard *guard, unsigned seconds, struct err *err)
{
	const struct limit time = { "migrate.hooktimeout", "migrate.hookTimeout",
				    "seconds", seconds, SECONDS_MAX };
	const struct limit length = { "migrate.hookcommits", "migrate.hookCommits",
				      "commits", COMMITS, COMMITS_MAX };
	const struct config *config = repo_config(ctx->repo);
	unsigned commits;

	if (read_limit(config, &time, &guard->seconds, err) < 0 ||
	    read_limit(config, &length, &commits, err) < 0)
		return -1;
	repo_bound(ctx->repo, commits);
	guard_begin(guard);
	return 0;
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
			     "take; " SEE REFUSED,
	};

	return bound(ctx, &guard, SECONDS, err);
}

int cmd_bound_check(struct ctx *ctx, struct err *err)
{
	struct guard guard = {
		.memory = CHECK_MEMORY,
		.timeout =
			"error: the step takes too long to be judged\n"
			"hint: Allow more time: git -c migrate.hookTimeout=600 migrate "
			"check; " SEE,
		.crash = "error: git migrate crashed while it judged the step\n",
		.exhausted =
			"hint: The step needs more memory than a check may take; " SEE,
	};

	return bound(ctx, &guard, CHECK_SECONDS, err);
}
