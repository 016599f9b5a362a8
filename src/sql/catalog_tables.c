/* The tables of a catalog, as they are looked up, dropped and released. */
#include "base/compat.h"

#include "sql/catalog.h"

#include "base/vec.h"
#include "sql/name.h"
#include "sql/split.h"

struct sql_table *sql_catalog_table(const struct sql_catalog *c, const char *key)
{
	size_t i;

	for (i = 0; i < c->nr; i++)
		if (strcmp(c->tables[i].key, key) == 0)
			return &c->tables[i];
	return NULL;
}

struct sql_column *sql_table_column(const struct sql_table *t, const char *key)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (strcmp(t->columns[i].key, key) == 0)
			return &t->columns[i];
	return NULL;
}

bool sql_table_is_new(const struct sql_catalog *c, const struct sql_table *t)
{
	return t->made_by && t->made_by == c->texts;
}

static void table_release(struct sql_table *t)
{
	free(t->columns);
	free(t->constraints);
	free(t->extras);
}

void sql_catalog_drop(struct sql_catalog *c, const char *key)
{
	struct sql_table *t = sql_catalog_table(c, key);

	if (!t)
		return;
	table_release(t);
	*t = c->tables[--c->nr];
}

static bool is_in_schema(const char *key, const char *schema)
{
	size_t len = strlen(schema);

	if (strcmp(schema, "public") == 0)
		return !strchr(key, '.');
	return strncmp(key, schema, len) == 0 && key[len] == '.';
}

void sql_catalog_drop_schema(struct sql_catalog *c, const char *schema)
{
	size_t i;

	for (i = c->nr; i > 0; i--)
		if (is_in_schema(c->tables[i - 1].key, schema))
			sql_catalog_drop(c, c->tables[i - 1].key);
}

void sql_catalog_set_view(struct sql_catalog *c, const char *key, const char *text)
{
	size_t i;

	for (i = 0; i < c->nr_views; i++)
		if (strcmp(c->views[i].key, key) == 0)
			c->views[i--] = c->views[--c->nr_views];
	if (!text)
		return;
	VEC_GROW(c->views, c->nr_views, c->alloc_views);
	c->views[c->nr_views++] = (struct sql_extra){ .key = key, .text = text };
}

/* Whether a constraint refers to a table, in whatever schema. */
static bool refers_to(struct pool *pool, const char *text, const char *base)
{
	const struct sql_statement st = { .text = text, .len = strlen(text) };
	struct sql_name name;
	struct walk w;

	walk_start(&w, &st, pool);
	while (walk_find(&w, "references"))
		if (walk_name(&w, &name) &&
		    strcasecmp(name.parts[name.nr - 1], base) == 0)
			return true;
	return false;
}

void sql_catalog_outdate(struct sql_catalog *c, const char *base)
{
	struct pool pool = { 0 };
	struct sql_table *t;
	size_t i;

	for (t = c->tables; t < c->tables + c->nr; t++) {
		for (i = 0; i < t->nr && !t->outdated; i++)
			t->outdated = refers_to(&pool, t->columns[i].rest, base);
		for (i = 0; i < t->nr_constraints && !t->outdated; i++)
			t->outdated = refers_to(&pool, t->constraints[i], base);
	}
	pool_release(&pool);
}

void sql_catalog_release(struct sql_catalog *c)
{
	size_t i;

	for (i = 0; i < c->nr; i++)
		table_release(&c->tables[i]);
	free(c->tables);
	free(c->views);
	free(c->events);
	pool_release(&c->pool);
	memset(c, 0, sizeof(*c));
}
