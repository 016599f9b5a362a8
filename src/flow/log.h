/* The story of the migrations from git alone: plan, fixes, and the mirrors. */
#ifndef FLOW_LOG_H
#define FLOW_LOG_H

#include "core/ledger.h"
#include "core/plan.h"
#include "flow/fixes.h"

struct err;
struct repo;

struct log_target {
	const char *name;
	struct ledger ledger; /* folded from the mirror's lines: what is in force */
	struct record *lost;  /* explained: a restored, copied or new database left them
				 behind; see log_lost_by */
	const struct record **lost_by; /* what says so of each, out of the ledger */
	size_t nr_lost;
	const struct record **story; /* all of both: what was lost before what says so */
	size_t nr_story;
	const char *
		broken; /* why the mirror is not one chain, as far as it was read; NULL */
	const struct record **of_paths; /* those of migrations: by path, then as told */
	size_t nr_of_paths;
};

struct log {
	struct pool pool;
	struct plan plan;	    /* every migration described */
	struct log_target *targets; /* by name */
	size_t nr_targets, alloc_targets;
	struct fixes fixes;
};

/** Reads the plan of `rev` (NULL: HEAD) and every mirror. No database. 0 or -1. */
int log_read(struct repo *repo, const char *rev, struct log *out, struct err *err);

/**
 * The same in two steps: the plan with the names of the targets, then their records; of
 * `nr` paths alone, which is far less to read, or of all (`paths` is NULL).
 */
int log_begin(struct repo *repo, const char *rev, struct log *out, struct err *err);
int log_add_records(struct repo *repo, struct log *l, const char *const *paths, size_t nr,
		    struct err *err);
void log_release(struct log *l);

/** The target of that name, NULL when no mirror of it is at hand. */
const struct log_target *log_target(const struct log *l, const char *name);

/**
 * The record that tells why one of the target's story is not in force: the database was
 * restored, taken for another one's copy, or begun anew; NULL: it is in force. Borrowed.
 */
const struct record *log_lost_by(const struct log_target *t, const struct record *r);

/** The name of what that record says; NULL for one that is in force. */
const char *log_lost_how(const struct log_target *t, const struct record *r);

/**
 * Whether the mirrors that were read are one chain each, of that target or (NULL) all. 0;
 * -1 (ERR_REFUSED) with what is wrong: what they say is not to be relied upon.
 */
int log_check_whole(const struct log *l, const char *target, struct err *err);

/** What a target's log says of a path, lost ones too, oldest first. Borrowed. */
const struct record *const *log_records(const struct log_target *t, const char *path,
					size_t *nr);

/** What to leave out. Times are as records have them; NULL: all. */
struct log_filter {
	const char *target; /* what it has no record of, and the records of others */
	const char *since, *until;
	const char *author; /* of the migration: a basic regular expression, as git's */
	bool fixes;	    /* all but fixes and what they fix */
	bool failed;	    /* all but what has failed somewhere */
};

/** Whether a record is in the times of the filter. */
bool log_in_time(const struct log_filter *f, const struct record *r);

/** Whether log_select() looks at records: it needs all of them then. */
bool log_judges_records(const struct log_filter *f);

/**
 * Sets `shown[position]` for each migration of the plan that passes. One that ran
 * nowhere is judged by the time of its commit. 0; -1: the expression is none
 * (ERR_USAGE).
 */
int log_select(const struct log *l, const struct log_filter *f, bool *shown,
	       struct err *err);

#endif
