/*
 * The tracker: the append-only table of records in a target (DESIGN.md 4), one
 * function for each question asked. Its tables come from the tool's own
 * roll-forward migrations in migrations/<engine>/, which are compiled in.
 */
#ifndef DB_TRACKER_H
#define DB_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_driver;
struct err;
struct ledger;
struct pool;
struct record;

struct tracker {
	const struct db_driver *driver;
	struct db *db; /* both borrowed */
};

/**
 * Reads every record, in order, into `ledger` (not yet folded), parsed and with
 * the chain checked (ledger_check). Returns 1 when there is a tracker, 0 when
 * there is none (`ledger` stays empty), -1 with `err` set; a broken record or
 * chain is ERR_REFUSED and names the record.
 */
int tracker_read(struct tracker *t, struct pool *pool, struct ledger *ledger,
		 struct err *err);

/**
 * As tracker_read, but what is wrong with single records is told to `bad` and
 * reading goes on: for audit. `columns` tells of the copies in the other columns
 * that differ from the record. Returns as tracker_read.
 */
int tracker_examine(struct tracker *t, struct pool *pool, struct ledger *ledger,
		    void (*bad)(void *arg, uint64_t seq, const char *what), void *arg,
		    struct err *err);

/**
 * Looks whether the triggers and the index that keep the log append-only are
 * there and at work; tells `gone` the name of each that is not. 0 or -1.
 */
int tracker_guards(struct tracker *t, void (*gone)(void *arg, const char *name),
		   void *arg, struct err *err);

/**
 * Installs or rolls forward the tracker's schema, each step in a transaction of
 * its own. Safe against others who do the same. 0 or -1.
 */
int tracker_install(struct tracker *t, struct err *err);

/**
 * Inside a transaction: takes the lock row and compares the newest record with
 * `head` (seq and hash; NULL: the log must be empty). 0 when it is ours to
 * write; 1 when the log has grown since it was read; -1 with `err` set, which
 * names the holder where another runner holds the lock.
 */
int tracker_lock(struct tracker *t, const struct record *head, struct err *err);

/** Inside a transaction: appends a sealed record. 0 or -1. */
int tracker_append(struct tracker *t, const struct record *r, struct err *err);

/**
 * Inside a transaction, after a migration's statements: whether the newest
 * record is still `head`. 0, or -1 (ERR_REFUSED) when the migration wrote to
 * the tracker.
 */
int tracker_unchanged(struct tracker *t, const struct record *head, struct err *err);

#endif
