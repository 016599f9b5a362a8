#include "base/compat.h"

#include "base/io.h"
#include "base/pool.h"

struct pool_block {
	struct pool_block *next;
	_Alignas(max_align_t) char data[];
};

enum { BLOCK_SIZE = 16 * 1024 };

enum { LARGE = BLOCK_SIZE / 4 };

static struct pool_block *new_block(size_t size)
{
	return xmalloc(offsetof(struct pool_block, data) + size);
}

/* Zeroed, in a block of its own behind the newest. */
static void *take_large(struct pool *p, size_t len)
{
	struct pool_block *b;

	if (len > SIZE_MAX / 2)
		BUG("allocation of %zu bytes", len);
	b = xcalloc(1, offsetof(struct pool_block, data) + len);
	if (p->blocks) {
		b->next = p->blocks->next;
		p->blocks->next = b;
	} else {
		p->blocks = b;
		p->used = p->size = len;
	}
	return b->data;
}

/* Of the newest block, or of a new one; nobody has cleared it. */
static void *take_small(struct pool *p, size_t len, size_t align)
{
	size_t at = (p->used + align - 1) / align * align;
	struct pool_block *b;

	if (p->size < at || p->size - at < len) {
		b = new_block(BLOCK_SIZE);
		b->next = p->blocks;
		p->blocks = b;
		p->size = BLOCK_SIZE;
		at = 0;
	}
	p->used = at + len;
	return p->blocks->data + at;
}

void *pool_alloc(struct pool *p, size_t len)
{
	if (len > LARGE)
		return take_large(p, len);
	return memset(take_small(p, len ? len : 1, _Alignof(max_align_t)), 0, len);
}

char *pool_strndup(struct pool *p, const char *s, size_t len)
{
	char *copy = len < LARGE ? take_small(p, len + 1, 1) : take_large(p, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *pool_strdup(struct pool *p, const char *s)
{
	return pool_strndup(p, s, strlen(s));
}

char *pool_printf(struct pool *p, const char *fmt, ...)
{
	va_list ap, again;
	char *s;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		BUG("cannot format '%s'", fmt);
	s = pool_alloc(p, (size_t)len + 1);
	vsnprintf(s, (size_t)len + 1, fmt, again);
	va_end(again);
	return s;
}

void pool_release(struct pool *p)
{
	struct pool_block *b = p->blocks, *next;

	for (; b; b = next) {
		next = b->next;
		free(b);
	}
	memset(p, 0, sizeof(*p));
}
