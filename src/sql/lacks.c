#include "base/compat.h"

#include "sql/lacks.h"

#include "base/buf.h"
#include "sql/column_text.h"
#include "sql/name.h"
#include "sql/split.h"

static void walk_text(struct walk *w, const char *text, struct pool *pool)
{
	const struct sql_statement st = { .text = text, .len = strlen(text) };

	walk_start(w, &st, pool);
}

/* Whether a name stands in a text, be it as that of something else. */
static bool is_word_of(const char *text, const char *key)
{
	struct pool pool = { 0 };
	struct sql_name name;
	bool found = false;
	struct walk w;
	size_t i;

	walk_text(&w, text, &pool);
	while (!found && !walk_at_end(&w)) {
		/* a text in quotes can be a name elsewhere */
		if (w.s[w.now.start] == '\'' || !walk_name(&w, &name)) {
			walk_next(&w);
			continue;
		}
		for (i = 0; i < name.nr; i++)
			found |= strcasecmp(name.parts[i], key) == 0;
	}
	pool_release(&pool);
	return found;
}

static bool is_named(const char *text, const struct sql_column *c)
{
	return is_word_of(text, c->key);
}

/* A name may have a line break. */
static void add_item(const char *text, const char *separator, struct buf *out)
{
	buf_adds(out, out->len ? separator : "");
	for (; *text; text++)
		buf_addc(out, (unsigned char)*text < ' ' ? ' ' : *text);
}

bool lacks_walk_index(struct walk *w, bool *unique, struct sql_name *name)
{
	walk_accept(w, "create");
	*unique = walk_accept(w, "unique");
	walk_accept(w, "index");
	walk_accept(w, "concurrently");
	if (walk_accept(w, "if") && walk_accept(w, "not"))
		walk_accept(w, "exists");
	return !walk_is(w, "on") && walk_name(w, name);
}

void lacks_list(const struct sql_table *t, const struct sql_column *c, struct buf *out)
{
	struct buf rest = BUF_INIT;
	size_t i;

	column_text_optional(c->rest, &rest);
	if (rest.len)
		add_item(rest.s, "; ", out);
	for (i = 0; i < t->nr_constraints; i++)
		if (is_named(t->constraints[i], c))
			add_item(t->constraints[i], "; ", out);
	for (i = 0; i < t->nr_extras; i++)
		if (!t->extras[i].trigger && is_named(t->extras[i].text, c))
			add_item(t->extras[i].text, "; ", out);
	buf_release(&rest);
}

void lacks_drop_indexes(const struct sql_table *t, const struct sql_column *c,
			struct buf *out)
{
	struct pool pool = { 0 };
	struct sql_name name;
	struct walk w;
	bool unique;
	size_t i;

	for (i = 0; i < t->nr_extras; i++) {
		if (t->extras[i].trigger || !is_named(t->extras[i].text, c))
			continue;
		walk_text(&w, t->extras[i].text, &pool);
		if (lacks_walk_index(&w, &unique, &name))
			buf_addf(out, "DROP INDEX %.*s;\n",
				 (int)(w.s + w.before.end - name.at), name.at);
	}
	pool_release(&pool);
}

/* The words of a constraint which SQLite lets no column go from. */
static bool is_bound(const char *rest)
{
	return column_text_has(rest, "unique") || column_text_has(rest, "primary") ||
	       column_text_has(rest, "references");
}

bool lacks_way_out(const struct sql_table *t, const struct sql_column *c)
{
	size_t i;

	if (is_bound(c->rest))
		return true;
	for (i = 0; i < t->nr_constraints; i++)
		if (is_named(t->constraints[i], c))
			return true;
	for (i = 0; i < t->nr; i++)
		if (&t->columns[i] != c && strchr(t->columns[i].rest, '(') &&
		    is_named(t->columns[i].rest, c))
			return true;
	return false;
}

void lacks_add_views(const struct sql_catalog *c, const struct sql_table *t,
		     const struct sql_column *column, struct buf *out)
{
	const char *dot = strrchr(t->key, '.'), *text;
	size_t i;

	for (i = 0; i < c->nr_views; i++) {
		text = c->views[i].text;
		if (is_word_of(text, dot ? dot + 1 : t->key) &&
		    (is_named(text, column) || (!c->sqlite && strchr(text, '*'))))
			add_item(c->views[i].key, ", ", out);
	}
}
