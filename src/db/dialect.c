#include "base/compat.h"

#include "base/err.h"
#include "db/dialect.h"
#include "db/pg_limit.h"

static const unsigned char sqlite_0001[] = {
#include "migrations/sqlite-0001.inc"
};

static const unsigned char sqlite_0002[] = {
#include "migrations/sqlite-0002.inc"
};

static const unsigned char postgresql_0001[] = {
#include "migrations/postgresql-0001.inc"
};

static const unsigned char postgresql_0002[] = {
#include "migrations/postgresql-0002.inc"
};

static const unsigned char postgresql_0003[] = {
#include "migrations/postgresql-0003.inc"
};

/* A new tracker is made by all steps at once, in one transaction. */
static const unsigned char sqlite_whole[] = {
#include "migrations/sqlite-0001.inc"
#include "migrations/sqlite-0002.inc"
};

static const unsigned char postgresql_whole[] = {
#include "migrations/postgresql-0001.inc"
#include "migrations/postgresql-0002.inc"
#include "migrations/postgresql-0003.inc"
};

static const unsigned char cockroachdb_0001[] = {
#include "migrations/cockroachdb-0001.inc"
};

static const unsigned char cockroachdb_0002[] = {
#include "migrations/cockroachdb-0002.inc"
};

static const unsigned char cockroachdb_whole[] = {
#include "migrations/cockroachdb-0001.inc"
#include "migrations/cockroachdb-0002.inc"
};

static const struct schema_step sqlite_steps[] = {
	{ "0001-tracker.sql", sqlite_0001, sizeof(sqlite_0001) },
	{ "0002-progress.sql", sqlite_0002, sizeof(sqlite_0002) },
};

static const struct schema_step postgresql_steps[] = {
	{ "0001-tracker.sql", postgresql_0001, sizeof(postgresql_0001) },
	{ "0002-session.sql", postgresql_0002, sizeof(postgresql_0002) },
	{ "0003-progress.sql", postgresql_0003, sizeof(postgresql_0003) },
};

static const struct schema_step cockroachdb_steps[] = {
	{ "0001-tracker.sql", cockroachdb_0001, sizeof(cockroachdb_0001) },
	{ "0002-progress.sql", cockroachdb_0002, sizeof(cockroachdb_0002) },
};

_Static_assert(ARRAY_SIZE(sqlite_steps) <= STEPS_MAX &&
		       ARRAY_SIZE(postgresql_steps) <= STEPS_MAX &&
		       ARRAY_SIZE(cockroachdb_steps) <= STEPS_MAX,
	       "room for the records of all steps");

/* Columns of both tables that all engines have, with what stands before "log". */
#define COLUMNS_WANTED(prefix)                                                           \
	"column " prefix "log.seq", "column " prefix "log.event",                        \
		"column " prefix "log.path", "column " prefix "log.blob",                \
		"column " prefix "log.commit", "column " prefix "log.at",                \
		"column " prefix "log.by", "column " prefix "log.run",                   \
		"column " prefix "log.record", "column " prefix "log.hash",              \
		"column " prefix "schema.version", "column " prefix "schema.name",       \
		"column " prefix "schema.sha256", "column " prefix "schema.at",          \
		"column " prefix "schema.tool"

static const char *const sqlite_guards[] = {
	"trigger git_migrate_log_delete",
	"trigger git_migrate_log_insert",
	"trigger git_migrate_log_update",
	"trigger git_migrate_schema_delete",
	"trigger git_migrate_schema_insert",
	"trigger git_migrate_schema_update",
	"index git_migrate_log_settled",
	COLUMNS_WANTED("git_migrate_"),
	NULL,
};

static const char *const postgresql_guards[] = {
	"trigger lock_delete",	    "trigger lock_truncate",   "trigger log_change",
	"trigger log_insert",	    "trigger log_truncate",    "trigger schema_change",
	"trigger schema_insert",    "trigger schema_truncate", "function continue_log",
	"function continue_schema", "function refuse_change",  "function enter",
	"function leave",	    "index log_pkey",	       "index log_hash_key",
	"index log_settled",	    "index lock_pkey",	       "index schema_pkey",
	COLUMNS_WANTED(""),	    "column lock.id",	       NULL,
};

