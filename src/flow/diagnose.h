/*
 * What became of one migration on one target: what the log says, what the database
 * shows, and what follows from both.
 */
#ifndef FLOW_DIAGNOSE_H
#define FLOW_DIAGNOSE_H

#include "base/buf.h"
#include "base/err.h"
#include "flow/survey.h"

enum diagnose_wish {
	DIAGNOSE_LOOK,	   /* settle what is proven, else change nothing */
	DIAGNOSE_ABANDON,  /* an open one is pending again */
	DIAGNOSE_FINISHED, /* an open one has taken effect: a person has looked */
};

struct diagnose_options {
	const char *target;
	const char *
		migration; /* as a person names it; NULL: the open or newest failed one */
	enum diagnose_wish wish;
	const char *reason; /* of a person; NULL with DIAGNOSE_LOOK */
};

enum diagnosis_state {
	DIAGNOSIS_PENDING, /* it is to be run */
	DIAGNOSIS_SETTLED, /* the log has it as applied, adopted, ... */
	DIAGNOSIS_OPEN,	   /* it was begun, and the log does not say how it ended */
};

struct diagnosis {
	struct survey survey; /* the ledger is that after what was written */
	const char *path;
	enum diagnosis_state state; /* after what was written */
	struct record newest;	    /* of those about it; seq 0 for none */
	/* of one that was open: */
	bool looked;
	bool batched; /* it is run in batches */
	enum db_evidence evidence;
	struct buf seen;	/* what the evidence is, for people */
	struct record started;	/* by which it was open; seq 0: it was not */
	bool as_begun;		/* the plan still has it so */
	struct record recorded; /* what settled it now; seq 0 for nothing */
	struct err unmirrored;	/* set when the mirror could not be written */
};

/**
 * Looks, and writes what the options and the evidence allow, the mirror too. 0; -1
 * with `err` set, ERR_REFUSED when evidence speaks against what a person says. `d`
 * must be released in either case.
 */
int diagnose(struct repo *repo, const struct diagnose_options *o, struct diagnosis *d,
	     struct err *err);

void diagnosis_release(struct diagnosis *d);

#endif
