#include "base/compat.h"

#include "sql/origin.h"

static bool is_rename(const struct sql_event *e, enum sql_saw kind, const char *table)
{
	return e->kind == kind && strcmp(e->table_key, table) == 0;
}

/* What a table that is called `key` behind the first `nr` events was called before. */
static const char *key_before(const struct sql_catalog *after, size_t nr, const char *key)
{
	const struct sql_event *e;

	while (nr-- > 0) {
		e = &after->events[nr];
		if (e->kind == SAW_RENAME_TABLE && strcmp(e->to_key, key) == 0)
			key = e->table_key;
	}
	return key;
}

const struct sql_table *sql_origin_table(const struct sql_catalog *before,
					 const struct sql_catalog *after,
					 const struct sql_table *now)
{
	if (sql_table_is_new(after, now))
		return NULL;
	return sql_catalog_table(before, key_before(after, after->nr_events, now->key));
}

const struct sql_table *sql_origin_place(const struct sql_catalog *before,
					 const struct sql_catalog *after,
					 const struct sql_table *now)
{
	const struct sql_table *was = sql_catalog_table(before, now->key);

	return was ? was : sql_origin_table(before, after, now);
}

/* Of one that the migration adds: the one of its name, unless that goes by another. */
static const struct sql_column *replaced(const struct sql_catalog *after,
					 const struct sql_table *was,
					 const struct sql_table *now, const char *key)
{
	const char *table = now->key;
	const struct sql_event *e;
	size_t i = after->nr_events;

	while (i-- > 0) {
		e = &after->events[i];
		if (e->kind == SAW_RENAME_TABLE && strcmp(e->to_key, table) == 0)
			table = e->table_key;
		else if (is_rename(e, SAW_RENAME_COLUMN, table) &&
			 strcmp(e->key, key) == 0)
			return NULL;
	}
	return sql_table_column(was, key);
}

const struct sql_column *sql_origin_column(const struct sql_catalog *after,
					   const struct sql_table *was,
					   const struct sql_table *now,
					   const struct sql_column *c)
{
	const char *table = now->key, *key = c->key;
	const struct sql_event *e;
	size_t i = after->nr_events;

	if (sql_table_is_new(after, now))
		return sql_table_column(was, key);
	if (sql_origin_is_added(after, now, c))
		return replaced(after, was, now, key);
	while (i-- > 0) {
		e = &after->events[i];
		if (e->kind == SAW_RENAME_TABLE && strcmp(e->to_key, table) == 0)
			table = e->table_key;
		else if (is_rename(e, SAW_RENAME_COLUMN, table) &&
			 strcmp(e->to_key, key) == 0)
			key = e->key;
	}
	return sql_table_column(was, key);
}

bool sql_origin_is_added(const struct sql_catalog *after, const struct sql_table *now,
			 const struct sql_column *c)
{
	return !sql_table_is_new(after, now) && c->made_by == after->texts;
}

const struct sql_table *sql_origin_left(const struct sql_catalog *before,
					const struct sql_catalog *after,
					const struct sql_table *was)
{
	const struct sql_event *e;
	const struct sql_table *now;
	const char *key = was->key;

	for (e = after->events; e < after->events + after->nr_events; e++)
		if (is_rename(e, SAW_RENAME_TABLE, key))
			key = e->to_key;
	now = sql_catalog_table(after, key);
	return now && sql_origin_table(before, after, now) == was ? now : NULL;
}

void sql_origin_names(const struct sql_catalog *after, const struct sql_event *e,
		      struct sql_origin_names *out)
{
	const struct sql_event *end = after->events + after->nr_events;

	*out = (struct sql_origin_names){ .table_key = e->table_key, .table = e->table };
	if (e->kind == SAW_RENAME_TABLE) {
		out->table_key = e->to_key;
		out->table = e->to;
	}
	if (e->kind == SAW_RENAME_COLUMN) {
		out->key = e->to_key;
		out->name = e->to;
	}
	for (e++; e < end; e++) {
		if (is_rename(e, SAW_RENAME_TABLE, out->table_key)) {
			out->table_key = e->to_key;
			out->table = e->to;
		} else if (out->key && is_rename(e, SAW_RENAME_COLUMN, out->table_key) &&
			   strcmp(e->key, out->key) == 0) {
			out->key = e->to_key;
			out->name = e->to;
		}
	}
}

const char *sql_origin_event(const struct sql_catalog *after, const struct sql_event *e)
{
	return key_before(after, (size_t)(e - after->events), e->table_key);
}
