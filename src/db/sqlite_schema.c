/*
 * The schema of a file. What SQLite's own parser made of it is asked for: columns,
 * keys, indexes. What it does not tell (CHECK, what a column is computed from, ON
 * CONFLICT, DEFERRABLE) and the texts of views and triggers come from sqlite_schema,
 * word by word: ALTER TABLE rewrites those texts, with quotes of its own.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/schema.h"
#include "db/sqlite.h"
#include "db/sqlite_words.h"

/* What the words of a CREATE TABLE tell of it. */
struct table {
	const char *rowid; /* of sqlite_schema */
	const char *name;
	const char **columns; /* what is to be said of each besides; NULL: nothing */
	size_t nr, alloc;
};

struct reading {
	struct db *db;
	struct schema *out;
	struct pool pool;
	struct table *tables; /* in the order of sqlite_schema */
	size_t nr, alloc;
	size_t at; /* the one that rows are told of */
	bool virtual_ones;
	struct sqlite_names shadows;
	struct sqlite_words object, part; /* the text under way, and one of its parts */
	/* columns of the constraint that rows are told of */
	struct buf line, targets;
	const char *end;   /* what follows them */
	const char *table; /* NULL: there is no such constraint yet */
	char key[64];
};

static const char *text_of(const char *value)
{
	return value ? value : "";
}

static bool is_set(const char *value)
{
	return value && strcmp(value, "0") != 0;
}

static const char *shown(struct reading *r, const char *name)
{
	struct buf text = BUF_INIT;
	const char *ret;

	sqlite_words_name(name, &text);
	ret = pool_strdup(&r->pool, buf_str(&text));
	buf_release(&text);
	return ret;
}

/* --- the text of a table ------------------------------------------------ */

/* One definition between the commas of a table: a column or a constraint. */
struct definition {
	const struct sqlite_words *w;
	size_t from, to;
	bool column;
	struct buf extra; /* what SQLite does not tell of it otherwise */
};

static void add_words(struct buf *out, const char *label, const struct definition *d,
		      size_t from, size_t to)
{
	buf_addf(out, "%s", label);
	sqlite_words_write(d->w, from, to, false, out);
}

/* A CHECK stands by itself, wherever it was written. Returns what is behind it. */
static size_t take_check(struct reading *r, const struct table *t,
			 const struct definition *d, size_t at)
{
	size_t end = sqlite_words_group(d->w, at + 1, d->to);
	struct buf line = BUF_INIT;

	if (at >= d->from + 2 && sqlite_words_is(d->w, at - 2, "CONSTRAINT"))
		add_words(&line, "constraint ", d, at - 1, at);
	add_words(&line, line.len ? " check " : "check ", d, at + 1, end);
	schema_add(r->out, "table", t->name, "4", line.s);
	buf_release(&line);
	return end;
}

/* The words of the constraint that ends at `at`: of a column, which one it is. */
static void add_owner(const struct definition *d, size_t at, struct buf *out)
{
	static const char *const first[] = { "NOT", "PRIMARY", "UNIQUE", "FOREIGN",
					     "REFERENCES" };
	size_t i, k, from = d->from;

	for (i = d->from; d->column && i < at; i++)
		for (k = 0; k < ARRAY_SIZE(first); k++)
			if (sqlite_words_is(d->w, i, first[k]))
				from = i;
	add_words(out, " ", d, from, at);
}

static size_t take_rest(struct definition *d, size_t at)
{
	if (sqlite_words_is(d->w, at, "AS") && sqlite_words_is(d->w, at + 1, "(")) {
		size_t end = sqlite_words_group(d->w, at + 1, d->to);

		add_words(&d->extra, " as ", d, at + 1, end);
		return end;
	}
	if (sqlite_words_is(d->w, at, "ON") &&
	    sqlite_words_is(d->w, at + 1, "CONFLICT")) {
		add_owner(d, at, &d->extra);
		add_words(&d->extra, " ", d, at, at + 3 < d->to ? at + 3 : d->to);
	}
	if (sqlite_words_is(d->w, at, "DEFERRABLE") &&
	    sqlite_words_is(d->w, at + 1, "INITIALLY") &&
	    sqlite_words_is(d->w, at + 2, "DEFERRED") &&
	    !(at > d->from && sqlite_words_is(d->w, at - 1, "NOT"))) {
		add_owner(d, at, &d->extra);
		buf_adds(&d->extra, " DEFERRED");
	}
	return sqlite_words_is(d->w, at, "(") ? sqlite_words_group(d->w, at, d->to)
					      : at + 1;
}

