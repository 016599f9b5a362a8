#!/bin/sh

test_description='batches: each row once, whatever ends a run'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
needs_built shim.so
start_pg optional

# --- scenes -----------------------------------------------------------------------

# scene ENGINE NAME [ROWS]: a repository, and a table t with rows 3, 6, 9, ... applied
scene() {
	engine=$1
	fresh "$1-$2" &&
	case $engine in
	sqlite)
		url=sqlite:.git/app.db
		log=git_migrate_log
		progress=git_migrate_progress
		;;
	*)
		url=$(create_db "$2")
		log=git_migrate.log
		progress=git_migrate.progress
		;;
	esac &&
	git config migrate.default.url "$url" &&
	git config migrate.default.batchPause 0 &&
	new_migration t "CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0);
INSERT INTO t (id) WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c
WHERE i < ${3:-25}) SELECT i * 3 FROM c WHERE i <= ${3:-25};" &&
	apply
}

apply() {
	git migrate apply >.git/t/out 2>.git/t/err || {
		cat .git/t/out .git/t/err
		return 1
	}
}

# count SIZE: commits a migration that counts in each row how often it was met
count() {
	new_migration count "-- migrate: batch table=t key=id size=$1
UPDATE t SET n = n + 1 WHERE :batch;"
}

# gives EXPECTED SQL
gives() {
	db "$2" >.git/t/actual &&
	printf '%s\n' "$1" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
}

# foretells MESSAGE ROW: status says what apply refuses, and does not advise it
foretells() {
	test_expect_code 1 git migrate status --exit-code >.git/t/status 2>&1 &&
	grep "^error: .*$1" .git/t/status && grep "$2" .git/t/status &&
	! grep 'runs what is pending' .git/t/status &&
	git migrate status --json >.git/t/json &&
	grep '"rule": *"batches"' .git/t/json
}

# once ROWS: so many rows are there, and each was met once
once() {
	gives "$1|1|1" "SELECT count(*), min(n), max(n) FROM t" &&
	gives "$1" "SELECT \"rows\" FROM $progress" &&
	gives 1 "SELECT count(*) FROM $log WHERE event = 'applied' AND path = 'count.sql'" &&
	git migrate audit --porcelain >.git/t/audit &&
	# a run that was killed has not described the schema
	! grep -E " (warning|failed) " .git/t/audit | grep -v " schema-unknown "
}

# partly: no row was met twice, and as many were met as the progress says
partly() {
	gives 0 "SELECT count(*) FROM t WHERE n > 1" &&
	db "SELECT coalesce(max(\"rows\"), 0) FROM $progress" >.git/t/expect &&
	db "SELECT count(*) FROM t WHERE n = 1" >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
}

# record: what the log says of the migration in the end
record() {
	db "SELECT record FROM $log WHERE event = 'applied' AND path = 'count.sql'"
}

state() {
	db "SELECT record FROM $log ORDER BY seq" | grep -v " event=ran " &&
	db "SELECT sum(n), count(*) FROM t" && db "SELECT * FROM $progress"
}

# dry_fails ERROR LINE: a dry run of count.sql, and nothing is left of it
dry_fails() {
	state >.git/t/before &&
	test_expect_code 1 git migrate apply --dry-run >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/count.sql$1" .git/t/err && grep "$2" .git/t/err &&
	state >.git/t/after && test_cmp .git/t/before .git/t/after
}

# pausing: a run of the migration in the background that sleeps after its first batch
pausing() {
	git config migrate.default.batchPause 1000000 || return 1
	env --default-signal=INT git-migrate apply >.git/t/paused 2>&1 &
	run_pid=$!
	tool_pid=$$
	until_true has_begun
	git config migrate.default.batchPause 0 && has_begun
}

has_begun() {
	test "$(db "SELECT count(*) FROM $progress")" = 1
} 2>/dev/null

# interrupt: ends it as Ctrl-C does
interrupt() {
	kill -INT "$run_pid"
	wait "$run_pid"
	status=$?
	run_pid=''
	tool_pid=''
	test $status = 130
}

