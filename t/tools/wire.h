/* PostgreSQL's protocol, as far as a proxy and a fake server need it; sockets. */
#ifndef TOOLS_WIRE_H
#define TOOLS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* What a connection may begin with in place of a version. */
enum {
	WIRE_CANCEL = 80877102,
	WIRE_SSL = 80877103,
	WIRE_GSS = 80877104,
};

struct wire_message {
	char type;	  /* '\0' for those before the first typed one */
	const char *body; /* borrowed from the bytes */
	size_t len;	  /* of the body */
	size_t total;	  /* all its bytes */
};

/**
 * The message at the start of the bytes. `untyped` for a client's first ones.
 * 1; 0 when more bytes must come; a length that cannot be ends the program.
 */
int wire_next(const char *bytes, size_t nr, bool untyped, struct wire_message *out);

/** The number in the four bytes. */
uint32_t wire_number(const char *bytes);

/**
 * The SQL text of a Query or Parse, NULL for any other message; "" where it does
 * not end in the body. Borrowed.
 */
const char *wire_text(const struct wire_message *m);

/** Whether one of the statements of a text is a COMMIT and nothing else. */
bool wire_has_commit(const char *sql);

/* Building a message: begin, buf_add and its like, end. */
size_t wire_begin(struct buf *out, char type);
void wire_add_number(struct buf *out, uint32_t n, int bytes);
void wire_add_string(struct buf *out, const char *text); /* with its NUL */
void wire_end(struct buf *out, size_t begun);

/**
 * Where a server is: a folder with its socket, which begins with '/', or
 * HOST:PORT; to listen a port is enough, on this machine, "0" for any. Returns
 * the socket, -1 with errno set. What it listens on is appended to `shown`.
 */
int wire_connect(const char *where);
int wire_listen(const char *where, struct buf *shown);

/** Ends the program with status 1 and a message for a tester. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);

/** The value of "--NAME=VALUE" when the argument is that option, else NULL. */
const char *option_value(const char *argument, const char *name);

#endif
