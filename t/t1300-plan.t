#!/bin/sh

test_description='plan: its forms, --since, and --merge against what git really makes'

. "$(dirname "$0")/lib.sh"

zero=0000000000000000000000000000000000000000

# add NAME...: each in a commit of its own, unlike any other file.
add() {
	for add_name in "$@"; do
		new_migration "$add_name" "$(seq -f "CREATE TABLE ${add_name}_%g (x);" 9)" ||
			return 1
	done
}

state() {
	git for-each-ref &&
	git symbolic-ref -q HEAD
	git ls-files -s --debug &&
	git status --porcelain --ignored &&
	find .git -type f ! -path ".git/t/*" ! -path ".git/migrate/*" | LC_ALL=C sort
}

# said CODE ERR COMMAND...: exit status, standard output (.git/t/expect) and
# messages, whole; and nothing but the cache is written.
said() {
	said_code=$1
	shift
	state >.git/t/before &&
	test_expect_code "$said_code" "$@" >.git/t/actual 2>.git/t/err &&
	test_cmp .git/t/expect .git/t/actual &&
	test_cmp .git/t/expect-err .git/t/err &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after
}

# line N NAME [REV [ARRIVAL [BRINGS]]]: what --porcelain prints of a migration.
line() {
	line_at=$(git rev-parse "${4:-${3:-HEAD}}") &&
	line_by=$(git rev-parse "${5:-${3:-HEAD}}") &&
	echo "$1 $(git rev-parse "${3:-HEAD}:migrations/$2.sql") $line_by $line_at $2.sql"
}

# short REV: as tables show it
short() {
	git rev-parse "$1" | cut -c1-8
}

# --- the forms ------------------------------------------------------------------

test_expect_success 'setup' '
	fresh forms &&
	add a b &&
	git tag old &&
	new_migration c "SELECT 1;" "mend a" "" "Fixes: a.sql" "Failure-Mode: too short" &&
	new_migration d "SELECT 2;" "for b" "" "Supersedes: b.sql" &&
	add e &&
	new_migration f "SELECT 3;" "mend c" "" "Fixes: c.sql" "Failure-Mode: too long"
'

test_expect_success 'the table' '
	cat >.git/t/expect <<-END &&
	1  a.sql  $(short HEAD~5)  add a
	2  b.sql  $(short HEAD~4)  add b
	3  c.sql  $(short HEAD~3)  fixes a.sql
	4  d.sql  $(short HEAD~2)  supersedes b.sql
	5  e.sql  $(short HEAD~1)  add e
	6  f.sql  $(short HEAD)  fixes c.sql
	END
	: >.git/t/expect-err &&
	said 0 git migrate plan &&
	said 0 git migrate plan HEAD &&
	said 0 git migrate plan main
'

test_expect_success '--porcelain, --since' '
	{ line 3 c HEAD~3 && line 4 d HEAD~2 && line 5 e HEAD~1 && line 6 f HEAD; } >.git/t/expect &&
	: >.git/t/expect-err &&
	said 0 git migrate plan --porcelain --since old &&
	said 0 git migrate plan --since old --porcelain main &&
	said 0 git migrate plan --since=HEAD~4 --porcelain &&
	sed -n 1p .git/t/expect >.git/t/one && mv .git/t/one .git/t/expect &&
	said 0 git migrate plan --porcelain --since old HEAD~3 &&
	: >.git/t/expect &&
	said 0 git migrate plan --porcelain --since HEAD &&
	said 0 git migrate plan --since HEAD HEAD
'

test_expect_success '--since a commit that is no beginning: why, and exit 1' '
	cat >.git/t/expect-err <<-END &&
	error: the branch would go back to a commit that lacks '\''f.sql'\'' [forced]
	END
	: >.git/t/expect &&
	test_expect_code 1 git migrate plan --since HEAD --porcelain HEAD^ >.git/t/actual 2>.git/t/err &&
	test_cmp .git/t/expect .git/t/actual &&
	grep "^error: " .git/t/err >.git/t/errors &&
	test_cmp .git/t/expect-err .git/t/errors &&
	test_expect_code 1 git migrate plan --since HEAD --json HEAD^ >.git/t/actual 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	grep "\"rule\": \"forced\"" .git/t/actual &&
	grep "\"migrations\": \[\]" .git/t/actual
