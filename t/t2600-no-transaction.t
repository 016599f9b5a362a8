#!/bin/sh

test_description='what runs outside of a transaction: started, seen, settled'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
start_pg optional

alone='-- migrate: no-transaction'

# --- repositories and databases -------------------------------------------------

# on_sqlite NAME, on_pg NAME: a repository with a table that is applied
on_sqlite() {
	fresh "$1" && url= && git migrate init sqlite:app.db >/dev/null 2>&1 &&
	new_migration t "CREATE TABLE t (x int); INSERT INTO t VALUES (1), (2);" &&
	git migrate apply >.git/t/out 2>&1
}

on_pg() {
	fresh "$1" && url=$(create_db "$1") && git migrate init "$url" >/dev/null 2>&1 &&
	# a slow machine has its time where a test does not say otherwise
	git config migrate.default.lockRetry 3600 &&
	new_migration t "CREATE TABLE t (x int); INSERT INTO t VALUES (1), (2);" &&
	git migrate apply >.git/t/out 2>&1
}

# rows: the records, but for those that end runs
rows() {
	{
		if test -n "$url"; then pg_tracker_rows "$url"; else tracker_rows app.db; fi
	} | grep -v " event=ran "
}

state() {
	rows && git rev-parse refs/notes/migrate/default
}

# events: what the log says from the second migration on, a word each
events() {
	rows | sed -n 's/.* event=\([a-z]*\) path=\([a-z]*\).*/\1-\2/p' | sed 1d | tr '\n' ' ' |
	sed 's/ $//'
}

# says EVENTS: the log says that, the tracker is sound, the mirror repeats it
says() {
	git migrate audit --porcelain >.git/t/audit
	if test "$1" = "$(events)" && ! grep -v -e " ok " -e " unreachable " -e " open " -e " schema" .git/t/audit; then
		return 0
	fi
	echo "not '$1', but '$(events)', or unsound" >&2
	return 1
}

# --- at work on the server ------------------------------------------------------

# hold SQL: a session that does it in a transaction, until release
hold() {
	rm -f .git/t/fifo && mkfifo .git/t/fifo &&
	{ PGAPPNAME=holder psql -XAtq -d "$url" <.git/t/fifo >.git/t/held 2>&1 & } &&
	holder=$! && exec 9>.git/t/fifo &&
	echo "BEGIN; $1; SELECT 'held';" >&9 &&
	until grep held .git/t/held >/dev/null; do
		kill -0 "$holder" || return 1
	done
}

release() {
	echo "ROLLBACK;" >&9
	exec 9>&-
	wait "$holder"
}

# begin_apply [OPTION...]: in the background, in $apply
begin_apply() {
	env --default-signal git-migrate apply "$@" >.git/t/out 2>.git/t/err 9>&- &
	apply=$!
}

# end_apply: its exit status is in $status
end_apply() {
	status=0
	wait "$apply" || status=$?
}

# waits: whether a migration's statement (not what mends it) waits for another session
waits() {
	test t = "$(pg "$url" "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'git-migrate'
		AND state = 'active' AND wait_event_type = 'Lock'
		AND query ~ 'CREATE INDEX|PARTITION p CONCURRENTLY|CALL'")"
}

until_it_waits() {
	until waits; do
		kill -0 "$apply" 2>/dev/null || return 1
	done
}

# begin_build [OPTION...]: an apply that builds the index i, and waits for the holder
begin_build() {
	hold "INSERT INTO t VALUES (3)" &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	begin_apply "$@" && until_it_waits
}

# lose_client: as a machine that is gone; its lock goes with its other session
lose_client() {
	kill -9 $apply && { wait "$apply" || :; } 2>/dev/null &&
	while test t = "$(pg "$url" "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'git-migrate'
		AND state LIKE 'idle%'")"; do :; done
}

# terminate: the session that runs the statement
terminate() {
	pg "$url" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'git-migrate'
		AND state = 'active'" >.git/t/terminated &&
	while waits; do :; done
}

# index NAME: "t" valid, "f" INVALID, nothing: not there
index() {
	pg "$url" "SELECT indisvalid FROM pg_index
		WHERE indexrelid = to_regclass('$1')"
}

# hinted FILE: the command that the last hint ends with
hinted() {
	sed -n 's/^hint: .*: \(git migrate .*\)$/\1/p' "$1" | tail -1
}

# diagnosed STATUS LINE [ARGUMENT...]: exit status and --porcelain of diagnose
diagnosed() {
	diagnosed_code=$1
	echo "$2" >.git/t/expect
	shift 2
	test_expect_code "$diagnosed_code" git migrate diagnose --porcelain "$@" \
		>.git/t/actual 2>.git/t/diagnose.err && test_cmp .git/t/expect .git/t/actual
}

# meets_other COMMAND...: refused, for another runner has the lock; nothing is recorded
meets_other() {
	rows >.git/t/before && test_expect_code 1 "$@" 2>.git/t/err &&
	has_line .git/t/err "error: another git migrate is at work on this target" &&
	grep "Process [0-9]* of the server (holder, user postgres), since" .git/t/err &&
	rows >.git/t/after && test_cmp .git/t/before .git/t/after
}

