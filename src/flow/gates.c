#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "flow/gates.h"
#include "flow/rehearsed.h"
#include "flow/signed.h"
#include "flow/survey.h"
#include "git/config.h"
#include "git/repo.h"

#define SEPARATORS ", \t"

/* Another target, which is to have a migration first. */
struct leader {
	const char *name;
	struct mirror mirror;
	struct ledger ledger;
	size_t lacks; /* how many of the pending ones it has not settled, */
	size_t first; /* and the position of the first */
};

enum rehearsals { REHEARSE_NONE, REHEARSE_FIXES, REHEARSE_ALL };

struct gate {
	struct leader *leaders;
	size_t nr, alloc;
	enum rehearsals rehearsals;
	bool *passed; /* by position */
	bool *astray; /* the same, on a database that went another way */
	size_t lacks, first;
};

struct reading {
	struct gates *g;
	const struct survey *s;
	const char *key;
	struct err *err;
};

/* --- settings ---------------------------------------------------------------- */

static int refuse_leader(const struct reading *r, const char *name)
{
	err_set(r->err, ERR_FATAL, "%s is '%s'", r->key, name);
	err_hint(r->err, "after",
		 strcmp(name, r->s->target.name) == 0
			 ? "A target cannot wait for itself: git config %s <target>"
			 : "It names other targets: git config %s <target>",
		 r->key);
	return -1;
}

static int add_leader(struct reading *r, const char *text, size_t len)
{
	struct gate *gate = r->g->gate;
	const char *name = pool_strndup(&r->g->pool, text, len);
	size_t i;

	if (!target_name_ok(name) || strcmp(name, r->s->target.name) == 0)
		return refuse_leader(r, name);
	for (i = 0; i < gate->nr; i++)
		if (strcmp(gate->leaders[i].name, name) == 0)
			return 0;
	VEC_GROW(gate->leaders, gate->nr, gate->alloc);
	memset(&gate->leaders[gate->nr], 0, sizeof(*gate->leaders));
	gate->leaders[gate->nr++].name = name;
	return 0;
}

/* Each value may name several; an empty one takes back what stands before it. */
static int take_leaders(void *arg, const char *value)
{
	struct reading *r = arg;
	size_t len;

	if (!value[strspn(value, SEPARATORS)])
		r->g->gate->nr = 0;
	for (; *value; value += len) {
		value += strspn(value, SEPARATORS);
		len = strcspn(value, SEPARATORS);
		if (len && add_leader(r, value, len) < 0)
			return -1;
	}
	return 0;
}

static int read_rehearsals(const struct reading *r, enum rehearsals *out)
{
	const struct config *config = repo_config(r->s->repo);
	const char *value = config_get(config, r->key);

	*out = REHEARSE_NONE;
	if (!value)
		return 0;
	if (strcmp(value, "fixes") == 0)
		*out = REHEARSE_FIXES;
	else if (strcmp(value, "all") == 0 || config_bool(config, r->key, false))
		*out = REHEARSE_ALL;
	else if (config_bool(config, r->key, true)) { /* no word for no either */
		err_set(r->err, ERR_FATAL, "%s is '%s'", r->key, value);
		err_hint(r->err, "after",
			 "It can be \"fixes\", \"all\", or \"false\" (the default).");
		return -1;
	}
	return 0;
}

static int read_settings(struct gates *g, const struct survey *s, struct err *err)
{
	struct reading r = { .g = g, .s = s, .err = err };

	g->gate = xcalloc(1, sizeof(*g->gate));
	if (s->target.scratch)
		return 0;
	r.key = pool_printf(&g->pool, "migrate.%s.after", s->target.name);
	if (config_each(repo_config(s->repo), r.key, take_leaders, &r) < 0)
		return -1;
	r.key = pool_printf(&g->pool, "migrate.%s.requirerehearsal", s->target.name);
	return read_rehearsals(&r, &g->gate->rehearsals);
}

/* Product and version; what is not there yet can only be a file. */
static const char *target_engine(const struct target *t)
{
	return t->db ? t->driver->engine(t->db) : "sqlite";
}

