/* Bytes that are read piece by piece, and more than once: a large file, a blob. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include <sys/types.h>

struct err;

struct source {
	/** Goes back to the first byte; also before the first read. 0 or -1. */
	int (*rewind)(void *arg, struct err *err);
	/**
	 * Gives the next bytes, at most `room` and not always as many. Returns
	 * their number, 0 at the end, -1 with `err` set. Whoever vouches for the
	 * bytes has done so when 0 is returned, and not before.
	 */
	ssize_t (*read)(void *arg, char *out, size_t room, struct err *err);
	void *arg;
};

#endif
