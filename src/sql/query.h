/* Statements that only ask, and queries that fill a table. */
#ifndef SQL_QUERY_H
#define SQL_QUERY_H

#include <stdbool.h>

#include "sql/name.h"

struct sql_statement;

/**
 * Whether it gives rows and changes none, by its words: SELECT without INTO, WITH
 * without INSERT, UPDATE, DELETE or MERGE, VALUES, TABLE, SHOW, PRAGMA. What a function
 * does is not looked into.
 */
bool sql_is_query(const struct sql_statement *st);

/** Offsets of what fills a table from a query. */
struct sql_filling {
	size_t list, list_end; /* its columns, without parentheses; 0: not given */
	size_t query;	       /* SELECT or TABLE */
};

/** Reads on from behind the name of the table; false where no query fills it. */
bool sql_filling(struct walk w, struct sql_filling *out);

/** Whether an INSERT or REPLACE leaves rows out, or puts them in another one's place. */
bool sql_insert_skips(struct walk w);

#endif
