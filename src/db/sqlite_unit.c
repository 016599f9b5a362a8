#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "db/sqlite_unit.h"

void sqlite_units_init(struct sqlite_units *u, struct db *db,
		       const struct db_batch *batch, struct db_failure *failure)
{
	char nonce[NONCE_TEXT];

	*u = (struct sqlite_units){ .db = db, .batch = batch, .failure = failure };
	u->keys.db = db;
	nonce_random(nonce);
	snprintf(u->open, sizeof(u->open), "SAVEPOINT gm_%s", nonce);
	snprintf(u->undo, sizeof(u->undo), "ROLLBACK TO gm_%s", nonce);
	snprintf(u->release, sizeof(u->release), "RELEASE gm_%s", nonce);
	snprintf(u->open_span, sizeof(u->open_span), "SAVEPOINT gs_%s", nonce);
	snprintf(u->undo_span, sizeof(u->undo_span), "ROLLBACK TO gs_%s", nonce);
	snprintf(u->release_span, sizeof(u->release_span), "RELEASE gs_%s", nonce);
}

void sqlite_units_release(struct sqlite_units *u)
{
	size_t i;

	for (i = 0; i < SQLITE_KEPT; i++) {
		sqlite3_finalize(u->kept[i].stmt);
		free(u->kept[i].text);
	}
	sqlite_keys_release(&u->keys);
}

int sqlite_units_failed(struct sqlite_units *u, size_t unit, enum db_phase phase)
{
	u->failure->unit = u->failure->culprit = u->failure->sent = unit;
	u->failure->phase = phase;
	return -1;
}

/* --- questions to the tracker ------------------------------------------ */

/* The statement of this text, prepared already or now; NULL with SQLite's error. */
static sqlite3_stmt *keep(struct sqlite_units *u, const char *sql)
{
	struct sqlite_kept *k;
	size_t i;

	for (i = 0; i < SQLITE_KEPT; i++)
		if (u->kept[i].text && strcmp(u->kept[i].text, sql) == 0)
			return u->kept[i].stmt;
	k = &u->kept[u->oldest];
	u->oldest = (u->oldest + 1) % SQLITE_KEPT;
	sqlite3_finalize(k->stmt);
	free(k->text);
	*k = (struct sqlite_kept){ 0 };
	if (sqlite3_prepare_v3(u->db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, &k->stmt,
			       NULL) != SQLITE_OK)
		return NULL;
	k->text = xstrdup(sql);
	return k->stmt;
}

/* How many rows a statement answers with; -1 with `err` set. */
static int count_rows(struct sqlite_units *u, const struct db_statement *s,
		      struct err *err)
{
	sqlite3_stmt *stmt = keep(u, s->sql);
	int rc, nr = 0;

	if (!stmt)
		return sqlite_err(u->db, ERR_REFUSED, err);
	rc = sqlite_bind(u->db, stmt, s->params, s->nr);
	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			nr++;
	if (rc != SQLITE_DONE)
		nr = sqlite_err(u->db, ERR_REFUSED, err);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return nr;
}

static int count_row(void *arg, const char *const *values UNUSED, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	++*(int *)arg;
	return 0;
}

int sqlite_unit_expects(struct db *db, const struct db_statement *expect, struct err *err)
{
	int rows = 0;

	if (sqlite_query(db, expect->sql, expect->params, expect->nr, count_row, &rows,
			 err) < 0)
		return -1;
	return rows > 0;
}

int sqlite_unit_ask(struct sqlite_units *u, size_t i, const struct db_unit *unit,
		    struct err *err)
{
	int rows = unit->expect.sql ? count_rows(u, &unit->expect, err) : 1;
	enum db_phase phase = DB_EXPECT;

	if (rows > 0)
		return 0;
	if (rows == 0) {
		err_set(err, ERR_REFUSED, "the tracker was written to since it was read");
		err_hint(err, "tracker-grown",
			 "Another git migrate was at work: run it again.");
	} else if (err->code == ERR_INTERRUPTED || atoi(err->sqlstate) != SQLITE_ERROR) {
		phase = DB_BEGIN; /* a log that is not there is SQLITE_ERROR */
	}
	return sqlite_units_failed(u, i, phase);
}

