/* A list of paths below the migrations folder. */
#ifndef CORE_PATHS_H
#define CORE_PATHS_H

#include <stddef.h>
#include <sys/types.h>

/** Start with `= { 0 }`. The strings are others'. */
struct path_list {
	const char **items;
	size_t nr, alloc;
};

/** Where `path` stands in a sorted list, or -1. */
ssize_t path_list_find(const struct path_list *list, const char *path);
void path_list_add(struct path_list *list, const char *path);
/** Bytewise; a list in order costs one pass. */
void path_list_sort(struct path_list *list);
void path_list_release(struct path_list *list);

#endif
