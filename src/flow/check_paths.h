/* Whether the records of a mirror say of migrations what the history says. */
#ifndef FLOW_CHECK_PATHS_H
#define FLOW_CHECK_PATHS_H

#include "base/pool.h"
#include "core/oid.h"

struct err;
struct findings;
struct record;
struct repo;

/** What records claim: that a commit's tree has that file. Start with `= { 0 }`. */
struct paths {
	struct pool pool;
	struct path_claim *items;
	size_t nr, alloc;
};

void paths_release(struct paths *p);

/** Adds what a record claims, if it is of an event that names bytes that ran. */
void paths_add(struct paths *p, const struct record *r);

/**
 * Compares path and blob with the commits of this repository; of those that are not
 * here a warning says how many. 0; 1 with a finding when one is not so; -1.
 */
int paths_check(struct repo *repo, struct paths *p, const char *ref, struct findings *f,
		struct err *err);

#endif
