#!/bin/sh

test_description='the first signal cancels, rolls back and says so'

. "$(dirname "$0")/lib.sh"

start_pg

# a shell ignores SIGINT for what it starts in the background: env --default-signal

# until_true COMMAND...: again and again while the apply runs
until_true() {
	until "$@"; do
		kill -0 "$apply" 2>/dev/null || return 1
	done
}

sleeping() {
	test 1 = "$(pg "$url" "SELECT count(*) FROM pg_stat_activity
		WHERE state = 'active' AND query LIKE '%pg_sleep(3600)%'
		AND pid <> pg_backend_pid()")"
}

planned() {
	grep "to run" out >/dev/null
}

for signal in INT TERM HUP; do
	test_expect_success "PostgreSQL: $signal cancels the statement on the server" '
		rm -rf pg && make_repo pg && cd pg && url=$(create_db "db_$signal") &&
		git migrate init "$url" >/dev/null 2>&1 &&
		new_migration a "CREATE TABLE a (x int);" &&
		new_migration slow "CREATE TABLE slow (x int); SELECT pg_sleep(3600);" &&
		{ env --default-signal git-migrate apply >out 2>err & } && apply=$! &&
		until_true sleeping && kill -$signal $apply &&
		{ wait $apply; status=$?; } && test $status = 130 &&
		grep "^cancelling what is under way; press Ctrl-C again to leave at once" err &&
		grep "^error: interrupted" err && grep "^hint: " err &&
		while sleeping; do :; done &&
		test "a" = "$(pg "$url" "SELECT tablename FROM pg_tables WHERE schemaname = '\''public'\''")" &&
		git migrate audit --porcelain >audit && ! grep -v " ok " audit &&
		echo "CREATE TABLE slow (x int);" >migrations/slow.sql &&
		git commit -q -a --amend --no-edit &&
		git migrate apply >out 2>&1 && grep "applied  slow.sql" out &&
		cd ..
	'
done

test_expect_success 'SQLite: a long statement is interrupted and rolled back' '
	make_repo lite && cd lite && git migrate init sqlite:app.db >/dev/null 2>&1 &&
	new_migration a "CREATE TABLE a (x int);" && git migrate apply >/dev/null 2>&1 &&
	new_migration slow "CREATE TABLE slow (x int);
		INSERT INTO slow WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL
		SELECT i + 1 FROM n WHERE i < 1e15) SELECT count(*) FROM n;" &&
	{ env --default-signal git-migrate apply >out 2>err & } && apply=$! &&
	until_true planned && kill -INT $apply &&
	{ wait $apply; status=$?; } && test $status = 130 &&
	grep "^error: interrupted" err &&
	test "$(sqlite app.db "SELECT name FROM sqlite_schema WHERE name = '\''slow'\''")" = "" &&
	git migrate status >out && grep "1 applied, 1 pending" out
'

test_done
