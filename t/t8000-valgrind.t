#!/bin/sh

test_description='the main commands make no error that valgrind sees'

. "$(dirname "$0")/lib.sh"

if test_have_prereq SANITIZERS; then
	skip_all='valgrind cannot run what is built with sanitizers (!SANITIZERS)'
	test_done
fi
needs_tool valgrind
start_pg

# checked ARGUMENT...: git-migrate under valgrind; 99 is an error or a leak of ours
checked() {
	valgrind -q --error-exitcode=99 --leak-check=full \
		--show-leak-kinds=definite --errors-for-leak-kinds=definite \
		--child-silent-after-fork=yes --log-file=valgrind.%p.log \
		git-migrate "$@" >out 2>err
	lib_status=$?
	test $lib_status -ne 99 || cat valgrind.*.log >&2
	return $lib_status
}

# story: everything once, in a repository whose target is set
story() {
	checked new first &&
	new_migration first "CREATE TABLE t (x int); INSERT INTO t VALUES (1);" &&
	new_migration fix "UPDATE t SET x = 2;" "mend it" "" "Fixes: first" \
		"Failure-Mode: it was one" &&
	checked status --json && checked plan && checked apply --dry-run &&
	checked apply && checked apply --json && checked status --all &&
	checked log && checked show fix && checked audit --json &&
	checked check "HEAD~1..HEAD" && checked target list && checked target show default &&
	checked hook pre-commit &&
	new_migration broken "CREATE TABLE u (y int); SELECT nothing FROM nowhere;" &&
	test_expect_code 1 checked apply &&
	echo "-- later" >>migrations/first.sql && git add -A &&
	test_expect_code 1 checked hook pre-commit &&
	git commit -q --no-verify -m "edit" &&
	test_expect_code 1 checked apply && test_expect_code 1 checked audit &&
	test_expect_code 1 checked check "HEAD~1..HEAD" &&
	test_expect_code 129 checked status --nonsense &&
	test_expect_code 128 checked show --at nowhere x
}

test_expect_success 'on SQLite' '
	make_repo lite && (cd lite && checked init sqlite:app.db && story)
'

test_expect_success 'on PostgreSQL' '
	make_repo pg && (cd pg && checked init "$(create_db story)" && story)
'

test_done
