/* The schedule as steps, which of them belong together, and what is said of them. */
#include "base/compat.h"

#include "base/vec.h"
#include "core/plan.h"
#include "core/schedule.h"

static int cmp_step(const void *a, const void *b, void *courses)
{
	const struct step *x = a, *y = b;
	const struct course *c = courses;
	size_t at_x = c[x->pos].place, at_y = c[y->pos].place;

	if (at_x != at_y)
		return at_x < at_y ? -1 : 1;
	/* what runs goes before the records that say so of others */
	if ((x->event == EVENT_APPLIED) != (y->event == EVENT_APPLIED))
		return x->event == EVENT_APPLIED ? -1 : 1;
	return (x->pos > y->pos) - (x->pos < y->pos);
}

static void add_step(struct schedule *s, size_t pos)
{
	const struct course *c = &s->courses[pos];
	struct step *step = &s->steps[s->nr_steps];

	*step = (struct step){ .pos = pos, .replaces = -1, .other = c->other };
	switch (c->fate) {
	case FATE_SETTLED:
	case FATE_WAITS:
		return;
	case FATE_RUN:
	case FATE_HELD:
		step->event = EVENT_APPLIED;
		step->replaces = c->replaces;
		break;
	case FATE_SUPERSEDED:
		/* with the one that runs in its place */
		if (s->courses[c->other].replaces == (ssize_t)pos)
			return;
		step->event = EVENT_SUPERSEDED;
		break;
	case FATE_UNNEEDED:
		step->event = EVENT_UNNEEDED;
		break;
	}
	s->nr_steps++;
}

/* Nothing passes one that is held, but what passes everything. */
static void hold(struct schedule *s)
{
	size_t i, nr = 0;

	while (nr < s->nr_steps && s->courses[s->steps[nr].pos].fate != FATE_HELD)
		nr++;
	if (nr == s->nr_steps)
		return;
	s->held = (ssize_t)s->steps[nr].pos;
	for (i = nr + 1; i < s->nr_steps; i++) {
		struct course *c = &s->courses[s->steps[i].pos];

		if (c->fate != FATE_RUN)
			continue;
		c->fate = FATE_HELD;
		c->other = s->held;
	}
	s->nr_steps = nr;
}

void schedule_list(struct schedule *s)
{
	size_t pos;

	s->steps = pool_alloc(&s->pool, (s->nr - s->first + 1) * sizeof(*s->steps));
	for (pos = s->first; pos < s->nr; pos++)
		add_step(s, pos);
	if (s->nr_steps > 1)
		qsort_r(s->steps, s->nr_steps, sizeof(*s->steps), cmp_step, s->courses);
	hold(s);
}

/* --- spans ------------------------------------------------------------- */

static ssize_t step_of(const struct step *steps, size_t nr, size_t pos)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (steps[i].pos == pos)
			return steps[i].event == EVENT_APPLIED ? (ssize_t)i : -1;
	return -1;
}

static int cmp_span(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

/* Those that overlap become one; such that cannot be are kept as they are. */
static size_t merge_spans(struct span *spans, size_t nr)
{
	ssize_t whole = -1; /* the newest without an obstacle */
	size_t kept = 0, i;

	for (i = 0; i < nr; i++) {
		if (spans[i].obstacle < 0 && whole >= 0 &&
		    spans[i].from <= spans[whole].to) {
			if (spans[i].to > spans[whole].to)
				spans[whole].to = spans[i].to;
			continue;
		}
		spans[kept] = spans[i];
		if (spans[kept].obstacle < 0)
			whole = (ssize_t)kept;
		kept++;
	}
	return kept;
}

size_t schedule_spans(const struct schedule *s, const struct step *steps, size_t nr,
		      bool (*shares)(void *arg, const struct step *step), void *arg,
		      struct span **out)
{
	const struct positions *fixes;
	struct span *spans = NULL, *one;
	size_t nr_spans = 0, alloc = 0, to, i, k;
	ssize_t from;

	for (to = 0; to < nr; to++) {
		fixes = &s->ties[steps[to].pos].fixes;
		for (i = 0; steps[to].event == EVENT_APPLIED && i < fixes->nr; i++) {
			from = step_of(steps, to, fixes->at[i]);
			if (from < 0)
				continue;
			VEC_GROW(spans, nr_spans, alloc);
			one = &spans[nr_spans++];
			*one = (struct span){ (size_t)from, to, -1 };
			for (k = one->from; k <= to && one->obstacle < 0; k++)
				if (!shares(arg, &steps[k]))
					one->obstacle = (ssize_t)k;
		}
	}
	if (nr_spans > 1)
		qsort(spans, nr_spans, sizeof(*spans), cmp_span);
	*out = spans;
	return nr_spans ? merge_spans(spans, nr_spans) : 0;
}

/* --- in words ---------------------------------------------------------- */

const char *schedule_reason(const struct plan *plan, const struct schedule *s,
			    const struct step *step, struct pool *pool)
{
	const char *other;

	if (step->event == EVENT_APPLIED)
		return pool_printf(pool, "'%s' runs in its place",
				   plan->items[step->pos].path);
	if (step->other < 0)
		BUG("'%s' is not needed for no reason", plan->items[step->pos].path);
	other = plan->items[step->other].path;
	if (step->event == EVENT_SUPERSEDED)
		return pool_printf(pool, "'%s' runs in its place", other);
	if (positions_has(&s->ties[step->pos].fixes, (size_t)step->other))
		return pool_printf(pool, "'%s', which it fixes, is not in force here",
				   other);
	if (positions_has(&s->ties[step->pos].pairs, (size_t)step->other))
		return pool_printf(pool, "'%s', its partner, was replaced here", other);
	return pool_printf(pool, "'%s', which it supersedes, is settled here", other);
}

const char *schedule_wait(const struct plan *plan, const struct course *c,
			  struct pool *pool)
{
	const char *other = c->other >= 0 ? plan->items[c->other].path : "";

	switch (c->wait) {
	case WAIT_NONE:
		return "";
	case WAIT_DATE:
		return pool_printf(pool, "not before %s", c->until);
	case WAIT_TAG:
		return pool_printf(pool, "not before there is a tag '%s'", c->until);
	case WAIT_PARTNER:
		return pool_printf(pool, "its partner '%s' is not applied yet", other);
	case WAIT_REQUIRED:
		return pool_printf(pool, "it requires '%s', which waits", other);
	case WAIT_FIXED:
		return pool_printf(pool, "it fixes '%s', which waits", other);
	case WAIT_TOGETHER:
		return pool_printf(pool, "'%s', which supersedes it, waits", other);
	}
	BUG("unhandled wait %d", (int)c->wait);
}
