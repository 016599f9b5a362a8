/* Whether records are one log. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/pool.h"
#include "core/parting.h"
#include "core/record.h"

#define UUID "6f1c2a3b-0000-4000-8000-0123456789ab"
#define OTHER "6f1c2a3b-0000-4000-8000-0123456789ac"

/* Each record is called by a letter, of which its hash is made; '0' is none. */
struct shape {
	char name, prev;
	unsigned seq;
	enum event event;
	const char *target;
	char old; /* what it says that it took the place of */
};

static const struct shape shapes[] = {
	{ 'a', '0', 1, EVENT_CREATED, UUID, 0 },
	{ 'b', 'a', 2, EVENT_APPLIED, UUID, 0 },
	{ 'c', 'b', 3, EVENT_APPLIED, UUID, 0 },
	{ 'd', 'c', 4, EVENT_RAN, UUID, 0 },
	/* another one behind b; restored to b; copied at b */
	{ 'f', 'b', 3, EVENT_FAILED, UUID, 0 },
	{ 'r', 'b', 5, EVENT_RESTORED, UUID, 'd' },
	{ 'k', 'b', 3, EVENT_CLONED, OTHER, 0 },
	{ 'l', 'b', 3, EVENT_CLONED, OTHER, 'd' },
	/* another log: silent, one that names the end, one that names what is none */
	{ 'x', '0', 1, EVENT_CREATED, OTHER, 0 },
	{ 'y', '0', 1, EVENT_CREATED, OTHER, 'd' },
	{ 'w', '0', 1, EVENT_CREATED, OTHER, 'c' },
	{ 'v', '0', 1, EVENT_CREATED, OTHER, 'q' },
	/* behind a gap of that log */
	{ 'z', 'x', 2, EVENT_APPLIED, OTHER, 0 },
	{ 't', 's', 3, EVENT_APPLIED, OTHER, 0 },
};

static const char *hash_of(char name, struct pool *pool)
{
	char hash[SHA256_HEXSZ + 1];

	memset(hash, name, SHA256_HEXSZ);
	hash[SHA256_HEXSZ] = '\0';
	return pool_strdup(pool, hash);
}

static struct record make(char name, struct pool *pool)
{
	struct record r = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes) && shapes[i].name != name; i++)
		;
	assert_true(i < ARRAY_SIZE(shapes));
	memcpy(r.hash, hash_of(name, pool), sizeof(r.hash));
	r.seq = shapes[i].seq;
	r.event = shapes[i].event;
	r.field[FIELD_PREV] = hash_of(shapes[i].prev, pool);
	r.field[FIELD_TARGET] = shapes[i].target;
	r.field[FIELD_AT] = "noon";
	r.field[FIELD_RUN] = "run";
	if (shapes[i].old)
		r.field[FIELD_OLD] = pool_printf(pool, "9:%s",
						 hash_of(shapes[i].old, pool));
	return r;
}

/* The last record's letter; "fork", or "ends" where there are two. */
static const char *judge(const char *names)
{
	static char last[2];
	struct pool pool = { 0 };
	struct record records[16];
	const struct record *end;
	const char *what, *ret;
	size_t nr;

	for (nr = 0; names[nr]; nr++)
		records[nr] = make(names[nr], &pool);
	what = parting_find(records, nr, &pool, &end);
	last[0] = end ? end->hash[0] : '\0';
	ret = !what				  ? last
	      : strstr(what, "continue the same") ? "fork"
	      : strstr(what, "took the other's place")
		      ? (strstr(what, UUID) ? "ends" : "?")
		      : "?";
	pool_release(&pool);
	return ret;
}

static void one_log(void **state UNUSED)
{
	assert_string_equal(judge(""), "");
	assert_string_equal(judge("a"), "a");
	assert_string_equal(judge("dbca"), "d");
	assert_string_equal(judge("abcdabcd"), "d");
	assert_string_equal(judge("abcdr"), "r");
	assert_string_equal(judge("abk"), "k");
	assert_string_equal(judge("abcdl"), "l");
	assert_string_equal(judge("abcdy"), "y");
}

static void several(void **state UNUSED)
{
	assert_string_equal(judge("abcf"), "fork");
	assert_string_equal(judge("abcdx"), "ends");
	assert_string_equal(judge("ax"), "ends");
	assert_string_equal(judge("abcdk"), "ends");
	assert_string_equal(judge("abcdw"), "ends");
	assert_string_equal(judge("abcdv"), "ends");
}

/* What is missing is not another log; what is of another target does not fill it. */
static void gaps(void **state UNUSED)
{
	assert_string_equal(judge("abd"), "d");
	assert_string_equal(judge("bcd"), "d");
	assert_string_equal(judge("xzt"), "t");
	assert_string_equal(judge("xt"), "t");
	assert_string_equal(judge("abcdt"), "ends");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_log),
		cmocka_unit_test(several),
		cmocka_unit_test(gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
