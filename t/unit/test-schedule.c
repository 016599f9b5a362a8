/*
 * What is to be done, beside a slow oracle: random plans are applied to random targets,
 * in runs that fail, by clones that do not know all of the plan yet.
 */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "core/ledger.h"
#include "core/past.h"
#include "core/plan.h"
#include "core/verdict.h"

#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H40 "0123456789abcdef0123456789abcdef01234567"

enum { ENTRIES = 9, NAMES = 3, WORLDS = 20000, RUNS = 6, LAST_DAY = 28 };

/* One migration, as its author wrote it. Positions are those of all that will be. */
struct script {
	int fixes[NAMES], requires[NAMES], pairs[NAMES];
	size_t nr_fixes, nr_requires, nr_pairs;
	int supersedes; /* -1: none */
	bool contract, single;
	int day;	  /* of 2026-11: Not-Before; 0: none */
	bool tag;	  /* Not-Before: v2 */
	unsigned visible; /* from which run on the clone has it */
};

/* What happened to one on the target, by the test's own account. */
struct fact {
	bool settled, force;
	size_t when, place; /* a count of steps */
	unsigned run;
};

struct world {
	unsigned seed;
	struct script all[ENTRIES];
	struct fact facts[ENTRIES];
	bool contracts, late; /* what the plans may have */
	bool tidy;	      /* fixes have contracts, and what they fix is replaced */
	size_t steps;
	size_t cleared, followed; /* contracts that were not needed */
	unsigned run;
	int day;
	bool has_tag;
	struct pool pool; /* records and plans */
	struct ledger ledger;
	struct plan plan;     /* of this run */
	size_t at[ENTRIES];   /* which one each of its entries is */
	ssize_t pos[ENTRIES]; /* and back */
};

static unsigned roll(struct world *w, unsigned of)
{
	w->seed = w->seed * 1103515245u + 12345u;
	return (w->seed >> 16) % of;
}

/* --- plans ------------------------------------------------------------- */

static const char *path_of(struct world *w, size_t i)
{
	return pool_printf(&w->pool, "m%zu.sql", i);
}

/* Some earlier ones that its author could see. */
static size_t choose(struct world *w, size_t i, int limit, int out[NAMES], unsigned odds)
{
	size_t nr = 0;
	int k;

	for (k = 0; k < limit && nr < NAMES; k++)
		if (w->all[k].visible <= w->all[i].visible && roll(w, odds) == 0)
			out[nr++] = k;
	return nr;
}

static int root_in(const struct world *w, int i)
{
	while (w->all[i].supersedes >= 0)
		i = w->all[i].supersedes;
	return i;
}

/* Whether it goes where the root is replaced: it replaces that too, or fixes it. */
static bool goes_with(const struct world *w, int i, int root)
{
	const struct script *s = &w->all[i];
	size_t k;

	if (i < root || root_in(w, i) == root)
		return i >= root;
	for (k = 0; k < s->nr_fixes; k++)
		if (!goes_with(w, s->fixes[k], root))
			return false;
	return s->nr_fixes > 0;
}

/* What nobody can fix there. */
static void drop_unsound(const struct world *w, struct script *s, int root)
{
	size_t k, kept = 0;

	for (k = 0; k < s->nr_fixes; k++)
		if (s->fixes[k] < root || goes_with(w, s->fixes[k], root))
			s->fixes[kept++] = s->fixes[k];
	s->nr_fixes = kept;
}

/* A fix, its contract, what takes the place of either, or of anything. */
static void write_tidy(struct world *w, size_t i)
{
	struct script *s = &w->all[i], *of;
	int at = i ? (int)roll(w, (unsigned)i) : 0;

	*s = (struct script){ .supersedes = -1, .visible = (unsigned)(i * 2 / ENTRIES) };
	of = &w->all[at];
	if (i == 0 || roll(w, 5) == 0)
		return;
	if (of->contract || roll(w, 2)) {
		s->supersedes = at;
		s->contract = of->contract;
		s->nr_pairs = of->nr_pairs;
		memcpy(s->pairs, of->pairs, sizeof(s->pairs));
	} else if (of->nr_fixes) {
		s->contract = true;
		s->day = roll(w, 3) ? 0 : 1 + (int)roll(w, LAST_DAY);
		s->pairs[s->nr_pairs++] = at;
	} else {
		s->fixes[s->nr_fixes++] = at;
	}
}

