#!/bin/sh

test_description='every kind of repository: the same plan, or an error that says how'

. "$(dirname "$0")/lib.sh"

needs_tool sqlite3

# add NAME...: each in a commit of its own.
add() {
	for add_name in "$@"; do
		new_migration "$add_name" "CREATE TABLE $add_name (x int);" || return 1
	done
}

# same_plan [COMMAND...]: what it prints (git migrate plan --porcelain and --json
# by default) is what the repository "origin" has.
same_plan() {
	if test $# = 0; then
		git migrate plan --porcelain >"$top/actual" &&
		git migrate plan --json >>"$top/actual"
	else
		"$@" migrate plan --porcelain >"$top/actual" &&
		"$@" migrate plan --json >>"$top/actual"
	fi &&
	test_cmp "$top/plan" "$top/actual" &&
	"${@:-git}" migrate plan --verify >"$top/out"
}

# same_status COMMAND...: and so is the status
same_status() {
	"$@" migrate status --porcelain >"$top/actual" 2>"$top/err" &&
	test_cmp "$top/status" "$top/actual"
}

# fails CODE COMMAND...: with the messages in $top/expect, whole, and no output
fails() {
	test_expect_code "$@" >"$top/out" 2>"$top/err" &&
	test_must_be_empty "$top/out" &&
	test_cmp "$top/expect" "$top/err"
}

test_expect_success 'setup: a merge, an edit, a fix; some of it applied' '
	top=$PWD &&
	make_repo origin &&
	cd origin &&
	git config uploadpack.allowFilter true &&
	git config uploadpack.allowAnySHA1InWant true &&
	git migrate init "sqlite:$top/app.db" >"$top/out" 2>&1 &&
	commit_file README text &&
	add c &&
	git checkout -q -b side &&
	add b y &&
	git checkout -q main &&
	add x &&
	tick && git merge -q --no-ff side &&
	git migrate apply >"$top/out" 2>&1 &&
	new_migration a "CREATE TABLE a (x int);" "mend c" "" "Fixes: c.sql" "Failure-Mode: short" &&
	commit_file README more &&
	git config --unset migrate.default.url &&
	git migrate plan --porcelain >"$top/plan" &&
	git migrate plan --json >>"$top/plan" &&
	git -c migrate.default.url="sqlite:$top/app.db" migrate status --porcelain >"$top/status" &&
	grep a.sql "$top/status" &&
	git config --global migrate.default.url "sqlite:$top/app.db" &&
	same_plan && same_status git
'

test_expect_success 'linked worktrees: one of the repository, one of a bare one, a moved one' '
	git worktree add -q --detach "$top/linked" &&
	same_plan git -C ../linked && same_status git -C ../linked &&
	git worktree move ../linked ../moved && same_plan git -C ../moved/migrations &&
	same_plan git --git-dir="$(git -C ../moved rev-parse --absolute-git-dir)" --work-tree=../moved &&
	git clone -q --bare . ../bare.git &&
	same_plan git -C ../bare.git && same_status git -C ../bare.git &&
	same_plan git --git-dir=../bare.git &&
	git -C ../bare.git worktree add -q --detach ../of-bare main &&
	same_plan git -C ../of-bare && same_status git -C ../of-bare &&
	git worktree remove ../moved
'

test_expect_success 'GIT_DIR, GIT_WORK_TREE, core.worktree, a gitfile, a folder below' '
	cd "$top" &&
	mkdir -p elsewhere/deep &&
	git --git-dir=origin/.git --work-tree=elsewhere reset -q --hard &&
	(GIT_DIR=origin/.git && export GIT_DIR && same_plan git &&
		GIT_WORK_TREE=elsewhere && export GIT_WORK_TREE && same_plan git && same_status git) &&
	(cd elsewhere/deep && GIT_DIR="$top/origin/.git" && GIT_WORK_TREE=.. &&
		export GIT_DIR GIT_WORK_TREE && same_plan git && same_status git) &&
	git clone -q --separate-git-dir=separate.git origin gitfile &&
	same_plan git -C gitfile && same_plan git -C gitfile/migrations &&
	test -f separate.git/migrate/plan &&
	git --git-dir=separate.git config core.worktree "$top/gitfile" &&
	same_plan git --git-dir=separate.git && same_status git --git-dir=separate.git &&
	cat >expect <<-END &&
	error: not a git repository: '\''nowhere'\''
	hint: Go into a repository, or make one with "git init".
	END
	fails 128 git --git-dir=nowhere migrate plan
