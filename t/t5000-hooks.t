#!/bin/sh

test_description='pre-commit and pre-receive, through real commits and pushes'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

# scene NAME: a bare repository NAME.git with its hook, and a clone NAME with its own;
# one migration has landed on main. The current directory is the clone from then on.
scene() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main "$1.git" &&
	git -C "$1.git" migrate init >/dev/null 2>&1 &&
	git clone -q "$1.git" "$1" 2>/dev/null &&
	cd "$1" &&
	git checkout -q -B main &&
	mkdir .git/t &&
	git migrate init sqlite:.git/app.db >/dev/null 2>&1 &&
	rm .git/hooks/commit-msg .git/hooks/pre-push && # trailers are for the server to judge
	new_migration a 'CREATE TABLE a (x);' &&
	git push -q origin main 2>/dev/null &&
	git remote set-head origin main
}

server() {
	git --git-dir="$(git config remote.origin.url)" "$@"
}

# commit_refused MESSAGE COMMAND...: the command must not make a commit; index and
# work tree stay.
commit_refused() {
	commit_message=$1
	shift
	{ git rev-parse HEAD && git ls-files -s && git status --porcelain; } >.git/t/before &&
	test_must_fail "$@" >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: $commit_message" &&
	grep "^hint: " .git/t/err >/dev/null &&
	has_line .git/t/err "nothing was committed" &&
	{ git rev-parse HEAD && git ls-files -s && git status --porcelain; } >.git/t/after &&
	test_cmp .git/t/before .git/t/after
}

# push_refused MESSAGE ARGUMENTS...: the server must refuse, and keep its refs.
push_refused() {
	push_message=$1
	shift
	server for-each-ref >.git/t/before &&
	test_must_fail git push "$@" >.git/t/out 2>.git/t/err &&
	sed -n "s/^remote: //p" .git/t/err | sed "s/ *\$//" >.git/t/remote &&
	has_line .git/t/remote "error: $push_message" &&
	grep "^hint: " .git/t/remote >/dev/null &&
	has_line .git/t/remote "the push was refused; nothing was changed" &&
	server for-each-ref >.git/t/after &&
	test_cmp .git/t/before .git/t/after
}

# pushed ARGUMENTS...: the server must accept, and say nothing.
pushed() {
	git push "$@" >.git/t/out 2>.git/t/err || {
		cat .git/t/err
		return 1
	}
	! grep "^remote: " .git/t/err
}

# --- init ---------------------------------------------------------------------

