#include "base/compat.h"

#include "sql/effect.h"

#include "base/err.h"
#include "base/vec.h"
#include "sql/name.h"
#include "sql/narrow.h"
#include "sql/origin.h"
#include "sql/rebuilt.h"
#include "sql/split.h"

const char *sql_effect_word(enum sql_effect_kind kind)
{
	switch (kind) {
	case EFFECT_NEW_TABLE:
		return "new-table";
	case EFFECT_NEW_COLUMN:
		return "new-column";
	case EFFECT_TYPE:
		return "type";
	case EFFECT_GONE_TABLE:
		return "gone-table";
	case EFFECT_GONE_COLUMN:
		return "gone-column";
	case EFFECT_UPDATED:
		return "updated";
	case EFFECT_DELETED:
		return "deleted";
	}
	BUG("unhandled kind %d", (int)kind);
}

bool sql_effect_is_counted(enum sql_effect_kind kind)
{
	return kind == EFFECT_NEW_TABLE || kind == EFFECT_NEW_COLUMN ||
	       kind == EFFECT_TYPE;
}

static struct sql_effect *add(struct sql_effects *out, enum sql_effect_kind kind,
			      const char *table_key, const char *table)
{
	struct sql_effect *e;

	VEC_GROW(out->items, out->nr, out->alloc);
	e = &out->items[out->nr++];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->table_key = table_key;
	e->table = table;
	return e;
}

/* --- tables and columns ------------------------------------------------- */

static void compare_columns(const struct sql_catalog *after, const struct sql_table *was,
			    const struct sql_table *now, struct sql_effects *out)
{
	const struct sql_column *c, *old;
	struct sql_effect *e;
	bool added;

	for (c = now->columns; c < now->columns + now->nr; c++) {
		old = was ? sql_origin_column(after, was, now, c) : NULL;
		added = sql_origin_is_added(after, now, c);
		if (old && !added && strcasecmp(old->type, c->type) == 0 &&
		    old->recasts == c->recasts)
			continue;
		e = add(out, old ? EFFECT_TYPE : EFFECT_NEW_COLUMN, now->key, now->name);
		e->column_key = c->key;
		e->column = c->name;
		e->old_type = old ? old->type : NULL;
		e->new_type = c->type;
		e->keeps = old && !added && old->recasts == c->recasts &&
			   sql_type_keeps(old->type, c->type);
	}
}

static bool is_left(const struct sql_catalog *after, const struct sql_table *was,
		    const struct sql_table *now, const struct sql_column *c)
{
	const struct sql_column *k;

	for (k = now->columns; k < now->columns + now->nr; k++)
		if (sql_origin_column(after, was, now, k) == c)
			return true;
	return false;
}

/* The table itself, by any name, or what has taken its place with its rows. */
static const struct sql_table *what_is_left(const struct sql_catalog *before,
					    const struct sql_catalog *after,
					    const struct sql_table *was)
{
	const struct sql_table *now = sql_origin_left(before, after, was);

	if (now)
		return now;
	now = sql_catalog_table(after, was->key);
	return now && sql_table_is_new(after, now) ? now : NULL;
}

static void find_gone(const struct sql_catalog *before, const struct sql_catalog *after,
		      struct sql_effects *out)
{
	const struct sql_table *t, *now;
	const struct sql_column *c;
	struct sql_effect *e;

	for (t = before->tables; t < before->tables + before->nr; t++) {
		now = what_is_left(before, after, t);
		if (!now)
			add(out, EFFECT_GONE_TABLE, t->key, t->name);
		if (!now || (now->guessed && sql_table_is_new(after, now)) ||
		    sql_rebuilt(before, after, t, now) & REBUILT_EMPTY)
			continue;
		for (c = t->columns; c < t->columns + t->nr; c++) {
			if (is_left(after, t, now, c))
				continue;
			e = add(out, EFFECT_GONE_COLUMN, now->key, now->name);
			e->column_key = c->key;
			e->column = c->name;
			e->old_type = c->type;
		}
	}
}

/* Of a table that is made anew, what of its rows does not come with it. */
static void compare_rows(const struct sql_catalog *before,
			 const struct sql_catalog *after, const struct sql_table *was,
			 const struct sql_table *now, struct sql_effects *out)
{
	unsigned lost = sql_rebuilt(before, after, was, now);
	bool is_kept = sql_origin_left(before, after, was) != NULL;

	if (lost & REBUILT_EMPTY) {
		if (!is_kept)
			add(out, EFFECT_GONE_TABLE, was->key, was->name);
		add(out, EFFECT_NEW_TABLE, now->key, now->name);
		return;
	}
	compare_columns(after, was, now, out);
	if (lost & REBUILT_ROWS && !is_kept)
		add(out, EFFECT_DELETED, now->key, now->key)->rebuilt = true;
	if (lost & REBUILT_VALUES && !is_kept)
		add(out, EFFECT_UPDATED, now->key, now->key)->rebuilt = true;
}

