# Unit tests: each links its layer and those below it, so that a call upward
# does not link.
unit_tests = \
	%reldir%/unit/test-alone \
	%reldir%/unit/test-arcs \
	%reldir%/unit/test-base \
	%reldir%/unit/test-blob \
	%reldir%/unit/test-bloom \
	%reldir%/unit/test-caret \
	%reldir%/unit/test-chain \
	%reldir%/unit/test-commit-graph \
	%reldir%/unit/test-commit-graph-broken \
	%reldir%/unit/test-decision \
	%reldir%/unit/test-descriptions \
	%reldir%/unit/test-effect \
	%reldir%/unit/test-drill \
	%reldir%/unit/test-guard \
	%reldir%/unit/test-heap \
	%reldir%/unit/test-kept \
	%reldir%/unit/test-ledger \
	%reldir%/unit/test-lines \
	%reldir%/unit/test-message \
	%reldir%/unit/test-mirror-index \
	%reldir%/unit/test-name \
	%reldir%/unit/test-objects \
	%reldir%/unit/test-order \
	%reldir%/unit/test-out \
	%reldir%/unit/test-parting \
	%reldir%/unit/test-pg \
	%reldir%/unit/test-pg-alone \
	%reldir%/unit/test-pg-batch \
	%reldir%/unit/test-pg-lost \
	%reldir%/unit/test-pg-touched \
	%reldir%/unit/test-plan \
	%reldir%/unit/test-policy \
	%reldir%/unit/test-power-loss \
	%reldir%/unit/test-proof \
	%reldir%/unit/test-record \
	%reldir%/unit/test-remedy \
	%reldir%/unit/test-schedule \
	%reldir%/unit/test-scenario \
	%reldir%/unit/test-split \
	%reldir%/unit/test-sqlite \
	%reldir%/unit/test-sqlite-file \
	%reldir%/unit/test-sqlite-run \
	%reldir%/unit/test-trailer \
	%reldir%/unit/test-trouble \
	%reldir%/unit/test-verdict

base_test_libs = src/libbase.a $(CMOCKA_LIBS) $(NETTLE_LIBS)
core_test_libs = src/libcore.a $(base_test_libs)
sql_test_libs = src/libsql.a $(base_test_libs)
git_test_libs = src/libgitside.a src/libcore.a $(base_test_libs) -ldl
db_test_libs = src/libdb.a src/libsql.a src/libcore.a $(base_test_libs) \
	$(SQLITE_LIBS) -ldl
out_test_libs = src/libout.a $(base_test_libs) $(JANSSON_LIBS)

# Questions and batches on one engine or the other.
answers_sources = %reldir%/unit/answers.c %reldir%/unit/answers.h
batch_sources = %reldir%/unit/batch.c %reldir%/unit/batch.h
sqlite_batch_sources = $(answers_sources) $(batch_sources) \
	%reldir%/unit/sqlite-batch.c %reldir%/unit/sqlite-batch.h
pg_fixture_sources = $(answers_sources) \
	%reldir%/unit/pg-fixture.c %reldir%/unit/pg-fixture.h
tracker_test_sources = %reldir%/unit/tracker-tests.c %reldir%/unit/tracker-tests.h
pg_batch_sources = $(batch_sources) $(pg_fixture_sources) \
	%reldir%/unit/pg-batch.c %reldir%/unit/pg-batch.h

test_cppflags = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

%canon_reldir%_unit_test_arcs_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_arcs_SOURCES = %reldir%/unit/test-arcs.c
%canon_reldir%_unit_test_arcs_LDADD = $(out_test_libs)

%canon_reldir%_unit_test_base_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_base_SOURCES = %reldir%/unit/test-base.c
%canon_reldir%_unit_test_base_LDADD = $(base_test_libs)

%canon_reldir%_unit_test_blob_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_blob_SOURCES = %reldir%/unit/test-blob.c \
	%reldir%/unit/sandbox.c %reldir%/unit/sandbox.h
%canon_reldir%_unit_test_blob_LDADD = $(git_test_libs) $(ZLIB_LIBS)

%canon_reldir%_unit_test_bloom_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_bloom_SOURCES = %reldir%/unit/test-bloom.c
%canon_reldir%_unit_test_bloom_LDADD = $(git_test_libs)

%canon_reldir%_unit_test_chain_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_chain_SOURCES = %reldir%/unit/test-chain.c
%canon_reldir%_unit_test_chain_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_commit_graph_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_commit_graph_SOURCES = %reldir%/unit/test-commit-graph.c \
	%reldir%/unit/sandbox.c %reldir%/unit/sandbox.h
