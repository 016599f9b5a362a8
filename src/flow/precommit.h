/* What is about to be committed, judged before it is. */
#ifndef FLOW_PRECOMMIT_H
#define FLOW_PRECOMMIT_H

#include "core/policy.h"

struct err;
struct repo;

/**
 * Judges the staged changes: files that have landed or were applied (as the
 * mirrors at hand say) must stay as they are, new ones must be regular and
 * well named. Own work that neither landed nor was applied is free. `reverting`: a
 * `git revert` is made, which is seen too where git keeps note of it. 0 or -1.
 */
int precommit_check(struct repo *repo, bool reverting, struct findings *f,
		    struct err *err);

#endif
