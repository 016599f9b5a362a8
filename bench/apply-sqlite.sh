#!/bin/sh
# usage: bench/apply-sqlite.sh [<options>]
#
# Measures "git migrate apply" on a SQLite database that is there and empty, with
# 100 and 1,000 migrations, and of one more behind 1,000, next to other tools and to
# the smallest program that does it. All take turns, round by round.
#
#   --git-migrate <file>   the program (git-migrate in the current folder or PATH)
#   --dbmate <file>        in PATH; each of these is left out if it is not there
#   --sql-migrate <file>   in PATH
#   --knex <folder>        where "npm install knex better-sqlite3" was run
#   --only <case>,...      empty-100, empty-1000, one-more
#   --rounds <n>           how often each is run (11)
#
# Build "make bench/measure bench/raw-sqlite" before, and run it in the build folder.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

git_migrate=
dbmate=
sql_migrate=
knex=
only=
rounds=11
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help)
		usage 0
		;;
	--git-migrate|--dbmate|--sql-migrate|--knex|--only|--rounds)
		[ $# -gt 1 ] || usage 129
		case $1 in
		--git-migrate)
			git_migrate=$2
			;;
		--dbmate)
			dbmate=$(absolute "$2")
			;;
		--sql-migrate)
			sql_migrate=$(absolute "$2")
			;;
		--knex)
			knex=$(absolute "$2")
			;;
		--only)
			only=$2
			;;
		--rounds)
			rounds=$2
			;;
		esac
		shift
		;;
	*)
		usage 129
		;;
	esac
	shift
done
git_migrate=$(find_git_migrate "$git_migrate") || exit
measure=$(program measure) || exit
raw=$(program raw-sqlite) || exit
corpus=$(absolute "$(dirname "$0")")/corpus.awk
sqlite=$(command -v sqlite3) || die "there is no sqlite3"
[ -n "$dbmate" ] || dbmate=$(command -v dbmate)
[ -n "$sql_migrate" ] || sql_migrate=$(command -v sql-migrate)

scratch=$(mktemp -d) || exit 128
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' HUP INT TERM
export HOME="$scratch"
git config --global user.name 'Ann Author'
git config --global user.email ann@example.com
git config --global gc.auto 0
cd "$scratch" || exit 128

# quietly COMMAND...: its output is shown when it fails
quietly() {
	"$@" >"$scratch/out" 2>&1 || {
		tail -n 5 "$scratch/out" >&2
		die "this has failed: $*"
	}
}

# write FORM FROM N: the migrations from one number up to another, into a folder
write() {
	mkdir -p "base/$1/migrations" &&
	awk -v form="$1" -v from="$2" -v n="$3" -v folder="base/$1/migrations" -f "$corpus"
}

# land FROM N: a commit for each of them, brought by a fetch as it would be
land() {
	{
		for file in $(cd base/plain && printf '%s\n' migrations/*.sql |
			sed -n "$(($1 + 1)),$2p"); do
			printf 'commit refs/heads/main\n'
			printf 'committer Ann Author <ann@example.com> 1700000000 +0000\n'
			printf 'data 8\nmigrate\n\n'
			[ "$file" != "$3" ] || printf 'from refs/heads/main^0\n'
			printf 'M 100644 inline %s\ndata %d\n' "$file" \
				"$(wc -c <"base/plain/$file")"
			cat "base/plain/$file"
			echo
		done
	} | quietly git -C base/ours fast-import --quiet
	quietly git -C base/ours reset -q --hard main
}

tools() {
	echo ours
	echo raw
	[ -z "$dbmate" ] || echo dbmate
	[ -z "$sql_migrate" ] || echo sql-migrate
	[ -z "$knex" ] || echo knex
}

# prepare_tool TOOL FROM N: its files, in the folder base/TOOL
prepare_tool() {
	case $1 in
	ours)
		write plain "$2" "$3"
		if [ "$2" -eq 0 ]; then
			quietly git init -q -b main base/ours
			git -C base/ours config migrate.default.url sqlite:app.db
			land 0 "$3" ''
		else
			land "$2" "$3" "migrations/$(find base/plain/migrations \
				-name '*.sql' | sort | sed -n "$(($2 + 1))s,.*/,,p")"
		fi
		quietly git -C base/ours repack -adq
		;;
	raw)
		mkdir -p base/raw
		rm -rf base/raw/migrations
		cp -r base/plain/migrations base/raw/
		;;
	dbmate)
		write dbmate "$2" "$3"
		;;
	sql-migrate)
		write sql-migrate "$2" "$3"
		printf 'development:\n  dialect: sqlite3\n  datasource: app.db\n  dir: migrations\n' \
			>base/sql-migrate/dbconfig.yml
		;;
	knex)
		write knex "$2" "$3"
		cat >base/knex/knexfile.js <<-END
		module.exports = {
			client: "better-sqlite3",
			connection: { filename: "app.db" },
			useNullAsDefault: true,
		};
		END
		ln -sfn "$knex/node_modules" base/knex/node_modules
		;;
	esac
	# a file that is there, with something in it
	[ "$2" -gt 0 ] || "$sqlite" "base/$1/app.db" 'PRAGMA user_version = 1'
}

