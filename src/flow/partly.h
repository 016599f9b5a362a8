/*
 * Migrations that are run in batches, of which some are committed and stay: what would do
 * them again must not run.
 */
#ifndef FLOW_PARTLY_H
#define FLOW_PARTLY_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct survey;

/**
 * Adds to the problems of a survey that has been judged what would do such batches again.
 * 0 or -1.
 */
int partly_judge(struct survey *s, struct err *err);

/** Whether it has found that of the plan entry at `pos`. */
bool partly_found(const struct survey *s, size_t pos);

#endif
