#!/bin/sh
# A migration with its fix, and one that runs in the place of another.
test_description='superseders, and a broken one with its fix in one transaction'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/t/pairs.sh"

for engine in $engines; do

# --- superseders ----------------------------------------------------------------

test_expect_success "$engine: where it never ran, the replacement runs in its place" '
	fresh super-$engine && target $engine &&
	base && add b2 "INSERT INTO missing VALUES (1);" &&
	fix c3 b2 "INSERT INTO t VALUES (3);" &&
	add d4 "INSERT INTO t VALUES (4);" &&
	add e5 "INSERT INTO t VALUES (5);" "Supersedes: b2" &&
	git-migrate status >out &&
	grep "pending  b2.sql .*superseded: .e5.sql. runs in its place" out &&
	grep "pending  c3.sql .*unneeded: .b2.sql. is not in force here" out &&
	grep "pending  e5.sql .*runs in the place of .b2.sql." out &&
	git-migrate apply --porcelain >out &&
	sed "s/ .*//" out >words &&
	printf "%s\n" planned applied superseded applied unneeded applied mirrored head |
	test_cmp - words &&
	told <<-\END &&
	applied a1.sql
	superseded b2.sql
	applied e5.sql
	unneeded c3.sql
	applied d4.sql
	END
	sql "$url" "SELECT x FROM t ORDER BY x" >actual &&
	printf "%s\n" 1 4 5 | test_cmp - actual &&
	sound &&
	git-migrate status --exit-code &&
	git-migrate apply >out && grep "up to date" out
'

test_expect_success "$engine: where it ran, the fix runs and the replacement does not" '
	fresh ran-$engine && target $engine &&
	base && add b2 "INSERT INTO t VALUES (2);" && add b9 "INSERT INTO t VALUES (9);" &&
	git-migrate apply && git tag then &&
	fix c3 b2 "INSERT INTO t VALUES (3);" &&
	add e5 "INSERT INTO t VALUES (5);" "Supersedes: b2" &&
	git-migrate status >out &&
	grep "broken and unfixed here:" out &&
	grep "^  b2.sql  its fix c3.sql is pending" out &&
	git-migrate status --json >out &&
	grep -A4 "\"unfixed\": " out | grep "\"fix\": \"c3.sql\"" &&
	git-migrate apply &&
	told <<-\END &&
	applied a1.sql
	applied b2.sql
	applied b9.sql
	applied c3.sql
	unneeded e5.sql
	END
	sound && git-migrate status >out && ! grep broken out
'

test_expect_success "$engine: a chain: the last one runs, in the place of the first" '
	fresh chain-$engine && target $engine &&
	base && add b2 "INSERT INTO missing VALUES (1);" &&
	add c3 "INSERT INTO missing VALUES (2);" "Supersedes: b2" &&
	fix d4 c3 "INSERT INTO t VALUES (3);" &&
	add e5 "INSERT INTO t VALUES (5);" "Supersedes: c3" &&
	fix f6 d4 "INSERT INTO t VALUES (6);" &&
	git-migrate apply &&
	told <<-\END &&
	applied a1.sql
	superseded b2.sql
	applied e5.sql
	superseded c3.sql
	unneeded d4.sql
	unneeded f6.sql
	END
	sound
'

test_expect_success "$engine: two replacements of one: the last one wins" '
	fresh two-$engine && target $engine &&
	base && add b2 "INSERT INTO missing VALUES (1);" &&
	add c3 "INSERT INTO missing VALUES (2);" "Supersedes: b2" &&
	add e5 "INSERT INTO t VALUES (5);" "Supersedes: b2" &&
	git-migrate apply &&
	told <<-\END &&
	applied a1.sql
	superseded b2.sql
	applied e5.sql
	superseded c3.sql
	END
	add f6 "INSERT INTO missing VALUES (6);" "Supersedes: b2" &&
	add g7 "INSERT INTO missing VALUES (7);" "Supersedes: e5" &&
	git-migrate apply &&
	story | tail -n 2 >actual &&
	printf "%s\n" "unneeded f6.sql" "unneeded g7.sql" | test_cmp - actual &&
	sound
'

test_expect_success "$engine: a replacement that is the fix too runs on both" '
	fresh both-$engine && target $engine &&
	base && add b2 "INSERT INTO t VALUES (2);" &&
	git-migrate apply && second new &&
	fix c3 b2 "INSERT INTO t SELECT 3 WHERE (SELECT count(*) FROM t) > 0;" \
		"Supersedes: b2" &&
	git-migrate apply && git-migrate apply new &&
	story | tail -n 1 >actual && echo "applied c3.sql" | test_cmp - actual &&
	told "$other" <<-\END &&
	applied a1.sql
	superseded b2.sql
	applied c3.sql
	END
	sound && sound new
