#!/bin/sh

test_description='the order of the plan, on real histories'

. "$(dirname "$0")/lib.sh"

# fresh NAME: an empty repository; the current directory from then on.
fresh() {
	cd "$SHARNESS_TRASH_DIRECTORY" &&
	make_repo "$1" &&
	cd "$1"
}

# add NAME...: each in a commit of its own.
add() {
	for add_name in "$@"; do
		new_migration "$add_name" "SELECT '$add_name';" || return 1
	done
}

merge() {
	tick &&
	git merge -q --no-ff "$@" >/dev/null
}

# plan_is NAME... [-- REV]: the plan of HEAD has these migrations, in this order.
plan_is() {
	for plan_name in "$@"; do
		echo "$plan_name.sql"
	done >.git/expect &&
	git migrate plan --porcelain >.git/plan &&
	cut -d" " -f5- .git/plan >.git/actual &&
	test_cmp .git/expect .git/actual
}

# grows FROM: plan(FROM) is a prefix of plan(HEAD), and check says so.
grows() {
	git migrate plan --porcelain "$1" >.git/was &&
	git migrate plan --porcelain >.git/now &&
	head -n "$(wc -l <.git/was)" .git/now >.git/prefix &&
	test_cmp .git/was .git/prefix &&
	git migrate check "$1..HEAD"
}

test_expect_success 'linear' '
	fresh linear &&
	add 30 10 20 &&
	plan_is 30 10 20
'

test_expect_success '--porcelain: number, blob, bringing commit, arrival, path' '
	for n in 30:2 10:1 20:0; do
		name=${n%:*}.sql
		echo "$((3 - ${n#*:})) $(git rev-parse HEAD:migrations/$name)" \
			"$(git rev-parse HEAD~${n#*:}) $(git rev-parse HEAD~${n#*:}) $name" || return 1
	done >.git/expect &&
	git migrate plan --porcelain >.git/actual &&
	test_cmp .git/expect .git/actual
'

test_expect_success 'the plan of another commit, of a tag, of a branch' '
	git tag -a -m two two HEAD~1 &&
	git migrate plan --porcelain HEAD~1 >.git/expect &&
	git migrate plan --porcelain two >.git/actual &&
	test_cmp .git/expect .git/actual &&
	test $(wc -l <.git/actual) = 2 &&
	test_expect_code 128 git migrate plan nowhere 2>.git/err &&
	has_line .git/err "error: revision '\''nowhere'\'' names no commit"
'

test_expect_success 'a merge appends the side, however old and however named' '
	fresh merge &&
	add 10 &&
	git checkout -q -b side &&
	add 20 30 05 &&
	git checkout -q main &&
	add 25 &&
	plan_is 10 25 &&
	merge side &&
	plan_is 10 25 20 30 05 &&
	grows HEAD^ &&
	git migrate plan --porcelain | sed -n 3p >.git/actual &&
	echo "3 $(git rev-parse HEAD:migrations/20.sql) $(git rev-parse side~2) $(git rev-parse HEAD) 20.sql" \
		>.git/expect &&
	test_cmp .git/expect .git/actual
'

test_expect_success 'clocks do not matter' '
	fresh clocks &&
	lib_time=2000000000 &&
	add 10 &&
	lib_time=1112911993 &&
	git checkout -q -b side &&
	add 20 &&
	git checkout -q main &&
	lib_time=1900000000 &&
	add 25 &&
	lib_time=1112911993 &&
	merge side &&
	plan_is 10 25 20
'

test_expect_success 'a fast-forward' '
	fresh ff &&
	add 10 &&
	git checkout -q -b side &&
	add 05 30 &&
	git checkout -q main &&
	git merge -q --ff-only side &&
	plan_is 10 05 30 &&
	grows HEAD~2
'

test_expect_success 'a squash merge is bytewise inside its one commit' '
	fresh squash &&
	add 10 &&
	git checkout -q -b side &&
	add 30 20 &&
	git checkout -q main &&
	add 25 &&
	git merge -q --squash side >/dev/null &&
	git commit -q -m "squashed" &&
	plan_is 10 25 20 30 &&
	grows HEAD^
'

test_expect_success 'a rebase' '
	fresh rebase &&
	add 10 &&
	git checkout -q -b side &&
	add 30 20 &&
	git checkout -q main &&
	add 25 &&
	git rebase -q main side 2>/dev/null &&
	git checkout -q main &&
	git merge -q --ff-only side &&
	plan_is 10 25 30 20 &&
	grows HEAD~2
