/* What a push or a range of commits does to the plan and to the mirrors. */
#ifndef FLOW_CHECK_H
#define FLOW_CHECK_H

#include "core/oid.h"
#include "core/policy.h"

struct err;
struct push;
struct repo;

/**
 * Adds what `newer` changes in .gitmigrate that decides over what lands: a push or a
 * merge must not bend it. The settings of either may be those that count afterwards
 * (repo_load_shared). 0 or -1.
 */
int check_settings(struct repo *repo, const struct oid *older, const struct oid *newer,
		   struct findings *f, struct err *err);

/** How one commit stands to an earlier tip. 0 or -1. */
int check_lineage(struct repo *repo, const struct oid *older, const struct oid *newer,
		  struct lineage *out, struct err *err);

/**
 * Judges the step from commit `older` (zero: nothing before) to `newer` by the
 * rules of a protected branch. Settings are those of `older`. 0 or -1.
 */
int check_range(struct repo *repo, const struct oid *older, const struct oid *newer,
		struct findings *f, struct err *err);

/** From one commit to another. */
struct check_step {
	struct oid older, newer; /* zero: nothing before; deleted */
	const struct push *push; /* that it is of; may be NULL */
	bool landed;		 /* `older` is what this repository has there itself */
	bool order_alone;	 /* what is new is not judged */
};

/**
 * Judges a step by the rules of a protected branch, with the settings of `older`;
 * `newer` is a commit. 0 or -1.
 */
int check_step(struct repo *repo, const struct check_step *step, struct findings *f,
	       struct err *err);

/** Judges one update of the protected branch `ref`. 0 or -1. */
int check_branch(struct repo *repo, const char *ref, const struct check_step *step,
		 struct findings *f, struct err *err);

#endif