'

test_expect_success "$engine: entries behind it applied: it runs at its own position" '
	fresh own-$engine && target $engine && base &&
	add b2 "INSERT INTO missing VALUES (1);" "Phase: contract" "Not-Before: 2999-12-31" &&
	add c3 "INSERT INTO t VALUES (3);" && git-migrate apply &&
	add d4 "INSERT INTO t VALUES (4);" &&
	add e5 "INSERT INTO t VALUES (5);" "Supersedes: b2" &&
	git-migrate apply &&
	told <<-\END &&
	applied a1.sql
	applied c3.sql
	applied d4.sql
	superseded b2.sql
	applied e5.sql
	END
	sound
'

test_expect_success "$engine: unless something before that requires it" '
	fresh needed-$engine && target $engine && base &&
	add b2 "INSERT INTO missing VALUES (1);" "Phase: contract" "Not-Before: 2999-12-31" &&
	add c3 "INSERT INTO t VALUES (3);" && git-migrate apply &&
	add d4 "INSERT INTO t VALUES (4);" "Requires: b2" &&
	add e5 "INSERT INTO t VALUES (5);" "Supersedes: b2" &&
	git-migrate apply &&
	told <<-\END &&
	applied a1.sql
	applied c3.sql
	superseded b2.sql
	applied e5.sql
	applied d4.sql
	END
	sound
'

test_expect_success "$engine: what it needs precedes the place that it takes" '
	fresh needs-$engine && target $engine && base && git-migrate apply &&
	add b2 "INSERT INTO missing VALUES (1);" && add c3 "INSERT INTO t VALUES (3);" &&
	add d4 "INSERT INTO t VALUES (4);" "Supersedes: b2" "Requires: c3" &&
	test_expect_code 1 git-migrate check HEAD~1..HEAD >out 2>&1 && grep supersedes out &&
	test_expect_code 1 git-migrate apply 2>err &&
	grep "error: migration .d4.sql. needs .c3.sql., which comes behind .b2.sql., whose place it takes" err &&
	git config migrate.branch main && test_expect_code 1 git-migrate apply 2>err &&
	grep "needs .c3.sql." err && story >actual && echo "applied a1.sql" | test_cmp - actual &&
	add e5 "INSERT INTO t VALUES (5);" "Supersedes: d4" "Requires: a1" &&
	git-migrate check HEAD~1..HEAD >out 2>&1 && git-migrate apply &&
	told <<-\END && sound
	applied a1.sql
	superseded b2.sql
	applied e5.sql
	applied c3.sql
	superseded d4.sql
	END
'

test_expect_success "$engine: a fix of two runs where one of them did" '
	fresh twofold-$engine && target $engine && base && git-migrate apply &&
	add b2 "INSERT INTO missing VALUES (1);" &&
	add c3 "INSERT INTO t VALUES (3);" "Fixes: b2" "Fixes: a1" "Failure-Mode: both" &&
	add e5 "INSERT INTO t VALUES (5);" "Supersedes: b2" && git-migrate apply &&
	told <<-\END && sound
	applied a1.sql
	superseded b2.sql
	applied e5.sql
	applied c3.sql
	END
'

test_expect_success "$engine: across merges: whichever ran first" '
	fresh merge-$engine && target $engine && base && git-migrate apply &&
	git checkout -q -b side && add b2 "INSERT INTO t VALUES (2);" &&
	add b3 "INSERT INTO t VALUES (33);" &&
	second side && git-migrate apply side && git checkout -q main &&
	add x9 "INSERT INTO t VALUES (9);" && git-migrate apply &&
	git merge -q -m merge side &&
	fix c4 b2 "INSERT INTO t VALUES (4);" && add e5 "INSERT INTO t VALUES (5);" "Supersedes: b2" &&
	git-migrate apply && told <<-\END && sound &&
	applied a1.sql
	applied x9.sql
	superseded b2.sql
	applied e5.sql
	applied b3.sql
	unneeded c4.sql
	END
	git config migrate.side.order arrival && git-migrate apply side &&
	told "$other" <<-\END && sound side
	applied a1.sql
	applied b2.sql
	applied b3.sql
	excepted x9.sql
	applied x9.sql
	applied c4.sql
	unneeded e5.sql
	END
'

