/* Signs of each kind of trouble in what a migration did. */
#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "flow/decide_parts.h"
#include "sql/key.h"
#include "sql/usage.h"

static struct buf *lines_of(struct deciding *g, enum decision_question question)
{
	return &g->out->of[question].lines;
}

/* Nobody is asked. */
static int decided(enum decision_question question, const char *word)
{
	return decision_answer(question, word);
}

/* What is taken when nobody can be asked. */
static int usual(struct deciding *g, enum decision_question question, const char *word)
{
	g->out->of[question].open = true;
	return decision_answer(question, word);
}

static int no_sign(struct deciding *g, enum decision_question question, const char *why)
{
	buf_addf(lines_of(g, question), "%s\n", why);
	return decided(question, "no");
}

/* The SQL shows nothing of it: no, unless there is more than it shows. */
static int not_seen(struct deciding *g, enum decision_question question, const char *why)
{
	const struct sql_effects *effects = &g->out->effects;

	buf_addf(lines_of(g, question), "%s\n", why);
	if (!effects->unread)
		return decided(question, "no");
	buf_addf(lines_of(g, question),
		 "what %s does, from line %u on, cannot be told from its SQL\n",
		 effects->unread, effects->line);
	return usual(g, question, "no");
}

/* --- code that runs -------------------------------------------------------- */

/* How many statements of it use a thing; a line for each file that does. */
static size_t tell_usage(struct deciding *g, const struct sql_used *what,
			 struct buf *lines)
{
	size_t i, n, nr = 0;
	unsigned line;

	for (i = 0; i < g->nr_compat; i++) {
		n = sql_usage(g->compat[i].text, g->compat[i].len, what, &line);
		if (n)
			buf_addf(lines, "%s at %s, line %u: %zu statement%s %s %s%s%s\n",
				 g->compat[i].path, g->deployed, line, n, plural(n),
				 what->insert_without ? "of code that runs insert without"
						      : "of code that runs use",
				 what->table, what->column ? "." : "",
				 what->column ? what->column : "");
		nr += n;
	}
	return nr;
}

/* Yes where code that runs uses it; a person knows where its statements are not here. */
static int by_usage(struct deciding *g, enum decision_question question,
		    const struct sql_used *what, struct err *err)
{
	struct buf *lines = lines_of(g, question);

	if (decide_read_compat(g, err) < 0)
		return -1;
	if (g->nr_compat == 0) {
		buf_addf(lines,
			 "there is no compat/*.sql at %s, to see what code that "
			 "runs does\n",
			 g->deployed ? g->deployed : "the deployed revision");
		return usual(g, question, "yes");
	}
	if (tell_usage(g, what, lines))
		return decided(question, "yes");
	buf_addf(lines, "no statement of compat/ at %s is seen to do that\n",
		 g->deployed);
	return usual(g, question, "no");
}

/* --- the kinds ------------------------------------------------------------- */

static bool find(struct deciding *g, enum sql_trouble_kind kind)
{
	return sql_trouble_find(&g->out->before, &g->out->after, kind, &g->trouble);
}

static int sign_index(struct deciding *g)
{
	struct buf *lines = lines_of(g, ASK_INDEX);
	const char *schema, *base, *at;
	const struct sql_event *e;
	size_t len;

	decide_look_now(g);
	if (g->no_now.code) {
		buf_addf(lines, "it cannot be seen: %s\n", g->no_now.message);
		return decided(ASK_INDEX, "no");
	}
	for (e = g->out->after.events; e < g->out->after.events + g->out->after.nr_events;
	     e++) {
		if ((e->kind != SAW_INDEX && e->kind != SAW_UNIQUE_INDEX) || !e->key)
			continue;
		sql_key_parts(&g->out->pool, e->key, &schema, &base);
		len = strlen(base);
		for (at = buf_str(&g->now.invalid); *at; at += strcspn(at, "\n") + 1)
			if (strncmp(at, base, len) == 0 && at[len] == '\n') {
				buf_addf(lines, "index %s is INVALID: nothing reads it\n",
					 base);
				return decided(ASK_INDEX, "yes");
			}
	}
	return no_sign(g, ASK_INDEX,
		       g->d->survey.target.driver == &db_sqlite
			       ? "SQLite has no such state"
			       : "none that it made is");
}

