/* What an auditor asks of all targets, from git alone: runs, failures, fixes, exceptions.
 */
#ifndef FLOW_REPORT_H
#define FLOW_REPORT_H

#include "flow/log.h"
#include "flow/proofs.h"

struct err;
struct repo;

enum incident_kind {
	INCIDENT_FAILED, /* a migration failed and was rolled back */
	INCIDENT_FAULT,	 /* one was in force that another one fixes */
};

/** Something that went wrong on a target, and how it ended. */
struct incident {
	enum incident_kind kind;
	const struct log_target *target;
	const char *path;	    /* that failed, or was wrong */
	const char *fix;	    /* INCIDENT_FAULT: that mends it */
	const char *failure_mode;   /* of the fix; NULL without */
	const struct record *began; /* the first failure, or what brought it into force */
	const struct record *ended; /* what settled it; NULL: it is open */
	size_t failures;	    /* INCIDENT_FAILED: how often */
	int64_t seconds;	    /* from one to the other; -1 while it is open */
};

/** Records of one run of the tool, in the order of the log. */
struct report_run {
	const struct log_target *target;
	const struct record *const *records; /* of the target's story */
	size_t nr;
};

/** A record of a target, for what a person answers for. */
struct report_record {
	const struct log_target *target;
	const struct record *record;
};

struct report {
	struct log log;
	struct log_filter filter;
	const char *head;	 /* the commit whose plan this is, hex; the log's pool */
	struct report_run *runs; /* newest first, target by target */
	size_t nr_runs, alloc_runs;
	struct incident *incidents; /* by the time of their beginning, newest first */
	size_t nr_incidents, alloc_incidents;
	/* excepted, abandoned, adopted, restored, cloned, superseded, unneeded, and
	   created in the place of another one */
	struct report_record *exceptions;
	size_t nr_exceptions, alloc_exceptions;
	struct report_record *failures; /* attempts that were rolled back */
	size_t nr_failures, alloc_failures;
	struct proofs proofs; /* rehearsals and drills, whatever the filter */
};

/**
 * Reads plan and mirrors. `filter` leaves targets and times out; what it points at
 * must live as long as the report. 0 or -1; report_release in either case.
 */
int report_read(struct repo *repo, const char *rev, const struct log_filter *filter,
		struct report *out, struct err *err);
void report_release(struct report *r);

/** The run that the records of a target's story are from `from` on. */
struct report_run report_run_at(const struct log_target *t, size_t from);

/** The record that ends a run, NULL where an older version, or a crash, left none. */
const struct record *report_end(const struct report_run *run);

/** How long a migration took, in ms, by the record that ends its run; -1: not known. */
int64_t report_share(const struct record *end, const char *path);

/** Whether a target is part of the report. */
bool report_has(const struct report *r, const struct log_target *t);

#endif
