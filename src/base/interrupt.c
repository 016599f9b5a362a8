#include "base/compat.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include "base/interrupt.h"

static const int watched[] = { SIGINT, SIGTERM, SIGHUP };

/* The only state that a handler can reach. */
static volatile sig_atomic_t seen;
static bool watching;
static sigset_t outside; /* the mask while the program waits */

static void note(int sig UNUSED)
{
	seen = 1;
}

void interrupt_watch(void)
{
	struct sigaction old, act = { .sa_handler = note, .sa_flags = SA_RESETHAND };
	sigset_t held;
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
	errno = EINTR;
	return -1;
}
