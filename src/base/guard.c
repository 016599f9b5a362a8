#include "base/compat.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "base/guard.h"
#include "base/io.h"

/* A library's own handler needs the stack and the shadow memory that it counts on. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

enum { STACK = 64 << 10 };

/* Signal handlers have no argument of ours: what they print stands here. */
static struct guard guard;

static void print(const char *text)
{
	if (text)
		fd_write_all(STDERR_FILENO, text, strlen(text));
}

/* Only what a signal handler may call, in this one and the next. */
NORETURN static void on_timeout(int number UNUSED)
{
	print(guard.timeout);
	_exit(GUARD_STATUS);
}

/* Once: the second time the signal ends the program, as a crash should. */
static void on_crash(int number)
{
	print(guard.crash);
	raise(number);
}

static void limit_time(unsigned seconds)
{
	const struct itimerval after = { .it_value.tv_sec = (time_t)seconds };
	struct sigaction act = { .sa_handler = on_timeout };

	sigaction(SIGPROF, &act, NULL);
	setitimer(ITIMER_PROF, &after, NULL);
}

/*
 * Of what is allocated, not of what is mapped: packs and libraries are files, whose
 * pages the kernel takes back.
 */
static void limit_memory(size_t bytes)
{
	struct rlimit limit;

	if (IS_SANITIZED || getrlimit(RLIMIT_DATA, &limit) < 0)
		return;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < bytes)
		return; /* it is lower already */
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_DATA, &limit);
}

static void catch_crashes(void)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	static char stack[STACK];
	const stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction act = {
		.sa_handler = on_crash,
		.sa_flags = SA_ONSTACK | (int)SA_RESETHAND | SA_NODEFER,
	};
	size_t i;

	if (IS_SANITIZED)
		return;
	sigaltstack(&own, NULL); /* the usual one may be what has run out */
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaction(numbers[i], &act, NULL);
}

void guard_begin(const struct guard *g)
{
	guard = *g;
	catch_crashes();
	if (g->memory)
		limit_memory(g->memory);
	if (g->seconds)
		limit_time(g->seconds);
}

void guard_say_exhausted(void)
{
	print(guard.exhausted);
}
