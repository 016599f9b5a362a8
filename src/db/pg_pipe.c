/*
 * Many exchanges with a server at once, in libpq's pipeline mode. Up to the next
 * synchronisation point the server passes over all that stands behind a failure:
 * so nothing runs behind one, and what was committed before it stays.
 */
#include "base/compat.h"

#include <poll.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"
#include "db/pg.h"

enum {
	WINDOW = 256 * 1024, /* bytes that may be under way */
	PIECE = 16 * 1024,   /* bytes that are composed before they are handed over */
	ENTRY_WEIGHT = 64,   /* what a message costs besides its text */
	STRAYS_MAX = 8,
};

static struct pg_sent *head(struct pg_pipe *p)
{
	return p->first < p->nr ? &p->queue[p->first] : NULL;
}

/* The first failure is the one that counts: the server passed over the others. */
static void blame(struct pg_pipe *p, const struct err *why)
{
	struct pg_sent *at = head(p);
	const char *text;

	if (p->failed)
		return;
	p->failed = true;
	p->err = *why;
	if (!at)
		return;
	p->culprit = *at;
	text = at->borrowed ? at->borrowed : at->text;
	p->culprit.text = text ? xstrdup(text) : NULL;
	p->culprit.borrowed = NULL;
}

static int lost(struct pg_pipe *p)
{
	struct err why = { 0 };

	if (!p->lost)
		pg_lost(p->db, &why);
	p->lost = true;
	blame(p, &why);
	return -1;
}

int pg_pipe_open(struct pg_pipe *p, struct db *db, struct err *err)
{
	memset(p, 0, sizeof(*p));
	p->db = db;
	if (pg_alive(db, err) < 0)
		return -1;
	if (db->pq->enter_pipeline(db->conn))
		return 0;
	return err_set(err, ERR_FATAL, "the connection is in the midst of something");
}

int pg_pipe_enter(struct pg_pipe *p)
{
	return p->db->conn && p->db->pq->enter_pipeline(p->db->conn) ? 0 : lost(p);
}

void pg_pipe_leave(struct pg_pipe *p)
{
	if (p->db->conn && !p->db->pq->exit_pipeline(p->db->conn))
		BUG("answers are awaited");
}

void pg_pipe_blame(struct pg_pipe *p, const struct pg_sent *what, const char *text,
		   int position, const struct err *why)
{
	p->failed = true;
	p->lost = !p->db->conn;
	p->err = *why;
	p->position = position;
	p->culprit = *what;
	p->culprit.text = xstrdup(text);
	if (!p->lost)
		pg_pipe_enter(p);
}

void pg_pipe_close(struct pg_pipe *p)
{
	size_t i;

	for (i = 0; i < p->nr; i++)
		free(p->queue[i].text);
	free(p->culprit.text);
	free(p->queue);
	if (p->db->conn && !p->db->pq->exit_pipeline(p->db->conn))
		pg_abandon(p->db);
	memset(p, 0, sizeof(*p));
}

/* The answer to this one comes next. */
static void look_at(struct pg_pipe *p, const struct pg_sent *at)
{
	p->db->line = at->line;
	if (!at->sync && !at->row) /* row by row, so that none pile up here */
		p->db->pq->set_single_row_mode(p->db->conn);
}

/* What is at the head of the queue has been answered. */
static void pop(struct pg_pipe *p)
{
	struct pg_sent *at = head(p);
	int64_t now = clock_ms();

	if (at->ok && p->answered)
		p->answered(p->arg, at,
			    now - (p->since > at->since ? p->since : at->since));
	p->since = now;
	p->weight -= at->weight;
	free(at->text);
	at->text = NULL;
	p->first++;
	p->seen = false;
	at = head(p);
	if (at)
		look_at(p, at);
	else
		p->first = p->nr = 0;
}

static void take_error(struct pg_pipe *p, const PGresult *res)
{
	struct pg_answer answer = { .code = ERR_REFUSED };
	struct err why = { 0 };

	head(p)->ok = false;
	pg_server_error(p->db, res, &answer, &why);
	if (!why.sqlstate[0]) { /* libpq's own word */
		if (p->db->pq->status(p->db->conn) != CONNECTION_OK) {
			lost(p); /* libpq has a result of its own for all that waits */
			return;
		}
		why.code = ERR_FATAL;
	}
	if (p->failed && p->err.code != ERR_INTERRUPTED)
		return;
	if (p->interrupted) /* what it was doing when the signal came */
		err_set(&why, ERR_INTERRUPTED, "interrupted");
	free(p->culprit.text);
	memset(&p->culprit, 0, sizeof(p->culprit));
	p->failed = false;
	blame(p, &why);
	p->position = answer.position;
}

/* "UPDATE 12", "INSERT 0 12"; 0 where the tag has no number. */
static uint64_t tag_rows(const char *tag)
{
	const char *number = strrchr(tag, ' ');

	return number ? strtoull(number + 1, NULL, 10) : 0;
}

