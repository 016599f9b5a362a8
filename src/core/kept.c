#include "base/compat.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/kept.h"

void kept_release(struct kept *k)
{
	size_t i;

	for (i = 0; i < k->nr; i++)
		free(k->tables[i].columns);
	free(k->tables);
	pool_release(&k->pool);
	memset(k, 0, sizeof(*k));
}

struct kept_table *kept_add_table(struct kept *k, const char *name, const char *key)
{
	struct kept_table *t;

	VEC_GROW(k->tables, k->nr, k->alloc);
	t = &k->tables[k->nr++];
	memset(t, 0, sizeof(*t));
	t->name = pool_strdup(&k->pool, name);
	t->key = key ? pool_strdup(&k->pool, key) : NULL;
	return t;
}

struct kept_column *kept_add_column(struct kept *k, struct kept_table *t,
				    const char *name)
{
	struct kept_column *c;

	VEC_GROW(t->columns, t->nr, t->alloc);
	c = &t->columns[t->nr++];
	memset(c, 0, sizeof(*c));
	c->name = pool_strdup(&k->pool, name);
	c->plain = "";
	return c;
}

uint64_t kept_rows(const struct kept *k)
{
	uint64_t rows = 0;
	size_t i;

	for (i = 0; i < k->nr; i++)
		rows += k->tables[i].rows;
	return rows;
}

/* --- names ------------------------------------------------------------- */

/* Whether a text is the name of the table, or with `c` "table.column". */
static bool is_name(const char *text, const struct kept_table *t,
		    const struct kept_column *c)
{
	size_t len = strlen(t->name);

	if (!c)
		return strcmp(text, t->name) == 0;
	return strncmp(text, t->name, len) == 0 && text[len] == '.' &&
	       strcmp(text + len + 1, c->name) == 0;
}

struct place {
	const struct kept_table *table;
	const struct kept_column *column;
};

/* What a text names: a table, else a column of one; false: nothing. */
static bool find_named(const struct kept *k, const char *text, struct place *out)
{
	size_t i, c;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < k->nr; i++) {
		out->table = &k->tables[i];
		if (is_name(text, out->table, NULL))
			return true;
	}
	for (i = 0; i < k->nr; i++) {
		out->table = &k->tables[i];
		for (c = 0; c < out->table->nr; c++) {
			out->column = &out->table->columns[c];
			if (is_name(text, out->table, out->column))
				return true;
		}
	}
	memset(out, 0, sizeof(*out));
	return false;
}

static const struct kept_column *find_column(const struct kept_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (strcmp(t->columns[i].name, name) == 0)
			return &t->columns[i];
	return NULL;
}

/* --- the comparison ---------------------------------------------------- */

struct comparison {
	const struct kept *now;
	const struct kept_rule *rules;
	size_t nr_rules, nr;
	void (*differs)(void *arg, const struct kept_difference *d);
	void *arg;
};

static const struct kept_rule *find_rule(const struct comparison *c,
					 enum kept_leave leave,
					 const struct kept_table *t,
					 const struct kept_column *column)
{
	size_t i;

	for (i = 0; i < c->nr_rules; i++)
		if (c->rules[i].leave == leave && is_name(c->rules[i].what, t, column))
			return &c->rules[i];
	return NULL;
}

static void differ(struct comparison *c, enum kept_loss loss, const struct place *before,
		   const struct place *now)
{
	const struct kept_difference d = { loss, before->table, before->column,
					   now->table, now->column };

	c->nr++;
	c->differs(c->arg, &d);
}

/* Keys can be compared where both sides have the same. */
static bool have_one_key(const struct kept_table *a, const struct kept_table *b)
{
	return a->key && b->key && strcmp(a->key, b->key) == 0;
}

static bool are_moved(const struct place *before, const struct place *now)
{
	const struct kept_column *a = before->column, *b = now->column;

	return have_one_key(before->table, now->table) && a->keyed && b->keyed &&
	       strcmp(a->keyed, b->keyed) != 0;
}

static void compare_values(struct comparison *c, const struct place *before,
			   const struct place *now)
{
	if (before->column->filled != now->column->filled)
		differ(c, KEPT_FILLED, before, now);
	else if (strcmp(before->column->plain, now->column->plain) != 0)
		differ(c, KEPT_VALUES, before, now);
	else if (are_moved(before, now))
		differ(c, KEPT_MOVED, before, now);
}

