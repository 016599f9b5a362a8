#include "base/compat.h"

#include "sql/remedy.h"

#include "base/buf.h"
#include "base/text.h"
#include "sql/constraint.h"
#include "sql/lacks.h"
#include "sql/name.h"
#include "sql/remedy_text.h"
#include "sql/split.h"
#include "sql/table_text.h"

enum {
	STEM_MAX = 63,	     /* bytes of a name that PostgreSQL does not cut */
	NAME_MAX_BYTES = 50, /* so that it can be made longer */
};

/* --- names for the templates ------------------------------------------- */

enum value {
	VALUE_TABLE,
	VALUE_COLUMN,
	VALUE_OLD_TYPE,
	VALUE_NEW_TYPE,
	VALUE_TO,
	VALUE_COPY,	  /* the column beside the one whose type was changed */
	VALUE_AGAIN,	  /* what is to be the column, as long as it lacks values */
	VALUE_CONSTRAINT, /* its name */
	VALUE_INDEX,
	VALUE_STATEMENT, /* that makes the index, without locks for long */
	VALUE_REBUILD,	 /* of SQLite's table, or the table that was dropped */
	VALUE_STEM,	 /* of names for triggers */
	VALUE_KEY,	 /* of the table, as a header has it */
	VALUE_SIZE,	 /* of a batch */
	VALUE_ROW,	 /* the condition on the row of a trigger of SQLite */
	VALUE_LACKS,	 /* a line on what the copy has not, or nothing */
	VALUE_UNBIND,	 /* lines that let the column go, or nothing */
	VALUE_FILE,	 /* which this is */
	VALUE_NR,
};

static const struct {
	const char *name, *missing;
} value_names[VALUE_NR] = {
	[VALUE_TABLE] = { "table", "the table" },
	[VALUE_COLUMN] = { "column", "the column" },
	[VALUE_OLD_TYPE] = { "old-type", "the type that it had" },
	[VALUE_NEW_TYPE] = { "new-type", "the type that it has" },
	[VALUE_TO] = { "to", "the new name" },
	[VALUE_COPY] = { "copy", "the name of the new column" },
	[VALUE_AGAIN] = { "again", "a name that no column has" },
	[VALUE_CONSTRAINT] = { "constraint", "the name of the constraint" },
	[VALUE_INDEX] = { "index", "the name of the index" },
	[VALUE_STATEMENT] = { "statement", "CREATE INDEX CONCURRENTLY and what follows" },
	[VALUE_REBUILD] = { "rebuild",
			    "CREATE TABLE with the definition that is right, INSERT INTO "
			    "it with SELECT from the old one, DROP TABLE of that, ALTER "
			    "TABLE to rename the new one" },
	[VALUE_STEM] = { "stem", "a name" },
	[VALUE_KEY] = { "key", "the key" },
	[VALUE_SIZE] = { "size", "how many rows a batch has" },
	[VALUE_ROW] = { "row",
			"rowid = NEW.rowid, or for a table WITHOUT ROWID the same of "
			"its key" },
	[VALUE_LACKS] = { "lacks", "" },
	[VALUE_UNBIND] = { "unbind", "" },
	[VALUE_FILE] = { "file", "this file" },
};

struct values {
	struct pool pool;
	const char *of[VALUE_NR];
};

/* A name with something behind it, inside of its quotes. */
static const char *longer(struct values *v, const char *name, const char *suffix)
{
	struct buf out = BUF_INIT;
	const char *ret;

	table_name(name, suffix, &out);
	ret = pool_strdup(&v->pool, buf_str(&out));
	buf_release(&out);
	return ret;
}

static bool is_column(const struct sql_table *t, const char *name)
{
	size_t i;

	for (i = 0; t && i < t->nr; i++)
		if (strcasecmp(t->columns[i].name, name) == 0)
			return true;
	return false;
}