'

test_expect_success 'GIT_COMMON_DIR, GIT_OBJECT_DIRECTORY, an index that is not there' '
	(cd origin && GIT_OBJECT_DIRECTORY="$top/origin/.git/objects" && export GIT_OBJECT_DIRECTORY &&
		same_plan git && same_status git) &&
	(cd origin && GIT_INDEX_FILE=nothing && export GIT_INDEX_FILE && same_plan git && same_status git)
'

test_expect_success 'a submodule: its own plan inside, none of the one above' '
	make_repo super &&
	cd super && add s &&
	git -c protocol.file.allow=always submodule --quiet add "$top/origin" sub 2>/dev/null &&
	git commit -q -m "a submodule" &&
	same_plan git -C sub && same_status git -C sub && same_plan git -C sub/migrations &&
	test -f .git/modules/sub/migrate/plan &&
	git migrate plan --porcelain | cut -d" " -f5 >"$top/actual" &&
	echo s.sql >"$top/expect" && test_cmp "$top/expect" "$top/actual" &&
	for path in sub sub/migrations; do
		cat >"$top/expect" <<-END &&
		error: '\''$path'\'' cannot hold migrations: it is a submodule [type]
		hint: Commit a real folder in its place.
		END
		fails 1 git -c migrate.path=$path migrate plan --porcelain || return 1
	done &&
	git rm -qf sub && git commit -q -m "none"
'

test_expect_success 'a submodule in the place of the folder' '
	git rm -rqf migrations && git commit -q -m "none" &&
	git -c protocol.file.allow=always submodule --quiet add "$top/origin" migrations 2>/dev/null &&
	git commit -q -m "a submodule" &&
	cat >"$top/expect" <<-\END &&
	error: '\''migrations'\'' cannot hold migrations: it is a submodule [type]
	hint: Commit a real folder in its place.
	END
	fails 1 git migrate plan --porcelain &&
	same_plan git -C migrations
'

test_expect_success 'alternates: shared, by reference, through two others, with a commit-graph there' '
	cd "$top" &&
	git clone -q --shared origin borrows && same_plan git -C borrows && same_status git -C borrows &&
	git clone -q --shared borrows again && same_plan git -C again &&
	git -C origin repack -adq &&
	git -C origin commit-graph write --reachable --changed-paths 2>/dev/null &&
	rm -rf borrows/.git/migrate again/.git/migrate &&
	same_plan git -C borrows && same_plan git -C again &&
	(cd borrows && add own && git commit-graph write --reachable --split 2>/dev/null &&
		git migrate plan --verify >"$top/out" && git migrate plan --porcelain | cut -d" " -f5 |
		tail -n 1 >"$top/actual") &&
	echo own.sql >expect && test_cmp expect actual &&
	git clone -q --reference origin "file://$PWD/bare.git" reference &&
	same_plan git -C reference &&
	git -c core.commitGraph=false clone -q --reference origin --dissociate "file://$PWD/bare.git" alone &&
	same_plan git -C alone && test ! -e alone/.git/objects/info/alternates &&
	echo ../../../origin/.git/objects >again/.git/objects/info/alternates &&
	same_plan git -C again
'

test_expect_success 'alternates that went away: an error, and no plan of half the files' '
	mv origin away && test_when_finished "mv away origin" &&
	test_expect_code 128 git -C borrows -c migrate.cache=false migrate plan >out 2>err &&
	test_must_be_empty out &&
	grep "^error: " err
