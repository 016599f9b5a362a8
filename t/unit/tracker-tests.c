#include "base/compat.h"

#include <inttypes.h>
#include <setjmp.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tracker-tests.h"

#include "base/pool.h"
#include "core/ledger.h"
#include "db/tracker.h"

static struct tracker tracker_of(void **state)
{
	return (struct tracker){ .driver = tested, .db = tracker_engine.db(*state) };
}

/* What a table holds. */
static void expect_of(struct tracker *t, const char *columns, const char *table,
		      const char *wanted)
{
	struct buf sql = BUF_INIT;

	buf_addf(&sql, "SELECT %s FROM %s ORDER BY 1", columns, table);
	expect(t->db, buf_str(&sql), wanted);
	buf_release(&sql);
}

static void expect_count(struct tracker *t, const char *wanted)
{
	expect_of(t, "count(*)", tracker_engine.log, wanted);
}

void test_tracker(void **state)
{
	struct tracker t = tracker_of(state);
	struct pool pool = { 0 };
	struct ledger ledger = { 0 };
	struct record a, b, c;
	struct err err = { 0 };

	assert_int_equal(tracker_read(&t, &pool, &ledger, &err), 0);
	assert_int_equal(t.version, 0);
	install(&t, &pool, &a);
	assert_int_equal(tracker_install(&t, &a, &err), 0);
	expect_of(&t, "version, name, length(sha256)", tracker_engine.schema,
		  tracker_engine.installed);
	assert_int_equal(tracker_read(&t, &pool, &ledger, &err), 1);
	assert_int_equal(ledger.nr, 1);
	assert_int_equal(t.version, tracker_engine.version);
	ledger_release(&ledger);

	b = next_record(&pool, &a, EVENT_APPLIED, "0001-people.sql");
	c = next_record(&pool, &b, EVENT_APPLIED, "0001-people.sql");
	append_refused(&t, &a, &c, tracker_engine.behind);
	append_refused(&t, &a, &a, tracker_engine.behind);
	append_ok(&t, &a, &b);
	append_refused(&t, &b, &c, tracker_engine.settled);
	c = next_record(&pool, &a, EVENT_RAN, NULL);
	c.seq = 3;
	append_refused(&t, &b, &c, tracker_engine.broken);
	if (tracker_engine.unequal) {
		c = next_record(&pool, &b, EVENT_RAN, NULL);
		c.hash[0] = c.hash[0] == 'f' ? 'e' : 'f';
		append_refused(&t, &b, &c, tracker_engine.unequal);
	}
	c = next_record(&pool, &b, EVENT_FAILED, "0002.sql");
	append_ok(&t, &b, &c);

	assert_int_equal(tracker_read(&t, &pool, &ledger, &err), 1);
	assert_int_equal(ledger.nr, 3);
	assert_string_equal(ledger_last(&ledger)->hash, c.hash);
	assert_string_equal(ledger.records[1].field[FIELD_PATH], "0001-people.sql");
	expect_of(&t, "seq, event, path, \"by\"", tracker_engine.log,
		  "1|created|NULL|A U Thor\n"
		  "2|applied|0001-people.sql|A U Thor\n"
		  "3|failed|0002.sql|A U Thor\n");
	ledger_release(&ledger);
	pool_release(&pool);
}

/* The log has grown since it was read: nothing is written. */
void test_grown(void **state)
{
	struct tracker t = tracker_of(state);
	struct pool pool = { 0 };
	struct record a, b, c, two[2];
	struct err err = { 0 };

	install(&t, &pool, &a);
	b = next_record(&pool, &a, EVENT_APPLIED, "0001.sql");
	append_ok(&t, &a, &b);
	c = next_record(&pool, &b, EVENT_RAN, NULL);
	assert_int_equal(tracker_write(&t, &a, &c, 1, 0, &err), 1);
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(tracker_write(&t, NULL, &c, 1, 0, &err), 1);
	expect_count(&t, "2\n");
	append_ok(&t, &b, &c);
	/* all or nothing */
	two[0] = next_record(&pool, &c, EVENT_RAN, NULL);
	two[1] = b;
	assert_int_equal(tracker_write(&t, &c, two, 2, 0, &err), -1);
	expect_count(&t, "3\n");
	two[1] = next_record(&pool, &two[0], EVENT_APPLIED, "0002.sql");
	assert_int_equal(tracker_write(&t, &c, two, 2, 0, &err), 0);
	expect_count(&t, "5\n");
	pool_release(&pool);
}

