/* Where the hooks of a repository are, and whose that folder is. */
#ifndef CMD_HOOK_PLACE_H
#define CMD_HOOK_PLACE_H

#include <stdbool.h>

#include "base/buf.h"

struct ctx;
struct err;

enum hook_owner {
	HOOKS_OWN,     /* the repository's: inside of .git, or named by its own config */
	HOOKS_PROJECT, /* in the work tree: what is written there will be committed */
	HOOKS_SHARED,  /* a global setting names it to all repositories */
};

struct hook_place {
	struct buf folder; /* absolute, without symbolic links if it is there */
	struct buf inside; /* .git/hooks, where older ones may be; absolute as well */
	enum hook_owner owner;
	bool husky; /* git runs its dispatchers, and `folder` holds what these run */
};

/** Fills in `*p`, which hook_place_release() empties. 0 or -1. */
int hook_place_find(struct ctx *ctx, struct hook_place *p, struct err *err);
void hook_place_release(struct hook_place *p);

#endif
