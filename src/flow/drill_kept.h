/* Inside of judging a drill: what stood and what was committed, against what is there. */
#ifndef FLOW_DRILL_KEPT_H
#define FLOW_DRILL_KEPT_H

struct drill;
struct drill_judgement;
struct err;

/** Whether all data that was there as the drill began is there, but for what may differ.
 * 0 or -1. */
int drill_judge_kept(struct drill *d, struct drill_judgement *out, struct err *err);

/**
 * Whether the database is made of what the migrations make, and alike where one that
 * fails here has run. 0 or -1.
 */
int drill_judge_schema(struct drill *d, struct drill_judgement *out, struct err *err);

#endif
