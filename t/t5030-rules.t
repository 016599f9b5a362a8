#!/bin/sh

test_description='rules that depend on more than one commit, and those that settings ask for'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

# scene NAME: a bare repository with its hook and a clone without; a.sql has landed
scene() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main "$1.git" &&
	mkdir -p "$1.git/hooks" &&
	printf '#!/bin/sh\nexec git migrate hook pre-receive\n' >"$1.git/hooks/pre-receive" &&
	chmod +x "$1.git/hooks/pre-receive" &&
	git --git-dir="$1.git" config receive.denyDeleteCurrent ignore &&
	git clone -q "$1.git" "$1" 2>/dev/null &&
	cd "$1" &&
	git checkout -q -B main &&
	mkdir -p .git/t &&
	new_migration a 'CREATE TABLE a (x);' &&
	git push -q origin main 2>/dev/null &&
	git remote set-head origin main
}

server() {
	git --git-dir="$(git config remote.origin.url)" "$@"
}

# refused RULES ARGUMENTS...: the push must be refused by these, and change nothing
refused() {
	refused_rules=$1
	shift
	server for-each-ref >.git/t/before &&
	test_must_fail git push "$@" >.git/t/out 2>.git/t/err &&
	sed -n 's/^remote: error: .* \[\(.*\)\] *$/\1/p' .git/t/err >.git/t/rules &&
	printf '%s\n' $refused_rules >.git/t/expect &&
	test_cmp .git/t/expect .git/t/rules &&
	grep "hint: " .git/t/err >/dev/null &&
	server for-each-ref >.git/t/after &&
	test_cmp .git/t/before .git/t/after
}

says() {
	grep "^remote: error: $1" .git/t/err
}

pushed() {
	git push "$@" >.git/t/out 2>.git/t/err || {
		cat .git/t/err
		return 1
	}
	! grep -E "^remote: (error|warning|hint): " .git/t/err
}

# --- reverts ------------------------------------------------------------------

test_expect_success 'a git revert is told apart from a deletion' '
	scene revert &&
	new_migration b "SELECT 1;" &&
	pushed origin main &&
	base=$(git rev-parse HEAD) &&
	git revert --no-edit HEAD >.git/t/out &&
	refused reverted origin main &&
	says "migration .b.sql. was reverted after it landed" &&
	grep "hint: .*git migrate new.*Fixes: b.sql" .git/t/err &&
	git reset -q --hard $base &&
	git rm -q migrations/b.sql && git commit -q -m "go away" &&
	refused deleted origin main &&
	git reset -q --hard $base &&
	git commit -q --allow-empty -m "as said" -m "This reverts commit $base." &&
	pushed origin main
'

test_expect_success 'a revert that comes by a merge, and the revert of a merge' '
	git checkout -q -b side &&
	new_migration c "SELECT 2;" &&
	git checkout -q main && git merge -q --no-ff -m merge side &&
	pushed origin main &&
	base=$(git rev-parse HEAD) &&
	git checkout -q -b undo &&
	git revert --no-edit HEAD^2 >.git/t/out &&
	git checkout -q main && git merge -q --no-ff -m "merge undo" undo &&
	refused reverted origin main &&
	git reset -q --hard $base &&
	git revert --no-edit -m 1 HEAD >.git/t/out &&
	refused reverted origin main &&
	git reset -q --hard $base &&
	git revert --no-edit HEAD~2 >.git/t/out &&
	git revert --no-edit HEAD >.git/t/out &&
	new_migration d "SELECT 3;" &&
	refused "reordered" origin main &&
	git reset -q --hard $base
'

test_expect_success 'pre-commit tells a revert by hand' '
	git revert -n HEAD^2 &&
	test_expect_code 1 git migrate hook pre-commit 2>.git/t/err &&
	grep "^error: migration .c.sql. was reverted; it has landed" .git/t/err &&
	git revert --abort &&
	git rm -q migrations/c.sql &&
	test_expect_code 1 git migrate hook pre-commit 2>.git/t/err &&
	grep "^error: migration .c.sql. was deleted; it has landed" .git/t/err &&
	git reset -q --hard &&
	git migrate hook pre-commit
