#include "base/compat.h"

#include "base/err.h"
#include "base/pool.h"
#include "base/vec.h"
#include "core/lines.h"
#include "core/order.h"
#include "core/requires.h"

enum {
	ARRIVALS_MAX = 1000000, /* what a hostile history may cost: memory, */
	LOOKED_MAX = 200000000, /* and time */
	WALK_MAX = 1024, /* commits without an arrival before an empty stop is set */
	WALK_LONG = 8,	 /* a walk from the start of a line that is worth a stop */
};

/*
 * The recursion is run on a stack of its own, since a pushed history can nest
 * side branches as deep as it likes. What lies on top is done next: a stop that
 * a line meets is put in order at once, while its trees are at hand, and its
 * arrivals are placed when those of the older stops have been.
 */
enum task_kind {
	TASK_LINE,  /* a first-parent line: find where the wanted paths arrived */
	TASK_DOWN,  /* the line goes on, one stop further down */
	TASK_ORDER, /* put the arrivals of a stop in order */
	TASK_OWN,   /* place what a commit itself brings; then its stop is in order */
	TASK_STOP,  /* place those of a stop's arrivals that are wanted */
};

/* The paths that a task is about are the top of walk.paths when it is run. */
struct task {
	enum task_kind kind;
	struct oid commit; /* LINE: where it starts, */
	struct oid tree;   /* and its folder, */
	bool tree_known;   /* if that was read */
	uint32_t stop;	   /* of all others; DOWN: the one that was looked at last */
	size_t from, nr;   /* in walk.paths */
	size_t left;	   /* DOWN: wanted paths that were not met yet, */
	uint32_t set;	   /* the set of them, */
	size_t undo;	   /* and what has become of walk.mark since */
};

struct numbers {
	uint32_t *items;
	size_t nr, alloc;
};

/* A stop whose arrivals are being put in order. */
struct build {
	uint32_t stop;
	struct arrival *arrivals;
	size_t nr;
};

/* A path, and the set that it was in. */
struct mark {
	uint32_t path, set;
};

struct walk {
	const struct order_source *source;
	struct lines *lines;
	size_t looked; /* arrivals and stops looked at so far */
	struct task *stack;
	size_t depth, alloc;
	struct numbers paths; /* of the tasks, in their order */
	struct build *builds; /* what is placed goes to the last one, or to the plan */
	size_t nr_builds, alloc_builds;
	uint32_t *mark; /* by path: the set that it was put into last, or 0 */
	size_t nr_marks;
	uint32_t set, last_set; /* the current set; they are numbered */
	struct mark *undo;	/* what mark was before */
	size_t nr_undo, alloc_undo;
	const uint32_t *position; /* by path: in the list asked for */
	struct order_entry *out;
	size_t placed;
	uint32_t circle; /* that the plan holds, or 0 */
};

static void push_path(struct walk *w, uint32_t path)
{
	VEC_GROW(w->paths.items, w->paths.nr, w->paths.alloc);
	w->paths.items[w->paths.nr++] = path;
}

/* A task about the paths of walk.paths from `from` on. */
static struct task *push(struct walk *w, enum task_kind kind, size_t from)
{
	struct task *t;

	VEC_GROW(w->stack, w->depth, w->alloc);
	t = &w->stack[w->depth++];
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->stop = STOP_NONE;
	t->from = from;
	t->nr = w->paths.nr - from;
	return t;
}

/* Makes a new set of these paths; what they were in is remembered. */
static void mark_only(struct walk *w, const uint32_t *paths, size_t nr)
{
	size_t i, had = w->nr_marks;

	if (had < w->lines->nr_paths) {
		w->nr_marks = w->lines->nr_paths + w->lines->nr_paths / 2;
		w->mark = xreallocarray(w->mark, w->nr_marks, sizeof(*w->mark));
		memset(w->mark + had, 0, (w->nr_marks - had) * sizeof(*w->mark));
	}
	w->set = ++w->last_set;
	for (i = 0; i < nr; i++) {
		VEC_GROW(w->undo, w->nr_undo, w->alloc_undo);
		w->undo[w->nr_undo++] = (struct mark){ paths[i], w->mark[paths[i]] };
		w->mark[paths[i]] = w->set;
	}
}

