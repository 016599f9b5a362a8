#include "base/compat.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "tools/fake-table.h"

enum { VALUES_MAX = 32, CONDITIONS_MAX = 4 };

struct row {
	char *values[VALUES_MAX];
	unsigned by; /* whose transaction it is part of; 0: it was committed */
};

struct table {
	char *name;
	bool exists;
	unsigned by; /* as a row's, of its creation */
	char *columns[VALUES_MAX];
	size_t nr_columns;
	struct row *rows;
	size_t nr, alloc;
};

/* --- answers ----------------------------------------------------------------- */

void answer_release(struct answer *a)
{
	size_t i, k;

	for (i = 0; i < a->nr_rows; i++) {
		for (k = 0; k < a->nr; k++)
			free(a->rows[i][k]);
		free(a->rows[i]);
	}
	for (k = 0; k < a->nr; k++)
		free(a->columns[k]);
	free(a->rows);
	free(a->columns);
	memset(a, 0, sizeof(*a));
}

void answer_column(struct answer *a, const char *name)
{
	a->columns = xreallocarray(a->columns, a->nr + 1, sizeof(*a->columns));
	a->columns[a->nr++] = xstrdup(name);
}

void answer_row(struct answer *a, const char *const *values)
{
	char **row = xcalloc(a->nr + 1, sizeof(*row));
	size_t i;

	for (i = 0; i < a->nr; i++)
		row[i] = values[i] ? xstrdup(values[i]) : NULL;
	a->rows = xreallocarray(a->rows, a->nr_rows + 1, sizeof(*a->rows));
	a->rows[a->nr_rows++] = row;
}

/* --- words ------------------------------------------------------------------- */

enum token {
	TOKEN_END,
	TOKEN_WORD,  /* a name, its parts joined by dots, without quotes */
	TOKEN_TEXT,  /* a string */
	TOKEN_PARAM, /* the digits behind '$' */
	TOKEN_NUMBER,
	TOKEN_SIGN, /* one character */
};

struct reader {
	const char *at;
	enum token token; /* the one that was read last */
	struct buf text;  /* of it */
};

static bool is_word(char c)
{
	return ascii_isalnum((unsigned char)c) || c == '_' || c == '.' || c == '"';
}

static void read_string(struct reader *r)
{
	for (r->at++; *r->at; r->at++) {
		if (*r->at == '\'' && *++r->at != '\'')
			return;
		buf_addc(&r->text, *r->at);
	}
}

static enum token next(struct reader *r)
{
	buf_reset(&r->text);
	while (ascii_isspace((unsigned char)*r->at))
		r->at++;
	if (!*r->at)
		return r->token = TOKEN_END;
	if (*r->at == '\'') {
		read_string(r);
		return r->token = TOKEN_TEXT;
	}
	r->token = TOKEN_SIGN;
	if (*r->at == '$' && ascii_isdigit((unsigned char)r->at[1])) {
		r->at++;
		r->token = TOKEN_PARAM;
	} else if (ascii_isdigit((unsigned char)*r->at)) {
		r->token = TOKEN_NUMBER;
	} else if (is_word(*r->at)) {
		r->token = TOKEN_WORD;
	}
	do {
		if (*r->at != '"')
			buf_addc(&r->text, *r->at);
		r->at++;
	} while (r->token != TOKEN_SIGN && is_word(*r->at));
	return r->token;
}

static bool is(const struct reader *r, const char *text)
{
	return (r->token == TOKEN_WORD || r->token == TOKEN_SIGN) &&
	       strcasecmp(buf_str(&r->text), text) == 0;
}

static bool next_is(struct reader *r, const char *text)
{
	next(r);
	return is(r, text);
}

/* --- tables ------------------------------------------------------------------ */

void store_keep(struct store *s, const char *name, bool now)
{
	VEC_GROW(s->tables, s->nr, s->alloc);
	memset(&s->tables[s->nr], 0, sizeof(*s->tables));
	s->tables[s->nr].exists = now;
	s->tables[s->nr++].name = xstrdup(name);
}

static struct table *find(const struct store *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (strcasecmp(s->tables[i].name, name) == 0)
			return &s->tables[i];
	return NULL;
}

static bool sees(unsigned by, unsigned who)
{
	return by == 0 || by == who;
}

