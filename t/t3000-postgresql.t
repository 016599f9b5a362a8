#!/bin/sh

test_description='apply, status and audit on PostgreSQL'

. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119
start_pg

# fresh NAME: a repository and an empty database of that name (in $url); the current
# directory from then on.
fresh() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo "$1" &&
	cd "$1" &&
	mkdir .git/t &&
	url=$(create_db "$1") &&
	git config migrate.default.url "$url"
}

# two_applied NAME: the same with two migrations that have run.
two_applied() {
	fresh "$1" &&
	new_migration create-users 'CREATE TABLE users (id bigint PRIMARY KEY);' &&
	new_migration add-phone 'ALTER TABLE users ADD COLUMN phone text;' &&
	git migrate apply >.git/t/first 2>&1
}

# objects: the tables, functions and triggers that there are.
objects() {
	pg "$url" "SELECT n.nspname, c.relname, c.relkind FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2"
}

# events: event and path of each record, but for what ends a run.
events() {
	pg "$url" "SELECT event, path FROM git_migrate.log WHERE event <> 'ran' ORDER BY seq"
}

state() {
	objects
	pg_tracker_rows "$url" 2>/dev/null
	git for-each-ref
	git status --porcelain --untracked-files=all
	cat .git/config
}

# fails_at PLACE COMMAND...: apply fails there and leaves no table "half".
fails_at() {
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: migrations/$1" &&
	pg "$url" "SELECT to_regclass('half')" >.git/t/actual &&
	echo >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
}

test_expect_success 'status, plan, log, audit, target show and a dry run create nothing' '
	fresh look &&
	new_migration a "CREATE TABLE a (x int);" &&
	state >.git/t/before &&
	for command in status plan log audit "target show default" "apply --dry-run"; do
		git migrate $command >.git/t/out 2>&1 || return 1
	done &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'the first apply makes the tracker' '
	two_applied first &&
	sed -e "s/[0-9a-f]\{64\}/HASH/" -e "s/[0-9]* ms\$/MS ms/" -e "s/(.*)/(URL)/" .git/t/first >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	target default (URL): 2 migrations to run
	  applied  create-users.sql  1 statement, MS ms
	  applied  add-phone.sql  1 statement, MS ms
	mirror: 4 records added to refs/notes/migrate/default
	head: record 4 HASH
	hint: "git migrate log" shows what ran; "git migrate audit" proves it.
	END
	test_cmp .git/t/expect .git/t/actual &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|create-users.sql" "applied|add-phone.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git migrate audit >.git/t/out &&
	! grep "warning\|failed" .git/t/out
'

test_expect_success 'records: linked by hashes that sha256sum agrees with' '
	pg "$url" "SELECT hash FROM git_migrate.log ORDER BY seq" >.git/t/actual &&
	pg_tracker_rows "$url" >.git/t/rows &&
	while read -r line; do
		printf "%s\n" "$line" | sha256sum | cut -d" " -f1
	done <.git/t/rows >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	sed "s/.* prev=\([0-9a-f]*\) .*/\1/" .git/t/rows | sed 1d >.git/t/prev &&
	sed "\$d" .git/t/expect >.git/t/hashes &&
	test_cmp .git/t/hashes .git/t/prev &&
	{ git notes --ref=migrate/default show HEAD^ && git notes --ref=migrate/default show HEAD; } |
		LC_ALL=C sort >.git/t/lines &&
	test_cmp .git/t/rows .git/t/lines &&
	pg "$url" "SELECT system_identifier FROM pg_control_system()" >.git/t/id &&
	sed -n 1p .git/t/rows | grep " server=[^ ]*$(cat .git/t/id)"
'

test_expect_success 'a second apply finds nothing to do' '
	state >.git/t/before &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	echo "target default is up to date: 2 migrations applied" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out &&
	test_must_be_empty .git/t/err &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'statements: dollar quotes, COPY data, functions, comments' '
	fresh statements &&
	new_migration a "-- a comment; with a semicolon
CREATE TABLE a (x int, t text);
COPY a FROM STDIN;
1	one
2	two; DROP TABLE a;
\\.
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS \$body\$
BEGIN
	RETURN (SELECT sum(x) FROM a); -- no end
