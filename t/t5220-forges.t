#!/bin/sh

test_description='gitolite, and the layouts of GitLab, Gitea and Forgejo'

. "$(dirname "$0")/lib.sh"

# In the clone "app" the branches good (adds a migration) and bad (edits a landed one).
test_expect_success 'setup' '
	git init -q --bare -b main base.git && make_repo app && cd app &&
	new_migration a "CREATE TABLE a (x);" && git push -q ../base.git main &&
	git checkout -q -b good && new_migration b "CREATE TABLE b (x);" &&
	git checkout -q -b bad main && echo "-- later" >>migrations/a.sql && tick &&
	git commit -q -am "edit what landed" && git checkout -q main
'

# server NAME: a copy of the server; its folder is in $server.
server() {
	server=$SHARNESS_TRASH_DIRECTORY/$1
	cp -R "$SHARNESS_TRASH_DIRECTORY/base.git" "$server"
}

refuses() {
	git --git-dir="$server" for-each-ref >before &&
	test_must_fail git push "$@" bad:main >out 2>err &&
	grep "^remote: .*error: migration .a.sql. was edited after it landed \[edited\]" err &&
	git --git-dir="$server" for-each-ref >after && test_cmp before after
}

takes() {
	git push "$@" >out 2>err || {
		cat err
		return 1
	}
}

# update REF: the line that a hook is given for a push of good to main
update() {
	echo "$(git rev-parse main) $(git rev-parse good) refs/heads/main"
}

# shown NAME SECTION: the N-th literal block of a section of git-migrate-hooks(5)
shown() {
	awk -v section="$1" -v nr="$2" '
		/^\.S[sh] / { inside = $0 == section }
		/^\.Ed/ { literal = 0 }
		literal && at == nr { gsub(/\\e/, "\\"); print }
		inside && /^\.Bd/ { literal = 1; at++ }' "$top_srcdir/man/git-migrate-hooks.5"
}

# --- Gitea and Forgejo ----------------------------------------------------------

