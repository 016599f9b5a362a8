#include "base/compat.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/interrupt.h"
#include "base/io.h"
#include "base/proc.h"

enum { END_IN = 0, END_OUT = 1, END_ERR = 2, PIPE_SIZE = 1 << 20 };

/* One end of each pipe is ours, [i][0] to read, [i][1] to write. */
struct pipes {
	int fd[3][2];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void pipes_release(struct pipes *p)
{
	int i;

	for (i = 0; i < 3; i++) {
		close_fd(&p->fd[i][0]);
		close_fd(&p->fd[i][1]);
	}
}

static int pipes_open(struct pipes *p)
{
	int i;

	memset(p, -1, sizeof(*p));
	for (i = 0; i < 3; i++)
		if (pipe2(p->fd[i], O_CLOEXEC) < 0)
			return -1;
	return 0;
}

/*
 * Starts the child without copying our memory. 0 or an errno, that of exec too.
 */
static int spawn(const struct proc *p, const struct pipes *pipes, char *const *env,
		 pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, defaults;
	int ret;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &defaults);
	posix_spawnattr_setflags(&how, p->deaf ? POSIX_SPAWN_SETSIGDEF
					       : POSIX_SPAWN_SETSIGMASK |
							 POSIX_SPAWN_SETSIGDEF);
	ret = posix_spawn_file_actions_adddup2(&files, pipes->fd[END_IN][0], 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, pipes->fd[END_OUT][1], 1);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, pipes->fd[END_ERR][1], 2);
	if (!ret && p->dir)
		ret = posix_spawn_file_actions_addchdir_np(&files, p->dir);
	if (!ret)
		ret = posix_spawnp(pid, p->argv[0], &files, &how, (char *const *)p->argv,
				   env);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return ret;
}

/* The environment with `changes` applied; the array is the caller's to free. */
static char **make_env(const char *const *changes)
{
	size_t nr = 0, more = 0, i, k, len;
	char **env;

	while (environ[nr])
		nr++;
	while (changes && changes[more])
		more++;
	env = xcalloc(nr + more + 1, sizeof(*env));
	for (i = 0, k = 0; i < nr; i++) {
		size_t c;

		for (c = 0; c < more; c++) {
			len = strcspn(changes[c], "=");
			if (strncmp(environ[i], changes[c], len) == 0 &&
			    environ[i][len] == '=')
				break;
		}
		if (c == more)
			env[k++] = environ[i];
	}
	for (i = 0; i < more; i++)
		if (strchr(changes[i], '='))
			env[k++] = (char *)changes[i];
	return env;
}

/* One read into `out`; 1 to go on, 0 at the end. */
static int drain(int fd, struct buf *out)
{
	char chunk[16 * 1024];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (n <= 0)
		return 0;
	if (out)
		buf_add(out, chunk, (size_t)n);
	return 1;
}

/* Talks until all three ends are closed. 0, or -1 when the child says too much. */
static int talk(const struct proc *p, struct pipes *pipes, struct buf *out,
		struct buf *errors)
{
	size_t max = p->max_output ? p->max_output : (size_t)64 << 20;
	struct pollfd pfd[3] = {
		{ .fd = pipes->fd[END_IN][1], .events = POLLOUT },
		{ .fd = pipes->fd[END_OUT][0], .events = POLLIN },
		{ .fd = pipes->fd[END_ERR][0], .events = POLLIN },
	};
	size_t sent = 0;
	ssize_t n;

