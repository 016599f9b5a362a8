/*
 * Runs a migration on PostgreSQL: taken apart by our own lexer, each statement
 * sent alone, inside the tool's transaction, between two guards.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"
#include "sql/split.h"

/* An outer BEGIN..COMMIT pair, which is left out. */
struct pair {
	bool began, ended;
	unsigned nr; /* statements so far, the pair's own included */
};

/* --- before anything runs ---------------------------------------------- */

static int at_statement(const struct sql_statement *st, struct err *err)
{
	err->line = st->line;
	err->column = st->column;
	return -1;
}

static int refuse_control(const struct sql_statement *st, struct err *err)
{
	size_t len = strcspn(st->text, " \t\r\n\f;");
	bool two_phase = st->word == WORD_PREPARE_TRANSACTION;

	if (len > st->len)
		len = st->len;
	err_set(err, ERR_REFUSED, "%.*s%s cannot be part of a migration",
		len < 40 ? (int)len : 40, st->text, two_phase ? " TRANSACTION" : "");
	err_detail(err, "Each migration is run in a transaction that git migrate begins "
			"and ends.");
	err_hint(err, "transaction-control",
		 "Leave it out. One BEGIN at the start with one COMMIT at the end is "
		 "accepted, and ignored.");
	return at_statement(st, err);
}

static int refuse_behind_commit(const struct sql_statement *st, struct err *err)
{
	err_set(err, ERR_REFUSED, "a statement behind COMMIT");
	err_detail(err, "The whole file is run in one transaction, so it would come "
			"before the COMMIT.");
	err_hint(err, "transaction-control",
		 "Put COMMIT at the end or leave BEGIN and COMMIT out; or make it two "
		 "migrations.");
	return at_statement(st, err);
}

/* Refuses control of transactions, but for the outer pair. */
static int check_control(const struct sql_statement *st, struct pair *pair,
			 struct err *err)
{
	bool first = pair->nr++ == 0;

	if (pair->ended)
		return refuse_behind_commit(st, err);
	switch (st->word) {
	case WORD_OTHER:
	case WORD_COPY_STDIN:
		return 0;
	case WORD_BEGIN:
		if (!first || !st->plain)
			break;
		pair->began = true;
		return 0;
	case WORD_COMMIT:
		if (!pair->began || !st->plain)
			break;
		pair->ended = true;
		return 0;
	case WORD_ROLLBACK:
	case WORD_SAVEPOINT:
	case WORD_RELEASE:
	case WORD_PREPARE_TRANSACTION:
		break;
	}
	return refuse_control(st, err);
}

/*
 * The next word or value of a statement, in lower case and without quotes, '-'
 * and '_': good for SET and its like. Empty at the end.
 */
static void take_word(const char **at, const char *end, char *word, size_t room)
{
	size_t n = 0;

	while (*at < end && (ascii_isspace((unsigned char)**at) || **at == '='))
		++*at;
	for (; *at < end && !ascii_isspace((unsigned char)**at) && **at != '='; ++*at)
		if (!strchr("'\"-_", **at) && n + 1 < room)
			word[n++] = (char)ascii_tolower((unsigned char)**at);
	word[n] = '\0';
}

static bool is_one_of(const char *word, const char *list)
{
	char found[48];

	snprintf(found, sizeof(found), " %s ", word);
	return strstr(list, found) != NULL;
}

static int refuse_setting(const struct sql_statement *st, bool encoding, struct err *err)
{
	if (encoding) {
		err_set(err, ERR_REFUSED,
			"a migration cannot change client_encoding: it is read as UTF-8");
		err_hint(err, "sql-encoding",
			 "Save the file as UTF-8 and leave the setting out.");
	} else {
		err_set(err, ERR_REFUSED,
			"a migration cannot turn standard_conforming_strings off");
		err_detail(err, "It would change where strings and so statements end.");
		err_hint(err, "sql-strings",
			 "Leave it out, and write strings with backslashes as E'...'.");
	}
	return at_statement(st, err);
}

