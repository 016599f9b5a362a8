#include "base/compat.h"

#include "core/merge.h"
#include "core/plan.h"
#include "core/policy.h"

/* A path on one side; NULL: it is not there. */
static const struct migration *on_side(const struct plan *p, const char *path)
{
	ssize_t pos = plan_find(p, path);

	return pos < 0 ? NULL : &p->items[pos];
}

static const struct migration *in_base(const struct merge_input *in, const char *path)
{
	return in->base ? on_side(in->base, path) : NULL;
}

static bool same_file(const struct migration *a, const struct migration *b)
{
	if (!a || !b)
		return a == b;
	return oid_eq(&a->blob, &b->blob) && a->mode == b->mode;
}

static void found_clash(const struct merge_input *in, const char *path,
			const struct migration *ours, const struct migration *theirs,
			struct findings *f)
{
	const struct migration *base = in_base(in, path);
	char one[OID_HEXSZ + 1], two[OID_HEXSZ + 1];

	if (!ours || !theirs)
		findings_add(f, RULE_CLASH, false, path,
			     ours ? "the other branch deletes '%s', which this one edits"
				  : "this branch deletes '%s', which the other one edits",
			     path);
	else
		findings_add(f, RULE_CLASH, false, path,
			     base ? "both branches edit '%s'"
				  : "both branches bring '%s', with different contents",
			     path);
	if (ours && theirs)
		findings_detail(f, "Here it is blob %.12s, there %.12s.",
				oid_hex(&ours->blob, one), oid_hex(&theirs->blob, two));
	findings_hint(f, "Rename or drop one of them on its branch before it is merged; "
			 "the one that a database has run must stay as it is.");
}

/* What a merge leaves of one path: one of the two sides, or NULL. */
static const struct migration *merge_path(const struct merge_input *in,
					  const struct migration *ours,
					  const struct migration *theirs,
					  struct findings *f)
{
	static const struct migration unlike; /* any file there is */
	const struct migration *base;

	if (same_file(ours, theirs))
		return ours;
	base = in_base(in, ours ? ours->path : theirs->path);
	if (same_file(base, ours))
		return theirs;
	if (same_file(base, theirs))
		return ours;
	if (in->among_bases)
		return ours && theirs ? &unlike : base;
	found_clash(in, ours ? ours->path : theirs->path, ours, theirs, f);
	return ours ? ours : theirs;
}

static void add(struct plan *out, const struct migration *at, const struct migration *as)
{
	struct migration *m = &out->items[out->nr++];

	*m = *at;
	m->blob = as->blob;
	m->mode = as->mode;
	m->known = false; /* described anew: the header may be another one */
}

static int cmp_misfit(const void *a, const void *b)
{
	return strcmp(((const struct misfit *)a)->path, ((const struct misfit *)b)->path);
}

static bool has_misfit(const struct plan *p, const char *path)
{
	const struct misfit what = { .path = path };

	return p->nr_misfits &&
	       bsearch(&what, p->misfits, p->nr_misfits, sizeof(*p->misfits), cmp_misfit);
}

static bool base_has_misfit(const struct merge_input *in, const char *path)
{
	return in->base && has_misfit(in->base, path);
}

/* Those of both sides, and those of one that the other did not take away. */
static void merge_misfits(const struct merge_input *in, struct plan *out)
{
	const struct plan *ours = in->ours, *theirs = in->theirs;
	struct misfit *to;
	const char *path;
	size_t i;

	to = pool_alloc(&out->pool,
			(ours->nr_misfits + theirs->nr_misfits + 1) * sizeof(*to));
	for (i = 0; i < ours->nr_misfits; i++) {
		path = ours->misfits[i].path;
		if (has_misfit(theirs, path) || !base_has_misfit(in, path))
			to[out->nr_misfits++] = ours->misfits[i];
	}
	for (i = 0; i < theirs->nr_misfits; i++) {
		path = theirs->misfits[i].path;
		if (!has_misfit(ours, path) && !base_has_misfit(in, path))
			to[out->nr_misfits++] = theirs->misfits[i];
	}
	if (out->nr_misfits)
		qsort(to, out->nr_misfits, sizeof(*to), cmp_misfit);
	out->misfits = to;
}

size_t plan_merge(const struct merge_input *in, struct plan *out, struct findings *f)
{
	const struct plan *ours = in->ours, *theirs = in->theirs;
	const struct migration *m, *kept;
	size_t i, arriving;

	memset(out, 0, sizeof(*out));
	out->folder = ours->folder;
	out->source = ours->source;
	out->items = pool_alloc(&out->pool,
				(ours->nr + theirs->nr + 1) * sizeof(*out->items));
	for (i = 0; i < ours->nr; i++) {
		m = &ours->items[i];
		kept = merge_path(in, m, on_side(theirs, m->path), f);
		if (kept)
			add(out, m, kept);
	}
	arriving = out->nr;
	for (i = 0; i < theirs->nr; i++) {
		m = &theirs->items[i];
		if (on_side(ours, m->path))
			continue;
		kept = merge_path(in, NULL, m, f);
		if (!kept)
			continue;
		add(out, m, kept);
		memset(&out->items[out->nr - 1].arrival, 0, OID_RAWSZ);
	}
	merge_misfits(in, out);
	plan_index(out);
	return arriving;
}
