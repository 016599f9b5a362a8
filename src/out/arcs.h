/*
 * The left margin of `plan --graph`: a row for each migration, oldest first, and
 * a line from each row down to the later ones that point back at it.
 *
 *	*-.	an arc begins: later rows point at this one
 *	* |	it passes by
 *	*<+	this row points at where it began; others will
 *	*<'	this row does, as the last
 *	*-|-.	two lines cross; they do not meet
 */
#ifndef OUT_ARCS_H
#define OUT_ARCS_H

#include <stddef.h>

struct pool;

/** Row `from` points back at row `to`, which is less. */
struct arc {
	size_t from, to;
};

/** So many lines stand side by side; what finds no room is not drawn. */
enum { ARCS_MAX_COLUMNS = 20 };

/**
 * The margins of `nr_rows` rows, all of the same width, in `*out`; they and the
 * array are the pool's. Arcs come in any order, and more than once does no harm.
 * A row that others point at has one line for all of them, or none when
 * ARCS_MAX_COLUMNS are in use there.
 */
void arcs_draw(const struct arc *arcs, size_t nr, size_t nr_rows, struct pool *pool,
	       const char ***out);

#endif
