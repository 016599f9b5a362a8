#include "base/compat.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/hook_file.h"

#define HOOK_MARK "Written by \"git migrate init\""
#define LINE_MARK " # git migrate init\n"

enum { START_MAX = 64 * 1024, SCRIPT_MAX = 1 << 20 };

static const char folder_mark[] = "made-by-git-migrate";

static const unsigned char pre_commit[] = {
#include "hooks/pre-commit.inc"
};
static const unsigned char prepare_commit_msg[] = {
#include "hooks/prepare-commit-msg.inc"
};
static const unsigned char commit_msg[] = {
#include "hooks/commit-msg.inc"
};
static const unsigned char pre_push[] = {
#include "hooks/pre-push.inc"
};
static const unsigned char pre_receive[] = {
#include "hooks/pre-receive.inc"
};

/* what reads its input hands it on to the rest of the script */
#define WITH_INPUT(command)                                                              \
	"updates=$(cat)" LINE_MARK "printf '%s\\n' \"$updates\" | " command              \
	" || exit" LINE_MARK "exec <<git-migrate" LINE_MARK "$updates\ngit-migrate\n"

const struct hook hooks[] = {
	{ "pre-commit", false, pre_commit, sizeof(pre_commit),
	  "git migrate hook pre-commit || exit" LINE_MARK },
	{ "prepare-commit-msg", false, prepare_commit_msg, sizeof(prepare_commit_msg),
	  "git migrate hook prepare-commit-msg \"$@\" || exit" LINE_MARK },
	{ "commit-msg", false, commit_msg, sizeof(commit_msg),
	  "git migrate hook commit-msg \"$@\" || exit" LINE_MARK },
	{ "pre-push", false, pre_push, sizeof(pre_push),
	  WITH_INPUT("git migrate hook pre-push \"$@\"") },
	{ "pre-receive", true, pre_receive, sizeof(pre_receive),
	  WITH_INPUT("git migrate hook pre-receive") },
	{ "update", true, NULL, 0, "git migrate hook update \"$@\" || exit" LINE_MARK },
};
_Static_assert(ARRAY_SIZE(hooks) == HOOKS_NR, "every hook");

bool hook_is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

bool hook_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The beginning of a file; of what is none, nothing. A hook may be a large program. */
static void read_start(const char *path, struct buf *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = 0;

	buf_reset(out);
	if (fd < 0)
		return;
	buf_reserve(out, START_MAX);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, out->s, START_MAX - 1);
	out->len = n > 0 ? (size_t)n : 0;
	out->s[out->len] = '\0';
	close(fd);
}

enum hook_found hook_look(const char *path, struct buf *text)
{
	struct stat st;

	buf_reset(text);
	if (lstat(path, &st) < 0)
		return HOOK_NONE;
	read_start(path, text);
	if (strstr(buf_str(text), HOOK_MARK))
		return S_ISREG(st.st_mode) ? HOOK_OURS : HOOK_RUNS_US;
	if (strstr(buf_str(text), "git migrate hook") ||
	    strstr(buf_str(text), "git-migrate hook"))
		return HOOK_RUNS_US;
	return HOOK_OTHER;
}

void hook_aside(struct buf *out, const char *path, const struct hook *h)
{
	const char *slash = strrchr(path, '/');

	buf_add(out, path, (size_t)(slash - path + 1));
	buf_addf(out, "%s.before-migrate", h->name);
}

int hook_write(const char *path, const struct hook *h, struct err *err)
{
	struct buf aside = BUF_INIT, now = BUF_INIT;
	enum hook_found found = hook_look(path, &now);
	int ret = 0;

	hook_aside(&aside, path, h);
	if (found == HOOK_OURS && now.len == h->len &&
	    memcmp(now.s, h->text, h->len) == 0 && access(path, X_OK) == 0)
		goto out;
	if (found == HOOK_OTHER && rename(path, aside.s) < 0) {
		ret = err_errno(err, ERR_FATAL, "could not rename '%s'", path);
		goto out;
	}
	ret = file_replace(path, h->text, h->len, 0755, err);
	if (found == HOOK_OTHER && ret < 0)
		(void)rename(aside.s, path); /* the first error is the one to tell */
	else if (found == HOOK_OTHER)
		printf(access(aside.s, X_OK) == 0
			       ? "kept your %s hook as %s.before-migrate; it runs first\n"
			       : "kept your %s hook as %s.before-migrate; it is not "
				 "executable and does not run\n",
		       h->name, h->name);
	if (ret == 0)
		ret = 1;
out:
	buf_release(&aside);
	buf_release(&now);
	return ret;
}

