#!/bin/sh

test_description='Fixes and the other trailers: what they name, what is refused'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

# fresh NAME: migrations a, dir/b, other/b have landed on main (refs/remotes/origin);
# the current directory from then on.
fresh() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo "$1" &&
	cd "$1" &&
	mkdir .git/t &&
	git config migrate.default.url sqlite:.git/app.db &&
	new_migration a 'CREATE TABLE a (x);' 'create table a' &&
	new_migration dir/b 'CREATE TABLE b (x);' &&
	new_migration other/b 'CREATE TABLE c (x);' &&
	git tag base
}

# fix VALUE [LINE...]: a new migration f on top of base that says "Fixes: VALUE".
fix() {
	fix_value=$1
	shift
	test $# -gt 0 || set -- 'Failure-Mode: too short'
	git reset -q --hard base &&
	new_migration f 'CREATE TABLE f (x);' 'mend it' '' "Fixes: $fix_value" "$@"
}

# accepted TARGET: check and a dry run pass, and log says that it fixes TARGET.
accepted() {
	git migrate check base..HEAD >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	git migrate apply -n >.git/t/out 2>.git/t/err &&
	git migrate log --format="%(path) %(fixes)" >.git/t/log &&
	sed -n "s/^f.sql //p" .git/t/log >.git/t/actual &&
	echo "$1" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
}

# refused MESSAGE RULE: check and apply refuse with it and a hint; nothing is changed.
refused() {
	git for-each-ref >.git/t/before &&
	test_expect_code 1 git migrate check base..HEAD >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: $1 [$2]" &&
	grep "^hint: " .git/t/err &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: $1" &&
	grep "^hint: " .git/t/err &&
	test ! -e .git/app.db &&
	git for-each-ref >.git/t/after &&
	test_cmp .git/t/before .git/t/after
}

test_expect_success 'by path, in the tree or below the folder, with or without .sql' '
	fresh paths &&
	for value in migrations/a.sql a.sql a ./migrations/a.sql; do
		fix $value &&
		accepted "a.sql" || return 1
	done &&
	for value in migrations/dir/b.sql dir/b.sql dir/b; do
		fix $value &&
		accepted "dir/b.sql" || return 1
	done
'

test_expect_success 'by commit id, whole and short, and in the form of the kernel' '
	id=$(git rev-parse base~2) &&
	for value in $id $(echo $id | cut -c1-7) $(echo $id | cut -c1-12 | tr a-f A-F) \
		"$(git log -1 --abbrev=12 --format="%h (\"%s\")" base~2)"; do
		fix "$value" &&
		accepted "a.sql" || return 1
	done
'

test_expect_success 'case of the key, continuation lines, CR LF' '
	git reset -q --hard base &&
	new_migration f "CREATE TABLE f (x);" "mend it" "" "fixes: a.sql" "FAILURE-MODE: too" "	short" &&
	accepted "a.sql" &&
	git migrate show f >.git/t/out &&
	has_line .git/t/out "Failure-Mode: too short" &&
	git reset -q --hard base &&
	new_migration f "CREATE TABLE f (x);" "$(printf "mend it\r\n\r\nFixes: a.sql\r\nFailure-Mode: x\r")" &&
	accepted "a.sql"
'

test_expect_success 'issues elsewhere are not ours, and need no failure mode' '
	for value in "#123" "owner/repo#123" "GH-123" "https://example.com/issues/1"; do
		fix "$value" "See-Also: nothing" &&
		accepted "" || return 1
	done
'

test_expect_success 'a branch with that name does not win' '
	git branch a HEAD &&
	fix a &&
	accepted "a.sql" &&
	git branch -D a >.git/t/out
'

test_expect_success 'without a failure mode' '
	fix a.sql "Reversal: none" &&
	refused "migration '\''f.sql'\'' says what it fixes and not how that failed" failure-mode &&
	fix a.sql "Failure-Mode:" &&
	refused "migration '\''f.sql'\'' says what it fixes and not how that failed" failure-mode
'

test_expect_success 'something unknown' '
	fix nowhere.sql &&
	refused "\"Fixes: nowhere.sql\" of migration '\''f.sql'\'' names no migration of the plan" unresolved &&
	fix 1234567890ab &&
	refused "\"Fixes: 1234567890ab\" of migration '\''f.sql'\'' names no migration of the plan" unresolved &&
	fix "the users table" &&
	refused "\"Fixes: the users table\" of migration '\''f.sql'\'' is neither a path nor a commit" unresolved
'

test_expect_success 'two of that name: refused, and both are named' '
	fix b.sql &&
	refused "\"Fixes: b.sql\" of migration '\''f.sql'\'' names more than one" unresolved &&
	grep "It could be .dir/b.sql. or .other/b.sql." .git/t/err
