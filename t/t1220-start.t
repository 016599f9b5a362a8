#!/bin/sh

test_description='what a command loads, and what it does without'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

# a libgit2 that cannot be loaded stands before the one that can
library=$(grep -ao 'libgit2\.so\.[0-9.]*' "$top_builddir/git-migrate" | head -n 1)
mkdir broken && : >"broken/$library" || exit 1

# without_library COMMAND...
without_library() {
	env LD_LIBRARY_PATH="$SHARNESS_TRASH_DIRECTORY/broken" "$@"
}

test_expect_success 'version, usage and completion are there without libgit2' '
	test -n "$library" &&
	without_library git-migrate --version &&
	without_library git-migrate -h &&
	without_library git-migrate status -h
'

test_expect_success 'a history cannot be read without it: says what is missing' '
	fresh without &&
	new_migration one "CREATE TABLE one (x);" &&
	git migrate plan --porcelain >.git/t/expect &&
	rm -r .git/migrate &&
	test_expect_code 128 without_library git migrate plan 2>.git/t/err &&
	grep "^error: could not load .$library.: ." .git/t/err &&
	grep "^hint: Repositories are read through libgit2: install the package" \
		.git/t/err &&
	test ! -e .git/migrate/plan &&
	git migrate plan --porcelain >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

# warm COMMAND...: as the same with everything there; and it needs no libgit2
warm() {
	git migrate "$@" >.git/t/first 2>&1 &&
	git -c migrate.cache=false migrate "$@" >.git/t/expect 2>&1 &&
	without_library git migrate "$@" >.git/t/actual 2>&1 &&
	test_cmp .git/t/expect .git/t/first &&
	test_cmp .git/t/expect .git/t/actual
}

# cold COMMAND...: it does need it
cold() {
	test_expect_code 128 without_library git migrate "$@" 2>.git/t/err &&
	grep "could not load .$library.: ." .git/t/err
}

test_expect_success 'nothing to do, and status: what is kept is enough' '
	fresh warm &&
	git migrate init "sqlite:.git/app.db" >.git/t/out 2>&1 &&
	new_migration one "CREATE TABLE one (x);" &&
	mkdir migrations/sub && new_migration sub/two "CREATE TABLE two (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	warm apply && warm status && warm status --json --all && warm status --porcelain &&
	warm plan --porcelain && warm plan && warm plan --json &&
	git pack-refs --all && warm apply &&
	git checkout -q --detach && warm status &&
	git checkout -q main && warm status
'

test_expect_success 'a commit more, another branch: read anew, and kept' '
	new_migration three "CREATE TABLE three (x);" &&
	cold status &&
	git migrate status --porcelain >.git/t/out && grep three.sql .git/t/out &&
	warm status --porcelain &&
	git checkout -q -b other HEAD^ && cold status && warm status --all &&
	git checkout -q main && git migrate apply >.git/t/out 2>&1 &&
	without_library git migrate status >.git/t/out &&
	warm apply && warm status
'

test_expect_success 'files that cannot be migrations are kept as well' '
	echo "SELECT 1;" >migrations/UPPER.SQL && ln -s one.sql migrations/link.sql &&
	git add -A && git commit -q --no-verify -m "not migrations" &&
	cold status && git migrate status >.git/t/out 2>&1 &&
	without_library git migrate status >.git/t/actual 2>&1 &&
	test_cmp .git/t/out .git/t/actual &&
	grep UPPER.SQL .git/t/out && grep link.sql .git/t/out &&
	git reset -q --hard HEAD^ && cold status && warm status
'

test_expect_success 'what was fetched of the mirror is seen' '
	git update-ref refs/notes/origin/migrate/default refs/notes/migrate/default &&
	git update-ref refs/notes/origin/migrate/other refs/notes/migrate/default &&
	warm status &&
	git update-ref -d refs/notes/migrate/default &&
	git pack-refs --all && warm status &&
	git update-ref refs/notes/migrate/default refs/notes/origin/migrate/default &&
	git update-ref -d refs/notes/origin/migrate/default &&
	git update-ref -d refs/notes/origin/migrate/other && warm status
'

test_expect_success 'refs of another kind are left to those that know them' '
	git symbolic-ref refs/heads/alias refs/heads/main &&
	git symbolic-ref HEAD refs/heads/alias &&
	cold status && git migrate status >.git/t/out &&
	git symbolic-ref HEAD refs/heads/main && warm status &&
	git symbolic-ref HEAD refs/heads/nowhere &&
	test_expect_code 128 git migrate status 2>.git/t/err &&
	grep "^error: there is no commit yet" .git/t/err &&
	git symbolic-ref HEAD refs/heads/main &&
	git update-ref "refs/notes/od+d" refs/notes/migrate/default &&
	cold status && git migrate status >.git/t/out &&
	git update-ref -d "refs/notes/od+d" && warm status
