/*
 * The changed-path Bloom filters of git's commit-graph, asked whether a path may
 * be among those that a commit changed. After gitformat-commit-graph(5), chunk
 * BDAT, and the public description of murmur3 (32 bits).
 */
#ifndef GIT_BLOOM_H
#define GIT_BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One path, hashed with the two seeds; every filter's hashes come from these. */
struct bloom_key {
	uint32_t first, step;
};

/** A path and each folder that it lies in. Start with `= { 0 }`. */
struct bloom_keys {
	struct bloom_key *key;
	size_t nr; /* 0: no filter can be asked for this path */
};

/**
 * `path` from the top of the tree, "a/b", without slashes at its ends. One with
 * a byte over 0x7f is hashed in two ways by different versions of git, so it
 * gets no keys; neither does one that no tree can hold (empty, "a//b").
 */
void bloom_keys_init(struct bloom_keys *keys, const char *path);
void bloom_keys_release(struct bloom_keys *keys);

/**
 * Whether a filter of `len` bytes may hold the path. False is certain. True too
 * where nothing can be told: no keys, or an empty filter (git computed none).
 */
bool bloom_may_hold(const unsigned char *filter, size_t len, uint32_t hashes,
		    const struct bloom_keys *keys);

/** murmur3, 32 bits, little-endian whatever the machine. */
uint32_t bloom_murmur3(uint32_t seed, const char *data, size_t len);

#endif
