#include "base/compat.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/hook_file.h"
#include "cmd/hook_place.h"
#include "cmd/hooks.h"
#include "git/repo.h"
#include "out/term.h"

struct job {
	struct ctx *ctx;
	struct hook_place place;
	struct buf path, text;
	enum hooks_side side;
};

static void job_release(struct job *j)
{
	hook_place_release(&j->place);
	buf_release(&j->path);
	buf_release(&j->text);
}

static void print_line(const char *what, const char *names)
{
	fputs(what, stdout);
	term_print(stdout, names);
	putchar('\n');
}

static bool is_wanted(const struct job *j, const struct hook *h)
{
	return h->text && h->server == (j->side == HOOKS_SERVER);
}

static void set_path(struct job *j, const char *folder, const char *name)
{
	buf_reset(&j->path);
	buf_addf(&j->path, "%s/%s", folder, name);
}

/* GitLab's own folder in a repository: git itself is told not to look at hooks/. */
static bool gitlab_path(struct job *j, const struct hook *h)
{
	buf_reset(&j->path);
	buf_addf(&j->path, "%s/custom_hooks", repo_common_dir(j->ctx->repo));
	if (!h->server || !hook_is_folder(j->path.s))
		return false;
	buf_addf(&j->path, "/%s.d/git-migrate", h->name);
	return true;
}

/* Gitea's and Forgejo's script runs what is in <hook>.d, and is written anew by them. */
static bool delegates(struct job *j, const struct hook *h)
{
	size_t len = j->path.len;
	bool yes;

	if (!h->server || !strstr(buf_str(&j->text), ".d/"))
		return false;
	buf_adds(&j->path, ".d");
	yes = hook_is_folder(j->path.s);
	j->path.len = len;
	j->path.s[len] = '\0';
	return yes;
}

/* Sets `path` to the file that is ours, or will be; `text` to what is there. */
static enum hook_found find_path(struct job *j, const struct hook *h)
{
	enum hook_found found;

	if (gitlab_path(j, h))
		return hook_look(j->path.s, &j->text);
	set_path(j, j->place.folder.s, h->name);
	found = hook_look(j->path.s, &j->text);
	if (found != HOOK_OTHER)
		return found;
	if (delegates(j, h))
		buf_adds(&j->path, ".d/git-migrate");
	else if (!h->server && strstr(buf_str(&j->text), "pre-commit.com"))
		buf_adds(&j->path, ".legacy"); /* the framework runs that one first */
	else
		return found;
	return hook_look(j->path.s, &j->text);
}

/* What stands in the way of writing a hook; nothing was written yet. 0 or -1. */
static int may_write(struct job *j, const struct hook *h, struct err *err)
{
	struct buf aside = BUF_INIT;
	int ret = 0;

	if (find_path(j, h) != HOOK_OTHER)
		return 0;
	hook_aside(&aside, j->path.s, h);
	if (hook_is_folder(j->path.s)) {
		ret = err_set(err, ERR_REFUSED, "'%s' is a folder", j->path.s);
		err_hint(err, "hooks", "Move it away, then run this again.");
	} else if (hook_is_there(aside.s)) {
		ret = err_set(err, ERR_REFUSED,
			      "there are two hooks to keep: '%s' and '%s'", j->path.s,
			      aside.s);
		err_hint(err, "hooks", "Make one of them, then run this again.");
	}
	buf_release(&aside);
	return ret;
}

/* The path as it is told: without the folder that all of them are in. */
static const char *shown(const struct job *j)
{
	const char *common = repo_common_dir(j->ctx->repo);
	size_t len = j->place.folder.len;

	if (strncmp(j->path.s, j->place.folder.s, len) == 0)
		return j->path.s + len + 1;
	return starts_with(j->path.s, common) ? j->path.s + strlen(common) + 1
					      : j->path.s;
}