'

test_expect_success 'a cherry-pick to a release, and the release merged back' '
	fresh cherry &&
	add 10 &&
	git branch release &&
	add 20 30 &&
	git checkout -q release &&
	tick &&
	git cherry-pick main >/dev/null &&
	plan_is 10 30 &&
	git checkout -q main &&
	merge release &&
	plan_is 10 20 30 &&
	grows HEAD^
'

test_expect_success 'an octopus: by parent, each side in its own order' '
	fresh octopus &&
	add 10 &&
	for side in a b c; do
		git checkout -q -b $side main &&
		add ${side}2 ${side}1 || return 1
	done &&
	git checkout -q main &&
	merge c a b &&
	plan_is 10 c2 c1 a2 a1 b2 b1 &&
	grows HEAD^
'

test_expect_success 'criss-cross, with updates from main' '
	fresh criss &&
	add 10 &&
	git checkout -q -b f1 &&
	add 50 &&
	git checkout -q main &&
	git checkout -q -b f2 &&
	add 40 &&
	git checkout -q main &&
	add 20 &&
	git checkout -q f1 &&
	merge main &&
	git checkout -q f2 &&
	merge main &&
	git checkout -q main &&
	add 30 &&
	merge f1 &&
	plan_is 10 20 30 50 &&
	git checkout -q f2 &&
	merge main &&
	git checkout -q main &&
	merge f2 &&
	plan_is 10 20 30 50 40 &&
	grows HEAD^
'

test_expect_success 'sides that merged each other' '
	fresh nested &&
	add 10 &&
	git checkout -q -b inner &&
	add i1 &&
	git checkout -q -b outer main &&
	add o1 &&
	merge inner &&
	add o2 &&
	git checkout -q inner &&
	add i2 &&
	git checkout -q outer &&
	merge inner &&
	git checkout -q main &&
	merge outer &&
	plan_is 10 o1 i1 o2 i2
'

test_expect_success 'an edit on the side before the merge keeps the position, takes the blob' '
	fresh edit &&
	add 10 &&
	git checkout -q -b side &&
	add 20 30 &&
	commit_file migrations/20.sql "SELECT 2;" &&
	git checkout -q main &&
	add 25 &&
	merge side &&
	plan_is 10 25 20 30 &&
	git migrate plan --porcelain | sed -n 3p | cut -d" " -f2,3 >.git/actual &&
	echo "$(git rev-parse HEAD:migrations/20.sql) $(git rev-parse side~2)" >.git/expect &&
	test_cmp .git/expect .git/actual
'

test_expect_success 'an evil merge: what it adds itself comes last, brought by it' '
	fresh evil &&
	add 10 &&
	git checkout -q -b side &&
	add 20 &&
	git checkout -q main &&
	add 25 &&
	tick &&
	git merge -q --no-ff --no-commit side &&
	echo "SELECT 5;" >migrations/05.sql &&
	git add migrations &&
	git commit -q -m "merge, and more" &&
	plan_is 10 25 20 05 &&
	git migrate plan --porcelain | sed -n 4p | cut -d" " -f3 >.git/actual &&
	git rev-parse HEAD >.git/expect &&
	test_cmp .git/expect .git/actual &&
	grows HEAD^
'

test_expect_success 'the same path and content on two branches arrives once' '
	fresh same &&
	add 10 &&
	git checkout -q -b side &&
	add 20 30 &&
	git checkout -q main &&
	add 30 &&
	merge side &&
	plan_is 10 30 20 &&
	grows HEAD^
'

test_expect_success 'the same path with other content: taking theirs is an edit' '
	fresh theirs &&
	add 10 &&
	git checkout -q -b side &&
	commit_file migrations/20.sql "SELECT 1;" &&
	git checkout -q main &&
	commit_file migrations/20.sql "SELECT 2;" &&
	tick &&
	test_must_fail git merge -q side >/dev/null &&
	git checkout -q --theirs migrations/20.sql &&
	git commit -qam "theirs" &&
	plan_is 10 20 &&
	test_expect_code 1 git migrate check HEAD^..HEAD 2>.git/err &&
	has_line .git/err "error: migration '\''20.sql'\'' was edited after it landed [edited]" &&
	git reset -q --hard HEAD^ &&
	test_must_fail git merge -q side >/dev/null &&
	git checkout -q --ours migrations/20.sql &&
	git commit -qam "ours" &&
	git migrate check HEAD^..HEAD
