/*
 * What becomes of the migrations of two branches when one is merged into the
 * other: path by path as git merges, and in the order of core/order.h.
 */
#ifndef CORE_MERGE_H
#define CORE_MERGE_H

#include <stdbool.h>
#include <stddef.h>

struct findings;
struct plan;

/** Start with `= { 0 }`. */
struct merge_input {
	const struct plan *ours, *theirs;
	const struct plan *base; /* what both had; NULL for unrelated histories */
	bool among_bases;	 /* of a base itself: clashes are settled as below */
};

/**
 * Works out the plan of the merge commit that would be made now: `*out` borrows
 * texts from the two plans and must be released; its head is zero, and so is the
 * arrival of what `theirs` brings. Adds a RULE_CLASH for each path that both
 * sides have changed; there ours stays. Returns the position of the first entry
 * that arrives.
 *
 * Branches that merged each other have more than one merge base; these are
 * merged first (`among_bases`), as git does it: a file that one deleted and the
 * other edited is as it was before, and of two contents comes a third, that
 * neither side has.
 */
size_t plan_merge(const struct merge_input *in, struct plan *out, struct findings *f);

#endif
