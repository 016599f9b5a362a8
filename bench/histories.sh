#!/bin/bash
# usage: bench/histories.sh [<options>]
#
# Brings the migrations of public repositories into databases again and again: by the
# native client (psql, sqlite3), by one "git migrate apply", by one that is killed at
# random moments and run again until it is through, and by two at the same time.
# Schema and rows have to be equal each time, and "git migrate audit" content.
#
#   --git-migrate <file>      the program (git-migrate in the current folder or PATH)
#   --source <name>=<folder>  a repository at hand: lemmy, supabase-auth, vaultwarden,
#                             atuin, sqitch-intro, chinook, sakila, langfuse, penpot, svix
#   --sources <folder>        where the others are cloned to, or have been
#   --only <name>[,<name>]    these histories alone
#   --rounds <n>              how often each is begun anew to be killed (3)
#   --seed <n>                what a run has printed, to draw the same moments again
#   --work <folder>           made for the repositories and what was compared, and kept
#
# Needs the programs of a PostgreSQL server. Exit status 1 when something differs.

# shellcheck disable=SC2317 # functions that are called by way of "..._$engine" and "$3"
set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

histories="
lemmy pg LemmyNet/lemmy
supabase-auth pg supabase/auth
vaultwarden-postgresql pg dani-garcia/vaultwarden
vaultwarden-sqlite sqlite dani-garcia/vaultwarden
atuin-server-postgres pg atuinsh/atuin
atuin-server-sqlite sqlite atuinsh/atuin
atuin-client sqlite atuinsh/atuin
atuin-client-records sqlite atuinsh/atuin
atuin-scripts sqlite atuinsh/atuin
atuin-ai sqlite atuinsh/atuin
sqitch-intro pg theory/sqitch-intro
chinook-postgresql pg lerocha/chinook-database
chinook-sqlite sqlite lerocha/chinook-database
sakila-postgresql pg jOOQ/sakila
sakila-sqlite sqlite jOOQ/sakila
pgbench pg -
chinook-as-it-is pg lerocha/chinook-database
sakila-as-it-is pg jOOQ/sakila
langfuse pg langfuse/langfuse
penpot pg penpot/penpot
svix pg svix/svix-webhooks
"

git_migrate=
only=
rounds=3
seed=$((RANDOM * 32768 + RANDOM))
sources=
work=
declare -A source_of=() judged=() gave_up=()
wrong=0
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help)
		usage 0
		;;
	--git-migrate|--only|--rounds|--seed|--sources|--work)
		[ $# -gt 1 ] || usage 129
		name=${1#--}
		declare "${name//-/_}=$2"
		shift
		;;
	--source)
		case ${2-} in
		?*=?*)
			;;
		*)
			usage 129
			;;
		esac
		source_of[${2%%=*}]=$(absolute "${2#*=}") || die "there is no '${2#*=}'"
		shift
		;;
	*)
		usage 129
		;;
	esac
	shift
done
git_migrate=$(find_git_migrate "$git_migrate") || exit
src=$(absolute "$(dirname "$0")/..")

scratch=$(mktemp -d) || exit 128
finish() {
	sh "$src/t/pg-server.sh" stop "$scratch"
	rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM
if [ -n "$work" ]; then
	mkdir "$work" || exit 128
	work=$(absolute "$work")
else
	work=$scratch/work
	mkdir "$work"
fi
[ -n "$sources" ] || sources=$scratch/sources
mkdir -p "$sources" && sources=$(absolute "$sources") || exit 128
export HOME="$scratch" TZ=UTC
git config --global user.name 'Ann Author'
git config --global user.email ann@example.com
git config --global gc.auto 0
PATH=$(dirname "$git_migrate"):$PATH

# --- the files: each as a migration, in order -----------------------------------

# find_source OWNER/REPOSITORY: sets $from, or says why not
find_source() {
	local name=${1#*/}
	case $1 in
	supabase/auth)
		name=supabase-auth
		;;
	*/chinook-database|*/svix-webhooks)
		name=${name%%-*}
		;;
	esac
	from=${source_of[$name]-$sources/$name}
	[ -d "$from" ] || git clone -q --bare "https://github.com/$1" "$from" 2>"$scratch/err" || {
		echo "$history: left out, could not clone $1: $(tail -n 1 "$scratch/err")"
		return 1
	}
}

