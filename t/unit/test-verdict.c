/* The plan against the ledger: what is done, to do, or contradicts. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/ledger.h"
#include "core/plan.h"
#include "core/verdict.h"

#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H40 "0123456789abcdef0123456789abcdef01234567"

static const struct {
	const char *what;
	/*
	 * A letter for the path, a digit for the commit that brings it (0: not
	 * known), and what the ledger says of it: '+' applied, '=' adopted,
	 * '/' superseded, '-' unneeded, '!' applied with another blob, 'x' failed,
	 * '~' started; and of those that are not in the plan ("?b+").
	 */
	const char *plan;
	const char *ancestors; /* "12": 1 is an ancestor of 2; each is of itself */
	const char *expect;    /* verdict[>behind], ...; '?' those missing */
} cases[] = {
	{ "nothing at all", "", "", "" },
	{ "a new database", "a1 b2", "12", "pending pending" },
	{ "all done", "a1+ b2+", "12", "applied applied" },
	{ "each event that settles", "a1+ b2= c3/ d4-", "",
	  "applied applied applied applied" },
	{ "some to do", "a1+ b2 c3", "1223", "applied pending pending" },
	{ "failed, or begun, is pending", "a1+ b2x c3~", "", "applied pending pending" },
	{ "edited", "a1! b2+ c3!", "", "edited applied edited" },
	{ "gap: the next one was written with it in place", "a1 b2+", "12",
	  "gap>b applied" },
	{ "late: the next one did not know of it", "a1 b2+", "", "late>b applied" },
	{ "gap: brought by one commit", "a1 b1+", "", "gap>b applied" },
	{ "gap: any that knew of it counts", "a1 b2+ c3+ d4+", "12",
	  "gap>b applied applied applied" },
	{ "gap: the newest is named", "a1 b2+ c3+ d4", "121314",
	  "gap>c applied applied pending" },
	{ "late: the newest is named", "a1 b2+ c3+ d4", "",
	  "late>c applied applied pending" },
	{ "behind an edited one", "a1 b2!", "12", "gap>b edited" },
	{ "late, behind an edited one", "a1 b2!", "", "late>b edited" },
	{ "each by itself", "a1 b2 c3+ d4", "13", "gap>c late>c applied pending" },
	{ "pending ones are not asked", "a1 b2 c3+ d4", "1224",
	  "late>c late>c applied pending" },
	{ "a failed one counts for nothing", "a1 b2x", "12", "pending pending" },
	{ "cut off: a gap", "a0 b2+", "", "gap>b applied" },
	{ "the other one cut off: a gap", "a1 b0+", "", "gap>b applied" },
	{ "both cut off: a gap", "a0 b0+", "", "gap>b applied" },
	{ "cut off, and nothing behind", "a0+ b0", "", "applied pending" },
	{ "missing", "a1+ ?b+", "", "applied ?b" },
	{ "missing, by path", "?c+ a1 ?b= ?d!", "", "pending ?b ?c ?d" },
	{ "not missing when never settled", "a1+ ?b~ ?cx", "", "applied" },
	{ "an empty plan", "?a+", "", "?a" },
};

/* Commits by number, and who is an ancestor of whom. */
struct history {
	const char *pairs;
	size_t calls, fail_at;
};

static struct oid number(int n)
{
	struct oid id = { { (unsigned char)n } };

	return id;
}

static int is_ancestor(void *ctx, const struct oid *a, const struct oid *b,
		       struct err *err)
{
	struct history *h = ctx;
	const char *pair;

	assert_false(oid_is_zero(a) || oid_is_zero(b));
	if (++h->calls == h->fail_at)
		return err_set(err, ERR_FATAL, "could not read commit");
	if (oid_eq(a, b))
		return 1;
	for (pair = h->pairs; *pair; pair += 2)
		if (a->id[0] == pair[0] - '0' && b->id[0] == pair[1] - '0')
			return 1;
	return 0;
}

static int no_tag(void *ctx UNUSED, const char *name UNUSED, struct err *err UNUSED)
{
	return 0;
}

static struct surroundings around(struct history *h)
{
	return (struct surroundings){
		.is_ancestor = is_ancestor,
		.ctx = h,
		.world = { .today = "2026-11-22", .has_tag = no_tag },
	};
}

struct setup {
	struct plan plan;
	struct ledger ledger;
	struct pool pool;
};

static void add(struct setup *s, enum event event, const char *path, const char *blob)
{
	const struct record *last = ledger_last(&s->ledger);
	struct record r = { .event = event, .seq = last ? last->seq + 1 : 1 };

	r.field[FIELD_PREV] = last ? last->hash : RECORD_NO_PREV;
	if (event_has_migration(event)) {
		r.field[FIELD_PATH] = path;
		r.field[FIELD_BLOB] = blob;
		r.field[FIELD_SHA256] = H64;
		r.field[FIELD_COMMIT] = H40;
	}
	r.field[FIELD_HEAD] = H40;
	r.field[FIELD_AT] = "2026-11-22T07:20:11.123Z";
	r.field[FIELD_BY] = "me";
	r.field[FIELD_RUN] = "1";
	r.field[FIELD_ENGINE] = "sqlite/3.40";
	r.field[FIELD_TARGET] = "6f1c2a3b-0000-4000-8000-0123456789ab";
	r.field[FIELD_TOOL] = "git-migrate/1.0";
	record_seal(&r, &s->pool);
	ledger_add(&s->ledger, &r);
}