'

test_expect_success '--graph draws what points back at what' '
	cat >.git/t/expect <<-END &&
	*    1  a.sql  $(short HEAD~5)  add a
	|
	END
	git migrate plan --graph >.git/t/actual 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	sed "s/.*\([1-6]\)  \(.\.sql\)  [0-9a-f]*  /\1 \2 /" .git/t/actual >.git/t/texts &&
	cat >.git/t/expect <<-END &&
	1 a.sql add a
	2 b.sql add b
	3 c.sql fixes 1
	4 d.sql supersedes 2
	5 e.sql add e
	6 f.sql fixes 3
	END
	test_cmp .git/t/expect .git/t/texts &&
	cut -d1 -f1 .git/t/actual | head -n 1 >.git/t/margin &&
	grep "^[*]" .git/t/margin
'

test_expect_success '--graph --since draws between those that are shown' '
	cat >.git/t/expect <<-END &&
	*    3  c.sql  $(short HEAD~3)  fixes 1
	END
	git migrate plan --graph --since old >.git/t/actual &&
	sed "s/.*\([1-6]\)  \(.\.sql\)  [0-9a-f]*  /\1 \2 /" .git/t/actual >.git/t/texts &&
	cat >.git/t/expect <<-END &&
	3 c.sql fixes 1
	4 d.sql supersedes 2
	5 e.sql add e
	6 f.sql fixes 3
	END
	test_cmp .git/t/expect .git/t/texts
'

test_expect_success '--json has the same entries' '
	git migrate plan --porcelain --since old >.git/t/expect &&
	git migrate plan --json --since old >.git/t/json 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	sed -n "s/.*\"\(position\|blob\|commit\|arrival\|path\)\": \"\{0,1\}\([^\",]*\).*/\1 \2/p" \
		.git/t/json | sed 1d >.git/t/fields &&
	awk "{ v[\$1] = \$2 }
		\$1 == \"arrival\" { print v[\"position\"], v[\"blob\"], v[\"commit\"], \$2, v[\"path\"] }" \
		.git/t/fields >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	grep -c "\"findings\": \[\]" .git/t/json
'

# wrong MESSAGE ARGUMENT...: refused as wrong usage
wrong() {
	wrong_message=$1
	shift
	test_expect_code 129 git migrate plan "$@" >.git/t/actual 2>.git/t/err &&
	test_must_be_empty .git/t/actual &&
	has_line .git/t/err "error: $wrong_message"
}

test_expect_success 'what does not go together' '
	wrong "--porcelain and --json cannot be used together" --porcelain --json &&
	wrong "--graph cannot be used with --porcelain" --graph --porcelain &&
	wrong "--graph cannot be used with --json" --json --graph &&
	for o in --porcelain --json --graph --since=HEAD --merge=HEAD; do
		wrong "--verify stands alone" --verify $o || return 1
	done &&
	wrong "option '\''--merge'\'' wants a value" --merge &&
	wrong "option '\''--since'\'' wants a value" --since &&
	wrong "'\''b'\'' is one argument too many" a b &&
	test_expect_code 129 git migrate plan --nothing 2>.git/t/err &&
	test_expect_code 129 git migrate plan --porcelain=yes 2>.git/t/err &&
	git migrate plan --verify HEAD >.git/t/actual &&
	echo "commit $(short HEAD): 6 migrations, and what is cached agrees with the history" \
		>.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'revisions that name no commit' '
	: >.git/t/expect &&
	git tag tree HEAD^{tree} &&
	for rev in nowhere tree HEAD:migrations/a.sql HEAD~99 "" ; do
		cat >.git/t/expect-err <<-END &&
		error: revision '\''$rev'\'' names no commit
		hint: "git branch -a" and "git tag" list what has a name; a branch of a remote goes by <remote>/<branch>.
		END
		said 128 git migrate plan "$rev" &&
		said 128 git migrate plan --since "$rev" &&
		said 128 git migrate plan --merge "$rev" &&
		said 128 git migrate plan --verify "$rev" || return 1
	done &&
	git tag -d tree