/* One that no column of the table has; cut by the server it could be the old one. */
static const char *unused_name(struct values *v, const struct sql_table *t,
			       const char *name, const char *suffix)
{
	const char *stem = strlen(name) > NAME_MAX_BYTES ? "column" : name, *ret;
	int i;

	ret = longer(v, stem, suffix);
	for (i = 2; is_column(t, ret); i++)
		ret = longer(v, stem, pool_printf(&v->pool, "%s_%d", suffix, i));
	return ret;
}

/* Letters, digits and "_" of the names: one that needs no quotes, and fits. */
static const char *make_stem(struct values *v, const struct sql_trouble *t)
{
	char *stem = pool_printf(&v->pool, "keep_%s_%s%s%s", t->table, t->column,
				 t->to ? "_" : "", t->to ? t->to : "");
	char *at;

	for (at = stem; *at; at++)
		*at = (char)(ascii_isalnum(*at) ? ascii_tolower(*at) : '_');
	if (strlen(stem) > STEM_MAX)
		stem[STEM_MAX] = '\0';
	return stem;
}

/* An index lives in the schema of its table, and is named without it when it is made. */
static const char *index_name(struct values *v, const struct sql_remedy *r)
{
	const struct sql_trouble *t = &r->trouble;
	struct sql_statement st = { .text = t->table };
	struct sql_name name;
	struct walk w;

	if (r->sqlite || !t->index || !t->table)
		return t->index;
	st.len = strlen(t->table);
	walk_start(&w, &st, &v->pool);
	if (!walk_name(&w, &name) || name.nr < 2)
		return t->index;
	return pool_printf(&v->pool, "%.*s%s", (int)w.before.start, t->table, t->index);
}

/* CREATE INDEX CONCURRENTLY of a CREATE INDEX, under another name. */
static const char *make_concurrent(struct values *v, const char *statement)
{
	struct sql_statement st = { .text = statement };
	const char *name = "";
	struct sql_name old;
	struct walk w;
	bool unique;

	if (!statement)
		return NULL;
	st.len = strlen(statement);
	walk_start(&w, &st, &v->pool);
	if (lacks_walk_index(&w, &unique, &old))
		name = longer(v,
			      pool_strndup(&v->pool, old.at,
					   (size_t)(w.s + w.before.end - old.at)),
			      "_concurrent");
	return pool_printf(&v->pool, "CREATE %sINDEX CONCURRENTLY %s%s%s",
			   unique ? "UNIQUE " : "", name, name[0] ? " " : "",
			   statement + w.now.start);
}

/* Of a partitioned table no index can be built while others write. */
static const char *make_statement(struct values *v, const struct sql_remedy *r,
				  const struct sql_table *t)
{
	if (!r->sqlite && t && strncasecmp(t->options, "partition ", 10) == 0)
		return REMEDY_PLACEHOLDER
			" CREATE INDEX ON ONLY this table; then, each in a migration of "
			"its "
			"own, CREATE INDEX CONCURRENTLY on a partition, and last ALTER "
			"INDEX to attach each of those>";
	return make_concurrent(v, r->trouble.statement);
}

static const char *rebuild(struct values *v, const struct sql_remedy *r)
{
	const struct sql_trouble *t = &r->trouble;
	const struct sql_table *now, *was;
	struct table_change change = { 0 };
	struct buf text = BUF_INIT;
	const struct sql_column *old;
	const char *ret;

	now = t->table_key ? sql_catalog_table(r->now, t->table_key) : NULL;
	was = t->was_key ? sql_catalog_table(r->before, t->was_key) : NULL;
	if (t->kind == TROUBLE_DROPPED_EARLY && was && !was->guessed && !now) {
		table_text(was, &text);
	} else if (now && !now->guessed && t->kind != TROUBLE_DROPPED_EARLY) {
		change.without = t->constraint;
		if (t->kind == TROUBLE_REQUIRED_COLUMN || t->kind == TROUBLE_LOSSY_TYPE)
			change.optional = t->column_key;
		if (t->kind == TROUBLE_RENAMED)
			change.optional = t->to_key;
		old = was && t->column_key ? sql_table_column(was, t->column_key) : NULL;
		if (t->kind == TROUBLE_BAD_CONSTRAINT)
			change.as_before = old;
		table_rebuild(now, &change, &text);
	}
	ret = text.len ? pool_strdup(&v->pool, text.s) : NULL;
	buf_release(&text);
	return ret;
}

