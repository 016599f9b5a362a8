#!/bin/sh

test_description='--json: what every command prints is what its schema describes'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
if ! python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
	skip_all='no python3 with jsonschema 4 or later'
	test_done
fi
start_pg optional
schemas=$top_srcdir/man/schemas

# describes COMMAND FILE: the schema of the command describes what the file holds.
describes() {
	python3 "$top_srcdir/t/validate-json.py" "$schemas/$1.json" "$2"
}

# fits STATUS COMMAND ARGUMENT...: exits so; what it prints with --json is as described.
fits() {
	fits_status=$1 fits_command=$2 &&
	shift 2 &&
	test_expect_code "$fits_status" git migrate "$fits_command" --json "$@" \
		>.git/t/json 2>.git/t/err &&
	test -s .git/t/json && describes "$fits_command" .git/t/json
}

# holds TEXT...: each is in what was printed last, blanks made one.
holds() {
	tr -s " \n" " " <.git/t/json >.git/t/flat || return 1
	for holds_text; do
		grep -qF "$holds_text" .git/t/flat || {
			echo "not there: $holds_text"
			return 1
		}
	done
}

test_expect_success 'there is one for each command with --json, and for no other' '
	fresh commands &&
	for command in $(sed -n "s/^\.It Cm \([a-z]*\) .*Fl -json.*/\1/p" "$top_srcdir/man/git-migrate.1" | sort -u); do
		echo "$command.json"
	done >.git/t/expect &&
	ls "$schemas" >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	while read -r schema; do
		git migrate "${schema%.json}" -h >.git/t/out 2>&1
		grep -e "--json" .git/t/out >.git/t/line || return 1
	done <.git/t/actual
'

test_expect_success 'a key that is not described is found, one that is missing, and another type' '
	git config migrate.default.url sqlite:app.db &&
	fits 0 target list && cp .git/t/json .git/t/good &&
	sed "s/\"name\"/\"more\": 1, &/" .git/t/good >.git/t/json &&
	test_expect_code 1 describes target .git/t/json >.git/t/out && grep more .git/t/out &&
	sed "s/\"url\": \"[^\"]*\"/\"url\": 7/" .git/t/good >.git/t/json &&
	test_expect_code 1 describes target .git/t/json >.git/t/out && grep url .git/t/out &&
	sed -e "s/,$//" -e /url/d .git/t/good >.git/t/json &&
	test_expect_code 1 describes target .git/t/json >.git/t/out && grep url .git/t/out
'

test_expect_success 'no database yet, and an empty plan' '
	commit_file text text &&
	fits 0 status && fits 0 plan && holds "\"migrations\": []" && fits 0 schema && holds "\"engine\": null" &&
	fits 0 audit && holds "\"id\": \"tracker\"" && fits 0 log && fits 0 report && holds "\"targets\": []" &&
	fits 0 apply && fits 0 check HEAD..HEAD && holds "[]"
'

test_expect_success 'a rehearsal that fails, and one that passes' '
	fresh rehearsal && git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x int);" && commit_file compat/a.sql "INSERT INTO a (x) VALUES (1);" && fits 0 apply &&
	new_migration b "ALTER TABLE a ADD y int CHECK (y > 0);" &&
	new_migration c "ALTER TABLE a ADD z int;" "mend b" "" "Fixes: b.sql" "Failure-Mode: none" &&
	commit_file migrations/c.scenario "[seed]
INSERT INTO a VALUES (1);
[failure]
INSERT INTO a (x, z) VALUES (2, 2);
[check]
SELECT 1
----
2
[kept]
a.x may change: it may" &&
	fits 1 rehearse c && holds "\"result\": \"failed\"" "\"failed_step\": \"check\"" "\"said\": \"table a has no column" &&
	sed "s/^2\$/1/" migrations/c.scenario >.git/t/text && commit_file migrations/c.scenario "$(cat .git/t/text)" &&
	fits 0 rehearse c && holds "\"failed_step\": null" "\"files\": [ \"a.sql\" ]" "\"allowed\": [ {" &&
	fits 0 rehearse -n c && holds "\"note\": null"
