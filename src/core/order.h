/*
 * The order of migrations: arrival on the first-parent line (DESIGN.md 2).
 *
 * plan(C) = plan(first parent of C) ++ ord(C), kept to the paths still there.
 * ord(C), for each further parent in turn: the paths that C adds and that
 * parent holds, in the order in which they arrived along its own first-parent
 * line; last what C itself adds, bytewise, where a file's header `Requires:`
 * another one of them this one goes before it.
 *
 * The graph is reached through a table of functions, so that the rule is one
 * and the same over libgit2, or a graph made up by a test.
 */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "core/oid.h"
#include "core/paths.h"

struct err;
struct lines;
struct pool;

/** A commit as one who goes down a first-parent line sees it. */
struct order_commit {
	struct oid parent; /* the first one; zero: none */
	bool boundary;	   /* a shallow clone ends here: its parents are unknown */
	bool same;	   /* its folder is for certain that of its first parent */
};

struct order_source {
	void *ctx;
	/** Reads a commit. 0 or -1. */
	int (*commit)(void *ctx, const struct oid *id, struct order_commit *out,
		      struct err *err);
	/** All parents of a commit, in order; the pool's. 0 or -1. */
	int (*parents)(void *ctx, struct pool *pool, const struct oid *id,
		       const struct oid **out, size_t *nr, struct err *err);
	/** The migrations folder of a commit; zero when there is none. 0 or -1. */
	int (*tree)(void *ctx, const struct oid *id, struct oid *out, struct err *err);
	/**
	 * Appends the migrations of folder `tree` whose path folder `base` lacks,
	 * bytewise by path; strings are the pool's. Either may be zero: empty.
	 */
	int (*added)(void *ctx, struct pool *pool, const struct oid *tree,
		     const struct oid *base, struct path_list *out, struct err *err);
	/**
	 * Appends to `out[i]` the values of `Requires:` in the header of `paths`
	 * item i of folder `tree`; strings are the pool's. 0 or -1.
	 */
	int (*requires)(void *ctx, struct pool *pool, const struct oid *tree,
			const struct path_list *paths, struct path_list *out,
			struct err *err);
	const char *folder; /* that a path in `Requires:` may begin with; may be NULL */
};

struct order_entry {
	size_t path;	    /* position in the list asked for */
	struct oid commit;  /* brings it */
	struct oid arrival; /* of the first-parent line of the commit asked for */
	unsigned company;   /* how many `commit` brings */
	bool unknown;	    /* lies behind a shallow boundary: commit is zero */
};

/**
 * Orders the migrations `paths` (bytewise) of commit `tip` into `out`, which has
 * room for as many. `lines` is used and extended. Entries of unknown order stand
 * bytewise where their line is cut off: first, or at the merge whose side line
 * it is. 0, or -1 with `err` set: unreadable objects or a source that contradicts
 * itself (ERR_FATAL), or a circle of `Requires:` (ERR_REFUSED).
 */
int order_plan(const struct order_source *source, struct lines *lines,
	       const struct oid *tip, const struct path_list *paths,
	       struct order_entry *out, struct err *err);

#endif
