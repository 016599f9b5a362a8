#!/bin/sh

test_description='apply, status and audit on SQLite: what runs, what is refused'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

# fresh NAME: a repository with the target app.db; the current directory from then on.
fresh() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo "$1" &&
	cd "$1" &&
	git config migrate.default.url sqlite:app.db &&
	mkdir .git/t
}

# two_applied NAME: the same with two migrations that have run.
two_applied() {
	fresh "$1" &&
	new_migration create-users 'CREATE TABLE users (id INTEGER PRIMARY KEY);' &&
	new_migration add-phone 'ALTER TABLE users ADD COLUMN phone TEXT;' &&
	git migrate apply >.git/t/first 2>&1
}

# state: all that a refusal must leave as it was.
state() {
	for state_db in *.db; do
		test ! -s "$state_db" || test "$(head -c 6 "$state_db")" != SQLite || {
			echo "$state_db" &&
			sqlite "$state_db" .dump
		}
	done
	git for-each-ref
	git status --porcelain --untracked-files=all
	cat .git/config
}

# mask: what differs from run to run.
mask() {
	sed -e 's/[0-9a-f]\{8\}-[0-9a-f]\{4\}-[0-9a-f-]*/UUID/g' \
		-e 's/[0-9a-f]\{64\}/HASH/g' -e 's/[0-9a-f]\{40\}/ID/g' \
		-e 's/[0-9a-f]\{32\}/RUN/g' \
		-e 's/20[0-9][0-9]-[0-9-]*T[0-9:.]*Z/TIME/g' \
		-e 's/"ms": [0-9]*/"ms": MS/' -e 's/ ms=[0-9]*/ ms=MS/' \
		-e 's/[0-9][0-9]* ms$/MS ms/' \
		-e 's|sqlite/[0-9.]*|sqlite/VERSION|' -e 's|git-migrate/[0-9.]*|git-migrate/VERSION|' \
		-e 's/^\(applied\|would-apply\) \([0-9]*\) \([0-9]*\) [0-9]* /\1 \2 \3 MS /'
}

# events [DB]: event and path of each record, but for what ends a run.
events() {
	sqlite "${1:-app.db}" "SELECT event, path FROM git_migrate_log WHERE event <> 'ran' ORDER BY seq"
}

# at_once COMMAND COMMAND: both at the same time; whether both succeeded.
at_once() {
	sh -c "$1" &
	at_once_one=$!
	sh -c "$2" &
	at_once_two=$!
	at_once_status=0
	wait $at_once_one || at_once_status=$?
	wait $at_once_two || at_once_status=$?
	return $at_once_status
}

# --- what only looks ----------------------------------------------------------

test_expect_success 'status, plan, log, show, audit and target show create nothing' '
	fresh look &&
	new_migration create-users "CREATE TABLE users (id INTEGER PRIMARY KEY);" &&
	state >.git/t/before &&
	git migrate status >.git/t/out 2>.git/t/err &&
	cat >.git/t/expect <<-END &&
	target default (sqlite:app.db), commit $(git rev-parse HEAD | cut -c1-8)
	1 migration: 0 applied, 1 pending

	  pending  create-users.sql  $(git rev-parse HEAD | cut -c1-8)  add create-users
	END
	test_cmp .git/t/expect .git/t/out &&
	echo "hint: \"git migrate apply\" runs what is pending." >.git/t/expect &&
	test_cmp .git/t/expect .git/t/err &&
	git migrate plan >.git/t/out &&
	git migrate log >.git/t/out &&
	git migrate show create-users >.git/t/out &&
	git migrate audit >.git/t/out &&
	git migrate target show default >.git/t/out &&
	test ! -e app.db &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'status --exit-code' '
	test_expect_code 1 git migrate status --exit-code >.git/t/out 2>&1 &&
	git migrate apply >.git/t/out 2>&1 &&
	git migrate status --exit-code
'

test_expect_success 'status names what is not committed' '
	echo "SELECT 1;" >migrations/later.sql &&
	git migrate status >.git/t/out 2>.git/t/err &&
	grep -A1 "^not committed, so it does not run:" .git/t/out >.git/t/actual &&
	printf "%s\n" "not committed, so it does not run:" "  new      migrations/later.sql" \
		>.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	grep "^hint: Commit the file" .git/t/err &&
	rm migrations/later.sql
'

test_expect_success 'a dry run leaves no trace, not even a file' '
	fresh dry &&
	new_migration a "CREATE TABLE a (x);" &&
	new_migration b "INSERT INTO a VALUES (1);" &&
	state >.git/t/before &&
	git migrate apply --dry-run --porcelain >.git/t/out &&
	mask <.git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	planned default 2
	would-apply 0 1 MS a.sql
	would-apply 0 1 MS b.sql
	head default 0 -
	END
	test_cmp .git/t/expect .git/t/actual &&
	test ! -e app.db &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'a dry run on a database that is there changes nothing' '
	git migrate apply --to a >.git/t/out 2>&1 &&
	state >.git/t/before &&
	git migrate apply -n >.git/t/out &&
	mask <.git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	target default (sqlite:app.db): 1 migration to try
	  would apply  b.sql  1 statement, MS ms
	dry run: everything was rolled back
	END
	test_cmp .git/t/expect .git/t/actual &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'a dry run that fails says so and changes nothing' '
	new_migration c "INSERT INTO nowhere VALUES (1);" &&
	state >.git/t/before &&
	test_expect_code 1 git migrate apply -n >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: migrations/c.sql:1:1: no such table: nowhere" &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

