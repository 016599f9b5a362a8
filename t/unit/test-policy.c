/* The rules of a push: each one broken, beside a twin that is accepted. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "core/plan.h"
#include "core/policy.h"

/* A migration, and what its commit's message and its own header say. */
struct file {
	const char *path;
	char commit;   /* a hex digit, all 40 of them */
	char blob;     /* the same; 0 is '1' */
	unsigned mode; /* 0: regular */
	unsigned company;
	const char *message, *header;
};

/* The rest is 0. */
#define M(...)                                                                           \
	{                                                                                \
		.path = __VA_ARGS__                                                      \
	}

enum { FILES = 4 };

struct side {
	struct plan plan;
	const struct file *files;
	const char *fails; /* to be described */
};

static int describe(void *ctx, struct pool *pool, struct migration *m, struct err *err)
{
	struct side *s = ctx;
	const struct file *f = &s->files[m - s->plan.items];
	const char *message = f->message ? f->message : "subject\n";
	const char *header = f->header ? f->header : "";

	if (s->fails && strcmp(s->fails, m->path) == 0)
		return err_set(err, ERR_FATAL, "could not read it");
	trailers_from_message(&m->in_message, pool, message, strlen(message));
	trailers_from_header(&m->in_header, &m->how, pool, header, strlen(header));
	m->subject = pool_strndup(pool, message, strcspn(message, "\n"));
	return 0;
}

/* Commits that bring no migration begin with c0ffee. */
static int is_commit(void *ctx UNUSED, const char *hex, struct err *err)
{
	if (starts_with(hex, "badbad"))
		return err_set(err, ERR_FATAL, "could not look '%s' up", hex);
	return starts_with(hex, "c0ffee");
}

static struct oid make_oid(char digit)
{
	char hex[OID_HEXSZ];
	struct oid id;

	memset(hex, digit, sizeof(hex));
	assert_int_equal(oid_parse(&id, hex, sizeof(hex)), 0);
	return id;
}

static void make_side(struct side *s, const struct file files[FILES])
{
	struct plan *p = &s->plan;
	struct migration *m;

	s->files = files;
	p->folder = "migrations";
	p->items = pool_alloc(&p->pool, FILES * sizeof(*p->items));
	p->source.ctx = s;
	p->source.describe = describe;
	p->source.is_commit = is_commit;
	for (; p->nr < FILES && files[p->nr].path; p->nr++) {
		m = &p->items[p->nr];
		m->path = files[p->nr].path;
		m->blob = make_oid(files[p->nr].blob ? files[p->nr].blob : '1');
		m->mode = files[p->nr].mode ? files[p->nr].mode : MODE_REGULAR;
		m->commit = m->arrival = make_oid(files[p->nr].commit);
		m->company = files[p->nr].company ? files[p->nr].company : 1;
	}
	plan_index(p);
}

/* Compares with "rule:path ..." ('-' is no path, '?' a warning) and one message. */
static void assert_findings(const char *what, const struct findings *f,
			    const char *expect, const char *message)
{
	struct buf text = BUF_INIT;
	size_t i, errors = 0;

	for (i = 0; i < f->nr; i++) {
		const struct finding *one = &f->items[i];

		buf_addf(&text, "%s%s%s:%s", i ? " " : "", rule_name(one->rule),
			 one->warning ? "?" : "", one->path ? one->path : "-");
		errors += !one->warning;
		if (!one->hint[0] || strcmp(one->hint + strlen(one->hint) - 1, ".") != 0)
			fail_msg("%s: the hint is '%s'", what, one->hint);
		assert_non_null(one->detail);
	}
	if (strcmp(buf_str(&text), expect) != 0)
		fail_msg("%s: '%s', not '%s'", what, buf_str(&text), expect);
	if (message && strcmp(f->items[0].message, message) != 0)
		fail_msg("%s: '%s', not '%s'", what, f->items[0].message, message);
	assert_int_equal(f->errors, errors);
	buf_release(&text);
}

/* I1 */

enum line { FORWARD, FOXTROT, FORCED, BACK };

