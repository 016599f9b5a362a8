#!/bin/sh

test_description='the plan cache: used, shared, broken, and never wrong'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

cache=.git/migrate/plan

# add NAME...: each in a commit of its own.
add() {
	for add_name in "$@"; do
		new_migration "$add_name" "CREATE TABLE $add_name (x);" || return 1
	done
}

# other N: N commits without a migration
other() {
	for other_n in $(seq "$1"); do
		commit_file "other" "$other_n of $(git rev-parse HEAD)" || return 1
	done
}

# plans [REV]: the plan in both forms, at most 20 seconds for each
plans() {
	timeout 20 git migrate plan --porcelain "$@" &&
	timeout 20 git migrate plan --json "$@"
}

# agrees [REV]: with the cache as it is, again, and without: one and the same plan.
agrees() {
	git -c migrate.cache=false -c core.commitGraph=false migrate plan --porcelain "$@" \
		>.git/t/true &&
	git -c migrate.cache=false -c core.commitGraph=false migrate plan --json "$@" \
		>>.git/t/true &&
	plans "$@" >.git/t/first &&
	test_cmp .git/t/true .git/t/first &&
	plans "$@" >.git/t/second &&
	test_cmp .git/t/true .git/t/second &&
	git migrate plan --verify "$@" >.git/t/out
}

# order_is NAME...: the plan of HEAD
order_is() {
	printf "%s.sql\n" "$@" >.git/t/expect &&
	git migrate plan --porcelain | cut -d" " -f5- >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
}

test_path_is_missing() {
	test ! -e "$1" && test ! -h "$1"
}

# --- bytes ------------------------------------------------------------------------

# bytes HEX: as bytes
bytes() {
	printf %b "$(echo "$1" | sed "s/../& /g" | awk '{
		for (i = 1; i <= NF; i++)
			printf "\\0%03o", 16 * digit($i, 1) + digit($i, 2)
	}
	function digit(s, at) {
		return index("0123456789abcdef", substr(tolower(s), at, 1)) - 1
	}')"
}