static void add_state(struct setup *s, char state, const char *path)
{
	static const char other[] = "89abcdef0123456789abcdef0123456789abcdef";

	if (state == '+')
		add(s, EVENT_APPLIED, path, H40);
	else if (state == '=')
		add(s, EVENT_ADOPTED, path, H40);
	else if (state == '/')
		add(s, EVENT_SUPERSEDED, path, H40);
	else if (state == '-')
		add(s, EVENT_UNNEEDED, path, H40);
	else if (state == '!')
		add(s, EVENT_APPLIED, path, other);
	else if (state == 'x')
		add(s, EVENT_FAILED, path, H40);
	else if (state == '~')
		add(s, EVENT_STARTED, path, H40);
	else
		assert_true(state == ' ' || state == '\0');
}

static void make(struct setup *s, const char *text)
{
	struct migration *m;
	bool missing;

	s->plan.items = pool_alloc(&s->pool, (strlen(text) + 1) * sizeof(*s->plan.items));
	add(s, EVENT_CREATED, NULL, NULL);
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		const char *path;

		missing = *text == '?';
		text += missing;
		path = pool_printf(&s->pool, "%c.sql", *text++);
		if (!missing) {
			m = &s->plan.items[s->plan.nr++];
			m->path = path;
			m->commit = number(*text++ - '0');
			m->known = true;
			assert_int_equal(oid_parse(&m->blob, H40, OID_HEXSZ), 0);
		}
		add_state(s, *text, path);
		text += strcspn(text, " ");
	}
	ledger_fold(&s->ledger);
	plan_index(&s->plan);
}

static void release(struct setup *s)
{
	plan_release(&s->plan);
	ledger_release(&s->ledger);
	pool_release(&s->pool);
}

static void print(const struct setup *s, const struct judgement *j, struct buf *out)
{
	size_t i;

	buf_reset(out);
	for (i = 0; i < j->nr; i++) {
		buf_addf(out, "%s%s", out->len ? " " : "", verdict_word(j->of[i]));
		if (j->of[i] == VERDICT_GAP || j->of[i] == VERDICT_LATE)
			buf_addf(out, ">%c", s->plan.items[j->behind[i]].path[0]);
	}
	for (i = 0; i < j->nr_missing; i++)
		buf_addf(out, "%s?%c", out->len ? " " : "", j->missing[i]->path[0]);
}

static void verdicts(void **state UNUSED)
{
	struct buf text = BUF_INIT;
	size_t i, k, sum;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct setup s = { 0 };
		struct history h = { .pairs = cases[i].ancestors };
		const struct surroundings w = around(&h);
		struct judgement j;
		struct err err = { 0 };
		size_t count[VERDICT_WAITING + 1] = { 0 };

		make(&s, cases[i].plan);
		assert_int_equal(judge(&s.plan, &s.ledger, &w, &j, &err), 0);
		print(&s, &j, &text);
		if (strcmp(buf_str(&text), cases[i].expect) != 0)
			fail_msg("%s: '%s', not '%s'", cases[i].what, buf_str(&text),
				 cases[i].expect);
		assert_int_equal(j.nr, s.plan.nr);
		for (k = 0; k < j.nr; k++)
			count[j.of[k]]++;
		for (k = sum = 0; k < ARRAY_SIZE(count); k++)
			sum += j.count[k] == count[k];
		assert_int_equal(sum, ARRAY_SIZE(count));
		judgement_release(&j);
		judgement_release(&j);
		release(&s);
	}
	buf_release(&text);
}

/* Each question fails once; the sanitizers see what is left over. */
static void history_fails(void **state UNUSED)
{
	struct judgement j;
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct setup s = { 0 };
		struct history h = { .pairs = cases[i].ancestors };
		const struct surroundings w = around(&h);
		struct err err = { 0 };
		size_t calls;

		make(&s, cases[i].plan);
		assert_int_equal(judge(&s.plan, &s.ledger, &w, &j, &err), 0);
		judgement_release(&j);
		calls = h.calls;
		for (n = 1; n <= calls; n++) {
			h.calls = 0;
			h.fail_at = n;
			err.code = ERR_NONE;
			assert_int_equal(judge(&s.plan, &s.ledger, &w, &j, &err), -1);
			assert_int_equal(err.code, ERR_FATAL);
			assert_string_equal(err.message, "could not read commit");
			assert_null(j.of);
		}
		release(&s);
	}
}

/* On a linear history the newest settled one answers for all. */
static void few_questions(void **state UNUSED)
{
	struct setup s = { 0 };
	struct history h = { .pairs = "1512" };
	const struct surroundings w = around(&h);
	struct err err = { 0 };
	struct judgement j;

	make(&s, "a1 b2+ c3+ d4+ e5+ f6 g7 h8");
	assert_int_equal(judge(&s.plan, &s.ledger, &w, &j, &err), 0);
	assert_int_equal(j.of[0], VERDICT_GAP);
	assert_int_equal(j.behind[0], 4);
	assert_int_equal(h.calls, 1); /* and none for what is pending at the end */
	judgement_release(&j);
	release(&s);
}

static void words(void **state UNUSED)
{
	assert_string_equal(verdict_word(VERDICT_SETTLED), "applied");
	assert_string_equal(verdict_word(VERDICT_PENDING), "pending");
	assert_string_equal(verdict_word(VERDICT_EDITED), "edited");
	assert_string_equal(verdict_word(VERDICT_GAP), "gap");
	assert_string_equal(verdict_word(VERDICT_LATE), "late");
	assert_string_equal(verdict_word(VERDICT_WAITING), "waiting");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(history_fails),
		cmocka_unit_test(few_questions),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
