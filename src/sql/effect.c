#include "base/compat.h"

#include "sql/effect.h"

#include "base/err.h"
#include "base/vec.h"
#include "sql/name.h"
#include "sql/narrow.h"
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

static const struct sql_event *find_rename(const struct sql_catalog *after,
					   enum sql_saw kind, const char *table,
					   const char *to)
{
	const struct sql_event *e;

	for (e = after->events; e < after->events + after->nr_events; e++)
		if (e->kind == kind && strcmp(e->to_key, to) == 0 &&
		    (!table || strcmp(e->table_key, table) == 0))
			return e;
	return NULL;
}

/* The table as it was before, by its old name where that was changed. */
static const struct sql_table *old_table(const struct sql_catalog *before,
					 const struct sql_catalog *after,
					 const struct sql_table *now)
{
	const struct sql_table *was = sql_catalog_table(before, now->key);
	const struct sql_event *e;

	if (was)
		return was;
	e = find_rename(after, SAW_RENAME_TABLE, NULL, now->key);
	return e ? sql_catalog_table(before, e->table_key) : NULL;
}

static const struct sql_column *old_column(const struct sql_catalog *after,
					   const struct sql_table *was,
					   const struct sql_table *now,
					   const struct sql_column *c)
{
	const struct sql_event *e;

	e = find_rename(after, SAW_RENAME_COLUMN, was->key, c->key);
	if (!e)
		e = find_rename(after, SAW_RENAME_COLUMN, now->key, c->key);
	return sql_table_column(was, e ? e->key : c->key);
}

static void compare_columns(const struct sql_catalog *after, const struct sql_table *was,
			    const struct sql_table *now, struct sql_effects *out)
{
	const struct sql_column *c, *old;
	struct sql_effect *e;

	for (c = now->columns; c < now->columns + now->nr; c++) {
		old = was ? old_column(after, was, now, c) : NULL;
		if (old && strcasecmp(old->type, c->type) == 0 &&
		    old->recasts == c->recasts)
			continue;
		e = add(out, old ? EFFECT_TYPE : EFFECT_NEW_COLUMN, now->key, now->name);
		e->column_key = c->key;
		e->column = c->name;
		e->old_type = old ? old->type : NULL;
		e->new_type = c->type;
		e->keeps = old && old->recasts == c->recasts &&
			   sql_type_keeps(old->type, c->type);
	}
}

static bool is_left(const struct sql_catalog *after, const struct sql_table *was,
		    const struct sql_table *now, const struct sql_column *c)
{
	const struct sql_column *k;

	for (k = now->columns; k < now->columns + now->nr; k++)
		if (old_column(after, was, now, k) == c)
			return true;
	return false;
}

static void find_gone(const struct sql_catalog *before, const struct sql_catalog *after,
		      struct sql_effects *out)
{
	const struct sql_table *t, *k, *now;
	const struct sql_column *c;
	struct sql_effect *e;

