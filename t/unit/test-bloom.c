/* The filters of a commit-graph: their hash, the keys of a path, the question. */
#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "git/bloom.h"

static void test_murmur3(void **state UNUSED)
{
	static const struct {
		const char *text;
		uint32_t seed, hash;
	} known[] = {
		{ "", 0, 0 },
		{ "", 1, 0x514e28b7 },
		{ "", 0xffffffff, 0x81f16f39 },
		{ "Hello world!", 0, 0x627b0c2c },
		{ "The quick brown fox jumps over the lazy dog", 0, 0x2e4ff723 },
		{ "a", 0x9747b28c, 0x7fa09ea6 },
		{ "aa", 0x9747b28c, 0x5d211726 },
		{ "aaa", 0x9747b28c, 0x283e0130 },
		{ "aaaa", 0x9747b28c, 0x5a97808a },
		{ "\x99\xaa\xbb\xcc\xdd\xee\xff", 0, 0xa183ccfd },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		assert_int_equal(bloom_murmur3(known[i].seed, known[i].text,
					       strlen(known[i].text)),
				 known[i].hash);
}

/* As git's own tests have them: the hashes of a path, and the filter it makes. */
static void test_keys(void **state UNUSED)
{
	static const struct {
		const char *path;
		uint32_t first, second;
		unsigned char filter[2];
	} known[] = {
		{ " ", 0xf178874c, 0x5f3d6eb6, { 0x51, 0x55 } },
		{ "Hello world!", 0xb270de9b, 0x1bb6f26e, { 0x92, 0x6c } },
		{ "file.txt", 0x20ab385b, 0xf5237fe2, { 0xa5, 0x4a } },
	};
	unsigned char less[2];
	struct bloom_keys keys;
	size_t i, bit;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		bloom_keys_init(&keys, known[i].path);
		assert_int_equal(keys.nr, 1);
		assert_int_equal(keys.key[0].first, known[i].first);
		assert_int_equal(keys.key[0].first + keys.key[0].step, known[i].second);
		assert_true(bloom_may_hold(known[i].filter, 2, 7, &keys));
		for (bit = 0; bit < 16; bit++) {
			memcpy(less, known[i].filter, 2);
			if (!(less[bit / 8] & 1U << bit % 8))
				continue;
			less[bit / 8] &= (unsigned char)~(1U << bit % 8);
			assert_false(bloom_may_hold(less, 2, 7, &keys));
		}
		bloom_keys_release(&keys);
	}
}

static void test_key_paths(void **state UNUSED)
{
	static const struct {
		const char *path;
		size_t nr;
	} paths[] = {
		{ "a", 1 },	     { "a/b", 2 },
		{ "a/b/c.sql", 3 },  { "", 0 },
		{ "/", 0 },	     { "/a", 0 },
		{ "a/", 0 },	     { "a//b", 0 },
		{ "\x80", 0 },	     { "a/b/\303\244", 0 },
		{ "\303\244/b", 0 }, { "a/\x7f", 2 },
	};
	const unsigned char none[1] = { 0 }, all[1] = { 0xff };
	struct bloom_keys keys, whole;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		bloom_keys_init(&keys, paths[i].path);
		assert_int_equal(keys.nr, paths[i].nr);
		assert_int_equal(bloom_may_hold(none, 1, 7, &keys), paths[i].nr == 0);
		assert_true(bloom_may_hold(all, 1, 7, &keys));
		assert_true(bloom_may_hold(none, 0, 7, &keys));
		bloom_keys_release(&keys);
	}
	bloom_keys_init(&keys, "a/b/c");
	bloom_keys_init(&whole, "a");
	assert_memory_equal(&keys.key[2], &whole.key[0], sizeof(whole.key[0]));
	bloom_keys_release(&whole);
	bloom_keys_init(&whole, "a/b");
	assert_memory_equal(&keys.key[1], &whole.key[0], sizeof(whole.key[0]));
	bloom_keys_release(&whole);
	bloom_keys_release(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_murmur3),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_key_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
