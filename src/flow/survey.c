#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/policy_ties.h"
#include "flow/partly.h"
#include "flow/survey.h"
#include "git/config.h"
#include "git/history.h"
#include "git/repo.h"

enum { DAY_LEN = 10 }; /* of "2026-11-22", with which a time begins */

static int ancestor(void *ctx, const struct oid *a, const struct oid *b, struct err *err)
{
	return repo_is_ancestor(ctx, a, b, err);
}

static int has_tag(void *ctx, const char *name, struct err *err)
{
	struct buf ref = BUF_INIT;
	int ret;

	buf_addf(&ref, "refs/tags/%s", name);
	ret = repo_has_ref(ctx, ref.s, err);
	buf_release(&ref);
	return ret;
}

void survey_world(struct repo *repo, char today[CLOCK_TEXT], struct schedule_world *out)
{
	clock_utc(today);
	today[DAY_LEN] = '\0';
	*out = (struct schedule_world){ .today = today, .has_tag = has_tag, .ctx = repo };
}

static const struct record *settled(const struct survey *s, size_t pos)
{
	return ledger_find(&s->target.ledger, s->plan.items[pos].path)->settled;
}

static void found_edited(struct survey *s, size_t pos)
{
	const struct migration *m = &s->plan.items[pos];
	char hex[OID_HEXSZ + 1];

	findings_add(&s->problems, RULE_EDITED, false, m->path,
		     "migration '%s' was edited after it was applied", m->path);
	findings_detail(&s->problems, "Target '%s' ran blob %.12s; the commit has %.12s.",
			s->target.name, settled(s, pos)->field[FIELD_BLOB],
			oid_hex(&m->blob, hex));
	findings_hint(&s->problems,
		      "Restore it (git cat-file blob %.12s >%s/%s) and add a migration "
		      "with the trailer \"Fixes: %s\".",
		      settled(s, pos)->field[FIELD_BLOB], s->plan.folder, m->path,
		      m->path);
}

/*
 * A file that became executable after it was applied. The record has no mode:
 * the commit that it ran from is looked up, for the few that are executable.
 */
static int compare_mode(struct survey *s, size_t pos, struct err *err)
{
	const struct migration *m = &s->plan.items[pos];
	struct oid from, blob;
	const char *hex;
	unsigned mode;
	int held;

	hex = settled(s, pos)->field[FIELD_HEAD];
	if (oid_parse(&from, hex, strlen(hex)) < 0)
		return 0;
	held = repo_is_commit(s->repo, hex, err);
	if (held <= 0)
		return held;
	held = history_holds(s->repo, &from, m->path, &blob, &mode, err);
	if (held <= 0 || mode == m->mode)
		return held < 0 ? -1 : 0;
	findings_add(&s->problems, RULE_MODE, false, m->path,
		     "the mode of migration '%s' was changed after it was applied",
		     m->path);
	findings_detail(&s->problems, "It was %06o when it ran; now it is %06o.", mode,
			m->mode);
	findings_hint(&s->problems,
		      "Give it its mode back (git update-index --chmod=-x "
		      "%s/%s) and commit that.",
		      s->plan.folder, m->path);
	return 0;
}

static int judge_mode(struct survey *s, size_t pos, struct err *err)
{
	return s->plan.items[pos].mode == MODE_EXECUTABLE ? compare_mode(s, pos, err) : 0;
}

/* The plan entry that has the bytes of an applied one that is gone, or NULL. */
static const char *same_bytes(const struct survey *s, const char *blob)
{
	char hex[OID_HEXSZ + 1];
	size_t i;

	for (i = 0; i < s->plan.nr; i++)
		if (strcmp(oid_hex(&s->plan.items[i].blob, hex), blob) == 0)
			return s->plan.items[i].path;
	return NULL;
}