'

test_expect_success 'no commit yet' '
	fresh unborn &&
	: >.git/t/expect &&
	cat >.git/t/expect-err <<-\END &&
	error: there is no commit yet
	hint: Write a migration with "git migrate new <name>", and commit it.
	END
	for o in --porcelain --json --graph --verify --since=HEAD --merge=HEAD; do
		said 128 git migrate plan $o || return 1
	done &&
	add a &&
	git checkout -q --orphan other &&
	git rm -rqf . &&
	said 128 git migrate plan &&
	said 128 git migrate plan --merge main &&
	line 1 a main >.git/t/expect &&
	: >.git/t/expect-err &&
	said 0 git migrate plan --porcelain main
'

# --- --merge, and then the merge ------------------------------------------------

# foretells BRANCH [CODE]: --merge says (with exit status CODE) what the plan is
# after the merge that is made then; .git/t/err keeps its messages.
foretells() {
	state >.git/t/before &&
	test_expect_code "${2:-0}" git migrate plan --merge "$1" --porcelain \
		>.git/t/told 2>.git/t/err &&
	test_expect_code "${2:-0}" git migrate plan --merge "$1" --json >.git/t/json &&
	state >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	tick &&
	git merge -q --no-ff --allow-unrelated-histories -X no-renames "$1" >.git/t/out &&
	sed "s/ $zero / $(git rev-parse HEAD) /" .git/t/told >.git/t/expect &&
	{ git migrate plan --porcelain >.git/t/actual 2>/dev/null || test "$2" = 1; } &&
	test_cmp .git/t/expect .git/t/actual
}

# order_is NAME...: the plan of HEAD
order_is() {
	printf "%s.sql\n" "$@" >.git/t/expect &&
	git migrate plan --porcelain | cut -d" " -f5- >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
}

test_expect_success 'merge: nothing to merge' '
	fresh nothing &&
	add a b &&
	git branch side HEAD^ &&
	{ line 1 a HEAD^ && line 2 b; } >.git/t/expect &&
	: >.git/t/expect-err &&
	said 0 git migrate plan --merge side --porcelain &&
	said 0 git migrate plan --merge HEAD --porcelain &&
	said 0 git migrate plan --porcelain
'

test_expect_success 'merge: a fast-forward, merged with --no-ff' '
	fresh forward &&
	add b &&
	git checkout -q -b side &&
	add c a &&
	git checkout -q main &&
	{ line 1 b && line 2 c side^ && line 3 a side; } |
		sed "/[ac].sql\$/s/ [0-9a-f]* \(..sql\)\$/ $zero \1/" >.git/t/expect &&
	: >.git/t/expect-err &&
	said 0 git migrate plan --merge side --porcelain &&
	foretells side &&
	test_must_be_empty .git/t/err &&
	order_is b c a
'

test_expect_success 'merge: a branch that merged this one: git would fast-forward, a foxtrot' '
	fresh foxtrot &&
	add m &&
	git checkout -q -b side && add s &&
	git checkout -q -b plain && commit_file README text &&
	git checkout -q main && add n && git branch was &&
	git checkout -q side && tick && git merge -q main &&
	git checkout -q main &&
	foretells side &&
	cat >.git/t/expect-err <<-\END &&
	warning: git would fast-forward here, and reorder what has landed [foxtrot]
	hint: Make a merge commit: git merge --no-ff.
	END
	test_cmp .git/t/expect-err .git/t/err &&
	order_is m n s &&
	git reset -q --hard was && git merge -q side && order_is m s n &&
	test_expect_code 1 git migrate check was..main 2>.git/t/err &&
	grep "\[foxtrot\]" .git/t/err &&
	git reset -q --hard was && foretells plain && test_must_be_empty .git/t/err
