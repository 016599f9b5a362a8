# One convenience archive a layer, bottom up; no source file stands in two.
noinst_LIBRARIES += %reldir%/libbase.a \
	%reldir%/libcore.a \
	%reldir%/libsql.a \
	%reldir%/libgitside.a \
	%reldir%/libdb.a \
	%reldir%/libout.a \
	%reldir%/libflow.a

%canon_reldir%_libbase_a_SOURCES = \
	%reldir%/base/buf.c %reldir%/base/buf.h \
	%reldir%/base/clock.c %reldir%/base/clock.h \
	%reldir%/base/compat.h \
	%reldir%/base/err.c %reldir%/base/err.h \
	%reldir%/base/fault.c %reldir%/base/fault.h \
	%reldir%/base/heap.c %reldir%/base/heap.h \
	%reldir%/base/guard.c %reldir%/base/guard.h \
	%reldir%/base/interrupt.c %reldir%/base/interrupt.h \
	%reldir%/base/io.c %reldir%/base/io.h \
	%reldir%/base/map.c %reldir%/base/map.h \
	%reldir%/base/moment.c %reldir%/base/moment.h \
	%reldir%/base/pool.c %reldir%/base/pool.h \
	%reldir%/base/proc.c %reldir%/base/proc.h \
	%reldir%/base/sha1.c %reldir%/base/sha1.h \
	%reldir%/base/sha256.c %reldir%/base/sha256.h \
	%reldir%/base/source.h \
	%reldir%/base/text.c %reldir%/base/text.h \
	%reldir%/base/vec.h

%canon_reldir%_libcore_a_SOURCES = \
	%reldir%/core/chain.c %reldir%/core/chain.h \
	%reldir%/core/contract.c %reldir%/core/contract.h \
	%reldir%/core/decision.c %reldir%/core/decision.h \
	%reldir%/core/descriptions.c %reldir%/core/descriptions.h \
	%reldir%/core/drill.c %reldir%/core/drill.h \
	%reldir%/core/kept.c %reldir%/core/kept.h %reldir%/core/kept_words.c \
	%reldir%/core/ledger.c %reldir%/core/ledger.h \
	%reldir%/core/links.c %reldir%/core/links.h \
	%reldir%/core/lines.c %reldir%/core/lines.h \
	%reldir%/core/merge.c %reldir%/core/merge.h \
	%reldir%/core/message.c %reldir%/core/message.h \
	%reldir%/core/mirror_index.c %reldir%/core/mirror_index.h \
	%reldir%/core/migration.c %reldir%/core/migration.h \
	%reldir%/core/oid.c %reldir%/core/oid.h \
	%reldir%/core/order.c %reldir%/core/order.h \
	%reldir%/core/past.c %reldir%/core/past.h \
	%reldir%/core/paths.c %reldir%/core/paths.h \
	%reldir%/core/parting.c %reldir%/core/parting.h \
	%reldir%/core/plan.c %reldir%/core/plan.h \
	%reldir%/core/plan_bytes.c %reldir%/core/plan_bytes.h \
	%reldir%/core/policy.c %reldir%/core/policy.h \
	%reldir%/core/policy_kept.c \
	%reldir%/core/policy_new.c \
	%reldir%/core/policy_ties.c %reldir%/core/policy_ties.h \
	%reldir%/core/proof.c %reldir%/core/proof.h \
	%reldir%/core/record.c %reldir%/core/record.h \
	%reldir%/core/record_stream.c %reldir%/core/record_stream.h \
	%reldir%/core/requires.c %reldir%/core/requires.h \
	%reldir%/core/schedule.c %reldir%/core/schedule.h \
	%reldir%/core/schedule_steps.c \
	%reldir%/core/scenario.c %reldir%/core/scenario.h \
	%reldir%/core/schema.c %reldir%/core/schema.h \
	%reldir%/core/ties.c %reldir%/core/ties.h \
	%reldir%/core/trailer.c %reldir%/core/trailer.h \
	%reldir%/core/update.c %reldir%/core/update.h \
	%reldir%/core/verdict.c %reldir%/core/verdict.h

