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

#include "base/clock.h"
#include "base/sha256.h"
#include "db/dialect.h"
#include "db/driver.h"

struct db;
struct err;
struct ledger;
struct pool;
struct record;

struct tracker {
	const struct db_driver *driver;
	struct db *db;	  /* both borrowed */
	const char *name; /* of the target, for hints; NULL: not to be named */
	unsigned version; /* of its schema, as the last reading found it */
};

/**
 * Reads every record, in order, into `ledger` (not yet folded), parsed and with
 * the chain checked (ledger_check). Returns 1 when there is a tracker, 0 when
 * there is none (`ledger` stays empty), -1 with `err` set; a broken record or
 * chain is ERR_REFUSED and names the record.
 */
int tracker_read(struct tracker *t, struct pool *pool, struct ledger *ledger,
		 struct err *err);

/** What tracker_examine() tells. */
struct tracker_reader {
	void (*record)(void *arg,
		       const struct record *r); /* good until the next but one */
	void (*bad)(void *arg, uint64_t seq, const char *what);
	void *arg;
};

/**
 * As tracker_read, but for audit: each record is told as it passes, and what is wrong
 * with single ones too, as with the copies in the other columns that differ from the
 * record; reading goes on. Returns as tracker_read.
 */
int tracker_examine(struct tracker *t, const struct tracker_reader *reader,
		    struct err *err);

/**
 * Compares the tracker's tables, and what keeps them append-only, with what this
 * tool made: tells `bad` what is missing and what was put there, with the identifier
 * of the check ("guards", "columns", "tables", "lock-row"). 0 or -1.
 */
int tracker_guards(struct tracker *t,
		   void (*bad)(void *arg, const char *id, const char *what), void *arg,
		   struct err *err);

/**
 * Installs or rolls forward the tracker's schema, from the version that the last
 * reading found: a new one, with the record `created`, in one transaction, else
 * each further step in one of its own. 0; 1 when somebody else did it meanwhile or
 * is at work, this role may not take a further step, or something foreign has our
 * names (`err` says so): it is to be read again; -1.
 */
int tracker_install(struct tracker *t, const struct record *created, struct err *err);

/** Room for what the unit that makes a tracker borrows. */
struct tracker_founding {
	struct db_script script;
	struct tracker_step {
		char number[24], before[24], sha256[SHA256_HEXSZ + 1], at[CLOCK_TEXT];
		const char *params[5], *asked[1];
	} steps[STEPS_MAX];
	struct tracker_row {
		char seq[24];
		const char *values[10];
	} row;
	struct db_statement records[STEPS_MAX + 1];
	size_t nr_records;
};

/**
 * The unit that makes the tracker and its first record, for a batch that goes on
 * with migrations; its records are `room->records`. False when there is one.
 */
bool tracker_found(struct tracker *t, const struct record *created,
		   struct tracker_founding *room, struct db_unit *out);

/** Makes the failure of such a unit one of tracker_install()'s: 1 or -1. */
int tracker_not_installed(struct tracker *t, struct err *err);

/** Room for what a unit's question for the log's head borrows. */
struct tracker_head {
	char seq[24];
	char hash[SHA256_HEXSZ + 1];
	const char *params[2];
};

/**
 * Fills a unit's lock and what it expects: that the newest record is `head`
 * (NULL: that there is none). The lock row is waited for `wait_ms`, 0: not at
 * all. `room` must stay as long as the unit. A tracker of version 0 is being made
 * in the same batch.
 */
void tracker_begin(struct tracker *t, const struct record *head, unsigned wait_ms,
		   struct tracker_head *room, struct db_unit *out);

/** The statement that appends a sealed record, which must stay with `row`. */
void tracker_append(struct tracker *t, const struct record *r, struct tracker_row *row,
		    struct db_statement *out);

/** The most records that a unit of tracker_begin() writes. */
enum { PROVEN_MAX = 3 };

struct tracker_proof {
	char nr[24];
	const char *params[2 + PROVEN_MAX];
};

/**
 * For the unit that tracker_begin() has filled: `statements` append the `nr`
 * `records` (none are well too) behind `head`. Adds what has to stand behind them, in the
 * room that is left there for one more. Returns how many there are then.
 */
size_t tracker_prove(struct tracker *t, const struct record *head,
		     const struct record *records, struct db_statement *statements,
		     size_t nr, struct tracker_proof *room);

/**
 * Appends records in a transaction of their own. 0; 1 when the newest record is
 * not `head` any more, and nothing was written; -1.
 */
int tracker_write(struct tracker *t, const struct record *head,
		  const struct record *records, size_t nr, unsigned wait_ms,
		  struct err *err);

/** Waits until nobody holds the lock row. 0 or -1. */
int tracker_wait(struct tracker *t, unsigned wait_ms, struct err *err);

/**
 * Appends a few words about a session that is connected as this one is, and may be that
 * of a runner between two transactions; nothing where there is none, or it cannot be
 * asked.
 */
void tracker_tell_runner(struct tracker *t, struct buf *out);

/** Makes a lock's failure one that names the runner who holds it. Returns -1. */
int tracker_held(struct tracker *t, struct err *err);

#endif
