#!/bin/sh

test_description='real pushes: file, ssh and HTTP, quarantine, alternates, many refs, odd options'

. "$(dirname "$0")/lib.sh"

# --- scenes -------------------------------------------------------------------

# In the clone "app" the branches good (adds a migration) and bad (edits a landed one,
# and brings an object of its own).
test_expect_success 'setup' '
	git init -q --bare -b main base.git &&
	make_repo app && cd app &&
	new_migration a "CREATE TABLE a (x);" &&
	git push -q ../base.git main &&
	git checkout -q -b good && new_migration b "CREATE TABLE b (x);" &&
	git checkout -q -b bad main && echo "-- later" >>migrations/a.sql && tick &&
	git commit -q -am "edit what landed" && git checkout -q main &&
	lost=$SHARNESS_TRASH_DIRECTORY/lost && mkdir "$lost" &&
	ln -s "$(command -v git)" "$(command -v cat)" "$lost"
'

# server NAME: a copy of the server, with our hook; its folder is in $server.
server() {
	server=$SHARNESS_TRASH_DIRECTORY/$1
	cp -R "$SHARNESS_TRASH_DIRECTORY/base.git" "$server" &&
	git -C "$server" migrate init >out 2>err && grep "^installed hooks: " out
}

# state: all that a push could leave behind; of the cache see below
state() {
	git --git-dir="$server" for-each-ref &&
	git --git-dir="$server" config --list --local &&
	(cd "$server" && find . -type f ! -path ./migrate/plan | sort)
}

# refuses ARGUMENT...: the push must be refused by our rule, and leave nothing.
refuses() {
	state >before &&
	test_must_fail git push "$@" >out 2>err &&
	sed "s/ *\$//" err >trimmed &&
	grep "^remote: error: migration .a.sql. was edited after it landed \[edited\]" trimmed &&
	grep "^remote: hint: " trimmed &&
	grep "^remote: the push was refused; nothing was changed" trimmed &&
	state >after && test_cmp before after &&
	test_must_fail git --git-dir="$server" cat-file -e "$(git rev-parse bad)"
}

# takes ARGUMENT...: the push must be taken, and nothing be said of it.
takes() {
	git push "$@" >out 2>err || {
		cat err
		return 1
	}
	! grep "^remote: " err
}

both() {
	refuses "$1" bad:main && takes "$1" good:main
}

# --- ways to a server -----------------------------------------------------------

test_expect_success 'a path' '
	server path.git && both "$server"
'

test_expect_success 'a file:// URL' '
	server url.git && both "file://$server"
'

test_expect_success 'ssh: what runs is what sshd would run, with its environment' '
	cat >ssh <<-\END &&
	#!/bin/sh
	for command; do :; done
	exec env -i PATH="$PATH" HOME="$HOME" SSH_CONNECTION=here sh -c "$command"
	END
	chmod +x ssh && server ssh.git &&
	GIT_SSH_COMMAND="'\''$PWD/ssh'\''" && GIT_SSH_VARIANT=ssh && export GIT_SSH_COMMAND GIT_SSH_VARIANT &&
	both "ssh://git@server.example$server" &&
	unset GIT_SSH_COMMAND GIT_SSH_VARIANT
'

if start_http "$SHARNESS_TRASH_DIRECTORY"; then
	test_set_prereq HTTP
fi

test_expect_success HTTP 'smart HTTP' '
	server http.git && git -C "$server" config http.receivepack true &&
	both "$http/http.git"
'

test_expect_success HTTP 'smart HTTP, in pieces' '
	server pieces.git && git -C "$server" config http.receivepack true &&
	git checkout -q -b large good &&
	awk "BEGIN { srand(1); for (i = 0; i < 40000; i++) print rand() }" >noise &&
	git add noise && tick && git commit -q -m noise &&
	git config http.postBuffer 65536 && GIT_CURL_VERBOSE=1 takes "$http/pieces.git" large:main &&
	grep -i "transfer-encoding: chunked" err && git config --unset http.postBuffer &&
	git checkout -q main
'

# --- where objects are ------------------------------------------------------------

test_expect_success 'objects that are borrowed from another repository' '
	git clone -q --bare --shared ../base.git shared.git &&
	server=$PWD/shared.git && git -C "$server" migrate init >out 2>&1 &&
	test -s "$server/objects/info/alternates" &&
	test -z "$(find "$server/objects" -type f -name "??????????????????????????????????????")" &&
	both "$server"
'

test_expect_success 'objects of a fork of a fork' '
	git clone -q --bare --shared shared.git forkfork.git &&
	server=$PWD/forkfork.git && git -C "$server" migrate init >out 2>&1 &&
	git -C "$server" update-ref refs/heads/main $(git rev-parse main) &&
	both "$server"
'

test_expect_success 'objects that are borrowed by a relative path' '
	git init -q --bare -b main fork.git && server=$PWD/fork.git &&
	echo ../../../base.git/objects >"$server/objects/info/alternates" &&
	git -C "$server" update-ref refs/heads/main $(git rev-parse main) &&
	git -C "$server" migrate init >out 2>&1 && both "$server"
'

