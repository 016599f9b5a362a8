-- What every migration's transaction begins and ends with, as functions: their plans
-- are kept for the whole session, where a statement's would be made anew each time.
-- They are called with a search_path that others have chosen, so all names and
-- operators in them are qualified; a search_path of their own would be put back at
-- their end, and is theirs to set. They have no rights but the caller's.

-- Sets up a transaction of git migrate, takes the lock row and holds the log's newest
-- record against the one that is expected. `wait_ms` is how long the lock is waited
-- for, NULL: not at all; `lock_ms` is for the locks that the migration takes.
CREATE FUNCTION git_migrate.enter(
	wait_ms text, lock_ms text, head_seq bigint, head_hash text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	last_seq bigint;
	last_hash text;
BEGIN
	PERFORM pg_catalog.set_config('lock_timeout', coalesce(wait_ms, lock_ms), true);
	SET LOCAL statement_timeout TO 0;
	SET LOCAL idle_in_transaction_session_timeout TO 600000;
	SET LOCAL standard_conforming_strings TO on;
	SET LOCAL client_encoding TO 'UTF8';
	SET LOCAL search_path TO DEFAULT;
	IF wait_ms IS NULL THEN
		PERFORM id FROM git_migrate.lock
		WHERE id OPERATOR(pg_catalog.=) 1 FOR UPDATE NOWAIT;
	ELSE
		PERFORM id FROM git_migrate.lock
		WHERE id OPERATOR(pg_catalog.=) 1 FOR UPDATE;
	END IF;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the lock row of the tracker is not there'
			USING ERRCODE = 'GM002';
	END IF;
	IF wait_ms IS NOT NULL THEN
		PERFORM pg_catalog.set_config('lock_timeout', lock_ms, true);
	END IF;
	SELECT seq, hash INTO last_seq, last_hash
	FROM git_migrate.log ORDER BY seq DESC LIMIT 1;
	IF last_seq OPERATOR(pg_catalog.=) head_seq
		AND last_hash OPERATOR(pg_catalog.=) head_hash THEN
		RETURN;
	END IF;
	RAISE EXCEPTION 'the newest record of the tracker is not %', head_seq
		USING ERRCODE = 'GM001';
END
$$;

-- Takes back what a migration has left behind in the session, its role aside, and
-- sets what the record wants. A migration under which strings are read otherwise than
-- git migrate reads them is refused.
CREATE FUNCTION git_migrate.leave(lock_ms text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	IF pg_catalog.current_setting('standard_conforming_strings')
			OPERATOR(pg_catalog.<>) 'on'
		OR pg_catalog.current_setting('client_encoding')
			OPERATOR(pg_catalog.<>) 'UTF8' THEN
		RAISE EXCEPTION 'a migration cannot change how text is read'
			USING ERRCODE = 'GM003';
	END IF;
	PERFORM pg_catalog.pg_advisory_unlock_all();
	RESET ALL;
	EXECUTE 'CLOSE ALL';
	DEALLOCATE ALL;
	UNLISTEN *;
	DISCARD TEMP;
	DISCARD SEQUENCES;
	SET LOCAL statement_timeout TO 0;
	SET LOCAL search_path TO pg_catalog, pg_temp;
	PERFORM pg_catalog.set_config('lock_timeout', lock_ms, true);
END
$$;
