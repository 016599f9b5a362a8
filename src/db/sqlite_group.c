/*
 * Runs a batch on SQLite. Commits are what costs, so units share a transaction,
 * each in a savepoint, and a failure still leaves behind what it would with a
 * transaction each: what went before it is committed. Whether the log is as it was
 * is asked once for the group, and their records are written together, since each
 * change of the schema makes SQLite compile the statement anew. Where that fails
 * they are run one by one.
 */
#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "db/sqlite_unit.h"

enum { GROUP_BYTES = 4 << 20 }; /* of scripts that are held for a group */

struct member {
	struct db_unit unit;
	struct db_report report;
	const struct db_statement *records;
	size_t nr_records;
};

/* The transaction under way: units `from` on. */
struct group {
	struct sqlite_units units;
	size_t from;
	struct member *members; /* those that were asked for */
	size_t nr, alloc;
	size_t run;    /* so many are done in the transaction */
	bool spanning; /* the next belongs to those from member `span` on: all or none */
	size_t span;
};

/* --- members ----------------------------------------------------------- */

static bool wants_keys(const struct member *m)
{
	return m->unit.script && m->unit.script->foreign_keys;
}

/* Asks for member `i` (again). 0, or -1 with the failure set. */
static int ask_for(struct group *g, size_t i, struct err *err)
{
	const struct db_batch *batch = g->units.batch;
	struct db_unit *unit = &g->members[i].unit;

	if (batch->unit(batch->arg, g->from + i, unit, err) < 0)
		return sqlite_units_failed(&g->units, g->from + i, DB_BEGIN);
	if (unit->script && unit->script->no_transaction)
		BUG("'%s' is not for a transaction", unit->script->name);
	return 0;
}

/* Member `i`, which is at most one behind those at hand; NULL with the failure set. */
static const struct member *member(struct group *g, size_t i, struct err *err)
{
	if (i == g->nr) {
		VEC_GROW(g->members, g->nr, g->alloc);
		memset(&g->members[i], 0, sizeof(g->members[i]));
		if (ask_for(g, i, err) < 0)
			return NULL;
		g->nr++;
	}
	return &g->members[i];
}

/*
 * The one that begins a transaction. If it was asked for before, then maybe behind
 * a record that was composed anew since: it has another head to expect.
 */
static const struct member *first_member(struct group *g, struct err *err)
{
	if (g->nr > 0 && ask_for(g, 0, err) < 0)
		return NULL;
	return member(g, 0, err);
}

/* They are committed: tells so, and goes on behind them. */
static void leave_behind(struct group *g)
{
	const struct db_batch *batch = g->units.batch;
	size_t i;

	for (i = 0; i < g->run; i++)
		batch->done(batch->arg, g->from + i, &g->members[i].report);
	g->nr -= g->run;
	memmove(g->members, g->members + g->run, g->nr * sizeof(*g->members));
	g->from += g->run;
	g->run = 0;
}

/* --- one transaction --------------------------------------------------- */

/* What must be known before the first member. 0, or -1 with the failure set. */
static int look_around(struct group *g, struct err *err)
{
	if (sqlite_unit_ask(&g->units, g->from, &g->members[0].unit, err) < 0)
		return -1;
	if (sqlite_keys_begin(&g->units.keys, err) < 0)
		return sqlite_units_failed(&g->units, g->from, DB_BEGIN);
	return 0;
}

static int begin(struct group *g, struct err *err)
{
	const struct member *first = first_member(g, err);

	if (!first)
		return -1;
	g->run = 0;
	g->spanning = false;
	if (sqlite_begin(g->units.db, wants_keys(first), err) < 0)
		return sqlite_units_failed(&g->units, g->from, DB_BEGIN);
	if (look_around(g, err) == 0)
		return 0;
	sqlite_rollback(g->units.db);
	return -1;
}

