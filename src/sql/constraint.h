/* How a constraint of PostgreSQL is called. */
#ifndef SQL_CONSTRAINT_H
#define SQL_CONSTRAINT_H

struct pool;
struct sql_catalog;
struct sql_table;

/**
 * The name that a constraint of a table was given, or that the server has given it: NULL
 * where that is not certain, since something else may have had the name before. `t` and
 * `text` may be NULL. The pool's.
 */
const char *constraint_name(struct pool *pool, const struct sql_catalog *c,
			    const struct sql_table *t, const char *text);

#endif
