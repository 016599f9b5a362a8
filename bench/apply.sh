#!/bin/sh
# usage: bench/apply.sh [<options>]
#
# Measures "git migrate apply" next to other tools and to the smallest programs that
# do the same: all migrations from an empty database, and one more at the end. The
# programs take turns, round by round; state is put back outside of the timing, and
# what each has made is counted.
#
#   --git-migrate <file>      the program (git-migrate in the current folder or PATH)
#   --dbmate <file>           dbmate (in PATH; left out if not there)
#   --knex <folder>           where "npm install knex pg better-sqlite3" was run
#   --engine <name>[,<name>]  postgresql, sqlite (both)
#   --part <name>[,<name>]    empty, one, counts, rtt (all)
#   --migrations <n>[,<n>]    how many, tens (100,1000)
#   --rounds <n>              how often each is run (11)
#   --rtt <ms>                the round-trip time that is added in part rtt (2)
#
# Build "make bench/measure bench/raw-pg bench/raw-sqlite t/tools/proxy" before, and
# run it in the build folder. PostgreSQL is a server of its own, with all settings as they come.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

git_migrate=
dbmate=
knex=
engines=
parts=
sizes=100,1000
rounds=11
rtt=2
while [ $# -gt 0 ] && take_option 'git-migrate dbmate knex engine:engines part:parts migrations:sizes rounds rtt' "$@"; do
	shift 2
done
[ $# -eq 0 ] || usage 129
if [ -n "$dbmate" ]; then
	dbmate=$(absolute "$dbmate")
	[ -x "$dbmate" ] || die "there is no dbmate: $dbmate"
fi
if [ -n "$knex" ]; then
	knex=$(absolute "$knex")
	[ -d "$knex/node_modules/knex" ] || die "there is no knex: $knex"
fi
git_migrate=$(find_git_migrate "$git_migrate") || exit
measure=$(program measure) || exit
raw_pg=$(program raw-pg) || exit
raw_sqlite=$(program raw-sqlite) || exit
[ -n "$dbmate" ] || dbmate=$(command -v dbmate)
sql_migrate=$(command -v sql-migrate)
proxy=$(absolute t/tools/proxy)

scratch=$(mktemp -d /tmp/git-migrate-bench.XXXXXX) || exit 128
proxy_pid=
clean_up() {
	[ -z "$proxy_pid" ] || kill "$proxy_pid"
	cd / && stop_server
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' HUP INT TERM
# the server's own user has to get to the socket
chmod 755 "$scratch"
export HOME="$scratch"
git config --global user.name 'Ann Author'
git config --global user.email ann@example.com
git config --global gc.auto 0
cd "$scratch" || exit 128
met=0
missed=0

# --- databases ----------------------------------------------------------------

# start_proxy MS: programs go through it from then on
start_proxy() {
	rm -f stats port
	"$proxy" --server="$socket" --listen=0 --stats="$scratch/stats" \
		--delay-ms="$1" >port &
	proxy_pid=$!
	until [ -s port ]; do
		sleep 0.1
	done
	server=127.0.0.1
	port=$(cat port)
	port=${port##*:}
}

stop_proxy() {
	kill "$proxy_pid"
	wait "$proxy_pid"
	proxy_pid=
	server=$socket
	port=5432
}

# count WHAT: of what the proxy has seen
count() {
	sed -n "s/^$1 //p" stats
}

# empty TOOL: its database, and its repository if it has one
empty() {
	if [ "$engine" = postgresql ]; then
		ask postgres "DROP DATABASE IF EXISTS \"$1\""
		ask postgres "CREATE DATABASE \"$1\""
		ask postgres CHECKPOINT
	else
		rm -f "$1.db" "$1.db-journal"
		sqlite3 "$1.db" 'PRAGMA user_version = 1' && sync "$1.db"
	fi
	if [ "$1" = ours ]; then
		rm -rf ours && cp -r ours.git ours
	fi || die "could not put $1 back"
}

# made TOOL N: whether all that N migrations make is there
made() {
	if [ "$engine" = postgresql ]; then
		made_nr=$(ask "$1" "SELECT count(*) FROM pg_class
			WHERE relname LIKE 'app\\_%' AND relkind = 'v'")
	else
		made_nr=$(sqlite3 "$1.db" "SELECT count(*) FROM sqlite_master
			WHERE name LIKE 'app\\_%' ESCAPE '\\' AND type = 'view'")
	fi
	[ "$made_nr" = $(($2 / 10)) ] ||
	die "$1 has made $made_nr views with $2 migrations"
}

# --- tools --------------------------------------------------------------------

# corpus FORM FROM TO [FOLDER]
corpus() {
	awk -v form="$1" -v from="$2" -v to="$3" -v dir="${4-}" \
		-f "$source/bench/corpus.awk" || exit
}

tools_of_engine() {
	tools=ours
	[ -z "$dbmate" ] || tools="$tools dbmate"
	[ -z "$sql_migrate" ] || tools="$tools sql-migrate"
	[ -z "$knex" ] || tools="$tools knex"
	peers=${tools#ours}
	if [ "$engine" = postgresql ]; then
		tools="$tools raw-pg psql"
		floor=raw-pg
	else
		tools="$tools raw-sqlite sqlite3"
		floor=raw-sqlite
	fi
}

# A repository with $1 migrations and $rounds more behind them.
set_up_ours() {
	rm -rf ours.git
	quietly git init -q --bare -b main ours.git
	corpus git 0 $(($1 + rounds)) |
	quietly git -C ours.git fast-import --quiet --done || exit
	if [ "$engine" = postgresql ]; then
		ours_url=postgresql://postgres@$(echo "$socket" | sed 's,/,%2F,g')/ours
	else
		ours_url=sqlite:$scratch/ours.db
	fi
	git -C ours.git config migrate.default.url "$ours_url"
}

sql_migrate_config() {
	cat <<-'END'
	postgresql:
	  dialect: postgres
	  datasource: ${BENCH_SOURCE}
	  dir: migrations
	sqlite:
	  dialect: sqlite3
	  datasource: ${BENCH_SOURCE}
	  dir: migrations
	END
}

knex_config() {
	cat <<-'END'
	const pg = process.env.BENCH_ENGINE === "postgresql";
	module.exports = {
		client: pg ? "pg" : "better-sqlite3",
		connection: pg ? {
			host: process.env.BENCH_SERVER, port: +process.env.BENCH_PORT,
			user: "postgres", database: "knex",
		} : { filename: process.env.BENCH_SOURCE },
		useNullAsDefault: true,
		migrations: { directory: __dirname + "/migrations" },
	};
	END
}

# set_up N: the files of each tool
set_up() {
	rm -rf dbmate sql-migrate knex plain
	mkdir -p dbmate sql-migrate/migrations knex/migrations plain
	set_up_ours "$1"
	corpus dbmate 0 "$1" dbmate
	corpus sql-migrate 0 "$1" sql-migrate/migrations
	sql_migrate_config >sql-migrate/dbconfig.yml
	corpus knex 0 "$1" knex/migrations
	knex_config >knex/knexfile.js
	[ -z "$knex" ] || ln -sf "$knex/node_modules" knex/node_modules
	corpus plain 0 "$1" plain
	corpus script 0 "$1" >script.sql
}

# more I: the next migration, for each tool
more() {
	corpus dbmate "$1" $(($1 + 1)) dbmate
	corpus sql-migrate "$1" $(($1 + 1)) sql-migrate/migrations
	corpus knex "$1" $(($1 + 1)) knex/migrations
	corpus plain "$1" $(($1 + 1)) plain
	corpus script "$1" $(($1 + 1)) >script.sql
}

# where TOOL: sets what the tools want to know of a database
where() {
	export BENCH_ENGINE="$engine" BENCH_SERVER="$server" BENCH_PORT="$port"
	if [ "$engine" = sqlite ]; then
		export BENCH_SOURCE="$scratch/$1.db"
		dbmate_url=sqlite:$scratch/$1.db
		return
	fi
	export PGHOST="$server" PGPORT="$port" PGUSER=postgres PGDATABASE="$1"
	export BENCH_SOURCE="host=$server port=$port user=postgres dbname=$1 sslmode=disable"
	dbmate_url="postgres://postgres@$server:$port/$1?sslmode=disable"
	[ "$server" != "$socket" ] ||
	dbmate_url="postgres://postgres@/$1?sslmode=disable&socket=$server"
}

# run TOOL BACK COMMAND...: with the command before it; ours stops BACK commits before
# the end
run() {
	tool=$1
	back=$2
	shift 2
	where "$tool"
	case $tool in
	ours)
		set -- "$@" "$git_migrate" apply --at "main~$back"
		[ "$server" = "$socket" ] ||
		set -- env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=migrate.default.url \
			GIT_CONFIG_VALUE_0="postgresql://postgres@$server:$port/ours" "$@"
		(cd ours && "$@")
		;;
	dbmate)
		"$@" "$dbmate" -d dbmate --no-dump-schema -u "$dbmate_url" migrate
		;;
	sql-migrate)
		(cd sql-migrate && "$@" "$sql_migrate" up -env="$engine")
		;;
	knex)
		(cd knex && "$@" node node_modules/knex/bin/cli.js migrate:latest)
		;;
	raw-pg)
		"$@" "$raw_pg" '' plain/*.sql
		;;
	psql)
		"$@" psql -Xq -v ON_ERROR_STOP=1 -f script.sql
		;;
	sqlite3)
		"$@" sqlite3 -bail sqlite3.db '.read script.sql'
		;;
	raw-sqlite)
		"$@" "$raw_sqlite" raw-sqlite.db plain/*.sql
		;;
	esac
}

# once TOOL BACK KIND: a line for it in TOOL.KIND
once() {
	run "$1" "$2" "$measure" -o "$scratch/said" >line 2>complaints || {
		tail -n 5 said complaints >&2
		die "$1 has failed"
	}
	cat line >>"$1.$3"
}

# --- figures ------------------------------------------------------------------

# figure TOOL KIND EXPRESSION
figure() {
	median "$1.$2" "$3"
}

# ratio A B KIND [cpu]: of the time that passed, or of CPU time, round by round
ratio() {
	paste -d ' ' "$1.$3" "$2.$3" >both
	median both "${4:-wall} / other_${4:-wall}"
}

# against PEER KIND MOST [cpu]: a goal, where the peer was run, and how far the
# smallest program gets
against() {
	case " $tools " in
	*" $1 "*)
		goal "ours / $1${4:+, $4}" "$(ratio ours "$1" "$2" "${4-}")" "$3"
		[ "$1" = "$floor" ] ||
		printf '  %-32s %10.2f\n' "  $floor / $1${4:+, $4}" \
			"$(ratio "$floor" "$1" "$2" "${4-}")"
		;;
	esac
}

# table KIND
table() {
	printf '  %-20s %10s %10s %9s %8s %8s\n' '' 'wall ms' 'CPU ms' 'peak MiB' \
		'ours/it' 'of CPU'
	for tool in $tools; do
		printf '  %-20s %10.1f %10.1f %9.1f %8.2f %8.2f\n' "$tool" \
			"$(figure "$tool" "$1" wall)" "$(figure "$tool" "$1" cpu)" \
			"$(figure "$tool" "$1" 'peak / 1.048576')" \
			"$(ratio ours "$tool" "$1")" "$(ratio ours "$tool" "$1" cpu)"
	done
}

# fastest KIND: of the peers
fastest() {
	for tool in $peers; do
		echo "$(figure "$tool" "$1" wall) $tool"
	done | sort -g | sed -n '1s/.* //p'
}

# --- parts --------------------------------------------------------------------

# turns N KIND: from an empty database
turns() {
	round=0
	while [ "$round" -lt "$rounds" ]; do
		for tool in $tools; do
			empty "$tool"
			once "$tool" "$rounds" "$2"
			made "$tool" "$1"
		done
		round=$((round + 1))
	done
}

part_empty() {
	printf '\n== %s, %s migrations from empty, %s rounds\n' "$engine" "$1" "$rounds"
	turns "$1" "empty.$1"
	table "empty.$1"
	case $engine.$1 in
	postgresql.100|postgresql.1000)
		against dbmate "empty.$1" 0.75
		against sql-migrate "empty.$1" 1
		against raw-pg "empty.$1" 1.25
		;;
	sqlite.100)
		against dbmate "empty.$1" 0.25
		;;
	sqlite.1000)
		against dbmate "empty.$1" 0.3
		against knex "empty.$1" 0.55
		against raw-sqlite "empty.$1" 1.25
		;;
	esac
	[ "$1" -lt 1000 ] ||
	goal 'peak, MiB' "$(figure ours "empty.$1" 'peak / 1.048576')" 20
}

# The databases stay: each round has the next migration, the same for all.
part_one() {
	printf '\n== %s, one more at %s, %s rounds\n' "$engine" "$1" "$rounds"
	for tool in $tools; do
		empty "$tool"
		run "$tool" "$rounds" >said 2>&1 || die "$tool has failed"
	done
	round=0
	while [ "$round" -lt "$rounds" ]; do
		more $(($1 + round))
		[ "$engine" = sqlite ] || ask postgres CHECKPOINT
		for tool in $tools; do
			once "$tool" $((rounds - round - 1)) "one.$1"
		done
		round=$((round + 1))
	done
	for tool in $tools; do
		made "$tool" $(($1 + rounds))
	done
	table "one.$1"
	[ "$1" -lt 1000 ] || {
		against dbmate "one.$1" 0.45 cpu
		against dbmate "one.$1" 0.4
	}
}

part_rtt() {
	[ "$engine" = postgresql ] || return 0
	printf '\n== %s, %s migrations from empty, %s ms more a round trip, %s rounds\n' \
		"$engine" "$1" "$rtt" "$rounds"
	start_proxy "$rtt"
	turns "$1" "rtt.$1"
	stop_proxy
	table "rtt.$1"
	[ -z "$peers" ] ||
	against "$(fastest "rtt.$1")" "rtt.$1" 0.2
	against dbmate "rtt.$1" 0.12
}

wal_syncs() {
	ask postgres 'SELECT wal_sync FROM pg_stat_wal'
}

counts_postgresql() {
	printf '  %-20s %11s %11s %8s %8s %10s\n' '' connections 'round trips' messages \
		commits 'WAL syncs'
	for tool in $tools; do
		empty "$tool"
		before=$(wal_syncs)
		start_proxy 0
		once "$tool" "$rounds" "counts.$1"
		stop_proxy
		syncs=$(($(wal_syncs) - before))
		printf '  %-20s %11d %11d %8d %8d %10d\n' "$tool" "$(count connections)" \
			"$(count round-trips)" "$(count messages)" "$(count commits)" "$syncs"
		[ "$tool" != ours ] || {
			our_trips=$(count round-trips)
			our_commits=$(count commits)
			our_syncs=$syncs
		}
	done
	[ "$1" -gt 100 ] || goal 'round trips' "$our_trips" 10
	# the server's own processes sync now and then
	goal 'WAL syncs for each COMMIT' \
		"$(awk "BEGIN { print $our_syncs / $our_commits }")" 1.1
}

counts_sqlite() {
	command -v strace >/dev/null || {
		echo "  strace is not installed"
		return
	}
	printf '  %-20s %11s\n' '' syncs
	for tool in $tools; do
		empty "$tool"
		# strace finds it by its whole name
		run "$tool" "$rounds" strace -f -qq -e trace=fsync,fdatasync,sync_file_range \
			-o "$scratch/trace" >said 2>&1 || die "$tool has failed"
		syncs=$(grep -c 'sync(' trace)
		printf '  %-20s %11d\n' "$tool" "$syncs"
		[ "$tool" != ours ] || our_syncs=$syncs
	done
	[ "$1" -gt 100 ] || goal 'syncs in all' "$our_syncs" 8
}

part_counts() {
	printf '\n== %s, %s migrations from empty, counted in one run\n' "$engine" "$1"
	"counts_$engine" "$1"
}

# --- the whole ----------------------------------------------------------------

socket=none
port=0
"$git_migrate" --version
for engine in postgresql sqlite; do
	wanted "$engine" "$engines" || continue
	[ "$engine" = sqlite ] || start_server
	server=$socket
	port=5432
	tools_of_engine
	for size in $(echo "$sizes" | tr , ' '); do
		set_up "$size"
		for part in empty counts rtt one; do
			! wanted "$part" "$parts" || "part_$part" "$size"
		done
		rm -f ./*."empty.$size" ./*."one.$size" ./*."rtt.$size" ./*."counts.$size"
	done
done
printf '\n%s goals met, %s missed\n' "$met" "$missed"