/* What others have settled, and what has passed: once, a run does not change it. */
static int read_evidence(struct gates *g, struct survey *s, struct err *err)
{
	struct rehearsed_query query = { .repo = s->repo,
					 .plan = &s->plan,
					 .tip = &s->plan.head,
					 .engine = target_engine(&s->target),
					 .survey = s };
	struct gate *gate = g->gate;
	struct leader *l;
	size_t i;

	for (i = 0; i < gate->nr; i++) {
		l = &gate->leaders[i];
		if (mirror_read(s->repo, l->name, MIRROR_FETCHED, &g->pool, &l->mirror,
				err) < 0)
			return -1;
		mirror_fold(&l->mirror, &g->pool, &l->ledger, NULL, NULL);
	}
	gate->passed = xcalloc(s->plan.nr + 1, sizeof(*gate->passed));
	gate->astray = xcalloc(s->plan.nr + 1, sizeof(*gate->astray));
	query.astray = gate->astray;
	if (gate->rehearsals == REHEARSE_NONE)
		return 0;
	return rehearsed_find(&query, gate->passed, err);
}

/* --- judging ----------------------------------------------------------------- */

/* What a leader has settled under that name, NULL for nothing. */
static const struct record *settled_there(const struct leader *l,
					  const struct migration *m)
{
	const struct ledger_entry *e = ledger_find(&l->ledger, m->path);

	return e ? e->settled : NULL;
}

/* Whether a signature stands for the record: 1, 0, -1. */
static int is_signed(struct repo *repo, const struct leader *l, const struct record *r,
		     struct err *err)
{
	const struct oid *tips[] = { &l->mirror.base, &l->mirror.parted };
	struct oid place;
	size_t i;
	int is = 0;

	if (!signed_is_asked(repo))
		return 1;
	if (mirror_place(r, &place) < 0)
		return 0;
	for (i = 0; i < ARRAY_SIZE(tips) && !is; i++)
		if (!oid_is_zero(tips[i]))
			is = signed_line(repo, tips[i], &place, r->line, err);
	return is;
}

/* 1, 0, -1 */
static int has_settled(struct repo *repo, const struct leader *l,
		       const struct migration *m, struct err *err)
{
	const struct record *r = settled_there(l, m);
	char blob[OID_HEXSZ + 1];

	if (!r || strcmp(r->field[FIELD_BLOB], oid_hex(&m->blob, blob)) != 0)
		return 0;
	return is_signed(repo, l, r, err);
}

/* As wait_for_rehearsal. */
static int wait_for_leaders(struct gates *g, const struct survey *s, size_t pos,
			    struct held *h, struct err *err)
{
	struct gate *gate = g->gate;
	struct leader *l;
	size_t i;
	int has;

	h->targets = pool_alloc(&g->pool, (gate->nr + 1) * sizeof(*h->targets));
	for (i = 0; i < gate->nr; i++) {
		l = &gate->leaders[i];
		has = has_settled(s->repo, l, &s->plan.items[pos], err);
		if (has < 0)
			return -1;
		if (has)
			continue;
		if (l->lacks++ == 0)
			l->first = pos;
		h->targets[h->nr_targets++] = l->name;
	}
	return 0;
}

/* What it mends, or the ones do in whose place it runs. */
static const struct positions *fixes_of(const struct survey *s, size_t pos)
{
	return &s->judgement.schedule.ties[pos].fixes;
}

/* 0, or -1 when its trailers could not be read. */
static int wait_for_rehearsal(const struct gates *g, struct survey *s, size_t pos,
			      struct held *h, struct err *err)
{
	struct gate *gate = g->gate;

	if (gate->rehearsals == REHEARSE_NONE || gate->passed[pos])
		return 0;
	if (gate->rehearsals == REHEARSE_FIXES && !fixes_of(s, pos)->nr) {
		if (plan_describe(&s->plan, pos, err) < 0)
			return -1;
		if (!trailers_get(&s->plan.items[pos].trailers, TRAILER_FIXES))
			return 0;
	}
	if (gate->lacks++ == 0)
		gate->first = pos;
	h->unrehearsed = true;
	return 0;
}

/* One that was begun is settled, whoever else waits. */
static bool is_begun(const struct survey *s, size_t pos)
{
	const struct record *open = s->target.ledger.open;

	return open && survey_as_started(s, open) == (ssize_t)pos;
}

/* Whether it would be sent to the database; others are a record alone. */
static bool is_run(const struct survey *s, size_t pos)
{
	enum fate fate = survey_course(s, pos)->fate;

	return fate == FATE_RUN || fate == FATE_HELD;
}

static int cmp_place(const void *a, const void *b, void *survey)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	size_t at_x = survey_course(survey, x)->place;
	size_t at_y = survey_course(survey, y)->place;

	if (at_x != at_y)
		return at_x < at_y ? -1 : 1;
	if (is_run(survey, x) != is_run(survey, y))
		return is_run(survey, x) ? -1 : 1;
	return (x > y) - (x < y);
}

