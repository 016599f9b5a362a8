#!/bin/sh

test_description='servers that speak as PostgreSQL does, and answers that are rare'

. "$(dirname "$0")/lib.sh"

test_expect_success 'prepare' '
	make_repo template && (
		cd template &&
		for name in a b c; do
			# no engine has a reason to run this outside of a transaction
			new_migration $name "INSERT INTO ran (name) VALUES ('\''$name'\'');" ||
			return 1
		done
	)
'

# a server of that kind, with the rules that are given as arguments before its own
server() {
	kind=$1
	shift
	case $kind in
	cockroachdb)
		printf '%s\n' "parameter server_version 13.0.0" \
			"parameter crdb_version CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu)"
		;;
	yugabytedb)
		echo "parameter server_version 15.2-YB-2025.1.0.0-b0"
		;;
	postgresql)
		echo "parameter server_version 17.4"
		;;
	esac >rules &&
	{
		printf '%s\n' "keep git_migrate.log" "keep git_migrate.lock" \
			"keep git_migrate.schema" "keep ran now"
		test $# = 0 || printf '%s\n' "$@"
		# the catalog: is there such a table?
		printf '%s\n' 'match *FROM pg_catalog.pg_class AS c*$1*' '	exists'
	} >>rules &&
	start_fake_pg <rules && url=$(tool_url app) &&
	git config migrate.default.url "$url"
}

# what the server holds: files "ran" and "applied", which must agree
held_there() {
	pg "$url" "SELECT name FROM ran" | sed "s/\$/.sql/" | sort >ran &&
	pg "$url" "SELECT path FROM git_migrate.log WHERE event = 'applied'" | sort >applied &&
	test_cmp ran applied
}

all_there() {
	held_there && printf '%s\n' a.sql b.sql c.sql | test_cmp - ran
}

truth_there() {
	sed -n "s/^applied .* //p" out | sort >told && held_there && case $1 in
	0)
		all_there
		;;
	3)
		test -z "$(comm -23 told ran)"
		;;
	*)
		test_cmp told ran
		;;
	esac
}

explained() {
	case $1 in
	0)
		;;
	1|3|128)
		grep -q "^error: " err && grep -q "^hint: " err
		;;
	*)
		return 1
		;;
	esac
}

# survives KIND RULE...: one run that meets that, and a second that ends well
survives() {
	{
		rm -rf repo && cp -R template repo && cd repo && server "$@" || return 1
		timeout 60 git-migrate apply --porcelain >out 2>err
		status=$?
		commits=$(grep -c " COMMIT\$" asked)
		explained $status && truth_there $status &&
		timeout 60 git-migrate apply >again 2>&1 && all_there &&
		git-migrate apply >again 2>&1 && grep -q "is up to date: 3 migrations" again &&
		pg "$url" "SELECT record FROM git_migrate.log" >../records &&
		stop_tool && cd .. && return
	} || {
		echo "exit status $status:"
		cat out err again
		stop_tool
		return 1
	}
}

