/*
 * One exchange with a PostgreSQL server: libpq's asynchronous calls, with all
 * waiting done by the waiter.
 */
#include "base/compat.h"

#include <poll.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "db/pg.h"
#include "sql/split.h"

enum { COPY_PIECE = 1024 * 1024, SECRET_MIN = 4 };

/* --- errors ------------------------------------------------------------ */

static void hide(struct buf *text, const char *secret)
{
	static const char stars[] = "********";
	size_t len = strlen(secret);
	struct buf clean = BUF_INIT;
	const char *at = buf_str(text), *found;

	if (len < SECRET_MIN) /* stars for each "p" would tell what it is */
		return;
	while ((found = strstr(at, secret)) != NULL) {
		buf_add(&clean, at, (size_t)(found - at));
		buf_adds(&clean, stars);
		at = found + len;
	}
	buf_adds(&clean, at);
	buf_release(text);
	*text = clean;
}

void pg_message(struct db *db, struct buf *out)
{
	struct buf text = BUF_INIT;
	size_t i;

	buf_adds(&text, db->pq->error_message(db->conn));
	for (i = 0; i < ARRAY_SIZE(db->secrets); i++)
		hide(&text, db->secrets[i] ? db->secrets[i] : "");
	while (text.len && text.s[text.len - 1] == '\n')
		text.s[--text.len] = '\0';
	/* libpq folds and indents its lines */
	for (i = 0; i < text.len; i++)
		if (!ascii_isspace((unsigned char)text.s[i]))
			buf_addc(out, text.s[i]);
		else if (i > 0 && !ascii_isspace((unsigned char)text.s[i - 1]))
			buf_addc(out, ' ');
	buf_release(&text);
}

static void hint_lost(struct err *err)
{
	err_hint(err, "connection-lost",
		 "What had not been committed is rolled back by the server. When it can "
		 "be reached again, run the command again.");
}

int pg_alive(struct db *db, struct err *err)
{
	if (db->conn)
		return 0;
	err_set(err, ERR_FATAL, "the connection to the server is closed");
	hint_lost(err);
	return -1;
}

static void close_connection(struct db *db)
{
	if (db->conn)
		db->pq->finish(db->conn);
	db->conn = NULL;
}

int pg_lost(struct db *db, struct err *err)
{
	struct buf why = BUF_INIT;

	pg_message(db, &why);
	err_set(err, ERR_FATAL, "lost the connection to the server: %s",
		why.len ? buf_str(&why) : "no reason given");
	hint_lost(err);
	buf_release(&why);
	close_connection(db);
	return -1;
}

void pg_abandon(struct db *db)
{
	if (!db->conn)
		return;
	if (db->pq->transaction_status(db->conn) == PQTRANS_ACTIVE)
		pg_cancel(db);
	close_connection(db);
}

static const char *field(struct db *db, const PGresult *res, int which)
{
	const char *text = db->pq->result_error_field(res, which);

	return text ? text : "";
}

/* The server's own words. */
void pg_server_error(struct db *db, const PGresult *res, struct pg_answer *answer,
		     struct err *err)
{
	const char *detail = field(db, res, PG_DIAG_MESSAGE_DETAIL);
	const char *context = field(db, res, PG_DIAG_CONTEXT);
	const char *hint = field(db, res, PG_DIAG_MESSAGE_HINT);

	err_set(err, answer->code, "%s", field(db, res, PG_DIAG_MESSAGE_PRIMARY));
	snprintf(err->sqlstate, sizeof(err->sqlstate), "%s",
		 field(db, res, PG_DIAG_SQLSTATE));
	if (detail[0] || context[0])
		err_detail(err, "%s%s%s", detail, detail[0] && context[0] ? "\n" : "",
			   context);
	err_server_hint(err, hint);
	if (strcmp(err->sqlstate, "40001") == 0 || strcmp(err->sqlstate, "40P01") == 0)
		err_hint(err, "serialization",
			 "Another transaction was in the way, and this one was rolled "
			 "back: "
			 "run the command again.");
	answer->position = atoi(field(db, res, PG_DIAG_STATEMENT_POSITION));
}

/* --- waiting ----------------------------------------------------------- */

int pg_wait(struct db *db, short events, int timeout_ms, struct err *err)
{
	int fd = db->pq->socket(db->conn);

	if (fd < 0)
		return pg_lost(db, err);
	return db->waiter->wait(db->waiter->arg, fd, events, timeout_ms, err);
}

