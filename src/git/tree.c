#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/migration.h"
#include "core/paths.h"
#include "git/tree.h"

enum { TREE_DEPTH_MAX = 64, TREE_ENTRIES_MAX = 250000, KEPT_MAX = 2 << 20 };

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

bool tree_is_folder(const struct tree_entry *e)
{
	return e->mode == 040000;
}

bool tree_is_file(const struct tree_entry *e)
{
	return e->mode == MODE_REGULAR || e->mode == MODE_EXECUTABLE ||
	       e->mode == 0100664;
}

unsigned tree_file_mode(const struct tree_entry *e)
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
	ca = (unsigned char)(a->name_len > len	 ? a->name[len]
			     : tree_is_folder(a) ? '/'
						 : 0);
	cb = (unsigned char)(b->name_len > len	 ? b->name[len]
			     : tree_is_folder(b) ? '/'
						 : 0);
	return (ca > cb) - (ca < cb);
}

/*
 * A tree, NULL for the empty one. The last few are kept: each commit's folder
 * is compared with its parent's, and that one next with the grandparent's.
 */
static int read_tree(struct repo *r, const struct oid *id, git_odb_object **out,
		     struct err *err)
{
	struct kept_tree *kept = r->trees, *oldest = kept;

	*out = NULL;
	if (oid_is_zero(id))
		return 0;
	for (; kept < r->trees + ARRAY_SIZE(r->trees); kept++) {
		if (kept->raw &&
		    git_oid_equal(git_odb_object_id(kept->raw), to_git(id))) {
			kept->used = ++r->tree_clock;
			return git_odb_object_dup(out, kept->raw);
		}
		if (kept->used < oldest->used)
			oldest = kept;
	}
	if (repo_read(r, out, id, GIT_OBJECT_TREE, err) != 0)
		return -1;
	if (git_odb_object_size(*out) > KEPT_MAX)
		return 0;
	git_odb_object_free(oldest->raw);
	memset(oldest, 0, sizeof(*oldest));
	oldest->used = ++r->tree_clock;
	return git_odb_object_dup(&oldest->raw, *out);
}

static struct kept_tree *find_kept(struct repo *r, const git_odb_object *raw)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(r->trees); i++)
		if (r->trees[i].raw == raw)
			return &r->trees[i];
	return NULL;
}

static int malformed(const struct oid *tree, struct err *err)
{
	char hex[OID_HEXSZ + 1];

	return err_set(err, ERR_FATAL, "tree %s is malformed", oid_hex(tree, hex));
}

/*
 * Where the entry of that name begins in a raw tree, or its length when there is
 * none. A root is searched for each commit without a commit-graph, so that
 * entries of other names are passed over and not taken apart.
 */
static size_t find_name(const git_odb_object *tree, const char *name, size_t len)
{
	const char *data = git_odb_object_data((git_odb_object *)tree), *at = data, *nul;
	const char *end = data + git_odb_object_size((git_odb_object *)tree);

	while ((nul = memchr(at, '\0', (size_t)(end - at))) && end - nul > OID_RAWSZ) {
		if ((size_t)(nul - at) > len && nul[-1] == name[len - 1] &&
		    nul[-1 - (ssize_t)len] == ' ' && memcmp(nul - len, name, len) == 0 &&
		    memchr(at, ' ', (size_t)(nul - at)) == nul - len - 1)
			break;
		at = nul + 1 + OID_RAWSZ;
	}
	return (size_t)(at - data); /* where it is malformed as well */
}

int tree_lookup(struct repo *r, const struct oid *tree, const char *name, size_t len,
		struct tree_entry *out, struct err *err)
{
	git_odb_object *raw = NULL;
	size_t at;
	int more = 0;

	/* not one of those that are kept: it is a root, and no other has it */
	if (!oid_is_zero(tree) && repo_read(r, &raw, tree, GIT_OBJECT_TREE, err) != 0)
		return -1;
	if (raw) {
		at = find_name(raw, name, len);
		more = tree_next(raw, &at, out);
	}
	out->name = NULL; /* goes with the tree */
	git_odb_object_free(raw);
	return more < 0 ? malformed(tree, err) : more;
}

int tree_folder(struct repo *r, const struct oid *root, const char *path, struct oid *out,
		struct err *err)
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
		if (!found || !tree_is_folder(&e))
			return 0;
		*out = e.id;
		path += len + (path[len] == '/');
	}
	return 0;
}

