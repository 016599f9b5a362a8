#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "sql/backfill.h"
#include "sql/bounds.h"
#include "sql/caret.h"
#include "sql/name.h"
#include "sql/split.h"

enum { SIZE_USUAL = 1000, SIZE_MOST = 1000000 };

#define BATCH ":batch" /* as in bounds.c */

/* --- the header -------------------------------------------------------- */

static int refuse_header(const char *what, const char *value, struct err *err)
{
	err_set(err, ERR_REFUSED, "'%s' of a batched migration cannot be '%s'", what,
		value ? value : "");
	err_hint(err, "batch",
		 "Write it like \"-- migrate: batch table=users key=id size=1000\": a "
		 "table, the columns of its primary key or of a unique index parted by "
		 "commas without blanks, and how many rows a batch has (1 to %d).",
		 SIZE_MOST);
	return -1;
}

/* Steps onto the text of a header's value. */
static void walk_value(struct walk *w, const char *value, struct pool *pool)
{
	const struct sql_statement st = { .text = value, .len = strlen(value) };

	walk_start(w, &st, pool);
}

static const char *quoted(struct pool *pool, const char *part)
{
	return part[0] == '"' ? part : pool_printf(pool, "\"%s\"", part);
}

static bool is_unreadable(const struct sql_name *name)
{
	size_t i;

	for (i = 0; i < name->nr; i++)
		if (strncasecmp(name->parts[i], "u&\"", 3) == 0)
			return true;
	return false;
}

static int read_table(struct sql_backfill *b, const char *value, struct err *err)
{
	struct sql_name name;
	struct walk w;

	walk_value(&w, value, &b->pool);
	if (!walk_name(&w, &name) || !walk_at_end(&w) || name.nr > 2 ||
	    is_unreadable(&name))
		return refuse_header("table", value, err);
	b->base = sql_name_plain(&b->pool, name.parts[name.nr - 1]);
	b->table = quoted(&b->pool, name.parts[name.nr - 1]);
	if (name.nr == 1)
		return 0;
	b->schema = sql_name_plain(&b->pool, name.parts[0]);
	b->table = pool_printf(&b->pool, "%s.%s", quoted(&b->pool, name.parts[0]),
			       b->table);
	return 0;
}

static int read_keys(struct sql_backfill *b, const char *value, struct err *err)
{
	struct sql_name name;
	struct walk w;

	walk_value(&w, value, &b->pool);
	do {
		if (b->nr_keys == SQL_KEYS_MAX || !walk_name(&w, &name) || name.nr > 1 ||
		    is_unreadable(&name))
			return refuse_header("key", value, err);
		b->keys[b->nr_keys].quoted = quoted(&b->pool, name.parts[0]);
		b->keys[b->nr_keys++].name = sql_name_plain(&b->pool, name.parts[0]);
	} while (walk_accept_char(&w, ','));
	return walk_at_end(&w) ? 0 : refuse_header("key", value, err);
}

static int read_size(struct sql_backfill *b, const char *value, struct err *err)
{
	unsigned long n = SIZE_USUAL;
	char *end = NULL;

	if (value)
		n = strtoul(value, &end, 10);
	if (value &&
	    (!ascii_isdigit((unsigned char)value[0]) || *end || n < 1 || n > SIZE_MOST))
		return refuse_header("size", value, err);
	b->size = (unsigned)n;
	return 0;
}

static int read_header(struct sql_backfill *b, const struct sql_batched *how,
		       struct err *err)
{
	if (!how->table || !how->table[0])
		return refuse_header("table", how->table, err);
	if (!how->key)
		return refuse_header("key", how->key, err);
	if (read_table(b, how->table, err) < 0 || read_keys(b, how->key, err) < 0)
		return -1;
	return read_size(b, how->size, err);
}

/* --- the statement ----------------------------------------------------- */

static int at_offset(const struct sql_backfill *b, size_t offset, struct err *err)
{
	sql_place(b->sql, b->len, offset, &err->line, &err->column);
	sql_excerpt(b->sql, b->len, offset, err);
	return -1;
}

static void hint_form(const struct sql_backfill *b, struct err *err)
{
	err_hint(err, "batch",
		 "Such a file holds one statement, which is run again and again, each "
		 "time with another range of keys in place of " BATCH
		 ": UPDATE %s SET ... WHERE " BATCH " AND ...",
		 b->table);
}