test_expect_success "$engine: a dry run tells the same, and changes nothing" '
	fresh dry-$engine && target $engine && base && git-migrate apply &&
	add b2 "INSERT INTO missing VALUES (1);" && fix c3 b2 "SELECT 1;" &&
	add e5 "INSERT INTO t VALUES (5);" "Supersedes: b2" &&
	git-migrate apply -n >out && grep "would be superseded  b2.sql" out &&
	grep "would apply  e5.sql" out && grep "would be unneeded  c3.sql" out &&
	git-migrate apply -n --porcelain >out && grep "^would-be-superseded 0 b2.sql" out &&
	git-migrate apply -n --json >out &&
	python3 "$top_srcdir/t/validate-json.py" "$top_srcdir/man/schemas/apply.json" out &&
	git-migrate apply --json >out &&
	python3 "$top_srcdir/t/validate-json.py" "$top_srcdir/man/schemas/apply.json" out &&
	grep "\"result\": \"unneeded\"" out &&
	git-migrate at now >out && grep "^2 in force" out && ! grep -e b2 -e c3 out
'

test_expect_success "$engine: R is not in a transaction" '
	test $engine = pg || return 0
	fresh alone-$engine && target $engine &&
	base && add b2 "CREATE INDEX CONCURRENTLY i ON missing (x);" &&
	add c3 "-- migrate: no-transaction
CREATE INDEX CONCURRENTLY i ON t (x);" "Supersedes: b2" &&
	git-migrate apply &&
	told <<-\END &&
	applied a1.sql
	started c3.sql
	superseded b2.sql
	applied c3.sql
	END
	sound
'

# --- a broken one with its fix --------------------------------------------------------

test_expect_success "$engine: the fix fails: nothing of the broken one stays" '
	fresh pair-$engine && target $engine &&
	base && add b2 "INSERT INTO t VALUES (2);" &&
	add c3 "INSERT INTO t VALUES (3);" &&
	fix d4 b2 "INSERT INTO missing VALUES (4);" &&
	add e5 "INSERT INTO t VALUES (5);" &&
	test_expect_code 1 git-migrate apply --porcelain >out 2>err &&
	grep "^failed d4.sql" out && grep "^applied .* a1.sql" out &&
	! grep "applied .* b2.sql" out &&
	grep "All from .b2.sql. on was rolled back with it" err &&
	told <<-\END &&
	applied a1.sql
	failed d4.sql
	END
	sql "$url" "SELECT x FROM t" >actual && echo 1 | test_cmp - actual &&
	commit_file migrations/d4.sql "INSERT INTO t VALUES (4);" "mend it" &&
	git-migrate apply &&
	told <<-\END &&
	applied a1.sql
	failed d4.sql
	applied b2.sql
	applied c3.sql
	applied d4.sql
	applied e5.sql
	END
	sound
'

test_expect_success "$engine: the broken one fails: it is the one that is named" '
	fresh first-$engine && target $engine &&
	base && add b2 "INSERT INTO missing VALUES (2);" &&
	fix d4 b2 "INSERT INTO t VALUES (4);" &&
	test_expect_code 1 git-migrate apply 2>err &&
	told <<-\END
	applied a1.sql
	failed b2.sql
	END
'

test_expect_success "$engine: a fix of a fix is in that transaction too" '
	fresh deep-$engine && target $engine &&
	base && add b2 "INSERT INTO t VALUES (2);" &&
	fix c3 b2 "INSERT INTO t VALUES (3);" &&
	fix d4 c3 "INSERT INTO missing VALUES (4);" &&
	test_expect_code 1 git-migrate apply 2>err &&
	told <<-\END
	applied a1.sql
	failed d4.sql
	END
'

test_expect_success "$engine: what runs in the place of a fix is in that transaction" '
	fresh heir-$engine && target $engine &&
	base && add b2 "INSERT INTO t VALUES (2);" &&
	fix c3 b2 "INSERT INTO gone VALUES (3);" &&
	add d4 "INSERT INTO missing VALUES (4);" "Supersedes: c3" &&
	test_expect_code 1 git-migrate apply 2>err &&
	grep "All from .b2.sql. on was rolled back with it" err &&
	told <<-\END &&
	applied a1.sql
	failed d4.sql
	END
	git-migrate status >out && ! grep broken out &&
	commit_file migrations/d4.sql "INSERT INTO t VALUES (4);" "mend it" &&
	git-migrate apply --to b2 && git-migrate status >out &&
	grep "^  b2.sql  its fix d4.sql is pending" out && ! grep "its fix c3.sql" out &&
	git-migrate apply && git-migrate status >out && ! grep broken out && sound
'

test_expect_success "$engine: an obstacle: they run singly, and it is said" '
	fresh single-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" &&
	case $engine in
	pg) add c3 "-- migrate: no-transaction
CREATE INDEX CONCURRENTLY i ON t (x);" ;;
	*) add c3 "-- migrate: foreign-keys=on
