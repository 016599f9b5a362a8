/* The words of a file for SQLite, before anything runs. */
#ifndef DB_SQLITE_CHECK_H
#define DB_SQLITE_CHECK_H

#include <stddef.h>

struct err;
struct sqlite_text;

/** PRAGMA name = value; `value` is "" when it only asks. */
struct sqlite_pragma {
	char name[32], value[32];
};

/** Reads the one that was taken at `at`. */
void sqlite_read_pragma(struct sqlite_text *t, size_t at, struct sqlite_pragma *p);

/** Goes to the statement at `*at`, and takes it. 1; 0 at the end of the text; -1. */
int sqlite_walk(struct sqlite_text *t, size_t *at, struct err *err);

/** The same behind the statement that was taken. */
int sqlite_walk_on(struct sqlite_text *t, size_t *at, struct err *err);

#endif
