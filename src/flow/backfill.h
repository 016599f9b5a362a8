/* How far a migration that is run in batches has come (backfill.c runs it). */
#ifndef FLOW_BACKFILL_H
#define FLOW_BACKFILL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/oid.h"

struct err;
struct record;
struct migration;
struct target;

/** Whether the header of these bytes asks for batches. */
bool backfill_is_asked(const char *sql, size_t len);

/**
 * Appends in a few words how far the one of `r`, a record about it, has come on the
 * target: "12000 rows are done, in 12 batches, up to 12000". 0 or -1.
 */
int backfill_describe(struct target *t, const struct record *r, struct buf *out,
		      struct err *err);

/** Batches that stay. Start with `= { 0 }`; the words are the caller's to release. */
struct backfill_part {
	struct buf words; /* how far, as above */
	char blob[OID_HEXSZ + 1];
	bool changed; /* the plan has other bytes than these */
};

/**
 * Whether batches of a migration are committed on the target where it is not settled,
 * be it as the plan has it or as it was before it was changed. 1, 0, -1.
 */
int backfill_is_partly_done(struct target *t, const struct migration *m,
			    struct backfill_part *out, struct err *err);

#endif
