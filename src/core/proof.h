/* What speaks for a migration beside its own words: reviews, rehearsals. Pure. */
#ifndef CORE_PROOF_H
#define CORE_PROOF_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct migration;
struct pool;

/**
 * Whether one of the values of Reviewed-by: ("Name <mail>") is another person than
 * the author ("Name <mail>"): neither the name nor the address is the author's, in
 * whatever case.
 */
bool proof_is_reviewed(const char *author, const char *const *by, size_t nr);

/**
 * Whether a line of refs/notes/migrate-proof/rehearsals says that this migration, as
 * path and blob, has passed: "rehearsed path=... blob=... result=passed ...", fields
 * parted by one blank each, in any order, written as in a record.
 */
bool proof_is_rehearsal(const char *line, const struct migration *m);

/** What the first such field of a line holds, as it stands there; false: none that fits.
 */
bool proof_field(const char *line, const char *key, char text[], size_t room);

/** Appends " <key>=<value>" to such a line, with %XX for what is no printable ASCII. */
void proof_add(struct buf *line, const char *key, const char *value);

/** What proof_field() gave, with %XX read; the pool's. */
const char *proof_decode(struct pool *pool, const char *text);

/** The path that such a line is about, into `path`; false when there is none. */
bool proof_path(const char *line, char path[], size_t room);

#endif
