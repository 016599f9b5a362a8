/* Records that come new to a mirror, held against those that are there. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/chain.h"

#define UUID "6f1c2a3b-0000-4000-8000-0123456789ab"
#define OTHER "6f1c2a3b-0000-4000-8000-0123456789ac"

/* Each record is called by a letter, of which its hash is made; '0' is none. */
struct shape {
	char name, prev;
	unsigned seq;
	enum event event;
	const char *target;
	char says; /* the record that it says the log went on from */
};

static const struct shape shapes[] = {
	{ 'a', '0', 1, EVENT_CREATED, UUID, 0 },
	{ 'b', 'a', 2, EVENT_APPLIED, UUID, 0 },
	{ 'c', 'b', 3, EVENT_APPLIED, UUID, 0 },
	{ 'd', 'c', 4, EVENT_APPLIED, UUID, 0 },
	{ 'e', 'd', 5, EVENT_RAN, UUID, 0 },
	/* restored to b when the log was at d */
	{ 'r', 'b', 5, EVENT_RESTORED, UUID, 'd' },
	{ 's', 'r', 6, EVENT_RAN, UUID, 0 },
	/* another one behind c */
	{ 'f', 'c', 4, EVENT_FAILED, UUID, 0 },
	/* other logs: silent, one that says where the first ended, the same target's */
	{ 'x', '0', 1, EVENT_CREATED, OTHER, 0 },
	{ 'y', '0', 1, EVENT_CREATED, OTHER, 'd' },
	{ 'z', '0', 1, EVENT_CREATED, UUID, 0 },
	/* a copy of the database at c */
	{ 'k', 'c', 4, EVENT_CLONED, OTHER, 0 },
	{ 'l', 'c', 4, EVENT_CLONED, OTHER, 'd' },
};

static void make_hash(char name, char out[SHA256_HEXSZ + 1])
{
	memset(out, name, SHA256_HEXSZ);
	out[SHA256_HEXSZ] = '\0';
}

static struct record make(char name, char prev[SHA256_HEXSZ + 1])
{
	static char old[ARRAY_SIZE(shapes)][2 + SHA256_HEXSZ + 1];
	struct record r = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes) && shapes[i].name != name; i++)
		;
	assert_true(i < ARRAY_SIZE(shapes));
	make_hash(name, r.hash);
	make_hash(shapes[i].prev, prev);
	r.seq = shapes[i].seq;
	r.event = shapes[i].event;
	r.field[FIELD_PREV] = prev;
	r.field[FIELD_TARGET] = shapes[i].target;
	if (shapes[i].says) {
		memcpy(old[i], "9:", 2);
		make_hash(shapes[i].says, old[i] + 2);
		r.field[FIELD_OLD] = old[i];
	}
	return r;
}

static void set_head(struct chain_head *head, char name, bool by_tip)
{
	char prev[SHA256_HEXSZ + 1];
	struct record r;

	if (name == '-')
		return;
	r = make(name, prev);
	head->seq = r.seq;
	head->by_tip = by_tip;
	memcpy(head->hash, r.hash, sizeof(head->hash));
}

/*
 * What becomes of a push that brings `fresh` to a mirror that has `old` in `heads`:
 * before and after, "-" for none, and "." behind when an earlier commit names them.
 * Capital letters do not stand on their commit. Of the old ones the chain is told
 * those that it wants. The message of the refusal, "" when it passes.
 */
static const char *judge(const char *old, const char *fresh, const char *heads)
{
	static struct err err;
	struct chain c = { 0 };
	char prev[SHA256_HEXSZ + 1];
	struct record r;
	bool before_by_tip = heads[1] != '.';
	const char *after = heads + (before_by_tip ? 1 : 2), *at;

	memset(&err, 0, sizeof(err));
	set_head(&c.was, heads[0], before_by_tip);
	set_head(&c.now, after[0], after[1] != '.');
	for (at = fresh; *at; at++) {
		bool placed = *at >= 'a';

		r = make((char)(placed ? *at : *at + 'a' - 'A'), prev);
		chain_add(&c, &r, placed);
	}
	for (at = old; *at; at++) {
		r = make(*at, prev);
		if (chain_wants(&c, r.hash, r.field[FIELD_PREV]))
			chain_know(&c, &r);
	}
	if (chain_check(&c, &err) == 0)
		assert_string_equal(err.message, "");
	else
		assert_int_equal(err.code, ERR_REFUSED);
	chain_release(&c);
	return err.message;
}

static void what_continues(void **state UNUSED)
{
	assert_string_equal(judge("", "abc", "-c"), "");
	assert_string_equal(judge("abc", "d", "cd"), "");
	assert_string_equal(judge("abc", "de", "ce"), "");
	assert_string_equal(judge("abc", "ed", "ce"), "");
	assert_string_equal(judge("abc", "", "cc"), "");
	assert_string_equal(judge("abc", "dD", "cd"), "");
	/* copies of what was there, on other commits */
	assert_string_equal(judge("abc", "ABC", "cc"), "");
	assert_string_equal(judge("abc", "Bd", "cd"), "");
}