static const struct {
	const char *what;
	struct file older[FILES], newer[FILES];
	enum line line;
	const char *expect, *message;
} updates[] = {
	{ "nothing landed yet", { { 0 } }, { M("a.sql", '1') }, FORWARD, "", NULL },
	{ "nothing new", { M("a.sql", '1') }, { M("a.sql", '1') }, FORWARD, "", NULL },
	{ "appended",
	  { M("b.sql", '1') },
	  { M("b.sql", '1'), M("a.sql", '2') },
	  FORWARD,
	  "",
	  NULL },
	{ "edited",
	  { M("a.sql", '1'), M("b.sql", '2') },
	  { M("a.sql", '1', '2'), M("b.sql", '2') },
	  FORWARD,
	  "edited:a.sql",
	  "migration 'a.sql' was edited after it landed" },
	{ "deleted",
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  { M("a.sql", '1') },
	  FORWARD,
	  "deleted:b.sql",
	  "migration 'b.sql' was deleted after it landed" },
	{ "renamed",
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  { M("a.sql", '1'), M("c.sql", '3', '2') },
	  FORWARD,
	  "renamed:b.sql",
	  "migration 'b.sql' was renamed to 'c.sql' after it landed" },
	{ "deleted, and the same bytes had landed before",
	  { M("a.sql", '1', '2'), M("b.sql", '2', '2') },
	  { M("a.sql", '1', '2') },
	  FORWARD,
	  "deleted:b.sql",
	  NULL },
	{ "a copy is new",
	  { M("a.sql", '1') },
	  { M("a.sql", '1'), M("c.sql", '3') },
	  FORWARD,
	  "",
	  NULL },
	{ "mode",
	  { M("a.sql", '1') },
	  { M("a.sql", '1', 0, MODE_EXECUTABLE) },
	  FORWARD,
	  "mode:a.sql",
	  "the mode of migration 'a.sql' was changed after it landed" },
	{ "executable from the start",
	  { M("a.sql", '1', 0, MODE_EXECUTABLE) },
	  { M("a.sql", '1', 0, MODE_EXECUTABLE), M("b.sql", '2') },
	  FORWARD,
	  "",
	  NULL },
	{ "edited and mode: said once",
	  { M("a.sql", '1') },
	  { M("a.sql", '1', '2', MODE_EXECUTABLE) },
	  FORWARD,
	  "edited:a.sql",
	  NULL },
	{ "each file by itself",
	  { M("a.sql", '1'), M("b.sql", '2', '2'), M("c.sql", '3') },
	  { M("c.sql", '3', 0, MODE_EXECUTABLE), M("a.sql", '1', '3') },
	  FORWARD,
	  "edited:a.sql deleted:b.sql mode:c.sql",
	  NULL },
	{ "foxtrot",
	  { M("a.sql", '1'), M("b.sql", '2') },
	  { M("a.sql", '1'), M("c.sql", '3'), M("b.sql", '2') },
	  FOXTROT,
	  "foxtrot:-",
	  "the merge is the wrong way round: 'c.sql' would come before 'b.sql'" },
	{ "a foxtrot that changes no order",
	  { M("a.sql", '1'), M("b.sql", '2') },
	  { M("a.sql", '1'), M("b.sql", '2'), M("c.sql", '3') },
	  FOXTROT,
	  "",
	  NULL },
	{ "rewritten",
	  { M("a.sql", '1'), M("b.sql", '2') },
	  { M("b.sql", '4'), M("a.sql", '5') },
	  FORCED,
	  "rewritten:-",
	  "the history was rewritten: 'b.sql' would come before 'a.sql'" },
	{ "forced: what the other branch lacks was not deleted there",
	  { M("a.sql", '1'), M("b.sql", '2'), M("c.sql", '3') },
	  { M("a.sql", '1'), M("d.sql", '4', '9') },
	  FORCED,
	  "forced:-",
	  "a forced push would put in the branch's place one that lacks 'b.sql'" },
	{ "forced: renamed and edited ones are named all the same",
	  { M("a.sql", '1'), M("b.sql", '2', '2'), M("c.sql", '3', '3') },
	  { M("a.sql", '1', '7'), M("d.sql", '4', '2') },
	  FORCED,
	  "forced:c.sql edited:a.sql renamed:b.sql",
	  NULL },
	{ "edited by a rewrite: the cause is named too",
	  { M("a.sql", '1') },
	  { M("a.sql", '2', '7') },
	  FORCED,
	  "edited:a.sql rewritten:-",
	  NULL },
	{ "edited by a foxtrot",
	  { M("a.sql", '1') },
	  { M("a.sql", '2', '7') },
	  FOXTROT,
	  "edited:a.sql foxtrot:-",
	  NULL },
	{ "a step back",
	  { M("a.sql", '1'), M("b.sql", '2') },
	  { M("a.sql", '1') },
	  BACK,
	  "forced:b.sql",
	  "the branch would go back to a commit that lacks 'b.sql'" },
	{ "rewritten, in the same order",
	  { M("a.sql", '1'), M("b.sql", '2') },
	  { M("a.sql", '4'), M("b.sql", '5') },
	  FORCED,
	  "",
	  NULL },
	{ "reordered",
	  { M("a.sql", '1'), M("b.sql", '2') },
	  { M("b.sql", '2'), M("a.sql", '3') },
	  FORWARD,
	  "reordered:-",
	  "the order of landed migrations changed: 'b.sql' would come before 'a.sql'" },
	{ "relabelled",
	  { M("a.sql", '1', .message = "s\n\nReversal: easy\n") },
	  { M("a.sql", '2', .message = "s\n\nReversal: hard\n") },
	  FORCED,
	  "relabelled:a.sql",
	  "the trailers of migration 'a.sql' were changed after it landed" },
	{ "relabelled: they are gone",
	  { M("a.sql", '1', .message = "s\n\nReversal: easy\n") },
	  { M("a.sql", '2') },
	  FORCED,
	  "relabelled:a.sql",
	  NULL },
	{ "another commit that says the same",
	  { M("a.sql", '1', .message = "s\n\nReversal: easy\n") },
	  { M("a.sql", '2', .message = "t\n\nbody\n\nReversal: easy\n") },
	  FORCED,
	  "",
	  NULL },
	{ "another commit, and the header says the same",
	  { M("a.sql", '1', .header = "-- Reversal: easy\n") },
	  { M("a.sql", '2', .header = "-- Reversal: easy\n") },
	  FORCED,
	  "",
	  NULL },
	{ "squashed with another, so that the message binds neither",
	  { M("a.sql", '1', .message = "s\n\nReversal: easy\n") },
	  { M("a.sql", '2', .company = 2, .message = "s\n\nReversal: easy\n"),
	    M("b.sql", '2', .company = 2, .message = "s\n\nReversal: easy\n") },
	  FORCED,
	  "relabelled:a.sql",
	  NULL },
	{ "the same commit is not read",
	  { M("a.sql", '1', .message = "s\n") },
	  { M("a.sql", '1', .message = "s\n\nReversal: easy\n") },
	  FORWARD,
	  "",
	  NULL },
};