int tree_find(struct repo *r, const struct oid *folder, const char *path,
	      struct tree_entry *out, struct err *err)
{
	const char *base = migration_base(path);
	char parent[MIGRATION_PATH_MAX + 1];
	struct oid in;

	if (base == path)
		parent[0] = '\0';
	else
		snprintf(parent, sizeof(parent), "%.*s", (int)(base - path - 1), path);
	if (oid_is_zero(folder))
		return 0;
	if (tree_folder(r, folder, parent, &in, err) < 0)
		return -1;
	if (oid_is_zero(&in))
		return 0;
	return tree_lookup(r, &in, base, strlen(base), out, err);
}

/* Where a walk over one or two trees has come to. */
struct walk {
	struct repo *repo;
	struct buf path; /* of the folder, with a slash at its end */
	unsigned depth;
	size_t seen;	  /* entries so far: a few objects can spell out any number */
	size_t most;	  /* of them */
	const char *what; /* holds them */
	/* called for each file of the tree; `base`: the same name in the other one */
	int (*file)(struct walk *w, const char *path, const struct tree_entry *e,
		    const struct tree_entry *base, struct err *err);
	void *arg;
};

/* One of two raw trees that are gone through side by side. */
struct side {
	git_odb_object *raw; /* NULL: empty */
	size_t at;	     /* behind `e` */
	struct tree_entry e;
	int more; /* 1: `e` is there; 0: the end; -1: malformed */
};

static void advance(struct side *s)
{
	s->more = s->raw ? tree_next(s->raw, &s->at, &s->e) : 0;
}

/* How many bytes two texts begin with in common. */
static size_t equal_bytes(const char *a, size_t len_a, const char *b, size_t len_b)
{
	enum { BLOCK = 512 };
	size_t len = len_a < len_b ? len_a : len_b, at = 0;

	while (len - at >= BLOCK && memcmp(a + at, b + at, BLOCK) == 0)
		at += BLOCK;
	while (at < len && a[at] == b[at])
		at++;
	return at;
}

/*
 * Passes over entries that both begin with from here on, but for the last one,
 * which is left for the two to be compared in order. Returns how many. At the
 * start of a tree a place is remembered where an entry is known to begin, for the
 * next tree that begins with the same bytes: most new files come last.
 */
static size_t skip_equal(struct repo *r, struct side *a, struct side *b)
{
	const char *pa = git_odb_object_data(a->raw), *pb = git_odb_object_data(b->raw);
	size_t la = git_odb_object_size(a->raw), lb = git_odb_object_size(b->raw);
	size_t len = equal_bytes(pa + a->at, la - a->at, pb + b->at, lb - b->at);
	bool at_start = a->at == 0 && b->at == 0;
	struct kept_tree *kept_a = at_start ? find_kept(r, a->raw) : NULL;
	struct kept_tree *kept_b = at_start ? find_kept(r, b->raw) : NULL;
	size_t at = 0, last = 0, before = 0, nr = 0;
	const char *nul;

	if (kept_a && kept_a->entry <= len) {
		at = last = kept_a->entry;
		nr = before = kept_a->before;
	}
	while (len - at > OID_RAWSZ) {
		nul = memchr(pa + a->at + at, '\0', len - OID_RAWSZ - at);
		if (!nul)
			break;
		last = at;
		before = nr++;
		at = (size_t)(nul - (pa + a->at)) + 1 + OID_RAWSZ;
	}
	if (kept_a && kept_b) {
		kept_a->entry = kept_b->entry = last;
		kept_a->before = kept_b->before = before;
	}
	a->at += last;
	b->at += last;
	return before;
}

static int walk_trees(struct walk *w, const struct oid *tree, const struct oid *base,
		      struct err *err);

static int walk_entry(struct walk *w, const struct tree_entry *e,
		      const struct tree_entry *base, struct err *err)
{
	static const struct oid none;
	size_t before = w->path.len;
	int ret;

	buf_add(&w->path, e->name, e->name_len);
	if (tree_is_folder(e)) {
		buf_addc(&w->path, '/');
		ret = walk_trees(w, &e->id, base ? &base->id : &none, err);
	} else {
		ret = w->file(w, w->path.s, e, base, err);
	}
	w->path.len = before;
	w->path.s[before] = '\0';
	return ret;
}

static int count_entries(struct walk *w, size_t nr, struct err *err)
{
	w->seen += nr;
	if (w->seen <= w->most)
		return 0;
	return err_set(err, ERR_FATAL, "%s more than %zu files", w->what, w->most);
}

