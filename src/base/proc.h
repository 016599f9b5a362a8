/* Child processes: a fixed argument list, no shell, bounded output. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stddef.h>

struct buf;
struct err;

struct proc {
	const char *const *argv;   /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *setenv; /* "NAME=value" to set, "NAME" to unset; may be NULL */
	const char *dir;	   /* where to run; NULL is here */
	const void *input;	   /* for its standard input; NULL is /dev/null */
	size_t input_len;
	size_t max_output; /* bytes; 0 means 64 MiB */
};

/**
 * Runs a child to its end. Appends its standard output to `out` and its
 * standard error to `errors` (either may be NULL: thrown away). Input is
 * written and both outputs are read at the same time, so none can block.
 * Returns the exit status (128 + n after signal n), -1 with `err` set when it
 * could not be started or said more than `max_output`.
 */
int proc_run(const struct proc *p, struct buf *out, struct buf *errors, struct err *err);

#endif
