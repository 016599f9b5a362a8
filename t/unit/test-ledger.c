/* The chain of records, and the state that they add up to. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/pool.h"
#include "core/ledger.h"

#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H40 "0123456789abcdef0123456789abcdef01234567"
#define UUID "6f1c2a3b-0000-4000-8000-0123456789ab"
#define OTHER "6f1c2a3b-0000-4000-8000-0123456789ac"

struct log {
	struct pool pool;
	struct ledger ledger;
	struct err err;
};

static int open_log(void **state)
{
	*state = calloc(1, sizeof(struct log));
	return *state ? 0 : -1;
}

static int close_log(void **state)
{
	struct log *log = *state;

	ledger_release(&log->ledger);
	pool_release(&log->pool);
	free(log);
	return 0;
}

/* The record that would come next; tests bend it before it is sealed. */
static struct record draft(struct log *log, enum event event, const char *path)
{
	const struct record *last = ledger_last(&log->ledger);
	struct record r = { .event = event };

	r.seq = last ? last->seq + 1 : 1;
	r.field[FIELD_PREV] = last ? last->hash : RECORD_NO_PREV;
	if (event_has_migration(event)) {
		r.field[FIELD_PATH] = path;
		r.field[FIELD_BLOB] = H40;
		r.field[FIELD_SHA256] = H64;
		r.field[FIELD_COMMIT] = H40;
	}
	r.field[FIELD_HEAD] = H40;
	r.field[FIELD_AT] = "2026-11-22T07:20:11.123Z";
	r.field[FIELD_BY] = "me";
	r.field[FIELD_RUN] = "1";
	r.field[FIELD_ENGINE] = "sqlite/3.40";
	r.field[FIELD_TARGET] = last ? last->field[FIELD_TARGET] : UUID;
	r.field[FIELD_TOOL] = "git-migrate/1.0";
	if (event == EVENT_EXCEPTED || event == EVENT_ABANDONED ||
	    event == EVENT_RESTORED || event == EVENT_CLONED)
		r.field[FIELD_REASON] = "because";
	if (event == EVENT_RESTORED)
		r.field[FIELD_OLD] = pool_printf(&log->pool, "%" PRIu64 ":%s", r.seq - 1,
						 H64);
	if (event == EVENT_CLONED)
		r.field[FIELD_FROM] = UUID ":9:" H64;
	return r;
}

static int check(struct log *log, struct record *r)
{
	record_seal(r, &log->pool);
	return ledger_check(ledger_last(&log->ledger), r, &log->err);
}

static void add(struct log *log, struct record r)
{
	if (check(log, &r) < 0)
		fail_msg("%s", log->err.message);
	ledger_add(&log->ledger, &r);
}

static void append(struct log *log, enum event event, const char *path)
{
	add(log, draft(log, event, path));
}

static void assert_refused(struct log *log, struct record r, const char *message)
{
	if (check(log, &r) == 0)
		fail_msg("not refused: %s", message);
	assert_int_equal(log->err.code, ERR_REFUSED);
	assert_string_equal(log->err.message, message);
}

static void empty(void **state)
{
	struct log *log = *state;
	struct ledger *l = &log->ledger;

	assert_null(ledger_last(l));
	assert_null(ledger_find(l, "a.sql"));
	ledger_fold(l);
	assert_null(ledger_find(l, "a.sql"));
	assert_null(l->target);
	assert_null(l->open);
	ledger_release(l);
}

static void first_record(void **state)
{
	struct log *log = *state;
	struct record r;

	r = draft(log, EVENT_CREATED, NULL);
	assert_int_equal(check(log, &r), 0);
	r = draft(log, EVENT_CREATED, NULL);
	r.seq = 2;
	assert_refused(log, r, "record 2 begins the log, record 1 is missing");
	assert_refused(log, draft(log, EVENT_APPLIED, "a.sql"),
		       "record 1 is 'applied', not 'created'");
	assert_refused(log, draft(log, EVENT_CLONED, NULL),
		       "record 1 is 'cloned', not 'created'");
	r = draft(log, EVENT_CREATED, NULL);
	r.field[FIELD_PREV] = H64;
	assert_refused(log, r, "record 1 names a record before it: " H64);
}

