#!/bin/sh

test_description='audit: what somebody with all rights on a database does to its log is found'

. "$(dirname "$0")/lib.sh"

ref=refs/notes/migrate/default

# as_owner SQL: what the owner of the database can do, guards taken away first.
as_owner() {
	sqlite app.db "CREATE TABLE kept AS SELECT name, sql FROM sqlite_schema
		WHERE type = \"trigger\" AND name LIKE \"git_migrate%\"" &&
	sqlite app.db "SELECT \"DROP TRIGGER \" || name || \";\" FROM kept" >.git/t/drop &&
	sqlite app.db "SELECT sql || \";\" FROM kept" >.git/t/create &&
	sqlite app.db "DROP TABLE kept" &&
	sqlite3 app.db <.git/t/drop && sqlite app.db "$1" && sqlite3 app.db <.git/t/create
}

# rewrite SED: changes each record with sed and makes the whole chain anew, columns
# included, as somebody who knows the format would.
rewrite() {
	sqlite app.db "SELECT seq, record FROM git_migrate_log ORDER BY seq" >.git/t/records &&
	prev=$(printf "%064d" 0) &&
	echo "BEGIN;" >.git/t/sql &&
	while IFS="|" read -r seq record; do
		record=$(printf "%s\n" "$record" | sed -e "$1" -e "s/ prev=[0-9a-f]* / prev=$prev /") &&
		prev=$(printf "%s\n" "$record" | sha256sum | cut -d " " -f 1) &&
		at=$(printf "%s\n" "$record" | sed "s/.* at=\([^ ]*\) .*/\1/") &&
		by=$(printf "%s\n" "$record" | sed -e "s/.* by=\([^ ]*\) .*/\1/" -e "s/%20/ /g") &&
		echo "UPDATE git_migrate_log SET record = '$record', hash = '$prev', at = '$at', by = '$by' WHERE seq = $seq;" \
			>>.git/t/sql || return 1
	done <.git/t/records &&
	echo "COMMIT;" >>.git/t/sql &&
	as_owner "$(cat .git/t/sql)"
}

# sound: nothing is found.
sound() {
	git migrate audit >.git/t/out 2>.git/t/err && ! grep "^  failed" .git/t/out
}

# found ID...: audit fails, and says why with one of these.
found() {
	test_expect_code 1 git migrate audit >.git/t/out 2>.git/t/err || return 1
	for found_id; do
		! grep "^  failed  *$found_id " .git/t/out || return 0
	done
	cat .git/t/out
	return 1
}

# story NAME: three migrations are applied, mirrored, and seen by an audit.
story() {
	fresh "$1" &&
	git migrate init sqlite:app.db >.git/t/out 2>&1 &&
	for story_name in a b c; do
		new_migration $story_name "CREATE TABLE $story_name (x);" &&
		git migrate apply >.git/t/applied 2>&1 || return 1
	done &&
	sound && cp app.db .git/t/kept.db
}

test_expect_success 'a line in the middle is edited or deleted: the chain breaks' '
	story middle &&
	as_owner "UPDATE git_migrate_log SET record = replace(record, \"path=b.sql\", \"path=x.sql\") WHERE seq = 4" &&
	found chain && cp .git/t/kept.db app.db && sound &&
	as_owner "DELETE FROM git_migrate_log WHERE seq = 4" &&
	found chain
'

test_expect_success 'a column says something else than the record' '
	cp .git/t/kept.db app.db && sound &&
	as_owner "UPDATE git_migrate_log SET by = \"Somebody Else\" WHERE seq = 3" && found chain
'

test_expect_success 'the whole chain is made anew: it is not what the mirror holds' '
	cp .git/t/kept.db app.db && rewrite "s/^/&/" && sound &&
	rewrite "/^0000000003 /s/ by=[^ ]* / by=Somebody%20Else%20<x@y> /" &&
	git migrate audit >.git/t/out; grep "^  ok  *chain " .git/t/out &&
	found fork