'

test_expect_success 'sparse checkouts: cone, patterns, a sparse index' '
	git clone -q --no-local origin sparse &&
	cd sparse && mkdir .git/t &&
	git sparse-checkout set --cone nothing && test ! -e migrations &&
	same_plan && same_status git &&
	git sparse-checkout reapply --sparse-index && same_plan && same_status git &&
	git sparse-checkout set --no-cone "/migrations/a.sql" && test ! -e migrations/b.sql &&
	same_plan && same_status git &&
	git migrate show b >"$top/out" && grep "CREATE TABLE b" "$top/out" &&
	git sparse-checkout disable && same_plan
'

test_expect_success 'a partial clone without blobs: what is to run is fetched; offline it says how' '
	cd "$top" &&
	git clone -q --no-checkout --filter=blob:none "file://$PWD/origin" blobless &&
	cd blobless &&
	git migrate plan --porcelain >"$top/actual" &&
	head -n "$(wc -l <"$top/actual")" "$top/plan" >"$top/expect" &&
	test_cmp "$top/expect" "$top/actual" &&
	blob=$(git rev-parse HEAD:migrations/a.sql) &&
	cp "$top/app.db" "$top/copy.db" && git config migrate.default.url "sqlite:$top/copy.db" &&
	mv ../origin ../away && test_when_finished "test -d \"$top/origin\" || mv \"$top/away\" \"$top/origin\"" &&
	test_expect_code 128 git migrate apply >"$top/out" 2>"$top/err" &&
	grep "^error: migration .a.sql.: git cat-file failed: " "$top/err" &&
	grep "^hint: This is a partial clone, and the blob could not be fetched; .git cat-file blob $blob. tries it again" \
		"$top/err" &&
	mv ../away ../origin &&
	git migrate apply --porcelain >"$top/out" 2>"$top/err" && grep " a.sql\$" "$top/out" &&
	same_plan && git config --unset migrate.default.url && same_status git
'

test_expect_success 'a partial clone without trees: the error names what mends it' '
	cd "$top" &&
	git clone -q --no-checkout --filter=tree:0 "file://$PWD/origin" treeless &&
	cd treeless &&
	cat >"$top/expect" <<-END &&
	error: object $(git -C ../origin rev-parse HEAD^{tree}) is missing from the repository
	hint: This is a partial clone that lacks more than blobs; "git config remote.origin.partialCloneFilter blob:none && git fetch --refetch origin" brings the rest.
	END
	fails 128 git migrate plan &&
	fails 128 git migrate status &&
	git config remote.origin.partialCloneFilter blob:none && git fetch --refetch origin 2>"$top/err" &&
	same_plan && same_status git &&
	(cd ../origin && git checkout -q -b more && add later && git checkout -q main) &&
	git fetch -q origin && git migrate plan --porcelain origin/more >"$top/actual" &&
	git -C ../origin migrate plan --porcelain more >"$top/expect" &&
	test_cmp "$top/expect" "$top/actual"
'

# --- shallow ----------------------------------------------------------------------

# deep_enough DEPTH: a clone of that depth tells what it knows; the plan it prints
# holds every migration, and the order of those that lie behind its boundary is
# said to be unknown.
deep_enough() {
	rm -rf shallow &&
	git clone -q "$@" "file://$top/origin" shallow &&
	git -C shallow migrate plan --porcelain >actual 2>err &&
	cut -d" " -f2,5 actual | LC_ALL=C sort >names &&
	grep "^[0-9]" plan | cut -d" " -f2,5 | LC_ALL=C sort >expect &&
	test_cmp expect names &&
	unknown=$(grep -c " 0\{40\} " actual)
	if test 1 -lt "$unknown"; then
		grep "^warning: the order of $unknown migrations lies before what this shallow clone has" err
	else
		test_must_be_empty err
	fi &&
	grep -v " 0\{40\} " actual >known
	grep "^[0-9]" plan | cut -d" " -f2- >all &&
	cut -d" " -f2- known | while read -r line; do
		grep -qFx "$line" all || echo "not so: $line"
	done >wrong &&
	test_must_be_empty wrong
}

