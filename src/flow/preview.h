/* Plans that are compared, or that do not exist yet: for `plan`. */
#ifndef FLOW_PREVIEW_H
#define FLOW_PREVIEW_H

#include "core/plan.h"

struct err;
struct findings;
struct repo;

/** The plan that a merge would make. */
struct preview {
	struct plan plan;
	size_t arriving; /* position of the first entry that the merge brings */
	struct plan ours, theirs;
	const struct plan *base; /* what both had; NULL: unrelated histories */
	struct oid *bases;	 /* the merge bases */
	size_t nr_bases;
	struct plan **kept; /* theirs, and what was merged of them */
	size_t nr_kept;
};

/**
 * Works out the plan of `ours` if `theirs` were merged into it now, in memory,
 * and adds what a server would refuse of it, paths that clash, and (as warnings)
 * pairs of migrations, one new on each side, that touch one object. 0 or -1;
 * `p` must be released in either case.
 */
int preview_merge(struct repo *repo, const struct oid *ours, const struct oid *theirs,
		  struct preview *p, struct findings *f, struct err *err);
void preview_release(struct preview *p);

/**
 * Marks in `since` (plan->nr of them) what the plan of `older` lacks. Where that
 * plan is not the beginning of this one, adds why. 0 or -1.
 */
int preview_since(struct repo *repo, struct plan *plan, const struct oid *older,
		  bool *since, struct findings *f, struct err *err);

/**
 * Works the plan out again from the objects alone and compares all that is
 * cached with it: 1 when they agree, 0 with the first difference in `err`
 * (ERR_REFUSED); -1.
 */
int preview_verify(struct repo *repo, const struct oid *commit, size_t *nr,
		   struct err *err);

#endif
