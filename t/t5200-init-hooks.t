#!/bin/sh

test_description='init: hooks beside those that are there, and out again without a trace'

. "$(dirname "$0")/lib.sh"

client="pre-commit prepare-commit-msg commit-msg pre-push"

# traces FOLDER: names, kinds, modes, targets and bytes of what is in it
traces() {
	(cd "$1" && find . ! -type l -printf '%p %y %m\n' -o -printf '%p -> %l\n' | sort &&
	find . -type f -exec sha256sum {} + | sort)
}

# scene NAME: a fresh repository, some migration committed
scene() {
	fresh "$1" && new_migration a 'CREATE TABLE a (x);' && git remote add origin ../nowhere.git && git update-ref refs/remotes/origin/main main &&
	git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/main
}

# script FILE LINE...: a hook that is somebody else's
script() {
	lib_file=$1 && shift && mkdir -p "$(dirname "$lib_file")" &&
	printf '%s\n' '#!/bin/sh' "$@" >"$lib_file" && chmod 755 "$lib_file"
}

# guards: commits are judged by pre-commit, and those that are right pass
guards() {
	echo "-- later" >>migrations/a.sql &&
	test_expect_code 1 git commit -qam edit 2>.git/t/err &&
	grep "^error: migration .a.sql. was edited" .git/t/err &&
	git checkout -q -- migrations/a.sql && tick && git commit -q --allow-empty -m other
}

# --- in and out ---------------------------------------------------------------

test_expect_success 'a fresh repository: in, again, and out without a trace' '
	scene fresh && traces .git/hooks >.git/t/before && git migrate init >.git/t/out 2>&1 &&
	has_line .git/t/out "installed hooks: $client" &&
	for name in $client; do test -x ".git/hooks/$name" || return 1; done &&
	guards && traces .git/hooks >.git/t/once && git migrate init >.git/t/out 2>&1 &&
	has_line .git/t/out "hooks are up to date" && traces .git/hooks >.git/t/twice &&
	test_cmp .git/t/once .git/t/twice && git migrate init --hooks=remove >.git/t/out &&
	echo "removed hooks: $client" >.git/t/expect && test_cmp .git/t/expect .git/t/out &&
	traces .git/hooks >.git/t/after && test_cmp .git/t/before .git/t/after &&
	git migrate init --hooks=remove >.git/t/out &&
	echo "there are no hooks of git migrate here" >.git/t/expect && test_cmp .git/t/expect .git/t/out
'

test_expect_success 'a clone that does not know the branch of its remote is told so, and how to ask' '
	fresh undecided && new_migration a "CREATE TABLE a (x);" &&
	git init -q --bare .git/hub.git && git remote add origin .git/hub.git &&
	git migrate init >.git/t/out 2>&1 && ! grep "no branch is protected" .git/t/out &&
	git push -q origin main 2>.git/t/err && git migrate init >.git/t/out 2>&1 &&
	grep "^warning: refs/remotes/origin/HEAD is not there, so no branch is protected here" .git/t/out &&
	grep "^hint: \"git remote set-head origin -a\" asks the remote" .git/t/out &&
	echo "-- later" >>migrations/a.sql && git commit -q -am edit && git reset -q --hard HEAD^ &&
	git migrate init --no-hooks >.git/t/out 2>&1 && ! grep "no branch is protected" .git/t/out &&
	git -c migrate.branch=main migrate init >.git/t/out 2>&1 && ! grep "no branch is protected" .git/t/out &&
	git remote set-head origin -a >.git/t/out && git migrate init >.git/t/out 2>&1 &&
	! grep "no branch is protected" .git/t/out && guards
'

test_expect_success 'a repository without a hooks folder has none afterwards' '
	cd "$SHARNESS_TRASH_DIRECTORY" && git init -q --template= bare-bones && cd bare-bones &&
	test ! -e .git/hooks && git migrate init >out 2>&1 && test -x .git/hooks/pre-commit &&
	git migrate init --hooks=remove >out && test ! -e .git/hooks &&
	git migrate init >out 2>&1 && script .git/hooks/post-commit "true" &&
	git migrate init --hooks=remove >out && ls .git/hooks >out && echo post-commit >expect &&
	test_cmp expect out
'