	while (pfd[0].fd >= 0 || pfd[1].fd >= 0 || pfd[2].fd >= 0) {
		if (pfd[0].fd >= 0 && sent == p->input_len) {
			close_fd(&pipes->fd[END_IN][1]);
			pfd[0].fd = -1;
			continue;
		}
		if (poll(pfd, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (pfd[0].fd >= 0 && pfd[0].revents) {
			n = write(pfd[0].fd, (const char *)p->input + sent,
				  p->input_len - sent);
			if (n >= 0)
				sent += (size_t)n;
			else if (errno != EINTR && errno != EAGAIN)
				sent = p->input_len; /* it reads no more: its right */
		}
		if (pfd[1].fd >= 0 && pfd[1].revents && !drain(pfd[1].fd, out))
			pfd[1].fd = -1;
		if (pfd[2].fd >= 0 && pfd[2].revents && !drain(pfd[2].fd, errors))
			pfd[2].fd = -1;
		if ((out && out->len > max) || (errors && errors->len > max))
			return -1;
	}
	return 0;
}

int proc_run(const struct proc *p, struct buf *out, struct buf *errors, struct err *err)
{
	char **env = make_env(p->setenv);
	int cause, status = 0, talked, ret = -1;
	const struct timespec no_time = { 0 };
	struct pipes pipes;
	sigset_t pipe_set, before;
	pid_t pid = -1;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipe_set, &before);
	cause = pipes_open(&pipes) < 0 ? errno : spawn(p, &pipes, env, &pid);
	if (cause) {
		errno = cause;
		err_errno(err, ERR_FATAL, "could not start '%s'", p->argv[0]);
		goto out;
	}
	close_fd(&pipes.fd[END_IN][0]);
	close_fd(&pipes.fd[END_OUT][1]);
	close_fd(&pipes.fd[END_ERR][1]);
	fcntl(pipes.fd[END_IN][1], F_SETFL, O_NONBLOCK);
	talked = talk(p, &pipes, out, errors);
	if (talked < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (talked < 0)
		err_set(err, ERR_FATAL, "'%s' gave more output than is sensible",
			p->argv[0]);
	else
		ret = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
out:
	pipes_release(&pipes);
	while (sigtimedwait(&pipe_set, NULL, &no_time) > 0) /* what our writes raised */
		;
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(env);
	return ret;
}

/* --- output as it comes ------------------------------------------------ */

struct proc_child {
	pid_t pid; /* 0: it was waited for */
	int status;
	int out, err; /* our ends; -1 where closed */
	struct buf errors;
	char *name;
};

int proc_start(struct proc_child **out, const struct proc *p, struct err *err)
{
	char **env = make_env(p->setenv);
	struct proc_child *c = NULL;
	struct pipes pipes;
	pid_t pid = -1;
	int cause;

	cause = pipes_open(&pipes) < 0 ? errno : spawn(p, &pipes, env, &pid);
	free(env);
	*out = NULL;
	if (cause) {
		pipes_release(&pipes);
		errno = cause;
		return err_errno(err, ERR_FATAL, "could not start '%s'", p->argv[0]);
	}
	c = xcalloc(1, sizeof(*c));
	c->pid = pid;
	c->name = xstrdup(p->argv[0]);
	c->out = pipes.fd[END_OUT][0];
	c->err = pipes.fd[END_ERR][0];
#ifdef F_SETPIPE_SZ
	fcntl(c->out, F_SETPIPE_SZ, PIPE_SIZE); /* less waking of each other */
#endif
	pipes.fd[END_OUT][0] = pipes.fd[END_ERR][0] = -1;
	pipes_release(&pipes); /* its ends, and its input with them */
	*out = c;
	return 0;
}

/* Takes what stands in the child's standard error, so that it does not block. */
static void take_errors(struct proc_child *c)
{
	enum { ERRORS_MAX = 64 * 1024 };

	if (!drain(c->err, c->errors.len < ERRORS_MAX ? &c->errors : NULL))
		close_fd(&c->err);
}

static int refuse_read(const struct proc_child *c, struct err *err)
{
	return err_errno(err, ERR_FATAL, "could not read from '%s'", c->name);
}

ssize_t proc_read(struct proc_child *c, void *out, size_t room, struct err *err)
{
	ssize_t n;

	while (c->out >= 0) {
		struct pollfd pfd[2] = {
			{ .fd = c->out, .events = POLLIN },
			{ .fd = c->err, .events = POLLIN },
		};

		/* a signal that was seen before is being tidied up after */
		if (interrupt_seen()) {
			if (poll(pfd, 2, -1) < 0 && errno != EINTR)
				return refuse_read(c, err);
		} else if (interrupt_poll(pfd, 2, -1) < 0) {
			if (interrupt_seen())
				return err_set(err, ERR_INTERRUPTED, "interrupted");
			if (errno != EINTR)
				return refuse_read(c, err);
			continue;
		}
		if (pfd[1].revents)
			take_errors(c);
		if (!pfd[0].revents)
			continue;
		n = read(c->out, out, room);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return refuse_read(c, err);
		if (n > 0)
			return n;
		close_fd(&c->out);
	}
	return 0;
}

int proc_wait(struct proc_child *c, struct buf *errors)
{
	int status = 0;

	close_fd(&c->out);
	while (c->err >= 0)
		take_errors(c);
	if (c->pid) {
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
		c->status = WIFEXITED(status) ? WEXITSTATUS(status)
					      : 128 + WTERMSIG(status);
		c->pid = 0;
	}
	if (errors)
		buf_add(errors, buf_str(&c->errors), c->errors.len);
	return c->status;
}

void proc_free(struct proc_child *c)
{
	if (!c)
		return;
	if (c->pid) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close_fd(&c->out);
	close_fd(&c->err);
	buf_release(&c->errors);
	free(c->name);
	free(c);
}
