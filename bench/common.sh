# shellcheck shell=sh disable=SC2154 # $scratch is the script's
# What the scripts of this folder share; sourced by them.

# the commands that are compared see no one's configuration
for common_name in $(env | sed -n 's/^\(GIT_[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$common_name"
done
unset common_name XDG_CONFIG_HOME
export LC_ALL=C GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat GIT_TERMINAL_PROMPT=0

die() {
	echo "error: $*" >&2
	exit 128
}

# usage STATUS: the comment at the head of the script that was called
usage() {
	[ "$1" -eq 0 ] || exec >&2
	sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
	exit "$1"
}

# take_option NAMES ARGUMENT...: the first two arguments are an option and its value,
# which the variable of its name gets ("-" becomes "_"), or that behind a colon. Fails
# at what is no option.
take_option() {
	case $2 in
	-h|--help)
		usage 0
		;;
	-*)
		[ $# -gt 2 ] || usage 129
		;;
	*)
		return 1
		;;
	esac
	for option_name in $1; do
		[ "--${option_name%:*}" = "$2" ] || continue
		eval "$(echo "${option_name#*:}" | tr - _)=\$3"
		return
	done
	usage 129
}

# absolute PATH: of a file or folder that is there
absolute() {
	if [ -d "$1" ]; then
		(cd "$1" && pwd -P)
	else
		echo "$(cd "$(dirname "$1")" && pwd -P)/${1##*/}"
	fi
}

# program NAME: one that "make bench/NAME" has built in the current folder or,
# where that is not the build folder, beside the scripts
program() {
	for program_dir in bench "$(dirname "$0")"; do
		if [ -x "$program_dir/$1" ]; then
			absolute "$program_dir/$1"
			return
		fi
	done
	die "there is no bench/$1 in $(pwd): run 'make bench/history bench/measure' here"
}

# wanted NAME LIST: whether LIST, of words between commas, is empty, or has NAME
# or its last part ("1m" of "linear-1m")
wanted() {
	case ,$2, in
	,,|*",$1,"*|*",${1#*-},"*)
		;;
	*)
		return 1
		;;
	esac
}

# median FILE EXPRESSION: of an expression over the lines of FILE, which are what
# measure prints: wall, own, children and cpu (both) in ms, peak in MB; other_wall
# and other_cpu where a line of another program follows on the same line
median() {
	awk "{
		wall = \$1 / 1000
		own = \$2 / 1000
		children = \$3 / 1000
		cpu = own + children
		peak = \$4 * 1024 / 1000000
		other_wall = \$5 / 1000
		other_cpu = (\$6 + \$7) / 1000
		print $2
	}" "$1" | sort -g | awk '
		{ value[NR] = $1 }
		END {
			if (NR)
				print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2
		}'
}

# goal WHAT VALUE MOST: whether it is met; counts met and missed
goal() {
	awk -v what="$1" -v value="$2" -v most="$3" 'BEGIN {
		printf "  %-32s %10.2f   %s (goal: <= %s)\n", what, value,
			value <= most ? "met" : "MISSED", most
		exit (value > most)
	}' && met=$((met + 1)) || missed=$((missed + 1))
}

# find_git_migrate [FILE]: absolute
find_git_migrate() {
	for found in "${1:-./git-migrate}" "$(command -v git-migrate)"; do
		if [ -f "$found" ] && [ -x "$found" ]; then
			absolute "$found"
			return
		fi
		[ -z "$1" ] || break
	done
	die "there is no git-migrate: name one with --git-migrate"
}

# quietly COMMAND...: its output, in $scratch, is shown when it fails
quietly() {
	"$@" >"$scratch/out" 2>&1 || {
		tail -n 5 "$scratch/out" >&2
		die "this has failed: $*"
	}
}

source=$(absolute "$(dirname "$0")/..")

# ask DATABASE SQL: of the server that start_server has started
ask() {
	PGOPTIONS='-c client_min_messages=warning' psql -XAtq -v ON_ERROR_STOP=1 \
		-h "$socket" -p 5432 -U postgres -d "$1" -c "$2"
}

# A PostgreSQL server of the script's own, which syncs: t/pg-server.sh has that off.
# Its folder, and its socket's, is $socket; "stop_server" ends it.
start_server() {
	quietly "$source/t/pg-server.sh" start "$scratch" $$
	socket=$(cat pg-server)
	for setting in fsync full_page_writes; do
		ask postgres "ALTER SYSTEM SET $setting = on"
	done
	ask postgres 'SELECT pg_reload_conf()' >out
	until [ "$(ask postgres 'SHOW fsync')" = on ]; do
		sleep 0.1
	done
}

stop_server() {
	"$source/t/pg-server.sh" stop "$scratch"
}
