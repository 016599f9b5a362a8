/*
 * Waiting for a statement outside of a transaction, which may take hours: a signal
 * cancels it, who is in its way is told, and it is given up where that undoes nothing.
 */
#include "base/compat.h"

#include <poll.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/pg.h"

enum {
	CANCEL_WAIT_MS = 10000, /* for the answer once a signal has come */
	LOOK_MS = 1000,
	TELL_MS = 10000, /* before the same is told again; twice as long each time */
	TELL_MAX_MS = 160000,
};

/* Cancels at the first signal, and waits on for what the server says to that. */
struct canceller {
	struct db *db;
	const struct pg_alone *what;
	const struct db_waiter *usual;
	struct err signal; /* what the wait was ended with; ERR_NONE: it was not */
	int64_t deadline;
	struct pg_blockers blockers;
	int64_t blocked; /* clock_ms() since when somebody is in the way; 0: nobody is */
	int64_t early;	 /* the same, while giving up undoes nothing */
	int64_t tell;	 /* when it is told again */
	int64_t pause;
};

static void give_up(struct canceller *c)
{
	struct err *err = &c->signal;

	err_set(err, ERR_REFUSED, "other sessions are in the way of the statement");
	snprintf(err->sqlstate, sizeof(err->sqlstate), "55P03");
	err_detail(err, "%s", buf_str(&c->blockers.text));
}

/* Whoever is there at two looks in a row is worth a word. */
static void tell(struct canceller *c, int64_t now)
{
	const struct db_unit *unit = c->what->unit;

	if (!unit->waits || now - c->blocked < LOOK_MS || now < c->tell)
		return;
	unit->waits(unit->arg, buf_str(&c->blockers.text));
	c->pause = c->pause ? c->pause * 2 : TELL_MS;
	if (c->pause > TELL_MAX_MS)
		c->pause = TELL_MAX_MS;
	c->tell = now + c->pause;
}

static void look(struct canceller *c)
{
	const struct db_waiter *own = c->db->waiter;
	int64_t now, patience = c->what->unit->patience_ms;
	bool blocked;

	c->db->waiter = c->usual; /* for the second connection too */
	blocked = pg_blockers_look(&c->blockers, c->db);
	c->db->waiter = own;
	now = clock_ms();
	if (!blocked) {
		c->blocked = c->early = 0;
		return;
	}
	if (!c->blocked)
		c->blocked = now;
	if (!c->what->repeatable && !c->blockers.early)
		c->early = 0;
	else if (!c->early)
		c->early = now;
	tell(c, now);
	if (patience && c->early && now - c->early >= patience)
		give_up(c);
}

static bool has_words(const struct canceller *c)
{
	const struct db_unit *unit = c->what->unit;

	return unit && (unit->waits || unit->patience_ms);
}

/* As any wait, with a look from time to time; -1 with c->signal set. */
static int wait_and_look(struct canceller *c, int fd, short events, int timeout_ms)
{
	int rc;

	if (timeout_ms >= 0 || !has_words(c))
		return c->usual->wait(c->usual->arg, fd, events, timeout_ms, &c->signal);
	do {
		rc = c->usual->wait(c->usual->arg, fd, events, LOOK_MS, &c->signal);
		if (rc == 0)
			look(c);
	} while (rc == 0 && c->signal.code == ERR_NONE);
	return rc > 0 ? rc : -1;
}

static int wait_or_cancel(void *arg, int fd, short events, int timeout_ms,
			  struct err *err)
{
	struct canceller *c = arg;
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t left;
	int rc;

	if (c->signal.code == ERR_NONE) {
		rc = wait_and_look(c, fd, events, timeout_ms);
		if (rc >= 0)
			return rc;
		c->deadline = clock_ms() + CANCEL_WAIT_MS;
		pg_cancel(c->db);
	}
	do {
		left = c->deadline - clock_ms();
		rc = left > 0 ? poll(&pfd, 1, (int)left) : 0;
	} while (rc < 0 && errno == EINTR);
	if (rc > 0)
		return 1;
	*err = c->signal;
	err_detail(err,
		   "%s%sThe server did not confirm that it cancelled the statement: it "
		   "may go on with it.",
		   c->signal.detail, c->signal.detail[0] ? "\n" : "");
	return -1;
}

/* Whether the answer never came: the server may still be at it, and end it well. */
static bool is_lost(const struct db *db, const struct err *err)
{
	return !db->conn && !err->sqlstate[0] && err->code != ERR_INTERRUPTED;
}

static int lost(struct err *err)
{
	char why[sizeof(err->message)];

	snprintf(why, sizeof(why), "%s", err->message);
	err_set(err, ERR_UNCERTAIN, "the answer to the statement never came: %s", why);
	err_detail(err, "The server may go on with it, and finish it.");
	err_hint(err, "uncertain",
		 "Run the command again: it looks for the session that runs the "
		 "statement, and at what is there.");
	return -1;
}

int pg_exec_alone(struct db *db, const struct pg_alone *what, struct pg_answer *answer,
		  struct err *err)
{
	struct canceller c = { .db = db, .what = what, .usual = db->waiter };
	struct db_waiter waiter = { .wait = wait_or_cancel, .arg = &c };
	bool was_alive = db->conn != NULL;
	int ret;

	c.blockers.statement = what->sql;
	db->waiter = &waiter;
	ret = pg_exec_params(db, what->sql, NULL, 0, answer, err);
	db->waiter = c.usual;
	pg_blockers_release(&c.blockers);
	if (ret == 0)
		return 0;
	if (c.signal.code != ERR_NONE && strcmp(err->sqlstate, "57014") == 0) {
		*err = c.signal;
		err_detail(err, "%s%sThe server has cancelled the statement.",
			   c.signal.detail, c.signal.detail[0] ? "\n" : "");
		return -1;
	}
	return was_alive && is_lost(db, err) ? lost(err) : -1;
}
