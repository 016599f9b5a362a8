#include "base/compat.h"

#include <sys/random.h>

#include "base/io.h"
#include "base/map.h"

struct map_slot {
	uint32_t hash;
	uint32_t pos; /* counted from 1; 0: free */
};

static uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein), with a key of this process. */
static uint64_t sip_hash(const uint64_t key[2], const unsigned char *p, size_t len)
{
	uint64_t v[4] = { key[0] ^ UINT64_C(0x736f6d6570736575),
			  key[1] ^ UINT64_C(0x646f72616e646f6d),
			  key[0] ^ UINT64_C(0x6c7967656e657261),
			  key[1] ^ UINT64_C(0x7465646279746573) };
	const size_t whole = len & ~(size_t)7;
	uint64_t last = (uint64_t)len << 56, word;
	size_t i;

	for (i = 0; i < whole; i += 8) {
		memcpy(&word, p + i, 8); /* any order of bytes serves */
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (; i < len; i++)
		last |= (uint64_t)p[i] << 8 * (i & 7);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint32_t map_hash(struct map *m, const void *data, size_t len)
{
	while (!m->key[0])
		if (getrandom(m->key, sizeof(m->key), 0) != sizeof(m->key))
			m->key[0] = (uint64_t)(uintptr_t)m | 1;
	return (uint32_t)sip_hash(m->key, data, len);
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

static void resize(struct map *m, size_t new_size)
{
	struct map_slot *old = m->slots;
	size_t size = m->size, i;

	m->size = new_size;
	m->slots = xcalloc(m->size, sizeof(*m->slots));
	for (i = 0; i < size; i++)
		if (old[i].pos)
			put(m, old[i]);
	free(old);
}

void map_reserve(struct map *m, size_t nr)
{
	size_t size = m->size ? m->size : 64;

	while (size < 2 * (m->nr + nr))
		size *= 2;
	if (size > m->size)
		resize(m, size);
}

void map_add(struct map *m, uint32_t hash, size_t pos)
{
	if (2 * (m->nr + 1) > m->size)
		resize(m, m->size ? 2 * m->size : 64);
	put(m, (struct map_slot){ .hash = hash, .pos = (uint32_t)pos + 1 });
	m->nr++;
}

void map_release(struct map *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}
