/* Values that an enum gets. */
#ifndef SQL_ENUMS_H
#define SQL_ENUMS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Whether a text itself adds the value that a server has refused with `said`: by a
 * statement ALTER TYPE ... ADD VALUE that names it. Also where nobody can tell, as of
 * code that adds one, or of a message in another language that has the same word.
 */
bool sql_adds_value(const char *text, size_t len, const char *said);

#endif
