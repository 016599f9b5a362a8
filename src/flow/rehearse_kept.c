/* Whether a rehearsal has lost anything. */
#include "base/compat.h"

#include "base/err.h"
#include "base/vec.h"
#include "flow/stage.h"

static int read_kept(struct stage *s, struct kept *out, struct err *err)
{
	struct target *t = &s->scratch.target;

	return t->driver->kept(t->db, out, err);
}

int stage_count(struct stage *s, struct err *err)
{
	const struct scenario *sc = &s->r->scenario;
	const struct kept_rule *idle;
	size_t i;

	s->r->at = REHEARSE_KEPT;
	if (read_kept(s, &s->before, err) < 0)
		return -1;
	s->r->rows = kept_rows(&s->before);
	for (i = 0; i < s->before.nr; i++)
		s->r->columns += s->before.tables[i].nr;
	if (s->before.nr && !s->r->rows) {
		err_set(err, ERR_REFUSED, "there are no rows that could be lost");
		err_hint(err, "scenario",
			 "Put rows into the tables with a section [seed].");
		return -1;
	}
	idle = kept_idle_rule(&s->before, sc->rules, sc->nr_rules);
	if (!idle)
		return 0;
	err_set(err, ERR_REFUSED, "[kept] names '%s', which was not there before",
		idle->what);
	err_hint(err, "scenario",
		 "It is <table> or <table>.<column>, as the database has it; tables that "
		 "are not in the schema public have its name before theirs.");
	return -1;
}

static void note_loss(void *arg, const struct kept_difference *d)
{
	struct rehearsal *r = arg;
	struct buf text = BUF_INIT;

	kept_tell(d, &text);
	VEC_GROW(r->lost, r->nr_lost, r->alloc_lost);
	r->lost[r->nr_lost++] = pool_strdup(&r->pool, text.s);
	buf_release(&text);
}

static int refuse_losses(const struct rehearsal *r, struct err *err)
{
	struct buf all = BUF_INIT;
	size_t i;

	for (i = 0; i < r->nr_lost; i++)
		buf_addf(&all, "%s%s.", i ? "\n" : "", r->lost[i]);
	err_set(err, ERR_REFUSED, "what was there before is not kept: %s", r->lost[0]);
	if (r->nr_lost > 1)
		err_detail(err, "%s", all.s);
	err_hint(err, "rehearse",
		 "Let the migration keep it. What differs on purpose stands in the "
		 "scenario's section [kept], with its reason.");
	buf_release(&all);
	return -1;
}

int stage_compare(struct stage *s, struct err *err)
{
	const struct scenario *sc = &s->r->scenario;
	struct kept now = { 0 };
	int ret;

	stage_begin(s, REHEARSE_KEPT);
	ret = read_kept(s, &now, err);
	if (ret == 0 &&
	    kept_compare(&s->before, &now, sc->rules, sc->nr_rules, note_loss, s->r) > 0)
		ret = refuse_losses(s->r, err);
	if (ret == 0)
		stage_end(s, (struct rehearse_done){ .nr = s->before.nr });
	kept_release(&now);
	return ret;
}