/* Notes the ":batch" that stands here; an alias and a dot may stand before it. */
static void add_place(struct sql_backfill *b, size_t *alloc, const struct walk *w,
		      const struct token *alias, const struct token *dot)
{
	struct sql_backfill_place *p, *old = b->places;
	size_t offset = (size_t)(w->s - b->sql);

	if (b->nr_places == *alloc) {
		*alloc = *alloc ? 2 * *alloc : 4;
		b->places = pool_alloc(&b->pool, *alloc * sizeof(*old));
		if (old)
			memcpy(b->places, old, b->nr_places * sizeof(*old));
	}
	p = &b->places[b->nr_places++];
	p->start = offset + w->now.start;
	p->end = offset + w->now.end;
	p->prefix = "";
	if (dot->end != w->now.start || w->s[dot->start] != '.')
		return;
	p->start = offset + alias->start;
	p->prefix = pool_strndup(&b->pool, w->s + alias->start, dot->end - alias->start);
}

static void find_places(struct sql_backfill *b, const struct sql_statement *st)
{
	struct token alias = { 0 }, dot = { 0 };
	size_t alloc = 0;
	struct walk w;

	for (walk_start(&w, st, &b->pool); !walk_at_end(&w); walk_next(&w)) {
		/* "::batch" is a cast, and another token */
		if (bounds_is_batch(&w))
			add_place(b, &alloc, &w, &alias, &dot);
		alias = dot;
		dot = w.now;
	}
}

/* Whether a name is that of the table that is gone through. */
static bool is_table(const struct sql_backfill *b, struct pool *pool,
		     const struct sql_name *name)
{
	const char *schema = name->nr > 1
				     ? sql_name_plain(pool, name->parts[name->nr - 2])
				     : NULL;

	if (strcasecmp(sql_name_plain(pool, name->parts[name->nr - 1]), b->base) != 0)
		return false;
	return !schema || !b->schema || strcasecmp(schema, b->schema) == 0;
}

/* SQLite's own names of a row's number, which can be the key. */
static bool is_rowid(const char *plain)
{
	return strcasecmp(plain, "rowid") == 0 || strcasecmp(plain, "oid") == 0 ||
	       strcasecmp(plain, "_rowid_") == 0;
}

static bool is_key(const struct sql_backfill *b, struct pool *pool,
		   const struct sql_name *name)
{
	const char *plain = sql_name_plain(pool, name->parts[name->nr - 1]);
	size_t i;

	if (b->rowids && is_rowid(plain))
		return true;

	for (i = 0; i < b->nr_keys; i++)
		if (strcasecmp(plain, b->keys[i].name) == 0)
			return true;
	return false;
}

static int refuse_key(const struct sql_backfill *b, const struct sql_name *name,
		      struct err *err)
{
	err_set(err, ERR_REFUSED, "a batched migration sets a column of its own key");
	err_detail(err, "A row that moves to another key would be met again, or not at "
			"all.");
	err_hint(err, "batch",
		 "Go through the table by another key, or fill a new column and switch "
		 "over to it.");
	return at_offset(b, (size_t)(name->at - b->sql), err);
}

/* Behind SET: what is assigned to must be no part of the key. */
static int check_set(const struct sql_backfill *b, struct walk *w, struct err *err)
{
	struct sql_name name;
	bool first = true;

	for (; !walk_at_end(w); walk_next(w)) {
		bool starts = first || (w->depth == 0 && walk_accept_char(w, ','));

		first = false;
		if (w->depth == 0 && (walk_is(w, "where") || walk_is(w, "from")))
			return 0;
		if (!starts)
			continue;
		walk_accept_char(w, '(');
		do {
			if (walk_name(w, &name) && is_key(b, w->pool, &name))
				return refuse_key(b, &name, err);
		} while (w->depth > 0 && walk_accept_char(w, ','));
	}
	return 0;
}

/* SQLite's OR IGNORE and its like. */
static void accept_or(struct walk *w)
{
	if (walk_accept(w, "or"))
		walk_next(w);
}

/* UPDATE [ONLY] table ... SET: on the table itself its key stays as it is. */
static int check_update(const struct sql_backfill *b, struct walk *w, struct err *err)
{
	struct sql_name name;

	accept_or(w);
	if (walk_accept(w, "only"))
		walk_accept_char(w, '(');
	if (!walk_name(w, &name) || !is_table(b, w->pool, &name) || !walk_find(w, "set"))
		return 0;
	return check_set(b, w, err);
}

