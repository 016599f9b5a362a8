/* Reviews and rehearsals. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "core/migration.h"
#include "core/proof.h"

static void reviews(void **state UNUSED)
{
	static const char author[] = "A U Thor <author@example.com>";
	static const struct {
		const char *by;
		bool other;
	} all[] = {
		{ "B <b@example.com>", true },
		{ "B < b@example.com > (by phone)", true },
		{ "A U Thor <author@example.com>", false },
		{ "a u thor <AUTHOR@example.com>", false },
		{ "A U Thor <other@example.com>", false },
		{ "Another <Author@Example.com>", false },
		{ "B", false },
		{ "B <>", false },
		{ "B <b@example.com", false },
		{ "<b@example.com>", false },
		{ "", false },
	};
	const char *both[] = { all[2].by, all[0].by };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (proof_is_reviewed(author, &all[i].by, 1) != all[i].other)
			fail_msg("'%s'", all[i].by);
	assert_false(proof_is_reviewed(author, NULL, 0));
	assert_true(proof_is_reviewed(author, both, 2));
	assert_true(proof_is_reviewed("", both, 2));
}

#define ONES "1111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222"

static void rehearsals(void **state UNUSED)
{
	static const struct {
		const char *line;
		bool passed;
	} all[] = {
		{ "rehearsed path=x/a.sql blob=" ONES " result=passed", true },
		{ "rehearsed path=x/a.sql blob=" ONES " result=passed at=now by=me",
		  true },
		{ "rehearsed at=now result=passed blob=" ONES " path=x/a.sql", true },
		{ "rehearsed path=x/a.sql blob=" ONES " result=failed", false },
		{ "rehearsed path=x/a.sql blob=" ONES " result=passed-not", false },
		{ "rehearsed path=x/a.sql blob=" ONES, false },
		{ "rehearsed path=x/a.sql blob=" TWOS " result=passed", false },
		{ "rehearsed path=x/a.sq blob=" ONES " result=passed", false },
		{ "rehearsed path=a.sql blob=" ONES " result=passed", false },
		{ "rehearsed blob=" ONES " result=passed", false },
		{ "rehearsed path=x/a.sql result=passed", false },
		{ "drilled path=x/a.sql blob=" ONES " result=passed", false },
		{ "path=x/a.sql blob=" ONES " result=passed", false },
		{ "rehearsed ", false },
		{ "", false },
	};
	struct migration m = { .path = "x/a.sql" };
	size_t i;

	assert_int_equal(oid_parse(&m.blob, ONES, OID_HEXSZ), 0);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (proof_is_rehearsal(all[i].line, &m) != all[i].passed)
			fail_msg("'%s'", all[i].line);
}

static void paths(void **state UNUSED)
{
	char path[8];

	assert_true(proof_path("rehearsed path=a.sql blob=1", path, sizeof(path)));
	assert_string_equal(path, "a.sql");
	assert_true(proof_path("rehearsed blob=1 path=b.sql", path, sizeof(path)));
	assert_string_equal(path, "b.sql");
	assert_true(proof_path("rehearsed path=1234567", path, sizeof(path)));
	assert_false(proof_path("rehearsed path=12345678", path, sizeof(path)));
	assert_false(proof_path("rehearsed xpath=a", path, sizeof(path)));
	assert_false(proof_path("", path, sizeof(path)));
	assert_true(proof_field("a result=no path=x", "result", path, sizeof(path)));
	assert_string_equal(path, "no");
	assert_false(proof_field("result=no", "result", path, sizeof(path)));
	assert_false(proof_field("a results=no", "result", path, sizeof(path)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reviews),
		cmocka_unit_test(rehearsals),
		cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