static void found_missing(struct survey *s, const struct ledger_entry *e)
{
	const char *blob = e->settled->field[FIELD_BLOB];
	const char *now = same_bytes(s, blob);
	char head[OID_HEXSZ + 1];

	oid_hex(&s->plan.head, head);
	if (now)
		findings_add(&s->problems, RULE_RENAMED, false, e->path,
			     "migration '%s' was renamed to '%s' after it was applied",
			     e->path, now);
	else
		findings_add(&s->problems, RULE_DELETED, false, e->path,
			     "migration '%s' was applied and is not in the plan",
			     e->path);
	findings_detail(&s->problems,
			"Target '%s' ran it at %s from commit %.12s; the plan is that of "
			"%.12s.",
			s->target.name, e->settled->field[FIELD_AT],
			e->settled->field[FIELD_COMMIT], head);
	if (now)
		findings_hint(&s->problems,
			      "Give it its old name back (git mv %s/%s "
			      "%s/%s).",
			      s->plan.folder, now, s->plan.folder, e->path);
	else
		findings_hint(
			&s->problems,
			"If this is an older or another branch, apply from one that "
			"has it; if the file was deleted, put it back (git cat-file "
			"blob %.12s >%s/%s) and add a migration that undoes its "
			"effect.",
			blob, s->plan.folder, e->path);
}

struct permission {
	const struct survey *s;
	size_t pos;
	const char *reason; /* NULL until found; the plan's pool's */
};

static void look_for_permission(struct permission *p, const struct trailers *t)
{
	struct pool *pool = (struct pool *)&p->s->plan.pool;
	const char *what, *reason;
	struct resolution r;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (t->items[i].key != TRAILER_OUT_OF_ORDER)
			continue;
		trailer_split_reason(pool, t->items[i].value, &what, &reason);
		plan_resolve(&p->s->plan, p->s->plan.nr, what, &r);
		if (r.how == RESOLVE_FOUND && r.pos == p->pos && reason[0])
			p->reason = reason;
	}
}

static int permission_in(void *arg, const struct oid *commit UNUSED, const char *message,
			 size_t len, struct err *err UNUSED)
{
	struct permission *p = arg;
	struct trailers t = { 0 };

	trailers_from_message(&t, (struct pool *)&p->s->plan.pool, message, len);
	look_for_permission(p, &t);
	return p->reason != NULL;
}

static int permission_once(void *arg, const struct oid *commit, const char *message,
			   size_t len, struct err *err)
{
	permission_in(arg, commit, message, len, err);
	return 1;
}

/* "Out-Of-Order:" in the bringing commit or any later one of the line. */
static int find_permission(struct survey *s, size_t pos, const char **reason,
			   struct err *err)
{
	static const struct oid none;
	struct permission p = { .s = s, .pos = pos };
	const struct migration *m = &s->plan.items[pos];

	if (plan_describe(&s->plan, pos, err) < 0)
		return -1;
	look_for_permission(&p, &m->in_message);
	look_for_permission(&p, &m->in_header);
	if (!p.reason && history_each_message(s->repo, &s->plan.head, &m->arrival,
					      permission_in, &p, err) < 0)
		return -1;
	/* the merge that landed it is later than the commit that brings it */
	if (!p.reason && !oid_eq(&m->arrival, &m->commit) &&
	    history_each_message(s->repo, &m->arrival, &none, permission_once, &p, err) <
		    0)
		return -1;
	*reason = p.reason;
	return 0;
}

/* migrate.<target>.order: 1 for "arrival", 0 for "strict" or nothing, -1. */
static int is_arrival_target(const struct survey *s, struct err *err)
{
	struct buf key = BUF_INIT;
	const char *order;
	int ret = 0;

	if (s->target.scratch)
		return 0;
	buf_addf(&key, "migrate.%s.order", s->target.name);
	order = config_get(repo_config(s->repo), key.s);
	if (order && strcmp(order, "arrival") == 0) {
		ret = 1;
	} else if (order && strcmp(order, "strict") != 0) {
		ret = err_set(err, ERR_FATAL, "%s is '%s'", key.s, order);
		err_hint(err, "order",
			 "It can be \"strict\" (the default) or \"arrival\".");
	}
	buf_release(&key);
	return ret;
}

