/* What the tests of the SQLite driver share: a database in a folder, and batches. */
#ifndef UNIT_SQLITE_BATCH_H
#define UNIT_SQLITE_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "db/driver.h"

struct fixture {
	char dir[64];
	struct db *db;
	struct db_waiter waiter;
	int signals; /* how many waits are still granted; -1: all */
};

enum { TRIALS = 100 };

/* A batch of scripts, and what came of it. Start with `= { 0 }`. */
struct trial {
	struct db *db;
	struct db_script scripts[TRIALS];
	size_t nr;
	bool log;      /* ask and record in it, see make_log() */
	unsigned head; /* its newest number, as known before the batch */
	bool dry;
	const char *record; /* writes a record in another way */
	/* outcome */
	struct db_failure failure;
	struct err err;
	struct buf told; /* "run 0\n", "done 0: 2\n", "3:0 t dropped 5\n" ... */
	bool tell_statements;
	unsigned statements; /* of the last unit that is done */
	char numbers[TRIALS][24];
	const char *params[TRIALS][2];
	struct db_statement statements_of[TRIALS];
	void (*at_unit)(struct trial *t, size_t i); /* before it is run */
	void *arg;
};

int open_db(struct fixture *f, const char *url, enum db_open_flags flags, struct db **out,
	    struct err *err);
int setup(void **state);
int teardown(void **state);

/* Fails unless the answer is this: values between bars, a line a row. */
void expect(struct db *db, const char *sql, const char *wanted);
void execute(struct db *db, const char *sql);

struct db_script *trial_add(struct trial *t, const char *sql);
int trial_run(struct trial *t);
void trial_release(struct trial *t);

/* One script in a batch of its own. */
int run_with(struct db *db, const char *sql, bool foreign_keys, unsigned *nr,
	     struct err *err);
void run_ok(struct db *db, const char *sql);
/* Runs what must be refused with a message that holds `word`. */
void run_refused(struct db *db, const char *sql, const char *word, unsigned line,
		 unsigned column);

/* The log of trials. */
void make_log(struct db *db);

#endif