'

test_expect_success 'landed: what ran somewhere lands as it ran' '
	scene ran && git migrate init --no-hooks sqlite:.git/app.db >.git/t/out 2>&1 &&
	new_migration b "CREATE TABLE b (x);" && git migrate apply >.git/t/out 2>&1 &&
	ran=$(git rev-parse HEAD) && pushed origin HEAD:refs/heads/side refs/notes/migrate/default &&
	printf "CREATE TABLE b (y);\n" >migrations/b.sql && git commit -q -a --amend --no-edit &&
	refused edited origin main && says "migration .b.sql. is not the one that was applied to target .default." &&
	test_expect_code 1 git migrate check origin/main.. 2>.git/t/err && grep "\[edited\]" .git/t/err &&
	echo "x $(git rev-parse HEAD) refs/heads/main $(git rev-parse HEAD^)" >.git/t/in &&
	test_expect_code 1 git migrate hook pre-push origin url <.git/t/in 2>.git/t/err &&
	git reset -q --hard $ran && pushed origin main
'

test_expect_success 'landed: a mirror in the same push counts, and so does one that is right' '
	new_migration d "CREATE TABLE d (x);" && git migrate apply >.git/t/out 2>&1 &&
	ran=$(git rev-parse HEAD) && commit_file migrations/d.sql "CREATE TABLE d (y);" &&
	refused edited origin main refs/notes/migrate/default && git reset -q --hard $ran &&
	pushed origin main refs/notes/migrate/default
'

# --- migrate.protect=applied ----------------------------------------------------

test_expect_success 'applied: what landed and did not run is free' '
	scene applied &&
	git migrate init --no-hooks sqlite:.git/app.db >.git/t/out 2>&1 &&
	git migrate apply >.git/t/out 2>&1 &&
	new_migration b "CREATE TABLE b (x);" &&
	pushed origin main refs/notes/migrate/default &&
	commit_file migrations/b.sql "CREATE TABLE b (y);" &&
	refused edited origin main &&
	server config migrate.protect applied &&
	pushed origin main &&
	git mv migrations/b.sql migrations/c.sql && tick && git commit -q -m "rename" &&
	pushed origin main &&
	commit_file migrations/a.sql "CREATE TABLE a (y);" &&
	refused edited origin main &&
	says "migration .a.sql. was edited after it was applied" &&
	git reset -q --hard HEAD^ &&
	git rm -q migrations/a.sql && tick && git commit -q -m "delete" &&
	refused deleted origin main &&
	git reset -q --hard HEAD^
'

test_expect_success 'applied: nothing may come before what ran' '
	git migrate apply >.git/t/out 2>&1 &&
	pushed origin refs/notes/migrate/default &&
	base=$(git rev-parse HEAD) &&
	git checkout -q -b foxtrot HEAD^ &&
	new_migration d "SELECT 1;" &&
	git merge -q --no-ff -m "the wrong way round" main &&
	refused foxtrot origin HEAD:main &&
	git checkout -q main &&
	git merge -q --no-ff -m "the right way round" foxtrot^1 &&
	pushed origin main
'

test_expect_success 'applied: a mirror in the same push counts at once' '
	new_migration e "CREATE TABLE e (x);" &&
	pushed origin main &&
	git migrate apply >.git/t/out 2>&1 &&
	commit_file migrations/e.sql "CREATE TABLE e (y);" &&
	refused edited origin main refs/notes/migrate/default &&
	says "migration .e.sql. was edited after it was applied" &&
	git reset -q --hard HEAD^ &&
	new_migration f "SELECT 1;" &&
	pushed origin main refs/notes/migrate/default
'

