#include "base/compat.h"

#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/order.h"

/*
 * The recursion is run on a stack of its own, since a pushed history can nest
 * side branches as deep as it likes. What lies on top is placed next.
 */
enum task_kind {
	TASK_LINE,   /* a first-parent line: find where the wanted paths arrived */
	TASK_COMMIT, /* the arrivals of one commit: to its parents and itself */
	TASK_OWN,    /* what a commit itself brings: place it */
};

struct task {
	enum task_kind kind;
	struct oid commit;
	struct oid arrival;	 /* zero on the line of the commit asked for */
	struct order_commit at;	 /* COMMIT: as read */
	struct path_list added;	 /* COMMIT, OWN: all of them, sorted */
	struct path_list wanted; /* those of them to place, sorted */
	bool unknown;		 /* OWN: behind a shallow boundary */
};

struct walk {
	const struct order_source *source;
	struct pool *pool;
	struct task *stack;
	size_t depth, alloc;
	struct order_entry *out;
	size_t placed;
};

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
	if (list->nr > 1)
		qsort(list->items, list->nr, sizeof(*list->items), cmp_path);
}

void path_list_release(struct path_list *list)
{
	free(list->items);
	memset(list, 0, sizeof(*list));
}

static void task_release(struct task *t)
{
	path_list_release(&t->added);
	path_list_release(&t->wanted);
}

static struct task *push(struct walk *w, enum task_kind kind, const struct oid *commit,
			 const struct oid *arrival)
{
	struct task *t;

	VEC_GROW(w->stack, w->depth, w->alloc);
	t = &w->stack[w->depth++];
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->commit = *commit;
	t->arrival = *arrival;
	return t;
}

/* Moves the paths of `from` for which `in` has them to `to`; both stay sorted. */
static void move_common(struct path_list *from, const struct path_list *in,
			struct path_list *to)
{
	size_t i, kept = 0;

	for (i = 0; i < from->nr; i++) {
		if (path_list_find(in, from->items[i]) >= 0)
			path_list_add(to, from->items[i]);
		else
			from->items[kept++] = from->items[i];
	}
	from->nr = kept;
}

/* The tree that a commit is compared with: its first parent's, or nothing. */
static int base_tree(struct walk *w, const struct order_commit *at,
		     struct order_commit *parent, struct err *err)
{
	memset(parent, 0, sizeof(*parent));
	if (!at->nr_parents)
		return 0;
	return w->source->commit(w->source->ctx, w->pool, &at->parents[0], parent, err);
}

/*
 * Walks back from the commit of `line` until every wanted path was found
 * arriving, and leaves a task for each commit that brought some, oldest on top.
 */
static int walk_line(struct walk *w, struct task *line, struct err *err)
{
	struct order_commit at, parent;
	struct oid id = line->commit;
	struct path_list added = { 0 };
	struct task *t;

	if (w->source->commit(w->source->ctx, w->pool, &id, &at, err) < 0)
		return -1;
	while (line->wanted.nr) {
		const struct oid *arrival = oid_is_zero(&line->arrival) ? &id
									: &line->arrival;

		if (at.boundary) {
			t = push(w, TASK_OWN, &id, arrival);
			t->unknown = true;
			t->wanted = line->wanted;
			memset(&line->wanted, 0, sizeof(line->wanted));
			return 0;
		}
		if (base_tree(w, &at, &parent, err) < 0)
			return -1;
		if (!oid_eq(&at.tree, &parent.tree)) {
			if (w->source->added(w->source->ctx, w->pool, &at.tree,
					     &parent.tree, &added, err) < 0) {
				path_list_release(&added);
				return -1;
			}
			t = push(w, TASK_COMMIT, &id, arrival);
			t->at = at;
			move_common(&line->wanted, &added, &t->wanted);
			t->added = added;
			memset(&added, 0, sizeof(added));
			if (!t->wanted.nr)
				task_release(&w->stack[--w->depth]);
		}
		if (!at.nr_parents && line->wanted.nr)
			return err_set(err, ERR_FATAL,
				       "could not find where migration '%s' came from",
				       line->wanted.items[0]);
		if (at.nr_parents)
			id = at.parents[0];
		at = parent;
	}
	return 0;
}

