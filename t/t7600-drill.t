#!/bin/sh

test_description='drills: each incident really fails, its answer passes, naive ones do not'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
start_pg optional
make_short_dir && test_set_prereq SHORT
chmod 711 "$short_dir"

TMPDIR=$SHARNESS_TRASH_DIRECTORY
export TMPDIR
incidents='required-column lossy-type wrong-backfill dropped-column rename
	unique-duplicates blocked-writers half-run fails-here'

# home NAME: a repository of somebody who practises
home() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	rm -rf "$1" &&
	fresh "$1" &&
	git commit -q --allow-empty -m "the application"
}

# begin ENGINE INCIDENT: the drill; its repository is the current directory then
begin() {
	engine=$1
	incident=$2
	if test "$1" = postgresql; then
		set -- "$2" --on "$PG_URL"
	else
		set -- "$2"
	fi
	git migrate drill "$@" >.git/t/out 2>.git/t/err || {
		cat .git/t/err
		return 1
	}
	cd "$(git config migrate.drill-state.dir)" && mkdir .git/t && there=$PWD
}

# bring FILE...: commits each by itself, as they lie in the migrations folder
bring() {
	for bring_file; do
		git add "migrations/$bring_file" &&
		git commit -qm "bring ${bring_file%.sql}" 2>.git/t/err || return 1
	done
}

# fails TEXT: the drill is not passed; the text is among the reasons
fails() {
	test_expect_code 1 git migrate drill check >.git/t/out 2>.git/t/err &&
	grep -F "$1" .git/t/out >.git/t/line && grep "^  FAILS" .git/t/line &&
	grep "^error: not yet: [1-9][0-9]* of [1-9][0-9]* checks fail$" .git/t/err
}

passes() {
	git migrate drill check >.git/t/out 2>.git/t/err || {
		cat .git/t/out .git/t/err
		return 1
	}
	! grep FAILS .git/t/out
}

# apply: runs what is pending, and shows why when it does not
apply() {
	git migrate apply >.git/t/applied 2>&1 || {
		cat .git/t/applied
		return 1
	}
}

# answer: writes what "drill answer" shows, commits and applies it
answer() {
	git migrate drill answer >.git/t/answer 2>.git/t/err &&
	awk -v files=.git/t/files '
		BEGIN { printf "" >files }
		/^-- in migrations\// {
			f = substr($3, 1, length($3) - 1)
			print f >files
			next
		}
		{ print >f }' .git/t/answer || return 1
	while read -r answer_file; do
		bring "${answer_file#migrations/}" || return 1
	done <.git/t/files
	apply
}

# naives: numbers of the naive answers to the incident on the engine
naives() {
	grep -E "^== naive(@$engine)? " "$top_srcdir/drills/$incident.drill" | grep -n "" |
	sed "s/:.*//"
}

