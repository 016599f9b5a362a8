/*
 * Runs a migration on SQLite. sqlite3_prepare_v2 is the splitter, since it alone
 * knows where a trigger ends, and the authorizer is the judge: it sees what a
 * statement would do, however it is written.
 */
#include "base/compat.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/vec.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "db/sqlite_judge.h"

struct sqlite_run {
	struct db *db;
	const struct sqlite_job *job;
	struct sqlite_text text;
	size_t start; /* of the present statement */
	struct sqlite_judge judge;
	/* the authorizer's findings on the present statement */
	bool altered;		/* it changes a table, maybe its name */
	ssize_t drops, deletes; /* positions among job->touches; -1: from none */
	/* and on all of them so far */
	bool temporary; /* something temporary was made */
	bool settings;	/* a PRAGMA was given a value */
	uint64_t rows;	/* that were changed */
};

static int at_place(const struct sqlite_run *run, size_t offset, struct err *err)
{
	return sqlite_text_place(&run->text, offset, err);
}

/* --- what is written to ------------------------------------------------ */

/* Whether the statement holds this word, even as text. */
static bool mentions(const struct sqlite_run *run, const char *word)
{
	size_t len = strlen(word), at;

	for (at = run->start; at + len <= run->text.end; at++)
		if (strncasecmp(run->text.window.s + at, word, len) == 0)
			return true;
	return false;
}

/*
 * For a dry run: a table that is written to, and how. Rows that are deleted are
 * those of the one that the statement names: what is behind a virtual table, or a
 * key, comes beside it.
 */
static void note_touched(struct sqlite_run *run, int action, const char *table,
			 bool column, bool by_trigger)
{
	struct sqlite_touches *touches = run->job->touches;
	size_t at;

	if (!touches || sqlite_is_internal(table))
		return;
	at = sqlite_touch(touches, table);
	touches->items[at].rewritten |= column;
	if (action == SQLITE_DROP_TABLE)
		run->drops = (ssize_t)at;
	else if (action == SQLITE_DELETE && !by_trigger && run->deletes < 0 &&
		 mentions(run, table))
		run->deletes = (ssize_t)at;
}

/* An action that writes rows or changes the schema; its parts are the authorizer's. */
static void note(struct sqlite_run *run, int action, const char *a, const char *b,
		 const char *schema, const char *trigger)
{
	switch (action) {
	case SQLITE_ALTER_TABLE: /* `a` is the schema, the next a column to be dropped */
		run->altered = true;
		sqlite_trace_reshaped(run->job->trace, b);
		note_touched(run, action, b, schema != NULL, false);
		break;
	case SQLITE_CREATE_TEMP_INDEX:
	case SQLITE_CREATE_TEMP_TABLE:
	case SQLITE_CREATE_TEMP_TRIGGER:
	case SQLITE_CREATE_TEMP_VIEW:
		run->temporary = true;
		break;
	case SQLITE_CREATE_VTABLE:
		run->temporary |= schema && strcasecmp(schema, "temp") == 0;
		break;
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
		sqlite_trace_written(run->job->trace, a);
		note_touched(run, action, a, false, trigger != NULL);
		break;
	case SQLITE_CREATE_TABLE:
	case SQLITE_DROP_TABLE:
		sqlite_trace_reshaped(run->job->trace, a);
		note_touched(run, action, a, false, trigger != NULL);
		break;
	case SQLITE_DROP_INDEX: /* a key may need it */
		sqlite_trace_written(run->job->trace, b);
		break;
	}
}

/* --- the authorizer ---------------------------------------------------- */

static int deny(struct sqlite_run *run, enum sqlite_refusal refusal, const char *subject)
{
	sqlite_judge_deny(&run->judge, refusal, subject);
	return SQLITE_DENY;
}

static int on_transaction(struct sqlite_run *run, const char *operation)
{
	sqlite_judge_transaction(&run->judge, operation);
	return SQLITE_IGNORE; /* compiles to nothing */
}

