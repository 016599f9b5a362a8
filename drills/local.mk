# Incidents to practise on (git migrate drill), as bytes for #include: one text.
drills = %reldir%/required-column.drill %reldir%/lossy-type.drill \
	%reldir%/wrong-backfill.drill %reldir%/dropped-column.drill \
	%reldir%/rename.drill %reldir%/unique-duplicates.drill \
	%reldir%/blocked-writers.drill %reldir%/half-run.drill \
	%reldir%/fails-here.drill
EXTRA_DIST += $(drills)
BUILT_SOURCES += src/drills/catalogue.inc
CLEANFILES += src/drills/catalogue.inc

src/drills/catalogue.inc: $(drills)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	for f in $(drills); do test -f $$f || f=$(srcdir)/$$f; cat $$f; done | \
	od -An -v -tu1 | sed 's/[0-9][0-9]*/&,/g' >$@.tmp && mv $@.tmp $@
