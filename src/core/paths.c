#include "base/compat.h"

#include "base/vec.h"
#include "core/paths.h"

static int cmp_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

ssize_t path_list_find(const struct path_list *list, const char *path)
{
	const char **hit;

	if (!list->nr)
		return -1;
	hit = bsearch(&path, list->items, list->nr, sizeof(*list->items), cmp_path);
	return hit ? hit - list->items : -1;
}

void path_list_add(struct path_list *list, const char *path)
{
	VEC_GROW(list->items, list->nr, list->alloc);
	list->items[list->nr++] = path;
}

void path_list_sort(struct path_list *list)
{
	size_t i;

	for (i = 1; i < list->nr; i++)
		if (strcmp(list->items[i - 1], list->items[i]) > 0)
			break;
	if (i < list->nr)
		qsort(list->items, list->nr, sizeof(*list->items), cmp_path);
}

void path_list_release(struct path_list *list)
{
	free(list->items);
	memset(list, 0, sizeof(*list));
}
