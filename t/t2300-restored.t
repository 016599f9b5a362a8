#!/bin/sh

test_description='a database that went back in time, or was copied, is noticed and said'

. "$(dirname "$0")/lib.sh"

start_pg

# three_applied: a repository whose database was saved after the first of three
three_applied() {
	rm -rf app && make_repo app && cd app &&
	git migrate init sqlite:app.db >/dev/null 2>&1 &&
	for i in 1 2 3; do
		new_migration "m$i" "CREATE TABLE t$i (x int);" &&
		git migrate apply >/dev/null 2>&1 &&
		{ test $i != 1 || cp app.db ../saved.db; } || return 1
	done
}

test_expect_success 'a restored database is refused, and nothing is changed' '
	(
		three_applied &&
		cp ../saved.db app.db &&
		git rev-parse refs/notes/migrate/default >../before &&
		test_expect_code 1 git migrate apply 2>../err &&
		grep "^error: target .default. went back in time" ../err &&
		grep "^detail: Its mirror ends in record 7; its tracker ends in 3." ../err &&
		grep "git migrate target restored default --reason" ../err &&
		git rev-parse refs/notes/migrate/default >../after &&
		test_cmp ../before ../after &&
		cmp ../saved.db app.db &&
		test_expect_code 1 git migrate audit --porcelain >../audit &&
		grep "^default failed tracker-lacks 4 " ../audit &&
		grep "^default failed tracker-lacks 6 " ../audit &&
		test_expect_code 1 git migrate status --exit-code 2>../err &&
		grep "went back in time" ../err
	)
'

test_expect_success 'once it is said, what was lost is pending and runs again' '
	(
		cd app &&
		git migrate target restored default --reason "disk failure" >../out &&
		git migrate status --porcelain >../status &&
		cut -d" " -f1,4 ../status >../actual &&
		printf "%s\n" "applied m1.sql" "pending m2.sql" "pending m3.sql" >../expect &&
		test_cmp ../expect ../actual &&
		git migrate apply >../out 2>&1 &&
		git migrate audit --porcelain >../audit &&
		grep "^default warning restored 4 " ../audit &&
		! grep " failed " ../audit &&
		tracker_rows | cut -d" " -f1,4,5 >../actual &&
		grep "^0000000008 event=restored head=" ../actual &&
		grep "^0000000010 event=applied path=m3.sql" ../actual &&
		tracker_rows | sed -n 4p | grep " old=0000000007:[0-9a-f]* reason=disk%20failure$" &&
		git migrate log >../log &&
		test 3 -eq "$(grep -c "applied on default" ../log)"
	)
'

test_expect_success 'a database that has lost nothing was not restored' '
	(
		cd app && tracker_rows >../before &&
		test_expect_code 1 git migrate target restored default --reason x 2>../err &&
		grep "^error: target .default. has lost nothing" ../err &&
		tracker_rows >../after && test_cmp ../before ../after
	)
'

test_expect_success 'both want a reason' '
	(
		cd app && tracker_rows >../before &&
		test_expect_code 129 git migrate target restored default 2>../err &&
		grep "wants a reason" ../err &&
		test_expect_code 129 git migrate target clone default --reason "" 2>../err &&
		grep "wants a reason" ../err &&
		tracker_rows >../after && test_cmp ../before ../after
	)
'

test_expect_success 'a mirror with a restored database is accepted by a server' '
	git init -q --bare server.git &&
	git -C server.git migrate init >/dev/null &&
	(
		cd app && git remote add origin ../server.git &&
		git push -q origin main "refs/notes/migrate/*" 2>../err
	)
'

test_expect_success PG 'a copied database is refused until it is said' '
	url=$(create_db original) && staging=$(create_db copy) &&
	make_repo two && (
		cd two &&
		git migrate init --target production "$url" >/dev/null 2>&1 &&
		new_migration a "CREATE TABLE a (x int);" &&
		git migrate apply production >/dev/null 2>&1 &&
		pg "$PG_URL" "DROP DATABASE copy" &&
		pg "$PG_URL" "CREATE DATABASE copy TEMPLATE original" &&
		git migrate target add staging "$staging" >/dev/null &&
		new_migration b "CREATE TABLE b (x int);" &&
		pg_tracker_rows "$staging" >../before &&
		test_expect_code 1 git migrate apply staging 2>../err &&
		grep "^error: the tracker of target .staging. came from another server" ../err &&
		grep "git migrate target clone staging --reason" ../err &&
		pg_tracker_rows "$staging" >../after && test_cmp ../before ../after &&
		test_must_fail git rev-parse -q --verify refs/notes/migrate/staging &&
		git migrate target clone staging --reason "refresh from production" >../out &&
		git migrate apply staging >../out 2>&1 &&
		git migrate audit staging --porcelain >../audit &&
		! grep " failed " ../audit &&
		pg_tracker_rows "$staging" | sed -n 4p >../record &&
		grep "event=cloned" ../record &&
		grep " from=[0-9a-f-]*:0000000003:[0-9a-f]* reason=refresh%20from%20production$" ../record &&
		git migrate apply production >../out 2>&1 &&
		git migrate audit production --porcelain >../audit &&
		! grep " failed " ../audit
	)
