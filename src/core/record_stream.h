/* Records of a log read one behind the other, of which only the newest two stay. */
#ifndef CORE_RECORD_STREAM_H
#define CORE_RECORD_STREAM_H

#include "base/pool.h"
#include "core/record.h"

/** Start with `= { 0 }`. */
struct record_stream {
	struct pool pools[2]; /* of the values of some records, and of those before */
	struct record records[2];
	size_t nr;	    /* that were read */
	unsigned pool;	    /* the one that is in use */
	size_t first, turn; /* numbers with which it began, and with which it ends */
};

void record_stream_release(struct record_stream *s);

/** The newest one, NULL when there is none. Good until the next but one. */
const struct record *record_stream_last(const struct record_stream *s);

/**
 * Reads the next line as record_parse() does, without a copy of it where it `stays` as
 * long as what is made of it. NULL with `err` set: it is none, and the newest one is
 * what it was.
 */
const struct record *record_stream_next(struct record_stream *s, const char *line,
					bool stays, struct err *err);

/**
 * Copies a record to where it can stay. Values that it has in common with `before` (NULL:
 * none), which is there already, are shared; its line is copied unless that `stays`.
 */
void record_copy(struct record *out, const struct record *r, bool stays,
		 const struct record *before, struct pool *pool);

#endif
