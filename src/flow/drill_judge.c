#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "core/ties.h"
#include "flow/app.h"
#include "flow/check.h"
#include "flow/drill.h"
#include "flow/drill_judge.h"
#include "flow/drill_kept.h"
#include "flow/drill_writers.h"
#include "flow/fixes.h"
#include "flow/survey.h"
#include "git/repo.h"

const char *drill_area_word(enum drill_area area)
{
	switch (area) {
	case DRILL_AREA_HISTORY:
		return "history";
	case DRILL_AREA_LOG:
		return "log";
	case DRILL_AREA_PLAN:
		return "plan";
	case DRILL_AREA_OLD:
		return "old";
	case DRILL_AREA_NEW:
		return "new";
	case DRILL_AREA_DATA:
		return "data";
	case DRILL_AREA_WRITERS:
		return "writers";
	}
	BUG("unhandled area %d", (int)area);
}

void drill_judgement_release(struct drill_judgement *j)
{
	free(j->items);
	memset(j, 0, sizeof(*j));
}

void drill_judgement_add(struct drill *d, struct drill_judgement *to,
			 enum drill_area area, const char *what, const char *why)
{
	VEC_GROW(to->items, to->nr, to->alloc);
	to->items[to->nr++] = (struct drill_verdict){
		.area = area,
		.ok = !why,
		.what = pool_strdup(&d->pool, what),
		.why = pool_strdup(&d->pool, why ? why : ""),
	};
	to->failed += why != NULL;
}

/* --- history ----------------------------------------------------------- */

static int judge_history(struct drill *d, struct drill_judgement *out, struct err *err)
{
	struct findings f = { 0 };
	struct oid base, head;
	size_t i;
	int ret;

	if (repo_resolve(d->repo, d->base, &base, err) < 0 ||
	    repo_resolve(d->repo, "HEAD", &head, err) < 0)
		return -1;
	ret = check_range(d->repo, &base, &head, &f, err);
	for (i = 0; ret == 0 && i < f.nr; i++)
		if (!f.items[i].warning)
			drill_judgement_add(d, out, DRILL_AREA_HISTORY,
					    rule_name(f.items[i].rule),
					    f.items[i].message);
	if (ret == 0 && !f.errors)
		drill_judgement_add(d, out, DRILL_AREA_HISTORY,
				    "nothing that stood was changed", NULL);
	findings_release(&f);
	return ret;
}

/* --- log and plan ------------------------------------------------------ */

static void judge_log(struct drill *d, const struct survey *s,
		      struct drill_judgement *out)
{
	const struct ledger *l = &s->target.ledger;
	char *hash;
	size_t seq = (size_t)strtoul(d->head, &hash, 10);

	if (*hash == ':' && seq > 0 && seq <= l->nr &&
	    strcmp(l->records[seq - 1].hash, hash + 1) == 0)
		drill_judgement_add(d, out, DRILL_AREA_LOG,
				    "the database's log went on from where it was", NULL);
	else
		drill_judgement_add(d, out, DRILL_AREA_LOG, "the database's log",
				    "it is not the one that the drill began with: what "
				    "was in that "
				    "database is gone");
}

static void judge_applied(struct drill *d, const struct survey *s,
			  struct drill_judgement *out)
{
	struct buf why = BUF_INIT;
	size_t nr = 0, i;

	for (i = 0; i < s->problems.nr; i++)
		if (!s->problems.items[i].warning)
			drill_judgement_add(d, out, DRILL_AREA_PLAN,
					    rule_name(s->problems.items[i].rule),
					    s->problems.items[i].message);
	for (i = 0; i < s->plan.nr; i++)
		if (survey_is_pending(s, i))
			buf_addf(&why, "%s%s", nr++ ? ", " : "", s->plan.items[i].path);
	if (nr)
		buf_adds(&why, nr > 1 ? " are not applied" : " is not applied");
	drill_judgement_add(d, out, DRILL_AREA_PLAN, "all that is committed is applied",
			    why.len ? why.s : NULL);
	buf_release(&why);
}

/* A fix that is applied, and says what went wrong. */
static int judge_fix(struct drill *d, struct survey *s, struct drill_judgement *out,
		     struct err *err)
{
	const struct fix *by = NULL;
	struct fixes fixes = { 0 };
	ssize_t bad = plan_find(&s->plan, d->incident->bad->name);
	const char *why = "no migration says in \"Fixes:\" that it corrects the bad one";
	size_t nr = 0, i;
	int ret = bad < 0 ? 0 : fixes_read(&s->plan, &fixes, err);

	if (bad >= 0 && ret == 0)
		by = fixes_of(&fixes, (size_t)bad, &nr);
	for (i = 0; i < nr; i++) {
		const struct migration *m = &s->plan.items[by[i].fix];

		if (trailers_get(&m->trailers, TRAILER_FAILURE_MODE))
			why = NULL;
	}
	if (ret == 0)
		drill_judgement_add(d, out, DRILL_AREA_PLAN,
				    "a fix with its failure mode", why);
	fixes_release(&fixes);
	return ret;
}

