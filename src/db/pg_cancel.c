/*
 * Cancelling: libpq opens a connection of its own for it and waits, without any end,
 * for the server to close it. A server that is frozen never does: so a child waits.
 */
#include "base/compat.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "db/pg.h"

enum { ANSWER_MS = 2000, CHILD_SECONDS = 5 };

/* The child: nothing of ours is touched but the descriptor that tells of its end. */
NORETURN static void send_cancel(struct db *db, PGcancel *cancel)
{
	char ignored[256];

	/* should nobody be there any more to end it */
	signal(SIGALRM, SIG_DFL);
	alarm(CHILD_SECONDS);
	db->pq->cancel(cancel, ignored, (int)sizeof(ignored));
	_exit(0);
}

/* Waits until the other end of a pipe is closed, for a while. */
static void wait_for_end(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t deadline = clock_ms() + ANSWER_MS, left;
	int n;

	do {
		left = deadline - clock_ms();
		n = poll(&pfd, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR && left > 0);
}

static void cancel_in_child(struct db *db, PGcancel *cancel)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0)
		send_cancel(db, cancel);
	close(ends[1]);
	if (pid > 0) {
		wait_for_end(ends[0]);
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
}

void pg_cancel(struct db *db)
{
	PGcancel *cancel = db->pq->get_cancel(db->conn);

	if (cancel)
		cancel_in_child(db, cancel);
	db->pq->free_cancel(cancel);
}
