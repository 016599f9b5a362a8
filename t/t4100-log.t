#!/bin/sh

test_description='log and show: what is shown, in which form'

. "$(dirname "$0")/lib.sh"

# A story of four migrations: b fails, is mended in place and applied; c fixes b, d
# fixes c and a; e is pending. Two targets; the second has seen a and b alone.
test_expect_success 'a history with two targets' '
	fresh story &&
	git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	git migrate target add staging sqlite:.git/staging.db >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	new_migration b "CREATE TABLE a (y);" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	echo "CREATE TABLE b (y);" >migrations/b.sql &&
	git commit -q -a --amend --no-edit &&
	git migrate apply >.git/t/out 2>&1 &&
	git migrate apply staging >.git/t/out 2>&1 &&
	GIT_AUTHOR_NAME="Else, Somebody" new_migration c "CREATE TABLE c (x);" \
		"mend b" "" "Fixes: b.sql" "Failure-Mode: the wrong column" &&
	new_migration d "CREATE TABLE d (x);" "mend c and a" "" "Fixes: c.sql" \
		"Fixes: a.sql" "Failure-Mode: two of them" "Reversal: drop it" &&
	git migrate apply >.git/t/out 2>&1 &&
	new_migration e "CREATE TABLE e (x);"
'

# shows OPTIONS...: the paths that log shows, in a line
shows() {
	git migrate log --format="%(path)" "$@" >.git/t/paths 2>.git/t/err &&
	tr "\n" " " <.git/t/paths
}

test_expect_success 'newest first, or oldest' '
	test "e.sql d.sql c.sql b.sql a.sql " = "$(shows)" &&
	test "a.sql b.sql c.sql d.sql e.sql " = "$(shows --reverse)" &&
	test "e.sql d.sql " = "$(shows -n 2)" &&
	test "a.sql " = "$(shows -n 1 --reverse)" &&
	test "" = "$(shows -n 0)" &&
	test "b.sql a.sql " = "$(shows HEAD~3)"
'

test_expect_success 'what it says of one' '
	git migrate log >.git/t/out &&
	sed -n "/^b.sql/,/^\$/p" .git/t/out | sed -e "s/ at 20[^ ]* / at T /" >.git/t/actual &&
	cat >.git/t/expect <<-END &&
	b.sql
	    $(git rev-parse HEAD~3 | cut -c1-8) add b (A U Thor <author@example.com>, 2005-04-07)
	    fixed by c.sql
	    applied on default at T by C O Mitter <committer@example.com>, after 1 failure
	    applied on staging at T by C O Mitter <committer@example.com>

	END
	test_cmp .git/t/expect .git/t/actual &&
	sed -n "/^d.sql/,/^\$/p" .git/t/out >.git/t/d &&
	has_line .git/t/d "    fixes c.sql" &&
	has_line .git/t/d "    fixes a.sql" &&
	has_line .git/t/d "    failure mode: two of them" &&
	sed -n "/^e.sql/,/^\$/p" .git/t/out >.git/t/e &&
	has_line .git/t/e "    not applied anywhere that is known here"
'

test_expect_success '--graph draws a fix under the earliest that it fixes' '
	git migrate log --graph --reverse >.git/t/out &&
	sed -n "s/^\([ |\`*-]*\)\([a-z]\.sql\)\$/\1\2/p" .git/t/out >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	* a.sql
	`-* d.sql
	* b.sql
	`-* c.sql
	* e.sql
	END
	test_cmp .git/t/expect .git/t/actual &&
	git migrate log --graph -n 1 >.git/t/out &&
	grep -c "\.sql\$" .git/t/out >.git/t/actual && echo 1 >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	# one whose own target is left out stands by itself
	git migrate log --graph --author=Somebody >.git/t/out &&
	grep "^\* c.sql" .git/t/out
'

test_expect_success '--target: what it has records of, and those alone' '
	test "b.sql a.sql " = "$(shows --target staging)" &&
	git migrate log --target staging >.git/t/out &&
	! grep "on default" .git/t/out &&
	test_expect_code 1 git migrate log --target nosuch >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/out &&
	has_line .git/t/err "error: there is no mirror of a target '\''nosuch'\'' here" &&
	grep "^hint: .*git fetch" .git/t/err
'

test_expect_success '--author, --fixes, --failed' '
	test "c.sql " = "$(shows --author="^Else, Some")" &&
	test "e.sql d.sql b.sql a.sql " = "$(shows --author="author@example.com>" --author="A U")" &&
	test "d.sql c.sql b.sql a.sql " = "$(shows --fixes)" &&
	test "b.sql " = "$(shows --failed)" &&
	test "" = "$(shows --failed --target staging)" &&
	test_expect_code 129 git migrate log --author="a\\(" 2>.git/t/err &&
	grep "^error: .* is no regular expression" .git/t/err
