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
};

void heap_prepare(void)
{
#if defined(__GLIBC__) && defined(MADV_HUGEPAGE)
	void *volatile grown; /* or compilers leave it out */
	char *from = sbrk(0), *end;
	size_t skip = (size_t)(-(uintptr_t)from % PAGE);

	mallopt(M_TOP_PAD, STEP);
	mallopt(M_TRIM_THRESHOLD, KEPT);
	mallopt(M_MMAP_THRESHOLD, MAPPED);
	grown = malloc(FIRST);
	free(grown);
	end = sbrk(0);
	if (end > from && (size_t)(end - from) > skip)
		madvise(from + skip, (size_t)(end - from) - skip, MADV_HUGEPAGE);
#endif
}