/* Those that only last together begin with this one. 0 or -1. */
static int open_span(struct group *g, const struct member *m, struct err *err)
{
	if (g->spanning || !m->unit.with_next)
		return 0;
	if (sqlite_exec(g->units.db, g->units.open_span, err) < 0)
		return sqlite_units_failed(&g->units, g->from + g->run, DB_BEGIN);
	g->spanning = true;
	g->span = g->run;
	return 0;
}

/*
 * Behind each of them: that it has not written to the log, which nobody could tell of
 * one of them later. They end with the last one. 0 or -1.
 */
static int close_span(struct group *g, const struct member *m, struct err *err)
{
	if (!g->spanning)
		return 0;
	if (sqlite_unit_ask_after(&g->units, &g->members[0].unit, err) < 0)
		return sqlite_units_failed(&g->units, g->from + g->run, DB_RECORD);
	if (m->unit.with_next)
		return 0;
	if (sqlite_exec(g->units.db, g->units.release_span, err) < 0)
		return sqlite_units_failed(&g->units, g->from + g->run, DB_RECORD);
	g->spanning = false;
	return 0;
}

/* Runs the next member. 0, or -1 with the failure set. */
static int run_next(struct group *g, struct err *err)
{
	const struct db_batch *batch = g->units.batch;
	struct member *m = &g->members[g->run];
	const struct sqlite_outcome out = { .report = &m->report };
	size_t i = g->from + g->run;

	if (!g->units.quiet && sqlite_look_for_signal(g->units.db, err) < 0)
		return sqlite_units_failed(&g->units, i, DB_BEGIN);
	if (open_span(g, m, err) < 0 ||
	    sqlite_unit_run(&g->units, i, &m->unit, &out, err) < 0 ||
	    close_span(g, m, err) < 0)
		return -1;
	m->records = NULL;
	m->nr_records = 0;
	if (batch->records(batch->arg, i, &m->report, &m->records, &m->nr_records, err) <
	    0)
		return sqlite_units_failed(&g->units, i, DB_RECORD);
	g->run++;
	return 0;
}

/* Runs as many as belong together. 0, or -1 with the failure set. */
static int run_some(struct group *g, struct err *err)
{
	int64_t since = clock_ms();
	const struct member *m;
	size_t bytes = 0;

	for (;;) {
		if (run_next(g, err) < 0)
			return -1;
		m = &g->members[g->run - 1];
		if (m->unit.script)
			bytes += m->unit.script->len;
		if (!g->spanning && (wants_keys(m) || bytes >= GROUP_BYTES ||
				     g->from + g->run == g->units.batch->nr ||
				     clock_ms() - since >= g->units.db->group_ms))
			return 0;
		m = member(g, g->run, err);
		if (!m)
			return -1;
		if (wants_keys(m))
			return 0;
	}
}

/* 0, or -1 when a member wrote to the log, or a record is not taken. */
static int record(struct group *g, struct err *err)
{
	const struct member *m = g->members;
	size_t k;

	if (sqlite_unit_ask_after(&g->units, &m->unit, err) < 0)
		return -1;
	for (; m < g->members + g->run; m++)
		for (k = 0; k < m->nr_records; k++)
			if (sqlite_unit_record(&g->units, &m->records[k], err) < 0)
				return -1;
	return 0;
}

/*
 * COMMIT failed and maybe was done all the same. When the log's head is still the
 * one before the group, it was not; when it is another, the tracker tells the rest.
 */
static int judge_commit(struct group *g, struct err *err)
{
	const struct db_statement *expect = &g->members[0].unit.expect;
	struct db *db = g->units.db, fresh = *db;
	struct err ignored;
	int as_before = -1;

	if (expect->sql && sqlite3_open_v2(db->path, &fresh.sql,
					   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
						   SQLITE_OPEN_EXRESCODE,
					   NULL) == SQLITE_OK) {
		sqlite_ignore_signals(&fresh);
		as_before = sqlite_unit_expects(&fresh, expect, &ignored);
	}
	if (expect->sql)
		sqlite3_close_v2(fresh.sql);
	if (as_before > 0)
		return -1;
	err->code = ERR_UNCERTAIN;
	g->units.failure->sent = g->from + g->run;
	return -1;
}

