/* Reviews and rehearsals. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "core/oid.h"
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
		{ "rehearsed path=x/a.sql blob=" ONES " result=passed by=a by=b", true },
		{ "rehearsed path=x/a.sql blob=" ONES " result=failed", false },
		{ "rehearsed path=x/a.sql blob=" ONES " result=passed-not", false },
		{ "rehearsed path=x/a.sql blob=" ONES " result=passe", false },
		{ "rehearsed path=x/a.sql blob=" ONES " result=passed result=failed",
		  false },
		{ "rehearsed path=x/a.sql blob=" ONES " result=passed result=passed",
		  false },
		{ "rehearsed path=x/a.sql blob=" ONES " result=passed at= at=", false },
		{ "rehearsed path=x/a.sql blob=" ONES " result=passed plan=1 plan=1",
		  false },
		{ "rehearsed path=x/a.sql path=b blob=" ONES " result=passed", false },
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
	struct proof_line p;
	struct oid id;
	bool passed;
	size_t i;

	assert_int_equal(oid_parse(&id, ONES, OID_HEXSZ), 0);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		passed = proof_read(all[i].line, &p) &&
			 proof_says(&p, PROOF_PATH, "x/a.sql") &&
			 proof_says_id(&p, PROOF_BLOB, &id) &&
			 proof_says(&p, PROOF_RESULT, "passed");
		if (passed != all[i].passed)
			fail_msg("'%s'", all[i].line);
	}
}

#define LINE "rehearsed path=a.sql blob=1 result=passed"

static void copies(void **state UNUSED)
{
	char text[8];
	struct proof_line p;

	assert_true(proof_read(LINE " original=1234567", &p));
	assert_true(proof_copy(&p, PROOF_PATH, text, sizeof(text)));
	assert_string_equal(text, "a.sql");
	assert_true(proof_copy(&p, PROOF_ORIGINAL, text, sizeof(text)));
	assert_string_equal(text, "1234567");
	assert_false(proof_copy(&p, PROOF_ORIGINAL, text, sizeof(text) - 1));
	assert_false(proof_copy(&p, PROOF_ORIGINAL_BLOB, text, sizeof(text)));
	assert_true(proof_read(LINE " xoriginal=1 original=", &p));
	assert_true(proof_copy(&p, PROOF_ORIGINAL, text, sizeof(text)));
	assert_string_equal(text, "");
}

static void engines(void **state UNUSED)
{
	static const struct {
		const char *line, *engine;
		bool fits;
	} all[] = {
		{ LINE " engine=sqlite/3.40.1", "sqlite/3.40.1", true },
		{ LINE " engine=sqlite/3.40.1 at=now", "sqlite/3.46.0", true },
		{ LINE " engine=sqlite/3.40.1", "sqlite", true },
		{ LINE, "postgresql/15.2", true },
		{ LINE " engine=sqlite/3.40.1", "postgresql/15.2", false },
		{ LINE " engine=sql by=a/b", "sqlite/3.40.1", false },
		{ LINE " engine=sqlitex/3.40.1", "sqlite/3.40.1", false },
		{ LINE " engine=", "sqlite/3.40.1", false },
		{ LINE " engine=postgresql/15.2", "postgresql/16.0", true },
		{ LINE " engine=postgresql/15.2", "cockroachdb/23.1", false },
		{ LINE " engine=postgresql/15.2", "citus/12.1", true },
		{ LINE " engine=citus/12.1", "citus/12.1", true },
		{ LINE " engine=citus/12.1", "postgresql/15.2", false },
		{ LINE " engine=sqlite/3.40.1", "citus/12.1", false },
	};
	struct proof_line p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		assert_true(proof_read(all[i].line, &p));
		if (proof_fits_engine(&p, all[i].engine) != all[i].fits)
			fail_msg("'%s' on %s", all[i].line, all[i].engine);
	}
}

static int64_t when(const char *line)
{
	struct proof_line p;

	assert_true(proof_read(line, &p));
	return proof_when(&p);
}

static void times(void **state UNUSED)
{
	assert_true(when(LINE " at=2026-11-22T09:43:21.903Z by=me") == 1795340601903);
	assert_true(when(LINE " at=2026-11-22T09:43:21.903Z") <
		    when(LINE " at=2026-11-22T09:43:21.904Z"));
	assert_true(when(LINE) == INT64_MIN);
	assert_true(when(LINE " at=now") == INT64_MIN);
	assert_true(when(LINE " at=2026-11-22T09:43:21.903Z9") == INT64_MIN);
}

static void fields(void **state UNUSED)
{
	char text[8];

	assert_true(proof_field("a result=no path=x", "result", text, sizeof(text)));
	assert_string_equal(text, "no");
	assert_true(proof_field("a path=1234567", "path", text, sizeof(text)));
	assert_false(proof_field("a path=12345678", "path", text, sizeof(text)));
	assert_false(proof_field("result=no", "result", text, sizeof(text)));
	assert_false(proof_field("a results=no", "result", text, sizeof(text)));
	assert_false(proof_field("", "result", text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reviews), cmocka_unit_test(rehearsals),
		cmocka_unit_test(copies),  cmocka_unit_test(engines),
		cmocka_unit_test(times),   cmocka_unit_test(fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
