/* Raw trees, as far as the migrations folder needs them. For git/ alone. */
#ifndef GIT_TREE_H
#define GIT_TREE_H

#include "git/internal.h"

struct path_list;
struct pool;

/** One entry of a raw tree. */
struct tree_entry {
	unsigned mode;
	const char *name; /* borrowed from the tree, NUL-terminated */
	size_t name_len;
	struct oid id;
};

/** Of a file: 0100664, which old versions wrote, is as good as 0100644. */
bool tree_is_file(const struct tree_entry *e);
unsigned tree_file_mode(const struct tree_entry *e);
bool tree_is_folder(const struct tree_entry *e);

/**
 * The entry at `*at` of a raw tree, which is moved behind it. 1, 0 at the end,
 * -1 when the tree is malformed.
 */
int tree_next(const git_odb_object *tree, size_t *at, struct tree_entry *out);

/** One entry of a tree by name, its own `name` left out: 1, 0, -1. */
int tree_lookup(struct repo *r, const struct oid *tree, const char *name, size_t len,
		struct tree_entry *out, struct err *err);

/** Id of the folder `path` ("a/b") below root tree `root`; zero when there is none. */
int tree_folder(struct repo *r, const struct oid *root, const char *path, struct oid *out,
		struct err *err);

/** The entry of a path below a folder (zero: empty): 1, 0, -1. */
int tree_find(struct repo *r, const struct oid *folder, const char *path,
	      struct tree_entry *out, struct err *err);

/**
 * Calls `fn` for each file below a folder, bytewise by path, whatever its name
 * and mode; `path` is below the folder. Stops when it returns non-zero, and
 * returns that. -1 as well for a tree that is malformed or too large.
 */
int tree_each(struct repo *r, const struct oid *folder,
	      int (*fn)(void *arg, const char *path, const struct tree_entry *e,
			struct err *err),
	      void *arg, struct err *err);

/**
 * As tree_each for a tree of notes, but leaves out what another one (zero: empty) has
 * at the same path with the same mode and content. What is equal is not opened.
 */
int tree_changed(struct repo *r, const struct oid *tree, const struct oid *base,
		 int (*fn)(void *arg, const char *path, const struct tree_entry *e,
			   struct err *err),
		 void *arg, struct err *err);

/**
 * Appends the migrations of one folder whose path another one lacks, bytewise;
 * strings are the pool's. Equal parts of the two are not looked at.
 */
int tree_added(struct repo *r, struct pool *pool, const struct oid *folder,
	       const struct oid *base, struct path_list *out, struct err *err);

#endif
