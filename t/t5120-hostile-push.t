#!/bin/sh

test_description='pushes that mean harm: sizes, time, memory, crashes, damage, and what is printed'

. "$(dirname "$0")/lib.sh"

server=$SHARNESS_TRASH_DIRECTORY/server.git

# accepted REFSPEC
accepted() {
	git push -q origin "$1" 2>err || {
		cat err
		return 1
	}
}

# refused PATTERN REFSPEC: with that error and a way forward; the server's refs stay
refused() {
	git -C "$server" for-each-ref >before &&
	test_must_fail git push -q origin "$2" 2>err &&
	git -C "$server" for-each-ref >after &&
	test_cmp before after &&
	grep "^remote: error: $1" err && grep "^remote: hint: " err
}

# back: the branch is what the server has
back() {
	git reset -q --hard origin/main
}

# letters N
letters() {
	head -c "$1" /dev/zero | tr '\0' x
}

# commits TREE [MESSAGE-FILE]: behind main
commits() {
	tick && git commit-tree -p main -F "${2-short}" "$1"
}

# beside MODE TYPE ID NAME [FOLDER]: the tree of main with that entry besides
beside() {
	beside_tree=$({
		git ls-tree "main:${5-}" && printf '%s %s %s\t%s\n' "$1" "$2" "$3" "$4"
	} | git mktree) &&
	if test -n "${5-}"; then
		{
			git ls-tree main | grep -v "	$5\$"
			printf '040000 tree %s\t%s\n' "$beside_tree" "$5"
		} | git mktree
	else
		echo "$beside_tree"
	fi
}

test_expect_success 'setup' '
	git init -q --bare -b main server.git && git -C server.git migrate init >/dev/null 2>&1 &&
	git clone -q server.git app 2>/dev/null && cd app && git checkout -q -B main &&
	git migrate init --no-hooks sqlite:app.db >/dev/null 2>&1 && git config core.excludesFile "$PWD/.git/ignore" &&
	printf "%s\n" err before after short long "*.db" out in >.git/ignore &&
	new_migration a "CREATE TABLE a (x int);" && git migrate apply >out 2>&1 && echo harm >short &&
	accepted main && accepted refs/notes/migrate/default
'

# --- sizes ----------------------------------------------------------------------

test_expect_success 'a commit of a megabyte and more' '
	{ echo long && echo && letters 900000; } >long && good=$(commits main^{tree} long) &&
	{ echo long && echo && letters 1100000; } >long && bad=$(commits main^{tree} long) &&
	refused "refs/heads/main: commit [0-9a-f]* is too large: 1100[0-9]* bytes" $bad:main &&
	accepted $good:main && git pull -q --ff-only origin main
'

test_expect_success 'a .gitmigrate of 64 KiB and more' '
	bad=$(commits $(beside 100644 blob $({ echo "# " && letters 70000 | sed "s/^/# /"; } |
		git hash-object -w --stdin) .gitmigrate)) &&
	refused "refs/heads/main: file .\.gitmigrate., blob [0-9a-f]* is too large" $bad:main &&
	good=$(commits $(beside 100644 blob $(letters 60000 | sed "s/^/# /" |
		git hash-object -w --stdin) .gitmigrate)) &&
	accepted $good:main && git pull -q --ff-only origin main
'

test_expect_success 'trailers' '
	tree=$(beside 100644 blob $(git rev-parse main:migrations/a.sql) b.sql migrations) &&
	{ echo b && echo && printf "Reversal: " && letters 16380; } >long && good=$(commits $tree long) &&
	{ echo b && echo && printf "Reversal: " && letters 16390; } >long && bad=$(commits $tree long) &&
	refused "refs/heads/main: .*a trailer of commit [0-9a-f]* is too long: 16390 bytes" $bad:main &&
	{ echo b && echo && yes "Reversal: no" | head -n 1001; } >long && bad=$(commits $tree long) &&
	refused "refs/heads/main: .*commit [0-9a-f]* has too many trailers: 1001" $bad:main &&
	accepted $good:main && git pull -q --ff-only origin main
