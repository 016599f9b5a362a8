/* Lines and columns of byte offsets. */
#include "base/compat.h"

#include "sql/internal.h"
#include "sql/split.h"

size_t sql_mark_len(const char *s, size_t len)
{
	return len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static unsigned count_characters(const char *s, size_t from, size_t to)
{
	unsigned nr = 0;

	for (; from < to; from++)
		nr += (s[from] & 0xc0) != 0x80;
	return nr;
}

/* Lines may end in LF, CR LF or CR: byte by byte. */
static void advance_slowly(const char *s, size_t len, size_t from, size_t to,
			   unsigned *line, unsigned *column)
{
	size_t at;

	for (at = from; at < to; at++) {
		if (s[at] == '\n' ||
		    (s[at] == '\r' && !sql_at_pair(s, len, at, "\r\n"))) {
			++*line;
			*column = 1;
		} else if (s[at] != '\r' && (s[at] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

void sql_advance(const char *s, size_t len, size_t from, size_t to, unsigned *line,
		 unsigned *column)
{
	const char *newline;

	if (from >= to)
		return;
	if (memchr(s + from, '\r', to - from)) {
		advance_slowly(s, len, from, to, line, column);
		return;
	}
	while (from < to && (newline = memchr(s + from, '\n', to - from)) != NULL) {
		++*line;
		*column = 1;
		from = (size_t)(newline - s) + 1;
	}
	*column += count_characters(s, from, to);
}

void sql_place(const char *text, size_t len, size_t offset, unsigned *line,
	       unsigned *column)
{
	*line = *column = 1;
	sql_advance(text, len, sql_mark_len(text, len), offset < len ? offset : len, line,
		    column);
}

void sql_statement_place(const struct sql_statement *st, size_t offset, unsigned *line,
			 unsigned *column)
{
	*line = st->line;
	*column = st->column;
	sql_advance(st->text, st->len, 0, offset < st->len ? offset : st->len, line,
		    column);
}
