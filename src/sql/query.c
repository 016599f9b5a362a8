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

/* --- what fills a table ---------------------------------------------------- */

static bool is_rows(const struct walk *w)
{
	return walk_is(w, "select") || walk_is(w, "table");
}

/* The alias of what is inserted into; no query begins here. */
static void pass_alias(struct walk *w)
{
	struct walk ahead = *w;
	struct sql_name alias;

	if (walk_accept(&ahead, "as") && !is_rows(&ahead) && walk_name(&ahead, &alias))
		*w = ahead;
}

/* A list of columns, if one stands here. */
static void pass_list(struct walk *w, struct sql_filling *out)
{
	struct walk inside = *w;

	if (!walk_accept_char(&inside, '(') || is_rows(&inside) ||
	    walk_is(&inside, "with"))
		return;
	out->list = w->now.end;
	walk_over_parens(w);
	out->list_end = w->before.start;
}

bool sql_filling(struct walk w, struct sql_filling *out)
{
	size_t depth;

	memset(out, 0, sizeof(*out));
	pass_alias(&w);
	pass_list(&w, out);
	walk_accept_char(&w, '(');
	for (depth = w.depth; !walk_at_end(&w); walk_next(&w)) {
		if (w.depth == depth && is_rows(&w)) {
			out->query = w.now.start;
			return true;
		}
		if (w.depth == depth && walk_is(&w, "values"))
			return false;
	}
	return false;
}

bool sql_insert_skips(struct walk w)
{
	if (walk_is(&w, "replace"))
		return true;
	return walk_accept(&w, "insert") && walk_accept(&w, "or") &&
	       (walk_is(&w, "ignore") || walk_is(&w, "replace"));
}
