#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/sqlite.h"

enum {
	BUSY_MS = 5000, /* longest wait for another program's lock */
	BUSY_PAUSE_MS = 100,
	WATCH_STEPS = 100000, /* between two looks for a signal */
	GROUP_MS = 500,
	QUICK_BYTES = 100 * 1000 * 1000,
	COLUMNS_FEW = 32,
};

static const char SCHEME[] = "sqlite:";

/* --- errors and waiting ------------------------------------------------ */

/* COMMIT keeps new readers out: they do not wait without an end. */
static int patience(const struct db *db)
{
	return db->committing && db->busy_ms > BUSY_MS ? BUSY_MS : db->busy_ms;
}

static int locked(struct db *db, enum err_code code, struct err *err)
{
	struct buf holders = BUF_INIT;

	sqlite_holders(db, &holders);
	err_set(err, code, "could not lock database '%s': another program holds it",
		db->path);
	if (holders.len)
		buf_adds(&holders,
			 strstr(holders.s, ", p") ? " hold it. " : " holds it. ");
	if (db->committing)
		err_detail(err,
			   "%sIt was still being read %d seconds after COMMIT was asked "
			   "for; all was rolled back.",
			   buf_str(&holders), patience(db) / 1000);
	else
		err_detail(err, "%sIt was waited for %d seconds.", buf_str(&holders),
			   patience(db) / 1000);
	if (holders.len)
		err_hint(err, "sqlite-locked",
			 "Try again when it is done; \"git migrate apply --wait\" waits "
			 "for it.");
	else
		err_hint(err, "sqlite-locked",
			 "Try again when it is done (\"fuser %s\" names it); \"git "
			 "migrate apply --wait\" waits for it.",
			 db->path);
	buf_release(&holders);
	return -1;
}

/* A disk without room, whatever the write was for: SQLite has no one code for it. */
static bool is_full(struct db *db, int rc)
{
	int cause = db->sql && (rc & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db->sql)
							   : 0;

	return (rc & 0xff) == SQLITE_FULL || cause == ENOSPC || cause == EDQUOT;
}

static void full(struct db *db, enum err_code code, struct err *err)
{
	err_set(err, code, "%s", sqlite3_errstr(SQLITE_FULL));
	err_hint(err, "disk-full",
		 "Make room on the disk that holds '%s', then run it again: what had not "
		 "been committed was rolled back.",
		 db->path);
}

/* The file, or its folder, where the journal has to stand. `why` may be NULL. */
static int refuse_readonly(const struct db *db, const char *why, struct err *err)
{
	err_set(err, ERR_FATAL, "database '%s' cannot be written", db->path);
	if (why)
		err_detail(err, "SQLite says: %s.", why);
	err_hint(err, "sqlite-readonly",
		 "Run it as a user who may write the file and its folder.");
	return -1;
}

int sqlite_err(struct db *db, enum err_code code, struct err *err)
{
	int rc = db->sql ? sqlite3_extended_errcode(db->sql) : SQLITE_NOMEM;

	if (db->ended.code != ERR_NONE) {
		*err = db->ended;
		db->ended.code = ERR_NONE;
		return -1;
	}
	if ((rc & 0xff) == SQLITE_BUSY)
		locked(db, ERR_REFUSED, err);
	else if (is_full(db, rc))
		full(db, code, err);
	else if ((rc & 0xff) == SQLITE_READONLY)
		refuse_readonly(db, sqlite3_errmsg(db->sql), err);
	else
		err_set(err, code, "%s",
			db->sql ? sqlite3_errmsg(db->sql) : sqlite3_errstr(rc));
	snprintf(err->sqlstate, sizeof(err->sqlstate), "%d", rc);
	return -1;
}

/* sqlite3's busy handler: 1 tries again, 0 gives up. */
static int on_busy(void *arg, int count)
{
	struct db *db = arg;
	int64_t now = clock_ms();
	int pause = count < 6 ? 1 << count : BUSY_PAUSE_MS;

	if (count == 0)
		db->busy_since = now;
	if (now - db->busy_since >= patience(db))
		return 0;
	return db->waiter->wait(db->waiter->arg, -1, 0, pause, &db->ended) >= 0;
}

/* sqlite3's progress handler: 1 interrupts. Looks for a signal, waits for nothing. */
static int on_progress(void *arg)
{
	struct db *db = arg;

	return db->waiter->wait(db->waiter->arg, -1, 0, 0, &db->ended) < 0;
}

int sqlite_look_for_signal(struct db *db, struct err *err)
{
	return db->waiter->wait(db->waiter->arg, -1, 0, 0, err) < 0 ? -1 : 0;
}