END
\$body\$;
INSERT INTO a SELECT f(), '\''it'\'''\''s; three'\'';" &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "applied  a.sql  4 statements" .git/t/out &&
	pg "$url" "SELECT * FROM a ORDER BY x, t" >.git/t/actual &&
	printf "%s\n" "1|one" "2|two; DROP TABLE a;" "3|it'\''s; three" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a failing migration is rolled back, the ones before it stay' '
	fresh fail &&
	new_migration good "CREATE TABLE good (x int NOT NULL);" &&
	new_migration bad "CREATE TABLE half (x int);
INSERT INTO good VALUES (1);
  SELECT nothing FROM good;" &&
	fails_at "bad.sql:3:10: column \"nothing\" does not exist" &&
	grep "It was rolled back; the migrations before it stay applied." .git/t/err &&
	grep "^hint: " .git/t/err &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|good.sql" "failed|bad.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	pg_tracker_rows "$url" | grep " event=failed .* sqlstate=42703 line=3\$" &&
	pg "$url" "SELECT count(*) FROM good" >.git/t/actual &&
	echo 0 >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'row values of a failure do not get into the record' '
	commit_file migrations/bad.sql "INSERT INTO good VALUES (NULL);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/bad.sql:1:1: null value" .git/t/err &&
	grep "Failing row contains" .git/t/err &&
	pg_tracker_rows "$url" | tail -n 1 >.git/t/record &&
	grep " sqlstate=23502 line=1\$" .git/t/record &&
	! grep -i "failing\|null" .git/t/record
'

test_expect_success 'corrected, it runs' '
	commit_file migrations/bad.sql "CREATE TABLE whole (x int);" &&
	git migrate apply >.git/t/out 2>&1 &&
	events | tail -n 1 >.git/t/actual &&
	echo "applied|bad.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git migrate audit >.git/t/out
'

test_expect_success 'the hint of the server stands beside ours' '
	fresh hints &&
	new_migration a "SELECT nosuch(1);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^hint: No function matches the given name" .git/t/err &&
	grep "^hint: Where it has not been pushed, correct it" .git/t/err &&
	git -c migrate.advice.server=false migrate apply >.git/t/out 2>.git/t/err
	test 1 = $? && ! grep "^hint: No function" .git/t/err &&
	grep "^hint: Where it has not been pushed, correct it" .git/t/err
'

test_expect_success 'a migration that ends its own session has failed, on record' '
	fresh suicide &&
	new_migration a "CREATE TABLE a (x int);" &&
	new_migration b "CREATE TABLE half (x int);
SELECT pg_terminate_backend(pg_backend_pid());" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/b.sql:2:1: terminating connection" .git/t/err &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|a.sql" "failed|b.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	pg_tracker_rows "$url" | grep " sqlstate=57P01 line=2\$" &&
	git migrate audit --porcelain >.git/t/audit && ! grep -v " ok " .git/t/audit &&
	commit_file migrations/b.sql "CREATE TABLE whole (x int);" &&
	git migrate apply >.git/t/out 2>&1 && grep "applied  b.sql" .git/t/out
'

test_expect_success 'a deferred constraint that fails at the end rolls back all' '
	fresh deferred &&
	new_migration a "CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);" &&
	new_migration b "CREATE TABLE half (x int);
INSERT INTO c VALUES (7);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/b.sql.* violates foreign key constraint" .git/t/err &&
	objects >.git/t/out &&
	! grep half .git/t/out &&
	events | tail -n 1 >.git/t/actual &&
	echo "failed|b.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'transaction control: an outer pair is left out' '
	two_applied control &&
	new_migration a "BEGIN;
CREATE TABLE a (x int);
COMMIT;" &&
	git migrate apply >.git/t/out 2>&1 &&
	pg "$url" "SELECT count(*) FROM a"
'

test_expect_success 'transaction control: the rest is refused before anything runs' '
	new_migration b "CREATE TABLE half (x int);
COMMIT;
CREATE TABLE behind (x int);" &&
	fails_at "b.sql:2:1: COMMIT cannot be part of a migration" &&
	grep "^hint: " .git/t/err &&
	commit_file migrations/b.sql "CREATE TABLE half (x int); ROLLBACK;" &&
	fails_at "b.sql:1:28: ROLLBACK cannot be part of a migration" &&
	commit_file migrations/b.sql "CREATE TABLE half (x int);
DO \$\$ BEGIN COMMIT; END \$\$;" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/b.sql:2:1: invalid transaction termination" .git/t/err &&
	objects >.git/t/out &&
	! grep half .git/t/out
'

