/* What is said beside the results: on stderr, escaped, coloured as git would. */
#ifndef OUT_SAY_H
#define OUT_SAY_H

#include <stdbool.h>
#include <stdio.h>

struct err;

struct say {
	FILE *to; /* stderr */
	bool color;
	bool quiet; /* notes and hints are left out; errors and warnings are not */
	/** Whether the hint of that name is silenced (migrate.advice.<name>). */
	bool (*silenced)(void *arg, const char *advice);
	void *arg;
};

/** "error:", "detail:" and "hint:" lines; further lines of a text are indented. */
void say_error(const struct say *s, const struct err *err);
void say_warning(const struct say *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** A remark without a label. */
void say_note(const struct say *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void say_hint(const struct say *s, const char *advice, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
