/* Rules that a project asks for: signatures, reviews, rehearsals. */
#ifndef FLOW_REQUIRE_H
#define FLOW_REQUIRE_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct findings;
struct plan;
struct push;
struct repo;

#define REHEARSALS_REF "refs/notes/migrate-proof/rehearsals"

/**
 * Judges the entries of a plan from position `from` on by migrate.requireSigned,
 * migrate.requireReview, migrate.requireRehearsal and migrate.oneMigrationPerCommit.
 * `push` (may be NULL) may bring rehearsals. 0 or -1.
 */
int require_check(struct repo *repo, struct plan *plan, size_t from,
		  const struct push *push, struct findings *f, struct err *err);

/** Whether any of migrate.requireSigned, requireReview, requireRehearsal is set. */
bool require_is_asked(struct repo *repo);

/**
 * Judges by these three the entries at the positions that `only` marks, which have
 * landed already. 0 or -1.
 */
int require_landed(struct repo *repo, struct plan *plan, const bool *only,
		   struct findings *f, struct err *err);

#endif