static int make_folder_of(const struct job *j, struct err *err)
{
	struct buf folder = BUF_INIT;
	int ret;

	buf_add(&folder, j->path.s, (size_t)(strrchr(j->path.s, '/') - j->path.s));
	ret = hook_make_folder(folder.s, err);
	buf_release(&folder);
	return ret;
}

/* Writes one hook; adds its name to `installed` when it was not there already. */
static int write_one(struct job *j, const struct hook *h, struct buf *installed,
		     struct err *err)
{
	int ret;

	if (find_path(j, h) == HOOK_RUNS_US) {
		printf("your %s hook runs git migrate already\n", h->name);
		return 0;
	}
	ret = make_folder_of(j, err);
	if (ret == 0)
		ret = hook_write(j->path.s, h, err);
	if (ret < 0)
		err_hint(err, "hooks",
			 "Let the folder be writable, or do without hooks: git migrate "
			 "init --no-hooks");
	if (ret > 0)
		buf_addf(installed, " %s", shown(j));
	return ret < 0 ? -1 : 0;
}

static int write_own(struct job *j, struct err *err)
{
	struct buf installed = BUF_INIT;
	const struct hook *h;
	int ret = 0;

	for (h = hooks; h < hooks + HOOKS_NR && ret == 0; h++)
		if (is_wanted(j, h))
			ret = may_write(j, h, err);
	for (h = hooks; h < hooks + HOOKS_NR && ret == 0; h++)
		if (is_wanted(j, h))
			ret = write_one(j, h, &installed, err);
	if (installed.len)
		print_line("installed hooks:", installed.s);
	else if (ret == 0)
		printf("hooks are up to date\n");
	buf_release(&installed);
	return ret;
}

/* The lines for scripts that are not written here. */
static void tell_lines(const struct job *j)
{
	const struct hook *h;

	for (h = hooks; h < hooks + HOOKS_NR; h++) {
		if (!is_wanted(j, h))
			continue;
		printf("  at the beginning of ");
		term_print(stdout, j->place.folder.s);
		printf("/%s:\n", h->name);
		for (const char *line = h->block; *line; line += strcspn(line, "\n") + 1)
			printf("    %.*s\n", (int)strcspn(line, "\n"), line);
	}
}

static int tell_place(struct job *j, bool asked, struct err *err)
{
	static const char *const whose[] = {
		[HOOKS_PROJECT] = "part of the project",
		[HOOKS_SHARED] = "not this repository's own",
	};
	const char *folder = j->place.folder.s, *is = whose[j->place.owner];

	if (asked) {
		err_set(err, ERR_REFUSED,
			"hooks are run from '%s' (core.hooksPath), which is %s", folder,
			is);
		err_hint(err, "hooks",
			 "Let that setting be of this repository alone, or add the lines "
			 "that \"git migrate init\" tells.");
		return -1;
	}
	cmd_flush(j->ctx);
	say_warning(&j->ctx->say, "no hook was installed: '%s' (core.hooksPath) is %s",
		    folder, is);
	say_hint(&j->ctx->say, "hooks",
		 j->place.owner == HOOKS_PROJECT && j->side == HOOKS_CLIENT
			 ? "Add these lines for all who work on it, or let \"git migrate "
			   "init --hooks=client\" add them."
			 : "Add these lines there, if git migrate is to look at all of "
			   "these repositories.");
	tell_lines(j);
	return 0;
}

