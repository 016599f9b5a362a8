/*
 * Expand and contract: what `Phase:` and `Not-Before:` say (DESIGN.md 3 and 10.1).
 * Pure.
 */
#ifndef CORE_CONTRACT_H
#define CORE_CONTRACT_H

#include <stdbool.h>

struct trailers;

enum phase {
	PHASE_NONE,
	PHASE_EXPAND,
	PHASE_CONTRACT,
	PHASE_OTHER, /* a word that is neither */
};

/** What the first `Phase:` says. */
enum phase phase_of(const struct trailers *t);

/**
 * Whether a migration waits for conditions and lets others pass: a contract, also
 * one that has conditions and no phase.
 */
bool is_contract(const struct trailers *t);

enum not_before {
	NOT_BEFORE_DATE,  /* "2027-01-31": from the beginning of that day on, in UTC */
	NOT_BEFORE_TAG,	  /* anything else that a tag can be called */
	NOT_BEFORE_WRONG, /* no day of the calendar, or nothing that a tag can be called
			   */
};

/** What a value of `Not-Before:` is. */
enum not_before not_before_kind(const char *value);

#endif
