#!/bin/sh

test_description='SQLite on a disk that gets full at any write: refused, not torn'

. "$(dirname "$0")/lib.sh"

needs_shim

prepare() {
	make_repo "$1" && (
		cd "$1" && three_migrations && git migrate init sqlite:app.db &&
		sqlite app.db "PRAGMA journal_mode=$1"
	) >out 2>&1
}

# explained STATUS: a refusal says what, why and how to go on. A mirror that could not
# be written is no refusal, and is said as well; what can be made again is not spoken of
explained() {
	case $1 in
	0)
		grep -q "^mirrored " out ||
		{ grep -q "^warning: " err && grep -q "^hint: " err; }
		;;
	1|128)
		grep -q "^error: .*\(full\|No space left\)" err &&
		grep -q "^hint: Make room" err
		;;
	*)
		return 1
		;;
	esac
}

# full_at N: a run with room for N - 1 writes; sets $status and $full
full_at() {
	with_shim GM_SHIM_ENOSPC="$1" GM_SHIM_COUNT="$PWD/count" \
		git-migrate apply --porcelain >out 2>err
	status=$?
	read -r calls growing <count || return 1
	full=
	test "$growing" -lt "$1" || full=t
}

# fill_each MODE: the disk is full from each write on, until it has room for all
fill_each() (
	nr=0
	full=t
	while test -n "$full"; do
		nr=$((nr + 1))
		if ! {
			rm -rf repo && cp -R "$1" repo && cd repo && full_at $nr &&
			explained $status &&
			told_truth $status out sqlite:app.db && converges sqlite:app.db
		}; then
			echo "no room for write $nr, exit status $status:"
			cat out err
			exit 1
		fi
		cd ..
	done
	echo "$nr writes"
	test $nr -gt 6
)

for mode in delete wal; do
	test_expect_success "$mode: the repository" "prepare $mode"
	test_expect_success "$mode: full at each write, the next run converges" "
		fill_each $mode
	"
done

test_done
