#!/bin/sh

test_description='rehearse: what passes, what each step refuses, and nothing left behind'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
start_pg optional
make_short_dir && test_set_prereq SHORT
# a server's socket has little room; its user has to get there
chmod 711 "$short_dir"
TMPDIR=$short_dir
export TMPDIR

# scene ENGINE NAME: a repository, its target, and people that were there before
scene() {
	fresh_on "$1" "$2" &&
	new_migration people "CREATE TABLE people (id integer PRIMARY KEY, name text, phone text);" &&
	new_migration pets "CREATE TABLE pets (owner integer, name text);" &&
	git migrate apply >.git/t/out 2>&1
}

rows() {
	case $engine in
	sqlite)
		tracker_rows .git/app.db
		;;
	*)
		pg_tracker_rows "$url"
		;;
	esac
}

# rebuilt TABLE DEFINITION COLUMNS [FROM]: SQL that gives a table another definition
rebuilt() {
	echo "CREATE TABLE ${1}_new ($2); INSERT INTO ${1}_new ($3) SELECT ${4:-$3} FROM $1;
DROP TABLE $1; ALTER TABLE ${1}_new RENAME TO $1;"
}

# without an address nobody can be added any more
broken=$(rebuilt people "id integer PRIMARY KEY, name text, phone text, email text NOT NULL" \
	"id, name, phone, email" "id, name, phone, ''")
good=$(rebuilt people "id integer PRIMARY KEY, name text, phone text, email text DEFAULT ''" \
	"id, name, phone, email")

# story [FIX-SQL]: the migration "email" and the one that mends it
story() {
	new_migration email "$broken" &&
	new_migration fix-email "${1:-$good}" "let people in again" "" "Fixes: email.sql" \
		"Failure-Mode: nobody without an address could be added"
}

seed="[seed]
INSERT INTO people (id, name, phone) VALUES (1, 'ann', '0151'), (2, 'bob', '0170'), (3, 'eve', NULL);
INSERT INTO pets VALUES (1, 'rex'), (2, 'tom');
"
failure="[failure: signing up]
INSERT INTO people (id, name, phone) VALUES (4, 'carol', '0171');
"
check="[check: all are there]
SELECT name, phone FROM people ORDER BY id
----
ann|0151
bob|0170
eve|NULL
"

# scenario TEXT...: commits it beside the fix
scenario() {
	scenario_text=$1
	shift
	for scenario_more; do
		scenario_text="$scenario_text
$scenario_more"
	done
	commit_file migrations/fix-email.scenario "$scenario_text"
}

# nothing_left: no folder, no database, no server
nothing_left() {
	ls "$short_dir" >nothing.actual && test_must_be_empty nothing.actual || return 1
	rm -f nothing.actual
	test_have_prereq PG || return 0
	test -z "$(pg "$PG_URL" "SELECT datname FROM pg_database WHERE datname ~ '^git_migrate_scratch_'")"
}

noted() {
	git notes --ref refs/notes/migrate-proof/rehearsals show \
		"$(git log --format=%H --diff-filter=A -1 -- "migrations/$1.sql")" 2>/dev/null
}

state() {
	rows && git status --porcelain && git for-each-ref | grep -v migrate-proof
	cat .git/config
}

passes() {
	git migrate rehearse "$@" >.git/t/out 2>.git/t/err || {
		cat .git/t/out .git/t/err
		return 1
	}
	nothing_left
}

# stops STEP MESSAGE [OPTION...]: the rehearsal fails there, and that is noted
stops() {
	stops_step=$1 stops_message=$2
	shift 2
	refuses 1 "$stops_message" git migrate rehearse "$@" fix-email || {
		cat .git/t/out .git/t/err
		return 1
	}
	noted fix-email | tail -n 1 >.git/t/note &&
	grep " result=failed step=$stops_step " .git/t/note && nothing_left
}

engines=sqlite
test_have_prereq PG && engines='sqlite postgresql'

for engine in $engines; do
	test_expect_success "$engine: one that passes, step by step" '
		scene $engine passes && story && scenario "$seed" "$failure" "$check" &&
		state >.git/t/before && passes fix-email && state >.git/t/after &&
		test_cmp .git/t/before .git/t/after &&
		sed -n "s/^  \([a-z][a-z]*\)  *.*/\1/p" .git/t/out >.git/t/steps &&
		printf "%s\n" before seed original failure fix works check kept compat >.git/t/expect &&
		test_cmp .git/t/expect .git/t/steps &&
		sed 1q .git/t/out | grep "^rehearsal of fix-email.sql, which corrects email.sql, on $engine/" &&
		grep "^  before    2 migrations\$" .git/t/out &&
		grep -i "^  failure   signing up: .*not.null" .git/t/out &&
		grep "^  kept      2 tables, 5 columns, 5 rows\$" .git/t/out &&
		grep "^    people.*dropped, 3 rows destroyed\$" .git/t/out &&
		! grep "not compared" .git/t/out && ! grep "no rows to lose" .git/t/out &&
		noted fix-email >.git/t/note &&
		grep "^rehearsed path=fix-email.sql blob=$(git rev-parse HEAD:migrations/fix-email.sql) result=passed" .git/t/note &&
		grep " scenario=$(git rev-parse HEAD:migrations/fix-email.scenario) " .git/t/note &&
		grep " original=email.sql original-blob=$(git rev-parse HEAD:migrations/email.sql) " .git/t/note &&
		sum=$(git migrate plan --porcelain | cut -d" " -f2,5 | sed "/ fix-email.sql/q" | sha256sum) &&
		grep " plan=${sum%% *} " .git/t/note &&
		grep " engine=$engine/.* head=$(git rev-parse HEAD) at=.* by=C%20O%20Mitter%20<committer@example.com>\$" .git/t/note &&
		git migrate show fix-email >.git/t/shown && grep "result=passed" .git/t/shown &&
		git -c migrate.requireRehearsal=true migrate check HEAD~2..HEAD &&
		scenario "$seed" "$failure" && test_expect_code 1 git -c migrate.requireRehearsal=true \
			migrate check HEAD~3..HEAD 2>.git/t/err && grep "fix-email.sql.*\[unrehearsed\]" .git/t/err &&
		passes fix-email && git -c migrate.requireRehearsal=true migrate check HEAD~3..HEAD &&
		git reset -q --hard HEAD^
	'

	test_expect_success "$engine: a failure that is none" '
		stops_on="does not fail without the fix" &&
		scenario "$seed" "[failure: reading]" "SELECT name FROM people;" "$check" &&
		stops failure "[failure: reading] $stops_on" &&
		scenario "$seed" "[failure]" "SELECT name FROM people;" &&
		stops failure "[failure] on line 5 $stops_on"
	'

	test_expect_success "$engine: a failure that stays one" '
		scenario "$seed" "[failure: signing in]" "SELECT nothing FROM people;" &&
		test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
		grep "^error: migrations/fix-email.scenario:[0-9:]*: \[failure: signing in\] still fails behind the fix: .*nothing" .git/t/err &&
		noted fix-email | tail -n 1 | grep "step=works" && nothing_left
	'

	test_expect_success "$engine: a wrong answer, which must be right behind the fix" '
		scenario "$seed" "[wrong: addresses]" "SELECT count(*) FROM people WHERE email IS NULL OR email = '\'''\''" "----" 3 &&
		stops failure "[wrong: addresses] holds without the fix" &&
		scenario "$seed" "[wrong: addresses]" "SELECT count(*) FROM people WHERE email IS NULL" "----" 3 &&
		stops works "[wrong: addresses] does not hold" &&
		grep "^        0\$" .git/t/err && grep "^        3\$" .git/t/err &&
		scenario "$seed" "[wrong: a column]" "SELECT count(born) FROM people" "----" 0 &&
		test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
		grep "still fails behind the fix" .git/t/err && nothing_left
	'

	test_expect_success "$engine: a check that fails, and one that cannot run" '
		scenario "$seed" "$failure" "[check: owners]" "SELECT name FROM pets ORDER BY name" "----" rex &&
		stops check "[check: owners] does not hold" &&
		scenario "$seed" "$failure" "[check: owners]" "SELECT name FROM pets WHERE owner = 7" "----" rex &&
		stops check "[check: owners] does not hold" && grep "no rows" .git/t/err &&
		scenario "$seed" "$failure" "[check]" "SELECT name FROM pets WHERE owner = 7" && passes fix-email &&
		scenario "$seed" "$failure" "[check]" "SELECT name FROM nowhere" &&
		test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
		grep "^error: .*does not run: .*nowhere" .git/t/err && nothing_left
	'

	test_expect_success "$engine: a seed that does not run, or is none" '
		scenario "[seed]" "INSERT INTO nowhere VALUES (1);" "$failure" &&
		test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
		grep "^error: migrations/fix-email.scenario:2:[0-9]*: .*nowhere" .git/t/err &&
		noted fix-email | tail -n 1 | grep "step=seed" && nothing_left &&
		scenario "$failure" "$check" &&
		stops kept "there are no rows that could be lost"
	'

	test_expect_success "$engine: -n notes nothing" '
		scenario "$seed" "$failure" "$check" &&
		git update-ref -d refs/notes/migrate-proof/rehearsals &&
		passes -n fix-email && grep "^passed\$" .git/t/out &&
		test_must_fail git rev-parse -q --verify refs/notes/migrate-proof/rehearsals
	'

	test_expect_success "$engine: rows that are lost" '
		scene $engine rows && story "$good DELETE FROM pets WHERE owner = 2;" &&
		scenario "$seed" "$failure" &&
		stops kept "what was there before is not kept: table pets had 2 rows and has 1" &&
		for may in "pets may change" "pets may go" "pets.name may change" "rows of people may go"; do
			scenario "$seed" "$failure" "[kept]" "$may: tom has died" && stops kept "what was there before is not kept: table pets had 2 rows and has 1" || return 1
		done &&
		scenario "$seed" "$failure" "[kept]" "1 row of pets may go: tom has died" && passes fix-email &&
		scenario "$seed" "$failure" "[kept]" "rows of pets.name may go: tom has died" && stops kept "[kept] names '\''pets.name'\'', which was not there before" &&
		scene $engine all-rows && story "$good DELETE FROM pets;" &&
		scenario "$seed" "$failure" "[kept]" "pets may change: tom has died" && stops kept "what was there before is not kept: table pets had 2 rows and has 0" &&
		scenario "$seed" "$failure" "[kept]" "1 row of pets may go: tom has died" && stops kept "what was there before is not kept: table pets had 2 rows and has 0" &&
		scenario "$seed" "$failure" "[kept]" "rows of pets may go: nobody has any" && passes fix-email &&
		scene $engine others && story "$good DELETE FROM pets WHERE owner = 2; UPDATE pets SET name = '\''max'\'';" &&
		scenario "$seed" "$failure" "[kept]" "1 row of pets may go: tom has died" &&
		stops kept "what was there before is not kept: table pets has 1 row that was not there before" &&
		scenario "$seed" "$failure" "[kept]" "1 row of pets may go: tom has died" "pets.name may change: all are called max" && passes fix-email &&
		scene $engine more && story "$good INSERT INTO pets VALUES (3, '\''kitty'\'');" &&
		scenario "$seed" "$failure" "[kept]" "rows of pets may go: one too many" && stops kept "what was there before is not kept: table pets had 2 rows and has 3" &&
		scenario "$seed" "$failure" "[kept]" "pets may change: they have all" && passes fix-email
	'

	test_expect_success "$engine: a table that the fix touches, without rows" '
		scene $engine empty && new_migration things "CREATE TABLE things (x integer); CREATE TABLE others (x integer);" &&
		story "$good DELETE FROM pets; UPDATE Things SET x = NULL;" &&
		scenario "${seed%INSERT INTO pets*}" "$failure" && passes fix-email &&
		grep "had no rows" .git/t/out >.git/t/actual && cat >.git/t/expect <<-\END && test_cmp .git/t/expect .git/t/actual &&
		    table pets: had no rows to lose: put some into [seed]
		    table things: had no rows to lose: put some into [seed]
		END
		git migrate rehearse --json -n fix-email >.git/t/json && grep "table pets: had no rows to lose" .git/t/json
	'

	test_expect_success "$engine: a table and a column that are lost" '
		scene $engine gone &&
		story "$(rebuilt people "id integer PRIMARY KEY, name text, email text" "id, name, email") DROP TABLE pets;" &&
		scenario "$seed" "[failure]" "INSERT INTO people (id, name) VALUES (4, '\''carol'\'');" &&
		stops kept "what was there before is not kept: column people.phone is gone, with 2 values" &&
		grep "table pets is gone, with 2 rows" .git/t/err &&
		cp migrations/fix-email.scenario .git/t/kept && cat >>.git/t/kept <<-\END &&
		[kept]
		# both on purpose
		people.phone may go: nobody asks for it
		pets may go: they have a service of their own
		END
		scenario "$(cat .git/t/kept)" && passes fix-email
	'

	test_expect_success "$engine: a lossy fix, and values in other rows" '
		scene $engine values && story "$good UPDATE people SET phone = '\''+49'\'' || phone;" &&
		scenario "$seed" "$failure" &&
		stops kept "what was there before is not kept: column people.phone has other values" &&
		scenario "$seed" "$failure" "[kept]" "people.phone may change: they are international now" && passes fix-email &&
		scene $engine nulls && story "$good UPDATE people SET phone = '\''?'\'' WHERE phone IS NULL;" &&
		scenario "$seed" "$failure" &&
		stops kept "what was there before is not kept: column people.phone had 2 values and has 3" &&
		scene $engine swapped &&
		story "$good UPDATE people SET phone = CASE id WHEN 1 THEN '\''0170'\'' ELSE '\''0151'\'' END WHERE id < 3;" &&
		scenario "$seed" "$failure" &&
		stops kept "what was there before is not kept: column people.phone has its values in other rows"
	'

	test_expect_success "$engine: rows are compared without a primary key, and with another one now" '
		scene $engine unkeyed && story "$good UPDATE pets SET name = CASE owner WHEN 1 THEN '\''tom'\'' ELSE '\''rex'\'' END;" && scenario "$seed" "$failure" &&
		stops kept "what was there before is not kept: table pets has its values in other rows: 2 of 2 rows" &&
		scenario "$seed" "$failure" "[kept]" "pets.name may change: they were given away" && passes fix-email &&
		scene $engine twins && story "$good DELETE FROM pets WHERE owner IS NULL; INSERT INTO pets VALUES (2, '\''tom'\''), (NULL, NULL);" &&
		twins="[seed]
