/*
 * Refs as their files have them, for the common cases: a name, a line of hex digits.
 * For git/ alone, which asks libgit2 where these cannot tell.
 */
#ifndef GIT_PLAIN_REFS_H
#define GIT_PLAIN_REFS_H

#include <stdbool.h>
#include <stddef.h>

struct oid;
struct repo;

/**
 * Where a ref of the whole repository points, "refs/heads/main" say: 1; 0 when there is
 * none of that name; -1 when it is none of the common cases.
 */
int plain_ref(const struct repo *r, const char *ref, struct oid *out);

/** Where HEAD points, whatever stands between; as plain_ref. */
int plain_head(const struct repo *r, struct oid *out);

/** Whether the HEAD of a git dir is one of the common cases. */
bool plain_head_is_valid(const char *git_dir);

/** The names of all refs below `prefix` ("refs/notes/"), as text. */
struct plain_refs {
	char **names; /* bytewise, each once */
	size_t nr, alloc;
};

/** 0, or -1 when there are others than the common cases. Released by the caller. */
int plain_refs_list(const struct repo *r, const char *prefix, struct plain_refs *out);
void plain_refs_release(struct plain_refs *refs);

#endif