static void write_script(struct world *w, size_t i)
{
	struct script *s = &w->all[i];
	int one[NAMES], limit;

	memset(s, 0, sizeof(*s));
	s->supersedes = -1;
	s->visible = w->late ? roll(w, RUNS) : (unsigned)(i * RUNS / ENTRIES);
	if (roll(w, 3) == 0 && choose(w, i, (int)i, one, 3))
		s->supersedes = one[0];
	if (roll(w, 3) == 0)
		s->nr_fixes = choose(w, i, (int)i, s->fixes, 3);
	if (s->supersedes >= 0)
		drop_unsound(w, s, root_in(w, s->supersedes));
	limit = s->supersedes < 0 ? (int)i : root_in(w, s->supersedes);
	if (roll(w, 4) == 0)
		s->nr_requires = choose(w, i, limit, s->requires, 4);
	s->single = roll(w, 6) == 0;
	if (!w->contracts || roll(w, 3))
		return;
	s->contract = true;
	s->day = roll(w, 2) ? 1 + (int)roll(w, LAST_DAY) : 0;
	s->tag = roll(w, 4) == 0;
	if (roll(w, 2))
		s->nr_pairs = choose(w, i, limit, s->pairs, 3);
}

static void say(struct trailers *t, enum trailer_key key, const char *value)
{
	t->items[t->nr++] = (struct trailer){ key, value };
}

static void say_all(struct world *w, struct trailers *t, enum trailer_key key,
		    const int *at, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		say(t, key, path_of(w, (size_t)at[i]));
}

static void fill_entry(struct world *w, struct migration *m, size_t i)
{
	struct script *s = &w->all[i];
	struct trailers *t = &m->trailers;

	m->path = path_of(w, i);
	m->known = true;
	m->commit.id[0] = (unsigned char)(i + 1);
	assert_int_equal(oid_parse(&m->blob, H40, OID_HEXSZ), 0);
	t->items = pool_alloc(&w->pool, (3 * NAMES + 4) * sizeof(*t->items));
	say_all(w, t, TRAILER_FIXES, s->fixes, s->nr_fixes);
	say_all(w, t, TRAILER_REQUIRES, s->requires, s->nr_requires);
	say_all(w, t, TRAILER_PAIRS_WITH, s->pairs, s->nr_pairs);
	if (s->supersedes >= 0)
		say(t, TRAILER_SUPERSEDES, path_of(w, (size_t)s->supersedes));
	if (s->contract)
		say(t, TRAILER_PHASE, "contract");
	if (s->day)
		say(t, TRAILER_NOT_BEFORE, pool_printf(&w->pool, "2026-11-%02d", s->day));
	if (s->tag)
		say(t, TRAILER_NOT_BEFORE, "v2");
}

static void make_plan(struct world *w)
{
	struct plan *p = &w->plan;
	size_t i;

	plan_release(p);
	p->folder = "migrations";
	p->items = pool_alloc(&p->pool, ENTRIES * sizeof(*p->items));
	for (i = 0; i < ENTRIES; i++) {
		w->pos[i] = -1;
		if (w->all[i].visible > w->run)
			continue;
		w->pos[i] = (ssize_t)p->nr;
		w->at[p->nr] = i;
		fill_entry(w, &p->items[p->nr++], i);
	}
	plan_index(p);
}

/* --- the log ----------------------------------------------------------- */

