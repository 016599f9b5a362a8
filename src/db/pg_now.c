/* Who works on tables at this moment, and how much is in them. */
#include "base/compat.h"

#include "base/err.h"
#include "db/pg.h"
#include "db/pg_look.h"

#define HERE                                                                             \
	"(SELECT oid FROM pg_catalog.pg_database WHERE datname = "                       \
	"pg_catalog.current_database())"

static int begin(struct look *l, struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };

	if (pg_exec(l->db, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY", &answer,
		    err) < 0)
		return -1;
	return pg_exec(l->db, pg_own_settings(l->db), &answer, err);
}

static int find(struct look *l, const struct db_name *name, struct look_place *out,
		struct err *err)
{
	const struct sql_ident ident = { .schema = name->schema, .base = name->base };

	return look_find(l, &ident, false, out, err);
}

/* --- counting ------------------------------------------------------------ */

/* The column as the catalog has it; a view, or a foreign table, may be code. */
static int find_column(struct look *l, const char *oid, const char *column, bool *found,
		       struct err *err)
{
	static const char sql[] =
		"SELECT c.relkind IN ('r', 'p', 'm') AND ($2::pg_catalog.text IS NULL OR "
		"EXISTS (SELECT FROM "
		"pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = "
		"$2::pg_catalog.text AND a.attnum > 0 AND NOT a.attisdropped)) "
		"FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.oid";
	const char *params[] = { oid, column };
	struct look_answer a;
	int ret = look_ask(l, sql, params, 2, &a, err);

	*found = ret == 0 && a.rows && look_is_true(a.values[0]);
	return ret;
}

/* A policy of row security is code too: better refused than run. */
static int bound(struct look *l, int limit_ms, struct err *err)
{
	char ms[16];
	const char *params[] = { ms };
	struct look_answer a;

	snprintf(ms, sizeof(ms), "%d", limit_ms);
	return look_ask(l,
			"SELECT pg_catalog.set_config('statement_timeout', $1, true), "
			"pg_catalog.set_config('lock_timeout', $1, true), "
			"pg_catalog.set_config('row_security', 'off', true)",
			params, 1, &a, err);
}

static int count_rows(struct look *l, const struct look_place *at, struct db_count *c,
		      struct err *err)
{
	const char *table = look_quoted(l, at->schema, at->name);
	struct look_answer a;

	if (look_ask(l,
		     pool_printf(&l->pool, "SELECT pg_catalog.count(%s) FROM %s",
				 c->column ? look_quoted(l, NULL, c->column) : "*",
				 table),
		     NULL, 0, &a, err) < 0)
		return -1;
	c->how = COUNTED_ALL;
	c->nr = a.values[0] ? strtoull(a.values[0], NULL, 10) : 0;
	return 0;
}

static bool is_time_over(const struct err *err)
{
	return strcmp(err->sqlstate, "57014") == 0 || strcmp(err->sqlstate, "55P03") == 0;
}

/* What the planner believes: rows of the table, also where a column was asked for. */
static int estimate(struct look *l, const char *oid, struct db_count *c, struct err *err)
{
	struct look_answer a;

	pg_rollback(l->db);
	if (begin(l, err) < 0 ||
	    look_ask(l,
		     "SELECT reltuples::pg_catalog.int8 FROM pg_catalog.pg_class WHERE "
		     "oid = $1::pg_catalog.oid AND reltuples > 0",
		     &oid, 1, &a, err) < 0)
		return -1;
	c->how = a.rows && a.values[0] ? COUNTED_ABOUT : COUNTED_UNKNOWN;
	c->nr = c->how == COUNTED_ABOUT ? strtoull(a.values[0], NULL, 10) : 0;
	return 0;
}

static int count(struct look *l, struct db_count *c, int limit_ms, struct err *err)
{
	struct look_place at;
	bool found;

	c->how = COUNTED_ABSENT;
	c->nr = 0;
	if (begin(l, err) < 0 || find(l, &c->table, &at, err) < 0)
		return -1;
	if (!at.oid)
		return 0;
	if (find_column(l, at.oid, c->column, &found, err) < 0)
		return -1;
	if (!found)
		return 0;
	if (bound(l, limit_ms, err) < 0)
		return -1;
	if (count_rows(l, &at, c, err) == 0)
		return 0;
	return is_time_over(err) ? estimate(l, at.oid, c, err) : -1;
}

int pg_count(struct db *db, struct db_count *c, int limit_ms, struct err *err)
{
	struct look l = { .db = db };
	int ret = count(&l, c, limit_ms, err);

	pg_rollback(db);
	pool_release(&l.pool);
	return ret;
}

/* --- who is at it -------------------------------------------------------- */

static void add_session(struct buf *out, const char *const *values)
{
	buf_addf(out, "session %s", values[0] ? values[0] : "unknown");
	buf_addf(out, " (%s,", values[1] && *values[1] ? values[1] : "unnamed");
	buf_addf(out, " user %s,", values[2] ? values[2] : "unknown");
	buf_addf(out, " %s)", values[3] ? values[3] : "of a state that cannot be seen");
}

