#!/bin/sh

test_description='commit-msg and prepare-commit-msg, through real commits'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

# hooks NAME...: these of git's hooks, in the repository that is the current directory
hooks() {
	for hook_name
	do
		printf '#!/bin/sh\nexec git migrate hook %s "$@"\n' "$hook_name" \
			>".git/hooks/$hook_name" &&
		chmod +x ".git/hooks/$hook_name" || return 1
	done
}

# scene NAME: a clone with all hooks of a developer; a.sql has landed on main
scene() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	git init -q --bare -b main "$1.git" &&
	git clone -q "$1.git" "$1" 2>/dev/null &&
	cd "$1" &&
	git checkout -q -B main &&
	mkdir -p .git/t .git/hooks &&
	new_migration a 'CREATE TABLE a (x);' &&
	git push -q origin main 2>/dev/null &&
	git remote set-head origin main &&
	hooks pre-commit prepare-commit-msg commit-msg pre-push
}

# stage NAME TEXT...: a new file of these lines, in the index
stage() {
	stage_name=migrations/$1.sql
	shift
	printf '%s\n' "$@" >"$stage_name" &&
	git add "$stage_name"
}

# message LINE...: commits what is staged with this message; "-" in front: options
message() {
	printf '%s\n' "$@" >.git/t/message &&
	tick &&
	git commit -q -F .git/t/message
}

# refused RULE LINE...: the message must be refused by this rule, and no other
refused() {
	refused_rule=$1
	shift
	{ git rev-parse HEAD && git ls-files -s; } >.git/t/before &&
	test_must_fail message "$@" 2>.git/t/err &&
	sed -n 's/^error: .* \[\(.*\)\]$/\1/p' .git/t/err >.git/t/rules &&
	echo "$refused_rule" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/rules &&
	grep "^hint: " .git/t/err >/dev/null &&
	grep "^nothing was committed; the message is kept in .*COMMIT_EDITMSG" .git/t/err &&
	{ git rev-parse HEAD && git ls-files -s; } >.git/t/after &&
	test_cmp .git/t/before .git/t/after
}

# accepted LINE...: the message must pass in silence
accepted() {
	message "$@" 2>.git/t/err &&
	test_must_be_empty .git/t/err
}

# --- commit-msg ---------------------------------------------------------------

test_expect_success 'a fix says how what it fixes failed' '
	scene fix &&
	stage b "SELECT 1;" &&
	refused failure-mode "mend a" "" "Fixes: a.sql" &&
	refused failure-mode "mend a" "" "Fixes: a.sql" "Failure-Mode:" &&
	refused failure-mode "mend a" "" "Fixes: a.sql" \
		"Failure-Mode: <what went wrong, and why this mends it>" &&
	accepted "mend a" "" "Fixes: a.sql" "Failure-Mode: it was short"
'

test_expect_success 'what a trailer names is in the plan, and comes before' '
	stage c "SELECT 1;" &&
	refused unresolved "c" "" "Requires: nothing.sql" &&
	refused later "c" "" "Requires: c.sql" &&
	accepted "c" "" "Requires: b.sql"
'

test_expect_success 'trailers stand where git reads them' '
	stage d "SELECT 1;" &&
	refused misplaced "d" "" "Requires: a.sql" "" "Since it is so." &&
	refused misplaced "Requires: a.sql" &&
	accepted "d" "" "Since it is so." "" "Requires: a.sql"
'

test_expect_success 'trailers of several are in their heads' '
	stage e "SELECT 1;" &&
	stage f "SELECT 1;" &&
	refused "unbound
unbound" "two" "" "Requires: a.sql" &&
	stage f "-- Requires: e.sql" "SELECT 1;" &&
	accepted "two"
'

test_expect_success 'in the order that their heads ask for' '
	stage g1 "-- Requires: g2.sql" "SELECT 1;" &&
	stage g2 "SELECT 1;" &&
	accepted "two more" &&
	stage h1 "-- Requires: h2.sql" "SELECT 1;" &&
	stage h2 "-- Requires: h1.sql" "SELECT 1;" &&
	refused later "a circle" &&
	git rm -qf migrations/h1.sql &&
	stage h2 "SELECT 1;" &&
	accepted "none"
'

test_expect_success 'permissions give a reason' '
	stage i "SELECT 1;" &&
	refused reason "i" "" "Lint-Waive: add-not-null" &&
	refused reason "i" "" "Lint-Waive: -- it is small" &&
	refused reason "i" "" "Out-Of-Order: a.sql" &&
	refused reason "i" "" "Out-Of-Order: a.sql -- <reason>" &&
	refused unresolved "i" "" "Out-Of-Order: none.sql -- it is late" &&
	accepted "i" "" "Lint-Waive: add-not-null -- it is small" \
		"Out-Of-Order: a.sql -- it is late"