'

test_expect_success '--since and --until go by the records, else by the commit' '
	today=$(date -u +%Y) &&
	test "d.sql c.sql b.sql a.sql " = "$(shows --since "$((today - 1))-01-01")" &&
	test "e.sql " = "$(shows --until 2005-12-31)" &&
	test "e.sql " = "$(shows --since 2005-04-07 --until 2005-04-07)" &&
	test "" = "$(shows --since 2005-04-08 --until 2005-04-30)" &&
	test "d.sql c.sql b.sql a.sql " = "$(shows --since "1 week ago")" &&
	git migrate log --since "1 week ago" --porcelain >.git/t/out &&
	test 5 -le "$(grep -c "^record " .git/t/out)" &&
	test_expect_code 129 git migrate log --since whenever 2>.git/t/err &&
	has_line .git/t/err "error: '\''whenever'\'' is no date"
'

test_expect_success '--oneline' '
	git migrate log --oneline -n 2 >.git/t/actual &&
	cat >.git/t/expect <<-END &&
	$(git rev-parse HEAD | cut -c1-8) e.sql add e
	$(git rev-parse HEAD~1 | cut -c1-8) d.sql mend c and a
	END
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success '--format' '
	git migrate log -n 1 HEAD~1 --format="%H|%h|%s|%an|%ae|%aI|%as|%at|%(path)|%(fixes)|%(fixed-by)%%" \
		>.git/t/actual &&
	commit=$(git rev-parse HEAD~1) &&
	git log -1 --format="%H|$(echo "$commit" | cut -c1-8)|%s|%an|%ae|%aI|%as|%at|d.sql|c.sql,a.sql|%%" \
		HEAD~1 | sed "s/+00:00/Z/" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git migrate log --reverse --format="%(path) %(state:default) %(state:staging) %(trailer:Reversal)%x09." \
		>.git/t/actual &&
	tr _ "\t" >.git/t/expect <<-\END &&
	a.sql applied applied _.
	b.sql applied applied _.
	c.sql applied pending _.
	d.sql applied pending drop it_.
	e.sql pending pending _.
	END
	test_cmp .git/t/expect .git/t/actual &&
	git migrate log -n 1 --format="%(applied:default)%(by:default)" >.git/t/actual &&
	echo >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	for format in "%q" "%" "%(path" "%(nosuch)" "%(state:nosuch)" "%(trailer:Nosuch)"; do
		test_expect_code 129 git migrate log --format="$format" >.git/t/out 2>.git/t/err &&
		test_must_be_empty .git/t/out && grep "^error: " .git/t/err || return 1
	done
'

test_expect_success '--format escapes what comes from outside' '
	git checkout -q -b evil &&
	new_migration f "CREATE TABLE f (x);" "$(printf "add \033]0;owned\007 f")" &&
	git migrate log -n 1 --format="%s" >.git/t/actual &&
	printf "add \\\\x1b]0;owned\\\\x07 f\n" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git checkout -q main
'

test_expect_success '--porcelain has the records byte for byte' '
	git migrate log --porcelain --reverse >.git/t/out &&
	sed -n "s/^record default //p" .git/t/out | sort >.git/t/actual &&
	tracker_rows .git/app.db | grep " path=" | sort >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	grep "^migration $(git rev-parse HEAD~1) $(git rev-parse HEAD:migrations/d.sql) d.sql\$" .git/t/out &&
	grep -A2 " d.sql\$" .git/t/out | grep -c "^fixes [ca].sql" >.git/t/actual &&
	echo 2 >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success '--json of log and show' '
	git migrate log --json --failed >.git/t/out &&
	git migrate show --json b >.git/t/one &&
	sed -e 1d -e "\$d" -e "s/^  //" .git/t/out >.git/t/actual &&
	# show has what was proved of it too
	tr -d " \n" <.git/t/one | sed "s/,\"proofs\":\[\]//" >.git/t/expect &&
	tr -d " \n" <.git/t/actual >.git/t/flat &&
	test_cmp .git/t/expect .git/t/flat &&
	has_line .git/t/one "  \"path\": \"b.sql\"," &&
	tr -d " \n" <.git/t/one >.git/t/flat &&
	grep -F "\"fixes\":[],\"fixed_by\":[\"c.sql\"],\"failure_mode\":null" .git/t/flat &&
	sed -n "s/^ *\"\(target\|event\)\": \"\(.*\)\",/\2/p" .git/t/one | paste -d " " - - \
		>.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	default failed
	default applied
	staging applied
	END
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'one form at a time' '
	for forms in "--json --porcelain" "--json --graph" "--format=x --oneline" "--graph --porcelain"; do
		test_expect_code 129 git migrate log $forms >.git/t/out 2>.git/t/err &&
		grep "cannot be used together" .git/t/err || return 1
	done
'

test_done