static void found_out_of_order(struct survey *s, size_t pos)
{
	const char *path = s->plan.items[pos].path;
	const char *behind = s->plan.items[s->judgement.behind[pos]].path;
	bool gap = s->judgement.of[pos] == VERDICT_GAP;

	findings_add(&s->problems, gap ? RULE_GAP : RULE_LATE, false, path,
		     gap ? "there is a gap: '%s' is pending and '%s' behind it was "
			   "applied"
			 : "migration '%s' arrived late: '%s' behind it was applied",
		     path, behind);
	findings_detail(&s->problems,
			gap ? "'%s' was written with '%s' in place."
			    : "Neither '%s' nor '%s' knew of the other.",
			gap ? behind : path, gap ? path : behind);
	findings_hint(&s->problems,
		      "To let it run now, commit the trailer \"Out-Of-Order: %s -- "
		      "<reason>\" (git commit --allow-empty); the reason goes into the "
		      "log.%s",
		      path,
		      gap ? ""
			  : " For a database that sees side branches first, set "
			    "migrate.<target>.order to \"arrival\".");
}

static int judge_order(struct survey *s, size_t pos, struct err *err)
{
	const char *reason;
	int arrival = 0;

	if (find_permission(s, pos, &reason, err) < 0)
		return -1;
	if (!reason && s->judgement.of[pos] == VERDICT_LATE) {
		arrival = is_arrival_target(s, err);
		if (arrival < 0)
			return -1;
	}
	if (arrival)
		reason = "late arrival on a target of order=arrival";
	if (reason)
		s->exceptions[pos] = reason;
	else
		found_out_of_order(s, pos);
	return 0;
}

/*
 * Behind a shallow boundary the order is unknown. That matters only where one of
 * several such entries is pending. Returns whether it does.
 */
static bool judge_boundary(struct survey *s)
{
	size_t i, unknown = 0, pending = 0, first = 0;

	for (i = 0; i < s->plan.nr; i++) {
		if (!s->plan.items[i].order_unknown)
			continue;
		unknown++;
		if (survey_is_pending(s, i) && pending++ == 0)
			first = i;
	}
	if (!pending || unknown == 1)
		return false;
	findings_add(&s->problems, RULE_SHALLOW, false, s->plan.items[first].path,
		     "this clone is too shallow to tell the order of %zu migrations, "
		     "'%s' among them",
		     unknown, s->plan.items[first].path);
	findings_hint(&s->problems, "Bring the history: git fetch --unshallow. In CI: "
				    "\"fetch-depth: 0\" "
				    "(GitHub, Forgejo), GIT_DEPTH: 0 (GitLab).");
	return true;
}

static bool plan_has(const struct plan *plan, const struct ledger_entry *e)
{
	ssize_t pos = plan->nr ? plan_find(plan, e->path) : -1;
	char blob[OID_HEXSZ + 1];

	return pos >= 0 && strcmp(oid_hex(&plan->items[pos].blob, blob),
				  e->settled->field[FIELD_BLOB]) == 0;
}

int survey_comes_later(struct repo *repo, const struct plan *plan,
		       const struct ledger_entry *e, struct plan *cache, struct err *err)
{
	const char *hex = e->settled->field[FIELD_HEAD];
	struct oid head;
	int known;

	/* the plan of one later commit mostly has what all ran from */
	if (plan_has(cache, e))
		return 1;
	if (oid_parse(&head, hex, strlen(hex)) < 0 || oid_eq(&cache->head, &head))
		return 0;
	known = repo_is_commit(repo, hex, err);
	if (known <= 0)
		return known;
	known = repo_is_ancestor(repo, &plan->head, &head, err);
	if (known <= 0 || oid_eq(&plan->head, &head)) {
		if (!cache->nr)
			cache->head = head; /* asked, and it is none */
		return known < 0 ? -1 : 0;
	}
	plan_release(cache);
	if (history_plan(repo, &head, cache, err) < 0)
		return -1;
	return plan_has(cache, e);
}

/* Of those that the plan lacks, the one that was settled last. */
static const struct ledger_entry *newest_missing(const struct judgement *j)
{
	const struct ledger_entry *newest = j->missing[0];
	size_t i;

	for (i = 1; i < j->nr_missing; i++)
		if (j->missing[i]->settled->seq > newest->settled->seq)
			newest = j->missing[i];
	return newest;
}