INSERT INTO people VALUES (1, '\''ann'\'', NULL); INSERT INTO pets VALUES (2, '\''tom'\''), (2, '\''tom'\''), (NULL, NULL), (2, NULL), (NULL, '\''tom'\'');" &&
		scenario "$twins" "$failure" && stops kept "what was there before is not kept: column pets.owner had 3 values and has 4" &&
		scene $engine same-twins && story "$good DELETE FROM pets WHERE owner IS NULL; INSERT INTO pets VALUES (NULL, '\''tom'\''), (NULL, NULL);" &&
		scenario "$twins" "$failure" && passes fix-email &&
		scene $engine unique && new_migration tags "CREATE TABLE tags (note text, a integer NOT NULL, b integer NOT NULL, loose integer UNIQUE); CREATE UNIQUE INDEX tags_ab ON tags (b, a);" &&
		story "$good UPDATE tags SET note = CASE a WHEN 1 THEN '\''y'\'' ELSE '\''x'\'' END;" &&
		scenario "$seed INSERT INTO tags VALUES ('\''x'\'', 1, 1, 1), ('\''y'\'', 2, 1, 2);" "$failure" &&
		stops kept "what was there before is not kept: column tags.note has its values in other rows" &&
		scene $engine rekeyed &&
		story "$(rebuilt people "id integer, nr integer PRIMARY KEY, name text, phone text, email text DEFAULT '\'''\''" "id, nr, name, phone, email" "id, id, name, CASE id WHEN 1 THEN '\''0170'\'' WHEN 2 THEN '\''0151'\'' END, email")" &&
		works="[failure]
		INSERT INTO people (id, name) VALUES (4, '\''carol'\'');" &&
		works=$(echo "$works" | sed "s/(id, name) VALUES (4/(id, nr, name) VALUES (4, 4/") &&
		scenario "$seed" "$works" && stops kept "what was there before is not kept: column people.phone has its values in other rows" &&
		scene $engine renumbered &&
		story "$(rebuilt people "id integer PRIMARY KEY, name text, phone text, email text DEFAULT '\'''\''" "id, name, phone, email" "id + 10, name, CASE id WHEN 1 THEN '\''0170'\'' WHEN 2 THEN '\''0151'\'' END, email")" &&
		scenario "$seed" "$failure" "[kept]" "people.id may change: numbers begin at 10" &&
		stops kept "what was there before is not kept: table people has its values in other rows: 2 of 3 rows" &&
		scene $engine key-renamed &&
		story "$(rebuilt people "nr integer PRIMARY KEY, name text, phone text, email text DEFAULT '\'''\''" "nr, name, phone, email" "id, name, CASE id WHEN 1 THEN '\''0170'\'' WHEN 2 THEN '\''0151'\'' END, email")" &&
		works=$(echo "$failure" | sed "s/(id/(nr/") && scenario "$seed" "$works" "[kept]" "people.id is now people.nr: it is a number" &&
		stops kept "what was there before is not kept: column people.phone has its values in other rows" &&
		git reset -q --hard HEAD~2 && new_migration fix-email "$(rebuilt people "nr integer PRIMARY KEY, name text, phone text, email text DEFAULT '\'''\''" "nr, name, phone, email" "id, name, phone, email")" \
			"let people in again" "" "Fixes: email.sql" "Failure-Mode: nobody without an address could be added" &&
		scenario "$seed" "$works" "[kept]" "people.id is now people.nr: it is a number" && passes fix-email
	'

	test_expect_success "$engine: a column in another table, whose rows cannot be compared" '
		scene $engine astray && story "$good CREATE TABLE phones (owner integer PRIMARY KEY, phone text); INSERT INTO phones SELECT id, phone FROM people; UPDATE people SET phone = NULL;" &&
		scenario "$seed" "$failure" "[kept]" "people.phone is now phones.phone: one has several" && passes fix-email &&
		grep "^    column people.phone: rows not compared: its table now has another key\$" .git/t/out
	'

	test_expect_success "$engine: what is kept elsewhere, and a rule that is about nothing" '
		scene $engine namesback && story "$good ALTER TABLE people RENAME COLUMN phone TO mobile; ALTER TABLE pets RENAME TO animals;" &&
		works="[failure]
		INSERT INTO people (id, name) VALUES (4, '\''carol'\'');" &&
		scenario "$seed" "$works" "[kept]" "people.phone is now people.mobile: it says more" &&
		stops kept "what was there before is not kept: table pets is gone, with 2 rows" &&
		scenario "$seed" "$works" "[kept]" "people.phone is now people.mobile: it says more" "pets is now animals: as well" &&
		passes fix-email &&
		scenario "$seed" "$works" "[kept]" "people.phones may change: mistyped" &&
		stops kept "[kept] names '\''people.phones'\'', which was not there before"
	'

	test_expect_success "$engine: a lossy type change, and its recovery" '
		scene $engine lossy &&
		new_migration email "$(rebuilt people "id integer PRIMARY KEY, name text, phone integer" "id, name, phone" "id, name, CAST(phone AS integer)")" &&
		new_migration fix-email "ALTER TABLE people ADD COLUMN phone_text text; UPDATE people SET phone_text = CAST(phone AS text);" \
			"phones are text again" "" "Fixes: email.sql" "Failure-Mode: leading zeros were lost" &&
		wrong="[wrong: dialling]
		SELECT phone_text FROM people WHERE id = 1
		----
		0151" &&
		kept="[kept]
		people.phone is now people.phone_text: the old one goes with a contract" &&
		printf "%s\n" "$wrong" "$kept" | sed "s/^	*//" >.git/t/more &&
		scenario "$seed" "$(sed 5,\$!d .git/t/more)" "[check]" "SELECT 1" "----" 1 "[unshown]" "a first step" &&
		stops kept "what was there before is not kept: column people.phone has other values" &&
		scenario "$seed" "$(cat .git/t/more)" &&
		stops works "[wrong: dialling] does not hold" &&
		new_migration fix-again "UPDATE people SET phone_text = '\''0'\'' || phone;" \
			"with their zeros" "" "Fixes: fix-email.sql" "Fixes: email.sql" "Failure-Mode: leading zeros were lost" &&
		commit_file migrations/fix-again.scenario "$seed