static bool was_ended(const struct db *db)
{
	return db->ended.code != ERR_NONE;
}

/* 0 to go on, -1 when it has been long enough. */
static int wait_cancelled(struct db *db, short events)
{
	struct pollfd pfd = { .fd = db->pq->socket(db->conn), .events = events };

	pg_cancel(db);
	if (poll(&pfd, 1, PG_CANCEL_EVERY_MS) < 0 && errno != EINTR)
		return -1;
	return clock_ms() < db->give_up ? 0 : -1;
}

/*
 * As pg_wait without an end, reading what comes. When the wait is ended the
 * exchange is brought to its end all the same: then the connection can be used.
 */
static int wait_and_read(struct db *db, short events, struct err *err)
{
	if (!was_ended(db) && pg_wait(db, events, -1, err) < 0) {
		if (!db->conn)
			return -1;
		db->ended = *err;
		db->give_up = clock_ms() + PG_GIVE_UP_MS;
	}
	if (was_ended(db) && wait_cancelled(db, events) < 0) {
		*err = db->ended;
		pg_abandon(db);
		return -1;
	}
	/* a failure shows in the next result */
	db->pq->consume_input(db->conn);
	return 0;
}

static int flush(struct db *db, struct err *err)
{
	int rc;

	while ((rc = db->pq->flush(db->conn)) == 1)
		if (wait_and_read(db, POLLIN | POLLOUT, err) < 0)
			return -1;
	return rc < 0 ? pg_lost(db, err) : 0;
}

/* The next result, NULL when there is none left. */
static int next_result(struct db *db, PGresult **out, struct err *err)
{
	*out = NULL;
	while (db->pq->is_busy(db->conn))
		if (wait_and_read(db, POLLIN, err) < 0)
			return -1;
	*out = db->pq->get_result(db->conn);
	return 0;
}

/* --- answers ----------------------------------------------------------- */

int pg_tell_rows(struct db *db, const PGresult *res, const struct pg_answer *answer,
		 struct err *err)
{
	int nr = db->pq->nfields(res), rows = db->pq->ntuples(res), row, col, ret = 0;
	const char **values;

	if (!answer->row || nr == 0)
		return 0;
	values = xcalloc((size_t)nr, sizeof(*values));
	for (row = 0; row < rows && ret == 0; row++) {
		for (col = 0; col < nr; col++)
			values[col] = db->pq->getisnull(res, row, col)
					      ? NULL
					      : db->pq->getvalue(res, row, col);
		ret = answer->row(answer->arg, values, (size_t)nr, err);
	}
	free(values);
	return ret;
}

/* COPY ... TO STDOUT: read to its end, for nobody. */
static int discard_copy(struct db *db, struct err *err)
{
	char *data;
	int len;

	while ((len = db->pq->get_copy_data(db->conn, &data, 1)) >= 0) {
		if (len > 0)
			db->pq->freemem(data);
		else if (wait_and_read(db, POLLIN, err) < 0)
			return -1;
	}
	return 0; /* -1 is the end; an error, -2, shows in the next result */
}

static int end_copy(struct db *db, const char *why, struct err *err)
{
	int rc;

	while ((rc = db->pq->put_copy_end(db->conn, why)) == 0)
		if (wait_and_read(db, POLLIN | POLLOUT, err) < 0)
			return -1;
	return rc < 0 ? pg_lost(db, err) : flush(db, err);
}

/*
 * One result. Returns 1 when the talk can go on, -1 when it cannot; the first
 * thing that went wrong is kept in *err, where err->code tells.
 */
static int take_result(struct db *db, const PGresult *res, struct pg_answer *answer,
		       struct err *err)
{
	struct err first = *err;