# --- what runs ----------------------------------------------------------------

test_expect_success 'the first apply makes database and tracker' '
	fresh first &&
	new_migration create-users "CREATE TABLE users (id INTEGER PRIMARY KEY);" &&
	new_migration add-phone "ALTER TABLE users ADD COLUMN phone TEXT;" &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	mask <.git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	target default (sqlite:app.db): 2 migrations to run
	  applied  create-users.sql  1 statement, MS ms
	  applied  add-phone.sql  1 statement, MS ms
	mirror: 4 records added to refs/notes/migrate/default
	head: record 4 HASH
	END
	test_cmp .git/t/expect .git/t/actual &&
	echo "hint: \"git migrate log\" shows what ran; \"git migrate audit\" proves it." \
		>.git/t/expect &&
	test_cmp .git/t/expect .git/t/err &&
	sqlite app.db "SELECT sql FROM sqlite_schema WHERE name = '\''users'\''" >.git/t/actual &&
	echo "CREATE TABLE users (id INTEGER PRIMARY KEY, phone TEXT)" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'the records say what ran, from where, and link to each other' '
	users=$(git rev-parse HEAD:migrations/create-users.sql) &&
	tracker_rows | sed -n 2p >.git/t/record &&
	sed -e "s/ run=.*//" -e "s/ at=[^ ]* / at=TIME /" .git/t/record >.git/t/actual &&
	printf "%s" "0000000002" \
		" prev=$(tracker_rows | sed -n 1p | sha256sum | cut -d" " -f1)" \
		" v=1 event=applied path=create-users.sql blob=$users" \
		" sha256=$(git cat-file blob $users | sha256sum | cut -d" " -f1)" \
		" commit=$(git rev-parse HEAD^) head=$(git rev-parse HEAD)" \
		" at=TIME by=C%20O%20Mitter%20<committer@example.com>" >.git/t/expect &&
	echo >>.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	sqlite app.db "SELECT hash FROM git_migrate_log ORDER BY seq" >.git/t/actual &&
	tracker_rows | while read -r line; do
		echo "$line" | sha256sum | cut -d" " -f1
	done >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git migrate audit >.git/t/out &&
	sed "s/head: .*/head: HASH/" .git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	target default
	  ok       chain           4 records, each linked to the one before it; columns agree
	  ok       plan            2 applied migrations, path and content as in the plan
	  ok       order           2 settled in the order of the plan, or excepted
	  ok       commits         2 commits that records name are in the history of this plan
	  ok       fixes           0 fixes, as in the plan
	  ok       unfixed         nothing that a later migration fixes is in force without it
	  ok       exceptions      0 exceptions on record, each with its reason; 0 waivers in the plan
	  ok       seen            goes on from record 4, the last that this clone has seen
	  ok       mirror-history  1 commit of the mirror, none of which took a line out
	  ok       mirror          4 records, byte for byte as in the tracker
	  ok       schema          the database is made of the same as when record 4 was written
	head: HASH
	END
	test_cmp .git/t/expect .git/t/actual
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

test_expect_success 'what runs is the commit, not the work tree' '
	fresh blob &&
	new_migration a "CREATE TABLE committed (x);" &&
	echo "CREATE TABLE dirty (x);" >migrations/a.sql &&
	echo "CREATE TABLE staged (x);" >migrations/b.sql &&
	git add migrations/b.sql &&
	git migrate apply >.git/t/out 2>&1 &&
	sqlite app.db "SELECT name FROM sqlite_schema WHERE name NOT LIKE '\''%migrate%'\''" \
		>.git/t/actual &&
	echo committed >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a checkout with CRLF is no edit' '
	fresh crlf &&
	new_migration a "CREATE TABLE a (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	git config core.autocrlf true &&
	rm migrations/a.sql &&
	git checkout -q -- migrations/a.sql &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	echo "target default is up to date: 1 migration applied" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out &&
	git migrate status >.git/t/out &&
	! grep "not committed" .git/t/out
'

test_expect_success '--porcelain' '
	fresh porcelain &&
	new_migration a "CREATE TABLE a (x); INSERT INTO a VALUES (1);" &&
	new_migration b "CREATE TABLE b (x);" &&
	git migrate status --porcelain >.git/t/out 2>.git/t/err &&
	mask <.git/t/out >.git/t/actual &&
	printf "%s\n" "pending ID ID a.sql" "pending ID ID b.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	test_must_be_empty .git/t/err &&
	git migrate apply --porcelain >.git/t/out 2>.git/t/err &&
	mask <.git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	planned default 2
	applied 2 2 MS a.sql
	applied 3 1 MS b.sql
	mirrored 4
	head default 4 HASH
	END
	test_cmp .git/t/expect .git/t/actual &&
	test_must_be_empty .git/t/err &&
	git migrate apply --porcelain >.git/t/out 2>.git/t/err &&
	mask <.git/t/out >.git/t/actual &&
	printf "%s\n" "planned default 0" "head default 4 HASH" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	test_must_be_empty .git/t/err &&
	git migrate status --porcelain >.git/t/out &&
	mask <.git/t/out >.git/t/actual &&
	printf "%s\n" "applied ID ID a.sql" "applied ID ID b.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git migrate audit --porcelain >.git/t/out &&
	cat >.git/t/expect <<-\END &&
	default ok chain 4 4 records, each linked to the one before it; columns agree
	default ok plan 0 2 applied migrations, path and content as in the plan
	default ok order 0 2 settled in the order of the plan, or excepted
	default ok commits 0 2 commits that records name are in the history of this plan
	default ok fixes 0 0 fixes, as in the plan
	default ok unfixed 0 nothing that a later migration fixes is in force without it
	default ok exceptions 0 0 exceptions on record, each with its reason; 0 waivers in the plan
	default ok seen 4 goes on from record 4, the last that this clone has seen
	default ok mirror-history 0 1 commit of the mirror, none of which took a line out
	default ok mirror 0 4 records, byte for byte as in the tracker
	default ok schema 4 the database is made of the same as when record 4 was written
	END
	test_cmp .git/t/expect .git/t/out &&
	git migrate target list --porcelain >.git/t/out &&
	echo "default sqlite:app.db" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out
