/* Whether records are one log, or logs of which none took the others' place. Pure. */
#ifndef CORE_PARTING_H
#define CORE_PARTING_H

#include <stddef.h>

struct pool;
struct record;

/**
 * Sorts records by hash; some may be there twice. They are one log when no two continue
 * the same one but for those that say that the database was restored or copied, and when
 * one alone is neither continued nor named as what another one took the place of (old=).
 * Of what is behind a gap, the record before may be missing. NULL, and `*end` is the
 * last record (NULL where there is none); else how they part, the pool's.
 */
const char *parting_find(struct record *records, size_t nr, struct pool *pool,
			 const struct record **end);

#endif