# bring PATH NAME [FILTER]: one file of $from as the next migration, with the name that
# one can have
bring() {
	local name=${2//[!0-9A-Za-z._\/-]/-}
	local to=$here/files/$name
	mkdir -p "${to%/*}"
	git -C "$from" cat-file blob "HEAD:$1" 2>"$scratch/err" >"$scratch/blob" || {
		# a snapshot may be without its largest files
		echo "$history: left out, not in the repository at hand: $1"
		return 0
	}
	"${3:-cat}" <"$scratch/blob" >"$to"
	cmp -s "$scratch/blob" "$to" || echo "$name" >>"$here/changed"
	echo "$name" >>"$here/wanted"
}

# bring_all FOLDER PATTERN [FILTER]: each that matches, under its path below FOLDER
bring_all() {
	local path
	git -C "$from" ls-tree -r --name-only HEAD "$1/" | grep -E "$2" |
	sort >"$scratch/paths"
	while read -r path; do
		bring "$path" "${path#"$1/"}" ${3+"$3"}
	done <"$scratch/paths"
}

in_schema_auth() {
	sed 's/{{ *index *\.Options *"Namespace" *}}/auth/g'
}

# a server before 16 wants a name for each subquery; one file has some without
with_alias() {
	sed -z 's/)\nGROUP BY/) AS united\nGROUP BY/g'
}

# what stands before it makes a database of its own, and \c connects with that
behind_connect() {
	sed '1,/^\\c /d'
}

# refused by rule; there is no backslash in a string of this dump
without_old_strings() {
	sed '/^SET standard_conforming_strings = off;/d'
}

# refused by rule where more follows
without_transactions() {
	sed -e '/^BEGIN;$/d' -e '/^COMMIT;$/d'
}

# in the order of the plan; a change that was reworked later has its first script
# under the name of a tag
bring_sqitch_plan() {
	local change path seen=' '
	git -C "$from" show HEAD:sqitch.plan | sed -n 's/^\([a-z][a-z_]*\) .*/\1/p' >"$scratch/plan"
	while read -r change; do
		path=$(git -C "$from" ls-tree --name-only HEAD deploy/ | grep "/$change@")
		case $seen in
		*" $change "*)
			path=
			;;
		esac
		seen="$seen$change "
		path=${path:-deploy/$change.sql}
		bring "$path" "${path##*/}"
	done <"$scratch/plan"
}

dump_of_pgbench() {
	pg_database pgbench_source &&
	pgbench -i -q "$(pg_url pgbench_source)" >"$scratch/out" 2>&1 &&
	pg_dump -d "$(pg_url pgbench_source)" >"$here/files/pgbench.sql" &&
	echo pgbench.sql >"$here/wanted"
}