'

test_expect_success 'with the mirror gone too: this clone has seen another head' '
	git update-ref -d $ref && found seen &&
	! grep "^  failed  *fork" .git/t/out
'

test_expect_success 'the tail is cut: the mirror is ahead' '
	cp .git/t/kept.db app.db && git migrate apply >.git/t/out 2>&1 && sound &&
	as_owner "DELETE FROM git_migrate_log WHERE seq >= 6; DROP TABLE c" &&
	found tracker-lacks && grep "^  failed  *seen " .git/t/out &&
	# without the mirror the chain is whole, and what was seen is not there
	git update-ref -d $ref && found seen && grep "^  ok  *chain " .git/t/out
'

test_expect_success 'an old backup: refused, unless a record says so with the old head' '
	cp .git/t/kept.db app.db && git migrate apply >.git/t/out 2>&1 && sound &&
	cp app.db .git/t/old.db && new_migration d "CREATE TABLE d (x);" &&
	git migrate apply >.git/t/out 2>&1 && sound &&
	cp .git/t/old.db app.db && found tracker-lacks &&
	git migrate target restored default --reason "the disk failed" >.git/t/out 2>&1 && sound &&
	grep "^  warning  *restored " .git/t/out && grep "^  ok  *exceptions *1 exception " .git/t/out
'

test_expect_success 'a new log that names what it took the place of: told, and in order' '
	story replaced && cp -r .git/migrate/seen .git/t/seen && rm app.db && git migrate target restored default --reason "thrown away" >.git/t/out 2>&1 &&
	git migrate apply >.git/t/out 2>&1 && rm -r .git/migrate/seen && cp -r .git/t/seen .git/migrate && sound &&
	grep "^  warning  *replaced .*7 records .* are of a log .*record 1 (created) says so" .git/t/out &&
	grep "^  warning  *seen .*record 7 .*is gone; record 1 says why" .git/t/out &&
	sound && ! grep "^  [a-z]*  *identity" .git/t/out
'

test_expect_success 'a new log that names something else is not taken for it' '
	story usurped && uuid=$(git config migrate.default.uuid) &&
	garbage="old=0000000007:$(printf "%064d" 7)" &&
	rewrite "s/ target=$uuid / target=11111111-2222-4333-8444-555555555555 /
		s/ by=[^ ]* / by=Somebody%20Else%20<x@y> /
		/^0000000001 /s/ reason=[^ ]*//; /^0000000001 /s/\$/ $garbage reason=x/" &&
	found other-target && grep "^  failed  *seen " .git/t/out && grep "^  failed  *identity " .git/t/out &&
	git update-ref -d $ref && found seen && grep "^  failed  *mirror-history .*gone record " .git/t/out &&
	rm -r .git/migrate && found identity && git config --unset migrate.default.uuid && sound
'

# cut_to N OLD AFTER: the log ends in N, behind which a record says that it was restored
cut_to() {
	last=$(sqlite app.db "SELECT record FROM git_migrate_log WHERE seq = $1") &&
	hash=$(printf "%s\n" "$last" | sha256sum | cut -d " " -f 1) &&
	record=$(printf "%s\n" "$last" | sed -e "s/^[0-9]* prev=[0-9a-f]* /$(printf "%010d" "$3") prev=$hash /" \
		-e "s/ event=ran / event=restored /" -e "s/ migrations=.*/ old=$2 reason=oops/") &&
	hash=$(printf "%s\n" "$record" | sha256sum | cut -d " " -f 1) &&
	as_owner "CREATE TEMP TABLE one AS SELECT * FROM git_migrate_log WHERE seq = $1;
		UPDATE one SET seq = $3, event = \"restored\", record = \"$record\", hash = \"$hash\";
		DELETE FROM git_migrate_log WHERE seq > $1; DROP TABLE c;
		INSERT INTO git_migrate_log SELECT * FROM one"
}

