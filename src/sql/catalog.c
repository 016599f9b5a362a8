#include "base/compat.h"

#include "sql/catalog.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"
#include "sql/column_text.h"
#include "sql/name.h"
#include "sql/narrow.h"
#include "sql/query.h"
#include "sql/split.h"

/* Of the constraints of a column: longer ones are not written anew at each change. */
enum { REST_MAX = 4096 };

/* One statement on its way into a catalog. */
struct reader {
	struct sql_catalog *c;
	struct walk w;
};

/* --- texts and names --------------------------------------------------- */

/* The tokens between two places, blanks and comments as one blank. */
static const char *text_between(struct reader *r, size_t from, size_t to)
{
	struct buf out = BUF_INIT;
	const char *text;
	struct token t;

	while (from < to) {
		token_next(r->w.s, to, from, &t);
		if (t.end <= from)
			break;
		if (t.kind != TOKEN_BLANK)
			buf_add(&out, r->w.s + t.start, t.end - t.start);
		else if (out.len && t.end < to)
			buf_addc(&out, ' ');
		from = t.end;
	}
	text = pool_strndup(&r->c->pool, buf_str(&out), out.len);
	buf_release(&out);
	return text;
}

/* What was read since `from`. */
static const char *text_since(struct reader *r, size_t from)
{
	size_t to = walk_at_end(&r->w) ? r->w.len : r->w.before.end;

	return from < to ? text_between(r, from, to) : "";
}

struct named {
	const char *key, *name, *base;
	const char *schema; /* NULL: none, or one that goes without saying */
};

/* A name here: as it is compared, and as it is written. */
static bool take_name(struct reader *r, struct named *out)
{
	struct sql_name n;

	walk_accept(&r->w, "only");
	if (!walk_name(&r->w, &n))
		return false;
	if (r->c->sqlite)
		sql_name_fold(&n, &r->c->pool);
	out->schema = sql_name_schema(&n);
	out->key = sql_name_join(&r->c->pool, out->schema, n.parts[n.nr - 1]);
	out->name = text_between(r, (size_t)(n.at - r->w.s), r->w.before.end);
	out->base = text_between(r, r->w.before.start, r->w.before.end);
	return true;
}

/* Whether it is to be done only if (not) exists. */
static bool pass_conditions(struct walk *w)
{
	struct walk ahead = *w;

	if (!walk_accept(&ahead, "if"))
		return false;
	walk_accept(&ahead, "not");
	if (!walk_accept(&ahead, "exists"))
		return false;
	*w = ahead;
	return true;
}

static bool is_one_of(const struct walk *w, const char *const *words)
{
	for (; *words; words++)
		if (walk_is(w, *words))
			return true;
	return false;
}

/* Goes to the comma or parenthesis that ends what stands at `depth`. */
static void pass_part(struct walk *w, size_t depth)
{
	while (!walk_at_end(w)) {
		if (w->depth == depth && walk_is_char(w, ','))
			return;
		if (w->depth < depth)
			return;
		walk_next(w);
	}
}

/* --- tables ------------------------------------------------------------ */

static struct sql_table *add_table(struct sql_catalog *c, const struct named *n)
{
	struct sql_table *t;

	sql_catalog_drop(c, n->key);
	VEC_GROW(c->tables, c->nr, c->alloc);
	t = &c->tables[c->nr++];
	memset(t, 0, sizeof(*t));
	t->key = n->key;
	t->name = n->name;
	t->base = n->base;
	t->options = "";
	return t;
}

/* One that is known, or else a guess that it is there. */
static struct sql_table *need_table(struct sql_catalog *c, const struct named *n)
{
	struct sql_table *t = sql_catalog_table(c, n->key);

	if (t)
		return t;
	t = add_table(c, n);
	t->guessed = true;
	return t;
}

static struct sql_column *need_column(struct sql_table *t, const struct named *n)
{
	struct sql_column *c = sql_table_column(t, n->key);