static void take_definition(struct reading *r, struct table *t, struct definition *d)
{
	static const char *const first[] = { "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK",
					     "FOREIGN" };
	size_t at = d->from, i;

	d->column = true;
	for (i = 0; i < ARRAY_SIZE(first); i++)
		d->column &= !sqlite_words_is(d->w, at, first[i]);
	if (d->column)
		at++;
	while (at < d->to)
		if (sqlite_words_is(d->w, at, "CHECK") &&
		    sqlite_words_is(d->w, at + 1, "("))
			at = take_check(r, t, d, at);
		else
			at = take_rest(d, at);
	if (d->column) {
		VEC_GROW(t->columns, t->nr, t->alloc);
		t->columns[t->nr++] = d->extra.len ? pool_strdup(&r->pool, d->extra.s)
						   : NULL;
	} else if (d->extra.len) {
		schema_add(r->out, "table", t->name, "5", d->extra.s + 1);
	}
	buf_release(&d->extra);
}

/* Behind the bracket: WITHOUT ROWID, STRICT. */
static void take_options(struct reading *r, const struct table *t,
			 const struct sqlite_words *w, size_t at)
{
	struct buf text = BUF_INIT;
	size_t i;

	for (i = at; i < w->nr; i++) {
		buf_reset(&text);
		sqlite_words_write(w, i, i + 1, false, &text);
		if (strcasecmp(text.s, "WITHOUT") == 0)
			schema_add(r->out, "table", t->name, "0", "without rowid");
		else if (strcasecmp(text.s, "STRICT") == 0)
			schema_add(r->out, "table", t->name, "0", "strict");
	}
	buf_release(&text);
}

static void take_table(struct reading *r, struct table *t, const struct sqlite_words *w)
{
	struct definition d = { .w = w };
	size_t at, end;

	for (at = 0; at < w->nr && !sqlite_words_is(w, at, "("); at++)
		;
	end = sqlite_words_group(w, at, w->nr);
	schema_add(r->out, "table", t->name, NULL, NULL);
	while (++at < end) {
		d = (struct definition){ .w = w, .from = at };
		while (at + 1 < end && !sqlite_words_is(w, at, ","))
			at = sqlite_words_is(w, at, "(") ? sqlite_words_group(w, at, end)
							 : at + 1;
		d.to = at;
		take_definition(r, t, &d);
	}
	take_options(r, t, w, end);
}

/* --- what sqlite_schema lists ------------------------------------------- */

/* The whole text of what it is, and of which table's paragraph. */
static void add_whole(struct reading *r, const char *kind, const char *name,
		      const char *rank, const char *label, const struct sqlite_words *w)
{
	struct buf line = BUF_INIT;

	buf_adds(&line, label);
	sqlite_words_write(w, 0, w->nr, true, &line);
	schema_add(r->out, kind, name, rank, line.s);
	buf_release(&line);
}

static bool is_virtual(const struct sqlite_words *w)
{
	return sqlite_words_is(w, 1, "VIRTUAL");
}

static bool is_shadow(const struct reading *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->shadows.nr; i++)
		if (strcmp(r->shadows.items[i], name) == 0)
			return true;
	return false;
}

/* rowid, type, name, tbl_name, sql */
static int take_object(void *arg, const char *const *values, size_t nr UNUSED,
		       struct err *err UNUSED)
{
	struct reading *r = arg;
	const char *type = text_of(values[1]), *table = shown(r, text_of(values[3]));
	struct sqlite_words *w = &r->object;

	if (is_shadow(r, text_of(values[3])))
		return 0;
	sqlite_words_read(w, text_of(values[4]));
	if (strcmp(type, "view") == 0) {
		add_whole(r, "view", table, "1", "", w);
	} else if (strcmp(type, "index") == 0) {
		add_whole(r, "table", table, "6", "", w);
	} else if (strcmp(type, "trigger") == 0) {
		/* of a view, maybe: it stands by itself */
		add_whole(r, "trigger", shown(r, text_of(values[2])), "1", "", w);
	} else if (is_virtual(w)) {
		add_whole(r, "virtual table", table, "1", "", w);
	} else {
		VEC_GROW(r->tables, r->nr, r->alloc);
		r->tables[r->nr] = (struct table){
			.rowid = pool_strdup(&r->pool, text_of(values[0])), .name = table
		};
		take_table(r, &r->tables[r->nr++], w);
	}
	return 0;
}

static int note_virtual(void *arg, const char *const *values UNUSED, size_t nr UNUSED,
			struct err *err UNUSED)
{
	((struct reading *)arg)->virtual_ones = true;
	return 0;
}

/* --- what SQLite tells of tables ----------------------------------------- */

