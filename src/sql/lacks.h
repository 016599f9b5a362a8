/* What a column has and one beside it lacks, and so is lost when the column goes. */
#ifndef SQL_LACKS_H
#define SQL_LACKS_H

#include "sql/catalog.h"

struct buf;
struct sql_name;
struct walk;

/**
 * Goes behind the name of the index that a CREATE INDEX makes; false, and in front of
 * ON, where it has none. `unique` becomes whether it is a unique one.
 */
bool lacks_walk_index(struct walk *w, bool *unique, struct sql_name *name);

/**
 * Appends, on one line and with "; " between, the constraints and indexes of the table
 * that go with the column; nothing where there are none.
 */
void lacks_list(const struct sql_table *t, const struct sql_column *c, struct buf *out);

/** Appends DROP INDEX for each index of the table that has the column. */
void lacks_drop_indexes(const struct sql_table *t, const struct sql_column *c,
			struct buf *out);

/** Appends the views, with ", " between, that seem to show the column. */
void lacks_add_views(const struct sql_catalog *c, const struct sql_table *t,
		     const struct sql_column *column, struct buf *out);

/** Whether SQLite does not drop the column, whatever becomes of its indexes. */
bool lacks_way_out(const struct sql_table *t, const struct sql_column *c);

#endif
