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
	PER_COLUMN = 3,
};

/*
 * Table as one writes it; the same with its schema; its key, and that as an
 * expression; column, that quoted. A table without columns has one row, of NULLs.
 * Partitions' rows are those of their table.
 */
static const char columns_sql[] =
	"SELECT CASE n.nspname WHEN 'public' THEN '' ELSE quote_ident(n.nspname) || '.' "
	"END"
	" || quote_ident(c.relname),"
	" CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END"
	" || quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
	" k.names, k.texts, quote_ident(a.attname)"
	" FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
	" LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
	" AND NOT a.attisdropped"
	" LEFT JOIN LATERAL (SELECT string_agg(quote_ident(ka.attname), ', '"
	" ORDER BY u.nr) AS names, string_agg(quote_ident(ka.attname) || '::text', ', '"
	" ORDER BY u.nr) AS texts"
	" FROM pg_constraint AS p, unnest(p.conkey) WITH ORDINALITY AS u (attnum, nr)"
	" JOIN pg_attribute AS ka ON ka.attnum = u.attnum"
	" WHERE p.conrelid = c.oid AND p.contype = 'p' AND ka.attrelid = c.oid) AS k ON "
	"true"
	" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
	" AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'"
	" AND n.nspname NOT IN ('information_schema', 'git_migrate')"
	" ORDER BY 1, a.attnum";

/* How a table is asked: what stands behind FROM, and its key as texts. */
struct source {
	const char *from, *key;
};

struct reading {
	struct kept *out;
	struct source *sources; /* as out->tables */
	size_t alloc;
	size_t table, first; /* of what is being asked */
};

static int take_column(void *arg, const char *const *values, size_t nr UNUSED,
		       struct err *err UNUSED)
{
	struct reading *r = arg;
	struct pool *pool = &r->out->pool;
	struct kept_table *t = r->out->nr ? &r->out->tables[r->out->nr - 1] : NULL;

	if (!t || strcmp(t->name, values[0]) != 0) {
		t = kept_add_table(r->out, values[0], values[2]);
		if (r->out->nr > r->alloc) {
			r->alloc = r->out->alloc;
			r->sources = xreallocarray(r->sources, r->alloc,
						   sizeof(*r->sources));
		}
		r->sources[r->out->nr - 1] = (struct source){
			.from = pool_strdup(pool, values[1]),
			.key = values[3] ? pool_strdup(pool, values[3]) : NULL,
		};
	}
	if (values[4])
		kept_add_column(r->out, t, values[4]);
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
	for (i = 1; i + PER_COLUMN <= nr; i += PER_COLUMN, c++) {
		c->filled = number(values[i]);
		c->plain = pool_strdup(&r->out->pool, values[i + 1] ? values[i + 1] : "");
		if (t->key)
			c->keyed = pool_strdup(&r->out->pool,
					       values[i + 2] ? values[i + 2] : "");
	}
	return 0;
}

/* The sums of up to so many columns, from r->first on. */
static void write_question(const struct reading *r, struct buf *sql)
{
	const struct kept_table *t = &r->out->tables[r->table];
	const struct source *s = &r->sources[r->table];
	const char *c;
	size_t i;

	buf_reset(sql);
	buf_adds(sql, "SELECT count(*)");
	for (i = r->first; i < t->nr && i < r->first + COLUMNS_AT_ONCE; i++) {
		c = t->columns[i].name;
		buf_addf(sql, ", count(%s), sum(hashtextextended(%s::text, 0))", c, c);
		if (s->key)
			buf_addf(sql,
				 ", sum(hashtextextended(concat_ws(chr(31), %s, "
				 "%s::text), 0)) FILTER (WHERE %s IS NOT NULL)",
				 s->key, c, c);
		else
			buf_adds(sql, ", NULL");
	}
	buf_addf(sql, " FROM %s", s->from);
}

static int read_table(struct db *db, struct reading *r, struct buf *sql, struct err *err)
{
	struct db_question q = { .row = take_sums, .arg = r };

	r->first = 0;
	do {
		write_question(r, sql);
		q.ask.sql = sql->s;
		if (db_postgresql.ask(db, &q, 1, err) < 0)
			return -1;
		if (q.lacks)
			return err_set(err, ERR_FATAL,
				       "table %s went away while it was read",
				       r->out->tables[r->table].name);
		r->first += COLUMNS_AT_ONCE;
	} while (r->first < r->out->tables[r->table].nr);
	return 0;
}

int pg_kept(struct db *db, struct kept *out, struct err *err)
{
	struct reading r = { .out = out };
	struct db_question q = { .ask = { columns_sql, NULL, 0 },
				 .row = take_column,
				 .arg = &r };
	struct buf sql = BUF_INIT;
	int ret = db_postgresql.ask(db, &q, 1, err);

	for (r.table = 0; ret == 0 && r.table < out->nr; r.table++)
		ret = read_table(db, &r, &sql, err);
	free(r.sources);
	buf_release(&sql);
	return ret;
}
