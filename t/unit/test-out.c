#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "out/json.h"
#include "out/progress.h"
#include "out/say.h"
#include "out/table.h"
#include "out/term.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

#include <cmocka.h>

/* What a test prints, as a string that lives until the next one. */
struct capture {
	FILE *to;
	char *text;
	size_t len;
};

static int begin(void **state)
{
	struct capture *c = xcalloc(1, sizeof(*c));

	c->to = open_memstream(&c->text, &c->len);
	*state = c;
	return c->to ? 0 : -1;
}

static int end(void **state)
{
	struct capture *c = *state;

	fclose(c->to);
	free(c->text);
	free(c);
	return 0;
}

static const char *printed(struct capture *c)
{
	fflush(c->to);
	return c->text;
}

/* --- say --- */

static bool is_silenced(void *arg, const char *advice)
{
	return strcmp(arg, advice) == 0;
}

static struct say plain(struct capture *c)
{
	struct say s = { .to = c->to };

	return s;
}

static void test_error_has_three_parts(void **state)
{
	struct say s = plain(*state);
	struct err err = { 0 };

	err_set(&err, ERR_REFUSED, "migration '%s' was edited", "1.sql");
	err_detail(&err, "It was a.\nNow it is b.");
	err_hint(&err, "edited", "Restore it.\n\nThen add a migration.\n");
	say_error(&s, &err);
	assert_string_equal(printed(*state), "error: migration '1.sql' was edited\n"
					     "detail: It was a.\n"
					     "        Now it is b.\n"
					     "hint: Restore it.\n"
					     "\n"
					     "      Then add a migration.\n");
}

static void test_parts_that_are_empty_are_left_out(void **state)
{
	struct say s = plain(*state);
	struct err err = { 0 };

	err_set(&err, ERR_FATAL, "could not open");
	say_error(&s, &err);
	assert_string_equal(printed(*state), "error: could not open\n");
}

static void test_hints_can_be_silenced_by_name(void **state)
{
	struct say s = plain(*state);
	struct err err = { 0 };
	char name[] = "edited";

	s.silenced = is_silenced;
	s.arg = name;
	err_set(&err, ERR_REFUSED, "no");
	err_hint(&err, "edited", "Not seen.");
	say_error(&s, &err);
	say_hint(&s, "edited", "Not seen.");
	say_hint(&s, "other", "Seen %d.", 1);
	say_hint(&s, "", "Seen as well.");
	assert_string_equal(printed(*state), "error: no\n"
					     "hint: Seen 1.\n"
					     "hint: Seen as well.\n");
}

static void test_quiet_keeps_errors_and_warnings(void **state)
{
	struct say s = plain(*state);
	struct err err = { 0 };

	s.quiet = true;
	err_set(&err, ERR_REFUSED, "no");
	err_detail(&err, "Why.");
	err_hint(&err, "x", "Not seen.");
	say_error(&s, &err);
	say_warning(&s, "%s", "careful");
	say_note(&s, "not seen");
	say_hint(&s, "x", "Not seen.");
	assert_string_equal(printed(*state),
			    "error: no\ndetail: Why.\nwarning: careful\n");
}

static void test_texts_are_escaped(void **state)
{
	struct say s = plain(*state);

	say_note(&s, "a\033[31m\rb\tc\nd\xff");
	say_warning(&s, "%s",
		    "\xe2\x80\xae"
		    "x");
	assert_string_equal(printed(*state), "a\\x1b[31m\\x0db\tc\nd\\xff\n"
					     "warning: \\u{202e}x\n");
}

static void test_labels_are_coloured(void **state)
{
	struct say s = plain(*state);
	struct err err = { 0 };

	s.color = true;
	err_set(&err, ERR_REFUSED, "no\nno");
	err_hint(&err, "x", "Try.");
	say_error(&s, &err);
	say_note(&s, "note");
	assert_string_equal(printed(*state), "\033[31merror:\033[m no\n"
					     "       no\n"
					     "\033[33mhint:\033[m Try.\n"
					     "note\n");
}

