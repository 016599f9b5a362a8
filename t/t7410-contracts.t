#!/bin/sh
# Expand and contract: what waits, what passes it, and what is owed.
test_description='contracts wait for a day, a tag, a partner, and float'

. "$(dirname "$0")/lib.sh"
. "$top_srcdir/t/pairs.sh"

for engine in $engines; do

test_expect_success "$engine: a day: it waits, others pass it, it runs when it is met" '
	fresh day-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" "Phase: contract" "Not-Before: 2999-12-31" &&
	add c3 "INSERT INTO t VALUES (3);" &&
	git-migrate apply >out &&
	grep "^  waits    b2.sql  not before 2999-12-31" out &&
	git-migrate apply --porcelain >out && grep "^waiting b2.sql" out &&
	git-migrate status --exit-code >out && grep "2 applied, 0 pending, 1 waiting" out &&
	git-migrate status --porcelain >out && grep "^waiting .* b2.sql" out &&
	told <<-\END &&
	applied a1.sql
	applied c3.sql
	END
	sound &&
	fresh met-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" "Phase: contract" "Not-Before: 2001-01-01" &&
	git-migrate apply >out && ! grep waits out &&
	story >actual && printf "%s\n" "applied a1.sql" "applied b2.sql" | test_cmp - actual
'

test_expect_success "$engine: a tag: it runs, behind others, once there is one" '
	fresh tag-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" "Phase: contract" "Not-Before: release/v2" &&
	add c3 "INSERT INTO t VALUES (3);" &&
	git-migrate apply >out &&
	grep "^  waits    b2.sql  not before there is a tag .release/v2." out &&
	git branch release/v2 && git-migrate apply >out && grep waits out &&
	git tag release/v2 && git-migrate status >out && ! grep waiting out &&
	git-migrate apply >out 2>err && ! grep waits out &&
	told <<-\END &&
	applied a1.sql
	applied c3.sql
	applied b2.sql
	END
	sound && git-migrate status --exit-code
'

test_expect_success "$engine: a partner that was replaced: by one that knew the contract, or by one that it knows" '
	fresh replaced-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" && fix c3 b2 "INSERT INTO t VALUES (3);" &&
	add d4 "DELETE FROM t WHERE x = 3;" "Phase: contract" "Pairs-With: c3" &&
	git-migrate apply >out && git-migrate apply && git branch known && add e5 "INSERT INTO t VALUES (2);" "Supersedes: b2" &&
	git-migrate apply && sql "$url" "SELECT x FROM t ORDER BY x" >first &&
	second new && git-migrate apply new >out &&
	grep "unneeded  d4.sql  .c3.sql., its partner, was replaced here" out &&
	sql "$other" "SELECT x FROM t ORDER BY x" >actual && test_cmp first actual &&
	git-migrate audit new >audited && grep "ok  *pairs  *3 superseded or unneeded" audited &&
	git-migrate status --exit-code new && git-migrate status --owed new >out && grep "nothing is owed" out &&
	git checkout -q -b before known~1 && add e5 "INSERT INTO t VALUES (2), (3);" "Supersedes: b2" &&
	add d4 "DELETE FROM t WHERE x = 3;" "Phase: contract" "Pairs-With: c3" &&
	second later && git-migrate apply later >out && ! grep "unneeded  d4.sql" out &&
	sql "$other" "SELECT x FROM t ORDER BY x" >actual && test_cmp first actual && git-migrate audit later
'

test_expect_success "$engine: a partner that was replaced: what waits for its day, or goes with the replacement, is owed" '
	fresh left-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" && fix c3 b2 "INSERT INTO missing VALUES (3);" &&
	add d4 "DELETE FROM t WHERE x = 3;" "Phase: contract" "Pairs-With: c3" && git-migrate apply --to b2 &&
	fix e5 b2 "INSERT INTO t VALUES (3);" "Supersedes: c3" && git-migrate apply >out && ! grep "unneeded" out &&
	git-migrate apply && story | grep "applied d4.sql" && sql "$url" "SELECT x FROM t ORDER BY x" >first && ! grep 3 first &&
	fresh dated-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" && fix c3 b2 "INSERT INTO t VALUES (3);" &&
	add d4 "DELETE FROM t WHERE x = 3;" "Phase: contract" "Pairs-With: c3" "Not-Before: 2999-01-01" &&
	add e5 "INSERT INTO t VALUES (2), (3);" "Supersedes: b2" && git-migrate apply >out && ! grep "unneeded  d4" out &&
	git-migrate status --owed >out && grep "waiting  d4.sql" out
