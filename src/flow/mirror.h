/* The tracker's records repeated in git notes: refs/notes/migrate/<target>. */
#ifndef FLOW_MIRROR_H
#define FLOW_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ledger.h"

struct buf;
struct err;
struct pool;
struct repo;

#define MIRROR_REFS "refs/notes/migrate/"

/** The ref of a target's mirror, appended. */
void mirror_ref(struct buf *out, const char *target);

/** Whether a ref is a target's mirror, our own or a fetched one. */
bool mirror_is_of(const char *ref, const char *target);

/**
 * A mirror is the set of its lines: copies on several commits are one. What a
 * restored or copied database has left behind stays in it; the chain in force is
 * found from its head, which each commit of the ref names ("Migrate-Head:").
 */
struct mirror {
	struct oid tip;	   /* of our own ref; zero when there is none */
	struct oid base;   /* to build on: `tip`, or a fetched descendant of it */
	struct oid parted; /* a side that parted from `base`: to be merged */
	struct oid *tips;  /* of our own ref and of all that were fetched; the pool's */
	size_t nr_tips;
	const char **lines; /* sorted; the pool's */
	size_t nr;
	uint64_t head_seq; /* 0 when there is no head */
	const char *head_hash;
	struct oid head_commit; /* of the ref, that names the head */
	const char *other; /* target that the newest such commit names in our place */
};

enum mirror_flags {
	/* the lines of our ref and of all that were fetched
	   (refs/notes/<remote>/migrate/), not those of `base` alone */
	MIRROR_FETCHED = 1 << 0,
};

/** Reads a mirror as the set of its lines, sorted. 0 or -1. */
int mirror_read(struct repo *repo, const char *target, enum mirror_flags flags,
		struct pool *pool, struct mirror *out, struct err *err);

/**
 * Folds the chain that ends in the mirror's head into a ledger. Lines that are
 * no records, and a record whose predecessor is not there, are told to `bad`
 * (may be NULL).
 */
void mirror_fold(const struct mirror *m, struct pool *pool, struct ledger *out,
		 void (*bad)(void *arg, const char *line, const char *why), void *arg);

/**
 * Tells the records of the same chain one by one, oldest first, each good until the next
 * but one; the lines are the mirror's. `fn` gets NULL when what it was told so far is to
 * be forgotten: the lines turned out to be more than one chain. `fn` may be NULL.
 */
void mirror_walk(const struct mirror *m, void (*fn)(void *arg, const struct record *r),
		 void *arg, void (*bad)(void *arg, const char *line, const char *why),
		 void *bad_arg);

/**
 * The commit of our own ref whose lines have to stay when the mirror goes on from `base`,
 * which may lack some: a side that parted, or one that was built upon. NULL: there is
 * none, or `base` is it.
 */
const struct oid *mirror_own_side(const struct mirror *m);

/** Whether the mirror has exactly this line. */
bool mirror_has(const struct mirror *m, const char *line);

/**
 * Whether a tracker that reads as `ledger` can be what the mirror was written
 * from: the mirror's head is one of its records, or is named (old=) by one that says
 * that the database was restored, copied, or begun anew. 0; -1 (ERR_REFUSED) when the
 * database went back in time or its log is another one.
 */
int mirror_check_head(const struct mirror *m, const char *target,
		      const struct ledger *ledger, struct err *err);

/**
 * Reads the head alone, that of what is to be built upon: cheap. There are no
 * lines. 0 or -1.
 */
int mirror_read_head(struct repo *repo, const char *target, struct pool *pool,
		     struct mirror *out, struct err *err);

/**
 * Appends to the mirror what the ledger has and it lacks: in one commit, by
 * compare and swap, again if another writer was first. Where the newest commit names a
 * record of the ledger as its head, only what came behind is looked at. `*written` counts
 * the records. What was fetched is built upon only where all of it is one log with ours,
 * and no line of ours is lost. 0; -1 with `err` set; ERR_REFUSED as mirror_check_head
 * and as parted_refuse.
 */
int mirror_catch_up(struct repo *repo, const char *target, const struct ledger *ledger,
		    size_t *written, struct err *err);

/**
 * Reads one notes commit (zero: nothing) as the mirror of a target: its lines, and
 * the head that it or the newest commit before it names. 0 or -1.
 */
int mirror_read_at(struct repo *repo, const char *target, const struct oid *tip,
		   struct pool *pool, struct mirror *out, struct err *err);

/**
 * The head that a notes commit (zero: none) or the newest commit before it on its
 * first-parent line names. There are no lines. 0 or -1.
 */
int mirror_head_at(struct repo *repo, const char *target, const struct oid *tip,
		   struct pool *pool, struct mirror *out, struct err *err);

/** The commit that a record's line stands on. 0, or -1 when it names none. */
int mirror_place(const struct record *r, struct oid *out);

/**
 * Calls `fn` once with the name of each target that has a mirror here, its own or
 * a fetched one. As repo_each_ref.
 */
int mirror_each(struct repo *repo,
		int (*fn)(void *arg, const char *target, struct err *err), void *arg,
		struct err *err);

#endif