$(cat .git/t/more)" &&
		passes fix-again && sed 1q .git/t/out | grep "^rehearsal of fix-again.sql, which corrects email.sql, "
	'

	test_expect_success "$engine: a fix that takes what the original added is a down migration, and needs leave" '
		scene $engine down &&
		new_migration email "ALTER TABLE people ADD COLUMN email text DEFAULT '\''none'\''; CREATE TABLE mails (x integer);" &&
		new_migration fix-email "ALTER TABLE people DROP COLUMN email; DROP TABLE mails;" \
			"as it was" "" "Fixes: email.sql" "Failure-Mode: too many values" &&
		scenario "$seed" "[check]" "SELECT count(*) FROM people" "----" 3 "[unshown]" "a trial" &&
		stops kept "what was there before is not kept: table mails, which '\''email.sql'\'' added, is gone" &&
		grep "^ *column people.email, which '\''email.sql'\'' added, is gone\.$" .git/t/err &&
		scenario "$seed" "[check]" "SELECT 1" "----" 1 "[unshown]" "a trial" "[kept]" "people.email may go: nobody has written it yet" &&
		stops kept "what was there before is not kept: table mails, which '\''email.sql'\'' added, is gone" &&
		scenario "$seed" "[check]" "SELECT 1" "----" 1 "[unshown]" "a trial" "[kept]" "people.email may go: nobody has written it yet" \
			"mails may go: it was never used" && passes fix-email &&
		scenario "$seed" "[check]" "SELECT 1" "----" 1 "[unshown]" "a trial" "[kept]" "people.email may change: it is new" &&
		stops kept "[kept] names '\''people.email'\'', which was not there before" &&
		new_migration fix-kept "ALTER TABLE people RENAME COLUMN email TO mail;" "another name" "" "Fixes: email.sql" \
			"Failure-Mode: the name was wrong" &&
		git rm -q migrations/fix-email.sql && git mv migrations/fix-email.scenario migrations/fix-kept.scenario &&
		printf "%s\n" "$seed[check]" "SELECT 1" ---- 1 "[unshown]" "a trial" "[kept]" "people.email is now people.mail: it says more" \
			>migrations/fix-kept.scenario && git add migrations && git commit -q -m "renamed" && passes fix-kept
	'

	test_expect_success "$engine: what came in between is not taken away or emptied without leave" '
		scene $engine between &&
		new_migration email "CREATE TABLE mails (x integer); INSERT INTO mails SELECT id FROM people;" &&
		new_migration more "ALTER TABLE people ADD COLUMN mail text; UPDATE people SET mail = name; CREATE TABLE orders (x integer);" &&
		new_migration fix-email "DELETE FROM mails; UPDATE people SET mail = NULL; DROP TABLE orders;" "as it was" "" \
			"Fixes: email.sql" "Failure-Mode: too many values" &&
		emptied="[wrong]
SELECT count(*) FROM mails
----
0" && scenario "$seed" "$emptied" &&
		stops kept "what was there before is not kept: table mails, which '\''email.sql'\'' or one behind it added, had 3 rows and has 0" &&
		grep "^ *table orders, which '\''email.sql'\'' or one behind it added, is gone\.$" .git/t/err &&
		grep "^ *column people.mail, which '\''email.sql'\'' or one behind it added, had 3 values and has 0\.$" .git/t/err &&
		leave="[kept]
people.mail may go: wrong ones
orders may go: nobody orders" && scenario "$seed" "$emptied" "$leave" "2 rows of mails may go: as well" &&
		stops kept "what was there before is not kept: table mails, which '\''email.sql'\'' or one behind it added, had 3 rows and has 0" &&
		scenario "$seed" "$emptied" "$leave" "rows of mails may go: as well" && passes fix-email &&
		scenario "$seed" "$emptied" "$leave" "mails may go: as well" && passes fix-email && git reset -q --hard HEAD~5 &&
		new_migration fix-email "DELETE FROM mails WHERE x = 1; UPDATE people SET mail = NULL WHERE id = 1;" "some" "" \
			"Fixes: email.sql" "Failure-Mode: too many values" &&
		scenario "$seed" "[wrong]" "SELECT count(*) FROM mails" ---- 2 && passes fix-email &&
		grep "^    table mails, which '\''email.sql'\'' or one behind it added, had 3 rows and has 2$" .git/t/out &&
		grep "^    column people.mail, which .* added, had 3 values and has 2$" .git/t/out
	'

	test_expect_success "$engine: what the original renamed may have its name again" '
		scene $engine renamed && case $engine in
		sqlite)
			add="INSERT INTO people (id, name) VALUES (8, '\''carol'\'')"
			;;
		*)
			add="INSERT INTO pets (owner, name) VALUES (8, '\''x'\''); INSERT INTO people (id, name) VALUES (8, '\''carol'\'')"
			;;
		esac &&
		new_migration email "ALTER TABLE people RENAME COLUMN name TO surname; ALTER TABLE pets RENAME TO animals;" &&
		new_migration fix-email "ALTER TABLE people RENAME COLUMN surname TO name; ALTER TABLE animals RENAME TO pets;" \
			"as it was" "" "Fixes: email.sql" "Failure-Mode: code that runs knows the old names" &&
		scenario "$seed" "[failure]" "$add;" && passes fix-email && git reset -q --hard HEAD~2 &&
		new_migration fix-email "ALTER TABLE people DROP COLUMN surname; ALTER TABLE people ADD COLUMN name text; ALTER TABLE animals RENAME TO pets;" \
			"lossy" "" "Fixes: email.sql" "Failure-Mode: code that runs knows the old names" "Data-Loss: a trial" &&
		scenario "$seed" "[failure]" "$add;" &&
		stops kept "what was there before is not kept: column people.name had 3 values and has 0" &&
		grep "^ *column people.surname, which '\''email.sql'\'' added, is gone\.$" .git/t/err &&
		grep "^hint: .*so does what has another name now: \"<table>.<column> is now <table>.<column>: <reason>\"" .git/t/err
	'

	test_expect_success "$engine: what a table that is made anew leaves behind is told" '
		scene $engine hangs && case $engine in
		sqlite)
			serial="integer PRIMARY KEY AUTOINCREMENT" in= trigger="BEGIN SELECT 1; END" drop=
			;;
		*)
			serial="serial PRIMARY KEY" in=public. trigger="FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
			drop="DROP VIEW all_things;"
			;;
		esac &&
		new_migration things "CREATE TABLE things (id $serial, n text DEFAULT '\''x'\'' UNIQUE);
CREATE INDEX things_at ON things (id, n); CREATE VIEW all_things AS SELECT n FROM things;
CREATE TRIGGER touched BEFORE UPDATE ON things $trigger;" &&
		new_migration email "ALTER TABLE people ADD COLUMN email text;" &&
		new_migration fix-email "ALTER TABLE people ADD COLUMN more text;" "all stays" "" "Fixes: email.sql" "Failure-Mode: too few" &&
		scenario "$seed" "INSERT INTO things (n) VALUES ('\''a'\''), ('\''b'\'');" "[wrong]" "SELECT count(more) FROM people" ---- 0 && passes fix-email &&
		! grep -E "not there any more| is gone$| is now " .git/t/out && git reset -q --hard HEAD~2 &&
		new_migration fix-email "DROP VIEW IF EXISTS all_things; ALTER TABLE people ADD COLUMN more text;
