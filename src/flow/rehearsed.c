#include "base/compat.h"

#include "base/buf.h"
#include "base/io.h"
#include "core/past.h"
#include "core/plan.h"
#include "core/proof.h"
#include "core/scenario.h"
#include "core/ties.h"
#include "flow/push.h"
#include "flow/rehearsed.h"
#include "flow/signed.h"
#include "flow/survey.h"
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
	struct ties *ties;    /* by position; NULL: the same */
	struct pool pool;
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

/* --- of those that replace each other ----------------------------------------- */

static int read_ties(struct hearing *h, struct err *err)
{
	struct plan *plan = h->q->plan;
	size_t i;

	h->ties = xcalloc(plan->nr + 1, sizeof(*h->ties));
	for (i = 0; i < plan->nr; i++)
		if (ties_read(plan, i, &h->pool, &h->ties[i], err) < 0)
			return -1;
	return 0;
}

/* Whether one is in force when `pos` is to run. */
static bool is_before(const struct survey *s, size_t i, size_t pos)
{
	const struct course *c = survey_course(s, i), *at = survey_course(s, pos);
	const struct ledger_entry *e;

	if (c->fate == FATE_SETTLED) {
		e = past_entry(&s->plan, &s->target.ledger, i);
		return e && e->settled && event_takes_effect(e->settled->event);
	}
	return (c->fate == FATE_RUN || c->fate == FATE_HELD) &&
	       (c->place < at->place || (c->place == at->place && i < pos));
}

/*
 * Whether the same ones ran in the scratch as here: 1, 0, -1. What failed before it
 * came to the fix does not say, and speaks against it wherever.
 */
static int fits_way(struct hearing *h, size_t pos, const struct proof_line *p,
		    struct err *err)
{
	const struct survey *s = h->q->survey;
	enum proof_key key = PROOF_RAN;
	plan_digest ran;
	size_t root, i;
	bool *took;

	if (!s || (!p->text[PROOF_RAN] && !proof_says(p, PROOF_RESULT, "passed")))
		return 1;
	if (!h->ties && read_ties(h, err) < 0)
		return -1;
	root = ties_root(h->ties, pos);
	took = xcalloc(s->plan.nr + 1, sizeof(*took));
	for (i = 0; i < s->plan.nr; i++)
		took[i] = is_before(s, i, pos);
	if (root != pos && survey_course(s, pos)->place == root) {
		key = PROOF_RAN_IN_PLACE;
		memset(took + root, 0, (s->plan.nr - root) * sizeof(*took));
	}
	ties_ran(&s->plan, h->ties, pos, took, ran);
	free(took);
	return ran[0] ? proof_says(p, key, ran) : !p->text[key];
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

/* Whether it was of what is there now: 1, 0, -1. */
static int fits_now(struct hearing *h, size_t pos, const struct proof_line *p,
		    struct err *err)
{
	int fits;

	if (!h->q->tip)
		return 1;
	fits = fits_original(h->q->plan, p) ? fits_plan(h, pos, p, err) : 0;
	return fits > 0 ? fits_scenario(h, pos, p, err) : fits;
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
	fits = fits_now(h, (size_t)pos, &p, err);
	if (fits > 0)
		fits = signed_line(h->q->repo, &h->notes, &l->object, l->line, err);
	if (fits <= 0)
		return fits;
	fits = fits_way(h, (size_t)pos, &p, err);
	if (fits == 0 && h->q->astray)
		h->q->astray[pos] |= passed;
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
	free(h.ties);
	pool_release(&h.pool);
	pool_release(&pool);
	return ret < 0 ? -1 : 0;
}
