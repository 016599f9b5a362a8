/* A file for SQLite before it is run: places in it, and what is refused unseen. */
#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "sql/split.h"

enum { EXCERPT_BEFORE = 70, EXCERPT_BYTES = 110 };

/* --- places ------------------------------------------------------------ */

/* Whether a character begins at `at`. */
static bool at_character(const struct sqlite_text *t, size_t at)
{
	return ((unsigned char)t->sql[at] & 0xc0) != 0x80;
}

/* The line of the place, or what of it is near. */
static void put_excerpt(const struct sqlite_text *t, size_t offset, struct err *err)
{
	size_t from = offset, to = offset;

	while (from > 0 && !strchr("\r\n", t->sql[from - 1]) &&
	       offset - from < EXCERPT_BEFORE)
		from--;
	while (!at_character(t, from))
		from++;
	to += strcspn(t->sql + to, "\r\n");
	if (to - from > EXCERPT_BYTES)
		to = from + EXCERPT_BYTES;
	while (!at_character(t, to))
		to--;
	snprintf(err->excerpt, sizeof(err->excerpt), "%.*s", (int)(to - from),
		 t->sql + from);
	err->caret = (unsigned)utf8_count(t->sql + from, offset - from);
}

int sqlite_text_place(const struct sqlite_text *t, size_t offset, struct err *err)
{
	if (offset > t->len)
		offset = t->len;
	sql_place(t->sql, t->len, offset, &err->line, &err->column);
	put_excerpt(t, offset, err);
	return -1;
}

/* --- quotes and comments ----------------------------------------------- */

/* Behind the quote that opens at `at`; SIZE_MAX when it never closes. */
static size_t quote_end(const struct sqlite_text *t, size_t at)
{
	char quote = t->sql[at] == '[' ? ']' : t->sql[at];
	const char *end;

	for (at++; at < t->len; at++) {
		end = memchr(t->sql + at, quote, t->len - at);
		if (!end)
			break;
		at = (size_t)(end - t->sql) + 1;
		if (quote == ']' || t->sql[at] != quote)
			return at;
	}
	return SIZE_MAX;
}

/* Behind the comment at `at`; `at` when there is none; SIZE_MAX: never closed. */
static size_t comment_end(const struct sqlite_text *t, size_t at)
{
	const char *s = t->sql + at, *end;

	if (s[0] == '-' && s[1] == '-') {
		end = memchr(s, '\n', t->len - at);
		return end ? (size_t)(end - t->sql) : t->len;
	}
	if (s[0] != '/' || s[1] != '*')
		return at;
	end = strstr(s + 2, "*/");
	return end ? (size_t)(end - t->sql) + 2 : SIZE_MAX;
}

static int check_line_comment(const struct sqlite_text *t, size_t at, size_t end,
			      struct err *err)
{
	const char *cr = memchr(t->sql + at, '\r', end - at);

	if (!cr || (size_t)(cr - t->sql) + 1 == end)
		return 0;
	err_set(err, ERR_REFUSED, "line ends in a bare carriage return");
	err_detail(err, "SQLite would take what follows for the rest of the comment.");
	err_hint(err, "sql-encoding", "Save the file with LF or CR LF as line ends.");
	return sqlite_text_place(t, (size_t)(cr - t->sql), err);
}

/* What sqlite3 would pass over in silence, or stop at without a word. */
static int scan(const struct sqlite_text *t, struct err *err)
{
	size_t at = 0, end;

	while (at < t->len) {
		char c = t->sql[at];

		end = comment_end(t, at);
		if (end == at && c && strchr("'\"`[", c))
			end = quote_end(t, at);
		if (end == SIZE_MAX) {
			err_set(err, ERR_REFUSED, "%s is never closed",
				c == '/' ? "comment" : "quote");
			err_hint(err, "sql-unterminated",
				 "It begins here and swallows the rest of the file. "
				 "Close it.");
			return sqlite_text_place(t, at, err);
		}
		if (c == '-' && end > at && check_line_comment(t, at, end, err) < 0)
			return -1;
		at = end > at ? end : at + 1;
	}
	return 0;
}

size_t sqlite_text_skip(const struct sqlite_text *t, size_t at)
{
	size_t end;

	while (at < t->len) {
		end = comment_end(t, at);
		if (end > at && end != SIZE_MAX)
			at = end;
		else if (ascii_isspace((unsigned char)t->sql[at]) || t->sql[at] == ';')
			at++;
		else
			break;
	}
	return at;
}

size_t sqlite_text_end(const struct sqlite_text *t, size_t at)
{
	size_t end;

	while (at < t->len && t->sql[at] != ';') {
		end = comment_end(t, at);
		if (end == at && strchr("'\"`[", t->sql[at]))
			end = quote_end(t, at);
		at = end > at ? end : at + 1;
	}
	return at;
}

bool sqlite_text_is(const struct sqlite_text *t, size_t at, const char *word)
{
	size_t len = strlen(word);

	return strncasecmp(t->sql + at, word, len) == 0 &&
	       !ascii_isalnum((unsigned char)t->sql[at + len]) && t->sql[at + len] != '_';
}

/* --- the whole --------------------------------------------------------- */

int sqlite_text_init(struct sqlite_text *t, const struct db_script *script,
		     struct err *err)
{
	size_t start;

	t->sql = NULL;
	if (script->len >= INT_MAX) {
		err_set(err, ERR_REFUSED, "the file is larger than SQLite can read");
		err_hint(err, "sql-size", "Divide it into several migrations.");
		return -1;
	}
	if (sql_check_encoding(script->sql, script->len, &start, err) < 0)
		return -1;
	t->len = script->len - start;
	t->sql = xstrndup(script->sql + start, t->len);
	return scan(t, err);
}

void sqlite_text_release(struct sqlite_text *t)
{
	free(t->sql);
	t->sql = NULL;
}