/* pid, application, user, state of both; begin of the other's transaction; mode; table */
static int on_waiting(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	struct db_now *now = arg;

	if (!now->blocker[0] && values[4] && strcmp(values[4], "0") != 0)
		snprintf(now->blocker, sizeof(now->blocker), "%s", values[4]);
	add_session(&now->waiting, values);
	buf_addf(&now->waiting, " waits for %s", values[9] ? values[9] : "a lock");
	if (values[10])
		buf_addf(&now->waiting, " on %s", values[10]);
	buf_adds(&now->waiting, "; in its way: ");
	add_session(&now->waiting, values + 4);
	if (values[8])
		buf_addf(&now->waiting, ", its transaction began %s", values[8]);
	buf_addc(&now->waiting, '\n');
	now->nr_waiting++;
	return 0;
}

static int on_holding(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	struct db_now *now = arg;

	add_session(&now->holding, values);
	buf_addf(&now->holding, " holds %s", values[4] ? values[4] : "a lock");
	if (values[5])
		buf_addf(&now->holding, " on %s", values[5]);
	if (values[6])
		buf_addf(&now->holding, ", its transaction began %s", values[6]);
	buf_addc(&now->holding, '\n');
	now->nr_holding++;
	return 0;
}

static int on_invalid(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	struct db_now *now = arg;

	buf_addf(&now->invalid, "%s\n", values[0] ? values[0] : "");
	return 0;
}

static int ask_rows(struct look *l, const char *sql, const char *oids, db_row_fn row,
		    struct db_now *out, struct err *err)
{
	struct pg_answer answer = { .row = row, .arg = out, .code = ERR_FATAL };

	return pg_exec_params(l->db, sql, &oids, 1, &answer, err);
}

#define TIME(column)                                                                     \
	"pg_catalog.to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "      \
	"\"UTC\"')"

/* Who has nobody in its own way comes first: it is the one that all wait for. */
static int ask_waiting(struct look *l, const char *oids, struct db_now *out,
		       struct err *err)
{
	static const char sql[] =
		"SELECT DISTINCT a.pid, a.application_name, a.usename, a.state, b.pid, "
		"b.application_name, b.usename, b.state, " TIME(
			"b.xact_start") ", k.mode, "
					"r.relname, "
					"pg_catalog.cardinality(pg_catalog.pg_blocking_"
					"pids(b.pid)) "
					"FROM pg_catalog.pg_locks k "
					"JOIN pg_catalog.pg_stat_activity a ON a.pid = "
					"k.pid "
					"CROSS JOIN LATERAL "
					"pg_catalog.unnest(pg_catalog.pg_blocking_pids(k."
					"pid)) "
					"AS x(pid) "
					"JOIN pg_catalog.pg_stat_activity b ON b.pid = "
					"x.pid "
					"LEFT JOIN pg_catalog.pg_class r ON r.oid = "
					"k.relation AND k.database "
					"= " HERE " WHERE NOT k.granted AND EXISTS "
					"(SELECT FROM pg_catalog.pg_locks t "
					"WHERE t.pid = k.pid AND t.locktype = 'relation' "
					"AND t.database = " HERE
					" AND t.relation = ANY ($1::pg_catalog.oid[])) "
					"ORDER BY 12, 9, 5, 1 LIMIT 20";

	return ask_rows(l, sql, oids, on_waiting, out, err);
}

static int ask_holding(struct look *l, const char *oids, struct db_now *out,
		       struct err *err)
{
	static const char sql[] =
		"SELECT DISTINCT k.pid, a.application_name, a.usename, a.state, k.mode, "
		"r.relname, " TIME(
			"a.xact_start") " FROM pg_catalog.pg_locks k "
					"LEFT JOIN pg_catalog.pg_stat_activity a ON "
					"a.pid = k.pid "
					"LEFT JOIN pg_catalog.pg_class r ON r.oid = "
					"k.relation "
					"WHERE k.granted AND k.locktype = 'relation' AND "
					"k.pid <> "
					"pg_catalog.pg_backend_pid() AND k.database "
					"= " HERE
					" AND k.relation = ANY ($1::pg_catalog.oid[]) "
					"ORDER BY 7, 1, 6 LIMIT 20";

	return ask_rows(l, sql, oids, on_holding, out, err);
}

static int ask_invalid(struct look *l, const char *oids, struct db_now *out,
		       struct err *err)
{
	static const char sql[] =
		"SELECT r.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class r "
		"ON r.oid = i.indexrelid WHERE NOT (i.indisvalid AND i.indisready) AND "
		"i.indrelid = ANY ($1::pg_catalog.oid[]) ORDER BY 1 LIMIT 20";

	return ask_rows(l, sql, oids, on_invalid, out, err);
}

static int add_oids(struct look *l, const struct db_name *tables, size_t nr,
		    struct buf *oids, struct err *err)
{
	struct look_place at;
	size_t i;

	buf_addc(oids, '{');
	for (i = 0; i < nr; i++) {
		if (find(l, &tables[i], &at, err) < 0)
			return -1;
		if (at.oid)
			buf_addf(oids, "%s%s", oids->len > 1 ? "," : "", at.oid);
	}
	buf_addc(oids, '}');
	return 0;
}

int pg_now(struct db *db, const struct db_name *tables, size_t nr, struct db_now *out,
	   struct err *err)
{
	struct look l = { .db = db };
	struct buf oids = BUF_INIT;
	int ret = -1;

	if (begin(&l, err) == 0 && add_oids(&l, tables, nr, &oids, err) == 0 &&
	    ask_waiting(&l, oids.s, out, err) == 0 &&
	    ask_holding(&l, oids.s, out, err) == 0)
		ret = ask_invalid(&l, oids.s, out, err);
	pg_rollback(db);
	buf_release(&oids);
	pool_release(&l.pool);
	return ret;
}
