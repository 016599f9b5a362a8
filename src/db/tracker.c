#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "core/ledger.h"
#include "core/record.h"
#include "db/driver.h"
#include "db/tracker.h"

#ifdef PACKAGE_VERSION
#define TOOL "git-migrate/" PACKAGE_VERSION
#else
#define TOOL "git-migrate"
#endif

enum {
	INSTALL_TRIES = 5,
	NUMBER_TEXT = 24,
	HOLDERS_SHOWN = 3,
};

/* A step of the tracker's own schema, compiled in. */
struct step {
	const char *name;
	const unsigned char *sql;
	size_t len;
};

/* Where the engines differ. */
struct dialect {
	const char *driver;
	const char *exists;   /* answers with a row when there is the table $1 */
	const char *lock;     /* takes the lock row; NULL: the transaction is the lock */
	const char *holders;  /* who holds it: pid, application, user, since */
	const char *guarding; /* the triggers and indexes that are there and at work */
	const char *const *guards; /* those that must be; NULL-terminated */
	const struct step *steps;
	unsigned nr_steps;
};

static const unsigned char sqlite_0001[] = {
#include "migrations/sqlite-0001.inc"
};

static const unsigned char postgresql_0001[] = {
#include "migrations/postgresql-0001.inc"
};

static const struct step sqlite_steps[] = {
	{ "0001-tracker.sql", sqlite_0001, sizeof(sqlite_0001) },
};

static const struct step postgresql_steps[] = {
	{ "0001-tracker.sql", postgresql_0001, sizeof(postgresql_0001) },
};

static const char *const sqlite_guards[] = {
	"git_migrate_log_delete",    "git_migrate_log_insert",
	"git_migrate_log_settled",   "git_migrate_log_update",
	"git_migrate_schema_delete", "git_migrate_schema_insert",
	"git_migrate_schema_update", NULL,
};

static const char *const postgresql_guards[] = {
	"lock_delete",	   "lock_truncate",
	"log_change",	   "log_insert",
	"log_settled",	   "log_truncate",
	"schema_change",   "schema_insert",
	"schema_truncate", NULL,
};

static const struct dialect dialects[] = {
	{
		.driver = "sqlite",
		.exists =
			"SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1",
		.guarding = "SELECT name FROM sqlite_schema"
			    " WHERE type IN ('trigger', 'index')",
		.guards = sqlite_guards,
		.steps = sqlite_steps,
		.nr_steps = ARRAY_SIZE(sqlite_steps),
	},
	{
		.driver = "postgresql",
		/* the catalog, since a failed question would end the transaction */
		.exists = "SELECT 1 FROM pg_catalog.pg_class AS c"
			  " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
			  " WHERE n.nspname = 'git_migrate' AND c.relkind = 'r'"
			  " AND 'git_migrate.' || c.relname::text = $1",
		.lock = "SELECT id FROM git_migrate.lock WHERE id = 1 FOR UPDATE NOWAIT",
		.holders = "SELECT a.pid, a.application_name, a.usename,"
			   " pg_catalog.to_char(a.xact_start AT TIME ZONE 'UTC',"
			   "  'YYYY-MM-DD HH24:MI:SS \"UTC\"')"
			   " FROM pg_catalog.pg_locks AS l"
			   " JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid"
			   " WHERE l.locktype = 'relation' AND l.granted"
			   " AND l.mode = 'RowShareLock'"
			   " AND l.relation ="
			   "  'git_migrate.lock'::pg_catalog.regclass::pg_catalog.oid"
			   " AND l.database = (SELECT oid FROM pg_catalog.pg_database"
			   "  WHERE datname = pg_catalog.current_database())"
			   " AND l.pid <> pg_catalog.pg_backend_pid()"
			   " ORDER BY a.xact_start",
		/* ALWAYS: session_replication_role passes others over */
		.guarding = "SELECT t.tgname FROM pg_catalog.pg_trigger AS t"
			    " JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid"
			    " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
			    " WHERE n.nspname = 'git_migrate' AND t.tgenabled = 'A'"
			    " UNION ALL SELECT c.relname FROM pg_catalog.pg_class AS c"
			    " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
			    " WHERE n.nspname = 'git_migrate' AND c.relkind = 'i'",
		.guards = postgresql_guards,
		.steps = postgresql_steps,
		.nr_steps = ARRAY_SIZE(postgresql_steps),
	},
};

static const struct dialect *dialect_of(const struct db_driver *driver)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dialects); i++)
		if (strcmp(dialects[i].driver, driver->name) == 0)
			return &dialects[i];
	BUG("no tracker for driver '%s'", driver->name);
}

