#!/bin/sh

test_description='killed before any write, send, sync, rename or unlink: nothing is torn'

. "$(dirname "$0")/lib.sh"

needs_shim
start_pg

# prepare ENGINE: repositories to copy, with a target each, and an empty database
prepare() {
	make_repo "$1" && (
		cd "$1" && three_migrations && case $1 in
		postgresql)
			git migrate init "$(create_db kill)"
			;;
		*)
			git migrate init sqlite:app.db &&
			sqlite app.db "PRAGMA journal_mode=$1"
			;;
		esac >out 2>&1
	)
}

# fresh ENGINE: what an earlier run has made is gone
fresh() {
	rm -rf repo && cp -R "$1" repo && cd repo && case $1 in
	postgresql)
		pg "$url" "DROP SCHEMA IF EXISTS git_migrate CASCADE;
			DROP SCHEMA public CASCADE; CREATE SCHEMA public" >out 2>&1
		;;
	esac
}

# kill_at ENGINE N: a run that dies before call N, or ends well: $status is 0 then
kill_at() {
	with_shim GM_SHIM_KILL="$2" git-migrate apply >out 2>err
	status=$?
	case $1 in
	postgresql)
		left_alone "$url"
		;;
	esac
	test $status = 0 || test $status = 137
}

# kill_each ENGINE: at each call in turn, until the run lives to its end
kill_each() (
	url=$(git -C "$1" config migrate.default.url)
	call=0
	status=
	while test "$status" != 0; do
		call=$((call + 1))
		if ! {
			fresh "$1" && kill_at "$1" $call && converges "$url"
		}; then
			echo "killed before call $call, exit status $status:"
			cat out err
			exit 1
		fi
		cd ..
	done
	echo "$call calls"
	# each of the three had to be written down at least
	test $call -gt 6
)

for engine in delete wal postgresql; do
	test_expect_success "$engine: the repository" "prepare $engine"
	test_expect_success "$engine: killed at each call, the next run converges" "
		kill_each $engine
	"
done

# counted NAME: how many calls of that kind the last run made
counted() {
	sed -n "s/^$1 //p" log
}

test_expect_success 'all calls are counted, and a run without work changes nothing' '
	cp -R delete counts && cd counts && touch -d 2020-01-01 migrations &&
	with_shim GM_SHIM_LOG="$PWD/log" GM_SHIM_COUNT="$PWD/count" git migrate apply >out 2>&1 &&
	awk "{ sum += \$2 } END { print sum }" log >expect && cut -d " " -f 1 count >actual &&
	test_cmp expect actual &&
	# a COMMIT of a rollback journal is synced three times at the least
	test "$(counted sync)" -ge 3 && test "$(counted write)" -gt 0 &&
	# the target is among the settings now, and git lists them anew
	git migrate apply >out 2>&1 &&
	with_shim GM_SHIM_LOG="$PWD/log" git migrate apply >out 2>&1 &&
	grep "is up to date" out &&
	for kind in write send sync unlink rename truncate; do
		test "$(counted $kind)" = 0 || {
			cat log
			return 1
		}
	done
'

test_done
