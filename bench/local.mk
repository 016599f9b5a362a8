# A test makes its history with the first, the others of that line show that they
# still compile; the rest is made on demand alone, "make bench/measure": see README.md.
check_PROGRAMS += %reldir%/history %reldir%/raw-pg %reldir%/raw-sqlite
EXTRA_PROGRAMS += %reldir%/chain %reldir%/lexer %reldir%/measure
CLEANFILES += %reldir%/chain %reldir%/lexer %reldir%/measure
%canon_reldir%_chain_SOURCES = %reldir%/chain.c
%canon_reldir%_chain_LDADD = src/libcore.a src/libbase.a $(NETTLE_LIBS)
%canon_reldir%_history_SOURCES = %reldir%/history.c
%canon_reldir%_lexer_SOURCES = %reldir%/lexer.c
%canon_reldir%_lexer_LDADD = src/libsql.a src/libbase.a $(NETTLE_LIBS)
%canon_reldir%_measure_SOURCES = %reldir%/measure.c
%canon_reldir%_raw_pg_CPPFLAGS = $(AM_CPPFLAGS) $(PQ_CFLAGS)
%canon_reldir%_raw_pg_SOURCES = %reldir%/raw-pg.c
%canon_reldir%_raw_pg_LDADD = src/libbase.a $(PQ_LIBS) $(NETTLE_LIBS)
%canon_reldir%_raw_sqlite_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
%canon_reldir%_raw_sqlite_SOURCES = %reldir%/raw-sqlite.c
%canon_reldir%_raw_sqlite_LDADD = $(SQLITE_LIBS)

EXTRA_DIST += %reldir%/README.md %reldir%/apply.sh %reldir%/backfill.sh %reldir%/common.sh \
	%reldir%/corpus.awk %reldir%/histories.sh %reldir%/locks.sh \
	%reldir%/make-repositories.sh %reldir%/mirror.sh \
	%reldir%/peers.sh %reldir%/plan.sh %reldir%/push.sh %reldir%/schema.sh %reldir%/psql-lexer.c %reldir%/psql-lexer.sh
