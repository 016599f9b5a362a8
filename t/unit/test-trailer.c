/*
 * Trailers of messages and headers. The expected values of the first table are
 * what git 2.39 prints for %(trailers:only,unfold) with no configuration, but
 * for the CR inside a folded value, which we drop.
 */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/pool.h"
#include "core/trailer.h"

#define CUT "# ------------------------ >8 ------------------------\n"

static const struct {
	const char *what, *message, *expect;
} messages[] = {
	{ "no trailers", "subject\n\nbody\n", "" },
	{ "one", "subject\n\nbody\n\nFixes: a.sql\n", "Fixes: a.sql\n" },
	{ "no body", "subject\n\nFixes: a.sql\n", "Fixes: a.sql\n" },
	{ "no line feed at the end", "subject\n\nbody\n\nFixes: a.sql",
	  "Fixes: a.sql\n" },
	{ "in the subject's paragraph", "subject\nFixes: a.sql\n", "" },
	{ "as the subject", "Fixes: a.sql\n", "" },
	{ "subject alone", "subject", "" },
	{ "empty", "", "" },
	{ "blank lines before the subject", "\n \nsubject\n\nbody\n\nFixes: a.sql\n",
	  "Fixes: a.sql\n" },
	{ "subject behind blank lines is none", "\n\nFixes: a.sql\n", "" },
	{ "keys in any case", "subject\n\nbody\n\nfixes: a\nFIXES: b\nfailure-MODE: c\n",
	  "Fixes: a\nFixes: b\nFailure-Mode: c\n" },
	{ "duplicates in order", "subject\n\nbody\n\nFixes: b\nFixes: a\nFixes: b\n",
	  "Fixes: b\nFixes: a\nFixes: b\n" },
	{ "all keys",
	  "subject\n\nbody\n\nFixes: x\nFailure-Mode: x\nSupersedes: x\nRequires: "
	  "x\nReversal: x\nData-Loss: x\nPhase: x\nPairs-With: x\nNot-Before: "
	  "x\nOut-Of-Order: x\nCheckpoint: x\nLint-Waive: x\n",
	  "Fixes: x\nFailure-Mode: x\nSupersedes: x\nRequires: x\nReversal: "
	  "x\nData-Loss: x\nPhase: x\nPairs-With: x\nNot-Before: x\nOut-Of-Order: "
	  "x\nCheckpoint: x\nLint-Waive: x\n" },
	{ "blank before the colon", "subject\n\nbody\n\nFixes : a\nPhase\t : b\n",
	  "Fixes: a\nPhase: b\n" },
	{ "no blank behind the colon", "subject\n\nbody\n\nFixes:a\n", "Fixes: a\n" },
	{ "blanks round the value", "subject\n\nbody\n\nFixes: \t a b \t \n",
	  "Fixes: a b\n" },
	{ "empty value", "subject\n\nbody\n\nFixes:\nPhase: x\n", "Fixes: \nPhase: x\n" },
	{ "empty value at the end", "subject\n\nbody\n\nFixes:", "Fixes: \n" },
	{ "empty value, continued", "subject\n\nbody\n\nFixes:\n a\n", "Fixes: a\n" },
	{ "continued by a blank", "subject\n\nbody\n\nFailure-Mode: it broke\n because\n",
	  "Failure-Mode: it broke because\n" },
	{ "continued by a tab", "subject\n\nbody\n\nFailure-Mode: it broke\n\tbecause\n",
	  "Failure-Mode: it broke because\n" },
	{ "continued twice",
	  "subject\n\nbody\n\nFailure-Mode: it\n   broke\n \t because\nFixes: a\n",
	  "Failure-Mode: it broke because\nFixes: a\n" },
	{ "blanks before the fold stay", "subject\n\nbody\n\nFailure-Mode: it \n broke\n",
	  "Failure-Mode: it  broke\n" },
	{ "a continuation that looks like a trailer",
	  "subject\n\nbody\n\nFailure-Mode: it\n Fixes: a\n",
	  "Failure-Mode: it Fixes: a\n" },
	{ "a continuation that is blank ends the block",
	  "subject\n\nbody\n\nFailure-Mode: it\n \n broke\nFixes: a\n", "" },
	{ "continued in front of all", "subject\n\nbody\n\n lost\nFixes: a\n", "" },
	{ "CRLF", "subject\r\n\r\nbody\r\n\r\nFixes: a\r\nPhase: b\r\n",
	  "Fixes: a\nPhase: b\n" },
	{ "CRLF, continued", "subject\r\n\r\nbody\r\n\r\nFailure-Mode: it\r\n broke\r\n",
	  "Failure-Mode: it broke\n" },
	{ "CRLF, no line feed at the end", "subject\r\n\r\nbody\r\n\r\nFixes: a\r",
	  "Fixes: a\n" },
	{ "dashes in the body", "subject\n\n---\n\nFixes: a\n", "Fixes: a\n" },
	{ "a patch in the body", "subject\n\n--- a/x\n+++ b/x\n\nFixes: a\n",
	  "Fixes: a\n" },
	{ "a rule in the body", "subject\n\n-----\nbody\n\nFixes: a\n", "Fixes: a\n" },
	{ "dashes among the trailers", "subject\n\nbody\n\nFixes: a\n---\nPhase: b\n",
	  "" },
	{ "scissors behind", "subject\n\nbody\n\nFixes: a\n" CUT "diff\n", "Fixes: a\n" },
	{ "scissors in front", "subject\n\nbody\n\n" CUT "Fixes: a\n", "" },
	{ "scissors in front of everything", CUT "subject\n\nbody\n\nFixes: a\n", "" },
	{ "scissors that are too short", "subject\n\nbody\n\nFixes: a\n\n# --- >8 ---\n",
	  "Fixes: a\n" },
	{ "comment among the trailers",
	  "subject\n\nbody\n\nFixes: a\n# Phase: b\nRequires: c\n",
	  "Fixes: a\nRequires: c\n" },
	{ "comment cuts a continuation",
	  "subject\n\nbody\n\nFailure-Mode: it\n# x\n broke\n", "" },
	{ "comments at the end", "subject\n\nbody\n\nFixes: a\n\n# please\n#\n",
	  "Fixes: a\n" },
	{ "comment for a subject", "# x\nsubject\n\nbody\n\nFixes: a\n", "Fixes: a\n" },
	{ "conflicts at the end",
	  "subject\n\nbody\n\nFixes: a\n\nConflicts:\n\ta.sql\n\tb.sql\n", "Fixes: a\n" },
	{ "conflicts in comments",
	  "subject\n\nbody\n\nFixes: a\n\n# Conflicts:\n#\ta.sql\n", "Fixes: a\n" },
	{ "blank lines at the end", "subject\n\nbody\n\nFixes: a\n\n \n\n",
	  "Fixes: a\n" },
	{ "not the last paragraph", "subject\n\nFixes: a\n\nbody\n", "" },
	{ "two paragraphs, the last counts", "subject\n\nFixes: a\n\nPhase: b\n",
	  "Phase: b\n" },
	{ "one line of text in the paragraph", "subject\n\nbody\n\ntext\nFixes: a\n",
	  "" },
	{ "text and a sign-off",
	  "subject\n\nbody\n\ntext\nFixes: a\nSigned-off-by: A <a@b>\n", "Fixes: a\n" },
	{ "text and a cherry-pick line",
	  "subject\n\nbody\n\ntext\nFixes: a\n(cherry picked from commit 12)\n",
	  "Fixes: a\n" },
	{ "a quarter",
	  "subject\n\nbody\n\n1\n2\n3\n4\n5\n6\nFixes: a\nSigned-off-by: A <a@b>\n",
	  "Fixes: a\n" },
	{ "less than a quarter",
	  "subject\n\nbody\n\n1\n2\n3\n4\n5\n6\n7\nFixes: a\nSigned-off-by: A <a@b>\n",
	  "" },
	{ "text with its continuations counts",
	  "subject\n\nbody\n\n1\n a\n b\n c\n d\n e\n f\nFixes: a\nSigned-off-by: A "
	  "<a@b>\n",
	  "" },
	{ "a sign-off in lower case is no sign of git",
	  "subject\n\nbody\n\ntext\nFixes: a\nsigned-off-by: A <a@b>\n", "" },
	{ "keys of others", "subject\n\nbody\n\nAcked-by: X\nFixes: a\nhttps://x/y\n",
	  "Fixes: a\n" },
	{ "a key with an underscore", "subject\n\nbody\n\nFixes_it: x\nFixes: a\n", "" },
	{ "a key that is not ASCII", "subject\n\nbody\n\nK\303\244se: x\nFixes: a\n",
	  "" },
	{ "other separators", "subject\n\nbody\n\nFixes= a\nFixes# b\n", "" },
	{ "a longer key", "subject\n\nbody\n\nFixes-It: x\nFixesx: y\nFix: z\n", "" },
	{ "a key of two words", "subject\n\nbody\n\nFixes x: a\n", "" },
	{ "a colon in front", "subject\n\nbody\n\n: x\nFixes: a\n", "" },
	{ "indented", "subject\n\nbody\n\n Fixes: a\n", "" },
	{ "UTF-8 in the value",
	  "subject\n\nbody\n\nReversal: gr\303\266\303\237er \342\200\224 nein\n",
	  "Reversal: gr\303\266\303\237er \342\200\224 nein\n" },
	{ "a form feed is no space", "subject\n\nbody\n\nFixes: a\n\fPhase: b\n", "" },
	{ "GitHub's squash",
	  "subject\n\n* one\n\nFixes: a\n\n* two\n\nCo-authored-by: A <a@b>\n", "" },
};

