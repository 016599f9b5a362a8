#!/bin/sh

test_description='shellcheck on every shell script'

test_no_program=t
. "$(dirname "$0")/lib.sh"

needs_tool shellcheck

# Test scripts: their variables and functions are used inside quoted bodies or by
# lib.sh (2016, 2034, 2154, 2317), which is found at run time (1091); a body may
# change directory (2164) and set variables in a subshell (2030, 2031); words are
# split on purpose (2046, 2086).
in_tests=SC1090,SC1091,SC2016,SC2030,SC2031,SC2034,SC2046,SC2086,SC2154,SC2164,SC2317

check() {
	shellcheck -x -P "$top_srcdir" "$@"
}

scripts() {
	for file in "$top_srcdir"/script/* "$top_srcdir"/hooks/* "$top_srcdir"/.ci/run \
		"$top_srcdir"/bench/*.sh "$top_srcdir"/t/*.sh; do
		case $file in
		*.mk|*/lib.sh|*/pairs.sh)
			;;
		*)
			test ! -f "$file" || echo "$file"
			;;
		esac
	done
}

test_expect_success 'a bad script is seen' '
	printf "#!/bin/sh\nrm -r \$1/*\n" >bad.sh &&
	test_must_fail check bad.sh &&
	printf "#!/bin/sh\n[[ -f a ]]\n" >bad.t &&
	test_must_fail check -e "$in_tests" bad.t &&
	printf "#!/bin/sh\nrm -r \"\${1:?}\"\n" >good.sh &&
	check good.sh
'

test_expect_success 'lib.sh and what goes with it' '
	check -s sh -e "$in_tests" "$top_srcdir/t/lib.sh" "$top_srcdir/t/pairs.sh"
'

scripts >list
while read -r script; do
	test_expect_success "${script#"$top_srcdir"/}" "check '$script'"
done <list

for script in "$top_srcdir"/t/*.t; do
	test_expect_success "${script##*/}" "check -e '$in_tests' '$script'"
done

test_done
