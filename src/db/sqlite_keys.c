#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/vec.h"
#include "db/sqlite_keys.h"

static void violation_release(struct sqlite_violation *v)
{
	free(v->table);
	free(v->rowid);
	free(v->parent);
}

static void violations_release(struct sqlite_violations *v)
{
	size_t i;

	for (i = 0; i < v->nr; i++)
		violation_release(&v->items[i]);
	free(v->items);
	memset(v, 0, sizeof(*v));
}

static int add_violation(void *arg, const char *const *values, size_t nr UNUSED,
			 struct err *err UNUSED)
{
	struct sqlite_violations *v = arg;

	VEC_GROW(v->items, v->nr, v->alloc);
	v->items[v->nr++] = (struct sqlite_violation){
		.table = xstrdup(values[0]),
		.rowid = xstrdup(values[1] ? values[1] : ""),
		.parent = xstrdup(values[2] ? values[2] : ""),
	};
	return 0;
}

/* Not by the key's number: a further key of the table changes those. */
static int by_place(const void *a, const void *b)
{
	const struct sqlite_violation *x = a, *y = b;
	int c = strcmp(x->table, y->table);

	if (c == 0)
		c = strcmp(x->rowid, y->rowid);
	return c ? c : strcmp(x->parent, y->parent);
}

/* A key without a parent that could hold it counts as one violation of its table. */
static int check_table(struct db *db, const char *table, struct sqlite_violations *v,
		       struct err *err)
{
	char *sql = sqlite3_mprintf("PRAGMA main.foreign_key_check(\"%w\")", table);
	const char *const mismatch[] = { table, "", NULL };
	int ret = sqlite_query(db, sql, NULL, 0, add_violation, v, err);

	sqlite3_free(sql);
	if (ret < 0 && strcmp(err->sqlstate, "1") == 0)
		ret = add_violation(v, mismatch, ARRAY_SIZE(mismatch), err);
	return ret;
}

static void sort(struct sqlite_violations *v)
{
	if (v->nr > 1)
		qsort(v->items, v->nr, sizeof(*v->items), by_place);
}

/* Refuses what is in `after` and not in `before`, both sorted. */
static int compare(const struct sqlite_violations *before,
		   const struct sqlite_violations *after, struct err *err)
{
	const struct sqlite_violation *first = NULL;
	size_t b = 0, a, nr = 0;

	for (a = 0; a < after->nr; a++) {
		while (b < before->nr &&
		       by_place(&before->items[b], &after->items[a]) < 0)
			b++;
		if (b < before->nr &&
		    by_place(&before->items[b], &after->items[a]) == 0) {
			b++;
			continue;
		}
		if (nr++ == 0)
			first = &after->items[a];
	}
	if (nr == 0)
		return 0;
	err_set(err, ERR_REFUSED,
		"the migration leaves foreign keys that point nowhere: %zu", nr);
	if (first->parent[0])
		err_detail(err, "Among them table '%s', row %s, refers to table '%s'.",
			   first->table, first->rowid[0] ? first->rowid : "(no rowid)",
			   first->parent);
	else
		err_detail(err, "A key of table '%s' refers to columns that are no key.",
			   first->table);
	err_hint(err, "sqlite-foreign-keys",
		 "Mend or delete these rows in the migration itself. What pointed "
		 "nowhere "
		 "before it is not counted.");
	snprintf(err->sqlstate, sizeof(err->sqlstate), "%d",
		 SQLITE_CONSTRAINT_FOREIGNKEY);
	return -1;
}

/* --- what is known ------------------------------------------------------ */

static void forget(struct sqlite_keys *k)
{
	sqlite_links_release(&k->links);
	violations_release(&k->before);
	k->linked = false;
	k->round = 0;
}

void sqlite_keys_release(struct sqlite_keys *k)
{
	forget(k);
}

/* Checks a table, once in a round. */
static int visit(struct sqlite_keys *k, size_t pos, struct sqlite_violations *v,
		 struct err *err)
{
	struct sqlite_linked *table = &k->links.items[pos];

	if (table->seen == k->round)
		return 0;
	table->seen = k->round;
	return table->refers.nr ? check_table(k->db, table->name, v, err) : 0;
}

