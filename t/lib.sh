# Sourced by each t/tNNNN-*.t after it has set test_description:
#
#	. "$(dirname "$0")/lib.sh"
#
# Brings sharness (test_expect_success, test_expect_code, test_must_fail,
# test_cmp, test_must_be_empty, test_when_finished, cleanup, ...) and what is
# below. A script is run by "make check", or by hand: sh t/t2000-apply.t -v
#
# Variables: $top_srcdir and $top_builddir (absolute), $PG_URL (after start_pg),
# $POOL_URL (after start_pgbouncer), $tool_dir and $tool_pid (after start_tool),
# $short_dir (after make_short_dir), $http (after start_http).
# Prerequisites: PG (after start_pg), POOL (after start_pgbouncer), FAULTS, SANITIZERS, ROOT.
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

# fresh_on ENGINE NAME: the same, with a target on that engine: "$engine", "$url"
fresh_on() {
	engine=$1
	fresh "$1-$2" &&
	case $engine in
	sqlite)
		url=sqlite:.git/app.db
		;;
	*)
		url=$(create_db "$2")
		;;
	esac &&
	git config migrate.default.url "$url"
}

# db SQL: runs it in that target, as a user of the database would
db() {
	case $engine in
	sqlite)
		sqlite3 -batch -cmd ".timeout 20000" .git/app.db "$1"
		;;
	*)
		pg "$url" "$1"
		;;
	esac
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

# start_pgbouncer: one that pools the transactions of that server's sessions; sets
# POOL_URL and the prerequisite POOL, or neither where there is none.
start_pgbouncer() {
	POOL_URL=$("$top_srcdir/t/pg-server.sh" pool "$pg_dir" 2>pool-start.err)
	case $? in
	0)
		export POOL_URL
		test_set_prereq POOL
		;;
	77)
		;;
	*)
		sed 's/^/# /' pool-start.err
		error "could not start pgbouncer"
		;;
	esac
}

