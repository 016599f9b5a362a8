/* Values that an enum gets. */
#ifndef SQL_ENUMS_H
#define SQL_ENUMS_H

#include <stdbool.h>
#include <stddef.h>

/** Whether a statement of the text is ALTER TYPE ... ADD VALUE. */
bool sql_adds_value(const char *text, size_t len);

#endif
