/* Rehearsals and drills, as notes tell of them (refs/notes/migrate-proof/). */
#ifndef FLOW_PROOFS_H
#define FLOW_PROOFS_H

#include <stddef.h>

#include "core/oid.h"

struct err;
struct pool;
struct repo;

#define PROOF_REFS "refs/notes/migrate-proof/"

/** A line of such a note. What it says is of whoever could push it. */
struct proof {
	const char *kind;  /* the name of the ref: "rehearsals", "drills" */
	struct oid object; /* that it stands on */
	const char *line;
	const char *path, *result; /* as the line has them; NULL without */
};

/** Start with `= { 0 }`; texts are the pool's. */
struct proofs {
	struct proof *items;
	size_t nr, alloc;
};

/** Reads all that are here. 0 or -1; proofs_release in either case. */
int proofs_read(struct repo *repo, struct pool *pool, struct proofs *out,
		struct err *err);
void proofs_release(struct proofs *p);

/**
 * Appends a line about `object` to the notes of that kind, in a commit of its own. 0
 * or -1.
 */
int proofs_append(struct repo *repo, const char *kind, const struct oid *object,
		  const char *line, struct err *err);

/**
 * Where notes_append() could not sign: its hint is about mirrors, whose records the
 * tracker has as well. Gives the one for proofs.
 */
void proofs_hint_unsigned(struct err *err);

#endif
