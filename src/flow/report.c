#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"
#include "flow/report.h"
#include "git/repo.h"

bool report_has(const struct report *r, const struct log_target *t)
{
	return !r->filter.target || strcmp(r->filter.target, t->name) == 0;
}

static int64_t seconds_between(const struct record *from, const struct record *to)
{
	int64_t began, ended;

	if (!to || clock_parse(from->field[FIELD_AT], &began) < 0 ||
	    clock_parse(to->field[FIELD_AT], &ended) < 0)
		return -1;
	return ended > began ? (ended - began) / 1000 : 0;
}

static void add_incident(struct report *r, const struct incident *i)
{
	if (!log_in_time(&r->filter, i->began))
		return;
	VEC_GROW(r->incidents, r->nr_incidents, r->alloc_incidents);
	r->incidents[r->nr_incidents] = *i;
	r->incidents[r->nr_incidents++].seconds = seconds_between(i->began, i->ended);
}

/* A path's records: each stretch of failures ends in what settled it, or not yet. */
static void find_failures(struct report *r, const struct log_target *t,
			  const struct record *const *of_path, size_t nr)
{
	struct incident i = { .kind = INCIDENT_FAILED, .target = t };
	size_t k;

	for (k = 0; k < nr; k++) {
		if (of_path[k]->event == EVENT_FAILED) {
			if (!i.failures++)
				i.began = of_path[k];
			continue;
		}
		if (!event_settles(of_path[k]->event) || !i.failures)
			continue;
		i.path = of_path[k]->field[FIELD_PATH];
		i.ended = of_path[k];
		add_incident(r, &i);
		i.failures = 0;
		i.ended = NULL;
	}
	if (i.failures) {
		i.path = i.began->field[FIELD_PATH];
		add_incident(r, &i);
	}
}

static void find_all_failures(struct report *r, const struct log_target *t)
{
	size_t from, to;

	for (from = 0; from < t->nr_of_paths; from = to) {
		const char *path = t->of_paths[from]->field[FIELD_PATH];

		for (to = from + 1; to < t->nr_of_paths; to++)
			if (strcmp(t->of_paths[to]->field[FIELD_PATH], path) != 0)
				break;
		find_failures(r, t, t->of_paths + from, to - from);
	}
}

static const struct record *settled_by(const struct log_target *t, const char *path)
{
	const struct ledger_entry *e = ledger_find(&t->ledger, path);

	return e ? e->settled : NULL;
}

/* One that never ran there did no harm there. */
static bool took_effect(const struct record *r)
{
	return r && event_takes_effect(r->event);
}

static bool in_one_run(const struct record *of, const struct record *fix)
{
	return fix && strcmp(of->field[FIELD_RUN], fix->field[FIELD_RUN]) == 0;
}

static void find_faults(struct report *r, const struct log_target *t)
{
	const struct log *l = &r->log;
	size_t k;

	for (k = 0; k < l->fixes.nr; k++) {
		const struct migration *of = &l->plan.items[l->fixes.by_of[k].of];
		const struct migration *fix = &l->plan.items[l->fixes.by_of[k].fix];
		struct incident i = { .kind = INCIDENT_FAULT,
				      .target = t,
				      .path = of->path,
				      .fix = fix->path };

		i.began = settled_by(t, of->path);
		i.ended = settled_by(t, fix->path);
		i.failure_mode = trailers_get(&fix->trailers, TRAILER_FAILURE_MODE);
		if (took_effect(i.began) && !in_one_run(i.began, i.ended))
			add_incident(r, &i);
	}
}

/* One that was lost and one that was not are never of one run. */
static bool is_same_run(const struct log_target *t, size_t a, size_t b)
{
	return strcmp(t->story[a]->field[FIELD_RUN], t->story[b]->field[FIELD_RUN]) ==
		       0 &&
	       log_lost_by(t, t->story[a]) == log_lost_by(t, t->story[b]);
}

