/*
 * A table that was there, and that one migration makes anew: by SQLite's rebuild, or by
 * DROP and CREATE. What of its rows comes with it, as the SQL tells. Pure.
 */
#ifndef SQL_REBUILT_H
#define SQL_REBUILT_H

#include "sql/catalog.h"

enum sql_rebuilt_flags {
	REBUILT_EMPTY = 1 << 0,	 /* nothing is copied: the old one is gone */
	REBUILT_ROWS = 1 << 1,	 /* not each row is copied, as far as can be told */
	REBUILT_VALUES = 1 << 2, /* nor each value that still has a column */
};

/**
 * The flags of the table `now`, of `after`, which has read the migration last; `was` is
 * of `before`. 0: it is the one that was there, or a whole copy of it.
 */
unsigned sql_rebuilt(const struct sql_catalog *before, const struct sql_catalog *after,
		     const struct sql_table *was, const struct sql_table *now);

#endif
