/* Inside of drills: whether others can write while a database is rolled forward. */
#ifndef FLOW_DRILL_WRITERS_H
#define FLOW_DRILL_WRITERS_H

#include "flow/drill_judge.h"

/** Adds a verdict; `why` NULL: it is well. Both are copied. */
void drill_judgement_add(struct drill *d, struct drill_judgement *to,
			 enum drill_area area, const char *what, const char *why);

/**
 * Where the incident asks for it: runs what came behind the drill's beginning on a
 * copy of its first state, and tries to write between any two statements of it. 0, or
 * -1: it could not be tried.
 */
int drill_judge_writers(struct drill *d, struct drill_judgement *out, struct err *err);

#endif
