#!/bin/sh

test_description='diagnose: each branch of its tree, and each command that it ends in'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
needs_tool python3
start_pg optional
! command -v script >/dev/null || test_set_prereq TTY

# another TARGET: a second one of the same engine
another() {
	case $engine in
	sqlite)
		git config "migrate.$1.url" "sqlite:.git/$1.db"
		;;
	*)
		other=$(create_db "${url##*/}-$1") && git config "migrate.$1.url" "$other"
		;;
	esac
}

records() {
	case $engine in
	sqlite)
		tracker_rows .git/app.db
		;;
	*)
		pg_tracker_rows "$url"
		;;
	esac
}

# All that diagnose must leave as it is.
state() {
	records &&
	test -z "$busy" || return 0
	case $engine in
	sqlite)
		sqlite .git/app.db .dump
		;;
	*)
		pg_dump -d "$url" | grep -v restrict
		;;
	esac &&
	git for-each-ref && git status --porcelain && git rev-parse HEAD
}

apply() {
	git migrate apply "$@" >.git/t/applied 2>&1 || {
		cat .git/t/applied
		return 1
	}
}

# way WAY [ARGUMENT...]: the tree ends there, and nothing was changed; what is to be
# typed is in .git/t/commands, each question with its answer in .git/t/steps
way() {
	way=$1 &&
	shift &&
	state >.git/t/state-before &&
	{ git migrate diagnose --json "$@" >.git/t/json 2>.git/t/err || test $? = 1; } &&
	state >.git/t/state-after &&
	test_cmp .git/t/state-before .git/t/state-after &&
	python3 - "$way" .git/t <<-\END
	import json, sys
	way, folder = sys.argv[1:]
	said = json.load(open(folder + "/json"))
	with open(folder + "/commands", "w") as out:
	    for c in said["commands"]:
	        print(c.get("command") or "# " + c["edit"], file=out)
	with open(folder + "/steps", "w") as out:
	    for s in said["steps"]:
	        print(s["question"], s["answer"], s["by"], file=out)
	with open(folder + "/evidence", "w") as out:
	    for s in said["steps"]:
	        assert s["evidence"] or s["question"] == "still", s
	        for line in s["evidence"]:
	            print(s["question"] + ":", line, file=out)
	with open(folder + "/down", "w") as out:
	    for d in said["down"]:
	        print(d["effect"], d["name"], d.get("count", "-"), d["unit"], d["counted"], file=out)
	with open("../ways", "a") as out:
	    print(said["way"], file=out)
	if said["way"] != way:
	    print(open(folder + "/evidence").read())
	    sys.exit("way " + said["way"])
	END
}

# settled EVENT PATH: so says the log, once
settled() {
	records | grep -c " event=$1 path=$2 " >.git/t/settled
	test 1 = "$(cat .git/t/settled)"
}

# step LINE, because LINE: of what way() found
step() {
	has_line .git/t/steps "$1"
}
because() {
	grep "^$1" .git/t/evidence >/dev/null || {
		echo "no '$1' in:"
		cat .git/t/evidence
		return 1
	}
}

# follow [EDIT]: types each command that was named; where a file is to be edited, runs EDIT
follow() {
	while read -r follow_line; do
		case $follow_line in
		"#"*)
			eval "${1:-:}"
			;;
		*)
			tick
			eval "$follow_line" >.git/t/typed 2>&1 </dev/null
			;;
		esac || {
			echo "'$follow_line' failed:"
			cat .git/t/typed
			return 1
		}
	done <.git/t/commands
}

# fill FILE SED: fills in the file of a fix
fill() {
	sed -e "s/^-- Failure-Mode: <.*>/-- Failure-Mode: it was wrong, and this is right/" \
		-e "${2-}" "$1" >.git/t/filled &&
	cp .git/t/filled "$1"
}

# fill_steps STEM SED: as those of the copy, and of the name, which PostgreSQL has in
# files of their own
fill_steps() {
	test "$engine" = sqlite || { fill "$1-copy.sql" "$2" && fill "$1-name.sql"; }
}

# forge EVENT PATH [FIELDS]: appends a record about a migration of HEAD, and has FIELDS
# at its end
forge() {
	forge_last=$(records | tail -1) &&
	forge_like=$(records | grep " path=" | tail -1) &&
	forge_blob=$(git rev-parse "HEAD:migrations/$2") &&
	forge_sha=$(git cat-file blob "$forge_blob" | sha256sum | cut -c1-64) &&
	forge_prev=$(printf "%s\n" "$forge_last" | sha256sum | cut -c1-64) &&
	forge_seq=$(($(records | wc -l) + 1)) &&
	forge_line=$(printf "%s\n" "$forge_like" |
		sed -e "s/^[0-9]* prev=[0-9a-f]*/$(printf "%010d" "$forge_seq") prev=$forge_prev/" \
			-e "s/ event=[a-z]*/ event=$1/" -e "s/ path=[^ ]*/ path=$2/" \
			-e "s/ blob=[^ ]*/ blob=$forge_blob/" -e "s/ sha256=[^ ]*/ sha256=$forge_sha/" \
			-e "s/ \(commit\|head\)=[^ ]*/ \1=$(git rev-parse HEAD)/g" \
			-e "s/ tool=\([^ ]*\).*/ tool=\1${3:+ $3}/") &&
	forge_hash=$(printf "%s\n" "$forge_line" | sha256sum | cut -c1-64) &&
	case $engine in
	sqlite)
		forge_log=git_migrate_log
		;;
	*)
		forge_log=git_migrate.log
		;;
	esac &&
	db "INSERT INTO $forge_log SELECT $forge_seq, '$1', '$2', '$forge_blob',
		'$(git rev-parse HEAD)', at, \"by\", run, '$forge_line', '$forge_hash'
		FROM $forge_log WHERE seq = $(printf "%s" "$forge_like" | sed "s/^0*\([0-9]*\) .*/\1/")"
}

# hold [SQL]: another session has done that in a transaction which it does not end
hold() {
	rm -f .git/t/fifo && mkfifo .git/t/fifo &&
	case $engine in
	sqlite)
		{ sqlite3 -batch .git/app.db <.git/t/fifo >.git/t/held 2>&1 & } &&
		hold_begin="BEGIN IMMEDIATE"
		;;
	*)
		{ PGAPPNAME=holder psql -XAtq -d "$url" <.git/t/fifo >.git/t/held 2>&1 & } &&
		hold_begin=BEGIN
		;;
	esac &&
	holder=$! && exec 9>.git/t/fifo &&
	echo "$hold_begin; $1; SELECT 'held';" >&9 &&
	until grep held .git/t/held >/dev/null; do
		kill -0 "$holder" || return 1
	done
}

release() {
	echo "ROLLBACK;" >&9
	exec 9>&-
	wait "$holder"
}

# in_background SQL: in a session of its own, which waits for a lock
in_background() {
	{ PGAPPNAME=waiter psql -XAtq -d "$url" -c "$1" >.git/t/waited 2>&1 9>&- & } &&
	waiter=$! &&
	until test t = "$(pg "$url" "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname =
		current_database() AND application_name = 'waiter' AND wait_event_type = 'Lock'")"; do
		kill -0 "$waiter" || return 1
	done
}