'

test_expect_success 'a permission may stand in a commit that brings nothing' '
	echo text >text &&
	git add text &&
	refused reason "let it" "" "Out-Of-Order: a.sql --" &&
	refused unresolved "let it" "" "Out-Of-Order: zz.sql -- late" &&
	accepted "let it" "" "Out-Of-Order: a.sql -- late"
'

test_expect_success 'commits that bring none are not judged otherwise' '
	echo more >text &&
	git add text &&
	accepted "mend the text" "" "Fixes: 0123456 (\"text\")" "" "Requires: nothing"
'

test_expect_success 'issues are no migrations' '
	stage k "SELECT 1;" &&
	accepted "k" "" "Fixes: #123"
'

test_expect_success 'the first commit' '
	fresh unborn &&
	mkdir migrations &&
	hooks commit-msg prepare-commit-msg &&
	stage a "SELECT 1;" &&
	printf "a\n\nRequires: none.sql\n" >.git/t/message &&
	test_must_fail git commit -q -F .git/t/message 2>.git/t/err &&
	grep "^error: .*names no migration of the plan \[unresolved\]" .git/t/err &&
	accepted "a"
'

test_expect_success 'comments, scissors and white space are not of the message' '
	scene clean &&
	stage b "SELECT 1;" &&
	cat >.git/t/editor <<-\END &&
	#!/bin/sh
	{
		printf "\n\nb  \n# Fixes: zz\n\n\nRequires: a.sql\t\n\n"
		cat "$1"
		echo "Fixes: a.sql"
	} >"$1.new"
	mv "$1.new" "$1"
	END
	chmod +x .git/t/editor &&
	GIT_EDITOR=.git/t/editor git commit -q -v 2>.git/t/err &&
	echo "Requires: a.sql" >.git/t/expect &&
	git log -1 --format="%(trailers:only)" >.git/t/actual &&
	grep . .git/t/actual >.git/t/trailers &&
	test_cmp .git/t/expect .git/t/trailers
'

test_expect_success 'core.commentChar is heard, and so is auto' '
	for char in ";" auto
	do
		stage "c-$char" "SELECT 1;" &&
		cat >.git/t/editor <<-\END &&
		#!/bin/sh
		printf "c\n\nRequires: a.sql\n" >"$1.new"
		cat "$1" >>"$1.new"
		mv "$1.new" "$1"
		END
		git mv "migrations/c-$char.sql" "migrations/c${#char}.sql" &&
		GIT_EDITOR=.git/t/editor git -c core.commentChar="$char" commit -q -v 2>.git/t/err &&
		git log -1 --format="%(trailers:only)" | grep "^Requires: a.sql" || return 1
	done
'

test_expect_success 'where no editor was opened git keeps what looks like a comment, and so it is judged' '
	stage k "SELECT 1;" && git config core.commentChar ";" &&
	refused misplaced "k" "" "Requires: a.sql" ";Since it is so." &&
	test_must_fail git commit -q -m "k" -m "Requires: a.sql
;Since it is so." 2>.git/t/err && grep "\[misplaced\]" .git/t/err &&
	printf "%s\n" "k" "" "Requires: a.sql" ";Since it is so." >.git/t/message &&
	printf "#!/bin/sh\n:\n" >.git/t/editor && chmod +x .git/t/editor &&
	git config --unset core.commentChar && test_must_fail git commit -q -F .git/t/message 2>.git/t/err &&
	GIT_EDITOR=.git/t/editor git -c core.commentChar=";" commit -q -e -F .git/t/message &&
	test k.Requires: = "$(git log -1 --format=%B | tr -d "\n" | cut -c 1-10 | sed "s/k/k./")" &&
	stage l "SELECT 1;" && accepted "#12: l" "" "Requires: a.sql" && git log -1 --format=%s | grep "^#12: l"
'

test_expect_success 'a merge answers for what it adds itself' '
	scene merge &&
	git checkout -q -b work &&
	stage b "SELECT 1;" &&
	accepted "b" "" "Requires: a.sql" &&
	git checkout -q main &&
	new_migration c "SELECT 1;" &&
	git merge -q --no-ff --no-commit work 2>.git/t/err &&
	accepted "merge work" "" "Requires: nothing.sql" &&
	git checkout -q -b more HEAD^ &&
	stage d "SELECT 1;" &&
	accepted "d" &&
	git checkout -q main &&
	git merge -q --no-ff --no-commit more 2>.git/t/err &&
	stage evil "SELECT 1;" &&
	refused unresolved "merge more" "" "Requires: nothing.sql" &&
	accepted "merge more" "" "Requires: d.sql"
'