test_expect_success 'psql commands and CONCURRENTLY are explained' '
	commit_file migrations/b.sql "\\i other.sql" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/b.sql:1:1: psql command .\\\\i" .git/t/err &&
	grep "^hint: " .git/t/err &&
	commit_file migrations/b.sql "CREATE INDEX CONCURRENTLY i ON users (phone);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/b.sql:1:1: CREATE INDEX CONCURRENTLY cannot run in a transaction" .git/t/err &&
	grep "^hint: .*\"-- migrate: no-transaction\"" .git/t/err
'

# points_at PLACE LINE CARET: refused before anything runs, with its line and a caret
points_at() {
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/$1: " .git/t/err &&
	sed -n 2,3p .git/t/err >.git/t/actual && printf "%s\n" "$2" "$3" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual && grep "Nothing was run\." .git/t/err
}

test_expect_success 'what is refused before it runs is pointed at' '
	fresh pointed &&
	new_migration b "SELECT 1;
  COMMIT AND CHAIN;" && points_at b.sql:2:3 "COMMIT AND CHAIN" "^" &&
	commit_file migrations/b.sql "SELECT 1;
SELECT 2, '\''open;" && points_at b.sql:2:11 "SELECT 2, '\''open;" "          ^" &&
	commit_file migrations/b.sql "SELECT 1; \\dt" &&
	points_at b.sql:1:11 "SELECT 1; \\dt" "          ^" &&
	commit_file migrations/b.sql "BEGIN; SELECT 1;" && points_at b.sql:1:1 "BEGIN" "^" &&
	commit_file migrations/b.sql "SELECT 1;
COPY t FROM STDIN;
1" && points_at b.sql:2:1 "COPY t FROM STDIN;" "^" &&
	commit_file migrations/b.sql "SELECT 1; VACUUM t;" &&
	points_at b.sql:1:11 "VACUUM t" "^" &&
	commit_file migrations/b.sql "-- migrate: no-transaction
VACUUM a; VACUUM b;" && points_at b.sql:2:11 "VACUUM b" "^" &&
	commit_file migrations/b.sql "-- migrate: no-transaction" &&
	points_at b.sql:1:1 "-- migrate: no-transaction" "^" &&
	commit_file migrations/b.sql "SELECT 1;" && git migrate apply >.git/t/out 2>&1
'

test_expect_success 'settings of one migration do not reach the next' '
	two_applied settings &&
	pg "$url" "CREATE SCHEMA other" &&
	new_migration a "SET search_path = other; CREATE TEMP TABLE users (id int); CREATE TABLE a (x int);" &&
	new_migration b "CREATE TABLE b (x int); SELECT phone FROM users;" &&
	git migrate apply >.git/t/out 2>&1 &&
	pg "$url" "SELECT to_regclass('\''other.a'\''), to_regclass('\''public.b'\'')" >.git/t/actual &&
	echo "other.a|b" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a migration cannot write to the tracker' '
	pg_tracker_rows "$url" >.git/t/expect &&
	for sql in "DELETE FROM git_migrate.log" "DROP SCHEMA git_migrate CASCADE" \
		"ALTER TABLE \"git_migrate\".log ADD COLUMN x int" \
		"ALTER TABLE GIT_MIGRATE.lock DISABLE TRIGGER ALL" \
		"DROP TRIGGER log_change ON git_migrate.log" \
		"CREATE RULE x AS ON INSERT TO git_migrate.log DO INSTEAD NOTHING" \
		"TRUNCATE git_migrate.lock"; do
		new_migration c "CREATE TABLE half (x int);
$sql;" &&
		test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
		grep "^error: migrations/c.sql:2:1: a migration cannot change the tracker" \
			.git/t/err && grep "Nothing was run" .git/t/err &&
		git reset -q --hard HEAD^ || return 1
	done &&
	pg_tracker_rows "$url" >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	new_migration d "CREATE VIEW ran AS SELECT path FROM git_migrate.log;" &&
	git migrate apply >.git/t/out 2>&1 && pg_tracker_rows "$url" >.git/t/expect &&
	# what is hidden from the text is seen when it happens
	new_migration c "CREATE TABLE half (x int);