# put FILE OFFSET HEX: writes bytes into the middle of a file
put() {
	chmod u+w "$1" &&
	bytes "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# get FILE OFFSET LEN: bytes of a file as hex
get() {
	od -An -v -tx1 -j "$2" -N "$3" "$1" | tr -d " \n"
}

# flip FILE OFFSET: one bit
flip() {
	flip_old=$(get "$1" "$2" 1) &&
	put "$1" "$2" "$(printf "%02x" $((0x$flip_old ^ 1)))"
}

# seal FILE: its checksum is right again, whatever it holds
seal() {
	{
		head -n 1 "$1" &&
		tail -n +3 "$1" | sha256sum | cut -c1-64 &&
		tail -n +3 "$1"
	} >"$1.sealed" &&
	mv "$1.sealed" "$1"
}

graph=.git/objects/info/commit-graph

# seal_graph: so is the one of the commit-graph
seal_graph() {
	head -c -20 $graph >.git/t/graph &&
	graph_sum=$(sha1sum <.git/t/graph | cut -c1-40) &&
	bytes "$graph_sum" >>.git/t/graph &&
	cp .git/t/graph $graph
}

# chunk NAME: where one of the commit-graph begins
chunk() {
	chunk_id=$(printf "%s" "$1" | od -An -tx1 | tr -d " \n")
	chunk_at=8
	while test "$(get $graph $chunk_at 4)" != "$chunk_id"; do
		chunk_at=$((chunk_at + 12))
		test $chunk_at -lt 200 || return 1
	done
	echo $((0x$(get $graph $((chunk_at + 8)) 4)))
}

# entry REV: where its 36 bytes in the commit-graph begin: tree, parent, parent, ...
entry() {
	entry_id=$(git rev-parse "$1") &&
	entry_n=$(git rev-list --all | LC_ALL=C sort | grep -n "$entry_id" | cut -d: -f1) &&
	echo $(($(chunk CDAT) + 36 * (entry_n - 1)))
}

test_expect_success 'the tools' '
	printf "abc\ndef\n\001\002\377\n" >file &&
	test 0102ff0a = $(get file 8 4) &&
	put file 9 00fe &&
	test 0100fe0a = $(get file 8 4) &&
	flip file 8 &&
	test 0000fe0a = $(get file 8 4)
'

# --- made, used, thrown away --------------------------------------------------------

test_expect_success 'made by the first command, for the user alone to delete' '
	fresh made &&
	add b a &&
	other 3 &&
	test_path_is_missing .git/migrate &&
	agrees &&
	ls .git/migrate >.git/t/actual &&
	printf "config\ndescriptions\nplan\n" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	head -n 1 $cache | cut -d" " -f1,3- >.git/t/actual &&
	echo "git-migrate plan 2 migrations" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	tail -n +3 $cache | sha256sum | cut -c1-64 >.git/t/expect &&
	sed -n 2p $cache >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	git status --porcelain --ignored >.git/t/out &&
	test_must_be_empty .git/t/out
'

test_expect_success 'used: what is not there any more is not asked for' '
	cp -R ../made ../used &&
	cd ../used &&
	plans >.git/t/expect &&
	root=$(git rev-parse HEAD~4) &&
	first=$(git rev-parse HEAD~3) &&
	rm -f .git/objects/$(echo $root | sed "s|^..|&/|") &&
	plans >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	rm -r .git/migrate &&
	test_must_fail git migrate plan 2>.git/t/err &&
	grep "^error: object $root is missing" .git/t/err
'

test_expect_success 'migrate.cache=false neither reads nor writes' '
	cd ../made &&
	rm -r .git/migrate &&
	git -c migrate.cache=false migrate plan >.git/t/out &&
	test_path_is_missing .git/migrate &&
	git migrate plan >.git/t/out &&
	echo garbage >$cache &&
	git config migrate.cache false &&
	git migrate plan >.git/t/actual &&
	test_cmp .git/t/out .git/t/actual &&
	echo garbage >.git/t/expect &&
	test_cmp .git/t/expect $cache &&
	git config --unset migrate.cache &&
	git migrate plan >.git/t/actual &&
	test_cmp .git/t/out .git/t/actual &&
	test_must_fail cmp -s .git/t/expect $cache
'

test_expect_success 'not written again when nothing is new' '
	touch -d "2001-01-01" .git/migrate/* &&
	plans >.git/t/out && git migrate plan --verify >.git/t/out &&
	find .git/migrate -type f -newermt 2002-01-01 >.git/t/actual &&
	test_must_be_empty .git/t/actual
'

test_expect_success 'extended by new commits' '
	for n in 1 2 3; do
		add m$n && other $n && agrees || return 1
	done &&
	order_is b a m1 m2 m3 &&
	git checkout -q -b side HEAD~4 &&
	add s2 s1 &&
	git checkout -q main &&
	tick && git merge -q --no-ff side &&
	agrees && agrees HEAD^2 && agrees HEAD^1 &&
	order_is b a m1 m2 m3 s2 s1
'

test_expect_success 'after gc, after repack, with commit-graphs of every kind' '
	agrees &&
	git gc -q && agrees &&
	git repack -adq && agrees &&
	for options in "" "--changed-paths" "--split" "--split --changed-paths" \
		"--split=no-merge --changed-paths" "--split=replace"; do
		add "n$(echo "$options" | tr -dc a-z)" && other 2 &&
		agrees &&
		git commit-graph write --reachable $options 2>/dev/null &&
		agrees &&
		rm -r .git/migrate &&
		agrees || return 1
	done &&
	add last && agrees &&
	git -c core.commitGraph=false migrate plan --porcelain >.git/t/expect &&
	git migrate plan --porcelain >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'switching between branches keeps both; one file serves them' '
	git branch tip &&
	git checkout -q -b feature HEAD~5 &&
	add f1 f2 &&
	for n in 1 2 3; do
		agrees feature && agrees tip && agrees side || return 1
	done &&
	cp $cache .git/t/cache &&
	for rev in feature tip side; do
		git migrate plan $rev >.git/t/out || return 1
	done &&
	test_cmp .git/t/cache $cache
'

test_expect_success 'removed, and brought again, warm and cold' '
	fresh again &&
	add a b c && agrees &&
	git rm -q migrations/a.sql && git commit -q -m "without a" && agrees &&
	order_is b c &&
	add d && agrees &&
	add a && agrees && order_is b c d a &&
	git rm -q migrations/b.sql && git commit -q -m "without b" &&
	git checkout -q -b side HEAD^ && add s && agrees &&
	git checkout -q main && tick && git merge -q --no-ff side && agrees &&
	order_is c d a s &&
	add b && agrees && order_is c d a s b &&
	for rev in HEAD HEAD~1 HEAD~2 HEAD~3 HEAD~4 HEAD~5; do
		agrees $rev || return 1
	done &&
	git revert --no-edit HEAD >.git/t/out && agrees && order_is c d a s
'

test_expect_success 'history rewritten: amend, rebase, all of it' '
	fresh rewritten &&
	add a b c && agrees &&
	tick && git commit -q --amend -m "c, amended" && agrees &&
	git checkout -q -b side HEAD~2 && add s1 s2 && agrees &&
	git rebase -q main 2>/dev/null && agrees && order_is a b c s1 s2 &&
	git rebase -q --onto main~1 main 2>/dev/null && agrees && order_is a b s1 s2 &&
	git filter-branch -f --msg-filter "cat; echo more" -- --all >.git/t/out 2>&1 &&
	agrees && agrees main &&
	git filter-branch -f --index-filter "git rm -q --cached --ignore-unmatch migrations/b.sql" \
		-- --all >.git/t/out 2>&1 &&
	agrees && agrees main && order_is a s1 s2 &&
	git reflog expire --expire=now --all && git for-each-ref --format="delete %(refname)" refs/original |
		git update-ref --stdin && git gc -q --prune=now &&
	agrees && agrees main
'

test_expect_success 'every setting of migrate.path has its own' '
	fresh paths &&
	commit_file migrations/m.sql "SELECT 1;" &&
	commit_file db/a/d.sql "SELECT 2;" &&
	agrees && order_is m &&
	git config migrate.path db/a && agrees && order_is d &&
	git config migrate.path db && agrees && order_is a/d &&
	git config migrate.path nothing && agrees &&
	git config --unset migrate.path && agrees && order_is m &&
	ls .git/migrate | sed "s/-[0-9a-f]\{16\}\$/-HASH/" >.git/t/actual &&
	printf "%s\n" config descriptions plan plan-HASH plan-HASH >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	file=$(ls .git/migrate/plan-* | head -n 1) &&
	cp "$file" $cache && agrees && order_is m
'

test_expect_success 'worktrees share it, of the main one and of a bare repository' '
	fresh shared &&
	add a b &&
	git worktree add -q -b linked ../shared-linked &&
	(cd ../shared-linked && add l && git migrate plan --porcelain >out &&
		test_path_is_missing "$(git rev-parse --git-dir)/migrate") &&
	test -f $cache &&
	cp $cache .git/t/cache &&
	git migrate plan --porcelain linked >.git/t/actual &&
	test_cmp ../shared-linked/out .git/t/actual &&
	test_cmp .git/t/cache $cache &&
	git clone -q --bare . ../shared.git &&
	git --git-dir=../shared.git migrate plan --porcelain linked >.git/t/actual &&
	test_cmp ../shared-linked/out .git/t/actual &&
	test -f ../shared.git/migrate/plan
'

# --- what stands in its place ---------------------------------------------------------

test_expect_success 'setup: a repository to break' '
	fresh broken &&
	add b a && other 2 &&
	git checkout -q -b side && add s && git checkout -q main && add c &&
	tick && git merge -q --no-ff side && other 1 &&
	agrees &&
	cp -R .git/migrate .git/t/good &&
	plans >.git/t/expect
'

# still_right: the plan is right, at once, and nothing is said
still_right() {
	plans >.git/t/actual 2>.git/t/err &&
	test_cmp .git/t/expect .git/t/actual &&
	test_must_be_empty .git/t/err &&
	timeout 20 git migrate plan --verify >.git/t/out
}

restore() {
	rm -rf .git/migrate &&
	cp -R .git/t/good .git/migrate
}

test_expect_success 'cut short, empty, with more behind it' '
	for file in plan descriptions; do
		size=$(wc -c <.git/t/good/$file) &&
		for len in 0 1 20 $((size / 3)) $((size / 2)) $((size - 21)) $((size - 1)); do
			restore && head -c $len .git/t/good/$file >.git/migrate/$file &&
			still_right || return 1
		done &&
		restore && echo >>.git/migrate/$file && still_right &&
		cmp .git/migrate/plan .git/t/good/plan || return 1
	done
'

test_expect_success 'one bit flipped, anywhere' '
	for file in plan descriptions; do
		size=$(wc -c <.git/t/good/$file) &&
		for at in $(seq 0 $((size / 12)) $((size - 1))); do
			restore && flip .git/migrate/$file $at &&
			git migrate plan --json >.git/t/actual &&
			sed -n "/^{/,\$p" .git/t/expect >.git/t/json &&
			test_cmp .git/t/json .git/t/actual || return 1
		done
	done
'

test_expect_success 'another version, another format, garbage' '
	for change in "1s/git-migrate [^ ]*/git-migrate 99.0/" "1s/plan 1/plan 99/" \
		"1s/migrations\$/other/" "1s/plan/descriptions/" "2s/^./x/" "1,2d"; do
		restore &&
		LC_ALL=C sed "$change" .git/t/good/plan >$cache &&
		LC_ALL=C sed "$change" .git/t/good/descriptions >.git/migrate/descriptions &&
		still_right || return 1
	done &&
	restore && cp .git/t/good/plan .git/migrate/descriptions &&
	cp .git/t/good/descriptions $cache && still_right &&
	head -c 100000 "$(command -v git)" >$cache && still_right &&
	seq 100000 >$cache && still_right
'

test_expect_success 'a folder, a link, a pipe, a device in its place' '
	for file in plan descriptions; do
		restore && rm .git/migrate/$file && mkdir -p .git/migrate/$file/x && still_right &&
		restore && ln -sf plan .git/migrate/$file && still_right &&
		restore && ln -sf ../nowhere .git/migrate/$file && still_right &&
		test_path_is_missing .git/nowhere &&
		restore && ln -sf /dev/zero .git/migrate/$file && still_right &&
		restore && rm .git/migrate/$file && mkfifo .git/migrate/$file && still_right || return 1
	done &&
	rm -rf .git/migrate && echo "a file" >.git/migrate && still_right &&
	rm .git/migrate && ln -s nowhere .git/migrate && still_right &&
	rm .git/migrate && mkfifo .git/migrate && still_right &&
	rm .git/migrate && mkdir .git/other && ln -s other .git/migrate && still_right &&
	cmp .git/t/good/plan .git/other/plan &&
	rm .git/migrate && rm -r .git/other
'

test_expect_success 'nothing is left over beside it' '
	rm -rf .git/migrate && still_right &&
	mkdir .git/t/full && rm $cache && mkdir $cache && add more && git migrate plan >.git/t/out &&
	ls .git/migrate >.git/t/actual &&
	printf "config\ndescriptions\nplan\n" >.git/t/list &&
	test_cmp .git/t/list .git/t/actual &&
	git reset -q --hard HEAD^ && restore
'

# As somebody who may not do everything: root may, so another user it is.
unprivileged() {
	if test "$(id -u)" = 0; then
		setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
	else
		"$@"
	fi
}
if test "$(id -u)" != 0 ||
	unprivileged test -x "$top_builddir/git-migrate" -a -r "$HOME/.gitconfig" 2>/dev/null; then
	test_set_prereq UNPRIVILEGED
fi

test_expect_success UNPRIVILEGED 'a file that cannot be read, a folder that cannot be written' '
	git config --global --add safe.directory "*" &&
	test_when_finished "git config --global --unset-all safe.directory; restore" &&
	restore && chmod 0 $cache .git/migrate/descriptions &&
	test_must_fail unprivileged cat $cache 2>/dev/null &&
	unprivileged git migrate plan --porcelain >.git/t/actual &&
	unprivileged git migrate plan --json >>.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	rm -rf .git/migrate && mkdir .git/migrate && chmod 555 .git/migrate &&
	unprivileged git migrate plan --porcelain >.git/t/actual 2>.git/t/err &&
	unprivileged git migrate plan --json >>.git/t/actual 2>>.git/t/err &&
	test_cmp .git/t/expect .git/t/actual &&
	test_must_be_empty .git/t/err &&
	ls .git/migrate >.git/t/out && test_must_be_empty .git/t/out &&
	rmdir .git/migrate && chmod 555 .git &&
	unprivileged git migrate plan --porcelain >.git/t/actual 2>.git/t/err &&
	unprivileged git migrate plan --verify >.git/t/out &&
	chmod 755 .git && test_path_is_missing .git/migrate &&
	test_must_be_empty .git/t/err
'

test_expect_success 'many at once, cold and growing' '
	for round in 1 2 3; do
		rm -rf .git/migrate &&
		for n in 1 2 3 4 5 6; do
			git migrate plan --json >.git/t/out.$n 2>&1 &
		done
		wait
		git migrate plan --json >.git/t/actual || return 1
		for n in 1 2 3 4 5 6; do
			test_cmp .git/t/actual .git/t/out.$n || return 1
		done
		agrees && add r$round || return 1
	done &&
	ls .git/migrate >.git/t/actual &&
	test_cmp .git/t/list .git/t/actual &&
	git reset -q --hard HEAD~3
'

# --- made wrong, with a right checksum -----------------------------------------------

# verify_finds WHAT: --verify refuses, names it and the way out, which helps
verify_finds() {
	test_expect_code 1 git migrate plan --verify >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/out &&
	grep "^error: the cache is wrong: $1" .git/t/err &&
	grep "^hint: Take it away, it is made again: find .$PWD/.git/migrate. -maxdepth" .git/t/err &&
	mkdir -p .git/migrate/seen && eval "$(sed -n "s/^hint: .*: \(find .*delete\)\..*/\1/p" .git/t/err)" &&
	test seen = "$(ls .git/migrate)" && rmdir .git/migrate/seen &&
	git migrate plan --verify >.git/t/out &&
	restore
}

# Changes the bytes of a cache file with sed, and seals it anew.
forge() {
	restore &&
	{ head -n 2 .git/t/good/$1 && tail -n +3 .git/t/good/$1 | LC_ALL=C sed "$2"; } >.git/migrate/$1 &&
	seal .git/migrate/$1 &&
	! cmp -s .git/migrate/$1 .git/t/good/$1
}

test_expect_success 'sealed again, unchanged, it is as good as before' '
	restore && seal $cache && cmp $cache .git/t/good/plan &&
	seal .git/migrate/descriptions && cmp .git/migrate/descriptions .git/t/good/descriptions
'

test_expect_success '--verify finds two paths that changed places' '
	forge plan "s/a\.sql/X.sql/; s/b\.sql/a.sql/; s/X\.sql/b.sql/" &&
	verify_finds "the path of migration 1, .b.sql., is another one"
'

test_expect_success '--verify finds a subject, an author, a trailer that is not there' '
	forge descriptions "s/add c/add d/" &&
	git migrate plan >.git/t/actual && grep "add d" .git/t/actual &&
	verify_finds "the subject or author of migration 3, .c.sql., is another one" &&
	forge descriptions "s/A U Thor/A N Body/" &&
	verify_finds "the subject or author of migration 1, .b.sql., is another one"
'

test_expect_success 'a path that no tree has: the plan is worked out anew' '
	forge plan "s/a\.sql/q.sql/" &&
	still_right
'

test_expect_success 'any byte changed and sealed: it ends, and --verify tells wrong from right' '
	git migrate plan --json >.git/t/json &&
	for file in plan descriptions; do
		head -n 2 .git/t/good/$file >.git/t/head &&
		from=$(wc -c <.git/t/head) && size=$(wc -c <.git/t/good/$file) &&
		for at in $(seq $from ${FLIP_STEP:-23} $((size - 1))); do
			restore && flip .git/migrate/$file $at && seal .git/migrate/$file &&
			code=0 &&
			{ timeout 20 git migrate plan --json >.git/t/actual 2>.git/t/err || code=$?; } &&
			restore && flip .git/migrate/$file $at && seal .git/migrate/$file &&
			verified=0 &&
			{ timeout 20 git migrate plan --verify >.git/t/out 2>.git/t/err || verified=$?; } &&
			case $code,$verified in
			0,0) test_cmp .git/t/json .git/t/actual ;;
			*,1) grep "^error: the cache is wrong: " .git/t/err ;;
			*) echo "byte $at of $file: plan $code, verify $verified" && false ;;
			esac || return 1
		done
	done