	if (c)
		return c;
	VEC_GROW(t->columns, t->nr, t->alloc);
	c = &t->columns[t->nr++];
	memset(c, 0, sizeof(*c));
	c->key = n->key;
	c->name = n->name;
	c->type = c->rest = c->made = "";
	return c;
}

static void drop_column(struct sql_table *t, const char *key)
{
	struct sql_column *c = sql_table_column(t, key);
	size_t at;

	if (!c)
		return;
	at = (size_t)(c - t->columns);
	memmove(c, c + 1, (t->nr - at - 1) * sizeof(*c));
	t->nr--;
}

static struct sql_event *add_event(struct reader *r, enum sql_saw kind,
				   const struct named *table)
{
	struct sql_catalog *c = r->c;
	struct sql_event *e;

	VEC_GROW(c->events, c->nr_events, c->alloc_events);
	e = &c->events[c->nr_events++];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->table_key = table->key;
	e->table = table->name;
	return e;
}

/* --- definitions ------------------------------------------------------- */

static const char *const constraint_words[] = { "constraint", "primary", "unique",
						"check",      "foreign", NULL };

static const char *const after_type[] = {
	"constraint", "primary", "not",	      "null", "unique", "check", "default",
	"references", "collate", "generated", "as",   "using",	NULL
};

/* LIKE and EXCLUDE are PostgreSQL's alone: to SQLite they are names of columns. */
static bool is_constraint(const struct reader *r)
{
	struct walk ahead = r->w;

	if (is_one_of(&r->w, constraint_words))
		return true;
	if (r->c->sqlite)
		return false;
	if (walk_accept(&ahead, "exclude"))
		return walk_is(&ahead, "using") || walk_is_char(&ahead, '(');
	return walk_is(&r->w, "like");
}

static void take_constraint(struct reader *r, struct sql_table *t)
{
	size_t from = r->w.now.start;

	pass_part(&r->w, r->w.depth);
	VEC_GROW(t->constraints, t->nr_constraints, t->alloc_constraints);
	t->constraints[t->nr_constraints++] = text_since(r, from);
}

/* The type that stands here, up to the first word that cannot be of one. */
static const char *take_type(struct reader *r, size_t depth)
{
	size_t from = r->w.now.start;

	while (!walk_at_end(&r->w) && r->w.depth >= depth) {
		if (r->w.depth == depth &&
		    (walk_is_char(&r->w, ',') || is_one_of(&r->w, after_type)))
			break;
		walk_next(&r->w);
	}
	return r->w.now.start == from ? "" : text_since(r, from);
}

/* Whether the part of a definition up to its end says NOT NULL. */
static bool says_required(struct walk w, size_t depth)
{
	for (; !walk_at_end(&w) && w.depth >= depth; walk_next(&w)) {
		if (w.depth == depth && walk_is_char(&w, ','))
			return false;
		if (w.depth == depth &&
		    (walk_is(&w, "primary") ||
		     (walk_is(&w, "null") && token_is(w.s, &w.before, "not"))))
			return true;
	}
	return false;
}

static struct sql_column *take_column(struct reader *r, struct sql_table *t)
{
	size_t from, depth = r->w.depth;
	struct sql_column *c;
	struct named n;

	if (!take_name(r, &n))
		return NULL;
	c = need_column(t, &n);
	c->made_by = r->c->texts;
	c->type = take_type(r, depth);
	c->required = says_required(r->w, depth);
	from = r->w.now.start;
	pass_part(&r->w, depth);
	c->rest = c->made = r->w.now.start == from ? "" : text_since(r, from);
	return c;
}

/* --- statements -------------------------------------------------------- */

/* The columns of a table, in their order; NULL where they are not known. */
static const char *list_columns(struct reader *r, const struct named *table)
{
	const struct sql_table *t = sql_catalog_table(r->c, table->key);
	struct buf out = BUF_INIT;
	const char *list = NULL;
	size_t i;

	if (!t || t->guessed)
		return NULL;
	for (i = 0; i < t->nr; i++)
		if (!column_text_computes(t->columns[i].rest))
			buf_addf(&out, "%s%s", out.len ? ", " : "", t->columns[i].name);
	if (out.len)
		list = pool_strndup(&r->c->pool, out.s, out.len);
	buf_release(&out);
	return list;
}

