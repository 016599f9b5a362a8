/* What is about to be committed: the index against a commit, below the folder. */
#ifndef FLOW_STAGED_H
#define FLOW_STAGED_H

#include "base/buf.h"
#include "core/oid.h"

struct err;
struct repo;

struct staged_change {
	const char *path; /* below the folder */
	unsigned old_mode, mode;
	struct oid old_blob, blob;
	char status; /* A, M, D, T */
};

/** Start with `= { 0 }`. */
struct staged {
	struct buf raw;		     /* holds the paths */
	struct staged_change *items; /* bytewise by path */
	size_t nr, alloc;
	unsigned folder_mode; /* of what stands where the folder should be, else 0 */
};

/**
 * Reads what the index (GIT_INDEX_FILE, as a hook finds it) changes of the folder
 * of commit `base`; zero: of nothing. 0 or -1.
 */
int staged_read(struct repo *repo, const char *folder, const struct oid *base,
		struct staged *out, struct err *err);
void staged_release(struct staged *s);

/** The change of a path, NULL when it stays as it is. Borrowed. */
const struct staged_change *staged_find(const struct staged *s, const char *path);

/** Whether the index differs from a commit anywhere: 1, 0, -1. */
int staged_anything(struct repo *repo, const struct oid *base, struct err *err);

#endif
