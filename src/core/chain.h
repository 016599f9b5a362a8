/*
 * Whether records that come new to a mirror continue what is there: pure. Of the old
 * ones only those are needed that the new ones touch.
 */
#ifndef CORE_CHAIN_H
#define CORE_CHAIN_H

#include "base/map.h"
#include "core/record.h"

struct err;

enum { CHAIN_TARGET_MAX = 36 };

/** What the chain is made of, of one record. */
struct chain_link {
	char hash[SHA256_HEXSZ + 1], prev[SHA256_HEXSZ + 1];
	char target[CHAIN_TARGET_MAX + 1];
	uint64_t seq;
	enum event event;
	char old[SHA256_HEXSZ + 1]; /* where another log ended, if it names that */
	bool known;		    /* it was there before */
	bool tied;		    /* it is of the log that the heads are of */
	bool placed;		    /* its line stands on the commit that it names */
};

/** Where a log ends, as a commit of the mirror names it. */
struct chain_head {
	uint64_t seq; /* 0: none is named */
	char hash[SHA256_HEXSZ + 1];
	bool by_tip; /* by the newest commit itself, not by one before it */
};

/** Start with `= { 0 }`. */
struct chain {
	struct chain_link *links;
	size_t nr, alloc;
	size_t fresh; /* of them that are not known to be old */
	struct map by_hash, by_prev;
	struct chain_head was, now; /* before the push, and after it */
};

void chain_release(struct chain *c);

/** Adds a record that may be new; the same one again only says where it stands. */
void chain_add(struct chain *c, const struct record *r, bool placed);

/** Says that a record was there before. */
void chain_know(struct chain *c, const struct record *r);

/**
 * Whether an old record of that hash, with that one before it, has a say: a new one
 * is it, stands before or behind it, or continues what it continues; or a head is it.
 */
bool chain_wants(struct chain *c, const char *hash, const char *prev);

/** Whether chain_check can tell without more of the old records. */
bool chain_is_whole(struct chain *c);

/**
 * Each new record continues one that is there, no two the same one, no log begins
 * twice; it stands on its commit; and the new head follows from the old one. A log beside
 * the one that is there is named by that one, or names (old=) where that ended. 0 or -1
 * (ERR_REFUSED) with what does not fit.
 */
int chain_check(struct chain *c, struct err *err);

#endif