/* Of what fills a table: the query, if there is one. */
static void see_copy(struct reader *r, const struct named *table, bool skips)
{
	struct sql_filling f;
	struct sql_event *e;

	if (!sql_filling(r->w, &f))
		return;
	e = add_event(r, SAW_COPY, table);
	e->text = text_between(r, f.query, r->w.len);
	e->name = f.list ? text_between(r, f.list, f.list_end) : NULL;
	e->to = list_columns(r, table);
	e->skips = skips;
}

static void read_insert(struct reader *r)
{
	bool skips = sql_insert_skips(r->w);
	struct named n;

	if (walk_find(&r->w, "into") && take_name(r, &n))
		see_copy(r, &n, skips);
}

static struct sql_table *make_table(struct reader *r, const struct named *n)
{
	struct sql_table *t = add_table(r->c, n);

	t->made_by = r->c->texts;
	return t;
}

/* Of a query: SELECT ... INTO, a materialized view. Its columns are not known. */
static void read_filled(struct reader *r)
{
	bool if_missing = pass_conditions(&r->w);
	struct named n;

	if (take_name(r, &n) && !(if_missing && sql_catalog_table(r->c, n.key)))
		make_table(r, &n)->guessed = true;
}

static void read_select(struct reader *r)
{
	static const char *const modifiers[] = { "temp", "temporary", "unlogged", "table",
						 NULL };

	if (r->c->sqlite || !walk_find(&r->w, "into"))
		return;
	while (is_one_of(&r->w, modifiers))
		walk_next(&r->w);
	read_filled(r);
}

static void read_create_table(struct reader *r)
{
	struct walk *w = &r->w;
	struct sql_table *t;
	struct named n;
	bool if_missing;
	size_t from;

	if_missing = pass_conditions(w);
	if (!take_name(r, &n) || (if_missing && sql_catalog_table(r->c, n.key)))
		return;
	t = make_table(r, &n);
	see_copy(r, &n, false);
	t->guessed = !walk_accept_char(w, '(');
	while (!t->guessed && !walk_at_end(w)) {
		if (is_constraint(r))
			take_constraint(r, t);
		else
			t->guessed = !take_column(r, t);
		if (!walk_accept_char(w, ','))
			break;
	}
	if (!walk_accept_char(w, ')') || t->guessed) {
		t->guessed = true;
		return;
	}
	from = w->now.start;
	if (!walk_at_end(w))
		t->options = text_between(r, from, w->len);
}

static void add_extra(struct sql_table *t, const char *key, const char *text,
		      bool trigger)
{
	struct sql_extra *x;

	VEC_GROW(t->extras, t->nr_extras, t->alloc_extras);
	x = &t->extras[t->nr_extras++];
	x->key = key;
	x->text = text;
	x->trigger = trigger;
}

static bool has_index(struct sql_catalog *c, const struct named *table, const char *key)
{
	const struct sql_table *t = sql_catalog_table(c, table->key);
	size_t i;

	for (i = 0; t && key && i < t->nr_extras; i++)
		if (!t->extras[i].trigger && strcmp(t->extras[i].key, key) == 0)
			return true;
	return false;
}

static void read_create_index(struct reader *r, bool unique)
{
	struct named n = { 0 }, table;
	struct walk *w = &r->w;
	struct sql_event *e;
	bool if_missing;

	walk_accept(w, "concurrently");
	if_missing = pass_conditions(w);
	if (!walk_is(w, "on") && !take_name(r, &n))
		return;
	if (!walk_accept(w, "on") || !take_name(r, &table) ||
	    (if_missing && has_index(r->c, &table, n.key)))
		return;
	e = add_event(r, unique ? SAW_UNIQUE_INDEX : SAW_INDEX, &table);
	e->name = n.name;
	e->key = n.key;
	e->text = text_between(r, 0, w->len);
	add_extra(need_table(r->c, &table), n.key ? n.key : "", e->text, false);
}

