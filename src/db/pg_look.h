/* What the files that look for evidence share; nobody else includes this. */
#ifndef DB_PG_LOOK_H
#define DB_PG_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/pool.h"
#include "db/driver.h"
#include "sql/alone.h"

enum { LOOK_VALUES = 6, LOOK_DROPS = 256 };

/* The first row of an answer, in the pool. */
struct look_answer {
	struct pool *pool;
	const char *values[LOOK_VALUES]; /* NULL for SQL's NULL */
	size_t rows;
};

/* A relation or type that a name leads to. */
struct look_place {
	const char *oid; /* NULL: there is none */
	const char *schema, *name;
	bool first; /* its schema was written, or comes first in the search_path */
};

/** One look at what a statement left behind. */
struct look {
	struct db *db;
	struct pool pool;
	struct sql_alone a;
	const char *statement;
	enum db_evidence found;
	struct buf *text; /* what was seen, for people */
	const char *
		drops[LOOK_DROPS]; /* INVALID indexes to be dropped, as SQL writes them */
	size_t nr_drops;
};

/** One question, whose first row is kept. 0 or -1. */
int look_ask(struct look *l, const char *sql, const char *const *params, size_t nr,
	     struct look_answer *out, struct err *err);

/**
 * Where a name of the statement leads: a relation, or a type. Looked up as the
 * statement was, on the session's own search_path. 0, with oid NULL when there is
 * none; -1.
 */
int look_find(struct look *l, const struct sql_ident *name, bool type,
	      struct look_place *out, struct err *err);

/** Looks for a session that runs the statement: found is DB_RUNNING then. 0 or -1. */
int look_session(struct look *l, struct err *err);

/** The same for one that works on a table, whose statement we may not see. */
int look_lock(struct look *l, const char *table, bool *busy, struct err *err);

/** Sets what was found. Returns 0. */
int look_conclude(struct look *l, enum db_evidence found);

/** A name as SQL writes it; `schema` may be NULL. The pool's. */
const char *look_quoted(struct look *l, const char *schema, const char *name);

/** A name of the statement, as people read it. The pool's, or its own. */
const char *look_shown(struct look *l, const struct sql_ident *name);

/** Whether a value is SQL's true. */
bool look_is_true(const char *value);

/* --- pg_index.c ----------------------------------------------------------- */

/** CREATE INDEX and REINDEX. 0 with what was found, or -1. */
int look_at_new_index(struct look *l, struct err *err);
int look_at_reindex(struct look *l, struct err *err);

#endif