void sqlite_ignore_signals(struct db *db)
{
	sqlite3_progress_handler(db->sql, 0, NULL, NULL);
	sqlite3_busy_timeout(db->sql, db->busy_ms < BUSY_MS ? db->busy_ms : BUSY_MS);
	db->ended.code = ERR_NONE;
}

static void watch(struct db *db)
{
	sqlite3_busy_handler(db->sql, on_busy, db);
	sqlite3_progress_handler(db->sql, WATCH_STEPS, on_progress, db);
}

int sqlite_exec(struct db *db, const char *sql, struct err *err)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_err(db, ERR_FATAL, err);
	return 0;
}

int sqlite_settle(struct db *db, struct err *err)
{
	watch(db);
	return sqlite_exec(db,
			   "PRAGMA legacy_alter_table=OFF; PRAGMA recursive_triggers=OFF;"
			   "PRAGMA ignore_check_constraints=OFF;"
			   "PRAGMA case_sensitive_like=OFF;"
			   "PRAGMA reverse_unordered_selects=OFF;"
			   "PRAGMA defer_foreign_keys=OFF; PRAGMA automatic_index=ON;"
			   "PRAGMA cell_size_check=OFF",
			   err);
}

/* --- opening ----------------------------------------------------------- */

static bool accepts(const char *url)
{
	return starts_with(url, SCHEME);
}

/* The file of a URL, borrowed from it; NULL with `err` set. */
static const char *url_path(const char *url, struct err *err)
{
	const char *path = url + strlen(SCHEME);

	if (starts_with(path, "//")) {
		path += 2;
		if (path[0] != '/') {
			err_set(err, ERR_USAGE, "a SQLite URL cannot name a host");
			goto out;
		}
	}
	if (path[0] && strcmp(path, ":memory:") != 0)
		return path;
	err_set(err, ERR_USAGE, "a SQLite URL must name a file");
out:
	err_hint(err, "target-url", "Write sqlite:FILE or sqlite:///absolute/FILE.");
	return NULL;
}

static int describe(const char *url, struct buf *out, bool *has_password, struct err *err)
{
	const char *path = url_path(url, err);

	if (!path)
		return -1;
	*has_password = false;
	buf_addf(out, "%s%s", SCHEME, path);
	return 0;
}

static void db_free(struct db *db)
{
	if (!db)
		return;
	sqlite3_close_v2(db->sql);
	free(db->path);
	free(db);
}

/* "./x" for a bare name: sqlite3 gives ":memory:" and "file:" a meaning. */
static char *full_path(const char *path, const char *base)
{
	struct buf full = BUF_INIT;

	if (path[0] != '/')
		buf_addf(&full, "%s/", base && base[0] ? base : ".");
	buf_adds(&full, path);
	return buf_detach(&full);
}

/*
 * One thread uses SQLite here, and nobody asks it for statistics of its memory: a
 * fifth of its time in schemas of thousands of tables. Refused, and as good, once
 * SQLite has started.
 */
static void tune(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite_use_heap();
}

static int open_file(struct db *db, bool must_exist, struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		    (must_exist ? 0 : SQLITE_OPEN_CREATE);

	if (sqlite3_open_v2(db->path, &db->sql, flags, NULL) == SQLITE_OK)
		return 0;
	sqlite_err(db, ERR_FATAL, err);
	err_wrap(err, "could not open database '%s'", db->path);
	err_hint(err, "sqlite-open",
		 "The folder must exist, and the file must be readable and writable.");
	return -1;
}

/* What the connection must be like before a migration meets it. */
static int harden(struct db *db, struct err *err)
{
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	/* FULL loses a commit when power fails right after the answer */
	if (sqlite_exec(db, "PRAGMA synchronous=EXTRA", err) == 0)
		return 0;
	if ((atoi(err->sqlstate) & 0xff) == SQLITE_CORRUPT)
		return sqlite_damaged(db, err->message, err);
	if ((atoi(err->sqlstate) & 0xff) == SQLITE_READONLY)
		return -1;
	if (strcmp(err->sqlstate, "26") == 0) /* SQLITE_NOTADB */
		err_hint(err, "sqlite-open", "Is it another kind of file, or encrypted?");
	return err_wrap(err, "could not open database '%s'", db->path);
}

