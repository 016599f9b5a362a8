dist_man_MANS += %reldir%/git-migrate.1 %reldir%/git-migrate-hooks.5 \
	%reldir%/git-migrate-records.5 %reldir%/git-migrate-audit.7
EXTRA_DIST += %reldir%/session.svg