for engine in sqlite postgresql; do
	test $engine = sqlite && prereq= || prereq=PG
	not_traced=$prereq${prereq:+,}!SANITIZERS
	with_faults=$prereq${prereq:+,}FAULTS

	# --- the usual --------------------------------------------------------------

	test_expect_success $prereq "$engine: each row once, and the log says how many" "
		scene $engine plain && count 4 &&
		apply &&
		grep '  applied  count.sql  25 rows in 7 batches' .git/t/out &&
		once 25 &&
		record | grep ' statements=7 ms=[0-9]* rows=25$' &&
		gives 'started applied' \"SELECT group_concat FROM (SELECT $(
			test $engine = sqlite && echo "group_concat(event, ' ')" ||
			echo "string_agg(event, ' ' ORDER BY seq)") AS group_concat
			FROM $(test $engine = sqlite && echo git_migrate_log || echo git_migrate.log)
			WHERE path = 'count.sql') AS g\" &&
		apply && once 25
	"

	test_expect_success $prereq "$engine: sizes that fit, one row, no row" "
		for rows in 0 1 24; do
			scene $engine rows\$rows \$rows && count 8 &&
			apply && grep \"  applied  count.sql  \$rows row\" .git/t/out &&
			gives \"\$rows\" 'SELECT coalesce(sum(n), 0) FROM t' || return 1
		done &&
		grep '24 rows in 3 batches' .git/t/out
	"

	test_expect_success $prereq "$engine: keys of several columns and of texts, quotes, an alias" "
		scene $engine keys &&
		new_migration wide 'CREATE TABLE \"Wide One\" (\"Of\" text, k integer, n integer DEFAULT 0,
PRIMARY KEY (\"Of\", k));
INSERT INTO \"Wide One\" (\"Of\", k) SELECT s, id FROM t, (SELECT '\\''it'\\'''\\''s'\\'' AS s
UNION ALL SELECT '\\''a\\b'\\'' UNION ALL SELECT '\\'''\\'' UNION ALL SELECT '\\''Zz'\\'') AS x;
CREATE TABLE copy (s text, k integer);' &&
		new_migration more '-- migrate: batch table=\"Wide One\" key=\"Of\",k
--   size=7
UPDATE \"Wide One\" SET n = n + 1 WHERE :batch;' &&
		new_migration copies '-- migrate: batch table=\"Wide One\" key=\"Of\",k size=9
INSERT INTO copy (s, k) SELECT w.\"Of\", w.k FROM \"Wide One\" AS w JOIN t AS o ON o.id = w.k
WHERE w.:batch;' &&
		apply &&
		gives '100|1|1' 'SELECT count(*), min(n), max(n) FROM \"Wide One\"' &&
		gives 100 'SELECT count(*) FROM (SELECT DISTINCT s, k FROM copy) AS d' &&
		gives 100 'SELECT count(*) FROM copy'
	"

	test_expect_success $prereq "$engine: a dry run tries the next batch, and nothing stays" "
		scene $engine dry && count 4 && new_migration after 'CREATE TABLE after (n integer);' &&
		state >.git/t/before &&
		git migrate apply --dry-run >.git/t/out 2>&1 &&
		grep '  would apply  count.sql  4 rows in the next batch, of about 7, ' .git/t/out &&
		grep '  not tried  after.sql and what follows: of the batches before it one alone' .git/t/out &&
		grep '^1 more pending' .git/t/out &&
		git migrate apply --dry-run --porcelain >.git/t/out && grep '^would-apply 0 7 [0-9]* count.sql' .git/t/out &&
		grep '^untried after.sql' .git/t/out &&
		git migrate apply --dry-run --json >.git/t/json &&
		tr -d ' \n' <.git/t/json | grep '\"path\":\"count.sql\",\"result\":\"would-apply\",\"statements\":7,\"ms\":[0-9]*,\"rows\":4,' &&
		state >.git/t/after && test_cmp .git/t/before .git/t/after &&
		gives 0 'SELECT sum(n) FROM t' && gives 0 \"SELECT count(*) FROM \$progress\" &&
		apply && once 25
	"

	test_expect_success $prereq "$engine: a dry run of the batch behind those that are done" "
		scene $engine dry_on && count 4 && pausing && interrupt &&
		git migrate apply --dry-run >.git/t/out 2>&1 &&
		grep '  would apply  count.sql  4 rows in the next batch, of about 6, ' .git/t/out &&
		partly && db 'UPDATE t SET n = n + 5 WHERE id = 15' &&
		db 'CREATE UNIQUE INDEX t_n ON t (n) WHERE n = 6' && db 'UPDATE t SET n = 5 WHERE id = 18' &&
		dry_fails ':2:1: .*' '^hint: Mend the rows' &&
		db 'UPDATE t SET n = 0 WHERE id IN (15, 18)' && apply && once 25
	"

	test_expect_success $prereq "$engine: a batch that fails fails the dry run" "
		scene $engine dry_fails && new_migration count '-- migrate: batch table=t key=id size=4