/* "Key: value" lines, then what is misplaced behind "?", then the directives. */
static void show(struct buf *out, const struct trailers *t, const struct directives *how)
{
	size_t i;

	buf_reset(out);
	buf_adds(out, "");
	for (i = 0; i < t->nr; i++)
		buf_addf(out, "%s: %s\n", trailer_name(t->items[i].key),
			 t->items[i].value);
	for (i = 0; i < t->misplaced_nr; i++)
		buf_addf(out, "?%s\n", t->misplaced[i]);
	for (i = 0; how && i < how->nr; i++)
		buf_addf(out, "!%s%s%s\n", how->items[i].word,
			 how->items[i].value ? "=" : "",
			 how->items[i].value ? how->items[i].value : "");
}

static void as_git_reads_them(UNUSED void **state)
{
	struct buf out = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(messages); i++) {
		struct pool pool = { 0 };
		struct trailers t = { 0 };

		trailers_from_message(&t, &pool, messages[i].message,
				      strlen(messages[i].message));
		t.misplaced_nr = 0;
		show(&out, &t, NULL);
		if (strcmp(out.s, messages[i].expect) != 0)
			fail_msg("%s:\n%s", messages[i].what, out.s);
		pool_release(&pool);
	}
	buf_release(&out);
}

static void assert_message(const char *message, size_t len, const char *expect)
{
	struct buf out = BUF_INIT;
	struct pool pool = { 0 };
	struct trailers t = { 0 };

	trailers_from_message(&t, &pool, message, len);
	show(&out, &t, NULL);
	assert_string_equal(out.s, expect);
	pool_release(&pool);
	buf_release(&out);
}

