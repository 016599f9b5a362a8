/* The line that is shown for an error, and where in it the caret stands. */
#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "sql/caret.h"

/* What is shown for a place, and the columns before it. */
static void check(const char *text, size_t offset, const char *expect, size_t columns)
{
	struct buf line = BUF_INIT;
	size_t got = 99999;

	sql_caret(text, strlen(text), offset, &line, &got);
	assert_string_equal(buf_str(&line), expect);
	assert_int_equal(got, columns);
	buf_release(&line);
}

static void test_lines(void **state UNUSED)
{
	static const char sql[] = "select 1,\n\tfrom t\r\nwhere x";

	check(sql, 0, "select 1,", 0);
	check(sql, 8, "select 1,", 8);
	check(sql, 9, "select 1,", 9); /* the line break itself */
	check(sql, 10, " from t", 0);
	check(sql, 11, " from t", 1);
	check(sql, 17, " from t", 7);
	check(sql, 18, " from t", 7); /* the LF of CR LF */
	check(sql, 19, "where x", 0);
	check(sql, 26, "where x", 7);
	check(sql, 1000, "where x", 7);
	check("", 0, "", 0);
	check("\n\n", 1, "", 0);
	check("a\rb", 2, "b", 0);
}

static void test_columns(void **state UNUSED)
{
	check("\xc3\xa4 = \xe2\x82\xac", 5, "\xc3\xa4 = \xe2\x82\xac", 4);
	check("\xc3\xa4 = \xe2\x82\xac", 7, "\xc3\xa4 = \xe2\x82\xac", 4); /* inside */
	check("'\xe6\x97\xa5' x", 6, "'\xe6\x97\xa5' x", 5);
	check("a\t\tb", 3, "a  b", 3);
	check("\x1b[31m x", 6, "\\x1b[31m x", 9);
	check("\xe2\x80\xae x", 4, "\\u{202e} x", 9);
}

static char *make_line(size_t before, size_t behind, const char *filling)
{
	struct buf line = BUF_INIT;
	size_t i;

	buf_adds(&line, "first\n");
	for (i = 0; i < before; i++)
		buf_adds(&line, filling);
	buf_addc(&line, '!');
	for (i = 0; i < behind; i++)
		buf_adds(&line, filling);
	buf_adds(&line, "\nlast");
	return buf_detach(&line);
}

/* What is shown of a line with one '!' is the '!' with as much as fits around it. */
static void check_cut(size_t before, size_t behind, const char *filling)
{
	char *text = make_line(before, behind, filling);
	size_t size = strlen(filling), columns, i, step, shown;
	struct buf line = BUF_INIT;
	const char *place;
	bool front, back;

	sql_caret(text, strlen(text), 6 + before * size, &line, &columns);
	place = strchr(line.s, '!');
	assert_non_null(place);
	assert_int_equal(utf8_count(line.s, (size_t)(place - line.s)), columns);
	front = starts_with(line.s, "...");
	back = ends_with(line.s, "...");
	shown = line.len - (front ? 3 : 0) - (back ? 3 : 0);
	assert_true(shown <= SQL_CARET_MAX);
	assert_int_equal(front || back, (before + behind) * size + 1 > SQL_CARET_MAX);
	if (front || back)
		assert_true(shown + 4 > SQL_CARET_MAX);
	for (i = 0; i < line.len; i += step) {
		step = utf8_char_len(line.s + i, line.len - i);
		assert_true(step > 0);
	}
	assert_true(front || columns == before);
	buf_release(&line);
	free(text);
}

static void test_cut(void **state UNUSED)
{
	static const char *const fillings[] = { "a", "\xc3\xa4", "\xe2\x82\xac" };
	size_t before, behind, i;

	for (i = 0; i < ARRAY_SIZE(fillings); i++)
		for (before = 0; before < 150; before += 3)
			for (behind = 0; behind < 150; behind++)
				check_cut(before, behind, fillings[i]);
	check_cut(100000, 100000, "\xc3\xa4");
}

static void test_excerpt(void **state UNUSED)
{
	struct buf text = BUF_INIT;
	struct err err = { 0 };
	size_t i;

	sql_excerpt("a\nselect x\nb", 12, 9, &err);
	assert_string_equal(err.excerpt, "select x");
	assert_int_equal(err.caret, 7);
	sql_excerpt("", 0, 0, &err);
	assert_string_equal(err.excerpt, "");
	assert_int_equal(err.caret, 0);
	for (i = 0; i < 400; i++)
		buf_adds(&text, i == 200 ? "!" : "\xe2\x80\xae"); /* \u{202e} */
	for (i = 0; i <= text.len; i++) {
		sql_excerpt(text.s, text.len, i, &err);
		assert_true(strlen(err.excerpt) > 60);
		assert_true(err.caret <= strlen(err.excerpt));
	}
	sql_excerpt(text.s, text.len, 600, &err);
	assert_int_equal(err.excerpt[err.caret], '!');
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_excerpt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
