#!/bin/sh

test_description='cppcheck finds nothing'

test_no_program=t
. "$(dirname "$0")/lib.sh"

needs_tool cppcheck

check() {
	cppcheck --enable=warning,performance,portability --error-exitcode=1 \
		--inline-suppr -q --std=c11 --language=c -D_GNU_SOURCE \
		--suppress=missingInclude "$@"
}

test_expect_success 'a fault is seen' '
	printf "int f(void)\n{\n\tint a[2] = { 0 };\n\treturn a[2];\n}\n" >bad.c &&
	test_must_fail check bad.c &&
	printf "int f(void)\n{\n\tint a[2] = { 0 };\n\treturn a[1];\n}\n" >good.c &&
	check good.c
'

for layer in base core sql git db out flow cmd; do
	test_expect_success "src/$layer" "
		check -I '$top_srcdir/src' -I '$top_builddir/src' '$top_srcdir/src/$layer'
	"
done

test_expect_success 't/tools' '
	check -I "$top_srcdir/src" -I "$top_srcdir/t" -I "$top_builddir/src" "$top_srcdir/t/tools"
'

test_expect_success 'bench' '
	check -I "$top_srcdir/src" -I "$top_builddir/src" "$top_srcdir/bench"
'

test_done