static void append_only(void **state UNUSED)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(updates); i++) {
		const struct lineage lineage = {
			.old_is_ancestor = updates[i].line < FORCED,
			.new_is_ancestor = updates[i].line == BACK,
			.old_on_first_parents = updates[i].line == FORWARD,
		};
		struct side older = { 0 }, newer = { 0 };
		struct findings f = { 0 };
		struct err err = { 0 };

		make_side(&older, updates[i].older);
		make_side(&newer, updates[i].newer);
		assert_int_equal(policy_append_only(&older.plan, &newer.plan, &lineage,
						    NULL, &f, &err),
				 0);
		assert_findings(updates[i].what, &f, updates[i].expect,
				updates[i].message);
		findings_release(&f);
		plan_release(&older.plan);
		plan_release(&newer.plan);
	}
}

static void append_only_fails(void **state UNUSED)
{
	static const struct file was[FILES] = { M("a.sql", '1') };
	static const struct file now[FILES] = { M("a.sql", '2') };
	const struct lineage lineage = { 0 };
	int side;

	for (side = 0; side < 2; side++) {
		struct side older = { 0 }, newer = { 0 };
		struct findings f = { 0 };
		struct err err = { 0 };

		make_side(&older, was);
		make_side(&newer, now);
		(side ? &newer : &older)->fails = "a.sql";
		assert_int_equal(policy_append_only(&older.plan, &newer.plan, &lineage,
						    NULL, &f, &err),
				 -1);
		assert_string_equal(err.message, "migration 'a.sql': could not read it");
		assert_int_equal(f.nr, 0);
		findings_release(&f);
		plan_release(&older.plan);
		plan_release(&newer.plan);
	}
}

static void append_only_details(void **state UNUSED)
{
	static const struct file was[FILES] = { M("x/a.sql", '1'), M("b.sql", '2') };
	static const struct file now[FILES] = { M("x/a.sql", '1', 'a'),
						M("b.sql", '2', 0, MODE_EXECUTABLE) };
	const struct lineage lineage = { .old_is_ancestor = true,
					 .old_on_first_parents = true };
	struct side older = { 0 }, newer = { 0 };
	struct findings f = { 0 };
	struct err err = { 0 };

	make_side(&older, was);
	make_side(&newer, now);
	assert_int_equal(policy_append_only(&older.plan, &newer.plan, &lineage, NULL, &f,
					    &err),
			 0);
	assert_int_equal(f.nr, 2);
	assert_string_equal(f.items[0].detail,
			    "It landed as blob 111111111111; now it is "
			    "aaaaaaaaaaaa.");
	assert_non_null(strstr(f.items[0].hint,
			       "git checkout 000000000000 -- migrations/x/a.sql"));
	assert_non_null(strstr(f.items[0].hint, "\"Fixes: x/a.sql\""));
	assert_string_equal(f.items[1].detail, "It landed as 100644; now it is 100755.");
	findings_release(&f);
	plan_release(&older.plan);
	plan_release(&newer.plan);
}

/* What is new. */

#define SAYS(text) .message = "subject\n\n" text
#define FIX(text) SAYS("Fixes: " text "\nFailure-Mode: it broke\n")
#define A M("a.sql", '1', .message = "add a\n")
#define B M("x/b.sql", '2', .message = "add b\n")

