/*
 * Runs migrations on PostgreSQL: each taken apart by our own lexer, each
 * statement sent alone, each migration in a transaction of the tool's own,
 * between guards, with its record. They follow each other without waiting for
 * answers; what stands behind a failure is not run by the server.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "db/driver.h"
#include "db/pg.h"
#include "db/pg_limit.h"
#include "sql/split.h"

enum { LOOK_FOR_BLOCKERS_MS = 100, NUMBER_TEXT = 16, LATE_MAX = 15 };

struct run {
	struct db *db;
	const struct db_batch *batch;
	struct pg_pipe pipe;
	struct db_report *reports; /* of the units that were sent */
	size_t unit;		   /* being sent */
	size_t sent, committed;	   /* units whose COMMIT was sent, was answered */
	size_t done;		   /* that are on the disk, too, and were told of */
	bool is_late;		   /* the unit's COMMIT does not wait for the disk */
	unsigned late;		   /* such in a row */
	unsigned ran;		   /* statements that were answered of the next one */
	bool inside;		   /* the one before it left its transaction open */
	bool runs_code;		   /* the unit's script may do more than its text shows */
	char guard[NONCE_TEXT];
	struct pg_blockers blockers;
	struct pg_touched *touched; /* a dry run's */
};

/* --- one message ------------------------------------------------------- */

/* Sends a statement; where it is to be watched closely, waits for it. */
static int send_what(struct run *r, const struct pg_sent *what, const char *sql,
		     const char *const *params, size_t nr)
{
	if (pg_pipe_send(&r->pipe, what, sql, params, nr) < 0)
		return -1;
	if (r->db->caps.careful || (what->script && r->batch->in_step))
		return pg_pipe_drain(&r->pipe);
	return 0;
}

static int say(struct run *r, enum db_phase phase, enum pg_step step, const char *sql)
{
	const struct pg_sent what = { .phase = phase, .step = step, .unit = r->unit };

	return send_what(r, &what, sql, NULL, 0);
}

static int say_with(struct run *r, enum db_phase phase, enum pg_step step,
		    const struct db_statement *st)
{
	const struct pg_sent what = { .phase = phase, .step = step, .unit = r->unit };

	return send_what(r, &what, st->sql, st->params, st->nr);
}

/* --- a migration's statements ------------------------------------------ */

static uint64_t bytes_read(const struct sql_split *split)
{
	return split->window.dropped + split->at;
}

static void on_moved(void *arg, const struct sql_split *split)
{
	const struct run *r = arg;

	if (r->batch->progress)
		r->batch->progress(r->batch->arg, r->unit, bytes_read(split), r->ran);
}

/* COPY: by the simple protocol, which the pipeline has no room for. */
static int run_copy(struct run *r, struct pg_sent *what, struct sql_split *split,
		    const struct sql_statement *st, const char *text)
{
	unsigned data_line = st->word == WORD_COPY_STDIN ? st->data_line : 0;
	struct pg_answer answer = { .code = ERR_REFUSED,
				    .moved = on_moved,
				    .moved_arg = r };
	struct err err = { 0 };
	int64_t start = clock_ms();
	int rc;

	if (pg_pipe_drain(&r->pipe) < 0)
		return -1;
	pg_pipe_leave(&r->pipe);
	r->db->line = st->line;
	rc = data_line ? pg_copy(r->db, text, split, &answer, &err)
		       : pg_exec(r->db, text, &answer, &err);
	if (rc < 0) {
		pg_pipe_blame(&r->pipe, what, text, answer.position, &err);
		if (data_line)
			pg_place_data(data_line, &r->pipe.err);
		return -1;
	}
	if (pg_pipe_enter(&r->pipe) < 0)
		return -1;
	what->end = bytes_read(split);
	r->pipe.answered(r, what, clock_ms() - start);
	return 0;
}

static bool is_copy(const char *text)
{
	return strncasecmp(text, "copy", 4) == 0;
}