INSERT INTO t VALUES (3);" ;;
	esac &&
	fix d4 b2 "INSERT INTO missing VALUES (4);" &&
	test_expect_code 1 git-migrate apply 2>err &&
	grep "^.b2.sql. and its fix .d4.sql. run singly, and not in one transaction: .c3.sql.:" err &&
	story | grep -v started >actual &&
	printf "%s\n" "applied a1.sql" "applied b2.sql" "applied c3.sql" "failed d4.sql" |
	test_cmp - actual &&
	git-migrate status >out && grep "b2.sql  its fix d4.sql is pending" out
'
done

test_expect_success PG 'pg: a value of an enum is there once it is committed' '
	fresh parted-enum && target pg && add a1 "CREATE TYPE mood AS ENUM ('\''a'\''); CREATE TABLE t (m mood);" &&
	git-migrate apply && add b2 "ALTER TYPE mood ADD VALUE '\''b'\'';" &&
	fix c3 b2 "INSERT INTO t VALUES ('\''b'\'');" &&
	git-migrate apply -n >dry && ! grep failed dry &&
	git-migrate apply --json >out 2>err && python3 - out <<-\END &&
	import json, sys
	ran = json.load(open(sys.argv[1]))[0]["migrations"]
	assert [(m["path"], m["result"]) for m in ran] == [("b2.sql", "applied"), ("c3.sql", "applied")], ran
	assert all(len(m["durations"]) == m["statements"] == 1 for m in ran), ran
	END
	grep "^.b2.sql. and its fix .c3.sql. run singly, and not in one transaction: .c3.sql.: unsafe use of new value" err &&
	told <<-\END &&
	applied a1.sql
	applied b2.sql
	applied c3.sql
	END
	sound &&
	grep "not tried  c3.sql and what follows: what it uses must be committed before" dry
'

test_expect_success PG 'pg: a value that the fix itself adds parts nothing, and nothing stays' '
	fresh parted-fails && target pg && add a1 "CREATE TYPE mood AS ENUM ('\''a'\''); CREATE TABLE t (m mood);" &&
	git-migrate apply && add b2 "SELECT 1;" &&
	fix c3 b2 "ALTER TYPE mood ADD VALUE '\''b'\''; INSERT INTO t VALUES ('\''b'\'');" &&
	test_expect_code 1 git-migrate apply >out 2>err && ! grep "run singly" err && grep "unsafe use of new value" err &&
	grep "All from .b2.sql. on was rolled back with it" err &&
	git-migrate status >out && ! grep broken out &&
	test_expect_code 1 git-migrate apply -n >out && ! grep "not tried" out
'

# parts NAME SQL: whether a fix that does that runs apart from b2, which adds the value b
parts() {
	fresh "parted-$1" && target pg &&
	add a1 "CREATE TYPE mood AS ENUM ('a'); CREATE TYPE \"Tone\" AS ENUM ('a'); CREATE TABLE t (m mood);" &&
	git-migrate apply && add b2 "ALTER TYPE mood ADD VALUE 'b';" && fix c3 b2 "$2" || return 2
	git-migrate apply >out 2>err
	parts_status=$?
	case $parts_status in
	0)
		grep "run singly" err && story | grep "applied c3.sql"
		;;
	*)
		! grep "run singly" err && grep "unsafe use of new value" err && ! story | grep "applied b2.sql"
		;;
	esac >/dev/null || return 2
	return $parts_status
}

test_expect_success PG 'pg: a fix that adds another value than the one that it uses is parted' '
	use="INSERT INTO t VALUES ('\''b'\'');" &&
	parts another "ALTER TYPE mood ADD VALUE '\''c'\''; $use" && parts exists "ALTER TYPE mood ADD VALUE IF NOT EXISTS '\''c'\'' BEFORE '\''a'\''; $use" &&
	parts type "ALTER TYPE \"Tone\" ADD VALUE '\''bb'\''; ALTER TYPE mood RENAME VALUE '\''a'\'' TO '\''z'\''; $use" &&
	parts words "INSERT INTO t SELECT '\''b'\'' WHERE '\''we add value to it'\'' > '\''a'\''; -- add value" &&
	for own in "ALTER TYPE mood ADD VALUE '\''c'\''; INSERT INTO t VALUES ('\''c'\'');" \
		"ALTER TYPE mood ADD VALUE '\''it'\'\''s'\''; INSERT INTO t VALUES ('\''it'\'\''s'\'');" \
		"ALTER TYPE mood ADD VALUE IF NOT EXISTS \$\$c\$\$; INSERT INTO t VALUES ('\''c'\'');" \
		"DO \$\$ BEGIN ALTER TYPE mood ADD  VALUE '\''c'\''; END \$\$; INSERT INTO t VALUES ('\''c'\'');"; do
		test_expect_code 1 parts "own-$((own_nr = ${own_nr:-0} + 1))" "$own" || return 1
	done
'

test_done