static void append(struct world *w, enum event event, const char *path)
{
	const struct record *last = ledger_last(&w->ledger);
	struct record r = { .event = event, .seq = last ? last->seq + 1 : 1 };

	r.field[FIELD_PREV] = last ? last->hash : RECORD_NO_PREV;
	if (path) {
		r.field[FIELD_PATH] = path;
		r.field[FIELD_BLOB] = H40;
		r.field[FIELD_SHA256] = H64;
		r.field[FIELD_COMMIT] = H40;
	}
	if (event == EVENT_EXCEPTED)
		r.field[FIELD_REASON] = "late";
	r.field[FIELD_HEAD] = H40;
	r.field[FIELD_AT] = pool_printf(&w->pool, "2026-11-%02dT07:20:11.123Z", w->day);
	r.field[FIELD_BY] = "me";
	r.field[FIELD_RUN] = pool_printf(&w->pool, "%u", w->run);
	r.field[FIELD_ENGINE] = "sqlite/3.40";
	r.field[FIELD_TARGET] = "6f1c2a3b-0000-4000-8000-0123456789ab";
	r.field[FIELD_TOOL] = "git-migrate/1.0";
	record_seal(&r, &w->pool);
	ledger_add(&w->ledger, &r);
}

/* --- the oracle -------------------------------------------------------- */

static bool will_be_in_force(const struct world *w, int i);

static bool has_to_fix(const struct world *w, int i)
{
	size_t k;

	for (k = 0; k < w->all[i].nr_fixes; k++)
		if (will_be_in_force(w, w->all[i].fixes[k]))
			return true;
	return false;
}

/* The first of those, none of them settled, that lead to each other. */
static int top(const struct world *w, int i)
{
	int of = w->all[i].supersedes;

	return of < 0 || w->facts[of].settled ? i : top(w, of);
}

static bool is_seen(const struct world *w, int i)
{
	return w->pos[i] >= 0;
}

static int heir(const struct world *w, int of)
{
	int i = ENTRIES;

	while (--i > of)
		if (is_seen(w, i) && !w->facts[i].settled && top(w, i) == of)
			break;
	return i;
}

/* Whether an unsettled one was replaced by one that ran: by one that it did not see. */
static bool was_replaced(const struct world *w, int i)
{
	int k;

	for (k = i + 1; k < ENTRIES; k++)
		if (is_seen(w, k) && w->facts[k].force && w->all[k].supersedes >= 0 &&
		    !w->facts[w->all[k].supersedes].settled &&
		    top(w, w->all[k].supersedes) == top(w, i))
			return true;
	return false;
}

/* By what the trailers mean, without contracts. */
static bool will_be_in_force(const struct world *w, int i)
{
	const struct script *first;
	bool needed;
	int of;

	if (w->facts[i].settled)
		return w->facts[i].force;
	of = top(w, i);
	first = &w->all[of];
	needed = has_to_fix(w, of) || (first->supersedes < 0 && !first->nr_fixes);
	if (needed)
		return heir(w, of) == i;
	return has_to_fix(w, i);
}

static void check_fates(struct world *w, const struct judgement *j)
{
	size_t pos;
	bool runs;

	for (pos = 0; pos < w->plan.nr; pos++) {
		const struct course *c = &j->schedule.courses[pos];
		int i = (int)w->at[pos];

		assert_int_equal(c->fate == FATE_SETTLED, w->facts[i].settled);
		if (w->facts[i].settled || w->contracts || was_replaced(w, i))
			continue;
		runs = c->fate == FATE_RUN || c->fate == FATE_HELD;
		assert_int_equal(runs, will_be_in_force(w, i));
	}
}

/* Whether it is in force, or will be behind this run. */
static bool will_be(const struct world *w, const struct judgement *j, int i)
{
	enum fate fate;

	if (!is_seen(w, i) || w->facts[i].settled)
		return w->facts[i].force;
	fate = j->schedule.courses[w->pos[i]].fate;
	return fate == FATE_RUN || fate == FATE_HELD;
}

