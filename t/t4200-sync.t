#!/bin/sh

test_description='sync and apply --push: the mirrors here and on a server'

. "$(dirname "$0")/lib.sh"

ref=refs/notes/migrate/default

# same_on HUB [REF]: the mirror there is ours.
same_on() {
	test "$(git rev-parse "${2:-$ref}")" = "$(git -C "$1" rev-parse "${2:-$ref}")"
}

# lines_of REPO: the set of the lines of its mirror.
lines_of() {
	git -C "$1" ls-tree -r $ref | while read -r _ _ blob _; do
		git -C "$1" cat-file blob "$blob"
	done | sort -u
}

test_expect_success 'a server, a checkout with a database, a second one' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main hub.git &&
	fresh one &&
	git remote add origin ../hub.git &&
	git migrate init --no-hooks "sqlite:$SHARNESS_TRASH_DIRECTORY/app.db" >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	git push -q -u origin main &&
	git clone -q ../hub.git ../two
'

test_expect_success 'sync brings the mirror to the server, once' '
	git migrate sync >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	echo "default: pushed to origin" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out &&
	same_on ../hub.git &&
	git migrate sync >.git/t/out &&
	echo "default: the same on origin" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out
'

test_expect_success 'a clone without a database has the proof, and writes nothing' '
	cd ../two &&
	mkdir .git/t &&
	git migrate init --no-hooks >.git/t/out 2>&1 &&
	git migrate sync >.git/t/out 2>.git/t/err &&
	git migrate log >.git/t/log &&
	grep "applied on default at" .git/t/log &&
	test_must_fail git rev-parse -q --verify $ref &&
	echo "default: the same on origin" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out
'

test_expect_success 'what the tracker has and the mirror lacks is appended' '
	git migrate target add default "sqlite:$SHARNESS_TRASH_DIRECTORY/app.db" >.git/t/out 2>&1 &&
	new_migration b "CREATE TABLE b (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	git update-ref -d $ref &&
	git migrate sync >.git/t/out &&
	cat >.git/t/expect <<-\END &&
	default: 2 records appended from the tracker
	default: pushed to origin
	END
	test_cmp .git/t/expect .git/t/out &&
	tracker_rows ../app.db | sort >.git/t/expect &&
	lines_of ../hub.git >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	git push -q origin main
'

test_expect_success 'rebuilt from the tracker it is the same set of lines' '
	lines_of ../hub.git >.git/t/expect &&
	git -C ../hub.git update-ref -d $ref &&
	git update-ref -d $ref &&
	git migrate sync >.git/t/out &&
	lines_of ../hub.git >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	git migrate audit >.git/t/out
'

test_expect_success '--offline asks no database; one that cannot be read is told' '
	git config migrate.broken.url "sqlite:$SHARNESS_TRASH_DIRECTORY/garbage" &&
	echo "this is no database, by far" >../garbage &&
	git migrate sync >.git/t/out 2>.git/t/err &&
	grep "^warning: the tracker of target '\''broken'\'' was not read" .git/t/err &&
	has_line .git/t/out "default: the same on origin" &&
	git migrate sync --offline >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	test_must_fail git migrate sync broken >.git/t/out 2>.git/t/err &&
	grep "^error: " .git/t/err &&
	git config --remove-section migrate.broken
'

test_expect_success 'both have written: joined, nothing lost, and pushed' '
	cd ../one &&
	git pull -q --ff-only origin main &&
	git migrate apply >.git/t/out 2>&1 &&
	git commit -q --allow-empty -m "an own commit of notes" &&
	git notes --ref $ref add -m "a remark of somebody" HEAD &&
	cd ../two &&
	new_migration c "CREATE TABLE c (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	git migrate sync >.git/t/out &&
	git push -q origin main &&
	cd ../one &&
	git migrate sync --offline >.git/t/out 2>&1 &&
	same_on ../hub.git &&
	tracker_rows ../app.db | sort >.git/t/expect &&
	lines_of ../hub.git | grep "^0" >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	lines_of ../hub.git | grep "a remark of somebody"
'

test_expect_success 'somebody else is first with a push: again, until it is through' '
	cd ../two && git migrate sync >.git/t/out 2>&1 &&
	new_migration d "CREATE TABLE d (x);" && git migrate apply >.git/t/out 2>&1 &&
	git push -q origin main &&
	cd ../one && git pull -q --rebase origin main &&
	new_migration e "CREATE TABLE e (x);" && git migrate apply >.git/t/out 2>&1 &&
	# the other one pushes while we are about to: from our own pre-push hook, once
	cat >.git/hooks/pre-push <<-\END &&
	#!/bin/sh
	rm "$0"
	unset GIT_DIR GIT_PREFIX
	cd ../two && git migrate sync --offline >/dev/null
	END
	chmod +x .git/hooks/pre-push &&
	git migrate sync >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	test ! -e .git/hooks/pre-push &&
	has_line .git/t/out "default: pushed to origin" &&
	tracker_rows ../app.db | sort >.git/t/expect &&
	lines_of ../hub.git | grep "^0" >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'after a rewrite the records are on the new commit too' '
	old=$(git rev-parse HEAD) &&
	git commit -q --amend -m "other words" &&
	new=$(git rev-parse HEAD) &&
	git migrate sync >.git/t/out &&
	has_line .git/t/out "default: 1 record put on rewritten commits" &&
	git notes --ref $ref show "$old" >.git/t/expect &&
	git notes --ref $ref show "$new" >.git/t/actual &&
	grep " path=e.sql " .git/t/expect >.git/t/e &&
	test_cmp .git/t/e .git/t/actual &&
	same_on ../hub.git &&
	git migrate sync >.git/t/out &&
	echo "default: the same on origin" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/out