/* The table that a row is of; NULL: of none that is described. */
static const struct table *table_at(struct reading *r, const char *rowid)
{
	size_t i;

	for (i = 0; i < r->nr; i++, r->at = (r->at + 1) % r->nr)
		if (strcmp(r->tables[r->at].rowid, rowid) == 0)
			return &r->tables[r->at];
	return NULL;
}

static void add_type(struct reading *r, struct buf *line, const char *type)
{
	struct buf text = BUF_INIT;
	size_t i;

	sqlite_words_normal(&r->part, type, &text);
	for (i = 0; i < text.len; i++)
		if (ascii_islower(text.s[i]))
			text.s[i] = (char)(text.s[i] - 'a' + 'A');
	if (text.len)
		buf_addf(line, " %s", text.s);
	buf_release(&text);
}

/* Its collation, and whether its numbers are never used again. */
static void add_metadata(struct reading *r, const char *table, const char *column,
			 struct buf *line)
{
	const char *type, *collation;
	int not_null, key, autoincrement;

	if (sqlite3_table_column_metadata(r->db->sql, "main", table, column, &type,
					  &collation, &not_null, &key,
					  &autoincrement) != SQLITE_OK)
		return;
	if (collation && strcasecmp(collation, "BINARY") != 0)
		buf_addf(line, " collate %s", collation);
	if (autoincrement)
		buf_adds(line, " autoincrement");
}

/* rowid, table, cid, name, type, notnull, dflt_value, pk, hidden */
static int take_column(void *arg, const char *const *values, size_t nr UNUSED,
		       struct err *err UNUSED)
{
	struct reading *r = arg;
	const struct table *t = table_at(r, text_of(values[0]));
	size_t cid = strtoul(text_of(values[2]), NULL, 10);
	struct buf line = BUF_INIT;
	char rank[32];

	if (!t)
		return 0;
	buf_adds(&line, "column ");
	sqlite_words_name(text_of(values[3]), &line);
	add_type(r, &line, text_of(values[4]));
	if (is_set(values[5]))
		buf_adds(&line, " not null");
	if (values[6]) {
		buf_adds(&line, " default ");
		sqlite_words_normal(&r->part, values[6], &line);
	}
	if (is_set(values[7]))
		buf_addf(&line, " primary key %s", values[7]);
	add_metadata(r, text_of(values[1]), text_of(values[3]), &line);
	if (values[8] && strcmp(values[8], "3") == 0)
		buf_adds(&line, " stored");
	if (cid < t->nr && t->columns[cid])
		buf_adds(&line, t->columns[cid]);
	snprintf(rank, sizeof(rank), "1%05zu", cid);
	schema_add(r->out, "table", t->name, rank, line.s);
	buf_release(&line);
	return 0;
}

/* --- constraints of several columns --------------------------------------- */

static void end_constraint(struct reading *r, const char *rank)
{
	if (r->table) {
		buf_addc(&r->line, ')');
		if (r->targets.len)
			buf_addf(&r->line, " references %s", r->targets.s);
		buf_adds(&r->line, r->end);
		schema_add(r->out, "table", r->table, rank, r->line.s);
	}
	buf_reset(&r->line);
	buf_reset(&r->targets);
	r->table = NULL;
}

/* Whether a row goes on with the constraint; else it ends, and this one begins. */
static bool goes_on_with(struct reading *r, const struct table *t, const char *id,
			 const char *rank)
{
	if (r->table == t->name && strcmp(r->key, id) == 0) {
		buf_adds(&r->line, ", ");
		return true;
	}
	end_constraint(r, rank);
	r->table = t->name;
	r->end = "";
	snprintf(r->key, sizeof(r->key), "%s", id);
	return false;
}

/* rowid, seq of the index, origin, column, desc, collation */
static int take_unique(void *arg, const char *const *values, size_t nr UNUSED,
		       struct err *err UNUSED)
{
	struct reading *r = arg;
	const struct table *t = table_at(r, text_of(values[0]));

	if (!t)
		return 0;
	if (!goes_on_with(r, t, text_of(values[1]), "2"))
		buf_adds(&r->line, strcmp(text_of(values[2]), "pk") == 0 ? "primary key ("
									 : "unique (");
	sqlite_words_name(text_of(values[3]), &r->line);
	if (values[5] && strcasecmp(values[5], "BINARY") != 0)
		buf_addf(&r->line, " collate %s", values[5]);
	if (is_set(values[4]))
		buf_adds(&r->line, " desc");
	return 0;
}

static void add_action(struct buf *end, const char *when, const char *action)
{
	if (strcmp(action, "NO ACTION") != 0)
		buf_addf(end, " on %s %s", when, action);
}