static void take_rows(struct pg_pipe *p, const PGresult *res)
{
	struct pg_sent *at = head(p);
	struct pg_answer answer = { .row = at->row, .arg = at->row_arg };
	const char *tag = p->db->pq->cmd_status((PGresult *)res);
	struct err why = { 0 };

	at->ok = pg_tell_rows(p->db, res, &answer, &why) == 0;
	at->rows = tag_rows(tag);
	if (at->ok && at->wanted && strcmp(tag, at->wanted) != 0) {
		at->ok = false;
		err_set(&why, ERR_REFUSED,
			"the server answered %s with '%s': nothing was applied",
			at->wanted, tag);
	}
	if (!at->ok)
		blame(p, &why);
}

static void refuse_copy(struct pg_pipe *p)
{
	struct err why = { 0 };

	err_set(&why, ERR_FATAL, "the server began a COPY that nobody asked for");
	blame(p, &why);
	pg_abandon(p->db);
	p->lost = true;
}

static void take_result(struct pg_pipe *p, const PGresult *res)
{
	p->seen = true;
	switch (p->db->pq->result_status(res)) {
	case PGRES_PIPELINE_SYNC:
		pop(p);
		break;
	case PGRES_PIPELINE_ABORTED:
		break;
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
	case PGRES_EMPTY_QUERY:
		take_rows(p, res);
		break;
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
	case PGRES_COPY_BOTH:
		/* libpq would give this one again and again */
		refuse_copy(p);
		break;
	default:
		take_error(p, res);
		break;
	}
}

/* Takes all answers that are here, without waiting. 0, or -1: no connection. */
static int take(struct pg_pipe *p)
{
	unsigned strays = 0;
	PGresult *res;

	while (p->first < p->nr && !p->db->pq->is_busy(p->db->conn)) {
		res = p->db->pq->get_result(p->db->conn);
		if (res) {
			take_result(p, res);
			p->db->pq->clear(res);
			if (p->lost)
				return -1;
			strays = 0;
		} else if (p->seen) {
			pop(p);
		} else if (p->db->pq->status(p->db->conn) != CONNECTION_OK ||
			   ++strays > STRAYS_MAX) {
			return lost(p);
		}
	}
	return 0;
}

/* After a signal: what runs is cancelled, again and again, until it has ended. */
static int wait_cancelled(struct pg_pipe *p, short events)
{
	struct pollfd pfd = { .fd = p->db->pq->socket(p->db->conn), .events = events };

	if (!p->tidying)
		pg_cancel(p->db);
	if (poll(&pfd, 1, PG_CANCEL_EVERY_MS) < 0 && errno != EINTR)
		return lost(p);
	return clock_ms() < p->give_up ? 0 : lost(p);
}

static int wait_for(struct pg_pipe *p, short events)
{
	struct err why = { 0 };
	int rc;

	if (p->interrupted)
		return wait_cancelled(p, events);
	rc = pg_wait(p->db, events, p->idle ? p->idle_ms : -1, &why);
	if (rc == 0 && p->idle)
		p->idle(p->arg);
	if (rc >= 0)
		return 0;
	if (!p->db->conn) { /* pg_wait found it closed */
		p->lost = true;
		blame(p, &why);
		return -1;
	}
	p->interrupted = true;
	p->give_up = clock_ms() + PG_GIVE_UP_MS;
	blame(p, &why);
	return 0;
}

/* Sends what can be sent, waits, and takes what comes. */
static int turn(struct pg_pipe *p)
{
	int rc = p->db->pq->flush(p->db->conn);

	if (take(p) < 0)
		return -1;
	if (p->first == p->nr)
		return 0;
	if (rc < 0)
		return lost(p);
	if (wait_for(p, rc ? POLLIN | POLLOUT : POLLIN) < 0)
		return -1;
	p->db->pq->consume_input(p->db->conn);
	if (take(p) < 0) /* what came before an end is taken in any case */
		return -1;
	if (p->first < p->nr && p->db->pq->status(p->db->conn) != CONNECTION_OK)
		return lost(p);
	return 0;
}

/* Puts what was sent at the end of the queue. */
static struct pg_sent *push(struct pg_pipe *p, const struct pg_sent *what, size_t len)
{
	struct pg_sent *s;

	if (p->first > p->nr / 2) { /* no more room than for what is under way */
		memmove(p->queue, p->queue + p->first,
			(p->nr - p->first) * sizeof(*p->queue));
		p->nr -= p->first;
		p->first = 0;
	}
	VEC_GROW(p->queue, p->nr, p->alloc);
	s = &p->queue[p->nr++];
	*s = *what;
	s->weight = len + ENTRY_WEIGHT;
	s->since = clock_ms();
	p->weight += s->weight;
	if (p->nr - p->first == 1)
		look_at(p, s);
	return s;
}

