#!/bin/sh

test_description='what git-migrate-tutorial(7) has one type does what it says'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

page=$top_srcdir/man/git-migrate-tutorial.7
steps=$SHARNESS_TRASH_DIRECTORY/steps
mkdir "$steps"

# type_step NAME: what the page says to type, here; one line after the other
type_step() {
	sed -n "/^\.\\\\\" step-$1 begin\$/,/^\.\\\\\" step-$1 end\$/p" "$page" |
	sed -e '/^\./d' -e 's/\\&//g' -e 's/\\(dq/"/g' -e 's/\\e/\\/g' >"$steps/$1" &&
	test -s "$steps/$1" || return 1
	printf '%s\n' "set -e" ". '$steps/$1'" "pwd >'$steps/here'" >"$steps/run"
	sh "$steps/run" >"$steps/out" 2>"$steps/err" || {
		cat "$steps/out" "$steps/err"
		return 1
	}
	cd "$(cat "$steps/here")"
}

# says TEXT: the last step did, to the person
says() {
	grep -qF "$1" "$steps/out" || {
		echo "not there: $1"
		cat "$steps/out"
		return 1
	}
}

test_expect_success 'every step of the page is typed here, once' '
	sed -n "s/^\.\\\\\" step-\([a-z]*\) begin\$/\1/p" "$page" | sort >"$steps/there" &&
	sed -n "s/.*type_step \([a-z]*\)\( .*\)\{0,1\}\$/\1/p" "$top_srcdir/t/t6040-tutorial.t" |
	sort >"$steps/typed" && test_cmp "$steps/there" "$steps/typed"
'

test_expect_success 'the drill begins, and the old version fails' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	type_step home &&
	says "required-column  " &&
	type_step begin &&
	says "FAILS  old version  somebody signs up" &&
	type_step look &&
	says "FAILS  old version  somebody signs up"
'

test_expect_success 'an edit of the file is refused' '
	test_must_fail type_step edit &&
	grep "^error: migration .0002-email.sql. was edited" "$steps/err" &&
	type_step back &&
	git diff --quiet HEAD
'

test_expect_success 'a fix is written, filled in and applied' '
	type_step fix &&
	says "Failure-Mode: <what went wrong" &&
	type_step fill &&
	type_step rehearse &&
	says "fix-0002-email.sql" && says "passed" &&
	type_step apply &&
	says "applied  fix-0002-email.sql"
'

test_expect_success 'the drill is passed, noted, and gone' '
	type_step check &&
	says "required-column: passed, " &&
	type_step leave &&
	says "removed the drill in " &&
	test ! -e ../drill && git migrate drill log | grep " passed "
'

test_expect_success 'the numbers lose something' '
	type_step shop &&
	type_step lossy &&
	says "660000007" && ! grep -F "+43" "$steps/out"
'

test_expect_success 'and are as they were after the fix, all of them' '
	type_step four &&
	says "Step 1: a column of the type that it had" &&
	type_step copy &&
	type_step scenario &&
	test_must_fail type_step wait &&
	says "waiting  fix-phone-as-number.sql  waits for a rehearsal" &&
	type_step both &&
	says "fix-phone-as-number-copy.sql" && says "passed" &&
	test 0 = "$(sqlite users.db "SELECT count(*) FROM pragma_table_info('\''users'\'') WHERE name = '\''phone_restored'\''")" &&
	type_step mend &&
	type_step count &&
	says "500 users, 500 numbers" &&
	sqlite users.db "SELECT count(*) FROM users WHERE phone_restored = '\''+43 '\'' || (660000000 + id)" >actual &&
	echo 500 >expect && test_cmp expect actual
'

test_done