# run TOOL COMMAND...: its apply in the folder that we are in, behind COMMAND
run() {
	run_tool=$1
	shift
	case $run_tool in
	ours)
		"$@" "$git_migrate" apply
		;;
	raw)
		"$@" "$raw" app.db migrations/*.sql
		;;
	dbmate)
		"$@" "$dbmate" -d migrations --no-dump-schema -u sqlite:app.db migrate
		;;
	sql-migrate)
		"$@" "$sql_migrate" up
		;;
	knex)
		"$@" node node_modules/.bin/knex migrate:latest
		;;
	esac
}

tables() {
	"$sqlite" "$1" "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'app_[0-9]*'"
}

# turn TOOL: one round, on a copy of its folder that the disk has
turn() {
	rm -rf now
	cp -a "base/$1" now
	sync now/app.db now
	(cd now && run "$1" "$measure" 2>"$scratch/err") >>"$1.rounds" || {
		cat "$scratch/err" >&2
		die "this could not be measured: $1"
	}
	[ "$(tables now/app.db)" = "$wanted" ] || die "$1 has not applied all"
}

row() {
	printf '  %-14s %10.1f %10.1f %9.1f\n' "$1" "$(median "$1.rounds" wall)" \
		"$(median "$1.rounds" cpu)" "$(median "$1.rounds" 'peak / 1.048576')"
}

# held FIGURE GOAL: whether it is reached
held() {
	awk -v figure="$1" -v goal="$2" 'BEGIN { print figure <= goal ? "met" : "MISSED" }'
}

# ratio TOOL WHAT [GOAL]: ours to it, round by round; WHAT is wall or cpu
ratio() {
	[ -e "$1.rounds" ] || return 0
	paste -d ' ' ours.rounds "$1.rounds" >both.rounds
	case $2 in
	wall)
		figure=$(median both.rounds 'wall / other_wall')
		;;
	cpu)
		figure=$(median both.rounds 'cpu / other_cpu')
		;;
	esac
	printf '  %-30s %6.2f' "ours / $1, $2" "$figure"
	[ -z "${3-}" ] || printf '  goal %s: %s' "$3" "$(held "$figure" "$3")"
	echo
}

# syncs GOAL: how often ours asks the disk to keep something
syncs() {
	if ! command -v strace >/dev/null; then
		echo '  syncs: not counted, there is no strace'
		return
	fi
	rm -rf now
	cp -a base/ours now
	(cd now && run ours strace -f -o "$scratch/trace" -e trace=fsync,fdatasync \
		>/dev/null 2>&1) || die "this cannot be traced"
	count=$(grep -c 'sync(' trace)
	printf '  %-30s %6d  goal %s: %s\n' 'syncs of ours' "$count" "$1" \
		"$(held "$count" "$1")"
}

goals() {
	case $1 in
	empty-100)
		ratio dbmate wall 0.25
		ratio dbmate cpu
		ratio sql-migrate wall
		ratio knex wall
		ratio raw wall
		ratio raw cpu
		syncs 8
		;;
	empty-1000)
		ratio dbmate wall 0.30
		ratio dbmate cpu
		ratio sql-migrate wall
		ratio knex wall 0.55
		ratio raw wall 1.25
		ratio raw cpu
		figure=$(median ours.rounds 'peak / 1.048576')
		printf '  %-30s %6.1f  goal 20: %s\n' 'peak of ours, MiB' "$figure" \
			"$(held "$figure" 20)"
		;;
	one-more)
		ratio dbmate wall 0.40
		ratio dbmate cpu 0.45
		ratio sql-migrate wall
		ratio knex wall
		ratio raw wall
		ratio raw cpu
		;;
	esac
}

# compare CASE: in turns, then the figures
compare() {
	rm -f ./*.rounds
	rm -rf now
	cp -a base/raw now
	(cd now && run raw) || exit
	wanted=$(tables now/app.db)
	round=0
	while [ "$round" -lt "$rounds" ]; do
		for tool in $(tools); do
			turn "$tool"
		done
		round=$((round + 1))
	done
	printf '\n== %s, %s rounds\n' "$1" "$rounds"
	printf '  %-14s %10s %10s %9s\n' '' 'wall ms' 'CPU ms' 'peak MiB'
	for tool in $(tools); do
		row "$tool"
	done
	goals "$1"
}

# from_empty N
from_empty() {
	rm -rf base
	for tool in $(tools); do
		prepare_tool "$tool" 0 "$1"
	done
	compare "empty-$1"
}

one_more() {
	rm -rf base
	for tool in $(tools); do
		prepare_tool "$tool" 0 1000
		(cd "base/$tool" && quietly run "$tool") || exit
		prepare_tool "$tool" 1000 1001
	done
	compare one-more
}

"$git_migrate" --version
[ -z "$dbmate" ] || "$dbmate" --version
for tool in dbmate sql-migrate knex; do
	tools | grep -qx "$tool" || echo "$tool is not installed, and left out"
done
"$sqlite" --version | cut -d ' ' -f 1
if wanted empty-100 "$only"; then
	from_empty 100
fi
if wanted empty-1000 "$only"; then
	from_empty 1000
fi
if wanted one-more "$only"; then
	one_more
fi
