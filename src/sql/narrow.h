/* Whether a change of type can lose values. By the types' names alone. */
#ifndef SQL_NARROW_H
#define SQL_NARROW_H

#include <stdbool.h>

/** Whether each value of the old type is one of the new type, and reads the same. */
bool sql_type_keeps(const char *old_type, const char *new_type);

#endif
