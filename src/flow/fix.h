/* A fix that is begun: what it is a fix of, and what its file says at first. */
#ifndef FLOW_FIX_H
#define FLOW_FIX_H

#include "flow/log.h"
#include "sql/remedy.h"

struct buf;
struct err;
struct repo;

struct fix_options {
	const char *migration; /* as a person names it */
	const char *kind;      /* NULL: worked out from the SQL */
	int nth;	       /* of several that went wrong alike, from 1 */
	const char *target;    /* whose URL tells the engine */
	const char *engine;    /* "sqlite" or "postgresql"; NULL: by the URL */
};

struct fix_draft {
	struct log log;
	size_t pos; /* of what is fixed, in the log's plan */
	struct sql_catalog before, after, now;
	struct sql_remedy remedy;
	size_t nth;		 /* of its kind it is, from 0 */
	bool replaces;		 /* a contract that stops: it takes its place */
	bool others[TROUBLE_NR]; /* further kinds of which there are signs */
};

/**
 * Reads the plan of HEAD and what went wrong. Refuses what is not in it, what nobody
 * has but its author, and what no kind fits. 0 or -1; fix_release in either case.
 */
int fix_read(struct repo *repo, const struct fix_options *o, struct fix_draft *out,
	     struct err *err);
void fix_release(struct fix_draft *d);

/**
 * Appends what else the same happened to, which the fix says nothing of, "t.b (--nth=2),
 * u (index i, --nth=3)"; nothing where there is no more.
 */
void fix_add_more(const struct fix_draft *d, struct buf *out);

/** Appends the first file of the fix; `name` is its path below the folder. */
void fix_write(const struct fix_draft *d, const char *name, struct buf *out);

/**
 * Appends the file of a further step, which is run behind the file `requires`; false
 * where there is no such step.
 */
bool fix_write_step(const struct fix_draft *d, enum remedy_step step,
		    const char *requires, struct buf *out);

/**
 * Appends the later contract; false where there is none. `name`: that of its file;
 * `partner`: the last file that is to have run before it.
 */
bool fix_write_contract(const struct fix_draft *d, const char *name, const char *partner,
			struct buf *out);

#endif