test_expect_success 'applied: the first push of the branch has to bring what ran, too' '
	git checkout -q -b kept &&
	scene first &&
	git migrate init --no-hooks sqlite:.git/app.db >.git/t/out 2>&1 &&
	git migrate apply >.git/t/out 2>&1 &&
	pushed origin refs/notes/migrate/default &&
	server config migrate.protect applied &&
	server update-ref -d refs/heads/main &&
	git checkout -q --orphan other &&
	commit_file migrations/a.sql "CREATE TABLE a (y);" &&
	refused edited origin other:main &&
	says "migration .a.sql. is not the one that was applied to target .default." &&
	pushed origin main &&
	cd ../applied && git checkout -q main
'

test_expect_success 'applied: on the other fronts too' '
	git config migrate.protect applied &&
	commit_file migrations/f.sql "SELECT 2;" &&
	git migrate check origin/main..HEAD &&
	echo "f $(git rev-parse HEAD) refs/heads/main $(git rev-parse HEAD^)" >.git/t/in &&
	git migrate hook pre-push origin url <.git/t/in &&
	git checkout -q -b other &&
	git checkout -q main &&
	git reset -q --hard HEAD^ &&
	git migrate check --merge other &&
	git checkout -q other &&
	commit_file migrations/e.sql "-- other" &&
	test_expect_code 1 git migrate check origin/main..HEAD 2>.git/t/err &&
	echo "f $(git rev-parse HEAD) refs/heads/main $(git rev-parse main)" >.git/t/in &&
	test_expect_code 1 git migrate hook pre-push origin url <.git/t/in 2>.git/t/err &&
	git checkout -q main &&
	test_expect_code 1 git migrate check --merge other 2>.git/t/err &&
	grep "^error: migration .e.sql. was edited after it was applied \[edited\]" .git/t/err
'

# --- the branch and tags ----------------------------------------------------------

test_expect_success 'the protected branch is neither deleted nor renamed' '
	scene names &&
	refused branch origin :main &&
	says "the protected branch .refs/heads/main. cannot be deleted" &&
	refused branch origin :main main:trunk &&
	says "the protected branch .refs/heads/main. cannot be renamed to .refs/heads/trunk." &&
	pushed origin main:trunk &&
	pushed origin :trunk
'

test_expect_success 'a new branch and its deletion in one push with a good update' '
	new_migration b "SELECT 1;" &&
	pushed origin main main:x &&
	commit_file migrations/a.sql "-- other" &&
	refused edited origin main main:y :x &&
	pushed origin main:y :x &&
	git reset -q --hard HEAD^
'

test_expect_success 'tags are free, but do not move from the branch to another history' '
	git tag v1 &&
	git tag -a -m two v2 HEAD^ &&
	pushed origin v1 v2 &&
	git tag -f v1 HEAD^ >.git/t/out &&
	pushed --force origin v1 &&
	git tag -f v1 HEAD >.git/t/out &&
	git checkout -q --detach &&
	new_migration c "SELECT 1;" &&
	git tag -f v1 >.git/t/out &&
	pushed --force origin v1 &&
	git tag -f v1 main >.git/t/out && pushed --force origin v1 &&
	commit_file migrations/a.sql "-- other" &&
	git tag -f v1 >.git/t/out &&
	refused tag --force origin v1 &&
	says "tag .v1. would be moved to rewritten history: migration .a.sql. was edited" &&
	git tag -f -a -m two v2 >.git/t/out &&
	refused tag --force origin v2 &&
	git tag v3 &&
	pushed origin v3 &&
	git tag -f v3 HEAD^ >.git/t/out &&
	pushed --force origin v3 &&
	pushed origin :v1 :v2 &&
	git tag -f blob HEAD:migrations/a.sql >.git/t/out &&
	pushed origin blob &&
	git checkout -q main
'