static int commit(struct group *g, struct err *err)
{
	if (sqlite_commit(g->units.db, err) == 0) {
		leave_behind(g);
		return 0;
	}
	sqlite_units_failed(&g->units, g->from, DB_COMMIT);
	if ((atoi(err->sqlstate) & 0xff) == SQLITE_IOERR)
		return judge_commit(g, err);
	return -1;
}

/* --- what does not go well --------------------------------------------- */

static int finish(struct group *g, struct err *err);
static int save_before(struct group *g, struct err *err);

/* Runs the first `nr` members anew and commits them. 0, or -1 with the failure set. */
static int repeat(struct group *g, size_t nr, struct err *err)
{
	bool quiet = g->units.quiet;
	int ret = begin(g, err);

	g->units.quiet = true;
	while (ret == 0 && g->run < nr)
		if (run_next(g, err) < 0)
			ret = save_before(g, err);
	if (ret == 0)
		ret = finish(g, err);
	g->units.quiet = quiet;
	return ret;
}

/* How many members last only together with the first. */
static size_t first_span(const struct group *g)
{
	size_t nr = 1;

	while (g->members[nr - 1].unit.with_next)
		nr++;
	return nr;
}

/* One by one, to find out which of them it was. */
static int repeat_singly(struct group *g, struct err *err)
{
	size_t nr = g->run, some = first_span(g);
	int ret = 0;

	sqlite_rollback(g->units.db);
	if (nr == some)
		return sqlite_units_failed(&g->units, g->from, DB_RECORD);
	for (; ret == 0 && nr > 0; nr -= some) {
		some = first_span(g);
		ret = repeat(g, some, err);
	}
	return ret;
}

/* Ends the transaction behind members that went well. 0, or -1 with the failure set. */
static int finish(struct group *g, struct err *err)
{
	if (record(g, err) < 0)
		return repeat_singly(g, err);
	return commit(g, err);
}

/* Undoes the member that failed, and those that last only with it. As of the unit. */
static bool undo(struct group *g)
{
	struct sqlite_units *u = &g->units;
	struct err ignored;
	bool undone = sqlite_unit_undo(u);

	if (!g->spanning)
		return undone;
	g->spanning = false;
	g->run = g->span;
	if (undone && (sqlite_exec(u->db, u->undo_span, &ignored) < 0 ||
		       sqlite_exec(u->db, u->release_span, &ignored) < 0)) {
		sqlite_rollback(u->db);
		undone = false;
	}
	return undone;
}

/* A member has failed: those before it are committed. Returns -1. */
static int save_before(struct group *g, struct err *err)
{
	struct db_failure failure = *g->units.failure;
	bool undone = undo(g);
	size_t nr = g->run;
	struct err why = { 0 };
	int ret = 0;

	failure.unit = failure.sent = g->from + nr;

	/* where SQLite has ended the transaction they are gone, and run anew */
	if (nr > 0)
		ret = undone ? finish(g, &why) : repeat(g, nr, &why);
	else if (undone)
		sqlite_rollback(g->units.db);
	if (ret < 0)
		*err = why; /* one before it does not last: that comes first */
	else
		*g->units.failure = failure;
	return -1;
}

static int run_group(struct group *g, struct err *err)
{
	struct err ignored;
	int ret = begin(g, err);

	if (ret == 0)
		ret = run_some(g, err) == 0 ? finish(g, err) : save_before(g, err);
	if (ret < 0)
		sqlite_settle(g->units.db, &ignored); /* signals are seen again */
	return ret;
}

int sqlite_run(struct db *db, const struct db_batch *batch, struct db_failure *failure,
	       struct err *err)
{
	struct group g = { 0 };
	int ret = 0;

	if (batch->dry)
		return sqlite_run_dry(db, batch, failure, err);
	sqlite_units_init(&g.units, db, batch, failure);
	while (ret == 0 && g.from < batch->nr)
		ret = run_group(&g, err);
	sqlite_units_release(&g.units);
	free(g.members);
	return ret;
}
