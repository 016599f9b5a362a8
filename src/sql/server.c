#include "base/compat.h"

#include "base/buf.h"
#include "base/pool.h"
#include "sql/name.h"
#include "sql/server.h"

struct word {
	const char *word, *title;
};

/* What the whole server has; NULL: it is about something else. */
static const char *accept_what(struct walk *w)
{
	static const struct word words[] = {
		{ "role", "ROLE" },
		{ "user", "USER" },
		{ "group", "GROUP" },
		{ "database", "DATABASE" },
		{ "tablespace", "TABLESPACE" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (walk_accept(w, words[i].word))
			return walk_is(w, "mapping") ? NULL : words[i].title;
	return NULL;
}

static const char *altered_what(struct walk *w)
{
	return walk_is(w, "system") ? "SYSTEM" : accept_what(w);
}

/* A role, where it is not said on what. */
static const char *granted_what(struct walk *w)
{
	if (!walk_find(w, "on"))
		return "of a role";
	if (walk_is(w, "database"))
		return "ON DATABASE";
	if (walk_is(w, "tablespace"))
		return "ON TABLESPACE";
	return walk_is(w, "parameter") ? "ON PARAMETER" : NULL;
}

static const char *labelled_what(struct walk *w)
{
	return walk_find(w, "on") ? accept_what(w) : NULL;
}

bool sql_changes_server(const struct sql_statement *st, struct buf *title)
{
	static const struct {
		struct word verb;
		const char *(*what)(struct walk *w);
	} verbs[] = {
		{ { "alter", "ALTER" }, altered_what },
		{ { "create", "CREATE" }, accept_what },
		{ { "drop", "DROP" }, accept_what },
		{ { "grant", "GRANT" }, granted_what },
		{ { "revoke", "REVOKE" }, granted_what },
		{ { "comment", "COMMENT ON" }, labelled_what },
		{ { "security", "SECURITY LABEL ON" }, labelled_what },
	};
	const char *what = NULL;
	struct pool pool = { 0 };
	struct walk w;
	size_t i;

	walk_start(&w, st, &pool);
	for (i = 0; i < ARRAY_SIZE(verbs) && !what; i++)
		if (walk_accept(&w, verbs[i].verb.word))
			what = verbs[i].what(&w);
	if (what)
		buf_addf(title, "%s %s", verbs[i - 1].verb.title, what);
	pool_release(&pool);
	return what != NULL;
}
