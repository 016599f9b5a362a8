#!/bin/bash
# usage: bench/psql-lexer.sh [<options>] <folder or file>...
#
# Takes SQL files apart by psql's own lexer and by ours, and compares the statements:
# psql-lexer.c, which this builds and runs, says how. A folder stands for its *.sql;
# the one to name is src/test/regress/sql of PostgreSQL's sources.
#
#   --libraries <folder>   PostgreSQL's libpgfeutils.a, libpgcommon.a and libpgport.a
#                          (postgresql-server-dev-15, downloaded where that is not
#                          installed, and only unpacked)
#   --headers <folder>     its headers for the server, which go with them
#   --differ <name>,...    the files that may differ or be refused (psql.sql)
#   --verbose              a line for each file
#
# Needs libpq-dev. Exit status 0 when all others are equal.

set -u
# shellcheck source=bench/common.sh
. "$(dirname "$0")/common.sh"

package=postgresql-server-dev-15
libraries=
headers=
differ=psql.sql
verbose=
while [ $# -gt 0 ]; do
	case $1 in
	-h|--help)
		usage 0
		;;
	--libraries|--headers|--differ)
		[ $# -gt 1 ] || usage 129
		declare "${1#--}=$2"
		shift
		;;
	--verbose)
		verbose=yes
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
[ $# -gt 0 ] || usage 129
files=()
for name; do
	if [ -d "$name" ]; then
		files+=("$name"/*.sql)
	else
		files+=("$name")
	fi
done
[ -e "${files[0]}" ] || die "there is no '${files[0]}'"

src=$(absolute "$(dirname "$0")/..")
work=$(mktemp -d) || exit 128
trap 'rm -rf "$work"' EXIT

# find_postgresql: sets $libraries and $headers
find_postgresql() {
	local root=
	if [ ! -e /usr/lib/postgresql/15/lib/libpgfeutils.a ]; then
		(cd "$work" && apt-get -q download "$package" && dpkg -x "$package"_*.deb x) \
			>"$work/download" 2>&1 || {
			cat "$work/download" >&2
			die "could not download $package: name --libraries and --headers"
		}
		root=$work/x
	fi
	libraries=$root/usr/lib/postgresql/15/lib
	headers=$root/usr/include/postgresql/15/server
}

if [ -z "$libraries" ] || [ -z "$headers" ]; then
	find_postgresql
fi
include=$(pg_config --includedir) || die "there is no pg_config: install libpq-dev"
sources=()
for name in sql/data sql/place sql/split sql/token sql/window base/buf base/err base/io \
	base/text; do
	sources+=("$src/src/$name.c")
done
${CC:-cc} -O2 -std=gnu11 -D_GNU_SOURCE -I"$headers" -I"$include" -I"$include/internal" \
	-I"$src/src" "$src/bench/psql-lexer.c" "${sources[@]}" "$libraries/libpgfeutils.a" \
	"$libraries/libpgcommon.a" "$libraries/libpgport.a" -lpq -o "$work/psql-lexer" ||
	die "could not build psql-lexer"

"$work/psql-lexer" "${files[@]}" >"$work/out" || exit 128
[ -z "$verbose" ] || cat "$work/out"
awk -F '\t' -v differ=",$differ," '
	NF == 4 {
		count[$1]++
		statements[$1] += $2
		if ($3)
			without = without sprintf("  %s (%d)\n", $4, $3)
		unexpected = $1 != "equal" && !index(differ, "," $4 ",")
		wrong += unexpected
		if ($1 != "equal")
			print (unexpected ? "" : "as expected: ") $1 ": " $4
		next
	}
	{ print }
	END {
		printf "equal: %d files, %d statements\n", count["equal"], statements["equal"]
		printf "differs: %d, refused: %d\n", count["differs"], count["refused"]
		if (without)
			printf "COPY without data:\n%s", without
		exit wrong > 0 || !count["equal"]
	}' "$work/out"
