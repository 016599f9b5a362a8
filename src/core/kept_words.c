/* A difference in words. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/text.h"
#include "core/kept.h"

bool kept_is_emptied(const struct kept_difference *d)
{
	switch (d->loss) {
	case KEPT_ROWS:
		return d->table_now->rows == 0;
	case KEPT_FILLED:
		return d->column_now->filled == 0;
	case KEPT_TABLE_GONE:
	case KEPT_COLUMN_GONE:
	case KEPT_VALUES:
	case KEPT_MOVED:
	case KEPT_NEW:
		return true;
	}
	BUG("unhandled loss %d", (int)d->loss);
}

const char *kept_word(enum kept_loss loss)
{
	switch (loss) {
	case KEPT_TABLE_GONE:
		return "table-gone";
	case KEPT_COLUMN_GONE:
		return "column-gone";
	case KEPT_ROWS:
		return "rows";
	case KEPT_FILLED:
		return "filled";
	case KEPT_VALUES:
		return "values";
	case KEPT_MOVED:
		return "moved";
	case KEPT_NEW:
		return "new";
	}
	BUG("unhandled loss %d", (int)loss);
}

/* "of table people", "of column people.phone" */
static void add_subject(const struct kept_difference *d, struct buf *out)
{
	buf_addf(out, d->column ? "column %s.%s" : "table %s", d->table->name,
		 d->column ? d->column->name : "");
}

/* " had 2 rows and has 1" */
static void add_fewer(const struct kept_difference *d, struct buf *out)
{
	uint64_t had = d->loss == KEPT_ROWS ? d->table->rows : d->column->filled;

	buf_addf(out, " had %" PRIu64 " %s%s and has %" PRIu64, had,
		 d->loss == KEPT_ROWS ? "row" : "value", plural(had),
		 d->loss == KEPT_ROWS ? d->table_now->rows : d->column_now->filled);
}

void kept_tell_added(const struct kept_difference *d, const char *by, struct buf *out)
{
	add_subject(d, out);
	buf_addf(out, ", which %s added,", by);
	if (d->loss == KEPT_ROWS || d->loss == KEPT_FILLED)
		add_fewer(d, out);
	else
		buf_adds(out, " is gone");
}

void kept_tell(const struct kept_difference *d, struct buf *out)
{
	uint64_t rows = d->table->rows, values = d->column ? d->column->filled : 0;

	add_subject(d, out);
	switch (d->loss) {
	case KEPT_TABLE_GONE:
		buf_addf(out, " is gone, with %" PRIu64 " row%s", rows, plural(rows));
		return;
	case KEPT_COLUMN_GONE:
		buf_addf(out, " is gone, with %" PRIu64 " value%s", values,
			 plural(values));
		return;
	case KEPT_ROWS:
	case KEPT_FILLED:
		add_fewer(d, out);
		return;
	case KEPT_VALUES:
		buf_adds(out, " has other values");
		return;
	case KEPT_MOVED:
		buf_adds(out, " has its values in other rows");
		if (d->rows)
			buf_addf(out, ": %" PRIu64 " of %" PRIu64 " row%s", d->rows, rows,
				 plural(rows));
		return;
	case KEPT_NEW:
		buf_addf(out, " has %" PRIu64 " row%s not there before", d->rows,
			 d->rows == 1 ? " that was" : "s that were");
		return;
	}
	BUG("unhandled loss %d", (int)d->loss);
}
