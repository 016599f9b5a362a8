#!/bin/sh

test_description='batches: keys as they are written into SQL, and what is refused of them'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
start_pg optional

# --- scenes -----------------------------------------------------------------------

# scene ENGINE NAME: a repository with a database of its own
scene() {
	fresh_on "$1" "$2" &&
	git config migrate.default.batchPause 0
}

# set_in_database NAME VALUE ...: for all sessions that begin after this
set_in_database() {
	while test $# != 0; do
		db "DO \$\$ BEGIN EXECUTE format('ALTER DATABASE %I SET $1 = %L',
			current_database(), '$2'); END \$\$" || return 1
		shift 2
	done
}

# apply: a run that gets to an end, also where it should not
apply() {
	timeout -k 5 60 git-migrate apply >.git/t/out 2>.git/t/err || {
		cat .git/t/out .git/t/err
		return 1
	}
}

# stumbles: the same, of one that fails
stumbles() {
	test_expect_code 1 timeout -k 5 60 git-migrate apply >.git/t/out 2>.git/t/err
}

# keys TYPE VALUES: a table with such a key, which counts how often a row was met
keys() {
	new_migration keys "CREATE TABLE t (k $1 PRIMARY KEY, n integer NOT NULL DEFAULT 0);
INSERT INTO t (k) VALUES $2;" &&
	apply
}

# count [SIZE]
count() {
	new_migration count "-- migrate: batch table=t key=k size=${1:-1}
UPDATE t SET n = n + 1 WHERE :batch;"
}

# state: all that a refusal must leave as it was
state() {
	case $engine in
	sqlite)
		db "SELECT record FROM git_migrate_log ORDER BY seq"
		;;
	*)
		db "SELECT record FROM git_migrate.log ORDER BY seq"
		;;
	esac &&
	db "SELECT sum(n), count(*) FROM t"
}

# once ROWS
once() {
	db "SELECT count(*), min(n), max(n) FROM t" >.git/t/actual &&
	echo "$1|1|1" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	grep "applied  count.sql  $1 rows" .git/t/out
}

# --- what role and database have set ----------------------------------------------

