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
	new_migration b "CREATE TABLE b (x int);" &&
	pg "$url" "CREATE RULE x AS ON INSERT TO git_migrate.log DO INSTEAD NOTHING" &&
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
	grep "^default failed guards 0 trigger .log_change., " audit &&
	grep "^default failed guards 0 trigger .log_insert., " audit &&
	git config migrate.default.url sqlite:app.db &&
	rm -r .git/migrate && git update-ref -d refs/notes/migrate/default && git config --unset migrate.default.uuid &&
	git migrate apply >out 2>&1 && git migrate audit >out 2>&1 &&
	sqlite app.db "DROP TRIGGER git_migrate_log_update" &&
	test_expect_code 1 git migrate audit --porcelain >audit &&
	grep "^default failed guards 0 trigger .git_migrate_log_update., " audit
'

# hidden SQL: the SQL as a migration whose text does not show it; GM is the tracker
hidden() {
	new_migration b "CREATE TABLE b (x int); DO \$\$ DECLARE s text; BEGIN
		FOREACH s IN ARRAY string_to_array(replace(\$q\$$1\$q\$, 'GM', 'git_' ||
			'migrate'), ';') LOOP
			EXECUTE s;
		END LOOP; END \$\$;"
}

# found TEXT SQL: such a migration is rolled back, on record, and told with that text
found() {
	pg_tracker_rows "$url" >before &&
	hidden "$2" && test_expect_code 1 git migrate apply >out 2>err &&
	has_line err "error: migrations/b.sql: the migration changed the tracker" &&
	grep -F "Seen before its record was written: $1." err && grep "^hint: " err &&
	test "" = "$(pg "$url" "SELECT to_regclass('b')")" &&
	pg_tracker_rows "$url" | sed "\$d" >after && test_cmp before after &&
	pg_tracker_rows "$url" | tail -n 1 | grep " event=failed path=b.sql " &&
	git migrate audit >out && git reset -q --hard HEAD^
}

test_expect_success 'what a migration does to the tracker behind its text is seen' '
	fresh behind && git migrate apply >out 2>&1 && pg "$url" "CREATE ROLE other" &&
	found "trigger '\''log_change'\'' is gone or switched off" \
		"ALTER TABLE GM.log DISABLE TRIGGER log_change" &&
	found "trigger '\''lock_truncate'\'' is gone or switched off" \
		"DROP TRIGGER lock_truncate ON GM.lock" &&
	found "trigger '\''log_insert'\'' is gone or switched off" \
		"ALTER TABLE GM.log ENABLE TRIGGER log_insert" &&
	found "trigger '\''zzz'\'' was put on its tables" \
		"CREATE TRIGGER zzz BEFORE INSERT ON GM.log FOR EACH ROW EXECUTE FUNCTION
			suppress_redundant_updates_trigger()" &&
	found "its lock row is not there" "ALTER TABLE GM.lock DISABLE TRIGGER lock_delete;
		DELETE FROM GM.lock; ALTER TABLE GM.lock ENABLE ALWAYS TRIGGER lock_delete" &&
	found "its tables have other columns" "ALTER TABLE GM.log ADD COLUMN x int" &&
	found "a unique index is gone, or one was added" "DROP INDEX GM.log_settled" &&
	strange="a table has a rule, a policy, an heir or another owner, or is UNLOGGED" &&
	found "$strange" "CREATE RULE x AS ON DELETE TO GM.log DO INSTEAD NOTHING" &&
	found "$strange" "ALTER TABLE GM.log OWNER TO other" &&
	found "$strange" "ALTER TABLE GM.log SET UNLOGGED" &&
	found "$strange" "CREATE TABLE heir () INHERITS (GM.log)" &&
	found "relation \"git_migrate.lock\" does not exist" "DROP TABLE GM.lock" &&
	hidden "CREATE TABLE made (x int); COMMENT ON TABLE GM.log IS '\''looked at'\''" &&
	git migrate apply >out 2>&1 && grep "applied  b.sql" out && git migrate audit >out
'

test_expect_success 'what was put back does not count' '
	fresh again && git migrate apply >out 2>&1 &&
	pg "$url" "ALTER TABLE git_migrate.log ADD COLUMN x int; ALTER TABLE git_migrate.log
			DROP COLUMN x; CREATE RULE x AS ON DELETE TO git_migrate.log DO INSTEAD
			NOTHING; DROP RULE x ON git_migrate.log;
		CREATE TABLE heir () INHERITS (git_migrate.log); DROP TABLE heir;
		CREATE INDEX more ON git_migrate.log (event)" &&
	hidden "CREATE TABLE made (x int)" && git migrate apply >out 2>&1 &&
	grep "applied  b.sql" out && git migrate audit >out
'