	switch (db->pq->result_status(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
	case PGRES_EMPTY_QUERY:
		if (first.code == ERR_NONE)
			pg_tell_rows(db, res, answer, err);
		snprintf(answer->tag, sizeof(answer->tag), "%s",
			 db->pq->cmd_status((PGresult *)res));
		break;
	case PGRES_COPY_OUT:
		if (discard_copy(db, err) < 0)
			return -1;
		break;
	case PGRES_COPY_IN:
		if (end_copy(db, "no data was given", err) < 0)
			return -1;
		break;
	default:
		/* without a code it is libpq's own: lost, and seen as such later */
		if (first.code == ERR_NONE && field(db, res, PG_DIAG_SQLSTATE)[0])
			pg_server_error(db, res, answer, err);
		break;
	}
	if (first.code != ERR_NONE)
		*err = first;
	return 1;
}

/* Cancelling is no failure of what was cancelled. */
static int tell_failure(const struct db *db, const struct err *first, struct err *err)
{
	*err = was_ended(db) ? db->ended : *first;
	return -1;
}

int pg_collect(struct db *db, struct pg_answer *answer, struct err *err)
{
	struct err first = { 0 };
	PGresult *res;
	int rc;

	if (flush(db, err) < 0)
		return -1;
	for (;;) {
		if (next_result(db, &res, err) < 0)
			return -1;
		if (!res)
			break;
		rc = take_result(db, res, answer, &first);
		db->pq->clear(res);
		if (rc < 0) {
			*err = first;
			return -1;
		}
	}
	if (db->pq->status(db->conn) != CONNECTION_OK) {
		if (first.code == ERR_NONE)
			return pg_lost(db, err);
		close_connection(db);
	}
	return first.code == ERR_NONE ? 0 : tell_failure(db, &first, err);
}

/* Before anything is sent. 0 or -1. */
static int begin(struct db *db, struct err *err)
{
	memset(&db->ended, 0, sizeof(db->ended));
	return pg_alive(db, err);
}

int pg_exec(struct db *db, const char *sql, struct pg_answer *answer, struct err *err)
{
	if (begin(db, err) < 0)
		return -1;
	if (!db->pq->send_query(db->conn, sql))
		return pg_lost(db, err);
	return pg_collect(db, answer, err);
}

int pg_exec_params(struct db *db, const char *sql, const char *const *params,
		   size_t nr_params, struct pg_answer *answer, struct err *err)
{
	if (begin(db, err) < 0)
		return -1;
	if (!db->pq->send_query_params(db->conn, sql, (int)nr_params, NULL, params, NULL,
				       NULL, 0))
		return pg_lost(db, err);
	if (!answer->row) /* row by row, so that none pile up here */
		db->pq->set_single_row_mode(db->conn);
	return pg_collect(db, answer, err);
}

/* 1; 0 when the server takes no more, and says why later; -1 */
static int put_data(struct db *db, const char *data, size_t len, struct err *err)
{
	size_t piece;
	int rc;

	for (; len > 0 && !was_ended(db); data += piece, len -= piece) {
		piece = len < COPY_PIECE ? len : COPY_PIECE;
		while ((rc = db->pq->put_copy_data(db->conn, data, (int)piece)) == 0)
			if (wait_and_read(db, POLLIN | POLLOUT, err) < 0)
				return -1;
		if (rc < 0)
			return 0; /* the next result says why */
		if (flush(db, err) < 0)
			return -1;
	}
	return 1;
}

static int put_all(struct db *db, struct sql_split *split, const struct pg_answer *answer,
		   struct err *err)
{
	const char *data;
	size_t len;
	int rc = 0;

	while (!was_ended(db) && (rc = sql_split_data(split, &data, &len, err)) > 0) {
		rc = put_data(db, data, len, err);
		if (rc <= 0)
			return rc;
		if (answer->moved)
			answer->moved(answer->moved_arg, split);
	}
	if (rc < 0) { /* the file was read before, but is not what it was */
		pg_abandon(db);
		return -1;
	}
	return end_copy(db, was_ended(db) ? "interrupted" : NULL, err);
}

int pg_copy(struct db *db, const char *sql, struct sql_split *split,
	    struct pg_answer *answer, struct err *err)
{
	struct err first = { 0 }, ignored;
	ExecStatusType status;
	PGresult *res;

	if (begin(db, err) < 0)
		return -1;
	if (!db->pq->send_query(db->conn, sql))
		return pg_lost(db, err);
	if (flush(db, err) < 0 || next_result(db, &res, err) < 0)
		return -1;
	status = db->pq->result_status(res);
	if (status != PGRES_COPY_IN)
		take_result(db, res, answer, &first);
	db->pq->clear(res);
	if (status == PGRES_COPY_IN && put_all(db, split, answer, err) < 0)
		return -1;
	if (first.code == ERR_NONE)
		return pg_collect(db, answer, err);
	pg_collect(db, answer, &ignored);
	return tell_failure(db, &first, err);
}
