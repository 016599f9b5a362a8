-- The tracker of git migrate: the log of what happened to this database.
-- It only grows. Nothing here is ever updated or deleted, by any command of the
-- tool; what was wrong is corrected by a further migration and so by a further
-- record. Triggers stop accidents; the chain of hashes shows the rest.

-- One row a record. `record` is the text that counts (git-migrate-records(5)):
-- hash = SHA-256 of it with a line feed, and it names the hash before it. The
-- other columns are copies for queries.
CREATE TABLE git_migrate_log (
	seq INTEGER PRIMARY KEY,
	event TEXT NOT NULL,
	path TEXT,
	blob TEXT,
	"commit" TEXT,
	at TEXT NOT NULL,
	"by" TEXT,
	run TEXT,
	record TEXT NOT NULL UNIQUE,
	hash TEXT NOT NULL UNIQUE
);

-- A migration is settled once.
CREATE UNIQUE INDEX git_migrate_log_settled ON git_migrate_log (path)
	WHERE event IN ('applied', 'adopted', 'superseded', 'unneeded');

-- Steps of this schema itself, in migrations/sqlite/ of git migrate.
CREATE TABLE git_migrate_schema (
	version INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	at TEXT NOT NULL,
	tool TEXT NOT NULL
);

CREATE TRIGGER git_migrate_log_update BEFORE UPDATE ON git_migrate_log
BEGIN
	SELECT RAISE(ABORT, 'the tracker is append-only: UPDATE refused; to correct a migration, add a further one');
END;

CREATE TRIGGER git_migrate_log_delete BEFORE DELETE ON git_migrate_log
BEGIN
	SELECT RAISE(ABORT, 'the tracker is append-only: DELETE refused; to correct a migration, add a further one');
END;

-- INSERT OR REPLACE deletes rows without their triggers, so a new row may be in
-- the way of none: not by seq, record, hash or a settled path. `restored` alone
-- may leave numbers out: those that the database had lost.
CREATE TRIGGER git_migrate_log_insert BEFORE INSERT ON git_migrate_log
BEGIN
	SELECT RAISE(ABORT, 'the tracker is append-only: seq is not the next number')
	WHERE NEW.seq IS NULL
		OR NEW.seq <= (SELECT coalesce(max(seq), 0) FROM git_migrate_log)
		OR (NEW.event <> 'restored'
			AND NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM git_migrate_log));
	SELECT RAISE(ABORT, 'the tracker is append-only: the record does not continue the chain')
	WHERE NEW.record IS NULL
		OR substr(NEW.record, 1, 81) <> printf('%010d prev=%s ', NEW.seq,
			coalesce((SELECT hash FROM git_migrate_log ORDER BY seq DESC LIMIT 1),
				'0000000000000000000000000000000000000000000000000000000000000000'));
	SELECT RAISE(ABORT, 'the tracker is append-only: hash is not a SHA-256 in hex')
	WHERE NEW.hash IS NULL OR length(NEW.hash) <> 64 OR NEW.hash GLOB '*[^0-9a-f]*';
	SELECT RAISE(ABORT, 'the tracker is append-only: this record is there already')
	WHERE EXISTS (SELECT 1 FROM git_migrate_log
		WHERE record = NEW.record OR hash = NEW.hash);
	SELECT RAISE(ABORT, 'the tracker is append-only: this path is settled already')
	WHERE NEW.event IN ('applied', 'adopted', 'superseded', 'unneeded')
		AND EXISTS (SELECT 1 FROM git_migrate_log
			WHERE path = NEW.path
			AND event IN ('applied', 'adopted', 'superseded', 'unneeded'));
END;

CREATE TRIGGER git_migrate_schema_update BEFORE UPDATE ON git_migrate_schema
BEGIN
	SELECT RAISE(ABORT, 'the schema of the tracker is append-only: UPDATE refused');
END;

CREATE TRIGGER git_migrate_schema_delete BEFORE DELETE ON git_migrate_schema
BEGIN
	SELECT RAISE(ABORT, 'the schema of the tracker is append-only: DELETE refused');
END;

CREATE TRIGGER git_migrate_schema_insert BEFORE INSERT ON git_migrate_schema
WHEN NEW.version IS NULL
	OR NEW.version <> (SELECT coalesce(max(version), 0) + 1 FROM git_migrate_schema)
BEGIN
	SELECT RAISE(ABORT, 'the schema of the tracker is append-only: version is not the next number');
END;