static int add_lines(struct job *j, struct err *err)
{
	const struct hook *h;
	const char *why;
	int ret = 0;

	for (h = hooks; h < hooks + HOOKS_NR; h++) {
		set_path(j, j->place.folder.s, h->name);
		why = is_wanted(j, h) ? hook_why_not_add(j->path.s, !j->place.husky)
				      : NULL;
		if (!why)
			continue;
		err_set(err, ERR_REFUSED, "no line can be added to '%s': %s", j->path.s,
			why);
		err_hint(err, "hooks", "Let it run \"git migrate hook %s\" by hand.",
			 h->name);
		return -1;
	}
	if (mkdir(j->place.folder.s, 0777) < 0 && errno != EEXIST)
		return err_errno(err, ERR_FATAL, "could not create '%s'",
				 j->place.folder.s);
	for (h = hooks; h < hooks + HOOKS_NR && ret >= 0; h++) {
		if (!is_wanted(j, h))
			continue;
		set_path(j, j->place.folder.s, h->name);
		ret = hook_add_block(j->path.s, h, err);
		if (ret > 0)
			print_line("added git migrate to ", j->path.s);
	}
	if (ret < 0)
		return -1;
	cmd_flush(j->ctx);
	say_hint(&j->ctx->say, "hooksCommit",
		 "These files are part of the project: commit them, and all who commit "
		 "need git-migrate.");
	return 0;
}

/* Lefthook writes its scripts anew from its configuration, and so drops all others. */
static bool is_lefthook(struct job *j)
{
	const struct hook *h;

	for (h = hooks; h < hooks + HOOKS_NR; h++) {
		set_path(j, j->place.folder.s, h->name);
		if (is_wanted(j, h) && hook_look(j->path.s, &j->text) == HOOK_OTHER &&
		    strstr(buf_str(&j->text), "lefthook"))
			return true;
	}
	return false;
}

static int tell_lefthook(struct job *j, bool asked, struct err *err)
{
	static const char lines[] = "pre-commit:\n  commands:\n    git-migrate:\n"
				    "      run: git migrate hook pre-commit\n"
				    "prepare-commit-msg:\n  commands:\n    git-migrate:\n"
				    "      run: git migrate hook prepare-commit-msg {0}\n"
				    "commit-msg:\n  commands:\n    git-migrate:\n"
				    "      run: git migrate hook commit-msg {0}\n"
				    "pre-push:\n  commands:\n    git-migrate:\n"
				    "      run: git migrate hook pre-push {0}\n"
				    "      use_stdin: true\n";

	if (asked) {
		err_set(err, ERR_REFUSED, "the hooks in '%s' are written by lefthook",
			j->place.folder.s);
		err_hint(err, "hooks",
			 "Add the lines that \"git migrate init\" tells to "
			 "lefthook.yml.");
		return -1;
	}
	cmd_flush(j->ctx);
	say_warning(&j->ctx->say, "no hook was installed: lefthook writes those in '%s'",
		    j->place.folder.s);
	say_hint(&j->ctx->say, "hooks",
		 "Add these lines to lefthook.yml, or to lefthook-local.yml for "
		 "yourself, "
		 "then run \"lefthook install\".");
	fputs(lines, stdout);
	return 0;
}

/* On a server: which branch is protected, and whether anybody pushes to it. */
static void tell_protected(struct ctx *ctx)
{
	struct buf ref = BUF_INIT;
	struct err quiet = { 0 };
	struct oid tip;

	if (repo_protected_ref(ctx->repo, &ref, &quiet) > 0) {
		printf("protects %s\n", ref.s);
		if (repo_ref(ctx->repo, ref.s, &tip, &quiet) == 0) {
			cmd_flush(ctx);
			say_warning(&ctx->say, "%s is not there yet", ref.s);
			say_hint(&ctx->say, "branch",
				 "If another branch is deployed, name it: git config "
				 "migrate.branch <branch>");
		}
	}
	buf_release(&ref);
}

/* In a clone: that nothing is protected here, where the remote would know what is. */
static void tell_undecided(struct ctx *ctx)
{
	struct buf remote = BUF_INIT;
	struct err quiet = { 0 };

	if (repo_undecided(ctx->repo, &remote, &quiet) > 0) {
		cmd_flush(ctx);
		say_warning(&ctx->say,
			    "refs/remotes/%s/HEAD is not there, so no branch is "
			    "protected here: hooks go by the mirrors alone",
			    remote.s);
		say_hint(&ctx->say, "branch",
			 "\"git remote set-head %s -a\" asks the remote for its branch; "
			 "if another one is deployed, name it: git config migrate.branch "
			 "<branch>",
			 remote.s);
	}
	buf_release(&remote);
}

