/* What the files of sql/ share; no other layer includes this. */
#ifndef SQL_INTERNAL_H
#define SQL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct sql_split;

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
	bool cut; /* behind the last byte more may follow that makes it another one */
	size_t start, end;
	const char *what; /* TOKEN_UNTERMINATED: what it is that never ends */
};

/** The token at `at`; it depends on nothing that stands before it. */
void token_next(const char *s, size_t len, size_t at, struct token *t);

/** Whether a token is that word, given in lower case; the text may be in any. */
bool token_is(const char *s, const struct token *t, const char *word);

/** The byte classes that the splitter asks for as well. */
bool sql_is_newline(char c);
bool sql_is_word(char c);

/** Where the line ends that holds `at`: its line break, or `len`. */
size_t sql_line_end(const char *s, size_t len, size_t at);

/** Whether two bytes stand at `at`. */
bool sql_at_pair(const char *s, size_t len, size_t at, const char pair[3]);

/** Length of the byte order mark at the start of a text, 0 without one. */
size_t sql_mark_len(const char *s, size_t len);

/** Moves line and column over the text between two offsets. */
void sql_advance(const char *s, size_t len, size_t from, size_t to, unsigned *line,
		 unsigned *column);

/**
 * Reads on; what stands before `keep` may go. `*gone` is how much did: all offsets
 * are less by that. 1, 0 at the end of the text, -1.
 */
int sql_split_more(struct sql_split *s, size_t keep, size_t *gone, struct err *err);

/** Sets the place of an error that was just made. Returns -1. */
int sql_split_at(const struct sql_split *s, size_t offset, struct err *err);

#endif