# --- SQLite ---------------------------------------------------------------------

test_expect_success 'SQLite: VACUUM and journal modes run, with a record before and behind' '
	on_sqlite lite &&
	new_migration v "$alone
VACUUM;" &&
	new_migration w "$alone
PRAGMA journal_mode = WAL;" &&
	git migrate apply >.git/t/out 2>&1 && grep "applied  w.sql  1 statement, " .git/t/out &&
	says "started-v applied-v started-w applied-w" &&
	test wal = "$(sqlite app.db "PRAGMA journal_mode")"
'

test_expect_success 'SQLite: refused in the wrong kind of file' '
	on_sqlite lite_refused &&
	new_migration v "VACUUM;" &&
	refuses 1 "migrations/v.sql:1:1: VACUUM cannot run in a transaction" git migrate apply &&
	commit_file migrations/v.sql "$alone
VACUUM; VACUUM;" &&
	refuses 1 "migrations/v.sql:2:9: a second statement in a file that is run without a transaction" \
		git migrate apply &&
	commit_file migrations/v.sql "$alone
CREATE TABLE v (x int);" &&
	refuses 1 "migrations/v.sql:2:1: this statement is not one that has to run without a transaction" \
		git migrate apply &&
	commit_file migrations/v.sql "$alone
VACUUM;" &&
	git migrate apply && says "started-v applied-v"
'

test_expect_success 'SQLite: two runners at once' '
	on_sqlite lite_two &&
	new_migration v "$alone
VACUUM;" &&
	for runner in 1 2 3; do
		git-migrate apply >".git/t/out.$runner" 2>&1 &
	done &&
	wait && git migrate apply >.git/t/out 2>&1 &&
	test 1 = "$(events | tr " " "\n" | grep -c applied-v)" &&
	git migrate audit >.git/t/audit
'

for at in started ran; do
	test_expect_success FAULTS "SQLite: killed at '$at', it is open, and the next apply goes on" '
		on_sqlite "lite_$at" &&
		new_migration v "$alone
VACUUM;" &&
		test_expect_code 137 env GIT_MIGRATE_FAULT=$at git-migrate apply &&
		test started-v = "$(events)" &&
		git migrate status >.git/t/out 2>.git/t/err &&
		grep "pending  v.sql .* begun at 2.*Z, its end is not known" .git/t/out &&
		grep "^warning: migration .v.sql. was begun at 2.*Z, and its end is not known" .git/t/err &&
		git migrate audit --porcelain >.git/t/out &&
		grep "^default warning open 4 migration .v.sql. was begun at 2.*Z" .git/t/out &&
		diagnosed 0 "default open repeat 4 v.sql" v &&
		git migrate apply >.git/t/out 2>&1 && says "started-v applied-v" &&
		git migrate audit --porcelain >.git/t/out && ! grep " open " .git/t/out &&
		diagnosed 0 "default applied - 5 v.sql" v.sql
	'
done

test_expect_success FAULTS 'what is open is settled before what now stands before it' '
	on_sqlite first &&
	new_migration v "$alone
VACUUM;" &&
	test_expect_code 137 env GIT_MIGRATE_FAULT=started git-migrate apply &&
	git checkout -q -b side HEAD^ && new_migration a "CREATE TABLE a (x int);" &&
	git merge -q -m merged main && git checkout -q -B main side &&
	git migrate plan --porcelain | sed "s/.* //" >.git/t/actual &&
	printf "%s\n" t.sql a.sql v.sql >.git/t/expect && test_cmp .git/t/expect .git/t/actual &&
	git migrate apply >.git/t/out 2>&1 && test "started-v applied-v applied-a" = "$(events)" &&
	git migrate audit >.git/t/out && grep "^  warning  *order .*a.sql.* behind .*v.sql" .git/t/out
'

# --- PostgreSQL: what runs and what does not -------------------------------------

test_expect_success PG 'an index is built concurrently' '
	on_pg built &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	new_migration v "$alone
VACUUM (ANALYZE) t;" &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "applied  i.sql  1 statement, [0-9]* ms" .git/t/out &&
	test t = "$(index i)" && says "started-i applied-i started-v applied-v"
'

for sql in "ALTER TYPE nosuch ADD VALUE 'x'" "SELECT 1/0" \
	"ALTER TABLE t DETACH PARTITION nosuch CONCURRENTLY"; do
	test_expect_success PG "what the server refuses has failed, and can be corrected: $sql" '
		on_pg no && new_migration v "$alone
$sql;" &&
		test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
		grep "^error: migrations/v.sql:2:" .git/t/err && says "started-v failed-v" &&
		printf "%s\n" "$alone" "VACUUM t;" >migrations/v.sql &&
		git commit -q -a --amend --no-edit && git migrate apply >.git/t/out 2>&1 &&
		says "started-v failed-v started-v applied-v" &&
		cd .. && rm -rf no && pg "$PG_URL" "DROP DATABASE no"
	'