struct report_run report_run_at(const struct log_target *t, size_t from)
{
	struct report_run run = { .target = t, .records = t->story + from, .nr = 1 };

	while (from + run.nr < t->nr_story && is_same_run(t, from, from + run.nr))
		run.nr++;
	return run;
}

static void find_runs(struct report *r, const struct log_target *t)
{
	size_t from, to;

	for (to = t->nr_story; to > 0; to = from) {
		for (from = to - 1; from > 0; from--)
			if (!is_same_run(t, from - 1, to - 1))
				break;
		if (!log_in_time(&r->filter, t->story[from]))
			continue;
		VEC_GROW(r->runs, r->nr_runs, r->alloc_runs);
		r->runs[r->nr_runs++] = report_run_at(t, from);
	}
}

const struct record *report_end(const struct report_run *run)
{
	const struct record *last = run->records[run->nr - 1];

	return last->event == EVENT_RAN ? last : NULL;
}

int64_t report_share(const struct record *end, const char *path)
{
	const char *at = end ? end->field[FIELD_DURATIONS] : NULL;
	size_t len = strlen(path);

	for (; at; at = strchr(at, ','), at += at != NULL)
		if (strncmp(at, path, len) == 0 && at[len] == ':')
			return strtoll(at + len + 1, NULL, 10);
	return -1;
}

static bool is_exception(const struct record *r)
{
	switch (r->event) {
	case EVENT_CREATED:
		return r->field[FIELD_OLD] != NULL;
	case EVENT_EXCEPTED:
	case EVENT_ABANDONED:
	case EVENT_ADOPTED:
	case EVENT_RESTORED:
	case EVENT_CLONED:
	case EVENT_SUPERSEDED:
	case EVENT_UNNEEDED:
		return true;
	default:
		return false;
	}
}

static void sort_records(struct report *r, const struct log_target *t)
{
	size_t i;

	for (i = t->nr_story; i-- > 0;) {
		const struct record *one = t->story[i];

		if (!log_in_time(&r->filter, one))
			continue;
		if (one->event == EVENT_FAILED) {
			VEC_GROW(r->failures, r->nr_failures, r->alloc_failures);
			r->failures[r->nr_failures++] = (struct report_record){ t, one };
		} else if (is_exception(one)) {
			VEC_GROW(r->exceptions, r->nr_exceptions, r->alloc_exceptions);
			r->exceptions[r->nr_exceptions++] = (struct report_record){ t,
										    one };
		}
	}
}

static int cmp_incident(const void *left, const void *right)
{
	const struct incident *a = left, *b = right;
	int order = strcmp(b->began->field[FIELD_AT], a->began->field[FIELD_AT]);

	if (order == 0)
		order = strcmp(a->target->name, b->target->name);
	return order ? order : strcmp(a->path, b->path);
}

int report_read(struct repo *repo, const char *rev, const struct log_filter *filter,
		struct report *out, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	size_t i;

	memset(out, 0, sizeof(*out));
	out->filter = *filter;
	if (log_read(repo, rev, &out->log, err) < 0 ||
	    proofs_read(repo, &out->log.pool, &out->proofs, err) < 0)
		return -1;
	out->head = pool_strdup(&out->log.pool, oid_hex(&out->log.plan.head, hex));
	for (i = 0; i < out->log.nr_targets; i++) {
		const struct log_target *t = &out->log.targets[i];

		if (!report_has(out, t))
			continue;
		find_all_failures(out, t);
		find_faults(out, t);
		find_runs(out, t);
		sort_records(out, t);
	}
	if (out->nr_incidents > 1)
		qsort(out->incidents, out->nr_incidents, sizeof(*out->incidents),
		      cmp_incident);
	return 0;
}

void report_release(struct report *r)
{
	free(r->runs);
	free(r->incidents);
	free(r->exceptions);
	free(r->failures);
	proofs_release(&r->proofs);
	log_release(&r->log);
}
