/*
 * Folders in which nothing was found that the plan does not have, as they were then:
 * while none of them has changed there still is nothing, and they need not be read. Kept
 * in migrate/quiet of the work tree's git dir; what goes wrong with that costs time
 * alone.
 */
#ifndef FLOW_QUIET_H
#define FLOW_QUIET_H

#include <stdbool.h>

#include "base/buf.h"

struct plan;
struct repo;

/** Folders as they are found: `lines` is the caller's to release. */
struct quiet {
	struct buf lines;
	bool restless; /* one of them may change unnoticed, or cannot be looked at */
};

/** Adds a folder; to be called before it is read. */
void quiet_add(struct quiet *q, const char *path);

/** Whether this plan's folder below the top `path` is known to be quiet. */
bool quiet_is_known(struct repo *repo, const struct plan *plan, const char *path);

/** Keeps what was added for a plan, for the next time. */
void quiet_keep(struct repo *repo, const struct plan *plan, const struct quiet *q);

#endif
