/* What a target is owed: contracts that it has not run. */
#ifndef CMD_OWED_H
#define CMD_OWED_H

#include <stdbool.h>

struct ctx;
struct err;
struct js;
struct survey;

/** Prints them as lines, into the array `all` (NULL: not), or as a table. 0 or -1. */
int owed_show(struct ctx *ctx, struct survey *s, bool porcelain, struct js *all,
	      struct err *err);

#endif
