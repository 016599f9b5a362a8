#include "base/compat.h"

#include "sql/table_text.h"

#include "base/buf.h"
#include "sql/column_text.h"
#include "sql/internal.h"
#include "sql/remedy.h"

/* How it is defined in the new table. */
static const struct sql_column *defined_as(const struct sql_column *c,
					   const struct table_change *change)
{
	return change->as_before && strcmp(change->as_before->key, c->key) == 0
		       ? change->as_before
		       : c;
}

static void add_column(const struct sql_column *c, const struct table_change *change,
		       struct buf *out)
{
	const struct sql_column *as = defined_as(c, change);

	buf_adds(out, c->name);
	if (c->type[0]) /* that of now: another one could change values */
		buf_addf(out, " %s", c->type);
	if (!as->rest[0])
		return;
	buf_addc(out, ' ');
	if (change->optional && strcmp(change->optional, c->key) == 0)
		column_text_optional(as->rest, out);
	else
		buf_adds(out, as->rest);
}

static void add_table(const struct sql_table *t, const char *suffix,
		      const struct table_change *change, struct buf *out)
{
	const char *separator = "";
	size_t i;

	buf_adds(out, "CREATE TABLE ");
	table_name(t->name, suffix, out);
	buf_adds(out, " (");
	for (i = 0; i < t->nr; i++, separator = ",") {
		buf_addf(out, "%s\n\t", separator);
		add_column(&t->columns[i], change, out);
	}
	for (i = 0; i < t->nr_constraints; i++) {
		if (change->without && strcmp(change->without, t->constraints[i]) == 0)
			continue;
		buf_addf(out, "%s\n\t%s", separator, t->constraints[i]);
		separator = ",";
	}
	buf_addf(out, "\n)%s%s;\n", t->options[0] ? " " : "", t->options);
}

static void add_extras(const struct sql_table *t, struct buf *out)
{
	size_t i;

	for (i = 0; i < t->nr_extras; i++) {
		if (t->extras[i].trigger)
			buf_addf(out,
				 REMEDY_PLACEHOLDER " CREATE TRIGGER %s and what "
						    "follows: it went with the table>;\n",
				 t->extras[i].text);
		else
			buf_addf(out, "%s;\n", t->extras[i].text);
	}
}

static void add_warning(const struct sql_table *t, struct buf *out)
{
	if (t->outdated)
		buf_adds(out, REMEDY_PLACEHOLDER " the new names in constraints and "
						 "indexes below, and delete this "
						 "line>;\n");
	if (t->altered)
		buf_adds(out,
			 REMEDY_PLACEHOLDER " what ALTER TABLE changed of constraints "
					    "and defaults below, and delete this "
					    "line>;\n");
}

/* What is computed cannot be copied: AS ( stands somewhere behind the type. */
static bool is_computed(const struct sql_column *c)
{
	size_t len = strlen(c->rest), at = 0, depth = 0;
	bool as = false;
	struct token t;

	while (at < len) {
		token_next(c->rest, len, at, &t);
		if (as && t.kind == TOKEN_OPEN)
			return true;
		depth += t.kind == TOKEN_OPEN;
		depth -= t.kind == TOKEN_CLOSE && depth;
		if (t.kind != TOKEN_BLANK)
			as = !depth && token_is(c->rest, &t, "as");
		at = t.end;
	}
	return false;
}

/*
 * Whether other tables may keep rowids of it, as those of full text search do: what has
 * no name of its own is copied by name.
 */
static bool has_rowid(const struct sql_table *t)
{
	size_t i;

	if (column_text_has(t->options, "without") || sql_table_column(t, "rowid"))
		return false;
	for (i = 0; i < t->nr; i++)
		if (strcasecmp(t->columns[i].type, "integer") == 0 &&
		    column_text_has(t->columns[i].rest, "primary") &&
		    !column_text_has(t->columns[i].rest, "desc"))
			return false;
	return true;
}

static void add_columns(const struct sql_table *t, struct buf *out)
{
	const char *separator = "";
	size_t i;

	if (has_rowid(t)) {
		buf_adds(out, "rowid");
		separator = ", ";
	}
	for (i = 0; i < t->nr; i++) {
		if (is_computed(&t->columns[i]))
			continue;
		buf_addf(out, "%s%s", separator, t->columns[i].name);
		separator = ", ";
	}
}

/* PRIMARY KEY (id AUTOINCREMENT), and no column of that name. */
static bool counts_keys(const char *constraint)
{
	size_t len = strlen(constraint), at = 0;
	bool behind_name = false;
	struct token t;

	if (!column_text_has(constraint, "primary"))
		return false;
	while (at < len) {
		token_next(constraint, len, at, &t);
		if (behind_name && token_is(constraint, &t, "autoincrement"))
			return true;
		if (t.kind != TOKEN_BLANK)
			behind_name = t.kind != TOKEN_OPEN && constraint[t.start] != ',';
		at = t.end;
	}
	return false;
}

