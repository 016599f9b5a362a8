/* What a SQLite database holds: each table is read once, row by row. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "core/kept.h"
#include "db/driver.h"
#include "db/sqlite.h"

/* A column while its table is read. */
struct sum {
	uint64_t filled, plain, keyed;
	uint64_t digest; /* of the present row */
};

struct reading {
	struct db *db;
	struct kept *out;
	struct kept_table *table;
	struct sum *sums;
	uint64_t whole;
};

/* --- digests of values ------------------------------------------------- */

/* Spreads what FNV leaves in the low bits (the last step of MurmurHash3). */
static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

/* Whether what SQLite writes for a number is the number: it writes 15 digits. */
static bool is_exact(sqlite3_stmt *stmt, int i)
{
	const char *text = (const char *)sqlite3_column_text(stmt, i);

	return text && strtod(text, NULL) == sqlite3_column_double(stmt, i);
}

static uint64_t fnv(uint64_t h, const void *data, size_t len)
{
	const unsigned char *s = data;
	size_t k;

	for (k = 0; k < len; k++)
		h = (h ^ s[k]) * UINT64_C(0x100000001b3);
	return h;
}

/*
 * FNV-1a. A number is its text: a column may change its type without a loss. A blob is
 * another value than the text of the same bytes.
 */
static uint64_t digest(sqlite3_stmt *stmt, int i)
{
	int type = sqlite3_column_type(stmt, i);
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	char exact[32];

	if (type == SQLITE_FLOAT && !is_exact(stmt, i)) {
		snprintf(exact, sizeof(exact), "%.17g", sqlite3_column_double(stmt, i));
		return mix(fnv(h, exact, strlen(exact)));
	}
	if (type == SQLITE_BLOB)
		h = fnv(fnv(h, "blob", sizeof("blob")), sqlite3_column_blob(stmt, i),
			(size_t)sqlite3_column_bytes(stmt, i));
	else
		h = fnv(h, sqlite3_column_text(stmt, i),
			(size_t)sqlite3_column_bytes(stmt, i));
	return mix(h);
}

/* Of several columns, in their order. NULL is a value of its own. */
static uint64_t digest_columns(const struct reading *r, const struct kept_columns *c)
{
	uint64_t h = 0;
	size_t i;

	for (i = 0; i < c->nr; i++)
		h = mix(h * 31 + r->sums[c->items[i]].digest);
	return h;
}

static void add_row(struct reading *r, sqlite3_stmt *stmt)
{
	struct kept_table *t = r->table;
	struct sum *sum;
	uint64_t key, row;
	size_t i;

	for (i = 0; i < t->nr; i++)
		r->sums[i].digest = sqlite3_column_type(stmt, (int)i) == SQLITE_NULL
					    ? 0
					    : digest(stmt, (int)i);
	key = digest_columns(r, &t->by);
	row = digest_columns(r, &t->row);
	for (i = 0; i < t->nr; i++) {
		if (sqlite3_column_type(stmt, (int)i) == SQLITE_NULL)
			continue;
		sum = &r->sums[i];
		sum->filled++;
		sum->plain += sum->digest;
		sum->keyed += mix(key ^ mix(sum->digest));
	}
	r->whole += mix(row);
	kept_add_digest(r->out, t, row);
	t->rows++;
}

/* --- names ------------------------------------------------------------- */

/* Most keywords can be names all the same; the parser knows. */
static bool is_reserved(struct db *db, const char *name)
{
	struct buf sql = BUF_INIT;
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (!sqlite3_keyword_check(name, (int)strlen(name)))
		return false;
	buf_addf(&sql, "SELECT 1 AS %s", name);
	rc = sqlite3_prepare_v2(db->sql, sql.s, -1, &stmt, NULL);
	sqlite3_finalize(stmt);
	buf_release(&sql);
	return rc != SQLITE_OK;
}

static bool is_plain(const char *name)
{
	const char *c;

	if (!name[0] || ascii_isdigit((unsigned char)name[0]))
		return false;
	for (c = name; *c; c++)
		if (!ascii_isalnum((unsigned char)*c) && *c != '_' &&
		    (unsigned char)*c < 0x80)
			return false;
	return true;
}

/* As one writes it. */
static void add_name(struct db *db, const char *name, struct buf *out)
{
	if (is_plain(name) && !is_reserved(db, name))
		buf_adds(out, name);
	else
		buf_add_quoted(out, name, strlen(name), '"');
}

/* --- tables ------------------------------------------------------------ */

/* A virtual table's content is in its shadows, or is not the database's. */
#define OF_TABLES " WHERE t.type = 'table' AND t.sql NOT LIKE 'create virtual %'"

