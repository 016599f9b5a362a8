#include "base/compat.h"

#include "base/io.h"
#include "core/contract.h"
#include "core/ledger.h"
#include "core/past.h"
#include "core/plan.h"
#include "core/schedule.h"

/* Whether what an entry does is in force on the target, as far as is decided. */
enum force { FORCE_NO, FORCE_YES, FORCE_WAITS };

struct making {
	struct plan *plan;
	const struct ledger *ledger;
	const struct schedule_world *world;
	struct schedule *s;
	bool fresh;	    /* nothing is settled: nobody relies on what is there */
	ssize_t last_place; /* of what is settled; -1 */
	size_t *root;	    /* of entries that replace each other: the first of them */
	size_t *winner;	    /* by root: the last of them */
	ssize_t *ran;	    /* by root: one that is settled, or open; -1 */
	bool *singly;	    /* by root: each goes its own way */
	size_t now;	    /* that is being decided; what is behind it may not be yet */
};

void schedule_release(struct schedule *s)
{
	pool_release(&s->pool);
	memset(s, 0, sizeof(*s));
}

static const struct ties *ties_of(const struct making *m, size_t pos)
{
	return &m->s->ties[pos];
}

static bool is_settled(const struct making *m, size_t pos)
{
	return m->s->courses[pos].fate == FATE_SETTLED;
}

/* Begun outside of a transaction: it may have taken effect. */
static bool is_open(const struct making *m, size_t pos)
{
	const struct ledger_entry *e = past_entry(m->plan, m->ledger, pos);

	return e && !e->settled && e->started;
}

static enum force force_of(const struct making *m, size_t pos)
{
	const struct record *r;

	switch (m->s->courses[pos].fate) {
	case FATE_SETTLED:
		r = past_entry(m->plan, m->ledger, pos)->settled;
		return event_takes_effect(r->event) ? FORCE_YES : FORCE_NO;
	case FATE_RUN:
	case FATE_HELD:
		return FORCE_YES;
	case FATE_SUPERSEDED:
	case FATE_UNNEEDED:
		return FORCE_NO;
	case FATE_WAITS:
		return FORCE_WAITS;
	}
	BUG("unhandled fate %d", (int)m->s->courses[pos].fate);
}

/* Whether there is something to fix for it: what fixes nothing always is needed. */
static enum force need_of(const struct making *m, size_t pos)
{
	const struct positions *fixes = &ties_of(m, pos)->fixes;
	enum force ret = FORCE_NO, one;
	size_t i;

	if (!fixes->nr || ties_of(m, pos)->loose)
		return FORCE_YES;
	for (i = 0; i < fixes->nr && ret != FORCE_YES; i++) {
		one = force_of(m, fixes->at[i]);
		if (one != FORCE_NO)
			ret = one;
	}
	return ret;
}

/* The same of one that was written to take another's place: only to fix is a need. */
static enum force own_need_of(const struct making *m, size_t pos)
{
	return ties_of(m, pos)->fixes.nr ? need_of(m, pos) : FORCE_NO;
}

static struct course *decide(struct making *m, size_t pos, enum fate fate, ssize_t other)
{
	struct course *c = &m->s->courses[pos];

	c->fate = fate;
	c->other = other;
	return c;
}

static void let_wait(struct making *m, size_t pos, enum wait wait, ssize_t other,
		     const char *until)
{
	struct course *c = decide(m, pos, FATE_WAITS, other);

	c->wait = wait;
	c->until = until;
}

/* --- what contracts wait for ------------------------------------------- */

/* `Not-Before:` that is not met: 1 with the course set, 0, -1. */
static int waits_for_time(struct making *m, size_t pos, struct err *err)
{
	const struct trailers *t = &m->plan->items[pos].trailers;
	const struct schedule_world *w = m->world;
	const char *value;
	bool is_date;
	size_t i;
	int met;

	for (i = 0; i < t->nr; i++) {
		if (t->items[i].key != TRAILER_NOT_BEFORE)
			continue;
		value = t->items[i].value;
		is_date = not_before_kind(value) == NOT_BEFORE_DATE;
		if (is_date)
			met = strcmp(w->today, value) >= 0;
		else if (not_before_kind(value) == NOT_BEFORE_TAG)
			met = w->has_tag(w->ctx, value, err);
		else
			met = 0;
		if (met < 0)
			return -1;
		if (met)
			continue;
		let_wait(m, pos, is_date ? WAIT_DATE : WAIT_TAG, -1, value);
		return 1;
	}
	return 0;
}

