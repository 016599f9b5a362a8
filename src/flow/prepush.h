/* What is about to be pushed, judged before it leaves. */
#ifndef FLOW_PREPUSH_H
#define FLOW_PREPUSH_H

#include "core/policy.h"

struct err;
struct repo;

/**
 * Judges one line that git writes to the hook, "<local ref> <id> <remote ref> <id>",
 * of a push to `remote`: its protected branch and its mirrors; any other ref passes.
 * The line is changed. 0 or -1.
 */
int prepush_check(struct repo *repo, const char *remote, char *line, struct findings *f,
		  struct err *err);

#endif
