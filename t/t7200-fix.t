#!/bin/sh

test_description='fix: each kind of trouble, from the bad migration to the one that mends it'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
start_pg optional

# scene ENGINE NAME: a repository with all of a developer's hooks, and a target
scene() {
	fresh_on "$1" "$2" &&
	for hook_name in pre-commit prepare-commit-msg commit-msg; do
		printf '#!/bin/sh\nexec git migrate hook %s "$@"\n' "$hook_name" \
			>".git/hooks/$hook_name" &&
		chmod +x ".git/hooks/$hook_name" || return 1
	done
}

# db SQL: as that of lib.sh, where keys are enforced
db() {
	case $engine in
	sqlite)
		sqlite .git/app.db "PRAGMA foreign_keys = ON; $1"
		;;
	*)
		pg "$url" "$1"
		;;
	esac
}

apply() {
	git migrate apply >.git/t/applied 2>&1 || {
		cat .git/t/applied
		return 1
	}
}

# broken NAME SQL: a migration that is applied, and turns out to be wrong
broken() {
	new_migration "$1" "$2" && apply
}

# fix KIND NAME [OPTION...]: begins a fix; the kind must be told from the SQL
fix() {
	fix_kind=$1
	fix_name=$2
	shift 2
	git migrate fix "$@" "$fix_name" >.git/t/out 2>.git/t/err &&
	has_line .git/t/out "migrations/fix-$fix_name.sql" &&
	grep "^hint: The SQL tells of $fix_kind: " .git/t/err &&
	fixed=migrations/fix-$fix_name.sql &&
	cp "$fixed" .git/t/template
}

# fill SED: fills in the file of the fix: this, and what went wrong
fill() {
	sed -e "s/^-- Failure-Mode: <.*>/-- Failure-Mode: it was wrong, and this is right/" \
		-e "$1" "$fixed" >.git/t/filled &&
	cp .git/t/filled "$fixed"
}

# land: commits the fix through the hooks, and applies it
land() {
	git add "$fixed" &&
	tick &&
	git commit -q -m "mend it" &&
	git log -1 --format="%(trailers:only,unfold)" >.git/t/trailers &&
	has_line .git/t/trailers "Fixes: $fix_name.sql" &&
	has_line .git/t/trailers "Failure-Mode: it was wrong, and this is right" &&
	apply &&
	test -z "$(git migrate status --porcelain | grep " pending ")"
}

# step_two [SED]: commits and applies the copy, where the engine has one of its own
step_two() {
	test "$engine" = postgresql || return 0
	test_must_fail grep "^UPDATE" "$fixed" &&
	fixed=migrations/fix-$fix_name-copy.sql &&
	has_line "$fixed" "-- Requires: fix-$fix_name.sql" &&
	fill "${1-}" && land && grep "  applied  fix-$fix_name-copy.sql  .* in 1 batch" .git/t/applied
}

# step_three: and what gives the column its name
step_three() {
	test "$engine" = postgresql || return 0
	fixed=migrations/fix-$fix_name-name.sql &&
	has_line "$fixed" "-- Requires: fix-$fix_name-copy.sql" &&
	has_line "$fixed" "-- Fixes: $fix_name.sql" &&
	fill "" && land
}

# further: fills in and applies the further steps, where the engine has any
further() {
	for fixed in migrations/fix-$fix_name-copy.sql migrations/fix-$fix_name-name.sql; do
		test ! -f "$fixed" || { fill "" && land; } || return 1
	done
}

# unseen SQL: running code is refused, on PostgreSQL; what it would write has no base yet
unseen() {
	test "$engine" = sqlite || test_must_fail db "$1"
}

# contract [PARTNER]: applies what clears away, without what makes it wait
contract() {
	sed "/^-- Phase:/d; /^-- Pairs-With:/d; /^-- Requires:/d" "migrations/fix-$fix_name-contract.sql" >.git/t/now &&
	grep "^-- Phase: contract" "migrations/fix-$fix_name-contract.sql" &&
	has_line "migrations/fix-$fix_name-contract.sql" "-- Pairs-With: ${1-fix-$fix_name}.sql" &&
	cp .git/t/now "migrations/fix-$fix_name-contract.sql" &&
	git add migrations &&
	tick &&
	git commit -q -m "what is not needed goes" &&
	apply
}

# gives EXPECTED SQL
gives() {
	db "$2" >.git/t/actual &&
	printf '%s' "$1" >.git/t/expect &&
	test "$(cat .git/t/expect)" = "$(cat .git/t/actual)" && return
	cat .git/t/actual
	return 1
}

people="CREATE TABLE people (id integer PRIMARY KEY, name text, phone varchar(20));
CREATE INDEX people_name ON people (name);
INSERT INTO people VALUES (1, 'Ann', '0151'), (2, 'Bob', '0170');"

# per engine: SQLite's ALTER TABLE cannot do these
sqlite_required="CREATE TABLE people_new (id integer PRIMARY KEY, name text NOT NULL DEFAULT 'x', phone varchar(20));
INSERT INTO people_new SELECT * FROM people; DROP TABLE people;
ALTER TABLE people_new RENAME TO people; CREATE INDEX people_name ON people (name);"
postgresql_required="ALTER TABLE people ALTER COLUMN name SET NOT NULL;"
sqlite_lossy="CREATE TABLE people_new (id integer PRIMARY KEY, name text, phone integer);
INSERT INTO people_new SELECT id, name, CAST(phone AS integer) FROM people; DROP TABLE people;
ALTER TABLE people_new RENAME TO people;"
postgresql_lossy="ALTER TABLE people ALTER COLUMN phone TYPE integer USING phone::integer;"
sqlite_constraint="CREATE TABLE people_new (id integer PRIMARY KEY, name text, phone varchar(20),
CONSTRAINT short CHECK (length(name) < 4)); INSERT INTO people_new SELECT * FROM people;
DROP TABLE people; ALTER TABLE people_new RENAME TO people;
CREATE INDEX people_name ON people (name);"
postgresql_constraint="ALTER TABLE people ADD CONSTRAINT short CHECK (length(name) < 4);"

for engine in sqlite postgresql; do
	test $engine = sqlite && prereq= || prereq=PG
	eval "required=\$${engine}_required lossy=\$${engine}_lossy constraint=\$${engine}_constraint"

	test_expect_success $prereq "$engine: a required column" "
		scene $engine required &&
		new_migration people \"\$people\" &&
		broken phone \"\$required\" &&
		test_must_fail db \"INSERT INTO people (id, name) VALUES (3, NULL)\" &&
		fix required-column phone &&
		fill '' &&
		land &&
		db \"INSERT INTO people (id, name) VALUES (3, NULL)\" &&
		gives '1|Ann|0151