static int send_statement(struct run *r, struct sql_split *split,
			  const struct sql_statement *st, struct buf *text)
{
	struct pg_sent what = {
		.phase = DB_SCRIPT,
		.unit = r->unit,
		.script = true,
		.timed = r->batch->statement != NULL,
		.line = st->line,
		.column = st->column,
		.end = bytes_read(split),
		.row = r->batch->row,
		.row_arg = r->batch->arg,
	};

	const char *sql = sql_split_text(split, st, text);

	if (is_copy(sql))
		return run_copy(r, &what, split, st, sql);
	return send_what(r, &what, sql, NULL, 0);
}

/* 0; -1 with `err` set where the text itself is at fault, else the pipe has it. */
static int send_script(struct run *r, const struct db_script *script, struct err *err)
{
	struct buf text = BUF_INIT;
	struct sql_statement st;
	struct sql_split split;
	int rc;

	r->runs_code = false;
	rc = pg_split(&split, script, err);
	while (rc == 0 && (rc = sql_split_next(&split, &st, err)) > 0) {
		rc = 0;
		if (st.word == WORD_BEGIN || st.word == WORD_COMMIT)
			continue; /* the outer pair: pg_check let no other pass */
		r->runs_code |= pg_runs_code(&st);
		rc = send_statement(r, &split, &st, &text);
		r->reports[r->unit].statements++;
	}
	sql_split_close(&split);
	buf_release(&text);
	return rc;
}

/* --- a unit ------------------------------------------------------------ */

/*
 * The settings of our transactions, all LOCAL; of a session that serves one
 * migration alone they were made when it began.
 */
static int send_settings(struct run *r, enum db_phase phase, unsigned lock_ms)
{
	static const char sql[] =
		"SELECT pg_catalog.set_config('lock_timeout', $1, true),"
		" pg_catalog.set_config('statement_timeout', '0', true),"
		" pg_catalog.set_config('idle_in_transaction_session_timeout',"
		"  '600000', true), " PG_LIMIT_OFF(
			"transaction_timeout") ","
					       " pg_catalog.set_config('standard_"
					       "conforming_strings', 'on', true),"
					       " pg_catalog.set_config('client_encoding',"
					       " 'UTF8', true),"
					       " pg_catalog.set_config('search_path', "
					       "'pg_catalog, pg_temp', true)";
	char number[NUMBER_TEXT];
	const char *params[] = { number };
	const struct db_statement st = { sql, params, 1 };

	if (r->db->caps.fresh_session)
		return 0;
	snprintf(number, sizeof(number), "%u", lock_ms);
	return say_with(r, phase, PG_STEP_OTHER, &st);
}

/* The server's process, which a pooler's connection does not know. */
static int ask_pid(struct run *r)
{
	const struct pg_sent what = { .phase = DB_BEGIN,
				      .unit = r->unit,
				      .row = pg_blockers_note,
				      .row_arg = &r->blockers };

	if (send_what(r, &what, "SELECT pg_catalog.pg_backend_pid()", NULL, 0) < 0)
		return -1;
	return pg_pipe_ask_answers(&r->pipe);
}

/* Lock, head and settings in one statement, whose plans the session keeps. */
static int send_enter(struct run *r, const struct db_unit *unit)
{
	char wait[NUMBER_TEXT], lock[NUMBER_TEXT];
	const char *params[] = { unit->lock_wait_ms ? wait : NULL, lock,
				 unit->expect.params[0], unit->expect.params[1] };
	const struct db_statement st = { unit->enter, params, ARRAY_SIZE(params) };

	snprintf(wait, sizeof(wait), "%u", unit->lock_wait_ms);
	snprintf(lock, sizeof(lock), "%u", r->db->lock_timeout_ms);
	if (r->batch->name_blockers && ask_pid(r) < 0)
		return -1;
	return say_with(r, DB_LOCK, PG_STEP_ENTER, &st);
}

/*
 * The WAL is one sequence: a COMMIT that waits for the disk (and for standbys, where
 * that is asked for) takes those before it there. What is told of one of them waits for
 * that, so the last one never is late; nor the first one, which may be the tracker's.
 */
static bool may_be_late(const struct run *r, const struct db_unit *unit)
{
	return r->batch->fresh && r->db->caps.one_wal && r->db->probed &&
	       !r->batch->in_step && !unit->with_next && r->unit > 0 &&
	       r->unit + 1 < r->batch->nr && r->late < LATE_MAX;
}

