#include "base/compat.h"

#include "base/io.h"
#include "base/sha256.h"
#include "core/contract.h"
#include "core/plan.h"
#include "core/ties.h"

bool positions_has(const struct positions *p, size_t pos)
{
	size_t i;

	for (i = 0; i < p->nr; i++)
		if (p->at[i] == pos)
			return true;
	return false;
}

/* Replaces what `gone` has, or fixes nothing else. */
static bool goes_with(const struct ties *t, const bool *gone, size_t root)
{
	size_t i;

	if (t->supersedes >= (ssize_t)root && gone[t->supersedes - (ssize_t)root])
		return true;
	for (i = 0; i < t->fixes.nr; i++)
		if (t->fixes.at[i] < root || !gone[t->fixes.at[i] - root])
			return false;
	return t->fixes.nr > 0 && !t->loose;
}

static bool find_behind(const struct positions *p, size_t root, size_t *found)
{
	size_t i;

	for (i = 0; i < p->nr; i++) {
		*found = p->at[i];
		if (p->at[i] >= root)
			return true;
	}
	return false;
}

bool ties_unsound(const struct ties *ties, size_t root, size_t pos, size_t *needed)
{
	const struct ties *t = &ties[pos];
	bool *gone, found = find_behind(&t->requires, root, needed) ||
			    find_behind(&t->pairs, root, needed);
	size_t i;

	if (found || !t->fixes.nr)
		return found;
	gone = xcalloc(pos - root, sizeof(*gone));
	gone[0] = true;
	for (i = root + 1; i < pos; i++)
		gone[i - root] = goes_with(&ties[i], gone, root);
	for (i = 0; i < t->fixes.nr && !found; i++) {
		found = t->fixes.at[i] > root && !gone[t->fixes.at[i] - root];
		*needed = t->fixes.at[i];
	}
	free(gone);
	return found;
}

/* All that the trailers of one key name; returns whether each names one entry. */
static bool read_key(const struct plan *plan, size_t pos, enum trailer_key key,
		     struct pool *pool, struct positions *out)
{
	const struct trailers *t = &plan->items[pos].trailers;
	struct resolution r;
	bool all = true;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (t->items[i].key != key)
			continue;
		plan_resolve(plan, pos, t->items[i].value, &r);
		all &= r.how == RESOLVE_FOUND || r.how == RESOLVE_ISSUE;
		if (r.how != RESOLVE_FOUND || positions_has(out, r.pos))
			continue;
		if (!out->at)
			out->at = pool_alloc(pool, t->nr * sizeof(*out->at));
		out->at[out->nr++] = r.pos;
	}
	return all;
}

int ties_read(struct plan *plan, size_t pos, struct pool *pool, struct ties *out,
	      struct err *err)
{
	struct positions superseded = { 0 };

	*out = (struct ties){ .supersedes = -1 };
	if (plan_describe(plan, pos, err) < 0)
		return -1;
	out->loose = !read_key(plan, pos, TRAILER_FIXES, pool, &out->fixes);
	read_key(plan, pos, TRAILER_REQUIRES, pool, &out->requires);
	read_key(plan, pos, TRAILER_PAIRS_WITH, pool, &out->pairs);
	read_key(plan, pos, TRAILER_SUPERSEDES, pool, &superseded);
	if (superseded.nr)
		out->supersedes = (ssize_t)superseded.at[superseded.nr - 1];
	out->contract = is_contract(&plan->items[pos].trailers);
	return 0;
}

size_t ties_root(const struct ties *ties, size_t pos)
{
	/* each names an earlier one */
	while (ties[pos].supersedes >= 0)
		pos = (size_t)ties[pos].supersedes;
	return pos;
}

/* Whether `pos` comes in the place of what it fixes: it is rehearsed both ways. */
static bool goes_both_ways(const struct ties *ties, size_t pos, size_t of)
{
	return positions_has(&ties[pos].fixes, of) &&
	       ties_root(ties, pos) == ties_root(ties, of);
}

static void add_migration(struct sha256 *h, const struct migration *m)
{
	char blob[OID_HEXSZ + 1];

	sha256_add(h, oid_hex(&m->blob, blob), OID_HEXSZ);
	sha256_add(h, " ", 1);
	sha256_add(h, m->path, strlen(m->path));
	sha256_add(h, "\n", 1);
}

/*
 * Those that replace one from before `pos`, and what they replace; and contracts, which
 * wait here and have run there.
 */
static bool *find_rivals(const struct plan *plan, const struct ties *ties, size_t pos)
{
	bool *in = xcalloc(plan->nr + 1, sizeof(*in));
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		ssize_t of = ties[i].supersedes;

		if (of >= 0 && ((size_t)of < pos || in[of]))
			in[i] = in[of] = true;
		in[i] = in[i] || (i < pos && ties[i].contract);
	}
	in[pos] = false;
	return in;
}

void ties_ran(const struct plan *plan, const struct ties *ties, size_t pos,
	      const bool *took, plan_digest out)
{
	bool *in = find_rivals(plan, ties, pos), any = false;
	struct sha256 *h = sha256_new();
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		if (!in[i] || !took[i] || goes_both_ways(ties, pos, i))
			continue;
		any = true;
		add_migration(h, &plan->items[i]);
	}
	sha256_peek(h, out);
	if (!any)
		out[0] = '\0';
	sha256_free(h);
	free(in);
}

static int add_instead(struct plan *plan, size_t pos, bool *in, struct sha256 *h,
		       struct err *err)
{
	struct pool pool = { 0 };
	struct ties t;
	size_t i;
	int ret = 0;

	for (i = 0; i < plan->nr && ret == 0; i++) {
		in[i] = i <= pos;
		if (i <= pos)
			continue;
		ret = ties_read(plan, i, &pool, &t, err);
		if (ret < 0 || t.supersedes < 0 || !in[t.supersedes])
			continue;
		in[i] = in[plan->nr] = true;
		add_migration(h, &plan->items[i]);
	}
	pool_release(&pool);
	return ret;
}

int ties_instead(struct plan *plan, size_t pos, plan_digest out, struct err *err)
{
	bool *in = xcalloc(plan->nr + 1, sizeof(*in));
	struct sha256 *h = sha256_new();
	int ret = add_instead(plan, pos, in, h, err);

	sha256_peek(h, out);
	if (!in[plan->nr])
		out[0] = '\0';
	sha256_free(h);
	free(in);
	return ret;
}
