/* What a mirror holds of logs that the one in force took the place of. */
#ifndef FLOW_MIRROR_OLD_H
#define FLOW_MIRROR_OLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

struct mirror;

/** A record that names where another log ended, whose place this one took (old=). */
struct mirror_old {
	uint64_t by; /* its number */
	enum event event;
	char hash[SHA256_HEXSZ + 1];
	size_t lines; /* of the mirror, that are left out because of it */
};

/** Of a record that has old=. */
void mirror_old_init(struct mirror_old *out, const struct record *r);

/**
 * Finds the lines of `m` that are not `taken` and are what one of `olds` names, or stand
 * behind that: `found[line]` becomes its position there from 1 on, and stays 0 for all
 * others. `met` (may be NULL) is told of each record so found.
 */
void mirror_find_old(const struct mirror *m, const bool *taken, struct mirror_old *olds,
		     size_t nr_olds, size_t *found,
		     void (*met)(void *arg, const struct record *r,
				 const struct mirror_old *old),
		     void *arg);

#endif