static int send_leave(struct run *r, const struct db_unit *unit)
{
	char lock[NUMBER_TEXT], sql[512];
	const char *params[] = { lock };
	const struct db_statement st = { sql, params, 1 };

	r->is_late = may_be_late(r, unit);
	snprintf(sql, sizeof(sql), "%s%s", unit->leave, r->is_late ? PG_BE_LATE : "");
	snprintf(lock, sizeof(lock), "%u", r->db->lock_timeout_ms);
	/* the migration's role may not be let at the tracker */
	if (say(r, DB_SCRIPT, PG_STEP_OTHER, "RESET SESSION AUTHORIZATION") < 0 ||
	    say(r, DB_SCRIPT, PG_STEP_OTHER, "RESET ROLE") < 0)
		return -1;
	return say_with(r, DB_SCRIPT, PG_STEP_LEAVE, &st);
}

/* READ COMMITTED: what is read behind the lock must not be older than it. */
static int send_begin(struct run *r, const struct db_unit *unit)
{
	bool waits = unit->lock && unit->lock_wait_ms;

	if (!r->inside && say(r, DB_BEGIN, PG_STEP_OTHER,
			      "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") < 0)
		return -1;
	if (unit->enter)
		return send_enter(r, unit);
	if (send_settings(r, DB_BEGIN,
			  waits ? unit->lock_wait_ms : r->db->lock_timeout_ms) < 0)
		return -1;
	if (r->batch->name_blockers && ask_pid(r) < 0)
		return -1;
	if (!unit->lock)
		return 0;
	if (say(r, DB_LOCK, PG_STEP_LOCK, unit->lock) < 0)
		return -1;
	return waits ? send_settings(r, DB_BEGIN, r->db->lock_timeout_ms) : 0;
}

/*
 * The one before it in the transaction had its constraints checked, which has made
 * them immediate: they become again what they were made as.
 */
static int defer_again(struct run *r)
{
	static const char sql[] =
		"DO $$ DECLARE c record; BEGIN FOR c IN"
		" SELECT DISTINCT n.nspname, o.conname FROM pg_catalog.pg_constraint AS o"
		" JOIN pg_catalog.pg_namespace AS n"
		"  ON n.oid OPERATOR(pg_catalog.=) o.connamespace WHERE o.condeferred"
		" LOOP EXECUTE pg_catalog.format('SET CONSTRAINTS %I.%I DEFERRED',"
		"  c.nspname, c.conname); END LOOP; END $$";

	return r->inside && r->db->caps.deferrable ? say(r, DB_BEGIN, PG_STEP_OTHER, sql)
						   : 0;
}

static int send_head(struct run *r, const struct db_unit *unit, enum db_phase phase)
{
	if (!unit->expect.sql || unit->enter)
		return 0;
	return say_with(r, phase, PG_STEP_HEAD, &unit->expect);
}

/* A migration sees the session as its owner has set it up. */
static int send_guard(struct run *r, const struct db_unit *unit)
{
	char sql[NONCE_TEXT + 32];

	nonce_random(r->guard);
	snprintf(sql, sizeof(sql), "SAVEPOINT gm_%s", r->guard);
	if (!unit->script->own && !unit->enter && !r->db->caps.fresh_session &&
	    say(r, DB_BEGIN, PG_STEP_OTHER, "SET LOCAL search_path TO DEFAULT") < 0)
		return -1;
	return say(r, DB_BEGIN, PG_STEP_OTHER, sql);
}

/* The session as it was before the migration, one statement at a time. */
static int send_resets(struct run *r)
{
	const char *const *sql;
	char timeout[48];

	for (sql = r->db->caps.resets; *sql; sql++)
		if (say(r, DB_SCRIPT, PG_STEP_OTHER, *sql) < 0)
			return -1;
	if (r->db->caps.fresh_session)
		return 0;
	snprintf(timeout, sizeof(timeout), "SET LOCAL lock_timeout TO %u",
		 r->db->lock_timeout_ms);
	return say(r, DB_SCRIPT, PG_STEP_OTHER, timeout);
}

