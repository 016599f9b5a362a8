/*
 * The plan against the ledger of a target: what is done, what is to do, and
 * what contradicts invariant I2 (DESIGN.md 1 and 5).
 */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct ledger;
struct ledger_entry;
struct oid;
struct plan;

enum verdict {
	VERDICT_SETTLED,
	VERDICT_PENDING,
	VERDICT_EDITED, /* settled with another blob */
	VERDICT_GAP,	/* pending, and an applied one was written with it in place */
	VERDICT_LATE,	/* pending before an applied one that did not know of it */
};

/** Whether commit `a` is `b` or an ancestor of it: 1, 0; -1 with `err` set. */
typedef int (*is_ancestor_fn)(void *ctx, const struct oid *a, const struct oid *b,
			      struct err *err);

struct judgement {
	enum verdict *of; /* by position in the plan */
	size_t nr;
	size_t *behind; /* GAP and LATE: position of the applied one that it precedes */
	const struct ledger_entry **missing; /* settled, and not in the plan */
	size_t nr_missing;
	size_t count[VERDICT_LATE + 1]; /* of each verdict */
};

/**
 * Judges every entry. 0, or -1 when the history could not be asked.
 */
int judge(const struct plan *plan, const struct ledger *ledger,
	  is_ancestor_fn is_ancestor, void *ctx, struct judgement *out, struct err *err);

void judgement_release(struct judgement *j);

/** One word for tables and --porcelain; frozen. */
const char *verdict_word(enum verdict v);

#endif