test_expect_success 'shallow, of every depth: nothing that is told is wrong' '
	cd "$top" &&
	for depth in 1 2 3 4 5 6 7; do
		deep_enough --depth $depth || return 1
	done &&
	deep_enough --shallow-since="$(git -C origin log -1 --format=%cd --date=raw HEAD~2)" &&
	deep_enough --shallow-exclude=side &&
	deep_enough --depth 1 --no-single-branch &&
	deep_enough --depth 1 --filter=blob:none
'

test_expect_success 'shallow: deepened step by step up to the whole' '
	deep_enough --depth 1 &&
	for n in 1 2 3 4 5 6 7 8; do
		git -C shallow fetch -q --deepen 1 &&
		git -C shallow migrate plan --porcelain >actual 2>err || return 1
	done &&
	grep "^[0-9]" plan >expect &&
	test_cmp expect actual && test_must_be_empty err &&
	same_plan git -C shallow
'

test_expect_success 'shallow: apply serves what it can and names the way where it cannot' '
	for depth in 1 2 3 4; do
		rm -rf shallow && cp app.db copy.db &&
		git clone -q --depth $depth "file://$top/origin" shallow &&
		code=0 &&
		{ git -C shallow -c migrate.default.url="sqlite:$top/copy.db" migrate apply >out 2>err ||
			code=$?; } &&
		case $code in
		0) git -C shallow -c migrate.default.url="sqlite:$top/copy.db" migrate status >out 2>err &&
			grep "6 applied, 0 pending\|5 applied, 0 pending" out ;;
		1) grep "^error: this clone is too shallow" err && grep "^hint: .*git fetch --unshallow" err &&
			cmp copy.db app.db ;;
		*) false ;;
		esac || { echo "depth $depth: $code" && cat out err && return 1; }
	done
'

# --- grafts and replace refs --------------------------------------------------------

test_expect_success 'replace refs: plan, status and check are as without' '
	git clone -q origin replaced && cd replaced &&
	git migrate check HEAD~3..HEAD >"$top/out" 2>&1 &&
	for how in "--graft HEAD" "--graft HEAD~1 HEAD~3" "HEAD~1 HEAD~4" \
		"-f HEAD^{tree} HEAD~4^{tree}" "HEAD:migrations HEAD~4:migrations" \
		"HEAD:migrations/a.sql HEAD:migrations/b.sql"; do
		git replace $how && git replace -l | grep . &&
		same_plan && same_status git &&
		rm -r .git/migrate && same_plan && same_status git &&
		git migrate check $(git --no-replace-objects rev-parse HEAD~3)..HEAD >"$top/out" 2>&1 &&
		git replace -d $(git replace -l) >"$top/out" || return 1
	done
'

test_expect_success 'replace refs: a commit-graph that was written before, or with them' '
	git commit-graph write --reachable --changed-paths 2>/dev/null &&
	git replace --graft HEAD~1 HEAD~3 && rm -r .git/migrate && same_plan && same_status git &&
	rm -f .git/objects/info/commit-graph &&
	git commit-graph write --reachable --changed-paths 2>/dev/null
	rm -r .git/migrate && same_plan && same_status git &&
	git replace -d $(git replace -l) >"$top/out" && same_plan
'

test_expect_success 'a grafts file' '
	mkdir -p .git/info &&
	for line in "$(git rev-parse HEAD)" "$(git rev-parse HEAD HEAD~3 | tr "\n" " ")" \
		"$(git rev-parse HEAD~2 HEAD HEAD | tr "\n" " ")" garbage; do
		echo $line >.git/info/grafts && rm -rf .git/migrate &&
		same_plan 2>"$top/err" && same_status git || return 1
	done &&
	rm .git/info/grafts
