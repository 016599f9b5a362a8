#include "base/compat.h"

#include "base/err.h"
#include "base/interrupt.h"
#include "base/pool.h"
#include "core/trailer.h"
#include "git/describe.h"
#include "git/graph.h"
#include "git/tree.h"

enum { BREATH = 4096 }; /* commits between two looks up */

void graph_init(struct graph *g, struct repo *r, const char *folder, bool raw)
{
	memset(g, 0, sizeof(*g));
	g->repo = r;
	g->folder = folder;
	g->next = GRAPH_NONE;
	g->file = raw ? NULL : repo_commit_graph(r);
	bloom_keys_init(&g->keys, folder);
}

void graph_release(struct graph *g)
{
	if (g->repo->progress && g->walked >= BREATH)
		g->repo->progress(g->repo->progress_arg, 0);
	bloom_keys_release(&g->keys);
}

/* Id of the parent that stands behind "parent " at the beginning of `line`. */
static int parse_parent(const char *line, size_t len, struct oid *out)
{
	const size_t whole = 7 + OID_HEXSZ + 1;

	if (len < whole || memcmp(line, "parent ", 7) != 0)
		return 0;
	return oid_parse(out, line + 7, OID_HEXSZ) < 0 || line[whole - 1] != '\n' ? -1
										  : 1;
}

/*
 * The tree and the "parent <hex>" lines behind it of a raw commit. All parents
 * go to `parents` unless that is NULL. 0 or -1.
 */
static int parse_commit(const char *data, size_t len, struct graph_commit *out,
			struct oid *parents)
{
	const size_t tree_line = 5 + OID_HEXSZ + 1, parent_line = 7 + OID_HEXSZ + 1;
	struct oid id;
	int more;

	if (len < tree_line || memcmp(data, "tree ", 5) != 0 ||
	    oid_parse(&out->root, data + 5, OID_HEXSZ) < 0)
		return -1;
	out->nr_parents = 0;
	memset(&out->parent, 0, sizeof(out->parent));
	for (data += tree_line, len -= tree_line; (more = parse_parent(data, len, &id));
	     data += parent_line, len -= parent_line) {
		if (more < 0)
			return -1;
		if (out->nr_parents == 0)
			out->parent = id;
		if (parents)
			parents[out->nr_parents] = id;
		out->nr_parents++;
	}
	return 0;
}

static int read_raw(struct graph *g, const struct oid *id, git_odb_object **raw,
		    struct graph_commit *out, struct err *err)
{
	char hex[OID_HEXSZ + 1];

	if (repo_read(g->repo, raw, id, GIT_OBJECT_COMMIT, err) != 0) {
		g->contradicted = true; /* whoever named it may have been wrong */
		return -1;
	}
	out->id = *id;
	if (parse_commit(git_odb_object_data(*raw), git_odb_object_size(*raw), out,
			 NULL) == 0)
		return 0;
	git_odb_object_free(*raw);
	return err_set(err, ERR_FATAL, "commit %s is malformed", oid_hex(id, hex));
}

static int read_commit(struct graph *g, const struct oid *id,
		       const struct graph_commit **out, struct err *err)
{
	git_odb_object *raw = NULL;
	struct graph_commit *c;
	size_t i;

	for (i = 0; i < GRAPH_KEPT; i++) {
		*out = &g->commits[i];
		if (oid_eq(&(*out)->id, id))
			return 0;
	}
	*out = c = &g->commits[g->next_commit++ % GRAPH_KEPT];
	if (read_raw(g, id, &raw, c, err) < 0) {
		memset(c, 0, sizeof(*c));
		return -1;
	}
	git_odb_object_free(raw);
	return 0;
}

/* Where a commit stands in the commit-graph, or GRAPH_NONE. */
static uint32_t position(struct graph *g, const struct oid *id)
{
	if (!g->file)
		return GRAPH_NONE;
	if (g->next != GRAPH_NONE && oid_eq(&g->next_id, id))
		return g->next;
	return commit_graph_find(g->file, id);
}

