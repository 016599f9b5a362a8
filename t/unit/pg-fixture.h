/* A PostgreSQL server of a test's own, with a database and two sessions. */
#ifndef UNIT_PG_FIXTURE_H
#define UNIT_PG_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "answers.h"
#include "base/buf.h"

enum { SKIP = 77 };

extern const struct db_driver *const pg;

struct fixture {
	char dir[64];
	char *server, *url; /* of the server's first database */
	struct db *db, *other;
	struct db_waiter waiter;
	int signals;		  /* how many waits are still granted; -1: all */
	unsigned lock_timeout_ms; /* of sessions that are opened; 0: the usual */
	struct buf notices;
	/* while something is waited for, often, until it says that it is done */
	bool (*at_wait)(struct fixture *f);
};

/** For a group of tests: the server. `*state` is the fixture. */
int start_server(void **state);
int stop_server(void **state);

/** For each test: an empty database `t` and two sessions. */
int setup(void **state);
int teardown(void **state);

/** Whether a server can be had; says why not. */
bool server_is_there(void);

/** Another session. 0 or -1. */
int open_db(struct fixture *f, const char *url, struct db **out, struct err *err);

/** Statements, one after the other, or the test fails. */
void must(struct db *db, const char *sql);

/** Opens the first session again: what is set for the database holds for it then. */
void open_again(struct fixture *f);

/** Waits until the second session is the only one. */
void wait_alone(struct fixture *f);

/** Ends the first session from the second, and waits until it is gone. */
void kill_backend(struct fixture *f);

/** The process of the first session, as the second sees it; 0: it is gone. */
pid_t other_backend(struct fixture *f);

/** wait_alone, and until that process has closed its end of the connection. */
void wait_gone(struct fixture *f, pid_t backend);

#endif
