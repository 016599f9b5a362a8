#!/bin/sh

test_description='the mirror in git notes: what the tracker holds, byte for byte'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

ref=refs/notes/migrate/default

# fresh NAME: a repository with the target app.db, two migrations applied.
fresh() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo "$1" &&
	cd "$1" &&
	mkdir .git/t &&
	git config migrate.default.url sqlite:.git/app.db &&
	new_migration a 'CREATE TABLE a (x);' &&
	new_migration b 'CREATE TABLE b (x);' &&
	git migrate apply >.git/t/out 2>&1
}

# lines [REF]: all lines of a mirror, in chain order.
lines() {
	git notes --ref="${1:-$ref}" list | while read -r _ commit; do
		git notes --ref="${1:-$ref}" show "$commit"
	done | LC_ALL=C sort
}

# is_mirrored [DB [REF]]: whether tracker and mirror are the same text.
is_mirrored() {
	tracker_rows "${1:-.git/app.db}" >.git/t/rows &&
	lines "$2" >.git/t/lines &&
	test -s .git/t/rows &&
	test_cmp .git/t/rows .git/t/lines
}

test_expect_success 'the notes are the tracker, byte for byte' '
	fresh bytes &&
	is_mirrored &&
	git migrate audit >.git/t/out
'

test_expect_success 'a line stands on the commit that brought the migration' '
	git notes --ref=$ref show HEAD^ | sed "s/.* event=\([a-z]*\).* path=\([^ ]*\) .*/\1 \2/" >.git/t/actual &&
	echo "applied a.sql" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git notes --ref=$ref show HEAD | sed "s/.* event=\([a-z]*\) .*/\1/" >.git/t/actual &&
	printf "%s\n" created applied ran >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'git log --notes shows them' '
	git log --notes="migrate/*" >.git/t/log &&
	grep "^Notes (migrate/default):" .git/t/log &&
	grep "^    0000000002 prev=.* event=applied path=a.sql " .git/t/log
'

test_expect_success 'the chain holds for anybody with git, sed and sha256sum' '
	prev=0000000000000000000000000000000000000000000000000000000000000000 &&
	lines >.git/t/lines &&
	while read -r line; do
		case $line in
		*" prev=$prev "*)
			;;
		*)
			return 1
			;;
		esac
		prev=$(printf "%s\n" "$line" | sha256sum | cut -d" " -f1)
	done <.git/t/lines &&
	git migrate apply --porcelain >.git/t/out &&
	grep "^head default 4 $prev\$" .git/t/out
'

test_expect_success 'one commit for each run, with its head in a trailer' '
	test $(git rev-list --count $ref) = 1 &&
	new_migration c "CREATE TABLE c (x);" &&
	new_migration d "CREATE TABLE d (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	test $(git rev-list --count $ref) = 2 &&
	git log -1 --format=%s $ref >.git/t/actual &&
	echo "migrate: 3 records of target '\''default'\''" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git log -1 --format="%(trailers:key=Migrate-Head,valueonly)" $ref | sed "/^\$/d" >.git/t/actual &&
	echo "default 0000000007 $(lines | tail -n 1 | sha256sum | cut -d" " -f1)" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git migrate apply >.git/t/out 2>&1 &&
	test $(git rev-list --count $ref) = 2 &&
	is_mirrored
'

test_expect_success 'a mirror that has it all is not read; one that was edited is' '
	fresh idle &&
	git rev-parse $ref >.git/t/expect &&
	GIT_TRACE_MIGRATE=$PWD/.git/t/trace git migrate apply >.git/t/out 2>&1 &&
	grep "blobs=0 " .git/t/trace &&
	git rev-parse $ref >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	git notes --ref=$ref remove HEAD 2>/dev/null &&
	! is_mirrored >/dev/null &&
	git migrate apply >.git/t/out 2>&1 &&
	is_mirrored
'

test_expect_success 'a run that fails is mirrored too' '
	new_migration e "SELECT wrong;" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	lines | tail -n 1 | grep " event=failed path=e.sql " &&
	is_mirrored
'

# read_of WHAT: how many of them the traced command has read.
read_of() {
	sed -n "s/.* $1=\([0-9]*\) .*/\1/p" .git/t/trace
}

