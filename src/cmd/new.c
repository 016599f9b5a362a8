#include "base/compat.h"

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/new_file.h"

/* Says what may stand here; a line "-- Key: value" would be read as a trailer. */
static const char template[] =
	"-- %s\n"
	"--\n"
	"-- What this changes, and why.\n"
	"--\n"
	"-- It runs in one transaction. Once it has landed or was applied this file\n"
	"-- stays as it is: what is wrong with it is mended by a further migration.\n"
	"\n";

int cmd_new(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "<name>", NULL };
	const struct opt opts[] = { { .type = OPT_END } };
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret = -1;
	struct buf text = BUF_INIT;
	struct new_file file;

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (nr == 0) {
		opt_usage(&usage, ctx->command->name, stderr);
		return err_exit_status(ERR_USAGE);
	}
	if (new_file_plan(ctx, argv[0], &file, err) < 0)
		goto out;
	buf_addf(&text, template, file.name.s);
	if (new_file_write(&file, &text, err) < 0)
		goto out;
	new_file_print(&file);
	cmd_flush(ctx);
	say_hint(&ctx->say, "commit",
		 "Fill it in and commit it (git add, git commit); \"git "
		 "migrate apply\" runs what is committed.");
	ret = 0;
out:
	new_file_release(&file);
	buf_release(&text);
	return ret;
}
