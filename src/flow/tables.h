/* The tables that a plan makes, and whether a migration of it is final. */
#ifndef FLOW_TABLES_H
#define FLOW_TABLES_H

#include <stdbool.h>

#include "sql/catalog.h"

struct err;
struct ledger;
struct plan;
struct repo;

struct tables {
	struct repo *repo;
	struct plan *plan;
	bool *counts; /* by position: what it does has been, or will be, done */
};

/**
 * Sets what counts on a target of that log: what it applied, and what is left for it
 * to run; no contract that waits, nothing that another one replaces. `broken` counts,
 * whatever became of it. 0 or -1; tables_end in either case.
 */
int tables_begin(struct tables *t, const struct ledger *l, size_t broken,
		 struct err *err);
void tables_end(struct tables *t);

/** The tables after the first `nr` migrations, `out` being empty. 0 or -1. */
int tables_read(const struct tables *t, size_t nr, struct sql_catalog *out,
		struct err *err);

/** Whether the protected branch has a migration: 1, 0, -1. */
int tables_landed(struct repo *repo, const char *path, struct err *err);

#endif