/* Takes from `left` what the folder `tree` holds, into `to`. 0 or -1. */
static int move_held(struct walk *w, struct path_list *left, const struct oid *tree,
		     struct path_list *to, struct err *err)
{
	size_t i, kept = 0;
	int held;

	for (i = 0; i < left->nr; i++) {
		held = w->source->holds(w->source->ctx, tree, left->items[i], err);
		if (held < 0)
			return -1;
		if (held)
			path_list_add(to, left->items[i]);
		else
			left->items[kept++] = left->items[i];
	}
	left->nr = kept;
	return 0;
}

/* Shares the arrivals of a commit out: further parents in turn, then itself. */
static int share_out(struct walk *w, struct task *t, struct err *err)
{
	struct path_list *of = xcalloc(t->at.nr_parents + 1, sizeof(*of));
	struct order_commit parent;
	struct task *next;
	size_t k;
	int ret = -1;

	for (k = 1; k < t->at.nr_parents; k++) {
		if (w->source->commit(w->source->ctx, w->pool, &t->at.parents[k], &parent,
				      err) < 0 ||
		    move_held(w, &t->added, &parent.tree, &of[k], err) < 0)
			goto out;
	}
	next = push(w, TASK_OWN, &t->commit, &t->arrival);
	next->added = t->added;
	memset(&t->added, 0, sizeof(t->added));
	move_common(&t->wanted, &next->added, &next->wanted);
	for (k = t->at.nr_parents; k-- > 1;) {
		next = push(w, TASK_LINE, &t->at.parents[k], &t->arrival);
		move_common(&t->wanted, &of[k], &next->wanted);
	}
	ret = 0;
out:
	for (k = 0; k <= t->at.nr_parents; k++)
		path_list_release(&of[k]);
	free(of);
	return ret;
}

static void place(struct walk *w, const struct task *t, const char *path)
{
	struct order_entry *e;

	if (path_list_find(&t->wanted, path) < 0)
		return;
	e = &w->out[w->placed++];
	e->path = path;
	e->arrival = t->arrival;
	e->unknown = t->unknown;
	if (!t->unknown) {
		e->commit = t->commit;
		e->company = (unsigned)t->added.nr;
	}
}

/* Position of a path, below the folder or as in the tree, or of a file name; or -1. */
static ssize_t find_named(const struct path_list *list, const char *name)
{
	const char *base;
	ssize_t hit = path_list_find(list, name), only = -1;
	size_t i;

	if (hit >= 0)
		return hit;
	if (strchr(name, '/'))
		return -1;
	for (i = 0; i < list->nr; i++) {
		base = strrchr(list->items[i], '/');
		if (strcmp(base ? base + 1 : list->items[i], name) != 0)
			continue;
		if (only >= 0)
			return -1;
		only = (ssize_t)i;
	}
	return only;
}

/*
 * What `value` of a `Requires:` names among the files of one commit, or -1: the
 * forms of plan_resolve, but for ids, which such a file cannot know.
 */
static ssize_t required_one(const struct path_list *list, struct pool *pool,
			    const char *folder, const char *value)
{
	size_t len = folder ? strlen(folder) : 0;
	const char *name = pool_strndup(pool, value, strcspn(value, " \t"));
	ssize_t hit;

	if (starts_with(name, "./"))
		name += 2;
	if (len && strncmp(name, folder, len) == 0 && name[len] == '/')
		name += len + 1;
	hit = find_named(list, name);
	return hit >= 0 ? hit : find_named(list, pool_printf(pool, "%s.sql", name));
}

/* Depth first over `Requires:`, on arrays: 0 new, 1 on the way, 2 placed. */
struct visit {
	size_t *way; /* positions from the one asked for down to the current one */
	size_t depth;
	struct path_list *needs; /* of each position on the way */
	size_t *next;		 /* how many of them were looked at */
	char *mark;
};

static int enter(struct walk *w, const struct task *t, struct visit *v, size_t i,
		 const struct oid *tree, struct err *err)
{
	v->mark[i] = 1;
	v->way[v->depth] = i;
	v->next[v->depth] = 0;
	v->needs[v->depth].nr = 0;
	return w->source->requires(w->source->ctx, w->pool, tree, t->added.items[i],
				   &v->needs[v->depth++], err);
}

