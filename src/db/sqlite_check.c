/*
 * Judges a file before anything runs, by its words alone: sqlite3_prepare_v2 could
 * not yet compile a statement about a table that an earlier one will make.
 */
#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "db/sqlite_check.h"
#include "db/sqlite_judge.h"

/* A statement of such a file. */
enum kind {
	KIND_OTHER,	  /* can be run in a transaction */
	KIND_VACUUM,	  /* takes what stands before it into effect */
	KIND_VACUUM_INTO, /* writes another file */
	KIND_BEFORE,	  /* PRAGMA page_size, auto_vacuum */
	KIND_LONE,	  /* PRAGMA journal_mode */
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

/* The word at `*at` or behind blanks, without its quotes; goes behind it. "" for none. */
static void take_word(struct sqlite_text *t, size_t *at, char *out, size_t room)
{
	size_t start = skip(t, *at), end, len;
	char quote = '\0';

	if (start < t->end && strchr("\"'`[", t->window.s[start]))
		quote = t->window.s[start++];
	for (end = start; end < t->end && in_word(t->window.s[end]);)
		end++;
	len = end - start < room ? end - start : room - 1;
	memcpy(out, t->window.s + start, len);
	out[len] = '\0';
	*at = end + (quote && end < t->end);
}

/* PRAGMA [schema.]name = value, or (value). */
void sqlite_read_pragma(struct sqlite_text *t, size_t at, struct sqlite_pragma *p)
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
	if (strchr("+-", next_char(t, &at)))
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
	struct sqlite_pragma p;

	if (sqlite_text_is(t, at, "vacuum"))
		return is_vacuum_into(t, at) ? KIND_VACUUM_INTO : KIND_VACUUM;
	if (!sqlite_text_is(t, at, "pragma"))
		return KIND_OTHER;
	sqlite_read_pragma(t, at, &p);
	if (!p.value[0])
		return KIND_OTHER;
	if (strcasecmp(p.name, "journal_mode") == 0)
		return KIND_LONE;
	if (strcasecmp(p.name, "page_size") == 0 ||
	    strcasecmp(p.name, "auto_vacuum") == 0)
		return KIND_BEFORE;
	return KIND_OTHER;
}

int sqlite_walk(struct sqlite_text *t, size_t *at, struct err *err)
{
	*at = sqlite_text_enter(t, *at);
	if (*at >= t->window.len)
		return 0;
	return sqlite_text_take(t, *at, err) < 0 ? -1 : 1;
}