'

test_expect_success 'merge: both sides new; the table marks what arrives' '
	fresh both &&
	add m &&
	git checkout -q -b side &&
	add z b &&
	git checkout -q main &&
	add n &&
	cat >.git/t/expect <<-END &&
	   1  m.sql  $(short HEAD^)  add m
	   2  n.sql  $(short HEAD)  add n
	+  3  z.sql  $(short side^)  add z
	+  4  b.sql  $(short side)  add b
	END
	: >.git/t/expect-err &&
	said 0 git migrate plan --merge side &&
	sed 1d .git/t/expect >.git/t/rest && mv .git/t/rest .git/t/expect &&
	said 0 git migrate plan --merge side --since HEAD^ &&
	: >.git/t/expect &&
	said 0 git migrate plan --merge side --since side --porcelain HEAD~1 &&
	foretells side &&
	order_is m n z b
'

test_expect_success 'merge: into another commit than HEAD' '
	git reset -q --hard HEAD^ &&
	git migrate plan --merge side --porcelain main >.git/t/told &&
	git checkout -q --detach side &&
	git migrate plan --merge side --porcelain main >.git/t/actual &&
	test_cmp .git/t/told .git/t/actual &&
	git migrate plan --merge main --porcelain >.git/t/told &&
	foretells main &&
	order_is m z b n
'

test_expect_success 'merge: the sides of an octopus one by one, and then at once' '
	fresh octopus &&
	add m &&
	for side in c a b; do
		git checkout -q -b $side main &&
		add ${side}2 ${side}1 || return 1
	done &&
	git checkout -q -b one main &&
	foretells c && foretells a && foretells b &&
	git migrate plan --porcelain | cut -d" " -f1,2,3,5 >.git/t/one &&
	git checkout -q main &&
	git merge -q --no-ff -m all c a b >.git/t/out &&
	git migrate plan --porcelain | cut -d" " -f1,2,3,5 >.git/t/actual &&
	test_cmp .git/t/one .git/t/actual &&
	git checkout -q -b later HEAD^ &&
	add z &&
	foretells main &&
	order_is m z c2 c1 a2 a1 b2 b1
'

test_expect_success 'merge: criss-cross, two merge bases' '
	fresh criss &&
	add m &&
	git checkout -q -b side &&
	add s1 &&
	git checkout -q main &&
	add n1 &&
	git branch was &&
	foretells side &&
	git checkout -q side &&
	foretells was &&
	add s2 &&
	git checkout -q main &&
	add n2 &&
	git merge-base --all main side >.git/t/bases &&
	test 2 = $(wc -l <.git/t/bases) &&
	foretells side &&
	order_is m n1 s1 n2 s2
'

test_expect_success 'merge: criss-cross, a file of both bases edited on the way' '
	fresh criss-edit &&
	add m e &&
	git checkout -q -b side &&
	commit_file other text &&
	git branch side1 &&
	git checkout -q main &&
	commit_file migrations/e.sql "SELECT 2;" &&
	git branch main1 &&
	git merge -q --no-edit side1 &&
	git checkout -q side &&
	git merge -q --no-edit main1 &&
	commit_file migrations/e.sql "SELECT 3;" &&
	git checkout -q main &&
	add n &&
	foretells side 1 &&
	git rev-parse HEAD:migrations/e.sql >.git/t/actual &&
	git rev-parse side:migrations/e.sql >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git checkout -q -B main HEAD^ &&
	git checkout -q side &&
	foretells main &&
	git rev-parse HEAD:migrations/e.sql >.git/t/actual &&
	git rev-parse side^:migrations/e.sql >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'merge: criss-cross, put back on one side as an older base had it' '
	fresh criss-back &&
	add m e &&
	git checkout -q -b side &&
	commit_file other text &&
	git branch side1 &&
	git checkout -q main &&
	commit_file migrations/e.sql "SELECT 2;" &&
	git branch main1 &&
	git merge -q --no-edit side1 &&
	git checkout -q side &&
	git merge -q --no-edit main1 &&
	git checkout -q main~2 -- migrations/e.sql &&
	git commit -q -m "as it was" &&
	add s &&
	git checkout -q main &&
	add n &&
	git checkout -q -b forth main &&
	foretells side 1 &&
	git checkout -q side &&
	foretells main