static int check_insert(const struct sql_backfill *b, struct walk *w, struct err *err)
{
	struct sql_name name;

	accept_or(w);
	if (!walk_accept(w, "into") || !walk_name(w, &name) ||
	    !is_table(b, w->pool, &name))
		return 0;
	err_set(err, ERR_REFUSED,
		"a batched migration adds rows to the table that it goes through");
	err_detail(err, "They would be gone through as well, and there might be no end.");
	err_hint(err, "batch",
		 "Copy into another table; or do it in a migration without batches.");
	return at_offset(b, (size_t)(name.at - b->sql), err);
}

static int refuse_kind(const struct sql_backfill *b, const struct sql_statement *st,
		       struct err *err)
{
	err_set(err, ERR_REFUSED,
		"a batched migration is an UPDATE, an INSERT or a DELETE");
	hint_form(b, err);
	return at_offset(b, (size_t)(st->text - b->sql), err);
}

/* Whether in parentheses a statement begins that changes rows. */
static bool is_inner_change(const struct walk *w)
{
	struct walk at = *w;

	if (w->depth == 0 ||
	    (w->before.kind != TOKEN_OPEN && w->before.kind != TOKEN_CLOSE))
		return false;
	if (walk_accept(&at, "insert") || walk_accept(&at, "merge"))
		return walk_is(&at, "into");
	if (walk_accept(&at, "delete"))
		return walk_is(&at, "from");
	if (!walk_accept(&at, "update"))
		return false;
	/* a column can have this name */
	while (!walk_at_end(&at) && at.depth >= w->depth) {
		if (at.depth == w->depth && walk_is(&at, "set"))
			return true;
		walk_next(&at);
	}
	return false;
}

static int refuse_inner(const struct sql_backfill *b, const struct walk *w,
			struct err *err)
{
	err_set(err, ERR_REFUSED, "a batched migration changes rows in its WITH");
	err_detail(err, "What is done there could move rows to other keys, or add some, "
			"and there might be no end.");
	err_hint(err, "batch",
		 "Make that the statement itself, and the rest another migration.");
	return at_offset(b, (size_t)(w->s + w->now.start - b->sql), err);
}

static int check_inner(const struct sql_backfill *b, const struct sql_statement *st,
		       struct pool *pool, struct err *err)
{
	struct walk w;

	for (walk_start(&w, st, pool); !walk_at_end(&w); walk_next(&w))
		if (is_inner_change(&w))
			return refuse_inner(b, &w, err);
	return 0;
}

/* Whether the statement's own verb stands here, and no name of a WITH. */
static bool is_verb(const struct walk *w)
{
	struct walk behind = *w;

	if (w->depth > 0 ||
	    (!walk_is(w, "update") && !walk_is(w, "insert") && !walk_is(w, "delete")))
		return false;
	walk_next(&behind);
	return !walk_is(&behind, "as") && behind.now.kind != TOKEN_OPEN;
}

/* What the rows are called by: `alias` of the table that is changed, or of any place. */
struct rows {
	const struct sql_backfill *b;
	const struct sql_statement *st;
	const char *alias; /* NULL: the table is not changed itself */
};

/* Goes behind the name of the table and what it is called here; NULL: another one. */
static const char *take_table(const struct sql_backfill *b, struct walk *w)
{
	static const char *const others[] = { "set",	 "using",     "where", "on",
					      "join",	 "inner",     "left",  "cross",
					      "order",	 "returning", "group", "limit",
					      "indexed", "not" };
	struct sql_name name;
	struct walk alias;
	size_t i;

	if (!walk_name(w, &name) || !is_table(b, w->pool, &name))
		return NULL;
	alias = *w;
	walk_accept(&alias, "as");
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (walk_is(&alias, others[i]))
			return b->base;
	if (!walk_name(&alias, &name))
		return b->base;
	*w = alias;
	return sql_name_plain(w->pool, name.parts[name.nr - 1]);
}

/* The name of the changed table's rows, where that is the one that is gone through. */
static const char *changed_rows(const struct sql_backfill *b, struct walk w)
{
	if (walk_accept(&w, "delete"))
		walk_accept(&w, "from");
	else if (walk_accept(&w, "update"))
		accept_or(&w);
	if (walk_accept(&w, "only"))
		walk_accept_char(&w, '(');
	return take_table(b, &w);
}

static bool are_named(const void *arg, const struct walk *at)
{
	const struct rows *r = arg;
	struct sql_name name;
	struct walk w = *at;
	const char *wanted, *called;

	/* the dot parts it from :batch, and no further name stands behind that */
	name.parts[0] = pool_strndup(at->pool, at->s + at->now.start,
				     at->now.end - at->now.start);
	wanted = sql_name_plain(at->pool, name.parts[0]);
	if (r->alias)
		return strcasecmp(wanted, r->alias) == 0;
	for (walk_start(&w, r->st, at->pool); !walk_at_end(&w); walk_next(&w)) {
		struct walk ahead = w;

		called = take_table(r->b, &ahead);
		if (called && strcasecmp(wanted, called) == 0)
			return true;
	}
	return false;
}