'

test_expect_success PG 'a URL that leads to another database than before is refused' '
	other=$(create_db other) && (
		cd two &&
		git migrate target add spare "$other" >/dev/null &&
		git migrate apply spare >/dev/null 2>&1 &&
		git config migrate.production.url "$other" &&
		test_expect_code 1 git migrate apply production 2>../err &&
		grep "^error: " ../err && grep "^hint: " ../err &&
		git config migrate.production.url "$(create_db other2)" &&
		test_expect_code 1 git migrate apply production 2>../err &&
		grep "^error: target .production. went back in time" ../err
	)
'

test_expect_success 'a clone that only fetched the mirror notices it too' '
	rm -rf app seen && git init -q --bare seen &&
	(
		three_applied && git remote add origin ../seen &&
		git push -q origin main "refs/notes/migrate/*" && cp ../saved.db ../back.db
	) &&
	git clone -q seen fetched && (
		cd fetched && git migrate init "sqlite:$PWD/../back.db" >../out 2>&1 &&
		git fetch -q && cp ../back.db ../before.db &&
		test_expect_code 1 git migrate apply 2>../err &&
		grep "^error: target .default. went back in time" ../err &&
		cmp ../before.db ../back.db &&
		git migrate target restored default --reason "noon" >../out &&
		git migrate apply >../out 2>&1 &&
		git migrate audit --porcelain >../audit && ! grep " failed " ../audit &&
		git push -q origin "refs/notes/migrate/*"
	)
'

test_expect_success 'a note added by hand does not make it forget' '
	rm -rf app && (
		three_applied &&
		git notes --ref=refs/notes/migrate/default append -m "0" HEAD 2>../err &&
		cp ../saved.db app.db &&
		test_expect_code 1 git migrate apply 2>../err &&
		grep "^error: target .default. went back in time" ../err
	)
'

test_expect_success 'after a clone, going back in time is noticed again' '
	rm -rf app && (
		three_applied &&
		git migrate target clone default --reason "a copy" >../out 2>&1 &&
		cp app.db ../copied.db &&
		new_migration m4 "CREATE TABLE t4 (x int);" &&
		git migrate apply >../out 2>&1 && cp ../copied.db app.db &&
		test_expect_code 1 git migrate apply 2>../err &&
		grep "^error: target .default. went back in time" ../err
	)
'

test_expect_success 'audit, apply and restored refuse another database in its place' '
	rm -rf app other && make_repo other && (
		cd other && git migrate init sqlite:other.db >/dev/null 2>&1 &&
		new_migration x "CREATE TABLE x (x int);" && git migrate apply >../out 2>&1
	) && (
		three_applied && cp ../other/other.db app.db &&
		test_expect_code 1 git migrate audit --porcelain >../audit &&
		grep "^default failed other-target 1 " ../audit &&
		test_expect_code 1 git migrate target restored default --reason oops 2>../err &&
		grep "^error: target .default. is not the database that it was" ../err &&
		git config --unset migrate.default.uuid &&
		test_expect_code 1 git migrate target restored default --reason oops 2>../err &&
		grep "^error: the mirror of target .default. is not of this database" ../err &&
		git config --unset migrate.default.uuid &&
		test_expect_code 1 git migrate apply 2>../err && cmp app.db ../other/other.db
	)
'

test_expect_success 'a database that another one was copied over is told as that, whatever its numbers' '
	rm -rf over && make_repo over && (
		cd over && git migrate init sqlite:app.db >/dev/null 2>&1 && git migrate target add staging sqlite:st.db >/dev/null &&
		new_migration a "CREATE TABLE a (x int);" && git migrate apply default >../out 2>&1 &&
		git migrate apply staging >../out 2>&1 && new_migration b "CREATE TABLE b (x int);" &&
		git migrate apply staging >../out 2>&1 && git migrate status staging >../out 2>../err && test_must_be_empty ../err &&
		cp app.db st.db && for command in "status --exit-code" apply
		do
			test_expect_code 1 git migrate $command staging >../out 2>../err &&
			grep "^error: target .staging. is not the database that it was" ../err && ! grep "back in time" ../err &&
			grep "^hint: .*git migrate target clone staging --reason" ../err && cmp app.db st.db || exit 1
		done &&
		git migrate target clone staging --reason "refreshed" >../out &&
		git migrate apply staging >../out 2>../err && ! grep "^warning\|^error" ../err &&
		git migrate audit staging >../out && ! grep "^  failed" ../out
	)
