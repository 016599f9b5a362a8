/*
 * The plan: every migration of a commit, in order. Positions are from 0.
 * Who brought a migration and what its trailers say is read when it is asked
 * for, so that a command that needs none of it reads no blob and no message.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "base/pool.h"
#include "core/migration.h"

struct err;
struct order_entry;

struct plan_source {
	void *ctx;
	/**
	 * Fills subject, author, when, in_message, in_header and how of a
	 * migration; memory is the pool's. 0 or -1.
	 */
	int (*describe)(void *ctx, struct pool *pool, struct migration *m,
			struct err *err);
	/** Whether hex digits name a commit of this repository: 1, 0 or -1. */
	int (*is_commit)(void *ctx, const char *hex, struct err *err);
};

/** A file that stands among the migrations and cannot be one. */
struct misfit {
	const char *path; /* "" for the migrations folder itself */
	unsigned mode;
	enum name_verdict name; /* NAME_OK when it is the mode that is wrong */
};

struct plan {
	struct pool pool;   /* everything below is in here */
	struct oid head;    /* the commit asked for */
	const char *folder; /* "migrations", without a slash at its end */
	struct migration *items;
	size_t nr;
	size_t *by_path;	      /* positions, bytewise by path */
	const struct misfit *misfits; /* bytewise by path */
	size_t nr_misfits;
	struct plan_source source;
};

/** Start with `= { 0 }`. */
void plan_release(struct plan *p);

/** Position of a path below the folder, or -1. */
ssize_t plan_find(const struct plan *p, const char *path);

/** A digest, with its NUL. */
typedef char plan_digest[64 + 1];

/**
 * By position the SHA-256 of "<blob> <path>" and LF of each migration up to it: what it
 * is, and all that it builds on. To be freed.
 */
plan_digest *plan_digests(const struct plan *p);

/** Builds by_path; to be called when items are complete. */
void plan_index(struct plan *p);

/**
 * Reads what is not known yet of a migration and works out which trailers bind
 * it: those of the bringing commit's message if that commit brings it alone,
 * and for keys that the message does not have those of the file's header.
 * 0 or -1.
 */
int plan_describe(struct plan *p, size_t pos, struct err *err);

enum resolve {
	RESOLVE_FOUND,
	RESOLVE_ISSUE, /* an issue or a URL: not ours */
	RESOLVE_NONE,  /* nothing in the plan is called that */
	RESOLVE_MANY,  /* several are */
	RESOLVE_FORM,  /* neither a path nor an id */
};

struct resolution {
	enum resolve how;
	size_t pos;	   /* FOUND; of the first one for MANY */
	size_t other;	   /* MANY: of the second one */
	bool is_id;	   /* NONE, MANY: the value was hex digits */
	char name[256];	   /* the path or id without the subject */
	char subject[256]; /* as quoted in the value, "" without */
};

/**
 * What a value of `Fixes:`, `Requires:`, ... names: a path as in the tree or
 * below the folder, a file name that is unique (".sql" may be left out), or at
 * least seven digits of the id of a commit that brought one migration; each may
 * be followed by ("subject"), which never chooses. Never a ref. Only the first
 * `limit` entries of the plan are looked at.
 */
void plan_resolve(const struct plan *p, size_t limit, const char *value,
		  struct resolution *out);

/**
 * Position of the only migration whose bringing commit has this subject, or -1.
 * Reads every commit. `*pos` is -1 when there is none or several. 0 or -1.
 */
int plan_by_subject(struct plan *p, const char *subject, ssize_t *pos, struct err *err);

#endif