'

test_expect_success 'merge: criss-cross, taken out in one base, brought again on one side' '
	fresh criss-delete &&
	add m e &&
	git checkout -q -b side &&
	commit_file other text &&
	git branch side1 &&
	git checkout -q main &&
	git rm -q migrations/e.sql && tick && git commit -q -m "without e" &&
	git branch main1 &&
	tick && git merge -q --no-edit side1 &&
	git checkout -q side &&
	tick && git merge -q --no-edit main1 &&
	add s &&
	git checkout -q main &&
	tick && git checkout -q main~2 -- migrations/e.sql && git commit -q -m "with e" &&
	test 2 = $(git merge-base --all main side | wc -l) &&
	git checkout -q -b forth &&
	foretells side &&
	test_must_be_empty .git/t/err &&
	order_is m e s &&
	git checkout -q side &&
	foretells main &&
	order_is m s e
'

test_expect_success 'merge: an edit there of a file that is here: refused, as a server would' '
	fresh edited &&
	add a b &&
	git checkout -q -b side &&
	commit_file migrations/a.sql "SELECT 1;" &&
	git checkout -q main &&
	cat >.git/t/expect-err <<-END &&
	error: migration '\''a.sql'\'' was edited after it landed [edited]
	detail: It landed as blob $(git rev-parse HEAD:migrations/a.sql | cut -c1-12); now it is $(git rev-parse side:migrations/a.sql | cut -c1-12).
	hint: Restore it (git checkout $(git rev-parse HEAD | cut -c1-12) -- migrations/a.sql) and add a migration with the trailer "Fixes: a.sql".
	END
	foretells side 1 &&
	test_cmp .git/t/expect-err .git/t/err &&
	git reset -q --hard HEAD^ &&
	git checkout -q -b other &&
	commit_file README text &&
	foretells main &&
	git checkout -q side &&
	foretells other &&
	test_must_be_empty .git/t/err
'

test_expect_success 'merge: a mode changed there' '
	fresh mode &&
	add a &&
	git checkout -q -b side &&
	git update-index --chmod=+x migrations/a.sql &&
	git commit -q -m "executable" &&
	git checkout -q -f main &&
	add b &&
	foretells side 1 &&
	grep "^error: the mode of migration .a.sql. was changed after it landed \[mode\]" .git/t/err
'

test_expect_success 'merge: deleted there' '
	fresh deleted &&
	add a b &&
	git checkout -q -b side &&
	git rm -q migrations/a.sql &&
	git commit -q -m "without a" &&
	git checkout -q main &&
	add c &&
	foretells side 1 &&
	sed 2d .git/t/err >.git/t/actual &&
	grep "^error: " .git/t/err >.git/t/actual &&
	echo "error: migration '\''a.sql'\'' was deleted after it landed [deleted]" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	order_is b c
'

