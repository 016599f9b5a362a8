/*
 * Where a mirror has the records of each path, and what it has besides the chain in
 * force: as bytes to keep, so that a few paths can be read without all the others.
 * It is about certain commits of notes and stays true of them for ever.
 */
#ifndef CORE_MIRROR_INDEX_H
#define CORE_MIRROR_INDEX_H

#include <stdbool.h>

#include "core/record.h"

struct buf;
struct pool;

/** A note with a record of that path. */
struct mirror_place {
	const char *path;
	struct oid blob;
};

/** Start with `= { 0 }`. All memory is the pool's that it is made with. */
struct mirror_index {
	struct oid *tips; /* commits whose notes were read, sorted */
	size_t nr_tips;
	struct oid base; /* the one of them that is built upon */
	uint64_t head_seq;
	char head[SHA256_HEXSZ + 1]; /* of the record in which the chain ends */
	struct mirror_place *places; /* by path, then by blob; none twice */
	size_t nr_places;
	char (*left_out)[SHA256_HEXSZ]; /* records that the chain lacks, sorted */
	size_t nr_left_out, alloc_left_out;
};

/** Whether it is about exactly these commits, which are sorted. */
bool mirror_index_is_of(const struct mirror_index *x, const struct oid *tips, size_t nr);

bool mirror_index_has_tip(const struct mirror_index *x, const struct oid *tip);

/** Whether a record is there and does not count. */
bool mirror_index_leaves_out(const struct mirror_index *x, const char *hash);

/** Puts one more record among those that do not count. */
void mirror_index_leave_out(struct mirror_index *x, struct pool *pool, const char *hash);

/** The notes with records of a path. Borrowed. */
const struct mirror_place *mirror_index_find(const struct mirror_index *x,
					     const char *path, size_t *nr);

/** Sorts tips, of which none stands twice then; returns how many there are. */
size_t mirror_index_sort_tips(struct oid *tips, size_t nr);

/** Puts more places in, in any order and some of them there already. */
void mirror_index_add(struct mirror_index *x, struct pool *pool,
		      const struct mirror_place *more, size_t nr);

/** Appends it as bytes: what mirror_index_decode reads. */
void mirror_index_encode(const struct mirror_index *x, struct buf *out);

/** Reads it; paths are borrowed from `data`. 0; -1: malformed, and `x` is empty. */
int mirror_index_decode(struct mirror_index *x, struct pool *pool, const char *data,
			size_t len);

#endif