done

test_expect_success PG 'what may have committed a part stays open' '
	on_pg partial && new_migration v "$alone
DO \$\$ BEGIN CREATE TABLE part (x int); COMMIT; RAISE EXCEPTION '\''late'\''; END \$\$;" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	test started-v = "$(events)" && diagnosed 1 "default open unknown 4 v.sql" v &&
	git migrate audit >.git/t/out && grep "^  warning  open  .*v.sql" .git/t/out
'

test_expect_success PG 'what stays open has its place too, and both hints' '
	on_pg placed && new_migration v "$alone
CALL nosuch(1);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	cat >.git/t/expect <<-\END &&
	error: migrations/v.sql:2:6: procedure nosuch(integer) does not exist
	CALL nosuch(1)
	     ^
	detail: In the database: nothing in the catalog tells whether it ran.
	        SQLSTATE 42883.
	hint: No procedure matches the given name and argument types. You might need to add explicit type casts.
	hint: It stays open, and nothing else is applied, until it is settled: git migrate diagnose v.sql
	END
	test_cmp .git/t/expect .git/t/err && test started-v = "$(events)"
'

test_expect_success PG 'what fails outside of a transaction was not rolled back' '
	on_pg vacuum && new_migration v "$alone
VACUUM nosuch;" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "It ran outside of a transaction, and is pending again." .git/t/err &&
	! grep "rolled back" .git/t/err && says "started-v failed-v"
'

test_expect_success PG 'an index to be dropped that is not there; IF EXISTS passes it over' '
	on_pg undropped && new_migration v "$alone
DROP INDEX CONCURRENTLY nosuch;" &&
	refuses 1 "what migration '\''v.sql'\'' is to take away is not there" \
		git migrate apply &&
	has_line .git/t/err "detail: In the database: index nosuch is not there." &&
	grep "^hint: .* write IF EXISTS" .git/t/err &&
	commit_file migrations/v.sql "$alone
DROP INDEX CONCURRENTLY IF EXISTS nosuch;" &&
	git migrate apply >.git/t/out 2>&1 && says "started-v applied-v"
'

for sql in "VACUUM FULL" "REINDEX DATABASE all_tables" \
	"REINDEX DATABASE CONCURRENTLY all_tables" "REINDEX SCHEMA git_migrate"; do
	test_expect_success PG "what goes through all tables does not wait for us: $sql" '
		on_pg all_tables && new_migration v "$alone
$sql;" &&
		timeout 60 git-migrate apply >.git/t/out 2>&1 && says "started-v applied-v" &&
		cd .. && rm -rf all_tables && pg "$PG_URL" "DROP DATABASE all_tables"
	'
done

test_expect_success PG 'refused in the wrong kind of file' '
	on_pg refused &&
	new_migration i "CREATE INDEX CONCURRENTLY i ON t (x);" &&
	refuses 1 "migrations/i.sql:1:1: CREATE INDEX CONCURRENTLY cannot run in a transaction" \
		git migrate apply &&
	commit_file migrations/i.sql "$alone
CREATE INDEX CONCURRENTLY i ON t (x); CREATE INDEX CONCURRENTLY k ON t (x);" &&
	refuses 1 "migrations/i.sql:2:39: a second statement in a file that asks for \"-- migrate: no-transaction\"" \
		git migrate apply &&
	commit_file migrations/i.sql "$alone
CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (x);" &&
	refuses 1 "migrations/i.sql:2:1: CREATE INDEX CONCURRENTLY IF NOT EXISTS" git migrate apply &&
	commit_file migrations/i.sql "$alone
CREATE INDEX i ON t (x);" &&
	refuses 1 "migrations/i.sql:2:1: CREATE INDEX can run in a transaction" git migrate apply &&
	commit_file migrations/i.sql "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	git migrate apply && says "started-i applied-i"
'

test_expect_success PG 'what is there already is not taken for its effect' '
	on_pg there && pg "$url" "CREATE INDEX i ON t (x)" &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	refuses 1 "what migration '\''i.sql'\'' is to do is there already" git migrate apply &&
	has_line .git/t/err \
		"detail: In the database: index public.i on table public.t is there, valid and ready." &&
	pg "$url" "DROP INDEX i" && git migrate apply && says "started-i applied-i"
'

test_expect_success PG 'a violation leaves no INVALID index; with the rows mended it runs' '
	on_pg unique && pg "$url" "INSERT INTO t VALUES (1)" &&
	new_migration i "$alone
CREATE UNIQUE INDEX CONCURRENTLY i ON t (x);" &&
	test_expect_code 1 git migrate apply 2>.git/t/err &&
	has_line .git/t/err "error: migrations/i.sql:2:1: could not create unique index \"i\"" &&
	grep "^hint: Mend the rows that are equal, .* has been taken away.$" .git/t/err &&
	test "" = "$(index i)" && says "started-i failed-i" &&
	rows | tail -1 | grep " sqlstate=23505 line=2$" &&
	diagnosed 0 "default failed - 5 i.sql" i &&
	pg "$url" "DELETE FROM t WHERE ctid = '\''(0,3)'\''" &&
	git migrate apply && test t = "$(index i)" &&
	says "started-i failed-i started-i applied-i"
