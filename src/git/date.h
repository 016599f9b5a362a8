/* Dates as git reads them, and those of commits and tags. */
#ifndef GIT_DATE_H
#define GIT_DATE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct repo;

/**
 * What `git log --since` would take a text for ("2026-11-22 10:00", "2 weeks ago",
 * "yesterday"), in seconds since 1970. A day without a time is its first second, or
 * its last one if `ends`: git takes the time of day of the moment. 0; -1 (ERR_USAGE).
 */
int repo_parse_date(struct repo *r, const char *text, bool ends, int64_t *out,
		    struct err *err);

/** When a tag, or the commit that `rev` names, was made: 1; 0: nothing is called that;
 * -1. */
int repo_date_of(struct repo *r, const char *rev, int64_t *out, struct err *err);

#endif