static const struct {
	const char *what;
	struct file files[FILES];
	size_t from;
	const char *expect, *message;
} entries[] = {
	{ "nothing", { { 0 } }, 0, "", NULL },
	{ "plain ones", { A, B }, 0, "", NULL },

	{ "case",
	  { A, M("A.sql", '2') },
	  1,
	  "case:A.sql",
	  "migrations 'a.sql' and 'A.sql' differ in case alone" },
	{ "case, both new", { A, M("A.sql", '2') }, 0, "case:A.sql", NULL },
	{ "case, of a folder", { B, M("X/b.sql", '3') }, 1, "case:X/b.sql", NULL },
	{ "case, landed long ago", { A, M("A.sql", '2') }, 2, "", NULL },
	{ "names that are alike",
	  { A, M("a1.sql", '2'), M("x/a.sql", '3') },
	  0,
	  "",
	  NULL },

	{ "resolved", { A, B, M("c.sql", '3', FIX("a.sql")) }, 2, "", NULL },
	{ "resolved as in the tree",
	  { A, M("c.sql", '3', FIX("migrations/a.sql")) },
	  1,
	  "",
	  NULL },
	{ "resolved by commit",
	  { A, M("c.sql", '3', FIX("1111111 (\"add a\")")) },
	  1,
	  "",
	  NULL },
	{ "resolved, all keys",
	  { A, B,
	    M("c.sql", '3',
	      SAYS("Requires: a.sql\nSupersedes: b\nPairs-With: migrations/a.sql\n")) },
	  2,
	  "",
	  NULL },
	{ "resolved in the same push", { A, B, M("c.sql", '3', FIX("b")) }, 0, "", NULL },
	{ "unresolved",
	  { A, M("c.sql", '3', FIX("gone.sql")) },
	  1,
	  "unresolved:c.sql",
	  "\"Fixes: gone.sql\" of migration 'c.sql' names no migration of the plan" },
	{ "unresolved commit",
	  { A, M("c.sql", '3', FIX("1234567")) },
	  1,
	  "unresolved:c.sql",
	  NULL },
	{ "unresolved, other keys",
	  { A, M("c.sql", '3', SAYS("Requires: x\nSupersedes: y\nPairs-With: z\n")) },
	  1,
	  "unresolved:c.sql unresolved:c.sql unresolved:c.sql",
	  "\"Requires: x\" of migration 'c.sql' names no migration of the plan" },
	{ "unresolved in the header",
	  { A, M("c.sql", '3', .header = "-- Requires: x\n") },
	  1,
	  "unresolved:c.sql",
	  NULL },
	{ "unresolved, landed", { A, M("c.sql", '3', FIX("gone.sql")), B }, 2, "", NULL },
	{ "keys that name no migration",
	  { A, M("c.sql", '3', SAYS("Phase: contract\nNot-Before: x\nReversal: x\n")) },
	  1,
	  "",
	  NULL },
	{ "supersedes, and requires what comes before it",
	  { A, B, M("c.sql", '3', SAYS("Supersedes: b\nRequires: a.sql\n")) },
	  2,
	  "",
	  NULL },
	{ "supersedes, and requires what comes behind it",
	  { A, B, M("c.sql", '3', SAYS("Supersedes: a.sql\nRequires: b\n")) },
	  2,
	  "supersedes:c.sql",
	  "migration 'c.sql' needs 'x/b.sql', which comes behind 'a.sql', whose place it "
	  "takes" },
	{ "supersedes, and requires that one",
	  { A, B, M("c.sql", '3', SAYS("Supersedes: b\nRequires: b\n")) },
	  2,
	  "supersedes:c.sql",
	  "migration 'c.sql' needs 'x/b.sql', which it supersedes" },
	{ "supersedes one that supersedes: the first one's place counts",
	  { A, B, M("c.sql", '3', SAYS("Supersedes: a.sql\n")),
	    M("d.sql", '4', SAYS("Supersedes: c.sql\nRequires: b\n")) },
	  3,
	  "supersedes:d.sql",
	  NULL },
	{ "supersedes, and fixes what comes behind it",
	  { A, B,
	    M("c.sql", '3', SAYS("Supersedes: a.sql\nFixes: b\nFailure-Mode: x\n")) },
	  2,
	  "supersedes:c.sql",
	  NULL },
	{ "supersedes, and fixes what fixes that one",
	  { A, M("b.sql", '3', SAYS("Fixes: a.sql\nFailure-Mode: x\n")),
	    M("c.sql", '4',
	      SAYS("Supersedes: a.sql\nFixes: a.sql\nFixes: b.sql\nFailure-Mode: x\n")) },
	  2,
	  "",
	  NULL },
	{ "supersedes several",
	  { A, B, M("c.sql", '3', SAYS("Supersedes: a.sql\nSupersedes: b\n")) },
	  2,
	  "supersedes:c.sql",
	  "migration 'c.sql' supersedes more than one" },
	{ "phases",
	  { A, M("c.sql", '3', SAYS("Phase: Expand\n")),
	    M("d.sql", '4', SAYS("Phase: contract\nNot-Before: 2028-02-29\n")),
	    M("e.sql", '5', SAYS("Not-Before: release/v2.0\n")) },
	  1,
	  "",
	  NULL },
	{ "no phase",
	  { A, M("c.sql", '3', SAYS("Phase: shrink\n")) },
	  1,
	  "phase:c.sql",
	  "\"Phase: shrink\" of migration 'c.sql' is no phase" },
	{ "no day",
	  { A, M("c.sql", '3', SAYS("Phase: contract\nNot-Before: 2027-02-29\n")),
	    M("d.sql", '4', SAYS("Phase: contract\nNot-Before: a..b\n")) },
	  1,
	  "phase:c.sql phase:d.sql",
	  NULL },
	{ "what expands does not wait",
	  { A, M("c.sql", '3', SAYS("Phase: expand\nNot-Before: 2027-01-31\n")) },
	  1,
	  "phase:c.sql",
	  "migration 'c.sql' says \"Not-Before:\", and only a contract waits" },
	{ "several",
	  { A, M("y/a.sql", '2'), M("c.sql", '3', FIX("a")) },
	  2,
	  "unresolved:c.sql",
	  "\"Fixes: a\" of migration 'c.sql' names more than one" },
	{ "neither path nor commit",
	  { A, M("c.sql", '3', FIX("the first one")) },
	  1,
	  "unresolved:c.sql",
	  "\"Fixes: the first one\" of migration 'c.sql' is neither a path nor a "
	  "commit" },
	{ "a commit without migration: a warning",
	  { A, M("c.sql", '3', FIX("c0ffee1 (\"typo\")")) },
	  1,
	  "unresolved?:c.sql",
	  "\"Fixes: c0ffee1\" of migration 'c.sql' names a commit that brought no "
	  "migration" },
	{ "an issue", { A, M("c.sql", '3', SAYS("Fixes: #12\n")) }, 1, "", NULL },
	{ "an issue cannot be required",
	  { A, M("c.sql", '3', SAYS("Requires: #12\n")) },
	  1,
	  "unresolved:c.sql",
	  "\"Requires: #12\" of migration 'c.sql' is neither a path nor a commit" },

	{ "later",
	  { M("a.sql", '1', SAYS("Requires: b\n")), B },
	  0,
	  "later:a.sql",
	  "\"Requires: b\" of migration 'a.sql' names one that comes later in the plan" },
	{ "earlier", { B, M("a.sql", '1', SAYS("Requires: b\n")) }, 0, "", NULL },
	{ "later by commit",
	  { M("a.sql", '1', FIX("2222222")), B },
	  0,
	  "later:a.sql",
	  NULL },
	{ "later, a commit that brings several",
	  { M("a.sql", '1', FIX("2222222")), M("b.sql", '2', .company = 2),
	    M("c.sql", '2', .company = 2) },
	  0,
	  "later:a.sql",
	  NULL },
	{ "itself",
	  { A, M("c.sql", '3', FIX("c.sql")) },
	  1,
	  "later:c.sql",
	  "migration 'c.sql' names itself in \"Fixes: c.sql\"" },
	{ "itself, in its header",
	  { M("c.sql", '3', .header = "-- Requires: c\n") },
	  0,
	  "later:c.sql",
	  NULL },

	{ "a permission",
	  { A, M("c.sql", '3', SAYS("Out-Of-Order: a.sql -- late\n")) },
	  1,
	  "",
	  NULL },
	{ "a permission without its reason",
	  { A, M("c.sql", '3', SAYS("Out-Of-Order: a.sql\n")) },
	  1,
	  "reason:c.sql",
	  "\"Out-Of-Order: a.sql\" of migration 'c.sql' gives no reason" },
	{ "a waiver",
	  { A, M("c.sql", '3', SAYS("Lint-Waive: lock -- it is small\n")) },
	  1,
	  "",
	  NULL },
	{ "a waiver without its reason",
	  { A, M("c.sql", '3', SAYS("Lint-Waive: lock\n")) },
	  1,
	  "reason:c.sql",
	  "\"Lint-Waive: lock\" of migration 'c.sql' gives no reason" },
	{ "a waiver of nothing",
	  { A, M("c.sql", '3', SAYS("Lint-Waive: -- it is small\n")) },
	  1,
	  "reason:c.sql",
	  "\"Lint-Waive: \" of migration 'c.sql' names no rule" },

	{ "failure mode, not filled in",
	  { A, M("c.sql", '3', SAYS("Fixes: a.sql\nFailure-Mode: <what>\n")) },
	  1,
	  "failure-mode:c.sql",
	  NULL },
	{ "failure mode",
	  { A, M("c.sql", '3', SAYS("Fixes: a.sql\n")) },
	  1,
	  "failure-mode:c.sql",
	  "migration 'c.sql' says what it fixes and not how that failed" },
	{ "failure mode, empty",
	  { A, M("c.sql", '3', SAYS("Fixes: a\nFailure-Mode:\n")) },
	  1,
	  "failure-mode:c.sql",
	  NULL },
	{ "failure mode in the header",
	  { A, M("c.sql", '3', SAYS("Fixes: a\n"), .header = "-- Failure-Mode: x\n") },
	  1,
	  "",
	  NULL },
	{ "fix in the header",
	  { A, M("c.sql", '3', .header = "-- Fixes: a\n") },
	  1,
	  "failure-mode:c.sql",
	  NULL },
	{ "no fix, no failure mode",
	  { A, M("c.sql", '3', SAYS("Requires: a\n")) },
	  1,
	  "",
	  NULL },

	{ "misplaced",
	  { A, M("c.sql", '3', SAYS("Fixes: a.sql\n\nthe end\n")) },
	  1,
	  "misplaced:c.sql",
	  "a trailer of migration 'c.sql' stands where git does not read it: \"Fixes: "
	  "a.sql\"" },
	{ "each that is misplaced",
	  { M("c.sql", '3', SAYS("Phase: expand\nand\nReversal: x\n\nthe end\n")) },
	  0,
	  "misplaced:c.sql misplaced:c.sql",
	  NULL },
	{ "an issue in the body",
	  { M("c.sql", '3', SAYS("Fixes: #12\n\nthe end\n")) },
	  0,
	  "",
	  NULL },
	{ "misplaced, landed",
	  { M("c.sql", '3', SAYS("Fixes: a.sql\n\nthe end\n")) },
	  1,
	  "",
	  NULL },

	{ "unbound",
	  { M("b.sql", '2', .company = 2, SAYS("Reversal: easy\nPhase: expand\n")),
	    M("c.sql", '2', .company = 2, SAYS("Reversal: easy\nPhase: expand\n")) },
	  0,
	  "unbound:b.sql unbound:c.sql",
	  "\"Reversal:\" is in the message of a commit that brings 2 migrations, 'b.sql' "
	  "among them" },
	{ "unbound: it counts for nothing",
	  { A, M("c.sql", '2', .company = 2, SAYS("Fixes: gone.sql\n")) },
	  1,
	  "unbound:c.sql",
	  NULL },
	{ "bound by itself", { M("b.sql", '2', SAYS("Reversal: easy\n")) }, 0, "", NULL },
	{ "bound by the header",
	  { M("b.sql", '2', .company = 2, .header = "-- Reversal: easy\n"),
	    M("c.sql", '2', .company = 2) },
	  0,
	  "",
	  NULL },
	{ "out of order names its migration itself",
	  { M("b.sql", '2', .company = 2, SAYS("Out-Of-Order: a.sql -- x\n")),
	    M("c.sql", '2', .company = 2, SAYS("Out-Of-Order: a.sql -- x\n")) },
	  0,
	  "",
	  NULL },
	{ "unbound, landed",
	  { M("b.sql", '2', .company = 2, SAYS("Reversal: easy\n")) },
	  1,
	  "",
	  NULL },
};

