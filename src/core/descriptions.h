/*
 * What commits and headers say of migrations, kept as bytes so that it need not
 * be read from the objects again. A commit and a blob say the same for ever.
 */
#ifndef CORE_DESCRIPTIONS_H
#define CORE_DESCRIPTIONS_H

#include "base/buf.h"
#include "base/map.h"
#include "core/migration.h"

struct pool;

/** Start with `= { 0 }`. */
struct descriptions {
	struct buf bytes; /* all of them, one behind the other: what is stored */
	size_t *at;	  /* where each one begins */
	size_t nr, alloc;
	struct map by_id; /* of commit and blob */
};

void descriptions_release(struct descriptions *d);

/** Takes stored bytes, and leaves `bytes` empty. 0, or -1: malformed; `d` is empty. */
int descriptions_decode(struct descriptions *d, struct buf *bytes);

/**
 * Fills what plan_source describes of a migration whose commit and blob are
 * set; texts are copied to the pool. False when it is not known.
 */
bool descriptions_find(struct descriptions *d, struct pool *pool, struct migration *m);

/** Adds the description of a migration that is not there. */
void descriptions_add(struct descriptions *d, const struct migration *m);

#endif
