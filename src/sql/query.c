#include "base/compat.h"

#include "base/pool.h"
#include "sql/name.h"
#include "sql/query.h"

static bool begins_with(struct walk *w, const char *const *words, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (walk_accept(w, words[i]))
			return true;
	return false;
}

/* A verb stands behind a parenthesis: that of its own part, or of the part before. */
static bool changes_rows(struct walk w)
{
	static const char *const verbs[] = { "insert", "update", "delete", "merge",
					     "replace" };
	bool may;

	while (!walk_at_end(&w)) {
		may = walk_is_char(&w, '(') || walk_is_char(&w, ')');
		walk_next(&w);
		if (may && begins_with(&w, verbs, ARRAY_SIZE(verbs)) &&
		    !walk_is_char(&w, '('))
			return true;
	}
	return false;
}

bool sql_is_query(const struct sql_statement *st)
{
	static const char *const others[] = { "values", "table", "show", "pragma" };
	static const char *const selects[] = { "select" };
	static const char *const with[] = { "with" };
	struct pool pool = { 0 };
	struct walk w;
	bool is = true;

	walk_start(&w, st, &pool);
	while (walk_accept_char(&w, '('))
		continue;
	if (begins_with(&w, with, 1))
		is = !changes_rows(w);
	else if (begins_with(&w, selects, 1))
		is = !walk_find(&w, "into");
	else
		is = begins_with(&w, others, ARRAY_SIZE(others));
	pool_release(&pool);
	return is;
}