test_expect_success 'a cut is explained by the head that was lost, and by no other' '
	story cut && head=$(git migrate audit | sed -n "s/^head: //p") &&
	cut_to 5 "0000000007:$head" 8 && sound &&
	grep "^  warning  *restored .*record 6 " .git/t/out &&
	grep "^  warning  *seen .*record 7 .*is gone; record 8 says why" .git/t/out &&
	cp .git/t/kept.db app.db && rm -r .git/migrate/seen && sound &&
	cut_to 5 "0000000007:$(printf "%064d" 3)" 8 && found tracker-lacks &&
	grep "^  failed  *seen " .git/t/out &&
	cp .git/t/kept.db app.db && cut_to 5 "0000000007:$head" 99 && found chain
'

test_expect_success 'a runner whose clock was ahead is named, and hides nothing from at' '
	story clock && sound && ! grep "^  warning  *clock" .git/t/out &&
	rewrite "/^000000000[45] /s/ at=20[0-9][0-9]-/ at=2090-/" &&
	git update-ref -d $ref && rm -r .git/migrate/seen .git/migrate/history &&
	git migrate apply >.git/t/out 2>&1 && sound &&
	grep "^  warning  *clock  *1 record, from 6 on, is dated more than a minute" .git/t/out &&
	git migrate audit --offline >.git/t/out && grep "^  warning  *clock " .git/t/out &&
	git migrate at now >.git/t/out && grep "^3 in force, by record 7 of" .git/t/out
'

# forge PATH BLOB COMMIT: an `applied` for what never ran, linked as it should be.
forge() {
	last=$(tracker_rows | tail -n 1) &&
	seq=$(sqlite app.db "SELECT max(seq) + 1 FROM git_migrate_log") &&
	prev=$(printf "%s\n" "$last" | sha256sum | cut -d " " -f 1) &&
	record=$(printf "%s\n" "$last" | sed -e "s/^[0-9]* prev=[0-9a-f]*/$(printf "%010d" "$seq") prev=$prev/" \
		-e "s/ path=[^ ]* blob=[^ ]* sha256=[^ ]* commit=[^ ]* head=[^ ]* / path=$1 blob=$2 sha256=$(git cat-file blob "$2" 2>/dev/null | sha256sum | cut -d " " -f 1) commit=$3 head=$3 /") &&
	hash=$(printf "%s\n" "$record" | sha256sum | cut -d " " -f 1) &&
	sqlite app.db "SELECT group_concat(name) FROM pragma_table_info(\"git_migrate_log\")" >.git/t/columns &&
	as_owner "CREATE TEMP TABLE one AS SELECT * FROM git_migrate_log ORDER BY seq DESC LIMIT 1;
		UPDATE one SET seq = $seq, record = '$record', hash = '$hash', path = '$1';
		INSERT INTO git_migrate_log SELECT * FROM one"
}

test_expect_success 'a forged record of what is in no plan' '
	story forged &&
	forge nosuch.sql "$(git rev-parse HEAD:migrations/a.sql)" "$(git rev-parse HEAD)" &&
	found plan-missing chain
'

test_expect_success 'a forged record with other bytes, and a commit that never was' '
	cp .git/t/kept.db app.db && new_migration d "CREATE TABLE d (x);" &&
	forge d.sql "$(git rev-parse HEAD:migrations/a.sql)" "$(git rev-parse HEAD)" &&
	found plan-edited chain &&
	cp .git/t/kept.db app.db &&
	forge d.sql "$(git rev-parse HEAD:migrations/d.sql)" "$(printf "%040d" 7)" &&
	git migrate audit >.git/t/out; grep "^  [a-z]*  *\(commit-missing\|plan-commit\|chain\) " .git/t/out
'

