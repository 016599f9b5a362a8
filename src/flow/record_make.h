/* Records as this program writes them. */
#ifndef FLOW_RECORD_MAKE_H
#define FLOW_RECORD_MAKE_H

#include "base/clock.h"
#include "base/buf.h"
#include "core/record.h"

struct ledger;
struct plan;
struct pool;
struct repo;
struct target;

/** What all records of one run have in common. */
struct scribe {
	char run[NONCE_TEXT];
	char head[OID_HEXSZ + 1];
	struct buf by;
	const struct target *target;
};

void scribe_init(struct scribe *s, struct repo *repo, const struct target *target,
		 const struct oid *head);
void scribe_release(struct scribe *s);

/**
 * Begins a record that follows `last` (NULL: the first): number, prev, event and
 * the common fields. Memory is the pool's. record_seal must follow.
 */
void scribe_begin(const struct scribe *s, struct pool *pool, const struct record *last,
		  enum event event, struct record *out);

/** Path, blob, digest and commit of a migration; `sha256` of the blob's bytes. */
void scribe_migration(struct pool *pool, struct record *r, const struct plan *plan,
		      size_t pos, const char *sha256);

#endif
