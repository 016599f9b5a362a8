#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/lines.h"
#include "core/order.h"
#include "core/plan_bytes.h"
#include "git/cache.h"
#include "git/describe.h"
#include "git/graph.h"
#include "git/history.h"
#include "git/plain_refs.h"
#include "git/tree.h"

/* What stands in the migrations folder of one commit. */
struct listing {
	struct pool *pool; /* the plan's */
	struct path_list paths;
	struct file {
		struct oid blob;
		unsigned mode;
	} * files; /* of each path */
	size_t alloc;
	struct misfit *misfits;
	size_t nr_misfits, alloc_misfits;
};

static void listing_release(struct listing *l)
{
	path_list_release(&l->paths);
	free(l->files);
	free(l->misfits);
}

/* Notes blob and mode of each migration, and what stands there and is none. */
static int list_file(void *arg, const char *path, const struct tree_entry *e,
		     struct err *err UNUSED)
{
	struct listing *l = arg;
	enum name_verdict name = migration_name_check(path);
	struct misfit *m;

	if (name == NAME_OTHER)
		return 0;
	if (name == NAME_OK && tree_is_file(e)) {
		VEC_GROW(l->files, l->paths.nr, l->alloc);
		l->files[l->paths.nr].blob = e->id;
		l->files[l->paths.nr].mode = tree_file_mode(e);
		path_list_add(&l->paths, pool_strdup(l->pool, path));
		return 0;
	}
	VEC_GROW(l->misfits, l->nr_misfits, l->alloc_misfits);
	m = &l->misfits[l->nr_misfits++];
	m->path = pool_strdup(l->pool, path);
	m->mode = e->mode;
	m->name = name;
	return 0;
}

/* The mode of what stands where the folder should be; 0 when all is in order. */
static int folder_mode(struct repo *r, const struct oid *commit, const char *folder,
		       unsigned *mode, struct err *err)
{
	git_commit *c = NULL;
	struct tree_entry e;
	struct oid at;
	int found = 1;
	size_t len;

	*mode = 0;
	if (repo_commit(r, &c, commit, err) < 0)
		return -1;
	from_git(&at, git_commit_tree_id(c));
	git_commit_free(c);
	for (; *folder && found > 0; folder += len + (folder[len] == '/')) {
		len = strcspn(folder, "/");
		found = tree_lookup(r, &at, folder, len, &e, err);
		if (found > 0 && !tree_is_folder(&e)) {
			*mode = e.mode;
			return 0;
		}
		if (found > 0)
			at = e.id;
	}
	return found < 0 ? -1 : 0;
}

/* A link or a file in the place of the folder is no empty folder. */
static int list_folder(struct repo *r, const struct oid *commit, const char *folder,
		       struct listing *l, struct err *err)
{
	unsigned mode;

	if (folder_mode(r, commit, folder, &mode, err) < 0)
		return -1;
	if (mode) {
		VEC_GROW(l->misfits, l->nr_misfits, l->alloc_misfits);
		l->misfits[l->nr_misfits++] = (struct misfit){ "", mode, NAME_OK };
	}
	return 0;
}

static int two_of_a_name(const char *folder, struct err *err)
{
	err_set(err, ERR_FATAL, "'%s' is a file and a folder: the tree is malformed",
		folder);
	err_hint(err, "malformedTree",
		 "git itself makes no such tree, and checks none out; \"git fsck\" names "
		 "it. Make the commit anew with git.");
	return -1;
}

/*
 * git makes no tree in which a file and a folder have one name, though a hand
 * can. 0 or -1.
 */
static int check_folders(const struct listing *l, struct err *err)
{
	char folder[MIGRATION_PATH_MAX + 1];
	const char *path, *slash;
	size_t i;

	for (i = 0; i < l->paths.nr; i++) {
		path = l->paths.items[i];
		for (slash = path; (slash = strchr(slash, '/')); slash++) {
			snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path),
				 path);
			if (ends_with(folder, ".sql") &&
			    path_list_find(&l->paths, folder) >= 0)
				return two_of_a_name(folder, err);
		}
	}
	return 0;
}

