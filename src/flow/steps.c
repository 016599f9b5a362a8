/* What an apply is about to do, as steps; what they share, and what is left out. */
#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "flow/job.h"

size_t job_pos(const struct job *j)
{
	return j->steps[j->next].step.pos;
}

/* The position up to which to run: `--to`, or the end. */
static int find_end(const struct job *j, size_t *end, struct err *err)
{
	struct resolution r;

	*end = j->s->plan.nr;
	if (!j->o->to)
		return 0;
	plan_resolve(&j->s->plan, j->s->plan.nr, j->o->to, &r);
	if (r.how != RESOLVE_FOUND) {
		err_set(err, ERR_USAGE,
			r.how == RESOLVE_MANY ? "'%s' names more than one migration"
					      : "'%s' names no migration of the plan",
			j->o->to);
		err_hint(err, "noMigration", "\"git migrate plan\" lists them.");
		return -1;
	}
	*end = r.pos + 1;
	return 0;
}

/* What was begun is settled before anything else runs, whatever stands before it. */
static void put_open_first(struct job *j)
{
	const struct record *open = j->s->target.ledger.open;
	struct job_step first;
	size_t i;

	if (!open)
		return;
	for (i = j->next; i < j->nr; i++) {
		first = j->steps[i];
		if (first.step.event != EVENT_APPLIED ||
		    strcmp(j->s->plan.items[first.step.pos].path,
			   open->field[FIELD_PATH]) != 0)
			continue;
		memmove(j->steps + j->next + 1, j->steps + j->next,
			(i - j->next) * sizeof(*j->steps));
		j->steps[j->next] = first;
		return;
	}
}

/* What --to leaves, or one that requires what waits. */
static size_t count_left(const struct job *j)
{
	const struct survey *s = j->s;
	const struct course *c;
	size_t i, left = 0;

	for (i = s->judgement.schedule.first; i < s->plan.nr; i++) {
		c = survey_course(s, i);
		left += c->fate == FATE_HELD ||
			(c->fate == FATE_RUN && c->place >= j->end);
	}
	return left;
}

int job_choose(struct job *j, struct err *err)
{
	const struct schedule *s = &j->s->judgement.schedule;
	size_t end, i;

	if (find_end(j, &j->end, err) < 0)
		return -1;
	end = j->end;
	j->steps = xreallocarray(j->steps, j->next + s->nr_steps + 1, sizeof(*j->steps));
	j->nr = j->next;
	j->gated = false;
	for (i = 0; i < s->nr_steps; i++) {
		/* nothing passes one that is held back */
		j->gated = s->steps[i].event == EVENT_APPLIED &&
			   gates_held(&j->s->gates, s->steps[i].pos);
		if (j->gated)
			break;
		if (s->courses[s->steps[i].pos].place < end)
			j->steps[j->nr++] = (struct job_step){ .step = s->steps[i] };
	}
	j->held = s->held >= 0 && s->courses[s->held].place < end ? s->held : -1;
	put_open_first(j);
	j->result->left = count_left(j);
	return 0;
}

/* --- what shares a transaction ----------------------------------------- */

/* Why a step can share no transaction with others; NULL when it can. */
static const char *obstacle(struct job *j, const struct step *step)
{
	const struct target *t = &j->s->target;
	const struct db_capabilities *caps = t->driver->capabilities(t->db);
	struct db_script script;
	struct err ignored;

	if (step->event != EVENT_APPLIED)
		return NULL;
	if (!caps->tx_ddl)
		return "what it changes is not undone with its transaction here";
	if (caps->fresh_session)
		return "each has a session of its own here";
	if (read_directives(j, step->pos, &script, &ignored) < 0 || script.no_transaction)
		return "it cannot run in a transaction";
	if (script.batched)
		return "it is run in batches, a transaction each";
	if (script.foreign_keys)
		return "foreign keys are switched between transactions alone";
	return NULL;
}

static bool shares(void *arg, const struct step *step)
{
	return !obstacle(arg, step);
}

static void tell_singly(struct job *j, const struct step *from, const struct step *to,
			const struct step *other, const char *obstacle)
{
	const struct migration *m = j->s->plan.items;
	struct buf why = BUF_INIT;

	buf_addf(&why, "'%s': %s", m[other->pos].path, obstacle);
	job_tell(j, (struct apply_event){ .step = APPLY_SINGLY,
					  .migration = &m[from->pos],
					  .fix = &m[to->pos],
					  .text = buf_str(&why) });
	buf_release(&why);
}

void job_join(struct job *j)
{
	size_t nr = j->nr - j->next, nr_spans, i, k;
	struct step *steps = xcalloc(nr + 1, sizeof(*steps));
	struct span *spans;

	for (i = 0; i < nr; i++) {
		steps[i] = j->steps[j->next + i].step;
		j->steps[j->next + i].with_next = false;
	}
	nr_spans = schedule_spans(&j->s->judgement.schedule, steps, nr, shares, j,
				  &spans);
	for (i = 0; i < nr_spans; i++) {
		if (spans[i].obstacle >= 0 && !j->told_singly)
			tell_singly(j, &steps[spans[i].from], &steps[spans[i].to],
				    &steps[spans[i].obstacle],
				    obstacle(j, &steps[spans[i].obstacle]));
		for (k = spans[i].from; spans[i].obstacle < 0 && k < spans[i].to; k++)
			j->steps[j->next + k].with_next = !j->apart[steps[k].pos];
	}
	j->told_singly = true;
	free(spans);
	free(steps);
}

void job_part(struct job *j, size_t culprit, const struct err *why)
{
	size_t first = j->next, last = first;

	while (j->steps[last].with_next)
		last++;
	tell_singly(j, &j->steps[first].step, &j->steps[last].step,
		    &j->steps[culprit].step, why->message);
	for (; first < last; first++) {
		j->apart[j->steps[first].step.pos] = true;
		j->steps[first].with_next = false;
	}
}

/* --- what is left out -------------------------------------------------- */

void job_tell_owed(const struct job *j)
{
	struct survey *s = j->s;
	size_t i;

	for (i = s->judgement.schedule.first; i < s->plan.nr; i++)
		if (survey_course(s, i)->fate == FATE_WAITS)
			job_tell(j, (struct apply_event){
					    .step = APPLY_OWED,
					    .migration = &s->plan.items[i],
					    .text = schedule_wait(&s->plan,
								  survey_course(s, i),
								  &s->plan.pool) });
}

int job_refuse_held(const struct job *j, struct err *err)
{
	struct survey *s = j->s;
	const struct course *c = survey_course(s, (size_t)j->held);
	const char *path = s->plan.items[j->held].path;
	const char *other = s->plan.items[c->other].path;

	err_set(err, ERR_REFUSED, "migration '%s' requires '%s', which waits: %s", path,
		other,
		schedule_wait(&s->plan, survey_course(s, (size_t)c->other),
			      &s->plan.pool));
	if (!j->o->dry_run)
		err_detail(err, "What precedes it is applied; it and what follows it are "
				"not.");
	err_hint(err, "held",
		 "Apply again when '%s' can run. What builds on a contract is written "
		 "when that is done.",
		 other);
	return -1;
}
