#include "base/compat.h"

#include "out/term.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/text.h"

/* What git takes for a sign that a pager's name needs a shell. */
#define SHELL_CHARACTERS "|&;<>()$`\\\"' \t\n*?[#~=%"

enum { NOT_STARTED = 127 };

/* A process has one stdout, hence one pager: the only state that out/ keeps. */
static struct pager {
	pid_t pid;    /* 0: none */
	int saved[2]; /* what stdout and stderr were, -1 where untouched */
	struct sigaction sigpipe;
} pager;

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(s, *words) == 0)
			return true;
	return false;
}

/* A pager of ours, or of git's own: "git -p migrate". */
static bool pager_in_use(void)
{
	static const char *const yes[] = { "true", "yes", "on", "1", NULL };
	const char *value = getenv("GIT_PAGER_IN_USE");

	return value && is_one_of(value, yes);
}

bool term_want_color(const char *setting, int fd)
{
	static const char *const never[] = {
		"never", "false", "no", "off", "0", "", NULL
	};
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	if (setting && strcasecmp(setting, "always") == 0)
		return true;
	if (setting && is_one_of(setting, never))
		return false;
	if ((no_color && *no_color) || !term || strcmp(term, "dumb") == 0)
		return false;
	return isatty(fd) || (fd == STDOUT_FILENO && pager_in_use());
}

const char *term_color(bool on, enum color c)
{
	if (!on)
		return "";
	switch (c) {
	case COLOR_NONE:
		return "";
	case COLOR_BOLD:
		return "\033[1m";
	case COLOR_DIM:
		return "\033[2m";
	case COLOR_RED:
		return "\033[31m";
	case COLOR_GREEN:
		return "\033[32m";
	case COLOR_YELLOW:
		return "\033[33m";
	case COLOR_BLUE:
		return "\033[34m";
	case COLOR_CYAN:
		return "\033[36m";
	}
	BUG("unhandled color %d", (int)c);
}

const char *term_reset(bool on)
{
	return on ? "\033[m" : "";
}

static void print(FILE *to, const char *s, enum text_flags flags)
{
	struct buf safe = BUF_INIT;

	text_printable(&safe, s, strlen(s), flags);
	fwrite(buf_str(&safe), 1, safe.len, to);
	buf_release(&safe);
}

void term_print(FILE *to, const char *s)
{
	print(to, s, 0);
}

void term_print_lines(FILE *to, const char *s)
{
	print(to, s, TEXT_KEEP_NEWLINES);
}

NORETURN static void become_pager(const char *command, int input, int failed)
{
	bool plain = command[strcspn(command, SHELL_CHARACTERS)] == '\0';
	int cause;

	signal(SIGPIPE, SIG_DFL);
	if (dup2(input, STDIN_FILENO) >= 0) {
		if (plain)
			execlp(command, command, (char *)NULL);
		else
			execlp("sh", "sh", "-c", command, (char *)NULL);
	}
	cause = errno;
	if (write(failed, &cause, sizeof(cause)) < 0)
		_exit(NOT_STARTED);
	_exit(NOT_STARTED);
}

/* Starts the child; `*input` is our end of its standard input. Its pid, or -1. */
static pid_t start(const char *command, int *input)
{
	int data[2] = { -1, -1 }, failed[2] = { -1, -1 };
	pid_t pid = -1;
	int cause;

	if (pipe2(data, O_CLOEXEC) < 0 || pipe2(failed, O_CLOEXEC) < 0)
		goto out;
	pid = fork();
	if (pid == 0)
		become_pager(command, data[0], failed[1]);
	close(failed[1]);
	failed[1] = -1;
	if (pid > 0 && read(failed[0], &cause, sizeof(cause)) == (ssize_t)sizeof(cause)) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		pid = -1;
	}
out:
	if (pid > 0) {
		*input = data[1];
		data[1] = -1;
	}
	if (data[0] >= 0)
		close(data[0]);
	if (data[1] >= 0)
		close(data[1]);
	if (failed[0] >= 0)
		close(failed[0]);
	if (failed[1] >= 0)
		close(failed[1]);
	return pid;
}

/* Sends `fd` to `to`; returns what it was, -1 when it stays. */
static int redirect(int fd, int to)
{
	int saved = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (saved >= 0 && dup2(to, fd) < 0) {
		close(saved);
		saved = -1;
	}
	return saved;
}

void term_pager_start(const char *command)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	bool errors_too = isatty(STDERR_FILENO);
	int input = -1;

	if (pager.pid || !command || !*command || strcmp(command, "cat") == 0 ||
	    !isatty(STDOUT_FILENO))
		return;
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	setenv("GIT_PAGER_IN_USE", "true", 1);
	fflush(stdout);
	fflush(stderr);
	pager.pid = start(command, &input);
	if (pager.pid < 0) {
		pager.pid = 0;
		unsetenv("GIT_PAGER_IN_USE");
		return;
	}
	/* who leaves the pager early has seen enough, and the work goes on */
	sigaction(SIGPIPE, &ignore, &pager.sigpipe);
	pager.saved[0] = redirect(STDOUT_FILENO, input);
	pager.saved[1] = errors_too ? redirect(STDERR_FILENO, input) : -1;
	close(input);
}

void term_pager_end(void)
{
	static FILE *const *const streams[] = { &stdout, &stderr };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before[2];
	int fd;

	if (!pager.pid)
		return;
	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		if (pager.saved[fd - 1] < 0)
			continue;
		fflush(*streams[fd - 1]);
		clearerr(*streams[fd - 1]);
		dup2(pager.saved[fd - 1], fd);
		close(pager.saved[fd - 1]);
	}
	/* ^C belongs to the pager now */
	sigaction(SIGINT, &ignore, &before[0]);
	sigaction(SIGQUIT, &ignore, &before[1]);
	while (waitpid(pager.pid, NULL, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &before[0], NULL);
	sigaction(SIGQUIT, &before[1], NULL);
	sigaction(SIGPIPE, &pager.sigpipe, NULL);
	unsetenv("GIT_PAGER_IN_USE");
	pager.pid = 0;
}