static int db_open(struct db **out, const struct db_open *how, struct err *err)
{
	bool must_exist = how->flags & DB_MUST_EXIST;
	const char *path = url_path(how->url, err);
	struct db *db;
	int ret = -1;

	if (!path)
		return -1;
	db = xcalloc(1, sizeof(*db));
	db->path = how->flags & DB_IN_MEMORY ? xstrdup(":memory:")
					     : full_path(path, how->base);
	db->waiter = how->waiter;
	db->busy_ms = how->flags & DB_WAIT ? INT_MAX : BUSY_MS;
	db->group_ms = GROUP_MS;
	db->quick_bytes = QUICK_BYTES;
	snprintf(db->engine, sizeof(db->engine), "sqlite/%s", sqlite3_libversion());
	if (must_exist && access(db->path, F_OK) < 0 &&
	    (errno == ENOENT || errno == ENOTDIR)) {
		ret = 1;
		goto out;
	}
	tune();
	if (open_file(db, must_exist, err) < 0)
		goto out;
	watch(db);
	sqlite3_set_authorizer(db->sql, sqlite_authorize, db);
	if (harden(db, err) < 0)
		goto out;
	sqlite_tell_network(db, how);
	*out = db;
	return 0;
out:
	db_free(db);
	return ret;
}

/* --- facts ------------------------------------------------------------- */

static const char *engine(struct db *db)
{
	return db->engine;
}

static const struct db_capabilities *capabilities(struct db *db UNUSED)
{
	static const struct db_capabilities caps = {
		.product = "sqlite",
		.schema = "sqlite",
		.known = true,
		.tx_ddl = true,
		.append_triggers = true,
		.file = true,
		.rowids = true,
	};

	return &caps;
}

static int identity(struct db *db UNUSED, struct buf *out UNUSED, struct err *err UNUSED)
{
	return 0; /* a file has none that a copy would not have too */
}

/* --- transactions ------------------------------------------------------ */

static void transaction_over(struct db *db)
{
	if (db->reading)
		sqlite3_exec(db->sql, "PRAGMA query_only=OFF", NULL, NULL, NULL);
	db->reading = false;
	db->ended.code = ERR_NONE;
}