test_expect_success 'with hooks of all kinds before: program, not executable, link, link to nowhere' '
	scene kinds && cp /bin/true .git/hooks/pre-commit &&
	script .git/hooks/commit-msg "exit 1" && chmod 640 .git/hooks/commit-msg &&
	script tools/push "cat >.git/t/pushed" && ln -s ../../tools/push .git/hooks/pre-push &&
	ln -s /nowhere/at/all .git/hooks/prepare-commit-msg && traces .git/hooks >.git/t/before &&
	git migrate init >.git/t/out 2>&1 &&
	has_line .git/t/out "kept your pre-commit hook as pre-commit.before-migrate; it runs first" &&
	has_line .git/t/out "kept your commit-msg hook as commit-msg.before-migrate; it is not executable and does not run" &&
	guards && git init -q --bare ../kinds.git && git push -q ../kinds.git main &&
	grep " refs/heads/main " .git/t/pushed &&
	git migrate init --hooks=remove >.git/t/out && has_line .git/t/out "put your pre-push hook back" &&
	traces .git/hooks >.git/t/after && test_cmp .git/t/before .git/t/after
'

test_expect_success 'what was kept can be edited meanwhile, and is put back as it is then' '
	scene edited && script .git/hooks/pre-commit "exit 0" && git migrate init >.git/t/out 2>&1 &&
	script .git/hooks/pre-commit.before-migrate "echo mine" "exit 0" &&
	chmod 700 .git/hooks/pre-commit.before-migrate && cp -p .git/hooks/pre-commit.before-migrate .git/t/mine &&
	git migrate init >.git/t/out 2>&1 && has_line .git/t/out "hooks are up to date" &&
	git migrate init --hooks=remove >.git/t/out && test_cmp .git/t/mine .git/hooks/pre-commit &&
	test 700 = "$(stat -c %a .git/hooks/pre-commit)" && test ! -e .git/hooks/pre-commit.before-migrate
'

test_expect_success 'our own of an older version are brought up to date, with what they kept' '
	scene older && script .git/hooks/pre-commit \
		"# Written by \"git migrate init\": refuses commits that rewrite migrations." \
		"before=\$0.before-migrate" "exec git migrate hook pre-commit" &&
	script .git/hooks/pre-commit.before-migrate "echo ran >>.git/t/ran" &&
	git migrate init >.git/t/out 2>&1 && has_line .git/t/out "installed hooks: $client" &&
	! grep kept .git/t/out && cmp .git/hooks/pre-commit "$top_srcdir/hooks/pre-commit" &&
	guards && grep ran .git/t/ran && chmod -x .git/hooks/pre-commit &&
	git migrate init >.git/t/out 2>&1 && has_line .git/t/out "installed hooks: pre-commit"
'

test_expect_success 'two to keep of one name, or a folder: refused, nothing is changed' '
	scene two && script .git/hooks/commit-msg "exit 0" && script .git/hooks/commit-msg.before-migrate "exit 0" &&
	traces .git/hooks >.git/t/before && test_expect_code 1 git migrate init 2>.git/t/err &&
	grep "^error: there are two hooks to keep: .*commit-msg. and .*commit-msg.before-migrate" .git/t/err &&
	has_line .git/t/err "hint: Make one of them, then run this again." &&
	traces .git/hooks >.git/t/after && test_cmp .git/t/before .git/t/after &&
	rm .git/hooks/commit-msg* && mkdir .git/hooks/commit-msg &&
	test_expect_code 1 git migrate init 2>.git/t/err && grep "^error: .*commit-msg. is a folder" .git/t/err &&
	test ! -e .git/hooks/pre-commit && rmdir .git/hooks/commit-msg && git migrate init >.git/t/out 2>&1
'

test_expect_success 'a hook that runs git migrate by hand is left alone' '
	scene by-hand && script .git/hooks/pre-commit "echo checks" "git migrate hook pre-commit" &&
	cp .git/hooks/pre-commit .git/t/mine && git migrate init >.git/t/out 2>&1 &&
	has_line .git/t/out "your pre-commit hook runs git migrate already" &&
	test_cmp .git/t/mine .git/hooks/pre-commit && guards &&
	git migrate init --hooks=remove >.git/t/out && test_cmp .git/t/mine .git/hooks/pre-commit
'

