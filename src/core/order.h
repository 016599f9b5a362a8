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
 * and the same over libgit2, a cache, or a graph made up by a test.
 */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "core/oid.h"

struct err;
struct pool;

struct order_commit {
	struct oid tree;	   /* of the migrations folder; zero when there is none */
	const struct oid *parents; /* in order; borrowed until the pool goes */
	size_t nr_parents;
	bool boundary; /* a shallow clone ends here: its parents are unknown */
};

struct path_list {
	const char **items;
	size_t nr, alloc;
};

struct order_source {
	void *ctx;
	/** Reads a commit. 0 or -1. */
	int (*commit)(void *ctx, struct pool *pool, const struct oid *id,
		      struct order_commit *out, struct err *err);
	/**
	 * Appends the migrations of folder `tree` whose path folder `base` lacks,
	 * bytewise by path; strings are the pool's. Either may be zero: empty.
	 */
	int (*added)(void *ctx, struct pool *pool, const struct oid *tree,
		     const struct oid *base, struct path_list *out, struct err *err);
	/** Whether the folder holds that migration: 1, 0 or -1. */
	int (*holds)(void *ctx, const struct oid *tree, const char *path,
		     struct err *err);
	/** Appends the values of `Requires:` in the header of that migration. */
	int (*requires)(void *ctx, struct pool *pool, const struct oid *tree,
			const char *path, struct path_list *out, struct err *err);
	const char *folder; /* that a path in `Requires:` may begin with; may be NULL */
};

struct order_entry {
	const char *path;
	struct oid commit;  /* brings it */
	struct oid arrival; /* of the first-parent line of the commit asked for */
	unsigned company;   /* how many `commit` brings */
	bool unknown;	    /* lies behind a shallow boundary: commit is zero */
};

/**
 * Orders the migrations of commit `tip`. `*out` is an array of `*nr`, the
 * pool's. Entries of unknown order stand bytewise where their line is cut off:
 * first, or at the merge whose side line it is. 0, or -1 with `err`
 * set: unreadable objects, or a cycle of `Requires:` (ERR_REFUSED).
 */
int order_plan(const struct order_source *source, struct pool *pool,
	       const struct oid *tip, struct order_entry **out, size_t *nr,
	       struct err *err);

/** Where `path` stands in a sorted list, or -1. */
ssize_t path_list_find(const struct path_list *list, const char *path);
void path_list_add(struct path_list *list, const char *path);
/** Bytewise. */
void path_list_sort(struct path_list *list);
void path_list_release(struct path_list *list);

#endif
