/* What is about to be committed, judged before it is. */
#ifndef FLOW_PRECOMMIT_H
#define FLOW_PRECOMMIT_H

#include "core/policy.h"

struct err;
struct repo;

/**
 * Judges the staged changes: files that have landed or were applied (as the
 * mirrors at hand say) must stay as they are, new ones must be regular and
 * well named. Own work that neither landed nor was applied is free. 0 or -1.
 */
int precommit_check(struct repo *repo, struct findings *f, struct err *err);

#endif
