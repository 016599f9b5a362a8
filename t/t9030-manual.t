#!/bin/sh

test_description='the manual is sound and names every command'

. "$(dirname "$0")/lib.sh"

needs_tool mandoc

# clean FILE...: no warning; a crash (status of 128 and more) is no answer either
clean() {
	mandoc -T lint -W warning "$@" >lint.out 2>&1
	lint_code=$?
	cat lint.out
	test $lint_code -lt 128 && test ! -s lint.out
}

# the commands of "git migrate -h": the first word of its indented lines
commands() {
	sed -n 's/^ \{1,8\}\([a-z][a-z-]*\)\( .*\)\{0,1\}$/\1/p'
}

# names_all MAN LIST: each command is on a line with a macro in the page
names_all() {
	missing=
	while read -r command; do
		grep -Eq "^\.(It|Ss|Sh|Nm|Cm|Ic|Xr)( .*)? $command( |\$)" "$1" ||
		missing="$missing $command"
	done <"$2"
	test -z "$missing" || {
		echo "not in $1:$missing"
		return 1
	}
}

test_expect_success 'a broken page is seen' '
	printf ".Dd \$Mdocdate\$\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd y\n.Bl\n" >bad.1 &&
	! clean bad.1 &&
	printf ".Dd March 4, 2026\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd letter\n" >good.1 &&
	clean good.1
'

test_expect_success 'a command that is missing is seen' '
	printf "usage: git migrate\n\n   apply   run it\n   other\n" | commands >list &&
	printf "apply\nother\n" >expect &&
	test_cmp expect list &&
	echo ".It Cm apply Op Fl n" >page &&
	! names_all page list &&
	echo ".Ss git migrate other" >>page &&
	names_all page list
'

for page in "$top_srcdir"/man/*.[157]; do
	test_expect_success "${page##*/} has no warning" "clean '$page'"
done

test_expect_success 'every command of -h is in git-migrate(1)' '
	git migrate -h >help &&
	commands <help >list &&
	has_line list apply &&
	has_line list status &&
	names_all "$top_srcdir/man/git-migrate.1" list
'

test_done