bool store_has(const struct store *s, unsigned who, const char *name)
{
	const struct table *t = find(s, name);

	return t && t->exists && sees(t->by, who);
}

static void row_release(struct row *row)
{
	size_t i;

	for (i = 0; i < VALUES_MAX; i++)
		free(row->values[i]);
}

static void empty(struct table *t)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		row_release(&t->rows[i]);
	t->nr = 0;
}

void store_release(struct store *s)
{
	size_t i, k;

	for (i = 0; i < s->nr; i++) {
		empty(&s->tables[i]);
		for (k = 0; k < s->tables[i].nr_columns; k++)
			free(s->tables[i].columns[k]);
		free(s->tables[i].rows);
		free(s->tables[i].name);
	}
	free(s->tables);
}

static void end_rows(struct table *t, unsigned who, bool commit)
{
	size_t i, kept = 0;

	for (i = 0; i < t->nr; i++) {
		if (t->rows[i].by == who && !commit) {
			row_release(&t->rows[i]);
			continue;
		}
		if (t->rows[i].by == who)
			t->rows[i].by = 0;
		t->rows[kept++] = t->rows[i];
	}
	t->nr = kept;
}

void store_end(struct store *s, unsigned who, bool commit)
{
	size_t i;

	for (i = 0; i < s->nr; i++) {
		struct table *t = &s->tables[i];

		end_rows(t, who, commit);
		if (!t->exists || t->by != who)
			continue;
		t->by = 0;
		t->exists = commit;
		if (!commit)
			empty(t);
	}
}

/* The number of a column, made if it is new; -1 when there are too many. */
static int column(struct table *t, const char *name, bool make)
{
	size_t i;

	for (i = 0; i < t->nr_columns; i++)
		if (strcasecmp(t->columns[i], name) == 0)
			return (int)i;
	if (!make || t->nr_columns == VALUES_MAX)
		return -1;
	t->columns[t->nr_columns] = xstrdup(name);
	return (int)t->nr_columns++;
}

/* --- CREATE TABLE ------------------------------------------------------------ */

static void create(struct store *s, unsigned who, struct reader *r)
{
	struct table *t;

	next(r);
	if (is(r, "IF") && next_is(r, "NOT") && next_is(r, "EXISTS"))
		next(r);
	t = find(s, buf_str(&r->text));
	if (!t || t->exists)
		return;
	t->exists = true;
	t->by = who;
}

/* --- values ------------------------------------------------------------------ */

struct params {
	const char *const *values;
	size_t nr;
};

/*
 * One expression up to the ',' or ')' behind it: the parameter or the constant in
 * it, through casts and calls. NULL for SQL's; the caller frees it.
 */
static char *read_value(struct reader *r, const struct params *params)
{
	char *value = NULL;
	size_t depth = 0, nr;
	bool found = false;

	for (; r->token != TOKEN_END; next(r)) {
		if (depth == 0 && (is(r, ",") || is(r, ")")))
			break;
		depth += is(r, "(");
		depth -= is(r, ")");
		if (found || (r->token != TOKEN_TEXT && r->token != TOKEN_NUMBER &&
			      r->token != TOKEN_PARAM))
			continue;
		found = true;
		nr = strtoul(buf_str(&r->text), NULL, 10);
		if (r->token != TOKEN_PARAM)
			value = xstrdup(buf_str(&r->text));
		else if (nr >= 1 && nr <= params->nr && params->values[nr - 1])
			value = xstrdup(params->values[nr - 1]);
	}
	return value;
}

/* --- INSERT ------------------------------------------------------------------ */

struct insert {
	struct table *table;
	unsigned who;
	bool look;
	size_t rows;
	int columns[VALUES_MAX];
	size_t nr;
};

static bool read_columns(struct reader *r, struct insert *in)
{
	if (!next_is(r, "("))
		return false;
	do {
		if (next(r) != TOKEN_WORD || in->nr == VALUES_MAX)
			return false;
		in->columns[in->nr] = column(in->table, buf_str(&r->text), true);
		if (in->columns[in->nr++] < 0)
			return false;
	} while (next_is(r, ","));
	return is(r, ")") && next_is(r, "VALUES");
}