'

# --- a commit-graph that lies -----------------------------------------------------------

test_expect_success 'setup: commits between, and a commit-graph that has them' '
	fresh graph &&
	add a && other 4 && add b && other 4 && add c && other 4 && add d && other 2 &&
	git commit-graph write --reachable --changed-paths 2>/dev/null &&
	cp $graph .git/t/good.graph &&
	git migrate plan --json >.git/t/expect &&
	rm -r .git/migrate &&
	cp $graph .git/t/before && seal_graph && cmp .git/t/before $graph
'

# poisoned OFFSET HEX: the plan is right all the same, or --verify tells, and does
# not once git has written the graph again
poisoned() {
	chmod u+w $graph && cp .git/t/good.graph $graph && rm -rf .git/migrate &&
	put $graph $1 $2 && seal_graph &&
	code=0 verified=0 &&
	{ timeout 20 git migrate plan --json >.git/t/actual 2>.git/t/err || code=$?; } &&
	{ timeout 20 git migrate plan --verify >.git/t/out 2>.git/t/err || verified=$?; } &&
	echo "poisoned $1 $2: plan $code, verify $verified" &&
	if cmp -s .git/t/expect .git/t/actual; then
		test $code = 0 && test $verified = 0
	else
		test $verified = 1 &&
		grep "^error: the cache is wrong: " .git/t/err &&
		grep "^hint: .*git commit-graph verify" .git/t/err &&
		chmod u+w $graph && cp .git/t/good.graph $graph && rm -r .git/migrate &&
		git migrate plan --verify >.git/t/out
	fi &&
	chmod u+w $graph && cp .git/t/good.graph $graph
}