/* As the commit-graph has it: true when it could tell. */
static bool from_file(struct graph *g, const struct oid *id, struct order_commit *out)
{
	uint32_t pos = position(g, id), parent;

	if (pos == GRAPH_NONE)
		return false;
	parent = commit_graph_first_parent(g->file, pos);
	if (parent == GRAPH_UNKNOWN)
		return false;
	g->next = parent;
	if (parent != GRAPH_NONE) {
		commit_graph_id(g->file, parent, &g->next_id);
		out->parent = g->next_id;
	}
	out->same = !commit_graph_maybe_changed(g->file, pos, &g->keys);
	return true;
}

/* A walk may be long: it can be watched, and broken off. 0 or -1. */
static int take_breath(struct graph *g, struct err *err)
{
	if (g->repo->progress)
		g->repo->progress(g->repo->progress_arg, g->walked);
	if (interrupt_poll(NULL, 0, 0) < 0 && interrupt_seen())
		return err_set(err, ERR_INTERRUPTED,
			       "interrupted while the history was read");
	return 0;
}

static int source_commit(void *ctx, const struct oid *id, struct order_commit *out,
			 struct err *err)
{
	const struct graph_commit *c;
	struct graph *g = ctx;

	if (++g->walked % BREATH == 0 && take_breath(g, err) < 0)
		return -1;
	memset(out, 0, sizeof(*out));
	if (repo_is_boundary(g->repo, id)) {
		out->boundary = true;
		return 0;
	}
	if (from_file(g, id, out))
		return 0;
	if (read_commit(g, id, &c, err) < 0)
		return -1;
	out->parent = c->parent;
	return 0;
}

static int compare(struct graph *g, const struct graph_commit *c, struct err *err)
{
	struct order_commit told = { 0 };
	char hex[OID_HEXSZ + 1];
	struct oid root;

	if (!from_file(g, &c->id, &told))
		return 0;
	commit_graph_root_tree(g->file, position(g, &c->id), &root);
	if (oid_eq(&told.parent, &c->parent) && oid_eq(&root, &c->root))
		return 0;
	g->contradicted = true;
	return err_set(err, ERR_FATAL, "the commit-graph contradicts commit %s",
		       oid_hex(&c->id, hex));
}

int graph_check(struct graph *g, const struct oid *commit, struct err *err)
{
	const struct graph_commit *c;

	if (!g->file)
		return 0;
	return read_commit(g, commit, &c, err) < 0 ? -1 : compare(g, c, err);
}

/* As the commit-graph has them, when it has one parent or none. */
static bool parents_from_file(struct graph *g, struct pool *pool, const struct oid *id,
			      const struct oid **out, size_t *nr)
{
	uint32_t pos = position(g, id);
	struct order_commit told = { 0 };
	struct oid *parents;

	if (pos == GRAPH_NONE || commit_graph_is_merge(g->file, pos) ||
	    !from_file(g, id, &told))
		return false;
	parents = pool_alloc(pool, sizeof(*parents));
	*parents = told.parent;
	*out = parents;
	*nr = !oid_is_zero(parents);
	return true;
}

/* What the commit-graph told of a merge is held against the object itself. */
static int source_parents(void *ctx, struct pool *pool, const struct oid *id,
			  const struct oid **out, size_t *nr, struct err *err)
{
	struct graph *g = ctx;
	git_odb_object *raw = NULL;
	struct graph_commit c;
	struct oid *parents;

	if (parents_from_file(g, pool, id, out, nr))
		return 0;
	if (read_raw(g, id, &raw, &c, err) < 0)
		return -1;
	parents = pool_alloc(pool, (c.nr_parents + 1) * sizeof(*parents));
	parse_commit(git_odb_object_data(raw), git_odb_object_size(raw), &c, parents);
	git_odb_object_free(raw);
	if (compare(g, &c, err) < 0)
		return -1;
	*out = parents;
	*nr = c.nr_parents;
	return 0;
}