'

# --- whose it is ----------------------------------------------------------------------

test_expect_success ROOT 'another owner: in git'\''s own words, and safe.directory' '
	cd "$top" &&
	git clone -q origin foreign && chown -R 65533 foreign &&
	test_when_finished "git config --global --unset-all safe.directory || :" &&
	for command in plan "plan --verify" status apply log; do
		test_expect_code 128 git -C foreign migrate $command >out 2>err &&
		test_must_be_empty out &&
		has_line err "error: detected dubious ownership in repository at '\''$top/foreign'\''" &&
		grep "git config --global --add safe.directory" err || return 1
	done &&
	test ! -e foreign/.git/migrate &&
	same_plan git -C foreign -c safe.directory="*" &&
	git config --global safe.directory "$top/foreign" &&
	same_plan git -C foreign && same_plan git -C foreign/migrations &&
	git config --global safe.directory "$top/other" &&
	test_expect_code 128 git -C foreign migrate status >out 2>err &&
	git config --global safe.directory "*" &&
	same_plan git -C foreign && same_status git -C foreign &&
	git -C foreign config safe.directory "*" && git config --global --unset-all safe.directory &&
	test_expect_code 128 git -C foreign migrate plan >out 2>err
'

test_expect_success ROOT 'another owner: a bare repository, the .git alone' '
	git clone -q --bare origin foreign.git && chown -R 65533 foreign.git &&
	test_when_finished "git config --global --unset-all safe.directory || :" &&
	test_expect_code 128 git -C foreign.git migrate plan 2>err &&
	grep "^error: detected dubious ownership in repository at .$top/foreign.git." err &&
	git config --global safe.directory "$top/foreign.git" && same_plan git -C foreign.git &&
	git config --global --unset-all safe.directory &&
	git clone -q origin half && chown 65533 half/.git &&
	test_expect_code 128 git -C half migrate plan 2>err &&
	grep "^error: detected dubious ownership in repository at .$top/half." err &&
	git config --global safe.directory "$top/half" && same_plan git -C half &&
	git config --global --unset-all safe.directory
'

# --- what cannot be read ---------------------------------------------------------------

test_expect_success 'SHA-256: refused by name, by every command' '
	git init -q --object-format=sha256 new && cd new && mkdir migrations &&
	echo "SELECT 1;" >migrations/a.sql && git add . && git commit -q -m "add a" && cd .. &&
	cat >expect <<-\END &&
	error: cannot read this repository: its object format is '\''sha256'\''
	hint: Repositories of the sha1 format, git'\''s default, can be read.
	END
	for command in plan "plan --verify" "plan --merge HEAD" status apply log "check HEAD"; do
		fails 128 git -C new migrate $command || return 1
	done &&
	test ! -e new/.git/migrate
'

test_expect_success 'reftable: refused by name, before anything is read' '
	git clone -q origin tables &&
	git -C tables config core.repositoryFormatVersion 1 &&
	git -C tables config extensions.partialClone origin && same_plan git -C tables &&
	git -C tables config --unset extensions.partialClone &&
	rm -rf tables/.git/migrate &&
	git config -f tables/.git/config extensions.refStorage reftable &&
	for command in plan "plan --verify" status apply log "check HEAD"; do
		test_expect_code 128 git -C tables migrate $command >out 2>err &&
		test_must_be_empty out && grep "^error: .*\(reftable\|refstorage\)" err &&
		has_line err "hint: Repositories with the files backend, git'\''s default, can be read." ||
			return 1
	done &&
	test ! -e tables/.git/migrate &&
	git config -f tables/.git/config extensions.refStorage files &&
	{ git -C tables rev-parse --git-dir >out 2>&1 && same_plan git -C tables || :; } &&
	git config -f tables/.git/config --unset extensions.refStorage &&
	same_plan git -C tables
'

