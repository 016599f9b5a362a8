/* What a rehearsal came to, in words and as JSON. */
#ifndef CMD_REHEARSE_PRINT_H
#define CMD_REHEARSE_PRINT_H

#include <stdbool.h>

struct ctx;
struct rehearsal;
struct rehearse_done;

/** A line for what was done, at once; before the first one what is rehearsed. */
void rehearse_print_done(const struct ctx *ctx, const struct rehearsal *r,
			 const struct rehearse_done *done);

/** Whether it passed, behind all of them. */
void rehearse_print_end(const struct ctx *ctx, const struct rehearsal *r, bool passed);

void rehearse_print_json(const struct rehearsal *r, bool passed);

#endif
