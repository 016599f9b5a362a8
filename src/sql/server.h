/* Statements of PostgreSQL that change the server, not one of its databases. */
#ifndef SQL_SERVER_H
#define SQL_SERVER_H

#include <stdbool.h>

struct buf;
struct sql_statement;

/**
 * Whether it makes, changes or drops a role, a database or a tablespace, gives rights on
 * one of the two or membership in a role, comments on one or labels it, or is ALTER
 * SYSTEM: then what it is called ("CREATE ROLE") is appended to `title`. What a
 * function or a DO block does is not looked into.
 */
bool sql_changes_server(const struct sql_statement *st, struct buf *title);

#endif
