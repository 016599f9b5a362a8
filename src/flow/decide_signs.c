/* Signs of each kind of trouble in what a migration did. */
#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "flow/decide_parts.h"
#include "sql/column_text.h"
#include "sql/key.h"
#include "sql/usage.h"

enum { TROUBLES_MAX = 100 }; /* of one kind that are looked at */

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

/* --- the kinds ------------------------------------------------------------- */

static bool find_nth(struct deciding *g, enum sql_trouble_kind kind, size_t nr)
{
	return sql_trouble_find_nth(&g->out->before, &g->out->after, kind, nr,
				    &g->trouble);
}

static bool find(struct deciding *g, enum sql_trouble_kind kind)
{
	return find_nth(g, kind, 0);
}

/* What is looked for in the statements of code that runs. */
struct use {
	enum decision_question question;
	enum sql_trouble_kind kind;
	/* a line on g->trouble, and what uses it; false where nothing can go wrong */
	bool (*tell)(struct deciding *g, struct buf *lines, struct sql_used *what,
		     bool *unsure);
	const char *none;
};

struct use_found {
	bool any, used, unsure;
};

/* All of the kind; the first that is used, else the first at all, is the one to mend. */
static void look_for_uses(struct deciding *g, const struct use *use,
			  struct use_found *found)
{
	struct buf *lines = lines_of(g, use->question);
	bool used, unsure;
	size_t nr;

	memset(found, 0, sizeof(*found));
	for (nr = 0; nr < TROUBLES_MAX && find_nth(g, use->kind, nr); nr++) {
		struct sql_used what = { .sqlite = g->out->after.sqlite };

		unsure = false;
		if (!use->tell(g, lines, &what, &unsure))
			continue;
		used = tell_usage(g, &what, lines) > 0;
		if (!found->any || (used && !found->used)) {
			g->nr_trouble = nr;
			found->unsure = unsure;
		}
		found->any = true;
		found->used |= used;
	}
}

