/*
 * What a database holds, as numbers that can be compared later: rows of each table,
 * and for each column how many values it has and a checksum of them that does not
 * depend on their order. Pure; a driver reads it (db_driver.kept).
 */
#ifndef CORE_KEPT_H
#define CORE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"

struct buf;

struct kept_column {
	const char *name;
	uint64_t filled;   /* values that are not NULL */
	const char *plain; /* sum over its values as text */
	const char *keyed; /* the same, each with its row's primary key; NULL: no key */
};

/** Columns of a table, by their place in it. */
struct kept_columns {
	size_t *items;
	size_t nr, alloc;
};

/** No two of a table's rows have the same values, and none NULL, in these. */
struct kept_key {
	const char *name; /* of its constraint or index */
	struct kept_columns columns;
};

struct kept_table {
	const char *name; /* as one writes it: "people", "audit.entries" */
	bool no_case;	  /* as the whole has it */
	uint64_t rows;
	struct kept_column *columns;
	size_t nr, alloc;
	struct kept_key *keys; /* the best one first */
	size_t nr_keys, alloc_keys;
	/* what kept_choose() has chosen: */
	struct kept_columns by;	 /* that tell its rows apart; empty: none do */
	struct kept_columns row; /* that belong together */
	const char *key;	 /* names of those in `by`, joined; NULL: none */
	size_t each;		 /* a digest of every row is wanted, of so many */
	const char *whole;	 /* sum over its rows, of those in `row` */
	uint64_t *digests;	 /* of each row, sorted by kept_end_table() */
	size_t nr_digests, alloc_digests;
};

/* Digests of so many rows are held; of a table for which there is no room, none. */
enum {
	KEPT_DIGESTS = 1000 * 1000, /* of all tables, and where rows may go */
	KEPT_COUNTED = 100 * 1000,  /* where they say no more than how many differ */
};

/** Start with `= { 0 }`, and `no_case` for the engine. Texts are the pool's. */
struct kept {
	struct pool pool;
	struct kept_table *tables;
	size_t nr, alloc;
	size_t room;  /* digests that are held */
	bool no_case; /* names that differ in the case of letters alone are one */
};

void kept_release(struct kept *k);

/** Adds an empty table; good until the next call. */
struct kept_table *kept_add_table(struct kept *k, const char *name);

/** Adds an empty column. */
struct kept_column *kept_add_column(struct kept *k, struct kept_table *t,
				    const char *name);

/** The table of that name; NULL: there is none. */
struct kept_table *kept_find_table(const struct kept *k, const char *name);

/**
 * Adds a column to a key of a table: its columns come one behind the other, and the
 * best key first. The table has that column.
 */
void kept_add_key_column(struct kept *k, struct kept_table *t, const char *key,
			 const char *column);

/** A digest of the next row's columns `row`, where t->each asks for it. */
void kept_add_digest(struct kept *k, struct kept_table *t, uint64_t digest);

/** All of its rows were read. */
void kept_end_table(struct kept_table *t);

/** Rows of all tables together. */
uint64_t kept_rows(const struct kept *k);

/** What may differ, and why: somebody has written that down. */
enum kept_leave {
	KEPT_MAY_CHANGE, /* values of a column, or all of a table, which may get more rows
			  */
	KEPT_MAY_GO,	 /* the column, or the table */
	KEPT_MAY_LOSE,	 /* rows of a table, which stay as they were otherwise */
	KEPT_IS_NOW,	 /* it has the name `now`; its content is compared there */
};

struct kept_rule {
	enum kept_leave leave;
	const char *what; /* "table" or "table.column" */
	const char *now;
	const char *reason;
	uint64_t most; /* rows that may go; 0: all */
};

/** What is compared in the end, known before anything is read. */
struct kept_wish {
	const struct kept *before; /* NULL: this is before */
	const struct kept_rule *rules;
	size_t nr_rules;
	bool only_new; /* no more than tables that are new, or have a new column */
};

/** Whether a table is to be read. */
bool kept_is_wanted(const struct kept_wish *wish, const struct kept_table *t);

/**
 * Chooses what the rows of each table are told apart by, and which columns belong
 * together in a row: those that no rule sets free. Of what was there before, it is
 * what was chosen then, wherever that is now. Of what is new nothing is: it has no rows
 * to be held against.
 */
void kept_choose(struct kept *k, const struct kept_wish *wish);

enum kept_loss {
	KEPT_TABLE_GONE,
	KEPT_COLUMN_GONE,
	KEPT_ROWS,   /* another number of them */
	KEPT_FILLED, /* another number of values */
	KEPT_VALUES, /* other values */
	KEPT_MOVED,  /* the same values, in other rows */
	KEPT_NEW,    /* where rows may go: some that were not there before */
};

/** A difference that no rule allows. Borrowed from both sides. */
struct kept_difference {
	enum kept_loss loss;
	const struct kept_table *table; /* before */
	const struct kept_column *column;
	const struct kept_table *table_now; /* NULL where it is gone */
	const struct kept_column *column_now;
	uint64_t rows; /* that it is about, MOVED (of a table), NEW; 0: not known */
};

/**
 * Compares all that was there before with what is there now; what is new does not
 * matter. Calls `differs` for each difference, and returns how many there were.
 */
size_t kept_compare(const struct kept *before, const struct kept *now,
		    const struct kept_rule *rules, size_t nr_rules,
		    void (*differs)(void *arg, const struct kept_difference *d),
		    void *arg);

/**
 * Calls `differs` for each table and column of `added` that was not there before and is
 * not there now either, or has fewer rows or values, and returns how many there were:
 * what came in between is not to be taken away without leave. What was there before
 * under another name, and is again with all that it had, is not gone.
 */
size_t kept_compare_added(const struct kept *before, const struct kept *added,
			  const struct kept_wish *wish, const struct kept *now,
			  void (*differs)(void *arg, const struct kept_difference *d),
			  void *arg);

/** Whether one of these leaves nothing of it: no row, no value. */
bool kept_is_emptied(const struct kept_difference *d);

/**
 * Calls `tell` for what was not compared row by row: a column that is in a table with
 * another key now, a table that lost rows of which there are no digests (`column` is
 * NULL).
 */
void kept_unseen(const struct kept *before, const struct kept *now,
		 const struct kept_rule *rules, size_t nr_rules,
		 void (*tell)(void *arg, const struct kept_table *before,
			      const struct kept_column *column),
		 void *arg);

/**
 * Whether a rule lets something of `added` go, or rows of it, or says where it is now: as
 * the first rule of kept_idle_rule().
 */
bool kept_is_of_added(const struct kept *added, const struct kept_rule *rule);

/** The first rule that fits nothing that was there before; NULL: all do. */
const struct kept_rule *kept_idle_rule(const struct kept *before,
				       const struct kept_rule *rules, size_t nr);

/** One word for --json; frozen. */
const char *kept_word(enum kept_loss loss);

/** Appends a difference of kept_compare_added() for people; "'a.sql'" added it: `by`. */
void kept_tell_added(const struct kept_difference *d, const char *by, struct buf *out);

/** Appends it for people: "column people.phone has other values". */
void kept_tell(const struct kept_difference *d, struct buf *out);

#endif