/*
 * Deferred constraints are checked while the migration is still the one to
 * blame, the guard is released, and the session is as it was before.
 */
static int send_end(struct run *r, const struct db_unit *unit)
{
	static const char strings[] =
		"SELECT 1 OPERATOR(pg_catalog./) (CASE WHEN"
		" pg_catalog.current_setting('standard_conforming_strings')"
		" OPERATOR(pg_catalog.=) 'on'"
		" AND pg_catalog.current_setting('client_encoding')"
		" OPERATOR(pg_catalog.=) 'UTF8' THEN 1 ELSE 0 END),"
		" pg_catalog.pg_advisory_unlock_all()";
	const struct db_capabilities *caps = &r->db->caps;
	char release[NONCE_TEXT + 32];

	snprintf(release, sizeof(release), "RELEASE SAVEPOINT gm_%s", r->guard);
	if (caps->deferrable &&
	    say(r, DB_SCRIPT, PG_STEP_CONSTRAINTS, "SET CONSTRAINTS ALL IMMEDIATE") < 0)
		return -1;
	if (!unit->leave && !caps->fresh_session &&
	    say(r, DB_SCRIPT, PG_STEP_STRINGS, strings) < 0)
		return -1;
	if (say(r, DB_SCRIPT, PG_STEP_GUARD, release) < 0)
		return -1;
	return unit->leave ? send_leave(r, unit) : send_resets(r);
}

/* A script between its guards. */
static int run_script(struct run *r, const struct db_unit *unit, struct err *err)
{
	if (send_guard(r, unit) < 0 || send_script(r, unit->script, err) < 0 ||
	    send_end(r, unit) < 0)
		return -1;
	/* the next one of a dry run is in the same transaction */
	return r->batch->dry ? send_settings(r, DB_SCRIPT, r->db->lock_timeout_ms) : 0;
}

/*
 * Behind a script: that it did not write to the tracker, or change it, nor as a guest
 * what is not its own. (A server without triggers has none of these catalogs either.)
 */
static int send_looks(struct run *r, const struct db_unit *unit)
{
	if (!unit->script || unit->script->own)
		return 0;
	if (send_head(r, unit, DB_RECORD) < 0)
		return -1;
	if ((r->db->how.flags & DB_GUEST) && r->db->caps.append_triggers &&
	    say(r, DB_SCRIPT, PG_STEP_GUEST, pg_guest_sql) < 0)
		return -1;
	if (!unit->tracked || !r->runs_code || !r->db->caps.append_triggers)
		return 0;
	return say(r, DB_RECORD, PG_STEP_INTACT, pg_intact_sql);
}

/* 0; -1 with `err` set where a record could not be made, else the pipe has it. */
static int send_records(struct run *r, const struct db_unit *unit, struct err *err)
{
	/* how long it takes is known when it is answered, which is too late */
	const struct db_report report = { .statements = r->reports[r->unit].statements,
					  .rows = r->reports[r->unit].rows,
					  .ms = -1 };
	enum pg_step step = unit->enter && unit->script ? PG_STEP_PROVEN : PG_STEP_RECORD;
	const struct db_statement *records = NULL;
	size_t nr = 0, i;

	if (r->batch->records(r->batch->arg, r->unit, &report, &records, &nr, err) < 0)
		return -1;
	for (i = 0; i < nr; i++)
		if (say_with(r, DB_RECORD, step, &records[i]) < 0)
			return -1;
	return 0;
}

/* Those that share the transaction are done with the last of them. */
static int send_commit(struct run *r)
{
	const struct pg_sent what = {
		.phase = DB_COMMIT,
		.step = PG_STEP_COMMIT,
		.unit = r->unit,
		.late = r->is_late,
		.wanted = "COMMIT",
	};

	r->late = r->is_late ? r->late + 1 : 0;
	r->sent = r->unit + 1;
	if (send_what(r, &what, "COMMIT", NULL, 0) < 0)
		return -1;
	return pg_pipe_ask_answers(&r->pipe);
}

