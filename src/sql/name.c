#include "base/compat.h"

#include "base/buf.h"
#include "base/pool.h"
#include "base/text.h"
#include "sql/name.h"
#include "sql/split.h"

/* Nothing of the statement is read any more. */
static void end(struct walk *w)
{
	w->now.kind = TOKEN_END;
	w->now.start = w->now.end = w->len;
}

/* Makes the token end behind the next `close`; false when there is none. */
static bool extend(struct walk *w, char close)
{
	const char *found = memchr(w->s + w->now.end, close, w->len - w->now.end);

	if (found)
		w->now.end = (size_t)(found - w->s) + 1;
	return found != NULL;
}

static bool is_at(const struct walk *w, char c)
{
	return w->now.kind == TOKEN_OTHER && w->s[w->now.start] == c;
}

/* U&"..." and `...`, which psql's lexer reads in pieces, as one token. */
static void mend(struct walk *w)
{
	size_t len = w->now.end - w->now.start;
	struct token quoted;

	if (is_at(w, '`')) {
		while (extend(w, '`') && w->now.end < w->len && w->s[w->now.end] == '`')
			w->now.end++; /* a doubled one is no end */
	} else if (w->now.kind == TOKEN_OTHER && len == 2 &&
		   w->s[w->now.end - 1] == '&') {
		token_next(w->s, w->len, w->now.end, &quoted);
		if (quoted.kind == TOKEN_OTHER &&
		    (w->s[quoted.start] == '"' || w->s[quoted.start] == '\''))
			w->now.end = quoted.end;
	}
}

void walk_next(struct walk *w)
{
	size_t at = w->now.end;

	if (w->now.kind == TOKEN_END)
		return;
	if (w->now.kind == TOKEN_OPEN)
		w->depth++;
	w->before = w->now;
	do {
		token_next(w->s, w->len, at, &w->now);
		at = w->now.end;
	} while (w->now.kind == TOKEN_BLANK);
	if (w->now.kind == TOKEN_UNTERMINATED)
		end(w); /* a name in `` or [] was not what the splitter saw */
	else if (w->now.kind == TOKEN_CLOSE && w->depth)
		w->depth--;
	else
		mend(w);
}

void walk_start(struct walk *w, const struct sql_statement *st, struct pool *pool)
{
	memset(w, 0, sizeof(*w));
	w->s = st->text;
	w->len = st->len;
	w->pool = pool;
	w->now.kind = TOKEN_BLANK;
	walk_next(w);
}

bool walk_at_end(const struct walk *w)
{
	return w->now.kind == TOKEN_END;
}

bool walk_is(const struct walk *w, const char *word)
{
	return token_is(w->s, &w->now, word);
}

bool walk_accept(struct walk *w, const char *word)
{
	bool is = walk_is(w, word);

	if (is)
		walk_next(w);
	return is;
}

bool walk_is_char(const struct walk *w, char c)
{
	return !walk_at_end(w) && w->now.end - w->now.start == 1 &&
	       w->s[w->now.start] == c;
}

bool walk_accept_char(struct walk *w, char c)
{
	bool is = walk_is_char(w, c);

	if (is)
		walk_next(w);
	return is;
}

void walk_over_parens(struct walk *w)
{
	size_t depth = w->depth;

	if (w->now.kind != TOKEN_OPEN)
		return;
	do
		walk_next(w);
	while (!walk_at_end(w) && w->depth > depth);
	walk_next(w);
}

bool walk_find(struct walk *w, const char *word)
{
	while (!walk_at_end(w)) {
		bool found = w->depth == 0 && walk_is(w, word);

		walk_next(w);
		if (found)
			return true;
	}
	return false;
}

/* --- names ------------------------------------------------------------- */

/* Adds what stands between two quotes, each doubled one once. */
static void add_unquoted(struct buf *out, const char *s, size_t len, char quote)
{
	size_t i;

	for (i = 0; i < len; i++) {
		buf_addc(out, s[i]);
		if (s[i] == quote && i + 1 < len && s[i + 1] == quote)
			i++;
	}
}