int sqlite_walk_on(struct sqlite_text *t, size_t *at, struct err *err)
{
	return sqlite_text_next(t, t->end, at, err) < 0 ? -1 : sqlite_walk(t, at, err);
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

static int refuse_command(const struct sqlite_text *t, size_t at, struct err *err)
{
	err_set(err, ERR_REFUSED, "a command of the sqlite3 shell is no SQL");
	err_hint(err, "psql-command",
		 "What such a one reads or writes (.read, .mode) is outside of the "
		 "commit. Put SQL into the file.");
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
	int rc = sqlite_walk(t, &at, err);
	enum kind kind = rc > 0 ? kind_at(t, at) : KIND_OTHER;

	while (rc > 0 && kind == KIND_BEFORE) {
		rc = sqlite_walk_on(t, &at, err);
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
	rc = sqlite_walk_on(t, &at, err);
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

/* --- what is judged by its words ---------------------------------------- */

struct words {
	struct sqlite_text *t;
	struct sqlite_judge judge;
	bool in_trigger; /* its statements are no statements of the file */
};

/* The next word, which is gone over if it is one of the list. */
static bool accept_word(struct sqlite_text *t, size_t *at, const char *const *list,
			size_t nr)
{
	size_t behind = *at, i;
	char word[32];

	take_word(t, &behind, word, sizeof(word));
	for (i = 0; i < nr; i++) {
		if (ascii_tolower(word[0]) != list[i][0] ||
		    strcasecmp(word, list[i]) != 0)
			continue;
		*at = behind;
		return true;
	}
	return false;
}

static bool begins_trigger(struct sqlite_text *t, size_t at)
{
	static const char *const before[] = { "explain", "query",     "plan",
					      "temp",	 "temporary", "create" };
	static const char *const trigger[] = { "trigger" };

	if (!sqlite_text_is(t, at, "create") && !sqlite_text_is(t, at, "explain"))
		return false;
	while (accept_word(t, &at, before, ARRAY_SIZE(before)))
		;
	return accept_word(t, &at, trigger, ARRAY_SIZE(trigger));
}

/* The table, or another thing, that a statement is about to change. */
static void find_changed(struct words *w, size_t at)
{
	static const char *const verbs[] = { "insert", "replace", "update", "delete",
					     "drop",   "alter",	  "create" };
	static const char *const before[] = {
		"insert", "replace", "update",	  "delete",  "drop", "alter", "create",
		"or",	  "abort",   "fail",	  "ignore",  "into", "from",  "rollback",
		"table",  "view",    "index",	  "trigger", "if",   "not",   "exists",
		"temp",	  "unique",  "temporary", "virtual"
	};
	size_t start = at;
	char name[64];

	if (!accept_word(w->t, &start, verbs, ARRAY_SIZE(verbs)))
		return;
	while (accept_word(w->t, &at, before, ARRAY_SIZE(before)))
		;
	take_word(w->t, &at, name, sizeof(name));
	if (next_char(w->t, &at) == '.') {
		at++;
		take_word(w->t, &at, name, sizeof(name));
	}
	if (sqlite_is_ours(name))
		sqlite_judge_deny(&w->judge, REFUSED_TRACKER, name);
}

static void find_control(struct words *w, size_t at)
{
	static const struct {
		const char *word, *operation;
	} controls[] = { { "begin", "BEGIN" },	       { "commit", "COMMIT" },
			 { "end", "COMMIT" },	       { "rollback", "ROLLBACK" },
			 { "savepoint", "SAVEPOINT" }, { "release", "RELEASE" } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(controls); i++)
		if (sqlite_text_is(w->t, at, controls[i].word))
			sqlite_judge_transaction(&w->judge, controls[i].operation);
	if (sqlite_text_is(w->t, at, "attach"))
		sqlite_judge_deny(&w->judge, REFUSED_ATTACH, "ATTACH");
	else if (sqlite_text_is(w->t, at, "detach"))
		sqlite_judge_deny(&w->judge, REFUSED_ATTACH, "DETACH");
}

/* The statement that was taken at `at`; behind it comes what begins at `next`. */
static int judge_words(struct words *w, size_t at, size_t next, struct err *err)
{
	bool last = next >= w->t->window.len;
	struct sqlite_pragma p;

	sqlite_judge_begin(&w->judge);
	find_control(w, at);
	find_changed(w, at);
	if (sqlite_text_is(w->t, at, "pragma")) {
		sqlite_read_pragma(w->t, at, &p);
		if (p.value[0])
			sqlite_judge_pragma(&w->judge, p.name, p.value);
	}
	if (w->judge.refusal != REFUSED_NOTHING)
		return sqlite_judge_refuse(&w->judge, w->t, at, err);
	return sqlite_judge_statement(&w->judge, w->t, at, last, err) < 0 ? -1 : 0;
}

/*
 * A piece up to a semicolon: a statement, or a part of a trigger, which ends with
 * the word END behind one. What is not seen here is refused when it is compiled.
 */
static int check_piece(struct words *w, size_t at, size_t next, struct err *err)
{
	if (w->in_trigger) {
		w->in_trigger = !sqlite_text_is(w->t, at, "end");
		return 0;
	}
	if (w->t->window.s[at] == '.')
		return refuse_command(w->t, at, err);
	if (check_kind(w->t, at, err) < 0 || judge_words(w, at, next, err) < 0)
		return -1;
	w->in_trigger = begins_trigger(w->t, at);
	return 0;
}

static int check_together(struct words *w, size_t at, struct err *err)
{
	int rc = sqlite_walk(w->t, &at, err);
	size_t next;

	while (rc > 0) {
		if (sqlite_text_next(w->t, w->t->end, &next, err) < 0 ||
		    check_piece(w, at, next, err) < 0)
			return -1;
		at = next;
		rc = sqlite_walk(w->t, &at, err);
	}
	return rc < 0 ? -1 : sqlite_judge_end(&w->judge, err);
}

int sqlite_check(struct db *db UNUSED, const struct db_script *script, struct err *err)
{
	struct sqlite_text t;
	struct words w = { .t = &t, .judge.foreign_keys = script->foreign_keys };
	size_t first;
	int ret = sqlite_text_init(&t, script, &first, err);

	if (ret == 0)
		ret = script->no_transaction ? check_alone(&t, first, err)
					     : check_together(&w, first, err);
	sqlite_text_release(&t);
	return ret;
}