# bring_history: those of $history, from $from
bring_history() {
	local sakila chinook=ChinookDatabase/DataSources/Chinook
	case $history in
	lemmy)
		bring_all migrations '/up\.sql$' with_alias
		;;
	supabase-auth)
		bring_all migrations '\.up\.sql$' in_schema_auth
		;;
	vaultwarden-*)
		bring_all "migrations/${history#*-}" '/up\.sql$'
		;;
	atuin-client-records)
		bring_all crates/atuin-client/record-migrations '\.sql$'
		;;
	atuin-scripts)
		bring_all crates/atuin-scripts/migrations '\.up\.sql$'
		;;
	atuin-*)
		bring_all "crates/$history/migrations" '\.sql$'
		;;
	sqitch-intro)
		bring_sqitch_plan
		;;
	chinook-postgresql)
		bring "${chinook}_PostgreSql.sql" chinook.sql behind_connect
		;;
	chinook-sqlite)
		bring "${chinook}_Sqlite.sql" chinook.sql
		;;
	sakila-postgresql)
		sakila=postgres-sakila-db/postgres-sakila
		bring $sakila-schema.sql schema.sql without_old_strings
		bring $sakila-insert-data-using-copy.sql data.sql without_old_strings
		;;
	sakila-as-it-is)
		bring postgres-sakila-db/postgres-sakila-schema.sql schema.sql
		;;
	chinook-as-it-is)
		bring "${chinook}_PostgreSql.sql" chinook.sql
		;;
	langfuse)
		bring_all packages/shared/prisma/migrations '\.sql$' without_transactions
		;;
	penpot)
		# two that begin with XXXX are drafts
		bring_all backend/src/app/migrations/sql '/[0-9][^/]*\.sql$'
		;;
	svix)
		bring_all server/svix-server/migrations '\.up\.sql$'
		;;
	sakila-sqlite)
		sakila=sqlite-sakila-db/sqlite-sakila
		bring $sakila-schema.sql schema.sql
		bring $sakila-insert-data.sql data.sql
		;;
	pgbench)
		dump_of_pgbench
		;;
	esac
}

# --- databases ------------------------------------------------------------------

# pg_url DATABASE
pg_url() {
	echo "${server%/postgres}/$1"
}

# pg_database NAME: empty, with the schema that a history expects
pg_database() {
	psql -X -q -d "$server" -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1" \
		2>"$scratch/err" || return
	case $history in
	lemmy)
		# a trigger is put on what its own tool keeps
		psql -X -q -d "$(pg_url "$1")" -c 'CREATE TABLE __diesel_schema_migrations (
			version text PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now())'
		;;
	supabase-auth)
		psql -X -q -d "$(pg_url "$1")" -c 'CREATE SCHEMA auth'
		;;
	esac
}

# fresh NAME: an empty database of the history's engine; sets $url
fresh() {
	case $engine in
	pg)
		pg_database "$1" || die "could not create a database: $(cat "$scratch/err")"
		url=$(pg_url "$1")
		;;
	sqlite)
		rm -f "$here/$1.db"*
		url=sqlite:$here/$1.db
		;;
	esac
}

# native FILE [alone]: runs it at $url as the client does, as one transaction
native() {
	local whole=()
	case $engine in
	pg)
		[ $# -gt 1 ] || whole=(-1)
		psql -X -q -v ON_ERROR_STOP=1 -d "$url" "${whole[@]}" -f "$1"
		;;
	sqlite)
		if [ $# -gt 1 ]; then
			sqlite3 -bail "${url#sqlite:}" <"$1"
		else
			sqlite3 -bail "${url#sqlite:}" BEGIN ".read $1" COMMIT
		fi
		;;
	esac >"$scratch/out" 2>"$scratch/native"
}

# schema_pg, rows_pg: what is at $url, in any order that does not change
schema_pg() {
	pg_dump -d "$url" --schema-only -N git_migrate | sed '/^\\\(un\)\{0,1\}restrict /d'
}

rows_pg() {
	psql -X -At -d "$url" -c "
		SELECT format('\\echo == %1\$s%2\$sCOPY (SELECT * FROM %1\$s) TO STDOUT;',
			c.oid::regclass, E'\n')
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind IN ('r', 'm') AND relispopulated AND relpersistence <> 't'
			AND nspname NOT IN ('pg_catalog', 'information_schema', 'git_migrate')
		ORDER BY nspname, relname" >"$scratch/copies" &&
	{
		psql -X -At -d "$url" -f "$scratch/copies" |
		awk '/^== / { table = $2; next } { print table "\t" $0 }'
		psql -X -At -F "$(printf '\t')" -d "$url" -c "
			SELECT '(sequence)', schemaname, sequencename, last_value
			FROM pg_sequences WHERE schemaname <> 'git_migrate'"
	} | sort
}