# rank REV: its position there, as 8 hex digits
rank() {
	rank_at=$(($(entry "$1") - $(chunk CDAT))) &&
	printf "%08x" $((rank_at / 36))
}

test_expect_success 'a parent that is another commit' '
	for rev in HEAD HEAD~1 HEAD~2 HEAD~3 HEAD~5 HEAD~9 HEAD~12; do
		for to in HEAD~17 HEAD~14 HEAD~8 HEAD~4 HEAD~1; do
			test $rev = $to ||
			poisoned $(($(entry $rev) + 20)) $(rank $to) || return 1
		done
	done
'

test_expect_success 'a parent of its own, a ring of two: it ends' '
	poisoned $(($(entry HEAD~2) + 20)) $(rank HEAD~2) &&
	poisoned $(($(entry HEAD~4) + 20)) $(rank HEAD~1) &&
	poisoned $(($(entry HEAD~3) + 20)) $(rank HEAD)
'

test_expect_success 'no parent, a position that there is not, an edge list that there is not' '
	for value in 70000000 6fffffff 00000099 80000000 ffffffff; do
		for rev in HEAD HEAD~2 HEAD~4 HEAD~7; do
			poisoned $(($(entry $rev) + 20)) $value || return 1
		done
	done
'

test_expect_success 'the tree of another commit, or none' '
	for rev in HEAD HEAD~2 HEAD~4 HEAD~7; do
		poisoned $(entry $rev) $(git rev-parse HEAD~8^{tree}) &&
		poisoned $(entry $rev) $(git rev-parse HEAD~2^{tree}) &&
		poisoned $(entry $rev) 0123456789012345678901234567890123456789 &&
		poisoned $(entry $rev) $(git rev-parse HEAD:other) || return 1
	done