test_expect_success 'init installs the hook, twice is once' '
	scene init &&
	test -x .git/hooks/pre-commit &&
	test ! -e .git/hooks/pre-receive &&
	test -x ../init.git/hooks/pre-receive &&
	test ! -e ../init.git/hooks/pre-commit &&
	git migrate init >.git/t/out 2>&1 &&
	cp .git/config .git/t/config &&
	ls .git/hooks >.git/t/hooks &&
	git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	test_cmp .git/t/config .git/config &&
	ls .git/hooks >.git/t/actual &&
	test_cmp .git/t/hooks .git/t/actual &&
	git config --get-all remote.origin.fetch >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	+refs/heads/*:refs/remotes/origin/*
	refs/notes/migrate/*:refs/notes/origin/migrate/*
	END
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'init with another URL for a known target is refused' '
	cp .git/config .git/t/config &&
	test_expect_code 1 git migrate init sqlite:other.db >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: target '\''default'\'' is another database already" &&
	grep "^hint: " .git/t/err &&
	test_cmp .git/t/config .git/config
'

test_expect_success 'a hook that was there runs first, and its refusal counts' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo chain &&
	cd chain &&
	mkdir -p .git/t .git/hooks &&
	printf "#!/bin/sh\necho before >>.git/t/ran\ntest ! -e .git/t/refuse\n" >.git/hooks/pre-commit &&
	chmod +x .git/hooks/pre-commit &&
	git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	grep "^kept your pre-commit hook as pre-commit.before-migrate" .git/t/out &&
	new_migration a "CREATE TABLE a (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	echo before >.git/t/expect &&
	test_cmp .git/t/expect .git/t/ran &&
	touch .git/t/refuse &&
	test_must_fail new_migration b "CREATE TABLE b (x);" &&
	rm .git/t/refuse &&
	git commit -qm "add b" &&
	echo "-- more" >>migrations/a.sql &&
	test_must_fail git commit -qam "edit" 2>.git/t/err &&
	grep "^error: migration .a.sql. was edited" .git/t/err &&
	git migrate init >.git/t/out 2>&1 &&
	grep "echo before" .git/hooks/pre-commit.before-migrate
'

test_expect_success 'a pre-receive hook that was there gets the same input' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main chain.git &&
	mkdir -p chain.git/hooks &&
	printf "#!/bin/sh\ncat >seen\ntest ! -e refuse\n" >chain.git/hooks/pre-receive &&
	chmod +x chain.git/hooks/pre-receive &&
	git -C chain.git migrate init >out 2>&1 &&
	cd chain &&
	git reset -q --hard &&
	git remote add origin ../chain.git &&
	git push -q origin main &&
	echo "0000000000000000000000000000000000000000 $(git rev-parse main) refs/heads/main" \
		>.git/t/expect &&
	test_cmp .git/t/expect ../chain.git/seen &&
	touch ../chain.git/refuse &&
	new_migration c "CREATE TABLE c (x);" &&
	test_must_fail git push -q origin main 2>.git/t/err &&
	rm ../chain.git/refuse &&
	git push -q origin main
'

test_expect_success 'core.hooksPath outside of the project is where the hook goes' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo hookspath &&
	cd hookspath &&
	git config core.hooksPath "$SHARNESS_TRASH_DIRECTORY/common-hooks" &&
	git migrate init sqlite:.git/app.db >.git/out 2>&1 &&
	test -x ../common-hooks/pre-commit &&
	new_migration a "CREATE TABLE a (x);" &&
	git migrate apply >.git/out 2>&1 &&
	echo "-- more" >>migrations/a.sql &&
	test_must_fail git commit -qam "edit" 2>.git/err &&
	grep "^error: migration .a.sql. was edited" .git/err
'

test_expect_success 'init --no-hooks' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo nohooks &&
	cd nohooks &&
	git migrate init --no-hooks sqlite:.git/app.db >.git/out 2>&1 &&
	test ! -e .git/hooks/pre-commit
'

# --- pre-commit ---------------------------------------------------------------

test_expect_success 'commit: own unpushed work is free' '
	scene free &&
	new_migration b "CREATE TABLE b (x);" &&
	commit_file migrations/b.sql "CREATE TABLE b (x, y);" &&
	git mv migrations/b.sql migrations/c.sql &&
	git commit -qm "rename" &&
	git rm -q migrations/c.sql &&
	git commit -qm "delete" &&
	git commit -q --allow-empty -m "nothing"
'

test_expect_success 'commit: the first commit of a repository' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo unborn &&
	cd unborn &&
	git migrate init sqlite:.git/app.db >.git/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);"
'

test_expect_success 'commit: an edit of what landed' '
	scene landed &&
	echo "-- later" >>migrations/a.sql &&
	git add migrations/a.sql &&
	commit_refused "migration '\''a.sql'\'' was edited; it has landed on the protected branch [edited]" \
		git commit -m "edit" &&
	git checkout -q HEAD -- migrations/a.sql &&
	new_migration fix "CREATE TABLE b (x);" "fix a" "" "Fixes: a.sql" "Failure-Mode: it was short"
'

test_expect_success 'commit -a and commit -- <path> are seen too' '
	echo "-- later" >>migrations/a.sql &&
	commit_refused "migration '\''a.sql'\'' was edited; it has landed on the protected branch [edited]" \
		git commit -a -m "edit" &&
	commit_refused "migration '\''a.sql'\'' was edited; it has landed on the protected branch [edited]" \
		git commit -m "edit" -- migrations/a.sql &&
	git checkout -q HEAD -- migrations/a.sql
'

test_expect_success 'commit: deletion, rename, mode and type of what landed' '
	git rm -q migrations/a.sql &&
	commit_refused "migration '\''a.sql'\'' was deleted; it has landed on the protected branch [deleted]" \
		git commit -m "delete" &&
	git reset -q --hard &&
	git mv migrations/a.sql migrations/z.sql &&
	commit_refused "migration '\''a.sql'\'' was renamed to '\''z.sql'\''; it has landed on the protected branch [renamed]" \
		git commit -m "rename" &&
	git reset -q --hard &&
	git update-index --chmod=+x migrations/a.sql &&
	commit_refused "the mode of migration '\''a.sql'\'' was changed; it has landed on the protected branch [mode]" \
		git commit -m "mode" &&
	git reset -q --hard &&
	cp migrations/a.sql elsewhere &&
	ln -sf ../elsewhere migrations/a.sql &&
	git add migrations/a.sql &&
	commit_refused "the mode of migration '\''a.sql'\'' was changed; it has landed on the protected branch [mode]" \
		git commit -m "link" &&
	git reset -q --hard
'

test_expect_success 'commit: back to what landed is free' '
	echo "-- later" >>migrations/a.sql &&
	git commit -q --no-verify -am "past the hook" &&
	git checkout -q origin/main -- migrations/a.sql &&
	git commit -qm "back"
'

test_expect_success 'commit: another file under the name of one that landed' '
	git checkout -q --orphan other && git rm -rqf . && git commit -q --allow-empty -m start &&
	mkdir -p migrations &&
	echo "SELECT 2;" >migrations/a.sql && git add migrations &&
	commit_refused "migration '\''a.sql'\'' is not the one that has landed on the protected branch [edited]" \
		git commit -m "other" &&
	there=$(sed -n "s/^hint: .*(git \(cat-file [^)]*\)).*/\1/p" .git/t/err) &&
	git mv migrations/a.sql migrations/own.sql && git commit -q -m "of its own" &&
	git $there >migrations/a.sql && git add migrations && git commit -q -m "as it is there" &&
	git diff --exit-code origin/main HEAD -- migrations/a.sql &&
	git checkout -q main