test_expect_success 'an extension and a version that nobody knows' '
	git config -f tables/.git/config extensions.nobodyKnows true &&
	test_expect_code 128 git -C tables migrate plan >out 2>err &&
	grep "^error: .*nobodyknows" err &&
	git config -f tables/.git/config --unset extensions.nobodyKnows &&
	git config -f tables/.git/config core.repositoryFormatVersion 99 &&
	test_expect_code 128 git -C tables migrate plan >out 2>err &&
	grep "^error: " err &&
	git config -f tables/.git/config core.repositoryFormatVersion 0 && same_plan git -C tables
'

test_expect_success 'a HEAD that is corrupt, points at nothing, is a ring' '
	git clone -q origin heads && same_plan git -C heads &&
	for head in garbage "" "ref: refs/heads/../x" "ref: " 0123456789012345678901234567890123456789; do
		printf "%s\n" "$head" >heads/.git/HEAD &&
		test_expect_code 128 git -C heads migrate plan >out 2>err &&
		test_must_be_empty out && grep "^error: " err || { echo "HEAD $head" && return 1; }
	done &&
	cat >expect <<-\END &&
	error: revision '\''HEAD'\'': object 0123456789012345678901234567890123456789 is missing from the repository
	hint: "git fsck" tells what else is; a fetch from a whole clone (git fetch --refetch) brings it back.
	END
	fails 128 git -C heads migrate plan &&
	echo "ref: refs/heads/none" >heads/.git/HEAD &&
	cat >expect <<-\END &&
	error: there is no commit yet
	hint: Write a migration with "git migrate new <name>", and commit it.
	END
	fails 128 git -C heads migrate plan &&
	git -C heads migrate plan --porcelain origin/main >actual &&
	grep "^[0-9]" plan >expect && test_cmp expect actual &&
	echo "ref: refs/heads/main" >heads/.git/HEAD &&
	echo "ref: refs/heads/main" >heads/.git/refs/heads/main &&
	test_expect_code 128 git -C heads migrate plan >out 2>err && grep "^error: " err &&
	rm heads/.git/refs/heads/main &&
	echo "not an id" >heads/.git/refs/heads/main &&
	test_expect_code 128 git -C heads migrate plan >out 2>err && grep "^error: " err &&
	git -C origin rev-parse main >heads/.git/refs/heads/main && same_plan git -C heads
'

test_expect_success 'a pack that is missing, cut short, without its index' '
	git clone -q --no-local origin packs && same_plan git -C packs &&
	pack=$(ls packs/.git/objects/pack/*.pack) && index=${pack%.pack}.idx &&
	broken() {
		test_expect_code 128 git -C packs migrate plan >out 2>err &&
		test_must_be_empty out && grep "^error: " err
	} &&
	for cache in warm cold; do
		test $cache = warm || rm -r packs/.git/migrate || return 1
		mv $index kept && broken && mv kept $index &&
		mv $pack kept && broken &&
		head -c 100 kept >$pack && broken && rm -f $pack && mv kept $pack || return 1
	done &&
	same_plan git -C packs
'

test_expect_success 'one object that is missing: named, with a way out' '
	git clone -q --no-local origin holes && git -C holes repack -adq &&
	mv holes/.git/objects/pack/*.pack pack && rm -f holes/.git/objects/pack/* &&
	git -C holes unpack-objects -q <pack &&
	for what in HEAD~3 HEAD:migrations; do
		id=$(git -C holes rev-parse $what) &&
		file=holes/.git/objects/$(echo $id | sed "s|^..|&/|") &&
		mv $file kept && rm -rf holes/.git/migrate &&
		cat >expect <<-END &&
		error: object $id is missing from the repository
		hint: "git fsck" tells what else is; a fetch from a whole clone (git fetch --refetch) brings it back.
		END
		fails 128 git -C holes migrate plan --porcelain &&
		mv kept $file && same_plan git -C holes || return 1
	done
'

test_done