/* --- asking ------------------------------------------------------------ */

/* Asks with the table prefix put in for "%s", which must stand there once. */
PRINTF_LIKE(5, 6)
static int ask(struct tracker *t, db_row_fn row, void *arg, struct err *err,
	       const char *fmt, ...)
{
	struct buf sql = BUF_INIT;
	va_list ap;
	int ret;

	va_start(ap, fmt);
	buf_vaddf(&sql, fmt, ap);
	va_end(ap);
	ret = t->driver->query(t->db, buf_str(&sql), NULL, 0, row, arg, err);
	buf_release(&sql);
	return ret;
}

static int on_found(void *arg, const char *const *values UNUSED, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	*(bool *)arg = true;
	return 0;
}

/* Whether there is a table; the name goes without the prefix. */
static int has_table(struct tracker *t, const char *name, bool *found, struct err *err)
{
	struct buf full = BUF_INIT;
	const char *params[1];
	int ret;

	*found = false;
	buf_addf(&full, "%s%s", t->driver->prefix, name);
	params[0] = buf_str(&full);
	ret = t->driver->query(t->db, dialect_of(t->driver)->exists, params, 1, on_found,
			       found, err);
	buf_release(&full);
	return ret;
}

/* --- reading ----------------------------------------------------------- */

struct reading {
	struct pool *pool;
	struct ledger *ledger;
	void (*bad)(void *arg, uint64_t seq, const char *what); /* NULL: stop */
	void *arg;
};

/* Columns of the log, in the order in which they are asked for and written. */
enum column {
	COLUMN_SEQ,
	COLUMN_EVENT,
	COLUMN_PATH,
	COLUMN_BLOB,
	COLUMN_COMMIT,
	COLUMN_AT,
	COLUMN_BY,
	COLUMN_RUN,
	COLUMN_RECORD,
	COLUMN_HASH,
	COLUMN_NR,
};

#define COLUMNS "seq, event, path, blob, \"commit\", at, \"by\", run, record, hash"

static const struct {
	const char *name;
	enum field field; /* FIELD_NR: not a field */
} columns[COLUMN_NR] = {
	[COLUMN_SEQ] = { "seq", FIELD_NR },
	[COLUMN_EVENT] = { "event", FIELD_NR },
	[COLUMN_PATH] = { "path", FIELD_PATH },
	[COLUMN_BLOB] = { "blob", FIELD_BLOB },
	[COLUMN_COMMIT] = { "commit", FIELD_COMMIT },
	[COLUMN_AT] = { "at", FIELD_AT },
	[COLUMN_BY] = { "by", FIELD_BY },
	[COLUMN_RUN] = { "run", FIELD_RUN },
	[COLUMN_RECORD] = { "record", FIELD_NR },
	[COLUMN_HASH] = { "hash", FIELD_NR },
};

/* What each column of a record's row holds; `seq` is room for the number. */
static void fill_columns(const struct record *r, char seq[NUMBER_TEXT],
			 const char *values[COLUMN_NR])
{
	int i;

	for (i = 0; i < COLUMN_NR; i++)
		values[i] = columns[i].field == FIELD_NR ? NULL
							 : r->field[columns[i].field];
	snprintf(seq, NUMBER_TEXT, "%" PRIu64, r->seq);
	values[COLUMN_SEQ] = seq;
	values[COLUMN_EVENT] = event_name(r->event);
	values[COLUMN_RECORD] = r->line;
	values[COLUMN_HASH] = r->hash;
}

static void compare_columns(const struct reading *reading, const struct record *r,
			    uint64_t seq, const char *const *values)
{
	const char *wanted[COLUMN_NR];
	char number[NUMBER_TEXT];
	struct buf what = BUF_INIT;
	int i;

	fill_columns(r, number, wanted);
	for (i = 0; i < COLUMN_NR; i++) {
		if (values[i] && wanted[i] ? strcmp(values[i], wanted[i]) == 0
					   : values[i] == wanted[i])
			continue;
		buf_reset(&what);
		buf_addf(&what, "column '%s' holds '%s', the record '%s'",
			 columns[i].name, values[i] ? values[i] : "nothing",
			 wanted[i] ? wanted[i] : "nothing");
		reading->bad(reading->arg, seq, buf_str(&what));
	}
	buf_release(&what);
}

