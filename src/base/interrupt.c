#include "base/compat.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include "base/interrupt.h"

static const int watched[] = { SIGINT, SIGTERM, SIGHUP };

/* The only state that a handler can reach. */
static volatile sig_atomic_t seen;
static bool watching;
static bool letting_go;
static sigset_t held;	 /* what is held back */
static sigset_t outside; /* the mask while the program waits */

static void note(int sig UNUSED)
{
	seen = 1;
}

void interrupt_watch(void)
{
	struct sigaction old, act = { .sa_handler = note, .sa_flags = SA_RESETHAND };
	size_t i;

	if (watching)
		return;
	sigemptyset(&act.sa_mask);
	sigemptyset(&held);
	for (i = 0; i < ARRAY_SIZE(watched); i++) {
		if (sigaction(watched[i], NULL, &old) < 0 || old.sa_handler == SIG_IGN)
			continue;
		sigaction(watched[i], &act, NULL);
		sigaddset(&held, watched[i]);
	}
	sigprocmask(SIG_BLOCK, &held, &outside);
	watching = true;
}

bool interrupt_seen(void)
{
	return seen;
}

/* The first one was taken note of: from here on another one ends the program. */
static void let_go(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(watched); i++)
		if (sigismember(&held, watched[i]) == 1)
			signal(watched[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &outside, NULL);
	letting_go = true;
}

int interrupt_poll(struct pollfd *fds, unsigned long nr, int timeout_ms)
{
	const struct timespec limit = { .tv_sec = timeout_ms / 1000,
					.tv_nsec = timeout_ms % 1000 * 1000000L };
	int n;

	if (!watching)
		return poll(fds, nr, timeout_ms);
	n = seen ? -1 : ppoll(fds, nr, timeout_ms < 0 ? NULL : &limit, &outside);
	if (!seen)
		return n;
	if (!letting_go)
		let_go();
	errno = EINTR;
	return -1;
}
