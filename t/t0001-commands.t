#!/bin/sh

test_description='the command line: usage, arguments, exit statuses, where output goes'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

# as_error CODE MESSAGE COMMAND...: nothing on stdout, this error and a hint on stderr.
as_error() {
	as_code=$1
	as_message=$2
	shift 2
	test_expect_code "$as_code" "$@" >"$HOME/out" 2>"$HOME/err" &&
	test_must_be_empty "$HOME/out" &&
	has_line "$HOME/err" "error: $as_message" &&
	grep "^hint: " "$HOME/err" >/dev/null
}

# --- help ---------------------------------------------------------------------

test_expect_success '-h lists the commands on stdout' '
	git migrate -h >usage 2>err &&
	test_must_be_empty err &&
	sed 1q usage >actual &&
	echo "usage: git migrate <command> [<options>] [<arguments>]" >expect &&
	test_cmp expect actual &&
	sed -n "s/^   \([a-z]*\)  *.*/\1/p" usage >commands &&
	for command in status new apply log show fix diagnose rehearse audit sync report at init target plan schema check hook; do
		has_line commands $command || return 1
	done
'

test_expect_success 'without a command: the same on stderr, and 129' '
	test_expect_code 129 git migrate >out 2>err &&
	test_must_be_empty out &&
	test_cmp usage err
'

while read -r command; do
	test_expect_success "$command -h, everywhere" "
		git migrate $command -h >out 2>err &&
		test_must_be_empty err &&
		grep '^usage: git migrate $command' out &&
		(cd / && git migrate $command -h >/dev/null) &&
		git migrate $command anything -h >actual &&
		test_cmp out actual
	"

	test_expect_success "$command: an option that there is not" "
		make_repo options-$command &&
		(
			cd options-$command &&
			as_error 129 \"there is no option '--nonsense'\" git migrate $command --nonsense &&
			as_error 129 \"there is no option '-Z'\" git migrate $command -Z &&
			has_line \"\$HOME/err\" 'hint: \"git migrate $command -h\" lists the options.'
		)
	"

	test_expect_success "$command: outside of a repository" "
		mkdir outside-$command &&
		(
			cd outside-$command &&
			test_expect_code 128 git migrate $command >../out 2>../err
		) &&
		test_must_be_empty out &&
		has_line err 'error: not a git repository (or any of the parent directories): .git' &&
		has_line err 'hint: Go into a repository, or make one with \"git init\".'
	"
done <commands

test_expect_success 'what is no command' '
	as_error 129 "'\''nonsense'\'' is not a command of git migrate" git migrate nonsense &&
	as_error 129 "'\''--nonsense'\'' is not a command of git migrate" git migrate --nonsense
'

test_expect_success '--version' '
	git migrate --version >out 2>err &&
	test_must_be_empty err &&
	grep "^git-migrate [0-9][0-9.]*\$" out &&
	(cd / && git migrate --version) >actual &&
	test_cmp out actual
'

# --- arguments ----------------------------------------------------------------

test_expect_success 'a repository with something in it' '
	make_repo repo &&
	cd repo &&
	git config migrate.default.url sqlite:.git/app.db &&
	new_migration a "CREATE TABLE a (x);" &&
	git migrate apply >.git/out 2>&1 &&
	new_migration b "CREATE TABLE b (x);"
'

test_expect_success 'missing arguments: the usage, on stderr' '
	for command in new show fix rehearse check hook "target add" "target add one" "target show" \
		"target remove" "target nonsense"; do
		test_expect_code 129 git migrate $command >.git/out 2>.git/err &&
		test_must_be_empty .git/out &&
		grep "^usage: git migrate ${command%% *}" .git/err || return 1
	done
'

test_expect_success 'too many arguments' '
	for command in plan log show fix diagnose rehearse check "hook pre-commit" new init; do
		test_expect_code 129 git migrate $command one two three >.git/out 2>.git/err &&
		test_must_be_empty .git/out &&
		grep "^error: .* is one argument too many" .git/err || return 1
	done
'