'

test_expect_success 'a work tree of its own has a HEAD of its own' '
	git worktree add -q -b linked ../warm-linked &&
	(
		cd ../warm-linked && mkdir .t && warm_dir=$(git rev-parse --git-dir) &&
		new_migration five "CREATE TABLE five (x);" &&
		git migrate status --porcelain >.t/expect &&
		without_library git migrate status --porcelain >.t/actual &&
		test_cmp .t/expect .t/actual && test -f "$warm_dir/migrate/head"
	) &&
	warm status --porcelain && ! grep five.sql .git/t/expect
'

test_expect_success 'ahead is not told from missing without looking' '
	git checkout -q --detach HEAD^ &&
	git migrate status --porcelain >.git/t/out && grep "^ahead" .git/t/out &&
	cold status &&
	git checkout -q main && git migrate status >.git/t/out && warm status
'

test_expect_success 'settings of the tree, of the clone, and a folder elsewhere' '
	fresh settings &&
	git migrate init "sqlite:.git/app.db" >.git/t/out 2>&1 &&
	new_migration one "CREATE TABLE one (x);" && warm status --porcelain &&
	commit_file db/four.sql "CREATE TABLE four (x);" &&
	git config -f .gitmigrate migrate.path db && git add -A &&
	git commit -q -m "share another folder" &&
	cold status && warm status --porcelain && grep four.sql .git/t/expect &&
	git config migrate.path migrations &&
	cold status && warm status --porcelain && grep one.sql .git/t/expect &&
	git config --unset migrate.path &&
	warm status --porcelain && grep four.sql .git/t/expect
'

# children NUMBER COMMAND...: of git, are started where nothing is kept of its settings
children() {
	children_nr=$1 &&
	shift &&
	rm -f .git/migrate/config &&
	rm -f "$SHARNESS_TRASH_DIRECTORY/trace" &&
	GIT_TRACE_MIGRATE="$SHARNESS_TRASH_DIRECTORY/trace" "$@" >"$SHARNESS_TRASH_DIRECTORY/out" &&
	if ! grep -q "children=$children_nr\$" "$SHARNESS_TRASH_DIRECTORY/trace"; then
		cat "$SHARNESS_TRASH_DIRECTORY/trace"
		return 1
	fi
}

# plan_is NAME: the only one in it
plan_is() {
	cut -d" " -f5 "$SHARNESS_TRASH_DIRECTORY/out" >"$SHARNESS_TRASH_DIRECTORY/names" &&
	echo "$1.sql" >"$SHARNESS_TRASH_DIRECTORY/expect" &&
	test_cmp "$SHARNESS_TRASH_DIRECTORY/expect" "$SHARNESS_TRASH_DIRECTORY/names"
}

# Where each of two repositories, one in the other, could be meant.
test_expect_success 'at the top of a work tree one child is enough' '
	fresh outer && new_migration outer "CREATE TABLE outer (x);" &&
	mkdir -p inner/sub && make_repo inner && cd inner &&
	new_migration inner "CREATE TABLE inner (x);" &&
	children 1 git migrate plan --porcelain && plan_is inner &&
	cd sub && children 2 git migrate plan --porcelain && plan_is inner &&
	cd ../.. && children 1 git migrate plan --porcelain && plan_is outer &&
	cd inner && git checkout -q --detach &&
	children 1 git migrate plan --porcelain && plan_is inner &&
	git checkout -q main
'

test_expect_success 'what the environment or the settings say of the place goes to git' '
	children 2 env GIT_DIR=../.git git migrate plan --porcelain && plan_is outer &&
	children 2 env GIT_DIR=.git GIT_WORK_TREE=.. git migrate plan --porcelain &&
	plan_is inner &&
	children 1 env GIT_CEILING_DIRECTORIES="$PWD" git migrate plan --porcelain &&
	plan_is inner &&
	git config core.worktree .. &&
	children 2 git migrate plan --porcelain && plan_is inner &&
	git config --unset core.worktree &&
	git config --global core.worktree .. &&
	test_when_finished "git config --global --unset core.worktree" &&
	children 2 git migrate plan --porcelain && plan_is inner
'

