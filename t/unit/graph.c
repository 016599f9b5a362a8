#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/vec.h"
#include "core/lines.h"
#include "core/order.h"
#include "graph.h"

const char *const paths[PATHS] = {
	"10-x.sql", "10.sql", "10/20.sql", "20.sql", "25.sql",	 "30.sql",
	"40.sql",   "50.sql", "a.sql",	   "b.sql",  "b/20.sql", "c.sql",
};

const char *graph_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct node *graph_add(struct graph *g, const char *name)
{
	struct node *n;

	VEC_GROW(g->at, g->nr, g->alloc);
	n = &g->at[g->nr++];
	memset(n, 0, sizeof(*n));
	snprintf(n->name, sizeof(n->name), "%s", name);
	return n;
}

void graph_release(struct graph *g)
{
	free(g->at);
	memset(g, 0, sizeof(*g));
}

void graph_trees(struct graph *g)
{
	size_t i, k;

	for (i = 0; i < g->nr; i++) {
		for (k = i > 40 ? i - 40 : 0; k < i; k++)
			if (memcmp(g->at[k].files, g->at[i].files,
				   sizeof(g->at[i].files)) == 0)
				break;
		g->at[i].tree = k < i ? g->at[k].tree : i;
	}
}

/* PATHS when there is none. */
static size_t find_path(const char *s, size_t len)
{
	size_t p;

	for (p = 0; p < PATHS; p++)
		if (strlen(paths[p]) == len + 4 && strncmp(paths[p], s, len) == 0)
			break;
	return p;
}

size_t graph_path(const char *s, size_t len)
{
	size_t p = find_path(s, len);

	if (p == PATHS)
		fail_msg("no path begins '%.*s'", (int)len, s);
	return p;
}

/* path[*version][<required,...[%form]] */
static void parse_file(struct node *n, const char *s, size_t len)
{
	const char *end = s + len;
	size_t name = strcspn(s, "*< ;"), p = graph_path(s, name);
	unsigned version = 1, needs = 0, form = 0;

	s += name;
	if (*s == '*')
		version = (unsigned)strtoul(s + 1, (char **)&s, 10);
	while (s < end && (*s == '<' || *s == ',')) {
		name = strcspn(++s, ",% ;");
		needs |= 1u << graph_path(s, name);
		s += name;
	}
	if (s < end && *s == '%')
		form = (unsigned)strtoul(s + 1, (char **)&s, 10);
	assert_ptr_equal(s, end);
	n->files[p] = BLOB(version, needs, form);
}

size_t graph_find(const struct graph *g, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < g->nr; i++)
		if (strlen(g->at[i].name) == len && strncmp(g->at[i].name, s, len) == 0)
			return i;
	fail_msg("no commit is called '%.*s'", (int)len, s);
	return 0;
}

void graph_parse(struct graph *g, const char *s)
{
	enum { NAME, OF_PARENTS, OF_FILES } at = NAME;
	struct node *n = NULL;
	char name[8];
	size_t len;

	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		len = strcspn(s, " :;");
		if (at == NAME && len) {
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(s, "! :"), s);
			n = graph_add(g, name);
			n->boundary = s[strlen(name)] == '!';
			at = OF_PARENTS;
		} else if (at == OF_PARENTS && len) {
			n->parents[n->nr_parents++] = graph_find(g, s, len);
		} else if (len) {
			parse_file(n, s, len);
		}
		s += len;
		if (*s == ':')
			at = OF_FILES;
		else if (*s == ';')
			at = NAME;
		s += *s == ':' || *s == ';';
	}
	graph_trees(g);
}

static void dump_file(struct buf *out, size_t p, blob b)
{
	size_t q;
	char before = '<';

	buf_addf(out, " %.*s", (int)strlen(paths[p]) - 4, paths[p]);
	if (CONTENT_VERSION(b) > 1)
		buf_addf(out, "*%u", CONTENT_VERSION(b));
	for (q = 0; q < PATHS; q++) {
		if (!(NEEDS(b, q)))
			continue;
		buf_addf(out, "%c%.*s", before, (int)strlen(paths[q]) - 4, paths[q]);
		before = ',';
	}
	if (FORM(b))
		buf_addf(out, "%%%d", (int)FORM(b));
}

