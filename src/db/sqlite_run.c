/*
 * Runs a migration on SQLite. sqlite3_prepare_v2 is the splitter, since it alone
 * knows where a trigger ends, and the authorizer is the judge: it sees what a
 * statement would do, however it is written.
 */
#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "sql/split.h"

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

struct run {
	struct db *db;
	char *sql; /* a copy with a NUL behind it, which spares sqlite3 one for each
		      statement */
	size_t len;
	size_t start; /* of the present statement */
	bool foreign_keys;
	/* the authorizer's findings on the present statement */
	enum refusal refusal;
	enum control control;
	char subject[80];
	/* an outer BEGIN..COMMIT pair, and PRAGMA foreign_keys around it */
	bool began, ended, keys_told;
	unsigned done;
};

/* --- before anything runs ---------------------------------------------- */

static int at_place(const struct run *run, size_t offset, struct err *err)
{
	sql_place(run->sql, run->len, offset, &err->line, &err->column);
	return -1;
}

/* Behind the quote that opens at `at`; SIZE_MAX when it never closes. */
static size_t quote_end(const struct run *run, size_t at)
{
	char quote = run->sql[at] == '[' ? ']' : run->sql[at];
	const char *end;

	for (at++; at < run->len; at++) {
		end = memchr(run->sql + at, quote, run->len - at);
		if (!end)
			break;
		at = (size_t)(end - run->sql) + 1;
		if (quote == ']' || run->sql[at] != quote)
			return at;
	}
	return SIZE_MAX;
}

/* Behind the comment at `at`; `at` when there is none; SIZE_MAX: never closed. */
static size_t comment_end(const struct run *run, size_t at)
{
	const char *s = run->sql + at, *end;

	if (s[0] == '-' && s[1] == '-') {
		end = memchr(s, '\n', run->len - at);
		return end ? (size_t)(end - run->sql) : run->len;
	}
	if (s[0] != '/' || s[1] != '*')
		return at;
	end = strstr(s + 2, "*/");
	return end ? (size_t)(end - run->sql) + 2 : SIZE_MAX;
}

static int check_line_comment(const struct run *run, size_t at, size_t end,
			      struct err *err)
{
	const char *cr = memchr(run->sql + at, '\r', end - at);

	if (!cr || (size_t)(cr - run->sql) + 1 == end)
		return 0;
	err_set(err, ERR_REFUSED, "line ends in a bare carriage return");
	err_detail(err, "SQLite would take what follows for the rest of the comment.");
	err_hint(err, "sql-encoding", "Save the file with LF or CR LF as line ends.");
	return at_place(run, (size_t)(cr - run->sql), err);
}

/* What sqlite3 would pass over in silence, or stop at without a word. */
static int scan(const struct run *run, struct err *err)
{
	size_t at = 0, end;

	while (at < run->len) {
		char c = run->sql[at];

		end = comment_end(run, at);
		if (end == at && c && strchr("'\"`[", c))
			end = quote_end(run, at);
		if (end == SIZE_MAX) {
			err_set(err, ERR_REFUSED, "%s is never closed",
				c == '/' ? "comment" : "quote");
			err_hint(err, "sql-unterminated",
				 "It begins here and swallows the rest of the file. "
				 "Close it.");
			return at_place(run, at, err);
		}
		if (c == '-' && end > at && check_line_comment(run, at, end, err) < 0)
			return -1;
		at = end > at ? end : at + 1;
	}
	return 0;
}

/* The next place that is no blank, comment or semicolon. */
static size_t skip_blank(const struct run *run, size_t at)
{
	size_t end;

	while (at < run->len) {
		end = comment_end(run, at);
		if (end > at && end != SIZE_MAX)
			at = end;
		else if (ascii_isspace((unsigned char)run->sql[at]) ||
			 run->sql[at] == ';')
			at++;
		else
			break;
	}
	return at;
}

/* --- the authorizer ---------------------------------------------------- */

