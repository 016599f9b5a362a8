/* Child processes: a fixed argument list, no shell, bounded output. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf;
struct err;
struct proc_child;

struct proc {
	const char *const *argv;   /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *setenv; /* "NAME=value" to set, "NAME" to unset; may be NULL */
	const char *dir;	   /* where to run; NULL is here */
	const void *input;	   /* for its standard input; NULL is /dev/null */
	size_t input_len;
	size_t max_output; /* bytes; 0 means 64 MiB */
	bool deaf; /* keeps the signals out that we hold back: whoever reads it ends it */
};

/**
 * Runs a child to its end. Appends its standard output to `out` and its
 * standard error to `errors` (either may be NULL: thrown away). Input is
 * written and both outputs are read at the same time, so none can block.
 * Returns the exit status (128 + n after signal n), -1 with `err` set when it
 * could not be started or said more than `max_output`.
 */
int proc_run(const struct proc *p, struct buf *out, struct buf *errors, struct err *err);

/**
 * Starts a child whose standard output is read as it comes, however much it is; it
 * gets no input. 0 with `*out` the caller's, -1 when it could not be started.
 */
int proc_start(struct proc_child **out, const struct proc *p, struct err *err);

/** The next bytes of its output, at least one; 0 at the end; -1 with `err` set. */
ssize_t proc_read(struct proc_child *c, void *out, size_t room, struct err *err);

/**
 * Waits for a child whose output was read to its end. Appends the first 64 KiB of
 * its standard error to `errors` (may be NULL). Returns its exit status as proc_run.
 */
int proc_wait(struct proc_child *c, struct buf *errors);

/** Kills the child if it is still there, and lets go of it. NULL is fine. */
void proc_free(struct proc_child *c);

#endif
