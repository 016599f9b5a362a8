/* Who is at the file, and how much is in a table. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/pool.h"
#include "db/sqlite.h"

enum { STEPS = 10000 }; /* between two looks at the clock */

struct counting {
	struct db *db;
	struct pool pool;
	const char *table, *column;
	int64_t deadline;
	bool cut;
};

/* --- what is there ------------------------------------------------------ */

static int keep_table(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	struct counting *c = arg;

	c->table = pool_strdup(&c->pool, values[0]);
	return 0;
}

static int keep_column(void *arg, const char *const *values, size_t nr UNUSED,
		       struct err *err UNUSED)
{
	struct counting *c = arg;

	c->column = pool_strdup(&c->pool, values[0]);
	return 0;
}

/* The names as the schema has them: a string in quotes counts as a value else. */
static int look_up(struct counting *c, const struct db_count *what, struct err *err)
{
	/* a virtual table is code, and a view may call it */
	static const char tables[] =
		"SELECT name FROM main.sqlite_schema WHERE type = 'table' AND "
		"name = $1 COLLATE NOCASE AND sql NOT LIKE 'CREATE VIRTUAL%'";
	static const char columns[] =
		"SELECT name FROM pragma_table_xinfo($1) WHERE name = $2 COLLATE NOCASE";
	const char *params[] = { what->table.base, what->column };

	if (what->table.schema && strcmp(what->table.schema, "main") != 0)
		return 0;
	if (sqlite_query(c->db, tables, params, 1, keep_table, c, err) < 0)
		return -1;
	if (!c->table || !what->column)
		return 0;
	params[0] = c->table;
	return sqlite_query(c->db, columns, params, 2, keep_column, c, err);
}

/* --- counting ------------------------------------------------------------ */

static int on_progress(void *arg)
{
	struct counting *c = arg;

	c->cut = clock_ms() >= c->deadline;
	return c->cut ||
	       c->db->waiter->wait(c->db->waiter->arg, -1, 0, 0, &c->db->ended) < 0;
}

static char *write_sql(const struct counting *c)
{
	return c->column ? sqlite3_mprintf("SELECT 1 FROM main.\"%w\" WHERE \"%w\" IS "
					   "NOT NULL",
					   c->table, c->column)
			 : sqlite3_mprintf("SELECT 1 FROM main.\"%w\"", c->table);
}

/* Row by row: what was seen before the time was over counts. */
static int count_rows(struct counting *c, struct db_count *out, struct err *err)
{
	char *sql = write_sql(c);
	sqlite3_stmt *stmt = NULL;
	int rc = sql ? sqlite3_prepare_v2(c->db->sql, sql, -1, &stmt, NULL)
		     : SQLITE_NOMEM;

	sqlite3_progress_handler(c->db->sql, STEPS, on_progress, c);
	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			out->nr++;
	out->how = c->cut ? COUNTED_AT_LEAST : COUNTED_ALL;
	if (rc != SQLITE_DONE && !c->cut)
		sqlite_err(c->db, ERR_FATAL, err);
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
	return rc == SQLITE_DONE || c->cut ? 0 : -1;
}

int sqlite_count(struct db *db, struct db_count *out, int limit_ms, struct err *err)
{
	struct counting c = { .db = db, .deadline = clock_ms() + limit_ms };
	int ret;

	out->how = COUNTED_ABSENT;
	out->nr = 0;
	if (sqlite_begin_read(db, err) < 0)
		return -1;
	ret = look_up(&c, out, err);
	if (ret == 0 && c.table && (c.column || !out->column))
		ret = count_rows(&c, out, err);
	sqlite_rollback(db);
	pool_release(&c.pool);
	return ret;
}

/* --- who is at it -------------------------------------------------------- */

/* Locks are on the whole file, and who waits is not listed anywhere. */
int sqlite_now(struct db *db, const struct db_name *tables UNUSED, size_t nr UNUSED,
	       struct db_now *out, struct err *err UNUSED)
{
	sqlite_holders(db, &out->holding);
	if (out->holding.len)
		buf_adds(&out->holding, strstr(out->holding.s, ", p")
						? " hold a lock on the file\n"
						: " holds a lock on the file\n");
	out->nr_holding = out->holding.len > 0;
	return 0;
}
