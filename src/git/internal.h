/* What the files of git/ share; no other layer includes this. */
#ifndef GIT_INTERNAL_H
#define GIT_INTERNAL_H

#include "git/lib.h"
#include "git/repo.h"

struct buf;
struct cache;
struct commit_graph;
struct err;
struct sha1;

/** What was read so far, for GIT_TRACE_MIGRATE. */
struct repo_reads {
	size_t commits, trees, blobs, blob_bytes, children;
};

struct repo {
	git_repository *git; /* these two: NULL until repo_load */
	git_odb *odb;
	struct config *config;
	char *git_dir;	     /* absolute */
	char *common_dir;    /* absolute */
	char *toplevel;	     /* NULL in a bare repository */
	char *main_worktree; /* as toplevel, of the work tree that is not a linked one */
	char *prefix;	     /* where in the work tree we were called, "" or "a/b/" */
	bool bare;
	bool bounded; /* what it holds may have come from a stranger: see limits.h */
	size_t most_commits; /* that one step may bring; 0: any number */
	bool shallow;
	struct oid *boundary; /* of a shallow clone, sorted */
	size_t nr_boundary;
	struct kept_tree {
		git_odb_object *raw;
		uint64_t used;
		size_t entry, before; /* where an entry begins, and how many before */
	} trees[8];		      /* read last; see git/tree.c */
	uint64_t tree_clock;
	struct commit_graph *graph; /* NULL until asked for, or without one */
	bool graph_asked;
	struct cache *cache;	      /* NULL until asked for */
	struct oid shared_of, shared; /* the last .gitmigrate that was looked for */
	struct repo_reads reads;
	struct blob_copy *copies; /* of large ones that were read; see git/blob.c */
	size_t nr_copies, alloc_copies;
	struct known_file *known; /* large ones of the work tree; see git/blob.c */
	size_t nr_known, alloc_known;
	uint64_t unpacked, unpacked_before; /* bytes of objects; see git/objects.c */
	void (*progress)(void *arg, size_t commits); /* NULL: nobody wants to know */
	void *progress_arg;
};

/**
 * Opens the repository by libgit2, at the first call: whatever goes to `git` and `odb`
 * of it asks for this before. 0 or -1.
 */
int repo_load(struct repo *r, struct err *err);

/** Finds the repository, and reads its settings. 0 or -1. */
int place_find(struct repo *r, struct err *err);

/** Environment of every git child: no replace refs, no prompts, no locks taken. */
extern const char *const GIT_ENV[];

/** The argument list of `git <args>` at the repository; the array is the caller's. */
const char **repo_git_argv(struct repo *r, const char *const *args);

/** Closes the files that copies of large blobs are in. */
void repo_drop_copies(struct repo *r);

/**
 * Whether a file is as it was when a large blob was read from it: then it need not be
 * hashed to know that it has the bytes.
 */
bool repo_knows_file(const struct repo *r, const char *path, const struct oid *blob);

/** Which blob is .gitmigrate in a commit (zero: none), if that was found out before. */
bool repo_shared_known(struct repo *r, const struct oid *commit, struct oid *blob);

/** Whether a clone lacks objects on purpose; appends whom git asks for them. */
bool repo_is_partial(struct repo *r, struct buf *remote);

/** Says that the bytes of an object are not those that its name tells of. -1. */
int repo_corrupt(const struct oid *id, struct err *err);

/** Says why git could not fetch a blob that a partial clone lacks. -1. */
int repo_fetch_failed(const char *hex, const struct buf *said, struct err *err);

/** Sets `err` from what a git child said; its own words, "fatal: " taken off. */
int git_failed(struct err *err, const char *what, const struct buf *errors);

/** As err_set with libgit2's own text; returns -1. */
int repo_err(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Conversions; both are 20 bytes. */
const git_oid *to_git(const struct oid *id);
void from_git(struct oid *out, const git_oid *id);

/** Takes the next line off `*at`; "" when there is none. */
char *line_next(char **at);

/** Says that an object is not there, and what would bring it. Returns 1. */
int repo_missing(struct repo *r, const struct oid *id, git_object_t type,
		 struct err *err);

/**
 * Adds the folders of objects that libgit2 does not find: borrowed ones, and in a hook
 * that of what is pushed, which lies by itself until the hook agrees. 0 or -1.
 */
int repo_see_others(struct repo *r, struct err *err);

/**
 * libgit2 keeps up to 16 MiB of the bases of deltas for as long as a pack is open, and
 * has no setting for it: more than all the rest of a command takes. This opens the
 * objects anew where much was read since. What was read stays. 0 or -1.
 */
int repo_drop_bases(struct repo *r, struct err *err);

/** The name that git gives to an object. `hash` is a new one, and is so again. */
void repo_name_object(struct sha1 *hash, git_object_t type, const void *data, size_t len,
		      struct oid *out);

/** Reads an object raw. 0, 1 when it is not there, -1 with `err` set. */
int repo_read(struct repo *r, git_odb_object **out, const struct oid *id,
	      git_object_t type, struct err *err);

/**
 * Moves a ref if it still is where it was (zeros: not there): 0; 1 when it is not, or
 * another writer has it, which `err` tells when that is no git migrate; -1.
 */
int repo_swap_ref(struct repo *r, const char *ref, const struct oid *from,
		  const struct oid *to, const char *why, struct err *err);

/** Whether a shallow clone ends at a commit. */
bool repo_is_boundary(const struct repo *r, const struct oid *id);

/**
 * Where the repository is bounded (see repo_bound): whether an object is not larger
 * than `limit`. It is not read. 0, or -1 with `err` set: `kind` says what it is
 * ("commit"). What is not there, or unreadable, is left to who reads it.
 */
int repo_check_size(struct repo *r, const struct oid *id, const char *kind, size_t limit,
		    struct err *err);

/** A commit, of bearable size where the repository is bounded. 0 or -1. */
int repo_commit(struct repo *r, git_commit **out, const struct oid *id, struct err *err);

/**
 * As repo_read_blob, but appends no more than its first `most` bytes; all of them
 * are held against the name.
 */
int repo_read_blob_start(struct repo *r, const struct oid *id, size_t most,
			 struct buf *out, struct err *err);

/** git's own commit-graph, opened at first use; NULL when none can be used. */
const struct commit_graph *repo_commit_graph(struct repo *r);

#endif
