/* Walks through one statement and notes, in order, what it names and touches. */
#ifndef SQL_SCAN_H
#define SQL_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "sql/name.h"
#include "sql/objects.h"

struct sql_statement;

#define NO_OWNER SIZE_MAX

struct mention {
	struct sql_object object;
	size_t owner;	/* the mention of the table that it hangs on, or NO_OWNER */
	bool temporary; /* said to be the session's own */
	bool qualified; /* said not to be: it has a schema */
};

struct scan {
	struct mention *mentions; /* of all statements so far; free them */
	size_t nr, alloc;
	struct pool *pool; /* of the names */
	/* the trigger of SQLite that was begun: what follows, up to END, is its body */
	bool in_trigger;

	/* the rest is of the statement alone */
	const struct sql_statement *st;
	struct walk w;
	const char *line_at; /* a place in it and its line */
	unsigned line;
};

/** Adds the mentions of the next statement of a text. */
void scan_statement(struct scan *sc, const struct sql_statement *st);

#endif
