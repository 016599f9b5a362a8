#!/bin/sh
# usage: bench/peers.sh [<options>]
#
# Measures "git migrate apply" with nothing to do, and "git migrate status", on a
# SQLite database, next to dbmate and to the sqlite3 command that reads the same
# tracker. The programs take turns, round by round.
#
#   --git-migrate <file>      the program (git-migrate in the current folder or PATH)
#   --dbmate <file>           the other one (dbmate in PATH; left out if not there)
#   --migrations <n>[,<n>]    how many are applied (100,1000,5000)
#   --rounds <n>              how often each is run (21)
#
# Build "make bench/history bench/measure" before, and run it in the build folder.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

git_migrate=
dbmate=
sizes=100,1000,5000
rounds=21
while [ $# -gt 0 ] && take_option 'git-migrate dbmate migrations:sizes rounds' "$@"; do
	shift 2
done
[ $# -eq 0 ] || usage 129
if [ -n "$dbmate" ]; then
	dbmate=$(absolute "$dbmate")
	[ -x "$dbmate" ] || die "there is no dbmate: $dbmate"
fi
git_migrate=$(find_git_migrate "$git_migrate") || exit
history=$(program history) || exit
measure=$(program measure) || exit
sqlite=$(command -v sqlite3) || die "there is no sqlite3"
[ -n "$dbmate" ] || dbmate=$(command -v dbmate)

scratch=$(mktemp -d) || exit 128
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' HUP INT TERM
export HOME="$scratch"
git config --global user.name 'Ann Author'
git config --global user.email ann@example.com
git config --global gc.auto 0
cd "$scratch" || exit 128

# dbmate takes the digits before the name as the version, and wants headings
dbmate_files() {
	mkdir dbmate &&
	find app/migrations -name '*.sql' -exec awk '
		function finish() {
			if (out)
				print "-- migrate:down" >out
			close(out)
		}
		FNR == 1 {
			finish()
			out = FILENAME
			sub(".*/", "dbmate/", out)
			print "-- migrate:up" >out
		}
		{ print >out }
		END { finish() }' {} +
}

# all_applied N DATABASE TABLE: so many rows are there
all_applied() {
	[ "$("$sqlite" "app/$2" "SELECT count(*) FROM $3")" = "$1" ] ||
	die "not all migrations are applied in $2"
}

# set_up N: a clone with N migrations, all of them applied, with each program
set_up() {
	rm -rf app app.git dbmate
	quietly git init -q --bare -b main app.git
	"$history" --commits $(($1 + $1 / 10 + 50)) --migrations "$1" --root-entries 20 |
	quietly git -C app.git fast-import --quiet --done || exit
	quietly git clone -q app.git app
	git -C app config migrate.default.url "sqlite:$1.db"
	(cd app && quietly "$git_migrate" apply) || exit
	all_applied "$1" "$1.db" "git_migrate_log WHERE event = 'applied'"
	if [ -n "$dbmate" ]; then
		dbmate_files
		quietly "$dbmate" -d dbmate --no-dump-schema -u "sqlite:$scratch/app/dbmate.db" \
			migrate
		all_applied "$1" dbmate.db schema_migrations
	fi
}

# one NAME COMMAND...: a round of what is called NAME
one() {
	one_file=$scratch/$1.rounds
	shift
	(cd app && "$measure" "$@") >>"$one_file" || die "this could not be measured: $*"
}

# turns N: apply with nothing to do, status
turns() {
	rm -f ./*.rounds
	tracker='SELECT path, blob, hash FROM git_migrate_log'
	round=0
	while [ "$round" -lt "$rounds" ]; do
		one ours.apply "$git_migrate" apply
		one ours.status "$git_migrate" status
		one sqlite3.read "$sqlite" -readonly "$1.db" "$tracker"
		if [ -n "$dbmate" ]; then
			one dbmate.apply "$dbmate" -d ../dbmate --no-dump-schema \
				-u sqlite:dbmate.db migrate
			one dbmate.status "$dbmate" -d ../dbmate --no-dump-schema \
				-u sqlite:dbmate.db status
		fi
		round=$((round + 1))
	done
}

row() {
	printf '  %-32s %10.1f %10.1f %9.1f\n' "$2" "$(median "$1.rounds" wall)" \
		"$(median "$1.rounds" cpu)" "$(median "$1.rounds" peak)"
}

# ratio A B: of CPU time, and of the time that passed
ratio() {
	paste -d ' ' "$1.rounds" "$2.rounds" >both.rounds
	printf '  %-32s %10.2f %10.2f\n' "$1 / $2" \
		"$(median both.rounds 'wall / other_wall')" \
		"$(median both.rounds 'cpu / other_cpu')"
}

results() {
	printf '\n== %s migrations applied, %s rounds\n' "$1" "$rounds"
	printf '  %-32s %10s %10s %9s\n' '' 'wall ms' 'CPU ms' 'peak MB'
	row ours.apply 'git migrate apply'
	row ours.status 'git migrate status'
	row sqlite3.read 'sqlite3, reads the tracker'
	[ -z "$dbmate" ] || row dbmate.apply 'dbmate migrate'
	[ -z "$dbmate" ] || row dbmate.status 'dbmate status'
	printf '  %-32s\n' 'ratios, round by round'
	ratio ours.apply sqlite3.read
	ratio ours.status sqlite3.read
	[ -z "$dbmate" ] || ratio ours.apply dbmate.apply
	[ -z "$dbmate" ] || ratio ours.status dbmate.status
	for kind in ours.apply ours.status dbmate.apply dbmate.status; do
		if [ -e "$kind.rounds" ]; then
			echo "$1 $(median "$kind.rounds" cpu)" >>"$kind.growth"
		fi
	done
}

# CPU time for each migration more that is applied, least and most of what was run
growth() {
	printf '\n== growth for each applied migration, CPU us\n'
	for kind in ours.apply ours.status dbmate.apply dbmate.status; do
		if [ -e "$kind.growth" ]; then
			sort -n "$kind.growth" | awk -v kind="$kind" '
				NR == 1 { n = $1; ms = $2 }
				END {
					if ($1 > n)
						printf "  %-32s %10.1f\n", kind,
							($2 - ms) * 1000 / ($1 - n)
				}'
		fi
	done
}

"$git_migrate" --version
if [ -n "$dbmate" ]; then
	"$dbmate" --version
else
	echo "dbmate is not installed, and left out"
fi
"$sqlite" --version | cut -d ' ' -f 1
echo "goals: apply / dbmate <= 0.50 at 100 and <= 0.35 at 1000 migrations, status / dbmate"
echo "<= 0.35 at 1000, growth of apply <= 3 us, apply <= 25 ms at 5000; all of CPU time"
for size in $(echo "$sizes" | tr , ' '); do
	set_up "$size"
	turns "$size"
	results "$size"
done
growth
