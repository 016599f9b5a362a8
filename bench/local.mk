# Made on demand alone, "make bench/history bench/measure": see README.md here.
bench_programs = %reldir%/history %reldir%/measure
EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs)
%canon_reldir%_history_SOURCES = %reldir%/history.c
%canon_reldir%_measure_SOURCES = %reldir%/measure.c

EXTRA_DIST += %reldir%/README.md %reldir%/common.sh %reldir%/make-repositories.sh \
	%reldir%/peers.sh %reldir%/plan.sh
