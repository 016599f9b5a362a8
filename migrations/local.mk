# The tracker's own schema, as bytes for #include (od and sed are everywhere).
EXTRA_DIST += %reldir%/sqlite/0001-tracker.sql \
	%reldir%/postgresql/0001-tracker.sql \
	%reldir%/postgresql/0002-session.sql \
	%reldir%/cockroachdb/0001-tracker.sql

embed = $(MKDIR_P) $(@D) && f=$<; od -An -v -tu1 $$f | sed 's/[0-9][0-9]*/&,/g' >$@.tmp && mv $@.tmp $@

embedded_sql = src/migrations/sqlite-0001.inc src/migrations/postgresql-0001.inc \
	src/migrations/postgresql-0002.inc src/migrations/cockroachdb-0001.inc
BUILT_SOURCES += $(embedded_sql)
CLEANFILES += $(embedded_sql)

src/migrations/sqlite-0001.inc: %reldir%/sqlite/0001-tracker.sql
	$(AM_V_GEN)$(embed)
src/migrations/postgresql-0001.inc: %reldir%/postgresql/0001-tracker.sql
	$(AM_V_GEN)$(embed)
src/migrations/postgresql-0002.inc: %reldir%/postgresql/0002-session.sql
	$(AM_V_GEN)$(embed)
src/migrations/cockroachdb-0001.inc: %reldir%/cockroachdb/0001-tracker.sql
	$(AM_V_GEN)$(embed)
