#!/bin/sh

test_description='trees, notes, settings and URLs that mean harm, or are just odd'

. "$(dirname "$0")/lib.sh"

# bounded COMMAND...: it must end by itself, long before this
bounded() {
	timeout 60 "$@"
}

# unhex DIGITS: prints the bytes
unhex() {
	perl -e 'print pack "H*", $ARGV[0]' "$1"
}

# bomb FILE-ID DEPTH: prints a tree that spells out 2^DEPTH files
bomb() {
	lib_tree=$(printf "100644 blob %s\tx.sql\n" "$1" | git mktree) &&
	for lib_level in $(seq "$2"); do
		lib_tree=$(printf "040000 tree %s\ta\n040000 tree %s\tb\n" "$lib_tree" "$lib_tree" |
			git mktree) || return 1
	done
	echo "$lib_tree"
}

test_expect_success 'setup: a server and a clone' '
	git init -q --bare server.git && git -C server.git migrate init >/dev/null 2>&1 &&
	git clone -q server.git app 2>/dev/null && cd app &&
	git migrate init sqlite:app.db >/dev/null 2>&1 &&
	new_migration a "CREATE TABLE a (x int);" && git push -q origin main
'

test_expect_success 'a tree of 2^40 files is refused, by the hook and by status' '
	blob=$(echo "SELECT 1;" | git hash-object -w --stdin) &&
	tree=$(bomb "$blob" 40) &&
	root=$(printf "040000 tree %s\tmigrations\n" "$tree" | git mktree) &&
	bad=$(echo bomb | git commit-tree "$root" -p HEAD) &&
	test_must_fail bounded git push -q origin "$bad:main" 2>err &&
	grep "holds more than 250000 files" err &&
	test_expect_code 128 bounded git migrate status --at "$bad" 2>err &&
	grep "^error: .*holds more than 250000 files" err &&
	test "$(git rev-parse HEAD)" = "$(git -C ../server.git rev-parse main)"
'

test_expect_success 'notes of any number are refused' '
	blob=$(echo x | git hash-object -w --stdin) &&
	tree=$(printf "100644 blob %s\t0000\n" "$blob" | git mktree) &&
	for i in $(seq 18); do
		tree=$(for n in 00 01 02 03; do printf "040000 tree %s\t%s\n" "$tree" $n; done |
			git mktree) || return 1
	done &&
	bad=$(echo bomb | git commit-tree "$tree") &&
	test_must_fail bounded git push -q origin "$bad:refs/notes/migrate/default" 2>err &&
	grep "the notes have more than" err
'

test_expect_success 'a file and a folder of one name are an error, not a crash' '
	make_repo ../malformed && (
	cd ../malformed && git commit -q --allow-empty -m root &&
	blob=$(echo "-- Requires: b.sql" | git hash-object -w --stdin) &&
	sub=$(printf "100644 blob %s\tx.sql\n100644 blob %s\ty.sql\n" $blob $blob | git mktree) &&
	{
		printf "100644 a.sql\0" && unhex $blob &&
		printf "40000 a.sql\0" && unhex $sub
	} >raw && folder=$(git hash-object -t tree -w --stdin --literally <raw) &&
	root=$(printf "040000 tree %s\tmigrations\n" $folder | git mktree) &&
	bad=$(echo odd | git commit-tree $root) &&
	test_expect_code 128 git migrate plan "$bad" 2>err &&
	grep "^error: .a.sql. is a file and a folder" err
	)
'

test_expect_success 'files that come and go by hundreds of thousands are not kept' '
	make_repo ../swing && (
	cd ../swing && commit_file migrations/a.sql "CREATE TABLE a (x);" &&
	blob=$(git rev-parse HEAD:migrations/a.sql) &&
	level() {
		for n in $(seq 10 69); do
			printf "%s\t%s%s\n" "$1" "$n" "$2"
		done | git mktree
	} &&
	folder=$(level "100644 blob $blob" .sql) &&
	folder=$(level "040000 tree $folder") &&
	folder=$({
		for n in $(seq 10 69); do
			printf "040000 tree %s\t%s\n" "$folder" "$n"
		done
		printf "100644 blob %s\ta.sql\n" "$blob"
	} | git mktree) &&
	big=$(printf "040000 tree %s\tmigrations\n" "$folder" | git mktree) &&
	small=$(git rev-parse HEAD^{tree}) &&
	tip=$(git rev-parse HEAD) &&
	for i in 1 2 3 4 5; do
		tip=$(git commit-tree -p "$tip" -m big "$big") &&
		tip=$(git commit-tree -p "$tip" -m small "$small") || return 1
	done &&
	tip=$(git commit-tree -p "$tip" -m big "$big") &&
	test_expect_code 128 bounded git migrate plan --porcelain "$tip" >out 2>err &&
	grep "^error: more than 1000000 files have come and gone" err &&
	grep "^detail: Commit [0-9a-f]\{12\} brings more" err && grep "^hint: " err &&
	! grep "wrong" err &&
	git migrate plan --porcelain "$tip~8" >out && test 216001 = "$(wc -l <out)" &&
	test "$(wc -c <.git/migrate/plan)" -gt 100000 &&
	git migrate plan --porcelain HEAD >out && test 1 = "$(wc -l <out)" &&
	test "$(wc -c <.git/migrate/plan)" -lt 10000
	)
