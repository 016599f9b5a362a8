/* Growing arrays: a pointer, a count and a capacity, kept beside each other. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/io.h"

/** Makes room for one more item in array `a` of `nr` items with room for `alloc`. */
#define VEC_GROW(a, nr, alloc)                                                           \
	do {                                                                             \
		if ((nr) >= (alloc)) {                                                   \
			(alloc) = (alloc) ? 2 * (alloc) : 8;                             \
			(a) = xreallocarray((a), (alloc), sizeof(*(a)));                 \
		}                                                                        \
	} while (0)

#endif