'

test_expect_success 'Bloom filters of zeros, and lengths that lie' '
	at=$(chunk BDAT) && end=$(($(wc -c <$graph) - 20)) &&
	poisoned $((at + 12)) $(printf "%0$((2 * (end - at - 12)))d" 0) &&
	at=$(chunk BIDX) &&
	poisoned $at 00000000000000000000000000000000 &&
	poisoned $at ffffffffffffffffffffffffffffffff
'

test_expect_success 'a fan-out and a list of names that lie' '
	at=$(chunk OIDF) &&
	poisoned $at 00000012 &&
	at=$(chunk OIDL) &&
	poisoned $((at + 20)) 0123456789012345678901234567890123456789
'

# --- in hooks, and where history is not whole ---------------------------------------------

test_expect_success 'a push: refused it leaves no trace, landed it is served' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main server.git &&
	git -C server.git migrate init >/dev/null 2>&1 &&
	git clone -q server.git pusher 2>/dev/null &&
	cd pusher && mkdir .git/t && git checkout -q -B main &&
	add b a &&
	git push -q origin main &&
	test_path_is_missing ../server.git/migrate/plan &&
	git -C ../server.git migrate plan --porcelain >.git/t/actual &&
	git migrate plan --porcelain >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	cp -R ../server.git/migrate .git/t/kept &&
	add c && commit_file migrations/a.sql "SELECT 1;" &&
	test_must_fail git push -q origin main 2>.git/t/err &&
	grep "was edited after it landed" .git/t/err &&
	diff -r .git/t/kept ../server.git/migrate &&
	git -C ../server.git migrate plan --porcelain >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	git reset -q --hard HEAD^ &&
	git push -q origin main &&
	diff -r .git/t/kept ../server.git/migrate &&
	git -C ../server.git migrate plan --json >.git/t/actual &&
	git -c migrate.cache=false migrate plan --json >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git -C ../server.git migrate plan --verify >.git/t/out &&
	add d && test_must_fail git push -q origin HEAD:main HEAD^:main 2>/dev/null &&
	git push -q origin main &&
	git -C ../server.git migrate plan --porcelain | cut -d" " -f5 >.git/t/actual &&
	printf "%s.sql\n" b a c d >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a push: what had landed is kept, though the push is refused' '
	cd "$SHARNESS_TRASH_DIRECTORY/pusher" &&
	rm -r ../server.git/migrate &&
	add e && commit_file migrations/a.sql "SELECT 2;" &&
	test_must_fail git push -q origin main 2>.git/t/err &&
	grep "was edited after it landed" .git/t/err &&
	grep -q "d.sql" ../server.git/migrate/plan &&
	! grep -q "e.sql" ../server.git/migrate/plan &&
	(
		cd ../server.git && GIT_TRACE_MIGRATE=$PWD/../trace &&
		export GIT_TRACE_MIGRATE &&
		git migrate plan --porcelain >/dev/null &&
		grep "commits=[0-3] .* blobs=0 " ../trace
	) &&
	git reset -q --hard HEAD^ && git push -q origin main