'

test_expect_success 'of a header without end its first lines count, and whole ones' '
	make_repo ../endless && (
	cd ../endless && mkdir migrations &&
	{
		echo "-- Requires: z.sql" &&
		awk "BEGIN { for (i = 0; i < 3000; i++) print \"-- Requires: none-\" i \".sql\" }" &&
		echo "-- Requires: y.sql" && echo "CREATE TABLE a (x);"
	} >migrations/a.sql &&
	echo "CREATE TABLE y (x);" >migrations/y.sql &&
	echo "CREATE TABLE z (x);" >migrations/z.sql &&
	test "$(wc -c <migrations/a.sql)" -gt 65536 &&
	git add -A && git commit -q -m "three" &&
	git migrate plan --porcelain | cut -d" " -f5 >out &&
	printf "%s\n" z.sql a.sql y.sql >expect && test_cmp expect out &&
	git migrate plan --json | grep -c "\"value\": \"none-[0-9]*.sql\"" >whole &&
	git migrate plan --json | grep -c "\"value\": \"none-" >all &&
	test_cmp whole all
	)
'

test_expect_success '.gitmigrate of a commit includes nothing' '
	mkfifo ../fifo && git checkout -q -b include &&
	commit_file .gitmigrate "[include]
	path = $PWD/../fifo" &&
	bounded git migrate status >out && grep "1 migration:" out &&
	bounded git push -q origin include:main 2>err &&
	git checkout -q main && git merge -q --ff-only include
'

test_expect_success '.gitmigrate cannot name .git, nor what a terminal would obey' '
	for path in .git/x a/.GIT/b "$(printf "a\tb")" /etc ../up; do
		git config -f .gitmigrate migrate.path "$path" && git add .gitmigrate &&
		tick && git commit -q -m "path" &&
		test_expect_code 128 git migrate status 2>err &&
		grep "^error: migrate.path .* is not a folder of the tree" err &&
		git reset -q --hard HEAD^ || return 1
	done
'

test_expect_success 'writing the default down is no change of the settings' '
	git config -f .gitmigrate migrate.path migrations && git add .gitmigrate &&
	tick && git commit -q -m "say it" && git migrate check HEAD^..HEAD &&
	git config -f .gitmigrate migrate.path elsewhere && git add .gitmigrate &&
	tick && git commit -q -m "move it" &&
	test_expect_code 1 git migrate check HEAD^..HEAD 2>err && grep "\[settings\]" err &&
	git reset -q --hard HEAD~2
'

test_expect_success 'what is no mirror cannot be pushed as one' '
	test_must_fail git push -q origin main:refs/notes/migrate/code 2>err &&
	grep "in its tree is no note \[mirror\]" err &&
	git migrate apply >out 2>&1 &&
	test_must_fail git push -q origin refs/notes/migrate/default:refs/notes/migrate/Evil 2>err &&
	grep "no target can have that name" err &&
	git tag -a -m tag tagged refs/notes/migrate/default &&
	for what in tagged main:migrations/a.sql main^{tree}; do
		test_must_fail git push -q origin "$(git rev-parse $what):refs/notes/migrate/default" 2>err &&
		grep "refs/notes/migrate/default: what it would name is no commit \[mirror\]" err &&
		grep "hint: " err || return 1
	done && git tag -d tagged >out &&
	git push -q origin refs/notes/migrate/default
'

test_expect_success 'a new server whose HEAD nobody pushes to says so' '
	git init -q --bare -b master ../odd.git &&
	git -C ../odd.git migrate init >out 2>err &&
	grep "^protects refs/heads/master" out && grep "^warning: .*not there yet" err &&
	git push -q ../odd.git main 2>err &&
	grep "warning: nothing is protected" err && grep "git config migrate.branch main" err &&
	git -C ../odd.git config migrate.branch main &&
	git commit -q --allow-empty -m more && git push -q ../odd.git main 2>err &&
	! grep warning err
'

test_expect_success 'it says so once for a push, and not where branches go' '
	git init -q --bare -b master ../odd2.git &&
	git -C ../odd2.git migrate init >out 2>err &&
	git push -q ../odd2.git main main:one main:two main:three 2>err &&
	test "$(grep -c "warning: nothing is protected" err)" = 1 &&
	git push -q ../odd2.git :one :two 2>err && ! grep warning err &&
	git push -q ../odd2.git :three main:four 2>err &&
	test "$(grep -c "warning: nothing is protected" err)" = 1 &&
	grep "git config migrate.branch four" err
'

