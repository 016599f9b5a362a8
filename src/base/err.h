/* Errors as values: filled by whoever knows the reason, printed by cmd/ alone. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum err_code {
	ERR_NONE = 0,
	ERR_REFUSED,	 /* the answer is no, or it failed and was rolled back: exit 1 */
	ERR_UNCERTAIN,	 /* the outcome could not be learnt: exit 3 */
	ERR_FATAL,	 /* it could not be tried: exit 128 */
	ERR_USAGE,	 /* the command line is wrong: exit 129 */
	ERR_INTERRUPTED, /* a signal: exit 130 */
};

/**
 * One failure. Plain memory, nothing to release; start with `= { 0 }`.
 * Texts that are too long are cut at a character and end in "...".
 */
struct err {
	enum err_code code;
	char message[1024];
	char detail[2048];
	char hint[1024];
	char advice[32];	/* name of the hint: migrate.advice.<name> silences it */
	char server_hint[1024]; /* the database's own words; "" for none */
	char sqlstate[16];	/* what a database called its refusal, "" elsewhere */
	unsigned line;		/* place in the migration, from 1; 0 is unknown */
	unsigned column;
	char excerpt[160]; /* the line of the place, or a part of it; "" for none */
	unsigned caret;	   /* display columns of `excerpt` before the place */
};

/** Sets code and message, and forgets what was there. Returns -1. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/** Facts, in whole sentences. */
void err_detail(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** The way forward, in whole sentences; `advice` names it for migrate.advice. */
void err_hint(struct err *err, const char *advice, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/** What the database itself advises: shown besides a hint of ours. */
void err_server_hint(struct err *err, const char *text);

/** Puts "<text>: " before the message. Returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** As err_set, with ": " and the text of errno. Returns -1. */
int err_errno(struct err *err, enum err_code code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/** Gives an error the place that another one has, with its excerpt. Returns -1. */
int err_place(struct err *err, const struct err *other);

/** The exit status that goes with a code. */
int err_exit_status(enum err_code code);

#endif