static void read_create_trigger(struct reader *r)
{
	struct named n, table;

	pass_conditions(&r->w);
	if (take_name(r, &n) && walk_find(&r->w, "on") && take_name(r, &table))
		add_extra(need_table(r->c, &table), n.key, n.name, true);
	r->c->in_trigger = walk_find(&r->w, "begin");
}

static void read_create_view(struct reader *r)
{
	struct named n;

	pass_conditions(&r->w);
	if (take_name(r, &n))
		sql_catalog_set_view(r->c, n.key, text_between(r, 0, r->w.len));
}

static void read_create(struct reader *r)
{
	static const char *const modifiers[] = { "temp", "temporary", "unlogged",
						 "or",	 "replace",   "constraint",
						 NULL };
	struct walk *w = &r->w;
	bool unique;

	while (is_one_of(w, modifiers))
		walk_next(w);
	unique = walk_accept(w, "unique");
	if (walk_accept(w, "table"))
		read_create_table(r);
	else if (walk_accept(w, "materialized") && walk_accept(w, "view"))
		read_filled(r);
	else if (walk_accept(w, "view"))
		read_create_view(r);
	else if (walk_accept(w, "index"))
		read_create_index(r, unique);
	else if (walk_accept(w, "trigger"))
		read_create_trigger(r);
}

static void drop_extra(struct sql_catalog *c, const char *key, bool trigger)
{
	struct sql_table *t;
	size_t i;

	for (t = c->tables; t < c->tables + c->nr; t++)
		for (i = 0; i < t->nr_extras; i++)
			if (t->extras[i].trigger == trigger &&
			    strcmp(t->extras[i].key, key) == 0)
				t->extras[i] = t->extras[--t->nr_extras];
}

/* Of PostgreSQL: a schema goes with its tables. */
static void drop_schemas(struct reader *r)
{
	struct named n;

	pass_conditions(&r->w);
	while (take_name(r, &n)) {
		sql_catalog_drop_schema(r->c, n.key);
		if (!walk_accept_char(&r->w, ','))
			break;
	}
}

static void read_drop(struct reader *r)
{
	bool table = walk_accept(&r->w, "table") ||
		     (walk_accept(&r->w, "materialized") && walk_accept(&r->w, "view"));
	bool index = !table && walk_accept(&r->w, "index");
	bool view = !table && !index && walk_accept(&r->w, "view");
	struct named n;

	if (!table && !index && !view && !walk_accept(&r->w, "trigger"))
		return;
	walk_accept(&r->w, "concurrently");
	pass_conditions(&r->w);
	while (take_name(r, &n)) {
		if (table)
			sql_catalog_drop(r->c, n.key);
		else if (view)
			sql_catalog_set_view(r->c, n.key, NULL);
		else
			drop_extra(r->c, n.key, !index);
		if (!walk_accept_char(&r->w, ','))
			break;
	}
}

/* Whether a constraint or an index can have the name of a column. */
static bool may_name_columns(const struct sql_table *t)
{
	bool may = t->nr_constraints || t->nr_extras;
	size_t i;

	for (i = 0; i < t->nr; i++)
		may |= strchr(t->columns[i].rest, '(') != NULL;
	return may;
}

/* The new name of a table is without a schema: it stays in that of the old one. */
static void put_beside(struct reader *r, const struct named *table, struct named *n)
{
	size_t len = strlen(table->name) - strlen(table->base);

	if (n->schema)
		return;
	n->key = sql_name_join(&r->c->pool, table->schema, n->key);
	n->name = pool_printf(&r->c->pool, "%.*s%s", (int)len, table->name, n->base);
}

/* The last part of its key. */
static const char *base_key(const struct named *n)
{
	return n->schema ? n->key + strlen(n->schema) + 1 : n->key;
}