static int sign_lossy(struct deciding *g)
{
	struct buf *lines = lines_of(g, ASK_LOSSY);
	const struct sql_effects *effects = &g->out->effects;
	bool lost = false, any = false;
	size_t i;

	for (i = 0; i < effects->nr; i++) {
		const struct sql_effect *e = &effects->items[i];
		bool keeps;

		if (e->kind != EFFECT_TYPE)
			continue;
		any = true;
		keeps = e->keeps;
		lost |= !keeps;
		buf_addf(lines, "%s.%s was %s and is %s: %s\n", e->table_key,
			 e->column_key, *e->old_type ? e->old_type : "of no type",
			 *e->new_type ? e->new_type : "of no type",
			 keeps ? "that keeps all values"
			       : "not every value is kept as it was");
	}
	if (!any)
		return not_seen(g, ASK_LOSSY, "its SQL changes no type");
	if (lost)
		return usual(g, ASK_LOSSY, "yes");
	return not_seen(g, ASK_LOSSY, "no other type is seen to change");
}

static bool fills_itself(const struct sql_column *c)
{
	static const char *const words[] = { "default", "generated", " as " };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(c->rest, words[i]))
			return true;
	return strcasestr(c->type, "serial") != NULL;
}

static int sign_required(struct deciding *g, struct err *err)
{
	struct buf *lines = lines_of(g, ASK_REQUIRED);
	struct sql_used what = { .insert_without = true };
	const struct sql_table *t;
	const struct sql_column *c;

	if (!find(g, TROUBLE_REQUIRED_COLUMN))
		return not_seen(g, ASK_REQUIRED, "its SQL makes no column required");
	what.table = g->trouble.table_key;
	what.column = g->trouble.column_key;
	t = sql_catalog_table(&g->out->after, what.table);
	c = t ? sql_table_column(t, what.column) : NULL;
	buf_addf(lines, "%s.%s is NOT NULL since\n", what.table, what.column);
	if (c && fills_itself(c))
		return no_sign(g, ASK_REQUIRED, "it has a value by itself");
	return by_usage(g, ASK_REQUIRED, &what, err);
}

static int sign_renamed(struct deciding *g, struct err *err)
{
	struct sql_used what = { 0 };

	if (!find(g, TROUBLE_RENAMED))
		return not_seen(g, ASK_RENAMED, "its SQL renames nothing");
	what.table = g->trouble.table_key;
	what.column = g->trouble.column_key;
	buf_addf(lines_of(g, ASK_RENAMED), "%s%s%s is called %s since\n", what.table,
		 what.column ? "." : "", what.column ? what.column : "",
		 g->trouble.to_key ? g->trouble.to_key : g->trouble.to);
	return by_usage(g, ASK_RENAMED, &what, err);
}

static int sign_dropped(struct deciding *g, struct err *err)
{
	struct sql_used what = { 0 };

	if (!find(g, TROUBLE_DROPPED_EARLY))
		return not_seen(g, ASK_DROPPED, "its SQL drops nothing that was there");
	what.table = g->trouble.table_key;
	what.column = g->trouble.column_key;
	buf_addf(lines_of(g, ASK_DROPPED), "%s%s%s was dropped\n", what.table,
		 what.column ? "." : "", what.column ? what.column : "");
	return by_usage(g, ASK_DROPPED, &what, err);
}

