#include "base/compat.h"

#include <poll.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"
#include "db/pg_limit.h"
#include "db/pg_schema.h"
#include "sql/enums.h"

enum {
	CONNECT_SECONDS = 30,
	LOCK_TIMEOUT_MS = 200, /* longest that a migration makes others queue behind it */
};

/* Of what is asked: what is no caller's question. */
#define UNIT_OWN SIZE_MAX
#define UNIT_IDENTITY (SIZE_MAX - 1)

/* --- URLs -------------------------------------------------------------- */

static bool accepts(const char *url)
{
	return starts_with(url, "postgresql://") || starts_with(url, "postgres://");
}

static int describe(const char *url, struct buf *out, bool *has_password, struct err *err)
{
	const struct pq *pq = pq_load(err);
	PQconninfoOption *options;

	if (!pq)
		return -1;
	options = pg_url_parse(pq, url, err);
	if (!options)
		return -1;
	*has_password = pg_url_get(options, "password") ||
			pg_url_get(options, "sslpassword");
	pg_url_show(options, out);
	pq->conninfo_free(options);
	return 0;
}

/* --- opening ----------------------------------------------------------- */

void pg_free(struct db *db)
{
	size_t i;

	if (!db)
		return;
	if (db->conn)
		db->pq->finish(db->conn);
	for (i = 0; i < ARRAY_SIZE(db->secrets); i++)
		free(db->secrets[i]);
	free((char *)db->how.url);
	free((char *)db->how.application);
	free(db->identity);
	free(db);
}

static void on_notice(void *arg, const PGresult *res)
{
	struct db *db = arg;
	const char *severity = db->pq->result_error_field(res,
							  PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = db->pq->result_error_field(res, PG_DIAG_MESSAGE_PRIMARY);

	if (db->notice && message)
		db->notice(db->notice_arg, severity ? severity : "NOTICE", message,
			   db->line);
}

static void keep_secrets(struct db *db, const PQconninfoOption *options)
{
	const char *const texts[] = { pg_url_get(options, "password"),
				      pg_url_get(options, "sslpassword"),
				      getenv("PGPASSWORD") };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		free(db->secrets[i]);
		db->secrets[i] = xstrdup(texts[i] ? texts[i] : "");
	}
}

/* Starts connecting with the URL's parameters and ours. */
static PGconn *start(const struct pq *pq, const PQconninfoOption *options,
		     const char *application)
{
	const char **words, **values;
	const PQconninfoOption *o;
	PGconn *conn;
	size_t nr = 0;

	for (o = options; o->keyword; o++)
		nr++;
	words = xcalloc(nr + 3, sizeof(*words));
	values = xcalloc(nr + 3, sizeof(*values));
	nr = 0;
	for (o = options; o->keyword; o++) {
		if (!o->val || strcmp(o->keyword, "client_encoding") == 0)
			continue;
		words[nr] = o->keyword;
		values[nr++] = o->val;
	}
	words[nr] = "client_encoding";
	values[nr++] = "UTF8";
	words[nr] = "fallback_application_name";
	values[nr++] = application;
	conn = pq->connect_start(words, values, 0);
	free(words);
	free(values);
	if (!conn)
		BUG("libpq made no connection object");
	return conn;
}

static int64_t connect_deadline(const PQconninfoOption *options, unsigned usual_s)
{
	const char *seconds = pg_url_get(options, "connect_timeout");
	int n;

	if (!seconds)
		seconds = getenv("PGCONNECT_TIMEOUT");
	n = seconds ? atoi(seconds) : 0;
	return clock_ms() + 1000 * (int64_t)(n > 0     ? n
					     : usual_s ? (int)usual_s
						       : CONNECT_SECONDS);
}

static int refuse_connection(struct db *db, const struct buf *shown, const char *why,
			     struct err *err)
{
	struct buf text = BUF_INIT;

	pg_message(db, &text);
	err_set(err, ERR_FATAL, "could not connect to '%s': %s", buf_str(shown),
		why ? why : buf_str(&text));
	err_hint(err, "connect",
		 "Is the server up, and do host, port, user and database exist there? "
		 "Passwords are taken from PGPASSWORD, ~/.pgpass or a service file.");
	buf_release(&text);
	return -1;
}

