/*
 * What is to be done with each entry that a target has not settled, in which order,
 * with which records, and what waits for what (DESIGN.md 6 and 10.1 to 10.3). Pure.
 */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include "base/pool.h"
#include "core/record.h"
#include "core/ties.h"

struct err;
struct ledger;
struct plan;

enum fate {
	FATE_SETTLED,	 /* nothing is left to do */
	FATE_RUN,	 /* it runs */
	FATE_SUPERSEDED, /* another one runs, or has run, in its place */
	FATE_UNNEEDED,	 /* what it is for never ran here, or has been seen to */
	FATE_WAITS,	 /* others pass it */
	FATE_HELD,	 /* it requires one that waits, or stands behind such a one */
};

/** What an entry waits for. */
enum wait {
	WAIT_NONE,
	WAIT_DATE,     /* `until` */
	WAIT_TAG,      /* `until`: its name */
	WAIT_PARTNER,  /* `other` was not settled before this run */
	WAIT_REQUIRED, /* it requires `other`, which waits */
	WAIT_FIXED,    /* it fixes `other`, which waits */
	WAIT_TOGETHER, /* `other`, which supersedes it, waits */
};

struct course {
	enum fate fate;
	size_t place;	  /* where it takes effect, or took it: a position */
	ssize_t replaces; /* RUN: the one that is superseded with it; -1 */
	ssize_t other;	  /* why: by which one, for which one, for which it waits; -1 */
	enum wait wait;
	const char *until;
	bool contract;
	bool unsound; /* RUN: it requires what comes behind the one that it replaces */
};

/** One transaction's worth: a migration with its records, or a record alone. */
struct step {
	size_t pos;
	enum event event; /* APPLIED runs it; SUPERSEDED and UNNEEDED only say so */
	ssize_t replaces; /* APPLIED: is superseded in the same transaction; -1 */
	ssize_t other;	  /* SUPERSEDED, UNNEEDED: because of which one */
};

/** What is known beside plan and log. */
struct schedule_world {
	const char *today; /* "2026-11-22", in UTC */
	/** Whether the repository has a tag of that name: 1, 0, -1. */
	int (*has_tag)(void *ctx, const char *name, struct err *err);
	void *ctx;
};

/** Start with `= { 0 }`. */
struct schedule {
	struct pool pool;	/* what is below */
	struct course *courses; /* by position; no places where nothing is left to do */
	/** By position, from `first` on; to what fixes belongs what the superseded fix.
	 */
	struct ties *ties;
	size_t nr;	    /* of the plan */
	size_t first;	    /* position of the first that is not settled */
	struct step *steps; /* in order */
	size_t nr_steps;
	ssize_t held; /* the first that requires one that waits; -1: none */
};

/**
 * Works it out; `first` is the first entry that the log does not settle. 0 or -1.
 */
int schedule_make(struct plan *plan, const struct ledger *l, size_t first,
		  const struct schedule_world *world, struct schedule *out,
		  struct err *err);

void schedule_release(struct schedule *s);

/** Of schedule_make() alone: lists the steps that the courses come to. */
void schedule_list(struct schedule *s);

/** Steps that belong into one transaction: from a migration to its last fix. */
struct span {
	size_t from, to;  /* in steps, both included */
	ssize_t obstacle; /* a step within that shares no transaction; -1: none */
};

/**
 * Spans of the `nr` steps, in order; those without an obstacle do not overlap, and
 * cover each other's. `shares`: whether a step can share a transaction. `*out` is the
 * caller's. Returns how many.
 */
size_t schedule_spans(const struct schedule *s, const struct step *steps, size_t nr,
		      bool (*shares)(void *arg, const struct step *step), void *arg,
		      struct span **out);

/** Why a record alone settles an entry, or what another one replaces; the pool's. */
const char *schedule_reason(const struct plan *plan, const struct schedule *s,
			    const struct step *step, struct pool *pool);

/** What an entry waits for, as a clause: "not before 2027-01-31"; the pool's. */
const char *schedule_wait(const struct plan *plan, const struct course *c,
			  struct pool *pool);

#endif
