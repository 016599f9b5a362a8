#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/order.h"
#include "git/config.h"
#include "git/history.h"
#include "git/internal.h"

enum { TREE_DEPTH_MAX = 64, TREE_ENTRIES_MAX = 250000, HEADER_BLOB_MAX = 16 << 20 };

int tree_next(const git_odb_object *tree, size_t *at, struct tree_entry *out)
{
	const char *data = git_odb_object_data((git_odb_object *)tree);
	size_t len = git_odb_object_size((git_odb_object *)tree);
	const char *p = data + *at, *nul;

	if (*at == len)
		return 0;
	nul = memchr(p, '\0', len - *at);
	if (!nul || (size_t)(data + len - nul) < OID_RAWSZ + 1)
		return -1;
	out->mode = 0;
	for (; *p >= '0' && *p <= '7' && out->mode < 01000000; p++)
		out->mode = out->mode * 8 + (unsigned)(*p - '0');
	if (*p != ' ' || p + 1 == nul)
		return -1;
	out->name = p + 1;
	out->name_len = (size_t)(nul - out->name);
	if (memchr(out->name, '/', out->name_len))
		return -1;
	memcpy(out->id.id, nul + 1, OID_RAWSZ);
	*at = (size_t)(nul + 1 + OID_RAWSZ - data);
	return 1;
}

static bool is_tree(const struct tree_entry *e)
{
	return e->mode == 040000;
}

static bool is_file(const struct tree_entry *e)
{
	return e->mode == MODE_REGULAR || e->mode == MODE_EXECUTABLE ||
	       e->mode == 0100664;
}

/* Of a file: 0100664, which old versions wrote, is as good as 0100644. */
static unsigned file_mode(const struct tree_entry *e)
{
	return e->mode == MODE_EXECUTABLE ? MODE_EXECUTABLE : MODE_REGULAR;
}

/* git's order of entries: a folder's name counts as if it ended in a slash. */
static int entry_cmp(const struct tree_entry *a, const struct tree_entry *b)
{
	size_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order = memcmp(a->name, b->name, len);
	unsigned char ca, cb;

	if (order)
		return order;
	ca = (unsigned char)(a->name_len > len ? a->name[len] : is_tree(a) ? '/' : 0);
	cb = (unsigned char)(b->name_len > len ? b->name[len] : is_tree(b) ? '/' : 0);
	return (ca > cb) - (ca < cb);
}

static int read_tree(struct repo *r, const struct oid *id, git_odb_object **out,
		     struct err *err)
{
	*out = NULL;
	if (oid_is_zero(id))
		return 0;
	return repo_read(r, out, id, GIT_OBJECT_TREE, err) == 0 ? 0 : -1;
}

static int malformed(const struct oid *tree, struct err *err)
{
	char hex[OID_HEXSZ + 1];

	return err_set(err, ERR_FATAL, "tree %s is malformed", oid_hex(tree, hex));
}

/* One entry of a tree by name: 1, 0, -1. */
static int tree_lookup(struct repo *r, const struct oid *tree, const char *name,
		       size_t len, struct tree_entry *out, struct err *err)
{
	git_odb_object *raw = NULL;
	size_t at = 0;
	int more = 0;

	if (read_tree(r, tree, &raw, err) < 0)
		return -1;
	while (raw && (more = tree_next(raw, &at, out)) > 0)
		if (out->name_len == len && memcmp(out->name, name, len) == 0)
			break;
	out->name = NULL; /* goes with the tree */
	git_odb_object_free(raw);
	return more < 0 ? malformed(tree, err) : more;
}

int repo_subtree(struct repo *r, const struct oid *root, const char *path,
		 struct oid *out, struct err *err)
{
	struct tree_entry e;
	size_t len;
	int found;

	*out = *root;
	while (*path) {
		len = strcspn(path, "/");
		found = tree_lookup(r, out, path, len, &e, err);
		if (found < 0)
			return -1;
		memset(out, 0, sizeof(*out));
		if (!found || !is_tree(&e))
			return 0;
		*out = e.id;
		path += len + (path[len] == '/');
	}
	return 0;
}

struct graph {
	struct repo *repo;
	const char *folder;
};

