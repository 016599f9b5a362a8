# Sourced by each t/tNNNN-*.t after it has set test_description:
#
#	. "$(dirname "$0")/lib.sh"
#
# Brings sharness (test_expect_success, test_expect_code, test_must_fail,
# test_cmp, test_must_be_empty, test_when_finished, cleanup, ...) and what is
# below. A script is run by "make check", or by hand: sh t/t2000-apply.t -v
#
# Variables: $top_srcdir and $top_builddir (absolute), $PG_URL (after start_pg).
# Prerequisites: PG (after start_pg), FAULTS, SANITIZERS, ROOT.
# A script that does not run git-migrate sets test_no_program=t beforehand.

# --- where things are ---------------------------------------------------------

lib_dir=$(cd "$(dirname "$0")" && pwd -P) || exit 1
top_srcdir=$(cd "${top_srcdir:-$lib_dir/..}" && pwd -P) || exit 1
if test -z "$top_builddir"; then
	for top_builddir in "$top_srcdir" "$top_srcdir/build/test" "$(pwd)"; do
		test ! -x "$top_builddir/git-migrate" || break
	done
fi
top_builddir=$(cd "$top_builddir" && pwd -P) || exit 1
if test -z "$test_no_program" && test ! -x "$top_builddir/git-migrate"; then
	echo "Bail out! no git-migrate in '$top_builddir': run make first"
	exit 1
fi
export top_srcdir top_builddir

# --- an environment of our own ------------------------------------------------

# what the user or a calling hook has set; sharness sets LC_ALL, TZ, PAGER, TERM
for lib_name in $(env | sed -n 's/^\(\(GIT_\|PG\|XDG_\)[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$lib_name"
done
unset NO_COLOR EMAIL LESS LV COLUMNS CLICOLOR CLICOLOR_FORCE PSQL_PAGER PSQL_EDITOR
unset DATABASE_URL TMOUT lib_name

# the trash directory goes where the programs are: the sources may be read-only
SHARNESS_TEST_DIRECTORY=$top_builddir/t
SHARNESS_TEST_SRCDIR=$top_srcdir/t
SHARNESS_BUILD_DIRECTORY=$top_builddir
HARNESS_ACTIVE=1 # no test-results/ folder
export HARNESS_ACTIVE
SHELL_PATH=/bin/sh
mkdir -p "$SHARNESS_TEST_DIRECTORY" || exit 1

for lib_sharness in "$SHARNESS" /usr/share/sharness/sharness.sh \
	/usr/local/share/sharness/sharness.sh ""; do
	test ! -f "$lib_sharness" || break
done
if test -z "$lib_sharness"; then
	echo "Bail out! no sharness.sh: install the package sharness"
	exit 1
fi
. "$lib_sharness"

HOME=$SHARNESS_TRASH_DIRECTORY/home
GIT_CONFIG_NOSYSTEM=1
GIT_CEILING_DIRECTORIES=$SHARNESS_TEST_DIRECTORY
GIT_TERMINAL_PROMPT=0
GIT_EDITOR=:
GIT_PAGER='cat'
GIT_AUTHOR_NAME='A U Thor'
GIT_AUTHOR_EMAIL=author@example.com
GIT_COMMITTER_NAME='C O Mitter'
GIT_COMMITTER_EMAIL=committer@example.com
GIT_MERGE_AUTOEDIT=no
export HOME GIT_CONFIG_NOSYSTEM GIT_CEILING_DIRECTORIES GIT_TERMINAL_PROMPT GIT_EDITOR
export GIT_PAGER GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
export GIT_MERGE_AUTOEDIT
mkdir -p "$HOME" &&
git config --global init.defaultBranch main &&
git config --global gc.auto 0 &&
git config --global advice.detachedHead false || exit 1

if grep -q '^#define ENABLE_FAULTS' "$top_builddir/config.h" 2>/dev/null; then
	test_set_prereq FAULTS
fi
if grep -q -e '-fsanitize=' "$top_builddir/Makefile" 2>/dev/null; then
	test_set_prereq SANITIZERS
fi
test "$(id -u)" != 0 || test_set_prereq ROOT

# --- time and history ---------------------------------------------------------

# Moves the clock of the next commit on by a minute.
tick() {
	lib_time=$((${lib_time:-1112911993} + 60))
	GIT_AUTHOR_DATE="$lib_time +0000"
	GIT_COMMITTER_DATE="$lib_time +0000"
	export GIT_AUTHOR_DATE GIT_COMMITTER_DATE
}
tick

# make_repo DIR: an empty repository on branch main.
make_repo() {
	git init -q -b main "$1"
}

# commit_file FILE TEXT [MESSAGE-LINE...]: writes, adds and commits one file of the
# repository that is the current directory.
commit_file() {
	lib_file=$1
	mkdir -p "$(dirname "$1")" &&
	printf '%s\n' "$2" >"$1" &&
	git add -- "$1" &&
	shift 2 &&
	tick &&
	if test $# -eq 0; then
		git commit -q -m "change $lib_file"
	else
		printf '%s\n' "$@" | git commit -q -F -
	fi
}

# fresh NAME: an empty repository; the current directory from then on.
fresh() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo "$1" &&
	cd "$1" &&
	mkdir .git/t
}

