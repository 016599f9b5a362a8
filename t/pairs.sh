# Sourced by the tests of what trailers make of two migrations, behind lib.sh: each is
# run on the engines in $engines; $url is the target of the current repository.

start_pg optional

# add NAME SQL [TRAILER...]: commits a migration with these trailers.
add() {
	lib_add=$1
	lib_add_sql=$2
	shift 2
	new_migration "$lib_add" "$lib_add_sql" "add $lib_add" "" "Reversal: none" "$@"
}

# fix NAME OF SQL [TRAILER...]: one that fixes another.
fix() {
	lib_fix=$1
	lib_of=$2
	lib_fix_sql=$3
	shift 3
	add "$lib_fix" "$lib_fix_sql" "Fixes: $lib_of" "Failure-Mode: it was wrong" "$@"
}

# target ENGINE: a database of its own for the repository of the current directory.
target() {
	case $1 in
	pg)
		url=$(create_db "$(basename "$PWD")")
		;;
	sqlite)
		url=sqlite:app.db
		;;
	esac &&
	git config migrate.default.url "$url"
}

# second NAME: one more target of that kind.
second() {
	case $(git config migrate.default.url) in
	sqlite:*)
		other=sqlite:$1.db
		;;
	*)
		other=$(create_db "$(basename "$PWD")-$1")
		;;
	esac &&
	git config "migrate.$1.url" "$other"
}

# sql URL STATEMENTS
sql() {
	case $1 in
	sqlite:*)
		sqlite "${1#sqlite:}" "$2"
		;;
	*)
		pg "$1" "$2"
		;;
	esac
}

# story [URL]: what the log says of migrations, one a line.
story() {
	case ${1-$url} in
	sqlite:*)
		lib_log=git_migrate_log
		;;
	*)
		lib_log=git_migrate.log
		;;
	esac
	sql "${1-$url}" "SELECT event || ' ' || path FROM $lib_log
		WHERE path IS NOT NULL ORDER BY seq"
}

# told: what the log has to say, on standard input.
told() {
	cat >expect &&
	story "$@" >actual &&
	test_cmp expect actual
}

# sound [TARGET]: the proof has nothing to complain of.
sound() {
	git-migrate audit --porcelain "$@" >audit.out &&
	! grep -v "^[a-z]* ok " audit.out
}

base() {
	add a1 "CREATE TABLE t (x int); INSERT INTO t VALUES (1);"
}

engines=sqlite
test_have_prereq PG && engines='sqlite pg'