/* One migration, from BEGIN to COMMIT. */
static int send_unit(struct run *r, struct err *err)
{
	struct db_unit unit = { 0 };

	r->is_late = false;
	if (r->batch->unit(r->batch->arg, r->unit, &unit, err) < 0)
		return -1;
	if (send_begin(r, &unit) < 0 || send_head(r, &unit, DB_EXPECT) < 0 ||
	    defer_again(r) < 0)
		return -1;
	if (unit.script && run_script(r, &unit, err) < 0)
		return -1;
	if (unit.counted && pg_pipe_drain(&r->pipe) < 0)
		return -1;
	if (send_looks(r, &unit) < 0 || send_records(r, &unit, err) < 0)
		return -1;
	r->inside = unit.with_next;
	return r->inside ? 0 : send_commit(r);
}

/* --- answers ----------------------------------------------------------- */

/* All that was committed is on the disk. */
static void tell_done(struct run *r)
{
	for (; r->done < r->committed; r->done++)
		r->batch->done(r->batch->arg, r->done, &r->reports[r->done]);
}

static void on_answer(void *arg, const struct pg_sent *sent, int64_t ms)
{
	struct run *r = arg;
	struct db_report *report = &r->reports[sent->unit];

	report->ms += ms;
	if (sent->script)
		report->rows += sent->rows;
	if (sent->script && r->batch->statement)
		r->batch->statement(r->batch->arg, sent->unit, sent->line, ms);
	r->ran += sent->script;
	if (sent->script && r->batch->progress)
		r->batch->progress(r->batch->arg, sent->unit, sent->end, r->ran);
	if (sent->step != PG_STEP_COMMIT)
		return;
	r->ran = 0;
	pg_blockers_forget(&r->blockers);
	r->committed = sent->unit + 1;
	if (!sent->late)
		tell_done(r);
}

static void on_idle(void *arg)
{
	struct run *r = arg;

	pg_blockers_look(&r->blockers, r->db);
}

/* --- the whole --------------------------------------------------------- */

/* COMMIT was sent and the server did not say what became of it. */
static bool is_uncertain(const struct run *r)
{
	const struct pg_pipe *p = &r->pipe;
	const char *state = p->err.sqlstate;

	if (!p->failed || r->sent == r->done)
		return false;
	if (!state[0]) /* no word of the server's */
		return p->lost;
	return p->culprit.phase == DB_COMMIT &&
	       (p->lost || strcmp(state, "40003") == 0 || strcmp(state, "XXA00") == 0);
}

static void set_failure(const struct run *r, struct db_failure *failure)
{
	const struct pg_sent *culprit = &r->pipe.culprit;

	failure->unit = r->done;
	failure->culprit = failure->sent = r->committed;
	failure->phase = DB_BEGIN;
	/* what was committed is done: the others share its transaction */
	if (r->pipe.failed && culprit->unit >= r->committed &&
	    culprit->unit < r->batch->nr) {
		failure->culprit = culprit->unit;
		failure->phase = culprit->phase;
	}
	if (failure->phase == DB_LOCK && strcmp(r->pipe.err.sqlstate, PG_OTHER_HEAD) == 0)
		failure->phase = DB_EXPECT;
	/* another head, and not a question that could not be answered */
	else if (failure->phase == DB_EXPECT &&
		 strcmp(r->pipe.err.sqlstate, "22012") != 0)
		failure->phase = DB_BEGIN;
	if (is_uncertain(r)) {
		failure->phase = DB_COMMIT;
		failure->sent = r->sent;
	}
}

/* What the first failure was. `own` is one that no server knows of. */
static int conclude(struct run *r, const struct err *own, struct db_failure *failure,
		    struct err *err)
{
	struct pg_pipe *p = &r->pipe;

	set_failure(r, failure);
	if (!p->failed) {
		*err = *own;
		failure->phase = own->line ? DB_SCRIPT : DB_BEGIN;
		failure->culprit = r->unit;
		return -1;
	}
	pg_explain(p, err);
	if (is_uncertain(r)) {
		char why[sizeof(err->message)];

		snprintf(why, sizeof(why), "%s", err->message);
		err_set(err, ERR_UNCERTAIN, "the answer to COMMIT was lost: %s", why);
		err_hint(err, "uncertain",
			 "Run the command again: it waits for the old session, reads "
			 "the tracker and settles what happened.");
	}
	if (r->batch->name_blockers)
		pg_blockers_tell(&r->blockers, err);
	return -1;
}

