/*
 * Migrations that PostgreSQL cannot run in a transaction: one statement to a
 * file, so that what an interrupted one left behind can be told.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"
#include "sql/alone.h"
#include "sql/caret.h"
#include "sql/split.h"

#define DIRECTIVE "\"-- migrate: no-transaction\""

/* --- before anything runs ---------------------------------------------- */

/* What the statement is called; its first word where that is all we know. */
static void add_title(const struct sql_alone *a, const struct sql_statement *st,
		      struct buf *out)
{
	size_t n = 0;

	sql_alone_title(a, out);
	if (out->len)
		return;
	while (n < st->len && n < 40 && ascii_isalnum((unsigned char)st->text[n]))
		n++;
	buf_add(out, st->text, n);
}

static int refuse_always(const struct sql_alone *a, const struct sql_statement *st,
			 struct err *err)
{
	struct buf title = BUF_INIT;

	add_title(a, st, &title);
	err_set(err, ERR_REFUSED, "%s cannot be part of a migration", buf_str(&title));
	if (a->kind == ALONE_DISCARD_ALL) {
		err_hint(err, "no-transaction",
			 "Leave it out: the session is put back after each migration.");
	} else {
		err_detail(err, "What it does was decided by another session, and no "
				"record could tell what.");
		err_hint(err, "no-transaction",
			 "Leave it out. Whoever prepared the transaction ends it; what "
			 "it changed can be written as a migration.");
	}
	buf_release(&title);
	return pg_at_statement(st, err);
}

static int refuse_in_transaction(const struct sql_alone *a,
				 const struct sql_statement *st, struct err *err)
{
	struct buf title = BUF_INIT;

	add_title(a, st, &title);
	err_set(err, ERR_REFUSED, "%s cannot run in a transaction", buf_str(&title));
	err_detail(err, "A migration is run in one transaction with its record, unless "
			"its file asks for none.");
	err_hint(err, "no-transaction",
		 "Put it into a migration of its own that begins with the "
		 "comment " DIRECTIVE ".");
	buf_release(&title);
	return pg_at_statement(st, err);
}

/* On an engine that does not undo DDL. */
static int refuse_ddl(const struct sql_alone *a, const struct sql_statement *st,
		      const char *engine, struct err *err)
{
	struct buf title = BUF_INIT;

	add_title(a, st, &title);
	err_set(err, ERR_REFUSED, "%s is not undone by a rollback on '%s'",
		buf_str(&title), engine);
	err_detail(err, "A migration of several statements could be left half done.");
	err_hint(err, "no-transaction",
		 "Put it into a migration of its own that begins with the "
		 "comment " DIRECTIVE ".");
	buf_release(&title);
	return pg_at_statement(st, err);
}

int pg_check_together(struct db *db, const struct db_script *script,
		      const struct sql_statement *st, struct err *err)
{
	struct pool pool = { 0 };
	struct sql_alone a;
	int ret = 0;

	sql_alone_read(st, &pool, &a);
	if (sql_alone_need(&a) == ALONE_NEVER)
		ret = refuse_always(&a, st, err);
	else if (sql_alone_need(&a) == ALONE_MUST)
		ret = refuse_in_transaction(&a, st, err);
	else if (db && !db->caps.tx_ddl && !script->own && sql_alone_is_ddl(&a))
		ret = refuse_ddl(&a, st, db->engine, err);
	pool_release(&pool);
	return ret;
}

static int refuse_number(const struct db_script *script,
			 const struct sql_statement *second, struct err *err)
{
	if (!second) {
		err_set(err, ERR_REFUSED,
			"a file that asks for " DIRECTIVE " holds no statement");
		err->line = err->column = 1;
		sql_excerpt(script->sql, script->len, 0, err);
	} else {
		err_set(err, ERR_REFUSED,
			"a second statement in a file that asks for " DIRECTIVE);
		pg_at_statement(second, err);
	}
	err_detail(err, "Outside of a transaction each statement stays when the next one "
			"fails, so such a file holds exactly one.");
	err_hint(err, "no-transaction",
		 "Put each statement that cannot run in a transaction into a migration "
		 "of its own, and all others into one without the comment.");
	return -1;
}

int pg_alone_statement(const struct db_script *script, struct sql_statement *out,
		       struct err *err)
{
	struct sql_statement second;
	struct sql_split split;
	int rc;

	rc = sql_split_init(&split, script->sql, script->len, err);
	if (rc == 0)
		rc = sql_split_next(&split, out, err);
	if (rc == 0)
		rc = refuse_number(script, NULL, err);
	if (rc > 0)
		rc = sql_split_next(&split, &second, err);
	sql_split_close(&split);
	return rc > 0 ? refuse_number(script, &second, err) : rc;
}

static int refuse_alone(const struct sql_alone *a, const struct sql_statement *st,
			struct err *err)
{
	struct buf title = BUF_INIT;