static int deny(struct run *run, enum refusal refusal, const char *subject)
{
	if (run->refusal == REFUSED_NOTHING) {
		run->refusal = refusal;
		snprintf(run->subject, sizeof(run->subject), "%s",
			 subject ? subject : "");
	}
	return SQLITE_DENY;
}

static int divert(struct run *run, enum control control, const char *subject)
{
	run->control = control;
	snprintf(run->subject, sizeof(run->subject), "%s", subject);
	return SQLITE_IGNORE; /* compiles to nothing */
}

static int on_transaction(struct run *run, const char *operation)
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

static int on_pragma(struct run *run, const char *name, const char *value)
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

/* sqlite3's authorizer; what `a` and `b` are depends on `action`. */
static int on_action(void *arg, int action, const char *a, const char *b,
		     const char *schema UNUSED, const char *trigger UNUSED)
{
	struct run *run = arg;

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
	default: /* each writes or changes the schema: `a` is the table, index,
		    trigger or view; `b` the table of the last three, an altered
		    table, or a column */
		if (is_ours(a) || (is_ours(b) && action != SQLITE_UPDATE))
			return deny(run, REFUSED_TRACKER, is_ours(a) ? a : b);
		return SQLITE_OK;
	}
}

/* --- refusals ---------------------------------------------------------- */

static int refuse(const struct run *run, struct err *err)
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

static int refuse_control(const struct run *run, struct err *err)
{
	err_set(err, ERR_REFUSED, "%s cannot be part of a migration", run->subject);
	err_detail(err, "Each migration is run in a transaction that git migrate begins "
			"and ends.");
	err_hint(err, "transaction-control",
		 "Leave it out. One BEGIN at the start with one COMMIT at the end is "
		 "accepted, and ignored.");
	return at_place(run, run->start, err);
}

static int refuse_keys(const struct run *run, struct err *err)
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
static int judge(struct run *run, size_t next, struct err *err)
{
	switch (run->control) {
	case CONTROL_NONE:
		break;
	case CONTROL_BEGIN:
		if (run->done || run->began)
			return refuse_control(run, err);
		run->began = true;
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
		if (!run->keys_told || next < run->len)
			return refuse_keys(run, err);
		break;
	}
	return 0;
}

/* --- statements -------------------------------------------------------- */

static bool starts_word(const struct run *run, const char *word)
{
	return strncasecmp(run->sql + run->start, word, strlen(word)) == 0;
}

/* The statement's failure, as sqlite3 tells it. */
static int failed(const struct run *run, struct err *err)
{
	int offset = sqlite3_error_offset(run->db->sql);

	if (run->refusal != REFUSED_NOTHING)
		return refuse(run, err);
	sqlite_err(run->db, ERR_REFUSED, err);
	if (sqlite3_get_autocommit(run->db->sql))
		err_detail(err, "The failure also ended the transaction (OR ROLLBACK, "
				"RAISE(ROLLBACK), or a full or failing disk).");
	if (starts_word(run, "vacuum"))
		err_hint(err, "no-transaction",
			 "This version runs each migration in a transaction, where "
			 "VACUUM "
			 "cannot run. Leave it out, and run it by hand.");
	else if (run->sql[run->start] == '.')
		err_hint(err, "psql-command",
			 "Commands of the sqlite3 shell (.read, .mode) are no SQL, and "
			 "what "
			 "they read is outside of the commit. Put SQL into the file.");
	return at_place(run, run->start + (offset > 0 ? (size_t)offset : 0), err);
}

static int refuse_parameter(const struct run *run, const char *name, struct err *err)
{
	err_set(err, ERR_REFUSED, "parameter '%s' has no value", name ? name : "?");
	err_hint(err, "sql-parameter",
		 "A migration is run as it stands. Write the value itself; quote the "
		 "text "
		 "if it was meant as text.");
	return at_place(run, run->start, err);
}

