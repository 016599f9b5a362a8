#!/bin/sh

test_description='every header compiles by itself after base/compat.h'

test_no_program=t
. "$(dirname "$0")/lib.sh"

: "${CC:=cc}"
needs_tool "${CC%% *}"

warnings='-Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wstrict-prototypes
	-Wmissing-prototypes -Wold-style-definition -Wwrite-strings -Wpointer-arith
	-Wdeclaration-after-statement -fno-common -Werror'
libraries=$(pkg-config --cflags libgit2 sqlite3 libpq jansson nettle 2>/dev/null)

# compiles DIR HEADER: twice, for its guard
compiles() {
	printf '#include "%s"\n' base/compat.h "$2" "$2" >unit.c &&
	$CC -std=gnu11 -D_GNU_SOURCE $warnings $libraries -I"$1" -fsyntax-only unit.c
}

test_expect_success 'a header that leans on others, or has no guard, is seen' '
	mkdir -p bad/base bad/core &&
	cp "$top_srcdir/src/base/compat.h" bad/base/ &&
	echo "void f(struct thing *t, time_t when);" >bad/core/leans.h &&
	test_must_fail compiles bad core/leans.h &&
	echo "struct thing { int i; };" >bad/core/unguarded.h &&
	test_must_fail compiles bad core/unguarded.h &&
	printf "#ifndef H\n#define H\nstruct thing { int i; };\n#endif\n" >bad/core/good.h &&
	compiles bad core/good.h
'

test_expect_success 'the list of headers is not empty' '
	(cd "$top_srcdir/src" && find . -name "*.h" | sed "s,^\./,," | sort) >list &&
	has_line list core/order.h
'

while read -r header; do
	test_expect_success "$header" "compiles \"\$top_srcdir/src\" $header"
done <list

test_done