/* Whether PRIMARY KEY stands here, behind a name of its own or at once. */
static bool find_primary_key(struct walk *w)
{
	while (!walk_at_end(w)) {
		if (walk_accept(w, "primary") && walk_accept(w, "key"))
			return true;
		walk_next(w);
	}
	return false;
}

static void walk_text(struct walk *w, const char *text, struct values *v)
{
	const struct sql_statement st = { .text = text, .len = strlen(text) };

	walk_start(w, &st, &v->pool);
}

/* Whether the name is still that of a column: constraints keep those of before. */
static bool has_column(const struct sql_table *table, const struct sql_name *name)
{
	size_t i;

	for (i = 0; i < table->nr; i++)
		if (strcasecmp(table->columns[i].key, name->parts[name->nr - 1]) == 0)
			return true;
	return false;
}

/*
 * The columns of PRIMARY KEY (...), with commas between and as they are written; none
 * where one of them is gone.
 */
static void add_columns(struct walk *w, const struct sql_table *table, struct buf *out)
{
	struct sql_name name;

	if (!walk_accept_char(w, '('))
		return;
	do {
		size_t start = w->now.start;

		if (!walk_name(w, &name) || !has_column(table, &name)) {
			buf_reset(out);
			return;
		}
		buf_addf(out, "%s", out->len ? "," : "");
		buf_add(out, w->s + start, w->before.end - start);
	} while (walk_accept_char(w, ','));
}

/* The primary key of a table, which a header can have as it is; else to be filled in. */
static const char *key_columns(struct values *v, const struct sql_table *table)
{
	const char *missing = REMEDY_PLACEHOLDER " the columns of its key, as id or a,b>";
	struct buf out = BUF_INIT;
	struct walk w;
	size_t i;

	for (i = 0; table && i < table->nr; i++) {
		walk_text(&w, table->columns[i].rest, v);
		if (find_primary_key(&w))
			buf_adds(&out, table->columns[i].name);
	}
	for (i = 0; table && !out.len && i < table->nr_constraints; i++) {
		walk_text(&w, table->constraints[i], v);
		if (find_primary_key(&w))
			add_columns(&w, table, &out);
	}
	if (out.len)
		missing = pool_strdup(&v->pool, out.s);
	buf_release(&out);
	return missing;
}

/* CREATE TRIGGER does not look whether the table has a rowid: every write would fail. */
static const char *row_condition(struct values *v, const struct sql_table *t)
{
	struct walk w;
	size_t i;

	if (!t || t->guessed)
		return NULL;
	if (!strcasestr(t->options, "without"))
		return sql_table_column(t, "rowid") ? "_rowid_ = NEW._rowid_"
						    : "rowid = NEW.rowid";
	for (i = 0; i < t->nr; i++) {
		walk_text(&w, t->columns[i].rest, v);
		if (find_primary_key(&w))
			return pool_printf(&v->pool, "%s = NEW.%s", t->columns[i].name,
					   t->columns[i].name);
	}
	return NULL;
}

/* The key that the batches of what went wrong had, where they are of the same table. */
static const char *batch_key(const struct sql_remedy *r, const char *usual)
{
	const struct sql_batched *b = &r->batch;

	if (!r->batched || !b->table || !b->key || !r->trouble.table ||
	    strcasecmp(b->table, r->trouble.table) != 0)
		return usual;
	return b->key;
}