/* Waits until the connection stands. */
static int finish_connecting(struct db *db, const struct buf *shown, int64_t deadline,
			     struct err *err)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	int64_t left;
	int rc;

	while (db->pq->status(db->conn) != CONNECTION_BAD) {
		left = deadline - clock_ms();
		if (db->pq->socket(db->conn) < 0)
			break;
		rc = pg_wait(db, status == PGRES_POLLING_READING ? POLLIN : POLLOUT,
			     left > 0 ? (int)left : 0, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return refuse_connection(db, shown, "no answer in time", err);
		status = db->pq->connect_poll(db->conn);
		if (status == PGRES_POLLING_OK)
			return 0;
		if (status == PGRES_POLLING_FAILED)
			break;
	}
	return refuse_connection(db, shown, NULL, err);
}

/* Connects `db`, which has none. 0 or -1. */
static int connect_db(struct db *db, struct err *err)
{
	PQconninfoOption *options = pg_url_parse(db->pq, db->how.url, err);
	struct buf shown = BUF_INIT;
	int ret;

	if (!options)
		return -1;
	pg_url_show(options, &shown);
	keep_secrets(db, options);
	free(db->identity);
	db->identity = NULL;
	db->conn = start(db->pq, options, db->how.application);
	db->pq->set_notice_receiver(db->conn, on_notice, db);
	ret = finish_connecting(db, &shown, connect_deadline(options, db->how.connect_s),
				err);
	if (ret == 0) {
		db->pq->set_nonblocking(db->conn, 1);
		ret = pg_probe(db, err);
	}
	if (ret < 0) {
		db->pq->finish(db->conn);
		db->conn = NULL;
	}
	buf_release(&shown);
	db->pq->conninfo_free(options);
	return ret;
}

static int db_open(struct db **out, const struct db_open *how, struct err *err)
{
	const struct pq *pq = pq_load(err);
	struct db *db;

	if (!pq)
		return -1;
	db = xcalloc(1, sizeof(*db));
	db->pq = pq;
	db->how = *how;
	db->how.url = xstrdup(how->url);
	db->how.application = xstrdup(how->application);
	db->waiter = how->waiter;
	db->notice = how->notice;
	db->notice_arg = how->notice_arg;
	db->lock_timeout_ms = how->lock_timeout_ms ? how->lock_timeout_ms
						   : LOCK_TIMEOUT_MS;
	if (connect_db(db, err) < 0) {
		pg_free(db);
		return -1;
	}
	*out = db;
	return 0;
}

int pg_open_like(struct db *db, const struct db_waiter *waiter, struct db **out,
		 struct err *err)
{
	struct db_open how = db->how;

	how.notice = NULL;
	if (waiter)
		how.waiter = waiter;
	return db_open(out, &how, err);
}

static int reconnect(struct db *db, struct err *err)
{
	pg_abandon(db);
	return connect_db(db, err);
}

/* --- facts ------------------------------------------------------------- */

static const char *engine(struct db *db)
{
	return db->engine;
}

static const struct db_capabilities *capabilities(struct db *db)
{
	return &db->caps;
}

static int add_first(void *arg, const char *const *values, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	if (values[0])
		buf_adds(arg, values[0]);
	return 0;
}

static bool state_is(const struct err *err, const char *const *states, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (strcmp(err->sqlstate, states[i]) == 0)
			return true;
	return false;
}

/* --- asking ------------------------------------------------------------ */

void pg_rollback(struct db *db)
{
	struct pg_answer answer = { .code = ERR_FATAL };
	PGTransactionStatusType status;
	struct err ignored;

	if (!db->conn)
		return;
	status = db->pq->transaction_status(db->conn);
	if (status == PQTRANS_ACTIVE || status == PQTRANS_UNKNOWN)
		pg_abandon(db); /* the server rolls back */
	else if (status != PQTRANS_IDLE)
		pg_exec(db, "ROLLBACK", &answer, &ignored);
}

