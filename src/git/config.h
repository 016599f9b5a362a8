/*
 * git's configuration as git itself reads it, from every scope (`git -c` and
 * the environment too), read once by `git config`. What a file inside the work
 * tree says of migrate.* is not trusted: a tree must not choose a database.
 */
#ifndef GIT_CONFIG_H
#define GIT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct config;
struct err;

/** Appends all settings as git lists them here. 0 or -1. */
int config_list(struct buf *out, struct err *err);

/** One of them. All but `next` is borrowed from the list. */
struct listed_setting {
	const char *scope, *origin, *key;
	size_t key_len;
	const char *value; /* "" for a key alone */
	const char *next;  /* the list's beginning at first */
};

/** Goes on to the next one; false at the end. */
bool config_next(const struct buf *list, struct listed_setting *at);

/** Whether it is taken in: sections that hold secrets of others are left out. */
bool config_is_read(const struct listed_setting *setting);

/**
 * Whether git has listed the local settings of a folder ".git", or of the current folder
 * as a bare repository, none of which says that the repository, or its work tree, is of
 * another kind or in another place.
 */
bool config_is_plain(const struct buf *list, bool bare);

/**
 * Takes in what was listed. `toplevel` (may be NULL) is the work tree's folder and
 * `git_dir` and `common_dir` the repository's: a file below the first and outside
 * of the others is not trusted.
 */
void config_load(struct config **out, const struct buf *list, const char *toplevel,
		 const char *git_dir, const char *common_dir);
void config_free(struct config *c);

/**
 * Appends what `git config` reads from a blob (".gitmigrate" of a commit): each
 * setting ends in NUL, its key in LF if it has a value. 0; 1: git cannot make sense
 * of it, and `err` says why; -1.
 */
int config_read_tree(const char *git_dir, const char *blob, struct buf *out,
		     struct err *err);

/**
 * Adds of such settings those that a tree may make (migrate.path, migrate.protect,
 * and what asks for more of a migration), where no other scope sets them.
 */
void config_add_tree(struct config *c, const struct buf *settings);

/** Takes what config_add_tree added away again. */
void config_forget_tree(struct config *c);

/** The last value of a key, NULL when unset; "" for a key without "=". Borrowed. */
const char *config_get(const struct config *c, const char *key);

/** Calls `fn` with each value of a key, in order; stops when it returns non-zero. */
int config_each(const struct config *c, const char *key,
		int (*fn)(void *arg, const char *value), void *arg);

/** Whether a key is set elsewhere than in a tree's .gitmigrate. */
bool config_is_own(const struct config *c, const char *key);

/** Whether a value is one of git's words for true. */
bool config_is_true(const char *value);

/** git's booleans; `otherwise` when unset or no boolean. */
bool config_bool(const struct config *c, const char *key, bool otherwise);

/**
 * Names X for which "<section>.X.<key>" is set, in the order of first sight.
 * Calls `fn` for each; stops when it returns non-zero, and returns that.
 */
int config_subsections(const struct config *c, const char *section, const char *key,
		       int (*fn)(void *arg, const char *name), void *arg);

/** The first migrate.* key that was ignored since a file in the tree set it, or NULL. */
const char *config_untrusted(const struct config *c);

#endif