%canon_reldir%_libsql_a_SOURCES = \
	%reldir%/sql/alone.c %reldir%/sql/alone.h \
	%reldir%/sql/backfill.c %reldir%/sql/backfill.h \
	%reldir%/sql/bounds.c %reldir%/sql/bounds.h \
	%reldir%/sql/caret.c %reldir%/sql/caret.h \
	%reldir%/sql/catalog.c %reldir%/sql/catalog.h \
	%reldir%/sql/catalog_tables.c \
	%reldir%/sql/column_text.c %reldir%/sql/column_text.h \
	%reldir%/sql/constraint.c %reldir%/sql/constraint.h \
	%reldir%/sql/data.c \
	%reldir%/sql/effect.c %reldir%/sql/effect.h \
	%reldir%/sql/internal.h \
	%reldir%/sql/enums.c %reldir%/sql/enums.h \
	%reldir%/sql/key.c %reldir%/sql/key.h \
	%reldir%/sql/name.c %reldir%/sql/name.h \
	%reldir%/sql/narrow.c %reldir%/sql/narrow.h \
	%reldir%/sql/objects.c %reldir%/sql/objects.h \
	%reldir%/sql/origin.c %reldir%/sql/origin.h \
	%reldir%/sql/place.c \
	%reldir%/sql/rebuilt.c %reldir%/sql/rebuilt.h \
	%reldir%/sql/lacks.c %reldir%/sql/lacks.h \
	%reldir%/sql/remedy.c %reldir%/sql/remedy.h \
	%reldir%/sql/remedy_text.c %reldir%/sql/remedy_text.h \
	%reldir%/sql/scan.c %reldir%/sql/scan.h \
	%reldir%/sql/query.c %reldir%/sql/query.h \
	%reldir%/sql/server.c %reldir%/sql/server.h \
	%reldir%/sql/split.c %reldir%/sql/split.h \
	%reldir%/sql/table_text.c %reldir%/sql/table_text.h \
	%reldir%/sql/token.c \
	%reldir%/sql/trouble.c %reldir%/sql/trouble.h \
	%reldir%/sql/usage.c %reldir%/sql/usage.h \
	%reldir%/sql/window.c %reldir%/sql/window.h

%canon_reldir%_libgitside_a_CPPFLAGS = $(AM_CPPFLAGS) $(GIT2_CFLAGS) $(ZLIB_CFLAGS)
%canon_reldir%_libgitside_a_SOURCES = \
	%reldir%/git/blob.c %reldir%/git/blob.h \
	%reldir%/git/bloom.c %reldir%/git/bloom.h \
	%reldir%/git/commit_graph.c %reldir%/git/commit_graph.h \
	%reldir%/git/config.c %reldir%/git/config.h \
	%reldir%/git/ancestor.c \
	%reldir%/git/cache.c %reldir%/git/cache.h \
	%reldir%/git/date.c %reldir%/git/date.h \
	%reldir%/git/describe.c %reldir%/git/describe.h \
	%reldir%/git/folders.c %reldir%/git/folders.h \
	%reldir%/git/graph.c %reldir%/git/graph.h \
	%reldir%/git/history.c %reldir%/git/history.h \
	%reldir%/git/tree.c %reldir%/git/tree.h \
	%reldir%/git/internal.h \
	%reldir%/git/listed.c %reldir%/git/listed.h \
	%reldir%/git/lib.c %reldir%/git/lib.h \
	%reldir%/git/internal.h %reldir%/git/limits.h \
	%reldir%/git/notes.c %reldir%/git/notes.h \
	%reldir%/git/notes_delta.c %reldir%/git/notes_delta.h \
	%reldir%/git/pack.c %reldir%/git/pack.h \
	%reldir%/git/objects.c \
	%reldir%/git/place.c \
	%reldir%/git/plain_refs.c %reldir%/git/plain_refs.h \
	%reldir%/git/refs.c \
	%reldir%/git/repo.c %reldir%/git/repo.h \
	%reldir%/git/settings.c \
	%reldir%/git/swap.c