DO \$\$ BEGIN EXECUTE '\''DELETE FROM git_'\'' || '\''migrate.log'\''; END \$\$;" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/c.sql:2:1: the tracker is append-only" .git/t/err &&
	pg_tracker_rows "$url" | sed "\$d" >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'triggers refuse to change the tracker, also as a replica' '
	two_applied triggers &&
	state >.git/t/before &&
	while read -r sql; do
		for mode in origin replica; do
			test_must_fail pg "$url" "SET session_replication_role = $mode; $sql" 2>.git/t/err &&
			grep "append-only" .git/t/err || return 1
		done || return 1
	done <<-\END &&
	UPDATE git_migrate.log SET event = event WHERE seq = 2
	DELETE FROM git_migrate.log WHERE seq = 3
	DELETE FROM git_migrate.log
	TRUNCATE git_migrate.log
	INSERT INTO git_migrate.log SELECT * FROM git_migrate.log WHERE seq = 2 ON CONFLICT (seq) DO UPDATE SET event = EXCLUDED.event
	INSERT INTO git_migrate.log SELECT 9, event, path, blob, "commit", at, "by", run, record, hash FROM git_migrate.log WHERE seq = 3
	INSERT INTO git_migrate.log SELECT 4, event, path, blob, "commit", at, "by", run, record, hash FROM git_migrate.log WHERE seq = 3
	DELETE FROM git_migrate.lock
	TRUNCATE git_migrate.lock
	UPDATE git_migrate.schema SET version = 2
	DELETE FROM git_migrate.schema
	END
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	git migrate apply
'

test_expect_success 'a record edited by the owner' '
	pg "$url" "ALTER TABLE git_migrate.log DISABLE TRIGGER ALL;
		UPDATE git_migrate.log SET record = replace(record, '\''C%20O'\'', '\''X%20Y'\'') WHERE seq = 2;
		ALTER TABLE git_migrate.log ENABLE ALWAYS TRIGGER log_insert, ENABLE ALWAYS TRIGGER log_change, ENABLE ALWAYS TRIGGER log_truncate" &&
	new_migration more "CREATE TABLE more (x int);" &&
	state >.git/t/before &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*record 2" .git/t/err &&
	grep "^hint: " .git/t/err &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	test_expect_code 1 git migrate audit >.git/t/out 2>.git/t/err &&
	grep "failed *chain" .git/t/out &&
	grep "failed *fork" .git/t/out
'

test_expect_success 'an applied file that was edited, deleted, renamed' '
	two_applied edited &&
	base=$(git rev-parse HEAD) &&
	new_migration more "CREATE TABLE more (x int);" &&
	commit_file migrations/create-users.sql "CREATE TABLE users (id text);" &&
	refuses 1 "migration '\''create-users.sql'\'' was edited after it was applied" git migrate apply &&
	git reset -q --hard $base &&
	git rm -q migrations/add-phone.sql &&
	git commit -qm "delete" &&
	refuses 1 "migration '\''add-phone.sql'\'' was applied and is not in the plan" git migrate apply &&
	git reset -q --hard $base &&
	git mv migrations/add-phone.sql migrations/phone.sql &&
	git commit -qm "rename" &&
	refuses 1 "migration '\''add-phone.sql'\'' was renamed to '\''phone.sql'\'' after it was applied" git migrate apply &&
	git reset -q --hard $base &&
	git migrate apply >.git/t/out 2>&1
'

test_expect_success 'a gap is refused; with a reason it runs, on record' '
	fresh gap &&
	new_migration a "CREATE TABLE a (x int);" &&
	git branch release &&
	new_migration b "CREATE TABLE b (x int);" &&
	new_migration c "CREATE TABLE c (x int);" &&
	git checkout -q release &&
	git cherry-pick main >.git/t/out &&
	git migrate apply >.git/t/out 2>&1 &&
	git checkout -q main &&
	refuses 1 "there is a gap: '\''b.sql'\'' is pending and '\''c.sql'\'' behind it was applied" \
		git migrate apply &&
	git commit -q --allow-empty -m "let b run" -m "Out-Of-Order: b.sql -- the hotfix went first" &&
	git migrate apply >.git/t/out 2>&1 &&
	events | tail -n 2 >.git/t/actual &&
	printf "%s\n" "excepted|b.sql" "applied|b.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

# ended STATUS FILE: a runner was done, or met another one and said so.
ended() {
	test "$1" = 0 || {
		test "$1" = 1 &&
		grep "^error: .*another git migrate is at work on this target\$" "$2" >/dev/null
	}
}

