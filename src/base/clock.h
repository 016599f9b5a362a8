/* Time of day and random names. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { CLOCK_TEXT = 25, UUID_TEXT = 37, NONCE_TEXT = 33 };

/** Now in UTC, "2026-11-22T07:20:11.123Z" and a NUL. */
void clock_utc(char text[CLOCK_TEXT]);

/** The same of a time in seconds since 1970, "?" where it has no such form. */
void clock_text(int64_t seconds, char text[CLOCK_TEXT]);

/** Milliseconds since 1970 of such a text. 0, or -1 when it is none. */
int clock_parse(const char *text, int64_t *ms);

/** Moves such a text to the last millisecond of its second. */
void clock_end_of_second(char text[CLOCK_TEXT]);

/** Milliseconds of a clock that never goes back; for durations alone. */
int64_t clock_ms(void);

/** A random (version 4) UUID. Random bytes are the kernel's. */
void uuid_random(char text[UUID_TEXT]);

/** 32 random hex digits. */
void nonce_random(char text[NONCE_TEXT]);

#endif
