/* Inside of the PostgreSQL driver: what its files share. */
#ifndef DB_PG_H
#define DB_PG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "db/driver.h"
#include "db/pq.h"

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
	unsigned lock_timeout_ms;
	unsigned line;	    /* of the statement that is run, for notices */
	bool probed;	    /* pg_probe_question() was asked */
	char *identity;	    /* of this connection's server; NULL: not asked yet */
	struct db_open how; /* to connect again; its texts are the db's own */
	/* what ended the waiting for the exchange under way; ERR_NONE: nothing did */
	struct err ended;
	int64_t give_up; /* clock_ms() until which its end is awaited all the same */
};

/**
 * Our own questions see the catalog alone: an operator that somebody put into a
 * schema of the search_path must not run with our rights.
 */
#define PG_OWN_PATH "SET LOCAL search_path TO pg_catalog, pg_temp"

/* --- pg.c ---------------------------------------------------------------- */

/** Another connection as `db` has it, without notices; `waiter` NULL: its own. 0 or -1.
 */
int pg_open_like(struct db *db, const struct db_waiter *waiter, struct db **out,
		 struct err *err);
void pg_free(struct db *db);

/** The driver's rollback(). */
void pg_rollback(struct db *db);

/**
 * What a transaction of our own begins with: PG_OWN_PATH, and no time limits that
 * are somebody else's. LOCAL: nothing of it stays with a session of a pooler.
 */
const char *pg_own_settings(const struct db *db);

/* --- pg_engine.c --------------------------------------------------------- */

/** Finds out what the server is and can do. 0 or -1. */
int pg_probe(struct db *db, struct err *err);

/** What has to be asked besides, along with the first question; NULL: nothing. */
const char *pg_probe_question(const struct db *db);

/** A db_row_fn for its answer; `arg` is the db. */
int pg_probe_row(void *arg, const char *const *values, size_t nr, struct err *err);

/* --- pg_url.c ----------------------------------------------------------- */

/**
 * The parsed URL, for the caller to free with conninfo_free; NULL with `err`
 * set, which never repeats libpq's text: that may hold the password.
 */
PQconninfoOption *pg_url_parse(const struct pq *pq, const char *url, struct err *err);

/** A parameter of the URL, NULL where it is not given. Borrowed. */
const char *pg_url_get(const PQconninfoOption *options, const char *keyword);

/**
 * Appends a URL that leads to another database of the same server, in the same way.
 * Passwords are in it: for connecting alone.
 */
void pg_url_other(const PQconninfoOption *options, const char *dbname, struct buf *out);

/** Appends the URL as it may be shown. */
void pg_url_show(const PQconninfoOption *options, struct buf *out);

/* --- pg_talk.c: one exchange with the server ----------------------------- */

/* After a signal what runs is cancelled, so often, until the server says so. */
enum { PG_CANCEL_EVERY_MS = 200, PG_GIVE_UP_MS = 10000 };

/** What is done with an answer besides looking for errors. */
struct pg_answer {
	db_row_fn row; /* may be NULL */
	void *arg;
	enum err_code code; /* of an error that the server reports */
	char tag[64];	    /* command tag of the last result */
	int position; /* of the error in the text sent, in characters from 1; 0: unknown
		       */
	/** A piece of COPY's data is on its way, `split` behind it. May be NULL. */
	void (*moved)(void *arg, const struct sql_split *split);
	void *moved_arg;
};

/** 0, or -1 (ERR_FATAL) when there is no connection any more. */
int pg_alive(struct db *db, struct err *err);

/**
 * Takes all results of what was sent. 0; -1 with the first error in `err`. A lost
 * connection is ERR_FATAL without sqlstate, and closed. A wait that was ended
 * (ERR_INTERRUPTED) cancels what runs, and leaves the connection as it is.
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

/** Fills `err` and the answer's position from the server's own words. */
void pg_server_error(struct db *db, const PGresult *res, struct pg_answer *answer,
		     struct err *err);

/** Calls the answer's row() for each row of a result. 0, or -1: row() said so. */
int pg_tell_rows(struct db *db, const PGresult *res, const struct pg_answer *answer,
		 struct err *err);

