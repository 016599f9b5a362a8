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

#include "base/buf.h"
#include "sql/backfill.h"

struct db;
struct err;
struct kept;
struct kept_wish;
struct schema;
struct source;

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
	DB_WAIT = 1 << 2,  /* SQLite: for another program's lock, until a signal comes */
	DB_GUEST = 1 << 3, /* a server's: scripts must change this database alone */
};

struct db_open {
	const char *url;
	const char *base;	 /* folder that a relative SQLite path starts from */
	const char *application; /* name shown in the server's session list */
	enum db_open_flags flags;
	unsigned lock_timeout_ms; /* that a migration waits for a lock; 0: the usual */
	unsigned connect_s; /* longest to connect, where the URL says nothing; 0: usual */
	const struct db_waiter *waiter;
	/** Notices of the server: one line each, unescaped. May be NULL. */
	void (*notice)(void *arg, const char *severity, const char *message,
		       unsigned line);
	void *notice_arg;
};

/** A file, and how it wants to be run, from its header's `-- migrate:` lines. */
struct db_script {
	const char *name; /* path below the migrations folder, for messages */
	const char *sql;
	size_t len;
	const struct source *source; /* in place of `sql`, for a text that is too large
					for memory; NULL: none */
	bool foreign_keys;	     /* SQLite: enforce them while it runs */
	bool no_transaction;	     /* one statement, outside of any transaction */
	bool batched; /* its one statement is run for a range of keys at a time: */
	struct sql_batched batch;
	bool own; /* the tool's own schema: it may write to the tracker */
};

/** What running a script came to. */
struct db_report {
	unsigned statements;
	int64_t ms;    /* -1: not known yet */
	uint64_t rows; /* that were changed, where the unit is counted */
	bool recorded; /* run_alone(): its records are committed */
};

/** A statement of our own with text parameters $1..$n; all borrowed. */
struct db_statement {
	const char *sql;
	const char *const *params;
	size_t nr;
};

/** One transaction: the lock, the script, its records. All borrowed. */
struct db_unit {
	const struct db_script *script; /* NULL: records alone */
	const char *lock;      /* takes the lock row; NULL: the transaction is the lock */
	unsigned lock_wait_ms; /* that it may wait for it; 0: as for any other */
	/*
	 * Answers with one row while the log's head is the expected one, and with
	 * none, or an error, when it is another. sql NULL: not asked. Asked
	 * before the script and, unless that is the tool's own, after it; of units
	 * that share a transaction the first one's, before and after all of their
	 * scripts.
	 */
	struct db_statement expect;
	bool counted; /* its records say what came of the script: it has run before they
			 are asked for */
	/*
	 * run(): the unit behind it is in its transaction: none of them lasts unless
	 * all do.
	 */
	bool with_next;
	bool tracked; /* its records go into the tracker, which is to be as it was made */
	/*
	 * run(): both in one statement, which sets up the transaction too: $1 and $2
	 * are milliseconds to wait for the lock (NULL: not at all) and for any other,
	 * $3 and $4 the parameters of `expect`. Behind the script the records prove
	 * what was expected. NULL: there is none.
	 */
	const char *enter;
	/* With it: puts the session back behind the script; $1: as enter's $2. */
	const char *leave;
	/*
	 * run_alone(): gives the records, which the session that holds the lock
	 * writes before it lets go of it. NULL: none are written.
	 */
	int (*records)(void *arg, const struct db_report *report,
		       const struct db_statement **out, size_t *nr, struct err *err);
	/*
	 * run_alone() and mend(): told from time to time who is in the statement's way,
	 * in whole sentences; may be NULL.
	 */
	void (*waits)(void *arg, const char *who);
	/*
	 * How long somebody may be in its way while nothing would be lost with it: then
	 * it is given up. 0: as long as it takes.
	 */
	int64_t patience_ms;
	void *arg;
};

/** Where in a unit something went wrong. */
enum db_phase {
	DB_BEGIN,  /* the transaction could not be begun, or the connection is gone */
	DB_LOCK,   /* somebody else has the lock row */
	DB_EXPECT, /* the head is not the expected one: nothing was run */
	DB_SCRIPT, /* the migration's own failure */
	DB_RECORD, /* the script wrote to the tracker, or the record was not taken */
	DB_COMMIT,
};

