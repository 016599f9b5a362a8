/* The records of a few paths out of a mirror, without reading all of it each time. */
#ifndef FLOW_MIRROR_PATHS_H
#define FLOW_MIRROR_PATHS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct ledger;
struct pool;
struct repo;

/**
 * Folds those records of the chain in force that are about one of `nr` paths, of our own
 * mirror and of all that were fetched. Which notes they stand in is kept in the
 * repository (migrate.cache) and goes on from what was kept before; without it the whole
 * mirror is read once. The ledger's uuid, server and `open` are those of these records
 * alone. With `more`, the whole is not read where it has to be: that is set then, and
 * where records of these paths are not in force; `out` is not to be used. 0 or -1.
 */
int mirror_fold_paths(struct repo *repo, const char *target, const char *const *paths,
		      size_t nr, struct pool *pool, struct ledger *out, bool *more,
		      struct err *err);

#endif
