/*
 * Runs a command some times and prints for each round what it took:
 *
 *	<wall> <own> <children> <peak>
 *
 * The first three are microseconds: the time that passed, the CPU time (user and
 * system) of the process itself, and that of the children it has waited for. The
 * last is the greatest resident set of any of them, in KiB.
 *
 * wait4(2) gives the sum of own and children. The own part is what the scheduler
 * counted for the process, in nanoseconds, which can be read while it is a zombie
 * (/proc/<pid>/schedstat). It is that of the first thread: the time of other
 * threads counts as the children's, so of such a program only the sum says
 * something. Children that were not waited for count nowhere.
 */
#include "base/compat.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

struct round {
	uint64_t wall;
	uint64_t own;
	uint64_t children;
	long peak;
};

static NORETURN void usage(FILE *to, int code)
{
	fputs("usage: measure [-n <rounds>] [-b <shell command>] [-o <file>] [-x "
	      "<status>]\n"
	      "               <command> [<argument>...]\n"
	      "\n"
	      "    -n <rounds>         how often it is run (1)\n"
	      "    -b <shell command>  runs before each round, and is not measured\n"
	      "    -o <file>           takes the command's output (/dev/null)\n"
	      "    -x <status>         the exit status it must have (0)\n",
	      to);
	exit(code);
}

static NORETURN void die(const char *what, int number)
{
	fprintf(stderr, "error: %s: %s\n", what, strerror(number));
	exit(128);
}

static uint64_t micros_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t micros(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

/* CPU time of a process that has ended and is not reaped yet. */
static uint64_t own_micros(pid_t pid)
{
	uint64_t nanos = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/schedstat", (long)pid);
	f = fopen(path, "r");
	if (!f)
		die(path, errno);
	if (fscanf(f, "%" SCNu64, &nanos) != 1 || !nanos)
		die(path, ENODATA);
	fclose(f);
	return nanos / 1000;
}

static pid_t start(char **argv, const char *output)
{
	posix_spawn_file_actions_t files;
	pid_t pid;
	int code;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC,
					 0666);
	code = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
	if (code)
		die(argv[0], code);
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

static void one_round(char **argv, const char *output, int expected, struct round *r)
{
	uint64_t begin = micros_now(), sum;
	struct rusage use;
	siginfo_t info;
	int status;
	pid_t pid;

	pid = start(argv, output);
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
		die("waitid", errno);
	r->wall = micros_now() - begin;
	r->own = own_micros(pid);
	if (wait4(pid, &status, 0, &use) != pid)
		die("wait4", errno);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected) {
		fprintf(stderr, "error: '%s' ended with status %d\n", argv[0],
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		exit(1);
	}
	sum = micros(&use.ru_utime) + micros(&use.ru_stime);
	r->children = sum > r->own ? sum - r->own : 0;
	r->peak = use.ru_maxrss;
}

static int count(const char *text, int least, int most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < least || n > most)
		usage(stderr, 129);
	return (int)n;
}

int main(int argc, char **argv)
{
	const char *before = NULL, *output = "/dev/null";
	int rounds = 1, expected = 0, letter, i;
	struct round r;

	while ((letter = getopt(argc, argv, "+n:b:o:x:h")) != -1) {
		switch (letter) {
		case 'n':
			rounds = count(optarg, 1, 1000000);
			break;
		case 'b':
			before = optarg;
			break;
		case 'o':
			output = optarg;
			break;
		case 'x':
			expected = count(optarg, 0, 255);
			break;
		case 'h':
			usage(stdout, 0);
		default:
			usage(stderr, 129);
		}
	}
	if (optind == argc)
		usage(stderr, 129);
	for (i = 0; i < rounds; i++) {
		if (before && system(before) != 0) {
			fprintf(stderr, "error: this failed: %s\n", before);
			return 128;
		}
		one_round(argv + optind, output, expected, &r);
		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %ld\n", r.wall, r.own,
		       r.children, r.peak);
		fflush(stdout);
	}
	return 0;
}