'

test_expect_success PG 'an INVALID index that somebody left is in nobody'\''s way' '
	on_pg left && pg "$url" "INSERT INTO t VALUES (1)" &&
	test_must_fail pg "$url" "CREATE UNIQUE INDEX CONCURRENTLY i ON t (x)" &&
	test f = "$(index i)" &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	git migrate apply && test t = "$(index i)" && says "started-i applied-i"
'

# --- PostgreSQL: broken off ------------------------------------------------------

test_expect_success PG 'a client that is lost: the server finishes, and it is not run again' '
	on_pg lost && begin_build && lose_client && test started-i = "$(events)" &&
	release && left_alone "$url" && test t = "$(index i)" &&
	pg "$url" "SELECT '\''i'\''::regclass::oid" >.git/t/oid &&
	git migrate apply >.git/t/out 2>&1 && grep "applied  i.sql  seen to be done" .git/t/out &&
	pg "$url" "SELECT '\''i'\''::regclass::oid" >.git/t/same &&
	test_cmp .git/t/oid .git/t/same && says "started-i applied-i" &&
	rows | tail -1 | grep " statements=1 reason=index%20public.i%20on%20table%20public.t%20is%20there,%20valid%20and%20ready$"
'

test_expect_success PG 'the same, settled by diagnose' '
	on_pg settled && git commit -q --allow-empty -m "more" && begin_build && lose_client &&
	release && left_alone "$url" &&
	git migrate diagnose i >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err &&
	has_line .git/t/out "migration i.sql on target default: applied" &&
	grep "^  started   at 2.*Z by C O Mitter <committer@example.com>, record 4, run [0-9a-f]*\$" \
		.git/t/out &&
	has_line .git/t/out \
		"in the database: index public.i on table public.t is there, valid and ready" &&
	has_line .git/t/out "recorded as applied: $(rows | tail -1 | sha256sum |
		sed "s/^\([0-9a-f]*\).*/record 5 \1/")" &&
	says "started-i applied-i" &&
	git migrate apply >.git/t/out 2>&1 && grep "is up to date: 2 migrations applied" .git/t/out &&
	diagnosed 0 "default applied - 5 i.sql" i
'

test_expect_success PG 'still at work: said, waited for, and not to be closed' '
	on_pg work && begin_build && lose_client &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: migration '\''i.sql'\'' is still being run" &&
	grep "^detail: In the database: session [0-9]* (user postgres) runs it since 2" .git/t/err &&
	diagnosed 1 "default open running 4 i.sql" i &&
	refuses 1 "migration '\''i.sql'\'' is still being run" \
		git migrate diagnose --abandon --reason x i &&
	refuses 1 "migration '\''i.sql'\'' is still being run" \
		git migrate diagnose --finished --reason x i &&
	test started-i = "$(events)" &&
	git migrate diagnose i >.git/t/out 2>.git/t/err
	wait_for_it=$(sed -n "s/^	\(git migrate apply --wait\)/\1/p" .git/t/out) &&
	test "git migrate apply --wait" = "$wait_for_it" &&
	{ $wait_for_it >.git/t/out 2>.git/t/err 9>&- & } && apply=$! &&
	# it has looked, and looks again
	until test t = "$(pg "$url" "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = '\''git-migrate'\''
		AND state LIKE '\''idle%'\''")"; do
		kill -0 $apply || return 1
	done &&
	release && end_apply && test 0 = $status && says "started-i applied-i"
'

test_expect_success PG 'a second runner during the build is told, and cannot close it' '
	on_pg second && begin_build &&
	test_expect_code 1 git migrate apply 2>.git/t/second &&
	grep "^detail: In the database: session [0-9]* (user postgres) runs it since 2" .git/t/second &&
	release && end_apply && test 0 = $status && says "started-i applied-i"
'

test_expect_success PG 'another runner holds the lock: named before anything is written' '
	on_pg locked && hold "SELECT * FROM git_migrate.lock FOR UPDATE" &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	meets_other git migrate apply && release && git migrate apply && says "started-i applied-i"
'

test_expect_success PG 'a session that the server ends: nothing is left, and the next apply builds' '
	on_pg ended && begin_build && terminate && release && end_apply && test 1 = $status &&
	grep "^error: migrations/i.sql:2:1: terminating connection" .git/t/err &&
	test "" = "$(index i)" && says "started-i failed-i" &&
	rows | tail -1 | grep " sqlstate=57P01 " &&
	git migrate apply && test t = "$(index i)" &&
	says "started-i failed-i started-i applied-i"
'