'

test_expect_success '--json' '
	fresh json &&
	new_migration a "CREATE TABLE a (x);" &&
	git migrate apply --json >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	mask <.git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	[
	  {
	    "target": "default",
	    "url": "sqlite:app.db",
	    "uuid": "UUID",
	    "dry_run": false,
	    "ahead": false,
	    "migrations": [
	      {
	        "path": "a.sql",
	        "result": "applied",
	        "statements": 1,
	        "ms": MS,
	        "durations": [
	          {
	            "line": 1,
	            "ms": MS
	          }
	        ],
	        "seq": 2,
	        "record": "0000000002 prev=HASH v=1 event=applied path=a.sql blob=ID sha256=HASH commit=ID head=ID at=TIME by=C%20O%20Mitter%20<committer@example.com> run=RUN engine=sqlite/VERSION target=UUID tool=git-migrate/VERSION statements=1 ms=MS"
	      }
	    ],
	    "left": 0,
	    "seq": 3,
	    "hash": "HASH",
	    "error": null
	  }
	]
	END
	test_cmp .git/t/expect .git/t/actual &&
	git migrate status --json >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	mask <.git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	[
	  {
	    "target": "default",
	    "url": "sqlite:app.db",
	    "uuid": "UUID",
	    "commit": "ID",
	    "applied": 1,
	    "pending": 0,
	    "waiting": 0,
	    "ahead": false,
	    "migrations": [
	      {
	        "path": "a.sql",
	        "state": "applied",
	        "blob": "ID",
	        "commit": "ID",
	        "seq": 2,
	        "at": "TIME",
	        "by": "C O Mitter <committer@example.com>"
	      }
	    ],
	    "missing": [],
	    "unfixed": [],
	    "uncommitted": [],
	    "problems": []
	  }
	]
	END
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success '--json of a failure is whole JSON and tells the error' '
	new_migration bad "SELECT missing;" &&
	test_expect_code 1 git migrate apply --json >.git/t/out 2>.git/t/err &&
	mask <.git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	[
	  {
	    "target": "default",
	    "url": "sqlite:app.db",
	    "uuid": "UUID",
	    "dry_run": false,
	    "ahead": false,
	    "migrations": [
	      {
	        "path": "bad.sql",
	        "result": "failed",
	        "statements": 0,
	        "ms": MS,
	        "durations": []
	      }
	    ],
	    "left": 0,
	    "seq": 4,
	    "hash": "HASH",
	    "error": "migrations/bad.sql:1:8: no such column: missing"
	  }
	]
	END
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success '--to stops there, a later run goes on' '
	fresh to &&
	new_migration a "CREATE TABLE a (x);" &&
	new_migration b "CREATE TABLE b (x);" &&
	new_migration c "CREATE TABLE c (x);" &&
	git migrate apply --to migrations/b.sql >.git/t/out 2>&1 &&
	grep "^1 more pending" .git/t/out &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|a.sql" "applied|b.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	refuses 129 "'\''nowhere'\'' names no migration of the plan" git migrate apply --to nowhere &&
	git migrate apply >.git/t/out 2>&1 &&
	echo "applied|c.sql" >>.git/t/expect &&
	events >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a subfolder is a good place to stand' '
	fresh sub &&
	new_migration a "CREATE TABLE a (x);" &&
	mkdir -p deep/down &&
	(cd deep/down && git migrate apply >../../.git/t/out 2>&1 && test ! -e app.db) &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|a.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a linked worktree is a good place to stand' '
	git worktree add -q ../sub-linked &&
	(cd ../sub-linked && git config migrate.default.url "sqlite:$SHARNESS_TRASH_DIRECTORY/sub/app.db" &&
		git migrate apply >out 2>&1 &&
		echo "target default is up to date: 1 migration applied" >expect &&
		test_cmp expect out)
'

test_expect_success 'two targets' '
	fresh targets &&
	git migrate target add other sqlite:other.db >.git/t/out &&
	new_migration a "CREATE TABLE a (x);" &&
	git migrate apply default other >.git/t/out 2>&1 &&
	printf "%s\n" "created|" "applied|a.sql" >.git/t/expect &&
	events app.db >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	events other.db >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	sqlite app.db "SELECT hash FROM git_migrate_log" >.git/t/one &&
	sqlite other.db "SELECT hash FROM git_migrate_log" >.git/t/two &&
	test_must_fail cmp -s .git/t/one .git/t/two &&
	git for-each-ref --format="%(refname)" refs/notes >.git/t/actual &&
	printf "%s\n" refs/notes/migrate/default refs/notes/migrate/other >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	new_migration b "CREATE TABLE b (x);" &&
	git migrate apply other >.git/t/out 2>&1 &&
	git migrate status --porcelain >.git/t/out &&
	sed "s/ .* / /" .git/t/out >.git/t/actual &&
	printf "%s\n" "applied a.sql" "pending b.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a first target that fails keeps the second from running' '
	sqlite app.db "CREATE TABLE b (already INTEGER)" &&
	new_migration c "CREATE TABLE c (x);" &&
	events other.db >.git/t/expect &&
	test_expect_code 1 git migrate apply default other >.git/t/out 2>&1 &&
	events other.db >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

