#!/bin/sh

test_description='two incidents, from the bad migration to the end of the recovery'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
start_pg optional

# --- what is there ------------------------------------------------------------------

# scene ENGINE NAME ROWS: a repository with all hooks, and so many users in the target, on
# which no fix runs that was not rehearsed
scene() {
	engine=$1
	rows=$3
	fresh "$1-$2-$3" &&
	case $engine in
	sqlite)
		url=sqlite:.git/app.db
		;;
	*)
		url=$(create_db "$2-$3")
		;;
	esac &&
	git migrate init "$url" >.git/t/out 2>&1 &&
	test -x .git/hooks/commit-msg && test -x .git/hooks/pre-push &&
	git config migrate.default.batchPause 0 &&
	git config migrate.default.requireRehearsal fixes &&
	land users "CREATE TABLE users (id integer PRIMARY KEY, name varchar(40) NOT NULL,
	phone varchar(20));" &&
	db "INSERT INTO users (id, name, phone) WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL
SELECT i + 1 FROM c WHERE i < $rows) SELECT i, 'user ' || i, '0' || (1510000000 + i) FROM c;"
}

# land NAME SQL: a migration is committed through the hooks, and applied
land() {
	new_migration "$@" && apply
}

apply() {
	git migrate apply >.git/t/out 2>.git/t/err || {
		cat .git/t/out .git/t/err
		return 1
	}
}

# waits FIX: it is committed, and does not run unrehearsed
waits() {
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^  waiting  $1.sql  waits for a rehearsal$" .git/t/out &&
	git migrate status --porcelain >.git/t/status && grep "^pending .*$1.sql" .git/t/status
}

# rehearse FIX: it passes on a scratch database, and that is noted on its commit
rehearse() {
	git migrate rehearse "$1.sql" >.git/t/out 2>.git/t/err || {
		cat .git/t/out .git/t/err
		return 1
	}
	git notes --ref=migrate-proof/rehearsals show HEAD >.git/t/notes &&
	grep "^rehearsed path=$1.sql blob=$(git rev-parse "HEAD:migrations/$1.sql") result=passed " .git/t/notes
}

gives() {
	db "$2" >.git/t/actual && printf '%s\n' "$1" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
}

# kept: per column, what a fix must not lose; ids and texts as sums
sums="count(*), count(name), count(phone), sum(id), sum(length(name)), sum(length(phone)),
	count(DISTINCT name), count(DISTINCT phone)"

# sound: nothing is pending, the proof is whole, and all of history is there
sound() {
	git migrate status --porcelain >.git/t/status && ! grep -v "^applied " .git/t/status &&
	git migrate audit --porcelain >.git/t/audit && ! grep -E " (warning|failed) " .git/t/audit
}

# SQLite's ALTER TABLE cannot change a type: as people do it there
sqlite_integer="CREATE TABLE users_new (id integer PRIMARY KEY, name varchar(40) NOT NULL, phone integer);
INSERT INTO users_new SELECT id, name, CAST(phone AS integer) FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;"
postgresql_integer="ALTER TABLE users ALTER COLUMN phone TYPE bigint USING phone::bigint;"
sqlite_required="CREATE TABLE users_new (id integer PRIMARY KEY, name varchar(40) NOT NULL, phone varchar(20),
country varchar(2) NOT NULL);
INSERT INTO users_new SELECT id, name, phone, 'de' FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;"
postgresql_required="ALTER TABLE users ADD COLUMN country varchar(2) NOT NULL DEFAULT 'de';
ALTER TABLE users ALTER COLUMN country DROP DEFAULT;"

# --- the stories ----------------------------------------------------------------------

# a_required_column ENGINE ROWS: code that does not know the column cannot insert
a_required_column() {
	scene "$1" required "$2" &&
	insert="INSERT INTO users (id, name, phone) VALUES ($((rows + 1)), 'new', '0170')" &&
	db "SELECT $sums FROM users" >.git/t/before &&
	eval "required=\$${engine}_required" &&
	land country "$required" &&
	test_must_fail db "$insert" &&
	# what went wrong is told by its SQL; an unfilled fix is not let in
	git migrate fix country >.git/t/out 2>.git/t/err &&
	grep "^hint: The SQL tells of required-column" .git/t/err &&
	fix=migrations/fix-country.sql && git add $fix &&
	test_must_fail git commit -q -m "mend it" 2>.git/t/err &&
	sed "s/^-- Failure-Mode: <.*>/-- Failure-Mode: running code inserts users without a country/" \
		$fix >.git/t/filled && cp .git/t/filled $fix &&
	printf "%s\n" "[seed]" "INSERT INTO users VALUES (1, 'Ann', '0151');" "[failure: somebody signs up]" \
		"INSERT INTO users (id, name, phone) VALUES (2, 'Bob', '0170');" "[check: countries]" \
		"SELECT id, name, phone, country FROM users" ---- "1|Ann|0151|de" \
		>migrations/fix-country.scenario && git add migrations &&
	tick && git commit -q -m "users: a country is not required" &&
	waits fix-country && rehearse fix-country && apply &&
	db "SELECT $sums FROM users" >.git/t/after && test_cmp .git/t/before .git/t/after &&
	gives "$rows" "SELECT count(*) FROM users WHERE country = 'de'" &&
	db "$insert" && gives "$((rows + 1))|$rows" "SELECT count(*), count(country) FROM users" &&
	sound &&
	git migrate log --json >.git/t/log && grep '"fixes"' .git/t/log
}

