#!/bin/sh

test_description='what an apply costs, in what can be counted on any machine'

. "$(dirname "$0")/lib.sh"

start_pg optional
needs_built proxy shim.so

# a git that says that it was started
mkdir bin &&
printf '#!/bin/sh\necho "$*" >>"%s"\nexec "%s" "$@"\n' "$PWD/children" "$(command -v git)" \
	>bin/git &&
chmod +x bin/git || exit 1

# land REPOSITORY FROM TO: migrations, a commit each
land() {
	awk -v form=git -v from="$2" -v to="$3" -f "$top_srcdir/bench/corpus.awk" >stream &&
	git -C "$1" fast-import --quiet --done <stream
}

# corpus_repo NAME URL: with a hundred of them
corpus_repo() {
	git init -q --bare "$1" &&
	land "$1" 0 100 &&
	git -C "$1" config migrate.default.url "$2"
}

# counted_apply REPOSITORY COMMAND...: with its children in "children"
counted_apply() {
	rm -f children &&
	: >children &&
	counted_repo=$1 &&
	shift && (
		cd "$counted_repo" &&
		"$@" env PATH="$SHARNESS_TRASH_DIRECTORY/bin:$PATH" \
			"$top_builddir/git-migrate" apply >../out
	)
}

# count NAME: of what the proxy or the shim has written, "NAME NUMBER" lines in "stats"
count() {
	sed -n "s/^$1 //p" stats
}

# at_most NUMBER NAME, exactly NUMBER NAME
at_most() {
	test "$(count "$2")" -le "$1" || {
		echo "$2: $(count "$2"), more than $1"
		return 1
	}
}

exactly() {
	test "$(count "$2")" -eq "$1" || {
		echo "$2: $(count "$2"), not $1"
		return 1
	}
}

# started NUMBER: children of git-migrate, at most
started() {
	test "$(wc -l <children)" -le "$1" || {
		cat children
		return 1
	}
}

wal_syncs() {
	pg "$PG_URL" 'SELECT wal_sync FROM pg_stat_wal'
}

wait_for_fsync() {
	until test on = "$(pg "$PG_URL" 'SHOW fsync')"; do
		sleep 0.1
	done
}

if test_have_prereq PG &&
	test "$(pg "$PG_URL" "SELECT to_regclass('pg_catalog.pg_stat_wal') IS NOT NULL")" = t
then
	test_set_prereq WAL_STAT
fi

test_expect_success PG 'PostgreSQL, a hundred from empty: few round trips, a commit each' '
	corpus_repo pg.git "" &&
	create_db counted >url &&
	# an answer that comes while more is being sent would count as a turn
	start_proxy --delay-ms=400 &&
	git -C pg.git config migrate.default.url "$(tool_url counted)" &&
	counted_apply pg.git &&
	stop_tool &&
	test 10 = "$(pg "$(cat url)" "SELECT count(*) FROM pg_views WHERE schemaname = '\''public'\''")" &&
	exactly 1 connections &&
	at_most 8 round-trips &&
	exactly 102 commits &&
	started 3
'

# 170 statements are the migrations own, 48 describe the schema at the end of the run; a
# statement takes four messages
test_expect_success PG 'at most 12 statements go with a migration' '
	at_most $((4 * (170 + 48 + 101 * 12))) messages
'

# a COMMIT waits for the disk for all before it, at every sixteenth and at the end
test_expect_success PG,WAL_STAT 'PostgreSQL, a hundred from empty: few syncs of the WAL' '
	for setting in "fsync = on" "wal_writer_delay = '\''10s'\''"; do
		pg "$PG_URL" "ALTER SYSTEM SET $setting" || return 1
	done &&
	pg "$PG_URL" "SELECT pg_reload_conf()" &&
	wait_for_fsync &&
	create_db synced >url &&
	corpus_repo synced.git "$(cat url)" &&
	before=$(wal_syncs) &&
	counted_apply synced.git &&
	left_alone "$(cat url)" &&
	echo "syncs $(($(wal_syncs) - before))" >stats &&
	at_most 30 syncs &&
	test "$(count syncs)" -ge 8