UPDATE t SET n = NULL WHERE :batch AND id = 3;' &&
		dry_fails ':2:1: .*' '^hint: Mend the rows .*; or change the file' &&
		grep 'It was rolled back\.' .git/t/err &&
		new_migration count '-- migrate: batch table=t key=id size=4
UPDATE t SET n = 1 WHERE :batch AND nowhere = 1;' &&
		dry_fails ':2:37: ' '^hint: ' &&
		new_migration count '-- migrate: batch table=t key=n size=4
UPDATE t SET id = id WHERE :batch;' &&
		dry_fails ': table .* has no unique key ' '^detail: Nothing was run' &&
		count 4 && git migrate apply --dry-run >.git/t/out 2>&1 && apply && once 25
	"

	test_expect_success $prereq "$engine: a dry run of batches behind what makes their table" "
		scene $engine dry_made && new_migration u 'CREATE TABLE u (a integer, b integer, n integer,
PRIMARY KEY (a, b)); INSERT INTO u SELECT id, id, 0 FROM t;' &&
		new_migration count '-- migrate: batch table=u key=a,b size=4
UPDATE u AS x SET n = x.n + 1 WHERE x.:batch;' &&
		git migrate apply --dry-run >.git/t/out 2>&1 && grep 'would apply  u.sql' .git/t/out &&
		case $engine in
		sqlite) grep '  not tried  count.sql and what follows: foreign keys are switched' .git/t/out ;;
		*) grep '  would apply  count.sql  4 rows in the next batch, [0-9]* ms' .git/t/out ;;
		esac && apply && gives '25|1|1' 'SELECT count(*), min(n), max(n) FROM u'
	"

	# --- what is refused --------------------------------------------------------

	test_expect_success $prereq "$engine: what is refused before anything runs" "
		scene $engine refused &&
		while IFS='|' read -r message header sql; do
			new_migration bad \"-- migrate: \$header
