# The tracker's own schema, as bytes for #include (od and sed are everywhere).
tracker_sqlite = %reldir%/sqlite/0001-tracker.sql
tracker_postgresql = %reldir%/postgresql/0001-tracker.sql
EXTRA_DIST += $(tracker_sqlite) $(tracker_postgresql)

embed = $(MKDIR_P) $(@D) && f=$<; od -An -v -tu1 $$f | sed 's/[0-9][0-9]*/&,/g' >$@.tmp && mv $@.tmp $@

embedded_sql = src/migrations/sqlite-0001.inc src/migrations/postgresql-0001.inc
BUILT_SOURCES += $(embedded_sql)
CLEANFILES += $(embedded_sql)

src/migrations/sqlite-0001.inc: %reldir%/sqlite/0001-tracker.sql
	$(AM_V_GEN)$(embed)
src/migrations/postgresql-0001.inc: %reldir%/postgresql/0001-tracker.sql
	$(AM_V_GEN)$(embed)