struct db_failure {
	size_t unit;	/* the first that is not done */
	size_t culprit; /* whose fault it is: `unit`, or one that shares its transaction;
			   `sent` where that is greater, or one that shares with that */
	enum db_phase phase;
	/*
	 * ERR_UNCERTAIN: COMMIT was sent for units `unit` to `sent` - 1, and no
	 * answer came; the tracker knows. Else equal to `unit`, or greater: those were
	 * committed, and the connection ended before it was known that they are on the
	 * server's disk.
	 */
	size_t sent;
};

/** A relation that a script touched: what a dry run found. */
struct db_touched {
	const char *name;
	const char *lock; /* the strongest, "AccessExclusiveLock"; NULL: the engine has
			     none */
	bool rewritten;	  /* every row is written again */
	bool dropped;
	bool estimated;	    /* `destroyed` is: */
	uint64_t destroyed; /* rows that were deleted, or dropped with it */
};

/** One row of an answer: `nr` values as text, NULL for SQL's NULL. */
typedef int (*db_row_fn)(void *arg, const char *const *values, size_t nr,
			 struct err *err);

/**
 * Units to be run in order, each wholly or not at all, or some together; the first that
 * fails ends the batch. They are asked for when they are sent, so that a long batch needs
 * no more memory than what is under way.
 */
struct db_batch {
	size_t nr;
	/**
	 * Gives unit `i`; what it borrows stays until done() of it, or the end. Maybe
	 * again, when records before it were asked for anew.
	 */
	int (*unit)(void *arg, size_t i, struct db_unit *out, struct err *err);
	/**
	 * Gives the statements that write the unit's records; each answers with
	 * one row when the record was taken. Asked once the script is sent (or
	 * has run: report->ms is known then); maybe again, when the engine has to run a
	 * unit anew. Borrowed as unit() is. Not asked in a dry run.
	 */
	int (*records)(void *arg, size_t i, const struct db_report *report,
		       const struct db_statement **out, size_t *nr, struct err *err);
	/** Unit `i` is committed, and will survive the server's crash. In order. */
	void (*done)(void *arg, size_t i, const struct db_report *report);
	/**
	 * A statement of unit `i` has ended; may be NULL, which is quicker: a server
	 * that need not answer each by itself takes half the time for short ones.
	 */
	void (*statement)(void *arg, size_t i, unsigned line, int64_t ms);
	/** Each row that a script's statement answers with; NULL: nobody reads them. */
	db_row_fn row;
	/** So much of the script of unit `i` was run so far; may be NULL. */
	void (*progress)(void *arg, size_t i, uint64_t bytes, unsigned statements);
	/** Dry run: what unit `i` touched; may be NULL. */
	void (*touched)(void *arg, size_t i, const struct db_touched *what);
	void *arg;
	bool dry; /* all in one transaction that is rolled back; done() tells of success
		   */
	bool in_step;	    /* statement() is told before anything further is sent: the
			       transaction is open */
	bool fresh;	    /* nobody but this run knows of the database yet: units may
			       be told of some at a time, when the last is on the disk */
	bool name_blockers; /* say in err->detail who holds a lock that was waited for */
};

/** What the catalog shows of a statement that ran outside of a transaction. */
enum db_evidence {
	DB_FINISHED, /* its effect is there, whole */
	DB_ABSENT,   /* nothing of it is there: it can be run */
	DB_HALF,     /* a part is there that mend() takes away */
	DB_RUNNING,  /* a session still runs it */
	DB_REPEAT,   /* cannot be told, and does not matter: it can be run again */
	DB_UNKNOWN,  /* cannot be told */
};

/** A table by its name in the catalog. */
struct db_name {
	const char *schema; /* NULL: where the session finds it */
	const char *base;
};

enum db_counted {
	COUNTED_ALL,
	COUNTED_AT_LEAST, /* the time was over, and so many were seen */
	COUNTED_ABOUT,	  /* the time was over, and the engine keeps an estimate */
	COUNTED_UNKNOWN,  /* the time was over */
	COUNTED_ABSENT,	  /* there is no such table or column */
};

