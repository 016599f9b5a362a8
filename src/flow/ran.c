/*
 * The record that ends a run: how long it took, and what the database is made of
 * then. It settles nothing. Migrations are committed before it is written, so that it
 * is none of their failures when it cannot be.
 */
#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/vec.h"
#include "core/schema.h"
#include "flow/job.h"

enum {
	RAN_TRIES = 3,
	LOCK_WAIT_MS = 2000,
	DURATIONS_MAX = 1500, /* bytes: PostgreSQL has an index over whole records */
};

void ran_note(struct job *j, const char *path, int64_t ms)
{
	VEC_GROW(j->durations, j->nr_durations, j->alloc_durations);
	j->durations[j->nr_durations++] = (struct duration){ .path = path, .ms = ms };
}

static int slower_first(const void *pa, const void *pb)
{
	const struct duration *a = *(const struct duration *const *)pa;
	const struct duration *b = *(const struct duration *const *)pb;

	if (a->ms != b->ms)
		return a->ms < b->ms ? 1 : -1;
	return (a > b) - (a < b);
}

static void write_duration(const struct duration *d, struct buf *out)
{
	buf_addf(out, "%s%s:%" PRId64, out->len ? "," : "", d->path, d->ms);
}

/* The slowest, when there is no room for all. */
static void choose_durations(struct job *j)
{
	struct duration **sorted = xcalloc(j->nr_durations, sizeof(*sorted));
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < j->nr_durations; i++)
		sorted[i] = &j->durations[i];
	qsort(sorted, j->nr_durations, sizeof(*sorted), slower_first);
	for (i = 0; i < j->nr_durations; i++) {
		if (sorted[i]->ms >= 0)
			write_duration(sorted[i], &text);
		sorted[i]->shown = sorted[i]->ms >= 0 && text.len <= DURATIONS_MAX;
	}
	buf_release(&text);
	free(sorted);
}

/* "path:ms" joined by commas, which no path holds. */
static const char *durations(struct job *j)
{
	struct buf text = BUF_INIT;
	const char *ret = NULL;
	size_t i;

	choose_durations(j);
	for (i = 0; i < j->nr_durations; i++)
		if (j->durations[i].shown)
			write_duration(&j->durations[i], &text);
	if (text.len)
		ret = pool_strdup(&j->s->target.pool, text.s);
	buf_release(&text);
	return ret;
}

static int read_fingerprint(struct target *t, const char **out, struct err *err)
{
	char print[SCHEMA_PRINT_SZ + 1];
	struct schema s = { 0 };
	int ret = t->driver->schema(t->db, &s, err);

	if (ret == 0) {
		schema_sort(&s);
		schema_fingerprint(&s, print);
		*out = pool_strdup(&t->pool, print);
	}
	schema_release(&s);
	return ret;
}

int ran_compose(struct job *j, const struct record *last, const struct work *works,
		size_t nr, struct record *out, struct err *err)
{
	struct pool *pool = &j->s->target.pool;
	size_t known = j->nr_durations, i;
	const char *fingerprint = NULL;

	if (read_fingerprint(&j->s->target, &fingerprint, err) < 0)
		return -1;
	for (i = 0; i < nr; i++)
		if (!works[i].founding && works[i].step.event == EVENT_APPLIED)
			ran_note(j, j->s->plan.items[works[i].pos].path, works[i].ms);
	scribe_begin(&j->scribe, pool, last, EVENT_RAN, out);
	out->field[FIELD_MS] = pool_printf(pool, "%" PRId64, clock_ms() - j->since);
	out->field[FIELD_MIGRATIONS] = pool_printf(pool, "%zu", j->nr_durations);
	out->field[FIELD_DURATIONS] = durations(j);
	out->field[FIELD_SCHEMA] = fingerprint;
	record_seal(out, pool);
	j->nr_durations = known;
	return 0;
}

/* Also by a COMMIT whose answer was lost. */
static bool is_written(const struct job *j, const struct record *last)
{
	return last && last->event == EVENT_RAN &&
	       strcmp(last->field[FIELD_RUN], j->scribe.run) == 0;
}

/* 0; 1 when the log has grown since it was read; -1. */
static int write_once(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;
	const struct record *last = ledger_last(&t->ledger);
	struct record r;
	int ret;

	if (is_written(j, last))
		return 0;
	if (ran_compose(j, last, NULL, 0, &r, err) < 0)
		return -1;
	ret = tracker_write(&t->tracker, last, &r, 1, LOCK_WAIT_MS, err);
	if (ret == 0)
		ledger_add(&t->ledger, &r);
	return ret;
}

static int write_ran(struct job *j, struct err *err)
{
	struct target *t = &j->s->target;
	unsigned tries;
	int ret = 1;

	if (t->driver->capabilities(t->db)->fresh_session &&
	    t->driver->reconnect(t->db, err) < 0)
		return -1;
	for (tries = 0; ret > 0 && tries < RAN_TRIES; tries++) {
		if (tries > 0 && target_read(t, err) < 0)
			return -1;
		ret = write_once(j, err);
	}
	if (ret > 0)
		return err_set(err, ERR_FATAL, "others kept writing to the tracker");
	return ret;
}

void ran_write(struct job *j, const struct err *ended)
{
	struct err why = { 0 };

	/* what is still open may be changing the schema */
	if (j->ran || !j->nr_durations || j->result->open ||
	    ended->code == ERR_INTERRUPTED || ended->code == ERR_UNCERTAIN)
		return;
	if (write_ran(j, &why) < 0)
		job_tell(j, (struct apply_event){ .step = APPLY_UNDESCRIBED,
						  .text = why.message });
	FAULT_POINT("ended");
}
