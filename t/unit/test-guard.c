/* A program that ends by its own limits, and says so. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/guard.h"
#include "base/io.h"

static const struct guard limits = {
	.seconds = 1,
	.memory = 48 << 20,
	.timeout = "too long\n",
	.crash = "it crashed\n",
	.exhausted = "too much\n",
};

/* Runs `fn` in a child under the limits; what it printed, and how it ended. */
static int run(void (*fn)(void), struct buf *said)
{
	struct err err = { 0 };
	int status, fds[2];
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		signal(SIGSEGV, SIG_DFL); /* cmocka has its own */
		guard_begin(&limits);
		fn();
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(fd_read_all(fds[0], 4096, said, &err), 0);
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void do_little(void)
{
	free(xmalloc(1 << 20));
}

static void spin(void)
{
	volatile unsigned long n = 0;

	for (;;)
		n++;
}

static void hoard(void)
{
	size_t i;

	for (i = 0; i < 64; i++)
		memset(xmalloc(1 << 20), 1, 1 << 20);
}

static void crash(void)
{
	raise(SIGSEGV);
}

static void overflow(void)
{
	volatile char here[4096];

	memset((char *)here, 1, sizeof(here));
	if (here[0])
		overflow();
	here[1] = 2; /* no tail call */
}

static void within_the_limits(void **state UNUSED)
{
	struct buf said = BUF_INIT;
	int status = run(do_little, &said);

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_string_equal(buf_str(&said), "");
	buf_release(&said);
}

static void time_ends(void **state UNUSED)
{
	struct buf said = BUF_INIT;
	int status = run(spin, &said);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), GUARD_STATUS);
	assert_string_equal(buf_str(&said), "too long\n");
	buf_release(&said);
}

UNUSED static void memory_ends(void **state UNUSED)
{
	struct buf said = BUF_INIT;
	int status;

	status = run(hoard, &said);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), GUARD_STATUS);
	assert_non_null(strstr(buf_str(&said), "out of memory"));
	assert_non_null(strstr(buf_str(&said), "\ntoo much\n"));
	buf_release(&said);
}

/* It is said, and whoever waits sees the signal. */
UNUSED static void crash_is_said(void **state UNUSED)
{
	static void (*const ways[])(void) = { crash, overflow };
	struct buf said = BUF_INIT;
	size_t i;
	int status;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		buf_reset(&said);
		status = run(ways[i], &said);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSEGV);
		assert_string_equal(buf_str(&said), "it crashed\n");
	}
	buf_release(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(within_the_limits),
		cmocka_unit_test(time_ends),
#ifndef __SANITIZE_ADDRESS__ /* has its own handlers, and takes more memory */
		cmocka_unit_test(memory_ends),
		cmocka_unit_test(crash_is_said),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