test_expect_success 'no part of a password is shown, whatever is in it' '
	for url in "postgresql://u:123/s3cret@h/db" "postgresql://u:p@a/s3cret@h/db" \
		"postgresql://u:s3cret@h@x:zz/db" "postgresql://h/db?password=s3cret&options=-cx%3Ds3cret"; do
		git migrate target add pw "$url" >out 2>err
		! grep s3cret out err || return 1
		git migrate target list >out 2>err && ! grep s3cret out err || return 1
		git config --unset migrate.pw.url
	done
'

test_expect_success 'an @ in an option of a URL is no password' '
	git migrate target add az "postgresql://h.example/db?user=me@h" >out &&
	git config --unset migrate.az.url
'

test_expect_success 'an absolute path stays one' '
	for url in sqlite:/tmp/../tmp/x/abs.db sqlite:///tmp/./x//abs.db sqlite:/../tmp/x/abs.db; do
		git migrate target add abs "$url" >out &&
		test sqlite:/tmp/x/abs.db = "$(git config migrate.abs.url)" &&
		git config --unset migrate.abs.url || return 1
	done &&
	git migrate target add short sqlite:a/../app.db >out &&
	test sqlite:app.db = "$(git config migrate.short.url)" && git config --unset migrate.short.url
'

test_expect_success 'every spelling of a database file in the work tree is ignored' '
	mkdir -p sub &&
	for url in sqlite:./o1.db sqlite:sub/../o2.db "sqlite:$PWD/o3.db" "sqlite://$PWD/o4.db"; do
		git migrate target add "t${url##*/o}" "$url" >out 2>err ||
		git migrate target add "t$(echo "$url" | tr -dc 0-9 | tail -c1)" "$url" >out || return 1
	done &&
	(cd sub && git migrate target add t5 sqlite:../o5.db >out) &&
	touch o1.db o2.db o3.db o4.db o5.db && git status --porcelain >out &&
	! grep "o[0-9].db" out
'

test_expect_success 'a note of two fanouts is joined, and the tree stays sound' '
	ref=refs/notes/migrate/default &&
	object=$(git rev-list -1 HEAD -- migrations/a.sql) &&
	note=$(git notes --ref=$ref list $object) &&
	tree=$({ git ls-tree $ref && printf "100644 blob %s\t%s\n" $note $object; } | git mktree) &&
	git update-ref $ref $(printf "mix\n" | git commit-tree $tree -p $ref) &&
	new_migration b "CREATE TABLE b (x int);" && git migrate apply >out 2>&1 &&
	git fsck --no-dangling >out 2>&1 && ! grep -i "duplicate" out &&
	git migrate audit --porcelain >audit && ! grep " failed " audit
'

test_expect_success 'a name that would break a commit is cleaned' '
	new_migration c "CREATE TABLE c (x int);" &&
	GIT_COMMITTER_NAME="A <B>
x" git migrate apply >out 2>&1 && git fsck --no-dangling >out 2>&1 &&
	! grep -i "error" out
'

test_expect_success 'a new file on a path that was applied is refused before the commit' '
	git checkout -q --orphan fresh && git rm -rfq . && commit_file readme text &&
	mkdir -p migrations && echo "SELECT 2;" >migrations/a.sql && git add migrations &&
	test_expect_code 1 git commit -q -m again 2>err &&
	grep "^error: migration .a.sql. is not the one that was applied" err &&
	git show main:migrations/a.sql >migrations/a.sql && git add migrations &&
	git commit -q -m same && git checkout -q main
'

test_expect_success 'new does not write through a symbolic link' '
	mkdir ../outside && git checkout -q -b linked main && git rm -rq migrations &&
	rm -rf migrations && ln -s ../outside migrations &&
	test_expect_code 1 git migrate new x 2>err && grep "^hint: " err &&
	test -z "$(ls ../outside)"
'

test_expect_success 'a mode that changed after it was applied is refused by apply too' '
	cd "$SHARNESS_TRASH_DIRECTORY" && make_repo modes && cd modes &&
	git migrate init sqlite:app.db >/dev/null 2>&1 &&
	new_migration a "CREATE TABLE a (x int);" && git migrate apply >out 2>&1 &&
	git update-index --chmod=+x migrations/a.sql && tick &&
	git commit -q --no-verify -m "executable" &&
	test_expect_code 1 git migrate apply 2>err &&
	grep "^error: the mode of migration .a.sql. was changed after it was applied" err &&
	grep "^hint: .*git update-index --chmod=-x migrations/a.sql" err &&
	git update-index --chmod=-x migrations/a.sql && tick && git commit -q --no-verify -m "back" &&
	git migrate apply >out 2>&1 && grep "up to date" out
'

test_expect_success 'tables of our name that are not ours are said to be that' '
	cd "$SHARNESS_TRASH_DIRECTORY" && make_repo foreign && cd foreign &&
	git migrate init sqlite:app.db >/dev/null 2>&1 && new_migration a "SELECT 1;" &&
	sqlite app.db "CREATE TABLE git_migrate_log (x)" &&
	test_must_fail git migrate apply 2>err &&
	grep "^error: " err && grep "^hint: .*this tool did not make" err
'

test_done
