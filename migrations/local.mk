# The tracker's own schema, as bytes for #include (od and sed are everywhere).
EXTRA_DIST += %reldir%/sqlite/0001-tracker.sql \
	%reldir%/sqlite/0002-progress.sql \
	%reldir%/postgresql/0001-tracker.sql \
	%reldir%/postgresql/0002-session.sql \
	%reldir%/postgresql/0003-progress.sql \
	%reldir%/cockroachdb/0001-tracker.sql \
	%reldir%/cockroachdb/0002-progress.sql

embed = $(MKDIR_P) $(@D) && f=$<; od -An -v -tu1 $$f | sed 's/[0-9][0-9]*/&,/g' >$@.tmp && mv $@.tmp $@

embedded_sql = src/migrations/sqlite-0001.inc src/migrations/sqlite-0002.inc \
	src/migrations/postgresql-0001.inc src/migrations/postgresql-0002.inc \
	src/migrations/postgresql-0003.inc \
	src/migrations/cockroachdb-0001.inc src/migrations/cockroachdb-0002.inc
BUILT_SOURCES += $(embedded_sql)
CLEANFILES += $(embedded_sql)

src/migrations/sqlite-0001.inc: %reldir%/sqlite/0001-tracker.sql
	$(AM_V_GEN)$(embed)
src/migrations/sqlite-0002.inc: %reldir%/sqlite/0002-progress.sql
	$(AM_V_GEN)$(embed)
src/migrations/postgresql-0001.inc: %reldir%/postgresql/0001-tracker.sql
	$(AM_V_GEN)$(embed)
src/migrations/postgresql-0002.inc: %reldir%/postgresql/0002-session.sql
	$(AM_V_GEN)$(embed)
src/migrations/postgresql-0003.inc: %reldir%/postgresql/0003-progress.sql
	$(AM_V_GEN)$(embed)
src/migrations/cockroachdb-0001.inc: %reldir%/cockroachdb/0001-tracker.sql
	$(AM_V_GEN)$(embed)
src/migrations/cockroachdb-0002.inc: %reldir%/cockroachdb/0002-progress.sql
	$(AM_V_GEN)$(embed)