# Their own script: it gives each program of <hook>.d the input, and counts refusals.
delegate() {
	mkdir -p "$server/hooks/pre-receive.d" &&
	cat >"$server/hooks/pre-receive" <<-\END &&
	#!/bin/sh
	# written by the forge
	input=$(cat) refused=0
	for program in "$GIT_DIR"/hooks/pre-receive.d/*; do
		test -x "$program" || continue
		echo "$input" | "$program" || refused=1
	done
	exit $refused
	END
	printf '#!/bin/sh\ncat >>seen\n' >"$server/hooks/pre-receive.d/gitea" &&
	chmod +x "$server/hooks/pre-receive" "$server/hooks/pre-receive.d/gitea"
}

test_expect_success 'Gitea: init adds one of its programs, and replaces nothing' '
	server gitea.git && delegate && (cd "$server" && find hooks -type f -exec sha256sum {} + | sort) >hooks.before &&
	git -C "$server" migrate init >out 2>&1 &&
	has_line out "installed hooks: pre-receive.d/git-migrate" &&
	cmp "$server/hooks/pre-receive.d/git-migrate" "$top_srcdir/hooks/pre-receive" &&
	refuses "$server" && delegate && git -C "$server" migrate init >out 2>&1 &&
	has_line out "hooks are up to date" && rm -f "$server/seen" && takes "$server" good:main &&
	update | sed "s/^[0-9a-f]*/$(git rev-parse main)/" >expect && test_cmp expect "$server/seen" &&
	git -C "$server" migrate init --hooks=remove >out &&
	(cd "$server" && find hooks -type f -exec sha256sum {} + | sort) >hooks.after && test_cmp hooks.before hooks.after
'

test_expect_success 'Gitea: by hand' '
	server forgejo.git && delegate && cp "$top_srcdir/hooks/pre-receive" "$server/hooks/pre-receive.d/git-migrate" &&
	chmod +x "$server/hooks/pre-receive.d/git-migrate" && refuses "$server" && takes "$server" good:main
'

# --- GitLab -----------------------------------------------------------------------

# As Gitaly: hooks/ is not looked at; the programs of the repository, then those of the
# server, until one refuses, with GitLab's variables.
gitaly() {
	mkdir -p gitaly global/pre-receive.d && cat >gitaly/pre-receive <<-END && chmod +x gitaly/pre-receive
	#!/bin/sh
	GL_ID=user-1 GL_PROJECT_PATH=group/app GL_PROTOCOL=\${GL_PROTOCOL:-ssh} GL_REPOSITORY=project-1 GL_USERNAME=dev
	export GL_ID GL_PROJECT_PATH GL_PROTOCOL GL_REPOSITORY GL_USERNAME
	input=\$(cat)
	for program in "\$PWD"/custom_hooks/pre-receive.d/* "$PWD"/global/pre-receive.d/*; do
		test -x "\$program" || continue
		echo "\$input" | "\$program" || exit 1
	done
	END
	receive_pack="git -c 'core.hooksPath=$PWD/gitaly' receive-pack"
}

test_expect_success 'GitLab: a repository with custom_hooks' '
	gitaly && server gitlab.git && mkdir "$server/custom_hooks" &&
	git -C "$server" migrate init >out 2>&1 &&
	has_line out "installed hooks: custom_hooks/pre-receive.d/git-migrate" &&
	test ! -e "$server/hooks/pre-receive" &&
	printf "#!/bin/sh\ncat >>seen\n" >"$server/custom_hooks/pre-receive.d/zz-last" &&
	chmod +x "$server/custom_hooks/pre-receive.d/zz-last" &&
	refuses --receive-pack="$receive_pack" "$server" && test ! -e "$server/seen" &&
	takes --receive-pack="$receive_pack" "$server" good:main && update >expect &&
	test_cmp expect "$server/seen" && git -C "$server" migrate init --hooks=remove >out &&
	ls "$server/custom_hooks/pre-receive.d" >out && echo zz-last >expect && test_cmp expect out &&
	rm -r "$server/custom_hooks/pre-receive.d" && git -C "$server" migrate init >out 2>&1 &&
	git -C "$server" migrate init --hooks=remove >out && test -z "$(ls "$server/custom_hooks")"
'

test_expect_success 'GitLab: for all repositories of the server' '
	gitaly && server gitlab-all.git && cp "$top_srcdir/hooks/pre-receive" global/pre-receive.d/git-migrate &&
	chmod +x global/pre-receive.d/git-migrate && refuses --receive-pack="$receive_pack" "$server" &&
	takes --receive-pack="$receive_pack" "$server" good:main
'

test_expect_success 'GitLab: what the browser shows' '
	gitaly && server gitlab-web.git && shown ".Ss GitLab" 2 >global/pre-receive.d/git-migrate &&
	grep GL-HOOK-ERR global/pre-receive.d/git-migrate &&
	refuses --receive-pack="$receive_pack" "$server" && grep "^remote: GL-HOOK-ERR: hint: " err &&
	! grep "^remote: [^G]" err && takes --receive-pack="$receive_pack" "$server" good:main
'

# --- gitolite ---------------------------------------------------------------------

if command -v gitolite >/dev/null && command -v ssh >/dev/null; then
	test_set_prereq GITOLITE
fi

# What sshd would run for the key of "admin": its shell, with what the client asks for.
test_expect_success GITOLITE 'gitolite: setup' '
	make_short_dir && gl=$short_dir &&
	shell=$(dirname "$(readlink -f "$(command -v gitolite)")")/gitolite-shell &&
	{ test -x "$shell" || shell=/usr/share/gitolite3/gitolite-shell; } && test -x "$shell" &&
	printf "%s\n" "#!/bin/sh" "for command; do :; done" \
		"exec env -i PATH=\"\$PATH\" HOME=\"$gl\" SSH_CONNECTION=here SSH_ORIGINAL_COMMAND=\"\$command\" $shell admin" >ssh &&
	chmod +x ssh && HOME=$gl gitolite setup -a admin >out 2>&1 &&
	GIT_SSH_COMMAND="'\''$PWD/ssh'\''" && GIT_SSH_VARIANT=ssh && export GIT_SSH_COMMAND GIT_SSH_VARIANT &&
	git clone -q git@server.example:gitolite-admin admin 2>err &&
	printf "repo app\n    RW+ = @all\n" >admin/conf/gitolite.conf.app &&
	cat admin/conf/gitolite.conf.app >>admin/conf/gitolite.conf &&
	git -C admin commit -qam app && git -C admin push -q 2>err &&
	url=git@server.example:app && server=$gl/repositories/app.git &&
	git --git-dir="$server" symbolic-ref HEAD refs/heads/main && git push -q $url main 2>err
'

test_expect_success GITOLITE 'gitolite: pre-receive in hooks/common, as the manual says' '
	shown ".Ss gitolite" 1 | sed "s,/usr/local/share/git-migrate/hooks,\"$top_srcdir/hooks\"," >install &&
	(HOME=$gl && sh -e install) >out 2>&1 && test -h "$server/hooks/pre-receive" &&
	refuses $url && test_must_fail git --git-dir="$server" cat-file -e "$(git rev-parse bad)" &&
	takes $url good:main && takes $url bad:side &&
	git -C admin commit -q --allow-empty -m "still free" && git -C admin push -q 2>err
'

test_expect_success GITOLITE 'gitolite: init in one repository' '
	rm "$gl/.gitolite/hooks/common/pre-receive" "$server/hooks/pre-receive" &&
	git --git-dir="$server" update-ref refs/heads/main "$(git rev-parse main)" &&
	git --git-dir="$server" migrate init >out 2>&1 && has_line out "installed hooks: pre-receive" &&
	refuses $url && (HOME=$gl gitolite setup) >out 2>&1 && refuses $url && takes $url good:main &&
	git --git-dir="$server" migrate init --hooks=remove >out && test -h "$server/hooks/update"
'

test_expect_success GITOLITE 'gitolite: a VREF, as the manual says' '
	git --git-dir="$server" update-ref refs/heads/main "$(git rev-parse main)" &&
	mkdir -p "$gl/local/VREF" && shown ".Ss gitolite" 2 >"$gl/local/VREF/migrate" &&
	chmod +x "$gl/local/VREF/migrate" &&
	sed "s,^%RC = (,&\n    LOCAL_CODE => \"\$ENV{HOME}/local\"\,," "$gl/.gitolite.rc" >rc && cp rc "$gl/.gitolite.rc" &&
	{ sed "/^repo app/,\$d" admin/conf/gitolite.conf && shown ".Ss gitolite" 3; } >conf &&
	cp conf admin/conf/gitolite.conf && git -C admin commit -qam vref && git -C admin push -q 2>err &&
	grep "VREF/migrate" admin/conf/gitolite.conf && refuses $url && takes $url good:main bad:side2
'

test_done