# traced_apply: an apply that tells what it has read.
traced_apply() {
	rm -f .git/t/trace &&
	GIT_TRACE_MIGRATE=$PWD/.git/t/trace git migrate apply >.git/t/out 2>&1
}

test_expect_success 'behind a head that is known no old note is read; else all are' '
	fresh behind &&
	new_migration few "CREATE TABLE few (x);" &&
	traced_apply &&
	few=$(read_of blobs) &&
	is_mirrored &&
	for i in $(seq 30); do
		new_migration m$i "CREATE TABLE m$i (x);" || return 1
	done &&
	git migrate apply >.git/t/out 2>&1 &&
	new_migration many "CREATE TABLE many (x);" &&
	traced_apply &&
	test "$(read_of blobs)" = "$few" &&
	is_mirrored &&
	git notes --ref=$ref remove HEAD~5 2>/dev/null &&
	new_migration last "CREATE TABLE last (x);" &&
	traced_apply &&
	test "$(read_of blobs)" -ge $((few + 30)) &&
	grep "^mirror: 3 records added" .git/t/out &&
	is_mirrored
'

# rewrite_tree COMMAND...: the tip as the same commit again, with another tree: of
# what COMMAND makes of the lines of "git ls-tree -r".
rewrite_tree() {
	git ls-tree -r $ref | "$@" >.git/t/entries &&
	git log -1 --format=%B $ref >.git/t/message &&
	GIT_INDEX_FILE=$PWD/.git/t/index git update-index --index-info <.git/t/entries &&
	tree=$(GIT_INDEX_FILE=$PWD/.git/t/index git write-tree) &&
	rm .git/t/index &&
	git update-ref $ref "$(git commit-tree -p $ref^ -F .git/t/message "$tree")"
}

test_expect_success 'folders in folders are gone on with, those of other commits unread' '
	fresh deep &&
	new_migration e "SELECT wrong;" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	rewrite_tree sed "s,\(	..\)/\(..\),\1/\2/," &&
	git ls-tree -r --name-only $ref >.git/t/names &&
	! grep -v "^../../.\{36\}\$" .git/t/names &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	test 2 = "$(git notes --ref=$ref show HEAD | grep -c " event=failed ")" &&
	git ls-tree -r --name-only $ref | grep "^../../.\{36\}\$" >.git/t/unread &&
	test 2 = $(wc -l <.git/t/unread) &&
	is_mirrored
'

# first_apart: the first line of the last commit that failed in a note of its own
first_apart() {
	id=$(git rev-parse HEAD) &&
	git notes --ref=$ref show HEAD >.git/t/note &&
	cat >.git/t/tree &&
	grep -v "$(echo "$id" | cut -c3-)" .git/t/tree &&
	printf "100644 blob %s\t%s\n" \
		"$(head -n 1 .git/t/note | git hash-object -w --stdin)" \
		"$(echo "$id" | sed "s,^..,&/,")" \
		"$(tail -n +2 .git/t/note | git hash-object -w --stdin)" \
		"$(echo "$id" | sed "s,^\(..\)\(..\),\1/\2/,")"
}

test_expect_success 'two notes of one commit in one folder are joined' '
	rewrite_tree first_apart &&
	test 4 = $(git ls-tree -r $ref | wc -l) &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	test 3 = "$(git notes --ref=$ref show HEAD | grep -c " event=failed ")" &&
	test 3 = $(git ls-tree -r $ref | wc -l) &&
	is_mirrored &&
	git fsck --strict --full >.git/t/out 2>&1
'

test_expect_success 'the tree has a fanout of 2/38, no loose objects are written' '
	fresh packed &&
	git ls-tree -r --name-only $ref | grep -v "^[0-9a-f]\{2\}/[0-9a-f]\{38\}\$" >.git/t/actual
	test_must_be_empty .git/t/actual &&
	git gc -q &&
	new_migration c "CREATE TABLE c (x);" &&
	git count-objects >.git/t/expect &&
	git migrate apply >.git/t/out 2>&1 &&
	git count-objects >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'git fsck has nothing to say' '
	git fsck --strict --full >.git/t/out 2>&1 &&
	! grep -v "^dangling\|^notice" .git/t/out
'

