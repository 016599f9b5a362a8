#include "base/compat.h"

#include "base/err.h"
#include "base/vec.h"
#include "flow/log.h"
#include "flow/mirror.h"
#include "git/history.h"
#include "git/repo.h"

struct reading {
	struct repo *repo;
	struct log *log;
};

static int read_target(void *arg, const char *name, struct err *err)
{
	struct reading *r = arg;
	struct log_target *t;
	struct mirror m;

	if (mirror_read(r->repo, name, MIRROR_FETCHED, &r->log->pool, &m, err) < 0)
		return -1;
	VEC_GROW(r->log->targets, r->log->nr_targets, r->log->alloc_targets);
	t = &r->log->targets[r->log->nr_targets++];
	memset(t, 0, sizeof(*t));
	t->name = pool_strdup(&r->log->pool, name);
	mirror_fold(&m, &r->log->pool, &t->ledger, NULL, NULL);
	return 0;
}

static int cmp_target(const void *a, const void *b)
{
	return strcmp(((const struct log_target *)a)->name,
		      ((const struct log_target *)b)->name);
}

static ssize_t first_fixed(const struct plan *plan, size_t pos)
{
	const struct trailers *t = &plan->items[pos].trailers;
	struct resolution r;
	ssize_t under = -1;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		if (t->items[i].key != TRAILER_FIXES)
			continue;
		plan_resolve(plan, pos, t->items[i].value, &r);
		if (r.how == RESOLVE_FOUND && (under < 0 || (ssize_t)r.pos < under))
			under = (ssize_t)r.pos;
	}
	return under;
}

int log_read(struct repo *repo, const char *rev, struct log *out, struct err *err)
{
	struct reading r = { .repo = repo, .log = out };
	struct oid commit;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (repo_resolve(repo, rev ? rev : "HEAD", &commit, err) < 0 ||
	    repo_load_shared(repo, &commit, err) < 0 ||
	    history_plan(repo, &commit, &out->plan, err) < 0)
		return -1;
	out->under = xcalloc(out->plan.nr + 1, sizeof(*out->under));
	for (i = 0; i < out->plan.nr; i++) {
		if (plan_describe(&out->plan, i, err) < 0)
			return -1;
		out->under[i] = first_fixed(&out->plan, i);
	}
	if (mirror_each(repo, read_target, &r, err) < 0)
		return -1;
	if (out->nr_targets > 1)
		qsort(out->targets, out->nr_targets, sizeof(*out->targets), cmp_target);
	return 0;
}

void log_release(struct log *l)
{
	size_t i;

	for (i = 0; i < l->nr_targets; i++)
		ledger_release(&l->targets[i].ledger);
	free(l->targets);
	free(l->under);
	plan_release(&l->plan);
	pool_release(&l->pool);
}
