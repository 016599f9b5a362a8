/* The lines that stand on one commit in a notes tree, read from what differs. */
#ifndef FLOW_NOTE_LINES_H
#define FLOW_NOTE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/oid.h"

struct err;
struct notes_delta;
struct repo;

/** How much may be read before it is an error (ERR_FATAL). */
struct note_limits {
	size_t left;  /* bytes in all; lessened by what is read */
	size_t bytes; /* of the notes of one commit */
	size_t lines;
};

/** The lines of all notes of one commit, sorted. Start with `= { 0 }`. */
struct note_lines {
	struct buf bytes;
	char **lines;
	size_t nr, alloc;
};

void note_lines_release(struct note_lines *t);

bool note_lines_have(const struct note_lines *t, const char *line);

/**
 * The object that comes next in two differences, the first read up to
 * `gone_at`, the second up to `added_at`: false when there is none.
 */
bool note_lines_next(const struct notes_delta *gone, size_t gone_at,
		     const struct notes_delta *added, size_t added_at,
		     struct oid *object);

/**
 * Reads the notes that `d` has of one object from `*at` on, which is moved. A NUL byte
 * is refused: it would hide what stands behind it. 0 or -1.
 */
int note_lines_read(struct repo *repo, const struct notes_delta *d,
		    const struct oid *object, size_t *at, struct note_limits *most,
		    struct note_lines *out, struct err *err);

/**
 * A line of `was` that object `object` of notes commit `tip` has no more; `now` are the
 * lines of those of its notes that are new, and the others are looked at where that is
 * needed (there may be a mixture of fanouts). `*lost` is NULL when all are there, else
 * borrowed from `was`. 0 or -1.
 */
int note_lines_lost(struct repo *repo, const struct oid *tip, const struct oid *object,
		    const struct note_lines *was, const struct note_lines *now,
		    struct note_limits *most, const char **lost, struct err *err);

#endif
