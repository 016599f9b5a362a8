/*
 * The newest record of each target that this clone has seen: a tracker that went back
 * in time is found by it although its chain is whole, and with the mirror gone too.
 * One file for each target below migrate/seen/ of the common git dir, and one below
 * migrate/history/ with what an audit has gone through of its mirror's own history.
 */
#ifndef FLOW_SEEN_H
#define FLOW_SEEN_H

#include "core/oid.h"
#include "core/record.h"

struct err;
struct repo;

struct seen {
	uint64_t seq;
	char hash[SHA256_HEXSZ + 1];
};

/** Commits of a mirror that took nothing out, with all that are behind them. */
struct seen_history {
	struct oid *tips; /* to be freed */
	size_t nr;
	uint64_t commits; /* how many it is in all */
};

/** 0, with nothing where nothing is kept or it makes no sense; -1. */
int seen_history_read(struct repo *repo, const char *target, struct seen_history *out,
		      struct err *err);
void seen_history_keep(struct repo *repo, const char *target,
		       const struct seen_history *h);

/** 1 with what was seen; 0: nothing yet, or a file that is none of ours; -1. */
int seen_read(struct repo *repo, const char *target, struct seen *out, struct err *err);

/**
 * Keeps the head of a log that was found in order. What cannot be written is no error:
 * the clone has seen less then.
 */
void seen_keep(struct repo *repo, const char *target, const struct seen *head);

enum seen_how {
	SEEN_NOT,
	SEEN_EXPLAINED, /* it is gone, and a record says why */
	SEEN_MET,
};

/**
 * Whether a record is what was seen, or says why the log has it no more: a restored,
 * copied or new database names the head that it took the place of. What was seen may
 * also be behind that head, which the mirror tells.
 */
enum seen_how seen_look(const struct seen *s, const struct record *r);

#endif
