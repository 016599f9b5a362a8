#include "base/compat.h"

#include "base/io.h"
#include "git/bloom.h"

static const uint32_t SEED_FIRST = 0x293ae76f, SEED_STEP = 0x7e646e2c;

static uint32_t rotate(uint32_t x, unsigned bits)
{
	return x << bits | x >> (32 - bits);
}

static uint32_t mix(uint32_t block)
{
	return rotate(block * 0xcc9e2d51, 15) * 0x1b873593;
}

/* Up to four bytes, the first one lowest. */
static uint32_t read_block(const char *data, size_t len)
{
	uint32_t block = 0;

	while (len-- > 0)
		block = block << 8 | (unsigned char)data[len];
	return block;
}

uint32_t bloom_murmur3(uint32_t seed, const char *data, size_t len)
{
	uint32_t hash = seed;
	size_t at;

	for (at = 0; len - at >= 4; at += 4) {
		hash ^= mix(read_block(data + at, 4));
		hash = rotate(hash, 13) * 5 + 0xe6546b64;
	}
	hash ^= mix(read_block(data + at, len - at)); /* of nothing: 0 */
	hash ^= (uint32_t)len;
	hash = (hash ^ hash >> 16) * 0x85ebca6b;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35;
	return hash ^ hash >> 16;
}

/* How many components; 0 when it cannot be asked for. */
static size_t count_components(const char *path)
{
	size_t nr = 1, i;

	for (i = 0; path[i]; i++) {
		if (path[i] & 0x80)
			return 0;
		if (path[i] != '/')
			continue;
		if (i == 0 || path[i - 1] == '/')
			return 0;
		nr++;
	}
	return i == 0 || path[i - 1] == '/' ? 0 : nr;
}

void bloom_keys_init(struct bloom_keys *keys, const char *path)
{
	size_t nr = count_components(path), len = strlen(path);

	*keys = (struct bloom_keys){ 0 };
	if (nr == 0)
		return;
	keys->key = xcalloc(nr, sizeof(*keys->key));
	/* the whole path first: most filters already lack that */
	for (; len > 0; len--) {
		if (path[len] && path[len] != '/')
			continue;
		keys->key[keys->nr].first = bloom_murmur3(SEED_FIRST, path, len);
		keys->key[keys->nr].step = bloom_murmur3(SEED_STEP, path, len);
		keys->nr++;
	}
}

void bloom_keys_release(struct bloom_keys *keys)
{
	free(keys->key);
	*keys = (struct bloom_keys){ 0 };
}

static bool has_key(const unsigned char *filter, size_t len, uint32_t hashes,
		    const struct bloom_key *key)
{
	uint64_t bits = (uint64_t)len * 8, bit;
	uint32_t hash = key->first, i;

	for (i = 0; i < hashes; i++, hash += key->step) {
		bit = hash % bits;
		if (!(filter[bit / 8] & 1U << bit % 8))
			return false;
	}
	return true;
}

bool bloom_may_hold(const unsigned char *filter, size_t len, uint32_t hashes,
		    const struct bloom_keys *keys)
{
	size_t i;

	for (i = 0; len > 0 && i < keys->nr; i++)
		if (!has_key(filter, len, hashes, &keys->key[i]))
			return false;
	return true;
}
