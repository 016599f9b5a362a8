#!/bin/sh

test_description='every rule: what it refuses, what it lets pass, and where the manual has it'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
rules=$top_srcdir/src/core/policy.c
page=$top_srcdir/man/git-migrate-hooks.5

# rule NAME FRONT BAD GOOD [PREREQUISITE]: in a fresh copy of the template, FRONT must say
# by this rule what is wrong with what BAD makes, and how to go on; and not say it of
# what GOOD makes then
rule() {
	echo "$1" >>"$SHARNESS_TRASH_DIRECTORY/cases"
	rule_name=$1 rule_front=$2 rule_bad=$3 rule_good=$4
	test_expect_success $5 "$1" '
		cd "$SHARNESS_TRASH_DIRECTORY" && rm -rf case && cp -R template case && cd case &&
		eval "$rule_bad" && $rule_front && found "$rule_name" &&
		eval "$rule_good" && $rule_front && not_found "$rule_name"
	'
}

# found RULE: one line in lower case with the identifier behind it, and a way forward
found() {
	grep -A 6 -E "^(error|warning): [^A-Z].*[^.] \[$1\]\$" .git/t/err >.git/t/found
	sed "1d; /^error: /,\$d; /^warning: /,\$d" .git/t/found | grep "^hint: [A-Z\"].*" >.git/t/hint || {
		echo "not said: [$1]"
		cat .git/t/err
		return 1
	}
}

not_found() {
	! grep "\[$1\]\$" .git/t/err
}

# --- fronts: what they say is in .git/t/err -------------------------------------

# any but a refusal would be a crash, or something that could not be read
judged() {
	"$@" >.git/t/out 2>.git/t/err || test $? = 1 || {
		cat .git/t/err
		return 1
	}
}

range() {
	judged git $asked migrate check base..HEAD
}

merge() {
	judged git migrate check --merge side
}

message() {
	printf "%s\n" "$subject" >.git/t/message && judged git migrate hook commit-msg .git/t/message
}

status() {
	judged git migrate status
}

# one update of the repository itself, as its server's hook is told of it: $update
received() {
	echo "$update" >.git/t/in && judged git --git-dir=.git migrate hook pre-receive <.git/t/in
}

sent() {
	echo "$update" >.git/t/in && judged git migrate hook pre-push origin url <.git/t/in
}

add() {
	printf "%s\n" "$2" >"$1" && git add -- "$1" && tick && git commit -q -m "${3-add $1}"
}

back() {
	git checkout -q -f -B main base
}

zero=0000000000000000000000000000000000000000

test_expect_success 'a template: two migrations that landed, and some text' '
	git init -q -b main template && cd template && mkdir .git/t &&
	git config migrate.branch main && git config migrate.default.url sqlite:.git/app.db &&
	new_migration a "CREATE TABLE a (x);" && commit_file text text && new_migration b "CREATE TABLE b (x);" &&
	git tag base && git remote add origin nowhere && git update-ref refs/remotes/origin/main main &&
	git migrate check base~1..base && : >"$SHARNESS_TRASH_DIRECTORY/cases"
'

asked=

# --- what has landed stays, and its order ---------------------------------------

rule edited range 'add migrations/a.sql "CREATE TABLE a (y);"' 'back && add text more'
rule deleted range 'git rm -q migrations/a.sql && git commit -q -m gone' \
	'back && git rm -q text && git commit -q -m gone'
rule reverted range 'git revert --no-edit HEAD >.git/t/out' \
	'back && add more text && git revert --no-edit HEAD >.git/t/out'
rule renamed range 'git mv migrations/a.sql migrations/c.sql && git commit -q -m moved' \
	'back && git mv text more && git commit -q -m moved'
rule mode range 'git update-index --chmod=+x migrations/a.sql && git commit -q -m mode' \
	'back && git update-index --chmod=+x text && git commit -q -m mode'
rule relabelled range 'git commit -q --amend -m "add b" -m "Data-Loss: none"' \
	'back && git commit -q --amend -m "add b, in other words"'
rule foxtrot range 'git checkout -q -b side base~1 && new_migration c "SELECT 1;" && git merge -q -m wrong base' \
	'back && git merge -q --no-ff -m right side~'
rule rewritten range 'git checkout -q -b side base~1 && new_migration c "SELECT 1;" && git cherry-pick base >.git/t/out' \
	'back && git cherry-pick side~ >.git/t/out'
rule forced range 'git checkout -q -b side base~1 && new_migration c "SELECT 1;"' \
	'back && git cherry-pick side >.git/t/out'
rule reordered range 'git rm -q migrations/b.sql && git commit -q -m gone && new_migration c "SELECT 1;" &&
	git checkout base migrations/b.sql 2>.git/t/out && git commit -q -m again' \
	'back && new_migration c "SELECT 1;"'
rule settings range 'git mv migrations sql && add .gitmigrate "[migrate] path = sql"' \
	'back && add .gitmigrate "[migrate] oneMigrationPerCommit"'
