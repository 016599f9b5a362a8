/*
 * The order of migrations, over graphs made up in graph.h: named histories, and
 * random ones against the rule of order.h written down as it stands.
 * TEST_ORDER_GRAPHS and TEST_ORDER_SEED make the random part longer and
 * different.
 */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "core/lines.h"
#include "core/order.h"
#include "graph.h"

static uint64_t seed;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* 0 to n - 1 */
static size_t pick(size_t n)
{
	return (size_t)(next_random() >> 20) % n;
}

/* The rule, as order.h and the design state it. */

/* Which of the files `own` is meant, -1 for none. */
static int oracle_named(const bool own[PATHS], size_t p, enum form form)
{
	/* as in the tree: the folder is taken off */
	const char *name = form == FORM_BASE ? graph_base(paths[p]) : paths[p];
	int q, only = -1;

	for (q = 0; q < PATHS; q++)
		if (own[q] && strcmp(paths[q], name) == 0)
			return q;
	if (strchr(name, '/'))
		return -1;
	for (q = 0; q < PATHS; q++) {
		if (!own[q] || strcmp(graph_base(paths[q]), name) != 0)
			continue;
		if (only >= 0)
			return -1;
		only = q;
	}
	return only;
}

/* Places `p` and before it what it requires; false when that leads back to it. */
static bool oracle_place(struct list *out, const struct node *n, const bool own[PATHS],
			 char state[PATHS], const struct item *model, size_t p)
{
	bool ok = true;
	int need;
	size_t q;

	state[p] = 1;
	for (q = 0; q < PATHS; q++) {
		if (!(NEEDS(n->files[p], q)))
			continue;
		need = oracle_named(own, q, FORM(n->files[p]));
		if (need < 0 || (size_t)need == p)
			continue;
		if (state[need] == 1)
			ok = false;
		else if (state[need] == 0)
			ok = oracle_place(out, n, own, state, model, (size_t)need) && ok;
	}
	state[p] = 2;
	out->at[out->nr] = *model;
	out->at[out->nr++].path = p;
	return ok;
}

static void oracle_own(struct list *out, const struct node *n, size_t c,
		       const bool own[PATHS])
{
	struct item model = { .commit = c, .arrival = c };
	char state[PATHS] = { 0 };
	size_t p, first = out->nr;
	bool ok = true;

	for (p = 0; p < PATHS; p++)
		model.company += own[p];
	for (p = 0; p < PATHS; p++)
		if (own[p] && !state[p])
			ok = oracle_place(out, n, own, state, &model, p) && ok;
	for (; first < out->nr; first++)
		out->at[first].cyclic = !ok;
}

/* plan(C), those of its parents being known. */
static void oracle_commit(const struct graph *g, size_t c, struct list *plans)
{
	const struct node *n = &g->at[c];
	const blob *had = n->nr_parents ? g->at[n->parents[0]].files : NULL;
	struct list *out = &plans[c];
	const struct item *e;
	bool left[PATHS];
	size_t p, k;

	memset(out, 0, sizeof(*out));
	if (n->boundary) {
		for (p = 0; p < PATHS; p++)
			if (n->files[p])
				out->at[out->nr++] = (struct item){ .path = p,
								    .arrival = c,
								    .unknown = true };
		return;
	}
	for (p = 0; p < PATHS; p++)
		left[p] = n->files[p] && !(had && had[p]);
	for (k = 0; k < n->nr_parents; k++) {
		const struct list *of = &plans[n->parents[k]];

		for (e = of->at; e < of->at + of->nr; e++) {
			if (k == 0 ? !n->files[e->path] : !left[e->path])
				continue;
			out->at[out->nr] = *e;
			if (k > 0)
				out->at[out->nr].arrival = c;
			out->nr++;
			left[e->path] = false;
		}
	}
	oracle_own(out, n, c, left);
	for (e = out->at; e < out->at + out->nr; e++)
		out->refused = out->refused || e->cyclic;
}

/* Comparing. */

static bool same_item(const struct item *a, const struct item *b)
{
	return a->path == b->path && a->arrival == b->arrival &&
	       a->unknown == b->unknown && a->commit == b->commit &&
	       a->company == b->company;
}

static bool is_prefix(const struct list *a, const struct list *b)
{
	size_t i;

	for (i = 0; i < a->nr; i++)
		if (i == b->nr || !same_item(&a->at[i], &b->at[i]))
			return false;
	return true;
}

static bool same_list(const struct list *a, const struct list *b)
{
	if (a->refused || b->refused)
		return a->refused == b->refused;
	return a->nr == b->nr && is_prefix(a, b);
}

static bool nothing_removed(const struct node *was, const struct node *now)
{
	size_t p;

	for (p = 0; p < PATHS; p++)
		if (was->files[p] && !now->files[p])
			return false;
	return true;
}

/* Writes the lines and reads them back in place. */
static const char *store(struct lines *lines, uint32_t tip)
{
	struct buf bytes = BUF_INIT;
	const char *wrong = NULL;

	lines_encode(lines, tip, &bytes);
	lines_release(lines);
	if (lines_decode(lines, buf_str(&bytes), bytes.len) < 0)
		wrong = "what was written cannot be read";
	buf_release(&bytes);
	return wrong;
}

