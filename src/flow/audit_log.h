/*
 * The log that an audit is about, taken record by record: what stays of it is what the
 * later checks look at, so that a long one fits into little memory.
 */
#ifndef FLOW_AUDIT_LOG_H
#define FLOW_AUDIT_LOG_H

#include "base/clock.h"
#include "base/map.h"
#include "base/pool.h"
#include "core/chain.h"
#include "core/ledger.h"
#include "flow/mirror_old.h"
#include "flow/seen.h"

struct mirror;

/** Start with audit_log_begin(). */
struct audit_log {
	struct pool *pool;	 /* of what stays; borrowed */
	const struct mirror *at; /* lines that the records are looked for in; borrowed */
	struct ledger kept; /* those that settle, except, open, end or begin something */
	uint64_t *seqs;	    /* of all records */
	size_t nr, alloc;
	struct seen last;		   /* the newest one */
	char target[CHAIN_TARGET_MAX + 1]; /* the uuid in it */
	const char **open;		   /* paths that were begun and have no end */
	size_t nr_open, alloc_open;
	struct mirror_old *olds;
	size_t nr_olds, alloc_olds;
	struct oid *commits; /* that records name, each once */
	size_t nr_commits, alloc_commits;
	struct map by_commit;
	bool head_met; /* the head that `at` names is a record here, or is named by one */
	const struct seen *seen; /* what is looked for among them; NULL: nothing */
	enum seen_how seen_how;
	uint64_t seen_by;      /* the record that explains it */
	char when[CLOCK_TEXT]; /* of the last one */
	size_t back; /* records that are dated well before the one before them */
	uint64_t first_back;
	struct record
		ran;	  /* the newest with a fingerprint; seq is 0 when there is none */
	bool outdated;	  /* behind it stands what may have changed the schema */
	bool *matched;	  /* the lines of `at` that are records here */
	size_t *replaced; /* which of `olds` names them, or one behind; from 1, 0: none */
	size_t step;	  /* in `at`, while both go on alike */
	size_t lacking;	  /* records that `at` has not */
	uint64_t first_lacking;
};

/** `seen` may be NULL. What is found stays in `pool`. */
void audit_log_begin(struct audit_log *l, struct pool *pool, const struct mirror *at,
		     const struct seen *seen);
void audit_log_release(struct audit_log *l);

/** Takes the next record, whose line `stays` as long as the log or not. */
void audit_log_add(struct audit_log *l, const struct record *r, bool stays);

/** Forgets all that was taken. */
void audit_log_reset(struct audit_log *l);

/**
 * All were taken: folds those that stay, and finds those of `at` that stand in no log
 * but one that is named (old=) as what this one, or one named so, took the place of.
 */
void audit_log_end(struct audit_log *l);

/** Whether lines and records are the same, one for one. */
bool audit_log_is_mirrored(const struct audit_log *l);

bool audit_log_has(const struct audit_log *l, uint64_t seq);

#endif
