/* The mirrors here and on a server, made the same: append-only on both sides. */
#ifndef FLOW_SYNC_H
#define FLOW_SYNC_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct repo;

enum sync_step {
	SYNC_FETCHED,	  /* `text`: the remote */
	SYNC_UNREACHABLE, /* a target's tracker could not be read: `text` says why */
	SYNC_APPENDED,	  /* `nr` records came from a target's tracker */
	SYNC_COPIED,	  /* `nr` lines were put on the commits that a rewrite made */
	SYNC_TAKEN_OUT,	  /* the mirror of the remote `text` lost `nr` of our lines */
	SYNC_GONE,	  /* the remote `text` has lost the mirror; it is put back */
	SYNC_FORKED,	  /* a target's mirrors part: `text` says where; not pushed */
	SYNC_PUSHED,	  /* a target's mirror is on the remote `text` */
	SYNC_REJECTED,	  /* the remote refused it: `text` is its answer */
	SYNC_SAME,	  /* it was there already */
};

struct sync_event {
	enum sync_step step;
	const char *target; /* NULL: of none */
	const char *text;
	size_t nr;
};

struct sync_options {
	const char *remote;	    /* NULL: migrate.remote, "origin", or the only one */
	const char *const *targets; /* NULL: all that have a mirror or a database here */
	size_t nr_targets;
	bool offline; /* asks no database */
	bool no_push;
	const char *rev; /* its plan says where records belong; NULL: HEAD */
	void (*tell)(void *arg, const struct sync_event *e);
	void *arg;
};

struct sync_result {
	size_t forked, rejected, unreachable;
};

/**
 * Fetches the mirrors, appends what the trackers have and they lack, joins what
 * several clones wrote, and pushes what the remote lacks, again where somebody else
 * was first. Forks are told and neither joined nor pushed. A database that cannot be
 * reached is told; it is an error where its target was named. 0 whatever `result`
 * counts; -1.
 */
int sync_run(struct repo *repo, const struct sync_options *o, struct sync_result *result,
	     struct err *err);

#endif
