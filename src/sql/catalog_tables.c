/* The tables of a catalog, as they are looked up, dropped and released. */
#include "base/compat.h"

#include "sql/catalog.h"

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

void sql_catalog_release(struct sql_catalog *c)
{
	size_t i;

	for (i = 0; i < c->nr; i++)
		table_release(&c->tables[i]);
	free(c->tables);
	free(c->events);
	pool_release(&c->pool);
	memset(c, 0, sizeof(*c));
}