static void read_rename(struct reader *r, const struct named *table)
{
	struct sql_table *t = need_table(r->c, table);
	struct walk *w = &r->w;
	struct sql_column *c;
	struct sql_event *e;
	struct named a, b;

	t->renamed = true;
	if (walk_accept(w, "to")) {
		if (!take_name(r, &b))
			return;
		put_beside(r, table, &b);
		e = add_event(r, SAW_RENAME_TABLE, table);
		e->to = b.name;
		e->to_key = b.key;
		sql_catalog_drop(r->c, b.key);
		t = need_table(r->c, table); /* the other one's end moved it */
		t->key = b.key;
		t->name = b.name;
		t->base = b.base;
		t->outdated |= t->nr_extras > 0;
		sql_catalog_outdate(r->c, base_key(table));
		return;
	}
	if (walk_accept(w, "constraint"))
		return;
	walk_accept(w, "column");
	if (!take_name(r, &a) || !walk_accept(w, "to") || !take_name(r, &b))
		return;
	e = add_event(r, SAW_RENAME_COLUMN, table);
	e->name = a.name;
	e->key = a.key;
	e->to = b.name;
	e->to_key = b.key;
	t->outdated |= may_name_columns(t);
	sql_catalog_outdate(r->c, base_key(table));
	c = need_column(t, &a);
	c->key = b.key;
	c->name = b.name;
}

typedef void column_text(const char *rest, struct buf *out);

/* Puts one constraint, or none, in the place of another; whether the text is right. */
static bool change_rest(struct reader *r, struct sql_column *c, column_text *without,
			const char *with)
{
	bool is_named = column_text_has(c->rest, "constraint");
	struct buf out = BUF_INIT;

	if (strlen(c->rest) > REST_MAX)
		return false;
	without(c->rest, &out);
	buf_addf(&out, "%s%s", out.len && *with ? " " : "", with);
	c->rest = pool_strdup(&r->c->pool, buf_str(&out));
	buf_release(&out);
	return !is_named; /* its name would be left */
}

/* What stands here as the default of a column: not all of it can without parentheses. */
static const char *take_default(struct reader *r)
{
	size_t from = r->w.now.start;
	const char *value;
	struct token t;

	pass_part(&r->w, 0);
	value = text_since(r, from);
	if (strcasecmp(value, "null") == 0)
		return "";
	token_next(value, strlen(value), 0, &t);
	return pool_printf(&r->c->pool,
			   t.end == strlen(value) ? "DEFAULT %s" : "DEFAULT (%s)", value);
}

/* False where the texts are not as the server has it now. */
static bool set_in_column(struct reader *r, struct sql_column *c)
{
	if (walk_accept(&r->w, "default"))
		return change_rest(r, c, column_text_no_default, take_default(r));
	if (!walk_accept(&r->w, "not"))
		return false;
	c->required = true;
	return change_rest(r, c, column_text_optional, "NOT NULL");
}

static bool drop_in_column(struct reader *r, struct sql_column *c)
{
	if (walk_accept(&r->w, "default")) /* that of a serial is its type */
		return change_rest(r, c, column_text_no_default, "") &&
		       !strcasestr(c->type, "serial");
	if (!walk_accept(&r->w, "not"))
		return false;
	c->required = false;
	return change_rest(r, c, column_text_optional, "");
}

/* COLLATE may stand before it. */
static void take_using(struct reader *r, struct sql_column *c)
{
	struct walk *w = &r->w;
	size_t from;

	while (!walk_at_end(w) && !(w->depth == 0 && walk_is_char(w, ','))) {
		if (w->depth || !walk_accept(w, "using")) {
			walk_next(w);
			continue;
		}
		from = w->now.start;
		pass_part(w, 0);
		c->recasts += !sql_using_is_cast(text_since(r, from), c->name, c->type);
		return;
	}
}

static bool take_new_type(struct reader *r, struct sql_column *c)
{
	struct walk ahead = r->w;

	if (walk_accept(&ahead, "set"))
		walk_accept(&ahead, "data");
	if (!walk_accept(&ahead, "type"))
		return false;
	r->w = ahead;
	c->type = take_type(r, 0);
	take_using(r, c);
	return true;
}

