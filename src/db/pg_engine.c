/* The engines that speak PostgreSQL's protocol, and what each can do, as data. */
#include "base/compat.h"

#include "base/err.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"
#include "db/pg_limit.h"

/*
 * What a migration leaves behind in a session, taken back inside its transaction.
 * Its advisory locks went before (pg_run.c). What is not set again of our own
 * settings does not matter to a record: it is sent without a pause, in ASCII, and
 * its values are parameters.
 */
static const char *const resets[] = {
	"RESET SESSION AUTHORIZATION",
	"RESET ROLE",
	"RESET ALL",
	"CLOSE ALL",
	"DEALLOCATE ALL",
	"UNLISTEN *",
	"DISCARD TEMP",
	"DISCARD SEQUENCES",
	/* for our own record, which is written behind it */
	"SELECT pg_catalog.set_config('statement_timeout', '0', true), " PG_LIMIT_OFF(
		"transaction_timeout"),
	PG_OWN_PATH,
	NULL,
};

static const char *const no_resets[] = { NULL };

static const struct db_capabilities postgresql = {
	.product = "postgresql",
	.schema = "postgresql",
	.known = true,
	.tx_ddl = true,
	.append_triggers = true,
	.deferrable = true,
	.one_wal = true,
	.resets = resets,
};

/*
 * DDL in a transaction is not wholly undone (facts differ by version: the worst
 * is assumed), triggers and DO blocks are young, and a session cannot be put back
 * inside of a transaction.
 */
static const struct db_capabilities cockroachdb = {
	.product = "cockroachdb",
	.schema = "cockroachdb",
	.known = true,
	.careful = true,
	.fresh_session = true,
	.resets = no_resets,
};

/* DDL commits by itself, unless the server says that it does not (see probe). */
static const struct db_capabilities yugabytedb = {
	.product = "yugabytedb",
	.schema = "cockroachdb",
	.known = true,
	.careful = true,
	.fresh_session = true,
	.deferrable = true,
	.resets = no_resets,
};

enum { OLDEST_MAJOR = 12, NEWEST_MAJOR = 18 };

/* Settings of a session that cannot be put back; a server may lack some. */
static const char *const session_settings[] = {
	"SET autocommit_before_ddl = off",
	"SET statement_timeout = 0",
	"SET idle_in_transaction_session_timeout = 600000",
	"SET lock_timeout = 200",
	NULL,
};

/* 0; -1 when the connection is gone. */
static int settle_session(struct db *db, struct err *err)
{
	struct pg_answer answer = { .code = ERR_FATAL };
	struct err why = { 0 };
	size_t i;

	for (i = 0; session_settings[i]; i++) {
		if (pg_exec(db, session_settings[i], &answer, &why) == 0 ||
		    why.sqlstate[0])
			continue;
		*err = why;
		return -1;
	}
	return 0;
}

const char *pg_probe_question(const struct db *db)
{
	if (db->probed || strcmp(db->caps.product, "cockroachdb") == 0)
		return NULL;
	if (strcmp(db->caps.product, "yugabytedb") == 0)
		return "SELECT pg_catalog.current_setting("
		       "'yb_ddl_transaction_block_enabled', true)";
	return "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'citus'";
}

int pg_probe_row(void *arg, const char *const *values, size_t nr UNUSED,
		 struct err *err UNUSED)
{
	struct db *db = arg;

	if (strcmp(db->caps.product, "yugabytedb") == 0) {
		/* whether DDL belongs to the transaction around it */
		db->caps.tx_ddl = values[0] && strcmp(values[0], "on") == 0;
	} else if (values[0]) {
		/* locks and transactions are PostgreSQL's; DDL is committed in two phases
		 */
		db->caps.product = "citus";
		db->caps.one_wal = false; /* its workers have their own */
		snprintf(db->engine, sizeof(db->engine), "citus/%.*s",
			 (int)strcspn(values[0], " "), values[0]);
	}
	return 0;
}

/* A version that nobody has tried is watched closely, and asked for nothing rare. */
static void judge_version(struct db *db, const char *version)
{
	int major = atoi(version);

	if (major >= OLDEST_MAJOR && major <= NEWEST_MAJOR)
		return;
	db->caps.known = false;
	db->caps.one_wal = false;
	db->caps.careful = true;
}

int pg_probe(struct db *db, struct err *err)
{
	const char *version = db->pq->parameter_status(db->conn, "server_version");
	const char *crdb = db->pq->parameter_status(db->conn, "crdb_version");
	const char *yb;

	if (!version)
		version = "unknown";
	yb = strstr(version, "-YB-");
	if (crdb) {
		db->caps = cockroachdb;
		version = strstr(crdb, " v") ? strstr(crdb, " v") + 2 : crdb;
	} else if (yb) {
		db->caps = yugabytedb;
		version = yb + strlen("-YB-");
	} else {
		db->caps = postgresql;
		judge_version(db, version);
	}
	snprintf(db->engine, sizeof(db->engine), "%s/%.*s", db->caps.product,
		 (int)strcspn(version, " "), version);
	db->probed = false;
	return db->caps.fresh_session ? settle_session(db, err) : 0;
}