#define MESSAGE(message, expect) assert_message(message, sizeof(message) - 1, expect)

static void misplaced(UNUSED void **state)
{
	/* the accepting twin first */
	MESSAGE("s\n\nb\n\nFixes: a\n", "Fixes: a\n");
	MESSAGE("s\n\nFixes: a\n\nb\n", "?Fixes: a\n");
	MESSAGE("s\n\nFIXES : a \n\nPhase: b\n", "Phase: b\n?FIXES : a\n");
	MESSAGE("Fixes: a\n", "?Fixes: a\n");
	MESSAGE("s\nRequires: a\n", "?Requires: a\n");
	MESSAGE("s\n\ntext\nFixes: a\n", "?Fixes: a\n");
	MESSAGE("s\r\n\r\nFixes: a\r\n\r\nb\r\n", "?Fixes: a\n");
	MESSAGE("s\n\nFixes: a\n" CUT "Phase: b\n", "Fixes: a\n?Phase: b\n");
	MESSAGE("s\n\nFixes:\n\nb\n", "?Fixes:\n");
	MESSAGE("s\n\nFailure-Mode: a\n Fixes: b\n", "Failure-Mode: a Fixes: b\n");
	/* not ours, not a line of its own, or not a key */
	MESSAGE("s\n\nFixes: #12\n\nb\n", "");
	MESSAGE("s\n\nFixes: o/r#12\nFixes: https://x/1\n\nb\n", "");
	MESSAGE("s\n\n Fixes: a\n\nthis Fixes: b\n\nb\n", "");
	MESSAGE("s\n\nFixes a\nFixes-It: b\n# Fixes: c\n\nb\n", "");
	/* git sees a message up to its first NUL */
	MESSAGE("s\n\nFixes: a\n\0\nPhase: b\n", "Fixes: a\n");
	assert_message("s\n\nFixes: a\nPhase: b\n", 9, "Fixes: \n");
	MESSAGE("s\n\nFixes: #12\n", "Fixes: #12\n");
}

