#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
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

/* The log as it was: up to the first record of a later time. */
static void fold_until(struct at *a)
{
	const struct ledger *all = &a->target->ledger;
	const struct ledger_entry *e;
	const struct record *r;
	size_t i;

	for (i = 0; i < all->nr; i++) {
		if (strcmp(all->records[i].field[FIELD_AT], a->moment) > 0)
			break;
		ledger_add(&a->ledger, &all->records[i]);
	}
	ledger_fold(&a->ledger);
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