# on_terminal ANSWERS ARGUMENT...: diagnose asks somebody who types that
on_terminal() {
	answers=$1 &&
	shift &&
	{ printf "%b" "$answers" | script -qec "git-migrate diagnose $*" /dev/null >.git/t/raw 2>&1 || test $? = 1; } &&
	tr -d "\r" <.git/t/raw >.git/t/out &&
	grep "^the way forward: " .git/t/out >/dev/null
}

alone="-- migrate: no-transaction"
users="CREATE TABLE users (id integer PRIMARY KEY, phone varchar(20), name varchar(20));
INSERT INTO users (id, phone, name) VALUES (1, '0301', 'Ada'), (2, '0302', 'Bob');"

# ids KEY: what the schema of --json lists under it
ids() {
	python3 -c "import json, sys
d = json.load(open(sys.argv[1]))[\"properties\"]
d = d[\"way\"] if sys.argv[2] == \"way\" else d[\"steps\"][\"items\"][\"properties\"][\"question\"]
print(\"\\n\".join(i for i in d[\"enum\"] if i))" "$top_srcdir/man/schemas/diagnose.json" "$1"
}

test_expect_success 'the manual has the whole tree' '
	manual=$top_srcdir/man/git-migrate.1 &&
	ids question >questions && test 25 = "$(wc -l <questions)" &&
	while read -r id; do
		grep -q "^\.It Li $id\( \*\)*\$" "$manual" || return 1
	done <questions &&
	ids way >all-ways && test 29 = "$(wc -l <all-ways)" &&
	while read -r id; do
		has_line "$manual" ".It Li $(echo "$id" | tr a-z A-Z)" || return 1
	done <all-ways
'

for engine in sqlite postgresql; do
	test "$engine" = sqlite && req= || req=PG

	# --- one that failed ----------------------------------------------------------

	test_expect_success $req "$engine: failed, and nobody has it: amended" '
		fresh_on $engine amend && new_migration users "$users" && apply &&
		new_migration bad "SELECT nothing;" &&
		test_expect_code 1 git migrate apply 2>.git/t/err &&
		way amend bad && step "here failed evidence" && step "cause no evidence" &&
		step "free newest evidence" && because "here: record [0-9]*: failed at .*, sqlstate .*, line 1" &&
		test_must_be_empty .git/t/down &&
		follow "echo \"ALTER TABLE users ADD COLUMN good int;\" >migrations/bad.sql" &&
		git migrate status --exit-code &&
		test 0 = "$(db "SELECT count(good) FROM users")"
	'

	test_expect_success $req "$engine: the one that failed last is meant when none is named" '
		fresh_on $engine newest &&
		refused="error: no migration has failed or is open on target '\''default'\''" &&
		new_migration users "$users" && apply &&
		test_expect_code 1 git migrate diagnose 2>.git/t/err && has_line .git/t/err "$refused" &&
		new_migration bad "SELECT nothing;" &&
		test_expect_code 1 git migrate apply 2>.git/t/err &&
		way amend && grep "\"path\": \"bad.sql\"" .git/t/json &&
		way amend default && grep "\"path\": \"bad.sql\"" .git/t/json &&
		another staging &&
		test_expect_code 1 git migrate diagnose staging 2>.git/t/err &&
		grep "on target '\''staging'\''" .git/t/err
	'

	test_expect_success $req "$engine: failed, further down, at the root too: a fixup" '
		fresh_on $engine fixup &&
		new_migration first "SELECT nothing;" && commit_file readme text && commit_file readme more &&
		test_expect_code 1 git migrate apply 2>.git/t/err &&
		way fixup && step "free older evidence" && grep "autosquash --root" .git/t/commands &&
		follow "echo \"\$users\" >migrations/first.sql" && git migrate status --exit-code &&
		new_migration bad "SELECT nothing;" && commit_file readme again &&
		test_expect_code 1 git migrate apply 2>.git/t/err && mkdir sub && cd sub &&
		git migrate diagnose --json >../.git/t/json && cd .. &&
		grep "\"git commit --fixup=[0-9a-f]* -- ../migrations/bad.sql\"" .git/t/json &&
		way fixup &&
		follow "echo \"ALTER TABLE users ADD COLUMN good int;\" >migrations/bad.sql" &&
		git migrate status --exit-code && git log --format=%s >.git/t/log && ! grep fixup .git/t/log
	'

	test_expect_success $req "$engine: failed and landed: another one in its place" '
		fresh_on $engine supersede && new_migration users "$users" && apply &&
		new_migration bad "SELECT nothing;" && git config migrate.branch main &&
		test_expect_code 1 git migrate apply 2>.git/t/err &&
		way supersede && step "free landed evidence" && step "elsewhere no evidence" &&
		because "free: the protected branch has it" &&
		follow "printf \"%s\n\" \"-- Supersedes: bad.sql\" \"CREATE TABLE good (x int);\" >migrations/replace-bad.sql" &&
		git migrate plan --json >.git/t/json && grep "\"key\": \"Supersedes\"" .git/t/json &&
		git migrate status --exit-code && test 0 = "$(db "SELECT count(*) FROM good")" &&
		settled superseded bad.sql && settled applied replace-bad.sql && way replaced bad
	'

	test_expect_success $req "$engine: a contract that stops at what has no copy: fix writes the one in its place" '
		fresh_on $engine stopped_contract && new_migration users "$users
ALTER TABLE users ADD COLUMN n_restored text; ALTER TABLE users ADD COLUMN n integer;" && apply &&
		db "UPDATE users SET n = 7" &&
		stopper="CREATE TABLE once (x int CHECK (x < 1)); INSERT INTO once SELECT n FROM users WHERE n_restored IS NULL; DROP TABLE once;" &&
		new_migration gone "-- Phase: contract
$stopper ALTER TABLE users DROP COLUMN n;" && git config migrate.branch main &&
		test_expect_code 1 git migrate apply 2>.git/t/err && way supersede gone &&
		grep "^git migrate fix --name=replace-gone.sql gone.sql$" .git/t/commands &&
		case $engine in
		sqlite)
			trigger="/^DROP TRIGGER/d"
			;;
		*)
			trigger="/^DROP TRIGGER/d; /^DROP FUNCTION/d"
			;;
		esac &&
		follow "fill migrations/replace-gone.sql \"s/<fill in: which rows.*>/n_restored = n_restored/; s/<fill in: the value[^>]*>/CAST(n AS text)/; \$trigger\"" &&
		git migrate status --exit-code && db "SELECT n_restored FROM users" >.git/t/restored &&
		! grep -v "^7$" .git/t/restored && test_must_fail db "SELECT n FROM users"
	'

	test_expect_success $req "$engine: failed here, and ran elsewhere: another one in its place here" '
		fresh_on $engine here && new_migration users "$users" && apply && another staging &&
		new_migration bad "CREATE UNIQUE INDEX one_name ON users (name);" &&
		db "INSERT INTO users (id, name) VALUES (3, '\''Ada'\'')" &&
		test_expect_code 1 git migrate apply 2>.git/t/err && apply staging &&
		way supersede-here bad && because "free: target staging: it has run (tracker)" &&
		follow "printf \"%s\n\" \"-- Supersedes: bad.sql\" \"CREATE INDEX one_name ON users (name);\" >migrations/replace-bad.sql" &&
		git log -1 --format=%s >.git/t/log && has_line .git/t/log "replace bad.sql" &&
		git migrate status --exit-code && settled superseded bad.sql && settled applied replace-bad.sql &&
		apply staging && git migrate status --exit-code staging &&
		git migrate status --all --porcelain staging >.git/t/status &&
		grep "^applied .* bad.sql$" .git/t/status && grep "^unneeded .* replace-bad.sql$" .git/t/status
	'

	test_expect_success $req "$engine: what failed by what has passed: again" '
		fresh_on $engine again && new_migration users "$users" && apply &&
		new_migration later "CREATE TABLE later (x int);" &&
		case $engine in
		sqlite) passing=5 ;;
		*) passing=57P01 ;;
		esac &&
		forge failed later.sql sqlstate=$passing && way again && follow &&
		git migrate status --exit-code
	'

	test_expect_success $req "$engine: failed for a lock that somebody still has, or not" '
		fresh_on $engine lock && new_migration users "$users" && apply &&
		new_migration age "ALTER TABLE users ADD COLUMN age integer;" &&
		case $engine in
		sqlite)
			forge failed age.sql sqlstate=5 && way again && hold "SELECT 1" && outwait=outwait-file
			;;
		*)
			hold "SELECT FROM users" && outwait=outwait-server &&
			test_expect_code 1 git -c migrate.default.lockRetry=0 migrate apply >.git/t/out 2>&1
			;;
		esac &&
		way $outwait && step "cause lock evidence" &&
		if test "$engine" = sqlite; then
			because "held: Process $holder (sqlite3) holds a lock on the file"
		else
			because "held: session [0-9]* (holder, user postgres, idle in transaction) holds AccessShareLock on users, its transaction began 2"
		fi &&
		cp .git/t/commands .git/t/kept && release && way again && cp .git/t/kept .git/t/commands && follow &&
		git migrate status --exit-code
	'

	# --- one that was not tried ----------------------------------------------------

	test_expect_success $req "$engine: pending, free to change, or landed and to be applied" '
		fresh_on $engine pending && new_migration users "$users" && apply &&
		new_migration later "CREATE TABLE later (x int);" &&
		way amend later && step "untried newest evidence" &&
		commit_file readme text && way fixup later && step "untried older evidence" &&
		git config migrate.branch main &&
		way apply later && step "other no evidence" && step "known no default" && follow &&
		git migrate status --exit-code
	'

	test_expect_success $req "$engine: pending, and failed elsewhere: another one in its place" '
		fresh_on $engine elsewhere && new_migration users "$users" && apply && another staging && apply staging &&
		new_migration bad "SELECT nothing;" && git config migrate.branch main &&
		test_expect_code 1 git migrate apply staging 2>.git/t/err &&
		way supersede bad && step "known yes default" &&
		because "known: target staging: it failed, and was rolled back (tracker)"
	'

	test_expect_success $req "$engine: a target that cannot be reached speaks by its mirror" '
		fresh_on $engine mirror && new_migration users "$users" && apply && another staging && apply staging &&
		new_migration name "CREATE UNIQUE INDEX one ON users (name);" &&
		apply && apply staging &&
		way fix name && step "where everywhere evidence" && because "where: target staging: it has run (tracker)" &&
		git config migrate.staging.url postgresql://nobody@127.0.0.1:1/none &&
		way fix name && because "where: target staging: it has run (mirror); .*could not connect" &&
		git update-ref -d refs/notes/migrate/staging &&
		way fix-first name && because "where: target staging: neither its tracker nor a mirror" &&
		git config --unset migrate.staging.url &&
		git fetch -q . refs/notes/migrate/default:refs/notes/migrate/production &&
		way fix name
	'

	# --- one that ran, and the plan ------------------------------------------------

	test_expect_success $req "$engine: ran, and was edited or removed: brought back" '
		fresh_on $engine back && new_migration users "$users" && apply &&
		commit_file migrations/users.sql "$users -- better" &&
		way bring-back users && step "planned edited evidence" && follow && git migrate status --exit-code &&
		git rm -q migrations/users.sql && git commit -q -m "not wanted" &&
		way bring-back users.sql && step "planned missing evidence" && follow && git migrate status --exit-code
	'

	test_expect_success $req "$engine: HEAD is older than what ran" '
		fresh_on $engine older && new_migration users "$users" && apply && new_migration later "CREATE TABLE later (x int);" &&
		apply && git checkout -q HEAD^ &&
		way switch later.sql && follow && test "$(git rev-parse main)" = "$(git rev-parse HEAD)"
	'

	test_expect_success $req "$engine: failed, and thrown away" '
		fresh_on $engine gone && new_migration users "$users" && apply && new_migration bad "SELECT nothing;" &&
		test_expect_code 1 git migrate apply 2>.git/t/err && git reset -q --hard HEAD^ &&
		way gone && step "planned gone evidence" && follow
	'

	test_expect_success $req "$engine: another took its place" '
		fresh_on $engine replaced && new_migration users "$users" && apply && new_migration later "CREATE TABLE later (x int);" &&
		git config migrate.branch main && forge superseded later.sql "reason=x" &&
		way replaced later && follow
	'

	test_expect_success $req "$engine: its fix is pending, then applied" '
		fresh_on $engine fixed && new_migration users "$users" && apply &&
		new_migration age "ALTER TABLE users ADD COLUMN age integer; UPDATE users SET age = 3;" && apply &&
		new_migration fix-age "UPDATE users SET age = 4;" "mend it" "" "Fixes: age.sql" "Failure-Mode: wrong" &&
		way apply-fix age && because "fixed: fix-age.sql says \"Fixes:\" of it: pending" && follow &&
		way mended age && step "still no default" && follow &&
		test 4,4 = "$(db "SELECT group_concat(age) FROM users" 2>/dev/null || db "SELECT string_agg(age::text, '\'','\'') FROM users")"
	'

	# --- one that ran, and is wrong ------------------------------------------------

	test_expect_success $req "$engine: a type that lost values" '
		fresh_on $engine lossy && new_migration users "$users" && apply &&
		case $engine in
		sqlite) sql="CREATE TABLE users_new (id integer PRIMARY KEY, phone integer, name varchar(20));
			INSERT INTO users_new SELECT id, CAST(phone AS integer), name FROM users;
			DROP TABLE users; ALTER TABLE users_new RENAME TO users;" ;;
		*) sql="ALTER TABLE users ALTER COLUMN phone TYPE integer USING phone::integer;" ;;
		esac &&
		new_migration phone "$sql" && apply &&
		way fix phone && step "lossy yes default" &&
		because "lossy: users.phone was varchar(20) and is integer: not every value" &&
		has_line .git/t/down "type users.phone 2 values all" &&
		grep "^# rehearse it.*: git migrate rehearse fix-phone-copy.sql$" .git/t/commands &&
		follow "fill migrations/fix-phone.sql && fill migrations/fix-phone-copy.sql \"s/<fill in: the value[^>]*>/'\''0'\'' || phone/\"" &&
		test 2 = "$(db "SELECT count(*) FROM users WHERE phone_text LIKE '\''030%'\''" 2>/dev/null ||
			db "SELECT count(*) FROM users WHERE $(git diff HEAD^ -- migrations/ | sed -n "s/.*ADD COLUMN \([a-z_]*\) .*/\1/p" | head -1) LIKE '\''030%'\''")" &&
		way mended phone
	'

	test_expect_success $req "$engine: a type that keeps all values is no loss" '
		fresh_on $engine wider && new_migration users "$users" && apply &&
		case $engine in
		sqlite) sql="CREATE TABLE users_new (id integer PRIMARY KEY, phone text, name varchar(20));
			INSERT INTO users_new SELECT id, phone, name FROM users;
			DROP TABLE users; ALTER TABLE users_new RENAME TO users;" ;;
		*) sql="ALTER TABLE users ALTER COLUMN phone TYPE text;" ;;
		esac &&
		new_migration phone "$sql" && apply &&
		way new-fix phone && step "lossy no evidence" && because "lossy: .*: that keeps all values" &&
		follow "printf \"%s\n\" \"-- Fixes: phone.sql\" \"-- Failure-Mode: it was slow\" \"CREATE TABLE mended (x int);\" >migrations/fix-phone.sql" &&
		git migrate status --exit-code && way mended phone
	'

	test_expect_success $req "$engine: a required column that running code leaves out" '
		fresh_on $engine required && mkdir compat && new_migration users "$users" &&
		commit_file compat/signup.sql "SELECT 1;