/* A migration that runs in its place where it never ran. */
static int judge_replacement(struct drill *d, struct survey *s,
			     struct drill_judgement *out, struct err *err)
{
	ssize_t bad = plan_find(&s->plan, d->incident->bad->name);
	const char
		*why = "no migration says in \"Supersedes:\" that it runs in the place "
		       "of the one that fails: another database would fail there too";
	struct ties ties;
	size_t i;

	for (i = 0; bad >= 0 && i < s->plan.nr; i++) {
		if (ties_read(&s->plan, i, &d->pool, &ties, err) < 0)
			return -1;
		if (ties.supersedes == bad)
			why = NULL;
	}
	drill_judgement_add(d, out, DRILL_AREA_PLAN, "one that runs in its place", why);
	return 0;
}

static int judge_plan(struct drill *d, struct drill_judgement *out, struct err *err)
{
	struct survey_options o = { .target.name = "default" };
	struct survey s;
	int ret = survey_take(&s, d->repo, &o, err);

	if (ret == 0) {
		judge_log(d, &s, out);
		judge_applied(d, &s, out);
		if (drill_wants_fix(d->incident))
			ret = judge_fix(d, &s, out, err);
		else if (d->incident->bad->kind == DRILL_LANDED)
			ret = judge_replacement(d, &s, out, err);
	} else if (err->code == ERR_REFUSED) { /* what is there is no log of ours */
		drill_judgement_add(d, out, DRILL_AREA_LOG, "the database's log",
				    err->message);
		ret = 0;
	}
	survey_release(&s);
	return ret;
}

/* --- the application --------------------------------------------------- */

static enum drill_area area_of(const struct drill_part *p)
{
	return strcmp(p->name, "new") == 0 ? DRILL_AREA_NEW : DRILL_AREA_OLD;
}

static void judge_read(struct drill *d, struct app *app, const struct drill_part *p,
		       struct drill_judgement *out)
{
	struct buf rows = BUF_INIT, why = BUF_INIT;
	struct err err = { 0 };

	if (app_read(app, p->text, &rows, &err) < 0)
		buf_adds(&why, err.message);
	else if (strcmp(buf_str(&rows), p->expect) != 0)
		buf_addf(&why, "it gives '%s', and should give '%s'", buf_str(&rows),
			 p->expect);
	drill_judgement_add(d, out, area_of(p), p->about, why.len ? why.s : NULL);
	buf_release(&rows);
	buf_release(&why);
}

static void judge_write(struct drill *d, struct app *app, const struct drill_part *p,
			struct drill_judgement *out)
{
	struct buf rows = BUF_INIT, why = BUF_INIT;
	struct err err = { 0 };

	if (app_try(app, p->text, &rows, &err) < 0)
		buf_adds(&why, err.message);
	else if (strcmp(buf_str(&rows), p->expect) != 0)
		buf_addf(&why, "what it wrote is not there: '%s', and not '%s'",
			 buf_str(&rows), p->expect);
	drill_judgement_add(d, out, area_of(p), p->about, why.len ? why.s : NULL);
	buf_release(&rows);
	buf_release(&why);
}

static void judge_statements(struct drill *d, struct app *app,
			     struct drill_judgement *out)
{
	const struct drill_incident *incident = d->incident;
	size_t i;

	for (i = 0; i < incident->nr; i++) {
		if (incident->parts[i].kind == DRILL_READ)
			judge_read(d, app, &incident->parts[i], out);
		else if (incident->parts[i].kind == DRILL_WRITE)
			judge_write(d, app, &incident->parts[i], out);
	}
}

/* Between two steps: whether nobody has asked to stop. 0 or -1. */
static int go_on(struct err *err)
{
	return wait_poll.wait(NULL, -1, 0, 0, err) < 0 ? -1 : 0;
}

int drill_try_application(struct drill *d, struct drill_judgement *out, struct err *err)
{
	struct app app;
	int ret = app_open(&app, d->url, d->dir, false, err);

	if (ret == 0) {
		judge_statements(d, &app, out);
	} else if (err->code == ERR_REFUSED) {
		drill_judgement_add(d, out, DRILL_AREA_OLD, "the database", err->message);
		ret = 0;
	}
	app_close(&app);
	if (ret < 0 || go_on(err) < 0 || drill_judge_writers(d, out, err) < 0)
		return -1;
	return go_on(err);
}

int drill_judge(struct drill *d, struct drill_judgement *out, struct err *err)
{
	if (judge_history(d, out, err) < 0 || judge_plan(d, out, err) < 0 ||
	    go_on(err) < 0)
		return -1;
	/* what is not in order yet is another schema by itself */
	if (!out->failed && drill_judge_schema(d, out, err) < 0)
		return -1;
	if (drill_try_application(d, out, err) < 0)
		return -1;
	return drill_judge_kept(d, out, err) < 0 ? -1 : go_on(err);
}