'

test_expect_success 'settings of the tree are read by git once for each version of them' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo shares && cd shares && mkdir .git/t &&
	commit_file db/a.sql "CREATE TABLE a (x int);" &&
	git config -f .gitmigrate migrate.path db && git add -A &&
	git commit -q -m "share the folder" &&
	for round in 1 2 3; do
		GIT_TRACE_MIGRATE=$PWD/.git/t/trace.$round git migrate plan --porcelain |
			cut -d" " -f5 >.git/t/out.$round || return 1
	done &&
	grep "children=2" .git/t/trace.1 && grep "children=0" .git/t/trace.2 &&
	echo a.sql >.git/t/expect && test_cmp .git/t/expect .git/t/out.2 &&
	git config -f .gitmigrate migrate.path other && git add -A &&
	git commit -q -m "another folder" &&
	git migrate plan --porcelain >.git/t/out && test_must_be_empty .git/t/out &&
	git migrate plan --porcelain HEAD^ | cut -d" " -f5 >.git/t/out &&
	test_cmp .git/t/expect .git/t/out
'

test_expect_success 'what cannot be fetched now is no reason to forget the rest' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo whole && (
		cd whole && git config uploadpack.allowFilter true &&
		git config uploadpack.allowAnySHA1InWant true &&
		new_migration one "CREATE TABLE one (x int);"
	) &&
	git clone -q --no-checkout --filter=blob:none "file://$PWD/whole" part &&
	(cd part && git migrate plan --porcelain >/dev/null) &&
	cp part/.git/migrate/plan kept && (
		cd whole && echo "SELECT 2;" >migrations/two.sql &&
		echo "SELECT 3;" >migrations/three.sql &&
		git add -A && git commit -q -m "two at once"
	) &&
	git -C part fetch -q && mv whole away && (
		cd part && test_expect_code 128 git migrate plan origin/main 2>../err
	) &&
	grep "^error: " err && test_cmp kept part/.git/migrate/plan &&
	mv away whole &&
	(cd part && git migrate plan --porcelain origin/main >../out) &&
	test 3 = "$(wc -l <out)"