\$sql\" && state >.git/t/before &&
			test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
			grep \"^error: .*\$message\" .git/t/err && grep '^hint: ' .git/t/err &&
			state >.git/t/after && test_cmp .git/t/before .git/t/after || {
				cat .git/t/err
				echo \"not '\$message'\"
				return 1
			}
		done <<-\\END &&
		'table' of a batched migration cannot be ''|batch key=id|UPDATE t SET n = 1 WHERE :batch;
		'key' of a batched migration cannot be ''|batch table=t|UPDATE t SET n = 1 WHERE :batch;
		'key' of a batched migration cannot be 'id;'|batch table=t key=id;|UPDATE t SET n = 1 WHERE :batch;
		'table' of a batched migration cannot be 't-x'|batch table=t-x key=id|UPDATE t SET n = 1 WHERE :batch;
		'size' of a batched migration cannot be '0'|batch table=t key=id size=0|UPDATE t SET n = 1 WHERE :batch;
		'size' of a batched migration cannot be 'all'|batch table=t key=id size=all|UPDATE t SET n = 1 WHERE :batch;
		table=, key= or size= without|table=t key=id|UPDATE t SET n = 1 WHERE :batch;
		and for .no-transaction. at once|batch table=t key=id no-transaction|UPDATE t SET n = 1 WHERE :batch;
		and for .foreign-keys=off. at once|batch table=t key=id foreign-keys=off|UPDATE t SET n = 1 WHERE :batch;
		without :batch: each batch|batch table=t key=id|UPDATE t SET n = 1 WHERE id > 3;
		without :batch: each batch|batch table=t key=id|UPDATE t SET n = 1 WHERE id > 3; -- :batch
		without :batch: each batch|batch table=t key=id|UPDATE t SET n = 1 WHERE ':batch' = '';
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 WHERE :batch AND n = 1 OR n = 2;
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 WHERE n = 2 OR :batch;
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 WHERE NOT :batch;
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 FROM u AS o WHERE o.:batch;
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 FROM t AS o WHERE o.:batch;
		keep to the rows|batch table=t key=id|UPDATE t AS x SET n = 1 FROM u AS t WHERE t.:batch;
		keep to the rows|batch table=t key=id|INSERT INTO w SELECT u.id FROM t, u WHERE u.:batch;
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 WHERE :batch IS NULL AND n = 1;
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 WHERE n = 1 AND (:batch OR n = 2);
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 WHERE n BETWEEN 1 AND :batch;
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 WHERE CASE WHEN n > 1 AND :batch AND n < 9 THEN 1 ELSE 1 END = 1;
		keep to the rows|batch table=t key=id|UPDATE t SET n = (SELECT count(*) FROM t AS x WHERE x.:batch);
		keep to the rows|batch table=t key=id|UPDATE t SET n = 1 WHERE id IN (SELECT id FROM t AS x WHERE x.:batch);
		keep to the rows|batch table=t key=id|WITH x AS (SELECT id FROM t WHERE :batch) DELETE FROM t WHERE id > 3;
		keep to the rows|batch table=t key=id|INSERT INTO u SELECT id FROM t WHERE :batch UNION ALL SELECT 7;
		a batched migration without a statement|batch table=t key=id|-- nothing
		a second statement|batch table=t key=id|UPDATE t SET n = 1 WHERE :batch; DELETE FROM t WHERE :batch;
		is an UPDATE, an INSERT or a DELETE|batch table=t key=id|SELECT * FROM t WHERE :batch;
		is an UPDATE, an INSERT or a DELETE|batch table=t key=id|CREATE TABLE x AS SELECT * FROM t WHERE :batch;
		sets a column of its own key|batch table=t key=id|UPDATE t SET n = 1, id = id + 1 WHERE :batch;
		sets a column of its own key|batch table=t key=id|UPDATE t SET (n, \"id\") = (1, 2) WHERE :batch;
		adds rows to the table that it goes|batch table=t key=id|INSERT INTO t SELECT id + 1000 FROM t WHERE :batch;
		table \"t\" has no unique key \"n\"|batch table=t key=n|DELETE FROM t WHERE :batch;
		table \"t\" has no unique key \"id\", \"n\"|batch table=t key=id,n|DELETE FROM t WHERE :batch;
		table \"gone\" has no unique key \"id\"|batch table=gone key=id|UPDATE gone SET n = 1 WHERE :batch;
		END
		new_migration bad '-- migrate: batch table=t key=id
UPDATE t SET n = n + id - id + 1 WHERE :batch;' && apply &&
		gives 25 'SELECT sum(n) FROM t'
	"

	test_expect_success $prereq "$engine: :batch among other conditions" "
		scene $engine among &&
		new_migration u 'CREATE TABLE u (id integer UNIQUE, m integer);' && apply &&
		new_migration one '-- migrate: batch table=t key=id size=4
UPDATE t SET n = n + 1 WHERE (n = 0 OR n = 2) AND n BETWEEN 0 AND 9 AND t.:batch
AND CASE WHEN n = 0 OR n = 1 THEN 1 ELSE 0 END = 1' && apply && gives '25|1|1' 'SELECT count(*), min(n), max(n) FROM t' &&
		new_migration two '-- migrate: batch table=t key=id size=4
INSERT INTO u SELECT id, n FROM t WHERE :batch UNION ALL SELECT x.id + 1, 0 FROM t AS x WHERE x.:batch AND x.n = 1
ON CONFLICT (id) DO UPDATE SET m = 1 WHERE u.m = 7 OR u.m = 8' && apply && gives '50|2|76' 'SELECT count(*), min(id) - 1, max(id) FROM u' &&
		new_migration alias '-- migrate: batch table=t key=id size=4
UPDATE \"t\" AS \"x y\" SET n = \"x y\".n + 1 FROM t AS o WHERE o.id = \"x y\".id AND \"x y\".:batch' &&
		apply && gives '25|2|2' 'SELECT count(*), min(n), max(n) FROM t' &&
		new_migration three '-- migrate: batch table=u key=id size=4
DELETE FROM u WHERE m = 0 AND :batch RETURNING m = 1 OR m = 2' && apply && gives 25 'SELECT count(*) FROM u'
	"

	test_expect_success $prereq "$engine: the keys that there are, are named" "
		scene $engine named && new_migration u 'CREATE TABLE u (a integer, b integer, c integer);
CREATE UNIQUE INDEX u_ab ON u (a, b); CREATE INDEX u_c ON u (c);
CREATE UNIQUE INDEX u_some ON u (c) WHERE c > 0; INSERT INTO u VALUES (1, 1, 1), (2, NULL, 2);' &&
		apply &&
		new_migration bad '-- migrate: batch table=u key=c
DELETE FROM u WHERE :batch;' &&
		refuses 1 'migrations/bad.sql: table \"u\" has no unique key \"c\" to go through it by' git migrate apply &&
		grep '^hint: It has key=a,b. ' .git/t/err &&
		new_migration bad '-- migrate: batch table=u key=a,b
UPDATE u SET c = c + 1 WHERE :batch;' &&
		refuses 1 'migrations/bad.sql: table \"u\" has rows without a key' git migrate apply &&
		db 'DELETE FROM u WHERE b IS NULL' && apply && gives 2 'SELECT c FROM u'
	"

	# --- what stops it ----------------------------------------------------------

	test_expect_success $prereq "$engine: a row that it stumbles over, then on from there" "
		scene $engine stumble &&
		new_migration once 'CREATE TABLE no (id integer UNIQUE); INSERT INTO no VALUES (30);' && apply &&
		new_migration count '-- migrate: batch table=t key=id size=4
INSERT INTO no SELECT id FROM t WHERE :batch' &&
		test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
		grep 'The batch was rolled back, and those before it stay' .git/t/err &&
		grep '^hint: Mend the rows' .git/t/err &&
		gives '9' 'SELECT count(*) FROM no' && gives 8 \"SELECT \\\"rows\\\" FROM \$progress\" &&
		git migrate status >.git/t/status && grep 'pending  count.sql .* failed at' .git/t/status &&
		db 'DELETE FROM no WHERE id = 30' && apply &&
		gives 25 'SELECT count(*) FROM no' && record | grep ' statements=7 rows=25$'
	"

	test_expect_success $prereq "$engine: the place of a mistake is that in the file" "
		scene $engine place &&
		new_migration count '-- migrate: batch table=t key=id size=4
UPDATE t SET n = 1 WHERE :batch AND nowhere = 1' &&
		test_expect_code 1 git migrate apply 2>.git/t/err >.git/t/out &&
		grep '^error: migrations/count.sql:2:37: ' .git/t/err
	"

	test_expect_success $prereq "$engine: Ctrl-C between batches, status, diagnose, and on" "
		scene $engine stop && count 4 && pausing &&
		git migrate diagnose count >.git/t/said 2>&1 &&
		case $engine in
		sqlite) ;;
		*) grep 'another git migrate may be at work on it: process [0-9]* of the server (git-migrate), connected since ' .git/t/said ;;
		esac && interrupt &&
		grep 'stopped  count.sql  4 rows done so far' .git/t/paused &&
		grep '^hint: What the batches so far have done stays (4 rows)' .git/t/paused &&
		git migrate status >.git/t/status 2>&1 &&
		grep 'count.sql .*, 4 rows done in 1 batch, up to .*12' .git/t/status &&
		grep 'It is run in batches' .git/t/status &&
		git migrate diagnose count >.git/t/said 2>&1 &&
		grep 'in the database: 4 rows done in 1 batch' .git/t/said && ! grep 'at work' .git/t/said &&
		partly && apply && once 25
	"

	test_expect_success $prereq "$engine: abandoned, the same file goes on and a changed one is refused" "
		scene $engine abandon && count 4 && pausing && interrupt &&
		git migrate diagnose --abandon --reason 'wait for the night' count >.git/t/said 2>&1 &&
		gives 4 'SELECT sum(n) FROM t' && apply && once 25 &&
		scene $engine changed && count 4 && pausing && interrupt &&
		git migrate diagnose --abandon --reason 'it is wrong' count >.git/t/said 2>&1 &&
		git tag begun && for how in '-- migrate: batch table=t key=id size=5
