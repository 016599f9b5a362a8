#include "base/compat.h"

#include "base/buf.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/mirror_index.h"

enum {
	NR_COUNTS = 6, /* tips, left out, places, bytes of names, head: both halves */
	FIXED = NR_COUNTS * 4 + OID_RAWSZ + SHA256_HEXSZ,
};

static int cmp_oid(const void *a, const void *b)
{
	return oid_cmp(a, b);
}

size_t mirror_index_sort_tips(struct oid *tips, size_t nr)
{
	size_t i, kept = 0;

	if (nr > 1)
		qsort(tips, nr, sizeof(*tips), cmp_oid);
	for (i = 0; i < nr; i++)
		if (!kept || !oid_eq(&tips[kept - 1], &tips[i]))
			tips[kept++] = tips[i];
	return kept;
}

bool mirror_index_is_of(const struct mirror_index *x, const struct oid *tips, size_t nr)
{
	size_t i;

	for (i = 0; i < nr && i < x->nr_tips; i++)
		if (!oid_eq(&tips[i], &x->tips[i]))
			return false;
	return nr == x->nr_tips;
}

bool mirror_index_has_tip(const struct mirror_index *x, const struct oid *tip)
{
	return x->nr_tips &&
	       bsearch(tip, x->tips, x->nr_tips, sizeof(*x->tips), cmp_oid) != NULL;
}

static int cmp_hash(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_HEXSZ);
}

bool mirror_index_leaves_out(const struct mirror_index *x, const char *hash)
{
	return x->nr_left_out && bsearch(hash, x->left_out, x->nr_left_out,
					 sizeof(*x->left_out), cmp_hash) != NULL;
}

void mirror_index_leave_out(struct mirror_index *x, struct pool *pool, const char *hash)
{
	char(*more)[SHA256_HEXSZ];
	size_t at = 0;

	if (x->nr_left_out == x->alloc_left_out) {
		x->alloc_left_out = x->alloc_left_out ? 2 * x->alloc_left_out : 16;
		more = pool_alloc(pool, x->alloc_left_out * sizeof(*more));
		if (x->nr_left_out)
			memcpy(more, x->left_out, x->nr_left_out * sizeof(*more));
		x->left_out = more;
	}
	while (at < x->nr_left_out && cmp_hash(x->left_out[at], hash) < 0)
		at++;
	memmove(x->left_out + at + 1, x->left_out + at,
		(x->nr_left_out - at) * sizeof(*x->left_out));
	memcpy(x->left_out[at], hash, SHA256_HEXSZ);
	x->nr_left_out++;
}

const struct mirror_place *mirror_index_find(const struct mirror_index *x,
					     const char *path, size_t *nr)
{
	size_t low = 0, high = x->nr_places, mid, end;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(x->places[mid].path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < x->nr_places; end++)
		if (strcmp(x->places[end].path, path) != 0)
			break;
	*nr = end - low;
	return x->places + low;
}

static int cmp_place(const void *left, const void *right)
{
	const struct mirror_place *a = left, *b = right;
	int order = strcmp(a->path, b->path);

	return order ? order : oid_cmp(&a->blob, &b->blob);
}

void mirror_index_add(struct mirror_index *x, struct pool *pool,
		      const struct mirror_place *more, size_t nr)
{
	struct mirror_place *all = pool_alloc(pool,
					      (x->nr_places + nr + 1) * sizeof(*all));
	size_t i, kept = 0;

	if (x->nr_places)
		memcpy(all, x->places, x->nr_places * sizeof(*all));
	if (nr)
		memcpy(all + x->nr_places, more, nr * sizeof(*all));
	nr += x->nr_places;
	if (nr > 1)
		qsort(all, nr, sizeof(*all), cmp_place);
	for (i = 0; i < nr; i++)
		if (!kept || cmp_place(&all[kept - 1], &all[i]) != 0)
			all[kept++] = all[i];
	x->places = all;
	x->nr_places = kept;
}