# at_server URL OTHER: the database of URL at the server of OTHER.
at_server() {
	echo "${2%/*}/${1##*/}"
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

# --- faults -------------------------------------------------------------------

# needs_built NAME...: ends the script when one of t/tools was not made.
needs_built() {
	for lib_tool; do
		test -f "$top_builddir/t/tools/$lib_tool" ||
		error "no t/tools/$lib_tool in '$top_builddir': make check builds it"
	done
}

# needs_shim: skips the whole script where nothing can be loaded before the program.
needs_shim() {
	needs_built shim.so
	test_have_prereq SANITIZERS || return 0
	skip_all='a sanitizer does not let a library be loaded before it (!SANITIZERS)'
	test_done
}

# with_shim [GM_SHIM_...=VALUE...] COMMAND...: t/tools/shim.c says what they mean.
with_shim() {
	env LD_PRELOAD="$top_builddir/t/tools/shim.so" "$@"
}

# make_short_dir: a folder of this script's own whose path has no blanks, for programs
# that cannot do with them, in $short_dir; removed at the end.
make_short_dir() {
	short_dir=$(mktemp -d /tmp/git-migrate-dir.XXXXXX)
}

# start_tool NAME OPTION...: a proxy or a fake server in a folder of its own, which is
# in $tool_dir; its process in $tool_pid.
start_tool() {
	needs_built "$1"
	tool_dir=$(mktemp -d /tmp/git-migrate-tool.XXXXXX) || return 1
	lib_tool=$1
	shift
	"$top_builddir/t/tools/$lib_tool" --listen="$tool_dir" "$@" \
		>"$tool_dir/out" 2>"$tool_dir/err" 3>&- 4>&- 5>&- 6>&- &
	tool_pid=$!
	until_true test -s "$tool_dir/out" || {
		cat "$tool_dir/err"
		return 1
	}
}

# stop_tool: ends what start_tool has started, and waits for it; fails when the tool
# did not end well.
stop_tool() {
	test -n "$tool_pid" || return 0
	kill "$tool_pid" 2>/dev/null
	wait "$tool_pid"
	lib_status=$?
	tool_pid=
	test $lib_status = 0 || cat "$tool_dir/err"
	rm -rf "$tool_dir"
	return $lib_status
}

# start_http FOLDER: lighttpd before git's own smart HTTP, for the repositories below
# FOLDER; the address is in $http. False where one of the two is not installed.
start_http() {
	lib_backend=$(git --exec-path)/git-http-backend
	lib_lighttpd=$(PATH=$PATH:/usr/sbin command -v lighttpd) && test -x "$lib_backend" ||
	return 1
	lib_ports=$(awk -v seed=$$ 'BEGIN {
		srand(seed); for (i = 0; i < 20; i++) print 20000 + int(rand() * 12000) }')
	for lib_port in $lib_ports; do
		tool_dir=$(mktemp -d /tmp/git-migrate-tool.XXXXXX) || return 1
		http=http://127.0.0.1:$lib_port/${tool_dir##*/}
		cat >"$tool_dir/conf" <<-END
		server.modules = ("mod_alias", "mod_setenv", "mod_cgi")
		server.document-root = "$tool_dir"
		server.bind = "127.0.0.1"
		server.port = $lib_port
		alias.url = ("/${tool_dir##*/}" => "$lib_backend")
		cgi.assign = ("" => "")
		setenv.set-environment = ("PATH" => "$PATH", "HOME" => "$HOME",
			"GIT_PROJECT_ROOT" => "$1", "GIT_HTTP_EXPORT_ALL" => "1")
		END
		git init -q --bare "$1/probe.git" || return 1
		"$lib_lighttpd" -D -f "$tool_dir/conf" >"$tool_dir/out" 2>"$tool_dir/err" \
			3>&- 4>&- 5>&- &
		tool_pid=$!
		# it ends at once when another one has that port
		if until_true git ls-remote -q "$http/probe.git" 2>"$tool_dir/probe"; then
			return 0
		fi
		stop_tool
	done
	return 1
}

# tool_url DATABASE: a URL that leads to it.
tool_url() {
	echo "postgresql://postgres@$(echo "$tool_dir" | sed 's,/,%2F,g')/$1"
}

# start_proxy OPTION...: t/tools/proxy.c before the server of start_pg. Its events and
# statistics are in "events" and "stats" of the current directory.
start_proxy() {
	rm -f events stats
	start_tool proxy --server="$(cat "$pg_dir/pg-server")" --events="$PWD/events" \
		--stats="$PWD/stats" "$@"
}

# start_fake_pg: t/tools/fake-pg.c with the script on standard input. What it is asked
# is in "asked" of the current directory.
start_fake_pg() {
	cat >fake-pg.script
	start_tool fake-pg --script="$PWD/fake-pg.script" --log="$PWD/asked"
}

# until_true COMMAND...: again and again, as long as $tool_pid and, if it is set,
# $run_pid are alive.
until_true() {
	until "$@"; do
		kill -0 "$tool_pid" 2>/dev/null || return 1
		test -z "$run_pid" || kill -0 "$run_pid" 2>/dev/null || {
			"$@"
			return
		}
		sleep 0.02
	done
}

# --- what a fault has left behind ---------------------------------------------

# three_migrations: commits three, each of which writes down that it ran.
three_migrations() {
	new_migration a "CREATE TABLE ran (name text); INSERT INTO ran (name) VALUES ('a');" &&
	new_migration b "CREATE TABLE b (x int); INSERT INTO ran (name) VALUES ('b');" &&
	new_migration c "INSERT INTO ran (name) VALUES ('c'); CREATE TABLE c (x int);"
}

# held URL: the paths of those of three_migrations that have run, as often as they
# have; fails when the tracker tells another story. Nothing else may be at work.
held() {
	case $1 in
	sqlite:*)
		# a table that is not there yet holds nothing
		sqlite3 -batch "${1#sqlite:}" >held.check 2>/dev/null <<-\END
		.output held.ran
		SELECT name || '.sql' FROM ran ORDER BY 1;
		.output held.applied
		SELECT path FROM git_migrate_log WHERE event = 'applied' ORDER BY 1;
		.output stdout
		PRAGMA integrity_check;
		END
		echo ok | cmp - held.check >&2 || return 1
		;;
	*)
		: >held.applied
		psql -XAtq -v ON_ERROR_STOP=1 -d "$1" >held.ran <<-\END || return 1
		SELECT to_regclass('ran') IS NOT NULL AS ran,
			to_regclass('git_migrate.log') IS NOT NULL AS log \gset
		\if :ran
			SELECT name || '.sql' FROM ran ORDER BY 1;
		\endif
		\o held.applied
		\if :log
			SELECT path FROM git_migrate.log WHERE event = 'applied' ORDER BY 1;
		\endif
		END
		;;
	esac
	test_cmp held.ran held.applied >&2 && cat held.ran
}

# left_alone URL: waits until no other session is in the PostgreSQL database. (What a
# killed client has left behind takes a moment to go.)
left_alone() {
	pg "$1" "DO \$\$ BEGIN
		WHILE EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()) LOOP
			PERFORM pg_sleep(0.01);
			PERFORM pg_stat_clear_snapshot();
		END LOOP;
	END \$\$"
}

# told_truth STATUS OUT URL: whether what "apply --porcelain" said is what is held: all
# at 0; at 3, "unknown", at least what it called applied; at any other exactly that.
told_truth() {
	sed -n 's/^applied .* //p' "$2" | sort >told &&
	held "$3" >holds &&
	case $1 in
	0)
		printf '%s\n' a.sql b.sql c.sql | test_cmp - holds
		;;
	3)
		test -z "$(comm -23 told holds)"
		;;
	*)
		test_cmp told holds
		;;
	esac >&2
}

# converges URL: status answers, one more run ends well, and then all is as it would be
# without a fault: each migration ran once, the proof and the repository are sound.
converges() {
	git-migrate status >converges.out 2>&1 || test $? = 1 || return 1
	if ! {
		git-migrate apply >converges.out 2>&1 &&
		git-migrate audit --porcelain >>converges.out 2>&1 &&
		! grep -q "^default \(warning\|failed\)" converges.out &&
		held "$1" >holds && printf '%s\n' a.sql b.sql c.sql | test_cmp - holds &&
		git fsck --no-dangling >>converges.out 2>&1
	}; then
		cat converges.out
		return 1
	fi
} >&2

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
	stop_tool
	stop_pg
	test -z "$short_dir" || rm -rf "$short_dir"
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
