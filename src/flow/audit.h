/* Proof: the three logs against each other (DESIGN.md 1). */
#ifndef FLOW_AUDIT_H
#define FLOW_AUDIT_H

#include "flow/target.h"

struct err;
struct repo;

enum check_result { CHECK_OK, CHECK_WARNING, CHECK_FAILED };

/** Identifiers are frozen: "chain", "columns", "plan", "open", "mirror-lacks", ... */
struct audit_check {
	const char *id;
	enum check_result result;
	uint64_t seq;	     /* the record that it is about, 0 for none */
	const char *message; /* what was found; for OK what was compared */
};

struct audit {
	struct pool pool;
	struct audit_check *checks;
	size_t nr, alloc;
	size_t failed;
	bool full;		     /* as asked */
	uint64_t records;	     /* in the tracker */
	char head[SHA256_HEXSZ + 1]; /* hash of the newest, "" without one */
};

struct audit_options {
	const char *rev; /* NULL: HEAD */
	bool full;	 /* what was found in order before is gone through again */
	bool offline;	 /* the mirror stands for the tracker: no database is asked */
	struct target_options target;
};

/**
 * Compares a target's tracker with itself, with the plan and with its mirror, and with
 * what this clone has seen of it before. Changes nothing but that (migrate/seen/,
 * migrate/history/). 0 when
 * the comparison could be made, whatever it found; -1. `a` must be released in either
 * case.
 */
int audit_run(struct repo *repo, const struct audit_options *o, struct audit *a,
	      struct err *err);
void audit_release(struct audit *a);

#endif
