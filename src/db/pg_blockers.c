/*
 * Who holds what a migration waits for: asked on a second connection, while it
 * waits, since the server forgets it with the wait.
 */
#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/pg.h"

enum { SHOWN_MAX = 3, LOOK_MS = 1000 };

static int on_blocker(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	struct pg_blockers *b = arg;

	if (++b->nr > SHOWN_MAX)
		return 0;
	buf_addf(&b->text,
		 "%sProcess %s of the server (%s, user %s, %s) %s, its transaction began "
		 "%s.",
		 b->nr > 1 ? " " : "", values[0], values[1] ? values[1] : "unknown",
		 values[2] ? values[2] : "unknown", values[3] ? values[3] : "unknown",
		 b->statement ? "is in the way" : "holds it",
		 values[4] ? values[4] : "at a time that cannot be seen");
	return 0;
}

int pg_blockers_note(void *arg, const char *const *values, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	struct pg_blockers *b = arg;

	snprintf(b->pid, sizeof(b->pid), "%s", values[0] ? values[0] : "");
	return 0;
}

/* The first connection holds locks meanwhile: a pooler may let the second one wait. */
static int wait_a_little(void *arg, int fd, short events, int timeout_ms, struct err *err)
{
	struct pg_blockers *b = arg;
	int64_t left = b->deadline - clock_ms();
	int rc;

	if (left <= 0)
		return err_set(err, ERR_FATAL, "no answer in time");
	if (timeout_ms < 0 || timeout_ms > left)
		timeout_ms = (int)left;
	rc = b->usual->wait(b->usual->arg, fd, events, timeout_ms, err);
	if (rc == 0 && clock_ms() >= b->deadline)
		return err_set(err, ERR_FATAL, "no answer in time");
	return rc;
}

/* The session that is at the statement; the last to begin, where there are more. */
static int find_session(struct pg_blockers *b, struct err *err)
{
	static const char sql[] =
		"SELECT pid FROM pg_catalog.pg_stat_activity WHERE " PG_RUNS_STATEMENT
		" ORDER BY query_start DESC LIMIT 1";
	struct pg_answer answer = { .row = pg_blockers_note,
				    .arg = b,
				    .code = ERR_FATAL };

	return pg_exec_params(b->db, sql, &b->statement, 1, &answer, err);
}

static int on_early(void *arg, const char *const *values, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	struct pg_blockers *b = arg;

	b->early = values[0] && strcmp(values[0], "t") == 0;
	return 0;
}

/*
 * It waits for its first lock as long as it has none that each statement of the kind
 * takes; an index is built behind its wait for those who write.
 */
static int ask_early(struct pg_blockers *b, struct err *err)
{
	static const char sql[] =
		"SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE"
		" pid OPERATOR(pg_catalog.=) CAST($1 AS integer) AND granted"
		" AND locktype OPERATOR(pg_catalog.=) 'relation' AND mode"
		" OPERATOR(pg_catalog.=) ANY (ARRAY['ShareUpdateExclusiveLock', "
		"'ShareLock', 'ShareRowExclusiveLock',"
		"  'ExclusiveLock', 'AccessExclusiveLock'])) OR EXISTS"
		" (SELECT FROM pg_catalog.pg_stat_progress_create_index WHERE"
		"  pid OPERATOR(pg_catalog.=) CAST($1 AS integer) AND"
		"  phase OPERATOR(pg_catalog.=) 'waiting for writers before build')";
	struct pg_answer answer = { .row = on_early, .arg = b, .code = ERR_FATAL };
	const char *params[] = { b->pid };

	return pg_exec_params(b->db, sql, params, 1, &answer, err);
}

static int ask_blockers(struct pg_blockers *b, struct err *err)
{
	static const char sql[] = "SELECT a.pid, a.application_name, a.usename, a.state,"
				  " pg_catalog.to_char(a.xact_start AT TIME ZONE 'UTC',"
				  "  'YYYY-MM-DD HH24:MI:SS \"UTC\"')"
				  " FROM pg_catalog.pg_stat_activity AS a"
				  " WHERE a.pid OPERATOR(pg_catalog.=) ANY ("
				  "  pg_catalog.pg_blocking_pids(CAST($1 AS integer)))"
				  " ORDER BY a.xact_start";
	struct pg_answer answer = { .row = on_blocker, .arg = b, .code = ERR_FATAL };
	const char *params[] = { b->pid };

	if (b->statement && find_session(b, err) < 0)
		return -1;
	if (!b->pid[0])
		return 0;
	if (pg_exec_params(b->db, sql, params, 1, &answer, err) < 0)
		return -1;
	return b->statement && b->nr ? ask_early(b, err) : 0;
}

bool pg_blockers_look(struct pg_blockers *b, struct db *db)
{
	struct buf before = b->text;
	unsigned nr = b->nr;
	struct err ignored;

	if (b->given_up || (!b->pid[0] && !b->statement))
		return false;
	b->usual = db->waiter;
	b->deadline = clock_ms() + LOOK_MS;
	b->waiter = (struct db_waiter){ .wait = wait_a_little, .arg = b };
	if (!b->db && pg_open_like(db, &b->waiter, &b->db, &ignored) < 0) {
		b->given_up = true;
		return false;
	}
	memset(&b->text, 0, sizeof(b->text));
	b->nr = 0;
	if (ask_blockers(b, &ignored) < 0)
		b->given_up = true;
	else if (b->nr) {
		buf_release(&before);
		return true;
	}
	/* it has just got the lock, or has given up: what was seen before counts */
	buf_release(&b->text);
	b->text = before;
	b->nr = nr;
	return false;
}

void pg_blockers_forget(struct pg_blockers *b)
{
	buf_reset(&b->text);
	b->nr = 0;
}

void pg_blockers_tell(const struct pg_blockers *b, struct err *err)
{
	if (b->nr && strcmp(err->sqlstate, "55P03") == 0)
		err_detail(err, "%s%s%s", err->detail, err->detail[0] ? "\n" : "",
			   b->text.s);
}

void pg_blockers_release(struct pg_blockers *b)
{
	pg_free(b->db);
	buf_release(&b->text);
	memset(b, 0, sizeof(*b));
}