static int judge_missing(struct survey *s, struct err *err)
{
	const struct judgement *j = &s->judgement;
	struct plan cache = { 0 };
	size_t i, later = 0;
	int known, ret = -1;

	if (j->nr_missing &&
	    survey_comes_later(s->repo, &s->plan, newest_missing(j), &cache, err) < 0)
		goto out;
	for (i = 0; i < j->nr_missing; i++) {
		known = survey_comes_later(s->repo, &s->plan, j->missing[i], &cache, err);
		if (known < 0)
			goto out;
		later += (size_t)known;
	}
	s->ahead = later == j->nr_missing && later > 0 &&
		   j->count[VERDICT_SETTLED] + j->count[VERDICT_WAITING] == j->nr;
	for (i = 0; i < j->nr_missing && !s->ahead; i++)
		found_missing(s, j->missing[i]);
	ret = 0;
out:
	plan_release(&cache);
	return ret;
}

/* The plan of the protected branch; empty where there is none. */
static int landed_plan(struct repo *repo, struct plan *out, struct err *err)
{
	struct buf ref = BUF_INIT;
	struct oid tip;
	int found = repo_protected_ref(repo, &ref, err);

	if (found > 0)
		found = repo_ref(repo, ref.s, &tip, err);
	if (found > 0)
		found = history_plan(repo, &tip, out, err);
	buf_release(&ref);
	return found < 0 ? -1 : 0;
}

/*
 * Trailers and names of what is to be run. What has landed cannot be changed
 * any more, so there a fault is only said.
 */
static int judge_policy(struct survey *s, struct err *err)
{
	size_t before = s->problems.nr, errors = s->problems.errors, i;
	struct plan landed = { 0 };
	struct finding *f;
	ssize_t pos;

	if (policy_new_entries(&s->plan, s->first_pending, &s->problems, err) < 0)
		return -1;
	if (s->problems.errors == errors)
		return 0;
	if (landed_plan(s->repo, &landed, err) < 0)
		return -1;
	for (i = before; i < s->problems.nr; i++) {
		f = &s->problems.items[i];
		pos = f->path ? plan_find(&s->plan, f->path) : -1;
		if (f->warning || pos < 0)
			continue;
		if (s->judgement.of[pos] == VERDICT_SETTLED ||
		    (landed.nr && plan_find(&landed, f->path) >= 0)) {
			f->warning = true;
			s->problems.errors--;
		}
	}
	plan_release(&landed);
	return 0;
}

/* A rule that was broken where it cannot be mended any more is broken all the same. */
static bool is_found(struct survey *s, const char *path)
{
	struct finding *f;
	bool found = false;
	size_t i;

	for (i = 0; i < s->problems.nr; i++) {
		f = &s->problems.items[i];
		if (f->rule != RULE_SUPERSEDES || strcmp(f->path, path) != 0)
			continue;
		s->problems.errors += f->warning;
		f->warning = false;
		found = true;
	}
	return found;
}

/*
 * Fault of one that is about to take another's place. That it has landed makes it no
 * better: it would run before what it needs.
 */
static void judge_places(struct survey *s)
{
	const struct schedule *sch = &s->judgement.schedule;
	const struct course *c;
	size_t i, needed;

	for (i = sch->first; i < s->plan.nr; i++) {
		c = &sch->courses[i];
		if (c->unsound && !is_found(s, s->plan.items[i].path) &&
		    ties_unsound(sch->ties, (size_t)c->replaces, i, &needed))
			policy_unsound(&s->plan, i, (size_t)c->replaces, needed,
				       &s->problems);
	}
}

static void judge_held(struct survey *s)
{
	const struct schedule *sch = &s->judgement.schedule;
	const char *path, *other;

	if (sch->held < 0)
		return;
	path = s->plan.items[sch->held].path;
	other = s->plan.items[sch->courses[sch->held].other].path;
	findings_add(&s->problems, RULE_HELD, true, path,
		     "migration '%s' requires '%s', which waits: %s", path, other,
		     schedule_wait(&s->plan, &sch->courses[sch->courses[sch->held].other],
				   &s->problems.pool));
	findings_hint(&s->problems,
		      "It runs, and what follows it, when '%s' has run. What builds on a "
		      "contract is written when that is done.",
		      other);
}

