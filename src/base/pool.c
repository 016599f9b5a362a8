#include "base/compat.h"

#include <sys/mman.h>

#include "base/io.h"
#include "base/pool.h"

struct pool_block {
	struct pool_block *next;
	size_t mapped; /* bytes from the kernel, 0: from malloc */
	_Alignas(max_align_t) char data[];
};

/*
 * A pool that has filled a block will fill more: those come from the kernel with
 * their pages in place, since a fault for each page of a long log costs as much
 * as reading it.
 */
enum { BLOCK_SIZE = 16 * 1024, BLOCK_LARGE = 512 * 1024 };

static struct pool_block *new_block(size_t size, bool large)
{
	size_t whole = offsetof(struct pool_block, data) + size;
	struct pool_block *b;

	if (large) {
		b = mmap(NULL, whole, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (b != MAP_FAILED) {
			b->mapped = whole;
			return b;
		}
	}
	return xcalloc(1, whole);
}

void *pool_alloc(struct pool *p, size_t len)
{
	size_t align = _Alignof(max_align_t);
	size_t need = ((len ? len : 1) + align - 1) / align * align;
	struct pool_block *b;
	size_t size;
	void *at;

	if (need < len)
		BUG("allocation of %zu bytes", len);
	if (need > BLOCK_SIZE / 4) { /* big ones stand alone, behind the newest */
		b = new_block(need, false);
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
		size = p->filled < 4 ? BLOCK_SIZE : BLOCK_LARGE - sizeof(*b);
		b = new_block(size, size > BLOCK_SIZE);
		p->filled++;
		b->next = p->blocks;
		p->blocks = b;
		p->used = 0;
		p->size = size;
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
		if (b->mapped)
			munmap(b, b->mapped);
		else
			free(b);
	}
	memset(p, 0, sizeof(*p));
}