test_expect_success 'merge: deleted here and edited there is a clash, with git too' '
	fresh delete-edit &&
	add a b &&
	git checkout -q -b side &&
	commit_file migrations/a.sql "SELECT 1;" &&
	git checkout -q main &&
	git rm -q migrations/a.sql &&
	git commit -q -m "without a" &&
	git checkout -q -b kept side~1 &&
	add k &&
	git checkout -q main &&
	{
		line 1 b HEAD~1 &&
		echo "2 $(git rev-parse side:migrations/a.sql) $(git rev-parse HEAD~2) $zero a.sql"
	} >.git/t/expect &&
	cat >.git/t/expect-err <<-\END &&
	error: this branch deletes '\''a.sql'\'', which the other one edits [clash]
	hint: Rename or drop one of them on its branch before it is merged; the one that a database has run must stay as it is.
	END
	said 1 git migrate plan --merge side --porcelain &&
	test_must_fail git merge -q -X no-renames side >.git/t/out &&
	git merge --abort &&
	foretells kept &&
	test_must_be_empty .git/t/err &&
	order_is b k &&
	git reset -q --hard HEAD^ &&
	git checkout -q side &&
	{
		line 1 a HEAD HEAD~2 HEAD~2 &&
		line 2 b HEAD~1
	} >.git/t/expect &&
	cat >.git/t/expect-err <<-\END &&
	error: the other branch deletes '\''a.sql'\'', which this one edits [clash]
	hint: Rename or drop one of them on its branch before it is merged; the one that a database has run must stay as it is.
	END
	said 1 git migrate plan --merge main --porcelain &&
	git checkout -q main && commit_file migrations/b.sql "SELECT 2;" && git checkout -q side &&
	test_expect_code 1 git migrate plan --merge main >.git/t/out 2>.git/t/err &&
	grep "^error: the other branch deletes .a.sql.*clash" .git/t/err &&
	grep "^error: migration .b.sql. was edited after it landed" .git/t/err
'

test_expect_success 'merge: one path brought by both, with one content and with two' '
	fresh same &&
	add a &&
	git checkout -q -b side &&
	add x same &&
	git checkout -q -b clash &&
	commit_file migrations/y.sql "SELECT 1;" &&
	git checkout -q main &&
	add same y &&
	cat >.git/t/expect <<-END &&
	   1  a.sql     $(short HEAD~2)  add a
	   2  same.sql  $(short HEAD^)  add same
	   3  y.sql     $(short HEAD)  add y
	+  4  x.sql     $(short side^)  add x
	END
	cat >.git/t/expect-err <<-END &&
	error: both branches bring '\''y.sql'\'', with different contents [clash]
	detail: Here it is blob $(git rev-parse HEAD:migrations/y.sql | cut -c1-12), there $(git rev-parse clash:migrations/y.sql | cut -c1-12).
	hint: Rename or drop one of them on its branch before it is merged; the one that a database has run must stay as it is.
	END
	said 1 git migrate plan --merge clash &&
	test_must_fail git merge -q clash >.git/t/out &&
	git merge --abort &&
	git migrate plan --merge clash --json >.git/t/json
	test 1 = $(grep -c "\"rule\": \"clash\"" .git/t/json) &&
	: >.git/t/expect-err &&
	said 0 git migrate plan --merge side &&
	foretells side &&
	order_is a same y x
'

test_expect_success 'merge: unrelated histories' '
	fresh unrelated &&
	add b &&
	git checkout -q --orphan other &&
	git rm -rqf . &&
	add a c &&
	git checkout -q main &&
	foretells other &&
	test_must_be_empty .git/t/err &&
	order_is b a c
'

test_expect_success 'merge: unrelated histories that bring one path' '
	git checkout -q --orphan third &&
	git rm -rqf . &&
	commit_file migrations/b.sql "SELECT 1;" &&
	git checkout -q main &&
	test_expect_code 1 git migrate plan --merge third --porcelain >.git/t/actual 2>.git/t/err &&
	has_line .git/t/err "error: both branches bring '\''b.sql'\'', with different contents [clash]" &&
	git migrate plan --porcelain >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'merge: a forbidden name there' '
	fresh names &&
	add a &&
	git checkout -q -b side &&
	commit_file "migrations/a b.sql" "SELECT 1;" &&
	git checkout -q -b mended &&
	git mv "migrations/a b.sql" migrations/ab.sql &&
	git commit -q -m "a name that will do" &&
	git checkout -q main &&
	foretells side 1 &&
	has_line .git/t/err "error: file '\''migrations/a b.sql'\'' cannot be a migration: only letters, digits, '\''.'\'', '\''_'\'' and '\''-'\'' can stand in a name [name]" &&
	git reset -q --hard HEAD^ &&
	foretells mended &&
	order_is a ab
'

