#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "cmd/cmd.h"
#include "core/update.h"
#include "flow/commit_msg.h"
#include "flow/precommit.h"
#include "flow/prepush.h"
#include "flow/push.h"

enum { INPUT_MAX = 16 << 20 };

/* One of git's hooks, as git runs it; hook_file.h has what is written for it. */
struct front {
	const char *name, *args;
	int min, max; /* arguments */
	int (*judge)(struct ctx *ctx, char **args, struct findings *f, struct err *err);
	const char *refused; /* the end of what is said; a message's file behind it */
};

static int judge_commit(struct ctx *ctx, char **args UNUSED, struct findings *f,
			struct err *err)
{
	return precommit_check(ctx->repo, false, f, err);
}

static int judge_message(struct ctx *ctx, char **args, struct findings *f,
			 struct err *err)
{
	return commit_msg_check(ctx->repo, args[0], f, err);
}

/* `git revert` runs this hook and no other: what landed is kept here. */
static int prepare_message(struct ctx *ctx, char **args, struct findings *f,
			   struct err *err)
{
	int reverts = commit_msg_is_revert(ctx->repo, args[0], err);

	if (reverts < 0 || (reverts && precommit_check(ctx->repo, true, f, err) < 0))
		return -1;
	return reverts ? 0 : commit_msg_prepare(ctx->repo, args[0], args[1], err);
}

/* The next line that is not empty, NULL at the end; `*rest` is moved behind it. */
static char *next_line(char **rest)
{
	char *line;

	if (!*rest)
		return NULL;
	line = *rest + strspn(*rest, "\n");
	*rest = line + strcspn(line, "\n");
	if (**rest)
		*(*rest)++ = '\0';
	return *line ? line : NULL;
}

static int judge_push(struct ctx *ctx, char **args, struct findings *f, struct err *err)
{
	struct buf input = BUF_INIT;
	char *line, *rest;
	int ret = fd_read_all(STDIN_FILENO, INPUT_MAX, &input, err);

	for (rest = input.s; ret == 0 && (line = next_line(&rest));)
		ret = prepush_check(ctx->repo, args[0], line, f, err);
	buf_release(&input);
	return ret;
}

/* "<old> <new> <ref>": one line that git writes to pre-receive. */
static int parse_update(char *line, struct push_update *out, struct err *err)
{
	if (update_parse(line, &out->older, &out->newer, &out->ref) < 0)
		return err_set(err, ERR_FATAL,
			       "could not read an update: git writes \"<old> <new> "
			       "<ref>\"");
	return 0;
}

static int judge_received(struct ctx *ctx, char **args UNUSED, struct findings *f,
			  struct err *err)
{
	struct buf input = BUF_INIT;
	struct push push = { 0 };
	size_t alloc = 0;
	char *line, *rest;
	int ret;

	if (cmd_bound_hook(ctx, err) < 0)
		return -1;
	ret = fd_read_all(STDIN_FILENO, INPUT_MAX, &input, err);

	for (rest = input.s; ret == 0 && (line = next_line(&rest));) {
		VEC_GROW(push.items, push.nr, alloc);
		ret = parse_update(line, &push.items[push.nr++], err);
	}
	if (ret == 0)
		ret = push_check(ctx->repo, &push, f, err);
	free(push.items);
	buf_release(&input);
	return ret;
}

static int judge_update(struct ctx *ctx, char **args, struct findings *f, struct err *err)
{
	struct push_update u = { .ref = args[0] };
	const struct push push = { &u, 1 };

	if (oid_parse(&u.older, args[1], strlen(args[1])) < 0 ||
	    oid_parse(&u.newer, args[2], strlen(args[2])) < 0)
		return err_set(err, ERR_USAGE,
			       "'%s' and '%s' are not the ids that git gives to update",
			       args[1], args[2]);
	if (cmd_bound_hook(ctx, err) < 0)
		return -1;
	return push_check(ctx->repo, &push, f, err);
}

static const struct front fronts[] = {
	{ "pre-commit", "", 0, 0, judge_commit, "nothing was committed" },
	{ "prepare-commit-msg", " <file> [<source> [<commit>]]", 1, 3, prepare_message,
	  "nothing was committed" },
	{ "commit-msg", " <file>", 1, 1, judge_message,
	  "nothing was committed; the message is kept in " },
	{ "pre-push", " <remote> <url>", 1, 2, judge_push, "nothing was pushed" },
	{ "pre-receive", "", 0, 0, judge_received,
	  "the push was refused; nothing was changed" },
	{ "update", " <ref> <old> <new>", 3, 3, judge_update,
	  "the update was refused; the ref was not changed" },
};

static const struct front *find_front(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fronts); i++)
		if (strcmp(fronts[i].name, name) == 0)
			return &fronts[i];
	return NULL;
}

static int no_such_hook(const char *name, struct err *err)
{
	struct buf names = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fronts); i++)
		buf_addf(&names, "%s\"%s\"",
			 !i			       ? ""
			 : i + 1 == ARRAY_SIZE(fronts) ? " and "
						       : ", ",
			 fronts[i].name);
	err_set(err, ERR_USAGE, "there is no hook '%s'", name);
	err_hint(err, "usage", "There are %s.", names.s);
	buf_release(&names);
	return -1;
}

static int run(struct ctx *ctx, const struct front *hook, char **args, struct err *err)
{
	struct findings f = { 0 };
	int ret = hook->judge(ctx, args, &f, err);

	/* what was found is told even where the rest could not be read */
	cmd_say_findings(ctx, &f);
	if (ret == 0 && f.errors) {
		say_note(&ctx->say, "%s%s", hook->refused,
			 ends_with(hook->refused, " ") ? args[0] : "");
		ret = 1;
	}
	findings_release(&f);
	return ret;
}

int cmd_hook(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	const char *lines[ARRAY_SIZE(fronts) + 1] = { NULL };
	char text[ARRAY_SIZE(fronts)][64];
	const struct opt opts[] = { { .type = OPT_END } };
	const struct usage usage = { lines, opts };
	const struct front *hook;
	size_t i;
	int nr;

	for (i = 0; i < ARRAY_SIZE(fronts); i++) {
		snprintf(text[i], sizeof(text[i]), "%s%s", fronts[i].name,
			 fronts[i].args);
		lines[i] = text[i];
	}
	nr = cmd_options(ctx, &usage, argc, argv, err);
	if (nr < 0)
		return -1;
	hook = nr ? find_front(argv[0]) : NULL;
	if (nr && !hook)
		return no_such_hook(argv[0], err);
	if (hook && nr - 1 >= hook->min)
		return cmd_at_most(nr, hook->max + 1, argv, err) < 0
			       ? -1
			       : run(ctx, hook, argv + 1, err);
	opt_usage(&usage, ctx->command->name, stderr);
	return err_exit_status(ERR_USAGE);
}