test_expect_success 'a hooks folder that cannot be written is an error that says what to do' '
	scene no-folder && rm -r .git/hooks && echo text >.git/hooks &&
	test_expect_code 128 git migrate init 2>.git/t/err && grep "^error: " .git/t/err &&
	grep "^hint: .*git migrate init --no-hooks" .git/t/err && echo text >.git/t/expect &&
	test_cmp .git/t/expect .git/hooks && git migrate init --no-hooks
'

# unprivileged COMMAND...: root gives away what lets it write everywhere
unprivileged() {
	if test "$(id -u)" = 0; then
		setpriv --bounding-set=-all --inh-caps=-all -- "$@"
	else
		"$@"
	fi
}

test_expect_success 'a read-only hooks folder keeps all that is in it' '
	scene read-only && script .git/hooks/pre-commit "exit 0" && chmod 555 .git/hooks &&
	test_when_finished "chmod 755 .git/hooks" && traces .git/hooks >.git/t/before &&
	test_expect_code 128 unprivileged git migrate init 2>.git/t/err &&
	grep "^hint: .*git migrate init --no-hooks" .git/t/err &&
	traces .git/hooks >.git/t/after && test_cmp .git/t/before .git/t/after
'

# --- what is asked for ----------------------------------------------------------

test_expect_success '--hooks=none, client and server, in either kind of repository' '
	scene asked && git migrate init --hooks=none && git migrate init --no-hooks &&
	test ! -e .git/hooks/pre-commit && git migrate init --hooks=server >.git/t/out 2>&1 &&
	has_line .git/t/out "installed hooks: pre-receive" && test ! -e .git/hooks/pre-commit &&
	git migrate init --hooks=client >.git/t/out 2>&1 && has_line .git/t/out "installed hooks: $client" &&
	git migrate init --hooks=remove >.git/t/out && has_line .git/t/out "removed hooks: $client pre-receive" &&
	git init -q --bare ../asked.git && git -C ../asked.git migrate init >.git/t/out 2>&1 &&
	has_line .git/t/out "installed hooks: pre-receive" &&
	git -C ../asked.git migrate init --hooks=client >.git/t/out 2>&1 &&
	has_line .git/t/out "installed hooks: $client"
'

test_expect_success 'wrong words are wrong usage' '
	test_expect_code 129 git migrate init --hooks=both 2>.git/t/err &&
	has_line .git/t/err "error: option '\''--hooks'\'' does not know '\''both'\''" &&
	has_line .git/t/err "hint: There are client, server, none and remove." &&
	test_expect_code 129 git migrate init --hooks=remove sqlite:app.db 2>.git/t/err &&
	test -z "$(git config migrate.default.url)" &&
	test_expect_code 129 git migrate init --no-hooks --hooks=client 2>.git/t/err &&
	has_line .git/t/err "error: --hooks and --no-hooks cannot be used together" &&
	git migrate init --no-hooks 2>.git/t/err && git migrate init --hooks=none 2>.git/t/err
'

# --- other shapes of a repository -------------------------------------------------

test_expect_success 'a linked work tree shares the hooks; so does one of a bare repository' '
	scene tree && git worktree add -q ../linked && (cd ../linked && git migrate init >out 2>&1 &&
	has_line out "installed hooks: $client") && guards && git migrate init --hooks=remove >.git/t/out &&
	git clone -q --bare . ../work.git && git -C ../work.git worktree add -q ../work main &&
	cd ../work && git migrate init >out 2>&1 && has_line out "installed hooks: $client" &&
	test -x ../work.git/hooks/pre-commit
'

test_expect_success 'a submodule has hooks of its own' '
	scene super && git -c protocol.file.allow=always submodule --quiet add "$SHARNESS_TRASH_DIRECTORY/tree" sub &&
	(cd sub && git migrate init >out 2>&1 && has_line out "installed hooks: $client") &&
	test -x .git/modules/sub/hooks/pre-commit && test ! -e .git/hooks/pre-commit &&
	git -C sub migrate init --hooks=remove >.git/t/out && test ! -e .git/modules/sub/hooks/pre-commit
'

# --- core.hooksPath -----------------------------------------------------------------

