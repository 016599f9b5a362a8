/*
 * What the tests of both drivers share: batches of scripts, and what came of them.
 * A program has one engine: sqlite-batch.c or pg-batch.c says which.
 */
#ifndef UNIT_BATCH_H
#define UNIT_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/record.h"
#include "answers.h"
#include "db/driver.h"

struct pool;
struct tracker;

/* The log of trials on an engine: a table of numbers and names. */
struct trial_engine {
	const char *log;	     /* creates it */
	const char *expect;	     /* asks whether $1 is its newest number */
	const char *record;	     /* appends the number behind $1, with the name $2 */
	bool (*idle)(struct db *db); /* no transaction is open */
};

extern const struct trial_engine trial_engine;

enum { TRIALS = 400 };

/* A batch of scripts, and what came of it. Start with `= { 0 }`. */
struct trial {
	struct db *db;
	struct db_script scripts[TRIALS];
	size_t nr;
	size_t together, together_to; /* units in one transaction; 0, 0: none are */
	bool log;      /* ask and record in the log of trials, see make_log() */
	unsigned head; /* its newest number, as known before the batch */
	bool dry, name_blockers;
	const struct db_statement *ask; /* in place of the log's question */
	const char *lock;		/* of each unit */
	unsigned lock_wait_ms;
	bool fresh;
	const char *leave;  /* behind each script */
	const char *record; /* writes a record in another way */
	/* outcome */
	struct db_failure failure;
	struct err err;
	struct buf told; /* "statement 0:1\n", "done 0: 2\n", "touched 0: t 5\n" ... */
	bool tell_statements;
	unsigned statements;	/* of the last unit that is done */
	size_t nr_done, nr_ran; /* units that are done, statements that were told */
	uint64_t bytes;		/* of the last script that was run, as told */
	unsigned ran;		/* its statements, as told with the bytes */
	size_t bytes_unit;
	unsigned nr_progress; /* how often it was told of any */
	char numbers[TRIALS][24];
	const char *params[TRIALS][2];
	struct db_statement statements_of[TRIALS];
	void (*at_unit)(struct trial *t, size_t i); /* before it is run */
	void (*at_done)(struct trial *t, size_t i);
	void (*at_records)(struct trial *t, size_t i);
	int64_t slowest; /* milliseconds, of the statement at `slowest_line` */
	unsigned slowest_line;
	size_t no_unit, no_records; /* the number, from 1, whose making fails */
	void *arg;
};

struct db_script *trial_add(struct trial *t, const char *sql);

/* Forgets the scripts; the log has grown by those that were done. */
void trial_next(struct trial *t);
int trial_run(struct trial *t);
void trial_release(struct trial *t);

/* Fails unless all are run, and this was told. */
void run_all(struct trial *t, const char *told);

/* Fails unless the unit fails so, with this in the message, and none is uncertain. */
void fails_at(struct trial *t, size_t unit, enum db_phase phase, const char *word);

/* The log of trials. Its name is not the tool's: a script can write to it. */
void make_log(struct db *db);

/* --- records ----------------------------------------------------------- */

/* The next record behind `last`, which may be NULL. */
struct record next_record(struct pool *pool, const struct record *last, enum event event,
			  const char *path);

/* Installs the tracker, with `first` as the first record. */
void install(struct tracker *t, struct pool *pool, struct record *first);

/* Appends a record where the newest one is `head`. */
void append_ok(struct tracker *t, const struct record *head, const struct record *r);
void append_refused(struct tracker *t, const struct record *head, const struct record *r,
		    const char *word);

#endif