2|Bob|0170
3||' \"SELECT id, name, phone FROM people ORDER BY id\" &&
		gives 1 \"SELECT count(*) FROM $(
			test $engine = sqlite && echo "sqlite_schema WHERE name" ||
			echo "pg_indexes WHERE indexname") = 'people_name'\"
	"

	test_expect_success $prereq "$engine: a lossy change of type, to its end" "
		scene $engine lossy &&
		new_migration people \"\$people\" &&
		broken phone \"\$lossy\" &&
		gives 151 \"SELECT phone FROM people WHERE id = 1\" &&
		fix lossy-type phone --contract &&
		has_line .git/t/out migrations/fix-phone-contract.sql &&
		case \$engine in
		postgresql)
			# what is being written while it looks would be lost
			sed -n 's/^\\(LOCK TABLE people\\|DO\\) .*/\\1/p' migrations/fix-phone-contract.sql >.git/t/order &&
			printf '%s\n' 'LOCK TABLE people' DO | test_cmp - .git/t/order || return 1
			;;
		esac &&
		grep 'ADD COLUMN phone_restored varchar(20);' \$fixed &&
		has_line .git/t/out migrations/fix-phone-copy.sql &&
		copied=migrations/fix-phone-copy.sql &&
		has_line \$copied '-- Requires: fix-phone.sql' &&
		has_line \$copied '-- Fixes: phone.sql' &&
		grep '^-- Failure-Mode: <' \$copied &&
		has_line \$copied '-- migrate: batch table=people key=id size=1000' &&
		fill '' && git add migrations && git reset -q migrations/fix-phone-contract.sql &&
		test_must_fail git commit -q -m 'mend it' 2>.git/t/err &&
		grep 'fix-phone-copy.sql. has a place that is not filled in' .git/t/err && git reset -q &&
		sed \"s/<fill in: the value as it was.*>/'0' || CAST(phone AS text)/\" \$copied >.git/t/filled &&
		cp .git/t/filled \$copied &&
		land &&
		git add \$copied && tick && test_must_fail git commit -q -m 'copy back' 2>.git/t/err &&
		grep 'how that failed' .git/t/err &&
		fixed=\$copied && fill '' && land &&
		gives '1|0151|151
2|0170|170' \"SELECT id, phone_restored, phone FROM people ORDER BY id\" &&
		sed -n 's/^-- \(SELECT count.*\)/\1/p' \$copied >.git/t/verify &&
		gives 0 \"\$(cat .git/t/verify)\" &&
		db \"INSERT INTO people (id, name, phone) VALUES (3, 'Eve', 8888)\" &&
		db \"UPDATE people SET phone = 999 WHERE id = 1\" &&
		db \"UPDATE people SET name = 'Rob', phone = 170 WHERE id = 2\" &&
		db \"UPDATE people SET phone = 171, phone_restored = '00171' WHERE id = 2\" &&
		gives '1|Ann||999
2|Rob|00171|171
3|Eve||8888' \"SELECT id, name, phone_restored, phone FROM people ORDER BY id\" &&
		test_must_fail contract fix-phone-copy >.git/t/out 2>&1 &&
		grep -E 'every value has its copy|there are values without a copy' .git/t/out &&
		gives '8888' 'SELECT phone FROM people WHERE id = 3' &&
		db \"UPDATE people SET phone_restored = '08888' WHERE id = 3\" &&
		test_must_fail git migrate apply >.git/t/out 2>&1 &&
		db \"UPDATE people SET phone_restored = '0999' WHERE id = 1\" && apply &&
		gives '1|Ann|0999
2|Rob|00171
3|Eve|08888' 'SELECT * FROM people ORDER BY id' &&
		db \"UPDATE people SET phone_restored = '1' WHERE id = 1\"
	"

	test_expect_success $prereq "$engine: what is switched to another column leaves the required one out" "
		scene $engine lossy_required &&
		new_migration people 'CREATE TABLE people (id integer PRIMARY KEY, name text, phone varchar(20) NOT NULL);
CREATE INDEX people_name ON people (name);' &&
		broken phone \"$(echo "$lossy" | sed 's/phone integer/& NOT NULL/; s/RENAME TO people;/& CREATE INDEX people_name ON people (name);/')\" &&
		db \"INSERT INTO people VALUES (1, 'Ann', 151)\" &&
		test_must_fail db \"INSERT INTO people (id, name) VALUES (2, 'Bob')\" &&
		fix lossy-type phone --contract && fill '' && land &&
		db \"INSERT INTO people (id, name, phone_restored) VALUES (2, 'Bob', '0170')\" &&
		db \"INSERT INTO people (id, name, phone) VALUES (3, 'Eve', 1)\" &&
		db \"UPDATE people SET phone_restored = '01' WHERE id = 3\" &&
		fixed=migrations/fix-phone-copy.sql &&
		fill \"s/<fill in: the value as it was.*>/'0' || CAST(phone AS text)/\" && land &&
		contract fix-phone-copy &&
		gives '1|Ann|0151
2|Bob|0170
3|Eve|01' 'SELECT * FROM people ORDER BY id'
	"

	test_expect_success $prereq "$engine: the run that copies back does not drop what it copies from" "
		scene $engine lossy_at_once &&
		new_migration people \"\$people\" &&
		broken phone \"\$lossy\" &&
		fix lossy-type phone --contract &&
		fill '' && copied=migrations/fix-phone-copy.sql &&
		sed -e 's/^-- Failure-Mode: <.*>/-- Failure-Mode: it was cast/' -e \"s/<fill in: the value as it was.*>/'0' || CAST(phone AS text)/\" \$copied >.git/t/filled &&
		cp .git/t/filled \$copied &&
		git add \$fixed && tick && git commit -q -m 'mend it' && apply &&
		git add \$copied && tick && git commit -q -m 'copy back' &&
		git add migrations && tick && git commit -q -m 'what is not needed goes' && apply &&
		gives '0151|151
0170|170' 'SELECT phone_restored, phone FROM people ORDER BY id' &&
		apply && gives '1|Ann|0151
2|Bob|0170' 'SELECT * FROM people ORDER BY id'
	"

	test_expect_success $prereq "$engine: in one commit the contract comes behind what it clears away after" "
		scene $engine lossy_in_one &&
		new_migration people \"\$people\" &&
		broken phone \"\$lossy\" &&
		fix lossy-type phone --contract &&
		fill '' && copied=migrations/fix-phone-copy.sql &&
		sed -e 's/^-- Failure-Mode: <.*>/-- Failure-Mode: it was cast/' -e \"s/<fill in: the value as it was.*>/'0' || CAST(phone AS text)/\" \$copied >.git/t/filled &&
		cp .git/t/filled \$copied &&
		git add migrations && tick && git commit -q -m 'mend it' &&
		git migrate plan --porcelain >.git/t/plan && sed -n 's/.* //; /^fix-/p' .git/t/plan >.git/t/order &&
		printf '%s\n' fix-phone.sql fix-phone-copy.sql fix-phone-contract.sql >.git/t/expect &&
		test_cmp .git/t/expect .git/t/order && apply &&
		gives '0151|151
0170|170' 'SELECT phone_restored, phone FROM people ORDER BY id' &&
		apply && gives '1|Ann|0151
2|Bob|0170' 'SELECT * FROM people ORDER BY id' &&
		scene $engine renamed_in_one &&
		new_migration people \"\$people\" &&
		broken rename 'ALTER TABLE people RENAME COLUMN phone TO mobile;' &&
		fix renamed rename --contract && fill '' &&
		for fixed in migrations/fix-rename-copy.sql migrations/fix-rename-name.sql; do
			test ! -f \$fixed || fill '' || return 1
		done &&
		git add migrations && tick && git commit -q -m 'mend it' && apply &&
		db \"INSERT INTO people (id, phone) VALUES (3, '03')\" &&
		apply && test_must_fail db 'SELECT phone FROM people' &&
		gives 03 'SELECT mobile FROM people WHERE id = 3'
	"

	test_expect_success $prereq "$engine: a wrong backfill" "
		scene $engine backfill &&
		new_migration people \"\$people\" &&
		broken fill \"UPDATE people SET phone = '49' || phone;\" &&
		fix wrong-backfill fill &&
		fill \"s/<fill in: the right value>/substr(phone, 3)/
			s/<fill in: which rows.*>/phone LIKE '49%'/\" &&
		land &&
		gives '0151
