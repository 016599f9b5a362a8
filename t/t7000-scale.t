#!/bin/sh

test_description='a long history: the same plan by every way, and what is read for it'

. "$(dirname "$0")/lib.sh"

history=$top_builddir/bench/history

# reads COMMAND...: runs it, its results in "out", and sets $commits, $trees, ...
reads() {
	rm -f trace &&
	GIT_TRACE_MIGRATE=$PWD/trace "$@" >out &&
	sed -n "s/^migrate: //p" trace | tr " -" "\n_" >counts && . ./counts
}

# at_most NAME NUMBER: that many were read, or fewer
at_most() {
	eval "is=\$$1"
	if test "$is" -gt "$2"; then
		echo "$1: $is, more than $2"
		return 1
	fi
}

forget() {
	rm -rf migrate
}

for shape in linear merges; do
	test "$shape" = linear && percent=0 || percent=30

	test_expect_success "$shape: 20,000 commits that bring 2,000 migrations" '
		git init -q --bare -b main "$shape.git" && (
			cd "$shape.git" &&
			"$history" --commits 20000 --migrations 2000 --merges $percent >../stream &&
			git fast-import --quiet <../stream && rm ../stream &&
			git symbolic-ref HEAD refs/heads/main &&
			git rev-list --count --first-parent main >../line
		)
	'

	test_expect_success "$shape: the plan is what git log tells, commit by commit" '
		(
			cd "$shape.git" &&
			git log --first-parent -m --reverse --diff-filter=A --no-renames \
				--name-only --format=%H main -- migrations |
			awk "length(\$0) == 40 && /^[0-9a-f]*\$/ { commit = \$0; next }
				NF { sub(\"^migrations/\", \"\"); print commit, \$0 }" >../expect &&
			reads git migrate plan --porcelain &&
			cut -d " " -f 4,5 out >../actual &&
			cut -d " " -f 1 ../expect | uniq >../expect.line &&
			cut -d " " -f 1 ../actual | uniq >../actual.line &&
			test_cmp ../expect.line ../actual.line &&
			sort ../expect >../expect.sorted && sort ../actual >../actual.sorted &&
			test_cmp ../expect.sorted ../actual.sorted &&
			cp out ../plan &&
			test 0 = "$blobs"
		)
	'

	test_expect_success "$shape: what is kept of it is all that the next time takes" '
		(
			cd "$shape.git" &&
			reads git migrate plan --porcelain && test_cmp ../plan out &&
			at_most commits 8 && at_most trees 10 && at_most blobs 0 &&
			at_most children 2
		)
	'

	test_expect_success "$shape: subjects and trailers are read once" '
		(
			cd "$shape.git" &&
			reads git migrate plan && cp out ../table &&
			reads git migrate plan && test_cmp ../table out &&
			at_most commits 8 && at_most trees 10 && at_most blobs 0
		)
	'

	test_expect_success "$shape: the same with a commit-graph, and filters" '
		(
			cd "$shape.git" &&
			git commit-graph write --reachable --no-changed-paths 2>/dev/null &&
			forget && reads git migrate plan --porcelain && test_cmp ../plan out &&
			test $trees -ge "$(cat ../line)" &&
			at_most commits 2000 &&
			git commit-graph write --reachable --changed-paths 2>/dev/null &&
			forget && reads git migrate plan --porcelain && test_cmp ../plan out &&
			at_most commits 2000 && at_most trees 11000
		)
	'

	test_expect_success "$shape: filters left unread where the settings say so" '
		(
			cd "$shape.git" &&
			forget && reads git -c commitGraph.readChangedPaths=false \
				migrate plan --porcelain && test_cmp ../plan out &&
			test $trees -ge "$(cat ../line)" &&
			forget && reads git -c commitGraph.changedPathsVersion=0 \
				migrate plan --porcelain && test_cmp ../plan out &&
			test $trees -ge "$(cat ../line)" &&
			forget && reads git -c core.commitGraph=false \
				migrate plan --porcelain && test_cmp ../plan out &&
			test $commits -ge "$(cat ../line)"
		)
	'

	test_expect_success "$shape: new commits alone are read" '
		(
			cd "$shape.git" &&
			forget && git migrate plan --porcelain >/dev/null &&
			"$history" --from refs/heads/main --commits 1000 --migrations 124 \
				--start-number 2001 --merges $percent >../stream &&
			git fast-import --quiet <../stream && rm ../stream &&
			reads git migrate plan --porcelain &&
			at_most commits 1800 && at_most trees 2500 && at_most blobs 0 &&
			head -n 2000 out >../older && test_cmp ../plan ../older &&
			test 2124 = "$(wc -l <out)" &&
			reads git migrate plan --porcelain &&
			at_most commits 8 && at_most trees 10
		)
	'

	test_expect_success "$shape: an older commit and another branch need no walk" '
		(
			cd "$shape.git" &&
			reads git migrate plan --porcelain main~300 && at_most trees 300 &&
			at_most commits 300 &&
			reads git migrate plan --porcelain main~300 &&
			at_most commits 8 && at_most trees 10
		)
	'

	test_expect_success "$shape: the objects alone say the same" '
		(
			cd "$shape.git" && git migrate plan --verify >out &&
			grep "2124 migrations, and what is cached agrees" out
		)
	'
done

test_done
