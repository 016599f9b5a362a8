#include "base/compat.h"

#include "base/err.h"
#include "base/pool.h"
#include "sql/enums.h"
#include "sql/name.h"
#include "sql/split.h"

static bool adds_value(const struct sql_statement *st, struct pool *pool)
{
	struct sql_name name;
	struct walk w;

	walk_start(&w, st, pool);
	return walk_accept(&w, "alter") && walk_accept(&w, "type") &&
	       walk_name(&w, &name) && walk_accept(&w, "add") && walk_is(&w, "value");
}

bool sql_adds_value(const char *text, size_t len)
{
	struct sql_statement st;
	struct sql_split split;
	struct pool pool = { 0 };
	struct err ignored;
	bool adds = false;

	if (sql_split_init(&split, text, len, &ignored) == 0)
		while (!adds && sql_split_next(&split, &st, &ignored) > 0)
			adds = adds_value(&st, &pool);
	sql_split_close(&split);
	pool_release(&pool);
	return adds;
}
