#!/bin/sh

test_description='sync and apply --push never make one of what is not: two databases, edited and cut mirrors'

. "$(dirname "$0")/lib.sh"

ref=refs/notes/migrate/default

# lines_of REPO [REF]: the set of the lines of its mirror.
lines_of() {
	git -C "$1" ls-tree -r "${2:-$ref}" | while read -r _ _ blob _; do
		git -C "$1" cat-file blob "$blob"
	done | sort -u
}

# stands_still REF...: keeps where they are here and on the server; check with test_still
stands_still() {
	git for-each-ref refs/notes/migrate >.git/t/refs &&
	git -C ../hub.git for-each-ref refs/notes/migrate >.git/t/hub_refs
}

test_still() {
	git for-each-ref refs/notes/migrate >.git/t/refs_now &&
	git -C ../hub.git for-each-ref refs/notes/migrate >.git/t/hub_refs_now &&
	test_cmp .git/t/refs .git/t/refs_now && test_cmp .git/t/hub_refs .git/t/hub_refs_now
}

# place NAME: a server, a repository whose target default is a database of its own
place() {
	mkdir "$SHARNESS_TRASH_DIRECTORY/$1" && cd "$SHARNESS_TRASH_DIRECTORY/$1" &&
	git init -q --bare -b main hub.git && make_repo one && cd one && mkdir .git/t &&
	git remote add origin ../hub.git && git migrate init --no-hooks sqlite:.git/app.db >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);" && git migrate apply >.git/t/out 2>&1 &&
	new_migration b "CREATE TABLE b (x);" && git migrate apply >.git/t/out 2>&1 &&
	git push -q -u origin main && git migrate sync >.git/t/out 2>.git/t/err
}

# beside NAME: another clone, with a database of its own that has the same name
beside() {
	cd .. && git clone -q hub.git "$1" && cd "$1" && mkdir .git/t &&
	git migrate init --no-hooks sqlite:.git/app.db >.git/t/out 2>&1
}

uuid_of() {
	git -C "$1" config migrate.default.uuid
}

# parts_of ONE OTHER: the warning names both
parts_of() {
	grep "^warning: the mirrors of target .default. part: .*neither says that it took the other.s place; nothing was pushed" .git/t/err >.git/t/line &&
	grep "$(uuid_of "$1")" .git/t/line && grep "$(uuid_of "$2")" .git/t/line &&
	grep "^hint: .*git migrate target clone default" .git/t/err
}

test_expect_success 'two databases of one name that share nothing: neither is written or pushed' '
	place apart && beside two && git migrate apply >.git/t/out 2>&1 && stands_still &&
	for how in --offline "" "--offline default" default; do
		test_expect_code 1 git migrate sync $how >.git/t/out 2>.git/t/err &&
		test_must_be_empty .git/t/out && parts_of . ../one && test_still || return 1
	done &&
	new_migration more "CREATE TABLE m (x);" && test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^error: target .default. went back in time" .git/t/err && test_still
'

test_expect_success 'the longer of two does not swallow the other one, in apply and in sync' '
	beside longer && new_migration c "CREATE TABLE c (x);" && git migrate apply >.git/t/out 2>&1 &&
	new_migration d "CREATE TABLE d (x);" && git migrate apply >.git/t/out 2>&1 &&
	git fetch -q && stands_still && git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^warning: the mirror was not written: the mirrors of target .default. part" .git/t/err && test_still &&
	test_expect_code 1 git migrate sync >.git/t/out 2>.git/t/err && parts_of . ../one && test_still &&
	git migrate target clone default --reason "the longer one" >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err &&
	git migrate sync --no-push >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err &&
	lines_of ../one | tail -n 1 >.git/t/last && tracker_rows .git/app.db |
		grep " event=cloned .* old=0000000005:$(sha256sum <.git/t/last | cut -d" " -f1) "
'

