/*
 * What a PostgreSQL database holds: the catalog says which tables and columns there
 * are, then each table is asked for all its sums at once.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "core/kept.h"
#include "db/driver.h"
#include "db/pg.h"

enum {
	COLUMNS_AT_ONCE = 400, /* a question has room for 1664 values */
	BEFORE_COLUMNS = 2,
	PER_COLUMN = 3,
};

/* A table as one writes it; and those that are counted. */
#define TABLE                                                                            \
	"CASE n.nspname WHEN 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END"    \
	" || quote_ident(c.relname)"
#define OF_TABLES                                                                        \
	" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"                        \
	" AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'"                           \
	" AND n.nspname NOT IN ('information_schema', 'git_migrate')"

/*
 * Columns: table as one writes it, NULL, the column, the table with its schema. A table
 * without columns has one row, of NULLs; partitions' rows are those of their table.
 * Keys behind them: table, index, column; primary ones, then indexes that are unique
 * over columns without NULL. All in one: what is altered meanwhile stays one thing.
 */
static const char catalog_sql[] =
	"SELECT " TABLE " AS name, NULL::oid AS index, quote_ident(a.attname),"
	" CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END"
	" || quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
	" 0 AS rank, a.attnum::int AS nr"
	" FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
	" LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
	" AND NOT a.attisdropped" OF_TABLES " UNION ALL SELECT " TABLE
	", i.indexrelid, quote_ident(a.attname), NULL, CASE WHEN i.indisprimary THEN 1 "
	"ELSE 2 END, u.nr"
	" FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
	" JOIN pg_index AS i ON i.indrelid = c.oid"
	" CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS u (nr)"
	" JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = "
	"i.indkey[u.nr]" OF_TABLES
	" AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL"
	" AND NOT EXISTS (SELECT 1 FROM generate_series(0, i.indnkeyatts - 1) AS v (nr)"
	" JOIN pg_attribute AS b ON b.attrelid = c.oid AND b.attnum = i.indkey[v.nr]"
	" WHERE NOT b.attnotnull)"
	" ORDER BY name, rank, index, nr";

struct reading {
	struct kept *out;
	const char **sources; /* as out->tables: what stands behind FROM */
	size_t alloc;
	size_t table, first; /* of what is being asked */
};

static struct kept_table *begin_table(struct reading *r, const char *name,
				      const char *source)
{
	struct kept_table *t = kept_add_table(r->out, name);

	if (r->out->nr > r->alloc) {
		r->alloc = r->out->alloc;
		r->sources = xreallocarray(r->sources, r->alloc, sizeof(*r->sources));
	}
	r->sources[r->out->nr - 1] = pool_strdup(&r->out->pool, source);
	return t;
}

static int take_catalog(void *arg, const char *const *values, size_t nr UNUSED,
			struct err *err UNUSED)
{
	struct reading *r = arg;
	struct kept_table *t = r->out->nr ? &r->out->tables[r->out->nr - 1] : NULL;

	if (!t || strcmp(t->name, values[0]) != 0)
		t = begin_table(r, values[0], values[3]);
	if (values[1])
		kept_add_key_column(r->out, t, values[1], values[2]);
	else if (values[2])
		kept_add_column(r->out, t, values[2]);
	return 0;
}

static uint64_t number(const char *text)
{
	return text ? strtoull(text, NULL, 10) : 0;
}

static int take_sums(void *arg, const char *const *values, size_t nr,
		     struct err *err UNUSED)
{
	struct reading *r = arg;
	struct kept_table *t = &r->out->tables[r->table];
	struct kept_column *c = &t->columns[r->first];
	size_t i;

	t->rows = number(values[0]);
	if (r->first == 0 && values[1])
		t->whole = pool_strdup(&r->out->pool, values[1]);
	for (i = BEFORE_COLUMNS; i + PER_COLUMN <= nr; i += PER_COLUMN, c++) {
		c->filled = number(values[i]);
		c->plain = pool_strdup(&r->out->pool, values[i + 1] ? values[i + 1] : "");
		if (t->key)
			c->keyed = pool_strdup(&r->out->pool,
					       values[i + 2] ? values[i + 2] : "");
	}
	return 0;
}

static int take_digest(void *arg, const char *const *values, size_t nr UNUSED,
		       struct err *err UNUSED)
{
	struct reading *r = arg;