/* The plan has the misfits, and the migrations in their order. */
static void fill_plan(struct plan *plan, const struct listing *l,
		      const struct order_entry *entries)
{
	struct misfit *misfits;
	struct migration *m;
	size_t i;

	misfits = pool_alloc(&plan->pool, (l->nr_misfits + 1) * sizeof(*misfits));
	if (l->nr_misfits)
		memcpy(misfits, l->misfits, l->nr_misfits * sizeof(*misfits));
	plan->misfits = misfits;
	plan->nr_misfits = l->nr_misfits;
	plan->nr = l->paths.nr;
	plan->items = pool_alloc(&plan->pool, (plan->nr + 1) * sizeof(*plan->items));
	plan->by_path = pool_alloc(&plan->pool, (plan->nr + 1) * sizeof(*plan->by_path));
	for (i = 0; i < plan->nr; i++) {
		m = &plan->items[i];
		m->path = l->paths.items[entries[i].path];
		m->blob = l->files[entries[i].path].blob;
		m->mode = l->files[entries[i].path].mode;
		m->commit = entries[i].commit;
		m->arrival = entries[i].arrival;
		m->company = entries[i].company;
		m->order_unknown = entries[i].unknown;
		plan->by_path[entries[i].path] = i;
	}
}

/* Lists the folder of the commit and puts it in order. */
static int make_plan(struct graph *g, struct lines *lines, struct plan *plan,
		     struct err *err)
{
	struct listing l = { .pool = &plan->pool };
	struct order_entry *entries = NULL;
	struct order_source source;
	struct oid tree;
	int ret = -1;

	graph_source(g, &source);
	if (graph_check(g, &plan->head, err) < 0 ||
	    graph_tree(g, &plan->head, &tree, err) < 0 ||
	    tree_each(g->repo, &tree, list_file, &l, err) < 0 ||
	    (oid_is_zero(&tree) &&
	     list_folder(g->repo, &plan->head, plan->folder, &l, err) < 0))
		goto out;
	if (check_folders(&l, err) < 0)
		goto out;
	entries = xcalloc(l.paths.nr + 1, sizeof(*entries));
	if (order_plan(&source, lines, &plan->head, &l.paths, entries, err) < 0)
		goto out;
	fill_plan(plan, &l, entries);
	ret = repo_drop_bases(g->repo, err); /* of trees, that nobody asks for again */
out:
	listing_release(&l);
	free(entries);
	return ret;
}

static int source_describe(void *ctx, struct pool *pool, struct migration *m,
			   struct err *err)
{
	return describe_migration(ctx, pool, m, err);
}

static int source_describe_raw(void *ctx, struct pool *pool, struct migration *m,
			       struct err *err)
{
	return describe_raw(ctx, pool, m, err);
}

static int source_is_commit(void *ctx, const char *hex, struct err *err)
{
	return repo_is_commit(ctx, hex, err);
}

static int begin_plan(struct repo *r, const struct oid *commit, struct plan *out,
		      struct err *err)
{
	const char *folder;

	memset(out, 0, sizeof(*out));
	if (repo_folder(r, &folder, err) < 0)
		return -1;
	out->head = *commit;
	out->folder = pool_strdup(&out->pool, folder);
	out->source.ctx = r;
	out->source.describe = source_describe;
	out->source.is_commit = source_is_commit;
	return 0;
}

int history_plan_raw(struct repo *r, const struct oid *commit, struct plan *out,
		     struct err *err)
{
	struct lines lines = { 0 };
	struct graph g;
	int ret;

	if (begin_plan(r, commit, out, err) < 0)
		return -1;
	out->source.describe = source_describe_raw;
	graph_init(&g, r, out->folder, true);
	ret = make_plan(&g, &lines, out, err);
	graph_release(&g);
	lines_release(&lines);
	if (ret < 0)
		plan_release(out);
	return ret;
}

int history_plan(struct repo *r, const struct oid *commit, struct plan *out,
		 struct err *err)
{
	struct lines *lines;
	struct graph g;
	int ret;