test_expect_success 'git merge and git merge --squash in their own words' '
	git checkout -q -b squashed HEAD~1 &&
	stage s "SELECT 1;" &&
	accepted "s" "" "Requires: a.sql" &&
	git checkout -q main &&
	git merge -q --no-ff -m "merge it" squashed &&
	git reset -q --hard HEAD^ &&
	git merge -q --squash squashed 2>.git/t/err >.git/t/out &&
	test_must_fail git commit -q --no-edit 2>.git/t/err &&
	grep "^error: .*where git does not read it.*\[misplaced\]" .git/t/err &&
	accepted "s" "" "Requires: a.sql"
'

test_expect_success 'an amended commit keeps its files' '
	scene amend &&
	stage b "SELECT 1;" &&
	accepted "b" "" "Requires: a.sql" &&
	test_must_fail git commit -q --amend -m b -m "Requires: zz.sql" 2>.git/t/err &&
	grep "^error: .*\[unresolved\]" .git/t/err &&
	test_must_fail git commit -q --amend -m b -m "Fixes: a.sql" 2>.git/t/err &&
	grep "^error: .*\[failure-mode\]" .git/t/err &&
	git commit -q --amend -m b -m "Fixes: a.sql
Failure-Mode: it was short" 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	stage b "SELECT 2;" &&
	git commit -q --amend --no-edit 2>.git/t/err &&
	test_must_be_empty .git/t/err
'

test_expect_success 'what autosquash melds is judged when it is melded' '
	stage b "SELECT 3;" &&
	git commit -q --fixup HEAD 2>.git/t/err &&
	stage b2 "SELECT 3;" &&
	git commit -q --squash HEAD^ -m "Requires: zz.sql" 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	stage b3 "SELECT 3;" &&
	refused unresolved "b3" "" "Requires: zz.sql"
'

test_expect_success 'commit -- <path>, commit -a, a linked worktree and a subfolder' '
	scene places &&
	stage b "SELECT 1;" &&
	stage c "SELECT 1;" &&
	test_must_fail git commit -q -m b -m "Requires: zz.sql" -- migrations/b.sql 2>.git/t/err &&
	grep "^error: \"Requires: zz.sql\" of migration .b.sql. names no migration" .git/t/err &&
	git commit -q -m b -m "Requires: a.sql" -- migrations/b.sql 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	git commit -q -a -m c -m "Requires: b.sql" 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	git worktree add -q ../places-linked 2>.git/t/err &&
	mkdir ../places-linked/deep &&
	echo "SELECT 1;" >../places-linked/migrations/d.sql &&
	git -C ../places-linked add migrations &&
	test_must_fail git -C ../places-linked/deep commit -q -m d -m "Requires: zz.sql" 2>.git/t/err &&
	grep "^error: \"Requires: zz.sql\" of migration .d.sql. names no migration" .git/t/err &&
	git -C ../places-linked/deep commit -q -m d -m "Requires: c.sql" 2>.git/t/err &&
	test_must_be_empty .git/t/err
'

# --- a developer's own work -----------------------------------------------------

test_expect_success 'amend, fixup, rebase -i, reword and split are silent' '
	scene own &&
	for name in b c d
	do
		stage $name "SELECT 1;" &&
		accepted "$name" "" "Requires: a.sql" || return 1
	done &&
	stage c "SELECT 2;" &&
	git commit -q --fixup HEAD^ &&
	GIT_SEQUENCE_EDITOR=: git rebase -q -i --autosquash origin/main >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	echo "SELECT 2;" >.git/t/expect &&
	git show HEAD^:migrations/c.sql >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	test 3 = "$(git rev-list --count origin/main..)" &&
	GIT_SEQUENCE_EDITOR="sed -i \"1{h;d};2{G}\"" git rebase -q -i origin/main 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	git log --format=%s origin/main.. >.git/t/actual &&
	printf "d\nb\nc\n" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	GIT_SEQUENCE_EDITOR="sed -i 1s/pick/reword/" GIT_EDITOR="sed -i 1s/c/see/" \
		git rebase -q -i origin/main 2>.git/t/err >.git/t/out &&
	git log -1 --format=%s HEAD~2 >.git/t/actual &&
	echo see >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	GIT_SEQUENCE_EDITOR="sed -i 2s/pick/squash/" GIT_EDITOR="echo both >" \
		git rebase -q -i origin/main 2>.git/t/err >.git/t/out &&
	git mv migrations/d.sql migrations/e.sql &&
	git commit -q --amend --no-edit 2>.git/t/err &&
	test_must_be_empty .git/t/err &&
	git rm -q migrations/e.sql &&
	git commit -q -m "leave it" 2>.git/t/err &&
	git revert --no-edit HEAD >.git/t/out 2>.git/t/err &&
	test -f migrations/e.sql &&
	git push -q origin main
'

# --- prepare-commit-msg -------------------------------------------------------

trailers() {
	git log -1 --format="%(trailers:only)" | grep .
}

