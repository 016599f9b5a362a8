#!/bin/sh

test_description='shallow clones and other kinds of repositories'

. "$(dirname "$0")/lib.sh"

test_expect_success 'setup: five migrations, three of them applied' '
	make_repo origin &&
	(
		cd origin &&
		git migrate init "sqlite:$PWD/../app.db" >/dev/null 2>&1 &&
		for i in e d c; do
			new_migration "$i" "CREATE TABLE $i (x int);" || exit 1
		done &&
		git migrate apply >/dev/null 2>&1 &&
		for i in b a; do
			new_migration "$i" "CREATE TABLE $i (x int);" || exit 1
		done &&
		git config --unset migrate.default.url
	)
'

# shallow DEPTH: a fresh clone of that depth that knows the database
shallow() {
	rm -rf clone && git clone -q --depth "$1" "file://$PWD/origin" clone &&
	cd clone && git config migrate.default.url "sqlite:$PWD/../app.db"
}

test_expect_success 'too shallow: the order of pending ones is not known' '
	cp app.db before.db &&
	(
		shallow 1 &&
		test_expect_code 1 git migrate apply 2>../err &&
		grep "^error: this clone is too shallow to tell the order" ../err &&
		grep "git fetch --unshallow" ../err && grep "fetch-depth: 0" ../err &&
		cmp ../before.db ../app.db &&
		git migrate status >../out 2>../err && grep "too shallow" ../err &&
		git migrate log >../out && grep "before the history" ../out &&
		git migrate plan >../out
	)
'

test_expect_success 'one commit more, and one pending of unknown order: still refused' '
	(
		shallow 2 &&
		test_expect_code 1 git migrate apply 2>../err &&
		grep "too shallow" ../err
	)
'

test_expect_success 'deep enough: the boundary lies behind what is applied' '
	(
		shallow 3 &&
		git migrate apply >../out 2>../err &&
		grep "applied  b.sql" ../out && grep "applied  a.sql" ../out &&
		git migrate audit --porcelain >../audit && ! grep " failed " ../audit
	)
'

test_expect_success 'unshallowed, the first clone agrees' '
	(
		shallow 1 && git fetch -q --unshallow &&
		git migrate apply >../out 2>../err &&
		grep "up to date: 5 migrations" ../out
	)
'

test_expect_success 'an empty target is served by a shallow clone of one migration' '
	make_repo one && (cd one && new_migration only "CREATE TABLE o (x int);" &&
		commit_file other text) &&
	git clone -q --depth 1 "file://$PWD/one" one-clone &&
	(cd one-clone && git migrate init sqlite:x.db >/dev/null 2>&1 &&
		git migrate apply >../out 2>&1 && grep "applied  only.sql" ../out)
'

test_expect_success 'a linked worktree has the same targets and mirrors' '
	git -C origin worktree add -q ../linked &&
	git -C origin config migrate.default.url "sqlite:$PWD/app.db" &&
	(cd linked && git migrate status >../out 2>&1 && grep "5 applied, 0 pending" ../out)
'

test_expect_success 'inside of .git it says where to go' '
	(cd origin/.git && test_expect_code 128 git migrate status 2>../../err) &&
	grep "^error: this must be run in a work tree" err && grep "^hint: " err
'

test_expect_success 'a SHA-256 repository is refused by name' '
	git init -q --object-format=sha256 new &&
	(cd new && test_expect_code 128 git migrate plan 2>../err) &&
	grep "^error: cannot read this repository: its object format is .sha256." err
'

test_expect_success 'a partial clone: git fetches the blobs that are to run' '
	git -C origin config uploadpack.allowFilter true &&
	git clone -q --no-checkout --filter=blob:none "file://$PWD/origin" partial &&
	(
		cd partial && git migrate init sqlite:p.db >/dev/null 2>&1 &&
		git migrate plan --porcelain >../out && test 5 -eq "$(wc -l <../out)" &&
		mv ../origin ../away &&
		test_expect_code 128 git migrate apply 2>../err &&
		grep "^error: " ../err && grep "^hint: This is a partial clone" ../err &&
		mv ../away ../origin &&
		git migrate apply >../out 2>&1 && grep "applied  a.sql" ../out
	)
'

test_expect_success 'a partial clone reads the mirror that it fetched' '
	git -C origin config uploadpack.allowFilter true &&
	git -C origin config migrate.default.url "sqlite:$PWD/app.db" &&
	rm -rf partial2 && git clone -q --filter=blob:none "file://$PWD/origin" partial2 && (
		cd partial2 && git config migrate.default.url "sqlite:$PWD/../app.db" &&
		git fetch -q origin "refs/notes/migrate/*:refs/notes/origin/migrate/*" &&
		git migrate audit --porcelain >../audit && ! grep " failed " ../audit
	)
'

test_done