static void read_row(struct reader *r, const struct params *params, struct insert *in)
{
	struct row row = { .by = in->who };
	struct table *t = in->table;
	size_t i;

	for (i = 0; i < in->nr && !is(r, ")"); i++) {
		next(r);
		row.values[in->columns[i]] = read_value(r, params);
	}
	if (in->look) {
		row_release(&row);
		return;
	}
	VEC_GROW(t->rows, t->nr, t->alloc);
	t->rows[t->nr++] = row;
	in->rows++;
}

/* RETURNING: the columns, and what the rows that were just written hold. */
static void returning(struct reader *r, const struct insert *in, struct answer *out)
{
	const char *values[VALUES_MAX] = { NULL };
	int columns[VALUES_MAX];
	size_t i, k;

	do {
		if (next(r) != TOKEN_WORD || out->nr == VALUES_MAX)
			return;
		columns[out->nr] = column(in->table, buf_str(&r->text), true);
		answer_column(out, buf_str(&r->text));
	} while (next_is(r, ","));
	for (i = in->table->nr - in->rows; i < in->table->nr; i++) {
		for (k = 0; k < out->nr; k++)
			values[k] = columns[k] < 0
					    ? NULL
					    : in->table->rows[i].values[columns[k]];
		answer_row(out, values);
	}
}

static bool insert(struct store *s, struct insert *in, struct reader *r,
		   const struct params *params, struct answer *out)
{
	if (!next_is(r, "INTO"))
		return false;
	next(r);
	in->table = find(s, buf_str(&r->text));
	if (!in->table || !read_columns(r, in))
		return false;
	do {
		if (!next_is(r, "("))
			return false;
		read_row(r, params, in);
	} while (next_is(r, ","));
	if (is(r, "RETURNING"))
		returning(r, in, out);
	snprintf(out->tag, sizeof(out->tag), "INSERT 0 %zu", in->rows);
	return true;
}

/* --- SELECT ------------------------------------------------------------------ */

enum fold { FOLD_NONE, FOLD_COUNT, FOLD_MAX, FOLD_MIN };

struct item {
	enum fold fold;
	char name[64];
};

/* "column sign value" */
struct condition {
	int column;
	char sign; /* '=', '<' or '>' */
	char *value;
};

struct select {
	struct item items[VALUES_MAX];
	size_t nr;
	const struct table *table;
	struct condition where[CONDITIONS_MAX]; /* all of them */
	size_t nr_where;
	bool descending, one;
};