	if (begin_plan(r, commit, out, err) < 0)
		return -1;
	lines = cache_lines(r, out->folder);
	graph_init(&g, r, out->folder, false);
	ret = make_plan(&g, lines, out, err);
	graph_release(&g);
	if (ret == 0) {
		cache_keep_lines(r, commit,
				 out->nr ? &out->items[out->nr - 1].arrival : commit);
		return 0;
	}
	plan_release(out);
	if (!lines->doubtful && !g.contradicted)
		return -1;
	/* a damaged file beside the objects is no reason to fail */
	cache_drop_lines(r);
	ret = history_plan_raw(r, commit, out, err);
	if (ret == 0)
		memset(err, 0, sizeof(*err));
	return ret;
}

int history_plan_landed(struct repo *r, const struct oid *commit, struct plan *out,
			struct err *err)
{
	if (history_plan(r, commit, out, err) < 0)
		return -1;
	cache_keep_landed(r, commit, out->nr ? &out->items[out->nr - 1].arrival : commit);
	return 0;
}

int history_plan_kept(struct repo *r, const struct oid *commit, struct plan *out,
		      struct err *err)
{
	const struct kept_head *kept = cache_head(r);

	if (begin_plan(r, commit, out, err) < 0)
		return -1;
	if (kept && oid_eq(&kept->commit, commit) &&
	    strcmp(kept->folder, out->folder) == 0 &&
	    plan_decode(out, kept->plan, kept->plan_len) == 0)
		return 1;
	plan_release(out);
	return 0;
}

/* Keeps the plan of the commit that HEAD is at. */
static void keep_plan(struct repo *r, const struct plan *plan)
{
	struct kept_head head = { .commit = plan->head, .folder = plan->folder };
	struct buf bytes = BUF_INIT;
	struct oid at;

	if (plain_head(r, &at) <= 0 || !oid_eq(&at, &plan->head) ||
	    !repo_shared_known(r, &plan->head, &head.shared))
		return;
	plan_encode(plan, &bytes);
	head.plan = bytes.s;
	head.plan_len = bytes.len;
	cache_keep_head(r, &head);
	buf_release(&bytes);
}

int history_plan_head(struct repo *r, const struct oid *commit, struct plan *out,
		      struct err *err)
{
	int known = history_plan_kept(r, commit, out, err);

	if (known)
		return known < 0 ? -1 : 0;
	if (history_plan(r, commit, out, err) < 0)
		return -1;
	keep_plan(r, out);
	return 0;
}

/* Where the last paragraph begins, with the end of the blank line before it. */
static const char *last_paragraph(const char *message)
{
	size_t len = strlen(message);

	while (len && message[len - 1] == '\n')
		len--;
	while (len > 1 && (message[len - 1] != '\n' || message[len - 2] != '\n'))
		len--;
	return message + (len > 1 ? len - 1 : 0);
}

void history_keep_trailers(struct repo *r, const struct oid *commit, const char *message)
{
	cache_keep_trailers(r, commit, last_paragraph(message));
}

int history_trailers(struct repo *r, const struct oid *commit, struct buf *out,
		     struct err *err)
{
	git_commit *c = NULL;
	const char *found;

	if (cache_trailers(r, commit, out))
		return 0;
	if (repo_load(r, err) < 0)
		return -1;
	if (git_commit_lookup(&c, r->git, to_git(commit)) < 0)
		return repo_err(err, "could not read the commit");
	found = last_paragraph(git_commit_message_raw(c));
	buf_adds(out, found);
	cache_keep_trailers(r, commit, found);
	git_commit_free(c);
	return 0;
}

int history_on_line(struct repo *r, const struct oid *old, const struct oid *tip,
		    size_t limit, struct err *err)
{
	struct order_source source;
	struct order_commit at;
	struct oid id = *tip;
	struct graph g;
	size_t steps;
	int ret = 0;

	graph_init(&g, r, "", false);
	graph_source(&g, &source);
	for (steps = 0; ret == 0 && (!limit || steps < limit); steps++) {
		if (oid_eq(&id, old)) {
			ret = 1;
		} else if (source.commit(source.ctx, &id, &at, err) < 0) {
			ret = -1;
		} else if (at.boundary || oid_is_zero(&at.parent)) {
			break;
		} else {
			id = at.parent;
		}
	}
	graph_release(&g);
	return ret;
}