static const char *const cockroachdb_guards[] = { "index log_settled", NULL };

/* Statements that both families of engines have, with their tables' prefix. */
#define READ(prefix) "SELECT record, seq FROM " prefix "log ORDER BY seq"
#define EXAMINE(prefix) "SELECT " LOG_COLUMNS " FROM " prefix "log ORDER BY seq"
#define NEWEST_STEP(prefix) "SELECT max(version) FROM " prefix "schema"
#define INSERT(prefix)                                                                   \
	"INSERT INTO " prefix "log (" LOG_COLUMNS ") VALUES"                             \
	" (CAST($1 AS bigint), $2, $3, $4, $5, $6, $7, $8, $9, $10)"
#define APPEND(prefix) INSERT(prefix) " RETURNING seq"
#define NOTE(prefix)                                                                     \
	"INSERT INTO " prefix "schema (version, name, sha256, at, tool)"                 \
	" VALUES (CAST($1 AS integer), $2, $3, $4, $5) RETURNING version AS seq"
/* One step down the index: a max() costs PostgreSQL's planner twice the time. */
#define IS_HEAD(prefix)                                                                  \
	" FROM (SELECT seq, hash FROM " prefix "log ORDER BY seq DESC LIMIT 1) AS last"  \
	" WHERE seq = CAST($1 AS bigint) AND hash = $2"

/* $7 is how many batches there were before this one, $4 how many there are now. */
#define PROGRESS_READ(prefix)                                                            \
	"SELECT upto, batches, \"rows\", at FROM " prefix                                \
	"progress WHERE path = $1 AND blob = $2"
#define PROGRESS_FIND(prefix)                                                            \
	"SELECT upto, batches, \"rows\", at, blob FROM " prefix                          \
	"progress WHERE path = $1 AND batches > 0"                                       \
	" ORDER BY CASE WHEN blob = $2 THEN 0 ELSE 1 END, at DESC LIMIT 1"
#define PROGRESS_WRITE(prefix)                                                           \
	"INSERT INTO " prefix "progress (path, blob, upto, batches, \"rows\", at)"       \
	" SELECT CAST($1 AS text), CAST($2 AS text), CAST($3 AS text),"                  \
	"  CAST($4 AS bigint), CAST($5 AS bigint), CAST($6 AS text)"                     \
	" WHERE CAST($7 AS bigint) = (SELECT coalesce(max(batches), 0) FROM " prefix     \
	"progress WHERE path = $1 AND blob = $2)"                                        \
	" ON CONFLICT (path, blob) DO UPDATE SET upto = excluded.upto,"                  \
	"  batches = excluded.batches, \"rows\" = excluded.\"rows\", at = excluded.at"   \
	" RETURNING batches"

/* Divides by nothing where there is no row: an error, behind which nothing runs. */
#define ONE_ROW(query) "SELECT 1 / count(*) FROM (" query ") AS found"
#define ONE_WRITTEN(insert)                                                              \
	"WITH written AS (" insert ") SELECT 1 / count(*) FROM written"                  \
	" WHERE seq = CAST($1 AS bigint)"

