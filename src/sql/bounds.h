/* Whether a statement that is run in batches keeps to the rows of each. */
#ifndef SQL_BOUNDS_H
#define SQL_BOUNDS_H

#include <stdbool.h>

struct walk;

/** Whether `:batch` stands here. */
bool bounds_is_batch(const struct walk *w);

/**
 * From the verb at `w` on: whether WHERE has `:batch` for a condition that all rows must
 * fulfil, outside of parentheses and beside no OR; in an INSERT that of each SELECT.
 */
bool bounds_hold(struct walk w);

#endif