/* A file of the migrations folder: 1, 0, -1. */
static int find_file(struct repo *r, const struct oid *commit, const char *path,
		     struct tree_entry *e, struct err *err)
{
	const char *folder;
	struct graph g;
	struct oid tree;
	int found = -1;

	if (repo_folder(r, &folder, err) < 0)
		return -1;
	graph_init(&g, r, folder, true);
	if (graph_tree(&g, commit, &tree, err) == 0)
		found = tree_find(r, &tree, path, e, err);
	graph_release(&g);
	return found > 0 ? tree_is_file(e) : found;
}

int history_holds(struct repo *r, const struct oid *commit, const char *path,
		  struct oid *blob, unsigned *mode, struct err *err)
{
	struct tree_entry e;
	int found;

	if (migration_name_check(path) != NAME_OK)
		return 0;
	found = find_file(r, commit, path, &e, err);
	if (found > 0) {
		*blob = e.id;
		*mode = tree_file_mode(&e);
	}
	return found;
}

int history_file(struct repo *r, const struct oid *commit, const char *path,
		 struct oid *blob, struct err *err)
{
	struct tree_entry e;
	int found = find_file(r, commit, path, &e, err);

	if (found > 0)
		*blob = e.id;
	return found;
}

struct each_file {
	int (*fn)(void *arg, const char *path, const struct oid *blob, struct err *err);
	void *arg;
};

static int give_file(void *arg, const char *path, const struct tree_entry *e,
		     struct err *err)
{
	const struct each_file *each = arg;

	return tree_is_file(e) ? each->fn(each->arg, path, &e->id, err) : 0;
}

int history_each_in(struct repo *r, const struct oid *commit, const char *folder,
		    int (*fn)(void *arg, const char *path, const struct oid *blob,
			      struct err *err),
		    void *arg, struct err *err)
{
	struct each_file each = { fn, arg };
	struct graph g;
	struct oid tree;
	int ret = -1;

	graph_init(&g, r, folder, true);
	if (graph_tree(&g, commit, &tree, err) == 0)
		ret = tree_each(r, &tree, give_file, &each, err);
	graph_release(&g);
	return ret;
}

int history_each_message(struct repo *r, const struct oid *tip, const struct oid *until,
			 int (*fn)(void *arg, const struct oid *commit,
				   const char *message, size_t len, struct err *err),
			 void *arg, struct err *err)
{
	git_commit *at = NULL;
	struct oid id = *tip;
	const char *message;
	int ret = 0;

	while (ret == 0 && !oid_eq(&id, until)) {
		if (repo_commit(r, &at, &id, err) < 0)
			return -1;
		message = git_commit_message_raw(at);
		ret = fn(arg, &id, message, strlen(message), err);
		if (ret || repo_is_boundary(r, &id) || git_commit_parentcount(at) == 0)
			break;
		from_git(&id, git_commit_parent_id(at, 0));
		git_commit_free(at);
		at = NULL;
	}
	git_commit_free(at);
	return ret;
}

int history_commit(struct repo *r, const struct oid *commit, struct pool *pool,
		   struct history_commit *out, struct err *err)
{
	git_commit *c = NULL;
	const git_signature *author;

	memset(out, 0, sizeof(*out));
	if (repo_commit(r, &c, commit, err) < 0)
		return -1;
	author = git_commit_author(c);
	out->author = pool_printf(pool, "%s <%s>", author->name, author->email);
	out->when = author->when.time;
	out->message = pool_strdup(pool, git_commit_message_raw(c));
	if (git_commit_parentcount(c))
		from_git(&out->parent, git_commit_parent_id(c, 0));
	git_commit_free(c);
	return 0;
}

int history_header(struct repo *r, const struct oid *blob, struct pool *pool,
		   struct trailers *out, struct directives *how, struct err *err)
{
	return describe_header(r, blob, pool, out, how, err);
}