for round in 1 2 3 4 5; do
	test_expect_success "two runners at once apply each migration once ($round)" '
		fresh race$round &&
		for i in 1 2 3 4 5 6 7 8; do
			new_migration "m$i" "CREATE TABLE t$i (x);" || return 1
		done &&
		at_once "git migrate apply >.git/t/one 2>&1" "git migrate apply >.git/t/two 2>&1" &&
		events >.git/t/actual &&
		{
			echo "created|" &&
			for i in 1 2 3 4 5 6 7 8; do
				echo "applied|m$i.sql"
			done
		} >.git/t/expect &&
		test_cmp .git/t/expect .git/t/actual &&
		git migrate audit >.git/t/out
	'
done

# --- what fails ---------------------------------------------------------------

test_expect_success 'a failing migration is rolled back, the ones before it stay' '
	fresh fail &&
	new_migration good "CREATE TABLE good (x);" &&
	new_migration bad "CREATE TABLE half (x);
INSERT INTO good VALUES (1);
INSERT INTO nowhere VALUES (1);" &&
	new_migration after "CREATE TABLE after (x);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	mask <.git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	target default (sqlite:app.db): 3 migrations to run
	  applied  good.sql  1 statement, MS ms
	  failed   bad.sql
	mirror: 4 records added to refs/notes/migrate/default
	END
	test_cmp .git/t/expect .git/t/actual &&
	has_line .git/t/err "error: migrations/bad.sql:3:1: no such table: nowhere" &&
	grep "It was rolled back; the migrations before it stay applied." .git/t/err &&
	grep "^hint: Where it has not been pushed, correct it" .git/t/err &&
	sqlite app.db "SELECT name FROM sqlite_schema WHERE name IN ('\''half'\'', '\''after'\'')" \
		>.git/t/actual &&
	test_must_be_empty .git/t/actual &&
	sqlite app.db "SELECT count(*) FROM good" >.git/t/actual &&
	echo 0 >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'the failure is on record, with its code and line and no data' '
	tracker_rows | sed -n 3p >.git/t/record &&
	grep " event=failed path=bad.sql blob=$(git rev-parse HEAD:migrations/bad.sql) " \
		.git/t/record &&
	grep " sqlstate=1 line=3\$" .git/t/record &&
	! grep nowhere .git/t/record &&
	git migrate status >.git/t/out 2>&1 &&
	grep "^  pending  bad.sql .*failed at " .git/t/out
'

test_expect_success 'corrected by an amended commit, it runs' '
	git reset -q --soft HEAD~2 &&
	git rm -q --cached migrations/after.sql &&
	commit_file migrations/bad.sql "CREATE TABLE whole (x);" "add bad, corrected" &&
	commit_file migrations/after.sql "CREATE TABLE after (x);" &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|good.sql" "failed|bad.sql" "applied|bad.sql" \
		"applied|after.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git migrate audit >.git/t/out
'

test_expect_success 'transaction control: an outer pair is left out, the rest refused' '
	two_applied control &&
	new_migration a "BEGIN; CREATE TABLE a (x); COMMIT;" &&
	git migrate apply >.git/t/out 2>&1 &&
	sqlite app.db "SELECT count(*) FROM a" &&
	new_migration b "CREATE TABLE b (x); COMMIT; CREATE TABLE c (x);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: migrations/b.sql:1:21: COMMIT cannot be part of a migration" &&
	grep "Nothing was run\.$" .git/t/err &&
	grep "^hint: " .git/t/err &&
	sqlite app.db "SELECT name FROM sqlite_schema WHERE name IN ('\''b'\'', '\''c'\'')" \
		>.git/t/actual &&
	test_must_be_empty .git/t/actual
'

test_expect_success 'what has no place in a migration is refused before the ones ahead of it run' '
	two_applied words &&
	new_migration c "CREATE TABLE c (x);" &&
	new_migration d "CREATE TABLE d (x);
ATTACH '\''other.db'\'' AS o;" &&
	tracker_rows >.git/t/expect &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: migrations/d.sql:2:1: ATTACH cannot be part of a migration" &&
	has_line .git/t/err "detail: Nothing was run." &&
	tracker_rows >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	git migrate apply --to c.sql >.git/t/out 2>&1 && grep "applied  c.sql" .git/t/out
'

test_expect_success 'a damaged file is refused, tried or not, until it is sound again' '
	two_applied damaged &&
	sqlite app.db "INSERT INTO users VALUES (1, NULL); PRAGMA writable_schema = ON;
		UPDATE sqlite_schema SET sql = replace(sql, '\''phone TEXT'\'', '\''phone TEXT NOT NULL'\'')" &&
	new_migration a "CREATE TABLE a (x);" &&
	tracker_rows >.git/t/expect &&
	for how in "" --dry-run --check=full "--dry-run --check=full"; do
		test_expect_code 1 git migrate apply $how >.git/t/out 2>.git/t/err &&
		grep "^error: database .*app.db. is damaged" .git/t/err &&
		has_line .git/t/err "detail: NULL value in users.phone" || return 1
	done &&
	tracker_rows >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	sqlite app.db "UPDATE users SET phone = '\''1'\''" &&
	git migrate apply --dry-run --check=full >.git/t/out 2>&1 &&
	git migrate apply --check=full >.git/t/out 2>&1
