#include "base/compat.h"

#include "base/buf.h"
#include "base/pool.h"
#include "sql/name.h"
#include "sql/server.h"

struct word {
	const char *word, *title;
};

/* What the whole server has; NULL: it is about something else. */
static const char *accept_what(struct walk *w, bool alters)
{
	static const struct word words[] = {
		{ "role", "ROLE" },
		{ "user", "USER" },
		{ "group", "GROUP" },
		{ "database", "DATABASE" },
		{ "tablespace", "TABLESPACE" },
	};
	size_t i;

	if (alters && walk_is(w, "system"))
		return "SYSTEM";
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (walk_accept(w, words[i].word))
			return walk_is(w, "mapping") ? NULL : words[i].title;
	return NULL;
}

bool sql_changes_server(const struct sql_statement *st, struct buf *title)
{
	static const struct word verbs[] = { { "alter", "ALTER" },
					     { "create", "CREATE" },
					     { "drop", "DROP" } };
	const char *what = NULL;
	struct pool pool = { 0 };
	struct walk w;
	size_t i;

	walk_start(&w, st, &pool);
	for (i = 0; i < ARRAY_SIZE(verbs) && !what; i++)
		if (walk_accept(&w, verbs[i].word))
			what = accept_what(&w, i == 0);
	if (what)
		buf_addf(title, "%s %s", verbs[i - 1].title, what);
	pool_release(&pool);
	return what != NULL;
}