INSERT INTO users (id, name) VALUES (7, '\''Eve'\'');" && apply &&
		new_migration before "CREATE TABLE before (x int);" && apply &&
		case $engine in
		sqlite) sql="CREATE TABLE users_new (id integer PRIMARY KEY, phone varchar(20), name varchar(20), mail text NOT NULL);
			INSERT INTO users_new SELECT id, phone, name, '\''?'\'' FROM users;
			DROP TABLE users; ALTER TABLE users_new RENAME TO users;" ;;
		*) sql="ALTER TABLE users ADD COLUMN mail text; UPDATE users SET mail = '\''?'\'';
			ALTER TABLE users ALTER COLUMN mail SET NOT NULL;" ;;
		esac &&
		new_migration mail "$sql" && apply &&
		way fix mail && step "required yes evidence" &&
		grep "^# rehearse it.*: git migrate rehearse fix-mail.sql$" .git/t/commands &&
		because "required: compat/signup.sql at [0-9a-f]*, line 2: 1 statement of code that runs insert without users.mail" &&
		has_line .git/t/down "new-column users.mail 2 values all" &&
		follow "fill migrations/fix-mail.sql \"\"" &&
		db "INSERT INTO users (id, name) VALUES (7, '\''Eve'\'')" &&
		git config migrate.default.deployed HEAD && git rm -q -r compat && git commit -q -m "none" &&
		git config migrate.branch "" && way mended mail
	'

	test_expect_success $req "$engine: renamed: no statement of running code uses it, or one does" '
		fresh_on $engine renamed && mkdir compat && new_migration users "$users" &&
		commit_file compat/a.sql "SELECT name FROM users;" &&
		commit_file compat/sub/c.sql "SELECT phone FROM users;" && apply &&
		new_migration phone "ALTER TABLE users RENAME COLUMN phone TO number;" && apply &&
		way new-fix phone && step "renamed no default" && because "renamed: no statement of compat/ at .* is seen to do that" &&
		test_must_be_empty .git/t/down &&
		commit_file compat/b.sql "SELECT u.PHONE FROM users u;" && git tag deployed &&
		git config migrate.default.deployed deployed &&
		way fix phone && step "renamed yes evidence" && follow "fill migrations/fix-phone.sql \"\" && fill_steps migrations/fix-phone \"\"" &&
		db "SELECT phone FROM users" >.git/t/phones && test 2 = "$(grep -c 030 .git/t/phones)"
	'

	test_expect_success $req "$engine: dropped, and still needed" '
		fresh_on $engine dropped && new_migration users "$users" && apply &&
		new_migration phone "ALTER TABLE users DROP COLUMN phone;" && apply &&
		way fix phone && step "dropped yes default" && because "dropped: there is no compat" &&
		has_line .git/t/down "gone-column users.phone - values None" &&
		follow "fill migrations/fix-phone.sql \"s/<fill in: the value[^>]*>/NULL/\" &&
			fill_steps migrations/fix-phone \"s/<fill in: the value[^>]*>/NULL/\"" &&
		git migrate status --exit-code && git status --porcelain >.git/t/left && test_must_be_empty .git/t/left &&
		db "SELECT phone FROM users"
	'

	test_expect_success $req "$engine: a constraint that refuses what is right" '
		fresh_on $engine constraint && new_migration users "$users" && apply &&
		new_migration one "CREATE UNIQUE INDEX one_name ON users (name);" && apply &&
		way fix one && step "constraint yes default" && grep -e "--kind bad-constraint" .git/t/commands &&
		follow "fill migrations/fix-one.sql \"\"" && db "INSERT INTO users (id, name) VALUES (3, '\''Ada'\'')"
	'

	test_expect_success $req "$engine: a wrong backfill, on this target alone so far: replaced elsewhere" '
		fresh_on $engine backfill && new_migration users "$users" && apply && another staging && apply staging &&
		new_migration up "UPDATE users SET name = upper(name);" && apply &&
		way fix-and-replace up && step "where destroyed evidence" && step "backfill yes default" &&
		because "where: target staging: it has not run (tracker)" &&
		because "where: what it destroys is whole where it has not run" &&
		grep "^updated users - " .git/t/down && git config migrate.branch main &&
		follow "case \$follow_line in *replace-up*) echo \"-- Supersedes: up.sql\" >migrations/replace-up.sql && echo \"UPDATE users SET name = lower(name);\" >>migrations/replace-up.sql ;; *) fill migrations/fix-up.sql \"s/<fill in: the right value>/lower(name)/; s/<fill in: which[^>]*>/name <> lower(name)/\" ;; esac" &&
		test ada = "$(db "SELECT name FROM users WHERE id = 1")" &&
		way apply staging up && step "known no default" && follow &&
		git migrate log --format="%(path) %(state:staging)" >.git/t/log &&
		has_line .git/t/log "up.sql superseded" && has_line .git/t/log "fix-up.sql unneeded"
	'

	test_expect_success $req "$engine: what destroys, pending with its fix alone: another one in its place" '
		fresh_on $engine spare && new_migration users "$users" && apply && another staging && apply staging &&
		new_migration fill "ALTER TABLE users ADD COLUMN age integer; UPDATE users SET age = 3;" && apply &&
		new_migration fix-fill "UPDATE users SET age = 4;" "mend it" "" "Fixes: fill.sql" "Failure-Mode: wrong" &&
		way apply staging fill && step "known no default" &&
		new_migration up "UPDATE users SET name = upper(name);" && apply &&
		new_migration fix-up "UPDATE users SET name = lower(name);" "mend it" "" "Fixes: up.sql" "Failure-Mode: wrong" &&
		way supersede-here staging up && step "known yes default" &&
		because "known: its fix cannot bring back what it destroys"
	'

	test_expect_success $req "$engine: rows that an INSERT changed" '
		fresh_on $engine upsert && new_migration users "$users" && apply &&
		new_migration up "INSERT INTO users (id, name) VALUES (1, '\''x'\'') ON CONFLICT (id) DO UPDATE SET name = '\''x'\'';" && apply &&
		way fix up && step "backfill yes default" && because "backfill: it changed rows of users" &&
		grep -e "--kind wrong-backfill" .git/t/commands && grep "^updated users - " .git/t/down &&
		git migrate fix --kind wrong-backfill up && has_line migrations/fix-up.sql "-- Fixes: up.sql" &&
		rm migrations/fix-up.sql &&
		new_migration in "INSERT INTO users (id, name) VALUES (3, '\''x'\'') ON CONFLICT (id) DO NOTHING;" && apply &&
		way new-fix in && step "backfill no evidence"
	'

	test_expect_success $req "$engine: a table that is made anew loses rows, values, or all" '
		fresh_on $engine anew && new_migration users "$users" && apply &&
		new_migration rows "CREATE TABLE n (id integer PRIMARY KEY, phone varchar(20), name varchar(20));
			INSERT INTO n SELECT id, phone, name FROM users WHERE id < 2;
			DROP TABLE users; ALTER TABLE n RENAME TO users;" && apply &&
		way new-fix rows && step "deleted yes default" && because "deleted: it made users anew, and not each row is seen" &&
		new_migration values "CREATE TABLE n (id integer PRIMARY KEY, phone varchar(20), name varchar(20));
			INSERT INTO n SELECT id, substr(phone, 1, 2), name FROM users;
			DROP TABLE users; ALTER TABLE n RENAME TO users;" && apply &&
		way fix values && step "backfill yes default" && because "backfill: it made users anew, and not each value is seen" &&
		new_migration whole "CREATE TABLE n (id integer PRIMARY KEY, phone varchar(20), name varchar(20));
			INSERT INTO n SELECT * FROM users;
			DROP TABLE users; ALTER TABLE n RENAME TO users;" && apply &&
		way new-fix whole && test_must_be_empty .git/t/down &&
		step "lossy no evidence" && step "dropped no evidence" && step "backfill no evidence" && step "deleted no evidence" &&
		new_migration all "DROP TABLE users; CREATE TABLE users (id integer PRIMARY KEY, phone integer);" && apply &&
		way fix all && step "lossy no evidence" && step "dropped yes default" && because "dropped: users was dropped" &&
		grep "^gone-table users " .git/t/down && has_line .git/t/down "new-table users 0 rows all" &&
		git migrate fix --kind dropped-early all
	'

	test_expect_success $req "$engine: a table that is renamed, and another one made in its place, has kept its name" '
		fresh_on $engine aside && new_migration users "$users" && apply && mkdir compat &&
		commit_file compat/a.sql "SELECT phone FROM users;" && apply &&
		new_migration checked "ALTER TABLE users RENAME TO users_old;
			CREATE TABLE users (id integer PRIMARY KEY, phone varchar(20), name varchar(20), CHECK (length(phone) > 0));
			INSERT INTO users SELECT * FROM users_old; DROP TABLE users_old;" && apply &&
		way fix checked && step "renamed no evidence" && step "dropped no evidence" &&
		because "constraint: users got CHECK (length(phone) > 0)" && grep -e "--kind bad-constraint" .git/t/commands &&
		new_migration gone "ALTER TABLE users RENAME TO people;" && apply &&
		way fix gone && step "renamed yes evidence" && because "renamed: users is called people since"
	'

	test_expect_success $req "$engine: a table that is made anew by way of a temporary one" '
		fresh_on $engine detour && new_migration users "$users" && apply && another staging && apply staging &&
		new_migration whole "CREATE TEMPORARY TABLE b (id integer, phone varchar(20), name varchar(20));
			INSERT INTO b SELECT id, phone, name FROM users; DROP TABLE users;
			CREATE TABLE users (id integer PRIMARY KEY, phone varchar(20), name varchar(20));
			INSERT INTO users (id, phone, name) SELECT id, phone, name FROM b; DROP TABLE b;" && apply &&
		way new-fix whole && step "backfill no evidence" && step "deleted no evidence" && test_must_be_empty .git/t/down &&
		new_migration short "CREATE TABLE n (id integer PRIMARY KEY, phone varchar(20), name varchar(20));
			INSERT INTO n SELECT * FROM users ORDER BY id LIMIT 1;
			DROP TABLE users; ALTER TABLE n RENAME TO users;" && apply &&
		way fix-and-replace short && step "deleted yes default" && grep "^deleted users " .git/t/down
	'

	test_expect_success $req "$engine: rows that were deleted on one target alone" '
		fresh_on $engine spared && new_migration users "$users" && apply && another staging && apply staging &&
		new_migration clean "DELETE FROM users WHERE id = 2;" && apply &&
		way fix-and-replace clean && step "spared yes evidence" &&
		grep "git migrate new fix-clean.sql" .git/t/commands &&
		grep "Failure-Mode: .*fix-clean.sql" .git/t/commands && grep "\"kind\": null" .git/t/json &&
		apply staging && way new-fix clean && step "spared no evidence"
	'

	test_expect_success $req "$engine: rows that were deleted, and a fix that has a name already" '
		fresh_on $engine deleted && new_migration users "$users" && apply &&
		new_migration clean "DELETE FROM users WHERE id = 2;" && new_migration fix-clean "CREATE TABLE other (x int);" && apply &&
		way new-fix clean && step "deleted yes default" && grep "^deleted users - " .git/t/down &&
		follow "printf \"%s\n\" \"-- Fixes: clean.sql\" \"-- Failure-Mode: Bob was needed\" \"INSERT INTO users (id, name) VALUES (2, '\''Bob'\'');\" >migrations/fix-clean-2.sql" &&
		test 2 = "$(db "SELECT count(*) FROM users")" &&
		new_migration up "UPDATE users SET name = upper(name);" && new_migration fix-up "CREATE TABLE more (x int);" && apply &&
		way fix up &&
		follow "fill migrations/fix-up-2.sql \"s/<fill in: the right value>/lower(name)/; s/<fill in: which[^>]*>/name <> lower(name)/\"" &&
		git migrate status --exit-code
	'

	test_expect_success $req "$engine: an index that blocked writers" '
		fresh_on $engine slow && new_migration users "$users" && apply &&
		new_migration i "CREATE INDEX names ON users (name);" && apply &&
		way fix i && step "slow yes default" && grep -e "--kind slow-ddl" .git/t/commands &&
		follow "fill migrations/fix-i.sql \"s/<fill in: CREATE INDEX[^>]*>;*//\"" &&
		git migrate status --exit-code
	'

	# --- one that was begun ---------------------------------------------------------

	test_expect_success $req "$engine: begun, and apply can go on; another one waits for it" '
		fresh_on $engine resume && new_migration users "$users" && apply &&
		case $engine in
		sqlite) sql="VACUUM;" ;;
		*) sql="CREATE INDEX CONCURRENTLY names ON users (name);" ;;
		esac &&
		new_migration i "$alone