/** Closes the connection, which is lost: sets `err` (ERR_FATAL). Returns -1. */
int pg_lost(struct db *db, struct err *err);

/* --- pg_cancel.c ---------------------------------------------------------- */

/**
 * Asks the server to cancel what it runs for us, and waits until it has taken note
 * of that, two seconds at most. Whether it was of use shows in the answer.
 */
void pg_cancel(struct db *db);

/* --- pg_pipe.c: many exchanges at once ----------------------------------- */

/** What a statement is for, where its failure means something to us. */
enum pg_step {
	PG_STEP_OTHER,
	PG_STEP_LOCK,
	PG_STEP_ENTER, /* the lock and the head at once, by the tracker's function */
	PG_STEP_LEAVE, /* the session is put back, by another */
	PG_STEP_HEAD,  /* the log's head is the expected one */
	PG_STEP_CONSTRAINTS,
	PG_STEP_STRINGS, /* the session still reads text as we do */
	PG_STEP_GUARD,	 /* RELEASE of the savepoint that the migration ran in */
	PG_STEP_INTACT,	 /* the tracker is as it was made */
	PG_STEP_GUEST,	 /* a guest has changed nothing but its database */
	PG_STEP_RECORD,
	PG_STEP_PROVEN, /* a record behind PG_STEP_ENTER, or the proof of them */
	PG_STEP_COMMIT,
};

/*
 * A transaction of its own that waits for the disk, as the server is set up: so it takes
 * there what was committed before. PG_BE_LATE, behind a target list, lets the
 * transaction's own COMMIT not wait, for a role that may say that.
 */
#define PG_SETTLE "SELECT pg_catalog.pg_logical_emit_message(true, 'git-migrate', '')"
#define PG_BE_LATE                                                                       \
	", CASE WHEN pg_catalog.has_function_privilege("                                 \
	"'pg_catalog.pg_logical_emit_message(boolean, text, text)', 'EXECUTE')"          \
	" THEN pg_catalog.set_config('synchronous_commit', 'off', true) END"

/* SQLSTATEs of the tracker's functions (migrations/postgresql/0002-session.sql). */
#define PG_OTHER_HEAD "GM001"
#define PG_NO_LOCK_ROW "GM002"
#define PG_OTHER_STRINGS "GM003"

/** A statement that was sent and whose answer is awaited. */
struct pg_sent {
	enum db_phase phase;
	enum pg_step step;
	size_t unit;
	bool script; /* the migration's own: the text is kept for errors */
	bool timed;  /* its time is wanted: it is answered before the next one is run */
	unsigned line, column; /* of a script's statement in its file */
	uint64_t end;	       /* bytes of the file up to its end, with its data */
	bool late;	       /* a COMMIT that does not wait for the disk */
	const char *wanted;    /* the command tag that it must have; NULL: any */
	db_row_fn row;	       /* may be NULL */
	void *row_arg;
	/* the pipe's own */
	char *text;
	const char *borrowed; /* in its place: the caller's, while that waits */
	size_t weight;
	int64_t since;
	uint64_t rows; /* that it changed, by its command tag */
	bool sync, ok;
};

struct pg_pipe {
	struct db *db;
	/** One was answered well, in order, `ms` after the one before it. May be NULL. */
	void (*answered)(void *arg, const struct pg_sent *sent, int64_t ms);
	/** Called each `idle_ms` while an answer is awaited. May be NULL. */
	void (*idle)(void *arg);
	int idle_ms;
	void *arg;
	/* the first failure */
	bool failed;
	struct err err;
	struct pg_sent culprit;
	int position; /* of the error in its text, in characters from 1; 0: unknown */
	bool lost;    /* the connection with it */
	/* the pipe's own */
	struct pg_sent *queue; /* first to nr - 1 are not answered */
	size_t first, nr, alloc;
	size_t weight;
	size_t unsent; /* bytes since they were last handed over */
	bool seen;     /* a result of the first one came */
	bool interrupted, tidying;
	bool said; /* pg_pipe_say_last() was answered well */
	int64_t since, give_up;
};