/* Any commits in any order, with what the ones before have left. */
static const char *judge_warm(struct graph *g, const struct list *oracle)
{
	bool stored = true;
	struct lines lines = { 0 };
	struct err err = { 0 };
	const char *wrong = NULL;
	struct list plan;
	size_t i, c;

	for (c = 0; c < g->nr; c++)
		stored = stored && !g->at[c].boundary;
	for (i = 0; i < 2 * g->nr && !wrong; i++) {
		c = pick(g->nr);
		if (graph_plan(g, c, &lines, &plan, &err) < 0 && err.code != ERR_REFUSED)
			wrong = "no plan with what is known";
		else if (!same_list(&plan, &oracle[c]))
			wrong = "another plan with what is known";
		else if (stored && pick(3) == 0)
			wrong = store(&lines, graph_stop(g, c, &lines));
	}
	lines_release(&lines);
	return wrong;
}

/* What is wrong with the plan of one commit, NULL when nothing is. */
static const char *judge_commit(struct graph *g, size_t c, const struct list *oracle,
				struct list *plans)
{
	const struct node *n = &g->at[c];
	struct lines lines = { 0 };
	uint64_t salt = g->salt;
	struct err err = { 0 };
	struct list again;
	int ret = graph_plan(g, c, &lines, &plans[c], &err);

	lines_release(&lines);
	if (ret < 0 && err.code != ERR_REFUSED)
		return "the plan could not be made";
	if (!same_list(&plans[c], &oracle[c]))
		return "not the plan that the rule gives";
	if (n->nr_parents && !n->boundary && !plans[c].refused &&
	    nothing_removed(&g->at[n->parents[0]], n) &&
	    !is_prefix(&plans[n->parents[0]], &plans[c]))
		return "the plan did not grow at its end";
	if (c + 1 < g->nr)
		return NULL;
	g->salt = ~salt * 3;
	graph_plan(g, c, &lines, &again, &err);
	lines_release(&lines);
	g->salt = salt;
	return same_list(&plans[c], &again) ? NULL : "it depends on the object ids";
}

static const char *judge_graph(struct graph *g)
{
	struct list *oracle = calloc(g->nr + 1, sizeof(*oracle));
	struct list *plans = calloc(g->nr + 1, sizeof(*plans));
	const char *wrong = NULL;
	size_t c;

	graph_trees(g);
	for (c = 0; c < g->nr && !wrong; c++) {
		oracle_commit(g, c, oracle);
		wrong = judge_commit(g, c, oracle, plans);
	}
	if (!wrong && g->nr)
		wrong = judge_warm(g, oracle);
	free(oracle);
	free(plans);
	return wrong;
}

/* Making a failing graph smaller: each step is tried, and kept if it still fails. */

static bool drop_parent(struct node *n, size_t k)
{
	if (k >= n->nr_parents)
		return false;
	n->nr_parents--;
	memmove(&n->parents[k], &n->parents[k + 1],
		(n->nr_parents - k) * sizeof(n->parents[0]));
	return true;
}

static bool drop_commit(struct graph *g, size_t c)
{
	struct node *gone = &g->at[c], *n;
	size_t k;

	for (n = gone + 1; n < g->at + g->nr; n++) {
		for (k = n->nr_parents; k-- > 0;) {
			if (n->parents[k] == c && !gone->nr_parents)
				drop_parent(n, k);
			else if (n->parents[k] == c)
				n->parents[k] = gone->parents[0];
			else if (n->parents[k] > c)
				n->parents[k]--;
		}
	}
	memmove(gone, gone + 1, (g->nr - c - 1) * sizeof(*gone));
	g->nr--;
	return true;
}

static bool drop_path(struct graph *g, size_t p)
{
	bool any = false;
	size_t c;

	for (c = 0; c < g->nr; c++) {
		any = any || g->at[c].files[p];
		g->at[c].files[p] = 0;
	}
	return any;
}

/* Does step `s` of those possible at commit `c`; false when it changes nothing. */
static bool make_smaller(struct graph *g, size_t c, size_t s)
{
	struct node *n = &g->at[c];
	bool was;

	if (s == 0)
		return drop_commit(g, c);
	if (s <= PARENTS)
		return drop_parent(n, s - 1);
	s -= PARENTS + 1;
	if (s == 0) {
		was = n->boundary;
		n->boundary = false;
		return was;
	}
	s--;
	if (s < PATHS)
		return c == 0 && drop_path(g, s);
	s -= PATHS;
	was = n->files[s % PATHS] > (s < PATHS ? 0 : 1);
	n->files[s % PATHS] = was && s >= PATHS;
	return was;
}

static void shrink(struct graph *g)
{
	const size_t steps = 1 + PARENTS + 1 + 3 * PATHS;
	struct graph smaller = { 0 };
	bool again = true;
	size_t c, s;

	while (again) {
		again = false;
		for (c = g->nr; c-- > 0;) {
			for (s = 0; s < steps && c < g->nr; s++) {
				free(smaller.at);
				smaller = *g;
				smaller.at = calloc(g->alloc, sizeof(*g->at));
				memcpy(smaller.at, g->at, g->nr * sizeof(*g->at));
				if (!make_smaller(&smaller, c, s) ||
				    !judge_graph(&smaller))
					continue;
				free(g->at);
				*g = smaller;
				smaller.at = NULL;
				again = true;
			}
		}
	}
	free(smaller.at);
}