'

test_expect_success 'whoever holds the lock of the file is named' '
	two_applied holder &&
	new_migration a "CREATE TABLE a (x);" &&
	mkfifo .git/t/fifo &&
	{ sqlite3 -batch app.db <.git/t/fifo >.git/t/held 2>&1 & } &&
	holder=$! && exec 9>.git/t/fifo &&
	test_when_finished "exec 9>&-" &&
	echo "BEGIN IMMEDIATE; SELECT '\''held'\'';" >&9 &&
	until grep held .git/t/held; do sleep 0.1; done &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: could not lock database .*: another program holds it" .git/t/err &&
	grep "^detail: Process $holder (sqlite3) holds it\. It was waited for 5 seconds" .git/t/err &&
	grep "^hint: .*git migrate apply --wait\$" .git/t/err &&
	git migrate status >.git/t/out 2>.git/t/err && grep "pending  a.sql" .git/t/out &&
	exec 9>&- && wait $holder &&
	git migrate apply --wait >.git/t/out 2>&1
'

test_expect_success 'a migration that ends the transaction by itself takes nothing along' '
	two_applied rollback &&
	new_migration a "CREATE TABLE a (x PRIMARY KEY);
INSERT INTO a VALUES (1);
INSERT OR ROLLBACK INTO a VALUES (1);
CREATE TABLE behind (x);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/a.sql:3:1: " .git/t/err &&
	sqlite app.db "SELECT name FROM sqlite_schema WHERE name IN ('\''a'\'', '\''behind'\'')" \
		>.git/t/actual &&
	test_must_be_empty .git/t/actual &&
	events | tail -n 1 >.git/t/actual &&
	echo "failed|a.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'rows that point nowhere are refused, rows that point somewhere pass' '
	fresh keys &&
	new_migration tables "CREATE TABLE p (id INTEGER PRIMARY KEY);
CREATE TABLE c (p REFERENCES p(id));" &&
	git migrate apply >.git/t/out 2>&1 &&
	new_migration rows "INSERT INTO c VALUES (7);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	has_line .git/t/err \
		"error: migrations/rows.sql: the migration leaves foreign keys that point nowhere: 1" &&
	sqlite app.db "SELECT count(*) FROM c" >.git/t/actual &&
	echo 0 >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	commit_file migrations/rows.sql "INSERT INTO p VALUES (7); INSERT INTO c VALUES (7);" &&
	git migrate apply >.git/t/out 2>&1
'

test_expect_success 'a migration cannot write to the tracker' '
	two_applied inside &&
	new_migration a "CREATE TABLE a (x);
DELETE FROM git_migrate_log;" &&
	tracker_rows >.git/t/expect &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migrations/a.sql:2:1: a migration cannot change the tracker" .git/t/err &&
	tracker_rows | sed 4q >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a trailer that this version does not carry out is not run past' '
	two_applied unknown &&
	new_migration a "CREATE TABLE a (x);" "add a" "" "Checkpoint: create-users.sql" &&
	refuses 1 "migration '\''a.sql'\'' says \"Checkpoint:\", which this version of git-migrate does not carry out" \
		git migrate apply
'

test_expect_success 'a directive that this version does not carry out is not run past' '
	two_applied directive &&
	new_migration a "-- migrate: batch=1000
CREATE TABLE a (x);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*asks for \"-- migrate: batch=1000\", which this version" .git/t/err &&
	grep "^hint: " .git/t/err &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|create-users.sql" "applied|add-phone.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	commit_file migrations/a.sql "-- migrate: foreign-keys=on
CREATE TABLE a (x);" &&
	git migrate apply >.git/t/out 2>&1
'

# --- what was applied stays ---------------------------------------------------

test_expect_success 'an applied file that was edited' '
	two_applied edited &&
	commit_file migrations/create-users.sql "CREATE TABLE users (id TEXT);" &&
	new_migration more "CREATE TABLE more (x);" &&
	refuses 1 "migration '\''create-users.sql'\'' was edited after it was applied" \
		git migrate apply &&
	refuses 1 "migration '\''create-users.sql'\'' was edited after it was applied" \
		git migrate apply --dry-run &&
	git migrate status >.git/t/out 2>.git/t/err &&
	grep "^  edited   create-users.sql" .git/t/out &&
	test_expect_code 1 git migrate audit >.git/t/out &&
	grep "failed *plan-edited" .git/t/out
'

test_expect_success 'put back as it was, apply goes on' '
	sed -n "s/^hint: Restore it (\(git cat-file [^)]*\)).*/\1/p" .git/t/err >.git/t/way &&
	test -s .git/t/way &&
	sh .git/t/way &&
	git commit -qam "put it back" &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "applied  more.sql" .git/t/out
'

test_expect_success 'an applied file that was deleted' '
	two_applied deleted &&
	git rm -q migrations/add-phone.sql &&
	git commit -qm "never mind" &&
	new_migration more "CREATE TABLE more (x);" &&
	refuses 1 "migration '\''add-phone.sql'\'' was applied and is not in the plan" \
		git migrate apply &&
	test_expect_code 1 git migrate audit >.git/t/out &&
	grep "failed *plan-missing" .git/t/out
'

test_expect_success 'an applied file that was renamed' '
	two_applied renamed &&
	git mv migrations/add-phone.sql migrations/phone.sql &&
	git commit -qm "a better name" &&
	refuses 1 "migration '\''add-phone.sql'\'' was renamed to '\''phone.sql'\'' after it was applied" \
		git migrate apply &&
	git mv migrations/phone.sql migrations/add-phone.sql &&
	git commit -qm "the old name" &&
	git migrate apply >.git/t/out 2>&1