'

test_expect_success "$engine: a partner that was replaced: a contract that was replaced too has nothing to clear" '
	fresh both-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" && fix c3 b2 "INSERT INTO t VALUES (3);" &&
	add d4 "DELETE FROM missing;" "Phase: contract" "Pairs-With: c3" && git branch one &&
	add e5 "DELETE FROM missing WHERE x = 3;" "Phase: contract" "Pairs-With: c3" "Supersedes: d4" &&
	add f6 "INSERT INTO t VALUES (2);" "Supersedes: b2" && git-migrate apply >out &&
	grep "unneeded  d4.sql  .c3.sql., its partner, was replaced here" out &&
	grep "unneeded  e5.sql  .d4.sql., which it supersedes, is settled here" out &&
	git-migrate audit && git-migrate status --exit-code && git-migrate status --owed >out && grep "nothing is owed" out &&
	git checkout -q one && add f6 "INSERT INTO t VALUES (2);" "Supersedes: b2" &&
	second between && git-migrate apply between >out && grep "unneeded  d4.sql" out &&
	add e5 "DELETE FROM missing WHERE x = 3;" "Phase: contract" "Pairs-With: c3" "Supersedes: d4" &&
	git-migrate apply between >out && grep "unneeded  e5.sql" out &&
	add g7 "INSERT INTO t VALUES (7);" && add h8 "DELETE FROM t WHERE x = 7;" "Phase: contract" "Pairs-With: g7" &&
	add i9 "DELETE FROM t WHERE x > 6;" "Phase: contract" "Pairs-With: g7" "Supersedes: h8" &&
	git-migrate apply between >out && git-migrate apply between >out && grep "superseded  h8.sql  .i9.sql. runs in its place" out &&
	sql "$other" "SELECT x FROM t ORDER BY x" >actual && printf "%s\n" 1 2 | test_cmp - actual
'

# replaced_at DAY NAME: a fresh target of that name, where the author of e5 wrote it then
replaced_at() (
	git checkout -q contract && git branch -q -f "at-$1" && git checkout -q "at-$1" &&
	lib_time=$(date -u -d "$1 12:00" +%s) && add e5 "INSERT INTO t VALUES (2), (3);" "Supersedes: b2" &&
	second "$2" && git-migrate apply "$2" >out
)

test_expect_success "$engine: a partner that was replaced: what has a day or a tag is owed, whenever that was written" '
	fresh due-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" && fix c3 b2 "INSERT INTO t VALUES (3);" &&
	add d4 "DELETE FROM t WHERE x = 3;" "Phase: contract" "Pairs-With: c3" "Not-Before: 2010-02-03" "Not-Before: 2010-01-01" &&
	git branch contract && replaced_at 2010-02-02 early && ! grep "unneeded  d4" out && grep "applied  d4.sql" out &&
	git-migrate audit early && replaced_at 2010-02-03 late && ! grep "unneeded  d4" out && grep "applied  d4.sql" out &&
	git-migrate audit late &&
	git checkout -q contract~1 && git tag v9 && add d4 "DELETE FROM t WHERE x = 3;" "Phase: contract" "Pairs-With: c3" "Not-Before: v9" &&
	git branch -q -f contract && replaced_at 2010-02-04 tagged && ! grep "unneeded  d4" out && grep "applied  d4.sql" out
'