'

test_expect_success 'a revert takes it out, the revert of that brings it at the end' '
	fresh revert &&
	add 10 20 30 &&
	git revert --no-edit HEAD~1 >/dev/null &&
	plan_is 10 30 &&
	test_expect_code 1 git migrate check HEAD^..HEAD 2>.git/err &&
	grep "^error: .*20.sql.* \[reverted\]$" .git/err &&
	git revert --no-edit HEAD >/dev/null &&
	plan_is 10 30 20 &&
	test_expect_code 1 git migrate check HEAD~2..HEAD 2>.git/err &&
	has_line .git/err "error: the order of landed migrations changed: '\''30.sql'\'' would come before '\''20.sql'\'' [reordered]"
'

test_expect_success 'unrelated histories' '
	fresh unrelated &&
	add 20 &&
	git checkout -q --orphan other &&
	git rm -rqf . &&
	add 10 05 &&
	git checkout -q main &&
	merge --allow-unrelated-histories other &&
	plan_is 20 10 05 &&
	grows HEAD^
'

test_expect_success 'a foxtrot reorders, and check says so' '
	fresh foxtrot &&
	add 10 &&
	git checkout -q -b work &&
	add 30 &&
	git checkout -q main &&
	add 20 &&
	git checkout -q work &&
	merge main &&
	plan_is 10 30 20 &&
	test_expect_code 1 git migrate check main..work 2>.git/err &&
	has_line .git/err "error: the merge is the wrong way round: '\''30.sql'\'' would come before '\''20.sql'\'' [foxtrot]" &&
	git checkout -q main &&
	merge work^1 &&
	plan_is 10 20 30 &&
	grows HEAD^
'

test_expect_success 'replace refs and grafts do not bend it' '
	fresh replace &&
	add 30 20 10 &&
	git migrate plan --porcelain >.git/expect &&
	git replace --graft HEAD &&
	test $(git rev-list --count HEAD) = 1 &&
	git migrate plan --porcelain >.git/actual &&
	test_cmp .git/expect .git/actual &&
	git replace -d $(git rev-parse HEAD) >/dev/null &&
	git replace HEAD~1 HEAD~2 &&
	git migrate plan --porcelain >.git/actual &&
	test_cmp .git/expect .git/actual &&
	git replace HEAD:migrations/10.sql HEAD:migrations/20.sql &&
	git migrate show 10 >.git/out &&
	grep "SELECT .10.;" .git/out &&
	git replace -l | xargs git replace -d >/dev/null &&
	mkdir -p .git/info &&
	git rev-parse HEAD >.git/info/grafts &&
	git migrate plan --porcelain >.git/actual 2>/dev/null &&
	test_cmp .git/expect .git/actual
'

test_expect_success 'the same plan after repack, clone, and with a commit-graph' '
	cd ../criss &&
	git migrate plan --porcelain >.git/expect &&
	git commit-graph write --reachable --changed-paths 2>/dev/null &&
	git migrate plan --porcelain >.git/actual &&
	test_cmp .git/expect .git/actual &&
	git repack -adq &&
	git migrate plan --porcelain >.git/actual &&
	test_cmp .git/expect .git/actual &&
	git clone -q --no-local . ../criss-clone &&
	git -C ../criss-clone migrate plan --porcelain >.git/actual &&
	test_cmp .git/expect .git/actual
'

test_expect_success 'several files in one commit are bytewise, subfolders too' '
	fresh bytewise &&
	mkdir -p migrations/a migrations/b &&
	for f in a.sql B.sql 10.sql 9.sql a/z.sql a-b.sql b/1.sql; do
		echo "SELECT 1;" >migrations/$f || return 1
	done &&
	echo "no migration" >migrations/README &&
	git add . &&
	git commit -q -m "all at once" &&
	git migrate plan --porcelain >.git/plan &&
	cut -d" " -f5- .git/plan >.git/actual &&
	cut -d" " -f5- .git/plan | LC_ALL=C sort >.git/expect &&
	test $(wc -l <.git/expect) = 7 &&
	test_cmp .git/expect .git/actual
'

test_expect_success 'Requires in a header takes what it names along, the rest stays' '
	fresh requires &&
	mkdir migrations &&
	printf -- "-- Requires: c.sql\nSELECT 1;\n" >migrations/a.sql &&
	echo "SELECT 2;" >migrations/b.sql &&
	echo "SELECT 3;" >migrations/c.sql &&
	echo "SELECT 4;" >migrations/d.sql &&
	git add . &&
	git commit -q -m "all at once" &&
	plan_is c a b d &&
	git migrate check 0000000..HEAD