/* rowid, id, from, table, to, on_update, on_delete */
static int take_key(void *arg, const char *const *values, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	struct reading *r = arg;
	const struct table *t = table_at(r, text_of(values[0]));
	struct buf end = BUF_INIT;
	bool more;

	if (!t)
		return 0;
	more = goes_on_with(r, t, text_of(values[1]), "3");
	if (!more) {
		buf_adds(&r->line, "foreign key (");
		sqlite_words_name(text_of(values[3]), &r->targets);
		if (values[4])
			buf_adds(&end, ")");
		add_action(&end, "update", text_of(values[5]));
		add_action(&end, "delete", text_of(values[6]));
		r->end = pool_strdup(&r->pool, buf_str(&end));
	}
	sqlite_words_name(text_of(values[2]), &r->line);
	if (values[4]) {
		buf_adds(&r->targets, more ? ", " : " (");
		sqlite_words_name(values[4], &r->targets);
	}
	buf_release(&end);
	return 0;
}

/* --- the whole ------------------------------------------------------------- */

/* The tracker's own, and SQLite's. */
#define OF_USERS(prefix)                                                                 \
	" " prefix "tbl_name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"                          \
	" AND " prefix "tbl_name NOT IN ('git_migrate_log', 'git_migrate_schema')"

#define TABLES "sqlite_schema AS m"
#define OF_TABLES                                                                        \
	" WHERE m.type = 'table' AND m.sql NOT LIKE 'create virtual %' AND" OF_USERS(    \
		"m"                                                                      \
		".")

static int read_all(struct reading *r, struct err *err)
{
	static const char virtual_ones[] =
		"SELECT 1 FROM sqlite_schema WHERE type = 'table'"
		" AND sql LIKE 'create virtual %' LIMIT 1";
	static const char shadows[] =
		"SELECT name FROM pragma_table_list WHERE type = 'shadow'";
	static const char objects[] =
		"SELECT rowid, type, name, tbl_name, sql FROM sqlite_schema"
		" WHERE sql IS NOT NULL AND" OF_USERS("") " ORDER BY rowid";
	static const char columns[] =
		"SELECT m.rowid, m.name, x.cid, x.name, x.type, x.\"notnull\","
		" x.dflt_value, x.pk, x.hidden FROM " TABLES
		" JOIN pragma_table_xinfo(m.name, 'main') AS x" OF_TABLES;
	static const char uniques[] =
		"SELECT m.rowid, i.seq, i.origin, x.name, x.\"desc\", x.coll FROM " TABLES
		" JOIN pragma_index_list(m.name, 'main') AS i"
		" JOIN pragma_index_xinfo(i.name, 'main') AS x" OF_TABLES
		" AND i.origin <> 'c' AND x.key ORDER BY m.rowid, i.seq, x.seqno";
	static const char keys[] =
		"SELECT m.rowid, x.id, x.\"from\", x.\"table\", x.\"to\", x.on_update,"
		" x.on_delete FROM " TABLES
		" JOIN pragma_foreign_key_list(m.name, 'main') AS x" OF_TABLES
		" AND m.sql LIKE '%references%' ORDER BY m.rowid, x.id, x.seq";
	struct db *db = r->db;

	if (sqlite_query(db, virtual_ones, NULL, 0, note_virtual, r, err) < 0 ||
	    (r->virtual_ones &&
	     sqlite_query(db, shadows, NULL, 0, sqlite_add_name, &r->shadows, err) < 0) ||
	    sqlite_query(db, objects, NULL, 0, take_object, r, err) < 0 ||
	    sqlite_query(db, columns, NULL, 0, take_column, r, err) < 0 ||
	    sqlite_query(db, uniques, NULL, 0, take_unique, r, err) < 0)
		return -1;
	end_constraint(r, "2");
	if (sqlite_query(db, keys, NULL, 0, take_key, r, err) < 0)
		return -1;
	end_constraint(r, "3");
	return 0;
}

int sqlite_schema(struct db *db, struct schema *out, struct err *err)
{
	bool inside = !sqlite3_get_autocommit(db->sql); /* of a run, at its end */
	struct reading r = { .db = db, .out = out };
	size_t i;
	int ret;

	if (!inside && sqlite_begin_read(db, err) < 0)
		return -1;
	ret = read_all(&r, err);
	if (!inside)
		sqlite_rollback(db);
	for (i = 0; i < r.nr; i++)
		free(r.tables[i].columns);
	free(r.tables);
	buf_release(&r.line);
	buf_release(&r.targets);
	sqlite_words_release(&r.object);
	sqlite_words_release(&r.part);
	sqlite_names_release(&r.shadows);
	pool_release(&r.pool);
	return ret;
}
