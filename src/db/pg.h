/* Inside of the PostgreSQL driver: what its files share. */
#ifndef DB_PG_H
#define DB_PG_H

#include <stdbool.h>

#include "base/err.h"
#include "db/driver.h"
#include "db/pq.h"

struct buf;
struct sql_split;
struct sql_statement;

struct db {
	const struct pq *pq;
	PGconn *conn; /* NULL once the connection is lost or given up */
	const struct db_waiter *waiter;
	void (*notice)(void *arg, const char *severity, const char *message,
		       unsigned line);
	void *notice_arg;
	char *secrets[3]; /* what no text of libpq may show; "" where there is none */
	char engine[64];
	struct db_capabilities caps;
	unsigned line; /* of the statement that is run, for notices */
	bool dirty;    /* a migration has used the session */
};

/**
 * Our own questions see the catalog alone: an operator that somebody put into a
 * schema of the search_path must not run with our rights.
 */
#define PG_OWN_PATH "SET LOCAL search_path TO pg_catalog, pg_temp;"

/** The settings of our transactions, all LOCAL, as statements. */
#define PG_SETTINGS                                                                      \
	"SET LOCAL lock_timeout TO '10s';"                                               \
	"SET LOCAL statement_timeout TO 0;"                                              \
	"SET LOCAL idle_in_transaction_session_timeout TO '10min';"                      \
	"SET LOCAL standard_conforming_strings TO on;"                                   \
	"SET LOCAL client_encoding TO 'UTF8';" PG_OWN_PATH

/* --- pg_url.c ----------------------------------------------------------- */

/**
 * The parsed URL, for the caller to free with conninfo_free; NULL with `err`
 * set, which never repeats libpq's text: that may hold the password.
 */
PQconninfoOption *pg_url_parse(const struct pq *pq, const char *url, struct err *err);

/** A parameter of the URL, NULL where it is not given. Borrowed. */
const char *pg_url_get(const PQconninfoOption *options, const char *keyword);

/** Appends the URL as it may be shown. */
void pg_url_show(const PQconninfoOption *options, struct buf *out);

/* --- pg_talk.c: one exchange with the server ----------------------------- */

/** What is done with an answer besides looking for errors. */
struct pg_answer {
	db_row_fn row; /* may be NULL */
	void *arg;
	enum err_code code; /* of an error that the server reports */
	char tag[64];	    /* command tag of the last result */
	int position; /* of the error in the text sent, in characters from 1; 0: unknown
		       */
};

/** 0, or -1 (ERR_FATAL) when there is no connection any more. */
int pg_alive(struct db *db, struct err *err);

/**
 * Takes all results of what was sent. 0; -1 with the first error in `err`. A lost
 * connection is ERR_FATAL without sqlstate, and closed.
 */
int pg_collect(struct db *db, struct pg_answer *answer, struct err *err);

/** Sends several statements by the simple protocol and collects. */
int pg_exec(struct db *db, const char *sql, struct pg_answer *answer, struct err *err);

/** Sends one statement by the extended protocol and collects. */
int pg_exec_params(struct db *db, const char *sql, const char *const *params,
		   size_t nr_params, struct pg_answer *answer, struct err *err);

/**
 * Sends COPY ... FROM STDIN by the simple protocol, then its data, which `split`
 * is at, and collects.
 */
int pg_copy(struct db *db, const char *sql, struct sql_split *split,
	    struct pg_answer *answer, struct err *err);

/** Waits for the connection's socket; 1, 0 after the time, -1: `err` says why. */
int pg_wait(struct db *db, short events, int timeout_ms, struct err *err);

/** libpq's last text on the connection, on one line and without passwords. */
void pg_message(struct db *db, struct buf *out);

/** Cancels what runs and closes the connection: the server rolls back. */
void pg_abandon(struct db *db);

/* --- pg_run.c ------------------------------------------------------------ */

/** The driver's check(). */
int pg_check(struct db *db, const struct db_script *script, struct err *err);

/** The slot run of the driver. */
int pg_run(struct db *db, const struct db_script *script, struct db_report *report,
	   struct err *err);

/* --- pg_alone.c: one statement outside of any transaction ----------------- */

/**
 * Judges a statement of a file that is run in a transaction: whether it can be.
 * `db` may be NULL. 0 or -1.
 */
int pg_check_together(struct db *db, const struct db_script *script,
		      const struct sql_statement *st, struct err *err);

/** Judges a file that asks for no transaction, all of it. `db` may be NULL. */
int pg_check_alone(struct db *db, const struct db_script *script, struct err *err);

/** The one statement of such a file. 0, or -1 when there is not exactly one. */
int pg_alone_statement(const struct db_script *script, struct sql_statement *out,
		       struct err *err);

/**
 * Runs one statement in no transaction of ours, to its end: a signal cancels it,
 * and its answer is awaited for a while all the same. 0, also when it ended well
 * in spite of the signal; -1.
 */
int pg_exec_alone(struct db *db, const char *sql, struct pg_answer *answer,
		  struct err *err);

/** The driver's run_alone(). */
int pg_run_alone(struct db *db, const struct db_script *script, struct db_report *report,
		 struct err *err);

/* --- pg_evidence.c: what it left behind ----------------------------------- */

/** The driver's evidence() and mend(). */
int pg_evidence(struct db *db, const struct db_script *script, enum db_evidence *out,
		struct buf *text, struct err *err);
int pg_mend(struct db *db, const struct db_script *script, struct err *err);

/* --- pg_touched.c: what a dry run would lock, rewrite and destroy ---------- */

struct pg_touched;

/**
 * Takes note of what is there, in the dry run's transaction and before its first
 * unit, with our own search_path. 0 with `*out` to be freed, or -1.
 */
int pg_touched_start(struct pg_touched **out, struct db *db, struct err *err);

/**
 * Tells batch->touched() of the relations that unit `unit`, whose script has run,
 * locks against others or destroys rows of, in the order of their names; again with
 * our own search_path. 0 or -1.
 */
int pg_touched_tell(struct pg_touched *t, const struct db_batch *batch, size_t unit,
		    const struct db_script *script, struct err *err);
void pg_touched_free(struct pg_touched *t);

#endif