# naive N: writes that one; its file is in $naive_file and the reason in $naive_why
naive() {
	awk -v n="$1" -v engine="$engine" -v out=.git/t/naive "
		/^==? / { on = 0 }
		/^== naive/ && (\$2 == \"naive\" || \$2 == \"naive@\" engine) && ++nr == n {
			print >(out \".heading\"); on = 1; next }
		on { print >out }" "$top_srcdir/drills/$incident.drill" &&
	naive_file=$(sed "s/^== [^ ]* \([^:]*\): .*/\1/" .git/t/naive.heading) &&
	naive_why=$(sed "s/^[^:]*: //" .git/t/naive.heading) &&
	mv .git/t/naive "migrations/$naive_file"
}

# leaves_nothing: neither folders nor databases of drills
leaves_nothing() {
	for left in "$TMPDIR"/git-migrate-drill-*; do
		test ! -e "$left" || return 1
	done
	test -z "$PG_URL" ||
	test "$(pg "$PG_URL" "SELECT count(*) FROM pg_database WHERE datname LIKE 'git_migrate_drill%'")" = 0
}

# take ENGINE INCIDENT: from the failure to the answer
take() {
	home "$1-$2" &&
	begin "$1" "$2" &&
	git migrate drill status >.git/t/status && grep "^  FAILS" .git/t/status &&
	test_expect_code 1 git migrate drill check >.git/t/out 2>.git/t/err &&
	answer && passes &&
	git migrate drill log --porcelain >.git/t/log-there &&
	cd "$SHARNESS_TRASH_DIRECTORY/$1-$2" &&
	git migrate drill log --porcelain >.git/t/log &&
	test "$(wc -l <.git/t/log)" = 1 && grep " passed $2 $1/" .git/t/log &&
	test_cmp .git/t/log "$there/.git/t/log-there" &&
	git migrate drill abandon && leaves_nothing
}

# is_in_the_way INCIDENT: its naive answers may not run, since something stands before them
is_in_the_way() {
	case $1 in
	half-run | fails-here) return 0 ;;
	esac
	return 1
}

# take_naively ENGINE INCIDENT: each naive answer, with a drill of its own
take_naively() {
	home "naive-$1-$2" &&
	engine=$1 incident=$2 &&
	nrs=$(naives) && test -n "$nrs" || return 1
	for nr in $nrs; do
		cd "$SHARNESS_TRASH_DIRECTORY/naive-$1-$2" &&
		begin "$1" "$2" &&
		naive "$nr" && bring "$naive_file" &&
		{ git migrate apply >.git/t/applied 2>&1 || is_in_the_way "$2"; } &&
		fails "$naive_why" &&
		git migrate drill abandon || return 1
	done
	leaves_nothing
}

# rewrite ENGINE INCIDENT: the bad migration is edited, past the hooks
rewrite() {
	home "edit-$1-$2" &&
	begin "$1" "$2" &&
	bad=$(git log --format= --name-only -1) && echo "-- better" >>"$bad" &&
	git add -A &&
	test_expect_code 1 git commit -qm "edit it" 2>.git/t/err && grep "^error: " .git/t/err &&
	git commit -q --no-verify -m "edit it" &&
	fails "was edited" && git migrate drill abandon && leaves_nothing
}

# answer_and SQL: as answer, with further SQL at the end of its last file or behind it
answer_and() {
	git migrate drill answer >.git/t/answer 2>.git/t/err &&
	# a file with batches holds one statement
	{ ! grep -q "^-- migrate: batch" .git/t/answer ||
		echo "-- in migrations/0009-more.sql: more" >>.git/t/answer; } &&
	printf "%s\n" "$1" >>.git/t/answer &&
	awk '/^-- in migrations\// { f = substr($3, 1, length($3) - 1); next }
		!f { f = "migrations/0004-more.sql" }
		{ print >f }' .git/t/answer &&
	git add migrations && git commit -qnm "answer" && apply
}

# destroys ENGINE INCIDENT SQL WHY: an answer that takes other data with it
destroys() {
	home "destroy-$1-$2" &&
	begin "$1" "$2" && answer_and "$3" && fails "$4" &&
	git migrate drill abandon && leaves_nothing
}

# destructions: an incident a line, what destroys data, and what is told of that
destructions() {
	cat <<-\EOF
	required-column;UPDATE customer SET phone = NULL WHERE id > 0;column customer.phone had 500 values and has 0
	lossy-type;UPDATE customer SET name = 'x' WHERE id > 0;column customer.name has other values
	lossy-type;UPDATE customer SET phone = '0' WHERE id NOT IN (7, 50) AND id <= 500;every number as it was typed
	wrong-backfill;UPDATE orders SET cents = cents + CASE id WHEN 10 THEN 5 ELSE -5 END WHERE id IN (10, 11);every order that was not reduced
	dropped-column;UPDATE customer SET name = 'x' WHERE id > 0;column customer.name has other values
	dropped-column;UPDATE address SET city = 'Q' WHERE customer_id NOT IN (7, 8, 501);column address.city has other values
	rename;UPDATE customer SET full_name = 'Customer' WHERE id NOT IN (7, 501);column customer.full_name has other values
	unique-duplicates;UPDATE customer SET name = 'gone' WHERE id > 0;column customer.name has other values
	unique-duplicates;UPDATE customer SET email = 'a' || id || '@b.cc' WHERE id BETWEEN 100 AND 101;every address that was not typed anew
	blocked-writers;UPDATE orders SET day = '2026-11-11' WHERE id < 3;column orders.day has other values
	fails-here;UPDATE orders SET total = 501 - total WHERE id > 0;column orders.total has its values in other rows
	fails-here;UPDATE orders SET currency = 'EUR' WHERE currency = 'CHF';what each currency brings
	half-run;UPDATE orders SET number = number + 1000 WHERE id = 3;column orders.number has other values
	EOF
}

for name in $incidents; do
	for of in sqlite postgresql; do
		prereq=
		test $of = sqlite || prereq=PG
		test_expect_success $prereq "$name, $of: it fails, and the answer passes" "
			take $of $name
		"
		test_expect_success $prereq "$name, $of: naive answers do not pass" "
			take_naively $of $name
		"
		case $name in
		blocked-writers | half-run) ;;
		*)
			test_expect_success $prereq "$name, $of: an edited migration is refused" "
				rewrite $of $name
			"
			;;
		esac
	done
