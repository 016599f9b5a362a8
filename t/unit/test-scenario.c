#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/scenario.h"

static void parse(struct scenario *s, const char *text)
{
	struct err err = { 0 };

	if (scenario_parse(s, text, strlen(text), &err) < 0)
		fail_msg("%u: %s", err.line, err.message);
}

static void refused_bytes(const char *text, size_t len, unsigned line, const char *why)
{
	struct scenario s;
	struct err err = { 0 };

	assert_int_equal(scenario_parse(&s, text, len, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_int_equal(err.line, line);
	assert_string_equal(err.message, why);
	assert_true(err.hint[0] != '\0');
	scenario_release(&s);
}

static void refused(const char *text, unsigned line, const char *why)
{
	refused_bytes(text, strlen(text), line, why);
}

static void test_parts(void **state UNUSED)
{
	struct scenario s;

	parse(&s, "# why\n\n[seed]\nINSERT 1;\n[failure: signing up ]\nINSERT 2;\n\n\n"
		  "[wrong]\nSELECT 1\n----\n1|NULL\n\n2|b \n\n[check: all]\r\nSELECT "
		  "'[x]'\r\n----\r\n");
	assert_int_equal(s.nr, 4);
	assert_int_equal(s.nr_rules, 0);
	assert_int_equal(s.parts[0].kind, SCENARIO_SEED);
	assert_int_equal(s.parts[0].line, 3);
	assert_string_equal(s.parts[0].sql, "\n\n\nINSERT 1;\n");
	assert_string_equal(s.parts[0].title, "");
	assert_int_equal(s.parts[1].kind, SCENARIO_FAILURE);
	assert_string_equal(s.parts[1].title, "signing up");
	assert_string_equal(s.parts[1].sql, "\n\n\n\n\nINSERT 2;\n");
	assert_int_equal(s.parts[2].kind, SCENARIO_WRONG);
	assert_string_equal(s.parts[2].rows, "1|NULL\n\n2|b\n");
	assert_int_equal(s.parts[3].kind, SCENARIO_CHECK);
	assert_string_equal(s.parts[3].title, "all");
	assert_string_equal(strrchr(s.parts[3].sql, 'S'), "SELECT '[x]'\n");
	assert_string_equal(s.parts[3].rows, "");
	scenario_release(&s);
}

static void test_what_is_no_header(void **state UNUSED)
{
	struct scenario s;

	parse(&s, "[check]\nSELECT ARRAY\n[1, 2]\n [seed]\n[seed] x\n[Seed]\n[]\n");
	assert_int_equal(s.nr, 1);
	scenario_release(&s);
	parse(&s, "[failure]\n----\n");
	assert_string_equal(s.parts[0].sql, "\n----\n");
	scenario_release(&s);
}

static void test_rules(void **state UNUSED)
{
	struct scenario s;

	parse(&s, "[kept]\n# on purpose\npeople.phone may change: no blanks\n"
		  " pets may go : sold: all\n\"My t\".a is now b.c: moved\n"
		  "[check]\nSELECT 1\n");
	assert_int_equal(s.nr_rules, 3);
	assert_int_equal(s.rules[0].leave, KEPT_MAY_CHANGE);
	assert_string_equal(s.rules[0].what, "people.phone");
	assert_string_equal(s.rules[0].reason, "no blanks");
	assert_int_equal(s.rules[1].leave, KEPT_MAY_GO);
	assert_string_equal(s.rules[1].what, "pets");
	assert_string_equal(s.rules[1].reason, "sold: all");
	assert_int_equal(s.rules[2].leave, KEPT_IS_NOW);
	assert_string_equal(s.rules[2].what, "\"My t\".a");
	assert_string_equal(s.rules[2].now, "b.c");
	scenario_release(&s);
}

static void test_rows_that_may_go(void **state UNUSED)
{
	static const struct {
		const char *text, *what;
		enum kept_leave leave;
		uint64_t most;
	} rules[] = {
		{ "rows of pets", "pets", KEPT_MAY_LOSE, 0 },
		{ "1 row of  pets", "pets", KEPT_MAY_LOSE, 1 },
		{ "1 rows of pets", "pets", KEPT_MAY_LOSE, 1 },
		{ "20 rows of \"rows of x\"", "\"rows of x\"", KEPT_MAY_LOSE, 20 },
		{ "\"rows of x\"", "\"rows of x\"", KEPT_MAY_GO, 0 },
		{ "rows.of", "rows.of", KEPT_MAY_GO, 0 },
		/* nothing is called that */
		{ "0 rows of pets", "0 rows of pets", KEPT_MAY_GO, 0 },
		{ "2 row of pets", "2 row of pets", KEPT_MAY_GO, 0 },
	};
	char text[100];
	struct scenario s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		snprintf(text, sizeof(text), "[kept]\n%s may go: why\n[check]\nx\n",
			 rules[i].text);
		parse(&s, text);
		assert_string_equal(s.rules[0].what, rules[i].what);
		assert_int_equal(s.rules[0].leave, rules[i].leave);
		assert_int_equal(s.rules[0].most, rules[i].most);
		scenario_release(&s);
	}
}

static void test_refused(void **state UNUSED)
{
	static const char form[] =
		"a line of [kept] says \"<table>.<column> may change: <reason>\", \"may "
		"go\" or \"is now <name>\", or \"rows of <table> may go\"";
	static const char nothing[] = "nothing must hold: there is no section [failure], "
				      "[wrong] or [check]";

	refused("", 1, nothing);
	refused("[seed]\nx\n", 1, nothing);
	refused("[kept]\na may go: b\n", 1, nothing);
	refused("SELECT 1\n", 1, "a line stands before the first section");
	refused("\n[nonsense]\nx\n", 2, "there is no section of that name");
	refused("[check]\n\n \n[seed]\nx\n", 4, "the section above has no SQL");
	refused("[check]\n----\n1\n", 3, "the section above has no SQL");
	refused("[seed]\nx\n[seed]\nx\n[check]\nx\n", 3, "there are two sections [seed]");
	refused("[check]\n<fill in>\n", 1, "this section is not filled in yet");
	refused("[check]\nx\n----\n<fill in>\n", 1, "this section is not filled in yet");
	refused("[kept: x]\n", 1, "a section [kept] or [unshown] has no title");
	refused("[kept]\na goes: b\n", 2, form);
	refused("[kept]\na may go\n", 2, form);
	refused("[kept]\na may go:\n", 2, "a reason is missing behind the colon");
	refused("[kept]\n may go: b\n", 2, "this names nothing");
	refused("[kept]\na is now : b\n", 2, "this names nothing");
	refused("[kept]\na may change much: b\n", 2, "this names nothing");
	refused_bytes("[check]\nx\0", 10, 2, "the scenario is no text in UTF-8");
	refused("[check]\n\n\xff\n", 3, "the scenario is no text in UTF-8");
}

static void test_unshown(void **state UNUSED)
{
	struct scenario s;

	parse(&s, "[unshown]\n a lock, \n\nfor an hour\n[check]\nx\n");
	assert_string_equal(s.unshown, "a lock, for an hour");
	assert_false(scenario_shows_failure(&s));
	scenario_release(&s);
	parse(&s, "[unshown]\n\n[check]\nx\n");
	assert_null(s.unshown);
	scenario_release(&s);
	parse(&s, "[wrong]\nx\n");
	assert_true(scenario_shows_failure(&s));
	scenario_release(&s);
	refused("[unshown: x]\n", 1, "a section [kept] or [unshown] has no title");
	refused("[check]\nx\n[unshown]\nbecause <fill in>\n", 4,
		"this section is not filled in yet");
	refused("[failure]\nx\n[unshown]\nwhy\n", 1,
		"a section [unshown] stands beside one that shows the failure");
}

static void test_too_large(void **state UNUSED)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, "[check]\nSELECT 1\n");
	while (text.len <= SCENARIO_MAX)
		buf_adds(&text, "-- again, and again, and again, and again\n");
	refused_bytes(text.s, text.len, 1, "the scenario is larger than 1 MiB");
	buf_release(&text);
}