/* Positions that gates can hold, in the order in which the schedule comes to them. */
static size_t list_pending(struct gates *g, struct survey *s, size_t **out)
{
	size_t *order = pool_alloc(&g->pool, (s->plan.nr + 1) * sizeof(*order));
	size_t nr = 0, pos;

	for (pos = 0; pos < s->plan.nr; pos++)
		if (survey_is_pending(s, pos) && !is_begun(s, pos))
			order[nr++] = pos;
	if (nr > 1)
		qsort_r(order, nr, sizeof(*order), cmp_place, s);
	*out = order;
	return nr;
}

static void hold(struct gates *g, size_t pos, struct held *h)
{
	g->held[pos] = h;
	g->nr++;
}

static int judge_all(struct gates *g, struct survey *s, const size_t *order, size_t nr,
		     struct err *err)
{
	const char *first = NULL;
	struct held *h;
	size_t i;

	for (i = 0; i < nr; i++) {
		h = pool_alloc(&g->pool, sizeof(*h));
		if (is_run(s, order[i]) &&
		    (wait_for_leaders(g, s, order[i], h, err) < 0 ||
		     wait_for_rehearsal(g, s, order[i], h, err) < 0))
			return -1;
		h->behind = first;
		if (!first && !h->nr_targets && !h->unrehearsed)
			continue;
		if (!first)
			first = s->plan.items[order[i]].path;
		hold(g, order[i], h);
	}
	return 0;
}

/* One that waits and mends this one; -1: there is none. */
static ssize_t held_fix(const struct gates *g, const struct survey *s, size_t broken)
{
	size_t pos;

	for (pos = broken + 1; pos < s->plan.nr; pos++)
		if (g->held[pos] && is_run(s, pos) &&
		    positions_has(fixes_of(s, pos), broken))
			return (ssize_t)pos;
	return -1;
}

/* What is known to be broken does not run ahead of what mends it. */
static void hold_broken(struct gates *g, const struct survey *s, const size_t *order,
			size_t nr)
{
	const char *broken = NULL;
	struct held *h;
	ssize_t fix;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (g->held[order[i]])
			continue;
		fix = !broken && is_run(s, order[i]) ? held_fix(g, s, order[i]) : -1;
		if (!broken && fix < 0)
			continue;
		h = pool_alloc(&g->pool, sizeof(*h));
		h->behind = broken ? broken : s->plan.items[fix].path;
		h->mended = !broken;
		hold(g, order[i], h);
		if (!broken)
			broken = s->plan.items[order[i]].path;
	}
}

/* --- what is said of it ------------------------------------------------------ */

static void found_leader(struct survey *s, const struct leader *l)
{
	const struct migration *m = &s->plan.items[l->first];
	const struct record *r = settled_there(l, m);
	const char *key = pool_printf(&s->plan.pool, "migrate.%s.url", l->name);
	bool is_known = config_get(repo_config(s->repo), key) != NULL;
	char blob[OID_HEXSZ + 1];

	findings_add(&s->problems, RULE_AFTER, true, m->path,
		     l->lacks == 1
			     ? "migration '%s' waits for target '%s', which has not "
			       "applied it"
			     : "migration '%s', and others behind it, wait for "
			       "target '%s', which has not applied them",
		     m->path, l->name);
	if (r && strcmp(r->field[FIELD_BLOB], oid_hex(&m->blob, blob)) == 0) {
		findings_detail(&s->problems,
				"Its mirror shows it, and no commit that adds the record "
				"is signed with a key of migrate.allowedSigners.");
		findings_hint(&s->problems,
			      "Mirrors are signed as they are written where "
			      "migrate.signNotes is true; what is to be run before that "
			      "works: git -c migrate.%s.after= migrate apply %s",
			      s->target.name, s->target.name);
	} else if (r) {
		findings_detail(&s->problems,
				"Target '%s' settled blob %.12s under that name; the "
				"plan has %.12s.",
				l->name, r->field[FIELD_BLOB], blob);
		findings_hint(&s->problems,
			      "Commit it as it ran there, and what is to be otherwise in "
			      "a migration of its own.");
	} else if (l->mirror.nr || is_known) {
		findings_detail(&s->problems, l->mirror.nr
						      ? "That is what its mirror says."
						      : "Its mirror is not here.");
		findings_hint(&s->problems,
			      "Apply it there first: git migrate apply %s. Where another "
			      "clone did, \"git migrate sync\" fetches the mirror.",
			      l->name);
	} else {
		findings_detail(&s->problems,
				"There is neither a target '%s' here nor a mirror of "
				"one.",
				l->name);
		findings_hint(&s->problems,
			      "\"git migrate sync\" fetches mirrors; if the name is "
			      "wrong, name the right one: git config migrate.%s.after "
			      "<target>",
			      s->target.name);
	}
}

