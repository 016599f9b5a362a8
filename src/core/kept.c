#include "base/compat.h"

#include "base/buf.h"
#include "base/vec.h"
#include "core/kept.h"

void kept_release(struct kept *k)
{
	struct kept_table *t;
	size_t i, key;

	for (i = 0; i < k->nr; i++) {
		t = &k->tables[i];
		for (key = 0; key < t->nr_keys; key++)
			free(t->keys[key].columns.items);
		free(t->keys);
		free(t->columns);
		free(t->by.items);
		free(t->row.items);
		free(t->digests);
	}
	free(k->tables);
	pool_release(&k->pool);
	memset(k, 0, sizeof(*k));
}

struct kept_table *kept_add_table(struct kept *k, const char *name)
{
	struct kept_table *t;

	VEC_GROW(k->tables, k->nr, k->alloc);
	t = &k->tables[k->nr++];
	memset(t, 0, sizeof(*t));
	t->name = pool_strdup(&k->pool, name);
	t->no_case = k->no_case;
	t->whole = "";
	return t;
}

struct kept_column *kept_add_column(struct kept *k, struct kept_table *t,
				    const char *name)
{
	struct kept_column *c;

	VEC_GROW(t->columns, t->nr, t->alloc);
	c = &t->columns[t->nr++];
	memset(c, 0, sizeof(*c));
	c->name = pool_strdup(&k->pool, name);
	c->plain = "";
	return c;
}

static void add_place(struct kept_columns *columns, size_t place)
{
	VEC_GROW(columns->items, columns->nr, columns->alloc);
	columns->items[columns->nr++] = place;
}

