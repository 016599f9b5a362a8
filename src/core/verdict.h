/*
 * The plan against the ledger of a target: what is done, what is to do, and
 * what contradicts invariant I2 (DESIGN.md 1 and 5).
 */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/schedule.h"

struct err;
struct ledger;
struct ledger_entry;
struct oid;
struct plan;

enum verdict {
	VERDICT_SETTLED,
	VERDICT_PENDING,
	VERDICT_EDITED,	 /* settled with another blob */
	VERDICT_GAP,	 /* pending, and an applied one was written with it in place */
	VERDICT_LATE,	 /* pending before an applied one that did not know of it */
	VERDICT_WAITING, /* a contract whose conditions are not met: others pass it */
};

/** Whether commit `a` is `b` or an ancestor of it: 1, 0; -1 with `err` set. */
typedef int (*is_ancestor_fn)(void *ctx, const struct oid *a, const struct oid *b,
			      struct err *err);

/** What is asked of the repository and the clock. */
struct surroundings {
	is_ancestor_fn is_ancestor;
	void *ctx;
	struct schedule_world world;
};

struct judgement {
	enum verdict *of; /* by position in the plan */
	size_t nr;
	size_t *behind; /* GAP and LATE: position of the applied one that it precedes */
	const struct ledger_entry **missing; /* settled, and not in the plan */
	size_t nr_missing;
	size_t count[VERDICT_WAITING + 1]; /* of each verdict */
	struct schedule schedule;	   /* what is to be done, and in which order */
};

/**
 * Judges every entry. What is settled up to the first that is not is not described for
 * that. 0, or -1 when the history could not be asked.
 */
int judge(struct plan *plan, const struct ledger *ledger,
	  const struct surroundings *around, struct judgement *out, struct err *err);

void judgement_release(struct judgement *j);

/** One word for tables and --porcelain; frozen. */
const char *verdict_word(enum verdict v);

#endif
