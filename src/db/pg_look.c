/* Questions to the catalog about a statement that nobody knows the end of. */
#include "base/compat.h"

#include "base/err.h"
#include "db/pg.h"
#include "db/pg_look.h"

/* --- asking ------------------------------------------------------------ */

static int take_row(void *arg, const char *const *values, size_t nr,
		    struct err *err UNUSED)
{
	struct look_answer *a = arg;
	size_t i;

	for (i = 0; a->rows == 0 && i < nr && i < LOOK_VALUES; i++)
		a->values[i] = values[i] ? pool_strdup(a->pool, values[i]) : NULL;
	a->rows++;
	return 0;
}

int look_ask(struct look *l, const char *sql, const char *const *params, size_t nr,
	     struct look_answer *out, struct err *err)
{
	struct pg_answer answer = { .row = take_row, .arg = out, .code = ERR_FATAL };

	memset(out, 0, sizeof(*out));
	out->pool = &l->pool;
	return pg_exec_params(l->db, sql, params, nr, &answer, err);
}

static int set_path(struct look *l, const char *sql, struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };

	return pg_exec(l->db, sql, &answer, err);
}

bool look_is_true(const char *value)
{
	return value && strcmp(value, "t") == 0;
}

int look_conclude(struct look *l, enum db_evidence found)
{
	l->found = found;
	return 0;
}

/* A name as SQL writes it. `schema` may be NULL. */
const char *look_quoted(struct look *l, const char *schema, const char *name)
{
	struct buf out = BUF_INIT;
	const char *text;

	if (schema) {
		buf_add_quoted(&out, schema, strlen(schema), '"');
		buf_addc(&out, '.');
	}
	buf_add_quoted(&out, name, strlen(name), '"');
	text = pool_strndup(&l->pool, buf_str(&out), out.len);
	buf_release(&out);
	return text;
}

/* A name as people read it. */
const char *look_shown(struct look *l, const struct sql_ident *name)
{
	return name->schema ? pool_printf(&l->pool, "%s.%s", name->schema, name->base)
			    : name->base;
}

/* --- where a name leads ------------------------------------------------- */

int look_find(struct look *l, const struct sql_ident *name, bool type,
	      struct look_place *out, struct err *err)
{
	static const char relation[] =
		"SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN "
		"pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = "
		"$1::pg_catalog.oid";
	static const char of_type[] =
		"SELECT n.nspname, t.typname FROM pg_catalog.pg_type t JOIN "
		"pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = "
		"$1::pg_catalog.oid";
	const char *text = look_quoted(l, name->schema, name->base), *current;
	struct look_answer a;

	memset(out, 0, sizeof(*out));
	if (set_path(l, "SET LOCAL search_path TO DEFAULT", err) < 0 ||
	    look_ask(l,
		     type ? "SELECT pg_catalog.to_regtype($1)::pg_catalog.oid, "
			    "pg_catalog.current_schema()"
			  : "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid, "
			    "pg_catalog.current_schema()",
		     &text, 1, &a, err) < 0 ||
	    set_path(l, PG_OWN_PATH, err) < 0)
		return -1;
	if (!a.values[0])
		return 0;
	out->oid = a.values[0];
	current = a.values[1];
	if (look_ask(l, type ? of_type : relation, &out->oid, 1, &a, err) < 0)
		return -1;
	if (a.rows == 0 || !a.values[0] || !a.values[1]) {
		out->oid = NULL; /* it went away in between */
		return 0;
	}
	out->schema = a.values[0];
	out->name = a.values[1];
	out->first = name->schema || (current && strcmp(current, out->schema) == 0);
	return 0;
}

/* --- who is at it ------------------------------------------------------- */

static void tell_session(struct look *l, const struct look_answer *a, const char *what)
{
	l->found = DB_RUNNING;
	buf_addf(l->text, "session %s", a->values[0] ? a->values[0] : "unknown");
	buf_addf(l->text, " (user %s)", a->values[1] ? a->values[1] : "unknown");
	buf_addf(l->text, " %s", what);
	if (a->values[2])
		buf_addf(l->text, " since %s", a->values[2]);
}

int look_session(struct look *l, struct err *err)
{
	static const char sql[] =
		"SELECT pid, usename, query_start FROM pg_catalog.pg_stat_activity "
		"WHERE " PG_RUNS_STATEMENT " "
		"ORDER BY query_start LIMIT 1";
	struct look_answer a;

	if (look_ask(l, sql, &l->statement, 1, &a, err) < 0)
		return -1;
	if (a.rows)
		tell_session(l, &a, "runs it");
	return 0;
}

/* Each way of building an index takes one of these locks on its table. */
int look_lock(struct look *l, const char *table, bool *busy, struct err *err)
{
	static const char sql[] =
		"SELECT k.pid, s.usename, s.query_start FROM pg_catalog.pg_locks k "
		"LEFT JOIN pg_catalog.pg_stat_activity s ON s.pid = k.pid "
		"WHERE k.locktype = 'relation' AND k.granted "
		"AND k.relation = $1::pg_catalog.oid "
		"AND k.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname "
		"= pg_catalog.current_database()) "
		"AND k.pid <> pg_catalog.pg_backend_pid() "
		"AND k.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', "
		"'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') "
		"AND COALESCE(s.backend_type, '') <> 'autovacuum worker' LIMIT 1";
	struct look_answer a;

	*busy = false;
	if (look_ask(l, sql, &table, 1, &a, err) < 0)
		return -1;
	if (a.rows == 0)
		return 0;
	*busy = true;
	buf_adds(l->text, ", and ");
	tell_session(l, &a, "works on the table");
	return 0;
}
