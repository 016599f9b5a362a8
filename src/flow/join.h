/* What several clones wrote to one mirror, made one; and what a rewrite left behind. */
#ifndef FLOW_JOIN_H
#define FLOW_JOIN_H

#include <stddef.h>

struct err;
struct plan;
struct pool;
struct repo;

/**
 * Brings a mirror forward to what was fetched, with nothing lost of what stands here;
 * and, where the plan has a migration from another commit than its records name (after
 * a rebase or a squash: path and blob are the same), puts them on that one too. In one
 * commit, or none; by compare and swap, again if another writer was first. `*copied`
 * counts the lines. 0 or -1; ERR_REFUSED as parted_refuse.
 */
int join_mirror(struct repo *repo, const char *target, const struct plan *plan,
		size_t *copied, struct err *err);

#endif
