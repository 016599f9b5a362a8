#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "db/pg.h"
#include "pg-batch.h"

static bool is_idle(struct db *db)
{
	return !db->conn || db->pq->transaction_status(db->conn) == PQTRANS_IDLE;
}

const struct trial_engine trial_engine = {
	.log = "CREATE SCHEMA git_migrate;"
	       "CREATE TABLE git_migrate.note (seq integer PRIMARY KEY, name text);"
	       "CREATE TABLE git_migrate.lock (id integer PRIMARY KEY);"
	       "INSERT INTO git_migrate.lock VALUES (1);",
	.expect = "SELECT 1 / (CASE WHEN CAST($1 AS integer) ="
		  " (SELECT coalesce(max(seq), 0) FROM git_migrate.note)"
		  " THEN 1 ELSE 0 END)",
	.record = "WITH written AS (INSERT INTO git_migrate.note (seq, name) VALUES"
		  " (CAST($1 AS integer) + 1, $2) RETURNING seq)"
		  " SELECT 1 / count(*) FROM written",
	.idle = is_idle,
};

/* As if it had been asked whether it is Citus, on each connection. */
static void set_probed(struct trial *t, size_t i UNUSED)
{
	t->db->probed = true;
}

void let_be_late(struct trial *t)
{
	must(t->db, "CREATE FUNCTION git_migrate.leave(lock_ms text) RETURNS void"
		    " LANGUAGE plpgsql AS $$ BEGIN"
		    " PERFORM pg_catalog.pg_advisory_unlock_all(); RESET ALL;"
		    " DEALLOCATE ALL; DISCARD TEMP; END $$");
	t->fresh = true;
	t->at_unit = set_probed;
	t->leave = "SELECT git_migrate.leave($1)";
}

/* --- one script -------------------------------------------------------- */

int run_count(struct db *db, const char *sql, unsigned *nr, struct err *err)
{
	struct trial t = { .db = db };
	int ret;

	memset(err, 0, sizeof(*err));
	if (pg->check(db, trial_add(&t, sql), err) < 0)
		return -1;
	ret = trial_run(&t);
	*err = t.err;
	if (ret < 0)
		assert_string_equal(buf_str(&t.told), "");
	if (ret == 0 && nr)
		*nr = t.statements;
	trial_release(&t);
	return ret;
}

void run_ok(struct db *db, const char *sql)
{
	struct err err = { 0 };

	if (run_count(db, sql, NULL, &err) < 0)
		fail_msg("%s: %u:%u %s (%s) %s", sql, err.line, err.column, err.message,
			 err.sqlstate, err.detail);
}

void run_refused(struct db *db, const char *sql, const char *word, unsigned line,
		 unsigned column)
{
	struct err err = { 0 };

	if (run_count(db, sql, NULL, &err) == 0)
		fail_msg("ran: %s", sql);
	if (!strstr(err.message, word))
		fail_msg("'%s' is not in '%s'", word, err.message);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_int_equal(err.line, line);
	assert_int_equal(err.column, column);
}
