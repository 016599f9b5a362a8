/* The line that an error is about, as it is shown with a caret below the place. */
#ifndef SQL_CARET_H
#define SQL_CARET_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/** So much of a line is shown, in bytes of the text. */
enum { SQL_CARET_MAX = 120 };

/**
 * Appends the line of `text` that holds the byte `offset` (the end is a place too),
 * safe to print: a tab is one blank, what could steer a terminal is escaped. Of a
 * longer line the part around the place is taken, cut between characters, with
 * "..." where something is left out. `*columns` is how many columns of a terminal
 * what was appended takes before the place.
 */
void sql_caret(const char *text, size_t len, size_t offset, struct buf *line,
	       size_t *columns);

/** Sets err->excerpt and err->caret so, with less of the line if it does not fit. */
void sql_excerpt(const char *text, size_t len, size_t offset, struct err *err);

/** Whether the byte `offset` of a text belongs to a comment. */
bool sql_is_comment(const char *text, size_t len, size_t offset);

#endif