$(rebuilt things "id integer PRIMARY KEY, n text" "id, n")" "made anew" "" "Fixes: email.sql" "Failure-Mode: too few" &&
		scenario "$seed" "INSERT INTO things (n) VALUES ('\''a'\''), ('\''b'\'');" "[wrong]" "SELECT count(more) FROM people" ---- 0 && passes --json fix-email &&
		for remark in "view ${in}all_things is gone" "table ${in}things: column n text default '\''x'\''.* is now column n text" \
			"table ${in}things: not there any more: .*(id, n)" "table ${in}things: column id .* is now column id " \
			"table ${in}things: not there any more: .*(n)" "trigger.* touched"; do
			python3 -c "
import json, re, sys
remarks = json.load(open('\''.git/t/out'\''))['\''kept'\'']['\''remarks'\'']
assert [r for r in remarks if re.search(sys.argv[1].replace('\''('\'', '\''[(]'\'').replace('\'')'\'', '\''[)]'\''), r, re.I)], remarks" "$remark" || return 1
		done
	'

	test_expect_success "$engine: one in the place of the original ends in the same schema" '
		scene $engine same && case $engine in
		sqlite)
			bad=$broken mended=$good
			instead="$(rebuilt people "id integer PRIMARY KEY, name text, phone text, email text DEFAULT '\'''\''" \
				"id, name, phone, email" "id, name, phone, '\'''\''")"
			;;
		*)
			bad="ALTER TABLE people ADD email text NOT NULL DEFAULT '\'''\''; ALTER TABLE people ALTER email DROP DEFAULT;"
			mended="ALTER TABLE people ALTER email DROP NOT NULL, ALTER email SET DEFAULT '\'''\'';"
			instead="ALTER TABLE people ADD email text DEFAULT '\'''\'';"
			;;
		esac &&
		new_migration email "$bad" && new_migration fix-email "$mended" "let people in again" "" "Fixes: email.sql" \
			"Failure-Mode: nobody without an address could be added" &&
		scenario "$seed" "$failure" "$check" && passes fix-email && ! grep "^  same" .git/t/out &&
		new_migration instead "$instead" "an address from the start" "" "Supersedes: email.sql" &&
		passes fix-email && grep "^  same      with instead.sql in place of it, schema " .git/t/out &&
		grep "^  original  email.sql" .git/t/out && grep "^  failure   signing up: " .git/t/out &&
		commit_file migrations/instead.scenario "$seed$check" && passes instead &&
		grep "^  before    2 migrations\$" .git/t/out && grep "^  same      with instead.sql" .git/t/out &&
		git reset -q --hard HEAD~2 &&
		new_migration instead "$instead CREATE TABLE more (x integer);" "more than that" "" "Supersedes: email.sql" &&
		stops same "the schema is another one where '\''instead.sql'\'' ran in place of '\''email.sql'\''" &&
		grep "^detail: They differ in: table .*more" .git/t/err
	'

	test_expect_success "$engine: what cannot run is replaced, and there is nothing to compare" '
		scene $engine cannot && git config migrate.default.requireRehearsal all &&
		new_migration email "SELECT nothing;" && new_migration instead "ALTER TABLE people ADD COLUMN email text;" \
			"one that runs" "" "Supersedes: email.sql" &&
		commit_file migrations/instead.scenario "$seed$check" && passes instead &&
		grep "^  same      email.sql cannot run here: there is nothing to compare\$" .git/t/out &&
		passes -n --json instead && python3 -c "
import json
one = [s for s in json.load(open('\''.git/t/out'\''))['\''steps'\''] if s['\''step'\''] == '\''same'\''][0]
assert one['\''said'\''] == '\''email.sql cannot run here: there is nothing to compare'\'' and not one['\''what'\''], one" &&
		git migrate apply >.git/t/out 2>&1 && grep "applied  instead.sql" .git/t/out && git reset -q --hard HEAD~3 &&
		new_migration email "ALTER TABLE people ADD COLUMN mail text;" &&
		new_migration instead "ALTER TABLE people ADD COLUMN email text;" "another one" "" "Supersedes: email.sql" &&
		commit_file migrations/instead.scenario "$seed$check" &&
		refuses 1 "the schema is another one where '\''instead.sql'\'' ran in place of '\''email.sql'\''" git migrate rehearse instead
	'

	test_expect_success "$engine: one in the place of the original ends behind the contract that it knew" '
		scene $engine knew && new_migration email "ALTER TABLE people ADD COLUMN mail text;" &&
		new_migration fix-email "ALTER TABLE people ADD COLUMN email text;" "the right name" "" "Fixes: email.sql" "Failure-Mode: wrong" &&
		new_migration clear "ALTER TABLE people DROP COLUMN mail;" "not read any more" "" "Phase: contract" "Pairs-With: fix-email.sql" \
			"Data-Loss: it is in the other one" &&
		new_migration instead "ALTER TABLE people ADD COLUMN email text;" "at once" "" "Supersedes: email.sql" &&
		commit_file migrations/instead.scenario "$seed$check" && passes instead && grep "^  same      with instead.sql" .git/t/out &&
		git reset -q --hard HEAD~2 && new_migration instead "ALTER TABLE people ADD COLUMN email text; ALTER TABLE people ADD COLUMN mail text;" \
			"with what is cleared away" "" "Supersedes: email.sql" && commit_file migrations/instead.scenario "$seed$check" &&
		refuses 1 "the schema is another one where '\''instead.sql'\'' ran in place of '\''email.sql'\''" git migrate rehearse instead
	'

	test_expect_success "$engine: an original that does not run" '
		scene $engine original && new_migration email "SELECT nothing;" &&
		new_migration fix-email "SELECT 1;" "it was nothing" "" "Fixes: email.sql" "Failure-Mode: it fails" &&
		scenario "$seed" "$failure" &&
		test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
		grep "^error: .*nothing" .git/t/err && noted fix-email | grep "step=original" && nothing_left
	'

	test_expect_success "$engine: a migration that corrects none" '
		scene $engine plain && new_migration fix-email "CREATE INDEX by_phone ON people (phone);" &&
		scenario "$seed" "$check" && passes fix-email &&
		sed 1q .git/t/out | grep "^rehearsal of fix-email.sql, on $engine/" &&
		noted fix-email | grep "result=passed" && test_must_fail grep "original=" .git/t/out &&
		scenario "$seed" "[failure]" "DROP INDEX by_phone;" && passes fix-email
	'

	test_expect_success "$engine: code that runs now must run behind each of them" '
		scene $engine compat &&
		commit_file compat/signup.sql "INSERT INTO people (id, name) VALUES (9, '\''zoe'\'');" &&
		commit_file compat/README "no SQL" &&
		new_migration more "CREATE TABLE more (x integer);" && git migrate apply >.git/t/out 2>&1 &&
		story && scenario "$seed" "$failure" &&
		passes fix-email && grep "^  compat    1 file of $(git rev-parse HEAD~3 | cut -c1-12) behind 1 migration\$" .git/t/out &&
		noted fix-email | grep " deployed=$(git rev-parse HEAD~3) " &&
		new_migration later "$(rebuilt people "id integer PRIMARY KEY, name text, phone text, email text, born integer NOT NULL" "id, name, phone, email, born" "id, name, phone, email, 0")" &&
		test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
		grep -i "^error: compat/signup.sql behind .later.sql.: .*not.null" .git/t/err && grep "^hint: The code that runs now would fail" .git/t/err &&
		noted fix-email | tail -n 1 | grep "step=compat" && nothing_left &&
		git reset -q --hard HEAD~1 && passes fix-email
	'

	test_expect_success "$engine: the revision that is deployed, and code that fails already" '
		git tag deployed HEAD~4 && commit_file compat/signup.sql "INSERT INTO nowhere VALUES (1);" &&
		git config migrate.default.deployed deployed && passes fix-email &&
		grep "^  compat    1 file of $(git rev-parse deployed | cut -c1-12) behind 1 migration\$" .git/t/out &&
		git config migrate.default.deployed nowhere &&
		test_expect_code 128 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
		grep "^error: migrate.default.deployed: revision .nowhere. names no commit" .git/t/err && grep "^hint: " .git/t/err && nothing_left &&
		git config migrate.default.deployed main &&
		test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
		grep "^error: compat/signup.sql: .*nowhere" .git/t/err && nothing_left
	'

	test_expect_success "$engine: while the failure is live, its fix passes; one that leaves it there does not" '
		scene $engine live &&
		commit_file compat/signup.sql "INSERT INTO people (id, name) VALUES (9, '\''zoe'\'');" && story &&
		git migrate apply --to email >.git/t/out 2>&1 && scenario "$seed" "$failure" "$check" && passes fix-email &&
		grep "^  compat    1 file of $(git rev-parse HEAD~1 | cut -c1-12) behind 1 migration\$" .git/t/out &&
		git -c migrate.default.requireRehearsal=fixes migrate apply >.git/t/out 2>.git/t/err &&
		db "INSERT INTO people (id, name) VALUES (9, '\''zoe'\'')" &&
		scene $engine live-half && commit_file compat/signup.sql "INSERT INTO people (id, name) VALUES (9, '\''zoe'\'');" &&
		story "$(rebuilt people "id integer PRIMARY KEY, name text, phone text NOT NULL, email text DEFAULT '\'''\''" "id, name, phone, email" "id, name, coalesce(phone, '\'''\''), email")" &&
		git migrate apply --to email >.git/t/out 2>&1 && scenario "$seed" "$failure" "[kept]" "people.phone may change: none is the empty one" &&
		test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err && grep -i "^error: compat/signup.sql behind .fix-email.sql.: .*not.null" .git/t/err &&
		noted fix-email | tail -n 1 | grep " result=failed step=compat " && nothing_left &&
		grep "^hint: The code that runs now would fail" .git/t/err
	'

	test_expect_success "$engine: a failure that is live and has no fix to come is told" '
		scene $engine live-other &&
		commit_file compat/signup.sql "INSERT INTO people (id, name) VALUES (9, '\''zoe'\'');" &&
		story &&
		git migrate apply --to email >.git/t/out 2>&1 && scenario "$seed" "$failure" && passes fix-email &&
		git migrate apply >.git/t/out 2>&1 &&
		new_migration email2 "$(rebuilt people "id integer PRIMARY KEY, name text, phone text, email text NOT NULL" "id, name, phone, email")" &&
		git migrate apply >.git/t/out 2>&1 && new_migration other "CREATE TABLE other (x integer);" &&
		commit_file migrations/other.scenario "[seed]
