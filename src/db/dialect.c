#include "base/compat.h"

#include "base/err.h"
#include "db/dialect.h"

static const unsigned char sqlite_0001[] = {
#include "migrations/sqlite-0001.inc"
};

static const unsigned char postgresql_0001[] = {
#include "migrations/postgresql-0001.inc"
};

static const unsigned char postgresql_0002[] = {
#include "migrations/postgresql-0002.inc"
};

/* A new tracker is made by all steps at once, in one transaction. */
static const unsigned char postgresql_whole[] = {
#include "migrations/postgresql-0001.inc"
#include "migrations/postgresql-0002.inc"
};

static const unsigned char cockroachdb_0001[] = {
#include "migrations/cockroachdb-0001.inc"
};

static const struct schema_step sqlite_steps[] = {
	{ "0001-tracker.sql", sqlite_0001, sizeof(sqlite_0001) },
};

static const struct schema_step postgresql_steps[] = {
	{ "0001-tracker.sql", postgresql_0001, sizeof(postgresql_0001) },
	{ "0002-session.sql", postgresql_0002, sizeof(postgresql_0002) },
};

static const struct schema_step cockroachdb_steps[] = {
	{ "0001-tracker.sql", cockroachdb_0001, sizeof(cockroachdb_0001) },
};

_Static_assert(ARRAY_SIZE(sqlite_steps) <= STEPS_MAX &&
		       ARRAY_SIZE(postgresql_steps) <= STEPS_MAX &&
		       ARRAY_SIZE(cockroachdb_steps) <= STEPS_MAX,
	       "room for the records of all steps");

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

static const char *const cockroachdb_guards[] = { "log_settled", NULL };

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

/* Divides by nothing where there is no row: an error, behind which nothing runs. */
#define ONE_ROW(query) "SELECT 1 / count(*) FROM (" query ") AS found"
#define ONE_WRITTEN(insert)                                                              \
	"WITH written AS (" insert ") SELECT 1 / count(*) FROM written"                  \
	" WHERE seq = CAST($1 AS bigint)"

#define PG "git_migrate."
#define PG_LOCK "SELECT id FROM git_migrate.lock WHERE id = 1 FOR UPDATE"
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
	.append = ONE_WRITTEN(APPEND(PG)), .note = ONE_WRITTEN(NOTE(PG))

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
		.guarding = "SELECT name FROM sqlite_schema"
			    " WHERE type IN ('trigger', 'index')",
		.guards = sqlite_guards,
		.whole = { "tracker.sql", sqlite_0001, sizeof(sqlite_0001) },
		.steps = sqlite_steps,
		.nr_steps = ARRAY_SIZE(sqlite_steps),
	},
	{
		.schema = "postgresql",
		PG_SAME,
		.lock = ONE_ROW(PG_LOCK " NOWAIT"),
		.wait = ONE_ROW(PG_LOCK),
		.session_step = 2,
		.enter = "SELECT git_migrate.enter($1, $2, CAST($3 AS bigint), $4)",
		.leave = "SELECT git_migrate.leave($1)",
		.insert = INSERT(PG),
		.proof = "SELECT 1 / (count(*) / CAST($1 AS bigint))"
			 " FROM (SELECT hash FROM git_migrate.log ORDER BY seq DESC"
			 "  LIMIT CAST($1 AS bigint)) AS last"
			 " WHERE hash IN ($2, $3, $4)",
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
		.guarding = "SELECT indexname FROM pg_catalog.pg_indexes"
			    " WHERE schemaname = 'git_migrate'",
		.guards = cockroachdb_guards,
		.whole = { "tracker.sql", cockroachdb_0001, sizeof(cockroachdb_0001) },
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
