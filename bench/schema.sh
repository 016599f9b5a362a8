#!/bin/sh
# usage: bench/schema.sh [<options>]
#
# What "git migrate schema" takes: on PostgreSQL next to "pg_dump -s" of the same
# database, and on a SQLite file. (Round trips are counted by t/t4410-schema.t.)
#
#   --git-migrate <file>   the program (git-migrate in the current folder or PATH)
#   --only <name>          postgresql or sqlite (both)
#   --rounds <n>           (7)
#   --tables <n>           with half as many indexes more (1000)
#
# Build "make bench/measure" before, and run it in the build folder. The
# server is one of its own, with all settings as they come.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

git_migrate=
only=
rounds=7
tables=1000
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help)
		usage 0
		;;
	--git-migrate|--only|--rounds|--tables)
		[ $# -gt 1 ] || usage 129
		case $1 in
		--git-migrate)
			git_migrate=$2
			;;
		--only)
			only=$2
			;;
		--rounds)
			rounds=$2
			;;
		--tables)
			tables=$2
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

scratch=$(mktemp -d /tmp/git-migrate-bench.XXXXXX) || exit 128
clean_up() {
	[ ! -f "$scratch/pg-server" ] || stop_server
	cd /
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# corpus: tables with a key, a unique column, one that refers to another table and a
# check, and an index or two each
corpus() {
	awk -v tables="$tables" 'BEGIN {
		for (i = 1; i <= tables; i++) {
			printf "CREATE TABLE t%d (id integer PRIMARY KEY, name text NOT NULL", i
			printf " UNIQUE, size integer DEFAULT 7 CHECK (size > 0), other integer"
			printf " REFERENCES t%d (id), note varchar(40));\n", (i > 1 ? i - 1 : i)
			printf "CREATE INDEX i%d ON t%d (size, note);\n", i, i
			if (i % 2)
				printf "CREATE INDEX j%d ON t%d (lower(note)) WHERE size > 3;\n", i, i
		}
	}'
}

# ours TARGET: describes it, and prints what that took
ours() {
	(cd repo && "$measure" "$git_migrate" schema --hash "$1") ||
		die "git migrate schema $1 has failed"
}

of_postgresql() {
	start_server
	url="postgresql://postgres@/postgres?host=$socket&port=5432"
	corpus >corpus.sql
	quietly psql -XAtq -v ON_ERROR_STOP=1 -d "$url" -f corpus.sql
	ask postgres 'VACUUM ANALYZE'
	git -C repo config migrate.pg.url "$url"
	: >pg
	round=0
	while [ "$round" -lt "$rounds" ]; do
		echo "$(ours pg) $("$measure" pg_dump -s -f dumped "$url")" >>pg
		round=$((round + 1))
	done
	echo "PostgreSQL, $tables tables: $(median pg wall) ms; pg_dump -s:" \
		"$(median pg other_wall) ms"
	goal 'part of its time' "$(median pg 'wall / other_wall')" 0.3
}

of_sqlite() {
	corpus >corpus.sql
	quietly sqlite3 -batch app.db 'PRAGMA journal_mode = MEMORY' 'BEGIN' \
		'.read corpus.sql' 'COMMIT'
	git -C repo config migrate.file.url "sqlite:$scratch/app.db"
	: >lite
	round=0
	while [ "$round" -lt "$rounds" ]; do
		ours file >>lite
		round=$((round + 1))
	done
	echo "SQLite, $tables tables: $(median lite wall) ms; CPU of git and all: $(median lite cpu) ms"
	goal 'CPU time of our own, ms' "$(median lite own)" 50
}

cd "$scratch" && git init -q repo || exit 128
met=0
missed=0
if wanted postgresql "$only"; then
	of_postgresql
fi
if wanted sqlite "$only"; then
	of_sqlite
fi
echo "$met met, $missed missed"
[ "$missed" -eq 0 ]