static int on_pragma(struct sqlite_run *run, const char *name, const char *value)
{
	if (!value)
		return SQLITE_OK;
	run->settings = true;
	sqlite_judge_pragma(&run->judge, name, value);
	if (run->judge.refusal != REFUSED_NOTHING)
		return SQLITE_DENY;
	return run->judge.control != CONTROL_NONE ? SQLITE_IGNORE : SQLITE_OK;
}

/* Each writes or changes the schema: `a` is the table, index, trigger or view; `b`
   the table of the last three, an altered table, or a column. */
static int on_write(struct sqlite_run *run, int action, const char *a, const char *b,
		    const char *schema, const char *trigger)
{
	if (!run->job->script->own &&
	    (sqlite_is_ours(a) || (sqlite_is_ours(b) && action != SQLITE_UPDATE)))
		return deny(run, REFUSED_TRACKER, sqlite_is_ours(a) ? a : b);
	note(run, action, a, b, schema, trigger);
	return SQLITE_OK;
}

static int judge_action(struct sqlite_run *run, int action, const char *a, const char *b,
			const char *schema, const char *trigger)
{
	switch (action) {
	case SQLITE_TRANSACTION:
		return on_transaction(run, a);
	case SQLITE_SAVEPOINT:
		/* "BEGIN" is what it says of one that is opened */
		return on_transaction(run, strcmp(a, "BEGIN") == 0 ? "SAVEPOINT" : a);
	case SQLITE_ATTACH:
	case SQLITE_DETACH:
		return deny(run, REFUSED_ATTACH,
			    action == SQLITE_ATTACH ? "ATTACH" : "DETACH");
	case SQLITE_PRAGMA:
		return on_pragma(run, a, b);
	case SQLITE_FUNCTION:
		return b && strcasecmp(b, "load_extension") == 0
			       ? deny(run, REFUSED_EXTENSION, b)
			       : SQLITE_OK;
	case SQLITE_READ:
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE:
	case SQLITE_ANALYZE:
	case SQLITE_REINDEX:
		return SQLITE_OK;
	default:
		return on_write(run, action, a, b, schema, trigger);
	}
}

/*
 * Outside of a transaction there is one statement, whose kind sqlite_check() has
 * seen: VACUUM does all sorts of things by itself, but in no file of a name.
 */
static int judge_alone(struct sqlite_run *run, int action, const char *a)
{
	if (action == SQLITE_PRAGMA)
		run->settings = true;
	return action == SQLITE_ATTACH && a && a[0] ? deny(run, REFUSED_ATTACH, "ATTACH")
						    : SQLITE_OK;
}

int sqlite_authorize(void *arg, int action, const char *a, const char *b,
		     const char *schema, const char *trigger)
{
	struct db *db = arg;

	if (!db->run)
		return SQLITE_OK;
	if (db->run->job->alone)
		return judge_alone(db->run, action, a);
	return judge_action(db->run, action, a, b, schema, trigger);
}

/* --- statements -------------------------------------------------------- */

/* The statement's failure, as sqlite3 tells it. */
static int failed(const struct sqlite_run *run, struct err *err)
{
	int offset = sqlite3_error_offset(run->db->sql);

	if (run->judge.refusal != REFUSED_NOTHING)
		return sqlite_judge_refuse(&run->judge, &run->text, run->start, err);
	sqlite_err(run->db, ERR_REFUSED, err);
	if (err->code == ERR_FATAL) /* not the statement's fault */
		return -1;
	if (sqlite3_get_autocommit(run->db->sql) && !run->job->alone)
		err_detail(err, "The failure also ended the transaction (OR ROLLBACK, "
				"RAISE(ROLLBACK), or a full or failing disk).");
	return at_place(run, run->start + (offset > 0 ? (size_t)offset : 0), err);
}