test_expect_success 'a started fix is filled in, and has to be filled in' '
	scene prepare &&
	printf "#!/bin/sh\n{ echo \"mend a\"; cat \"\$1\"; } >.git/t/typed && cat .git/t/typed >\"\$1\"\n" \
		>.git/t/type &&
	chmod +x .git/t/type &&
	stage b "-- Fixes: a.sql" "SELECT 1;" &&
	GIT_EDITOR=.git/t/type test_must_fail git commit 2>.git/t/err &&
	grep "^error: .*\[failure-mode\]" .git/t/err &&
	cat >.git/t/expect <<-\END &&
	Fixes: a.sql
	Failure-Mode: <what went wrong, and why this mends it>
	END
	grep "^[FM]" .git/t/typed >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	GIT_EDITOR="sed -i -e \"1s/.*/mend a/\" -e \"s/<.*>/too short/\"" git commit -q 2>.git/t/err &&
	cat >.git/t/expect <<-\END &&
	Fixes: a.sql
	Failure-Mode: too short
	END
	trailers >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'what the head tells is taken over, also with -m' '
	stage c "-- Fixes: a.sql" "-- Failure-Mode: too long" "SELECT 1;" &&
	git commit -q -m "mend a" -m "Signed-off-by: A <a@example.com>" &&
	cat >.git/t/expect <<-\END &&
	Signed-off-by: A <a@example.com>
	Fixes: a.sql
	Failure-Mode: too long
	END
	trailers >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'what is there already stays as it is' '
	stage d "-- Fixes: a.sql" "-- Failure-Mode: too long" "SELECT 1;" &&
	git commit -q -m "mend a" -m "Fixes: b.sql
Failure-Mode: mine" &&
	cat >.git/t/expect <<-\END &&
	Fixes: b.sql
	Failure-Mode: mine
	END
	trailers >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	git commit -q --amend --no-edit &&
	trailers >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'with -m no placeholder is left for nobody to see' '
	stage e "-- Fixes: a.sql" "SELECT 1;" &&
	refused failure-mode "mend a" &&
	! grep "<what" .git/COMMIT_EDITMSG &&
	accepted "mend a" "" "Failure-Mode: too wide" &&
	cat >.git/t/expect <<-\END &&
	Failure-Mode: too wide
	Fixes: a.sql
	END
	trailers >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'nothing is filled in for other commits' '
	stage f "SELECT 1;" &&
	accepted "f" &&
	git log -1 --format=%B >.git/t/actual &&
	printf "f\n\n" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	stage g "-- Fixes: a.sql" "-- Failure-Mode: x" "SELECT 1;" &&
	stage h "SELECT 1;" &&
	accepted "two" &&
	git log -1 --format=%B >.git/t/actual &&
	printf "two\n\n" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_expect_success 'a commit that is picked or rebased keeps its words' '
	git checkout -q -b picked &&
	stage p "-- Fixes: a.sql" "-- Failure-Mode: too deep" "SELECT 1;" &&
	git -c core.hooksPath=/nowhere commit -q -m p &&
	git checkout -q main &&
	git cherry-pick picked >.git/t/out 2>.git/t/err &&
	git log -1 --format=%B >.git/t/actual &&
	printf "p\n\n" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	git reset -q --hard HEAD^ &&
	git commit -q --allow-empty -m "go on" &&
	git rebase -q main picked &&
	git log -1 --format=%B >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	git checkout -q main && git reset -q --hard HEAD^
'

test_expect_success 'git revert of what landed is refused as it is made' '
	git push -q origin main &&
	landed=$(git rev-parse HEAD~1) &&
	git rev-parse HEAD >.git/t/before &&
	test_must_fail git revert --no-edit $landed 2>.git/t/err &&
	grep "^error: migration .f.sql. was reverted; it has landed on the protected branch \[reverted\]" .git/t/err &&
	grep "^hint: .*git migrate new" .git/t/err &&
	git rev-parse HEAD >.git/t/after &&
	test_cmp .git/t/before .git/t/after &&
	git revert --abort 2>/dev/null || git reset -q --hard &&
	stage own "SELECT 1;" &&
	accepted "own" &&
	git revert --no-edit HEAD >.git/t/out 2>.git/t/err &&
	test ! -e migrations/own.sql
'

test_expect_success 'what else is reverted can be committed once the migration is back' '
	echo text >other && git add other && stage with "SELECT 1;" && accepted "with" &&
	git push -q origin main &&
	test_must_fail git revert --no-edit HEAD 2>.git/t/err &&
	restore=$(sed -n "s/^hint: Restore it (git \([^)]*\)).*/\1/p" .git/t/err) &&
	git $restore &&
	test -e migrations/with.sql &&
	accepted "the rest" &&
	git diff --name-status HEAD^ HEAD >.git/t/actual &&
	printf "D\tother\n" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual
'

test_done