/* Whether what a question is about is not there: a table, schema or function. */
static bool is_lack(const struct err *err)
{
	static const char *const states[] = { "42P01", "3F000", "42883" };

	return state_is(err, states, ARRAY_SIZE(states));
}

const char *pg_own_settings(const struct db *db)
{
	if (db->caps.fresh_session) /* they were made when it began */
		return PG_OWN_PATH;
	return "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),"
	       " pg_catalog.set_config('statement_timeout', '0', true),"
	       " pg_catalog.set_config('lock_timeout', '0', true),"
	       " pg_catalog.set_config('idle_in_transaction_session_timeout', '0', "
	       "true), " PG_LIMIT_OFF("transaction_timeout");
}

static const char identity_sql[] =
	"SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system())::text"
	" || '/' || (SELECT oid FROM pg_catalog.pg_database"
	" WHERE datname = pg_catalog.current_database())::text";

/* As a server without an identity: there is no such function, or it is not for us. */
static bool has_no_identity(const struct err *err)
{
	static const char *const states[] = { "42501" };

	return is_lack(err) || state_is(err, states, ARRAY_SIZE(states));
}

/* Where it is there as a rule: most commands ask for it behind what they ask first. */
static bool may_tell_identity(const struct db *db)
{
	return !db->probed && !db->identity && db->caps.known &&
	       strcmp(db->caps.product, "postgresql") == 0;
}

/* What a connection is asked once: what it leads to, and which one that is. */
static void send_first(struct pg_pipe *p, struct buf *identity)
{
	const struct pg_sent probe = { .unit = UNIT_OWN,
				       .row = pg_probe_row,
				       .row_arg = p->db };
	const struct pg_sent which = { .unit = UNIT_IDENTITY,
				       .row = add_first,
				       .row_arg = identity };

	if (pg_probe_question(p->db)) {
		pg_pipe_send(p, &probe, pg_probe_question(p->db), NULL, 0);
		p->db->probed = true;
	}
	if (identity)
		pg_pipe_send(p, &which, identity_sql, NULL, 0);
}

/*
 * All that is asked, and the end of the transaction, before any answer is read; but for
 * those before a question that may be needless by what they tell. 0 or -1.
 */
static int send_questions(struct pg_pipe *p, struct db_question *questions, size_t nr,
			  struct buf *identity)
{
	const struct pg_sent own = { .unit = UNIT_OWN };
	bool told = false;
	size_t i;

	pg_pipe_send(p, &own, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, 0);
	pg_pipe_send(p, &own, pg_own_settings(p->db), NULL, 0);
	send_first(p, identity);
	for (i = 0; i < nr; i++) {
		const struct db_statement *st = &questions[i].ask;
		const struct pg_sent what = { .unit = i,
					      .row = questions[i].row,
					      .row_arg = questions[i].arg };

		questions[i].lacks = false;
		if (questions[i].needless) {
			if (!told && pg_pipe_drain(p) < 0)
				return -1;
			told = true;
			if (*questions[i].needless)
				continue;
		}
		pg_pipe_send(p, &what, st->sql, st->params, st->nr);
	}
	pg_pipe_sync(p);
	pg_pipe_send(p, &own, "ROLLBACK", NULL, 0);
	return 0;
}

/* 0; 1 where `identity` was asked for in vain, and the questions not answered; -1. */
static int ask_with(struct db *db, struct db_question *questions, size_t nr,
		    struct buf *identity, struct err *err)
{
	struct pg_pipe p;
	size_t i;
	int ret;

	if (pg_pipe_open(&p, db, err) < 0)
		return -1;
	ret = send_questions(&p, questions, nr, identity);
	if (ret == 0)
		ret = pg_pipe_drain(&p);
	if (ret < 0)
		*err = p.err;
	if (ret < 0 && p.culprit.unit == UNIT_IDENTITY && has_no_identity(err)) {
		memset(err, 0, sizeof(*err));
		ret = 1;
	}
	if (ret < 0 && p.culprit.unit < nr && is_lack(err)) {
		for (i = p.culprit.unit; i < nr; i++)
			questions[i].lacks = true;
		memset(err, 0, sizeof(*err));
		ret = 0;
	}
	pg_pipe_close(&p);
	pg_rollback(db);
	return ret;
}

