#!/bin/sh

test_description='PostgreSQL: what others put into the database does not bend the tool'

. "$(dirname "$0")/lib.sh"

start_pg

# fresh NAME: a repository with one applied migration, its database in $url
fresh() {
	cd "$SHARNESS_TRASH_DIRECTORY" && make_repo "$1" && cd "$1" &&
	url=$(create_db "$1") && git migrate init "$url" >/dev/null 2>&1 &&
	new_migration a "CREATE TABLE a (x int);"
}

test_expect_success 'an operator in public does not run with our rights' '
	fresh operators &&
	pg "$url" "CREATE ROLE mallory LOGIN; GRANT CREATE ON SCHEMA public TO mallory;
		SET ROLE mallory;
		CREATE FUNCTION public.evil(name, text) RETURNS text LANGUAGE plpgsql AS \$\$
		BEGIN
			IF current_user <> '\''mallory'\'' THEN
				ALTER ROLE mallory SUPERUSER;
			END IF;
			RETURN pg_catalog.concat(\$1::text, \$2);
		END \$\$;
		CREATE FUNCTION public.evil(text, text) RETURNS boolean LANGUAGE plpgsql AS \$\$
		BEGIN
			IF current_user <> '\''mallory'\'' THEN
				ALTER ROLE mallory SUPERUSER;
			END IF;
			RETURN true;
		END \$\$;
		CREATE OPERATOR public.|| (leftarg=name, rightarg=text, function=public.evil);
		CREATE OPERATOR public.= (leftarg=text, rightarg=text, function=public.evil);" &&
	pg "$PG_URL" "ALTER DATABASE operators SET search_path = public, pg_catalog" &&
	git migrate status >out 2>&1 && git migrate apply >out 2>&1 &&
	git migrate status >out 2>&1 && git migrate audit >out 2>&1 &&
	git migrate target show default >out 2>&1 &&
	test f = "$(pg "$PG_URL" "SELECT rolsuper FROM pg_roles WHERE rolname = '\''mallory'\''")"
'

test_expect_success 'a migration still sees the search_path of its database' '
	fresh paths && pg "$url" "CREATE SCHEMA app" &&
	pg "$PG_URL" "ALTER DATABASE paths SET search_path = app, public" &&
	git migrate apply >out 2>&1 &&
	test app = "$(pg "$url" "SELECT schemaname FROM pg_tables WHERE tablename = '\''a'\''")"
'

test_expect_success 'a rule that swallows the record: the migration is rolled back' '
	fresh rules && git migrate apply >out 2>&1 &&
	new_migration b "DO \$\$ BEGIN EXECUTE '\''CREATE RULE x AS ON INSERT TO git_'\'' ||
		'\''migrate.log DO INSTEAD NOTHING'\''; END \$\$; CREATE TABLE b (x int);" &&
	pg_tracker_rows "$url" >before &&
	test_expect_code 1 git migrate apply >out 2>err &&
	grep "^error: .*could not write the record" err && grep "^hint: Somebody put a rule" err &&
	pg_tracker_rows "$url" | grep -v event=failed >after && test_cmp before after &&
	test 0 = "$(pg "$url" "SELECT count(*) FROM pg_tables WHERE tablename = '\''b'\''")"
'

test_expect_success 'a trigger that swallows it, put there by somebody else' '
	fresh swallow && git migrate apply >out 2>&1 &&
	pg "$url" "CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS
		\$\$ BEGIN RETURN NULL; END \$\$;
		CREATE TRIGGER aaa BEFORE INSERT ON git_migrate.log FOR EACH ROW
		EXECUTE FUNCTION public.nothing()" &&
	new_migration b "CREATE TABLE b (x int);" &&
	test_expect_code 1 git migrate apply >out 2>err &&
	grep "^error: .*the tracker did not take the record" err &&
	test 0 = "$(pg "$url" "SELECT count(*) FROM pg_tables WHERE tablename = '\''b'\''")" &&
	pg "$url" "DROP TRIGGER aaa ON git_migrate.log" &&
	git migrate apply >out 2>&1 && grep "applied  b.sql" out
'

test_expect_success 'a role without CREATE on the database is told the way' '
	fresh roles && pg "$url" "CREATE ROLE app LOGIN; GRANT CREATE ON SCHEMA public TO app" &&
	git config migrate.default.url "$(echo "$url" | sed "s|//postgres@|//app@|")" &&
	test_expect_code 128 git migrate apply >out 2>err &&
	grep "^error: could not install the tracker: permission denied" err &&
	grep "^hint: .*CREATE SCHEMA git_migrate AUTHORIZATION" err &&
	pg "$url" "CREATE SCHEMA git_migrate AUTHORIZATION app" &&
	git migrate apply >out 2>&1 && grep "applied  a.sql" out
'

test_expect_success 'a file that cannot be run is refused before any other runs' '
	fresh static && git migrate apply >out 2>&1 &&
	new_migration good "CREATE TABLE good (x int);" &&
	for sql in "\\d" "SELECT 1; COMMIT;" "SELECT '\''open" "PREPARE TRANSACTION '\''x'\'';"; do
		new_migration bad "$sql" && pg_tracker_rows "$url" >before &&
		test_expect_code 1 git migrate apply >out 2>err &&
		grep "^error: migrations/bad.sql:1:" err && grep "^hint: " err &&
		grep "Nothing was run" err &&
		pg_tracker_rows "$url" >after && test_cmp before after &&
		git reset -q --hard HEAD^ || return 1
	done &&
	git migrate apply >out 2>&1 && grep "applied  good.sql" out
'

test_expect_success 'triggers that were taken away or switched off are noticed' '
	fresh guards && git migrate apply >out 2>&1 && git migrate audit >out 2>&1 &&
	pg "$url" "DROP TRIGGER log_change ON git_migrate.log;
		ALTER TABLE git_migrate.log ENABLE TRIGGER log_insert" &&
	test_expect_code 1 git migrate audit --porcelain >audit &&
	grep "^default failed guards 0 .log_change., " audit &&
	grep "^default failed guards 0 .log_insert., " audit &&
	git config migrate.default.url sqlite:app.db &&
	git update-ref -d refs/notes/migrate/default && git config --unset migrate.default.uuid &&
	git migrate apply >out 2>&1 && git migrate audit >out 2>&1 &&
	sqlite app.db "DROP TRIGGER git_migrate_log_update" &&
	test_expect_code 1 git migrate audit --porcelain >audit &&
	grep "^default failed guards 0 .git_migrate_log_update., " audit
'

test_done