/* Whether one that knew the contract to be due is in force in its place. */
static bool has_knowing_heir(const struct world *w, const struct judgement *j, int of,
			     int contract)
{
	int i;

	for (i = of + 1; i < ENTRIES; i++) {
		if (w->all[i].supersedes != of)
			continue;
		if (will_be(w, j, i) ? i > contract && !w->all[contract].day
				     : has_knowing_heir(w, j, i, contract))
			return true;
	}
	return false;
}

/* Whether all that it was to mend, to the last, has such an heir. */
static bool is_mended(const struct world *w, const struct judgement *j, int of,
		      int contract)
{
	const struct script *s = &w->all[of];
	size_t k;

	if (will_be(w, j, of))
		return false;
	if (has_knowing_heir(w, j, of, contract))
		return true;
	for (k = 0; k < s->nr_fixes; k++)
		if (!is_mended(w, j, s->fixes[k], contract))
			return false;
	return s->nr_fixes > 0;
}

static bool is_replaced_by_any(const struct world *w, const struct judgement *j, int of)
{
	int i;

	for (i = of + 1; i < ENTRIES; i++)
		if (w->all[i].supersedes == of &&
		    (will_be(w, j, i) || is_replaced_by_any(w, j, i)))
			return true;
	return false;
}

/* A contract whose partners are nowhere, and what they mended was replaced in view of it.
 */
static bool clears_nothing(const struct world *w, const struct judgement *j, int i)
{
	const struct script *s = &w->all[i];
	size_t k;

	if (!s->contract || s->tag || !s->nr_pairs || s->nr_fixes || s->supersedes >= 0)
		return false;
	for (k = 0; k < s->nr_pairs; k++)
		if (is_replaced_by_any(w, j, s->pairs[k]) ||
		    !is_mended(w, j, s->pairs[k], i))
			return false;
	return true;
}

/* That is not needed, and what replaces it is not but to fix; nothing else is not. */
static void check_contracts(struct world *w, const struct judgement *j)
{
	const struct script *s;
	size_t pos;
	bool unneeded;
	int i, root;

	for (pos = 0; pos < w->plan.nr; pos++) {
		i = (int)w->at[pos];
		s = &w->all[i];
		if (w->facts[i].settled)
			continue;
		unneeded = j->schedule.courses[pos].fate == FATE_UNNEEDED;
		if (s->supersedes < 0 && !s->nr_fixes && !was_replaced(w, i)) {
			assert_int_equal(unneeded, clears_nothing(w, j, i));
			w->cleared += unneeded;
		}
		root = top(w, i);
		if (root != i && !s->nr_fixes && w->all[root].supersedes < 0 &&
		    clears_nothing(w, j, root) && !was_replaced(w, i)) {
			assert_true(unneeded);
			w->followed++;
		}
	}
}

/* By the test's own account, not by the log. */
static void check_places(struct world *w, const struct judgement *j)
{
	size_t pos;

	if (w->late || j->schedule.first == w->plan.nr)
		return; /* what comes late bends them; what is all done has none */
	for (pos = 0; pos < w->plan.nr; pos++)
		if (w->facts[w->at[pos]].settled)
			assert_int_equal(w->at[j->schedule.courses[pos].place],
					 w->facts[w->at[pos]].place);
}

/* --- runs -------------------------------------------------------------- */

static int has_tag(void *ctx, const char *name, struct err *err UNUSED)
{
	const struct world *w = ctx;

	assert_string_equal(name, "v2");
	return w->has_tag;
}

/* Whoever wrote the second had the first in place. */
static int is_ancestor(void *ctx, const struct oid *a, const struct oid *b,
		       struct err *err UNUSED)
{
	const struct world *w = ctx;

	return w->all[a->id[0] - 1].visible <= w->all[b->id[0] - 1].visible;
}

static bool shares(void *arg, const struct step *step)
{
	const struct world *w = arg;

	return step->event != EVENT_APPLIED || !w->all[w->at[step->pos]].single;
}

