#include "base/compat.h"

#include "base/vec.h"
#include "sql/column_text.h"
#include "sql/name.h"
#include "sql/narrow.h"
#include "sql/rebuilt.h"
#include "sql/split.h"

enum { COPIES_MAX = 500 }; /* of one migration that are followed */

struct names {
	const char **items;
	size_t nr, alloc;
};

/* What a copy has put into its table of the one that is followed. */
struct copy {
	const struct sql_event *event;
	const char **held; /* of each column of that: the name under which it is there */
	struct names filled; /* the columns that are filled; none: they are not known */
	struct names all;    /* those of the table, in their order */
	bool of_it;	     /* it is of that table, as far as can be told */
	bool has_all_rows;
};

/* The rows of one table on their way into another. */
struct copying {
	const struct sql_catalog *before, *after;
	const struct sql_table *was, *now;
	struct pool pool;
	struct copy *copies;
	size_t nr, alloc;
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

static void add_name(struct names *n, const char *name)
{
	VEC_GROW(n->items, n->nr, n->alloc);
	n->items[n->nr++] = name;
}

static void walk_text(struct copying *c, struct walk *w, const char *text)
{
	const struct sql_statement st = { .text = text, .len = strlen(text) };

	walk_start(w, &st, &c->pool);
}

/* "a, b". */
static void read_names(struct copying *c, const char *text, struct names *out)
{
	struct sql_name n;
	struct walk w;

	if (!text)
		return;
	walk_text(c, &w, text);
	while (walk_name(&w, &n)) {
		add_name(out, n.parts[n.nr - 1]);
		walk_accept_char(&w, ',');
	}
}

/* --- what is selected ----------------------------------------------------- */

/* A column as it is, or as another type; NULL where it is not looked into. */
struct item {
	const char *column, *cast, *alias;
	bool star; /* all columns */
};

static bool ends_item(const struct walk *w)
{
	return walk_at_end(w) || walk_is_char(w, ',') || walk_is(w, "from");
}

/* CAST(column AS type). */
static bool read_cast(struct walk *w, struct item *out)
{
	struct walk ahead = *w;
	size_t depth = w->depth, from;
	struct sql_name n;

	if (!walk_accept(&ahead, "cast") || !walk_accept_char(&ahead, '(') ||
	    !walk_name(&ahead, &n) || !walk_accept(&ahead, "as"))
		return false;
	from = ahead.now.start;
	while (!walk_at_end(&ahead) && ahead.depth > depth)
		walk_next(&ahead);
	out->column = n.parts[n.nr - 1];
	out->cast = pool_strndup(w->pool, w->s + from, ahead.before.end - from);
	walk_next(&ahead);
	*w = ahead;
	return true;
}

static bool read_column(struct walk *w, struct item *out)
{
	struct sql_name n;

	if (w->s[w->now.start] == '\'' || !walk_name(w, &n))
		return false;
	out->star = w->s[w->before.start] == '.' && walk_accept_char(w, '*');
	out->column = out->star ? NULL : n.parts[n.nr - 1];
	return true;
}

/* Goes to the end of it. */
static void read_item(struct walk *w, struct item *out)
{
	struct sql_name alias;

	memset(out, 0, sizeof(*out));
	out->star = walk_accept_char(w, '*');
	if (!out->star && !read_cast(w, out))
		read_column(w, out);
	walk_accept(w, "as");
	if (!ends_item(w) && walk_name(w, &alias))
		out->alias = alias.parts[alias.nr - 1];
	if (!ends_item(w))
		memset(out, 0, sizeof(*out));
	while (!walk_at_end(w) && !(w->depth == 0 && ends_item(w)))
		walk_next(w);
}

/* --- where it goes -------------------------------------------------------- */

/* The column of `now` that was there, as it is made of another type: its loss is known.
 */
static bool is_retyped(const struct copying *c, const struct sql_column *old)
{
	const struct sql_column *now = sql_table_column(c->now, old->key);

	return now && !sql_type_keeps(old->type, now->type);
}

/* The next column that is filled; `source` where its name is not known. */
static const char *next_filled(const struct copy *k, size_t *at, const char *source)
{
	if (*at < k->filled.nr)
		return k->filled.items[(*at)++];
	return k->filled.nr ? NULL : source;
}

/* What stood in `source` of the table that is read is in `target` since. */
static void hold(const struct copying *c, const char *const *from, const char *source,
		 const char *cast, const char *target, struct copy *k)
{
	const struct sql_column *old;
	size_t i;

	for (i = 0; target && i < c->was->nr; i++) {
		old = &c->was->columns[i];
		if (!from[i] || !is_same(c, from[i], source) ||
		    (cast && !sql_type_keeps(old->type, cast) && !is_retyped(c, old)))
			continue;
		if (!k->held[i] || is_same(c, target, old->key))
			k->held[i] = target;
	}
}

static void take_item(const struct copying *c, const struct copy *from, size_t *at,
		      const struct item *item, struct copy *k)
{
	const char *name = item->alias ? item->alias : item->column;
	const char *target;
	size_t i;

	if (!item->star) {
		target = next_filled(k, at, name ? name : "");
		if (item->column)
			hold(c, from->held, item->column, item->cast, target, k);
		add_name(&k->all, target ? target : "");
		return;
	}
	for (i = 0; i < from->all.nr; i++) {
		target = next_filled(k, at, from->all.items[i]);
		hold(c, from->held, from->all.items[i], NULL, target, k);
		add_name(&k->all, target ? target : "");
	}
}

/* Behind the table: an alias and an order take no row away, if none is left out. */
static bool keeps_rows(struct walk w)
{
	static const char *const limits[] = { "limit", "offset", "fetch" };
	struct sql_name alias;
	size_t i;

	while (walk_accept_char(&w, ')'))
		continue;
	if (!walk_at_end(&w) && !walk_is(&w, "order")) {
		walk_accept(&w, "as");
		if (!walk_name(&w, &alias))
			return false;
	}
	if (!walk_at_end(&w) && !walk_is(&w, "order"))
		return false;
	for (; !walk_at_end(&w); walk_next(&w))
		for (i = 0; i < ARRAY_SIZE(limits); i++)
			if (w.depth == 0 && walk_is(&w, limits[i]))
				return false;
	return true;
}

/* --- copies --------------------------------------------------------------- */

/* The table itself, as if it were copied from. */
static void start(struct copying *c, struct copy *k)
{
	size_t i;

	k->of_it = k->has_all_rows = true;
	for (i = 0; i < c->was->nr; i++) {
		k->held[i] = c->was->columns[i].key;
		add_name(&k->all, c->was->columns[i].key);
	}
}

static size_t count_held(const struct copying *c, const struct copy *k)
{
	size_t i, nr = 0;

	for (i = 0; i < c->was->nr; i++)
		nr += k->held[i] != NULL;
	return nr;
}

/* What was copied into the table of that name before, of which most is there. */
static const struct copy *find_copy(const struct copying *c, const char *key)
{
	const struct copy *k, *best = NULL;

	for (k = c->copies + 1; k < c->copies + c->nr; k++)
		if (k->of_it && is_same(c, k->event->table_key, key) &&
		    (!best || count_held(c, k) > count_held(c, best)))
			best = k;
	return best;
}

/* Whether what follows names the table itself: it is joined, or looked into. */
static bool is_named(const struct copying *c, struct walk w)
{
	struct sql_name n;

	while (!walk_at_end(&w)) {
		if (!walk_name(&w, &n))
			walk_next(&w);
		else if (is_same(c, n.parts[n.nr - 1], c->was->key))
			return true;
	}
	return false;
}

/* Where the rows come from; NULL: from what cannot be followed. */
static const struct copy *find_source(struct copying *c, struct walk *w, bool *other)
{
	struct sql_name n;
	const char *key;

	walk_accept(w, "only");
	if (!walk_name(w, &n))
		return NULL;
	key = sql_name_join(&c->pool, sql_name_schema(&n), n.parts[n.nr - 1]);
	if (has_name(c, c->was, key))
		return &c->copies[0];
	if (!sql_catalog_table(c->before, key))
		return find_copy(c, key);
	*other = !is_named(c, *w);
	return NULL;
}

static bool find_from(struct walk *w)
{
	struct item ignored;

	do
		read_item(w, &ignored);
	while (walk_accept_char(w, ','));
	return walk_accept(w, "from");
}

static void take_items(const struct copying *c, struct walk w, const struct copy *from,
		       struct copy *k)
{
	struct item item;
	size_t at = 0;