void graph_dump(const struct graph *g, struct buf *out)
{
	const struct node *n;
	size_t i, k;

	for (i = 0; i < g->nr; i++) {
		n = &g->at[i];
		buf_addf(out, "%s%s%s", i ? "; " : "", n->name, n->boundary ? "!" : "");
		for (k = 0; k < n->nr_parents; k++)
			buf_addf(out, " %s", g->at[n->parents[k]].name);
		buf_addc(out, ':');
		for (k = 0; k < PATHS; k++)
			if (n->files[k])
				dump_file(out, k, n->files[k]);
	}
}

/* A graph as the source of an order. Ids hide the number of a commit. */

static void make_id(const struct graph *g, size_t number, unsigned char kind,
		    struct oid *out)
{
	uint64_t x = (number + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ g->salt;
	uint32_t hidden = (uint32_t)number ^ (uint32_t)(g->salt >> 32);

	x ^= x >> 29;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	memcpy(out->id, &x, 8);
	memset(out->id + 8, kind, 8);
	memcpy(out->id + 16, &hidden, 4);
}

/* The number of a commit or folder; g->nr when there is none, and that may be. */
static size_t id_number(const struct graph *g, const struct oid *id, unsigned char kind)
{
	struct oid same;
	uint32_t hidden;

	memcpy(&hidden, id->id + 16, 4);
	hidden ^= (uint32_t)(g->salt >> 32);
	make_id(g, hidden, kind, &same);
	if (hidden < g->nr && oid_eq(&same, id))
		return hidden;
	if (!g->doubted)
		fail_msg("an id that was never given out");
	return g->nr;
}

static const blob *folder(const struct graph *g, const struct oid *tree)
{
	static const blob empty[PATHS];

	return oid_is_zero(tree) ? empty : g->at[id_number(g, tree, 't')].files;
}

static int called(struct graph *g, struct err *err)
{
	g->calls++;
	if (g->calls == g->fail_at)
		return err_set(err, ERR_FATAL, "call %zu failed", g->calls);
	return 0;
}

static int no_such(struct err *err)
{
	return err_set(err, ERR_FATAL, "this graph has no such thing");
}

static int source_commit(void *ctx, const struct oid *id, struct order_commit *out,
			 struct err *err)
{
	struct graph *g = ctx;
	size_t number = id_number(g, id, 'c');
	const struct node *n = &g->at[number];

