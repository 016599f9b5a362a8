/*
 * Tables and columns followed through the renames of the migration that a catalog has
 * read last: what they were before it, and what they are called behind it. Pure.
 */
#ifndef SQL_ORIGIN_H
#define SQL_ORIGIN_H

#include "sql/catalog.h"

/** The table of `before` that is the one of `after`; NULL: it is new, or unknown. */
const struct sql_table *sql_origin_table(const struct sql_catalog *before,
					 const struct sql_catalog *after,
					 const struct sql_table *now);

/**
 * The table of `before` that had its place: its name, or else that it is itself. NULL
 * where there was none.
 */
const struct sql_table *sql_origin_place(const struct sql_catalog *before,
					 const struct sql_catalog *after,
					 const struct sql_table *now);

/**
 * The column of `was`, which had the place of `now`, that `c` is, or whose place it has
 * taken. NULL: it is new.
 */
const struct sql_column *sql_origin_column(const struct sql_catalog *after,
					   const struct sql_table *was,
					   const struct sql_table *now,
					   const struct sql_column *c);

/** Whether it is a column that the migration adds to a table: it has nothing of before.
 */
bool sql_origin_is_added(const struct sql_catalog *after, const struct sql_table *now,
			 const struct sql_column *c);

/** The table of `after` that a table of `before` is; NULL: it is gone. */
const struct sql_table *sql_origin_left(const struct sql_catalog *before,
					const struct sql_catalog *after,
					const struct sql_table *was);

/** Names behind the migration. */
struct sql_origin_names {
	const char *table_key, *table;
	const char *key, *name; /* of the column that the event renames */
};

/** The table and column of an event of `after` as later ones of its renames have them. */
void sql_origin_names(const struct sql_catalog *after, const struct sql_event *e,
		      struct sql_origin_names *out);

/** The key that the table of an event had before the migration. */
const char *sql_origin_event(const struct sql_catalog *after, const struct sql_event *e);

#endif