/* It has passed, where another one ran of those that replace each other. */
static void found_astray(struct survey *s, const char *path)
{
	const char *engine = target_engine(&s->target);

	findings_detail(&s->problems,
			"One has passed on a database where others ran of those that "
			"replace each other: what it meets here is something else.");
	findings_hint(&s->problems,
		      "Rehearse it on a copy of this target: git migrate rehearse --copy "
		      "%s %s/%s%s",
		      s->target.name, s->plan.folder, path,
		      starts_with(engine, "sqlite")
			      ? ""
			      : "; or of one that went the same way: --on <url> "
				"--template <database>");
}

static void found_unrehearsed(struct survey *s, const struct gate *gate)
{
	const char *path = s->plan.items[gate->first].path;
	const char *engine = target_engine(&s->target);

	findings_add(&s->problems, RULE_UNREHEARSED, true, path,
		     gate->lacks == 1
			     ? "migration '%s' waits for a rehearsal: none of "
			       "it as it is has passed"
			     : "migration '%s', and others behind it, wait for a "
			       "rehearsal: none of them as they are has passed",
		     path);
	if (gate->astray[gate->first]) {
		found_astray(s, path);
		return;
	}
	findings_detail(&s->problems,
			"The newest one on %.*s decides that had the scenario and the "
			"original of the plan, and what precedes it there.%s",
			(int)strcspn(engine, "/"), engine,
			signed_is_asked(s->repo)
				? " Only those count whose note was added by a commit "
				  "that is signed with a key of migrate.allowedSigners."
				: "");
	findings_hint(&s->problems,
		      "Rehearse it: git migrate rehearse %s/%s. What another clone has "
		      "noted: git fetch origin " REHEARSALS_REF ":" REHEARSALS_REF,
		      s->plan.folder, path);
}

int gates_judge(struct gates *g, struct survey *s, struct err *err)
{
	size_t *order, nr, i;

	g->held = NULL;
	g->nr = 0;
	if (!survey_pending(s))
		return 0;
	if (!g->gate && (read_settings(g, s, err) < 0 || read_evidence(g, s, err) < 0))
		return -1;
	if (!g->gate->nr && g->gate->rehearsals == REHEARSE_NONE)
		return 0;
	g->gate->lacks = 0;
	for (i = 0; i < g->gate->nr; i++)
		g->gate->leaders[i].lacks = 0;
	g->held = pool_alloc(&g->pool, (s->plan.nr + 1) * sizeof(*g->held));
	nr = list_pending(g, s, &order);
	if (judge_all(g, s, order, nr, err) < 0)
		return -1;
	hold_broken(g, s, order, nr);
	for (i = 0; i < g->gate->nr; i++)
		if (g->gate->leaders[i].lacks)
			found_leader(s, &g->gate->leaders[i]);
	if (g->gate->lacks)
		found_unrehearsed(s, g->gate);
	return 0;
}

const struct held *gates_held(const struct gates *g, size_t pos)
{
	return g->held ? g->held[pos] : NULL;
}

void gates_say(const struct held *h, struct buf *out)
{
	size_t i;

	if (!h->nr_targets && !h->unrehearsed) {
		buf_addf(out,
			 h->mended ? "waits for what mends it, '%s'"
				   : "waits behind '%s'",
			 h->behind);
		return;
	}
	buf_adds(out, "waits for ");
	for (i = 0; i < h->nr_targets; i++)
		buf_addf(out, "%s%s", i ? ", " : "", h->targets[i]);
	if (h->unrehearsed)
		buf_addf(out, "%sa rehearsal", i ? " and " : "");
}

void gates_release(struct gates *g)
{
	size_t i;

	for (i = 0; g->gate && i < g->gate->nr; i++)
		ledger_release(&g->gate->leaders[i].ledger);
	if (g->gate) {
		free(g->gate->leaders);
		free(g->gate->passed);
		free(g->gate->astray);
	}
	free(g->gate);
	pool_release(&g->pool);
	memset(g, 0, sizeof(*g));
}
