#include "base/compat.h"

#include "sql/rebuilt.h"
#include "sql/trouble.h"

static const struct {
	const char *word, *clause;
} kinds[TROUBLE_NR] = {
	[TROUBLE_LOSSY_TYPE] = { "lossy-type",
				 "the type of a column was changed, and values lost" },
	[TROUBLE_REQUIRED_COLUMN] = { "required-column",
				      "a column must be filled in that running code "
				      "does not fill in" },
	[TROUBLE_RENAMED] = { "renamed", "running code still uses the old name" },
	[TROUBLE_DROPPED_EARLY] = { "dropped-early",
				    "running code still uses what was dropped" },
	[TROUBLE_BAD_CONSTRAINT] = { "bad-constraint",
				     "a constraint refuses rows that are right" },
	[TROUBLE_WRONG_BACKFILL] = { "wrong-backfill", "rows were given wrong values" },
	[TROUBLE_SLOW_DDL] = { "slow-ddl", "it takes locks for too long" },
};

const char *sql_trouble_word(enum sql_trouble_kind kind)
{
	return kinds[kind].word;
}

const char *sql_trouble_clause(enum sql_trouble_kind kind)
{
	return kinds[kind].clause;
}

int sql_trouble_parse(const char *word, enum sql_trouble_kind *out)
{
	size_t i;

	for (i = 0; i < TROUBLE_NR; i++) {
		if (strcmp(kinds[i].word, word) == 0) {
			*out = (enum sql_trouble_kind)i;
			return 0;
		}
	}
	return -1;
}

/* --- what tables and columns tell -------------------------------------- */

static void set_table(struct sql_trouble *out, const struct sql_table *t)
{
	out->table_key = t->key;
	out->table = t->name;
}

/* Whether what was found is one of those that come first. */
static bool pass_over(struct sql_trouble *out)
{
	if (!out->skip)
		return false;
	out->skip--;
	return true;
}

/* The one that was there; what is made anew without its rows is another one. */
static const struct sql_table *old_table(const struct sql_catalog *before,
					 const struct sql_catalog *after,
					 const struct sql_table *now)
{
	const struct sql_table *was = sql_catalog_table(before, now->key);

	return was && sql_rebuilt(before, after, was, now) & REBUILT_EMPTY ? NULL : was;
}

/* A column of both, or with `old` NULL a new one of a table that was there. */
typedef bool column_test(const struct sql_column *old, const struct sql_column *now);

static bool has_other_type(const struct sql_column *old, const struct sql_column *now)
{
	return old &&
	       (strcasecmp(old->type, now->type) != 0 || old->recasts != now->recasts);
}

static bool became_required(const struct sql_column *old, const struct sql_column *now)
{
	return now->required && (!old || !old->required);
}

static bool is_bound_more(const struct sql_column *old, const struct sql_column *now)
{
	return old && strcmp(old->made, now->made) != 0;
}

/* What the column was before: the rename alone makes none of it new. */
static const struct sql_column *old_column(const struct sql_catalog *after,
					   const struct sql_table *was,
					   const struct sql_column *c)
{
	const struct sql_event *e;

	for (e = after->events; e < after->events + after->nr_events; e++)
		if (e->kind == SAW_RENAME_COLUMN && strcmp(e->table_key, was->key) == 0 &&
		    strcmp(e->to_key, c->key) == 0)
			return sql_table_column(was, e->key);
	return sql_table_column(was, c->key);
}

static bool find_column(const struct sql_catalog *before, const struct sql_catalog *after,
			column_test *test, struct sql_trouble *out)
{
	const struct sql_column *c, *old;
	const struct sql_table *t, *was;

	for (t = after->tables; t < after->tables + after->nr; t++) {
		was = old_table(before, after, t);
		for (c = t->columns; c < t->columns + t->nr; c++) {
			/* of a table that nobody saw made, what is new is what is there
			 */
			old = was ? old_column(after, was, c) : NULL;
			if ((!was && !t->guessed) || !test(old, c) || pass_over(out))
				continue;
			set_table(out, t);
			out->column_key = c->key;
			out->column = c->name;
			out->new_type = c->type;
			out->old_type = old ? old->type : NULL;
			return true;
		}
	}
	return false;
}

static bool was_renamed(const struct sql_catalog *after, enum sql_saw kind,
			const char *table, const char *column)
{
	const struct sql_event *e;

	for (e = after->events; e < after->events + after->nr_events; e++)
		if (e->kind == kind && strcmp(e->table_key, table) == 0 &&
		    (!column || strcmp(e->key, column) == 0))
			return true;
	return false;
}

static bool find_dropped(const struct sql_catalog *before,
			 const struct sql_catalog *after, struct sql_trouble *out)
{
	const struct sql_table *t, *now;
	const struct sql_column *c;

	for (t = before->tables; t < before->tables + before->nr; t++) {
		now = sql_catalog_table(after, t->key);
		if (now && !old_table(before, after, now))
			now = NULL;
		if (!now && !was_renamed(after, SAW_RENAME_TABLE, t->key, NULL) &&
		    !pass_over(out)) {
			set_table(out, t);
			return true;
		}
		for (c = t->columns; now && c < t->columns + t->nr; c++) {
			if (sql_table_column(now, c->key) ||
			    was_renamed(after, SAW_RENAME_COLUMN, t->key, c->key) ||
			    pass_over(out))
				continue;
			set_table(out, t);
			out->column_key = c->key;
			out->column = c->name;
			out->old_type = c->type;
			return true;
		}
	}
	return false;
}