test_expect_success PG 'floats whose texts are short in the database' '
	scene postgresql floats && set_in_database extra_float_digits 0 &&
	keys float8 "(0.1), (0.2), (0.1::float8 * 3), (0.3), (-1e-300), ('"'-infinity'), ('nan'"')" &&
	count && apply && once 7 &&
	scene postgresql floats_many && set_in_database extra_float_digits -15 &&
	keys float8 "(0)" && db "INSERT INTO t (k) SELECT 0.1::float8 * i FROM generate_series(1, 40) AS i" &&
	count 3 && apply && once 41 &&
	scene postgresql float4 && set_in_database extra_float_digits 0 &&
	keys float4 "(0.1), (0.10000001), (0.2), (16777216), (16777215)" && count && apply && once 5
'

# each of them once, whatever the database has
test_expect_success PG 'dates, intervals, bytes and texts in forms of the database' '
	for forms in "SQL, DMY|sql_standard|escape|off" "German|iso_8601|escape|on" \
		"Postgres, MDY|postgres_verbose|hex|off"; do
		IFS="|" read -r date interval bytes texts <<-END
		$forms
		END
		while IFS="|" read -r type values; do
			scene postgresql "$type$texts$bytes" &&
			set_in_database DateStyle "$date" IntervalStyle "$interval" \
				bytea_output "$bytes" standard_conforming_strings "$texts" \
				TimeZone "Asia/Kolkata" &&
			keys "$type" "$values" && count && apply &&
			once "$(db "SELECT count(*) FROM t")" || {
				cat .git/t/err
				echo "not $type with $forms"
				return 1
			}
		done <<-\END || return 1
		date|(date '"'2026-02-03'), (date '2026-03-02'), (date '2026-02-28'), (date '0044-03-15 BC'), (date 'infinity'), (date '12026-01-02'"')
		timestamptz|(timestamptz '"'2026-02-03 04:05:06.000001+00'), (timestamptz '2026-03-02 00:00:00+00'), (timestamptz '1850-01-01 00:00:00+00'"')
		timestamp|(timestamp '"'2026-02-03 04:05:06'), (timestamp '2026-03-02 04:05:06'), (timestamp '2026-11-12 00:00:00.5'"')
		interval|(make_interval(days => -1, hours => 2)), (make_interval(days => -1, hours => -2)), (make_interval(months => -14, days => 3)), (make_interval(secs => -0.000001)), (make_interval(years => 2, months => 3)), (make_interval(days => 3, hours => -4))
		daterange|(daterange('"'2026-02-03', '2026-03-02')), (daterange('2026-03-02', '2026-04-05')), (daterange(NULL, '2026-05-04'"'))
		bytea|(decode('"'00ff', 'hex')), (decode('5c27', 'hex')), (decode('', 'hex')), (decode('616263', 'hex'"'))
		text|(chr(92)), (chr(92) || chr(39)), (chr(39) || chr(92)), (chr(39)), ('"''), ('a'"')
		END
	done
'

test_expect_success PG 'another DateStyle when it goes on' '
	scene postgresql restyled && set_in_database DateStyle "SQL, DMY" &&
	keys date "(date '"'2026-01-01'), (date '2026-01-05'), (date '2026-02-01'), (date '2026-03-01'), (date '2026-05-01'"')" &&
	new_migration stop "CREATE TABLE stop (k date PRIMARY KEY);
INSERT INTO stop VALUES (date '"'2026-02-01'"');" && apply &&
	new_migration count "-- migrate: batch table=t key=k size=1
UPDATE t SET n = n + 1 / (SELECT 1 - count(*)::integer FROM stop AS s WHERE s.k = t.k) WHERE :batch;" &&
	stumbles && grep "division by zero" .git/t/err &&
	db "DELETE FROM stop" && set_in_database DateStyle "SQL, MDY" && apply && once 5
'

test_expect_success PG 'a text in a key is no SQL' '
	scene postgresql texts && set_in_database standard_conforming_strings off &&
	keys text "('"'a'), ('c'"'), (chr(98) || chr(92) || chr(39) || chr(32) || '"'OR 1/(length(k)-length(k)) > 0) --'"')" &&
	count && apply && once 3
'

test_expect_success PG 'money is no key, whatever it is called' '
	scene postgresql money &&
	new_migration keys "CREATE DOMAIN price AS money; CREATE DOMAIN cost AS price;
CREATE TABLE t (k money PRIMARY KEY, c cost UNIQUE NOT NULL, a money[] UNIQUE NOT NULL,
i numeric UNIQUE NOT NULL, n integer NOT NULL DEFAULT 0);
INSERT INTO t VALUES (1.5, 1.5, ARRAY[1.5::money], 1.5), (2, 2, ARRAY[2::money], 2);" && apply &&
	for key in k c a; do
		new_migration count "-- migrate: batch table=t key=$key size=1
UPDATE t SET n = n + 1 WHERE :batch;" &&
		refuses 1 "migrations/count.sql: table \"t\" has no unique key \"$key\" to go through it by" \
			git migrate apply &&
		grep "^hint: It has .*key=i" .git/t/err || return 1
	done &&
	new_migration count "-- migrate: batch table=t key=i size=1
UPDATE t SET n = n + 1 WHERE :batch;" && apply && once 2
'

# the second is read as one with two texts in it, which comes before it
test_expect_success PG 'a key that is read as another one ends the run' '
	scene postgresql same && set_in_database array_nulls off &&
	db "CREATE TYPE texts AS RANGE (subtype = text[]); CREATE DOMAIN span AS texts" &&
	keys span "(texts(ARRAY['"'a'], NULL)), (texts(ARRAY['b', NULL], NULL)), (texts(ARRAY['c'], NULL"'))" &&
	count && stumbles &&
	grep "^error: .*behind the last key of table \"t\" comes the same again" .git/t/err &&
	grep "^detail: The database does not read .*{b,NULL}.* as the key that it wrote so" .git/t/err &&
	grep "^hint: Go through the table by another key" .git/t/err
'

test_expect_success 'sqlite: infinite keys, and texts that look like them' '
	scene sqlite infinite && keys "" "(9e999), (-9e999), (1), ('"'Inf'), ('9e999'), ('-Inf'"'), (1e308)" &&
	count && apply && once 7 &&
	scene sqlite infinite_text && keys text "('"'Inf'), ('-Inf'), ('9e999'), ('a'"')" &&
	count && apply && once 4 &&
	scene sqlite infinite_real && keys real "(9e999), (-9e999), (0.1), (1e308)" &&
	count && apply && once 4
'

# --- types whose order, or equality, is their own -----------------------------------

test_expect_success PG 'keys of other types, each row once' '
	scene postgresql other && db "CREATE TYPE mood AS ENUM ('"'sad', 'ok', 'a b'"');
		CREATE DOMAIN code AS varchar(9) CHECK (VALUE <> '"'-'"');
		CREATE COLLATION same (provider = icu, locale = '"'und-u-ks-level2'"', deterministic = false)" &&
	while IFS="|" read -r name type values; do
		new_migration "make_$name" "CREATE TABLE $name (k $type PRIMARY KEY, n integer DEFAULT 0);
INSERT INTO $name (k) VALUES $values;" &&
		new_migration "count_$name" "-- migrate: batch table=$name key=k size=1
UPDATE $name SET n = n + 1 WHERE :batch;" && apply &&
		test "1|1" = "$(db "SELECT min(n), max(n) FROM $name")" || {
			echo "not $name"
			return 1
		}
	done <<-\END
	enum|mood|('"'a b'), ('sad'), ('ok'"')
	domain|code|('"'b'), (''), ('it''s'"')
	uuid|uuid|('"'00000000-0000-0000-0000-0000000000ff'), ('ffffffff-0000-0000-0000-000000000000'"')
	nan|numeric|('"'NaN'), ('1e40'), ('-0.000000000000000000001'), ('Infinity'"')
	icu|text COLLATE same|('"'b'), ('a'), ('C'), ('ä'"')
	arrays|text[]|('"'{a,NULL}'), ('{a,\"NULL\"}'), ('{NULL}'), ('{}'), ('{z}'), ('{it''s}'"')
	chars|char(3)|('"'a'), ('ab'), (''"')
	END
'

test_expect_success PG 'a key of columns of several types' '
	scene postgresql several &&
	new_migration t "CREATE TABLE t (a text, b numeric, c date, n integer DEFAULT 0, PRIMARY KEY (a, b, c));
INSERT INTO t SELECT chr(97 + i % 2), i % 3, date '"'2026-01-01'"' + i, 0 FROM generate_series(1, 20) AS i;" &&
	new_migration count "-- migrate: batch table=t key=a,b,c size=3
UPDATE t SET n = n + 1 WHERE :batch;" && apply && once 20
'

# with array_nulls=off a NULL in an array is read as a text
test_expect_success PG 'arrays are no keys where a NULL in one is read as a text' '
	scene postgresql nulls && set_in_database array_nulls off &&
	keys "text[]" "(ARRAY[NULL, '"'a'"']), (ARRAY['"'z'"']), (ARRAY['"'a'"'])" && count && stumbles &&
	grep "table .t. has no unique key .k." .git/t/err && test 0 = "$(db "SELECT sum(n) FROM t")" &&
	set_in_database array_nulls on && apply && once 3
'

test_expect_success PG 'texts that are equal in the order of the column, and not in the index' '
	scene postgresql equal && db "CREATE COLLATION same (provider = icu, locale = '"'und-u-ks-level2'"', deterministic = false)" &&
	new_migration t "CREATE TABLE t (k text COLLATE same NOT NULL, n integer DEFAULT 0);
CREATE UNIQUE INDEX u ON t (k COLLATE \"C\"); INSERT INTO t (k) VALUES ('"'a'), ('A'), ('B'), ('b'), ('c'"');" &&
	count && apply && once 5
'

test_expect_success PG 'a domain is a key by what it is over' '
	scene postgresql citext && db "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE DOMAIN mail AS ext.citext" &&
	new_migration t "CREATE TABLE t (k mail PRIMARY KEY, n integer DEFAULT 0);
INSERT INTO t (k) VALUES ('"'b'), ('C'), ('a'"');" &&
	count 3 && stumbles && grep "table .t. has no unique key .k." .git/t/err &&
	grep "^hint: .*types whose order" .git/t/err && test 0 = "$(db "SELECT sum(n) FROM t")" &&
	scene postgresql composite && db "CREATE TYPE two AS (a integer, b integer); CREATE DOMAIN pair AS two" &&
	keys pair "(ROW(1, 2)), (ROW(2, 1))" && count && stumbles &&
	grep "table .t. has no unique key .k." .git/t/err && test 0 = "$(db "SELECT sum(n) FROM t")" &&
	scene postgresql domains && db "CREATE DOMAIN code AS text; CREATE DOMAIN inner_code AS code" &&
	keys inner_code "('"'b'), ('C'), ('a'"')" && count && apply && once 3
'

test_expect_success 'sqlite: keys whose texts are equal but for case' '
	scene sqlite nocase && keys "text COLLATE NOCASE" "('"'a'), ('B'), ('c'"')" && count && apply && once 3 &&
	scene sqlite binary &&
	new_migration t "CREATE TABLE t (k text COLLATE NOCASE NOT NULL, n integer DEFAULT 0);
CREATE UNIQUE INDEX u ON t (k COLLATE BINARY); INSERT INTO t (k) VALUES ('"'a'), ('A'), ('b'), ('B'"');" &&
	count && apply && once 4 &&
	scene sqlite finer &&
	new_migration t "CREATE TABLE t (k text NOT NULL, n integer DEFAULT 0);
CREATE UNIQUE INDEX u ON t (k COLLATE NOCASE); INSERT INTO t (k) VALUES ('"'a'), ('B'), ('c'"');" &&
	count && apply && once 3
'

# --- what would move rows or add some ----------------------------------------------

# is_refused MESSAGE SQL
is_refused() {
	new_migration bad "-- migrate: batch table=t key=k size=2
$2" || return 1
	refuses 1 "migrations/bad.sql:$1" git migrate apply || {
		cat .git/t/err
		return 1
	}
}

test_expect_success 'sqlite: the names of a row number are names of the key' '
	scene sqlite rowid && keys "integer" "(1), (2), (3), (4), (5)" &&
	for name in rowid oid _rowid_ \"RowId\"; do
		is_refused "2:14: a batched migration sets a column of its own key" \
			"UPDATE t SET $name = k + 10, n = n + 1 WHERE :batch AND n < 5;" || return 1
	done &&
	new_migration count "-- migrate: batch table=t key=k size=2
UPDATE t SET n = rowid - oid + 1 WHERE :batch AND _rowid_ > 0;" && rm migrations/bad.sql &&
	git rm -q --cached migrations/bad.sql && git commit -qm "drop it" && apply && once 5
'

test_expect_success PG 'postgresql: changes in a WITH, and a WITH with the name of a verb' '
	scene postgresql inner && keys "integer" "(1), (2), (3), (4), (5)" &&
	db "ALTER TABLE t ADD oid integer; CREATE TABLE u (k integer, update integer)" &&
	while IFS="|" read -r place sql; do
		is_refused "$place: a batched migration changes rows in its WITH" "$sql" || return 1
	done <<-\END &&
	2:12|WITH x AS (UPDATE t SET k = k + 1000 WHERE :batch RETURNING k) INSERT INTO u SELECT k FROM x;
	2:25|WITH x AS MATERIALIZED (INSERT INTO t (k) SELECT k + 1000 FROM t RETURNING k) UPDATE t SET n = 1 WHERE :batch;
	2:35|WITH x AS (WITH y AS (SELECT 1 a) DELETE FROM t USING y WHERE :batch RETURNING k) INSERT INTO u SELECT k FROM x;
	END
	is_refused "2:40: a batched migration sets a column of its own key" \
		"WITH update AS (SELECT 1) UPDATE t SET k = k + 1000 WHERE :batch;" &&
	is_refused "2:21: a batched migration sets a column of its own key" \
		"UPDATE ONLY (t) SET k = k + 1000 WHERE :batch;" &&
	new_migration bad "-- migrate: batch table=t key=k size=2
WITH update AS (SELECT max(update) AS m FROM u), l AS (SELECT k FROM t WHERE :batch FOR UPDATE)
UPDATE t SET n = n + 1, oid = (SELECT CAST(m AS integer) FROM update) FROM l WHERE t.:batch AND l.k = t.k;" &&
	apply && db "SELECT count(*), min(n), max(n) FROM t" >.git/t/actual &&
	echo "5|1|1" >.git/t/expect && test_cmp .git/t/expect .git/t/actual
'

test_done
