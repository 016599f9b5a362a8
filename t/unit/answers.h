/* Questions of a test to its database, and what the answers are to be. */
#ifndef UNIT_ANSWERS_H
#define UNIT_ANSWERS_H

#include <stddef.h>

#include "db/driver.h"

/* The engine of the program, which each one's fixture says. */
extern const struct db_driver *const tested;

/* A db_row_fn: appends the values to a buffer, between bars, a line a row. */
int collect(void *arg, const char *const *values, size_t nr, struct err *err);

/* Fails unless the answer is this, as collect() has it. */
void expect(struct db *db, const char *sql, const char *wanted);
void execute(struct db *db, const char *sql);

#endif