'

test_expect_success PG 'nothing to do: one look, and nothing is written' '
	start_proxy --delay-ms=400 &&
	git -C pg.git config migrate.default.url "$(tool_url counted)" &&
	git -C pg.git for-each-ref >refs.before &&
	counted_apply pg.git &&
	git -C pg.git for-each-ref >refs.after &&
	stop_tool &&
	exactly 1 connections &&
	# the start, and all that is asked
	at_most 2 round-trips &&
	exactly 0 commits &&
	test_cmp refs.before refs.after &&
	started 1
'

test_expect_success 'the mirror is one pack, and no loose object' '
	corpus_repo mirror.git "sqlite:$PWD/mirror.db" &&
	counted_apply mirror.git &&
	git -C mirror.git count-objects -v >objects &&
	has_line objects "count: 0" &&
	has_line objects "packs: 2"
'

test_expect_success 'one more: nothing is read of the hundred that were applied' '
	land mirror.git 100 101 &&
	counted_apply mirror.git env GIT_TRACE_MIGRATE="$PWD/trace" &&
	test 101 = "$(git -C mirror.git notes --ref migrate/default list | wc -l)" &&
	sed -n "s/^migrate: //p" trace | tr " =" "\n " >stats &&
	at_most 3 blobs &&
	exactly 1 children
'

test_expect_success 'log of the newest: nothing is read of the notes of the others' '
	PATH="$top_builddir:$PATH" git -C mirror.git migrate log -n 50 >out &&
	rm -f trace &&
	PATH="$top_builddir:$PATH" GIT_TRACE_MIGRATE="$PWD/trace" \
		git -C mirror.git migrate log -n 5 --porcelain >out &&
	test 5 = "$(grep -c "^record .* event=applied " out)" &&
	sed -n "s/^migrate: //p" trace | tr " =" "\n " >stats &&
	exactly 5 blobs
'

# one_more FROM: a migration more is applied and pushed, with the mirror; "stats" has
# what the hook has read for it
one_more() {
	land mirror.git "$1" $(($1 + 1)) &&
	counted_apply mirror.git &&
	rm -f trace &&
	GIT_TRACE_MIGRATE="$PWD/trace" git -C mirror.git push -q ../pushed.git main \
		refs/notes/migrate/default &&
	sed -n 's/^migrate: //p' trace | tr ' =' '\n ' >stats
}

test_expect_success 'a push: nothing is read of the hundred that were there' '
	git init -q --bare -b main pushed.git &&
	PATH="$top_builddir:$PATH" git -C pushed.git migrate init >out 2>&1 &&
	git -C mirror.git push -q ../pushed.git main refs/notes/migrate/default &&
	one_more 101 &&
	one_more 102 &&
	test "$(git -C mirror.git rev-parse main)" = "$(git -C pushed.git rev-parse main)" &&
	at_most 2 children &&
	at_most 15 commits &&
	at_most 30 trees &&
	at_most 6 blobs
'

test_expect_success '!SANITIZERS' 'SQLite, a hundred from empty: few syncs' '
	corpus_repo sqlite.git "sqlite:$PWD/app.db" &&
	sqlite app.db "PRAGMA user_version = 1" &&
	counted_apply sqlite.git with_shim GM_SHIM_LOG="$PWD/stats" &&
	test 10 = "$(sqlite app.db "SELECT count(*) FROM sqlite_schema WHERE type = '\''view'\'' AND name LIKE '\''app%'\''")" &&
	at_most 8 sync &&
	started 3
'

test_expect_success '!SANITIZERS' 'SQLite, nothing to do: no sync' '
	counted_apply sqlite.git with_shim GM_SHIM_LOG="$PWD/stats" &&
	exactly 0 sync &&
	started 1
'

# the first run has changed the settings: it has written the target's uuid there
test_expect_success '!SANITIZERS' 'nothing to do, again: no child at all' '
	counted_apply sqlite.git &&
	started 0
'

test_done
