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

static const struct migration *in_bases(const struct merge_input *in, const char *path)
{
	const struct migration *m = NULL;
	size_t i;

	for (i = 0; i < in->nr_bases && !m; i++)
		m = on_side(&in->bases[i], path);
	return m;
}

static bool same_file(const struct migration *a, const struct migration *b)
{
	if (!a || !b)
		return a == b;
	return oid_eq(&a->blob, &b->blob) && a->mode == b->mode;
}

static void found_clash(const struct merge_input *in, const struct migration *ours,
			const struct migration *theirs, struct findings *f)
{
	const char *path = ours ? ours->path : theirs->path;
	const struct migration *base = in_bases(in, path);
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
	const struct migration *base;

	if (same_file(ours, theirs))
		return ours;
	base = in_bases(in, ours ? ours->path : theirs->path);
	if (same_file(base, ours))
		return theirs;
	if (!same_file(base, theirs))
		found_clash(in, ours, theirs, f);
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

static void add_misfits(const struct plan *from, const struct plan *had,
			struct misfit *to, size_t *nr)
{
	size_t i, k;

	for (i = 0; i < from->nr_misfits; i++) {
		for (k = 0; had && k < had->nr_misfits; k++)
			if (strcmp(had->misfits[k].path, from->misfits[i].path) == 0)
				break;
		if (!had || k == had->nr_misfits)
			to[(*nr)++] = from->misfits[i];
	}
}

size_t plan_merge(const struct merge_input *in, struct plan *out, struct findings *f)
{
	const struct plan *ours = in->ours, *theirs = in->theirs;
	const struct migration *m, *kept;
	struct misfit *misfits;
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
		if (on_side(ours, m->path) || !merge_path(in, NULL, m, f))
			continue;
		add(out, m, m);
		memset(&out->items[out->nr - 1].arrival, 0, OID_RAWSZ);
	}
	misfits = pool_alloc(&out->pool, (ours->nr_misfits + theirs->nr_misfits + 1) *
						 sizeof(*misfits));
	add_misfits(ours, NULL, misfits, &out->nr_misfits);
	add_misfits(theirs, ours, misfits, &out->nr_misfits);
	out->misfits = misfits;
	plan_index(out);
	return arriving;
}
