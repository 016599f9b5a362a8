/*
 * What becomes of the migrations of two branches when one is merged into the
 * other: path by path as git merges, and in the order of core/order.h.
 */
#ifndef CORE_MERGE_H
#define CORE_MERGE_H

#include <stddef.h>

struct findings;
struct plan;

/** Start with `= { 0 }`. */
struct merge_input {
	const struct plan *ours, *theirs;
	const struct plan *bases; /* of the merge bases; none for unrelated histories */
	size_t nr_bases;
};

/**
 * Works out the plan of the merge commit that would be made now: `*out` borrows
 * texts from the two plans and must be released; its head is zero, and so is the
 * arrival of what `theirs` brings. Adds a RULE_CLASH for each path that git
 * could not merge; there ours stays. Returns the position of the first entry
 * that arrives.
 *
 * Where several merge bases differ, a path counts as known to the base that has
 * it: as if they had been merged, which is what git does.
 */
size_t plan_merge(const struct merge_input *in, struct plan *out, struct findings *f);

#endif
