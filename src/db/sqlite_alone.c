/*
 * What SQLite cannot run inside of a transaction: VACUUM, with the pragmas that
 * take effect by it alone, and the journal mode.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/sqlite.h"

/* A statement of such a file. */
enum kind {
	KIND_OTHER,	  /* can be run in a transaction */
	KIND_VACUUM,	  /* takes what stands before it into effect */
	KIND_VACUUM_INTO, /* writes another file */
	KIND_BEFORE,	  /* PRAGMA page_size, auto_vacuum */
	KIND_LONE,	  /* PRAGMA journal_mode */
};

struct pragma {
	char name[32], value[32];
};

/* --- what stands there ------------------------------------------------- */

static bool in_word(char c)
{
	return ascii_isalnum((unsigned char)c) || c == '_';
}

/* Behind blanks and comments of the statement that was taken. */
static size_t skip(struct sqlite_text *t, size_t at)
{
	struct err ignored;
	size_t next;

	return sqlite_text_next(t, at, &next, &ignored) == 0 && next < t->end ? next
									      : t->end;
}

/* The character at `*at` or behind blanks; ';' at the end of the statement. */
static char next_char(struct sqlite_text *t, size_t *at)
{
	*at = skip(t, *at);
	return *at < t->end ? t->window.s[*at] : ';';
}

/* The word at `*at` or behind blanks; goes behind it. "" for none. */
static void take_word(struct sqlite_text *t, size_t *at, char *out, size_t room)
{
	size_t start = skip(t, *at), end = start;

	while (end < t->end && in_word(t->window.s[end]))
		end++;
	snprintf(out, room, "%.*s", (int)(end - start), t->window.s + start);
	*at = end;
}

/* PRAGMA [schema.]name = value, or (value); `value` is "" when it only asks. */
static void read_pragma(struct sqlite_text *t, size_t at, struct pragma *p)
{
	char c;

	at += strlen("pragma");
	take_word(t, &at, p->name, sizeof(p->name));
	if (next_char(t, &at) == '.') {
		at++;
		take_word(t, &at, p->name, sizeof(p->name));
	}
	p->value[0] = '\0';
	c = next_char(t, &at);
	if (c != '=' && c != '(')
		return;
	at++;
	c = next_char(t, &at);
	if (c == '\'' || c == '"')
		at++;
	take_word(t, &at, p->value, sizeof(p->value));
}

static bool is_vacuum_into(struct sqlite_text *t, size_t at)
{
	char word[32];

	at += strlen("vacuum");
	take_word(t, &at, word, sizeof(word));
	if (word[0] && strcasecmp(word, "into") != 0)
		take_word(t, &at, word, sizeof(word));
	return strcasecmp(word, "into") == 0;
}

/* Of the statement that was taken. */
static enum kind kind_at(struct sqlite_text *t, size_t at)
{
	struct pragma p;

	if (sqlite_text_is(t, at, "vacuum"))
		return is_vacuum_into(t, at) ? KIND_VACUUM_INTO : KIND_VACUUM;
	if (!sqlite_text_is(t, at, "pragma"))
		return KIND_OTHER;
	read_pragma(t, at, &p);
	if (!p.value[0])
		return KIND_OTHER;
	if (strcasecmp(p.name, "journal_mode") == 0)
		return KIND_LONE;
	if (strcasecmp(p.name, "page_size") == 0 ||
	    strcasecmp(p.name, "auto_vacuum") == 0)
		return KIND_BEFORE;
	return KIND_OTHER;
}

/* Goes to the statement at `*at`. 1; 0 at the end of the text; -1. */
static int enter(struct sqlite_text *t, size_t *at, struct err *err)
{
	*at = sqlite_text_enter(t, *at);
	if (*at >= t->window.len)
		return 0;
	return sqlite_text_take(t, *at, err) < 0 ? -1 : 1;
}