%canon_reldir%_unit_test_commit_graph_LDADD = $(git_test_libs)

%canon_reldir%_unit_test_commit_graph_broken_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_commit_graph_broken_SOURCES = \
	%reldir%/unit/test-commit-graph-broken.c \
	%reldir%/unit/sandbox.c %reldir%/unit/sandbox.h
%canon_reldir%_unit_test_commit_graph_broken_LDADD = $(git_test_libs)

%canon_reldir%_unit_test_descriptions_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_descriptions_SOURCES = %reldir%/unit/test-descriptions.c
%canon_reldir%_unit_test_descriptions_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_drill_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_drill_SOURCES = %reldir%/unit/test-drill.c
%canon_reldir%_unit_test_drill_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_guard_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_guard_SOURCES = %reldir%/unit/test-guard.c
%canon_reldir%_unit_test_guard_LDADD = $(base_test_libs)
%canon_reldir%_unit_test_heap_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_heap_SOURCES = %reldir%/unit/test-heap.c
%canon_reldir%_unit_test_heap_LDADD = $(base_test_libs)

%canon_reldir%_unit_test_kept_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_kept_SOURCES = %reldir%/unit/test-kept.c
%canon_reldir%_unit_test_kept_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_ledger_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_ledger_SOURCES = %reldir%/unit/test-ledger.c
%canon_reldir%_unit_test_ledger_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_lines_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_lines_SOURCES = %reldir%/unit/test-lines.c \
	%reldir%/unit/graph.c %reldir%/unit/graph.h
%canon_reldir%_unit_test_lines_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_decision_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_decision_SOURCES = %reldir%/unit/test-decision.c
%canon_reldir%_unit_test_decision_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_message_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_message_SOURCES = %reldir%/unit/test-message.c
%canon_reldir%_unit_test_message_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_mirror_index_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_mirror_index_SOURCES = %reldir%/unit/test-mirror-index.c
%canon_reldir%_unit_test_mirror_index_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_name_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_name_SOURCES = %reldir%/unit/test-name.c
%canon_reldir%_unit_test_name_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_order_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_order_SOURCES = %reldir%/unit/test-order.c \
	%reldir%/unit/graph.c %reldir%/unit/graph.h
%canon_reldir%_unit_test_order_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_parting_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_parting_SOURCES = %reldir%/unit/test-parting.c
%canon_reldir%_unit_test_parting_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_plan_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_plan_SOURCES = %reldir%/unit/test-plan.c
%canon_reldir%_unit_test_plan_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_policy_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_policy_SOURCES = %reldir%/unit/test-policy.c
%canon_reldir%_unit_test_policy_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_proof_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_proof_SOURCES = %reldir%/unit/test-proof.c
%canon_reldir%_unit_test_proof_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_record_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_record_SOURCES = %reldir%/unit/test-record.c
%canon_reldir%_unit_test_record_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_schedule_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_schedule_SOURCES = %reldir%/unit/test-schedule.c
%canon_reldir%_unit_test_schedule_LDADD = $(core_test_libs)
%canon_reldir%_unit_test_scenario_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_scenario_SOURCES = %reldir%/unit/test-scenario.c
%canon_reldir%_unit_test_scenario_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_trailer_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_trailer_SOURCES = %reldir%/unit/test-trailer.c
%canon_reldir%_unit_test_trailer_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_verdict_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_verdict_SOURCES = %reldir%/unit/test-verdict.c
%canon_reldir%_unit_test_verdict_LDADD = $(core_test_libs)

%canon_reldir%_unit_test_trouble_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_trouble_SOURCES = %reldir%/unit/test-trouble.c
%canon_reldir%_unit_test_trouble_LDADD = $(sql_test_libs)
%canon_reldir%_unit_test_effect_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_effect_SOURCES = %reldir%/unit/test-effect.c
%canon_reldir%_unit_test_effect_LDADD = $(sql_test_libs)

%canon_reldir%_unit_test_remedy_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_remedy_SOURCES = %reldir%/unit/test-remedy.c
%canon_reldir%_unit_test_remedy_LDADD = $(sql_test_libs)

%canon_reldir%_unit_test_alone_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_alone_SOURCES = %reldir%/unit/test-alone.c
%canon_reldir%_unit_test_alone_LDADD = $(sql_test_libs)

%canon_reldir%_unit_test_split_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_split_SOURCES = %reldir%/unit/test-split.c
%canon_reldir%_unit_test_split_LDADD = $(sql_test_libs)

