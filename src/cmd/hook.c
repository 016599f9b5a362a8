#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "flow/check.h"
#include "flow/precommit.h"

enum { INPUT_MAX = 16 << 20 };

static int finish(struct ctx *ctx, struct findings *f, const char *what)
{
	int ret = f->errors ? 1 : 0;

	cmd_say_findings(ctx, f);
	if (ret)
		say_note(&ctx->say, "%s", what);
	findings_release(f);
	return ret;
}

static int pre_commit(struct ctx *ctx, struct err *err)
{
	struct findings f = { 0 };

	if (precommit_check(ctx->repo, &f, err) < 0) {
		findings_release(&f);
		return -1;
	}
	return finish(ctx, &f, "nothing was committed");
}

/* "<old> <new> <ref>": one line that git writes to pre-receive. */
static int judge_line(struct ctx *ctx, char *line, struct findings *f, struct err *err)
{
	struct oid older, newer;
	size_t len = strlen(line);

	if (len < 2 * OID_HEXSZ + 3 || line[OID_HEXSZ] != ' ' ||
	    line[2 * OID_HEXSZ + 1] != ' ' || oid_parse(&older, line, OID_HEXSZ) < 0 ||
	    oid_parse(&newer, line + OID_HEXSZ + 1, OID_HEXSZ) < 0)
		return err_set(err, ERR_FATAL,
			       "could not read an update: git writes \"<old> <new> "
			       "<ref>\"");
	if (check_update(ctx->repo, line + 2 * OID_HEXSZ + 2, &older, &newer, f, err) < 0)
		return err_wrap(err, "%s", line + 2 * OID_HEXSZ + 2);
	return 0;
}

static int pre_receive(struct ctx *ctx, struct err *err)
{
	struct buf input = BUF_INIT;
	struct findings f = { 0 };
	char *line, *end;
	int ret = fd_read_all(STDIN_FILENO, INPUT_MAX, &input, err);

	for (line = input.s; ret == 0 && line && *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		if (*line)
			ret = judge_line(ctx, line, &f, err);
	}
	buf_release(&input);
	if (ret < 0) {
		cmd_say_findings(ctx, &f);
		findings_release(&f);
		return -1;
	}
	return finish(ctx, &f, "the push was refused; nothing was changed");
}

int cmd_hook(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "pre-commit", "pre-receive", NULL };
	const struct opt opts[] = { { .type = OPT_END } };
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err);

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (nr == 1 && strcmp(argv[0], "pre-commit") == 0)
		return pre_commit(ctx, err);
	if (nr == 1 && strcmp(argv[0], "pre-receive") == 0)
		return pre_receive(ctx, err);
	if (nr == 1) {
		err_set(err, ERR_USAGE, "there is no hook '%s'", argv[0]);
		err_hint(err, "usage", "There are \"pre-commit\" and \"pre-receive\".");
		return -1;
	}
	opt_usage(&usage, ctx->command->name, stderr);
	return err_exit_status(ERR_USAGE);
}