/* On a target where nothing ran yet nobody relies on what the contract takes away. */
static bool is_there(const struct making *m, size_t partner)
{
	return is_settled(m, partner) ||
	       (m->fresh && m->s->courses[partner].fate != FATE_WAITS);
}

/*
 * A contract that cannot run yet: 1 with the course set, 0, -1. For what is no earlier
 * than the one that it replaces it cannot wait: that may wait for itself.
 */
static int waits(struct making *m, size_t pos, struct err *err)
{
	const struct ties *t = ties_of(m, pos);
	size_t i;
	int ret;

	if (!t->contract || is_open(m, pos))
		return 0;
	ret = waits_for_time(m, pos, err);
	if (ret)
		return ret;
	for (i = 0; i < t->pairs.nr; i++)
		if (t->pairs.at[i] < m->root[pos] && !is_there(m, t->pairs.at[i])) {
			let_wait(m, pos, WAIT_PARTNER, (ssize_t)t->pairs.at[i], NULL);
			return 1;
		}
	for (i = 0; i < t->requires.nr; i++)
		if (m->s->courses[t->requires.at[i]].fate == FATE_WAITS) {
			let_wait(m, pos, WAIT_REQUIRED, (ssize_t)t->requires.at[i], NULL);
			return 1;
		}
	return 0;
}

/* --- contracts of what never ran --------------------------------------- */

/* Also of what is settled; those are read when somebody asks. NULL: -1. */
static const struct ties *any_ties(struct making *m, size_t pos, struct err *err)
{
	struct ties *t = &m->s->ties[pos];

	if (pos < m->s->first && ties_read(m->plan, pos, &m->s->pool, t, err) < 0)
		return NULL;
	return t;
}

/* Of one that replaces another, and may come behind what is being decided. */
static enum force force_ahead(const struct making *m, size_t pos)
{
	size_t root = m->root[pos];

	if (pos <= m->now || is_settled(m, pos) || is_open(m, pos) ||
	    (root != pos && !m->singly[root]))
		return force_of(m, pos);
	if (m->ran[root] > (ssize_t)pos || (root == pos && m->winner[pos] != pos))
		return FORCE_NO;
	return own_need_of(m, pos);
}

/* By one that is in force and was written in view of that, itself or further on: 1, 0,
 * -1.
 */
static int has_heir(struct making *m, size_t pos, size_t behind, struct err *err)
{
	const struct ties *t;
	size_t i;
	int ret = 0;

	for (i = pos + 1; i < m->s->nr && ret == 0; i++) {
		t = any_ties(m, i, err);
		if (!t)
			return -1;
		if (t->supersedes != (ssize_t)pos)
			continue;
		if (force_ahead(m, i) == FORCE_YES)
			ret = i > behind;
		else
			ret = has_heir(m, i, behind, err);
	}
	return ret;
}

/*
 * Whether something that never ran, or what it was to fix, was replaced by one that was
 * written in view of that: 1, 0, -1.
 */
static int is_replaced(struct making *m, size_t pos, size_t behind, struct err *err)
{
	int ret = force_of(m, pos) == FORCE_NO ? has_heir(m, pos, behind, err) : 0;
	const struct ties *t;
	size_t i;

	if (ret != 0 || force_of(m, pos) != FORCE_NO)
		return ret;
	t = any_ties(m, pos, err);
	if (!t)
		return -1;
	for (i = 0; i < t->fixes.nr; i++) {
		ret = is_replaced(m, t->fixes.at[i], behind, err);
		if (ret <= 0)
			return ret;
	}
	return t->fixes.nr > 0;
}

/* Whether what it fixes was replaced, and not itself: what replaces it does the same. */
static int is_left_out(struct making *m, size_t pos, size_t behind, struct err *err)
{
	int ret = has_heir(m, pos, pos, err);

	if (ret != 0)
		return ret < 0 ? -1 : 0;
	return is_replaced(m, pos, behind, err);
}

/* A day or a tag: no commit tells whether it had come when another one was written. */
static bool has_day(const struct making *m, size_t pos)
{
	const struct trailers *t = &m->plan->items[pos].trailers;
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (t->items[i].key == TRAILER_NOT_BEFORE)
			return true;
	return false;
}

