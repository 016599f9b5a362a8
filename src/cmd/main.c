#include "base/compat.h"

#include <fcntl.h>
#include <locale.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/heap.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "git/config.h"
#include "git/repo.h"
#include "out/term.h"

static const struct command commands[] = {
	{ "status", cmd_status, NEED_REPO, "everyday", "compare the plan with a target" },
	{ "new", cmd_new, NEED_REPO, "everyday", "write a migration to fill in" },
	{ "apply", cmd_apply, NEED_REPO, "everyday", "run what is pending on a target" },
	{ "log", cmd_log, NEED_REPO, "everyday",
	  "show migrations, fixes, where they ran" },
	{ "show", cmd_show, NEED_REPO, "everyday", "show one migration and its life" },
	{ "fix", cmd_fix, NEED_REPO, "forward", "write a migration that mends another" },
	{ "diagnose", cmd_diagnose, NEED_REPO, "forward",
	  "say what became of a migration, and settle it" },
	{ "rehearse", cmd_rehearse, NEED_REPO, "forward",
	  "try a migration, with its failure and its checks" },
	{ "drill", cmd_drill, NEED_REPO, "forward",
	  "practise on an incident, against the clock" },
	{ "audit", cmd_audit, NEED_REPO, "proof", "compare tracker, plan and mirror" },
	{ "sync", cmd_sync, NEED_REPO, "proof",
	  "make the mirrors here and on a server the same" },
	{ "report", cmd_report, NEED_REPO, "proof", "write it all down for an auditor" },
	{ "at", cmd_at, NEED_REPO, "proof", "say what was in force at some moment" },
	{ "init", cmd_init, NEED_REPO, "setting up", "prepare a repository" },
	{ "target", cmd_target, NEED_REPO, "setting up",
	  "add, list, show, remove targets" },
	{ "plan", cmd_plan, NEED_REPO, "plumbing",
	  "list the migrations of a commit, in order" },
	{ "schema", cmd_schema, NEED_REPO, "plumbing",
	  "describe what a database is made of" },
	{ "check", cmd_check, NEED_REPO, "plumbing", "judge a range as a server would" },
	{ "hook", cmd_hook, NEED_REPO, "plumbing", "judge from inside of a git hook" },
};

static void print_usage(FILE *to)
{
	const char *group = "";
	size_t i;

	fputs("usage: git migrate <command> [<options>] [<arguments>]\n", to);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(group, commands[i].group) != 0)
			fprintf(to, "\n%s\n", commands[i].group);
		group = commands[i].group;
		fprintf(to, "   %-8s %s\n", commands[i].name, commands[i].help);
	}
	fputs("\n\"git migrate <command> -h\" lists the options of a command, \"git "
	      "migrate --help\"\nshows the manual.\n",
	      to);
}

NORETURN static void show_manual(void)
{
	execlp("man", "man", "git-migrate", (char *)NULL);
	fputs("error: cannot show the manual: man(1) is not there\n", stderr);
	exit(128);
}

/* Descriptors 0 to 2 must be open, or a repository's file would become stderr. */
static void open_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd < 2);
	if (fd > 2)
		close(fd);
}

void cmd_flush(struct ctx *ctx)
{
	if (fflush(stdout) != 0 && !ctx->write_errno)
		ctx->write_errno = errno;
}

/* A full disk or closed pipe behind stdout must not look like success. */
static int flush_results(struct ctx *ctx, struct err *err)
{
	term_pager_end();
	cmd_flush(ctx);
	if (ctx->write_errno) {
		errno = ctx->write_errno;
		return err_errno(err, ERR_FATAL, "could not write the results");
	}
	if (ferror(stdout)) /* while it was printed, and nobody kept the reason */
		return err_set(err, ERR_FATAL, "could not write the results");
	return 0;
}

/* What stands after a usage or a version: the exit status. */
static int finish_text(struct ctx *ctx)
{
	struct err err = { 0 };

	if (flush_results(ctx, &err) == 0)
		return 0;
	say_error(&ctx->say, &err);
	return err_exit_status(err.code);
}

/* Whether an option stands among the arguments, before "--". */
static bool asks_for(const char *option, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], option) == 0)
			return true;
	return false;
}

int cmd_options(struct ctx *ctx, const struct usage *u, int argc, char **argv,
		struct err *err)
{
	int left;

