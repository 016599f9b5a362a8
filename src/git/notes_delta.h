/*
 * What one notes commit has that another one has not, found by comparing their
 * trees: equal folders are not opened. Any fanout is the same to it.
 */
#ifndef GIT_NOTES_DELTA_H
#define GIT_NOTES_DELTA_H

#include <stdbool.h>
#include <stddef.h>

#include "core/oid.h"

struct buf;
struct err;
struct repo;

/** One blob of the notes of an object; a mixture of fanouts can hold several. */
struct note_blob {
	struct oid object, blob;
};

/** Start with `= { 0 }`. */
struct notes_delta {
	struct note_blob *items; /* by object */
	size_t nr, alloc;
};

void notes_delta_release(struct notes_delta *d);

/**
 * The notes of commit `newer` that `older` lacks (zero ids: a commit without notes).
 * What is no note there (a file of another name, a link, a folder that is no fanout)
 * is refused when `strict`, else left out. 0 or -1 (ERR_REFUSED for that).
 */
int notes_delta(struct repo *r, const struct oid *older, const struct oid *newer,
		bool strict, struct notes_delta *out, struct err *err);

/**
 * Appends a note's text. `*room` is how much may be read in all, and is lessened;
 * judged before the note is read. 0 or -1.
 */
int notes_text(struct repo *r, const struct oid *blob, struct buf *out, size_t *room,
	       struct err *err);

#endif
