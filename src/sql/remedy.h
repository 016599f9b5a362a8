/*
 * The SQL that mends a trouble, as far as it can be written beforehand. Where a person
 * must decide, or a name is not known, there is "<fill in: ...>", which no database
 * takes for SQL.
 */
#ifndef SQL_REMEDY_H
#define SQL_REMEDY_H

#include "sql/backfill.h"
#include "sql/trouble.h"

struct buf;

/** What stands at the start of every place that is to be filled in. */
#define REMEDY_PLACEHOLDER "<fill in:"

struct sql_remedy {
	struct sql_trouble trouble;
	const struct sql_catalog *before; /* the trouble */
	const struct sql_catalog *now;	  /* all that is in the plan */
	bool sqlite;
	bool batched; /* what went wrong was run in batches, like this: */
	struct sql_batched batch;
	bool rest;	  /* the trouble is a contract that stops, see below */
	const char *file; /* that the contract will have; NULL: not known */
};

/**
 * Whether `trouble`, which is looked for, drops the column of a wrong type beside one
 * that has its values; `rest` is set then, and what is written copies those that came
 * since, and drops it. `now` is what the contract would leave.
 */
bool sql_remedy_find_rest(struct sql_remedy *r);

/** Each in a migration of its own, in this order. */
enum remedy_step {
	STEP_FIRST,
	STEP_COPY, /* of values, in batches */
	STEP_NAME, /* the column that has the values now takes its name */
	STEP_NR,
};

/**
 * Appends comments and statements; a directive first, where the file needs one. False
 * where the remedy has no such step; the first one is always there.
 */
bool sql_remedy_step(const struct sql_remedy *r, enum remedy_step step, struct buf *out);

/** The last one that the remedy has. */
enum remedy_step sql_remedy_last(const struct sql_remedy *r);

/** What the name of its file ends with: ".sql" for the first one. */
const char *sql_remedy_suffix(enum remedy_step step);

/** One sentence on what undoing it would mean and lose. */
const char *sql_remedy_reversal(enum sql_trouble_kind kind);

/**
 * Appends what clears away, later, what the remedy leaves beside each other; false
 * where nothing is left. `loss` becomes what is destroyed by it.
 */
bool sql_remedy_contract(const struct sql_remedy *r, struct buf *out, const char **loss);

#endif