/* The root tree, from the commit-graph if it has the commit. */
static int root_tree(struct graph *g, const struct oid *id, struct oid *out,
		     struct err *err)
{
	uint32_t pos = position(g, id);
	const struct graph_commit *c;

	if (pos != GRAPH_NONE) {
		commit_graph_root_tree(g->file, pos, out);
		return 0;
	}
	if (read_commit(g, id, &c, err) < 0)
		return -1;
	*out = c->root;
	return 0;
}

int graph_tree(struct graph *g, const struct oid *commit, struct oid *out,
	       struct err *err)
{
	struct oid root;
	size_t i;

	for (i = 0; i < GRAPH_KEPT; i++) {
		if (oid_eq(&g->trees[i].commit, commit)) {
			*out = g->trees[i].tree;
			return 0;
		}
	}
	if (root_tree(g, commit, &root, err) < 0)
		return -1;
	if (tree_folder(g->repo, &root, g->folder, out, err) < 0) {
		g->contradicted = g->contradicted || position(g, commit) != GRAPH_NONE;
		return -1;
	}
	i = g->next_tree++ % GRAPH_KEPT;
	g->trees[i].commit = *commit;
	g->trees[i].tree = *out;
	return 0;
}

static int source_tree(void *ctx, const struct oid *id, struct oid *out, struct err *err)
{
	return graph_tree(ctx, id, out, err);
}

static int source_added(void *ctx, struct pool *pool, const struct oid *tree,
			const struct oid *base, struct path_list *out, struct err *err)
{
	struct graph *g = ctx;

	return tree_added(g->repo, pool, tree, base, out, err);
}

struct requirements {
	struct repo *repo;
	struct pool *pool;
	const struct path_list *paths;
	struct path_list *out;
	size_t seen;
};

static int read_requires(void *arg, const char *path, const struct tree_entry *e,
			 struct err *err)
{
	struct requirements *r = arg;
	ssize_t at = path_list_find(r->paths, path);
	struct directives how = { 0 };
	struct trailers header = { 0 };
	size_t i;

	if (at < 0)
		return 0;
	r->seen++;
	if (describe_header(r->repo, &e->id, r->pool, &header, &how, err) < 0)
		return -1;
	for (i = 0; i < header.nr; i++)
		if (header.items[i].key == TRAILER_REQUIRES)
			path_list_add(&r->out[at], header.items[i].value);
	return 0;
}

/* One by one for a few; a folder of thousands is not listed for two of them. */
static int requires_of_few(struct requirements *r, const struct oid *tree,
			   struct err *err)
{
	struct tree_entry e;
	size_t i;
	int found;

	for (i = 0; i < r->paths->nr; i++) {
		found = tree_find(r->repo, tree, r->paths->items[i], &e, err);
		if (found < 0 ||
		    (found && read_requires(r, r->paths->items[i], &e, err) < 0))
			return -1;
	}
	return 0;
}

static int source_requires(void *ctx, struct pool *pool, const struct oid *tree,
			   const struct path_list *paths, struct path_list *out,
			   struct err *err)
{
	enum { FEW = 8 };
	struct graph *g = ctx;
	struct requirements r = { g->repo, pool, paths, out, 0 };

	if (paths->nr <= FEW ? requires_of_few(&r, tree, err) < 0
			     : tree_each(g->repo, tree, read_requires, &r, err) < 0)
		return -1;
	if (r.seen == paths->nr)
		return 0;
	g->contradicted = true;
	return err_set(err, ERR_FATAL, "a tree that holds '%s' is malformed",
		       paths->items[0]);
}

void graph_source(struct graph *g, struct order_source *out)
{
	out->ctx = g;
	out->commit = source_commit;
	out->parents = source_parents;
	out->tree = source_tree;
	out->added = source_added;
	out->requires = source_requires;
	out->folder = g->folder;
}
