#!/bin/sh
# usage: bench/plan.sh [<options>] <folder>
#
# Measures "git migrate plan" and "status" on the repositories that
# bench/make-repositories.sh has made in <folder>, next to "git log".
#
#   --git-migrate <file>     the program (git-migrate in the current folder or PATH)
#   --only <name>[,<name>]   on these repositories; see make-repositories.sh
#   --rounds <n>             how often each is run (11)
#   --seconds <n>            no round but the first three begins later (60)
#
# Build "make bench/measure" before, and run it in the build folder.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

git_migrate=
only=
rounds=11
seconds=60
while [ $# -gt 0 ] && take_option 'git-migrate only rounds seconds' "$@"; do
	shift 2
done
[ $# -eq 1 ] || usage 129
git_migrate=$(find_git_migrate "$git_migrate") || exit
measure=$(program measure) || exit
folder=$(absolute "$1") || exit 128

repository=
scratch=$(mktemp -d) || exit 128
trap 'graph_back; rm -rf "$scratch"' EXIT
trap 'exit 130' HUP INT TERM
export HOME="$scratch"
git config --global user.name 'Ann Author'
git config --global user.email ann@example.com

# --- with and without a commit-graph ------------------------------------------

graph_away() {
	mkdir -p "$repository/bench-away"
	for graph in "$repository"/objects/info/commit-graph*; do
		[ ! -e "$graph" ] || mv "$graph" "$repository/bench-away/"
	done
}

# also after a run that was killed
graph_back() {
	for graph in "$repository"/bench-away/commit-graph*; do
		[ ! -e "$graph" ] || mv "$graph" "$repository/objects/info/"
	done
}

# --- rounds and what they print -----------------------------------------------

begin_rounds() {
	round=0
	round_end=$(($(date +%s) + seconds))
	rm -f "$scratch"/*.rounds
}

more_rounds() {
	round=$((round + 1))
	[ "$round" -le "$rounds" ] &&
	{ [ "$round" -le 3 ] || [ "$(date +%s)" -lt "$round_end" ]; }
}

# one NAME [-b COMMAND] COMMAND...: a round of what is called NAME
one() {
	one_file=$scratch/$1.rounds
	shift
	"$measure" "$@" >>"$one_file" || die "this could not be measured: $*"
}

heading() {
	printf '\n%s\n%-34s %10s %10s %10s %9s %7s\n' "$1" '' 'wall ms' 'own ms' \
		'children' 'peak MB' 'rounds'
}

# row NAME TITLE: the medians
row() {
	row_file=$scratch/$1.rounds
	printf '  %-32s %10.1f %10.1f %10.1f %9.1f %7d\n' "$2" \
		"$(median "$row_file" wall)" "$(median "$row_file" own)" \
		"$(median "$row_file" children)" "$(median "$row_file" peak)" \
		"$(wc -l <"$row_file")"
}

# --- what is measured ---------------------------------------------------------

# arrivals REV: of migrations, as git log lists them: commit and path, sorted
arrivals() {
	git log --first-parent -m --diff-filter=A --name-status --no-renames --format=%H \
		"$1" -- migrations |
	awk 'NF == 1 { commit = $1 } $1 == "A" { sub("^migrations/", "", $2); print commit, $2 }' |
	sort
}

# What is compared is the same: each migration arrives with the same commit.
# It also brings the files into memory.
check_plan() {
	rm -rf ./migrate
	"$git_migrate" plan --porcelain main >"$scratch/plan" || die "there is no plan"
	cut -d ' ' -f 4,5 "$scratch/plan" | sort >"$scratch/plan.sorted"
	arrivals main >"$scratch/log.sorted"
	cmp -s "$scratch/plan.sorted" "$scratch/log.sorted" ||
	die "the plan is not what git log shows"
}

# The plan of "later" is that of main, and what git log shows behind it.
check_later() {
	"$git_migrate" plan --porcelain later >"$scratch/later" || die "there is no plan"
	head -n "$(wc -l <"$scratch/plan")" "$scratch/later" | cmp -s - "$scratch/plan" ||
	die "the plan that was made with the cache does not begin with the one before"
	tail -n "+$(($(wc -l <"$scratch/plan") + 1))" "$scratch/later" | cut -d ' ' -f 4,5 |
	sort >"$scratch/plan.sorted"
	arrivals main..later >"$scratch/log.sorted"
	cmp -s "$scratch/plan.sorted" "$scratch/log.sorted" ||
	die "the plan that was made with the cache is not what git log shows"
}

# cold TITLE MOST: without its cache, in turns with git log
cold() {
	begin_rounds
	while more_rounds; do
		one ours -b 'rm -rf ./migrate' "$git_migrate" plan --porcelain main
		one log git log --first-parent -m --diff-filter=A --name-status \
			--no-renames --format=%H main -- migrations
	done
	heading "$1"
	row ours 'git migrate plan --porcelain'
	row log 'git log'
	paste -d ' ' "$scratch/ours.rounds" "$scratch/log.rounds" >"$scratch/both.rounds"
	goal 'ratio of CPU time' \
		"$(median "$scratch/both.rounds" 'cpu / other_cpu')" "$2"
	printf '  %-32s %10.2f\n' 'ratio of time that passed' \
		"$(median "$scratch/both.rounds" 'wall / other_wall')"
	case $name in
	*-1m)
		goal 'peak MB' "$(median "$scratch/ours.rounds" peak)" 300
		;;
	esac
}

# a SQLite database in which all of main is applied, made once
apply_all() {
	database=$folder/$name.db
	git config migrate.default.url "sqlite://$database"
	[ ! -e bench-applied ] || return 0
	rm -f "$database" "$database-journal"
	git update-ref -d refs/notes/migrate/default
	"$git_migrate" apply >"$scratch/apply.out" 2>&1 || {
		tail -n 5 "$scratch/apply.out" >&2
		die "the migrations could not be applied"
	}
	touch bench-applied
}

warm() {
	apply_all
	"$git_migrate" status >"$scratch/status.out" || die "there is no status"
	begin_rounds
	while more_rounds; do
		one porcelain "$git_migrate" plan --porcelain
		one plan "$git_migrate" plan
		one status "$git_migrate" status
	done
	heading "warm: $(sed -n '/^[0-9]* migration/p' "$scratch/status.out")"
	row porcelain 'git migrate plan --porcelain'
	row plan 'git migrate plan'
	row status 'git migrate status'
	for kind in porcelain plan status; do
		own=$(median "$scratch/$kind.rounds" own)
		echo "$own" >"$scratch/$name.$kind"
		goal "own CPU ms, $kind" "$own" 25
	done
}

# The plan of a branch that is 1,000 commits ahead of what the cache knows.
incremental() {
	rm -rf ./migrate "$scratch/warm"
	"$git_migrate" plan --porcelain main >"$scratch/plan" || die "there is no plan"
	restore=:
	if [ -d migrate ]; then
		cp -a migrate "$scratch/warm"
		restore="rm -rf ./migrate && cp -a '$scratch/warm' ./migrate"
	fi
	check_later
	begin_rounds
	while more_rounds; do
		one later -b "$restore" "$git_migrate" plan --porcelain later
	done
	heading "incremental: $(git rev-list --count --first-parent main..later) commits more"
	row later 'git migrate plan --porcelain'
	goal 'CPU ms' "$(median "$scratch/later.rounds" cpu)" 100
	sh -c "$restore"
}

one_repository() {
	cd "$repository" || exit 128
	graph_back
	head -c 256 objects/info/commit-graph 2>/dev/null | grep -aq BIDX ||
	die "$name has no commit-graph with Bloom filters"
	printf '\n== %s: %s commits, %s of them on the first-parent line\n' "$name" \
		"$(git rev-list --count main)" "$(git rev-list --count --first-parent main)"
	check_plan
	cold 'cold, commit-graph with Bloom filters' 0.35
	graph_away
	cold 'cold, no commit-graph' 0.6
	graph_back
	warm
	incremental
}

# grown SHAPE: what the warm commands need with one million commits, over ten thousand
grown() {
	if [ -e "$scratch/$1-10k.plan" ] && [ -e "$scratch/$1-1m.plan" ]; then
		printf '\nwarm, %s: own CPU of one million commits over ten thousand\n' "$1"
		for kind in porcelain plan status; do
			goal "$kind" "$(paste "$scratch/$1-1m.$kind" "$scratch/$1-10k.$kind" |
				awk '{ print $1 / $2 }')" 1.2
		done
	fi
}

met=0
missed=0
"$git_migrate" --version
git --version
cd "$folder" || exit 128
begin_rounds
while more_rounds; do
	one version "$git_migrate" --version
done
heading 'start-up'
row version 'git migrate --version'
goal 'CPU ms' "$(median "$scratch/version.rounds" cpu)" 8

for name in linear-10k merges-10k linear-100k merges-100k linear-1m merges-1m; do
	repository=$folder/$name.git
	if wanted "$name" "$only" && [ -e "$repository/bench-graph" ]; then
		one_repository
	fi
done

grown linear
grown merges
printf '\n%d goals met, %d missed\n' "$met" "$missed"
