/* Allocation that cannot fail, and whole files. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>

struct buf;
struct err;

/* These end the program with a message when memory has run out. */
void *xmalloc(size_t len);
void *xcalloc(size_t nr, size_t len);
void *xrealloc(void *old, size_t len);
void *xreallocarray(void *old, size_t nr, size_t len);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);

/**
 * Appends all of a file to `out`, at most `max` bytes. Returns 0, 1 when there
 * is no such file, -1 with `err` set (too long is ERR_FATAL as well). What is no
 * regular file is an error at once: a pipe is not waited for.
 */
int file_read(const char *path, size_t max, struct buf *out, struct err *err);

/** Appends what `fd` gives until its end, at most `max` bytes. 0 or -1. */
int fd_read_all(int fd, size_t max, struct buf *out, struct err *err);

/** Writes all bytes, whatever write(2) takes at a time. 0, or -1 with errno. */
int fd_write_all(int fd, const void *data, size_t len);

/**
 * As file_replace, without fsync, and for a moment there is neither: for what can be
 * made again.
 */
int file_replace_lazily(const char *path, const void *data, size_t len, unsigned mode,
			struct err *err);

/**
 * Replaces a file: a temporary beside it, fsync, rename. `mode` as for open(2).
 * 0, or -1 with `err` set and the old file untouched.
 */
int file_replace(const char *path, const void *data, size_t len, unsigned mode,
		 struct err *err);

#endif
