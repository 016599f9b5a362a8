#include "base/compat.h"

#include "sql/origin.h"
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

enum { UPDATES_MAX = 200 };

/* What is read, and what is looked for in it. */
struct search {
	const struct sql_catalog *before, *after;
	struct sql_trouble *out;
};

/* --- what tables and columns tell -------------------------------------- */

static void set_table(struct sql_trouble *out, const struct sql_table *t,
		      const struct sql_table *was)
{
	out->table_key = t->key;
	out->table = t->name;
	out->was_key = was ? was->key : NULL;
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
static const struct sql_table *old_table(const struct search *s,
					 const struct sql_table *now)
{
	const struct sql_table *was = sql_origin_place(s->before, s->after, now);

	return was && sql_rebuilt(s->before, s->after, was, now) & REBUILT_EMPTY ? NULL
										 : was;
}

/* A column of both, or with `old` NULL a new one of a table that was there. */
typedef bool column_test(const struct sql_column *old, const struct sql_column *now,
			 bool added);

/* What is dropped and added again has nothing of its values. */
static bool has_other_type(const struct sql_column *old, const struct sql_column *now,
			   bool added)
{
	return old && (added || strcasecmp(old->type, now->type) != 0 ||
		       old->recasts != now->recasts);
}

static bool became_required(const struct sql_column *old, const struct sql_column *now,
			    bool added UNUSED)
{
	return now->required && (!old || !old->required);
}

static bool is_bound_more(const struct sql_column *old, const struct sql_column *now,
			  bool added UNUSED)
{
	return old && strcmp(old->made, now->made) != 0;
}

static bool find_column(const struct search *s, column_test *test)
{
	const struct sql_column *c, *old;
	const struct sql_table *t, *was;

	for (t = s->after->tables; t < s->after->tables + s->after->nr; t++) {
		was = old_table(s, t);
		for (c = t->columns; c < t->columns + t->nr; c++) {
			/* of a table that nobody saw made, what is new is what is there
			 */
			old = was ? sql_origin_column(s->after, was, t, c) : NULL;
			if ((!was && !t->guessed) ||
			    !test(old, c, sql_origin_is_added(s->after, t, c)) ||
			    pass_over(s->out))
				continue;
			set_table(s->out, t, was);
			s->out->column_key = c->key;
			s->out->column = c->name;
			s->out->new_type = c->type;
			s->out->old_type = old ? old->type : NULL;
			return true;
		}
	}
	return false;
}

/*
 * Whether the column of a table that was there is there, by that name or another. Of what
 * a query made the columns are not known.
 */
static bool is_left(const struct search *s, const struct sql_table *was,
		    const struct sql_table *now, const struct sql_column *c)
{
	const struct sql_column *k;

	if (sql_table_column(now, c->key) ||
	    (now->guessed && sql_table_is_new(s->after, now)))
		return true;
	for (k = now->columns; k < now->columns + now->nr; k++)
		if (sql_origin_column(s->after, was, now, k) == c)
			return true;
	return false;
}

/* What has the place of a table that was there: its name, or else itself. */
static const struct sql_table *place_now(const struct search *s,
					 const struct sql_table *was)
{
	const struct sql_table *now = sql_catalog_table(s->after, was->key);

	if (!now)
		return sql_origin_left(s->before, s->after, was);
	return old_table(s, now) ? now : NULL;
}

static bool find_dropped(const struct search *s)
{
	const struct sql_table *t, *now;
	const struct sql_column *c;

	for (t = s->before->tables; t < s->before->tables + s->before->nr; t++) {
		now = place_now(s, t);
		if (!now && !pass_over(s->out)) {
			set_table(s->out, t, t);
			return true;
		}
		for (c = t->columns; now && c < t->columns + t->nr; c++) {
			if (is_left(s, t, now, c) || pass_over(s->out))
				continue;
			set_table(s->out, now, t);
			s->out->column_key = c->key;
			s->out->column = c->name;
			s->out->old_type = c->type;
			return true;
		}
	}
	return false;
}

/* --- what statements tell ---------------------------------------------- */

static void set_event(const struct search *s, const struct sql_event *e)
{
	struct sql_origin_names names;

	sql_origin_names(s->after, e, &names);
	s->out->table_key = names.table_key;
	s->out->table = names.table;
	s->out->was_key = sql_origin_event(s->after, e);
}

/* The next event of that kind, from the first one on, that is not passed over. */
typedef bool event_test(const struct search *s, const struct sql_event *e);

static const struct sql_event *find_event(const struct search *s, enum sql_saw kind,
					  event_test *test)
{
	const struct sql_event *e, *end = s->after->events + s->after->nr_events;

	for (e = s->after->events; e < end; e++)
		if (e->kind == kind && (!test || test(s, e)) && !pass_over(s->out)) {
			set_event(s, e);
			return e;
		}
	return NULL;
}

/* What was there before by a name that is there no more, though it itself is. */
static bool column_lost_its_name(const struct search *s, const struct sql_event *e)
{
	const char *was_key = sql_origin_event(s->after, e);
	const struct sql_table *was = sql_catalog_table(s->before, was_key), *now;
	struct sql_origin_names names;

	if (was && !was->guessed && !sql_table_column(was, e->key))
		return false;
	sql_origin_names(s->after, e, &names);
	now = sql_catalog_table(s->after, names.table_key);
	return now && (was || !sql_table_is_new(s->after, now)) &&
	       !sql_table_column(now, e->key) && sql_table_column(now, names.key);
}

static bool table_lost_its_name(const struct search *s, const struct sql_event *e)
{
	struct sql_origin_names names;

	if ((s->before->nr && !sql_catalog_table(s->before, e->table_key)) ||
	    sql_catalog_table(s->after, e->table_key))
		return false;
	sql_origin_names(s->after, e, &names);
	return sql_catalog_table(s->after, names.table_key) != NULL;
}

static bool find_renamed_column(const struct search *s)
{
	const struct sql_event *e = find_event(s, SAW_RENAME_COLUMN,
					       column_lost_its_name);
	struct sql_origin_names names;
	const struct sql_column *c;
	const struct sql_table *t;

	if (!e)
		return false;
	t = sql_catalog_table(s->before, s->out->was_key);
	c = t ? sql_table_column(t, e->key) : NULL;
	s->out->column_key = e->key;
	s->out->column = e->name;
	s->out->old_type = c ? c->type : NULL;
	sql_origin_names(s->after, e, &names);
	s->out->to_key = names.key;
	s->out->to = names.name;
	return true;
}

static bool find_renamed(const struct search *s)
{
	const struct sql_event *e;

	if (find_renamed_column(s))
		return true;
	e = find_event(s, SAW_RENAME_TABLE, table_lost_its_name);
	if (!e)
		return false;
	s->out->to_key = s->out->table_key;
	s->out->to = s->out->table;
	s->out->table_key = e->table_key;
	s->out->table = e->table;
	return true;
}

/* One that a statement has added is told of by that. */
static bool is_new_constraint(const struct search *s, const struct sql_table *was,
			      const char *text)
{
	const struct sql_event *e;
	size_t i;

	for (i = 0; i < was->nr_constraints; i++)
		if (strcmp(was->constraints[i], text) == 0)
			return false;
	for (e = s->after->events; e < s->after->events + s->after->nr_events; e++)
		if (e->kind == SAW_CONSTRAINT && e->text == text)
			return false;
	return true;
}

static bool find_new_constraint(const struct search *s)
{
	const struct sql_table *t, *was;
	size_t i;

	for (t = s->after->tables; t < s->after->tables + s->after->nr; t++) {
		was = old_table(s, t);
		for (i = 0; was && i < t->nr_constraints; i++) {
			if (!is_new_constraint(s, was, t->constraints[i]) ||
			    pass_over(s->out))
				continue;
			s->out->constraint = t->constraints[i];
			set_table(s->out, t, was);
			return true;
		}
	}
	return false;
}

static bool find_index(const struct search *s, enum sql_saw kind)
{
	const struct sql_event *e = find_event(s, kind, NULL);

	if (!e)
		return false;
	s->out->index = e->name;
	s->out->statement = e->text;
	return true;
}

static bool find_constraint(const struct search *s)
{
	const struct sql_event *e = find_event(s, SAW_CONSTRAINT, NULL);

	if (e) {
		s->out->constraint = e->text;
		return true;
	}
	return find_index(s, SAW_UNIQUE_INDEX) || find_new_constraint(s) ||
	       find_column(s, is_bound_more);
}

/* Of several that set one column the first is enough, as far as is looked for it. */
static bool is_first_update(const struct search *s, const struct sql_event *e)
{
	const struct sql_event *k, *first = s->after->events;

	for (k = first; k < e && k < first + UPDATES_MAX; k++)
		if (k->kind == SAW_UPDATE && strcmp(k->table_key, e->table_key) == 0 &&
		    strcmp(k->key, e->key) == 0)
			return false;
	return true;
}

static bool find_update(const struct search *s)
{
	const struct sql_event *e = find_event(s, SAW_UPDATE, is_first_update);

	if (!e)
		return false;
	s->out->column = e->name;
	s->out->column_key = e->key;
	return true;
}

static bool find_slow(const struct search *s)
{
	return find_index(s, SAW_INDEX) || find_index(s, SAW_UNIQUE_INDEX);
}

static bool find_kind(const struct search *s, enum sql_trouble_kind kind)
{
	switch (kind) {
	case TROUBLE_LOSSY_TYPE:
		return find_column(s, has_other_type);
	case TROUBLE_REQUIRED_COLUMN:
		return find_column(s, became_required);
	case TROUBLE_RENAMED:
		return find_renamed(s);
	case TROUBLE_DROPPED_EARLY:
		return find_dropped(s);
	case TROUBLE_BAD_CONSTRAINT:
		return find_constraint(s);
	case TROUBLE_WRONG_BACKFILL:
		return find_update(s);
	case TROUBLE_SLOW_DDL:
		return find_slow(s);
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
	const struct search s = { .before = before, .after = after, .out = out };

	memset(out, 0, sizeof(*out));
	out->kind = kind;
	out->skip = nr;
	return find_kind(&s, kind);
}