/* All of `t`, with what `b` has of the same name. */
static int walk_sides(struct walk *w, struct side *t, struct side *b,
		      const struct oid *tree, const struct oid *base, struct err *err)
{
	struct tree_entry last = { 0 };
	int order, ret;

	if (t->raw && b->raw && count_entries(w, skip_equal(w->repo, t, b), err) < 0)
		return -1;
	for (advance(t), advance(b); t->more; advance(t)) {
		if (count_entries(w, 1, err) < 0)
			return -1;
		if (t->more < 0 || (last.name && entry_cmp(&last, &t->e) >= 0))
			return malformed(tree, err);
		last = t->e;
		order = 1;
		while (b->more > 0 && (order = entry_cmp(&b->e, &t->e)) < 0)
			advance(b);
		if (b->more < 0)
			return malformed(base, err);
		if (b->more > 0 && order == 0 && b->e.mode == t->e.mode &&
		    oid_eq(&b->e.id, &t->e.id)) {
			if (count_entries(w, skip_equal(w->repo, t, b), err) < 0)
				return -1;
			last.name = NULL;
			continue;
		}
		ret = walk_entry(w, &t->e, b->more > 0 && order == 0 ? &b->e : NULL, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Both trees side by side; what is equal is not opened. */
static int walk_trees(struct walk *w, const struct oid *tree, const struct oid *base,
		      struct err *err)
{
	struct side t = { 0 }, b = { 0 };
	int ret = -1;

	if (oid_eq(tree, base))
		return 0;
	if (++w->depth > TREE_DEPTH_MAX)
		return err_set(err, ERR_FATAL, "the folder '%s' is nested too deep",
			       w->path.s);
	if (read_tree(w->repo, tree, &t.raw, err) == 0 &&
	    read_tree(w->repo, base, &b.raw, err) == 0)
		ret = walk_sides(w, &t, &b, tree, base, err);
	w->depth--;
	git_odb_object_free(t.raw);
	git_odb_object_free(b.raw);
	return ret;
}

static int walk_folder(struct walk *w, const struct oid *tree, const struct oid *base,
		       struct err *err)
{
	int ret;

	if (!w->what) {
		w->what = "the migrations folder holds";
		w->most = TREE_ENTRIES_MAX;
	}
	buf_adds(&w->path, "");
	ret = walk_trees(w, tree, base, err);
	buf_release(&w->path);
	return ret;
}

struct each {
	int (*fn)(void *arg, const char *path, const struct tree_entry *e,
		  struct err *err);
	void *arg;
};

static int each_file(struct walk *w, const char *path, const struct tree_entry *e,
		     const struct tree_entry *base UNUSED, struct err *err)
{
	const struct each *each = w->arg;

	return each->fn(each->arg, path, e, err);
}

int tree_each(struct repo *r, const struct oid *folder,
	      int (*fn)(void *arg, const char *path, const struct tree_entry *e,
			struct err *err),
	      void *arg, struct err *err)
{
	static const struct oid none;
	struct each each = { fn, arg };
	struct walk w = { .repo = r, .file = each_file, .arg = &each };

	return walk_folder(&w, folder, &none, err);
}

int tree_changed(struct repo *r, const struct oid *tree, const struct oid *base,
		 int (*fn)(void *arg, const char *path, const struct tree_entry *e,
			   struct err *err),
		 void *arg, struct err *err)
{
	struct each each = { fn, arg };
	struct walk w = { .repo = r,
			  .file = each_file,
			  .arg = &each,
			  .most = TREE_ENTRIES_MAX,
			  .what = "the notes have" };

	return walk_folder(&w, tree, base, err);
}

struct collect {
	struct pool *pool;
	struct path_list *out;
};

static int collect_added(struct walk *w, const char *path, const struct tree_entry *e,
			 const struct tree_entry *base, struct err *err UNUSED)
{
	const struct collect *c = w->arg;

	if (tree_is_file(e) && !(base && tree_is_file(base)) &&
	    migration_name_check(path) == NAME_OK)
		path_list_add(c->out, pool_strdup(c->pool, path));
	return 0;
}

int tree_added(struct repo *r, struct pool *pool, const struct oid *folder,
	       const struct oid *base, struct path_list *out, struct err *err)
{
	struct collect c = { pool, out };
	struct walk w = { .repo = r, .file = collect_added, .arg = &c };

	return walk_folder(&w, folder, base, err);
}