/* --- rows ---------------------------------------------------------------- */

static struct sql_effect *add_rows(struct sql_effects *out, enum sql_effect_kind kind,
				   const char *key)
{
	size_t i;

	for (i = 0; i < out->nr; i++)
		if (out->items[i].kind == kind && !out->items[i].rebuilt &&
		    strcmp(out->items[i].table_key, key) == 0)
			return &out->items[i];
	return add(out, kind, key, key);
}

/* A statement that changes rows: as a whole, or in its WITH. */
struct changing {
	const struct sql_catalog *before, *after;
	struct sql_effects *out;
	struct walk w;
	const char *into; /* the table of its last INSERT or MERGE */
	bool replaces;	  /* INSERT OR REPLACE, REPLACE */
	bool plain;	  /* an UPDATE, as a catalog sees it, too */
};

/* The table that stands here, as it is called in the end; NULL when none does. */
static const char *take_table(struct changing *c)
{
	struct sql_name n;

	walk_accept(&c->w, "only");
	if (!walk_name(&c->w, &n))
		return NULL;
	if (c->after->sqlite)
		sql_name_fold(&n, c->w.pool);
	return sql_name_join(c->w.pool, sql_name_schema(&n), n.parts[n.nr - 1]);
}

/* Made and dropped again by the migration: no rows of before are in it. */
static bool is_scratch(const struct changing *c, const char *key)
{
	const struct sql_event *e = c->after->events, *end = e + c->after->nr_events;

	if (sql_catalog_table(c->before, key) || sql_catalog_table(c->after, key))
		return false;
	for (; e < end; e++)
		if (e->kind == SAW_COPY && e->to && strcmp(e->table_key, key) == 0)
			return true;
	return false;
}

static const char *last_name(const struct changing *c, const char *key)
{
	const struct sql_event *e = c->after->events, *end = e + c->after->nr_events;

	if (sql_catalog_table(c->after, key))
		return key;
	for (; e < end; e++)
		if (e->kind == SAW_RENAME_TABLE && strcmp(e->table_key, key) == 0)
			key = e->to_key;
	return key;
}

static void change(struct changing *c, enum sql_effect_kind kind, const char *key)
{
	struct sql_effect *e;

	if (key)
		key = last_name(c, key);
	if (!key || is_scratch(c, key))
		return;
	e = add_rows(c->out, kind, key);
	e->overwrites |= !c->plain && sql_catalog_table(c->before, key);
}

static bool follows(const struct walk *w, const char *word)
{
	return token_is(w->s, &w->before, word);
}

static void read_update(struct changing *c)
{
	struct walk *w = &c->w;
	bool of_into = follows(w, "do") || follows(w, "then");
	bool lock = follows(w, "for") || follows(w, "key");

	walk_next(w);
	if (lock)
		return;
	if (walk_accept(w, "or"))
		walk_next(w);
	change(c, EFFECT_UPDATED, of_into ? c->into : take_table(c));
}

static void read_verb(struct changing *c)
{
	struct walk *w = &c->w;

	if (walk_is(w, "update")) {
		read_update(c);
	} else if (walk_is(w, "delete")) {
		bool of_into = follows(w, "then");

		walk_next(w);
		if (of_into)
			change(c, EFFECT_DELETED, c->into);
		else if (walk_accept(w, "from"))
			change(c, EFFECT_DELETED, take_table(c));
	} else if (walk_accept(w, "replace")) {
		c->replaces = walk_is(w, "into");
	} else if (walk_accept(w, "into")) {
		c->into = take_table(c);
		if (c->replaces)
			change(c, EFFECT_UPDATED, c->into);
		c->replaces = false;
	} else {
		walk_next(w);
	}
}

static bool begins_with(const struct walk *w, const char *const *words)
{
	for (; *words; words++)
		if (walk_is(w, *words))
			return true;
	return false;
}

static void read_truncate(struct changing *c)
{
	walk_accept(&c->w, "table");
	do
		change(c, EFFECT_DELETED, take_table(c));
	while (walk_accept_char(&c->w, ','));
}

/* --- what cannot be told --------------------------------------------------- */

