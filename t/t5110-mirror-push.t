#!/bin/sh

test_description='what a push may do to a mirror, with each refusal beside what is accepted'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

mirror=refs/notes/migrate/default

server() {
	git --git-dir="$SHARNESS_TRASH_DIRECTORY/server.git" "$@"
}

# accepted ARGUMENTS...: of git push
accepted() {
	git push -q origin "$@" 2>err || {
		cat err
		return 1
	}
}

# refused TEXT ARGUMENTS...: the server must say this of the mirror, and keep its refs
refused() {
	refused_text=$1
	shift
	server for-each-ref >before &&
	test_must_fail git push -q origin "$@" 2>err &&
	server for-each-ref >after &&
	test_cmp before after &&
	if ! grep -F "$refused_text" err >/dev/null; then
		cat err
		return 1
	fi &&
	grep "hint: " err >/dev/null
}

# notes_of COMMIT: of the mirror, as "<object> <line>"
notes_of() {
	git notes --ref=$mirror list | while read -r _ object; do
		git notes --ref=$mirror show "$object" | sed "/^\$/d; s/^/$object /"
	done
}

# notes_tree FILE: a tree without fanout of such lines
notes_tree() {
	rm -rf notes && mkdir notes &&
	while read -r object line; do
		printf '%s\n' "$line" >>"notes/$object"
	done <"$1" &&
	for note in notes/*; do
		printf '100644 blob %s\t%s\n' "$(git hash-object -w "$note")" "${note#notes/}"
	done | git mktree
}

# hash_of LINE
hash_of() {
	printf '%s\n' "$1" | sha256sum | cut -c 1-64
}

# last_line FILE: the record of the greatest number
last_line() {
	cut -d ' ' -f 2- "$1" | sort | tail -n 1
}

# next_line LINE [SED]: a record behind that one, a copy of it but for its number; of
# the last one that applied something where it is the end of a run
next_line() {
	case $1 in
	*" event=ran "*) next_body=$applied ;;
	*) next_body=$1 ;;
	esac &&
	printf '%010d prev=%s %s\n' "$((1$(printf '%s' "$1" | cut -c 1-10) - 10000000000 + 1))" \
		"$(hash_of "$1")" "$(printf '%s' "$next_body" | cut -d ' ' -f 3- | sed "${2-}")"
}

# points TREE HEAD-LINE [PARENT...]: moves the mirror to a commit of that tree which
# names the record as its head; "none" names none
points() {
	points_tree=$1 points_line=$2
	shift 2
	{
		printf 'migrate: by hand\n\n'
		test "$points_line" = none ||
		printf 'Migrate-Head: default %s %s\n' "$(printf '%s' "$points_line" | cut -c 1-10)" \
			"$(hash_of "$points_line")"
	} >message &&
	points_parents=$(printf ' -p %s' "$@") &&
	tick &&
	git update-ref $mirror "$(git commit-tree $points_parents -F message "$points_tree")"
}

# grows FILE HEAD-LINE: the mirror goes on from the server's to these lines
grows() {
	points "$(notes_tree "$1")" "$2" "$(server rev-parse $mirror)"
}

# back: to what the server has
back() {
	git update-ref $mirror "$(server rev-parse $mirror)"
}

test_expect_success 'setup: a server, and a clone that applies' '
	git init -q --bare -b main server.git &&
	git -C server.git migrate init >/dev/null 2>&1 &&
	git -C server.git config receive.denyNonFastForwards false &&
	git -C server.git config receive.denyDeletes false &&
	git clone -q server.git app 2>/dev/null && cd app && git checkout -q -B main &&
	mkdir .git/t && git config core.excludesFile "$PWD/.git/t/ignore" &&
	printf "%s\n" err before after message notes lines "*.db" out >.git/t/ignore &&
	git migrate init --no-hooks sqlite:app.db >/dev/null 2>&1 &&
	new_migration a "CREATE TABLE a (x int);" && git migrate apply >out 2>&1
'

test_expect_success 'a first push, with the branch and without: the latter is warned of' '
	accepted $mirror && grep "1 of its new records name commits that are not here" err &&
	server update-ref -d $mirror &&
	accepted main $mirror && test_must_be_empty err
'

test_expect_success 'a push of what comes behind' '
	new_migration b "CREATE TABLE b (x int);" && git migrate apply >out 2>&1 &&
	new_migration c "CREATE TABLE c (x int);" && git migrate apply >out 2>&1 &&
	accepted main $mirror && test_must_be_empty err && notes_of >lines &&
	last=$(last_line lines) &&
	applied=$(cut -d " " -f 2- lines | sort | grep " event=applied " | tail -n 1)
'

test_expect_success 'no push deletes, rewrites or renames it' '
	refused "a mirror cannot be deleted [mirror]" :$mirror &&
	refused "a mirror cannot be deleted [mirror]" :$mirror $mirror:refs/notes/migrate/other &&
	points "$(git rev-parse $mirror^{tree})" "$last" "$(git rev-parse $mirror~1)" &&
	refused "the mirror was rewritten [mirror]" --force $mirror && back
'

test_expect_success 'no ref takes the place of the folder that mirrors are in' '
	git init -q --bare -b main ../place.git && git -C ../place.git migrate init >out 2>&1 &&
	git config remote.place.url ../place.git && git config core.hooksPath .git/t/hooks &&
	for ref in refs/notes/migrate refs/notes
	do
		test_must_fail git push place HEAD:$ref 2>err &&
		grep "^remote: error: $ref: it would stand where the mirrors have their folder \[mirror\]" err &&
		grep "^remote: hint: Push it under another name.*git push <remote> :$ref" err &&
		echo "HEAD $(git rev-parse HEAD) $ref $(printf %040d 0)" >lines.in &&
		test_expect_code 1 git migrate hook pre-push place url <lines.in 2>err &&
		grep "^error: $ref: it would stand" err || return 1
	done &&
	test -z "$(git -C ../place.git for-each-ref)" && rm lines.in &&
	git -C ../place.git fetch -q "$PWD" HEAD:refs/notes/migrate &&
	test_must_fail git push place main $mirror 2>err && git push -q place :refs/notes/migrate &&
	git push -q place main $mirror HEAD:refs/notes/migrated HEAD:refs/notes/other/migrate &&
	git config --unset core.hooksPath
'

test_expect_success 'any fanout is the same' '
	grows lines "$last" && accepted $mirror && test_must_be_empty err &&
	deep=$(git ls-tree $mirror | while read -r mode type id name; do
		file=$(printf "%s blob %s\t%s\n" $mode $id "$(echo $name | cut -c 5-)" | git mktree) &&
		folder=$(printf "040000 tree %s\t%s\n" $file "$(echo $name | cut -c 3-4)" | git mktree) &&
		printf "040000 tree %s\t%s\n" $folder "$(echo $name | cut -c 1-2)"
	done | git mktree) &&
	points $deep "$last" $(server rev-parse $mirror) && accepted $mirror && test_must_be_empty err
'

# with ENTRY: the tree of the mirror with this one besides
with() {
	{
		git ls-tree "$(server rev-parse $mirror)" && printf '%b' "$1"
	} | git mktree
}

test_expect_success 'what is no note' '
	file=$(echo x | git hash-object -w --stdin) &&
	folder=$(printf "100644 blob %s\tx\n" $file | git mktree) &&
	object=$(git rev-parse main~1^{tree}) && note=$(git hash-object -w --stdin <<-EOF
	$last
	EOF
	) &&
	for entry in "100644 blob $file\tREADME\n" "040000 tree $folder\tlogs\n" \
		"040000 tree $folder\tff\n" "120000 blob $note\t$object\n" \
		"160000 commit $(git rev-parse main)\t$object\n" \
		"100644 blob $note\t$(echo $object | tr a-f A-F)\n" \
		"100644 blob $note\t${object}0\n"; do
		points $(with "$entry") "$last" $(server rev-parse $mirror) &&
		refused "in its tree is no note [mirror]" $mirror || return 1
	done &&
	points $(with "100644 blob $note\t$object\n") "$last" $(server rev-parse $mirror) &&
	accepted $mirror
'

test_expect_success 'a line is added and never taken out' '
	notes_of >all && sed "$ d" all >lines && grows lines "$last" &&
	refused "a record was taken out or changed [mirror]" $mirror &&
	sed "1 s/by=[^ ]*/by=x/" all >lines && grows lines "$last" &&
	refused "a record was taken out or changed [mirror]" $mirror &&
	{ cat all && sed -n "1 s/^[0-9a-f]*/$(git rev-parse main^{tree})/p" all; } >lines &&
	grows lines "$last" && accepted $mirror && notes_of | sort >now && sort lines | test_cmp - now
'

test_expect_success 'a record behind the last one' '
	notes_of >all && commit=$(git rev-parse main) &&
	new=$(next_line "$last" "s/event=applied/event=failed/") &&
	{ cat all && echo "$commit $new"; } >good &&
	for change in "s/^0000000008 /0000000010 /" "s/ prev=..../ prev=0000/" "s/ target=......../ target=00000000/" \
		"s/ v=1 / v=1  /" "s/^/x/" "s/event=failed/event=created/"; do
		bad=$(echo "$new" | sed "$change") &&
		test "$bad" != "$new" && { cat all && echo "$commit $bad"; } >lines &&
		grows lines "$bad" && refused " [mirror]" $mirror || return 1
	done &&
	sed "$ s/ .*/ looks good/" good >lines && grows lines "$last" && refused " [mirror]" $mirror &&
	grows good "$new" && accepted $mirror && last=$new
'

test_expect_success 'it stands on the commit that it names' '
	notes_of >all && new=$(next_line "$last") && tree=$(git rev-parse main^{tree}) &&
	{ cat all && echo "$tree $new"; } >lines && grows lines "$new" &&
	refused "record 9 does not stand on the commit that it names [mirror]" $mirror &&
	echo "$commit $new" >>lines && grows lines "$new" && accepted $mirror && last=$new
'

test_expect_success 'two records never continue the same one' '
	notes_of >all && one=$(next_line "$last") && two=$(next_line "$last" "s/ by=[^ ]*/ by=other/") &&
	{ cat all && echo "$commit $one" && echo "$commit $two"; } >lines && grows lines "$two" &&
	refused "two records continue the same one, record 9 [mirror]" $mirror &&
	old=$(cut -d" " -f2- all | grep "^0000000002 ") && fork=$(next_line "$old" "s/ by=[^ ]*/ by=other/") &&
	place=$(echo "$fork" | sed "s/.* commit=\([0-9a-f]*\) .*/\1/") &&
	{ cat all && echo "$place $fork"; } >lines && grows lines "$last" &&
	refused "two records continue the same one, record 2 [mirror]" $mirror &&
	grows lines "$fork" && refused " [mirror]" $mirror &&
	{ cat all && echo "$commit $one"; } >lines && grows lines "$one" && accepted $mirror && last=$one
'

test_expect_success 'the head is the last record' '
	notes_of >all && one=$(next_line "$last") && two=$(next_line "$one") &&
	{ cat all && echo "$commit $one" && echo "$commit $two"; } >lines &&
	grows lines "$one" &&
	refused "the head that it names is not the last record: record 12 continues it [mirror]" $mirror &&
	grows lines "$last" &&
	refused "the head that it names is not the last record: record 11 continues it [mirror]" $mirror &&
	grows lines "$(next_line "$two")" &&
	refused "the head that it names is none of its records [mirror]" $mirror &&
	grows lines "$two" && accepted $mirror && last=$two
'

test_expect_success 'the head does not go back, but for a merge by hand that names none' '
	notes_of >all && old=$(cut -d" " -f2- all | grep "^0000000008 ") &&
	grows all "$old" && refused " [mirror]" $mirror &&
	side=$(server rev-parse $mirror~1) && tip=$(server rev-parse $mirror) &&
	points $(git rev-parse $tip^{tree}) none $side $tip && accepted $mirror &&
	new=$(next_line "$last") && { cat all && echo "$commit $new"; } >lines &&
	grows lines "$new" && accepted $mirror && last=$new
'

test_expect_success 'another log does not take its place' '
	notes_of >all && first=$(cut -d" " -f2- all | grep "^0000000001 ") &&
	begin=$(echo "$first" | sed "s/ target=......../ target=00000000/") &&
	head=$(echo "$first" | sed "s/.* head=\([0-9a-f]*\) .*/\1/") &&
	{ cat all && echo "$head $begin"; } >lines && grows lines "$begin" &&
	refused "record 1, its head, does not follow from the one before [mirror]" $mirror &&
	again=$(echo "$first" | sed "s/ by=[^ ]*/ by=x/") &&
	{ cat all && echo "$head $again"; } >lines && grows lines "$last" &&
	refused "two records begin the log of target" $mirror &&
	old="old=$(printf %s "$last" | cut -c 1-10):$(hash_of "$last")" &&
	{ cat all && echo "$head $begin $old"; } >lines && grows lines "$begin $old" && accepted $mirror
'

test_expect_success 'path and bytes are those of the history' '
	cd .. && git clone -q server.git paths 2>/dev/null && cd paths && git checkout -q main &&
	git config core.excludesFile "$SHARNESS_TRASH_DIRECTORY/app/.git/t/ignore" &&
	git migrate init --no-hooks sqlite:paths.db >/dev/null 2>&1 && git migrate apply >out 2>&1 &&
	mirror=refs/notes/migrate/paths && git update-ref $mirror refs/notes/migrate/default &&
	notes_of >all && { sed "s/^[0-9a-f]* //" all | sort; } >records &&
	commit=$(git rev-parse main) && grep -v " event=ran " all | sed "s/^[0-9a-f]* //" | sort |
		tail -n 1 >tail && last=$(cat tail) && grep -v " event=ran " all >some && mv some all &&
	brings=$(git rev-parse main~1) &&
	for change in "s/ path=c.sql/ path=d.sql/" "s/ commit=[0-9a-f]*/ commit=$brings/" "s/ blob=[0-9a-f]*/ blob=$(git rev-parse main:migrations/a.sql)/"; do
		before=$(sed -n "\$!p" records | tail -n 1) &&
		bad=$(echo "$last" | sed "$change") && test "$bad" != "$last" &&
		grep -v -F "$last" all >lines &&
		echo "$(echo "$bad" | sed "s/.* commit=\([0-9a-f]*\) .*/\1/") $bad" >>lines &&
		tree=$(notes_tree lines) && hash=$(hash_of "$bad") &&
		printf "migrate: x\n\nMigrate-Head: paths %s %s\n" "$(echo "$bad" | cut -c 1-10)" $hash >message &&
		git update-ref $mirror $(git commit-tree -F message $tree) &&
		test_must_fail git push -q origin $mirror 2>err && grep -E "record 4 (has|says that a commit brings .c.sql. which has no) .*\[mirror\]" err || return 1
	done &&
	tree=$(notes_tree all) &&
	printf "migrate: x\n\nMigrate-Head: paths %s %s\n" "$(echo "$last" | cut -c 1-10)" $(hash_of "$last") >message &&
	git update-ref $mirror $(git commit-tree -F message $tree) && accepted $mirror && test_must_be_empty err
'

# --- as the tool writes them ----------------------------------------------------

# stage NAME: a server of its own, and a clone with a database of which a copy was
# kept after the first of two migrations
stage() {
	cd "$SHARNESS_TRASH_DIRECTORY" && mirror=refs/notes/migrate/default &&
	git init -q --bare -b main "$1.git" && git -C "$1.git" migrate init >/dev/null 2>&1 &&
	git clone -q "$1.git" "$1" 2>/dev/null && cd "$1" && git checkout -q -B main &&
	git config core.excludesFile "$SHARNESS_TRASH_DIRECTORY/app/.git/t/ignore" &&
	git migrate init --no-hooks sqlite:app.db >/dev/null 2>&1 &&
	new_migration a "CREATE TABLE a (x int);" && git migrate apply >out 2>&1 && cp app.db saved.db &&
	new_migration b "CREATE TABLE b (x int);" && git migrate apply >out 2>&1 &&
	accepted main $mirror && test_must_be_empty err
}

test_expect_success 'a restored database goes on, and one that begins over' '
	stage restored && cp saved.db app.db &&
	git migrate target restored default --reason "disk failure" >out && git migrate apply >out 2>&1 &&
	accepted $mirror && test_must_be_empty err &&
	rm app.db && git migrate target restored default --reason "all is lost" >out &&
	git migrate apply >out 2>&1 && accepted $mirror && test_must_be_empty err &&
	new_migration c "CREATE TABLE c (x int);" && git migrate apply >out 2>&1 &&
	accepted main $mirror && test_must_be_empty err &&
	notes_of | cut -d" " -f4- | grep -o "event=[a-z]*" | sort | uniq -c >out &&
	grep "1 event=restored" out && grep "2 event=created" out
'

test_expect_success 'two clones that wrote to one database' '
	stage two && git clone -q . ../two-second 2>/dev/null && (
		cd ../two-second && git remote set-url origin ../two.git &&
		git config core.excludesFile "$SHARNESS_TRASH_DIRECTORY/app/.git/t/ignore" &&
		git migrate init --no-hooks "sqlite:$SHARNESS_TRASH_DIRECTORY/two/app.db" >/dev/null 2>&1 &&
		new_migration c "CREATE TABLE c (x int);" && git migrate apply >out 2>&1 && git push -q origin main
	) &&
	git pull -q --rebase origin main && new_migration d "CREATE TABLE d (x int);" &&
	git migrate apply >out 2>&1 && accepted main $mirror && test_must_be_empty err &&
	cd ../two-second && test_must_fail git push -q origin $mirror 2>err && git fetch -q &&
	git pull -q --rebase origin main && git migrate apply >out 2>&1 &&
	test 2 = $(git rev-list -1 --parents $mirror | cut -d" " -f2- | wc -w) &&
	accepted $mirror && test_must_be_empty err
'

test_expect_success 'a merge by git notes, and what comes behind it' '
	stage merged && git clone -q . ../merged-second 2>/dev/null &&
	git fetch -q . $mirror:refs/notes/migrate/side && object=$(git rev-parse main~1^{tree}) &&
	git notes --ref=$mirror copy main~1 $object && git notes --ref=refs/notes/migrate/side copy main "$object" &&
	git notes --ref=$mirror merge -q --strategy=cat_sort_uniq refs/notes/migrate/side &&
	accepted $mirror && test_must_be_empty err && new_migration c "CREATE TABLE c (x int);" &&
	git migrate apply >out 2>&1 && accepted main $mirror && test_must_be_empty err
'

test_expect_success 'of several mirrors in one push each is judged' '
	stage several && git update-ref refs/notes/migrate/staging $mirror~1 &&
	points "$(notes_of >lines && notes_tree lines)" "$(last_line lines)" $mirror~1 &&
	git update-ref refs/notes/migrate/staging $mirror && git update-ref $mirror HEAD &&
	test_must_fail git push -q --force origin $mirror refs/notes/migrate/staging 2>err &&
	grep "refs/notes/migrate/default: the mirror was rewritten" err &&
	grep "refs/notes/migrate/staging: its commits name no head\|staging: the head" err &&
	test 2 = "$(grep -c "^remote: error: " err)" &&
	test_must_fail git -C ../several.git rev-parse -q --verify refs/notes/migrate/staging
'

test_expect_success 'a line that is no record: where it was added it can be taken back' '
	cd "$SHARNESS_TRASH_DIRECTORY" && rm -rf server.git && git init -q --bare -b main server.git &&
	git -C server.git migrate init >/dev/null 2>&1 &&
	git clone -q server.git remarks 2>/dev/null && cd remarks && git checkout -q -B main &&
	mkdir .git/t && git migrate init "sqlite:$PWD/.git/t/app.db" >/dev/null 2>&1 &&
	new_migration a "CREATE TABLE a (x int);" && git migrate apply >out 2>&1 &&
	git push -q origin main && accepted $mirror &&
	git notes --ref=$mirror append -m "a remark" HEAD &&
	refused "record: does not begin with a number of 10 digits [mirror]" $mirror &&
	grep "^hint: The notes of a mirror hold records alone. .*git update-ref -d $mirror.*git migrate sync" err &&
	new_migration remark "SELECT 1;" && git migrate apply >out 2>&1 &&
	test_must_fail git migrate sync >out 2>err && grep "hint: The notes of a mirror hold records alone" err &&
	git update-ref -d $mirror && git migrate sync >out 2>err &&
	has_line out "default: pushed to origin" && ! notes_of | grep "a remark"
'

test_expect_success 'one that stands there already refuses nothing that is added' '
	git notes --ref=$mirror append -m "an old remark" HEAD && git -C ../server.git fetch -q "$PWD" $mirror:$mirror &&
	new_migration after "SELECT 1;" && git migrate apply >out 2>&1 &&
	accepted main $mirror && notes_of | grep "an old remark" >out &&
	git notes --ref=$mirror append -m "a new one" HEAD &&
	refused "record: does not begin with a number of 10 digits [mirror]" $mirror && back
'

test_done
