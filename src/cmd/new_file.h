/* A new file among the migrations of the work tree. */
#ifndef CMD_NEW_FILE_H
#define CMD_NEW_FILE_H

#include "base/buf.h"

struct ctx;
struct err;

struct new_file {
	struct buf name; /* below the migrations folder */
	struct buf path; /* absolute */
	size_t top;	 /* where in `path` that below the work tree begins */
};

/**
 * Finds where the file that a person calls `typed` goes. Refuses a bare repository, a
 * name that cannot be one, a file that is there. 0 or -1; new_file_release either way.
 */
int new_file_plan(struct ctx *ctx, const char *typed, struct new_file *out,
		  struct err *err);

/** Writes it, folders included. 0 or -1. */
int new_file_write(struct new_file *f, const struct buf *text, struct err *err);

/** Prints its path below the work tree as a result. */
void new_file_print(const struct new_file *f);

void new_file_release(struct new_file *f);

#endif
