/* What the tests of the SQLite driver share: a database in a folder. */
#ifndef UNIT_SQLITE_BATCH_H
#define UNIT_SQLITE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "batch.h"

struct fixture {
	char dir[64];
	struct db *db;
	struct db_waiter waiter;
	int signals; /* how many waits are still granted; -1: all */
	void (*at_wait)(struct fixture *f); /* before a pause */
	pid_t holder;			    /* a process that holds the file's lock */
	int to_end;			    /* it goes when this is closed */
};

int open_db(struct fixture *f, const char *url, enum db_open_flags flags, struct db **out,
	    struct err *err);
int setup(void **state);
int teardown(void **state);

/* One script in a batch of its own. */
int run_with(struct db *db, const char *sql, bool foreign_keys, unsigned *nr,
	     struct err *err);
void run_ok(struct db *db, const char *sql);
/* Runs what must be refused with a message that holds `word`. */
void run_refused(struct db *db, const char *sql, const char *word, unsigned line,
		 unsigned column);

#endif
