/* What git makes of a message file, and what is found in a message. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "core/message.h"
#include "core/oid.h"

struct cleaning {
	const char *text, *expect, *comment;
	bool keeps_comments;
};

static void test_clean(void **state UNUSED)
{
	static const struct cleaning cases[] = {
		{ "a\n", "a\n", NULL, false },
		{ "a", "a\n", NULL, false },
		{ "", "", NULL, false },
		{ "\n \n\t\n", "", NULL, false },
		{ "# c\n", "", NULL, false },
		{ "\n\na \t\n\n\n\nb\n\n", "a\n\nb\n", NULL, false },
		{ "a\n# c\nb\n", "a\nb\n", NULL, false },
		{ "a\n\n# c\n\nb\n", "a\n\nb\n", NULL, false },
		{ "a\n# c\nb\n", "a\n# c\nb\n", NULL, true },
		{ "a\n# c\n; d\n", "a\n# c\n", ";", false },
		{ "a\n// c\n/ d\n", "a\n/ d\n", "//", false },
		{ "a\n#c\n", "a\n", "", false },
		/* the scissors of `git commit -v` */
		{ "a\n# ------------------------ >8 ------------------------\nb\n", "a\n",
		  NULL, false },
		{ "a\n# ------------------------ >8 ------------------------\nb\n", "a\n",
		  NULL, true },
		{ "a\n; ------------------------ >8 ------------------------\nb\n", "a\n",
		  ";", false },
		{ "a\n; ------------------------ >8 ------------------------\nb\n",
		  "a\n; ------------------------ >8 ------------------------\nb\n", NULL,
		  false },
		{ "a\n # ------------------------ >8 ------------------------\nb\n",
		  "a\n # ------------------------ >8 ------------------------\nb\n", NULL,
		  false },
		/* auto: the last line is git's own */
		{ "a\n# b\n; c\n", "a\n# b\n", "auto", false },
		{ "a\n; ------------------------ >8 ------------------------\n; c\n",
		  "a\n", "auto", false },
		{ "a\nb\n# c\n\n", "a\nb\n", "auto", false },
		{ "# a\nb\n", "b\n", "auto", false },
		{ "", "", "auto", false },
	};
	struct message_style style;
	struct buf out = BUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		style.comment = cases[i].comment;
		style.keeps_comments = cases[i].keeps_comments;
		buf_reset(&out);
		message_clean(&out, cases[i].text, strlen(cases[i].text), &style);
		if (strcmp(buf_str(&out), cases[i].expect) != 0)
			fail_msg("%zu: '%s', not '%s'", i, out.s, cases[i].expect);
	}
	buf_release(&out);
}

static void test_melded(void **state UNUSED)
{
	assert_true(message_is_melded("fixup! a\n"));
	assert_true(message_is_melded("squash! a\n"));
	assert_true(message_is_melded("amend! a\n"));
	assert_false(message_is_melded("fixup a\n"));
	assert_false(message_is_melded("a\n\nfixup! b\n"));
	assert_false(message_is_melded(""));
}

#define ONES "1111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222"

static bool reverts(const char *message)
{
	struct oid id;
	size_t at = 0;

	return message_reverts(message, &at, &id);
}

static void test_reverts(void **state UNUSED)
{
	static const char both[] = "Revert \"a\"\n\nThis reverts commit " ONES ".\n"
				   "This reverts commit 22222.\n"
				   "This reverts commit " TWOS ", reversing\nchanges.\n";
	char hex[OID_HEXSZ + 1];
	struct oid id;
	size_t at = 0;

	assert_true(message_reverts(both, &at, &id));
	assert_string_equal(oid_hex(&id, hex), ONES);
	assert_true(message_reverts(both, &at, &id));
	assert_string_equal(oid_hex(&id, hex), TWOS);
	assert_false(message_reverts(both, &at, &id));
	assert_false(reverts("This reverts commit"));
	assert_false(reverts("This reverts commit " ONES "1"));
	assert_false(reverts("This reverts commits " ONES));
	assert_false(reverts(""));
	assert_true(reverts("This reverts commit " ONES));
}

static void test_unfilled(void **state UNUSED)
{
	assert_true(message_is_unfilled(""));
	assert_true(message_is_unfilled(" \t"));
	assert_true(message_is_unfilled(FAILURE_MODE_PLACEHOLDER));
	assert_true(message_is_unfilled(" <why> "));
	assert_false(message_is_unfilled("<a> was wider than <b>, now not"));
	assert_false(message_is_unfilled("a < b"));
	assert_false(message_is_unfilled("x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_melded),
		cmocka_unit_test(test_reverts),
		cmocka_unit_test(test_unfilled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
