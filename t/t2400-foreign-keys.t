#!/bin/sh

test_description='SQLite: foreign keys while a migration runs'

. "$(dirname "$0")/lib.sh"

test_expect_success 'setup: a parent with a child that would be deleted with it' '
	make_repo app && cd app &&
	git migrate init sqlite:app.db >/dev/null 2>&1 &&
	new_migration tables "CREATE TABLE p (id INTEGER PRIMARY KEY, x TEXT);
		CREATE TABLE c (p REFERENCES p ON DELETE CASCADE);
		INSERT INTO p VALUES (1, NULL); INSERT INTO c VALUES (1);" &&
	git migrate apply >/dev/null 2>&1
'

test_expect_success 'a table is rebuilt and its children are kept' '
	new_migration rebuild "CREATE TABLE p2 (id INTEGER PRIMARY KEY, x TEXT, y TEXT);
		INSERT INTO p2 (id, x) SELECT id, x FROM p;
		DROP TABLE p; ALTER TABLE p2 RENAME TO p;" &&
	git migrate apply >/dev/null 2>&1 &&
	test 1 = "$(sqlite app.db "SELECT count(*) FROM c")"
'

test_expect_success 'rows that would point nowhere are refused' '
	tracker_rows >before &&
	new_migration orphan "DELETE FROM p;" &&
	test_expect_code 1 git migrate apply 2>err &&
	grep "^error: migrations/orphan.sql: .*foreign key" err && grep "^hint: " err &&
	test 1 = "$(sqlite app.db "SELECT count(*) FROM p")" &&
	tracker_rows | grep -v event=failed >after && test_cmp before after
'

test_expect_success 'what a later one would mend is refused in one run as in two' '
	git rm -q migrations/orphan.sql && git commit -q -m "not this one" &&
	new_migration break "DELETE FROM p;" && new_migration mend "DELETE FROM c;" &&
	test_expect_code 1 git migrate apply --to break.sql 2>err &&
	grep "^error: migrations/break.sql: .*foreign key" err &&
	test_expect_code 1 git migrate apply >out 2>err &&
	grep "^error: migrations/break.sql: .*foreign key" err && ! grep "applied " out &&
	test_expect_code 1 git migrate apply --dry-run 2>err &&
	grep "^error: migrations/break.sql: .*foreign key" err &&
	test 1 = "$(sqlite app.db "SELECT count(*) FROM p")"
'

test_expect_success 'in the other order they are applied' '
	git rm -q migrations/break.sql && git commit -q -m "not like this" &&
	new_migration break "DELETE FROM p;" &&
	git migrate apply >out 2>&1 && grep "applied  mend.sql" out && grep "applied  break.sql" out
'

test_expect_success 'foreign-keys=on: the delete takes the children along' '
	new_migration rows "INSERT INTO p VALUES (1, NULL, NULL);
		INSERT INTO c VALUES (1);" &&
	printf "%s\n" "-- migrate: foreign-keys=on" "DELETE FROM p;" >migrations/orphan.sql &&
	git add migrations && git commit -q -m orphan &&
	git migrate apply >out 2>&1 &&
	test 0 = "$(sqlite app.db "SELECT count(*) FROM c")"
'

test_expect_success 'a dry run ends where the setting would have to change' '
	new_migration one "CREATE TABLE one (x);" &&
	printf "%s\n" "-- migrate: foreign-keys=on" "DELETE FROM one;" >migrations/two.sql &&
	git add migrations && git commit -q -m two &&
	git migrate apply --dry-run >out 2>&1 &&
	grep "would apply  one.sql" out && grep "not tried  two.sql" out &&
	git migrate apply --dry-run --porcelain >out 2>&1 && grep "^untried two.sql" out &&
	git migrate apply >out 2>&1 && grep "applied  two.sql" out
'

test_expect_success 'a directive that is not known is refused before anything runs' '
	tracker_rows >before &&
	new_migration odd "-- migrate: isolation=serializable
VACUUM;" &&
	test_expect_code 1 git migrate apply >out 2>err &&
	grep "^error: migration .odd.sql. asks for \"-- migrate: isolation=serializable\"" err &&
	grep "^hint: " err &&
	tracker_rows >after && test_cmp before after
'

test_done
