#include "base/compat.h"

#include "out/table.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"

enum { GAP = 2 };

struct cell {
	char *text;   /* escaped */
	size_t width; /* in characters */
	enum color color;
};

struct row {
	struct cell *cells;
	size_t nr, alloc;
};

struct table {
	struct row *rows;
	size_t nr, alloc;
	bool begun; /* the last row takes further cells */
	bool color;
};

struct table *table_new(bool color)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->color = color;
	return t;
}

void table_free(struct table *t)
{
	size_t i, k;

	if (!t)
		return;
	for (i = 0; i < t->nr; i++) {
		for (k = 0; k < t->rows[i].nr; k++)
			free(t->rows[i].cells[k].text);
		free(t->rows[i].cells);
	}
	free(t->rows);
	free(t);
}

static struct row *begun_row(struct table *t)
{
	if (!t->begun) {
		VEC_GROW(t->rows, t->nr, t->alloc);
		memset(&t->rows[t->nr++], 0, sizeof(*t->rows));
		t->begun = true;
	}
	return &t->rows[t->nr - 1];
}

void table_row(struct table *t)
{
	begun_row(t);
	t->begun = false;
}

void table_cell(struct table *t, enum color c, const char *text)
{
	struct row *row = begun_row(t);
	struct buf safe = BUF_INIT;
	struct cell *cell;

	VEC_GROW(row->cells, row->nr, row->alloc);
	cell = &row->cells[row->nr++];
	text_printable(&safe, text, strlen(text), 0);
	cell->width = utf8_count(buf_str(&safe), safe.len);
	cell->text = buf_detach(&safe);
	cell->color = c;
}

void table_cellf(struct table *t, enum color c, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	table_cell(t, c, text.s);
	buf_release(&text);
}

/* Cells up to the last one that is not empty: the ones after it would be blanks. */
static size_t used_cells(const struct row *row)
{
	size_t nr = row->nr;

	while (nr > 0 && row->cells[nr - 1].width == 0)
		nr--;
	return nr;
}

/* Width of each column; free it. A last cell widens none, nothing is behind it. */
static size_t *widths(const struct table *t)
{
	size_t columns = 0, i, k, *width;

	for (i = 0; i < t->nr; i++)
		if (t->rows[i].nr > columns)
			columns = t->rows[i].nr;
	width = xcalloc(columns, sizeof(*width));
	for (i = 0; i < t->nr; i++)
		for (k = 0; k + 1 < t->rows[i].nr; k++)
			if (t->rows[i].cells[k].width > width[k])
				width[k] = t->rows[i].cells[k].width;
	return width;
}

static void print_cell(const struct table *t, const struct cell *cell, FILE *to)
{
	bool on = t->color && cell->color != COLOR_NONE && cell->width > 0;

	fprintf(to, "%s%s%s", term_color(on, cell->color), cell->text, term_reset(on));
}

void table_print(const struct table *t, FILE *to, unsigned indent)
{
	size_t *width = widths(t);
	size_t i, k, nr;

	for (i = 0; i < t->nr; i++) {
		const struct row *row = &t->rows[i];

		nr = used_cells(row);
		if (nr > 0)
			fprintf(to, "%*s", (int)indent, "");
		for (k = 0; k < nr; k++) {
			print_cell(t, &row->cells[k], to);
			if (k + 1 < nr)
				fprintf(to, "%*s",
					(int)(width[k] - row->cells[k].width + GAP), "");
		}
		fputc('\n', to);
	}
	free(width);
}
