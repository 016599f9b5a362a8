/* Whether a change of type can lose values. By the types' names alone. */
#ifndef SQL_NARROW_H
#define SQL_NARROW_H

#include <stdbool.h>

/** Whether each value of the old type is one of the new type, and reads the same. */
bool sql_type_keeps(const char *old_type, const char *new_type);

/**
 * Whether the expression of a USING gives what a change of the column to that type gives
 * without one: the column itself, or its cast to the type.
 */
bool sql_using_is_cast(const char *expression, const char *column, const char *type);

#endif
