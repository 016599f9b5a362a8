/* Columns for people: aligned by characters, cells escaped, no trailing blanks. */
#ifndef OUT_TABLE_H
#define OUT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "out/term.h"

struct table;

/** `color`: whether cells may be coloured. Owned by the caller: table_free. */
struct table *table_new(bool color);
void table_free(struct table *t);

/** Ends the row that was begun; without cells it is an empty line. */
void table_row(struct table *t);
/** The next cell of the row; `text` is copied, from outside or not. */
void table_cell(struct table *t, enum color c, const char *text);
void table_cellf(struct table *t, enum color c, const char *fmt, ...) PRINTF_LIKE(3, 4);

/**
 * Prints all rows, each with `indent` blanks before it, cells two blanks apart.
 * The last cell of a row is not padded and widens no column.
 */
void table_print(const struct table *t, FILE *to, unsigned indent);

#endif