/* Goes back to an earlier set, as it was when `undo` was walk.nr_undo. */
static void mark_again(struct walk *w, uint32_t set, size_t undo)
{
	const struct mark *m;

	while (w->nr_undo > undo) {
		m = &w->undo[--w->nr_undo];
		w->mark[m->path] = m->set;
	}
	w->set = set;
}

/* Whether a path is in the set; then it is taken out of it. */
static bool take_marked(struct walk *w, uint32_t path)
{
	if (path >= w->nr_marks || w->mark[path] != w->set)
		return false;
	w->mark[path] = 0;
	return true;
}

static int too_much(const struct oid *commit, struct err *err)
{
	char hex[OID_HEXSZ + 1];

	err_set(err, ERR_FATAL,
		"more than %d files have come and gone in the migrations folder",
		ARRIVALS_MAX);
	err_detail(err, "Commit %.12s brings more.", oid_hex(commit, hex));
	err_hint(err, "tooMuch",
		 "No plan is made of such a history. Rebuild the branch on a commit "
		 "before "
		 "those that fill and empty the folder (git log --stat -- <folder>).");
	return -1;
}

static int too_tangled(const struct oid *commit, struct err *err)
{
	char hex[OID_HEXSZ + 1];

	err_set(err, ERR_FATAL,
		"the history of the migrations is too tangled to be put in order");
	err_detail(err,
		   "It was given up at commit %.12s: too many merges take from one "
		   "line of commits.",
		   oid_hex(commit, hex));
	err_hint(err, "tooTangled",
		 "Bring the work in by one merge, or squashed (git merge --squash).");
	return -1;
}

/* Makes a stop at `id` of what its folder has and `base` lacks, if anything. */
static int make_stop(struct walk *w, const struct oid *id, const struct order_commit *at,
		     const struct oid *tree, const struct oid *base, uint32_t *out,
		     struct err *err)
{
	struct path_list added = { 0 };
	struct pool names = { 0 };
	struct stop *s;
	size_t i;
	int ret;

	*out = STOP_NONE;
	ret = w->source->added(w->source->ctx, &names, tree, base, &added, err);
	if (ret == 0 && w->lines->nr_arrivals + added.nr > ARRIVALS_MAX)
		ret = too_much(id, err);
	if (ret == 0 && (added.nr || at->boundary)) {
		*out = lines_add(w->lines, id, &at->parent, added.nr);
		s = &w->lines->stops[*out];
		for (i = 0; i < added.nr; i++)
			s->arrivals[i].path = lines_path(w->lines, added.items[i]);
		s->base = *base;
		s->base_known = true;
		s->cut = s->ordered = at->boundary;
		if (at->boundary)
			s->older = STOP_NONE;
	}
	path_list_release(&added);
	pool_release(&names);
	return ret;
}

/* Where a walk down a line is. */
struct place {
	struct oid id;
	struct oid tree; /* of `id`, once known */
	bool tree_known;
	uint32_t steps;
	struct oid before; /* the commit passed last */
};

/*
 * Looks at one commit. 1 when the walk is over: `*out` is the stop there, or
 * STOP_NONE behind a root; 0 with `p` further down; -1.
 */
static int step_down(struct walk *w, struct place *p, uint32_t *out, struct err *err)
{
	static const struct oid none;
	const struct order_source *source = w->source;
	struct order_commit at = { 0 };
	struct oid base = none;
	bool ends;

	*out = lines_find(w->lines, &p->id);
	if (*out != STOP_NONE)
		return 1;
	if (source->commit(source->ctx, &p->id, &at, err) < 0)
		return -1;
	ends = at.boundary || oid_is_zero(&at.parent);
	if (at.boundary)
		at.parent = none;
	if (ends || !at.same) {
		if (!p->tree_known &&
		    source->tree(source->ctx, &p->id, &p->tree, err) < 0)
			return -1;
		if (!ends && source->tree(source->ctx, &at.parent, &base, err) < 0)
			return -1;
		if (at.boundary || !oid_eq(&p->tree, &base)) {
			if (make_stop(w, &p->id, &at, &p->tree, &base, out, err) < 0)
				return -1;
			if (*out != STOP_NONE)
				return 1;
		}
		p->tree = base;
		p->tree_known = true;
	}
	p->before = p->id;
	p->id = at.parent;
	p->steps++;
	return ends;
}

