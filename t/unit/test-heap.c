/* Where the allocator's memory lies: the kernel decides by that what pages it gives. */
#include "base/compat.h"

#include <fcntl.h>
#include <setjmp.h>
#include <cmocka.h>
#include <unistd.h>

#include "base/heap.h"

enum { LARGE_PAGE = 2 << 20 };

#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_HEAP
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHER_HEAP
#endif
#endif

#ifndef OTHER_HEAP

/* A mapping as /proc/self/smaps tells of it. */
struct mapping {
	unsigned long from, to;
	unsigned long used; /* KiB of it that have been touched */
	bool large;	    /* large pages were asked for */
};

static struct mapping at_start;
static bool kernel_has_large_pages;

/* Without the allocator, which is what is looked at. */
static size_t read_smaps(char *text, size_t size)
{
	int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	while (fd >= 0 && (got = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)got;
	if (fd >= 0)
		close(fd);
	text[len] = '\0';
	return len;
}

/* The first mapping for which large pages were asked, or nothing. */
static struct mapping find_large(void)
{
	static char text[256 * 1024];
	struct mapping m = { 0 };
	unsigned long from, to;
	char *line, *save = NULL;

	read_smaps(text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line && !m.large;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			m.from = from;
			m.to = to;
		}
		sscanf(line, "Rss: %lu", &m.used);
		m.large = strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " hg");
	}
	return m;
}

static void nothing_touched_before_large_pages_are_asked_for(void **state UNUSED)
{
	if (!at_start.large && !kernel_has_large_pages)
		return; /* none are to be had */
	assert_true(at_start.large);
	assert_int_equal(at_start.from % LARGE_PAGE, 0);
	assert_true(at_start.to - at_start.from >= LARGE_PAGE);
	assert_int_equal(at_start.used, 0);
}

static void blocks_come_from_there(void **state UNUSED)
{
	char *block = malloc(64 * 1024);

	assert_non_null(block);
	if (!at_start.large && !kernel_has_large_pages) {
		free(block);
		return;
	}
	assert_true((unsigned long)block >= at_start.from);
	assert_true((unsigned long)block < at_start.to);
	free(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_touched_before_large_pages_are_asked_for),
		cmocka_unit_test(blocks_come_from_there),
	};

	heap_prepare(); /* before anybody had memory, as in the program itself */
	at_start = find_large();
	kernel_has_large_pages = access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	puts("1..0 # SKIP a sanitizer or another libc has an allocator of its own "
	     "(!SANITIZERS)");
	return 0;
}

#endif
