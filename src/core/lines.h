/*
 * What is known of first-parent lines: the commits at which migrations arrived,
 * and in which order. Of a commit this never changes, so it can be kept as long
 * as one likes, for all branches together, and extended by what is new
 * (DESIGN.md 10.7). Only arrivals are kept: the plan of a commit is read off
 * its line from the newest one down, against the files that its tree has, so a
 * file that was taken out and brought again is met where it came last.
 */
#ifndef CORE_LINES_H
#define CORE_LINES_H

#include "base/map.h"
#include "base/pool.h"
#include "core/oid.h"

struct buf;

enum {
	STOP_NONE = 0xffffffff, /* the line ends */
	STOP_OPEN = 0xfffffffe, /* nobody has looked further down */
};

/** One arrival, with the bottom of its recursion. */
struct arrival {
	uint32_t path;	   /* see lines_path */
	uint32_t company;  /* how many `commit` brings */
	struct oid commit; /* brings it; zero: it lies behind a shallow boundary */
	uint32_t circle;   /* 1 + position in circles: no order can be given; else 0 */
};

/**
 * A commit of a line at which something arrived, or an empty one, set where a
 * long walk need not be made again.
 */
struct stop {
	struct oid commit;
	struct oid parent; /* where the line goes on; zero: nowhere */
	uint32_t older;	   /* the next stop down the line, or STOP_NONE, STOP_OPEN */
	uint32_t span;	   /* commits from it down to that one */
	bool ordered;	   /* the arrivals are in order and complete */
	bool cut;	   /* a shallow clone ends here */
	bool base_known;   /* of this run alone: */
	struct oid base;   /* the folder that the parent has */
	struct arrival *arrivals; /* bytewise by path until ordered */
	size_t nr;
};

/** Two files of one commit that require each other. */
struct circle {
	uint32_t path[2];
	struct oid commit; /* brings them */
};

/** Start with `= { 0 }`. */
struct lines {
	struct pool pool; /* paths and arrivals */
	const char **paths;
	size_t nr_paths, alloc_paths;
	struct stop *stops;
	size_t nr, alloc;
	struct circle *circles;
	size_t nr_circles, alloc_circles;
	struct map by_path, by_commit;
	unsigned char seen[8192]; /* a bit for the first two bytes of each stop's id */
	size_t nr_arrivals;	  /* of all stops */
	size_t changes;		  /* counts whatever lines_encode would write */
	bool doubtful;		  /* something in here contradicts the history */
};

void lines_release(struct lines *l);

/** The number of a path, given to it at first sight. `path` is copied. */
uint32_t lines_path(struct lines *l, const char *path);

/** The stop at a commit, or STOP_NONE. */
uint32_t lines_find(struct lines *l, const struct oid *commit);

/** Adds a stop at a commit that has none: open, unordered, with room for `nr`. */
uint32_t lines_add(struct lines *l, const struct oid *commit, const struct oid *parent,
		   size_t nr);

/**
 * Appends the lines as bytes: what lines_decode reads. Where `tip` is a stop,
 * other lines than its own are left out once they outweigh it.
 */
void lines_encode(struct lines *l, uint32_t tip, struct buf *out);

/** Whether lines_encode would leave other lines than the tip's out. */
bool lines_outweigh(const struct lines *l, uint32_t tip);

/** Reads them into an empty `l`. 0, or -1: malformed, and `l` is empty again. */
int lines_decode(struct lines *l, const void *data, size_t len);

#endif
