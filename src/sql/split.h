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

#include "base/err.h"
#include "sql/window.h"

struct buf;

/** The first keyword of a statement, where it matters to us. */
enum sql_word {
	WORD_OTHER,
	WORD_BEGIN,    /* BEGIN or START TRANSACTION */
	WORD_COMMIT,   /* COMMIT, END, or their PREPARED forms */
	WORD_ROLLBACK, /* ROLLBACK or ABORT */
	WORD_SAVEPOINT,
	WORD_RELEASE,
	WORD_PREPARE_TRANSACTION,
	WORD_COPY_STDIN, /* COPY ... FROM STDIN: data follows */
};

struct sql_statement {
	const char *text; /* borrowed until the next call; starts at the first token */
	size_t len;	  /* without the semicolon and what follows it */
	size_t offset;	  /* of `text` in the input, in bytes */
	unsigned line;	  /* of `text`, from 1 */
	unsigned column;  /* in characters, from 1 */
	enum sql_word word;
	bool plain; /* the control word stands alone or with WORK/TRANSACTION only: a
		       pair that may be left out */
	unsigned data_line; /* WORD_COPY_STDIN: where its data begins */
};

/** How far the data of a COPY was read. */
enum sql_data {
	SQL_DATA_NONE,
	SQL_DATA_BEHIND, /* behind the statement, on its line */
	SQL_DATA_LINE,	 /* at the beginning of a line */
	SQL_DATA_INSIDE, /* of one */
};

struct sql_split {
	struct sql_window window;
	size_t at;	/* in the window: how far the text was read */
	size_t counted; /* in the window: what line and column are the place of */
	unsigned line, column;
	char *key; /* of the \restrict that is in force, NULL without one */
	enum sql_data data;
	char newline;	 /* that ends the lines of data */
	char *cut;	 /* where sql_split_text() put a NUL; NULL: nowhere */
	char taken;	 /* what stood there */
	struct err copy; /* has the place of the statement that the data is for */
};

/**
 * Starts on `len` bytes, which must stay where they are: statements point into
 * them. 0 or -1 as sql_split_next; sql_split_close it either way.
 */
int sql_split_init(struct sql_split *s, const char *input, size_t len, struct err *err);

/**
 * Starts at the beginning of a source. No more is kept in memory than the present
 * statement (or comment, or string: what ends late) and some 300 KiB; twice as much
 * of one that is longer, 32 MiB more at most.
 */
int sql_split_open(struct sql_split *s, const struct source *source, struct err *err);
void sql_split_close(struct sql_split *s);

/**
 * The next statement: 1 with `*out` set, 0 at the end, -1: the source failed, or
 * (ERR_REFUSED, with err->line and err->column) the text has an unterminated
 * quote, comment or dollar quote, COPY data without "\.", a parenthesis never
 * closed, a psql meta-command other than \restrict and \unrestrict, a NUL byte,
 * a byte that is not UTF-8. What is wrong is found when it is reached: only who
 * has read to the end knows that all is well. Empty statements and a byte order
 * mark are passed over, and data that was not taken.
 */
int sql_split_next(struct sql_split *s, struct sql_statement *out, struct err *err);

/**
 * Data of the WORD_COPY_STDIN that was given last: 1 with the next bytes, in
 * pieces that need not be whole lines, borrowed until the next call; 0 at the end;
 * -1 as sql_split_next. The statement's text is gone with the first call.
 */
int sql_split_data(struct sql_split *s, const char **piece, size_t *len, struct err *err);

/**
 * The statement that was given last, with a NUL behind it, until the next call: a
 * copy in `room`, or a long one of a source where it stands. Not for a
 * WORD_COPY_STDIN whose data is asked for meanwhile.
 */
const char *sql_split_text(struct sql_split *s, const struct sql_statement *st,
			   struct buf *room);

/** Line and column (in characters), from 1, of a byte offset in a text. */
void sql_place(const char *text, size_t len, size_t offset, unsigned *line,
	       unsigned *column);

/** The same of a byte offset in a statement; the places are those of the file. */
void sql_statement_place(const struct sql_statement *st, size_t offset, unsigned *line,
			 unsigned *column);

#endif