# without_tracker: a copy of the database at $url, in $copy
without_tracker() {
	copy=$scratch/copy.db
	rm -f "$copy"*
	sqlite3 "${url#sqlite:}" ".backup $copy" &&
	sqlite3 "$copy" "SELECT 'DROP TABLE ' || quote(name) || ';' FROM sqlite_schema
		WHERE type = 'table' AND name GLOB 'git_migrate_*'" >"$scratch/drops" &&
	sqlite3 "$copy" <"$scratch/drops"
}

schema_sqlite() {
	without_tracker &&
	sqlite3 "$copy" "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid" \
		'PRAGMA user_version' 'PRAGMA application_id' 'PRAGMA encoding' \
		'PRAGMA integrity_check' 'PRAGMA foreign_key_check'
}

rows_sqlite() {
	local table
	without_tracker &&
	sqlite3 "$copy" "SELECT name FROM sqlite_schema
		WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name" |
	while read -r table; do
		sqlite3 "$copy" -cmd '.mode quote' "SELECT * FROM \"$table\"" |
		sed "s/^/$table\t/"
	done | sort
}

# snapshot NAME: $here/NAME.schema and $here/NAME.rows of what is at $url
snapshot() {
	if ! "schema_$engine" >"$here/$1.schema" || ! "rows_$engine" >"$here/$1.rows"; then
		die "$history: could not read the database of $1"
	fi
}

# settled NAME [SEQUENCES]: without the tables whose rows differ from one run of the
# native client to the next, as where the time goes in; of these how many there are.
# No rollback takes back what sequences have given out: they are looked at on demand.
settled() {
	awk -F '\t' -v volatile="$here/volatile" -v sequences="${2-}" '
		BEGIN { while ((getline table <volatile) > 0) count[table] = 0 }
		$1 == "(sequence)" && !sequences { next }
		$1 in count { count[$1]++; next }
		{ print }
		END { for (table in count) print table ": " count[table] " rows" | "sort" }
		' "$here/$1.rows"
}

# --- runs -----------------------------------------------------------------------

# outside NAME: what no transaction can hold needs the line that says so, and no IF NOT
# EXISTS, which would take the invalid index of a run that was killed for the one to
# build
outside() {
	if grep -q -i 'INDEX CONCURRENTLY' "$here/files/$1" &&
		! grep -q '^-- migrate: no-transaction' "$here/files/$1"; then
		sed -i -e '1i -- migrate: no-transaction' \
			-e 's/\(INDEX CONCURRENTLY\) IF NOT EXISTS/\1/' "$here/files/$1"
		echo "$1" >>"$here/alone"
	fi
}

# run_natively NAME: all of "wanted" at a fresh database; what the client itself does
# not run goes to "fails", and what it has run to "runs"
run_natively() {
	local name
	fresh "$1"
	: >"$here/runs"
	: >"$here/fails"
	while read -r name; do
		if native "$here/files/$name"; then
			echo "$name" >>"$here/runs"
		elif grep -q 'cannot .* transaction' "$scratch/native" && native "$here/files/$name" alone; then
			echo "$name" >>"$here/runs"
			outside "$name"
		else
			echo "$name: $(grep -m 1 -i error "$scratch/native")" >>"$here/fails"
		fi
	done <"$here/wanted"
	snapshot "$1"
}

# commits: "runs" as a stream for git fast-import, a commit each
commits() {
	local name file
	while read -r name; do
		file=$here/files/$name
		printf 'commit refs/heads/main\ncommitter Ann Author <ann@example.com> now\n'
		printf 'data <<.\n%s\n.\n' "$name"
		printf 'M 100644 inline migrations/%s\ndata %s\n' "$name" "$(wc -c <"$file")"
		cat "$file"
		echo
	done <"$here/runs"
}

make_repository() {
	rm -rf "$here/app"
	git init -q -b main "$here/app"
	if ! commits | git -C "$here/app" fast-import --quiet --date-format=now ||
		! git -C "$here/app" reset -q --hard; then
		die "$history: could not make its repository"
	fi
}

# target NAME: a fresh database under that name, in the repository
target() {
	fresh "$1"
	git -C "$here/app" config "migrate.$1.url" "$url"
}