$sql" && new_migration z "CREATE TABLE z (x int);" &&
		forge started i.sql && git config migrate.branch main &&
		way settle-other z && because "other: i.sql: record" && follow &&
		way resume && step "open can-go-on evidence" && grep "\"path\": \"i.sql\"" .git/t/json && follow &&
		git migrate status --exit-code
	'

	test_expect_success $req "$engine: begun from a commit that the plan has not, or that is gone" '
		fresh_on $engine resume-at && new_migration users "$users" && apply &&
		case $engine in
		sqlite) sql="VACUUM;" ;;
		*) sql="CREATE INDEX CONCURRENTLY names ON users (name);" ;;
		esac &&
		new_migration i "$alone
$sql" && git branch begun && forge started i.sql && git reset -q --hard HEAD^ &&
		way resume-at && step "open plan-changed evidence" && cp .git/t/commands .git/t/kept &&
		mv .git/refs/heads/begun .git/t/begun && cp -r .git/objects .git/t/objects &&
		git reflog expire --expire=now --all && git gc -q --prune=now &&
		way look && step "open unknown evidence" && step "effect unknown default" && follow &&
		rm -rf .git/objects && mv .git/t/objects .git/objects && mv .git/t/begun .git/refs/heads/begun &&
		way resume-at && follow && git checkout -q begun && git migrate status --exit-code
	'

	# --- in batches ------------------------------------------------------------------

	test_expect_success $req "$engine: batches of it are done: neither changed nor replaced" '
		fresh_on $engine in-part &&
		new_migration t "CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0);