static void new_entries(void **state UNUSED)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		struct side side = { 0 };
		struct findings f = { 0 };
		struct err err = { 0 };

		make_side(&side, entries[i].files);
		assert_int_equal(policy_new_entries(&side.plan, entries[i].from, &f,
						    &err),
				 0);
		assert_findings(entries[i].what, &f, entries[i].expect,
				entries[i].message);
		findings_release(&f);
		plan_release(&side.plan);
	}
}

/* The hint of the only finding of a commit that says `Fixes: ...`. */
static void assert_hint(struct file files[FILES], size_t from, const char *hint,
			const char *detail)
{
	struct side side = { 0 };
	struct findings f = { 0 };
	struct err err = { 0 };

	make_side(&side, files);
	assert_int_equal(policy_new_entries(&side.plan, from, &f, &err), 0);
	assert_int_equal(f.nr, 1);
	assert_string_equal(f.items[0].hint, hint);
	assert_string_equal(f.items[0].detail, detail);
	findings_release(&f);
	plan_release(&side.plan);
}

static void hints_of_references(void **state UNUSED)
{
	static const char any[] = "Write the path of the migration, as \"git migrate "
				  "plan\" prints it.";
	struct file rebased[FILES] = { A, B,
				       M("c.sql", '3', FIX("1234567 (\"add b\")")) };
	struct file none[FILES] = { A, B, M("c.sql", '3', FIX("1234567 (\"add c\")")) };
	struct file itself[FILES] = { A, M("c.sql", '3', FIX("1234567 (\"subject\")")) };
	struct file later[FILES] = { M("c.sql", '3', FIX("1234567 (\"add a\")")), A };
	struct file twice[FILES] = { A, M("d.sql", '2', .message = "add a\n"),
				     M("c.sql", '3', FIX("1234567 (\"add a\")")) };
	struct file many[FILES] = { A, M("y/a.sql", '2'), M("c.sql", '3', FIX("a")) };

	assert_hint(rebased, 2,
		    "Write \"Fixes: x/b.sql\", which was brought by a commit with that "
		    "subject.",
		    "");
	assert_hint(none, 2, any, "");
	assert_hint(itself, 1, any, "");
	assert_hint(later, 0, any, "");
	assert_hint(twice, 2, any, "");
	assert_hint(many, 2, "Write the whole path.",
		    "It could be 'a.sql' or 'y/a.sql'.");
}

