# Installed as examples and compiled in, since `init` writes them.
hook_scripts = %reldir%/pre-commit %reldir%/pre-receive
hooksdir = $(pkgdatadir)/hooks
dist_hooks_SCRIPTS = $(hook_scripts)

embedded_hooks = src/hooks/pre-commit.inc src/hooks/pre-receive.inc
BUILT_SOURCES += $(embedded_hooks)
CLEANFILES += $(embedded_hooks)

src/hooks/pre-commit.inc: %reldir%/pre-commit
	$(AM_V_GEN)$(embed)
src/hooks/pre-receive.inc: %reldir%/pre-receive
	$(AM_V_GEN)$(embed)