/* Conditions hold, and what it requires is there. */
static void check_may_run(const struct world *w, int i, bool fresh)
{
	const struct script *s = &w->all[i];
	bool fixes = false;
	size_t k;

	assert_true(w->day >= s->day);
	assert_true(w->has_tag || !s->tag);
	for (k = 0; k < s->nr_requires; k++)
		assert_true(w->facts[s->requires[k]].settled);
	for (k = 0; k < s->nr_pairs; k++) {
		const struct fact *f = &w->facts[s->pairs[k]];

		assert_true(fresh || (f->settled && f->run < w->run));
	}
	for (k = 0; k < s->nr_fixes && !fixes; k++)
		fixes = w->facts[s->fixes[k]].force;
	assert_true(fixes || !s->nr_fixes || s->supersedes >= 0);
}

static void settle(struct world *w, size_t pos, enum event event, size_t place)
{
	struct fact *f = &w->facts[w->at[pos]];

	assert_false(f->settled);
	*f = (struct fact){ .settled = true,
			    .force = event == EVENT_APPLIED,
			    .when = w->steps++,
			    .place = w->at[place],
			    .run = w->run };
	append(w, event, w->plan.items[pos].path);
}

static void carry_out(struct world *w, const struct judgement *j, const struct step *step,
		      bool fresh)
{
	const struct course *c = &j->schedule.courses[step->pos];

	assert_int_not_equal(j->of[step->pos], VERDICT_GAP);
	if (step->event != EVENT_APPLIED) {
		settle(w, step->pos, step->event, step->pos);
		return;
	}
	check_may_run(w, (int)w->at[step->pos], fresh);
	if (j->of[step->pos] == VERDICT_LATE)
		append(w, EVENT_EXCEPTED, w->plan.items[step->pos].path);
	if (step->replaces >= 0)
		settle(w, (size_t)step->replaces, EVENT_SUPERSEDED,
		       (size_t)step->replaces);
	settle(w, step->pos, EVENT_APPLIED, c->place);
}

/* Whether what a step runs mends the other one: by its own words, or in another's place.
 */
static bool mends(const struct world *w, const struct schedule *s, size_t fix, size_t of)
{
	const struct script *script;
	size_t pos, k;

	for (pos = 0; pos < w->plan.nr; pos++) {
		if (pos != fix && (s->courses[pos].fate != FATE_SUPERSEDED ||
				   s->courses[pos].other != (ssize_t)fix))
			continue;
		script = &w->all[w->at[pos]];
		for (k = 0; k < script->nr_fixes; k++)
			if ((size_t)script->fixes[k] == w->at[of])
				return true;
	}
	return false;
}

/* All from a pending one to its fix, where all can; nothing else. */
static void check_spans(struct world *w, const struct schedule *s,
			const struct span *spans, size_t nr)
{
	bool wanted[ENTRIES] = { 0 }, got[ENTRIES] = { 0 }, can;
	size_t from, to, i, k;

	for (to = 0; to < s->nr_steps; to++)
		for (from = 0; from < to; from++) {
			can = mends(w, s, s->steps[to].pos, s->steps[from].pos) &&
			      s->steps[from].event == EVENT_APPLIED &&
			      s->steps[to].event == EVENT_APPLIED;
			for (k = from; k <= to; k++)
				can &= shares(w, &s->steps[k]);
			for (k = from; can && k < to; k++)
				wanted[k] = true;
		}
	for (i = 0; i < nr; i++)
		for (k = spans[i].from; spans[i].obstacle < 0 && k < spans[i].to; k++)
			got[k] = true;
	assert_memory_equal(wanted, got, sizeof(got));
}

/* Where a run ends that fails at step `at`: with what was done before its span. */
static size_t end_of(const struct span *spans, size_t nr, size_t at)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (spans[i].obstacle < 0 && spans[i].from <= at && at <= spans[i].to)
			return spans[i].from;
	return at;
}