UPDATE t SET n = n + 2 WHERE :batch;' 'UPDATE t SET n = n + 2;'; do
			git reset -q --hard begun && new_migration count \"\$how\" &&
			refuses 1 \"migration 'count.sql' was changed after batches of it were done\" \\
				git migrate apply &&
			grep \"^detail: .*blob \$(git rev-parse --short=12 begun:migrations/count.sql).*: 4 rows done in 1 batch, up to .*12\" .git/t/err &&
			gives 4 'SELECT sum(n) FROM t' || return 1
		done &&
		foretells 'was changed after batches of it were done' 'count.sql .*changed after batches of it were done' &&
		eval \"\$(sed -n 's/^hint: .*: \(git cat-file .*\.sql\)\. .*/\1/p' .git/t/err)\" &&
		git diff --quiet begun && git commit -q -m 'bring back' -- migrations && apply && once 25
	"

	test_expect_success $prereq "$engine: under another name a changed file minds what is done" "
		scene $engine renamed && count 4 && pausing && interrupt &&
		git migrate diagnose --abandon --reason 'it is wrong' count >.git/t/said 2>&1 &&
		git rm -q migrations/count.sql && git commit -q -m 'leave it' &&
		new_migration rest '-- migrate: batch table=t key=id size=5
UPDATE t SET n = 1 WHERE :batch AND n = 0;' && apply &&
		gives '25|1|1' 'SELECT count(*), min(n), max(n) FROM t'
	"

	test_expect_success $prereq "$engine: one of which no batch is done can be changed" "
		scene $engine unbegun && db 'UPDATE t SET n = 49 WHERE id = 3' &&
		new_migration limit 'CREATE TABLE most (n integer CHECK (n < 50));' &&
		new_migration count '-- migrate: batch table=t key=id size=2