static const char *quoted_part(struct walk *w, char close)
{
	const char *s = w->s + w->now.start + 1, *part;
	size_t len = w->now.end - w->now.start - 2;
	struct buf plain = BUF_INIT, out = BUF_INIT;

	add_unquoted(&plain, s, len, close == ']' ? '\0' : close);
	if (plain.len && !memchr(plain.s, '.', plain.len) &&
	    !memchr(plain.s, '"', plain.len)) {
		buf_add(&out, plain.s, plain.len);
	} else {
		buf_add_quoted(&out, plain.s, plain.len, '"');
	}
	part = pool_strndup(w->pool, buf_str(&out), out.len);
	buf_release(&plain);
	buf_release(&out);
	return part;
}

static const char *folded_part(struct walk *w)
{
	size_t len = w->now.end - w->now.start, i;
	char *part = pool_strndup(w->pool, w->s + w->now.start, len);

	for (i = 0; i < len; i++)
		part[i] = (char)ascii_tolower((unsigned char)part[i]);
	return part;
}

/* The part of a name that the token is, else NULL. */
static const char *part_here(struct walk *w)
{
	size_t len = w->now.end - w->now.start;
	const char *s = w->s + w->now.start;

	if (w->now.kind == TOKEN_WORD)
		return folded_part(w);
	if (w->now.kind != TOKEN_OTHER)
		return NULL;
	if (*s == '[' && !extend(w, ']')) {
		end(w); /* and never look so far again */
		return NULL;
	}
	switch (*s) {
	case '[':
		return quoted_part(w, ']');
	case '"':
	case '`':
	case '\'': /* SQLite takes a string for a name where only a name can stand */
		return len > 1 ? quoted_part(w, *s) : NULL;
	case 'u':
	case 'U':
		return len > 3 && s[2] == '"' ? pool_strndup(w->pool, s, len) : NULL;
	default:
		return NULL;
	}
}

bool walk_name(struct walk *w, struct sql_name *out)
{
	const char *part = part_here(w);

	memset(out, 0, sizeof(*out));
	if (!part)
		return false;
	out->at = w->s + w->now.start;
	while (part) {
		if (out->nr == ARRAY_SIZE(out->parts))
			memmove(out->parts, out->parts + 1,
				sizeof(*out->parts) * --out->nr);
		out->parts[out->nr++] = part;
		walk_next(w);
		part = walk_accept_char(w, '.') ? part_here(w) : NULL;
	}
	return true;
}

static const char *fold(struct pool *pool, const char *name)
{
	char *folded = pool_strdup(pool, name), *at;

	for (at = folded; *at; at++)
		*at = (char)ascii_tolower((unsigned char)*at);
	return folded;
}

void sql_name_fold(struct sql_name *name, struct pool *pool)
{
	size_t i;

	for (i = 0; i < name->nr; i++)
		name->parts[i] = fold(pool, name->parts[i]);
}

const char *sql_name_schema(const struct sql_name *name)
{
	const char *schema = name->nr > 1 ? name->parts[name->nr - 2] : NULL;

	if (schema && (strcmp(schema, "public") == 0 || strcmp(schema, "main") == 0))
		return NULL;
	return schema;
}

bool sql_name_is_temporary(const struct sql_name *name)
{
	const char *schema = sql_name_schema(name);

	return schema && (strcmp(schema, "temp") == 0 || strcmp(schema, "pg_temp") == 0);
}

const char *sql_name_join(struct pool *pool, const char *schema, const char *base)
{
	return schema ? pool_printf(pool, "%s.%s", schema, base) : base;
}

const char *sql_name_plain(struct pool *pool, const char *part)
{
	struct buf plain = BUF_INIT;
	const char *at, *text;

	if (part[0] != '"')
		return part;
	for (at = part + 1; at[0] && at[1]; at++) {
		buf_addc(&plain, *at);
		if (at[0] == '"' && at[1] == '"')
			at++;
	}
	text = pool_strndup(pool, buf_str(&plain), plain.len);
	buf_release(&plain);
	return text;
}
