/* The shapes of tokens. No state is kept here, so that others can ask as well. */
#include "base/compat.h"

#include "base/text.h"
#include "sql/internal.h"

static const size_t NEVER = SIZE_MAX;

enum byte_class {
	CLASS_SPACE = 1 << 0, /* flex's {space} of psqlscan.l */
	CLASS_DIGIT = 1 << 1,
	CLASS_WORD_START = 1 << 2,
	CLASS_DOLLAR = 1 << 3,
	CLASS_WORD = CLASS_WORD_START | CLASS_DIGIT,
	CLASS_NAME = CLASS_WORD | CLASS_DOLLAR, /* behind its first byte */
};

static const unsigned char classes[256] = {
	['\t'] = CLASS_SPACE,
	['\n'] = CLASS_SPACE,
	['\f'] = CLASS_SPACE,
	['\r'] = CLASS_SPACE,
	[' '] = CLASS_SPACE,
	['$'] = CLASS_DOLLAR,
	['0' ... '9'] = CLASS_DIGIT,
	['A' ... 'Z'] = CLASS_WORD_START,
	['_'] = CLASS_WORD_START,
	['a' ... 'z'] = CLASS_WORD_START,
	[0x80 ... 0xff] = CLASS_WORD_START,
};

static bool is_in(char c, unsigned set)
{
	return classes[(unsigned char)c] & set;
}

/* Behind the bytes of a set that begin at `at`. */
static size_t run_end(const char *s, size_t len, size_t at, unsigned set)
{
	while (at < len && is_in(s[at], set))
		at++;
	return at;
}

bool sql_is_newline(char c)
{
	return c == '\n' || c == '\r';
}

bool sql_is_word(char c)
{
	return is_in(c, CLASS_WORD);
}

bool sql_at_pair(const char *s, size_t len, size_t at, const char pair[3])
{
	return at + 1 < len && s[at] == pair[0] && s[at + 1] == pair[1];
}

size_t sql_line_end(const char *s, size_t len, size_t at)
{
	while (at < len && !sql_is_newline(s[at]))
		at++;
	return at;
}

static size_t block_comment_end(const char *s, size_t len, size_t at)
{
	size_t depth = 0;

	while (at < len) {
		if (sql_at_pair(s, len, at, "/*")) {
			depth++;
			at += 2;
		} else if (sql_at_pair(s, len, at, "*/")) {
			at += 2;
			if (--depth == 0)
				return at;
		} else {
			at++;
		}
	}
	return NEVER;
}

/*
 * A string may go on in a further pair of quotes when a newline stands between.
 * Returns the place behind the opening quote of the continuation, else `at`, and
 * notes when the text is at its end before that can be told.
 */
static size_t continuation(const char *s, size_t len, size_t at, bool *cut)
{
	size_t i = at;
	bool newline = false;

	while (i < len) {
		if (is_in(s[i], CLASS_SPACE)) {
			newline |= sql_is_newline(s[i]);
			i++;
		} else if (s[i] == '-' && i + 1 == len) {
			break;
		} else if (sql_at_pair(s, len, i, "--")) {
			i = sql_line_end(s, len, i);
		} else {
			return newline && s[i] == '\'' ? i + 1 : at;
		}
	}
	*cut = true;
	return at;
}

/* `at` is behind the opening quote; returns the place behind the closing one. */
static size_t plain_quote_end(const char *s, size_t len, size_t at, char quote)
{
	const char *found;

	while (at < len) {
		found = memchr(s + at, quote, len - at);
		if (!found)
			break;
		at = (size_t)(found - s) + 1;
		if (at == len || s[at] != quote)
			return at;
		at++;
	}
	return NEVER;
}

/* The same of an E'' string, the only kind where it matters that it may go on. */
static size_t escape_quote_end(const char *s, size_t len, size_t at, bool *cut)
{
	size_t next;

	while (at < len) {
		if (s[at] == '\\') {
			at += 2;
		} else if (s[at] != '\'') {
			at++;
		} else if (at + 1 < len && s[at + 1] == '\'') {
			at += 2;
		} else {
			next = continuation(s, len, at + 1, cut);
			if (next == at + 1)
				return next;
			at = next;
		}
	}
	return NEVER;
}

/* Length of "$tag$" at `at`, 0 when there is none. */
static size_t dollar_tag(const char *s, size_t len, size_t at, bool *cut)
{
	size_t i = at + 1;

	if (i < len && is_in(s[i], CLASS_WORD_START))
		i = run_end(s, len, i, CLASS_WORD);
	*cut |= i == len;
	return i < len && s[i] == '$' ? i + 1 - at : 0;
}

static size_t dollar_end(const char *s, size_t len, size_t at, size_t tag)
{
	const char *body = s + at + tag, *found;

	found = memmem(body, len - at - tag, s + at, tag);
	return found ? (size_t)(found - s) + tag : NEVER;
}

/* Letters that follow a number at once belong to it: an error, but one token. */
static size_t junk_end(const char *s, size_t len, size_t at)
{
	return at < len && is_in(s[at], CLASS_WORD_START)
		       ? run_end(s, len, at, CLASS_NAME)
		       : at;
}

