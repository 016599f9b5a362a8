/* The tables that a plan makes, and whether a migration of it is final. */
#ifndef FLOW_TABLES_H
#define FLOW_TABLES_H

#include "sql/catalog.h"

struct err;
struct plan;
struct repo;

/** The tables after the first `nr` migrations, `out` being empty. 0 or -1. */
int tables_read(struct repo *repo, const struct plan *plan, size_t nr,
		struct sql_catalog *out, struct err *err);

/** Whether the protected branch has a migration: 1, 0, -1. */
int tables_landed(struct repo *repo, const char *path, struct err *err);

#endif
