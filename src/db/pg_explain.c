/* What went wrong on a server, in the words of a migration's author. */
#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "db/pg.h"
#include "sql/caret.h"
#include "sql/split.h"

static void hint_for(const char *text, size_t offset, struct err *err)
{
	if (strcmp(err->sqlstate, "25001") == 0 && strncasecmp(text, "set", 3) == 0)
		err_hint(err, "no-transaction",
			 "Migrations run at READ COMMITTED; leave the statement out.");
	else if (strcmp(err->sqlstate, "25001") == 0)
		err_hint(err, "no-transaction",
			 "Put it into a migration of its own that begins with the "
			 "comment \"-- migrate: no-transaction\", or write it in a form "
			 "that can run in a transaction (without CONCURRENTLY, say).");
	else if (strcmp(err->sqlstate, "55P04") == 0)
		err_hint(err, "enum-value",
			 "A new enum value can be used once its transaction has "
			 "committed: put the use into a further migration.");
	else if (strcmp(err->sqlstate, "2D000") == 0)
		err_hint(err, "transaction-control",
			 "Leave COMMIT and ROLLBACK out of DO blocks and procedures: git "
			 "migrate ends the transaction.");
	else if (strcmp(err->sqlstate, "42601") == 0 && offset < strlen(text) &&
		 text[offset] == ':')
		err_hint(err, "psql-command",
			 "Variables of psql (:name) have no value here. Write the "
			 "value.");
}

/* Bytes before the character with the number `position`, which counts from 1. */
static size_t byte_offset(const char *text, int position)
{
	size_t at = 0, len = strlen(text), n;

	while (--position > 0 && at < len) {
		n = utf8_char_len(text + at, len - at);
		at += n ? n : 1;
	}
	return at;
}

void pg_place(const char *text, unsigned line, unsigned column, int position,
	      struct err *err)
{
	size_t offset = byte_offset(text, position), len = strlen(text);

	sql_place(text, len, offset, &err->line, &err->column);
	if (err->line == 1)
		err->column += column - 1;
	err->line += line - 1;
	sql_excerpt(text, len, offset, err);
	if (!err->hint[0])
		hint_for(text, offset, err);
}

int pg_at_statement(const struct sql_statement *st, struct err *err)
{
	err->line = st->line;
	err->column = st->column;
	sql_excerpt(st->text, st->len, 0, err);
	return -1;
}

void pg_place_data(unsigned data_line, struct err *err)
{
	/* "COPY table, line 3, column b: ..." */
	const char *copy = strstr(err->detail, "COPY "), *line;

	line = copy ? strstr(copy, ", line ") : NULL;
	if (!line)
		return;
	err->line = data_line + (unsigned)atoi(line + strlen(", line ")) - 1;
	err->column = 1;
	err->excerpt[0] = '\0';
}

/* Another message for the same failure: the server's word for it stays. */
PRINTF_LIKE(2, 3)
static void reword(struct err *err, const char *fmt, ...)
{
	char state[sizeof(err->sqlstate)], text[sizeof(err->message)];
	va_list ap;

	memcpy(state, err->sqlstate, sizeof(state));
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(err, ERR_REFUSED, "%s", text);
	memcpy(err->sqlstate, state, sizeof(state));
}

/* A check of ours that divides by the number of rows that it found. */
static bool found_nothing(const struct err *err)
{
	return strcmp(err->sqlstate, "22012") == 0;
}

/* What rules and triggers that others put on the log do. */
static bool is_bent(const struct err *err)
{
	return found_nothing(err) || strcmp(err->sqlstate, "0A000") == 0 ||
	       strcmp(err->sqlstate, "P0001") == 0 || strcmp(err->sqlstate, "23001") == 0;
}

static void explain_record(struct err *err)
{
	if (found_nothing(err))
		reword(err, "the tracker did not take the record");
	err->code = ERR_REFUSED;
	if (is_bent(err))
		err_hint(err, "tracker-damaged",
			 "Somebody put a rule or a trigger on the log; its owner takes "
			 "it away. Then run \"git migrate audit\".");
	err_wrap(err, "could not write the record");
}

static void explain_grown(struct err *err)
{
	reword(err, "the tracker has grown since it was read");
}

static void explain_intact(struct err *err)
{
	/* a number that is none, or something that is not there */
	if (strcmp(err->sqlstate, "22P02") == 0 || strcmp(err->sqlstate, "42P01") == 0 ||
	    strcmp(err->sqlstate, "42883") == 0)
		pg_intact_explain(err);
	else
		err_wrap(err, "the tracker cannot be looked at");
}

static void explain_touched(struct err *err, const char *what)
{
	reword(err, "the migration %s the tracker", what);
	err_hint(err, "tracker-append-only",
		 "The tracker is written by git migrate alone. To correct an earlier "
		 "migration add one with the trailer \"Fixes:\".");
}