'

test_expect_success 'commit: what was applied is protected, landed or not' '
	new_migration local "CREATE TABLE l (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	echo "-- later" >>migrations/local.sql &&
	at=$(git notes --ref=migrate/default show HEAD | sed -n "s/.* path=local.sql .* at=\([^ ]*\) .*/\1/p") &&
	commit_refused "migration '\''local.sql'\'' was edited; it was applied to target '\''default'\'' at $at [edited]" \
		git commit -am "edit"
'

test_expect_success 'commit: what a colleague applied is protected when the mirror is fetched' '
	git checkout -q HEAD -- migrations/local.sql &&
	git push -q origin main refs/notes/migrate/default &&
	git clone -q -c migrate.protect=applied ../landed.git ../colleague &&
	cd ../colleague &&
	mkdir .git/t &&
	git migrate init >.git/t/out 2>&1 &&
	echo "-- later" >>migrations/local.sql &&
	git commit -qam "before the fetch nobody knows" &&
	git reset -q --hard HEAD^ &&
	git fetch -q &&
	echo "-- later" >>migrations/local.sql &&
	commit_refused "migration '\''local.sql'\'' was edited; it was applied to target '\''default'\'' at $at [edited]" \
		git commit -am "edit"
'

test_expect_success 'commit: names and types of new files' '
	scene names &&
	mkdir -p migrations &&
	echo "SELECT 1;" >"migrations/a b.sql" &&
	git add migrations &&
	commit_refused "file '\''migrations/a b.sql'\'' cannot be a migration: only letters, digits, '\''.'\'', '\''_'\'' and '\''-'\'' can stand in a name [name]" \
		git commit -m "blank" &&
	git mv "migrations/a b.sql" migrations/ab.sql &&
	git commit -qm "good" &&
	echo "SELECT 1;" >migrations/B.SQL &&
	git add migrations &&
	commit_refused "file '\''migrations/B.SQL'\'' cannot be a migration: the extension has to be '\''.sql'\'' in lower case [name]" \
		git commit -m "case" &&
	git mv migrations/B.SQL migrations/AB.sql &&
	commit_refused "migrations '\''ab.sql'\'' and '\''AB.sql'\'' differ in case alone [case]" \
		git commit -m "fold" &&
	git mv migrations/AB.sql migrations/.hidden.sql &&
	commit_refused "file '\''migrations/.hidden.sql'\'' cannot be a migration: each part of a path has to begin with a letter or digit [name]" \
		git commit -m "dot" &&
	git rm -qf migrations/.hidden.sql &&
	ln -s ab.sql migrations/link.sql &&
	git add migrations &&
	commit_refused "'\''migrations/link.sql'\'' cannot be a migration: it is a symbolic link [type]" \
		git commit -m "link" &&
	git rm -qf migrations/link.sql &&
	echo text >migrations/README.txt &&
	git add migrations &&
	git commit -qm "other files are free"
