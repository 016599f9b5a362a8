/* The order in which things were settled, and what stands in for what. */
#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "core/past.h"
#include "core/plan.h"
#include "core/ties.h"
#include "flow/audit_order.h"
#include "flow/audit_story.h"

struct looking {
	struct audit *a;
	struct plan *plan;
	const struct ledger *l;
	size_t *place;	       /* of each entry, see past_places() */
	struct positions seen; /* what took effect up to here */
};

static const struct record *settled_by(const struct looking *k, size_t pos)
{
	const struct ledger_entry *e = past_entry(k->plan, k->l, pos);

	return e ? e->settled : NULL;
}

static bool in_force(const struct record *r)
{
	return r && event_takes_effect(r->event);
}

/* --- order ------------------------------------------------------------- */

static bool is_excepted(const struct ledger *l, const char *path)
{
	size_t i;

	for (i = 0; i < l->nr; i++)
		if (l->records[i].event == EVENT_EXCEPTED &&
		    strcmp(l->records[i].field[FIELD_PATH], path) == 0)
			return true;
	return false;
}

/*
 * What took the place of another one came earlier than the plan has it, as it may. The
 * one settled before it that it ought to precede: 1 with `*behind` set, 0, -1.
 */
static int find_passed(const struct looking *k, size_t pos, size_t *behind,
		       struct err *err)
{
	size_t i, other;
	int waited, ret = 0;

	for (i = 0; i < k->seen.nr; i++) {
		other = k->seen.at[i];
		if (k->place[other] <= pos ||
		    (ret && k->place[other] <= k->place[*behind]))
			continue;
		waited = past_waited(k->plan, k->l, pos, other, err);
		if (waited < 0)
			return -1;
		if (waited)
			continue;
		*behind = other;
		ret = 1;
	}
	return ret;
}

static int look_at_order(struct looking *k, size_t pos, const struct record *r,
			 ssize_t last, struct err *err)
{
	size_t behind = 0;
	int passed = 0;

	if (!in_force(r) || (ssize_t)pos > last ||
	    is_excepted(k->l, r->field[FIELD_PATH]))
		return 0;
	passed = find_passed(k, pos, &behind, err);
	if (passed > 0)
		audit_note(k->a, "order", CHECK_WARNING, r->seq,
			   "migration '%s' was applied behind '%s', which comes later in "
			   "the plan, and no record excepts it",
			   r->field[FIELD_PATH], k->plan->items[behind].path);
	return passed;
}

/* What settled the plan's entries, one after the other. 0 or -1. */
static int check_order(struct looking *k, struct err *err)
{
	size_t i, before = k->a->nr, settled = 0;
	ssize_t pos, last = -1;

	for (i = 0; i < k->l->nr; i++) {
		const struct record *r = &k->l->records[i];

		if (!event_settles(r->event))
			continue;
		pos = plan_find(k->plan, r->field[FIELD_PATH]);
		if (pos < 0 || settled_by(k, (size_t)pos) != r)
			continue;
		if (look_at_order(k, (size_t)pos, r, last, err) < 0)
			return -1;
		settled++;
		/* a record alone runs nothing that could come too early */
		if (!in_force(r))
			continue;
		k->seen.at[k->seen.nr++] = (size_t)pos;
		if ((ssize_t)k->place[pos] > last)
			last = (ssize_t)k->place[pos];
	}
	if (k->a->nr == before)
		audit_note(k->a, "order", CHECK_OK, 0,
			   "%zu settled in the order of the plan, or excepted", settled);
	return 0;
}

/* --- what stands in for what ------------------------------------------- */

/* One that is in force in the place of `of`; -1: none. -2 with `err` set. */
static ssize_t find_stand_in(const struct looking *k, size_t of, struct err *err)
{
	struct pool pool = { 0 };
	size_t *root = xcalloc(k->plan->nr, sizeof(*root));
	ssize_t found = -1;
	struct ties ties;
	size_t i;

	for (i = 0; i < k->plan->nr && found == -1; i++) {
		root[i] = i;
		if (ties_read(k->plan, i, &pool, &ties, err) < 0)
			found = -2;
		else if (ties.supersedes >= 0)
			root[i] = root[ties.supersedes];
		if (found == -1 && i > of && root[i] == root[of] &&
		    in_force(settled_by(k, i)))
			found = (ssize_t)i;
	}
	free(root);
	pool_release(&pool);
	return found;
}

/* Superseded with, or after, the one that runs in its place. */
static int look_at_superseded(struct looking *k, size_t pos, const struct record *r,
			      struct err *err)
{
	ssize_t other = find_stand_in(k, pos, err);
	const struct record *by;