void test_restored(void **state)
{
	struct tracker t = tracker_of(state);
	struct pool pool = { 0 };
	struct ledger ledger = { 0 };
	struct record a, b;
	struct err err = { 0 };

	install(&t, &pool, &a);
	b = next_record(&pool, &a, EVENT_RAN, NULL);
	b.seq = 7;
	record_seal(&b, &pool);
	append_refused(&t, &a, &b, tracker_engine.behind);
	b.event = EVENT_RESTORED;
	b.field[FIELD_OLD] = pool_printf(&pool, "6:%s", RECORD_NO_PREV);
	b.field[FIELD_REASON] = "backup of Monday";
	record_seal(&b, &pool);
	append_ok(&t, &a, &b);
	assert_int_equal(tracker_read(&t, &pool, &ledger, &err), 1);
	assert_int_equal(ledger.nr, 2);
	ledger_release(&ledger);
	pool_release(&pool);
}

void test_append_only(void **state)
{
	const char *const *sql = tracker_engine.refused;
	struct tracker t = tracker_of(state);
	struct pool pool = { 0 };
	struct record a, b;
	struct err err = { 0 };

	install(&t, &pool, &a);
	b = next_record(&pool, &a, EVENT_APPLIED, "0001.sql");
	append_ok(&t, &a, &b);
	for (; *sql; sql++) {
		if (run_sql(t.db, *sql, &err) == 0)
			fail_msg("done: %s", *sql);
		if (!strstr(err.message, "append-only"))
			fail_msg("%s: %s", *sql, err.message);
		if (tracker_engine.after_refused)
			execute(t.db, tracker_engine.after_refused);
		/* within a migration too */
		assert_int_equal(tracker_engine.migrate(t.db, *sql, &err), -1);
	}
	expect_of(&t, "seq, path", tracker_engine.log, "1|NULL\n2|0001.sql\n");
	pool_release(&pool);
}

/* What an examination has told. */
struct examined {
	struct buf bad;
	size_t nr;
	char head[SHA256_HEXSZ + 1];
};

static void on_bad(void *arg, uint64_t seq, const char *what)
{
	struct examined *e = arg;

	buf_addf(&e->bad, "%" PRIu64 ": %s\n", seq, what);
}

static void on_examined(void *arg, const struct record *r)
{
	struct examined *e = arg;

	e->nr++;
	snprintf(e->head, sizeof(e->head), "%s", r->hash);
}

/* What got past the triggers is seen by whoever compares. */
static void tamper(struct tracker *t)
{
	struct buf sql = BUF_INIT;

	buf_adds(&sql, tracker_engine.tamper);
	buf_addf(&sql, "UPDATE %s SET path = 'x' WHERE seq = 2;", tracker_engine.log);
	buf_addf(&sql, "UPDATE %s SET \"by\" = 'x' WHERE seq = 3", tracker_engine.log);
	execute(t->db, buf_str(&sql));
	buf_release(&sql);
}

void test_examine(void **state)
{
	struct tracker t = tracker_of(state);
	struct pool pool = { 0 };
	struct record a, b, c;
	struct err err = { 0 };
	struct examined seen = { .bad = BUF_INIT };
	const struct tracker_reader reader = { on_examined, on_bad, &seen };

	install(&t, &pool, &a);
	b = next_record(&pool, &a, EVENT_APPLIED, "0001.sql");
	append_ok(&t, &a, &b);
	c = next_record(&pool, &b, EVENT_RAN, NULL);
	append_ok(&t, &b, &c);
	assert_int_equal(tracker_examine(&t, &reader, &err), 1);
	assert_string_equal(buf_str(&seen.bad), "");
	assert_int_equal(seen.nr, 3);
	assert_string_equal(seen.head, c.hash);

	tamper(&t);
	assert_int_equal(tracker_examine(&t, &reader, &err), 1);
	assert_int_equal(seen.nr, 6);
	assert_string_equal(buf_str(&seen.bad),
			    "2: column 'path' holds 'x', the record '0001.sql'\n"
			    "3: column 'by' holds 'x', the record 'A U Thor'\n");
	buf_release(&seen.bad);
	pool_release(&pool);
}

enum { RUNNERS = 8 };

/* Of a process: 0, it has installed the tracker; 1, another had. */
static int install_once(struct fixture *f)
{
	struct tracker t = { .driver = tested };
	struct pool pool = { 0 };
	struct record a = next_record(&pool, NULL, EVENT_CREATED, NULL);
	struct err err = { 0 };
	int rc = 2;

	if (tracker_engine.another(f, &t.db, &err) == 0)
		rc = tracker_install(&t, &a, &err) & 3;
	if (rc > 1)
		fprintf(stderr, "%s %s\n", err.message, err.sqlstate);
	return rc;
}

/* Several sessions install at once: one does it, the others see that it is done. */
void test_install_race(void **state)
{
	struct tracker t = tracker_of(state);
	int i, status, done = 0;

	for (i = 0; i < RUNNERS; i++) {
		if (fork() == 0)
			_exit(install_once(*state));
	}
	for (i = 0; i < RUNNERS; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		done += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(done, 1);
	expect_of(&t, "version, name, length(sha256)", tracker_engine.schema,
		  tracker_engine.installed);
	expect_count(&t, "1\n");
}