# audited ID TEXT SQL: done to the tracker, audit says so, with SQL undone is well again
audited() {
	pg "$url" "$3" && test_expect_code 1 git migrate audit --porcelain >findings &&
	grep -F "default failed $1 0 $2" findings && test 1 = "$(grep -c " failed " findings)" &&
	pg "$url" "$4" && git migrate audit --porcelain >findings && ! grep -v " ok " findings
}

test_expect_success 'audit tells what is wrong with the tables, each by its name' '
	fresh audits && git migrate apply >out 2>&1 &&
	log=git_migrate.log &&
	audited guards "trigger '\''log_change'\'', which keeps" \
		"ALTER TABLE $log DISABLE TRIGGER log_change" \
		"ALTER TABLE $log ENABLE ALWAYS TRIGGER log_change" &&
	audited guards "rule '\''x'\'' was put on log" \
		"CREATE RULE x AS ON DELETE TO $log DO INSTEAD NOTHING" \
		"DROP RULE x ON $log" &&
	audited guards "trigger '\''zzz'\'' was put on log" \
		"CREATE TRIGGER zzz BEFORE INSERT ON $log FOR EACH ROW EXECUTE FUNCTION
			suppress_redundant_updates_trigger()" "DROP TRIGGER zzz ON $log" &&
	pg "$url" "SELECT pg_get_functiondef('\''git_migrate.refuse_change'\''::regproc)" >def &&
	audited guards "function '\''refuse_change'\'', which keeps" \
		"CREATE OR REPLACE FUNCTION git_migrate.refuse_change() RETURNS trigger
		LANGUAGE plpgsql AS '\''BEGIN RETURN NEW; END'\''" "$(cat def)" &&
	audited columns "column '\''log.x'\'', which git migrate did not make" \
		"ALTER TABLE $log ADD COLUMN x int" "ALTER TABLE $log DROP COLUMN x" &&
	audited tables "table '\''log'\'' is UNLOGGED" "ALTER TABLE $log SET UNLOGGED" \
		"ALTER TABLE $log SET LOGGED" &&
	audited tables "table '\''log'\'' has row security" \
		"ALTER TABLE $log ENABLE ROW LEVEL SECURITY" \
		"ALTER TABLE $log DISABLE ROW LEVEL SECURITY" &&
	audited tables "table '\''log'\'' has an heir" \
		"CREATE TABLE heir () INHERITS ($log)" "DROP TABLE heir" &&
	audited tables "table '\''log'\'' has another owner" \
		"ALTER TABLE $log OWNER TO other" "ALTER TABLE $log OWNER TO postgres" &&
	audited lock-row "lock '\''1'\'', the row" "ALTER TABLE git_migrate.lock DISABLE TRIGGER
			lock_delete; DELETE FROM git_migrate.lock;
		ALTER TABLE git_migrate.lock ENABLE ALWAYS TRIGGER lock_delete" \
		"INSERT INTO git_migrate.lock (id) VALUES (1)" &&
	audited columns "column '\''schema.tool'\'' is gone" \
		"ALTER TABLE git_migrate.schema RENAME COLUMN tool TO tool2;
		ALTER TABLE git_migrate.schema RENAME COLUMN at TO tool;
		ALTER TABLE git_migrate.schema RENAME COLUMN tool TO at;
		ALTER TABLE git_migrate.schema DROP COLUMN tool2" \
		"ALTER TABLE git_migrate.schema ADD COLUMN tool text"
'

test_expect_success 'on SQLite as well: triggers, their text, columns' '
	fresh lite && git config migrate.default.url sqlite:app.db &&
	git migrate apply >out 2>&1 && cp app.db whole.db &&
	lite() {
		sqlite app.db "$3" && test_expect_code 1 git migrate audit --porcelain >audit &&
		grep -F "default failed $1 0 $2" audit && test 1 = "$(grep -c " failed " audit)" &&
		cp whole.db app.db && git migrate audit >audit
	} &&
	lite guards "trigger '\''git_migrate_log_update'\'', which keeps" \
		"DROP TRIGGER git_migrate_log_update; CREATE TRIGGER git_migrate_log_update
			BEFORE UPDATE ON git_migrate_log BEGIN SELECT 1; END" &&
	lite guards "trigger '\''x'\'', which git migrate did not make" \
		"CREATE TRIGGER x BEFORE UPDATE ON git_migrate_log BEGIN SELECT 1; END" &&
	lite guards "index '\''git_migrate_log_settled'\'', which keeps" \
		"DROP INDEX git_migrate_log_settled" &&
	lite columns "column '\''git_migrate_log.x'\'', which git migrate did not make" \
		"ALTER TABLE git_migrate_log ADD COLUMN x" &&
	sqlite app.db "CREATE INDEX more ON git_migrate_log (event)" &&
	git migrate audit >audit
'

test_done
