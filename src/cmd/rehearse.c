#include "base/compat.h"

#include <signal.h>

#include "base/err.h"
#include "base/interrupt.h"
#include "cmd/cmd.h"
#include "cmd/rehearse_print.h"
#include "flow/rehearse.h"

static void tell(void *arg, const struct rehearsal *r, const struct rehearse_done *done)
{
	rehearse_print_done(arg, r, done);
}

static void say_interrupted(void *arg)
{
	const struct ctx *ctx = arg;

	say_note(&ctx->say, "stopping; the scratch database goes away first");
}

static int run(struct ctx *ctx, struct rehearse_options *o, bool json, struct err *err)
{
	struct rehearsal r;
	int ret;

	o->where.interrupted = say_interrupted;
	o->where.interrupted_arg = ctx;
	o->arg = ctx;
	if (!json)
		o->tell = tell;
	interrupt_watch();
	signal(SIGPIPE, SIG_IGN); /* a reader that leaves must not leave a database */
	ret = rehearse(ctx->repo, o, &r, err);
	if (r.swept)
		say_note(&ctx->say,
			 "%zu left by a rehearsal that was killed %s cleared away",
			 r.swept, r.swept == 1 ? "was" : "were");
	/* else it was ended, or could not be tried, and says nothing of the migration */
	if (r.engine && (ret == 0 || err->code == ERR_REFUSED)) {
		if (json)
			rehearse_print_json(&r, ret == 0);
		else
			rehearse_print_end(ctx, &r, ret == 0);
	}
	cmd_flush(ctx);
	rehearsal_release(&r);
	return ret;
}

int cmd_rehearse(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] [<target>] <migration>", NULL };
	struct rehearse_options o = { .where.target = "default" };
	bool json = false;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "on", &o.where.on, "<url>",
		  "make the scratch database there; \"postgresql:\": a private server" },
		{ OPT_STRING, 0, "template", &o.where.like, "<database>",
		  "PostgreSQL: make it as a copy of this one" },
		{ OPT_BOOL, 0, "copy", &o.where.copy, NULL,
		  "make it as a copy of the target, with its rows" },
		{ OPT_STRING, 0, "at", &o.rev, "<rev>",
		  "the plan of this commit, not HEAD's" },
		{ OPT_BOOL, 'n', "dry-run", &o.silent, NULL,
		  "note nothing of what came of it" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);

	if (nr < 0 || cmd_at_most(nr, 2, argv, err) < 0)
		return -1;
	if (nr == 0) {
		opt_usage(&usage, ctx->command->name, stderr);
		return err_exit_status(ERR_USAGE);
	}
	if (nr == 2)
		o.where.target = argv[0];
	o.migration = argv[nr - 1];
	return run(ctx, &o, json, err);
}
