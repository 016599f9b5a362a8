#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "sql/enums.h"
#include "sql/name.h"
#include "sql/split.h"

/* The value in the server's own words; false: they are other ones. */
static bool take_value(const char *said, struct buf *out)
{
	static const char before[] = "unsafe use of new value \"",
			  behind[] = "\" of enum type ";
	const char *end = NULL, *next;

	if (!starts_with(said, before))
		return false;
	said += strlen(before);
	/* the value may have it too, the type's name does not */
	for (next = said; (next = strstr(next, behind)); next++)
		end = next;
	if (end)
		buf_add(out, said, (size_t)(end - said));
	return end != NULL;
}

/* Whether the server speaks of that value. */
static bool is_meant(const char *said, const char *value)
{
	struct buf named = BUF_INIT;
	bool is = take_value(said, &named) ? strcmp(buf_str(&named), value) == 0
					   : strstr(said, value) != NULL;

	buf_release(&named);
	return is;
}

/* 'it''s'; NULL for what is written otherwise. */
static const char *read_literal(struct pool *pool, const char *s, size_t len)
{
	struct buf out = BUF_INIT;
	const char *value;
	size_t i;

	if (len < 2 || s[0] != '\'')
		return NULL;
	for (i = 1; i < len - 1; i++) {
		buf_add(&out, s + i, 1);
		i += s[i] == '\'';
	}
	value = pool_strdup(pool, buf_str(&out));
	buf_release(&out);
	return value;
}

/* ADD VALUE ['IF NOT EXISTS'] '...': the walk stands behind these words. */
static bool adds_that(struct walk *w, struct pool *pool, const char *said)
{
	const char *value;

	if (walk_accept(w, "if") && (!walk_accept(w, "not") || !walk_accept(w, "exists")))
		return true;
	value = read_literal(pool, w->s + w->now.start, w->now.end - w->now.start);
	return !value || is_meant(said, value);
}

/* Whether code may do it: in a body, or in what is put together there. */
static bool may_add(const char *s, size_t len)
{
	static const char word[] = "add", other[] = "value";
	size_t i, k;

	for (i = 0; i + strlen(word) + strlen(other) < len; i++) {
		if (strncasecmp(s + i, word, strlen(word)) != 0)
			continue;
		for (k = i + strlen(word); k < len && strchr(" \t\r\n", s[k]); k++)
			;
		if (k > i + strlen(word) && k + strlen(other) <= len &&
		    strncasecmp(s + k, other, strlen(other)) == 0)
			return true;
	}
	return false;
}

static bool adds_value(const struct sql_statement *st, struct pool *pool,
		       const char *said)
{
	struct sql_name name;
	struct walk w;

	walk_start(&w, st, pool);
	if (walk_accept(&w, "alter") && walk_accept(&w, "type"))
		return walk_name(&w, &name) && walk_accept(&w, "add") &&
		       walk_accept(&w, "value") && adds_that(&w, pool, said);
	walk_start(&w, st, pool);
	return (walk_accept(&w, "do") || walk_accept(&w, "create") ||
		walk_accept(&w, "execute")) &&
	       may_add(st->text, st->len);
}

bool sql_adds_value(const char *text, size_t len, const char *said)
{
	struct sql_statement st;
	struct sql_split split;
	struct pool pool = { 0 };
	struct err ignored;
	bool adds = false;

	if (sql_split_init(&split, text, len, &ignored) == 0)
		while (!adds && sql_split_next(&split, &st, &ignored) > 0)
			adds = adds_value(&st, &pool, said);
	sql_split_close(&split);
	pool_release(&pool);
	return adds;
}
