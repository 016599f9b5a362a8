/* Inside of the SQLite driver: what its files share. */
#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/err.h"
#include "db/driver.h"
#include "sql/window.h"

struct buf;
struct sqlite_run;

struct db {
	sqlite3 *sql;
	char *path;
	const struct db_waiter *waiter;
	char engine[32];
	bool foreign_keys;	/* in force in the transaction */
	bool reading;		/* begin_read() began it */
	int64_t busy_since;	/* clock_ms() when the present wait for a lock began */
	struct err ended;	/* what ended a wait; ERR_NONE: nothing did */
	struct sqlite_run *run; /* the script whose statements are judged, or NULL */
	int busy_ms;		/* longest wait for another program's lock */
	bool committing;
	off_t quick_bytes; /* a file of so many is not checked before each run */
	int group_ms;	   /* a group of migrations is committed after so long */
};

/* --- sqlite.c: the connection ------------------------------------------ */

/**
 * Fills `err` from the connection's last error: its text, and its extended code
 * in sqlstate. A wait that a signal ended, and a lock that another program
 * holds, are told as such. Returns -1.
 */
int sqlite_err(struct db *db, enum err_code code, struct err *err);

/** Whether a signal asks to stop: 0, or -1 (ERR_INTERRUPTED). */
int sqlite_look_for_signal(struct db *db, struct err *err);

/** Signals wait from now on, until sqlite_settle(). */
void sqlite_ignore_signals(struct db *db);

/** Statements of our own, without an answer. 0 or -1 (ERR_FATAL). */
int sqlite_exec(struct db *db, const char *sql, struct err *err);

/** Values for $1 to $nr of a statement of our own. SQLite's code. */
int sqlite_bind(struct db *db, sqlite3_stmt *stmt, const char *const *params, size_t nr);

/**
 * A statement of our own with text parameters $1 to $nr; `row` (may be NULL) is called
 * for each row of the answer. 0 or -1.
 */
int sqlite_query(struct db *db, const char *sql, const char *const *params,
		 size_t nr_params, db_row_fn row, void *arg, struct err *err);

/** Gives a statement's present row to `row`. 0 or -1. */
int sqlite_tell_row(sqlite3_stmt *stmt, db_row_fn row, void *arg, struct err *err);

/** Transactions. */
int sqlite_begin_read(struct db *db, struct err *err);
int sqlite_begin(struct db *db, bool foreign_keys, struct err *err);
int sqlite_commit(struct db *db, struct err *err);
void sqlite_rollback(struct db *db);

/** Puts back the connection's settings, which a migration may have changed. 0 or -1. */
int sqlite_settle(struct db *db, struct err *err);

/* --- sqlite_text.c: a file, before it is run --------------------------- */

struct sqlite_text {
	struct sql_window window; /* offsets are those in it */
	size_t end;		  /* of the present statement */
	size_t counted;		  /* where it begins */
	unsigned line, column;	  /* the same as a place in the file */
};

/** Starts; `*first` is where the first statement begins. 0, or -1 as the next. */
int sqlite_text_init(struct sqlite_text *t, const struct db_script *script, size_t *first,
		     struct err *err);
void sqlite_text_release(struct sqlite_text *t);

/**
 * Where the next statement begins: not before `at`, behind blanks, comments and
 * semicolons. The length of the window at the end of the text. 0; -1: the source has
 * failed, or (ERR_REFUSED) what stands there is no text, or SQLite would pass over
 * it in silence.
 */
int sqlite_text_next(struct sqlite_text *t, size_t at, size_t *next, struct err *err);

/**
 * Begins the statement that was found at `at`: places are counted from there, and
 * what stands before it may be dropped. Returns where it begins now.
 */
size_t sqlite_text_enter(struct sqlite_text *t, size_t at);

/**
 * Makes t->end the first semicolon from `at` on that ends a statement, or is one in
 * a trigger, and goes behind it: 1; the end of the text: 0; -1 as above.
 */
int sqlite_text_take(struct sqlite_text *t, size_t at, struct err *err);

/** Puts the place of an offset into `err`. Returns -1. */
int sqlite_text_place(const struct sqlite_text *t, size_t offset, struct err *err);

/** Whether this word stands at `at`, in any case. */
bool sqlite_text_is(const struct sqlite_text *t, size_t at, const char *word);

/* --- sqlite_trace.c: what a script did ---------------------------------- */

/** Texts from the first column of an answer. */
struct sqlite_names {
	char **items;
	size_t nr, alloc;
};

