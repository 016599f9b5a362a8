/* The margin of a plan: what is drawn, and that it can be read back. */
#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/pool.h"
#include "out/arcs.h"

/* All rows, each with a newline. */
static char *drawn(const struct arc *arcs, size_t nr, size_t nr_rows)
{
	struct buf out = BUF_INIT;
	struct pool pool = { 0 };
	const char **margins;
	size_t i;

	arcs_draw(arcs, nr, nr_rows, &pool, &margins);
	for (i = 0; i < nr_rows; i++) {
		assert_int_equal(strlen(margins[i]), strlen(margins[0]));
		buf_addf(&out, "%s\n", margins[i]);
	}
	pool_release(&pool);
	return buf_detach(&out);
}

/* The arcs as rows from 1, "from>to from>to". */
static size_t read_arcs(const char *text, struct arc *arcs)
{
	size_t nr = 0;
	int used = 0;

	while (sscanf(text, " %zu>%zu%n", &arcs[nr].from, &arcs[nr].to, &used) == 2) {
		arcs[nr].from--;
		arcs[nr++].to--;
		text += used;
	}
	assert_string_equal(text, "");
	return nr;
}

static void check(const char *text, size_t nr_rows, const char *expect)
{
	struct arc arcs[64];
	size_t nr = read_arcs(text, arcs);
	char *got = drawn(arcs, nr, nr_rows);

	assert_string_equal(got, expect);
	free(got);
}

static void test_no_arcs(void **state UNUSED)
{
	check("", 0, "");
	check("", 1, "*\n");
	check("", 3, "*\n*\n*\n");
}

static void test_one_arc(void **state UNUSED)
{
	check("2>1", 2,
	      "*-.\n"
	      "*<'\n");
	check("3>1", 4,
	      "*-.\n"
	      "* |\n"
	      "*<'\n"
	      "*  \n");
	check("3>1 3>1", 3,
	      "*-.\n"
	      "* |\n"
	      "*<'\n");
}

static void test_several_rows_point_at_one(void **state UNUSED)
{
	check("5>1 2>1 4>1", 5,
	      "*-.\n"
	      "*<+\n"
	      "* |\n"
	      "*<+\n"
	      "*<'\n");
}

static void test_one_row_points_at_several(void **state UNUSED)
{
	check("4>1 4>2 4>3", 4,
	      "*-.    \n"
	      "*-|-.  \n"
	      "*-|-|-.\n"
	      "*<'-'-'\n");
	check("4>3 4>1 5>1 5>2", 5,
	      "*-.    \n"
	      "*-|-.  \n"
	      "*-|-|-.\n"
	      "*<+-|-'\n"
	      "*<'-'  \n");
}

static void test_nested_and_crossing(void **state UNUSED)
{
	check("4>1 3>2", 4,
	      "*-.  \n"
	      "*-|-.\n"
	      "*<|-'\n"
	      "*<'  \n");
	check("6>2 7>4", 8,
	      "*    \n"
	      "*-.  \n"
	      "* |  \n"
	      "*-|-.\n"
	      "* | |\n"
	      "*<' |\n"
	      "*<--'\n"
	      "*    \n");
}

static void test_a_chain(void **state UNUSED)
{
	check("2>1 3>2 4>3", 4,
	      "*-.  \n"
	      "*<'-.\n"
	      "*<.-'\n"
	      "*<'  \n");
	check("2>1 3>1 3>2 4>2", 4,
	      "*-.  \n"
	      "*<+-.\n"
	      "*<'-+\n"
	      "*<--'\n");
}

static void test_columns_are_reused(void **state UNUSED)
{
	check("2>1 4>3", 4,
	      "*-.\n"
	      "*<'\n"
	      "*-.\n"
	      "*<'\n");
	/* the lowest that is free, beside one that goes on */
	check("3>1 7>2 6>4 7>6", 7,
	      "*-.    \n"
	      "*-|-.  \n"
	      "*<' |  \n"
	      "*-. |  \n"
	      "* | |  \n"
	      "*<'-|-.\n"
	      "*<--'-'\n");
}

static void test_lines_end_where_they_meet(void **state UNUSED)
{
	/* through an empty column, a crossed one and one that goes on */
	check("3>1 6>2 7>4 7>2 8>5 8>4", 8,
	      "*-.    \n"
	      "*-|-.  \n"
	      "*<' |  \n"
	      "*-. |  \n"
	      "*-|-|-.\n"
	      "*<|-+ |\n"
	      "*<+-' |\n"
	      "*<'---'\n");
}

/* --- no room ----------------------------------------------------------- */

static void test_too_many_columns(void **state UNUSED)
{
	enum { OPEN = ARCS_MAX_COLUMNS + 3, ROWS = 2 * OPEN + 2 };
	struct arc arcs[OPEN + 1];
	const char **margins;
	struct pool pool = { 0 };
	size_t i;

	for (i = 0; i < OPEN; i++) {
		arcs[i].to = i;
		arcs[i].from = OPEN + i;
	}
	arcs[OPEN].to = ROWS - 2;
	arcs[OPEN].from = ROWS - 1;
	arcs_draw(arcs, ARRAY_SIZE(arcs), ROWS, &pool, &margins);
	assert_string_equal(margins[0], "*-.                                      ");
	assert_string_equal(margins[ARCS_MAX_COLUMNS - 1],
			    "*-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-.");
	assert_string_equal(margins[ARCS_MAX_COLUMNS],
			    "* | | | | | | | | | | | | | | | | | | | |");
	assert_string_equal(margins[OPEN], "*<' | | | | | | | | | | | | | | | | | | |");
	assert_string_equal(margins[OPEN + ARCS_MAX_COLUMNS - 1],
			    "*<--------------------------------------'");
	assert_string_equal(margins[OPEN + ARCS_MAX_COLUMNS],
			    "*                                        ");
	assert_string_equal(margins[ROWS - 2],
			    "*-.                                      ");
	pool_release(&pool);
}

