/* What entries that stand in for others, or wait for something, must keep. */
#include "base/compat.h"

#include "core/contract.h"
#include "core/plan.h"
#include "core/policy.h"
#include "core/policy_ties.h"
#include "core/ties.h"

static size_t count(const struct trailers *t, enum trailer_key key)
{
	size_t i, nr = 0;

	for (i = 0; i < t->nr; i++)
		nr += t->items[i].key == key;
	return nr;
}

static void check_phase(const struct migration *m, struct findings *f)
{
	const struct trailers *t = &m->trailers;
	const char *value;
	size_t i;

	if (phase_of(t) == PHASE_OTHER) {
		findings_add(f, RULE_PHASE, false, m->path,
			     "\"Phase: %s\" of migration '%s' is no phase",
			     trailers_get(t, TRAILER_PHASE), m->path);
		findings_hint(f, "Write \"Phase: expand\" or \"Phase: contract\".");
	}
	for (i = 0; i < t->nr; i++) {
		value = t->items[i].value;
		if (t->items[i].key != TRAILER_NOT_BEFORE ||
		    not_before_kind(value) != NOT_BEFORE_WRONG)
			continue;
		findings_add(f, RULE_PHASE, false, m->path,
			     "\"Not-Before: %s\" of migration '%s' is neither a date nor "
			     "what a tag can be called",
			     value, m->path);
		findings_hint(f,
			      "Write a day, as in \"Not-Before: 2027-01-31\" (in UTC), "
			      "or the name of a tag.");
	}
	if (count(t, TRAILER_NOT_BEFORE) && !is_contract(t)) {
		findings_add(f, RULE_PHASE, false, m->path,
			     "migration '%s' says \"Not-Before:\", and only a contract "
			     "waits",
			     m->path);
		findings_hint(f, "Others pass what waits. Write \"Phase: contract\" if "
				 "nothing builds on it; else take the line out.");
	}
}

/* The first of those that replace each other. -1 with `err` set. */
static ssize_t root_of(struct plan *plan, ssize_t pos, struct err *err)
{
	struct pool pool = { 0 };
	struct ties ties;
	int ret = 0;

	while (ret == 0) {
		ret = ties_read(plan, (size_t)pos, &pool, &ties, err);
		if (ret == 0 && ties.supersedes < 0)
			break;
		if (ret == 0)
			pos = ties.supersedes;
	}
	pool_release(&pool);
	return ret < 0 ? -1 : pos;
}

void policy_unsound(const struct plan *plan, size_t pos, size_t of, size_t needed,
		    struct findings *f)
{
	const struct migration *m = plan->items;

	findings_add(f, RULE_SUPERSEDES, false, m[pos].path,
		     needed == of ? "migration '%s' needs '%s', which it supersedes"
				  : "migration '%s' needs '%s', which comes behind '%s', "
				    "whose place it takes",
		     m[pos].path, m[needed].path, m[of].path);
	findings_hint(f,
		      "What it requires, or fixes, must precede '%s', or go with that. "
		      "Write one with \"Supersedes: %s\" that does without it.",
		      m[of].path, m[of].path);
}

/* Whether it can run where the first of those stands that it replaces. 0 or -1. */
static int check_place(struct plan *plan, size_t pos, size_t root, struct findings *f,
		       struct err *err)
{
	struct pool pool = { 0 };
	struct ties *ties = pool_alloc(&pool, (pos + 1) * sizeof(*ties));
	size_t i, needed;
	int ret = 0;

	for (i = root; i <= pos && ret == 0; i++)
		ret = ties_read(plan, i, &pool, &ties[i], err);
	if (ret == 0 && ties_unsound(ties, root, pos, &needed))
		policy_unsound(plan, pos, root, needed, f);
	pool_release(&pool);
	return ret;
}

int policy_check_ties(struct plan *plan, size_t pos, struct findings *f, struct err *err)
{
	const struct migration *m = &plan->items[pos];
	struct pool pool = { 0 };
	struct ties ties;
	ssize_t root;
	int ret = ties_read(plan, pos, &pool, &ties, err);

	check_phase(m, f);
	if (count(&m->trailers, TRAILER_SUPERSEDES) > 1) {
		findings_add(f, RULE_SUPERSEDES, false, m->path,
			     "migration '%s' supersedes more than one", m->path);
		findings_hint(f,
			      "It can take one place. Name the one that is broken; what "
			      "fixes that is left out where it never ran.");
	} else if (ret == 0 && ties.supersedes >= 0) {
		root = root_of(plan, ties.supersedes, err);
		ret = root < 0 ? -1 : check_place(plan, pos, (size_t)root, f, err);
	}
	pool_release(&pool);
	return ret;
}
