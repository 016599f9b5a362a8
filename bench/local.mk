# A test makes its history with the first; the second is made on demand alone,
# "make bench/measure": see README.md here.
check_PROGRAMS += %reldir%/history
EXTRA_PROGRAMS += %reldir%/measure
CLEANFILES += %reldir%/measure
%canon_reldir%_history_SOURCES = %reldir%/history.c
%canon_reldir%_measure_SOURCES = %reldir%/measure.c

EXTRA_DIST += %reldir%/README.md %reldir%/common.sh %reldir%/make-repositories.sh \
	%reldir%/peers.sh %reldir%/plan.sh
