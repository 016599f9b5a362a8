#!/bin/sh

test_description='PostgreSQL: a migration waits politely, and says for whom'

. "$(dirname "$0")/lib.sh"

start_pg

# a repository with a table that is applied, its database in $url, NAME
prepare() {
	fresh "$1" && url=$(create_db "$1") && git migrate init "$url" >/dev/null 2>&1 &&
	new_migration a "CREATE TABLE a (x int);" &&
	git migrate apply >.git/t/out 2>&1
}

# hold SQL: a session that does it in a transaction, and holds it until release
hold() {
	rm -f .git/t/fifo && mkfifo .git/t/fifo &&
	{ PGAPPNAME=holder psql -XAtq -d "$url" <.git/t/fifo >.git/t/held 2>&1 & } &&
	holder=$! && exec 9>.git/t/fifo &&
	echo "BEGIN; $1; SELECT 'held';" >&9 &&
	until grep held .git/t/held >/dev/null; do
		kill -0 $holder || return 1
	done
}

release() {
	echo "ROLLBACK;" >&9
	exec 9>&-
	wait $holder
}

# until_seen QUERY: until it answers t, as long as the apply runs
until_seen() {
	until test t = "$(pg "$url" "$1")"; do
		kill -0 $apply 2>/dev/null || return 1
	done
}

test_expect_success 'a lock that is held for a while is waited for in short turns' '
	prepare turns && hold "SELECT * FROM a" &&
	new_migration b "ALTER TABLE a ADD COLUMN y int;" &&
	{ git migrate apply >.git/t/out 2>.git/t/err & } && apply=$! &&
	# two of its transactions have failed already
	until_seen "SELECT xact_rollback >= 2 FROM pg_stat_database
		WHERE datname = current_database()" &&
	kill -0 $apply &&
	# a reader does not queue behind it for longer than a turn
	test 0 = "$(pg "$url" "SET statement_timeout = 60000; SELECT count(*) FROM a")" &&
	release && wait $apply && grep "applied  b.sql" .git/t/out
'

test_expect_success 'one that stays held is given up, and its holder named' '
	prepare stays && git config migrate.default.lockTimeout 1500 &&
	git config migrate.default.lockRetry 2 && hold "SELECT * FROM a" &&
	new_migration b "ALTER TABLE a ADD COLUMN y int;" &&
	pg_tracker_rows "$url" >.git/t/before &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/b.sql:1:1: canceling statement due to lock timeout" .git/t/err &&
	grep "Process [0-9]* of the server (holder, user postgres, .*) holds it" .git/t/err &&
	grep "^hint: It was tried again and again for 2 seconds" .git/t/err &&
	pg_tracker_rows "$url" | grep -v event=failed >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	release && git migrate apply >.git/t/out 2>&1 && grep "applied  b.sql" .git/t/out
'

test_expect_success 'a dry run does not go on without what it has tried before' '
	prepare dry && hold "SELECT * FROM a" && git config migrate.default.lockRetry 2 &&
	new_migration b "CREATE TABLE b (x int);" && new_migration c "SELECT x FROM b; ALTER TABLE a ADD COLUMN y int;" &&
	test_expect_code 1 git migrate apply -n >.git/t/out 2>.git/t/err &&
	grep "would apply  b.sql" .git/t/out &&
	grep "^error: migrations/c.sql:1:18: canceling statement due to lock timeout" .git/t/err &&
	grep "^hint: A dry run is one transaction, .* git migrate apply -n" .git/t/err &&
	release && git migrate apply -n >.git/t/out && grep "would apply  c.sql" .git/t/out
'

test_expect_success 'a setting that is no number is refused' '
	prepare setting && git config migrate.default.lockRetry soon &&
	test_expect_code 128 git migrate apply 2>.git/t/err &&
	grep "^error: migrate.default.lockretry is .soon., which is no number" .git/t/err &&
	grep "^hint: git config" .git/t/err &&
	git config migrate.default.lockRetry 5 && git migrate apply
'

test_expect_success 'another runner is named, and waited for with --wait' '
	prepare runner && hold "SELECT * FROM git_migrate.lock FOR UPDATE" &&
	new_migration b "CREATE TABLE b (x int);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: another git migrate is at work on this target" .git/t/err &&
	grep "Process [0-9]* of the server (holder, user postgres), since" .git/t/err &&
	holder_pid=$(sed -n "s/.*Process \([0-9]*\) of the server (holder, .*/\1/p" .git/t/err) &&
	grep "a run that was killed .* SELECT pg_terminate_backend($holder_pid)" .git/t/err &&
	grep "^hint: .*git migrate apply --wait" .git/t/err &&
	{ git migrate apply --wait >.git/t/out 2>.git/t/err & } && apply=$! &&
	until_seen "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE application_name = '\''git-migrate'\'' AND wait_event_type = '\''Lock'\''" &&
	release && wait $apply && grep "applied  b.sql" .git/t/out
'

test_expect_success 'a deadlock or a failure to serialize is tried again' '
	prepare serialize &&
	new_migration b "CREATE TABLE b (x int);
CREATE SEQUENCE s;
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS \$\$
BEGIN
	RETURN 1;
END \$\$;" && git migrate apply >.git/t/out 2>&1 &&
	pg "$url" "CREATE SEQUENCE tries" &&
	new_migration c "DO \$\$
BEGIN
	-- a sequence counts on in spite of a rollback
	IF nextval('\''tries'\'') < 3 THEN
		RAISE EXCEPTION '\''again'\'' USING ERRCODE = '\''40001'\'';
	END IF;
END \$\$;" &&
	git migrate apply >.git/t/out 2>.git/t/err && grep "applied  c.sql" .git/t/out &&
	test 3 = "$(pg "$url" "SELECT last_value FROM tries")" &&
	test 0 = "$(pg_tracker_rows "$url" | grep -c event=failed)"
'

test_done