/* Tells `bad`, or makes it the error. Returns 0 to go on, else -1. */
static int report(const struct reading *reading, const char *seq, struct err *err)
{
	if (!reading->bad)
		return err_wrap(err, "record %s of the tracker", seq);
	reading->bad(reading->arg, strtoull(seq, NULL, 10), err->message);
	memset(err, 0, sizeof(*err));
	return 0;
}

static int on_record(void *arg, const char *const *values, size_t nr UNUSED,
		     struct err *err)
{
	struct reading *reading = arg;
	const char *seq = values[reading->bad ? COLUMN_SEQ : 1];
	const char *line = values[reading->bad ? COLUMN_RECORD : 0];
	struct record *r = ledger_room(reading->ledger);

	if (!seq || !line)
		seq = line = "";

	if (record_parse(r, reading->pool, line, strlen(line), err) < 0)
		return report(reading, seq, err);
	if (ledger_check(ledger_last(reading->ledger), r, err) < 0 &&
	    report(reading, seq, err) < 0)
		return -1;
	if (reading->bad)
		compare_columns(reading, r, strtoull(seq, NULL, 10), values);
	ledger_add(reading->ledger, r);
	return 0;
}

/* Something has our names that is not of our making. */
static void hint_foreign(struct err *err)
{
	err_hint(err, "tracker-foreign",
		 "A table, view or schema of the tracker's name (git_migrate) is there "
		 "that this tool did not make; its owner renames it.");
}

static int read_log(struct tracker *t, struct reading *reading, struct err *err)
{
	bool found;

	if (has_table(t, "log", &found, err) < 0)
		return -1;
	if (!found)
		return 0;
	/* the copies for queries are read where they are compared alone */
	if (ask(t, on_record, reading, err, "SELECT %s FROM %slog ORDER BY seq",
		reading->bad ? COLUMNS : "record, seq", t->driver->prefix) < 0) {
		if (t->driver->is_undefined_column(err))
			hint_foreign(err);
		return -1;
	}
	return 1;
}

/* One transaction that only reads: what is read belongs together. */
static int read_whole(struct tracker *t, struct reading *reading, struct err *err)
{
	int ret;

	if (t->driver->begin_read(t->db, err) < 0)
		return -1;
	ret = read_log(t, reading, err);
	t->driver->rollback(t->db);
	return ret;
}

int tracker_read(struct tracker *t, struct pool *pool, struct ledger *ledger,
		 struct err *err)
{
	struct reading reading = { .pool = pool, .ledger = ledger };

	return read_whole(t, &reading, err);
}

int tracker_examine(struct tracker *t, struct pool *pool, struct ledger *ledger,
		    void (*bad)(void *arg, uint64_t seq, const char *what), void *arg,
		    struct err *err)
{
	struct reading reading = {
		.pool = pool, .ledger = ledger, .bad = bad, .arg = arg
	};

	return read_whole(t, &reading, err);
}

struct guards {
	const char *const *wanted;
	unsigned seen; /* a bit for each of them */
};

static int on_guard(void *arg, const char *const *values, size_t nr UNUSED,
		    struct err *err UNUSED)
{
	struct guards *g = arg;
	size_t i;

	for (i = 0; g->wanted[i]; i++)
		if (values[0] && strcmp(values[0], g->wanted[i]) == 0)
			g->seen |= 1u << i;
	return 0;
}

int tracker_guards(struct tracker *t, void (*gone)(void *arg, const char *name),
		   void *arg, struct err *err)
{
	const struct dialect *d = dialect_of(t->driver);
	struct guards guards = { .wanted = d->guards };
	size_t i;
	int ret;

	if (t->driver->begin_read(t->db, err) < 0)
		return -1;
	ret = t->driver->query(t->db, d->guarding, NULL, 0, on_guard, &guards, err);
	t->driver->rollback(t->db);
	for (i = 0; ret == 0 && d->guards[i]; i++)
		if (!(guards.seen & 1u << i))
			gone(arg, d->guards[i]);
	return ret;
}

/* --- installing -------------------------------------------------------- */

static int on_number(void *arg, const char *const *values, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	*(unsigned *)arg = values[0] ? (unsigned)strtoul(values[0], NULL, 10) : 0;
	return 0;
}

/* Newest step that is installed, 0 for none. */
static int installed(struct tracker *t, unsigned *version, struct err *err)
{
	bool found;

	*version = 0;
	if (has_table(t, "schema", &found, err) < 0)
		return -1;
	if (!found)
		return 0;
	return ask(t, on_number, version, err, "SELECT max(version) FROM %sschema",
		   t->driver->prefix);
}

