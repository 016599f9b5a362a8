EXTRA_DIST += %reldir%/demo %reldir%/packages.sh %reldir%/test .ci/run \
	%reldir%/git-migrate-completion.bash

# bash looks for it under the name of the command
bashcompletiondir = $(datadir)/bash-completion/completions

install-data-local: install-completion
uninstall-local: uninstall-completion
install-completion:
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	$(INSTALL_DATA) $(srcdir)/%reldir%/git-migrate-completion.bash \
		'$(DESTDIR)$(bashcompletiondir)/git-migrate'
uninstall-completion:
	rm -f '$(DESTDIR)$(bashcompletiondir)/git-migrate'
.PHONY: install-completion uninstall-completion