	do {
		read_item(&w, &item);
		take_item(c, from, &at, &item, k);
	} while (walk_accept_char(&w, ','));
}

/* SELECT ... FROM, or TABLE, and what follows. */
static void read_query(struct copying *c, struct walk w, struct copy *k)
{
	const struct item all = { .star = true };
	bool table = walk_accept(&w, "table"), other = false, distinct;
	struct names known = { 0 };
	const struct copy *from;
	struct walk items;
	size_t at = 0;

	walk_accept(&w, "select");
	distinct = walk_accept(&w, "distinct");
	items = w;
	if (!table && !find_from(&w))
		return;
	from = find_source(c, &w, &other);
	k->of_it = !other;
	if (!from)
		return;
	k->has_all_rows = from->has_all_rows && !distinct && !k->event->skips &&
			  keeps_rows(w);
	if (table)
		take_item(c, from, &at, &all, k);
	else
		take_items(c, items, from, k);
	read_names(c, k->event->to, &known);
	if (known.nr) {
		free(k->all.items);
		k->all = known;
	}
}

static struct copy *add_copy(struct copying *c, const struct sql_event *e)
{
	struct copy *k;

	VEC_GROW(c->copies, c->nr, c->alloc);
	k = &c->copies[c->nr];
	memset(k, 0, sizeof(*k));
	k->event = e;
	k->held = pool_alloc(&c->pool, (c->was->nr + 1) * sizeof(*k->held));
	return k;
}

static void read_copies(struct copying *c)
{
	const struct sql_event *e = c->after->events, *end = e + c->after->nr_events;
	struct copy *k;
	struct walk w;

	start(c, add_copy(c, NULL));
	c->nr++;
	for (; e < end && c->nr < COPIES_MAX; e++) {
		if (e->kind != SAW_COPY)
			continue;
		k = add_copy(c, e);
		read_names(c, e->name ? e->name : e->to, &k->filled);
		walk_text(c, &w, e->text);
		read_query(c, w, k);
		c->nr++;
	}
}

/* --- what is left --------------------------------------------------------- */

static bool has_all_values(const struct copying *c, const struct copy *k)
{
	const struct sql_column *old;
	size_t i;

	for (i = 0; i < c->was->nr; i++) {
		old = &c->was->columns[i];
		if (k->held[i] && is_same(c, k->held[i], old->key))
			continue;
		if (!column_text_computes(old->rest) &&
		    (c->now->guessed || sql_table_column(c->now, old->key)))
			return false;
	}
	return true;
}

static unsigned least_lost(const struct copying *c)
{
	unsigned lost, least = REBUILT_EMPTY;
	const struct copy *k;

	for (k = c->copies + 1; k < c->copies + c->nr; k++) {
		if (!k->of_it || !has_name(c, c->now, k->event->table_key))
			continue;
		lost = (k->has_all_rows ? 0 : REBUILT_ROWS) |
		       (has_all_values(c, k) ? 0 : REBUILT_VALUES);
		if (least == REBUILT_EMPTY || lost < least)
			least = lost;
	}
	return least;
}

static void release(struct copying *c)
{
	size_t i;

	for (i = 0; i < c->nr; i++) {
		free(c->copies[i].filled.items);
		free(c->copies[i].all.items);
	}
	free(c->copies);
	pool_release(&c->pool);
}

unsigned sql_rebuilt(const struct sql_catalog *before, const struct sql_catalog *after,
		     const struct sql_table *was, const struct sql_table *now)
{
	struct copying c = { .before = before, .after = after, .was = was, .now = now };
	unsigned lost;

	if (!sql_table_is_new(after, now))
		return 0;
	read_copies(&c);
	lost = least_lost(&c);
	release(&c);
	return lost;
}