/* generated columns (2, 3) are values too; hidden ones of others (1) are not */
static const char columns_sql[] = "SELECT t.name, c.name FROM sqlite_schema AS t, "
				  "pragma_table_xinfo(t.name, 'main')"
				  " AS c" OF_TABLES
				  " AND c.hidden <> 1 ORDER BY t.name, c.cid";

/* Primary keys, then indexes that are unique over columns without NULL. */
static const char keys_sql[] =
	"SELECT t.name, c.name, '', 0 AS nr, c.pk AS place FROM sqlite_schema AS t,"
	" pragma_table_xinfo(t.name, 'main') AS c" OF_TABLES " AND c.pk"
	" UNION ALL SELECT t.name, i.name, l.name, l.seq + 1, i.seqno"
	" FROM sqlite_schema AS t, pragma_index_list(t.name, 'main') AS l,"
	" pragma_index_xinfo(l.name, 'main') AS i" OF_TABLES
	" AND l.\"unique\" AND NOT l.partial AND l.origin <> 'pk' AND i.key"
	" AND NOT EXISTS (SELECT 1 FROM pragma_index_xinfo(l.name, 'main') AS x"
	" LEFT JOIN pragma_table_xinfo(t.name, 'main') AS c ON c.name = x.name"
	" WHERE x.key AND c.\"notnull\" IS NOT 1) ORDER BY 1, nr, place";

/* Of a table that is counted: its column, and where there are more values its key. */
static int take_column(void *arg, const char *const *values, size_t nr,
		       struct err *err UNUSED)
{
	struct reading *r = arg;
	struct buf name = BUF_INIT;
	struct kept_table *t;

	if (sqlite_is_internal(values[0]) || sqlite_is_ours(values[0]))
		return 0;
	add_name(r->db, values[0], &name);
	t = kept_find_table(r->out, name.s);
	if (!t)
		t = kept_add_table(r->out, name.s);
	buf_reset(&name);
	add_name(r->db, values[1], &name);
	if (nr > 2)
		kept_add_key_column(r->out, t, values[2], name.s);
	else
		kept_add_column(r->out, t, name.s);
	buf_release(&name);
	return 0;
}

/* --- rows -------------------------------------------------------------- */

static int read_rows(struct reading *r, struct err *err)
{
	struct kept_table *t = r->table;
	struct buf sql = BUF_INIT;
	sqlite3_stmt *stmt = NULL;
	size_t i;
	int rc;

	for (i = 0; i < t->nr; i++)
		buf_addf(&sql, "%s t.%s", i ? "," : "SELECT", t->columns[i].name);
	buf_addf(&sql, " FROM main.%s AS t", t->name);
	rc = sqlite3_prepare_v2(r->db->sql, sql.s, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			add_row(r, stmt);
	if (rc != SQLITE_DONE)
		sqlite_err(r->db, ERR_FATAL, err);
	sqlite3_finalize(stmt);
	buf_release(&sql);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void end_table(struct reading *r)
{
	struct pool *pool = &r->out->pool;
	struct kept_table *t = r->table;
	struct kept_column *c;
	size_t i;

	t->whole = pool_printf(pool, "%" PRIu64, r->whole);
	for (i = 0; i < t->nr; i++) {
		c = &t->columns[i];
		c->filled = r->sums[i].filled;
		c->plain = pool_printf(pool, "%" PRIu64, r->sums[i].plain);
		if (t->key)
			c->keyed = pool_printf(pool, "%" PRIu64, r->sums[i].keyed);
	}
	kept_end_table(t);
}

static int read_table(struct reading *r, struct kept_table *t, struct err *err)
{
	int ret;

	r->table = t;
	r->whole = 0;
	r->sums = xcalloc(t->nr, sizeof(*r->sums));
	ret = read_rows(r, err);
	if (ret == 0)
		end_table(r);
	free(r->sums);
	return ret;
}

static int read_all(struct reading *r, const struct kept_wish *wish, struct err *err)
{
	size_t i;

	if (sqlite_query(r->db, columns_sql, NULL, 0, take_column, r, err) < 0 ||
	    sqlite_query(r->db, keys_sql, NULL, 0, take_column, r, err) < 0)
		return -1;
	kept_choose(r->out, wish);
	for (i = 0; i < r->out->nr; i++)
		if (kept_is_wanted(wish, &r->out->tables[i]) &&
		    read_table(r, &r->out->tables[i], err) < 0)
			return -1;
	return 0;
}

int sqlite_kept(struct db *db, const struct kept_wish *wish, struct kept *out,
		struct err *err)
{
	struct reading r = { .db = db, .out = out };
	int ret;

	out->no_case = true;
	if (sqlite_begin_read(db, err) < 0)
		return -1;
	ret = read_all(&r, wish, err);
	sqlite_rollback(db);
	return ret;
}