INSERT INTO people VALUES (1, '\''ann'\'', NULL, '\''none'\'');
[check]
SELECT count(*) FROM other
----
0" &&
		test_expect_code 1 git migrate rehearse other >.git/t/out 2>.git/t/err &&
		grep "^error: compat/signup.sql: .*email" .git/t/err && grep "^hint: It fails already" .git/t/err &&
		noted other | grep "result=failed step=compat " && nothing_left
	'

	test_expect_success "$engine: code that fails on rows that are there alone, and what lies below compat/" '
		scene $engine compat-rows && commit_file compat/sub/b.sql "INSERT INTO nowhere VALUES (1);" &&
		commit_file compat/forget.sql "UPDATE people SET phone = NULL WHERE id = 1;" &&
		new_migration more "CREATE TABLE more (x integer);" && git migrate apply >.git/t/out 2>&1 &&
		new_migration email "$(rebuilt people "id integer PRIMARY KEY, name text, phone text NOT NULL" "id, name, phone")" &&
		commit_file migrations/email.scenario "[seed]
INSERT INTO people VALUES (1, '\''ann'\'', '\''0151'\'');
[check]
SELECT phone FROM people
----
0151" &&
		test_expect_code 1 git migrate rehearse email >.git/t/out 2>.git/t/err &&
		grep -i "^error: compat/forget.sql behind .email.sql.: .*not.null" .git/t/err &&
		grep "^hint: The code that runs now would fail.*Where the rows of \[seed\]" .git/t/err &&
		noted email | grep "result=failed step=compat " && nothing_left &&
		new_migration fix-email "$(rebuilt people "id integer PRIMARY KEY, name text, phone text" "id, name, phone")" \
			"let them forget" "" "Fixes: email.sql" "Failure-Mode: nobody could be forgotten" &&
		scenario "[seed]" "INSERT INTO people VALUES (1, '\''ann'\'', '\''0151'\'');" "[failure]" "UPDATE people SET phone = NULL WHERE id = 1;" &&
		passes fix-email && grep "^  compat    1 file of .* behind 1 migration\$" .git/t/out &&
		db "INSERT INTO people VALUES (1, '\''ann'\'', '\''0151'\'')" && git migrate apply --to email >.git/t/out 2>&1 && passes fix-email &&
		grep "^  compat    1 file of .* behind 1 migration\$" .git/t/out
	'

	test_expect_success "$engine: a copy of the target, with its rows" '
		scene $engine copy && db "INSERT INTO people VALUES (1, '\''ann'\'', '\''0151'\''), (2, '\''bob'\'', NULL)" &&
		story && scenario "[failure]" "INSERT INTO people (id, name) VALUES (4, '\''carol'\'');" &&
		rows >.git/t/before && passes --copy fix-email && rows >.git/t/after && test_cmp .git/t/before .git/t/after &&
		grep "^  kept      2 tables, 5 columns, 2 rows\$" .git/t/out &&
		git migrate apply --to email >.git/t/applied 2>&1 && passes --copy fix-email &&
		! grep "^  original" .git/t/out && grep "^  kept      2 tables, 6 columns, 2 rows\$" .git/t/out &&
		git migrate apply >.git/t/applied 2>&1 &&
		refuses 1 "the copy has migration '\''fix-email.sql'\'' already" git migrate rehearse --copy fix-email && nothing_left &&
		test "$(db "SELECT count(*) FROM people")" = 2
	'

	test_expect_success "$engine: code that runs now is tried with the rows of the copy" '
		scene $engine copy-rows && commit_file compat/forget.sql "UPDATE people SET phone = NULL WHERE id = 1;" &&
		commit_file compat/signup.sql "INSERT INTO people (id, name) VALUES (2, '\''bob'\'');" &&
		new_migration more "CREATE TABLE more (x integer);" && git migrate apply >.git/t/out 2>&1 &&
		db "INSERT INTO people VALUES (1, '\''ann'\'', '\''0151'\''), (2, '\''bob'\'', '\''0170'\'')" &&
		new_migration fix-email "$(rebuilt people "id integer PRIMARY KEY, name text, phone text NOT NULL" "id, name, phone")" &&
		copy_check="[check]
SELECT count(*) FROM people
----" && scenario "$copy_check" 2 && stops compat "compat/forget.sql behind '\''fix-email.sql'\'': $(
			case $engine in sqlite) echo "NOT NULL constraint failed: people.phone" ;; *) echo "null value in column \"phone\" of relation \"people\" violates not-null constraint" ;; esac)" --copy &&
		grep "^hint: The code that runs now would fail.*It has run with the rows of the copy before" .git/t/err &&
		git reset -q --hard HEAD~2 &&
		new_migration fix-email "$(rebuilt people "id integer PRIMARY KEY, name text, phone text, more text" "id, name, phone")" &&
		scenario "$copy_check" 2 && passes --copy fix-email && grep "^  compat    2 files of .* behind 1 migration\$" .git/t/out &&
		grep -i "^    compat/signup.sql: tried without rows, since on those of the copy it fails: .*unique" .git/t/out &&
		test $(grep -c "tried without rows" .git/t/out) = 1 &&
		git migrate rehearse --copy -n --json fix-email >.git/t/json && grep "\"without_rows\": *\[[^]]*compat/signup.sql\|\"file\": *\"signup.sql\"" .git/t/json &&
		git reset -q --hard HEAD~2 &&
		new_migration fix-email "$(rebuilt people "id integer PRIMARY KEY, name text, phone text, born integer NOT NULL" "id, name, phone, born" "id, name, phone, 0")" &&
		scenario "$copy_check" 2 && test_expect_code 1 git migrate rehearse --copy fix-email >.git/t/out 2>.git/t/err &&
		grep -i "^error: compat/signup.sql behind .fix-email.sql.: .*not.null" .git/t/err && nothing_left
	'

	test_expect_success "$engine: on a copy, while the failure is live, its fix passes" '
		scene $engine copy-live && commit_file compat/signup.sql "INSERT INTO people (id, name) VALUES (9, '\''zoe'\'');" &&
		commit_file compat/taken.sql "INSERT INTO people (id, name) VALUES (1, '\''zoe'\'');" && story &&
		git migrate apply --to email >.git/t/out 2>&1 && db "INSERT INTO people VALUES (1, '\''ann'\'', '\''0151'\'', '\''none'\'')" &&
		scenario "$failure" && passes --copy fix-email && grep "^  compat    2 files of .* behind 1 migration\$" .git/t/out &&
		grep "^    compat/taken.sql: tried without rows" .git/t/out && ! grep "compat/signup.sql: tried" .git/t/out
	'
done

# columns NR: "c1 integer, c2 integer, ..."
columns() {
	awk -v nr="$1" 'BEGIN { for (i = 1; i <= nr; i++) printf "%sc%d integer", (i > 1 ? ", " : ""), i }'
}

test_expect_success 'SQLite: tables of all kinds are counted' '
	scene sqlite kinds &&
	new_migration fix-email "CREATE TABLE \"my \"\"table\" (\"a b\" text, PRIMARY KEY (\"a b\")) WITHOUT ROWID;
		CREATE TABLE blobs (id integer PRIMARY KEY, b blob, g integer AS (id * 2), s text AS (id || 0) STORED);
		CREATE TABLE wide ($(columns 60)); CREATE VIEW seen AS SELECT * FROM people;" &&
	new_migration later "ALTER TABLE wide ADD d integer;" && commit_file migrations/later.scenario "[seed]
INSERT INTO \"my \"\"table\" VALUES ('\''x'\''), ('\''y'\'');
INSERT INTO blobs (b) VALUES (x'\''0001'\''), (x'\''0002'\'');
INSERT INTO wide (c60) VALUES (60);
[check]
SELECT * FROM wide
----
$(awk "BEGIN { for (i = 1; i < 60; i++) printf \"NULL|\" }")60|NULL" &&
	passes later && grep "^  kept      5 tables, 70 columns, 5 rows\$" .git/t/out &&
	new_migration last "UPDATE blobs SET b = x'\''0003'\'' WHERE id = 2; UPDATE \"my \"\"table\" SET \"a b\" = '\''z'\'' WHERE \"a b\" = '\''x'\'';" &&
	git mv migrations/later.scenario migrations/last.scenario && sed "/^\[check\]/,\$d" migrations/last.scenario >.git/t/text &&
	commit_file migrations/last.scenario "$(cat .git/t/text)
[check]
SELECT 1
----
1" && test_expect_code 1 git migrate rehearse last >.git/t/out 2>.git/t/err &&
	grep "^error: .*: column blobs.b has other values" .git/t/err && grep "column \"my \"\"table\".\"a b\" has other values" .git/t/err && nothing_left
'

test_expect_success 'SQLite: names in [kept] are written as in SQL' '
	scene sqlite names && new_migration odd "CREATE TABLE \"a.b\" (id integer PRIMARY KEY, x text); CREATE TABLE a (b text, id integer PRIMARY KEY);
CREATE TABLE \"order\" (key text, \"c\"\"d\" text, größe text);" &&
	new_migration later "UPDATE \"a.b\" SET x = 2; UPDATE a SET b = 2; UPDATE \"order\" SET key = 2, \"c\"\"d\" = 2, größe = 2;" &&
	odd_seed="[seed]
INSERT INTO \"a.b\" VALUES (1, 1); INSERT INTO a VALUES (1, 1); INSERT INTO \"order\" VALUES (1, 1, 1);
[check]
SELECT 1
----
1
[kept]
\"order\".key may change: it is odd
\"order\".\"c\"\"d\" may change: as well
\"order\".größe may change: as well" &&
	commit_file migrations/later.scenario "$odd_seed
\"a.b\".x may change: as well" && test_expect_code 1 git migrate rehearse later >.git/t/out 2>.git/t/err &&
	grep "^error: what was there before is not kept: column a.b has other values" .git/t/err &&
	commit_file migrations/later.scenario "$odd_seed
a.b may change: as well" && test_expect_code 1 git migrate rehearse later >.git/t/out 2>.git/t/err &&
	grep "^error: what was there before is not kept: column \"a.b\".x has other values" .git/t/err &&
	commit_file migrations/later.scenario "$odd_seed
\"a.b\" may change: a table
a.b may change: a column" && passes later
'

test_expect_success 'SQLite: the case of letters in a name means nothing' '
	scene sqlite case && new_migration users "CREATE TABLE Users (ID integer PRIMARY KEY, Name text); CREATE INDEX At_name ON Users (Name);" &&
	new_migration email "ALTER TABLE users ADD COLUMN email text NOT NULL DEFAULT 1;" &&
	new_migration fix-email "CREATE TABLE new (id integer PRIMARY KEY, name text, email text, more text);
INSERT INTO new (id, name, email) SELECT id, name, email FROM users; DROP TABLE users; ALTER TABLE new RENAME TO users; CREATE INDEX at_name ON users (name);" \
		"anew" "" "Fixes: email.sql" "Failure-Mode: too few" &&
	users="[seed]
INSERT INTO users (id, name) VALUES (1, '\''x'\''), (2, '\''y'\'');
[failure]
INSERT INTO users (id, more) VALUES (3, 1);" && scenario "$users" && passes fix-email &&
	! grep -E "is gone|not there any more: column" .git/t/out && git reset -q --hard HEAD~2 &&
	new_migration fix-email "ALTER TABLE users ADD COLUMN more text; ALTER TABLE users DROP COLUMN email; UPDATE users SET name = 7;" \
		"mend it" "" "Fixes: email.sql" "Failure-Mode: too few" "Data-Loss: a trial" &&
	scenario "$users" "[kept]" "USERS.name may change: a trial" &&
	stops kept "what was there before is not kept: column Users.email, which '\''email.sql'\'' added, is gone" &&
	scenario "$users" "[kept]" "USERS.name may change: a trial" "users.EMAIL may go: a trial" && passes fix-email
'

# turns FROM TO: a rehearsal of a fix that does that to a value; its status
turns() {
	scene sqlite "value-$((number = ${number:-0} + 1))" && new_migration things "CREATE TABLE things (id integer PRIMARY KEY, x);" &&
	new_migration later "UPDATE things SET x = $2;" && commit_file migrations/later.scenario "[seed]
INSERT INTO things VALUES (1, $1);
[check]
SELECT 1
----
1" || return 128
	git migrate rehearse later >.git/t/out 2>.git/t/err
}

changed() {
	turns "$@"
	test $? = 1 && grep "^error: what was there before is not kept: column things.x has other values" .git/t/err
}

test_expect_success 'SQLite: a statement without columns sees those of the moment' '
	fresh_on sqlite moment &&
	new_migration t "CREATE TABLE t (id int PRIMARY KEY, name text);" &&
	new_migration more "ALTER TABLE t ADD COLUMN phone text NOT NULL DEFAULT '\'\'';" &&
	new_migration fix-email "ALTER TABLE t DROP COLUMN phone;" "mend it" "" "Fixes: more.sql" \
		"Failure-Mode: INSERT without columns fails" &&
	scenario "[seed]
INSERT INTO t (id, name) VALUES (1, '\''ann'\'');" "[failure: insert]
INSERT INTO t VALUES (3, '\''eve'\'');" "[kept]
t.phone may go: nobody wrote to it" &&
	git migrate rehearse fix-email >.git/t/out 2>.git/t/err || { cat .git/t/err; false; }
'

test_expect_success 'SQLite: a value is its type and all of its digits' '
	changed "0.1 + 0.2" 0.3 && changed "x'\''313233'\''" "CAST(x AS text)" && changed "x'\'\''" "'\'\''" &&
	changed "'\''a'\'' || char(0) || '\''b'\''" "'\''a'\''" && changed "'\''0151'\''" 151 &&
	turns 7 "CAST(x AS text)" && turns 0.1 "CAST(x AS text)" && turns "0.1 + 0.2" "0.1 + 0.2" && turns "x'\'\''" "x'\'\''"
'

test_expect_success PG 'PostgreSQL: tables of all kinds are counted' '
	scene postgresql kinds &&
	new_migration fix-email "CREATE SCHEMA \"Side\"; CREATE TABLE \"Side\".\"my \"\"table\" (\"a b\" text PRIMARY KEY, j json);
		CREATE TABLE parted (k integer, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k);
		CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10); CREATE TABLE high PARTITION OF parted FOR VALUES FROM (10) TO (20);
		CREATE TABLE parent (x integer); CREATE TABLE child (y integer) INHERITS (parent);
		CREATE TABLE bare (); CREATE TABLE wide ($(columns 900)); CREATE VIEW seen AS SELECT * FROM people;" &&
	new_migration later "-- migrate: no-transaction
CREATE INDEX CONCURRENTLY by_x ON parent (x);" && commit_file migrations/later.scenario "[seed]
INSERT INTO \"Side\".\"my \"\"table\" VALUES ('\''x'\'', '\''{}'\'');
INSERT INTO parted VALUES (1, '\''a'\''), (11, '\''b'\'');
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3); INSERT INTO bare DEFAULT VALUES;
INSERT INTO wide (c900) VALUES (900);
[check]
SELECT count(*) FROM parted
----
2" &&
	passes later && grep "^  kept      8 tables, 912 columns, 7 rows\$" .git/t/out &&
	new_migration last "UPDATE parted SET v = '\''c'\'' WHERE k = 11; UPDATE child SET x = 7; UPDATE wide SET c900 = 9; UPDATE \"Side\".\"my \"\"table\" SET j = '\''[]'\''; DELETE FROM bare" &&
	git mv migrations/later.scenario migrations/last.scenario && git commit -q -m "moved" &&
	test_expect_code 1 git migrate rehearse last >.git/t/out 2>.git/t/err &&
	for lost in "column \"Side\".\"my \"\"table\".j has other values" "table bare had 1 row and has 0" "column child.x has other values" \
		"column parted.v has other values" "column wide.c900 has other values"; do
		grep -F "$lost" .git/t/err || return 1
	done && ! grep "column parent" .git/t/err && nothing_left
'

test_expect_success PG 'PostgreSQL: values that are equal to their collation alone are others' '
	scene postgresql collated && new_migration things "CREATE COLLATION alike (provider = icu, locale = '\''und-u-ks-level2'\'', deterministic = false);
		CREATE TABLE things (id integer PRIMARY KEY, x text COLLATE alike);" &&
	new_migration later "UPDATE things SET x = upper(x);" && commit_file migrations/later.scenario "[seed]
INSERT INTO things VALUES (1, '\''a'\'');
[check]
SELECT count(*) FROM things WHERE x = '\''a'\''
----
1" && test_expect_code 1 git migrate rehearse later >.git/t/out 2>.git/t/err &&
	grep "^error: what was there before is not kept: column things.x has other values" .git/t/err &&
	git reset -q --hard HEAD~2 && new_migration later "UPDATE things SET x = lower(x);" &&
	git checkout -q ORIG_HEAD migrations/later.scenario && git commit -q -m "as it was" && passes later
'

test_expect_success 'no scenario, one that makes no sense, one that is not filled in' '
	scene sqlite none && story &&
	refuses 1 "migration '\''fix-email.sql'\'' has no scenario" git migrate rehearse fix-email &&
	echo "$seed$failure" >migrations/fix-email.scenario &&
	refuses 1 "migration '\''fix-email.sql'\'' has no scenario" git migrate rehearse fix-email &&
	scenario "$seed" "[failures]" "SELECT 1" &&
	refuses 1 "migrations/fix-email.scenario:5: there is no section of that name" git migrate rehearse fix-email &&
	scenario "[failure]" "<fill in>" &&
	refuses 1 "migrations/fix-email.scenario:1: this section is not filled in yet" git migrate rehearse fix-email &&
	scenario "$seed" "$check" &&
	refuses 1 "nothing shows what migration '\''fix-email.sql'\'' mends" git migrate rehearse fix-email &&
	scenario "$seed" "$check" "[unshown]" "<fill in>" &&
	refuses 1 "migrations/fix-email.scenario:13: this section is not filled in yet" git migrate rehearse fix-email &&
	scenario "$seed" "$check" "[unshown]" && refuses 1 "nothing shows what migration '\''fix-email.sql'\'' mends" git migrate rehearse fix-email &&
	scenario "$seed" "$failure" "[unshown]" "too quick" &&
	refuses 1 "migrations/fix-email.scenario:1: a section [unshown] stands beside one that shows the failure" git migrate rehearse fix-email &&
	test_must_fail git rev-parse -q --verify refs/notes/migrate-proof/rehearsals &&
	scenario "$seed" "$check" "[unshown]" "nobody saw it," " but in a log" && passes fix-email &&
	grep "^    the failure is not shown: nobody saw it, but in a log$" .git/t/out &&
	noted fix-email | grep " unshown=nobody%20saw%20it,%20but%20in%20a%20log " && git update-ref -d refs/notes/migrate-proof/rehearsals &&
	scenario "$seed" &&
	refuses 1 "migrations/fix-email.scenario:1: nothing must hold: there is no section [failure], [wrong] or [check]" git migrate rehearse fix-email &&
	refuses 1 "'\''nowhere'\'' names no migration of the plan" git migrate rehearse nowhere &&
	test_must_fail git rev-parse -q --verify refs/notes/migrate-proof/rehearsals && nothing_left
'

test_expect_success 'what asks nothing is refused, and no two answers look the same' '
	scene sqlite asks && story && where=migrations/fix-email.scenario &&
	scenario "$seed" "$failure" "[check: gone]" "DELETE FROM pets" &&
	refuses 1 "$where:9:1: this is no query, and holds whatever it does" git migrate rehearse fix-email &&
	grep "^detail: It stands in \[check: gone\]" .git/t/err && grep "^hint: Ask for what is to hold with SELECT" .git/t/err &&
	scenario "$seed" "$failure" "[check]" "SELECT 1 WHERE 0;" "UPDATE pets SET name = NULL RETURNING name" &&
	refuses 1 "$where:10:1: this is no query, and holds whatever it does" git migrate rehearse fix-email &&
	scenario "$seed" "[wrong]" "INSERT INTO people (id) VALUES (9)" &&
	refuses 1 "$where:6:1: this is no query, and holds whatever it does" git migrate rehearse fix-email &&
	test_must_fail git rev-parse -q --verify refs/notes/migrate-proof/rehearsals &&
	odd="SELECT NULL UNION ALL SELECT '\''NULL'\'' UNION ALL SELECT '\''a|b'\'' UNION ALL SELECT '\'''\''" &&
	scenario "$seed" "$failure" "[check]" "$odd" "----" NULL NULL "a|b" "" && stops check "[check] on line 8 does not hold" &&
	scenario "$seed" "$failure" "[check]" "$odd" "----" NULL "\\NULL" "a\\|b" "\\e" && passes fix-email
'

test_expect_success 'a scenario is no migration, and may land and change' '
	scene sqlite lands && story && scenario "$seed" "$failure" && base=$(git rev-parse HEAD) &&
	scenario "$seed" "$failure" "$check" && git migrate check "$base..HEAD" && git migrate check "$base~1..HEAD" &&
	git migrate plan >.git/t/plan && ! grep scenario .git/t/plan && passes fix-email
'

test_expect_success 'no target keeps a scratch database back, whatever it is called' '
	scene sqlite gated && story && scenario "$seed" "$failure" &&
	git config migrate.scratch.requireRehearsal true && git config migrate.scratch.order nonsense && passes fix-email
'

test_expect_success 'what a file has no use for' '
	refuses 129 "a file is made from no template" git migrate rehearse --template other fix-email &&
	refuses 129 "a copy of the target is made beside it" git migrate rehearse --copy --on sqlite: fix-email &&
	passes --on sqlite: fix-email && passes default fix-email
'

test_expect_success 'a key that does not sign notes nothing, and the next one does' '
	scene sqlite unsigned && story && scenario "$seed" "$failure" "$check" && git config commit.gpgSign true &&
	git config gpg.program false && test_expect_code 128 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
	grep "^error: git commit-tree -S failed" .git/t/err && ! grep tracker .git/t/err &&
	grep "^hint: Nothing was noted\. Do it again when the key can sign; " .git/t/err && nothing_left &&
	test_must_fail git rev-parse -q --verify refs/notes/migrate-proof/rehearsals &&
	git config migrate.signNotes false && passes fix-email && noted fix-email | grep "result=passed"
'

test_expect_success PG 'on a server that is named, from a template' '
	scene postgresql on && story && scenario "$seed" "$failure" "$check" && other=$(create_db elsewhere) &&
	pg "$other" "CREATE TABLE there (x int); INSERT INTO there VALUES (1)" &&
	passes --on "$other" fix-email && passes --on "$other" --template elsewhere fix-email &&
	grep "^  kept      3 tables, 6 columns, 6 rows\$" .git/t/out &&
	test_expect_code 1 git migrate rehearse --template nowhere fix-email >.git/t/out 2>.git/t/err &&
	grep "^error: could not make a scratch database: .*nowhere" .git/t/err && grep "^hint: " .git/t/err && nothing_left
'

test_expect_success PG 'a copy of a database that is in use' '
	psql -XAtq -d "$url" -c "SELECT pg_sleep(3600)" >.git/t/psql 2>&1 & psql=$! &&
	while test "$(pg "$PG_URL" "SELECT count(*) FROM pg_stat_activity WHERE datname = '\''on'\''")" = 0; do :; done &&
	test_expect_code 1 git migrate rehearse --copy fix-email >.git/t/out 2>.git/t/err &&
	pg "$PG_URL" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\''on'\''" >/dev/null &&
	grep "^error: could not make a scratch database: .*being accessed by other users" .git/t/err &&
	grep "^hint: A database can be copied while nobody is connected to it" .git/t/err && nothing_left
	copied=$?
	wait $psql
	return $copied
'

test_expect_success PG 'a role that must not make databases' '
	pg "$PG_URL" "CREATE ROLE modest LOGIN" && git config migrate.default.url "$(echo "$url" | sed s/postgres@/modest@/)" &&
	test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
	grep "^error: could not make a scratch database: permission denied" .git/t/err && grep "^hint: The role needs the right" .git/t/err
'

test_expect_success PG 'a private server, where there is no other' '
	git config --unset migrate.default.url && passes fix-email &&
	sed 1q .git/t/out | grep "on postgresql/.* (a private server)\$" &&
	grep "^  compat    not tried: there is no target" .git/t/out
'

test_expect_success PG 'what is about the whole server is for a private one' '
	engine=postgresql && scene postgresql shared && new_migration fix-email "CREATE USER MAPPING FOR PUBLIC SERVER nowhere;" &&
	commit_file migrations/fix-email.scenario "$seed$check" && test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
	grep "nowhere.* does not exist" .git/t/err &&
	for statement in "CREATE ROLE leaked SUPERUSER" "alter /* x */ user postgres SET work_mem = 64" "DROP GROUP IF EXISTS leaked" \
		"ALTER DATABASE shared SET search_path TO public" "-- migrate: no-transaction
CREATE DATABASE leaked" "-- migrate: no-transaction
ALTER SYSTEM SET work_mem = 64"; do
		git reset -q --hard HEAD~2 && new_migration fix-email "$statement;" && commit_file migrations/fix-email.scenario "$seed$check" &&
		test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err &&
		grep "^error: [A-Z]* [A-Z]* is about the whole server, which others use too" .git/t/err &&
		grep "^hint: .* --on postgresql:" .git/t/err && nothing_left || return 1
	done &&
	test -z "$(pg "$PG_URL" "SELECT rolname FROM pg_roles WHERE rolname = '\''leaked'\''")" &&
	git reset -q --hard HEAD~2 && new_migration fix-email "CREATE ROLE leaked;" &&
	commit_file migrations/fix-email.scenario "$seed$check" && passes --on postgresql: fix-email && git migrate apply >.git/t/out 2>&1 &&
	pg "$PG_URL" "DROP ROLE leaked" &&
	scenario "[seed]" "CREATE ROLE leaked;" "$check" &&
	test_expect_code 1 git migrate rehearse fix-email >.git/t/out 2>.git/t/err && grep "CREATE ROLE is about the whole server" .git/t/err
'

# tries STATEMENTS: rehearses them in the place of the last migration
tries() {
	git reset -q --hard HEAD~2 && new_migration fix-email "$1" && commit_file migrations/fix-email.scenario "$seed$check" || return 128
	git migrate rehearse fix-email >.git/t/out 2>.git/t/err
}

# The server's own catalogs, but for what any table's owner is noted in.
server_state() {
	pg "$PG_URL" "SELECT (SELECT string_agg(concat(oid, rolname, rolsuper, rolconfig), ',' ORDER BY oid) FROM pg_roles),
		(SELECT string_agg(m::text, ',' ORDER BY roleid, member) FROM pg_auth_members AS m),
		(SELECT string_agg(concat(oid, datacl, datconnlimit), ',' ORDER BY oid) FROM pg_database WHERE datname !~ '^git_migrate_scratch_'),
		(SELECT count(*) FROM pg_shdescription), (SELECT count(*) FROM pg_db_role_setting)"
}

test_expect_success PG 'rights and membership that the whole server has are for a private one' '
	engine=postgresql && scene postgresql rights && pg "$PG_URL" "CREATE ROLE reader; CREATE ROLE writer" &&
	new_migration fix-email "SELECT 1;" && commit_file migrations/fix-email.scenario "$seed$check" && server_state >.git/t/before &&
	for statement in "GRANT writer TO reader" "GRANT pg_monitor TO reader WITH ADMIN OPTION" "REVOKE ADMIN OPTION FOR writer FROM reader" \
		"GRANT CONNECT ON DATABASE rights TO reader" "REVOKE ALL ON TABLESPACE pg_default FROM reader" "GRANT SET ON PARAMETER work_mem TO reader" \
		"COMMENT ON ROLE reader IS '\''it reads'\''" "SECURITY LABEL FOR x ON ROLE reader IS '\''y'\''"; do
		tries "$statement;"
		test $? = 1 && grep "^error: [A-Z]* .* is about the whole server, which others use too" .git/t/err &&
		grep "^hint: .* --on postgresql:" .git/t/err && nothing_left || return 1
	done && server_state >.git/t/after && test_cmp .git/t/before .git/t/after &&
	for statement in "GRANT SELECT ON people TO reader" "GRANT CREATE ON SCHEMA public TO reader" "REVOKE ALL ON people FROM reader" "COMMENT ON TABLE people IS '\''on role'\''" \
		"ALTER TABLE people OWNER TO reader" "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader"; do
		tries "$statement;" || return 1
	done
'

test_expect_success PG 'what code does to the whole server is seen before it is committed' '
	engine=postgresql && scene postgresql code && new_migration fix-email "SELECT 1;" && commit_file migrations/fix-email.scenario "$seed$check" && server_state >.git/t/before &&
	maker="CREATE FUNCTION maker() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN CREATE ROLE leaked; RETURN NULL; END \$\$;" &&
	for statement in "DO \$\$ BEGIN CREATE ROLE leaked; END \$\$" "DO \$\$ BEGIN EXECUTE '\''CREATE ROLE leaked'\''; EXCEPTION WHEN division_by_zero THEN NULL; END \$\$" \
		"DO \$\$ BEGIN ALTER ROLE reader SET work_mem = 64; END \$\$" "DO \$\$ BEGIN ALTER DATABASE code SET work_mem = 64; END \$\$" \
		"DO \$\$ BEGIN GRANT writer TO reader; END \$\$" "DO \$\$ BEGIN DROP ROLE reader; END \$\$" "DO \$\$ BEGIN GRANT CREATE ON DATABASE code TO reader; END \$\$" \
		"DO \$\$ BEGIN BEGIN REVOKE CONNECT ON DATABASE code FROM PUBLIC; EXCEPTION WHEN division_by_zero THEN NULL; END; END \$\$" \
		"DO \$\$ BEGIN GRANT SET ON PARAMETER work_mem TO reader; END \$\$" \
		"DO \$\$ BEGIN GRANT CREATE ON TABLESPACE pg_default TO reader; END \$\$" "DO \$\$ BEGIN COMMENT ON ROLE reader IS '\''it reads'\''; END \$\$" \
		"$maker CREATE TRIGGER make AFTER UPDATE ON people EXECUTE FUNCTION maker(); UPDATE people SET name = name" \
		"$maker CREATE CONSTRAINT TRIGGER make AFTER UPDATE ON people DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION maker(); UPDATE people SET name = name"; do
		case $statement in
		*PARAMETER*)
			# PostgreSQL 15
			test "$(pg "$PG_URL" "SHOW server_version_num")" -ge 150000 || continue
			;;
		esac
		tries "$statement;"
		test $? = 1 && grep "^error: what was run changes the whole server, which others use too" .git/t/err && grep "^detail: .* changes in pg_" .git/t/err &&
		grep "^hint: .* --on postgresql:" .git/t/err && nothing_left || { echo "$statement"; cat .git/t/out .git/t/err; return 1; }
	done && server_state >.git/t/after && test_cmp .git/t/before .git/t/after &&
	tries "DO \$\$ BEGIN CREATE TABLE made (x integer); ALTER TABLE made OWNER TO reader; GRANT SELECT ON made TO writer; PERFORM count(*) FROM pg_database, pg_authid; END \$\$;" &&
	tries "DO \$\$ BEGIN CREATE ROLE leaked; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END \$\$;" &&
	tries "REASSIGN OWNED BY reader TO writer; DROP OWNED BY reader;" &&
	test_expect_code 1 tries "-- migrate: no-transaction
DO \$\$ BEGIN CREATE ROLE leaked; COMMIT; END \$\$;" && grep "^error: .*what this runs outside of a transaction cannot be seen before it is done" .git/t/err && nothing_left &&
	tries "-- migrate: no-transaction
VACUUM people;" && server_state >.git/t/after && test_cmp .git/t/before .git/t/after &&
	pg "$PG_URL" "DROP ROLE reader; DROP ROLE writer" &&
	git reset -q --hard HEAD~2 && new_migration fix-email "DO \$\$ BEGIN CREATE ROLE leaked; END \$\$;" && commit_file migrations/fix-email.scenario "$seed$check" &&
	passes --on postgresql: fix-email && git migrate apply >.git/t/out 2>&1 && pg "$PG_URL" "DROP ROLE leaked"
'

# slow: a scenario whose check takes for ever
slow() {
	case $engine in
	sqlite)
		scenario "$seed" "$failure" "[check]" "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e15) SELECT count(*) FROM n"
		;;
	*)
		scenario "$seed" "$failure" "[check]" "SELECT pg_sleep(3600)"
		;;
	esac
}

# begin OPTION...: a rehearsal that has come as far as that check
begin() {
	rm -f .git/t/out
	env --default-signal git-migrate rehearse "$@" fix-email >.git/t/out 2>.git/t/err &
	run_pid=$! tool_pid=$run_pid
	until_true grep "^  works" .git/t/out >/dev/null 2>&1
}

# ended SIGNAL: sets the status
ended() {
	kill -"$1" "$run_pid"
	wait "$run_pid"
	status=$?
	run_pid='' tool_pid=''
	return 0
}

for engine in $engines; do
	for signal in INT TERM HUP; do
		test_expect_success "$engine: $signal leaves nothing behind" '
			scene $engine "signal_$signal" && story && slow && begin && ended $signal && test $status = 130 &&
			grep "^stopping; the scratch database goes away first" .git/t/err && grep "^error: interrupted" .git/t/err &&
			! grep "^  check .*failed" .git/t/out && nothing_left && test_must_fail git rev-parse -q --verify refs/notes/migrate-proof/rehearsals
		'
	done

	test_expect_success "$engine: what kill -9 leaves behind is cleared away by the next one" '
		scene $engine killed && story && slow && begin && ended KILL && test $status = 137 &&
		test_must_fail nothing_left && scenario "$seed" "$failure" "$check" &&
		{ test $engine = sqlite || pg "$PG_URL" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ~ '\''^git_migrate_scratch_'\''" >/dev/null; } &&
		{ test $engine = sqlite || while test -n "$(pg "$PG_URL" "SELECT pid FROM pg_stat_activity WHERE datname ~ '\''^git_migrate_scratch_'\''")"; do :; done; } &&
		passes fix-email && grep "^1 left by a rehearsal that was killed was cleared away" .git/t/err
	'
done

# The server has ended; whoever takes care of orphans may have it as a zombie still.
server_ended() {
	! kill -0 "$server" 2>/dev/null || grep "^State:.*Z" "/proc/$server/status"
}

test_expect_success PG 'a private server: INT stops it, and kill -9 leaves it to the next one' '
	engine=postgresql && scene postgresql private && story && slow &&
	begin --on postgresql: && ended INT && test $status = 130 && nothing_left &&
	begin --on postgresql: && ended KILL && test $status = 137 && left=$(echo "$short_dir"/git-migrate-scratch.*/server/data/postmaster.pid) &&
	server=$(sed 1q "$left") && kill -0 "$server" && scenario "$seed" "$failure" "$check" &&
	passes --on postgresql: fix-email && until server_ended; do sleep 0.02; done &&
	grep "^1 left by a rehearsal" .git/t/err
'

test_expect_success 'one that is at work is left alone by the others' '
	engine=sqlite && scene sqlite beside && story && slow && begin &&
	new_migration other "CREATE INDEX by_phone ON people (phone);" &&
	commit_file migrations/other.scenario "$seed$check" &&
	git migrate rehearse other >.git/t/other 2>&1 && ! grep "left by" .git/t/other &&
	ls "$short_dir" >.git/t/left && test $(wc -l <.git/t/left) = 1 && ended INT && nothing_left
'

test_expect_success 'nowhere to make it' '
	scene sqlite nowhere && story && scenario "$seed" "$failure" &&
	(TMPDIR=/nowhere && refuses 128 "could not make a folder in '\''/nowhere'\'': No such file or directory" git migrate rehearse fix-email)
'

test_done
