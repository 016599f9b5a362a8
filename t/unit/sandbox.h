/* A folder of a test's own, where git runs as if it were on a bare machine. */
#ifndef T_UNIT_SANDBOX_H
#define T_UNIT_SANDBOX_H

struct buf;

/** Makes the folder; `dir` has room for 64 bytes. A test that cannot go on fails. */
void sandbox_make(char dir[64]);
void sandbox_remove(const char *dir);

/**
 * Runs a shell command in it, whose failure is the test's. `input`, for its
 * standard input, and `out`, where what it prints is appended, may be NULL.
 */
void sandbox_run(const char *dir, const char *command, const struct buf *input,
		 struct buf *out);

#endif