int sqlite_begin(struct db *db, bool foreign_keys, struct err *err)
{
	/*
	 * OFF unless asked for: with ON the usual rebuild of a table (create,
	 * copy, drop, rename) deletes or refuses the rows that refer to it.
	 */
	if (sqlite3_db_readonly(db->sql, "main") == 1)
		return refuse_readonly(db, NULL, err);
	if (sqlite_exec(db,
			foreign_keys ? "PRAGMA foreign_keys=ON"
				     : "PRAGMA foreign_keys=OFF",
			err) < 0 ||
	    sqlite_exec(db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	/*
	 * What another connection has changed in the schema is seen by a statement that
	 * runs. One that is prepared alone looks again where a table or column is
	 * missing, but not where it has values for columns that are not there any more.
	 */
	if (sqlite_exec(db, "SELECT 1 FROM main.sqlite_schema LIMIT 1", err) < 0) {
		sqlite_rollback(db);
		return -1;
	}
	db->foreign_keys = foreign_keys;
	return 0;
}

int sqlite_begin_read(struct db *db, struct err *err)
{
	if (sqlite_exec(db, "PRAGMA query_only=ON", err) < 0)
		return -1;
	db->reading = true;
	if (sqlite_exec(db, "BEGIN", err) == 0)
		return 0;
	transaction_over(db);
	return -1;
}

void sqlite_rollback(struct db *db)
{
	struct err ignored;

	/* a signal that is still pending must not stop this */
	sqlite3_progress_handler(db->sql, 0, NULL, NULL);
	if (!sqlite3_get_autocommit(db->sql))
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	sqlite_settle(db, &ignored); /* settings survive ROLLBACK */
	transaction_over(db);
}

int sqlite_commit(struct db *db, struct err *err)
{
	int rc;

	if (sqlite3_get_autocommit(db->sql)) {
		transaction_over(db);
		return err_set(err, ERR_REFUSED,
			       "nothing to commit: the transaction has ended already");
	}
	/* with a reader about, the busy handler waits here; BUSY is its last word */
	db->committing = true;
	rc = sqlite3_exec(db->sql, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		sqlite_err(db, ERR_REFUSED, err);
	db->committing = false;
	if (rc != SQLITE_OK) {
		sqlite_rollback(db);
		return -1;
	}
	transaction_over(db);
	return 0;
}

/* --- our own questions ------------------------------------------------- */

int sqlite_bind(struct db *db, sqlite3_stmt *stmt, const char *const *params, size_t nr)
{
	char name[24];
	size_t i;
	int at;

	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "$%zu", i + 1);
		at = sqlite3_bind_parameter_index(stmt, name);
		if (at == 0)
			BUG("no parameter %s in '%s'", name, sqlite3_sql(stmt));
		if (params[i] && sqlite3_bind_text(stmt, at, params[i], -1,
						   SQLITE_STATIC) != SQLITE_OK)
			return sqlite3_errcode(db->sql);
	}
	return SQLITE_OK;
}

int sqlite_tell_row(sqlite3_stmt *stmt, db_row_fn row, void *arg, struct err *err)
{
	size_t nr = (size_t)sqlite3_column_count(stmt), i;
	const char *few[COLUMNS_FEW], **values = few;
	int ret;

	if (nr > COLUMNS_FEW)
		values = xcalloc(nr, sizeof(*values));
	for (i = 0; i < nr; i++)
		values[i] = (const char *)sqlite3_column_text(stmt, (int)i);
	ret = row(arg, values, nr, err);
	if (values != few)
		free(values);
	return ret;
}

int sqlite_query(struct db *db, const char *sql, const char *const *params,
		 size_t nr_params, db_row_fn row, void *arg, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc, ret = -1;

	rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite_bind(db, stmt, params, nr_params);
	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			if (row && sqlite_tell_row(stmt, row, arg, err) < 0)
				goto out;
	if (rc == SQLITE_DONE)
		ret = 0;
	else
		sqlite_err(db, ERR_FATAL, err);
out:
	sqlite3_finalize(stmt);
	return ret;
}

static bool is_lack(const struct err *err)
{
	return strncmp(err->message, "no such table", strlen("no such table")) == 0;
}

enum { CACHE_DIGITS = 24 };

static int take_cache(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	snprintf(arg, CACHE_DIGITS, "%s", values[0] ? values[0] : "");
	return 0;
}

/*
 * A log is read from its beginning to its end, each page of it once: with more than a
 * few in the cache each goes to memory that was not touched before, a fortieth of the
 * time of a log of thousands. `before` takes what there was, for cache_back().
 */
static int cache_few(struct db *db, char before[CACHE_DIGITS], struct err *err)
{
	if (sqlite_query(db, "PRAGMA cache_size", NULL, 0, take_cache, before, err) < 0)
		return -1;
	return sqlite_exec(db, "PRAGMA cache_size=16", err);
}

static void cache_back(struct db *db, const char before[CACHE_DIGITS])
{
	char sql[sizeof("PRAGMA cache_size=") + CACHE_DIGITS];

	snprintf(sql, sizeof(sql), "PRAGMA cache_size=%s", before);
	sqlite3_exec(db->sql, sql, NULL, NULL, NULL);
}

static int ask_in_transaction(struct db *db, struct db_question *questions, size_t nr,
			      struct err *err)
{
	const struct db_question *q;
	size_t i;
	int ret;

	if (sqlite_begin_read(db, err) < 0)
		return -1;
	for (i = 0, ret = 0; i < nr; i++) {
		q = &questions[i];
		questions[i].lacks = ret > 0;
		if (ret == 0 && !(q->needless && *q->needless))
			ret = sqlite_query(db, q->ask.sql, q->ask.params, q->ask.nr,
					   q->row, q->arg, err);
		if (ret < 0 && !is_lack(err))
			break;
		if (ret < 0) {
			questions[i].lacks = true;
			memset(err, 0, sizeof(*err));
			ret = 1;
		}
	}
	sqlite_rollback(db);
	return ret < 0 ? -1 : 0;
}

static int ask(struct db *db, struct db_question *questions, size_t nr, struct err *err)
{
	char cache[CACHE_DIGITS] = "";
	int ret;

	if (cache_few(db, cache, err) < 0)
		return -1;
	ret = ask_in_transaction(db, questions, nr, err);
	cache_back(db, cache);
	return ret;
}

static bool is_undefined_column(const struct err *err)
{
	return strstr(err->message, "no such column") != NULL;
}

static bool is_conflict(const struct err *err)
{
	int code = atoi(err->sqlstate);

	return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
	       (code & 0xff) == SQLITE_BUSY;
}

static bool is_passing(const struct err *err)
{
	return (atoi(err->sqlstate) & 0xff) == SQLITE_BUSY;
}

static bool needs_commit(const struct err *err UNUSED,
			 const struct db_script *script UNUSED)
{
	return false; /* what a transaction has done can be used in it */
}

static int reconnect(struct db *db UNUSED, struct err *err UNUSED)
{
	return 0; /* nothing is between us and the file */
}

const struct db_driver db_sqlite = {
	.name = "sqlite",
	.accepts = accepts,
	.describe = describe,
	.open = db_open,
	.free = db_free,
	.engine = engine,
	.capabilities = capabilities,
	.identity = identity,
	.ask = ask,
	.check = sqlite_check,
	.run = sqlite_run,
	.run_alone = sqlite_run_alone,
	.evidence = sqlite_evidence,
	.count = sqlite_count,
	.now = sqlite_now,
	.mend = sqlite_mend,
	.schema = sqlite_schema,
	.kept = sqlite_kept,
	.reconnect = reconnect,
	.verify = sqlite_verify,
	.backup = sqlite_backup,
	.copy = sqlite_copy,
	.is_undefined_column = is_undefined_column,
	.is_conflict = is_conflict,
	.is_passing = is_passing,
	.needs_commit = needs_commit,
};