ssize_t survey_as_started(const struct survey *s, const struct record *open)
{
	ssize_t pos = s->plan.nr ? plan_find(&s->plan, open->field[FIELD_PATH]) : -1;
	char hex[OID_HEXSZ + 1];

	if (pos < 0 || !survey_is_pending(s, (size_t)pos) ||
	    strcmp(oid_hex(&s->plan.items[pos].blob, hex), open->field[FIELD_BLOB]) != 0)
		return -1;
	return pos;
}

static bool is_batched(struct survey *s, size_t pos)
{
	struct err ignored;

	return plan_describe(&s->plan, pos, &ignored) == 0 &&
	       directives_ask(&s->plan.items[pos].how, "batch");
}

static void judge_open(struct survey *s)
{
	const struct record *open = s->target.ledger.open;
	ssize_t pos;
	bool same;

	if (!open)
		return;
	pos = survey_as_started(s, open);
	same = pos >= 0;
	findings_add(&s->problems, RULE_OPEN, same, open->field[FIELD_PATH],
		     "migration '%s' was begun at %s, and its end is not known",
		     open->field[FIELD_PATH], open->field[FIELD_AT]);
	if (same && is_batched(s, (size_t)pos))
		findings_hint(&s->problems,
			      "It is run in batches. \"git migrate apply%s\" goes on "
			      "behind the last one that was done.",
			      target_argument(&s->target));
	else if (same)
		findings_hint(&s->problems,
			      "It runs outside of a transaction. \"git migrate apply%s\" "
			      "looks what became of it, and goes on.",
			      target_argument(&s->target));
	else
		findings_hint(&s->problems,
			      "It is not in the plan as it was begun. See what became of "
			      "it, and settle it: git migrate diagnose%s %s",
			      target_argument(&s->target), open->field[FIELD_PATH]);
}

/*
 * A database that lost what its mirror holds must not go on as if it had not. One that is
 * another one has lost nothing.
 */
static void judge_mirror(struct survey *s)
{
	struct err why = { 0 };

	if (target_check_uuid(&s->target, s->repo, &why) == 0 &&
	    mirror_check_head(&s->mirror, s->target.name, &s->target.ledger, &why) == 0)
		return;
	findings_add(&s->problems, RULE_MIRROR, false, NULL, "%s", why.message);
	findings_detail(&s->problems, "%s", why.detail);
	findings_hint(&s->problems, "%s", why.hint);
}

int survey_judge(struct survey *s, struct err *err)
{
	char today[CLOCK_TEXT];
	struct surroundings around = { .is_ancestor = ancestor, .ctx = s->repo };
	bool too_shallow;
	size_t i;

	survey_world(s->repo, today, &around.world);
	judgement_release(&s->judgement);
	findings_release(&s->problems);
	free(s->exceptions);
	s->exceptions = xcalloc(s->plan.nr + 1, sizeof(*s->exceptions));
	if (judge(&s->plan, &s->target.ledger, &around, &s->judgement, err) < 0)
		return -1;
	too_shallow = judge_boundary(s);
	s->first_pending = s->plan.nr;
	for (i = 0; i < s->plan.nr; i++) {
		if (s->judgement.of[i] == VERDICT_SETTLED && judge_mode(s, i, err) < 0)
			return -1;
		if (s->judgement.of[i] == VERDICT_EDITED)
			found_edited(s, i);
		else if ((s->judgement.of[i] == VERDICT_GAP ||
			  s->judgement.of[i] == VERDICT_LATE) &&
			 !(too_shallow && s->plan.items[i].order_unknown) &&
			 judge_order(s, i, err) < 0)
			return -1;
		if (s->first_pending == s->plan.nr &&
		    s->judgement.of[i] != VERDICT_SETTLED)
			s->first_pending = i;
	}
	judge_mirror(s);
	judge_open(s);
	if (judge_missing(s, err) < 0 || judge_policy(s, err) < 0)
		return -1;
	judge_places(s);
	judge_held(s);
	if (partly_judge(s, err) < 0)
		return -1;
	return gates_judge(&s->gates, s, err);
}

