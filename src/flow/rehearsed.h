/* Which migrations have passed a rehearsal, as the notes of the repository say. */
#ifndef FLOW_REHEARSED_H
#define FLOW_REHEARSED_H

#include <stdbool.h>

struct err;
struct oid;
struct plan;
struct push;
struct repo;
struct survey;

#define REHEARSALS_REF "refs/notes/migrate-proof/rehearsals"

struct rehearsed_query {
	struct repo *repo;
	const struct push *push; /* that may bring the notes, or NULL */
	struct plan *plan;
	const struct oid *tip; /* has the scenarios that count; NULL: once has to do */
	const char *engine;    /* "sqlite/3.40.1": its product counts; NULL: any */
	/* of the plan, judged: of those that replace each other, the ones count that
	   ran there, or will; NULL: whichever */
	const struct survey *survey;
	bool *astray; /* by position: one has passed where others ran; NULL */
};

/**
 * Marks by position the migrations of a plan, as path and blob, that have passed: the
 * newest rehearsal decides of those with the scenario of `tip`, the original of the plan,
 * all that precedes it there and the engine, where a line tells these; of equal times the
 * one that failed. Without `tip` each one that has passed will do. Where only
 * signed ones count, those that were taken out of the notes do as well. 0 or -1.
 */
int rehearsed_find(const struct rehearsed_query *q, bool *passed, struct err *err);

#endif
