#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "flow/app.h"
#include "flow/drill.h"
#include "flow/drill_place.h"
#include "flow/drill_writers.h"
#include "git/history.h"
#include "git/repo.h"

struct trial {
	struct drill *d;
	struct app app, writer;
	const struct drill_part *write, *count; /* either may be NULL */
	const char *path;			/* of what runs */
	struct buf why;				/* "" while all is well */
};

/* A statement of a migration has ended, and its transaction is open. */
static void try_to_write(void *arg)
{
	struct trial *t = arg;
	struct err err = { 0 };

	if (!t->write || t->why.len || app_try(&t->writer, t->write->text, &err) == 0)
		return;
	buf_addf(&t->why, "while '%s' runs: %s", t->path, err.message);
}

static int read_count(struct trial *t, unsigned long *out, struct err *err)
{
	struct buf rows = BUF_INIT;
	int ret = t->count ? app_read(&t->app, t->count->text, &rows, err) : 0;

	*out = strtoul(buf_str(&rows), NULL, 10);
	buf_release(&rows);
	return ret;
}

/* Fails as a migration fails: that is told elsewhere. */
static int run_one(struct trial *t, const struct migration *m, const char *sql,
		   struct err *err)
{
	const struct app_watch watch = { try_to_write, t };
	unsigned long before, after;
	size_t i;
	int ret;

	t->path = m->path;
	for (i = 0; i < m->how.nr; i++)
		if (strcmp(m->how.items[i].word, "no-transaction") == 0)
			return app_alone(&t->app, sql, err);
	if (read_count(t, &before, err) < 0)
		return -1;
	ret = app_write(&t->app, sql, t->write ? &watch : NULL, err);
	if (ret < 0 || read_count(t, &after, err) < 0)
		return -1;
	if (t->count && after - before > strtoul(t->count->name, NULL, 10))
		buf_addf(&t->why, "'%s' changes %lu rows in one go, and %s are allowed",
			 m->path, after - before, t->count->name);
	return 0;
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

static void tell(struct trial *t, const struct err *failed, struct drill_judgement *out)
{
	const struct drill_part *p = t->write ? t->write : t->count;

	if (!t->why.len && failed)
		buf_addf(&t->why, "'%s': %s", t->path, failed->message);
	drill_judgement_add(t->d, out, DRILL_AREA_WRITERS, p->about,
			    t->why.len ? t->why.s : NULL);
}

int drill_judge_writers(struct drill *d, struct drill_judgement *out, struct err *err)
{
	struct trial t = { .d = d,
			   .write = drill_next(d->incident, DRILL_WRITER, NULL),
			   .count = drill_next(d->incident, DRILL_COUNT, NULL) };
	struct drill_copy copy;
	struct err failed = { 0 };
	int ret;

	if (!t.write && !t.count)
		return 0;
	if (drill_copy_make(d, &copy, err) < 0)
		return -1;
	ret = app_open(&t.app, copy.url, d->dir, true, err);
	if (ret == 0)
		ret = drill_copy_fill(&t.app, d->incident,
				      1u << DRILL_FILE | 1u << DRILL_DATA |
					      1u << DRILL_METER,
				      err);
	if (ret == 0)
		ret = app_open(&t.writer, copy.url, d->dir, true, err);
	if (ret == 0)
		tell(&t, run_plan(&t, &failed) < 0 ? &failed : NULL, out);
	app_close(&t.writer);
	app_close(&t.app);
	drill_copy_drop(d, &copy);
	buf_release(&t.why);
	return ret;
}
