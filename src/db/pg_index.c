/* What interrupted builds of indexes leave behind: INVALID ones. */
#include "base/compat.h"

#include "base/err.h"
#include "db/pg.h"
#include "db/pg_look.h"

/* An INVALID index that nobody works on can be taken away. */
static int half(struct look *l, const char *table, const char *schema, const char *index,
		struct err *err)
{
	bool busy;

	if (look_lock(l, table, &busy, err) < 0)
		return -1;
	if (busy)
		return 0;
	if (l->nr_drops < ARRAY_SIZE(l->drops))
		l->drops[l->nr_drops++] = look_quoted(l, schema, index);
	return look_conclude(l, DB_HALF);
}

int look_at_new_index(struct look *l, struct err *err)
{
	/* an index lives in the schema of its table */
	static const char sql[] =
		"SELECT c.relname, i.indrelid = $1::pg_catalog.oid, i.indisvalid AND "
		"i.indisready AND i.indislive, i.indisunique FROM pg_catalog.pg_class c "
		"LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid WHERE c.relname "
		"= $2::pg_catalog.name AND c.relnamespace = (SELECT relnamespace FROM "
		"pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid)";
	const char *params[2], *index;
	struct look_place table;
	struct look_answer a;

	if (look_find(l, &l->a.other, false, &table, err) < 0)
		return -1;
	if (!table.oid) {
		buf_addf(l->text, "table %s is not there, and so no index on it",
			 look_shown(l, &l->a.other));
		return look_conclude(l, DB_ABSENT);
	}
	params[0] = table.oid;
	params[1] = l->a.name.base;
	if (look_ask(l, sql, params, 2, &a, err) < 0)
		return -1;
	index = a.rows ? a.values[0] : l->a.name.base;
	buf_addf(l->text, "index %s.%s on table %s.%s is ", table.schema, index,
		 table.schema, table.name);
	if (a.rows && !look_is_true(a.values[1])) {
		buf_adds(l->text, "not there, but another relation of that name");
		return look_conclude(l, DB_ABSENT);
	}
	if (!a.rows) {
		buf_adds(l->text, "not there");
		return look_conclude(l, DB_ABSENT);
	}
	buf_adds(l->text, "there, ");
	if (!look_is_true(a.values[2])) {
		buf_adds(l->text, "but INVALID");
		return half(l, table.oid, table.schema, index, err);
	}
	buf_adds(l->text, "valid and ready");
	if (look_is_true(a.values[3]) == l->a.unique)
		return look_conclude(l, DB_FINISHED);
	buf_addf(l->text, ", but it is %s", l->a.unique ? "not UNIQUE" : "UNIQUE");
	return look_conclude(l, DB_UNKNOWN);
}

struct leftovers {
	struct look *l;
	const char *tables[LOOK_DROPS];
};

static int add_leftover(void *arg, const char *const *values, size_t nr UNUSED,
			struct err *err UNUSED)
{
	struct leftovers *left = arg;
	struct look *l = left->l;

	if (l->nr_drops == ARRAY_SIZE(l->drops) || !values[0] || !values[1])
		return 0; /* the next look finds the others */
	left->tables[l->nr_drops] = pool_strdup(&l->pool, values[2] ? values[2] : "0");
	l->drops[l->nr_drops] = look_quoted(l, values[0], values[1]);
	buf_addf(l->text, "%s%s.%s",
		 l->nr_drops++ ? ", " : "INVALID indexes are left: ", values[0],
		 values[1]);
	return 0;
}

/* What REINDEX CONCURRENTLY builds beside an index, or has replaced. */
static int look_at_leftovers(struct look *l, const char *oid, struct err *err)
{
	static const char sql[] =
		"WITH scope AS (SELECT c.oid, c.reltoastrelid FROM pg_catalog.pg_class c "
		"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE CASE $1 "
		"WHEN 'schema' THEN n.nspname = $2 WHEN 'database' THEN true "
		"ELSE c.oid = $3::pg_catalog.oid OR c.oid IN (SELECT relid FROM "
		"pg_catalog.pg_partition_tree($3::pg_catalog.oid::pg_catalog.regclass)) "
		"END) "
		"SELECT n.nspname, c.relname, i.indrelid FROM pg_catalog.pg_index i "
		"JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
		"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
		"WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND "
		"i.indrelid IN (SELECT oid FROM scope UNION ALL SELECT reltoastrelid "
		"FROM scope) ORDER BY n.nspname, c.relname";
	const char *params[] = { sql_alone_object_word(l->a.object),
				 l->a.name.base ? l->a.name.base : "", oid };
	struct leftovers left = { .l = l };
	struct pg_answer answer = { .row = add_leftover,
				    .arg = &left,
				    .code = ERR_FATAL };
	bool busy = false;
	size_t i;

	if (pg_exec_params(l->db, sql, params, ARRAY_SIZE(params), &answer, err) < 0)
		return -1;
	for (i = 0; i < l->nr_drops && !busy; i++)
		if (look_lock(l, left.tables[i], &busy, err) < 0)
			return -1;
	if (busy)
		return 0;
	if (l->nr_drops)
		return look_conclude(l, DB_HALF);
	buf_adds(l->text, "no INVALID index is left over; it can be run again");
	return look_conclude(l, DB_REPEAT);
}

int look_at_reindex(struct look *l, struct err *err)
{
	static const char sql[] = "SELECT indrelid FROM pg_catalog.pg_index WHERE "
				  "indexrelid = $1::pg_catalog.oid";
	struct look_place place = { .oid = "0" };
	struct look_answer a;

	if (!l->a.concurrently) {
		buf_adds(l->text, "REINDEX can be run again");
		return look_conclude(l, DB_REPEAT);
	}
	if (l->a.object == ALONE_SCHEMA || l->a.object == ALONE_DATABASE)
		return look_at_leftovers(l, place.oid, err);
	if (!l->a.name.base || look_find(l, &l->a.name, false, &place, err) < 0)
		return l->a.name.base ? -1 : look_conclude(l, DB_UNKNOWN);
	if (!place.oid) {
		buf_addf(l->text, "%s is not there", look_shown(l, &l->a.name));
		return look_conclude(l, DB_UNKNOWN);
	}
	if (l->a.object != ALONE_INDEX)
		return look_at_leftovers(l, place.oid, err);
	if (look_ask(l, sql, &place.oid, 1, &a, err) < 0)
		return -1;
	return look_at_leftovers(l, a.rows && a.values[0] ? a.values[0] : "0", err);
}
