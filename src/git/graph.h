/*
 * The commits as the order of migrations needs them: read raw, or from git's
 * commit-graph where that has them. For git/ alone.
 */
#ifndef GIT_GRAPH_H
#define GIT_GRAPH_H

#include "core/order.h"
#include "git/bloom.h"
#include "git/commit_graph.h"
#include "git/internal.h"

/** What a commit object says. */
struct graph_commit {
	struct oid id;
	struct oid root;   /* its tree */
	struct oid parent; /* the first one; zero: none */
	size_t nr_parents;
};

enum { GRAPH_KEPT = 16 };

struct graph {
	struct repo *repo;
	const char *folder;
	const struct commit_graph *file; /* of the repository; NULL: none is used */
	struct bloom_keys keys;
	uint32_t next;	    /* position of the parent given out last, or GRAPH_NONE */
	struct oid next_id; /* that parent */
	struct graph_commit commits[GRAPH_KEPT]; /* read last */
	struct {
		struct oid commit, tree;
	} trees[GRAPH_KEPT]; /* folders found last */
	unsigned next_commit, next_tree;
	size_t walked;	   /* commits given out */
	bool contradicted; /* by an object: what a file beside the objects told */
};

/** Begins, for a folder of the tree; with the commit-graph, or (raw) without. */
void graph_init(struct graph *g, struct repo *r, const char *folder, bool raw);
void graph_release(struct graph *g);

/** The functions that order_plan works with; `g` must stay. */
void graph_source(struct graph *g, struct order_source *out);

/** Holds what the commit-graph tells of a commit against the object. 0 or -1. */
int graph_check(struct graph *g, const struct oid *commit, struct err *err);

/** The migrations folder of a commit; zero when there is none. 0 or -1. */
int graph_tree(struct graph *g, const struct oid *commit, struct oid *out,
	       struct err *err);

#endif