/* Random graphs. */

static blob random_blob(void)
{
	unsigned needs = 0;

	if (pick(4) == 0)
		needs |= 1u << pick(PATHS);
	if (needs && pick(3) == 0)
		needs |= 1u << pick(PATHS);
	return BLOB(1 + pick(3), needs, needs ? pick(FORMS) : 0);
}

static void random_parents(struct graph *g, struct node *n, size_t c)
{
	size_t back = c < 6 ? c : 6, r = pick(20);

	if (c == 0 || r == 0) /* another root */
		return;
	n->nr_parents = r < 11 ? 1 : r < 18 ? 2 : r < 19 ? 3 : PARENTS;
	for (r = 0; r < n->nr_parents; r++)
		n->parents[r] = c - 1 - pick(back);
	memcpy(n->files, g->at[n->parents[0]].files, sizeof(n->files));
}

/* What the further parents have, with a conflict now and then. */
static void random_merge(const struct graph *g, struct node *n, bool whole)
{
	size_t k, p;

	for (k = 1; k < n->nr_parents; k++) {
		const blob *theirs = g->at[n->parents[k]].files;

		for (p = 0; p < PATHS; p++)
			if (theirs[p] &&
			    (n->files[p] ? pick(4) == 0 : whole || pick(10) > 0))
				n->files[p] = theirs[p];
	}
}

static void random_change(struct node *n)
{
	size_t p = pick(PATHS), q = pick(PATHS);

	switch (pick(12)) {
	case 0: /* gone */
		n->files[p] = 0;
		break;
	case 1: /* renamed */
		if (n->files[p] && !n->files[q]) {
			n->files[q] = n->files[p];
			n->files[p] = 0;
		}
		break;
	default: /* new, or edited */
		n->files[p] = random_blob();
	}
}

static void random_graph(struct graph *g)
{
	size_t want = 2 + pick(11), c, k;
	bool shallow = pick(6) == 0;
	char name[8];
	struct node *n;

	g->salt = next_random();
	for (c = 0; c < want; c++) {
		snprintf(name, sizeof(name), "c%u", (unsigned)c);
		n = graph_add(g, name);
		random_parents(g, n, c);
		/* the last one merges or appends, and takes nothing away */
		random_merge(g, n, c + 1 == want);
		for (k = c + 1 < want ? pick(n->nr_parents ? 4 : 7) : 0; k > 0; k--)
			random_change(n);
		n->boundary = shallow && pick(8) == 0;
	}
}

static void random_graphs(void **state UNUSED)
{
	const char *wish = getenv("TEST_ORDER_GRAPHS"),
		   *first = getenv("TEST_ORDER_SEED");
	unsigned long many = wish ? strtoul(wish, NULL, 10) : 40000, i;
	struct buf text = BUF_INIT;
	const char *wrong;

	seed = first ? strtoull(first, NULL, 0) | 1 : 20261122;
	for (i = 0; i < many; i++) {
		struct graph g = { 0 };

		random_graph(&g);
		wrong = judge_graph(&g);
		if (wrong) {
			shrink(&g);
			wrong = judge_graph(&g);
			graph_dump(&g, &text);
			fail_msg("graph %lu: %s: \"%s\"", i, wrong, buf_str(&text));
		}
		graph_release(&g);
	}
	buf_release(&text);
}

/* Histories by name. */