static int visit_all(struct sqlite_keys *k, struct sqlite_violations *v, struct err *err)
{
	size_t i;

	for (i = 0; i < k->links.nr; i++)
		if (visit(k, i, v, err) < 0)
			return -1;
	return 0;
}

/* A table that was written to, and those that refer to it. */
static int visit_named(struct sqlite_keys *k, const char *name,
		       struct sqlite_violations *v, struct err *err)
{
	ssize_t pos = sqlite_links_find(&k->links, name);
	const struct sqlite_positions *referred;
	size_t i;

	if (pos == MAP_NONE)
		return 0;
	if (visit(k, (size_t)pos, v, err) < 0)
		return -1;
	referred = &k->links.items[pos].referred;
	for (i = 0; i < referred->nr; i++)
		if (visit(k, referred->items[i], v, err) < 0)
			return -1;
	return 0;
}

/* Makes `links` those of the database, behind the migration of a trace. */
static int follow(struct sqlite_keys *k, const struct sqlite_trace *trace,
		  struct err *err)
{
	size_t i;

	if (!k->linked || trace->everything) {
		sqlite_links_release(&k->links);
		k->linked = sqlite_links_read(&k->links, k->db, err) == 0;
		return k->linked ? 0 : -1;
	}
	for (i = 0; i < trace->reshaped.nr; i++)
		if (sqlite_links_reread(&k->links, k->db, trace->reshaped.items[i], err) <
		    0)
			return -1;
	return 0;
}

static int find_touched(struct sqlite_keys *k, const struct sqlite_trace *trace,
			struct sqlite_violations *v, struct err *err)
{
	size_t i;

	if (follow(k, trace, err) < 0)
		return -1;
	k->round++;
	if (trace->everything)
		return visit_all(k, v, err);
	for (i = 0; i < trace->written.nr; i++)
		if (visit_named(k, trace->written.items[i], v, err) < 0)
			return -1;
	return 0;
}

int sqlite_keys_look(struct sqlite_keys *k, struct err *err)
{
	forget(k);
	k->compares = true;
	k->linked = sqlite_links_read(&k->links, k->db, err) == 0;
	k->round++;
	if (!k->linked || visit_all(k, &k->before, err) < 0)
		return -1;
	sort(&k->before);
	return 0;
}

int sqlite_keys_begin(struct sqlite_keys *k, struct err *err)
{
	forget(k);
	return k->compares ? sqlite_keys_look(k, err) : 0;
}

/* --- the verdict -------------------------------------------------------- */

/* Whether the table of one was visited in this round, or is none any more. */
static bool is_outdated(struct sqlite_keys *k, const struct sqlite_violation *v)
{
	ssize_t pos = sqlite_links_find(&k->links, v->table);

	return pos == MAP_NONE || k->links.items[pos].seen == k->round;
}

/* What the next migration finds: those of this round in place of the older ones. */
static void accept(struct sqlite_keys *k, struct sqlite_violations *after)
{
	struct sqlite_violations *before = &k->before;
	size_t i, nr = 0;

	for (i = 0; i < before->nr; i++) {
		if (is_outdated(k, &before->items[i]))
			violation_release(&before->items[i]);
		else
			before->items[nr++] = before->items[i];
	}
	before->nr = nr;
	for (i = 0; i < after->nr; i++) {
		VEC_GROW(before->items, before->nr, before->alloc);
		before->items[before->nr++] = after->items[i];
	}
	after->nr = 0;
	sort(before);
}

int sqlite_keys_judge(struct sqlite_keys *k, const struct sqlite_trace *trace,
		      struct err *err)
{
	struct sqlite_violations after = { 0 };
	int ret;

	if (!trace->everything && !trace->written.nr)
		return 0;
	ret = find_touched(k, trace, &after, err);
	if (ret == 0 && !k->compares) {
		ret = after.nr > 0;
	} else if (ret == 0) {
		sort(&after);
		ret = compare(&k->before, &after, err);
		if (ret == 0)
			accept(k, &after);
	}
	violations_release(&after);
	return ret;
}
