/* A dry run of a migration that is run in batches: the next one of them is tried. */
#ifndef FLOW_TRIAL_H
#define FLOW_TRIAL_H

#include "db/progress.h"
#include "sql/backfill.h"

struct err;
struct job;
struct work;

/** Start with `= { 0 }`. */
struct trial {
	struct sql_backfill sql;
	struct progress at; /* what is done before it */
	struct buf text;    /* the statement of that batch */
	uint64_t batches;   /* that are left, about; 0: nobody knows */
};

/**
 * Puts the statement of the next batch in the place of the work's, which was begun.
 * What can be known before is asked when it is `first`: what else is tried in the same
 * transaction may make the table. Nothing is changed. 0 or -1.
 */
int trial_prepare(struct trial *t, struct job *j, struct work *w, bool first,
		  struct err *err);
void trial_release(struct trial *t);

/** It failed: moves the place to the one in the file, and says what can be done. */
void trial_failed(const struct trial *t, struct err *err);

#endif