test_expect_success 'a path of this repository outside of the project, and .git/hooks before' '
	scene own-path && git migrate init >.git/t/out 2>&1 && git config core.hooksPath ../own-hooks &&
	git migrate init >.git/t/out 2>&1 && has_line .git/t/out "installed hooks: $client" &&
	test -x ../own-hooks/pre-commit && guards && git migrate init --hooks=remove >.git/t/out &&
	test ! -e ../own-hooks && test ! -e .git/hooks/pre-commit
'

test_expect_success 'a folder of the project: nothing is written unasked, and the lines are told' '
	scene project && script githooks/pre-commit "echo theirs >>.git/t/ran" && git add githooks &&
	git commit -q -m hooks && git config core.hooksPath githooks &&
	git migrate init >.git/t/out 2>.git/t/err &&
	has_line .git/t/err "warning: no hook was installed: '\''$PWD/githooks'\'' (core.hooksPath) is part of the project" &&
	has_line .git/t/out "    git migrate hook pre-commit || exit # git migrate init" &&
	git status --porcelain >.git/t/status && test_must_be_empty .git/t/status &&
	git migrate init --hooks=client >.git/t/out 2>.git/t/err &&
	has_line .git/t/out "added git migrate to $PWD/githooks/pre-commit" &&
	grep "^hint: These files are part of the project: commit them" .git/t/err && guards && grep theirs .git/t/ran &&
	cp -R githooks .git/t/once && git migrate init --hooks=client >.git/t/out 2>&1 && diff -r githooks .git/t/once &&
	git migrate init --hooks=remove >.git/t/out && git status --porcelain >.git/t/status &&
	test_must_be_empty .git/t/status
'

test_expect_success 'a folder in .git that is a link into the project is one of the project' '
	scene linked-folder && script githooks/post-commit "true" && git add githooks && git commit -q -m hooks &&
	rm -r .git/hooks && ln -s ../githooks .git/hooks && git migrate init >.git/t/out 2>.git/t/err &&
	grep "^warning: no hook was installed: .*/githooks. (core.hooksPath) is part of the project" .git/t/err &&
	git status --porcelain >.git/t/status && test_must_be_empty .git/t/status
'

test_expect_success 'a folder of the project that git ignores is nobody else'\''s' '
	scene ignored && echo /hooks/ >.gitignore && git add .gitignore && git commit -q -m ignore && mkdir hooks &&
	git config core.hooksPath hooks && git migrate init >.git/t/out 2>&1 &&
	has_line .git/t/out "installed hooks: $client" && guards
'

test_expect_success 'so is one with a name that git would print in quotes' '
	scene quoted && echo "/Häken/" >.gitignore && git add .gitignore && git commit -q -m ignore && mkdir Häken &&
	git config core.hooksPath Häken && git migrate init >.git/t/out 2>&1 &&
	has_line .git/t/out "installed hooks: $client" && guards
'

test_expect_success 'scripts that take no line are named, and none is written' '
	scene no-line && printf "#!/usr/bin/env python3\nprint()\n" >.git/t/python &&
	script githooks/pre-push "true" && cp .git/t/python githooks/commit-msg && chmod +x githooks/commit-msg &&
	git config core.hooksPath githooks && traces githooks >.git/t/before &&
	test_expect_code 1 git migrate init --hooks=client 2>.git/t/err &&
	grep "^error: no line can be added to .*/commit-msg.: it is no shell script" .git/t/err && grep "^hint: " .git/t/err &&
	traces githooks >.git/t/after && test_cmp .git/t/before .git/t/after && rm githooks/commit-msg &&
	chmod -x githooks/pre-push && test_expect_code 1 git migrate init --hooks=client 2>.git/t/err &&
	grep "^error: no line can be added to .*/pre-push.: it is not executable" .git/t/err &&
	chmod +x githooks/pre-push && git migrate init --hooks=client >.git/t/out 2>&1
'

test_expect_success 'a global path is for all repositories: told, refused when asked for' '
	scene global && git config --global core.hooksPath "$HOME/hooks" && mkdir "$HOME/hooks" &&
	test_when_finished "git config --global --unset core.hooksPath" &&
	git migrate init >.git/t/out 2>.git/t/err && grep "^warning: no hook was installed" .git/t/err &&
	has_line .git/t/out "  at the beginning of $HOME/hooks/pre-commit:" &&
	test_expect_code 1 git migrate init --hooks=client 2>.git/t/err && grep "^hint: " .git/t/err &&
	test -z "$(ls -A "$HOME/hooks")"