'

test_expect_success 'a mirror that cannot be written does not spoil a clone' '
	rm -rf app && (
		three_applied && : >.git/refs/notes/migrate/default.lock &&
		git migrate target clone default --reason "a copy" >../out 2>../err &&
		grep "^warning: the mirror was not written" ../err &&
		rm .git/refs/notes/migrate/default.lock &&
		git migrate apply >../out 2>&1 && grep "mirror: 1 record added" ../out &&
		git migrate audit --porcelain >../audit && ! grep " failed " ../audit
	)
'

test_expect_success 'a server refuses a head that is none of the records' '
	rm -rf app && (
		three_applied && git remote add origin ../seen2 && git init -q --bare ../seen2 &&
		git -C ../seen2 migrate init >/dev/null &&
		git push -q origin main "refs/notes/migrate/*" &&
		ref=refs/notes/migrate/default &&
		forged=$(printf "forged\n\nMigrate-Head: default 9999999999 %064d\n" 7 |
			git commit-tree "$ref^{tree}" -p $ref) &&
		test_must_fail git push -q origin "$forged:$ref" 2>../err &&
		grep "the head that it names is none of its records" ../err &&
		git update-ref $ref "$forged" &&
		test_expect_code 1 git migrate apply 2>../err && grep "^error: " ../err &&
		test_expect_code 1 git migrate target restored default --reason x 2>../err &&
		grep "^error: " ../err
	)
'

test_expect_success 'a database that was thrown away starts over, once that is said' '
	rm -rf app && (
		three_applied && rm app.db &&
		test_expect_code 1 git migrate apply 2>../err &&
		grep "^error: target .default. went back in time" ../err &&
		grep "^hint: .*thrown away.*git migrate target restored default" ../err &&
		test ! -e app.db &&
		git migrate target restored default --reason "a fresh start" >../out &&
		grep "starts over" ../out &&
		git migrate status >../out && grep "0 applied, 3 pending" ../out &&
		git migrate apply >../out 2>&1 &&
		git migrate audit --porcelain >../audit && ! grep " failed " ../audit &&
		tracker_rows | head -n 1 >../first &&
		grep " old=0000000007:[0-9a-f]* reason=a%20fresh%20start$" ../first &&
		git migrate log >../log && test 3 -eq "$(grep -c "applied on default" ../log)" &&
		rm -rf ../seen3 && git init -q --bare ../seen3 && git -C ../seen3 migrate init >../out &&
		git push -q ../seen3 main "refs/notes/migrate/*"
	)
'

test_expect_success 'starting over counts, whatever was pushed and fetched before' '
	rm -rf app seen4 && git init -q --bare seen4 && git -C seen4 migrate init >out 2>&1 &&
	make_repo app && (
		cd app && git remote add origin ../seen4 &&
		git migrate init sqlite:app.db >/dev/null 2>&1 &&
		for i in 1 2 3; do
			new_migration "m$i" "CREATE TABLE t$i (x int);" || exit 1
		done &&
		git migrate apply --to m1 >/dev/null 2>&1 &&
		git push -q origin main "refs/notes/migrate/*" && git fetch -q &&
		git migrate apply >/dev/null 2>&1 &&
		for round in one two; do
			rm app.db && git migrate target restored default --reason $round >../out &&
			git migrate apply --to m2 >../out 2>../err && ! grep warning ../err &&
			git migrate audit --porcelain >../audit && ! grep " failed " ../audit || exit 1
		done &&
		git migrate apply >../out 2>&1 && git push -q origin "refs/notes/migrate/*"
	)
'

test_expect_success 'a clone that was behind goes on from there' '
	git clone -q seen4 behind && (
		cd behind && git migrate init "sqlite:$PWD/../app/app.db" >/dev/null 2>&1 &&
		git fetch -q && git migrate apply >../out 2>../err && ! grep warning ../err &&
		grep "up to date" ../out && git rev-parse refs/notes/migrate/default >../tip &&
		git migrate audit --porcelain >../audit && ! grep " failed " ../audit
	) && (
		cd app && rm app.db && git migrate target restored default --reason three >../out &&
		git migrate apply --to m1 >../out 2>&1 && git push -q origin "refs/notes/migrate/*"
	) && (
		cd behind && git config --unset migrate.default.uuid && git fetch -q &&
		git migrate apply >../out 2>../err && ! grep warning ../err &&
		grep "applied  m3.sql" ../out
	)
'

test_expect_success 'a database that never was cannot start over' '
	make_repo never && (
		cd never && git migrate init sqlite:app.db >/dev/null 2>&1 &&
		new_migration a "SELECT 1;" &&
		test_expect_code 1 git migrate target restored default --reason x 2>../err &&
		grep "^error: target .default. has no tracker yet" ../err && test ! -e app.db
	)
'

test_done
