#!/bin/sh

test_description='the examples of the manual do what it says'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
needs_tool sha256sum
start_pg optional

blocks=$SHARNESS_TRASH_DIRECTORY/blocks
mkdir "$blocks"

# between PAGE BEGIN END: what stands between two lines of comment, as one types it
between() {
	sed -n "/^\.\\\\\" $2\$/,/^\.\\\\\" $3\$/p" "$top_srcdir/man/$1" |
	sed -e '/^\./d' -e 's/\\&//g' -e 's/\\(dq/"/g' -e 's/\\e/\\/g'
}

# example NAME: an example of git-migrate(1), into a file of that name
example() {
	between git-migrate.1 "example-begin $1" "example-end $1" >"$blocks/$1" &&
	test -s "$blocks/$1"
}

# verification NAME: a script of git-migrate-records(5), likewise
verification() {
	between git-migrate-records.5 "verify-$1 begin" "verify-$1 end" \
		>"$blocks/verify-$1" &&
	test -s "$blocks/verify-$1"
}

# verify NAME ARGUMENT: runs it here
verify() {
	sh "$blocks/verify-$1" "$2"
}

# refuses NAME ARGUMENT TEXT: it fails, and says why
refuses() {
	test_must_fail verify "$1" "$2" >out 2>err &&
	has_line err "$3"
}