/*
 * A contract that clears away what nobody has left here. What was written to replace
 * its partners before it, or without knowing whether its day would have come, leaves
 * that to it. 1 with the course set, 0, -1.
 */
static int has_nothing_to_clear(struct making *m, size_t pos, struct err *err)
{
	const struct ties *t = ties_of(m, pos);
	size_t i;
	int ret;

	if (!t->contract || !t->pairs.nr || t->fixes.nr || t->loose ||
	    t->supersedes >= 0 || has_day(m, pos) || is_open(m, pos) ||
	    is_open(m, m->winner[pos]))
		return 0;
	for (i = 0; i < t->pairs.nr; i++) {
		if (t->pairs.at[i] >= pos)
			return 0;
		ret = is_left_out(m, t->pairs.at[i], pos, err);
		if (ret <= 0)
			return ret;
	}
	decide(m, pos, FATE_UNNEEDED, (ssize_t)t->pairs.at[0]);
	return 1;
}

/* --- one entry --------------------------------------------------------- */

/* What it fixes that is not in force; all of it is so. */
static ssize_t first_fixed(const struct making *m, size_t pos, enum force force)
{
	const struct positions *fixes = &ties_of(m, pos)->fixes;
	size_t i;

	for (i = 0; i < fixes->nr; i++)
		if (force_of(m, fixes->at[i]) == force)
			return (ssize_t)fixes->at[i];
	return -1;
}

/* One that runs requires one that waits. */
static void hold_back(struct making *m, size_t pos)
{
	const struct positions *needs = &ties_of(m, pos)->requires;
	size_t i;

	for (i = 0; i < needs->nr && !is_open(m, pos); i++)
		if (m->s->courses[needs->at[i]].fate == FATE_WAITS)
			decide(m, pos, FATE_HELD, (ssize_t)needs->at[i]);
}

static void run_it(struct making *m, size_t pos)
{
	decide(m, pos, FATE_RUN, -1);
	hold_back(m, pos);
}

/* As `need` says; `other`: why not, where it fixes nothing. 0 or -1. */
static int by_need(struct making *m, size_t pos, enum force need, ssize_t other,
		   struct err *err)
{
	int ret = 0;

	if (is_open(m, pos)) {
		decide(m, pos, FATE_RUN, -1);
	} else if (need == FORCE_NO) {
		if (other < 0)
			other = first_fixed(m, pos, FORCE_NO);
		decide(m, pos, FATE_UNNEEDED, other);
	} else if (need == FORCE_WAITS) {
		let_wait(m, pos, WAIT_FIXED, first_fixed(m, pos, FORCE_WAITS), NULL);
	} else {
		ret = has_nothing_to_clear(m, pos, err);
		if (ret == 0)
			ret = waits(m, pos, err);
		if (ret == 0)
			run_it(m, pos);
	}
	return ret < 0 ? -1 : 0;
}

/* --- those that replace each other ------------------------------------- */

static bool is_member(const struct making *m, size_t root, size_t pos)
{
	return !is_settled(m, pos) && m->root[pos] == root;
}

/* One of them ran, or they are not needed: each at its own position. 0 or -1. */
static int decide_singly(struct making *m, size_t pos, struct err *err)
{
	ssize_t ran = m->ran[m->root[pos]];

	if (ran > (ssize_t)pos && !is_open(m, pos)) {
		decide(m, pos, FATE_SUPERSEDED, ran);
		return 0;
	}
	if (ran < 0)
		ran = ties_of(m, pos)->supersedes;
	return by_need(m, pos, own_need_of(m, pos), ran, err);
}

/* What the last of them does, the others do not: they wait with it, or for good. */
static void decide_others(struct making *m, size_t root)
{
	size_t winner = m->winner[root], pos;
	const struct course *c = &m->s->courses[winner];

	for (pos = root; pos < winner; pos++) {
		if (!is_member(m, root, pos))
			continue;
		if (c->fate == FATE_WAITS)
			let_wait(m, pos, WAIT_TOGETHER, (ssize_t)winner, NULL);
		else
			decide(m, pos, FATE_SUPERSEDED, (ssize_t)winner)
				->place = c->place == root ? pos : winner;
	}
}

