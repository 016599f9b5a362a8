/* A growable string, always NUL-terminated; it may hold NUL bytes too. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *s; /* never NULL after the first buf_ call on it */
	size_t len;
	size_t alloc;
};

/** Static initialiser; costs no memory. Reading b.s needs buf_str then. */
#define BUF_INIT                                                                         \
	{                                                                                \
		0                                                                        \
	}

void buf_release(struct buf *b);
void buf_reset(struct buf *b);		     /* length 0, keeps the memory */
void buf_reserve(struct buf *b, size_t len); /* room for so many more bytes */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, int c);
/** Between quotes, a quote in it doubled: names and texts of SQL, fields of CSV. */
void buf_add_quoted(struct buf *b, const char *s, size_t len, char quote);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/** Four bytes, the most significant first, and the number that such four bytes are. */
void buf_add_u32(struct buf *b, uint32_t n);
uint32_t u32_at(const void *bytes);

/** The text, "" for an empty one; borrowed until the next change. */
const char *buf_str(const struct buf *b);

/** Gives the memory away: the caller frees it. `b` is empty afterwards. */
char *buf_detach(struct buf *b);

#endif
