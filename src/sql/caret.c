#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "sql/caret.h"
#include "sql/internal.h"

/* Whether a character begins at `at`. */
static bool is_start(const char *text, size_t len, size_t at)
{
	return at >= len || (text[at] & 0xc0) != 0x80;
}

/* The next place where a character begins, within one character's length. */
static size_t next_start(const char *text, size_t len, size_t at)
{
	size_t i;

	for (i = 0; i < 3 && !is_start(text, len, at); i++)
		at++;
	return at;
}

static size_t start_of_line(const char *text, size_t at)
{
	while (at > 0 && !sql_is_newline(text[at - 1]))
		at--;
	return at;
}

/* Appends a part of a line with a blank for each tab; returns its columns. */
static size_t add_part(struct buf *out, const char *s, size_t len)
{
	size_t before = out->len, i, tab;

	for (i = 0; i < len; i = tab + 1) {
		for (tab = i; tab < len && s[tab] != '\t'; tab++)
			;
		text_printable(out, s + i, tab - i, 0);
		if (tab < len)
			buf_addc(out, ' ');
	}
	return utf8_columns(buf_str(out) + before, out->len - before);
}

/* As sql_caret, with `max` bytes of the line. */
static void show(const char *text, size_t len, size_t offset, size_t max,
		 struct buf *line, size_t *columns)
{
	static const char dots[] = "...";
	size_t place = offset < len ? offset : len, start, end, from, to;

	while (place > 0 && (!is_start(text, len, place) ||
			     (place < len && sql_at_pair(text, len, place - 1, "\r\n"))))
		place--;
	start = from = start_of_line(text, place);
	end = to = sql_line_end(text, len, place);
	if (end - start > max) {
		/* most of it before the place: what is wrong often stands there */
		if (place - start > max / 2)
			from = place - max / 2;
		if (end - from < max)
			from = end - max;
		else
			to = from + max;
		from = next_start(text, end, from);
		while (to > place && !is_start(text, end, to))
			to--;
	}
	*columns = 0;
	if (from > start) {
		buf_adds(line, dots);
		*columns = strlen(dots);
	}
	*columns += add_part(line, text + from, place - from);
	add_part(line, text + place, to - place);
	if (to < end)
		buf_adds(line, dots);
}

void sql_caret(const char *text, size_t len, size_t offset, struct buf *line,
	       size_t *columns)
{
	show(text, len, offset, SQL_CARET_MAX, line, columns);
}

void sql_excerpt(const char *text, size_t len, size_t offset, struct err *err)
{
	struct buf line = BUF_INIT;
	size_t max = SQL_CARET_MAX, columns;

	/* what is escaped may be three times as long, and is rare */
	for (;; max /= 2) {
		buf_reset(&line);
		show(text, len, offset, max, &line, &columns);
		if (line.len < sizeof(err->excerpt))
			break;
	}
	memcpy(err->excerpt, buf_str(&line), line.len + 1);
	err->caret = (unsigned)columns;
	buf_release(&line);
}

bool sql_is_comment(const char *text, size_t len, size_t offset)
{
	struct token t = { 0 };

	do
		token_next(text, len, t.end, &t);
	while (t.end <= offset && t.kind != TOKEN_END && t.kind != TOKEN_UNTERMINATED);
	return t.kind == TOKEN_BLANK && text[offset] == '-';
}