static void test_row(void **state UNUSED)
{
	static const char *const values[] = { "a", NULL, "" };
	static const char *const ends[] = { "", "[check]", "NULL" };
	static const char *const odd[] = { "NULL",   NULL,	"NULLs", "a|b",
					   "x\ny\r", "",	"\\e",	 " a ",
					   "\t",     "[check]", "[1]" };
	struct buf out = BUF_INIT;
	size_t i;

	scenario_add_row(&out, values, 3);
	scenario_add_row(&out, values, 1);
	assert_string_equal(out.s, "a|NULL|\na\n");
	buf_reset(&out);
	for (i = 0; i < ARRAY_SIZE(odd); i++)
		scenario_add_row(&out, &odd[i], 1);
	assert_string_equal(out.s, "\\NULL\nNULL\nNULLs\na\\|b\nx\\ny\\r\n\\e\n\\\\e\n "
				   "a\\s\n\\t\n\\[check]\n[1]\n");
	buf_reset(&out);
	scenario_add_row(&out, ends, 3);
	assert_string_equal(out.s, "|[check]|\\NULL\n");
	buf_release(&out);
}

static void test_path(void **state UNUSED)
{
	struct buf out = BUF_INIT;

	scenario_path(&out, "2026/fix.sql");
	assert_string_equal(out.s, "2026/fix.scenario");
	buf_release(&out);
}

/* It is refused as long as it is one, at the first place to fill in. */
static void test_skeleton(void **state UNUSED)
{
	struct buf out = BUF_INIT;

	scenario_skeleton(&out, "fix.sql", SCENARIO_FOR_FIX, NULL);
	refused(out.s, 4, "this section is not filled in yet");
	assert_non_null(strstr(out.s, "\n[failure]\n"));
	buf_reset(&out);
	scenario_skeleton(&out, "plain.sql", SCENARIO_FOR_PLAIN, NULL);
	refused(out.s, 4, "this section is not filled in yet");
	assert_null(strstr(out.s, "[failure]"));
	assert_null(strstr(out.s, "broken"));
	buf_reset(&out);
	scenario_skeleton(&out, "fix.sql", SCENARIO_FOR_STEP, NULL);
	refused(out.s, 4, "this section is not filled in yet");
	assert_null(strstr(out.s, "[failure]"));
	assert_non_null(strstr(out.s, "before the broken migration runs"));
	assert_non_null(strstr(out.s, "#[kept]\n#people.phone may change: "));
	buf_reset(&out);
	scenario_skeleton(&out, "fix.sql", SCENARIO_FOR_STEP,
			  "t.a may go: it comes back");
	assert_non_null(strstr(out.s, "#[kept]\n#t.a may go: it comes back\n"));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),	cmocka_unit_test(test_what_is_no_header),
		cmocka_unit_test(test_rules),	cmocka_unit_test(test_rows_that_may_go),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_unshown), cmocka_unit_test(test_row),
		cmocka_unit_test(test_path),	cmocka_unit_test(test_skeleton),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