test_expect_success 'merge: a forbidden name here that the other branch takes away' '
	fresh names-here &&
	add a &&
	commit_file "migrations/a b.sql" "SELECT 1;" &&
	git checkout -q -b side &&
	git rm -q "migrations/a b.sql" &&
	git commit -q -m "without" &&
	git checkout -q main &&
	commit_file README text &&
	foretells side &&
	test_must_be_empty .git/t/err
'

test_expect_success 'merge: equal under case folding' '
	fresh folding &&
	add a &&
	git checkout -q -b side &&
	add B &&
	git checkout -q main &&
	foretells side &&
	git reset -q --hard HEAD^ &&
	add b &&
	foretells side 1 &&
	grep "^error: " .git/t/err >.git/t/actual &&
	echo "error: migrations '\''b.sql'\'' and '\''B.sql'\'' differ in case alone [case]" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'merge: a Fixes that resolves, and one that no longer does' '
	fresh fixes &&
	add a &&
	git checkout -q -b side &&
	add b &&
	new_migration f "SELECT 1;" "mend b" "" "Fixes: b.sql" "Failure-Mode: x" &&
	git checkout -q main &&
	git branch early &&
	foretells side &&
	test_must_be_empty .git/t/err &&
	git reset -q --hard early &&
	git checkout -q -b broken side &&
	git mv migrations/b.sql migrations/c.sql &&
	git commit -q -m "b is c" &&
	git checkout -q main &&
	add z &&
	foretells broken 1 &&
	grep "^error: " .git/t/err >.git/t/actual &&
	cat >.git/t/expect <<-\END &&
	error: "Fixes: b.sql" of migration '\''f.sql'\'' names no migration of the plan [unresolved]
	END
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'merge: a bare name that is unique there, and not after the merge' '
	fresh bare-name &&
	add a &&
	git checkout -q -b side &&
	commit_file migrations/x/n.sql "SELECT 1;" &&
	new_migration f "SELECT 1;" "mend n" "" "Fixes: n.sql" "Failure-Mode: x" &&
	git checkout -q main &&
	git migrate plan --merge side >.git/t/out &&
	commit_file migrations/y/n.sql "SELECT 2;" &&
	foretells side 1 &&
	grep "^error: .Fixes: n.sql. of migration .f.sql. .*" .git/t/err
'

test_expect_success 'merge: one table on both sides is a warning; not before they parted' '
	fresh overlap &&
	new_migration a "CREATE TABLE t (x);" &&
	git checkout -q -b side &&
	new_migration b "ALTER TABLE t ADD y;" &&
	new_migration u "CREATE TABLE u (x);" &&
	git checkout -q main &&
	git migrate plan --merge side >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	printf "CREATE TABLE v (x);\nDROP TABLE t;\n" >migrations/c.sql &&
	git add migrations && tick && git commit -q -m "drop t" &&
	cat >.git/t/expect <<-END &&
	   1  a.sql  $(short HEAD^)  add a
	   2  c.sql  $(short HEAD)  drop t
	+  3  b.sql  $(short side^)  add b
	+  4  u.sql  $(short side)  add u
	END
	cat >.git/t/expect-err <<-\END &&
	warning: '\''b.sql'\'' alters table '\''t'\'' (line 1), and here '\''c.sql'\'' drops it (line 2) [overlap]
	hint: Neither was written with the other in place. After the merge '\''b.sql'\'' runs second: try it on a database that has run the other.
	END
	said 0 git migrate plan --merge side &&
	git migrate plan --merge side --json >.git/t/json 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	grep "\"rule\": \"overlap\"" .git/t/json &&
	foretells side &&
	git migrate plan --merge side >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err
'

test_expect_success 'merge: the folder of migrations is a file on one side' '
	fresh folder &&
	commit_file README text &&
	git checkout -q -b side &&
	commit_file migrations "a file" &&
	git checkout -q main &&
	git branch empty &&
	foretells side 1 &&
	grep "^error: .migrations. cannot hold migrations: it is a file" .git/t/err
'

