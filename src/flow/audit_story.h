/* The part of an audit that needs no database: a log against plan and history. */
#ifndef FLOW_AUDIT_STORY_H
#define FLOW_AUDIT_STORY_H

#include "flow/audit.h"

struct audit_log;
struct fixes;
struct plan;

/** Adds what was found; `seq` is 0 when it is about no single record. */
void audit_note(struct audit *a, const char *id, enum check_result result, uint64_t seq,
		const char *fmt, ...) PRINTF_LIKE(5, 6);

/**
 * Order of what was applied, commits that records name, fixes as recorded and as in
 * the plan, what is broken here and not fixed, exceptions and their reasons. 0 or -1.
 */
int audit_story(struct audit *a, struct repo *repo, struct plan *plan,
		const struct audit_log *log, struct err *err);

#endif
