/*
 * Migrations that are run in batches: how far one has come, which is a row beside the
 * log, and what the next batch is.
 */
#ifndef DB_PROGRESS_H
#define DB_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "core/oid.h"

struct db_statement;
struct err;
struct sql_backfill;
struct tracker;

/** How far it has come. Start with `= { 0 }`. */
struct progress {
	uint64_t batches, rows;
	struct buf upto; /* literals of the last key; "" before the first batch */
	char at[CLOCK_TEXT];
	char blob[OID_HEXSZ + 1]; /* of progress_find() alone */
};

void progress_release(struct progress *p);

/**
 * Reads the row of these bytes at that path; none is a progress of no batches. 0;
 * 1: the tracker has no such table yet; -1. `nr_keys`: so many the last key has,
 * 0: whatever they are.
 */
int progress_read(struct tracker *t, const char *path, const char *blob, size_t nr_keys,
		  struct progress *p, struct err *err);

/**
 * Reads the row of these bytes if batches of them are done; else the newest one of other
 * bytes at that path of which there are. 0, 1, -1 as above.
 */
int progress_find(struct tracker *t, const char *path, const char *blob,
		  struct progress *p, struct err *err);

/** Room for what the statement borrows. */
struct progress_row {
	char batches[24], rows[24], before[24], at[CLOCK_TEXT];
	const char *params[7];
};

/**
 * The statement that writes `next` where there were `before` batches; an error, or no
 * row, when there are others. All is borrowed.
 */
void progress_write(struct tracker *t, const char *path, const char *blob,
		    const struct progress *next, uint64_t before,
		    struct progress_row *row, struct db_statement *out);

/**
 * Refuses a key that is none of the table's, or that is NULL in a row. `*estimate`
 * becomes about how many rows there are, 0: nobody knows. 0 or -1.
 */
int progress_check(struct tracker *t, const struct sql_backfill *b, uint64_t *estimate,
		   struct err *err);

/** The next batch. Start with `= { 0 }`. */
struct progress_range {
	struct buf upto;    /* literals of its last key; "": there are no more rows */
	bool last;	    /* behind it there is nothing now */
	struct buf replica; /* the one that is most behind; "": there is none */
	uint64_t behind;    /* bytes that it has to replay */
};

void progress_range_release(struct progress_range *r);

/**
 * Looks for the next `size` rows behind `from` (NULL: from the beginning). 0 or -1.
 */
int progress_next(struct tracker *t, const struct sql_backfill *b, const char *from,
		  unsigned size, struct progress_range *out, struct err *err);

#endif