0170' 'SELECT phone FROM people ORDER BY id'
	"

	test_expect_success $prereq "$engine: a wrong backfill in batches is mended in batches" "
		scene $engine batches &&
		new_migration people \"\$people\" &&
		broken fill \"-- migrate: batch table=people key=id size=1
UPDATE people SET phone = '49' || phone WHERE :batch;\" &&
		fix wrong-backfill fill &&
		has_line \$fixed '-- migrate: batch table=people key=id size=1' &&
		fill \"s/<fill in: the right value>/substr(phone, 3)/
			s/<fill in: which rows.*alone>/phone LIKE '49%' OR false/\" &&
		land && grep '  applied  fix-fill.sql  2 rows in 2 batches' .git/t/applied &&
		gives '0151
0170' 'SELECT phone FROM people ORDER BY id'
	"

	test_expect_success $prereq "$engine: a column dropped too early" "
		scene $engine dropped &&
		new_migration people \"\$people\" &&
		broken drop 'ALTER TABLE people DROP COLUMN phone;' &&
		fix dropped-early drop &&
		value=\"s/<fill in: the value.*>/CASE id WHEN 1 THEN '0151' END/\" &&
		running=\"UPDATE people SET phone = coalesce(phone, '') || '5'\" &&
		unseen \"\$running\" && fill \"\$value\" && land && unseen \"\$running\" &&
		db \"INSERT INTO people (id, name) VALUES (3, 'Eve')\" &&
		step_two \"\$value\" && unseen \"\$running\" && step_three &&
		gives '1|Ann|0151
2|Bob|
3|Eve|' 'SELECT id, name, phone FROM people ORDER BY id' &&
		db \"\$running\" && gives '1|01515
2|5
3|5' 'SELECT id, phone FROM people ORDER BY id'
	"

	test_expect_success $prereq "$engine: a table dropped too early" "
		scene $engine dropped_table &&
		new_migration people \"\$people\" &&
		broken drop 'DROP TABLE people;' &&
		fix dropped-early drop &&
		fill \"s/^<fill in: INSERT INTO.*/INSERT INTO people VALUES (1, 'Ann', '0151');/
			/^<fill in: GRANT on people /d\" &&
		land &&
		gives '1|Ann|0151' 'SELECT * FROM people' &&
		test_must_fail db \"INSERT INTO people VALUES (1, 'Eve', '')\"
	"

	test_expect_success $prereq "$engine: a column renamed under running code" "
		scene $engine renamed &&
		new_migration people \"\$people\" &&
		broken rename 'ALTER TABLE people RENAME COLUMN phone TO mobile;' &&
		db \"INSERT INTO people VALUES (5, 'Cy', '05'), (6, 'Di', NULL)\" &&
		fix renamed rename --contract &&
		running=\"UPDATE people SET phone = coalesce(phone, '') || '5' WHERE id = 1\" &&
		unseen \"\$running\" && fill '' && land && unseen \"\$running\" &&
		db \"INSERT INTO people (id, mobile) VALUES (4, '04')\" &&
		db \"UPDATE people SET mobile = '02' WHERE id = 2\" &&
		step_two && unseen \"\$running\" &&
		db \"UPDATE people SET mobile = mobile || '6' WHERE id = 1\" &&
		db \"INSERT INTO people (id, mobile) VALUES (7, '07')\" &&
		step_three && last= && if test $engine = postgresql; then last=-name; fi &&
		db \"\$running\" &&
		gives '1|015165|015165
2|02|02
4|04|04
5|05|05
6||
7|07|07' 'SELECT id, phone, mobile FROM people ORDER BY id' &&
		db \"INSERT INTO people (id, phone) VALUES (3, '03')\" &&
		db \"UPDATE people SET phone = '01' WHERE id = 1\" &&
		db \"UPDATE people SET phone = NULL WHERE id = 7\" &&
		db \"UPDATE people SET mobile = '002' WHERE id = 2\" &&
		gives '1|01|01
2|002|002
3|03|03
4|04|04
5|05|05
6||
7||' 'SELECT id, phone, mobile FROM people ORDER BY id' &&
		contract fix-rename\$last &&
		test_must_fail db 'SELECT phone FROM people' &&
		gives 01002030405 \"SELECT $(test $engine = sqlite && echo "group_concat(mobile, '')" ||
			echo "string_agg(mobile, '' ORDER BY id)") FROM people\"
	"

	test_expect_success $prereq "$engine: what code wrote under the old name is no default" "
		scene $engine renamed_default &&
		new_migration tasks \"CREATE TABLE tasks (id integer PRIMARY KEY, status text NOT NULL DEFAULT 'new', n integer DEFAULT 7);\" &&
		broken rename 'ALTER TABLE tasks RENAME status TO state;' &&
		fix renamed rename && fill '' && land && further &&
		broken again 'ALTER TABLE tasks RENAME n TO nr;' &&
		fix renamed again && fill '' && land && further &&
		db \"INSERT INTO tasks (id, status, n) VALUES (1, 'done', 1)\" &&
		db \"INSERT INTO tasks (id, state, nr) VALUES (2, 'late', 2)\" &&
		db 'INSERT INTO tasks (id) VALUES (3)' &&
		db \"UPDATE tasks SET status = 'old' WHERE id = 3\" &&
		gives '1|done|done|1|1
2|late|late|2|2
3|old|old|7|7' 'SELECT id, status, state, n, nr FROM tasks ORDER BY id'
	"

	test_expect_success $prereq "$engine: a required column renamed" "
		scene $engine renamed_required &&
		new_migration people 'CREATE TABLE people (id integer PRIMARY KEY, a text NOT NULL);' &&
		broken rename 'ALTER TABLE people RENAME a TO b;' &&
		fix renamed rename &&
		fill '' && land && further &&
		db \"INSERT INTO people (id, a) VALUES (1, 'x')\" &&
		gives '1|x|x' 'SELECT id, a, b FROM people'
	"

	test_expect_success $prereq "$engine: a table renamed" "
		scene $engine renamed_table &&
		new_migration people \"\$people\" &&
		broken rename 'ALTER TABLE people RENAME TO persons;' &&
		fix renamed rename &&
		fill '/^<fill in: INSTEAD OF/d; /^<fill in: GRANT on people /d' &&
		land &&
		gives '1|Ann|0151
2|Bob|0170' 'SELECT * FROM people ORDER BY id'
	"

	test_expect_success $prereq "$engine: a bad constraint" "
		scene $engine constraint &&
		new_migration people \"\$people\" &&
		broken short \"\$constraint\" &&
		test_must_fail db \"INSERT INTO people VALUES (3, 'Carla', '')\" &&
		fix bad-constraint short &&
		fill '' &&
		land &&
		db \"INSERT INTO people VALUES (3, 'Carla', '')\" &&
		gives 'Ann
Bob
Carla' 'SELECT name FROM people ORDER BY id'
	"

	test_expect_success $prereq "$engine: a unique index that is none" "
		scene $engine unique &&
		new_migration people \"\$people\" &&
		broken once 'CREATE UNIQUE INDEX once ON people (name);' &&
		fix bad-constraint once &&
		fill '' &&
		land &&
		db \"INSERT INTO people VALUES (3, 'Ann', '')\"
	"
done

test_expect_success 'sqlite: a table that is made anew gives no number of a deleted row again' '
	scene sqlite counter &&
	new_migration people "CREATE TABLE [peo ple] (id INTEGER PRIMARY KEY AUTOINCREMENT, name text);
