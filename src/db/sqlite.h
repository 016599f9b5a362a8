/* Inside of the SQLite driver: what sqlite.c and sqlite_run.c share. */
#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/err.h"
#include "db/driver.h"

struct db {
	sqlite3 *sql;
	char *path;
	const struct db_waiter *waiter;
	char engine[32];
	bool foreign_keys;  /* in force in the transaction */
	bool reading;	    /* begin_read() began it */
	int64_t busy_since; /* clock_ms() when the present wait for a lock began */
	struct err ended;   /* what ended a wait; ERR_NONE: nothing did */
};

/**
 * Fills `err` from the connection's last error: its text, and its extended code
 * in sqlstate. A wait that a signal ended, and a lock that another process
 * holds, are told as such. Returns -1.
 */
int sqlite_err(struct db *db, enum err_code code, struct err *err);

/** Statements of our own, without an answer. 0 or -1 (ERR_FATAL). */
int sqlite_exec(struct db *db, const char *sql, struct err *err);

/** The slot query of the driver. */
int sqlite_query(struct db *db, const char *sql, const char *const *params,
		 size_t nr_params, db_row_fn row, void *arg, struct err *err);

/** Puts back the connection's settings, which a migration may have changed. 0 or -1. */
int sqlite_settle(struct db *db, struct err *err);

/** Texts from the first column of an answer. */
struct sqlite_names {
	char **items;
	size_t nr, alloc;
};

/** For sqlite_query: appends to a struct sqlite_names. */
int sqlite_add_name(void *arg, const char *const *values, size_t nr, struct err *err);
void sqlite_names_release(struct sqlite_names *names);

struct sqlite_violation {
	char *table, *rowid, *parent; /* rowid "" without one; parent "": no such key */
};

/** Sorted; the texts are its own. */
struct sqlite_violations {
	struct sqlite_violation *items;
	size_t nr, alloc;
};

void sqlite_violations_release(struct sqlite_violations *v);

/** Adds all rows of the database whose key points nowhere. 0 or -1. */
int sqlite_find_violations(struct db *db, struct sqlite_violations *v, struct err *err);

/** 0, or -1 (ERR_REFUSED) when `after` has some that `before` has not. */
int sqlite_compare_violations(const struct sqlite_violations *before,
			      const struct sqlite_violations *after, struct err *err);

/** The driver's check(). */
int sqlite_check(struct db *db, const struct db_script *script, struct err *err);

/** The slot run of the driver. */
int sqlite_run(struct db *db, const struct db_script *script, struct db_report *report,
	       struct err *err);

#endif