'

test_expect_success 'commit from a subfolder and from a linked worktree' '
	scene places &&
	mkdir -p deep &&
	echo "-- later" >>migrations/a.sql &&
	test_must_fail git -C deep commit -qam "edit" 2>.git/t/err &&
	grep "^error: migration .a.sql. was edited" .git/t/err &&
	git checkout -q HEAD -- migrations/a.sql &&
	git worktree add -q ../places-linked &&
	echo "-- later" >>../places-linked/migrations/a.sql &&
	test_must_fail git -C ../places-linked commit -qam "edit" 2>.git/t/err &&
	grep "^error: migration .a.sql. was edited" .git/t/err
'

# --- pre-receive --------------------------------------------------------------

test_expect_success 'push: new migrations' '
	scene push &&
	new_migration b "CREATE TABLE b (x);" &&
	new_migration fix "CREATE TABLE c (x);" "fix a" "" "Fixes: a.sql" "Failure-Mode: too short" &&
	pushed origin main
'

test_expect_success 'push: edit, deletion, rename, mode, type of what landed' '
	base=$(git rev-parse HEAD) &&
	echo "-- later" >>migrations/a.sql &&
	git commit -q --no-verify -am "edit" &&
	push_refused "migration '\''a.sql'\'' was edited after it landed [edited]" origin main &&
	git reset -q --hard $base &&
	git rm -q migrations/a.sql &&
	git commit -q --no-verify -m "delete" &&
	push_refused "migration '\''a.sql'\'' was deleted after it landed [deleted]" origin main &&
	git reset -q --hard $base &&
	git mv migrations/a.sql migrations/z.sql &&
	git commit -q --no-verify -m "rename" &&
	push_refused "migration '\''a.sql'\'' was renamed to '\''z.sql'\'' after it landed [renamed]" origin main &&
	git reset -q --hard $base &&
	git update-index --chmod=+x migrations/a.sql &&
	git commit -q --no-verify -m "mode" &&
	push_refused "the mode of migration '\''a.sql'\'' was changed after it landed [mode]" origin main &&
	git reset -q --hard $base &&
	ln -s a.sql migrations/link.sql &&
	git add migrations &&
	git commit -q --no-verify -m "link" &&
	push_refused "'\''migrations/link.sql'\'' cannot be a migration: it is a symbolic link [type]" origin main &&
	git reset -q --hard $base
'

test_expect_success 'push: a landed file that becomes a symbolic link' '
	cp migrations/a.sql elsewhere &&
	git add elsewhere &&
	ln -sf ../elsewhere migrations/a.sql &&
	git commit -q --no-verify -am "link" &&
	server for-each-ref >.git/t/before &&
	test_must_fail git push origin main 2>.git/t/err &&
	grep "^remote: error: .*a.sql" .git/t/err &&
	server for-each-ref >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	git reset -q --hard $base
'

test_expect_success 'push: edited and put back in one push is no change' '
	echo "-- later" >>migrations/a.sql &&
	git commit -q --no-verify -am "edit" &&
	git revert --no-edit HEAD >.git/t/out &&
	pushed origin main
'

test_expect_success 'push: own unpushed work may have changed on the way' '
	new_migration d "CREATE TABLE d (x);" &&
	commit_file migrations/d.sql "CREATE TABLE d (x, y);" &&
	pushed origin main
'