test_expect_success 'many tags at once: on the branch any number, off it a hundred' '
	scene many && for n in $(seq 120); do
		tick && git commit -q --allow-empty -m $n || return 1
	done && pushed origin main && git rev-list main >.git/t/revs &&
	awk "NR <= 110 { print \"create refs/tags/t\" NR, \$1 }" .git/t/revs | git update-ref --stdin &&
	pushed origin --tags &&
	awk "NR > 10 && NR <= 120 { print \"update refs/tags/t\" NR - 10, \$1 }" .git/t/revs | git update-ref --stdin &&
	pushed --force origin --tags &&
	other=$(git commit-tree -p main~2 -m other main^{tree}) &&
	seq 1 100 | sed "s,.*,update refs/tags/t& $other," | git update-ref --stdin && pushed --force origin --tags &&
	git for-each-ref --format="update %(refname) $(git rev-parse main)" refs/tags | git update-ref --stdin &&
	pushed --force origin --tags &&
	seq 1 101 | sed "s,.*,update refs/tags/t& $other," | git update-ref --stdin &&
	server for-each-ref >.git/t/before && test_must_fail git push --force origin --tags 2>.git/t/err &&
	says "more than 100 tags would be moved" && grep "hint: Push fewer of them" .git/t/err &&
	server for-each-ref >.git/t/after && test_cmp .git/t/before .git/t/after &&
	git checkout -q --detach && commit_file migrations/a.sql "-- other" &&
	git tag -f t1 >.git/t/out && git tag -f t2 main >.git/t/out && refused tag --force origin t1 t2 && git checkout -q main
'

# --- what settings ask for ----------------------------------------------------------

two_at_once() {
	printf "SELECT 1;\n" >"migrations/$1.sql" &&
	printf "SELECT 1;\n" >"migrations/$2.sql" &&
	git add migrations && tick && git commit -q -m "two"
}

test_expect_success 'one migration a commit' '
	scene several &&
	two_at_once b c &&
	pushed origin main &&
	server config migrate.oneMigrationPerCommit true &&
	two_at_once d e &&
	refused several origin main &&
	says "commit $(git rev-parse --short=12 HEAD) brings 2 migrations, .d.sql. among them" &&
	git config migrate.oneMigrationPerCommit true &&
	git reset -q --soft HEAD^ &&
	echo two >.git/t/message &&
	test_expect_code 1 git migrate hook commit-msg .git/t/message 2>.git/t/err &&
	grep "^error: this commit would bring 2 migrations, .d.sql. among them \[several\]" .git/t/err &&
	git reset -q migrations/e.sql &&
	git migrate hook commit-msg .git/t/message &&
	git commit -q -m d && git add migrations && git commit -q -m e &&
	pushed origin main
'

test_expect_success 'a review by somebody else' '
	scene review &&
	server config migrate.requireReview true &&
	new_migration b "SELECT 1;" &&
	refused unreviewed origin main &&
	says "migration .b.sql. was reviewed by nobody but its author" &&
	git commit -q --amend -m b -m "Reviewed-by: A U Thor <author@example.com>" &&
	refused unreviewed origin main &&
	git commit -q --amend -m b -m "Reviewed-by: Au Thor <AUTHOR@example.com>" &&
	refused unreviewed origin main &&
	git commit -q --amend -m b -m "Reviewed-by: Somebody <some@example.com>" &&
	pushed origin main &&
	echo text >text && git add text && git commit -q -m "no migration" &&
	pushed origin main
'

test_expect_success 'a review in the merge that brings it' '
	git checkout -q -b work &&
	new_migration c "SELECT 1;" &&
	git checkout -q main &&
	git config migrate.requireReview true &&
	git migrate check --merge work 2>.git/t/err &&
	grep "^warning: migration .c.sql. was reviewed by nobody but its author \[unreviewed\]" .git/t/err &&
	git merge -q --no-ff -m merge work &&
	refused unreviewed origin main &&
	git commit -q --amend -m merge -m "Reviewed-by: Somebody <some@example.com>" &&
	pushed origin main
'

