dist_man_MANS += %reldir%/git-migrate.1 %reldir%/git-migrate-hooks.5 \
	%reldir%/git-migrate-records.5 %reldir%/git-migrate-scenario.5 \
	%reldir%/git-migrate-audit.7 %reldir%/git-migrate-tutorial.7
EXTRA_DIST += %reldir%/session.svg %reldir%/drill.svg

schemasdir = $(pkgdatadir)/schemas
dist_schemas_DATA = %reldir%/schemas/apply.json %reldir%/schemas/at.json \
	%reldir%/schemas/audit.json %reldir%/schemas/check.json \
	%reldir%/schemas/diagnose.json %reldir%/schemas/drill.json %reldir%/schemas/log.json \
	%reldir%/schemas/plan.json %reldir%/schemas/rehearse.json \
	%reldir%/schemas/report.json \
	%reldir%/schemas/schema.json %reldir%/schemas/show.json \
	%reldir%/schemas/status.json %reldir%/schemas/target.json