/** How much there is of something, at this moment. */
struct db_count {
	struct db_name table;
	const char *column; /* its values that are not NULL; NULL: rows of the table */
	enum db_counted how;
	uint64_t nr;
};

/** What goes on at some tables, in whole lines for people. Start with `= { 0 }`. */
struct db_now {
	struct buf waiting; /* who waits for a lock, and who is in the way */
	size_t nr_waiting;
	char blocker[16];   /* the session that is in the way first; "" for none */
	struct buf holding; /* who else has a lock on them */
	size_t nr_holding;
	struct buf invalid; /* indexes that a statement left by halves, one a line */
};

/** A question, and who is told each row of its answer. */
struct db_question {
	struct db_statement ask;
	db_row_fn row;
	void *arg;
	bool lacks; /* set: what it asks about is not there (nor was what follows asked)
		     */
	const bool *needless; /* NULL; or set by what was told of questions before: it
				 is not asked */
};

/** What an engine can do, as data; probed when a database is opened. */
struct db_capabilities {
	const char *product;  /* "postgresql", "cockroachdb" */
	const char *schema;   /* folder of the tracker's schema */
	bool known;	      /* of a version that this tool knows */
	bool tx_ddl;	      /* DDL is undone by ROLLBACK */
	bool append_triggers; /* triggers can refuse changes of the tracker */
	bool file;	      /* a file of this machine, not a server */
	bool rowids;	      /* rowid, oid and _rowid_ name a row's number */
	bool careful;	      /* each statement is waited for before the next is sent */
	bool fresh_session;   /* a connection for each migration, none is put back */
	bool deferrable;      /* SET CONSTRAINTS */
	bool one_wal;	      /* a COMMIT on the disk has all before it there, too */
	const char *const *resets; /* what puts a session back inside of a transaction;
				      NULL-terminated */
};

/**
 * Databases that are made on a server for a while. Their names begin with
 * DB_SCRATCH_PREFIX; as long as somebody uses one, a session is connected to it.
 */
#define DB_SCRATCH_PREFIX "git_migrate_scratch_"

struct db_scratch {
	/**
	 * Makes one as a copy of database `like` ("": of the one that `db` is
	 * connected to; NULL: empty), and appends the URL that leads to it, which has
	 * what passwords the own one has. 0 or -1.
	 */
	int (*make)(struct db *db, const char *name, const char *like, struct buf *url,
		    struct err *err);
	/** Drops one, whoever is connected to it. 0, also when it is not there; -1. */
	int (*drop)(struct db *db, const char *name, struct err *err);
	/** Drops those of this role that nobody is connected to; counts them. 0 or -1. */
	int (*sweep)(struct db *db, size_t *nr, struct err *err);
};

struct db_driver {
	const char *name; /* "sqlite", "postgresql" */

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
	 * What this session has read is on the server's disk when this ends. 0 or -1.
	 * NULL where nothing can be read before it is.
	 */
	int (*settle)(struct db *db, struct err *err);

	/**
	 * Connects again, as open() did, after the connection was lost. 0 or -1.
	 * Nothing to do for a file.
	 */
	int (*reconnect)(struct db *db, struct err *err);

	/**
	 * Judges a file by itself, before anything is begun: its encoding, quotes
	 * that do not end, transaction control, what the engine cannot run in a
	 * transaction. `db` may be NULL: what depends on the server is not judged then.
	 * 0, or -1 with the place set as run() does.
	 */
	int (*check)(struct db *db, const struct db_script *script, struct err *err);

	/**
	 * Runs a batch outside of any transaction: each unit in one of its own (or
	 * several in one, where a failure leaves the same behind), between guards
	 * which prove that the file did not end it; then the session is put
	 * back (role, settings, cursors, temporary objects). 0; -1 with `failure`
	 * set, and err->sqlstate, line, column and excerpt where known; no
	 * transaction is open then. ERR_INTERRUPTED: what was under way was
	 * cancelled and rolled back. ERR_UNCERTAIN: see struct db_failure.
	 * 1 in a dry run alone: units from failure->unit on cannot be tried in its
	 * transaction (SQLite: foreign_keys is switched between transactions).
	 */
	int (*run)(struct db *db, const struct db_batch *batch,
		   struct db_failure *failure, struct err *err);

