#include "base/compat.h"

#include "base/io.h"
#include "core/contract.h"
#include "core/ledger.h"
#include "core/past.h"
#include "core/plan.h"
#include "core/ties.h"

enum { DAY_LEN = 10 }; /* of "2027-01-31", which a time begins with too */

const struct ledger_entry *past_entry(const struct plan *plan, const struct ledger *l,
				      size_t pos)
{
	return ledger_find(l, plan->items[pos].path);
}

static const struct record *settled_by(const struct plan *plan, const struct ledger *l,
				       size_t pos)
{
	const struct ledger_entry *e = past_entry(plan, l, pos);

	return e ? e->settled : NULL;
}

static bool in_one_run(const struct record *a, const struct record *b)
{
	return strcmp(a->field[FIELD_RUN], b->field[FIELD_RUN]) == 0;
}

/* --- superseders ------------------------------------------------------- */

/* Whether `pos` supersedes `of`, or what does: 1, 0, -1. */
static int leads_to(struct plan *plan, size_t pos, size_t of, struct err *err)
{
	struct pool pool = { 0 };
	struct ties ties = { .supersedes = (ssize_t)pos };
	int ret = 0;

	/* each names an earlier one */
	while (ret == 0 && ties.supersedes > (ssize_t)of)
		ret = ties_read(plan, (size_t)ties.supersedes, &pool, &ties, err);
	pool_release(&pool);
	return ret < 0 ? -1 : ties.supersedes == (ssize_t)of;
}

int past_replaced(struct plan *plan, const struct ledger *l, size_t pos, size_t *of,
		  struct err *err)
{
	const struct record *r = settled_by(plan, l, pos), *before;
	ssize_t found;

	if (!r || r->event != EVENT_APPLIED || r == l->records)
		return 0;
	before = r - 1;
	if (before->event != EVENT_SUPERSEDED || before->seq + 1 != r->seq ||
	    !in_one_run(before, r))
		return 0;
	found = plan_find(plan, before->field[FIELD_PATH]);
	if (found < 0 || (size_t)found >= pos ||
	    settled_by(plan, l, (size_t)found) != before)
		return 0;
	*of = (size_t)found;
	return leads_to(plan, pos, *of, err);
}

/* The greatest place of what was settled before record `r`; -1: none was. */
static ssize_t last_place(const struct plan *plan, const struct ledger *l,
			  const size_t *place, const struct record *r)
{
	const struct record *one;
	ssize_t last = -1, pos;

	for (one = l->records; one < r; one++) {
		if (!event_settles(one->event))
			continue;
		pos = plan_find(plan, one->field[FIELD_PATH]);
		if (pos >= 0 && settled_by(plan, l, (size_t)pos) == one &&
		    (ssize_t)place[pos] > last)
			last = (ssize_t)place[pos];
	}
	return last;
}

/* Whether one of them is `of`, or leads to it: 1, 0, -1. */
static int name_replaced(struct plan *plan, const struct positions *p, size_t of,
			 struct err *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < p->nr && ret == 0; i++)
		if (p->at[i] >= of)
			ret = leads_to(plan, p->at[i], of, err);
	return ret;
}

/*
 * Whether something between the two needs what was replaced, and came after: then it
 * could not wait for the own place of what replaced it. 1, 0, -1.
 */
static int was_required(struct plan *plan, const struct ledger *l, size_t of, size_t pos,
			struct err *err)
{
	const struct record *by = settled_by(plan, l, pos), *r;
	struct pool pool = { 0 };
	struct ties ties;
	size_t i;
	int ret = 0;

	for (i = of + 1; i < pos && ret == 0; i++) {
		r = settled_by(plan, l, i);
		if (r && r < by)
			continue;
		ret = ties_read(plan, i, &pool, &ties, err);
		if (ret == 0)
			ret = name_replaced(plan, &ties.requires, of, err);
		if (ret == 0)
			ret = name_replaced(plan, &ties.pairs, of, err);
	}
	pool_release(&pool);
	return ret;
}

