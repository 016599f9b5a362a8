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

struct kept_table {
	const char *name; /* as one writes it: "people", "audit.entries" */
	const char *key;  /* names of the primary key's columns, joined; NULL: none */
	uint64_t rows;
	struct kept_column *columns;
	size_t nr, alloc;
};

/** Start with `= { 0 }`. Texts are the pool's. */
struct kept {
	struct pool pool;
	struct kept_table *tables;
	size_t nr, alloc;
};

void kept_release(struct kept *k);

/** Adds an empty table; good until the next call. `key` may be NULL. */
struct kept_table *kept_add_table(struct kept *k, const char *name, const char *key);

/** Adds an empty column. */
struct kept_column *kept_add_column(struct kept *k, struct kept_table *t,
				    const char *name);

/** Rows of all tables together. */
uint64_t kept_rows(const struct kept *k);

/** What may differ, and why: somebody has written that down. */
enum kept_leave {
	KEPT_MAY_CHANGE, /* values of a column; rows and values of a table */
	KEPT_MAY_GO,
	KEPT_IS_NOW, /* it has the name `now`; its content is compared there */
};

struct kept_rule {
	enum kept_leave leave;
	const char *what; /* "table" or "table.column" */
	const char *now;
	const char *reason;
};

enum kept_loss {
	KEPT_TABLE_GONE,
	KEPT_COLUMN_GONE,
	KEPT_ROWS,   /* another number of them */
	KEPT_FILLED, /* another number of values */
	KEPT_VALUES, /* other values */
	KEPT_MOVED,  /* the same values, in other rows */
};

/** A difference that no rule allows. Borrowed from both sides. */
struct kept_difference {
	enum kept_loss loss;
	const struct kept_table *table; /* before */
	const struct kept_column *column;
	const struct kept_table *table_now; /* NULL where it is gone */
	const struct kept_column *column_now;
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
 * Calls `tell` for each table of which it was not compared what stands in one row with
 * what, since it has no key, or another one now (`table_now`).
 */
void kept_unkeyed(const struct kept *before, const struct kept *now,
		  const struct kept_rule *rules, size_t nr_rules,
		  void (*tell)(void *arg, const struct kept_table *before,
			       const struct kept_table *table_now),
		  void *arg);

/** The first rule that fits nothing that was there before; NULL: all do. */
const struct kept_rule *kept_idle_rule(const struct kept *before,
				       const struct kept_rule *rules, size_t nr);

/** One word for --json; frozen. */
const char *kept_word(enum kept_loss loss);

/** Appends it for people: "column people.phone has other values". */
void kept_tell(const struct kept_difference *d, struct buf *out);

#endif
