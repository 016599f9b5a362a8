/* What the files of sql/ share: the shapes of tokens; no other layer includes this. */
#ifndef SQL_INTERNAL_H
#define SQL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_BLANK, /* spaces and comments */
	TOKEN_WORD,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_SEMICOLON,
	TOKEN_BACKSLASH,
	TOKEN_OTHER, /* strings, quoted names, numbers, else one byte */
	TOKEN_UNTERMINATED,
};

struct token {
	enum token_kind kind;
	size_t start, end;
	const char *what; /* TOKEN_UNTERMINATED: what it is that never ends */
};

/** The token at `at`; it depends on nothing that stands before it. */
void token_next(const char *s, size_t len, size_t at, struct token *t);

/** Whether a token is that word, in any case. */
bool token_is(const char *s, const struct token *t, const char *word);

/** Moves line and column over the text between two offsets. */
void sql_advance(const char *s, size_t len, size_t from, size_t to, unsigned *line,
		 unsigned *column);

#endif