CREATE TABLE other (id INTEGER PRIMARY KEY AUTOINCREMENT);" &&
	broken email "ALTER TABLE [peo ple] ADD COLUMN email text NOT NULL DEFAULT \"\";" &&
	db "INSERT INTO other VALUES (7); INSERT INTO [peo ple] (name) VALUES (1), (2), (3);
		DELETE FROM [peo ple] WHERE id > 1" &&
	fix required-column email && fill "" && land &&
	gives "other|7
peo ple|3" "SELECT name, seq FROM sqlite_sequence ORDER BY 1" &&
	db "INSERT INTO [peo ple] (name) VALUES (4)" && gives "1
4" "SELECT id FROM [peo ple]"
'

required="ALTER TABLE people ADD COLUMN email text NOT NULL DEFAULT '';"

test_expect_success 'sqlite: nor where the key of the table counts, and rowids and ON CONFLICT are as they were' '
	scene sqlite counting_key &&
	new_migration people "CREATE TABLE people (id INTEGER, name text, PRIMARY KEY (id AUTOINCREMENT));
CREATE TABLE turned (id INTEGER PRIMARY KEY DESC, name text);
INSERT INTO turned (rowid, id) VALUES (5, 1), (9, 2);" &&
	broken email "ALTER TABLE people ADD COLUMN email text NOT NULL ON CONFLICT REPLACE DEFAULT \"\";" &&
	db "INSERT INTO people (name) VALUES (1), (2), (3); DELETE FROM people WHERE id > 1" &&
	fix required-column email && fill "" && land && db "INSERT INTO people (name) VALUES (4)" && gives "1
4" "SELECT id FROM people" &&
	broken more "ALTER TABLE turned ADD COLUMN more text NOT NULL DEFAULT 1;" &&
	fix required-column more && fill "" && land && gives "5|1
9|2" "SELECT rowid, id FROM turned ORDER BY 1"
'

test_expect_success 'sqlite: a table that refers to one which was renamed is for a person' '
	scene sqlite renamed_parent &&
	new_migration child "CREATE TABLE t0 (id INTEGER PRIMARY KEY);
CREATE TABLE child (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t0(id)); ALTER TABLE t0 RENAME TO t;" &&
	broken email "ALTER TABLE child ADD COLUMN email text NOT NULL DEFAULT 1;" && fix required-column email &&
	fill "/^<fill in: the new names/d; s/REFERENCES t0(id)/REFERENCES t(id)/" && land &&
	db "INSERT INTO t VALUES (1); INSERT INTO child (t, email) VALUES (1, NULL)"
'

test_expect_success 'sqlite: a table that has more than the migrations tell is not made anew' '
	scene sqlite more &&
	new_migration people "$people" && broken email "$required" &&
	fix required-column email && fill "" &&
	db "ALTER TABLE people ADD COLUMN fax text; UPDATE people SET fax = 1" &&
	git add $fixed && tick && git commit -q -m "mend it" &&
	test_must_fail git migrate apply >.git/t/out 2>&1 &&
	grep "CHECK constraint failed: the new table has every column of the old one" .git/t/out &&
	gives "1|Ann|0151||1
2|Bob|0170||1" "SELECT * FROM people" &&
	db "ALTER TABLE people DROP COLUMN fax" && apply &&
	db "INSERT INTO people (id, email) VALUES (3, NULL)"
'

test_expect_success 'sqlite: nor one whose column has another type' '
	scene sqlite other_type &&
	new_migration people "CREATE TABLE people (id integer PRIMARY KEY, nr integer, size double  precision);" &&
	broken email "$required" && fix required-column email && fill "" &&
	db "DROP TABLE people; CREATE TABLE people (id integer PRIMARY KEY, NR text, size DOUBLE PRECISION,
		email text NOT NULL); INSERT INTO people VALUES (1, '\''007'\'', 1, 2)" &&
	git add $fixed && tick && git commit -q -m "mend it" &&
	test_must_fail git migrate apply >.git/t/out 2>&1 &&
	grep "CHECK constraint failed: the new table has every column of the old one" .git/t/out &&
	gives 007 "SELECT nr FROM people" &&
	db "DROP TABLE people; CREATE TABLE people (id integer PRIMARY KEY, NR Integer, size DOUBLE PRECISION,
		email text NOT NULL); INSERT INTO people VALUES (1, 7, 1, 2)" && apply &&
	gives 7 "SELECT nr FROM people"
'

test_expect_success 'sqlite: what has not run here is not taken for done, what has run is' '
	scene sqlite not_run &&
	new_migration people "$people" &&
	new_migration drop-phone "-- Phase: contract
-- Not-Before: v9
ALTER TABLE people DROP COLUMN phone;" && apply &&
	new_migration bad "ALTER TABLE people RENAME name TO called;" &&
	new_migration better "-- Supersedes: bad.sql
ALTER TABLE people ADD fax text;" &&
	broken email "$required" && fix required-column email &&
	has_line $fixed "SELECT id, name, phone, fax, email FROM people;" && rm $fixed &&
	git tag v9 && apply && fix required-column email &&
	has_line $fixed "SELECT id, name, fax, email FROM people;" &&
	fill "" && land && gives "1|Ann||
2|Bob||" "SELECT * FROM people"
'

test_expect_success 'sqlite: a table under a name of another case, and made if it is missing' '
	scene sqlite names &&
	new_migration people "CREATE TABLE \"People\" (id integer PRIMARY KEY, \"Name\" text);" &&
	new_migration phone "ALTER TABLE people ADD COLUMN phone text;
CREATE TABLE IF NOT EXISTS people (id integer PRIMARY KEY, name text);
INSERT INTO PEOPLE VALUES (1, '\''Ann'\'', '\''0151'\'');" &&
	broken email "$required" && fix required-column email && fill "" && land &&
	gives "1|Ann|0151|" "SELECT * FROM people"
'

test_expect_success 'sqlite: a migration that another one replaces is mended where it ran' '
	scene sqlite replaced &&
	new_migration people "$people" && broken email "$required" &&
	new_migration optional "-- Supersedes: email.sql
ALTER TABLE people ADD COLUMN email text;" &&
	fix required-column email && fill "" && land &&
	db "INSERT INTO people (id, email) VALUES (3, NULL)"
'

test_expect_success 'sqlite: views, and triggers and keys of other tables, live on' '
	scene sqlite views &&
	new_migration people "$people CREATE VIEW names AS SELECT id, name FROM people;
CREATE TABLE log (id integer PRIMARY KEY, of integer REFERENCES people (id));
CREATE TRIGGER seen AFTER INSERT ON log BEGIN UPDATE people SET phone = 0 WHERE id = NEW.of; END;" &&
	broken email "$required" && fix required-column email && fill "" && land &&
	db "INSERT INTO log VALUES (1, 2)" && gives "1|Ann
2|Bob" "SELECT * FROM names" && gives 0 "SELECT phone FROM people WHERE id = 2" &&
	test_must_fail db "INSERT INTO log VALUES (2, 9)"
'

test_expect_success 'sqlite: rowids stay, which other tables may keep' '
	scene sqlite rowids &&
	new_migration people "CREATE TABLE people (name text PRIMARY KEY);
INSERT INTO people (rowid, name) VALUES (5, '\''Ann'\''), (9, '\''Bob'\'');" &&
	broken email "$required" && fix required-column email && fill "" && land &&
	gives "5|Ann
9|Bob" "SELECT rowid, name FROM people ORDER BY 1"
'

test_expect_success 'sqlite: what is computed is computed anew' '
	scene sqlite computed &&
	new_migration people "CREATE TABLE people (id integer PRIMARY KEY,
	twice integer NOT NULL AS (id * 2), text text COLLATE nocase GENERATED ALWAYS AS (id) STORED);
	INSERT INTO people (id) VALUES (1);" &&
	broken email "$required" && fix required-column email && fill "" && land &&
	gives "1|2|1|" "SELECT * FROM people"