test_expect_success 'the notes are rewritten too, and pushed by force: other clones keep what they had' '
	story pushed &&
	git init -q --bare ../hub.git && git remote add origin ../hub.git &&
	git push -q origin main && git migrate sync >.git/t/out &&
	git clone -q ../hub.git ../witness && (cd ../witness && git migrate init >out 2>&1 && git migrate sync >out) &&
	rewrite "/^0000000003 /s/ by=[^ ]* / by=Somebody%20Else%20<x@y> /" &&
	git for-each-ref --format="delete %(refname)" refs/notes | git update-ref --stdin &&
	rm -r .git/migrate/seen && git migrate apply >.git/t/out 2>&1 &&
	git push -q -f --no-verify origin "+$ref:$ref" &&
	cd ../witness &&
	test_expect_code 1 git migrate sync >out 2>err &&
	grep "^error: a mirror on .origin. was rewritten" err && grep "^hint: Records that were there" err &&
	git migrate audit --offline >out && grep "^  ok  *chain" out
'

# uprooted TREE REVISION: the mirror is one commit with that tree and that message
uprooted() {
	git update-ref $ref "$(git log -1 --format=%B "$2" | git commit-tree "$1^{tree}")" && rm -rf .git/migrate
}

test_expect_success '--offline: the head that the mirror names is where its log ends' '
	story headless && tip=$(git rev-parse $ref) && mv app.db .git/t/away &&
	uprooted $tip $tip && git migrate audit --offline >.git/t/out && grep "^  ok  *mirror  *7 lines" .git/t/out &&
	uprooted $tip~1 $tip && test_expect_code 1 git migrate audit --offline >.git/t/out &&
	grep "^  failed  *head .*names record 7 .*it ends in record 5 " .git/t/out &&
	uprooted $tip $tip~1 && test_expect_code 1 git migrate audit --offline >.git/t/out &&
	grep "^  failed  *tracker-lacks " .git/t/out &&
	cp .git/t/away app.db && sound && uprooted $tip~1 $tip~1 && sound &&
	as_owner "DELETE FROM git_migrate_log WHERE seq >= 4; DROP TABLE b; DROP TABLE c" && found tracker-lacks
'

# renewed MORE: what an auditor without a database finds when the mirror was deleted on
# the server, pruned here, and put there anew, with MORE done to its records before
renewed() {
	(cd ../pruned && git fetch -q && git migrate sync --no-push >.git/t/out &&
		git migrate audit --offline >.git/t/out) &&
	git push -q --no-verify origin ":$ref" && (cd ../pruned && git fetch -q) &&
	{ test -z "$1" || rewrite "$1"; } && git update-ref -d $ref && rm -rf .git/migrate &&
	git migrate apply >.git/t/out 2>&1 && git push -q --no-verify origin "$ref" &&
	cd ../pruned && git fetch -q && git migrate sync --no-push >.git/t/out &&
	git migrate audit --offline >.git/t/out
}

test_expect_success '--offline: a mirror that was pruned and put there anew has to hold what it held' '
	story renewed && git init -q --bare ../hub2.git && git remote add origin ../hub2.git &&
	git push -q origin main && git migrate sync >.git/t/out &&
	git clone -q ../hub2.git ../pruned && (cd ../pruned && git config fetch.prune true &&
		mkdir .git/t && git migrate init >.git/t/out 2>&1) &&
	(renewed "") && (cd ../pruned && ! grep "^  failed" .git/t/out) &&
	test_must_fail renewed "s/ by=[^ ]* / by=Somebody%20Else%20<x@y> /" && cd ../pruned &&
	grep "^  failed  *seen " .git/t/out && grep "^  failed  *mirror-history .*gone record " .git/t/out
'