/* Refuses settings under which the server would read the text otherwise than we. */
static int check_setting(const struct sql_statement *st, struct err *err)
{
	const char *at = st->text, *end = st->text + st->len;
	char word[32];

	take_word(&at, end, word, sizeof(word));
	if (strcmp(word, "set") != 0)
		return 0;
	take_word(&at, end, word, sizeof(word));
	if (is_one_of(word, " local session "))
		take_word(&at, end, word, sizeof(word));
	if (!is_one_of(word, " clientencoding names standardconformingstrings "))
		return 0;
	if (strcmp(word, "standardconformingstrings") == 0) {
		take_word(&at, end, word, sizeof(word));
		if (strcmp(word, "to") == 0)
			take_word(&at, end, word, sizeof(word));
		return is_one_of(word, " on true yes 1 default ")
			       ? 0
			       : refuse_setting(st, false, err);
	}
	take_word(&at, end, word, sizeof(word));
	if (strcmp(word, "to") == 0)
		take_word(&at, end, word, sizeof(word));
	return is_one_of(word, " utf8 unicode default ") ? 0
							 : refuse_setting(st, true, err);
}

static int check_script(struct db *db, const struct db_script *script, struct pair *pair,
			struct err *err)
{
	struct sql_statement st, first = { 0 };
	struct sql_split split;
	int rc = sql_split_init(&split, script->sql, script->len, err);

	while (rc == 0 && (rc = sql_split_next(&split, &st, err)) > 0) {
		if (pair->nr == 0)
			first = st;
		rc = check_control(&st, pair, err);
		if (rc == 0)
			rc = check_setting(&st, err);
		if (rc == 0)
			rc = pg_check_together(db, script, &st, err);
	}
	sql_split_close(&split);
	if (rc == 0 && pair->began && !pair->ended) {
		refuse_control(&first, err);
		err_detail(err, "No COMMIT at the end of the file goes with it.");
		return -1;
	}
	return rc;
}

/* --- what went wrong --------------------------------------------------- */

static void hint_no_transaction(const struct sql_statement *st, struct err *err)
{
	if (strncasecmp(st->text, "set", 3) == 0)
		err_hint(err, "no-transaction",
			 "Migrations run at READ COMMITTED; leave the statement out.");
	else
		err_hint(err, "no-transaction",
			 "This version runs each migration in a transaction. Write the "
			 "statement in a form that can run there (without CONCURRENTLY, "
			 "say), or leave it out and run it by hand.");
}

static void hint_for(const struct sql_statement *st, size_t offset, struct err *err)
{
	if (strcmp(err->sqlstate, "25001") == 0)
		hint_no_transaction(st, err);
	else if (strcmp(err->sqlstate, "55P04") == 0)
		err_hint(err, "enum-value",
			 "A new enum value can be used once its transaction has "
			 "committed: "
			 "put the use into a further migration.");
	else if (strcmp(err->sqlstate, "55P03") == 0)
		err_hint(err, "lock-timeout",
			 "Another session holds a lock on the object. Try again when it "
			 "is "
			 "done.");
	else if (strcmp(err->sqlstate, "2D000") == 0)
		err_hint(err, "transaction-control",
			 "Leave COMMIT and ROLLBACK out of DO blocks and procedures: git "
			 "migrate ends the transaction.");
	else if (strcmp(err->sqlstate, "42601") == 0 && offset < st->len &&
		 st->text[offset] == ':')
		err_hint(err, "psql-command",
			 "Variables of psql (:name) have no value here. Write the "
			 "value.");
}

/* Bytes before the character with the number `position`, which counts from 1. */
static size_t byte_offset(const struct sql_statement *st, int position)
{
	size_t at = 0, n;

	while (--position > 0 && at < st->len) {
		n = utf8_char_len(st->text + at, st->len - at);
		at += n ? n : 1;
	}
	return at;
}

/* "COPY table, line 3, column b: ...": the number, 0 where there is none. */
static unsigned copy_line(const char *detail)
{
	const char *copy = strstr(detail, "COPY "), *line;

	line = copy ? strstr(copy, ", line ") : NULL;
	return line ? (unsigned)atoi(line + strlen(", line ")) : 0;
}

/* Finds the place in the file, and says what is known of the kind of error. */
static int failed(const struct db_script *script, const struct sql_statement *st,
		  const struct pg_answer *answer, struct err *err)
{
	unsigned data_line = st->word == WORD_COPY_STDIN ? copy_line(err->detail) : 0;
	size_t offset = byte_offset(st, answer->position);

	if (!err->sqlstate[0])
		return at_statement(st, err); /* not the server's word */
	sql_place(script->sql, script->len, st->offset + offset, &err->line,
		  &err->column);
	if (data_line && !answer->position) {
		err->line = st->data_line + data_line - 1;
		err->column = 1;
	}
	if (!err->hint[0])
		hint_for(st, offset, err);
	return -1;
}

/* --- running ----------------------------------------------------------- */