done

nr=0
destructions >"$SHARNESS_TRASH_DIRECTORY/losses"
while IFS=';' read -r name sql why; do
	nr=$((nr + 1))
	for of in sqlite postgresql; do
		prereq=
		test $of = sqlite || prereq=PG
		# a file with an index that is built beside others holds nothing else
		test "$name-$of" != blocked-writers-postgresql || continue
		test_expect_success $prereq "$name, $of: an answer that destroys data does not pass ($nr)" "
			destroys $of $name \"$sql\" \"$why\"
		"
	done
done <"$SHARNESS_TRASH_DIRECTORY/losses"

# in_parts SIZE: the column's values in batches of so many rows, or in several migrations
in_parts() {
	home "parts-$1" && begin sqlite blocked-writers &&
	echo "ALTER TABLE orders ADD COLUMN cents integer;" >migrations/0002-cents.sql &&
	bring 0002-cents.sql && apply || return 1
	if test "$1" != several; then
		printf "%s\n" "-- migrate: batch table=orders key=id size=$1" \
			"UPDATE orders SET cents = total * 100 WHERE :batch;" >migrations/0003-cents.sql &&
		bring 0003-cents.sql
	else
		for part in 3 4 5 6; do
			echo "UPDATE orders SET cents = total * 100 WHERE id BETWEEN ($part - 3) * 500 + 1 AND ($part - 2) * 500;" \
				>migrations/000$part-cents.sql && bring 000$part-cents.sql || return 1
		done
	fi && apply
}

test_expect_success 'batches let others write in between, when they are not too large' '
	in_parts 500 && passes && git migrate drill abandon &&
	in_parts 2000 && fails "changes 2000 rows in one go, and 500 are allowed" &&
	git migrate drill abandon && leaves_nothing
'

test_expect_success 'several migrations that run in one transaction do not' '
	in_parts several && fails "with what runs in its transaction, changes 2000 rows" &&
	git migrate drill abandon && leaves_nothing
'

test_expect_success PG 'what may go may be a view, where all of it is seen' '
	home view && begin postgresql dropped-column &&
	printf "%s\n" "-- Fixes: 0002-address.sql" "-- Failure-Mode: running code reads the column" \
		"ALTER TABLE customer ADD COLUMN city text;" \
		"UPDATE customer c SET city = a.city FROM address a WHERE a.customer_id = c.id;" \
		"DROP TABLE address;" \
		"CREATE VIEW address AS SELECT id AS customer_id, city FROM customer;" \
		>migrations/0003-view.sql &&
	git add migrations && git commit -qnm "a view" && apply && passes &&
	git migrate drill abandon && leaves_nothing
'