'

test_expect_success 'sqlite: a column renamed in a table without rowids' '
	scene sqlite no_rowid &&
	new_migration people "CREATE TABLE people (id text PRIMARY KEY, name text) WITHOUT ROWID;" &&
	broken rename "ALTER TABLE people RENAME name TO called;" &&
	fix renamed rename && fill "" && land &&
	db "INSERT INTO people (id, name) VALUES (1, 2), (2, 3); UPDATE people SET called = 4 WHERE id = '\''2'\''" &&
	gives "1|2|2
2|4|4" "SELECT id, name, called FROM people ORDER BY 1"
'

test_expect_success 'sqlite: a renamed column to which Ann is ANN is seen to change' '
	scene sqlite renamed_nocase &&
	new_migration people "CREATE TABLE people (id integer PRIMARY KEY, name text COLLATE nocase);
INSERT INTO people VALUES (1, '\''Ann'\'');" &&
	broken rename "ALTER TABLE people RENAME name TO called;" && fix renamed rename && fill "" && land &&
	db "UPDATE people SET called = '\''ANN'\''" && gives "ANN|ANN" "SELECT name, called FROM people" &&
	db "UPDATE people SET name = '\''ann'\''" && gives "ann|ann" "SELECT name, called FROM people"
'

test_expect_success 'sqlite: a column of a lossy type to which Ann is ANN is seen to change' '
	scene sqlite lossy_nocase &&
	new_migration people "CREATE TABLE people (id integer PRIMARY KEY, name text COLLATE nocase);
INSERT INTO people VALUES (1, '\''Ann'\'');" &&
	broken cast "CREATE TABLE people_new (id integer PRIMARY KEY, name integer COLLATE nocase);
INSERT INTO people_new SELECT id, name FROM people; DROP TABLE people; ALTER TABLE people_new RENAME TO people;" &&
	fix lossy-type cast && fill "" && land && fixed=migrations/fix-cast-copy.sql &&
	fill "s/<fill in: the value as it was.*>/CAST(name AS text)/" && land &&
	gives "Ann|Ann" "SELECT name, name_restored FROM people" &&
	db "UPDATE people SET name = '\''ANN'\''" && gives "ANN|" "SELECT name, name_restored FROM people"
'

test_expect_success PG 'postgresql: a column of a lossy type to which Ann is ANN is seen to change' '
	scene postgresql pg_lossy_nocase &&
	new_migration people "CREATE COLLATION nocase (provider = icu, locale = '\''und-u-ks-level2'\'', deterministic = false);
CREATE TABLE people (id integer PRIMARY KEY, name varchar(20) COLLATE nocase);
INSERT INTO people VALUES (1, '\''Ann'\'');" &&
	broken cast "ALTER TABLE people ALTER COLUMN name TYPE varchar(3) COLLATE nocase;" &&
	fix lossy-type cast && fill "" && land && fixed=migrations/fix-cast-copy.sql &&
	fill "s/<fill in: the value as it was.*>/CAST(name AS text)/" && land &&
	gives "Ann|Ann" "SELECT name, name_restored FROM people" &&
	db "UPDATE people SET name = '\''ANN'\''" && gives "ANN|" "SELECT name, name_restored FROM people"
'

test_expect_success 'sqlite: a key that was renamed is the one that code wrote' '
	scene sqlite renamed_key &&
	new_migration people "CREATE TABLE people (id integer PRIMARY KEY, name text);" && broken rename "ALTER TABLE people RENAME id TO nr;" &&
	fix renamed rename && fill "" && land &&
	db "INSERT INTO people (id, name) VALUES (9, '\''Eve'\'')" &&
	gives "9|9" "SELECT id, nr FROM people WHERE name = '\''Eve'\''"
'

test_expect_success 'sqlite: an index that is too slow' '
	scene sqlite slow &&
	new_migration people "$people" &&
	broken slow "CREATE INDEX slow ON people (phone);" &&
	fix slow-ddl slow &&
	fill "s/^<fill in: .*/CREATE INDEX fast ON people (phone) WHERE name IS NULL;/" &&
	land &&
	gives fast "SELECT name FROM sqlite_schema WHERE name IN (\"slow\", \"fast\")"
'

test_expect_success PG 'postgresql: an index whose building blocks writers' '
	scene postgresql slow &&
	new_migration people "$people" &&
	broken slow "CREATE INDEX slow ON people (phone);" &&
	fix slow-ddl slow --contract &&
	fill "" &&
	has_line "$fixed" "CREATE INDEX CONCURRENTLY slow_concurrent ON people (phone);" &&
	land &&
	contract &&
	gives slow_concurrent "SELECT indexname FROM pg_indexes WHERE indexname LIKE '\''slow%'\''"
'

test_expect_success PG 'postgresql: an index of a table in a schema, not one of that name elsewhere' '
	scene postgresql schema &&
	new_migration people "CREATE SCHEMA app; CREATE TABLE users (mail text); CREATE TABLE app.users (mail text);
CREATE UNIQUE INDEX once ON users (mail); CREATE INDEX slow ON users (mail);" &&
	broken once "CREATE UNIQUE INDEX once ON app.users (mail);" &&
	fix bad-constraint once && fill "" && land &&
	broken slow "CREATE INDEX slow ON app.users (mail);" &&
	fix slow-ddl slow --contract && fill "" && land && contract &&
	gives "app.slow_concurrent
public.once
public.slow" "SELECT schemaname || '\''.'\'' || indexname FROM pg_indexes
		WHERE tablename = '\''users'\'' ORDER BY 1"
'

test_expect_success PG 'postgresql: renamed: what is written is seen where = is missing, and where it says no' '
	scene postgresql renamed_equal &&
	new_migration people "CREATE TABLE people (id int PRIMARY KEY, a json, b numeric);
