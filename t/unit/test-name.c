/* Names of migrations. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "core/migration.h"

static void verdicts(UNUSED void **state)
{
	static const struct {
		const char *path;
		enum name_verdict verdict;
	} samples[] = {
		{ "0001-people.sql", NAME_OK },
		{ "a.sql", NAME_OK },
		{ "2026/11/Add_phone.v2.sql", NAME_OK },
		{ "a.sql/b.sql", NAME_OK },
		{ "a..sql", NAME_OK },
		{ "a-.sql", NAME_OK },
		{ "README", NAME_OTHER },
		{ "", NAME_OTHER },
		{ "sql", NAME_OTHER },
		{ "a.sql.orig", NAME_OTHER },
		{ "a.sql/README", NAME_OTHER },
		{ "b\xc3\xa9/x y.txt", NAME_OTHER },
		{ "asql", NAME_OTHER },
		{ "a b.sql", NAME_CHARACTER },
		{ "a\n.sql", NAME_CHARACTER },
		{ "a\x1b[m.sql", NAME_CHARACTER },
		{ "caf\xc3\xa9.sql", NAME_CHARACTER },
		{ "a\\b.sql", NAME_CHARACTER },
		{ "a:b.sql", NAME_CHARACTER },
		{ "a+b/c.sql", NAME_CHARACTER },
		{ ".sql", NAME_START },
		{ ".a.sql", NAME_START },
		{ "-a.sql", NAME_START },
		{ "_a.sql", NAME_START },
		{ ".d/a.sql", NAME_START },
		{ "../a.sql", NAME_START },
		{ "a/./b.sql", NAME_START },
		{ "a/-b.sql", NAME_START },
		{ "/a.sql", NAME_START },
		{ "a//b.sql", NAME_START },
		{ "a/.sql", NAME_START },
		{ "a.SQL", NAME_EXTENSION },
		{ "a.Sql", NAME_EXTENSION },
		{ "-x y.sqL", NAME_EXTENSION },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++)
		if (migration_name_check(samples[i].path) != samples[i].verdict)
			fail_msg("'%s' is judged %d", samples[i].path,
				 (int)migration_name_check(samples[i].path));
}

/* Every byte, in the middle and at the start of a component. */
static void bytes(UNUSED void **state)
{
	char inside[] = "d/ax.sql", first[] = "d/xa.sql";
	enum name_verdict expect;
	int c;

	for (c = 1; c < 256; c++) {
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      (c >= '0' && c <= '9');
		bool mark = c == '.' || c == '_' || c == '-';

		inside[3] = first[2] = (char)c;
		expect = letter || mark || c == '/' ? NAME_OK : NAME_CHARACTER;
		if (c == '/') /* then ".sql" and "" are components */
			expect = NAME_START;
		assert_int_equal(migration_name_check(inside), expect);
		expect = letter		    ? NAME_OK
			 : mark || c == '/' ? NAME_START
					    : NAME_CHARACTER;
		assert_int_equal(migration_name_check(first), expect);
	}
}

static void lengths(UNUSED void **state)
{
	char path[MIGRATION_PATH_MAX + 2];

	memset(path, 'a', sizeof(path));
	memcpy(path + MIGRATION_PATH_MAX - 4, ".sql", 5);
	assert_int_equal(strlen(path), MIGRATION_PATH_MAX);
	assert_int_equal(migration_name_check(path), NAME_OK);
	memcpy(path + MIGRATION_PATH_MAX - 4, "a.sql", 6);
	assert_int_equal(migration_name_check(path), NAME_LONG);
}

static void reasons(UNUSED void **state)
{
	static const enum name_verdict refused[] = { NAME_CHARACTER, NAME_START,
						     NAME_LONG, NAME_EXTENSION };
	char limit[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		assert_non_null(migration_name_reason(refused[i]));
	snprintf(limit, sizeof(limit), " %d ", MIGRATION_PATH_MAX);
	assert_non_null(strstr(migration_name_reason(NAME_LONG), limit));
}

static void base(UNUSED void **state)
{
	assert_string_equal(migration_base("a.sql"), "a.sql");
	assert_string_equal(migration_base("a/b/c.sql"), "c.sql");
	assert_string_equal(migration_base("a/"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts), cmocka_unit_test(bytes),
		cmocka_unit_test(lengths),  cmocka_unit_test(reasons),
		cmocka_unit_test(base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
