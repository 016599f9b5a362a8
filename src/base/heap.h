/* The memory that the allocator works on, for programs that read much and end. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

/**
 * Asks the allocator for large steps, and the kernel for large pages: with small ones
 * it is a fifth of the time of a log of thousands of records. Once, at the start.
 */
void heap_prepare(void);

#endif
