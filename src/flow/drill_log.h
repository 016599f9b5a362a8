/* How drills ended: refs/notes/migrate-proof/drills. */
#ifndef FLOW_DRILL_LOG_H
#define FLOW_DRILL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"

struct drill;
struct err;
struct repo;

/** One line of it; "" for what it does not say, -1 for numbers. */
struct drilled {
	const char *result, *incident, *engine, *by, *at;
	int64_t seconds, hints;
};

/** Start with `= { 0 }`; newest first. */
struct drill_log {
	struct pool pool;
	struct drilled *items;
	size_t nr, alloc;
};

/** Notes a result on the commit that HEAD is on. 0 or -1. */
int drill_log_add(struct repo *repo, const struct drill *d, const char *engine,
		  const char *result, struct err *err);

/**
 * What a repository knows; of a drill's own, what the one knows that it was begun from.
 * 0 or -1; drill_log_release in either case.
 */
int drill_log_read(struct repo *repo, struct drill_log *out, struct err *err);
void drill_log_release(struct drill_log *l);

/** The newest that was passed, NULL. Borrowed. */
const struct drilled *drill_log_passed(const struct drill_log *l);

/** Days since then; -1 when its time cannot be read. */
int64_t drilled_days_ago(const struct drilled *d);

/** migrate.drillInterval, in days; 0: nobody asks for drills. 0 or -1. */
int drill_interval(struct repo *repo, unsigned *days, struct err *err);
/** Whether it is set, and so somebody wants drills. */
bool drill_interval_is_set(struct repo *repo);

#endif