static int refuse_parameter(const struct sqlite_run *run, const char *name,
			    struct err *err)
{
	err_set(err, ERR_REFUSED, "parameter '%s' has no value", name ? name : "?");
	err_hint(err, "sql-parameter",
		 "A migration is run as it stands. Write the value itself; quote the "
		 "text "
		 "if it was meant as text.");
	return at_place(run, run->start, err);
}

static int on_count(void *arg, const char *const *values, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	*(uint64_t *)arg = strtoull(values[0], NULL, 10);
	return 0;
}

/* How many rows go with the table that is dropped. */
static void count_dropped(struct sqlite_run *run)
{
	struct sqlite_touched *t = &run->job->touches->items[run->drops];
	char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", t->name);
	struct err ignored;
	uint64_t rows = 0;

	run->db->run = NULL;
	if (sqlite_query(run->db, sql, NULL, 0, on_count, &rows, &ignored) == 0)
		t->destroyed += rows;
	run->db->run = run;
	sqlite3_free(sql);
	t->dropped = true;
	run->deletes = -1; /* SQLite names it as well */
}

static void count_deleted(const struct sqlite_run *run)
{
	if (run->deletes >= 0)
		run->job->touches->items[run->deletes].destroyed += (uint64_t)
			sqlite3_changes64(run->db->sql);
}

static int step(struct sqlite_run *run, sqlite3_stmt *stmt, struct err *err)
{
	const struct db_batch *batch = run->job->batch;
	int rc;

	if (sqlite3_bind_parameter_count(stmt) > 0)
		return refuse_parameter(run, sqlite3_bind_parameter_name(stmt, 1), err);
	if (run->drops >= 0)
		count_dropped(run);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (batch && batch->row &&
		    sqlite_tell_row(stmt, batch->row, batch->arg, err) < 0)
			return -1;
	if (rc != SQLITE_DONE)
		return failed(run, err);
	if (sqlite3_get_autocommit(run->db->sql) && !run->job->alone) {
		err_set(err, ERR_REFUSED, "the statement ended the transaction");
		err_hint(err, "transaction-control",
			 "Nothing behind it was run. Write it without ROLLBACK.");
		return at_place(run, run->start, err);
	}
	count_deleted(run);
	if (!sqlite3_stmt_readonly(stmt))
		run->rows += (uint64_t)sqlite3_changes64(run->db->sql);
	return 0;
}

static int refuse_size(const struct sqlite_run *run, struct err *err)
{
	err_set(err, ERR_REFUSED, "the statement is larger than SQLite can read");
	err_hint(err, "sql-size", "Divide it into several.");
	return at_place(run, run->start, err);
}

/* Compiles what stands between `start` and text.end. SQLite's code. */
static int compile(struct sqlite_run *run, sqlite3_stmt **out, const char **tail)
{
	sqlite_judge_begin(&run->judge);
	run->altered = false;
	run->drops = run->deletes = -1;
	return sqlite3_prepare_v2(run->db->sql, run->text.window.s + run->start,
				  (int)(run->text.end - run->start), out, tail);
}

/* The statement at `start`; goes on to the next semicolon as long as it is one of
   its own. 0 with the end of it in text.end, or -1. */
static int prepare(struct sqlite_run *run, sqlite3_stmt **out, struct err *err)
{
	const char *tail = NULL;
	int rc, more = sqlite_text_take(&run->text, run->start, err);

	for (;;) {
		if (more < 0)
			return -1;
		if (run->text.end - run->start >= INT_MAX)
			return refuse_size(run, err);
		rc = compile(run, out, &tail);
		if (rc == SQLITE_OK)
			break;
		if (more == 0 || rc != SQLITE_ERROR ||
		    strcmp(sqlite3_errmsg(run->db->sql), "incomplete input") != 0)
			return failed(run, err);
		more = sqlite_text_take(&run->text, run->text.end, err);
	}
	run->text.end = (size_t)(tail - run->text.window.s);
	return 0;
}

