#!/bin/sh
# usage: bench/backfill.sh [<options>]
#
# A column of a large table is copied to another one while somebody else changes rows
# of it, one at a time: how long that takes, and how long the other one waits, next to
# one UPDATE of all rows.
#
#   --git-migrate <file>   the program (git-migrate in the current folder or PATH)
#   --only <name>          postgresql or sqlite (both)
#   --rows <n>             of the table (1000000)
#   --size <n>             of a batch (1000)
#
# Build "make bench/measure" before, and run it in the build folder. The server is one
# of its own, which syncs, with all other settings as they come.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

git_migrate=
only=
rows=1000000
size=1000
while [ $# -gt 0 ] && take_option 'git-migrate only rows size' "$@"; do
	shift 2
done
[ $# -eq 0 ] || usage 129
git_migrate=$(find_git_migrate "$git_migrate") || exit
measure=$(program measure) || exit

scratch=$(mktemp -d /tmp/git-migrate-bench.XXXXXX) || exit 128
writer=
clean_up() {
	[ -z "$writer" ] || kill "$writer" 2>/dev/null
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

# what both engines do
update='UPDATE users SET phone_new = phone'
make_table="CREATE TABLE users (id integer PRIMARY KEY, phone text, phone_new text,
	n integer NOT NULL DEFAULT 0);
INSERT INTO users (id, phone) WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL
	SELECT i + 1 FROM c WHERE i < $rows) SELECT i, '+1-555-' || i FROM c"

# repository URL: one with the copy as its only migration
repository() {
	rm -rf app
	quietly git init -q -b main app
	mkdir app/migrations
	printf '%s\n' "-- migrate: batch table=users key=id size=$size" \
		"$update WHERE :batch;" >app/migrations/copy.sql
	git -C app add .
	quietly git -C app commit -q -m copy
	git -C app config migrate.default.url "$1"
}

# tell WHO: what the line of "measure" and the writer's times, in ms, come to
tell() {
	sort -n waits | awk '{ w[NR] = $1 } END {
		print NR, w[int(NR * 0.99) + 1], w[NR] }' >numbers
	read -r writes most longest <numbers
	printf '  %-32s %10.0f %10d %10.1f %10.1f\n' "$1" "$(median line wall)" "$writes" \
		"$most" "$longest"
}

heading() {
	printf '\n== %s, %s rows, batches of %s\n' "$1" "$rows" "$size"
	printf '  %-32s %10s %10s %10s %10s\n' '' 'wall ms' writes 'p99 ms' 'longest ms'
}

# --- PostgreSQL -----------------------------------------------------------------

# beside WHO COMMAND...: runs it while pgbench writes
beside() {
	beside_who=$1
	shift
	rm -f writes.*
	ask app 'UPDATE users SET phone_new = NULL WHERE phone_new IS NOT NULL' >out
	ask app 'VACUUM users'
	ask app CHECKPOINT
	printf '%s\n' "\\set id random(1, $rows)" \
		'UPDATE users SET n = n + 1 WHERE id = :id;' >write.sql
	pgbench -n -c 1 -R 100 -T $((5 + rows / 20000)) -f write.sql --log --log-prefix=writes \
		-h "$socket" -U postgres app >said 2>&1 &
	writer=$!
	sleep 1
	"$measure" -o "$scratch/out" "$@" >line || die "$beside_who has failed"
	wait "$writer" || die "the writer has failed" # killed it would keep its times
	writer=
	[ "$(ask app 'SELECT count(*) FROM users WHERE phone_new = phone')" = "$rows" ] ||
	die "not all was copied by $beside_who"
	# what a write took, without its delay behind the schedule
	cat writes.* | awk '{ print ($3 - $7) / 1000 }' >waits
	tell "$beside_who"
}

postgresql() {
	heading PostgreSQL
	ask postgres 'CREATE DATABASE app'
	ask app "$make_table"
	repository "postgresql://postgres@$(echo "$socket" | sed 's,/,%2F,g')/app"
	beside 'git migrate apply' sh -c "cd app && exec \"\$1\" apply 2>../err" sh "$git_migrate"
	ours=$longest
	beside 'one UPDATE' psql -Xq -h "$socket" -U postgres -d app -c "$update"
	goal 'longest wait, to that of one UPDATE' \
		"$(awk -v a="$ours" -v b="$longest" 'BEGIN { print a / b }')" 0.2
	ask postgres 'DROP DATABASE app WITH (FORCE)'
}

# --- SQLite ---------------------------------------------------------------------

# statements for the sqlite3 shell, each with its time, until there is a file "stop"
writes() {
	printf '%s\n' '.timeout 600000' '.timer on'
	id=1
	while [ ! -e stop ]; do
		id=$(((id * 48271 + 11) % rows + 1))
		printf '%s\n' '.shell sleep 0.01' \
			"UPDATE users SET n = n + 1 WHERE id = $id;"
	done
}

# beside_file WHO COMMAND...: the same with the sqlite3 shell
beside_file() {
	beside_who=$1
	shift
	cp base.db app.db
	rm -f stop
	writes | sqlite3 -batch app.db >said 2>&1 &
	writer=$!
	sleep 1
	"$measure" -o "$scratch/out" "$@" >line || die "$beside_who has failed"
	: >stop
	wait "$writer" || die "the writer has failed"
	writer=
	[ "$(sqlite3 -batch -cmd '.timeout 60000' app.db \
		'SELECT count(*) FROM users WHERE phone_new = phone')" = "$rows" ] ||
	die "not all was copied by $beside_who"
	sed -n 's/^Run Time: real \([0-9.]*\) .*/\1/p' said | awk '{ print $1 * 1000 }' >waits
	tell "$beside_who"
}

sqlite() {
	heading SQLite
	sqlite3 -batch base.db "$make_table"
	repository "sqlite:$scratch/app.db"
	beside_file 'git migrate apply' sh -c "cd app && exec \"\$1\" apply 2>../err" sh "$git_migrate"
	ours=$longest
	beside_file 'one UPDATE' sqlite3 -batch -cmd '.timeout 60000' app.db "$update"
	goal 'longest wait, to that of one UPDATE' \
		"$(awk -v a="$ours" -v b="$longest" 'BEGIN { print a / b }')" 0.2
}

"$git_migrate" --version
if wanted postgresql "$only"; then
	start_server
	postgresql
fi
if wanted sqlite "$only"; then
	sqlite
fi
printf '\n%s goals met, %s missed\n' "$met" "$missed"