# by_hand ENGINE: the column is made optional past the migrations, and a fix does nothing
by_hand() {
	home "by-hand-$1" && begin "$1" required-column &&
	if test "$1" = sqlite; then
		sqlite3 shop.db "CREATE TABLE n (id integer PRIMARY KEY, name text NOT NULL, phone text, email text);
			INSERT INTO n SELECT * FROM customer; DROP TABLE customer; ALTER TABLE n RENAME TO customer"
	else
		pg "$(git config migrate.drill-state.database-url)" "ALTER TABLE customer ALTER email DROP NOT NULL"
	fi &&
	printf "%s\n" "-- Fixes: 0002-email.sql" "-- Failure-Mode: it was required" "SELECT 1;" \
		>migrations/0003-nothing.sql &&
	git add migrations && git commit -qnm "nothing" && apply &&
	fails "its schema was changed past them" && git migrate drill abandon && leaves_nothing
}

test_expect_success 'what was mended by hand does not pass, sqlite' '
	by_hand sqlite
'

test_expect_success PG 'what was mended by hand does not pass, postgresql' '
	by_hand postgresql
'

test_expect_success 'migrations that need data of their own are told of' '
	home picky && begin sqlite wrong-backfill &&
	answer_and "INSERT INTO orders (id, total) SELECT 1, NULL WHERE (SELECT count(*) FROM orders) = 0;" &&
	fails "they do not run on an empty one: " && git migrate drill abandon
'

test_expect_success 'a drill whose folder is gone is noted, once, and another one begins' '
	home noted && begin sqlite rename && git migrate drill hint >.git/t/out && cd ../noted &&
	git migrate drill list >.git/t/out 2>.git/t/err && ! grep warning .git/t/err && rm -rf "$there" &&
	git migrate drill list >.git/t/out 2>.git/t/err && grep "^rename .* abandoned " .git/t/out &&
	grep "^warning: the folder .* is gone: drill .rename. is noted as abandoned$" .git/t/err &&
	git migrate drill log --porcelain >.git/t/log 2>.git/t/err && ! grep warning .git/t/err &&
	grep "^[^ ]* abandoned rename sqlite [0-9]* 1 " .git/t/log && test "$(wc -l <.git/t/log)" = 1 &&
	test_expect_code 1 git migrate drill status 2>.git/t/err && grep "^error: no drill is under way$" .git/t/err &&
	begin sqlite half-run && cd ../noted && rm -rf "$there" &&
	begin sqlite half-run && grep "drill .half-run. is noted as abandoned$" ../noted/.git/t/err &&
	git migrate drill abandon && cd ../noted && git migrate drill log --porcelain >.git/t/log &&
	test "$(grep -c " abandoned " .git/t/log)" = 3
'

test_expect_success 'one that was passed is not, when its folder goes' '
	home kept && begin sqlite half-run && git migrate apply >.git/t/applied 2>&1 && passes &&
	cd ../kept && rm -rf "$there" && git migrate drill log --porcelain >.git/t/log 2>.git/t/err &&
	! grep warning .git/t/err && test "$(cut -d " " -f 2 .git/t/log)" = passed &&
	begin sqlite rename && git migrate drill abandon
'

test_expect_success PG 'a database whose folder is gone is dropped all the same' '
	home gone && with_word=$(echo "$PG_URL" | sed "s|//postgres@|//postgres:secret-word@|") &&
	test "$with_word" != "$PG_URL" &&
	git migrate drill required-column --on "$with_word" --dir "$TMPDIR/lost" >.git/t/out 2>.git/t/err &&
	! grep -r secret-word .git && rm -rf "$TMPDIR/lost" &&
	test_expect_code 1 git migrate drill status 2>.git/t/err &&
	grep "^error: the folder .*/lost. is gone, and the database .git_migrate_drill_[0-9a-f]*. of its drill is not$" .git/t/err &&
	test_expect_code 1 git migrate drill rename 2>.git/t/err && grep "^hint: git migrate drill abandon drops it" .git/t/err &&
	test_must_fail leaves_nothing &&
	git migrate drill abandon >.git/t/out && leaves_nothing &&
	git migrate drill log --porcelain >.git/t/log &&
	test "$(grep -c " abandoned required-column postgresql " .git/t/log)" = 1 &&
	test_expect_code 1 git migrate drill abandon 2>.git/t/err && grep "^error: no drill is under way$" .git/t/err &&
	begin sqlite rename && git migrate drill abandon