for kind in "cockroachdb 25.2.1" "yugabytedb 2025.1.0.0-b0" "postgresql 17.4"; do
	version=${kind#* }
	kind=${kind% *}

	test_expect_success "$kind: a run from the start, and it is called by its name" '
		(survives $kind) && test 5 = "$(grep -c " engine=$kind/$version " records)"
	'

	for state in 40001 40P01 55P03 57P01; do
		test_expect_success "$kind: error $state in a migration" "
			(survives $kind \"match INSERT INTO ran*'b'*\" '	times 1' \
				'	error $state try again')
		"
	done

	test_expect_success "$kind: the server goes away in a migration" "
		(survives $kind \"match INSERT INTO ran*'b'*\" '	times 1' '	close')
	"

	test_expect_success "$kind: the lock row is another's" "
		(survives $kind 'match *FOR UPDATE*' '	times 1' \
			'	error 55P03 could not obtain lock')
	"
done

# at_each_commit KIND RULE...: it meets that at each COMMIT in turn
at_each_commit() (
	nr=0
	kind=$1
	shift
	while :; do
		survives "$kind" "match COMMIT" "	after $nr" "	times 1" "$@" || {
			echo "at COMMIT $((nr + 1))"
			exit 1
		}
		# a run that has sent no more of them than those that went well
		test "$commits" -gt $nr || break
		nr=$((nr + 1))
	done
	test "$status" = 0 && test $nr -gt 1
)

for kind in cockroachdb yugabytedb postgresql; do
	test_expect_success "$kind: COMMIT fails with 40001, and is rolled back" "
		at_each_commit $kind '	error 40001 restart transaction'
	"

	test_expect_success "$kind: the server goes away, and had committed" "
		at_each_commit $kind '	commits' '	close'
	"

	test_expect_success "$kind: the server goes away, and had not" "
		at_each_commit $kind '	close'
	"
done

test_expect_success 'cockroachdb: COMMIT says XXA00, committed but not wholly' "
	at_each_commit cockroachdb '	commits' \
		'	error XXA00 transaction committed but schema change aborted'
"

for kind in cockroachdb yugabytedb; do
	test_expect_success "$kind: DDL in a transaction is refused, alone it is recorded" "
		rm -rf repo && make_repo repo && cd repo && server $kind &&
		new_migration a 'CREATE TABLE a (x int);' &&
		test_expect_code 1 git-migrate apply >out 2>err &&
		grep '^error: migrations/a.sql:1:1: CREATE TABLE is not undone by a rollback' err &&
		grep '^hint: .*no-transaction' err && ! grep 'CREATE TABLE a' asked &&
		printf '%s\n' '-- migrate: no-transaction' 'CREATE TABLE a (x int);' \
			>migrations/a.sql &&
		git commit -q -a --amend --no-edit && git-migrate apply >out 2>&1 &&
		grep 'applied  a.sql' out && pg \"\$url\" 'SELECT event FROM git_migrate.log' >events &&
		printf '%s\n' created started applied ran >expect && test_cmp expect events &&
		# outside of any transaction, on a connection that began none for it
		awk '/CREATE TABLE a/ { found = 1; exit open[\$1] } / BEGIN/ { open[\$1] = 1 }
			/ (COMMIT|ROLLBACK)\$/ { open[\$1] = 0 }
			END { if (!found) exit 1 }' asked &&
		stop_tool && cd ..
	"

	test_expect_success "$kind: each migration has a session of its own" '
		rm -rf repo && cp -R template repo && cd repo && server $kind &&
		git-migrate apply >out 2>&1 && stop_tool &&
		sed -n "s/^\([0-9]*\) INSERT INTO ran.*/\1/p" asked | sort -u >sessions &&
		test 3 = $(wc -l <sessions) && cd ..
	'
done

test_expect_success 'postgresql: all migrations share one session' '
	rm -rf repo && cp -R template repo && cd repo && server postgresql &&
	git-migrate apply >out 2>&1 && stop_tool &&
	sed -n "s/^\([0-9]*\) INSERT INTO ran.*/\1/p" asked | sort -u >sessions &&
	test 1 = $(wc -l <sessions) && cd ..
'

test_expect_success 'yugabytedb that undoes DDL runs it in a transaction' '
	rm -rf repo && make_repo repo && cd repo &&
	server yugabytedb "match *yb_ddl_transaction_block_enabled*" "	columns x" "	row on" &&
	new_migration a "CREATE TABLE a (x int);" && git-migrate apply >out 2>&1 &&
	grep "applied  a.sql" out && git-migrate target show default >out &&
	grep "^ddl:     in transactions" out && stop_tool && cd ..
'

test_expect_success 'citus is called by its name' '
	rm -rf repo && cp -R template repo && cd repo &&
	server postgresql "match *extname = *citus*" "	columns v" "	row 12.1-1" &&
	git-migrate apply >out 2>&1 && git-migrate target show default >out &&
	grep "^engine:  citus/12.1-1" out && grep "^send:    many migrations in one pipeline" out &&
	stop_tool && cd ..
'

test_expect_success 'a version that nobody has tried is used with care' '
	rm -rf repo && cp -R template repo && cd repo &&
	server postgresql && sed "s/17.4/99.1/" fake-pg.script >rules && stop_tool &&
	start_fake_pg <rules && git config migrate.default.url "$(tool_url app)" &&
	git-migrate target show default >out && grep "^note:    nobody has tried" out &&
	grep "^send:    each statement is waited for" out &&
	git-migrate apply >out 2>&1 && grep "applied  c.sql" out && stop_tool && cd ..
'

test_done
