#include "base/compat.h"

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/setup.h"
#include "git/repo.h"

static int is_target(void *arg UNUSED, const char *name UNUSED)
{
	return 1;
}

int cmd_init(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<url>]", NULL };
	const char *target = "default";
	bool hooks = true;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "target", &target, "<name>",
		  "what to call the database (default: default)" },
		{ OPT_BOOL, 0, "hooks", &hooks, NULL,
		  "install hooks (the default; --no-hooks leaves them)" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0 ||
	    (nr && setup_target(ctx, target, argv[0], err) < 0) ||
	    setup_notes(ctx, err) < 0 || (hooks && setup_hooks(ctx, err) < 0))
		return -1;
	cmd_flush(ctx);
	if (repo_is_bare(ctx->repo))
		return 0;
	if (nr)
		say_hint(&ctx->say, "new",
			 "\"git migrate new <name>\" writes a migration "
			 "to fill in.");
	else if (!cmd_each_target(ctx, is_target, NULL))
		say_hint(&ctx->say, "noTarget",
			 "\"git migrate target add <name> <url>\" "
			 "says where a database is.");
	return 0;
}
