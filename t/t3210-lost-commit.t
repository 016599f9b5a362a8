#!/bin/sh

test_description='PostgreSQL: a COMMIT whose answer is lost is never told wrongly'

. "$(dirname "$0")/lib.sh"

start_pg
run_pid=

# prepare NAME: a repository, an empty database in $url, and the settings to reach it
# through the proxy
prepare() {
	rm -rf repo && cp -R "${template:-template}" repo && cd repo &&
	url=$(create_db "${template:-template}-$1")
}

happened() {
	grep -qs "$1" events
}

# a connection behind that which the proxy acted upon has asked something
asked_again() {
	awk '/^did/ { did = 1 } did && /^query/ { found = 1 } END { exit !found }' events
}

finished() {
	! kill -0 "$run_pid" 2>/dev/null
}

# The run has ended while its COMMIT is still on its way: the next one meets it.
meet_late() {
	run_pid=
	timeout 60 git-migrate apply --porcelain >out.next 2>err.next
	next=$?
	until_true happened delivered && left_alone "$url" || return 1
	case $next in
	0|3)
		told_truth $next out.next "$url"
		;;
	1)
		grep "^error: another git migrate is at work" err.next &&
		told_truth 3 out.next "$url"
		;;
	*)
		cat out.next err.next
		return 1
		;;
	esac
}

# tell ACTION: says to the proxy what its action waits for; none of it depends on
# how long anything takes
tell() {
	case $1 in
	black-hole)
		kill -USR1 "$tool_pid" # the client notices
		until_true asked_again || finished || return 1
		kill -USR2 "$tool_pid" # and then the server
		;;
	late)
		until_true happened delivered || finished || return 1
		happened delivered || meet_late
		;;
	esac
}

# lose ACTION N: one run whose Nth COMMIT meets that; sets $status and $met
lose() {
	start_proxy --at-commit="$2" --do="$1" &&
	git config migrate.default.url "$(tool_url "${url##*/}")" || return 1
	timeout 60 git-migrate apply --porcelain >out 2>err &
	run_pid=$!
	last=$run_pid
	met=
	if until_true happened "^did $1"; then
		met=t
		tell "$1" || return 1
	fi
	wait "$last"
	status=$?
	run_pid=
	left_alone "$url" && stop_tool && git config migrate.default.url "$url"
}

# explained STATUS: what is not done is told with its reason and the way forward
explained() {
	case $1 in
	0)
		;;
	1|3)
		test -n "$met" && grep -q "^error: " err && grep -q "^hint: " err
		;;
	*)
		return 1
		;;
	esac
}

# lose_each ACTION: at each COMMIT of a run in turn, until one has met none
lose_each() (
	commit=0
	met=t
	while test -n "$met"; do
		commit=$((commit + 1))
		if ! {
			prepare "$1-$commit" && lose "$1" $commit && explained $status &&
			told_truth $status out "$url" && converges "$url"
		}; then
			echo "at COMMIT $commit, exit status $status:"
			cat out err events
			exit 1
		fi
		cd ..
	done
	# all in one transaction at the least
	test $commit -gt 1
)

test_expect_success 'prepare' '
	make_repo template && (cd template && three_migrations)
'

for action in cut-before cut-after late black-hole; do
	test_expect_success "$action" "lose_each $action"
done

# the last one fixes the first: all three are in one transaction
test_expect_success 'a fix beside what it fixes' '
	cp -R template template-pair &&
	(
		cd template-pair &&
		printf "%s\n" "mend a" "" "Fixes: a.sql" "Failure-Mode: it was wrong" |
		git commit -q --amend -F -
	)
'

for action in cut-before cut-after late black-hole; do
	test_expect_success "a fix beside what it fixes: $action" "
		template=template-pair && lose_each $action
		lost=\$? && template= && test \$lost = 0
	"
done

# what was told is what the log has, number and path
told_as_recorded() {
	sed -n "s/^applied \([0-9]*\) .* \([a-z.]*\)\$/\1 \2/p" out >told &&
	pg "$url" "SELECT seq || ' ' || path FROM git_migrate.log
		WHERE event = 'applied'" >recorded &&
	! grep -vxF -f recorded told
}

# lone_once ACTION: one run, and what follows it, of what runs outside of a transaction
lone_once() {
	rm -rf repo && cp -R template.lone repo && cd repo &&
	url=$(create_db "lone-$1-$commit") && lose "$1" $commit &&
	explained $status && told_as_recorded &&
	{ test $status = 0 || git-migrate apply >again 2>&1; } &&
	git-migrate apply >again 2>&1 && grep "up to date: 2 migrations" again &&
	test "created applied started applied" = "$(pg_tracker_rows "$url" |
		sed "s/.* event=\([a-z]*\) .*/\1/" | grep -v -e failed -e ran | tr "\n" " " |
		sed "s/ \$//")" &&
	git-migrate audit --porcelain >proof && ! grep -v -e " ok " -e " schema-unknown " proof
}

# lone_each ACTION: `started` and `applied` have a COMMIT each
lone_each() (
	commit=0
	met=t
	while test -n "$met"; do
		commit=$((commit + 1))
		if ! lone_once "$1"; then
			echo "at COMMIT $commit, exit status $status:"
			cat out err events
			exit 1
		fi
		cd ..
	done
	test $commit -gt 3
)

test_expect_success 'prepare what runs outside of a transaction' '
	make_repo template.lone && (
		cd template.lone && new_migration a "CREATE TABLE a (x int);" &&
		new_migration i "-- migrate: no-transaction
CREATE INDEX CONCURRENTLY i ON a (x);"
	)
'

for action in cut-before cut-after; do
	test_expect_success "$action, outside of a transaction" "lone_each $action"
done

test_done