test_expect_success 'a review is of the bytes that land' '
	new_migration d "SELECT 1;" "add d" "" "Reviewed-by: Somebody <some@example.com>" &&
	reviewed=$(git rev-parse HEAD) &&
	commit_file migrations/d.sql "SELECT 2;" &&
	refused unreviewed origin main &&
	says "the edit of migration .d.sql. in commit $(git rev-parse --short=12 HEAD) was reviewed by nobody" &&
	test_expect_code 1 git migrate check origin/main..HEAD 2>.git/t/err &&
	git checkout -q -b edits && git checkout -q main && git reset -q --hard origin/main &&
	git migrate check --merge edits 2>.git/t/err && grep "^warning: the edit of migration .d.sql." .git/t/err &&
	git merge -q --no-ff -m merge edits && refused unreviewed origin main &&
	git commit -q --amend -m merge -m "Reviewed-by: Somebody <some@example.com>" &&
	merged=$(git rev-parse HEAD) &&
	commit_file migrations/d.sql "SELECT 3;" && refused unreviewed origin main &&
	git reset -q --hard $merged && echo "SELECT 4;" >migrations/d.sql && git add migrations &&
	git commit -q --amend -m merge && refused unreviewed origin main &&
	git reset -q --hard $reviewed &&
	commit_file migrations/d.sql "SELECT 2;" "edit d" "" "Reviewed-by: A U Thor <author@example.com>" &&
	refused unreviewed origin main &&
	git commit -q --amend -m "edit d" -m "Reviewed-by: Somebody <some@example.com>" &&
	pushed origin main &&
	new_migration e "SELECT 1;" "add e" "" "Reviewed-by: Somebody <some@example.com>" &&
	commit_file migrations/e.sql "SELECT 2;" && commit_file migrations/e.sql "SELECT 1;" &&
	pushed origin main
'

test_expect_success 'what landed and is edited, where that may be, is judged as what is new' '
	server config migrate.protect applied && server config migrate.requireRehearsal true &&
	commit_file migrations/e.sql "SELECT 2;" && refused "unreviewed unrehearsed" origin main &&
	says "the edit of migration .e.sql." && server config migrate.requireRehearsal false &&
	git commit -q --amend -m "edit e" -m "Reviewed-by: Somebody <some@example.com>" &&
	pushed origin main
'

test_expect_success 'a rehearsal that passed, before the push or in it' '
	scene rehearsal &&
	server config migrate.requireRehearsal true &&
	new_migration b "SELECT 1;" &&
	refused unrehearsed origin main &&
	says "no rehearsal of migration .b.sql. as it is has passed" &&
	proof=refs/notes/migrate-proof/rehearsals &&
	git notes --ref=$proof add -m "rehearsed path=b.sql blob=$(git rev-parse HEAD:migrations/b.sql) result=failed" &&
	refused unrehearsed origin main $proof &&
	git notes --ref=$proof append -m "rehearsed path=b.sql blob=$(git rev-parse HEAD:migrations/b.sql) result=passed at=2026-11-22T10:00:00.000Z" &&
	pushed origin main $proof &&
	new_migration c "SELECT 1;" &&
	git notes --ref=$proof add -m "rehearsed path=c.sql blob=$(git rev-parse HEAD:migrations/c.sql) result=passed" &&
	pushed origin $proof &&
	commit_file migrations/c.sql "SELECT 2;" &&
	refused unrehearsed origin main &&
	git reset -q --hard HEAD^ &&
	pushed origin main
'

test_expect_success 'the newest rehearsal decides, of those with the scenario that is pushed' '
	scene newest &&
	server config migrate.requireRehearsal true &&
	proof=refs/notes/migrate-proof/rehearsals &&
	echo "[check]" >migrations/b.scenario && git add migrations &&
	new_migration b "SELECT 1;" &&
	line="rehearsed path=b.sql blob=$(git rev-parse HEAD:migrations/b.sql)" &&
	with="scenario=$(git rev-parse HEAD:migrations/b.scenario)" &&
	git notes --ref=$proof append -m "$line result=failed $with at=2026-11-22T12:00:00.000Z" &&
	git notes --ref=$proof append -m "$line result=passed $with at=2026-11-22T11:00:00.000Z" &&
	refused unrehearsed origin main $proof &&
	git notes --ref=$proof append -m "$line result=passed $with at=2026-11-22T13:00:00.000Z" &&
	commit_file migrations/b.scenario "[check: more]" "a sharper one" &&
	refused unrehearsed origin main $proof &&
	git reset -q --hard HEAD^ &&
	pushed origin main $proof
