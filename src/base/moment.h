/* Moments as people write them, where nothing may be guessed. */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

#include <stdint.h>

/**
 * Seconds since 1970 of "2026-06-30" (its last second, in the local time zone), of
 * "2026-06-30T14:00Z" and "2026-06-30 14:00:59 +0200", of "now", "yesterday" (a day ago)
 * and "3 days ago" (or seconds, minutes, hours, weeks). 0, or -1 for all else: a day
 * that no calendar has, a time without a zone.
 */
int moment_parse(const char *text, int64_t now, int64_t *seconds);

#endif