/* After a failure: those before it that were not waited for. */
static void make_durable(struct run *r)
{
	if (r->committed == r->done)
		return;
	pg_pipe_rollback(&r->pipe);
	if (pg_pipe_say_last(&r->pipe, PG_SETTLE))
		tell_done(r);
}

static int run_all(struct run *r, struct db_failure *failure, struct err *err)
{
	struct err own = { 0 };
	bool drained;

	for (r->unit = 0; r->unit < r->batch->nr; r->unit++)
		if (send_unit(r, &own) < 0)
			break;
	drained = pg_pipe_drain(&r->pipe) == 0;
	make_durable(r);
	if (r->done == r->batch->nr)
		return 0;
	if (drained && own.code == ERR_NONE)
		BUG("%zu of %zu units were run", r->done, r->batch->nr);
	return conclude(r, &own, failure, err);
}

/* Outside of the pipeline, which is entered again in any case. */
/* To the pipeline, after an exchange outside of it that ended with `ret`. */
static int come_back(struct run *r, int ret, struct err *err)
{
	if (pg_pipe_enter(&r->pipe) == 0)
		return ret;
	if (ret == 0)
		*err = r->pipe.err;
	return -1;
}

static int start_touched(struct run *r, struct err *err)
{
	int ret;

	if (!r->batch->touched)
		return 0;
	pg_pipe_leave(&r->pipe);
	ret = pg_touched_start(&r->touched, r->db, err);
	return come_back(r, ret, err);
}

static int tell_touched(struct run *r, const struct db_script *script, struct err *err)
{
	int ret;

	if (!r->batch->touched)
		return 0;
	pg_pipe_leave(&r->pipe);
	ret = pg_touched_tell(r->touched, r->batch, r->unit, script, err);
	return come_back(r, ret, err);
}

/* All of them in one transaction that the caller rolls back. */
static int run_dry(struct run *r, struct db_failure *failure, struct err *err)
{
	struct db_unit unit = { 0 };
	struct err own = { 0 };

	if (send_begin(r, &unit) < 0 || pg_pipe_drain(&r->pipe) < 0)
		return conclude(r, &own, failure, err);
	if (start_touched(r, err) < 0)
		return -1;
	for (; r->unit < r->batch->nr; r->unit++) {
		if (r->batch->unit(r->batch->arg, r->unit, &unit, &own) < 0 ||
		    (unit.script && run_script(r, &unit, &own) < 0) ||
		    pg_pipe_drain(&r->pipe) < 0) {
			pg_pipe_drain(&r->pipe);
			return conclude(r, &own, failure, err);
		}
		failure->unit = failure->sent = r->unit;
		if (tell_touched(r, unit.script, err) < 0)
			return -1;
		r->done = r->committed = r->sent = r->unit + 1;
		r->batch->done(r->batch->arg, r->unit, &r->reports[r->unit]);
	}
	return 0;
}

int pg_run(struct db *db, const struct db_batch *batch, struct db_failure *failure,
	   struct err *err)
{
	struct run r = { .db = db, .batch = batch };
	int ret;

	memset(failure, 0, sizeof(*failure));
	if (pg_pipe_open(&r.pipe, db, err) < 0)
		return -1;
	r.pipe.answered = on_answer;
	r.pipe.arg = &r;
	if (batch->name_blockers) {
		r.pipe.idle = on_idle;
		r.pipe.idle_ms = LOOK_FOR_BLOCKERS_MS;
	}
	r.reports = xcalloc(batch->nr + 1, sizeof(*r.reports));
	ret = batch->dry ? run_dry(&r, failure, err) : run_all(&r, failure, err);
	pg_pipe_rollback(&r.pipe);
	pg_pipe_close(&r.pipe);
	pg_blockers_release(&r.blockers);
	pg_touched_free(r.touched);
	free(r.reports);
	return ret;
}
