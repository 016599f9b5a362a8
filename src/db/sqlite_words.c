#include "base/compat.h"

#include <sqlite3.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"
#include "db/sqlite_words.h"

/* --- reading ----------------------------------------------------------- */

static bool begins_name(char c)
{
	return ascii_isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool goes_on(char c)
{
	return begins_name(c) || c == '$';
}

static size_t name_len(const char *s)
{
	size_t len = 0;

	while (s[len] && goes_on(s[len]))
		len++;
	return len;
}

/* Blanks and one comment; 0 when there is neither. */
static size_t blank_len(const char *s)
{
	const char *end;

	if (ascii_isspace((unsigned char)*s))
		return 1;
	if (s[0] == '-' && s[1] == '-')
		return strcspn(s, "\n");
	if (s[0] != '/' || s[1] != '*')
		return 0;
	end = strstr(s + 2, "*/");
	return end ? (size_t)(end + 2 - s) : strlen(s);
}

/* With its quotes; one that stands twice is one of the text. */
static size_t quoted_len(const char *s)
{
	char close = *s == '[' ? ']' : *s;
	size_t len = 1;

	while (s[len]) {
		if (s[len++] != close)
			continue;
		if (close == ']' || s[len] != close)
			break;
		len++;
	}
	return len;
}

static size_t sign_len(const char *s)
{
	static const char *const longer[] = { "->>", "->", "||", "<=", ">=",
					      "<>",  "==", "!=", "<<", ">>" };
	size_t i;

	if (!strchr("-|<>=!", *s))
		return 1;
	for (i = 0; i < ARRAY_SIZE(longer); i++)
		if (starts_with(s, longer[i]))
			return strlen(longer[i]);
	return 1;
}

static size_t number_len(const char *s)
{
	size_t len = 1;

	while (ascii_isalnum((unsigned char)s[len]) || s[len] == '.' || s[len] == '_' ||
	       ((s[len] == '-' || s[len] == '+') && ascii_tolower(s[len - 1]) == 'e' &&
		ascii_tolower(s[1]) != 'x'))
		len++;
	return len;
}

static bool is_keyword(const char *s, size_t len)
{
	return sqlite3_keyword_check(s, (int)len) != 0;
}

/* Whether it would be the same without quotes. */
static bool is_name(const char *s, size_t len)
{
	return len && !ascii_isdigit((unsigned char)s[0]) && name_len(s) == len &&
	       !is_keyword(s, len);
}

static void add_word(struct sqlite_words *w, const char *s, size_t len, bool keyword,
		     bool name)
{
	struct sqlite_word word = { .keyword = keyword, .name = name };
	char *text = pool_strndup(&w->pool, s, len);
	size_t i;

	for (i = 0; keyword && i < len; i++)
		if (ascii_islower(text[i]))
			text[i] = (char)(text[i] - 'a' + 'A');
	word.text = text;
	VEC_GROW(w->items, w->nr, w->alloc);
	w->items[w->nr++] = word;
}

/* A name in quotes: without them where it can be. */
static void add_quoted(struct sqlite_words *w, const char *s, size_t len)
{
	char close = *s == '[' ? ']' : *s;
	struct buf plain = BUF_INIT, quoted = BUF_INIT;
	size_t i;

	for (i = 1; i + 1 < len; i++) {
		buf_addc(&plain, s[i]);
		if (close != ']' && s[i] == close)
			i++;
	}
	if (is_name(buf_str(&plain), plain.len)) {
		add_word(w, plain.s, plain.len, false, true);
	} else {
		buf_add_quoted(&quoted, plain.s, plain.len, '"');
		add_word(w, quoted.s, quoted.len, false, true);
	}
	buf_release(&plain);
	buf_release(&quoted);
}

static size_t add_name(struct sqlite_words *w, const char *s)
{
	size_t len = name_len(s);
	bool keyword;

	if (len == 1 && (*s == 'x' || *s == 'X') && s[1] == '\'') {
		len += quoted_len(s + 1);
		add_word(w, s, len, false, false);
		return len;
	}
	keyword = is_keyword(s, len);
	add_word(w, s, len, keyword, !keyword);
	return len;
}

static size_t read_word(struct sqlite_words *w, const char *s)
{
	size_t len;

	if (*s == '"' || *s == '[' || *s == '`') {
		len = quoted_len(s);
		add_quoted(w, s, len);
		return len;
	}
	if (begins_name(*s) && !ascii_isdigit((unsigned char)*s))
		return add_name(w, s);
	if (*s == '\'')
		len = quoted_len(s);
	else if (ascii_isdigit((unsigned char)*s) ||
		 (*s == '.' && ascii_isdigit((unsigned char)s[1])))
		len = number_len(s);
	else
		len = sign_len(s);
	add_word(w, s, len, false, false);
	return len;
}

void sqlite_words_read(struct sqlite_words *w, const char *sql)
{
	size_t blank;

	w->nr = 0;
	while (*sql) {
		blank = blank_len(sql);
		sql += blank ? blank : read_word(w, sql);
	}
}

void sqlite_words_release(struct sqlite_words *w)
{
	pool_release(&w->pool);
	free(w->items);
	memset(w, 0, sizeof(*w));
}

bool sqlite_words_is(const struct sqlite_words *w, size_t at, const char *text)
{
	return at < w->nr && !w->items[at].name && strcmp(w->items[at].text, text) == 0;
}

size_t sqlite_words_group(const struct sqlite_words *w, size_t at, size_t end)
{
	size_t depth = 0;

	for (; at < end; at++) {
		depth += sqlite_words_is(w, at, "(");
		if (sqlite_words_is(w, at, ")") && --depth == 0)
			return at + 1;
	}
	return end;
}

/* --- writing ----------------------------------------------------------- */

/* Whether a line begins with it: a part of a query, or a statement of a trigger. */
static bool begins_line(const struct sqlite_words *w, size_t at)
{
	static const char *const parts[] = { "SELECT", "FROM",	"WHERE",  "GROUP",
					     "HAVING", "ORDER", "UNION",  "EXCEPT",
					     "LIMIT",  "BEGIN", "VALUES", "INTERSECT" };
	size_t i;

	if (sqlite_words_is(w, at - 1, ";") || sqlite_words_is(w, at - 1, "BEGIN"))
		return true;
	if (sqlite_words_is(w, at - 1, "DELETE"))
		return false;
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (sqlite_words_is(w, at, parts[i]))
			return true;
	return false;
}

static bool has_gap(const struct sqlite_words *w, size_t at)
{
	static const char *const tight[] = { ",", ")", ";", "." };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tight); i++)
		if (sqlite_words_is(w, at, tight[i]))
			return false;
	if (sqlite_words_is(w, at - 1, "(") || sqlite_words_is(w, at - 1, "."))
		return false;
	return !(sqlite_words_is(w, at, "(") && w->items[at - 1].name);
}

void sqlite_words_write(const struct sqlite_words *w, size_t from, size_t to, bool lines,
			struct buf *out)
{
	size_t i, depth = 0;

	for (i = from; i < to; i++) {
		if (i > from && lines && depth == 0 && begins_line(w, i))
			buf_addc(out, '\n');
		else if (i > from && has_gap(w, i))
			buf_addc(out, ' ');
		buf_adds(out, w->items[i].text);
		depth += sqlite_words_is(w, i, "(");
		if (depth && sqlite_words_is(w, i, ")"))
			depth--;
	}
}

void sqlite_words_normal(struct sqlite_words *w, const char *sql, struct buf *out)
{
	sqlite_words_read(w, sql);
	sqlite_words_write(w, 0, w->nr, false, out);
}

void sqlite_words_name(const char *name, struct buf *out)
{
	if (is_name(name, strlen(name))) {
		buf_adds(out, name);
		return;
	}
	buf_add_quoted(out, name, strlen(name), '"');
}