static bool is_harmless(const struct sql_name *n)
{
	static const char *const names[] = {
		"count",	   "min",    "max",	"sum",
		"coalesce",	   "now",    "setval",	"nextval",
		"set_config",	   "unnest", "changes", "version",
		"generate_series", NULL
	};
	const char *const *name;

	if (n->nr > 1)
		return strcmp(n->parts[n->nr - 2], "pg_catalog") == 0;
	for (name = names; *name; name++)
		if (strcmp(*name, n->parts[0]) == 0)
			return true;
	return false;
}

/* Of a query: what it selects first, or from, is the call of a function. */
static bool calls(struct walk w)
{
	struct sql_name n;

	while (!walk_at_end(&w)) {
		bool may = walk_is(&w, "select") || walk_is(&w, "from") ||
			   (walk_is_char(&w, ',') && w.depth == 0);

		walk_next(&w);
		if (may && walk_name(&w, &n) && walk_is_char(&w, '(') && !is_harmless(&n))
			return true;
	}
	return false;
}

/* What goes with it may be more than its name tells. */
static bool drops_more(struct walk w)
{
	static const char *const holders[] = { "schema", "owned",     "type",
					       "domain", "extension", NULL };

	if (!walk_accept(&w, "drop"))
		return false;
	return walk_is(&w, "owned") ||
	       (begins_with(&w, holders) && walk_find(&w, "cascade"));
}

/* SQLite has no functions that change anything. */
static const char *find_unread(struct walk w, bool sqlite)
{
	if (walk_is(&w, "do"))
		return "DO";
	if (walk_is(&w, "call"))
		return "CALL";
	if (walk_is(&w, "execute"))
		return "EXECUTE";
	if (drops_more(w))
		return "DROP";
	if (!sqlite && (walk_is(&w, "select") || walk_is(&w, "with")) && calls(w))
		return "a function";
	return NULL;
}

static void read_statement(struct changing *c, const struct sql_statement *st)
{
	static const char *const verbs[] = { "delete", "update", "insert", "replace",
					     "merge",  "with",	 NULL };
	struct sql_effects *out = c->out;

	walk_start(&c->w, st, &out->pool);
	c->into = NULL;
	c->replaces = false;
	c->plain = walk_is(&c->w, "update");
	if (!out->unread) {
		out->unread = find_unread(c->w, c->after->sqlite);
		out->line = st->line;
	}
	if (walk_accept(&c->w, "truncate"))
		read_truncate(c);
	else if (begins_with(&c->w, verbs))
		while (!walk_at_end(&c->w))
			read_verb(c);
}

/* SQLite's own: its body is split at each semicolon, and is run by nobody here. */
static bool begins_trigger(const struct sql_statement *st, struct pool *pool)
{
	struct walk w;

	walk_start(&w, st, pool);
	if (!walk_accept(&w, "create"))
		return false;
	if (!walk_accept(&w, "temp"))
		walk_accept(&w, "temporary");
	return walk_is(&w, "trigger") && walk_find(&w, "begin");
}

static void read_rows(struct changing *c, const char *text, size_t len)
{
	struct sql_statement st;
	struct err ignored = { 0 };
	bool in_trigger = false;
	struct sql_split s;

	if (sql_split_init(&s, text, len, &ignored) == 0)
		while (sql_split_next(&s, &st, &ignored) > 0) {
			if (in_trigger)
				in_trigger = st.word != WORD_COMMIT;
			else if (begins_trigger(&st, &c->out->pool))
				in_trigger = true;
			else
				read_statement(c, &st);
		}
	sql_split_close(&s);
}

void sql_effects_read(const struct sql_catalog *before, const struct sql_catalog *after,
		      const char *text, size_t len, struct sql_effects *out)
{
	struct changing c = { .before = before, .after = after, .out = out };
	const struct sql_table *now, *was;

	memset(out, 0, sizeof(*out));
	for (now = after->tables; now < after->tables + after->nr; now++) {
		was = sql_origin_place(before, after, now);
		/* one that nobody saw made was there: what is seen of it is new */
		if (was && (!now->guessed || sql_table_is_new(after, now)))
			compare_rows(before, after, was, now, out);
		else if (was || (now->guessed && !sql_table_is_new(after, now)))
			compare_columns(after, was, now, out);
		else
			add(out, EFFECT_NEW_TABLE, now->key, now->name);
	}
	find_gone(before, after, out);
	read_rows(&c, text, len);
}

void sql_effects_release(struct sql_effects *e)
{
	free(e->items);
	pool_release(&e->pool);
	memset(e, 0, sizeof(*e));
}