static const struct {
	const char *what, *graph;
	const char *plan; /* of the last commit: path@commit>arrival(company) */
} histories[] = {
	{ "nothing", "r:", "" },
	{ "the folder went", "r: 10; s r:", "" },
	{ "one root", "r: 20 10-x 10/20 10", "10-x@r(4) 10@r(4) 10/20@r(4) 20@r(4)" },
	{ "merge, the side is older than the newest of the branch",
	  "r: 10; s r: 10 20; t s: 10 20 30; m r: 10 25; x m t: 10 20 25 30",
	  "10@r 25@m 20@s>x 30@t>x" },
	{ "fast-forward, whatever the names", "r: 20; s r: 10 20", "20@r 10@s" },
	{ "squash: inside one commit by path",
	  "r: 10; s r: 10 30; t s: 10 20 30; m r: 10 25; x m: 10 20 25 30",
	  "10@r 25@m 20@x(2) 30@x(2)" },
	{ "rebase", "r: 10; m r: 10 25; s m: 10 25 30; t s: 10 20 25 30",
	  "10@r 25@m 30@s 20@t" },
	{ "cherry-picked to a release", "r: 10; a r: 10 20; b a: 10 20 30; p r: 10 30",
	  "10@r 30@p" },
	{ "the release merged back: nothing arrives",
	  "r: 10; a r: 10 20; b a: 10 20 30; p r: 10 30; x b p: 10 20 30",
	  "10@r 20@a 30@b" },
	{ "foxtrot", "r: 10; a r: 10 20; b a: 10 20 25; p r: 10 30; x p b: 10 20 25 30",
	  "10@r 30@p 20@a>x 25@b>x" },
	{ "the other way round",
	  "r: 10; a r: 10 20; b a: 10 20 25; p r: 10 30; x b p: 10 20 25 30",
	  "10@r 20@a 25@b 30@p>x" },
	{ "branch merged into the work, then fast-forward",
	  "r: 10; m r: 10 20; t r: 10 30; u t m: 10 20 30", "10@r 30@t 20@m>u" },
	{ "branch merged into the work, then merged",
	  "r: 10; m r: 10 20; t r: 10 30; u t m: 10 20 30; x m u: 10 20 30",
	  "10@r 20@m 30@t>x" },
	{ "octopus: by parent, each in its own order",
	  "r: 10; s r: 10 30; t s: 10 20 30; o r: 10 25; p o: 10 25 40; "
	  "x r p t: 10 20 25 30 40",
	  "10@r 25@o>x 40@p>x 30@s>x 20@t>x" },
	{ "octopus: held by two, the first one counts",
	  "r: 10; s r: 10 30; t s: 10 20 30; o r: 10 20 30; x r o t: 10 20 30",
	  "10@r 20@o>x(2) 30@o>x(2)" },
	{ "repeated merges from the branch",
	  "r: 10; f r: 10 50; m r: 10 20; u f m: 10 20 50; n m: 10 20 30; "
	  "g u: 10 20 40 50; v g n: 10 20 30 40 50; x n v: 10 20 30 40 50",
	  "10@r 20@m 30@n 50@f>x 40@g>x" },
	{ "criss-cross",
	  "r: 10; a r: 10 30; b r: 10 20; c a b: 10 20 30; "
	  "d b a: 10 20 30; e d: 10 20 30 40; x c e: 10 20 30 40",
	  "10@r 30@a 20@b>c 40@e>x" },
	{ "side branch of a side branch",
	  "r: 10; s r: 10 50; t r: 10 20; u t: 10 20 40; v s u: 10 20 40 50; "
	  "w v: 10 20 30 40 50; x r w: 10 20 30 40 50",
	  "10@r 50@s>x 20@t>x 40@u>x 30@w>x" },
	{ "edited on the side",
	  "r: 10; s r: 10 20; t s: 10 20*2; m r: 10 25; x m t: 10 20*2 25",
	  "10@r 25@m 20@s>x" },
	{ "edited on the branch", "r: 10; m r: 10 20; n m: 10*2 20", "10@r 20@m" },
	{ "taken out and brought again on the side",
	  "r: 10; s r: 10 20; t s: 10 20 30; u t: 10 30; v u: 10 20 30; "
	  "x r v: 10 20 30",
	  "10@r 30@t>x 20@v>x" },
	{ "reverted", "r: 10; m r: 10 20; n m: 10 20 30; o n: 10 30", "10@r 30@n" },
	{ "revert of the revert",
	  "r: 10; m r: 10 20; n m: 10 20 30; o n: 10 30; p o: 10 20 30",
	  "10@r 30@n 20@p" },
	{ "an edit and its revert: the folder is as before",
	  "r: 10; m r: 10 20; n m: 10*2 20; o n: 10 20", "10@r 20@m" },
	{ "revert of a merge, merged again: nothing comes back",
	  "r: 10; s r: 10 20; x r s: 10 20; y x: 10; z y s: 10", "10@r" },
	{ "revert of a merge, reverted",
	  "r: 10; s r: 10 20; x r s: 10 20; y x: 10; z y: 10 20", "10@r 20@z" },
	{ "a merge that brings files itself: last",
	  "r: 10; s r: 10 30; x r s: 10 20 25 30", "10@r 30@s>x 20@x(2) 25@x(2)" },
	{ "a merge that leaves one out, brought later",
	  "r: 10; s r: 10 20 30; x r s: 10 30; y x: 10 20 30", "10@r 30@s>x(2) 20@y" },
	{ "on both sides, same content", "r: 10; m r: 10 20; s r: 10 20; x m s: 10 20",
	  "10@r 20@m" },
	{ "on both sides, theirs taken",
	  "r: 10; m r: 10 20; s r: 10 20*2; x m s: 10 20*2", "10@r 20@m" },
	{ "renamed", "r: 10; m r: 10 20; n m: 10 30", "10@r 30@n" },
	{ "renamed on the side",
	  "r: 10; s r: 10 20; t s: 10 30; x r s: 10 20; y x t: 10 30", "10@r 30@t>y" },
	{ "unrelated histories", "r: 20; o: 10; p o: 10 30; x r p: 10 20 30",
	  "20@r 10@o>x 30@p>x" },
	{ "the same parent twice", "r: 10; s r: 10 20; x r s s: 10 20", "10@r 20@s>x" },
	{ "required ones first", "r: 10<30 20 30<25 25",
	  "25@r(4) 30@r(4) 10@r(4) 20@r(4)" },
	{ "two required ones, as written", "r: 10<20,30 20<30 30",
	  "30@r(3) 20@r(3) 10@r(3)" },
	{ "required from another commit", "r: 30; s r: 20<30 25<a 30",
	  "30@r 20@s(2) 25@s(2)" },
	{ "required by one that comes later in any case", "r: 10 20<10",
	  "10@r(2) 20@r(2)" },
	{ "required across a merge: order is by arrival",
	  "r: 10; s r: 10 20<30; t r: 10 30; x r s t: 10 20<30 30",
	  "10@r 20@s>x 30@t>x" },
	{ "header of an edit counts for nothing", "r: 10 20; s r: 10<20 20",
	  "10@r(2) 20@r(2)" },
	{ "required as in the tree", "r: 10<10/20%1 10/20", "10/20@r(2) 10@r(2)" },
	{ "required by name alone", "r: 10<10/20%2 10/20", "10/20@r(2) 10@r(2)" },
	{ "required by a name that two have: the one at the top", "r: 10<b/20%2 20 b/20",
	  "20@r(3) 10@r(3) b/20@r(3)" },
	{ "required by a name that two have, none at the top: neither",
	  "r: 10<b/20%2 10/20 b/20", "10@r(3) 10/20@r(3) b/20@r(3)" },
	{ "required without the extension", "r: 10<b%3 b", "b@r(2) 10@r(2)" },
	{ "required with a subject", "r: 10<b/20%4 b/20", "b/20@r(2) 10@r(2)" },
	{ "requires itself", "r: 10<10", "10@r" },
	{ "requires itself, in company", "r: 10<10 20", "10@r(2) 20@r(2)" },
	{ "a circle", "r: 10<20 20<30 30<10", "refused" },
	{ "a circle far back, half of it gone", "r: 10<20 20<10; s r: 10<20", "refused" },
	{ "a circle, all of it gone", "r: 10<20 20<10 30; s r: 30; t s: 10 30",
	  "refused" },
	{ "a circle of files that nobody has", "r: 10<20 20<10; s r: 30; t s: 10 30",
	  "30@s 10@t" },
	{ "a circle on the side", "r: a; s r: a 10<20 20<10; x r s: a 10<20 20<10",
	  "refused" },
	{ "no circle where a merge parts it", "r: a; s r: a 10<20; x r s: a 10<20 20<10",
	  "a@r 10@s>x 20@x" },
	{ "shallow: nothing is known", "r: 10; m! r: 10 20", "10@?>m 20@?>m" },
	{ "shallow: some is", "r: 20; m! r: 10 20; n m: 10 20 30; o n: 10 20 25 30",
	  "10@?>m 20@?>m 30@n 25@o" },
	{ "shallow: what lies behind may be edited, taken out, brought again",
	  "m!: 10 20 30; n m: 10*2 20; o n: 10*2 20 30", "10@?>m 20@?>m 30@o" },
	{ "shallow: on the side alone",
	  "r: 10; m r: 10 25; s!: 10 30 20; t s: 10 20 30 40; x m t: 10 20 25 30 40",
	  "10@r 25@m 20@?>x 30@?>x 40@t>x" },
	{ "shallow: no header is read behind it", "m!: 10<20 20<10", "10@?>m 20@?>m" },
	{ "shallow: two boundaries", "m!: 10; s!: 10 20; x m s: 10 20 30",
	  "10@?>m 20@?>x 30@x" },
};

