/*
 * A scenario: what a rehearsal does with a migration, as the file "<name>.scenario"
 * beside it says (git-migrate-scenario(5)). Pure.
 */
#ifndef CORE_SCENARIO_H
#define CORE_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "core/kept.h"

struct buf;
struct err;

enum { SCENARIO_MAX = 1024 * 1024 };

enum scenario_kind {
	SCENARIO_SEED,	  /* SQL that fills the database before the original runs */
	SCENARIO_FAILURE, /* SQL that fails before the fix and works behind it */
	SCENARIO_WRONG,	  /* a query that gives these rows behind the fix alone */
	SCENARIO_CHECK,	  /* a query that gives these rows behind the fix */
};

enum scenario_for {
	SCENARIO_FOR_PLAIN, /* a migration that corrects nothing */
	SCENARIO_FOR_STEP,  /* a step of a fix which mends nothing yet */
	SCENARIO_FOR_FIX,
};

struct scenario_part {
	enum scenario_kind kind;
	const char *title; /* "" for none */
	unsigned line;	   /* of the file, on which it begins */
	const char *sql;   /* on the lines that it has in the file: empty ones before */
	const char *rows;  /* one a line, values parted by '|'; "" for none */
};

/** Start with `= { 0 }`. Texts are the pool's. */
struct scenario {
	struct pool pool;
	struct scenario_part *parts; /* as they stand */
	size_t nr, alloc;
	struct kept_rule *rules;
	size_t nr_rules, alloc_rules;
	const char *unshown; /* why no section shows the failure; NULL: not said */
};

void scenario_release(struct scenario *s);

/**
 * Reads a file. 0, or -1 (ERR_REFUSED) with the line that makes no sense. A scenario
 * without anything that must hold proves nothing, and is refused.
 */
int scenario_parse(struct scenario *out, const char *text, size_t len, struct err *err);

/** Whether a section shows what goes wrong: [failure] or [wrong]. */
bool scenario_shows_failure(const struct scenario *s);

/** "seed", "failure", "wrong", "check". */
const char *scenario_word(enum scenario_kind kind);

/**
 * Appends a row as it stands in a scenario, so that no two look the same: NULL is
 * "NULL", and of texts what could be taken for something else has a backslash: that
 * itself, '|', ends of lines ("\n", "\r"), "\NULL", a blank at the end ("\s", "\t"),
 * what begins as a section does ("\[check]"); an empty one on its own is "\e".
 */
void scenario_add_row(struct buf *out, const char *const *values, size_t nr);

/** Appends "<folder/name>.scenario" for the path of a migration. */
void scenario_path(struct buf *out, const char *path);

/**
 * Appends a file to fill in, for the migration `path`. `kept`: what [kept] says of a
 * step, in the comment that is an example of it; NULL: something of the kind.
 */
void scenario_skeleton(struct buf *out, const char *path, enum scenario_for what,
		       const char *kept);

#endif