	if (other == -2)
		return -1;
	by = other >= 0 ? settled_by(k, (size_t)other) : NULL;
	if (!by)
		audit_note(k->a, "pairs", CHECK_WARNING, r->seq,
			   "migration '%s' was superseded, and nothing that supersedes "
			   "it "
			   "is in force",
			   r->field[FIELD_PATH]);
	else if (by > r + 1)
		audit_note(k->a, "pairs", CHECK_WARNING, r->seq,
			   "migration '%s' was superseded before '%s' ran in its place",
			   r->field[FIELD_PATH], by->field[FIELD_PATH]);
	return 0;
}

/* Whether something that it fixes is in force. */
static bool has_to_fix(const struct looking *k, const struct ties *ties)
{
	size_t i;

	for (i = 0; i < ties->fixes.nr; i++)
		if (in_force(settled_by(k, ties->fixes.at[i])))
			return true;
	return false;
}

/* A contract that clears away what none of its partners has left. */
static bool has_no_partner(const struct looking *k, const struct ties *ties)
{
	const struct record *r;
	size_t i;

	for (i = 0; i < ties->pairs.nr; i++) {
		r = settled_by(k, ties->pairs.at[i]);
		if (!r || in_force(r))
			return false;
	}
	return ties->contract && ties->pairs.nr && !ties->fixes.nr;
}

static void look_at_unneeded(struct looking *k, size_t pos, const struct record *r,
			     const struct ties *ties)
{
	bool checkpoint = trailers_get(&k->plan->items[pos].trailers, TRAILER_CHECKPOINT);
	bool stands_in = ties->supersedes >= 0 && settled_by(k, (size_t)ties->supersedes);

	if (checkpoint || has_no_partner(k, ties) ||
	    (!has_to_fix(k, ties) && (ties->fixes.nr || stands_in)))
		return;
	audit_note(k->a, "pairs", CHECK_WARNING, r->seq,
		   "migration '%s' was left out as unneeded, and by the plan it is "
		   "needed",
		   r->field[FIELD_PATH]);
}

/* It ran although what it was to replace is in force, and fixes nothing of it. */
static void look_at_applied(struct looking *k, const struct record *r,
			    const struct ties *ties)
{
	if (ties->supersedes < 0 || has_to_fix(k, ties) ||
	    !in_force(settled_by(k, (size_t)ties->supersedes)))
		return;
	audit_note(k->a, "pairs", CHECK_WARNING, r->seq,
		   "both '%s' and '%s', which supersedes it, are in force",
		   k->plan->items[ties->supersedes].path, r->field[FIELD_PATH]);
}

/* 1 when the entry is one of a pair, 0, -1. */
static int look_at_pair(struct looking *k, size_t pos, struct pool *pool, struct err *err)
{
	const struct record *r = settled_by(k, pos);
	struct ties ties;

	if (!r)
		return 0;
	if (ties_read(k->plan, pos, pool, &ties, err) < 0)
		return -1;
	if (r->event == EVENT_SUPERSEDED)
		return look_at_superseded(k, pos, r, err) < 0 ? -1 : 1;
	if (r->event == EVENT_UNNEEDED)
		look_at_unneeded(k, pos, r, &ties);
	else
		look_at_applied(k, r, &ties);
	return r->event == EVENT_UNNEEDED;
}

static int check_pairs(struct looking *k, struct err *err)
{
	size_t i, before = k->a->nr, nr = 0;
	struct pool pool = { 0 };
	int one = 0;

	for (i = 0; i < k->plan->nr && one >= 0; i++) {
		one = look_at_pair(k, i, &pool, err);
		nr += one > 0;
	}
	if (one >= 0 && nr && k->a->nr == before)
		audit_note(k->a, "pairs", CHECK_OK, 0,
			   "%zu superseded or unneeded, each as the plan has it", nr);
	pool_release(&pool);
	return one < 0 ? -1 : 0;
}

int audit_order(struct audit *a, struct plan *plan, const struct ledger *l,
		struct err *err)
{
	struct looking k = { .a = a, .plan = plan, .l = l };
	int ret;

	k.place = xcalloc(plan->nr + 1, sizeof(*k.place));
	k.seen.at = xcalloc(plan->nr + 1, sizeof(*k.seen.at));
	ret = past_places(plan, l, k.place, err);
	if (ret == 0)
		ret = check_order(&k, err);
	if (ret == 0)
		ret = check_pairs(&k, err);
	free(k.place);
	free(k.seen.at);
	return ret;
}