INSERT INTO t (id) VALUES (1), (2), (3), (4), (5), (6), (7);
CREATE TABLE most (n integer CHECK (n < 50));" && apply && db "UPDATE t SET n = 49 WHERE id = 5" &&
		new_migration copy "-- migrate: batch table=t key=id size=2
INSERT INTO most SELECT n + 1 FROM t WHERE :batch;" &&
		test_expect_code 1 git migrate apply 2>.git/t/err &&
		way mend-rows copy && step "here failed evidence" && step "free in-part evidence" &&
		because "free: 4 rows done in 2 batches" &&
		git config migrate.branch main && way mend-rows copy && step "free in-part evidence" &&
		forge started copy.sql && way resume-batches copy && step "open in-batches evidence" &&
		git migrate diagnose >.git/t/out && grep "the next apply goes on behind the last batch" .git/t/out &&
		git migrate diagnose --abandon --reason looked copy >.git/t/out &&
		new_migration z "CREATE TABLE z (x int);" &&
		way mend-rows copy && step "here failed evidence" &&
		follow "db \"UPDATE t SET n = 0 WHERE id = 5\"" &&
		test 7 = "$(db "SELECT count(*) FROM most")" && git migrate status --exit-code
	'

	test_expect_success $req "$engine: a run of batches was stopped: it goes on, abandoned too" '
		fresh_on $engine stopped && new_migration t "CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t (id, n) VALUES (1, 0), (2, 0), (3, 0);" && apply &&
		new_migration count "-- migrate: batch table=t key=id size=1