static int sign_constraint(struct deciding *g)
{
	struct buf *lines = lines_of(g, ASK_CONSTRAINT);
	const struct sql_trouble *t = &g->trouble;

	if (!find(g, TROUBLE_BAD_CONSTRAINT))
		return not_seen(g, ASK_CONSTRAINT, "its SQL adds no constraint");
	if (t->constraint)
		buf_addf(lines, "%s got %s\n", t->table_key, t->constraint);
	else if (t->statement)
		buf_addf(lines, "%s\n", t->statement);
	else
		buf_addf(lines, "%s.%s is bound to more since\n", t->table_key,
			 t->column_key);
	if (!sql_catalog_table(&g->out->before, t->table_key) &&
	    !sql_catalog_table(&g->out->after, t->table_key)->guessed)
		return no_sign(g, ASK_CONSTRAINT, "the table is new with it");
	return usual(g, ASK_CONSTRAINT, "yes");
}

/* What was done to the rows of a table, and what is said where that is not certain. */
struct rows_told {
	enum sql_effect_kind kind;
	const char *done, *unsure;
};

/* A line for each table of which rows were changed so; false: of none. */
static bool tell_rows(struct deciding *g, enum decision_question question,
		      const struct rows_told *told)
{
	const struct sql_effects *effects = &g->out->effects;
	const struct sql_effect *e;
	bool any = false;

	for (e = effects->items; e < effects->items + effects->nr; e++) {
		if (e->kind != told->kind)
			continue;
		if (e->rebuilt)
			buf_addf(lines_of(g, question), "it made %s anew, and %s\n",
				 e->table_key, told->unsure);
		else
			buf_addf(lines_of(g, question), "%s %s\n", told->done,
				 e->table_key);
		any = true;
	}
	return any;
}

static int sign_backfill(struct deciding *g)
{
	static const struct rows_told told = { EFFECT_UPDATED, "it changed rows of",
					       "not each value is seen to come with it" };

	if (find(g, TROUBLE_WRONG_BACKFILL))
		buf_addf(lines_of(g, ASK_BACKFILL), "it set %s of %s\n",
			 g->trouble.column, g->trouble.table);
	else if (!tell_rows(g, ASK_BACKFILL, &told))
		return not_seen(g, ASK_BACKFILL, "its SQL changes no rows");
	return usual(g, ASK_BACKFILL, "yes");
}

static int sign_deleted(struct deciding *g)
{
	static const struct rows_told told = { EFFECT_DELETED, "it deleted rows of",
					       "not each row is seen to come with it" };

	if (!tell_rows(g, ASK_DELETED, &told))
		return not_seen(g, ASK_DELETED, "its SQL deletes no rows");
	return usual(g, ASK_DELETED, "yes");
}

static int sign_slow(struct deciding *g)
{
	if (!find(g, TROUBLE_SLOW_DDL))
		return not_seen(g, ASK_SLOW, "its SQL makes no index");
	buf_addf(lines_of(g, ASK_SLOW), "%s\n", g->trouble.statement);
	if (strcasestr(g->trouble.statement, "concurrently"))
		return no_sign(g, ASK_SLOW, "it was built while others wrote");
	if (!sql_catalog_table(&g->out->before, g->trouble.table_key) &&
	    !sql_catalog_table(&g->out->after, g->trouble.table_key)->guessed)
		return no_sign(g, ASK_SLOW, "the table is new with it");
	return usual(g, ASK_SLOW, "yes");
}

int decide_sign(struct deciding *g, enum decision_question question, struct err *err)
{
	switch ((int)question) {
	case ASK_INDEX:
		return sign_index(g);
	case ASK_LOSSY:
		return sign_lossy(g);
	case ASK_REQUIRED:
		return sign_required(g, err);
	case ASK_RENAMED:
		return sign_renamed(g, err);
	case ASK_DROPPED:
		return sign_dropped(g, err);
	case ASK_CONSTRAINT:
		return sign_constraint(g);
	case ASK_BACKFILL:
		return sign_backfill(g);
	case ASK_DELETED:
		return sign_deleted(g);
	case ASK_SLOW:
		return sign_slow(g);
	}
	BUG("question %d is of another file", (int)question);
}