static void new_entries_fail(void **state UNUSED)
{
	static const struct file files[FILES] = { A, B, M("c.sql", '3', FIX("1234567")) };
	static const struct file lookup[FILES] = { A, M("c.sql", '3', FIX("badbad1")) };
	struct side side = { 0 };
	struct findings f = { 0 };
	struct err err = { 0 };

	make_side(&side, files);
	side.fails = "c.sql";
	assert_int_equal(policy_new_entries(&side.plan, 0, &f, &err), -1);
	assert_string_equal(err.message, "migration 'c.sql': could not read it");
	plan_release(&side.plan);

	memset(&side, 0, sizeof(side));
	make_side(&side, files); /* the one that is read in search of a subject */
	side.files = (const struct file[FILES]){
		A, B, M("c.sql", '3', FIX("1234567 (\"add b\")"))
	};
	side.fails = "a.sql";
	assert_int_equal(policy_new_entries(&side.plan, 2, &f, &err), -1);
	assert_string_equal(err.message, "migration 'a.sql': could not read it");
	plan_release(&side.plan);

	memset(&side, 0, sizeof(side));
	make_side(&side, lookup);
	assert_int_equal(policy_new_entries(&side.plan, 1, &f, &err), -1);
	assert_string_equal(err.message, "could not look 'badbad1' up");
	plan_release(&side.plan);
	findings_release(&f);
}