'

test_expect_success 'a folder of 8 MiB and more' '
	file=$(git rev-parse main:migrations/a.sql) &&
	entries() {
		perl -e "print map { sprintf(qq(100644 blob %s\t%06d-%s.sql\n), q($file), \$_, q(x) x 30) } 1 .. $1" |
			git mktree
	} &&
	bad=$(commits $(beside 040000 tree $(entries 130000) many migrations)) &&
	refused "refs/heads/main: tree [0-9a-f]* is too large: 8[0-9]* bytes" $bad:main &&
	good=$(commits $(beside 040000 tree $(entries 1000) many migrations)) &&
	accepted $good:main && git pull -q --ff-only origin main
'

test_expect_success 'a migration of 256 MiB and more' '
	blob=$(head -c 268435457 /dev/zero | git hash-object -w --stdin) &&
	bad=$(commits $(beside 100644 blob $blob large.sql migrations)) &&
	refused "refs/heads/main: .*migration $blob is too large: 268435457 bytes" $bad:main &&
	blob=$(head -c 17000000 /dev/zero | git hash-object -w --stdin) &&
	good=$(commits $(beside 100644 blob $blob large.sql migrations)) &&
	accepted $good:main && git pull -q --ff-only origin main
'

test_expect_success 'notes' '
	blob=$(letters 17000000 | git hash-object -w --stdin) && object=$(git rev-parse main) &&
	bad=$(git commit-tree -m x $(printf "100644 blob %s\t%s\n" $blob $object | git mktree)) &&
	refused "refs/notes/migrate/x: .*note [0-9a-f]* is too large: 17000000 bytes" $bad:refs/notes/migrate/x &&
	blob=$(printf "a\0b\n" | git hash-object -w --stdin) &&
	bad=$(git commit-tree -m x $(printf "100644 blob %s\t%s\n" $blob $object | git mktree)) &&
	refused "refs/notes/migrate/x: a note has a NUL byte \[mirror\]" $bad:refs/notes/migrate/x
'

# --- the hook by itself, as git calls it ------------------------------------------

# judged LINE: what it says is in "err"; its status is the hook's
judged() (
	cd "$server" &&
	GIT_DIR=. && GIT_QUARANTINE_PATH=$server/objects/quarantine &&
	GIT_OBJECT_DIRECTORY=$GIT_QUARANTINE_PATH && GIT_ALTERNATE_OBJECT_DIRECTORIES=$server/objects &&
	export GIT_DIR GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES &&
	printf "%s\n" "$1" | git-migrate hook pre-receive >../app/out 2>../app/err
)

# in_quarantine COMMIT: its objects that the server lacks, loose; prints the line
in_quarantine() {
	rm -rf "$server/objects/quarantine" && mkdir "$server/objects/quarantine" &&
	git rev-list --objects "$1" ^origin/main | git pack-objects -q --stdout >in &&
	git --git-dir="$server" rev-parse main | tr "\n" " " && echo "$(git rev-parse "$1") refs/heads/main" &&
	GIT_OBJECT_DIRECTORY=$server/objects/quarantine GIT_ALTERNATE_OBJECT_DIRECTORIES=$server/objects \
		git --git-dir="$server" unpack-objects -q <in
}

# loose ID: the file of an object in quarantine
loose() {
	echo "$server/objects/quarantine/$(echo "$1" | cut -c 1-2)/$(echo "$1" | cut -c 3-)"
}

