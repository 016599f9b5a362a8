/*
 * Drills: incidents to practise on, as a text tells of them (drills/ has the texts).
 * Pure.
 *
 *	= name			begins an incident
 *	== kind[@engine] [name][: about]	begins a part of it, for one engine or all
 *
 * Parts that make the incident are done in the order in which they stand.
 */
#ifndef CORE_DRILL_H
#define CORE_DRILL_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct pool;

enum drill_part_kind {
	DRILL_TITLE,
	DRILL_STORY, /* what has happened, for the person */
	/* what is done, in this order: */
	DRILL_FILE, /* a migration is committed (`name`, subject `about`) and applied */
	DRILL_DATA, /* the application writes this */
	DRILL_BAD,  /* as DRILL_FILE: the one that is to be mended */
	DRILL_PENDING, /* as DRILL_BAD, but it is not applied */
	DRILL_STUCK,   /* as DRILL_BAD, but its run died on the way */
	DRILL_LANDED,  /* as DRILL_BAD, but it fails here, and has landed with all else */
	DRILL_LATER,   /* as DRILL_FILE, but not applied: it waits behind the bad one */
	/* what the application does: */
	DRILL_WRITE,  /* runs, and gives such rows; `name` is who ("old", "new"),
			 `about` what for */
	DRILL_READ,   /* gives the rows behind its line "-- expect" */
	DRILL_WRITER, /* gets through between any two statements of a migration */
	DRILL_METER,  /* counts the rows that a migration changes */
	DRILL_COUNT,  /* asks for that number; `name` is the most of one migration */
	/* what a mending may do to the data, `about` says why: */
	DRILL_MAY_CHANGE, /* values of the table or column `name` */
	DRILL_MAY_GO,	  /* the table or column `name` */
	/* for the person, and for tests: */
	DRILL_HINT,
	DRILL_MODEL, /* a migration that mends it; `name` is its file */
	DRILL_NAIVE, /* one that does not; `about` is a part of the reason */
	DRILL_PART_NR,
};

struct drill_part {
	enum drill_part_kind kind;
	const char *name, *about; /* "" without */
	const char *text;	  /* without empty lines at its ends */
	const char *expect; /* of DRILL_READ, DRILL_WRITE: rows, columns parted by '|' */
};

struct drill_incident {
	const char *name, *title;
	const struct drill_part *bad; /* the one of the four kinds that there is */
	struct drill_part *parts;     /* those of the engine */
	size_t nr, alloc;
};

struct drill_catalogue {
	struct drill_incident *items; /* in the order of the text */
	size_t nr, alloc;
};

/**
 * Reads such a text, parts of other engines than `engine` left out. 0; -1 with the line
 * that is wrong. drill_catalogue_release in either case; texts are the pool's.
 */
int drill_parse(const char *text, size_t len, const char *engine, struct pool *pool,
		struct drill_catalogue *out, struct err *err);
void drill_catalogue_release(struct drill_catalogue *c);

/** NULL when there is none of that name. */
const struct drill_incident *drill_find(const struct drill_catalogue *c,
					const char *name);

/** The part of a kind that comes next behind `after` (NULL: the first); NULL. */
const struct drill_part *drill_next(const struct drill_incident *d,
				    enum drill_part_kind kind,
				    const struct drill_part *after);

/** Whether its mending takes a migration, and not what settles a run alone. */
bool drill_wants_fix(const struct drill_incident *d);

#endif
