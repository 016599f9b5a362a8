/* What the files that decide share; nobody else includes this. */
#ifndef FLOW_DECIDE_PARTS_H
#define FLOW_DECIDE_PARTS_H

#include "flow/decide.h"
#include "flow/fixes.h"
#include "sql/trouble.h"

/* What another target's log says of the migration. */
enum where {
	WHERE_NOT,	/* neither run nor tried */
	WHERE_FAILED,	/* rolled back */
	WHERE_OPEN,	/* begun, and nobody knows */
	WHERE_RAN,	/* applied or adopted */
	WHERE_REPLACED, /* another one took its place */
	WHERE_UNKNOWN,	/* neither tracker nor mirror could be read */
};

struct elsewhere {
	const char *target;
	enum where where;
	const char *source; /* "tracker", "mirror" */
	const char *note;   /* why not the tracker; NULL: it was */
};

struct deciding {
	struct repo *repo;
	struct diagnosis *d;
	const struct decide_options *o;
	bool is_alone; /* who was asked is gone */
	struct decide *out;
	ssize_t pos; /* in the plan, or -1 */
	const struct ledger_entry *entry;

	struct elsewhere *others; /* once `asked_others` */
	size_t nr_others, alloc_others;
	bool asked_others;

	struct db_now now; /* once `asked_now` */
	bool asked_now;
	struct err no_now; /* why there is nothing to be seen */

	const char *done_blob; /* before a change, whose batches are done; NULL: none */

	struct sql_trouble trouble; /* the kind that was looked for last */
	size_t nr_trouble;	    /* which one of several of its kind it is, from 0 */

	struct fixes fixes;

	/* code that runs: files of compat/ at the deployed revision */
	struct compat_file {
		const char *path, *text;
		size_t len;
	} * compat;
	size_t nr_compat, alloc_compat;
	const char *deployed; /* the revision; NULL: none is known */
	bool read_compat;
};

/* --- decide_where.c ------------------------------------------------------ */

/** Asks all other targets, once. 0 or -1. */
int decide_ask_others(struct deciding *g, struct err *err);

/** How many of them are as `where` says. */
size_t decide_others(const struct deciding *g, enum where where);

/** Adds a line for each to the evidence. */
void decide_tell_others(const struct deciding *g, struct buf *lines);

/* --- decide_data.c ------------------------------------------------------- */

/** Reads the tables before and after it, and what it did. 0 or -1. */
int decide_read_tables(struct deciding *g, struct err *err);

/** Whether it takes away values that were there before it, as far as its SQL tells. */
bool decide_destroys(const struct deciding *g);

/** Looks who works on its tables, once. What cannot be seen is in g->no_now. */
void decide_look_now(struct deciding *g);

/** Counts what a down migration would destroy. */
void decide_count_down(struct deciding *g);

/** Reads compat/, once. 0 or -1. */
int decide_read_compat(struct deciding *g, struct err *err);

/* --- decide_commands.c ---------------------------------------------------- */

/** Writes what to type for the way that was found. 0 or -1. */
int decide_write_commands(struct deciding *g, struct err *err);

/* --- decide_signs.c ------------------------------------------------------ */

/** Answers one of the questions from ASK_INDEX to ASK_SLOW. */
int decide_sign(struct deciding *g, enum decision_question question, struct err *err);

#endif