static void alter_column(struct reader *r, struct sql_table *t)
{
	struct walk *w = &r->w;
	struct sql_column *c;
	struct named n;
	bool followed;

	walk_accept(w, "column");
	if (!take_name(r, &n))
		return;
	c = need_column(t, &n);
	followed = take_new_type(r, c);
	if (!followed && walk_accept(w, "set"))
		followed = set_in_column(r, c);
	else if (!followed && walk_accept(w, "drop"))
		followed = drop_in_column(r, c);
	t->altered |= !followed;
}

static void add_column(struct reader *r, struct sql_table *t)
{
	bool if_missing = pass_conditions(&r->w);
	struct walk from = r->w;
	struct named n;

	if (if_missing && take_name(r, &n) && sql_table_column(t, n.key))
		return;
	r->w = from;
	take_column(r, t);
}

static void read_action(struct reader *r, const struct named *table)
{
	struct sql_table *t = need_table(r->c, table);
	struct walk *w = &r->w;
	struct sql_event *e;
	struct named n;

	if (walk_accept(w, "add")) {
		if (is_constraint(r)) {
			take_constraint(r, t);
			e = add_event(r, SAW_CONSTRAINT, table);
			e->text = t->constraints[t->nr_constraints - 1];
			return;
		}
		walk_accept(w, "column");
		add_column(r, t);
	} else if (walk_accept(w, "drop")) {
		if (walk_is(w, "constraint")) {
			t->altered = true;
			return;
		}
		walk_accept(w, "column");
		pass_conditions(w);
		if (take_name(r, &n))
			drop_column(t, n.key);
	} else if (walk_accept(w, "alter")) {
		alter_column(r, t);
	} else if (walk_accept(w, "rename")) {
		read_rename(r, table);
	}
}

static void read_alter(struct reader *r)
{
	struct walk *w = &r->w;
	struct named table;

	if (!walk_accept(w, "table"))
		return;
	pass_conditions(w);
	if (!take_name(r, &table))
		return;
	do {
		read_action(r, &table);
		pass_part(w, 0);
	} while (walk_accept_char(w, ','));
}

static void read_update(struct reader *r)
{
	struct walk *w = &r->w;
	struct named table, column;
	struct sql_event *e;

	if (walk_accept(w, "or"))
		walk_next(w);
	if (!take_name(r, &table) || !walk_find(w, "set"))
		return;
	walk_accept_char(w, '(');
	if (!take_name(r, &column))
		return;
	e = add_event(r, SAW_UPDATE, &table);
	e->name = column.name;
	e->key = column.key;
}

static void read_statement(struct sql_catalog *c, const struct sql_statement *st)
{
	struct reader r = { .c = c };

	if (c->in_trigger) {
		c->in_trigger = st->word != WORD_COMMIT;
		return;
	}
	walk_start(&r.w, st, &c->pool);
	if (walk_accept(&r.w, "create"))
		read_create(&r);
	else if (walk_accept(&r.w, "drop"))
		walk_accept(&r.w, "schema") ? drop_schemas(&r) : read_drop(&r);
	else if (walk_accept(&r.w, "alter"))
		read_alter(&r);
	else if (walk_accept(&r.w, "update"))
		read_update(&r);
	else if (walk_accept(&r.w, "select"))
		read_select(&r);
	else if (walk_is(&r.w, "insert") || walk_is(&r.w, "replace") ||
		 walk_is(&r.w, "with"))
		read_insert(&r);
}

void sql_catalog_read(struct sql_catalog *c, const char *text, size_t len)
{
	struct sql_statement st;
	struct err ignored = { 0 };
	struct sql_split s;

	c->nr_events = 0;
	c->texts++;
	c->in_trigger = false;
	if (sql_split_init(&s, text, len, &ignored) == 0)
		while (sql_split_next(&s, &st, &ignored) > 0)
			read_statement(c, &st);
	sql_split_close(&s);
}