	for (t = before->tables; t < before->tables + before->nr; t++) {
		for (now = NULL, k = after->tables; k < after->tables + after->nr; k++)
			if (old_table(before, after, k) == t)
				now = k;
		if (!now)
			add(out, EFFECT_GONE_TABLE, t->key, t->name);
		if (now && sql_rebuilt(before, after, t, now) & REBUILT_EMPTY)
			continue;
		for (c = t->columns; now && c < t->columns + t->nr; c++) {
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

	if (lost & REBUILT_EMPTY) {
		add(out, EFFECT_GONE_TABLE, was->key, was->name);
		add(out, EFFECT_NEW_TABLE, now->key, now->name);
		return;
	}
	compare_columns(after, was, now, out);
	if (lost & REBUILT_ROWS)
		add(out, EFFECT_DELETED, now->key, now->key);
	if (lost & REBUILT_VALUES)
		add(out, EFFECT_UPDATED, now->key, now->key);
}

/* --- rows ---------------------------------------------------------------- */

static void add_rows(struct sql_effects *out, enum sql_effect_kind kind, const char *key)
{
	size_t i;

	if (!key)
		return;
	for (i = 0; i < out->nr; i++)
		if (out->items[i].kind == kind &&
		    strcmp(out->items[i].table_key, key) == 0)
			return;
	add(out, kind, key, key);
}

/* The table that stands here; NULL when none does. */
static const char *take_table(struct walk *w)
{
	struct sql_name n;

	walk_accept(w, "only");
	if (!walk_name(w, &n))
		return NULL;
	return sql_name_join(w->pool, sql_name_schema(&n), n.parts[n.nr - 1]);
}

/* A statement that changes rows: as a whole, or in its WITH. */
struct changing {
	struct walk w;
	const char *into; /* the table of its last INSERT or MERGE */
	bool replaces;	  /* INSERT OR REPLACE, REPLACE */
};

static bool follows(const struct walk *w, const char *word)
{
	return token_is(w->s, &w->before, word);
}

static void read_update(struct changing *c, struct sql_effects *out)
{
	struct walk *w = &c->w;
	bool of_into = follows(w, "do") || follows(w, "then");
	bool lock = follows(w, "for") || follows(w, "key");

	walk_next(w);
	if (lock)
		return;
	if (walk_accept(w, "or"))
		walk_next(w);
	add_rows(out, EFFECT_UPDATED, of_into ? c->into : take_table(w));
}

static void read_verb(struct changing *c, struct sql_effects *out)
{
	struct walk *w = &c->w;

	if (walk_is(w, "update")) {
		read_update(c, out);
	} else if (walk_is(w, "delete")) {
		bool of_into = follows(w, "then");

		walk_next(w);
		if (of_into)
			add_rows(out, EFFECT_DELETED, c->into);
		else if (walk_accept(w, "from"))
			add_rows(out, EFFECT_DELETED, take_table(w));
	} else if (walk_accept(w, "replace")) {
		c->replaces = walk_is(w, "into");
	} else if (walk_accept(w, "into")) {
		c->into = take_table(w);
		if (c->replaces)
			add_rows(out, EFFECT_UPDATED, c->into);
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

static void read_truncate(struct walk *w, struct sql_effects *out)
{
	walk_accept(w, "table");
	do
		add_rows(out, EFFECT_DELETED, take_table(w));
	while (walk_accept_char(w, ','));
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

static void read_statement(const struct sql_statement *st, bool sqlite,
			   struct sql_effects *out)
{
	static const char *const verbs[] = { "delete", "update", "insert", "replace",
					     "merge",  "with",	 NULL };
	struct changing c = { .into = NULL };

	walk_start(&c.w, st, &out->pool);
	if (!out->unread) {
		out->unread = find_unread(c.w, sqlite);
		out->line = st->line;
	}
	if (walk_accept(&c.w, "truncate"))
		read_truncate(&c.w, out);
	else if (begins_with(&c.w, verbs))
		while (!walk_at_end(&c.w))
			read_verb(&c, out);
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

static void read_rows(const char *text, size_t len, bool sqlite, struct sql_effects *out)
{
	struct sql_statement st;
	struct err ignored = { 0 };
	bool in_trigger = false;
	struct sql_split s;

	if (sql_split_init(&s, text, len, &ignored) == 0)
		while (sql_split_next(&s, &st, &ignored) > 0) {
			if (in_trigger)
				in_trigger = st.word != WORD_COMMIT;
			else if (begins_trigger(&st, &out->pool))
				in_trigger = true;
			else
				read_statement(&st, sqlite, out);
		}
	sql_split_close(&s);
}

void sql_effects_read(const struct sql_catalog *before, const struct sql_catalog *after,
		      const char *text, size_t len, struct sql_effects *out)
{
	const struct sql_table *now, *was;

	memset(out, 0, sizeof(*out));
	for (now = after->tables; now < after->tables + after->nr; now++) {
		was = old_table(before, after, now);
		/* one that nobody saw made was there: what is seen of it is new */
		if (was && !now->guessed)
			compare_rows(before, after, was, now, out);
		else if (was || (now->guessed && !sql_table_is_new(after, now)))
			compare_columns(after, was, now, out);
		else
			add(out, EFFECT_NEW_TABLE, now->key, now->name);
	}
	find_gone(before, after, out);
	read_rows(text, len, after->sqlite, out);
}

void sql_effects_release(struct sql_effects *e)
{
	free(e->items);
	pool_release(&e->pool);
	memset(e, 0, sizeof(*e));
}
