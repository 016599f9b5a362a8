#!/bin/sh

test_description='log reads few notes of a mirror, and what it keeps is never wrong'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

ref=refs/notes/migrate/default

# A mirror with twelve migrations; the third has failed once.
test_expect_success 'a target with a mirror' '
	fresh app &&
	git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
		if test $i = 03; then
			new_migration m$i "CREATE TABLE m01 (x);" &&
			test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
			echo "CREATE TABLE m03 (x);" >migrations/m03.sql &&
			git commit -q -a --amend --no-edit
		else
			new_migration m$i "CREATE TABLE m$i (x);"
		fi &&
		git migrate apply >.git/t/out 2>&1 || return 1
	done
'

kept() {
	find .git/migrate -name "mirror-*"
}

# asks [OPTION...]: what is asked of few, in all forms
asks() {
	for asked in "log -n 2" "log -n 3 --reverse --porcelain" "log -n 5 --json" "show --json m03" \
		"show m11"; do
		git "$@" migrate $asked
		echo "$asked: $?"
	done
	git "$@" migrate log -n 4 --format="%(path) %(state:default) %(by:default)"
	echo "format: $?"
}

# agrees: with what is kept, and again, and without: one and the same answer
agrees() {
	asks -c migrate.cache=false >.git/t/true &&
	asks >.git/t/first &&
	test_cmp .git/t/true .git/t/first &&
	asks >.git/t/second &&
	test_cmp .git/t/true .git/t/second
}

# blobs COMMAND...: how many it reads
blobs() {
	rm -f .git/t/trace &&
	GIT_TRACE_MIGRATE="$PWD/.git/t/trace" "$@" >.git/t/out &&
	sed -n "s/^migrate: .*blobs=\([0-9]*\).*/\1/p" .git/t/trace
}

# reads_few: the next log does without most of the notes
reads_few() {
	reads_few_nr=$(blobs git migrate log -n 1)
	test "$reads_few_nr" -le 6 && return
	echo "$reads_few_nr blobs"
	return 1
}

test_expect_success 'the first time all is read, then no more than is shown' '
	git migrate log -n 0 >.git/t/out &&
	rm -rf .git/migrate &&
	git migrate plan >.git/t/out &&
	test 12 -le "$(blobs git migrate log -n 1)" &&
	reads_few &&
	agrees &&
	grep "event=applied" .git/t/true &&
	grep "event=failed" .git/t/true
'

test_expect_success 'migrate.cache=false keeps nothing' '
	rm $(kept) &&
	git -c migrate.cache=false migrate log -n 1 >.git/t/out &&
	test -z "$(kept)" &&
	agrees &&
	test -n "$(kept)"
'

test_expect_success 'a mirror that has grown is read from where it was' '
	new_migration m13 "CREATE TABLE m13 (x);" &&
	new_migration m14 "CREATE TABLE m01 (x);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	test 6 -ge "$(blobs git migrate log -n 1)" &&
	reads_few &&
	agrees &&
	echo "CREATE TABLE m14 (x);" >migrations/m14.sql &&
	git commit -q -a --amend --no-edit &&
	git migrate apply >.git/t/out 2>&1 &&
	reads_few &&
	agrees
'

test_expect_success 'a later commit of the migration, with a copy of its record' '
	git commit -q --amend -m "another commit" &&
	new_migration m15 "CREATE TABLE m15 (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	agrees &&
	reads_few
'

test_expect_success 'what another clone wrote, fetched and then built upon' '
	git init -q --bare ../server.git &&
	git remote add origin ../server.git &&
	git push -q origin main $ref &&
	git clone -q ../server.git ../other &&
	(
		cd ../other &&
		mkdir .git/t &&
		git config migrate.default.url "sqlite:$SHARNESS_TRASH_DIRECTORY/app/.git/app.db" &&
		git fetch -q origin $ref:$ref &&
		new_migration m16 "CREATE TABLE m16 (x);" &&
		git migrate apply >.git/t/out 2>&1 &&
		git push -q origin main $ref
	) &&
	git fetch -q origin $ref:refs/notes/origin/migrate/default &&
	git pull -q origin main &&
	reads_few &&
	agrees &&
	new_migration m17 "CREATE TABLE m17 (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	agrees &&
	git push -q origin main $ref &&
	git fetch -q origin $ref:refs/notes/origin/migrate/default &&
	agrees &&
	reads_few &&
	git update-ref -d refs/notes/origin/migrate/default &&
	agrees &&
	reads_few
