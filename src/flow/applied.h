/* What some target has settled, as the mirrors at hand say. */
#ifndef FLOW_APPLIED_H
#define FLOW_APPLIED_H

#include "base/pool.h"
#include "core/policy.h"

struct err;
struct push;
struct repo;

/** Start with `= { 0 }`. */
struct applied_list {
	struct applied_set set;
	struct pool pool;
	size_t alloc;
};

/** Reads all mirrors, fetched ones and those that `push` (may be NULL) brings. 0 or -1.
 */
int applied_read(struct repo *repo, const struct push *push, struct applied_list *out,
		 struct err *err);

/**
 * The same of `nr` paths alone, the notes of the others are not read where it is known
 * which those are (see flow/mirror_paths.h). Of a mirror that the push extends its new
 * records count, whatever their chain, which is judged for itself.
 */
int applied_read_paths(struct repo *repo, const struct push *push,
		       const char *const *paths, size_t nr, struct applied_list *out,
		       struct err *err);

/**
 * What policy_append_only keeps under migrate.protect: `*kept` is NULL for
 * "landed", or what applied_read gives for "applied". 0 or -1.
 */
int applied_to_keep(struct repo *repo, const struct push *push, struct applied_list *out,
		    const struct applied_set **kept, struct err *err);

/** Whether migrate.protect is "applied". */
bool applied_alone_is_kept(struct repo *repo);

void applied_release(struct applied_list *list);

#endif
