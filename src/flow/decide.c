#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "flow/backfill.h"
#include "flow/decide_parts.h"
#include "flow/tables.h"
#include "git/repo.h"

/* --- what the log says ----------------------------------------------------- */

static void tell_record(struct buf *lines, const struct record *r)
{
	buf_addf(lines, "record %" PRIu64 ": %s at %s", r->seq, event_name(r->event),
		 r->field[FIELD_AT]);
	if (r->field[FIELD_SQLSTATE])
		buf_addf(lines, ", sqlstate %s", r->field[FIELD_SQLSTATE]);
	if (r->field[FIELD_LINE])
		buf_addf(lines, ", line %s", r->field[FIELD_LINE]);
	buf_addc(lines, '\n');
}

static const char *answer_open(struct deciding *g, struct buf *lines)
{
	const struct diagnosis *d = g->d;
	const char *head = d->started.field[FIELD_HEAD];
	struct oid commit;

	if (d->state != DIAGNOSIS_OPEN) {
		buf_adds(lines, "the log has nothing open of it\n");
		return "no";
	}
	tell_record(lines, &d->started);
	buf_addf(lines, "%s\n", d->seen.s);
	if (d->evidence == DB_RUNNING)
		return "running";
	if (d->evidence == DB_UNKNOWN)
		return "unknown";
	if (d->as_begun)
		return d->batched ? "in-batches" : "can-go-on";
	if (oid_parse(&commit, head, strlen(head)) == 0 &&
	    repo_has_commit(g->repo, &commit)) {
		buf_addf(lines, "it was begun from commit %.12s\n", head);
		return "plan-changed";
	}
	buf_addf(lines, "commit %.12s, which it was begun from, is not here\n", head);
	return "unknown";
}

/* Where the catalog has an answer, it is the usual one. */
static const char *answer_effect(struct deciding *g, struct buf *lines)
{
	buf_addf(lines, "%s\n", g->d->seen.s);
	if (g->d->batched)
		return "no";
	g->out->of[ASK_EFFECT].open = true;
	return g->d->evidence == DB_UNKNOWN || g->d->evidence == DB_REPEAT ? "unknown"
									   : "no";
}

static bool is_in_force(const struct deciding *g)
{
	return g->entry && g->entry->settled &&
	       (g->entry->settled->event == EVENT_APPLIED ||
		g->entry->settled->event == EVENT_ADOPTED);
}

static const char *answer_planned(struct deciding *g, struct buf *lines)
{
	const struct plan *plan = &g->d->survey.plan;
	char hex[OID_HEXSZ + 1];

	oid_hex(&plan->head, hex);
	if (g->pos < 0) {
		buf_addf(lines, "the plan of %.12s does not have it\n", hex);
		if (!is_in_force(g))
			return "gone";
		if (g->d->survey.ahead) {
			buf_addf(lines, "what ran last was asked for at %.12s\n",
				 g->entry->settled->field[FIELD_HEAD]);
			return "later";
		}
		return "missing";
	}
	oid_hex(&plan->items[g->pos].blob, hex);
	buf_addf(lines, "the plan has it at position %zd, blob %.12s\n", g->pos + 1, hex);
	if (!is_in_force(g) || strcmp(hex, g->entry->settled->field[FIELD_BLOB]) == 0)
		return "yes";
	buf_addf(lines, "what ran was blob %.12s\n",
		 g->entry->settled->field[FIELD_BLOB]);
	return "edited";
}

static const char *answer_here(struct deciding *g, struct buf *lines)
{
	const struct ledger_entry *e = g->entry;

	if (e && e->settled) {
		tell_record(lines, e->settled);
		return is_in_force(g) ? "applied" : "replaced";
	}
	if (e && e->failed) {
		tell_record(lines, e->failed);
		return "failed";
	}
	buf_adds(lines, "it waits for apply\n");
	return "pending";
}

/* --- one that failed ------------------------------------------------------- */