static void next_record(void **state)
{
	struct log *log = *state;
	struct record r;
	char hash[SHA256_HEXSZ + 1];

	append(log, EVENT_CREATED, NULL);
	append(log, EVENT_APPLIED, "a.sql");
	r = draft(log, EVENT_APPLIED, "b.sql");
	assert_int_equal(check(log, &r), 0);
	assert_refused(log, draft(log, EVENT_CREATED, NULL),
		       "record 3 is 'created', which only the first can be");
	r = draft(log, EVENT_APPLIED, "b.sql");
	r.seq = 4;
	assert_refused(log, r, "record 3 is missing: record 4 follows record 2");
	r.seq = 2;
	assert_refused(log, r, "two records have the number 2");
	r.seq = 1;
	assert_refused(log, r, "record 1 stands behind record 2");
	r = draft(log, EVENT_APPLIED, "b.sql");
	memcpy(hash, r.field[FIELD_PREV], sizeof(hash));
	hash[63] = hash[63] == '0' ? '1' : '0';
	r.field[FIELD_PREV] = hash;
	assert_refused(log, r, "record 3 does not continue record 2");
	assert_non_null(strstr(log->err.detail, hash));
	r = draft(log, EVENT_APPLIED, "b.sql");
	r.field[FIELD_PREV] = RECORD_NO_PREV;
	assert_refused(log, r, "record 3 does not continue record 2");
	r = draft(log, EVENT_APPLIED, "b.sql");
	r.field[FIELD_TARGET] = OTHER;
	assert_refused(log, r,
		       "record 3 is of target " OTHER ", the log is of target " UUID);
}

static void restored(void **state)
{
	struct log *log = *state;
	struct ledger *l = &log->ledger;
	struct record r;

	append(log, EVENT_CREATED, NULL);
	append(log, EVENT_APPLIED, "a.sql");
	r = draft(log, EVENT_RESTORED, NULL);
	r.seq = 2;
	assert_refused(log, r, "two records have the number 2");
	r = draft(log, EVENT_RESTORED, NULL);
	r.field[FIELD_TARGET] = OTHER;
	assert_refused(log, r,
		       "record 3 is of target " OTHER ", the log is of target " UUID);
	r = draft(log, EVENT_RESTORED, NULL);
	assert_int_equal(check(log, &r), 0); /* nothing was lost but the mirror's trust */
	r = draft(log, EVENT_RESTORED, NULL);
	r.seq = 10;
	assert_refused(log, r,
		       "record 10 says that the last one that was lost is 2, and does "
		       "not stand behind that");
	r.field[FIELD_OLD] = "9:" H64;
	add(log, r);
	append(log, EVENT_APPLIED, "b.sql");
	assert_int_equal(ledger_last(l)->seq, 11);
	ledger_fold(l);
	assert_int_equal(ledger_find(l, "a.sql")->settled->seq, 2);
	assert_int_equal(ledger_find(l, "b.sql")->settled->seq, 11);
}

static void cloned(void **state)
{
	struct log *log = *state;
	struct ledger *l = &log->ledger;
	struct record r;

	r = draft(log, EVENT_CREATED, NULL);
	r.field[FIELD_SERVER] = "7123";
	add(log, r);
	append(log, EVENT_APPLIED, "a.sql");
	ledger_fold(l);
	assert_string_equal(l->target, UUID);
	assert_string_equal(l->server, "7123");
	assert_refused(log, draft(log, EVENT_CLONED, NULL),
		       "record 3 is 'cloned' and brings no new target");
	r = draft(log, EVENT_CLONED, NULL);
	r.field[FIELD_TARGET] = OTHER;
	r.seq = 4;
	assert_refused(log, r, "record 3 is missing: record 4 follows record 2");
	r = draft(log, EVENT_CLONED, NULL);
	r.field[FIELD_TARGET] = OTHER;
	add(log, r);
	ledger_fold(l);
	assert_string_equal(l->target, OTHER);
	assert_null(l->server); /* whoever cloned it did not say */
	append(log, EVENT_APPLIED, "b.sql");
	r = draft(log, EVENT_APPLIED, "c.sql");
	r.field[FIELD_TARGET] = UUID;
	assert_refused(log, r,
		       "record 5 is of target " UUID ", the log is of target " OTHER);
	r = draft(log, EVENT_RESTORED, NULL);
	r.field[FIELD_SERVER] = "7999";
	add(log, r);
	ledger_fold(l);
	assert_string_equal(l->server, "7999");
	assert_int_equal(ledger_find(l, "a.sql")->settled->seq, 2);
}

