#include "base/compat.h"

#include "base/err.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/vec.h"
#include "flow/mirror.h"
#include "flow/mirror_old.h"

void mirror_old_init(struct mirror_old *out, const struct record *r)
{
	*out = (struct mirror_old){ .by = r->seq, .event = r->event };
	snprintf(out->hash, sizeof(out->hash), "%s", record_old_hash(r));
}

/* Records that are behind one that is named: by their hashes. */
struct behind {
	const struct mirror *m;
	const bool *taken;
	struct mirror_old *olds;
	size_t *found;
	void (*met)(void *arg, const struct record *r, const struct mirror_old *old);
	void *arg;
	struct wanted {
		char hash[SHA256_HEXSZ + 1];
		size_t old; /* of `olds` */
	} * wanted;
	size_t nr, alloc;
	struct map by_hash;
};

static bool same_hash(const void *array, size_t pos, const void *what)
{
	return strcmp(((const struct wanted *)array)[pos].hash, what) == 0;
}

static ssize_t find_wanted(struct behind *b, const char *hash)
{
	return map_find(&b->by_hash, map_hash(&b->by_hash, hash, SHA256_HEXSZ), same_hash,
			b->wanted, hash);
}

static void want(struct behind *b, const char *hash, size_t old)
{
	if (find_wanted(b, hash) >= 0)
		return;
	VEC_GROW(b->wanted, b->nr, b->alloc);
	snprintf(b->wanted[b->nr].hash, sizeof(b->wanted[0].hash), "%s", hash);
	b->wanted[b->nr].old = old;
	map_add(&b->by_hash, map_hash(&b->by_hash, hash, SHA256_HEXSZ), b->nr++);
}

/* What names the line's record or one before it: in `olds`, from 1 on; 0: nothing. */
static size_t take_behind(struct behind *b, const char *line)
{
	struct pool pool = { 0 };
	struct err ignored = { 0 };
	struct record r;
	ssize_t at = -1;
	size_t old = 0;

	if (record_parse_kept(&r, &pool, line, NULL, &ignored) == 0)
		at = find_wanted(b, r.hash);
	if (at >= 0) {
		old = b->wanted[at].old;
		b->olds[old].lines++;
		want(b, r.field[FIELD_PREV], old);
		if (r.field[FIELD_OLD])
			want(b, record_old_hash(&r), old);
		if (b->met)
			b->met(b->arg, &r, &b->olds[old]);
	}
	pool_release(&pool);
	return at >= 0 ? old + 1 : 0;
}

/* From the greatest number down: what is behind a record has a smaller one. */
static bool find_behind(struct behind *b)
{
	bool any = false;
	size_t i;

	for (i = b->m->nr; i-- > 0;) {
		if (b->taken[i] || b->found[i])
			continue;
		b->found[i] = take_behind(b, b->m->lines[i]);
		any = any || b->found[i] != 0;
	}
	return any;
}

void mirror_find_old(const struct mirror *m, const bool *taken, struct mirror_old *olds,
		     size_t nr_olds, size_t *found,
		     void (*met)(void *arg, const struct record *r,
				 const struct mirror_old *old),
		     void *arg)
{
	enum { PASSES_MAX = 16 }; /* a mirror is a stranger's */
	struct behind b = { .m = m,
			    .taken = taken,
			    .olds = olds,
			    .found = found,
			    .met = met,
			    .arg = arg };
	size_t i;

	for (i = 0; i < nr_olds; i++)
		want(&b, olds[i].hash, i);
	/* a log that was replaced may itself have replaced one that was longer */
	for (i = 0; b.nr && i < PASSES_MAX && find_behind(&b); i++)
		;
	free(b.wanted);
	map_release(&b.by_hash);
}
