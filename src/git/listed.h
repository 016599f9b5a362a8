/*
 * What `git config` has listed of the settings here, kept in <git dir>/migrate/config
 * with the SHA-256 of all that it was made from: the files that git reads, byte by byte,
 * which of them are not there, the variables that choose them, and the size and time
 * of git itself. What is the same gives the same list, and git need not be asked again. A
 * file of another user is not believed, nor one in a folder of theirs: whether git takes
 * settings from there is git's to judge. For git/ alone.
 */
#ifndef GIT_LISTED_H
#define GIT_LISTED_H

#include <stdbool.h>

struct buf;

/**
 * Appends the list to `list` and returns true if one is kept and still right. `git_dir`
 * is ".git" or ".". `from` gets what a list would be made from now, nothing if none may
 * be kept; it is for listed_keep.
 */
bool listed_load(const char *git_dir, struct buf *from, struct buf *list);

/** Keeps what git has listed, unless it has come from elsewhere, or in the meantime. */
void listed_keep(const char *git_dir, const struct buf *from, const struct buf *list);

#endif