static void print_plan(const struct graph *g, const struct list *plan, struct buf *out)
{
	const struct item *e;

	buf_reset(out);
	if (plan->refused)
		buf_adds(out, "refused");
	for (e = plan->at; !plan->refused && e < plan->at + plan->nr; e++) {
		buf_addf(out, "%s%.*s@%s", e > plan->at ? " " : "",
			 (int)strlen(paths[e->path]) - 4, paths[e->path],
			 e->unknown ? "?" : g->at[e->commit].name);
		if (e->unknown || e->arrival != e->commit)
			buf_addf(out, ">%s", g->at[e->arrival].name);
		if (e->company > 1)
			buf_addf(out, "(%u)", e->company);
	}
}

static void named_histories(void **state UNUSED)
{
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(histories); i++) {
		struct graph g = { .salt = i };
		struct lines lines = { 0 };
		struct list plan;
		struct err err = { 0 };
		const char *wrong;

		graph_parse(&g, histories[i].graph);
		graph_plan(&g, g.nr - 1, &lines, &plan, &err);
		print_plan(&g, &plan, &text);
		if (strcmp(buf_str(&text), histories[i].plan) != 0)
			fail_msg("%s: '%s', not '%s'", histories[i].what, buf_str(&text),
				 histories[i].plan);
		buf_reset(&text); /* what is printed is what was written */
		graph_dump(&g, &text);
		graph_release(&g);
		graph_parse(&g, buf_str(&text));
		wrong = judge_graph(&g);
		if (wrong)
			fail_msg("%s: %s", histories[i].what, wrong);
		graph_release(&g);
		lines_release(&lines);
	}
	buf_release(&text);
}

/* What a pushed history may do to us. */