static size_t number_end(const char *s, size_t len, size_t at)
{
	size_t end = run_end(s, len, at, CLASS_DIGIT), exponent;

	if (end < len && s[end] == '.' && !sql_at_pair(s, len, end, ".."))
		end = run_end(s, len, end + 1, CLASS_DIGIT);
	if (end + 1 < len && (s[end] == 'e' || s[end] == 'E') &&
	    (s[end + 1] == '+' || s[end + 1] == '-')) {
		exponent = end + 2;
		end = run_end(s, len, exponent, CLASS_DIGIT);
		if (end == exponent)
			return end; /* the sign belongs to it all the same */
	}
	return junk_end(s, len, end);
}

static void finish(struct token *t, enum token_kind kind, size_t end, const char *what)
{
	t->kind = end == NEVER ? TOKEN_UNTERMINATED : kind;
	t->end = end;
	t->what = what;
}

static void token_dollar(const char *s, size_t len, struct token *t)
{
	size_t tag = dollar_tag(s, len, t->start, &t->cut), end = t->start + 1;

	if (tag) {
		finish(t, TOKEN_OTHER, dollar_end(s, len, t->start, tag),
		       "dollar-quoted string");
		return;
	}
	/* a parameter, or a lone '$' */
	if (end < len && is_in(s[end], CLASS_DIGIT))
		end = junk_end(s, len, run_end(s, len, end, CLASS_DIGIT));
	finish(t, TOKEN_OTHER, end, NULL);
}

/* A string with a letter before its quote; `at` is behind the quote. */
static void token_string(const char *s, size_t len, size_t at, struct token *t)
{
	bool escapes = s[t->start] == 'e' || s[t->start] == 'E';

	finish(t, TOKEN_OTHER,
	       escapes ? escape_quote_end(s, len, at, &t->cut)
		       : plain_quote_end(s, len, at, '\''),
	       "quoted string");
}

/* A word, or a string with a letter before its quote. */
static void token_word(const char *s, size_t len, struct token *t)
{
	size_t end = t->start + 1;

	if (end < len && s[end] == '\'' && strchr("bBeExXnN", s[t->start]))
		token_string(s, len, end + 1, t);
	else if (end < len && s[end] == '&' && (s[t->start] == 'u' || s[t->start] == 'U'))
		finish(t, TOKEN_OTHER, end + 1, NULL); /* U&'..' has no backslashes */
	else
		finish(t, TOKEN_WORD, run_end(s, len, end, CLASS_NAME), NULL);
}

/* A variable of psql, which has no value here: but '$' is no part of its name. */
static void token_colon(const char *s, size_t len, struct token *t)
{
	size_t end = t->start + 1;

	/* "::x" is a cast, and x is not one */
	finish(t, TOKEN_OTHER,
	       sql_at_pair(s, len, t->start, "::") ? end + 1
						   : run_end(s, len, end, CLASS_WORD),
	       NULL);
}

static void token_sign(const char *s, size_t len, struct token *t)
{
	size_t at = t->start;
	char c = s[at];

	if (c == ':')
		token_colon(s, len, t);
	else if (c == '\'')
		finish(t, TOKEN_OTHER, plain_quote_end(s, len, at + 1, c),
		       "quoted string");
	else if (c == '"')
		finish(t, TOKEN_OTHER, plain_quote_end(s, len, at + 1, c),
		       "quoted identifier");
	else if (sql_at_pair(s, len, at, "--"))
		finish(t, TOKEN_BLANK, sql_line_end(s, len, at), NULL);
	else if (sql_at_pair(s, len, at, "/*"))
		finish(t, TOKEN_BLANK, block_comment_end(s, len, at), "comment");
	else
		finish(t,
		       c == '('	   ? TOKEN_OPEN
		       : c == ')'  ? TOKEN_CLOSE
		       : c == ';'  ? TOKEN_SEMICOLON
		       : c == '\\' ? TOKEN_BACKSLASH
				   : TOKEN_OTHER,
		       at + 1, NULL);
}

void token_next(const char *s, size_t len, size_t at, struct token *t)
{
	enum { AHEAD = 3 }; /* "1" of "1e+2" is told from "1e+" by that many bytes */

	t->start = at;
	t->cut = false;
	if (at >= len) {
		finish(t, TOKEN_END, len, NULL);
		t->cut = true;
		return;
	}
	if (is_in(s[at], CLASS_SPACE)) { /* any part of them is blank too */
		finish(t, TOKEN_BLANK, run_end(s, len, at, CLASS_SPACE), NULL);
		return;
	}
	if (is_in(s[at], CLASS_WORD_START))
		token_word(s, len, t);
	else if (is_in(s[at], CLASS_DIGIT))
		finish(t, TOKEN_OTHER, number_end(s, len, at), NULL);
	else if (s[at] == '$')
		token_dollar(s, len, t);
	else
		token_sign(s, len, t);
	if (t->kind == TOKEN_UNTERMINATED ||
	    (t->end + AHEAD > len &&
	     (t->kind == TOKEN_WORD || t->kind == TOKEN_BLANK || t->kind == TOKEN_OTHER)))
		t->cut = true;
}

bool token_is(const char *s, const struct token *t, const char *word)
{
	size_t len = t->end - t->start;

	return t->kind == TOKEN_WORD && (s[t->start] | 0x20) == word[0] &&
	       strlen(word) == len && strncasecmp(s + t->start, word, len) == 0;
}
