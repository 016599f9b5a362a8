#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/vec.h"
#include "core/plan.h"
#include "flow/fixes.h"

static int cmp_of(const void *left, const void *right)
{
	const struct fix *a = left, *b = right;

	if (a->of != b->of)
		return a->of < b->of ? -1 : 1;
	return (a->fix > b->fix) - (a->fix < b->fix);
}

static bool has_fix(const struct fixes *f, size_t fix, size_t of)
{
	size_t i;

	for (i = f->nr; i > 0 && f->by_fix[i - 1].fix == fix; i--)
		if (f->by_fix[i - 1].of == of)
			return true;
	return false;
}

static void read_one(const struct plan *plan, size_t pos, struct fixes *f)
{
	const struct trailers *t = &plan->items[pos].trailers;
	struct resolution r;
	size_t i;

	f->under[pos] = -1;
	for (i = 0; i < t->nr; i++) {
		if (t->items[i].key != TRAILER_FIXES)
			continue;
		plan_resolve(plan, pos, t->items[i].value, &r);
		f->unresolved += r.how != RESOLVE_FOUND && r.how != RESOLVE_ISSUE;
		if (r.how != RESOLVE_FOUND || has_fix(f, pos, r.pos))
			continue;
		VEC_GROW(f->by_fix, f->nr, f->alloc);
		f->by_fix[f->nr++] = (struct fix){ .fix = pos, .of = r.pos };
		if (f->under[pos] < 0 || (ssize_t)r.pos < f->under[pos])
			f->under[pos] = (ssize_t)r.pos;
	}
}

int fixes_read(struct plan *plan, struct fixes *out, struct err *err)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	out->under = xcalloc(plan->nr + 1, sizeof(*out->under));
	for (i = 0; i < plan->nr; i++) {
		if (plan_describe(plan, i, err) < 0)
			return -1;
		read_one(plan, i, out);
	}
	out->by_of = xcalloc(out->nr + 1, sizeof(*out->by_of));
	if (out->nr) {
		memcpy(out->by_of, out->by_fix, out->nr * sizeof(*out->by_of));
		qsort(out->by_of, out->nr, sizeof(*out->by_of), cmp_of);
	}
	return 0;
}

void fixes_release(struct fixes *f)
{
	free(f->by_fix);
	free(f->by_of);
	free(f->under);
	memset(f, 0, sizeof(*f));
}

static size_t key_of(const struct fix *f, bool by_of)
{
	return by_of ? f->of : f->fix;
}

/* Those of one position among fixes that are sorted by it. */
static const struct fix *find_fixes(const struct fix *all, size_t nr_all, bool by_of,
				    size_t pos, size_t *nr)
{
	size_t low = 0, high = nr_all, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (key_of(&all[mid], by_of) < pos)
			low = mid + 1;
		else
			high = mid;
	}
	*nr = 0;
	while (low + *nr < nr_all && key_of(&all[low + *nr], by_of) == pos)
		++*nr;
	return all + low;
}

const struct fix *fixes_of(const struct fixes *f, size_t pos, size_t *nr)
{
	return find_fixes(f->by_of, f->nr, true, pos, nr);
}

const struct fix *fixes_made_by(const struct fixes *f, size_t pos, size_t *nr)
{
	return find_fixes(f->by_fix, f->nr, false, pos, nr);
}