# apply NAME [OPTION]...: what is pending there; sets $status
apply() {
	git -C "$here/app" migrate apply "${@:2}" "$1" >"$here/$1.out" 2>"$here/$1.err"
	status=$?
}

# set_aside: the migrations that the last apply has refused or could not run, with
# the reason; fails where it named none
set_aside() {
	local name found=
	while read -r name; do
		grep -F "'$name'" "$here/once.err" >"$scratch/named" ||
			grep -F "$name:" "$here/once.err" >"$scratch/named" || continue
		found=yes
		echo "$name: $(grep -m 1 '^error' "$scratch/named" || head -n 1 "$scratch/named")" \
			>>"$here/refused"
		sed -i "\\|^$name\$|d" "$here/wanted"
	done <"$here/runs"
	grep -x -F -f "$here/wanted" "$here/runs" >"$scratch/runs"
	cp "$scratch/runs" "$here/runs"
	[ -n "$found" ]
}

# apply_once: at a fresh database, in one go; sets $took, in ms
apply_once() {
	local begin
	make_repository
	target once
	begin=$(date +%s%N)
	apply once
	took=$((($(date +%s%N) - begin) / 1000000))
	[ "$status" -eq 0 ]
}

# run_once: by the native client twice, and by ours, without what was refused; where
# others build on that, the client finds out and is asked again
run_once() {
	local again=yes
	while [ -n "$again" ]; do
		again=
		run_natively native1
		[ -s "$here/runs" ] || return 0
		until apply_once; do
			[ -z "$again" ] || grep -q 'Nothing was run' "$here/once.err" || break
			set_aside || die "$history: apply ended with $status: $(cat "$here/once.err")"
			again=yes
			[ -s "$here/runs" ] || break
		done
	done
	snapshot once
	run_natively native2
	comm -3 "$here/native1.rows" "$here/native2.rows" | sed 's/^\t//' | cut -f 1 | sort -u \
		>"$here/volatile"
}

# failed RUN NAME: one that should have gone on did not
failed() {
	gave_up[$1]='gave up'
	shift
	echo "$history, a run that failed: $(head -n 2 "$here/$1.err" | paste -s -d ' ')" \
		>>"$scratch/reasons"
}

# run_killed ROUND: SIGKILL at a moment that is drawn, again and again, later each
# time so that the longest migration comes to its end; adds to $kills
run_killed() {
	local runner window=$((took / 8 + 10)) delay
	target "killed$1"
	while :; do
		delay=$(((RANDOM * 32768 + RANDOM) % window))
		(cd "$here/app" && exec git-migrate apply --wait "killed$1") \
			>"$here/killed$1.out" 2>"$here/killed$1.err" &
		runner=$!
		sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
		kill -KILL "$runner" 2>"$scratch/err"
		wait "$runner" 2>"$scratch/err"
		status=$?
		case $status in
		0)
			break
			;;
		137)
			kills=$((kills + 1))
			window=$((window + window / 16 + 1))
			;;
		*)
			failed killed "killed$1"
			break
			;;
		esac
	done
	snapshot "killed$1"
}

# runner NR: in a clone of its own, until it finds everything applied
runner() {
	local tries=0 busy='another git migrate is at work|could not lock|is still being run'
	while ! (cd "$here/clone$1" && git-migrate apply two) >"$here/two$1.out" 2>"$here/two$1.err"
	do
		tries=$((tries + 1))
		if [ $tries -gt 1000 ] || ! grep -q -E "$busy" "$here/two$1.err"; then
			return 1
		fi
	done
}

# run_two: a second runner that begins while the first one is at work
run_two() {
	local nr runners=() delay=$((RANDOM % (took / 2 + 1)))
	target two
	for nr in 1 2; do
		rm -rf "$here/clone$nr"
		git clone -q "$here/app" "$here/clone$nr"
		git -C "$here/clone$nr" config migrate.two.url "$url"
		runner $nr &
		runners+=($!)
		[ $nr = 2 ] || sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
	done
	for nr in 1 2; do
		wait "${runners[$nr - 1]}" || failed two "two$nr"
	done
	# the mirror of this clone is written by a run with nothing to do
	apply two
	[ "$status" -eq 0 ] || failed two two
	snapshot two
}

