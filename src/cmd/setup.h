/* Preparing a repository: its settings. */
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

#endif