'

if command -v ssh-keygen >/dev/null
then
	test_set_prereq SSHKEYGEN
fi

test_expect_success SSHKEYGEN 'a signature that the server knows' '
	scene signed &&
	for who in known unknown
	do
		ssh-keygen -q -t ed25519 -N "" -C $who -f .git/t/$who || return 1
	done &&
	echo "author@example.com $(cut -d " " -f 1,2 .git/t/known.pub)" >"$SHARNESS_TRASH_DIRECTORY/allowed" &&
	git config gpg.format ssh &&
	git config user.signingKey .git/t/known &&
	server config gpg.format ssh &&
	server config migrate.requireSigned true &&
	server config log.showSignature true &&
	new_migration b "SELECT 1;" &&
	refused unsigned origin main &&
	says "commit $(git rev-parse --short=12 HEAD), which brings migration .b.sql., is not signed" &&
	git commit -q --amend --no-edit -S &&
	refused unsigned origin main &&
	grep "hint: .*gpg.ssh.allowedSignersFile" .git/t/err &&
	server config gpg.ssh.allowedSignersFile "$SHARNESS_TRASH_DIRECTORY/allowed" &&
	pushed origin main &&
	new_migration c "SELECT 1;" &&
	git -c user.signingKey=.git/t/unknown commit -q --amend --no-edit -S &&
	refused unsigned origin main &&
	git commit -q --amend --no-edit -S &&
	git cat-file commit HEAD | sed "s/add c/add C/" >.git/t/commit &&
	git reset -q --hard $(git hash-object -t commit -w .git/t/commit) &&
	refused unsigned origin main &&
	says ".* has a signature that does not fit" &&
	git commit -q --amend --no-edit -S &&
	commit_file migrations/c.sql "SELECT 2;" && refused unsigned origin main &&
	says "commit $(git rev-parse --short=12 HEAD), which edits migration .c.sql., is not signed" &&
	git commit -q --amend --no-edit -S &&
	echo text >text && git add text && git commit -q -m "what brings none need not be" &&
	pushed origin main
'

test_expect_success SSHKEYGEN 'the keys are not those that a push brings' '
	echo "author@example.com $(cut -d " " -f 1,2 .git/t/unknown.pub)" >allowed &&
	printf "[gpg \"ssh\"]\n\tallowedSignersFile = allowed\n[migrate]\n\trequireSigned = false\n" >.gitmigrate &&
	git add . && git commit -q -m "keys" &&
	pushed origin main &&
	new_migration d "SELECT 1;" &&
	git -c user.signingKey=.git/t/unknown commit -q --amend --no-edit -S &&
	refused unsigned origin main &&
	git commit -q --amend --no-edit -S &&
	pushed origin main
'

test_expect_success 'a tree can ask for more, from the next push on, and not for less' '
	scene shared &&
	printf "[migrate]\n\toneMigrationPerCommit\n" >.gitmigrate &&
	git add . && two_at_once b c &&
	pushed origin main &&
	two_at_once d e &&
	refused several origin main &&
	git rm -q .gitmigrate && git commit -q --amend --no-edit &&
	refused "settings" origin main &&
	git reset -q --hard origin/main &&
	git rm -q .gitmigrate && git commit -q -m "ask for less" &&
	refused settings origin main &&
	says "migrate.oneMigrationPerCommit was changed from .. to .false. in .gitmigrate" &&
	server config migrate.oneMigrationPerCommit false &&
	pushed origin main &&
	two_at_once d e &&
	pushed origin main
'