static void misfits(void **state UNUSED)
{
	static const struct {
		struct misfit misfit;
		const char *expect, *message;
	} all[] = {
		{ { "a b.sql", MODE_REGULAR, NAME_CHARACTER },
		  "name:a b.sql",
		  "file 'migrations/a b.sql' cannot be a migration: only letters, "
		  "digits, '.', '_' and '-' can stand in a name" },
		{ { ".a.sql", MODE_REGULAR, NAME_START }, "name:.a.sql", NULL },
		{ { "a.SQL", MODE_REGULAR, NAME_EXTENSION }, "name:a.SQL", NULL },
		{ { "a.sql", MODE_REGULAR, NAME_LONG }, "name:a.sql", NULL },
		{ { "a b.sql", MODE_SYMLINK, NAME_CHARACTER }, "name:a b.sql", NULL },
		{ { "a.sql", MODE_SYMLINK, NAME_OK },
		  "type:a.sql",
		  "'migrations/a.sql' cannot be a migration: it is a symbolic link" },
		{ { "a.sql", MODE_GITLINK, NAME_OK },
		  "type:a.sql",
		  "'migrations/a.sql' cannot be a migration: it is a submodule" },
		{ { "a.sql", 0100600, NAME_OK },
		  "type:a.sql",
		  "'migrations/a.sql' cannot be a migration: it is not a regular file" },
	};
	static const struct file files[FILES] = { A, B };
	size_t i, from;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		for (from = 0; from <= 2; from += 2) { /* landed or not */
			struct side side = { 0 };
			struct findings f = { 0 };
			struct err err = { 0 };

			make_side(&side, files);
			side.plan.misfits = &all[i].misfit;
			side.plan.nr_misfits = 1;
			assert_int_equal(policy_new_entries(&side.plan, from, &f, &err),
					 0);
			assert_findings("misfit", &f, all[i].expect, all[i].message);
			findings_release(&f);
			plan_release(&side.plan);
		}
	}
}

static void findings(void **state UNUSED)
{
	struct findings f = { 0 };
	char path[] = "a.sql", big[4096];
	int r, s;

	for (r = 0; r < RULE_NR; r++) {
		assert_non_null(rule_name((enum rule)r));
		for (s = 0; s < r; s++)
			assert_string_not_equal(rule_name((enum rule)r),
						rule_name((enum rule)s));
	}
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (r = 0; r < 100; r++) {
		findings_add(&f, RULE_GAP, r % 2, path, "%d %s", r, big);
		findings_detail(&f, "%s", big);
		findings_hint(&f, "%d", r);
	}
	path[0] = 'b'; /* it was copied */
	assert_int_equal(f.nr, 100);
	assert_int_equal(f.errors, 50);
	assert_string_equal(f.items[7].path, "a.sql");
	assert_string_equal(f.items[7].hint, "7");
	assert_true(starts_with(f.items[7].message, "7 xxx"));
	findings_release(&f);
	assert_int_equal(f.nr, 0);
	findings_release(&f);
}

/* migrate.protect=applied: what ran, "path blob" a line. */

static const struct {
	const char *what;
	struct file older[FILES], newer[FILES];
	const char *ran;
	const char *expect, *message;
} partly[] = {
	{ "nothing ran: all is free",
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  { M("c.sql", '3', '3'), M("b.sql", '2', '4') },
	  "",
	  "",
	  NULL },
	{ "edited, and ran",
	  { M("a.sql", '1'), M("b.sql", '2') },
	  { M("a.sql", '1', '2'), M("b.sql", '2', '2') },
	  "a1",
	  "edited:a.sql",
	  "migration 'a.sql' was edited after it was applied" },
	{ "edited, another one ran",
	  { M("a.sql", '1'), M("b.sql", '2') },
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  "a1",
	  "",
	  NULL },
	{ "back to what ran",
	  { M("a.sql", '1', '2') },
	  { M("a.sql", '1', '1') },
	  "a1",
	  "",
	  NULL },
	{ "deleted, and ran",
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  { M("b.sql", '2', '2') },
	  "a1",
	  "deleted:a.sql",
	  "migration 'a.sql' was deleted after it was applied" },
	{ "deleted, another one ran",
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  { M("b.sql", '2', '2') },
	  "b2",
	  "",
	  NULL },
	{ "renamed, another one ran",
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  { M("b.sql", '2', '2'), M("c.sql", '3') },
	  "b2",
	  "",
	  NULL },
	{ "new before one that ran",
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  { M("c.sql", '3', '3'), M("a.sql", '1'), M("b.sql", '2', '2') },
	  "b2",
	  "reordered:-",
	  "the order of landed migrations changed: 'c.sql' would come before 'b.sql'" },
	{ "new behind all that ran",
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  { M("a.sql", '1'), M("c.sql", '3', '3'), M("b.sql", '2', '2') },
	  "a1",
	  "",
	  NULL },
	{ "two that ran change places",
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  { M("b.sql", '2', '2'), M("a.sql", '1') },
	  "a1 b2",
	  "reordered:-",
	  NULL },
	{ "one that did not run moves back",
	  { M("a.sql", '1'), M("b.sql", '2', '2'), M("c.sql", '3', '3') },
	  { M("b.sql", '2', '2'), M("a.sql", '1'), M("c.sql", '3', '3') },
	  "b2 c3",
	  "",
	  NULL },
	{ "trailers of one that ran",
	  { M("a.sql", '1') },
	  { M("a.sql", '2', .message = "a\n\nPhase: expand\n") },
	  "a1",
	  "relabelled:a.sql",
	  NULL },
	{ "trailers of one that did not",
	  { M("a.sql", '1') },
	  { M("a.sql", '2', .message = "a\n\nPhase: expand\n") },
	  "",
	  "",
	  NULL },
	{ "new here, and ran elsewhere as it is",
	  { M("a.sql", '1') },
	  { M("a.sql", '1'), M("b.sql", '2', '2') },
	  "b2",
	  "",
	  NULL },
	{ "new here, and ran elsewhere as another one",
	  { M("a.sql", '1') },
	  { M("a.sql", '1'), M("b.sql", '2', '3') },
	  "b2",
	  "edited:b.sql",
	  "migration 'b.sql' is not the one that was applied to target 'prod'" },
};

