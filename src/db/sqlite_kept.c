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
	int in_key; /* its place in the primary key from 1, 0: none */
};

struct reading {
	struct db *db;
	struct kept *out;
	struct kept_table *table;
	struct sum *sums;
	size_t alloc;
	struct buf select, key;
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

static void add_row(struct reading *r, sqlite3_stmt *stmt)
{
	size_t nr = r->table->nr, i;
	uint64_t key = 0, h;

	for (i = 0; i < nr; i++)
		if (r->sums[i].in_key)
			key = mix(key * 31 + digest(stmt, (int)i));
	for (i = 0; i < nr; i++) {
		if (sqlite3_column_type(stmt, (int)i) == SQLITE_NULL)
			continue;
		h = digest(stmt, (int)i);
		r->sums[i].filled++;
		r->sums[i].plain += h;
		r->sums[i].keyed += mix(key ^ mix(h));
	}
	r->table->rows++;
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

/* --- one table --------------------------------------------------------- */

/* name, pk: of one column. */
static int take_column(void *arg, const char *const *values, size_t nr UNUSED,
		       struct err *err UNUSED)
{
	struct reading *r = arg;
	struct buf name = BUF_INIT;
	size_t i = r->table->nr;

	add_name(r->db, values[0], &name);
	kept_add_column(r->out, r->table, name.s);
	if (i == r->alloc) {
		r->alloc = 2 * r->alloc + 8;
		r->sums = xreallocarray(r->sums, r->alloc, sizeof(*r->sums));
	}
	memset(&r->sums[i], 0, sizeof(r->sums[i]));
	r->sums[i].in_key = atoi(values[1]);
	buf_adds(&r->select, i ? ", " : "SELECT ");
	buf_add_quoted(&r->select, values[0], strlen(values[0]), '"');
	if (r->sums[i].in_key)
		buf_addf(&r->key, "%s%s", r->key.len ? ", " : "", name.s);
	buf_release(&name);
	return 0;
}

static int read_rows(struct reading *r, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(r->db->sql, r->select.s, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			add_row(r, stmt);
	if (rc != SQLITE_DONE)
		sqlite_err(r->db, ERR_FATAL, err);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void end_table(struct reading *r)
{
	struct kept_column *c;
	size_t i;

	if (r->key.len)
		r->table->key = pool_strdup(&r->out->pool, r->key.s);
	for (i = 0; i < r->table->nr; i++) {
		c = &r->table->columns[i];
		c->filled = r->sums[i].filled;
		c->plain = pool_printf(&r->out->pool, "%" PRIu64, r->sums[i].plain);
		if (r->key.len)
			c->keyed = pool_printf(&r->out->pool, "%" PRIu64,
					       r->sums[i].keyed);
	}
}

static int read_table(struct reading *r, const char *name, struct err *err)
{
	/* generated columns (2, 3) are values too; hidden ones of others (1) are not */
	static const char columns[] =
		"SELECT name, pk FROM pragma_table_xinfo($1, 'main') WHERE hidden <> 1"
		" ORDER BY cid";
	struct buf shown = BUF_INIT;

	add_name(r->db, name, &shown);
	r->table = kept_add_table(r->out, shown.s, NULL);
	buf_release(&shown);
	buf_reset(&r->select);
	buf_reset(&r->key);
	if (sqlite_query(r->db, columns, &name, 1, take_column, r, err) < 0)
		return -1;
	buf_adds(&r->select, " FROM main.");
	buf_add_quoted(&r->select, name, strlen(name), '"');
	if (read_rows(r, err) < 0)
		return -1;
	end_table(r);
	return 0;
}

/* --- all of them ------------------------------------------------------- */

static int read_all(struct reading *r, const struct sqlite_names *names, struct err *err)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		if (!sqlite_is_internal(names->items[i]) &&
		    !sqlite_is_ours(names->items[i]) &&
		    read_table(r, names->items[i], err) < 0)
			return -1;
	return 0;
}

int sqlite_kept(struct db *db, struct kept *out, struct err *err)
{
	/* a virtual table's content is in its shadows, or is not the database's */
	static const char tables[] = "SELECT name FROM sqlite_schema WHERE type = 'table'"
				     " AND sql NOT LIKE 'create virtual %' ORDER BY name";
	struct reading r = { .db = db, .out = out };
	struct sqlite_names names = { 0 };
	int ret;

	if (sqlite_begin_read(db, err) < 0)
		return -1;
	ret = sqlite_query(db, tables, NULL, 0, sqlite_add_name, &names, err);
	if (ret == 0)
		ret = read_all(&r, &names, err);
	sqlite_rollback(db);
	sqlite_names_release(&names);
	buf_release(&r.select);
	buf_release(&r.key);
	free(r.sums);
	return ret;
}
