/* Where else a migration has run: trackers, or the mirrors of what cannot be reached. */
#include "base/compat.h"

#include "base/err.h"
#include "base/vec.h"
#include "flow/decide_parts.h"
#include "flow/log.h"
#include "git/config.h"
#include "git/repo.h"

enum { CONNECT_SECONDS = 5 };

static enum where where_of(const struct ledger *l, const char *path)
{
	const struct ledger_entry *e = ledger_find(l, path);

	if (!e)
		return WHERE_NOT;
	if (!e->settled)
		return e->started ? WHERE_OPEN : e->failed ? WHERE_FAILED : WHERE_NOT;
	return e->settled->event == EVENT_SUPERSEDED ||
			       e->settled->event == EVENT_UNNEEDED
		       ? WHERE_REPLACED
		       : WHERE_RAN;
}

static struct elsewhere *add(struct deciding *g, const char *target)
{
	struct elsewhere *e;
	size_t i;

	for (i = 0; i < g->nr_others; i++)
		if (strcmp(g->others[i].target, target) == 0)
			return NULL;
	if (strcmp(target, g->d->survey.target.name) == 0)
		return NULL;
	VEC_GROW(g->others, g->nr_others, g->alloc_others);
	e = &g->others[g->nr_others++];
	memset(e, 0, sizeof(*e));
	e->target = pool_strdup(&g->out->pool, target);
	e->where = WHERE_UNKNOWN;
	return e;
}

static int ask_tracker(struct deciding *g, struct elsewhere *e, struct err *err)
{
	const struct target_options o = { .name = e->target,
					  .connect_s = CONNECT_SECONDS };
	struct target t;
	int ret = target_open(&t, g->repo, &o, err);

	if (ret == 0) {
		e->where = where_of(&t.ledger, g->d->path);
		e->source = "tracker";
	}
	target_release(&t);
	return ret;
}

static int ask_mirror(struct deciding *g, struct elsewhere *e, struct err *err)
{
	struct ledger ledger = { 0 };
	struct mirror m;

	if (mirror_read(g->repo, e->target, MIRROR_FETCHED, &g->out->pool, &m, err) < 0)
		return -1;
	if (m.nr == 0)
		return 0;
	mirror_fold(&m, &g->out->pool, &ledger, NULL, NULL);
	e->where = where_of(&ledger, g->d->path);
	e->source = "mirror";
	ledger_release(&ledger);
	return 0;
}

/* One that is in the configuration. */
static int on_configured(void *arg, const char *name)
{
	struct deciding *g = arg;

	if (target_name_ok(name))
		add(g, name);
	return 0;
}

/* One that other clones know: there is its mirror alone. */
static int on_mirrored(void *arg, const char *name, struct err *err)
{
	struct deciding *g = arg;
	struct elsewhere *e = add(g, name);

	return e ? ask_mirror(g, e, err) : 0;
}

int decide_ask_others(struct deciding *g, struct err *err)
{
	struct err why;
	size_t i;

	if (g->asked_others)
		return 0;
	g->asked_others = true;
	config_subsections(repo_config(g->repo), "migrate", "url", on_configured, g);
	for (i = 0; i < g->nr_others; i++) {
		memset(&why, 0, sizeof(why));
		if (ask_tracker(g, &g->others[i], &why) == 0)
			continue;
		if (why.code == ERR_INTERRUPTED) {
			*err = why;
			return -1;
		}
		g->others[i].note = pool_strdup(&g->out->pool, why.message);
		if (ask_mirror(g, &g->others[i], err) < 0)
			return -1;
	}
	return mirror_each(g->repo, on_mirrored, g, err);
}

size_t decide_others(const struct deciding *g, enum where where)
{
	size_t i, nr = 0;

	for (i = 0; i < g->nr_others; i++)
		nr += g->others[i].where == where;
	return nr;
}

static const char *where_words(enum where where)
{
	switch (where) {
	case WHERE_NOT:
		return "it has not run";
	case WHERE_FAILED:
		return "it failed, and was rolled back";
	case WHERE_OPEN:
		return "it was begun, and the log does not say how it ended";
	case WHERE_RAN:
		return "it has run";
	case WHERE_REPLACED:
		return "another one took its place";
	case WHERE_UNKNOWN:
		return "neither its tracker nor a mirror of it can be read";
	}
	BUG("unhandled place %d", (int)where);
}

void decide_tell_others(const struct deciding *g, struct buf *lines)
{
	const struct elsewhere *e;

	if (g->nr_others == 0)
		buf_adds(lines, "no other target is known\n");
	for (e = g->others; e < g->others + g->nr_others; e++) {
		buf_addf(lines, "target %s: %s", e->target, where_words(e->where));
		if (e->source)
			buf_addf(lines, " (%s)", e->source);
		if (e->note)
			buf_addf(lines, "; %s", e->note);
		buf_addc(lines, '\n');
	}
}