# a_lossy_type ENGINE ROWS: numbers with a leading zero have lost it
a_lossy_type() {
	scene "$1" lossy "$2" &&
	db "SELECT $sums FROM users" >.git/t/before &&
	db "SELECT id, name, phone FROM users ORDER BY id" | cksum >.git/t/rows &&
	eval "integer=\$${engine}_integer" &&
	land phone "$integer" &&
	gives "1510000001" "SELECT phone FROM users WHERE id = 1" &&
	git migrate fix --contract phone >.git/t/out 2>.git/t/err &&
	grep "^hint: The SQL tells of lossy-type" .git/t/err &&
	sed "s/^-- Failure-Mode: <.*>/-- Failure-Mode: numbers with a leading zero have lost it/" \
		migrations/fix-phone.sql >.git/t/filled && cp .git/t/filled migrations/fix-phone.sql &&
	sed -e "s/<fill in: the value as it was.*>/'0' || CAST(phone AS varchar(19))/" \
		-e "s/^-- Failure-Mode: <.*>/-- Failure-Mode: numbers with a leading zero have lost it/" \
		migrations/fix-phone-copy.sql >.git/t/filled &&
	cp .git/t/filled migrations/fix-phone-copy.sql &&
	lossy_scenarios && git add migrations/fix-phone.* migrations/fix-phone-copy.* &&
	tick && git commit -q -m "users: phone numbers are texts" &&
	waits fix-phone && rehearse fix-phone && rehearse fix-phone-copy &&
	# the copy is stopped on its way, and goes on; a row is changed meanwhile
	interrupted_copy && apply &&
	grep "  applied  fix-phone-copy.sql  $rows rows in " .git/t/out &&
	gives 0 "$(sed -n 's/^-- \(SELECT count.*\)/\1/p' migrations/fix-phone-copy.sql)" &&
	gives "$rows|$rows" "SELECT count(*), count(DISTINCT phone_restored) FROM users" &&
	sound &&
	# code uses the new column: the old one goes
	sed "/^-- Phase:/d; /^-- Pairs-With:/d" migrations/fix-phone-contract.sql >.git/t/filled &&
	cp .git/t/filled migrations/fix-phone-contract.sql && git add migrations &&
	tick && git commit -q -m "users: the number without zeros goes" && apply &&
	db "SELECT $(echo "$sums" | sed "s/phone/phone_restored/g") FROM users" >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	db "SELECT id, name, phone_restored FROM users ORDER BY id" | cksum >.git/t/actual &&
	test_cmp .git/t/rows .git/t/actual && sound
}

# lossy_scenarios: one for each step, with a number that the bad migration makes another one
lossy_scenarios() {
	printf "%s\n" "[seed]" "INSERT INTO users VALUES (1, 'Ann', '0151');" \
		"[unshown]" "nothing is mended yet, the copy does that" "[check]" \
		"SELECT count(*) FROM users" ---- 1 "[kept]" \
		"users.phone may change: the copy brings its values back" \
		>migrations/fix-phone.scenario &&
	printf "%s\n" "[seed]" "INSERT INTO users VALUES (1, 'Ann', '0151'), (2, 'Bob', NULL);" \
		"[wrong: a number to call]" "SELECT phone_restored FROM users WHERE id = 1" ---- 0151 "[kept]" \
		"users.phone is now users.phone_restored: the new column has the texts" \
		>migrations/fix-phone-copy.scenario
}

# interrupted_copy: a run that a signal stops behind its first batch, when there are more
interrupted_copy() {
	test "$rows" -gt 1000 || return 0
	git config migrate.default.batchPause 1000000 || return 1
	env --default-signal=INT git-migrate apply >.git/t/stopped 2>&1 &
	run_pid=$!
	tool_pid=$$
	until_true one_batch_is_done
	tool_pid=''
	git config migrate.default.batchPause 0
	kill -INT $run_pid
	wait $run_pid
	status=$?
	run_pid=''
	test $status = 130 && grep "  stopped  fix-phone-copy.sql  1000 rows done so far" .git/t/stopped &&
	gives 1000 "SELECT count(phone_restored) FROM users"
}

one_batch_is_done() {
	test "$(db "SELECT count(phone_restored) FROM users")" = 1000
} 2>/dev/null

# a sanitizer's build takes ten times as long
test_have_prereq SANITIZERS && many=20000 || many=1000000

for engine in sqlite postgresql; do
	test $engine = sqlite && prereq= || prereq=PG
	for rows in 500 ${STORY_ROWS:-$many}; do
		test_expect_success $prereq "$engine, $rows users: a required column" "
			a_required_column $engine $rows
		"

		test_expect_success $prereq "$engine, $rows users: VARCHAR to INTEGER" "
			a_lossy_type $engine $rows
		"
	done
done

test_done
