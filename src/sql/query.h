/* Statements that only ask. */
#ifndef SQL_QUERY_H
#define SQL_QUERY_H

#include <stdbool.h>

struct sql_statement;

/**
 * Whether it gives rows and changes none, by its words: SELECT without INTO, WITH
 * without INSERT, UPDATE, DELETE or MERGE, VALUES, TABLE, SHOW, PRAGMA. What a function
 * does is not looked into.
 */
bool sql_is_query(const struct sql_statement *st);

#endif
