#include "base/compat.h"

#include "base/io.h"
#include "base/pool.h"
#include "core/paths.h"
#include "core/requires.h"

/* The files of one commit, as a `Requires:` in one of them may name another. */
struct names {
	const struct path_list *paths; /* sorted */
	size_t *by_base;	       /* positions, sorted by the last component */
	const char *folder;
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int cmp_base(const void *a, const void *b, void *paths)
{
	const char *const *names = paths;

	return strcmp(base_of(names[*(const size_t *)a]),
		      base_of(names[*(const size_t *)b]));
}

/* The only one whose last component is `name`, or -1. */
static ssize_t find_base(const struct names *n, const char *name)
{
	size_t low = 0, high = n->paths->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(base_of(n->paths->items[n->by_base[mid]]), name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == n->paths->nr ||
	    strcmp(base_of(n->paths->items[n->by_base[low]]), name) != 0)
		return -1;
	if (low + 1 < n->paths->nr &&
	    strcmp(base_of(n->paths->items[n->by_base[low + 1]]), name) == 0)
		return -1;
	return (ssize_t)n->by_base[low];
}

/* Position of a path, below the folder or as in the tree, or of a file name; or -1. */
static ssize_t find_named(const struct names *n, const char *name)
{
	ssize_t hit = path_list_find(n->paths, name);

	return hit >= 0 || strchr(name, '/') ? hit : find_base(n, name);
}

/* Depth first over `Requires:`, on arrays: 0 new, 1 on the way, 2 placed. */
struct visit {
	struct names names;
	struct pool pool;
	const struct path_list *needs; /* of each file */
	size_t *next;		       /* how many of them were looked at */
	size_t *way; /* positions from the one begun at down to this one */
	size_t depth;
	char *mark;
	size_t *sorted; /* positions in their order */
	size_t nr;
};

/*
 * What `value` of a `Requires:` names among the files of one commit, or -1: the
 * forms of plan_resolve, but for ids, which such a file cannot know.
 */
static ssize_t required_one(struct visit *v, const char *value)
{
	const struct names *n = &v->names;
	size_t len = n->folder ? strlen(n->folder) : 0;
	const char *name = pool_strndup(&v->pool, value, strcspn(value, " \t"));
	ssize_t hit;

	if (strncmp(name, "./", 2) == 0)
		name += 2;
	if (len && strncmp(name, n->folder, len) == 0 && name[len] == '/')
		name += len + 1;
	hit = find_named(n, name);
	return hit >= 0 ? hit : find_named(n, pool_printf(&v->pool, "%s.sql", name));
}

static void enter(struct visit *v, size_t i)
{
	v->mark[i] = 1;
	v->next[i] = 0;
	v->way[v->depth++] = i;
}

/* Sorts one file behind those that it requires: true; false at a circle. */
static bool visit_from(struct visit *v, size_t start, size_t circle[2])
{
	ssize_t need;
	size_t at;

	enter(v, start);
	while (v->depth) {
		at = v->way[v->depth - 1];
		if (v->next[at] == v->needs[at].nr) {
			v->sorted[v->nr++] = at;
			v->mark[at] = 2;
			v->depth--;
			continue;
		}
		need = required_one(v, v->needs[at].items[v->next[at]++]);
		/* one that names itself is a matter of policy, not of order */
		if (need < 0 || v->mark[need] == 2 || (size_t)need == at)
			continue;
		if (v->mark[need] == 1) {
			circle[0] = (size_t)need;
			circle[1] = at;
			return false;
		}
		enter(v, (size_t)need);
	}
	return true;
}

bool requires_sort(const struct path_list *paths, const struct path_list *needs,
		   const char *folder, size_t *sorted, size_t circle[2])
{
	size_t n = paths->nr, i;
	struct visit v = {
		.names = { .paths = paths, .folder = folder },
		.needs = needs,
		.next = xcalloc(n, sizeof(*v.next)),
		.way = xcalloc(n, sizeof(*v.way)),
		.mark = xcalloc(n, 1),
		.sorted = sorted,
	};
	bool ok = true;

	v.names.by_base = xcalloc(n, sizeof(*v.names.by_base));
	for (i = 0; i < n; i++)
		v.names.by_base[i] = i;
	if (n)
		qsort_r(v.names.by_base, n, sizeof(*v.names.by_base), cmp_base,
			paths->items);
	for (i = 0; i < n && ok; i++)
		ok = v.mark[i] || visit_from(&v, i, circle);
	for (i = 0; i < n && !ok; i++)
		sorted[i] = i;
	pool_release(&v.pool);
	free(v.names.by_base);
	free(v.next);
	free(v.way);
	free(v.mark);
	return ok;
}