test_expect_success 'a deleted ref is rebuilt by the next apply' '
	fresh rebuild &&
	lines >.git/t/was &&
	git update-ref -d $ref &&
	git migrate audit >.git/t/out &&
	grep "warning *mirror-lacks" .git/t/out &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "^mirror: 4 records added to $ref" .git/t/out &&
	lines >.git/t/now &&
	test_cmp .git/t/was .git/t/now &&
	git migrate audit >.git/t/out &&
	! grep warning .git/t/out
'

test_expect_success 'a ref that lost its last run is caught up' '
	new_migration c "CREATE TABLE c (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	git update-ref $ref $ref^ &&
	git migrate audit >.git/t/out &&
	grep "warning *mirror-lacks .* 2 records from 5 on" .git/t/out &&
	git migrate apply >.git/t/out 2>&1 &&
	is_mirrored
'

test_expect_success 'a ref that git itself flattened is read, and goes on' '
	fresh flat &&
	git notes --ref=$ref list >.git/t/list &&
	git notes --ref=$ref append -m "" HEAD 2>/dev/null
	git notes --ref=$ref copy HEAD HEAD^{tree} &&
	git ls-tree --name-only $ref | grep "^[0-9a-f]\{40\}\$" >.git/t/flat &&
	git migrate audit >.git/t/out &&
	grep "ok *mirror " .git/t/out &&
	new_migration c "CREATE TABLE c (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	lines | uniq >.git/t/lines &&
	tracker_rows .git/app.db >.git/t/rows &&
	test_cmp .git/t/rows .git/t/lines &&
	git fsck --strict >.git/t/out 2>&1
'

test_expect_success 'after a rewrite the lines are where they were, and the audit says so' '
	fresh rewritten &&
	git commit -q --amend -m "other words" &&
	git migrate audit >.git/t/out &&
	grep "warning *plan-commit " .git/t/out &&
	grep "ok *mirror " .git/t/out &&
	git migrate apply >.git/t/out 2>&1 &&
	is_mirrored
'

test_expect_success 'two clones, two targets: each writes its own ref' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main hub.git &&
	fresh clones &&
	git remote add origin ../hub.git &&
	git push -q origin main $ref &&
	git clone -q ../hub.git ../second &&
	cd ../second &&
	mkdir .git/t &&
	git migrate init --target other sqlite:.git/other.db >.git/t/out 2>&1 &&
	git migrate apply other >.git/t/out 2>&1 &&
	git push -q origin refs/notes/migrate/other &&
	is_mirrored .git/other.db refs/notes/migrate/other &&
	git fetch -q &&
	git migrate log >.git/t/out &&
	grep "applied on default at" .git/t/out &&
	grep "applied on other at" .git/t/out &&
	cd ../clones &&
	git migrate init >.git/t/out 2>&1 &&
	git fetch -q &&
	git for-each-ref --format="%(refname)" refs/notes >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	refs/notes/migrate/default
	refs/notes/origin/migrate/default
	refs/notes/origin/migrate/other
	END
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'two clones, one target: the second goes on where the first was' '
	cd ../second &&
	git migrate target add default "sqlite:$SHARNESS_TRASH_DIRECTORY/clones/.git/app.db" >.git/t/out &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "up to date" .git/t/out &&
	git migrate audit >.git/t/out &&
	grep "ok *mirror  *4 records" .git/t/out &&
	new_migration c "CREATE TABLE c (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	is_mirrored ../clones/.git/app.db $ref &&
	git push -q origin main $ref &&
	cd ../clones &&
	git pull -q --ff-only origin main &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "up to date" .git/t/out &&
	is_mirrored &&
	git migrate audit >.git/t/out
'

test_expect_success 'runners at once, each with its target, in one repository' '
	fresh runners &&
	targets="t1 t2 t3 t4 t5 t6" &&
	for t in $targets; do
		git config migrate.$t.url sqlite:.git/$t.db &&
		git config migrate.$t.uuid x &&
		git config --unset migrate.$t.uuid || return 1
	done &&
	pids= &&
	for t in $targets; do
		git migrate apply $t >.git/t/$t.out 2>&1 &
		pids="$pids $!"
	done &&
	failed= &&
	for pid in $pids; do
		wait $pid || failed=t
	done &&
	test -z "$failed" &&
	for t in $targets; do
		is_mirrored .git/$t.db refs/notes/migrate/$t || return 1
	done