test_expect_success "$engine: a partner: applied by an earlier run" '
	fresh partner-$engine && target $engine && base && git-migrate apply &&
	add b2 "INSERT INTO t VALUES (2);" "Phase: expand" &&
	add c3 "INSERT INTO t VALUES (3);" "Phase: contract" "Pairs-With: b2" &&
	add d4 "INSERT INTO t VALUES (4);" &&
	git-migrate status >out && grep "waiting  c3.sql .*its partner .b2.sql. is not applied yet" out &&
	git-migrate apply >out && grep "^  waits    c3.sql" out &&
	git-migrate apply >out && ! grep waits out &&
	told <<-\END &&
	applied a1.sql
	applied b2.sql
	applied d4.sql
	applied c3.sql
	END
	sound && second new &&
	git-migrate apply new && story "$other" >actual &&
	printf "applied %s.sql\n" a1 b2 c3 d4 | test_cmp - actual && sound new
'

test_expect_success "$engine: one that requires it is held, and all behind that" '
	fresh held-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" "Phase: contract" "Not-Before: v2" &&
	add c3 "INSERT INTO t VALUES (3);" &&
	add d4 "INSERT INTO t VALUES (4);" "Requires: b2" &&
	add e5 "INSERT INTO t VALUES (5);" &&
	git-migrate status 2>err >out && grep "held: .b2.sql. waits" out &&
	grep "warning: migration .d4.sql. requires .b2.sql., which waits" err &&
	test_expect_code 1 git-migrate apply >out 2>err &&
	grep "^error: migration .d4.sql. requires .b2.sql., which waits: not before there is a tag .v2." err &&
	test_expect_code 1 git-migrate apply >out 2>err &&
	git-migrate apply --to c3 &&
	told <<-\END &&
	applied a1.sql
	applied c3.sql
	END
	git tag v2 && git-migrate apply &&
	story | tail -n 3 >actual && printf "applied %s.sql\n" b2 d4 e5 | test_cmp - actual &&
	sound
'

test_expect_success "$engine: what fixes one waits with it; both in one transaction then" '
	fresh fixed-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" "Phase: contract" "Not-Before: v2" &&
	fix c3 b2 "INSERT INTO missing VALUES (3);" &&
	add d4 "INSERT INTO t VALUES (4);" &&
	git-migrate apply >out && grep "waits    c3.sql  it fixes .b2.sql., which waits" out &&
	git tag v2 && test_expect_code 1 git-migrate apply &&
	commit_file migrations/c3.sql "INSERT INTO t VALUES (3);" "mend" &&
	git-migrate apply && told <<-\END && sound
	applied a1.sql
	applied d4.sql
	failed c3.sql
	applied b2.sql
	applied c3.sql
	END
'

test_expect_success "$engine: only contracts float: another one in that place is a gap" '
	fresh gap-$engine && target $engine && base &&
	add b2 "INSERT INTO t VALUES (2);" "Phase: expand" &&
	add c3 "INSERT INTO t VALUES (3);" &&
	git-migrate apply --to a1 && git checkout -q --detach &&
	git rm -q migrations/b2.sql && git commit -q -m without && git-migrate apply &&
	git checkout -q main && test_expect_code 1 git-migrate apply 2>err &&
	grep "there is a gap: .b2.sql. is pending and .c3.sql. behind it was applied" err
'

test_expect_success "$engine: --owed" '
	fresh owed-$engine && target $engine && base &&
	add b2 "SELECT 2;" "Phase: contract" "Not-Before: 2999-12-31" &&
	add c3 "SELECT 3;" "Phase: contract" "Not-Before: 2001-01-01" &&
	git-migrate status --owed >out && head -n 1 out >first &&
	echo "target default: 2 owed" | test_cmp - first &&
	grep "waiting  b2.sql  .*since 2005-04-0[0-9], [0-9]* days  not before 2999-12-31" out &&
	grep "due      c3.sql  .*the next apply runs it" out &&
	git-migrate status --owed --porcelain >out &&
	grep -E "^waiting [0-9a-f]{40} 2005-04-0[0-9] [0-9]+ b2.sql not before 2999-12-31$" out &&
	git-migrate status --owed --json >out &&
	python3 "$top_srcdir/t/validate-json.py" "$top_srcdir/man/schemas/status.json" out &&
	grep "\"why\": \"not before 2999-12-31\"" out &&
	git-migrate apply && git-migrate status --owed >out && ! grep c3 out &&
	fresh none-$engine && target $engine && base && git-migrate status --owed >out &&
	echo "target default: nothing is owed" | test_cmp - out
'
done

test_done
