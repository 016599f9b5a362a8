/* The plan of a commit, read from the history. */
#ifndef GIT_HISTORY_H
#define GIT_HISTORY_H

#include "core/plan.h"

struct buf;
struct err;
struct repo;

/** What a commit object says; texts are the pool's. */
struct history_commit {
	const char *author; /* "Name <mail>" */
	int64_t when;	    /* author's time, seconds since 1970 */
	const char *message;
	struct oid parent; /* the first one; zero: none */
};

/** Reads a commit. 0 or -1. */
int history_commit(struct repo *r, const struct oid *commit, struct pool *pool,
		   struct history_commit *out, struct err *err);

/**
 * Reads the header of an SQL file that may not be committed yet; one too large to
 * have been meant for one has none. 0 or -1.
 */
int history_header(struct repo *r, const struct oid *blob, struct pool *pool,
		   struct trailers *out, struct directives *how, struct err *err);

/**
 * Works out the plan of `commit`: order, blobs, modes, and the files that
 * cannot be migrations. `*out` must be released and must not outlive `r`. What
 * is learnt of the history is kept for the next time (git/cache.h). 0 or -1.
 */
int history_plan(struct repo *r, const struct oid *commit, struct plan *out,
		 struct err *err);

/**
 * The same of a commit that has landed. To be asked for first: what is learnt is
 * kept in a hook too, where later plans are of commits that may not stay.
 */
int history_plan_landed(struct repo *r, const struct oid *commit, struct plan *out,
			struct err *err);

/**
 * The same of a commit that HEAD may be at: its plan is kept whole, with the blobs, for
 * the next time. repo_load_shared of it comes before.
 */
int history_plan_head(struct repo *r, const struct oid *commit, struct plan *out,
		      struct err *err);

/** What is kept of it alone: 1, 0 when that is nothing, -1. */
int history_plan_kept(struct repo *r, const struct oid *commit, struct plan *out,
		      struct err *err);

/** The same from the objects alone: no cache, and nothing that git keeps beside. */
int history_plan_raw(struct repo *r, const struct oid *commit, struct plan *out,
		     struct err *err);

/**
 * Where the repository is bounded: refuses a step that brings more commits than it may,
 * counted along first parents from `tip` to where `old` (zero: nothing) or its own line
 * is met. 1 when that was at `old`, 0, -1.
 */
int history_brought(struct repo *r, const struct oid *old, const struct oid *tip,
		    struct err *err);

/**
 * Whether `old` is on the first-parent line of `tip`, among its first `limit`
 * commits (0: all): 1, 0, -1. Behind a shallow boundary: 0.
 */
int history_on_line(struct repo *r, const struct oid *old, const struct oid *tip,
		    size_t limit, struct err *err);

/** Whether a commit's tree holds that migration: 1 with blob and mode, 0, -1. */
int history_holds(struct repo *r, const struct oid *commit, const char *path,
		  struct oid *blob, unsigned *mode, struct err *err);

/** The same of any file there, whatever it is called. */
int history_file(struct repo *r, const struct oid *commit, const char *path,
		 struct oid *blob, struct err *err);

/**
 * Calls `fn` for each file below a folder of a commit's tree, bytewise by path. Stops
 * when it returns non-zero, and returns that; -1 with `err` set. Nothing where there is
 * no such folder.
 */
int history_each_in(struct repo *r, const struct oid *commit, const char *folder,
		    int (*fn)(void *arg, const char *path, const struct oid *blob,
			      struct err *err),
		    void *arg, struct err *err);

/**
 * Appends the last paragraph of a commit's message, with a line end before it. It is
 * kept: for commits that are asked for daily. 0 or -1.
 */
int history_trailers(struct repo *r, const struct oid *commit, struct buf *out,
		     struct err *err);

/** Keeps it of a commit that is new. */
void history_keep_trailers(struct repo *r, const struct oid *commit, const char *message);

/**
 * Calls `fn` with the message of each commit on the first-parent line of `tip`,
 * newest first, up to and without `until` (zero: to the root). Stops when it
 * returns non-zero, and returns that; -1 with `err` set.
 */
int history_each_message(struct repo *r, const struct oid *tip, const struct oid *until,
			 int (*fn)(void *arg, const struct oid *commit,
				   const char *message, size_t len, struct err *err),
			 void *arg, struct err *err);

#endif
