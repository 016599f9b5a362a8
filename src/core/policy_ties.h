/* Inside of the rules: entries that stand in for others, or wait for something. */
#ifndef CORE_POLICY_TIES_H
#define CORE_POLICY_TIES_H

#include <stddef.h>

struct err;
struct findings;
struct plan;

/** Judges `Supersedes:`, `Phase:` and `Not-Before:` of a described entry. 0 or -1. */
int policy_check_ties(struct plan *plan, size_t pos, struct findings *f, struct err *err);

/** Says that `pos`, which takes the place of `of`, needs what comes behind that. */
void policy_unsound(const struct plan *plan, size_t pos, size_t of, size_t needed,
		    struct findings *f);

#endif