'

test_expect_success PG 'no other database is dropped, whatever the settings say' '
	home other && git config migrate.drill-state.dir "$TMPDIR/never" &&
	git config migrate.drill-state.server "$PG_URL" &&
	pg "$PG_URL" "CREATE DATABASE precious" &&
	git config migrate.drill-state.database precious &&
	test_expect_code 1 git migrate drill abandon 2>.git/t/err &&
	grep "is no name of a drill.s database" .git/t/err &&
	git config migrate.drill-state.database "git_migrate_drill_x; DROP DATABASE precious" &&
	test_expect_code 1 git migrate drill abandon 2>.git/t/err &&
	test "$(pg "$PG_URL" "SELECT count(*) FROM pg_database WHERE datname = '"'precious'"'")" = 1
'

test_expect_success 'a database that was made anew does not pass' '
	home anew && begin sqlite required-column &&
	rm shop.db && git config --unset migrate.default.uuid &&
	test_expect_code 1 git migrate drill check >.git/t/out 2>.git/t/err &&
	grep "^  FAILS .*the database is not there any more$" .git/t/out &&
	git update-ref -d refs/notes/migrate/default &&
	apply &&
	fails "what was in that database is gone" &&
	git migrate drill abandon && leaves_nothing
'

test_expect_success 'a fix that does not say what had failed is refused, and with that is not' '
	home silent && begin sqlite wrong-backfill &&
	echo "UPDATE orders SET cents = total * 100 WHERE cents = total * 10;" >migrations/0003-right.sql &&
	bring 0003-right.sql && apply &&
	fails "no migration says in \"Fixes:\" that it corrects the bad one" &&
	printf "%s\n" "-- Fixes: 0002-cents.sql" "-- Failure-Mode: ten times the total is not in cents" \
		"SELECT 1;" >migrations/0004-why.sql &&
	bring 0004-why.sql &&
	fails "0004-why.sql is not applied" &&
	apply && passes && git migrate drill abandon
'

test_expect_success 'hints come one by one and are counted, the answer as all of them' '
	home hints && begin sqlite rename &&
	git migrate drill hint >.git/t/one && git migrate drill hint >.git/t/two 2>.git/t/err &&
	! cmp -s .git/t/one .git/t/two && grep "drill answer" .git/t/err &&
	git migrate drill status >.git/t/out && grep "^rename: under way, .*, 2 hints$" .git/t/out &&
	git migrate drill hint >.git/t/three && test_must_be_empty .git/t/three &&
	git migrate drill status >.git/t/out && grep ", 2 hints$" .git/t/out &&
	git migrate drill answer >.git/t/answer && grep "^-- Fixes: 0002-full-name.sql$" .git/t/answer &&
	git migrate drill status >.git/t/out && grep ", 3 hints$" .git/t/out &&
	git migrate drill abandon && cd ../hints && git migrate drill log >.git/t/log &&
	grep "abandoned  rename .* 3 hints " .git/t/log
'

# is_tried: a scratch database is there, with the table of the tracker that apply makes first
is_tried() {
	for tried in "$TMPDIR"/git-migrate-scratch.*/database; do
		test "$(sqlite3 -readonly "$tried" "SELECT count(*) FROM drill_meter" 2>/dev/null)" = 1 || return 1
	done
}

# stopped VERB: the drill is looked at, a signal comes in the middle, and nothing is left
stopped() {
	env --default-signal=INT git-migrate drill "$1" >.git/t/out 2>.git/t/err &
	run_pid=$!
	tool_pid=$$
	until_true is_tried
	tool_pid=''
	kill -INT $run_pid
	wait $run_pid
	status=$?
	run_pid=''
	test $status = 130 && grep "^error: .*interrupted$" .git/t/err &&
	test -z "$(find "$TMPDIR" -maxdepth 1 -name "git-migrate-scratch.*")"
}

