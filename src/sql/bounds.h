/* Whether a statement that is run in batches keeps to the rows of each. */
#ifndef SQL_BOUNDS_H
#define SQL_BOUNDS_H

#include <stdbool.h>

struct walk;

/** Whether `:batch` stands here. */
bool bounds_is_batch(const struct walk *w);

/** Says whether the name at `w`, which stands before `.:batch`, is that of the rows. */
struct bounds_rows {
	bool (*are_named)(const void *arg, const struct walk *w);
	const void *arg;
};

/**
 * From the verb at `w` on: whether WHERE has `:batch` for a condition that all rows must
 * fulfil, outside of parentheses and beside no OR; in an INSERT that of each SELECT.
 */
bool bounds_hold(struct walk w, const struct bounds_rows *rows);

#endif
