/* The state of a target: a fold over its records. */
#ifndef CORE_LEDGER_H
#define CORE_LEDGER_H

#include "core/record.h"

/** What the log says of one path. */
struct ledger_entry {
	const char *path;
	const struct record *settled; /* NULL until one of the four events */
	const struct record *failed;  /* newest failure since, NULL if none */
	const struct record *started; /* open: neither settled nor abandoned */
};

struct ledger {
	struct record *records; /* in chain order; the pool's, see ledger_add */
	size_t nr, alloc;
	struct ledger_entry *entries; /* bytewise by path once ledger_fold is done */
	size_t nr_entries;
	const char *target; /* uuid in force, NULL before `created` */
	const char *server; /* the server's own identifier, NULL if none was written */
	const struct record *open; /* a `started` that blocks, NULL if none */
};

/** Frees the arrays; records' texts are their pool's. */
void ledger_release(struct ledger *l);

/** Appends a record, which must be the next one of the chain (see ledger_check). */
void ledger_add(struct ledger *l, const struct record *r);

/**
 * Where the next record will stand: one that is parsed there is added without a
 * copy. Good until the next call that adds.
 */
struct record *ledger_room(struct ledger *l);

/**
 * Checks that `r` continues the chain that ends in `last` (NULL: begins it):
 * sequence, prev, the target's uuid, `created` first and only first. 0 or -1
 * (ERR_REFUSED) with what does not fit.
 */
int ledger_check(const struct record *last, const struct record *r, struct err *err);

/** Computes the state from the records. */
void ledger_fold(struct ledger *l);

/** What the log says of a path; NULL when it says nothing. Borrowed. */
const struct ledger_entry *ledger_find(const struct ledger *l, const char *path);

/** Newest record, NULL when there is none. Borrowed. */
const struct record *ledger_last(const struct ledger *l);

#endif
