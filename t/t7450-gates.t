#!/bin/sh

test_description='what holds a target back: another one that is to be first, a rehearsal'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3
start_pg optional
proof=refs/notes/migrate-proof/rehearsals

# scene ENGINE NAME: a repository with the targets staging and production, and a.sql
scene() {
	engine=$1
	fresh "$1-$2" &&
	for scene_target in staging production; do
		case $1 in
		sqlite)
			scene_url=sqlite:.git/$scene_target.db
			;;
		*)
			scene_url=$(create_db "$2_$scene_target")
			;;
		esac &&
		git config "migrate.$scene_target.url" "$scene_url" || return 1
	done &&
	new_migration a "CREATE TABLE a (x int);" &&
	git migrate apply staging production >.git/t/out 2>&1
}

# apply STATUS ARGUMENT...: exits so; what it says is in out and err
apply() {
	apply_status=$1 &&
	shift &&
	test_expect_code "$apply_status" git migrate apply "$@" >.git/t/out 2>.git/t/err
}

# tables TARGET NAME...: which of a, b, c, d the database has
tables() {
	tables_url=$(git config "migrate.$1.url") &&
	shift &&
	case $engine in
	sqlite)
		sqlite "${tables_url#sqlite:}" "SELECT name FROM sqlite_schema
			WHERE length(name) = 1 ORDER BY 1"
		;;
	*)
		pg "$tables_url" "SELECT relname FROM pg_class WHERE length(relname) = 1 ORDER BY 1"
		;;
	esac >.git/t/actual &&
	printf '%s\n' "$@" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
}

# rehearsed NAME [RESULT [FIELDS]]: notes that this migration, as it is, was rehearsed
rehearsed() {
	git notes --ref=$proof append -m "rehearsed path=$1.sql \
blob=$(git rev-parse "HEAD:migrations/$1.sql") result=${2-passed}${3:+ $3}"
}

# at HOUR: a field
at() {
	echo "at=2026-11-22T$1:00:00.000Z"
}

says() {
	says_in=$1 &&
	shift &&
	for says_text; do
		grep -F -e "$says_text" ".git/t/$says_in" >/dev/null || {
			echo "not there: $says_text"
			cat ".git/t/$says_in"
			return 1
		}
	done
}

test_expect_success 'the tables are read as they are' '
	test_expect_code 1 tables nowhere a >/dev/null 2>&1
'