int hooks_install(struct ctx *ctx, enum hooks_side side, bool asked, struct err *err)
{
	struct job j = { .ctx = ctx, .side = side };
	int ret = hook_place_find(ctx, &j.place, err);

	if (ret < 0)
		goto out;
	if (j.place.owner == HOOKS_PROJECT && side == HOOKS_CLIENT && asked)
		ret = add_lines(&j, err);
	else if (j.place.owner != HOOKS_OWN)
		ret = tell_place(&j, asked, err);
	else if (is_lefthook(&j))
		ret = tell_lefthook(&j, asked, err);
	else
		ret = write_own(&j, err);
	if (ret == 0 && side == HOOKS_SERVER)
		tell_protected(ctx);
	if (ret == 0 && side == HOOKS_CLIENT)
		tell_undecided(ctx);
out:
	job_release(&j);
	return ret;
}

/* Restores one file that may be ours, and removes its folder if that is. */
static int restore(struct job *j, const struct hook *h, const char *folder,
		   const char *suffix, struct buf *removed, struct err *err)
{
	int ret;

	buf_reset(&j->path);
	buf_addf(&j->path, "%s/%s%s", folder, h->name, suffix);
	ret = hook_restore(j->path.s, h, err);
	if (ret > 0)
		buf_addf(removed, " %s%s", h->name, suffix);
	if (strchr(suffix, '/')) {
		*strrchr(j->path.s, '/') = '\0';
		hook_drop_folder(j->path.s);
	}
	return ret < 0 ? -1 : 0;
}

static int remove_from(struct job *j, const char *folder, struct buf *removed,
		       struct err *err)
{
	static const char *const suffixes[] = { "", ".legacy", ".d/git-migrate" };
	const struct hook *h;
	size_t i;

	for (h = hooks; h < hooks + HOOKS_NR; h++)
		for (i = 0; i < ARRAY_SIZE(suffixes); i++)
			if (restore(j, h, folder, suffixes[i], removed, err) < 0)
				return -1;
	hook_drop_folder(folder);
	return 0;
}

static int drop_lines(struct job *j, struct buf *removed, struct err *err)
{
	const struct hook *h;
	int ret = 0;

	for (h = hooks; h < hooks + HOOKS_NR && ret >= 0; h++) {
		set_path(j, j->place.folder.s, h->name);
		ret = hook_drop_block(j->path.s, h, err);
		if (ret > 0)
			buf_addf(removed, " %s", j->path.s);
	}
	if (removed->len)
		(void)rmdir(j->place.folder.s); /* git keeps no empty folder either */
	return ret < 0 ? -1 : 0;
}

int hooks_remove(struct ctx *ctx, struct err *err)
{
	struct job j = { .ctx = ctx };
	struct buf removed = BUF_INIT, custom = BUF_INIT;
	int ret = hook_place_find(ctx, &j.place, err);

	if (ret < 0)
		goto out;
	buf_addf(&custom, "%s/custom_hooks", repo_common_dir(ctx->repo));
	ret = remove_from(&j, j.place.inside.s, &removed, err);
	if (ret == 0)
		ret = remove_from(&j, custom.s, &removed, err);
	if (ret == 0 && j.place.owner == HOOKS_OWN)
		ret = remove_from(&j, j.place.folder.s, &removed, err);
	if (ret == 0 && j.place.owner == HOOKS_PROJECT)
		ret = drop_lines(&j, &removed, err);
	if (removed.len)
		print_line("removed hooks:", removed.s);
	else if (ret == 0)
		printf("there are no hooks of git migrate here\n");
out:
	buf_release(&removed);
	buf_release(&custom);
	job_release(&j);
	return ret;
}
