/* Where a mirror has the records of each path: what is kept comes back, or nothing. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/pool.h"
#include "core/links.h"
#include "core/mirror_index.h"

static const char one[] =
	"1111111111111111111111111111111111111111111111111111111111111111";
static const char two[] =
	"2222222222222222222222222222222222222222222222222222222222222222";
static const char head[] =
	"abababababababababababababababababababababababababababababababab";

static struct oid id(unsigned char n)
{
	struct oid out = { { 0 } };

	out.id[0] = n;
	return out;
}

static void sample(struct mirror_index *x, struct pool *pool)
{
	const struct mirror_place places[] = {
		{ "b.sql", id(3) }, { "a.sql", id(2) },	  { "b.sql", id(1) },
		{ "a.sql", id(2) }, { "c/d.sql", id(1) },
	};
	struct oid tips[] = { id(9), id(8), id(9) };

	memset(x, 0, sizeof(*x));
	x->nr_tips = mirror_index_sort_tips(tips, 3);
	x->tips = pool_alloc(pool, sizeof(tips));
	memcpy(x->tips, tips, sizeof(tips));
	x->base = id(9);
	x->head_seq = RECORD_SEQ_MAX;
	snprintf(x->head, sizeof(x->head), "%s", head);
	mirror_index_add(x, pool, places, 3);
	mirror_index_add(x, pool, places + 3, 2);
	mirror_index_leave_out(x, pool, two);
	mirror_index_leave_out(x, pool, one);
}

static void look_at(const struct mirror_index *x)
{
	const struct oid tips[] = { id(8), id(9), id(10) };
	const struct mirror_place *p;
	struct oid other = id(7);
	size_t nr;

	assert_true(mirror_index_is_of(x, tips, 2));
	assert_false(mirror_index_is_of(x, tips, 1));
	assert_false(mirror_index_is_of(x, tips, 3));
	assert_false(mirror_index_is_of(x, tips + 1, 2));
	assert_true(mirror_index_has_tip(x, &tips[0]));
	assert_false(mirror_index_has_tip(x, &other));
	assert_true(mirror_index_leaves_out(x, one));
	assert_true(mirror_index_leaves_out(x, two));
	assert_false(mirror_index_leaves_out(x, head));
	p = mirror_index_find(x, "b.sql", &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(p[0].blob.id[0], 1);
	assert_int_equal(p[1].blob.id[0], 3);
	mirror_index_find(x, "a.sql", &nr);
	assert_int_equal(nr, 1);
	mirror_index_find(x, "c", &nr);
	assert_int_equal(nr, 0);
}

static void what_is_kept_comes_back(void **state UNUSED)
{
	struct buf bytes = BUF_INIT, again = BUF_INIT;
	struct mirror_index x, y;
	struct pool pool = { 0 };

	sample(&x, &pool);
	look_at(&x);
	mirror_index_encode(&x, &bytes);
	assert_int_equal(mirror_index_decode(&y, &pool, bytes.s, bytes.len), 0);
	look_at(&y);
	assert_true(y.head_seq == RECORD_SEQ_MAX);
	assert_string_equal(y.head, head);
	assert_true(oid_eq(&y.base, &x.base));
	mirror_index_encode(&y, &again);
	assert_int_equal(again.len, bytes.len);
	assert_memory_equal(again.s, bytes.s, bytes.len);
	buf_release(&again);
	buf_release(&bytes);
	pool_release(&pool);
}

/* Of a length of its own, so that a read behind it is seen. */
static int decode(struct mirror_index *y, struct pool *pool, const char *data, size_t len)
{
	char *copy = pool_alloc(pool, len);

	memcpy(copy, data, len);
	return mirror_index_decode(y, pool, copy, len);
}

