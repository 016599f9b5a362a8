/*
 * A migration that is run in batches (`-- migrate: batch table=.. key=.. size=..`): one
 * statement with :batch where the range of keys of one batch comes to stand.
 */
#ifndef SQL_BACKFILL_H
#define SQL_BACKFILL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

struct buf;
struct err;

/** What the header says, as it stands there. */
struct sql_batched {
	const char *table, *key; /* NULL: missing */
	const char *size;	 /* NULL: the usual */
};

enum { SQL_KEYS_MAX = 8 };

/** Such a file, taken apart. Start with `= { 0 }`. */
struct sql_backfill {
	struct pool pool;
	const char *sql; /* borrowed */
	size_t len;
	const char *table;  /* to be written into SQL */
	const char *schema; /* as the catalog has it; NULL: none was given */
	const char *base;   /* the table's name, the same */
	struct sql_backfill_key {
		const char *quoted; /* to be written into SQL */
		const char *name;   /* as the catalog has it */
	} keys[SQL_KEYS_MAX];
	size_t nr_keys;
	bool rowids;   /* rowid, oid and _rowid_ can be the key by another name */
	unsigned size; /* rows of a batch */
	bool unasked;  /* nobody has asked where a batch ends: the text finds its rows */
	struct sql_backfill_place {
		size_t start, end;  /* of ":batch", with the alias before it */
		const char *prefix; /* "u." */
	} * places;
	size_t nr_places;
};

/**
 * Takes it apart and judges it: a name each, one UPDATE, INSERT or DELETE that :batch
 * keeps to its rows (sql/bounds.h), sets no part of the key, adds nothing to the table
 * that it goes through and changes nothing in a WITH. Set `rowids` before. 0, or -1
 * (ERR_REFUSED) with the place where there is one.
 */
int sql_backfill_read(struct sql_backfill *b, const struct sql_batched *how,
		      const char *sql, size_t len, struct err *err);
void sql_backfill_release(struct sql_backfill *b);

/**
 * Appends the condition for keys behind `from` up to `to`, each a list of literals, or
 * NULL for no such end.
 */
void sql_backfill_range(const struct sql_backfill *b, const char *prefix,
			const char *from, const char *to, struct buf *out);

/** Appends for each key `form`, where it stands in place of each "@", and `between`. */
void sql_backfill_keys(const struct sql_backfill *b, const char *form,
		       const char *between, struct buf *out);

/**
 * Appends the file with that condition in it; `to` NULL: one that always holds, or of
 * one that is `unasked`: for the first rows behind `from`, as many as a batch has.
 */
void sql_backfill_text(const struct sql_backfill *b, const char *from, const char *to,
		       struct buf *out);

/** Moves a place in that text to the one in the file. */
void sql_backfill_place(const struct sql_backfill *b, const char *from, const char *to,
			struct err *err);

/** Whether a text is a list of `nr` literals (numbers, texts, x'..') and nothing else. */
bool sql_is_literals(const char *text, size_t nr);

#endif
