#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "core/past.h"
#include "core/plan.h"
#include "flow/survey.h"
#include "flow/tables.h"
#include "git/blob.h"
#include "git/history.h"
#include "git/repo.h"

int tables_landed(struct repo *repo, const char *path, struct err *err)
{
	struct buf ref = BUF_INIT;
	struct oid tip, blob;
	unsigned mode;
	int ret = repo_protected_ref(repo, &ref, err);

	if (ret > 0)
		ret = repo_ref(repo, ref.s, &tip, err);
	if (ret > 0)
		ret = history_holds(repo, &tip, path, &blob, &mode, err);
	buf_release(&ref);
	return ret;
}

static bool in_force(const struct ledger_entry *e, const struct course *c)
{
	if (e && e->settled)
		return event_takes_effect(e->settled->event);
	return c->fate == FATE_RUN || c->fate == FATE_HELD;
}

int tables_begin(struct tables *t, const struct ledger *l, size_t broken, struct err *err)
{
	const struct ledger_entry *e;
	char today[CLOCK_TEXT];
	struct schedule_world world;
	struct schedule s;
	size_t i, first = 0;
	int ret;

	survey_world(t->repo, today, &world);
	t->counts = xcalloc(t->plan->nr + 1, sizeof(*t->counts));
	for (; first < t->plan->nr; first++) {
		e = past_entry(t->plan, l, first);
		if (!e || !e->settled)
			break;
	}
	ret = schedule_make(t->plan, l, first, &world, &s, err);
	for (i = 0; i < t->plan->nr && ret == 0; i++)
		t->counts[i] = in_force(past_entry(t->plan, l, i), &s.courses[i]);
	t->counts[broken] = true;
	schedule_release(&s);
	return ret;
}

void tables_end(struct tables *t)
{
	free(t->counts);
	t->counts = NULL;
}

/* What is large holds rows, not DDL. */
int tables_read(const struct tables *t, size_t nr, struct sql_catalog *out,
		struct err *err)
{
	struct buf sql = BUF_INIT;
	uint64_t size;
	int ret = 0;
	size_t i;

	for (i = 0; i < nr && ret == 0; i++) {
		const struct oid *blob = &t->plan->items[i].blob;

		if (!t->counts[i])
			continue;
		ret = repo_blob_size(t->repo, blob, &size, err);
		if (ret != 0 || size > BLOB_LARGE)
			continue;
		buf_reset(&sql);
		ret = repo_read_blob(t->repo, blob, &sql, err);
		if (ret == 0)
			sql_catalog_read(out, buf_str(&sql), sql.len);
	}
	buf_release(&sql);
	if (ret > 0)
		return err_set(err, ERR_FATAL,
			       "the repository lacks the object of migration '%s'",
			       t->plan->items[i - 1].path);
	return ret;
}
