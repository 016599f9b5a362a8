#!/bin/sh
# usage: bench/locks.sh [<options>]
#
# Two figures of "git migrate apply" on PostgreSQL: how long it makes others wait for
# a lock that it waits for itself, next to psql; and how long a large COPY takes, next
# to psql.
#
#   --git-migrate <file>   the program (git-migrate in the current folder or PATH)
#   --only <name>          queue or copy (both)
#   --rounds <n>           of copy (5)
#   --megabytes <n>        of copy (100)
#
# Build "make bench/measure bench/lexer" before, and run it in the build folder. The
# server is one of its own, with all settings as they come.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

git_migrate=
only=
rounds=5
megabytes=100
while [ $# -gt 0 ] && take_option 'git-migrate only rounds megabytes' "$@"; do
	shift 2
done
[ $# -eq 0 ] || usage 129
git_migrate=$(find_git_migrate "$git_migrate") || exit
measure=$(program measure) || exit
lexer=$(program lexer) || exit

scratch=$(mktemp -d /tmp/git-migrate-bench.XXXXXX) || exit 128
clean_up() {
	cd / && stop_server
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' HUP INT TERM
chmod 755 "$scratch"
export HOME="$scratch"
git config --global user.name 'Ann Author'
git config --global user.email ann@example.com
cd "$scratch" || exit 128
met=0
missed=0

# repository FILE: one with the file as its only migration, for the database "app"
repository() {
	rm -rf app
	quietly git init -q -b main app
	mkdir app/migrations && cp "$1" app/migrations/ || exit
	quietly git -C app add .
	quietly git -C app commit -q -m "add ${1##*/}"
	git -C app config migrate.default.url \
		"postgresql://postgres@$(echo "$socket" | sed 's,/,%2F,g')/app"
}

# --- the queue behind a lock --------------------------------------------------

readers=10
reading_s=15   # how long a transaction reads
before_s=3     # how far it is when the table is altered
lock_ms=200    # our lock_timeout

# behind WHO COMMAND...: alters the table while others read it; sets longest, the
# longest read in ms
behind() {
	behind_who=$1
	shift
	rm -f reads.*
	printf '%s\n' '\set aid random(1, 100000)' '\sleep 5 ms' \
		'SELECT abalance FROM pgbench_accounts WHERE aid = :aid;' >read.sql
	pgbench -n -c "$readers" -T $((reading_s + 8)) -f read.sql --log \
		--log-prefix=reads -h "$socket" -U postgres app >said 2>&1 &
	pgbench_pid=$!
	ask app "BEGIN; SELECT count(*) FROM pgbench_accounts;
		SELECT pg_sleep($reading_s); COMMIT" >/dev/null &
	reader_pid=$!
	sleep "$before_s"
	"$measure" -o "$scratch/altered" "$@" >line || die "$behind_who has failed"
	wait "$reader_pid" "$pgbench_pid" || die "the readers have failed"
	longest=$(cat reads.* | sort -k 3,3nr | awk 'NR == 1 { print $3 / 1000 }')
	printf '  %-32s %10.1f %10.1f %10d\n' "$behind_who" "$longest" \
		"$(median line wall)" "$(cat reads.* | wc -l)"
}

queue() {
	printf '\n== %s readers, a transaction that reads for %s s, a column added %s s into it\n' \
		"$readers" "$reading_s" "$before_s"
	printf '  %-32s %10s %10s %10s\n' '' 'longest ms' 'wall ms' reads
	ask postgres 'CREATE DATABASE app'
	quietly pgbench -i -q -h "$socket" -U postgres app
	echo 'ALTER TABLE pgbench_accounts ADD COLUMN note text;' >note.sql
	repository note.sql
	behind psql psql -Xq -v ON_ERROR_STOP=1 -h "$socket" -U postgres -d app \
		-c 'ALTER TABLE pgbench_accounts ADD COLUMN naive text'
	behind 'git migrate apply' sh -c "cd app && exec \"\$1\" apply" sh "$git_migrate"
	goal 'longest read, ms' "$longest" $((lock_ms + 100))
	ask postgres 'DROP DATABASE app'
}

# --- COPY ---------------------------------------------------------------------

fresh_app() {
	ask postgres 'DROP DATABASE IF EXISTS app'
	ask postgres 'CREATE DATABASE app'
	ask postgres CHECKPOINT
	git -C app config --unset migrate.default.uuid
	git -C app update-ref -d refs/notes/migrate/default
}

copied() {
	[ "$(ask app 'SELECT count(*) FROM t')" = "$rows" ] || die "not all was copied by $1"
}

copy() {
	printf '\n== COPY of %s MB, %s rounds\n' "$megabytes" "$rounds"
	# into a file: it asks how long that is
	"$lexer" --make copy "$megabytes" >data
	rows=$(($(wc -l <data) - 2))
	echo 'CREATE TABLE t (id integer, name text, price numeric);' | cat - data >copy.sql
	repository copy.sql
	round=0
	while [ "$round" -lt "$rounds" ]; do
		fresh_app
		(cd app && "$measure" "$git_migrate" apply) >>ours.copy || die "apply has failed"
		copied apply
		fresh_app
		"$measure" psql -Xq1 -v ON_ERROR_STOP=1 -h "$socket" -U postgres -d app \
			-f copy.sql >>psql.copy || die "psql has failed"
		copied psql
		round=$((round + 1))
	done
	printf '  %-32s %10s %10s %9s\n' '' 'wall ms' 'CPU ms' 'peak MiB'
	for tool in ours psql; do
		printf '  %-32s %10.1f %10.1f %9.1f\n' "$tool" "$(median $tool.copy wall)" \
			"$(median $tool.copy cpu)" "$(median $tool.copy 'peak / 1.048576')"
	done
	paste -d ' ' ours.copy psql.copy >both
	goal 'ours / psql' "$(median both 'wall / other_wall')" 1.2
}

"$git_migrate" --version
start_server
for part in queue copy; do
	! wanted "$part" "$only" || "$part"
done
printf '\n%s goals met, %s missed\n' "$met" "$missed"