/* The same behind the statement that was taken. */
static int enter_next(struct sqlite_text *t, size_t *at, struct err *err)
{
	return sqlite_text_next(t, t->end, at, err) < 0 ? -1 : enter(t, at, err);
}

/* --- refusals ---------------------------------------------------------- */

static int refuse_in_transaction(const struct sqlite_text *t, size_t at, const char *what,
				 struct err *err)
{
	err_set(err, ERR_REFUSED, "%s cannot run in a transaction", what);
	err_hint(err, "no-transaction",
		 "Put it into a migration of its own that begins with the comment "
		 "\"-- migrate: no-transaction\".");
	return sqlite_text_place(t, at, err);
}

static int refuse_into(const struct sqlite_text *t, size_t at, struct err *err)
{
	err_set(err, ERR_REFUSED, "VACUUM INTO cannot be part of a migration");
	err_hint(err, "sqlite-refused",
		 "It writes another file and leaves this one as it was. Leave it out; "
		 "\"git migrate apply --backup\" makes a copy before it begins.");
	return sqlite_text_place(t, at, err);
}

static int refuse_kind(const struct sqlite_text *t, size_t at, struct err *err)
{
	if (at >= t->window.len)
		err_set(err, ERR_REFUSED, "the file holds no statement to run");
	else
		err_set(err, ERR_REFUSED,
			"this statement is not one that has to run without a "
			"transaction");
	err_hint(err, "no-transaction",
		 "VACUUM is one (with PRAGMA page_size or auto_vacuum before it), and "
		 "PRAGMA journal_mode. Put all else into a migration without "
		 "\"-- migrate: no-transaction\", where a failure undoes it.");
	return sqlite_text_place(t, at, err);
}

static int refuse_more(const struct sqlite_text *t, size_t at, struct err *err)
{
	err_set(err, ERR_REFUSED,
		"a second statement in a file that is run without a transaction");
	err_detail(err, "What the first has done would stay when the second fails.");
	err_hint(err, "no-transaction", "Put each into a migration of its own.");
	return sqlite_text_place(t, at, err);
}

/* --- check ------------------------------------------------------------- */

static int check_alone(struct sqlite_text *t, size_t at, struct err *err)
{
	int rc = enter(t, &at, err);
	enum kind kind = rc > 0 ? kind_at(t, at) : KIND_OTHER;

	while (rc > 0 && kind == KIND_BEFORE) {
		rc = enter_next(t, &at, err);
		kind = rc > 0 ? kind_at(t, at) : KIND_OTHER;
		if (kind == KIND_LONE)
			kind = KIND_OTHER;
	}
	if (rc < 0)
		return -1;
	if (kind == KIND_VACUUM_INTO)
		return refuse_into(t, at, err);
	if (kind == KIND_OTHER)
		return refuse_kind(t, at, err);
	rc = enter_next(t, &at, err);
	return rc > 0 ? refuse_more(t, at, err) : rc;
}

static int check_kind(struct sqlite_text *t, size_t at, struct err *err)
{
	switch (kind_at(t, at)) {
	case KIND_VACUUM:
		return refuse_in_transaction(t, at, "VACUUM", err);
	case KIND_VACUUM_INTO:
		return refuse_into(t, at, err);
	case KIND_LONE:
		return refuse_in_transaction(t, at, "PRAGMA journal_mode", err);
	case KIND_BEFORE:
	case KIND_OTHER:
		break;
	}
	return 0;
}

/* What follows a ";" within a trigger could be taken for none of these. */
static int check_together(struct sqlite_text *t, size_t at, struct err *err)
{
	int rc = enter(t, &at, err);

	while (rc > 0) {
		if (check_kind(t, at, err) < 0)
			return -1;
		rc = enter_next(t, &at, err);
	}
	return rc;
}

