/* What is well and what is not in a drill: by its history, log, data and application. */
#ifndef FLOW_DRILL_JUDGE_H
#define FLOW_DRILL_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

struct drill;
struct err;
struct pool;

enum drill_area {
	DRILL_AREA_HISTORY, /* nothing that stood was changed */
	DRILL_AREA_LOG,	    /* of the database: it went on from where it was */
	DRILL_AREA_PLAN,    /* is applied whole, and has a fix that says what it mends */
	DRILL_AREA_OLD,	    /* version of the application */
	DRILL_AREA_NEW,
	DRILL_AREA_DATA,    /* that was there as the drill began */
	DRILL_AREA_WRITERS, /* get through while it is rolled forward */
};

struct drill_verdict {
	enum drill_area area;
	bool ok;
	const char *what; /* was looked at */
	const char *why;  /* it is not well; "" */
};

/** Start with `= { 0 }`; texts are the drill's pool's. */
struct drill_judgement {
	struct drill_verdict *items;
	size_t nr, alloc;
	size_t failed;
};

/** The word for an area, "history". Frozen. */
const char *drill_area_word(enum drill_area area);

/**
 * Lets the application run, the writers too. 0 or -1: it could not be tried, or a signal
 * asked to stop (base/interrupt.h, where it is watched for).
 */
int drill_try_application(struct drill *d, struct drill_judgement *out, struct err *err);

/** The same and all else. */
int drill_judge(struct drill *d, struct drill_judgement *out, struct err *err);

void drill_judgement_release(struct drill_judgement *j);

#endif
