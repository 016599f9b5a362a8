/* What several clones wrote to one mirror, made one; and what a rewrite left behind. */
#ifndef FLOW_JOIN_H
#define FLOW_JOIN_H

#include <stddef.h>

struct err;
struct plan;
struct pool;
struct repo;

/**
 * Looks for a fork among all lines of a target's mirrors at hand: two records that
 * continue the same one, and neither says that the database was restored or copied.
 * 1 with what was found in `*what` (the pool's), 0, -1.
 */
int join_find_fork(struct repo *repo, const char *target, struct pool *pool,
		   const char **what, struct err *err);

/**
 * Brings a mirror forward to what was fetched, with nothing lost of what stands here;
 * and, where the plan has a migration from another commit than its records name (after
 * a rebase or a squash: path and blob are the same), puts them on that one too. In one
 * commit, or none; by compare and swap, again if another writer was first. `*copied`
 * counts the lines. 0 or -1.
 */
int join_mirror(struct repo *repo, const char *target, const struct plan *plan,
		size_t *copied, struct err *err);

#endif
