#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/vec.h"
#include "db/sqlite.h"

enum { NAMED_MAX = 256 }; /* tables of a trace */

/* --- names -------------------------------------------------------------- */

int sqlite_add_name(void *arg, const char *const *values, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	struct sqlite_names *names = arg;

	VEC_GROW(names->items, names->nr, names->alloc);
	names->items[names->nr++] = xstrdup(values[0]);
	return 0;
}

void sqlite_names_release(struct sqlite_names *names)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		free(names->items[i]);
	free(names->items);
	memset(names, 0, sizeof(*names));
}

bool sqlite_is_internal(const char *table)
{
	return strncasecmp(table, "sqlite_", strlen("sqlite_")) == 0;
}

bool sqlite_is_ours(const char *name)
{
	return name && strncasecmp(name, "git_migrate_", strlen("git_migrate_")) == 0;
}

/* --- tables that were written to ---------------------------------------- */

void sqlite_trace_release(struct sqlite_trace *trace)
{
	sqlite_names_release(&trace->written);
	sqlite_names_release(&trace->reshaped);
	memset(trace, 0, sizeof(*trace));
}

static void note(struct sqlite_trace *trace, struct sqlite_names *names,
		 const char *table)
{
	size_t i;

	for (i = names->nr; i-- > 0;)
		if (strcasecmp(names->items[i], table) == 0)
			return;
	if (names->nr == NAMED_MAX)
		trace->everything = true;
	else
		sqlite_add_name(names, &table, 1, NULL);
}

void sqlite_trace_written(struct sqlite_trace *trace, const char *table)
{
	if (!sqlite_is_internal(table))
		note(trace, &trace->written, table);
}

void sqlite_trace_reshaped(struct sqlite_trace *trace, const char *table)
{
	sqlite_trace_written(trace, table);
	if (!sqlite_is_internal(table))
		note(trace, &trace->reshaped, table);
}

/* --- tables that a dry run tells of ------------------------------------- */

size_t sqlite_touch(struct sqlite_touches *t, const char *table)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (strcasecmp(t->items[i].name, table) == 0)
			return i;
	VEC_GROW(t->items, t->nr, t->alloc);
	t->items[t->nr] = (struct sqlite_touched){ .name = xstrdup(table) };
	return t->nr++;
}

void sqlite_touches_release(struct sqlite_touches *t)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		free(t->items[i].name);
	free(t->items);
	memset(t, 0, sizeof(*t));
}