	/**
	 * Runs the one statement of a unit's script outside of a transaction, while
	 * another session holds the unit's lock (but for one that goes through all
	 * tables, and would wait for that). 0; -1 with `err` as of run() and
	 * `phase` set: before DB_SCRIPT nothing was sent (DB_LOCK: somebody else has
	 * the lock; DB_EXPECT: the head is another one). What it left behind is for
	 * evidence() to tell. From DB_RECORD on the statement has run, and its
	 * records alone are missing, or may be. ERR_UNCERTAIN: the connection was
	 * lost, and it may still be at work.
	 */
	int (*run_alone)(struct db *db, const struct db_unit *unit,
			 struct db_report *report, enum db_phase *phase, struct err *err);

	/**
	 * Looks at what the statement of such a script left behind, without
	 * changing anything. 0 with `*out` set and a sentence in `text` that says
	 * what was seen; -1.
	 */
	int (*evidence)(struct db *db, const struct db_script *script,
			enum db_evidence *out, struct buf *text, struct err *err);

	/**
	 * Takes away what DB_HALF found, while another session holds the unit's lock:
	 * no runner begins it meanwhile. 0; -1 with `phase` set as run_alone() does.
	 */
	int (*mend)(struct db *db, const struct db_unit *unit, enum db_phase *phase,
		    struct err *err);

	/**
	 * Counts in a transaction that can only read, for so long at most. 0 with the
	 * answer in `c`; -1.
	 */
	int (*count)(struct db *db, struct db_count *c, int limit_ms, struct err *err);

	/**
	 * Looks who works on tables; those that are not there are passed over. 0 or
	 * -1; `out` must be released with db_now_release in either case.
	 */
	int (*now)(struct db *db, const struct db_name *tables, size_t nr,
		   struct db_now *out, struct err *err);

	/**
	 * Asks several questions in one transaction that can only read, in one
	 * round trip where there is a network, or two where some may be needless. 0; -1
	 * with `err` set.
	 */
	int (*ask)(struct db *db, struct db_question *questions, size_t nr,
		   struct err *err);

	/**
	 * Adds a description of what the database is made of, without data and without
	 * the tracker, in one transaction that only reads. 0 or -1.
	 */
	int (*schema)(struct db *db, struct schema *out, struct err *err);

	/**
	 * Adds how much every table holds, without the tracker's, and the checksums of
	 * its columns and rows that the wish chooses (kept_choose); of what it does
	 * not want (kept_is_wanted), the names of table and columns alone. 0 or -1.
	 */
	int (*kept)(struct db *db, const struct kept_wish *wish, struct kept *out,
		    struct err *err);

	/**
	 * Looks for damage of the file before anything is run; `full` reads all of
	 * it, else what takes no longer than moments. 0, or -1 (ERR_REFUSED). NULL:
	 * the engine looks after that.
	 */
	int (*verify)(struct db *db, bool full, struct err *err);

	/**
	 * Copies the database to a new file beside it, named after `suffix`, and
	 * appends its path to `out`. 0 or -1. NULL: not for this engine.
	 */
	int (*backup)(struct db *db, const char *suffix, struct buf *out,
		      struct err *err);

	/** Copies the database to a new file. 0 or -1. NULL: not for this engine. */
	int (*copy)(struct db *db, const char *path, struct err *err);

	/** Databases for a while, beside the one that is open. NULL: it is a file. */
	const struct db_scratch *scratch;

	/** Whether the failure in `err` says that a column is not there. */
	bool (*is_undefined_column)(const struct err *err);
	/** Whether another writer was first: a duplicate key or object, a busy lock. */
	bool (*is_conflict)(const struct err *err);
	/** Whether the same transaction may go through when it is tried again. */
	bool (*is_passing)(const struct err *err);
	/** Whether what ran before that script in its transaction would have to be
	 * committed for it; not, where the script itself has done what would have to be.
	 */
	bool (*needs_commit)(const struct err *err, const struct db_script *script);
};

extern const struct db_driver db_sqlite;
extern const struct db_driver db_postgresql;

void db_now_release(struct db_now *now);

/** The driver for a URL, NULL with `err` (ERR_USAGE) set when there is none. */
const struct db_driver *db_driver_for(const char *url, struct err *err);

#endif
