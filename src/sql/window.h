/*
 * The part of an SQL text that is at hand, found to be UTF-8 without NUL bytes as
 * far as `len`. Of a source it is a copy that moves along; of a text in memory it
 * is the text itself, of which more and more was looked at.
 */
#ifndef SQL_WINDOW_H
#define SQL_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/source.h"

struct err;

struct sql_window {
	const char *s;
	size_t len;	      /* so much may be read */
	size_t have;	      /* and so much is there */
	size_t dropped;	      /* bytes of the text before `s` */
	bool ended;	      /* the text has no more than what is there */
	struct source source; /* without functions for a text in memory */
	char *own;	      /* `s`, to be freed */
	size_t alloc;
};

/** On a text in memory, which must stay where it is. */
void sql_window_memory(struct sql_window *w, const char *text, size_t len);

/** On a source, from its beginning. 0 or -1; release it either way. */
int sql_window_open(struct sql_window *w, const struct source *source, struct err *err);
void sql_window_release(struct sql_window *w);

/**
 * Makes `len` greater by what the source has ready, by about `want` bytes at least
 * where there are as many. Moves `s`. 1; 0 when the text ends there; -1: the source
 * failed, or (ERR_REFUSED, at `len`) what follows is no text.
 */
int sql_window_more(struct sql_window *w, size_t want, struct err *err);

/** Forgets the first bytes; of a text in memory none. Returns how many went. */
size_t sql_window_drop(struct sql_window *w, size_t nr);

#endif
