/* What a push or a range of commits does to the plan and to the mirrors. */
#ifndef FLOW_CHECK_H
#define FLOW_CHECK_H

#include "core/oid.h"
#include "core/policy.h"

struct err;
struct repo;

/**
 * Adds what `newer` changes in .gitmigrate that decides over what has landed: a
 * push or a merge must not bend it. 0 or -1.
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

/**
 * Judges one update of the protected branch `ref`, zero ids for creation and
 * deletion. `landed`: `older` is what this repository itself has there, so what is
 * learnt of it is kept. 0 or -1.
 */
int check_branch(struct repo *repo, const char *ref, const struct oid *older,
		 const struct oid *newer, bool landed, struct findings *f,
		 struct err *err);

/**
 * Judges one update of a push, zero ids for creation and deletion: the protected
 * branch and the mirrors; any other ref passes. 0 or -1.
 */
int check_update(struct repo *repo, const char *ref, const struct oid *older,
		 const struct oid *newer, struct findings *f, struct err *err);

#endif