int sqlite_check(struct db *db UNUSED, const struct db_script *script, struct err *err)
{
	struct sqlite_text t;
	size_t first;
	int ret = sqlite_text_init(&t, script, &first, err);

	if (ret == 0)
		ret = script->no_transaction ? check_alone(&t, first, err)
					     : check_together(&t, first, err);
	sqlite_text_release(&t);
	return ret;
}

/* --- run --------------------------------------------------------------- */

/* A number or the first word of an answer. */
static int on_answer(void *arg, const char *const *values, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	snprintf(arg, sizeof(((struct pragma *)0)->value), "%s",
		 values[0] ? values[0] : "");
	return 0;
}

static bool is_in_force(const struct pragma *p, const char *now)
{
	static const char *const vacuums[] = { "none", "full", "incremental" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vacuums); i++)
		if (strcasecmp(p->name, "auto_vacuum") == 0 &&
		    strcasecmp(p->value, vacuums[i]) == 0)
			return strtoul(now, NULL, 10) == i;
	return strcasecmp(p->value, now) == 0;
}

/* SQLite says nothing when it leaves such a setting as it was. */
static int check_in_force(struct db *db, struct sqlite_text *t, size_t at,
			  struct err *err)
{
	char sql[64], now[sizeof(((struct pragma *)0)->value)] = "";
	struct pragma p;

	read_pragma(t, at, &p);
	snprintf(sql, sizeof(sql), "PRAGMA %s", p.name);
	if (sqlite_query(db, sql, NULL, 0, on_answer, now, err) < 0)
		return -1;
	if (is_in_force(&p, now))
		return 0;
	err_set(err, ERR_REFUSED, "PRAGMA %s is '%s', not '%s'", p.name, now, p.value);
	err_hint(err, "sqlite-setting",
		 "SQLite did not take it, and says nothing: the size of pages is fixed "
		 "in WAL mode, and not every value is one.");
	return sqlite_text_place(t, at, err);
}

static int check_effect(struct db *db, const struct db_script *script, struct err *err)
{
	struct sqlite_text t;
	size_t at;
	int rc = sqlite_text_init(&t, script, &at, err);

	if (rc == 0)
		rc = enter(&t, &at, err);
	while (rc > 0) {
		if (sqlite_text_is(&t, at, "pragma") &&
		    check_in_force(db, &t, at, err) < 0)
			rc = -1;
		else
			rc = enter_next(&t, &at, err);
	}
	sqlite_text_release(&t);
	return rc;
}

int sqlite_run_alone(struct db *db, const struct db_unit *unit, struct db_report *report,
		     enum db_phase *phase, struct err *err)
{
	const struct db_script *script = unit->script;
	struct sqlite_trace trace = { 0 };
	const struct sqlite_job job = { .script = script,
					.trace = &trace,
					.alone = true };
	int64_t since = clock_ms();
	struct err ignored;
	int ret = -1;

	*phase = DB_SCRIPT; /* the file's own lock is the statement's */
	db->foreign_keys = script->foreign_keys; /* nothing here asks for them */
	if (sqlite_check(db, script, err) == 0 && sqlite_look_for_signal(db, err) == 0 &&
	    sqlite_script_run(db, &job, report, err) == 0 &&
	    check_effect(db, script, err) == 0) {
		report->ms = clock_ms() - since;
		ret = 0;
	}
	sqlite_trace_release(&trace);
	sqlite_settle(db, &ignored);
	db->ended.code = ERR_NONE;
	return ret;
}

int sqlite_evidence(struct db *db UNUSED, const struct db_script *script UNUSED,
		    enum db_evidence *out, struct buf *text, struct err *err UNUSED)
{
	*out = DB_REPEAT;
	buf_adds(text, "SQLite does it wholly or not at all, and it can be run again");
	return 0;
}

int sqlite_mend(struct db *db UNUSED, const struct db_unit *unit UNUSED,
		enum db_phase *phase, struct err *err UNUSED)
{
	*phase = DB_SCRIPT;
	return 0; /* evidence() never finds a half */
}