/* What no statement may change, though it succeeded. */
static int check_state(struct db *db, const struct sql_statement *st, struct err *err)
{
	const char *strings = db->pq->parameter_status(db->conn,
						       "standard_conforming_strings");
	const char *encoding = db->pq->parameter_status(db->conn, "client_encoding");

	if (db->pq->transaction_status(db->conn) != PQTRANS_INTRANS) {
		err_set(err, ERR_REFUSED, "the statement ended the transaction");
		err_hint(err, "transaction-control",
			 "Nothing behind it was run. Write it without COMMIT and "
			 "ROLLBACK, "
			 "in functions that it calls too.");
		return at_statement(st, err);
	}
	if (strings && strcmp(strings, "on") != 0)
		return refuse_setting(st, false, err);
	if (encoding && strcmp(encoding, "UTF8") != 0)
		return refuse_setting(st, true, err);
	return 0;
}

static int run_statement(struct db *db, const struct db_script *script,
			 struct sql_split *split, const struct sql_statement *st,
			 struct buf *text, struct err *err)
{
	struct pg_answer answer = { .code = ERR_REFUSED };
	int rc;

	buf_reset(text);
	buf_add(text, st->text, st->len);
	db->line = st->line;
	if (st->word == WORD_COPY_STDIN)
		rc = pg_copy(db, text->s, split, &answer, err);
	else /* extended: the server itself refuses two statements at once */
		rc = pg_exec_params(db, text->s, NULL, 0, &answer, err);
	if (rc < 0)
		return failed(script, st, &answer, err);
	return check_state(db, st, err);
}

static int run_statements(struct db *db, const struct db_script *script,
			  struct db_report *report, struct err *err)
{
	struct buf text = BUF_INIT;
	struct sql_statement st;
	struct sql_split split;
	int rc;

	rc = sql_split_init(&split, script->sql, script->len, err);
	while (rc == 0 && (rc = sql_split_next(&split, &st, err)) > 0) {
		rc = 0;
		if (st.word == WORD_BEGIN || st.word == WORD_COMMIT)
			continue; /* the outer pair: check_script let no other pass */
		rc = run_statement(db, script, &split, &st, &text, err);
		if (rc < 0)
			break;
		report->statements++;
	}
	sql_split_close(&split);
	buf_release(&text);
	db->line = 0;
	return rc;
}

/*
 * Deferred constraints are checked while the migration is still the one to
 * blame, the guard is released, and the session is as it was before.
 */
static int finish(struct db *db, const char *nonce, struct err *err)
{
	struct pg_answer answer = { .code = ERR_REFUSED };
	struct buf sql = BUF_INIT;
	int ret;

	buf_addf(&sql,
		 "SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT gm_%s;"
		 "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL;" PG_SETTINGS
		 "CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES;"
		 "SELECT pg_catalog.pg_advisory_unlock_all()",
		 nonce);
	ret = pg_exec(db, buf_str(&sql), &answer, err);
	buf_release(&sql);
	if (ret == 0)
		return 0;
	if (strcmp(err->sqlstate, "3B001") == 0) {
		err_set(err, ERR_REFUSED, "the migration ended its transaction");
		snprintf(err->sqlstate, sizeof(err->sqlstate), "3B001");
		err_hint(err, "transaction-control",
			 "Leave COMMIT and ROLLBACK out, in functions that it calls "
			 "too.");
	} else if (strncmp(err->sqlstate, "23", 2) == 0 && !err->hint[0]) {
		err_hint(err, "deferred-constraint",
			 "A deferred constraint was checked at the end of the migration. "
			 "Mend the rows in the migration itself.");
	}
	return -1;
}

int pg_run(struct db *db, const struct db_script *script, struct db_report *report,
	   struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };
	struct pair pair = { 0 };
	char nonce[NONCE_TEXT], guard[NONCE_TEXT + 64];

	report->statements = 0;
	if (check_script(db, script, &pair, err) < 0)
		return -1;
	nonce_random(nonce);
	/* the migration sees the session as its owner has set it up */
	snprintf(guard, sizeof(guard),
		 "SET LOCAL search_path TO DEFAULT; SAVEPOINT gm_%s", nonce);
	if (pg_exec(db, guard, &answer, err) < 0)
		return -1;
	db->dirty = true;
	if (run_statements(db, script, report, err) < 0)
		return -1;
	return finish(db, nonce, err);
}

int pg_check(struct db *db, const struct db_script *script, struct err *err)
{
	struct pair pair = { 0 };

	if (script->no_transaction)
		return pg_check_alone(db, script, err);
	return check_script(db, script, &pair, err);
}