'

test_expect_success 'an applied file that has become a symbolic link' '
	two_applied symlink &&
	cp migrations/add-phone.sql elsewhere &&
	ln -sf ../elsewhere migrations/add-phone.sql &&
	git commit -qam "share it" &&
	state >.git/t/before &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: migration .add-phone.sql. was applied and is not in the plan" .git/t/err &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'rebased commits with the same files are the same migrations' '
	two_applied rebased &&
	git commit -q --amend -m "other words" &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	echo "target default is up to date: 2 migrations applied" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out &&
	git migrate audit >.git/t/out &&
	grep "warning *plan-commit" .git/t/out
'

# --- order --------------------------------------------------------------------

test_expect_success 'a gap is refused' '
	fresh gap &&
	new_migration a "CREATE TABLE a (x);" &&
	git branch release &&
	new_migration b "CREATE TABLE b (x);" &&
	new_migration c "CREATE TABLE c (x);" &&
	git checkout -q release &&
	git cherry-pick main >.git/t/out &&
	git migrate apply >.git/t/out 2>&1 &&
	git checkout -q main &&
	refuses 1 "there is a gap: '\''b.sql'\'' is pending and '\''c.sql'\'' behind it was applied" \
		git migrate apply &&
	git migrate status --porcelain >.git/t/out 2>&1 &&
	sed "s/ .* / /" .git/t/out >.git/t/actual &&
	printf "%s\n" "applied a.sql" "gap b.sql" "applied c.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'Out-Of-Order without a reason opens nothing' '
	git commit -q --allow-empty -m "let b run" -m "Out-Of-Order: b.sql" &&
	refuses 1 "there is a gap: '\''b.sql'\'' is pending and '\''c.sql'\'' behind it was applied" \
		git migrate apply
'

test_expect_success 'Out-Of-Order with a reason lets it run, on record' '
	git commit -q --allow-empty -m "let b run" -m "Out-Of-Order: b.sql -- the hotfix went first" &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|a.sql" "applied|c.sql" "excepted|b.sql" "applied|b.sql" \
		>.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	tracker_rows | grep " event=excepted .* reason=the%20hotfix%20went%20first\$" &&
	git migrate audit >.git/t/out
'

late() {
	fresh "$1" &&
	new_migration a "CREATE TABLE a (x);" &&
	git checkout -q -b side &&
	new_migration s "CREATE TABLE s (x);" &&
	git checkout -q main &&
	new_migration m "CREATE TABLE m (x);" &&
	git migrate apply --at side >.git/t/out 2>&1 &&
	tick &&
	git merge -q side
}

test_expect_success 'a late arrival is refused on a strict target' '
	late late &&
	refuses 1 "migration '\''m.sql'\'' arrived late: '\''s.sql'\'' behind it was applied" \
		git migrate apply
'

test_expect_success 'a late arrival runs where order is arrival, on record' '
	git config migrate.default.order arrival &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|a.sql" "applied|s.sql" "excepted|m.sql" "applied|m.sql" \
		>.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'order=arrival does not open a gap' '
	cd ../gap &&
	git reset -q --hard HEAD~2 &&
	git checkout -q release &&
	rm app.db &&
	git update-ref -d refs/notes/migrate/default &&
	git config --unset migrate.default.uuid &&
	git migrate apply >.git/t/out 2>&1 &&
	git checkout -q main &&
	git config migrate.default.order arrival &&
	refuses 1 "there is a gap: '\''b.sql'\'' is pending and '\''c.sql'\'' behind it was applied" \
		git migrate apply
'

test_expect_success 'an older commit finds the target ahead and does nothing' '
	two_applied ahead &&
	state >.git/t/before &&
	git migrate apply --at HEAD~1 >.git/t/out 2>.git/t/err &&
	echo "target default is ahead of this commit: nothing to do" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out &&
	git migrate apply --at HEAD~1 --porcelain >.git/t/out 2>.git/t/err &&
	grep "^ahead default 4 " .git/t/out &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	git checkout -q -b other HEAD~1 &&
	git commit -q --allow-empty -m "elsewhere" &&
	refuses 1 "migration '\''add-phone.sql'\'' was applied and is not in the plan" \
		git migrate apply
'

# --- the tracker --------------------------------------------------------------

test_expect_success 'triggers refuse to change the tracker' '
	two_applied triggers &&
	state >.git/t/before &&
	while read -r sql; do
		test_must_fail sqlite app.db "$sql" 2>.git/t/err &&
		grep "append-only" .git/t/err || return 1
	done <<-\END &&
	UPDATE git_migrate_log SET "by" = 0 WHERE seq = 2
	UPDATE OR REPLACE git_migrate_log SET seq = 1 WHERE seq = 2
	DELETE FROM git_migrate_log
	DELETE FROM git_migrate_log WHERE seq = 3
	INSERT OR REPLACE INTO git_migrate_log SELECT * FROM git_migrate_log WHERE seq = 2
	REPLACE INTO git_migrate_log SELECT 4, event, path, blob, "commit", at, "by", run, record, hash FROM git_migrate_log WHERE seq = 3
	INSERT INTO git_migrate_log SELECT * FROM git_migrate_log WHERE seq = 2 ON CONFLICT DO UPDATE SET event = 0
	INSERT INTO git_migrate_log SELECT 9, event, path, blob, "commit", at, "by", run, record, hash FROM git_migrate_log WHERE seq = 3
	UPDATE git_migrate_schema SET version = 2
	DELETE FROM git_migrate_schema
	END
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	git migrate apply
'