UPDATE t SET n = n + 1 WHERE :batch;" && git config migrate.default.batchPause 1000000 &&
		{ env --default-signal=INT git-migrate apply >.git/t/paused 2>&1 & } && run_pid=$! &&
		until test 1 = "$(db "SELECT sum(n) FROM t")"; do
			kill -0 "$run_pid" || return 1
		done &&
		kill -INT "$run_pid" && { wait "$run_pid" || test $? = 130; } &&
		git config migrate.default.batchPause 0 &&
		way resume-batches &&
		git migrate diagnose --abandon --reason looked count >.git/t/out &&
		way mend-rows count && step "here pending evidence" && step "untried in-part evidence" &&
		follow && test "1|1" = "$(db "SELECT min(n), max(n) FROM t")" && git migrate status --exit-code
	'

	test_expect_success $req "$engine: batches are done of what it was before it was changed" '
		fresh_on $engine changed &&
		new_migration t "CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0);
INSERT INTO t (id) VALUES (1), (2), (3), (4), (5);
CREATE TABLE most (n integer CHECK (n < 50));" && apply && db "UPDATE t SET n = 49 WHERE id = 4" &&
		new_migration copy "-- migrate: batch table=t key=id size=2
INSERT INTO most SELECT n + 1 FROM t WHERE :batch;" &&
		test_expect_code 1 git migrate apply 2>.git/t/err &&
		echo "INSERT INTO most SELECT n + 1 FROM t WHERE n < 49;" >migrations/copy.sql &&
		git commit -q --amend -m copy -- migrations && way put-back copy &&
		step "here failed evidence" && step "free changed evidence" &&
		because "free: 2 rows done in 1 batch" && because "free: that was blob " &&
		git config migrate.branch main && way put-back copy &&
		follow "db \"UPDATE t SET n = 0 WHERE id = 4\"" &&
		test 5 = "$(db "SELECT count(*) FROM most")" && git migrate status --exit-code
	'

	# --- what would be destroyed ---------------------------------------------------

	test_expect_success $req "$engine: what a down migration would destroy is counted" '
		fresh_on $engine down && new_migration users "$users" && apply &&
		new_migration more "CREATE TABLE orders (id integer); ALTER TABLE users ADD COLUMN phone_number varchar(20);" && apply &&
		db "INSERT INTO orders (id) VALUES (1), (2), (3); UPDATE users SET phone_number = phone WHERE id = 1" &&
		way new-fix more && has_line .git/t/down "new-table orders 3 rows all" &&
		has_line .git/t/down "new-column users.phone_number 1 values all" &&
		git migrate diagnose more >.git/t/out && has_line .git/t/out "  users.phone_number: 1 value" &&
		has_line .git/t/out "  orders: 3 rows" &&
		db "DROP TABLE orders" && way new-fix more && has_line .git/t/down "new-table orders - rows absent"
	'

	test_expect_success $req "$engine: hostile names are quoted, and shown without what steers a terminal" '
		fresh_on $engine hostile && esc=$(printf "\033") &&
		name="u\"\"s; DROP TABLE users -- $esc[31m" &&
		new_migration users "$users" && apply &&
		new_migration evil "CREATE TABLE \"$name\" (id integer); ALTER TABLE users ADD COLUMN \"co\"\"l '\''); --\" varchar(20);" && apply &&
		db "INSERT INTO \"$name\" (id) VALUES (1), (2); UPDATE users SET \"co\"\"l '\''); --\" = '\''x'\''" &&
		way new-fix evil && grep "^new-table .* 2 rows all" .git/t/down && grep "^new-column .* 2 values all" .git/t/down &&
		git migrate diagnose evil >.git/t/out && ! grep "$esc" .git/t/out && test 2 = "$(db "SELECT count(*) FROM users")"
	'

	# --- asking ---------------------------------------------------------------------

	test_expect_success ${req:+$req,}TTY "$engine: on a terminal what evidence cannot tell is asked" '
		fresh_on $engine asks && new_migration users "$users" && apply &&
		new_migration up "UPDATE users SET name = upper(name); DELETE FROM users WHERE id = 2;" && apply &&
		on_terminal "\n" up && grep "^Did its UPDATE write wrong values? .*yes.* (you say)" .git/t/out &&
		grep "git migrate fix --kind wrong-backfill up.sql" .git/t/out &&
		on_terminal "n\n\n" up && grep "write wrong values? .*no.* (you say)" .git/t/out &&
		grep "delete rows that are needed? .*yes.* (you say)" .git/t/out && grep "git migrate new fix-up.sql" .git/t/out &&
		on_terminal "perhaps\nno\nNO\n" up && grep "delete rows that are needed? .*no.* (you say)" .git/t/out &&
		grep "  .perhaps. is none of the answers, nor the beginning of one alone$" .git/t/out &&
		test 1 = "$(grep -c "^migration up.sql on target default: what nothing here can tell is asked" .git/t/out)" &&
		on_terminal "\004" up && grep "write wrong values? .*yes.* (nobody was asked)" .git/t/out && ! grep "(you say)" .git/t/out &&
		git migrate diagnose up </dev/null >.git/t/out && grep "(nobody was asked)" .git/t/out &&
		! grep "(you say)" .git/t/out
	'