/* "a1 b2": a.sql ran as blob 1, b.sql as blob 2. */
static void make_applied(struct pool *pool, const char *ran, struct applied_set *out)
{
	out->nr = 0;
	out->items = pool_alloc(pool, FILES * sizeof(*out->items));
	for (; *ran; ran += ran[2] ? 3 : 2) {
		out->items[out->nr].path = pool_printf(pool, "%c.sql", ran[0]);
		out->items[out->nr].blob = make_oid(ran[1]);
		out->items[out->nr++].target = "prod";
	}
}

static void applied_alone(void **state UNUSED)
{
	const struct lineage lineage = { .old_is_ancestor = true,
					 .old_on_first_parents = true };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(partly); i++) {
		struct side older = { 0 }, newer = { 0 };
		struct applied_set applied;
		struct findings f = { 0 };
		struct pool pool = { 0 };
		struct err err = { 0 };

		make_applied(&pool, partly[i].ran, &applied);
		make_side(&older, partly[i].older);
		make_side(&newer, partly[i].newer);
		assert_int_equal(policy_append_only(&older.plan, &newer.plan, &lineage,
						    &applied, &f, &err),
				 0);
		assert_findings(partly[i].what, &f, partly[i].expect, partly[i].message);
		findings_release(&f);
		plan_release(&older.plan);
		plan_release(&newer.plan);
		pool_release(&pool);
	}
}

static void reverted(void **state UNUSED)
{
	static const struct file was[FILES] = { M("a.sql", '1'), M("b.sql", '2', '2') };
	static const struct file now[FILES] = { M("a.sql", '1') };
	struct oid ids[] = { make_oid('9'), make_oid('2') };
	size_t nr;

	for (nr = 0; nr <= 2; nr++) {
		const struct lineage lineage = { .old_is_ancestor = true,
						 .old_on_first_parents = true,
						 .reverted = ids,
						 .nr_reverted = nr };
		struct side older = { 0 }, newer = { 0 };
		struct findings f = { 0 };
		struct err err = { 0 };

		make_side(&older, was);
		make_side(&newer, now);
		assert_int_equal(policy_append_only(&older.plan, &newer.plan, &lineage,
						    NULL, &f, &err),
				 0);
		assert_findings("reverted", &f,
				nr < 2 ? "deleted:b.sql" : "reverted:b.sql",
				nr < 2 ? "migration 'b.sql' was deleted after it landed"
				       : "migration 'b.sql' was reverted after it "
					 "landed");
		assert_non_null(strstr(f.items[0].hint, "git migrate new"));
		findings_release(&f);
		plan_release(&older.plan);
		plan_release(&newer.plan);
	}
}

static void one_each(void **state UNUSED)
{
	static const struct file files[FILES] = { M("a.sql", '1', .company = 2),
						  M("b.sql", '1', .company = 2),
						  M("c.sql", '2'),
						  M("d.sql", '3', .company = 2) };
	static const char *const expect[] = { "several:a.sql several:d.sql",
					      "several:b.sql several:d.sql",
					      "several:d.sql", "several:d.sql", "" };
	size_t from;

	for (from = 0; from < ARRAY_SIZE(expect); from++) {
		struct side side = { 0 };
		struct findings f = { 0 };

		make_side(&side, files);
		policy_one_each(&side.plan, from, &f);
		assert_findings("one each", &f, expect[from],
				from ? NULL
				     : "commit 111111111111 brings 2 migrations, "
				       "'a.sql' among them");
		findings_release(&f);
		plan_release(&side.plan);
	}
}

static void messages(void **state UNUSED)
{
	static const struct file files[FILES] = { M("a.sql", '1') };
	static const struct {
		const char *trailers, *expect;
	} all[] = {
		{ "Out-Of-Order: a.sql -- late", "" },
		{ "Out-Of-Order: a.sql", "reason:-" },
		{ "Out-Of-Order: a.sql -- <reason>", "reason:-" },
		{ "Out-Of-Order: b.sql -- late", "unresolved:-" },
		{ "Fixes: b.sql", "" },
		{ "Lint-Waive: x", "" },
	};
	char text[128];
	size_t i, brought;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		for (brought = 0; brought <= 2; brought++) {
			struct side side = { 0 };
			struct findings f = { 0 };

			snprintf(text, sizeof(text), "subject\n\n%s\n", all[i].trailers);
			make_side(&side, files);
			policy_message(&side.plan, brought, text, &f);
			assert_findings(all[i].trailers, &f,
					brought == 1 ? "" : all[i].expect, NULL);
			findings_release(&f);
			plan_release(&side.plan);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append_only),
		cmocka_unit_test(append_only_fails),
		cmocka_unit_test(append_only_details),
		cmocka_unit_test(new_entries),
		cmocka_unit_test(hints_of_references),
		cmocka_unit_test(new_entries_fail),
		cmocka_unit_test(misfits),
		cmocka_unit_test(findings),
		cmocka_unit_test(applied_alone),
		cmocka_unit_test(reverted),
		cmocka_unit_test(one_each),
		cmocka_unit_test(messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