# --- what came of it ------------------------------------------------------------

# as_native NAME [SEQUENCES]: "yes" where the database is as the native client's, and
# its tracker in order
as_native() {
	settled native1 ${2+"$2"} >"$here/expect"
	settled "$1" ${2+"$2"} >"$here/actual"
	if ! diff -u "$here/native1.schema" "$here/$1.schema" >"$here/$1.diff"; then
		echo schema
	elif ! diff -u "$here/expect" "$here/actual" >"$here/$1.diff"; then
		echo rows
	elif ! git -C "$here/app" migrate audit "$1" >"$here/$1.audit" 2>&1; then
		echo audit
	else
		echo yes
	fi
}

# count FILE
count() {
	if [ -e "$here/$1" ]; then
		sort -u "$here/$1" | wc -l
	else
		echo 0
	fi
}

# judge RUN WORD...: "yes", or the first that is another; counts $wrong
judge() {
	local run=$1 word
	judged[$run]=yes
	shift
	for word; do
		if [ "$word" != yes ]; then
			judged[$run]="no: $word"
			wrong=$((wrong + 1))
		fi
	done
}

# reasons: why some files did not run, which is told at the end
reasons() {
	sed "s/^/$history, refused: /" "$here/refused" >>"$scratch/reasons"
	sed "s/^/$history, psql or sqlite3 fails: /" "$here/fails" >>"$scratch/reasons"
}

print_row() {
	local applied=0
	[ ! -s "$here/runs" ] || applied=$(git -C "$here/app" migrate status --all --porcelain once |
		grep -c '^applied ')
	printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' \
		"$history" "$engine" \
		"$(wc -l <"$here/brought")" "$(count changed)" "$(count alone)" "$(count fails)" "$(count refused)" "$applied" \
		"${judged[once]}" "${judged[killed]}" "$kills" "${judged[two]}"
}

one_history() {
	local round killed=()
	here=$work/$history
	kills=0
	judged=([once]=- [killed]=- [two]=-)
	gave_up=()
	mkdir -p "$here/files"
	: >"$here/wanted"
	: >"$here/refused"
	[ "$owner" = - ] || find_source "$owner" || return 0
	bring_history
	[ -s "$here/wanted" ] || return 0
	cp "$here/wanted" "$here/brought"
	# the same for a history whether it is run with others or alone
	RANDOM=$(((seed + $(echo "$history" | cksum | cut -d ' ' -f 1)) % 2147483647))
	run_once
	if [ -s "$here/runs" ]; then
		for round in $(seq "$rounds"); do
			run_killed "$round"
			killed+=("$(as_native "killed$round")")
		done
		run_two
		judge once "$(as_native once sequences)"
		judge killed "${killed[@]}" "${gave_up[killed]-yes}"
		judge two "$(as_native two)" "${gave_up[two]-yes}"
	fi
	print_row
	reasons
}

"$git_migrate" --version
psql --version
echo "SQLite $(sqlite3 --version | cut -d ' ' -f 1)"
echo "seed $seed, $rounds rounds"
server=$(sh "$src/t/pg-server.sh" start "$scratch" $$) || exit
for role in anon authenticated service_role supabase_auth_admin supabase_admin \
	dashboard_user; do
	psql -X -q -d "$server" -c "CREATE ROLE $role"
done
echo
echo "| history | engine | files | changed | alone | client fails | refused | applied \
| once | killed | times | two |"
echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
: >"$scratch/reasons"
while read -r history engine owner; do
	if [ -n "$history" ] && wanted "$history" "$only"; then
		one_history
	fi
done <<<"$histories"
if [ -s "$scratch/reasons" ]; then
	echo
	cat "$scratch/reasons"
fi
exit $((wrong > 0))