static void assert_header(const char *sql, size_t len, const char *expect)
{
	struct buf out = BUF_INIT;
	struct pool pool = { 0 };
	struct directives how = { 0 };
	struct trailers t = { 0 };

	trailers_from_header(&t, &how, &pool, sql, len);
	show(&out, &t, &how);
	assert_string_equal(out.s, expect);
	pool_release(&pool);
	buf_release(&out);
}

#define HEADER(sql, expect) assert_header(sql, sizeof(sql) - 1, expect)

static void header_trailers(UNUSED void **state)
{
	HEADER("", "");
	HEADER("-- Fixes: a.sql\nSELECT 1;\n", "Fixes: a.sql\n");
	HEADER("--Fixes: a.sql", "Fixes: a.sql\n");
	HEADER("\n\n  -- fixes : a.sql  \r\n", "Fixes: a.sql\n");
	HEADER("\xef\xbb\xbf-- Fixes: a\n", "Fixes: a\n");
	HEADER("-- Adds a column.\n--\n-- Fixes: a\n\n-- text\n-- Phase: expand\n",
	       "Fixes: a\nPhase: expand\n");
	HEADER("-- Fixes: a\n-- Fixes: b\n", "Fixes: a\nFixes: b\n");
	HEADER("-- Fixes:\n", "Fixes: \n");
	/* continued, and what ends that */
	HEADER("-- Failure-Mode: it\n--   broke\n--\tbadly\n--\t\tthen\n",
	       "Failure-Mode: it broke\n");
	HEADER("-- Failure-Mode: it\n--  broke\n--\t\tthen\n",
	       "Failure-Mode: it broke then\n");
	HEADER("-- Failure-Mode:\n--   it  broke\r\n--   Fixes: x\r\n",
	       "Failure-Mode: it  broke Fixes: x\n");
	HEADER("-- Failure-Mode: it\n--\n--   broke\n", "Failure-Mode: it\n");
	HEADER("-- Failure-Mode: it\n\n--   broke\n", "Failure-Mode: it\n");
	HEADER("-- Failure-Mode: it\n-- text\n--   broke\n", "Failure-Mode: it\n");
	/* the block ends */
	HEADER("SELECT 1;\n-- Fixes: a\n", "");
	HEADER("-- Phase: expand\n/* x */\n-- Fixes: a\n", "Phase: expand\n");
	HEADER("-- Phase: expand\n-\n-- Fixes: a\n", "Phase: expand\n");
	/* no trailers */
	HEADER("--   Fixes: a\n-- see Fixes: b\n-- Fixes b\n-- -- Fixes: c\n", "");
}

static void header_directives(UNUSED void **state)
{
	HEADER("-- migrate: no-transaction\n", "!no-transaction\n");
	HEADER("--migrate:foreign-keys=on\r\n", "!foreign-keys=on\n");
	HEADER("-- Migrate : a=\n-- Fixes: x\n-- migrate: b=c=d\n",
	       "Fixes: x\n!a=\n!b=c=d\n");
	HEADER("-- migrate: batch rows=500\t key=id\n", "!batch\n!rows=500\n!key=id\n");
	HEADER("-- migrate: batch\n--   rows=500\nSELECT 1;\n", "!batch\n!rows=500\n");
	HEADER("-- migrate:\n", "");
	HEADER("-- migrated: x\nSELECT 1;\n-- migrate: y\n", "");
}

static void names(UNUSED void **state)
{
	int key;

	for (key = 0; key < TRAILER_NR; key++) {
		struct pool pool = { 0 };
		struct trailers t = { 0 };
		char *m = pool_printf(&pool, "s\n\n%s: v\n",
				      trailer_name((enum trailer_key)key));

		trailers_from_message(&t, &pool, m, strlen(m));
		assert_int_equal(t.nr, 1);
		assert_int_equal(t.items[0].key, key);
		assert_string_equal(trailers_get(&t, (enum trailer_key)key), "v");
		assert_null(trailers_get(&t, (enum trailer_key)((key + 1) % TRAILER_NR)));
		pool_release(&pool);
	}
}