test_expect_success 'other settings of the place: bare, without a word, of a work tree' '
	children 1 git migrate plan --porcelain && plan_is inner &&
	git config core.bare true && children 2 git migrate plan --porcelain &&
	git config --unset core.bare && children 2 git migrate plan --porcelain &&
	git config core.bare false && git config extensions.worktreeConfig true &&
	children 2 git migrate plan --porcelain && plan_is inner &&
	git config --unset extensions.worktreeConfig &&
	git worktree add -q --detach ../inner-linked && (
		cd ../inner-linked && children 2 git migrate plan --porcelain && plan_is inner
	) &&
	children 1 git migrate plan --porcelain
'

test_expect_success 'a folder .git that git takes for none is passed over as git does' '
	for what in HEAD refs objects; do
		mv .git/$what away && children 2 git migrate plan --porcelain &&
		plan_is outer && mv away .git/$what || return 1
	done &&
	cp .git/HEAD away &&
	echo nonsense >.git/HEAD && children 2 git migrate plan --porcelain &&
	plan_is outer &&
	cp away .git/HEAD && children 1 git migrate plan --porcelain && plan_is inner &&
	mv .git real && ln -s real .git &&
	children 2 git migrate plan --porcelain && plan_is inner &&
	rm .git && echo "gitdir: $PWD/real" >.git &&
	children 2 git migrate plan --porcelain && plan_is inner &&
	rm .git && mv real .git && children 1 git migrate plan --porcelain
'

test_expect_success 'a shallow clone, a format of its own, broken settings' '
	git clone -q --depth 1 "file://$PWD" ../inner-shallow && (
		cd ../inner-shallow && children 2 git migrate plan --porcelain && plan_is inner
	) &&
	git config core.repositoryFormatVersion 1 && cp .git/config config &&
	git config extensions.unheardOf true &&
	test_expect_code 128 git migrate plan 2>err &&
	grep "^error: .*unheardof" err &&
	cp config .git/config &&
	children 1 git migrate plan --porcelain && plan_is inner &&
	git config core.repositoryFormatVersion 0 &&
	echo "[broken" >>.git/config &&
	test_expect_code 128 git-migrate plan 2>err &&
	grep "^error: bad config line" err
'

test_expect_success ROOT 'whose it is, is judged by git before anything is read' '
	fresh foreign && new_migration foreign "CREATE TABLE foreign_one (x);" &&
	children 1 git migrate plan --porcelain && plan_is foreign &&
	chown -R 65534 . && test_when_finished "chown -R 0 ." &&
	test_expect_code 128 git migrate plan 2>.git/t/err &&
	grep "^error: detected dubious ownership" .git/t/err &&
	git config --global --add safe.directory "$PWD" &&
	test_when_finished "git config --global --unset-all safe.directory" &&
	children 1 git migrate plan --porcelain && plan_is foreign
'

# still_right: with `head` in whatever state it is
still_right() {
	timeout 20 git migrate status --json --all >.git/t/actual 2>&1 &&
	test_cmp .git/t/whole .git/t/actual &&
	timeout 20 git migrate plan --verify >.git/t/out
}

test_expect_success 'cut short, garbage, a folder, a pipe: as good as none' '
	cd ../warm && git migrate status --json --all >.git/t/whole 2>&1 &&
	head=.git/migrate/head && cp $head .git/t/good &&
	size=$(wc -c <$head) &&
	for len in 0 1 40 100 130 $((size / 2)) $((size - 1)); do
		head -c $len .git/t/good >$head && still_right &&
		cmp $head .git/t/good || return 1
	done &&
	echo more >>$head && still_right && cmp $head .git/t/good &&
	seq 10000 >$head && still_right &&
	rm $head && mkdir $head && still_right && rmdir $head &&
	mkfifo $head && still_right && cmp $head .git/t/good &&
	git -c migrate.cache=false migrate status --json --all >.git/t/actual 2>&1 &&
	test_cmp .git/t/whole .git/t/actual &&
	cp .git/migrate/plan $head && still_right && cmp $head .git/t/good
'

# seal FILE: its checksum is right again
seal() {
	{ head -n 1 "$1" && tail -n +3 "$1" | sha256sum | cut -c1-64 && tail -n +3 "$1"; } \
		>"$1.sealed" &&
	mv "$1.sealed" "$1"
}

test_expect_success 'made wrong, with a right checksum: plan --verify finds it' '
	cp .git/t/good $head && seal $head && cmp $head .git/t/good &&
	LC_ALL=C sed "s/three\.sql/throo.sql/" .git/t/good >$head && seal $head &&
	test_expect_code 1 git migrate plan --verify 2>.git/t/err &&
	grep "^error: the cache is wrong: the path of migration 3, .three.sql." .git/t/err &&
	grep "^hint: Take it away, it is made again: find .$PWD/.git/migrate. -maxdepth" .git/t/err &&
	mkdir -p .git/migrate/seen && eval "$(sed -n "s/^hint: .*: \(find .*delete\)\..*/\1/p" .git/t/err)" &&
	test seen = "$(ls .git/migrate)" && rm -r .git/migrate && still_right