test_expect_success 'everything, everywhere, before the first mirror: the head that apply printed differs' '
	cd "$SHARNESS_TRASH_DIRECTORY/pushed" && fresh first && git migrate init sqlite:app.db >.git/t/out 2>&1 &&
	new_migration a "CREATE TABLE a (x);" && git migrate apply >.git/t/applied 2>&1 &&
	sed -n "s/^head: record [0-9]* //p" .git/t/applied >.git/t/printed && test -s .git/t/printed &&
	git migrate audit | sed -n "s/^head: //p" >.git/t/now && test_cmp .git/t/printed .git/t/now &&
	rewrite "/^0000000002 /s/ by=[^ ]* / by=Somebody%20Else%20<x@y> /" &&
	git update-ref -d $ref && rm -r .git/migrate/seen .git/migrate/history &&
	sound && sed -n "s/^head: //p" .git/t/out >.git/t/now && ! test_cmp .git/t/printed .git/t/now
'

test_expect_success '--offline: from git alone, with no database and no password' '
	story offline && mv app.db .git/t/away &&
	git config migrate.default.url postgresql://nobody:secret@nowhere.invalid/x &&
	git migrate audit --offline >.git/t/out 2>.git/t/err && test_must_be_empty .git/t/err &&
	grep "^  ok  *chain  *7 records.*no database was asked" .git/t/out &&
	grep "^  ok  *mirror  *7 lines" .git/t/out &&
	git migrate audit --offline --json >.git/t/out && has_line .git/t/out "    \"sound\": true," &&
	test_expect_code 1 git migrate audit --offline nosuch >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "error: there is no mirror of target '\''nosuch'\'' here"
'

test_expect_success '--offline: a line taken out of the notes breaks the chain' '
	commit=$(git rev-parse HEAD~1) &&
	git notes --ref $ref remove "$commit" 2>.git/t/err &&
	test_expect_code 1 git migrate audit --offline >.git/t/out &&
	grep "^  failed  *mirror-line .*the record before it is not there" .git/t/out
'

test_expect_success '--offline: a line that goes on behind the head is not of the log' '
	story behind &&
	git migrate audit --offline >.git/t/out &&
	grep "^head: " .git/t/out >.git/t/expect &&
	git notes --ref=$ref show HEAD | LC_ALL=C sort | tail -n 1 >.git/t/last &&
	grep " event=ran " .git/t/last &&
	seq=$(sed "s/ .*//; s/^0*//" .git/t/last) &&
	sed -e "s/^[0-9]* prev=[0-9a-f]*/$(printf "%010d" $((seq + 1))) prev=$(sha256sum <.git/t/last | cut -d " " -f 1)/" \
		.git/t/last >.git/t/forged &&
	git notes --ref=$ref append -F .git/t/forged HEAD &&
	test_expect_code 1 git migrate audit --offline >.git/t/out &&
	grep "^  failed  *tracker-lacks .* record $((seq + 1)) " .git/t/out &&
	grep "^  ok  *chain  *$seq records" .git/t/out &&
	grep "^head: " .git/t/out >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a record that is taken out of the mirror and put back later is told' '
	story edited && sound && grep "^  ok  *mirror-history " .git/t/out &&
	commit=$(git rev-parse HEAD~1) && git notes --ref $ref show "$commit" >.git/t/note &&
	sed 1d .git/t/note >.git/t/shorter && ! test_cmp .git/t/note .git/t/shorter &&
	git notes --ref $ref add -f -F .git/t/shorter "$commit" 2>.git/t/err &&
	culprit=$(git rev-parse $ref) &&
	git notes --ref $ref add -f -F .git/t/note "$commit" 2>.git/t/err &&
	found mirror-history && grep "^  ok  *mirror " .git/t/out &&
	seq=$(sed -n "1s/^0*\([0-9]*\) .*/\1/p" .git/t/note) &&
	grep "^  failed  *mirror-history .*commit $(echo "$culprit" | cut -c 1-12) of the mirror took out record $seq (applied b.sql)" .git/t/out &&
	test_expect_code 1 git migrate audit --offline >.git/t/out &&
	grep "^  failed  *mirror-history " .git/t/out
