#include "base/compat.h"

#include "base/err.h"
#include "flow/job.h"
#include "flow/trial.h"

enum { COUNT_MS = 2000 };

void trial_release(struct trial *t)
{
	sql_backfill_release(&t->sql);
	progress_release(&t->at);
	buf_release(&t->text);
	memset(t, 0, sizeof(*t));
}

static const char *from(const struct trial *t)
{
	return t->at.batches ? buf_str(&t->at.upto) : NULL;
}

/* A line more for people: where it cannot be told, it is left out. */
static uint64_t count_batches(const struct trial *t, const struct target *target)
{
	struct db_count c = { .table = { t->sql.schema, t->sql.base } };
	struct err ignored;
	uint64_t all;

	if (target->driver->count(target->db, &c, COUNT_MS, &ignored) < 0 ||
	    (c.how != COUNTED_ALL && c.how != COUNTED_ABOUT))
		return 0;
	all = c.nr / t->sql.size + (c.nr % t->sql.size > 0);
	return all > t->at.batches ? all - t->at.batches : 0;
}

/* As an apply reads it; where that would first make the table, no batch is done. */
static int read_progress(struct trial *t, struct target *target, const char *path,
			 const struct oid *blob, struct err *err)
{
	char hex[OID_HEXSZ + 1];

	if (!target->has_tracker)
		return 0;
	return progress_read(&target->tracker, path, oid_hex(blob, hex), t->sql.nr_keys,
			     &t->at, err) < 0
		       ? -1
		       : 0;
}

int trial_prepare(struct trial *t, struct job *j, struct work *w, bool first,
		  struct err *err)
{
	const struct migration *m = &j->s->plan.items[w->pos];
	struct target *target = &j->s->target;
	uint64_t estimate;

	t->sql.rowids = target->driver->capabilities(target->db)->rowids;
	t->sql.unasked = true;
	if (sql_backfill_read(&t->sql, &w->script.batch, w->script.sql, w->script.len,
			      err) < 0 ||
	    read_progress(t, target, m->path, &m->blob, err) < 0 ||
	    (first && progress_check(&target->tracker, &t->sql, &estimate, err) < 0))
		return -1;
	t->batches = count_batches(t, target);
	sql_backfill_text(&t->sql, from(t), NULL, &t->text);
	w->script.sql = buf_str(&t->text);
	w->script.len = t->text.len;
	return 0;
}

void trial_failed(const struct trial *t, struct err *err)
{
	sql_backfill_place(&t->sql, from(t), NULL, err);
	if (!err->hint[0])
		err_hint(err, "batch",
			 "Mend the rows that it stumbles over before it is applied%s.",
			 t->at.batches ? ""
				       : "; or change the file, where it has not been "
					 "pushed");
}
