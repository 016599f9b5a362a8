/* Questions of a test to its database, and what the answers are to be. */
#ifndef UNIT_ANSWERS_H
#define UNIT_ANSWERS_H

#include <stddef.h>

#include "db/driver.h"

/* The engine of the program, which each one's fixture says. */
extern const struct db_driver *const tested;

/* Of each engine's fixture. A question, each row of whose answer is told; 0 or -1. */
int ask_sql(struct db *db, const char *sql, db_row_fn row, void *arg, struct err *err);

/* Statements, one after the other: 0 or -1. */
int run_sql(struct db *db, const char *sql, struct err *err);

/* A db_row_fn: appends the values to a buffer, between bars, a line a row. */
int collect(void *arg, const char *const *values, size_t nr, struct err *err);

/* Fails unless the answer is this, as collect() has it. */
void expect(struct db *db, const char *sql, const char *wanted);
void execute(struct db *db, const char *sql);

#endif
