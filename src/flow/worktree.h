/* What lies in the work tree and is not what will run. */
#ifndef FLOW_WORKTREE_H
#define FLOW_WORKTREE_H

#include <stddef.h>

struct err;
struct plan;
struct pool;
struct repo;

enum uncommitted {
	UNCOMMITTED_NEW,     /* a migration file that no commit here has */
	UNCOMMITTED_CHANGED, /* its bytes differ from the commit's */
};

struct worktree_file {
	const char *path; /* below the migrations folder */
	enum uncommitted how;
};

/**
 * Lists migration files that are new, to HEAD too, and of the plan's entries for which
 * `asked` says so (by position; they are read and hashed) those that differ.
 * Nothing in a bare repository. Memory is the pool's. 0 or -1.
 */
int worktree_list(struct repo *repo, const struct plan *plan, const char *asked,
		  struct pool *pool, struct worktree_file **out, size_t *nr,
		  struct err *err);

#endif
