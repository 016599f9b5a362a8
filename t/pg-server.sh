#!/bin/sh
# shellcheck disable=SC2012,SC2016 # names of our own making; $1 is the inner shell's
# A PostgreSQL server of a test's own.
#
#	pg-server.sh start DIR [PID]	prints the URL of its database; it is stopped
#					when the process PID ends, should `stop` not come
#	pg-server.sh stop DIR
#	pg-server.sh check		is there a server program?
#
# It listens on a socket in a private folder under /tmp alone, whose path is kept
# in DIR/pg-server: DIR itself may be where the server's user cannot go, and its
# path too long for a socket. All roles are trusted, but for "needs_password".
# Exit 77: there is no server program here.

find_bin () {
	for dir in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
		/usr/local/pgsql/bin 2>/dev/null | sort -t/ -k5 -rV)
	do
		if test -x "$dir/initdb" && test -x "$dir/pg_ctl"
		then
			echo "$dir"
			return 0
		fi
	done
	dir=$(command -v initdb) && dir=$(dirname "$(readlink -f "$dir")") &&
	test -x "$dir/pg_ctl" && echo "$dir"
}

# Runs a command as a user who may run a server: it refuses to run for root.
as_user () {
	if test "$(id -u)" -ne 0
	then
		"$@"
		return
	fi
	user=postgres
	id -u $user >/dev/null 2>&1 || user=nobody
	if command -v setpriv >/dev/null
	then
		setpriv --reuid=$user --regid="$(id -g $user)" --clear-groups "$@"
	else
		runuser -u $user -- "$@"
	fi
}

remove () {
	# the name is from mktemp below; nothing else is ever removed
	case $1 in
	/tmp/git-migrate-pg.??????)
		rm -rf "$1"
		;;
	esac
}

start () {
	bin=$(find_bin) || {
		echo "no initdb and pg_ctl of PostgreSQL found" >&2
		exit 77
	}
	umask 077
	place=$(mktemp -d /tmp/git-migrate-pg.XXXXXX) || exit 1
	echo "$place" >"$1/pg-server" || exit 1
	cd "$place" || exit 1
	if test "$(id -u)" -eq 0
	then
		user=postgres
		id -u $user >/dev/null 2>&1 || user=nobody
		chown $user "$place" && chmod 755 "$place"
	else
		chmod 755 "$place"
	fi || exit 1
	as_user "$bin/initdb" -D "$place/data" -U postgres -A trust --no-sync -E UTF8 \
		--locale=C >"$place/log" 2>&1 || {
		cat "$place/log" >&2
		exit 1
	}
	as_user sh -c '
		hba=$1/data/pg_hba.conf &&
		echo "local all needs_password scram-sha-256" >"$hba.new" &&
		cat "$hba" >>"$hba.new" &&
		mv "$hba.new" "$hba" &&
		cat >>"$1/data/postgresql.conf" <<-EOF
			listen_addresses = '\'''\''
			unix_socket_directories = '\''$1'\''
			fsync = off
			full_page_writes = off
			max_prepared_transactions = 4
			timezone = '\''UTC'\''
		EOF
	' sh "$place" || exit 1
	as_user "$bin/pg_ctl" -D "$place/data" -l "$place/server.log" -w -s start \
		</dev/null >>"$place/log" 2>&1 || {
		cat "$place/log" "$place/server.log" >&2
		exit 1
	}
	if test -n "$2"
	then
		(
			trap '' HUP
			while kill -0 "$2" && test -d "$place"
			do
				sleep 1
			done
			test ! -d "$place" || stop "$place"
		) </dev/null >/dev/null 2>&1 &
	fi
	echo "postgresql://postgres@$(echo "$place" | sed 's,/,%2F,g')/postgres"
}

stop () {
	bin=$(find_bin) || exit 77
	cd / || exit 1
	as_user "$bin/pg_ctl" -D "$1/data" -w -s -m immediate stop >/dev/null 2>&1
	remove "$1"
}

case $1 in
start)
	start "$2" "$3"
	;;
stop)
	test -f "$2/pg-server" || exit 0
	stop "$(cat "$2/pg-server")"
	rm -f "$2/pg-server"
	;;
check)
	find_bin >/dev/null || exit 77
	;;
*)
	echo "usage: pg-server.sh start DIR [PID] | stop DIR | check" >&2
	exit 129
	;;
esac
