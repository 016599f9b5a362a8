#include "base/compat.h"

#include "base/io.h"
#include "core/ledger.h"
#include "core/past.h"
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
	case VERDICT_WAITING:
		return "waiting";
	}
	BUG("unhandled verdict %d", (int)v);
}

void judgement_release(struct judgement *j)
{
	free(j->of);
	free(j->behind);
	free(j->missing);
	schedule_release(&j->schedule);
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

struct judging {
	struct plan *plan;
	const struct ledger *ledger;
	const struct surroundings *around;
	struct judgement *j;
	size_t end; /* behind the last that is settled */
};

/* Whether the settled entry `i` counts as behind the pending one: 1, 0, -1. */
static int is_behind(const struct judging *g, size_t pos, size_t i, struct err *err)
{
	const struct judgement *j = g->j;
	int waited;

	if ((j->of[i] != VERDICT_SETTLED && j->of[i] != VERDICT_EDITED) ||
	    j->schedule.courses[i].place <= pos)
		return 0;
	waited = past_waited(g->plan, g->ledger, pos, i, err);
	return waited < 0 ? -1 : !waited;
}

/* Whether that one was written with it in place: 1, 0, -1. */
static int knew_of(const struct judging *g, size_t pos, size_t i, struct err *err)
{
	const struct migration *m = &g->plan->items[pos], *q = &g->plan->items[i];

	/* cut off by a shallow boundary: not knowing counts as a gap */
	if (oid_is_zero(&m->commit) || oid_is_zero(&q->commit))
		return 1;
	return g->around->is_ancestor(g->around->ctx, &m->commit, &q->commit, err);
}

/*
 * Whether one of the settled entries behind `pos` was written with it in place.
 * The newest is asked first: on a linear history that settles it at once.
 */
static int place_pending(const struct judging *g, size_t pos, struct err *err)
{
	struct judgement *j = g->j;
	size_t i;
	int known;

	for (i = g->end; i-- > pos + 1;) {
		known = is_behind(g, pos, i, err);
		if (known < 0)
			return -1;
		if (!known)
			continue;
		if (j->of[pos] == VERDICT_PENDING) {
			j->of[pos] = VERDICT_LATE;
			j->behind[pos] = i;
		}
		known = knew_of(g, pos, i, err);
		if (known < 0)
			return -1;
		if (known) {
			j->of[pos] = VERDICT_GAP;
			j->behind[pos] = i;
			return 0;
		}
	}
	return 0;
}

/* What runs nothing has no place that it could miss. */
static int judge_pending(const struct judging *g, size_t pos, struct err *err)
{
	switch (g->j->schedule.courses[pos].fate) {
	case FATE_WAITS:
		g->j->of[pos] = VERDICT_WAITING;
		return 0;
	case FATE_RUN:
	case FATE_HELD:
		return place_pending(g, pos, err);
	case FATE_SETTLED:
	case FATE_SUPERSEDED:
	case FATE_UNNEEDED:
		return 0;
	}
	BUG("unhandled fate %d", (int)g->j->schedule.courses[pos].fate);
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

int judge(struct plan *plan, const struct ledger *ledger,
	  const struct surroundings *around, struct judgement *out, struct err *err)
{
	struct judging g = { plan, ledger, around, out, 0 };
	size_t first = 0, i;
	int ret;

	memset(out, 0, sizeof(*out));
	out->nr = plan->nr;
	out->of = xcalloc(plan->nr + 1, sizeof(*out->of));
	out->behind = xcalloc(plan->nr + 1, sizeof(*out->behind));
	compare_paths(plan, ledger, out);
	while (first < plan->nr && out->of[first] != VERDICT_PENDING)
		first++;
	for (i = 0; i < plan->nr; i++)
		if (out->of[i] != VERDICT_PENDING)
			g.end = i + 1;
	ret = schedule_make(plan, ledger, first, &around->world, &out->schedule, err);
	for (i = first; i < plan->nr && ret == 0; i++)
		if (out->of[i] == VERDICT_PENDING)
			ret = judge_pending(&g, i, err);
	if (ret < 0) {
		judgement_release(out);
		return -1;
	}
	for (i = 0; i < plan->nr; i++)
		out->count[out->of[i]]++;
	return 0;
}
