#!/bin/sh

test_description='at: what was in force at some moment, and which faults were live'

. "$(dirname "$0")/lib.sh"

# The records' times are the clock's. The first moment lies between two applies: it
# is read off the record of the first, and the second waits until the clock is past it.
# past TIME: waits until the second of that time is over.
past() {
	until test "$(date -u +%Y-%m-%dT%H:%M:%S)" '>' "${1%.*}"; do :; done
}

test_expect_success 'a fault, a tag, and later its fix' '
	fresh moments &&
	git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);" &&
	new_migration b "CREATE TABLE b (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	then=$(git migrate log -n 1 --format="%(applied:default)") &&
	echo "$then" >.git/t/then &&
	GIT_COMMITTER_DATE="$then" git tag -m "release one" v1 &&
	past "$then" &&
	new_migration c "CREATE TABLE c (x);" "mend b" "" "Fixes: b.sql" "Failure-Mode: wrong" &&
	git migrate apply >.git/t/out 2>&1 &&
	new_migration d "CREATE TABLE d (x);" "mend a" "" "Fixes: a.sql" "Failure-Mode: no key"
'

test_expect_success 'at a date: what was in force, what was live' '
	git migrate at "$(cat .git/t/then)" >.git/t/out &&
	sed -e "s/20[0-9-]*T[0-9:.]*Z/T/g" -e "s/  */ /g" .git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	target default at T
	2 in force, by record 4 of T

	 a.sql applied T C O Mitter <committer@example.com>
	 b.sql applied T C O Mitter <committer@example.com>

	2 faults were live:

	 a.sql fixed by d.sql since 2005-04-07 not applied here until now no key
	 b.sql fixed by c.sql since 2005-04-07 applied here at T wrong
	END
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a tag stands for the moment when it was made' '
	git migrate at "$(cat .git/t/then)" >.git/t/expect &&
	git migrate at v1 >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'now: the fix is in force' '
	git migrate at --json now >.git/t/out &&
	tr -d " \n" <.git/t/out >.git/t/flat &&
	grep -F "\"faults\":[{\"path\":\"a.sql\",\"fixed_by\":\"d.sql\",\"failure_mode\":\"nokey\"" .git/t/flat &&
	! grep "mend.*c.sql\",\"failure" .git/t/flat &&
	grep -c "\"event\": \"applied\"" .git/t/out >.git/t/actual && echo 3 >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	head=$(tracker_rows .git/app.db | tail -n 1 | sha256sum | cut -d " " -f 1) &&
	has_line .git/t/out "  \"head\": \"$head\","
'

test_expect_success 'a fix that was committed later was not known then' '
	(
		GIT_AUTHOR_DATE="2090-01-01T00:00:00Z" && export GIT_AUTHOR_DATE &&
		git commit -q --amend --no-edit --date "$GIT_AUTHOR_DATE"
	) &&
	git migrate at v1 >.git/t/out &&
	grep "a.sql  *fixed by d.sql on 2090-01-01, not known then" .git/t/out &&
	# what HEAD does not know is no fault
	git migrate at --at HEAD^ v1 >.git/t/out &&
	grep "^1 fault was live" .git/t/out && ! grep d.sql .git/t/out
'

test_expect_success 'before the first record' '
	git migrate at 2001-01-01 >.git/t/out &&
	has_line .git/t/out "it has no record that old" &&
	test 2 = "$(wc -l <.git/t/out)"
'

test_expect_success 'which target: default, the only one, or none' '
	git migrate target add staging sqlite:.git/staging.db >.git/t/out 2>&1 &&
	git migrate apply staging >.git/t/out 2>&1 &&
	git migrate at now >.git/t/out && grep "^target default at" .git/t/out &&
	git migrate at --target staging now >.git/t/out && grep "^target staging at" .git/t/out &&
	test_expect_code 1 git migrate at --target nosuch now >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/out &&
	has_line .git/t/err "hint: Name one of these with --target: default, staging" &&
	git update-ref -d refs/notes/migrate/default &&
	git migrate at now >.git/t/out && grep "^target staging at" .git/t/out &&
	git update-ref -d refs/notes/migrate/staging &&
	test_expect_code 1 git migrate at now 2>.git/t/err &&
	has_line .git/t/err "error: there is no mirror of a target here"
'

# settled_at MOMENT [OPTION...]: what was in force then, in a line
settled_at() {
	git migrate at "$@" >.git/t/out && sed -n "s/^  *\([a-z]*\.sql\)  *applied .*/\1/p" .git/t/out | tr "\n" " "
}