'

test_expect_success 'runners at once on one target lose no line' '
	git migrate target add shared sqlite:.git/shared.db >.git/t/out &&
	for i in 1 2 3 4 5 6; do
		new_migration s$i "CREATE TABLE s$i (x);" || return 1
	done &&
	pids= &&
	for i in 1 2 3; do
		git migrate apply shared >.git/t/$i.out 2>&1 &
		pids="$pids $!"
	done &&
	failed= &&
	for pid in $pids; do
		wait $pid || failed=t
	done &&
	test -z "$failed" &&
	is_mirrored .git/shared.db refs/notes/migrate/shared &&
	git migrate audit shared >.git/t/out
'

test_expect_success 'a fork is seen by apply and audit, and nothing is written' '
	fresh fork &&
	cp .git/app.db .git/copy.db &&
	new_migration c "CREATE TABLE c (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	cp .git/copy.db .git/app.db &&
	rm .git/copy.db &&
	git update-ref refs/kept $ref &&
	git update-ref $ref $ref^ &&
	git migrate apply >.git/t/out 2>&1 &&
	tracker_rows .git/app.db >.git/t/before &&
	git update-ref $ref refs/kept &&
	new_migration d "CREATE TABLE d (x);" &&
	test_expect_code 1 git migrate audit >.git/t/out &&
	grep "failed *fork .*record 5 differs between tracker and mirror" .git/t/out &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: .*mirror" .git/t/err &&
	grep "^hint: " .git/t/err &&
	tracker_rows .git/app.db >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	git rev-parse $ref >.git/t/actual &&
	git rev-parse refs/kept >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'audit compares both ways: a record that only the mirror has' '
	fresh forged &&
	git notes --ref=$ref show HEAD >.git/t/lines &&
	last=$(tail -n 1 .git/t/lines) &&
	hash=$(echo "$last" | sha256sum | cut -d" " -f1) &&
	grep "path=b" .git/t/lines >.git/t/b &&
	sed -e "s/^0*3 prev=[0-9a-f]*/0000000005 prev=$hash/" -e "s/path=b/path=z/" .git/t/b >>.git/t/lines &&
	git notes --ref=$ref add -f -F .git/t/lines HEAD 2>/dev/null &&
	test_expect_code 1 git migrate audit >.git/t/out &&
	grep "failed *tracker-lacks .*record 5 (applied z.sql at " .git/t/out
'

test_expect_success 'audit names a line of the mirror that is no record' '
	fresh strange &&
	git notes --ref=$ref append -m "looks good to me" HEAD 2>/dev/null &&
	test_expect_code 1 git migrate audit >.git/t/out &&
	grep "failed *mirror-line .*looks good to me" .git/t/out
'

test_expect_success 'a mirror that cannot be written never fails an apply' '
	fresh locked &&
	new_migration c "CREATE TABLE c (x);" &&
	mkdir -p .git/refs/notes/migrate &&
	: >.git/$ref.lock &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^warning: the mirror was not written: could not lock ref .$ref.\$" .git/t/err &&
	grep "^hint: .* remove .$PWD/.git/$ref.lock.\.\$" .git/t/err &&
	tracker_rows .git/app.db | grep " path=c.sql " &&
	rm .git/$ref.lock &&
	git migrate apply >.git/t/out 2>&1 &&
	grep "^mirror: 2 records added" .git/t/out &&
	is_mirrored
'

# claimed LINE...: what a run leaves that was killed while it moved the ref
claimed() {
	printf "%s\n" "$@" >.git/migrate/moving
}

test_expect_success 'a lock is taken away where a killed run says that it is its own' '
	fresh killed &&
	lock=.git/$ref.lock && other="$(stat -c "%d 1 %Y" .git)" &&
	new_migration c "CREATE TABLE c (x);" && : >$lock &&
	for line in "$other" "$(stat -c "%d %i" $lock) 1000000000" \
		"$(stat -c "%d %i 9%Y" $lock)"; do
		claimed $ref "$line" &&
		git migrate apply >.git/t/out 2>.git/t/err && test -e $lock &&
		grep "^warning: the mirror was not written: could not lock ref" .git/t/err || return 1
	done &&
	claimed $ref "$(stat -c "%d %i %Y" $lock)" &&
	git migrate apply >.git/t/out 2>.git/t/err && test ! -e $lock && is_mirrored
