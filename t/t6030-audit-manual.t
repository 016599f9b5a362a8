#!/bin/sh

test_description='the steps of git-migrate-audit(7) do what it says'

. "$(dirname "$0")/lib.sh"

needs_tool sha256sum

# step NAME: what the page says to type, into a file of that name
step() {
	sed -n "/^\.\\\\\" step-$1 begin\$/,/^\.\\\\\" step-$1 end\$/p" \
		"$top_srcdir/man/git-migrate-audit.7" |
		sed -e '/^\./d' -e 's/\\&//g' -e 's/\\(dq/"/g' -e 's/\\e/\\/g' \
			>"$SHARNESS_TRASH_DIRECTORY/step-$1" &&
		test -s "$SHARNESS_TRASH_DIRECTORY/step-$1"
}

# take NAME [ARGUMENT]: does it, in the auditor's clone
take() {
	sh -e "$SHARNESS_TRASH_DIRECTORY/step-$1" $2 >out 2>err
}

test_expect_success 'a project that deploys to production, and leaves the proof on its server' '
	git init -q --bare -b main hub.git &&
	fresh project &&
	git remote add origin ../hub.git &&
	git migrate init --target production sqlite:.git/app.db >.git/t/out 2>&1 &&
	new_migration create-users "CREATE TABLE users (id);" &&
	git migrate apply --push production >.git/t/out 2>&1 &&
	new_migration add-phone "ALTER TABLE users ADD COLUMN nothing.phone;" &&
	test_expect_code 1 git migrate apply --push production >.git/t/out 2>&1 &&
	echo "ALTER TABLE users ADD COLUMN phone;" >migrations/add-phone.sql &&
	git commit -q -a --amend --no-edit &&
	git migrate apply --push production >.git/t/out 2>&1 &&
	new_migration mend "CREATE TABLE phones (x);" "mend" "" "Fixes: add-phone.sql" \
		"Failure-Mode: one was not enough" &&
	git migrate apply --push production >.git/t/applied 2>&1 &&
	git push -q origin main && git clone -q ../hub.git ../auditor &&
	for name in fetch audit read chain bytes grown; do step $name || return 1; done
'

test_expect_success 'fetch, audit, read: no database is needed' '
	cd ../auditor && take fetch && take audit && grep "^  ok  *chain  *8 records" out &&
	take read && grep "add-phone.sql" out && grep "failed" out && grep "mend.sql" out &&
	grep "^<!DOCTYPE html>" report.html
'

test_expect_success 'the chain, by hand: its head is what apply has printed' '
	take chain && head=$(sed -n "s/^head: record 8 //p" ../project/.git/t/applied) &&
	echo "8 records, head $head" >expect && test_cmp expect out
'

test_expect_success 'the bytes, and that nothing was taken out' '
	take bytes &&
	printf "%s is as it ran\n" create-users.sql add-phone.sql mend.sql >expect &&
	test_cmp expect out &&
	take grown && grep "^nothing was ever taken out" out
'

# edit_notes SED: the mirror in the clone as somebody with a push --force would have it
edit_notes() {
	ref=refs/notes/origin/migrate/production
	commit=$(git rev-parse "HEAD~${2:-1}") &&
	git notes --ref "$ref" show "$commit" | sed "$1" >note &&
	GIT_NOTES_REF=$ref git update-ref refs/notes/x "$ref" &&
	git notes --ref refs/notes/x add -f -F note "$commit" 2>err &&
	git update-ref "$ref" refs/notes/x
}

test_expect_success 'an edited record is found by hand and by the tool' '
	git update-ref refs/kept refs/notes/origin/migrate/production &&
	edit_notes "s/ by=[^ ]*/ by=Nobody/" 2 &&
	test_must_fail take chain && grep "^record 0000000002 is wrong" err &&
	test_must_fail take grown && grep "^records were taken out" err &&
	test_expect_code 1 git migrate audit --offline production >out &&
	git update-ref refs/notes/origin/migrate/production refs/kept && take chain
'

# taken_out: a commit on the mirror that has the tree of the one before it
taken_out() {
	git update-ref "$ref" "$(git log -1 --format=%B refs/kept~1 |
		git commit-tree "refs/kept~1^{tree}" "$@")"
}

# is_found: by each of the recipe and the tool that nothing may be taken out
is_found() {
	test_must_fail take grown && grep "^records were taken out" err &&
	test_expect_code 1 git migrate audit --offline production >out &&
	grep "failed .*mirror-history" out
}

test_expect_success 'by hand: a commit, and a merge, that take records out' '
	ref=refs/notes/origin/migrate/production &&
	taken_out -p refs/kept && is_found &&
	taken_out -p refs/kept~1 -p refs/kept && is_found &&
	git update-ref "$ref" refs/kept && take grown
'

test_expect_success 'by hand: attributes of the repository hide nothing' '
	echo "* -diff" >.gitattributes && take chain && take bytes && take grown &&
	taken_out -p refs/kept && is_found &&
	git update-ref "$ref" refs/kept && rm .gitattributes
'

test_expect_success 'by hand: a NUL byte hides nothing' '
	git update-ref refs/notes/x "$ref" && { git notes --ref x show HEAD~1 && printf "\\000"; } >note &&
	git notes --ref x add -f -C "$(git hash-object -w note)" HEAD~1 2>err &&
	git update-ref "$ref" refs/notes/x && taken_out -p refs/notes/x && is_found &&
	git update-ref "$ref" refs/kept
'

test_expect_success 'by hand: nothing is said to be right where git fails' '
	for name in chain bytes grown; do test_must_fail take $name nosuch || return 1; done &&
	note=$(git ls-tree -r --format="%(objectname)" "$ref" | head -n 1) &&
	find .git/objects/pack -name "*.pack" -exec mv {} . ";" && rm -f .git/objects/pack/* &&
	for pack in *.pack; do
		test ! -e "$pack" || git unpack-objects -q <"$pack" || return 1
	done &&
	take grown && take bytes &&
	object=.git/objects/$(echo "$note" | sed "s,..,&/,") && mv "$object" gone &&
	for name in chain grown; do test_must_fail take $name || return 1; done &&
	mv gone "$object" && take chain
'

test_expect_success 'other bytes, or another file in the plan, are found' '
	echo "-- more" >>migrations/add-phone.sql && git commit -q -a --no-verify -m "edit it" &&
	test_must_fail take bytes && grep "^add-phone.sql: the plan has another file" err &&
	git reset -q --hard HEAD^ &&
	edit_notes "s/ sha256=..../ sha256=0000/" 2 &&
	test_must_fail take bytes && grep "^create-users.sql: other bytes" err
'

test_done