'

test_expect_success 'any byte changed and sealed: it ends, and --verify tells' '
	from=$(head -n 2 .git/t/good | wc -c) && size=$(wc -c <.git/t/good) &&
	for at in $(seq $from ${FLIP_STEP:-7} $((size - 1))); do
		cp .git/t/good $head &&
		printf "\001" | dd of=$head bs=1 seek=$at conv=notrunc status=none &&
		seal $head && cp $head .git/t/changed &&
		code=0 && { timeout 20 git migrate status --json --all >.git/t/actual 2>&1 || code=$?; } &&
		cp .git/t/changed $head &&
		verified=0 && { timeout 20 git migrate plan --verify >.git/t/out 2>.git/t/err || verified=$?; } &&
		case $verified in
		0) test_cmp .git/t/whole .git/t/actual ;;
		1) test $code -lt 129 && grep "^error: the cache is wrong: " .git/t/err ;;
		*) echo "byte $at: status $code, verify $verified" && false ;;
		esac || return 1
	done &&
	rm $head && still_right
'

test_expect_success 'a shallow clone keeps nothing of it' '
	git clone -q --depth 1 "file://$PWD" ../warm-shallow &&
	cd ../warm-shallow && mkdir .git/t &&
	git config migrate.default.url "sqlite:$PWD/../warm/.git/app.db" &&
	cp -R ../warm/.git/migrate .git/migrate &&
	git migrate status >.git/t/out 2>&1 &&
	cold status
'

# new_files NAME...: those that status shows, whatever is kept of the folders
new_files() {
	printf "%s\n" "$@" | sed "/^\$/d" >.git/t/expect &&
	git migrate status --json >.git/t/status &&
	sed -n "s/.*\"path\": \"\(new[^\"]*\|sub\/new[^\"]*\)\".*/\1/p" .git/t/status \
		>.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
}

quiet_file=.git/migrate/quiet

test_expect_success 'folders in which nothing was new are read when they change' '
	fresh quiet && git migrate init "sqlite:.git/app.db" >.git/t/out 2>&1 &&
	new_migration one "CREATE TABLE one (x);" &&
	mkdir migrations/sub && new_migration sub/two "CREATE TABLE two (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	touch -d 2020-01-01 migrations migrations/sub && new_files "" &&
	grep "/migrations$" $quiet_file && grep "/migrations/sub$" $quiet_file &&
	echo "SELECT 1;" >migrations/new1.sql && new_files new1.sql &&
	echo "SELECT 1;" >migrations/sub/new2.sql && new_files new1.sql sub/new2.sql &&
	rm migrations/new1.sql migrations/sub/new2.sql &&
	touch -d 2020-01-01 migrations migrations/sub && new_files "" &&
	echo "SELECT 1;" >migrations/sub/new2.sql && new_files sub/new2.sql &&
	rm migrations/sub/new2.sql && touch -d 2020-01-01 migrations/sub && new_files "" &&
	mkdir migrations/sub/new && echo "SELECT 1;" >migrations/sub/new/3.sql &&
	new_files sub/new/3.sql && rm -r migrations/sub/new
'

test_expect_success 'and not before; for another commit they are' '
	echo "SELECT 1;" >migrations/new1.sql && new_files new1.sql &&
	printf "git-migrate %s %s\n" "$(git migrate --version | sed "s/.* //")" \
		"$(git rev-parse HEAD)" >$quiet_file &&
	stat -c "%d %i %.9Y %.9Z %n" "$PWD/migrations" "$PWD/migrations/sub" >>$quiet_file &&
	new_files "" &&
	cp $quiet_file .git/t/forged &&
	for len in 0 10 60 70 130; do
		head -c $len .git/t/forged >$quiet_file && new_files new1.sql || return 1
	done &&
	cp .git/t/forged $quiet_file && new_files "" &&
	git commit -q --allow-empty -m "another one" && new_files new1.sql &&
	git reset -q --hard HEAD^ && cp .git/t/forged $quiet_file && new_files "" &&
	git config migrate.cache false && new_files new1.sql &&
	git config --unset migrate.cache && rm migrations/new1.sql
'

test_expect_success 'a folder whose time is to come is read each time' '
	rm -f $quiet_file && touch -d 2020-01-01 migrations/sub && touch -d 2100-01-01 migrations &&
	new_files "" && test ! -e $quiet_file &&
	touch -d 2020-01-01 migrations && new_files "" && test -e $quiet_file
'

test_done