test_expect_success 'a signal while it is looked at: nothing is left' '
	home looked && begin sqlite blocked-writers &&
	printf "%s\n" "CREATE TABLE endless AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT 1 - i FROM n)" \
		"SELECT count(*) AS nr FROM n;" >migrations/0002-cents.sql &&
	bring 0002-cents.sql && stopped status && stopped check && git migrate drill abandon && leaves_nothing
'

test_expect_success 'a drill has one target' '
	home targets && begin sqlite fails-here &&
	git migrate target list --porcelain >.git/t/out && cut -d " " -f 1 .git/t/out >.git/t/names &&
	echo default >.git/t/expect && test_cmp .git/t/expect .git/t/names &&
	git migrate diagnose 0002-currency.sql >.git/t/out && ! grep drill-state .git/t/out &&
	grep "Supersedes: 0002-currency.sql" .git/t/out && git migrate drill abandon
'

test_expect_success 'one drill at a time, from either repository; a passed one makes room' '
	home two && begin sqlite half-run && cd ../two &&
	test_expect_code 1 git migrate drill rename 2>.git/t/err &&
	grep "^error: a drill is under way in " .git/t/err &&
	git migrate drill status >.git/t/out && grep "^half-run: under way" .git/t/out &&
	cd "$there" && git migrate apply >.git/t/out 2>&1 && cd ../two &&
	passes && grep "^half-run: passed, [0-9]*:[0-9][0-9], 0 hints$" .git/t/out &&
	passes && git migrate drill log --porcelain >.git/t/log && test "$(wc -l <.git/t/log)" = 1 &&
	git migrate drill rename --dir="$TMPDIR/by-name" >.git/t/out 2>.git/t/err &&
	test ! -e "$there" && test -e "$TMPDIR/by-name/shop.db" &&
	git migrate drill abandon && test ! -e "$TMPDIR/by-name" && leaves_nothing &&
	test_expect_code 1 git migrate drill status 2>.git/t/err && grep "^error: no drill is under way$" .git/t/err
'

# server_ended: the server of a drill
server_ended() {
	! kill -0 "$server" 2>/dev/null || grep "^State:.*Z" "/proc/$server/status"
}

# stop_server: as when the machine is switched off
stop_server() {
	server=$(sed 1q "$1/.git/server/data/postmaster.pid") && kill -INT "$server" &&
	until server_ended; do sleep 0.02; done
}

test_expect_success PG,SHORT 'postgresql: a server of its own, which is started again, and ends with the drill' '
	home own && (
		TMPDIR=$short_dir && home=$PWD && git migrate drill rename --engine postgresql >.git/t/out 2>.git/t/err &&
		cd "$(git config migrate.drill-state.dir)" && mkdir .git/t && engine=postgresql && incident=rename &&
		git migrate drill status >.git/t/out && grep "^  FAILS" .git/t/out && stop_server . &&
		git migrate drill status >.git/t/out && grep "^  FAILS" .git/t/out && answer && passes &&
		server=$(sed 1q .git/server/data/postmaster.pid) && kill -0 "$server" &&
		cd "$home" && git migrate drill abandon && server_ended
	) && test -z "$(ls "$short_dir")" && git migrate drill log --porcelain >.git/t/log && grep " passed rename postgresql/" .git/t/log
'

test_expect_success PG,SHORT 'postgresql: a server of its own goes with the folder of its drill' '
	home own_gone && TMPDIR=$short_dir git migrate drill rename --on postgresql: >.git/t/out 2>.git/t/err &&
	there=$(git config migrate.drill-state.dir) && stop_server "$there" && rm -rf "$there" &&
	test_expect_code 1 git migrate drill status 2>.git/t/err && cat .git/t/err && grep "^error: no drill is under way" .git/t/err &&
	test -z "$(git config migrate.drill-state.database)"
'