test_expect_success 'a damaged or missing object is a refusal that names it' '
	git fetch -q && new_migration d "CREATE TABLE d (x int);" && line=$(in_quarantine main) &&
	judged "$line" && test_must_be_empty err &&
	for what in main main^{tree} main:migrations main:migrations/d.sql; do
		id=$(git rev-parse $what) && file=$(loose $id) && test -f "$file" && chmod u+w "$file" &&
		cp "$file" in && printf "no object at all" >"$file" &&
		test_expect_code 128 judged "$line" && grep "^error: refs/heads/main: .*$id" err &&
		rm "$file" && test_expect_code 128 judged "$line" &&
		grep "^error: refs/heads/main: .*$id" err && cp in "$file" || return 1
	done &&
	file=$(loose $(git rev-parse main)) && cp "$file" in && head -c 12 in >"$file" &&
	git -C "$server" config migrate.hookTimeout 1 && # libgit2 1.5 goes round and round
	test_expect_code 128 judged "$line" && grep "^error: " err && cp in "$file" &&
	git -C "$server" config --unset migrate.hookTimeout &&
	other=$(loose $(git rev-parse main:migrations/d.sql)) && echo other | git hash-object -w --stdin >out &&
	cp .git/objects/$(cut -c 1-2 out)/$(cut -c 3- out) "$other" &&
	test_expect_code 128 judged "$line" && grep "^error: .* is corrupt" err &&
	line=$(in_quarantine main) && judged "$line" && test_must_be_empty err && accepted main
'

test_expect_success !SANITIZERS 'a delta against more than memory holds' '
	id=$(head -c 100 /dev/zero | git hash-object --stdin) &&
	small=$(head -c 100 /dev/zero | git hash-object -w --stdin) &&
	bad=$(commits $(beside 100644 blob $small delta.sql migrations)) && line=$(in_quarantine $bad) &&
	judged "$line" && rm "$(loose $small)" &&
	perl -MCompress::Zlib -MDigest::SHA=sha1 -e "
		sub size { my (\$n, \$out) = (\$_[0], q()); do {
			\$out .= chr((\$n & 127) | (\$n > 127 ? 128 : 0)); \$n >>= 7 } while \$n; \$out }
		sub head { my (\$type, \$n) = @_; my \$first = \$type << 4 | \$n & 15; \$n >>= 4;
			chr(\$first | (\$n ? 128 : 0)) . (\$n ? size(\$n) : q()) }
		my \$base = chr(0) x 90_000_000;
		my \$pack = pack(q(a4NN), q(PACK), 2, 2) . head(3, length \$base) . compress(\$base);
		my \$back = length(\$pack) - 12;
		my \$delta = size(length \$base) . size(100) . chr(0x90) . chr(100);
		my \$offset = chr(\$back & 127);
		while (\$back >>= 7) { \$offset = chr(128 | --\$back & 127) . \$offset }
		\$pack .= head(6, length \$delta) . \$offset . compress(\$delta);
		print \$pack, sha1(\$pack);
	" >in &&
	GIT_OBJECT_DIRECTORY=$server/objects/quarantine git --git-dir="$server" index-pack --stdin <in >out &&
	test_expect_code 128 judged "$line" && grep "^error: refs/heads/main: .*$small" err &&
	grep "^hint: It is too large for the memory" err
'

# catches ID NUMBER: whether a process has a handler for a signal of 17 to 32
catches() {
	catches_mask=$(sed -n 's/^SigCgt:.*\(.\{4\}\)....$/\1/p' "/proc/$1/status") &&
	test -n "$catches_mask" && test $((0x$catches_mask >> ($2 - 17) & 1)) -eq 1
}

# waiting COMMAND...: begins a hook that waits for its input, runs the command with its
# id once the hook has its limits, and gives what the hook printed and its status
waiting() {
	rm -f pipe && mkfifo pipe &&
	{
		git-migrate hook pre-receive <pipe 2>err &
		waiting_id=$!
	} && exec 8<>pipe &&
	until catches $waiting_id 27; do
		kill -0 $waiting_id 2>/dev/null || return 1
	done &&
	"$@" $waiting_id && exec 8>&- && wait $waiting_id
}

