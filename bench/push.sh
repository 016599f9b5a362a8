#!/bin/sh
# usage: bench/push.sh [<options>] <folder>
#
# Measures "git migrate hook pre-receive" as git runs it: the pushed objects lie in a
# folder of their own (a quarantine). First pushes as they are made every day, then
# such as mean harm, which the hook has to judge in bounded time and memory. What is
# pushed is made in <folder> and stays there; 3 GB of it, for some minutes.
#
#   --git-migrate <file>     the program (git-migrate in the current folder or PATH)
#   --rounds <n>             how often each is run (11); what means harm thrice
#   --only <name>[,<name>]   of "daily", "harm"
#
# Build "make bench/history bench/measure" before, and run it in the build folder.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

git_migrate=
rounds=11
only=
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help)
		usage 0
		;;
	--git-migrate|--rounds|--only)
		[ $# -gt 1 ] || usage 129
		case $1 in
		--git-migrate)
			git_migrate=$2
			;;
		--rounds)
			rounds=$2
			;;
		--only)
			only=$2
			;;
		esac
		shift
		;;
	-*)
		usage 129
		;;
	*)
		break
		;;
	esac
	shift
done
[ $# -eq 1 ] || usage 129
git_migrate=$(find_git_migrate "$git_migrate") || exit
history=$(program history) || exit
measure=$(program measure) || exit
mkdir -p "$1" && cd "$1" || exit 128
folder=$(pwd -P)
server=$folder/push-server.git

scratch=$(mktemp -d) || exit 128
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' HUP INT TERM
export HOME="$scratch"
git config --global user.name 'Ann Author'
git config --global user.email ann@example.com
git config --global gc.auto 0

# --- what is pushed -------------------------------------------------------------

# A server with 10,000 commits and 5,000 migrations, all packed.
make_server() {
	git init -q --bare -b main "$server" &&
	"$history" --commits 10000 --migrations 5000 |
	git -C "$server" -c pack.compression=1 fast-import --quiet --done &&
	git -C "$server" repack -q -adf --no-write-bitmap-index &&
	git -C "$server" pack-refs --all
}

# push NAME REF COMMAND...: COMMAND is run in a repository that borrows from the
# server, and prints what REF is to become; the objects that it makes are the push
push() {
	push_name=$1
	push_ref=$2
	push_new=
	shift 2
	[ ! -e "$folder/push-$push_name/line" ] || return 0
	rm -rf "$folder/push-$push_name"
	mkdir "$folder/push-$push_name" &&
	git clone -q --bare --shared "$server" "$folder/push-$push_name/from.git" &&
	cd "$folder/push-$push_name/from.git" &&
	push_new=$("$@")
	[ -n "$push_new" ] || die "push $push_name could not be made"
	push_old=$(git -C "$server" rev-parse -q --verify "$push_ref") ||
	push_old=0000000000000000000000000000000000000000
	if [ "$push_new" != lines ]; then
		echo "$push_old $push_new $push_ref" >../lines
	fi
	mv ../lines ../line
	cd "$folder" || exit 128
	echo "made: $push_name"
}

# commits N MIGRATIONS: behind the server's, packed
commits() {
	"$history" --branch refs/heads/later --from refs/heads/main --seed 2 \
		--commits "$1" --migrations "$2" --start-number 5001 |
	git fast-import --quiet --done &&
	git repack -q -a -d -l -f &&
	git rev-parse later
}

# root ENTRY: a commit behind main whose tree is that entry alone, as for mktree
root() {
	git commit-tree -p main -m 'means harm' "$(printf '%b' "$1" | git mktree --missing)"
}

# beside ENTRY [FOLDER]: a commit behind main that has all of it, and the entry in that
# folder (the root)
beside() {
	beside_tree=$({
		git ls-tree "main:${2-}" && printf '%b' "$1"
	} | git mktree --missing) &&
	if [ -n "${2-}" ]; then
		beside_tree=$({
			git ls-tree main | grep -v "	$2\$" &&
			printf '040000 tree %s\t%s\n' "$beside_tree" "$2"
		} | git mktree)
	fi &&
	git commit-tree -p main -m 'means harm' "$beside_tree"
}

# entries N MODE NAME ID: a raw tree; NAME is a format for numbers
entries() {
	perl -e '
		my ($nr, $mode, $name, $id) = @ARGV;
		$id = pack "H*", $id;
		printf "%s $name\0%s", $mode, $_, $id for 0 .. $nr - 1;
	' "$@" | git hash-object -t tree -w --stdin --literally
}

# a blob, whose file is removed at once
blob() {
	git hash-object -w --stdin
}

# zeros BYTES
zeros() {
	head -c "$1" /dev/zero
}

one_tree() {
	one_tree_file=$(echo 'SELECT 1;' | blob)
	one_tree_id=$(entries 1000000 100644 %07d.sql "$one_tree_file")
	root "040000 tree $one_tree_id\tmigrations\n"
}

one_root() {
	one_root_file=$(echo 'SELECT 1;' | blob)
	git commit-tree -p main -m 'means harm' \
		"$(entries 1000000 100644 %07d.sql "$one_root_file")"
}

# a thousand folders of a thousand different files
many_trees() {
	many_file=$(echo 'SELECT 1;' | blob)
	for many_number in $(seq 100 1099); do
		printf '040000 tree %s\t%s\n' \
			"$(entries 1000 100644 "$many_number-%04d.sql" "$many_file")" \
			"$many_number"
	done | sort -k 4 >many
	root "040000 tree $(git mktree <many)\tmigrations\n"
}

deep_trees() {
	deep_file=$(echo 'SELECT 1;' | blob)
	deep=$(entries 1 100644 x%d.sql "$deep_file")
	for _ in $(seq 3000); do
		deep=$(entries 1 40000 d%d "$deep")
	done
	root "040000 tree $deep\tmigrations\n"
}

large_migration() {
	large=$(zeros 1000000000 | blob)
	beside "100644 blob $large\tx.sql\n" migrations
}

# as many as are read for their headers, of the largest size that is
large_headers() {
	for header in $(seq 100 199); do
		printf '100644 blob %s\tx%s.sql\n' \
			"$({ echo "$header"; zeros 16777000; } | blob)" "$header"
	done >many
	beside "$(cat many)" migrations
}

large_settings() {
	large=$(zeros 1000000000 | blob)
	beside "100644 blob $large\t.gitmigrate\n"
}

large_commit() {
	{
		git cat-file commit main && zeros 1000000000 | tr '\0' x
	} | git hash-object -t commit -w --stdin --literally
}

large_note() {
	large=$(zeros 1000000000 | tr '\0' x | blob)
	git commit-tree -m 'means harm' \
		"$(printf '100644 blob %s\t%s\n' "$large" "$(git rev-parse main)" | git mktree)"
}

# four folders in each of eighteen levels, the same below
notes_bomb() {
	bomb=$(printf '100644 blob %s\t0000\n' "$(echo x | blob)" | git mktree)
	for _ in $(seq 18); do
		bomb=$(for digits in 00 01 02 03; do
			printf '040000 tree %s\t%s\n' "$bomb" $digits
		done | git mktree)
	done
	git commit-tree -m 'means harm' "$bomb"
}

many_notes() {
	many_note=$(echo x | blob)
	git commit-tree -m 'means harm' "$(entries 120000 100644 %040x "$many_note")"
}

mirror_commits() {
	bomb=$(printf '100644 blob %s\t%s\n' "$(echo x | blob)" "$(git rev-parse main)" |
		git mktree)
	perl -e '
		print "commit refs/heads/mirror\ncommitter a <a> $_ +0000\ndata 1\nx\n",
			$_ == 1 ? "M 040000 $ARGV[0] \n" : "" for 1 .. 100000;
		print "done\n";
	' "$bomb" | git fast-import --quiet --done && git rev-parse mirror
}

# a small file that is a delta against a large one: a pack by hand
delta_bomb() {
	perl -MCompress::Zlib -MDigest::SHA=sha1_hex -e '
		sub size { my ($n, $out) = ($_[0], ""); do {
			$out .= chr(($n & 127) | ($n > 127 ? 128 : 0)); $n >>= 7 } while $n; $out }
		sub head { my ($type, $n) = @_; my $first = $type << 4 | $n & 15; $n >>= 4;
			chr($first | ($n ? 128 : 0)) . ($n ? size($n) : "") }
		my $base = "\0" x 300_000_000;
		my $pack = pack("a4NN", "PACK", 2, 2) . head(3, length $base) . compress($base);
		my $back = length($pack) - 12;
		my $delta = size(length $base) . size(100) . chr(0x90) . chr(100);
		my $offset = chr($back & 127);
		while ($back >>= 7) { $offset = chr(128 | --$back & 127) . $offset }
		$pack .= head(6, length $delta) . $offset . compress($delta);
		print $pack, pack "H*", sha1_hex($pack);
	' | git index-pack --stdin --strict >/dev/null &&
	bomb=$(zeros 100 | git hash-object --stdin) &&
	beside "100644 blob $bomb\tx.sql\n" migrations
}

many_refs() {
	many_tip=$(root '')
	seq 100000 | sed "s|.*|$(printf '%040d' 0) $many_tip refs/heads/b&|" >../lines
	echo lines
}

# --- measuring ------------------------------------------------------------------

# hook NAME: as git receive-pack runs it
cat >"$scratch/hook" <<'EOF'
cd "$1" || exit
q=$1/objects/tmp_objdir-incoming-bench
GIT_DIR=. GIT_QUARANTINE_PATH=$q GIT_OBJECT_DIRECTORY=$q \
	GIT_ALTERNATE_OBJECT_DIRECTORIES=$1/objects
export GIT_DIR GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
exec "$2" hook pre-receive <"$3" 2>"$4"
EOF

# run NAME TITLE ROUNDS STATUS
run() {
	quarantine=$server/objects/tmp_objdir-incoming-bench
	rm -rf "$quarantine"
	cp -a "$folder/push-$1/from.git/objects" "$quarantine"
	rm -f "$quarantine/info/alternates" "$scratch/rounds"
	"$measure" -n "$3" -x "$4" sh "$scratch/hook" "$server" "$git_migrate" \
		"$folder/push-$1/line" "$scratch/said" >"$scratch/rounds" || {
		tail -n 5 "$scratch/said" >&2
		die "push $1 was judged otherwise than it should be"
	}
	rm -rf "$quarantine"
	printf '  %-32s %10.1f %10.1f %10.1f %9.1f   %s\n' "$2" \
		"$(median "$scratch/rounds" wall)" "$(median "$scratch/rounds" own)" \
		"$(median "$scratch/rounds" children)" "$(median "$scratch/rounds" peak)" \
		"$(sed -n 's/^error: //p' "$scratch/said" | head -n 1 | cut -c 1-60)"
}

heading() {
	printf '\n%s\n%-34s %10s %10s %10s %9s\n' "$1" '' 'wall ms' 'own ms' 'children' 'peak MB'
}

daily() {
	push four refs/heads/main commits 4 1
	push many refs/heads/main commits 10000 500
	heading 'every day'
	run four 'warming up' 1 0
	run four '4 commits' "$rounds" 0
	few=$(median "$scratch/rounds" cpu)
	run many '10,000 commits, 500 migrations' "$rounds" 0
	lots=$(median "$scratch/rounds" cpu)
	for kind in loose packed; do
		if [ $kind = loose ]; then
			git -C "$server" for-each-ref --format='%(objectname)' refs/heads/main |
			awk '{ for (i = 0; i < 10000; i++) print "create refs/heads/other/" i " " $1 }' |
			git -C "$server" update-ref --stdin
		else
			git -C "$server" pack-refs --all
		fi
		run four "4 commits, 10,000 $kind refs" "$rounds" 0
		median "$scratch/rounds" cpu >"$scratch/$kind"
	done
	awk '{ print "delete refs/heads/other/" NR - 1 }' <<-EOF | git -C "$server" update-ref --stdin
	$(seq 10000)
	EOF
	goal 'CPU ms, 4 commits' "$few" 25
	goal 'CPU ms, 10,000 commits' "$lots" 600
	goal 'ratio with 10,000 loose refs' "$(awk -v a="$few" '{ print $1 / a }' "$scratch/loose")" 1.2
	goal 'ratio with 10,000 packed refs' "$(awk -v a="$few" '{ print $1 / a }' "$scratch/packed")" 1.2
}

# harm NAME REF STATUS TITLE COMMAND...
harm() {
	harm_name=$1
	harm_status=$3
	harm_title=$4
	harm_ref=$2
	shift 4
	push "$harm_name" "$harm_ref" "$@"
	run "$harm_name" "$harm_title" 3 "$harm_status"
	median "$scratch/rounds" peak >>"$scratch/peaks"
	median "$scratch/rounds" cpu >>"$scratch/times"
}

means_harm() {
	heading 'what means harm'
	main=refs/heads/main
	mirror=refs/notes/migrate/x
	harm hundred $main 128 '100,000 commits' commits 100000 5000
	# near the limit of time, and beyond it on a machine that is busy
	git -C "$server" config migrate.hookTimeout 60
	git -C "$server" config migrate.hookCommits 0
	harm hundred $main 0 'the same where it is allowed' commits 100000 5000
	git -C "$server" config --unset migrate.hookTimeout
	git -C "$server" config --unset migrate.hookCommits
	harm onetree $main 128 'a million files in one folder' one_tree
	harm oneroot $main 128 'a million entries in the root' one_root
	harm manytrees $main 128 'a million files in 1,000 folders' many_trees
	harm deep $main 128 '3,000 folders in each other' deep_trees
	harm migration $main 128 'a migration of 1 GB' large_migration
	harm headers $main 128 '100 migrations of 16 MiB' large_headers
	harm settings $main 128 'a .gitmigrate of 1 GB' large_settings
	harm commit $main 128 'a commit of 1 GB' large_commit
	harm delta $main 128 'a delta against 300 MB' delta_bomb
	harm note $mirror 128 'a note of 1 GB' large_note
	harm bomb $mirror 128 'notes of any number' notes_bomb
	harm notes $mirror 1 '120,000 notes' many_notes
	harm mirror $mirror 1 '100,000 commits of a mirror' mirror_commits
	harm refs $main 0 '100,000 new branches' many_refs
	goal 'greatest peak, MB' "$(sort -g "$scratch/peaks" | tail -n 1)" 100
	goal 'longest, CPU ms' "$(sort -g "$scratch/times" | tail -n 1)" 5000
}

met=0
missed=0
"$git_migrate" --version
git --version
if [ ! -e "$server/bench-made" ]; then
	make_server || die "the server could not be made"
	touch "$server/bench-made"
fi
if wanted daily "$only"; then
	daily
fi
if wanted harm "$only"; then
	means_harm
fi
printf '\n%d goals met, %d missed\n' "$met" "$missed"