'

test_expect_success 'two databases of one name: told, neither joined nor pushed' '
	cp ../app.db ../copy.db &&
	new_migration f "CREATE TABLE f (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	git migrate sync >.git/t/out 2>&1 &&
	cd ../two &&
	git -C ../one push -q -f origin main && git fetch -q && git reset -q --hard origin/main &&
	git update-ref -d $ref &&
	git for-each-ref --format="delete %(refname)" refs/notes/origin | git update-ref --stdin &&
	git config migrate.default.url "sqlite:$SHARNESS_TRASH_DIRECTORY/copy.db" &&
	git migrate apply >.git/t/out 2>&1 &&
	git -C ../hub.git rev-parse $ref >.git/t/before &&
	test_expect_code 1 git migrate sync --offline >.git/t/out 2>.git/t/err &&
	grep "^warning: the mirrors of target '\''default'\'' part: records" .git/t/err &&
	grep "^hint: " .git/t/err &&
	test_must_be_empty .git/t/out &&
	git -C ../hub.git rev-parse $ref >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'what the server refuses is told in its words' '
	cd ../one &&
	cat >../hub.git/hooks/pre-receive <<-\END &&
	#!/bin/sh
	printf "not on my \033[31mwatch\n" >&2
	exit 1
	END
	chmod +x ../hub.git/hooks/pre-receive &&
	new_migration g "CREATE TABLE g (x);" && git migrate apply >.git/t/out 2>&1 &&
	test_expect_code 1 git migrate sync >.git/t/out 2>.git/t/err &&
	grep "^warning: the server refused the mirror of target '\''default'\''" .git/t/err &&
	grep -F "not on my \\x1b[31mwatch" .git/t/err &&
	rm ../hub.git/hooks/pre-receive &&
	git migrate sync >.git/t/out && same_on ../hub.git
'

test_expect_success 'apply --push leaves the proof on the server' '
	new_migration h "CREATE TABLE h (x);" &&
	git migrate apply --push >.git/t/out 2>.git/t/err &&
	has_line .git/t/out "default: pushed to origin" &&
	same_on ../hub.git &&
	git config migrate.push true &&
	new_migration i "CREATE TABLE i (x);" &&
	git migrate apply --porcelain >.git/t/out 2>.git/t/err && has_line .git/t/out pushed &&
	same_on ../hub.git &&
	new_migration j "CREATE TABLE j (x);" &&
	git migrate apply --no-push >.git/t/out 2>&1 && ! same_on ../hub.git &&
	git migrate apply --json >.git/t/out && has_line .git/t/out "    \"pushed\": true" &&
	same_on ../hub.git &&
	new_migration k "CREATE TABLE k (x);" &&
	git -c migrate.default.push=false migrate apply >.git/t/out 2>&1 && ! same_on ../hub.git &&
	# the failure is on record there too
	new_migration l "SELECT nothing;" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 && same_on ../hub.git &&
	lines_of ../hub.git | grep "event=failed path=l.sql"
'

test_expect_success 'a server that is not there does not make apply fail' '
	git reset -q --hard HEAD^ &&
	new_migration m "CREATE TABLE m (x);" &&
	git config remote.origin.url ../nowhere.git &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "warning: the mirror was not pushed: could not read the mirrors of '\''origin'\''" &&
	grep "^hint: \"git migrate sync\"" .git/t/err &&
	test_expect_code 128 git migrate sync >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: could not read the mirrors of '\''origin'\''" &&
	grep "^detail: .*nowhere" .git/t/err &&
	git config remote.origin.url ../hub.git &&
	git migrate sync >.git/t/out && same_on ../hub.git
'

test_expect_success 'which remote' '
	test_expect_code 1 git migrate sync --remote nosuch 2>.git/t/err &&
	has_line .git/t/err "error: there is no remote '\''nosuch'\''" &&
	git init -q --bare ../mirror.git && git remote add backup ../mirror.git &&
	git migrate sync --remote backup >.git/t/out &&
	has_line .git/t/out "default: pushed to backup" && same_on ../mirror.git &&
	git -c migrate.remote=backup migrate sync >.git/t/out &&
	has_line .git/t/out "default: the same on backup" &&
	git migrate sync --no-push >.git/t/out && test_must_be_empty .git/t/out &&
	fresh alone && new_migration a "SELECT 1;" &&
	test_expect_code 1 git migrate sync 2>.git/t/err &&
	has_line .git/t/err "error: this repository has no remote"
'

test_done
