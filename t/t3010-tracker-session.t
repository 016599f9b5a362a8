#!/bin/sh

test_description='the functions that begin and end a migration on PostgreSQL'

. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119
start_pg

# one_applied NAME: a repository, a database (in $url), and a migration that has run.
one_applied() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo "$1" &&
	cd "$1" &&
	mkdir .git/t &&
	url=$(create_db "$1") &&
	git config migrate.default.url "$url" &&
	new_migration first "CREATE TABLE first (x int);" &&
	git migrate apply >.git/t/out 2>&1
}

# older: the tracker as the first version of its schema was, before the functions.
older() {
	pg "$url" "ALTER TABLE git_migrate.schema DISABLE TRIGGER ALL;
		DELETE FROM git_migrate.schema WHERE version > 1;
		ALTER TABLE git_migrate.schema ENABLE ALWAYS TRIGGER schema_insert,
			ENABLE ALWAYS TRIGGER schema_change,
			ENABLE ALWAYS TRIGGER schema_truncate;
		DROP FUNCTION git_migrate.enter, git_migrate.leave;
		DROP TABLE git_migrate.progress"
}

versions() {
	pg "$url" "SELECT version FROM git_migrate.schema ORDER BY 1" | paste -sd " " -
}

# has_runner: beside the session that holds the lock there is a second one
has_runner() {
	test 2 -le "$(pg "$url" "SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()")"
}

