#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/vec.h"
#include "flow/at.h"
#include "git/repo.h"

static int no_target(const struct log *l, const char *name, struct err *err)
{
	struct buf names = BUF_INIT;
	size_t i;

	if (name)
		err_set(err, ERR_REFUSED, "there is no mirror of a target '%s' here",
			name);
	else if (l->nr_targets)
		err_set(err, ERR_REFUSED, "mirrors of several targets are here");
	else
		err_set(err, ERR_REFUSED, "there is no mirror of a target here");
	for (i = 0; i < l->nr_targets; i++)
		buf_addf(&names, "%s%s", i ? ", " : "", l->targets[i].name);
	if (l->nr_targets)
		err_hint(err, "noMirror", "Name one of these with --target: %s", names.s);
	else
		err_hint(err, "noMirror",
			 "Mirrors that others wrote come with git fetch, once \"git "
			 "migrate init\" has told git of them.");
	buf_release(&names);
	return -1;
}

static int choose_target(struct at *a, const char *name, struct err *err)
{
	a->target = log_target(&a->log, name ? name : "default");
	if (!a->target && !name && a->log.nr_targets == 1)
		a->target = &a->log.targets[0];
	return a->target ? 0 : no_target(&a->log, name, err);
}

/*
 * The newest record that had been written then. Clocks of runners differ: one counts
 * when it or one behind it is dated so. A record that took the place of another log, and
 * was not there yet, leads to the end of that one; into what a database had been before
 * it was copied here, nothing leads. Hashes name what came before, so it ends.
 */
static const struct record *find_then(const struct at *a, struct record *all, size_t nr)
{
	const struct record *r = ledger_last(&a->target->ledger), *next;

	for (; r && strcmp(r->field[FIELD_AT], a->moment) > 0; r = next) {
		next = records_find(all, nr, record_old_hash(r));
		if (!next && r->event != EVENT_CLONED)
			next = records_find(all, nr, r->field[FIELD_PREV]);
	}
	return r;
}

/* Back from there: what the log was. */
static void add_chain(struct at *a, const struct record *then, struct record *all,
		      size_t nr)
{
	const struct record **chain = xcalloc(nr + 1, sizeof(*chain)), *r;
	size_t len = 0;

	for (r = then; r && len < nr; r = records_find(all, nr, r->field[FIELD_PREV]))
		chain[len++] = r;
	while (len)
		ledger_add(&a->ledger, chain[--len]);
	free(chain);
}

/* Nothing was lost: how much of the log had been written then, as find_then. */
static size_t count_then(const struct at *a)
{
	const struct ledger *l = &a->target->ledger;
	size_t i;

	for (i = l->nr; i > 0; i--) {
		if (strcmp(l->records[i - 1].field[FIELD_AT], a->moment) <= 0)
			return i;
		if (l->records[i - 1].event == EVENT_CLONED)
			break;
	}
	return 0;
}

static void find_log(struct at *a)
{
	const struct log_target *t = a->target;
	struct record *all = xcalloc(t->nr_story + 1, sizeof(*all));
	const struct record *then;
	size_t i;

	for (i = 0; i < t->nr_story; i++)
		all[i] = *t->story[i];
	records_sort(all, t->nr_story);
	then = find_then(a, all, t->nr_story);
	add_chain(a, then, all, t->nr_story);
	for (i = 0; then && i < t->nr_story; i++)
		if (strcmp(t->story[i]->hash, then->hash) == 0)
			a->lost_by = log_lost_by(t, t->story[i]);
	free(all);
}

/* The log as it was, whatever became of it. */
static void fold_until(struct at *a)
{
	size_t i, nr;

	if (a->target->nr_lost)
		find_log(a);
	else
		for (i = 0, nr = count_then(a); i < nr; i++)
			ledger_add(&a->ledger, &a->target->ledger.records[i]);
	ledger_fold(&a->ledger);
}

static void find_in_force(struct at *a)
{
	const struct ledger_entry *e;
	const struct record *r;
	size_t i;

	a->in_force = xcalloc(a->ledger.nr + 1, sizeof(const struct record *));
	for (i = 0; i < a->ledger.nr; i++) {
		r = &a->ledger.records[i];
		if (!r->field[FIELD_PATH])
			continue;
		e = ledger_find(&a->ledger, r->field[FIELD_PATH]);
		if (e && e->settled == r && event_takes_effect(r->event))
			a->in_force[a->nr_in_force++] = r;
	}
}

static bool took_effect(const struct ledger_entry *e)
{
	return e && e->settled && event_takes_effect(e->settled->event);
}

static const struct record *settled_by(const struct ledger *l, const char *path)
{
	const struct ledger_entry *e = ledger_find(l, path);

	return e ? e->settled : NULL;
}

static void find_faults(struct at *a)
{
	const struct log *l = &a->log;
	const struct migration *fix;
	struct at_fault *fault;
	char when[CLOCK_TEXT];
	size_t i;

	for (i = 0; i < l->fixes.nr; i++) {
		fix = &l->plan.items[l->fixes.by_of[i].fix];
		if (!took_effect(ledger_find(&a->ledger,
					     l->plan.items[l->fixes.by_of[i].of].path)) ||
		    settled_by(&a->ledger, fix->path))
			continue;
		VEC_GROW(a->faults, a->nr_faults, a->alloc_faults);
		fault = &a->faults[a->nr_faults++];
		clock_text(fix->when, when);
		fault->fix = l->fixes.by_of[i];
		fault->known = strcmp(when, a->moment) <= 0;
		fault->mended = settled_by(&a->target->ledger, fix->path);
	}
}

int at_read(struct repo *repo, const char *rev, const char *target, int64_t seconds,
	    struct at *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	clock_text(seconds, out->moment);
	clock_end_of_second(out->moment);
	if (log_read(repo, rev, &out->log, err) < 0 ||
	    choose_target(out, target, err) < 0)
		return -1;
	fold_until(out);
	find_in_force(out);
	find_faults(out);
	return 0;
}

void at_release(struct at *a)
{
	ledger_release(&a->ledger);
	free(a->in_force);
	free(a->faults);
	log_release(&a->log);
}