/* --- what statements tell ---------------------------------------------- */

static const struct sql_event *find_event(const struct sql_catalog *after,
					  enum sql_saw kind)
{
	const struct sql_event *e;

	for (e = after->events; e < after->events + after->nr_events; e++)
		if (e->kind == kind)
			return e;
	return NULL;
}

static void set_event(struct sql_trouble *out, const struct sql_event *e)
{
	out->table_key = e->table_key;
	out->table = e->table;
}

static const struct sql_event *find_renamed_column(const struct sql_catalog *after,
						   struct sql_trouble *out)
{
	const struct sql_event *e;

	for (e = after->events; e < after->events + after->nr_events; e++)
		if (e->kind == SAW_RENAME_COLUMN && !pass_over(out))
			return e;
	return NULL;
}

static bool find_renamed(const struct sql_catalog *before,
			 const struct sql_catalog *after, struct sql_trouble *out)
{
	const struct sql_event *e = find_renamed_column(after, out);
	const struct sql_table *t;
	const struct sql_column *c;

	if (e) {
		set_event(out, e);
		t = sql_catalog_table(before, e->table_key);
		c = t ? sql_table_column(t, e->key) : NULL;
		out->column_key = e->key;
		out->column = e->name;
		out->old_type = c ? c->type : NULL;
		out->to_key = e->to_key;
		out->to = e->to;
		return true;
	}
	for (e = after->events; e < after->events + after->nr_events; e++) {
		/* what a rebuild renames was not there before */
		if (e->kind != SAW_RENAME_TABLE ||
		    (before->nr && !sql_catalog_table(before, e->table_key)) ||
		    pass_over(out))
			continue;
		set_event(out, e);
		out->to_key = e->to_key;
		out->to = e->to;
		return true;
	}
	return false;
}

static const char *new_constraint(const struct sql_table *was,
				  const struct sql_table *now)
{
	size_t i, k;

	for (i = 0; i < now->nr_constraints; i++) {
		for (k = 0; k < was->nr_constraints; k++)
			if (strcmp(was->constraints[k], now->constraints[i]) == 0)
				break;
		if (k == was->nr_constraints)
			return now->constraints[i];
	}
	return NULL;
}

static bool find_constraint(const struct sql_catalog *before,
			    const struct sql_catalog *after, struct sql_trouble *out)
{
	const struct sql_event *e = find_event(after, SAW_CONSTRAINT);
	const struct sql_table *t, *was;

	if (e) {
		set_event(out, e);
		out->constraint = e->text;
		return true;
	}
	e = find_event(after, SAW_UNIQUE_INDEX);
	if (e) {
		set_event(out, e);
		out->index = e->name;
		out->statement = e->text;
		return true;
	}
	for (t = after->tables; t < after->tables + after->nr; t++) {
		was = old_table(before, after, t);
		out->constraint = was ? new_constraint(was, t) : NULL;
		if (!out->constraint)
			continue;
		set_table(out, t);
		return true;
	}
	return find_column(before, after, is_bound_more, out);
}

static bool find_update(const struct sql_catalog *after, struct sql_trouble *out)
{
	const struct sql_event *e = find_event(after, SAW_UPDATE);

	if (!e)
		return false;
	set_event(out, e);
	out->column = e->name;
	return true;
}

static bool find_slow(const struct sql_catalog *after, struct sql_trouble *out)
{
	const struct sql_event *e = find_event(after, SAW_INDEX);

	if (!e)
		e = find_event(after, SAW_UNIQUE_INDEX);
	if (!e)
		return false;
	set_event(out, e);
	out->index = e->name;
	out->statement = e->text;
	return true;
}

static bool find_kind(const struct sql_catalog *before, const struct sql_catalog *after,
		      enum sql_trouble_kind kind, struct sql_trouble *out)
{
	switch (kind) {
	case TROUBLE_LOSSY_TYPE:
		return find_column(before, after, has_other_type, out);
	case TROUBLE_REQUIRED_COLUMN:
		return find_column(before, after, became_required, out);
	case TROUBLE_RENAMED:
		return find_renamed(before, after, out);
	case TROUBLE_DROPPED_EARLY:
		return find_dropped(before, after, out);
	case TROUBLE_BAD_CONSTRAINT:
		return find_constraint(before, after, out);
	case TROUBLE_WRONG_BACKFILL:
		return find_update(after, out);
	case TROUBLE_SLOW_DDL:
		return find_slow(after, out);
	case TROUBLE_NR:
		break;
	}
	BUG("unhandled kind %d", (int)kind);
}

bool sql_trouble_find(const struct sql_catalog *before, const struct sql_catalog *after,
		      enum sql_trouble_kind kind, struct sql_trouble *out)
{
	return sql_trouble_find_nth(before, after, kind, 0, out);
}

bool sql_trouble_find_nth(const struct sql_catalog *before,
			  const struct sql_catalog *after, enum sql_trouble_kind kind,
			  size_t nr, struct sql_trouble *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = kind;
	out->skip = nr;
	return find_kind(before, after, kind, out) && !out->skip;
}
