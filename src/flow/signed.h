/* Lines of notes that count only when their commit is signed: migrate.allowedSigners. */
#ifndef FLOW_SIGNED_H
#define FLOW_SIGNED_H

#include <stdbool.h>

struct err;
struct note_line;
struct oid;
struct pool;
struct repo;

/** Whether migrate.allowedSigners names a file of keys. */
bool signed_is_asked(struct repo *repo);

/**
 * Whether a commit of the notes' history up to `tip` that adds this line to what stands
 * on `object` has a good signature, by git and with those keys: 1, 0, -1. A merge
 * answers for what none of its parents has. 1 where it is not asked for.
 */
int signed_line(struct repo *repo, const struct oid *tip, const struct oid *object,
		const char *line, struct err *err);

/**
 * The lines that some commit up to `tip` has taken out of the notes, where it is asked
 * for signatures: who may push without one could else take back what a signature stands
 * for. Some may stand there again. The pool's. 0 or -1.
 */
int signed_dropped(struct repo *repo, const struct oid *tip, struct pool *pool,
		   struct note_line **out, size_t *nr, struct err *err);

#endif
