/*
 * What a log says of the order in which things took effect, where the plan allows
 * another one than its own: a superseder in the place of what it replaced, a contract
 * that waited. Pure.
 */
#ifndef CORE_PAST_H
#define CORE_PAST_H

#include <stddef.h>

struct err;
struct ledger;
struct ledger_entry;
struct plan;
struct pool;

/** What the log has of an entry of the plan; NULL when it says nothing of it. */
const struct ledger_entry *past_entry(const struct plan *plan, const struct ledger *l,
				      size_t pos);

/**
 * The position at which each settled entry took effect: its own, or, of one that ran
 * in the place of another before anything behind that was settled, the other's.
 * Fills `place`, which has room for the plan; of others it says their own. 0 or -1.
 */
int past_places(struct plan *plan, const struct ledger *l, size_t *place,
		struct err *err);

/**
 * The entry that a settled one ran instead of, with both records in one transaction:
 * 1 with `*of` set; 0; -1.
 */
int past_replaced(struct plan *plan, const struct ledger *l, size_t pos, size_t *of,
		  struct err *err);

/**
 * Whether a contract, or what fixes one, was waiting when `other` was settled, so that
 * the other could pass it: 1, 0, -1. A tag leaves no trace of when it was made.
 */
int past_waited(struct plan *plan, const struct ledger *l, size_t pos, size_t other,
		struct err *err);

#endif
