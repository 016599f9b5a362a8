/* Inside of drills: where their repositories and databases are made and kept. */
#ifndef FLOW_DRILL_PLACE_H
#define FLOW_DRILL_PLACE_H

#include <stdbool.h>

struct app;
struct drill;
struct drill_incident;
struct err;
struct pool;
struct repo;
struct scratch;

/**
 * What stands before the keys of what is known of a drill; none is "url", which would
 * make a target of it.
 */
#define DRILL_STATE "migrate.drill-state."

/** Goes to a folder and opens its repository, whatever the environment names. 0 or -1. */
int drill_open_at(const char *dir, struct repo **out, struct err *err);

/** Reads what the drill's own repository knows of it. 0 or -1. */
int drill_read_state(struct drill *d, struct err *err);

/** Writes one value of it; NULL for none. 0 or -1. */
int drill_set(struct repo *repo, const char *key, const char *value, struct err *err);

/** A new name for a database of ours; the pool's. */
const char *drill_database_name(struct pool *pool);
/** The URL of a database on the server of another URL; the pool's. */
const char *drill_database_url(struct pool *pool, const char *server, const char *name);
int drill_database_make(const char *server, const char *name, struct err *err);
int drill_database_drop(const char *server, const char *name, struct err *err);

/** Where a server of the drill's own is; the pool's. */
const char *drill_server_place(struct drill *d);
/** Whether it has one: what is on it goes with the drill's folder. */
bool drill_has_server(struct drill *d);
/** Makes and starts one in the drill's repository; sets d->server. 0 or -1. */
int drill_server_make(struct drill *d, struct err *err);

/**
 * Makes a scratch database of the drill's kind, and connects an application to it (NULL:
 * none). 0 or -1; app_close and scratch_drop in either case.
 */
int drill_scratch(struct drill *d, struct scratch *s, struct app *app, struct err *err);

/**
 * Runs the incident's parts of some kinds (a bit each, 1 << kind) on a database that is
 * empty, in their order. 0 or -1.
 */
int drill_fill(struct app *app, const struct drill_incident *incident, unsigned kinds,
	       struct err *err);

#endif