/*
 * The first stop at or below a commit, whose folder is `tree` unless that is
 * NULL; `*steps` commits lie before it. A walk that is too long ends at an empty
 * stop set there.
 */
static int descend(struct walk *w, const struct oid *from, const struct oid *tree,
		   uint32_t *out, uint32_t *steps, struct err *err)
{
	struct place p = { .id = *from, .tree_known = tree != NULL };
	int over = 0;

	if (tree)
		p.tree = *tree;

	while (!over) {
		over = step_down(w, &p, out, err);
		if (over < 0)
			return -1;
		if (!over && p.steps > WALK_MAX) {
			*out = lines_add(w->lines, &p.before, &p.id, 0);
			p.steps--; /* that one was counted */
			over = 1;
		}
	}
	*steps = p.steps;
	return 0;
}

/* The next stop down the line of `stop`, found at first sight. */
static int older_stop(struct walk *w, uint32_t stop, uint32_t *out, struct err *err)
{
	const struct stop *s = &w->lines->stops[stop];
	const struct oid parent = s->parent, base = s->base; /* they may move */
	uint32_t steps;

	*out = s->older;
	if (*out != STOP_OPEN)
		return 0;
	if (oid_is_zero(&parent)) {
		*out = STOP_NONE;
		steps = 0;
	} else if (descend(w, &parent, s->base_known ? &base : NULL, out, &steps, err) <
		   0) {
		return -1;
	}
	w->lines->stops[stop].older = *out;
	w->lines->stops[stop].span = steps + 1;
	w->lines->changes++;
	return 0;
}

/* The first stop of a line. */
static int first_stop(struct walk *w, const struct task *line, uint32_t *out,
		      struct err *err)
{
	const struct oid *start = &line->commit;
	struct order_commit at;
	uint32_t found, steps;

	if (descend(w, start, line->tree_known ? &line->tree : NULL, &found, &steps,
		    err) < 0)
		return -1;
	*out = found;
	if (found == STOP_NONE || steps < WALK_LONG)
		return 0;
	if (w->source->commit(w->source->ctx, start, &at, err) < 0)
		return -1;
	*out = lines_add(w->lines, start, &at.parent, 0);
	w->lines->stops[*out].older = found;
	w->lines->stops[*out].span = steps;
	return 0;
}

/* Of the set that is made. */
static int lost(struct walk *w, struct err *err)
{
	size_t i;

	w->lines->doubtful = true;
	for (i = 0; i < w->lines->nr_paths; i++)
		if (take_marked(w, (uint32_t)i))
			return err_set(err, ERR_FATAL,
				       "could not find where migration '%s' came from",
				       w->lines->paths[i]);
	BUG("no path is wanted");
}

/* As lost, of what arrived at a stop. */
static int lost_in(struct walk *w, uint32_t stop, struct err *err)
{
	w->lines->doubtful = true;
	return err_set(err, ERR_FATAL, "could not find where migration '%s' came from",
		       w->lines->paths[w->lines->stops[stop].arrivals[0].path]);
}

/*
 * Looks at the stops of a line from `at` on. Where wanted paths arrived it leaves
 * a task to place them, one to go on from there, and one to put that stop in
 * order; those where none did are passed.
 */
