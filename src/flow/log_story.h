/* The records of one target for those who read its story: in force, and lost. */
#ifndef FLOW_LOG_STORY_H
#define FLOW_LOG_STORY_H

#include <stddef.h>

struct err;
struct log_target;
struct pool;
struct repo;

/**
 * Reads what the mirror of a named target says, of `nr` paths alone or of all (`paths` is
 * NULL). 0 or -1; log_story_release in either case.
 */
int log_story_read(struct repo *repo, struct log_target *t, const char *const *paths,
		   size_t nr, struct pool *pool, struct err *err);
void log_story_release(struct log_target *t);

#endif
