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

/* What the authorizer refused. */
enum refusal {
	REFUSED_NOTHING,
	REFUSED_ATTACH,
	REFUSED_PRAGMA,
	REFUSED_TRACKER,
	REFUSED_EXTENSION,
};

/* What it turned into a statement that does nothing, to be judged afterwards. */
enum control {
	CONTROL_NONE,
	CONTROL_BEGIN,
	CONTROL_COMMIT,
	CONTROL_OTHER,	    /* ROLLBACK, savepoints */
	CONTROL_KEYS_AS_IS, /* PRAGMA foreign_keys with the value in force */
	CONTROL_KEYS_OTHER,
};

struct sqlite_run {
	struct db *db;
	const struct sqlite_job *job;
	struct sqlite_text text;
	size_t start; /* of the present statement */
	bool foreign_keys;
	/* the authorizer's findings on the present statement */
	enum refusal refusal;
	enum control control;
	char subject[80];
	bool altered;		/* it changes a table, maybe its name */
	ssize_t drops, deletes; /* positions among job->touches; -1: from none */
	/* and on all of them so far */
	bool temporary; /* something temporary was made */
	bool settings;	/* a PRAGMA was given a value */
	/* an outer BEGIN..COMMIT pair, and PRAGMA foreign_keys around it */
	bool began, ended, keys_told;
	struct err pair; /* has the place where it begins */
	unsigned done;
};

static int at_place(const struct sqlite_run *run, size_t offset, struct err *err)
{
	return sqlite_text_place(&run->text, offset, err);
}

/* --- what is written to ------------------------------------------------ */

/* For a dry run: a table that is written to, and how. */
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
	else if (action == SQLITE_DELETE && !by_trigger)
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

static int deny(struct sqlite_run *run, enum refusal refusal, const char *subject)
{
	if (run->refusal == REFUSED_NOTHING) {
		run->refusal = refusal;
		snprintf(run->subject, sizeof(run->subject), "%s",
			 subject ? subject : "");
	}
	return SQLITE_DENY;
}

static int divert(struct sqlite_run *run, enum control control, const char *subject)
{
	run->control = control;
	snprintf(run->subject, sizeof(run->subject), "%s", subject);
	return SQLITE_IGNORE; /* compiles to nothing */
}

static int on_transaction(struct sqlite_run *run, const char *operation)
{
	if (strcmp(operation, "BEGIN") == 0)
		return divert(run, CONTROL_BEGIN, operation);
	if (strcmp(operation, "COMMIT") == 0)
		return divert(run, CONTROL_COMMIT, operation);
	return divert(run, CONTROL_OTHER, operation);
}

static bool is_true(const char *value)
{
	return strcasecmp(value, "on") == 0 || strcasecmp(value, "yes") == 0 ||
	       strcasecmp(value, "true") == 0 || atoi(value) != 0;
}

static int on_pragma(struct sqlite_run *run, const char *name, const char *value)
{
	/* they survive ROLLBACK, open the schema to damage, or end our locks */
	static const char *const denied[] = {
		"writable_schema",	"journal_mode",	  "locking_mode",
		"synchronous",		"query_only",	  "trusted_schema",
		"busy_timeout",		"schema_version", "wal_checkpoint",
		"temp_store_directory",
	};
	size_t i;

	if (!value)
		return SQLITE_OK;
	run->settings = true;
	if (strcasecmp(name, "foreign_keys") == 0)
		return divert(run,
			      is_true(value) == run->foreign_keys ? CONTROL_KEYS_AS_IS
								  : CONTROL_KEYS_OTHER,
			      name);
	for (i = 0; i < ARRAY_SIZE(denied); i++)
		if (strcasecmp(name, denied[i]) == 0)
			return deny(run, REFUSED_PRAGMA, name);
	return SQLITE_OK;
}

static bool is_ours(const char *name)
{
	return name && strncasecmp(name, "git_migrate_", strlen("git_migrate_")) == 0;
}