# new_migration NAME SQL [MESSAGE-LINE...]: commits migrations/NAME.sql.
new_migration() {
	lib_name=${1%.sql}
	lib_sql=$2
	shift 2
	if test $# -eq 0; then
		set -- "add $lib_name"
	fi
	commit_file "migrations/$lib_name.sql" "$lib_sql" "$@"
}

# --- databases ----------------------------------------------------------------

# sqlite DB SQL: runs SQL with the sqlite3 shell, columns parted by '|'.
sqlite() {
	sqlite3 -batch "$1" "$2"
}

# tracker_rows [DB]: the records of a SQLite target (app.db), in order.
tracker_rows() {
	sqlite "${1:-app.db}" 'SELECT record FROM git_migrate_log ORDER BY seq'
}

# start_pg [optional]: a PostgreSQL server of this script's own, stopped at its end;
# sets PG_URL and the prerequisite PG. On a machine that has none the script is
# skipped, or, with "optional", goes on without the prerequisite.
start_pg() {
	if ! command -v initdb >/dev/null &&
	   ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
		test "$1" != optional || return 0
		skip_all='no PostgreSQL server (initdb) is installed'
		test_done
	fi
	# a short path without blanks: a socket's name has room for 107 bytes
	pg_dir=$(mktemp -d "${TMPDIR:-/tmp}/git-migrate-pg.XXXXXX") ||
	error "could not make a folder for the server"
	# root's server runs as another user, who must get to it
	test "$(id -u)" != 0 || chmod 711 "$pg_dir"
	cleanup stop_pg
	PG_URL=$("$top_srcdir/t/pg-server.sh" start "$pg_dir" 2>pg-start.err) || {
		sed 's/^/# /' pg-start.err
		error "could not start PostgreSQL"
	}
	export PG_URL
	test_set_prereq PG
}

stop_pg() {
	test -n "$pg_dir" || return 0
	"$top_srcdir/t/pg-server.sh" stop "$pg_dir" >/dev/null 2>&1
	rm -rf "$pg_dir"
	pg_dir=
}

# create_db NAME: an empty database on the server; prints its URL.
create_db() {
	pg "$PG_URL" "CREATE DATABASE \"$1\"" >/dev/null &&
	echo "$PG_URL" | sed "s|^\(postgres[a-z]*://[^/]*/\)[^?]*|\1$1|"
}

# pg URL SQL: runs SQL with psql, columns parted by '|'.
pg() {
	psql -XAtq -v ON_ERROR_STOP=1 -d "$1" -c "$2"
}

# pg_tracker_rows URL: as tracker_rows.
pg_tracker_rows() {
	pg "$1" 'SELECT record FROM git_migrate.log ORDER BY seq'
}

# --- looking at results -------------------------------------------------------

# has_line FILE LINE: whether FILE has exactly that line.
has_line() {
	grep -qFx -e "$2" "$1" && return
	echo "no line '$2' in $1:"
	cat "$1"
	return 1
} >&2

# refuses CODE MESSAGE COMMAND...: it fails with this error and a hint, and changes
# nothing. The script defines state, which prints all that must stay as it was, and
# has a folder .git/t for its notes.
refuses() {
	refuses_code=$1
	refuses_message=$2
	shift 2
	state >.git/t/before &&
	test_expect_code "$refuses_code" "$@" >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: $refuses_message" &&
	grep "^hint: " .git/t/err >/dev/null &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after
}

# needs_tool NAME: skips the whole script when a program is not there.
needs_tool() {
	command -v "$1" >/dev/null && return
	skip_all="$1 is not installed"
	test_done
}

# What the tests print is kept, to be shown when one of them has failed.
if test "$verbose" != t; then
	lib_out=$SHARNESS_TEST_DIRECTORY/$this_test.out
	exec 3>"$lib_out" 4>&3
fi

# sharness cleans up after success alone; servers must go in any case
lib_exit() {
	lib_code=$?
	trap - EXIT
	stop_pg
	if test -n "$lib_out"; then
		test $lib_code = 0 || sed 's/^/# /' "$lib_out" >&5
		rm -f "$lib_out"
	fi
	(exit $lib_code)
	die
}
trap lib_exit EXIT
trap 'EXIT_OK=t; exit 129' HUP
trap 'EXIT_OK=t; exit 130' INT
trap 'EXIT_OK=t; exit 143' TERM
:
