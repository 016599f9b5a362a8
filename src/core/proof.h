/* What speaks for a migration beside its own words: reviews, rehearsals. Pure. */
#ifndef CORE_PROOF_H
#define CORE_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct oid;
struct pool;

/**
 * Whether one of the values of Reviewed-by: ("Name <mail>") is another person than
 * the author ("Name <mail>"): neither the name nor the address is the author's, in
 * whatever case.
 */
bool proof_is_reviewed(const char *author, const char *const *by, size_t nr);

enum proof_key {
	PROOF_PATH,
	PROOF_BLOB,
	PROOF_RESULT,
	PROOF_SCENARIO,
	PROOF_ORIGINAL,
	PROOF_ORIGINAL_BLOB,
	PROOF_PLAN,
	PROOF_INSTEAD,
	PROOF_RAN,
	PROOF_RAN_IN_PLACE,
	PROOF_ENGINE,
	PROOF_AT,
	PROOF_KEYS
};

/** A line of the notes about rehearsals; texts are the line's, NULL for none. */
struct proof_line {
	const char *text[PROOF_KEYS];
	size_t len[PROOF_KEYS];
};

/**
 * Reads a line of refs/notes/migrate-proof/rehearsals: "rehearsed path=... blob=...
 * result=passed ...", fields parted by one blank each, in any order, written as in a
 * record. False when it is none, when one of these three is missing, or when one of
 * our keys stands there twice.
 */
bool proof_read(const char *line, struct proof_line *out);

/** Whether a field has exactly this value; false when there is none. */
bool proof_says(const struct proof_line *p, enum proof_key key, const char *value);
bool proof_says_id(const struct proof_line *p, enum proof_key key, const struct oid *id);

/** What a field holds, as it stands there; false: there is none, or none that fits. */
bool proof_copy(const struct proof_line *p, enum proof_key key, char text[], size_t room);

/**
 * Whether it was on the product of `engine` ("sqlite/3.40.1"), in whatever version; true
 * where the line does not say on which.
 */
bool proof_fits_engine(const struct proof_line *p, const char *engine);

/** Milliseconds since 1970 of its end; INT64_MIN where it says none that is a time. */
int64_t proof_when(const struct proof_line *p);

/** What the first such field of a line holds, as it stands there; false: none that fits.
 */
bool proof_field(const char *line, const char *key, char text[], size_t room);

/** Appends " <key>=<value>" to such a line, with %XX for what is no printable ASCII. */
void proof_add(struct buf *line, const char *key, const char *value);

/** What proof_field() gave, with %XX read; the pool's. */
const char *proof_decode(struct pool *pool, const char *text);

#endif
