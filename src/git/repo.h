/* A repository: found by git itself, read through libgit2. */
#ifndef GIT_REPO_H
#define GIT_REPO_H

#include <stdbool.h>
#include <stddef.h>

#include "core/oid.h"

struct buf;
struct config;
struct err;
struct repo;

/**
 * Opens the repository of the current folder or of GIT_DIR: `git rev-parse`
 * finds it and judges its ownership, `git config` reads the settings. Pushed
 * objects in quarantine are seen. 0 or -1: not a repository, a kind that cannot
 * be read (SHA-256, reftable), or git's own refusal in its own words.
 */
int repo_open(struct repo **out, struct err *err);

/**
 * From now on the objects may be those that a stranger pushes: what is larger than
 * any use has for it (git/limits.h) is refused before it is read, and so is a line of
 * more than `commits` (0: any number; see history_brought).
 */
void repo_bound(struct repo *r, size_t commits);
void repo_free(struct repo *r);

/**
 * Calls `fn` now and then while a long history is read, with the commits so far,
 * and with 0 when that is over.
 */
void repo_on_progress(struct repo *r, void (*fn)(void *arg, size_t commits), void *arg);

struct config *repo_config(struct repo *r);
const char *repo_git_dir(const struct repo *r);
const char *repo_common_dir(const struct repo *r);
const char *repo_toplevel(const struct repo *r); /* NULL in a bare repository */
/** Top of the main work tree, for a linked one too; NULL inside of .git. */
const char *repo_main_worktree(const struct repo *r);
const char *repo_prefix(const struct repo *r);
bool repo_is_bare(const struct repo *r);
bool repo_is_shallow(const struct repo *r);

/** migrate.path, "migrations" by default, without slashes at the ends. 0 or -1. */
int repo_folder(struct repo *r, const char **out, struct err *err);

/** Reads settings that the tree of `commit` shares (.gitmigrate). 0 or -1. */
int repo_load_shared(struct repo *r, const struct oid *commit, struct err *err);
/**
 * As repo_load_shared, of a commit that stands and is built upon: a file that makes no
 * sense counts as none, or nobody could mend it. 0; 1: it is such a one; -1.
 */
int repo_load_shared_sound(struct repo *r, const struct oid *commit, struct err *err);

/**
 * Refuses when what is kept of the settings of a commit is not what its tree has. 0 or
 * -1; to be asked before they are read.
 */
int repo_check_shared(struct repo *r, const struct oid *commit, struct err *err);

/** Hints how to be rid of the wrong cache in a git dir. */
void repo_hint_cache(const char *dir, struct err *err);

/** Whether .gitmigrate is the same file in both commits, or in none: 1, 0, -1. */
int repo_shares_alike(struct repo *r, const struct oid *a, const struct oid *b,
		      struct err *err);

/**
 * The commit that a revision names. 0; -1 with `err` set, which for HEAD tells
 * an empty repository apart.
 */
int repo_resolve(struct repo *r, const char *rev, struct oid *out, struct err *err);

/** Where a ref points, peeled to a commit: 1; 0 when there is no such ref; -1. */
int repo_ref(struct repo *r, const char *ref, struct oid *out, struct err *err);

/** Whether there is a ref of that full name, whatever it leads to: 1, 0, -1. */
int repo_has_ref(struct repo *r, const char *ref, struct err *err);

/** Full name of the branch that HEAD is on, appended: 1; 0 when detached; -1. */
int repo_head_ref(struct repo *r, struct buf *out, struct err *err);

/**
 * The protected branch (migrate.branch, else the remote's HEAD as its
 * remote-tracking ref shows it, in a bare repository its own HEAD): appends
 * its full ref name and returns 1; 0 when there is none; -1.
 */
int repo_protected_ref(struct repo *r, struct buf *out, struct err *err);

/**
 * Whether no branch is protected though a remote was fetched from, which its HEAD would
 * tell: appends the remote's name and returns 1; 0; -1.
 */
int repo_undecided(struct repo *r, struct buf *out, struct err *err);

/**
 * The same as the remote calls it, "refs/heads/main": migrate.branch, else what that
 * remote's HEAD shows. Appends and returns as above.
 */
int repo_protected_at(struct repo *r, const char *remote, struct buf *out,
		      struct err *err);

/** Appends where a ref leads to in the end: itself, unless it is symbolic. 0 or -1. */
int repo_real_ref(struct repo *r, const char *ref, struct buf *out, struct err *err);

/** Appends a blob's bytes. 0; 1 when the object is missing; -1. */
int repo_read_blob(struct repo *r, const struct oid *id, struct buf *out,
		   struct err *err);

/**
 * Whether a file of the work tree, brought in as git would (filters, line ends),
 * differs from a blob: 1; 0, also when there is no such file; -1.
 */
int repo_file_differs(struct repo *r, const char *path, const struct oid *blob,
		      struct err *err);

/** Whether `a` is `b` or an ancestor of it: 1, 0, -1. Behind a boundary: 1. */
int repo_is_ancestor(struct repo *r, const struct oid *a, const struct oid *b,
		     struct err *err);

/**
 * Marks in `out` those of `nr` commits for which that holds of one of the tips; where
 * there are many the history is gone through once. 0 or -1.
 */
int repo_are_ancestors(struct repo *r, const struct oid *tips, size_t nr_tips,
		       const struct oid *ids, size_t nr, bool *out, struct err *err);

/**
 * As repo_is_ancestor, looking at no more than `most` commits, nearest first; -1
 * (ERR_REFUSED) where there are more. Behind a shallow boundary: 0.
 */
int repo_is_ancestor_within(struct repo *r, const struct oid *a, const struct oid *b,
			    size_t most, struct err *err);

/** The first parent of a commit; zero for a root, and at a boundary. 0 or -1. */
int repo_first_parent(struct repo *r, const struct oid *id, struct oid *out,
		      struct err *err);

/** The merge bases of two commits, best first; `*out` is the caller's. 0 or -1. */
int repo_merge_bases(struct repo *r, const struct oid *a, const struct oid *b,
		     struct oid **out, size_t *nr, struct err *err);

/** Whether a commit of that id is here; it is not read. */
bool repo_has_commit(struct repo *r, const struct oid *id);

/** Whether hex digits name exactly one commit of the repository: 1, 0, -1. */
int repo_is_commit(struct repo *r, const char *hex, struct err *err);

/** "Name <mail>" that git would commit with; appended. Never empty. */
void repo_identity(struct repo *r, struct buf *out);

/** Names of refs below `prefix` ("refs/notes/migrate/"); stops as config_subsections. */
int repo_each_ref(struct repo *r, const char *prefix,
		  int (*fn)(void *arg, const char *ref, struct err *err), void *arg,
		  struct err *err);

/**
 * Runs `git <args>` at the repository, for what git alone does well. `out` may
 * be NULL. Returns its exit status, -1 with `err` set when it could not start.
 * `said`: what it printed on stderr, may be NULL.
 */
int repo_git(struct repo *r, const char *const *args, struct buf *out, struct buf *said,
	     struct err *err);

/**
 * The same for what may ask the user on the terminal, for a password or a key, and
 * reads `input` (NULL: nothing).
 */
int repo_git_asking(struct repo *r, const char *const *args, const struct buf *input,
		    struct buf *out, struct buf *said, struct err *err);

/** Sets one value in the repository's own configuration. 0 or -1. */
int repo_set_config(struct repo *r, const char *key, const char *value, struct err *err);

#endif