'

test_expect_success 'a shallow clone: neither written nor read; deeper, it is right' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git clone -q --depth 2 "file://$PWD/broken" shallow &&
	cd shallow && mkdir .git/t &&
	git migrate plan >.git/t/out 2>&1 &&
	test_path_is_missing .git/migrate &&
	cp -R ../broken/.git/migrate .git/migrate &&
	echo garbage >$cache &&
	git migrate plan >.git/t/actual 2>&1 &&
	test_cmp .git/t/out .git/t/actual &&
	grep "git fetch --unshallow" .git/t/actual &&
	echo garbage >.git/t/expect && test_cmp .git/t/expect $cache &&
	git fetch -q --deepen 1 && git migrate plan >.git/t/out 2>&1 &&
	test_cmp .git/t/expect $cache &&
	git fetch -q --unshallow &&
	agrees && git migrate plan --porcelain >.git/t/actual &&
	git -C ../broken migrate plan --porcelain >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	test_must_fail grep garbage $cache
'

test_expect_success 'whole, then made shallow: what was known then is not told' '
	git fetch -q --depth 2 &&
	git rev-parse --is-shallow-repository | grep true &&
	git migrate plan >.git/t/actual 2>&1 &&
	grep "git fetch --unshallow" .git/t/actual &&
	git fetch -q --unshallow && agrees
