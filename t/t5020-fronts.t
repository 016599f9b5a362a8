#!/bin/sh

test_description='pre-push and update, and what one push has of several refs'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

zero=0000000000000000000000000000000000000000

# hook FOLDER NAME
hook() {
	mkdir -p "$1" &&
	printf '#!/bin/sh\nexec git migrate hook %s "$@"\n' "$2" >"$1/$2" &&
	chmod +x "$1/$2"
}

# scene NAME [SERVER-HOOK]: a bare repository and a clone; a.sql has landed on main
scene() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main "$1.git" &&
	git clone -q "$1.git" "$1" 2>/dev/null &&
	{ test -z "$2" || hook "$1.git/hooks" "$2"; } &&
	cd "$1" &&
	git checkout -q -B main &&
	mkdir -p .git/t .git/hooks &&
	new_migration a 'CREATE TABLE a (x);' &&
	git push -q origin main 2>/dev/null &&
	git remote set-head origin main
}

server_refs() {
	git --git-dir="$(git config remote.origin.url)" for-each-ref
}

# refused RULE ARGUMENTS...: the push must be refused by that rule, and change nothing
refused() {
	refused_rule=$1
	shift
	server_refs >.git/t/before &&
	test_must_fail git push "$@" >.git/t/out 2>.git/t/err &&
	sed -n 's/^\(remote: \)\{0,1\}error: .* \[\(.*\)\] *$/\2/p' .git/t/err >.git/t/rules &&
	echo "$refused_rule" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/rules &&
	grep "hint: " .git/t/err >/dev/null &&
	server_refs >.git/t/after &&
	test_cmp .git/t/before .git/t/after
}

pushed() {
	git push "$@" >.git/t/out 2>.git/t/err || {
		cat .git/t/err
		return 1
	}
	! grep -E "^(remote: )?(error|warning|hint): " .git/t/err
}

# --- pre-push -----------------------------------------------------------------

test_expect_success 'pre-push: new migrations pass, edits do not' '
	scene client &&
	hook .git/hooks pre-push &&
	new_migration b "CREATE TABLE b (x);" &&
	pushed origin main &&
	base=$(git rev-parse HEAD) &&
	commit_file migrations/a.sql "-- other" &&
	refused edited origin main &&
	grep "^nothing was pushed" .git/t/err &&
	git reset -q --hard $base &&
	new_migration c "CREATE TABLE c (x);" "c" "" "Fixes: a.sql" &&
	refused failure-mode origin main &&
	git commit -q --amend -m c -m "Fixes: a.sql
Failure-Mode: short" &&
	pushed origin main
'

test_expect_success 'pre-push: other branches, tags and notes are free' '
	git checkout -q -b side &&
	commit_file migrations/a.sql "-- other" &&
	git tag v1 &&
	git notes add -m text &&
	pushed origin side v1 refs/notes/commits &&
	refused edited origin side:main &&
	git checkout -q main
'

test_expect_success 'pre-push: deletion and force' '
	refused branch origin :main &&
	refused forced --force origin HEAD~1:main &&
	pushed origin :side
'

test_expect_success 'pre-push: what the remote has and nobody fetched' '
	git clone -q ../client.git ../other &&
	(
		cd ../other &&
		new_migration theirs "SELECT 1;" &&
		git push -q origin main 2>/dev/null
	) &&
	new_migration ours "SELECT 1;" &&
	refused unseen origin main &&
	grep "has moved on at the remote, to .*, which is not here" .git/t/err &&
	refused unseen --force origin main &&
	git pull -q --rebase &&
	pushed --force origin main
'

test_expect_success 'pre-push: which branch that is' '
	git config migrate.branch release &&
	git checkout -q -b release &&
	pushed origin release &&
	commit_file migrations/a.sql "-- other" &&
	refused edited origin release &&
	pushed origin HEAD:main &&
	git config migrate.branch refs/remotes/origin/release &&
	refused edited origin release &&
	git config migrate.branch refs/heads/main &&
	pushed origin release &&
	git config --unset migrate.branch &&
	git remote set-head -d origin &&
	commit_file migrations/a.sql "-- more" &&
	pushed origin HEAD:main
'

