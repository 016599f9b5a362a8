#include "base/compat.h"

#include "base/text.h"
#include "base/vec.h"
#include "core/links.h"
#include "core/record.h"

enum { SIZE = SHA256_HEXSZ / 2 };

void links_add(struct links *l, const struct record *r)
{
	struct link *to;

	VEC_GROW(l->items, l->nr, l->alloc);
	to = &l->items[l->nr];
	if (hex_decode(r->hash, to->hash, SIZE) == 0 &&
	    hex_decode(r->field[FIELD_PREV], to->prev, SIZE) == 0)
		l->nr++;
}

static int cmp_hash(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return memcmp(x->hash, y->hash, SIZE);
}

static void sort_once(struct links *l)
{
	size_t i, nr = 0;

	if (l->nr)
		qsort(l->items, l->nr, sizeof(*l->items), cmp_hash);
	for (i = 0; i < l->nr; i++)
		if (!nr || cmp_hash(&l->items[nr - 1], &l->items[i]) != 0)
			l->items[nr++] = l->items[i];
	l->nr = nr;
}

bool links_follow(struct links *l, const char *head)
{
	static const unsigned char none[SIZE];
	struct link key;
	const struct link *at;

	sort_once(l);
	free(l->counts);
	l->counts = xcalloc(l->nr + 1, sizeof(*l->counts));
	if (strlen(head) != SHA256_HEXSZ || hex_decode(head, key.hash, SIZE) < 0)
		return false;
	while (memcmp(key.hash, none, SIZE) != 0) {
		at = l->nr ? bsearch(&key, l->items, l->nr, sizeof(key), cmp_hash) : NULL;
		if (!at || l->counts[at - l->items])
			return false;
		l->counts[at - l->items] = true;
		memcpy(key.hash, at->prev, SIZE);
	}
	return true;
}

void links_release(struct links *l)
{
	free(l->items);
	free(l->counts);
	memset(l, 0, sizeof(*l));
}
