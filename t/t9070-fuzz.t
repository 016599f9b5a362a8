#!/bin/sh

test_description='what the fuzzers find at once, from the texts that are kept'

test_no_program=t
. "$(dirname "$0")/lib.sh"

needs_tool clang

# build_fuzzer SOURCE... -o PROGRAM
build_fuzzer() {
	clang -g -O1 -std=gnu11 -D_GNU_SOURCE -I"$top_srcdir/src" \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined "$@"
}

# run_fuzzer PROGRAM ARGUMENT...: the same inputs each time
run_fuzzer() {
	fuzzer=$1
	shift
	if ! "./$fuzzer" -seed=4 -max_len=400 "$@" >"$fuzzer.log" 2>&1; then
		tail -n 40 "$fuzzer.log"
		return 1
	fi
}

echo 'int LLVMFuzzerTestOneInput(const char *s, unsigned long n) { return !s && n; }' >empty.c
if ! build_fuzzer empty.c -o empty 2>/dev/null; then
	skip_all='clang has no libFuzzer here (libclang-rt)'
	test_done
fi

test_expect_success 'a target that ends in a crash is seen' '
	cat >bad.c <<-\EOF &&
	#include <stdlib.h>
	int LLVMFuzzerTestOneInput(const char *s, unsigned long n)
	{
		if (n > 2 && s[0] == 59 && s[n - 1] == 59)
			abort();
		return 0;
	}
	EOF
	build_fuzzer bad.c -o bad &&
	mkdir -p seeds && printf ";a" >seeds/one && run_fuzzer bad -runs=0 seeds &&
	printf ";a;" >seeds/two && test_must_fail run_fuzzer bad -runs=0 seeds
'

test_expect_success 'sql: the corpus is there' '
	ls "$top_srcdir"/t/fuzz/corpus/sql/*.sql >seeds.list &&
	test 10 -le "$(wc -l <seeds.list)"
'

test_expect_success 'sql: from memory and in pieces, objects and carets' '
	set -- "$top_srcdir/t/fuzz/fuzz-sql.c" &&
	for name in sql/alone sql/caret sql/data sql/name sql/objects sql/place sql/scan sql/split \
		sql/token sql/window base/buf base/err base/guard base/io base/pool base/text; do
		set -- "$@" "$top_srcdir/src/$name.c"
	done &&
	build_fuzzer "$@" -o fuzz-sql &&
	mkdir -p found &&
	run_fuzzer fuzz-sql -runs=20000 found "$top_srcdir/t/fuzz/corpus/sql"
'

test_expect_success 'core: records, messages, headers, and what is kept beside the history' '
	set -- "$top_srcdir/t/fuzz/fuzz-core.c" &&
	for name in core/descriptions core/kept core/lines core/message core/migration core/oid core/order core/paths \
		core/proof core/record core/requires core/scenario core/trailer base/buf base/clock base/err base/guard base/io base/map \
		base/pool base/sha256 base/text; do
		set -- "$@" "$top_srcdir/src/$name.c"
	done &&
	build_fuzzer "$@" -lnettle -o fuzz-core &&
	mkdir -p found-core &&
	run_fuzzer fuzz-core -runs=20000 found-core "$top_srcdir/t/fuzz/corpus/core"
'

test_expect_success 'push: notes, chains, lines of input and settings' '
	set -- "$top_srcdir/t/fuzz/fuzz-push.c" &&
	for name in git/notes_delta git/tree core/chain core/ledger core/migration core/oid core/paths \
		core/record core/update base/buf base/err base/guard base/interrupt base/io base/map base/pool \
		base/proc base/sha256 base/text; do
		set -- "$@" "$top_srcdir/src/$name.c"
	done &&
	build_fuzzer "$@" -lnettle -o fuzz-push &&
	mkdir -p found-push &&
	run_fuzzer fuzz-push -runs=40000 found-push "$top_srcdir/t/fuzz/corpus/push"
'

test_done
