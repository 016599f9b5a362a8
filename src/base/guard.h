/*
 * The last line of a program that judges what strangers have sent: time and memory
 * that end, and a clear word when it crashes. Whoever waits for it sees a failure in
 * each case, as if it had refused by itself.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <stddef.h>

struct guard {
	unsigned seconds;      /* of CPU time; 0: no limit */
	size_t memory;	       /* bytes of heap; 0: no limit */
	const char *timeout;   /* lines that are printed when the time is over, */
	const char *crash;     /* when it crashed, */
	const char *exhausted; /* and when memory has run out */
};

/** Exit status of a program that one of them has ended. */
enum { GUARD_STATUS = 128 };

/**
 * Sets the limits from now to the end of the program. Texts are borrowed for as
 * long. Children have the limit of memory and not that of time.
 */
void guard_begin(const struct guard *g);

/** Prints what the guard says of memory that ran out; nothing without one. */
void guard_say_exhausted(void);

#endif