'

test_expect_success 'what a path holds is not obeyed by a terminal' '
	scene escape && git config core.hooksPath "$(printf "a\033[31mb")" &&
	git migrate init >.git/t/out 2>&1 && grep "at the beginning of .*a.x1b.31mb/pre-commit:" .git/t/out &&
	git migrate init --hooks=client >>.git/t/out 2>&1 && git migrate init --hooks=remove >>.git/t/out 2>&1 &&
	grep "^removed hooks: .*a.x1b.31mb/pre-push\$" .git/t/out && test -z "$(ls -d a*)" && test 0 = "$(tr -dc "\033" <.git/t/out | wc -c)"
'

# --- hook managers ------------------------------------------------------------------

# As husky 9 leaves it: git runs .husky/_/<hook>, which runs .husky/<hook> by sh -e.
husky() {
	mkdir -p .husky/_ && echo "*" >.husky/_/.gitignore && git config core.hooksPath .husky/_ &&
	script .husky/_/h "script=\$(dirname \"\$(dirname \"\$0\")\")/\$(basename \"\$0\")" \
		"test ! -f \"\$script\" || sh -e \"\$script\" \"\$@\"" &&
	for name in $client; do
		script ".husky/_/$name" ". \"\$(dirname \"\$0\")/h\"" || return 1
	done
}

test_expect_success 'husky: lines in the files that it runs, with their input kept' '
	scene husky && husky && echo "echo theirs >>.git/t/ran" >.husky/pre-commit &&
	echo "cat >.git/t/pushed" >.husky/pre-push && git add .husky && git commit -q -m hooks && rm .git/t/ran &&
	git migrate init >.git/t/out 2>.git/t/err && grep "^warning: no hook was installed: .*/.husky. " .git/t/err &&
	git status --porcelain >.git/t/status && test_must_be_empty .git/t/status &&
	git migrate init --hooks=client >.git/t/out 2>&1 && guards && grep theirs .git/t/ran &&
	git init -q --bare ../husky.git && git push -q ../husky.git main &&
	echo "refs/heads/main $(git rev-parse main) refs/heads/main $(echo 0 | sed "s/0/&&&&&&&&/;s/.*/&&&&&/")" >.git/t/expect &&
	test_cmp .git/t/expect .git/t/pushed && git migrate init --hooks=remove >.git/t/out &&
	git status --porcelain >.git/t/status && test_must_be_empty .git/t/status && ls .husky >.git/t/out &&
	printf "%s\n" _ pre-commit pre-push >.git/t/expect && test_cmp .git/t/expect .git/t/out
'

# As the pre-commit framework leaves it: it runs <hook>.legacy first, and writes its own
# file anew.
framework() {
	script .git/hooks/$1 "# File generated by pre-commit: https://pre-commit.com" \
		"legacy=\$0.legacy" "test ! -x \"\$legacy\" || \"\$legacy\" \"\$@\" || exit" "echo framework >>.git/t/ran"
}

test_expect_success 'the pre-commit framework keeps its file and runs ours first' '
	scene framework && framework pre-commit && script .git/hooks/pre-commit.legacy "echo legacy >>.git/t/ran" &&
	traces .git/hooks >.git/t/before && git migrate init >.git/t/out 2>&1 &&
	has_line .git/t/out "installed hooks: pre-commit.legacy prepare-commit-msg commit-msg pre-push" &&
	rm -f .git/t/ran && guards && framework pre-commit && git migrate init >.git/t/out 2>&1 &&
	has_line .git/t/out "hooks are up to date" && rm .git/t/ran && tick && git commit -q --allow-empty -m x &&
	printf "legacy\nframework\n" >.git/t/expect && test_cmp .git/t/expect .git/t/ran &&
	git migrate init --hooks=remove >.git/t/out && traces .git/hooks >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'the pre-commit framework that came later, and went again' '
	scene framework-later && traces .git/hooks >.git/t/before && git migrate init >.git/t/out 2>&1 &&
	mv .git/hooks/pre-commit .git/hooks/pre-commit.legacy && framework pre-commit && guards &&
	git migrate init >.git/t/out 2>&1 && has_line .git/t/out "hooks are up to date" &&
	mv .git/hooks/pre-commit.legacy .git/hooks/pre-commit && guards &&
	git migrate init --hooks=remove >.git/t/out && traces .git/hooks >.git/t/after &&
	test_cmp .git/t/before .git/t/after
'

test_expect_success 'lefthook writes its hooks anew, so its configuration is told' '
	scene lefthook && script .git/hooks/pre-commit "call_lefthook run \"pre-commit\" \"\$@\"" &&
	traces .git/hooks >.git/t/before && git migrate init >.git/t/out 2>.git/t/err &&
	grep "^warning: no hook was installed: lefthook writes those in" .git/t/err &&
	has_line .git/t/out "      run: git migrate hook pre-push {0}" && traces .git/hooks >.git/t/after &&
	test_cmp .git/t/before .git/t/after && test_expect_code 1 git migrate init --hooks=client 2>.git/t/err &&
	grep "^error: the hooks in .* are written by lefthook" .git/t/err && grep "^hint: " .git/t/err &&
	rm .git/hooks/pre-commit && git migrate init --hooks=client >.git/t/out 2>&1 && guards
'

# --- the scripts ----------------------------------------------------------------------

test_expect_success 'a hook that was there gets arguments and input, and its refusal counts' '
	scene chain && for name in prepare-commit-msg commit-msg; do
		script ".git/hooks/$name" "echo \"$name \$*\" >>.git/t/ran" "test ! -e .git/t/refuse-$name" || return 1
	done && script .git/hooks/pre-push "echo \"pre-push \$*\" >>.git/t/ran" "cat >>.git/t/ran" \
		"test ! -e .git/t/refuse-pre-push" &&
	git migrate init >.git/t/out 2>&1 && tick && git commit -q --allow-empty -m x &&
	git init -q --bare ../chain.git && git push -q ../chain.git main &&
	zero=0000000000000000000000000000000000000000 && cat >.git/t/expect <<-END &&
	prepare-commit-msg .git/COMMIT_EDITMSG message
	commit-msg .git/COMMIT_EDITMSG
	pre-push ../chain.git ../chain.git
	refs/heads/main $(git rev-parse main) refs/heads/main $zero
	END
	test_cmp .git/t/expect .git/t/ran && touch .git/t/refuse-commit-msg &&
	test_must_fail git commit -q --allow-empty -m y && rm .git/t/refuse-commit-msg &&
	touch .git/t/refuse-prepare-commit-msg && test_must_fail git commit -q --allow-empty -m y &&
	rm .git/t/refuse-prepare-commit-msg && touch .git/t/refuse-pre-push &&
	test_must_fail git push -q ../chain.git main:other && rm .git/t/refuse-pre-push &&
	git push -q ../chain.git main:other
'

test_expect_success 'without git-migrate nothing is committed or pushed, and the way out works' '
	scene lost && script .git/hooks/pre-push "cat >/dev/null" && git migrate init >.git/t/out 2>&1 && mkdir .git/t/bin &&
	for tool in git cat rm mv dirname; do ln -s "$(command -v $tool)" .git/t/bin/$tool || return 1; done &&
	bare=$PWD/.git/t/bin && git init -q --bare ../lost.git &&
	test_must_fail env PATH="$bare" git commit -q --allow-empty -m x 2>.git/t/err &&
	has_line .git/t/err "error: git-migrate is not in the PATH, so this commit was not checked" &&
	undo=$(sed -n "s/^hint: Install it, or take this hook out: //p" .git/t/err) &&
	test "rm '\''.git/hooks/pre-commit'\''" = "$undo" && eval "$undo" &&
	test_must_fail env PATH="$bare" git commit -q --allow-empty -m x 2>.git/t/err &&
	eval "$(sed -n "s/^hint: Install it, or take this hook out: //p" .git/t/err)" && test ! -e .git/hooks/commit-msg &&
	env PATH="$bare" git commit -q --allow-empty -m x &&
	test_must_fail env PATH="$bare" git push ../lost.git main 2>.git/t/err &&
	has_line .git/t/err "error: git-migrate is not in the PATH, so this push was not checked" &&
	eval "$(sed -n "s/^hint: Install it, or take this hook out: //p" .git/t/err)" &&
	env PATH="$bare" git push -q ../lost.git main && test ! -e .git/hooks/pre-push.before-migrate
'

test_done
