/*
 * What is likely to have gone wrong with a migration, told from the tables before and
 * after it. Pure.
 */
#ifndef SQL_TROUBLE_H
#define SQL_TROUBLE_H

#include "sql/catalog.h"

/** In the order in which they are looked for: what loses most comes first. */
enum sql_trouble_kind {
	TROUBLE_LOSSY_TYPE,
	TROUBLE_REQUIRED_COLUMN,
	TROUBLE_RENAMED,
	TROUBLE_DROPPED_EARLY,
	TROUBLE_BAD_CONSTRAINT,
	TROUBLE_WRONG_BACKFILL,
	TROUBLE_SLOW_DDL,
	TROUBLE_NR,
};

/** Names as they are written; what is NULL is not known, or not part of it. */
struct sql_trouble {
	enum sql_trouble_kind kind;
	const char *table_key, *table; /* as it is called behind the migration */
	const char *was_key;	       /* before it; NULL: the same */
	const char *column_key, *column;
	const char *old_type, *new_type;
	const char *to_key, *to; /* RENAMED: the new name of column or table */
	const char *constraint;	 /* BAD_CONSTRAINT: its text */
	const char *index;	 /* its name */
	const char *statement;	 /* that makes the index */
	size_t skip;		 /* while it is looked for: how many come first */
};

/** "lossy-type", "renamed", as --kind takes them. */
const char *sql_trouble_word(enum sql_trouble_kind kind);
/** A clause for people: "a type was changed and values were lost". */
const char *sql_trouble_clause(enum sql_trouble_kind kind);
/** The kind of that word. 0 or -1. */
int sql_trouble_parse(const char *word, enum sql_trouble_kind *out);

/**
 * Looks for a kind of trouble in what one migration made of the tables `before`;
 * `after` has read it last. False when there is no sign of it: `out` has its kind
 * alone then. Texts are those of the catalogs.
 */
bool sql_trouble_find(const struct sql_catalog *before, const struct sql_catalog *after,
		      enum sql_trouble_kind kind, struct sql_trouble *out);

/** The same, of what is left when the first `nr` are passed over. */
bool sql_trouble_find_nth(const struct sql_catalog *before,
			  const struct sql_catalog *after, enum sql_trouble_kind kind,
			  size_t nr, struct sql_trouble *out);

#endif