static void cut_bytes_are_refused(void **state UNUSED)
{
	struct buf bytes = BUF_INIT;
	struct mirror_index x, y;
	struct pool pool = { 0 };
	size_t len;

	sample(&x, &pool);
	mirror_index_encode(&x, &bytes);
	for (len = 0; len < bytes.len; len++) {
		assert_int_equal(decode(&y, &pool, bytes.s, len), -1);
		assert_int_equal(y.nr_tips + y.nr_places + y.nr_left_out, 0);
	}
	buf_addc(&bytes, 0);
	assert_int_equal(decode(&y, &pool, bytes.s, bytes.len), -1);
	buf_release(&bytes);
	pool_release(&pool);
}

/* The counts, what stands in order, and where names end. */
static void damage_is_refused_or_harmless(void **state UNUSED)
{
	struct buf bytes = BUF_INIT;
	struct mirror_index x, y;
	struct pool pool = { 0 };
	size_t i, refused = 0, nr;

	sample(&x, &pool);
	mirror_index_encode(&x, &bytes);
	for (i = 0; i < bytes.len; i++) {
		bytes.s[i] ^= 0x55;
		if (decode(&y, &pool, bytes.s, bytes.len) < 0)
			refused++;
		else
			mirror_index_find(&y, "b.sql", &nr);
		bytes.s[i] ^= 0x55;
	}
	assert_true(refused > 16);
	assert_int_equal(decode(&y, &pool, bytes.s, bytes.len), 0);
	buf_release(&bytes);
	pool_release(&pool);
}

static void the_path_of_a_line(void **state UNUSED)
{
	size_t len;
	const char *at = record_line_path("0000000002 v=1 path=a/b.sql blob=x", &len);

	assert_int_equal(len, strlen("a/b.sql"));
	assert_memory_equal(at, "a/b.sql", len);
	at = record_line_path("0000000002 v=1 path=b.sql", &len);
	assert_int_equal(len, strlen("b.sql"));
	assert_memory_equal(at, "b.sql", len);
	assert_null(record_line_path("0000000002 v=1 event=ran", &len));
}

static struct record linked(struct pool *pool, const struct record *before)
{
	struct record r = { .seq = before ? before->seq + 1 : 1, .event = EVENT_RAN };

	r.field[FIELD_PREV] = before ? before->hash : RECORD_NO_PREV;
	r.field[FIELD_HEAD] = "0123456789012345678901234567890123456789";
	r.field[FIELD_AT] = "2026-11-22T07:20:11.123Z";
	r.field[FIELD_BY] = "A U Thor";
	r.field[FIELD_RUN] = "0123456789abcdef0123456789abcdef";
	r.field[FIELD_ENGINE] = "sqlite/3.40.1";
	r.field[FIELD_TARGET] = "01234567-89ab-4cde-8f01-23456789abcd";
	r.field[FIELD_TOOL] = "git-migrate/0.1.0";
	record_seal(&r, pool);
	return r;
}

/* A chain with a branch, its records in any order and some of them twice. */
static void follows_links(UNUSED void **state)
{
	struct pool pool = { 0 };
	struct links l = { 0 };
	struct record r[6];
	size_t i, counts = 0;

	r[0] = linked(&pool, NULL);
	for (i = 1; i < 5; i++)
		r[i] = linked(&pool, &r[i - 1]);
	r[5] = r[2];
	r[5].field[FIELD_BY] = "Another";
	record_seal(&r[5], &pool);
	for (i = 6; i-- > 1;)
		links_add(&l, &r[i]);
	assert_false(links_follow(&l, r[4].hash)); /* the first is not there */
	links_add(&l, &r[0]);
	links_add(&l, &r[3]);
	assert_true(links_follow(&l, r[4].hash));
	assert_int_equal(l.nr, 6);
	for (i = 0; i < l.nr; i++)
		counts += l.counts[i];
	assert_int_equal(counts, 5);
	assert_true(links_follow(&l, r[5].hash));
	assert_false(links_follow(&l, ""));
	assert_false(links_follow(&l, RECORD_NO_PREV + 1));
	links_release(&l);
	pool_release(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_links),
		cmocka_unit_test(what_is_kept_comes_back),
		cmocka_unit_test(cut_bytes_are_refused),
		cmocka_unit_test(damage_is_refused_or_harmless),
		cmocka_unit_test(the_path_of_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