/* ALWAYS: session_replication_role passes other triggers over. */
#define PG_GUARDING                                                                      \
	"WITH own AS (SELECT c.oid, c.relname, c.relpersistence, c.relrowsecurity,"      \
	"  c.relowner FROM pg_catalog.pg_class AS c"                                     \
	"  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"                  \
	"  WHERE n.nspname = 'git_migrate'"                                              \
	"  AND c.relname IN ('log', 'lock', 'schema')),"                                 \
	" code AS (SELECT p.proname, p.proowner,"                                        \
	"  strpos($1::text, '$$' || p.prosrc || '$$') > 0 AS same"                       \
	"  FROM pg_catalog.pg_proc AS p"                                                 \
	"  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace"                  \
	"  WHERE n.nspname = 'git_migrate')"                                             \
	" SELECT 'trigger', t.tgname::text, NULL::text"                                  \
	"  FROM own JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = own.oid"              \
	"  WHERE NOT t.tgisinternal AND t.tgenabled = 'A'"                               \
	"  AND t.tgname IN (" PG_TRIGGERS ")"                                            \
	" UNION ALL SELECT 'trigger', t.tgname,"                                         \
	"   'was put on ' || own.relname || ', where it can change or swallow rows'"     \
	"  FROM own JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = own.oid"              \
	"  WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 2 <> 0"        \
	"  AND t.tgname NOT IN (" PG_TRIGGERS ")"                                        \
	" UNION ALL SELECT 'rule', r.rulename,"                                          \
	"   'was put on ' || own.relname || ', and can change what is done to it'"       \
	"  FROM own JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = own.oid"             \
	" UNION ALL SELECT 'function', proname, NULL FROM code"                          \
	"  WHERE same AND proname IN"                                                    \
	"   ('continue_log', 'continue_schema', 'refuse_change',"                        \
	"    'enter', 'leave')"                                                          \
	" UNION ALL SELECT 'index', c.relname, NULL"                                     \
	"  FROM own JOIN pg_catalog.pg_index AS i ON i.indrelid = own.oid"               \
	"  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid"                        \
	"  WHERE i.indisunique AND i.indisvalid"                                         \
	" UNION ALL SELECT 'column', own.relname || '.' || a.attname, NULL"              \
	"  FROM own JOIN pg_catalog.pg_attribute AS a ON a.attrelid = own.oid"           \
	"  WHERE a.attnum > 0 AND NOT a.attisdropped"                                    \
	" UNION ALL SELECT 'table', relname, 'is UNLOGGED: a crash would empty it'"      \
	"  FROM own WHERE relpersistence <> 'p'"                                         \
	" UNION ALL SELECT 'table', relname, 'has row security: rows can be hidden'"     \
	"  FROM own WHERE relrowsecurity"                                                \
	" UNION ALL SELECT 'table', own.relname,"                                        \
	"   'has an heir, whose rows would be read as its own'"                          \
	"  FROM own JOIN pg_catalog.pg_inherits AS h ON h.inhparent = own.oid"           \
	" UNION ALL SELECT 'table', relname, 'has another owner than its functions'"     \
	"  FROM own WHERE NOT EXISTS"                                                    \
	"  (SELECT FROM code WHERE proowner = own.relowner)"

#define PG_TRIGGERS                                                                      \
	"'lock_delete', 'lock_truncate', 'log_change', 'log_insert', 'log_truncate',"    \
	" 'schema_change', 'schema_insert', 'schema_truncate'"
#define PG_LOCK_ROW "SELECT id FROM git_migrate.lock"

#define PG "git_migrate."
#define PG_LOCK "SELECT id FROM git_migrate.lock WHERE id = 1 FOR UPDATE"
/* Texts that say all of a value, and are read as the same one by any session. */
#define PG_FORMATS                                                                       \
	"SELECT pg_catalog.set_config('extra_float_digits', '3', true),"                 \
	" pg_catalog.set_config('DateStyle', 'ISO', true),"                              \
	" pg_catalog.set_config('IntervalStyle', 'postgres', true),"                     \
	" pg_catalog.set_config('bytea_output', 'hex', true),"                           \
	" pg_catalog.set_config('standard_conforming_strings', 'on', true)"

/*
 * Keys of types whose order the server itself knows, whatever the search_path, of domains
 * too; but for money, whose texts each lc_monetary reads in its own way, for
 * composites, of which a literal has no type, and for arrays where a NULL in one is read
 * as a text.
 */
#define PG_KEYS                                                                          \
	"SELECT i.indexrelid::text, a.attname::text"                                     \
	" FROM pg_catalog.pg_index AS i"                                                 \
	" CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[])"                        \
	"  WITH ORDINALITY AS k (att, n)"                                                \
	" LEFT JOIN (pg_catalog.pg_attribute AS a"                                       \
	"  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid"                           \
	"  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace"                  \
	"   AND (n.nspname = 'pg_catalog' OR t.typtype IN ('e', 'd'))"                   \
	"   AND t.typname <> '_money' AND t.typoutput NOT IN (SELECT p.oid"              \
	"    FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS pn"            \
	"     ON pn.oid = p.pronamespace"                                                \
	"    WHERE p.proname = 'cash_out' OR pn.nspname <> 'pg_catalog')"                \
	"   AND t.typcategory <> 'C' AND (t.typcategory <> 'A' OR "                      \
	"pg_catalog.current_setting("                                                    \
	"    'array_nulls', true) IS DISTINCT FROM 'off'))"                              \
	"  ON a.attrelid = i.indrelid AND a.attnum = k.att"                              \
	" WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisunique"               \
	" AND i.indisvalid AND i.indpred IS NULL AND k.n <= i.indnkeyatts"               \
	" ORDER BY i.indisprimary DESC, i.indexrelid, k.n"

