#!/bin/sh

test_description='script/demo tells the whole story, and it is true'

. "$(dirname "$0")/lib.sh"

test_expect_success 'the demo runs to its end' '
	GIT_MIGRATE_BIN="$top_builddir" TMPDIR="$PWD" \
		"$top_srcdir/script/demo" --keep >story 2>&1 &&
	has_line story "The end. Nothing was rolled back, and nothing was lost." &&
	repo=$(sed -n "s/^The repository is //p" story) &&
	test -d "$repo/.git"
'

test_expect_success 'the old application failed, and works after the fix' '
	grep "NOT NULL constraint failed: users.phone_number" story &&
	has_line story "501 users, 500 phone numbers" &&
	echo "501|500" >expect &&
	sqlite "$repo/app.db" "SELECT count(*), count(phone_number) FROM users" >actual &&
	test_cmp expect actual &&
	echo 500 >expect &&
	sqlite "$repo/app.db" "SELECT count(*) FROM users WHERE phone_number =
		printf('\''+1-555-%04d'\'', id)" >actual &&
	test_cmp expect actual
'

test_expect_success 'the log shows the fix under what it fixed' '
	sed -n "/^\* add-phone-number.sql/,/^\$/p" story >part &&
	grep "^\`-\* allow-missing-phone.sql" part &&
	grep "fixes add-phone-number.sql" part &&
	grep "failure mode: the running application inserts users" part
'

test_expect_success 'git log shows the record, and audit finds no fault' '
	grep "^Notes (migrate/default):" story &&
	grep "^    0000000006 prev=.* event=applied path=allow-missing-phone.sql" story &&
	grep "^  ok  *mirror  *7 records" story
'

test_expect_success 'the edit was refused here and on the server' '
	grep "^error: migration .add-phone-number.sql. was edited; it was applied" story &&
	grep "^remote: error: migration .add-phone-number.sql. was edited after" story &&
	grep "pre-receive hook declined" story &&
	grep "^error: migration .add-phone-number.sql. was edited after it was applied" story
'

test_expect_success 'a wrong option is refused with the usage' '
	test_expect_code 129 "$top_srcdir/script/demo" --nonsense 2>err &&
	grep "^usage: script/demo" err
'

test_done