static int go_down(struct walk *w, uint32_t at, size_t left, size_t undo, struct err *err)
{
	const struct stop *s;
	size_t from, i, seen = 0;
	struct task *t;

	while (left) {
		if (at == STOP_NONE || seen++ > w->lines->nr) /* or in a ring */
			return lost(w, err);
		s = &w->lines->stops[at];
		w->looked += s->nr + 1;
		if (w->looked > LOOKED_MAX)
			return too_tangled(&s->commit, err);
		from = w->paths.nr;
		for (i = 0; i < s->nr; i++)
			if (take_marked(w, s->arrivals[i].path))
				push_path(w, s->arrivals[i].path);
		left -= w->paths.nr - from;
		if (w->paths.nr > from)
			push(w, TASK_STOP, from)->stop = at;
		if (!s->ordered && w->paths.nr > from) {
			t = push(w, TASK_DOWN, w->paths.nr);
			t->stop = at;
			t->left = left;
			t->set = w->set;
			t->undo = undo;
			push(w, TASK_ORDER, w->paths.nr)->stop = at;
			return 0;
		}
		if (left && older_stop(w, at, &at, err) < 0)
			return -1;
	}
	return 0;
}

static int run_line(struct walk *w, const struct task *t, struct err *err)
{
	uint32_t at;

	if (!t->nr)
		return 0;
	mark_only(w, w->paths.items + t->from, t->nr);
	w->paths.nr = t->from;
	if (first_stop(w, t, &at, err) < 0)
		return -1;
	return go_down(w, at, t->nr, w->nr_undo, err);
}

static int run_down(struct walk *w, const struct task *t, struct err *err)
{
	uint32_t at = STOP_NONE;

	mark_again(w, t->set, t->undo);
	if (t->left && older_stop(w, t->stop, &at, err) < 0)
		return -1;
	return go_down(w, at, t->left, t->undo, err);
}

/* Those of `left` that the folder of a further parent has; they leave `left`. */
static int take_held(struct walk *w, struct numbers *left, const struct oid *tree,
		     const struct oid *base, struct numbers *held, struct err *err)
{
	struct path_list there = { 0 };
	struct pool names = { 0 };
	size_t i, kept = 0;
	int ret;

	/* none of them is in `base`, so what the folder adds to that is enough */
	ret = w->source->added(w->source->ctx, &names, tree, base, &there, err);
	mark_only(w, left->items, left->nr);
	for (i = 0; i < there.nr && ret == 0; i++)
		take_marked(w, lines_path(w->lines, there.items[i]));
	for (i = 0; i < left->nr && ret == 0; i++) {
		if (take_marked(w, left->items[i])) {
			left->items[kept++] = left->items[i];
			continue;
		}
		VEC_GROW(held->items, held->nr, held->alloc);
		held->items[held->nr++] = left->items[i];
	}
	if (ret == 0)
		left->nr = kept;
	path_list_release(&there);
	pool_release(&names);
	return ret;
}

/* What one parent of a merge holds of its arrivals; parent 0 stands for itself. */
struct share {
	struct numbers paths;
	struct oid tree; /* of that parent */
};

/* Shares the arrivals of a merge out: to further parents in turn, then itself. */
static int share_out(struct walk *w, uint32_t stop, const struct oid *parents, size_t nr,
		     struct share *of, struct err *err)
{
	const struct order_source *source = w->source;
	const struct stop *s = &w->lines->stops[stop];
	struct numbers *own = &of[0].paths;
	struct oid base;
	size_t k, i;

	own->items = xcalloc(s->nr, sizeof(*own->items));
	own->nr = own->alloc = s->nr;
	for (i = 0; i < s->nr; i++)
		own->items[i] = s->arrivals[i].path;
	if (nr > 1 && source->tree(source->ctx, &parents[0], &base, err) < 0)
		return -1;
	for (k = 1; k < nr && own->nr; k++)
		if (source->tree(source->ctx, &parents[k], &of[k].tree, err) < 0 ||
		    take_held(w, own, &of[k].tree, &base, &of[k].paths, err) < 0)
			return -1;
	return 0;
}

static struct task *push_numbers(struct walk *w, enum task_kind kind,
				 const struct numbers *paths)
{
	size_t from = w->paths.nr, i;

	for (i = 0; i < paths->nr; i++)
		push_path(w, paths->items[i]);
	return push(w, kind, from);
}