/* "parent <hex>\n" lines behind the tree line of a raw commit. */
static int parse_commit(const char *data, size_t len, struct pool *pool, struct oid *root,
			struct order_commit *out)
{
	const size_t tree_line = 5 + OID_HEXSZ + 1, parent_line = 7 + OID_HEXSZ + 1;
	struct oid *parents;
	size_t nr = 0, at = tree_line, i;

	if (len < tree_line || memcmp(data, "tree ", 5) != 0 ||
	    oid_parse(root, data + 5, OID_HEXSZ) < 0)
		return -1;
	while (len - (at + nr * parent_line) >= parent_line &&
	       memcmp(data + at + nr * parent_line, "parent ", 7) == 0)
		nr++;
	parents = pool_alloc(pool, (nr + 1) * sizeof(*parents));
	for (i = 0; i < nr; i++)
		if (oid_parse(&parents[i], data + at + i * parent_line + 7, OID_HEXSZ) <
		    0)
			return -1;
	out->parents = parents;
	out->nr_parents = nr;
	return 0;
}

static bool at_boundary(const struct repo *r, const struct oid *id)
{
	size_t low = 0, high = r->nr_boundary, mid;
	int order;

	while (low < high) {
		mid = low + (high - low) / 2;
		order = oid_cmp(id, &r->boundary[mid]);
		if (order == 0)
			return true;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

static int source_commit(void *ctx, struct pool *pool, const struct oid *id,
			 struct order_commit *out, struct err *err)
{
	struct graph *g = ctx;
	git_odb_object *raw = NULL;
	char hex[OID_HEXSZ + 1];
	struct oid root;
	int ret;

	memset(out, 0, sizeof(*out));
	if (repo_read(g->repo, &raw, id, GIT_OBJECT_COMMIT, err) != 0)
		return -1;
	ret = parse_commit(git_odb_object_data(raw), git_odb_object_size(raw), pool,
			   &root, out);
	git_odb_object_free(raw);
	if (ret < 0)
		return err_set(err, ERR_FATAL, "commit %s is malformed",
			       oid_hex(id, hex));
	if (g->repo->nr_boundary && at_boundary(g->repo, id)) {
		out->boundary = true;
		out->nr_parents = 0;
	}
	return repo_subtree(g->repo, &root, g->folder, &out->tree, err);
}

/* Where a walk over one or two trees has come to. */
struct tree_walk {
	struct repo *repo;
	struct buf path; /* of the folder, with a slash at its end */
	unsigned depth;
	size_t seen; /* entries so far: a few objects can spell out any number */
	/* called for each file of the tree; `base`: the same name in the other one */
	int (*file)(void *arg, const char *path, const struct tree_entry *e,
		    const struct tree_entry *base, struct err *err);
	void *arg;
};

static int walk_trees(struct tree_walk *w, const struct oid *tree, const struct oid *base,
		      struct err *err);

static int walk_entry(struct tree_walk *w, const struct tree_entry *e,
		      const struct tree_entry *base, struct err *err)
{
	static const struct oid none;
	size_t before = w->path.len;
	int ret;

	buf_add(&w->path, e->name, e->name_len);
	if (is_tree(e)) {
		buf_addc(&w->path, '/');
		ret = walk_trees(w, &e->id, base ? &base->id : &none, err);
	} else {
		ret = w->file(w->arg, w->path.s, e, base, err);
	}
	w->path.len = before;
	w->path.s[before] = '\0';
	return ret;
}

/* Both trees side by side; equal subtrees are not opened. */
static int walk_trees(struct tree_walk *w, const struct oid *tree, const struct oid *base,
		      struct err *err)
{
	git_odb_object *raw = NULL, *raw_base = NULL;
	struct tree_entry e, b, last = { 0 };
	size_t at = 0, at_base = 0;
	int more, more_base = 0, order, ret = -1;

	if (oid_eq(tree, base))
		return 0;
	if (++w->depth > TREE_DEPTH_MAX)
		return err_set(err, ERR_FATAL, "the folder '%s' is nested too deep",
			       w->path.s);
	if (read_tree(w->repo, tree, &raw, err) < 0 ||
	    read_tree(w->repo, base, &raw_base, err) < 0)
		goto out;
	if (raw_base)
		more_base = tree_next(raw_base, &at_base, &b);
	while (raw && (more = tree_next(raw, &at, &e)) != 0) {
		if (++w->seen > TREE_ENTRIES_MAX) {
			err_set(err, ERR_FATAL,
				"the migrations folder holds more than %d files",
				TREE_ENTRIES_MAX);
			goto out;
		}
		if (more < 0 || (last.name && entry_cmp(&last, &e) >= 0)) {
			malformed(tree, err);
			goto out;
		}
		last = e;
		order = 1;
		while (more_base > 0 && (order = entry_cmp(&b, &e)) < 0)
			more_base = tree_next(raw_base, &at_base, &b);
		if (more_base < 0) {
			malformed(base, err);
			goto out;
		}
		if (walk_entry(w, &e, more_base > 0 && order == 0 ? &b : NULL, err) < 0)
			goto out;
	}
	w->depth--;
	ret = 0;
out:
	git_odb_object_free(raw);
	git_odb_object_free(raw_base);
	return ret;
}

static int walk_folder(struct repo *r, const struct oid *tree, const struct oid *base,
		       int (*file)(void *arg, const char *path,
				   const struct tree_entry *e,
				   const struct tree_entry *base_entry, struct err *err),
		       void *arg, struct err *err)
{
	struct tree_walk w = { .repo = r, .file = file, .arg = arg };
	int ret;

	buf_adds(&w.path, "");
	ret = walk_trees(&w, tree, base, err);
	buf_release(&w.path);
	return ret;
}

struct collect {
	struct pool *pool;
	struct path_list *out;
};

static int collect_added(void *arg, const char *path, const struct tree_entry *e,
			 const struct tree_entry *base, struct err *err UNUSED)
{
	struct collect *c = arg;

	if (is_file(e) && !(base && is_file(base)) &&
	    migration_name_check(path) == NAME_OK)
		path_list_add(c->out, pool_strdup(c->pool, path));
	return 0;
}

static int source_added(void *ctx, struct pool *pool, const struct oid *tree,
			const struct oid *base, struct path_list *out, struct err *err)
{
	struct graph *g = ctx;
	struct collect c = { .pool = pool, .out = out };

	return walk_folder(g->repo, tree, base, collect_added, &c, err);
}

/* The entry of a path below a folder: 1, 0, -1. */
static int find_file(struct repo *r, const struct oid *tree, const char *path,
		     struct tree_entry *out, struct err *err)
{
	const char *base = migration_base(path);
	char folder[MIGRATION_PATH_MAX + 1];
	struct oid in;

	if (base == path)
		folder[0] = '\0';
	else
		snprintf(folder, sizeof(folder), "%.*s", (int)(base - path - 1), path);
	if (oid_is_zero(tree))
		return 0;
	if (repo_subtree(r, tree, folder, &in, err) < 0)
		return -1;
	if (oid_is_zero(&in))
		return 0;
	return tree_lookup(r, &in, base, strlen(base), out, err);
}

static int source_holds(void *ctx, const struct oid *tree, const char *path,
			struct err *err)
{
	struct graph *g = ctx;
	struct tree_entry e;
	int found = find_file(g->repo, tree, path, &e, err);

	return found > 0 ? is_file(&e) : found;
}

/* The header of a blob; a blob too large to have been meant for one has none. */
static int read_header(struct repo *r, const struct oid *blob, struct pool *pool,
		       struct trailers *out, struct directives *how, struct err *err)
{
	git_object_t type;
	struct buf sql = BUF_INIT;
	size_t size;
	int ret = -1;

	if (git_odb_read_header(&size, &type, r->odb, to_git(blob)) == 0 &&
	    size > HEADER_BLOB_MAX)
		return 0;
	if (repo_read_blob(r, blob, &sql, err) == 0) {
		trailers_from_header(out, how, pool, buf_str(&sql), sql.len);
		ret = 0;
	}
	buf_release(&sql);
	return ret;
}

static int source_requires(void *ctx, struct pool *pool, const struct oid *tree,
			   const char *path, struct path_list *out, struct err *err)
{
	struct graph *g = ctx;
	struct directives how = { 0 };
	struct trailers header = { 0 };
	struct tree_entry e;
	size_t i;

	int found = find_file(g->repo, tree, path, &e, err);

	if (found == 0)
		return err_set(err, ERR_FATAL, "a tree that holds '%s' is malformed",
			       path);
	if (found < 0 || read_header(g->repo, &e.id, pool, &header, &how, err) < 0)
		return -1;
	for (i = 0; i < header.nr; i++)
		if (header.items[i].key == TRAILER_REQUIRES)
			path_list_add(out, header.items[i].value);
	return 0;
}

struct listing {
	struct plan *plan;
	struct misfit *misfits;
	size_t nr, alloc;
};

/* Notes blob and mode of each migration, and what stands there and is none. */
static int list_file(void *arg, const char *path, const struct tree_entry *e,
		     const struct tree_entry *base UNUSED, struct err *err UNUSED)
{
	struct listing *l = arg;
	enum name_verdict name = migration_name_check(path);
	ssize_t pos;

	if (name == NAME_OTHER)
		return 0;
	if (name == NAME_OK && is_file(e)) {
		pos = plan_find(l->plan, path);
		if (pos < 0)
			BUG("migration '%s' has no place in the plan", path);
		l->plan->items[pos].blob = e->id;
		l->plan->items[pos].mode = file_mode(e);
		return 0;
	}
	VEC_GROW(l->misfits, l->nr, l->alloc);
	l->misfits[l->nr].path = pool_strdup(&l->plan->pool, path);
	l->misfits[l->nr].mode = e->mode;
	l->misfits[l->nr++].name = name;
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
	if (git_commit_lookup(&c, r->git, to_git(commit)) < 0)
		return repo_err(err, "could not read the commit");
	from_git(&at, git_commit_tree_id(c));
	git_commit_free(c);
	for (; *folder && found > 0; folder += len + (folder[len] == '/')) {
		len = strcspn(folder, "/");
		found = tree_lookup(r, &at, folder, len, &e, err);
		if (found > 0 && !is_tree(&e)) {
			*mode = e.mode;
			return 0;
		}
		if (found > 0)
			at = e.id;
	}
	return found < 0 ? -1 : 0;
}

/* A link or a file in the place of the folder is no empty folder. */
static int list_folder(struct repo *r, const struct oid *commit, struct plan *plan,
		       struct err *err)
{
	struct misfit *folder;
	unsigned mode;

	if (folder_mode(r, commit, plan->folder, &mode, err) < 0)
		return -1;
	if (mode) {
		folder = pool_alloc(&plan->pool, sizeof(*folder));
		folder->path = "";
		folder->mode = mode;
		plan->misfits = folder;
		plan->nr_misfits = 1;
	}
	return 0;
}

static int list_tree(struct repo *r, const struct oid *tree, struct plan *plan,
		     struct err *err)
{
	static const struct oid none;
	struct listing l = { .plan = plan };
	struct misfit *kept;
	int ret = walk_folder(r, tree, &none, list_file, &l, err);

	kept = pool_alloc(&plan->pool, (l.nr + 1) * sizeof(*kept));
	if (l.nr)
		memcpy(kept, l.misfits, l.nr * sizeof(*kept));
	plan->misfits = kept;
	plan->nr_misfits = l.nr;
	free(l.misfits);
	return ret;
}

/* The first paragraph on one line, as git's %s. */
static const char *make_subject(struct pool *pool, const char *message)
{
	struct buf out = BUF_INIT;
	const char *subject;
	size_t len;

	while (ascii_isspace((unsigned char)*message))
		message++;
	while (*message && *message != '\n') {
		len = strcspn(message, "\n");
		if (out.len)
			buf_addc(&out, ' ');
		buf_add(&out, message, len);
		while (out.len && ascii_isspace((unsigned char)out.s[out.len - 1]))
			out.s[--out.len] = '\0';
		message += len + (message[len] == '\n');
	}
	subject = pool_strndup(pool, buf_str(&out), out.len);
	buf_release(&out);
	return subject;
}

static int describe_commit(struct repo *r, struct pool *pool, struct migration *m,
			   struct err *err)
{
	git_commit *commit = NULL;
	const git_signature *author;
	const char *message;
	char hex[OID_HEXSZ + 1];

	if (oid_is_zero(&m->commit)) {
		m->author = "unknown";
		m->subject = "(before the history that this shallow clone has)";
		return 0;
	}
	if (git_commit_lookup(&commit, r->git, to_git(&m->commit)) < 0)
		return repo_err(err, "could not read commit %s",
				oid_hex(&m->commit, hex));
	author = git_commit_author(commit);
	message = git_commit_message_raw(commit);
	m->author = pool_printf(pool, "%s <%s>", author->name, author->email);
	m->when = author->when.time;
	m->subject = make_subject(pool, message);
	trailers_from_message(&m->in_message, pool, message, strlen(message));
	git_commit_free(commit);
	return 0;
}

static int source_describe(void *ctx, struct pool *pool, struct migration *m,
			   struct err *err)
{
	struct repo *r = ctx;

	if (describe_commit(r, pool, m, err) < 0)
		return -1;
	return read_header(r, &m->blob, pool, &m->in_header, &m->how, err);
}

static int source_is_commit(void *ctx, const char *hex, struct err *err)
{
	return repo_is_commit(ctx, hex, err);
}

static void fill_plan(struct plan *plan, const struct order_entry *entries, size_t nr)
{
	size_t i;

	plan->items = pool_alloc(&plan->pool, (nr + 1) * sizeof(*plan->items));
	plan->nr = nr;
	for (i = 0; i < nr; i++) {
		plan->items[i].path = entries[i].path;
		plan->items[i].commit = entries[i].commit;
		plan->items[i].arrival = entries[i].arrival;
		plan->items[i].company = entries[i].company;
		plan->items[i].order_unknown = entries[i].unknown;
	}
	plan_index(plan);
}

int history_plan(struct repo *r, const struct oid *commit, struct plan *out,
		 struct err *err)
{
	struct graph g = { .repo = r };
	struct order_source source = {
		.ctx = &g,
		.commit = source_commit,
		.added = source_added,
		.holds = source_holds,
		.requires = source_requires,
	};
	struct order_entry *entries;
	struct order_commit at;
	size_t nr;

	memset(out, 0, sizeof(*out));
	out->head = *commit;
	out->source.ctx = r;
	out->source.describe = source_describe;
	out->source.is_commit = source_is_commit;
	if (repo_folder(r, &g.folder, err) < 0)
		return -1;
	out->folder = pool_strdup(&out->pool, g.folder);
	source.folder = g.folder;
	if (order_plan(&source, &out->pool, commit, &entries, &nr, err) < 0 ||
	    source_commit(&g, &out->pool, commit, &at, err) < 0)
		goto failed;
	fill_plan(out, entries, nr);
	if (list_tree(r, &at.tree, out, err) < 0 ||
	    (oid_is_zero(&at.tree) && list_folder(r, commit, out, err) < 0))
		goto failed;
	return 0;
failed:
	plan_release(out);
	return -1;
}

int history_holds(struct repo *r, const struct oid *commit, const char *path,
		  struct oid *blob, unsigned *mode, struct err *err)
{
	struct graph g = { .repo = r };
	struct pool pool = { 0 };
	struct order_commit at;
	struct tree_entry e;
	int found = -1;

	if (migration_name_check(path) != NAME_OK)
		return 0;
	if (repo_folder(r, &g.folder, err) == 0 &&
	    source_commit(&g, &pool, commit, &at, err) == 0)
		found = find_file(r, &at.tree, path, &e, err);
	pool_release(&pool);
	if (found <= 0)
		return found;
	*blob = e.id;
	*mode = file_mode(&e);
	return is_file(&e);
}

int history_each_message(struct repo *r, const struct oid *tip, const struct oid *until,
			 int (*fn)(void *arg, const struct oid *commit,
				   const char *message, size_t len, struct err *err),
			 void *arg, struct err *err)
{
	git_commit *at = NULL, *parent = NULL;
	struct oid id = *tip;
	const char *message;
	int ret = 0, code = git_commit_lookup(&at, r->git, to_git(tip));

	while (code == 0 && !oid_eq(&id, until)) {
		message = git_commit_message_raw(at);
		ret = fn(arg, &id, message, strlen(message), err);
		if (ret || at_boundary(r, &id) || git_commit_parentcount(at) == 0)
			break;
		code = git_commit_parent(&parent, at, 0);
		if (code == 0) {
			git_commit_free(at);
			at = parent;
			from_git(&id, git_commit_id(at));
		}
	}
	if (code < 0)
		ret = repo_err(err, "could not walk the history");
	git_commit_free(at);
	return ret;
}
