#!/bin/sh

test_description='functions and files stay short'

test_no_program=t
. "$(dirname "$0")/lib.sh"

# make_function LINES
make_function() {
	echo "static int work(const char *what,"
	echo "		int more)"
	echo "{"
	test_seq 1 "$1" | sed "s/.*/	step(&);/"
	echo "}"
}

lengths() {
	awk -f "$top_srcdir/t/functions.awk" "$@"
}

test_expect_success 'a long function is named, a longer one refused' '
	make_function 60 >a.c &&
	lengths a.c >out &&
	test_must_be_empty out &&
	make_function 61 >a.c &&
	lengths a.c >out &&
	has_line out "long: a.c:3: work, 61 lines" &&
	make_function 100 >a.c &&
	lengths a.c &&
	make_function 101 >a.c &&
	test_expect_code 1 lengths a.c >out &&
	has_line out "too long: a.c:3: work, 101 lines"
'

test_expect_success 'a long file is refused, wherever it stands in the list' '
	test_seq 1 800 | sed "s/.*/int i&;/" >a.c &&
	lengths a.c &&
	echo "int more;" >>a.c &&
	test_expect_code 1 lengths a.c >out &&
	has_line out "too long: a.c: 801 lines" &&
	make_function 3 >b.c &&
	test_expect_code 1 lengths a.c b.c &&
	test_expect_code 1 lengths b.c a.c
'

test_expect_success 'structures are no functions, an end that is missing is seen' '
	{
		echo "struct list {" &&
		test_seq 1 120 | sed "s/.*/	int i&;/" &&
		echo "};"
	} >a.c &&
	lengths a.c &&
	printf "int f(void)\n{\n" >a.c &&
	test_expect_code 1 lengths a.c
'

test_expect_success 'the sources keep to it' '
	find "$top_srcdir/src" "$top_srcdir/bench" -name "*.[ch]" >list &&
	grep src/core/order.c list &&
	grep bench/history.c list &&
	sed "s/.*/\"&\"/" list | xargs awk -f "$top_srcdir/t/functions.awk"
'

test_expect_success 'tests do too, though a table of cases may be long' '
	find "$top_srcdir/t" -name "*.[ch]" >list &&
	grep t/unit/test-order.c list &&
	sed "s/.*/\"&\"/" list | xargs awk -v file=1200 -f "$top_srcdir/t/functions.awk"
'

test_done