test_expect_success 'push: a fix without failure mode, of something unknown, of itself' '
	base=$(git rev-parse HEAD) &&
	new_migration e "CREATE TABLE e (x);" "add e" "" "Fixes: a.sql" &&
	push_refused "migration '\''e.sql'\'' says what it fixes and not how that failed [failure-mode]" \
		origin main &&
	git reset -q --hard $base &&
	new_migration e "CREATE TABLE e (x);" "add e" "" "Fixes: nowhere.sql" "Failure-Mode: x" &&
	push_refused "\"Fixes: nowhere.sql\" of migration '\''e.sql'\'' names no migration of the plan [unresolved]" \
		origin main &&
	git reset -q --hard $base &&
	new_migration e "CREATE TABLE e (x);" "add e" "" "Fixes: e.sql" "Failure-Mode: x" &&
	push_refused "migration '\''e.sql'\'' names itself in \"Fixes: e.sql\" [later]" origin main &&
	git reset -q --hard $base &&
	new_migration e "CREATE TABLE e (x);" "add e" "" "Fixes: a.sql" "Failure-Mode: x" &&
	pushed origin main
'

test_expect_success 'push: a foxtrot that reorders' '
	scene foxtrot &&
	git checkout -q -b work &&
	new_migration w "CREATE TABLE w (x);" &&
	git checkout -q main &&
	new_migration m "CREATE TABLE m (x);" &&
	pushed origin main &&
	git checkout -q work &&
	tick &&
	git merge -q main &&
	push_refused "the merge is the wrong way round: '\''w.sql'\'' would come before '\''m.sql'\'' [foxtrot]" \
		origin work:main &&
	git checkout -q main &&
	tick &&
	git merge -q --no-ff work^1 &&
	pushed origin main
'

test_expect_success 'push: a foxtrot that reorders nothing passes' '
	git checkout -q -b harmless origin/main &&
	commit_file README "text" &&
	git checkout -q main &&
	new_migration n "CREATE TABLE n (x);" &&
	pushed origin main &&
	git checkout -q harmless &&
	tick &&
	git merge -q main &&
	new_migration o "CREATE TABLE o (x);" &&
	pushed origin harmless:main
'

test_expect_success 'push: forced, by a branch that lacks what landed' '
	server config receive.denyNonFastForwards false &&
	git checkout -q -B forced HEAD~3 &&
	new_migration p "CREATE TABLE p (x);" &&
	server for-each-ref >.git/t/before &&
	test_must_fail git push --force origin forced:main 2>.git/t/err &&
	grep "^remote: error: a forced push would put in the branch.s place one that lacks .* \[forced\]" \
		.git/t/err &&
	! grep "was deleted" .git/t/err &&
	server for-each-ref >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'push: forced, back to an older commit' '
	git fetch -q && git checkout -q -B back origin/main &&
	new_migration q "CREATE TABLE q (x);" &&
	pushed origin back:main &&
	push_refused "the branch would go back to a commit that lacks '\''q.sql'\'' [forced]" \
		--force origin back~1:main
'

test_expect_success 'push: a rewrite that reorders is named so' '
	scene rewrite &&
	server config receive.denyNonFastForwards false &&
	new_migration b "CREATE TABLE b (x);" &&
	new_migration c "CREATE TABLE c (x);" &&
	pushed origin main &&
	git reset -q --hard HEAD~2 &&
	new_migration c "CREATE TABLE c (x);" &&
	new_migration b "CREATE TABLE b (x);" &&
	push_refused "the history was rewritten: '\''c.sql'\'' would come before '\''b.sql'\'' [rewritten]" \
		--force origin main
'

test_expect_success 'push: a rewrite that changes the trailers of what landed' '
	git fetch -q &&
	git reset -q --hard origin/main &&
	new_migration d "CREATE TABLE d (x);" "add d" "" "Fixes: a.sql" "Failure-Mode: one" &&
	pushed origin main &&
	tick &&
	git commit -q --amend -m "add d" -m "Fixes: b.sql
Failure-Mode: another" &&
	push_refused "the trailers of migration '\''d.sql'\'' were changed after it landed [relabelled]" \
		--force origin main
'

test_expect_success 'push: a rewrite that changes neither order nor files passes' '
	git reset -q --hard origin/main &&
	tick &&
	git commit -q --amend -m "add d, in other words" -m "Fixes: a.sql
Failure-Mode: one" &&
	pushed --force origin main
'

test_expect_success 'push: the protected branch cannot be deleted, others can' '
	scene delete &&
	server config receive.denyDeleteCurrent false &&
	pushed origin main:refs/heads/topic &&
	push_refused "the protected branch '\''refs/heads/main'\'' cannot be deleted [branch]" \
		origin :main &&
	pushed origin :topic
