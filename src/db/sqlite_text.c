/*
 * A file for SQLite, statement by statement: a window that moves along. Where a
 * statement may end is told by quotes and comments alone; sqlite3_prepare_v2 says
 * whether it does, which it does not at a semicolon within a trigger. What SQLite
 * would pass over in silence is refused here.
 */
#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "sql/caret.h"
#include "sql/split.h"

enum {
	DROP_AT = 128 * 1024, /* so much lies behind us before it is dropped */
	KEPT = 512,	      /* of it, for the line of an error */
};

/* --- places ------------------------------------------------------------ */

/* Line and column of an offset, which is not before the last statement. */
static void find_place(const struct sqlite_text *t, size_t offset, unsigned *line,
		       unsigned *column)
{
	const struct sql_statement from = { .text = t->window.s + t->counted,
					    .len = t->window.len - t->counted,
					    .line = t->line,
					    .column = t->column };

	sql_statement_place(&from, offset > t->counted ? offset - t->counted : 0, line,
			    column);
}

int sqlite_text_place(const struct sqlite_text *t, size_t offset, struct err *err)
{
	find_place(t, offset, &err->line, &err->column);
	sql_excerpt(t->window.s, t->window.len, offset, err);
	return -1;
}

/* --- quotes and comments ----------------------------------------------- */

/* Makes the window longer: 1; 0 at the end of the text; -1. */
static int more(struct sqlite_text *t, struct err *err)
{
	int rc = sql_window_more(&t->window, t->window.len - t->counted, err);

	return rc < 0 && err->code == ERR_REFUSED
		       ? sqlite_text_place(t, t->window.len, err)
		       : rc;
}

/* Behind the quote that opens at `at`; SIZE_MAX when it does not close. */
static size_t quote_end(const struct sqlite_text *t, size_t at)
{
	const char *s = t->window.s, *end;
	char quote = s[at] == '[' ? ']' : s[at];

	for (at++; at < t->window.len; at++) {
		end = memchr(s + at, quote, t->window.len - at);
		if (!end)
			break;
		at = (size_t)(end - s) + 1;
		if (quote == ']' || at == t->window.len || s[at] != quote)
			return at;
	}
	return SIZE_MAX;
}

/* Behind the comment at `at`; `at` when there is none; SIZE_MAX: it does not close. */
static size_t comment_end(const struct sqlite_text *t, size_t at)
{
	const char *s = t->window.s + at, *end;
	size_t len = t->window.len - at;

	if (len < 2)
		return at;
	if (s[0] == '-' && s[1] == '-') {
		end = memchr(s, '\n', len);
		return end ? (size_t)(end - t->window.s) : t->window.len;
	}
	if (s[0] != '/' || s[1] != '*')
		return at;
	end = memmem(s + 2, len - 2, "*/", 2);
	return end ? (size_t)(end - t->window.s) + 2 : SIZE_MAX;
}

static int check_line_comment(const struct sqlite_text *t, size_t at, size_t end,
			      struct err *err)
{
	const char *cr = memchr(t->window.s + at, '\r', end - at);

	if (!cr || (size_t)(cr - t->window.s) + 1 == end)
		return 0;
	err_set(err, ERR_REFUSED, "line ends in a bare carriage return");
	err_detail(err, "SQLite would take what follows for the rest of the comment.");
	err_hint(err, "sql-encoding", "Save the file with LF or CR LF as line ends.");
	return sqlite_text_place(t, (size_t)(cr - t->window.s), err);
}

static int refuse_open(const struct sqlite_text *t, size_t at, struct err *err)
{
	err_set(err, ERR_REFUSED, "%s is never closed",
		t->window.s[at] == '/' ? "comment" : "quote");
	err_hint(err, "sql-unterminated",
		 "It begins here and swallows the rest of the file. Close it.");
	return sqlite_text_place(t, at, err);
}

