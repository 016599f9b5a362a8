/*
 * SQL as SQLite keeps it, word by word: without comments, blanks and needless quotes,
 * so that what differs in those alone is the same.
 */
#ifndef DB_SQLITE_WORDS_H
#define DB_SQLITE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

struct buf;

struct sqlite_word {
	const char
		*text; /* a keyword in capitals; a name in quotes where it needs them */
	bool keyword;  /* or a name without quotes that is one */
	bool name;     /* any other name */
};

/** Start with `= { 0 }`. */
struct sqlite_words {
	struct pool pool;
	struct sqlite_word *items;
	size_t nr, alloc;
};

/** Holds the words of a text, in place of those before; memory is kept for the next. */
void sqlite_words_read(struct sqlite_words *w, const char *sql);
void sqlite_words_release(struct sqlite_words *w);

/** Whether the word at `at` is this keyword, given in capitals, or this sign. */
bool sqlite_words_is(const struct sqlite_words *w, size_t at, const char *text);

/** Behind the bracket that closes the one at `at`; `end` when none does. */
size_t sqlite_words_group(const struct sqlite_words *w, size_t at, size_t end);

/** Appends words; with `lines`, the parts of a longer statement each on a line. */
void sqlite_words_write(const struct sqlite_words *w, size_t from, size_t to, bool lines,
			struct buf *out);

/** A name as a word of such a text, appended. */
void sqlite_words_name(const char *name, struct buf *out);

/** The normal form of a text, appended; `w` holds its words then. */
void sqlite_words_normal(struct sqlite_words *w, const char *sql, struct buf *out);

#endif