# hidden SQL: a migration that hides what it does to the tracker from its text.
hidden() {
	new_migration bad "CREATE TABLE half (x int);
DO \$\$ BEGIN EXECUTE replace('$(echo "$1" | sed "s/'/''/g")', '@', 'git_' || 'migrate'); END \$\$;"
}

# ruins WORD SQL: it is refused with WORD, nothing is left of it, and another may run.
ruins() {
	hidden "$2" &&
	pg_tracker_rows "$url" >.git/t/before &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*$1" .git/t/err &&
	grep "^hint: " .git/t/err &&
	test -z "$(pg "$url" "SELECT to_regclass('half')")" &&
	pg_tracker_rows "$url" >.git/t/after &&
	sed "\$d" .git/t/after | test_cmp .git/t/before - &&
	tail -n 1 .git/t/after | grep "failed" &&
	git reset -q --hard HEAD^ &&
	git migrate audit >.git/t/out
}

test_expect_success 'a new tracker has them, in the transaction that makes it' '
	one_applied new &&
	test "1 2 3" = "$(versions)" &&
	test 1 = "$(pg "$url" "SELECT count(DISTINCT xmin::text) FROM git_migrate.schema")" &&
	test "enter leave" = "$(pg "$url" "SELECT proname FROM pg_proc WHERE pronamespace =
		'\''git_migrate'\''::regnamespace AND prorettype = '\''void'\''::regtype
		ORDER BY 1" | paste -sd " " -)"
'

test_expect_success 'an older tracker gets them from the next apply that has something to do' '
	one_applied old &&
	older &&
	git migrate apply >.git/t/out &&
	test 1 = "$(versions)" &&
	new_migration second "CREATE TABLE second (x int);" &&
	git migrate apply >.git/t/out 2>&1 &&
	test "1 2 3" = "$(versions)" &&
	new_migration third "CREATE TABLE third (x int);" &&
	git migrate apply >.git/t/out 2>&1 &&
	git migrate audit >.git/t/out
'

test_expect_success 'some at once: each migration is applied once' '
	one_applied race &&
	older &&
	for i in 1 2 3; do
		new_migration "m$i" "CREATE TABLE t$i (x int);" || return 1
	done &&
	for i in 1 2 3 4; do
		{ git migrate apply --wait >.git/t/out$i 2>&1 || echo "$i" >>.git/t/failed; } &
	done &&
	wait &&
	test ! -e .git/t/failed &&
	test 4 = "$(pg "$url" "SELECT count(*) FROM git_migrate.log WHERE event = '\''applied'\''")" &&
	git migrate audit >.git/t/out &&
	# a step that all of them found locked is left to the next run that has something to do
	new_migration m4 "CREATE TABLE t4 (x int);" && git migrate apply >.git/t/out 2>&1 &&
	test "1 2 3" = "$(versions)"
'

test_expect_success 'batches need them: another runner is named, and waited for' '
	one_applied batches && older &&
	new_migration many "-- migrate: batch table=rows_of key=id
DELETE FROM rows_of WHERE :batch;" &&
	pg "$url" "CREATE TABLE rows_of (id int PRIMARY KEY); INSERT INTO rows_of VALUES (1), (2)" &&
	mkfifo .git/t/fifo && { psql -XAtq -d "$url" <.git/t/fifo >.git/t/holder 2>&1 & } &&
	tool_pid=$! && exec 9>.git/t/fifo &&
	test_when_finished "exec 9>&-; tool_pid= run_pid=" &&
	echo "BEGIN; SELECT id FROM git_migrate.lock FOR UPDATE;" >&9 &&
	until_true test -s .git/t/holder &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*another git migrate is at work on this target" .git/t/err &&
	grep "^hint: .*git migrate apply --wait" .git/t/err && test 1 = "$(versions)" &&
	{ git migrate apply --wait >.git/t/out 2>&1 & } && run_pid=$! &&
	until_true has_runner && echo "COMMIT;" >&9 && wait "$run_pid" &&
	test "1 2 3" = "$(versions)" && test 0 = "$(pg "$url" "SELECT count(*) FROM rows_of")" &&
	git migrate audit >.git/t/out
'

test_expect_success 'batches without them: a role that may not add them says who may' '
	one_applied may_not && older &&
	pg "$url" "CREATE ROLE batcher LOGIN; GRANT USAGE ON SCHEMA git_migrate TO batcher;
		GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA git_migrate TO batcher;
		GRANT UPDATE ON git_migrate.lock TO batcher; GRANT ALL ON SCHEMA public TO batcher" &&
	new_migration many "-- migrate: batch table=first key=x
DELETE FROM first WHERE :batch;" &&
	git config migrate.default.url "$(echo "$url" | sed "s,//[^@]*@,//batcher@,")" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "has no table for the progress of batches" .git/t/err && grep "^hint: Its schema is of an older" .git/t/err
'

test_expect_success 'a role that may not change the tracker goes on without them' '
	one_applied role &&
	older &&
	pg "$url" "CREATE ROLE runner LOGIN;
		GRANT USAGE ON SCHEMA git_migrate TO runner;
		GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA git_migrate TO runner;
		GRANT UPDATE ON git_migrate.lock TO runner;
		GRANT ALL ON SCHEMA public TO runner" &&
	git config migrate.default.url "$(echo "$url" | sed "s,//[^@]*@,//runner@,")" &&
	new_migration second "CREATE TABLE second (x int);" &&
	git migrate apply >.git/t/out 2>&1 &&
	test 1 = "$(versions)" &&
	# their owner adds them; then they serve that role too
	git config migrate.default.url "$url" &&
	new_migration third "CREATE TABLE third (x int);" &&
	git migrate apply >.git/t/out 2>&1 &&
	git config migrate.default.url "$(echo "$url" | sed "s,//[^@]*@,//runner@,")" &&
	new_migration fourth "CREATE TABLE fourth (x int);" &&
	git migrate apply >.git/t/out 2>&1 &&
	test "1 2 3" = "$(versions)" &&
	test runner = "$(pg "$url" "SELECT tableowner FROM pg_tables WHERE tablename = '\''fourth'\''")" &&
	git migrate audit >.git/t/out
'

test_expect_success 'a migration that ruins them, or the log, is refused' '
	one_applied ruined &&
	ruins "the migration changed the tracker" "DROP FUNCTION @.leave" &&
	grep "^detail: The server says: function git_migrate.leave" .git/t/err &&
	ruins "the migration changed the tracker" "DROP SCHEMA @ CASCADE" &&
	ruins "the migration changed the tracker" \
		"CREATE ROLE other; ALTER FUNCTION @.leave OWNER TO other;
		REVOKE ALL ON FUNCTION @.leave FROM PUBLIC; ALTER ROLE postgres NOSUPERUSER" &&
	ruins "the migration changed the tracker" \
		"CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS
		'\''BEGIN RETURN NULL; END'\'';
		CREATE TRIGGER no BEFORE INSERT ON @.log FOR EACH ROW
		EXECUTE FUNCTION public.no()" &&
	# neither do functions that say what they are told make a record of it
	ruins "the migration changed the tracker" \
		"CREATE OR REPLACE FUNCTION @.leave(lock_ms text) RETURNS void
		LANGUAGE sql AS '\'''\'';
		CREATE RULE no AS ON INSERT TO @.log DO INSTEAD NOTHING" &&
	ruins "the migration changed the tracker" \
		"ALTER TABLE @.log DISABLE TRIGGER ALL;
		DELETE FROM @.log WHERE seq = (SELECT max(seq) FROM @.log)" &&
	ruins "the migration wrote to the tracker" \
		"INSERT INTO @.log SELECT seq + 1, '\''ran'\'', NULL, NULL, NULL, at, by, run, line,
			encode(sha256(convert_to(line || chr(10), '\''UTF8'\'')), '\''hex'\'')
		FROM (SELECT *, lpad((seq + 1)::text, 10, '\''0'\'') || '\'' prev='\'' || hash
			|| '\'' v=1'\'' AS line FROM @.log ORDER BY seq DESC LIMIT 1) AS newest"
'

test_expect_success 'where an owner has taken them away it is said, and nothing runs' '
	one_applied gone &&
	pg "$url" "ALTER FUNCTION git_migrate.enter RENAME TO elsewhere" &&
	new_migration second "CREATE TABLE second (x int);" &&
	test_expect_code 128 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: the tracker cannot be used: " .git/t/err &&
	grep "^hint: " .git/t/err &&
	pg "$url" "ALTER FUNCTION git_migrate.elsewhere RENAME TO enter" &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "applied  second.sql" .git/t/out
'

test_expect_success 'what a migration sets, opens and prepares ends with it' '
	one_applied session &&
	pg "$url" "CREATE SCHEMA app; CREATE ROLE weak; GRANT ALL ON SCHEMA public TO weak;
		ALTER DATABASE session SET search_path = app, public" &&
	new_migration leaks "SELECT pg_advisory_lock(7);
PREPARE p AS SELECT 1;
DECLARE c CURSOR WITH HOLD FOR SELECT 1;
CREATE TEMP TABLE scratch (x int);
LISTEN news;
CREATE SEQUENCE s;
SELECT nextval('\''s'\'');
SET lock_timeout = 77;
SET search_path = pg_catalog;
SET ROLE weak;" &&
	new_migration sees "CREATE TABLE seen AS SELECT current_setting('\''search_path'\'') AS path,
	current_setting('\''lock_timeout'\'') AS lock, current_user AS who,
	(SELECT count(*) FROM pg_prepared_statements) AS prepared,
	(SELECT count(*) FROM pg_cursors WHERE is_holdable) AS cursors,
	(SELECT count(*) FROM pg_listening_channels()) AS channels,
	(SELECT count(*) FROM pg_locks WHERE locktype = '\''advisory'\'') AS locks,
	to_regclass('\''scratch'\'') AS scratch;
DO \$\$ BEGIN PERFORM lastval(); RAISE EXCEPTION '\''there'\''; EXCEPTION
	WHEN object_not_in_prerequisite_state THEN NULL; END \$\$;" &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	test "app, public|200ms|postgres|0|0|0|0|" = "$(pg "$url" "SELECT * FROM app.seen")"
'

test_expect_success 'strings are read as they were' '
	one_applied strings &&
	new_migration odd "SELECT set_config('\''standard_conforming_strings'\'', '\''off'\'', false);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*a migration cannot change how text is read" .git/t/err &&
	git reset -q --hard HEAD^ &&
	new_migration plain "SELECT set_config('\''standard_conforming_strings'\'', '\''on'\'', false);" &&
	git migrate apply >.git/t/out 2>&1
'

test_done