static int step(struct run *run, sqlite3_stmt *stmt, struct err *err)
{
	int rc;

	if (sqlite3_bind_parameter_count(stmt) > 0)
		return refuse_parameter(run, sqlite3_bind_parameter_name(stmt, 1), err);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		; /* nobody reads them */
	if (rc != SQLITE_DONE)
		return failed(run, err);
	if (sqlite3_get_autocommit(run->db->sql)) {
		err_set(err, ERR_REFUSED, "the statement ended the transaction");
		err_hint(err, "transaction-control",
			 "Nothing behind it was run. Write it without ROLLBACK.");
		return at_place(run, run->start, err);
	}
	run->done++;
	return 0;
}

/* The statement at run->start; `*next` is where the one behind it begins. */
static int run_statement(struct run *run, size_t *next, struct err *err)
{
	const char *sql = run->sql + run->start, *tail = NULL;
	sqlite3_stmt *stmt = NULL;
	int ret = -1;

	run->refusal = REFUSED_NOTHING;
	run->control = CONTROL_NONE;
	/* the length counts the NUL: without it sqlite3 copies the whole rest */
	if (sqlite3_prepare_v2(run->db->sql, sql, (int)(run->len - run->start + 1), &stmt,
			       &tail) != SQLITE_OK) {
		failed(run, err);
		goto out;
	}
	*next = skip_blank(run, (size_t)(tail - run->sql));
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

static int run_statements(struct run *run, struct err *err)
{
	size_t next;
	int ret = 0;

	run->start = skip_blank(run, 0);
	sqlite3_set_authorizer(run->db->sql, on_action, run);
	while (run->start < run->len) {
		ret = run_statement(run, &next, err);
		if (ret < 0)
			break;
		run->start = next;
	}
	sqlite3_set_authorizer(run->db->sql, NULL, NULL);
	if (ret == 0 && run->began && !run->ended) {
		snprintf(run->subject, sizeof(run->subject), "BEGIN without COMMIT");
		run->start = skip_blank(run, 0);
		return refuse_control(run, err);
	}
	return ret;
}

/* --- the whole --------------------------------------------------------- */

/* What a migration can leave behind on a connection. */
static int reset_session(struct db *db, struct err *err)
{
	struct sqlite_names drops = { 0 };
	size_t i;
	int ret;

	ret = sqlite_settle(db, err);
	if (ret == 0)
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

/* A copy without a byte order mark; refuses what is no text. */
static int take_script(struct run *run, const struct db_script *script, struct err *err)
{
	size_t start;

	if (script->len >= INT_MAX) {
		err_set(err, ERR_REFUSED, "the file is larger than SQLite can read");
		err_hint(err, "sql-size", "Divide it into several migrations.");
		return -1;
	}
	if (sql_check_encoding(script->sql, script->len, &start, err) < 0)
		return -1;
	run->len = script->len - start;
	run->sql = xstrndup(script->sql + start, run->len);
	return scan(run, err);
}

int sqlite_run(struct db *db, const struct db_script *script, struct db_report *report,
	       struct err *err)
{
	struct sqlite_violations before = { 0 }, after = { 0 };
	struct run run = { .db = db, .foreign_keys = script->foreign_keys };
	int ret = -1;

	if (script->foreign_keys != db->foreign_keys)
		BUG("begin() was not told how '%s' wants its keys", script->name);
	if (take_script(&run, script, err) < 0 ||
	    sqlite_find_violations(db, &before, err) < 0 ||
	    run_statements(&run, err) < 0 ||
	    sqlite_find_violations(db, &after, err) < 0 ||
	    sqlite_compare_violations(&before, &after, err) < 0 ||
	    reset_session(db, err) < 0)
		goto out;
	report->statements = run.done;
	ret = 0;
out:
	sqlite_violations_release(&before);
	sqlite_violations_release(&after);
	free(run.sql);
	return ret;
}

int sqlite_check(struct db *db UNUSED, const struct db_script *script, struct err *err)
{
	struct run run = { 0 };
	int ret = take_script(&run, script, err);

	free(run.sql);
	return ret;
}
