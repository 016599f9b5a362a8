/*
 * Who brought a migration, and what its message and header say. For git/ alone.
 */
#ifndef GIT_DESCRIBE_H
#define GIT_DESCRIBE_H

#include "core/migration.h"

struct err;
struct pool;
struct repo;

/**
 * Reads the header of a blob; one too large to have been meant for one has none.
 * 0 or -1.
 */
int describe_header(struct repo *r, const struct oid *blob, struct pool *pool,
		    struct trailers *out, struct directives *how, struct err *err);

/** Fills what plan_source asks for, from the cache or the two objects. 0 or -1. */
int describe_migration(struct repo *r, struct pool *pool, struct migration *m,
		       struct err *err);

/** The same from the objects alone. */
int describe_raw(struct repo *r, struct pool *pool, struct migration *m, struct err *err);

#endif