/* The statement at run->start; `*next` is where the one behind it begins. */
static int run_statement(struct sqlite_run *run, size_t *next, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int ret = -1;

	if (prepare(run, &stmt, err) < 0 ||
	    sqlite_text_next(&run->text, run->text.end, next, err) < 0)
		goto out;
	/* what was written under the old name is looked for under all names */
	if (run->altered && mentions(run, "rename"))
		run->job->trace->everything = true;
	if (!stmt && run->judge.control == CONTROL_NONE) { /* nothing but a comment */
		ret = 0;
		goto out;
	}
	ret = sqlite_judge_statement(&run->judge, &run->text, run->start,
				     *next >= run->text.window.len, err);
	if (ret == 0)
		ret = step(run, stmt, err);
out:
	sqlite3_finalize(stmt);
	return ret < 0 ? -1 : 0;
}

/* Tells that the statement before `next` has ended, and goes there. */
static void go_on(struct sqlite_run *run, size_t next, int64_t since)
{
	const struct db_batch *batch = run->job->batch;

	if (batch && batch->statement)
		batch->statement(batch->arg, run->job->unit, run->text.line,
				 clock_ms() - since);
	if (batch && batch->progress)
		batch->progress(batch->arg, run->job->unit,
				run->text.window.dropped + next, run->judge.done);
	run->start = sqlite_text_enter(&run->text, next);
}

static int run_statements(struct sqlite_run *run, struct err *err)
{
	bool timed = run->job->batch && run->job->batch->statement;
	int64_t since = 0;
	size_t next;
	int ret = 0;

	run->start = sqlite_text_enter(&run->text, run->start);
	run->db->run = run;
	while (run->start < run->text.window.len && ret == 0) {
		if (timed)
			since = clock_ms();
		ret = run_statement(run, &next, err);
		if (ret == 0)
			go_on(run, next, since);
	}
	run->db->run = NULL;
	return ret == 0 ? sqlite_judge_end(&run->judge, err) : ret;
}

/* --- the whole --------------------------------------------------------- */

static int drop_temporaries(struct db *db, struct err *err)
{
	struct sqlite_names drops = { 0 };
	size_t i;
	int ret;

	ret = sqlite_query(db,
			   "SELECT printf('DROP %s temp.\"%w\"', type, name)"
			   " FROM temp.sqlite_schema"
			   " WHERE type IN ('table', 'view') AND"
			   " name NOT LIKE 'sqlite@_%' ESCAPE '@' UNION ALL "
			   "SELECT printf('DROP TRIGGER temp.\"%w\"', name)"
			   " FROM temp.sqlite_schema WHERE type = 'trigger' AND"
			   " tbl_name NOT IN (SELECT name FROM "
			   "temp.sqlite_schema)",
			   NULL, 0, sqlite_add_name, &drops, err);
	for (i = 0; i < drops.nr && ret == 0; i++)
		ret = sqlite_exec(db, drops.items[i], err);
	sqlite_names_release(&drops);
	return ret;
}

/* Takes away what the migration left on the connection, as the authorizer saw it. */
static int reset_session(const struct sqlite_run *run, struct err *err)
{
	if (run->settings && sqlite_settle(run->db, err) < 0)
		return -1;
	return run->temporary ? drop_temporaries(run->db, err) : 0;
}

int sqlite_script_run(struct db *db, const struct sqlite_job *job,
		      struct db_report *report, struct err *err)
{
	struct sqlite_run run = { .db = db,
				  .job = job,
				  .judge.foreign_keys = job->script->foreign_keys };
	int ret = -1;

	if (job->script->foreign_keys != db->foreign_keys)
		BUG("'%s' is run with the wrong foreign_keys", job->script->name);
	sqlite3_set_last_insert_rowid(db->sql, 0); /* that of another's last row */
	if (sqlite_text_init(&run.text, job->script, &run.start, err) == 0 &&
	    run_statements(&run, err) == 0 && reset_session(&run, err) == 0) {
		report->statements = run.judge.done;
		report->rows = run.rows;
		ret = 0;
	}
	sqlite_text_release(&run.text);
	return ret;
}