/* --- read back --------------------------------------------------------- */

enum { MAX_ROWS = 64 };

struct picture {
	size_t rows;
	const char **margins;
	bool related[MAX_ROWS][MAX_ROWS]; /* from, to */
	bool begun[MAX_ROWS];
	bool full[MAX_ROWS];		   /* no column is free on that row */
	size_t open[ARCS_MAX_COLUMNS + 1]; /* by which row, and 1 */
};

/* What stands between the star and the last place where the line along meets one. */
static void read_along(const char *m, size_t far, bool arrow)
{
	size_t c;

	for (c = 1; c <= ARCS_MAX_COLUMNS && 2 * c < strlen(m); c++) {
		char expect = c > far ? ' ' : c == 1 && arrow ? '<' : '-';

		assert_int_equal(m[2 * c - 1], expect);
		if (m[2 * c] == '-')
			assert_true(c < far);
		if (m[2 * c] == ' ')
			assert_true(c > far);
	}
}

static void read_row(struct picture *p, size_t row)
{
	const char *m = p->margins[row];
	size_t c, far = 0;
	bool arrow = false;

	assert_int_equal(m[0], '*');
	p->full[row] = strlen(m) == 1 + 2 * ARCS_MAX_COLUMNS;
	for (c = 1; 2 * c < strlen(m); c++) {
		size_t *open = &p->open[c];

		switch (m[2 * c]) {
		case '|':
			assert_true(*open);
			break;
		case '.':
			assert_false(*open);
			assert_false(p->begun[row]);
			p->begun[row] = true;
			*open = row + 1;
			far = c;
			break;
		case '+':
		case '\'':
			assert_true(*open);
			p->related[row][*open - 1] = arrow = true;
			if (m[2 * c] == '\'')
				*open = 0;
			far = c;
			break;
		case '-':
		case ' ':
			assert_false(*open);
			p->full[row] = false;
			break;
		default:
			fail_msg("'%c' in '%s'", m[2 * c], m);
		}
	}
	read_along(m, far, arrow);
}

static void check_read_back(const struct arc *arcs, size_t nr, size_t rows)
{
	bool related[MAX_ROWS][MAX_ROWS] = { 0 }, wanted[MAX_ROWS] = { 0 };
	struct picture p = { .rows = rows };
	struct pool pool = { 0 };
	size_t i, k;

	arcs_draw(arcs, nr, rows, &pool, &p.margins);
	for (i = 0; i < rows; i++)
		read_row(&p, i);
	for (i = 1; i <= ARCS_MAX_COLUMNS; i++)
		assert_int_equal(p.open[i], 0);
	for (i = 0; i < nr; i++) {
		wanted[arcs[i].to] = true;
		related[arcs[i].from][arcs[i].to] = p.begun[arcs[i].to];
	}
	for (i = 0; i < rows; i++) {
		assert_true(p.begun[i] ? wanted[i] : !wanted[i] || p.full[i]);
		for (k = 0; k < rows; k++)
			assert_int_equal(p.related[i][k], related[i][k]);
	}
	pool_release(&pool);
}

/* The same on every machine. */
static size_t below(uint64_t *seed, size_t limit)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(*seed >> 33) % limit;
}

static void test_pictures_are_read_back(void **state UNUSED)
{
	struct arc arcs[2 * MAX_ROWS];
	uint64_t seed = 1;
	int times;

	for (times = 0; times < 20000; times++) {
		size_t rows = 2 + below(&seed, MAX_ROWS - 1);
		size_t nr = below(&seed, 1 + below(&seed, ARRAY_SIZE(arcs)));
		size_t reach = 1 + below(&seed, rows), i;

		for (i = 0; i < nr; i++) {
			size_t from = 1 + below(&seed, rows - 1);

			arcs[i].from = from;
			arcs[i].to = from - 1 - below(&seed, from < reach ? from : reach);
		}
		check_read_back(arcs, nr, rows);
	}
}

static void test_many(void **state UNUSED)
{
	enum { MANY = 50000 };
	struct arc *arcs = calloc(MANY, sizeof(*arcs));
	const char **margins;
	struct pool pool = { 0 };
	uint64_t seed = 7;
	size_t i;

	assert_non_null(arcs);
	for (i = 0; i < MANY; i++) { /* hundreds are open at a time */
		arcs[i].from = 1 + below(&seed, MANY - 1);
		arcs[i].to = arcs[i].from - 1 -
			     below(&seed, arcs[i].from < 500 ? arcs[i].from : 500);
	}
	arcs_draw(arcs, MANY, MANY, &pool, &margins);
	assert_int_equal(strlen(margins[MANY - 1]), 1 + 2 * ARCS_MAX_COLUMNS);
	pool_release(&pool);
	free(arcs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_arcs),
		cmocka_unit_test(test_one_arc),
		cmocka_unit_test(test_several_rows_point_at_one),
		cmocka_unit_test(test_one_row_points_at_several),
		cmocka_unit_test(test_nested_and_crossing),
		cmocka_unit_test(test_a_chain),
		cmocka_unit_test(test_columns_are_reused),
		cmocka_unit_test(test_lines_end_where_they_meet),
		cmocka_unit_test(test_too_many_columns),
		cmocka_unit_test(test_pictures_are_read_back),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