test_expect_success PG 'client and session are gone: the INVALID index is built anew' '
	on_pg both && begin_build && lose_client && terminate && release &&
	left_alone "$url" && test f = "$(index i)" &&
	diagnosed 0 "default open half 4 i.sql" i &&
	refuses 1 "migration '\''i.sql'\'' has taken effect by halves" \
		git migrate diagnose --finished --reason x i &&
	# what it would mend may be what another runner has just begun
	hold "SELECT * FROM git_migrate.lock FOR UPDATE" &&
	meets_other git migrate apply &&
	test f = "$(index i)" && begin_apply --wait && release && end_apply &&
	test 0 = $status && test t = "$(index i)" && says "started-i applied-i"
'

# apply_behind: an apply; just before its statement gets to the server another session
# has made the index i. Its exit status is in $status
apply_behind() {
	start_proxy --at-text="CREATE INDEX CONCURRENTLY i ON" --do=run \
		--command="psql -XAtq -d '$url' -c 'CREATE INDEX CONCURRENTLY i ON t (x)'" &&
	git config migrate.default.url "$(tool_url "${url##*/}")" || return 1
	status=0
	git migrate apply >.git/t/out 2>.git/t/err || status=$?
	git config migrate.default.url "$url" && grep "^did run" events && stop_tool
}

test_expect_success PG 'a session without its client is first after all: it is applied' '
	on_pg orphan && begin_build && lose_client && terminate && release &&
	left_alone "$url" &&
	apply_behind && test 0 = $status && grep "applied  i.sql  seen to be done" .git/t/out &&
	test t = "$(index i)" && says "started-i applied-i"
'

test_expect_success PG 'somebody else is first, and nothing was begun before: it has failed' '
	on_pg byhand &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	apply_behind && test 1 = $status &&
	grep "^error: migrations/i.sql:2:1: relation \"i\" already exists" .git/t/err &&
	says "started-i failed-i"
'

test_expect_success PG 'a server that dies: not known, and the next apply builds anew' '
	on_pg died && git config migrate.default.reconnect 0 && begin_build &&
	"$top_srcdir/t/pg-server.sh" crash "$pg_dir" && end_apply && release
	"$top_srcdir/t/pg-server.sh" again "$pg_dir" && test 3 = $status &&
	grep "^error: migrations/i.sql:2:1: the answer to the statement never came" .git/t/err &&
	grep "^hint: .*: git migrate diagnose i.sql$" .git/t/err &&
	has_line .git/t/out "  uncertain  i.sql" && test started-i = "$(events)" &&
	diagnosed 0 "default open half 4 i.sql" i &&
	git migrate apply && test t = "$(index i)" && says "started-i applied-i"
'

test_expect_success PG 'a server that comes back: the same apply goes on' '
	on_pg back && begin_build && "$top_srcdir/t/pg-server.sh" crash "$pg_dir" && release
	"$top_srcdir/t/pg-server.sh" again "$pg_dir" && end_apply && test 0 = $status &&
	test t = "$(index i)" && says "started-i applied-i"
'

test_expect_success PG 'a signal: cancelled, mended, recorded, and run by the next apply' '
	on_pg signal && begin_build &&
	new_migration v "$alone
VACUUM;" &&
	kill -INT $apply &&
	# the INVALID index goes when its drop need not wait any more
	while waits; do :; done && release && end_apply && test 130 = $status &&
	has_line .git/t/err "error: interrupted" && grep "^hint: " .git/t/err &&
	test "" = "$(index i)" && says "started-i failed-i" &&
	rows | tail -1 | grep " reason=interrupted$" &&
	git migrate apply >.git/t/out 2>&1 && test t = "$(index i)" &&
	says "started-i failed-i started-i applied-i started-v applied-v"
'

test_expect_success PG 'a signal, and an old transaction in the way: the next apply mends it' '
	on_pg way && begin_build && kill -INT $apply && end_apply && test 130 = $status &&
	grep "^cancelling what is under way; press Ctrl-C again to leave at once" .git/t/err &&
	cat >.git/t/expect <<-\END &&
	error: migrations/i.sql:2:1: interrupted
	CREATE INDEX CONCURRENTLY i ON t (x)
	^
	detail: The server has cancelled the statement.
	        In the database: index public.i on table public.t is there, but INVALID.
	hint: The next "git migrate apply" takes away what is left of it, as soon as nobody is in the way, and runs it again.
	END
	tail -n 6 .git/t/err >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	# the mirror is as far as the tracker already
	says "started-i" && test f = "$(index i)" && release &&
	git migrate apply >.git/t/out 2>&1 && test t = "$(index i)" && says "started-i applied-i"
'

# names_holder FILE: the session of hold() is named there
names_holder() {
	grep "Process [0-9]* of the server (holder, user postgres, idle in transaction) is in the way, its transaction began 2" "$1"
}

# until_told FILE: the apply in the background has said who is in its way
until_told() {
	until names_holder "$1" >/dev/null; do
		kill -0 "$apply" 2>/dev/null || return 1
		sleep 0.1
	done
}

test_expect_success PG 'a transaction in the way is named while it is waited for' '
	on_pg in_the_way && begin_build && until_told .git/t/err &&
	grep "^.i.sql. has to wait. Process" .git/t/err && release && end_apply &&
	test 0 = $status && test t = "$(index i)" && says "started-i applied-i"
'

test_expect_success PG 'one that does not end is not waited for for ever; the next apply mends it' '
	on_pg patience && git config migrate.default.lockRetry 0 && begin_build && end_apply &&
	test 1 = $status &&
	grep "^error: migrations/i.sql:2:1: other sessions are in the way of the statement" .git/t/err &&
	names_holder .git/t/err && grep "cancelled the statement" .git/t/err &&
	test f = "$(index i)" && says "started-i" &&
	# nor by what takes away what is left
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: could not drop the INVALID index .*: other sessions are in the way" .git/t/err &&
	names_holder .git/t/err && grep "^hint: The next \"git migrate apply\" takes away" .git/t/err &&
	test f = "$(index i)" && says "started-i" && release &&
	git migrate apply && test t = "$(index i)" && says "started-i applied-i"
'

test_expect_success PG 'its first lock: nothing is left where that is not given' '
	on_pg first_lock && git config migrate.default.lockRetry 0 &&
	hold "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE" &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	names_holder .git/t/err &&
	grep "^hint: Run the command again .*: git migrate apply --wait$" .git/t/err &&
	test "" = "$(index i)" && says "started-i failed-i" &&
	rows | tail -1 | grep " sqlstate=55P03 " && release &&
	git migrate apply && says "started-i failed-i started-i applied-i"
'

test_expect_success PG 'with --wait it takes as long as it takes' '
	on_pg long && git config migrate.default.lockRetry 0 && begin_build --wait &&
	until_told .git/t/err && waits && release && end_apply &&
	test 0 = $status && test t = "$(index i)" && says "started-i applied-i"
'

test_expect_success PG 'what is built is not given up: the work would be lost' '
	on_pg lasting && git config migrate.default.lockRetry 0 &&
	# one that reads is in the way of the end alone
	hold "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT * FROM git_migrate.log LIMIT 1" &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	begin_apply && until_it_waits && until_told .git/t/err && waits && release && end_apply &&
	test 0 = $status && test t = "$(index i)" && says "started-i applied-i"
'

test_expect_success PG 'a partition half detached is detached, and applied' '
	fresh detached && url=$(create_db detached) && git migrate init "$url" >/dev/null 2>&1 &&
	new_migration t "CREATE TABLE t (x int) PARTITION BY RANGE (x);
		CREATE TABLE p PARTITION OF t FOR VALUES FROM (0) TO (10);" &&
	git migrate apply >.git/t/out 2>&1 &&
	if test 140000 -gt "$(pg "$url" "SHOW server_version_num")"; then return 0; fi &&
	hold "SELECT * FROM t" &&
	new_migration d "$alone
ALTER TABLE t DETACH PARTITION p CONCURRENTLY;" &&
	begin_apply && until_it_waits && terminate && release && end_apply && test 0 = $status &&
	says "started-d applied-d" &&
	test 0 = "$(pg "$url" "SELECT count(*) FROM pg_inherits")"
'

for at in started ran; do
	test_expect_success PG,FAULTS "killed at '$at', it is open, and the next apply goes on" '
		on_pg "killed_$at" &&
		new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
		test_expect_code 137 env GIT_MIGRATE_FAULT=$at git-migrate apply &&
		left_alone "$url" && test started-i = "$(events)" &&
		git migrate apply && test t = "$(index i)" && says "started-i applied-i"
	'
done

test_expect_success PG 'runners at once: one of them applies it' '
	on_pg once &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	runners="1 2 3 4" &&
	for runner in $runners; do
		{ git-migrate apply >".git/t/out.$runner" 2>".git/t/err.$runner"
			echo $? >".git/t/status.$runner"; } &
	done &&
	wait &&
	for runner in $runners; do
		case $(cat ".git/t/status.$runner") in
		0)	;;
		1)	grep "^error: .*\(is still being run\|another git migrate is at work\)" \
				".git/t/err.$runner" || return 1 ;;
		*)	return 1 ;;
		esac
	done &&
	git migrate apply >.git/t/out 2>&1 && test t = "$(index i)" &&
	test 1 = "$(events | tr " " "\n" | grep -c applied-i)" &&
	test 0 = "$(events | tr " " "\n" | grep -c failed-i)" &&
	git migrate audit >.git/t/audit
