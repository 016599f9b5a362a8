/*
 * Which records of a set are the chain that ends in a given one, told by their hashes
 * alone: 64 bytes a record, whatever the records hold. Pure.
 */
#ifndef CORE_LINKS_H
#define CORE_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sha256.h"

struct record;

struct link {
	unsigned char hash[SHA256_HEXSZ / 2], prev[SHA256_HEXSZ / 2];
};

/** Start with `= { 0 }`. */
struct links {
	struct link *items; /* by hash, none twice, once links_follow was called */
	bool *counts;	    /* of each: it is in the chain */
	size_t nr, alloc;
};

void links_add(struct links *l, const struct record *r);

/** Follows the chain back from `head`. False when a record of it is not there. */
bool links_follow(struct links *l, const char *head);

void links_release(struct links *l);

#endif
