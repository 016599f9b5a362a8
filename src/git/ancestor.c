#include "base/compat.h"

#include "base/err.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/vec.h"
#include "git/graph.h"
#include "git/history.h"
#include "git/internal.h"

/* Commits, each once, in the order in which they were met. */
struct commits {
	struct oid *items;
	size_t nr, alloc;
	struct map by_id;
	bool met; /* a parent was the first one of those that are left out */
};

static bool same_id(const void *array, size_t pos, const void *what)
{
	return oid_eq(&((const struct oid *)array)[pos], what);
}

static bool has(struct commits *c, const struct oid *id)
{
	uint32_t hash = map_hash(&c->by_id, id, sizeof(*id));

	return map_find(&c->by_id, hash, same_id, c->items, id) != MAP_NONE;
}

static void add(struct commits *c, const struct oid *id)
{
	if (has(c, id))
		return;
	VEC_GROW(c->items, c->nr, c->alloc);
	c->items[c->nr] = *id;
	map_add(&c->by_id, map_hash(&c->by_id, id, sizeof(*id)), c->nr++);
}

static void commits_release(struct commits *c)
{
	free(c->items);
	map_release(&c->by_id);
}

/*
 * Adds to `out`, which holds one commit, all its ancestors that this clone has
 * and `without` (may be NULL) has not; `*cut`: some lie behind a boundary.
 */
static int add_ancestors(struct repo *r, struct commits *out, struct commits *without,
			 bool *cut, struct err *err)
{
	struct order_source source;
	const struct oid *parents;
	struct pool pool = { 0 };
	struct graph g;
	struct oid id;
	size_t i, k, nr;
	int ret = 0;

	graph_init(&g, r, "", true);
	graph_source(&g, &source);
	for (i = 0; i < out->nr && ret == 0; i++) {
		id = out->items[i]; /* they move */
		if (repo_is_boundary(r, &id)) {
			*cut = true;
			continue;
		}
		ret = source.parents(source.ctx, &pool, &id, &parents, &nr, err);
		for (k = 0; k < nr && ret == 0; k++) {
			if (!without || !has(without, &parents[k]))
				add(out, &parents[k]);
			else if (oid_eq(&parents[k], &without->items[0]))
				out->met = true;
		}
		pool_release(&pool);
	}
	graph_release(&g);
	return ret;
}

/*
 * In a shallow clone libgit2 fails at the boundary (1.5) or takes it for a root
 * (1.7 on). What is an ancestor of `a` cannot have it as one, so only where the
 * way from `b` goes around those and over the boundary nobody can tell.
 */
static int is_ancestor_shallow(struct repo *r, const struct oid *a, const struct oid *b,
			       struct err *err)
{
	struct commits of_a = { 0 }, of_b = { 0 };
	bool cut_a = false, cut_b = false;
	int ret = -1;

	add(&of_a, a);
	add(&of_b, b);
	if (add_ancestors(r, &of_a, NULL, &cut_a, err) < 0)
		ret = -1;
	else if (has(&of_a, b))
		ret = 0; /* the other way round */
	else if (add_ancestors(r, &of_b, &of_a, &cut_b, err) == 0)
		ret = of_b.met || cut_b;
	commits_release(&of_a);
	commits_release(&of_b);
	return ret;
}

int repo_is_ancestor(struct repo *r, const struct oid *a, const struct oid *b,
		     struct err *err)
{
	char hex[OID_HEXSZ + 1];
	int code;

	if (oid_eq(a, b))
		return 1;
	if (r->shallow)
		return is_ancestor_shallow(r, a, b, err);
	/* over the commit-graph the first-parent line alone is gone down in no time */
	code = repo_commit_graph(r) ? history_on_line(r, a, b, 0, err) : 0;
	if (code)
		return code;
	if (repo_load(r, err) < 0)
		return -1;
	code = git_graph_descendant_of(r->git, to_git(b), to_git(a));
	if (code < 0)
		return repo_err(err, "could not look for ancestors of commit %s",
				oid_hex(b, hex));
	return code;
}

/* Up to so many are asked one by one; of a longer history more is kept in mind. */
enum { FEW = 8, REMEMBERED_MAX = 250000 };

static int ask_each(struct repo *r, const struct oid *tips, size_t nr_tips,
		    const struct oid *ids, size_t nr, bool *out, struct err *err)
{
	size_t i, k;
	int is;

	for (i = 0; i < nr; i++)
		for (k = 0; k < nr_tips && !out[i]; k++) {
			is = repo_is_ancestor(r, &ids[i], &tips[k], err);
			if (is < 0)
				return -1;
			out[i] = is;
		}
	return 0;
}

/*
 * Adds to the tips, nearest first, what lies behind them, until all that is wanted was
 * met. 0, also at the end of the history; 1 when it is too long for that; -1.
 */
static int add_until_met(struct repo *r, struct commits *seen, struct commits *wanted,
			 struct err *err)
{
	struct order_source source;
	const struct oid *parents;
	struct pool pool = { 0 };
	size_t i, k, nr, met = 0;
	struct graph g;
	struct oid id;
	int ret = 0;

