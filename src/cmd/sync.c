#include "base/compat.h"

#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "flow/parted.h"
#include "flow/sync.h"
#include "out/term.h"

/* What is refused goes to stderr, with what comes before it. */
static void tell_trouble(struct ctx *ctx, const struct sync_event *e)
{
	struct pool pool = { 0 };

	cmd_flush(ctx);
	if (e->step == SYNC_UNREACHABLE) {
		say_warning(&ctx->say, "the tracker of target '%s' was not read: %s",
			    e->target, e->text);
	} else if (e->step == SYNC_FORKED) {
		say_warning(&ctx->say,
			    "the mirrors of target '%s' part: %s; nothing was pushed",
			    e->target, e->text);
		say_hint(&ctx->say, "fork", "%s", parted_way_out(e->target, &pool));
	} else if (e->step == SYNC_GONE) {
		say_warning(&ctx->say,
			    "the mirror of target '%s' is gone from '%s', where it was "
			    "when it was fetched last; what is here is pushed anew",
			    e->target, e->text);
		say_hint(&ctx->say, "mirrorGone",
			 "Somebody deleted it there; the server's own log of its refs "
			 "tells who did it.");
	} else if (e->step == SYNC_TAKEN_OUT) {
		say_warning(&ctx->say,
			    "%zu line%s of the mirror of target '%s' %s taken out on "
			    "'%s'; what is here keeps them, and puts them back",
			    e->nr, plural(e->nr), e->target, e->nr == 1 ? "was" : "were",
			    e->text);
		say_hint(&ctx->say, "takenOut",
			 "\"git migrate audit %s\" names the commit that did it.",
			 e->target);
	} else {
		say_warning(&ctx->say, "the server refused the mirror of target '%s'",
			    e->target);
		say_note(&ctx->say, "%s", e->text);
	}
	pool_release(&pool);
}

void cmd_tell_sync(void *arg, const struct sync_event *e)
{
	struct ctx *ctx = arg;

	switch (e->step) {
	case SYNC_FETCHED:
		break;
	case SYNC_APPENDED:
		printf("%s: %zu record%s appended from the tracker\n", e->target, e->nr,
		       plural(e->nr));
		break;
	case SYNC_COPIED:
		printf("%s: %zu record%s put on rewritten commits\n", e->target, e->nr,
		       plural(e->nr));
		break;
	case SYNC_PUSHED:
		printf("%s: pushed to %s\n", e->target, e->text);
		break;
	case SYNC_SAME:
		printf("%s: the same on %s\n", e->target, e->text);
		break;
	case SYNC_UNREACHABLE:
	case SYNC_TAKEN_OUT:
	case SYNC_GONE:
	case SYNC_FORKED:
	case SYNC_REJECTED:
		tell_trouble(ctx, e);
		break;
	}
}

int cmd_sync(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<target>...]", NULL };
	struct sync_options o = { .tell = cmd_tell_sync, .arg = ctx };
	bool push = true;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "remote", &o.remote, "<remote>",
		  "with this one, not migrate.remote or origin" },
		{ OPT_BOOL, 0, "offline", &o.offline, NULL, "ask no database" },
		{ OPT_BOOL, 0, "push", &push, NULL,
		  "push what the remote lacks (the default; --no-push fetches alone)" },
		{ OPT_STRING, 0, "at", &o.rev, "<rev>",
		  "records belong to the commits of this plan, not HEAD's" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);
	struct sync_result result;

	if (nr < 0)
		return -1;
	o.no_push = !push;
	o.targets = (const char *const *)argv;
	o.nr_targets = (size_t)nr;
	if (sync_run(ctx->repo, &o, &result, err) < 0)
		return -1;
	return result.forked || result.rejected ? 1 : 0;
}