static void message_of_a_circle(void **state UNUSED)
{
	struct graph g = { 0 };
	struct lines lines = { 0 };
	struct err err = { 0 };
	struct list plan;

	graph_parse(&g, "r: 10<20 20<10 a");
	assert_int_equal(graph_plan(&g, 0, &lines, &plan, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.message,
			    "migrations '10.sql' and '20.sql' require each other");
	assert_string_not_equal(err.hint, "");
	assert_string_equal(err.advice, "requiresCycle");
	graph_release(&g);
	lines_release(&lines);
}

/* Each call to the source fails once; what is left over serves the next plan. */
static void source_fails(void **state UNUSED)
{
	char expect[64];
	size_t i, n, calls;

	for (i = 0; i < ARRAY_SIZE(histories); i++) {
		struct graph g = { 0 };
		struct lines lines = { 0 };
		struct err err = { 0 };
		struct list plan, again;

		graph_parse(&g, histories[i].graph);
		graph_plan(&g, g.nr - 1, &lines, &plan, &err);
		lines_release(&lines);
		calls = g.calls;
		for (n = 1; n <= calls; n++) {
			g.calls = 0;
			g.fail_at = n;
			assert_int_equal(graph_plan(&g, g.nr - 1, &lines, &again, &err),
					 -1);
			assert_int_equal(err.code, ERR_FATAL);
			snprintf(expect, sizeof(expect), "call %zu failed", n);
			assert_string_equal(err.message, expect);
			g.fail_at = 0;
			graph_plan(&g, g.nr - 1, &lines, &again, &err);
			assert_true(same_list(&plan, &again));
			lines_release(&lines);
		}
		graph_release(&g);
	}
}

static void source_contradicts_itself(void **state UNUSED)
{
	struct graph g = { .lies = true };
	struct lines lines = { 0 };
	struct err err = { 0 };
	struct list plan;

	graph_parse(&g, "r: 10; s r: 10; x r s: 10 20");
	assert_int_equal(graph_plan(&g, 2, &lines, &plan, &err), -1);
	assert_int_equal(err.code, ERR_FATAL);
	assert_string_equal(err.message,
			    "could not find where migration '20.sql' came from");
	graph_release(&g);
	lines_release(&lines);
}

/* Side branches of side branches, and files that come from the bottom of them. */
static void deep_nesting(void **state UNUSED)
{
	enum { LEVELS = 20000, HALF = LEVELS / 2 };
	struct graph g = { .salt = 5 };
	struct lines lines = { 0 };
	struct buf text = BUF_INIT;
	struct err err = { 0 };
	struct list plan;
	struct node *n;
	char name[8];
	size_t i;

	graph_parse(&g, "r: 50; c1 r: 30 50; c2 c1: 10 30 50");
	for (i = g.nr; i < LEVELS; i++) {
		snprintf(name, sizeof(name), "c%u", (unsigned)i);
		n = graph_add(&g, name);
		memcpy(n->files, g.at[i - 1].files, sizeof(n->files));
		n->parents[1] = i - 1;
		n->nr_parents = 2;
		if (i == HALF)
			n->files[graph_path("20", 2)] = BLOB(1, 0, 0);
	}
	graph_trees(&g);
	assert_int_equal(graph_plan(&g, LEVELS - 1, &lines, &plan, &err), 0);
	print_plan(&g, &plan, &text);
	assert_string_equal(buf_str(&text),
			    "50@r 30@c1>c19999 10@c2>c19999 20@c10000>c19999");
	buf_release(&text);
	graph_release(&g);
	lines_release(&lines);
}

/* One commit of many files, each of which requires the next one. */
enum { CHAIN = 20000 };

static int chain_commit(void *ctx UNUSED, const struct oid *id UNUSED,
			struct order_commit *out, struct err *err UNUSED)
{
	memset(out, 0, sizeof(*out));
	return 0;
}

static int chain_parents(void *ctx UNUSED, struct pool *pool UNUSED,
			 const struct oid *id UNUSED, const struct oid **out, size_t *nr,
			 struct err *err UNUSED)
{
	*out = NULL;
	*nr = 0;
	return 0;
}

static int chain_tree(void *ctx UNUSED, const struct oid *id, struct oid *out,
		      struct err *err UNUSED)
{
	*out = *id;
	return 0;
}

static int chain_added(void *ctx UNUSED, struct pool *pool, const struct oid *tree UNUSED,
		       const struct oid *base UNUSED, struct path_list *out,
		       struct err *err UNUSED)
{
	int i;

	for (i = 0; i < CHAIN; i++)
		path_list_add(out, pool_printf(pool, "a%05d.sql", i));
	return 0;
}

static int chain_requires(void *ctx, struct pool *pool, const struct oid *tree UNUSED,
			  const struct path_list *of, struct path_list *out,
			  struct err *err UNUSED)
{
	const bool *circle = ctx;
	size_t i;

	for (i = 0; i < of->nr; i++)
		if (i + 1 < CHAIN || *circle)
			path_list_add(&out[i], pool_printf(pool, "a%05d.sql",
							   (int)((i + 1) % CHAIN)));
	return 0;
}

static void long_chain(void **state UNUSED)
{
	bool circle = false;
	const struct order_source source = { &circle,	     chain_commit, chain_parents,
					     chain_tree,     chain_added,  chain_requires,
					     "db/migrations" };
	const struct oid tip = { { 1 } };
	struct order_entry *entries = calloc(CHAIN, sizeof(*entries));
	struct path_list files = { 0 };
	struct lines lines = { 0 };
	struct pool names = { 0 };
	struct err err = { 0 };
	size_t i;

	chain_added(NULL, &names, NULL, NULL, &files, &err);
	assert_int_equal(order_plan(&source, &lines, &tip, &files, entries, &err), 0);
	for (i = 0; i < CHAIN; i++)
		assert_int_equal(entries[i].path, CHAIN - 1 - i);
	assert_int_equal(entries[0].company, CHAIN);
	lines_release(&lines);
	circle = true;
	assert_int_equal(order_plan(&source, &lines, &tip, &files, entries, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	lines_release(&lines);
	path_list_release(&files);
	pool_release(&names);
	free(entries);
}

/*
 * Long stretches in which nothing arrives. Ids are numbers; a folder holds the
 * first so many files; commits are counted when they are looked at.
 */
enum { STRETCH = 200000, MERGES = 200, MORE = 6 };

struct wide_node {
	uint32_t parents[2]; /* counted from 1 */
	uint32_t files;
};

struct wide {
	struct wide_node *at;
	uint32_t nr;
	bool filter; /* it is told where folders are the same */
	size_t commits, others;
};

static void wide_id(uint32_t number, struct oid *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->id, &number, sizeof(number));
}

static uint32_t wide_number(const struct oid *id)
{
	uint32_t number;

	memcpy(&number, id->id, sizeof(number));
	return number;
}

static const struct wide_node *wide_node(const struct wide *w, const struct oid *id)
{
	return &w->at[wide_number(id) - 1];
}

static int wide_commit(void *ctx, const struct oid *id, struct order_commit *out,
		       struct err *err UNUSED)
{
	struct wide *w = ctx;
	const struct wide_node *n = wide_node(w, id);

	w->commits++;
	memset(out, 0, sizeof(*out));
	wide_id(n->parents[0], &out->parent);
	out->same = w->filter && n->parents[0] &&
		    w->at[n->parents[0] - 1].files == n->files;
	return 0;
}

static int wide_parents(void *ctx, struct pool *pool, const struct oid *id,
			const struct oid **out, size_t *nr, struct err *err UNUSED)
{
	struct wide *w = ctx;
	const struct wide_node *n = wide_node(w, id);
	struct oid *parents = pool_alloc(pool, 2 * sizeof(*parents));

	w->others++;
	for (*nr = 0; *nr < 2 && n->parents[*nr]; ++*nr)
		wide_id(n->parents[*nr], &parents[*nr]);
	*out = parents;
	return 0;
}

static int wide_tree(void *ctx, const struct oid *id, struct oid *out,
		     struct err *err UNUSED)
{
	struct wide *w = ctx;

	w->others++;
	wide_id(wide_node(w, id)->files, out);
	return 0;
}

static int wide_added(void *ctx, struct pool *pool, const struct oid *tree,
		      const struct oid *base, struct path_list *out,
		      struct err *err UNUSED)
{
	struct wide *w = ctx;
	uint32_t i;

	w->others++;
	for (i = wide_number(base); i < wide_number(tree); i++)
		path_list_add(out, pool_printf(pool, "a%05u.sql", i));
	return 0;
}

static int wide_requires(void *ctx, struct pool *pool UNUSED,
			 const struct oid *tree UNUSED, const struct path_list *of UNUSED,
			 struct path_list *out UNUSED, struct err *err UNUSED)
{
	struct wide *w = ctx;

	w->others++;
	return 0;
}

/* Returns the number of the commit. */
static uint32_t wide_add(struct wide *w, uint32_t parent, uint32_t second, uint32_t files)
{
	w->at[w->nr] = (struct wide_node){ { parent, second }, files };
	return ++w->nr;
}

static uint32_t wide_add_same(struct wide *w, uint32_t parent, size_t nr)
{
	while (nr-- > 0)
		parent = wide_add(w, parent, 0, parent ? w->at[parent - 1].files : 0);
	return parent;
}

static void wide_plan(struct wide *w, struct lines *lines, uint32_t tip,
		      struct order_entry *out)
{
	const struct order_source source = { w,		wide_commit, wide_parents,
					     wide_tree, wide_added,  wide_requires,
					     NULL };
	struct path_list files = { 0 };
	struct pool names = { 0 };
	struct err err = { 0 };
	struct oid id, tree, none;

	wide_id(tip, &id);
	wide_id(w->at[tip - 1].files, &tree);
	wide_id(0, &none);
	wide_added(w, &names, &tree, &none, &files, &err);
	w->commits = w->others = 0;
	assert_int_equal(order_plan(&source, lines, &id, &files, out, &err), 0);
	path_list_release(&files);
	pool_release(&names);
}

/* Where a branch begins, or where a merge comes: spread over the stretch. */
enum spread { UPWARD, DOWNWARD, TOGETHER, SPREADS };

static uint32_t spread(enum spread how, uint32_t i)
{
	const uint32_t each = STRETCH / MERGES;

	switch (how) {
	case UPWARD:
		return (i + 1) * each;
	case DOWNWARD:
		return (MERGES - i) * each;
	case TOGETHER: /* so that no two walks end at one mark by chance */
		return STRETCH - 7 * i;
	case SPREADS:
		break;
	}
	return 0;
}

/*
 * Each merge brings one more file, and of a side line whose bottom, far down the
 * stretch, is where all of them came from.
 */
static uint32_t make_deep_merges(struct wide *w, enum spread how)
{
	uint32_t bottom = wide_add(w, 0, 0, MERGES), main_line, i;

	wide_add_same(w, bottom, STRETCH - 1);
	main_line = wide_add(w, 0, 0, 0);
	for (i = 0; i < MERGES; i++)
		main_line = wide_add(w, main_line, spread(how, i), i + 1);
	return main_line;
}

/* The stretch is the line itself: branches leave it and come back, later or soon. */
static uint32_t make_short_branches(struct wide *w, enum spread how)
{
	uint32_t from = wide_add(w, 0, 0, 0), line = from, side, i;

	for (i = 0; i < MERGES; i++) {
		side = wide_add(w, how == UPWARD ? line : from, 0, i + 1);
		if (how == DOWNWARD)
			side = wide_add_same(w, side, 100);
		line = wide_add_same(w, line, STRETCH / MERGES);
		line = wide_add(w, line, side, i + 1);
	}
	return line;
}

static void assert_plan_of_merges(const struct order_entry *entries)
{
	size_t i;

	for (i = 0; i < MERGES; i++)
		assert_int_equal(entries[i].path, i);
}

/* Writes the lines and reads them, as the next process would. */
static void store_at(struct lines *lines, uint32_t tip)
{
	struct oid id;

	wide_id(tip, &id);
	assert_null(store(lines, lines_find(lines, &id)));
}

/*
 * What a plan with what is known looks at: nothing for the same commit; only new
 * commits for a later one, and from one that is far enough nothing again.
 */
static void assert_only_new_commits(struct wide *w, struct lines *lines, uint32_t tip)
{
	struct order_entry entries[MERGES];
	uint32_t next = wide_add_same(w, tip, MORE), far = wide_add_same(w, next, 500);

	wide_plan(w, lines, tip, entries);
	assert_int_equal(w->commits + w->others, 0);
	wide_plan(w, lines, next, entries);
	assert_plan_of_merges(entries);
	assert_int_equal(w->commits, MORE);
	assert_true(w->filter ? w->others == 0 : w->others <= MORE + 1);
	wide_plan(w, lines, far, entries);
	assert_int_equal(w->commits, MORE + 500 + 1);
	wide_plan(w, lines, far, entries);
	assert_int_equal(w->commits + w->others, 0);
	store_at(lines, far);
	wide_plan(w, lines, far, entries);
	assert_plan_of_merges(entries);
	assert_int_equal(w->commits + w->others, 0);
}

static void judge_wide(uint32_t (*make)(struct wide *, enum spread), enum spread how,
		       bool filter)
{
	struct wide w = { .filter = filter };
	struct order_entry entries[MERGES];
	struct lines lines = { 0 };
	uint32_t tip;
	size_t size;

	w.at = calloc((size_t)STRETCH * 2, sizeof(*w.at));
	tip = make(&w, how);
	size = w.nr;
	wide_plan(&w, &lines, tip, entries);
	assert_plan_of_merges(entries);
	if (w.commits > 2 * size + 2 * MERGES)
		fail_msg("%zu looks at %zu commits", w.commits, size);
	assert_only_new_commits(&w, &lines, tip);
	lines_release(&lines);
	wide_plan(&w, &lines, tip, entries);
	store_at(&lines, tip);
	assert_only_new_commits(&w, &lines, tip);
	lines_release(&lines);
	free(w.at);
}

static void long_stretches_are_walked_once(void **state UNUSED)
{
	int how;

	for (how = 0; how < SPREADS; how++) {
		judge_wide(make_deep_merges, how, true);
		judge_wide(make_short_branches, how, how == UPWARD);
	}
}

static void lists_of_paths(void **state UNUSED)
{
	struct path_list list = { 0 };
	size_t i;

	assert_int_equal(path_list_find(&list, "10.sql"), -1);
	path_list_sort(&list);
	for (i = 0; i < PATHS; i++)
		path_list_add(&list, paths[i * 5 % PATHS]);
	path_list_sort(&list);
	for (i = 0; i < PATHS; i++) {
		assert_ptr_equal(list.items[i], paths[i]);
		assert_int_equal(path_list_find(&list, paths[i]), i);
	}
	assert_int_equal(path_list_find(&list, ""), -1);
	assert_int_equal(path_list_find(&list, "10"), -1);
	assert_int_equal(path_list_find(&list, "c.sql2"), -1);
	path_list_release(&list);
	assert_int_equal(list.nr, 0);
	path_list_release(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_histories),
		cmocka_unit_test(message_of_a_circle),
		cmocka_unit_test(source_fails),
		cmocka_unit_test(source_contradicts_itself),
		cmocka_unit_test(deep_nesting),
		cmocka_unit_test(long_chain),
		cmocka_unit_test(long_stretches_are_walked_once),
		cmocka_unit_test(lists_of_paths),
		cmocka_unit_test(random_graphs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
