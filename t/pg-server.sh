#!/bin/sh
# shellcheck disable=SC2012,SC2016 # names of our own making; $1 is the inner shell's
# A PostgreSQL server of a test's own.
#
#	pg-server.sh start DIR [PID]	prints the URL of its database; it is stopped
#					when the process PID ends, should `stop` not come
#	pg-server.sh pool DIR		puts a pgbouncer before it that pools transactions,
#					with two connections a database; prints its URL
#	pg-server.sh crash DIR		ends the server as a loss of power would, and
#	pg-server.sh again DIR		starts it again
#	pg-server.sh standby DIR	makes a replica of it; prints its URL
#	pg-server.sh stop DIR
#	pg-server.sh check		is there a server program?
#
# It listens on a socket in a private folder under /tmp alone, whose path is kept
# in DIR/pg-server: DIR itself may be where the server's user cannot go, and its
# path too long for a socket. All roles are trusted, but for "needs_password".
# Exit 77: there is no such program here.

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

# Prints the URL of database "postgres" behind a socket in that folder.
url () {
	echo "postgresql://postgres@$(echo "$1" | sed 's,/,%2F,g')/postgres"
}

run () {
	as_user "$bin/pg_ctl" -D "$place/data" -l "$place/server.log" -w -s start \
		</dev/null >>"$place/log" 2>&1 || {
		cat "$place/log" "$place/server.log" >&2
		exit 1
	}
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
	run
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
	url "$place"
}

pool () {
	# a daemon's folder is not in everybody's PATH
	bouncer=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v pgbouncer) || {
		echo "no pgbouncer found" >&2
		exit 77
	}
	umask 022
	mkdir "$1/pool" && cat >"$1/pool/conf" <<-EOF || exit 1
		[databases]
		* = host=$1 user=postgres
		[pgbouncer]
		listen_addr =
		listen_port = 5432
		unix_socket_dir = $1/pool
		auth_type = any
		pool_mode = transaction
		default_pool_size = 2
		logfile = $1/pool/log
		pidfile = $1/pool/pid
	EOF
	test "$(id -u)" -ne 0 || chown -R "$(stat -c %u "$1")" "$1/pool" || exit 1
	# it listens before it becomes a daemon
	as_user "$bouncer" -d -q "$1/pool/conf" </dev/null >"$1/pool/out" 2>&1 || {
		cat "$1/pool/out" >&2
		exit 1
	}
	url "$1/pool"
}

crash () {
	bin=$(find_bin) || exit 77
	cd / || exit 1
	as_user "$bin/pg_ctl" -D "$1/data" -w -s -m immediate stop >/dev/null 2>&1
}

again () {
	bin=$(find_bin) || exit 77
	place=$1
	cd / || exit 1
	run
}

standby () {
	bin=$(find_bin) || exit 77
	cd / || exit 1
	if ! {
		as_user "$bin/pg_basebackup" -h "$1" -U postgres -D "$1/standby" -R \
			-c fast --no-sync &&
		as_user sh -c 'echo "port = 5433" >>"$1/standby/postgresql.conf"' sh "$1" &&
		as_user "$bin/pg_ctl" -D "$1/standby" -l "$1/standby/log" -w -s start
	} </dev/null >"$1/standby.log" 2>&1
	then
		cat "$1/standby.log" >&2
		exit 1
	fi
	echo "$(url "$1")?port=5433"
}

stop () {
	test ! -d "$1/standby" ||
	as_user "$(find_bin)/pg_ctl" -D "$1/standby" -w -s -m immediate stop >/dev/null 2>&1
	test ! -s "$1/pool/pid" || kill "$(cat "$1/pool/pid")"
	crash "$1"
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
pool | crash | again | standby)
	"$1" "$(cat "$2/pg-server")"
	;;
check)
	find_bin >/dev/null || exit 77
	;;
*)
	echo "usage: pg-server.sh start DIR [PID] | pool DIR | crash DIR | again DIR |" \
		"standby DIR | stop DIR | check" >&2
	exit 129
	;;
esac