/* Where a column is now: false when it is gone. */
static bool find_now(struct comparison *c, const struct place *before,
		     const struct kept_table *table_now, struct place *now)
{
	const struct kept_rule *r = find_rule(c, KEPT_IS_NOW, before->table,
					      before->column);

	if (r)
		return find_named(c->now, r->now, now) && now->column;
	now->table = table_now;
	now->column = find_column(table_now, before->column->name);
	return now->column != NULL;
}

static void compare_column(struct comparison *c, const struct place *before,
			   const struct kept_table *table_now, bool same_rows)
{
	struct place now;

	if (!find_now(c, before, table_now, &now)) {
		if (!find_rule(c, KEPT_MAY_GO, before->table, before->column))
			differ(c, KEPT_COLUMN_GONE, before, &now);
		return;
	}
	if (find_rule(c, KEPT_MAY_CHANGE, before->table, before->column))
		return;
	/* with other rows its values are others of necessity */
	if (same_rows || now.table != table_now)
		compare_values(c, before, &now);
}

/* The same of a table. */
static bool find_table_now(const struct comparison *c, const struct kept_table *t,
			   struct place *now)
{
	const struct kept_rule *r = find_rule(c, KEPT_IS_NOW, t, NULL);

	if (find_named(c->now, r ? r->now : t->name, now) && !now->column)
		return true;
	memset(now, 0, sizeof(*now));
	return false;
}

static void compare_table(struct comparison *c, const struct kept_table *t)
{
	bool may_change = find_rule(c, KEPT_MAY_CHANGE, t, NULL) != NULL, same;
	struct place before = { t, NULL }, now = { 0 };
	size_t i;

	if (!find_table_now(c, t, &now)) {
		if (!find_rule(c, KEPT_MAY_GO, t, NULL))
			differ(c, KEPT_TABLE_GONE, &before, &now);
		return;
	}
	same = t->rows == now.table->rows;
	if (!same && !may_change)
		differ(c, KEPT_ROWS, &before, &now);
	for (i = 0; i < t->nr; i++) {
		before.column = &t->columns[i];
		compare_column(c, &before, now.table, same && !may_change);
	}
}

size_t kept_compare(const struct kept *before, const struct kept *now,
		    const struct kept_rule *rules, size_t nr_rules,
		    void (*differs)(void *arg, const struct kept_difference *d),
		    void *arg)
{
	struct comparison c = { now, rules, nr_rules, 0, differs, arg };
	size_t i;

	for (i = 0; i < before->nr; i++)
		compare_table(&c, &before->tables[i]);
	return c.nr;
}

void kept_unkeyed(const struct kept *before, const struct kept *now,
		  const struct kept_rule *rules, size_t nr_rules,
		  void (*tell)(void *arg, const struct kept_table *before,
			       const struct kept_table *table_now),
		  void *arg)
{
	const struct comparison c = { .now = now, .rules = rules, .nr_rules = nr_rules };
	const struct kept_table *t;
	struct place place;
	size_t i;

	for (i = 0; i < before->nr; i++) {
		t = &before->tables[i];
		/* one row has no other to change places with */
		if (t->rows > 1 && find_table_now(&c, t, &place) &&
		    !find_rule(&c, KEPT_MAY_CHANGE, t, NULL) &&
		    !have_one_key(t, place.table))
			tell(arg, t, place.table);
	}
}

const struct kept_rule *kept_idle_rule(const struct kept *before,
				       const struct kept_rule *rules, size_t nr)
{
	struct place place;
	size_t i;

	for (i = 0; i < nr; i++)
		if (!find_named(before, rules[i].what, &place))
			return &rules[i];
	return NULL;
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
	}
	BUG("unhandled loss %d", (int)loss);
}

/* "of table people", "of column people.phone" */
static void add_subject(const struct kept_difference *d, struct buf *out)
{
	buf_addf(out, d->column ? "column %s.%s" : "table %s", d->table->name,
		 d->column ? d->column->name : "");
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
		buf_addf(out, " had %" PRIu64 " row%s and has %" PRIu64, rows,
			 plural(rows), d->table_now->rows);
		return;
	case KEPT_FILLED:
		buf_addf(out, " had %" PRIu64 " value%s and has %" PRIu64, values,
			 plural(values), d->column_now->filled);
		return;
	case KEPT_VALUES:
		buf_adds(out, " has other values");
		return;
	case KEPT_MOVED:
		buf_adds(out, " has its values in other rows");
		return;
	}
	BUG("unhandled loss %d", (int)d->loss);
}
