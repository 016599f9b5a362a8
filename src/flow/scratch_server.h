/*
 * A PostgreSQL server of one's own, for a while: it has its data in a private folder,
 * and listens on a socket there alone. initdb and pg_ctl must be installed.
 */
#ifndef FLOW_SCRATCH_SERVER_H
#define FLOW_SCRATCH_SERVER_H

#include <stdbool.h>

struct buf;
struct err;

/**
 * Makes and starts one in a folder, which becomes passable for the user that it runs
 * as (root's is another one). Appends the URL of its database. 0 or -1; what was
 * begun is for scratch_server_stop().
 */
int scratch_server_start(const char *folder, struct buf *url, struct err *err);

/**
 * Starts the one that has its data in there again where it does not run: after the
 * machine was off. Best effort: who connects to it sees whether it runs.
 */
void scratch_server_wake(const char *folder);

/** Whether one was made in there. */
bool scratch_server_is_in(const char *folder);

/** Stops the one that has its data in there; fine when there is none. */
void scratch_server_stop(const char *folder);

#endif
