#!/bin/sh

test_description='completion for bash knows the commands, options and names'

. "$(dirname "$0")/lib.sh"

needs_tool bash
needs_tool sqlite3

for git_completion in /usr/share/bash-completion/completions/git \
	/usr/share/git/completion/git-completion.bash \
	/usr/share/git-core/contrib/completion/git-completion.bash ""
do
	test ! -f "$git_completion" || break
done
if test -z "$git_completion"
then
	skip_all="git's own completion for bash is not installed"
	test_done
fi
export git_completion

# What "git migrate WORDS" is completed to, one a line; the last word is begun.
write_complete() {
	cat >complete.bash <<-\END
	. "$git_completion"
	. "$top_srcdir/script/git-migrate-completion.bash"
	# the words as they are given, without readline's ways with "="
	_get_comp_words_by_ref() {
		cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]}
		prev=${COMP_WORDS[COMP_CWORD - 1]} words=("${COMP_WORDS[@]}")
	}
	_init_completion() { _get_comp_words_by_ref; }
	COMP_WORDS=(git migrate "$@")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE}
	compopt() { :; }
	__git_wrap__git_main
	printf "%s\n" "${COMPREPLY[@]}" | sed "s/ *$//" | grep . | LC_ALL=C sort
	END
}

completed() {
	bash complete.bash "$@"
}

# completes_to EXPECTED-WORDS... -- WORDS...
completes_to() {
	: >expect
	while test "$1" != --
	do
		echo "$1" >>expect
		shift
	done
	shift
	LC_ALL=C sort -o expect expect &&
	completed "$@" >actual &&
	test_cmp expect actual
}

test_expect_success 'a repository with targets and migrations' '
	write_complete &&
	make_repo app &&
	cd app &&
	cp ../complete.bash . &&
	git config migrate.default.url sqlite:app.db &&
	git config migrate.staging.url sqlite:staging.db &&
	new_migration users "CREATE TABLE users (id INTEGER);" &&
	new_migration 2026/phone "ALTER TABLE users ADD phone TEXT;" &&
	git tag v1
'

test_expect_success 'the commands are those of -h' '
	git migrate -h | sed -n "s/^   \([a-z][a-z-]*\) .*/\1/p" | LC_ALL=C sort >expect &&
	has_line expect apply &&
	completed "" >actual &&
	test_cmp expect actual
'

test_expect_success 'the options are those of each command -h' '
	git migrate -h | sed -n "s/^   \([a-z][a-z-]*\) .*/\1/p" >commands &&
	while read -r command
	do
		git migrate $command -h |
		sed -n "s/^    .\{4\}--\([a-z-]*\)\( <\)\{0,1\}.*/--\1\2/p" |
		sed "s/ <\$/=/" | grep -v "^--no-" | LC_ALL=C sort >expect &&
		completed $command -- | grep -v "^--no-" >actual
		test_cmp expect actual || return 1
	done <commands &&
	completed init -- >actual &&
	has_line actual --no-hooks
'

test_expect_success 'beginnings' '
	completes_to apply at audit -- a &&
	completes_to --porcelain -- plan --p &&
	completes_to --help --version -- --
'

test_expect_success 'targets' '
	completes_to default staging -- apply "" &&
	completes_to staging -- status --all s &&
	completes_to default staging -- audit --at HEAD "" &&
	completes_to default -- apply -n d &&
	completes_to staging -- target show s &&
	completes_to default staging -- target remove "" &&
	completes_to default -- init --target d &&
	completes_to remove -- init --hooks=r &&
	completes_to 2026/phone.sql default staging users.sql -- diagnose ""
'

test_expect_success 'migrations' '
	completes_to 2026/phone.sql users.sql -- show "" &&
	completes_to users.sql -- show u &&
	completes_to 2026/phone.sql -- apply --to 2 &&
	completes_to users.sql -- apply --to=u &&
	completes_to users.sql -- fix --kind slow-ddl u &&
	completes_to required-column renamed -- fix --kind=re &&
	completes_to sqlite -- fix --engine s &&
	completes_to users.sql -- diagnose --abandon --reason lost staging u &&
	completes_to 2026/phone.sql default staging users.sql -- rehearse --on sqlite: "" &&
	completes_to users.sql -- rehearse --template people staging u
'

test_expect_success 'revisions' '
	completes_to HEAD main v1 -- plan "" &&
	completes_to main -- plan --merge m &&
	completes_to v1 -- plan --since=v &&
	completes_to v1 -- log --reverse v &&
	completes_to main -- status --at=m
'

test_expect_success 'words of a command' '
	completes_to add clone list remove restored show -- target "" &&
	completes_to staging -- target restored --reason disk s &&
	completes_to pre-commit prepare-commit-msg commit-msg pre-push pre-receive update -- \
		hook "" &&
	completes_to full quick -- apply --check "" &&
	completes_to full -- apply --check=f &&
	completes_to -- log -n ""
'

test_expect_success 'outside of a repository nothing is said' '
	mkdir ../nowhere &&
	cp complete.bash ../nowhere &&
	(
		cd ../nowhere &&
		completed apply "" >out 2>err &&
		test_must_be_empty out &&
		test_must_be_empty err
	)
'

test_done