/* Each writes or changes the schema: `a` is the table, index, trigger or view; `b`
   the table of the last three, an altered table, or a column. */
static int on_write(struct sqlite_run *run, int action, const char *a, const char *b,
		    const char *schema, const char *trigger)
{
	if (!run->job->script->own &&
	    (is_ours(a) || (is_ours(b) && action != SQLITE_UPDATE)))
		return deny(run, REFUSED_TRACKER, is_ours(a) ? a : b);
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
		return divert(run, CONTROL_OTHER,
			      strcmp(a, "BEGIN") == 0 ? "SAVEPOINT" : a);
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

/* --- refusals ---------------------------------------------------------- */

static int refuse(const struct sqlite_run *run, struct err *err)
{
	switch (run->refusal) {
	case REFUSED_ATTACH:
		err_set(err, ERR_REFUSED, "%s cannot be part of a migration",
			run->subject);
		err_hint(
			err, "sqlite-refused",
			"A migration changes the one file of its target, which alone the "
			"transaction and the tracker cover. Make the other file a target "
			"of its own.");
		break;
	case REFUSED_PRAGMA:
		err_set(err, ERR_REFUSED, "PRAGMA %s cannot be set by a migration",
			run->subject);
		err_hint(err, "sqlite-refused",
			 "It outlives the transaction or endangers the file. Leave it "
			 "out; "
			 "set it where the database is opened or set up.");
		break;
	case REFUSED_TRACKER:
		err_set(err, ERR_REFUSED, "a migration cannot change the tracker ('%s')",
			run->subject);
		err_hint(err, "tracker-append-only",
			 "The tracker is written by git migrate alone. To correct an "
			 "earlier migration add one with the trailer \"Fixes:\".");
		break;
	case REFUSED_EXTENSION:
		err_set(err, ERR_REFUSED, "a migration cannot load an extension");
		err_hint(err, "sqlite-refused",
			 "Extensions are outside of the commit. "
			 "Write what it does as SQL.");
		break;
	case REFUSED_NOTHING:
		BUG("no reason to refuse");
	}
	return at_place(run, run->start, err);
}

static int refuse_control(const struct sqlite_run *run, struct err *err)
{
	err_set(err, ERR_REFUSED, "%s cannot be part of a migration", run->subject);
	err_detail(err, "Each migration is run in a transaction that git migrate begins "
			"and ends.");
	err_hint(err, "transaction-control",
		 "Leave it out. One BEGIN at the start with one COMMIT at the end is "
		 "accepted, and ignored.");
	return at_place(run, run->start, err);
}

static int refuse_keys(const struct sqlite_run *run, struct err *err)
{
	err_set(err, ERR_REFUSED,
		"PRAGMA foreign_keys has no effect inside a transaction");
	err_detail(err, "This migration is run with foreign_keys=%s.",
		   run->foreign_keys ? "ON" : "OFF");
	if (run->foreign_keys)
		err_hint(err, "sqlite-foreign-keys",
			 "Leave it out, or leave out \"-- migrate: foreign-keys=on\".");
	else
		err_hint(err, "sqlite-foreign-keys",
			 "Leave it out; to have them enforced begin the file with the "
			 "comment \"-- migrate: foreign-keys=on\".");
	return at_place(run, run->start, err);
}

/*
 * Judges a statement that the authorizer made one that does nothing. 0: it was
 * rightly left out.
 */
static int judge(struct sqlite_run *run, size_t next, struct err *err)
{
	switch (run->control) {
	case CONTROL_NONE:
		break;
	case CONTROL_BEGIN:
		if (run->done || run->began)
			return refuse_control(run, err);
		run->began = true;
		sqlite_text_place(&run->text, run->start, &run->pair);
		break;
	case CONTROL_COMMIT:
		if (!run->began || run->ended)
			return refuse_control(run, err);
		run->ended = true;
		break;
	case CONTROL_OTHER:
		return refuse_control(run, err);
	case CONTROL_KEYS_AS_IS:
		run->keys_told = true;
		break;
	case CONTROL_KEYS_OTHER:
		/* "OFF" at the start and "ON" as the last word, as dumps have them */
		if (!run->keys_told || next < run->text.window.len)
			return refuse_keys(run, err);
		break;
	}
	return 0;
}

/* --- statements -------------------------------------------------------- */

/* The statement's failure, as sqlite3 tells it. */
static int failed(const struct sqlite_run *run, struct err *err)
{
	int offset = sqlite3_error_offset(run->db->sql);

	if (run->refusal != REFUSED_NOTHING)
		return refuse(run, err);
	sqlite_err(run->db, ERR_REFUSED, err);
	if (sqlite3_get_autocommit(run->db->sql) && !run->job->alone)
		err_detail(err, "The failure also ended the transaction (OR ROLLBACK, "
				"RAISE(ROLLBACK), or a full or failing disk).");
	if (sqlite_text_is(&run->text, run->start, "vacuum"))
		err_hint(err, "no-transaction",
			 "Put it into a migration of its own that begins with the "
			 "comment \"-- migrate: no-transaction\".");
	else if (run->text.window.s[run->start] == '.')
		err_hint(err, "psql-command",
			 "Commands of the sqlite3 shell (.read, .mode) are no SQL, and "
			 "what "
			 "they read is outside of the commit. Put SQL into the file.");
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
	int rc;

	if (sqlite3_bind_parameter_count(stmt) > 0)
		return refuse_parameter(run, sqlite3_bind_parameter_name(stmt, 1), err);
	if (run->drops >= 0)
		count_dropped(run);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		; /* nobody reads them */
	if (rc != SQLITE_DONE)
		return failed(run, err);
	if (sqlite3_get_autocommit(run->db->sql) && !run->job->alone) {
		err_set(err, ERR_REFUSED, "the statement ended the transaction");
		err_hint(err, "transaction-control",
			 "Nothing behind it was run. Write it without ROLLBACK.");
		return at_place(run, run->start, err);
	}
	count_deleted(run);
	run->done++;
	return 0;
}

/* Whether the statement holds this word, even as text. */
static bool mentions(const struct sqlite_run *run, const char *word)
{
	size_t len = strlen(word), at;

	for (at = run->start; at + len <= run->text.end; at++)
		if (strncasecmp(run->text.window.s + at, word, len) == 0)
			return true;
	return false;
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
	run->refusal = REFUSED_NOTHING;
	run->control = CONTROL_NONE;
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
	if (run->control != CONTROL_NONE) {
		ret = judge(run, *next, err);
	} else if (run->ended) {
		run->control = CONTROL_OTHER;
		snprintf(run->subject, sizeof(run->subject), "a statement behind COMMIT");
		refuse_control(run, err);
	} else {
		ret = stmt ? step(run, stmt, err) : 0;
	}
out:
	sqlite3_finalize(stmt);
	return ret;
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
				run->text.window.dropped + next, run->done);
	run->start = sqlite_text_enter(&run->text, next);
}

static int refuse_half_pair(struct sqlite_run *run, struct err *err)
{
	snprintf(run->subject, sizeof(run->subject), "BEGIN without COMMIT");
	refuse_control(run, err);
	return err_place(err, &run->pair);
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
	return ret == 0 && run->began && !run->ended ? refuse_half_pair(run, err) : ret;
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
				  .foreign_keys = job->script->foreign_keys };
	int ret = -1;

	if (job->script->foreign_keys != db->foreign_keys)
		BUG("'%s' is run with the wrong foreign_keys", job->script->name);
	sqlite3_set_last_insert_rowid(db->sql, 0); /* that of another's last row */
	if (sqlite_text_init(&run.text, job->script, &run.start, err) == 0 &&
	    run_statements(&run, err) == 0 && reset_session(&run, err) == 0) {
		report->statements = run.done;
		ret = 0;
	}
	sqlite_text_release(&run.text);
	return ret;
}
