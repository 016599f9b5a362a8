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
	test ! -e .git/migrate &&
	git migrate plan --porcelain >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual
'

test_done