static void what_does_not(void **state UNUSED)
{
	assert_string_equal(judge("", "bc", "-c"),
			    "record 2 begins the log, record 1 is missing");
	assert_string_equal(judge("abc", "e", "ce"),
			    "record 5 begins the log, record 1 is missing");
	assert_string_equal(judge("abc", "D", "cd"),
			    "record 4 does not stand on the commit that it names");
	assert_string_equal(judge("abc", "df", "cd"),
			    "two records continue the same one, record 3");
	assert_string_equal(judge("abcd", "f", "dd"),
			    "two records continue the same one, record 3");
	assert_string_equal(judge("abc", "z", "cc"),
			    "two records begin the log of target " UUID);
	assert_string_equal(judge("", "az", "-a"),
			    "two records begin the log of target " UUID);
}

static void logs_that_go_on_elsewhere(void **state UNUSED)
{
	assert_string_equal(judge("abcd", "r", "dr"), "");
	assert_string_equal(judge("abcd", "rs", "ds"), "");
	assert_string_equal(judge("abcdrs", "", "ss"), "");
	assert_string_equal(judge("", "abcdrs", "-s"), "");
	assert_string_equal(judge("", "abck", "-k"), "");
	assert_string_equal(judge("abc", "k", "ck"), "");
	assert_string_equal(judge("abcd", "y", "dy"), "");
	/* what it names was not there before, but goes on from what was */
	assert_string_equal(judge("abc", "dy", "cy"), "");
	assert_string_equal(judge("abc", "dr", "cr"), "");
	/* it names something else than where the mirror ended */
	assert_string_equal(judge("abc", "y", "cy"),
			    "record 1, its head, does not follow from the one before");
	assert_string_equal(judge("abcde", "r", "er"),
			    "record 5, its head, does not follow from the one before");
	assert_string_equal(judge("abcd", "k", "dk"),
			    "record 4, its head, does not follow from the one before");
	assert_string_equal(judge("abcd", "l", "dl"), "");
	/* another log beside, and one that takes the place */
	assert_string_equal(judge("abcd", "x", "dd"),
			    "record 1 is of a log of its own beside the one that is "
			    "there");
	assert_string_equal(judge("", "abcdx", "-d"),
			    "record 1 is of a log of its own beside the one that is "
			    "there");
	assert_string_equal(judge("abcd", "k", "dd"),
			    "record 4 is of a log of its own beside the one that is "
			    "there");
	assert_string_equal(judge("abcd", "y", "dd"),
			    "record 1 is of a log of its own beside the one that is "
			    "there");
	assert_string_equal(judge("", "abcdy", "-y"), "");
	/* what stands there already refuses nothing that is added */
	assert_string_equal(judge("abcdx", "e", "de"), "");
	/* what the mirror lacked comes late */
	assert_string_equal(judge("bcd", "a", "dd"), "");
	assert_string_equal(judge("abd", "c", "dd"), "");
	assert_string_equal(judge("abcds", "r", "ss"), "");
	assert_string_equal(judge("abcd", "x", "dx"),
			    "record 1, its head, does not follow from the one before");
}

static void heads(void **state UNUSED)
{
	assert_string_equal(judge("abc", "d", "c-"),
			    "its commits name no head (Migrate-Head:)");
	assert_string_equal(judge("abc", "d", "ce"),
			    "the head that it names is none of its records");
	assert_string_equal(judge("abc", "de", "cd"),
			    "the head that it names is not the last record: record 5 "
			    "continues it");
	assert_string_equal(judge("abc", "d", "cc"),
			    "the head that it names is not the last record: record 4 "
			    "continues it");
	/* back: a merge by hand leaves the head of one side, a tool's commit does not */
	assert_string_equal(judge("abc", "", "cb."), "");
	assert_string_equal(judge("abc", "", "cb"),
			    "the head that it names is not the last record: record 3 "
			    "continues it");
	assert_string_equal(judge("abc", "d", "b.d"), "");
	/* another end that was there */
	assert_string_equal(judge("abcdrs", "", "sd"),
			    "record 4, its head, does not follow from the one before");
	assert_string_equal(judge("abcdrs", "e", "se"),
			    "record 5, its head, does not follow from the one before");
}

/* Old ones are looked for only where they have a say. */
static void whole(void **state UNUSED)
{
	struct chain c = { 0 };
	char prev[SHA256_HEXSZ + 1];
	struct record r;

	set_head(&c.was, 'c', true);
	set_head(&c.now, 'd', true);
	r = make('d', prev);
	chain_add(&c, &r, true);
	assert_false(chain_is_whole(&c));
	r = make('b', prev);
	assert_false(chain_wants(&c, r.hash, prev));
	r = make('f', prev);
	assert_true(chain_wants(&c, r.hash, prev));
	r = make('c', prev);
	assert_true(chain_wants(&c, r.hash, prev));
	chain_know(&c, &r);
	assert_true(chain_is_whole(&c));
	c.was.by_tip = false; /* somebody may have added behind it */
	assert_false(chain_is_whole(&c));
	chain_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_continues),
		cmocka_unit_test(what_does_not),
		cmocka_unit_test(logs_that_go_on_elsewhere),
		cmocka_unit_test(heads),
		cmocka_unit_test(whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
