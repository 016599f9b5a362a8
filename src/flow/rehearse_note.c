/* What is noted of a rehearsal: core/proof.h reads it. */
#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "core/ledger.h"
#include "core/past.h"
#include "core/record.h"
#include "core/ties.h"
#include "flow/proofs.h"
#include "flow/stage.h"
#include "git/repo.h"

/* Of what is settled there, what took effect before what is rehearsed did. */
static bool *find_earlier(const struct stage *s)
{
	const struct rehearsal *r = s->r;
	const struct ledger *l = &s->scratch.target.ledger;
	const struct ledger_entry *fix = past_entry(&r->plan, l, r->pos), *e;
	bool *took = xcalloc(r->plan.nr + 1, sizeof(*took));
	size_t i;

	for (i = 0; i < r->plan.nr; i++) {
		e = past_entry(&r->plan, l, i);
		took[i] = e && e->settled && event_takes_effect(e->settled->event) &&
			  fix && fix->settled && e->settled->seq < fix->settled->seq;
	}
	return took;
}

int stage_read_ran(struct stage *s, struct err *err)
{
	const struct rehearsal *r = s->r;
	size_t root = ties_root(s->ties, r->pos);
	bool *took;

	if (target_read(&s->scratch.target, err) < 0)
		return -1;
	took = find_earlier(s);
	ties_ran(&r->plan, s->ties, r->pos, took, s->ran);
	memset(took + root, 0, (r->plan.nr - root) * sizeof(*took));
	ties_ran(&r->plan, s->ties, r->pos, took, s->ran_in_place);
	free(took);
	return 0;
}

static void add_field(struct buf *line, const char *key, const char *value)
{
	buf_addf(line, " %s=", key);
	record_add_value(line, value);
}

static void add_id(struct buf *line, const char *key, const struct oid *id)
{
	char hex[OID_HEXSZ + 1];

	add_field(line, key, oid_hex(id, hex));
}

/* "rehearsed path=... blob=... result=passed ...": core/proof.h reads it. */
static void write_line(struct stage *s, bool passed, const plan_digest instead,
		       struct buf *line)
{
	const struct rehearsal *r = s->r;
	const struct migration *m = &r->plan.items[r->pos];
	plan_digest *digests = plan_digests(&r->plan);
	struct buf by = BUF_INIT;
	char at[CLOCK_TEXT];

	clock_utc(at);
	repo_identity(s->repo, &by);
	buf_adds(line, "rehearsed");
	add_field(line, "path", m->path);
	add_id(line, "blob", &m->blob);
	add_field(line, "result", passed ? "passed" : "failed");
	if (!passed)
		add_field(line, "step", rehearse_word(r->at));
	add_id(line, "scenario", &r->scenario_blob);
	if (r->scenario.unshown)
		add_field(line, "unshown", r->scenario.unshown);
	if (r->has_original) {
		add_field(line, "original", stage_path(s, r->original));
		add_id(line, "original-blob", &r->plan.items[r->original].blob);
	}
	add_field(line, "plan", digests[r->pos]);
	if (instead[0])
		add_field(line, "instead", instead);
	if (s->ran[0])
		add_field(line, "ran", s->ran);
	if (s->ran_in_place[0] && s->ties[r->pos].supersedes >= 0)
		add_field(line, "ran-in-place", s->ran_in_place);
	if (!oid_is_zero(&r->compat.revision))
		add_id(line, "deployed", &r->compat.revision);
	add_field(line, "engine", r->engine);
	add_id(line, "head", &r->plan.head);
	add_field(line, "at", at);
	add_field(line, "by", by.s);
	buf_release(&by);
	free(digests);
}

static int write_note(struct stage *s, bool passed, struct err *err)
{
	struct rehearsal *r = s->r;
	struct buf line = BUF_INIT;
	plan_digest instead;
	int ret;

	if (ties_instead(&r->plan, r->pos, instead, err) < 0)
		return -1;
	write_line(s, passed, instead, &line);
	ret = proofs_append(s->repo, "rehearsals", &r->plan.items[r->pos].commit, line.s,
			    err);
	if (ret == 0)
		r->note = pool_strdup(&r->pool, line.s);
	buf_release(&line);
	return ret;
}

/* A failure is noted too, unless it is one of the surroundings. */
int stage_conclude(struct stage *s, int ret, struct err *err)
{
	struct err ignored = { 0 };

	if (s->o->silent || !s->r->engine)
		return ret;
	if (ret == 0)
		return write_note(s, true, err);
	if (err->code == ERR_REFUSED)
		write_note(s, false, &ignored);
	return ret;
}