	if (number == g->nr)
		return no_such(err);
	memset(out, 0, sizeof(*out));
	out->boundary = n->boundary;
	if (n->nr_parents) /* behind a boundary nothing can be read */
		make_id(g, n->parents[0], n->boundary ? 'x' : 'c', &out->parent);
	/* a filter: never wrong, and now and then it does not know */
	if (n->nr_parents && !n->boundary && (number ^ g->salt) % 3)
		out->same = n->tree == g->at[n->parents[0]].tree;
	return called(g, err);
}

static int source_parents(void *ctx, struct pool *pool, const struct oid *id,
			  const struct oid **out, size_t *nr, struct err *err)
{
	struct graph *g = ctx;
	size_t number = id_number(g, id, 'c'), k;
	const struct node *n = &g->at[number];
	struct oid *parents = pool_alloc(pool, (PARENTS + 1) * sizeof(*parents));

	if (number == g->nr)
		return no_such(err);
	assert_false(n->boundary);
	for (k = 0; k < n->nr_parents; k++)
		make_id(g, n->parents[k], 'c', &parents[k]);
	*out = parents;
	*nr = n->nr_parents;
	return called(g, err);
}

static int source_tree(void *ctx, const struct oid *id, struct oid *out, struct err *err)
{
	static const blob empty[PATHS];
	struct graph *g = ctx;
	size_t number = id_number(g, id, 'c');
	const struct node *n = &g->at[number];

	if (number == g->nr)
		return no_such(err);
	memset(out, 0, sizeof(*out));
	if (memcmp(n->files, empty, sizeof(empty)) != 0)
		make_id(g, n->tree, 't', out);
	return called(g, err);
}

static int source_added(void *ctx, struct pool *pool, const struct oid *tree,
			const struct oid *base, struct path_list *out, struct err *err)
{
	struct graph *g = ctx;
	const blob *has = folder(g, tree), *had = folder(g, base);
	size_t p;

	for (p = 0; p < PATHS; p++)
		if ((has[p] || (g->lies && !oid_is_zero(base))) && !had[p])
			path_list_add(out, pool_strdup(pool, paths[p]));
	return called(g, err);
}

static const char *require(struct pool *pool, size_t p, enum form form)
{
	switch (form) {
	case FORM_PATH:
		break;
	case FORM_TREE:
		return pool_printf(pool, "db/migrations/%s", paths[p]);
	case FORM_BASE:
		return graph_base(paths[p]);
	case FORM_SHORT:
		return pool_strndup(pool, paths[p], strlen(paths[p]) - 4);
	case FORM_SUBJECT:
		return pool_printf(pool, "./%s (\"add a table\")", paths[p]);
	}
	return paths[p];
}

static int source_requires(void *ctx, struct pool *pool, const struct oid *tree,
			   const struct path_list *of, struct path_list *out,
			   struct err *err)
{
	const struct graph *g = ctx;
	size_t i, p;
	blob b;

	for (i = 0; i < of->nr; i++) {
		p = find_path(of->items[i], strlen(of->items[i]) - 4);
		b = p < PATHS ? folder(ctx, tree)[p] : 0;
		if (!b && g->doubted)
			return no_such(err);
		assert_int_not_equal(b, 0);
		path_list_add(&out[i], "elsewhere.sql");
		for (p = 0; p < PATHS; p++)
			if (NEEDS(b, p))
				path_list_add(&out[i], require(pool, p, FORM(b)));
	}
	return called(ctx, err);
}

void graph_id(const struct graph *g, size_t commit, struct oid *out)
{
	make_id(g, commit, 'c', out);
}

/* The files of a commit, bytewise. */
static void list_files(const struct graph *g, size_t tip, struct path_list *out)
{
	size_t p;

	for (p = 0; p < PATHS; p++)
		if (g->at[tip].files[p])
			path_list_add(out, paths[p]);
}

int graph_plan(struct graph *g, size_t tip, struct lines *lines, struct list *out,
	       struct err *err)
{
	const struct order_source source = { g,
					     source_commit,
					     source_parents,
					     source_tree,
					     source_added,
					     source_requires,
					     "db/migrations" };
	struct order_entry entries[PATHS];
	struct path_list files = { 0 };
	struct oid id;
	size_t i;
	int ret;

	memset(out, 0, sizeof(*out));
	graph_id(g, tip, &id);
	list_files(g, tip, &files);
	ret = order_plan(&source, lines, &id, &files, entries, err);
	out->refused = ret < 0 && err->code == ERR_REFUSED;
	for (i = 0; i < files.nr && ret == 0; i++) {
		const struct order_entry *e = &entries[i];
		struct item *to = &out->at[out->nr++];
		const char *path = files.items[e->path];

		to->path = graph_path(path, strlen(path) - 4);
		to->company = e->company;
		to->unknown = e->unknown;
		to->arrival = id_number(g, &e->arrival, 'c');
		assert_int_equal(e->unknown, oid_is_zero(&e->commit));
		if (!e->unknown)
			to->commit = id_number(g, &e->commit, 'c');
	}
	path_list_release(&files);
	return ret;
}

uint32_t graph_stop(const struct graph *g, size_t commit, struct lines *lines)
{
	struct oid id;

	graph_id(g, commit, &id);
	return lines_find(lines, &id);
}
