/* Tables of a catalog written as SQL again. */
#ifndef SQL_TABLE_TEXT_H
#define SQL_TABLE_TEXT_H

#include "sql/catalog.h"

struct buf;

/** What is different in the table that takes the old one's place; all may be NULL. */
struct table_change {
	const char *optional;		    /* key of a column: without NOT NULL */
	const char *without;		    /* text of a constraint that goes */
	const struct sql_column *as_before; /* the column of its key is defined so */
};

/** Appends a name with something behind it, inside of its quotes. */
void table_name(const char *name, const char *suffix, struct buf *out);

/** Appends CREATE TABLE and its indexes, as the catalog has them. */
void table_text(const struct sql_table *t, struct buf *out);

/**
 * Appends SQLite's way to change what ALTER TABLE cannot: a new table, the rows and the
 * counter of AUTOINCREMENT copied, the old one dropped, the new one renamed, the
 * indexes made again. It fails, before anything is lost, where the real table has a
 * column that `t` has not, or not of that type.
 */
void table_rebuild(const struct sql_table *t, const struct table_change *change,
		   struct buf *out);

#endif