static int note_step(struct tracker *t, unsigned version, const struct step *step,
		     struct err *err)
{
	char number[NUMBER_TEXT], sha256[SHA256_HEXSZ + 1], at[CLOCK_TEXT];
	const char *const params[] = { number, step->name, sha256, at, TOOL };
	struct buf sql = BUF_INIT;
	int ret;

	snprintf(number, sizeof(number), "%u", version);
	sha256_hex(step->sql, step->len, sha256);
	clock_utc(at);
	buf_addf(&sql,
		 "INSERT INTO %sschema (version, name, sha256, at, tool)"
		 " VALUES (CAST($1 AS integer), $2, $3, $4, $5)",
		 t->driver->prefix);
	ret = t->driver->query(t->db, buf_str(&sql), params, ARRAY_SIZE(params), NULL,
			       NULL, err);
	buf_release(&sql);
	return ret;
}

/* One step, unless somebody else was first. 0 or -1, rolled back. */
static int install_step(struct tracker *t, const struct dialect *d, unsigned version,
			struct err *err)
{
	const struct step *step = &d->steps[version - 1];
	unsigned now;

	if (t->driver->begin(t->db, false, err) < 0)
		return -1;
	if (installed(t, &now, err) < 0)
		goto failed;
	if (now >= version) {
		t->driver->rollback(t->db);
		return 0;
	}
	if (t->driver->execute(t->db, (const char *)step->sql, step->len, err) < 0 ||
	    note_step(t, version, step, err) < 0)
		goto failed;
	return t->driver->commit(t->db, err);
failed:
	t->driver->rollback(t->db);
	return -1;
}

/* Refuses a tracker that a newer version of the tool made. */
static int check_version(const struct dialect *d, unsigned version, struct err *err)
{
	if (version <= d->nr_steps)
		return 0;
	err_set(err, ERR_REFUSED,
		"the tracker's schema is version %u, this git-migrate knows %u", version,
		d->nr_steps);
	err_hint(err, "tracker-version", "Use the newer git-migrate that made it.");
	return -1;
}

static int look_installed(struct tracker *t, unsigned *version, struct err *err)
{
	int ret;

	if (t->driver->begin_read(t->db, err) < 0)
		return -1;
	ret = installed(t, version, err);
	t->driver->rollback(t->db);
	return ret;
}

int tracker_install(struct tracker *t, struct err *err)
{
	const struct dialect *d = dialect_of(t->driver);
	unsigned version, tries = 0;

	for (;;) {
		if (look_installed(t, &version, err) < 0 ||
		    check_version(d, version, err) < 0)
			return -1;
		if (version == d->nr_steps)
			return 0;
		if (install_step(t, d, version + 1, err) == 0)
			continue;
		/* two who create the same at once: the loser looks again */
		if (t->driver->is_conflict(err) && ++tries < INSTALL_TRIES)
			continue;
		if (t->driver->is_conflict(err))
			hint_foreign(err);
		if (strcmp(err->sqlstate, "42501") == 0 && !err->hint[0])
			err_hint(err, "privilege",
				 "Let the owner of the database prepare it: CREATE "
				 "SCHEMA "
				 "git_migrate AUTHORIZATION <role>; or apply with a role "
				 "that has CREATE on the database.");
		return err_wrap(err, "could not install the tracker");
	}
}

/* --- writing ----------------------------------------------------------- */

struct newest {
	uint64_t seq; /* 0: the log is empty */
	char hash[SHA256_HEXSZ + 1];
};

static int on_newest(void *arg, const char *const *values, size_t nr UNUSED,
		     struct err *err UNUSED)
{
	struct newest *newest = arg;

	newest->seq = values[0] ? strtoull(values[0], NULL, 10) : 0;
	snprintf(newest->hash, sizeof(newest->hash), "%s", values[1] ? values[1] : "");
	return 0;
}

/* 0 when the newest record is `head`, 1 when it is another, -1. */
static int compare_head(struct tracker *t, const struct record *head, struct err *err)
{
	struct newest newest = { 0 };

	if (ask(t, on_newest, &newest, err,
		"SELECT seq, hash FROM %slog ORDER BY seq DESC LIMIT 1",
		t->driver->prefix) < 0)
		return -1;
	if (!head)
		return newest.seq != 0;
	return newest.seq != head->seq || strcmp(newest.hash, head->hash) != 0;
}

struct holders {
	struct buf text;
	unsigned nr;
};

static int on_holder(void *arg, const char *const *values, size_t nr,
		     struct err *err UNUSED)
{
	struct holders *h = arg;
	const char *v[4] = { "", "", "", "" };
	size_t i;

