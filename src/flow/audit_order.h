/* Whether things were settled in the order of the plan, or as it allows. */
#ifndef FLOW_AUDIT_ORDER_H
#define FLOW_AUDIT_ORDER_H

#include "flow/audit.h"
#include "core/ledger.h"

struct err;
struct plan;

/** Adds to `a` what it finds ("order", "pairs"). 0 or -1. */
int audit_order(struct audit *a, struct plan *plan, const struct ledger *l,
		struct err *err);

#endif