test_expect_success 'a record that was edited by hand' '
	two_applied tampered &&
	new_migration more "CREATE TABLE more (x);" &&
	cp app.db sound &&
	sqlite app.db "DROP TRIGGER git_migrate_log_update;
		UPDATE git_migrate_log SET record = replace(record, '\''C%20O'\'', '\''X%20Y'\'')
		WHERE seq = 2" &&
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

test_expect_success 'a record that was edited together with its hash' '
	cp sound app.db &&
	line=$(sqlite app.db "SELECT replace(record, '\''C%20O'\'', '\''X%20Y'\'') FROM git_migrate_log WHERE seq = 2") &&
	hash=$(echo "$line" | sha256sum | cut -d" " -f1) &&
	sqlite app.db "DROP TRIGGER git_migrate_log_update;
		UPDATE git_migrate_log SET record = '\''$line'\'', hash = '\''$hash'\'' WHERE seq = 2" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*record 3 does not continue record 2" .git/t/err &&
	grep "^hint: " .git/t/err &&
	test_expect_code 1 git migrate audit >.git/t/out 2>.git/t/err &&
	grep "failed *chain" .git/t/out
'

test_expect_success 'a record that was taken out' '
	cp sound app.db &&
	sqlite app.db "DROP TRIGGER git_migrate_log_delete;
		DELETE FROM git_migrate_log WHERE seq = 2" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*record 2 is missing" .git/t/err &&
	test_expect_code 1 git migrate audit >.git/t/out 2>.git/t/err &&
	grep "failed *chain" .git/t/out &&
	grep "failed *tracker-lacks" .git/t/out
'

test_expect_success 'a tail that was cut off is seen by the mirror' '
	cp sound app.db &&
	sqlite app.db "DROP TRIGGER git_migrate_log_delete;
		DELETE FROM git_migrate_log WHERE seq >= 3" &&
	test_expect_code 1 git migrate audit >.git/t/out 2>.git/t/err &&
	grep "failed *tracker-lacks.*record 3 (applied add-phone.sql at " .git/t/out &&
	refuses 1 "target '\''default'\'' went back in time" git migrate apply
'

test_expect_success 'a column that disagrees with its record' '
	cp sound app.db &&
	sqlite app.db "DROP TRIGGER git_migrate_log_update;
		UPDATE git_migrate_log SET path = '\''other.sql'\'' WHERE seq = 2" &&
	test_expect_code 1 git migrate audit >.git/t/out 2>.git/t/err &&
	grep "failed *chain.*path" .git/t/out
'

test_expect_success 'the sound one passes' '
	cp sound app.db &&
	git migrate audit >.git/t/out &&
	git migrate apply >.git/t/out 2>&1
'

test_expect_success 'another database in the place of the known one' '
	two_applied swapped &&
	mv app.db away &&
	two_applied swapped-other &&
	cd ../swapped &&
	cp ../swapped-other/app.db app.db &&
	new_migration more "CREATE TABLE more (x);" &&
	refuses 1 "target '\''default'\'' is not the database that it was" git migrate apply &&
	known=$(git config migrate.default.uuid) && git config --unset migrate.default.uuid &&
	refuses 1 "the tracker of target '\''default'\'' and its mirror part" git migrate apply &&
	git config migrate.default.uuid "$known" &&
	git update-ref refs/kept refs/notes/migrate/default &&
	git update-ref -d refs/notes/migrate/default &&
	refuses 1 "target '\''default'\'' is not the database that it was" git migrate apply &&
	mv away app.db &&
	git update-ref refs/notes/migrate/default refs/kept &&
	git migrate apply >.git/t/out 2>&1
'

# --- what is missing or broken ------------------------------------------------

object_file() {
	echo ".git/objects/$(echo "$1" | cut -c1-2)/$(echo "$1" | cut -c3-)"
}

test_expect_success 'a missing object' '
	two_applied missing &&
	new_migration a "CREATE TABLE a (x);" &&
	new_migration b "CREATE TABLE b (x);" &&
	blob=$(git rev-parse HEAD:migrations/b.sql) &&
	mv $(object_file $blob) kept &&
	test_expect_code 128 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*object $blob is missing from the repository" .git/t/err &&
	grep "^hint: " .git/t/err &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|create-users.sql" "applied|add-phone.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	mv kept $(object_file $blob) &&
	git migrate apply >.git/t/out 2>&1
'

test_expect_success 'an object with the bytes of another one' '
	two_applied corrupt &&
	new_migration a "CREATE TABLE a (x);" &&
	blob=$(git rev-parse HEAD:migrations/a.sql) &&
	cp $(object_file $blob) kept &&
	chmod u+w $(object_file $blob) &&
	cp $(object_file $(echo "CREATE TABLE evil (x);" | git hash-object -w --stdin)) \
		$(object_file $blob) &&
	tracker_rows >.git/t/expect &&
	test_expect_code 128 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*object $blob is corrupt" .git/t/err &&
	grep "^hint: " .git/t/err &&
	tracker_rows >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	cp kept $(object_file $blob) &&
	git migrate apply >.git/t/out 2>&1
'

test_expect_success 'a database in a folder that is not there' '
	fresh unreachable &&
	new_migration a "CREATE TABLE a (x);" &&
	git config migrate.default.url sqlite:no/such/app.db &&
	refuses 128 "target '\''default'\'': could not open database '\''$PWD/no/such/app.db'\'': unable to open database file" \
		git migrate apply &&
	test ! -e no