%canon_reldir%_libdb_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(PQ_CFLAGS)
%canon_reldir%_libdb_a_SOURCES = \
	%reldir%/db/dialect.c %reldir%/db/dialect.h \
	%reldir%/db/driver.c %reldir%/db/driver.h \
	%reldir%/db/pg.c %reldir%/db/pg.h %reldir%/db/pg_limit.h \
	%reldir%/db/pg_alone.c \
	%reldir%/db/pg_alone_wait.c \
	%reldir%/db/pg_blockers.c \
	%reldir%/db/pg_cancel.c \
	%reldir%/db/pg_engine.c \
	%reldir%/db/pg_evidence.c \
	%reldir%/db/pg_explain.c \
	%reldir%/db/pg_guest.c \
	%reldir%/db/pg_index.c \
	%reldir%/db/pg_intact.c \
	%reldir%/db/pg_kept.c \
	%reldir%/db/pg_look.c %reldir%/db/pg_look.h \
	%reldir%/db/pg_now.c \
	%reldir%/db/pg_pipe.c \
	%reldir%/db/pg_run.c \
	%reldir%/db/pg_schema.c %reldir%/db/pg_schema.h \
	%reldir%/db/pg_schema_crdb.c \
	%reldir%/db/pg_schema_sql.c \
	%reldir%/db/pg_scratch.c \
	%reldir%/db/pg_script.c \
	%reldir%/db/pg_talk.c \
	%reldir%/db/pg_touched.c \
	%reldir%/db/pg_url.c \
	%reldir%/db/pq.c %reldir%/db/pq.h \
	%reldir%/db/progress.c %reldir%/db/progress.h \
	%reldir%/db/sqlite.c %reldir%/db/sqlite.h \
	%reldir%/db/sqlite_alone.c \
	%reldir%/db/sqlite_check.c %reldir%/db/sqlite_check.h \
	%reldir%/db/sqlite_dry.c \
	%reldir%/db/sqlite_file.c \
	%reldir%/db/sqlite_group.c \
	%reldir%/db/sqlite_heap.c \
	%reldir%/db/sqlite_holders.c \
	%reldir%/db/sqlite_judge.c %reldir%/db/sqlite_judge.h \
	%reldir%/db/sqlite_kept.c \
	%reldir%/db/sqlite_keys.c %reldir%/db/sqlite_keys.h \
	%reldir%/db/sqlite_links.c \
	%reldir%/db/sqlite_now.c \
	%reldir%/db/sqlite_schema.c \
	%reldir%/db/sqlite_script.c \
	%reldir%/db/sqlite_text.c \
	%reldir%/db/sqlite_trace.c \
	%reldir%/db/sqlite_unit.c %reldir%/db/sqlite_unit.h \
	%reldir%/db/sqlite_words.c %reldir%/db/sqlite_words.h \
	%reldir%/db/tracker.c %reldir%/db/tracker.h

%canon_reldir%_libout_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_libout_a_SOURCES = \
	%reldir%/out/arcs.c %reldir%/out/arcs.h \
	%reldir%/out/html.c %reldir%/out/html.h \
	%reldir%/out/json.c %reldir%/out/json.h \
	%reldir%/out/progress.c %reldir%/out/progress.h \
	%reldir%/out/say.c %reldir%/out/say.h \
	%reldir%/out/table.c %reldir%/out/table.h \
	%reldir%/out/term.c %reldir%/out/term.h

