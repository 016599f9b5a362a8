/* Preparing a repository: settings and hooks. */
#ifndef CMD_SETUP_H
#define CMD_SETUP_H

struct ctx;
struct err;

/**
 * Checks a URL and sets it as migrate.<name>.url; a relative SQLite path is
 * taken from the current folder. Refuses to point a known target elsewhere.
 * 0 or -1.
 */
int setup_target(struct ctx *ctx, const char *name, const char *url, struct err *err);

/** Lets fetches bring the mirrors and `git log` show them. 0 or -1. */
int setup_notes(struct ctx *ctx, struct err *err);

/**
 * Writes our hooks beside what is there: a foreign hook of that name is kept as
 * "<name>.before-migrate" and runs first. A hooks folder inside the work tree
 * belongs to the project: there the line to add is told. 0 or -1.
 */
int setup_hooks(struct ctx *ctx, struct err *err);

#endif