%canon_reldir%_unit_test_caret_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_caret_SOURCES = %reldir%/unit/test-caret.c
%canon_reldir%_unit_test_caret_LDADD = $(sql_test_libs)

%canon_reldir%_unit_test_objects_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_objects_SOURCES = %reldir%/unit/test-objects.c
%canon_reldir%_unit_test_objects_LDADD = $(sql_test_libs)

%canon_reldir%_unit_test_pg_CPPFLAGS = $(test_cppflags) $(PQ_CFLAGS)
%canon_reldir%_unit_test_pg_SOURCES = %reldir%/unit/test-pg.c $(pg_batch_sources) \
	$(tracker_test_sources)
%canon_reldir%_unit_test_pg_LDADD = $(db_test_libs)

%canon_reldir%_unit_test_pg_alone_CPPFLAGS = $(test_cppflags) $(PQ_CFLAGS)
%canon_reldir%_unit_test_pg_alone_SOURCES = %reldir%/unit/test-pg-alone.c \
	$(pg_fixture_sources)
%canon_reldir%_unit_test_pg_alone_LDADD = $(db_test_libs)

%canon_reldir%_unit_test_pg_batch_CPPFLAGS = $(test_cppflags) $(PQ_CFLAGS)
%canon_reldir%_unit_test_pg_batch_SOURCES = %reldir%/unit/test-pg-batch.c $(pg_batch_sources)
%canon_reldir%_unit_test_pg_batch_LDADD = $(db_test_libs)

%canon_reldir%_unit_test_pg_lost_CPPFLAGS = $(test_cppflags) $(PQ_CFLAGS)
%canon_reldir%_unit_test_pg_lost_SOURCES = %reldir%/unit/test-pg-lost.c $(pg_batch_sources)
%canon_reldir%_unit_test_pg_lost_LDADD = $(db_test_libs)

%canon_reldir%_unit_test_pg_touched_CPPFLAGS = $(test_cppflags) $(PQ_CFLAGS)
%canon_reldir%_unit_test_pg_touched_SOURCES = %reldir%/unit/test-pg-touched.c \
	$(pg_fixture_sources)
%canon_reldir%_unit_test_pg_touched_LDADD = $(db_test_libs)

%canon_reldir%_unit_test_power_loss_CPPFLAGS = $(test_cppflags) $(SQLITE_CFLAGS) \
	-I$(srcdir)/%reldir%
%canon_reldir%_unit_test_power_loss_SOURCES = %reldir%/unit/test-power-loss.c \
	%reldir%/tools/crash-vfs.c %reldir%/tools/crash-vfs.h
%canon_reldir%_unit_test_power_loss_LDADD = $(db_test_libs)

%canon_reldir%_unit_test_sqlite_CPPFLAGS = $(test_cppflags) $(SQLITE_CFLAGS)
%canon_reldir%_unit_test_sqlite_SOURCES = %reldir%/unit/test-sqlite.c \
	$(sqlite_batch_sources) $(tracker_test_sources)
%canon_reldir%_unit_test_sqlite_LDADD = $(db_test_libs)

%canon_reldir%_unit_test_sqlite_file_CPPFLAGS = $(test_cppflags) $(SQLITE_CFLAGS)
%canon_reldir%_unit_test_sqlite_file_SOURCES = %reldir%/unit/test-sqlite-file.c \
	$(sqlite_batch_sources)
%canon_reldir%_unit_test_sqlite_file_LDADD = $(db_test_libs)

%canon_reldir%_unit_test_sqlite_run_CPPFLAGS = $(test_cppflags) $(SQLITE_CFLAGS)
%canon_reldir%_unit_test_sqlite_run_SOURCES = %reldir%/unit/test-sqlite-run.c \
	$(sqlite_batch_sources)
%canon_reldir%_unit_test_sqlite_run_LDADD = $(db_test_libs)

%canon_reldir%_unit_test_out_CPPFLAGS = $(test_cppflags)
%canon_reldir%_unit_test_out_SOURCES = %reldir%/unit/test-out.c
%canon_reldir%_unit_test_out_LDADD = $(out_test_libs)

