/* Inside of a rehearsal: what its parts share. */
#ifndef FLOW_STAGE_H
#define FLOW_STAGE_H

#include "core/schema.h"
#include "core/ties.h"
#include "flow/rehearse.h"

struct stage {
	struct repo *repo;
	const struct rehearse_options *o;
	struct rehearsal *r;
	struct scratch scratch;
	struct kept before;
	struct schema shape;	/* sorted, of the same time */
	struct kept added;	/* what there is just before the fix */
	int64_t since;		/* clock_ms() when the present step began */
	const char *running;	/* path of the migration that is run */
	struct ties *ties;	/* by position */
	size_t root;		/* the original, or what is replaced */
	ssize_t replacement;	/* what runs in the place of that; -1: nothing */
	bool original_is_there; /* in the copy */
	bool between;		/* something ran between the original and the fix */
	/* of those that replace each other, what ran before; the second of what stands
	   before that which it replaces */
	plan_digest ran, ran_in_place;
};

const char *stage_path(const struct stage *s, size_t pos);
/** The path of what is rehearsed. */
const char *stage_migration(const struct stage *s);

void stage_begin(struct stage *s, enum rehearse_step step);
/** Keeps what was done, with its time, and tells of it. */
void stage_end(struct stage *s, struct rehearse_done done);

/* --- rehearse_parts.c: sections of the scenario. 0 or -1 ------------------- */

/** Whether those that ask are queries; runs nothing. */
int stage_check_parts(struct stage *s, struct err *err);
int stage_seed(struct stage *s, struct err *err);
/** What must fail, or give other rows. */
int stage_failures(struct stage *s, struct err *err);
/** All that must hold behind the fix. */
int stage_checks(struct stage *s, struct err *err);

/* --- rehearse_kept.c: what was there before. 0 or -1 ----------------------- */

int stage_count(struct stage *s, struct err *err);
/** The same just before the fix. */
int stage_count_added(struct stage *s, struct err *err);
int stage_compare(struct stage *s, struct err *err);

/** Tells of what passes all the same; the text is the rehearsal's. */
void stage_remark(struct stage *s, const char *text);

/* --- rehearse_shape.c: what hangs on the tables ---------------------------- */

/** Reads what the scratch database is made of, sorted. 0 or -1. */
int stage_read_shape(struct stage *s, struct schema *out, struct err *err);
/** Remarks what was there before and is not in `is`, beside tables and columns. */
void stage_compare_shape(struct stage *s, const struct schema *is);

/* --- rehearse_same.c: what runs in the place of another. 0 or -1 ----------- */

int stage_read_ties(struct stage *s, struct err *err);
/** Whether both ways end in one schema; nothing where there is but one way. */
int stage_same(struct stage *s, struct err *err);

/* --- rehearse_note.c -------------------------------------------------------- */

/** Keeps what ran before the migration, which has run. 0 or -1. */
int stage_read_ran(struct stage *s, struct err *err);

/**
 * Notes what came of it: `ret` as of rehearse(), with its error. A failure is noted
 * too, unless it is one of the surroundings. Returns `ret`, or -1.
 */
int stage_conclude(struct stage *s, int ret, struct err *err);

#endif