static int ask_once(struct db *db, struct db_question *questions, size_t nr,
		    struct err *err)
{
	struct buf identity = BUF_INIT;
	bool told = may_tell_identity(db);
	int ret = ask_with(db, questions, nr, told ? &identity : NULL, err);

	if (told && ret >= 0)
		db->identity = xstrdup(buf_str(&identity));
	buf_release(&identity);
	return ret > 0 ? ask_with(db, questions, nr, NULL, err) : ret;
}

static int ask(struct db *db, struct db_question *questions, size_t nr, struct err *err)
{
	int ret = ask_once(db, questions, nr, err);

	/* idle_session_timeout: it had ended before anything was asked */
	if (ret == 0 || strcmp(err->sqlstate, "57P05") != 0)
		return ret;
	return reconnect(db, err) < 0 ? -1 : ask_once(db, questions, nr, err);
}

static int ask_identity(struct db *db, struct buf *out, struct err *err)
{
	struct db_question question = { .ask = { identity_sql, NULL, 0 },
					.row = add_first,
					.arg = out };

	if (ask(db, &question, 1, err) == 0)
		return 0;
	if (!has_no_identity(err))
		return -1;
	memset(err, 0, sizeof(*err));
	return 0;
}

/* The same as long as the connection is. */
static int identity(struct db *db, struct buf *out, struct err *err)
{
	struct buf answer = BUF_INIT;
	int ret = 0;

	if (!db->identity || !db->conn) {
		ret = ask_identity(db, &answer, err);
		if (ret == 0 && !db->identity)
			db->identity = xstrdup(buf_str(&answer));
	}
	if (ret == 0)
		buf_adds(out, db->identity);
	buf_release(&answer);
	return ret;
}

static int settle(struct db *db, struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };

	if (!db->caps.one_wal || pg_exec(db, PG_SETTLE, &answer, err) == 0)
		return 0;
	/* a standby gets what is on the disk; who may not say it has waited each time */
	if (strcmp(err->sqlstate, "25006") != 0 && strcmp(err->sqlstate, "42501") != 0)
		return -1;
	memset(err, 0, sizeof(*err));
	return 0;
}

/* --- our own questions ------------------------------------------------- */

static bool is_undefined_column(const struct err *err)
{
	return strcmp(err->sqlstate, "42703") == 0;
}

static bool is_conflict(const struct err *err)
{
	static const char *const states[] = { "23505", "55P03", "42P06",
					      "42P07", "42710", "42723" };

	return state_is(err, states, ARRAY_SIZE(states)) ||
	       (strcmp(err->sqlstate, "XX000") == 0 &&
		strstr(err->message, "tuple concurrently updated"));
}

static bool is_passing(const struct err *err)
{
	static const char *const states[] = { "55P03", "40001", "40P01" };

	return state_is(err, states, ARRAY_SIZE(states));
}

/* A new value of an enum. Of a text that is too long to be at hand nobody knows. */
static bool needs_commit(const struct err *err, const struct db_script *script)
{
	return strcmp(err->sqlstate, "55P04") == 0 && script->sql &&
	       !sql_adds_value(script->sql, script->len, err->message);
}

const struct db_driver db_postgresql = {
	.name = "postgresql",
	.accepts = accepts,
	.describe = describe,
	.open = db_open,
	.free = pg_free,
	.engine = engine,
	.capabilities = capabilities,
	.identity = identity,
	.settle = settle,
	.reconnect = reconnect,
	.check = pg_check,
	.ask = ask,
	.run = pg_run,
	.run_alone = pg_run_alone,
	.evidence = pg_evidence,
	.count = pg_count,
	.now = pg_now,
	.mend = pg_mend,
	.schema = pg_schema,
	.kept = pg_kept,
	.scratch = &pg_scratch,
	.is_undefined_column = is_undefined_column,
	.is_conflict = is_conflict,
	.is_passing = is_passing,
	.needs_commit = needs_commit,
};
