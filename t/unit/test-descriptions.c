/* What was kept of commits and headers: the same comes back, or nothing does. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/pool.h"
#include "core/descriptions.h"

static const char everything[] =
	"subject\n\n"
	"Fixes: in the body\n\nPhase: there too\n\n"
	"Fixes: a.sql\nFailure-Mode: it\n broke\n"
	"Supersedes: b.sql\nRequires: c.sql\nReversal: none\n"
	"Data-Loss: none\nPhase: expand\nPairs-With: d.sql\n"
	"Not-Before: 2026-11-22\nOut-Of-Order: e.sql -- late\n"
	"Checkpoint: yes\nLint-Waive: lock -- small\n"
	"Fixes: \xc3\xa9l\xc3\xa9phant \xf0\x9f\x90\x98\nFixes:\n";

static const char header[] = "-- Requires: x.sql\n"
			     "-- migrate: no-transaction\n"
			     "-- migrate: timeout=5s\n"
			     "-- migrate: empty=\n"
			     "-- Lint-Waive: a -- b\n"
			     "select 1;\n";

/* One migration of a table: ids are single bytes. */
struct sample {
	unsigned char commit, blob;
	const char *author, *subject;
	int64_t when;
	const char *message, *sql;
};

static const struct sample samples[] = {
	{ 1, 1, "A <a@x>", "add a table", 1700000000, everything, header },
	{ 1, 2, "A <a@x>", "add a table", 1700000000, everything, "" },
	{ 2, 1, "", "", 0, "", "" },
	{ 2, 2, "\xc3\x89 <\xc3\xa9@x>", "\xf0\x9f\x90\x98", -1, "s\n\nFixes:\n",
	  header },
	{ 255, 255, "B", " ", INT64_MIN, "", "-- migrate: word" },
	{ 0, 1, "\xff\xfe", "\n", INT64_MAX, "s\n\nFixes: b\n\nand\n", "" },
};

static void make(struct migration *m, struct pool *pool, const struct sample *s)
{
	memset(m, 0, sizeof(*m));
	memset(m->commit.id, s->commit, OID_RAWSZ);
	memset(m->blob.id, s->blob, OID_RAWSZ);
	m->author = s->author;
	m->subject = s->subject;
	m->when = s->when;
	trailers_from_message(&m->in_message, pool, s->message, strlen(s->message));
	trailers_from_header(&m->in_header, &m->how, pool, s->sql, strlen(s->sql));
}

static void assert_same_trailers(const struct trailers *a, const struct trailers *b)
{
	size_t i;

	assert_int_equal(a->nr, b->nr);
	for (i = 0; i < a->nr; i++) {
		assert_int_equal(a->items[i].key, b->items[i].key);
		assert_string_equal(a->items[i].value, b->items[i].value);
	}
	assert_int_equal(a->misplaced_nr, b->misplaced_nr);
	for (i = 0; i < a->misplaced_nr; i++)
		assert_string_equal(a->misplaced[i], b->misplaced[i]);
}

static void assert_same(const struct migration *a, const struct migration *b)
{
	size_t i;

	assert_true(a->when == b->when);
	assert_string_equal(a->author, b->author);
	assert_string_equal(a->subject, b->subject);
	assert_same_trailers(&a->in_message, &b->in_message);
	assert_same_trailers(&a->in_header, &b->in_header);
	assert_int_equal(a->how.nr, b->how.nr);
	for (i = 0; i < a->how.nr; i++) {
		assert_string_equal(a->how.items[i].word, b->how.items[i].word);
		assert_int_equal(!a->how.items[i].value, !b->how.items[i].value);
		if (a->how.items[i].value)
			assert_string_equal(a->how.items[i].value, b->how.items[i].value);
	}
}

/* What is known of the sample; nothing else of the migration is touched. */
static bool find(struct descriptions *d, struct pool *pool, const struct sample *s,
		 struct migration *found)
{
	struct migration before;

	memset(found, 0, sizeof(*found));
	memset(found->commit.id, s->commit, OID_RAWSZ);
	memset(found->blob.id, s->blob, OID_RAWSZ);
	found->path = "a.sql";
	found->company = 3;
	before = *found;
	if (!descriptions_find(d, pool, found)) {
		assert_memory_equal(found, &before, sizeof(before));
		return false;
	}
	assert_string_equal(found->path, "a.sql");
	assert_int_equal(found->company, 3);
	assert_false(found->known);
	return true;
}

static void add_samples(struct descriptions *d, struct pool *pool)
{
	struct migration m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		make(&m, pool, &samples[i]);
		descriptions_add(d, &m);
	}
}

static void assert_samples(struct descriptions *d, struct pool *pool)
{
	struct migration m, found;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		make(&m, pool, &samples[i]);
		assert_true(find(d, pool, &samples[i], &found));
		assert_same(&m, &found);
	}
}