/* --- table --- */

static void test_columns_count_characters(void **state)
{
	struct capture *c = *state;
	struct table *t = table_new(false);

	table_cell(t, COLOR_NONE, "na\xc3\xafve");
	table_cell(t, COLOR_NONE, "1");
	table_cell(t, COLOR_NONE, "end");
	table_row(t);
	table_cell(t, COLOR_RED, "x");
	table_cellf(t, COLOR_NONE, "%d", 1000);
	table_cell(t, COLOR_NONE, "a last cell may be long");
	table_row(t);
	table_print(t, c->to, 1);
	table_free(t);
	assert_string_equal(printed(c), " na\xc3\xafve  1     end\n"
					" x      1000  a last cell may be long\n");
}

static void test_rows_have_no_blanks_at_the_end(void **state)
{
	struct capture *c = *state;
	struct table *t = table_new(true);

	table_cell(t, COLOR_NONE, "a heading that widens nothing");
	table_row(t);
	table_row(t);
	table_cell(t, COLOR_GREEN, "ab");
	table_cell(t, COLOR_GREEN, "");
	table_cell(t, COLOR_NONE, "");
	table_row(t);
	table_cell(t, COLOR_NONE, "");
	table_cell(t, COLOR_DIM, "b");
	table_row(t);
	table_print(t, c->to, 0);
	table_free(t);
	assert_string_equal(printed(c), "a heading that widens nothing\n"
					"\n"
					"\033[32mab\033[m\n"
					"    \033[2mb\033[m\n");
}

static void test_cells_are_escaped_and_measured_so(void **state)
{
	struct capture *c = *state;
	struct table *t = table_new(false);

	table_cell(t, COLOR_NONE, "a\nb");
	table_cell(t, COLOR_NONE, "|");
	table_row(t);
	table_cell(t, COLOR_NONE, "123456");
	table_cell(t, COLOR_NONE, "|");
	table_row(t);
	table_print(t, c->to, 0);
	table_free(t);
	assert_string_equal(printed(c), "a\\x0ab  |\n123456  |\n");
}

static void test_an_empty_table_prints_nothing(void **state)
{
	struct capture *c = *state;
	struct table *t = table_new(false);

	table_print(t, c->to, 4);
	table_free(t);
	table_free(NULL);
	assert_string_equal(printed(c), "");
}

/* --- JSON --- */

static void test_json_keeps_order(void **state)
{
	struct capture *c = *state;
	struct js *j = js_object(), *list = js_array(), *inner = js_object();

	js_put_str(j, "zebra", "a \"quote\"");
	js_put_int(j, "ant", INT64_MIN);
	js_put_bool(j, "bee", true);
	js_put_str(j, "cat", NULL);
	js_put_bool(inner, "no", false);
	js_add_str(list, "one");
	js_add_str(list, NULL);
	js_add(list, inner);
	js_put(j, "list", list);
	assert_int_equal(js_print(j, c->to), 0);
	js_free(j);
	js_free(NULL);
	assert_string_equal(printed(c), "{\n"
					"  \"zebra\": \"a \\\"quote\\\"\",\n"
					"  \"ant\": -9223372036854775808,\n"
					"  \"bee\": true,\n"
					"  \"cat\": null,\n"
					"  \"list\": [\n"
					"    \"one\",\n"
					"    null,\n"
					"    {\n"
					"      \"no\": false\n"
					"    }\n"
					"  ]\n"
					"}\n");
}

static void test_json_is_always_ascii(void **state)
{
	struct capture *c = *state;
	struct js *j = js_array();

	js_add_str(j, "na\xc3\xafve\033");
	js_add_str(j, "not UTF-8: \xff\n");
	assert_int_equal(js_print(j, c->to), 0);
	js_free(j);
	assert_string_equal(printed(c), "[\n"
					"  \"na\\u00EFve\\u001B\",\n"
					"  \"not UTF-8: \\\\xff\\n\"\n"
					"]\n");
}