'

test_expect_success 'a text file as database' '
	echo "this is no database, but a text of some length" >app.db &&
	cp app.db .git/t/text &&
	git config migrate.default.url sqlite:app.db &&
	for command in status apply audit "target show default"; do
		refuses 128 "target '\''default'\'': could not open database '\''$PWD/app.db'\'': file is not a database" \
			git migrate $command || return 1
	done &&
	test_cmp .git/t/text app.db &&
	rm app.db &&
	git migrate apply >.git/t/out 2>&1
'

test_expect_success 'an empty file as database is one' '
	fresh empty-file &&
	new_migration a "CREATE TABLE a (x);" &&
	: >app.db &&
	git migrate apply >.git/t/out 2>&1 &&
	events >.git/t/actual &&
	printf "%s\n" "created|" "applied|a.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'no target, and one that is not known' '
	fresh none &&
	new_migration a "CREATE TABLE a (x);" &&
	refuses 128 "there is no target '\''other'\''" git migrate apply other &&
	refuses 129 "'\''No/Name'\'' cannot be the name of a target" git migrate apply No/Name &&
	git config --unset migrate.default.url &&
	refuses 128 "there is no target '\''default'\''" git migrate apply &&
	git config migrate.default.url mongodb://here/there &&
	refuses 129 "target '\''default'\'': no kind of database has a URL like the target'\''s" \
		git migrate apply
'

test_expect_success 'a file inside the work tree cannot name a database' '
	fresh untrusted &&
	git config --unset migrate.default.url &&
	printf "[migrate \"default\"]\n\turl = sqlite:evil.db\n" >settings &&
	git add settings &&
	new_migration a "CREATE TABLE a (x);" &&
	git config include.path ../settings &&
	git config --get migrate.default.url &&
	refuses 128 "there is no target '\''default'\''" git migrate apply &&
	grep "migrate.default.url.* of a file inside the work tree was ignored" .git/t/err &&
	test ! -e evil.db &&
	printf "[migrate \"default\"]\n\turl = sqlite:evil.db\n" >.gitmigrate &&
	git add .gitmigrate &&
	git commit -qm "try it by .gitmigrate" &&
	refuses 128 "there is no target '\''default'\''" git migrate apply &&
	mv settings .git/settings &&
	git config include.path settings &&
	git migrate apply >.git/t/out 2>&1 &&
	test -e evil.db
'

# --- text from outside --------------------------------------------------------

# has_no_control FILE: no byte below a blank but LF, no DEL, no bidi override.
has_no_control() {
	tr -d "\n" <"$1" | LC_ALL=C grep "[[:cntrl:]]" && return 1
	! LC_ALL=C grep "$(printf "\342\200\256")" "$1"
}

test_expect_success 'control characters in a subject are shown escaped' '
	fresh control-chars &&
	new_migration a "CREATE TABLE a (x); -- $(printf "\033]0;sql\007")" \
		"$(printf "add \033]0;owned\007 and \342\200\256txet")" &&
	for command in status plan log "show a" "status --json" "plan --json" "log --json"; do
		git migrate $command >.git/t/out 2>&1 &&
		has_no_control .git/t/out || return 1
	done &&
	git migrate log >.git/t/out &&
	grep -F "add \\x1b]0;owned\\x07 and " .git/t/out &&
	git migrate apply >.git/t/out 2>&1 &&
	has_no_control .git/t/out
'

test_expect_success 'control characters in an error of the database are shown escaped' '
	new_migration b "SELECT \"$(printf "\033]0;x\007")\".y;" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	has_no_control .git/t/out
'

# unread PLACE WHY: its line is named, and nothing is run
unread() {
	refuses 1 "migrations/a.sql:$1: this \"-- migrate:\" line is not read" \
		git migrate apply &&
	has_line .git/t/err "detail: $2" && grep "Nothing was run\." .git/t/err &&
	sed -n 2p .git/t/err >.git/t/actual && sed -n "${1%:*}p" migrations/a.sql >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
}

test_expect_success 'a line that wants to say how a file is run, and is not read' '
	fresh overlooked && git config migrate.default.url sqlite:app.db &&
	new_migration a "SELECT 1;
  -- migrate: no-transaction
VACUUM;" && unread 2:3 "It stands below the first statement." &&
	commit_file migrations/a.sql "-- migrate no-transaction
VACUUM;" && unread 1:1 "It is not written as such lines are." &&
	commit_file migrations/a.sql "-- a comment
--  migrate: foreign-keys=on
DELETE FROM t;" && unread 2:1 "It is not written as such lines are." &&
	{ echo "-- migrate: no-transaction" && echo "SELECT 1;" &&
		head -c 17000000 /dev/zero | tr "\\000" " "; } >migrations/a.sql &&
	git commit -q -a -m large && refuses 1 "migrations/a.sql:1:1: this \"-- migrate:\" line is not read" \
		git migrate apply &&
	grep "^detail: A file of more than 16 MiB is run as it is read" .git/t/err &&
	# the same words, where nobody means them so, and in any case of letters
	commit_file migrations/a.sql "-- migrate with foreign keys in mind
CREATE TABLE t (x);
INSERT INTO t VALUES ('\''
-- migrate: no-transaction
'\'');" && new_migration b "-- Migrate: No-Transaction
VACUUM;" && git migrate apply >.git/t/out 2>&1 && grep "applied  b.sql" .git/t/out
'

test_done
