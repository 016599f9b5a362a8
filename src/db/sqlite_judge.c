#include "base/compat.h"

#include "base/err.h"
#include "db/sqlite.h"
#include "db/sqlite_judge.h"

/* --- findings ----------------------------------------------------------- */

void sqlite_judge_begin(struct sqlite_judge *j)
{
	j->refusal = REFUSED_NOTHING;
	j->control = CONTROL_NONE;
}

static void name_subject(struct sqlite_judge *j, const char *subject)
{
	snprintf(j->subject, sizeof(j->subject), "%s", subject ? subject : "");
}

void sqlite_judge_deny(struct sqlite_judge *j, enum sqlite_refusal refusal,
		       const char *subject)
{
	if (j->refusal != REFUSED_NOTHING)
		return;
	j->refusal = refusal;
	name_subject(j, subject);
}

void sqlite_judge_transaction(struct sqlite_judge *j, const char *operation)
{
	j->control = CONTROL_OTHER;
	if (strcmp(operation, "BEGIN") == 0)
		j->control = CONTROL_BEGIN;
	else if (strcmp(operation, "COMMIT") == 0)
		j->control = CONTROL_COMMIT;
	name_subject(j, operation);
}

static bool is_true(const char *value)
{
	return strcasecmp(value, "on") == 0 || strcasecmp(value, "yes") == 0 ||
	       strcasecmp(value, "true") == 0 || atoi(value) != 0;
}

void sqlite_judge_pragma(struct sqlite_judge *j, const char *name, const char *value)
{
	/* they survive ROLLBACK, open the schema to damage, or end our locks */
	static const char *const denied[] = {
		"writable_schema",	"journal_mode",	  "locking_mode",
		"synchronous",		"query_only",	  "trusted_schema",
		"busy_timeout",		"schema_version", "wal_checkpoint",
		"temp_store_directory", "max_page_count", "hard_heap_limit",
		"soft_heap_limit",
	};
	size_t i;

	if (strcasecmp(name, "foreign_keys") == 0) {
		j->control = is_true(value) == j->foreign_keys ? CONTROL_KEYS_AS_IS
							       : CONTROL_KEYS_OTHER;
		name_subject(j, name);
	}
	for (i = 0; i < ARRAY_SIZE(denied); i++)
		if (strcasecmp(name, denied[i]) == 0)
			sqlite_judge_deny(j, REFUSED_PRAGMA, denied[i]);
}

/* --- refusals ----------------------------------------------------------- */

int sqlite_judge_refuse(const struct sqlite_judge *j, const struct sqlite_text *t,
			size_t at, struct err *err)
{
	switch (j->refusal) {
	case REFUSED_ATTACH:
		err_set(err, ERR_REFUSED, "%s cannot be part of a migration", j->subject);
		err_hint(
			err, "sqlite-refused",
			"A migration changes the one file of its target, which alone the "
			"transaction and the tracker cover. Make the other file a target "
			"of its own.");
		break;
	case REFUSED_PRAGMA:
		err_set(err, ERR_REFUSED, "PRAGMA %s cannot be set by a migration",
			j->subject);
		err_hint(err, "sqlite-refused",
			 "It outlives the transaction or endangers the file. Leave it "
			 "out; "
			 "set it where the database is opened or set up.");
		break;
	case REFUSED_TRACKER:
		err_set(err, ERR_REFUSED, "a migration cannot change the tracker ('%s')",
			j->subject);
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
	return sqlite_text_place(t, at, err);
}

static int refuse_control(const char *subject, struct err *err)
{
	err_set(err, ERR_REFUSED, "%s cannot be part of a migration", subject);
	err_detail(err, "Each migration is run in a transaction that git migrate begins "
			"and ends.");
	err_hint(err, "transaction-control",
		 "Leave it out. One BEGIN at the start with one COMMIT at the end is "
		 "accepted, and ignored.");
	return -1;
}

static int refuse_keys(const struct sqlite_judge *j, struct err *err)
{
	err_set(err, ERR_REFUSED,
		"PRAGMA foreign_keys has no effect inside a transaction");
	err_detail(err, "This migration is run with foreign_keys=%s.",
		   j->foreign_keys ? "ON" : "OFF");
	if (j->foreign_keys)
		err_hint(err, "sqlite-foreign-keys",
			 "Leave it out, or leave out \"-- migrate: foreign-keys=on\".");
	else
		err_hint(err, "sqlite-foreign-keys",
			 "Leave it out; to have them enforced begin the file with the "
			 "comment \"-- migrate: foreign-keys=on\".");
	return -1;
}

/* --- the verdict -------------------------------------------------------- */

static int judge_control(struct sqlite_judge *j, const struct sqlite_text *t, size_t at,
			 bool last, struct err *err)
{
	switch (j->control) {
	case CONTROL_NONE:
		if (j->ended)
			return refuse_control("a statement behind COMMIT", err);
		j->done++;
		return 0;
	case CONTROL_BEGIN:
		if (j->done || j->began)
			return refuse_control(j->subject, err);
		j->began = true;
		sqlite_text_place(t, at, &j->pair);
		return 1;
	case CONTROL_COMMIT:
		if (!j->began || j->ended)
			return refuse_control(j->subject, err);
		j->ended = true;
		return 1;
	case CONTROL_OTHER:
		return refuse_control(j->subject, err);
	case CONTROL_KEYS_AS_IS:
		j->keys_told = true;
		return 1;
	case CONTROL_KEYS_OTHER:
		/* "OFF" at the start and "ON" as the last word, as dumps have them */
		return j->keys_told && last ? 1 : refuse_keys(j, err);
	}
	BUG("unhandled control %d", (int)j->control);
}

int sqlite_judge_statement(struct sqlite_judge *j, const struct sqlite_text *t, size_t at,
			   bool last, struct err *err)
{
	int ret = judge_control(j, t, at, last, err);

	return ret < 0 ? sqlite_text_place(t, at, err) : ret;
}

int sqlite_judge_end(const struct sqlite_judge *j, struct err *err)
{
	if (!j->began || j->ended)
		return 0;
	refuse_control("BEGIN without COMMIT", err);
	return err_place(err, &j->pair);
}