INSERT INTO most SELECT n + 1 FROM t WHERE :batch;' &&
		test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
		grep '^hint: Mend the rows .* or change the file' .git/t/err &&
		new_migration count '-- migrate: batch table=t key=id size=2
INSERT INTO most SELECT n FROM t WHERE :batch;' && apply && gives 25 'SELECT count(*) FROM most'
	"

	test_expect_success $prereq "$engine: nobody vouches for rows that were not met" "
		scene $engine vouch && count 4 && pausing && interrupt &&
		refuses 1 \"migration 'count.sql' is run in batches, and has not come to their end\" \\
			git migrate diagnose --finished --reason 'looked' count &&
		grep '^detail: In the database: 4 rows done in 1 batch' .git/t/err &&
		apply && once 25
	"

	test_expect_success $prereq "$engine: nothing runs in the place of one that is done in part" "
		scene $engine replaced 7 && db 'UPDATE t SET n = 49 WHERE id = 15' &&
		new_migration limit 'CREATE TABLE most (n integer CHECK (n < 50));' &&
		new_migration count '-- migrate: batch table=t key=id size=2
INSERT INTO most SELECT n + 1 FROM t WHERE :batch;' &&
		test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
		gives 4 'SELECT count(*) FROM most' &&
		new_migration better 'INSERT INTO most SELECT 1 FROM t;' 'better' '' 'Supersedes: count' &&
		for how in '' --dry-run; do
			refuses 1 \"migration 'better.sql' cannot run in the place of 'count.sql', which is done in part\" \\
				git migrate apply \$how &&
			grep '^detail: .*: 4 rows done in 2 batches, up to .*12' .git/t/err || return 1
		done &&
		foretells 'cannot run in the place of .count.sql., which is done in part' \\
			'better.sql .*cannot run in the place of .count.sql.' &&
		grep 'batches of it are done, so .better.sql. cannot run in its place' .git/t/json &&
		gives 4 'SELECT count(*) FROM most' &&
		db 'UPDATE t SET n = 0 WHERE id = 15' &&
		\$(sed -n 's/^hint: .*: \(git migrate apply --at [0-9a-f]*^\)\. .*/\1/p' .git/t/err) >.git/t/out &&
		apply && gives 7 'SELECT count(*) FROM most' &&
		git migrate status --exit-code &&
		gives 1 \"SELECT count(*) FROM \$log WHERE event = 'unneeded' AND path = 'better.sql'\"
	"

	test_expect_success $prereq "$engine: one of which no batch is done can be replaced" "
		scene $engine untouched 7 && db 'UPDATE t SET n = 49 WHERE id = 3' &&
		new_migration limit 'CREATE TABLE most (n integer CHECK (n < 50));' &&
		new_migration count '-- migrate: batch table=t key=id size=2