test_expect_success 'values of options' '
	as_error 129 "option '\''--to'\'' wants a value" git migrate apply --to &&
	as_error 129 "option '\''--max-count=x'\'' wants a number" git migrate log --max-count=x &&
	as_error 129 "option '\''-n'\'' wants a number" git migrate log -n x &&
	as_error 129 "option '\''--dry-run=yes'\'' takes no value" git migrate apply --dry-run=yes &&
	git migrate log -n1 >.git/one &&
	git migrate log -n 1 >.git/two &&
	git migrate log --max-count=1 >.git/three &&
	git migrate log --max 1 >.git/four &&
	test_cmp .git/one .git/two &&
	test_cmp .git/one .git/three &&
	test_cmp .git/one .git/four &&
	test $(grep -c "^[a-z]*\.sql\$" .git/one) = 1
'

test_expect_success 'an option cut short, and one taken back' '
	git migrate apply --dry >.git/out 2>&1 &&
	git migrate status --porc >.git/out &&
	git migrate status --no-porcelain >.git/out
'

test_expect_success 'after -- everything is an argument' '
	as_error 129 "'\''--json'\'' cannot be the name of a target" git migrate status -- --json
'

test_expect_success 'a hook that there is not' '
	as_error 129 "there is no hook '\''post-office'\''" git migrate hook post-office
'

test_expect_success 'a range that is none' '
	as_error 129 "'\''HEAD'\'' is no range" git migrate check HEAD &&
	as_error 129 "'\''HEAD^...HEAD'\'' is no range" git migrate check HEAD^...HEAD &&
	test_expect_code 128 git migrate check nowhere..HEAD 2>.git/err &&
	has_line .git/err "error: revision '\''nowhere'\'' names no commit" &&
	git migrate check HEAD^..HEAD &&
	git migrate check HEAD^.. &&
	git migrate check ..HEAD
'

test_expect_success 'show: something unknown' '
	as_error 1 "'\''nowhere'\'' names no migration of the plan" git migrate show nowhere &&
	git migrate show a >.git/out 2>.git/err &&
	test_must_be_empty .git/err &&
	sed 1q .git/out >.git/actual &&
	echo "migration a.sql" >.git/expect &&
	test_cmp .git/expect .git/actual &&
	tail -n 1 .git/out >.git/actual &&
	echo "CREATE TABLE a (x);" >.git/expect &&
	test_cmp .git/expect .git/actual
'

# --- new ----------------------------------------------------------------------

test_expect_success 'new writes a template and names it on stdout' '
	git migrate new create-users >.git/out 2>.git/err &&
	echo migrations/create-users.sql >.git/expect &&
	test_cmp .git/expect .git/out &&
	grep "^hint: Fill it in and commit it" .git/err &&
	head -n 1 migrations/create-users.sql >.git/actual &&
	echo "-- create-users.sql" >.git/expect &&
	test_cmp .git/expect .git/actual &&
	git migrate new migrations/2026/add-phone.sql >.git/out 2>/dev/null &&
	test -f migrations/2026/add-phone.sql &&
	mkdir -p deep &&
	(cd deep && git migrate new from-below >../.git/out 2>/dev/null) &&
	test -f migrations/from-below.sql
'

test_expect_success 'new does not write over a file, nor odd names' '
	echo mine >migrations/create-users.sql &&
	as_error 1 "file '\''migrations/create-users.sql'\'' is there already" git migrate new create-users &&
	echo mine >.git/expect &&
	test_cmp .git/expect migrations/create-users.sql &&
	find . -path ./.git -prune -o -type f -print >.git/before &&
	for name in "a b" .hidden ../outside a//b "" ümlaut -- /abs; do
		test_must_fail git migrate new "$name" >.git/out 2>.git/err || return 1
	done &&
	find . -path ./.git -prune -o -type f -print >.git/after &&
	test_cmp .git/before .git/after &&
	test ! -e ../outside.sql &&
	rm -r migrations/create-users.sql migrations/2026 migrations/from-below.sql deep
'

test_expect_success 'the template of new must be filled in' '
	git migrate new empty >.git/out 2>&1 &&
	git add migrations/empty.sql &&
	git commit -qm "an empty one" &&
	as_error 1 "migration '\''empty.sql'\'' is still the empty template" git migrate apply -n &&
	echo "SELECT 1;" >>migrations/empty.sql &&
	git commit -qa --amend --no-edit &&
	git migrate apply -n >.git/out 2>.git/err &&
	git reset -q --hard HEAD^
'