static const char *unqualified(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

/* The list up to FROM. */
static bool read_items(struct reader *r, struct select *q)
{
	struct item *item;

	do {
		if (next(r) != TOKEN_WORD || q->nr == VALUES_MAX)
			return false;
		item = &q->items[q->nr++];
		snprintf(item->name, sizeof(item->name), "%s",
			 unqualified(buf_str(&r->text)));
		next(r);
		if (is(r, "(")) {
			item->fold = strcasecmp(item->name, "count") == 0 ? FOLD_COUNT
				     : strcasecmp(item->name, "max") == 0 ? FOLD_MAX
				     : strcasecmp(item->name, "min") == 0 ? FOLD_MIN
									  : FOLD_NONE;
			if (item->fold == FOLD_NONE)
				return false;
			next(r);
			snprintf(item->name, sizeof(item->name), "%s",
				 unqualified(buf_str(&r->text)));
			if (!next_is(r, ")"))
				return false;
			next(r);
		}
		if (is(r, "AS")) {
			next(r);
			next(r);
		}
	} while (is(r, ","));
	return is(r, "FROM");
}

static int compare(const char *a, const char *b)
{
	if (ascii_isdigit((unsigned char)*a) && ascii_isdigit((unsigned char)*b) &&
	    strlen(a) != strlen(b))
		return strlen(a) < strlen(b) ? -1 : 1;
	return strcmp(a, b);
}

/* (SELECT max(column) FROM the same table): its value, to be freed. */
static char *read_greatest(struct reader *r, const struct select *q, unsigned who)
{
	const char *greatest = NULL, *value;
	int at = -1;
	size_t i;

	while (next(r) != TOKEN_END && !is(r, "FROM"))
		if (r->token == TOKEN_WORD && at < 0)
			at = column((struct table *)q->table,
				    unqualified(buf_str(&r->text)), false);
	while (next(r) != TOKEN_END && !is(r, ")"))
		;
	for (i = 0; at >= 0 && i < q->table->nr; i++) {
		value = q->table->rows[i].values[at];
		if (value && sees(q->table->rows[i].by, who) &&
		    (!greatest || compare(value, greatest) > 0))
			greatest = value;
	}
	return greatest ? xstrdup(greatest) : NULL;
}

static void read_condition(struct reader *r, const struct params *params, unsigned who,
			   struct select *q)
{
	struct condition *c = &q->where[q->nr_where];

	next(r);
	c->column = column((struct table *)q->table, unqualified(buf_str(&r->text)),
			   false);
	next(r);
	c->sign = buf_str(&r->text)[0];
	next(r);
	if (is(r, "(")) {
		c->value = read_greatest(r, q, who);
	} else if (is(r, "CAST")) {
		next(r);
		next(r);
		c->value = read_value(r, params); /* up to its ')' */
	} else if (r->token == TOKEN_PARAM) {
		size_t nr = strtoul(buf_str(&r->text), NULL, 10);

		if (nr >= 1 && nr <= params->nr && params->values[nr - 1])
			c->value = xstrdup(params->values[nr - 1]);
	} else {
		c->value = xstrdup(buf_str(&r->text));
	}
	q->nr_where++;
}

/* What follows the table's name. */
static bool read_rest(struct reader *r, const struct params *params, unsigned who,
		      struct select *q)
{
	while (next(r) != TOKEN_END) {
		if (is(r, "JOIN"))
			return false;
		q->descending |= is(r, "DESC");
		if (is(r, "LIMIT"))
			q->one = true;
		if (!is(r, "WHERE") && !(is(r, "AND") && q->nr_where))
			continue;
		if (q->nr_where == CONDITIONS_MAX)
			return false;
		read_condition(r, params, who, q);
	}
	return true;
}

static bool passes(const struct select *q, const struct row *row, unsigned who)
{
	const struct condition *c;
	const char *value;
	size_t i;
	int order;

	if (!sees(row->by, who))
		return false;
	for (i = 0; i < q->nr_where; i++) {
		c = &q->where[i];
		value = c->column < 0 ? NULL : row->values[c->column];
		if (!value || !c->value)
			return false;
		order = compare(value, c->value);
		if (c->sign == '='   ? order != 0
		    : c->sign == '<' ? order >= 0
				     : order <= 0)
			return false;
	}
	return true;
}

static const char *value_of(const struct select *q, const struct row *row,
			    const struct item *item)
{
	int at = column((struct table *)q->table, item->name, false);

	return at < 0 ? NULL : row->values[at];
}

/* One row of counts, or of the greatest or least values. */
static void tell_folds(const struct select *q, unsigned who, struct answer *out)
{
	const char *values[VALUES_MAX] = { NULL }, *value;
	char count[24];
	size_t seen = 0, i, k;

	for (i = 0; i < q->table->nr; i++) {
		if (!passes(q, &q->table->rows[i], who))
			continue;
		seen++;
		for (k = 0; k < q->nr; k++) {
			value = value_of(q, &q->table->rows[i], &q->items[k]);
			if (value &&
			    (!values[k] || (compare(value, values[k]) > 0) ==
						   (q->items[k].fold == FOLD_MAX)))
				values[k] = value;
		}
	}
	snprintf(count, sizeof(count), "%zu", seen);
	for (k = 0; k < q->nr; k++)
		if (q->items[k].fold == FOLD_COUNT)
			values[k] = count;
	answer_row(out, values);
}

/* Rows are kept in the order in which they were inserted. */
static void tell_rows(const struct select *q, unsigned who, struct answer *out)
{
	const char *values[VALUES_MAX];
	size_t i, k;

	for (i = 0; i < q->table->nr && !(q->one && out->nr_rows); i++) {
		size_t at = q->descending ? q->table->nr - 1 - i : i;

		if (!passes(q, &q->table->rows[at], who))
			continue;
		for (k = 0; k < q->nr; k++)
			values[k] = value_of(q, &q->table->rows[at], &q->items[k]);
		answer_row(out, values);
	}
}

static void no_table(struct answer *out)
{
	out->state = "42P01";
	out->message = "relation does not exist";
}

static bool choose(struct store *s, unsigned who, struct reader *r,
		   const struct params *params, struct answer *out)
{
	struct select q = { 0 };
	bool known = false;
	size_t k;

	if (!read_items(r, &q))
		return false;
	next(r);
	q.table = find(s, buf_str(&r->text));
	if (q.table && !store_has(s, who, q.table->name)) {
		no_table(out);
		known = true;
	} else if (q.table && read_rest(r, params, who, &q)) {
		known = true;
		for (k = 0; k < q.nr; k++)
			answer_column(out, q.items[k].name);
		if (q.items[0].fold != FOLD_NONE)
			tell_folds(&q, who, out);
		else
			tell_rows(&q, who, out);
		snprintf(out->tag, sizeof(out->tag), "SELECT %zu", out->nr_rows);
	}
	for (k = 0; k < q.nr_where; k++)
		free(q.where[k].value);
	return known;
}

/* One row "1", or the error by which a client has asked for it. */
static void tell_one(struct answer *out, bool some)
{
	static const char *const one[] = { "1" };

	answer_release(out);
	answer_column(out, "?column?");
	snprintf(out->tag, sizeof(out->tag), "SELECT 1");
	if (some) {
		answer_row(out, one);
		return;
	}
	out->state = "22012";
	out->message = "division by zero";
}

/* Behind "SELECT 1": whether it goes on with "/ count(*) FROM". */
static bool is_demand(struct reader *r)
{
	return next_is(r, "/") && next_is(r, "count") && next_is(r, "(") &&
	       next_is(r, "*") && next_is(r, ")") && next_is(r, "FROM");
}

/* (SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM table)), from behind the first "1". */
static bool none_in(const struct store *s, unsigned who, struct reader *r)
{
	const struct table *t;
	size_t i;

	while (next(r) != TOKEN_END && !is(r, "FROM"))
		;
	next(r);
	t = find(s, buf_str(&r->text));
	for (i = 0; t && i < t->nr; i++)
		if (sees(t->rows[i].by, who))
			return false;
	return true;
}

/* From behind that FROM. */
static bool demand(struct store *s, unsigned who, struct reader *r,
		   const struct params *params, bool look, struct answer *out)
{
	struct reader whole = { .at = r->at }, ahead = { .at = r->at };
	const char *from = r->at;
	bool some = true;

	next(r);
	if (is(r, "(") && next_is(r, "SELECT")) {
		whole.at = ahead.at = r->at;
		if (next(&ahead) == TOKEN_NUMBER)
			some = none_in(s, who, &ahead);
		else if (choose(s, who, &whole, params, out))
			some = out->nr_rows > 0;
	} else if (find(s, buf_str(&r->text))) {
		struct buf sql = BUF_INIT;
		struct reader inner = { 0 };

		buf_addf(&sql, "count(*) FROM %s", from);
		inner.at = sql.s;
		if (choose(s, who, &inner, params, out) && out->nr_rows)
			some = strcmp(out->rows[0][0], "0") != 0;
		buf_release(&inner.text);
		buf_release(&sql);
	}
	buf_release(&whole.text);
	buf_release(&ahead.text);
	if (!out->state)
		tell_one(out, some || look);
	return true;
}

/* WITH name AS (INSERT ...): it is done, and whoever asks is told so. */
static bool insert_with(struct store *s, struct insert *in, struct reader *r,
			const struct params *params, struct answer *out)
{
	next(r);
	if (!next_is(r, "AS") || !next_is(r, "(") || !next_is(r, "INSERT") ||
	    !insert(s, in, r, params, out))
		return false;
	tell_one(out, true);
	return true;
}

bool store_run(struct store *s, unsigned who, const char *sql, const char *const *params,
	       size_t nr_params, bool look, struct answer *out)
{
	struct params p = { params, nr_params };
	struct reader r = { .at = sql };
	struct insert in = { .who = who, .look = look };
	bool known = false;

	next(&r);
	if (is(&r, "CREATE") && next_is(&r, "TABLE")) {
		if (!look)
			create(s, who, &r);
	} else if (is(&r, "INSERT")) {
		known = insert(s, &in, &r, &p, out);
	} else if (is(&r, "WITH")) {
		known = insert_with(s, &in, &r, &p, out);
	} else if (is(&r, "SELECT")) {
		struct reader ahead = { .at = r.at };

		if (next(&ahead) == TOKEN_NUMBER && is_demand(&ahead))
			known = demand(s, who, &ahead, &p, look, out);
		else
			known = choose(s, who, &r, &p, out);
		buf_release(&ahead.text);
	}
	buf_release(&r.text);
	return known;
}
