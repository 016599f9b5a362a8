/*
 * Rolling a target forward: DESIGN.md 5. Each pending migration is run with its
 * record in one transaction; a failure leaves everything before it applied and
 * nothing of itself.
 */
#ifndef FLOW_APPLY_H
#define FLOW_APPLY_H

#include <stdint.h>

#include "flow/survey.h"

enum apply_step {
	APPLY_PLANNED,	 /* `nr` migrations will be run; `text`: the target's URL as shown
			  */
	APPLY_STARTING,	 /* a migration is the first in line: notices are about it */
	APPLY_DONE,	 /* it was committed (dry run: it went through) */
	APPLY_FAILED,	 /* it was rolled back; the error follows */
	APPLY_UNCERTAIN, /* it may be done, or be under way: the next run tells */
	APPLY_SETTLED,	 /* a record alone says what became of it: `record`, `text` */
	APPLY_OWED,	 /* a contract waits: `text` says for what */
	APPLY_SINGLY,	/* `migration` and `fix` would run together, and cannot: `text` */
	APPLY_WAS_DONE, /* another runner had applied it meanwhile */
	APPLY_HELD,	/* it waits for other targets, or a rehearsal: `held` */
	APPLY_UNTRIED,	/* a dry run ends before it: `text` says why */
	APPLY_STATEMENT, /* its statement at `line` has ended, after `ms` */
	APPLY_PROGRESS,	 /* `bytes` of `bytes_of` of it are run */
	APPLY_BATCH,   /* another batch is done: `rows` of about `rows_of` (0: unknown) */
	APPLY_LOADED,  /* the next batch waits for the server: `text` says why */
	APPLY_STOPPED, /* between batches, `rows` are done; the next run goes on */
	APPLY_WAITING, /* for a lock, `ms` before the next try: `text` says why */
	APPLY_BLOCKED, /* its statement waits for sessions that `text` names */
	APPLY_TOUCHED, /* dry run: what it touched */
	APPLY_BACKED_UP,   /* the database was copied to the file `text` */
	APPLY_MIRRORED,	   /* `nr` records were written to the mirror */
	APPLY_UNMIRRORED,  /* the mirror could not be written: `text` says why */
	APPLY_UNDESCRIBED, /* nor the record that ends the run: `text` says why */
};

/** What the next batch waits for, and the settings that say when it does. */
enum apply_load { LOAD_SLOW, LOAD_LAG, LOAD_NR };

struct apply_event {
	enum apply_step step;
	const struct migration *migration;
	const struct migration *fix; /* SINGLY */
	size_t nr;
	size_t of; /* STARTING, DONE: how many there are in this run, `nr` from 1 */
	unsigned statements;
	int64_t ms;
	const struct record *record; /* DONE; NULL in a dry run */
	const char *text;
	const char *hint; /* UNMIRRORED: the way forward, "" for none of its own */
	unsigned line;
	uint64_t bytes, bytes_of;
	bool batched; /* DONE: it was run in batches */
	uint64_t rows, rows_of;
	enum apply_load load; /* LOADED */
	const struct db_touched *touched;
	const struct held *held;
};

struct apply_options {
	const char *rev; /* NULL: HEAD */
	const char *to;	 /* stop after this migration; NULL: all */
	bool dry_run;
	bool backup;	 /* copy the database before anything is run */
	bool full_check; /* look through all of it for damage */
	bool durations;	 /* tell of each statement */
	bool wait;	 /* for another runner, as long as it takes */
	struct target_options target;
	void (*tell)(void *arg, const struct apply_event *event);
	void *arg;
};

struct apply_result {
	size_t done;	/* migrations that were committed (dry run: went through) */
	size_t left;	/* pending ones that --to left, or one that requires what waits */
	size_t settled; /* whose record was all that there was to do */
	bool ahead;
	bool begun;	    /* statements were sent to the database */
	bool open;	    /* the one that failed was begun and is not settled */
	bool alone;	    /* the one that failed was run outside of a transaction */
	bool batched;	    /* the same in batches: those before it stay */
	struct record last; /* newest record; seq 0 when there is none */
	char *failed;	    /* path of the migration that failed, or NULL */
	char *undone; /* path of the first that went with it, if that is another one */
};

void apply_result_release(struct apply_result *r);

/**
 * Does it all: plan, compare, run, record, mirror. 0, or -1 with `err` set, also
 * (ERR_REFUSED) where all went well and what is held back remains;
 * `result` holds what was done in either case. A mirror that cannot be written
 * is told and is no failure.
 */
int apply_run(struct repo *repo, const struct apply_options *o,
	      struct apply_result *result, struct survey *survey, struct err *err);

#endif