/* One apply; `well`: none of it fails. Returns how many steps there were. */
static size_t apply(struct world *w, bool well)
{
	const char *today = pool_printf(&w->pool, "2026-11-%02d", w->day);
	const struct surroundings around = {
		.is_ancestor = is_ancestor,
		.ctx = w,
		.world = { .today = today, .has_tag = has_tag, .ctx = w },
	};
	bool fresh = w->steps == 0;
	struct span *spans;
	struct judgement j;
	struct err err = { 0 };
	size_t end, nr, i;

	make_plan(w);
	ledger_fold(&w->ledger);
	assert_int_equal(judge(&w->plan, &w->ledger, &around, &j, &err), 0);
	check_fates(w, &j);
	check_contracts(w, &j);
	check_places(w, &j);
	nr = schedule_spans(&j.schedule, j.schedule.steps, j.schedule.nr_steps, shares, w,
			    &spans);
	check_spans(w, &j.schedule, spans, nr);
	end = j.schedule.nr_steps;
	if (!well && end && roll(w, 3) == 0)
		end = end_of(spans, nr, roll(w, (unsigned)end));
	for (i = 0; i < end; i++)
		carry_out(w, &j, &j.schedule.steps[i], fresh);
	free(spans);
	judgement_release(&j);
	return end;
}

/* --- what must hold in the end ----------------------------------------- */

static void check_end(const struct world *w)
{
	size_t k;
	int i, of;

	for (i = 0; i < ENTRIES; i++) {
		const struct script *s = &w->all[i];
		const struct fact *f = &w->facts[i];
		bool broken = false;

		assert_true(f->settled);
		for (k = 0; k < s->nr_fixes; k++)
			broken |= w->facts[s->fixes[k]].force;
		/* what is broken here is fixed here, and nothing else is */
		if (s->nr_fixes && s->supersedes < 0 && !f->force && broken)
			for (of = i + 1; !w->facts[of].force || root_in(w, of) != i; of++)
				assert_true(of < ENTRIES - 1);
		if (s->nr_fixes && s->supersedes < 0 && !broken)
			assert_false(f->force);
		/* one and its replacement: not both, but for one that fixes */
		if (s->supersedes >= 0 && !s->nr_fixes && w->facts[s->supersedes].force)
			assert_false(f->force);
	}
}

/* The order, as an audit looks at it. */
static void check_order(struct world *w)
{
	struct err err = { 0 };
	int i, k, waited;

	for (i = 0; i < ENTRIES; i++)
		for (k = 0; k < ENTRIES; k++) {
			const struct fact *late = &w->facts[i], *early = &w->facts[k];

			if (!late->force || !early->force || early->when > late->when ||
			    early->place <= (size_t)i || w->late)
				continue;
			waited = past_waited(&w->plan, &w->ledger, (size_t)w->pos[i],
					     (size_t)w->pos[k], &err);
			assert_int_equal(waited, 1);
		}
}

static void live(struct world *w)
{
	size_t i;

	for (i = 0; i < ENTRIES; i++)
		w->tidy ? write_tidy(w, i) : write_script(w, i);
	w->day = 1;
	append(w, EVENT_CREATED, NULL);
	for (w->run = 0; w->run < RUNS; w->run++) {
		apply(w, false);
		w->day += (int)roll(w, 5); /* never behind LAST_DAY */
		w->has_tag |= roll(w, 4) == 0;
	}
	w->day = LAST_DAY;
	w->has_tag = true;
	for (i = 0; apply(w, true); i++, w->run++)
		assert_true(i < ENTRIES);
	check_end(w);
	check_order(w);
}

static void random_worlds(void **state UNUSED)
{
	size_t cleared = 0, followed = 0;
	unsigned i;

	for (i = 0; i < WORLDS; i++) {
		struct world w = { .seed = i * 2654435761u + 1,
				   .contracts = i % 2,
				   .late = i / 2 % 2,
				   .tidy = i % 8 == 1 };

		live(&w);
		cleared += w.cleared;
		followed += w.followed;
		plan_release(&w.plan);
		ledger_release(&w.ledger);
		pool_release(&w.pool);
	}
	assert_true(cleared > 50 && followed > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_worlds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