rule branch received 'update="$(git rev-parse base) $zero refs/heads/main"' \
	'update="$(git rev-parse base) $zero refs/heads/other"'
rule tag received 'add migrations/a.sql other && update="$(git rev-parse base) $(git rev-parse HEAD) refs/tags/v1" &&
	git update-ref refs/heads/main base' \
	'update="$(git rev-parse base) $(git rev-parse base~1) refs/tags/v1"'
rule unseen sent 'new_migration c "SELECT 1;" &&
	update="refs/heads/main $(git rev-parse HEAD) refs/heads/main 1111111111111111111111111111111111111111"' \
	'update="refs/heads/main $(git rev-parse HEAD) refs/heads/main $(git rev-parse base)"'

# --- branches that meet -----------------------------------------------------------

rule clash merge 'git checkout -q -b side && new_migration c "SELECT 1;" && back && new_migration c "SELECT 2;"' \
	'back && new_migration d "SELECT 2;"'
rule overlap merge 'git checkout -q -b side && new_migration c "ALTER TABLE a ADD y int;" &&
	back && new_migration d "ALTER TABLE a ADD z int;"' \
	'back && new_migration d "ALTER TABLE b ADD z int;"'

# --- new files, and their trailers --------------------------------------------------

rule name range 'add "migrations/two words.sql" "SELECT 1;"' 'back && add migrations/two-words.sql "SELECT 1;"'
rule type range 'ln -s a.sql migrations/c.sql && git add migrations && git commit -q -m link' \
	'back && add migrations/c.sql "SELECT 1;"'
rule case range 'add migrations/A.sql "SELECT 1;"' 'back && add migrations/AA.sql "SELECT 1;"'
rule failure-mode range 'new_migration c "SELECT 1;" c "" "Fixes: a.sql"' \
	'back && new_migration c "SELECT 1;" c "" "Fixes: a.sql" "Failure-Mode: it was too short"'
rule unfilled message 'subject="mend a" &&
	printf "%s\n" "-- Fixes: a.sql" "-- Failure-Mode: short" "UPDATE a SET x = <fill in: the right value>;" >migrations/c.sql &&
	git add migrations' \
	'sed "s/<.*>/1/" migrations/c.sql >.git/t/c && cp .git/t/c migrations/c.sql && git add migrations'
rule unresolved range 'new_migration c "SELECT 1;" c "" "Requires: nothing.sql"' \
	'back && new_migration c "SELECT 1;" c "" "Requires: a.sql"'
rule later range 'new_migration c "SELECT 1;" c "" "Requires: c.sql"' \
	'back && new_migration c "SELECT 1;" c "" "Requires: b.sql"'
rule supersedes range 'new_migration c "SELECT 1;" &&
	new_migration d "SELECT 1;" d "" "Supersedes: b.sql" "Requires: c.sql"' \
	'back && new_migration d "SELECT 1;" d "" "Supersedes: b.sql" "Requires: a.sql"'
rule phase range 'new_migration c "SELECT 1;" c "" "Phase: contracted"' \
	'back && new_migration c "SELECT 1;" c "" "Phase: contract"'
rule misplaced range 'new_migration c "SELECT 1;" c "" "Requires: a.sql" "" "Since it is so."' \
	'back && new_migration c "SELECT 1;" c "" "Since it is so." "" "Requires: a.sql"'
rule reason range 'new_migration c "SELECT 1;" c "" "Lint-Waive: add-not-null"' \
	'back && new_migration c "SELECT 1;" c "" "Lint-Waive: add-not-null -- the table is empty"'
rule unbound range 'for n in c d; do echo "SELECT 1;" >migrations/$n.sql; done && git add migrations &&
	git commit -q -m two -m "Requires: a.sql"' \
	'printf "%s\n" "-- Requires: a.sql" "SELECT 1;" >migrations/d.sql && git add migrations && git commit -q --amend -m two'

# --- what has to be asked for --------------------------------------------------------

rule several range 'asked="-c migrate.oneMigrationPerCommit=true" &&
	for n in c d; do echo "SELECT 1;" >migrations/$n.sql; done && git add migrations && git commit -q -m two' \
	'back && new_migration c "SELECT 1;" && new_migration d "SELECT 1;"'
rule unsigned range 'ssh-keygen -q -t ed25519 -N "" -C "" -f .git/t/key && git config gpg.format ssh &&
	echo "committer@example.com $(cat .git/t/key.pub)" >.git/t/allowed &&
	git config gpg.ssh.allowedSignersFile "$PWD/.git/t/allowed" && git config user.signingKey "$PWD/.git/t/key" &&
	asked="-c migrate.requireSigned=true" && new_migration c "SELECT 1;"' \
	'git commit -q --amend --no-edit -S'
rule unreviewed range 'asked="-c migrate.requireReview=true" && new_migration c "SELECT 1;"' \
	'git commit -q --amend -m c -m "Reviewed-by: Grace Hopper <grace@example.com>"'
