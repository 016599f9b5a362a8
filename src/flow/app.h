/* An application's own statements, run on a database as it would run them. */
#ifndef FLOW_APP_H
#define FLOW_APP_H

#include <stdbool.h>
#include <stddef.h>

#include "flow/target.h"

struct buf;
struct err;

struct app {
	const struct db_driver *driver;
	struct db *db;
	struct db_waiter waiter;
	struct target patience; /* the waiter's: opened after a signal, it still waits */
};

/** How a script that others may be in the way of is watched. */
struct app_watch {
	/** A statement of it has ended, its transaction is open. */
	void (*statement)(void *arg);
	void *arg;
};

/**
 * Connects; a relative SQLite path starts from `base`. With `make` a file that is not
 * there is made, else it is refused. 0 or -1; app_close in either case.
 */
int app_open(struct app *a, const char *url, const char *base, bool make,
	     struct err *err);
void app_close(struct app *a);

/** Runs statements in one transaction. 0, or -1 with nothing done. */
int app_write(struct app *a, const char *sql, const struct app_watch *watch,
	      struct err *err);

/**
 * The same, with the transaction rolled back at its end. `rows` (may be NULL) takes what
 * the statements answer, as app_read.
 */
int app_try(struct app *a, const char *sql, struct buf *rows, struct err *err);

/** Runs one statement outside of any transaction. 0 or -1. */
int app_alone(struct app *a, const char *sql, struct err *err);

/** Appends the rows of a question: columns parted by '|', rows by LF. 0 or -1. */
int app_read(struct app *a, const char *sql, struct buf *rows, struct err *err);

#endif
