/*
 * A database for a while, on which a plan is tried: made empty or as a copy, and
 * always dropped again. What a killed program has left behind is cleared away by the
 * next one.
 */
#ifndef FLOW_SCRATCH_H
#define FLOW_SCRATCH_H

#include "flow/apply.h"
#include "flow/scratch_folder.h"
#include "flow/target.h"

struct err;
struct kept;
struct repo;

/** Where it is made. */
struct scratch_options {
	/* its URL says the engine, and for a server where; NULL, or one that is not
	   configured: a private server of PostgreSQL */
	const char *target;
	/* in place of the target's: a server's database, or "sqlite:" for a new file;
	   "postgresql:" for a private server; NULL */
	const char *on;
	const char *like; /* a server's: the database that it is a copy of; NULL */
	bool copy;	  /* of the target, with its data and its tracker */
	void (*interrupted)(void *arg);
	void *interrupted_arg;
};

/** Start with SCRATCH_INIT. */
struct scratch {
	struct repo *repo;
	struct scratch_folder folder; /* of a file, or of a private server */
	struct target server;	      /* that it is made on; db NULL: a file */
	char name[64];		      /* of the database there; "" until it is made */
	struct buf url;		      /* leads to it; never to be shown */
	struct target target;	      /* connected to it */
	bool private_server;
	size_t swept; /* left behind by others, and cleared away */
};

#define SCRATCH_INIT                                                                     \
	{                                                                                \
		.folder = SCRATCH_FOLDER_INIT                                            \
	}

/**
 * Makes one and connects to it: s->target has driver and db, and no tracker yet, or
 * what was copied. 0 or -1; scratch_drop in either case.
 */
int scratch_make(struct scratch *s, struct repo *repo, const struct scratch_options *o,
		 struct err *err);

/** Drops it, and all that was made for it: after a failure and a signal too. */
void scratch_drop(struct scratch *s);

/**
 * apply_run() on it: no mirror is written, nothing is configured, nobody's settings
 * apply. `o->target` is not looked at. 0 or -1.
 */
int scratch_apply(struct scratch *s, const struct apply_options *o, struct err *err);

/** How a script of somebody's is run in a transaction. */
enum scratch_end {
	SCRATCH_KEEP, /* what it did stays */
	SCRATCH_UNDO, /* it is rolled back */
};

/**
 * Runs a script, not of the plan, in one transaction; `rows` (may be NULL) takes what
 * it answers, as rows of a scenario. 0; 1: it failed, and `err` says why and where;
 * -1: it could not be tried.
 */
int scratch_run(struct scratch *s, const struct db_script *script, enum scratch_end end,
		struct buf *rows, struct err *err);

#endif