'

# --- counts ---------------------------------------------------------------------------

test_expect_success 'setup: everything applied, everything known' '
	fresh counts &&
	git migrate init "sqlite:$PWD/.git/app.db" >.git/t/out 2>&1 &&
	add b a && new_migration c "CREATE TABLE c (x);" "mend a" "" "Fixes: a.sql" "Failure-Mode: x" &&
	git migrate apply >.git/t/out 2>&1 &&
	for command in "status --porcelain" "apply --porcelain" "plan --porcelain" "plan --json" "plan"; do
		git migrate $command || return 1
	done >.git/t/expect 2>&1
'

run_all() {
	for command in "status --porcelain" "apply --porcelain" "plan --porcelain" "plan --json" "plan"; do
		git migrate $command || return 1
	done
}

test_expect_success 'blobs of applied migrations are not read: they need not be there' '
	git gc -q && mv .git/objects/pack/*.pack .git/t/pack && rm -f .git/objects/pack/* &&
	git unpack-objects -q <.git/t/pack &&
	for name in a b c; do
		blob=$(git rev-parse HEAD:migrations/$name.sql) &&
		rm -f .git/objects/$(echo $blob | sed "s|^..|&/|") &&
		test_must_fail git cat-file -e $blob 2>/dev/null || return 1
	done &&
	run_all >.git/t/actual 2>&1 &&
	test_cmp .git/t/expect .git/t/actual &&
	mv .git/migrate .git/t/warm &&
	test_must_fail git migrate plan --json >.git/t/out 2>.git/t/err &&
	grep "^error: migration .b.sql.: object [0-9a-f]* is missing" .git/t/err &&
	git unpack-objects -q <.git/t/pack
'

test_expect_success 'no object is written' '
	rm -rf .git/migrate && mv .git/t/warm .git/migrate &&
	find .git -type f ! -path ".git/t/*" ! -name moving | LC_ALL=C sort >.git/t/before &&
	run_all >.git/t/actual 2>&1 &&
	test_cmp .git/t/expect .git/t/actual &&
	find .git -type f ! -path ".git/t/*" ! -name moving | LC_ALL=C sort >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	rm -r .git/migrate && run_all >.git/t/actual 2>&1 &&
	test_cmp .git/t/expect .git/t/actual &&
	find .git -type f ! -path ".git/t/*" ! -name moving | LC_ALL=C sort >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'at most two processes are started' '
	mkdir .git/t/bin &&
	cat >.git/t/bin/git <<-END &&
	#!/bin/sh
	echo "git \$*" >>"$PWD/.git/t/calls"
	exec "$(command -v git)" "\$@"
	END
	chmod +x .git/t/bin/git &&
	for command in "status --porcelain" "status" "apply --porcelain" "apply" "plan --porcelain" \
		"plan --json" "plan" "plan --graph"; do
		: >.git/t/calls &&
		rm -f .git/migrate/config &&
		PATH="$PWD/.git/t/bin:$PATH" "$top_builddir/git-migrate" $command >.git/t/out 2>&1 &&
		test 1 -le $(wc -l <.git/t/calls) &&
		test 2 -ge $(wc -l <.git/t/calls) || {
			echo "$command:" && cat .git/t/calls
			return 1
		}
	done
'

test_done
