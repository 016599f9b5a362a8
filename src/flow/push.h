/* A push as the server's hooks see it: several refs, judged together. */
#ifndef FLOW_PUSH_H
#define FLOW_PUSH_H

#include "core/oid.h"

struct err;
struct findings;
struct repo;

struct push_update {
	const char *ref;
	struct oid older, newer; /* zero: it is created, or deleted */
};

struct push {
	struct push_update *items;
	size_t nr;
};

/**
 * Judges each update against what was there before the push: the protected branch,
 * the mirrors, and tags that move; any other ref passes. Mirrors and proofs that
 * come in the same push count. 0 or -1.
 */
int push_check(struct repo *repo, const struct push *push, struct findings *f,
	       struct err *err);

/** The commit that a ref is at once the push is through: 1; 0, none; -1. */
int push_tip(struct repo *repo, const struct push *push, const char *ref, struct oid *out,
	     struct err *err);

#endif