/*
 * Goes over the quote or comment that begins at `at`: `*end` is behind it, or `at`
 * where there is none. What ends the window may go on behind it. 0 or -1.
 */
static int go_over(struct sqlite_text *t, size_t at, size_t *end, struct err *err)
{
	int rc;

	for (;;) {
		*end = strchr("'\"`[", t->window.s[at]) ? quote_end(t, at)
							: comment_end(t, at);
		if (*end < t->window.len && (*end > at || at + 1 < t->window.len))
			break;
		rc = more(t, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
	}
	if (*end == SIZE_MAX)
		return refuse_open(t, at, err);
	if (*end > at && t->window.s[at] == '-')
		return check_line_comment(t, at, *end, err);
	return 0;
}

/* --- statements -------------------------------------------------------- */

int sqlite_text_next(struct sqlite_text *t, size_t at, size_t *next, struct err *err)
{
	size_t end;
	int rc;

	for (;;) {
		if (at >= t->window.len) {
			rc = more(t, err);
			if (rc < 0)
				return -1;
			if (rc == 0)
				break;
		}
		if (ascii_isspace((unsigned char)t->window.s[at]) ||
		    t->window.s[at] == ';') {
			at++;
			continue;
		}
		if (!strchr("-/", t->window.s[at]))
			break;
		if (go_over(t, at, &end, err) < 0)
			return -1;
		if (end == at)
			break;
		at = end;
	}
	*next = at;
	return 0;
}

/* Behind what means nothing to us, at `at`. */
static size_t skip_plain(const struct sqlite_text *t, size_t at)
{
	static const bool means[256] = {
		['\''] = true, ['"'] = true, ['`'] = true, ['['] = true,
		['-'] = true,  ['/'] = true, [';'] = true
	};

	while (at < t->window.len && !means[(unsigned char)t->window.s[at]])
		at++;
	return at;
}

int sqlite_text_take(struct sqlite_text *t, size_t at, struct err *err)
{
	size_t end;
	int rc;

	for (;;) {
		at = skip_plain(t, at);
		if (at >= t->window.len) {
			rc = more(t, err);
			if (rc < 0)
				return -1;
			if (rc == 0)
				break;
			continue;
		}
		if (t->window.s[at] == ';') {
			t->end = at + 1;
			return 1;
		}
		if (go_over(t, at, &end, err) < 0)
			return -1;
		at = end > at ? end : at + 1;
	}
	t->end = t->window.len;
	return 0;
}

size_t sqlite_text_enter(struct sqlite_text *t, size_t at)
{
	size_t dropped;

	find_place(t, at, &t->line, &t->column);
	t->counted = at;
	if (at < DROP_AT)
		return at;
	dropped = sql_window_drop(&t->window, at - KEPT);
	t->counted -= dropped;
	return at - dropped;
}

bool sqlite_text_is(const struct sqlite_text *t, size_t at, const char *word)
{
	size_t len = strlen(word);
	const char *s = t->window.s + at;

	if (t->window.len - at < len || strncasecmp(s, word, len) != 0)
		return false;
	return at + len == t->window.len ||
	       (!ascii_isalnum((unsigned char)s[len]) && s[len] != '_');
}

/* --- the whole --------------------------------------------------------- */

int sqlite_text_init(struct sqlite_text *t, const struct db_script *script, size_t *first,
		     struct err *err)
{
	memset(t, 0, sizeof(*t));
	t->line = t->column = 1;
	if (!script->source)
		sql_window_memory(&t->window, script->sql, script->len);
	else if (sql_window_open(&t->window, script->source, err) < 0)
		return -1;
	if (more(t, err) < 0)
		return -1;
	/* a mark of the byte order is no column */
	if (t->window.len >= 3 && memcmp(t->window.s, "\xef\xbb\xbf", 3) == 0)
		t->counted = 3;
	return sqlite_text_next(t, t->counted, first, err);
}

void sqlite_text_release(struct sqlite_text *t)
{
	sql_window_release(&t->window);
}
