#!/bin/sh

test_description='PostgreSQL: a server that dies in the middle of a run, and comes again'

. "$(dirname "$0")/lib.sh"

start_pg
run_pid=

server() {
	"$top_srcdir/t/pg-server.sh" "$1" "$pg_dir" >server.out 2>&1 || {
		cat server.out
		return 1
	}
}

explained() {
	case $1 in
	0)
		;;
	1|3|128)
		test -n "$met" && grep -q "^error: " err && grep -q "^hint: " err
		;;
	*)
		return 1
		;;
	esac
}

# die_at N: one run whose server dies before it gets the run's message N, and is started
# again whether the run waits for that or not; sets $status and $met
die_at() {
	start_proxy --at-message="$1" --do=run \
		--command="'$top_srcdir/t/pg-server.sh' crash '$pg_dir'" || return 1
	git config migrate.default.url "$(tool_url "${url##*/}")" || return 1
	timeout 60 git-migrate apply --porcelain >out 2>err &
	run_pid=$!
	last=$run_pid
	met=
	if until_true grep -qs "^did run" events; then
		met=t
		server again || return 1
	fi
	wait "$last"
	status=$?
	run_pid=
	stop_tool && git config migrate.default.url "$url"
}

# die_each STEP: before each STEPth message, until a run has sent fewer
die_each() (
	message=1
	met=t
	while test -n "$met"; do
		if ! {
			rm -rf repo && cp -R template repo && cd repo &&
			url=$(create_db "dies_$message") && die_at $message &&
			explained "$status" && left_alone "$url" &&
			told_truth "$status" out "$url" && converges "$url"
		}; then
			echo "before message $message, exit status $status:"
			cat out err events
			exit 1
		fi
		message=$((message + $1))
		cd ..
	done
	test $message -gt 20
)

# the server itself brings nothing to the disk: what no COMMIT has waited for is lost
test_expect_success 'prepare' '
	make_repo template && (cd template && three_migrations) &&
	pg "$PG_URL" "ALTER SYSTEM SET wal_writer_delay = '\''10s'\''" &&
	pg "$PG_URL" "SELECT pg_reload_conf()"
'

test_expect_success 'before each 31st message of a run' 'die_each 31'

sleeping() {
	test 1 = "$(pg "$url" "SELECT count(*) FROM pg_stat_activity
		WHERE state = 'active' AND query LIKE '%pg_sleep(3600)%'
		AND pid <> pg_backend_pid()")"
}

test_expect_success 'in a statement that takes long' '
	cp -R template long && cd long && url=$(create_db long) &&
	git config migrate.default.url "$url" &&
	new_migration d "CREATE TABLE d (x int);
		SELECT pg_sleep(3600) WHERE to_regclass('\''go_on'\'') IS NULL;" &&
	{ timeout 60 git-migrate apply --porcelain >out 2>err & } && run_pid=$! &&
	until sleeping; do kill -0 $run_pid || return 1; done &&
	server crash && server again &&
	{ wait $run_pid; status=$?; } && met=t && explained $status &&
	told_truth $status out "$url" &&
	pg "$url" "CREATE TABLE go_on (x int)" &&
	test "" = "$(pg "$url" "SELECT to_regclass('\''d'\'')")" &&
	git-migrate apply --porcelain >out 2>err && grep "^applied .* d.sql\$" out &&
	git-migrate audit --porcelain >audit && ! grep -v " ok " audit
'

# another run reads what has not waited for the disk, and makes it wait before it tells
test_expect_success 'after what another run has mirrored of a first one' '
	cd "$SHARNESS_TRASH_DIRECTORY" && cp -R template seen && cd seen && url=$(create_db seen) &&
	git config migrate.default.url "$url" &&
	new_migration d "SELECT pg_sleep(3600);" &&
	{ git-migrate apply >out 2>err & } && run_pid=$! &&
	until sleeping; do kill -0 $run_pid || return 1; done &&
	kill -9 $run_pid && { wait $run_pid || :; } && run_pid= &&
	pg "$url" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE query LIKE '\''%pg_sleep(3600)%'\'' AND pid <> pg_backend_pid()" >ended &&
	left_alone "$url" &&
	git-migrate apply --at HEAD^ >out 2>err &&
	server crash && server again &&
	held "$url" >holds && printf "%s\n" a.sql b.sql c.sql | test_cmp - holds &&
	git-migrate audit --porcelain >audit && ! grep -v " ok " audit
'

test_done