'

test_expect_success 'a commit that brought two' '
	git reset -q --hard base &&
	for n in g h; do
		echo "CREATE TABLE $n (x);" >migrations/$n.sql || return 1
	done &&
	git add migrations &&
	git commit -q -m "two at once" &&
	git tag -f base2 >.git/t/out 2>&1 &&
	two=$(git rev-parse HEAD | cut -c1-12) &&
	new_migration f "CREATE TABLE f (x);" "mend it" "" "Fixes: $two" "Failure-Mode: x" &&
	refused "\"Fixes: $two\" of migration '\''f.sql'\'' names more than one" unresolved &&
	git reset -q --hard base2 &&
	new_migration f "CREATE TABLE f (x);" "mend it" "" "Fixes: h.sql" "Failure-Mode: x" &&
	accepted "h.sql"
'

test_expect_success 'itself' '
	fix f.sql &&
	refused "migration '\''f.sql'\'' names itself in \"Fixes: f.sql\"" later
'

test_expect_success 'a later one' '
	fix z.sql &&
	new_migration z "CREATE TABLE z (x);" &&
	refused "\"Fixes: z.sql\" of migration '\''f.sql'\'' names one that comes later in the plan" later
'

test_expect_success 'an id that has vanished: the subject names the candidate, and does not choose' '
	fix "1234567890ab (\"create table a\")" &&
	refused "\"Fixes: 1234567890ab\" of migration '\''f.sql'\'' names no migration of the plan" unresolved &&
	grep "^hint: Write \"Fixes: a.sql\", which was brought by a commit with that subject" .git/t/err
'

test_expect_success 'a commit that brought no migration is a warning' '
	git reset -q --hard base &&
	commit_file README "text" &&
	id=$(git rev-parse HEAD | cut -c1-12) &&
	new_migration f "CREATE TABLE f (x);" "mend it" "" "Fixes: $id" "Failure-Mode: x" &&
	git migrate check base..HEAD 2>.git/t/err &&
	has_line .git/t/err "warning: \"Fixes: $id\" of migration '\''f.sql'\'' names a commit that brought no migration [unresolved]" &&
	git migrate apply -n >.git/t/out 2>&1
'

test_expect_success 'commits that bring no migration are not judged' '
	git reset -q --hard base &&
	printf "mend the page\n\nFixes: nowhere.sql\n" >.git/t/message &&
	git commit -q --allow-empty -F .git/t/message &&
	git migrate check base..HEAD 2>.git/t/err &&
	test_must_be_empty .git/t/err
'

test_expect_success 'landed already: a warning, and apply runs' '
	fix nowhere.sql &&
	refused "\"Fixes: nowhere.sql\" of migration '\''f.sql'\'' names no migration of the plan" unresolved &&
	git config remote.origin.url /nowhere &&
	git update-ref refs/remotes/origin/main HEAD &&
	git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/main &&
	git migrate status >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "warning: \"Fixes: nowhere.sql\" of migration '\''f.sql'\'' names no migration of the plan [unresolved]" &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	grep "applied  f.sql" .git/t/out
'

test_expect_success 'the head of the file says it where the message does not' '
	fresh header &&
	new_migration f "-- Mends it.
-- Fixes: dir/b.sql
-- Failure-Mode: too
--   short
CREATE TABLE f (x);" &&
	accepted "dir/b.sql" &&
	git migrate show f >.git/t/out &&
	has_line .git/t/out "Failure-Mode: too short"
'

test_expect_success 'the message wins over the head of the file' '
	git reset -q --hard base &&
	new_migration f "-- Fixes: dir/b.sql
CREATE TABLE f (x);" "mend it" "" "Fixes: a.sql" "Failure-Mode: x" &&
	accepted "a.sql"
'

test_expect_success 'behind the first statement the file says nothing' '
	git reset -q --hard base &&
	new_migration f "CREATE TABLE f (x);
-- Fixes: nowhere.sql" &&
	accepted ""
'

test_expect_success 'a trailer where git does not read it' '
	git reset -q --hard base &&
	new_migration f "CREATE TABLE f (x);" "mend it" "" "Fixes: a.sql" "" "and more text" &&
	refused "a trailer of migration '\''f.sql'\'' stands where git does not read it: \"Fixes: a.sql\"" misplaced &&
	git reset -q --hard base &&
	new_migration f "CREATE TABLE f (x);" "mend it" "" "This fixes: nothing at all." &&
	accepted ""
'