INSERT INTO most SELECT n + 1 FROM t WHERE :batch;' &&
		test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
		new_migration better 'INSERT INTO most SELECT 1 FROM t;' 'better' '' 'Supersedes: count' &&
		git migrate status >.git/t/status 2>&1 && ! grep '^error' .git/t/status &&
		grep 'better.sql .*runs in the place of .count.sql.' .git/t/status &&
		apply && gives 7 'SELECT count(*) FROM most' &&
		gives 1 \"SELECT count(*) FROM \$log WHERE event = 'superseded' AND path = 'count.sql'\"
	"

	# --- others at work ---------------------------------------------------------

	test_expect_success $prereq "$engine: what others write meanwhile, and that they can" "
		scene $engine writer && count 4 && pausing &&
		db 'UPDATE t SET n = n WHERE id = 3' && db 'INSERT INTO t (id) VALUES (13), (1000)' &&
		db 'DELETE FROM t WHERE id = 30' && db 'INSERT INTO t (id, n) VALUES (1, 1)' &&
		interrupt && apply &&
		gives '27|1|1' 'SELECT count(*), min(n), max(n) FROM t' &&
		record | grep ' rows=26$'
	"

	test_expect_success $prereq "$engine: two runners, one of which goes on" "
		scene $engine two 400 && count 2 &&
		for i in 1 2 3; do
			git migrate apply --wait >.git/t/run\$i 2>&1 &
			eval \"pid\$i=\\\$!\"
		done &&
		wait \$pid1 && wait \$pid2 && wait \$pid3 && once 400
	"

	test_expect_success $prereq "$engine: another runner goes on while one sleeps" "
		scene $engine sleeps && count 4 && pausing && apply && once 25 &&
		kill -INT \$run_pid && wait \$run_pid || test \$? = 130 && once 25 &&
		run_pid='' tool_pid=''
	"

	# --- killed -----------------------------------------------------------------

	# by seeds, so that a failure can be repeated
	test_expect_success $not_traced "$engine: killed hundreds of times at random" "
		scene $engine killed 1500 && count 3 && kills=0 &&
		awk 'BEGIN { srand(7); for (i = 0; i < 4000; i++) print 1 + int(rand() * 60) }' >.git/t/calls &&
		while read -r call; do
			with_shim GM_SHIM_KILL=\$call git-migrate apply >.git/t/out 2>.git/t/err && break
			test \$? = 137 || return 1
			kills=\$((kills + 1))
			test $engine = sqlite || left_alone \"\$url\"
			test \$((kills % 20)) != 0 || partly || return 1
		done <.git/t/calls &&
		echo \"\$kills kills\" && test \$kills -gt 100 && apply && once 1500
	"

	test_expect_success $with_faults "$engine: killed at each step of a batch" "
		for point in started ranged locked recorded committed; do
			for time in 1 2 7; do
				test \$point.\$time != started.2 && test \$point.\$time != started.7 || continue
				scene $engine fault_\$point\$time && count 4 || return 1
				test_expect_code 137 env GIT_MIGRATE_FAULT=\$point:\$time \
					git-migrate apply >.git/t/out 2>&1 || return 1
				test $engine = sqlite || left_alone \"\$url\"
				partly && apply && once 25 || {
					echo \"killed at \$point, time \$time\"
					return 1
				}
			done
		done
	"
done

# --- of one engine ----------------------------------------------------------------

test_expect_success 'sqlite: foreign keys are enforced' '
	scene sqlite fk && new_migration u "CREATE TABLE u (id integer PRIMARY KEY REFERENCES t);" &&
	apply &&
	new_migration bad "-- migrate: batch table=t key=id size=4
INSERT INTO u SELECT id + 1 FROM t WHERE :batch" &&
	test_expect_code 1 git migrate apply 2>.git/t/err >.git/t/out &&
	grep "FOREIGN KEY constraint failed" .git/t/err && gives 0 "SELECT count(*) FROM u" &&
	new_migration bad "-- migrate: batch table=t key=id size=4
INSERT INTO u SELECT id FROM t WHERE :batch" && apply && gives 25 "SELECT count(*) FROM u"
'

test_expect_success 'sqlite: keys of any type, a NUL in one' '
	scene sqlite types && new_migration v "CREATE TABLE v (k PRIMARY KEY, n integer DEFAULT 0);
INSERT INTO v (k) VALUES (1), (-2), (0.1), (1e300), (x'"''"'), (x'"'00ff'"'), ('"'1'"'), ('"''"'), ('"'x'"');" &&
	apply && new_migration count "-- migrate: batch table=v key=k size=1
UPDATE v SET n = n + 1 WHERE :batch" && apply && grep "9 rows in 9 batches" .git/t/out &&
	gives "9|1|1" "SELECT count(*), min(n), max(n) FROM v" &&
	db "INSERT INTO v (k) VALUES (CAST(x'"'610062'"' AS text))" &&
	new_migration again "-- migrate: batch table=v key=k size=1
UPDATE v SET n = n + 1 WHERE :batch" &&
	test_expect_code 1 git migrate apply 2>.git/t/err >.git/t/out &&
	grep "^error: .*a key that holds a NUL byte" .git/t/err
'

test_expect_success 'sqlite: a last key that was changed is not run' '
	scene sqlite tampered && count 4 && pausing && interrupt &&
	db "UPDATE git_migrate_progress SET upto = '"'12); DROP TABLE t; --'"'" &&
	test_expect_code 1 git migrate apply 2>.git/t/err >.git/t/out &&
	grep "^error: .*the progress of migration .count.sql. was changed" .git/t/err &&
	db "UPDATE git_migrate_progress SET upto = 12" && apply && once 25
