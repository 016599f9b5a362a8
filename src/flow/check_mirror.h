/* What a push does to a mirror: refs/notes/migrate/<target>. */
#ifndef FLOW_CHECK_MIRROR_H
#define FLOW_CHECK_MIRROR_H

#include <stdbool.h>

struct err;
struct findings;
struct oid;
struct repo;

/**
 * Judges one update of a mirror's ref, zero ids for creation and deletion: it may
 * only grow, by records that continue its chain. 0 or -1.
 */
int check_mirror(struct repo *repo, const char *ref, const struct oid *older,
		 const struct oid *newer, struct findings *f, struct err *err);

/**
 * The same of notes about rehearsals and drills (PROOF_REFS), which have no chain: they
 * are not deleted, only fast-forwarded, and keep all their lines. 0 or -1.
 */
int check_proofs(struct repo *repo, const char *ref, const struct oid *older,
		 const struct oid *newer, struct findings *f, struct err *err);

/**
 * Whether a ref leaves the mirrors their place: one that is named as a folder of theirs
 * would keep every mirror out. Deleting it is right. Adds the finding where it is not.
 */
bool check_place(const char *ref, const struct oid *newer, struct findings *f);

#endif
