/* What statements of an application use: told by tokens, for both engines. */
#ifndef SQL_USAGE_H
#define SQL_USAGE_H

#include <stdbool.h>
#include <stddef.h>

/** Keys as a struct sql_table and its columns have them. */
struct sql_used {
	const char *table;
	const char *column;  /* NULL: the table itself */
	bool insert_without; /* INSERTs into the table that leave the column out */
	bool sqlite;	     /* quotes keep no case */
};

/**
 * How many statements of a text mention the table and the column, or insert without
 * it. `*line`: of the first one, 0 for none.
 */
size_t sql_usage(const char *text, size_t len, const struct sql_used *what,
		 unsigned *line);

#endif