'

test_expect_success PG 'postgresql: a batch that is slow is made smaller' '
	scene postgresql slow 32 && git config migrate.default.batchSlow 1 &&
	new_migration count "-- migrate: batch table=t key=id size=16
WITH s AS MATERIALIZED (SELECT pg_sleep(0.01)) UPDATE t SET n = n + 1 FROM s WHERE t.:batch" &&
	apply && once 32 && test "$(db "SELECT batches FROM git_migrate.progress")" -gt 4 &&
	test "$(grep -c "waits between batches: the server is slow (migrate.default.batchSlow)$" .git/t/err)" = 1
'

test_expect_success PG 'postgresql: a row that somebody holds is waited for' '
	scene postgresql held && count 4 && git config migrate.default.lockRetry 1 &&
	mkfifo .git/t/fifo && { psql -XAtq -d "$url" <.git/t/fifo >.git/t/held 2>&1 & } &&
	exec 9>.git/t/fifo && echo "BEGIN; UPDATE t SET n = n WHERE id = 30; SELECT 1;" >&9 &&
	tool_pid=$$ && until_true test -s .git/t/held && tool_pid="" &&
	test_expect_code 1 git migrate apply 2>.git/t/err >.git/t/out &&
	grep "The batch was rolled back" .git/t/err && partly && gives 8 "SELECT sum(n) FROM t" &&
	echo "ROLLBACK;" >&9 && exec 9>&- && apply && once 25
'

test_expect_success PG 'postgresql: types whose order is not the server'"'"'s own are refused' '
	scene postgresql type && new_migration y "CREATE TYPE pair AS (a integer, b integer);
CREATE TYPE mood AS ENUM ('"'sad', 'ok'"');
CREATE TABLE y (p pair PRIMARY KEY, m mood UNIQUE NOT NULL, n integer DEFAULT 0);
INSERT INTO y VALUES ((1, 2), '"'ok'), ((2, 3), 'sad'"');" && apply &&
	new_migration bad "-- migrate: batch table=y key=p
UPDATE y SET n = n + 1 WHERE :batch" &&
	test_expect_code 1 git migrate apply 2>.git/t/err >.git/t/out &&
	grep "^hint: It has .*key=m" .git/t/err &&
	new_migration bad "-- migrate: batch table=y key=m size=1
UPDATE y SET n = n + 1 WHERE :batch" && apply && gives 2 "SELECT sum(n) FROM y"
'

# behind: a replica has that much to replay, in bytes
behind() {
	pg "$url" "SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0) > $1
		FROM pg_stat_replication"
}

is_behind() {
	test "$(behind "$1")" = t
}

catches_up() {
	test "$(behind 0)" = f
}

has_started() {
	test "$(db "SELECT count(*) FROM git_migrate.log WHERE event = '"'started'"'")" = 1
}

test_expect_success PG 'postgresql: a replica that is behind is waited for' '
	scene postgresql replica 25 && count 4 && git config migrate.default.batchLag 1 &&
	standby=$("$top_srcdir/t/pg-server.sh" standby "$pg_dir") &&
	tool_pid=$$ && until_true catches_up &&
	pg "$standby" "SELECT pg_wal_replay_pause()" &&
	db "CREATE TABLE filler AS SELECT repeat(md5(i::text), 20) AS f FROM generate_series(1, 5000) AS i" &&
	until_true is_behind 1048576 &&
	{ git migrate apply >.git/t/out 2>&1 & } && run_pid=$! && until_true has_started &&
	until_true grep "^.count.sql. waits between batches: replica .* is .* MiB behind (migrate.default.batchLag)$" .git/t/out &&
	gives 0 "SELECT sum(n) FROM t" && kill -0 $run_pid &&
	pg "$standby" "SELECT pg_wal_replay_resume()" && wait $run_pid && once 25 &&
	test 1 = "$(grep -c "waits between batches" .git/t/out)" && run_pid="" &&
	scene postgresql replica_off 25 && count 4 && git config migrate.default.batchLag 0 &&
	pg "$standby" "SELECT pg_wal_replay_pause()" &&
	db "CREATE TABLE filler AS SELECT repeat(md5(i::text), 20) AS f FROM generate_series(1, 5000) AS i" &&
	until_true is_behind 1048576 && tool_pid="" && apply && once 25 &&
	! grep "waits between batches" .git/t/out .git/t/err
'

test_done
