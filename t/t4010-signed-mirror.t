#!/bin/sh

test_description='signed commits of the mirror: by git, with the keys of the user'

. "$(dirname "$0")/lib.sh"

ref=refs/notes/migrate/default

test_expect_success 'a repository, and keys' '
	fresh signed &&
	git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	ssh-keygen -q -t ed25519 -N "" -C "" -f .git/t/key &&
	printf "committer@example.com %s\n" "$(cat .git/t/key.pub)" >.git/t/allowed &&
	git config gpg.ssh.allowedSignersFile "$PWD/.git/t/allowed"
'

test_expect_success 'unsigned without a setting' '
	new_migration a "CREATE TABLE a (x);" &&
	git migrate apply >.git/t/out 2>&1 &&
	test_must_fail git verify-commit $ref 2>.git/t/err &&
	! git cat-file commit $ref | grep "^gpgsig"
'

test_expect_success 'ssh: migrate.signNotes' '
	git config migrate.signNotes true && git config gpg.format ssh &&
	git config user.signingKey "$PWD/.git/t/key" &&
	new_migration b "CREATE TABLE b (x);" &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	git verify-commit $ref 2>.git/t/said &&
	grep "^Good \"git\" signature for committer@example.com" .git/t/said &&
	git log -1 --format=%B $ref | grep "^Migrate-Head: default 0000000005 " &&
	git migrate audit >.git/t/out && grep "ok *mirror " .git/t/out &&
	git fsck --strict >.git/t/out 2>&1
'

test_expect_success 'commit.gpgSign counts, and migrate.signNotes overrules it' '
	git config --unset migrate.signNotes && git config commit.gpgSign true &&
	new_migration c "CREATE TABLE c (x);" && git migrate apply >.git/t/out 2>&1 &&
	git verify-commit $ref 2>.git/t/said &&
	git config migrate.signNotes false &&
	new_migration d "CREATE TABLE d (x);" && git migrate apply >.git/t/out 2>&1 &&
	! git cat-file commit $ref | grep "^gpgsig" &&
	git config --unset commit.gpgSign
'

test_expect_success 'a key that cannot sign: the apply stands, the mirror is told and caught up' '
	git config migrate.signNotes true && git config user.signingKey "$PWD/.git/t/nokey" &&
	new_migration e "CREATE TABLE e (x);" &&
	git rev-parse $ref >.git/t/before &&
	git migrate apply >.git/t/out 2>.git/t/err &&
	grep "^warning: the mirror was not written: git commit-tree -S failed" .git/t/err &&
	grep "^hint: .*migrate.signNotes" .git/t/err &&
	git rev-parse $ref >.git/t/after && test_cmp .git/t/before .git/t/after &&
	git config user.signingKey "$PWD/.git/t/key" &&
	git migrate apply >.git/t/out 2>&1 && grep "mirror: 2 records added" .git/t/out &&
	git verify-commit $ref 2>.git/t/said
'

test_expect_success 'gpg' '
	GNUPGHOME=$(mktemp -d) && export GNUPGHOME && chmod 700 "$GNUPGHOME" &&
	test_when_finished "gpgconf --kill all; rm -rf \"$GNUPGHOME\"; unset GNUPGHOME" &&
	gpg --batch --quiet --passphrase "" --quick-generate-key \
		"C O Mitter <committer@example.com>" ed25519 sign never 2>.git/t/gpg &&
	git config gpg.format openpgp && git config --unset user.signingKey &&
	new_migration f "CREATE TABLE f (x);" && git migrate apply >.git/t/out 2>&1 &&
	git verify-commit $ref 2>.git/t/said && grep "Good signature" .git/t/said
'

# A stand-in for gpgsm: what matters is that git runs it, with what is to be signed.
test_expect_success 'x509' '
	cat >.git/t/gpgsm <<-\END &&
	#!/bin/sh
	cat >"$0.signed"
	echo "[GNUPG:] SIG_CREATED " >&2
	printf "%s\n" "-----BEGIN SIGNED MESSAGE-----" x "-----END SIGNED MESSAGE-----"
	END
	chmod +x .git/t/gpgsm &&
	git config gpg.format x509 && git config gpg.x509.program "$PWD/.git/t/gpgsm" &&
	new_migration g "CREATE TABLE g (x);" && git migrate apply >.git/t/out 2>&1 &&
	git cat-file commit $ref | grep -F "BEGIN SIGNED MESSAGE" &&
	grep "^Migrate-Head: default 0000000015 " .git/t/gpgsm.signed
'

test_done
