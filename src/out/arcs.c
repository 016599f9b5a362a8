#include "base/compat.h"

#include "out/arcs.h"

#include "base/io.h"
#include "base/pool.h"

/*
 * Column c (from 1) stands 2 * c bytes to the right of the rows' stars, with a
 * byte between columns that a line along a row goes through.
 */

enum { WIDTH = 1 + 2 * ARCS_MAX_COLUMNS };

struct drawing {
	struct arc *arcs; /* by `from` */
	size_t nr;
	size_t *last;	/* of each row, the last that points at it, or 0 */
	size_t *column; /* of each row: that of its line, or 0 */
	size_t begun[ARCS_MAX_COLUMNS + 1]; /* by which row; `last` tells until when */
	bool used[ARCS_MAX_COLUMNS + 1];
	size_t width;
};

static int from_cmp(const void *a, const void *b)
{
	const struct arc *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static void prepare(struct drawing *d, const struct arc *arcs, size_t nr, size_t nr_rows)
{
	size_t i;

	memset(d, 0, sizeof(*d));
	d->arcs = xcalloc(nr, sizeof(*d->arcs));
	d->nr = nr;
	d->last = xcalloc(nr_rows, sizeof(*d->last));
	d->column = xcalloc(nr_rows, sizeof(*d->column));
	d->width = 1;
	for (i = 0; i < nr; i++) {
		if (arcs[i].to >= arcs[i].from || arcs[i].from >= nr_rows)
			BUG("arc from row %zu to row %zu of %zu", arcs[i].from,
			    arcs[i].to, nr_rows);
		d->arcs[i] = arcs[i];
		if (arcs[i].from > d->last[arcs[i].to])
			d->last[arcs[i].to] = arcs[i].from;
	}
	if (nr)
		qsort(d->arcs, nr, sizeof(*d->arcs), from_cmp);
}

/* A line of its own for a row that others point at, when there is room. */
static void begin(struct drawing *d, size_t row)
{
	size_t c = 1;

	while (c <= ARCS_MAX_COLUMNS && d->used[c])
		c++;
	if (c > ARCS_MAX_COLUMNS)
		return;
	d->used[c] = true;
	d->begun[c] = row;
	d->column[row] = c;
	if (1 + 2 * c > d->width)
		d->width = 1 + 2 * c;
}

/* Goes along the row from its star to the column `to`. */
static void draw_along(char *margin, size_t to, bool arrow)
{
	size_t i;

	for (i = 1; i < 2 * to; i++)
		if (margin[i] == ' ')
			margin[i] = '-';
	if (arrow)
		margin[1] = '<';
}

/* One row; `*next` is its first arc, and that of the next row afterwards. */
static void draw_row(struct drawing *d, size_t row, size_t *next, char *margin)
{
	bool arrow = false, ends[ARCS_MAX_COLUMNS + 1] = { false };
	size_t c, far = 0;

	memset(margin, ' ', WIDTH);
	margin[0] = '*';
	for (c = 1; c <= ARCS_MAX_COLUMNS; c++)
		if (d->used[c])
			margin[2 * c] = '|';
	for (; *next < d->nr && d->arcs[*next].from == row; ++*next) {
		c = d->column[d->arcs[*next].to];
		if (c == 0)
			continue;
		ends[c] = d->last[d->begun[c]] == row;
		margin[2 * c] = ends[c] ? '\'' : '+';
		far = c > far ? c : far;
		arrow = true;
	}
	if (d->last[row]) {
		begin(d, row); /* in none that ends here: it would look like going on */
		c = d->column[row];
		if (c)
			margin[2 * c] = '.';
		far = c > far ? c : far;
	}
	if (far)
		draw_along(margin, far, arrow);
	for (c = 1; c <= ARCS_MAX_COLUMNS; c++)
		if (ends[c])
			d->used[c] = false;
}

void arcs_draw(const struct arc *arcs, size_t nr, size_t nr_rows, struct pool *pool,
	       const char ***out)
{
	const char **margins = pool_alloc(pool, nr_rows * sizeof(*margins));
	char *text = pool_alloc(pool, nr_rows * (WIDTH + 1));
	struct drawing d;
	size_t row, next = 0;

	prepare(&d, arcs, nr, nr_rows);
	for (row = 0; row < nr_rows; row++) {
		margins[row] = text + row * (WIDTH + 1);
		draw_row(&d, row, &next, text + row * (WIDTH + 1));
	}
	for (row = 0; row < nr_rows; row++)
		text[row * (WIDTH + 1) + d.width] = '\0';
	free(d.arcs);
	free(d.last);
	free(d.column);
	*out = margins;
}
