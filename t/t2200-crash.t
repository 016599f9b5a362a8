#!/bin/sh

test_description='a crash between any two steps leaves no half state behind'

. "$(dirname "$0")/lib.sh"

if ! test_have_prereq FAULTS; then
	skip_all='needs a build with --enable-faults (FAULTS)'
	test_done
fi

start_pg

# crash POINT: one run that is killed there
crash() {
	GIT_MIGRATE_FAULT=$1 git migrate apply >out 2>err
	test $? -gt 128
}

# settled URL: how often each migration was applied
settled() {
	git migrate log --json >log.json &&
	grep -c '"event": "applied"' log.json
}

# check_point ENGINE POINT
check_point() {
	rm -rf repo &&
	make_repo repo &&
	(
		cd repo &&
		if test "$1" = sqlite; then
			git migrate init sqlite:app.db
		else
			db=crash_$(echo "$2" | tr - _) &&
			git migrate init "$(create_db "$db")"
		fi >../out 2>&1 &&
		new_migration one "CREATE TABLE one (x int);" &&
		new_migration two "CREATE TABLE two (x int); INSERT INTO two VALUES (1);" &&
		crash "$2" &&
		git migrate status >../status 2>&1 &&
		git migrate apply >../out 2>&1 &&
		git migrate audit --porcelain >../audit &&
		! grep -v " ok " ../audit &&
		settled >../count &&
		echo 2 >../expect &&
		test_cmp ../expect ../count &&
		git fsck --no-dangling >../fsck 2>&1
	)
}

for engine in sqlite postgresql; do
	for point in installed locked recorded committed packed mirrored; do
		test_expect_success "$engine: killed at '$point', the next run converges" "
			check_point $engine $point
		"
	done
done

test_expect_success 'without a fault the same run ends well' '
	rm -rf repo && make_repo repo &&
	(
		cd repo && git migrate init sqlite:app.db >../out 2>&1 &&
		new_migration one "CREATE TABLE one (x int);" &&
		GIT_MIGRATE_FAULT=nowhere git migrate apply >../out 2>&1
	)
'

test_done