test_expect_success 'a .gitmigrate that git cannot read is refused, and can be mended where it stands' '
	scene broken &&
	broken="file .\.gitmigrate.: git config failed: error: bad config line 1" &&
	hint="hint: It is written as git.s own settings are; mend it until .git config --file" &&
	commit_file .gitmigrate "[migrate" &&
	server for-each-ref >.git/t/before &&
	test_must_fail git push origin main 2>.git/t/err &&
	grep "^remote: error: refs/heads/main: $broken" .git/t/err && grep "^remote: $hint" .git/t/err &&
	server for-each-ref >.git/t/after && test_cmp .git/t/before .git/t/after &&
	git fetch -q . main:refs/heads/kept && git --git-dir="$(git config remote.origin.url)" \
		fetch -q "$PWD" +kept:main && git fetch -q &&
	git migrate init >.git/t/out 2>&1 && test -x .git/hooks/pre-commit &&
	test_expect_code 128 git migrate plan 2>.git/t/err &&
	grep "^error: $broken" .git/t/err && grep "^$hint" .git/t/err &&
	new_migration b "SELECT 1;" && pushed origin main &&
	commit_file .gitmigrate "[core" &&
	test_must_fail git push origin main 2>.git/t/err && grep "$broken" .git/t/err &&
	commit_file .gitmigrate "[migrate] path = elsewhere" && refused settings --no-verify origin main &&
	commit_file .gitmigrate "[migrate] path = migrations" && pushed origin main &&
	git migrate plan --porcelain >.git/t/out && test "$(wc -l <.git/t/out)" -eq 2
'

# --- check ----------------------------------------------------------------------

test_expect_success 'check --merge: what would be, in memory' '
	fresh merging &&
	new_migration a "CREATE TABLE a (x);" &&
	git checkout -q -b good && new_migration b "SELECT 1;" &&
	git checkout -q -b edits main && commit_file migrations/a.sql "-- other" &&
	git checkout -q -b unresolved main && new_migration c "SELECT 1;" "c" "" "Requires: zz.sql" &&
	git checkout -q -b clash main && new_migration b "SELECT 2;" &&
	git checkout -q main &&
	git for-each-ref >.git/t/before && git count-objects >>.git/t/before &&
	git migrate check --merge good >.git/t/out 2>&1 &&
	test_must_be_empty .git/t/out &&
	test_expect_code 1 git migrate check --merge edits 2>.git/t/err &&
	grep "^error: migration .a.sql. was edited after it landed \[edited\]" .git/t/err &&
	test_expect_code 1 git migrate check --merge unresolved 2>.git/t/err &&
	grep "\[unresolved\]" .git/t/err &&
	test_expect_code 1 git migrate check --merge clash good 2>.git/t/err &&
	grep "^error: both branches bring .b.sql., with different contents \[clash\]" .git/t/err &&
	git for-each-ref >.git/t/after && git count-objects >>.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'check --json: an array, also of nothing' '
	echo "[]" >.git/t/expect &&
	git migrate check --json --merge good >.git/t/out &&
	test_cmp .git/t/expect .git/t/out &&
	git migrate check --json main..good >.git/t/out &&
	test_cmp .git/t/expect .git/t/out &&
	test_expect_code 1 git migrate check --json --merge edits >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	tr -d " \n" <.git/t/out | grep "^\[{\"rule\":\"edited\",\"severity\":\"error\",\"path\":\"a.sql\"," &&
	test_expect_code 1 git migrate check --json main..edits >.git/t/range &&
	test_cmp .git/t/out .git/t/range
'

test_expect_success 'check: arguments' '
	test_expect_code 129 git migrate check 2>.git/t/err &&
	test_expect_code 129 git migrate check --merge 2>.git/t/err &&
	test_expect_code 129 git migrate check --merge good main more 2>.git/t/err &&
	test_expect_code 128 git migrate check --merge nowhere 2>.git/t/err &&
	grep "^error: revision .nowhere. names no commit" .git/t/err &&
	test_expect_code 128 git migrate check --merge good nowhere 2>.git/t/err
'

test_done
