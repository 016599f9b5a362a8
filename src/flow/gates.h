/*
 * What holds pending migrations of a target back: another target that is to have them
 * first (migrate.<target>.after), a rehearsal that is to have passed
 * (migrate.<target>.requireRehearsal). Those behind one that waits wait with it, or
 * they would leave a hole; and what it mends does, since that is known to be broken.
 */
#ifndef FLOW_GATES_H
#define FLOW_GATES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

struct buf;
struct err;
struct gate;
struct survey;

/** What one migration waits for. */
struct held {
	const char **targets; /* that have not settled it, as path and blob */
	size_t nr_targets;
	bool unrehearsed;
	const char *behind; /* one that waits, and this one with it; or NULL */
	bool mended;	    /* since that one mends it, and has not to come too late */
};

/** Start with `= { 0 }`. */
struct gates {
	struct pool pool;
	struct gate *gate;  /* what settings ask for; NULL: nothing, or not read yet */
	struct held **held; /* by position, NULL for what may run; NULL: all may */
	size_t nr;	    /* how many wait */
};

/**
 * Works out what is held back of a survey that has been judged, and adds to its
 * problems, as warnings, what for. 0 or -1.
 */
int gates_judge(struct gates *g, struct survey *s, struct err *err);

/** What an entry waits for, NULL when it may run. */
const struct held *gates_held(const struct gates *g, size_t pos);

/** Appends it in words: "waits for staging and a rehearsal", "waits behind 'a.sql'". */
void gates_say(const struct held *h, struct buf *out);

void gates_release(struct gates *g);

#endif
