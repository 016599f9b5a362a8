-- The tracker of git migrate: the log of what happened to this database.
-- It only grows. Nothing here is ever updated or deleted, by any command of the
-- tool; what was wrong is corrected by a further migration and so by a further
-- record. Triggers stop accidents; the chain of hashes shows the rest.

-- IF NOT EXISTS would want the right to create one where it is there already.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace
			WHERE nspname = 'git_migrate') THEN
		CREATE SCHEMA git_migrate;
	END IF;
END
$$;

-- One row a record. `record` is the text that counts (git-migrate-records(5)):
-- hash = SHA-256 of it with a line feed, and it names the hash before it. The
-- other columns are copies for queries. A record may be longer than an index
-- entry, so it is unique by its hash, which a trigger computes again.
CREATE TABLE git_migrate.log (
	seq bigint PRIMARY KEY,
	event text COLLATE "C" NOT NULL,
	path text COLLATE "C",
	blob text COLLATE "C",
	"commit" text COLLATE "C",
	at text COLLATE "C" NOT NULL,
	"by" text COLLATE "C",
	run text COLLATE "C",
	record text COLLATE "C" NOT NULL,
	hash text COLLATE "C" NOT NULL UNIQUE
);

-- A migration is settled once.
CREATE UNIQUE INDEX log_settled ON git_migrate.log (path)
	WHERE event IN ('applied', 'adopted', 'superseded', 'unneeded');

-- One row, locked FOR UPDATE by whoever runs a migration, in its transaction.
CREATE TABLE git_migrate.lock (
	id integer PRIMARY KEY CHECK (id = 1)
);
INSERT INTO git_migrate.lock (id) VALUES (1);

-- Steps of this schema itself, in migrations/postgresql/ of git migrate.
CREATE TABLE git_migrate.schema (
	version integer PRIMARY KEY,
	name text COLLATE "C" NOT NULL,
	sha256 text COLLATE "C" NOT NULL,
	at text COLLATE "C" NOT NULL,
	tool text COLLATE "C" NOT NULL
);

CREATE FUNCTION git_migrate.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'the tracker is append-only: % of %.% refused',
		TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
		USING ERRCODE = 'restrict_violation',
		HINT = 'To correct a migration, add a further one.';
END
$$;

-- `restored` alone may leave numbers out: those that the database had lost.
CREATE FUNCTION git_migrate.continue_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	last_seq bigint;
	last_hash text;
BEGIN
	SELECT seq, hash INTO last_seq, last_hash
	FROM git_migrate.log ORDER BY seq DESC LIMIT 1;
	last_seq := coalesce(last_seq, 0);
	last_hash := coalesce(last_hash, repeat('0', 64));
	IF NEW.seq IS NULL OR NEW.seq <= last_seq
		OR (NEW.event <> 'restored' AND NEW.seq <> last_seq + 1) THEN
		RAISE EXCEPTION 'the tracker is append-only: seq % does not follow %',
			NEW.seq, last_seq
			USING ERRCODE = 'restrict_violation';
	END IF;
	IF NEW.record IS NULL OR substr(NEW.record, 1, 81) <>
		lpad(NEW.seq::text, 10, '0') || ' prev=' || last_hash || ' ' THEN
		RAISE EXCEPTION 'the tracker is append-only: record % does not continue the chain',
			NEW.seq
			USING ERRCODE = 'restrict_violation';
	END IF;
	IF NEW.hash IS NULL OR NEW.hash <>
		encode(sha256(convert_to(NEW.record || chr(10), 'UTF8')), 'hex') THEN
		RAISE EXCEPTION 'the tracker is append-only: hash of record % is not its SHA-256',
			NEW.seq
			USING ERRCODE = 'restrict_violation';
	END IF;
	RETURN NEW;
END
$$;

CREATE FUNCTION git_migrate.continue_schema() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NEW.version IS DISTINCT FROM
		(SELECT coalesce(max(version), 0) + 1 FROM git_migrate.schema) THEN
		RAISE EXCEPTION 'the schema of the tracker is append-only: version % is not the next number',
			NEW.version
			USING ERRCODE = 'restrict_violation';
	END IF;
	RETURN NEW;
END
$$;

CREATE TRIGGER log_insert BEFORE INSERT ON git_migrate.log
	FOR EACH ROW EXECUTE FUNCTION git_migrate.continue_log();
CREATE TRIGGER log_change BEFORE UPDATE OR DELETE ON git_migrate.log
	FOR EACH ROW EXECUTE FUNCTION git_migrate.refuse_change();
CREATE TRIGGER log_truncate BEFORE TRUNCATE ON git_migrate.log
	FOR EACH STATEMENT EXECUTE FUNCTION git_migrate.refuse_change();
CREATE TRIGGER lock_delete BEFORE DELETE ON git_migrate.lock
	FOR EACH ROW EXECUTE FUNCTION git_migrate.refuse_change();
CREATE TRIGGER lock_truncate BEFORE TRUNCATE ON git_migrate.lock
	FOR EACH STATEMENT EXECUTE FUNCTION git_migrate.refuse_change();
CREATE TRIGGER schema_insert BEFORE INSERT ON git_migrate.schema
	FOR EACH ROW EXECUTE FUNCTION git_migrate.continue_schema();
CREATE TRIGGER schema_change BEFORE UPDATE OR DELETE ON git_migrate.schema
	FOR EACH ROW EXECUTE FUNCTION git_migrate.refuse_change();
CREATE TRIGGER schema_truncate BEFORE TRUNCATE ON git_migrate.schema
	FOR EACH STATEMENT EXECUTE FUNCTION git_migrate.refuse_change();

-- ALWAYS: else session_replication_role = replica would pass them by.
ALTER TABLE git_migrate.log ENABLE ALWAYS TRIGGER log_insert;
ALTER TABLE git_migrate.log ENABLE ALWAYS TRIGGER log_change;
ALTER TABLE git_migrate.log ENABLE ALWAYS TRIGGER log_truncate;
ALTER TABLE git_migrate.lock ENABLE ALWAYS TRIGGER lock_delete;
ALTER TABLE git_migrate.lock ENABLE ALWAYS TRIGGER lock_truncate;
ALTER TABLE git_migrate.schema ENABLE ALWAYS TRIGGER schema_insert;
ALTER TABLE git_migrate.schema ENABLE ALWAYS TRIGGER schema_change;
ALTER TABLE git_migrate.schema ENABLE ALWAYS TRIGGER schema_truncate;