done

# --- what PostgreSQL alone has ----------------------------------------------------

engine=postgresql

test_expect_success PG 'begun, and still at work' '
	fresh_on postgresql work && new_migration users "$users" && apply &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY names ON users (name);" && forge started i.sql &&
	hold "INSERT INTO users (id) VALUES (9)" &&
	in_background "CREATE INDEX CONCURRENTLY names ON users (name)" &&
	way wait i && step "open running evidence" &&
	cp .git/t/commands .git/t/kept && release && wait "$waiter" &&
	cp .git/t/kept .git/t/commands && follow && git migrate status --exit-code
'

test_expect_success PG,TTY 'begun, and nothing tells: a person looks, and says it' '
	fresh_on postgresql tells && new_migration users "$users" && apply &&
	new_migration p "CREATE PROCEDURE p() LANGUAGE plpgsql AS \$\$ BEGIN NULL; END \$\$;" && apply &&
	new_migration c "$alone
CALL p();" && forge started c.sql &&
	way look && step "effect unknown default" && grep "^# if it has taken effect: git migrate diagnose --finished" .git/t/commands && follow &&
	says() {
		on_terminal "$1\n" c && sed -n "s/^	\([^#]\)/\1/p" .git/t/out >.git/t/commands
	} &&
	says unknown && has_line .git/t/commands "git migrate schema" &&
	says no && grep -e "--abandon" .git/t/commands && echo abandon >>../ways && follow &&
	test " event=abandoned" = "$(records | tail -1 | grep -o " event=[a-z]*")" &&
	forge started c.sql && says y && grep -e "--finished" .git/t/commands && echo vouch >>../ways && follow &&
	test " event=adopted" = "$(records | tail -1 | grep -o " event=[a-z]*")" && git migrate status --exit-code
'

test_expect_success PG 'somebody is in the way of others, and nobody can count' '
	fresh_on postgresql waiters && new_migration users "$users" && apply &&
	new_migration age "ALTER TABLE users ADD COLUMN age integer;" && apply &&
	pg "$url" "ANALYZE users" && hold "LOCK TABLE users" && in_background "SELECT count(*) FROM users" && busy=t &&
	way unblock age && busy= && step "waiters yes evidence" &&
	because "waiters: session [0-9]* (waiter, user postgres, active) waits for AccessShareLock on users; in its way: session [0-9]* (holder, user postgres, idle in transaction), its transaction began 2" &&
	has_line .git/t/down "new-column users.age 2 values about" &&
	busy=t && follow && busy= && wait "$waiter" && has_line .git/t/waited 2 && { release || :; } 2>/dev/null &&
	way new-fix age && has_line .git/t/down "new-column users.age 0 values all"
'

test_expect_success 'sqlite: names have no case, and words that PostgreSQL keeps for itself are names' '
	engine=sqlite && fresh_on sqlite no_case &&
	new_migration users "CREATE TABLE \"Users\" (id INTEGER PRIMARY KEY, fax TEXT, \"Phone\" TEXT, like TEXT); INSERT INTO users VALUES (1, 1, 2, 3);" &&
	apply && new_migration fax "ALTER TABLE users DROP COLUMN FAX;" && apply &&
	way fix fax && step "dropped yes default" && because "dropped: users.fax was dropped" &&
	new_migration likes "ALTER TABLE users DROP COLUMN like;" && apply && way fix likes && step "dropped yes default" &&
	new_migration lossy "CREATE TABLE u2 (id INTEGER PRIMARY KEY, Phone INT); INSERT INTO u2 SELECT id, CAST(phone AS INT) FROM Users;
DROP TABLE users; ALTER TABLE u2 RENAME TO users;" && apply && way fix lossy && step "lossy yes default" && mkdir compat &&
	commit_file compat/a.sql "SELECT \"Name\" FROM [People];" && new_migration people "CREATE TABLE people (id int, name text, age int);" && apply &&
	new_migration name "ALTER TABLE people DROP COLUMN name;" && apply && way fix name && step "dropped yes evidence" &&
	new_migration age "ALTER TABLE people DROP COLUMN age;" && apply && way new-fix age && step "dropped no default"
'

test_expect_success PG 'postgresql: a column whose default has filled the rows that were there, and is gone' '
	engine=postgresql && fresh_on postgresql no_default && mkdir compat && new_migration users "$users" &&
	commit_file compat/signup.sql "INSERT INTO users (id, name) VALUES (7, 7);" && apply &&
	new_migration mail "ALTER TABLE users ADD COLUMN mail int NOT NULL DEFAULT 0;" && apply &&
	way new-fix mail && step "required no evidence" && because "required: it has a value by itself" &&
	new_migration age "ALTER TABLE users ADD COLUMN age int NOT NULL DEFAULT 0;
		ALTER TABLE users ALTER COLUMN age DROP DEFAULT;" && apply &&
	way fix age && step "required yes evidence" &&
	follow "fill migrations/fix-age.sql \"\"" && db "INSERT INTO users (id, name) VALUES (7, 7)"
'

test_expect_success PG 'postgresql: of several columns that which running code uses is mended' '
	engine=postgresql && fresh_on postgresql second && mkdir compat &&
	new_migration t "CREATE TABLE t (id int PRIMARY KEY, a text, b text); CREATE TABLE u (id int, x int, y int); CREATE TABLE v (n1 int, n2 int);" &&
	commit_file compat/a.sql "SELECT id, b FROM t; INSERT INTO u (id, x) VALUES (1, 2); SELECT n2 FROM v;" && apply &&
	new_migration drops "ALTER TABLE t DROP a, DROP b;" && apply && way fix drops && step "dropped yes evidence" &&
	because "dropped: compat/a.sql at .*: 1 statement of code that runs use t.b" &&
	has_line .git/t/commands "git migrate fix --kind dropped-early --nth=2 drops.sql" &&
	new_migration required "ALTER TABLE u ALTER x SET NOT NULL, ALTER y SET NOT NULL;" && apply &&
	way fix required && step "required yes evidence" && has_line .git/t/commands "git migrate fix --kind required-column --nth=2 required.sql" &&
	follow "fill migrations/fix-required.sql" && db "INSERT INTO u (id, x) VALUES (1, 2)" &&
	new_migration renames "ALTER TABLE v RENAME n1 TO m1; ALTER TABLE v RENAME n2 TO m2;" && apply &&
	way fix renames && step "renamed yes evidence" && has_line .git/t/commands "git migrate fix --kind renamed --nth=2 renames.sql" &&
	git migrate fix --kind renamed --nth=2 renames.sql && grep "ADD COLUMN n2_again int" migrations/fix-renames.sql &&
	new_migration indexes "CREATE TABLE w (x int); CREATE UNIQUE INDEX wx ON w (x); CREATE UNIQUE INDEX uy ON u (y);" && apply &&
	way fix indexes && because "constraint: the table is new with it" && step "constraint yes default" &&
	has_line .git/t/commands "git migrate fix --kind bad-constraint --nth=2 indexes.sql"
