/* Time limits that not every server has. */
#ifndef DB_PG_LIMIT_H
#define DB_PG_LIMIT_H

/**
 * An expression that takes a limit off until the transaction's end; NULL, and nothing
 * done, where the server does not know it: transaction_timeout came with PostgreSQL 17.
 */
#define PG_LIMIT_OFF(name)                                                               \
	"CASE WHEN pg_catalog.current_setting('" name "', true) IS NOT NULL"             \
	" THEN pg_catalog.set_config('" name "', '0', true) END"

#endif
