/* What was so on a target at some moment, from git alone. */
#ifndef FLOW_AT_H
#define FLOW_AT_H

#include "base/clock.h"
#include "flow/log.h"

/** A migration that was in force, while one that fixes it was not. */
struct at_fault {
	struct fix fix; /* positions in the plan */
	bool known;	/* the fix had been committed by then */
	const struct record
		*mended; /* settled it on the target later; NULL: nothing did */
};

struct at {
	struct log log;
	const struct log_target *target;
	char moment[CLOCK_TEXT];
	struct ledger ledger;	      /* of the records up to then, folded */
	const struct record *lost_by; /* left the log of then behind; NULL: it goes on */
	const struct record **in_force; /* what had taken effect, as the log */
	size_t nr_in_force;
	struct at_fault *faults; /* in the order of the plan */
	size_t nr_faults, alloc_faults;
};

/**
 * Reads the plan of `rev` (NULL: HEAD), which knows the fixes of today, and what the
 * mirror of `target` says up to the end of second `seconds` since 1970. NULL: "default",
 * or the only target that has a mirror here. 0 or -1; at_release in either case.
 */
int at_read(struct repo *repo, const char *rev, const char *target, int64_t seconds,
	    struct at *out, struct err *err);
void at_release(struct at *a);

#endif