for engine in sqlite postgresql; do
	test $engine = sqlite && prereq= || prereq=PG

	test_expect_success $prereq "$engine: after: what staging has not applied waits, and runs once it has" '
		scene $engine after && git config migrate.production.after staging &&
		new_migration b "CREATE TABLE b (x int);" &&
		new_migration c "CREATE TABLE c (x int);" &&
		apply 1 production && tables production a &&
		says err "error: migration '\''b.sql'\'', and others behind it, wait for target '\''staging'\''" \
			"hint: Apply it there first: git migrate apply staging." "git migrate sync" &&
		says out "  waiting  b.sql  waits for staging" "  waiting  c.sql  waits for staging" &&
		apply 0 staging && apply 0 production && tables production a b c &&
		apply 0 production && says out "up to date"
	'

	test_expect_success $prereq "$engine: after: per migration, and nothing runs past one that waits" '
		scene $engine each && git config migrate.production.after staging &&
		new_migration b "CREATE TABLE b (x int);" &&
		new_migration c "CREATE TABLE c (x int);" &&
		new_migration d "CREATE TABLE d (x int);" &&
		apply 0 --to b.sql staging && apply 1 production && tables production a b &&
		says out "  applied  b.sql" "  waiting  c.sql  waits for staging" &&
		apply 0 --to b.sql production && says out "2 more pending" &&
		apply 1 --to c.sql production && tables production a b &&
		apply 0 staging production && tables production a b c d
	'

	test_expect_success $prereq "$engine: after: what is to run in the place of another waits where that stands" '
		scene $engine place && git config migrate.production.after staging &&
		new_migration b "CREATE TABLE b (x int);" && apply 0 staging &&
		new_migration c "CREATE TABLE c (x int);" better "" "Supersedes: b" &&
		new_migration d "CREATE TABLE d (x int);" &&
		apply 1 --to b.sql production && tables production a &&
		says out "  waiting  c.sql  waits for staging" &&
		says err "error: migration '\''c.sql'\'', and others behind it, wait for target '\''staging'\''" &&
		! grep d.sql .git/t/out && apply 0 --to a.sql production && ! grep waiting .git/t/out &&
		apply 0 staging && apply 0 --to b.sql production && tables production a c
	'

	test_expect_success $prereq "$engine: after: a contract waits too; what requires it hides nothing of that" '
		scene $engine contract && git config migrate.production.after staging &&
		new_migration b "CREATE TABLE b (x int);" expand "" "Phase: expand" &&
		new_migration c "CREATE TABLE c (x int);" contract "" "Phase: contract" "Pairs-With: b" "Not-Before: v1" &&
		new_migration d "CREATE TABLE d (x int);" "mend c" "" "Fixes: c" "Failure-Mode: it was too small" &&
		new_migration e "SELECT 1;" "on top" "" "Requires: c" &&
		apply 1 production && tables production a &&
		says out "  waiting  b.sql  waits for staging" "  waiting  e.sql  waits for staging" &&
		says err "error: migration '\''b.sql'\'', and others behind it, wait for target '\''staging'\''" &&
		! grep "is applied" .git/t/err &&
		apply 1 -n production && says err "wait for target '\''staging'\''" &&
		apply 0 --to b.sql staging && apply 1 production && tables production a b &&
		says err "error: migration '\''e.sql'\'' requires '\''c.sql'\'', which waits" "What precedes it is applied" &&
		git migrate status --owed production >.git/t/out && says out "target production: 1 owed" "waiting  c.sql" "v1" &&
		git tag v1 && git migrate status --owed production >.git/t/out &&
		says out "target production: 1 owed" "waiting  c.sql" "waits for staging" && ! grep "next apply" .git/t/out &&
		git migrate status --owed --porcelain production >.git/t/out &&
		grep "^waiting [0-9a-f]* [0-9-]* [0-9]* c.sql waits for staging$" .git/t/out && ! grep d.sql .git/t/out &&
		git migrate status --owed --json production >.git/t/out &&
		says out "\"state\": \"waiting\"" "\"why\": \"waits for staging\"" &&
		git migrate status --owed staging >.git/t/out && says out "1 owed" "due  c.sql" "the next apply runs it" &&
		apply 0 staging && git migrate status --owed production >.git/t/out &&
		says out "1 owed" "due  c.sql" "the next apply runs it" &&
		apply 0 production && tables production a b c d &&
		git migrate status --owed production >.git/t/out && says out "nothing is owed"
	'

	test_expect_success $prereq "$engine: after: --dry-run, status, --porcelain and --json tell the same" '
		scene $engine tell && git config migrate.production.after staging &&
		new_migration b "CREATE TABLE b (x int);" && apply 0 staging &&
		new_migration c "CREATE TABLE c (x int);" &&
		apply 1 -n production && tables production a &&
		says out "would apply  b.sql" "waiting  c.sql  waits for staging" &&
		git migrate status production >.git/t/out 2>.git/t/err &&
		says out "2 pending" "c.sql" "waits for staging" &&
		says err "warning: migration '\''c.sql'\'' waits for target '\''staging'\''" "[after]" \
			"up to the first that waits" &&
		git migrate status --porcelain production >.git/t/out && says out "pending $(git rev-parse HEAD:migrations/c.sql)" &&
		git migrate status --json production >.git/t/out &&
		python3 -c "