%canon_reldir%_libflow_a_SOURCES = \
	%reldir%/flow/alone.c \
	%reldir%/flow/app.c %reldir%/flow/app.h \
	%reldir%/flow/applied.c %reldir%/flow/applied.h \
	%reldir%/flow/apply.c %reldir%/flow/apply.h \
	%reldir%/flow/at.c %reldir%/flow/at.h \
	%reldir%/flow/audit.c %reldir%/flow/audit.h \
	%reldir%/flow/audit_asked.c %reldir%/flow/audit_asked.h \
	%reldir%/flow/audit_history.c %reldir%/flow/audit_history.h \
	%reldir%/flow/audit_log.c %reldir%/flow/audit_log.h \
	%reldir%/flow/audit_order.c %reldir%/flow/audit_order.h \
	%reldir%/flow/audit_story.c %reldir%/flow/audit_story.h \
	%reldir%/flow/backfill.c %reldir%/flow/backfill.h \
	%reldir%/flow/batch.c \
	%reldir%/flow/check.c %reldir%/flow/check.h \
	%reldir%/flow/check_mirror.c %reldir%/flow/check_mirror.h \
	%reldir%/flow/check_paths.c %reldir%/flow/check_paths.h \
	%reldir%/flow/check_tags.c %reldir%/flow/check_tags.h \
	%reldir%/flow/commit_msg.c %reldir%/flow/commit_msg.h \
	%reldir%/flow/decide.c %reldir%/flow/decide.h \
	%reldir%/flow/decide_commands.c \
	%reldir%/flow/decide_data.c %reldir%/flow/decide_parts.h \
	%reldir%/flow/decide_signs.c \
	%reldir%/flow/decide_where.c \
	%reldir%/flow/compat.c %reldir%/flow/compat.h \
	%reldir%/flow/diagnose.c %reldir%/flow/diagnose.h \
	%reldir%/flow/drill.c %reldir%/flow/drill.h \
	%reldir%/flow/drill_begin.c \
	%reldir%/flow/drill_judge.c %reldir%/flow/drill_judge.h \
	%reldir%/flow/drill_kept.c %reldir%/flow/drill_kept.h \
	%reldir%/flow/drill_log.c %reldir%/flow/drill_log.h \
	%reldir%/flow/drill_place.c %reldir%/flow/drill_place.h \
	%reldir%/flow/drill_writers.c %reldir%/flow/drill_writers.h \
	%reldir%/flow/events.c %reldir%/flow/events.h \
	%reldir%/flow/fix.c %reldir%/flow/fix.h \
	%reldir%/flow/fixes.c %reldir%/flow/fixes.h \
	%reldir%/flow/gates.c %reldir%/flow/gates.h \
	%reldir%/flow/job.h \
	%reldir%/flow/join.c %reldir%/flow/join.h \
	%reldir%/flow/log.c %reldir%/flow/log.h \
	%reldir%/flow/log_story.c %reldir%/flow/log_story.h \
	%reldir%/flow/lost.c \
	%reldir%/flow/mirror.c %reldir%/flow/mirror.h \
	%reldir%/flow/mirror_old.c %reldir%/flow/mirror_old.h \
	%reldir%/flow/mirror_paths.c %reldir%/flow/mirror_paths.h \
	%reldir%/flow/parted.c %reldir%/flow/parted.h \
	%reldir%/flow/note_lines.c %reldir%/flow/note_lines.h \
	%reldir%/flow/partly.c %reldir%/flow/partly.h \
	%reldir%/flow/precommit.c %reldir%/flow/precommit.h \
	%reldir%/flow/prepush.c %reldir%/flow/prepush.h \
	%reldir%/flow/preview.c %reldir%/flow/preview.h \
	%reldir%/flow/proofs.c %reldir%/flow/proofs.h \
	%reldir%/flow/push.c %reldir%/flow/push.h \
	%reldir%/flow/ran.c \
	%reldir%/flow/record_make.c %reldir%/flow/record_make.h \
	%reldir%/flow/rehearse.c %reldir%/flow/rehearse.h \
	%reldir%/flow/rehearse_kept.c \
	%reldir%/flow/rehearse_note.c \
	%reldir%/flow/rehearse_parts.c \
	%reldir%/flow/rehearse_same.c \
	%reldir%/flow/rehearse_shape.c \
	%reldir%/flow/rehearsed.c %reldir%/flow/rehearsed.h \
	%reldir%/flow/report.c %reldir%/flow/report.h \
	%reldir%/flow/scratch.c %reldir%/flow/scratch.h \
	%reldir%/flow/scratch_folder.c %reldir%/flow/scratch_folder.h \
	%reldir%/flow/scratch_server.c %reldir%/flow/scratch_server.h \
	%reldir%/flow/seen.c %reldir%/flow/seen.h \
	%reldir%/flow/require.c %reldir%/flow/require.h \
	%reldir%/flow/signed.c %reldir%/flow/signed.h \
	%reldir%/flow/stage.h \
	%reldir%/flow/staged.c %reldir%/flow/staged.h \
	%reldir%/flow/steps.c \
	%reldir%/flow/survey.c %reldir%/flow/survey.h \
	%reldir%/flow/sync.c %reldir%/flow/sync.h \
	%reldir%/flow/tables.c %reldir%/flow/tables.h \
	%reldir%/flow/target.c %reldir%/flow/target.h \
	%reldir%/flow/work.c \
	%reldir%/flow/quiet.c %reldir%/flow/quiet.h \
	%reldir%/flow/trial.c %reldir%/flow/trial.h \
	%reldir%/flow/worktree.c %reldir%/flow/worktree.h

