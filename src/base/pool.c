#include "base/compat.h"

#include "base/io.h"
#include "base/pool.h"

struct pool_block {
	struct pool_block *next;
	_Alignas(max_align_t) char data[];
};

enum { BLOCK_SIZE = 16 * 1024 };

static struct pool_block *new_block(size_t size)
{
	return xcalloc(1, offsetof(struct pool_block, data) + size);
}

void *pool_alloc(struct pool *p, size_t len)
{
	size_t align = _Alignof(max_align_t);
	size_t need = ((len ? len : 1) + align - 1) / align * align;
	struct pool_block *b;
	void *at;

	if (need < len)
		BUG("allocation of %zu bytes", len);
	if (need > BLOCK_SIZE / 4) { /* big ones stand alone, behind the newest */
		b = new_block(need);
		if (p->blocks) {
			b->next = p->blocks->next;
			p->blocks->next = b;
		} else {
			p->blocks = b;
			p->used = p->size = need;
		}
		return b->data;
	}
	if (p->size - p->used < need) {
		b = new_block(BLOCK_SIZE);
		b->next = p->blocks;
		p->blocks = b;
		p->used = 0;
		p->size = BLOCK_SIZE;
	}
	at = p->blocks->data + p->used;
	p->used += need;
	return at;
}

char *pool_strndup(struct pool *p, const char *s, size_t len)
{
	char *copy = pool_alloc(p, len + 1);

	memcpy(copy, s, len);
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
