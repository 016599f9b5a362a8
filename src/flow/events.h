/* What a person says of a target, for the log. */
#ifndef FLOW_EVENTS_H
#define FLOW_EVENTS_H

#include "flow/target.h"

struct err;
struct repo;

/**
 * The database was restored from a backup: writes `restored`, which continues
 * its own last record and takes the number behind the mirror's head. What was
 * lost is pending again. 0 or -1; refused when nothing is missing, or when the
 * database is not the one that the mirror was written from. `unmirrored` is set
 * when the record stands and the mirror could not be written.
 *
 * A database without a tracker (thrown away, made again) is given one, whose
 * first record names the head that it takes the place of. `*anew` tells.
 */
int events_restored(struct repo *repo, const char *target, const char *reason, bool *anew,
		    struct err *unmirrored, struct err *err);

/**
 * The database was copied from another target: writes `cloned` with a new uuid
 * and makes this clone know it. 0 or -1; `unmirrored` as above.
 */
int events_cloned(struct repo *repo, const char *target, const char *reason,
		  struct err *unmirrored, struct err *err);

#endif