	if (asks_for("-h", argc, argv)) {
		opt_usage(u, ctx->command->name, stdout);
		exit(finish_text(ctx));
	}
	left = opt_parse(u, argc, argv, err);
	if (left < 0)
		err_hint(err, "usage", "\"git migrate %s -h\" lists the options.",
			 ctx->command->name);
	return left;
}

int cmd_one_form(bool porcelain, bool json, struct err *err)
{
	if (!porcelain || !json)
		return 0;
	err_set(err, ERR_USAGE, "--porcelain and --json cannot be used together");
	err_hint(err, "usage", "Both are forms of the same results: choose one.");
	return -1;
}

int cmd_at_most(int nr, int max, char **argv, struct err *err)
{
	if (nr <= max)
		return 0;
	return err_set(err, ERR_USAGE, "'%s' is one argument too many", argv[max]);
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static bool is_silenced(void *arg, const char *advice)
{
	struct ctx *ctx = arg;
	struct buf key = BUF_INIT;
	size_t i;
	bool ret;

	if (!ctx->repo || !advice[0])
		return false;
	/* git lower-cases the last part of a key */
	buf_addf(&key, "migrate.advice.");
	for (i = 0; advice[i]; i++)
		buf_addc(&key, ascii_tolower(advice[i]));
	ret = !config_bool(repo_config(ctx->repo), key.s, true);
	buf_release(&key);
	return ret;
}

static const char *pager_command(const struct config *c)
{
	const char *pager = getenv("GIT_PAGER");

	if (!pager)
		pager = config_get(c, "core.pager");
	if (!pager)
		pager = getenv("PAGER");
	return pager ? pager : "less";
}

static void show_walk(void *arg, size_t commits)
{
	struct ctx *ctx = arg;

	if (commits)
		progress_show(&ctx->progress, "Reading the history, commits", commits);
	else
		progress_end(&ctx->progress);
}

static int open_what_it_needs(struct ctx *ctx, struct err *err)
{
	const char *color = NULL;

	if (ctx->command->needs & NEED_REPO) {
		heap_prepare();
		if (repo_open(&ctx->repo, err) < 0)
			return -1;
		ctx->progress.to = progress_stream();
		repo_on_progress(ctx->repo, show_walk, ctx);
		color = config_get(repo_config(ctx->repo), "color.migrate");
		if (!color)
			color = config_get(repo_config(ctx->repo), "color.ui");
		ctx->pager = pager_command(repo_config(ctx->repo));
	}
	ctx->color = term_want_color(color, STDOUT_FILENO);
	ctx->say.color = term_want_color(color, STDERR_FILENO);
	return 0;
}

static int run(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	int status;

	ctx->command = find_command(argv[0]);
	if (!ctx->command) {
		err_set(err, ERR_USAGE, "'%s' is not a command of git migrate", argv[0]);
		err_hint(err, "usage", "\"git migrate -h\" lists them.");
		return -1;
	}
	if (asks_for("--help", argc, argv))
		show_manual();
	if (!asks_for("-h", argc, argv) && open_what_it_needs(ctx, err) < 0)
		return -1;
	status = ctx->command->run(ctx, argc, argv, err);
	if (status >= 0 && flush_results(ctx, err) < 0)
		return -1;
	return status;
}

int main(int argc, char **argv)
{
	struct ctx ctx = { .say = { .to = stderr, .silenced = is_silenced } };
	struct err err = { 0 };
	int status;

	setlocale(LC_CTYPE, "C");
	open_standard_fds();
	ctx.say.arg = &ctx;
	if (argc < 2) {
		print_usage(stderr);
		return err_exit_status(ERR_USAGE);
	}
	if (strcmp(argv[1], "-h") == 0) {
		print_usage(stdout);
		return finish_text(&ctx);
	}
	if (strcmp(argv[1], "--help") == 0)
		show_manual();
	if (strcmp(argv[1], "--version") == 0) {
		puts("git-migrate " PACKAGE_VERSION);
		return finish_text(&ctx);
	}
	status = run(&ctx, argc - 1, argv + 1, &err);
	term_pager_end();
	if (status < 0) {
		fflush(stdout);
		say_error(&ctx.say, &err);
		status = err_exit_status(err.code);
	}
	repo_free(ctx.repo);
	return status;
}
