/*
 * The few tables that the fake server keeps: rows that were inserted come back.
 * It understands INSERT ... VALUES with an optional RETURNING, also in a WITH whose
 * SELECT asks whether it was done, and SELECT of columns, count(*), min() and max()
 * from one table with comparisons in WHERE, ORDER BY ... DESC, and LIMIT 1. "SELECT
 * 1 / count(*) FROM" a table or such a SELECT, by which a client asks for an error
 * where there is no row, gives that error; what it does not understand behind it
 * has a row. What else it is asked it does not know.
 */
#ifndef TOOLS_FAKE_TABLE_H
#define TOOLS_FAKE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table;

/** All tables, and who has changed what in a transaction. Start with `= { 0 }`. */
struct store {
	struct table *tables;
	size_t nr, alloc;
};

/** Columns and rows, to send. Start with `= { 0 }`; kept until answer_release. */
struct answer {
	char **columns;
	size_t nr;
	char ***rows; /* NULL is SQL's */
	size_t nr_rows;
	char tag[64];
	const char *state, *message; /* of an error in its place; NULL: none */
};

void answer_release(struct answer *a);
void answer_column(struct answer *a, const char *name);
/** Adds a row of as many values as there are columns. */
void answer_row(struct answer *a, const char *const *values);

void store_release(struct store *s);

/** A table of that name is kept: from now on, or once it is created. */
void store_keep(struct store *s, const char *name, bool now);

/** Whether `who` sees the table. */
bool store_has(const struct store *s, unsigned who, const char *name);

/**
 * Runs a statement with its parameters if it is one for us: true with the answer.
 * `look` tells its columns alone, and changes nothing.
 */
bool store_run(struct store *s, unsigned who, const char *sql, const char *const *params,
	       size_t nr_params, bool look, struct answer *out);

/** The end of the transaction of `who`, 0 is nobody's number. */
void store_end(struct store *s, unsigned who, bool commit);

#endif
