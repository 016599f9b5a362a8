/* Text from outside: made safe to print, taken apart, compared. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

enum text_flags {
	TEXT_KEEP_NEWLINES = 1 << 0, /* \n and \t pass, for texts of several lines */
};

/**
 * Appends `s` with everything that could steer a terminal escaped: C0, DEL, C1
 * (in UTF-8 too) as \xNN, invalid UTF-8 bytes as \xNN, bidirectional controls
 * and invisible marks as \u{NNNN}.
 */
void text_printable(struct buf *out, const char *s, size_t len, enum text_flags flags);

/** Length of the valid UTF-8 character at `s` (at most `len` bytes), 0 if it is none. */
size_t utf8_char_len(const char *s, size_t len);

/** Characters, not bytes, in `s`; an invalid byte counts as one. */
size_t utf8_count(const char *s, size_t len);

/**
 * Columns of a terminal: two for a wide character of East Asia and for most emoji,
 * none for a combining mark. An invalid byte is one column.
 */
size_t utf8_columns(const char *s, size_t len);

/** What a count adds to a noun: "" for one, "s" for none or many. */
static inline const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/** Lower-case hex and a NUL: `hex` has room for 2 * len + 1. */
void hex_encode(const unsigned char *data, size_t len, char *hex);

/** Whether these are lower-case hex digits alone. */
bool hex_is_lower(const char *s, size_t len);

/** The other way; exactly 2 * len lower-case or upper-case digits. 0 or -1. */
int hex_decode(const char *hex, unsigned char *data, size_t len);

/** ASCII alone, whatever the locale. */
static inline bool ascii_isdigit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_islower(int c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool ascii_isalnum(int c)
{
	return ascii_isdigit(c) || ascii_islower(c) || (c >= 'A' && c <= 'Z');
}

/** Lower-case digits alone. */
static inline bool ascii_isxdigit(int c)
{
	return ascii_isdigit(c) || (c >= 'a' && c <= 'f');
}

bool ascii_isspace(int c);
int ascii_tolower(int c);

bool starts_with(const char *s, const char *prefix);
bool ends_with(const char *s, const char *suffix);

/** Without blanks at either end; `*len` is changed, the result points into `s`. */
const char *text_trim(const char *s, size_t *len);

#endif
