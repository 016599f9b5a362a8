/* Walks over the tokens of one statement and takes names from them. */
#ifndef SQL_NAME_H
#define SQL_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "sql/internal.h"

struct pool;
struct sql_statement;

/** Where we are in a statement. Plain data: a copy looks ahead. */
struct walk {
	const char *s;
	size_t len;
	struct token now, before; /* blanks are passed over */
	size_t depth;		  /* of parentheses around `now` */
	struct pool *pool;
};

/** A name as it was written, in the parts that dots divide. */
struct sql_name {
	const char *parts[3]; /* the last ones, each normalised; the pool's */
	size_t nr;
	const char *at; /* where it begins */
};

/** Stands on the first token. */
void walk_start(struct walk *w, const struct sql_statement *st, struct pool *pool);
void walk_next(struct walk *w);
bool walk_at_end(const struct walk *w);

bool walk_is(const struct walk *w, const char *word);
/** Goes behind the word when it stands here. */
bool walk_accept(struct walk *w, const char *word);
bool walk_is_char(const struct walk *w, char c);
bool walk_accept_char(struct walk *w, char c);
/** Goes behind a pair of parentheses that opens here, or does nothing. */
void walk_over_parens(struct walk *w);
/** Goes behind the next such word outside of parentheses; false at the end. */
bool walk_find(struct walk *w, const char *word);

/** Goes behind the name that stands here; false, and stays, when there is none. */
bool walk_name(struct walk *w, struct sql_name *out);

/** What a part, which keeps its quotes where it holds a dot or a quote, says. */
const char *sql_name_plain(struct pool *pool, const char *part);

/** Makes its parts the same in any case, as SQLite takes them. */
void sql_name_fold(struct sql_name *name, struct pool *pool);

/** Its schema, or NULL: none, or one that goes without saying. */
const char *sql_name_schema(const struct sql_name *name);
/** Whether its schema is one of the session's own. */
bool sql_name_is_temporary(const struct sql_name *name);
/** Schema and name in one, from the pool. `schema` may be NULL. */
const char *sql_name_join(struct pool *pool, const char *schema, const char *base);

#endif
