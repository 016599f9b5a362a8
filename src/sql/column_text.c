#include "base/compat.h"

#include "sql/column_text.h"

#include "base/buf.h"
#include "base/text.h"
#include "sql/internal.h"

/* Where what is left out at `at` ends; 0: what stands there stays. */
typedef size_t pass_part(const char *s, size_t len, size_t at);

/* What SQLite does where the constraint before it does not hold: ON CONFLICT ABORT. */
static size_t pass_conflict(const char *s, size_t len, size_t at)
{
	static const char *const words[] = { "on", "conflict", NULL };
	size_t end = at, i;
	struct token t;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		token_next(s, len, end, &t);
		if (t.kind == TOKEN_BLANK)
			token_next(s, len, t.end, &t);
		if (words[i] ? !token_is(s, &t, words[i]) : t.kind != TOKEN_WORD)
			return at;
		end = t.end;
	}
	return end;
}

static size_t pass_not_null(const char *s, size_t len, size_t at)
{
	struct token t;

	token_next(s, len, at, &t);
	if (!token_is(s, &t, "not"))
		return 0;
	token_next(s, len, t.end, &t);
	if (t.kind == TOKEN_BLANK)
		token_next(s, len, t.end, &t);
	return token_is(s, &t, "null") ? pass_conflict(s, len, t.end) : 0;
}

/* What can stand behind a default; no value has one of these without parentheses. */
static bool ends_default(const char *s, const struct token *t)
{
	static const char *const words[] = { "constraint", "not",     "null",
					     "primary",	   "unique",  "check",
					     "references", "collate", "generated" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (token_is(s, t, words[i]))
			return true;
	return false;
}

static size_t pass_default(const char *s, size_t len, size_t at)
{
	size_t depth = 0, nr = 0, end;
	struct token t;

	token_next(s, len, at, &t);
	if (!token_is(s, &t, "default"))
		return 0;
	for (end = at = t.end; at < len; at = t.end) {
		token_next(s, len, at, &t);
		if (t.kind == TOKEN_BLANK)
			continue;
		if (nr++ && !depth && ends_default(s, &t)) /* DEFAULT NULL is a value */
			break;
		depth += t.kind == TOKEN_OPEN;
		depth -= t.kind == TOKEN_CLOSE && depth;
		end = t.end;
	}
	return end;
}

static void add_without(const char *rest, pass_part *pass, struct buf *out)
{
	size_t len = strlen(rest), at = 0, depth = 0, behind;
	struct token t;

	while (at < len) {
		behind = depth ? 0 : pass(rest, len, at);
		if (behind) {
			at = behind + (rest[behind] == ' ');
			continue;
		}
		token_next(rest, len, at, &t);
		depth += t.kind == TOKEN_OPEN;
		depth -= t.kind == TOKEN_CLOSE && depth;
		buf_add(out, rest + t.start, t.end - t.start);
		at = t.end;
	}
	while (out->len && out->s[out->len - 1] == ' ')
		out->s[--out->len] = '\0';
}

void column_text_optional(const char *rest, struct buf *out)
{
	add_without(rest, pass_not_null, out);
}

void column_text_no_default(const char *rest, struct buf *out)
{
	add_without(rest, pass_default, out);
}

bool column_text_has(const char *text, const char *word)
{
	size_t len = strlen(text), at = 0, depth = 0;
	struct token t;

	while (at < len) {
		token_next(text, len, at, &t);
		if (!depth && token_is(text, &t, word))
			return true;
		depth += t.kind == TOKEN_OPEN;
		depth -= t.kind == TOKEN_CLOSE && depth;
		at = t.end;
	}
	return false;
}

bool column_text_computes(const char *rest)
{
	return column_text_has(rest, "as") && !column_text_has(rest, "identity");
}

/* DEFAULT with a value stands here: NULL is none, in parentheses or with a type too. */
static bool is_value(const char *s, size_t len, size_t at)
{
	struct token t;

	do {
		token_next(s, len, at, &t);
		at = t.end;
	} while (t.kind == TOKEN_BLANK || t.kind == TOKEN_OPEN);
	return !token_is(s, &t, "null");
}

bool column_text_has_value(const char *rest)
{
	size_t len = strlen(rest), at = 0, depth = 0;
	struct token t;

	while (at < len) {
		token_next(rest, len, at, &t);
		at = t.end;
		if (!depth &&
		    (token_is(rest, &t, "identity") ||
		     (token_is(rest, &t, "default") && is_value(rest, len, at))))
			return true;
		depth += t.kind == TOKEN_OPEN;
		depth -= t.kind == TOKEN_CLOSE && depth;
	}
	return false;
}
