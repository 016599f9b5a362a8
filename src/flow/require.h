/* Rules that a project asks for: signatures, reviews, rehearsals. */
#ifndef FLOW_REQUIRE_H
#define FLOW_REQUIRE_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct findings;
struct oid;
struct plan;
struct push;
struct repo;

struct required {
	struct plan *plan;
	const struct plan *was;	 /* that of before, NULL: there is none */
	size_t from;		 /* position from which on all is new */
	const struct oid *tip;	 /* of the history that brings what is new */
	const struct push *push; /* that may bring rehearsals, or NULL */
	const bool *only;	 /* by position: these and no others; NULL: what is new */
};

/**
 * Judges what is new of a plan, and what has other bytes than before, by
 * migrate.requireSigned, migrate.requireReview, migrate.requireRehearsal and
 * migrate.oneMigrationPerCommit. 0 or -1.
 */
int require_check(struct repo *repo, const struct required *what, struct findings *f,
		  struct err *err);

/** Whether any of migrate.requireSigned, requireReview, requireRehearsal is set. */
bool require_is_asked(struct repo *repo);

/**
 * Judges by these three the entries at the positions that `only` marks, which have
 * landed already. 0 or -1.
 */
int require_landed(struct repo *repo, struct plan *plan, const bool *only,
		   struct findings *f, struct err *err);

#endif
