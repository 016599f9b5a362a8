/*
 * Takes SQL text apart into statements exactly as psql does (src/fe_utils/
 * psqlscan.l of PostgreSQL 15 was followed), without knowing grammar: quotes
 * of all kinds, dollar quotes, nested comments, parentheses, BEGIN ATOMIC
 * bodies, COPY ... FROM STDIN with its data.
 */
#ifndef SQL_SPLIT_H
#define SQL_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/** The first keyword of a statement, where it matters to us. */
enum sql_word {
	WORD_OTHER,
	WORD_BEGIN,    /* BEGIN or START TRANSACTION */
	WORD_COMMIT,   /* COMMIT, END, or their PREPARED forms */
	WORD_ROLLBACK, /* ROLLBACK or ABORT */
	WORD_SAVEPOINT,
	WORD_RELEASE,
	WORD_PREPARE_TRANSACTION,
	WORD_COPY_STDIN, /* COPY ... FROM STDIN: `data` follows */
};

struct sql_statement {
	const char *text; /* borrowed from the input; starts at the first token */
	size_t len;	  /* without the semicolon and what follows it */
	size_t offset;	  /* of `text` in the input, in bytes */
	unsigned line;	  /* of `text`, from 1 */
	unsigned column;  /* in characters, from 1 */
	enum sql_word word;
	bool plain;	  /* the control word stands alone or with WORK/TRANSACTION only:
			     a pair that may be left out */
	const char *data; /* COPY: the lines before "\.", else NULL */
	size_t data_len;
	unsigned data_line;
};

struct sql_split {
	const char *input;
	size_t len;
	size_t at;
	unsigned line;
	unsigned column;
	const char *key; /* of the \restrict that is in force, NULL without one */
	size_t key_len;
};

/**
 * Starts on `len` bytes, which must stay where they are. A leading byte order
 * mark is skipped. 0, or -1 (ERR_REFUSED, with line and column) when the text
 * holds a NUL byte or is not UTF-8.
 */
int sql_split_init(struct sql_split *s, const char *input, size_t len, struct err *err);

/**
 * The next statement: 1 with `*out` set, 0 at the end, -1 (ERR_REFUSED) with
 * err->line and err->column set: unterminated quote, comment or dollar quote,
 * COPY data without "\.", a parenthesis never closed, a psql meta-command other
 * than \restrict and \unrestrict. Empty statements are passed over.
 */
int sql_split_next(struct sql_split *s, struct sql_statement *out, struct err *err);

/** Line and column (in characters), from 1, of a byte offset in a text. */
void sql_place(const char *text, size_t len, size_t offset, unsigned *line,
	       unsigned *column);

#endif