'

test_expect_success 'so is a whole note, and a change by a word; a line added by hand takes none out' '
	story removed && commit=$(git rev-parse HEAD~1) &&
	git notes --ref $ref append -m "looks good" "$commit" &&
	test_expect_code 1 git migrate audit >.git/t/out && grep "^  ok  *mirror-history " .git/t/out &&
	git notes --ref $ref show "$commit" >.git/t/note &&
	git notes --ref $ref remove "$commit" 2>.git/t/err &&
	git notes --ref $ref add -F .git/t/note "$commit" && found mirror-history &&
	story changed && commit=$(git rev-parse HEAD~1) &&
	git notes --ref $ref show "$commit" >.git/t/note && sed "s/ by=[^ ]*/ by=x/" .git/t/note >.git/t/other &&
	git notes --ref $ref add -f -F .git/t/other "$commit" 2>.git/t/err &&
	git notes --ref $ref add -f -F .git/t/note "$commit" 2>.git/t/err &&
	found mirror-history
'

test_expect_success 'a mirror that two clones wrote and git merged took nothing out; one that drops a side did' '
	story joined && base=$(git rev-parse $ref) &&
	new_migration d "CREATE TABLE d (x);" && git migrate apply >.git/t/out 2>&1 &&
	one=$(git rev-parse $ref) && commit=$(git rev-parse HEAD) &&
	git update-ref $ref "$base" && git migrate apply >.git/t/out 2>&1 &&
	new_migration e "CREATE TABLE e (x);" && git migrate apply >.git/t/out 2>&1 &&
	git update-ref refs/notes/origin/migrate/default "$one" &&
	git notes --ref $ref merge -q -s cat_sort_uniq "$one" && sound &&
	grep "^  ok  *mirror-history " .git/t/out &&
	new=$(git commit-tree -p $ref -p "$one" -m "Migrate-Head: none" "$base^{tree}") &&
	git update-ref refs/notes/origin/migrate/default "$new" && found mirror-history
'

# gone_through ALL BEFORE OPTION...: what audit says of the mirror's history
gone_through() {
	all=$1 && before=$2 && shift 2 &&
	git migrate audit "$@" >.git/t/out &&
	sed -n "s/^  ok  *mirror-history  *//p" .git/t/out >.git/t/actual &&
	if test "$before" = 0; then
		echo "$all commits of the mirror, none of which took a line out"
	else
		echo "$all commits of the mirror, none of which took a line out;" \
			"$before of them were gone through before (all: --full)"
	fi >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
}

test_expect_success 'what was in order before is gone through again with --full alone' '
	story known && file=.git/migrate/history/default &&
	gone_through 3 3 && gone_through 3 3 --offline && gone_through 3 0 --full && rm $file &&
	gone_through 3 0 && gone_through 3 3 &&
	new_migration d "CREATE TABLE d (x);" && git migrate apply >.git/t/out 2>&1 &&
	gone_through 4 3 && gone_through 4 4 &&
	commit=$(git rev-parse HEAD~1) && git notes --ref $ref show "$commit" >.git/t/note &&
	git notes --ref $ref remove "$commit" 2>.git/t/err && found mirror-history && found mirror-history &&
	git notes --ref $ref add -F .git/t/note "$commit" && found mirror-history &&
	# whoever may write here could have it look away; --full does not
	printf "6\n%s\n" "$(git rev-parse $ref)" >$file && gone_through 6 6 &&
	test_expect_code 1 git migrate audit --full >.git/t/out && grep "^  failed  *mirror-history " .git/t/out
'