test_expect_success 'merge: a setting that decides over what landed' '
	fresh settings &&
	add a &&
	git checkout -q -b side &&
	printf "[migrate]\n\tpath = db\n" >.gitmigrate &&
	git add .gitmigrate && tick && git commit -q -m "another folder" &&
	git checkout -q main &&
	line 1 a >.git/t/expect &&
	cat >.git/t/expect-err <<-\END &&
	error: migrate.path was changed from '\''migrations'\'' to '\''db'\'' in .gitmigrate [settings]
	hint: It decides over what lands; an administrator of the server sets it there (git config migrate.path) if it must change.
	END
	said 1 git migrate plan --merge side --porcelain &&
	: >.git/t/expect-err &&
	said 0 git -c migrate.path=migrations migrate plan --merge side --porcelain &&
	: >.git/t/expect &&
	git checkout -q side &&
	said 0 git migrate plan --merge main --porcelain
'

# --- small histories, at random ---------------------------------------------------

# rand N: sets $r to one of 0..N-1, the same in each run
rand() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	r=$((seed / 65536 % $1))
}

# One step on a branch: bring, edit, remove, or merge another one.
step() {
	rand 3
	git checkout -q b$r || return 1
	step_on=$r
	rand 6
	step_file=migrations/m$r.sql
	rand 9
	case $r in
	0|1|2|3)
		rand 2
		mkdir -p migrations
		echo "SELECT $r, '$step_file';" >$step_file
		git add $step_file
		;;
	4)
		git rm -q --ignore-unmatch $step_file
		;;
	*)
		rand 3
		compare b$r || return 1
		return 0
		;;
	esac
	tick
	git diff --cached --quiet || git commit -q -m "step"
}

# compare BRANCH: where git can merge it, the plan is as it was told; where git
# cannot, a clash was told; then the merge is there, or not.
compare() {
	code=0
	git migrate plan --merge $1 --porcelain >.git/t/told 2>.git/t/err || code=$?
	tick
	if git merge -q --no-ff -X no-renames $1 >.git/t/out 2>&1; then
		! grep "\[clash\]" .git/t/err &&
		sed "s/ $zero / $(git rev-parse HEAD) /" .git/t/told >.git/t/expect &&
		git migrate plan --porcelain >.git/t/actual &&
		test_cmp .git/t/expect .git/t/actual &&
		{ test $code = 0 || grep "^error: " .git/t/err >/dev/null; }
	else
		git merge --abort &&
		test $code = 1 &&
		grep "\[clash\]" .git/t/err >/dev/null
	fi || {
		echo "seed $first, step $i"
		git log --oneline --graph --all
		cat .git/t/told .git/t/err .git/t/out
		return 1
	}
}

test_expect_success 'random histories: what --merge tells is what git makes' '
	for first in $(seq 1 10); do
		fresh random$first &&
		seed=$first &&
		commit_file README text &&
		git branch b0 && git branch b1 && git branch b2 || return 1
		for i in $(seq 1 25); do
			step || return 1
		done
		git migrate plan --verify >.git/t/out || return 1
	done
'

test_expect_success 'graph: a migration that fixes two points at both' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo twice && cd twice && mkdir .git/t &&
	new_migration a "CREATE TABLE a (x int);" &&
	new_migration b "CREATE TABLE b (x int);" &&
	new_migration c "CREATE TABLE c (x int);" "mend both" "" "Fixes: a.sql" \
		"Fixes: b.sql" "Failure-Mode: both" &&
	git migrate plan --graph >.git/t/out &&
	grep "fixes 1, fixes 2" .git/t/out
'

test_expect_success 'since: a folder that moved is no continuation' '
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo moved && cd moved && mkdir .git/t &&
	new_migration b "CREATE TABLE b (x int);" &&
	new_migration a "CREATE TABLE a (x int);" &&
	git migrate plan --since HEAD~1 >.git/t/out && grep a.sql .git/t/out &&
	git mv migrations db && git config -f .gitmigrate migrate.path db &&
	git add -A && git commit -q -m "move them" &&
	test_expect_code 1 git migrate plan --since HEAD~1 >.git/t/out 2>.git/t/err &&
	grep "^error: migrate.path was changed .* \[settings\]" .git/t/err
'

test_done