'

test_expect_success PG 'postgresql: whether a column has a value by itself is read, not guessed' '
	engine=postgresql && fresh_on postgresql fills && mkdir compat && new_migration t "CREATE TABLE t (id int PRIMARY KEY);" &&
	commit_file compat/a.sql "INSERT INTO t (id) VALUES (1);" && apply &&
	new_migration c1 "ALTER TABLE t ADD COLUMN p text NOT NULL CHECK (p IN (\$\$default\$\$, \$\$ as \$\$));" && apply &&
	way fix c1 && step "required yes evidence" &&
	new_migration c2 "ALTER TABLE t ADD COLUMN q text COLLATE \"default\" NOT NULL;" && apply &&
	way fix c2 && step "required yes evidence" &&
	new_migration c3 "ALTER TABLE t ADD COLUMN r text NOT NULL DEFAULT (NULL);" && apply &&
	way fix c3 && step "required yes evidence" &&
	new_migration c4 "ALTER TABLE t ADD COLUMN s bigserial NOT NULL, ADD COLUMN g int NOT NULL GENERATED ALWAYS AS (id) STORED,
		ADD COLUMN i int NOT NULL GENERATED BY DEFAULT AS IDENTITY, ADD COLUMN d int NOT NULL DEFAULT 0;" && apply &&
	way new-fix c4 && step "required no evidence" && test 4 = "$(grep -c "required: it has a value by itself" .git/t/evidence)" &&
	pg "$url" "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN NEW.w := 1; RETURN NEW; END \$\$" &&
	new_migration c5 "ALTER TABLE t ADD COLUMN w int NOT NULL; CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();" &&
	apply && way fix c5 && step "required yes default" && because "required: whether a trigger fills it in is not seen"
'

test_expect_success PG 'what its SQL does not show is asked, and not denied' '
	fresh_on postgresql unread && new_migration users "$users" && apply &&
	new_migration done "DO \$\$ BEGIN EXECUTE '\''ALTER TABLE users DROP COLUMN phone'\''; END \$\$;" && apply &&
	way new-fix done &&
	for question in lossy required renamed dropped constraint backfill deleted slow; do
		step "$question no default" && because "$question: what DO does, from line 1 on, cannot be told from its SQL" || return 1
	done &&
	new_migration told "CREATE TABLE told (x int); SELECT count(*) FROM told;" && apply &&
	way new-fix told && ! grep default .git/t/steps &&
	pg "$url" "CREATE FUNCTION mend() RETURNS void LANGUAGE sql AS \$\$ SELECT \$\$" &&
	new_migration called "SELECT mend();" && apply &&
	way new-fix called && step "deleted no default" && because "deleted: what a function does"
'

test_expect_success PG,TTY 'what its SQL does not show: a person says what it did' '
	fresh_on postgresql shown && new_migration users "$users" && apply &&
	new_migration done "DO \$\$ BEGIN DELETE FROM users; END \$\$;" && apply &&
	on_terminal "n\nn\nn\nn\nn\nn\nyes\n" done && grep "delete rows that are needed? .*yes.* (you say)" .git/t/out
'

test_expect_success PG 'a USING that is more than a cast loses what the type would keep' '
	fresh_on postgresql using && new_migration users "$users" && apply &&
	new_migration phone "ALTER TABLE users ALTER COLUMN phone TYPE text USING left(phone, 3);" && apply &&
	way fix phone && step "lossy yes default" &&
	because "lossy: users.phone was varchar(20) and is text: not every value is kept as it was" &&
	grep -e "--kind lossy-type" .git/t/commands &&
	new_migration name "ALTER TABLE users ALTER COLUMN name TYPE text USING name::text;" && apply &&
	way new-fix name && step "lossy no evidence" && because "lossy: .*: that keeps all values"
'

test_expect_success PG 'tables that a query fills are counted, and those of a schema' '
	fresh_on postgresql filled && new_migration users "$users
CREATE SCHEMA old; CREATE TABLE old.t (x int); CREATE TABLE parts (x int) PARTITION BY LIST (x);" && apply &&
	new_migration more "CREATE TABLE a AS SELECT * FROM users; SELECT 1 AS x INTO b;
CREATE TABLE c PARTITION OF parts DEFAULT; INSERT INTO parts VALUES (1);
CREATE MATERIALIZED VIEW d AS SELECT * FROM users;" && apply && way new-fix more &&
	has_line .git/t/down "new-table a 2 rows all" && has_line .git/t/down "new-table b 1 rows all" &&
	has_line .git/t/down "new-table c 1 rows all" && has_line .git/t/down "new-table d 2 rows all" &&
	new_migration gone "DROP SCHEMA old CASCADE;" && apply && way fix gone &&
	because "dropped: old.t was dropped" && grep "^gone-table old.t " .git/t/down
'

test_expect_success PG 'an INVALID index' '
	fresh_on postgresql invalid && new_migration users "$users" && apply &&
	new_migration i "$alone
CREATE INDEX CONCURRENTLY \"Na\"\"mes\" ON users (name);" && apply && way new-fix i && step "slow no evidence" &&
	pg "$url" "UPDATE pg_index SET indisvalid = false WHERE indrelid = '\''users'\''::regclass AND NOT indisprimary" &&
	way fix i && step "index yes evidence" && because "index: index Na\"mes is INVALID" &&
	grep -e "--kind slow-ddl" .git/t/commands && follow "fill migrations/fix-i.sql \"\"" &&
	test t = "$(pg "$url" "SELECT bool_or(indisvalid) FROM pg_index WHERE indrelid = '\''users'\''::regclass AND NOT indisprimary")"
'

test_expect_success PG 'what somebody put into the search_path is not run' '
	fresh_on postgresql evil && new_migration users "$users" && apply &&
	new_migration age "ALTER TABLE users ADD COLUMN age integer; CREATE TABLE orders (id integer);" && apply &&
	pg "$url" "CREATE SCHEMA evil; CREATE TABLE evil.log (what text);
		CREATE FUNCTION evil.bad() RETURNS integer LANGUAGE plpgsql AS
			\$\$ BEGIN INSERT INTO evil.log VALUES ('\''ran'\''); RAISE '\''evil'\''; END \$\$;
		CREATE FUNCTION evil.count(integer) RETURNS bigint LANGUAGE sql AS '\''SELECT evil.bad()::bigint'\'';
		CREATE FUNCTION evil.same(name, name) RETURNS boolean LANGUAGE sql AS '\''SELECT evil.bad() = 1'\'';
		CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.same);
		CREATE VIEW evil.orders AS SELECT evil.bad() AS id;
		ALTER DATABASE evil SET search_path TO evil, public, pg_catalog" &&
	way new-fix age && has_line .git/t/down "new-column users.age 0 values all" &&
	has_line .git/t/down "new-table orders - rows absent" && test 0 = "$(pg "$url" "SELECT pg_catalog.count(*) FROM evil.log")"
'

test_expect_success PG,TTY 'each way was come to' '
	cd "$SHARNESS_TRASH_DIRECTORY" && sort -u ways >came && sort all-ways >wanted && test_cmp wanted came
'

test_done