	graph_init(&g, r, "", false);
	graph_source(&g, &source);
	for (i = 0; i < seen->nr && ret == 0; i++) {
		id = seen->items[i]; /* they move */
		met += has(wanted, &id);
		if (met == wanted->nr)
			break;
		ret = seen->nr > REMEMBERED_MAX ? 1
						: source.parents(source.ctx, &pool, &id,
								 &parents, &nr, err);
		for (k = 0; ret == 0 && k < nr; k++)
			add(seen, &parents[k]);
		pool_release(&pool);
	}
	graph_release(&g);
	return ret;
}

int repo_are_ancestors(struct repo *r, const struct oid *tips, size_t nr_tips,
		       const struct oid *ids, size_t nr, bool *out, struct err *err)
{
	struct commits seen = { 0 }, wanted = { 0 };
	size_t i;
	int ret = 1;

	memset(out, 0, nr * sizeof(*out));
	if (nr > FEW && !r->shallow) {
		for (i = 0; i < nr; i++)
			add(&wanted, &ids[i]);
		for (i = 0; i < nr_tips; i++)
			add(&seen, &tips[i]);
		ret = add_until_met(r, &seen, &wanted, err);
		for (i = 0; ret == 0 && i < nr; i++)
			out[i] = has(&seen, &ids[i]);
	}
	commits_release(&seen);
	commits_release(&wanted);
	return ret > 0 ? ask_each(r, tips, nr_tips, ids, nr, out, err) : ret;
}

int repo_is_ancestor_within(struct repo *r, const struct oid *a, const struct oid *b,
			    size_t most, struct err *err)
{
	struct commits seen = { 0 };
	struct order_source source;
	const struct oid *parents;
	struct pool pool = { 0 };
	struct graph g;
	size_t i, k, nr;
	int ret = 0;

	graph_init(&g, r, "", true);
	graph_source(&g, &source);
	add(&seen, b);
	for (i = 0; i < seen.nr && ret == 0; i++) {
		const struct oid id = seen.items[i]; /* they move */

		if (oid_eq(&id, a)) {
			ret = 1;
		} else if (i == most) {
			ret = err_set(err, ERR_REFUSED,
				      "it lies more than %zu commits back", most);
		} else if (!repo_is_boundary(r, &id)) {
			ret = source.parents(source.ctx, &pool, &id, &parents, &nr, err);
			for (k = 0; ret == 0 && k < nr; k++)
				add(&seen, &parents[k]);
			pool_release(&pool);
		}
	}
	graph_release(&g);
	commits_release(&seen);
	return ret;
}

/*
 * Adds the first-parent line of a commit, up to and with `until`, one that `others` (may
 * be NULL) has, or so many. 1 when it ends in one of these two, 0 when it just ends or
 * there are more, -1.
 */
static int add_line(struct repo *r, struct commits *out, const struct oid *from,
		    const struct oid *until, struct commits *others, struct err *err)
{
	struct order_source source;
	struct order_commit at;
	struct oid id = *from;
	struct graph g;
	int ret = 0;

	graph_init(&g, r, "", false);
	graph_source(&g, &source);
	while (ret == 0 && out->nr <= r->most_commits) {
		add(out, &id);
		if (oid_eq(&id, until) || (others && has(others, &id)))
			ret = 1;
		else if (source.commit(source.ctx, &id, &at, err) < 0)
			ret = -1;
		else if (at.boundary || oid_is_zero(&at.parent))
			break;
		else
			id = at.parent;
	}
	graph_release(&g);
	return ret;
}

int history_brought(struct repo *r, const struct oid *old, const struct oid *tip,
		    struct err *err)
{
	static const struct oid none;
	struct commits now = { 0 }, was = { 0 };
	int ret = 0;

	if (!r->most_commits)
		return 0;
	ret = add_line(r, &now, tip, old, NULL, err);
	if (ret == 0 && now.nr > r->most_commits) {
		/* of a line that parted from the old one only what is its own counts */
		if (!oid_is_zero(old))
			ret = add_line(r, &was, old, &none, &now, err);
		if (ret == 0) {
			ret = err_set(err, ERR_FATAL,
				      "more than %zu commits come at once",
				      r->most_commits);
			err_hint(err, "limits",
				 "Push fewer at a time; who judges can allow more (git "
				 "config migrate.hookCommits <number>, 0 for any).");
		} else if (ret > 0) {
			ret = 0;
		}
	}
	commits_release(&now);
	commits_release(&was);
	return ret;
}

int repo_first_parent(struct repo *r, const struct oid *id, struct oid *out,
		      struct err *err)
{
	git_commit *c = NULL;

	memset(out, 0, sizeof(*out));
	if (repo_is_boundary(r, id))
		return 0;
	if (repo_commit(r, &c, id, err) < 0)
		return -1;
	if (git_commit_parentcount(c) > 0)
		from_git(out, git_commit_parent_id(c, 0));
	git_commit_free(c);
	return 0;
}
