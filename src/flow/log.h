/* The story of the migrations from git alone: plan, fixes, and the mirrors. */
#ifndef FLOW_LOG_H
#define FLOW_LOG_H

#include "core/ledger.h"
#include "core/plan.h"

struct err;
struct repo;

struct log_target {
	const char *name;
	struct ledger ledger; /* folded from the mirror's lines */
};

struct log {
	struct pool pool;
	struct plan plan;	    /* every migration described */
	struct log_target *targets; /* by name */
	size_t nr_targets, alloc_targets;
	ssize_t *under; /* by position: the earliest one that it fixes, or -1 */
};

/** Reads the plan of `rev` (NULL: HEAD) and every mirror. No database. 0 or -1. */
int log_read(struct repo *repo, const char *rev, struct log *out, struct err *err);
void log_release(struct log *l);

#endif