static void test_json_tells_of_a_full_disk(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct js *j = js_object();

	(void)state;
	if (full) {
		setvbuf(full, NULL, _IONBF, 0);
		assert_int_equal(js_print(j, full), -1);
		assert_int_equal(errno, ENOSPC);
		fclose(full);
	}
	js_free(j);
}

/* --- terminal --- */

/* Both ends of a new terminal that passes bytes as they are. */
static void open_terminal(int *master, int *slave)
{
	struct termios raw;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(*master >= 0);
	assert_int_equal(grantpt(*master), 0);
	assert_int_equal(unlockpt(*master), 0);
	*slave = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(*slave >= 0);
	assert_int_equal(tcgetattr(*slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(*slave, TCSANOW, &raw), 0);
}

static void test_color_as_git_decides(void **state)
{
	int master, slave;

	(void)state;
	open_terminal(&master, &slave);
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	assert_true(term_want_color(NULL, slave));
	assert_true(term_want_color("auto", slave));
	assert_true(term_want_color("true", slave));
	assert_false(term_want_color("never", slave));
	assert_false(term_want_color("False", slave));
	assert_false(term_want_color("0", slave));
	setenv("TERM", "dumb", 1);
	assert_false(term_want_color("auto", slave));
	assert_true(term_want_color("always", slave));
	unsetenv("TERM");
	assert_false(term_want_color("auto", slave));
	setenv("TERM", "xterm", 1);
	setenv("NO_COLOR", "", 1);
	assert_true(term_want_color("auto", slave));
	setenv("NO_COLOR", "1", 1);
	assert_false(term_want_color("auto", slave));
	assert_true(term_want_color("always", slave));
	unsetenv("NO_COLOR");
	close(slave);
	close(master);
	slave = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_false(term_want_color("auto", slave));
	assert_true(term_want_color("always", slave));
	close(slave);
}

static void test_no_color_is_no_bytes(void **state)
{
	(void)state;
	assert_string_equal(term_color(false, COLOR_RED), "");
	assert_string_equal(term_color(true, COLOR_NONE), "");
	assert_string_equal(term_reset(false), "");
	assert_string_equal(term_color(true, COLOR_BOLD), "\033[1m");
	assert_string_equal(term_color(true, COLOR_BLUE), "\033[34m");
	assert_string_equal(term_color(true, COLOR_CYAN), "\033[36m");
}

static void test_printing_escapes(void **state)
{
	struct capture *c = *state;

	term_print(c->to, "a\nb\033");
	term_print_lines(c->to, "a\nb\033");
	term_print(c->to, "");
	assert_string_equal(printed(c), "a\\x0ab\\x1ba\nb\\x1b");
}

/* In a child whose stdout is a terminal. */
NORETURN static void page(const char *command, size_t lines, int slave)
{
	dup2(slave, STDOUT_FILENO);
	setvbuf(stdout, NULL, _IOLBF, 0);
	unsetenv("LESS");
	setenv("TERM", "xterm", 1);
	term_pager_start(command);
	while (lines-- > 0)
		puts(term_want_color("auto", STDOUT_FILENO) ? "color" : "none");
	term_pager_end();
	puts("after");
	fflush(stdout);
	_exit(ferror(stdout) ? 1 : 0);
}

/* What arrives at the terminal when that many lines are printed. */
static void run_paged(const char *command, size_t lines, struct buf *out)
{
	char chunk[4096];
	int master, slave, status;
	ssize_t n;
	pid_t pid;

	open_terminal(&master, &slave);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		page(command, lines, slave);
	close(slave);
	while ((n = read(master, chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
	close(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void check_paged(const char *command, size_t lines, const char *expect)
{
	struct buf out = BUF_INIT;

	run_paged(command, lines, &out);
	assert_string_equal(buf_str(&out), expect);
	buf_release(&out);
}

static void test_pager_gets_stdout(void **state)
{
	(void)state;
	/* with shell, without one, and with the environment that git gives it */
	check_paged("sed 's/^/paged: /'", 2, "paged: color\npaged: color\nafter\n");
	check_paged("tac", 1, "color\nafter\n");
	check_paged("cat >/dev/null; echo $LESS $LV $GIT_PAGER_IN_USE", 1,
		    "FRX -c true\nafter\n");
}

static void test_no_pager(void **state)
{
	(void)state;
	check_paged(NULL, 1, "color\nafter\n");
	check_paged("", 1, "color\nafter\n");
	check_paged("cat", 1, "color\nafter\n");
	check_paged("/does/not/exist", 1, "color\nafter\n");
}

static void test_pager_may_stop_reading(void **state)
{
	(void)state;
	check_paged("head -n 1", 100000, "color\nafter\n");
}

static void progress_comes_late(void **state UNUSED)
{
	struct progress p = { .to = tmpfile() };
	char text[128] = { 0 };

	assert_non_null(p.to);
	progress_end(&p);		 /* nothing was shown */
	progress_show(&p, "commits", 1); /* the first call: it has just begun */
	assert_int_equal(ftell(p.to), 0);
	p.began = 1; /* long ago */
	progress_show(&p, "commits", 4096);
	progress_show(&p, "commits", 8192); /* at once: too often */
	progress_end(&p);
	rewind(p.to);
	assert_true(fread(text, 1, sizeof(text) - 1, p.to) > 0);
	assert_string_equal(text, "\rcommits: 4096\r\033[K");
	fclose(p.to);
	p = (struct progress){ .began = 1 };
	progress_show(&p, "commits", 1); /* no terminal */
	assert_false(p.visible);
}

static void progress_tells_what_is_left(void **state UNUSED)
{
	struct progress p = { .to = tmpfile(), .began = 1 };
	char text[256] = { 0 };

	assert_non_null(p.to);
	progress_bytes(&p, "a\033.sql", 2500000, 10000000, 7);
	rewind(p.to);
	assert_true(fread(text, 1, sizeof(text) - 1, p.to) > 0);
	assert_non_null(strstr(text, ".sql: 2.5 of 10.0 MB, 7 statements, "));
	assert_non_null(strstr(text, " MB/s, "));
	assert_non_null(strstr(text, " left"));
	assert_null(strchr(text + 5, '\033')); /* behind the line's own */
	fclose(p.to);
	/* all of it: nothing is left */
	p = (struct progress){ .to = tmpfile(), .began = 1 };
	progress_bytes(&p, "b", 10, 10, 1);
	memset(text, 0, sizeof(text));
	rewind(p.to);
	assert_true(fread(text, 1, sizeof(text) - 1, p.to) > 0);
	assert_non_null(strstr(text, ", 1 statement, "));
	assert_null(strstr(text, "left"));
	fclose(p.to);
}

int main(void)
{
#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		CAPTURED(test_error_has_three_parts),
		CAPTURED(test_parts_that_are_empty_are_left_out),
		CAPTURED(test_hints_can_be_silenced_by_name),
		CAPTURED(test_quiet_keeps_errors_and_warnings),
		CAPTURED(test_texts_are_escaped),
		CAPTURED(test_labels_are_coloured),
		CAPTURED(test_columns_count_characters),
		CAPTURED(test_rows_have_no_blanks_at_the_end),
		CAPTURED(test_cells_are_escaped_and_measured_so),
		CAPTURED(test_an_empty_table_prints_nothing),
		CAPTURED(test_json_keeps_order),
		CAPTURED(test_json_is_always_ascii),
		cmocka_unit_test(progress_comes_late),
		cmocka_unit_test(progress_tells_what_is_left),
		cmocka_unit_test(test_json_tells_of_a_full_disk),
		cmocka_unit_test(test_color_as_git_decides),
		cmocka_unit_test(test_no_color_is_no_bytes),
		CAPTURED(test_printing_escapes),
		cmocka_unit_test(test_pager_gets_stdout),
		cmocka_unit_test(test_no_pager),
		cmocka_unit_test(test_pager_may_stop_reading),
	};

	return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
