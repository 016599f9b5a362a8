#include "base/compat.h"

#include "flow/backfill.h"
#include "flow/partly.h"
#include "flow/survey.h"

/* The one that is not to run any more, because of a step; -1: none is. */
static ssize_t replaced_by(const struct survey *s, const struct step *step)
{
	if (step->event == EVENT_APPLIED)
		return step->replaces;
	if (step->event != EVENT_SUPERSEDED ||
	    survey_course(s, (size_t)step->other)->fate == FATE_SETTLED)
		return -1;
	return (ssize_t)step->pos;
}

static void found_replaced(struct survey *s, const struct migration *replaced,
			   const struct migration *by, const struct backfill_part *part)
{
	char hex[OID_HEXSZ + 1];

	findings_add(&s->problems, RULE_BATCHES, false, replaced->path,
		     "migration '%s' cannot run in the place of '%s', which is done in "
		     "part",
		     by->path, replaced->path);
	findings_detail(&s->problems, "Batches of it stay as they were committed: %s.",
			part->words.s);
	findings_hint(&s->problems,
		      "Mend the rows that it stumbled over and let it come to its end "
		      "first, from before that: git migrate apply --at %.12s^%s. What it "
		      "does wrong is mended by a migration with \"Fixes: %s\".",
		      oid_hex(&by->commit, hex), target_argument(&s->target),
		      replaced->path);
}

static int judge_replaced(struct survey *s, const struct step *step, struct err *err)
{
	const struct migration *m = s->plan.items;
	const ssize_t replaced = replaced_by(s, step);
	struct backfill_part part = { .changed = false };
	int ret;

	if (replaced < 0)
		return 0;
	ret = backfill_is_partly_done(&s->target, &m[replaced], &part, err);
	if (ret > 0)
		found_replaced(s, &m[replaced],
			       &m[step->event == EVENT_APPLIED ? (ssize_t)step->pos
							       : step->other],
			       &part);
	buf_release(&part.words);
	return ret < 0 ? -1 : 0;
}

/* As it is now it would begin with the first row. */
static void found_changed(struct survey *s, const struct migration *m,
			  const struct backfill_part *part)
{
	findings_add(&s->problems, RULE_BATCHES, false, m->path,
		     "migration '%s' was changed after batches of it were done", m->path);
	findings_detail(&s->problems,
			"Those of blob %.12s stay as they were committed: %s. The "
			"changed "
			"file would do them again.",
			part->blob, part->words.s);
	findings_hint(&s->problems,
		      "Put the old one back, commit it, and let it come to its end: git "
		      "cat-file blob %.12s >%s/%s. Or write under another name a "
		      "migration that minds what is done, and leave this one out.",
		      part->blob, s->plan.folder, m->path);
}

static int judge_changed(struct survey *s, const struct step *step, struct err *err)
{
	const struct record *open = s->target.ledger.open;
	const struct migration *m = &s->plan.items[step->pos];
	struct backfill_part part = { .changed = false };
	int ret;

	if (step->event != EVENT_APPLIED)
		return 0;
	/* of an open one the same is said by others */
	if (open && strcmp(open->field[FIELD_PATH], m->path) == 0)
		return 0;
	ret = backfill_is_partly_done(&s->target, m, &part, err);
	if (ret > 0 && part.changed)
		found_changed(s, m, &part);
	buf_release(&part.words);
	return ret < 0 ? -1 : 0;
}

int partly_judge(struct survey *s, struct err *err)
{
	const struct schedule *sch = &s->judgement.schedule;
	size_t i;

	for (i = 0; i < sch->nr_steps; i++)
		if (judge_replaced(s, &sch->steps[i], err) < 0 ||
		    judge_changed(s, &sch->steps[i], err) < 0)
			return -1;
	return 0;
}

bool partly_found(const struct survey *s, size_t pos)
{
	const struct findings *f = &s->problems;
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (f->items[i].rule == RULE_BATCHES &&
		    strcmp(f->items[i].path, s->plan.items[pos].path) == 0)
			return true;
	return false;
}
