#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "db/sqlite_keys.h"

void sqlite_links_release(struct sqlite_links *l)
{
	size_t i;

	for (i = 0; i < l->nr; i++) {
		free(l->items[i].name);
		free(l->items[i].refers.items);
		free(l->items[i].referred.items);
	}
	free(l->items);
	map_release(&l->by_name);
	memset(l, 0, sizeof(*l));
}

/* --- tables ------------------------------------------------------------- */

static bool is_called(const void *array, size_t pos, const void *name)
{
	const struct sqlite_linked *items = array;

	return strcasecmp(items[pos].name, name) == 0;
}

/* Of the name as SQLite compares it: its letters of ASCII are folded. */
static uint32_t hash_of(struct sqlite_links *l, const char *table)
{
	char *folded = xstrdup(table), *c;
	uint32_t hash;

	for (c = folded; *c; c++)
		*c = (char)ascii_tolower(*c);
	hash = map_hash(&l->by_name, folded, strlen(folded));
	free(folded);
	return hash;
}

ssize_t sqlite_links_find(struct sqlite_links *l, const char *table)
{
	return map_find(&l->by_name, hash_of(l, table), is_called, l->items, table);
}

static size_t find_or_add(struct sqlite_links *l, const char *table)
{
	uint32_t hash = hash_of(l, table);
	ssize_t pos = map_find(&l->by_name, hash, is_called, l->items, table);

	if (pos != MAP_NONE)
		return (size_t)pos;
	VEC_GROW(l->items, l->nr, l->alloc);
	l->items[l->nr] = (struct sqlite_linked){ .name = xstrdup(table) };
	map_add(&l->by_name, hash, l->nr);
	return l->nr++;
}

/* --- keys --------------------------------------------------------------- */

static void add_position(struct sqlite_positions *p, size_t pos)
{
	VEC_GROW(p->items, p->nr, p->alloc);
	p->items[p->nr++] = pos;
}

static void remove_position(struct sqlite_positions *p, size_t pos)
{
	size_t i;

	for (i = p->nr; i-- > 0;)
		if (p->items[i] == pos)
			p->items[i] = p->items[--p->nr];
}

/* A row is a table and another that a key of it refers to. */
static int add_link(void *arg, const char *const *values, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	struct sqlite_links *l = arg;
	size_t from, to;

	if (!values[0] || !values[1])
		return 0;
	from = find_or_add(l, values[0]);
	to = find_or_add(l, values[1]);
	add_position(&l->items[from].refers, to);
	add_position(&l->items[to].referred, from);
	return 0;
}

int sqlite_links_read(struct sqlite_links *l, struct db *db, struct err *err)
{
	return sqlite_query(db,
			    "SELECT m.name, k.\"table\" FROM main.sqlite_schema AS m,"
			    " pragma_foreign_key_list(m.name, 'main') AS k"
			    " WHERE m.type = 'table' AND m.sql LIKE '%references%'",
			    NULL, 0, add_link, l, err);
}

static void unlink_table(struct sqlite_links *l, size_t from)
{
	struct sqlite_positions *refers = &l->items[from].refers;
	size_t i;

	for (i = 0; i < refers->nr; i++)
		remove_position(&l->items[refers->items[i]].referred, from);
	refers->nr = 0;
}

int sqlite_links_reread(struct sqlite_links *l, struct db *db, const char *table,
			struct err *err)
{
	char *sql = sqlite3_mprintf("SELECT %Q, \"table\" FROM"
				    " pragma_foreign_key_list(%Q, 'main')",
				    table, table);
	ssize_t pos = sqlite_links_find(l, table);
	int ret;

	if (pos != MAP_NONE)
		unlink_table(l, (size_t)pos);
	ret = sqlite_query(db, sql, NULL, 0, add_link, l, err);
	sqlite3_free(sql);
	return ret;
}
