# shellcheck shell=sh
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