'

test_expect_success 'batches, tried and run' '
	fresh batches && git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (id INTEGER PRIMARY KEY, x int); INSERT INTO a (x) VALUES (1), (2);" && fits 0 apply &&
	new_migration many "-- migrate: batch table=a key=id size=1
UPDATE a SET x = 1 WHERE :batch;" && fits 0 apply -n && holds "\"statements\": 2" "\"rows\": 1" &&
	fits 0 apply && holds "\"statements\": 2" "\"rows\": 2"
'

# A failure mended in place, a fault with its fix, files that are not committed.
test_expect_success 'a story, step by step' '
	fresh story &&
	git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);" && fits 0 status && holds "\"state\": \"pending\"" &&
	fits 0 apply -n && holds "\"result\": \"would-apply\"" && fits 0 apply && holds "\"result\": \"applied\"" "\"hash\": \"" &&
	fits 0 apply && holds "\"migrations\": []" &&
	new_migration b "SELECT nothing;" && fits 1 apply && holds "\"result\": \"failed\"" "\"error\": \"" &&
	fits 0 diagnose b.sql && holds "\"state\": \"failed\"" && fits 0 report && holds "\"kind\": \"failed\"" "\"seconds\": -1" &&
	echo "CREATE TABLE b (x);" >migrations/b.sql && echo "CREATE TABLE z (x);" >migrations/z.sql &&
	fits 0 status && holds "\"state\": \"new\"" "\"state\": \"changed\"" &&
	rm migrations/z.sql && git commit -q -a --amend --no-edit && fits 0 apply &&
	new_migration c "CREATE TABLE c (x);" "mend a" "" "Fixes: a.sql" "Failure-Mode: wrong" &&
	tag=$(git tag -a -m v1 v1 && echo v1) && fits 0 at "$tag" && fits 0 at now && holds "\"mended_at\": null" "\"failure_mode\": \"wrong\"" &&
	fits 0 apply && fits 0 at now && holds "\"faults\": []" &&
	fits 0 status && holds "\"seq\": " && fits 0 plan && holds "\"key\": \"Failure-Mode\"" &&
	fits 0 log && holds "\"sqlstate\": " && fits 0 log --failed && fits 0 show c && holds "\"fixes\": [ \"a.sql\" ]" &&
	proof="rehearsed path=c.sql blob=$(git rev-parse HEAD:migrations/c.sql) result=passed" &&
	git notes --ref refs/notes/migrate-proof/rehearsals add -m "$proof" && fits 0 show c && holds "\"line\": \"$proof\"" &&
	fits 0 show a && holds "\"proofs\": []" "\"fixed_by\": [ \"c.sql\" ]" && fits 0 report && holds "\"kind\": \"fault\"" &&
	fits 0 audit && holds "\"sound\": true" && fits 0 audit --offline && fits 0 schema && holds "\"kind\": \"table\"" &&
	fits 0 diagnose c.sql && holds "\"state\": \"applied\"" && fits 0 target list
'

test_expect_success 'what is refused: an edited file, a late one, a record taken out' '
	git config core.hooksPath .git/none && fits 0 check HEAD~1..HEAD && base=$(git rev-parse HEAD) &&
	commit_file migrations/a.sql "CREATE TABLE other (x);" &&
	fits 1 status --exit-code && holds "\"state\": \"edited\"" "\"problems\": [ {" && fits 1 check HEAD~1..HEAD && holds "\"rule\": \"edited\"" &&
	fits 1 apply && holds "\"error\": \"" && fits 1 audit && holds "\"id\": \"plan-edited\"" "\"sound\": false" &&
	git reset -q --hard "$base" && git checkout -q -b side HEAD~1 && new_migration s "CREATE TABLE s (x);" &&
	git checkout -q main && fits 0 check --merge side && fits 0 plan --merge side && holds "\"arriving\": true" "\"merge\": \"" &&
	git checkout -q side && git merge -q -m "a foxtrot" main && git branch -f main HEAD && git checkout -q main &&
	fits 1 status --exit-code && holds "\"state\": \"late\"" && git reset -q --hard "$base" &&
	git checkout -q --detach HEAD~2 && fits 0 status && holds "\"ahead\": true" "\"later\": [ {" && git checkout -q main &&
	git rm -q migrations/c.sql && git commit -q -m "gone" && fits 1 status --exit-code && holds "\"missing\": [ {" && fits 1 audit && holds "\"id\": \"plan-missing\"" &&
	git reset -q --hard "$base"