rule unrehearsed range 'asked="-c migrate.requireRehearsal=true" && new_migration c "SELECT 1;"' \
	'git notes --ref=refs/notes/migrate-proof/rehearsals add \
		-m "rehearsed path=c.sql blob=$(git rev-parse HEAD:migrations/c.sql) result=passed"'

# --- mirrors and targets ---------------------------------------------------------------

rule mirror received 'git migrate apply >.git/t/out 2>&1 &&
	update="$(git rev-parse refs/notes/migrate/default) $zero refs/notes/migrate/default"' \
	'update="$zero $(git rev-parse refs/notes/migrate/default) refs/notes/migrate/default"'
rule gap status 'git checkout -q -b rel && git checkout -q main && new_migration c "CREATE TABLE c (x);" &&
	new_migration d "CREATE TABLE d (x);" && git checkout -q rel && git cherry-pick main >.git/t/out &&
	git migrate apply >.git/t/out 2>&1 && git checkout -q main' \
	'git commit -q --allow-empty -m "let c run" -m "Out-Of-Order: c.sql -- the release left it out"'
rule late status 'git checkout -q -b side && new_migration c "CREATE TABLE c (x);" && git migrate apply >.git/t/out 2>&1 &&
	git checkout -q main && new_migration d "SELECT 1;" && git merge -q --no-ff -m merge side' \
	'git config migrate.default.order arrival'
rule held status 'new_migration c "SELECT 1;" c "" "Phase: contract" "Not-Before: 2999-01-01" &&
	new_migration d "SELECT 1;" d "" "Requires: c.sql"' \
	'back && new_migration c "SELECT 1;" c "" "Phase: contract" "Not-Before: 2020-01-01" &&
	new_migration d "SELECT 1;" d "" "Requires: c.sql"'
rule batches status 'new_migration u "CREATE TABLE u (id integer PRIMARY KEY); INSERT INTO u VALUES (1), (2);
CREATE TABLE v (x int CHECK (x < 2));" && new_migration c "-- migrate: batch table=u key=id size=1
INSERT INTO v SELECT id FROM u WHERE :batch;" && test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	new_migration d "DELETE FROM v;" d "" "Supersedes: c.sql"' \
	'sqlite .git/app.db "DELETE FROM u WHERE id = 2" && git migrate apply --at HEAD^ >.git/t/out 2>&1'
rule after status 'git config migrate.default.after staging' 'git config --unset migrate.default.after'
rule shallow status 'cd .. && rm -rf deep && mv case deep && git clone -q --depth 1 "file://$PWD/deep" case 2>/dev/null &&
	cd case && mkdir .git/t && git config migrate.default.url sqlite:.git/app.db' \
	'git fetch -q --unshallow'
rule open status 'new_migration v "-- migrate: no-transaction
VACUUM;" && test_expect_code 137 env GIT_MIGRATE_FAULT=started git-migrate apply' \
	'git migrate apply >.git/t/out 2>&1' FAULTS

# --- the table, the page, the schemas ------------------------------------------------------

# names FILE: of the rules, as the table has them
names() {
	sed -n 's/^[[:space:]]*\[RULE_[A-Z_]*\] = "\(.*\)",/\1/p' "$1" | sort
}

# told PAGE RULE: it has a section of its own there, with a way forward
told() {
	awk -v rule="$2" '
		$0 == ".It Cm " rule { inside = 1; lines = 0; next }
		/^\.It Cm / || /^\.S[hs] / { inside = 0 }
		inside { lines++ }
		inside && /^\.Em Way forward/ { forward = 1 }
		END { exit !forward }' "$1" || {
		echo "no section with a way forward: $2"
		return 1
	}
}

test_expect_success 'each rule of the table was tried above, and no other' '
	cd "$SHARNESS_TRASH_DIRECTORY" && names "$rules" >names && test "$(wc -l <names)" -gt 30 &&
	sort cases >actual && test_cmp names actual &&
	sed -n "s/^\tRULE_\([A-Z_]*\),.*/\1/p" "$top_srcdir/src/core/policy.h" | grep -v "^NR\$" | wc -l >count &&
	test "$(cat count)" -eq "$(wc -l <names)"
'

test_expect_success 'each has a section of the manual, with the way forward' '
	while read -r name; do
		told "$page" "$name" || return 1
	done <names &&
	sed "s/^\.Em Way forward.*//" "$page" >without && ! told without edited >out && ! told "$page" nosuch >out
'

test_expect_success 'what the manual has a section for is a rule' '
	awk "/^\.Sh RULES/ { inside = 1 } /^\.Sh LIMITS/ { inside = 0 } inside" "$page" |
	sed -n "s/^\.It Cm \([a-z-]*\)\$/\1/p" | sort -u >actual && test_cmp names actual
'

test_expect_success 'the schemas of --json name all of them' '
	for schema in check plan status; do
		awk "/\"rule\": / { inside = 1 } inside && /\\]/ { exit } inside" "$top_srcdir/man/schemas/$schema.json" |
		grep -o "\"[a-z-]*\"" | tr -d "\"" | grep -v -x -e rule -e description -e enum | sort -u >actual &&
		test_cmp names actual || return 1
	done
'

test_done