test_expect_success 'a moment before a restore has what was lost later' '
	fresh lost && git migrate init sqlite:app.db >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);" && git migrate apply >.git/t/out 2>&1 && cp app.db .git/t/old.db &&
	past "$(git migrate log -n 1 --format="%(applied:default)")" &&
	new_migration b "CREATE TABLE b (x);" && git migrate apply >.git/t/out 2>&1 &&
	git migrate log -n 1 --format="%(applied:default)" >.git/t/then && past "$(cat .git/t/then)" &&
	test "a.sql b.sql " = "$(settled_at "$(cat .git/t/then)")" && ! grep "lost" .git/t/out &&
	cp .git/t/old.db app.db && git migrate target restored default --reason "the <disk>" >.git/t/out 2>&1 &&
	test "a.sql " = "$(settled_at now)" && ! grep "lost" .git/t/out &&
	test "a.sql b.sql " = "$(settled_at "$(cat .git/t/then)")" &&
	grep "^its last record was lost since: record 6 (restored) of 20.*Z: the <disk>" .git/t/out &&
	git migrate apply >.git/t/out 2>&1 && test "a.sql b.sql " = "$(settled_at now)" &&
	grep "by record 8 of" .git/t/out && test "a.sql b.sql " = "$(settled_at "$(cat .git/t/then)")" &&
	grep "by record 5 of" .git/t/out &&
	git migrate at --json "$(cat .git/t/then)" >.git/t/out && has_line .git/t/out "  \"lost\": \"restored\"," &&
	git migrate at --json now >.git/t/out && has_line .git/t/out "  \"lost\": null,"
'

test_expect_success 'and one before the database was thrown away, that of the old one' '
	git migrate log -n 1 --format="%(applied:default)" >.git/t/before && past "$(cat .git/t/before)" &&
	rm app.db && git migrate target restored default --reason "new disk" >.git/t/out 2>&1 &&
	git rm -q migrations/b.sql && git commit -q -m "gone" && new_migration c "CREATE TABLE c (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	test "a.sql c.sql " = "$(settled_at now)" && test "a.sql b.sql " = "$(settled_at "$(cat .git/t/before)")" &&
	grep "^its last record was lost since: record 1 (created) of 20.*Z: new disk" .git/t/out &&
	test "a.sql b.sql " = "$(settled_at "$(cat .git/t/then)")" && grep "by record 5 of" .git/t/out &&
	git migrate at 2001-01-01 >.git/t/out && has_line .git/t/out "it has no record that old"
'

test_expect_success 'a copy of another database brings no past with it' '
	fresh copied && git migrate init sqlite:app.db >.git/t/out 2>&1 &&
	git migrate target add staging sqlite:staging.db >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);" && git migrate apply >.git/t/out 2>&1 &&
	then=$(git migrate log -n 1 --format="%(applied:default)") && past "$then" &&
	git migrate apply staging >.git/t/out 2>&1 && new_migration s "CREATE TABLE s (x);" &&
	git migrate apply staging >.git/t/out 2>&1 && later=$(git migrate log -n 1 --format="%(applied:staging)") &&
	past "$later" && cp app.db staging.db &&
	git migrate target clone staging --reason "refreshed" >.git/t/out 2>&1 &&
	test "a.sql " = "$(settled_at now --target staging)" &&
	git migrate at --target staging "$later" >.git/t/out && grep "^  s.sql  *applied  *$later" .git/t/out &&
	grep "^its last record was lost since: record .* (cloned) of 20.*Z: refreshed" .git/t/out &&
	git migrate at --target staging "$then" >.git/t/out && has_line .git/t/out "it has no record that old" &&
	git migrate at "$then" >.git/t/out && grep "^  a.sql  *applied  *$then" .git/t/out
'

test_expect_success 'neither a date nor a name' '
	test_expect_code 129 git migrate at someday >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: '\''someday'\'' is neither a revision nor a date" &&
	test_must_be_empty .git/t/out &&
	test_expect_code 129 git migrate at 2>.git/t/err &&
	grep "^usage: git migrate at" .git/t/err
'

# moment TEXT: which one is answered for
moment() {
	git migrate at "$@" | sed -n "s/^target default at //p"
}

test_expect_success 'a moment is taken as it is written' '
	test 2026-06-30T14:00:00.999Z = "$(moment 2026-06-30T14:00Z)" &&
	test 2026-06-30T12:00:59.999Z = "$(moment "2026-06-30 14:00:59 +0200")" &&
	test 2026-06-30T17:30:00.999Z = "$(moment 2026-06-30T14:00-03:30)" &&
	test 2024-02-29T23:59:59.999Z = "$(TZ=UTC moment 2024-02-29)" &&
	test 2024-02-29T21:59:59.999Z = "$(TZ=XST-2 moment 2024-02-29)" &&
	now=$(date -u +%s) && then=$(moment "3 days ago") &&
	for late in 0 1 2 3 4 5; do
		date -u -d "@$((now - 259200 + late))" +%Y-%m-%dT%H:%M:%S.999Z
	done | grep "^$then\$" &&
	test -n "$(moment yesterday)" && test -n "$(moment "1 hour ago")" && test -n "$(moment HEAD)"
'

test_expect_success 'what git would make a date of is refused' '
	git tag v1 && test_expect_code 0 git migrate at v1 >.git/t/out &&
	for text in v9 release-3 v1.2.3 HEAD~99 1e6c5471 "v1^{tree}" 2026-13-45 2026-02-31 2025-02-29 \
		2026-11-23T25:61:00Z 2026-11-23T14:00 "2026-11-23 14:00:00" 2026-11-23T14:00+1 2026-11-23Z 2026-1-1 \
		"2026-11-23 " "3 months ago" "3 days" "3 daysago" "999999999 weeks ago" today v1..HEAD ""; do
		test_expect_code 129 git migrate at "$text" >.git/t/out 2>.git/t/err || { echo "$text"; return 1; }
		test_must_be_empty .git/t/out &&
		has_line .git/t/err "error: '\''$text'\'' is neither a revision nor a date" || return 1
	done
'

test_done
