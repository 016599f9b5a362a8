#!/bin/sh

test_description='the sources are formatted as .clang-format says'

test_no_program=t
. "$(dirname "$0")/lib.sh"

# what one version accepts the next one changes: the tree follows version 14
clang_format=clang-format-14
command -v $clang_format >/dev/null || clang_format=clang-format
needs_tool $clang_format
case $($clang_format --version) in
*" version 14."*)
	;;
*)
	skip_all="clang-format 14 is not installed"
	test_done
	;;
esac

formatted() {
	$clang_format --dry-run -Werror --style=file:"$top_srcdir/.clang-format" "$@"
}

test_expect_success 'a file in another style is seen' '
	printf "int f(int a)\n{\n    return a;\n}\n" >bad.c &&
	test_must_fail formatted bad.c &&
	printf "int f(int a)\n{\n\treturn a;\n}\n" >good.c &&
	formatted good.c
'

(cd "$top_srcdir" && find src t bench -name '*.[ch]' | sort) >list
while read -r file; do
	test_expect_success "$file" "formatted '$top_srcdir/$file'"
done <list

test_done