#define PG_SAME                                                                          \
	.read = READ(PG), .examine = EXAMINE(PG), .version = NEWEST_STEP(PG),            \
	.is_absent = ONE_ROW("SELECT 1 WHERE NOT EXISTS (SELECT 1"                       \
			     " FROM pg_catalog.pg_class AS c"                            \
			     " JOIN pg_catalog.pg_namespace AS n"                        \
			     "  ON n.oid = c.relnamespace"                               \
			     " WHERE n.nspname = 'git_migrate' AND c.relname = 'log')"), \
	.is_empty = ONE_ROW("SELECT 1 WHERE NOT EXISTS"                                  \
			    " (SELECT 1 FROM git_migrate.log)"),                         \
	.is_head = "SELECT 1 / count(*)" IS_HEAD(PG),                                    \
	.is_step = "SELECT 1 / count(*) FROM (" NEWEST_STEP(                             \
		PG) ") AS newest (version)"                                              \
		    " WHERE version = CAST($1 AS integer)",                              \
	.append = ONE_WRITTEN(APPEND(PG)), .note = ONE_WRITTEN(NOTE(PG)),                \
	.progress_read = PROGRESS_READ(PG), .progress_find = PROGRESS_FIND(PG),          \
	.progress_write = "WITH written AS (" PROGRESS_WRITE(                            \
		PG) ") SELECT 1 / count(*) FROM written",                                \
	.names = "SET LOCAL search_path TO DEFAULT", .keys = PG_KEYS,                    \
	.key_value = "CAST(gm.@ AS text)"