static void samples_have_everything(void **state UNUSED)
{
	struct pool pool = { 0 };
	struct migration m;
	int key;

	make(&m, &pool, &samples[0]);
	for (key = 0; key < TRAILER_NR; key++)
		assert_non_null(trailers_get(&m.in_message, (enum trailer_key)key));
	assert_int_equal(m.in_message.misplaced_nr, 2);
	assert_int_equal(m.in_header.nr, 2);
	assert_int_equal(m.how.nr, 3);
	assert_null(m.how.items[0].value);
	assert_string_equal(m.how.items[1].value, "5s");
	assert_string_equal(m.how.items[2].value, "");
	pool_release(&pool);
}

static void what_was_added_comes_back(void **state UNUSED)
{
	struct descriptions d = { 0 }, again = { 0 };
	struct pool pool = { 0 };
	struct buf bytes = BUF_INIT;

	add_samples(&d, &pool);
	assert_samples(&d, &pool);
	buf_add(&bytes, d.bytes.s, d.bytes.len);
	assert_int_equal(descriptions_decode(&again, &bytes), 0);
	assert_int_equal(bytes.len, 0); /* taken */
	assert_null(bytes.s);
	assert_int_equal(again.nr, ARRAY_SIZE(samples));
	assert_samples(&again, &pool);
	assert_int_equal(again.bytes.len, d.bytes.len);
	assert_memory_equal(again.bytes.s, d.bytes.s, d.bytes.len);
	descriptions_release(&d);
	descriptions_release(&again);
	pool_release(&pool);
}

static void found_by_commit_and_blob(void **state UNUSED)
{
	static const struct sample others[] = { { .commit = 1, .blob = 3 },
						{ .commit = 3, .blob = 1 },
						{ .commit = 1, .blob = 0 },
						{ .commit = 255, .blob = 1 } };
	struct descriptions d = { 0 };
	struct pool pool = { 0 };
	struct migration found;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(find(&d, &pool, &others[i], &found));
	add_samples(&d, &pool);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(find(&d, &pool, &others[i], &found));
	descriptions_release(&d);
	assert_false(find(&d, &pool, &samples[0], &found));
	pool_release(&pool);
}

/* What is read does not go with the bytes. */
static void texts_are_the_pools(void **state UNUSED)
{
	struct descriptions d = { 0 };
	struct pool pool = { 0 };
	struct migration m, found;

	add_samples(&d, &pool);
	assert_true(find(&d, &pool, &samples[0], &found));
	memset(d.bytes.s, 'x', d.bytes.len);
	descriptions_release(&d);
	make(&m, &pool, &samples[0]);
	assert_same(&m, &found);
	pool_release(&pool);
}

static void thousands_are_kept(void **state UNUSED)
{
	enum { MANY = 5000 };
	struct descriptions d = { 0 }, again = { 0 };
	struct pool pool = { 0 };
	struct migration m, found;
	int i;

	for (i = 0; i < MANY; i++) {
		make(&m, &pool, &samples[0]);
		memcpy(m.blob.id, &i, sizeof(i));
		m.subject = pool_printf(&pool, "number %d", i);
		descriptions_add(&d, &m);
	}
	assert_int_equal(descriptions_decode(&again, &d.bytes), 0);
	descriptions_release(&d);
	for (i = 0; i < MANY; i++) {
		make(&found, &pool, &samples[0]);
		memcpy(found.blob.id, &i, sizeof(i));
		assert_true(descriptions_find(&again, &pool, &found));
		assert_string_equal(found.subject, pool_printf(&pool, "number %d", i));
	}
	descriptions_release(&again);
	pool_release(&pool);
}

static void nothing_is_read(void **state UNUSED)
{
	struct descriptions d = { 0 };
	struct buf none = BUF_INIT;

	assert_int_equal(descriptions_decode(&d, &none), 0);
	assert_int_equal(d.nr, 0);
	descriptions_release(&d);
	descriptions_release(&d);
}

/* Damage. */

/* Reads part of some bytes; false when they are malformed, and then all is empty. */
static bool decode(struct descriptions *d, const char *s, size_t len)
{
	struct buf bytes = BUF_INIT;

	buf_add(&bytes, s, len);
	bytes.s = realloc(bytes.s, len + 1); /* a read past it is seen */
	bytes.alloc = len + 1;
	if (descriptions_decode(d, &bytes) == 0)
		return true;
	assert_null(d->bytes.s);
	assert_null(d->at);
	assert_int_equal(d->nr, 0);
	assert_int_equal(d->by_id.nr, 0);
	return false;
}

/* Where the descriptions of the samples end. */
static bool is_end(const struct descriptions *d, size_t len)
{
	size_t i;

	for (i = 0; i < d->nr; i++)
		if (d->at[i] == len)
			return true;
	return len == d->bytes.len;
}

