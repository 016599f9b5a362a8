#include "base/compat.h"

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/hooks.h"
#include "cmd/setup.h"
#include "git/repo.h"

enum hooks_wish { WISH_DEFAULT, WISH_CLIENT, WISH_SERVER, WISH_NONE, WISH_REMOVE };

static int is_target(void *arg UNUSED, const char *name UNUSED)
{
	return 1;
}

static int parse_wish(const char *text, enum hooks_wish *wish, struct err *err)
{
	static const char *const words[] = {
		[WISH_CLIENT] = "client",
		[WISH_SERVER] = "server",
		[WISH_NONE] = "none",
		[WISH_REMOVE] = "remove",
	};

	*wish = WISH_DEFAULT;
	if (!text)
		return 0;
	for (*wish = WISH_CLIENT; *wish <= WISH_REMOVE; (*wish)++)
		if (strcmp(text, words[*wish]) == 0)
			return 0;
	err_set(err, ERR_USAGE, "option '--hooks' does not know '%s'", text);
	err_hint(err, "usage", "There are client, server, none and remove.");
	return -1;
}

static int install(struct ctx *ctx, enum hooks_wish wish, struct err *err)
{
	bool server = wish == WISH_SERVER;

	if (wish == WISH_NONE)
		return 0;
	if (wish == WISH_DEFAULT)
		server = repo_is_bare(ctx->repo);
	return hooks_install(ctx, server ? HOOKS_SERVER : HOOKS_CLIENT,
			     wish != WISH_DEFAULT, err);
}

static void tell_next(struct ctx *ctx, bool has_url)
{
	cmd_flush(ctx);
	if (repo_is_bare(ctx->repo))
		return;
	if (has_url)
		say_hint(&ctx->say, "new",
			 "\"git migrate new <name>\" writes a migration "
			 "to fill in.");
	else if (!cmd_each_target(ctx, is_target, NULL))
		say_hint(&ctx->say, "noTarget",
			 "\"git migrate target add <name> <url>\" "
			 "says where a database is.");
}

int cmd_init(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<url>]", "--hooks=remove",
					     NULL };
	const char *target = "default", *hooks = NULL;
	bool no_hooks = false;
	enum hooks_wish wish;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "target", &target, "<name>",
		  "what to call the database (default: default)" },
		{ OPT_STRING, 0, "hooks", &hooks, "<which>",
		  "client or server, none, or remove (default: what the repository is)" },
		{ OPT_BOOL, 0, "no-hooks", &no_hooks, NULL, "the same as --hooks=none" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0 ||
	    parse_wish(hooks, &wish, err) < 0)
		return -1;
	if (hooks && no_hooks)
		return err_set(err, ERR_USAGE,
			       "--hooks and --no-hooks cannot be used together");
	if (wish == WISH_REMOVE && nr)
		return err_set(err, ERR_USAGE,
			       "--hooks=remove does nothing else, so it takes no URL");
	if (wish == WISH_REMOVE)
		return hooks_remove(ctx, err);
	if ((nr && setup_target(ctx, target, argv[0], err) < 0) ||
	    setup_notes(ctx, err) < 0 ||
	    install(ctx, no_hooks ? WISH_NONE : wish, err) < 0)
		return -1;
	tell_next(ctx, nr > 0);
	return 0;
}
