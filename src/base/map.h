/*
 * Finds items of an array by their content: a hash table of positions. The
 * array is the caller's; so is the rule of what is equal. The hash is keyed
 * anew in each process, since what is looked up may come from a hostile tree.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAP_NONE = -1 };

/** Start with `= { 0 }`. */
struct map {
	struct map_slot *slots;
	size_t size, nr; /* size is a power of two, or zero */
	uint64_t key[2];
};

/** Whether item `pos` of the caller's array is the one that `what` stands for. */
typedef bool (*map_same_fn)(const void *array, size_t pos, const void *what);

uint32_t map_hash(struct map *m, const void *data, size_t len);

/** Position of the item, or MAP_NONE. `hash` is that of `what`. */
ssize_t map_find(const struct map *m, uint32_t hash, map_same_fn same, const void *array,
		 const void *what);

/** Adds a position that is not there. Positions are below 2^31. */
void map_add(struct map *m, uint32_t hash, size_t pos);
/** Makes room for `nr` items at once. */
void map_reserve(struct map *m, size_t nr);
void map_release(struct map *m);

#endif
