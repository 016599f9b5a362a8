#include "base/compat.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/vec.h"
#include "core/plan.h"
#include "flow/quiet.h"
#include "flow/worktree.h"
#include "git/history.h"
#include "git/repo.h"

enum { DEPTH_MAX = 16 };

struct listing {
	const struct plan *plan;
	struct pool *pool;
	struct worktree_file *files;
	size_t nr, alloc;
	size_t top; /* length of the folder's own path */
	struct quiet quiet;
};

static void add(struct listing *l, const char *path, enum uncommitted how)
{
	VEC_GROW(l->files, l->nr, l->alloc);
	l->files[l->nr].path = pool_strdup(l->pool, path);
	l->files[l->nr++].how = how;
}

/* Most file systems say with a name what it is, so that it need not be looked at. */
static bool is_folder(const struct dirent *e, const char *path)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder that cannot be read is like one that is not there: a hint gets lost. */
static void list_new(struct listing *l, struct buf *path, unsigned depth)
{
	size_t before = path->len;
	struct dirent *e;
	DIR *dir;

	quiet_add(&l->quiet, path->s);
	dir = depth < DEPTH_MAX ? opendir(path->s) : NULL;
	l->quiet.restless |= !dir;
	while (dir && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		buf_addc(path, '/');
		buf_adds(path, e->d_name);
		if (is_folder(e, path->s))
			list_new(l, path, depth + 1);
		else if (plan_find(l->plan, path->s + l->top + 1) < 0 &&
			 migration_name_check(path->s + l->top + 1) == NAME_OK)
			add(l, path->s + l->top + 1, UNCOMMITTED_NEW);
		path->len = before;
		path->s[before] = '\0';
	}
	if (dir)
		closedir(dir);
}

static int list_changed(struct listing *l, struct repo *repo, const char *asked,
			struct err *err)
{
	struct buf path = BUF_INIT;
	int differs = 0;
	size_t i;

	for (i = 0; i < l->plan->nr && differs >= 0; i++) {
		if (!asked[i])
			continue;
		buf_reset(&path);
		buf_addf(&path, "%s/%s", l->plan->folder, l->plan->items[i].path);
		differs = repo_file_differs(repo, path.s, &l->plan->items[i].blob, err);
		if (differs > 0)
			add(l, l->plan->items[i].path, UNCOMMITTED_CHANGED);
	}
	buf_release(&path);
	return differs < 0 ? -1 : 0;
}

/* Where an older commit is asked about, files of later ones are committed all the same.
 */
static int drop_committed(struct listing *l, struct repo *repo, struct err *err)
{
	struct plan now = { 0 };
	struct oid head;
	size_t i, nr = 0;
	int ret = repo_resolve(repo, "HEAD", &head, err);

	if (ret == 0 && !oid_eq(&head, &l->plan->head))
		ret = history_plan(repo, &head, &now, err);
	for (i = 0; i < l->nr && ret == 0; i++)
		if (l->files[i].how != UNCOMMITTED_NEW || !now.nr ||
		    plan_find(&now, l->files[i].path) < 0)
			l->files[nr++] = l->files[i];
	if (ret == 0)
		l->nr = nr;
	plan_release(&now);
	return ret;
}

static int cmp_file(const void *a, const void *b)
{
	return strcmp(((const struct worktree_file *)a)->path,
		      ((const struct worktree_file *)b)->path);
}

int worktree_list(struct repo *repo, const struct plan *plan, const char *asked,
		  struct pool *pool, struct worktree_file **out, size_t *nr,
		  struct err *err)
{
	struct listing l = { .plan = plan, .pool = pool };
	struct buf path = BUF_INIT;
	int ret;

	*out = NULL;
	*nr = 0;
	if (!repo_toplevel(repo))
		return 0;
	buf_addf(&path, "%s/%s", repo_toplevel(repo), plan->folder);
	l.top = path.len;
	if (!quiet_is_known(repo, plan, path.s)) {
		list_new(&l, &path, 0);
		if (l.nr == 0)
			quiet_keep(repo, plan, &l.quiet);
	}
	ret = l.nr ? drop_committed(&l, repo, err) : 0;
	if (ret == 0)
		ret = list_changed(&l, repo, asked, err);
	if (l.nr > 1)
		qsort(l.files, l.nr, sizeof(*l.files), cmp_file);
	*out = pool_alloc(pool, (l.nr + 1) * sizeof(**out));
	if (l.nr)
		memcpy(*out, l.files, l.nr * sizeof(**out));
	*nr = l.nr;
	free(l.files);
	buf_release(&l.quiet.lines);
	buf_release(&path);
	return ret;
}
