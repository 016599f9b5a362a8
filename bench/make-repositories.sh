#!/bin/sh
# usage: bench/make-repositories.sh [--only <name>[,<name>...]] <folder>
#
# Makes the bare repositories that bench/plan.sh measures, in <folder>:
#
#   linear-10k   linear-100k   linear-1m
#   merges-10k   merges-100k   merges-1m    30 % of the commits are merges
#
# each with 5,000 migrations. What is there already stays as it is. --only takes
# whole names or their last parts: "--only 10k,linear-100k".

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

migrations=5000
added_migrations=124
only=
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help)
		usage 0
		;;
	--only)
		[ $# -gt 1 ] || usage 129
		only=$2
		shift
		;;
	-*)
		usage 129
		;;
	*)
		break
		;;
	esac
	shift
done
[ $# -eq 1 ] || usage 129
history=$(program history) || exit
mkdir -p "$1" && cd "$1" || exit 128

# stage REPOSITORY NAME COMMAND...: one step of making it, which is done once
stage() {
	stage_done=$1/bench-$2
	[ ! -e "$stage_done" ] || return 0
	stage_title="${1%.git}: $2"
	stage_begin=$(date +%s)
	shift 2
	if ! "$@"; then
		die "$stage_title: this has failed"
	fi
	touch "$stage_done"
	echo "$stage_title ($(($(date +%s) - stage_begin)) s)"
}

# import REPOSITORY COMMITS PERCENT
import() {
	rm -rf "$1"
	git init -q --bare -b main "$1" &&
	git -C "$1" config gc.auto 0 &&
	"$history" --commits "$2" --migrations "$migrations" --merges "$3" |
	git -C "$1" -c pack.compression=1 fast-import --quiet --done
}

# What fast-import has written is one pack, but each object is a delta against
# the one before it, and few are good ones. Packs of servers are made anew.
pack() {
	git -C "$1" repack -q -a -d -f --no-write-bitmap-index &&
	git -C "$1" pack-refs --all
}

graph() {
	git -C "$1" commit-graph write --reachable --changed-paths --no-progress
}

# A branch "later" that goes on from main, by some 1,000 commits on its
# first-parent line, which no commit-graph knows.
extend() {
	"$history" --branch refs/heads/later --from refs/heads/main --seed 2 \
		--commits "$2" --migrations "$added_migrations" --merges "$3" \
		--start-number $((migrations + 1)) |
	git -C "$1" fast-import --quiet --done
}

# 40 % of the commits are on the line when 30 % are merges
for shape in linear:0:1000 merges:30:2500; do
	later=${shape##*:}
	percent=${shape#*:}
	percent=${percent%:*}
	for size in 10k:10000 100k:100000 1m:1000000; do
		name=${shape%%:*}-${size%:*}
		wanted "$name" "$only" || continue
		repository=$name.git
		stage "$repository" imported import "$repository" "${size#*:}" "$percent"
		stage "$repository" packed pack "$repository"
		stage "$repository" graph graph "$repository"
		stage "$repository" extended extend "$repository" "$later" "$percent"
	done
done
