#!/bin/sh
# usage: bench/mirror.sh [<options>]
#
# What mirrors take when they are large: to write them, to add to them, and to read them
# (audit, log, git log). Targets are SQLite files.
#
#   --git-migrate <file>   the program (git-migrate in the current folder or PATH)
#   --only <names>         write, note, read, git-log, git-log-whole (all)
#   --rounds <n>           (5)
#   --migrations <n>       of the target that is read (5000)
#   --each <n>             records that each of them has (20)
#   --notes <n>            that stand in the ref to which one is added (500000)
#
# Build "make bench/chain bench/measure" before, and run it in the build folder.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

git_migrate=
only=
rounds=5
migrations=5000
each=20
notes=500000
while [ $# -gt 0 ]; do
	take_option 'git-migrate only rounds migrations each notes' "$@" || usage 129
	shift 2
done
git_migrate=$(find_git_migrate "$git_migrate") || exit
measure=$(program measure) || exit
chain=$(program chain) || exit

scratch=$(mktemp -d /tmp/git-migrate-bench.XXXXXX) || exit 128
trap 'cd / && rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
ref=refs/notes/migrate/default

# history NAME NR [EVERY]: a repository of as many migrations, one in EVERY commits, with
# the first applied
history() {
	git init -q -b main "$1" && cd "$1" || exit 128
	git config user.name 'A U Thor'
	git config user.email author@example.com
	git config migrate.default.url sqlite:.git/app.db
	git config gc.auto 0
	"$chain" history "$2" "${3:-1}" | git fast-import --quiet --done || die 'fast-import has failed'
	quietly git repack -adfq
	quietly git commit-graph write --reachable --changed-paths
	first=$(git rev-list main | tail -n 1)
	quietly "$git_migrate" apply --at "$first"
}

# tracker EACH: the records of all that come behind the first
tracker() {
	last=$(sqlite3 -batch .git/app.db \
		'SELECT record FROM git_migrate_log ORDER BY seq DESC LIMIT 1')
	"$git_migrate" plan --porcelain | "$chain" records "$1" "$last" >.git/records.sql ||
		die 'no records were made'
	quietly sqlite3 -batch .git/app.db <.git/records.sql
}

# a target has it all, its mirror has the first run, and apply writes the rest
of_write() {
	for nr in 1000 5000; do
		history "write-$nr" $((nr + 1))
		tracker 1
		begin=$(git rev-parse $ref)
		ls .git/objects/pack/*.pack >.git/before
		"$measure" -n "$rounds" -b "git update-ref $ref $begin &&
			ls .git/objects/pack/*.pack | grep -vxFf .git/before | xargs -r rm -f" \
			"$git_migrate" apply >.git/took 2>.git/said || die 'apply has failed'
		[ "$(git count-objects)" = '0 objects, 0 kilobytes' ] || die 'loose objects were left'
		[ "$(git log -1 --format=%s $ref)" = "migrate: $nr records of target 'default'" ] ||
			die 'the mirror was not written in one commit'
		made=$(find .git/objects/pack -name '*.pack' | grep -cvxFf .git/before)
		[ "$made" -eq 1 ] || die "$made packs were made"
		echo "mirror of $nr records, one commit and one pack: CPU $(median .git/took cpu) ms"
		goal 'time that passes, ms' "$(median .git/took wall)" \
			$((nr == 1000 ? 100 : 350))
		cd "$scratch" || exit
	done
}

# crowd: so many notes of other commits beside those of the target
crowd() {
	{
		printf 'commit %s\ncommitter A <a@example.com> 1700000000 +0000\n' $ref
		git log -1 --format=%B $ref >.git/message
		printf 'data %s\n' "$(wc -c <.git/message)"
		cat .git/message
		printf 'from %s\n' "$(git rev-parse $ref)"
		"$chain" notes "$1"
		echo 'done'
	} | git fast-import --quiet --done || die 'fast-import has failed'
	quietly git repack -adq
}

# one more migration a round, in a repository without the notes and in one with them
of_note() {
	for nr in 0 "$notes"; do
		history "note-$nr" $((rounds + 1))
		[ "$nr" -eq 0 ] || crowd "$nr"
		: >.git/took
		round=0
		while [ "$round" -lt "$rounds" ]; do
			round=$((round + 1))
			"$measure" "$git_migrate" apply --at "main~$((rounds - round))" \
				>>.git/took 2>.git/said || die 'apply has failed'
		done
		git log -1 --format=%s $ref | grep -q ' records of target ' ||
			die 'the mirror was not written'
		wall=$(median .git/took wall)
		echo "apply of one more, $nr notes of others: CPU $(median .git/took cpu) ms"
		[ "$nr" -eq 0 ] || goal 'time that passes, ms' "$wall" 60
		cd "$scratch" || exit
	done
}

# large NAME MIGRATIONS: a target with a complete mirror
large() {
	history "$1" "$2"
	tracker "$each"
	quietly "$git_migrate" apply
	quietly git repack -adq
}

# read_by WHAT ARGUMENT...: what a command takes, in a file of that name
read_by() {
	took=$1
	shift
	"$measure" -n "$rounds" "$git_migrate" "$@" >"$took" ||
		die "git migrate $* has failed"
}

of_read() {
	large tenth $((migrations / 10))
	read_by ../offline-tenth audit --offline
	cd "$scratch" || exit
	large whole "$migrations"
	read_by ../offline audit --offline
	read_by ../online audit
	read_by ../log log -n 50
	cd "$scratch" || exit
	for file in offline online; do
		echo "audit, $file: $((migrations * each)) records, $(median $file wall) ms"
		goal 'CPU, ms' "$(median $file cpu)" 1000
		goal 'peak of memory, MB' "$(median $file peak)" 100
	done
	goal 'CPU, times that of a tenth' "$(awk -v all="$(median offline cpu)" \
		-v tenth="$(median offline-tenth cpu)" 'BEGIN { print all / tenth }')" 11
	echo "log -n 50: $(median log wall) ms"
	goal 'CPU, ms' "$(median log cpu)" 30
}

# by_git REF OPTION...: a note that git itself writes on each commit that has one of ours;
# OPTION stands for its text, "-C" for that of ours
by_git() {
	by_git_ref=$1
	shift
	git notes --ref=migrate/default list >.git/notes-list
	while read -r blob commit; do
		if [ "$1" = -C ]; then
			set -- -C "$blob"
		fi
		quietly git notes --ref="$by_git_ref" add "$@" "$commit" ||
			die 'git notes has failed'
	done <.git/notes-list
}

# shown REF: what git log takes with these notes and without, round by round
shown() {
	: >.git/took
	round=0
	while [ "$round" -lt "$rounds" ]; do
		round=$((round + 1))
		echo "$("$measure" git log -1000 --notes="$1")" \
			"$("$measure" git log -1000 --no-notes)" >>.git/took
	done
	median .git/took 'cpu / other_cpu'
}

# git itself, on the target that `read` has, with a migration in one commit of 8 (as the
# histories of make-repositories.sh bring them): a note has all records of a migration
of_git_log_whole() {
	history git-log-whole "$migrations" 8
	tracker "$each"
	quietly "$git_migrate" apply
	quietly git repack -adfq
	part=$(shown 'migrate/*')
	echo "git log -1000, $((migrations * each)) records, one commit in 8 with $each of" \
		"them: $(median .git/took cpu) ms of CPU," \
		"$(median .git/took other_cpu) without"
	goal 'part of that' "$part" 1.1
	cd "$scratch" || exit
}

# git itself, with and without our notes (each migration has one record), with the same
# text in notes of its own making, and with one letter in each: what it cannot do without
of_git_log() {
	for every in 1 20; do
		history "git-log-$every" 1500 "$every"
		tracker 1
		quietly "$git_migrate" apply
		quietly git repack -adfq
		part=$(shown 'migrate/*')
		echo "git log -1000, a note on one commit in $every:" \
			"$(median .git/took cpu) ms of CPU, $(median .git/took other_cpu) without"
		goal 'part of that' "$part" 1.1
		# behind it: git packs the many trees that it writes for these together with ours
		by_git own -C
		by_git letter -m x
		quietly git repack -adfq
		own=$(shown own)
		letter=$(shown letter)
		goal 'to the same notes by git itself, which takes that' \
			"$(awk -v part="$part" -v own="$own" 'BEGIN { print part / own }')" 1.05
		echo "  by git itself: $own of that without, with one letter in each: $letter"
		cd "$scratch" || exit
	done
}

cd "$scratch" || exit 128
met=0
missed=0
for part in write note read git-log git-log-whole; do
	wanted "$part" "$only" || continue
	case $part in
	write)
		of_write
		;;
	note)
		of_note
		;;
	read)
		of_read
		;;
	git-log)
		of_git_log
		;;
	git-log-whole)
		of_git_log_whole
		;;
	esac
done
echo "$met met, $missed missed"
[ "$missed" -eq 0 ]
