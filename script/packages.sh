# shellcheck shell=bash disable=SC2034
# What a fresh Debian 12 or Ubuntu needs; sourced by script/test and script/demo.
# "a|b" is a where the release has it, else b.

# to build and run the program
build_packages=(
	autoconf automake 'pkg-config|pkgconf' make gcc libc6-dev git
	libgit2-dev zlib1g-dev libsqlite3-dev libpq-dev libpq5 libjansson-dev nettle-dev
)

# a PostgreSQL server and what looks at databases
server_packages=(postgresql sqlite3)

# what takes pushes in the tests
push_packages=(lighttpd gitolite3)

# the tests and the checks of the sources
test_packages=(
	"${build_packages[@]}" "${server_packages[@]}" "${push_packages[@]}" pgbouncer
	libcmocka-dev sharness mandoc man-db shellcheck cppcheck
	'clang-format-14|clang-format' clang 'libclang-rt-14-dev|libclang-rt-dev'
	valgrind perl strace xz-utils chromium openssh-client gnupg
	python3-jsonschema
)

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

has_candidate() {
	apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

# Of each name that is not installed the one to ask for, one a line.
missing_packages() {
	local choice name
	for choice; do
		for name in ${choice//|/ }; do
			! is_installed "$name" || continue 2
		done
		for name in ${choice//|/ }; do
			! has_candidate "$name" || break
		done
		echo "$name"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		env "$@"
	else
		sudo env "$@"
	fi
}

# install_packages NAME...: asks for nothing when all of them are there.
install_packages() {
	local missing
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "not installed, and there is no apt-get: ${missing[*]}" >&2
		return 1
	fi
	as_root DEBIAN_FRONTEND=noninteractive apt-get -q update </dev/null || return 1
	# the lists are new: an alternative may have become known
	mapfile -t missing < <(missing_packages "$@")
	as_root DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		--no-install-recommends install "${missing[@]}" </dev/null
}