test_expect_success 'apply --push of a second database pushes nothing, and says so' '
	beside three && git migrate apply --push >.git/t/out 2>.git/t/err && parts_of . ../one &&
	! grep pushed .git/t/out && git rev-parse -q --verify $ref &&
	lines_of ../hub.git >.git/t/actual && lines_of ../one >.git/t/expect && test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'one that was fetched before the first apply is not begun over in silence' '
	beside four && git fetch -q && stands_still &&
	test_expect_code 1 git migrate apply >.git/t/out 2>.git/t/err && grep "^error: " .git/t/err && test_still
'

test_expect_success 'a server with the hook refuses both logs in one mirror, whatever its commits say' '
	beside both && new_migration c "CREATE TABLE c (x);" && git migrate apply >.git/t/out 2>&1 && git fetch -q &&
	cp -r ../hub.git ../guarded.git && git -C ../guarded.git migrate init >.git/t/out 2>&1 &&
	theirs=$(git rev-parse refs/notes/origin/migrate/default) && ours=$(git rev-parse $ref) &&
	git notes --ref=$ref merge -q --strategy=cat_sort_uniq refs/notes/origin/migrate/default &&
	joined=$(git log -1 --format=%B "$theirs" | git commit-tree "$ref^{tree}" -p "$theirs" -p "$ours") &&
	test_must_fail git push ../guarded.git main "$joined:$ref" 2>.git/t/err &&
	grep "record 1 is of a log of its own beside the one that is there \[mirror\]" .git/t/err &&
	grep "^remote: hint: Two databases call themselves the same.*git migrate target clone" .git/t/err &&
	git update-ref $ref "$ours" && git migrate target clone default --reason "mine" >.git/t/out 2>&1 &&
	git push -q ../guarded.git main $ref
'

test_expect_success 'the ways forward: it says whose place it took, or has a name of its own' '
	cd ../two && git migrate target clone default --reason "this one now" >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err && git migrate sync >.git/t/out 2>.git/t/err &&
	has_line .git/t/out "default: pushed to origin" && git migrate audit >.git/t/out && ! grep "^  failed" .git/t/out &&
	tracker_rows .git/app.db | grep " event=cloned .* old=0000000005:" &&
	cd ../three && git config --rename-section migrate.default migrate.third && git update-ref -d $ref &&
	git migrate sync >.git/t/out 2>.git/t/err && has_line .git/t/out "third: pushed to origin" &&
	git migrate audit third >.git/t/out && ! grep "^  failed" .git/t/out
'

# edited SED [PREFIX]: the mirror on the server goes on with lines that were changed
edited() {
	tip=$(git rev-parse $ref) && export GIT_INDEX_FILE="$PWD/.git/t/index" &&
	git read-tree "$tip^{tree}" && git ls-tree -r "$tip" | while read -r mode _ blob path; do
		new=$(git cat-file blob "$blob" | sed "$1" | git hash-object -w --stdin) &&
		git update-index --cacheinfo "$mode,$new,$path" || exit 1
	done && tree=$(git write-tree) && unset GIT_INDEX_FILE &&
	forged=$(git log -1 --format=%B "$tip" | git commit-tree "$tree" -p "$tip") &&
	git push -q --no-verify origin "$forged:$ref"
}

test_expect_success 'a line that was edited on the server does not get into the own mirror' '
	place edits && edited "/^0000000003/s/ by=[^ ]*/ by=Evil/" && stands_still &&
	for how in "" --offline; do
		test_expect_code 1 git migrate sync $how >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/out &&
		grep "^warning: the mirrors of target .default. part: records 0000000003 " .git/t/err && test_still || return 1
	done &&
	new_migration c "CREATE TABLE c (x);" && git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^warning: the mirror was not written: the mirrors" .git/t/err && ! lines_of . | grep by=Evil &&
	git update-ref -d $ref && test_expect_code 1 git migrate sync >.git/t/out 2>.git/t/err &&
	test_must_fail git rev-parse -q --verify $ref &&
	git -C ../hub.git update-ref $ref "$tip" && git update-ref refs/notes/origin/migrate/default "$tip" &&
	git migrate sync >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err && tracker_rows .git/app.db >.git/t/expect &&
	lines_of ../hub.git >.git/t/actual && test_cmp .git/t/expect .git/t/actual