	add_title(a, st, &title);
	err_set(err, ERR_REFUSED, "%s can run in a transaction", buf_str(&title));
	err_detail(err, "There it is wholly undone when it fails, and is done once "
			"whatever breaks off.");
	err_hint(err, "no-transaction", "Leave the comment " DIRECTIVE " out.");
	buf_release(&title);
	return pg_at_statement(st, err);
}

static int refuse_control(const struct sql_statement *st, struct err *err)
{
	err_set(err, ERR_REFUSED, "transaction control cannot be part of a migration");
	err_hint(err, "transaction-control",
		 "Write the one statement that is to run outside of a transaction.");
	return pg_at_statement(st, err);
}

/* What could not be told apart afterwards, when it was interrupted. */
static int check_names(const struct sql_alone *a, const struct sql_statement *st,
		       struct err *err)
{
	bool index = a->object == ALONE_INDEX && a->kind == ALONE_CREATE;

	if (a->unreadable) {
		err_set(err, ERR_REFUSED, "a name that is written as U&\"...\"");
		err_hint(err, "no-transaction",
			 "Write it as \"...\": what an interrupted statement left "
			 "behind is looked for by its name.");
		return pg_at_statement(st, err);
	}
	if (index && !a->names) {
		err_set(err, ERR_REFUSED, "CREATE INDEX without a name for the index");
		err_detail(err, "An INVALID index that an interrupted one leaves behind "
				"could not be told from others.");
		err_hint(err, "no-transaction", "Give the index a name.");
		return pg_at_statement(st, err);
	}
	if (index && a->concurrently && a->lenient) {
		err_set(err, ERR_REFUSED, "CREATE INDEX CONCURRENTLY IF NOT EXISTS");
		err_detail(err, "An INVALID index that an interrupted one left behind "
				"would be taken for the index, and never be used.");
		err_hint(err, "no-transaction",
			 "Leave IF NOT EXISTS out: git migrate looks for what is there, "
			 "and builds it again where it is INVALID.");
		return pg_at_statement(st, err);
	}
	return 0;
}

/* Rows are changed in transactions everywhere, schemas where the server can. */
static bool needs_no_directive(const struct db *db, const struct sql_alone *a)
{
	if (sql_alone_need(a) != ALONE_NEED_NOT)
		return false;
	return !sql_alone_is_ddl(a) || (db && db->caps.tx_ddl);
}

int pg_check_alone(struct db *db, const struct db_script *script, struct err *err)
{
	struct pool pool = { 0 };
	struct sql_statement st;
	struct sql_alone a;
	int ret;

	if (pg_alone_statement(script, &st, err) < 0 || pg_check_guest(db, &st, err) < 0)
		return -1;
	sql_alone_read(&st, &pool, &a);
	if (sql_alone_need(&a) == ALONE_NEVER)
		ret = refuse_always(&a, &st, err);
	else if (st.word != WORD_OTHER && st.word != WORD_COPY_STDIN)
		ret = refuse_control(&st, err);
	else if (needs_no_directive(db, &a))
		ret = refuse_alone(&a, &st, err);
	else if (a.kind == ALONE_OTHER && pg_check_guest_code(db, &st, err) < 0)
		ret = -1;
	else
		ret = check_names(&a, &st, err);
	pool_release(&pool);
	return ret;
}

/* --- running ----------------------------------------------------------- */

static void hint_for(const struct sql_alone *a, struct err *err)
{
	bool index = a->kind == ALONE_CREATE && a->object == ALONE_INDEX;

	if (strcmp(err->sqlstate, "23505") == 0 && index)
		err_hint(err, "no-transaction",
			 "Mend the rows that are equal, in a migration that comes before "
			 "this one; then apply again. The INVALID index that was left "
			 "has been taken away.");
	else if (strcmp(err->sqlstate, "57014") == 0)
		err_hint(err, "no-transaction",
			 "Was it statement_timeout? Outside of a transaction the role's "
			 "and the database's own settings hold: ALTER ROLE ... SET "
			 "statement_timeout = 0.");
}

/* CALL, DO and SELECT may have changed the session for what comes next. */
static void put_back(struct db *db)
{
	struct pg_answer answer = { .code = ERR_FATAL };
	struct buf all = BUF_INIT;
	const char *const *sql;
	struct err ignored;

	for (sql = db->caps.resets; *sql; sql++)
		if (!starts_with(*sql, "SET LOCAL ")) /* no transaction is open */
			buf_addf(&all, "%s;", *sql);
	buf_adds(&all, "SELECT pg_catalog.pg_advisory_unlock_all()");
	/* the statement has run: what is wrong with the connection shows later */
	pg_exec(db, buf_str(&all), &answer, &ignored);
	buf_release(&all);
}

/*
 * Another session holds the runners' lock while the statement is at work: an idle
 * one, without a snapshot, that CREATE INDEX CONCURRENTLY does not wait for.
 */