import json
(b, c) = json.load(open(\".git/t/out\"))[0][\"migrations\"][1:]
assert \"waits\" not in b, b
assert c[\"waits\"] == {\"targets\": [\"staging\"], \"rehearsal\": False, \"behind\": None, \"mended\": False}, c" &&
		apply 1 --porcelain production && tables production a b &&
		says out "waiting c.sql" && ! grep "waiting b.sql" .git/t/out &&
		apply 1 --json production &&
		python3 -c "
import json
one = json.load(open(\".git/t/out\"))[0]
assert [(m[\"path\"], m[\"result\"]) for m in one[\"migrations\"]] == [(\"c.sql\", \"waiting\")], one
assert \"waits for target\" in one[\"error\"], one" &&
		git migrate status production >.git/t/out 2>.git/t/err && ! grep "runs what is pending" .git/t/err &&
		git migrate status staging >.git/t/out 2>.git/t/err &&
		says err "\"git migrate apply staging\" runs what is pending." && ! grep waits .git/t/out
	'

	test_expect_success $prereq "$engine: requireRehearsal=fixes: a fix needs one that has passed, as it is" '
		scene $engine fixes && git config migrate.production.requireRehearsal fixes &&
		new_migration b "CREATE TABLE b (x int);" && apply 0 production && tables production a b &&
		new_migration c "CREATE TABLE c (x int);" "mend b" "" "Fixes: b.sql" "Failure-Mode: it was too small" &&
		new_migration d "CREATE TABLE d (x int);" &&
		apply 1 production && tables production a b &&
		says err "error: migration '\''c.sql'\'' waits for a rehearsal: none of it as it is has passed" \
			"hint: Rehearse it: git migrate rehearse migrations/c.sql" "git fetch origin $proof:$proof" &&
		says out "waiting  c.sql  waits for a rehearsal" "waiting  d.sql  waits behind '\''c.sql'\''" &&
		git migrate status production >.git/t/out 2>.git/t/err && says err "[unrehearsed]" &&
		rehearsed c failed "$(at 10)" && apply 1 production && rehearsed b && apply 1 production &&
		git notes --ref=$proof append -m "rehearsed path=c.sql blob=$(git rev-parse HEAD:migrations/a.sql) result=passed" &&
		apply 1 production && tables production a b &&
		rehearsed c passed "$(at 11)" && apply 0 production && tables production a b c d &&
		apply 0 staging
	'

	test_expect_success $prereq "$engine: the newest rehearsal decides, wherever and in whatever order it is noted" '
		scene $engine newest && git config migrate.production.requireRehearsal all &&
		new_migration b "CREATE TABLE b (x int);" && rehearsed b failed "$(at 12)" && rehearsed b passed "$(at 11)" &&
		apply 1 production && rehearsed b passed "$(at 12)" && apply 1 production &&
		rehearsed b passed && apply 1 production && tables production a &&
		git commit -q --allow-empty -m "another place" && rehearsed b passed "$(at 13)" && apply 0 -n production &&
		git notes --ref=$proof append -m "rehearsed path=b.sql blob=$(git rev-parse HEAD:migrations/a.sql) result=failed $(at 14)" HEAD^ &&
		apply 0 -n production && rehearsed b other "$(at 14)" && apply 0 -n production &&
		git notes --ref=$proof append -m "rehearsed path=b.sql blob=$(git rev-parse HEAD:migrations/b.sql) result=failed $(at 15)" HEAD^ &&
		apply 1 production && tables production a &&
		rehearsed b passed "$(at 16)" && apply 0 production && tables production a b
	'

	test_expect_success $prereq "$engine: a line that says a thing twice says nothing" '
		scene $engine twice && git config migrate.production.requireRehearsal all &&
		new_migration b "CREATE TABLE b (x int);" && rehearsed b passed result=failed && apply 1 production &&
		rehearsed b passed "$(at 10) $(at 11)" && apply 1 production && tables production a &&
		rehearsed b passed "$(at 09)" && apply 0 production && tables production a b
	'

	test_expect_success $prereq "$engine: only the scenario and the original of the plan count" '
		scene $engine which && git config migrate.production.requireRehearsal fixes &&
		new_migration b "CREATE TABLE b (x int);" && apply 0 production &&
		echo "[check]" >migrations/c.scenario && git add migrations &&
		new_migration c "CREATE TABLE c (x int);" "mend b" "" "Fixes: b.sql" "Failure-Mode: it was too small" &&
		old="scenario=$(git rev-parse HEAD:migrations/c.scenario) original=b.sql" &&
		a=$(git rev-parse HEAD:migrations/a.sql) b=$(git rev-parse HEAD:migrations/b.sql) &&
		rehearsed c passed "$old original-blob=$a" && apply 1 production &&
		says err "The newest one on $engine decides that had the scenario and the original of the plan, and what precedes it there." &&
		rehearsed c passed "original=gone.sql original-blob=$b" && rehearsed c passed original=b.sql &&
		rehearsed c passed "original-blob=$b" && rehearsed c passed "scenario=$b" && apply 1 production &&
		rehearsed c passed "$old original-blob=$b $(at 10)" && apply 0 -n production &&
		commit_file migrations/c.scenario "[check: more]" "a sharper scenario" && apply 1 production &&
		new="scenario=$(git rev-parse HEAD:migrations/c.scenario) original=b.sql" &&
		rehearsed c passed "$new original-blob=$b $(at 11)" && apply 0 -n production &&
		rehearsed c failed "$old original-blob=$b $(at 12)" && apply 0 -n production &&
		rehearsed c failed "$new original-blob=$b $(at 12)" && apply 1 production &&
		git rm -q migrations/c.scenario && git commit -q -m "no scenario" && apply 1 production &&
		git reset -q --hard HEAD^ && rehearsed c passed "$new original-blob=$b $(at 13)" &&
		apply 0 production && tables production a b c
	'

	test_expect_success $prereq "$engine: what is rehearsed counts where the same migrations precede it" '
		scene $engine before && git config migrate.production.requireRehearsal fixes &&
		new_migration b "CREATE TABLE b (x int, y int);" && new_migration c "CREATE TABLE c (x int);" &&
		new_migration d "CREATE TABLE d (x int);" "mend b" "" "Fixes: b.sql" "Failure-Mode: it was too small" &&
		git migrate plan --porcelain | cut -d" " -f2,5 >.git/t/plan && sum=$(sha256sum <.git/t/plan) &&
		rehearsed d passed "plan=${sum%% *} $(at 10)" && apply 0 -n production &&
		commit_file migrations/c.sql "CREATE TABLE c (x int, oops int);" "c is another" && apply 1 -n production &&
		says out "  waiting  d.sql  waits for a rehearsal" && says err "and what precedes it there" &&
		git reset -q --hard HEAD^ && apply 0 -n production &&
		rehearsed d failed "plan=${sum%?  -}x $(at 11)" && apply 0 -n production &&
		rehearsed d failed "plan=${sum%% *} $(at 12)" && apply 1 production && tables production a &&
		rehearsed d passed "plan=${sum%% *} $(at 13)" &&
		new_migration e "CREATE TABLE e (x int);" && apply 0 production && tables production a b c d e
	'

	test_expect_success $prereq "$engine: what is rehearsed counts where the same ones run in the place of those" '
		scene $engine heirs && git config migrate.production.requireRehearsal fixes &&
		new_migration b "CREATE TABLE b (x int, y int);" && new_migration c "CREATE TABLE c (x int);" &&
		new_migration d "CREATE TABLE d (x int);" "mend b" "" "Fixes: b.sql" "Failure-Mode: it was too small" &&
		sum=$(git migrate plan --porcelain | cut -d" " -f2,5 | sha256sum) && plan="plan=${sum%% *}" &&
		rehearsed d passed "$plan $(at 10)" && new_migration e "CREATE TABLE e (x int);" && apply 0 -n production &&
		new_migration f "CREATE TABLE c (x int, oops int);" "instead" "" "Supersedes: c" &&
		apply 1 -n production && says out "  waiting  d.sql  waits for a rehearsal" &&
		sum=$(git migrate plan --porcelain | grep f.sql | cut -d" " -f2,5 | sha256sum) &&
		rehearsed d passed "$plan instead=${sum%?  -}x $(at 11)" && apply 1 -n production &&
		rehearsed d passed "$plan instead=${sum%% *} $(at 12)" && apply 1 -n production &&
		rehearsed d passed "$plan instead=${sum%% *} ran=${sum%% *} $(at 13)" && apply 0 -n production &&
		new_migration g "CREATE TABLE c (x int, y int);" "instead" "" "Supersedes: f" && apply 1 production &&
		tables production a
	'

	test_expect_success $prereq "$engine: what is rehearsed counts where the same ones ran of those that replace each other" '
		scene $engine ways && git config migrate.production.requireRehearsal fixes &&
		git config migrate.staging.requireRehearsal fixes &&
		new_migration b "CREATE TABLE b (x int, y int DEFAULT 9);" && apply 0 production &&
		new_migration d "CREATE TABLE b (x int, y int);" "instead" "" "Supersedes: b.sql" &&
		new_migration c "CREATE TABLE c (x int);" &&
		commit_file migrations/e.scenario "[seed]
INSERT INTO b (x) VALUES (1);
[failure]
INSERT INTO c (z) VALUES (1);" && new_migration e "ALTER TABLE c ADD COLUMN z int;" "mend c" "" "Fixes: c.sql" "Failure-Mode: too small" &&
		git migrate rehearse production e >.git/t/out 2>.git/t/err && apply 1 production && tables production a b &&
		says out "waiting  e.sql  waits for a rehearsal" &&
		says err "detail: One has passed on a database where others ran of those that replace each other" \
			"hint: Rehearse it on a copy of this target: git migrate rehearse --copy production migrations/e.sql" &&
		apply 0 -n staging && git migrate rehearse --copy production e >.git/t/out 2>.git/t/err &&
		apply 0 staging && tables staging a b c &&
		apply 0 production && tables production a b c
	'

	test_expect_success $prereq "$engine: what is rehearsed without a contract does not count behind it" '
		scene $engine contracted && git config migrate.production.requireRehearsal fixes &&
		new_migration b "CREATE TABLE b (x int);" && apply 0 production &&
		new_migration c "INSERT INTO b VALUES (7);" "clear away" "" "Phase: contract" "Not-Before: v9" &&
		new_migration d "CREATE TABLE d (x int);" &&
		commit_file migrations/e.scenario "[seed]
INSERT INTO b (x) VALUES (1);
[failure]
INSERT INTO d (z) VALUES (1);" && new_migration e "ALTER TABLE d ADD COLUMN z int;" "mend d" "" "Fixes: d.sql" "Failure-Mode: too small" &&
		git migrate rehearse production e >.git/t/out 2>.git/t/err && apply 0 -n production &&
		git tag v9 && apply 1 production && says out "waiting  e.sql  waits for a rehearsal" &&
		git migrate rehearse production e >.git/t/out 2>.git/t/err && apply 0 production && tables production a b d
	'

	test_expect_success $prereq "$engine: what replaces that which it fixes is rehearsed for both ways" '
		scene $engine bothways && git config migrate.production.requireRehearsal fixes &&
		git config migrate.staging.requireRehearsal fixes &&
		new_migration b "CREATE TABLE b (x int);" && new_migration c "CREATE TABLE b (x int, y int);" "instead" "" "Supersedes: b.sql" &&
		new_migration d "CREATE TABLE d (x int);" && apply 0 production &&
		commit_file migrations/e.scenario "[unshown]
a trial
[seed]
INSERT INTO b (x) VALUES (1);
[check]
SELECT count(*) FROM b
----
1" && new_migration e "DROP TABLE IF EXISTS d; CREATE TABLE d (x int, z int);" "mend d" "" "Fixes: d.sql" "Supersedes: d.sql" \
			"Failure-Mode: too small" "Data-Loss: nothing is in it" &&
		apply 1 production && apply 1 staging && tables staging a b &&
		git migrate rehearse staging e >.git/t/out 2>.git/t/err && grep "^  same " .git/t/out &&
		apply 0 production && apply 0 staging && tables production a b d && tables staging a b d
	'

	test_expect_success $prereq "$engine: only rehearsals on the engine of the target count, in whatever version" '
		scene $engine on && git config migrate.production.requireRehearsal all &&
		case $engine in
		sqlite)
			other=postgresql
			;;
		*)
			other=sqlite
			;;
		esac &&
		new_migration b "CREATE TABLE b (x int);" && rehearsed b passed "engine=$other/15.2 $(at 10)" &&
		apply 1 production && tables production a && says err "The newest one on $engine decides" &&
		git -c migrate.requireRehearsal=true migrate check HEAD~1..HEAD &&
		rehearsed b passed "engine=$engine/0.1 $(at 10)" && apply 0 -n production &&
		rehearsed b failed "engine=$other/15.2 $(at 11)" && apply 0 production && tables production a b
	'

	test_expect_success $prereq "$engine: what is broken waits for the fix that waits, and runs with it" '
		scene $engine broken && git config migrate.production.requireRehearsal fixes &&
		new_migration b "CREATE TABLE b (x int);" && new_migration c "CREATE TABLE c (x int);" &&
		new_migration d "CREATE TABLE d (x int);" "mend c" "" "Fixes: c.sql" "Failure-Mode: it was too small" &&
		new_migration e "CREATE TABLE e (x int);" && apply 1 production && tables production a b &&
		says out "waiting  c.sql  waits for what mends it, '\''d.sql'\''" "waiting  d.sql  waits for a rehearsal" \
			"waiting  e.sql  waits behind '\''d.sql'\''" &&
		rehearsed d && apply 0 production && tables production a b c d e &&
		new_migration f "CREATE TABLE f (x int);" "mend c again" "" "Fixes: c.sql" "Failure-Mode: so was d" &&
		new_migration g "CREATE TABLE g (x int);" && apply 1 production && ! grep "mends it" .git/t/out
	'

	test_expect_success $prereq "$engine: what never runs waits for nothing; what runs in its place does" '
		scene $engine instead && git config migrate.production.requireRehearsal fixes &&
		new_migration b "CREATE TABLE b (x int);" && apply 0 production &&
		new_migration c "SELECT nope FROM b;" "mend b" "" "Fixes: b.sql" "Failure-Mode: it was too small" &&
		new_migration d "CREATE TABLE d (x int);" "instead" "" "Supersedes: c.sql" &&
		apply 1 production && tables production a b &&
		says err "migration '\''d.sql'\'' waits for a rehearsal" &&
		says out "waiting  c.sql  waits behind '\''d.sql'\''" "waiting  d.sql  waits for a rehearsal" &&
		rehearsed d && apply 0 production && tables production a b d
	'

	test_expect_success $prereq "$engine: after: a superseded one waits for the one in its place, and for nobody else" '
		scene $engine nobody && git config migrate.production.after staging &&
		new_migration b "SELECT nope FROM a;" && new_migration d "CREATE TABLE d (x int);" &&
		new_migration c "CREATE TABLE c (x int);" "instead" "" "Supersedes: b.sql" &&
		apply 1 production && tables production a &&
		says out "waiting  b.sql  waits behind '\''c.sql'\''" "waiting  c.sql  waits for staging" "waiting  d.sql  waits for staging" &&
		says err "migration '\''c.sql'\'', and others behind it, wait for target" &&
		apply 0 staging && apply 0 production && tables production a c d
	'

	test_expect_success $prereq "$engine: requireRehearsal=all, and what is rehearsed runs" '
		scene $engine all && git config migrate.production.requireRehearsal all &&
		new_migration b "CREATE TABLE b (x int);" && new_migration c "CREATE TABLE c (x int);" &&
		rehearsed b && apply 1 production && tables production a b &&
		says err "migration '\''c.sql'\'' waits for a rehearsal" &&
		git config migrate.production.requireRehearsal true && apply 1 production &&
		git config migrate.production.requireRehearsal false && apply 0 production &&
		tables production a b c
	'
done

test_expect_success 'after: several targets, named at once or one by one, and an empty value forgets them' '
	scene sqlite several && git config migrate.canary.url sqlite:.git/canary.db &&
	git config migrate.production.after "staging, canary" &&
	new_migration b "CREATE TABLE b (x int);" && apply 1 production &&
	says out "waits for staging, canary" &&
	says err "waits for target '\''staging'\''" "Also: migration '\''b.sql'\'' waits for target '\''canary'\''" &&
	apply 0 staging && apply 1 production && says out "waits for canary" && tables production a &&
	git config migrate.production.after staging && git config --add migrate.production.after canary &&
	apply 1 production && says out "waits for canary" &&
	git config --add migrate.production.after staging && apply 1 production && says out "waits for canary" &&
	apply 0 canary && apply 0 production && tables production a b &&
	new_migration c "CREATE TABLE c (x int);" && apply 1 production &&
	tables production a b &&
	git -c migrate.production.after= migrate apply production >.git/t/out 2>&1 &&
	tables production a b c
'

test_expect_success 'after: a target that nobody knows, one whose mirror is not here, and its mirror fetched' '
	scene sqlite unknown && git config migrate.production.after stagging &&
	new_migration b "CREATE TABLE b (x int);" && apply 1 production && tables production a &&
	says err "There is neither a target '\''stagging'\'' here nor a mirror of one." \
		"\"git migrate sync\" fetches mirrors" "git config migrate.production.after <target>" &&
	git config migrate.production.after staging && git config --unset migrate.staging.url &&
	git update-ref -d refs/notes/migrate/staging && apply 1 production &&
	says err "There is neither a target '\''staging'\'' here" &&
	git config migrate.staging.url sqlite:.git/staging.db && apply 1 production &&
	says err "Its mirror is not here." "git migrate apply staging" "git migrate sync" &&
	git init -q --bare .git/server.git && git remote add origin "$PWD/.git/server.git" &&
	git push -q origin main && git clone -q .git/server.git .git/other 2>.git/t/clone && (
		cd .git/other && git config migrate.staging.url "sqlite:$PWD/../staging.db" &&
		git migrate apply staging >out 2>&1 && git migrate sync >>out 2>&1
	) &&
	git config --unset migrate.staging.url && apply 1 production &&
	git migrate sync >.git/t/out 2>&1 && apply 0 production && tables production a b
'

test_expect_success 'after: what ran there under that name has to be these bytes' '
	scene sqlite bytes && git config migrate.production.after staging &&
	new_migration b "CREATE TABLE b (x int);" && apply 0 staging &&
	ran=$(git rev-parse --short=12 HEAD:migrations/b.sql) &&
	commit_file migrations/b.sql "CREATE TABLE b (x int, y int);" && apply 1 production &&
	says err "Target '\''staging'\'' settled blob $ran under that name" "in a migration of its own" &&
	tables production a &&
	git reset -q --hard HEAD^ && apply 0 production && tables production a b
'

test_expect_success 'both together' '
	scene sqlite both && git config migrate.production.after staging &&
	git config migrate.production.requireRehearsal all &&
	new_migration b "CREATE TABLE b (x int);" && apply 1 production &&
	says out "waits for staging and a rehearsal" &&
	says err "Also: migration '\''b.sql'\'' waits for a rehearsal" &&
	apply 0 staging && apply 1 production && says out "waits for a rehearsal" &&
	rehearsed b && apply 0 production && tables production a b
'

# keys: one that is allowed, one that is not; commits are not signed by themselves
keys() {
	for keys_name in good bad; do
		ssh-keygen -q -t ed25519 -N "" -C "" -f ".git/t/$keys_name" || return 1
	done &&
	printf "committer@example.com %s\n" "$(cat .git/t/good.pub)" >.git/t/allowed &&
	git config gpg.format ssh && git config migrate.allowedSigners "$PWD/.git/t/allowed" &&
	git config migrate.signNotes true && git config user.signingKey "$PWD/.git/t/good"
}

# signs KEY: the newest commit of the rehearsals, anew with that key; without one unsigned
signs() {
	signs_tip=$(git rev-parse $proof) &&
	signs_new=$(git -c user.signingKey="$PWD/.git/t/$1" commit-tree ${1:+-S} -m x \
		$(git rev-list --no-walk --parents $signs_tip | sed "s/^[^ ]*//; s/ / -p /g") "$proof^{tree}") &&
	git update-ref $proof "$signs_new"
}

test_expect_success 'migrate.allowedSigners: of a mirror only what is signed by one of them counts' '
	scene sqlite signed && keys && git config migrate.production.after staging &&
	new_migration b "CREATE TABLE b (x int);" && git config migrate.signNotes false && apply 0 staging &&
	apply 1 production && says out "waiting  b.sql  waits for staging" &&
	says err "no commit that adds the record is signed with a key of migrate.allowedSigners" "migrate.signNotes" &&
	git config --unset migrate.allowedSigners && apply 0 -n production &&
	git config migrate.allowedSigners "$PWD/.git/t/allowed" && git config migrate.signNotes true &&
	new_migration c "CREATE TABLE c (x int);" && apply 0 staging &&
	apply 1 production && tables production a && says out "waiting  b.sql  waits for staging" &&
	says out "waiting  c.sql  waits behind '\''b.sql'\''" &&
	git -c migrate.production.after= migrate apply --to b.sql production >.git/t/out 2>&1 &&
	apply 0 production && tables production a b c &&
	git config user.signingKey "$PWD/.git/t/bad" && new_migration d "CREATE TABLE d (x int);" &&
	apply 0 staging && apply 1 production && says out "waiting  d.sql  waits for staging"
'

test_expect_success 'migrate.allowedSigners: and of rehearsals' '
	scene sqlite signs && keys && git config migrate.production.requireRehearsal all &&
	new_migration b "CREATE TABLE b (x int);" && rehearsed b && apply 1 production &&
	says err "Only those count whose note was added by a commit that is signed" &&
	signs bad && apply 1 production && tables production a &&
	signs "" && new_migration c "CREATE TABLE c (x int);" && rehearsed c && signs good &&
	apply 1 production && says out "waiting  b.sql  waits for a rehearsal" "waiting  c.sql  waits behind" &&
	git update-ref -d $proof && rehearsed b && signs good && rehearsed c && signs good &&
	apply 0 production && tables production a b c &&
	git config migrate.requireRehearsal true && git migrate check HEAD~1..HEAD &&
	git update-ref -d $proof && rehearsed c && test_expect_code 1 git migrate check HEAD~1..HEAD 2>.git/t/err &&
	says err "[unrehearsed]"
'

test_expect_success 'migrate.allowedSigners: who signs a merge does not sign what it joins, nor what he moves' '
	scene sqlite joins && keys && git config migrate.production.requireRehearsal all &&
	new_migration b "CREATE TABLE b (x int);" && rehearsed b && forged=$(git rev-parse $proof) &&
	git update-ref -d $proof && git notes --ref=$proof add -m "rehearsed path=a.sql result=passed" HEAD~1 && signs good &&
	git update-ref refs/notes/forged $forged &&
	git notes --ref=$proof merge -q -s cat_sort_uniq refs/notes/forged &&
	git notes --ref=$proof show >.git/t/out && signs good && git log -1 --format=%P $proof | grep " " &&
	apply 1 production && says out "waiting  b.sql  waits for a rehearsal" &&
	note=$(git notes --ref=$proof list HEAD) && id=$(git rev-parse HEAD) && git update-ref $proof $forged &&
	tree=$(printf "100644 blob %s\t%s\n" "$note" "${id#??}" | git mktree) &&
	tree=$(printf "040000 tree %s\t%s\n" "$tree" "${id%"${id#??}"}" | git mktree) &&
	git update-ref $proof $(git -c user.signingKey="$PWD/.git/t/good" commit-tree -S -m moved -p $forged $tree) &&
	apply 1 production && git update-ref $proof \
		$(git -c user.signingKey="$PWD/.git/t/good" commit-tree -S -m own $tree) && apply 0 production
'

# drops PATTERN: the newest notes on HEAD without such lines, in a commit that nobody signs
drops() {
	git notes --ref=$proof show HEAD | grep -v -e "$1" | grep . >.git/t/rest &&
	git -c commit.gpgSign=false notes --ref=$proof add -f -F .git/t/rest HEAD
}

test_expect_success 'migrate.allowedSigners: what is signed cannot be taken out again, unsigned it never counted' '
	scene sqlite drops && keys && git config migrate.production.requireRehearsal all &&
	new_migration b "CREATE TABLE b (x int);" && rehearsed b passed "$(at 10)" && signs good && apply 0 -n production &&
	rehearsed b failed "$(at 11)" && apply 0 -n production && drops result=failed && apply 0 -n production &&
	passed=$(git rev-parse $proof) &&
	rehearsed b failed "$(at 12)" && signs good && apply 1 production && tables production a && failed=$(git rev-parse $proof) &&
	git update-ref $proof "$(git commit-tree -p "$passed" -p "$failed" -m merge "$passed^{tree}")" && apply 1 production &&
	git update-ref $proof "$failed" && drops result=failed && ! git notes --ref=$proof show HEAD | grep failed && apply 1 production && tables production a &&
	printf "* -diff\n" >.git/info/attributes && printf "* -diff\n" >.gitattributes && apply 1 production &&
	git notes --ref=$proof remove HEAD && apply 1 production && tables production a &&
	rehearsed b passed "$(at 13)" && apply 1 production && signs good && apply 0 production && tables production a b
'

test_expect_success 'settings that are none are refused by name, right ones serve' '
	scene sqlite settings && new_migration b "CREATE TABLE b (x int);" &&
	git config migrate.production.after production && apply 128 production &&
	says err "error: migrate.production.after is '\''production'\''" "cannot wait for itself" &&
	git config migrate.production.after "Not A Target" && apply 128 production &&
	says err "migrate.production.after is '\''Not'\''" "git config migrate.production.after <target>" &&
	git config --unset migrate.production.after &&
	git config migrate.production.requireRehearsal some && apply 128 production &&
	says err "migrate.production.requirerehearsal is '\''some'\''" "\"fixes\", \"all\", or \"false\"" &&
	tables production a && git config migrate.production.requireRehearsal false &&
	apply 0 production && tables production a b
'

test_expect_success 'a commit cannot set them' '
	scene sqlite tree && git config migrate.production.after staging &&
	printf "[migrate \"production\"]\n\tafter =\n" >.gitmigrate && git add .gitmigrate &&
	new_migration b "CREATE TABLE b (x int);" && apply 1 production && tables production a &&
	apply 0 staging production && tables production a b
'

test_expect_success FAULTS 'one that was begun outside of a transaction is settled, whoever waits' '
	scene sqlite begun && new_migration b "-- migrate: no-transaction
VACUUM;" &&
	new_migration c "CREATE TABLE c (x int);" &&
	test_expect_code 137 env GIT_MIGRATE_FAULT=started git-migrate apply production &&
	git config migrate.production.after staging && apply 1 production &&
	says out "  applied  b.sql" "  waiting  c.sql  waits for staging" &&
	apply 0 staging production && tables production a c
'

test_done
