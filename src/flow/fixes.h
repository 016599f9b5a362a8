/* Which migrations of a plan correct which. */
#ifndef FLOW_FIXES_H
#define FLOW_FIXES_H

#include <stddef.h>
#include <sys/types.h>

struct err;
struct plan;

/** Positions in the plan: one corrects another. */
struct fix {
	size_t fix, of;
};

/** Start with `= { 0 }`. */
struct fixes {
	struct fix *by_fix; /* by `fix`, then in the order of its trailers */
	struct fix *by_of;  /* the same, by `of`, then by `fix` */
	size_t nr, alloc;
	ssize_t *under;	   /* by position: the earliest one that it fixes, or -1 */
	size_t unresolved; /* trailers that name nothing in the plan before them */
};

/** Reads every migration's trailers. 0 or -1; fixes_release in either case. */
int fixes_read(struct plan *plan, struct fixes *out, struct err *err);
void fixes_release(struct fixes *f);

/** Those that correct the one at `pos`. Borrowed. */
const struct fix *fixes_of(const struct fixes *f, size_t pos, size_t *nr);

/** What the one at `pos` corrects. Borrowed. */
const struct fix *fixes_made_by(const struct fixes *f, size_t pos, size_t *nr);

#endif