INSERT INTO people VALUES (1, '\''{\"x\": 1}'\'', 1.0);" &&
	broken rename "ALTER TABLE people RENAME a TO c;" && fix renamed rename && fill "" && land && further &&
	broken again "ALTER TABLE people RENAME b TO d;" && fix renamed again && fill "" && land && further &&
	db "UPDATE people SET b = 1.00, a = '\''[]'\''" &&
	gives "[]|[]|1.00|1.00" "SELECT a, c, b, d FROM people" &&
	db "UPDATE people SET c = '\''{}'\''; UPDATE people SET d = 2" &&
	gives "{}|{}|2|2" "SELECT a, c, b, d FROM people"
'

test_expect_success PG 'postgresql: what the copy of a renamed column has missed has its value' '
	scene postgresql renamed_missed &&
	new_migration people "$people" && broken rename "ALTER TABLE people RENAME phone TO mobile;" &&
	fix renamed rename && fill "" && land &&
	fixed=migrations/fix-rename-copy.sql && fill "" && land &&
	db "ALTER TABLE people DISABLE TRIGGER keep_people_phone_mobile;
		INSERT INTO people VALUES (9, '\''Eve'\'', '\''09'\'');
		ALTER TABLE people ENABLE TRIGGER keep_people_phone_mobile" &&
	fixed=migrations/fix-rename-name.sql && fill "" && land &&
	gives "0151|0151
0170|0170
09|09" "SELECT phone, mobile FROM people ORDER BY id"
'

test_expect_success PG 'postgresql: a dropped column whose values are gone, as the file says' '
	scene postgresql dropped_for_good &&
	new_migration people "$people" && broken drop "ALTER TABLE people DROP COLUMN phone;" &&
	fix dropped-early drop && rm migrations/fix-drop-copy.sql migrations/fix-drop-name.sql &&
	grep "^-- Where no value can be had any more" $fixed &&
	fill "s/ADD COLUMN phone_again/ADD COLUMN phone/" && land &&
	gives "1|
2|" "SELECT id, phone FROM people ORDER BY id"
'

test_expect_success PG 'postgresql: a constraint whose name something else has is not guessed' '
	scene postgresql named &&
	new_migration orders "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE accounts (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, uid int REFERENCES users, aid int);" &&
	broken bad "ALTER TABLE orders ADD FOREIGN KEY (uid) REFERENCES accounts;" &&
	fix bad-constraint bad && fill "s/<fill in: the name of the constraint>/orders_uid_fkey1/" && land &&
	broken worse "ALTER TABLE orders ADD FOREIGN KEY (aid) REFERENCES accounts;" &&
	fix bad-constraint worse && fill "" && land &&
	gives orders_uid_fkey "SELECT conname FROM pg_constraint WHERE contype = '\''f'\''"
'

test_expect_success PG 'postgresql: columns that the fix says nothing of are named' '
	engine=postgresql && scene postgresql several &&
	new_migration people "CREATE TABLE people (id int PRIMARY KEY, a text, \"b
;\" text, c text, d varchar); CREATE TABLE t (x int); CREATE TABLE u (y int);" &&
	broken types "ALTER TABLE people ALTER a TYPE int USING 1, ALTER \"b
;\" TYPE int USING 1, ALTER c TYPE int USING 1;" &&
	fix lossy-type types && has_line $fixed "-- The same is true of people.\"b ;\" (--nth=2), people.c (--nth=3), which this does not mend yet." &&
	grep "^hint: The same is true of people.\"b ;\" (--nth=2), people.c (--nth=3): write" .git/t/err &&
	git migrate fix --nth=3 --name=third types && grep "^ALTER TABLE people ADD COLUMN c_restored text;" migrations/third.sql &&
	has_line migrations/third.sql "-- The same is true of people.a (--nth=1), people.\"b ;\" (--nth=2), which this does not mend yet." &&
	test_expect_code 129 git migrate fix --nth=0 --name=none types 2>.git/t/err && grep "^error: --nth counts from 1" .git/t/err &&
	test_expect_code 1 git migrate fix --nth=4 --name=none types 2>.git/t/err && grep "tells of fewer than 4 of lossy-type" .git/t/err &&
	test ! -e migrations/none.sql &&
	broken renames "ALTER TABLE people RENAME a TO e; ALTER TABLE people RENAME c TO f;" &&
	fix renamed renames && has_line $fixed "-- The same is true of people.c (--nth=2), which this does not mend yet." &&
	broken drops "ALTER TABLE people DROP d, DROP f; DROP TABLE t;" &&
	fix dropped-early drops && grep "^-- The same is true of people.d (--nth=.), t (--nth=.), which" $fixed &&
	broken one "DROP TABLE u;" && fix dropped-early one && test_must_fail grep "The same is true" $fixed .git/t/err
'

test_expect_success PG 'postgresql: constraints, indexes and updates that the fix says nothing of are named' '
	engine=postgresql && scene postgresql several_more && new_migration t "CREATE TABLE t (id int PRIMARY KEY, a int, b int);" &&
	broken con "ALTER TABLE t ADD CONSTRAINT ca CHECK (a>0), ADD CONSTRAINT cb CHECK (b>0);" &&
	fix bad-constraint con && has_line $fixed "-- The same is true of t (CONSTRAINT cb CHECK (b>0), --nth=2), which this does not mend yet." &&
	git migrate fix --nth=2 --kind=bad-constraint --name=cb con && grep "^ALTER TABLE t DROP CONSTRAINT cb;" migrations/cb.sql &&
	broken idx "CREATE INDEX ia ON t(a); CREATE INDEX ib ON t(b);" &&
	fix slow-ddl idx && grep "^-- The same is true of t (index ib, --nth=2), which" $fixed &&
	broken uni "CREATE UNIQUE INDEX ua ON t(a); CREATE UNIQUE INDEX ub ON t(b);" &&
	fix bad-constraint uni && grep "^-- The same is true of t (index ub, --nth=2), which" $fixed &&
	broken upd "UPDATE t SET a=1; UPDATE t SET a=2; UPDATE t SET b=2;" &&
	fix wrong-backfill upd && grep "^-- The same is true of t.b (--nth=2), which" $fixed &&
	broken renamed_too "ALTER TABLE t DROP a; ALTER TABLE t RENAME TO t2; ALTER TABLE t2 ALTER b SET NOT NULL;" &&
	fix required-column renamed_too && has_line $fixed "ALTER TABLE t2 ALTER COLUMN b DROP NOT NULL;" &&
	git migrate fix --kind=dropped-early --name=back renamed_too && grep "^ALTER TABLE t2 ADD COLUMN a_again int;" migrations/back.sql
'

# --- what is not told, and what is refused ------------------------------------

state() {
	git rev-parse HEAD && git ls-files -s && find migrations
}

test_expect_success 'what the SQL does not tell is a placeholder, which the hooks refuse' '
	scene sqlite placeholder &&
	new_migration people "$people" &&
	broken other "INSERT INTO people (id) VALUES (9);" &&
	refuses 1 "the SQL of migration '\''other.sql'\'' does not tell what went wrong" \
		git migrate fix other &&
	refuses 129 "'\''nonsense'\'' is no kind of trouble" git migrate fix --kind=nonsense other &&
	git migrate fix --kind=required-column other >.git/t/out 2>.git/t/err &&
	fixed=migrations/fix-other.sql &&
	grep "^<fill in: CREATE TABLE" $fixed &&
	fix_name=other &&
	fill "" &&
	git add $fixed &&
	tick &&
	test_must_fail git commit -q -m "mend it" 2>.git/t/err &&
	grep "^error: migration .fix-other.sql. has a place that is not filled in" .git/t/err &&
	grep "unfilled" .git/t/err &&
	fill "s/^<fill in.*/DELETE FROM people WHERE id = 9;/" &&
	land
'

test_expect_success 'a failure mode that is not filled in is refused' '
	broken index "CREATE UNIQUE INDEX once ON people (name);" &&
	fix bad-constraint index &&
	git add $fixed &&
	test_must_fail git commit -q -m "mend it" 2>.git/t/err &&
	grep "how that failed" .git/t/err &&
	fill "" &&
	land
'

test_expect_success 'a migration that is not in the plan' '
	refuses 1 "'\''nothing'\'' names no migration of the plan" git migrate fix nothing
'

test_expect_success 'one that nobody has is amended; once it has landed it is not' '
	new_migration fresh "CREATE UNIQUE INDEX twice ON people (phone);" &&
	refuses 1 "migration '\''fresh.sql'\'' is free to change: it needs no fix" \
		git migrate fix fresh &&
	git update-ref refs/heads/deploy HEAD &&
	git config migrate.branch deploy &&
	fix bad-constraint fresh &&
	rm $fixed
'

test_expect_success 'a name that is taken' '
	fix bad-constraint fresh &&
	refuses 1 "file '\''migrations/fix-fresh.sql'\'' is there already" git migrate fix fresh &&
	git migrate fix --name=2026/mend fresh >.git/t/out 2>.git/t/err &&
	has_line .git/t/out migrations/2026/mend.sql &&
	rm $fixed migrations/2026/mend.sql
'

test_expect_success 'a name of a further file that is taken: nothing is written' '
	broken cast "$sqlite_lossy" &&
	for taken in copy contract; do
		echo mine >migrations/fix-cast-$taken.sql &&
		refuses 1 "file '\''migrations/fix-cast-$taken.sql'\'' is there already" \
			git migrate fix --kind=lossy-type --contract cast &&
		ls migrations/fix-cast* >.git/t/actual && echo migrations/fix-cast-$taken.sql >.git/t/expect &&
		test_cmp .git/t/expect .git/t/actual && rm migrations/fix-cast* || return 1
	done &&
	git migrate fix --kind=lossy-type --contract cast >.git/t/out && test 3 = "$(grep -c . .git/t/out)" &&
	rm migrations/fix-cast*
'

test_expect_success 'no contract where nothing is left' '
	refuses 129 "a fix of the kind bad-constraint leaves nothing to clear away" \
		git migrate fix --contract fresh
'

test_expect_success 'the engine: said, or by the URL' '
	refuses 129 "'\''oracle'\'' is no engine" git migrate fix --engine=oracle fresh &&
	refuses 128 "there is no target '\''staging'\''" git migrate fix --target=staging fresh &&
	git config migrate.staging.url postgresql://nobody@nowhere/none &&
	git migrate fix --kind=slow-ddl --target=staging fresh 2>.git/t/err &&
	grep "UNIQUE INDEX CONCURRENTLY twice_concurrent ON" migrations/fix-fresh.sql &&
	git migrate fix --kind=slow-ddl --engine=sqlite --target=staging --name=b fresh &&
	grep "^DROP INDEX twice;" migrations/b.sql &&
	rm migrations/fix-fresh.sql migrations/b.sql
'

test_expect_success 'a name with a line break does not get out of a comment' '
	new_migration odd "CREATE TABLE \"o
DROP TABLE people; --\" (x varchar(2));" &&
	broken odd2 "UPDATE \"o
DROP TABLE people; --\" SET x = 1;" &&
	fix wrong-backfill odd2 &&
	fill "s/<fill in: the right value>/x/; s/<fill in: which.*>/x = 2/" &&
	grep "^-- SELECT count.* FROM .o DROP TABLE people" $fixed &&
	land &&
	gives 2 "SELECT count(*) FROM people"
'

test_expect_success 'a scenario to fill in, beside the fix' '
	engine=sqlite && scene sqlite scenario && broken people "$people" && broken required "$sqlite_required" &&
	git migrate fix --scenario required >.git/t/out 2>.git/t/err &&
	printf "%s\n" migrations/fix-required.sql migrations/fix-required.scenario >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out && grep "^hint: Fill in migrations/fix-required.scenario too" .git/t/err &&
	grep "<fill in>" migrations/fix-required.scenario &&
	rm migrations/fix-required.sql && cp migrations/fix-required.scenario .git/t/before &&
	test_expect_code 1 git migrate fix --scenario required >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: file '\''migrations/fix-required.scenario'\'' is there already" &&
	test_cmp .git/t/before migrations/fix-required.scenario && test ! -e migrations/fix-required.sql &&
	git migrate fix required >.git/t/out 2>.git/t/err
'

passes() {
	git migrate rehearse "$1" >.git/t/out 2>&1 || {
		cat .git/t/out
		return 1
	}
}

for engine in sqlite postgresql; do
	test $engine = sqlite && prereq= || prereq=PG
	eval "lossy=\$${engine}_lossy"

	test_expect_success $prereq "$engine: with a copy, what goes wrong is tried with the copy" "
		scene $engine lossy_scenario && broken people \"\$people\" && broken phone \"\$lossy\" &&
		fix lossy-type phone --scenario &&
		printf '%s\n' migrations/fix-phone.sql migrations/fix-phone-copy.sql \\
			migrations/fix-phone.scenario migrations/fix-phone-copy.scenario >.git/t/expect &&
		test_cmp .git/t/expect .git/t/out &&
		grep '^hint: Fill in migrations/fix-phone-copy.scenario too.*rehearse fix-phone-copy.sql ' .git/t/err &&
		! grep '^.failure.' migrations/fix-phone.scenario && grep '^.unshown.' migrations/fix-phone.scenario &&
		grep '^.failure.' migrations/fix-phone-copy.scenario &&
		rm migrations/fix-phone* && echo mine >migrations/fix-phone-copy.scenario &&
		refuses 1 \"file 'migrations/fix-phone-copy.scenario' is there already\" \\
			git migrate fix --scenario phone &&
		echo migrations/fix-phone-copy.scenario >.git/t/expect &&
		ls migrations/fix* >.git/t/actual && test_cmp .git/t/expect .git/t/actual &&
		rm migrations/fix-phone* && git migrate fix --scenario phone 2>.git/t/err &&
		fixed=migrations/fix-phone.sql && fill '' && fixed=migrations/fix-phone-copy.sql &&
		fill \"s/<fill in: the value as it was.*>/'0' || CAST(phone AS text)/\" &&
		printf '%s\n' '[seed]' \"INSERT INTO people VALUES (3, 'Cy', '0900');\" '[check]' \\
			'SELECT count(*) FROM people' ---- 3 '[unshown]' 'the copy mends it' '[kept]' \\
			'people.phone may change: the copy brings its values back' \\
			>migrations/fix-phone.scenario &&
		printf '%s\n' '[seed]' \"INSERT INTO people VALUES (3, 'Cy', '0900');\" '[wrong: to call]' \\
			'SELECT phone_restored FROM people WHERE id = 3' ---- 0900 '[kept]' \\
			'people.phone is now people.phone_restored: a new column has them' \\
			>migrations/fix-phone-copy.scenario &&
		git add migrations && tick && git commit -q -m 'mend it' &&
		git config migrate.default.requireRehearsal fixes &&
		test_might_fail git migrate apply >.git/t/out 2>&1 && grep 'waits for a rehearsal' .git/t/out &&
		test 2 = \"\$(git migrate status --porcelain | grep -c '^pending ')\" &&
		passes fix-phone-copy.sql &&
		passes fix-phone.sql && apply &&
		gives '1|0151
2|0170' 'SELECT id, phone_restored FROM people ORDER BY id'
	"
done

for engine in sqlite postgresql; do
	test $engine = sqlite && prereq= || prereq=PG
	eval "lossy=\$${engine}_lossy"

	test_expect_success $prereq "$engine: a contract that stops is replaced by one that copies the rest, as it says" "
		scene $engine stopped && new_migration people \"\$people\" && broken phone \"\$lossy\" &&
		fix lossy-type phone --contract && fill '' &&
		fixed=migrations/fix-phone-copy.sql && fill \"s/<fill in: the value as it was.*>/'0' || CAST(phone AS text)/\" &&
		git add migrations && tick && git commit -q -m 'mend it' && apply &&
		case \$engine in
		sqlite)
			git config migrate.staging.url sqlite:.git/staging.db
			;;
		*)
			git config migrate.staging.url \"\$(create_db stopped_staging)\"
			;;
		esac &&
		git migrate apply staging && git migrate apply staging &&
		db \"INSERT INTO people (id, name, phone) VALUES (3, 'Eve', 8888), (4, 'Cy', 404)\" &&
		db \"UPDATE people SET phone_restored = NULL WHERE id = 2\" &&
		test_must_fail git migrate apply >.git/t/out 2>&1 &&
		way=\$(sed -n 's/.*\(git migrate fix fix-phone-contract.sql\) writes what copies.*/\1/p' .git/t/out) &&
		test -n \"\$way\" && \$way >.git/t/out 2>.git/t/err &&
		has_line .git/t/out migrations/replace-fix-phone-contract.sql &&
		grep '^hint: It is a contract that has not run' .git/t/err &&
		fixed=migrations/replace-fix-phone-contract.sql && has_line \$fixed '-- Supersedes: fix-phone-contract.sql' &&
		has_line \$fixed '-- Phase: contract' && has_line \$fixed '-- Pairs-With: fix-phone-copy.sql' &&
		has_line \$fixed '-- Requires: fix-phone-copy.sql' &&
		git add \$fixed && tick && test_must_fail git commit -q -m 'the rest' 2>.git/t/err &&
		grep 'has a place that is not filled in' .git/t/err &&
		fill \"s/<fill in: which rows were cleared.*>/id = 2/; s/<fill in: the value as it was.*>/'0' || CAST(phone AS text)/\" &&
		git add \$fixed && tick && git commit -q -m 'the rest' && apply &&
		gives '1|Ann|0151