static int visit_from(struct walk *w, const struct task *t, struct visit *v, size_t start,
		      const struct oid *tree, struct err *err)
{
	ssize_t need;
	size_t at;

	if (enter(w, t, v, start, tree, err) < 0)
		return -1;
	while (v->depth) {
		at = v->depth - 1;
		if (v->next[at] == v->needs[at].nr) {
			place(w, t, t->added.items[v->way[at]]);
			v->mark[v->way[at]] = 2;
			v->depth--;
			continue;
		}
		need = required_one(&t->added, w->pool, w->source->folder,
				    v->needs[at].items[v->next[at]++]);
		/* one that names itself is a matter of policy, not of order */
		if (need < 0 || v->mark[need] == 2 || (size_t)need == v->way[at])
			continue;
		if (v->mark[need] == 1) {
			err_set(err, ERR_REFUSED,
				"migrations '%s' and '%s' require each other",
				t->added.items[need], t->added.items[v->way[at]]);
			err_hint(err, "requiresCycle",
				 "Take one of the \"Requires:\" lines out of their "
				 "headers.");
			return -1;
		}
		if (enter(w, t, v, (size_t)need, tree, err) < 0)
			return -1;
	}
	return 0;
}

/* Places what a commit itself brings: bytewise, required ones first. */
static int place_own(struct walk *w, struct task *t, struct err *err)
{
	size_t n = t->added.nr, i;
	struct order_commit at;
	struct visit v = { 0 };
	int ret = -1;

	if (t->unknown || n < 2) {
		for (i = 0; i < t->wanted.nr; i++)
			place(w, t, t->wanted.items[i]);
		return 0;
	}
	if (!t->wanted.nr)
		return 0;
	if (w->source->commit(w->source->ctx, w->pool, &t->commit, &at, err) < 0)
		return -1;
	v.way = xcalloc(n, sizeof(*v.way));
	v.next = xcalloc(n, sizeof(*v.next));
	v.needs = xcalloc(n, sizeof(*v.needs));
	v.mark = xcalloc(n, 1);
	for (i = 0; i < n; i++)
		if (!v.mark[i] && visit_from(w, t, &v, i, &at.tree, err) < 0)
			goto out;
	ret = 0;
out:
	for (i = 0; i < n; i++)
		path_list_release(&v.needs[i]);
	free(v.way);
	free(v.next);
	free(v.needs);
	free(v.mark);
	return ret;
}

static int run_task(struct walk *w, struct task *t, struct err *err)
{
	switch (t->kind) {
	case TASK_LINE:
		return walk_line(w, t, err);
	case TASK_COMMIT:
		return share_out(w, t, err);
	case TASK_OWN:
		return place_own(w, t, err);
	}
	BUG("unhandled task %d", (int)t->kind);
}

int order_plan(const struct order_source *source, struct pool *pool,
	       const struct oid *tip, struct order_entry **out, size_t *nr,
	       struct err *err)
{
	struct walk w = { .source = source, .pool = pool };
	const struct oid none = { { 0 } };
	struct order_commit at;
	struct task t = { 0 };
	size_t total = 0;
	int ret = -1;

	push(&w, TASK_LINE, tip, &none);
	if (source->commit(source->ctx, pool, tip, &at, err) < 0 ||
	    source->added(source->ctx, pool, &at.tree, &none, &w.stack[0].wanted, err) <
		    0)
		goto out;
	total = w.stack[0].wanted.nr;
	w.out = pool_alloc(pool, (total ? total : 1) * sizeof(*w.out));
	while (w.depth) {
		t = w.stack[--w.depth];
		if (run_task(&w, &t, err) < 0)
			goto out;
		task_release(&t);
	}
	if (w.placed != total)
		BUG("%zu of %zu migrations were placed", w.placed, total);
	*out = w.out;
	*nr = total;
	ret = 0;
out:
	task_release(&t);
	while (w.depth)
		task_release(&w.stack[--w.depth]);
	free(w.stack);
	return ret;
}