'

test_expect_success 'push: feature branches and tags are free' '
	git checkout -q -b topic &&
	echo "-- later" >>migrations/a.sql &&
	git commit -q --no-verify -am "edit" &&
	git tag edited &&
	pushed origin topic edited
'

test_expect_success 'push: migrate.branch says which branch is protected' '
	server config migrate.branch topic &&
	git rm -q migrations/a.sql &&
	git commit -q --no-verify -m "delete" &&
	push_refused "migration '\''a.sql'\'' was deleted after it landed [deleted]" origin topic &&
	pushed origin topic:main &&
	server config --unset migrate.branch
'

test_expect_success 'push: several refs, one of them bad: all are judged, none is taken' '
	scene several &&
	new_migration b "CREATE TABLE b (x);" &&
	git branch good &&
	echo "-- later" >>migrations/a.sql &&
	git commit -q --no-verify -am "edit" &&
	push_refused "migration '\''a.sql'\'' was edited after it landed [edited]" origin main good &&
	git reset -q --hard good &&
	pushed origin main good
'

test_expect_success 'push: the first push into an empty repository is judged' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main first.git &&
	git -C first.git migrate init >/dev/null 2>&1 &&
	make_repo first &&
	cd first &&
	mkdir .git/t &&
	git remote add origin ../first.git &&
	new_migration a "CREATE TABLE a (x);" "add a" "" "Fixes: nowhere" "Failure-Mode: x" &&
	push_refused "\"Fixes: nowhere\" of migration '\''a.sql'\'' names no migration of the plan [unresolved]" \
		origin main &&
	tick &&
	git commit -q --amend -m "add a" &&
	pushed origin main
'

test_expect_success 'push: the folder of migrations does not move by a push' '
	scene settings &&
	printf "[migrate]\n\tpath = elsewhere\n" >.gitmigrate &&
	git add .gitmigrate &&
	git commit -qm "move" &&
	server for-each-ref >.git/t/before &&
	test_must_fail git push origin main 2>.git/t/err &&
	grep "^remote: error: migrate.path was changed .*\[settings\]" .git/t/err &&
	server for-each-ref >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	server config migrate.path migrations &&
	pushed origin main
'

test_expect_success 'push: quarantine where the path has a colon, the second push too' '
	scene "co:lon" &&
	git repack -adq &&
	new_migration b "CREATE TABLE b (x);" &&
	pushed origin main &&
	new_migration c "CREATE TABLE c (x);" &&
	pushed origin main &&
	echo "-- later" >>migrations/b.sql &&
	git commit -q --no-verify -am "edit" &&
	push_refused "migration '\''b.sql'\'' was edited after it landed [edited]" origin main
'

test_expect_success 'push: a history without migrations' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main plain.git &&
	git -C plain.git migrate init >/dev/null 2>&1 &&
	make_repo plain &&
	cd plain &&
	mkdir .git/t &&
	git remote add origin ../plain.git &&
	commit_file README text &&
	pushed origin main &&
	new_migration a "CREATE TABLE a (x);" &&
	pushed origin main
'

# --- mirrors ------------------------------------------------------------------

mirror=refs/notes/migrate/default

test_expect_success 'mirror: new, and grown' '
	scene mirror &&
	git migrate apply >.git/t/out 2>&1 &&
	pushed origin $mirror &&
	new_migration b "CREATE TABLE b (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	pushed origin main $mirror &&
	server rev-parse $mirror >.git/t/actual &&
	git rev-parse $mirror >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'mirror: deletion' '
	push_refused "$mirror: a mirror cannot be deleted [mirror]" origin :$mirror
'

test_expect_success 'mirror: rewritten' '
	server config receive.denyNonFastForwards false &&
	sound=$(git rev-parse $mirror) &&
	git update-ref $mirror $(git commit-tree -m "rewritten" $mirror^{tree}) &&
	push_refused "$mirror: the mirror was rewritten [mirror]" --force origin $mirror
'

