#!/bin/sh

test_description='folders include only what their layer may'

test_no_program=t
. "$(dirname "$0")/lib.sh"

layers() {
	awk -f "$top_srcdir/t/layers.awk" $(find src -name '*.[ch]' | sort)
}

# refuses FILE LINE: a tree with nothing but that include in that file is refused
refuses() {
	rm -rf src &&
	mkdir -p "$(dirname "$1")" &&
	printf '#include "base/compat.h"\n%s\n' "$2" >"$1" &&
	test_expect_code 1 layers >out &&
	grep "^$1:2: " out
}

accepts() {
	rm -rf src &&
	mkdir -p "$(dirname "$1")" &&
	printf '#include "base/compat.h"\n%s\n' "$2" >"$1" &&
	layers >out &&
	test_must_be_empty out
}

test_expect_success 'an include upward or sideways is seen' '
	refuses src/base/a.c "#include \"core/oid.h\"" &&
	refuses src/core/a.c "#include \"git/repo.h\"" &&
	refuses src/core/a.h "#include \"db/driver.h\"" &&
	refuses src/sql/a.c "#include \"core/oid.h\"" &&
	refuses src/git/a.c "#include \"db/driver.h\"" &&
	refuses src/db/a.c "#include \"git/repo.h\"" &&
	refuses src/out/a.c "#include \"core/oid.h\"" &&
	refuses src/flow/a.c "#include \"out/say.h\"" &&
	refuses src/flow/a.c "#include \"cmd/cmd.h\"" &&
	accepts src/flow/a.c "#include \"db/driver.h\"" &&
	accepts src/cmd/a.c "#include \"flow/apply.h\""
'

test_expect_success 'a library in the wrong folder is seen' '
	refuses src/cmd/a.c "#include <git2.h>" &&
	refuses src/flow/a.c "#include <git2/sys/repository.h>" &&
	refuses src/cmd/a.c "#include <sqlite3.h>" &&
	refuses src/flow/a.c "#  include <libpq-fe.h>" &&
	refuses src/cmd/a.c "#include <jansson.h>" &&
	refuses src/core/a.c "#include <nettle/sha2.h>" &&
	refuses src/db/a.c "#include <pg_query.h>" &&
	accepts src/git/a.c "#include <git2.h>" &&
	accepts src/db/a.c "#include <sqlite3.h>" &&
	accepts src/base/a.c "#include <nettle/sha2.h>"
'

test_expect_success 'embedded files have one reader' '
	refuses src/cmd/a.c "#include \"migrations/sqlite-0001.inc\"" &&
	refuses src/db/a.c "#include \"hooks/pre-commit.inc\"" &&
	refuses src/db/a.c "#include \"migrations/a.h\"" &&
	accepts src/db/a.c "#include \"migrations/sqlite-0001.inc\"" &&
	accepts src/cmd/a.c "#include \"hooks/pre-commit.inc\""
'

test_expect_success 'paths are written from src/, config.h and new folders are seen' '
	refuses src/core/a.c "#include \"oid.h\"" &&
	refuses src/core/a.c "#include \"../base/buf.h\"" &&
	refuses src/core/a.c "#include \"config.h\"" &&
	rm -rf src && mkdir -p src/new && >src/new/empty.h && echo >src/new/a.h &&
	test_expect_code 1 layers
'

test_expect_success 'a file that does not begin with compat.h is seen' '
	rm -rf src && mkdir -p src/core &&
	echo "#include <stdio.h>" >src/core/a.c &&
	test_expect_code 1 layers >out &&
	grep "first include" out
'

test_expect_success 'the sources keep to it' '
	cd "$top_srcdir" &&
	find src -name "*.[ch]" >"$SHARNESS_TRASH_DIRECTORY/list" &&
	grep src/core/order.c "$SHARNESS_TRASH_DIRECTORY/list" &&
	layers
'

test_done
