/*
 * A rehearsal: a migration, and the one that it corrects, are run on a scratch database
 * with the seed, the failure and the checks of its scenario. It passes when the failure
 * is one before and none behind it, and all that was there before is there afterwards.
 */
#ifndef FLOW_REHEARSE_H
#define FLOW_REHEARSE_H

#include "core/kept.h"
#include "core/plan.h"
#include "core/scenario.h"
#include "flow/compat.h"
#include "flow/scratch.h"

struct err;
struct repo;

enum rehearse_step {
	REHEARSE_BEFORE, /* all that comes before the original is applied */
	REHEARSE_SEED,
	REHEARSE_ORIGINAL, /* the migration that is corrected is applied */
	REHEARSE_FAILURE,  /* it fails, or gives wrong rows, as it should */
	REHEARSE_FIX,
	REHEARSE_WORKS, /* the failure is none any more */
	REHEARSE_CHECK,
	REHEARSE_KEPT,
	REHEARSE_SAME, /* one that runs in the original's place ends in the same schema */
	REHEARSE_COMPAT,
};

/** One thing that was done. Texts are the rehearsal's. */
struct rehearse_done {
	enum rehearse_step step;
	const char *what; /* a path, or the title of a section; "" for neither */
	unsigned line;	  /* of the scenario; 0: not of it */
	const char *said; /* the failure's own words; SAME: the schema, or why there is
			     nothing to compare (`what` is "" then); NULL */
	size_t nr;	  /* BEFORE: migrations; KEPT: tables; COMPAT: files */
	int64_t ms;
};

/** What the two migrations did, beside their tables' content. */
struct rehearse_effect {
	const char *path;
	const char *table; /* NULL: a statement */
	const char *lock;  /* the strongest; NULL: the engine has none */
	bool rewritten, dropped;
	uint64_t destroyed;
	unsigned line; /* of the statement */
	int64_t ms;
};

struct rehearsal {
	struct pool pool;
	struct plan plan;
	size_t pos, original;
	bool has_original; /* it corrects one */
	struct scenario scenario;
	struct oid scenario_blob;
	const char *engine;
	bool private_server;
	size_t swept;
	struct rehearse_done *done;
	size_t nr, alloc;
	struct rehearse_effect *effects;
	size_t nr_effects, alloc_effects;
	uint64_t rows;	   /* that were there before */
	size_t columns;	   /* the same */
	const char **lost; /* sentences: what is not there any more */
	size_t nr_lost, alloc_lost;
	const char **remarks; /* sentences: what is kept, but was not seen to be */
	size_t nr_remarks, alloc_remarks;
	struct compat compat;
	enum rehearse_step at; /* what is under way, or has failed */
	const char *note;      /* that says what came of it; NULL: none was written */
};

struct rehearse_options {
	const char *rev;       /* NULL: HEAD */
	const char *migration; /* to be rehearsed */
	struct scratch_options where;
	bool silent; /* no note is written */
	/** Something was done. May be NULL. */
	void (*tell)(void *arg, const struct rehearsal *r,
		     const struct rehearse_done *done);
	void *arg;
};

/**
 * Does it all, and notes what came of it (refs/notes/migrate-proof/rehearsals). 0 when
 * it passed; -1, ERR_REFUSED for what it is to find out. `r` must be released in
 * either case.
 */
int rehearse(struct repo *repo, const struct rehearse_options *o, struct rehearsal *r,
	     struct err *err);
void rehearsal_release(struct rehearsal *r);

/** One word for --json and notes; frozen. */
const char *rehearse_word(enum rehearse_step step);

#endif
