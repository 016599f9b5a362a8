/*
 * Which database objects a migration touches: told by tokens alone, without
 * grammar, for SQLite and PostgreSQL at once. A hint for people whose branches
 * meet, and no proof: what a function, a DO block or a trigger does when it
 * runs is not looked into, a search_path is not followed, and what a foreign
 * key, a view or a default merely refers to is not touched. Kinds that are not in
 * the list below (roles, operators, publications ...) are not told.
 */
#ifndef SQL_OBJECTS_H
#define SQL_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct pool;

enum sql_kind {
	OBJECT_TABLE, /* foreign and virtual ones too; and whatever rows are written to */
	OBJECT_VIEW,
	OBJECT_MATERIALIZED_VIEW,
	OBJECT_INDEX,
	OBJECT_SEQUENCE,
	OBJECT_TYPE,
	OBJECT_DOMAIN,
	OBJECT_FUNCTION, /* or procedure, or aggregate; its arguments are not told */
	OBJECT_TRIGGER,
	OBJECT_EVENT_TRIGGER,
	OBJECT_POLICY,
	OBJECT_RULE,
	OBJECT_SCHEMA,
	OBJECT_EXTENSION,
};

/** From the weakest to the strongest. */
enum sql_touch {
	TOUCH_WRITE, /* its rows */
	TOUCH_ALTER, /* its shape, rights or comment; what hangs on a table */
	TOUCH_CREATE,
	TOUCH_DROP,
};

struct sql_object {
	/*
	 * Case folded unless it was quoted; without "public." and "main.", with
	 * any other schema. A part that holds a dot or a quote keeps its quotes, and
	 * U&"..." is as it was written.
	 */
	const char *name;
	/*
	 * The table that a policy, a rule or a PostgreSQL trigger is named under;
	 * NULL for all else, and for a SQLite trigger, which has a name of its own.
	 */
	const char *on;
	enum sql_kind kind; /* as its strongest touch calls it */
	enum sql_touch how; /* the strongest */
	unsigned line;	    /* of its first mention, from 1 */
};

/** Start with `= { 0 }`. */
struct sql_objects {
	struct sql_object *items;
	size_t nr, alloc;
};

/**
 * The objects that the statements of a file change, each once, in the order of
 * their first mention; those that live in the session alone (TEMP) are left
 * out. Names are the pool's. 0, or -1 (ERR_REFUSED, as sql_split_next) when the
 * text cannot be split: `out` then has what stood before that place.
 */
int sql_objects(const char *text, size_t len, struct pool *pool, struct sql_objects *out,
		struct err *err);
void sql_objects_release(struct sql_objects *objects);

/**
 * Whether two of them are one object, or cannot stand beside each other. Tables,
 * views, indexes and sequences share their names, and so do types and domains;
 * every other kind has names of its own.
 */
bool sql_object_same(const struct sql_object *a, const struct sql_object *b);

/** An order in which the same objects are equal: for sorting. */
int sql_object_cmp(const struct sql_object *a, const struct sql_object *b);

/** "table", "materialized view". */
const char *sql_kind_word(enum sql_kind kind);

/** "write", "alter", "create", "drop". */
const char *sql_touch_word(enum sql_touch how);

#endif