'

test_expect_success 'after a restore what was lost is left out, also later on' '
	cp .git/app.db .git/saved.db &&
	new_migration m18 "CREATE TABLE m18 (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	agrees &&
	cp .git/saved.db .git/app.db &&
	git migrate target restored default --reason "disk failure" >.git/t/out &&
	agrees &&
	git migrate log -n 1 --porcelain >.git/t/out && ! grep "^record .*path=m18.sql" .git/t/out &&
	grep "^lost default restored .*path=m18.sql" .git/t/out &&
	git migrate apply >.git/t/out 2>&1 &&
	agrees &&
	git migrate log -n 1 --porcelain >.git/t/out && test 1 = "$(grep -c "^record .*path=m18.sql" .git/t/out)" &&
	test 1 = "$(grep -c "^lost .*path=m18.sql" .git/t/out)" &&
	new_migration m19 "CREATE TABLE m19 (x);" && git migrate apply >.git/t/out 2>&1 &&
	agrees &&
	reads_few
'

test_expect_success 'a line that somebody took out is gone here too' '
	git notes --ref=$ref show HEAD | grep -v "event=applied" >.git/t/note &&
	git notes --ref=$ref add -f -F .git/t/note HEAD 2>.git/t/err &&
	agrees &&
	test_expect_code 1 git migrate log -n 1 >.git/t/out 2>.git/t/err &&
	! grep "applied on" .git/t/out && has_line .git/t/err "error: the mirror of target '\''default'\'' is not one chain" &&
	git update-ref $ref $ref^ &&
	agrees
'

test_expect_success 'a ref that was set back, and one that is gone' '
	git rev-parse $ref >.git/t/tip &&
	git update-ref $ref $ref~4 &&
	agrees &&
	git update-ref $ref "$(cat .git/t/tip)" &&
	agrees &&
	git update-ref -d $ref &&
	git migrate log -n 1 >.git/t/out &&
	grep "not applied anywhere" .git/t/out &&
	git update-ref $ref "$(cat .git/t/tip)" &&
	agrees
'

test_expect_success 'damaged files, and those of another version, are none' '
	file=$(kept) &&
	cp "$file" .git/t/good &&
	size=$(wc -c <.git/t/good) &&
	for at in 3 30 100 150 $((size / 2)) $((size - 1)); do
		chmod u+w "$file" &&
		head -c "$at" .git/t/good >"$file" &&
		agrees && cmp .git/t/good "$file" &&
		chmod u+w "$file" &&
		{ head -c "$at" .git/t/good && printf "\377" &&
			tail -c +$((at + 2)) .git/t/good; } >"$file" &&
		agrees && cmp .git/t/good "$file" || return 1
	done
'

# forge SCRIPT: what is kept, changed by sed, with a checksum that is right again
forge() {
	file=$(kept) &&
	sed -n 1p "$file" >.git/t/head &&
	LC_ALL=C sed 1,2d "$file" | LC_ALL=C sed "$1" >.git/t/body &&
	chmod u+w "$file" &&
	{ cat .git/t/head && sha256sum <.git/t/body | cut -d" " -f1 && cat .git/t/body; } \
		>.git/t/forged &&
	! cmp -s .git/t/forged "$file" &&
	cat .git/t/forged >"$file"
}

test_expect_success 'a forged one is believed by log alone, never by audit or apply' '
	git migrate audit --porcelain >.git/t/out && git migrate audit --porcelain >.git/t/expect &&
	forge "s/m19[.]sql/n19.sql/" &&
	git migrate log -n 1 >.git/t/out &&
	grep "not applied anywhere" .git/t/out &&
	git migrate audit --porcelain >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	git migrate audit --offline --porcelain | grep "^default ok mirror " &&
	git migrate apply 2>.git/t/err >.git/t/out &&
	! grep "^default failed " .git/t/actual &&
	rm "$(kept)" &&
	agrees
'

test_expect_success 'forged numbers and places end in the whole mirror' '
	forge "s/^...../\x7f\xff\xff\xff\x7f/" &&
	agrees &&
	forge "s/m0[0-9][.]sql/zzz.sql/" &&
	agrees &&
	forge "s/m01[.]sql/m01.sq/" &&
	agrees
'

test_done
