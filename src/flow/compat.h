/*
 * Statements of the application that runs now (the folder "compat" at the
 * deployed revision): they must still run behind every migration that is pending.
 */
#ifndef FLOW_COMPAT_H
#define FLOW_COMPAT_H

#include "core/plan.h"

struct err;
struct repo;
struct scenario;
struct scratch_options;

struct compat {
	struct pool pool;
	struct oid revision; /* zero: none is known, and nothing was tried */
	const char *lacking; /* why not; NULL when it was tried */
	struct compat_file {
		const char *path; /* below the folder */
		const char *sql;
		size_t len;
		bool ran;	     /* on the copy, as it is or behind a migration */
		const char *untried; /* why it did not; NULL: it did, or there is none */
	} * files;
	size_t nr, alloc;
	size_t migrations; /* behind which they were run */
};

struct compat_options {
	const struct scratch_options *where;
	const struct scenario *scenario; /* its [seed] is put in; NULL: no rows */
	size_t seed_at;			 /* how many migrations of the plan come first */
};

/**
 * Runs them on a scratch database: at what the target has now, then behind each
 * migration of the plan that it lacks. Between a migration and its fix
 * nothing is tried where the fix is pending: what it mends is known, or is never seen.
 * On a copy those that never run may be at odds with its rows alone: they are tried on
 * an empty one. 0; -1, ERR_REFUSED where one does not run. `out` must be released in
 * either case.
 */
int compat_try(struct repo *repo, struct plan *plan, const struct compat_options *o,
	       struct compat *out, struct err *err);
void compat_release(struct compat *c);

#endif