test_expect_success 'a trailer that binds none, since the commit brings several' '
	git reset -q --hard base &&
	echo "CREATE TABLE f (x);" >migrations/f.sql &&
	echo "CREATE TABLE g (x);" >migrations/g.sql &&
	git add migrations &&
	printf "two\n\nFixes: a.sql\nFailure-Mode: x\n" >.git/t/message &&
	git commit -q -F .git/t/message &&
	refused "\"Fixes:\" is in the message of a commit that brings 2 migrations, '\''f.sql'\'' among them" unbound &&
	grep "^hint: .*\"-- Fixes: a.sql\" at the head of the file" .git/t/err
'

test_expect_success 'a squash that lost its trailers keeps those in the files' '
	git reset -q --hard base &&
	printf -- "-- Fixes: a.sql\n-- Failure-Mode: x\nCREATE TABLE f (x);\n" >migrations/f.sql &&
	echo "CREATE TABLE g (x);" >migrations/g.sql &&
	git add migrations &&
	git commit -q -m "two" &&
	accepted "a.sql"
'

test_expect_success 'trailers on a side branch count once it is merged' '
	git reset -q --hard base &&
	git checkout -q -b side &&
	new_migration f "CREATE TABLE f (x);" "mend it" "" "Fixes: a.sql" "Failure-Mode: x" &&
	git checkout -q main &&
	commit_file README text &&
	tick &&
	git merge -q --no-ff side &&
	accepted "a.sql"
'

test_expect_success 'the configuration of trailers does not change what they say' '
	git config trailer.separators "=#" &&
	git config trailer.fixes.key "Mends: " &&
	accepted "a.sql" &&
	git config --remove-section trailer.fixes &&
	git config --unset trailer.separators
'

test_expect_success 'a fix of a fix, drawn under what it fixes, and on record' '
	fresh tree &&
	new_migration f "CREATE TABLE f (x);" "mend a" "" "Fixes: a.sql" "Failure-Mode: one" &&
	new_migration g "CREATE TABLE g (x);" "mend f and b" "" "Fixes: f.sql" "Fixes: dir/b.sql" "Failure-Mode: two" &&
	git migrate apply >.git/t/out 2>&1 &&
	sqlite .git/app.db "SELECT record FROM git_migrate_log WHERE path = '\''g.sql'\''" >.git/t/record &&
	grep " fixes=f.sql,dir/b.sql " .git/t/record &&
	git migrate log --reverse --graph >.git/t/out &&
	sed -n "s/^\([ |\`*-]*\)\([a-z/]*\.sql\)\$/\1\2/p" .git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	* a.sql
	`-* f.sql
	* dir/b.sql
	`-* g.sql
	* other/b.sql
	END
	test_cmp .git/t/expect .git/t/actual &&
	git migrate show a >.git/t/out &&
	has_line .git/t/out "Fixed by:     f.sql"
'

test_expect_success 'check --json' '
	git reset -q --hard base &&
	git migrate check --json base..HEAD >.git/t/out &&
	echo "[]" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out &&
	new_migration f "CREATE TABLE f (x);" "mend it" "" "Fixes: a.sql" &&
	test_expect_code 1 git migrate check --json base..HEAD >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	cat >.git/t/expect <<-\END &&
	[
	  {
	    "rule": "failure-mode",
	    "severity": "error",
	    "path": "f.sql",
	    "message": "migration '\''f.sql'\'' says what it fixes and not how that failed",
	    "detail": "",
	    "hint": "Add the trailer \"Failure-Mode: <what went wrong, and why this mends it>\" beside \"Fixes:\"."
	  }
	]
	END
	test_cmp .git/t/expect .git/t/out
'

test_expect_success 'trailers that a squash has buried are found out' '
	cd "$SHARNESS_TRASH_DIRECTORY" && make_repo squashed && cd squashed &&
	git migrate init sqlite:app.db >/dev/null 2>&1 &&
	new_migration broken "CREATE TABLE t (x int NOT NULL);" &&
	git checkout -q -b work &&
	new_migration mended "SELECT 1;" "mend it" "" "Fixes: broken.sql" \
		"Failure-Mode: nobody fills x" &&
	git checkout -q main && git merge -q --squash work >out 2>&1 &&
	git commit -q --no-edit --no-verify &&
	test_expect_code 1 git migrate check HEAD^..HEAD 2>err &&
	grep "^error: a trailer of migration .mended.sql. stands where git does not read it" err &&
	printf "%s\n" "-- Fixes: broken.sql" "-- Failure-Mode: nobody fills x" "SELECT 1;" \
		>migrations/mended.sql && git add migrations && tick &&
	git commit -q --amend -m "mend it" && git migrate check HEAD^..HEAD
'

test_done