/*
 * The text is kept for errors: one that fills the window is answered before the next
 * is sent, so that the caller's own does.
 */
static void keep_text(struct pg_sent *s, const char *sql)
{
	s->borrowed = sql && s->weight > WINDOW ? sql : NULL;
	s->text = sql && !s->borrowed ? xstrdup(sql) : NULL;
}

/* The caller's text goes: after a failure alone something still needs it. */
static void let_go_of(struct pg_pipe *p, const char *sql)
{
	size_t i;

	for (i = p->first; i < p->nr; i++) {
		if (p->queue[i].borrowed != sql)
			continue;
		p->queue[i].text = xstrdup(sql);
		p->queue[i].borrowed = NULL;
	}
}

/*
 * Gives the kernel what was composed, and waits until it takes it: to compose more
 * meanwhile would try in vain with each message.
 */
static int hand_over(struct pg_pipe *p)
{
	int rc;

	while ((rc = p->db->pq->flush(p->db->conn)) > 0 && !p->failed)
		if (turn(p) < 0)
			return -1;
	p->unsent = 0;
	return rc < 0 ? lost(p) : 0;
}

int pg_pipe_send(struct pg_pipe *p, const struct pg_sent *what, const char *sql,
		 const char *const *params, size_t nr)
{
	size_t len = strlen(sql), i;
	struct pg_sent *s;

	if (p->failed)
		return -1;
	if (!p->db->pq->send_query_params(p->db->conn, sql, (int)nr, NULL, params, NULL,
					  NULL, 0))
		return lost(p);
	for (i = 0; i < nr; i++)
		len += params[i] ? strlen(params[i]) : 0;
	s = push(p, what, len);
	keep_text(s, what->script ? sql : NULL);
	p->unsent += s->weight;
	if ((what->timed || p->weight > WINDOW) &&
	    !p->db->pq->send_flush_request(p->db->conn))
		return lost(p);
	if (p->unsent > PIECE && hand_over(p) < 0) {
		let_go_of(p, sql);
		return -1;
	}
	if (p->weight <= WINDOW)
		return p->failed ? -1 : 0;
	while (!p->failed && p->weight > WINDOW / 2)
		if (turn(p) < 0)
			break;
	let_go_of(p, sql);
	return p->failed ? -1 : 0;
}

int pg_pipe_ask_answers(struct pg_pipe *p)
{
	if (p->failed)
		return -1;
	if (!p->db->pq->send_flush_request(p->db->conn))
		return lost(p);
	if (hand_over(p) < 0)
		return -1;
	p->db->pq->consume_input(p->db->conn); /* an end is seen by the next wait */
	return take(p) < 0 || p->failed ? -1 : 0;
}

int pg_pipe_sync(struct pg_pipe *p)
{
	const struct pg_sent what = { .unit = SIZE_MAX, .sync = true };

	if (p->lost)
		return -1;
	if (!p->db->pq->pipeline_sync(p->db->conn))
		return lost(p);
	push(p, &what, 0);
	return 0;
}

int pg_pipe_drain(struct pg_pipe *p)
{
	if (pg_pipe_sync(p) < 0)
		return -1;
	while (p->first < p->nr)
		if (turn(p) < 0)
			return -1;
	if (p->db->pq->status(p->db->conn) != CONNECTION_OK)
		return lost(p);
	return p->failed ? -1 : 0;
}

static void send_anyhow(struct pg_pipe *p, const char *sql)
{
	const struct pg_sent what = { .unit = SIZE_MAX };

	if (p->lost)
		return;
	if (p->db->pq->send_query_params(p->db->conn, sql, 0, NULL, NULL, NULL, NULL, 0))
		push(p, &what, 0);
	else
		lost(p);
	pg_pipe_sync(p);
}

void pg_pipe_rollback(struct pg_pipe *p)
{
	if (p->lost || p->db->pq->transaction_status(p->db->conn) == PQTRANS_IDLE)
		return;
	p->tidying = true;
	p->answered = NULL;
	send_anyhow(p, "ROLLBACK");
	if (p->db->caps.resets[0]) { /* ROLLBACK leaves them */
		send_anyhow(p, "DEALLOCATE ALL");
		send_anyhow(p, "SELECT pg_catalog.pg_advisory_unlock_all()");
	}
	pg_pipe_drain(p);
}

static void note_done(void *arg, const struct pg_sent *sent, int64_t ms UNUSED)
{
	struct pg_pipe *p = arg;

	p->said |= !sent->sync;
}

bool pg_pipe_say_last(struct pg_pipe *p, const char *sql)
{
	p->said = false;
	p->tidying = true;
	p->idle = NULL;
	p->answered = note_done;
	p->arg = p;
	send_anyhow(p, sql);
	pg_pipe_drain(p);
	p->answered = NULL;
	return p->said;
}