void mirror_index_encode(const struct mirror_index *x, struct buf *out)
{
	size_t i, names = 0;

	for (i = 0; i < x->nr_places; i++)
		names += strlen(x->places[i].path) + 1;
	buf_add_u32(out, (uint32_t)x->nr_tips);
	buf_add_u32(out, (uint32_t)x->nr_left_out);
	buf_add_u32(out, (uint32_t)x->nr_places);
	buf_add_u32(out, (uint32_t)names);
	buf_add_u32(out, (uint32_t)(x->head_seq >> 32));
	buf_add_u32(out, (uint32_t)x->head_seq);
	buf_add(out, x->base.id, OID_RAWSZ);
	buf_add(out, x->head, SHA256_HEXSZ);
	for (i = 0; i < x->nr_tips; i++)
		buf_add(out, x->tips[i].id, OID_RAWSZ);
	for (i = 0; i < x->nr_left_out; i++)
		buf_add(out, x->left_out[i], SHA256_HEXSZ);
	for (i = 0; i < x->nr_places; i++)
		buf_add(out, x->places[i].blob.id, OID_RAWSZ);
	for (i = 0; i < x->nr_places; i++)
		buf_add(out, x->places[i].path, strlen(x->places[i].path) + 1);
}

static struct oid *get_oids(struct pool *pool, const char **at, size_t nr)
{
	struct oid *out = pool_alloc(pool, (nr + 1) * sizeof(*out));
	size_t i;

	for (i = 0; i < nr; i++, *at += OID_RAWSZ)
		memcpy(out[i].id, *at, OID_RAWSZ);
	return out;
}

/* A name for each place, in the order in which they are looked for. 0 or -1. */
static int get_places(struct mirror_index *x, struct pool *pool, const struct oid *blobs,
		      const char *names, size_t len)
{
	const char *end = names + len;
	size_t i;

	if (len && end[-1] != '\0')
		return -1;
	x->places = pool_alloc(pool, (x->nr_places + 1) * sizeof(*x->places));
	for (i = 0; i < x->nr_places; i++) {
		if (names == end)
			return -1;
		x->places[i] = (struct mirror_place){ names, blobs[i] };
		if (i && cmp_place(&x->places[i - 1], &x->places[i]) >= 0)
			return -1;
		names += strlen(names) + 1;
	}
	return names == end ? 0 : -1;
}

static int decode(struct mirror_index *x, struct pool *pool, const char *data, size_t len)
{
	const char *at = data + NR_COUNTS * 4;
	uint64_t tips, left_out, places, names;
	struct oid *blobs;

	if (len < FIXED)
		return -1;
	tips = u32_at(data);
	left_out = u32_at(data + 4);
	places = u32_at(data + 8);
	names = u32_at(data + 12);
	if (len - FIXED != (tips + places) * OID_RAWSZ + left_out * SHA256_HEXSZ + names)
		return -1;
	x->head_seq = (uint64_t)u32_at(data + 16) << 32 | u32_at(data + 20);
	x->nr_tips = tips;
	x->nr_left_out = left_out;
	x->nr_places = places;
	memcpy(x->base.id, at, OID_RAWSZ);
	at += OID_RAWSZ;
	memcpy(x->head, at, SHA256_HEXSZ);
	at += SHA256_HEXSZ;
	x->tips = get_oids(pool, &at, tips);
	x->left_out = pool_alloc(pool, (left_out + 1) * sizeof(*x->left_out));
	memcpy(x->left_out, at, left_out * SHA256_HEXSZ);
	at += left_out * SHA256_HEXSZ;
	blobs = get_oids(pool, &at, places);
	return hex_is_lower(x->head, SHA256_HEXSZ) && tips
		       ? get_places(x, pool, blobs, at, names)
		       : -1;
}

int mirror_index_decode(struct mirror_index *x, struct pool *pool, const char *data,
			size_t len)
{
	memset(x, 0, sizeof(*x));
	if (decode(x, pool, data, len) == 0)
		return 0;
	memset(x, 0, sizeof(*x));
	return -1;
}