int hook_restore(const char *path, const struct hook *h, struct err *err)
{
	struct buf aside = BUF_INIT, now = BUF_INIT;
	int ret = 0;

	if (hook_look(path, &now) != HOOK_OURS)
		goto out;
	hook_aside(&aside, path, h);
	ret = 1;
	if (!hook_is_there(aside.s)) {
		if (unlink(path) < 0)
			ret = err_errno(err, ERR_FATAL, "could not remove '%s'", path);
	} else if (rename(aside.s, path) < 0) {
		ret = err_errno(err, ERR_FATAL, "could not rename '%s'", aside.s);
	} else {
		printf("put your %s hook back\n", h->name);
	}
out:
	buf_release(&aside);
	buf_release(&now);
	return ret;
}

/* "#!/bin/sh", "#!/usr/bin/env bash -e", or nothing, which sh runs as well. */
static bool is_shell(const char *text)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ksh", "zsh" };
	const char *end = text + strcspn(text, "\n"), *at, *word;
	size_t i, len;

	if (!starts_with(text, "#!"))
		return true;
	for (at = text + 2; at < end; at += len) {
		at += strspn(at, " \t/");
		len = strcspn(at, " \t/\n");
		word = at;
		for (i = 0; i < ARRAY_SIZE(shells); i++)
			if (strlen(shells[i]) == len &&
			    strncmp(word, shells[i], len) == 0)
				return true;
	}
	return false;
}

const char *hook_why_not_add(const char *path, bool must_be_executable)
{
	struct buf text = BUF_INIT;
	struct stat st;
	const char *why = NULL;

	if (hook_look(path, &text) != HOOK_OTHER)
		why = NULL;
	else if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		why = "it is a symbolic link or a folder";
	else if (memchr(text.s, '\0', text.len) || !is_shell(buf_str(&text)))
		why = "it is no shell script";
	else if (must_be_executable && access(path, X_OK) < 0)
		why = "it is not executable, so git does not run it";
	buf_release(&text);
	return why;
}

static void lone_script(struct buf *out, const struct hook *h)
{
	buf_addf(out, "#!/bin/sh\n%s", h->block);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0755;
}

int hook_add_block(const char *path, const struct hook *h, struct err *err)
{
	struct buf text = BUF_INIT, now = BUF_INIT;
	enum hook_found found = hook_look(path, &now);
	const char *rest;
	int ret = 0;

	if (found == HOOK_OURS || found == HOOK_RUNS_US)
		goto out;
	buf_reset(&now);
	if (file_read(path, SCRIPT_MAX, &now, err) < 0) {
		ret = -1;
		goto out;
	}
	if (found == HOOK_NONE) {
		lone_script(&text, h);
	} else {
		rest = buf_str(&now);
		if (starts_with(rest, "#!"))
			rest += strcspn(rest, "\n");
		rest += *rest == '\n' && rest != buf_str(&now);
		buf_add(&text, buf_str(&now), (size_t)(rest - buf_str(&now)));
		buf_adds(&text, h->block);
		buf_adds(&text, rest);
	}
	ret = file_replace(path, text.s, text.len, mode_of(path), err) < 0 ? -1 : 1;
out:
	buf_release(&text);
	buf_release(&now);
	return ret;
}

int hook_drop_block(const char *path, const struct hook *h, struct err *err)
{
	struct buf now = BUF_INIT, alone = BUF_INIT, rest = BUF_INIT;
	char *at;
	int ret = 0;

	lone_script(&alone, h);
	if (hook_look(path, &now) != HOOK_RUNS_US || !strstr(now.s, h->block))
		goto out;
	buf_reset(&now);
	if (file_read(path, SCRIPT_MAX, &now, err) != 0) {
		ret = -1;
		goto out;
	}
	at = strstr(buf_str(&now), h->block);
	ret = 1;
	if (!at) {
		ret = 0;
	} else if (strcmp(now.s, alone.s) == 0) {
		if (unlink(path) < 0)
			ret = err_errno(err, ERR_FATAL, "could not remove '%s'", path);
	} else {
		buf_add(&rest, now.s, (size_t)(at - now.s));
		buf_adds(&rest, at + strlen(h->block));
		if (file_replace(path, buf_str(&rest), rest.len, mode_of(path), err) < 0)
			ret = -1;
	}
out:
	buf_release(&now);
	buf_release(&alone);
	buf_release(&rest);
	return ret;
}

int hook_make_folder(const char *path, struct err *err)
{
	static const char text[] = "\"git migrate init\" made this folder, and \"git "
				   "migrate init --hooks=remove\" removes it when it is "
				   "empty.\n";
	struct buf mark = BUF_INIT;
	int ret = 0;

	if (mkdir(path, 0777) == 0) {
		buf_addf(&mark, "%s/%s", path, folder_mark);
		ret = file_replace(mark.s, text, strlen(text), 0644, err);
	} else if (errno != EEXIST) {
		ret = err_errno(err, ERR_FATAL, "could not create '%s'", path);
	}
	buf_release(&mark);
	return ret;
}

void hook_drop_folder(const char *path)
{
	struct buf mark = BUF_INIT;

	buf_addf(&mark, "%s/%s", path, folder_mark);
	if (unlink(mark.s) == 0)
		(void)rmdir(path); /* what others have put there keeps it */
	buf_release(&mark);
}
