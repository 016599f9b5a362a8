/*
 * Mirrors in git notes: lines of text on commits, one ref for each target. The
 * tree is written by hand with a fixed 2/38 fanout (libgit2's git_note_* makes
 * one commit and rewrites a flat tree for each note); any fanout is read.
 */
#ifndef GIT_NOTES_H
#define GIT_NOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/oid.h"

struct buf;
struct err;
struct pool;
struct repo;

struct note_line {
	struct oid object; /* the commit that it stands on */
	const char *line;  /* without LF */
};

struct notes {
	struct oid tip; /* the notes commit that was read; zero when there is none */
	struct note_line *lines; /* by object, then as they stand; the pool's */
	size_t nr;
};

/** All lines of a notes commit. 0 or -1. */
int notes_read_at(struct repo *r, const struct oid *tip, struct pool *pool,
		  struct notes *out, struct err *err);

/**
 * What this repository keeps of a target's notes (core/mirror_index.h), appended: safe
 * to lose, and checked against damage, not against who may write here. `notes_keep`
 * replaces it; what cannot be written is no error.
 */
bool notes_kept(struct repo *r, const char *target, struct buf *out);
void notes_keep(struct repo *r, const char *target, const struct buf *index);

/** Where a commit of notes goes. Zero ids stand for none. */
struct notes_commit {
	const struct oid *tip;	  /* the ref must be there, and is moved from there */
	const struct oid *base;	  /* what to build on: `tip`, or what was fetched */
	const struct oid *merged; /* a second parent */
};

/**
 * Appends lines, those that stand there already left out, in one commit with this
 * message, as one pack, and moves the ref to it (compare and swap). Writes nothing when
 * all of the lines stand there and there is nothing to merge. 0; 1 when another writer
 * was first and nothing was changed; -1.
 */
int notes_append(struct repo *r, const char *ref, const struct notes_commit *where,
		 const struct note_line *lines, size_t nr, const char *message,
		 struct err *err);

/**
 * Moves the ref from `tip` to `base`, a descendant that was fetched. Returns as
 * notes_append; 0 at once when both are the same.
 */
int notes_forward(struct repo *r, const char *ref, const struct oid *tip,
		  const struct oid *base, struct err *err);

#endif