	kept_add_digest(r->out, &r->out->tables[r->table],
			(uint64_t)strtoll(values[0], NULL, 10));
	return 0;
}

/* "C": to some collations other values are the same. */
static void add_hash(const char *column, size_t seed, struct buf *sql)
{
	buf_addf(sql, "hashtextextended(%s::text COLLATE \"C\", %zu)", column, seed);
}

/*
 * A row's values as one number: each is hashed in its own way, so that none can take
 * another's place, and NULL is a value too. Their sum is of rows and no more of columns.
 */
static void add_digest(const struct kept_table *t, const struct kept_columns *columns,
		       const char *more, struct buf *sql)
{
	size_t i;

	buf_adds(sql, "hashint8extended(0");
	for (i = 0; i < columns->nr; i++) {
		buf_adds(sql, " # coalesce(");
		add_hash(t->columns[columns->items[i]].name, i + 1, sql);
		buf_addf(sql, ", %zu)", i + 1);
	}
	if (more) {
		buf_adds(sql, " # ");
		add_hash(more, 0, sql);
	}
	buf_adds(sql, ", 0)");
}

/* The sums of up to so many columns, from r->first on; with the first ones the rows'. */
static void write_question(const struct reading *r, struct buf *sql)
{
	const struct kept_table *t = &r->out->tables[r->table];
	const char *c;
	size_t i;

	buf_reset(sql);
	buf_adds(sql, "SELECT count(*), ");
	if (r->first == 0 && t->row.nr) {
		buf_adds(sql, "sum(");
		add_digest(t, &t->row, NULL, sql);
		buf_adds(sql, ")");
	} else {
		buf_adds(sql, "NULL");
	}
	for (i = r->first; i < t->nr && i < r->first + COLUMNS_AT_ONCE; i++) {
		c = t->columns[i].name;
		buf_addf(sql, ", count(%s), sum(", c);
		add_hash(c, 0, sql);
		buf_adds(sql, ")");
		if (t->key) {
			buf_adds(sql, ", sum(");
			add_digest(t, &t->by, c, sql);
			buf_addf(sql, ") FILTER (WHERE %s IS NOT NULL)", c);
		} else {
			buf_adds(sql, ", NULL");
		}
	}
	buf_addf(sql, " FROM %s", r->sources[r->table]);
}

static int ask(struct db *db, struct reading *r, const struct buf *sql, db_row_fn row,
	       struct err *err)
{
	struct db_question q = { .row = row, .arg = r };

	q.ask.sql = sql->s;
	if (db_postgresql.ask(db, &q, 1, err) < 0)
		return -1;
	return q.lacks ? err_set(err, ERR_FATAL, "table %s went away while it was read",
				 r->out->tables[r->table].name)
		       : 0;
}

static int read_digests(struct db *db, struct reading *r, struct buf *sql,
			struct err *err)
{
	struct kept_table *t = &r->out->tables[r->table];

	if (t->rows > t->each || t->rows > KEPT_DIGESTS - r->out->room)
		t->each = 0;
	if (!t->each)
		return 0;
	buf_reset(sql);
	buf_adds(sql, "SELECT ");
	add_digest(t, &t->row, NULL, sql);
	buf_addf(sql, " FROM %s", r->sources[r->table]);
	if (ask(db, r, sql, take_digest, err) < 0)
		return -1;
	kept_end_table(t);
	return 0;
}

static int read_table(struct db *db, struct reading *r, struct buf *sql, struct err *err)
{
	r->first = 0;
	do {
		write_question(r, sql);
		if (ask(db, r, sql, take_sums, err) < 0)
			return -1;
		r->first += COLUMNS_AT_ONCE;
	} while (r->first < r->out->tables[r->table].nr);
	return read_digests(db, r, sql, err);
}

int pg_kept(struct db *db, const struct kept_wish *wish, struct kept *out,
	    struct err *err)
{
	struct reading r = { .out = out };
	struct db_question q = { .ask = { catalog_sql, NULL, 0 },
				 .row = take_catalog,
				 .arg = &r };
	struct buf sql = BUF_INIT;
	int ret = db_postgresql.ask(db, &q, 1, err);

	if (ret == 0)
		kept_choose(out, wish);
	for (r.table = 0; ret == 0 && r.table < out->nr; r.table++)
		if (kept_is_wanted(wish, &out->tables[r.table]))
			ret = read_table(db, &r, &sql, err);
	free(r.sources);
	buf_release(&sql);
	return ret;
}