'

# --- what a person decides ---------------------------------------------------------

# half_called NAME: a procedure whose first half stays, and whose second fails
half_called() {
	on_pg "$1" &&
	new_migration p "CREATE PROCEDURE p() LANGUAGE plpgsql AS \$\$ BEGIN
		INSERT INTO t VALUES (10); COMMIT;
		IF to_regclass('go_on') IS NULL THEN RAISE 'no go_on'; END IF;
	END \$\$;" &&
	new_migration c "$alone
CALL p();" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	has_line .git/t/out "  uncertain  c.sql" &&
	has_line .git/t/err "error: migrations/c.sql:2:1: no go_on" &&
	grep "^hint: It stays open, .*: git migrate diagnose c.sql$" .git/t/err &&
	test "applied-p started-c" = "$(events)"
}

test_expect_success PG 'nothing tells: it stays open, and nothing else is applied' '
	half_called unknown && new_migration z "CREATE TABLE z (x int);" &&
	refuses 1 "migration '\''c.sql'\'' was started and not finished" git migrate apply &&
	eval "$(hinted .git/t/err)" >.git/t/out 2>.git/t/err
	test 1 = $? &&
	has_line .git/t/out \
		"whether it has taken effect cannot be told: a person must decide" &&
	grep "git migrate diagnose --finished --reason" .git/t/out &&
	grep "git migrate diagnose --abandon --reason" .git/t/out &&
	diagnosed 1 "default open unknown 5 c.sql" default c &&
	git migrate diagnose --json c >.git/t/out
	test 1 = $? && grep "\"evidence\": \"unknown\"" .git/t/out &&
	grep "\"event\": \"started\"" .git/t/out