static const struct dialect dialects[] = {
	{
		.schema = "sqlite",
		.read = READ("git_migrate_"),
		.examine = EXAMINE("git_migrate_"),
		.version = NEWEST_STEP("git_migrate_"),
		.is_absent = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema"
			     " WHERE type = 'table' AND name = 'git_migrate_log')",
		.is_empty = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM git_migrate_log)",
		.is_head = "SELECT 1" IS_HEAD("git_migrate_"),
		.is_step = "SELECT 1 FROM git_migrate_schema"
			   " HAVING max(version) = CAST($1 AS integer)",
		.append = APPEND("git_migrate_"),
		.note = NOTE("git_migrate_"),
		.progress_read = PROGRESS_READ("git_migrate_"),
		.progress_find = PROGRESS_FIND("git_migrate_"),
		.progress_write = PROGRESS_WRITE("git_migrate_"),
		.keys = "SELECT 0, name FROM (SELECT name FROM pragma_table_info($1)"
			" WHERE pk > 0 ORDER BY pk) UNION ALL"
			" SELECT * FROM (SELECT l.seq + 1, c.name"
			" FROM pragma_index_list($1) AS l JOIN pragma_index_info(l.name)"
			" AS c WHERE l.\"unique\" AND NOT l.partial"
			" ORDER BY l.seq, c.seqno)",
		.estimate = "SELECT max(rowid) - min(rowid) + 1 FROM ",
		/* quote() ends at a NUL, and calls what is infinite Inf */
		.key_value = "CASE WHEN typeof(gm.@) = 'text'"
			     " AND instr(CAST(gm.@ AS blob), X'00') > 0"
			     " THEN NULL WHEN typeof(gm.@) = 'real' AND gm.@ = 9e999"
			     " THEN '9e999' WHEN typeof(gm.@) = 'real'"
			     " AND gm.@ = -9e999 THEN '-9e999' ELSE quote(gm.@) END",
		.values_are_literals = true,
		.guarding = "SELECT type, name, NULL FROM sqlite_schema"
			    " WHERE type IN ('trigger', 'index') AND sql IS NOT NULL"
			    " AND tbl_name IN ('git_migrate_log', 'git_migrate_schema')"
			    " AND (instr($1, sql) OR (name NOT LIKE 'git@_migrate@_%'"
			    "  ESCAPE '@' AND (type = 'trigger'"
			    "   OR sql LIKE 'CREATE UNIQUE %')))"
			    " UNION ALL SELECT 'column', t.name || '.' || c.name, NULL"
			    " FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c"
			    " WHERE t.type = 'table'"
			    " AND t.name IN ('git_migrate_log', 'git_migrate_schema')",
		.compares = true,
		.guards = sqlite_guards,
		.whole = { "tracker.sql", sqlite_whole, sizeof(sqlite_whole) },
		.steps = sqlite_steps,
		.nr_steps = ARRAY_SIZE(sqlite_steps),
	},
	{
		.schema = "postgresql",
		PG_SAME,
		.lock = ONE_ROW(PG_LOCK " NOWAIT"),
		.wait = ONE_ROW(PG_LOCK),
		.formats = PG_FORMATS,
		.session_step = 2,
		/* the limits that are young: before the lock, behind RESET ALL */
		.enter = "SELECT " PG_LIMIT_OFF(
			"transaction_timeout") ", git_migrate.enter($1, $2, CAST($3 AS "
					       "bigint), $4)",
		.leave = "SELECT git_migrate.leave($1), " PG_LIMIT_OFF(
			"transaction_timeout"),
		.insert = INSERT(PG),
		.proof = "SELECT 1 / (count(*) / CAST($1 AS bigint))"
			 " FROM (SELECT hash FROM git_migrate.log ORDER BY seq DESC"
			 "  LIMIT CAST($1 AS bigint)) AS last"
			 " WHERE hash IN ($2, $3, $4, $5)",
		.estimate_of = "SELECT CAST(reltuples AS bigint) FROM pg_catalog.pg_class"
			       " WHERE oid = pg_catalog.to_regclass($1)",
		/* bytes: the lags in time say nothing of one that has stopped */
		.behind = "SELECT application_name,"
			  " CAST(pg_catalog.pg_wal_lsn_diff("
			  "  pg_catalog.pg_current_wal_lsn(), replay_lsn) AS bigint)"
			  " FROM pg_catalog.pg_stat_replication"
			  " WHERE replay_lsn IS NOT NULL ORDER BY 2 DESC LIMIT 1",
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
		.runners = "SELECT pid, application_name,"
			   " pg_catalog.to_char(backend_start AT TIME ZONE 'UTC',"
			   "  'YYYY-MM-DD HH24:MI:SS \"UTC\"')"
			   " FROM pg_catalog.pg_stat_activity"
			   " WHERE datname = pg_catalog.current_database()"
			   " AND application_name ="
			   "  pg_catalog.current_setting('application_name')"
			   " AND pid <> pg_catalog.pg_backend_pid()"
			   " ORDER BY backend_start LIMIT 1",
		.guarding = PG_GUARDING,
		.compares = true,
		.lock_row = PG_LOCK_ROW,
		.guards = postgresql_guards,
		.whole = { "tracker.sql", postgresql_whole, sizeof(postgresql_whole) },
		.steps = postgresql_steps,
		.nr_steps = ARRAY_SIZE(postgresql_steps),
	},
	{
		.schema = "cockroachdb",
		PG_SAME,
		/* by themselves: no more than what its manual shows */
		.lock = PG_LOCK " NOWAIT",
		.wait = PG_LOCK,
		.guarding = "SELECT 'index', indexname, NULL FROM pg_catalog.pg_indexes"
			    " WHERE schemaname = 'git_migrate'"
			    " AND indexname = 'log_settled'",
		.lock_row = PG_LOCK_ROW,
		.guards = cockroachdb_guards,
		.whole = { "tracker.sql", cockroachdb_whole, sizeof(cockroachdb_whole) },
		.steps = cockroachdb_steps,
		.nr_steps = ARRAY_SIZE(cockroachdb_steps),
	},
};

const struct dialect *dialect_of(const char *schema)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dialects); i++)
		if (strcmp(dialects[i].schema, schema) == 0)
			return &dialects[i];
	BUG("no tracker for '%s'", schema);
}