'

test_expect_success 'where it had no time to say which, an empty one of that moment is' '
	fresh at_once &&
	lock=.git/$ref.lock &&
	new_migration c "CREATE TABLE c (x);" &&
	git rev-parse $ref >$lock && claimed $ref && touch -r $lock .git/migrate/moving &&
	git migrate apply >.git/t/out 2>.git/t/err && test -e $lock &&
	: >$lock && claimed $ref && touch -d "@$(($(stat -c %Y $lock) - 60))" .git/migrate/moving &&
	git migrate apply >.git/t/out 2>.git/t/err && test -e $lock &&
	claimed $ref && touch -r $lock .git/migrate/moving &&
	git migrate apply >.git/t/out 2>.git/t/err && test ! -e $lock && is_mirrored
'

test_expect_success 'two hundred records in one run' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo many &&
	cd many &&
	mkdir .git/t migrations &&
	git config migrate.default.url sqlite:.git/app.db &&
	for i in $(seq 200); do
		echo "CREATE TABLE t$i (x);" >migrations/$i.sql || return 1
	done &&
	git add . &&
	git commit -q -m "many" &&
	git migrate apply >.git/t/out 2>&1 &&
	is_mirrored &&
	test $(wc -l <.git/t/lines) = 202 &&
	git log -1 --format=%b $ref | grep "^and 182 more\$"
'

test_expect_success 'two clones that both wrote: the second merges, and can push' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare parted.git && git -C parted.git migrate init >/dev/null 2>&1 &&
	git clone -q parted.git one 2>/dev/null && cd one && mkdir .git/t &&
	git migrate init "sqlite:$PWD/../parted.db" >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);" && git push -q origin main &&
	git clone -q ../parted.git ../two && (
		cd ../two && git migrate init "sqlite:$PWD/../parted.db" >../one/.git/t/out 2>&1
	) &&
	git migrate apply >.git/t/out 2>&1 && git push -q origin $ref &&
	cd ../two && new_migration b "CREATE TABLE b (x);" && git migrate apply >../one/.git/t/out 2>&1 &&
	test_must_fail git push -q origin $ref 2>../one/.git/t/err &&
	git fetch -q && git migrate apply >../one/.git/t/out 2>&1 &&
	test 2 -eq "$(git log -1 --format=%P $ref | wc -w)" &&
	git push -q origin $ref &&
	git migrate audit --porcelain >../one/.git/t/audit && ! grep -v " ok " ../one/.git/t/audit &&
	git migrate apply >../one/.git/t/out 2>&1 && ! grep mirror: ../one/.git/t/out
'

test_expect_success 'a pack holds what its run wrote, and no more' '
	cd "$SHARNESS_TRASH_DIRECTORY" && make_repo small && cd small &&
	git migrate init sqlite:app.db >/dev/null 2>&1 &&
	for i in 1 2 3 4 5; do
		new_migration m$i "CREATE TABLE t$i (x);" && git migrate apply >/dev/null 2>&1 || return 1
	done &&
	for pack in .git/objects/pack/*.idx; do
		git show-index <"$pack" | wc -l
	done | sort -n | tail -n 1 >most &&
	test "$(cat most)" -le 5
'

test_expect_success 'in it trees stand as they are, texts in less room, and git finds both sound' '
	cd "$SHARNESS_TRASH_DIRECTORY/small" &&
	for pack in .git/objects/pack/*.idx; do
		git show-index <"$pack" || return 1
	done | cut -d " " -f 2 >ids &&
	git cat-file --batch-check="%(objecttype) %(objectsize) %(objectsize:disk)" <ids >sizes &&
	test "$(grep -c ^tree sizes)" -ge 5 && test "$(grep -c ^blob sizes)" -ge 5 &&
	awk "\$1 == \"tree\" && \$3 <= \$2 || \$1 == \"blob\" && \$3 >= \$2" sizes >other &&
	test_must_be_empty other &&
	git verify-pack .git/objects/pack/*.idx && git fsck --strict
'

test_done
