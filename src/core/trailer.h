/*
 * What a commit message and the head of an SQL file say about a migration.
 *
 * A message is read as git's %(trailers:only,unfold) reads it with no
 * configuration (git's trailer.c was followed): the last paragraph, which is
 * not the subject's; every line a trailer or a continuation, or at least one
 * line that git itself writes ("Signed-off-by: ", "(cherry picked from commit
 * ") and a quarter of trailers; keys of [A-Za-z0-9-]; CR dropped; comment
 * lines ('#') ignored; a line "---" cuts nothing.
 */
#ifndef CORE_TRAILER_H
#define CORE_TRAILER_H

#include <stdbool.h>
#include <stddef.h>

struct pool;

enum trailer_key {
	TRAILER_FIXES,
	TRAILER_FAILURE_MODE,
	TRAILER_SUPERSEDES,
	TRAILER_REQUIRES,
	TRAILER_REVERSAL,
	TRAILER_DATA_LOSS,
	TRAILER_PHASE,
	TRAILER_PAIRS_WITH,
	TRAILER_NOT_BEFORE,
	TRAILER_OUT_OF_ORDER,
	TRAILER_CHECKPOINT,
	TRAILER_LINT_WAIVE,
	TRAILER_NR,
};

struct trailer {
	enum trailer_key key;
	const char *value; /* unfolded, trimmed; "" when empty */
};

struct trailers {
	struct trailer *items; /* in the order written; the pool's */
	size_t nr;
	/*
	 * Lines that look like one of our trailers but stand outside the
	 * trailer block, so that git does not read them ("Fixes: ..." in the
	 * body). References to issues are not among them.
	 */
	const char **misplaced;
	size_t misplaced_nr;
};

/** A `-- migrate: word[=value]` line of a file's header: how the file is run. */
struct directive {
	const char *word;
	const char *value; /* NULL without "=" */
};

struct directives {
	struct directive *items;
	size_t nr;
};

/** The key as written in manuals, "Failure-Mode". */
const char *trailer_name(enum trailer_key key);

/** Our trailers of a commit message; memory is the pool's. */
void trailers_from_message(struct trailers *out, struct pool *pool, const char *message,
			   size_t len);

/**
 * The values of any key ("Reviewed-by") in the trailer block of a message, in order;
 * the pool's. Returns how many.
 */
size_t trailers_named(const char ***out, struct pool *pool, const char *message,
		      const char *key);

/**
 * Our trailers and the directives in the leading `--` comment block of an SQL
 * file: lines "-- Key: value", continued by lines that begin with "--" and at
 * least two blanks. Blank lines and lines of other text may stand between; the
 * block ends at the first line that is neither blank nor a `--` comment.
 */
void trailers_from_header(struct trailers *out, struct directives *how, struct pool *pool,
			  const char *sql, size_t len);

/**
 * The first line of a file from `*at` on that looks like a `-- migrate:` line and is
 * not read as one: it stands below the header, or is not written like one. `*at` is
 * where it begins, `*below` which of both. False when there is none. What is below
 * may stand in a text: who asks finds out. `has_header` not set: nothing is read.
 */
bool directive_overlooked(const char *sql, size_t len, bool has_header, size_t *at,
			  bool *below);

/** Whether a header asks for this, in any case of letters. */
bool directives_ask(const struct directives *how, const char *word);

/** First value of a key, NULL when there is none. */
const char *trailers_get(const struct trailers *t, enum trailer_key key);

/** Whether both say the same, key by key in order. */
bool trailers_eq(const struct trailers *a, const struct trailers *b);

/**
 * Whether a value of `Fixes:` speaks of an issue elsewhere and is not ours:
 * "#123", "owner/repo#123", "GH-123", a URL.
 */
bool trailer_is_issue(const char *value);

/**
 * Splits "<what> -- <reason>" (Out-Of-Order, Lint-Waive). `*what` and `*reason`
 * are the pool's; reason is "" when there is none.
 */
void trailer_split_reason(struct pool *pool, const char *value, const char **what,
			  const char **reason);

#endif
