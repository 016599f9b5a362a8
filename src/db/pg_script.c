/* Judges a migration for PostgreSQL by its text alone, before anything runs. */
#include "base/compat.h"

#include "base/err.h"
#include "base/pool.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"
#include "sql/objects.h"
#include "sql/split.h"

/* An outer BEGIN..COMMIT pair, which is left out. */
struct pair {
	bool began, ended;
	unsigned nr; /* statements so far, the pair's own included */
};

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
	return pg_at_statement(st, err);
}

static int refuse_behind_commit(const struct sql_statement *st, struct err *err)
{
	err_set(err, ERR_REFUSED, "a statement behind COMMIT");
	err_detail(err, "The whole file is run in one transaction, so it would come "
			"before the COMMIT.");
	err_hint(err, "transaction-control",
		 "Put COMMIT at the end or leave BEGIN and COMMIT out; or make it two "
		 "migrations.");
	return pg_at_statement(st, err);
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
	return pg_at_statement(st, err);
}

static int refuse_isolation(const struct sql_statement *st, struct err *err)
{
	err_set(err, ERR_REFUSED,
		"a migration cannot choose the isolation level of its transaction");
	err_detail(err, "It is READ COMMITTED: what is read there must not be older than "
			"the tracker's lock.");
	err_hint(err, "isolation-level",
		 "Leave the statement out. LOCK TABLE ... IN SHARE MODE keeps what "
		 "several statements read from changing between them.");
	return pg_at_statement(st, err);
}

/* SET TRANSACTION: the server would refuse it too, but when others have run. */
static int check_modes(const struct sql_statement *st, const char *at, const char *end,
		       struct err *err)
{
	char word[32];

	do {
		take_word(&at, end, word, sizeof(word));
	} while (word[0] && strcmp(word, "isolation") != 0);
	if (!word[0])
		return 0;
	take_word(&at, end, word, sizeof(word)); /* LEVEL */
	take_word(&at, end, word, sizeof(word));
	if (strcmp(word, "read") != 0)
		return refuse_isolation(st, err);
	take_word(&at, end, word, sizeof(word));
	return starts_with(word, "committed") ? 0 : refuse_isolation(st, err);
}

/*
 * Refuses settings under which the server would read the text otherwise than we, or
 * that our transaction cannot have.
 */
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
	if (strcmp(word, "transaction") == 0)
		return check_modes(st, at, end, err);
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

static bool is_tracker(const struct sql_object *o)
{
	const char *name = o->on ? o->on : o->name;

	return starts_with(name, "git_migrate.") ||
	       (o->kind == OBJECT_SCHEMA && strcmp(o->name, "git_migrate") == 0);
}

/* Whether the name stands there at all: few statements are looked at closely. */
static bool mentions_tracker(const struct sql_statement *st)
{
	static const char head[] = "git", tail[] = "_migrate";
	const size_t before = strlen(head), after = strlen(tail);
	const char *end = st->text + st->len, *at = st->text;

	while ((at = memchr(at, '_', (size_t)(end - at))) != NULL) {
		if ((size_t)(at - st->text) >= before && (size_t)(end - at) >= after &&
		    strncasecmp(at - before, head, before) == 0 &&
		    strncasecmp(at, tail, after) == 0)
			return true;
		at++;
	}
	return false;
}

static int refuse_tracker(const struct sql_statement *st, const struct sql_object *o,
			  struct err *err)
{
	err_set(err, ERR_REFUSED, "a migration cannot change the tracker ('%s')",
		o->on ? o->on : o->name);
	err_detail(err,
		   "Its owner's statements could take away what keeps it append-only, "
		   "and the record of this migration would say nothing of it.");
	err_hint(err, "tracker-append-only",
		 "The tracker is written by git migrate alone. To correct an earlier "
		 "migration add one with the trailer \"Fixes:\"; rights on it are given "
		 "outside of migrations.");
	return pg_at_statement(st, err);
}

/* What DO blocks and functions do to it is for triggers, guards and audit to see. */
static int check_tracker(const struct db_script *script, const struct sql_statement *st,
			 struct err *err)
{
	struct sql_objects objects = { 0 };
	struct pool pool = { 0 };
	struct err ignored = { 0 };
	size_t i;
	int ret = 0;

	if (script->own || !mentions_tracker(st))
		return 0;
	sql_objects(st->text, st->len, &pool, &objects, &ignored);
	for (i = 0; i < objects.nr && ret == 0; i++)
		if (is_tracker(&objects.items[i]))
			ret = refuse_tracker(st, &objects.items[i], err);
	sql_objects_release(&objects);
	pool_release(&pool);
	return ret;
}

int pg_split(struct sql_split *split, const struct db_script *script, struct err *err)
{
	return script->source ? sql_split_open(split, script->source, err)
			      : sql_split_init(split, script->sql, script->len, err);
}

static int check_script(struct db *db, const struct db_script *script, struct pair *pair,
			struct err *err)
{
	struct err no_end = { 0 }; /* of the first statement, which is gone then */
	struct sql_statement st;
	struct sql_split split;
	int rc = pg_split(&split, script, err);

	while (rc == 0 && (rc = sql_split_next(&split, &st, err)) > 0) {
		if (pair->nr == 0)
			refuse_control(&st, &no_end);
		rc = check_control(&st, pair, err);
		if (rc == 0)
			rc = check_setting(&st, err);
		if (rc == 0)
			rc = check_tracker(script, &st, err);
		if (rc == 0)
			rc = pg_check_guest(db, &st, err);
		if (rc == 0)
			rc = pg_check_together(db, script, &st, err);
	}
	sql_split_close(&split);
	if (rc == 0 && pair->began && !pair->ended) {
		*err = no_end;
		err_detail(err, "No COMMIT at the end of the file goes with it.");
		return -1;
	}
	return rc;
}

int pg_check(struct db *db, const struct db_script *script, struct err *err)
{
	struct pair pair = { 0 };

	if (script->no_transaction)
		return pg_check_alone(db, script, err);
	return check_script(db, script, &pair, err);
}