# says_head FILE: "N records, head HASH" as git migrate itself has it
says_head() {
	git migrate audit >audit.out &&
	head=$(sed -n 's/^head: //p' audit.out) &&
	test ${#head} = 64 &&
	grep "^[1-9][0-9]* records, head $head\$" "$1"
}

# editors, for SQL and for messages: what the manual shows is typed
write_editors() {
	cat >"$blocks/edit-sql" <<-\END &&
	#!/bin/sh
	cat "${0%/*}/${1##*/}" >>"$1"
	END
	cat >"$blocks/edit-message" <<-\END &&
	#!/bin/sh
	cat "${0%/*}/message" >"$1"
	END
	chmod +x "$blocks/edit-sql" "$blocks/edit-message"
}

# play NAME: runs an example where we are
play() {
	PATH=$blocks:$PATH EDITOR=edit-sql GIT_EDITOR=edit-message sh -e "$blocks/$1"
}

test_expect_success 'the examples are there' '
	write_editors &&
	for name in first-session create-users.sql mistake add-phone.sql \
		fix allow-missing-phone.sql fix-message
	do
		example $name || return 1
	done &&
	verification sqlite &&
	verification postgresql &&
	verification mirror
'

test_expect_success 'each verification is short' '
	test 8 -eq $(wc -l <"$blocks/verify-sqlite") &&
	test 8 -eq $(wc -l <"$blocks/verify-postgresql") &&
	test 16 -ge $(wc -l <"$blocks/verify-mirror")
'

test_expect_success 'the first session' '
	echo "users have a name and an e-mail address" >"$blocks/message" &&
	play first-session >out 2>err &&
	has_line out "migrations/create-users.sql" &&
	has_line out "1 migration: 0 applied, 1 pending" &&
	grep "^  applied  create-users.sql" out &&
	grep "applied on default at .* by C O Mitter" out &&
	sqlite app/app.db "INSERT INTO users (name, email) VALUES (\"Ann\", \"a@b\")"
'

test_expect_success 'the mistake' '
	(
		cd app &&
		play mistake >out 2>err &&
		test_must_fail sqlite app.db \
			"INSERT INTO users (name, email) VALUES (\"Zoe\", \"z@b\")"
	)
'

test_expect_success 'the fix' '
	cp "$blocks/fix-message" "$blocks/message" &&
	(
		cd app &&
		play fix >out 2>err &&
		sqlite app.db \
			"INSERT INTO users (name, email) VALUES (\"Zoe\", \"z@b\")" &&
		grep -F -x "\`-* allow-missing-phone.sql" out &&
		has_line out "      fixes add-phone.sql" &&
		grep "^      failure mode: the running application inserts" out &&
		echo "Ann|unknown" >expect &&
		sqlite app.db "SELECT name, phone FROM users WHERE phone NOTNULL" >actual &&
		test_cmp expect actual
	)
'

test_expect_success 'SQLite: the chain is verified' '
	(
		cd app &&
		verify sqlite app.db >out &&
		says_head out &&
		verify sqlite >again &&
		test_cmp out again
	)
'

# tampered SQL: a copy of the database in which somebody has done that
tampered() {
	rm -f bad.db &&
	cp app/app.db bad.db &&
	sqlite bad.db "DROP TRIGGER git_migrate_log_update;
		DROP TRIGGER git_migrate_log_delete; $1"
}

test_expect_success 'SQLite: a changed byte is found in each record' '
	last=$(sqlite app/app.db "SELECT max(seq) FROM git_migrate_log") &&
	test "$last" = 7 &&
	for seq in 1 2 3 4 5 6 7
	do
		tampered "UPDATE git_migrate_log
			SET record = replace(record, \" by=C\", \" by=D\")
			WHERE seq = $seq" &&
		refuses sqlite bad.db "record 000000000$seq is wrong" || return 1
	done
'

test_expect_success 'SQLite: so is a changed, a missing and a foreign record' '
	tampered "UPDATE git_migrate_log SET hash = substr(hash, 2) || substr(hash, 1, 1)
		WHERE seq = 4" &&
	refuses sqlite bad.db "record 0000000004 is wrong" &&
	tampered "DELETE FROM git_migrate_log WHERE seq = 2" &&
	refuses sqlite bad.db "record 0000000003 is wrong" &&
	tampered "DELETE FROM git_migrate_log WHERE seq = 1" &&
	refuses sqlite bad.db "record 0000000002 is wrong" &&
	tampered "UPDATE git_migrate_log SET record = record || \"\\n\\cX\"
		WHERE seq = 4" &&
	refuses sqlite bad.db "record 0000000004 is wrong"
'

test_expect_success 'SQLite: a record with a hash that fits it breaks the next' '
	sqlite app/app.db "SELECT record FROM git_migrate_log WHERE seq = 2" |
	sed "s/ by=C/ by=D/" >line &&
	hash=$(sha256sum <line | cut -d " " -f 1) &&
	tampered "UPDATE git_migrate_log SET hash = \"$hash\",
		record = replace(record, \" by=C\", \" by=D\") WHERE seq = 2" &&
	refuses sqlite bad.db "record 0000000003 is wrong"
'

test_expect_success 'SQLite: no record and no database are no success' '
	tampered "DELETE FROM git_migrate_log" &&
	test_must_fail verify sqlite bad.db &&
	test_must_fail verify sqlite nowhere.db
'

test_expect_success 'mirror: the chain is verified' '
	(
		cd app &&
		verify mirror default >out &&
		says_head out &&
		verify mirror >again &&
		test_cmp out again
	)
'

# edit_mirror SED-SCRIPT: changes the notes of a copy of the repository
edit_mirror() {
	rm -rf bad && cp -R app bad &&
	(
		cd bad &&
		git notes --ref=migrate/default list >../notes &&
		while read -r blob object
		do
			git cat-file blob $blob | sed "$1" >note &&
			git notes --ref=migrate/default add -f -F note $object \
				>/dev/null 2>&1 || return 1
		done <../notes
	)
}

refuses_mirror() {
	(
		cd bad &&
		refuses mirror default "$1"
	)
}

test_expect_success 'mirror: a changed byte is found in each record' '
	for seq in 1 2 3 4 5 6
	do
		edit_mirror "/^000000000$seq /s/ by=C/ by=D/" &&
		refuses_mirror "record 000000000$((seq + 1)) is wrong" || return 1
	done &&
	edit_mirror "/^0000000007 /s/ by=C/ by=D/" &&
	refuses_mirror "record 7 is not the newest, or wrong"
'

test_expect_success 'mirror: so is a missing and a foreign record' '
	edit_mirror "/^0000000002 /d" &&
	refuses_mirror "record 0000000003 is wrong" &&
	edit_mirror "/^0000000007 /d" &&
	refuses_mirror "record 6 is not the newest, or wrong" &&
	edit_mirror "/^0000000007 /a junk" &&
	refuses_mirror "record junk is wrong" &&
	(
		cd bad &&
		test_must_fail verify mirror nowhere
	)
'

test_expect_success 'both: a database that was restored' '
	rm -rf bad && cp -R app bad &&
	(
		cd bad &&
		trigger=$(sqlite app.db "SELECT sql FROM sqlite_schema
			WHERE name = '\''git_migrate_log_delete'\''") &&
		sqlite app.db "DROP TRIGGER git_migrate_log_delete;
			DELETE FROM git_migrate_log WHERE seq > 3; $trigger;
			DROP TABLE users; CREATE TABLE users (
				id INTEGER PRIMARY KEY, name TEXT, email TEXT)" &&
		git migrate target restored default --reason "disk failure" &&
		git migrate apply >out 2>err &&
		verify sqlite app.db >out &&
		says_head out &&
		verify mirror default >out &&
		grep "^11 records, head $head\$" out
	)
'

test_expect_success PG 'the same on PostgreSQL' '
	url=$(create_db manual) &&
	echo "users have a name and an e-mail address" >"$blocks/message" &&
	sed -e "s|sqlite:app.db|$url|" -e "s/init app && cd app/init papp \&\& cd papp/" \
		<"$blocks/first-session" >"$blocks/pg-session" &&
	play pg-session >out 2>err &&
	has_line out "1 migration: 0 applied, 1 pending" &&
	(
		cd papp &&
		play mistake >out 2>err &&
		cp "$blocks/fix-message" "$blocks/message" &&
		play fix >out 2>err &&
		has_line out "      fixes add-phone.sql" &&
		pg "$url" "INSERT INTO users (id, name, email) VALUES (1, '\''Zoe'\'', '\''z@b'\'')"
	)
'

test_expect_success PG 'PostgreSQL: the chain is verified' '
	(
		cd papp &&
		verify postgresql "$url" >out &&
		says_head out &&
		verify mirror default >again &&
		test_cmp out again
	)
'

# pg_tampered SQL: prints the URL of a copy in which somebody has done that
pg_tampered() {
	copies=$((${copies:-0} + 1)) &&
	pg "$PG_URL" "CREATE DATABASE bad$copies TEMPLATE manual" >/dev/null &&
	bad_url=$(echo "$url" | sed "s|/manual|/bad$copies|") &&
	pg "$bad_url" "ALTER TABLE git_migrate.log DISABLE TRIGGER USER" &&
	pg "$bad_url" "$1"
}

test_expect_success PG 'PostgreSQL: a changed byte is found in each record' '
	for seq in 1 2 3 4
	do
		pg_tampered "UPDATE git_migrate.log
			SET record = replace(record, '\'' by=C'\'', '\'' by=D'\'')
			WHERE seq = $seq" &&
		refuses postgresql "$bad_url" "record 000000000$seq is wrong" || return 1
	done
'

test_expect_success PG 'PostgreSQL: so is a changed, a missing record, and no log' '
	pg_tampered "UPDATE git_migrate.log SET hash = repeat('\''a'\'', 64) WHERE seq = 4" &&
	refuses postgresql "$bad_url" "record 0000000004 is wrong" &&
	pg_tampered "DELETE FROM git_migrate.log WHERE seq = 2" &&
	refuses postgresql "$bad_url" "record 0000000003 is wrong" &&
	pg_tampered "DELETE FROM git_migrate.log" &&
	test_must_fail verify postgresql "$bad_url" &&
	test_must_fail verify postgresql "${url%/*}/nowhere"
'

test_done