for round in 1 2 3 4; do
	test_expect_success "two runners at once apply each migration once ($round)" '
		fresh race$round &&
		for i in 1 2 3 4 5 6; do
			new_migration "m$i" "CREATE TABLE t$i (x int);" || return 1
		done &&
		{
			git migrate apply >.git/t/one 2>&1 &
			one=$!
			git migrate apply >.git/t/two 2>&1 &
			two=$!
			one_status=0
			two_status=0
			wait $one || one_status=$?
			wait $two || two_status=$?
		} &&
		ended $one_status .git/t/one &&
		ended $two_status .git/t/two &&
		git migrate apply >.git/t/out 2>&1 &&
		events >.git/t/actual &&
		{
			echo "created|" &&
			for i in 1 2 3 4 5 6; do
				echo "applied|m$i.sql"
			done
		} >.git/t/expect &&
		test_cmp .git/t/expect .git/t/actual &&
		git migrate audit >.git/t/out
	'
done

test_expect_success 'a runner that meets a held lock says so, and changes nothing' '
	two_applied held &&
	new_migration more "CREATE TABLE more (x int);" &&
	mkfifo .git/t/fifo &&
	{ psql -XAtq -d "$url" <.git/t/fifo >.git/t/holder 2>&1 & } &&
	holder=$! &&
	exec 8>.git/t/fifo &&
	echo "BEGIN; SELECT id FROM git_migrate.lock FOR UPDATE;" >&8 &&
	until test -s .git/t/holder; do
		kill -0 $holder || return 1
	done &&
	refuses 1 "another git migrate is at work on this target" git migrate apply &&
	echo "ROLLBACK;" >&8 &&
	exec 8>&- &&
	wait $holder &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "applied  more.sql" .git/t/out
'

test_expect_success 'two targets on one server have a tracker each' '
	two_applied targets &&
	other=$(create_db targets2) &&
	git migrate target add other "$other" >.git/t/out &&
	git migrate apply other >.git/t/out 2>&1 &&
	pg "$url" "SELECT hash FROM git_migrate.log WHERE seq = 1" >.git/t/one &&
	pg "$other" "SELECT hash FROM git_migrate.log WHERE seq = 1" >.git/t/two &&
	test_must_fail cmp -s .git/t/one .git/t/two
'

test_expect_success 'notices of the server are shown, escaped' '
	two_applied notices &&
	new_migration a "DROP TABLE IF EXISTS nowhere;
DO \$\$ BEGIN RAISE WARNING E'\''careful \\x1b]0;x\\x07'\''; END \$\$;" &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^a.sql:1: NOTICE: table \"nowhere\" does not exist, skipping" .git/t/err &&
	grep -F "careful \\x1b]0;x\\x07" .git/t/err
'

# --- what cannot be reached, and what must not be seen --------------------------

# every_command: runs all that read a target; output in .git/t/all, each must fail.
every_command() {
	: >.git/t/all
	for command in status "status --json" "status --porcelain" apply "apply --json" \
		"apply -n" audit "audit --json" "target show default"; do
		test_must_fail git migrate $command >>.git/t/all 2>&1 || return 1
	done
	for command in "target list" "target list --json" "target list --porcelain" plan log; do
		git migrate $command >>.git/t/all 2>&1
	done
	:
}

secret=s3cr3tPassw0rd

test_expect_success 'a password is never shown: malformed URL' '
	fresh secrets &&
	new_migration a "CREATE TABLE a (x int);" &&
	for bad in "postgresql://me:$secret%zz@localhost/db" "postgresql://me:$secret@[::1/db" \
		"postgresql://me:$secret@localhost:port:x/db?what=ever" \
		"postgresql://localhost/db?password=$secret&nothing" \
		"postgresql://me:$secret@localhost/db?unknown=1"; do
		git config migrate.default.url "$bad" &&
		every_command &&
		! grep "$secret" .git/t/all &&
		grep "^error: target .default.: the URL of the PostgreSQL target cannot be read" .git/t/all ||
		return 1
	done
'

test_expect_success 'a password is never shown: unreachable host, wrong port' '
	for bad in "postgresql://me:$secret@no-such-host.invalid/db" \
		"postgresql://me:$secret@127.0.0.1:1/db" \
		"postgresql:///db?host=/no/such/dir&user=me&password=$secret"; do
		git config migrate.default.url "$bad" &&
		every_command &&
		! grep "$secret" .git/t/all &&
		grep "^error: target .default.: could not connect to " .git/t/all &&
		grep "^hint: " .git/t/all || return 1
	done
