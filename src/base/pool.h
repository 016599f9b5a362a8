/* Memory of one command, freed at once. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

struct pool_block;

/** Start with `= { 0 }`. */
struct pool {
	struct pool_block *blocks;
	size_t used, size; /* of the newest block */
};

/** Zeroed memory that lives as long as the pool. */
void *pool_alloc(struct pool *p, size_t len);
char *pool_strdup(struct pool *p, const char *s);
char *pool_strndup(struct pool *p, const char *s, size_t len);
char *pool_printf(struct pool *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
void pool_release(struct pool *p);

#endif