static bool name_member(const struct making *m, const struct positions *p, size_t root)
{
	size_t i;

	for (i = 0; i < p->nr; i++)
		if (p->at[i] >= root && is_member(m, root, p->at[i]))
			return true;
	return false;
}

/* Whether something before the last of them, and not settled, needs one of them. */
static bool are_required(const struct making *m, size_t root)
{
	size_t pos;

	for (pos = root + 1; pos < m->winner[root]; pos++)
		if (!is_settled(m, pos) &&
		    (name_member(m, &ties_of(m, pos)->requires, root) ||
		     name_member(m, &ties_of(m, pos)->pairs, root)))
			return true;
	return false;
}

/* Whether what it requires is there by then: it may itself be replaced, further on. */
static bool is_ready(const struct making *m, size_t pos, size_t root)
{
	const struct positions *needs = &ties_of(m, pos)->requires;
	const struct course *c;
	size_t i;

	for (i = 0; i < needs->nr; i++) {
		c = &m->s->courses[needs->at[i]];
		if (c->fate == FATE_SUPERSEDED && needs->at[i] < root &&
		    m->s->courses[c->other].place >= root)
			return false;
	}
	return true;
}

/* The last of them runs in the place of all. 0 or -1. */
static int decide_winner(struct making *m, size_t root, struct err *err)
{
	size_t winner = m->winner[root];
	struct course *c = &m->s->courses[winner];
	int ret = waits(m, winner, err);
	size_t needed;

	if (ret < 0)
		return -1;
	if (ret == 0) {
		run_it(m, winner);
		c->replaces = (ssize_t)root;
		if (is_ready(m, winner, root) &&
		    (m->last_place < (ssize_t)root || are_required(m, root))) {
			c->place = root;
			c->unsound = ties_unsound(m->s->ties, root, winner, &needed);
		}
	}
	decide_others(m, root);
	return 0;
}

/* All of them, for what they are to fix. */
static void wait_for_fixed(struct making *m, size_t root)
{
	ssize_t fixed = first_fixed(m, root, FORCE_WAITS);
	size_t pos;

	for (pos = root; pos <= m->winner[root]; pos++)
		if (is_member(m, root, pos))
			let_wait(m, pos, WAIT_FIXED, fixed, NULL);
}

static int decide_root(struct making *m, size_t root, struct err *err)
{
	bool replaces = ties_of(m, root)->supersedes >= 0; /* one that is settled */
	enum force need = replaces ? own_need_of(m, root) : need_of(m, root);
	int ret;

	m->singly[root] = m->ran[root] >= 0 || need == FORCE_NO;
	if (m->singly[root] && !replaces && m->ran[root] < 0)
		return by_need(m, root, need, -1, err);
	if (m->singly[root])
		return decide_singly(m, root, err);
	if (m->winner[root] == root)
		return by_need(m, root, need, -1, err);
	if (need != FORCE_YES) {
		wait_for_fixed(m, root);
		return 0;
	}
	ret = replaces ? 0 : has_nothing_to_clear(m, root, err);
	if (ret == 0)
		return decide_winner(m, root, err);
	/* what replaces it does its work, of which there is none */
	m->singly[root] = ret > 0;
	return ret < 0 ? -1 : 0;
}

static int decide_entry(struct making *m, size_t pos, struct err *err)
{
	size_t root = m->root[pos];

	if (is_settled(m, pos))
		return 0;
	if (root == pos)
		return decide_root(m, pos, err);
	if (m->singly[root])
		return decide_singly(m, pos, err);
	/* what stands before it is decided by now */
	if (m->winner[root] == pos && m->s->courses[pos].fate == FATE_RUN &&
	    m->s->courses[pos].place == pos)
		hold_back(m, pos);
	return 0;
}

/* Who replaces whom, among what is not settled; and where one of them ran. */
static void find_members(struct making *m)
{
	struct schedule *s = m->s;
	ssize_t of;
	size_t i;

	for (i = 0; i < s->nr; i++) {
		m->root[i] = m->winner[i] = i;
		m->ran[i] = -1;
	}
	for (i = s->first; i < s->nr; i++) {
		of = ties_of(m, i)->supersedes;
		if (of < 0 || is_settled(m, (size_t)of))
			continue;
		if (is_settled(m, i)) {
			if (force_of(m, i) == FORCE_YES)
				m->ran[m->root[of]] = (ssize_t)i;
			continue;
		}
		m->root[i] = m->root[of];
		m->winner[m->root[i]] = i;
	}
	/* the last one goes its way as it was begun; of the others nobody knows yet */
	for (i = s->first; i < s->nr; i++)
		if (!is_settled(m, i) && is_open(m, i) && m->winner[m->root[i]] != i)
			m->ran[m->root[i]] = (ssize_t)i;
}