test_expect_success 'what cannot be made is refused, and nothing is left of it' '
	home refused &&
	test_expect_code 129 git migrate drill nonsense 2>.git/t/err &&
	grep "^error: there is no incident .nonsense.$" .git/t/err &&
	test_expect_code 129 git migrate drill rename --engine=oracle 2>.git/t/err &&
	(TMPDIR="$TMPDIR/of two words" && mkdir "$TMPDIR" &&
		test_expect_code 128 git migrate drill rename --engine=postgresql 2>.git/t/err) &&
	grep -E "^error: (there are no initdb|a server.s socket cannot be in)" .git/t/err &&
	rmdir "$TMPDIR/of two words" &&
	test_expect_code 129 git migrate drill rename --on sqlite:x.db 2>.git/t/err &&
	mkdir there && test_expect_code 1 git migrate drill rename --dir there 2>.git/t/err &&
	grep "^error: could not make the folder .there.: File exists$" .git/t/err && rmdir there &&
	test_expect_code 128 git migrate drill rename --on "postgresql://postgres@%2Fnowhere/x" 2>.git/t/err &&
	leaves_nothing && git migrate drill rename --dir there >.git/t/out 2>.git/t/err &&
	git migrate drill abandon && fresh unborn &&
	test_expect_code 128 git migrate drill rename 2>.git/t/err &&
	grep "^error: the result of a drill is noted on a commit: " .git/t/err && leaves_nothing
'

# deadly_git SIGNAL: a git that sends it to whoever lets it commit
deadly_git() {
	mkdir -p bin && real_git=$(command -v git) &&
	printf '%s\n' "#!/bin/sh" "case \" \$* \" in *' commit '*) kill -$1 \$PPID; sleep 1 ;; esac" \
		"exec '$real_git' \"\$@\"" >bin/git &&
	chmod +x bin/git
}

# dies ENGINE: the drill's making, by that git
dies() {
	dies_on=
	test "$1" = sqlite || dies_on=--on=$PG_URL
	PATH=$PWD/bin:$PATH env --default-signal git-migrate drill rename $dies_on >.git/t/out 2>.git/t/err
}

for of in sqlite postgresql; do
	prereq=
	test $of = sqlite || prereq=PG
	test_expect_success $prereq "a signal while it is made, $of: nothing is left" "
		home signal-$of && deadly_git INT &&
		test_expect_code 130 dies $of && leaves_nothing &&
		test_expect_code 1 git migrate drill status 2>.git/t/err &&
		grep '^error: no drill is under way\$' .git/t/err
	"
	test_expect_success $prereq "killed while it is made, $of: abandon clears it away" "
		home killed-$of && deadly_git KILL &&
		test_expect_code 137 dies $of && test_must_fail leaves_nothing &&
		test_expect_code 1 git migrate drill rename 2>.git/t/err &&
		grep '^error: the drill in .* was never made whole\$' .git/t/err &&
		git migrate drill abandon >.git/t/out && leaves_nothing &&
		begin $of rename && git migrate drill abandon && leaves_nothing
	"
done

test_expect_success 'killed before anything was written down: abandon clears it away' '
	home untouched && for begun in : "mkdir .git" "git init -q" "mkdir -p .git/refs/heads"; do
		left=$TMPDIR/git-migrate-drill-left && mkdir "$left" && (cd "$left" && $begun) &&
		git config migrate.drill-state.dir "$left" &&
		git config migrate.drill-state.server postgresql:///gone &&
		git config migrate.drill-state.database git_migrate_drill_gone &&
		for command in status rename; do
			test_expect_code 1 git migrate drill $command 2>.git/t/err &&
			grep "^error: the drill in .* was never made whole$" .git/t/err &&
			grep "^hint: git migrate drill abandon clears it away" .git/t/err || return 1
		done &&
		git migrate drill abandon >.git/t/out && grep "^removed the drill in $left$" .git/t/out &&
		test ! -e "$left" && test -z "$(git config --get-regexp "^migrate.drill-state" | grep " [^ ]")" &&
		test_expect_code 1 git migrate drill abandon 2>.git/t/err && grep "^error: no drill is under way$" .git/t/err ||
		return 1
	done && begin sqlite rename && git migrate drill abandon && leaves_nothing
'