'

test_expect_success PG 'abandoned with a reason, it is pending, and runs again' '
	half_called abandoned &&
	refuse_both() {
		test_expect_code 129 "$@" 2>.git/t/err && grep "^error: $refused" .git/t/err &&
		grep "^hint: " .git/t/err
	} &&
	refused="--abandon wants a reason" && refuse_both git migrate diagnose --abandon c &&
	refuse_both git migrate diagnose --abandon --reason "" c &&
	refuse_both git migrate diagnose --abandon --reason " " c &&
	refused="--finished wants a reason" && refuse_both git migrate diagnose --finished c &&
	refused="--reason goes with" && refuse_both git migrate diagnose --reason x c &&
	refused="--abandon and --finished" &&
	refuse_both git migrate diagnose --abandon --finished --reason x c &&
	test "applied-p started-c" = "$(events)" &&
	git migrate diagnose --abandon --reason "row 10 is taken away" c >.git/t/out &&
	has_line .git/t/out "migration c.sql on target default: pending" &&
	rows | tail -1 | grep " event=abandoned path=c.sql .* reason=row%2010%20is%20taken%20away$" &&
	says "applied-p started-c abandoned-c" &&
	refuses 1 "migration '\''c.sql'\'' is not open on target '\''default'\''" \
		git migrate diagnose --abandon --reason again c &&
	pg "$url" "DELETE FROM t WHERE x = 10; CREATE TABLE go_on ()" &&
	git migrate apply && says "applied-p started-c abandoned-c started-c applied-c" &&
	test 1 = "$(pg "$url" "SELECT count(*) FROM t WHERE x = 10")"
'

test_expect_success PG 'vouched for with a reason, it is adopted' '
	half_called vouched && new_migration z "CREATE TABLE z (x int);" &&
	git migrate diagnose --finished --reason "row 10 is there" default c >.git/t/out &&
	grep "^recorded as adopted: record 6 " .git/t/out &&
	rows | tail -1 | grep " event=adopted path=c.sql .* reason=row%2010%20is%20there$" &&
	git migrate apply >.git/t/out 2>&1 && grep "applied  z.sql" .git/t/out &&
	says "applied-p started-c adopted-c applied-z" &&
	test 1 = "$(pg "$url" "SELECT count(*) FROM t WHERE x = 10")" &&
	git migrate status --porcelain >.git/t/out && grep "^adopted .* c.sql" .git/t/out
'

test_expect_success PG 'evidence speaks against what is said' '
	on_pg against && hold "INSERT INTO t VALUES (3)" &&
	new_migration v "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" &&
	begin_apply && until_it_waits && lose_client && terminate && release &&
	left_alone "$url" && pg "$url" "DROP INDEX i" &&
	refuses 1 "migration '\''v.sql'\'' has not taken effect" \
		git migrate diagnose --finished --reason x v &&
	diagnosed 0 "default open absent 4 v.sql" v &&
	hold "SELECT * FROM git_migrate.lock FOR UPDATE" &&
	meets_other git migrate apply &&
	meets_other git migrate diagnose --abandon --reason x v &&
	release &&
	pg "$url" "CREATE INDEX i ON t (x)" &&
	refuses 1 "migration '\''v.sql'\'' is finished, and not to be abandoned" \
		git migrate diagnose --abandon --reason x v &&
	test "git migrate diagnose v.sql" = "$(hinted .git/t/err)" &&
	pg "$url" "DROP INDEX i" &&
	git migrate diagnose --abandon --reason "the index is not wanted" v &&
	says "started-v abandoned-v"
'

test_expect_success PG 'a target with another name, in every hint' '
	fresh named && url=$(create_db named) &&
	git migrate init --target staging "$url" >/dev/null 2>&1 &&
	new_migration t "CREATE PROCEDURE p() LANGUAGE plpgsql AS \$\$ BEGIN
		RAISE '\''no'\''; END \$\$;" &&
	new_migration c "$alone
