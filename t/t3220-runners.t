#!/bin/sh

test_description='ten first runners at once: each migration is applied by one of them'

. "$(dirname "$0")/lib.sh"

start_pg
start_pgbouncer

test_expect_success 'prepare' '
	make_repo template && (cd template && three_migrations)
'

# prepare URL [MODE]: a repository whose target nobody has applied to
prepare() {
	rm -rf repo && cp -R template repo && cd repo && git migrate init "$1" >out 2>&1 ||
	return 1
	test -z "$2" || sqlite app.db "PRAGMA journal_mode=$2" >out
}

# truthful N: what runner N said: done, or that another is at work
truthful() {
	read -r status <"status.$1" &&
	case $status in
	0)
		;;
	1)
		grep -q "^error: .*\(another git migrate is at work\|could not lock\)" "err.$1" &&
		grep -q "^hint: " "err.$1"
		;;
	*)
		return 1
		;;
	esac
}

run() {
	timeout 60 git-migrate apply --porcelain >"out.$1" 2>"err.$1"
	echo $? >"status.$1"
}

# race URL: all begin at the same time; what they say together is what happened
race() {
	runners="1 2 3 4 5 6 7 8 9 10"
	for runner in $runners; do
		run "$runner" &
	done
	wait
	for runner in $runners; do
		truthful "$runner" || {
			echo "runner $runner:"
			cat "status.$runner" "out.$runner" "err.$runner"
			return 1
		}
	done
	# each of them once, whoever it was; the last may have been left to the next run
	sed -n "s/^applied .* //p" out.* | sort >told &&
	held "$1" >holds && test_cmp told holds
}

# round URL [MODE]: a race, and then all is as it should be
round() (
	prepare "$1" "$2" && race "$1" && converges "$1" &&
	git-migrate apply >again 2>&1 && grep "is up to date: 3 migrations applied" again
)

for nr in 1 2 3; do
	test_expect_success "PostgreSQL, round $nr" '
		url=$(create_db "direct_$nr") && round "$url"
	'
	for mode in delete wal; do
		test_expect_success "SQLite, journal_mode=$mode, round $nr" "
			round sqlite:app.db $mode
		"
	done
done

for nr in 1 2 3; do
	test_expect_success POOL "through pgbouncer, that pools transactions, round $nr" '
		url=$(create_db "pooled_$nr") && round "$(at_server "$url" "$POOL_URL")"
	'
done

test_done
