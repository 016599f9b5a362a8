/*
 * SQLite's foreign keys in a transaction of migrations. They run with
 * foreign_keys=OFF, so after each one the keys of the tables that it touched are
 * looked at; what pointed nowhere before is no fault of its.
 */
#ifndef DB_SQLITE_KEYS_H
#define DB_SQLITE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"
#include "db/sqlite.h"

struct err;

/* --- sqlite_links.c: which table refers to which ------------------------ */

struct sqlite_positions {
	size_t *items;
	size_t nr, alloc;
};

struct sqlite_linked {
	char *name;
	struct sqlite_positions refers;	  /* to these, by its keys */
	struct sqlite_positions referred; /* these do, by theirs */
	unsigned seen;			  /* in this round of questions */
};

/** The tables at either end of a key, and some that were at one. */
struct sqlite_links {
	struct sqlite_linked *items;
	size_t nr, alloc;
	struct map by_name;
};

void sqlite_links_release(struct sqlite_links *l);

/** Position of the table, in any case of its letters, or MAP_NONE. */
ssize_t sqlite_links_find(struct sqlite_links *l, const char *table);

/** Reads all keys of the database into an empty one. 0 or -1. */
int sqlite_links_read(struct sqlite_links *l, struct db *db, struct err *err);

/** Reads those of one table anew: none when it is gone. 0 or -1. */
int sqlite_links_reread(struct sqlite_links *l, struct db *db, const char *table,
			struct err *err);

/* --- sqlite_keys.c: rows whose key points nowhere ----------------------- */

struct sqlite_violation {
	char *table, *rowid, *parent; /* rowid "" without one; parent "": no such key */
};

/** Sorted; the texts are its own. */
struct sqlite_violations {
	struct sqlite_violation *items;
	size_t nr, alloc;
};

/** What is known in the present transaction. Start with `= { 0 }`. */
struct sqlite_keys {
	struct db *db;
	bool linked; /* `links` are those of the database now */
	struct sqlite_links links;
	unsigned round;
	/* Rows that point nowhere are looked for behind a migration; only once there
	   are some it must be known which of them were there before. */
	bool compares;
	struct sqlite_violations before;
};

void sqlite_keys_release(struct sqlite_keys *k);

/** A transaction has begun, and what was known may be out of date. 0 or -1. */
int sqlite_keys_begin(struct sqlite_keys *k, struct err *err);

/**
 * Judges the migration that `trace` is about. 0; -1: it leaves rows that point
 * nowhere (ERR_REFUSED), or an error; 1: there are some, and it is not known since
 * when. Then undo it, call sqlite_keys_look(), and run it again.
 */
int sqlite_keys_judge(struct sqlite_keys *k, const struct sqlite_trace *trace,
		      struct err *err);

/** Looks for what is there before a migration, from now on. 0 or -1. */
int sqlite_keys_look(struct sqlite_keys *k, struct err *err);

#endif