static bool has_counter(const struct sql_table *t, const struct table_change *change)
{
	size_t i;

	for (i = 0; i < t->nr_constraints; i++)
		if (counts_keys(t->constraints[i]))
			return true;
	for (i = 0; i < t->nr; i++)
		if (column_text_has(defined_as(&t->columns[i], change)->rest,
				    "autoincrement"))
			return true;
	return false;
}

/* A name, with a suffix, as a text of SQL. */
static void add_name_text(const char *name, const char *suffix, struct buf *out)
{
	struct buf plain = BUF_INIT;
	char open = name[0], end = open == '[' ? ']' : open;

	if (open == '"' || open == '`' || open == '[' || open == '\'')
		for (name++; name[0] && name[1]; name++) {
			buf_addc(&plain, *name);
			name += name[0] == end && name[1] == end;
		}
	else
		buf_adds(&plain, name);
	buf_adds(&plain, suffix);
	buf_add_quoted(out, plain.s, plain.len, '\'');
	buf_release(&plain);
}

/* DROP TABLE forgets the counter, and the copied rows tell of the greatest key alone. */
static void add_counter(const struct sql_table *t, struct buf *out)
{
	buf_adds(out, "DELETE FROM sqlite_sequence WHERE name = ");
	add_name_text(t->base, "_new", out);
	buf_adds(out, ";\nINSERT INTO sqlite_sequence (name, seq)\nSELECT ");
	add_name_text(t->base, "_new", out);
	buf_adds(out, ", seq FROM sqlite_sequence WHERE lower(name) = lower(");
	add_name_text(t->base, "", out);
	buf_adds(out, ");\n");
}

/* The columns of a table, as a query for what another one lacks. */
static void add_columns_query(const struct sql_table *t, const char *suffix,
			      struct buf *out)
{
	buf_adds(out,
		 "SELECT lower(name), hidden, lower(replace(replace(replace(replace(\n"
		 "\ttype, ' ', ''), char(9), ''), char(10), ''), char(13), ''))\n"
		 "FROM pragma_table_xinfo(");
	add_name_text(t->base, suffix, out);
	buf_addc(out, ')');
}

/*
 * The table may have columns that the migrations do not tell of, by hand or by one that
 * was not read: DROP TABLE must not come to those.
 */
static void add_guard(const struct sql_table *t, struct buf *out)
{
	buf_adds(out, "-- Ends here, with nothing changed, where the table has a column "
		      "that is not above.\nCREATE TEMP TABLE ");
	table_name(t->base, "_lacks", out);
	buf_adds(out, " (\n\tname, hidden, type,\n\tCONSTRAINT \"the new table has every "
		      "column of the old one, with its type\" CHECK (false)\n);\n"
		      "INSERT INTO ");
	table_name(t->base, "_lacks", out);
	buf_addc(out, '\n');
	add_columns_query(t, "", out);
	buf_adds(out, "\nEXCEPT\n");
	add_columns_query(t, "_new", out);
	buf_adds(out, ";\nDROP TABLE ");
	table_name(t->base, "_lacks", out);
	buf_adds(out, ";\n");
}

/* The check that views and triggers fit would find them without their table. */
static void add_swap(const struct sql_table *t, struct buf *out)
{
	buf_addf(out, "DROP TABLE %s;\n", t->name);
	buf_adds(out, "-- Views, and triggers of other tables, stay as they are.\n"
		      "PRAGMA legacy_alter_table = ON;\nALTER TABLE ");
	table_name(t->name, "_new", out);
	buf_addf(out, " RENAME TO %s;\nPRAGMA legacy_alter_table = OFF;\n", t->base);
}

void table_name(const char *name, const char *suffix, struct buf *out)
{
	size_t len = strlen(name);
	char last = len ? name[len - 1] : 'a';

	if (last == '"' || last == '`' || last == ']' || last == '\'') {
		buf_add(out, name, len - 1);
		buf_addf(out, "%s%c", suffix, last);
	} else {
		buf_addf(out, "%s%s", name, suffix);
	}
}

void table_text(const struct sql_table *t, struct buf *out)
{
	const struct table_change none = { 0 };

	add_warning(t, out);
	add_table(t, "", &none, out);
	add_extras(t, out);
}

void table_rebuild(const struct sql_table *t, const struct table_change *change,
		   struct buf *out)
{
	add_warning(t, out);
	add_table(t, "_new", change, out);
	add_guard(t, out);
	buf_adds(out, "INSERT INTO ");
	table_name(t->name, "_new", out);
	buf_adds(out, " (");
	add_columns(t, out);
	buf_adds(out, ")\nSELECT ");
	add_columns(t, out);
	buf_addf(out, " FROM %s;\n", t->name);
	if (has_counter(t, change))
		add_counter(t, out);
	add_swap(t, out);
	add_extras(t, out);
}