static bool same(const char *left, const char *right)
{
	struct pool pool = { 0 };
	struct directives how = { 0 };
	struct trailers a = { 0 }, b = { 0 };
	bool ret;

	trailers_from_header(&a, &how, &pool, left, strlen(left));
	trailers_from_header(&b, &how, &pool, right, strlen(right));
	ret = trailers_eq(&a, &b);
	assert_int_equal(trailers_eq(&b, &a), ret);
	pool_release(&pool);
	return ret;
}

static void equality(UNUSED void **state)
{
	assert_true(same("", "-- text\n"));
	assert_true(same("-- Fixes: a\n-- Phase: b\n", "-- phase: b\n--Fixes:  a\n"));
	assert_true(same("-- Fixes: a\n-- Fixes: b\n", "-- Fixes: a\n-- Fixes: b\n"));
	assert_false(same("-- Fixes: a\n-- Fixes: b\n", "-- Fixes: b\n-- Fixes: a\n"));
	assert_false(same("-- Fixes: a\n", ""));
	assert_false(same("-- Fixes: a\n", "-- Fixes: b\n"));
	assert_false(same("-- Fixes: a\n", "-- Requires: a\n"));
	assert_false(same("-- Fixes: a\n-- Fixes: a\n", "-- Fixes: a\n-- Phase: a\n"));
}

static void issues(UNUSED void **state)
{
	static const char *const yes[] = {
		"#1",
		" #123",
		"#12, #13",
		"#12.",
		"#12 (login)",
		"GH-7",
		"gh-7",
		"owner/repo#12",
		"o.w-n_er/r.e-p_o#1",
		"https://x.org/issues/1",
		"http://x",
		"git+ssh://x",
	};
	static const char *const no[] = {
		"",	      "#",
		"#x",	      "#12x",
		"GH-",	      "GH-x",
		"repo#12",    "a/b/c#1",
		"a/b",	      "/b#1",
		"a/#1",	      "0001.sql",
		"a/b.sql",    "0123abc (\"subject (#12)\")",
		"://x",	      "http:/x",
		"x http://y",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(yes); i++)
		if (!trailer_is_issue(yes[i]))
			fail_msg("'%s' is an issue", yes[i]);
	for (i = 0; i < ARRAY_SIZE(no); i++)
		if (trailer_is_issue(no[i]))
			fail_msg("'%s' is none", no[i]);
}

static void reasons(UNUSED void **state)
{
	static const struct {
		const char *value, *what, *reason;
	} samples[] = {
		{ "a.sql -- late branch", "a.sql", "late branch" },
		{ "a.sql\t--\tlate", "a.sql", "late" },
		{ " a  --  b -- c ", "a", "b -- c" },
		{ "a.sql", "a.sql", "" },
		{ "a.sql --", "a.sql", "" },
		{ "-- why", "", "why" },
		{ "--", "", "" },
		{ "", "", "" },
		{ "a--b -- c", "a--b", "c" },
		{ "a --b", "a --b", "" },
		{ "a --- b", "a --- b", "" },
	};
	struct pool pool = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		const char *what, *reason;

		trailer_split_reason(&pool, samples[i].value, &what, &reason);
		assert_string_equal(what, samples[i].what);
		assert_string_equal(reason, samples[i].reason);
	}
	pool_release(&pool);
}

static void any_key(void **state UNUSED)
{
	static const char message[] = "subject\n\nReviewed-by: not yet\n\nbody\n\n"
				      "reviewed-by: A <a@x>\nFixes: a.sql\n"
				      "Reviewed-By : B\n <b@x>\nReviewed: C\n";
	struct pool pool = { 0 };
	const char **values;

	assert_int_equal(trailers_named(&values, &pool, message, "Reviewed-by"), 2);
	assert_string_equal(values[0], "A <a@x>");
	assert_string_equal(values[1], "B <b@x>");
	assert_int_equal(trailers_named(&values, &pool, message, "Fixes"), 1);
	assert_string_equal(values[0], "a.sql");
	assert_int_equal(trailers_named(&values, &pool, message, "Signed-off-by"), 0);
	assert_int_equal(trailers_named(&values, &pool, "", "Fixes"), 0);
	pool_release(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_git_reads_them),
		cmocka_unit_test(misplaced),
		cmocka_unit_test(header_trailers),
		cmocka_unit_test(header_directives),
		cmocka_unit_test(names),
		cmocka_unit_test(equality),
		cmocka_unit_test(issues),
		cmocka_unit_test(reasons),
		cmocka_unit_test(any_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