/** Begins; nothing may be under way. 0 or -1. To be closed when it is 0. */
int pg_pipe_open(struct pg_pipe *p, struct db *db, struct err *err);

/**
 * Sends a statement. Waits only when much is under way. 0; -1 after a failure, of
 * this or one before: p->err has it, pg_pipe_drain() is next.
 */
int pg_pipe_send(struct pg_pipe *p, const struct pg_sent *what, const char *sql,
		 const char *const *params, size_t nr);

/** Lets the server answer what it has, and takes what came. 0, -1 as send. */
int pg_pipe_ask_answers(struct pg_pipe *p);

/**
 * Sends a synchronisation point: the server takes up work again behind it after a
 * failure. 0 or -1.
 */
int pg_pipe_sync(struct pg_pipe *p);

/** Ends a transaction that is open; answers must have been waited for. */
void pg_pipe_rollback(struct pg_pipe *p);

/**
 * Says one thing more, whatever has failed or was interrupted; no transaction is open.
 * Whether the server has done it.
 */
bool pg_pipe_say_last(struct pg_pipe *p, const char *sql);

/** Synchronises and waits for all answers. 0; -1 after a failure; the pipe can be closed
 * then. */
int pg_pipe_drain(struct pg_pipe *p);

/** Leaves pipeline mode and comes back to it; nothing may be under way. */
void pg_pipe_leave(struct pg_pipe *p);
int pg_pipe_enter(struct pg_pipe *p);

/** Tells the pipe of a failure of what was sent outside of it, and comes back. */
void pg_pipe_blame(struct pg_pipe *p, const struct pg_sent *what, const char *text,
		   int position, const struct err *why);

/** Leaves pipeline mode for good and frees what the pipe holds. */
void pg_pipe_close(struct pg_pipe *p);

/* --- pg_explain.c -------------------------------------------------------- */

/** Fills `err` with the pipe's failure, its place in the file and what to do. */
void pg_explain(const struct pg_pipe *p, struct err *err);

/**
 * Sets place, excerpt and hint of a server's error in a statement that stands at
 * `line` and `column` of its file. `position`: in characters from 1, 0: unknown.
 */
void pg_place(const char *text, unsigned line, unsigned column, int position,
	      struct err *err);

/** Gives an error the place of a statement's beginning. Returns -1. */
int pg_at_statement(const struct sql_statement *st, struct err *err);

/** The place in COPY's data, which begins at `data_line`, where the detail names it. */
void pg_place_data(unsigned data_line, struct err *err);

/* --- pg_blockers.c ------------------------------------------------------- */

/**
 * In pg_stat_activity: another session of this database is at the statement $1. The
 * server shows the start of a long one alone.
 */
#define PG_RUNS_STATEMENT                                                                \
	"datname OPERATOR(pg_catalog.=) pg_catalog.current_database() "                  \
	"AND pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid() "                   \
	"AND state OPERATOR(pg_catalog.=) 'active' "                                     \
	"AND (pg_catalog.rtrim(query, E' ;\\n\\r\\t') OPERATOR(pg_catalog.=) "           \
	"pg_catalog.rtrim($1, E' ;\\n\\r\\t') OR "                                       \
	"(query OPERATOR(pg_catalog.<>) '' "                                             \
	"AND pg_catalog.strpos($1, query) OPERATOR(pg_catalog.=) 1 "                     \
	"AND pg_catalog.octet_length(query) OPERATOR(pg_catalog.>=) "                    \
	"(SELECT CAST(setting AS integer) OPERATOR(pg_catalog.-) 4 "                     \
	"FROM pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) "                 \
	"'track_activity_query_size')))"

struct pg_blockers {
	struct db *db;	       /* a second connection, opened when it is needed */
	char pid[16];	       /* of the session that waits */
	const char *statement; /* or what it is at, outside of a transaction; or NULL */
	bool early; /* with that: it has done nothing so far that it would undo */
	struct db_waiter waiter; /* of the second connection, with an end */
	const struct db_waiter *usual;
	int64_t deadline;
	bool given_up; /* nothing can be learnt there */
	struct buf text;
	unsigned nr;
};

