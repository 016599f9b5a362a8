-- The tracker of git migrate, where DDL is not undone with its transaction and
-- triggers cannot be relied on (CockroachDB, YugabyteDB): every statement can be
-- run again. The log only grows: git migrate alone writes it, a record is taken
-- only behind the one that it names, and the chain of hashes shows the rest.

CREATE SCHEMA IF NOT EXISTS git_migrate;

-- One row a record. `record` is the text that counts (git-migrate-records(5)):
-- hash = SHA-256 of it with a line feed, and it names the hash before it. The
-- other columns are copies for queries.
CREATE TABLE IF NOT EXISTS git_migrate.log (
	seq bigint PRIMARY KEY,
	event text NOT NULL,
	path text,
	blob text,
	"commit" text,
	at text NOT NULL,
	"by" text,
	run text,
	record text NOT NULL,
	hash text NOT NULL UNIQUE
);

-- A migration is settled once.
CREATE UNIQUE INDEX IF NOT EXISTS log_settled ON git_migrate.log (path)
	WHERE event IN ('applied', 'adopted', 'superseded', 'unneeded');

-- One row, locked FOR UPDATE by whoever runs a migration.
CREATE TABLE IF NOT EXISTS git_migrate.lock (
	id integer PRIMARY KEY CHECK (id = 1)
);

-- Steps of this schema itself, in migrations/cockroachdb/ of git migrate.
CREATE TABLE IF NOT EXISTS git_migrate.schema (
	version integer PRIMARY KEY,
	name text NOT NULL,
	sha256 text NOT NULL,
	at text NOT NULL,
	tool text NOT NULL
);

INSERT INTO git_migrate.lock (id) VALUES (1) ON CONFLICT DO NOTHING;
