/*
 * The object folders of a repository: its own, and those that it borrows from, whatever
 * way each of them names the next (objects/info/alternates).
 */
#ifndef GIT_FOLDERS_H
#define GIT_FOLDERS_H

#include <stddef.h>

/** Start with `= { 0 }`. */
struct folders {
	char **items; /* each once, its own first */
	size_t nr, alloc;
};

/** One that is not there is listed too: git passes over it. */
void folders_find(struct folders *f, const char *common_dir);

void folders_release(struct folders *f);

#endif
