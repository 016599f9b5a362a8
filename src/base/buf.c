#include "base/compat.h"

#include "base/buf.h"
#include "base/io.h"

static void grow(struct buf *b, size_t more)
{
	size_t want;

	if (more > SIZE_MAX / 2 - b->len - 1)
		BUG("a string of more than half the address space");
	want = b->len + more + 1;
	if (want <= b->alloc)
		return;
	if (want < b->alloc * 2)
		want = b->alloc * 2;
	if (want < 32)
		want = 32;
	b->s = xrealloc(b->s, want);
	b->alloc = want;
}

void buf_release(struct buf *b)
{
	free(b->s);
	memset(b, 0, sizeof(*b));
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->s)
		b->s[0] = '\0';
}

void buf_reserve(struct buf *b, size_t len)
{
	grow(b, len);
	b->s[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	grow(b, len);
	if (len)
		memcpy(b->s + b->len, data, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, int c)
{
	char byte = (char)c;

	buf_add(b, &byte, 1);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len < 0)
		BUG("cannot format '%s'", fmt);
	grow(b, (size_t)len);
	vsnprintf(b->s + b->len, (size_t)len + 1, fmt, again);
	va_end(again);
	b->len += (size_t)len;
}

void buf_add_quoted(struct buf *b, const char *s, size_t len, char quote)
{
	size_t i;

	buf_addc(b, quote);
	for (i = 0; i < len; i++) {
		if (s[i] == quote)
			buf_addc(b, quote);
		buf_addc(b, s[i]);
	}
	buf_addc(b, quote);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void buf_add_u32(struct buf *b, uint32_t n)
{
	const unsigned char bytes[] = { n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255 };

	buf_add(b, bytes, sizeof(bytes));
}

uint32_t u32_at(const void *bytes)
{
	const unsigned char *p = bytes;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

const char *buf_str(const struct buf *b)
{
	return b->s ? b->s : "";
}

char *buf_detach(struct buf *b)
{
	char *s;

	grow(b, 0);
	b->s[b->len] = '\0';
	s = b->s;
	memset(b, 0, sizeof(*b));
	return s;
}