test_expect_success !SANITIZERS 'the end of its time, and a crash, are said' '
	cd "$server" && waiting test -n && test_must_be_empty err &&
	test_expect_code 128 waiting kill -PROF &&
	grep "^error: the push takes too long to be judged" err && grep "^hint: .*migrate.hookTimeout" err &&
	grep "^the push was refused; nothing was changed" err &&
	for signal in SEGV:139 BUS:135 ABRT:134; do
		test_expect_code ${signal#*:} waiting kill -${signal%:*} &&
		grep "^error: git migrate crashed while it judged the push" err &&
		grep "^the push was refused; nothing was changed" err || return 1
	done && cd ../app
'

test_expect_success 'git refuses when the hook dies' '
	mkdir ../dies && printf "#!/bin/sh\nkill -SEGV \$\$\n" >../dies/git-migrate && chmod +x ../dies/git-migrate &&
	git -C "$server" for-each-ref >before && git commit -q --allow-empty -m next &&
	(PATH="$SHARNESS_TRASH_DIRECTORY/dies:$PATH" && test_must_fail git push -q origin main 2>err) &&
	grep "pre-receive hook declined" err && git -C "$server" for-each-ref >after && test_cmp before after &&
	accepted main
'

test_expect_success 'migrate.hookTimeout is a number of seconds' '
	git -C "$server" config migrate.hookTimeout soon && git commit -q --allow-empty -m more &&
	refused "migrate.hookTimeout .soon. is no number of seconds" main &&
	git -C "$server" config migrate.hookTimeout 86401 &&
	refused "migrate.hookTimeout .86401. is no number of seconds" main &&
	git -C "$server" config migrate.hookTimeout 0 && accepted main &&
	git -C "$server" config --unset migrate.hookTimeout
'

# history N: prints the tip of so many empty commits behind main
history() {
	history_tip=$(git rev-parse main)
	for history_n in $(seq "$1"); do
		tick && history_tip=$(git commit-tree -p "$history_tip" -m "$history_n" "main^{tree}") ||
		return 1
	done
	echo "$history_tip"
}

test_expect_success 'more commits than migrate.hookCommits at once' '
	git pull -q --ff-only origin main && git -C "$server" config migrate.hookCommits 3 &&
	bad=$(history 4) && refused "refs/heads/main: more than 3 commits come at once" $bad:main &&
	grep "^remote: hint: .*git config migrate.hookCommits" err &&
	accepted $bad~:main && accepted $bad:main && git pull -q --ff-only origin main &&
	git -C "$server" config migrate.hookCommits many && bad=$(history 4) &&
	refused "migrate.hookCommits .many. is no number of commits" $bad:main &&
	git -C "$server" config migrate.hookCommits 0 && accepted $bad:main && git pull -q --ff-only origin main &&
	git -C "$server" config --unset migrate.hookCommits && bad=$(history 4) && accepted $bad:main &&
	git pull -q --ff-only origin main
'

test_expect_success 'of a line that parted, its own commits count; of a first push, all' '
	git -C "$server" config migrate.hookCommits 3 &&
	side=$(git commit-tree -p main~2 -m side main~2^{tree}) &&
	fox=$(git commit-tree -p $side -p main -m foxtrot main^{tree}) && accepted $fox:main && git pull -q --ff-only origin main &&
	accepted +$(git commit-tree -p main~2 -m other main^{tree}):main &&
	refused "refs/heads/main: more than 3 commits come at once" \
		+$(git commit-tree -p $(git commit-tree -p $(git commit-tree -p $(git commit-tree -p main~2 \
			-m 1 main^{tree}) -m 2 main^{tree}) -m 3 main^{tree}) -m 4 main^{tree}):main &&
	accepted +main:main &&
	git init -q --bare -b main ../first.git && git -C ../first.git migrate init >/dev/null 2>&1 &&
	git -C ../first.git config migrate.hookCommits 3 &&
	test_must_fail git push -q ../first.git main 2>err && grep "more than 3 commits come at once" err &&
	git -C ../first.git config migrate.hookCommits 100 && git push -q ../first.git main &&
	git -C "$server" config --unset migrate.hookCommits
'

test_expect_success 'check has limits too, and more time' '
	few=$(history 3) && many=$(history 4) &&
	git -c migrate.hookCommits=3 migrate check main..$few && git migrate check main..$many &&
	test_expect_code 128 git -c migrate.hookCommits=3 migrate check main..$many 2>err &&
	grep "^error: more than 3 commits come at once" err && grep "^hint: .*migrate.hookCommits" err &&
	test_expect_code 128 git -c migrate.hookCommits=3 migrate check --merge $many main 2>err &&
	grep "^error: more than 3 commits come at once" err &&
	git -c migrate.hookCommits=3 migrate check --merge $few main &&
	test_expect_code 128 git -c migrate.hookTimeout=soon migrate check main..$few 2>err &&
	{ echo long && echo && letters 900000; } >long && good=$(commits main^{tree} long) &&
	{ echo long && echo && letters 1100000; } >long && bad=$(commits main^{tree} long) &&
	git migrate check main..$good && test_expect_code 128 git migrate check main..$bad 2>err &&
	grep "is too large: 1100[0-9]* bytes" err
'

# --- what is printed, and what is never run -----------------------------------------

# tame FILE: no byte of what the server says steers a terminal or turns text round
tame() {
	grep -a "^remote: " "$1" >out &&
	! LC_ALL=C grep -a -n "$(printf "[\001-\010\013-\037\177]")" out &&
	! LC_ALL=C grep -a -n "$(printf "\342\200\256")" out
}

test_expect_success 'names, trailers and records are printed escaped' '
	esc=$(printf "\033[31mred\342\200\256") && file=$(git rev-parse main:migrations/a.sql) &&
	bad=$(commits $(beside 100644 blob $file "${esc}x.sql" migrations)) &&
	refused "file .migrations/.x1b\[31mred.u{202e}x.sql. cannot be a migration" $bad:main && tame err &&
	printf "SELECT 3;\n" >in && blob=$(git hash-object -w in) &&
	{ echo x && echo && echo "Fixes: $esc" && echo "Failure-Mode: x"; } >long &&
	bad=$(commits $(beside 100644 blob $blob x.sql migrations) long) &&
	refused ".*x1b\[31mred.u{202e}" $bad:main && tame err &&
	printf "%s\n" "$esc" >in && blob=$(git hash-object -w in) &&
	bad=$(git commit-tree -m x $(printf "100644 blob %s\t%s\n" $blob $(git rev-parse main) | git mktree)) &&
	refused "refs/notes/migrate/x: record" $bad:refs/notes/migrate/x && tame err &&
	right=$(printf "refs/notes/migrate/x\342\200\256y") &&
	refused "refs/notes/migrate/x.*no target can have that name" "$bad:$right" && grep "u{202e}y" err && tame err
'

test_expect_success 'nothing that is pushed is run or believed' '
	cat >in <<-EOF &&
	[include]
		path = $PWD/in2
	[core]
		fsmonitor = touch $PWD/ran
		sshCommand = touch $PWD/ran
	[alias]
		config = !touch $PWD/ran
	[migrate]
		hookTimeout = 86401
	[migrate "default"]
		url = postgresql://evil.example/
	EOF
	printf "[migrate]\n\tpath = elsewhere\n" >in2 &&
	{ git show main:.gitmigrate && cat in; } >long && blob=$(git hash-object -w long) &&
	tree=$({ git ls-tree main | grep -v gitmigrate && printf "100644 blob %s\t.gitmigrate\n" $blob; } | git mktree) &&
	printf "COPY x FROM PROGRAM \047touch %s/ran\047;\n\\\\! touch %s/ran\n" "$PWD" "$PWD" >in &&
	good=$(commits $tree) && accepted $good:main && git pull -q --ff-only origin main &&
	good=$(commits $(beside 100644 blob $(git hash-object -w in) run.sql migrations)) &&
	accepted $good:main && test_must_be_empty err && test ! -e ran
'

test_done