# what is embedded must be there before the first object is made
src/cmd/hook_file.$(OBJEXT): $(embedded_hooks)
src/db/libdb_a-tracker.$(OBJEXT): $(embedded_sql)

bin_PROGRAMS += git-migrate
git_migrate_SOURCES = \
	%reldir%/cmd/apply.c \
	%reldir%/cmd/at.c \
	%reldir%/cmd/audit.c \
	%reldir%/cmd/bounds.c \
	%reldir%/cmd/check.c \
	%reldir%/cmd/cmd.h \
	%reldir%/cmd/decide_print.c %reldir%/cmd/decide_print.h \
	%reldir%/cmd/diagnose.c \
	%reldir%/cmd/drill.c %reldir%/cmd/drill_print.c %reldir%/cmd/drill_print.h \
	%reldir%/cmd/filter.c \
	%reldir%/cmd/findings.c \
	%reldir%/cmd/fix.c \
	%reldir%/cmd/hook.c \
	%reldir%/cmd/hook_file.c %reldir%/cmd/hook_file.h \
	%reldir%/cmd/hook_place.c %reldir%/cmd/hook_place.h \
	%reldir%/cmd/hooks.c %reldir%/cmd/hooks.h \
	%reldir%/cmd/init.c \
	%reldir%/cmd/log.c \
	%reldir%/cmd/log_format.c \
	%reldir%/cmd/log_print.c %reldir%/cmd/log_print.h \
	%reldir%/cmd/main.c \
	%reldir%/cmd/new.c \
	%reldir%/cmd/new_file.c %reldir%/cmd/new_file.h \
	%reldir%/cmd/opt.c %reldir%/cmd/opt.h \
	%reldir%/cmd/owed.c %reldir%/cmd/owed.h \
	%reldir%/cmd/plan.c \
	%reldir%/cmd/plan_print.c %reldir%/cmd/plan_print.h \
	%reldir%/cmd/rehearse.c \
	%reldir%/cmd/rehearse_print.c %reldir%/cmd/rehearse_print.h \
	%reldir%/cmd/report.c \
	%reldir%/cmd/report_html.c \
	%reldir%/cmd/report_print.h \
	%reldir%/cmd/report_text.c \
	%reldir%/cmd/schema.c \
	%reldir%/cmd/setup.c %reldir%/cmd/setup.h \
	%reldir%/cmd/show.c \
	%reldir%/cmd/status.c \
	%reldir%/cmd/sync.c \
	%reldir%/cmd/target.c
# each archive before those it may use
git_migrate_LDFLAGS = $(AM_LDFLAGS) $(EXPORT_LDFLAGS)
git_migrate_LDADD = %reldir%/libflow.a %reldir%/libgitside.a %reldir%/libdb.a \
	%reldir%/libsql.a %reldir%/libout.a %reldir%/libcore.a %reldir%/libbase.a \
	$(ZLIB_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(NETTLE_LIBS) -ldl
