#include "base/compat.h"

#include "base/buf.h"
#include "base/io.h"
#include "core/plan.h"
#include "core/proof.h"
#include "core/scenario.h"
#include "core/ties.h"
#include "flow/push.h"
#include "flow/rehearsed.h"
#include "flow/signed.h"
#include "git/history.h"
#include "git/notes.h"
#include "git/repo.h"

/* What is known of one migration. */
struct heard {
	bool looked, has_scenario;
	struct oid scenario;
	bool decided; /* by a line of this time */
	int64_t when;
};

struct hearing {
	const struct rehearsed_query *q;
	struct oid notes;
	struct heard *by_pos;
	plan_digest *digests; /* NULL: none was asked for */
	bool *passed;
};

/* The position of what a line is about, as it is, or -1. */
static ssize_t find_subject(const struct plan *plan, const struct proof_line *p)
{
	char path[MIGRATION_PATH_MAX + 1];
	ssize_t pos = -1;

	/* nothing in a migration's path has to be escaped */
	if (proof_copy(p, PROOF_PATH, path, sizeof(path)))
		pos = plan_find(plan, path);
	return pos >= 0 && proof_says_id(p, PROOF_BLOB, &plan->items[pos].blob) ? pos
										: -1;
}

static bool fits_original(const struct plan *plan, const struct proof_line *p)
{
	char path[MIGRATION_PATH_MAX + 1];
	ssize_t pos;

	if (!p->text[PROOF_ORIGINAL] && !p->text[PROOF_ORIGINAL_BLOB])
		return true;
	if (!proof_copy(p, PROOF_ORIGINAL, path, sizeof(path)))
		return false;
	pos = plan_find(plan, path);
	return pos >= 0 && proof_says_id(p, PROOF_ORIGINAL_BLOB, &plan->items[pos].blob);
}

/*
 * Whether it was behind the same migrations, and those that run in their place: what it
 * is to mend is what they leave. 1, 0, -1.
 */
static int fits_plan(struct hearing *h, size_t pos, const struct proof_line *p,
		     struct err *err)
{
	plan_digest instead;

	if (!p->text[PROOF_PLAN])
		return 1;
	if (!h->digests)
		h->digests = plan_digests(h->q->plan);
	if (!proof_says(p, PROOF_PLAN, h->digests[pos]))
		return 0;
	if (ties_instead(h->q->plan, pos, instead, err) < 0)
		return -1;
	return instead[0] ? proof_says(p, PROOF_INSTEAD, instead)
			  : !p->text[PROOF_INSTEAD];
}

/* Whether it was with the scenario that is there now: 1, 0, -1. */
static int fits_scenario(struct hearing *h, size_t pos, const struct proof_line *p,
			 struct err *err)
{
	struct heard *e = &h->by_pos[pos];
	struct buf path = BUF_INIT;
	int found;

	if (!p->text[PROOF_SCENARIO])
		return 1;
	if (!e->looked) {
		scenario_path(&path, h->q->plan->items[pos].path);
		found = history_file(h->q->repo, h->q->tip, path.s, &e->scenario, err);
		buf_release(&path);
		if (found < 0)
			return -1;
		e->looked = true;
		e->has_scenario = found > 0;
	}
	return e->has_scenario && proof_says_id(p, PROOF_SCENARIO, &e->scenario);
}

/* Whether a line says more than what was heard before. */
static bool outweighs(const struct hearing *h, size_t pos, int64_t when, bool passed)
{
	const struct heard *e = &h->by_pos[pos];

	if (!h->q->tip)
		return passed && !h->passed[pos];
	if (!e->decided || when != e->when)
		return !e->decided || when > e->when;
	return h->passed[pos] && !passed;
}

static int hear(struct hearing *h, const struct note_line *l, struct err *err)
{
	const struct plan *plan = h->q->plan;
	struct proof_line p;
	ssize_t pos;
	bool passed;
	int fits;

	if (!proof_read(l->line, &p) || (pos = find_subject(plan, &p)) < 0)
		return 0;
	passed = proof_says(&p, PROOF_RESULT, "passed");
	if (!passed && !proof_says(&p, PROOF_RESULT, "failed"))
		return 0;
	if ((h->q->engine && !proof_fits_engine(&p, h->q->engine)) ||
	    !outweighs(h, (size_t)pos, proof_when(&p), passed))
		return 0;
	if (h->q->tip) {
		fits = fits_original(plan, &p) ? fits_plan(h, (size_t)pos, &p, err) : 0;
		if (fits > 0)
			fits = fits_scenario(h, (size_t)pos, &p, err);
		if (fits <= 0)
			return fits;
	}
	fits = signed_line(h->q->repo, &h->notes, &l->object, l->line, err);
	if (fits <= 0)
		return fits;
	h->by_pos[pos].decided = true;
	h->by_pos[pos].when = proof_when(&p);
	h->passed[pos] = passed;
	return 0;
}

int rehearsed_find(const struct rehearsed_query *q, bool *passed, struct err *err)
{
	struct hearing h = { .q = q, .passed = passed };
	struct notes notes = { 0 };
	struct note_line *dropped = NULL;
	struct pool pool = { 0 };
	size_t nr_dropped = 0, i;
	int ret = push_tip(q->repo, q->push, REHEARSALS_REF, &h.notes, err);

	if (ret > 0) {
		ret = notes_read_at(q->repo, &h.notes, &pool, &notes, err);
		if (ret == 0)
			ret = signed_dropped(q->repo, &h.notes, &pool, &dropped,
					     &nr_dropped, err);
	}
	h.by_pos = xcalloc(q->plan->nr + 1, sizeof(*h.by_pos));
	/* from the end: what is newer mostly stands there, and is verified alone */
	for (i = notes.nr; ret == 0 && i > 0; i--)
		ret = hear(&h, &notes.lines[i - 1], err);
	for (i = 0; ret == 0 && i < nr_dropped; i++)
		ret = hear(&h, &dropped[i], err);
	free(h.by_pos);
	free(h.digests);
	pool_release(&pool);
	return ret < 0 ? -1 : 0;
}
