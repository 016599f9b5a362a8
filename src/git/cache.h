/*
 * What was learnt of the history, kept in <common git dir>/migrate for the next
 * time: the lines (core/lines.h) of each migrations folder, descriptions, and the
 * settings of .gitmigrate, what ends the messages of mirrors, where a mirror has the
 * records of each path, and, in the git dir of each work tree, the whole plan of what
 * HEAD was at when it was asked for last. All work trees share the others, nothing in it
 * ever becomes wrong, and it is safe to delete: a file that is missing, damaged, or
 * another version's is as good as empty, and one that cannot be written is no error.
 * migrate.cache=false turns it off. Not used in a shallow clone, which knows less than
 * what is true; not written for objects in quarantine, which may not stay. For git/
 * alone.
 */
#ifndef GIT_CACHE_H
#define GIT_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/oid.h"

struct buf;
struct cache;
struct lines;
struct migration;
struct pool;
struct repo;

/** Makes <git dir>/migrate, with the rights of the common git dir, if it is not there. */
void cache_make_folder(const char *git_dir, const char *common_dir);

/** What is known of the lines, for a folder of the tree; the repository's. */
struct lines *cache_lines(struct repo *r, const char *folder);

/**
 * Stores them if they have grown. `tip` is the commit that was asked for, and
 * `newest` that of its line at which something arrived last.
 */
void cache_keep_lines(struct repo *r, const struct oid *tip, const struct oid *newest);

/**
 * The same in a hook, where what was pushed lies in quarantine: right behind the
 * first plan of the process, which was that of a commit that has landed.
 */
void cache_keep_landed(struct repo *r, const struct oid *tip, const struct oid *newest);

/** Forgets them, stored ones too: they have turned out to be wrong. */
void cache_drop_lines(struct repo *r);

/** Fills the description of a migration: false when it is not known. */
bool cache_describe(struct repo *r, struct pool *pool, struct migration *m);
void cache_keep_description(struct repo *r, const struct migration *m);

/** What git config has read of a .gitmigrate, by its blob; appended. */
bool cache_settings(struct repo *r, const char *blob, struct buf *out);
void cache_keep_settings(struct repo *r, const char *blob, const struct buf *settings);

/**
 * What is known of a target's mirror (core/mirror_index.h); appended. It is about refs
 * that are there, so that it is kept while a push is judged, too.
 */
bool cache_mirror(struct repo *r, const char *target, struct buf *out);
void cache_keep_mirror(struct repo *r, const char *target, const struct buf *index);

/**
 * What HEAD was at. A commit has one tree for ever, so that blobs can be kept with it,
 * and the plan is that of one folder there.
 */
struct kept_head {
	struct oid commit;
	struct oid shared;  /* the blob of its .gitmigrate; zero when there is none */
	const char *folder; /* of the plan */
	const char *plan;   /* core/plan_bytes.h */
	size_t plan_len;
};

/** NULL when nothing is kept; the repository's. */
const struct kept_head *cache_head(struct repo *r);
void cache_keep_head(struct repo *r, const struct kept_head *head);

/** The last paragraph of a message, appended, if it is kept. `out` can be NULL. */
bool cache_trailers(struct repo *r, const struct oid *commit, struct buf *out);
void cache_keep_trailers(struct repo *r, const struct oid *commit, const char *text);

/** Stores descriptions and trailers that were added, and frees. NULL is fine. */
void cache_close(struct cache *c);

#endif
