# Installed as examples; those that `init` writes are compiled in.
written_hooks = %reldir%/pre-commit %reldir%/prepare-commit-msg %reldir%/commit-msg \
	%reldir%/pre-push %reldir%/pre-receive
hooksdir = $(pkgdatadir)/hooks
dist_hooks_SCRIPTS = $(written_hooks) %reldir%/update

embedded_hooks = src/hooks/pre-commit.inc src/hooks/prepare-commit-msg.inc \
	src/hooks/commit-msg.inc src/hooks/pre-push.inc src/hooks/pre-receive.inc
BUILT_SOURCES += $(embedded_hooks)
CLEANFILES += $(embedded_hooks)

src/hooks/pre-commit.inc: %reldir%/pre-commit
	$(AM_V_GEN)$(embed)
src/hooks/prepare-commit-msg.inc: %reldir%/prepare-commit-msg
	$(AM_V_GEN)$(embed)
src/hooks/commit-msg.inc: %reldir%/commit-msg
	$(AM_V_GEN)$(embed)
src/hooks/pre-push.inc: %reldir%/pre-push
	$(AM_V_GEN)$(embed)
src/hooks/pre-receive.inc: %reldir%/pre-receive
	$(AM_V_GEN)$(embed)
