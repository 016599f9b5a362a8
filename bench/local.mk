# A test makes its history with the first; the others are made on demand alone,
# "make bench/measure": see README.md here.
check_PROGRAMS += %reldir%/history
EXTRA_PROGRAMS += %reldir%/lexer %reldir%/measure
CLEANFILES += %reldir%/lexer %reldir%/measure
%canon_reldir%_history_SOURCES = %reldir%/history.c
%canon_reldir%_lexer_SOURCES = %reldir%/lexer.c
%canon_reldir%_lexer_LDADD = src/libsql.a src/libbase.a $(NETTLE_LIBS)
%canon_reldir%_measure_SOURCES = %reldir%/measure.c

EXTRA_DIST += %reldir%/README.md %reldir%/common.sh %reldir%/make-repositories.sh \
	%reldir%/peers.sh %reldir%/plan.sh %reldir%/psql-lexer.c %reldir%/psql-lexer.sh
