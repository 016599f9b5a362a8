/* A target: a named database with its tracker, found through configuration. */
#ifndef FLOW_TARGET_H
#define FLOW_TARGET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/pool.h"
#include "core/ledger.h"
#include "db/driver.h"
#include "db/tracker.h"

struct err;
struct repo;

struct target {
	const char *name;
	const struct db_driver *driver;
	struct db *db; /* NULL when the database is not there yet */
	struct tracker tracker;
	bool has_tracker;
	struct pool pool;	  /* the records' */
	struct ledger ledger;	  /* folded */
	struct buf shown;	  /* the URL without its password */
	unsigned lock_timeout_ms; /* that a migration waits for a lock; 0: the usual */
	unsigned lock_retry_s; /* how long a migration that did not get it is tried again
				*/
	unsigned reconnect_s;  /* how long a server that went away is looked for */
	unsigned batch_pause_ms; /* between two batches of a migration */
	unsigned batch_slow_ms;	 /* a batch that took longer is too much for the server */
	unsigned batch_lag_mib;	 /* of log that a replica may be behind; 0: any */
	struct db_waiter waiter;
	bool remembered; /* its uuid was set in the configuration */
	bool scratch;	 /* made for a while: no configuration is about it */
	int64_t grace; /* clock_ms() until when waits go on in spite of a signal; 0: no */
	void (*interrupted)(void *arg); /* NULL once it was told */
	void *interrupted_arg;
};

struct target_options {
	const char *name;
	const char *url; /* in place of the configured one; NULL */
	bool scratch; /* made for a while: nothing is configured, no mirror is written */
	bool guest;   /* its server is shared: nothing but the database may change */
	unsigned connect_s; /* longest to connect, where the URL says nothing; 0: usual */
	bool wait;	    /* for as long as another program holds the lock of a file */
	/** Notices of the server, unescaped; may be NULL. */
	void (*notice)(void *arg, const char *severity, const char *message,
		       unsigned line);
	void *notice_arg;
	/** A signal asks to stop, and what is under way is being ended; may be NULL. */
	void (*interrupted)(void *arg);
	void *interrupted_arg;
};

/** Waits with poll(2); what waits for nothing else in the process. */
extern const struct db_waiter wait_poll;

/** [a-z0-9][a-z0-9_-]*, at most 64 bytes. */
bool target_name_ok(const char *name);

/** target_name_ok as a refusal. 0 or -1. */
int target_check_name(const char *name, struct err *err);

/** The URL of a target, from the configuration. 0, or -1 with the way to set it. */
int target_url(struct repo *repo, const char *name, const char **url, struct err *err);

/**
 * Where relative SQLite paths start: the main work tree (linked ones share the
 * settings and so the database), or a bare repository; NULL
 * inside of a .git folder.
 */
const char *target_base(struct repo *repo);

/**
 * Connects and reads the tracker. A database file is never made: where there is
 * none, db stays NULL and the ledger empty. 0 or -1; `t` must be released in
 * either case.
 */
int target_open(struct target *t, struct repo *repo, const struct target_options *o,
		struct err *err);

/** target_open without reading the tracker. */
int target_connect(struct target *t, struct repo *repo, const struct target_options *o,
		   struct err *err);

/**
 * Makes the database of a target that target_open found absent (db is NULL): its
 * file, or for a dry run one in memory. 0 or -1.
 */
int target_create(struct target *t, struct repo *repo, const struct target_options *o,
		  bool in_memory, struct err *err);

/** Sleeps. 0; -1 (ERR_INTERRUPTED) when a signal came. */
int target_pause(struct target *t, int ms, struct err *err);

/**
 * Connects again after the connection was lost, for some time if the server is
 * coming back. 0 or -1.
 */
int target_reconnect(struct target *t, struct err *err);

/** What follows a command in a hint: " <name>", "" for the default target. Borrowed. */
const char *target_argument(struct target *t);

/**
 * After a signal: what is needed to leave things in order may still wait, for
 * some seconds in all.
 */
void target_grace(struct target *t);

/** Reads the tracker again. 0 or -1. */
int target_read(struct target *t, struct err *err);

/** What was read of the tracker is on the disk when this ends. 0 or -1. */
int target_settle(struct target *t, struct err *err);

/**
 * As target_settle(), where the target's first run may be under way, whose records can
 * be read before they are on the disk; the own run is `run` (or NULL). 0 or -1.
 */
int target_settle_others(struct target *t, const char *run, struct err *err);

/**
 * Sets the uuid of the tracker that was read in the configuration, unless one is set;
 * what cannot be written now (another run holds it) is left to the next time.
 */
void target_remember(struct target *t, struct repo *repo);

/**
 * Refuses when the uuid in the tracker is not the one that this clone knows
 * (migrate.<target>.uuid). 0 or -1.
 */
int target_check_uuid(const struct target *t, struct repo *repo, struct err *err);

/**
 * Refuses when the tracker is that of another target: the uuid that this clone
 * has seen first (migrate.<target>.uuid) or the server's own identity differs.
 * Sets the uuid in the configuration when it is not set yet. 0 or -1.
 */
int target_check_identity(struct target *t, struct repo *repo, struct err *err);

/** Whether this clone has seen the target's tracker before. */
bool target_is_known(const struct target *t, struct repo *repo);

void target_release(struct target *t);

#endif
