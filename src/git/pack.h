/*
 * Objects that one run makes, as one pack with git's index beside it. They are
 * written as they come and nothing of them is kept, so that their number does not
 * matter; nobody can read them before the pack is finished.
 */
#ifndef GIT_PACK_H
#define GIT_PACK_H

#include <stddef.h>

#include <git2/types.h>

struct err;
struct oid;
struct pack;
struct repo;

/** Begins a pack; no file is there before the first object. */
struct pack *pack_new(struct repo *r);

/** Adds an object, unless the repository or the pack has it. 0 or -1. */
int pack_add(struct pack *p, git_object_t type, const void *data, size_t len,
	     struct oid *out, struct err *err);

/**
 * Puts the pack in its place, with the modes that git's own files have there;
 * nothing when it is empty. No more can be added. 0 or -1.
 */
int pack_finish(struct pack *p, struct err *err);

/** Accepts NULL. What was not finished is taken away. */
void pack_free(struct pack *p);

#endif
