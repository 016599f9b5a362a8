#include "base/compat.h"

#include <sys/mman.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/heap.h"

enum {
	STEP = 16 << 20,   /* by which the heap grows */
	KEPT = 256 << 20,  /* and what it keeps of what was freed */
	MAPPED = 4 << 20,  /* larger blocks come from the kernel, and go back to it */
	FIRST = 256 << 10, /* more than there is at first */
	PAGE = 4096,
	LARGE_PAGE = 2 << 20,
};

#if defined(__GLIBC__) && defined(MADV_HUGEPAGE)
static void ask_for(size_t len)
{
	void *volatile block = malloc(len); /* or compilers leave it out */

	free(block);
}
#endif

void heap_prepare(void)
{
#if defined(__GLIBC__) && defined(MADV_HUGEPAGE)
	/*
	 * The allocator writes to the start of its memory before the kernel can be told
	 * about it, and what has been written to stays a small page, and all around it
	 * small ones: so its memory begins one page before a large one.
	 */
	char *now = sbrk(0);
	size_t ahead = (size_t)(-(uintptr_t)now - PAGE) % LARGE_PAGE;
	char *from = now + ahead + PAGE, *end;

	mallopt(M_TOP_PAD, STEP);
	mallopt(M_TRIM_THRESHOLD, KEPT);
	mallopt(M_MMAP_THRESHOLD, MAPPED);
	if (sbrk((intptr_t)ahead) == (void *)-1)
		return;
	ask_for(1);
	if ((char *)sbrk(0) < from)
		ask_for(FIRST); /* somebody had memory before */
	end = sbrk(0);
	if (end > from)
		madvise(from, (size_t)(end - from), MADV_HUGEPAGE);
#endif
}