/** A db_row_fn: takes note of the pid of the session that will wait. */
int pg_blockers_note(void *arg, const char *const *values, size_t nr, struct err *err);

/**
 * Asks who blocks it now; false when nobody does. What was seen before stays then.
 * Silent when that cannot be learnt.
 */
bool pg_blockers_look(struct pg_blockers *b, struct db *db);

/** Forgets what was seen: the migration that waited is done. */
void pg_blockers_forget(struct pg_blockers *b);

/** Adds what was seen to a lock's failure. */
void pg_blockers_tell(const struct pg_blockers *b, struct err *err);
void pg_blockers_release(struct pg_blockers *b);

/* --- pg_script.c --------------------------------------------------------- */

/** Begins to take a script apart. 0 or -1; to be closed in either case. */
int pg_split(struct sql_split *split, const struct db_script *script, struct err *err);

/** The driver's check(). */
int pg_check(struct db *db, const struct db_script *script, struct err *err);

/* --- pg_intact.c: whether the tracker is as it was made --------------------- */

/** Answers with one row when it is, else with an error that tells what was seen. */
extern const char pg_intact_sql[];

/** Whether a statement may do more than its text shows. */
bool pg_runs_code(const struct sql_statement *st);

/** Puts such an error into words. */
void pg_intact_explain(struct err *err);

/* --- pg_guest.c: a guest changes its own database alone (DB_GUEST) ----------- */

/** Refuses what says that it would change more. 0 or -1. */
int pg_check_guest(const struct db *db, const struct sql_statement *st, struct err *err);
/** Refuses what runs code outside of a transaction. 0 or -1. */
int pg_check_guest_code(const struct db *db, const struct sql_statement *st,
			struct err *err);

/** Answers with one row when the transaction changed no more, else with an error. */
extern const char pg_guest_sql[];

/** Puts such an error into words. */
void pg_guest_explain(struct err *err);

/* --- pg_run.c ------------------------------------------------------------ */

/** The slot run of the driver. */
int pg_run(struct db *db, const struct db_batch *batch, struct db_failure *failure,
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

/* --- pg_alone_wait.c: until it has ended ----------------------------------- */

struct pg_alone {
	const char *sql;
	const struct db_unit *unit; /* who is told, and its patience; or NULL */
	bool repeatable;	    /* at no time anything is lost when it is given up */
};

/**
 * Runs one statement in no transaction of ours, to its end: a signal cancels it,
 * and its answer is awaited for a while all the same. 0, also when it ended well
 * in spite of the signal; -1, with SQLSTATE 55P03 when it was given up.
 */
int pg_exec_alone(struct db *db, const struct pg_alone *what, struct pg_answer *answer,
		  struct err *err);

/**
 * Lets another session, `*out`, hold the lock of a unit whose head is the expected
 * one; `*out` is NULL where there is no such lock. 0; -1 with `phase` set.
 */
int pg_hold_lock(struct db *db, const struct db_unit *unit, struct db **out,
		 enum db_phase *phase, struct err *err);

/** Lets go of it, and ends that session. Accepts NULL. */
void pg_let_go(struct db *holder);

/** The driver's run_alone(). */
int pg_run_alone(struct db *db, const struct db_unit *asked, struct db_report *report,
		 enum db_phase *phase, struct err *err);

/* --- pg_evidence.c: what it left behind ----------------------------------- */

/** The driver's evidence() and mend(). */
int pg_evidence(struct db *db, const struct db_script *script, enum db_evidence *out,
		struct buf *text, struct err *err);
int pg_mend(struct db *db, const struct db_unit *unit, enum db_phase *phase,
	    struct err *err);

/* --- pg_now.c: what goes on at tables, and how much is in them -------------- */

/** The driver's count() and now(). */
int pg_count(struct db *db, struct db_count *c, int limit_ms, struct err *err);
int pg_now(struct db *db, const struct db_name *tables, size_t nr, struct db_now *out,
	   struct err *err);

/* --- pg_kept.c, pg_scratch.c --------------------------------------------- */

/** The driver's kept(). */
int pg_kept(struct db *db, const struct kept_wish *wish, struct kept *out,
	    struct err *err);
extern const struct db_scratch pg_scratch;

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
