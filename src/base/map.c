#include "base/compat.h"

#include <sys/random.h>

#include "base/io.h"
#include "base/map.h"

struct map_slot {
	uint32_t hash;
	uint32_t pos; /* counted from 1; 0: free */
};

/* FNV-1a, begun at a secret. */
uint32_t map_hash(struct map *m, const void *data, size_t len)
{
	const unsigned char *p = data, *end = p + len;
	uint64_t h;

	while (!m->key)
		if (getrandom(&m->key, sizeof(m->key), 0) != sizeof(m->key))
			m->key = (uint64_t)(uintptr_t)m ^ UINT64_C(0xcbf29ce484222325);
	for (h = m->key; p < end; p++)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	h ^= h >> 29;
	h *= m->key | 1;
	return (uint32_t)(h >> 32);
}

ssize_t map_find(const struct map *m, uint32_t hash, map_same_fn same, const void *array,
		 const void *what)
{
	const struct map_slot *s;
	size_t at;

	if (!m->nr)
		return MAP_NONE;
	for (at = hash & (m->size - 1); m->slots[at].pos; at = (at + 1) & (m->size - 1)) {
		s = &m->slots[at];
		if (s->hash == hash && same(array, s->pos - 1, what))
			return s->pos - 1;
	}
	return MAP_NONE;
}

static void put(struct map *m, struct map_slot slot)
{
	size_t at = slot.hash & (m->size - 1);

	while (m->slots[at].pos)
		at = (at + 1) & (m->size - 1);
	m->slots[at] = slot;
}

static void grow(struct map *m)
{
	struct map_slot *old = m->slots;
	size_t size = m->size, i;

	m->size = size ? 2 * size : 64;
	m->slots = xcalloc(m->size, sizeof(*m->slots));
	for (i = 0; i < size; i++)
		if (old[i].pos)
			put(m, old[i]);
	free(old);
}

void map_add(struct map *m, uint32_t hash, size_t pos)
{
	if (2 * (m->nr + 1) > m->size)
		grow(m);
	put(m, (struct map_slot){ .hash = hash, .pos = (uint32_t)pos + 1 });
	m->nr++;
}

void map_release(struct map *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}