	for (i = 0; i < nr && i < ARRAY_SIZE(v); i++)
		v[i] = values[i] ? values[i] : "unknown";
	if (++h->nr <= HOLDERS_SHOWN)
		buf_addf(&h->text, "%sProcess %s of the server (%s, user %s), since %s.",
			 h->nr > 1 ? " " : "", v[0], v[1], v[2], v[3]);
	return 0;
}

/*
 * The lock is another's: names it. The failure has ended our transaction
 * already, so it is rolled back and the question asked afresh.
 */
static int name_holders(struct tracker *t, const struct dialect *d, struct err *err)
{
	struct holders holders = { .text = BUF_INIT };
	char sqlstate[sizeof(err->sqlstate)];
	struct err ignored;

	memcpy(sqlstate, err->sqlstate, sizeof(sqlstate));
	t->driver->rollback(t->db);
	err_set(err, ERR_REFUSED, "another git migrate is at work on this target");
	memcpy(err->sqlstate, sqlstate, sizeof(sqlstate));
	if (t->driver->begin_read(t->db, &ignored) == 0 &&
	    t->driver->query(t->db, d->holders, NULL, 0, on_holder, &holders, &ignored) ==
		    0)
		err_detail(err, "%s",
			   holders.nr ? buf_str(&holders.text)
				      : "It has ended in the meantime.");
	t->driver->rollback(t->db);
	err_hint(err, "lock-held", "Try again when it is done.");
	buf_release(&holders.text);
	return -1;
}

int tracker_lock(struct tracker *t, const struct record *head, struct err *err)
{
	const struct dialect *d = dialect_of(t->driver);
	bool found = false;

	if (d->lock) {
		if (t->driver->query(t->db, d->lock, NULL, 0, on_found, &found, err) < 0)
			return t->driver->is_conflict(err) ? name_holders(t, d, err) : -1;
		if (!found) {
			err_set(err, ERR_REFUSED, "the tracker's lock row is missing");
			err_hint(err, "tracker-damaged",
				 "Somebody deleted it. Its owner puts it back with: "
				 "INSERT "
				 "INTO git_migrate.lock (id) VALUES (1); then run \"git "
				 "migrate audit\".");
			return -1;
		}
	}
	return compare_head(t, head, err);
}

static int on_written(void *arg, const char *const *values, size_t nr UNUSED,
		      struct err *err UNUSED)
{
	*(uint64_t *)arg = values[0] ? strtoull(values[0], NULL, 10) : 0;
	return 0;
}

int tracker_append(struct tracker *t, const struct record *r, struct err *err)
{
	const char *values[COLUMN_NR];
	struct buf sql = BUF_INIT;
	char seq[NUMBER_TEXT];
	uint64_t written = 0;
	bool swallowed = false;
	int ret;

	fill_columns(r, seq, values);
	buf_addf(&sql,
		 "INSERT INTO %slog (" COLUMNS ") VALUES"
		 " (CAST($1 AS bigint), $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		 " RETURNING seq",
		 t->driver->prefix);
	ret = t->driver->query(t->db, buf_str(&sql), values, COLUMN_NR, on_written,
			       &written, err);
	buf_release(&sql);
	/* a trigger that swallows the row says nothing by itself */
	if (ret == 0 && written != r->seq)
		ret = err_set(err, ERR_REFUSED, "the tracker did not take the record");
	else if (ret < 0 && strcmp(err->sqlstate, "0A000") == 0)
		swallowed = true; /* a rule that rewrites the INSERT */
	if (ret < 0 && (swallowed || (err->code == ERR_REFUSED && !err->hint[0]))) {
		err->code = ERR_REFUSED;
		err_hint(err, "tracker-damaged",
			 "Somebody put a rule or a trigger on the log; its owner takes "
			 "it "
			 "away. Then run \"git migrate audit\".");
	}
	if (ret < 0)
		return err_wrap(err, "could not write record %" PRIu64, r->seq);
	return 0;
}

int tracker_unchanged(struct tracker *t, const struct record *head, struct err *err)
{
	int rc = compare_head(t, head, err);

	if (rc < 0) {
		err->code = ERR_REFUSED;
		return err_wrap(err, "the tracker cannot be read after the migration");
	}
	if (rc == 0)
		return 0;
	err_set(err, ERR_REFUSED, "the migration wrote to the tracker");
	err_hint(err, "tracker-append-only",
		 "The tracker is written by git migrate alone. To correct an earlier "
		 "migration add one with the trailer \"Fixes:\".");
	return -1;
}