test_expect_success 'a mirror that was written anew, and what is kept and makes no sense, go through all' '
	story anew && gone_through 3 3 &&
	new=$({ echo again && git log -1 --format=%B $ref; } | git commit-tree -p "$ref^" "$ref^{tree}") &&
	git update-ref $ref "$new" && gone_through 3 0 && gone_through 3 3 &&
	tip=$(git rev-parse $ref) &&
	for text in "" "x" "3" "3\nx\n" "3\n$tip" "3\n$tip\n$tip" "-3\n$tip\n" "9999999999999999\n$tip\n" \
		"3\n$(echo "$tip" | tr 0-9a-f 1-9a-f0)\n" "3\n$(echo "$tip" | tr a-f A-F)z\n"; do
		printf "%b" "$text" >.git/migrate/history/default && gone_through 3 0 || return 1
	done
'

test_expect_success 'a review, and a rehearsal, where settings ask for them' '
	story asked && since=$(git rev-parse HEAD) && sound && ! grep " asked " .git/t/out &&
	new_migration d "CREATE TABLE d (x);" "add d" "" "Reviewed-by: Somebody <some@example.com>" &&
	git config migrate.requireReview true && git migrate apply >.git/t/out 2>&1 &&
	found unreviewed && grep -c "^  failed  *unreviewed " .git/t/out >.git/t/count && test "$(cat .git/t/count)" = 3 &&
	grep "^  failed  *unreviewed .*migration .a.sql. was reviewed by nobody but its author" .git/t/out &&
	git config migrate.requireSince "$since" && sound && grep "^  ok  *asked .*1 applied" .git/t/out &&
	new_migration e "CREATE TABLE e (x);" && sound && git migrate apply >.git/t/out 2>&1 &&
	found unreviewed && grep "^  failed  *unreviewed .*e.sql" .git/t/out && ! grep " unreviewed .*a.sql" .git/t/out &&
	test_expect_code 1 git migrate audit --offline >.git/t/out && grep "^  failed  *unreviewed .*e.sql" .git/t/out &&
	git config --unset migrate.requireReview && git config migrate.requireRehearsal true &&
	git config migrate.requireSince HEAD~1 && found unrehearsed &&
	git notes --ref refs/notes/migrate-proof/rehearsals add \
		-m "rehearsed path=e.sql blob=$(git rev-parse HEAD:migrations/e.sql) result=passed" && sound &&
	git config migrate.requireSince nosuch &&
	test_expect_code 128 git migrate audit >.git/t/out 2>.git/t/err && grep "^error: migrate.requireSince: " .git/t/err
'

test_expect_success 'a signature' '
	story signed && ssh-keygen -q -t ed25519 -N "" -C "" -f .git/t/key &&
	printf "author@example.com %s\n" "$(cat .git/t/key.pub)" >.git/t/allowed &&
	git config gpg.format ssh && git config user.signingKey "$PWD/.git/t/key" &&
	git config gpg.ssh.allowedSignersFile "$PWD/.git/t/allowed" &&
	git config migrate.requireSince "$(git rev-parse HEAD)" && git config migrate.requireSigned true &&
	new_migration d "CREATE TABLE d (x);" && git commit -q --amend --no-edit -S &&
	git migrate apply >.git/t/out 2>&1 && sound && grep "^  ok  *asked .*1 applied" .git/t/out &&
	new_migration e "CREATE TABLE e (x);" && git migrate apply >.git/t/out 2>&1 &&
	found unsigned && grep "^  failed  *unsigned .*commit $(git rev-parse --short=12 HEAD), which brings migration .e.sql., is not signed" .git/t/out &&
	! grep " unsigned .*d.sql" .git/t/out
'

test_expect_success 'a fix that is not here yet, and one that says nothing of what failed' '
	story fixes &&
	new_migration d "CREATE TABLE d (x);" "mend b" "" "Fixes: b.sql" "Failure-Mode: wrong" &&
	sound && grep "^  warning  *unfixed .*b.sql.*d.sql" .git/t/out &&
	git migrate apply >.git/t/out 2>&1 && sound &&
	grep "^  ok  *unfixed " .git/t/out && grep "^  ok  *fixes  *1 fix," .git/t/out
'

test_done
