#include "base/compat.h"

#include "base/io.h"
#include "core/ledger.h"
#include "core/plan.h"
#include "core/verdict.h"

const char *verdict_word(enum verdict v)
{
	switch (v) {
	case VERDICT_SETTLED:
		return "applied";
	case VERDICT_PENDING:
		return "pending";
	case VERDICT_EDITED:
		return "edited";
	case VERDICT_GAP:
		return "gap";
	case VERDICT_LATE:
		return "late";
	}
	BUG("unhandled verdict %d", (int)v);
}

void judgement_release(struct judgement *j)
{
	free(j->of);
	free(j->behind);
	free(j->missing);
	memset(j, 0, sizeof(*j));
}

static enum verdict against_entry(const struct migration *m, const struct ledger_entry *e)
{
	struct oid blob;

	if (!e || !e->settled)
		return VERDICT_PENDING;
	if (oid_parse(&blob, e->settled->field[FIELD_BLOB],
		      strlen(e->settled->field[FIELD_BLOB])) < 0)
		BUG("a parsed record with a malformed blob id");
	return oid_eq(&blob, &m->blob) ? VERDICT_SETTLED : VERDICT_EDITED;
}

/*
 * Whether one of the settled entries behind `pos` was written with it in place.
 * The newest is asked first: on a linear history that settles it at once.
 */
static int place_pending(const struct plan *plan, const struct judgement *j, size_t pos,
			 is_ancestor_fn is_ancestor, void *ctx, enum verdict *out,
			 size_t *behind, struct err *err)
{
	const struct migration *m = &plan->items[pos], *q;
	size_t i;
	int known;

	*out = VERDICT_PENDING;
	for (i = plan->nr; i-- > pos + 1;) {
		q = &plan->items[i];
		if (j->of[i] != VERDICT_SETTLED && j->of[i] != VERDICT_EDITED)
			continue;
		if (*out == VERDICT_PENDING) {
			*out = VERDICT_LATE;
			*behind = i;
		}
		/* cut off by a shallow boundary: not knowing counts as a gap */
		known = 1;
		if (!oid_is_zero(&m->commit) && !oid_is_zero(&q->commit))
			known = is_ancestor(ctx, &m->commit, &q->commit, err);
		if (known < 0)
			return -1;
		if (known) {
			*out = VERDICT_GAP;
			*behind = i;
			return 0;
		}
	}
	return 0;
}

/* Both are sorted by path, so that one pass over the two finds what is equal. */
static void compare_paths(const struct plan *plan, const struct ledger *ledger,
			  struct judgement *j)
{
	const struct ledger_entry *e = ledger->entries;
	const struct ledger_entry *end = e + ledger->nr_entries;
	const struct migration *m;
	int order = 1;
	size_t i;

	j->missing = xcalloc(ledger->nr_entries + 1, sizeof(struct ledger_entry *));
	for (i = 0; i < plan->nr; i++) {
		m = &plan->items[plan->by_path[i]];
		while (e < end && (order = strcmp(e->path, m->path)) < 0) {
			if (e->settled)
				j->missing[j->nr_missing++] = e;
			e++;
		}
		j->of[plan->by_path[i]] = against_entry(m, e < end && order == 0 ? e++
										 : NULL);
	}
	for (; e < end; e++)
		if (e->settled)
			j->missing[j->nr_missing++] = e;
}

int judge(const struct plan *plan, const struct ledger *ledger,
	  is_ancestor_fn is_ancestor, void *ctx, struct judgement *out, struct err *err)
{
	size_t i, last = 0;

	memset(out, 0, sizeof(*out));
	out->nr = plan->nr;
	out->of = xcalloc(plan->nr + 1, sizeof(*out->of));
	out->behind = xcalloc(plan->nr + 1, sizeof(*out->behind));
	compare_paths(plan, ledger, out);
	for (i = 0; i < plan->nr; i++)
		if (out->of[i] != VERDICT_PENDING)
			last = i;
	for (i = 0; i < last; i++) {
		if (out->of[i] == VERDICT_PENDING &&
		    place_pending(plan, out, i, is_ancestor, ctx, &out->of[i],
				  &out->behind[i], err) < 0) {
			judgement_release(out);
			return -1;
		}
	}
	for (i = 0; i < plan->nr; i++)
		out->count[out->of[i]]++;
	return 0;
}