/* Leaves the tasks that do it. */
static int run_order(struct walk *w, uint32_t stop, struct err *err)
{
	const struct oid commit = w->lines->stops[stop].commit, *parents;
	struct pool ids = { 0 };
	struct share *of;
	struct build *b;
	struct task *t;
	size_t nr, k;
	int ret;

	if (w->nr_builds > w->lines->nr) /* a merge that brings itself */
		return lost_in(w, stop, err);
	if (w->source->parents(w->source->ctx, &ids, &commit, &parents, &nr, err) < 0) {
		pool_release(&ids);
		return -1;
	}
	of = xcalloc(nr + 1, sizeof(*of));
	ret = share_out(w, stop, parents, nr, of, err);
	if (ret == 0) {
		VEC_GROW(w->builds, w->nr_builds, w->alloc_builds);
		b = &w->builds[w->nr_builds++];
		b->stop = stop;
		b->nr = 0;
		b->arrivals = pool_alloc(&w->lines->pool,
					 w->lines->stops[stop].nr * sizeof(*b->arrivals));
		push_numbers(w, TASK_OWN, &of[0].paths)->stop = stop;
		for (k = nr; k-- > 1;) {
			if (!of[k].paths.nr)
				continue;
			t = push_numbers(w, TASK_LINE, &of[k].paths);
			t->commit = parents[k];
			t->tree = of[k].tree;
			t->tree_known = true;
		}
	}
	pool_release(&ids);
	for (k = 0; k <= nr; k++)
		free(of[k].paths.items);
	free(of);
	return ret;
}

/* Puts an arrival behind those placed: of the stop being built, or of the plan. */
static void place(struct walk *w, const struct arrival *a, uint32_t stop)
{
	struct order_entry *e;
	struct build *b;

	if (w->nr_builds) {
		b = &w->builds[w->nr_builds - 1];
		b->arrivals[b->nr++] = *a;
		return;
	}
	e = &w->out[w->placed++];
	e->path = w->position[a->path];
	e->commit = a->commit;
	e->arrival = w->lines->stops[stop].commit;
	e->company = a->company;
	e->unknown = oid_is_zero(&a->commit);
	if (!w->circle)
		w->circle = a->circle;
}

static void run_stop(struct walk *w, const struct task *t)
{
	const struct stop *s = &w->lines->stops[t->stop];
	size_t i;

	if (t->nr < s->nr)
		mark_only(w, w->paths.items + t->from, t->nr);
	for (i = 0; i < s->nr; i++)
		if (t->nr == s->nr || take_marked(w, s->arrivals[i].path))
			place(w, &s->arrivals[i], t->stop);
	w->paths.nr = t->from;
}

static uint32_t note_circle(struct lines *l, const struct oid *commit, uint32_t a,
			    uint32_t b)
{
	VEC_GROW(l->circles, l->nr_circles, l->alloc_circles);
	l->circles[l->nr_circles].commit = *commit;
	l->circles[l->nr_circles].path[0] = a;
	l->circles[l->nr_circles++].path[1] = b;
	return (uint32_t)l->nr_circles;
}

/* Reads the headers and sorts; `*circle` is the number of one, or 0. 0 or -1. */
static int sort_own(struct walk *w, const struct oid *commit, const uint32_t *paths,
		    const struct path_list *names, size_t *sorted, uint32_t *circle,
		    struct err *err)
{
	const struct order_source *source = w->source;
	struct path_list *needs = xcalloc(names->nr, sizeof(*needs));
	struct pool values = { 0 };
	size_t i, pair[2];
	struct oid tree;
	int ret = -1;

	if (source->tree(source->ctx, commit, &tree, err) == 0 &&
	    source->requires(source->ctx, &values, &tree, names, needs, err) == 0) {
		if (!requires_sort(names, needs, source->folder, sorted, pair))
			*circle = note_circle(w->lines, commit, paths[pair[0]],
					      paths[pair[1]]);
		ret = 0;
	}
	for (i = 0; i < names->nr; i++)
		path_list_release(&needs[i]);
	free(needs);
	pool_release(&values);
	return ret;
}

/* Several files: bytewise, required ones first. */
static int place_sorted(struct walk *w, const struct task *t, struct arrival *a,
			struct err *err)
{
	const uint32_t *paths = w->paths.items + t->from;
	size_t *sorted = xcalloc(t->nr, sizeof(*sorted));
	struct path_list names = { 0 };
	size_t i;
	int ret;

