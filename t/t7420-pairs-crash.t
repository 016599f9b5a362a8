#!/bin/sh
# What belongs into one transaction, killed between any two steps of it.
test_description='a crash leaves both of a pair, or none'

. "$(dirname "$0")/lib.sh"

if ! test_have_prereq FAULTS; then
	skip_all='needs a build with --enable-faults (FAULTS)'
	test_done
fi

. "$top_srcdir/t/pairs.sh"

# crash POINT: one run that is killed there; what it has sent may still be done.
crash() {
	GIT_MIGRATE_FAULT=$1 git-migrate apply >out 2>err
	test $? -gt 128 || return 1
	test "$engine" = sqlite || left_alone "$url"
}

# whole EVENT PATH...: the log has all of these, or none of them.
whole() {
	story >actual &&
	lib_found=0 &&
	for lib_line; do
		! grep -qx "$lib_line" actual || lib_found=$((lib_found + 1))
	done &&
	{ test $lib_found -eq 0 || test $lib_found -eq $#; }
}

# sound_but_for_the_end: the end of the run that was killed is not on record.
sound_but_for_the_end() {
	git-migrate audit --porcelain >audit.out &&
	! grep -v -e "^default ok " -e "^default warning schema-unknown " audit.out
}

for engine in $engines; do
for point in locked recorded committed; do

test_expect_success "$engine: '$point', one in the place of another" '
	fresh super-$point-$engine && target $engine && base && git-migrate apply &&
	add b2 "INSERT INTO missing VALUES (2);" && fix c3 b2 "SELECT 3;" &&
	add d4 "INSERT INTO t VALUES (4);" "Supersedes: b2" &&
	crash $point &&
	whole "superseded b2.sql" "applied d4.sql" &&
	git-migrate status && git-migrate apply &&
	told <<-\END &&
	applied a1.sql
	superseded b2.sql
	applied d4.sql
	unneeded c3.sql
	END
	sql "$url" "SELECT count(*) FROM t" >actual && echo 2 | test_cmp - actual &&
	sound_but_for_the_end
'

test_expect_success "$engine: '$point', a broken one with its fix" '
	fresh fix-$point-$engine && target $engine && base && git-migrate apply &&
	add b2 "INSERT INTO t VALUES (2);" && add c3 "INSERT INTO t VALUES (3);" &&
	fix d4 b2 "INSERT INTO t VALUES (4);" &&
	crash $point &&
	whole "applied b2.sql" "applied c3.sql" "applied d4.sql" &&
	git-migrate status && git-migrate apply &&
	story >actual && printf "applied %s.sql\n" a1 b2 c3 d4 | test_cmp - actual &&
	sql "$url" "SELECT count(*) FROM t" >actual && echo 4 | test_cmp - actual &&
	sound_but_for_the_end
'
done
done

for point in started ran; do
test_expect_success PG "pg: '$point', one that runs outside of a transaction" '
	fresh alone-$point && target pg && base && git-migrate apply &&
	add b2 "INSERT INTO missing VALUES (2);" &&
	add c3 "-- migrate: no-transaction
CREATE INDEX CONCURRENTLY i ON t (x);" "Supersedes: b2" &&
	crash $point &&
	test_expect_code 0 git-migrate status &&
	git-migrate apply &&
	told <<-\END && sound
	applied a1.sql
	started c3.sql
	superseded b2.sql
	applied c3.sql
	END
'
done

test_done
