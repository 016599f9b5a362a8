#!/bin/sh

test_description='the CI recipes of git-migrate-hooks(5), with what the forges check out and set'

. "$(dirname "$0")/lib.sh"

# recipe NAME: its YAML, out of the manual
recipe() {
	awk -v start=".\\\\\" recipe: $1" '
		$0 == start { wanted = 1 }
		/^\.Ed/ { if (literal) exit }
		literal { gsub(/\\e/, "\\"); print }
		wanted && /^\.Bd/ { literal = 1 }' "$top_srcdir/man/git-migrate-hooks.5"
}

# value FILE KEY...: what stands there in a YAML file; a number is a place in a list
value() {
	perl -MCPAN::Meta::YAML -e '
		my $at = CPAN::Meta::YAML->read(shift)->[0];
		for (@ARGV) { $at = /^\d+$/ ? $at->[$_] : $at->{$_} }
		die "nothing at @ARGV\n" unless defined $at;
		print ref $at ? join(" ", sort keys %$at) : $at, "\n"' "$@"
}

# A forge with the branches right, wrong (edits what landed) and late (right by itself,
# when main had no such file yet); main goes on after they have begun.
test_expect_success 'setup' '
	git init -q --bare -b main forge.git && make_repo dev && cd dev && git remote add origin ../forge.git &&
	new_migration a "CREATE TABLE a (x);" && git branch start &&
	git checkout -q -b right && new_migration b "CREATE TABLE b (x);" &&
	git checkout -q -b wrong start && echo "-- later" >>migrations/a.sql && tick && git commit -qam edit &&
	git checkout -q -b late start && new_migration C "CREATE TABLE C (x);" &&
	git checkout -q main && new_migration c "CREATE TABLE c (x);" &&
	git push -q origin --all && for name in github gitlab forgejo; do
		recipe $name >../$name.yml && test -s ../$name.yml || return 1
	done && cd ..
'

# job BRANCH: what a runner has checked out, the head of a request; its commit is in $head.
job() {
	rm -rf job && git clone -q forge.git job && cd job && head=$(git rev-parse "origin/$1") &&
	git checkout -q --detach "$head" && git branch -q -D main
}

# merged BRANCH: the same, for a forge that prepares the merge
merged() {
	job "$1" && git checkout -q --detach origin/main && tick &&
	git merge -q --no-ff -m "merge" "$head"
}

# passes, refuses RULE: the answer of the step that is in "script"
passes() {
	sh -e script >out 2>err || {
		cat err
		return 1
	}
}
refuses() {
	test_expect_code 1 sh -e script >out 2>err && grep "^error: .*\[$1\]" err
}

test_expect_success 'the image has what builds and runs the program' '
	recipe image >image && bash -c ". \"$top_srcdir/script/packages.sh\" && printf \"%s\\n\" \"\${build_packages[@]}\"" >packages &&
	test 10 -le $(wc -l <packages) && while read -r name; do
		grep -q "[ ]${name%%|*}\\( \\|\$\\)" image || {
			echo "$name"
			return 1
		}
	done <packages
'

# --- GitHub ---------------------------------------------------------------------

test_expect_success 'GitHub: all history, for requests and merge queues' '
	value github.yml on >out && echo "merge_group pull_request" >expect && test_cmp expect out &&
	test 0 = "$(value github.yml jobs check steps 0 with fetch-depth)" &&
	value github.yml jobs check steps 1 env BASE >out &&
	has_line out "\${{ github.event.merge_group.base_sha || '\''HEAD^1'\'' }}" &&
	value github.yml jobs check steps 1 run >github
'

test_expect_success 'GitHub: a request' '
	BASE="HEAD^1" && export BASE &&
	(merged right && cp ../github script && passes) && (merged wrong && cp ../github script && refuses edited) &&
	(merged late && cp ../github script && refuses case)
'

test_expect_success 'GitHub: a merge queue with two requests' '
	(merged right && BASE=$(git rev-parse HEAD^1) && tick && git merge -q --no-ff -m "second" origin/start &&
	cp ../github script && passes) &&
	(merged right && BASE=$(git rev-parse HEAD^1) && tick && git merge -q --no-ff -m "second" origin/wrong &&
	cp ../github script && refuses edited)
'

# --- GitLab ---------------------------------------------------------------------

test_expect_success 'GitLab: all history, for requests' '
	test 0 = "$(value gitlab.yml migrations variables GIT_DEPTH)" &&
	value gitlab.yml migrations rules 0 if >out && grep merge_request_event out &&
	value gitlab.yml migrations script 0 >gitlab &&
	CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main && export CI_MERGE_REQUEST_TARGET_BRANCH_NAME
'

gitlab() {
	CI_MERGE_REQUEST_EVENT_TYPE=$1 CI_COMMIT_SHA=$(git rev-parse HEAD)
	export CI_MERGE_REQUEST_EVENT_TYPE CI_COMMIT_SHA
	cp ../gitlab script
}

test_expect_success 'GitLab: the head of a request' '
	(job right && gitlab detached && passes) && (job wrong && gitlab detached && refuses edited) &&
	(job late && gitlab detached && refuses case)
'

test_expect_success 'GitLab: merged results and merge trains' '
	(merged right && gitlab merged_result && passes) &&
	(merged wrong && gitlab merge_train && refuses edited)
'

# --- Forgejo --------------------------------------------------------------------

test_expect_success 'Forgejo: the head of a request' '
	test 0 = "$(value forgejo.yml jobs check steps 0 with fetch-depth)" &&
	value forgejo.yml jobs check steps 1 env HEAD_SHA >out &&
	has_line out "\${{ github.event.pull_request.head.sha }}" &&
	value forgejo.yml jobs check steps 1 run >forgejo &&
	GITHUB_BASE_REF=main && export GITHUB_BASE_REF &&
	(job right && HEAD_SHA=$head && export HEAD_SHA && cp ../forgejo script && passes) &&
	(job wrong && HEAD_SHA=$head && export HEAD_SHA && cp ../forgejo script && refuses edited) &&
	(job late && HEAD_SHA=$head && export HEAD_SHA && cp ../forgejo script && refuses case)
'

# --- what the manual says of them ---------------------------------------------------

test_expect_success 'without history the answer is no' '
	git clone -q --depth 1 "file://$PWD/forge.git" flat && cd flat &&
	test_must_fail git migrate check HEAD^1..HEAD 2>err && grep "^error: " err && cd ..
'

test_expect_success 'a check of a branch that has gone on since is stale' '
	git -C dev checkout -q late && git -C dev rev-parse start late >ids &&
	git -C dev migrate check start..late && test_expect_code 1 git -C dev migrate check main..late 2>err
'

test_done