/* The log does not go on where it did before the migration. */
static void explain_proven(struct err *err)
{
	if (strcmp(err->sqlstate, "23001") == 0 || strcmp(err->sqlstate, "23505") == 0)
		explain_touched(err, "wrote to");
	else
		explain_record(err);
}

static void explain_head(const struct pg_sent *culprit, struct err *err)
{
	if (!found_nothing(err))
		err_wrap(err, "the tracker cannot be read");
	else if (culprit->phase == DB_EXPECT)
		explain_grown(err);
	else
		explain_touched(err, "wrote to");
}

static void explain_no_lock_row(struct err *err)
{
	reword(err, "the tracker's lock row is not there");
	err_hint(err, "tracker-damaged",
		 "Nobody can be kept apart from another git migrate without it. The "
		 "owner of the tracker puts it back: INSERT INTO git_migrate.lock (id) "
		 "VALUES (1)");
}

static void explain_lock(struct err *err)
{
	if (found_nothing(err))
		explain_no_lock_row(err);
}

/* A function, its schema or a table of it is gone, or is not for us to use. */
static bool is_out_of_reach(const struct err *err)
{
	return strncmp(err->sqlstate, "42", 2) == 0 ||
	       strcmp(err->sqlstate, "3F000") == 0;
}

static void explain_enter(struct err *err)
{
	if (strcmp(err->sqlstate, PG_OTHER_HEAD) == 0) {
		explain_grown(err);
	} else if (strcmp(err->sqlstate, PG_NO_LOCK_ROW) == 0) {
		explain_no_lock_row(err);
	} else if (is_out_of_reach(err)) {
		err->code = ERR_FATAL;
		err_wrap(err, "the tracker cannot be used");
		err_hint(err, "tracker-damaged",
			 "A table or function of the tracker is gone, or not for this "
			 "role to use: its owner puts it back, or grants it.");
	}
}

static void explain_strings(struct err *err)
{
	reword(err, "a migration cannot change how text is read");
	err_detail(err, "It left standard_conforming_strings off or another "
			"client_encoding than UTF8.");
	err_hint(err, "sql-strings", "Leave these settings as they are.");
}

static void explain_changed(struct err *err)
{
	char said[sizeof(err->message)];

	memcpy(said, err->message, sizeof(said));
	explain_touched(err, "changed");
	err_detail(err, "The server says: %s.", said);
}

static void explain_leave(struct err *err)
{
	if (strcmp(err->sqlstate, PG_OTHER_STRINGS) == 0)
		explain_strings(err);
	else if (is_out_of_reach(err))
		explain_changed(err);
}

void pg_explain(const struct pg_pipe *p, struct err *err)
{
	const struct pg_sent *culprit = &p->culprit;

	*err = p->err;
	if (!err->sqlstate[0] && culprit->step != PG_STEP_COMMIT)
		err->code = err->code == ERR_INTERRUPTED ? err->code : ERR_FATAL;
	if (culprit->script && culprit->text && !err->line) /* else it lies in its data */
		pg_place(culprit->text, culprit->line, culprit->column, p->position, err);
	if (!err->sqlstate[0])
		return;
	switch (culprit->step) {
	case PG_STEP_HEAD:
		explain_head(culprit, err);
		break;
	case PG_STEP_INTACT:
		explain_intact(err);
		break;
	case PG_STEP_GUEST:
		pg_guest_explain(err);
		break;
	case PG_STEP_RECORD:
		explain_record(err);
		break;
	case PG_STEP_PROVEN:
		explain_proven(err);
		break;
	case PG_STEP_STRINGS:
		if (found_nothing(err))
			explain_strings(err);
		break;
	case PG_STEP_ENTER:
		explain_enter(err);
		break;
	case PG_STEP_LEAVE:
		explain_leave(err);
		break;
	case PG_STEP_GUARD:
		if (strcmp(err->sqlstate, "3B001") != 0)
			break;
		reword(err, "the migration ended its transaction");
		err_hint(err, "transaction-control",
			 "Leave COMMIT and ROLLBACK out, in functions that it calls "
			 "too.");
		break;
	case PG_STEP_CONSTRAINTS:
		if (strncmp(err->sqlstate, "23", 2) == 0 && !err->hint[0])
			err_hint(err, "deferred-constraint",
				 "A deferred constraint was checked at the end of the "
				 "migration. Mend the rows in the migration itself.");
		break;
	case PG_STEP_LOCK:
		explain_lock(err);
		break;
	case PG_STEP_OTHER:
	case PG_STEP_COMMIT:
		break;
	}
	if (culprit->phase == DB_BEGIN && err->code == ERR_REFUSED) {
		err->code = ERR_FATAL;
		err_wrap(err, "could not begin a transaction");
	}
}
