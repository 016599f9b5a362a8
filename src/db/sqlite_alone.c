/*
 * What SQLite cannot run inside of a transaction: VACUUM, with the pragmas that
 * take effect by it alone, and the journal mode.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/driver.h"
#include "db/sqlite.h"
#include "db/sqlite_check.h"

/* --- run --------------------------------------------------------------- */

/* A number or the first word of an answer. */
static int on_answer(void *arg, const char *const *values, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	snprintf(arg, sizeof(((struct sqlite_pragma *)0)->value), "%s",
		 values[0] ? values[0] : "");
	return 0;
}

static bool is_in_force(const struct sqlite_pragma *p, const char *now)
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
	char sql[64], now[sizeof(((struct sqlite_pragma *)0)->value)] = "";
	struct sqlite_pragma p;

	sqlite_read_pragma(t, at, &p);
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
		rc = sqlite_walk(&t, &at, err);
	while (rc > 0) {
		if (sqlite_text_is(&t, at, "pragma") &&
		    check_in_force(db, &t, at, err) < 0)
			rc = -1;
		else
			rc = sqlite_walk_on(&t, &at, err);
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
