/* Whether the mirrors of a target at hand are of one log, and what one of them lost. */
#ifndef FLOW_PARTED_H
#define FLOW_PARTED_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct ledger;
struct pool;
struct repo;

struct parted {
	const char *what; /* how they part, the pool's; NULL: all is one log */
	uint64_t end_seq; /* its last record; 0: there is none */
	const char *end_hash;
	size_t taken_out; /* lines of our mirror that what was built upon it has not */
};

/**
 * Looks at all lines of a target's mirrors at hand, our own and what was fetched, and at
 * the records of its tracker (NULL: of none): two records that continue the same one, or
 * two logs of which none says that it took the other's place, part them; without a
 * tracker so does a commit that names the head of another target. 0 or -1.
 */
int parted_look(struct repo *repo, const char *target, const struct ledger *tracker,
		struct pool *pool, struct parted *out, struct err *err);

/** Refuses to make one of what parts, with the ways forward. -1, ERR_REFUSED. */
int parted_refuse(const char *target, const char *what, struct err *err);

/** The hint for it. */
const char *parted_way_out(const char *target, struct pool *pool);

#endif