test_expect_success 'a fork of that one, by a relative path too, and one by an absolute path' '
	git init -q --bare -b main second.git && server=$PWD/second.git &&
	echo ../../fork.git/objects >"$server/objects/info/alternates" &&
	git -C "$server" update-ref refs/heads/main $(git rev-parse main) &&
	git -C "$server" migrate init >out 2>&1 && both "$server" &&
	git init -q --bare -b main third.git && server=$PWD/third.git &&
	echo "$PWD/fork.git/objects" >"$server/objects/info/alternates" &&
	git -C "$server" update-ref refs/heads/main $(git rev-parse main) &&
	git -C "$server" migrate init >out 2>&1 && both "$server"
'

test_expect_success 'from a shallow clone: on what is there, and not without it' '
	server=$SHARNESS_TRASH_DIRECTORY/whole.git && git clone -q --bare . "$server" &&
	git -C "$server" symbolic-ref HEAD refs/heads/good && git -C "$server" migrate init >out 2>&1 &&
	git clone -q --depth 1 -b good "file://$server" shallow && cd shallow &&
	new_migration c "CREATE TABLE c (x);" && takes "$server" HEAD:good &&
	server=$SHARNESS_TRASH_DIRECTORY/empty.git && git init -q --bare -b main "$server" &&
	git -C "$server" migrate init >out 2>&1 && git -C "$server" config receive.shallowUpdate true &&
	state >before && test_must_fail git push "$server" HEAD:main 2>err &&
	grep "^remote: error: .* is missing from the repository" err &&
	grep "^remote: hint: .*shallow clone.*git fetch --unshallow" err &&
	state >after && test_cmp before after &&
	git fetch -q --unshallow && takes "$server" HEAD:main &&
	cd .. && rm -rf shallow
'

test_expect_success 'a path that git has to quote' '
	server "a \"b: c.git" && both "$server" &&
	git checkout -q -b more good && new_migration more "CREATE TABLE more (x);" &&
	takes "$server" more:main && git checkout -q main
'