test_expect_success 'pre-push: to a URL it goes by migrate.branch alone' '
	scene url &&
	hook .git/hooks pre-push &&
	base=$(git rev-parse HEAD) &&
	commit_file migrations/a.sql "-- other" &&
	git config migrate.branch main &&
	refused edited "$(git config remote.origin.url)" main &&
	git config --unset migrate.branch &&
	pushed "$(git config remote.origin.url)" main
'

test_expect_success 'pre-push: names with blanks, and lines that git does not write' '
	scene lines &&
	hook .git/hooks pre-push &&
	new_migration b "SELECT 1;" "a b c" &&
	pushed origin "HEAD^{/a b}:main" &&
	commit_file migrations/a.sql "-- other" "d e" &&
	refused edited origin "HEAD^{/d e}:main" &&
	for line in x "a b c d" "a $zero refs/heads/main" "$zero refs/heads/main $zero" \
		"a $zero refs/heads/main ${zero}0" "a b$zero refs/heads/main $zero"
	do
		echo "$line" >.git/t/in &&
		test_expect_code 128 git migrate hook pre-push origin url <.git/t/in 2>.git/t/err &&
		grep "^error: could not read a line" .git/t/err || return 1
	done &&
	git migrate hook pre-push origin url </dev/null
'

test_expect_success 'pre-push: mirrors' '
	scene mirror &&
	git migrate init --no-hooks sqlite:.git/app.db >.git/t/out 2>&1 &&
	hook .git/hooks pre-push &&
	git migrate apply >.git/t/out 2>&1 &&
	pushed origin refs/notes/migrate/default &&
	refused mirror origin :refs/notes/migrate/default &&
	git update-ref refs/notes/migrate/bad HEAD &&
	refused mirror origin refs/notes/migrate/bad &&
	(
		cd ../mirror.git &&
		git update-ref refs/notes/migrate/default $(git commit-tree -m other \
			-p refs/notes/migrate/default refs/notes/migrate/default^{tree})
	) &&
	refused unseen --force origin refs/notes/migrate/default &&
	git fetch -q origin &&
	new_migration b "SELECT 1;" &&
	git migrate apply >.git/t/out 2>&1 &&
	pushed origin refs/notes/migrate/default
'

# --- update -------------------------------------------------------------------

test_expect_success 'update: one ref is refused, the others go on' '
	scene update update &&
	new_migration b "SELECT 1;" &&
	pushed origin main &&
	commit_file migrations/a.sql "-- other" &&
	server_refs >.git/t/before &&
	test_must_fail git push origin main main:side 2>.git/t/err &&
	grep "error: migration .a.sql. was edited after it landed \[edited\]" .git/t/err &&
	grep "the update was refused; the ref was not changed" .git/t/err &&
	server_refs >.git/t/after &&
	grep refs/heads/side .git/t/after &&
	grep -v refs/heads/side .git/t/after >.git/t/rest &&
	test_cmp .git/t/before .git/t/rest
'

test_expect_success 'update: creation and deletion' '
	git --git-dir=../update.git config receive.denyDeleteCurrent ignore &&
	refused branch origin :main &&
	pushed origin :side &&
	pushed origin HEAD:refs/heads/new
'

test_expect_success 'update: arguments that git does not give' '
	test_expect_code 129 git migrate hook update refs/heads/main x y 2>.git/t/err &&
	grep "^error: .x. and .y. are not the ids that git gives to update" .git/t/err &&
	test_expect_code 129 git migrate hook update refs/heads/main 2>.git/t/err &&
	test_expect_code 129 git migrate hook update a b c d 2>.git/t/err &&
	git migrate hook update refs/heads/other $zero $zero
'

# --- another name of the branch -------------------------------------------------

test_expect_success 'pre-receive: a symbolic ref is no way round' '
	scene alias pre-receive &&
	git --git-dir=../alias.git symbolic-ref refs/heads/alias refs/heads/main &&
	base=$(git rev-parse HEAD) &&
	commit_file migrations/a.sql "-- other" &&
	refused edited origin HEAD:alias &&
	git reset -q --hard $base &&
	new_migration b "SELECT 1;" &&
	pushed origin HEAD:alias &&
	git --git-dir=../alias.git config migrate.branch alias &&
	commit_file migrations/a.sql "-- other" &&
	refused edited origin HEAD:main
'

test_done