test_expect_success 'a repository that somebody has used is not removed' '
	home used && git init -q theirs && (cd theirs && git commit -q --allow-empty -m kept) &&
	git config migrate.drill-state.dir "$PWD/theirs" &&
	test_expect_code 1 git migrate drill abandon 2>.git/t/err &&
	grep "^error: .*theirs. has no drill in it$" .git/t/err && git -C theirs rev-parse -q --verify HEAD &&
	rm -rf theirs/.git/logs && test_expect_code 1 git migrate drill abandon 2>.git/t/err &&
	git init -q --separate-git-dir=.git/t/apart linked &&
	git config migrate.drill-state.dir "$PWD/linked" &&
	test_expect_code 1 git migrate drill abandon 2>.git/t/err && test -e linked/.git
'

test_expect_success 'a folder that is none of a drill is not removed' '
	home stray && mkdir precious && touch precious/file &&
	git config migrate.drill-state.dir "$PWD/precious" &&
	test_expect_code 1 git migrate drill abandon 2>.git/t/err && test -e precious/file &&
	grep "^error: .*precious. has no drill in it$" .git/t/err &&
	git config --unset migrate.drill-state.dir && begin sqlite rename && git migrate drill abandon
'

test_expect_success 'status says when the last one was, and when one is due' '
	home due && git config migrate.default.url sqlite:app.db &&
	git migrate status >.git/t/out 2>.git/t/err && ! grep -i drill .git/t/out .git/t/err &&
	git config migrate.drillInterval 30 && git migrate status >.git/t/out 2>.git/t/err &&
	grep "^hint: A drill is due: " .git/t/err &&
	at=$(date -u -d "12 days ago" +%Y-%m-%dT%H:%M:%S.000Z) &&
	git notes --ref migrate-proof/drills add -m "drilled result=passed incident=rename at=$at by=x seconds=65 hints=0" &&
	git migrate status >.git/t/out 2>.git/t/err && grep "^last drill 12 days ago (rename)$" .git/t/out &&
	! grep "drill is due" .git/t/err &&
	git config migrate.drillInterval 12 && git migrate status >.git/t/out 2>.git/t/err &&
	grep "^hint: A drill is due: " .git/t/err &&
	git config migrate.drillInterval 0 && git migrate status >.git/t/out 2>.git/t/err &&
	! grep drill .git/t/out .git/t/err &&
	git migrate report >.git/t/out && grep -i "drilled result=passed incident=rename" .git/t/out &&
	git config migrate.drillInterval soon && test_expect_code 128 git migrate status 2>.git/t/err &&
	grep "^error: migrate.drillInterval is .soon., which is no number$" .git/t/err
'

test_expect_success 'what a note says of a drill steers no terminal' '
	home hostile &&
	printf "drilled result=passed incident=%%1B[31mx by=%%C2%%9B at=%%zz seconds=9999999999 hints=-1\n" >.git/t/note &&
	git notes --ref migrate-proof/drills add -F .git/t/note &&
	git migrate drill log >.git/t/out && ! LC_ALL=C grep "[^ -~]" .git/t/out && grep "x1b" .git/t/out &&
	git migrate drill log --porcelain >.git/t/out && ! LC_ALL=C grep "[^ -~]" .git/t/out &&
	git config migrate.default.url sqlite:app.db && git migrate drill list >.git/t/out &&
	git migrate status >.git/t/out 2>.git/t/err && ! grep "last drill" .git/t/out &&
	grep "^hint: A drill is due: " .git/t/err
'

test_expect_success 'a drill whose end cannot be signed goes on, and ends when it can be' '
	home unsigned && begin sqlite required-column && cd "$SHARNESS_TRASH_DIRECTORY/unsigned" &&
	git config commit.gpgSign true && git config gpg.program false &&
	test_expect_code 128 git migrate drill abandon >.git/t/out 2>.git/t/err && ! grep tracker .git/t/err &&
	grep "^hint: Nothing was noted\. Do it again when the key can sign; " .git/t/err &&
	git config migrate.signNotes false && git migrate drill abandon && leaves_nothing
'

test_done