# What breaks the program's surroundings, or stands in for a server: t/lib.sh has the
# functions that start them.
check_PROGRAMS += %reldir%/tools/proxy %reldir%/tools/fake-pg
check_LIBRARIES += %reldir%/tools/libwire.a
tool_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/%reldir%
tool_libs = %reldir%/tools/libwire.a src/libbase.a $(NETTLE_LIBS)
%canon_reldir%_tools_libwire_a_CPPFLAGS = $(tool_cppflags)
%canon_reldir%_tools_libwire_a_SOURCES = %reldir%/tools/wire.c %reldir%/tools/wire.h
%canon_reldir%_tools_proxy_CPPFLAGS = $(tool_cppflags)
%canon_reldir%_tools_proxy_SOURCES = %reldir%/tools/proxy.c
%canon_reldir%_tools_proxy_LDADD = $(tool_libs)
%canon_reldir%_tools_fake_pg_CPPFLAGS = $(tool_cppflags)
%canon_reldir%_tools_fake_pg_SOURCES = %reldir%/tools/fake-pg.c \
	%reldir%/tools/fake-table.c %reldir%/tools/fake-table.h
%canon_reldir%_tools_fake_pg_LDADD = $(tool_libs)

# for LD_PRELOAD; without sanitizers in every build, since those want to be first
check_DATA += %reldir%/tools/shim.so
EXTRA_DIST += %reldir%/tools/shim.c
CLEANFILES += %reldir%/tools/shim.so
%reldir%/tools/shim.so: %reldir%/tools/shim.c
	@$(MKDIR_P) $(@D)
	$(AM_V_CCLD)$(CC) -D_GNU_SOURCE -I$(srcdir)/src $(CPPFLAGS) -std=gnu11 \
		$(WARN_CFLAGS) $(CFLAGS) -fPIC -shared $(LDFLAGS) -o $@.tmp \
		$(srcdir)/%reldir%/tools/shim.c -ldl && mv $@.tmp $@

# What the program does.
shell_tests = \
	%reldir%/t0001-commands.t \
	%reldir%/t1000-order.t \
	%reldir%/t1100-fixes.t \
	%reldir%/t1200-shallow.t \
	%reldir%/t1210-repositories.t \
	%reldir%/t1220-start.t \
	%reldir%/t1230-listed.t \
	%reldir%/t1300-plan.t \
	%reldir%/t1310-plan-cache.t \
	%reldir%/t2000-apply.t \
	%reldir%/t2200-crash.t \
	%reldir%/t2210-kill.t \
	%reldir%/t2230-disk-full.t \
	%reldir%/t2300-restored.t \
	%reldir%/t2400-foreign-keys.t \
	%reldir%/t2500-interrupt.t \
	%reldir%/t2600-no-transaction.t \
	%reldir%/t3000-postgresql.t \
	%reldir%/t3010-tracker-session.t \
	%reldir%/t3100-hostile-server.t \
	%reldir%/t3210-lost-commit.t \
	%reldir%/t3220-runners.t \
	%reldir%/t3230-server-dies.t \
	%reldir%/t3300-engines.t \
	%reldir%/t3240-locks.t \
	%reldir%/t4000-mirror.t \
	%reldir%/t4010-signed-mirror.t \
	%reldir%/t4100-log.t \
	%reldir%/t4110-at.t \
	%reldir%/t4120-log-kept.t \
	%reldir%/t4200-sync.t \
	%reldir%/t4210-sync-parted.t \
	%reldir%/t4300-report.t \
	%reldir%/t4400-audit.t \
	%reldir%/t4410-schema.t \
	%reldir%/t4500-json.t \
	%reldir%/t5000-hooks.t \
	%reldir%/t5010-messages.t \
	%reldir%/t5020-fronts.t \
	%reldir%/t5030-rules.t \
	%reldir%/t5040-rule-table.t \
	%reldir%/t5100-hostile.t \
	%reldir%/t5200-init-hooks.t \
	%reldir%/t5210-servers.t \
	%reldir%/t5220-forges.t \
	%reldir%/t5230-ci.t \
	%reldir%/t5110-mirror-push.t \
	%reldir%/t5120-hostile-push.t \
	%reldir%/t6000-demo.t \
	%reldir%/t6010-manual-examples.t \
	%reldir%/t6020-completion.t \
	%reldir%/t6030-audit-manual.t \
	%reldir%/t6040-tutorial.t \
	%reldir%/t7000-scale.t \
	%reldir%/t7100-counts.t \
	%reldir%/t7200-fix.t \
	%reldir%/t7250-diagnose.t \
	%reldir%/t7450-gates.t \
	%reldir%/t7300-backfill.t \
	%reldir%/t7310-backfill-keys.t \
	%reldir%/t7700-stories.t \
	%reldir%/t7400-pairs.t \
	%reldir%/t7410-contracts.t \
	%reldir%/t7420-pairs-crash.t \
	%reldir%/t7600-drill.t \
	%reldir%/t7500-rehearse.t \
	%reldir%/t8000-valgrind.t