/* --- the whole --------------------------------------------------------- */

static int look_back(struct making *m, struct err *err)
{
	struct schedule *s = m->s;
	const struct ledger_entry *e;
	size_t *place = xcalloc(s->nr + 1, sizeof(*place));
	size_t i;
	int ret = past_places(m->plan, m->ledger, place, err);

	m->fresh = true;
	m->last_place = -1;
	for (i = 0; i < s->nr && ret == 0; i++) {
		s->courses[i].place = place[i];
		s->courses[i].replaces = s->courses[i].other = -1;
		e = past_entry(m->plan, m->ledger, i);
		s->courses[i].fate = e && e->settled ? FATE_SETTLED : FATE_RUN;
		if (!is_settled(m, i))
			continue;
		m->fresh = false;
		if ((ssize_t)place[i] > m->last_place)
			m->last_place = (ssize_t)place[i];
	}
	free(place);
	return ret;
}

static int read_ties(struct making *m, struct err *err)
{
	struct schedule *s = m->s;
	size_t i;

	for (i = s->first; i < s->nr; i++) {
		if (ties_read(m->plan, i, &s->pool, &s->ties[i], err) < 0)
			return -1;
		s->courses[i].contract = s->ties[i].contract;
	}
	return 0;
}

/* Whoever takes the place of a fix mends what that one was to mend. */
static void take_over_fixes(struct making *m, size_t from, size_t to)
{
	struct positions *theirs = &m->s->ties[from].fixes, *all = &m->s->ties[to].fixes;
	struct positions sum;
	size_t i;

	sum.at = pool_alloc(&m->s->pool, (all->nr + theirs->nr + 1) * sizeof(*sum.at));
	sum.nr = all->nr;
	if (all->nr)
		memcpy(sum.at, all->at, all->nr * sizeof(*sum.at));
	for (i = 0; i < theirs->nr; i++)
		if (!positions_has(&sum, theirs->at[i]))
			sum.at[sum.nr++] = theirs->at[i];
	*all = sum;
}

static void inherit_fixes(struct making *m)
{
	const struct course *c;
	size_t i;

	for (i = m->s->first; i < m->s->nr; i++) {
		c = &m->s->courses[i];
		if (c->fate == FATE_SUPERSEDED && !is_settled(m, (size_t)c->other))
			take_over_fixes(m, i, (size_t)c->other);
	}
}

static int decide_all(struct making *m, struct err *err)
{
	size_t i;

	if (look_back(m, err) < 0 || read_ties(m, err) < 0)
		return -1;
	find_members(m);
	for (i = m->s->first; i < m->s->nr; i++) {
		m->now = i;
		if (decide_entry(m, i, err) < 0)
			return -1;
	}
	inherit_fixes(m);
	schedule_list(m->s);
	return 0;
}

int schedule_make(struct plan *plan, const struct ledger *l, size_t first,
		  const struct schedule_world *world, struct schedule *out,
		  struct err *err)
{
	struct making m = { .plan = plan, .ledger = l, .world = world, .s = out };
	int ret;

	*out = (struct schedule){ .nr = plan->nr, .first = first, .held = -1 };
	out->courses = pool_alloc(&out->pool, (plan->nr + 1) * sizeof(*out->courses));
	if (first == plan->nr)
		return 0; /* all zero: settled */
	out->ties = pool_alloc(&out->pool, plan->nr * sizeof(*out->ties));
	m.root = xcalloc(plan->nr, sizeof(*m.root));
	m.winner = xcalloc(plan->nr, sizeof(*m.winner));
	m.ran = xcalloc(plan->nr, sizeof(*m.ran));
	m.singly = xcalloc(plan->nr, sizeof(*m.singly));
	ret = decide_all(&m, err);
	free(m.root);
	free(m.winner);
	free(m.ran);
	free(m.singly);
	return ret;
}