int past_places(struct plan *plan, const struct ledger *l, size_t *place, struct err *err)
{
	ssize_t pos;
	size_t i, of;
	int known;

	for (i = 0; i < plan->nr; i++)
		place[i] = i;
	/* in the order of the log: what went before is known then */
	for (i = 1; i < l->nr; i++) {
		if (l->records[i].event != EVENT_APPLIED ||
		    l->records[i - 1].event != EVENT_SUPERSEDED)
			continue;
		pos = plan_find(plan, l->records[i].field[FIELD_PATH]);
		if (pos < 0 || settled_by(plan, l, (size_t)pos) != &l->records[i])
			continue;
		known = past_replaced(plan, l, (size_t)pos, &of, err);
		if (known < 0)
			return -1;
		if (known &&
		    last_place(plan, l, place, &l->records[i - 1]) >= (ssize_t)of)
			known = was_required(plan, l, of, (size_t)pos, err);
		if (known < 0)
			return -1;
		if (known)
			place[pos] = of;
	}
	return 0;
}

/* --- contracts --------------------------------------------------------- */

/* The first record of the run that wrote `r`. */
static const struct record *run_of(const struct ledger *l, const struct record *r)
{
	while (r > l->records && r[-1].field[FIELD_RUN] && in_one_run(r - 1, r))
		r--;
	return r;
}

/* Whether one of them was not settled yet when `from` was written. */
static bool came_after(const struct plan *plan, const struct ledger *l,
		       const struct positions *p, const struct record *from)
{
	const struct record *r;
	size_t i;

	for (i = 0; i < p->nr; i++) {
		r = settled_by(plan, l, p->at[i]);
		if (!r || r->seq >= from->seq)
			return true;
	}
	return false;
}

/* A run over midnight began a day before: the day itself still excuses. */
static bool was_before(const struct trailers *t, const struct record *r)
{
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (t->items[i].key != TRAILER_NOT_BEFORE)
			continue;
		if (not_before_kind(t->items[i].value) != NOT_BEFORE_DATE ||
		    strncmp(r->field[FIELD_AT], t->items[i].value, DAY_LEN) <= 0)
			return true;
	}
	return false;
}

/* A contract whose conditions were not met when `r` was written. */
static bool had_to_wait(const struct plan *plan, const struct ledger *l, size_t pos,
			const struct record *r, const struct ties *ties)
{
	return ties->contract && (was_before(&plan->items[pos].trailers, r) ||
				  came_after(plan, l, &ties->pairs, run_of(l, r)) ||
				  came_after(plan, l, &ties->requires, r));
}

static bool was_settled(const struct plan *plan, const struct ledger *l, size_t pos,
			const struct record *r)
{
	const struct record *by = settled_by(plan, l, pos);

	return by && by->seq < r->seq;
}

/* Whether something that it fixes had run when `r` was written. */
static bool had_to_fix(const struct plan *plan, const struct ledger *l,
		       const struct ties *ties, const struct record *r)
{
	const struct record *by;
	size_t i;

	for (i = 0; i < ties->fixes.nr; i++) {
		by = settled_by(plan, l, ties->fixes.at[i]);
		if (by && by->seq < r->seq && event_takes_effect(by->event))
			return true;
	}
	return false;
}

/* Marks what an entry went with, of what was not settled when `r` was written. */
static void mark_company(const struct plan *plan, const struct ledger *l,
			 const struct ties *ties, const struct record *r, bool *marked)
{
	size_t i;

	for (i = 0; i < ties->fixes.nr && !had_to_fix(plan, l, ties, r); i++)
		marked[ties->fixes.at[i]] = !was_settled(plan, l, ties->fixes.at[i], r);
	if (ties->supersedes >= 0 && !was_settled(plan, l, (size_t)ties->supersedes, r))
		marked[ties->supersedes] = true;
}

int past_waited(struct plan *plan, const struct ledger *l, size_t pos, size_t other,
		struct err *err)
{
	const struct record *r = settled_by(plan, l, other);
	bool *marked = xcalloc(pos + 1, sizeof(*marked));
	struct pool pool = { 0 };
	size_t i = pos + 1;
	struct ties ties;
	int ret = 0;

	/* each names earlier ones */
	for (marked[pos] = true; r && ret == 0 && i-- > 0;) {
		if (!marked[i])
			continue;
		ret = ties_read(plan, i, &pool, &ties, err);
		if (ret < 0)
			break;
		ret = had_to_wait(plan, l, i, r, &ties);
		mark_company(plan, l, &ties, r, marked);
	}
	free(marked);
	pool_release(&pool);
	return ret;
}