2|Bob|
3|Eve|08888
4|Cy|0404' 'SELECT * FROM people ORDER BY id' &&
		git migrate log --porcelain >.git/t/log &&
		git migrate status --exit-code && git migrate status --owed >.git/t/out && grep 'nothing is owed' .git/t/out &&
		git migrate apply staging >.git/t/out && grep 'unneeded  replace-fix-phone-contract.sql' .git/t/out &&
		git migrate audit && git migrate audit staging &&
		git migrate fix --kind=dropped-early fix-phone-contract 2>.git/t/err &&
		has_line migrations/fix-fix-phone-contract.sql '-- Fixes: fix-phone-contract.sql'
	"

	test_expect_success $prereq "$engine: what goes with the column of a contract has been seen to before it runs" "
		scene $engine goes_with &&
		new_migration people \"\$people CREATE UNIQUE INDEX \\\"by phone\\\" ON people (phone);\" &&
		broken phone \"\$lossy $(test $engine = postgresql || echo 'CREATE UNIQUE INDEX \"by phone\" ON people (phone);')\" &&
		broken shown 'CREATE VIEW shown AS SELECT name, phone FROM people;' &&
		fix lossy-type phone --contract && fill '' &&
		fixed=migrations/fix-phone-copy.sql && fill \"s/<fill in: the value as it was.*>/'0' || CAST(phone AS text)/\" &&
		grep '^-- still needed: CREATE UNIQUE INDEX .by phone. ON people (phone)' \$fixed &&
		mv migrations/fix-phone-contract.sql .git/t/contract &&
		git add migrations && tick && git commit -q -m 'mend it' && apply &&
		new_migration once 'CREATE UNIQUE INDEX once ON people (phone_restored);' && apply &&
		mv .git/t/contract migrations/fix-phone-contract.sql && git add migrations && tick &&
		test_must_fail git commit -q -m 'what is not needed goes' 2>.git/t/err &&
		grep 'fix-phone-contract.sql. has a place that is not filled in' .git/t/err &&
		fixed=migrations/fix-phone-contract.sql && fill '/^<fill in: delete this line once phone_restored has /d
			s/^<fill in: DROP VIEW here.*: shown>;/DROP VIEW shown;/
			s/^ALTER TABLE .*/& CREATE VIEW shown AS SELECT name FROM people;/' &&
		git add migrations && git commit -q -m 'what is not needed goes' && apply &&
		gives '1|Ann|0151
