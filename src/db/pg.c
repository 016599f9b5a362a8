#include "base/compat.h"

#include <poll.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"

enum {
	CONNECT_SECONDS = 30,
	COMMIT_WAIT_MS = 10000, /* for COMMIT's answer once a signal has come */
};

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

static void db_free(struct db *db)
{
	size_t i;

	if (!db)
		return;
	if (db->conn)
		db->pq->finish(db->conn);
	for (i = 0; i < ARRAY_SIZE(db->secrets); i++)
		free(db->secrets[i]);
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

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		db->secrets[i] = xstrdup(texts[i] ? texts[i] : "");
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

static int64_t connect_deadline(const PQconninfoOption *options)
{
	const char *seconds = pg_url_get(options, "connect_timeout");
	int n;

	if (!seconds)
		seconds = getenv("PGCONNECT_TIMEOUT");
	n = seconds ? atoi(seconds) : 0;
	return clock_ms() + 1000 * (int64_t)(n > 0 ? n : CONNECT_SECONDS);
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

/*
 * Product, version and abilities, from what the server reported of itself when
 * the connection was made: no question of our own.
 */
static void probe(struct db *db)
{
	const char *version = db->pq->parameter_status(db->conn, "server_version");
	const char *crdb = db->pq->parameter_status(db->conn, "crdb_version");
	const char *name = "postgresql", *yb;

	db->caps = (struct db_capabilities){
		.tx_ddl = true,
		.row_lock = true,
		.append_triggers = true,
	};
	if (!version)
		version = "unknown";
	yb = strstr(version, "-YB-");
	if (crdb) {
		name = "cockroachdb";
		version = strstr(crdb, " v") ? strstr(crdb, " v") + 2 : crdb;
		db->caps.append_triggers = false;
	} else if (yb) {
		name = "yugabytedb";
		version = yb + 4;
	}
	if (crdb || yb)
		db->caps.tx_ddl = false; /* facts differ by version: assume the worst */
	snprintf(db->engine, sizeof(db->engine), "%s/%.*s", name,
		 (int)strcspn(version, " "), version);
}

static int db_open(struct db **out, const struct db_open *how, struct err *err)
{
	const struct pq *pq = pq_load(err);
	PQconninfoOption *options = NULL;
	struct buf shown = BUF_INIT;
	struct db *db = NULL;
	int ret = -1;

	if (!pq)
		return -1;
	options = pg_url_parse(pq, how->url, err);
	if (!options)
		return -1;
	pg_url_show(options, &shown);
	db = xcalloc(1, sizeof(*db));
	db->pq = pq;
	db->waiter = how->waiter;
	db->notice = how->notice;
	db->notice_arg = how->notice_arg;
	keep_secrets(db, options);
	db->conn = start(pq, options, how->application);
	pq->set_notice_receiver(db->conn, on_notice, db);
	if (finish_connecting(db, &shown, connect_deadline(options), err) < 0)
		goto out;
	pq->set_nonblocking(db->conn, 1);
	probe(db);
	*out = db;
	db = NULL;
	ret = 0;
out:
	db_free(db);
	buf_release(&shown);
	pq->conninfo_free(options);
	return ret;
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

/* --- transactions ------------------------------------------------------ */

static void rollback(struct db *db)
{
	struct pg_answer answer = { .code = ERR_FATAL };
	PGTransactionStatusType status;
	struct err ignored;

	if (!db->conn)
		return;
	status = db->pq->transaction_status(db->conn);
	if (status == PQTRANS_ACTIVE || status == PQTRANS_UNKNOWN) {
		pg_abandon(db); /* the server rolls back */
		return;
	}
	if (status != PQTRANS_IDLE)
		pg_exec(db, "ROLLBACK", &answer, &ignored);
	/* what a migration left behind and ROLLBACK does not undo */
	if (db->dirty && db->conn)
		pg_exec(db, "DEALLOCATE ALL; SELECT pg_catalog.pg_advisory_unlock_all()",
			&answer, &ignored);
	db->dirty = false;
}

static int begin_with(struct db *db, const char *sql, struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };

	if (pg_exec(db, sql, &answer, err) == 0)
		return 0;
	rollback(db);
	return err_wrap(err, "could not begin a transaction");
}

static int begin(struct db *db, bool foreign_keys UNUSED, struct err *err)
{
	/* READ COMMITTED: what is read behind the lock must not be older than it */
	return begin_with(db,
			  "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;" PG_SETTINGS,
			  err);
}

static int begin_read(struct db *db, struct err *err)
{
	return begin_with(db,
			  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;" PG_OWN_PATH,
			  err);
}

static int identity(struct db *db, struct buf *out, struct err *err)
{
	static const char sql[] = "SELECT (SELECT system_identifier FROM "
				  "pg_catalog.pg_control_system())::text"
				  " || '/' || (SELECT oid FROM pg_catalog.pg_database"
				  " WHERE datname = pg_catalog.current_database())::text";
	struct pg_answer answer = { .row = add_first, .arg = out, .code = ERR_FATAL };
	int ret;

	if (begin_read(db, err) < 0)
		return -1;
	ret = pg_exec_params(db, sql, NULL, 0, &answer, err);
	rollback(db);
	if (ret == 0)
		return 0;
	/* no such function, or not for us: an engine without an identity */
	if (strcmp(err->sqlstate, "42883") != 0 && strcmp(err->sqlstate, "42501") != 0)
		return -1;
	memset(err, 0, sizeof(*err));
	return 0;
}

/* The answer to COMMIT never came. Says so, and that looking is the way on. */
static int uncertain(struct err *err, const char *why)
{
	err_set(err, ERR_UNCERTAIN, "the answer to COMMIT was lost: %s", why);
	err_hint(err, "uncertain",
		 "Run the command again: it waits for the old session, reads the tracker "
		 "and settles what happened.");
	return -1;
}

/* Between COMMIT and its answer a signal changes nothing any more. */
struct stubborn {
	const struct db_waiter *waiter;
	int64_t deadline; /* 0: no signal came yet */
};

static int wait_on(void *arg, int fd, short events, int timeout_ms, struct err *err)
{
	struct stubborn *s = arg;
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t left;
	int rc;

	if (!s->deadline) {
		rc = s->waiter->wait(s->waiter->arg, fd, events, timeout_ms, err);
		if (rc >= 0)
			return rc;
		s->deadline = clock_ms() + COMMIT_WAIT_MS;
	}
	do {
		left = s->deadline - clock_ms();
		rc = left > 0 ? poll(&pfd, 1, (int)left) : 0;
	} while (rc < 0 && errno == EINTR);
	if (rc > 0)
		return 1;
	return err_set(err, ERR_FATAL, "no answer in %d seconds", COMMIT_WAIT_MS / 1000);
}

static int commit(struct db *db, struct err *err)
{
	struct stubborn stubborn = { .waiter = db->waiter };
	struct db_waiter waiter = { .wait = wait_on, .arg = &stubborn };
	struct pg_answer answer = { .code = ERR_REFUSED };
	const struct db_waiter *usual = db->waiter;
	char why[sizeof(err->message)];
	int ret;

	if (pg_alive(db, err) < 0)
		return -1;
	db->line = 0;
	db->waiter = &waiter;
	ret = pg_exec(db, "COMMIT", &answer, err);
	db->waiter = usual;
	if (ret == 0 && strcmp(answer.tag, "COMMIT") == 0) {
		db->dirty = false;
		return 0;
	}
	if (ret == 0) {
		rollback(db);
		return err_set(err, ERR_REFUSED,
			       "the server answered COMMIT with '%s': nothing was "
			       "applied",
			       answer.tag);
	}
	/* a server that ends the session may have committed first */
	if (!db->conn || strcmp(err->sqlstate, "40003") == 0 ||
	    strcmp(err->sqlstate, "XXA00") == 0) {
		snprintf(why, sizeof(why), "%s", err->message);
		return uncertain(err, why);
	}
	rollback(db);
	return -1;
}

/* --- our own questions ------------------------------------------------- */

static int query(struct db *db, const char *sql, const char *const *params,
		 size_t nr_params, db_row_fn row, void *arg, struct err *err)
{
	struct pg_answer answer = { .row = row, .arg = arg, .code = ERR_FATAL };

	return pg_exec_params(db, sql, params, nr_params, &answer, err);
}

static int execute(struct db *db, const char *sql, size_t len, struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };
	char *text = xstrndup(sql, len);
	int ret = pg_exec(db, text, &answer, err);

	free(text);
	return ret;
}

static bool state_is(const struct err *err, const char *const *states, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (strcmp(err->sqlstate, states[i]) == 0)
			return true;
	return false;
}

static bool is_undefined_column(const struct err *err)
{
	return strcmp(err->sqlstate, "42703") == 0;
}

static bool is_conflict(const struct err *err)
{
	static const char *const states[] = { "23505", "55P03", "42P06", "42P07",
					      "42710", "42723", "40001" };

	return state_is(err, states, ARRAY_SIZE(states)) ||
	       (strcmp(err->sqlstate, "XX000") == 0 &&
		strstr(err->message, "tuple concurrently updated"));
}

const struct db_driver db_postgresql = {
	.name = "postgresql",
	.prefix = "git_migrate.",
	.accepts = accepts,
	.describe = describe,
	.open = db_open,
	.free = db_free,
	.engine = engine,
	.capabilities = capabilities,
	.identity = identity,
	.begin = begin,
	.begin_read = begin_read,
	.check = pg_check,
	.run_script = pg_run,
	.run_alone = pg_run_alone,
	.evidence = pg_evidence,
	.mend = pg_mend,
	.query = query,
	.execute = execute,
	.commit = commit,
	.rollback = rollback,
	.is_undefined_column = is_undefined_column,
	.is_conflict = is_conflict,
};
