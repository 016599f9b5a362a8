/* Putting hooks into a repository, and taking them out again. */
#ifndef CMD_HOOKS_H
#define CMD_HOOKS_H

#include <stdbool.h>

struct ctx;
struct err;

enum hooks_side { HOOKS_CLIENT, HOOKS_SERVER };

/**
 * Writes our hooks beside what is there: a foreign hook is kept as
 * "<name>.before-migrate" and runs first. Where hooks are files of the project they
 * get a line, if that was `asked` for by name; there, and where something else manages
 * hooks, the lines to add are told otherwise. 0 or -1.
 */
int hooks_install(struct ctx *ctx, enum hooks_side side, bool asked, struct err *err);

/** Takes out what hooks_install() wrote, and puts back what it kept. 0 or -1. */
int hooks_remove(struct ctx *ctx, struct err *err);

#endif