/** For sqlite_query: appends to a struct sqlite_names. */
int sqlite_add_name(void *arg, const char *const *values, size_t nr, struct err *err);
void sqlite_names_release(struct sqlite_names *names);

/** Tables, as the authorizer saw them. Start with `= { 0 }`. */
struct sqlite_trace {
	struct sqlite_names written;  /* each once */
	struct sqlite_names reshaped; /* the same: made, altered or dropped */
	bool everything;	      /* too many to be named, or one was renamed */
};

void sqlite_trace_release(struct sqlite_trace *trace);
void sqlite_trace_written(struct sqlite_trace *trace, const char *table);
/** It is written to as well. */
void sqlite_trace_reshaped(struct sqlite_trace *trace, const char *table);

/** Whether it is one of SQLite's own, as sqlite_schema. */
bool sqlite_is_internal(const char *table);
/** Whether it is the name of something of the tracker; NULL is none. */
bool sqlite_is_ours(const char *name);

/** Tables that a script of a dry run touches, each once; the names are its own. */
struct sqlite_touches {
	struct sqlite_touched {
		char *name;
		bool rewritten, dropped;
		uint64_t destroyed;
	} * items;
	size_t nr, alloc;
};

/** Position of the table; it is added where it is not there. */
size_t sqlite_touch(struct sqlite_touches *t, const char *table);
void sqlite_touches_release(struct sqlite_touches *t);

/* --- sqlite_script.c: runs one ----------------------------------------- */

/** A script to be run, and whom to tell. */
struct sqlite_job {
	const struct db_script *script;
	const struct db_batch *batch; /* NULL: nobody is told */
	size_t unit;
	struct sqlite_trace *trace;	/* is added to */
	struct sqlite_touches *touches; /* the same; NULL: nobody asks */
	bool alone;			/* outside of any transaction */
};

/**
 * Runs the statements, inside of a transaction unless `alone`, and puts the
 * session back. 0; -1 with `err`: it may have ended the transaction.
 */
int sqlite_script_run(struct db *db, const struct sqlite_job *job,
		      struct db_report *report, struct err *err);

/** sqlite3's authorizer of a connection; `arg` is the struct db. */
int sqlite_authorize(void *arg, int action, const char *a, const char *b,
		     const char *schema, const char *trigger);

/* --- sqlite_heap.c ------------------------------------------------------ */

/** Makes SQLite use a heap of our own; refused, and as good, once it has started. */
void sqlite_use_heap(void);

/* --- sqlite_holders.c ---------------------------------------------------- */

/**
 * Appends the processes that hold a lock on the file, as "Process 1 (name), process
 * 2": those that write, else those that read. Nothing where that cannot be known.
 */
void sqlite_holders(const struct db *db, struct buf *out);

/* --- sqlite_file.c ------------------------------------------------------ */

/** What SQLite found wrong with the file. Returns -1 (ERR_REFUSED). */
int sqlite_damaged(const struct db *db, const char *what, struct err *err);

/** Whether statfs(2)'s type of a file system is one that a network lies before. */
bool sqlite_is_network(long type);

/** Tells how->notice when the file lies on such a one. */
void sqlite_tell_network(const struct db *db, const struct db_open *how);

/* --- further slots of the driver --------------------------------------- */

int sqlite_check(struct db *db, const struct db_script *script, struct err *err);
int sqlite_run(struct db *db, const struct db_batch *batch, struct db_failure *failure,
	       struct err *err);
int sqlite_run_dry(struct db *db, const struct db_batch *batch,
		   struct db_failure *failure, struct err *err);

int sqlite_run_alone(struct db *db, const struct db_unit *unit, struct db_report *report,
		     enum db_phase *phase, struct err *err);
int sqlite_evidence(struct db *db, const struct db_script *script, enum db_evidence *out,
		    struct buf *text, struct err *err);
int sqlite_count(struct db *db, struct db_count *c, int limit_ms, struct err *err);
int sqlite_now(struct db *db, const struct db_name *tables, size_t nr, struct db_now *out,
	       struct err *err);
int sqlite_mend(struct db *db, const struct db_unit *unit, enum db_phase *phase,
		struct err *err);
int sqlite_schema(struct db *db, struct schema *out, struct err *err);
int sqlite_kept(struct db *db, const struct kept_wish *wish, struct kept *out,
		struct err *err);
int sqlite_verify(struct db *db, bool full, struct err *err);
int sqlite_backup(struct db *db, const char *suffix, struct buf *out, struct err *err);
int sqlite_copy(struct db *db, const char *path, struct err *err);

#endif
