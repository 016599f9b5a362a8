/* What the trailers of one migration name, as positions in the plan. Pure. */
#ifndef CORE_TIES_H
#define CORE_TIES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/plan.h"

struct err;
struct plan;
struct pool;

/** Positions in the order of the trailers. */
struct positions {
	size_t *at;
	size_t nr;
};

struct ties {
	struct positions fixes, requires, pairs;
	ssize_t supersedes; /* of the last such trailer; -1: none */
	bool loose;	    /* a `Fixes:` names nothing that is in the plan before it */
	bool contract;
};

/** Reads those of the entry at `pos`. Memory is the pool's. 0 or -1. */
int ties_read(struct plan *plan, size_t pos, struct pool *pool, struct ties *out,
	      struct err *err);

/**
 * What an entry that takes the place of `root` cannot do without there, and what comes
 * no earlier than that: what it requires or pairs with, and what it fixes, unless that
 * goes with what is replaced. `ties` are by position, from `root` to `pos` at least. True
 * with the first of those in `*needed`.
 */
bool ties_unsound(const struct ties *ties, size_t root, size_t pos, size_t *needed);

/**
 * The SHA-256 of "<blob> <path>" and LF of each migration behind `pos` that is to run in
 * the place of one up to it, or of another such; "" when there is none. 0 or -1.
 */
int ties_instead(struct plan *plan, size_t pos, plan_digest out, struct err *err);

/** The bottom of the chain of those that replace each other: what it leads to. */
size_t ties_root(const struct ties *ties, size_t pos);

/**
 * The SHA-256 of "<blob> <path>" and LF of each migration that `took` effect, and that
 * replaces one from before `pos`, or is such a one: where they part, what comes behind
 * them finds something else. What `pos` itself both fixes and replaces does not count.
 * `ties` and `took` are by position, of the whole plan; "" when there is none.
 */
void ties_ran(const struct plan *plan, const struct ties *ties, size_t pos,
	      const bool *took, plan_digest out);

bool positions_has(const struct positions *p, size_t pos);

#endif
