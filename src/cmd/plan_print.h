/* The forms in which `plan` prints. */
#ifndef CMD_PLAN_PRINT_H
#define CMD_PLAN_PRINT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/oid.h"

struct ctx;
struct err;
struct findings;
struct plan;

struct plan_view {
	struct plan *plan;
	struct oid commit; /* asked for */
	bool *shown;	   /* by position */
	bool merging;	   /* the plan is that of a merge, */
	struct oid theirs; /* of this commit, */
	size_t arriving;   /* which brings the entries from here on */
};

/* Each returns 0 or -1. */
int plan_print_porcelain(const struct plan_view *v);
int plan_print_table(struct ctx *ctx, const struct plan_view *v, bool graph,
		     struct err *err);
int plan_print_json(const struct plan_view *v, const struct findings *f, struct err *err);

#endif