static int refuse_unbound(const struct sql_backfill *b, const struct walk *verb,
			  struct err *err)
{
	err_set(err, ERR_REFUSED,
		"a batched migration that does not keep to the rows of its batch");
	err_detail(err,
		   "Its " BATCH " is no condition that every row must fulfil: others "
		   "would be met with each batch anew.");
	err_hint(err, "batch",
		 "Put it into the statement's own WHERE, with all else in parentheses "
		 "where there is an OR: WHERE " BATCH " AND (...).");
	return at_offset(b, (size_t)(verb->s + verb->now.start - b->sql), err);
}

static bool keeps_to_rows(const struct sql_backfill *b, const struct sql_statement *st,
			  struct walk verb)
{
	const struct rows rows = { b, st, changed_rows(b, verb) };
	const struct bounds_rows named = { are_named, &rows };

	return bounds_hold(verb, &named);
}

/* The verb, behind WITH. */
static int check_verb(const struct sql_backfill *b, const struct sql_statement *st,
		      struct err *err)
{
	struct pool pool = { 0 };
	struct walk w, verb;
	int ret = check_inner(b, st, &pool, err);

	walk_start(&w, st, &pool);
	if (walk_is(&w, "with"))
		while (!walk_at_end(&w) && !is_verb(&w))
			walk_next(&w);
	verb = w;
	if (ret < 0)
		; /* it was told what */
	else if (walk_accept(&w, "update"))
		ret = check_update(b, &w, err);
	else if (walk_accept(&w, "insert"))
		ret = check_insert(b, &w, err);
	else if (!walk_is(&w, "delete"))
		ret = refuse_kind(b, st, err);
	if (ret == 0 && b->nr_places && !keeps_to_rows(b, st, verb))
		ret = refuse_unbound(b, &verb, err);
	pool_release(&pool);
	return ret;
}

static int refuse_number(const struct sql_backfill *b, size_t offset, const char *what,
			 struct err *err)
{
	err_set(err, ERR_REFUSED, "%s", what);
	hint_form(b, err);
	return at_offset(b, offset, err);
}

/* There is exactly one statement, which does what it should. */
static int check_statements(struct sql_backfill *b, struct sql_split *split,
			    struct err *err)
{
	struct sql_statement st, more;
	int rc = sql_split_next(split, &st, err);

	if (rc == 0)
		return refuse_number(b, 0, "a batched migration without a statement",
				     err);
	if (rc < 0)
		return -1;
	find_places(b, &st);
	if (check_verb(b, &st, err) < 0)
		return -1;
	if (!b->nr_places)
		return refuse_number(b, st.offset,
				     "a batched migration without " BATCH
				     ": each batch would do all of it",
				     err);
	rc = sql_split_next(split, &more, err);
	if (rc > 0)
		return refuse_number(b, more.offset,
				     "a second statement in a batched migration", err);
	return rc;
}

int sql_backfill_read(struct sql_backfill *b, const struct sql_batched *how,
		      const char *sql, size_t len, struct err *err)
{
	struct sql_split split;
	int ret;

	b->sql = sql;
	b->len = len;
	if (read_header(b, how, err) < 0)
		return -1;
	ret = sql_split_init(&split, sql, len, err);
	if (ret == 0)
		ret = check_statements(b, &split, err);
	sql_split_close(&split);
	return ret;
}

void sql_backfill_release(struct sql_backfill *b)
{
	pool_release(&b->pool);
	memset(b, 0, sizeof(*b));
}

/* --- one batch --------------------------------------------------------- */

/* The keys as one value, which a list of literals is compared with. */
static void add_row(const struct sql_backfill *b, const char *prefix, struct buf *out)
{
	size_t i;

	if (b->nr_keys > 1)
		buf_addc(out, '(');
	for (i = 0; i < b->nr_keys; i++)
		buf_addf(out, "%s%s%s", i ? ", " : "", prefix, b->keys[i].quoted);
	if (b->nr_keys > 1)
		buf_addc(out, ')');
}

static void add_end(const struct sql_backfill *b, const char *prefix,
		    const char *operator, const char * values, struct buf *out)
{
	add_row(b, prefix, out);
	buf_addf(out, b->nr_keys > 1 ? " %s (%s)" : " %s %s", operator, values);
}

