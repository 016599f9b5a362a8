/*
 * What a database must be able to do, as a table of functions (DESIGN.md 5, 8).
 * All waiting goes through `struct db_waiter`, so that one event loop can
 * drive many connections: a driver never blocks by itself.
 */
#ifndef DB_DRIVER_H
#define DB_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct db;
struct err;

struct db_waiter {
	/**
	 * Waits until `fd` (-1: none) is ready for poll(2)'s `events` or
	 * `timeout_ms` (-1: for ever) has passed. Returns 1 ready, 0 timed
	 * out, -1 with `err` set when the wait was ended (a signal).
	 */
	int (*wait)(void *arg, int fd, short events, int timeout_ms, struct err *err);
	void *arg;
};

enum db_open_flags {
	DB_MUST_EXIST = 1 << 0, /* never create a database file */
	DB_IN_MEMORY = 1
		       << 1, /* SQLite: an empty one that leaves no file, for dry runs */
};

struct db_open {
	const char *url;
	const char *base;	 /* folder that a relative SQLite path starts from */
	const char *application; /* name shown in the server's session list */
	enum db_open_flags flags;
	const struct db_waiter *waiter;
	/** Notices of the server: one line each, unescaped. May be NULL. */
	void (*notice)(void *arg, const char *severity, const char *message,
		       unsigned line);
	void *notice_arg;
};

/** What a migration's statements were, for the record. */
struct db_report {
	unsigned statements;
};

/** How a file wants to be run, from its header's `-- migrate:` lines. */
struct db_script {
	const char *name; /* path below the migrations folder, for messages */
	const char *sql;
	size_t len;
	bool foreign_keys; /* SQLite: enforce them while it runs */
};

/** One row of an answer: `nr` values as text, NULL for SQL's NULL. */
typedef int (*db_row_fn)(void *arg, const char *const *values, size_t nr,
			 struct err *err);

/** What an engine can do, as data; probed when a database is opened. */
struct db_capabilities {
	bool tx_ddl;	      /* DDL is undone by ROLLBACK */
	bool row_lock;	      /* SELECT ... FOR UPDATE NOWAIT */
	bool append_triggers; /* triggers can refuse changes of the tracker */
	bool file;	      /* a file of this machine, not a server */
};

struct db_driver {
	const char *name; /* "sqlite", "postgresql": the folder of the tracker's schema */
	const char *prefix; /* before the tracker's table names: "git_migrate_",
			       "git_migrate." */

	/** Whether a URL is for this driver. */
	bool (*accepts)(const char *url);

	/**
	 * Checks a URL and writes it to `out` without its password, in the form
	 * to show and to store. 0 or -1 (ERR_USAGE); neither `out` nor `err`
	 * ever holds the password. `*has_password` tells of one in the URL.
	 */
	int (*describe)(const char *url, struct buf *out, bool *has_password,
			struct err *err);

	/**
	 * Connects. 0 with `*out` set; 1 when DB_MUST_EXIST was asked and there
	 * is no such database yet (SQLite); -1 with `err` set.
	 */
	int (*open)(struct db **out, const struct db_open *how, struct err *err);
	void (*free)(struct db *db);

	/** "postgresql/15.20": product and version. Borrowed. */
	const char *(*engine)(struct db *db);
	const struct db_capabilities *(*capabilities)(struct db *db);

	/**
	 * The server's or file's own lasting identity, appended to `out`;
	 * nothing where the engine has none. Outside of a transaction. 0 or -1.
	 */
	int (*identity)(struct db *db, struct buf *out, struct err *err);

	/**
	 * Begins the tool's own transaction with its LOCAL settings. On SQLite
	 * BEGIN IMMEDIATE: the lock between writers; `foreign_keys` says whether
	 * they are enforced in it (the script's own wish; false without one),
	 * which can be set before BEGIN alone. 0 or -1.
	 */
	int (*begin)(struct db *db, bool foreign_keys, struct err *err);

	/**
	 * Begins a transaction that can only read. 0 or -1.
	 */
	int (*begin_read)(struct db *db, struct err *err);

	/**
	 * Judges a file by itself, before anything is begun: its encoding, quotes
	 * that do not end, transaction control. Needs no connection. 0, or -1 with
	 * the place set as run() does.
	 */
	int (*check)(const struct db_script *script, struct err *err);

	/**
	 * Runs a migration's statements inside the transaction that begin()
	 * began, between guards which prove that the file did not end it, then
	 * puts the session back (role, settings, cursors, temporary objects).
	 * 0, or -1 with err->sqlstate, line and column set where known; the
	 * transaction is then good for rollback() alone.
	 */
	int (*run)(struct db *db, const struct db_script *script,
		   struct db_report *report, struct err *err);

	/**
	 * One statement with text parameters $1..$n; `row` (may be NULL) is
	 * called for each row of the answer. For the tracker's own questions.
	 */
	int (*query)(struct db *db, const char *sql, const char *const *params,
		     size_t nr_params, db_row_fn row, void *arg, struct err *err);

	/** Several statements without parameters: the tracker's own schema. */
	int (*execute)(struct db *db, const char *sql, size_t len, struct err *err);

	/**
	 * Commits, and believes nothing but the database's own word. 0; -1 with
	 * the transaction rolled back; -1 with ERR_UNCERTAIN when the answer
	 * was lost.
	 */
	int (*commit)(struct db *db, struct err *err);

	/** Rolls back; harmless without a transaction and on a dead connection. */
	void (*rollback)(struct db *db);

	/** Whether the failure in `err` says that a column is not there. */
	bool (*is_undefined_column)(const struct err *err);
	/** Whether another writer was first: a duplicate key or object, a busy lock. */
	bool (*is_conflict)(const struct err *err);
};

extern const struct db_driver db_sqlite;
extern const struct db_driver db_postgresql;

/** The driver for a URL, NULL with `err` (ERR_USAGE) set when there is none. */
const struct db_driver *db_driver_for(const char *url, struct err *err);

#endif
