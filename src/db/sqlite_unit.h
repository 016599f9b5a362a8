/* One unit of a batch inside of a SQLite transaction that somebody else began. */
#ifndef DB_SQLITE_UNIT_H
#define DB_SQLITE_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "db/sqlite.h"
#include "db/sqlite_keys.h"

struct err;

enum { SQLITE_KEPT = 4 };

/* A statement of the tracker, kept for the next unit. */
struct sqlite_kept {
	char *text;
	sqlite3_stmt *stmt;
};

/** What all units of a batch share. */
struct sqlite_units {
	struct db *db;
	const struct db_batch *batch;
	struct db_failure *failure;
	bool quiet;  /* a unit that is run anew: its statements were told already */
	bool inside; /* the savepoint of a unit is open */
	/* statements round it; its name is one that no migration can know */
	char open[64], undo[64], release[64];
	char open_span[64], undo_span[64], release_span[64]; /* of several */
	struct sqlite_kept kept[SQLITE_KEPT];
	size_t oldest; /* of these, to be replaced next */
	struct sqlite_keys keys;
};

void sqlite_units_init(struct sqlite_units *u, struct db *db,
		       const struct db_batch *batch, struct db_failure *failure);
void sqlite_units_release(struct sqlite_units *u);

/** Sets where it failed. Returns -1. */
int sqlite_units_failed(struct sqlite_units *u, size_t unit, enum db_phase phase);

/** What running a unit did. */
struct sqlite_outcome {
	struct db_report *report;
	struct sqlite_touches *touches; /* is added to; may be NULL */
};

/**
 * Runs the script of unit `i` within a savepoint, and judges the keys that it
 * leaves; sqlite_keys_begin() was called in the transaction. 0; -1 with `err` and the
 * failure set: then the savepoint may still be open (`inside`), or the transaction have
 * ended (sqlite3_get_autocommit).
 */
int sqlite_unit_run(struct sqlite_units *u, size_t i, const struct db_unit *unit,
		    const struct sqlite_outcome *out, struct err *err);

/**
 * Whether the log's head is the one that unit `i`, the first, expects: 0; -1 with the
 * failure set, which is DB_EXPECT unless the question itself went wrong.
 */
int sqlite_unit_ask(struct sqlite_units *u, size_t i, const struct db_unit *unit,
		    struct err *err);

/** The same after scripts that must not have written to it. */
int sqlite_unit_ask_after(struct sqlite_units *u, const struct db_unit *unit,
			  struct err *err);

/** Writes one record. 0 or -1. */
int sqlite_unit_record(struct sqlite_units *u, const struct db_statement *record,
		       struct err *err);

/**
 * Undoes the unit that failed. Whether the transaction goes on; if not it is
 * rolled back. Signals wait from now on, until sqlite_settle().
 */
bool sqlite_unit_undo(struct sqlite_units *u);

/**
 * Asks a unit's question for the head of the log on a connection: 1 it is the
 * expected one, 0 it is another, -1.
 */
int sqlite_unit_expects(struct db *db, const struct db_statement *expect,
			struct err *err);

#endif