test_expect_success 'proofs: they only grow' '
	server config receive.denyNonFastForwards false && server config receive.denyDeletes false &&
	proofs=refs/notes/migrate-proof/rehearsals && git notes --ref=$proofs add -m "rehearsed one" HEAD && pushed origin $proofs &&
	one=$(git rev-parse $proofs) && git notes --ref=$proofs append -m "rehearsed two" HEAD && pushed origin $proofs &&
	two=$(git rev-parse $proofs) &&
	push_refused "$proofs: what was noted cannot be deleted [mirror]" origin :$proofs &&
	git update-ref $proofs $one && push_refused "$proofs: what was noted was rewritten [mirror]" --force origin $proofs &&
	git notes --ref=$proofs append -m "rehearsed three" HEAD &&
	push_refused "$proofs: what was noted was rewritten [mirror]" --force origin $proofs &&
	test "$(server rev-parse $proofs)" = "$two" &&
	git update-ref $proofs "$(git commit-tree -p $two -m "set back" $one^{tree})" &&
	push_refused "$proofs: what was noted was taken out or changed [mirror]" origin $proofs &&
	git update-ref $proofs $two && git notes --ref=$proofs add -f -m "rehearsed one${LF}rehearsed tow" HEAD &&
	push_refused "$proofs: what was noted was taken out or changed [mirror]" origin $proofs &&
	git update-ref $proofs $one && git notes --ref=$proofs append -m "rehearsed three" HEAD &&
	git fetch -q origin $proofs && git notes --ref=$proofs merge -q -s cat_sort_uniq FETCH_HEAD && pushed origin $proofs &&
	server notes --ref=$proofs show HEAD >actual && printf "%s\n" "rehearsed one" "rehearsed three" "rehearsed two" | test_cmp - actual
'

test_expect_success 'mirror: a line changed' '
	git update-ref $mirror $sound &&
	git notes --ref=$mirror show HEAD | sed "s/C%20O/X%20Y/" >.git/t/lines &&
	git notes --ref=$mirror add -f -F .git/t/lines HEAD 2>.git/t/err &&
	push_refused "$mirror: a record was taken out or changed [mirror]" origin $mirror
'

test_expect_success 'mirror: a line removed' '
	git update-ref $mirror $sound &&
	git notes --ref=$mirror remove HEAD 2>.git/t/err &&
	push_refused "$mirror: a record was taken out or changed [mirror]" origin $mirror
'

test_expect_success 'mirror: a line added that continues nothing' '
	git update-ref $mirror $sound &&
	{
		git notes --ref=$mirror show HEAD &&
		git notes --ref=$mirror show HEAD | sed "s/^0*4 /0000000005 /"
	} >.git/t/lines &&
	git notes --ref=$mirror add -f -F .git/t/lines HEAD 2>.git/t/err &&
	server for-each-ref >.git/t/before &&
	test_must_fail git push origin $mirror 2>.git/t/err &&
	grep "^remote: error: $mirror: record .*\[mirror\]" .git/t/err &&
	server for-each-ref >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'mirror: a line added that is no record' '
	git update-ref $mirror $sound &&
	git notes --ref=$mirror append -m "looks good to me" HEAD 2>.git/t/err &&
	server for-each-ref >.git/t/before &&
	test_must_fail git push origin $mirror 2>.git/t/err &&
	grep "^remote: error: $mirror: .*\[mirror\]" .git/t/err &&
	server for-each-ref >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'mirror: another fanout, and a copy of a line, are no change' '
	git update-ref $mirror $sound &&
	git ls-tree --name-only $mirror | grep "^..\$" &&
	git notes --ref=$mirror copy HEAD HEAD^{tree} &&
	! git ls-tree --name-only $mirror | grep "^..\$" &&
	pushed origin $mirror
'

test_expect_success 'mirror: other notes are free' '
	git notes --ref=other add -m "hello" HEAD &&
	pushed origin refs/notes/other &&
	pushed origin :refs/notes/other
'

# objects are opened anew when a lot was read: those of the quarantine too
test_expect_success 'megabytes of migrations are read from the quarantine to the last' '
	scene large &&
	for i in 1 2 3 4 5; do
		{ printf -- "--%01500000d\n" 0 && echo "CREATE TABLE large$i (x);"; } >migrations/large$i.sql &&
		git add migrations && git commit -qm "large $i" || return 1
	done &&
	pushed origin main &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "large5.sql" .git/t/out
'

test_done