2|Bob|0170' 'SELECT * FROM people ORDER BY id' &&
		gives 'Ann
Bob' 'SELECT * FROM shown ORDER BY name' &&
		test_must_fail db \"INSERT INTO people VALUES (3, 'Cy', '0170')\"
	"

	test_expect_success $prereq "$engine: the contract that takes the place stops as well, and another contract is none" "
		scene $engine stopped_twice && new_migration people \"\$people\" && broken phone \"\$lossy\" &&
		fix lossy-type phone --contract && fill '' &&
		fixed=migrations/fix-phone-copy.sql && fill \"s/<fill in: the value as it was.*>/'0' || CAST(phone AS text)/\" &&
		git add migrations && tick && git commit -q -m 'mend it' &&
		refuses 1 \"migration 'fix-phone-contract.sql' is free to change: it needs no fix\" git migrate fix fix-phone-contract &&
		apply && db \"INSERT INTO people (id, name, phone) VALUES (3, 'Eve', 8888)\" &&
		test_must_fail git migrate apply >.git/t/out 2>&1 &&
		git migrate fix fix-phone-contract 2>.git/t/err &&
		fixed=migrations/replace-fix-phone-contract.sql &&
		fill \"s/<fill in: which rows were cleared.*>/false/; s/<fill in: the value as it was.*>/NULL/\" &&
		git add \$fixed && tick && git commit -q -m 'the rest' && test_must_fail git migrate apply >.git/t/out 2>&1 &&
		grep -E 'every value has its copy|there are values without a copy' .git/t/out &&
		gives '8888' 'SELECT phone FROM people WHERE id = 3' &&
		scene $engine another_contract && new_migration people \"\$people\" && apply &&
		new_migration name '-- Phase: contract
ALTER TABLE people DROP COLUMN phone;' && git update-ref refs/heads/deploy HEAD && git config migrate.branch deploy &&
		git migrate fix name 2>.git/t/err && has_line migrations/fix-name.sql '-- Fixes: name.sql'
	"
done

test_expect_success PG 'postgresql: the three steps of a column that is there again are tried' '
	engine=postgresql && scene postgresql renamed_scenario && broken people "$people" &&
	broken rename "ALTER TABLE people RENAME phone TO mobile;" && fix renamed rename --scenario &&
	fill "" && fixed=migrations/fix-rename-copy.sql && fill "" &&
	fixed=migrations/fix-rename-name.sql && fill "" &&
	printf "%s\n" migrations/fix-rename.sql migrations/fix-rename-copy.sql migrations/fix-rename-name.sql \
		migrations/fix-rename.scenario migrations/fix-rename-copy.scenario \
		migrations/fix-rename-name.scenario >.git/t/expect && test_cmp .git/t/expect .git/t/out &&
	grep "^hint: Fill in migrations/fix-rename-name.scenario too.* rehearse fix-rename-name.sql tries all of it" .git/t/err &&
	grep "Then: git add migrations/fix-rename.sql migrations/fix-rename-copy.sql migrations/fix-rename-name.sql &&" .git/t/err &&
	for alone in "" -copy; do
		has_line migrations/fix-rename$alone.scenario "#people.phone is now people.mobile: a later step brings the old name" &&
		! grep "^.failure." migrations/fix-rename$alone.scenario && grep "^.unshown." migrations/fix-rename$alone.scenario &&
		printf "%s\n" "[seed]" "INSERT INTO people VALUES (3, '\''Cy'\'', '\''0900'\'');" "[check]" \
			"SELECT count(*) FROM people" ---- 3 "[unshown]" "a later step mends it" \
			"[kept]" "people.phone is now people.mobile: a later step brings the old name back" \
			>migrations/fix-rename$alone.scenario || return 1
	done &&
	printf "%s\n" "[seed]" "INSERT INTO people VALUES (3, '\''Cy'\'', '\''0900'\'');" \
		"[failure: code that reads]" "SELECT phone FROM people" "[check]" \
		"SELECT phone FROM people WHERE id = 3" ---- 0900 >migrations/fix-rename-name.scenario &&
	git add migrations && tick && git commit -q -m "mend it" &&
	passes fix-rename-name.sql && passes fix-rename-copy.sql && passes fix-rename.sql &&
	test_must_fail db "SELECT phone FROM people" && apply &&
	gives "0151
0170" "SELECT phone FROM people ORDER BY id"
'

test_done