static void truncated_bytes_are_refused(void **state UNUSED)
{
	struct descriptions d = { 0 }, part = { 0 };
	struct pool pool = { 0 };
	size_t len;

	add_samples(&d, &pool);
	for (len = 0; len <= d.bytes.len; len++) {
		assert_int_equal(decode(&part, d.bytes.s, len), is_end(&d, len));
		descriptions_release(&part);
	}
	descriptions_release(&d);
	pool_release(&pool);
}

/* One description whose last bytes are missing or one too many, its length being right.
 */
static void cut_descriptions_are_not_known(void **state UNUSED)
{
	enum { FIXED_SIZE = 4 + 2 * OID_RAWSZ + 8 };
	struct descriptions d = { 0 }, part = { 0 };
	struct pool pool = { 0 };
	struct migration m, found;
	size_t len, whole;
	bool read;

	make(&m, &pool, &samples[0]);
	descriptions_add(&d, &m);
	whole = d.bytes.len;
	buf_addc(&d.bytes, '\0');
	for (len = 4; len <= whole + 1; len++) {
		d.bytes.s[2] = (char)(len >> 8);
		d.bytes.s[3] = (char)len;
		read = decode(&part, d.bytes.s, len);
		assert_int_equal(read, len >= FIXED_SIZE);
		assert_int_equal(find(&part, &pool, &samples[0], &found), len == whole);
		descriptions_release(&part);
	}
	descriptions_release(&d);
	pool_release(&pool);
}

static void use(struct descriptions *d, struct pool *pool)
{
	struct migration found;
	size_t i;
	int key;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		if (!find(d, pool, &samples[i], &found))
			continue;
		for (key = 0; key < TRAILER_NR; key++)
			trailers_get(&found.in_message, (enum trailer_key)key);
		assert_true(trailers_eq(&found.in_message, &found.in_message));
		assert_same(&found, &found); /* every text is looked at */
	}
}

static void each_byte_is_damaged(void **state UNUSED)
{
	static const unsigned char by[] = { 1, 2, 4, 8, 16, 32, 64, 128, 255, 127 };
	struct descriptions d = { 0 }, other = { 0 };
	struct pool pool = { 0 };
	size_t at, i;

	add_samples(&d, &pool);
	for (at = 0; at < d.bytes.len; at++) {
		for (i = 0; i < ARRAY_SIZE(by); i++) {
			struct pool texts = { 0 };

			d.bytes.s[at] ^= (char)by[i];
			if (decode(&other, d.bytes.s, d.bytes.len))
				use(&other, &texts);
			d.bytes.s[at] ^= (char)by[i];
			descriptions_release(&other);
			pool_release(&texts);
		}
	}
	assert_samples(&d, &pool);
	descriptions_release(&d);
	pool_release(&pool);
}

/* A number of items that no bytes follow for, and keys that there are not. */
static void numbers_out_of_range_are_not_known(void **state UNUSED)
{
	enum { TRAILERS = 4 + 2 * OID_RAWSZ + 8 + 2 }; /* behind two empty texts */
	static const unsigned char large[] = { 0, 1, 0x7f, 0x80, 0xff };
	const struct sample s = { 2, 1, "", "", 0, "s\n\nFixes:\n", "" };
	struct descriptions d = { 0 }, other = { 0 };
	struct pool pool = { 0 };
	struct migration m, found;
	size_t i;
	int key;

	make(&m, &pool, &s);
	descriptions_add(&d, &m);
	assert_int_equal(d.bytes.s[TRAILERS + 3], 1);
	for (i = 0; i < ARRAY_SIZE(large); i++) {
		d.bytes.s[TRAILERS] = (char)large[i];
		assert_true(decode(&other, d.bytes.s, d.bytes.len));
		assert_int_equal(find(&other, &pool, &s, &found), !large[i]);
		descriptions_release(&other);
	}
	d.bytes.s[TRAILERS] = 0;
	for (key = 0; key < 256; key++) {
		d.bytes.s[TRAILERS + 4] = (char)key;
		assert_true(decode(&other, d.bytes.s, d.bytes.len));
		assert_int_equal(find(&other, &pool, &s, &found), key < TRAILER_NR);
		descriptions_release(&other);
	}
	descriptions_release(&d);
	pool_release(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_have_everything),
		cmocka_unit_test(what_was_added_comes_back),
		cmocka_unit_test(found_by_commit_and_blob),
		cmocka_unit_test(texts_are_the_pools),
		cmocka_unit_test(thousands_are_kept),
		cmocka_unit_test(nothing_is_read),
		cmocka_unit_test(truncated_bytes_are_refused),
		cmocka_unit_test(cut_descriptions_are_not_known),
		cmocka_unit_test(each_byte_is_damaged),
		cmocka_unit_test(numbers_out_of_range_are_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