void sql_backfill_range(const struct sql_backfill *b, const char *prefix,
			const char *from, const char *to, struct buf *out)
{
	buf_addc(out, '(');
	if (from)
		add_end(b, prefix, ">", from, out);
	if (from && to)
		buf_adds(out, " AND ");
	if (to)
		add_end(b, prefix, "<=", to, out);
	if (!from && !to)
		buf_adds(out, "1 = 1");
	buf_addc(out, ')');
}

void sql_backfill_keys(const struct sql_backfill *b, const char *form,
		       const char *between, struct buf *out)
{
	const char *at;
	size_t i;

	for (i = 0; i < b->nr_keys; i++) {
		buf_adds(out, i ? between : "");
		for (at = form; *at; at++) {
			if (*at == '@')
				buf_adds(out, b->keys[i].quoted);
			else
				buf_addc(out, *at);
		}
	}
}

/* What stands in place of ":batch". */
static void add_condition(const struct sql_backfill *b, const char *prefix,
			  const char *from, const char *to, struct buf *out)
{
	if (!b->unasked) {
		sql_backfill_range(b, prefix, from, to, out);
		return;
	}
	add_row(b, prefix, out);
	buf_adds(out, " IN (SELECT ");
	sql_backfill_keys(b, "gm.@", ", ", out);
	buf_addf(out, " FROM %s AS gm WHERE ", b->table);
	sql_backfill_range(b, "gm.", from, to, out);
	buf_adds(out, " ORDER BY ");
	sql_backfill_keys(b, "gm.@", ", ", out);
	buf_addf(out, " LIMIT %u)", b->size);
}

void sql_backfill_text(const struct sql_backfill *b, const char *from, const char *to,
		       struct buf *out)
{
	size_t at = 0, i;

	for (i = 0; i < b->nr_places; i++) {
		const struct sql_backfill_place *p = &b->places[i];

		buf_add(out, b->sql + at, p->start - at);
		add_condition(b, p->prefix, from, to, out);
		at = p->end;
	}
	buf_add(out, b->sql + at, b->len - at);
}

/* Columns of what stands in place of ":batch". */
static unsigned width(const struct sql_backfill *b, const struct sql_backfill_place *p,
		      const char *from, const char *to)
{
	struct buf text = BUF_INIT;
	unsigned ret;

	add_condition(b, p->prefix, from, to, &text);
	ret = (unsigned)utf8_count(buf_str(&text), text.len);
	buf_release(&text);
	return ret;
}

void sql_backfill_place(const struct sql_backfill *b, const char *from, const char *to,
			struct err *err)
{
	unsigned line, column, wide, narrow;
	size_t i;

	for (i = 0; err->line && i < b->nr_places; i++) {
		const struct sql_backfill_place *p = &b->places[i];

		sql_place(b->sql, b->len, p->start, &line, &column);
		if (line != err->line || column >= err->column)
			continue;
		wide = width(b, p, from, to);
		narrow = (unsigned)utf8_count(b->sql + p->start, p->end - p->start);
		if (err->column >= column + wide)
			err->column -= wide - narrow;
		else
			err->column = column;
	}
}

/* --- literals ---------------------------------------------------------- */

/* Behind the text that opens at `s`; NULL when it does not end. */
static const char *skip_text(const char *s)
{
	for (s++; *s; s++) {
		if (*s != '\'')
			continue;
		if (s[1] != '\'')
			return s + 1;
		s++;
	}
	return NULL;
}

static const char *skip_digits(const char *s)
{
	while (ascii_isdigit((unsigned char)*s))
		s++;
	return s;
}

static const char *skip_number(const char *s)
{
	const char *start;

	s += *s == '-';
	start = s;
	s = skip_digits(s);
	if (s == start)
		return NULL;
	if (*s == '.')
		s = skip_digits(s + 1);
	if (*s != 'e')
		return s;
	s++;
	s += *s == '-' || *s == '+';
	start = s;
	s = skip_digits(s);
	return s == start ? NULL : s;
}

static const char *skip_literal(const char *s)
{
	size_t len;

	if (*s == '\'')
		return skip_text(s);
	if (*s != 'X' || s[1] != '\'')
		return skip_number(s);
	len = strspn(s + 2, "0123456789ABCDEF");
	return s[2 + len] == '\'' ? s + 3 + len : NULL;
}

bool sql_is_literals(const char *text, size_t nr)
{
	while (nr-- > 0) {
		text = skip_literal(text);
		if (!text)
			return false;
		if (nr > 0 && !starts_with(text, ", "))
			return false;
		text += nr > 0 ? 2 : 0;
	}
	return !*text;
}