CALL p();" &&
	test_expect_code 1 git migrate apply staging 2>.git/t/err &&
	test "git migrate diagnose staging c.sql" = "$(hinted .git/t/err)" &&
	hold "SELECT * FROM git_migrate.lock FOR UPDATE" &&
	test_expect_code 1 git migrate diagnose --finished --reason x staging c 2>.git/t/held.err &&
	test "git migrate apply --wait staging" = "$(hinted .git/t/held.err)" && release &&
	git migrate log >.git/t/out && grep "started on staging at" .git/t/out &&
	eval "$(hinted .git/t/err)" >.git/t/out 2>.git/t/err
	test 1 = $? &&
	close=$(sed -n "s/.*# if it has taken effect: //p" .git/t/out) && test -n "$close" &&
	test_expect_code 129 git migrate diagnose --abandon staging c 2>.git/t/err &&
	grep "git migrate diagnose --abandon --reason \"...\" staging c$" .git/t/err &&
	test_expect_code 1 git migrate diagnose --abandon --reason x c 2>.git/t/err ||
	test_expect_code 128 git migrate diagnose --abandon --reason x c 2>.git/t/err &&
	eval "$close" >.git/t/out 2>&1 && grep "^recorded as adopted" .git/t/out &&
	git migrate status --exit-code staging
'

# --- the plan has something else -----------------------------------------------------

test_expect_success PG 'begun from a commit that is not the plan'\''s any more' '
	on_pg other && hold "INSERT INTO t VALUES (3)" &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x);" && git branch begun &&
	begin_apply && until_it_waits && lose_client && terminate && release &&
	left_alone "$url" &&
	git reset -q --hard HEAD^ &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY i ON t (x) WHERE x > 1;" &&
	refuses 1 "$(printf "migration '\''i.sql'\'' was begun at %s, and its end is not known" \
		"$(rows | sed -n "3s/.* at=\([^ ]*\).*/\1/p")")" git migrate apply &&
	test "git migrate diagnose i.sql" = "$(hinted .git/t/err)" &&
	git migrate diagnose i >.git/t/out 2>.git/t/err
	test 1 = $? && has_line .git/t/out "a part of it is there" &&
	way=$(grep "git migrate apply --at $(git rev-parse --short=12 begun)$" .git/t/out) &&
	eval "$way" &&
	test started-i\ applied-i = "$(events)"
'

test_expect_success PG 'one that is in no plan, and whose bytes are gone' '
	on_pg gone && begin_build && lose_client && terminate && release && left_alone "$url" &&
	git checkout -q --detach && git reset -q --hard HEAD^ && git branch -f main &&
	diagnosed 1 "default open half 4 i.sql" migrations/i.sql &&
	git reflog expire --expire=now --all && git gc -q --prune=now &&
	diagnosed 1 "default open unknown 4 i.sql" i.sql &&
	git migrate diagnose i.sql >.git/t/out
	test 1 = $? &&
	grep "^in the database: nothing could be asked: blob [0-9a-f]*, which was begun, is not here" \
		.git/t/out &&
	git migrate diagnose --abandon --reason "its commit is thrown away" i.sql &&
	test "started-i abandoned-i" = "$(events)" &&
	git migrate apply >.git/t/out 2>&1 && grep "is up to date" .git/t/out
'

# --- nothing to be settled -----------------------------------------------------------

test_expect_success 'what is not open' '
	on_sqlite closed && new_migration b "CREATE TABLE b (x int);" &&
	diagnosed 0 "default pending - 0 b.sql" b &&
	diagnosed 0 "default applied - 2 t.sql" t &&
	git migrate diagnose b >.git/t/out &&
	has_line .git/t/out "  the log says nothing of it" &&
	has_line .git/t/out "nothing is to be settled" &&
	refuses 1 "'\''x'\'' names no migration of the plan, nor of the log of target '\''default'\''" \
		git migrate diagnose x &&
	refuses 1 "migration '\''b.sql'\'' is not open on target '\''default'\''" \
		git migrate diagnose --finished --reason x b &&
	refuses 1 "migration '\''t.sql'\'' is not open on target '\''default'\''" \
		git migrate diagnose --abandon --reason x t &&
	refuses 128 "there is no target '\''nowhere'\''" git migrate diagnose nowhere t &&
	test_expect_code 129 git migrate diagnose a b c &&
	refuses 1 "no migration has failed or is open on target '\''default'\''" \
		git migrate diagnose
'

test_expect_success FAULTS 'a restored database is not written to' '
	on_sqlite restored &&
	new_migration v "$alone
VACUUM;" &&
	test_expect_code 137 env GIT_MIGRATE_FAULT=started git-migrate apply &&
	cp app.db saved.db && git migrate apply && cp saved.db app.db &&
	refuses 1 "target '\''default'\'' went back in time" \
		git migrate diagnose --abandon --reason x v
'

test_done
