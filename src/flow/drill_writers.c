#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "flow/app.h"
#include "flow/drill.h"
#include "flow/drill_place.h"
#include "flow/drill_writers.h"
#include "flow/scratch.h"
#include "git/history.h"
#include "git/repo.h"

struct trial {
	struct drill *d;
	struct scratch scratch;
	struct app app, writer;
	const char *path; /* of what runs */
	unsigned long rows;
	struct buf why; /* "" while all is well */
};

static void trial_release(struct trial *t)
{
	app_close(&t->writer);
	app_close(&t->app);
	scratch_drop(&t->scratch);
	buf_release(&t->why);
}

static void tell(struct trial *t, const struct drill_part *p, const struct err *failed,
		 struct drill_judgement *out)
{
	if (!t->why.len && failed && t->path)
		buf_addf(&t->why, "'%s': %s", t->path, failed->message);
	else if (!t->why.len && failed)
		buf_adds(&t->why, failed->message);
	drill_judgement_add(t->d, out, DRILL_AREA_WRITERS, p->about,
			    t->why.len ? t->why.s : NULL);
}

/* --- one who writes between the statements of a migration -------------- */

/* A statement of a migration has ended, and its transaction is open. */
static void try_to_write(void *arg)
{
	struct trial *t = arg;
	const struct drill_part *p = drill_next(t->d->incident, DRILL_WRITER, NULL);
	struct err err = { 0 };

	if (t->why.len || app_try(&t->writer, p->text, NULL, &err) == 0)
		return;
	buf_addf(&t->why, "while '%s' runs: %s", t->path, err.message);
}

/* Fails as a migration fails: that is told elsewhere. */
static int run_one(struct trial *t, const struct migration *m, const char *sql,
		   struct err *err)
{
	const struct app_watch watch = { try_to_write, t };
	size_t i;

	t->path = m->path;
	for (i = 0; i < m->how.nr; i++)
		if (strcmp(m->how.items[i].word, "no-transaction") == 0)
			return app_alone(&t->app, sql, err);
	return app_write(&t->app, sql, &watch, err);
}

static int run_plan(struct trial *t, struct err *err)
{
	struct plan plan = { 0 }, was = { 0 };
	struct buf sql = BUF_INIT;
	struct oid head, base;
	size_t i;
	int ret = -1;

	if (repo_resolve(t->d->repo, "HEAD", &head, err) < 0 ||
	    repo_resolve(t->d->repo, t->d->base, &base, err) < 0 ||
	    history_plan(t->d->repo, &base, &was, err) < 0 ||
	    history_plan(t->d->repo, &head, &plan, err) < 0)
		goto out;
	for (i = 0, ret = 0; i < plan.nr && ret == 0 && !t->why.len; i++) {
		if (plan_find(&was, plan.items[i].path) >= 0)
			continue;
		buf_reset(&sql);
		ret = plan_describe(&plan, i, err);
		if (ret == 0 &&
		    repo_read_blob(t->d->repo, &plan.items[i].blob, &sql, err) != 0)
			ret = -1;
		if (ret == 0)
			ret = run_one(t, &plan.items[i], buf_str(&sql), err);
	}
out:
	buf_release(&sql);
	plan_release(&plan);
	plan_release(&was);
	return ret;
}

static int judge_writer(struct drill *d, const struct drill_part *p,
			struct drill_judgement *out, struct err *err)
{
	const unsigned kinds = 1u << DRILL_FILE | 1u << DRILL_DATA;
	struct trial t = { .d = d, .scratch = SCRATCH_INIT };
	struct err failed = { 0 };
	int ret = drill_scratch(d, &t.scratch, &t.app, err);

	if (ret == 0)
		ret = drill_fill(&t.app, d->incident, kinds, err);
	if (ret == 0)
		ret = app_open(&t.writer, t.scratch.url.s, d->dir, false, err);
	if (ret == 0)
		tell(&t, p, run_plan(&t, &failed) < 0 ? &failed : NULL, out);
	trial_release(&t);
	return ret;
}

/* --- how much one transaction changes ---------------------------------- */

static int read_rows(struct trial *t, unsigned long *out, struct err *err)
{
	const struct drill_part *p = drill_next(t->d->incident, DRILL_COUNT, NULL);
	struct buf rows = BUF_INIT;
	int ret = app_read(&t->app, p->text, &rows, err);

	*out = strtoul(buf_str(&rows), NULL, 10);
	buf_release(&rows);
	return ret;
}

/* Something is committed: a batch, a migration, or several in one transaction. */
static void look_at_rows(void *arg, const struct apply_event *e)
{
	struct trial *t = arg;
	const struct drill_part *p = drill_next(t->d->incident, DRILL_COUNT, NULL);
	struct err err = { 0 };
	unsigned long now;

	if (e->migration)
		t->path = e->migration->path;
	if (t->why.len || (e->step != APPLY_BATCH && e->step != APPLY_DONE))
		return;
	if (read_rows(t, &now, &err) < 0)
		buf_addf(&t->why, "'%s': %s", t->path, err.message);
	else if (now - t->rows > strtoul(p->name, NULL, 10))
		buf_addf(&t->why,
			 "'%s', with what runs in its transaction, changes %lu rows in "
			 "one go, and %s are allowed",
			 t->path, now - t->rows, p->name);
	t->rows = now;
}

static int judge_count(struct drill *d, const struct drill_part *p,
		       struct drill_judgement *out, struct err *err)
{
	struct trial t = { .d = d, .scratch = SCRATCH_INIT };
	const struct apply_options before = { .rev = d->base };
	const struct apply_options rest = { .tell = look_at_rows, .arg = &t };
	struct err failed = { 0 };
	int ret = drill_scratch(d, &t.scratch, &t.app, err);

	if (ret == 0)
		ret = scratch_apply(&t.scratch, &before, err);
	if (ret == 0)
		ret = drill_fill(&t.app, d->incident,
				 1u << DRILL_DATA | 1u << DRILL_METER, err);
	if (ret == 0)
		ret = read_rows(&t, &t.rows, err);
	if (ret == 0 && scratch_apply(&t.scratch, &rest, &failed) < 0 &&
	    failed.code == ERR_INTERRUPTED) {
		*err = failed;
		ret = -1;
	}
	if (ret == 0)
		tell(&t, p, failed.code ? &failed : NULL, out);
	trial_release(&t);
	return ret;
}

int drill_judge_writers(struct drill *d, struct drill_judgement *out, struct err *err)
{
	const struct drill_part *writer = drill_next(d->incident, DRILL_WRITER, NULL);
	const struct drill_part *count = drill_next(d->incident, DRILL_COUNT, NULL);

	if (writer && judge_writer(d, writer, out, err) < 0)
		return -1;
	return count ? judge_count(d, count, out, err) : 0;
}