	for (i = 0; i < t->nr; i++)
		path_list_add(&names, w->lines->paths[paths[i]]);
	ret = sort_own(w, &a->commit, paths, &names, sorted, &a->circle, err);
	for (i = 0; i < t->nr && ret == 0; i++) {
		a->path = paths[sorted[i]];
		place(w, a, t->stop);
	}
	path_list_release(&names);
	free(sorted);
	return ret;
}

/* Places what a commit itself brings, which ends the build of its stop. */
static int run_own(struct walk *w, const struct task *t, struct err *err)
{
	struct stop *s = &w->lines->stops[t->stop];
	const struct build *b = &w->builds[w->nr_builds - 1];
	struct arrival a = { .commit = s->commit, .company = (uint32_t)t->nr };

	if (t->nr == 1) {
		a.path = w->paths.items[t->from];
		place(w, &a, t->stop);
	} else if (t->nr && place_sorted(w, t, &a, err) < 0) {
		return -1;
	}
	if (b->stop != t->stop || b->nr != s->nr)
		BUG("%zu of %zu arrivals were placed", b->nr, s->nr);
	s->arrivals = b->arrivals;
	s->ordered = true;
	w->lines->changes++;
	w->nr_builds--;
	w->paths.nr = t->from;
	return 0;
}

static int run_task(struct walk *w, const struct task *t, struct err *err)
{
	switch (t->kind) {
	case TASK_LINE:
		return run_line(w, t, err);
	case TASK_DOWN:
		return run_down(w, t, err);
	case TASK_ORDER:
		return run_order(w, t->stop, err);
	case TASK_OWN:
		return run_own(w, t, err);
	case TASK_STOP:
		run_stop(w, t);
		return 0;
	}
	BUG("unhandled task %d", (int)t->kind);
}

static int refuse_circle(const struct lines *l, uint32_t circle, struct err *err)
{
	const struct circle *c = &l->circles[circle - 1];
	char hex[OID_HEXSZ + 1];

	err_set(err, ERR_REFUSED, "migrations '%s' and '%s' require each other",
		l->paths[c->path[0]], l->paths[c->path[1]]);
	err_hint(err, "requiresCycle",
		 "Their headers count as they were when commit %.12s brought them: amend "
		 "that commit (git rebase -i %.12s^), and take one of the \"Requires:\" "
		 "lines out.",
		 oid_hex(&c->commit, hex), hex);
	return -1;
}

/* Numbers the paths asked for: the first task's, and each one's position. */
static uint32_t *begin(struct walk *w, const struct oid *tip,
		       const struct path_list *paths)
{
	uint32_t *position, path = UINT32_MAX;
	size_t i;

	for (i = 0; i < paths->nr; i++) {
		/* mostly in the order in which they were numbered */
		if (++path >= w->lines->nr_paths ||
		    strcmp(w->lines->paths[path], paths->items[i]) != 0)
			path = lines_path(w->lines, paths->items[i]);
		push_path(w, path);
	}
	position = xcalloc(w->lines->nr_paths + 1, sizeof(*position));
	for (i = 0; i < paths->nr; i++) {
		path = w->paths.items[i];
		position[path] = (uint32_t)i;
	}
	push(w, TASK_LINE, 0)->commit = *tip;
	return position;
}

int order_plan(const struct order_source *source, struct lines *lines,
	       const struct oid *tip, const struct path_list *paths,
	       struct order_entry *out, struct err *err)
{
	struct walk w = { .source = source, .lines = lines, .out = out };
	uint32_t *position = begin(&w, tip, paths);
	struct task t;
	int ret = 0;

	w.position = position;
	while (w.depth && ret == 0) {
		t = w.stack[--w.depth];
		ret = run_task(&w, &t, err);
	}
	if (ret == 0 && w.placed != paths->nr)
		BUG("%zu of %zu migrations were placed", w.placed, paths->nr);
	if (ret == 0 && w.circle)
		ret = refuse_circle(lines, w.circle, err);
	free(position);
	free(w.stack);
	free(w.paths.items);
	free(w.builds);
	free(w.mark);
	free(w.undo);
	return ret;
}