'

# cut_short: the mirror on the server goes on with its last record taken out, and says so
cut_short() {
	tip=$(git rev-parse $ref) && short=$(git log -1 --format=%B "$tip~1" | git commit-tree "$tip~1^{tree}" -p "$tip") &&
	git push -q --no-verify origin "$short:$ref" && lines_of . >.git/t/expect
}

test_expect_success 'what was taken out on the server stays here, is put back there, and said' '
	place cuts && cut_short && git migrate sync --offline >.git/t/out 2>.git/t/err &&
	has_line .git/t/out "default: pushed to origin" &&
	has_line .git/t/err "warning: 2 lines of the mirror of target '\''default'\'' were taken out on '\''origin'\''; what is here keeps them, and puts them back" &&
	grep "^hint: .*git migrate audit default" .git/t/err &&
	lines_of . >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	lines_of ../hub.git >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	head="default 0000000005 $(tail -n 1 .git/t/expect | sha256sum | cut -d" " -f1)" &&
	git log -1 --format="%(trailers:key=Migrate-Head,valueonly)" $ref | grep -F "$head" &&
	test_expect_code 1 git migrate audit >.git/t/out && grep "^  failed  *mirror-history" .git/t/out &&
	git migrate sync --offline >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err
'

test_expect_success 'with the database, and in apply, as well' '
	cut_short && git migrate sync >.git/t/out 2>.git/t/err && grep "^warning: [0-9]* line.* taken out on" .git/t/err &&
	lines_of ../hub.git >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
	cut_short && git notes --ref=$ref append -m "a remark of ours" HEAD && git fetch -q && git migrate apply >.git/t/out 2>&1 &&
	lines_of . | grep "^0" >.git/t/actual && grep "^0" .git/t/expect >.git/t/records && test_cmp .git/t/records .git/t/actual
'

test_expect_success 'a mirror that the remote has lost is put back, and that is said' '
	place gone && test_must_be_empty .git/t/err && new_migration c "CREATE TABLE c (x);" && git migrate apply >.git/t/out 2>&1 &&
	git migrate sync >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err &&
	git -C ../hub.git update-ref -d $ref && git migrate sync --no-push >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err &&
	git migrate sync >.git/t/out 2>.git/t/err && has_line .git/t/out "default: pushed to origin" &&
	grep "^warning: the mirror of target .default. is gone from .origin., where it was when it was fetched last" .git/t/err &&
	grep "^hint: Somebody deleted it there" .git/t/err && git migrate sync >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err
'

test_expect_success 'a mirror under the name of another target is not taken for that one' '
	place names && git push -q --no-verify origin $ref:refs/notes/migrate/production && git fetch -q &&
	test_expect_code 1 git migrate audit --offline production >.git/t/out &&
	grep "^  failed  *mirror-name .*names that of target .default., not of .production." .git/t/out && stands_still &&
	test_expect_code 1 git migrate sync >.git/t/out 2>.git/t/err && has_line .git/t/out "default: the same on origin" &&
	grep "^warning: the mirrors of target .production. part: .*target .default." .git/t/err && test_still &&
	git migrate audit --offline default >.git/t/out && ! grep mirror-name .git/t/out
'

test_expect_success 'one that was renamed with its database is that of the new name' '
	git config --rename-section migrate.default migrate.app && git update-ref refs/notes/migrate/app $ref && git update-ref -d $ref &&
	test_expect_code 1 git migrate audit app >.git/t/out && grep "^  failed  *mirror-name" .git/t/out &&
	git migrate sync app >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err &&
	has_line .git/t/out "app: pushed to origin" && git migrate audit app >.git/t/out && git migrate audit --offline app >.git/t/out
'

test_done