/* Yes where code that runs uses it; a person knows where its statements are not here. */
static int by_usage(struct deciding *g, const struct use *use, struct err *err)
{
	struct buf *lines = lines_of(g, use->question);
	struct use_found found;

	if (!find(g, use->kind))
		return not_seen(g, use->question, use->none);
	if (decide_read_compat(g, err) < 0)
		return -1;
	look_for_uses(g, use, &found);
	if (!found.any)
		return decided(use->question, "no");
	if (found.used)
		return found.unsure ? usual(g, use->question, "yes")
				    : decided(use->question, "yes");
	if (g->nr_compat == 0) {
		buf_addf(lines,
			 "there is no compat/*.sql at %s, to see what code that "
			 "runs does\n",
			 g->deployed ? g->deployed : "the deployed revision");
		return usual(g, use->question, "yes");
	}
	buf_addf(lines, "no statement of compat/ at %s is seen to do that\n",
		 g->deployed);
	return usual(g, use->question, "no");
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

static bool is_serial(const char *type)
{
	static const char *const types[] = { "serial",	"bigserial", "smallserial",
					     "serial2", "serial4",   "serial8" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (strcasecmp(types[i], type) == 0)
			return true;
	return false;
}

/* Of SQLite: the rowid by another name. */
static bool is_rowid(const struct sql_table *t, const struct sql_column *c)
{
	return strcasecmp(c->type, "integer") == 0 &&
	       column_text_has(c->rest, "primary") && !column_text_has(c->rest, "desc") &&
	       !strcasestr(t->options, "without");
}

static bool fills_itself(const struct deciding *g, const struct sql_table *t,
			 const struct sql_column *c)
{
	if (column_text_has_value(c->rest) || column_text_computes(c->rest))
		return true;
	return g->out->after.sqlite ? is_rowid(t, c) : is_serial(c->type);
}

/* An ALTER TABLE that was not followed may have taken it away. */
static bool may_be_dropped(const struct sql_table *t, const struct sql_column *c)
{
	return t->altered && (is_serial(c->type) || column_text_has(c->rest, "identity"));
}

/* SQLite's cannot change the row that is written. */
static bool may_be_filled(const struct deciding *g, const struct sql_table *t)
{
	size_t i;

	for (i = 0; i < t->nr_extras && !g->out->after.sqlite; i++)
		if (t->extras[i].trigger)
			return true;
	return false;
}

static bool tell_required(struct deciding *g, struct buf *lines, struct sql_used *what,
			  bool *unsure)
{
	const struct sql_trouble *trouble = &g->trouble;
	const struct sql_table *t = sql_catalog_table(&g->out->after, trouble->table_key);
	const struct sql_column *c = t ? sql_table_column(t, trouble->column_key) : NULL;

	what->insert_without = true;
	what->table = trouble->was_key ? trouble->was_key : trouble->table_key;
	what->column = trouble->column_key;
	buf_addf(lines, "%s.%s is NOT NULL since\n", trouble->table_key, what->column);
	if (!c)
		return true;
	*unsure = fills_itself(g, t, c) || may_be_filled(g, t);
	if (fills_itself(g, t, c) && !may_be_dropped(t, c)) {
		buf_adds(lines, "it has a value by itself\n");
		return false;
	}
	if (*unsure)
		buf_addf(lines, "whether %s fills it in is not seen\n",
			 may_be_filled(g, t) ? "a trigger" : "the server");
	return true;
}

static bool tell_renamed(struct deciding *g, struct buf *lines, struct sql_used *what,
			 bool *unsure UNUSED)
{
	const struct sql_trouble *t = &g->trouble;

	what->table = t->was_key ? t->was_key : t->table_key;
	what->column = t->column_key;
	buf_addf(lines, "%s%s%s is called %s since\n", what->table,
		 what->column ? "." : "", what->column ? what->column : "",
		 t->to_key ? t->to_key : t->to);
	return true;
}

static bool tell_dropped(struct deciding *g, struct buf *lines, struct sql_used *what,
			 bool *unsure UNUSED)
{
	const struct sql_trouble *t = &g->trouble;

	what->table = t->was_key ? t->was_key : t->table_key;
	what->column = t->column_key;
	buf_addf(lines, "%s%s%s was dropped\n", what->table, what->column ? "." : "",
		 what->column ? what->column : "");
	return true;
}

static const struct use use_required = { ASK_REQUIRED, TROUBLE_REQUIRED_COLUMN,
					 tell_required,
					 "its SQL makes no column required" };
static const struct use use_renamed = { ASK_RENAMED, TROUBLE_RENAMED, tell_renamed,
					"its SQL renames nothing" };
static const struct use use_dropped = { ASK_DROPPED, TROUBLE_DROPPED_EARLY, tell_dropped,
					"its SQL drops nothing that was there" };

/* Nobody's rows are refused by it, nor does anybody wait: the table is new, too. */
static bool is_of_new_table(const struct deciding *g)
{
	const char *key = g->trouble.table_key;
	const struct sql_table *now = sql_catalog_table(&g->out->after, key);

	return !(g->trouble.was_key &&
		 sql_catalog_table(&g->out->before, g->trouble.was_key)) &&
	       !sql_catalog_table(&g->out->before, key) && now && !now->guessed;
}

static void tell_constraint(struct deciding *g, struct buf *lines)
{
	const struct sql_trouble *t = &g->trouble;

	if (t->constraint)
		buf_addf(lines, "%s got %s\n", t->table_key, t->constraint);
	else if (t->statement)
		buf_addf(lines, "%s\n", t->statement);
	else
		buf_addf(lines, "%s.%s is bound to more since\n", t->table_key,
			 t->column_key);
}

/* Why one that was found does no harm; NULL: it may. */
static const char *harmless_constraint(const struct deciding *g)
{
	return is_of_new_table(g) ? "the table is new with it" : NULL;
}

static const char *harmless_index(const struct deciding *g)
{
	if (strcasestr(g->trouble.statement, "concurrently"))
		return "it was built while others wrote";
	return is_of_new_table(g) ? "the table is new with it" : NULL;
}

/* All of the kind; the first that may do harm is the one to mend. */
static int by_harm(struct deciding *g, enum decision_question question,
		   enum sql_trouble_kind kind,
		   const char *(*harmless)(const struct deciding *g))
{
	struct buf *lines = lines_of(g, question);
	bool any = false;
	const char *why;
	size_t nr;

	for (nr = 0; nr < TROUBLES_MAX && find_nth(g, kind, nr); nr++) {
		tell_constraint(g, lines);
		why = harmless(g);
		if (why)
			buf_addf(lines, "%s\n", why);
		else if (!any)
			g->nr_trouble = nr;
		any |= !why;
	}
	return any ? usual(g, question, "yes") : decided(question, "no");
}

static int sign_constraint(struct deciding *g)
{
	if (!find(g, TROUBLE_BAD_CONSTRAINT))
		return not_seen(g, ASK_CONSTRAINT, "its SQL adds no constraint");
	return by_harm(g, ASK_CONSTRAINT, TROUBLE_BAD_CONSTRAINT, harmless_constraint);
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

	size_t nr;

	for (nr = 0; nr < TROUBLES_MAX && find_nth(g, TROUBLE_WRONG_BACKFILL, nr); nr++)
		buf_addf(lines_of(g, ASK_BACKFILL), "it set %s of %s\n",
			 g->trouble.column, g->trouble.table);
	if (nr == 0 && !tell_rows(g, ASK_BACKFILL, &told))
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
	return by_harm(g, ASK_SLOW, TROUBLE_SLOW_DDL, harmless_index);
}

int decide_sign(struct deciding *g, enum decision_question question, struct err *err)
{
	g->nr_trouble = 0;
	switch ((int)question) {
	case ASK_INDEX:
		return sign_index(g);
	case ASK_LOSSY:
		return sign_lossy(g);
	case ASK_REQUIRED:
		return by_usage(g, &use_required, err);
	case ASK_RENAMED:
		return by_usage(g, &use_renamed, err);
	case ASK_DROPPED:
		return by_usage(g, &use_dropped, err);
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
