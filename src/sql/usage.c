#include "base/compat.h"

#include "base/err.h"
#include "base/pool.h"
#include "sql/name.h"
#include "sql/split.h"
#include "sql/usage.h"

/* A key without its schema: statements may leave that out, or have an alias for it. */
static const char *base_of(const char *key)
{
	const char *dot = key[0] == '"' ? NULL : strchr(key, '.');

	return dot ? dot + 1 : key;
}

static bool is_same(const struct sql_used *what, const char *a, const char *b)
{
	return (what->sqlite ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

static bool is_table(const struct sql_name *n, const struct sql_used *what)
{
	size_t i;

	for (i = 0; i < n->nr; i++)
		if (is_same(what, n->parts[i], base_of(what->table)))
			return true;
	return false;
}

static bool is_column(const struct sql_name *n, const struct sql_used *what)
{
	return what->column && is_same(what, n->parts[n->nr - 1], what->column);
}

static bool mentions(struct walk w, const struct sql_used *what)
{
	bool table = false, column = !what->column;
	struct sql_name n;

	while (!walk_at_end(&w)) {
		if (!walk_name(&w, &n)) {
			walk_next(&w);
			continue;
		}
		table |= is_table(&n, what);
		column |= is_column(&n, what);
	}
	return table && column;
}

/* Without a list of columns it counts too: there are fewer values than columns. */
static bool leaves_out(struct walk *w, const struct sql_used *what)
{
	struct sql_name n;

	if (walk_accept(w, "as"))
		walk_name(w, &n);
	if (!walk_accept_char(w, '('))
		return true;
	while (walk_name(w, &n)) {
		if (is_column(&n, what))
			return false;
		if (!walk_accept_char(w, ','))
			break;
	}
	return true;
}

/* The table of an INSERT, or of a MERGE that has one, stands here. */
static bool is_into(struct walk *w, const struct sql_used *what)
{
	struct sql_name n;

	return walk_accept(w, "into") && walk_name(w, &n) && is_table(&n, what);
}

/* Data from the client, into the table. */
static bool copies_without(struct walk w, const struct sql_used *what)
{
	bool without;
	struct sql_name n;

	if (!walk_accept(&w, "copy") || !walk_name(&w, &n) || !is_table(&n, what))
		return false;
	without = leaves_out(&w, what);
	walk_accept_char(&w, ')');
	return without && walk_is(&w, "from");
}

/* In a WITH too, and in what was prepared. */
static bool inserts_without(struct walk w, const struct sql_used *what)
{
	bool merges = false, here;

	if (copies_without(w, what))
		return true;
	while (!walk_at_end(&w)) {
		if (walk_accept(&w, "merge")) {
			merges = is_into(&w, what);
			continue;
		}
		if (!walk_accept(&w, "insert") && !walk_accept(&w, "replace")) {
			walk_next(&w);
			continue;
		}
		if (walk_accept(&w, "or"))
			walk_next(&w);
		here = walk_is(&w, "into") ? is_into(&w, what)
					   : merges && token_is(w.s, &w.before, "insert");
		if (here && leaves_out(&w, what))
			return true;
	}
	return false;
}

size_t sql_usage(const char *text, size_t len, const struct sql_used *what,
		 unsigned *line)
{
	struct err ignored = { 0 };
	struct pool pool = { 0 };
	struct sql_statement st;
	struct sql_split s;
	struct walk w;
	size_t nr = 0;

	*line = 0;
	if (sql_split_init(&s, text, len, &ignored) == 0)
		while (sql_split_next(&s, &st, &ignored) > 0) {
			walk_start(&w, &st, &pool);
			if (!(what->insert_without ? inserts_without(w, what)
						   : mentions(w, what)))
				continue;
			if (nr++ == 0)
				*line = st.line;
		}
	sql_split_close(&s);
	pool_release(&pool);
	return nr;
}