'

test_expect_success 'a cycle of them is refused' '
	fresh cycle &&
	mkdir migrations &&
	printf -- "-- Requires: b.sql\nSELECT 1;\n" >migrations/a.sql &&
	printf -- "-- Requires: a.sql\nSELECT 2;\n" >migrations/b.sql &&
	git add . &&
	git commit -q -m "both at once" &&
	test_expect_code 1 git migrate plan >.git/out 2>.git/err &&
	grep "^error: migrations .\(a\|b\).sql. and .\(a\|b\).sql. require each other" .git/err &&
	grep "^hint: " .git/err
'

test_expect_success 'Requires of something later is refused' '
	fresh requires-later &&
	new_migration a "SELECT 1;" "add a" "" "Requires: b.sql" &&
	add b &&
	test_expect_code 1 git migrate check 0000000..HEAD 2>.git/err &&
	has_line .git/err "error: \"Requires: b.sql\" of migration '\''a.sql'\'' names one that comes later in the plan [later]" &&
	grep "^hint: " .git/err
'

test_expect_success 'migrate.path' '
	fresh path &&
	add 10 &&
	commit_file db/schema/20.sql "SELECT 20;" &&
	plan_is 10 &&
	git config migrate.path db/schema &&
	plan_is 20 &&
	git -c migrate.path=migrations migrate plan --porcelain | cut -d" " -f5 >.git/actual &&
	echo 10.sql >.git/expect &&
	test_cmp .git/expect .git/actual &&
	git migrate new later >.git/out 2>/dev/null &&
	echo db/schema/later.sql >.git/expect &&
	test_cmp .git/expect .git/out
'

test_expect_success 'migrate.path that is no folder of the tree' '
	for path in /abs ../up . .. a/../b; do
		test_expect_code 128 git -c migrate.path=$path migrate plan 2>.git/err &&
		has_line .git/err "error: migrate.path '\''$path'\'' is not a folder of the tree" &&
		grep "^hint: " .git/err || return 1
	done
'

test_expect_success '.gitmigrate of the tree sets the path, never a database' '
	fresh shared &&
	printf "[migrate]\n\tpath = db\n[migrate \"default\"]\n\turl = sqlite:evil.db\n" >.gitmigrate &&
	git add .gitmigrate &&
	commit_file db/10.sql "SELECT 10;" &&
	add 20 &&
	plan_is 10 &&
	rm .gitmigrate &&
	plan_is 10 &&
	git migrate target list --porcelain >.git/out &&
	test_must_be_empty .git/out &&
	test_expect_code 128 git migrate status 2>.git/err &&
	has_line .git/err "error: there is no target '\''default'\''" &&
	git config migrate.path migrations &&
	plan_is 20
'

test_expect_success 'a malformed .gitmigrate is an error that names it' '
	fresh malformed &&
	add 10 &&
	commit_file .gitmigrate "[migrate" &&
	test_expect_code 128 git migrate plan 2>.git/err &&
	grep "^error: .*\.gitmigrate" .git/err &&
	rm .gitmigrate &&
	git rm -q --cached .gitmigrate &&
	git commit -q -m "without" &&
	plan_is 10
'

# misfit PATH REASON: refused by name, and the others stay in the plan.
misfit() {
	test_expect_code 1 git migrate plan >.git/out 2>.git/err &&
	has_line .git/err "error: $1" &&
	grep "^hint: " .git/err &&
	test_expect_code 1 git migrate check HEAD^..HEAD 2>.git/err &&
	has_line .git/err "error: $1" &&
	git reset -q --hard HEAD^ &&
	git migrate plan >.git/out 2>.git/err &&
	test_must_be_empty .git/err
}