# What the sources look like: the same in every build, so one of them is enough
# ("make check static_tests=" leaves them out).
static_tests = \
	%reldir%/t9000-layers.t \
	%reldir%/t9010-functions.t \
	%reldir%/t9020-headers.t \
	%reldir%/t9030-manual.t \
	%reldir%/t9040-shell.t \
	%reldir%/t9050-format.t \
	%reldir%/t9060-cppcheck.t \
	%reldir%/t9070-fuzz.t

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
TESTS += $(shell_tests) $(static_tests)
EXTRA_DIST += $(shell_tests) $(static_tests) \
	%reldir%/lib.sh \
	%reldir%/pairs.sh \
	%reldir%/validate-json.py \
	%reldir%/pg-server.sh \
	%reldir%/layers.awk \
	%reldir%/functions.awk
EXTRA_DIST += %reldir%/fuzz/fuzz-commit-graph.c %reldir%/fuzz/fuzz-core.c \
	%reldir%/fuzz/fuzz-push.c %reldir%/fuzz/fuzz-sql.c %reldir%/lsan.supp
EXTRA_DIST += \
	%reldir%/fuzz/corpus/core/header \
	%reldir%/fuzz/corpus/core/header-odd \
	%reldir%/fuzz/corpus/core/header-quoted \
	%reldir%/fuzz/corpus/core/message \
	%reldir%/fuzz/corpus/core/message-crlf \
	%reldir%/fuzz/corpus/core/message-misplaced \
	%reldir%/fuzz/corpus/core/printable \
	%reldir%/fuzz/corpus/core/record \
	%reldir%/fuzz/corpus/core/record-escape \
	%reldir%/fuzz/corpus/core/record-number \
	%reldir%/fuzz/corpus/core/scenario \
	%reldir%/fuzz/corpus/push/chain \
	%reldir%/fuzz/corpus/push/circle \
	%reldir%/fuzz/corpus/push/continues \
	%reldir%/fuzz/corpus/push/deep \
	%reldir%/fuzz/corpus/push/fanout \
	%reldir%/fuzz/corpus/push/foreign \
	%reldir%/fuzz/corpus/push/fork \
	%reldir%/fuzz/corpus/push/keys-alone \
	%reldir%/fuzz/corpus/push/malformed \
	%reldir%/fuzz/corpus/push/no-ref \
	%reldir%/fuzz/corpus/push/settings \
	%reldir%/fuzz/corpus/push/short \
	%reldir%/fuzz/corpus/push/update \
	%reldir%/fuzz/corpus/sql/bodies.sql \
	%reldir%/fuzz/corpus/sql/bytes.sql \
	%reldir%/fuzz/corpus/sql/command.sql \
	%reldir%/fuzz/corpus/sql/control.sql \
	%reldir%/fuzz/corpus/sql/copy.sql \
	%reldir%/fuzz/corpus/sql/copy-cr.sql \
	%reldir%/fuzz/corpus/sql/dump.sql \
	%reldir%/fuzz/corpus/sql/objects.sql \
	%reldir%/fuzz/corpus/sql/open-paren.sql \
	%reldir%/fuzz/corpus/sql/open-quote.sql \
	%reldir%/fuzz/corpus/sql/quotes.sql \
	%reldir%/fuzz/corpus/sql/strings.sql

TEST_EXTENSIONS = .t
T_LOG_COMPILER = sh
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(T_LOG_DRIVER)
# a script that ends early is seen by its missing plan
T_LOG_DRIVER_FLAGS = --ignore-exit

# An exit status that no test expects: what a sanitizer finds is never taken for
# an answer of the program. (automake wants the last semicolon.)
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; HARNESS_ACTIVE=1; \
	top_builddir='$(abs_top_builddir)'; top_srcdir='$(abs_top_srcdir)'; \
	CC='$(CC)'; \
	ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1; \
	LSAN_OPTIONS='exitcode=99:print_suppressions=0:suppressions=$(abs_top_srcdir)/t/lsan.supp'; \
	UBSAN_OPTIONS=exitcode=99:print_stacktrace=1; \
	export CMOCKA_MESSAGE_OUTPUT HARNESS_ACTIVE top_builddir top_srcdir CC \
		ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS;

AM_DISTCHECK_CONFIGURE_FLAGS = --enable-werror

mostlyclean-local: clean-trash
clean-trash:
	rm -rf %reldir%/trash\ directory.*
.PHONY: clean-trash