int survey_take(struct survey *s, struct repo *repo, const struct survey_options *o,
		struct err *err)
{
	struct oid commit;

	memset(s, 0, sizeof(*s));
	s->repo = repo;
	if (target_check_name(o->target.name, err) < 0)
		return -1;
	if (repo_resolve(repo, o->rev ? o->rev : "HEAD", &commit, err) < 0 ||
	    repo_load_shared(repo, &commit, err) < 0 ||
	    history_plan_head(repo, &commit, &s->plan, err) < 0 ||
	    (!o->target.scratch && mirror_read_head(repo, o->target.name, &s->plan.pool,
						    &s->mirror, err) < 0) ||
	    target_open(&s->target, repo, &o->target, err) < 0)
		return -1;
	return survey_judge(s, err);
}

void survey_release(struct survey *s)
{
	free(s->exceptions);
	gates_release(&s->gates);
	judgement_release(&s->judgement);
	findings_release(&s->problems);
	target_release(&s->target);
	plan_release(&s->plan);
}

const struct course *survey_course(const struct survey *s, size_t pos)
{
	return &s->judgement.schedule.courses[pos];
}

size_t survey_unfixed(const struct survey *s, struct unfixed **out)
{
	const struct schedule *sch = &s->judgement.schedule;
	const struct ledger_entry *e;
	size_t nr = 0, alloc = 0, i, k;

	*out = NULL;
	for (i = sch->first; i < s->plan.nr; i++) {
		const struct positions *fixes = &sch->ties[i].fixes;

		if (sch->courses[i].fate == FATE_SETTLED ||
		    sch->courses[i].fate == FATE_SUPERSEDED)
			continue;
		for (k = 0; k < fixes->nr; k++) {
			e = ledger_find(&s->target.ledger,
					s->plan.items[fixes->at[k]].path);
			if (!e || !e->settled || !event_takes_effect(e->settled->event))
				continue;
			VEC_GROW(*out, nr, alloc);
			(*out)[nr++] = (struct unfixed){ fixes->at[k], i };
		}
	}
	return nr;
}

bool survey_is_pending(const struct survey *s, size_t pos)
{
	enum verdict v = s->judgement.of[pos];

	return v == VERDICT_PENDING || v == VERDICT_GAP || v == VERDICT_LATE;
}

size_t survey_pending(const struct survey *s)
{
	return s->judgement.count[VERDICT_PENDING] + s->judgement.count[VERDICT_GAP] +
	       s->judgement.count[VERDICT_LATE];
}

const char *survey_exception(const struct survey *s, size_t pos)
{
	return s->exceptions[pos];
}

static bool is_error(const struct finding *f)
{
	return !f->warning;
}

static bool is_held(const struct finding *f)
{
	return f->warning && (f->rule == RULE_AFTER || f->rule == RULE_UNREHEARSED);
}

static int refuse(const struct survey *s, bool (*counts)(const struct finding *f),
		  struct err *err)
{
	struct buf more = BUF_INIT;
	const struct finding *first = NULL, *f;
	size_t i;

	for (i = 0; i < s->problems.nr; i++) {
		f = &s->problems.items[i];
		if (!counts(f))
			continue;
		if (!first) {
			first = f;
			buf_adds(&more, f->detail);
		} else {
			buf_addf(&more, "%sAlso: %s.", more.len ? "\n" : "", f->message);
		}
	}
	if (!first)
		BUG("nothing to refuse");
	err_set(err, ERR_REFUSED, "%s", first->message);
	if (more.len)
		err_detail(err, "%s", more.s);
	if (first->hint[0])
		err_hint(err, rule_name(first->rule), "%s", first->hint);
	buf_release(&more);
	return -1;
}

int survey_refuse(const struct survey *s, struct err *err)
{
	return refuse(s, is_error, err);
}

int survey_refuse_held(const struct survey *s, struct err *err)
{
	return refuse(s, is_held, err);
}