/* Of the server or the connection, or of room on the disk: not of the SQL. */
static bool is_of_the_moment(const char *state)
{
	static const char *const classes[] = { "08", "53", "57", "58" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (strlen(state) == 5 && starts_with(state, classes[i]))
			return true;
	return false;
}

static const char *answer_cause(struct deciding *g, struct buf *lines)
{
	const struct db_driver *driver = g->d->survey.target.driver;
	const char *state = g->entry->failed->field[FIELD_SQLSTATE];
	struct err err = { 0 };

	buf_addf(lines, "sqlstate %s\n", state ? state : "unknown");
	if (!state)
		return "no";
	snprintf(err.sqlstate, sizeof(err.sqlstate), "%s", state);
	if (driver->is_passing(&err))
		return driver == &db_sqlite || strcmp(state, "55P03") == 0 ? "lock"
									   : "passing";
	return is_of_the_moment(state) ? "passing" : "no";
}

static const char *answer_held(struct deciding *g, struct buf *lines)
{
	decide_look_now(g);
	if (g->no_now.code)
		buf_addf(lines, "it cannot be seen: %s\n", g->no_now.message);
	buf_adds(lines, buf_str(&g->now.holding));
	if (g->now.nr_holding == 0) {
		buf_adds(lines, "nobody is seen to hold it now\n");
		return "no";
	}
	return g->d->survey.target.driver == &db_sqlite ? "process" : "session";
}

static bool ran_elsewhere(const struct deciding *g)
{
	return decide_others(g, WHERE_RAN) || decide_others(g, WHERE_OPEN) ||
	       decide_others(g, WHERE_REPLACED);
}

/* Of its batches, those that stay. */
static const char *answer_batches(struct deciding *g, struct buf *lines, struct err *err)
{
	struct backfill_part part = { .changed = false };
	const int done = backfill_is_partly_done(&g->d->survey.target,
						 &g->d->survey.plan.items[g->pos], &part,
						 err);

	if (done > 0)
		buf_addf(lines, "%s\n", part.words.s);
	if (done > 0 && part.changed) {
		buf_addf(lines, "that was blob %.12s, which the plan has not\n",
			 part.blob);
		g->done_blob = pool_printf(&g->out->pool, "%.12s", part.blob);
	}
	buf_release(&part.words);
	if (done <= 0)
		return done < 0 ? NULL : "no";
	return g->done_blob ? "changed" : "in-part";
}

static const char *answer_free(struct deciding *g, struct buf *lines, struct err *err)
{
	const struct plan *plan = &g->d->survey.plan;
	const char *done = answer_batches(g, lines, err);
	int landed;

	if (!done || strcmp(done, "no") != 0)
		return done;
	landed = tables_landed(g->repo, g->d->path, err);
	if (landed < 0 || decide_ask_others(g, err) < 0)
		return NULL;
	buf_adds(lines, landed ? "the protected branch has it\n"
			       : "no protected branch that is known has it\n");
	decide_tell_others(g, lines);
	if (landed || ran_elsewhere(g))
		return "landed";
	return oid_cmp(&plan->items[g->pos].commit, &plan->head) == 0 ? "newest"
								      : "older";
}

static const char *answer_elsewhere(struct deciding *g, struct buf *lines,
				    struct err *err)
{
	if (decide_ask_others(g, err) < 0)
		return NULL;
	decide_tell_others(g, lines);
	return ran_elsewhere(g) ? "yes" : "no";
}

/* --- one that was not tried ------------------------------------------------ */

static const char *answer_other(struct deciding *g, struct buf *lines)
{
	const struct record *open = g->d->survey.target.ledger.open;

	if (!open) {
		buf_adds(lines, "the log has none that is open\n");
		return "no";
	}
	buf_addf(lines, "%s: ", open->field[FIELD_PATH]);
	tell_record(lines, open);
	return "yes";
}

/* Fixes in the plan: how many, and how many of them have run here. 0 or -1. */
static int count_fixes(struct deciding *g, struct buf *lines, size_t *nr, size_t *ran,
		       struct err *err)
{
	struct plan *plan = &g->d->survey.plan;
	const struct ledger_entry *e;
	const struct fix *fix;
	size_t i;

	*ran = 0;
	if (!g->fixes.under && fixes_read(plan, &g->fixes, err) < 0)
		return -1;
	fix = fixes_of(&g->fixes, (size_t)g->pos, nr);
	for (i = 0; i < *nr; i++) {
		e = ledger_find(&g->d->survey.target.ledger,
				plan->items[fix[i].fix].path);
		*ran += e && e->settled;
		buf_addf(lines, "%s says \"Fixes:\" of it: %s\n",
			 plan->items[fix[i].fix].path,
			 e && e->settled ? event_name(e->settled->event) : "pending");
	}
	if (*nr == 0)
		buf_adds(lines, "no migration of the plan says \"Fixes:\" of it\n");
	return 0;
}

static const char *answer_known(struct deciding *g, struct buf *lines, struct err *err)
{
	size_t nr, ran;

	g->out->of[ASK_KNOWN].open = true;
	if (decide_ask_others(g, err) < 0 || count_fixes(g, lines, &nr, &ran, err) < 0)
		return NULL;
	decide_tell_others(g, lines);
	if (nr && survey_course(&g->d->survey, (size_t)g->pos)->fate == FATE_RUN &&
	    decide_destroys(g)) {
		buf_adds(lines, "its fix cannot bring back what it destroys\n");
		return "yes";
	}
	return nr == 0 && decide_others(g, WHERE_FAILED) ? "yes" : "no";
}

/* --- one that ran ---------------------------------------------------------- */

static const char *answer_fixed(struct deciding *g, struct buf *lines, struct err *err)
{
	size_t nr, ran;

	if (count_fixes(g, lines, &nr, &ran, err) < 0)
		return NULL;
	return nr == 0 ? "no" : ran < nr ? "pending" : "applied";
}

static const char *answer_still(struct deciding *g)
{
	g->out->of[ASK_STILL].open = true;
	return "no";
}

static const char *answer_waiters(struct deciding *g, struct buf *lines)
{
	decide_look_now(g);
	if (g->no_now.code)
		buf_addf(lines, "it cannot be seen: %s\n", g->no_now.message);
	buf_adds(lines, buf_str(&g->now.waiting));
	if (g->now.nr_waiting == 0)
		buf_adds(lines, g->d->survey.target.driver == &db_sqlite
					? "SQLite does not tell who waits\n"
					: "nobody is seen to wait\n");
	buf_adds(lines, buf_str(&g->now.holding));
	return g->now.nr_waiting && g->now.blocker[0] ? "yes" : "no";
}

/* Where it may still run: 1, or 0 when it has run everywhere; -1. */
static int is_to_run(struct deciding *g, struct buf *lines, struct err *err)
{
	if (decide_ask_others(g, err) < 0)
		return -1;
	buf_addf(lines, "target %s: it has run (tracker)\n", g->d->survey.target.name);
	if (g->nr_others)
		decide_tell_others(g, lines);
	return decide_others(g, WHERE_NOT) || decide_others(g, WHERE_FAILED) ||
	       decide_others(g, WHERE_UNKNOWN);
}

/* The kinds of which a fix brings back what it can, and not what was there. */
static bool is_loss(const char *kind)
{
	static const char *const kinds[] = { "lossy-type", "dropped-early",
					     "wrong-backfill" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

static const char *answer_where(struct deciding *g, struct buf *lines, struct err *err)
{
	int to_run = is_to_run(g, lines, err);

	if (to_run <= 0)
		return to_run < 0 ? NULL : "everywhere";
	if (!is_loss(g->out->walk.kind))
		return "somewhere";
	buf_adds(lines, "what it destroys is whole where it has not run\n");
	return "destroyed";
}

static const char *answer_spared(struct deciding *g, struct buf *lines, struct err *err)
{
	int to_run = is_to_run(g, lines, err);

	return to_run < 0 ? NULL : to_run ? "yes" : "no";
}

/* --- the walk -------------------------------------------------------------- */

static const char *find_word(struct deciding *g, enum decision_question q,
			     struct err *err)
{
	struct buf *lines = &g->out->of[q].lines;

	switch ((int)q) {
	case ASK_OPEN:
		return answer_open(g, lines);
	case ASK_EFFECT:
		return answer_effect(g, lines);
	case ASK_PLANNED:
		return answer_planned(g, lines);
	case ASK_HERE:
		return answer_here(g, lines);
	case ASK_CAUSE:
		return answer_cause(g, lines);
	case ASK_HELD:
		return answer_held(g, lines);
	case ASK_FREE:
	case ASK_UNTRIED:
		return answer_free(g, lines, err);
	case ASK_OTHER:
		return answer_other(g, lines);
	case ASK_KNOWN:
		return answer_known(g, lines, err);
	case ASK_ELSEWHERE:
		return answer_elsewhere(g, lines, err);
	case ASK_FIXED:
		return answer_fixed(g, lines, err);
	case ASK_STILL:
		return answer_still(g);
	case ASK_WAITERS:
		return answer_waiters(g, lines);
	case ASK_WHERE:
		return answer_where(g, lines, err);
	case ASK_SPARED:
		return answer_spared(g, lines, err);
	}
	BUG("question %d has no evidence", (int)q);
}

static int answer(void *arg, enum decision_question q, struct err *err)
{
	struct deciding *g = arg;
	struct decide_evidence *e = &g->out->of[q];
	const char *word;
	int choice, said;

	if (q >= ASK_INDEX && q <= ASK_SLOW) {
		choice = decide_sign(g, q, err);
	} else {
		word = find_word(g, q, err);
		choice = word ? decision_answer(q, word) : -1;
	}
	if (choice < 0 || !e->open || !g->o->ask || g->is_alone)
		return choice;
	said = g->o->ask(g->o->arg, q, choice, buf_str(&e->lines), err);
	g->is_alone = said == DECIDE_NOBODY;
	e->asked = said >= 0;
	return g->is_alone ? choice : said;
}

static int read_all(struct deciding *g, struct err *err)
{
	g->pos = plan_find(&g->d->survey.plan, g->d->path);
	g->entry = ledger_find(&g->d->survey.target.ledger, g->d->path);
	return decide_read_tables(g, err);
}

static void release(struct deciding *g)
{
	free(g->others);
	free(g->compat);
	db_now_release(&g->now);
	fixes_release(&g->fixes);
}

int decide(struct repo *repo, struct diagnosis *d, const struct decide_options *o,
	   struct decide *out, struct err *err)
{
	struct deciding g = { .repo = repo, .d = d, .o = o, .out = out };
	int ret = -1;

	memset(out, 0, sizeof(*out));
	if (read_all(&g, err) == 0 && decision_walk(answer, &g, &out->walk, err) == 0) {
		if (is_in_force(&g))
			decide_count_down(&g);
		ret = decide_write_commands(&g, err);
	}
	release(&g);
	return ret;
}

void decide_release(struct decide *out)
{
	size_t i;

	for (i = 0; i < ASK_NR; i++)
		buf_release(&out->of[i].lines);
	sql_effects_release(&out->effects);
	sql_catalog_release(&out->before);
	sql_catalog_release(&out->after);
	pool_release(&out->pool);
}
