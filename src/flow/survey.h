/* One target against one plan: what status shows and apply acts upon. */
#ifndef FLOW_SURVEY_H
#define FLOW_SURVEY_H

#include "base/clock.h"
#include "core/plan.h"
#include "core/policy.h"
#include "core/verdict.h"
#include "flow/gates.h"
#include "flow/mirror.h"
#include "flow/target.h"

struct err;
struct repo;

struct survey {
	struct repo *repo; /* borrowed */
	struct plan plan;
	struct target target;
	struct judgement judgement;
	struct mirror
		mirror; /* its head alone, read before the tracker, which only grows */
	bool ahead;	/* the plan is settled, and what else is applied comes later */
	/* what forbids to apply (errors), and what a person should know (warnings) */
	struct findings problems;
	struct gates gates;	 /* what waits for other targets, or for rehearsals */
	const char **exceptions; /* by position: see survey_exception */
	size_t first_pending;	 /* position of the first that is not settled */
};

struct survey_options {
	const char *rev; /* NULL: HEAD */
	struct target_options target;
};

/**
 * Works out the plan of a revision, reads the target's tracker and compares
 * them. Changes nothing. 0 or -1; `s` must be released in either case.
 */
int survey_take(struct survey *s, struct repo *repo, const struct survey_options *o,
		struct err *err);

/** Compares again after target_read. 0 or -1. */
int survey_judge(struct survey *s, struct err *err);

void survey_release(struct survey *s);

/** What a schedule asks beside plan and log; `out` goes on to use `today`. */
void survey_world(struct repo *repo, char today[CLOCK_TEXT], struct schedule_world *out);

/** The action that is due for a plan entry. Borrowed. */
const struct course *survey_course(const struct survey *s, size_t pos);

/** A migration in force here, and a fix of it that is not. */
struct unfixed {
	size_t of, fix;
};

/** Those; `*out` is the caller's. Returns how many. */
size_t survey_unfixed(const struct survey *s, struct unfixed **out);

/** Whether the plan entry at `pos` is to be run, exceptions included. */
bool survey_is_pending(const struct survey *s, size_t pos);

/** How many are. */
size_t survey_pending(const struct survey *s);

/**
 * Whether a settled path that a plan lacks is in the plan of a later commit that
 * is known here: 1, 0, -1. `cache` starts empty and must be released.
 */
int survey_comes_later(struct repo *repo, const struct plan *plan,
		       const struct ledger_entry *e, struct plan *cache, struct err *err);

/**
 * Position of a migration that the plan still has as it was begun, so that apply can
 * go on with it; -1.
 */
ssize_t survey_as_started(const struct survey *s, const struct record *open);

/**
 * Why an entry may run although others behind it were: the reason of an
 * "Out-Of-Order:" trailer or the target's setting; NULL for any other entry.
 */
const char *survey_exception(const struct survey *s, size_t pos);

/**
 * Makes an error of the first problem that is no warning, and tells of the
 * others in its detail. Returns -1.
 */
int survey_refuse(const struct survey *s, struct err *err);

/** The same of what is held back, which is a warning. */
int survey_refuse_held(const struct survey *s, struct err *err);

#endif
