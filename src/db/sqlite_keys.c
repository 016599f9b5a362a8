/*
 * Rows whose foreign key points nowhere. Migrations run with foreign_keys=OFF, so
 * they are counted before and after; what was there before is no fault of theirs.
 */
#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/vec.h"
#include "db/sqlite.h"

void sqlite_violations_release(struct sqlite_violations *v)
{
	size_t i;

	for (i = 0; i < v->nr; i++) {
		free(v->items[i].table);
		free(v->items[i].rowid);
		free(v->items[i].parent);
	}
	free(v->items);
	memset(v, 0, sizeof(*v));
}

int sqlite_add_name(void *arg, const char *const *values, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	struct sqlite_names *names = arg;

	VEC_GROW(names->items, names->nr, names->alloc);
	names->items[names->nr++] = xstrdup(values[0]);
	return 0;
}

void sqlite_names_release(struct sqlite_names *names)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		free(names->items[i]);
	free(names->items);
	memset(names, 0, sizeof(*names));
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
		return add_violation(v, mismatch, ARRAY_SIZE(mismatch), err);
	return ret;
}

static bool is_named(const struct sqlite_names *names, const char *table)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		if (strcasecmp(names->items[i], table) == 0)
			return true;
	return false;
}

/* Tables with keys, those that a trace is about. */
struct choice {
	const struct sqlite_trace *trace; /* NULL: all */
	struct sqlite_names chosen;
};

/* A row is a table and another that a key of it refers to; in order of the first. */
static int choose(void *arg, const char *const *values, size_t nr, struct err *err)
{
	struct choice *c = arg;
	const struct sqlite_names *names = &c->chosen;

	if (names->nr && strcmp(names->items[names->nr - 1], values[0]) == 0)
		return 0;
	if (c->trace && !c->trace->everything &&
	    !is_named(&c->trace->written, values[0]) &&
	    !(values[1] && is_named(&c->trace->written, values[1])))
		return 0;
	return sqlite_add_name(&c->chosen, values, nr, err);
}

int sqlite_find_violations(struct db *db, const struct sqlite_trace *trace,
			   struct sqlite_violations *v, struct err *err)
{
	struct choice choice = { .trace = trace };
	size_t i;
	int ret;

	ret = sqlite_query(db,
			   "SELECT m.name, k.\"table\" FROM main.sqlite_schema AS m,"
			   " pragma_foreign_key_list(m.name, 'main') AS k"
			   " WHERE m.type = 'table' AND m.sql LIKE '%references%'"
			   " ORDER BY m.rowid",
			   NULL, 0, choose, &choice, err);
	for (i = 0; i < choice.chosen.nr && ret == 0; i++)
		ret = check_table(db, choice.chosen.items[i], v, err);
	if (v->nr > 1)
		qsort(v->items, v->nr, sizeof(*v->items), by_place);
	sqlite_names_release(&choice.chosen);
	return ret;
}

/* Refuses what is in `after` and not in `before`, both sorted. */
int sqlite_compare_violations(const struct sqlite_violations *before,
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
