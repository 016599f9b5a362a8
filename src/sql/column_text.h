/* The constraints of a column as a catalog has them, in one text, changed. */
#ifndef SQL_COLUMN_TEXT_H
#define SQL_COLUMN_TEXT_H

#include <stdbool.h>

struct buf;

/** Appends the constraints without NOT NULL. */
void column_text_optional(const char *rest, struct buf *out);
/** Appends the constraints without the default. */
void column_text_no_default(const char *rest, struct buf *out);

/** Whether a text of SQL has the word, outside of parentheses; given in lower case. */
bool column_text_has(const char *text, const char *word);

/** Whether the constraints say that the value is computed: nobody writes it. */
bool column_text_computes(const char *rest);

/** Whether the constraints have a default other than NULL, or an identity. */
bool column_text_has_value(const char *rest);

#endif
