/* The part of an audit that goes through the history of a mirror, not its tip alone. */
#ifndef FLOW_AUDIT_HISTORY_H
#define FLOW_AUDIT_HISTORY_H

struct audit;
struct err;
struct mirror;
struct repo;

/**
 * Each commit of the target's mirror, its own and those that were fetched, must have
 * what its parents had: tells of the lines that one took out, though a later one may
 * have put them back. Those that an audit of this clone has found in order before are
 * gone through again only where `a->full` is set. Where they are not behind the refs
 * any more, `m`, what the mirror holds now, must have all that they had. 0 or -1.
 */
int audit_history(struct audit *a, struct repo *repo, const char *target,
		  const struct mirror *m, struct err *err);

#endif