test_expect_success 'a template that has landed is let pass' '
	git migrate new landed >.git/out 2>&1 && git add migrations/landed.sql &&
	git commit -qm "never filled in" && git config migrate.branch main &&
	git migrate apply -n >.git/out 2>&1 &&
	git config --unset migrate.branch && git reset -q --hard HEAD^
'

# --- places -------------------------------------------------------------------

test_expect_success 'an empty repository: no commit yet' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo unborn &&
	cd unborn &&
	git config migrate.default.url sqlite:app.db &&
	for command in status plan apply log audit "show a"; do
		as_error 128 "there is no commit yet" git migrate $command || return 1
	done &&
	test ! -e app.db &&
	git migrate new a >.git/out 2>&1 && echo "SELECT 1;" >>migrations/a.sql &&
	git migrate target list >.git/out 2>&1
'

test_expect_success 'HEAD that names nothing' '
	git checkout -q --orphan other &&
	git symbolic-ref HEAD refs/heads/gone &&
	as_error 128 "there is no commit yet" git migrate plan
'

test_expect_success 'a detached HEAD is as good' '
	cd ../repo &&
	git checkout -q --detach &&
	git migrate plan --porcelain >.git/out &&
	test $(wc -l <.git/out) = 2 &&
	git checkout -q main
'

test_expect_success 'a bare repository: reading and applying work, new refuses' '
	git clone -q --bare . ../bare.git &&
	cd ../bare.git &&
	git config migrate.default.url "sqlite:$SHARNESS_TRASH_DIRECTORY/bare.db" &&
	for command in status plan log "show a" apply audit "target list"; do
		git migrate $command >out 2>err || return 1
	done &&
	sqlite ../bare.db "SELECT count(*) FROM git_migrate_log" >actual &&
	echo 4 >expect &&
	test_cmp expect actual &&
	as_error 128 "a bare repository has no work tree" git migrate new more
'

test_expect_success 'git -C, --git-dir, GIT_DIR' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git -C repo migrate plan --porcelain >expect &&
	git --git-dir=repo/.git --work-tree=repo migrate plan --porcelain >actual &&
	test_cmp expect actual &&
	(cd repo/migrations && git migrate plan --porcelain) >actual &&
	test_cmp expect actual &&
	(cd repo/.git && git migrate plan --porcelain) >actual &&
	test_cmp expect actual
'

test_expect_success 'repositories that cannot be read are refused by name' '
	git init -q --object-format=sha256 sha256 &&
	cd sha256 &&
	as_error 128 "cannot read this repository: its object format is '\''sha256'\''" git migrate plan
'

# --- settings -----------------------------------------------------------------

test_expect_success 'git -c says where a database is' '
	cd "$SHARNESS_TRASH_DIRECTORY/repo" &&
	git -c migrate.x.url=sqlite:.git/x.db migrate apply x >.git/out 2>&1 &&
	sqlite .git/x.db "SELECT count(*) FROM a" &&
	as_error 128 "there is no target '\''x'\''" git migrate status x
'

test_expect_success 'so do the environment and the user'\''s own settings' '
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=migrate.y.url GIT_CONFIG_VALUE_0=sqlite:.git/x.db \
		git migrate target list --porcelain >.git/out &&
	has_line .git/out "y sqlite:.git/x.db" &&
	git config --global migrate.z.url sqlite:.git/x.db &&
	git migrate target list --porcelain >.git/out &&
	git config --global --unset migrate.z.url &&
	has_line .git/out "z sqlite:.git/x.db"
'

test_expect_success 'target add, list, show, remove' '
	git migrate target add staging sqlite:.git/staging.db >.git/out 2>.git/err &&
	echo "target staging is sqlite:.git/staging.db" >.git/expect &&
	test_cmp .git/expect .git/out &&
	git config migrate.staging.url >.git/actual &&
	echo sqlite:.git/staging.db >.git/expect &&
	test_cmp .git/expect .git/actual &&
	git migrate target list --json >.git/out &&
	cat >.git/expect <<-\END &&
	[
	  {
	    "name": "default",
	    "url": "sqlite:.git/app.db"
	  },
	  {
	    "name": "staging",
	    "url": "sqlite:.git/staging.db"
	  }
	]
	END
	grep -v uuid .git/out >.git/actual &&
	sed "/\"name\": \"x\"/,/url/d" .git/actual >.git/out &&
	test_cmp .git/expect .git/out