test_expect_success 'packed and unpacked alike' '
	server packed.git && git -C "$server" config receive.unpackLimit 1 &&
	refuses "$server" bad:main && takes "$server" good:main &&
	ls "$server"/objects/pack/*.pack &&
	server loose.git && git -C "$server" config receive.unpackLimit 1000 &&
	git -C "$server" config transfer.fsckObjects true && both "$server"
'

# --- kinds of pushes ----------------------------------------------------------------

test_expect_success 'several refs, one of which is refused: none is taken' '
	server several.git &&
	refuses "$server" bad:main good:other good:refs/tags/v1 &&
	refuses --atomic "$server" good:other bad:main &&
	takes --atomic "$server" good:main bad:other
'

test_expect_success 'push options are for others' '
	server options.git && git -C "$server" config receive.advertisePushOptions true &&
	refuses -o ci.skip -o migrate=no "$server" bad:main &&
	takes -o ci.skip "$server" good:main
'

test_expect_success 'git push --mirror' '
	server mirror.git && git clone -q --mirror "$server" copy.git &&
	git push -q "$server" bad:refs/heads/side && git -C copy.git fetch -q &&
	git -C copy.git fetch -q ../. good:main bad:odd &&
	(cd copy.git && takes --mirror "$server") &&
	git -C "$server" rev-parse main odd >actual && git rev-parse good bad >expect &&
	test_cmp expect actual &&
	git -C copy.git update-ref -d refs/heads/main && state >before &&
	test_must_fail git -C copy.git push --mirror "$server" 2>err &&
	grep "^remote: error: the protected branch .refs/heads/main. cannot be deleted \[branch\]" err &&
	state >after && test_cmp before after
'

test_expect_success 'from a shallow clone: of what the server has' '
	server shallow.git && git clone -q --depth 1 "file://$server" shallow 2>err &&
	(cd shallow && new_migration b "CREATE TABLE b (x);" && takes origin main &&
	echo "-- later" >>migrations/b.sql && tick && git commit -q -am "edit" &&
	test_must_fail git push origin main 2>err && grep "migration .b.sql. was edited" err)
'

test_expect_success 'a shallow history is no history of the protected branch' '
	git init -q --bare -b main grafted.git && server=$PWD/grafted.git &&
	git -C "$server" migrate init >out 2>&1 &&
	git -C "$server" config receive.shallowUpdate true &&
	git clone -q --depth 1 --branch good "file://$PWD" boundary 2>err &&
	(cd boundary && state >before && test_must_fail git push "$server" HEAD:main 2>err &&
	grep "^remote: error: refs/heads/main: object .* is missing from the repository" err && state >after && test_cmp before after &&
	git push "$server" HEAD:side 2>err)
'

test_expect_success 'thousands of refs, and a hook before ours that reads none of it' '
	server many.git && git -C "$server" migrate init --hooks=remove >out &&
	printf "#!/bin/sh\nread -r line\ntest -n \"\$line\"\n" >"$server/hooks/pre-receive" &&
	chmod +x "$server/hooks/pre-receive" && git -C "$server" migrate init >out 2>&1 &&
	clone=$PWD/many && make_repo "$clone" && git -C "$clone" fetch -q .. main good bad &&
	good=$(git rev-parse good) && git rev-parse main good bad >ids &&
	seq 2500 | sed "s,.*,create refs/heads/topic/& $good," >refs &&
	git -C "$clone" fetch -q "$PWD" main good bad &&
	git -C "$clone" update-ref --stdin <refs &&
	git -C "$clone" update-ref refs/heads/main $good &&
	(cd "$clone" && git fetch -q "$OLDPWD" bad:bad &&
	refuses "$server" "refs/heads/topic/*:refs/heads/topic/*" bad:main &&
	takes "$server" "refs/heads/topic/*:refs/heads/topic/*" main:main) &&
	test 2501 = "$(git -C "$server" for-each-ref | wc -l)"
'

# --- hooks elsewhere ----------------------------------------------------------------

test_expect_success 'core.hooksPath of the repository is where the hook goes' '
	server own-path.git && git -C "$server" migrate init --hooks=remove >out &&
	git -C "$server" config core.hooksPath "$PWD/own hooks" &&
	git -C "$server" migrate init >out 2>&1 && test -x "own hooks/pre-receive" &&
	test ! -e "$server/hooks/pre-receive" && both "$server" &&
	git -C "$server" migrate init --hooks=remove >out && test ! -e "own hooks" &&
	takes "$server" +bad:main
'

test_expect_success 'core.hooksPath of the whole server: the lines that are told, by hand' '
	server all.git && git -C "$server" migrate init --hooks=remove >out &&
	mkdir all-hooks && git config --global core.hooksPath "$PWD/all-hooks" &&
	test_when_finished "git config --global --unset core.hooksPath" &&
	git -C "$server" migrate init >out 2>err &&
	grep "^warning: no hook was installed: .*all-hooks. (core.hooksPath) is not this repository.s own" err &&
	test -z "$(ls -A all-hooks)" &&
	test_expect_code 1 git -C "$server" migrate init --hooks=server >asked 2>err &&
	grep "^error: hooks are run from .*all-hooks" err && grep "^hint: " err &&
	{ echo "#!/bin/sh" && sed -n "s/^    //p" out && echo "cat >\"$PWD/seen\""; } >all-hooks/pre-receive &&
	chmod +x all-hooks/pre-receive && both "$server" &&
	echo "$(git rev-parse main) $(git rev-parse good) refs/heads/main" >expect && test_cmp expect seen
'

test_expect_success 'a repository with a work tree that takes pushes' '
	make_repo live && server=$PWD/live/.git &&
	git push -q live main:main 2>err || git -C live config receive.denyCurrentBranch updateInstead &&
	git push -q live main:main && git -C live migrate init --hooks=server >out 2>err &&
	grep "^installed hooks: pre-receive\$" out && git -C live config migrate.branch main &&
	refuses live bad:main && takes live good:main && test -f live/migrations/b.sql
'

test_expect_success 'the update hook judges each ref by itself, after the one before it' '
	server update.git && git -C "$server" migrate init --hooks=remove >out &&
	cp "$top_srcdir/hooks/update" "$server/hooks/update" && chmod +x "$server/hooks/update" &&
	printf "#!/bin/sh\necho \"\$*\" >>seen\ntest \"\$1\" != refs/heads/closed\n" >"$server/hooks/update.before-migrate" &&
	chmod +x "$server/hooks/update.before-migrate" &&
	test_must_fail git push "$server" bad:main good:closed good:side 2>err &&
	grep "^remote: error: migration .a.sql. was edited after it landed \[edited\]" err &&
	git -C "$server" for-each-ref --format="%(refname)" >actual &&
	printf "%s\n" refs/heads/main refs/heads/side >expect && test_cmp expect actual &&
	git -C "$server" rev-parse main >actual && git rev-parse main >expect && test_cmp expect actual &&
	has_line "$server/seen" "refs/heads/main $(git rev-parse main) $(git rev-parse bad)" &&
	takes "$server" good:main &&
	test_must_fail env PATH="$lost" git push "$server" main:other 2>err &&
	grep "^remote: error: git-migrate is not in the PATH of the server, so no push is taken" err
'

# --- without the program --------------------------------------------------------------

test_expect_success 'a server that lost git-migrate takes nothing, and says why' '
	server lost.git && state >before && test_must_fail env PATH="$lost" git push "$server" good:main 2>err &&
	sed "s/ *\$//" err >trimmed &&
	has_line trimmed "remote: error: git-migrate is not in the PATH of the server, so no push is taken" &&
	grep "^remote: hint: Ask who runs the server to install it, or to take out the hook hooks/pre-receive" trimmed &&
	state >after && test_cmp before after && takes "$server" good:main
'

test_expect_success 'a crash of the program is a refusal' '
	server crash.git && mkdir crash && printf "#!/bin/sh\nkill -SEGV \$\$\n" >crash/git-migrate &&
	chmod +x crash/git-migrate && state >before &&
	test_must_fail env PATH="$PWD/crash:$PATH" git push "$server" good:main 2>err &&
	grep "pre-receive hook declined" err && state >after && test_cmp before after
'

test_done