static void fold_of_events(void **state)
{
	struct log *log = *state;
	struct ledger *l = &log->ledger;
	const struct ledger_entry *e;

	append(log, EVENT_CREATED, NULL);	   /* 1 */
	append(log, EVENT_FAILED, "b.sql");	   /* 2 */
	append(log, EVENT_FAILED, "b.sql");	   /* 3 */
	append(log, EVENT_ADOPTED, "c.sql");	   /* 4 */
	append(log, EVENT_SUPERSEDED, "a/b.sql");  /* 5 */
	append(log, EVENT_UNNEEDED, "a.sql");	   /* 6 */
	append(log, EVENT_EXCEPTED, "a-late.sql"); /* 7 */
	append(log, EVENT_RAN, NULL);		   /* 8 */
	ledger_fold(l);
	assert_int_equal(l->nr_entries, 5);
	assert_string_equal(l->entries[0].path, "a-late.sql"); /* '-' < '.' < '/' */
	assert_string_equal(l->entries[1].path, "a.sql");
	assert_string_equal(l->entries[2].path, "a/b.sql");
	e = ledger_find(l, "b.sql");
	assert_null(e->settled);
	assert_int_equal(e->failed->seq, 3);
	assert_int_equal(ledger_find(l, "c.sql")->settled->event, EVENT_ADOPTED);
	assert_int_equal(ledger_find(l, "a/b.sql")->settled->event, EVENT_SUPERSEDED);
	assert_int_equal(ledger_find(l, "a.sql")->settled->event, EVENT_UNNEEDED);
	e = ledger_find(l, "a-late.sql");
	assert_true(e && !e->settled && !e->failed && !e->started);
	assert_null(ledger_find(l, "d.sql"));
	assert_null(ledger_find(l, ""));
	assert_null(l->open);

	append(log, EVENT_APPLIED, "b.sql"); /* 9 */
	e = ledger_find(l, "b.sql");	     /* as of the last fold, still good */
	assert_int_equal(e->failed->seq, 3);
	ledger_fold(l);
	e = ledger_find(l, "b.sql");
	assert_int_equal(e->settled->seq, 9);
	assert_null(e->failed);
}

static void fold_of_started(void **state)
{
	struct log *log = *state;
	struct ledger *l = &log->ledger;
	const struct ledger_entry *e;

	append(log, EVENT_CREATED, NULL);
	append(log, EVENT_STARTED, "b.sql"); /* 2 */
	ledger_fold(l);
	assert_int_equal(ledger_find(l, "b.sql")->started->seq, 2);
	assert_int_equal(l->open->seq, 2);
	append(log, EVENT_FAILED, "a.sql"); /* 3: another one's does not close it */
	ledger_fold(l);
	assert_int_equal(ledger_find(l, "b.sql")->started->seq, 2);
	append(log, EVENT_FAILED, "b.sql"); /* 4: nothing is left of it */
	ledger_fold(l);
	e = ledger_find(l, "b.sql");
	assert_null(e->started);
	assert_int_equal(e->failed->seq, 4);
	assert_null(l->open);
	append(log, EVENT_STARTED, "b.sql");   /* 5 */
	append(log, EVENT_ABANDONED, "b.sql"); /* 6 */
	ledger_fold(l);
	e = ledger_find(l, "b.sql");
	assert_null(e->started);
	assert_null(e->settled);
	assert_null(l->open);
	append(log, EVENT_STARTED, "b.sql"); /* 7 */
	append(log, EVENT_STARTED, "a.sql"); /* 8 */
	ledger_fold(l);
	assert_int_equal(l->open->seq, 7);   /* the one that blocks first */
	append(log, EVENT_APPLIED, "b.sql"); /* 9 */
	ledger_fold(l);
	e = ledger_find(l, "b.sql");
	assert_null(e->started);
	assert_null(e->failed);
	assert_int_equal(e->settled->seq, 9);
	assert_int_equal(l->open->seq, 8);
	append(log, EVENT_APPLIED, "a.sql");
	ledger_fold(l);
	assert_null(l->open);
}

static void many(void **state)
{
	struct log *log = *state;
	struct ledger *l = &log->ledger;
	const struct ledger_entry *e;
	char path[32];
	int i;

	append(log, EVENT_CREATED, NULL);
	append(log, EVENT_STARTED, "open.sql");
	ledger_fold(l);
	for (i = 0; i < 500; i++) { /* an order that is not that of the paths */
		snprintf(path, sizeof(path), "%03d.sql", (i * 77) % 500);
		append(log, EVENT_APPLIED, path);
		/* the arrays move below it */
		assert_int_equal(ledger_find(l, "open.sql")->started->seq, 2);
		assert_int_equal(l->open->seq, 2);
	}
	ledger_fold(l);
	assert_int_equal(l->nr_entries, 501);
	for (i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "%03d.sql", (i * 77) % 500);
		e = ledger_find(l, path);
		assert_non_null(e);
		assert_string_equal(e->path, path);
		assert_int_equal(e->settled->seq, i + 3);
	}
	ledger_add(l, &l->records[1]); /* one of its own */
	assert_int_equal(ledger_last(l)->seq, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_log, close_log)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(empty),  TEST(first_record),   TEST(next_record),	   TEST(restored),
		TEST(cloned), TEST(fold_of_events), TEST(fold_of_started), TEST(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