'

test_expect_success 'target: what is refused leaves the settings' '
	cp .git/config .git/kept &&
	as_error 1 "target '\''staging'\'' is another database already" \
		git migrate target add staging sqlite:other.db &&
	as_error 129 "'\''A/B'\'' cannot be the name of a target" git migrate target add A/B sqlite:x.db &&
	as_error 129 "no kind of database has a URL like the target'\''s" \
		git migrate target add more mysql://here &&
	as_error 129 "a SQLite URL must name a file" git migrate target add more sqlite: &&
	as_error 1 "there is no target '\''nowhere'\''" git migrate target remove nowhere &&
	test_cmp .git/kept .git/config &&
	git migrate target remove staging >.git/out &&
	test_must_fail git config migrate.staging.url
'

test_expect_success 'advice can be silenced, errors cannot' '
	git migrate status 2>.git/err >.git/out &&
	grep "^hint: " .git/err &&
	git -c migrate.advice.apply=false migrate status 2>.git/err >.git/out &&
	test_must_be_empty .git/err &&
	test_expect_code 128 git -c migrate.advice.noTarget=false migrate status nowhere 2>.git/err &&
	echo "error: there is no target '\''nowhere'\''" >.git/expect &&
	test_cmp .git/expect .git/err
'

test_expect_success 'colour: as git is told, never in a file by itself' '
	git migrate status >.git/out 2>&1 &&
	! grep "$(printf "\033")" .git/out &&
	git -c color.ui=always migrate status >.git/out 2>.git/err &&
	grep "$(printf "\033")" .git/out &&
	git -c color.ui=always -c color.migrate=false migrate status >.git/out &&
	! grep "$(printf "\033")" .git/out &&
	git -c color.ui=always migrate status --porcelain >.git/out &&
	! grep "$(printf "\033")" .git/out
'

# --- results that cannot be written ---------------------------------------------

test -w /dev/full && test_set_prereq FULL

for command in status "status --porcelain" "status --json" plan "plan --json" log "log --json" \
	"show a" audit "audit --json" "target list" --version -h "apply -h"; do
	test_expect_success FULL "$command: a full disk is no success" "
		test_must_fail git migrate $command >/dev/full 2>.git/err &&
		grep '^error: could not write the results' .git/err &&
		! grep Success .git/err
	"
done

test_expect_success FULL 'apply: a full disk behind stdout does not undo what ran' '
	test_must_fail git migrate apply >/dev/full 2>.git/err &&
	grep "^error: could not write the results" .git/err &&
	! grep "Success" .git/err &&
	git migrate status --exit-code >.git/out
'

test_expect_success 'closed stdout and stderr do not end up in a database' '
	new_migration c "CREATE TABLE c (x);" &&
	git migrate apply >&- 2>&- <&-
	sqlite .git/app.db "PRAGMA integrity_check" >.git/actual &&
	echo ok >.git/expect &&
	test_cmp .git/expect .git/actual &&
	git migrate audit >.git/out
'

test_expect_success 'exit statuses: 0 done, 1 refused, 128 could not, 129 usage' '
	git migrate apply >.git/out 2>&1 &&
	new_migration bad "SELECT missing;" &&
	test_expect_code 1 git migrate apply >.git/out 2>&1 &&
	test_expect_code 128 git migrate apply nowhere >.git/out 2>&1 &&
	test_expect_code 129 git migrate apply --nonsense >.git/out 2>&1
'

test_expect_success '--porcelain and --json together are refused' '
	cd "$SHARNESS_TRASH_DIRECTORY" && make_repo forms && cd forms &&
	git config migrate.default.url sqlite:.git/app.db && new_migration a "SELECT 1;" &&
	for command in status apply audit plan "target list"; do
		as_error 129 "--porcelain and --json cannot be used together" \
			git migrate $command --porcelain --json || return 1
	done &&
	test ! -e .git/app.db
'

test_expect_success 'a reader that leaves does not end apply half way' '
	for i in 1 2 3 4 5; do
		new_migration "m$i" "CREATE TABLE t$i (x int);" || return 1
	done &&
	{ git migrate apply 2>.git/err; echo $? >.git/status; } | : &&
	git migrate status --exit-code >.git/out 2>&1 &&
	grep "6 applied, 0 pending" .git/out
'

test_done
