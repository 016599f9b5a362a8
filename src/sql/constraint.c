#include "base/compat.h"

#include "sql/constraint.h"

#include "base/buf.h"
#include "sql/catalog.h"
#include "sql/name.h"
#include "sql/split.h"
#include "sql/table_text.h"

enum {
	NAME_MAX_PG = 63
}; /* bytes; the server cuts what is longer, by rules of its own */

/* What the server puts behind table and columns. */
static const struct {
	const char *word, *in_column, *suffix;
} made[] = {
	{ "primary", "primary", "_pkey" },
	{ "unique", "unique", "_key" },
	{ "foreign", "references", "_fkey" },
};

static void walk_text(struct walk *w, struct pool *pool, const char *text)
{
	const struct sql_statement st = { .text = text, .len = strlen(text) };

	walk_start(w, &st, pool);
}

static const char *named(struct pool *pool, const struct sql_table *t,
			 const char *columns, const char *suffix)
{
	struct buf end = BUF_INIT, out = BUF_INIT;
	const char *name;

	buf_addf(&end, "%s%s", columns, suffix);
	table_name(t->base, buf_str(&end), &out);
	name = pool_strdup(pool, buf_str(&out));
	buf_release(&end);
	buf_release(&out);
	return name;
}

/* The columns in parentheses here, each with "_" in front of it. */
static const char *read_columns(struct walk *w, struct pool *pool, bool *several)
{
	struct buf out = BUF_INIT;
	struct sql_name name;
	const char *columns;

	if (!walk_accept_char(w, '('))
		return NULL;
	while (walk_name(w, &name)) {
		buf_addf(&out, "_%s", name.parts[name.nr - 1]);
		*several |= walk_accept_char(w, ',');
	}
	columns = out.len && walk_is_char(w, ')') ? pool_strdup(pool, out.s) : NULL;
	buf_release(&out);
	return columns;
}

struct likely {
	bool given, several; /* it was written; made of several columns */
};

/* The name, as far as its text and nothing else tells; NULL: by rules of its own. */
static const char *likely_name(struct pool *pool, const struct sql_table *t,
			       const char *text, struct likely *how)
{
	const char *columns;
	struct sql_name n;
	struct walk w;
	size_t i, from;

	walk_text(&w, pool, text);
	*how = (struct likely){ .given = walk_accept(&w, "constraint") };
	if (how->given) {
		from = w.now.start;
		return walk_name(&w, &n)
			       ? pool_strndup(pool, text + from, w.before.end - from)
			       : NULL;
	}
	for (i = 0; i < ARRAY_SIZE(made) && !walk_accept(&w, made[i].word); i++)
		;
	if (i == ARRAY_SIZE(made))
		return NULL;
	if (i == 0)
		return named(pool, t, "", made[i].suffix);
	walk_accept(&w, "key");
	columns = read_columns(&w, pool, &how->several);
	return columns ? named(pool, t, columns, made[i].suffix) : NULL;
}

static const char *without_quotes(struct pool *pool, const char *name)
{
	size_t len = strlen(name);

	return *name == '"' && len > 1 ? pool_strndup(pool, name + 1, len - 2) : name;
}

/* Two names, in quotes or not, that may be the same. */
static bool is_same(struct pool *pool, const char *a, const char *b)
{
	return strcasecmp(without_quotes(pool, a), without_quotes(pool, b)) == 0;
}

/* How often a table's constraints, or its columns, may have got the name. */
static size_t count_constraints(struct pool *pool, const struct sql_table *t,
				const char *name)
{
	const struct sql_column *c;
	const char *other, *column;
	struct likely how;
	size_t i, k, nr = 0;

	for (i = 0; i < t->nr_constraints; i++) {
		other = likely_name(pool, t, t->constraints[i], &how);
		nr += other && is_same(pool, other, name);
	}
	for (c = t->columns; c < t->columns + t->nr; c++) {
		column = pool_printf(pool, "_%s", sql_name_plain(pool, c->key));
		for (k = 0; k < ARRAY_SIZE(made); k++) {
			other = named(pool, t, k ? column : "", made[k].suffix);
			nr += strcasestr(c->rest, made[k].in_column) &&
			      is_same(pool, other, name);
		}
	}
	return nr;
}

/* Whether the name itself stands somewhere: of a table, an index, or one that was given.
 */
static bool stands_in(const struct sql_table *t, const char *plain)
{
	size_t i;

	if (strcasestr(t->key, plain))
		return true;
	for (i = 0; i < t->nr; i++)
		if (strcasestr(t->columns[i].rest, plain))
			return true;
	for (i = 0; i < t->nr_constraints; i++)
		if (strcasestr(t->constraints[i], plain))
			return true;
	for (i = 0; i < t->nr_extras; i++)
		if (strcasestr(t->extras[i].text, plain))
			return true;
	return false;
}

/* Whether it has constraints with names that no text of its own tells. */
static bool is_a_copy(const struct sql_table *t)
{
	size_t i;

	for (i = 0; i < t->nr_constraints; i++)
		if (strncasecmp(t->constraints[i], "like ", 5) == 0)
			return true;
	return false;
}

static bool is_certain(struct pool *pool, const struct sql_catalog *c,
		       const struct sql_table *of, const char *name)
{
	const char *plain = without_quotes(pool, name);
	size_t nr = 0;
	const struct sql_table *t;

	if (of->guessed || of->outdated || is_a_copy(of) || strlen(plain) > NAME_MAX_PG)
		return false;
	for (t = c->tables; t < c->tables + c->nr; t++) {
		if (t->renamed || stands_in(t, plain))
			return false;
		nr += count_constraints(pool, t, name);
	}
	return nr == 1;
}

const char *constraint_name(struct pool *pool, const struct sql_catalog *c,
			    const struct sql_table *t, const char *text)
{
	const char *name;
	struct likely how;

	if (!t || !text)
		return NULL;
	name = likely_name(pool, t, text, &how);
	if (!name || how.given)
		return name;
	/* of several columns versions of the server differ */
	return !how.several && is_certain(pool, c, t, name) ? name : NULL;
}