static bool are_one(bool no_case, const char *a, const char *b)
{
	return (no_case ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

static const struct kept_column *find_column(const struct kept_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (are_one(t->no_case, t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

void kept_add_key_column(struct kept *k, struct kept_table *t, const char *key,
			 const char *column)
{
	const struct kept_column *c = find_column(t, column);
	struct kept_key *last = t->nr_keys ? &t->keys[t->nr_keys - 1] : NULL;

	if (!c)
		BUG("a key of %s has the column %s", t->name, column);
	if (!last || strcmp(last->name, key) != 0) {
		VEC_GROW(t->keys, t->nr_keys, t->alloc_keys);
		last = &t->keys[t->nr_keys++];
		*last = (struct kept_key){ .name = pool_strdup(&k->pool, key) };
	}
	add_place(&last->columns, (size_t)(c - t->columns));
}

struct kept_table *kept_find_table(const struct kept *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->nr; i++)
		if (are_one(k->no_case, k->tables[i].name, name))
			return &k->tables[i];
	return NULL;
}

/* --- digests ----------------------------------------------------------- */

void kept_add_digest(struct kept *k, struct kept_table *t, uint64_t digest)
{
	if (!t->each)
		return;
	if (k->room == KEPT_DIGESTS || t->nr_digests == t->each) {
		k->room -= t->nr_digests;
		t->nr_digests = 0;
		t->each = 0;
		return;
	}
	k->room++;
	VEC_GROW(t->digests, t->nr_digests, t->alloc_digests);
	t->digests[t->nr_digests++] = digest;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void kept_end_table(struct kept_table *t)
{
	if (t->nr_digests)
		qsort(t->digests, t->nr_digests, sizeof(*t->digests), by_value);
}

/* How many of `a` are not in `b`, each as often as it is there. */
static uint64_t count_beyond(const struct kept_table *a, const struct kept_table *b)
{
	uint64_t beyond = 0;
	size_t i = 0, j = 0;

	while (i < a->nr_digests) {
		while (j < b->nr_digests && b->digests[j] < a->digests[i])
			j++;
		if (j < b->nr_digests && b->digests[j] == a->digests[i])
			j++;
		else
			beyond++;
		i++;
	}
	return beyond;
}

static bool have_digests(const struct kept_table *a, const struct kept_table *b)
{
	return a->each > 0 && b->each > 0;
}

uint64_t kept_rows(const struct kept *k)
{
	uint64_t rows = 0;
	size_t i;

	for (i = 0; i < k->nr; i++)
		rows += k->tables[i].rows;
	return rows;
}

/* --- names ------------------------------------------------------------- */

/* What follows the name of a table and a dot; NULL: another table. */
static const char *behind_table(const char *text, const char *table, bool no_case)
{
	size_t len = strlen(table);

	if ((no_case ? strncasecmp(text, table, len) : strncmp(text, table, len)) != 0)
		return NULL;
	return text[len] == '.' ? text + len + 1 : NULL;
}

/* Whether a text is the name of the table, or with `c` "table.column". */
static bool is_name(const char *text, const struct kept_table *t,
		    const struct kept_column *c)
{
	const char *column;

	if (!c)
		return are_one(t->no_case, text, t->name);
	column = behind_table(text, t->name, t->no_case);
	return column && are_one(t->no_case, column, c->name);
}

struct place {
	const struct kept_table *table;
	const struct kept_column *column;
};

/* What a text names: a table, else a column of one; false: nothing. */
static bool find_named(const struct kept *k, const char *text, struct place *out)
{
	size_t i, c;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < k->nr; i++) {
		out->table = &k->tables[i];
		if (is_name(text, out->table, NULL))
			return true;
	}
	for (i = 0; i < k->nr; i++) {
		out->table = &k->tables[i];
		for (c = 0; c < out->table->nr; c++) {
			out->column = &out->table->columns[c];
			if (is_name(text, out->table, out->column))
				return true;
		}
	}
	memset(out, 0, sizeof(*out));
	return false;
}

/* --- the comparison ---------------------------------------------------- */

struct comparison {
	const struct kept *now;
	const struct kept_rule *rules;
	size_t nr_rules, nr;
	const struct kept *before, *added; /* of what the original added alone */
	void (*differs)(void *arg, const struct kept_difference *d);
	void *arg;
};

static const struct kept_rule *find_rule(const struct comparison *c,
					 enum kept_leave leave,
					 const struct kept_table *t,
					 const struct kept_column *column)
{
	size_t i;

	for (i = 0; i < c->nr_rules; i++)
		if (c->rules[i].leave == leave && is_name(c->rules[i].what, t, column))
			return &c->rules[i];
	return NULL;
}

static void differ_in(struct comparison *c, enum kept_loss loss,
		      const struct place *before, const struct place *now, uint64_t rows)
{
	const struct kept_difference d = { loss,       before->table, before->column,
					   now->table, now->column,   rows };

	c->nr++;
	c->differs(c->arg, &d);
}

static void differ(struct comparison *c, enum kept_loss loss, const struct place *before,
		   const struct place *now)
{
	differ_in(c, loss, before, now, 0);
}

/* Keys can be compared where both sides have the same. */
static bool have_one_key(const struct kept_table *a, const struct kept_table *b)
{
	return a->key && b->key && are_one(a->no_case, a->key, b->key);
}

static bool are_moved(const struct place *before, const struct place *now)
{
	const struct kept_column *a = before->column, *b = now->column;

	return have_one_key(before->table, now->table) && a->keyed && b->keyed &&
	       strcmp(a->keyed, b->keyed) != 0;
}

static void compare_values(struct comparison *c, const struct place *before,
			   const struct place *now)
{
	if (before->column->filled != now->column->filled)
		differ(c, KEPT_FILLED, before, now);
	else if (strcmp(before->column->plain, now->column->plain) != 0)
		differ(c, KEPT_VALUES, before, now);
	else if (are_moved(before, now))
		differ(c, KEPT_MOVED, before, now);
}

/* Where a column is now: false when it is gone. */
static bool find_now(struct comparison *c, const struct place *before,
		     const struct kept_table *table_now, struct place *now)
{
	const struct kept_rule *r = find_rule(c, KEPT_IS_NOW, before->table,
					      before->column);

	if (r)
		return find_named(c->now, r->now, now) && now->column;
	now->table = table_now;
	now->column = find_column(table_now, before->column->name);
	return now->column != NULL;
}

static void compare_column(struct comparison *c, const struct place *before,
			   const struct kept_table *table_now, bool same_rows)
{
	struct place now;

	if (!find_now(c, before, table_now, &now)) {
		if (!find_rule(c, KEPT_MAY_GO, before->table, before->column))
			differ(c, KEPT_COLUMN_GONE, before, &now);
		return;
	}
	if (find_rule(c, KEPT_MAY_CHANGE, before->table, before->column))
		return;
	/* with other rows its values are others of necessity */
	if (same_rows || now.table != table_now)
		compare_values(c, before, &now);
}

/* The same of a table. */
static bool find_table_now(const struct comparison *c, const struct kept_table *t,
			   struct place *now)
{
	const struct kept_rule *r = find_rule(c, KEPT_IS_NOW, t, NULL);

	if (find_named(c->now, r ? r->now : t->name, now) && !now->column)
		return true;
	memset(now, 0, sizeof(*now));
	return false;
}

/* Whether it may have as many rows less, or more. */
static bool may_have_rows(const struct comparison *c, const struct kept_table *before,
			  const struct kept_table *now)
{
	const struct kept_rule *r = find_rule(c, KEPT_MAY_LOSE, before, NULL);

	if (now->rows == before->rows)
		return true;
	if (now->rows > before->rows)
		return find_rule(c, KEPT_MAY_CHANGE, before, NULL) != NULL;
	return r && (!r->most || before->rows - now->rows <= r->most);
}

/* What stands in one row with what: the columns for themselves are as they were. */
static void compare_rows(struct comparison *c, const struct place *before,
			 const struct place *now)
{
	const struct kept_table *a = before->table, *b = now->table;

	if (a->row.nr == b->row.nr && strcmp(a->whole, b->whole) != 0)
		differ_in(c, KEPT_MOVED, before, now,
			  have_digests(a, b) ? count_beyond(a, b) : 0);
}

/* Where rows have gone, the others are as they were. */
static void compare_rest(struct comparison *c, const struct place *before,
			 const struct place *now)
{
	uint64_t others = 0;

	if (have_digests(before->table, now->table))
		others = count_beyond(now->table, before->table);
	if (others)
		differ_in(c, KEPT_NEW, before, now, others);
}

static void compare_table(struct comparison *c, const struct kept_table *t)
{
	bool may_change = find_rule(c, KEPT_MAY_CHANGE, t, NULL) != NULL, same;
	struct place before = { t, NULL }, now = { 0 };
	size_t i, nr = c->nr;

	if (!find_table_now(c, t, &now)) {
		if (!find_rule(c, KEPT_MAY_GO, t, NULL))
			differ(c, KEPT_TABLE_GONE, &before, &now);
		return;
	}
	same = t->rows == now.table->rows;
	if (!may_have_rows(c, t, now.table))
		differ(c, KEPT_ROWS, &before, &now);
	for (i = 0; i < t->nr; i++) {
		before.column = &t->columns[i];
		compare_column(c, &before, now.table, same && !may_change);
	}
	before.column = NULL;
	if (may_change || c->nr != nr)
		return;
	if (same)
		compare_rows(c, &before, &now);
	else
		compare_rest(c, &before, &now);
}

size_t kept_compare(const struct kept *before, const struct kept *now,
		    const struct kept_rule *rules, size_t nr_rules,
		    void (*differs)(void *arg, const struct kept_difference *d),
		    void *arg)
{
	struct comparison c = { .now = now,
				.rules = rules,
				.nr_rules = nr_rules,
				.differs = differs,
				.arg = arg };
	size_t i;

	for (i = 0; i < before->nr; i++)
		compare_table(&c, &before->tables[i]);
	return c.nr;
}

/* Without a value nothing shows that it is the same one. */
static bool have_one_content(const struct kept_column *a, const struct kept_column *b)
{
	return a->filled && a->filled == b->filled && strcmp(a->plain, b->plain) == 0;
}

/* Whether the original took a column away under its name, which has all of this one. */
static bool is_column_back(const struct comparison *c, const struct place *added,
			   const struct kept_table *table_now)
{
	const struct kept_table *t = added->table, *was;
	const struct kept_column *now;
	size_t i;

	was = kept_find_table(c->before, t->name);
	for (i = 0; was && t->rows == table_now->rows && i < was->nr; i++) {
		now = find_column(table_now, was->columns[i].name);
		if (now && !find_column(t, was->columns[i].name) &&
		    have_one_content(added->column, now))
			return true;
	}
	return false;
}

/* Whether a table has each column of another one, with what is in it. */
static bool has_all_of(const struct kept_table *now, const struct kept_table *t)
{
	const struct kept_column *column;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		column = find_column(now, t->columns[i].name);
		if (!column ||
		    (t->columns[i].filled && !have_one_content(&t->columns[i], column)))
			return false;
	}
	return t->rows && t->rows == now->rows;
}

/* The same of a table. */
static bool is_table_back(const struct comparison *c, const struct kept_table *t)
{
	const struct kept_table *now;
	size_t i;

	for (i = 0; i < c->before->nr; i++) {
		now = kept_find_table(c->now, c->before->tables[i].name);
		if (now && !kept_find_table(c->added, c->before->tables[i].name) &&
		    has_all_of(now, t))
			return true;
	}
	return false;
}

/* A column that is new; with fewer rows it has fewer values of necessity. */
/* So many values went with their rows, if all of these had one. */
static uint64_t rows_gone(const struct kept_table *was, const struct kept_table *now)
{
	return was->rows > now->rows ? was->rows - now->rows : 0;
}

static void compare_added_column(struct comparison *c, const struct place *added,
				 const struct kept_table *table_now)
{
	const struct kept_column *column = added->column;
	struct place now;

	if (find_rule(c, KEPT_MAY_GO, added->table, column))
		return;
	if (!find_now(c, added, table_now, &now)) {
		if (!is_column_back(c, added, table_now))
			differ(c, KEPT_COLUMN_GONE, added, &now);
		return;
	}
	if (now.column->filled < column->filled &&
	    column->filled - now.column->filled > rows_gone(added->table, now.table))
		differ(c, KEPT_FILLED, added, &now);
}

/* What was there before too is compared with that. */
static void compare_added(struct comparison *c, const struct kept_table *t)
{
	const struct kept_table *was = kept_find_table(c->before, t->name);
	struct place place = { t, NULL }, table_now;
	size_t i;

	if (!was && find_rule(c, KEPT_MAY_GO, t, NULL))
		return;
	if (!find_table_now(c, t, &table_now)) {
		if (!was && !is_table_back(c, t))
			differ(c, KEPT_TABLE_GONE, &place, &table_now);
		return;
	}
	if (!was && table_now.table->rows < t->rows &&
	    !may_have_rows(c, t, table_now.table))
		differ(c, KEPT_ROWS, &place, &table_now);
	for (i = 0; i < t->nr; i++) {
		place.column = &t->columns[i];
		if (!was || !find_column(was, place.column->name))
			compare_added_column(c, &place, table_now.table);
	}
}

size_t kept_compare_added(const struct kept *before, const struct kept *added,
			  const struct kept_wish *wish, const struct kept *now,
			  void (*differs)(void *arg, const struct kept_difference *d),
			  void *arg)
{
	struct comparison c = { .now = now,
				.rules = wish->rules,
				.nr_rules = wish->nr_rules,
				.before = before,
				.added = added,
				.differs = differs,
				.arg = arg };
	size_t i;

	for (i = 0; i < added->nr; i++)
		compare_added(&c, &added->tables[i]);
	return c.nr;
}

/* --- what is compared of a row ----------------------------------------- */

/* Whether a column is to stay in its table as it is. */
static bool is_held(const struct comparison *c, const struct kept_table *t,
		    const struct kept_column *column)
{
	const struct kept_rule *of_table = find_rule(c, KEPT_IS_NOW, t, NULL), *r;
	const char *name = of_table ? of_table->now : t->name;

	if (find_rule(c, KEPT_MAY_CHANGE, t, column) ||
	    find_rule(c, KEPT_MAY_GO, t, column))
		return false;
	r = find_rule(c, KEPT_IS_NOW, t, column);
	return !r || behind_table(r->now, name, t->no_case);
}

static bool are_held(const struct comparison *c, const struct kept_table *t,
		     const struct kept_columns *columns)
{
	size_t i;

	for (i = 0; i < columns->nr; i++)
		if (!is_held(c, t, &t->columns[columns->items[i]]))
			return false;
	return true;
}

static void choose_key(struct kept *k, struct kept_table *t, const struct comparison *c)
{
	const struct kept_columns *key;
	struct buf names = BUF_INIT;
	size_t i, n = 0;

	while (n < t->nr_keys && !are_held(c, t, &t->keys[n].columns))
		n++;
	if (n == t->nr_keys)
		return;
	key = &t->keys[n].columns;
	for (i = 0; i < key->nr; i++) {
		add_place(&t->by, key->items[i]);
		buf_addf(&names, "%s%s", i ? ", " : "", t->columns[key->items[i]].name);
	}
	t->key = pool_strdup(&k->pool, buf_str(&names));
	buf_release(&names);
}

static void choose_here(struct kept *k, struct kept_table *t, const struct comparison *c)
{
	size_t i;

	choose_key(k, t, c);
	for (i = 0; i < t->nr; i++)
		if (is_held(c, t, &t->columns[i]))
			add_place(&t->row, i);
	if (find_rule(c, KEPT_MAY_CHANGE, t, NULL))
		return;
	if (find_rule(c, KEPT_MAY_LOSE, t, NULL))
		t->each = KEPT_DIGESTS;
	else if (!t->by.nr)
		t->each = KEPT_COUNTED;
}

/* The same columns, where they are now; none where one of them is elsewhere. */
static void choose_same(struct comparison *c, const struct kept_table *before,
			const struct kept_columns *chosen, struct kept_table *t,
			struct kept_columns *out)
{
	struct place place = { before, NULL }, now;
	size_t i;

	for (i = 0; i < chosen->nr; i++) {
		place.column = &before->columns[chosen->items[i]];
		if (!find_now(c, &place, t, &now) || now.table != t) {
			out->nr = 0;
			return;
		}
		add_place(out, (size_t)(now.column - t->columns));
	}
}

static void choose_again(struct kept *k, const struct kept_table *before,
			 struct comparison *c)
{
	struct kept_table *t;
	struct place now;

	if (!find_table_now(c, before, &now))
		return;
	t = kept_find_table(k, now.table->name);
	/* what two tables have become is compared with the first */
	if (t->by.nr || t->row.nr)
		return;
	choose_same(c, before, &before->by, t, &t->by);
	choose_same(c, before, &before->row, t, &t->row);
	t->key = t->by.nr ? pool_strdup(&k->pool, before->key) : NULL;
	t->each = before->each;
}

bool kept_is_wanted(const struct kept_wish *wish, const struct kept_table *t)
{
	const struct kept_table *was;
	size_t i;

	if (!wish->only_new)
		return true;
	was = kept_find_table(wish->before, t->name);
	for (i = 0; was && i < t->nr; i++)
		if (!find_column(was, t->columns[i].name))
			return true;
	return !was;
}

void kept_choose(struct kept *k, const struct kept_wish *wish)
{
	struct comparison c = { .now = k,
				.rules = wish->rules,
				.nr_rules = wish->nr_rules };
	const struct comparison free_choice = { .now = k };
	size_t i;

	if (wish->only_new)
		return;
	for (i = 0; wish->before && i < wish->before->nr; i++)
		choose_again(k, &wish->before->tables[i], &c);
	for (i = 0; i < k->nr; i++)
		if (!wish->before)
			choose_here(k, &k->tables[i], &c);
		else if (!k->tables[i].key)
			choose_key(k, &k->tables[i], &free_choice);
}

/* --- what was not compared --------------------------------------------- */

static bool are_unseen(const struct comparison *c, const struct kept_table *before,
		       const struct kept_table *now)
{
	if (before->rows == now->rows)
		return before->rows > 1 && before->row.nr != now->row.nr;
	return find_rule(c, KEPT_MAY_LOSE, before, NULL) && now->rows &&
	       !have_digests(before, now);
}

/* Whether a column is in another table, whose rows are not those of its own. */
static bool is_astray(struct comparison *c, const struct place *before,
		      const struct kept_table *table_now)
{
	struct place now;

	return before->table->rows > 1 && find_now(c, before, table_now, &now) &&
	       now.table != table_now && !have_one_key(before->table, now.table) &&
	       !find_rule(c, KEPT_MAY_CHANGE, before->table, before->column);
}

void kept_unseen(const struct kept *before, const struct kept *now,
		 const struct kept_rule *rules, size_t nr_rules,
		 void (*tell)(void *arg, const struct kept_table *before,
			      const struct kept_column *column),
		 void *arg)
{
	struct comparison c = { .now = now, .rules = rules, .nr_rules = nr_rules };
	struct place was = { 0 }, is;
	size_t i, k;

	for (i = 0; i < before->nr; i++) {
		was.table = &before->tables[i];
		if (!find_table_now(&c, was.table, &is) ||
		    find_rule(&c, KEPT_MAY_CHANGE, was.table, NULL))
			continue;
		if (are_unseen(&c, was.table, is.table))
			tell(arg, was.table, NULL);
		for (k = 0; k < was.table->nr; k++) {
			was.column = &was.table->columns[k];
			if (is_astray(&c, &was, is.table))
				tell(arg, was.table, was.column);
		}
	}
}

bool kept_is_of_added(const struct kept *added, const struct kept_rule *rule)
{
	struct place place;

	if (!find_named(added, rule->what, &place))
		return false;
	return rule->leave == KEPT_MAY_GO || rule->leave == KEPT_IS_NOW ||
	       (rule->leave == KEPT_MAY_LOSE && !place.column);
}

const struct kept_rule *kept_idle_rule(const struct kept *before,
				       const struct kept_rule *rules, size_t nr)
{
	struct place place;
	size_t i;

	for (i = 0; i < nr; i++)
		if (!find_named(before, rules[i].what, &place) ||
		    (rules[i].leave == KEPT_MAY_LOSE && place.column))
			return &rules[i];
	return NULL;
}