int sqlite_unit_ask_after(struct sqlite_units *u, const struct db_unit *unit,
			  struct err *err)
{
	bool own = unit->script && unit->script->own;
	int rows = unit->expect.sql && !own ? count_rows(u, &unit->expect, err) : 1;

	if (rows < 0)
		return err_wrap(err, "the tracker cannot be read after the migration");
	if (rows > 0)
		return 0;
	err_set(err, ERR_REFUSED, "the migration wrote to the tracker");
	err_hint(err, "tracker-append-only",
		 "The tracker is written by git migrate alone. To correct an earlier "
		 "migration add one with the trailer \"Fixes:\".");
	return -1;
}

int sqlite_unit_record(struct sqlite_units *u, const struct db_statement *record,
		       struct err *err)
{
	int rows = count_rows(u, record, err);

	if (rows > 0)
		return 0;
	/* a trigger that swallows the row says nothing by itself */
	if (rows == 0)
		err_set(err, ERR_REFUSED, "the tracker did not take the record");
	err_hint(err, "tracker-damaged",
		 "If somebody put a trigger on the log, its owner takes it away. Then "
		 "run \"git migrate audit\".");
	return -1;
}

/* --- the unit ---------------------------------------------------------- */

/* 0, or -1; 1: it was run, and is to be run again, see sqlite_keys_judge(). */
static int run_script(struct sqlite_units *u, size_t i, const struct db_unit *unit,
		      const struct sqlite_outcome *out, struct err *err)
{
	struct sqlite_trace trace = { 0 };
	const struct sqlite_job job = { .script = unit->script,
					.batch = u->quiet ? NULL : u->batch,
					.unit = i,
					.trace = &trace,
					.touches = out->touches };
	int ret = sqlite_script_run(u->db, &job, out->report, err);

	if (ret == 0)
		ret = sqlite_keys_judge(&u->keys, &trace, err);
	sqlite_trace_release(&trace);
	return ret;
}

/* There are keys that point nowhere now. Since when? Its statements were told. */
static int run_script_again(struct sqlite_units *u, size_t i, const struct db_unit *unit,
			    const struct sqlite_outcome *out, struct err *err)
{
	bool quiet = u->quiet;
	int ret;

	if (out->touches)
		sqlite_touches_release(out->touches);
	if (sqlite_exec(u->db, u->undo, err) < 0 || sqlite_settle(u->db, err) < 0 ||
	    sqlite_keys_look(&u->keys, err) < 0)
		return -1;
	u->quiet = true;
	ret = run_script(u, i, unit, out, err);
	u->quiet = quiet;
	return ret;
}

static int run_and_judge(struct sqlite_units *u, size_t i, const struct db_unit *unit,
			 const struct sqlite_outcome *out, struct err *err)
{
	int ret = run_script(u, i, unit, out, err);

	return ret > 0 ? run_script_again(u, i, unit, out, err) : ret;
}

int sqlite_unit_run(struct sqlite_units *u, size_t i, const struct db_unit *unit,
		    const struct sqlite_outcome *out, struct err *err)
{
	int64_t since = clock_ms();

	*out->report = (struct db_report){ 0 };
	if (!unit->script)
		return 0;
	if (sqlite_exec(u->db, u->open, err) < 0)
		return sqlite_units_failed(u, i, DB_BEGIN);
	u->inside = true;
	if (run_and_judge(u, i, unit, out, err) < 0 ||
	    sqlite_exec(u->db, u->release, err) < 0)
		return sqlite_units_failed(u, i, DB_SCRIPT);
	u->inside = false;
	out->report->ms = clock_ms() - since;
	return 0;
}

bool sqlite_unit_undo(struct sqlite_units *u)
{
	struct err ignored;
	bool undone = !sqlite3_get_autocommit(u->db->sql);

	/* the signal that may have stopped the unit must not stop this as well */
	sqlite_ignore_signals(u->db);
	if (undone && u->inside)
		undone = sqlite_exec(u->db, u->undo, &ignored) == 0 &&
			 sqlite_exec(u->db, u->release, &ignored) == 0;
	u->inside = false;
	if (undone)
		undone = sqlite_settle(u->db, &ignored) == 0;
	if (!undone)
		sqlite_rollback(u->db);
	sqlite_ignore_signals(u->db);
	return undone;
}
