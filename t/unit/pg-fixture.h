/* A PostgreSQL server of a test's own, with a database and two sessions. */
#ifndef UNIT_PG_FIXTURE_H
#define UNIT_PG_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "db/driver.h"

enum { SKIP = 77 };

extern const struct db_driver *const pg;

struct fixture {
	char dir[64];
	char *server, *url; /* of the server's first database */
	struct db *db, *other;
	struct db_waiter waiter;
	int signals; /* how many waits are still granted; -1: all */
	struct buf notices;
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

/** Statements, one after the other: 0 or -1; or the test fails. */
int run_sql(struct db *db, const char *sql, struct err *err);
void must(struct db *db, const char *sql);

/** A db_row_fn: adds "a|b|NULL" and a newline to the struct buf `arg`. */
int collect(void *arg, const char *const *values, size_t nr, struct err *err);

/** The test fails unless the rows of the answer are those, as collect() has them. */
void expect(struct db *db, const char *sql, const char *wanted);

#endif
