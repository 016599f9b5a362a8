/* `Requires:` among the files that one commit brings. */
#ifndef CORE_REQUIRES_H
#define CORE_REQUIRES_H

#include <stdbool.h>
#include <stddef.h>

struct path_list;

/**
 * Sorts the files of one commit: bytewise, as `paths` are, but each one behind
 * those that the values `needs[i]` of its header name. `folder` may stand before
 * a path there; may be NULL. Puts positions into `sorted`, which has room for
 * all. False when two files require each other, whose positions are in `circle`
 * then; `sorted` is bytewise.
 */
bool requires_sort(const struct path_list *paths, const struct path_list *needs,
		   const char *folder, size_t *sorted, size_t circle[2]);

#endif
