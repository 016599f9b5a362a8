#include "base/compat.h"

#include "sql/name.h"
#include "sql/rebuilt.h"
#include "sql/split.h"

/* The rows of one table on their way into another. */
struct copying {
	const struct sql_catalog *before, *after;
	const struct sql_table *was, *now;
	struct pool pool;
	bool *taken; /* of each column of `was`: it comes as it is */
};

static bool is_same(const struct copying *c, const char *a, const char *b)
{
	return c->after->sqlite ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static bool is_rename(const struct copying *c, const struct sql_event *e,
		      const char *from, const char *to)
{
	return e->kind == SAW_RENAME_TABLE && is_same(c, e->table_key, from) &&
	       is_same(c, e->to_key, to);
}

/* Whether a table goes, or went before it was renamed, by that name. */
static bool has_name(const struct copying *c, const struct sql_table *t, const char *key)
{
	const struct sql_event *e = c->after->events, *end = e + c->after->nr_events;

	for (; e < end; e++)
		if (t == c->now ? is_rename(c, e, key, t->key)
				: is_rename(c, e, t->key, key))
			return true;
	return is_same(c, t->key, key);
}

static void take(struct copying *c, const char *column)
{
	size_t i;

	for (i = 0; i < c->was->nr; i++)
		c->taken[i] |= !column || is_same(c, c->was->columns[i].key, column);
}

static bool ends_item(const struct walk *w)
{
	return walk_at_end(w) || walk_is_char(w, ',') || walk_is(w, "from") ||
	       walk_is(w, "as");
}

/* One of what is selected: a column alone, its cast, or what is not looked into. */
static void read_item(struct copying *c, struct walk *w)
{
	struct walk ahead = *w;
	struct sql_name n;

	if (walk_is_char(w, '*'))
		take(c, NULL);
	else if (walk_accept(&ahead, "cast") && walk_accept_char(&ahead, '(') &&
		 walk_name(&ahead, &n) && walk_is(&ahead, "as"))
		take(c, n.parts[n.nr - 1]);
	ahead = *w;
	if (walk_name(&ahead, &n) && ends_item(&ahead))
		take(c, n.parts[n.nr - 1]);
	while (!walk_at_end(w) &&
	       !(w->depth == 0 && (walk_is_char(w, ',') || walk_is(w, "from"))))
		walk_next(w);
}

/* Behind the table: an alias and an order take no row away. */
static bool has_all_rows(struct walk w)
{
	struct sql_name alias;

	if (walk_at_end(&w) || walk_is(&w, "order"))
		return true;
	walk_accept(&w, "as");
	return walk_name(&w, &alias) && (walk_at_end(&w) || walk_is(&w, "order"));
}

static bool has_all_values(const struct copying *c)
{
	const struct sql_column *k = c->was->columns;
	size_t i;

	for (i = 0; i < c->was->nr; i++)
		if (!c->taken[i] && !strcasestr(k[i].rest, "generated") &&
		    !strcasestr(k[i].rest, "as (") && sql_table_column(c->now, k[i].key))
			return false;
	return true;
}

/* What the query leaves behind; false: it is not of that table. */
static bool read_query(struct copying *c, struct walk w, unsigned *lost)
{
	struct sql_name n;
	const char *key;

	*lost = REBUILT_ROWS | REBUILT_VALUES;
	memset(c->taken, 0, c->was->nr * sizeof(*c->taken));
	if (walk_accept(&w, "table")) {
		take(c, NULL);
	} else {
		walk_accept(&w, "select");
		if (walk_is(&w, "distinct"))
			return true;
		do
			read_item(c, &w);
		while (walk_accept_char(&w, ','));
		if (!walk_accept(&w, "from"))
			return false;
	}
	walk_accept(&w, "only");
	if (!walk_name(&w, &n))
		return true;
	key = sql_name_join(&c->pool, sql_name_schema(&n), n.parts[n.nr - 1]);
	if (!has_name(c, c->was, key))
		return !sql_catalog_table(c->before, key);
	*lost = (has_all_rows(w) ? 0 : REBUILT_ROWS) |
		(has_all_values(c) ? 0 : REBUILT_VALUES);
	return true;
}

static unsigned read_copies(struct copying *c)
{
	const struct sql_event *e = c->after->events, *end = e + c->after->nr_events;
	unsigned lost, least = REBUILT_EMPTY;
	struct sql_statement st = { 0 };
	struct walk w;

	for (; e < end; e++) {
		if (e->kind != SAW_COPY || !has_name(c, c->now, e->table_key))
			continue;
		st.text = e->text;
		st.len = strlen(e->text);
		walk_start(&w, &st, &c->pool);
		if (read_query(c, w, &lost) && (least == REBUILT_EMPTY || lost < least))
			least = lost;
	}
	return least;
}

unsigned sql_rebuilt(const struct sql_catalog *before, const struct sql_catalog *after,
		     const struct sql_table *was, const struct sql_table *now)
{
	struct copying c = { .before = before, .after = after, .was = was, .now = now };
	unsigned lost;

	if (!sql_table_is_new(after, now))
		return 0;
	c.taken = pool_alloc(&c.pool, (was->nr + 1) * sizeof(*c.taken));
	lost = read_copies(&c);
	pool_release(&c.pool);
	return lost;
}