'

test_expect_success 'what waits for another target, and for a rehearsal' '
	git config migrate.default.after staging && git config migrate.default.requireRehearsal all &&
	new_migration w "CREATE TABLE w (x);" && new_migration v "CREATE TABLE v (x);" &&
	fits 0 status && holds "\"targets\": [ \"staging\" ], \"rehearsal\": true, \"behind\": null" "\"rule\": \"after\"" &&
	fits 1 apply && holds "\"result\": \"waiting\"" "\"behind\": \"w.sql\"" &&
	git config --unset migrate.default.after && git config --unset migrate.default.requireRehearsal &&
	fits 0 status && ! holds "\"waits\": " >.git/t/none && git reset -q --hard "$base"
'

test_expect_success 'restored, and mirrored to a server or not' '
	git init -q --bare ../hub.git && git remote add origin ../hub.git && git push -q origin main &&
	cp .git/app.db .git/kept.db && new_migration d "CREATE TABLE d (x);" && fits 0 apply --push && holds "\"pushed\": true" &&
	cp .git/kept.db .git/app.db && fits 1 audit && holds "\"id\": \"tracker-lacks\"" &&
	git migrate target restored default --reason "the disk failed" >.git/t/out 2>&1 &&
	fits 0 audit && fits 0 report && holds "\"event\": \"restored\"" "\"reason\": \"the disk failed\"" && fits 0 log &&
	git remote set-url origin ../nowhere.git && fits 0 apply --push && holds "\"pushed\": false"
'

test_expect_success 'a drill, those that there are, and those that there were' '
	fresh drills && git commit -q --allow-empty -m "the application" &&
	fits 0 drill list && holds "\"newest\": null" && fits 0 drill log && holds "[]" &&
	fits 0 drill required-column --dir="$PWD/there" && holds "\"passed\": false" "\"area\": \"old\", \"ok\": false" &&
	fits 0 drill status && fits 1 drill check && holds "\"area\": \"plan\", \"ok\": false" &&
	git migrate drill abandon >.git/t/out && fits 0 drill log && holds "\"result\": \"abandoned\"" &&
	fits 0 drill list && holds "\"newest\": { \"incident\": \"required-column\"" &&
	test_expect_code 129 git migrate drill hint --json
'

test_expect_success PG 'PostgreSQL: locks, schemas, and a build that failed' '
	fresh pg && git config migrate.default.url "$PG_URL" &&
	new_migration a "CREATE TABLE a (x int); INSERT INTO a VALUES (1), (1);" && fits 0 apply &&
	new_migration b "ALTER TABLE a ADD y int NOT NULL DEFAULT 1;" && fits 0 apply -n && holds "\"lock\": \"AccessExclusiveLock\"" &&
	fits 0 apply && new_migration c "-- migrate: no-transaction
CREATE UNIQUE INDEX CONCURRENTLY c ON a (x);" && fits 1 apply && holds "\"result\": \"failed\"" &&
	fits 0 diagnose c.sql && holds "\"sqlstate\": \"23505\"" && fits 0 schema && holds "\"engine\": \"postgresql/" &&
	fits 0 status && fits 0 audit && fits 0 log && fits 0 report
'

test_done
