/*
 * The way forward from a migration that went wrong: the decision tree (core/decision.h)
 * walked with evidence from the log, the plan, the databases and the code that runs.
 * Nothing is changed.
 */
#ifndef FLOW_DECIDE_H
#define FLOW_DECIDE_H

#include "core/decision.h"
#include "flow/diagnose.h"
#include "sql/effect.h"

enum { DECIDE_NOBODY = -2 };

struct decide_options {
	/**
	 * Asks a person what evidence cannot tell; `usual` is the answer that is taken
	 * else. Position of an answer, DECIDE_NOBODY when the person is gone, or -1.
	 * NULL: there is nobody to be asked.
	 */
	int (*ask)(void *arg, enum decision_question question, int usual,
		   const char *evidence, struct err *err);
	void *arg;
};

/** What stands behind an answer: lines for people, from outside in part. */
struct decide_evidence {
	struct buf lines;
	bool open;  /* it does not decide: the usual answer was taken, or a person's */
	bool asked; /* a person gave it */
};

/** What a down migration would destroy, or not bring back. */
struct decide_down {
	const struct sql_effect *effect;
	const char *name; /* "users.phone_number" */
	struct db_count count;
	const char *why_not; /* it could not be counted; NULL: it was, or is not to be */
};

struct decide_command {
	const char *text;
	bool edit; /* in words: a file is to be edited here */
};

struct decide {
	struct pool pool;
	struct decision_walk walk;
	struct decide_evidence of[ASK_NR]; /* of each question that was asked */
	struct decide_command commands[DECISION_COMMANDS];
	size_t nr_commands;
	const char *advice;
	struct decide_down *down;
	size_t nr_down;
	struct sql_effects effects;
	struct sql_catalog before, after; /* it: the texts of the effects are theirs */
};

/**
 * Walks for a migration that was diagnosed; `d` must not have changed since. 0, or -1
 * with `err` set; decide_release in either case.
 */
int decide(struct repo *repo, struct diagnosis *d, const struct decide_options *o,
	   struct decide *out, struct err *err);
void decide_release(struct decide *out);

#endif