/* A serial column is made with numbers of its own: the values are of this type. */
static const char *plain_type(const struct sql_remedy *r, const char *type)
{
	static const struct {
		const char *serial, *plain;
	} types[] = {
		{ "smallserial", "smallint" }, { "serial2", "smallint" },
		{ "serial", "integer" },       { "serial4", "integer" },
		{ "bigserial", "bigint" },     { "serial8", "bigint" },
	};
	size_t i;

	for (i = 0; type && !r->sqlite && i < ARRAY_SIZE(types); i++)
		if (strcasecmp(types[i].serial, type) == 0)
			return types[i].plain;
	return type;
}

/* The line that says what goes with the column, where that is something. */
static const char *say_lacks(struct values *v, const struct sql_table *t,
			     const struct sql_column *c)
{
	struct buf list = BUF_INIT;
	const char *ret = "";

	lacks_list(t, c, &list);
	if (list.len)
		ret = pool_printf(&v->pool,
				  "-- Before that a migration of its own adds what goes "
				  "with the other column and is\n"
				  "-- still needed: %s\n",
				  list.s);
	buf_release(&list);
	return ret;
}

static void add_views(const struct sql_catalog *of, const struct sql_table *t,
		      const struct sql_column *c, struct buf *out)
{
	struct buf list = BUF_INIT;

	lacks_add_views(of, t, c, &list);
	if (list.len)
		buf_addf(out,
			 REMEDY_PLACEHOLDER " DROP VIEW here, and CREATE VIEW without %s "
					    "behind DROP COLUMN, or delete this line: "
					    "%s>;\n",
			 c->name, list.s);
	buf_release(&list);
}

/* What is lost without a word would be missed later; what SQLite does not do, sooner. */
static const char *unbind(struct values *v, const struct sql_remedy *r,
			  const struct sql_table *t, const struct sql_column *c)
{
	const struct sql_catalog *of = r->rest ? r->before : r->now;
	struct buf list = BUF_INIT, out = BUF_INIT;
	const char *ret;

	lacks_list(t, c, &list);
	if (list.len)
		buf_addf(&out,
			 REMEDY_PLACEHOLDER " delete this line once %s has "
					    "what goes with %s: %s>;\n",
			 v->of[VALUE_COPY], c->name, list.s);
	add_views(of, t, c, &out);
	if (r->sqlite && lacks_way_out(t, c))
		buf_addf(&out,
			 REMEDY_PLACEHOLDER " in the place of DROP COLUMN below, which "
					    "SQLite refuses here: %s made anew without "
					    "%s>;\n",
			 t->name, c->name);
	if (r->sqlite)
		lacks_drop_indexes(t, c, &out);
	ret = pool_strdup(&v->pool, buf_str(&out));
	buf_release(&list);
	buf_release(&out);
	return ret;
}

static void fill_lacks(const struct sql_remedy *r, struct values *v)
{
	const struct sql_trouble *t = &r->trouble;
	const struct sql_catalog *of = r->rest ? r->before : r->now;
	const struct sql_table *table = NULL;
	const struct sql_column *c = NULL;

	v->of[VALUE_LACKS] = v->of[VALUE_UNBIND] = "";
	if (t->table_key && t->column_key)
		table = sql_catalog_table(of, t->table_key);
	if (table)
		c = sql_table_column(table, t->column_key);
	if (!c || !v->of[VALUE_COPY])
		return;
	v->of[VALUE_LACKS] = say_lacks(v, table, c);
	v->of[VALUE_UNBIND] = unbind(v, r, table, c);
}