test_expect_success 'names that are refused' '
	fresh names &&
	add good &&
	commit_file "migrations/a b.sql" "SELECT 1;" &&
	misfit "file '\''migrations/a b.sql'\'' cannot be a migration: only letters, digits, '\''.'\'', '\''_'\'' and '\''-'\'' can stand in a name [name]" &&
	commit_file migrations/A.SQL "SELECT 1;" &&
	misfit "file '\''migrations/A.SQL'\'' cannot be a migration: the extension has to be '\''.sql'\'' in lower case [name]" &&
	commit_file migrations/.a.sql "SELECT 1;" &&
	misfit "file '\''migrations/.a.sql'\'' cannot be a migration: each part of a path has to begin with a letter or digit [name]" &&
	commit_file migrations/-a/b.sql "SELECT 1;" &&
	misfit "file '\''migrations/-a/b.sql'\'' cannot be a migration: each part of a path has to begin with a letter or digit [name]" &&
	commit_file migrations/GOOD.sql "SELECT 1;" &&
	test_expect_code 1 git migrate check HEAD^..HEAD 2>.git/err &&
	has_line .git/err "error: migrations '\''good.sql'\'' and '\''GOOD.sql'\'' differ in case alone [case]"
'

test_expect_success 'a name that ends in LF, and one of 201 bytes' '
	fresh odd &&
	add good &&
	long=$(printf "%0197d" 0) &&
	commit_file migrations/$long.sql "SELECT 1;" &&
	test_expect_code 1 git migrate plan >.git/out 2>.git/err &&
	grep "cannot be a migration: a path cannot be longer than 200 bytes" .git/err &&
	git reset -q --hard HEAD^ &&
	commit_file migrations/${long#0}.sql "SELECT 1;" &&
	git migrate plan >.git/out
'

test_expect_success 'a symbolic link and a submodule' '
	fresh types &&
	add good &&
	ln -s good.sql migrations/link.sql &&
	git add migrations &&
	git commit -q -m "link" &&
	misfit "'\''migrations/link.sql'\'' cannot be a migration: it is a symbolic link [type]" &&
	git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),migrations/sub.sql &&
	git commit -q -m "submodule" &&
	misfit "'\''migrations/sub.sql'\'' cannot be a migration: it is a submodule [type]"
'

test_expect_success 'an executable file is a migration' '
	echo "SELECT 1;" >migrations/run.sql &&
	git add --chmod=+x migrations/run.sql &&
	git commit -q -m "executable" &&
	plan_is good run
'

test_expect_success 'no folder at all, and a file in its place' '
	fresh nothing &&
	commit_file README text &&
	git migrate plan --porcelain >.git/out &&
	test_must_be_empty .git/out &&
	commit_file migrations "a file" &&
	test_expect_code 1 git migrate plan --porcelain >.git/out 2>.git/err &&
	test_must_be_empty .git/out &&
	grep "^error: .migrations. cannot hold migrations: it is a file" .git/err &&
	git rm -q migrations && ln -s elsewhere migrations && git add migrations &&
	git commit -q -m link &&
	test_expect_code 1 git migrate plan 2>.git/err &&
	grep "^error: .migrations. cannot hold migrations: it is a symbolic link" .git/err &&
	test_expect_code 1 git migrate check HEAD^..HEAD 2>.git/err && grep "\[type\]" .git/err
'

test_expect_success 'a shallow clone: enough behind the boundary, and too little' '
	fresh deep &&
	git config migrate.default.url "sqlite:$PWD/.git/app.db" &&
	add 30 20 &&
	git migrate apply >.git/out 2>&1 &&
	add 10 05 &&
	git clone -q --depth 3 "file://$PWD" ../shallow3 &&
	git clone -q --depth 2 "file://$PWD" ../shallow2 &&
	git clone -q --depth 1 "file://$PWD" ../shallow1 &&
	for n in 1 2; do
		git -C ../shallow$n config migrate.default.url "sqlite:$PWD/.git/app.db" &&
		test_expect_code 1 git -C ../shallow$n migrate apply >.git/out 2>.git/err &&
		grep "^error: this clone is too shallow" .git/err &&
		grep "^hint: .*git fetch --unshallow" .git/err &&
		! grep "there is a gap" .git/err || return 1
	done &&
	git -C ../shallow3 config migrate.default.url "sqlite:$PWD/.git/app.db" &&
	git -C ../shallow3 migrate apply --porcelain >.git/out &&
	grep " 05.sql\$" .git/out &&
	git migrate apply >.git/out &&
	grep "up to date: 4 migrations" .git/out
'

test_expect_success 'a shallow clone: status, plan, log and show tell what they can' '
	cd ../deep &&
	git clone -q --depth 1 "file://$PWD" ../shallow &&
	cd ../shallow &&
	git config migrate.default.url sqlite:.git/app.db &&
	for command in status plan log "show 10" "plan --json" "status --json" "log --json"; do
		git migrate $command >.git/out 2>.git/err &&
		grep 10.sql .git/out || return 1
	done
'

test_done