static int take_lock(struct db *holder, const struct db_unit *unit, enum db_phase *phase,
		     struct err *err)
{
	static const char begin[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
	struct pg_answer answer = { .code = ERR_FATAL };

	if (pg_exec(holder, begin, &answer, err) < 0 ||
	    pg_exec(holder, pg_own_settings(holder), &answer, err) < 0)
		return -1;
	if (pg_exec_params(holder, unit->lock, NULL, 0, &answer, err) < 0) {
		if (strcmp(err->sqlstate, "55P03") == 0)
			*phase = DB_LOCK;
		return -1;
	}
	if (pg_exec_params(holder, unit->expect.sql, unit->expect.params, unit->expect.nr,
			   &answer, err) < 0) {
		if (strcmp(err->sqlstate, "22012") == 0) /* it divides by no row */
			*phase = DB_EXPECT;
		return -1;
	}
	/* the simple protocol drops the portal, which holds a snapshot */
	return pg_exec(holder, PG_OWN_PATH, &answer, err);
}

int pg_hold_lock(struct db *db, const struct db_unit *unit, struct db **out,
		 enum db_phase *phase, struct err *err)
{
	*out = NULL;
	*phase = DB_BEGIN;
	if (!unit->lock)
		return 0;
	if (pg_open_like(db, NULL, out, err) == 0 &&
	    take_lock(*out, unit, phase, err) == 0)
		return 0;
	pg_let_go(*out);
	*out = NULL;
	return -1;
}

void pg_let_go(struct db *holder)
{
	if (holder)
		pg_rollback(holder);
	pg_free(holder);
}

static int send_alone(struct db *db, const struct db_unit *unit, struct db_report *report,
		      struct err *err)
{
	const struct db_script *script = unit->script;
	struct pg_alone what = { .unit = unit };
	struct pg_answer answer = { .code = ERR_REFUSED };
	struct pool pool = { 0 };
	struct sql_statement st;
	struct sql_alone a;
	int64_t begun;
	int ret;

	if (pg_check_alone(db, script, err) < 0 ||
	    pg_alone_statement(script, &st, err) < 0)
		return -1;
	sql_alone_read(&st, &pool, &a);
	what.sql = pool_strndup(&pool, st.text, st.len);
	db->line = st.line;
	begun = clock_ms();
	ret = pg_exec_alone(db, &what, &answer, err);
	db->line = 0;
	if (ret < 0) {
		pg_place(what.sql, st.line, st.column, answer.position, err);
		if (!err->hint[0])
			hint_for(&a, err);
	} else {
		report->ms = clock_ms() - begun;
		report->statements = 1;
		if (sql_alone_need(&a) == ALONE_MAY)
			put_back(db);
	}
	pool_release(&pool);
	return ret;
}

/* Settles it before any other runner can look at it. */
static int record_alone(struct db *holder, const struct db_unit *unit,
			struct db_report *report, enum db_phase *phase, struct err *err)
{
	struct pg_answer answer = { .code = ERR_REFUSED };
	const struct db_statement *records = NULL;
	size_t nr = 0, i;

	*phase = DB_RECORD;
	if (unit->records(unit->arg, report, &records, &nr, err) < 0)
		return -1;
	for (i = 0; i < nr; i++)
		if (pg_exec_params(holder, records[i].sql, records[i].params,
				   records[i].nr, &answer, err) < 0)
			return -1;
	*phase = DB_COMMIT;
	if (pg_exec(holder, "COMMIT", &answer, err) < 0)
		return -1;
	report->recorded = strcmp(answer.tag, "COMMIT") == 0;
	return report->recorded ? 0 : err_set(err, ERR_REFUSED, "it was not committed");
}

/*
 * Whether it goes through all tables, the tracker's too: it would wait for our own
 * second session for ever. Such a statement does no harm when it runs twice.
 */
static bool takes_all(const struct db_script *script)
{
	struct pool pool = { 0 };
	struct sql_statement st;
	struct sql_alone a;
	struct err ignored;
	bool ret = false;

	if (pg_alone_statement(script, &st, &ignored) == 0) {
		sql_alone_read(&st, &pool, &a);
		ret = a.kind == ALONE_VACUUM || a.kind == ALONE_CLUSTER ||
		      (a.kind == ALONE_REINDEX && a.object != ALONE_INDEX &&
		       a.object != ALONE_TABLE);
	}
	pool_release(&pool);
	return ret;
}

int pg_run_alone(struct db *db, const struct db_unit *asked, struct db_report *report,
		 enum db_phase *phase, struct err *err)
{
	struct db_unit copy = *asked;
	const struct db_unit *unit = &copy;
	struct db *holder;
	int ret;

	if (takes_all(asked->script))
		copy.lock = NULL;
	*report = (struct db_report){ .ms = -1 };
	if (pg_hold_lock(db, unit, &holder, phase, err) < 0)
		return -1;
	*phase = DB_SCRIPT;
	ret = send_alone(db, unit, report, err);
	if (ret == 0 && holder && unit->records)
		ret = record_alone(holder, unit, report, phase, err);
	pg_let_go(holder);
	return ret;
}