static void fill_values(const struct sql_remedy *r, struct values *v)
{
	const struct sql_trouble *t = &r->trouble;
	const struct sql_table *now;

	now = t->table_key ? sql_catalog_table(r->now, t->table_key) : NULL;
	v->of[VALUE_TABLE] = t->table;
	v->of[VALUE_COLUMN] = t->column;
	v->of[VALUE_OLD_TYPE] = plain_type(r, t->old_type);
	v->of[VALUE_NEW_TYPE] = t->new_type;
	v->of[VALUE_TO] = t->to;
	v->of[VALUE_INDEX] = index_name(v, r);
	if (t->column)
		v->of[VALUE_COPY] = longer(v, t->column, "_restored");
	if (t->column)
		v->of[VALUE_AGAIN] = unused_name(v, now, t->column, "_again");
	v->of[VALUE_CONSTRAINT] = constraint_name(&v->pool, r->now, now, t->constraint);
	v->of[VALUE_STATEMENT] = make_statement(v, r, now);
	v->of[VALUE_REBUILD] = rebuild(v, r);
	v->of[VALUE_KEY] = batch_key(r, key_columns(v, now));
	v->of[VALUE_ROW] = row_condition(v, now);
	v->of[VALUE_SIZE] = r->batch.size ? r->batch.size : "1000";
	if (t->column && t->table)
		v->of[VALUE_STEM] = make_stem(v, t);
	v->of[VALUE_FILE] = r->file;
	fill_lacks(r, v);
}

/* --- templates --------------------------------------------------------- */

/* A name with a line break would end a comment: what follows it would run. */
static void add_value(struct buf *out, const char *value, bool in_comment)
{
	for (; *value; value++)
		buf_addc(out, in_comment && (unsigned char)*value < ' ' ? ' ' : *value);
}

static const char *add_named(struct buf *out, const struct values *v, const char *at,
			     bool in_comment)
{
	size_t len = strcspn(at, "@"), i;

	for (i = 0; i < VALUE_NR; i++)
		if (strlen(value_names[i].name) == len &&
		    strncmp(value_names[i].name, at, len) == 0)
			break;
	if (i == VALUE_NR)
		BUG("a template has an unknown name '%.*s'", (int)len, at);
	if (v->of[i])
		add_value(out, v->of[i], in_comment);
	else if (in_comment)
		buf_addf(out, "(%s)", value_names[i].missing);
	else
		buf_addf(out, REMEDY_PLACEHOLDER " %s>", value_names[i].missing);
	return at + len + 1;
}

static void fill_template(const char *template, const struct values *v, struct buf *out)
{
	bool in_comment = false, begins = true;

	while (*template) {
		if (begins)
			in_comment = starts_with(template, "--");
		begins = *template == '\n';
		if (*template == '@')
			template = add_named(out, v, template + 1, in_comment);
		else
			buf_addc(out, *template ++);
	}
}

static bool is_among(const char *columns, const char *name)
{
	size_t len;

	for (; *columns; columns += len + (columns[len] == ',')) {
		len = strcspn(columns, ",");
		if (strlen(name) == len && strncasecmp(columns, name, len) == 0)
			return true;
	}
	return false;
}

/* Whether its NOT NULL can go, once other code writes beside it: not that of a key. */
static bool can_be_optional(const struct sql_table *t, const char *column_key)
{
	const struct sql_column *c = sql_table_column(t, column_key);
	struct values v = { 0 };
	bool ret;

	if (!c || !c->required)
		return false;
	ret = !is_among(key_columns(&v, t), c->name);
	pool_release(&v.pool);
	return ret;
}

/* Which of the texts of a kind it is, where it has several. */
static enum remedy_case choose(const struct sql_remedy *r)
{
	const struct sql_trouble *t = &r->trouble;
	const struct sql_column *to = NULL;
	const struct sql_table *now;

