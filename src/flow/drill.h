/*
 * A drill: a repository and a database of its own in which something has gone wrong.
 * What is known of it stands in that repository's settings (drill.*); the repository
 * from which it was begun knows where it is (drill.dir) and keeps the result.
 */
#ifndef FLOW_DRILL_H
#define FLOW_DRILL_H

#include <stdint.h>

#include "base/pool.h"
#include "core/drill.h"

struct err;
struct repo;

struct drill {
	struct pool pool;
	struct drill_catalogue catalogue; /* of its engine */
	const struct drill_incident *incident;
	struct repo *repo;	/* its own */
	const char *dir, *home; /* folders: its own, of the repository it began from */
	const char *asked; /* the folder of the repository that it was looked for from */
	const char *url, *engine;
	const char *server, *database; /* that was made for it there; NULL: a file */
	const char *base; /* commit: what came up to here must stand as it is */
	const char *head; /* "seq:hash" of the log as the drill began */
	const char *began;
	const char *ended; /* when it was passed; NULL: it goes on */
	size_t hints;	   /* that were asked for */
};

/** Reads the catalogue for "sqlite" or "postgresql". 0 or -1; release `out`. */
int drill_catalogue_read(const char *engine, struct pool *pool,
			 struct drill_catalogue *out, struct err *err);

struct drill_start {
	const char *incident;
	const char *engine; /* NULL: by `on`, else "sqlite" */
	/* URL of the server to make a database on; for PostgreSQL NULL or "postgresql:"
	   is one of the drill's own */
	const char *on;
	const char *dir; /* NULL: a new one for temporary files */
};

/**
 * Makes repository and database, up to the incident. 0; -1 with nothing left of them.
 * `d` must be released in either case. The current folder is the drill's afterwards.
 */
int drill_begin(struct repo *home, const struct drill_start *o, struct drill *d,
		struct err *err);

/**
 * The drill that was begun from the repository `here`, or that it is of. 0; 1 when
 * there is none; -1. `d` must be released in either case. The current folder is the
 * drill's afterwards.
 */
int drill_find_active(struct repo *here, struct drill *d, struct err *err);
void drill_release(struct drill *d);

/**
 * A drill that was begun from the repository `here` and whose folder is gone is noted as
 * abandoned, once. 1: that was done now, `d` has its folder and incident; 0; -1. `d`
 * must be released in either case.
 */
int drill_note_lost(struct repo *here, struct drill *d, struct err *err);

/** One more hint was asked for, or all of them. 0 or -1. */
int drill_count_hints(struct drill *d, size_t hints, struct err *err);

/** Seconds since it began, up to now or to its end. */
int64_t drill_seconds(const struct drill *d);

/** How it ended: notes it in the repository that it was begun from. 0 or -1. */
int drill_end(struct drill *d, const char *result, struct err *err);

/** Removes folder and database. 0 or -1. */
int drill_remove(struct drill *d, struct err *err);

#endif
