/* How far a long step has come: a line on a terminal that comes late and goes. */
#ifndef OUT_PROGRESS_H
#define OUT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>

/** Start with `= { 0 }`, `to` set; nothing is ever shown where that is NULL. */
struct progress {
	FILE *to;
	double began, shown; /* seconds */
	uint64_t first;	     /* rows that were done when it began */
	bool visible;
};

/** The stream to show on: stderr when it is a terminal that can go back, or NULL. */
FILE *progress_stream(void);

/**
 * "<what>: <nr>", once the first call is two seconds ago, and ten times a second
 * at most.
 */
void progress_show(struct progress *p, const char *what, size_t nr);

/** "<what>: 12.3 of 45.6 MB, 150 statements, 7.8 MB/s, 0:05 left", as progress_show. */
void progress_bytes(struct progress *p, const char *what, uint64_t done, uint64_t of,
		    unsigned statements);

/**
 * "<what>: 12000 of about 45000 rows, 800 rows/s, 0:41 left", as progress_show; `of`
 * 0: nobody knows. `note` stands behind it; may be NULL.
 */
void progress_rows(struct progress *p, const char *what, uint64_t done, uint64_t of,
		   const char *note);

/** Takes the line away, before anything else is printed. */
void progress_end(struct progress *p);

#endif