'

test_expect_success 'a password is never shown: wrong password, no such database' '
	pg "$url" "CREATE ROLE needs_password LOGIN PASSWORD '\''right'\''" &&
	for user in nobody needs_password; do
		git config migrate.default.url \
			"$(echo "$url" | sed "s|^\(postgres[a-z]*://\)[^/@]*@|\1|; s|://|://$user:$secret@|")" &&
		every_command &&
		! grep "$secret" .git/t/all &&
		grep "^error: target .default.: could not connect to " .git/t/all || return 1
	done &&
	grep "password authentication failed" .git/t/all &&
	git config migrate.default.url "$(echo "$url" | sed "s|/secrets|/nowhere|")" &&
	PGPASSWORD=$secret && export PGPASSWORD &&
	every_command &&
	unset PGPASSWORD &&
	! grep "$secret" .git/t/all &&
	grep "database \"nowhere\" does not exist" .git/t/all
'

test_expect_success 'a password is not shown where it works, nor written anywhere' '
	case $url in
	*"?"*)
		with_password="$url&password=$secret"
		;;
	*)
		with_password="$url?password=$secret"
		;;
	esac &&
	git config --unset migrate.default.url &&
	git migrate target add default "$with_password" >.git/t/all 2>&1 &&
	grep "^warning: the password stands in .git/config now" .git/t/all &&
	for command in status "status --json" apply "target list" "target show default" log \
		"audit --json" "show a"; do
		git migrate $command >>.git/t/all 2>&1 || return 1
	done &&
	! grep "$secret" .git/t/all &&
	pg_tracker_rows "$url" >.git/t/rows &&
	! grep "$secret" .git/t/rows &&
	git notes --ref=migrate/default show HEAD >.git/t/lines &&
	! grep "$secret" .git/t/lines
'

test_expect_success 'init and target add with a malformed URL set nothing' '
	git config --unset migrate.default.url &&
	git config --unset migrate.default.uuid &&
	cp .git/config .git/t/config &&
	for command in "init" "target add default"; do
		test_expect_code 129 git migrate $command "postgresql://me:$secret%zz@localhost/db" \
			>.git/t/all 2>&1 &&
		! grep "$secret" .git/t/all || return 1
	done &&
	test_cmp .git/t/config .git/config
'

test_expect_success 'a role without rights is told so, and changes nothing' '
	two_applied rights &&
	pg "$url" "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA git_migrate TO reader;
		GRANT SELECT ON ALL TABLES IN SCHEMA git_migrate TO reader" &&
	new_migration more "CREATE TABLE more (x int);" &&
	owner=$url &&
	git config migrate.default.url "$(echo "$url" | sed "s|^\(postgres[a-z]*://\)[^/@]*@|\1|; s|://|://reader@|")" &&
	git migrate status >.git/t/out 2>&1 &&
	pg_tracker_rows "$owner" >.git/t/expect &&
	test_must_fail git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*permission denied" .git/t/err &&
	pg_tracker_rows "$owner" >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a server whose identity is not for everybody: it is done without' '
	fresh unnumbered && owner=$url &&
	pg "$owner" "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC;
		CREATE ROLE unnumbered LOGIN; GRANT ALL ON DATABASE unnumbered TO unnumbered;
		GRANT ALL ON SCHEMA public TO unnumbered" &&
	git config migrate.default.url "$(echo "$owner" | sed "s,//[^@]*@,//unnumbered@,")" &&
	new_migration one "CREATE TABLE one (x int);" && git migrate apply >.git/t/out 2>&1 &&
	new_migration two "CREATE TABLE two (x int);" && git migrate apply >.git/t/out 2>&1 &&
	git migrate apply >.git/t/out && grep "up to date: 2 migrations applied" .git/t/out &&
	pg_tracker_rows "$owner" >.git/t/rows && ! grep " server=" .git/t/rows &&
	# where it is for us it is in the record
	pg "$owner" "GRANT EXECUTE ON FUNCTION pg_control_system() TO unnumbered;
		DROP SCHEMA git_migrate CASCADE; DROP TABLE one, two" &&
	git config --unset migrate.default.uuid && git update-ref -d refs/notes/migrate/default &&
	git migrate apply >.git/t/out 2>&1 && pg_tracker_rows "$owner" >.git/t/rows &&
	sed -n 1p .git/t/rows | grep " server=[^ ]*[0-9]/"
'

test_done
