#!/bin/sh

test_description='settings that git has listed once are not asked for again'

. "$(dirname "$0")/lib.sh"

# asks NUMBER COMMAND...: so many children of git are started for it
asks() {
	asks_nr=$1 &&
	shift &&
	rm -f "$SHARNESS_TRASH_DIRECTORY/trace" &&
	GIT_TRACE_MIGRATE="$SHARNESS_TRASH_DIRECTORY/trace" "$@" \
		>"$SHARNESS_TRASH_DIRECTORY/out" &&
	if ! grep -q "children=$asks_nr\$" "$SHARNESS_TRASH_DIRECTORY/trace"; then
		cat "$SHARNESS_TRASH_DIRECTORY/trace"
		return 1
	fi
}

# once_more COMMAND...: git is asked, and then no more
once_more() {
	asks 1 "$@" && asks 0 "$@"
}

# always COMMAND...: git is asked each time
always() {
	asks 1 "$@" && asks 1 "$@"
}

plan() {
	git-migrate plan --porcelain
}

kept=.git/migrate/config

test_expect_success 'the second time nobody is asked, and the plan is the same' '
	fresh app && new_migration one "CREATE TABLE one (x);" && rm -rf .git/migrate &&
	once_more plan && cp "$SHARNESS_TRASH_DIRECTORY/out" .git/t/first &&
	asks 0 git migrate plan --porcelain &&
	test_cmp .git/t/first "$SHARNESS_TRASH_DIRECTORY/out" &&
	grep one.sql .git/t/first
'

test_expect_success 'a setting of the clone, of the user, and of the other file of theirs' '
	git config migrate.path elsewhere && once_more plan &&
	test_must_be_empty "$SHARNESS_TRASH_DIRECTORY/out" &&
	git config --unset migrate.path && once_more plan &&
	git config --global migrate.path elsewhere && once_more plan &&
	test_must_be_empty "$SHARNESS_TRASH_DIRECTORY/out" &&
	git config --global --unset migrate.path && once_more plan &&
	mkdir -p "$HOME/.config/git" && asks 0 plan &&
	printf "[migrate]\n\tpath = elsewhere\n" >"$HOME/.config/git/config" &&
	test_when_finished "rm -r \"$HOME/.config\"" &&
	once_more plan && test_must_be_empty "$SHARNESS_TRASH_DIRECTORY/out" &&
	asks 1 env XDG_CONFIG_HOME="$PWD/.git/t" git-migrate plan --porcelain &&
	grep one.sql "$SHARNESS_TRASH_DIRECTORY/out"
'

test_expect_success 'a change that leaves the size and the time of a file as they were' '
	git config migrate.path 12345678 && touch -d 2020-01-01 .git/config && once_more plan &&
	sed "s/12345678/87654321/" .git/config >.git/t/config &&
	cat .git/t/config >.git/config && touch -d 2020-01-01 .git/config && once_more plan &&
	git config --unset migrate.path && once_more plan
'

test_expect_success 'what the command line and the environment say goes to git' '
	asks 1 git -c migrate.path=elsewhere migrate plan --porcelain &&
	test_must_be_empty "$SHARNESS_TRASH_DIRECTORY/out" &&
	asks 1 env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=migrate.path \
		GIT_CONFIG_VALUE_0=elsewhere git-migrate plan --porcelain &&
	test_must_be_empty "$SHARNESS_TRASH_DIRECTORY/out" &&
	asks 1 env GIT_CONFIG_GLOBAL=/dev/null git-migrate plan --porcelain &&
	asks 0 plan && grep one.sql "$SHARNESS_TRASH_DIRECTORY/out"
'

test_expect_success 'a file that is included may change, or come: git is asked' '
	git config include.path "$PWD/.git/t/more" && always plan &&
	printf "[migrate]\n\tpath = elsewhere\n" >.git/t/more && always plan &&
	test_must_be_empty "$SHARNESS_TRASH_DIRECTORY/out" &&
	git config --unset include.path &&
	git config includeIf.onbranch:main.path "$PWD/.git/t/more" && always plan &&
	git config --unset includeIf.onbranch:main.path && plan && asks 0 plan
'

test_expect_success 'another git, and one whose file for the whole system is not known' '
	mkdir -p .git/t/bin &&
	printf "#!/bin/sh\nexec \"%s\" \"\$@\"\n" "$(command -v git)" >.git/t/bin/git &&
	chmod +x .git/t/bin/git && asks 0 plan &&
	asks 1 env PATH="$PWD/.git/t/bin:$PATH" git-migrate plan --porcelain &&
	asks 0 env PATH="$PWD/.git/t/bin:$PATH" git-migrate plan --porcelain &&
	(
		unset GIT_CONFIG_NOSYSTEM &&
		PATH="$PWD/.git/t/bin:$PATH" &&
		if ! git config --system --list >.git/t/system 2>&1; then
			always plan
		fi
	) &&
	once_more plan
'

test_expect_success 'secrets of others are not kept, and only the user reads it' '
	git config http.https://example.com/.extraHeader "secret: one" &&
	git config url.https://secret@example.com/.insteadOf https://example.com/ &&
	git config alias.secret log && once_more plan &&
	test 600 = "$(stat -c %a $kept)" &&
	! grep -a secret $kept && grep -a core.bare $kept
'

test_expect_success 'cut short, garbage, a folder, a link: as good as none' '
	cp $kept .git/t/good && plan >.git/t/expect &&
	for len in 0 10 64 65 100; do
		head -c $len .git/t/good >$kept && once_more plan &&
		test_cmp .git/t/expect "$SHARNESS_TRASH_DIRECTORY/out" || return 1
	done &&
	sed "s/core.bare/core.bore/" .git/t/good >$kept && once_more plan &&
	rm $kept && mkdir $kept && always plan && rmdir $kept &&
	cp .git/t/good .git/t/other && ln -s ../t/other $kept && once_more plan &&
	test ! -h $kept && asks 0 plan
'

test_expect_success 'migrate.cache=false keeps nothing' '
	git config migrate.cache false && rm $kept && always plan && test ! -e $kept &&
	git config --unset migrate.cache && once_more plan
'

test_expect_success 'a HEAD that git takes for none is git to judge, kept or not' '
	asks 0 plan && cp .git/HEAD .git/t/HEAD && echo nonsense >.git/HEAD &&
	test_expect_code 128 git-migrate plan 2>.git/t/err &&
	grep "^error: not a git repository" .git/t/err &&
	cp .git/t/HEAD .git/HEAD && asks 0 plan
'

test_expect_success ROOT 'whose it is, is judged by git: another owner, and a file of theirs' '
	asks 0 plan && chown 65534 $kept && once_more plan &&
	chown -R 65534 . && test_when_finished "chown -R 0 ." &&
	test_expect_code 128 git-migrate plan 2>.git/t/err &&
	grep "^error: detected dubious ownership" .git/t/err &&
	git config --global --add safe.directory "$PWD" &&
	test_when_finished "git config --global --unset-all safe.directory" &&
	always plan && grep one.sql "$SHARNESS_TRASH_DIRECTORY/out"
'

test_expect_success 'a bare repository: one child, and none' '
	plan >.git/t/expect && git clone -q --bare . ../bare.git && (
		cd ../bare.git && once_more plan &&
		test_cmp ../app/.git/t/expect "$SHARNESS_TRASH_DIRECTORY/out" &&
		git config migrate.path elsewhere && once_more plan &&
		test_must_be_empty "$SHARNESS_TRASH_DIRECTORY/out" &&
		git config --unset migrate.path && once_more plan &&
		git config core.worktree ../app && asks 2 plan
	)
'

test_done