	if (r->rest)
		return CASE_REST;
	now = t->table_key ? sql_catalog_table(r->now, t->table_key) : NULL;
	switch (t->kind) {
	case TROUBLE_LOSSY_TYPE:
		return now && t->column_key && can_be_optional(now, t->column_key)
			       ? CASE_LOSSY_REQUIRED
			       : CASE_LOSSY_TYPE;
	case TROUBLE_REQUIRED_COLUMN:
		return CASE_REQUIRED;
	case TROUBLE_RENAMED:
		if (t->table && !t->column)
			return CASE_RENAMED_TABLE;
		if (now && t->to_key)
			to = sql_table_column(now, t->to_key);
		return to && to->required ? CASE_RENAMED_REQUIRED : CASE_RENAMED;
	case TROUBLE_DROPPED_EARLY:
		return t->table && !t->column ? CASE_DROPPED_TABLE : CASE_DROPPED;
	case TROUBLE_BAD_CONSTRAINT:
		return t->statement ? CASE_BAD_INDEX : CASE_BAD_CONSTRAINT;
	case TROUBLE_WRONG_BACKFILL:
		return r->batched ? CASE_BACKFILL_BATCHED : CASE_BACKFILL;
	case TROUBLE_SLOW_DDL:
		return CASE_SLOW;
	case TROUBLE_NR:
		break;
	}
	BUG("unhandled kind %d", (int)t->kind);
}

static void write_text(const struct sql_remedy *r, const char *template, struct buf *out)
{
	struct values v = { 0 };

	fill_values(r, &v);
	fill_template(template, &v, out);
	pool_release(&v.pool);
}

bool sql_remedy_step(const struct sql_remedy *r, enum remedy_step step, struct buf *out)
{
	const char *template = remedy_text(choose(r), step, r->sqlite);

	if (!template)
		return false;
	write_text(r, template, out);
	return true;
}

enum remedy_step sql_remedy_last(const struct sql_remedy *r)
{
	enum remedy_case which = choose(r);
	int step = STEP_NR - 1;

	while (step > STEP_FIRST &&
	       !remedy_text(which, (enum remedy_step)step, r->sqlite))
		step--;
	return (enum remedy_step)step;
}

const char *sql_remedy_suffix(enum remedy_step step)
{
	static const char *const suffixes[STEP_NR] = {
		[STEP_FIRST] = ".sql",
		[STEP_COPY] = "-copy.sql",
		[STEP_NAME] = "-name.sql",
	};

	return suffixes[step];
}

bool sql_remedy_find_rest(struct sql_remedy *r)
{
	const struct sql_trouble *t = &r->trouble;
	const struct sql_table *table = NULL;
	struct values v = { 0 };

	sql_trouble_find(r->before, r->now, TROUBLE_DROPPED_EARLY, &r->trouble);
	if (t->table_key && t->column)
		table = sql_catalog_table(r->before, t->table_key);
	r->rest = table && is_column(table, longer(&v, t->column, "_restored"));
	pool_release(&v.pool);
	return r->rest;
}

const char *sql_remedy_reversal(enum sql_trouble_kind kind)
{
	switch (kind) {
	case TROUBLE_LOSSY_TYPE:
		return "the restored column could be dropped; what was written to it "
		       "would be lost";
	case TROUBLE_REQUIRED_COLUMN:
		return "possible once every row has a value";
	case TROUBLE_RENAMED:
		return "the old name could be dropped again; nothing would be lost";
	case TROUBLE_DROPPED_EARLY:
		return "it could be dropped again; what was written since would be lost";
	case TROUBLE_BAD_CONSTRAINT:
		return "possible once no row breaks the constraint";
	case TROUBLE_WRONG_BACKFILL:
		return "none; the wrong values are gone";
	case TROUBLE_SLOW_DDL:
		return "the index could be dropped; nothing would be lost";
	case TROUBLE_NR:
		break;
	}
	BUG("unhandled kind %d", (int)kind);
}

bool sql_remedy_contract(const struct sql_remedy *r, struct buf *out, const char **loss)
{
	const char *template = remedy_contract_text(choose(r), r->sqlite, loss);

	if (!template)
		return false;
	write_text(r, template, out);
	return true;
}
